"""Parting: two loads in one passage are told apart, and one load is never cut, however it halts."""

import pytest

from gateway.rules.beams import INNER, MIDDLE, OUTER, Span, Vehicle
from gateway.rules.parting import APART, GONE, MOST, SLITS, TRAVEL, _gaps, behind, first_of, part
from gateway.rules.reads import NO_TONE, Heard
from gateway.rules.tracks import Layout, Track, tracks
from simulators import epc
from tests import dockside

MS = 1000
PLACE = Layout((OUTER, INNER), (2, 2))
ROWS = (OUTER, INNER)

TRUCK = "3476451FD40000000000162E"
"""A GIAI-96: what carries goods."""


def load(middle: int, tags: str, pace: int = 800, *, halt: int = 0) -> list[Heard]:
    """Reads of a load whose middle passes the outer antenna at `middle` (ms), the inner one `pace` later.

    It is heard by each for 1.2 s, and every tag a little later than the one before; `halt` ms it stands between.
    """
    heard: list[Heard] = []
    for place, tag in enumerate(tags):
        for row in ROWS:
            at = middle + 30 * place + row // 2 * (pace + halt)
            heard += [
                ((at + 100 * (number - 6)) * MS, row // 2, tag * 24, dockside.swell(-45.0, number, 13), NO_TONE)
                for number in range(13)
            ]
        heard += [((middle + 700 + ms) * MS, 0, tag * 24, -57.0, NO_TONE) for ms in range(0, halt, 200)]
    return sorted(heard)


def moved(heard: list[Heard]) -> list[Track]:
    """The tracks of these reads, all of which are in the core."""
    return list(tracks(sorted(heard), heard[0][0] - 1, max(heard)[0] + 1, 0, PLACE).values())


def vehicle(
    outer: tuple[int, int], inner: tuple[int, int], *gaps: tuple[int, int], free: int = 2 * TRAVEL // SLITS // MS
) -> Vehicle:
    """What broke both rows of beams from … to … (ms), free for a moment (`free` ms) around `gaps`, row by row."""
    spans = []
    for row, (begin, end), mine in zip(
        ROWS, (outer, inner), zip(*gaps, strict=True) if gaps else ((), ()), strict=True
    ):
        each = [((gap - free // 2) * MS, (gap + free // 2) * MS) for gap in mine]
        spans.append(Span(row, begin * MS, end * MS, each))
    return Vehicle(spans)


TWO = load(1000, "ABC") + load(4000, "DEF")
LATER = {tag * 24 for tag in "DEF"}


def test_two_loads_are_parted_where_the_beams_were_free_for_a_moment() -> None:
    """The slit between two trucks, at each row in its own time, is where one passage ends and the next begins."""
    parted = part(moved(TWO), 0, vehicle((400, 4600), (1200, 5400), (2500, 3300)))
    assert parted is not None
    assert parted.later == LATER
    assert (parted.at[OUTER], parted.at[INNER]) == (2500 * MS, 3300 * MS)


def test_a_row_that_was_free_for_longer_than_the_portals_gap_was_free() -> None:
    """One row sees two things, the other one with a slit: they are two loads all the same."""
    whole = vehicle((400, 4600), (1200, 5400), (2500, 3300), free=200)
    inner = next(span for span in whole.spans if span.row == INNER)
    spans = [Span(OUTER, 400 * MS, 2200 * MS), Span(OUTER, 2800 * MS, 4600 * MS), inner]
    parted = part(moved(TWO), 0, Vehicle(spans))
    assert parted is not None
    assert (parted.later, parted.at[OUTER]) == (LATER, 2500 * MS)


def test_goods_alone_are_a_load_where_the_beams_were_free() -> None:
    """A pallet with nothing but its label goes by itself; a truck's own tag goes with the load before it."""
    gap = vehicle((400, 4600), (1200, 5400), (2500, 3300))
    label = [read for read in TWO if read[2] not in {"E" * 24, "F" * 24}]
    parted = part(moved(label), 0, gap)
    assert parted is not None
    assert parted.later == {"D" * 24}
    assert (
        part(moved([(*read[:2], TRUCK if read[2][0] == "D" else read[2], *read[3:]) for read in label]), 0, gap) is None
    )


def test_what_is_heard_on_after_it_was_put_down_moves_the_cut() -> None:
    """Its middle lies behind the moment at which the beams were free; the pause between the loads is cut instead."""
    first = load(1000, "ABC") + [((1900 + 400 * n) * MS, n % 2, "G" * 24, -45.0, NO_TONE) for n in range(5)]
    parted = part(moved(sorted(first + load(4000, "DEF"))), 0, vehicle((400, 4600), (1200, 5400), (2100, 2900)))
    assert parted is not None
    assert parted.later == LATER


def test_a_load_that_was_gone_when_the_other_beam_was_broken_turned_round() -> None:
    """Something else broke that; what halts between the beams is heard there when it goes on."""
    two = vehicle((400, 1600), (5000, 5600))
    turned = part(moved(load(1000, "ABCDEF")), 0, two)
    assert turned is not None
    assert turned.later == frozenset()
    assert [span.row for span in first_of(two, turned).spans] == [OUTER]
    echoes = [((6000 + 100 * place) * MS, 0, tag * 24, -60.0, NO_TONE) for place, tag in enumerate("ABC")]
    assert part(moved(sorted(load(1000, "ABCDEF") + echoes)), 0, two) is not None  # it stands near by, and is heard
    once = [(1500 * MS, 0, "A" * 24, -45.0, NO_TONE)]
    assert part(moved(once), 0, two) is None  # it would have been heard three times since: that proves nothing
    halts = load(1000, "ABCDEF", pace=4300)
    assert part(moved(halts), 0, two) is None
    assert part(moved(load(1000, "ABCDEF")), 0, vehicle((400, 1600), (1600 + GONE // MS - 1, 5600))) is None
    assert part([], 0, two) is None


def test_of_several_moments_those_count_that_are_as_far_apart_as_the_vehicle_was() -> None:
    """The mast's slit in one row and the gap between two trucks in the other do not belong together."""
    parted = part(moved(TWO), 0, vehicle((400, 4600), (1200, 5400), (2000, 2900), (2500, 3300), (2700, 2500)))
    assert parted is not None
    assert (parted.at[OUTER], parted.at[INNER]) == (2500 * MS, 3300 * MS)


@pytest.mark.parametrize("late", [1900, 2300, 2700])
def test_a_slit_behind_the_mast_parts_no_load_of_which_some_were_heard_on(late: int) -> None:
    """A truck's body comes behind its load, and a few tags are heard best by then: they are no load of their own.

    That is not CLEARLY apart: the load's own tags spread over half of the time that lies between.
    """
    truck = vehicle((400, 3600), (1200, 4400), (2000, 2800), free=280)
    pallet = [read for place, tag in enumerate("ABCDEFGHI") for read in load(700 + 150 * place, tag)]
    weak = [read for place, tag in enumerate("12") for read in load(late + 90 * place, tag)]
    assert part(moved(sorted(pallet + weak)), 0, truck) is None


def test_a_pause_shorter_than_the_way_from_row_to_row_parts_nothing() -> None:
    """However dense the tags are before it and behind it: that is one pallet of two layers, or a stack beside one."""
    truck = vehicle((400, 3600), (1200, 4400), (1900, 2700), free=280)
    assert part(moved(load(1400, "ABCDEF") + load(2200, "123456")), 0, truck) is None
    assert part(moved(load(1000, "ABCDEF") + load(2400, "123456")), 0, truck) is not None


def test_who_pulls_a_load_is_no_load_of_his_own() -> None:
    """What broke the beams before the gap did so for less than half as long as what did behind it, or the other way."""
    tags = moved(load(1000, "ABC") + load(3000, "DEF"))
    for outer, inner in (((1900, 4600), (2700, 5400)), ((400, 3100), (1200, 3900))):
        assert part(tags, 0, vehicle(outer, inner, (2500, 3300), free=200)) is None


def test_loads_without_a_pause_are_parted_where_the_beams_were_free() -> None:
    """A tag that seems to go just between two loads, as a seldom heard one may, joins the first; one in ten may."""
    tags = load(1000, "ABC12345678") + load(4000, "DEF") + load(2500, "G")
    parted = part(moved(sorted(tags)), 0, vehicle((400, 4600), (1200, 5400), (2505, 3305), free=200))
    assert parted is not None
    assert parted.later == LATER


def test_a_chattering_eye_hides_no_gap() -> None:
    """Of hundreds of moments in which a beam was free the longest are looked at: the others are its chatter."""
    whole = vehicle((400, 4600), (1200, 5400), (2500, 3300))
    for span in whole.spans:
        span.gaps += [(at * MS, (at + 45) * MS) for at in range(span.begin // MS + 10, span.begin // MS + 1600, 50)]
    assert 0 < len(_gaps(whole, 1)) <= MOST**2
    parted = part(moved(TWO), 0, whole)
    assert parted is not None
    assert (parted.later, parted.at[OUTER], parted.at[INNER]) == (LATER, 2500 * MS, 3300 * MS)


def test_each_of_three_loads_is_parted_from_the_next() -> None:
    """All before the first gap is less than half of all behind it; but what is next to it on either side is alike."""
    three = moved(load(1000, "ABC") + load(3000, "DEF") + load(5000, "123"))
    parted = part(three, 0, vehicle((400, 5600), (1200, 6400), (2000, 2800), (4000, 4800)))
    assert parted is not None
    assert parted.later == LATER | {tag * 24 for tag in "123"}


def test_two_stacks_on_one_pallet_are_one_load() -> None:
    """Light falls through between them, and their tags go through apart; but less than the rows are."""
    stacks = moved(load(1000, "ABC") + load(1500, "DEF"))
    assert part(stacks, 0, vehicle((400, 2100), (1200, 2900), (1280, 2080))) is None


def test_the_slit_before_the_mast_is_no_end_of_a_load() -> None:
    """5 cm are free for less than a tenth of the time from row to row, however far apart the tags of a load are."""
    slit = vehicle((400, 4600), (1200, 5400), (2500, 3300), free=60)
    assert part(moved(load(1000, "ABC") + load(3000, "DEF")), 0, slit) is None
    gap = vehicle((400, 4600), (1200, 5400), (2500, 3300), free=200)
    assert part(moved(load(1000, "ABC") + load(3000, "DEF")), 0, gap) is not None


def test_two_loads_are_parted_where_nothing_was_heard_between_them() -> None:
    """Without a slit, as without eyes, the pause between the tags of the one and those of the other parts them."""
    for broken in (None, vehicle((400, 4600), (1200, 5400))):
        parted = part(moved(TWO), 0, broken)
        assert parted is not None
        assert parted.later == LATER
        assert 1400 * MS < parted.at[OUTER] < 3600 * MS
        assert parted.at[OUTER] < parted.at[INNER] < 4400 * MS


def test_a_slit_in_one_load_parts_nothing() -> None:
    """Between the mast and the load, or between two layers, light falls through; the tags go through as one."""
    one = load(1000, "ABCDEF")
    assert part(moved(one), 0, vehicle((400, 1600), (1200, 2400), (1050, 1850))) is None


@pytest.mark.parametrize("pace", [400, 800, 2000, 4000], ids=lambda pace: f"{pace} ms")
@pytest.mark.parametrize("eyes", [True, False])
def test_a_slow_load_is_one(pace: int, eyes: bool) -> None:
    """However long it takes from row to row."""
    broken = vehicle((400, 1600), (400 + pace, 1600 + pace)) if eyes else None
    assert part(moved(load(1000, "ABCDEF", pace)), 0, broken) is None


@pytest.mark.parametrize("eyes", [True, False])
def test_a_load_that_halts_in_the_door_is_one(eyes: bool) -> None:
    """All of it halts, and all of it goes on."""
    broken = vehicle((400, 7600), (1200, 8400), (4000, 5000)) if eyes else None
    assert part(moved(load(1000, "ABCDEF", halt=6000)), 0, broken) is None


def test_one_tag_alone_is_no_load() -> None:
    """A badge or a truck's own tag that comes later than the goods makes no passage of its own."""
    assert part(moved(load(1000, "ABCDE") + load(4000, "F")), 0, None) is None
    assert part(moved(load(1000, "A") + load(4000, "BCDEF")), 0, None) is None


def test_what_is_heard_all_the_while_parts_nothing_and_hinders_nothing_when_it_is_one_in_many() -> None:
    """A parked tag among many bridges no pause; where a third of what moved is heard on both sides, it is one load."""
    parked = [(ms * MS, 0, "0" * 24, -52.0, NO_TONE) for ms in range(0, 6000, 100)]
    parted = part(moved(sorted(TWO + parked)), 0, None)
    assert parted is not None
    assert parted.later >= LATER
    both = [(at, antenna, tag * 24, rssi, tone) for tag in "123" for at, antenna, _, rssi, tone in parked]
    assert part(moved(sorted(TWO + both)), 0, None) is None


def test_a_pause_in_the_beam_of_one_row_only_is_none() -> None:
    """Tags alone do not make two vehicles of one: both loads must have broken every row."""
    assert part(moved(TWO), 0, vehicle((400, 1600), (1200, 5400))) is None


def test_the_pause_must_be_long_enough() -> None:
    """Two loads closer than APART are one to the antennas: a pallet is as long."""
    apart = 400 + 30 * 2 + 800 + APART // MS // 2
    assert part(moved(load(1000, "ABC") + load(1000 + apart, "DEF")), 0, None) is None


def test_what_was_parted_off_is_not_parted_off_again() -> None:
    """A passage that began after the pause holds the second load only, whatever is still heard of the first."""
    heard = sorted(TWO)
    for opened, parts in ((0, True), (3_000, True), (3_600, False)):
        found = tracks(heard, heard[0][0] - 1, heard[-1][0] + 1, opened * MS, PLACE)
        assert (part(list(found.values()), opened * MS, None) is not None) is parts


def test_the_first_load_has_the_beams_up_to_the_parting() -> None:
    """Its spans end where it was parted, and what was broken later is not its own."""
    whole = vehicle((400, 4600), (1200, 5400))
    parted = part(moved(TWO), 0, whole)
    assert parted is not None
    first = first_of(Vehicle([*whole.spans, Span(MIDDLE, 5_000 * MS, 6_000 * MS)]), parted)
    assert [(span.row, span.begin, span.end) for span in first.spans] == [
        (OUTER, 400 * MS, parted.at[OUTER]),
        (INNER, 1200 * MS, parted.at[INNER]),
    ]


def test_what_was_nearer_to_the_next_vehicle_went_with_it() -> None:
    """Each row heard it while the next vehicle was in its beam; what goes first stays with the first."""
    first, then = vehicle((400, 1600), (1200, 2400)), vehicle((3400, 4600), (4200, 5400))
    assert behind(reversed(TWO), 0, PLACE, first, then) == LATER
    assert behind(TWO, 0, PLACE, then, first) == {tag * 24 for tag in "ABC"}


def test_what_is_a_little_nearer_to_the_first_vehicle_may_yet_go_with_the_next() -> None:
    """What goes first is half a second farther from the next's beams; a row that this has not broken yet is silent."""
    first, then = vehicle((400, 1600), (1200, 2400)), vehicle((3400, 4600), (4200, 5400))
    border = (1600 + 3400 - 500) // 2
    for at, followed in ((border - 10, set()), (border + 10, {"A" * 24}), (3400, {"A" * 24})):
        assert behind([(at * MS, 0, "A" * 24, -50.0, NO_TONE)], 0, PLACE, first, then) == followed
    coming = Vehicle([Span(OUTER, 3400 * MS, 4600 * MS)])
    assert behind([(5000 * MS, 1, "A" * 24, -50.0, NO_TONE)], 0, PLACE, first, coming) == frozenset()


def test_what_is_in_doubt_between_two_vehicles_goes_with_its_serial_neighbours() -> None:
    """A case that was heard early goes with those labelled before and after it, whichever vehicle they are on."""
    first, then = vehicle((400, 1600), (1200, 2400)), vehicle((3400, 4600), (4200, 5400))
    cases = [epc.sgtin96("09521321001015", str(serial), 7) for serial in range(10)]
    border = (1600 + 3400 - 500) // 2

    def followed(*moments: int) -> set[str]:
        heard = [(at * MS, 0, case, -50.0, NO_TONE) for at, case in zip(moments, cases, strict=False)]
        return set(behind(heard, 0, PLACE, first, then))

    assert followed(4000, 4000, border - 100, 4000, 4000) == set(cases[:5])
    assert followed(1000, 1000, border + 100, 1000, 1000) == set()
    assert followed(1000, 1000, 1000, 4000, 4000, 4000) == set(cases[3:6])  # two pallets, number after number


def test_what_was_heard_too_early_tells_nothing() -> None:
    """Reads before `begin` belong to what went before."""
    first, then = vehicle((400, 1600), (1200, 2400)), vehicle((3400, 4600), (4200, 5400))
    assert behind(TWO, 10_000 * MS, PLACE, first, then) == frozenset()
