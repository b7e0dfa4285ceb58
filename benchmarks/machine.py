"""`start_to_ready`, `rss_idle`, `rss_busy`, `verdict_latency_p99`: the real daemon as a process, readers beside it.

The bench plays the service manager (READY over a notify socket) and the readers (`simulators.llrp`); what the daemon
decides is watched through its command socket, as a technician would.
"""

import asyncio
import contextlib
import functools
import json
import os
import random
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import dock
from benchmarks.measuring import BenchmarkError, Result, median, memory, percentile
from simulators.llrp import Reader

READY = 30.0
"""Seconds from spawn to READY at most, and from there to the readers' first ROSpec."""

STARTS = 5
IDLE_SECONDS = 8
RATE, BUSY_SECONDS = 2_000, 12
DOORS, PASSAGES, CASES = 4, 16, 24
MOVING = 0.8
"""Seconds that the reads of one pallet take."""

WAITED = 1.5
"""Seconds of quiet and settling in the shipped preset: after them a passage is over and gets decided."""
LAMP_BAR = 150
"""Milliseconds within which the lamp must follow the decision."""
DECIDED = 10.0
"""Seconds after which a verdict is not waited for any longer."""


class Gateway:
    """`python -m gateway run` on a configuration; `started` seconds after its spawn it was READY."""

    def __init__(self, folder: Path, child: asyncio.subprocess.Process, started: float) -> None:
        self.folder, self.child, self.started = folder, child, started

    def memory(self, name: str = "VmRSS") -> float:
        """A figure of /proc/…/status in MiB."""
        return memory(self.child.pid, name)

    @contextlib.asynccontextmanager
    async def speak(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection to the command socket."""
        reader, writer = await asyncio.open_unix_connection(self.folder / "tallyman.sock", limit=1 << 24)
        try:
            yield reader, writer
        finally:
            writer.close()

    async def command(self, name: str, **args: Any) -> None:
        """Give a command and wait for its commit.

        Raises:
            BenchmarkError: it was refused.
        """
        async with self.speak() as (reader, writer):
            writer.write(json.dumps({"name": name, "args": args}).encode() + b"\n")
            answer = json.loads(await reader.readline())
        if not answer.get("ok"):
            raise BenchmarkError(f"{name} refused: {answer}")


@contextlib.asynccontextmanager
async def gateway(folder: Path, doors: list[str]) -> AsyncIterator[Gateway]:
    """The daemon at work in `folder`, from READY to a clean stop.

    Raises:
        BenchmarkError: it does not get ready, or ends with an error.
    """
    config = folder / "tallyman.toml"
    config.write_text(dock.configuration(doors))
    address = folder / "notify.sock"
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, (folder / "gateway.log").open("ab") as log:
        notify.bind(str(address))
        notify.setblocking(False)
        spawned = time.monotonic()
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "run", "-c", str(config)),
            stdout=log,
            stderr=log,
            env=os.environ | {"NOTIFY_SOCKET": str(address)},
        )
        try:
            await _until_ready(notify, child, folder / "gateway.log")
            yield Gateway(folder, child, time.monotonic() - spawned)
        finally:
            if child.returncode is None:
                child.terminate()
            await child.wait()
    if child.returncode:
        raise BenchmarkError(f"the daemon ended with {child.returncode}: {_last_line(folder / 'gateway.log')}")


async def _until_ready(notify: socket.socket, child: asyncio.subprocess.Process, log: Path) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.ensure_future(child.wait())
    try:
        async with asyncio.timeout(READY):
            while True:
                told = asyncio.ensure_future(loop.sock_recv(notify, 4096))
                await asyncio.wait([told, ended], return_when=asyncio.FIRST_COMPLETED)
                if not told.done():
                    told.cancel()
                    raise BenchmarkError(f"the daemon ended while starting: {_last_line(log)}")
                if b"READY=1" in told.result():
                    return
    except TimeoutError:
        raise BenchmarkError(f"the daemon was not READY within {READY:g} s") from None
    finally:
        ended.cancel()


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"


@contextlib.asynccontextmanager
async def readers(count: int) -> AsyncIterator[list[tuple[Reader, str]]]:
    """Simulated readers, with the url of each."""
    made = [Reader(f"bench-{number}") for number in range(1, count + 1)]
    try:
        yield [(reader, f"llrp://127.0.0.1:{await reader.start()}") for reader in made]
    finally:
        for reader in made:
            await reader.stop()


async def _until_reading(served: list[tuple[Reader, str]]) -> None:
    try:
        async with asyncio.timeout(READY):
            while not all(reader.active for reader, _ in served):  # noqa: ASYNC110 (the simulator has no event)
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise BenchmarkError(f"the daemon did not start its readers within {READY:g} s") from None


# -- start_to_ready -----------------------------------------------------------------------------------------------


def start(starts: int = STARTS) -> Result:
    """Seconds from spawn to READY=1, on a state directory with a ledger in it; median. `first` makes the ledger."""
    first, *others = asyncio.run(_starts(starts + 1))
    return Result("start_to_ready", round(median(others), 3), "s", more={"first": round(first, 3)})


async def _starts(count: int) -> list[float]:
    found = []
    with tempfile.TemporaryDirectory(prefix="tallyman-bench-") as directory:
        for _ in range(count):
            async with gateway(Path(directory), ["llrp://127.0.0.1:1"]) as running:
                found.append(running.started)
    return found


# -- rss_idle, rss_busy -------------------------------------------------------------------------------------------


def idle(seconds: float = IDLE_SECONDS) -> Result:
    """Resident MiB of the daemon with one reader connected and nothing to read, no [influxdb], some seconds long."""
    return Result("rss_idle", round(asyncio.run(_idle(seconds)), 1), "MiB")


async def _idle(seconds: float) -> float:
    with tempfile.TemporaryDirectory(prefix="tallyman-bench-") as directory:
        async with readers(1) as served, gateway(Path(directory), [url for _, url in served]) as running:
            await _until_reading(served)
            samples = []
            for _ in range(4):
                await asyncio.sleep(seconds / 4)
                samples.append(running.memory())
            return median(samples)


def busy(rate: int = RATE, seconds: int = BUSY_SECONDS) -> Result:
    """Most resident MiB of the daemon while two doors in turn give `rate` reads/s, pallet after pallet."""
    value, peak, reads = asyncio.run(_busy(rate, seconds))
    more = {"peak": round(peak, 1), "reads_per_second": reads}
    return Result("rss_busy", round(value, 1), "MiB", more=more)


async def _busy(rate: int, seconds: int) -> tuple[float, float, int]:
    """Reads come every 10 ms, 4 s at one door and then at the other: so each passage ends while the other is read."""
    with tempfile.TemporaryDirectory(prefix="tallyman-bench-") as directory:
        async with readers(2) as served, gateway(Path(directory), [url for _, url in served]) as running:
            await _until_reading(served)
            turns = -(-seconds // 4)
            pallets = [dock.pallet(number, 40) for number in range(turns)]
            await running.command("asn.import", asn=dock.asn("BENCH", pallets))
            most, seen, began = 0.0, 0, time.monotonic()
            while (past := time.monotonic() - began) < seconds:
                reader, one = served[int(past) // 4 % 2][0], pallets[int(past) // 4]
                while seen < past * rate:
                    inner = past % 4 / 4 > random.random()
                    reader.see(one.tags[seen % len(one.tags)], 3 if inner else 1, -50)
                    seen += 1
                most = max(most, running.memory())
                await asyncio.sleep(0.01)
            took = time.monotonic() - began
            await asyncio.sleep(2.5)
            if sum(reader.reported for reader, _ in served) != seen:
                raise BenchmarkError("the daemon did not take every read")
            return max(most, running.memory()), running.memory("VmHWM"), round(seen / took)


# -- verdict_latency_p99 ------------------------------------------------------------------------------------------


def verdict(doors: int = DOORS, passages: int = PASSAGES) -> Result:
    """Seconds from the last moved-tag read to verdict and light: the later of committed movement and lamp.

    `doors` portals at once, with eyes and the shipped preset; the nearest-rank percentile of all their passages.
    """
    found = [one.verdict for one in _crossings(doors, passages)]
    more = {"p50": round(median(found), 3), "passages": len(found)}
    return Result("verdict_latency_p99", round(percentile(found, 99), 3), "s", more=more)


def lamp(doors: int = DOORS, passages: int = PASSAGES) -> Result:
    """Milliseconds from the end of quiet and settling to the lamp at the reader, same run; nearest-rank percentile.

    That is more than from the decision: waking up, journal, decision and commit with their fsyncs are in it. Beside it
    `decided`, the same percentile from the decision (the committed movement on the command socket) to the lamp.
    """
    crossings = _crossings(doors, passages)
    found, decided = [one.lamp * 1000 for one in crossings], [one.shown * 1000 for one in crossings]
    more = {"p50": round(median(found), 1), "most": round(max(found), 1), "passages": len(found), "bar": LAMP_BAR}
    more["decided"] = round(percentile(decided, 99), 1)
    return Result("lamp_latency_p99", round(percentile(found, 99), 1), "ms", more=more)


class Crossing(NamedTuple):
    """One passage: seconds from its last read to verdict and light, from when it was over to its lamp, and from the
    decision to the lamp (below 0 when the lamp was seen first).
    """

    verdict: float
    lamp: float
    shown: float


@functools.cache
def _crossings(doors: int, passages: int) -> list[Crossing]:
    return asyncio.run(_verdicts(doors, passages))


class Door:
    """One portal with its reader: plays passages and waits for what becomes of each."""

    def __init__(self, number: int, reader: Reader, pallets: list[dock.Pallet]) -> None:
        self.name, self.reader, self.pallets = f"dock-{number}", reader, pallets
        self.movements: asyncio.Queue[tuple[float, str]] = asyncio.Queue(maxsize=100)
        self.lamps: asyncio.Queue[float] = asyncio.Queue(maxsize=100)
        self._chance = random.Random(number)
        reader.on_gpo = self._lit

    def _lit(self, port: int, level: bool) -> None:
        if level:
            self.lamps.put_nowait(time.monotonic())

    async def play(self) -> list[Crossing]:
        """Every passage, one after the other."""
        await asyncio.sleep(self._chance.random())
        return [await self._passage(one) for one in self.pallets]

    async def _passage(self, one: dock.Pallet) -> Crossing:
        reader, reads = self.reader, 10 * len(one.tags)
        reader.gpi(1, True)
        for number in range(reads):
            part = number / reads
            if number == reads // 2:
                reader.gpi(2, True)
                reader.gpi(1, False)
            inner = self._chance.random() < part
            reader.see(
                one.tags[number % len(one.tags)], (3 if inner else 1) + number % 2, self._chance.randint(-60, -46)
            )
            if number % 10 == 0:
                await asyncio.sleep(MOVING / reads * 10)
        reader.gpi(2, False)
        reader.see(one.tags[0], 3, -50)
        last = time.monotonic()
        try:
            async with asyncio.timeout(DECIDED):
                committed, outcome = await self.movements.get()
                lit = await self.lamps.get()
        except TimeoutError:
            raise BenchmarkError(f"{self.name}: no verdict and light within {DECIDED:g} s") from None
        if outcome != "accepted":
            raise BenchmarkError(f"{self.name}: a pallet that was announced and read is {outcome}")
        return Crossing(max(committed, lit) - last, lit - last - WAITED, lit - committed)


async def _verdicts(doors: int, passages: int) -> list[Crossing]:
    with tempfile.TemporaryDirectory(prefix="tallyman-bench-") as directory:
        async with readers(doors) as served, gateway(Path(directory), [url for _, url in served]) as running:
            await _until_reading(served)
            pallets = [dock.pallet(number, CASES) for number in range(doors * passages)]
            await running.command("asn.import", asn=dock.asn("BENCH", pallets))
            played = [
                Door(number, reader, pallets[number - 1 :: doors]) for number, (reader, _) in enumerate(served, 1)
            ]
            async with running.speak() as (lines, writer):
                writer.write(b'{"name":"watch"}\n')
                await lines.readline()
                watching = asyncio.create_task(_watch(lines, {door.name: door for door in played}))
                try:
                    async with asyncio.TaskGroup() as group:
                        tasks = [group.create_task(door.play()) for door in played]
                except* BenchmarkError as errors:
                    raise errors.exceptions[0] from None
                finally:
                    watching.cancel()
            return [crossing for task in tasks for crossing in task.result()]


async def _watch(lines: asyncio.StreamReader, doors: dict[str, Door]) -> None:
    """Give every committed movement to its door."""
    async for line in lines:
        told = json.loads(line)
        if told["kind"] == "movement":
            door = doors[told["passage"].partition("/")[0]]
            door.movements.put_nowait((time.monotonic(), told["verdict"]))
