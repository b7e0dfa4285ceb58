"""`outbox_events`, `telemetry_points`: from the disk of the gateway to the servers of central."""

import asyncio
import contextlib
import json
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import dock, servers
from benchmarks.measuring import BenchmarkError, Result, median, memory
from gateway.errors import DeviceError
from gateway.events.envelope import attributes
from gateway.ledger.store import Commit, Ledger
from gateway.ledger.telemetry import Block, TelemetryStore
from gateway.ledger.thread import Writer
from gateway.model.inputs import Input, Measurement
from gateway.model.outcome import Event, Outcome
from gateway.uplink.influx import InfluxUplink
from gateway.uplink.link import MqttUplink
from gateway.uplink.settings import InfluxSettings, MqttSettings
from gateway.uplink.telemetry import Telemetry

EVENTS, EVENT_BYTES, EVENT_TURN = 100_000, 3_000, 500
WINDOW = 20
"""The default of [mqtt] window, and of Mosquitto's Receive Maximum."""

POINTS = 100_000
REPETITIONS = 3
WITHIN = 60.0
"""Seconds a repetition may take."""


def outbox(events: int = EVENTS) -> Result:
    """Events per second of wall time from ledger rows to settled ledger rows: one long backlog, after a short warm-up.

    The real drain publishes them one by one at QoS 1 to a real Mosquitto and settles each after its PUBACK; ledger,
    settings and window are those of the daemon. `rss_growth` is how much resident memory (MiB) grew after the first
    tenth of the backlog: flat means that the rest costs none.
    """
    took, grown = asyncio.run(_with_broker(events))
    more = {"bytes": EVENT_BYTES, "backlog": events, "rss_growth": round(grown, 1)}
    return Result("outbox_events", round(events / took), "events/s", more=more)


async def _with_broker(events: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="tallyman-bench-") as directory:
        folder = Path(directory)
        async with servers.mosquitto(folder) as port:
            await _drained(folder / "warm.db", port, max(1, events // 25))
            return await _drained(folder / "backlog.db", port, events)


async def _drained(file: Path, port: int, events: int) -> tuple[float, float]:
    """Seconds from the start of the link to the last settled row; MiB by which memory grew after the first tenth."""
    writer = Writer()

    def open_and_fill() -> Ledger:
        ledger = Ledger.open(f"sqlite:///{file}", site="bench", gateway="gw-1")
        for first in range(1, events + 1, EVENT_TURN):
            promised = tuple(_event(seq) for seq in range(first, min(first + EVENT_TURN, events + 1)))
            ledger.commit(Commit(first, dock.T0, Outcome(), promised))
        return ledger

    ledger = await writer.call(open_and_fill)
    settled = 0
    levels: list[float] = []  # resident MiB at each settling after the first tenth
    done = asyncio.Event()

    async def pending(after: int, limit: int) -> Sequence[Event]:
        return await writer.call(ledger.pending, after, limit)

    async def settle(seqs: Iterable[int], at: int) -> None:
        nonlocal settled
        told = tuple(seqs)
        await writer.call(ledger.settle, told, at)
        settled += len(told)
        if settled >= events / 10:
            levels.append(memory("self"))
        if settled >= events:
            done.set()

    async def park(seq: int, reason: str) -> None:
        raise BenchmarkError(f"event {seq} was refused: {reason}")

    async def decide(_: Input) -> dict[str, Any] | None:
        return None

    settings = MqttSettings(host="127.0.0.1", port=port, site="bench", gateway="gw-1", window=WINDOW)
    link = MqttUplink(settings, pending=pending, settle=settle, park=park, wake=asyncio.Event(), decide=decide)
    try:
        took = await _work(link.run, done)
        left = await writer.call(ledger.outbox_counts)
    finally:
        await writer.call(ledger.close)
        await writer.stop()
    if left["pending"] or left["settled"] != events:
        raise BenchmarkError(f"the ledger does not say that all {events} events are settled: {left}")
    return took, max(levels) - levels[0]


def _event(seq: int) -> Event:
    """An event of the usual form and size, as it stands in the outbox."""
    ident = str(uuid.uuid5(uuid.NAMESPACE_URL, f"bench/{seq}"))
    body = {"type": "ObjectEvent", "eventID": f"urn:uuid:{ident}", "tally:seq": seq, "epcList": [""]}
    body["epcList"] = ["x" * (EVENT_BYTES - len(json.dumps(body)))]
    context = attributes(
        id=ident, source="/bench/gw-1", type="org.gs1.epcis.ObjectEvent", time="2026-11-21T05:02:11.000000Z",
        subject="dock-1", seq=seq, content="application/ld+json",
    )  # fmt: skip
    topic = "tallyman/v1/bench/evt/receipt/dock-1"
    return Event(seq, ident, "receipt", topic, "application/ld+json", context, json.dumps(body).encode())


def telemetry(points: int = POINTS, repetitions: int = REPETITIONS) -> Result:
    """Points per second of wall time from the spool on disk to influxd's 204, spool emptied; median after a warm-up.

    A real influxd stands behind a shim of its own process, which maps the write path of API v2 onto that of 1.x.
    """
    times = asyncio.run(_with_influxd(points, repetitions))
    return Result("telemetry_points", round(points / median(times[1:])), "points/s")


async def _with_influxd(points: int, repetitions: int) -> list[float]:
    with tempfile.TemporaryDirectory(prefix="tallyman-bench-") as directory:
        folder = Path(directory)
        async with servers.influxd(folder) as url, servers.shim(url) as api:
            times = [await _written(folder / f"{turn}.db", api, turn, points) for turn in range(repetitions + 1)]
            answer = await servers.influx_query(url, "SELECT count(temperature) FROM env")
            found = answer["series"][0]["values"][0][1] if "series" in answer else 0
            if found != points * (repetitions + 1):
                raise BenchmarkError(f"influxd holds {found} of {points * (repetitions + 1)} points")
            return times


async def _written(file: Path, api: str, turn: int, points: int) -> float:
    """Seconds from the start of the link to an empty spool."""
    writer = Writer()
    store = await writer.call(TelemetryStore.open, file)
    done = asyncio.Event()
    left = points

    async def keep(_: object) -> None:
        """The ring is not measured."""

    async def append(lines: bytes, count: int, first: int, last: int) -> int:
        return await writer.call(store.append, lines, count, first, last)

    async def take(limit: int) -> Sequence[Block]:
        return await writer.call(store.take, limit)

    async def finished(ids: Iterable[int]) -> None:
        nonlocal left
        told = list(ids)
        await writer.call(store.done, told)
        left -= 1000 * len(told)
        if left <= 0:
            done.set()

    async def quarantine(ident: int, reason: str) -> None:
        raise BenchmarkError(f"influxd refused a block: {reason}")

    spooling = Telemetry(site="bench", sensors={"cold-2-a": "cold-2"}, scales={}, keep=keep, append=append, most=points)
    for number in range(points):
        at = dock.T0 + (turn * points + number) * 1000
        spooling.offer(at, Measurement("cold-2-a", "temperature", 3.0 + number % 40 / 10, "Cel"))
    await spooling.flush()
    settings = InfluxSettings(url=api, bucket="bench", org="bench", token="bench")
    link = InfluxUplink(settings, take=take, done=finished, quarantine=quarantine, append=append, wake=asyncio.Event())
    try:
        return await _work(link.run, done)
    finally:
        await writer.call(store.close)
        await writer.stop()


async def _work(run: Callable[[], Awaitable[None]], done: asyncio.Event) -> float:
    """Seconds that a link takes from its start until `done`.

    Raises:
        BenchmarkError: the link failed, or took too long.
    """
    started = time.monotonic()
    working = asyncio.ensure_future(run())
    waiting = asyncio.ensure_future(done.wait())
    try:
        await asyncio.wait([working, waiting], return_when=asyncio.FIRST_COMPLETED, timeout=WITHIN)
        took = time.monotonic() - started
        if working.done():
            working.result()
        if not waiting.done():
            raise BenchmarkError(f"not done within {WITHIN:g} s")
        return took
    except DeviceError as error:
        raise BenchmarkError(str(error)) from None
    finally:
        for task in (working, waiting):
            task.cancel()
        with contextlib.suppress(DeviceError, asyncio.CancelledError):
            await working
