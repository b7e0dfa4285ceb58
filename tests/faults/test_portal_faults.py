"""What readers do wrong, played through the real core: the six faults of the RF generator.

Each is the same shift with and without the fault. No crash, bounded memory, the decisions that should survive do, and
what was wrong is said: in alarms, and in counts that `/metrics` shows.
"""

import tempfile
import tracemalloc
from collections.abc import Iterable
from functools import cache
from random import Random

import msgspec
import pytest

from benchmarks.portal import playing
from benchmarks.portal.scoring import Verdict, score
from gateway import config
from gateway.ledger.store import Ledger
from gateway.metrics import PORTAL_KEPT, PORTAL_ODD, keeps
from gateway.model.inputs import Device, Gpi, Input, Reads, Tick
from gateway.model.outcome import AlarmChange, Movement, Outcome, Passage
from gateway.pipeline import Core
from gateway.readers.llrp.health import Health
from gateway.rules import Engine
from gateway.rules.background import ROOM
from gateway.rules.candidates import Changed
from gateway.rules.passages import EDGES_KEPT, READS_KEPT, PortalWatch
from gateway.rules.remembering import PortalState
from gateway.rules.troubles import CROWD, PATIENCE
from simulators.rf import Shift, shift
from simulators.rf.faults import JUMP_LASTS

S = 1_000_000
MARGIN = 5 * S
"""µs around a fault in which it may still tell."""


class Life(msgspec.Struct):
    """What the core made of a shift."""

    shift: Shift
    core: Core
    outcomes: list[Outcome]
    most: dict[str, int]
    """The longest that each list of a portal's memory was, and the largest snapshot, bytes."""

    def decided(self, kind: type) -> list:
        """The decisions of a kind, in order."""
        return [one for outcome in self.outcomes for one in outcome.decisions if isinstance(one, kind)]

    def passages(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """Which, which way, and what moved: what a receipt stands on."""
        return [(one.passage, one.direction, one.moved) for one in self.decided(Passage)]

    def goods(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """The same without the tags of trucks and badges, and without passages in which nothing else moved."""
        tags = {epc for one in self.shift.truth["passages"] for unit in one["units"] for epc in unit["epcs"]}
        told = [(name, way, tuple(epc for epc in moved if epc in tags)) for name, way, moved in self.passages()]
        return [one for one in told if one[2]]

    def verdicts(self) -> list[Verdict]:
        """Every pallet of the truth, and whether it was told exactly."""
        movements = self.decided(Movement)
        answers = [playing._answer(one, movements) for one in self.decided(Passage)]
        return score(self.shift.truth, answers).verdicts

    def alarms(self) -> list[tuple[str, str]]:
        """Alarms and what became of them."""
        return [(one.alarm, one.after) for one in self.decided(AlarmChange)]

    def counted(self, kind: str) -> int:
        """What `/metrics` shows of all portals."""
        for portal, state in self.core.engine.state.portals.items():
            keeps(portal, state)
        return sum(int(PORTAL_ODD.labels(portal, kind)._value.get()) for portal in self.core.engine.state.portals)


@cache
def lived(family: str, seed: int, passages: int = 6, fault: str | None = None) -> Life:
    """A shift through engine, rules and ledger."""
    made = shift(family, seed, passages, "untouched", fault)
    return live(made, playing.inputs(made))


def live(made: Shift, inputs: Iterable[tuple[int, Input]]) -> Life:
    """These inputs through a core with the shift's configuration, until nothing is open."""
    settings = config.parse(made.toml, "shift").settings()
    life = Life(made, Core(Engine(settings), 0), [], {})
    engine = life.core.engine
    with tempfile.TemporaryDirectory() as scratch:
        ledger = Ledger.open(f"sqlite:///{scratch}/ledger.db", site=settings.site, gateway=settings.gateway)
        try:
            for position, (t, item) in enumerate(inputs, 1):
                while (deadline := engine.deadline) is not None and deadline <= t:
                    life.outcomes.append(playing._turn(life.core, ledger, position, deadline, Tick()))
                life.outcomes.append(playing._turn(life.core, ledger, position, t, item))
                measure(life)
            while (deadline := engine.deadline) is not None:
                life.outcomes.append(playing._turn(life.core, ledger, 1 << 40, deadline, Tick()))
        finally:
            ledger.close()
    life.most["snapshot"] = len(engine.snapshot())
    return life


def measure(life: Life) -> None:
    """Keep the longest."""
    for state in life.core.engine.state.portals.values():
        for name in ("recent", "edges", "known", "peaks", "steps", "stands"):
            life.most[name] = max(life.most.get(name, 0), len(getattr(state, name)))


def middle(made: Shift) -> int:
    """The instant in µs at which faults begin: the first difference to the shift without one."""
    clean = shift(made.family, made.seed, 6, made.variant)
    return next(mine[0] for mine, other in zip(made.records, clean.records, strict=False) if mine != other)


def exact(verdicts: list[Verdict]) -> dict[int, bool]:
    """By the number of the true passage: whether its pallet was told exactly."""
    return {verdict.truth["number"]: verdict.exact for verdict in verdicts}


# -- a clock that jumps ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seed", "alarm"), [(5, "portal/dock-1/late"), (4, "portal/dock-1/untimely")], ids=["an hour back", "ahead"]
)
def test_a_clock_that_jumps_an_hour_costs_nothing_before_and_after(seed: int, alarm: str) -> None:
    """Pallets outside the half minute are as without the jump; the alarm comes, goes again, and the reads are counted.

    A clock that is ahead costs nothing at all: what is of the future counts as seen when it arrived.
    """
    clean, life = lived("calm", seed), lived("calm", seed, fault="clock_jump")
    jump = middle(life.shift)
    told, usual = life.verdicts(), exact(clean.verdicts())
    ahead = alarm.endswith("untimely")
    outside = [
        verdict
        for verdict in told
        if ahead or verdict.truth["closed"] < jump - MARGIN or verdict.truth["opened"] > jump + JUMP_LASTS + MARGIN
    ]
    assert len(outside) >= 3
    assert all(verdict.exact for verdict in outside)
    assert all(usual.values())
    assert life.alarms() == [(alarm, "unacked_active"), (alarm, "rtn_unacked")]
    (raised, ended) = life.decided(AlarmChange)
    assert ended.at - raised.at >= PATIENCE
    assert life.counted(alarm.rpartition("/")[2]) > 500
    assert clean.alarms() == []


def test_an_alarm_of_the_clock_says_what_and_of_whom() -> None:
    """It names the readers of the portal and how many reads it stands on, and so does the event's sentence."""
    (raised, _) = lived("calm", 4, fault="clock_jump").decided(AlarmChange)
    assert raised.source == "dock-1"
    assert raised.detail.endswith("of the future: a clock is ahead; they count as seen when they arrived")
    assert int(raised.detail.split()[0].replace(",", "")) >= 50


# -- reports that overtake, and come again -----------------------------------------------------------------------


@pytest.mark.parametrize("family", ["calm", "busy"])
def test_reads_out_of_order_decide_as_in_order(family: str) -> None:
    """Every report late by anything up to `settle`: the same goods, the same way, and nothing is late."""
    clean = lived(family, 5)
    (settle,) = {portal.settle for portal in clean.core.engine.settings.portals}
    chance = Random(7)
    late = [
        (t + chance.randrange(settle) if isinstance(item, Reads) else t, item)
        for t, item in playing.inputs(clean.shift)
    ]
    life = live(clean.shift, sorted(late, key=lambda each: each[0]))
    assert [one[0] for one in late] != sorted(one[0] for one in late)
    assert life.goods() == clean.goods()
    assert life.counted("late") == 0


@pytest.mark.parametrize("family", ["calm", "no_eyes"])
def test_reports_that_overtake_each_other_by_two_seconds_lose_no_pallet(family: str) -> None:
    """Far more than `settle` waits for: every pallet is still told exactly once, and what came too late is counted."""
    life = lived(family, 5, fault="disorder")
    assert all(exact(life.verdicts()).values())
    assert life.counted("late") > 0 or family == "calm"


@pytest.mark.parametrize("family", ["calm", "no_eyes", "neighbours"])
def test_reports_that_come_again_count_nothing_twice(family: str) -> None:
    """Five seconds of reports three times more: the same passages, ways and moved tags, and no alarm."""
    clean, life = lived(family, 5), lived(family, 5, fault="duplicates")
    assert sum(len(item.reads) for _, item in playing.inputs(life.shift) if isinstance(item, Reads)) > sum(
        len(item.reads) for _, item in playing.inputs(clean.shift) if isinstance(item, Reads)
    )
    assert life.goods() == clean.goods()
    assert exact(life.verdicts()) == exact(clean.verdicts())
    assert life.alarms() == []


# -- an antenna that dies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["calm", "no_eyes", "neighbours"])
def test_an_antenna_that_dies_in_a_passage_loses_no_pallet(family: str) -> None:
    """That pallet and those after it are told as by all antennas, by those that are left."""
    clean, life = lived(family, 5), lived(family, 5, fault="dead_antenna")
    assert exact(life.verdicts()) == exact(clean.verdicts())
    assert sum(exact(life.verdicts()).values()) >= 5


def test_an_antenna_that_died_raises_its_device_alarm() -> None:
    """What the driver's own watch says of the same reads: a fault of one antenna, once, and an alarm of the core."""
    made = shift("busy", 3, 45, "untouched", "dead_antenna")
    portal = config.parse(made.toml, "shift").settings().portals[0]
    ports = {antenna.port for antenna in portal.antennas}
    half = len(made.records) // 2
    heard = {row[1] for _, record in made.records[half + half // 2 :] for row in record.get("reads", ())}
    (dead,) = ports - heard
    (alarm,) = [one for one in said(made) if one.after == "unacked_active"]
    assert alarm.alarm == f"device/{portal.antennas[0].reader}/antenna-{dead}"
    assert f"antenna {dead} sees" in alarm.detail


def said(made: Shift) -> list[AlarmChange]:
    """The alarms of a shift whose reads pass the driver's watch over antennas; nothing else of it is played."""
    settings = config.parse(made.toml, "shift").settings()
    engine, portal = Engine(settings), settings.portals[0]
    reader = portal.antennas[0].reader
    health = Health(reader, [tuple(antenna.port for antenna in portal.antennas)])
    found = []
    for t, item in playing.inputs(made):
        if isinstance(item, Reads):
            devices: list[Device] = health.read(item.reads)
            found += [one.change for device in devices for one in engine.observe(t, device)]
    return found


# -- eyes that die -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["calm", "busy"])
def test_eyes_that_die_lose_three_pallets_at_most(family: str) -> None:
    """After the third no eye speaks: the reads take over, and told is which eyes. With them back it is as before."""
    clean = lived(family, 5, 14)
    goods = [one for one in clean.shift.truth["passages"] if one["units"]]
    dead, again = goods[2]["closed"] + MARGIN, goods[-3]["closed"] + MARGIN
    kept = [(t, item) for t, item in playing.inputs(clean.shift) if not (isinstance(item, Gpi) and dead <= t < again)]
    life = live(clean.shift, kept)
    assert len([verdict for verdict in life.verdicts() if not verdict.answers]) <= 3
    assert all(verdict.exact for verdict in life.verdicts()[-2:])
    eyes = {f"device/reader-1/eye-{port}" for port in (1, 2)}
    assert set(life.alarms()[:2]) == {(eye, "unacked_active") for eye in eyes}
    assert set(life.alarms()[2:]) == {(eye, "rtn_unacked") for eye in eyes}


# -- EPCs that are odd -------------------------------------------------------------------------------------------


def test_an_epc_of_no_bits_is_ignored_and_counted_one_of_496_bits_is_kept() -> None:
    """No bits name nothing: in no passage. 496 bits are a tag that nothing explains: held where it moved, by policy."""
    life = lived("calm", 8, fault="odd_epcs")
    tags = [row[2] for _, item in playing.inputs(life.shift) if isinstance(item, Reads) for row in item.reads]
    (odd,) = {tag for tag in tags if len(tag) > 48}
    assert life.counted("blank") == tags.count("") > 0
    passages = life.decided(Passage)
    assert all("" not in (*one.moved, *one.strays) for one in passages)
    assert any(odd in (*one.moved, *one.strays) for one in passages)
    holding = [one for one in life.decided(Movement) if any(odd in line.epcs for line in one.lines)]
    assert holding
    assert all(one.verdict in ("held", "refused") and "unknown_tag" in one.reasons for one in holding)


def test_odd_epcs_change_nothing_else() -> None:
    """Without the tag of 496 bits the passages are those of the same shift without odd tags."""
    clean, life = lived("calm", 5), lived("calm", 5, fault="odd_epcs")
    without = [(name, way, tuple(epc for epc in moved if len(epc) <= 48)) for name, way, moved in life.passages()]
    assert without == clean.passages()


# -- too much ----------------------------------------------------------------------------------------------------


def test_ten_thousand_tags_in_the_field_are_bounded_and_said() -> None:
    """The memory stays within its bounds, an alarm names the crowd and ends with it, pallets before it are exact."""
    life = lived("calm", 5, fault="crowd")
    most = life.most
    assert most["recent"] <= READS_KEPT
    assert most["known"] <= ROOM + most["recent"]
    assert most["peaks"] <= READS_KEPT
    assert most["edges"] <= EDGES_KEPT
    assert most["snapshot"] < 3_000_000
    raised = [one for one in life.decided(AlarmChange) if one.after == "unacked_active"]
    assert [one.alarm for one in raised] == ["portal/dock-1/crowd"]
    assert "tags were heard in one passage and stayed" in raised[0].detail
    assert life.alarms()[-1] == ("portal/dock-1/crowd", "rtn_unacked")
    begin = middle(life.shift)
    before = [verdict for verdict in life.verdicts() if verdict.truth["closed"] < begin - MARGIN]
    assert len(before) >= 2
    assert all(verdict.exact for verdict in before)


def test_the_memory_of_a_portal_has_an_end() -> None:
    """A hundred thousand reads of as many tags while one passage is open: the surplus is dropped, counted and told.

    Measured: the portal holds less than 40 MB then, and its snapshot fits into 6 MB.
    """
    portal = next(iter(config.parse(shift("no_eyes", 1, 1, "untouched").toml, "x").settings().portals))
    settings = msgspec.structs.replace(lived("calm", 5).core.engine.settings, portals=(portal,))
    tracemalloc.start()
    try:
        engine = Engine(settings)
        t = 1_795_243_331 * S
        said: set[str] = set()
        columns = ("at", "antenna", "epc", "rssi")
        port, reader = portal.antennas[0].port, portal.antennas[0].reader
        for begin in range(0, 100_000, 500):
            rows = [(t + number * 40, port, f"{begin + number:024X}", -30.0) for number in range(500)]
            t += 20_000
            found = engine.observe(t, Reads(reader, tuple(rows), columns))
            said |= {one.change.alarm for one in found if isinstance(one, Changed)}
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    state = engine.state.portals[portal.id]
    assert len(state.recent) <= READS_KEPT
    assert len(state.peaks) <= READS_KEPT
    assert len(state.known) <= ROOM
    assert state.dropped > 0
    assert f"portal/{portal.id}/dropped" in said
    assert held < 40_000_000
    assert peak < 80_000_000
    assert len(engine.snapshot()) < 6_000_000


def test_an_eye_that_chatters_fills_no_memory() -> None:
    """Ten thousand edges in a minute, never free for long: those there is no room for are dropped and counted."""
    portal = lived("calm", 5).core.engine.settings.portals[0]
    watch = PortalWatch(portal, PortalState())
    t = 1_795_243_331 * S
    for number in range(10_000):
        at = t + number * 6_000
        watch.edge(at, at, 0, Gpi(portal.eyes[0].reader, portal.eyes[0].port, number % 2 == 0, at))
        assert len(watch.state.edges) <= EDGES_KEPT
    assert watch.state.dropped > 0


def test_what_a_portal_keeps_is_a_metric() -> None:
    """Reads that may still be needed and tags of the background, by portal."""
    life = lived("calm", 5)
    (state,) = life.core.engine.state.portals.values()
    keeps("dock-1", state)
    assert PORTAL_KEPT.labels("dock-1", "tags")._value.get() == len(state.known) > 0
    assert PORTAL_KEPT.labels("dock-1", "reads")._value.get() == len(state.recent)
    assert len(life.decided(Passage)[0].strays) < CROWD
