"""`tallyman-sim reader`: a reader as a process of its own, driven by JSON lines."""

import asyncio
import json
import ssl
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

import click

from simulators.lines import commands, say
from simulators.llrp.profiles import PROFILES
from simulators.llrp.reader import Reader

EXPECTED = "expected see, gpi, plug, sin, drop or stop"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--name", default="reader", show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=5084, show_default=True, help="0 takes a free one")
@click.option("--profile", type=click.Choice([*PROFILES]), default="plain", show_default=True, help="whose reader")
@click.option("--antennas", type=click.IntRange(1, 64), default=None, help="instead of the profile's")
@click.option("--tag", "tags", multiple=True, help="EPC in hex, seen by every antenna in turn; repeatable")
@click.option("--rate", default=10.0, show_default=True, help="reads per second of all --tag together")
@click.option("--sin", "sins", multiple=True, metavar="NAME[=VALUE]", help="misbehave from the start; repeatable")
@click.option("--certificate", type=click.Path(exists=True, dir_okay=False), help="PEM: speak TLS with it")
@click.option("--key", type=click.Path(exists=True, dir_okay=False), help="its key  [default: in the same file]")
@click.option("--client-ca", type=click.Path(exists=True, dir_okay=False), help="want a client certificate of this CA")
def reader(
    name: str,
    host: str,
    port: int,
    profile: str,
    antennas: int | None,
    tags: Sequence[str],
    rate: float,
    sins: Sequence[str],
    certificate: str | None,
    key: str | None,
    client_ca: str | None,
) -> None:
    """An LLRP reader. Lines on stdin make it report: {"see":[epc,antenna,rssi]}, {"gpi":[port,level]},
    {"plug":[antenna,connected]}, {"sin":{name:value}}, {"drop":true}; outputs that are written come as lines.
    """
    simulated = Reader(name, profile=profile, **({} if antennas is None else {"antennas": antennas}))
    try:
        for text in sins:
            sin, _, value = text.partition("=")
            simulated.sins.switch(sin, value or True)
        for tag in tags:
            bytes.fromhex(tag)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if rate <= 0:
        raise click.UsageError("--rate is reads per second, more than 0")
    sys.exit(asyncio.run(_serve(simulated, host, port, _tls(certificate, key, client_ca), tags, rate)))


def _tls(certificate: str | None, key: str | None, client_ca: str | None) -> ssl.SSLContext | None:
    if certificate is None:
        if key or client_ca:
            raise click.UsageError("--key and --client-ca need a --certificate")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_ca)
    except (OSError, ssl.SSLError) as error:
        raise click.UsageError(f"certificate, key or CA cannot be used: {error}") from None
    return context


async def _serve(
    simulated: Reader, host: str, port: int, tls: ssl.SSLContext | None, tags: Sequence[str], rate: float
) -> int:
    incoming = commands()
    simulated.on_gpo = lambda output, level: say(gpo=output, level=level)
    try:
        bound = await simulated.start(host, port, tls)
    except OSError as error:
        click.echo(f"cannot listen on {host}:{port}: {error}", err=True)
        return 1
    say(ready=True, llrp=bound, profile=simulated.profile.name)
    showing = asyncio.create_task(_show(simulated, tags, rate))
    try:
        await _obey(simulated, incoming)
    finally:
        showing.cancel()
        await simulated.stop()
    return 0


async def _show(simulated: Reader, tags: Sequence[str], rate: float) -> None:
    turn = 0
    while tags:
        await asyncio.sleep(1 / rate)
        simulated.see(tags[turn % len(tags)], turn // len(tags) % simulated.profile.antennas + 1)
        turn += 1


async def _obey(simulated: Reader, incoming: AsyncIterator[dict[str, Any]]) -> None:
    async for command in incoming:
        if command.get("stop") is True:
            return
        try:
            _act(simulated, command)
        except (KeyError, TypeError, ValueError) as error:
            say(error=f"{json.dumps(command)}: {error}; {EXPECTED}")


def _act(simulated: Reader, command: dict[str, Any]) -> None:
    match command:
        case {"see": list() as seen}:
            say(seen=simulated.see(*seen))
        case {"gpi": [int() as port, bool() as level]}:
            simulated.gpi(port, level)
        case {"plug": [int() as antenna, bool() as connected]}:
            simulated.plug(antenna, connected)
        case {"sin": dict() as sins}:
            for name, value in sins.items():
                simulated.sins.switch(name, value)
        case {"drop": True}:
            simulated.drop()
        case _:
            raise ValueError("not understood")
