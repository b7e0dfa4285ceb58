"""`tallyman llrp probe`: first contact with one reader, or with all readers of a network."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from gateway.errors import ConfigError, DeviceError

if TYPE_CHECKING:
    from gateway.readers.llrp.settings import ReaderSettings


@click.command()
@click.argument("target", metavar="HOST[:PORT] | HOST/CIDR | READER")
@click.option(
    "-c", "--config", "config_path", type=click.Path(path_type=Path, dir_okay=False), help="File that has READER."
)
@click.option("--port", type=click.IntRange(1, 65535), help="LLRP port; 5084, with TLS 5085.")
@click.option("--tls", is_flag=True, help="LLRP over TLS, as in llrps://HOST.")
@click.option("--ca", type=click.Path(dir_okay=False), help="PEM file of who made the reader's certificate.")
@click.option("--certificate", type=click.Path(dir_okay=False), help="PEM file of ours, for a reader that asks for it.")
@click.option("--key", type=click.Path(dir_okay=False), help="PEM file of its key.")
@click.option(
    "--timeout", type=click.FloatRange(0.05, 60), default=None, help="Seconds for the greeting; 1 in a network, else 5."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per reader, for machines.")
def probe(
    target: str,
    config_path: Path | None,
    port: int | None,
    tls: bool,
    ca: str | None,
    certificate: str | None,
    key: str | None,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Ask a reader what it is, and say what is odd and what we would set; nothing is set. In a network (/22 at most)
    only readers are listed. With -c the id of a reader in that file does, and its settings are compared.

    Exit 1 when no reader answers.
    """
    from msgspec import structs

    from gateway.readers.llrp.probe import ScanError, addresses
    from gateway.readers.llrp.settings import ReaderSettings

    if (certificate is None) is not (key is None):
        raise click.UsageError("--certificate and --key belong together")
    tls = tls or target.startswith("llrps://")
    target = target.removeprefix("llrp://").removeprefix("llrps://").rstrip("/")
    default = port or (5085 if tls else 5084)
    settings = ReaderSettings(target, target, default, tls=tls, ca_file=ca, cert_file=certificate, key_file=key)
    try:
        hosts = addresses(target)
    except ScanError as error:
        raise click.UsageError(str(error)) from None
    if config_path is not None:
        settings = _configured(config_path, target)
        hosts = (settings.host,)
    elif "/" not in target:
        host, number = _split(target, default)
        settings = structs.replace(settings, host=host, port=number)
        hosts = (host,)
    try:
        found = asyncio.run(_listed(hosts, settings, timeout, as_json))
    except DeviceError as error:
        click.echo(f"tallyman: {error}", err=True)
        sys.exit(1)
    if len(hosts) > 1:
        click.echo(f"{found} of {len(hosts)} addresses are LLRP readers", err=True)
    sys.exit(0 if found else 1)


async def _listed(hosts: tuple[str, ...], settings: "ReaderSettings", timeout: float | None, as_json: bool) -> int:
    """Print what is found as it comes; how many there were. Raises DeviceError for a single host that is no reader."""
    from gateway.readers.llrp.probe import probe as look
    from gateway.readers.llrp.probe import scan
    from gateway.readers.llrp.survey import Survey, lines

    def show(survey: Survey) -> None:
        for line in [msgspec.json.encode(survey).decode()] if as_json else lines(survey):
            click.echo(line)

    if len(hosts) == 1:
        show(await look(settings, greet=5.0 if timeout is None else timeout))
        return 1
    found = 0
    async for survey in scan(hosts, settings, greet=1.0 if timeout is None else timeout):
        show(survey)
        found += 1
    return found


def _configured(config_path: Path, reader: str) -> "ReaderSettings":
    """What a configuration wants of a reader; exit 2 when it is wrong or does not know it."""
    from gateway import config
    from gateway.app import devices

    try:
        known = {wanted.id: wanted for wanted in devices.reader_settings(config.load(config_path))}
    except ConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    if reader not in known:
        raise click.UsageError(f"{config_path} has no reader {reader}; it has {', '.join(known) or 'none'}")
    return known[reader]


def _split(target: str, port: int) -> tuple[str, int]:
    """`host:port`, `[::1]:port` or a bare host, also a bare IPv6 address."""
    host, colon, number = target.rpartition(":")
    if colon and number.isdecimal() and (":" not in host or host.endswith("]")):
        return host.strip("[]"), int(number)
    return target.strip("[]"), port
