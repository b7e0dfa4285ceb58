"""What the tests of the whole daemon share: the gateway as a process, a dock of simulated readers, central, documents.

Loaded by path from the test modules (they are not a package). Times are short so that a pallet takes half a second.
"""

import asyncio
import contextlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.ledger.queries import View
from simulators import epc
from simulators.central import Central, Document
from simulators.llrp import Reader

_spec = importlib.util.spec_from_file_location("uplink_bench", Path(__file__).parents[1] / "uplink_bench.py")
uplink_bench = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(uplink_bench)
Broker, Relay, free_port = uplink_bench.Broker, uplink_bench.Relay, uplink_bench.free_port

SITE, GATEWAY = "test-site", "gw-1"
BASE = f"tallyman/v1/{SITE}"
GTIN, LOT = "09520001123450", "A42-2610"
PREFIX = 7
"""Digits of the GS1 company prefix 9520001."""


LOUD = (-58, -49, -46, -55)
"""dBm at an antenna of what goes by it."""


async def until(condition: Callable[[], Any], within: float = 30.0, what: str = "") -> Any:
    """Wait until `condition()` is true, and return what it gave."""
    end = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {within:g} s: {what or condition}"
        await asyncio.sleep(0.02)
    return found


@contextlib.contextmanager
def place() -> Iterator[Path]:
    """A directory whose path is short enough for a unix socket (108 bytes, unix(7)), removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="tm-", ignore_cleanup_errors=True) as name:
        yield Path(name)


# --- the gateway ----------------------------------------------------------------------------------------------------


class Gateway:
    """`tallyman run` as a process of its own. Its log goes into `gateway.log` beside the configuration."""

    def __init__(self, folder: Path, config: str, **environment: str) -> None:
        self.folder = folder
        self.config = folder / "tallyman.toml"
        self.config.write_text(config)
        self.log = folder / "gateway.log"
        self.state = folder / "state"
        self.http = 0
        self.environment = os.environ | {"PYTHONFAULTHANDLER": "1"} | environment
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0

    def unmeasured(self) -> None:
        """Start it without coverage from now on: a killed process tells nothing of it anyway."""
        self.environment = {name: value for name, value in self.environment.items() if not name.startswith("COV")}

    def spawn(self) -> None:
        """Start it; do not wait."""
        self.log.touch()
        self._began = self.log.stat().st_size
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "run", "-c", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
            )

    async def start(self, within: float = 60.0) -> "Gateway":
        """Start it and wait until it says that it is ready."""
        self.spawn()
        await self.ready(within)
        return self

    async def ready(self, within: float = 60.0) -> None:
        """Wait until this start says that it is ready."""
        line = await until(lambda: self.said("ready") or self.exited, within, "ready")
        assert isinstance(line, dict), f"the gateway ended: {self.last_line()}"
        self.http = line["http"]

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exited(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def lines(self) -> list[str]:
        """What this start has written."""
        return self.log.read_bytes()[self._began :].decode().splitlines()

    def last_line(self) -> str:
        return self.lines()[-1] if self.lines() else ""

    def said(self, event: str) -> dict[str, Any] | None:
        """The first log record of this start with that event."""
        for line in self.lines():
            with contextlib.suppress(ValueError):
                record = json.loads(line)
                if record.get("event") == event:
                    return record
        return None

    async def exit(self, within: float = 60.0) -> int:
        """Wait for its end, patiently: the machine may be busy; the exit code."""
        process = self._process
        assert process is not None
        try:
            await until(lambda: self.exited, within, "exit")
        except AssertionError:
            process.send_signal(signal.SIGABRT)  # with PYTHONFAULTHANDLER: its threads' stacks
            process.wait()
            text = "\n".join(self.lines()[-60:])
            raise AssertionError(f"the gateway did not end within {within:g} s:\n{text}") from None
        return process.returncode

    async def stop(self) -> int:
        """SIGTERM, and the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return await self.exit()

    async def kill(self) -> None:
        """SIGKILL: a supported way to stop."""
        assert self._process is not None
        self._process.kill()
        await self.exit()

    async def close(self) -> None:
        """Let nothing run on, whatever the test did."""
        if self.running:
            await self.stop()

    async def get(self, path: str) -> tuple[int, str]:
        """An HTTP GET on its API: status and body."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.http)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            answer = (await reader.read()).decode()
        finally:
            writer.close()
            await writer.wait_closed()
        head, _, body = answer.partition("\r\n\r\n")
        return int(head.split()[1]), body

    async def readyz(self) -> dict[str, Any]:
        """What /readyz says, whatever its status."""
        return json.loads((await self.get("/readyz"))[1])

    async def component(self, name: str, state: str, within: float = 30.0) -> dict[str, Any]:
        """Wait until /readyz shows a component in that state."""
        end = time.monotonic() + within
        while True:
            found = (await self.readyz())["components"].get(name, {})
            if found.get("state") == state:
                return found
            assert time.monotonic() < end, f"{name} is not {state}: {found}"
            await asyncio.sleep(0.05)

    async def cli(self, *arguments: str) -> "Said":
        """A `tallyman` command beside this gateway: in this process, which saves its start; no terminal either way."""
        result = await asyncio.to_thread(_invoke, self.config, arguments)
        return Said(result.exit_code, result.stdout, result.stderr)

    @contextlib.contextmanager
    def view(self) -> Iterator[View]:
        """The ledger, read beside the gateway."""
        view = View.read(f"sqlite:///{self.state / 'ledger.db'}", site=SITE, gateway=GATEWAY)
        try:
            yield view
        finally:
            view.close()

    def stock(self) -> list[dict[str, str]]:
        """The ledger's stock in the form of central's inventory."""
        names = ("gtin", "lot", "location", "status", "quantity", "unit")
        with self.view() as view:
            return [{name: row[name] for name in names} for row in view.stock() if row["quantity"] != "0"]

    def movements(self) -> list[dict[str, Any]]:
        """Every movement in the ledger, oldest first."""
        with self.view() as view:
            return view.movements(limit=100_000)[::-1]

    async def moved(self, count: int, within: float = 60.0) -> list[dict[str, Any]]:
        """Wait until the ledger holds so many movements; all of them."""
        await until(lambda: len(self.movements()) >= count, within, f"{count} movements")
        return self.movements()


_ONE_AT_A_TIME = threading.Lock()
"""CliRunner swaps the environment and the streams of the whole process and puts back what it found: of two that
overlap, one would put back the other's for good."""


def _invoke(configured: Path, arguments: Sequence[str]) -> Result:
    runner = CliRunner(env={"COLUMNS": "200", "TALLYMAN_CONFIG": str(configured)})
    with _ONE_AT_A_TIME:
        return runner.invoke(main, arguments, catch_exceptions=False)


@contextlib.asynccontextmanager
async def unstarted(folder: Path, config: str, **environment: str) -> AsyncIterator[Gateway]:
    """A gateway that is not started yet, and does not run on."""
    daemon = Gateway(folder, config, **environment)
    try:
        yield daemon
    finally:
        await daemon.close()


@contextlib.asynccontextmanager
async def gateway(folder: Path, config: str, **environment: str) -> AsyncIterator[Gateway]:
    """A gateway, ready."""
    async with unstarted(folder, config, **environment) as daemon:
        await daemon.start()
        yield daemon


@dataclass
class Said:
    """What a command said."""

    code: int
    out: str
    err: str

    def rows(self) -> list[dict[str, Any]]:
        """Its JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


async def tallyman(*arguments: str, **environment: str) -> Said:
    """Run a `tallyman` command to its end."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"COLUMNS": "200"} | environment,
    )
    out, err = await child.communicate()
    assert child.returncode is not None
    return Said(child.returncode, out.decode(), err.decode())


class Watcher:
    """A watcher on the command socket: every outcome line from `async with` on, as it is committed."""

    def __init__(self, daemon: Gateway) -> None:
        self.daemon = daemon
        self.lines: list[str] = []

    async def __aenter__(self) -> "Watcher":
        path = self.daemon.folder / "t.sock"
        reader, self._writer = await asyncio.open_unix_connection(str(path), limit=1 << 22)
        self._writer.write(b'{"name":"watch"}\n')
        assert json.loads(await reader.readline()) == {"ok": True}
        self._reading = asyncio.create_task(self._read(reader))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def ended(self) -> None:
        """Wait until the gateway hangs up."""
        async with asyncio.timeout(10):
            await self._reading

    async def _read(self, reader: asyncio.StreamReader) -> None:
        async for line in reader:
            self.lines.append(line.decode().rstrip("\n"))

    def kinds(self, kind: str) -> list[dict[str, Any]]:
        """The lines of one kind, parsed."""
        return [found for line in self.lines if (found := json.loads(line))["kind"] == kind]


# --- configuration --------------------------------------------------------------------------------------------------

DOOR = """
[[reader]]
id = "{reader}"
url = "llrp://127.0.0.1:{port}"
keepalive = "1s"

[[portal]]
id = "{portal}"
location = "cold-2"
preset = "dock-2-antenna"
quiet = "{quiet}"
settle = "{settle}"
antennas = [
  {{ reader = "{reader}", port = 1, row = "outer" }},
  {{ reader = "{reader}", port = 2, row = "inner" }},
]
eyes = [
  {{ reader = "{reader}", port = 1, row = "outer" }},
  {{ reader = "{reader}", port = 2, row = "inner" }},
]
lights = {{ reader = "{reader}", green = 1, red = 2, amber = 3, hold = "{hold}" }}
"""


def configuration(
    readers: dict[str, int],
    *,
    mqtt: int | None = None,
    more: str = "",
    quiet: str = "200ms",
    settle: str = "100ms",
    hold: str = "300ms",
) -> str:
    """A configuration with one dock door (`dock-1` …) per reader (`reader-1` …, id → port)."""
    text = f"""[site]
id = "{SITE}"
timezone = "Europe/Berlin"
gln = "9521141123454"

[gateway]
id = "{GATEWAY}"
state = "state"

[[location]]
id = "cold-2"
kind = "cold_room"

[api]
listen = "127.0.0.1:0"
socket = "t.sock"

[log]
format = "json"
"""
    for reader, port in readers.items():
        portal = reader.replace("reader", "dock")
        text += DOOR.format(reader=reader, port=port, portal=portal, quiet=quiet, settle=settle, hold=hold)
    if mqtt is not None:
        text += f'\n[mqtt]\nurl = "mqtt://127.0.0.1:{mqtt}"\n'
    return text + more


CLIMATE = """
[[profile]]
id = "two-registers"
fields = [
  {{ name = "temperature", address = 0, scale = 0.1, unit = "Cel" }},
  {{ name = "humidity", address = 1, scale = 0.1, unit = "%" }},
]

[[sensor]]
id = "cold-2-a"
location = "cold-2"
url = "modbus+tcp://127.0.0.1:{port}/1"
profile = "two-registers"
poll = "100ms"

[[alarm]]
id = "cold-2-warm"
sensor = "cold-2-a"
quantity = "temperature"
high = 8.0
deadband = 0.5
on_delay = "300ms"
off_delay = "300ms"
hold = true
"""
"""A sensor on a Modbus slave, and a limit that holds lots."""


# --- goods ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pallet:
    """Pallet `number`: its SSCC and `cases` tagged cases with serials of their own. All of one lot."""

    number: int
    cases: int = 3
    lot: str = LOT

    @property
    def sscc(self) -> str:
        body = f"09520001{self.number:09d}"
        return body + epc.check_digit(body)

    @property
    def first(self) -> int:
        return self.number * 1000 + 1

    @property
    def tags(self) -> list[str]:
        cases = [epc.sgtin96(GTIN, str(self.first + case), PREFIX) for case in range(self.cases)]
        return [epc.sscc96(self.sscc, PREFIX), *cases]

    def unit(self, quantity: int | None = None, *, serials: bool = True) -> dict[str, Any]:
        """How a document describes it; `quantity` if that differs from what really stands on it."""
        count = self.cases if quantity is None else quantity
        line = {"gtin": GTIN, "lot": self.lot, "expiry": "2030-04-30", "quantity": str(count), "unit": "each"}
        ranges = {"ranges": [[str(self.first), str(self.first + count - 1)]]} if serials else {}
        return {"sscc": self.sscc, "lines": [line | ranges]}


def text(document: Any) -> str:
    """A document as JSON."""
    return json.dumps(document)


def asn(name: str, *units: dict[str, Any], version: int = 1) -> dict[str, Any]:
    """An ASN."""
    return {"asn": name, "version": version, "supplier": "meierei", "units": list(units)}


def order(name: str, *units: dict[str, Any]) -> dict[str, Any]:
    """An order."""
    return {"order": name, "version": 1, "customer": "markt", "units": list(units)}


def announced(*documents: dict[str, Any]) -> tuple[Document, ...]:
    """ASNs and orders as central announces them."""
    return tuple(Document(kind := next(iter(each)), (each[kind],), each) for each in documents)


# --- the dock -------------------------------------------------------------------------------------------------------


@dataclass
class Dock:
    """Simulated readers in this process, each at a door of its own."""

    readers: dict[str, Reader] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    lamps: list[tuple[str, int, bool]] = field(default_factory=list)  # reader, GPO port, level: changes only

    async def active(self, within: float = 60.0) -> None:
        """Wait until every reader has an active ROSpec."""
        await until(lambda: all(reader.active for reader in self.readers.values()), within, "active readers")

    async def cross(
        self, tags: list[str], door: int = 1, way: str = "in", takes: float = 0.25, rest: float = 0.45
    ) -> None:
        """A pallet with these tags goes through a door: eyes, and each tag four times at either row of antennas.

        Then the door rests, so that the passage closes (quiet and settle of `configuration`).
        """
        reader = self.readers[f"reader-{door}"]
        first, second = (1, 2) if way == "in" else (2, 1)
        reader.gpi(first, True)
        for antenna in (first, second):
            for level in LOUD:
                for tag in tags:
                    reader.see(tag, antenna, level)
                await asyncio.sleep(takes / 9)
            if antenna == first:
                reader.gpi(second, True)
                reader.gpi(first, False)
        await asyncio.sleep(takes / 9)
        reader.gpi(second, False)
        await asyncio.sleep(rest)


@contextlib.asynccontextmanager
async def dock(doors: int = 1) -> AsyncIterator[Dock]:
    """Readers `reader-1` … on free ports."""
    found = Dock()
    for number in range(1, doors + 1):
        name = f"reader-{number}"
        reader = found.readers[name] = Reader(name, antennas=2)
        reader.on_gpo = _lamp(found, name)
        found.ports[name] = await reader.start("127.0.0.1", 0)
    try:
        yield found
    finally:
        for reader in found.readers.values():
            await reader.stop()


def _lamp(found: Dock, name: str) -> Callable[[int, bool], None]:
    lit: dict[int, bool] = {}

    def changed(port: int, level: bool) -> None:
        if lit.get(port, False) != level:
            lit[port] = level
            found.lamps.append((name, port, level))

    return changed


@contextlib.asynccontextmanager
async def central(
    folder: Path, port: int, *documents: dict[str, Any], confirms: bool = False
) -> AsyncIterator[Central]:
    """Central with its own database, subscribed; `confirms`: it acknowledges, and asks for what is missing."""
    books = Central(
        str(folder / "central.sqlite"),
        f"mqtt://127.0.0.1:{port}",
        site=SITE,
        documents=announced(*documents),
        protocol="5",
        confirms=confirms,
    )
    task = asyncio.create_task(books.run())
    try:
        await books.wait_for(lambda each: each.subscribed)
        yield books
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Retained:
    """Retained state topics as a subscriber sees them."""

    def __init__(self, port: int) -> None:
        self._consumer = uplink_bench.Consumer(port, f"{BASE}/state/#", "states")

    async def __aenter__(self) -> "Retained":
        await self._consumer.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.__aexit__()

    def latest(self, topic: str) -> dict[str, Any] | None:
        """The last payload of a topic below `state/`."""
        whole = f"{BASE}/state/{topic}"
        found = [message.payload for message in self._consumer.messages if message.topic == whole]
        return json.loads(found[-1]) if found else None


MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
