"""A backlog: a reader delivers at once what it kept for minutes, and the disk is slow meanwhile."""

import asyncio
from pathlib import Path

from gateway.journal import GROUP_LIMIT, Crashes, Journal
from gateway.ledger.store import Ledger
from gateway.ledger.thread import Writer
from gateway.model.inputs import Device, Input, Reads, Row
from gateway.model.outcome import Passage
from gateway.model.settings import Antenna, Location, Portal, Settings
from gateway.pipeline import GROUP_READS, Core, Pipeline, Result
from gateway.rules import Engine

T0 = 1_795_243_331_000_000
EPC = "3034257BF7194E4000001A85"
SETTINGS = Settings(
    "site", "gw", locations=(Location("inbound"),), portals=(Portal("dock-1", "inbound", (Antenna("r", 1),)),)
)


def reads(began: int, count: int) -> Reads:
    """So many reads of one tag, a millisecond apart."""
    rows: list[Row] = [(began + number * 1000, 1, EPC, -50, 1, None, 1) for number in range(count)]
    return Reads("r", tuple(rows))


def weight(item: Input) -> int:
    """Reads of an input; 1 for a device."""
    return len(item.reads) if isinstance(item, Reads) else int(isinstance(item, Device))


class Dock:
    """A pipeline on real files whose every write costs `pause` µs of its clock."""

    def __init__(self, path: Path, pause: int = 0) -> None:
        self.now = T0
        self.results: list[Result] = []
        self.groups: list[int] = []
        self.writer = Writer()
        self.journal = Journal.open(path, site="site", gateway="gw")
        self.ledger = Ledger.open(f"sqlite:///{path}/ledger.db", site="site", gateway="gw")
        self.pipeline = Pipeline(
            Core(Engine(SETTINGS), 0), self.journal, Crashes.open(path), self.ledger, self.writer,
            lambda: self.now, self.results.append, group=0,
        )  # fmt: skip
        self.pipeline.inputs.bound = 1 << 20  # all is handed in before any is taken
        write = self.journal.write

        def slowly() -> None:
            self.groups.append(len(self.journal._pending))
            write()
            self.now += pause

        self.journal.write = slowly  # type: ignore[method-assign]

    async def take(self, *items: Input) -> None:
        """Hand these in at one instant, let them be worked on, and let the last passage end."""
        for item in items:
            await self.pipeline.submit(item)
        running = asyncio.create_task(self.pipeline.run())
        while sum(map(weight, (result.item for result in self.results))) < sum(map(weight, items)):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        self.now += 60_000_000
        await self.pipeline.decide(reads(T0 - 3_600_000_000, 0))
        self.pipeline.finish()
        await running
        await self.writer.call(self.journal.close)
        await self.writer.call(self.ledger.close)
        await self.writer.stop()

    def passages(self) -> list[Passage]:
        """The passages that came out."""
        return [one for result in self.results for one in result.outcome.decisions if isinstance(one, Passage)]


async def test_a_slow_disk_does_not_split_a_passage(tmp_path: Path) -> None:
    """Reads that waited here belong to the passage they were read in, though each write took a second."""
    dock = Dock(tmp_path, pause=1_000_000)
    half = GROUP_READS
    began = T0 - 600_000_000
    await dock.take(reads(began, half), *(reads(began + (half + n * 10) * 1000, 10) for n in range(20)))
    (passage,) = dock.passages()
    assert passage.evidence["reads"] == half + 200


async def test_a_group_ends_at_so_many_reads_or_inputs(tmp_path: Path) -> None:
    """Big inputs make short groups, so that the loop comes round; small ones make groups of `GROUP_LIMIT`."""
    big = Dock(tmp_path / "big")
    await big.take(*(reads(T0 - 600_000_000 + n, GROUP_READS // 4) for n in range(40)))
    assert max(big.groups) == 8
    small = Dock(tmp_path / "small")
    await small.take(*(Device("r", "up") for n in range(GROUP_LIMIT + 9)))
    assert small.groups[:2] == [GROUP_LIMIT, 9]


async def test_an_input_has_the_stamp_of_when_it_was_handed_in(tmp_path: Path) -> None:
    """Stamps are those of arrival, never earlier than the one before."""
    dock = Dock(tmp_path, pause=700_000)
    await dock.take(reads(T0 - 1000, 1), Device("r", "up"), reads(T0 - 500, 1))
    stamps = [result.t for result in dock.results if isinstance(result.item, Reads | Device)]
    assert stamps[:3] == [T0, T0, T0]
    assert stamps == sorted(stamps)
