"""What `tallyman doctor` looks at: is everything there that this gateway needs?

It looks and changes nothing. While the gateway runs, its readers, sensors and scales are asked for at the gateway's
own status socket: a reader serves one client, and so do many Modbus converters and scale heads.
"""

import asyncio
import errno
import importlib.util
import os
import shutil
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from gateway import config
from gateway.app import devices
from gateway.app.clock import CLOCK_MARK
from gateway.config import Configuration, addresses
from gateway.config.check import unreadable
from gateway.errors import ConfigError, DeviceError, LedgerError, RefusedError, TallymanError

SCARCE, LITTLE = 64 * 1024**2, 1024**3
"""Free bytes of disk: below the first nothing can be promised, below the second it is time to look."""

OLDEST_CLOCK = 1_735_689_600
"""2025-01-01: a clock before this was never set."""

REACH = 3.0
"""Seconds for a TCP connection."""


class Finding(Struct, frozen=True):
    """One thing looked at. `result` ok | warning | failed; `fix` says what to do when it is not ok."""

    check: str
    result: str
    text: str
    fix: str = ""


def ok(check: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(check, "ok", text)


def warning(check: str, text: str, fix: str) -> Finding:
    """The gateway works, not as well as it could."""
    return Finding(check, "warning", text, fix)


def failed(check: str, text: str, fix: str) -> Finding:
    """The gateway, or this part of it, cannot work."""
    return Finding(check, "failed", text, fix)


async def examine(config_path: Path) -> list[Finding]:
    """All findings, in the order in which a gateway needs the things."""
    try:
        configuration = config.load(config_path)
    except ConfigError as error:
        return [failed("configuration", str(problem), "see `tallyman check`") for problem in error.problems]
    findings = [ok("configuration", str(config_path)), *secrets(configuration)]
    if any(one.result == "failed" for one in findings):
        return findings
    status, line = await asyncio.to_thread(gateway_status, configuration)
    findings += [line, state(configuration), clock(), *port(configuration, running=status is not None)]
    findings.append(await asyncio.to_thread(ledger, configuration))
    looks = [*_readers(configuration, status), *_field(configuration, status), *_wires(configuration)]
    for found in await asyncio.gather(*looks):
        findings += found
    return findings


def _there(path: Path) -> bool:
    """Whether it exists; where this user may not look, it may."""
    try:
        return path.exists()
    except PermissionError:
        return True


# -- this machine -----------------------------------------------------------------------------------------------------


def secrets(configuration: Configuration) -> list[Finding]:
    """Every secret the file names can be read by this user."""
    problems = unreadable(configuration)
    count = len(list(configuration.secrets()))
    return [failed("secrets", str(one), "give it, or run this as the gateway's user") for one in problems] or [
        ok("secrets", f"{count} readable" if count else "none needed")
    ]


def gateway_status(configuration: Configuration) -> tuple[dict[str, Any] | None, Finding]:
    """What the running gateway says of itself; None when none runs, or none that this user may ask."""
    from gateway.api.client import Client

    path = configuration.path(configuration.api.socket) if configuration.api.socket else None
    if path is None or not _there(path):
        return None, ok("gateway", "not running: everything is looked at from here")
    if not os.access(path, os.W_OK):
        return None, warning("gateway", f"{path} may not be used by this user", "join the group tallyman")
    try:
        with Client(path) as client:
            status: dict[str, Any] = client.request("status")["status"]
    except (TallymanError, OSError, KeyError, msgspec.DecodeError):
        return None, warning("gateway", f"{path} is there and nobody answers", "start the gateway: it clears this away")
    return status, ok("gateway", f"running, pid {status.get('pid')}: {status.get('line')}")


def state(configuration: Configuration) -> Finding:
    """The state directory can be written and has room."""
    directory = configuration.state
    there = directory
    while not _there(there) and there != there.parent:
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return failed(
            "state", f"{directory} cannot be written by this user", "make it, and give it to the gateway's user"
        )
    free = shutil.disk_usage(there).free
    text = f"{directory}{'' if there == directory else ' (made at the first start)'}, {free / 1024**3:.1f} GiB free"
    if free < SCARCE:
        return failed("state", text, "make room: events cannot be kept")
    return warning("state", text, "make room before it is used up") if free < LITTLE else ok("state", text)


def clock() -> Finding:
    """The clock was set, and from the network as far as anybody can tell."""
    if time.time() < OLDEST_CLOCK:
        return failed("clock", f"it shows {time.strftime('%Y-%m-%d')}", "set it, and give this machine NTP")
    if CLOCK_MARK.exists():
        return ok("clock", "set from the network")
    return warning(
        "clock", "nothing says that it was set from the network", "enable systemd-timesyncd, or check chrony yourself"
    )


def port(configuration: Configuration, *, running: bool) -> Iterator[Finding]:
    """The HTTP port is free, or ours."""
    listen = addresses.listen(configuration.api.listen)
    if listen is None:
        yield ok("http", "off")
        return
    name = configuration.api.listen
    if running:
        yield ok("http", f"{name} is the running gateway's")
        return
    with socket.socket(socket.AF_INET6 if ":" in listen.host else socket.AF_INET) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((listen.host, listen.port))
        except OSError as error:
            fix = "end what uses it, or set [api] listen" if error.errno == errno.EADDRINUSE else "set [api] listen"
            yield failed("http", f"{name}: {error.strerror or error}", fix)
        else:
            yield ok("http", f"{name} is free")


def ledger(configuration: Configuration) -> Finding:
    """The ledger opens for reading, where there is one already."""
    from gateway.ledger.queries import View

    if configuration.ledger.url is None and not _there(configuration.state / "ledger.db"):
        return ok("ledger", "none yet: made at the first start")
    try:
        view = View.read(configuration.ledger_url, site=configuration.site.id, gateway=configuration.gateway.id)
    except LedgerError as error:
        return failed("ledger", str(error), "run this as the gateway's user, restore it, or read [ledger] url again")
    try:
        counts = view.outbox_counts()
    except LedgerError as error:
        return failed("ledger", str(error), "restore it from its backup")
    finally:
        view.close()
    text = f"readable; {counts['pending'] or 0} events wait"
    if counts["parked"]:
        return warning("ledger", f"{text}, {counts['parked']} are parked", "see `tallyman outbox`")
    return ok("ledger", text)


# -- the field --------------------------------------------------------------------------------------------------------


def _told(check: str, device: str, status: dict[str, Any]) -> list[Finding]:
    """What the running gateway says of a device that is its to talk to."""
    part = status.get("components", {}).get(device)
    if part is None:
        return [warning(check, "the running gateway does not know it", "restart the gateway with this file")]
    text = f"in use by the running gateway: {part['state']}" + (f", {part['detail']}" if part["detail"] else "")
    if part["state"] == "up":
        found = ok(check, text)
    else:
        result = warning if part["state"] == "starting" else failed
        found = result(check, text, "see the gateway's log")
    return [found] + [
        warning(check, f"{name.partition('/')[2]}: {piece['state']}, {piece['detail']}", "")
        for name, piece in sorted(status["components"].items())
        if name.startswith(f"{device}/") and piece["state"] != "up"
    ]


async def _at_once(findings: list[Finding]) -> list[Finding]:
    return findings


def _readers(configuration: Configuration, status: dict[str, Any] | None) -> Iterator[Awaitable[list[Finding]]]:
    kinds = {reader.id: reader.kind for reader in configuration.readers}
    for settings in devices.reader_settings(configuration):
        check = f"reader {settings.id}"
        if status is not None:
            yield _at_once(_told(check, settings.id, status))
        else:
            yield _reader(check, settings, kinds[settings.id])


async def _reader(check: str, settings: Any, kind: str) -> list[Finding]:
    """First contact with one reader: what it is, then everything odd."""
    from gateway.readers.llrp.probe import probe
    from gateway.readers.sllurp_driver import beyond

    findings = []
    if kind == "sllurp":
        if importlib.util.find_spec("sllurp") is None:
            findings.append(
                failed(check, "sllurp is not installed", 'pip install "tallyman[sllurp]", or kind = "llrp"')
            )
        findings += [
            warning(check, f"the sllurp driver cannot do it: {wish}", 'kind = "llrp" can') for wish in beyond(settings)
        ]
    try:
        found = await probe(settings, greet=REACH)
    except DeviceError as error:
        text = str(error).removeprefix(f"{settings.id}: ")
        return [*findings, failed(check, text, "check power, cable, address and that LLRP is on")]
    at = f"{found.host}:{found.port}"
    if not found.free:
        return [*findings, failed(check, f"{at}: {found.warnings[0]}", "disconnect the other client")]
    connected = sum(1 for antenna in found.antennas if antenna.connected)
    what = f"{found.manufacturer} model {found.model}, firmware {found.firmware}, {found.country}"
    known = (
        f"{connected} of {len(found.antennas)} antennas connected" if connected else f"{len(found.antennas)} antennas"
    )
    findings.append(ok(check, f"{at}: {what}, {known}"))
    return findings + [warning(check, text, "") for text in found.warnings]


def _field(configuration: Configuration, status: dict[str, Any] | None) -> Iterator[Awaitable[list[Finding]]]:
    """Sensors and scales: what the gateway says, else whether their address takes a connection."""
    seen: set[tuple[str, int]] = set()
    for sensor in configuration.sensors:
        if status is not None:
            yield _at_once(_told(f"sensor {sensor.id}", sensor.id, status))
        elif (sensor.address.host, sensor.address.port) not in seen:
            seen.add((sensor.address.host, sensor.address.port))
            yield _reached(f"sensor {sensor.id}", sensor.address.host, sensor.address.port)
    for scale in configuration.scales:
        address = scale.address
        if status is not None:
            yield _at_once(_told(f"scale {scale.id}", scale.id, status))
        elif isinstance(address, addresses.Endpoint):
            yield _reached(f"scale {scale.id}", address.host, address.port)
        else:
            yield _at_once([_serial(f"scale {scale.id}", address.device)])


async def _reached(check: str, host: str, port: int) -> list[Finding]:
    """Whether a TCP connection can be made; it is closed at once."""
    at, fix = f"{host}:{port}", "check power, cable and address"
    try:
        async with asyncio.timeout(REACH):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return [failed(check, f"{at} does not answer within {REACH:g} s", fix)]
    except (OSError, UnicodeError) as error:
        return [failed(check, f"{at}: {getattr(error, 'strerror', None) or error}", fix)]
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return [ok(check, f"{at} takes connections")]


def _serial(check: str, device: str) -> Finding:
    if not os.path.exists(device):
        return failed(check, f"{device} is not there", "plug it in; a name below /dev/serial/by-id stays the same")
    if not os.access(device, os.R_OK | os.W_OK):
        return failed(check, f"{device} may not be used by this user", "join the group dialout")
    return ok(check, f"{device} can be used")


def _wires(configuration: Configuration) -> Iterator[Awaitable[list[Finding]]]:
    """The broker of central and the telemetry server, as far as they are configured."""
    from gateway.uplink import reach

    mqtt, influx = devices.mqtt(configuration), devices.influxdb(configuration)
    if mqtt is None:
        yield _at_once([ok("mqtt", "not configured: events are kept, not sent")])
    else:
        broker = mqtt
        yield _wire("mqtt", f"{broker.host}:{broker.port}", lambda: reach.broker(broker))
    if influx is not None:
        server = influx
        yield _wire("influxdb", server.url, lambda: reach.influxdb(server))


async def _wire(check: str, at: str, look: Callable[[], Awaitable[str]]) -> list[Finding]:
    try:
        return [ok(check, f"{at} answers, {await look()}")]
    except DeviceError as error:
        fix = (
            "the server is there: check what it was given"
            if isinstance(error, RefusedError)
            else "check url and network"
        )
        return [failed(check, str(error).removeprefix(f"{check}: "), fix)]
