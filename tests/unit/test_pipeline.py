"""The sequencer: order, stamps, what is durable before what, the bounded way in, the clean stop, reconfiguration."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.jobs import Job
from gateway.journal import Journal
from gateway.ledger.store import Commit
from gateway.model.facts import Facts, FactsRecord
from gateway.model.inputs import Boot, Command, Config, Device, Downlink, Gpi, Input, Tick
from gateway.model.times import SECOND
from gateway.pipeline import Core
from gateway.rules import Engine
from tests import dockside
from tests.dockside import T0, TOML, Rig


def kinds(rig: Rig) -> list[str]:
    """The journal's records in order, by kind."""
    return [type(record.item).__name__.lower() for record in rig.journal.read(0)]


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that another task brings about."""
    while not true():  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.001)


async def test_inputs_are_taken_in_the_order_they_were_handed_in(tmp_path: Path) -> None:
    """Journal, results and positions follow the order of submission, over groups and within one."""
    rig = Rig(tmp_path)
    devices: list[Input] = [Device(f"d{number}", "up") for number in range(20)]
    await rig.play([(T0, devices[:7]), (T0 + 5, devices[7:8]), (T0 + 9, devices[8:])])
    assert [result.item for result in rig.results] == devices
    assert [result.position for result in rig.results] == list(range(1, 21))
    assert [record.item for record in rig.journal.read(0)] == devices
    await rig.stop()


async def test_stamps_never_decrease_when_the_clock_goes_back(tmp_path: Path) -> None:
    """With a clock that jumps back, stamps stand still until it has caught up."""
    rig = Rig(tmp_path)
    times = [T0, T0 + 100, T0 + 50, T0 - SECOND, T0 + 101]
    await rig.play([(t, [Device("d", "up")]) for t in times])
    assert [record.t for record in rig.journal.read(0)] == [T0, T0 + 100, T0 + 100, T0 + 100, T0 + 101]
    await rig.stop()
    again = Rig(tmp_path)
    await again.play([(T0 - SECOND, [Device("d", "up")])])
    assert [record.t for record in again.journal.read(5)] == [T0 + 101]
    await again.stop()


async def test_a_clock_set_back_does_not_make_the_loop_spin(tmp_path: Path) -> None:
    """A deadline that the clock cannot fire yet is waited for, not asked for over and over."""
    rig = Rig(tmp_path)
    rig.now = T0
    await rig.pipeline.recover()
    running = asyncio.create_task(rig.pipeline.run())
    for _, items in dockside.climate(T0, [9.0]):
        await rig.pipeline.decide(items[0])
    rounds = 0
    gather = rig.pipeline._gather

    async def counted() -> list[Job]:
        nonlocal rounds
        rounds += 1
        return await gather()

    rig.pipeline._gather = counted  # type: ignore[method-assign]
    rig.pipeline.last_t = T0 + 60 * SECOND  # the clock stood a minute later before it was corrected
    rig.now = T0 + 30 * SECOND
    await rig.pipeline.decide(Device("d", "up"))
    await asyncio.sleep(0.05)
    assert rounds <= 2
    rig.pipeline.finish()
    await running
    await rig.stop()


async def test_a_deadline_fires_as_a_tick_before_a_later_input(tmp_path: Path) -> None:
    """A passage that ended is closed by a tick stamped with its deadline, journalled before the input behind it."""
    rig = Rig(tmp_path)
    steps = [*dockside.opening(), *dockside.drive(T0 + SECOND, [dockside.pallet_tag(1)])]
    end = T0 + 3 * SECOND
    await rig.play([*steps, (end + 10 * SECOND, [Device("late", "up")])])
    tail = list(rig.journal.read(0))[-3:]
    assert [type(record.item) for record in tail] == [Tick, FactsRecord, Device]
    assert tail[0].t == end + 1_200_000 + 300_000  # quiet and settle of the preset
    assert tail[1].item.of == tail[0].position  # type: ignore[union-attr]
    assert rig.lines[0].startswith(b'{"kind":"passage"')
    await rig.stop()


async def test_an_input_is_stamped_when_it_was_handed_in(tmp_path: Path) -> None:
    """A deadline that passes while an input waits for the pipeline fires after it, not before: it came in time."""
    rig = Rig(tmp_path)
    await rig.play([*dockside.opening(), *dockside.climate(T0 + SECOND, [9.0])])
    await rig.stop()
    again = Rig(tmp_path)
    deadline = T0 + 4 * SECOND
    again.now = deadline - 1
    await again.pipeline.recover()
    await again.pipeline.submit(Device("d", "up"))
    again.now = deadline + SECOND
    running = asyncio.create_task(again.pipeline.run())
    await until(lambda: any(b'"kind":"alarm"' in one for one in again.lines))
    again.pipeline.finish()
    await running
    assert [(record.t, type(record.item)) for record in again.journal.read(3)][:2] == [
        (deadline - 1, Device),
        (deadline, Tick),
    ]
    await again.stop()


async def test_facts_are_on_disk_before_the_commit_and_the_input_before_both(tmp_path: Path) -> None:
    """At each commit the journal on disk already holds the input and the facts it was decided with."""
    rig = Rig(tmp_path)
    commit = rig.ledger.commit
    seen: list[list[str]] = []

    def spy(turn: Commit) -> None:
        held = [one for path in rig.journal.segments() for one in _on_disk(path.parent)]
        seen.append(held)
        commit(turn)

    rig.ledger.commit = spy  # type: ignore[method-assign]
    await rig.play([(T0, [dockside.asn(1, dockside.line(1, [1]))])])
    assert seen[0] == ["Downlink", "FactsRecord"]
    await rig.stop()


def _on_disk(directory: Path) -> list[str]:
    copy = directory.parent / "copy"
    copy.mkdir(exist_ok=True)
    for path in directory.glob("*.zst"):
        (copy / path.name).write_bytes(path.read_bytes())
    journal = Journal.open(copy, site="north", gateway="gw1")
    found = [type(record.item).__name__ for record in journal.read(0)]
    journal.close()
    return found


async def test_decide_returns_only_after_the_commit(tmp_path: Path) -> None:
    """When `decide` answers, the ledger holds the effects, and the answer is the outcome's reply."""
    rig = Rig(tmp_path)
    await rig.pipeline.recover()
    running = asyncio.create_task(rig.pipeline.run())
    assert await rig.pipeline.decide(dockside.asn(1, dockside.line(1, [1]))) == {"ok": True}
    assert rig.ledger.position() == 1
    refused = await rig.pipeline.decide(Downlink("down/asn/A2", {"asn": "A2", "units": 3}))
    assert refused is not None
    assert refused["ok"] is False
    assert "units" in refused["error"]
    assert rig.ledger.sequence() == 1
    rig.pipeline.finish()
    await running
    await rig.stop()


async def test_the_way_in_is_bounded(tmp_path: Path) -> None:
    """With a full pipe `submit` waits until the pipeline has taken something, and nothing is dropped."""
    rig = Rig(tmp_path)
    rig.pipeline.inputs.bound = 4
    devices = [Device(f"d{number}", "up") for number in range(50)]

    async def hand_in() -> None:
        for device in devices:
            await rig.pipeline.submit(device)

    hander = asyncio.create_task(hand_in())
    await asyncio.sleep(0.01)
    assert len(rig.pipeline.inputs) == 4
    assert not hander.done()
    await rig.pipeline.recover()
    running = asyncio.create_task(rig.pipeline.run())
    await hander
    rig.pipeline.finish()
    await running
    assert [result.item for result in rig.results] == devices
    assert rig.pipeline.inputs.dropped == 0
    await rig.stop()


async def test_inputs_linger_into_one_group(tmp_path: Path) -> None:
    """What nobody waits for is gathered for the group time and shares one fsync; a command does not linger."""
    rig = Rig(tmp_path, group=500_000, writer=dockside.MortalWriter())
    await rig.pipeline.recover()
    running = asyncio.create_task(rig.pipeline.run())
    for number in range(5):
        await rig.pipeline.submit(Device(f"d{number}", "up"))
        await asyncio.sleep(0.002)
    await until(lambda: len(rig.results) == 5)
    assert isinstance(rig.writer, dockside.MortalWriter)
    assert rig.writer.names.count("write") == 1
    started = asyncio.get_running_loop().time()
    await rig.pipeline.decide(Command("nothing"))
    assert asyncio.get_running_loop().time() - started < 0.5  # the group time
    rig.pipeline.finish()
    await running
    await rig.stop()


async def test_a_clean_stop_takes_what_is_in_the_pipe_and_snapshots(tmp_path: Path) -> None:
    """After `finish` the pipe is empty, the snapshot is at the last record, and the next start replays nothing."""
    rig = Rig(tmp_path)
    await rig.pipeline.recover()
    running = asyncio.create_task(rig.pipeline.run())
    await rig.pipeline.decide(Config(TOML))
    for number in range(10):
        await rig.pipeline.submit(Device(f"d{number}", "up"))
    rig.pipeline.finish()
    await running
    assert rig.pipeline.finished.is_set()
    snapshot = rig.ledger.snapshot()
    assert snapshot is not None
    assert (snapshot.position, snapshot.config) == (rig.journal.last, TOML)
    await rig.stop()
    again = Rig(tmp_path)
    assert await again.pipeline.recover() == 0
    assert again.pipeline.core.config_text == TOML
    await again.stop()


async def test_the_position_is_committed_though_nothing_is_decided(tmp_path: Path) -> None:
    """Quiet inputs move the ledger's position every few seconds, so that recovery stays short."""
    rig = Rig(tmp_path)
    await rig.pipeline.recover()
    running = asyncio.create_task(rig.pipeline.run())
    positions = []
    for seconds, due in ((0, 1), (1, 1), (2, 1), (6, 4), (7, 4), (70, 6)):
        rig.now = T0 + seconds * SECOND
        await rig.pipeline.decide(Device("d", "up"))
        for _ in range(250):
            await asyncio.sleep(0.02)
            if rig.ledger.position() == due:
                break
        positions.append(rig.ledger.position())
    assert positions == [1, 1, 1, 4, 4, 6]
    snapshot = rig.ledger.snapshot()
    assert snapshot is not None
    assert snapshot.position == 6
    rig.pipeline.finish()
    await running
    await rig.stop()


async def test_the_ledgers_log_is_moved_into_its_file_when_nothing_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two seconds after a decision, once, and never in the middle of a passage: no commit pays for it."""
    rig = Rig(tmp_path)
    calls: list[int] = []
    monkeypatch.setattr(rig.ledger, "checkpoint", lambda: calls.append(1))
    await rig.pipeline.recover()
    running = asyncio.create_task(rig.pipeline.run())

    async def moved_at(seconds: int, item: Input) -> int:
        rig.now = T0 + seconds * SECOND
        await rig.pipeline.decide(item)
        await asyncio.sleep(0.1)
        return len(calls)

    assert await moved_at(0, dockside.asn(1, dockside.line(1, [1]))) == 0
    assert await moved_at(1, Device("d", "up")) == 0
    assert await moved_at(2, Gpi("dock-1", 1, True)) == 0  # somebody is in the door
    assert await moved_at(3, Device("d", "up")) == 0
    assert await moved_at(4, Gpi("dock-1", 1, False)) == 0
    for seconds in (60, 61, 65, 70):
        found = await moved_at(seconds, Device("d", "up"))
    assert found == 1
    rig.pipeline.finish()
    await running
    await rig.stop()


async def test_a_configuration_record_changes_the_rules(tmp_path: Path) -> None:
    """From a config record on its limits hold; one that cannot be read is passed over and the old ones stay."""
    rig = Rig(tmp_path)
    changed = TOML.replace("high = 8.0", "high = 5.0").replace('on_delay = "3s"', 'on_delay = "0s"')
    warm = dockside.climate(T0 + SECOND, [6.0])
    await rig.play([*warm, (T0 + 2 * SECOND, [Config(changed)])])
    assert not rig.lines
    await rig.stop()
    again = Rig(tmp_path)
    await again.play([(T0 + 3 * SECOND, [Config("no = toml [")]), *dockside.climate(T0 + 4 * SECOND, [6.0])])
    assert b'"alarm":"cold-2-high"' in again.lines[0]
    assert b'"limit":5.0' in again.lines[0]
    await again.stop()


async def test_an_answer_nobody_waits_for_disturbs_nobody(tmp_path: Path) -> None:
    """A caller of `decide` that was cancelled leaves its input to be taken, and the pipeline goes on."""
    rig = Rig(tmp_path)
    caller = asyncio.create_task(rig.pipeline.decide(Device("a", "up")))
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    await rig.play([(T0, [Device("b", "up")])])
    assert [result.item for result in rig.results] == [Device("a", "up"), Device("b", "up")]
    await rig.stop()


async def test_a_failing_disk_blames_no_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal that cannot be written ends the core, but the input is not counted as one that crashes it."""
    rig = Rig(tmp_path)
    write = rig.journal.write
    calls = 0

    def full() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:  # the facts
            raise OSError(28, "No space left on device")
        write()

    monkeypatch.setattr(rig.journal, "write", full)
    with pytest.raises(OSError, match="No space"):
        await rig.play([(T0, [dockside.asn(1, dockside.line(1, [1]))])])
    assert rig.pipeline.turning is None
    monkeypatch.undo()
    await rig.stop(killed=True)


def test_a_core_numbers_events_without_holes() -> None:
    """Events take the numbers after the last, decisions that are no events take none."""
    settings = dockside.config.parse(TOML, "tests").settings()
    core = Core(Engine(settings), 41)
    bad: list[Any] = [Downlink("down/asn/A1", text="x"), Boot("b", "0"), Downlink("nowhere", {})]
    numbers = []
    for item in bad:
        candidates = core.observe(T0, item)
        _, promised = core.conclude(candidates, Facts())
        numbers += [event.seq for event in promised]
    assert numbers == [42, 43]


async def test_events_are_flagged_with_the_quality_of_the_clock(tmp_path: Path) -> None:
    """A clock two years off refuses nothing: every event says which start decided it and how good its clock was."""
    rig = Rig(tmp_path)
    off = T0 - 2 * 365 * 86_400 * SECOND
    await rig.play(
        [
            (off, [Boot("b1", "1", "unsynced"), Config(TOML)]),
            (off + 1, [Device("dock-1", "fault", "a")]),
            (off + 2, [Command("clock", {"quality": "synced"}, "core"), Device("dock-1", "up")]),
            (T0, [Command("clock", {"quality": "splendid"}, "core"), Command("clock", {"quality": "fault"}, "ann")]),
            (T0 + 1, [Device("dock-1", "fault", "b")]),
        ]
    )
    told = [(one.attributes["bootid"], one.attributes["clockquality"]) for one in rig.ledger.pending(0, 99)]
    assert [quality for _, quality in told] == ["unsynced", "synced", "synced", "synced", "synced"]
    assert {boot for boot, _ in told} == {"b1"}
    await rig.stop()
    again = Rig(tmp_path)
    await again.play([(T0 + 2, [Device("dock-1", "up")]), (T0 + 3, [Boot("b2", "1"), Device("dock-1", "fault", "c")])])
    last = again.ledger.pending(0, 99)[-1]
    assert (last.attributes["bootid"], last.attributes["clockquality"]) == ("b2", "unknown")
    await again.stop()
