"""Tracks, the group's curve and how a tag agrees with it."""

import pytest

from gateway.rules.beams import INNER, MIDDLE, OUTER, Span, Vehicle
from gateway.rules.curves import BIN, BRIDGED, ENOUGH, QUIETEST, curve, fit
from gateway.rules.direction import BY_EYES, by_antennas, direction, passed
from gateway.rules.direction import through as went_through
from gateway.rules.reads import NO_TONE, Heard
from gateway.rules.tracks import CONSTANT, DEAFEST, FLOOR, SAMPLES, SWINGS, Layout, Track, _some, levelled, tracks
from tests import dockside

MS = 1000
PLACE = Layout((OUTER, INNER), (2, 2))
A = "A" * 24


def heard(levels: list[float], *, antenna: int = 0, begin: int = 0, step: int = 100, tag: str = A) -> list[Heard]:
    """Reads by one antenna, one every `step` ms."""
    return [((begin + step * number) * MS, antenna, tag, level, NO_TONE) for number, level in enumerate(levels)]


def hump(peak: float = -45.0, reads: int = 11) -> list[float]:
    """As what goes by is heard."""
    return [dockside.swell(peak, number, reads) for number in range(reads)]


def through(tag: str = A, peak: float = -45.0, later: int = 0) -> list[Heard]:
    """A tag that goes by the outer antenna and then by the inner one."""
    outer = heard(hump(peak), begin=later, tag=tag)
    return sorted(outer + heard(hump(peak), antenna=1, begin=800 + later, tag=tag))


def track(reads: list[Heard], begin: int = -1000, end: int = 60_000) -> Track:
    """The track of the one tag in these reads; the core is from `begin` to `end`, ms."""
    (found,) = tracks(sorted(reads), begin * MS, end * MS, 0, PLACE).values()
    return found


def test_what_comes_through_swings_and_what_stands_does_not() -> None:
    """The loudest antenna's loudest read above a fifth of its reads, tenths of dB; a few loud echoes are no swing."""
    assert track(heard(hump())).swing >= 70  # type: ignore[operator]
    assert track(heard([-50.0] * 20)).swing == 0
    assert track(heard([-50.0] * 20 + [-41.0])).swing == 90
    assert track(heard([-50.0] * 20) + heard([-60.0, -70.0, -60.0], antenna=1)).swing == 0


def test_few_reads_tell_no_swing() -> None:
    """Below SWINGS reads of the loudest antenna nothing is told, whatever the other one heard."""
    few = heard(hump(reads=SWINGS - 1))
    assert track(few).swing is None
    assert track(few + heard([-70.0] * 30, antenna=1)).swing is None
    assert track(heard(hump(reads=SWINGS))).swing is not None


def test_both_is_the_row_that_heard_it_less() -> None:
    """A row that missed it counts as DEAFEST, for it may have missed it by little; so does one that just heard it."""
    assert track(heard([-45.0]) + heard([-61.5], antenna=1)).both == -615
    assert track(heard([-45.0])).both == DEAFEST
    assert track(heard([-45.0]) + heard([-78.0], antenna=1)).both == DEAFEST


def test_one_loud_read_outside_may_be_an_echo() -> None:
    """Beside the loudest read before and after the core, row by row, the second loudest is kept."""
    reads = heard([-50.0, -44.0, -60.0]) + heard([-45.0], begin=1000) + heard([-48.0], antenna=1, begin=2000)
    found = track(reads, 900, 1500)
    assert (found.before, found.early_on) == ([-440, FLOOR, FLOOR], [-500, FLOOR, FLOOR])
    assert (found.after, found.late_on) == ([FLOOR, FLOOR, -480], [FLOOR, FLOOR, FLOOR])
    assert (found.early, found.reads, found.tail, found.outside) == (3, 1, 1, -440)


def test_the_same_read_twice_counts_once() -> None:
    """A reader that repeats itself says nothing new."""
    assert track(heard([-50.0]) * 3).reads == 1


def test_of_many_reads_some_are_compared() -> None:
    """At most SAMPLES, evenly over all of them; the figures are of all."""
    found = track(heard([-50.0] * 1000, step=10))
    assert found.reads == 1000
    assert SAMPLES // 2 <= len(found.heard) <= SAMPLES
    assert found.heard[-1][0] > 9_700 * MS


@pytest.mark.parametrize("antennas", [2, 3, 4])
def test_what_is_compared_is_of_every_antenna(antennas: int) -> None:
    """Of antennas that take turns read by read each has a quarter of its share at the least, of up to 4,000 reads."""
    for count in range(SAMPLES + 1, 4_001):
        places = _some(count)
        shares = [sum(1 for place in places if place % antennas == one) for one in range(antennas)]
        assert SAMPLES * 3 // 4 <= len(places) <= SAMPLES, count
        assert min(shares) * antennas * 4 >= SAMPLES, (count, shares)
        assert list(places) == sorted(set(places))
        assert places[-1] < count


def test_gaps_in_the_curve_are_bridged() -> None:
    """Between two bins in which a small group was heard the curve goes straight; over a longer gap it is silent."""
    step = BIN // MS
    made = curve([track(heard([-50.0, -60.0], step=BRIDGED * step))], 0, (3 * BRIDGED + 1) * BIN, PLACE)
    assert made.shape[OUTER][: BRIDGED + 1] == [-100 * place // BRIDGED for place in range(BRIDGED + 1)]
    apart = curve([track(heard([-50.0, -60.0], step=(BRIDGED + 1) * step))], 0, (3 * BRIDGED + 1) * BIN, PLACE)
    assert set(apart.shape[OUTER][1 : BRIDGED + 1]) == {QUIETEST + 500}
    assert apart.shape[OUTER][-1] == QUIETEST + 500
    assert set(apart.shape[INNER]) == {0}


def group() -> list[Track]:
    """Three tags that go through together."""
    return [track(through(tag * 24, later=20 * place)) for place, tag in enumerate("BCD")]


def test_one_of_the_group_fits_its_curve() -> None:
    """However faint it is: it follows, strays by nothing, and one level per antenna tells its reads worse."""
    made = curve(group(), -3_000 * MS, 5_000 * MS, PLACE)
    for peak in (-45.0, -57.0):
        found = fit(track(through(peak=peak)), made, PLACE)
        assert found.follows > 70
        assert found.unlike == 0
        assert found.moves > 200
        assert found.offset is not None
        assert found.offset <= 50 * MS
        assert found.company > -120


@pytest.mark.parametrize("level", [-45.0, -60.0])
def test_what_stands_does_not_fit_it(level: float) -> None:
    """At one level all the while: it follows nothing, strays from the curve, and one level tells its reads better."""
    made = curve(group(), -3_000 * MS, 5_000 * MS, PLACE)
    still = heard([level] * 40, begin=-2000) + heard([level - 5] * 40, antenna=1, begin=-2000)
    found = fit(track(still, -3_000), made, PLACE)
    assert abs(found.follows) < 20
    assert found.unlike > 500
    assert found.moves < -500
    assert found.company < -120


def test_few_reads_are_not_held_against_a_tag() -> None:
    """With fewer than ENOUGH of each antenna neither `unlike` nor `moves` says anything."""
    made = curve(group(), -3_000 * MS, 5_000 * MS, PLACE)
    few = heard([-50.0] * (ENOUGH - 1)) + heard([-60.0] * (ENOUGH - 1), antenna=1, begin=50)
    found = fit(track(few), made, PLACE)
    assert (found.unlike, found.moves) == (0, 0)
    assert found.reads == 2 * (ENOUGH - 1)


def test_who_comes_later_than_the_group_is_off_it() -> None:
    """By the mean of the rows that heard both, µs; and when it was read, the group was not there."""
    made = curve(group(), -3_000 * MS, 8_000 * MS, PLACE)
    found = fit(track(through(later=2_520)), made, PLACE)
    assert found.offset == pytest.approx(2_500 * MS, abs=30 * MS)
    assert found.company < -200
    assert found.follows < 20


@pytest.mark.parametrize(("back", "way"), [(12, "none"), (8, "none"), (7, "in"), (0, "in")])
def test_a_load_went_back_where_its_tags_agree_on_it(back: int, way: str) -> None:
    """Of twelve tags so many were heard last by the row that heard them first; of a slow load some are, by chance."""
    reads: list[Heard] = []
    for number in range(12):
        tag = f"{number:024d}"
        reads += through(tag)
        if number < back:
            reads += heard(hump(-47.0), begin=1_600, tag=tag)
    found = tracks(sorted(reads), -1_000 * MS, 60_000 * MS, 0, PLACE)
    told = by_antennas(list(found.values()), PLACE)
    assert told[0] == way


@pytest.mark.parametrize(("back", "way"), [(12, "none"), (10, "none"), (9, "in")])
def test_what_one_row_hears_all_along_it_hears_at_last_too(back: int, way: str) -> None:
    """Of a load that the other row hardly hears two tags in three that agree say nothing; four in five do."""
    reads: list[Heard] = []
    for number in range(12):
        tag = f"{number:024d}"
        reads += heard([-74.0] * 3, begin=0, tag=tag) + heard(hump(-47.0), antenna=1, begin=100, tag=tag)
        if number >= back:
            reads += heard([-74.0] * 4, begin=-400, tag=tag)
    found = tracks(sorted(reads), -1_000 * MS, 60_000 * MS, 0, PLACE)
    told = by_antennas(list(found.values()), PLACE)
    assert told[0] == way


def test_where_none_of_the_reads_that_are_kept_is_of_the_passage_nobody_is_said_to_have_turned() -> None:
    """Of thousands of reads before it and two in it, those two may not be among the samples."""
    reads: list[Heard] = []
    for number in range(12):
        tag = f"{number:024d}"
        reads += heard([-55.0] * 4_000, begin=-9_000, step=2, tag=tag)  # heard last by the row that heard it first
        if number >= 9:
            reads += heard([-40.0] * 600, antenna=1, begin=-1_300, step=1, tag=tag)
        reads += [*heard([-55.0], begin=100, tag=tag), *heard([-55.0], antenna=1, begin=900, tag=tag)]
    found = list(tracks(sorted(reads), 0, 60_000 * MS, 0, PLACE).values())
    assert not any(track.first <= at <= track.last for track in found for at, _, _ in track.heard)
    assert by_antennas(found, PLACE)[0] == "in"


def test_how_a_group_went_from_row_to_row() -> None:
    """How many more of it went that way, five of ten, in what chance makes; without a way the one that more went. Where
    something was seen to pass, it is five of the nine that both rows heard.
    """
    reads: list[Heard] = []
    for number in range(10):
        one = through(f"{number:024d}")
        if number >= 7:  # two of them the other way, one heard by one row alone
            one = mirrored(one) if number < 9 else one[:5]
        reads += one
    group = list(tracks(sorted(reads), -1_000 * MS, 60_000 * MS, 0, PLACE).values())
    ways = ("in", "out", "none", "unknown")
    assert [went_through(group, way, seen=False) for way in ways] == [158, -158, 158, 158]
    assert [went_through(group, way, seen=True) for way in ways] == [
        166,
        -166,
        166,
        166,
    ]
    assert [passed(group, way) for way in ("in", "out")] == [True, False]
    for seen in (True, False):
        assert [went_through(group[:number], "in", seen=seen) for number in (1, 4)] == [100, 200]
        alone = [track(heard([-45.0] * 9) + heard([-45.0] * 9, antenna=1))]
        assert went_through(alone, "in", seen=seen) == 0
    assert not passed(group[3:], "in")  # four of seven, and two the other way


def test_what_one_row_heard_only_is_held_against_what_the_other_one_did() -> None:
    """Where tags are read once: four at the outer row and three at the inner one later, as if three had passed both and
    U were as far out; where nothing was seen to pass they say nothing, and chance makes more of more tags.
    """
    reads = [one for place in range(4) for one in heard([-50.0], begin=100 * place, tag=f"{place:024d}")]
    reads += [one for place in range(4, 7) for one in heard([-50.0], antenna=1, begin=100 * place, tag=f"{place:024d}")]
    group = list(tracks(sorted(reads), -1_000 * MS, 60_000 * MS, 0, PLACE).values())
    assert [went_through(group, way, seen=True) for way in ("in", "out", "none")] == [211, -211, 0]
    assert went_through(group, "in", seen=False) == 0
    one_each = [group[0], group[-1]]
    assert went_through(one_each, "in", seen=True) == 100
    assert went_through(group[:3], "in", seen=True) == 0  # the other row heard nothing
    both = [track(through())]
    assert went_through([*both, *one_each], "in", seen=True) == 141


TURNED = Vehicle([Span(INNER, 0, 2_000 * MS), Span(OUTER, 300 * MS, 1_500 * MS)])
"""From the hall to the outer beam and back."""


def told(reads: list[Heard], vehicle: Vehicle = TURNED) -> tuple[str, str]:
    """The way of a vehicle with the tags of these reads, and what told it."""
    group = list(tracks(sorted(reads), -1_000 * MS, 60_000 * MS, 0, PLACE).values())
    way, _, because = direction(vehicle, (OUTER, INNER), group, PLACE)
    return way, because["by"]


def mirrored(reads: list[Heard]) -> list[Heard]:
    """The same the other way round: what the outer antenna heard, the inner one did."""
    return [(at, 1 - antenna, epc, rssi, tone) for at, antenna, epc, rssi, tone in reads]


def test_a_load_that_its_truck_fetched_came_in_though_the_truck_turned() -> None:
    """The tags agree that they passed the rows one after the other; so they do on the way out."""
    loads = [through(f"{number:024d}") for number in range(4)]
    assert told([read for load in loads for read in load]) == ("in", "antennas")
    assert told([read for load in loads for read in mirrored(load)]) == ("out", "antennas")


def test_one_that_waited_behind_the_door_too() -> None:
    """Ten seconds at the outer row, then through: its last reads are the inner row's."""
    waits = [read for number in range(3) for read in heard([-52.0] * 100, begin=-10_000, tag=f"{number:024d}")]
    goes = [read for number in range(3) for read in through(f"{number:024d}")]
    assert told(waits + goes) == ("in", "antennas")


@pytest.mark.parametrize("agree", [2, 3])
def test_the_eyes_are_right_where_the_tags_do_not_agree(agree: int) -> None:
    """Four in five must say so; else it turned round."""
    reads: list[Heard] = []
    for number in range(4):
        load = through(f"{number:024d}")
        reads += load if number < agree else mirrored(load)
    assert told(reads) == ("none", "eyes")


def test_the_eyes_are_right_where_the_tags_went_back() -> None:
    """Most were louder at the outer row at first and at last: the centres lie apart, and yet they came and went."""

    def load(back: int) -> list[Heard]:
        reads: list[Heard] = []
        for number in range(4):
            tag = f"{number:024d}"
            reads += through(tag) + heard(hump(-40.0), antenna=1, begin=900, tag=tag)
            reads += heard([-62.0] * 8, begin=2_200, tag=tag) if number < back else []
        return reads

    assert told(load(3)) == ("none", "eyes")
    assert told(load(2)) == ("in", "antennas")


def test_one_tag_that_stood_behind_the_door_tells_no_way() -> None:
    """A second between the rows' centres is little of ten; of three it is a way."""
    stood = heard([-50.0, -52.0] * 3, step=2_000) + heard([-50.0, -52.0] * 3, antenna=1, begin=1_000, step=2_000)
    assert told(stood) == ("none", "eyes")
    assert told(through()) == ("in", "antennas")


def test_a_vehicle_without_a_tag_turned_by_its_eyes() -> None:
    """There is nothing to say otherwise."""
    assert direction(TURNED, (OUTER, INNER), [], PLACE) == ("none", BY_EYES, {"by": "eyes"})


SHUTTLE = [Span(INNER, 0, 1_500 * MS), Span(OUTER, 600 * MS, 8_800 * MS), Span(INNER, 6_000 * MS, 9_500 * MS)]
"""From the hall into the mouth of a trailer, where it stands in the outer beam for seven seconds, and back."""


def above(
    spans: list[Span], *whens: int, tags: int = 4, both: int = 0, rows: tuple[int, ...] = (MIDDLE,)
) -> tuple[str, str]:
    """The way of a vehicle below the one antenna of a door, or the first of several, and what told it.

    It heard the load at `whens` (ms), `both` tags of it at both ends.
    """
    reads: list[Heard] = []
    for number in range(tags):
        for when in (300, 7_000) if number < both else whens:
            reads += heard(hump(), begin=when, tag=f"{number:024d}")
    place = Layout(rows, (2,) * len(rows))
    group = list(tracks(sorted(reads), -1_000 * MS, 60_000 * MS, 0, place).values())
    way, _, because = direction(Vehicle(spans), (OUTER, INNER), group, place)
    return way, because["by"]


def test_below_one_antenna_a_truck_that_came_back_fetched_what_was_heard_on_its_way_back_only() -> None:
    """And left there what was heard on its way there only; what was heard on both went with it."""
    mirrored = [Span(OUTER + INNER - span.row, span.begin, span.end) for span in SHUTTLE]
    assert above(SHUTTLE, 7_000) == ("in", "one_way")
    assert above(SHUTTLE, 300) == ("out", "one_way")
    assert above(mirrored, 7_000) == ("out", "one_way")
    assert above(mirrored, 300) == ("in", "one_way")
    assert above(SHUTTLE, 300, 7_000) == ("none", "eyes")


def test_below_one_antenna_one_tag_or_a_short_stop_tell_no_way() -> None:
    """A single tag may be what stands there; nobody takes up a load in less than FETCHED; four of five must agree."""
    short = [SHUTTLE[0], Span(OUTER, 600 * MS, 5_000 * MS), Span(INNER, 2_500 * MS - 1, 5_500 * MS)]
    assert above(SHUTTLE, 7_000, tags=1) == above(short, 3_500) == ("none", "eyes")
    once = [*SHUTTLE[:2], Span(OUTER, 9_000 * MS, 9_500 * MS)]
    assert "one_way" not in above(once, 7_000) + above(SHUTTLE[::2], 7_000)
    assert above(SHUTTLE, 7_000, tags=5, both=1) == ("in", "one_way")
    assert above(SHUTTLE, 7_000, tags=4, both=1) == ("none", "eyes")


def test_where_there_are_two_rows_of_antennas_they_tell_whether_a_load_went_through() -> None:
    """One that turned with its truck may have been heard on one way only, by one row; it passed none."""
    assert above(SHUTTLE, 7_000, rows=(OUTER, INNER)) == ("none", "eyes")


def test_a_reader_that_says_one_level_for_all_tells_none() -> None:
    """CONSTANT reads as loud as those before, of any tags; one that differs at one antenna, and levels are told."""
    flat = heard([-50.0] * CONSTANT) + heard([-60.0] * CONSTANT, antenna=1)
    assert not levelled([track(flat)])
    assert levelled([track(flat), track(heard([-50.0, -50.5]))])
    assert levelled([track(heard([-50.0] * CONSTANT))])  # the first is as loud as none before
    assert not levelled([track(heard([-50.0] * (CONSTANT // 2 + 1)))] * 2)
    assert levelled([])


def test_reads_while_the_group_stood_are_left_out_row_by_row() -> None:
    """`going` are the reads by row but for those in its halts; without halts all of them."""
    found = track(sorted(heard([-50.0] * 10) + heard([-50.0] * 4, antenna=1, begin=600)))
    assert found.going(frozenset(), PLACE.rows) == [10, 0, 4]
    assert found.going(frozenset({0, 1}), PLACE.rows) == [6, 0, 4]
    assert found.going(frozenset({3, 4}), PLACE.rows) == [6, 0, 0]
