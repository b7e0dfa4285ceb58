"""A process that dies at any call to disk or database, before it, after it or within, loses and doubles nothing."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.journal import Journal
from gateway.model.facts import FactsRecord
from gateway.model.times import SECOND
from gateway.replay import replay
from tests import dockside
from tests.dockside import T0, KilledError, MortalWriter, Rig, Step

TAGS = [dockside.pallet_tag(1), dockside.case_tag(1), dockside.case_tag(2)]
ROWS = ("at", "antenna", "epc", "rssi")


def day() -> list[Step]:
    """Groups of several inputs that ask: two documents at once, two doors whose passages end in one group."""
    t = T0 + 10 * SECOND
    twin = dockside.drive(t, [dockside.pallet_tag(2), dockside.case_tag(7)], eyes=False, portal="dock-2")
    late = t + 9 * SECOND
    ends = [
        dockside.Reads("dock-1", ((late, 1, TAGS[0], -50.0), (late, 1, TAGS[1], -50.0)), ROWS),
        dockside.Reads("dock-2", ((late, 1, dockside.pallet_tag(2), -50.0),), ROWS),
    ]
    return [
        *dockside.opening(),
        (T0 + SECOND, [dockside.asn(1, dockside.line(2, [1, 2])), dockside.asn(2, dockside.line(1, [7]))]),
        *thinned(dockside.grouped([*dockside.drive(t, TAGS, eyes=False), *twin])),
        (t + 2 * SECOND, ends),
        *dockside.climate(t + 20 * SECOND, [9.0]),
        *dockside.climate(t + 24 * SECOND, [7.0]),
        (t + 30 * SECOND, [dockside.Command("alarms.ack", {"alarm": "cold-2-high"}, "ann")]),
        *dockside.closing(t + 40 * SECOND),
    ]


def thinned(steps: list[Step]) -> list[Step]:
    """The steps in three groups, each at the time of its last: fewer places to die, the same reads."""
    third = -(-len(steps) // 3)
    parts = [steps[start : start + third] for start in range(0, len(steps), third)]
    return [(part[-1][0], [item for _, items in part for item in items]) for part in parts]


async def uninterrupted(directory: Path) -> tuple[dict[str, Any], list[bytes], list[str]]:
    """State, lines and calls of the day when nothing dies."""
    directory.mkdir()
    writer = MortalWriter()
    rig = Rig(directory, writer=writer)
    await rig.play(day())
    state = rig.state()
    await rig.stop()
    return state, rig.lines, writer.names


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[bytes], list[str]]:
    """The uninterrupted day, once."""
    return asyncio.run(uninterrupted(tmp_path_factory.mktemp("whole") / "state"))


async def lives(directory: Path, deaths: list[tuple[int, str]]) -> dict[str, Any]:
    """Play the day, dying at the n-th call of each life in turn, and return the ledger of the last life."""
    directory.mkdir()
    steps = day()
    for at, how in deaths:
        rig = Rig(directory, writer=MortalWriter(at, how))
        try:
            await rig.play(steps)
        except KilledError:
            pass
        finally:
            await rig.stop(killed=True)
        steps = dockside.rest(day(), directory)
    rig = Rig(directory)
    await rig.play(steps or dockside.closing(T0 + 50 * SECOND))
    state = rig.state()
    await rig.stop()
    return state


def test_the_day_has_every_kind_of_turn(whole: tuple[dict[str, Any], list[bytes], list[str]]) -> None:
    """The scenario is worth dying in: movements, an alarm with its excursion, facts, ticks and a snapshot."""
    state, lines, calls = whole
    assert [one["verdict"] for one in state["movements"]] == ["accepted"] * 2
    kinds = {line[9 : line.index(b'"', 9)] for line in lines}
    assert kinds == {b"passage", b"movement", b"command", b"alarm", b"hold", b"excursion", b"event"}
    # A checkpoint comes when the gateway has been idle for a while, by the clock of this machine.
    assert set(calls) - {"checkpoint"} == {"snapshot", "position", "sequence", "write", "facts_for", "commit"}
    assert state["broken"] is None
    assert state["sequence"] == len(state["events"]) > 5


async def test_dying_before_any_call_changes_nothing(
    tmp_path: Path, whole: tuple[dict[str, Any], list[bytes], list[str]]
) -> None:
    """For every call: die before it (so after the last), start again, let sources repeat the rest: the same ledger."""
    state, lines, calls = whole
    for at, name in enumerate(calls, 1):
        directory = tmp_path / str(at)
        assert await lives(directory, [(at, "before")]) == state, f"died before call {at}: {name}"
        if at % 4 == 0:
            assert list(replay(directory / "journal").lines()) == lines, f"replay after dying before call {at}: {name}"


async def test_dying_within_any_write_of_the_journal_changes_nothing(
    tmp_path: Path, whole: tuple[dict[str, Any], list[bytes], list[str]]
) -> None:
    """For every write of the journal: half of it reaches the disk, and the next life leaves the same ledger."""
    state, _, calls = whole
    for at in [at for at, name in enumerate(calls, 1) if name == "write"][::2]:
        assert await lives(tmp_path / str(at), [(at, "torn")]) == state, f"torn at call {at}"


async def test_dying_again_while_recovering_changes_nothing(
    tmp_path: Path, whole: tuple[dict[str, Any], list[bytes], list[str]]
) -> None:
    """A second and a third death in the middle of recovery leave the same ledger too."""
    state, _, calls = whole
    for at in range(6, len(calls), 7):
        for second in (4, 6):
            deaths = [(at, "before"), (second, "torn"), (second, "before")]
            assert await lives(tmp_path / f"{at}-{second}", deaths) == state, deaths


async def test_recovery_decides_by_the_journalled_facts(
    tmp_path: Path, whole: tuple[dict[str, Any], list[bytes], list[str]]
) -> None:
    """When the facts were journalled and the commit was not, recovery takes the facts and does not ask again."""
    _, _, calls = whole
    at = calls.index("facts_for") + 3
    assert calls[at - 2 : at] == ["write", "commit"]
    rig = Rig(tmp_path, writer=MortalWriter(at, "before"))
    with pytest.raises(KilledError):
        await rig.play(day())
    await rig.stop(killed=True)
    again = Rig(tmp_path, writer=MortalWriter())
    await again.pipeline.recover()
    assert again.writer.names.count("facts_for") == 1  # type: ignore[attr-defined] # the second document of the group
    facts = [record.item.of for record in again.journal.read(0) if isinstance(record.item, FactsRecord)]
    assert facts == [3, 4]
    await again.stop()


async def test_a_snapshot_and_its_tail_are_as_good_as_the_whole_journal(tmp_path: Path) -> None:
    """Recovery from a snapshot in the middle of a passage and of an alarm's delay gives the engine's exact state."""
    rig = Rig(tmp_path)
    t = T0 + 10 * SECOND
    half = [*dockside.opening(), *dockside.drive(t, TAGS)[:6], *dockside.climate(t + SECOND, [9.0])]
    await rig.play(half)  # ends with a snapshot, the portal open and the delay running
    assert rig.pipeline.core.engine.deadline is not None
    await rig.stop()
    more = Rig(tmp_path)
    more.now = t + 2 * SECOND
    await more.pipeline.recover()
    running = asyncio.create_task(more.pipeline.run())
    for tag in TAGS:
        await more.pipeline.decide(dockside.Reads("dock-1", ((t + 2 * SECOND, 2, tag, -50.0),), ROWS))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    snapshot = more.pipeline.core.engine.snapshot()
    await more.stop(killed=True)
    again = Rig(tmp_path)
    assert await again.pipeline.recover() == 3
    assert again.pipeline.core.engine.snapshot() == snapshot
    assert again.pipeline.core.engine.settings == more.pipeline.core.engine.settings
    await again.stop()


async def test_a_delay_survives_a_crash_in_its_middle(tmp_path: Path) -> None:
    """An alarm whose on-delay runs when the process dies comes at the same instant as without the death."""
    for name, killed in (("alive", False), ("dead", True)):
        directory = tmp_path / name
        directory.mkdir()
        rig = Rig(directory)
        steps = [*dockside.opening(), *dockside.climate(T0 + SECOND, [9.0, 9.0]), *dockside.closing(T0 + 30 * SECOND)]
        if killed:
            rig.writer = rig.pipeline._writer = MortalWriter(8, "before")
            with pytest.raises(KilledError):
                await rig.play(steps)
            await rig.stop(killed=True)
            steps = dockside.rest(steps, directory)
            rig = Rig(directory)
        await rig.play(steps)
        alarm = next(line for line in rig.lines if b'"kind":"alarm"' in line)
        assert b'"at":"%b"' % dockside.stamp(T0 + 4 * SECOND).encode() in alarm
        await rig.stop()


async def test_a_lost_end_of_the_journal_is_survived(tmp_path: Path) -> None:
    """With the newest records rotten, though the ledger holds their effects, the gateway starts and counts on."""
    rig = Rig(tmp_path)
    await rig.play(day()[:8])
    before = rig.state()
    position, held = rig.journal.last, rig.ledger.position()
    await rig.stop()
    (segment,) = rig.journal.segments()
    content = segment.read_bytes()
    segment.write_bytes(content[: len(content) * 2 // 3])
    again = Rig(tmp_path)
    assert again.journal.last < held
    await again.play(
        [(T0 + 60 * SECOND, [dockside.asn(5, dockside.line(1, [9]))]), *dockside.closing(T0 + 90 * SECOND)]
    )
    after = again.state()
    assert again.journal.last > position
    assert after["events"][: len(before["events"])] == before["events"]
    assert after["broken"] is None
    assert next(iter(again.journal.read(held))).position == held + 1
    await again.stop()
    third = Rig(tmp_path)
    await third.play(dockside.closing(T0 + 100 * SECOND))
    await third.stop()


async def test_a_lost_journal_is_survived(tmp_path: Path) -> None:
    """With the whole journal gone, positions go on behind the ledger's and the snapshot is enough to start."""
    rig = Rig(tmp_path)
    await rig.play(day())
    held = rig.ledger.position()
    await rig.stop()
    for segment in rig.journal.segments():
        segment.unlink()
    again = Rig(tmp_path)
    await again.play([(T0 + 60 * SECOND, [dockside.asn(5, dockside.line(1, [9]))])])
    assert [record.position for record in again.journal.read(0)] == [held + 1, held + 2]
    await again.stop()
    reopened = Journal.open(tmp_path / "journal", site="north", gateway="gw1")
    assert reopened.last == held + 2
    reopened.close()
