"""`tallyman demo`: a dock morning on loopback, with every part a real process and every protocol a real socket.

Broker, central and the simulated site are processes of their own (`python -m simulators …`), the gateway is the real
daemon (`tallyman run`). What the site played is known beforehand; central must know the same afterwards.
"""

import asyncio
import json
import os
import sys
import tempfile
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gateway.config import load
from gateway.errors import LedgerError
from gateway.ledger.queries import View

SCENARIO = "dock_morning"
START_WITHIN = 20.0
"""Seconds each process has to say it is ready."""

SETTLE_WITHIN = 8.0
"""Seconds central has to know everything after the last step was played."""

Lines = "asyncio.Queue[dict[str, Any]]"


class Process:
    """A child that speaks JSON lines on stdout and takes them on stdin."""

    def __init__(self, name: str, *command: str) -> None:
        self.name = name
        self.lines: asyncio.Queue[dict[str, Any]] = asyncio.Queue(maxsize=10_000)
        self._command = command
        self._child: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self, log: Path) -> None:
        """Start it; its stderr goes into `log`."""
        with log.open("ab") as errors:
            self._child = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=1 << 20,
            )
        self._reading = asyncio.create_task(self._read())

    async def until(self, key: str, within: float) -> dict[str, Any]:
        """The next line that has `key`.

        Raises:
            DemoError: it ended, or did not say so in time.
        """
        try:
            async with asyncio.timeout(within):
                while True:
                    line = await self.lines.get()
                    if key in line:
                        return line
                    if "ended" in line:
                        raise DemoError(f"{self.name} ended early (exit code {line['ended']})")
        except TimeoutError:
            raise DemoError(f"{self.name} did not say {key!r} within {within:g} s") from None

    def tell(self, **command: Any) -> None:
        """Send a command line."""
        assert self._child is not None
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(command).encode() + b"\n")

    async def stop(self) -> None:
        """End it: politely, then not."""
        child = self._child
        if child is None:
            return
        if child.returncode is None:
            child.terminate()
            try:
                async with asyncio.timeout(8):
                    await child.wait()
            except TimeoutError:
                child.kill()
                await child.wait()
        if self._reading is not None:
            await self._reading

    async def _read(self) -> None:
        assert self._child is not None
        assert self._child.stdout is not None
        async for line in self._child.stdout:
            with suppress(ValueError):
                await self.lines.put(json.loads(line))
        await self.lines.put({"ended": await self._child.wait()})


class DemoError(Exception):
    """The demo could not be played; the message says which part failed."""


class Board:
    """What the live table shows."""

    def __init__(self) -> None:
        self.movements: list[dict[str, Any]] = []
        self.alarms: list[dict[str, Any]] = []
        self.excursions: list[dict[str, Any]] = []
        self.lamps: dict[str, str] = {}
        self.events = 0

    def take(self, line: dict[str, Any]) -> None:
        """One outcome line of the gateway."""
        match line.get("kind"):
            case "movement":
                self.movements.append(line)
            case "alarm":
                self.alarms.append(line)
            case "excursion":
                self.excursions.append(line)
            case "event":
                self.events += 1

    def step(self, line: dict[str, Any]) -> None:
        """One line of the site: a lamp went on or off."""
        if line.get("step") in ("lamp on", "lamp off"):
            self.lamps[line["portal"]] = line["colour"] if line["step"] == "lamp on" else ""

    def render(self) -> Group:
        """The table of movements, the lamps, the alarms."""
        table = Table(title="Tallyman: a morning at the dock", expand=True)
        for column in ("time", "portal", "movement", "verdict", "why", "lots"):
            table.add_column(column)
        colours = {"accepted": "green", "held": "yellow", "refused": "red"}
        for movement in self.movements:
            lots = ", ".join(
                f"{line['quantity']} × {line['lot'] or line['gtin'] or 'unknown'}" for line in movement["lines"]
            )
            table.add_row(
                movement["at"][11:19],
                movement["passage"].partition("/")[0],
                movement["type"],
                Text(movement["verdict"], style=colours[movement["verdict"]]),
                ", ".join(movement["reasons"]),
                lots or "–",
            )
        lamps = Text("lamps  ")
        for portal, colour in sorted(self.lamps.items()):
            style = {"amber": "yellow"}.get(colour, colour or "dim")
            lamps.append(f"{portal} ").append("●  " if colour else "○  ", style=style)
        alarms = [Text(f"alarm  {one['alarm']}: {one['from']} → {one['to']} at {one['value']}") for one in self.alarms]
        return Group(table, lamps, *alarms, Text(f"{self.events} events promised to central", style="dim"))


async def play(*, as_json: bool, keep: bool) -> int:
    """Play the demo; the exit code: 0 when central's inventory, the verdicts and the lamps equal the truth."""
    console = Console(stderr=as_json)
    with tempfile.TemporaryDirectory(prefix="tallyman-demo-") as directory:
        try:
            return await _play(Path(directory), console, as_json, keep)
        except (DemoError, TimeoutError) as error:
            console.print(f"[red]the demo failed:[/red] {error}")
            for log in sorted(Path(directory).glob("*.log")):
                console.print(f"--- {log.name}\n{log.read_text()[-3000:]}", markup=False, highlight=False)
            return 1


async def _play(directory: Path, console: Console, as_json: bool, keep: bool) -> int:
    simulators = (sys.executable, "-m", "simulators")
    async with AsyncExitStack() as stack:

        async def start(process: Process) -> Process:
            await process.start(directory / f"{process.name}.log")
            stack.push_async_callback(process.stop)
            return process

        broker = await start(Process("broker", *simulators, "broker"))
        site = await start(Process("site", *simulators, "site", SCENARIO))
        mqtt = (await broker.until("ready", START_WITHIN))["mqtt"]
        central = await start(Process("central", *simulators, "central", SCENARIO, "--url", f"mqtt://127.0.0.1:{mqtt}"))
        ports = await site.until("ready", START_WITHIN)
        socket = directory / "tallyman.sock"
        config = directory / "tallyman.toml"
        config.write_text(await _configuration(ports | {"mqtt": mqtt, "state": str(directory), "socket": str(socket)}))
        announced = (await central.until("ready", START_WITHIN))["documents"]
        gateway = await start(Process("gateway", sys.executable, "-m", "gateway", "run", "-c", str(config)))
        board = Board()
        watching = asyncio.create_task(_watch(socket, gateway, board))
        stack.callback(watching.cancel)
        await _until_announced(config, gateway, announced)
        site.tell(play=True)
        with Live(console=console, get_renderable=board.render, refresh_per_second=4, transient=as_json):
            done = await _until_done(site, board)
            if watching.done():
                raise DemoError(
                    f"the gateway's decisions could not be followed: {watching.exception() or 'it hung up'}"
                )
            inventory = await _until_known(central, done["truth"]["inventory"])
        result = _judge(done, inventory, board)
        if as_json:
            print(json.dumps(result, ensure_ascii=False))  # noqa: T201 - the command's output
        else:
            _summary(console, result)
        if keep:
            console.print(f"left running; configuration {config}; stop with Ctrl-C")
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
    return 0 if result["ok"] else 1


async def _configuration(ports: dict[str, Any]) -> str:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulators", "scenario", "config", SCENARIO, "--ports", json.dumps(ports)),
        stdout=asyncio.subprocess.PIPE,
    )
    text, _ = await child.communicate()
    if child.returncode:
        raise DemoError("the scenario's configuration could not be rendered")
    return text.decode()


async def _until_announced(config: Path, gateway: Process, announced: list[str]) -> None:
    """Wait until the gateway's ledger holds every ASN and order that central announced."""
    wanted = {name for name in announced if not name.startswith("lot/")}
    async with asyncio.timeout(START_WITHIN):
        while not wanted <= await asyncio.to_thread(_expectations, config):
            if not gateway.lines.empty():
                raise DemoError("the gateway ended early")
            await asyncio.sleep(0.2)


def _expectations(config: Path) -> set[str]:
    configuration = load(config)
    try:
        view = View.read(configuration.ledger_url, site=configuration.site.id, gateway=configuration.gateway.id)
    except LedgerError:
        return set()  # not made yet
    try:
        return {f"{row['kind']}/{row['id']}" for row in view.expectations()}
    finally:
        view.close()


async def _watch(socket: Path, gateway: Process, board: Board) -> None:
    """Follow the gateway's decisions through its command socket, as a technician would."""
    while True:
        with suppress(FileNotFoundError, ConnectionRefusedError):  # not bound yet, or bound and not listening yet
            reader, writer = await asyncio.open_unix_connection(str(socket), limit=1 << 24)
            break
        if not gateway.lines.empty():
            return
        await asyncio.sleep(0.05)
    writer.write(b'{"name":"watch"}\n')
    try:
        async for line in reader:
            board.take(json.loads(line))
    finally:
        writer.close()


async def _until_done(site: Process, board: Board) -> dict[str, Any]:
    while True:
        line = await site.lines.get()
        if "ended" in line or "error" in line:
            raise DemoError(f"the simulated site stopped: {line}")
        if "done" in line:
            return line
        board.step(line)


async def _until_known(central: Process, wanted: list[dict[str, Any]]) -> dict[str, Any]:
    """Central's inventory, asked until it equals the truth or its time is over."""
    report: dict[str, Any] = {}
    for _ in range(int(SETTLE_WITHIN / 0.25)):
        central.tell(inventory=True)
        report = await central.until("inventory", SETTLE_WITHIN)
        if report["inventory"] == wanted and report["kinds"].get("excursion"):
            return report
        await asyncio.sleep(0.25)
    return report


def _judge(done: dict[str, Any], report: dict[str, Any], board: Board) -> dict[str, Any]:
    """Compare what was played with what the gateway decided, the lamps showed and central knows."""
    truth = done["truth"]
    wanted = [(one["portal"], one["type"], one["verdict"], one["reasons"]) for one in truth["pallets"]]
    decided = [
        (one["passage"].partition("/")[0], one["type"], one["verdict"], one["reasons"])
        for one in sorted(board.movements, key=lambda movement: movement["at"])
    ]
    active = [one for one in board.alarms if one["to"] == "unacked_active"]
    lots = {(lot["gtin"], lot["lot"]) for one in board.excursions for lot in one["lots"] if lot["lot"]}
    expected_lots = {tuple(lot) for one in truth["excursions"] for lot in one["lots"]}
    checks = {
        "inventory": report.get("inventory") == truth["inventory"],
        "verdicts": sorted(map(repr, decided)) == sorted(map(repr, wanted)),
        "lamps": _lit(done["lamps"]) == truth["lamps"],
        "one alarm": len(active) == len(truth["excursions"]),
        "excursion lots": lots == expected_lots,
        "no gap, no conflict": not (report.get("gaps") or report.get("conflicts") or report.get("rejected")),
    }
    return {
        "ok": all(checks.values()),
        "checks": checks,
        "verdicts": {"wanted": wanted, "decided": decided},
        "lamps": {"wanted": truth["lamps"], "seen": _lit(done["lamps"])},
        "excursions": board.excursions,
        "inventory": {"wanted": truth["inventory"], "central": report.get("inventory")},
        "central": {name: report.get(name) for name in ("kinds", "last", "gaps", "duplicates", "reordered")},
        "reads": done["reads"],
    }


def _lit(lamps: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Colours in the order they went on, by portal."""
    lit: dict[str, list[str]] = {}
    for lamp in lamps:
        if lamp.get("level", True):
            lit.setdefault(lamp["portal"], []).append(lamp["colour"])
    return lit


def _summary(console: Console, result: dict[str, Any]) -> None:
    table = Table(title="central's inventory", expand=True)
    for column in ("gtin", "lot", "location", "status", "quantity", "unit"):
        table.add_column(column)
    for row in result["inventory"]["central"] or ():
        table.add_row(*(str(row[name]) for name in ("gtin", "lot", "location", "status", "quantity", "unit")))
    console.print(table)
    for one in result["excursions"]:
        lots = ", ".join(f"{lot['lot'] or lot['gtin'] or 'unknown'} {lot['minutes']:g} min" for lot in one["lots"])
        console.print(f"excursion in {one['location']}: {one['min']:g} to {one['max']:g}, mean {one['mean']:g}; {lots}")
    for name, passed in result["checks"].items():
        console.print(f"[green]✓[/green] {name}" if passed else f"[red]✗ {name}[/red]")
    if not result["ok"]:
        console.print_json(json.dumps(result))


def run(*, as_json: bool, keep: bool) -> int:
    """Entry of the click command."""
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    try:
        return asyncio.run(play(as_json=as_json, keep=keep))
    except KeyboardInterrupt:
        return 0 if keep else 130
