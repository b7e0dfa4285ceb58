"""Phases: what stands keeps its phase, what moves has another at every read; who measures none says nothing."""

from math import hypot

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.phases import (
    HALT,
    LONGEST,
    MOVED,
    SHORTEST,
    STANDS,
    STEADY,
    TOLD,
    halts,
    measured,
    moved,
    stands,
    steady,
    turns,
)
from gateway.rules.reads import NO_TONE, TURN, Heard
from tests import dockside

A = dockside.case_tag(1)
STILL, TURNED = MOVED[0], MOVED[-1]
HALF, QUARTER = TURN // 2, TURN // 4


def read(at: int, phase: int | None, channel: int = 1, antenna: int = 0) -> Heard:
    """One read."""
    return at, antenna, A, -50.0, NO_TONE if phase is None else channel * TURN + phase % TURN


def test_a_phase_that_stays_says_that_a_tag_stood() -> None:
    """Two reads at one phase; the time between them counts up to TOLD, and below SHORTEST they are not compared."""
    assert turns([read(0, 100), read(TOLD, 100)]) == [(TOLD, STILL)]
    assert turns([read(0, 100), read(TOLD // 3, 100)]) == [(TOLD // 3, STILL // 3)]
    assert turns([read(0, 100), read(SHORTEST - 1, 100)]) == []
    assert turns([read(0, 100), read(LONGEST + 1, 100)]) == []


def test_a_phase_that_turns_says_that_it_moved() -> None:
    """A quarter of a turn says most, either way round; half a turn is what some readers cannot tell from none."""
    for turned in (QUARTER, -QUARTER, HALF + QUARTER):
        assert turns([read(0, 100), read(SHORTEST, 100 + turned)]) == [(SHORTEST, TURNED)]
    assert turns([read(0, 100), read(TOLD, 100 + HALF)]) == [(TOLD, STILL)]


def test_other_antennas_and_channels_are_not_compared() -> None:
    """Their phases differ by nobody knows how much; each pair of them is one of its own."""
    assert turns([read(0, 0), read(TOLD, 0, channel=2), read(2 * TOLD, 0, antenna=1)]) == []
    both = [read(0, 0), read(1, 900, channel=2), read(TOLD, 0), read(TOLD + 1, 900, channel=2)]
    assert turns(both) == [(TOLD, STILL), (TOLD + 1, STILL)]


def test_a_read_is_compared_with_the_latest_that_is_old_enough() -> None:
    """The latest that was TOLD before; where none was, the oldest."""
    reads = [read(0, 0), read(TOLD, QUARTER), read(2 * TOLD, QUARTER)]
    assert turns(reads) == [(TOLD, TURNED), (2 * TOLD, STILL)]
    near = [read(0, 0), read(SHORTEST, QUARTER), read(2 * SHORTEST, 0)]
    assert turns(near)[1] == (2 * SHORTEST, STILL * 2 * SHORTEST // TOLD)


def test_a_reader_that_tells_no_phases_says_nothing() -> None:
    """None at all, one for all, or numbers that lie within some degrees: it measures none."""
    assert turns([read(0, None), read(TOLD, None)]) == []
    assert not measured([read(at, None) for at in range(99)])
    assert not measured([read(at, 0) for at in range(99)])
    assert not measured([read(at, at % 360) for at in range(999)])
    assert measured([read(at, at * TURN // 8) for at in range(8)])


def test_what_stood_all_the_while_founds_no_group() -> None:
    """STANDS points for it, and never as many against it: a load that halts in the door has moved before."""
    still = [(number, STILL) for number in range(-(STANDS // STILL))]
    assert stands(still)
    assert not stands(still[1:])
    went = [(number, TURNED) for number in range(-(-STANDS // TURNED))]
    assert not stands([*went, *still, *still, *still])
    assert not stands([])


def test_phases_mean_something_once_a_tag_has_stood_for_long() -> None:
    """STEADY points: phases that are mere chance do not give as many for any tag."""
    assert steady([(0, -STEADY)])
    assert not steady([(0, 1 - STEADY)])


def test_while_the_group_stands_nobody_can_be_told_from_it() -> None:
    """Bins in which the group stood are left out; without any other nothing is told."""
    group = [[(0, STILL), (HALT, TURNED)], [(1, STILL), (HALT + 1, STILL)]]
    assert halts(group) == {0}
    assert moved([(5, STILL), (HALT, STILL)], frozenset({0})) == STILL
    assert moved([(5, STILL)], frozenset({0})) is None
    assert halts([]) == frozenset()


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
def test_what_comes_by_has_moved_at_any_pace(speed: float) -> None:
    """Read every 20 ms as it passes an antenna 1.2 m off at `speed` m/s, a turn each 16.4 cm; what stands has not."""
    ways = [hypot(1.2, speed * 0.02 * number - 1.5) for number in range(round(3 / speed / 0.02))]
    going = [read(20_000 * number, round(way / 0.164 * TURN)) for number, way in enumerate(ways)]
    standing = [read(20_000 * number, 77 * (-1) ** number) for number in range(75)]
    assert sum(points for _, points in turns(going)) > 1_000
    assert stands(turns(standing))
    assert steady(turns(standing))


@given(st.lists(st.tuples(st.integers(0, 4 * LONGEST), st.integers(0, TURN - 1), st.integers(1, 3)), max_size=60))
def test_half_a_turn_more_or_less_changes_nothing(each: list[tuple[int, int, int]]) -> None:
    """And what is told lies between STILL and TURNED, for no more reads than there are."""
    each.sort()
    told = turns([read(*one) for one in each])
    assert told == turns([read(at, phase + HALF * (at % 2), channel) for at, phase, channel in each])
    assert len(told) <= len(each)
    assert all(STILL <= points <= TURNED for _, points in told)
