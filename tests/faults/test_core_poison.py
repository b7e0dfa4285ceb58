"""A poison input: it crashes the core twice, is then skipped and alarmed, and a replay skips it too."""

from pathlib import Path
from typing import Any

import pytest

from gateway.model.inputs import Device, Input, Measurement, Tick
from gateway.model.times import SECOND
from gateway.replay import replay
from gateway.rules import Engine
from gateway.rules.alarms import LimitWatch
from gateway.rules.passages import PortalWatch
from tests import dockside
from tests.dockside import T0, Rig, Step


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules choke on a measurement of 66.6."""
    observe = Engine.observe

    def choking(engine: Engine, t: int, item: Input) -> Any:
        if isinstance(item, Measurement) and item.value == 66.6:
            raise ZeroDivisionError("66.6")
        return observe(engine, t, item)

    monkeypatch.setattr(Engine, "observe", choking)


def day() -> list[Step]:
    """A warm room with one poison sample among the others, in a group of three."""
    t = T0 + SECOND
    return [
        *dockside.opening(),
        *dockside.climate(t, [9.0]),
        (
            t + SECOND,
            [
                Device("before", "up"),
                Measurement("cold-2-a", "temperature", 66.6, "Cel"),
                Measurement("cold-2-a", "temperature", 9.5, "Cel"),
            ],
        ),
        *dockside.climate(t + 5 * SECOND, [9.0, 7.0]),
        *dockside.closing(t + 30 * SECOND),
    ]


async def lives(directory: Path, steps: list[Step]) -> list[tuple[bool, list[bytes]]]:
    """Start again and again, sources repeating what was not journalled, until a life goes well."""
    told: list[tuple[bool, list[bytes]]] = []
    for _ in range(8):
        rest = dockside.rest(steps, directory) if told else steps
        rig = Rig(directory)
        well = await rig.live(rest)
        told.append((well, rig.lines))
        await rig.stop(killed=not well)
        if well:
            return told
    pytest.fail("the core crashes for ever")


@pytest.mark.usefixtures("poison")
async def test_the_third_start_skips_a_poison_input(tmp_path: Path) -> None:
    """Two crashes at one position, then the gateway lives without that input: alarmed, all else taken."""
    told = await lives(tmp_path, day())
    assert [well for well, _ in told] == [False, False, True]
    lines = [line for _, lines in told for line in lines]
    alarms = [line for line in lines if b'"kind":"alarm"' in line and b'"alarm":"quarantine"' in line]
    assert len(alarms) == 1
    rig = Rig(tmp_path)
    (row,) = [row for row in rig.ledger.alarms(active_only=True) if row["alarm"] == "quarantine"]
    assert "position 5 " in row["detail"]
    assert "66.6" in row["detail"]
    assert rig.crashes.quarantined == {5}
    assert rig.crashes.unannounced() == []
    before = rig.ledger.sequence()
    await rig.play(dockside.closing(T0 + 90 * SECOND))  # a later start does not announce it again
    assert rig.ledger.sequence() == before
    climate = [line for line in lines if b'"alarm":"cold-2-high"' in line and b'"kind":"alarm"' in line]
    assert len(climate) == 2
    assert b'"value":9.5' in climate[0]
    await rig.stop()


@pytest.mark.usefixtures("poison")
async def test_a_replay_skips_what_the_gateway_skipped(tmp_path: Path) -> None:
    """Replaying that journal gives the lines that were given live, without choking."""
    told = await lives(tmp_path, day())
    assert list(replay(tmp_path / "journal").lines()) == [line for _, lines in told for line in lines]


async def test_a_passage_that_cannot_be_judged_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When closing a passage crashes, skipping its tick does not let it come due for ever; the next passage is fine."""
    close = PortalWatch._close

    def choking(watch: PortalWatch) -> Any:
        if any(read[2] == dockside.case_tag(13) for read in watch.state.recent):
            raise ZeroDivisionError("thirteen")
        return close(watch)

    monkeypatch.setattr(PortalWatch, "_close", choking)
    t = T0 + 10 * SECOND
    steps = [
        *dockside.opening(),
        (T0 + SECOND, [dockside.asn(1, dockside.line(1, [1]))]),
        *dockside.drive(t, [dockside.pallet_tag(13), dockside.case_tag(13)]),
        *dockside.drive(t + 20 * SECOND, [dockside.pallet_tag(1), dockside.case_tag(1)]),
        *dockside.closing(t + 40 * SECOND),
    ]
    told = await lives(tmp_path, steps)
    assert [well for well, _ in told] == [False, False, True]
    lines = [line for _, lines in told for line in lines]
    assert sum(b'"kind":"movement"' in line for line in lines) == 1
    assert sum(b'"kind":"passage"' in line for line in lines) == 1
    rig = Rig(tmp_path)
    (position,) = rig.crashes.quarantined
    poison = next(iter(rig.journal.read(position - 1)))
    assert isinstance(poison.item, Tick)
    await rig.stop()
    assert list(replay(tmp_path / "journal").lines()) == lines


async def test_a_delay_that_cannot_run_out_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for an alarm whose delay crashes the core when it runs out."""
    step = LimitWatch._step

    def choking(watch: LimitWatch, what: str, at: int, by: str = "") -> Any:
        if what == "on" and watch.state.value == 66.6:
            raise ZeroDivisionError("66.6")
        return step(watch, what, at, by)

    monkeypatch.setattr(LimitWatch, "_step", choking)
    steps = [
        *dockside.opening(),
        *dockside.climate(T0 + SECOND, [66.6]),
        *dockside.closing(T0 + 20 * SECOND),
        *dockside.climate(T0 + 30 * SECOND, [9.0]),
        *dockside.closing(T0 + 50 * SECOND),
    ]
    told = await lives(tmp_path, steps)
    assert [well for well, _ in told] == [False, False, True]
    lines = [line for _, lines in told for line in lines]
    assert sum(b'"kind":"alarm","alarm":"cold-2-high"' in line for line in lines) == 1
    assert list(replay(tmp_path / "journal").lines()) == lines
