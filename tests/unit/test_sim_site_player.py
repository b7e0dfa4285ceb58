"""The player: a deterministic schedule with plausible radio, played on devices in order and in time."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from statistics import mean
from typing import Any

import msgspec
import pytest

from simulators import epc
from simulators.player import Action, Player, schedule
from simulators.scenario import Scenario, load
from simulators.truth import truth, value_at

TODAY = date(2026, 11, 21)


@pytest.fixture(scope="module")
def morning() -> Scenario:
    """The bundled morning."""
    return load("dock_morning", TODAY)


@pytest.fixture(scope="module")
def actions(morning: Scenario) -> list[Action]:
    """Its schedule."""
    return schedule(morning)


def reads(actions: list[Action], begin: float, reader: str, takes: float = 2.6) -> list[Action]:
    """The reads of one passage."""
    return [a for a in actions if a.kind == "see" and a.on == reader and begin <= a.at <= begin + takes]


class FakeReader:
    """A reader that remembers, and lights a lamp when told."""

    def __init__(self, log: list[tuple[Any, ...]], hears: bool = True) -> None:
        self.log, self.hears = log, hears
        self.on_gpo: Callable[[int, bool], None] | None = None

    def see(self, epc_hex: str, antenna: int, rssi: int = -50, channel: int = 1) -> bool:
        """Remember a read."""
        self.log.append(("see", epc_hex, antenna, rssi, channel))
        return self.hears

    def gpi(self, port: int, level: bool) -> None:
        """Remember an edge; a cleared inner beam lights the green lamp twice and puts it out, as a gateway might."""
        self.log.append(("gpi", port, level))
        if self.on_gpo is not None and (port, level) == (2, False):
            for written in ((1, True), (1, True), (4, True), (1, False)):
                self.on_gpo(*written)


class FakeSlave:
    """Registers."""

    def __init__(self) -> None:
        self.values: dict[tuple[int, str, int], list[int]] = {}

    def set_register(self, unit: int, table: str, address: int, values: list[int]) -> None:
        """Remember the last value."""
        self.values[unit, table, address] = values


class FakeScale:
    """A platform."""

    def __init__(self) -> None:
        self.loads: list[Decimal | str | None] = []

    def put(self, weight_kg: Decimal | str | None, settle_s: float = 0.5) -> None:
        """Remember what was put on."""
        self.loads.append(weight_kg)


class Clock:
    """Time that passes only while someone sleeps, and a little with every look."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        self.now += 1e-5
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        assert seconds >= 0
        self.now += seconds


Stage = tuple[Player, dict[str, FakeReader], FakeSlave, FakeScale, list[dict[str, Any]], Clock]


def stage(scenario: Scenario, hears: bool = True) -> Stage:
    """A player on fakes."""
    readers = {portal.reader: FakeReader([], hears) for portal in scenario.portal}
    slave, scale, told, clock = FakeSlave(), FakeScale(), list[dict[str, Any]](), Clock()
    player = Player(scenario, readers, slave, {"dock-1-scale": scale}, told.append, clock, clock.sleep)
    return player, readers, slave, scale, told, clock


def test_the_schedule_is_deterministic(morning: Scenario, actions: list[Action]) -> None:
    """The same scenario gives the same schedule, in order of time, within the duration."""
    assert schedule(morning) == actions
    assert [each.at for each in actions] == sorted(each.at for each in actions)
    assert actions[0].at >= 0.0
    assert actions[-1].at <= morning.duration


def test_another_seed_is_another_radio(morning: Scenario, actions: list[Action]) -> None:
    """Another seed changes the reads and nothing else."""
    other = schedule(msgspec.structs.replace(morning, seed=1))
    assert [a for a in other if a.kind == "see"] != [a for a in actions if a.kind == "see"]
    assert [a for a in other if a.kind != "see"] == [a for a in actions if a.kind != "see"]


def test_every_tag_is_read_often_and_loud(morning: Scenario, actions: list[Action]) -> None:
    """Each readable tag of a pallet is read 25 to 60 times with a peak of about −45…−58 dBm; no other tag is read."""
    for passage in (each for each in morning.passage if each.strays is None):
        seen = reads(actions, passage.at, morning.portal_of(passage.portal).reader)
        counts = Counter(each.what[0] for each in seen)
        assert set(counts) == set(morning.tags(morning.pallet_of(passage.pallet)))
        assert all(25 <= count <= 60 for count in counts.values())
        for tag in counts:
            strongest = max(each.what[2] for each in seen if each.what[0] == tag)
            assert -61 <= strongest <= -42


@pytest.mark.parametrize(("begin", "reader", "first"), [(0.5, "reader-1", "outer"), (11.0, "reader-2", "inner")])
def test_direction_shows_in_the_order_of_rows_and_eyes(
    morning: Scenario, actions: list[Action], begin: float, reader: str, first: str
) -> None:
    """What comes in is seen by the outer antennas and eye first, what goes out by the inner ones."""
    portal = next(each for each in morning.portal if each.reader == reader)
    rows = {antenna.port: antenna.row for antenna in portal.antennas}
    seen = reads(actions, begin, reader)
    for tag in {each.what[0] for each in seen}:
        times = {row: mean(a.at for a in seen if a.what[0] == tag and rows[a.what[1]] == row) for row in rows.values()}
        assert min(times, key=lambda row: times[row]) == first
    edges = [a.what for a in actions if a.kind == "gpi" and a.on == reader and begin <= a.at <= begin + 2.6]
    one, other = (1, 2) if first == "outer" else (2, 1)
    assert edges == [(one, True), (other, True), (one, False), (other, False)]


def test_strays_are_weak_throughout_or_rare(morning: Scenario, actions: list[Action]) -> None:
    """Forty static tags are read at −75…−70 dBm all through the passage, five others once or twice."""
    passage = next(each for each in morning.passage if each.strays is not None)
    assert passage.strays is not None
    goods = set(morning.tags(morning.pallet_of(passage.pallet)))
    strays = [each for each in reads(actions, passage.at, "reader-1") if each.what[0] not in goods]
    counts = Counter(each.what[0] for each in strays)
    static = {epc.sgtin96(passage.strays.gtin, str(passage.strays.first + number), 7) for number in range(40)}
    assert len(counts) == 45
    assert {tag for tag, count in counts.items() if count > 2} == static
    assert all(-75 <= each.what[2] <= -70 for each in strays if each.what[0] in static)
    thirds = Counter(int((each.at - passage.at) / passage.takes * 3) for each in strays if each.what[0] in static)
    assert all(thirds[third] > 80 for third in (0, 1, 2))


def test_the_rate_is_one_a_reader_reaches(actions: list[Action]) -> None:
    """No second asks for more than 700 reads."""
    per_second = Counter((each.on, int(each.at)) for each in actions if each.kind == "see")
    assert 150 < max(per_second.values()) < 700


def test_registers_follow_the_curve(morning: Scenario, actions: list[Action]) -> None:
    """The temperature register holds tenths of the curve's value, at least five times a second."""
    values = {each.at: each.what for each in actions if each.kind == "register" and each.what[2] == 0}
    curve = morning.sensor[0].curves[0]
    assert len(values) > 5 * 31
    assert {what[:3] for what in values.values()} == {(1, "input", 0)}
    assert all(abs(what[3][0] - value_at(curve, at) * 10) <= 0.5001 for at, what in values.items())


def test_a_frost_is_two_s_complement(morning: Scenario) -> None:
    """A value below zero is written as a signed register is."""
    sensor = morning.sensor[0]
    frost = msgspec.structs.replace(sensor.curves[0], points=((0.0, -18.2),))
    scenario = msgspec.structs.replace(morning, sensor=(msgspec.structs.replace(sensor, curves=(frost,)),), passage=())
    assert schedule(scenario)[0].what == (1, "input", 0, [0x10000 - 182])


async def test_play_performs_everything_in_time(morning: Scenario, actions: list[Action]) -> None:
    """Every read, edge, weight and register value reaches its device; play takes the scenario's duration."""
    player, readers, slave, scale, told, clock = stage(morning)
    player.prepare()
    assert slave.values == {(1, "input", 0): [38], (1, "input", 1): [715]}
    assert scale.loads == [None]
    assert [log for reader in readers.values() for log in reader.log] == [("gpi", 1, False), ("gpi", 2, False)] * 2
    begin = clock.now
    await player.play()
    assert clock.now - begin == pytest.approx(morning.duration, abs=0.2)
    for name, reader in readers.items():
        wanted = [each.what for each in actions if each.kind == "see" and each.on == name]
        assert [each[1:] for each in reader.log if each[0] == "see"] == wanted
        assert reader.on_gpo is None
    assert scale.loads[1:] == [w for each in ("612.4", "418.6", "188.2", "298.0", "401.1") for w in (each, None)]
    assert player.reads == sum(each.kind == "see" for each in actions)
    assert player.unheard == 0
    steps = [(each["step"], each["pallet"]) for each in told if each["step"].startswith("pallet")]
    assert steps[:2] == [("pallet started", "full"), ("pallet ended", "full")]
    assert len(steps) == 2 * len(morning.passage)


async def test_lamps_are_the_outputs_that_go_on(morning: Scenario) -> None:
    """A lamp counts once when its output goes on; one written again, or an output without lamp, is no lamp."""
    player, _, _, _, told, _ = stage(morning)
    await player.play()
    assert Counter((each["portal"], each["colour"]) for each in player.lamps) == {
        ("dock-1", "green"): 5,
        ("dock-2", "green"): 1,
    }
    assert sum(each["step"] == "lamp on" for each in told) == sum(each["step"] == "lamp off" for each in told) == 6
    assert all(0 < each["at"] < morning.duration for each in player.lamps)
    assert sum(len(colours) for colours in truth(morning).lamps().values()) == len(player.lamps)


async def test_reads_that_nobody_hears_are_counted(morning: Scenario) -> None:
    """When no ROSpec listens, the reads are counted as unheard."""
    player, *_ = stage(morning, hears=False)
    await player.play()
    assert player.unheard == player.reads > 3000
