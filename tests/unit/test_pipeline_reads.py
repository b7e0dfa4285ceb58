"""Reads of one reader that come one after the other share a record and a turn; nothing else changes by it."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.config import parse
from gateway.jobs import JOINED_READS
from gateway.model.facts import FactsRecord
from gateway.model.inputs import Device, Input, Reads
from gateway.model.times import SECOND
from gateway.pipeline import Core
from gateway.rules import Engine
from tests import dockside
from tests.dockside import T0, TOML, Rig

SPELLED = ("at", "antenna", "epc", "rssi")


def one(number: int, reader: str = "dock-1", columns: tuple[str, ...] = SPELLED) -> Reads:
    """A message of one tag."""
    return Reads(reader, ((T0 + number, 1, dockside.case_tag(number % 7), -50)[: len(columns)],), columns)


async def taken(rig: Rig, items: list[Input]) -> list[Input]:
    """Hand these in as drivers do, before any is taken; what the journal holds of it."""
    for item in items:
        await rig.pipeline.submit(item)
    running = asyncio.create_task(rig.pipeline.run())
    rig.pipeline.finish()
    await running
    return [record.item for record in rig.journal.read(0) if not isinstance(record.item, FactsRecord)]


async def test_reads_in_a_row_are_one_record(tmp_path: Path) -> None:
    """Neighbours of one reader with the same columns are joined in their order; anything between them is a border."""
    rig = Rig(tmp_path)
    device = Device("dock-1", "up")
    short = one(9, columns=SPELLED[:3])
    items = [one(1), one(2), one(3, "dock-2"), one(4), device, one(5), one(6), short]
    held = await taken(rig, list(items))
    rows = [[row[0] - T0 for row in item.reads] if isinstance(item, Reads) else item for item in held]
    assert rows == [[1, 2], [3], [4], device, [5, 6], [9]]
    assert [result.item for result in rig.results] == held
    await rig.stop()


async def test_a_record_takes_only_so_many_reads(tmp_path: Path) -> None:
    """What one poisonous read can take along stays bounded: a record has as many reads as a driver gives at a time."""
    rig = Rig(tmp_path)
    many = Reads("dock-1", tuple(one(n).reads[0] for n in range(JOINED_READS - 1)), SPELLED)
    huge = Reads("dock-1", tuple(one(n).reads[0] for n in range(JOINED_READS * 2)), SPELLED)
    held = await taken(rig, [many, one(1), one(2), huge, one(3)])
    assert [len(item.reads) for item in held if isinstance(item, Reads)] == [JOINED_READS, 1, 2 * JOINED_READS, 1]
    await rig.stop()


async def test_only_what_cannot_be_written_down_is_refused(tmp_path: Path) -> None:
    """A read that no journal line can hold is passed over and counted; its neighbours are taken."""
    rig = Rig(tmp_path)
    held = await taken(rig, [one(1), Reads("dock-1", ((T0, 1, "\ud800", -50),), SPELLED), one(2)])
    assert held == [one(1), one(2)]
    assert rig.pipeline.refused == 1
    await rig.stop()


async def test_the_way_in_counts_reads(tmp_path: Path) -> None:
    """The bound holds for reads that are not encoded yet, too."""
    rig = Rig(tmp_path)
    rig.pipeline.inputs.bound = 3
    async with asyncio.timeout(5):
        await rig.pipeline.submit(Reads("dock-1", one(1).reads * 3, SPELLED))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await rig.pipeline.submit(one(2))
    await rig.stop()


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(cuts=st.lists(st.integers(1, 60), max_size=8), inward=st.booleans())
def test_the_rules_do_not_see_the_difference(cuts: list[int], inward: bool) -> None:
    """However the reads of two pallets are cut into messages of one instant, the same candidates come out."""
    rows = [
        row
        for number in (0, 1)
        for t, items in dockside.drive(
            T0 + number * 20 * SECOND, [dockside.case_tag(n) for n in range(3)], inward=inward, eyes=False
        )
        for item in items
        if isinstance(item, Reads)
        for row in item.reads
    ]
    ends = sorted({min(cut, len(rows)) for cut in cuts} | {len(rows)})
    parts = [rows[before:end] for before, end in zip([0, *ends], ends, strict=False)]
    now = T0 + 60 * SECOND

    def found(messages: list[list[tuple[object, ...]]]) -> list[object]:
        core = Core(Engine(parse(TOML, "tests").settings()), 0)
        candidates = [one for rows in messages for one in core.observe(now, Reads("dock-1", tuple(rows), SPELLED))]
        core.engine.abandon(now)
        return [*candidates, core.engine.snapshot()]

    assert found(parts) == found([rows])
