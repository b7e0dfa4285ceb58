"""A small site for the tests of the core: its configuration, goods and days, and a rig: a real pipeline on it."""

import asyncio
import os
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from gateway import config
from gateway.events.lines import event_line, outcome_line
from gateway.jobs import Job
from gateway.journal import Crashes, Journal, records
from gateway.ledger.store import Ledger
from gateway.ledger.thread import Writer
from gateway.model.facts import FactsRecord
from gateway.model.inputs import Boot, Command, Config, Device, Downlink, Gpi, Input, Measurement, Reads, Tick
from gateway.model.times import SECOND, rfc3339
from gateway.pipeline import Core, Pipeline, Result
from gateway.rules import Engine
from simulators import epc

T0 = 1_795_243_331_000_000
"""When the days of the tests begin: 2026-11-21 06:42:11 UTC."""

HEAD = """\
[site]
id = "north"
timezone = "Europe/Berlin"
gln = "9521141123454"
[gateway]
id = "gw1"
[[location]]
id = "cold-2"
kind = "cold_room"
"""
"""Site, gateway and cold room of every configuration of a dock."""

TOML = (
    HEAD
    + """\
[[reader]]
id = "dock-1"
url = "llrp://127.0.0.1:5084"
[[portal]]
id = "dock-1"
location = "cold-2"
preset = "dock-2-antenna"
antennas = [{ reader = "dock-1", port = 1, row = "outer" }, { reader = "dock-1", port = 2, row = "inner" }]
eyes = [{ reader = "dock-1", port = 1, row = "outer" }, { reader = "dock-1", port = 2, row = "inner" }]
lights = { reader = "dock-1", green = 1, red = 2, amber = 3 }
[[reader]]
id = "dock-2"
url = "llrp://127.0.0.1:5085"
[[portal]]
id = "dock-2"
location = "cold-2"
preset = "dock-2-antenna"
antennas = [{ reader = "dock-2", port = 1, row = "outer" }, { reader = "dock-2", port = 2, row = "inner" }]
[[scale]]
id = "dock-1-scale"
portal = "dock-1"
url = "tcp://127.0.0.1:8001"
[[profile]]
id = "probe"
table = "input"
fields = [{ name = "temperature", address = 0, type = "int16", scale = 0.1, unit = "Cel" }]
[[sensor]]
id = "cold-2-a"
location = "cold-2"
url = "modbus+tcp://127.0.0.1:502/1"
profile = "probe"
[[alarm]]
id = "cold-2-high"
sensor = "cold-2-a"
quantity = "temperature"
high = 8.0
deadband = 0.5
on_delay = "3s"
off_delay = "1s"
priority = "high"
hold = true
"""
)

GTIN = "0952000111234" + epc.check_digit("0952000111234")
PREFIX = 7

Step = tuple[int, list[Input]]
"""When, and the inputs that arrive together."""


def sscc(number: int) -> str:
    """The SSCC of our `number`-th pallet."""
    body = f"09520001{number:09d}"
    return body + epc.check_digit(body)


def pallet_tag(number: int) -> str:
    """The SSCC-96 tag of a pallet."""
    return epc.sscc96(sscc(number), PREFIX)


def case_tag(serial: int) -> str:
    """The SGTIN-96 tag of a case of our one product."""
    return epc.sgtin96(GTIN, str(serial), PREFIX)


def line(quantity: int, serials: Iterable[int] = (), **more: Any) -> dict[str, Any]:
    """A line of an ASN or order."""
    return {"gtin": GTIN, "lot": "L1", "quantity": str(quantity), "serials": [str(one) for one in serials]} | more


def asn(number: int, *lines: dict[str, Any], ident: str = "", **unit: Any) -> Downlink:
    """An ASN of one pallet."""
    ident = ident or f"A{number}"
    units = [{"sscc": sscc(number), "lines": list(lines)} | unit]
    return Downlink(f"down/asn/{ident}", {"asn": ident, "units": units})


def order(number: int) -> Downlink:
    """An order for one pallet."""
    return Downlink(f"down/order/O{number}", {"order": f"O{number}", "units": [{"sscc": sscc(number), "lines": []}]})


def swell(level: float, step: int, steps: int) -> float:
    """Level of the `step`-th of `steps` reads of one row as a load goes by: it rises by 12 dB to `level`, and falls."""
    away = (2 * step - (steps - 1)) / max(1, steps - 1)
    return level - 12 * away * away


def drive(
    t: int, tags: list[str], *, inward: bool = True, eyes: bool = True, portal: str = "dock-1", level: float = -50.0
) -> list[Step]:
    """A pallet with these tags driven through a door, two seconds long, beginning at `t`; `level` is its loudest."""
    rows = (1, 2) if inward else (2, 1)
    steps: list[Step] = []
    if eyes:
        steps.append((t, [Gpi(portal, rows[0], True, t)]))
    for turn in range(10):
        at = t + turn * 200_000
        rssi = swell(level, turn % 5, 5)
        reads = tuple((at + place, rows[turn // 5], tag, rssi) for place, tag in enumerate(tags))
        if reads:
            steps.append((at + 20_000, [Reads(portal, reads, ("at", "antenna", "epc", "rssi"))]))
    if eyes:
        steps.append((t + SECOND, [Gpi(portal, rows[1], True, t + SECOND)]))
        steps.append((t + 3 * SECOND // 2, [Gpi(portal, rows[0], False, t + 3 * SECOND // 2)]))
        steps.append((t + 2 * SECOND, [Gpi(portal, rows[1], False, t + 2 * SECOND)]))
    return sorted(steps, key=lambda step: step[0])


def climate(t: int, values: list[float]) -> list[Step]:
    """The cold room's temperature, one sample a second from `t`."""
    return [
        (t + number * SECOND, [Measurement("cold-2-a", "temperature", value, "Cel")])
        for number, value in enumerate(values)
    ]


def grouped(steps: list[Step]) -> list[Step]:
    """Steps in order of time; what happens in the same microsecond arrives together."""
    merged: list[Step] = []
    for t, items in sorted(steps, key=lambda step: step[0]):
        if merged and merged[-1][0] == t:
            merged[-1][1].extend(items)
        else:
            merged.append((t, list(items)))
    return merged


def opening(t: int = T0) -> list[Step]:
    """What the daemon itself says first."""
    return [(t, [Boot("b", "0")]), (t + 1, [Config(TOML)])]


def closing(t: int) -> list[Step]:
    """Something harmless, late enough for every deadline before it."""
    return [(t, [Device("dock-1", "up")])]


def small_day() -> list[Step]:
    """A pallet in, the room too warm, the pallet out, and a document that is none: every kind of commit."""
    t = T0 + 10 * SECOND
    tags = [pallet_tag(1), case_tag(1), case_tag(2)]
    return [
        *opening(),
        (T0 + SECOND, [asn(1, line(2, [1, 2])), asn(2, line(1, [7])), Downlink("down/asn/A9", text="no JSON")]),
        *drive(t, tags),
        *climate(t + 5 * SECOND, [4.0, 9.0, 9.0, 9.0, 9.0, 9.5, 7.0, 7.0, 7.0]),
        (t + 20 * SECOND, [Command("alarms.ack", {"alarm": "cold-2-high"}, "ann"), order(1)]),
        *drive(t + 30 * SECOND, tags, inward=False),
        *closing(t + 60 * SECOND),
    ]


def recording(path: Path, steps: list[Step], header: dict[str, Any] | None = None) -> Path:
    """Write steps down as a plain recording."""
    lines = [msgspec.json.encode({"tallyman": 1} if header is None else header)]
    lines += [records.encode(t, item) for t, items in steps for item in items]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


class KilledError(Exception):
    """The process is no more."""


class MortalWriter(Writer):
    """A writer whose process dies at the n-th call: before it is done, after, or (journal) in the middle of it."""

    def __init__(self, at: int | None = None, how: str = "before") -> None:
        super().__init__()
        self.at, self.how = at, how
        self.calls = 0
        self.names: list[str] = []

    async def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Do it, or die."""
        self.calls += 1
        self.names.append(function.__name__)
        if self.at is None or self.calls < self.at:
            return await super().call(function, *args, **kwargs)
        if self.calls == self.at and self.how != "before":
            await super().call(function, *args, **kwargs)
            if self.how == "torn" and function.__name__ == "write":
                journal: Journal = function.__self__  # type: ignore[attr-defined]
                assert journal._file is not None
                os.ftruncate(journal._file, journal._size - 3)
        raise KilledError


class Rig:
    """A pipeline on a real journal and ledger in `directory`, with a clock that stands where it is put."""

    def __init__(self, directory: Path, *, writer: Writer | None = None, group: int = 0, **more: Any) -> None:
        self.directory = directory
        self.now = T0
        self.lines: list[bytes] = []
        self.results: list[Result] = []
        settings = config.parse(TOML, "tests").settings()
        self.ledger = Ledger.open(f"sqlite:///{directory}/ledger.db", site="north", gateway="gw1")
        self.journal = Journal.open(directory / "journal", site="north", gateway="gw1", **more)
        self.crashes = Crashes.open(directory / "journal")
        self.writer = writer if writer is not None else Writer()
        core = Core(Engine(settings), 0)
        self.pipeline = Pipeline(
            core, self.journal, self.crashes, self.ledger, self.writer, lambda: self.now, self.deliver, group=group
        )

    def deliver(self, result: Result) -> None:
        """What the daemon makes of a result: outcome lines, then event lines."""
        self.results.append(result)
        self.lines += [outcome_line(decision) for decision in result.outcome.decisions]
        self.lines += [event_line(event) for event in result.events]

    async def play(self, steps: list[Step]) -> list[dict[str, Any] | None]:
        """Recover, take the steps, each as one group, stop cleanly; the replies of the steps' last inputs."""
        if steps:
            self.now = steps[0][0]
        await self.pipeline.recover()
        running = asyncio.create_task(self.pipeline.run())
        replies = []
        for t, items in steps:
            self.now = t
            done: asyncio.Future[dict[str, Any] | None] = asyncio.get_running_loop().create_future()
            for item in items[:-1]:
                await self.pipeline.inputs.put(Job(item, records.encode_item(item), t))
            await self.pipeline.inputs.put(Job(items[-1], records.encode_item(items[-1]), t, done))
            await asyncio.wait({running, done}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                break
            replies.append(done.result())
        self.pipeline.finish()
        await running
        return replies

    async def live(self, steps: list[Step]) -> bool:
        """`play`, as the daemon would: a fault of the core is noted against its input. Whether it went well."""
        try:
            await self.play(steps)
        except Exception as fault:  # noqa: BLE001 - as the supervisor does
            self.pipeline.fault(fault)
            return False
        return True

    async def stop(self, *, killed: bool = False) -> None:
        """Let go of everything; `killed`: without a last word to journal or database."""
        await Writer.stop(self.writer)
        if killed:
            self.journal._pending = []
            self.ledger._engine.dispose()
            if self.ledger._lock is not None:
                self.ledger._lock.release()
        else:
            self.ledger.close()
        self.journal.close()

    def state(self) -> dict[str, Any]:
        """Everything the ledger promises: what an uninterrupted run and a killed one must share."""
        return {
            "stock": list(self.ledger.stock()),
            "events": [(event.seq, event.id, event.topic, event.body) for event in self.ledger.pending(0, 10_000)],
            "sequence": self.ledger.sequence(),
            "movements": list(self.ledger.movements(10_000)),
            "alarms": list(self.ledger.alarms(active_only=False)),
            "audit": self.ledger._progress.hash,
            "broken": self.ledger.broken_audit(),
        }


def journalled(directory: Path) -> int:
    """How many inputs from outside the journal holds."""
    journal = Journal.open(directory / "journal", site="north", gateway="gw1")
    own = (Tick, FactsRecord)
    try:
        found = [record for record in journal.read(0) if not isinstance(record.item, own)]
    finally:
        journal.close()
    return sum(1 for one in found if not (isinstance(one.item, Command) and one.item.name == "quarantine"))


def rest(steps: list[Step], directory: Path) -> list[Step]:
    """The steps whose inputs are not in the journal yet: their sources send them again."""
    taken = journalled(directory)
    counts = [0]
    for _, items in steps:
        counts.append(counts[-1] + len(items))
    assert taken in counts, "a group is in the journal whole or not at all"
    return [step for step, (before, _) in zip(steps, pairwise(counts), strict=True) if before >= taken]


def stamp(t: int) -> str:
    """An instant as recordings write it."""
    return rfc3339(t)
