"""Features: each says more the more it speaks for *moved*; levels are relative to the group, and to the door."""

import msgspec
import pytest

from gateway.rules.background import Known
from gateway.rules.beams import INNER, OUTER, Span, Vehicle
from gateway.rules.curves import curve, fit
from gateway.rules.features import (
    ALLOWANCE,
    ALONE,
    ANEW,
    AROUND,
    COMPANIONS,
    ENOUGH,
    FAINT,
    FAR_OFF,
    HARDLY,
    HEADROOM,
    JUST,
    LACKS,
    LATELY,
    MOST_APART,
    MOST_LACKED,
    NEVER_THERE,
    NOTHING,
    PUT_DOWN,
    Around,
    Elsewhere,
    Values,
    features,
    loudness,
    wrong_side,
)
from gateway.rules.kin import KIN, PASSED_ON
from gateway.rules.reads import NO_TONE, TURN, Heard
from gateway.rules.scorecard import CARDS
from gateway.rules.scoring import OWN, RESERVE, SAYS, part, sentence
from gateway.rules.tracks import Layout, Track, tracks
from tests import dockside

MS = 1000
PLACE = Layout((OUTER, INNER), (2, 2))
A, B = "A" * 24, "B" * 24
USUAL = -450


def through(peak: float = -45.0, weaker: float = 0.0, later: int = 0) -> list[Heard]:
    """One tag goes by the outer antenna, and 800 ms later by the inner one, which hears it `weaker` dB less."""
    reads = []
    for antenna in (0, 1):
        for number in range(11):
            at = (later + 800 * antenna + 100 * number) * MS
            reads.append((at, antenna, A, dockside.swell(peak, number, 11) - antenna * weaker, NO_TONE))
    return sorted(reads)


def still(level: float, begin: int = -2500, end: int = 4500) -> list[Heard]:
    """One tag stands by and is heard at one level by the outer antenna."""
    return [(ms * MS, 0, A, level, NO_TONE) for ms in range(begin, end, 100)]


def track(reads: list[Heard]) -> Track:
    """Its track; the door is occupied for two seconds."""
    return next(iter(tracks(reads, -300 * MS, 2300 * MS, 0, PLACE).values()))


def told(
    reads: list[Heard],
    known: Known | None = None,
    elsewhere: Elsewhere | None = None,
    lower: float = 0.0,
    **changed: object,
) -> Values:
    """The features of a tag beside a group whose every tag is heard at -45 dBm and, with the door, `lower` dB less."""
    group = [
        track([(at, antenna, tag * 24, rssi - lower, tone) for at, antenna, _, rssi, tone in through()])
        for tag in "BCD"
    ]
    made = curve(group, -3_000 * MS, 5_000 * MS, PLACE)
    vehicle = Vehicle([Span(OUTER, 0, 1200 * MS), Span(INNER, 800 * MS, 2000 * MS)])
    around = Around("in", vehicle, PLACE, USUAL - int(lower * 10), made, 0, 2000 * MS, directed=True, wrong_side=350)
    around = msgspec.structs.replace(around, **changed)
    mine = track([(at, antenna, epc, rssi - lower, tone) for at, antenna, epc, rssi, tone in reads])
    return features(mine, fit(mine, made, PLACE), known, elsewhere, around)


def test_every_feature_has_its_points_and_its_sentence() -> None:
    """On every card, and nothing else; a sentence can be said of each, known or not."""
    names = set(told(through()))
    assert set(OWN) == names
    for card in CARDS.values():
        assert set(card) | {PASSED_ON} == names | set(KIN) == set(SAYS)
        for name in SAYS:
            assert "None" not in sentence(name, None)
            assert "{" not in sentence(name, -12.5)


def test_a_sentence_keeps_the_sign_where_it_means_something() -> None:
    """Points against a tag, and what is fainter, stay negative; of a count or a time it only says that less is more."""
    assert sentence("kin", -3.0) == "its serial neighbours gave it -3 points"
    assert (
        sentence("through", -1.5)
        == "more of the group passed the rows the way that it went, by -1.5 times what chance does"
    )
    assert "-4 dB louder" in sentence("level", -4.0)
    assert "lacked 6 reads" in sentence("missed", -6)
    assert "was off the group's by 8 % of" in sentence("with_group", -8)


@pytest.mark.parametrize("which", sorted(CARDS))
def test_points_never_fall_as_a_feature_grows(which: str) -> None:
    """More speaks for *moved*, in every row of each card; nothing told is between the extremes or little."""
    card = CARDS[which]
    for name, (cuts, points, _) in card.items():
        assert len(points) == len(cuts) + 1
        assert list(cuts) == sorted(cuts)
        assert list(points) == sorted(points), name
        assert [part(name, cut, card) for cut in cuts] == list(points[1:])


@pytest.mark.parametrize("lower", [0.0, 6.0, 12.0])
@pytest.mark.parametrize("reads", [through(), through(-49.0, 4.0)], ids=["like the group", "fainter"])
def test_at_a_site_with_deafer_readers_levels_say_the_same(lower: float, reads: list[Heard]) -> None:
    """Group, tag and door all heard some dB less: nothing that levels tell of what went through changes."""
    found, before = told(reads, lower=lower), told(reads)
    for name in ("company", "follows", "moves"):
        assert (found.pop(name) > 0) == (before.pop(name) > 0)
    assert found == before


def test_levels_are_those_beside_the_group() -> None:
    """Tenths of dB by which it is fainter than the group, at its loudest and in the row that heard it less."""
    like, fainter = told(through()), told(through(-52.0, 6.0))
    assert (like["level"], like["both_rows"], like["balance"]) == (0, 0, 0)
    assert (fainter["level"], fainter["both_rows"], fainter["balance"]) == (-70, -130, -60)
    assert told(still(-45.0))["both_rows"] < -200


def test_how_often_it_was_read_beside_the_group() -> None:
    """Percent of the group's reads in the passage, and the reads that one row lacks as theirs are shared out."""
    assert (told(through())["often"], told(through())["missed"]) == (100, 0)
    outer = [read for read in through() if read[1] == 0]
    assert (told(outer)["often"], told(outer)["missed"]) == (50, -len(outer))
    one_in_three = [*outer, *[read for read in through() if read[1] == 1][::3]]
    assert told(one_in_three)["missed"] == 0


def test_of_a_faint_tag_it_says_nothing_that_one_row_missed_it_or_that_it_does_not_rise() -> None:
    """The group's faintest reads show what is still heard: little below its loudest a faint tag is silent."""
    loud, faint = told(still(-45.0)), told(still(-68.0))
    assert (loud["missed"], loud["swing"]) == (-27, 0)
    assert (faint["missed"], faint["swing"]) == (NOTHING, NOTHING)


def test_the_group_is_measured_against_the_door() -> None:
    """What the door usually hears, tenths of dBm, is what the group is louder than; all its tags share that."""
    assert told(through(), size=99)["group_level"] == 0
    found = told(through(), usual=USUAL + 80, size=99)
    assert found["group_level"] == -80
    assert told(still(-70.0), usual=USUAL + 80, size=99)["group_level"] == -80
    assert told(through(), usual=USUAL + 80, size=1)["group_level"] == -40  # of one tag that is told by half


def test_the_first_load_has_no_level_to_be_compared_with() -> None:
    """At a new door nobody knows how loud what goes through is; the group is not held to it."""
    found = told(through(), usual=None)
    assert found["group_level"] == NOTHING
    assert found["level"] == 0


def test_the_group_says_something_as_a_whole() -> None:
    """How it went from row to row, rose, and was read: the same for each of its tags, and for what stands beside it."""
    for reads in (through(), still(-45.0)):
        found = told(reads, through=60, group_swing=120)
        assert (found["through"], found["group_swing"], found["group_reads"]) == (60, 120, 22)
    assert told(through(), group_swing=120, levelled=False)["group_swing"] == NOTHING


def test_a_tag_that_is_its_own_group_has_nothing_to_be_compared_with() -> None:
    """It would agree with itself in everything; what its own reads say is told all the same."""
    found = told(through(), alone=A)
    assert {name for name, value in found.items() if value == NOTHING and told(through())[name] != NOTHING} == set(
        ALONE
    )
    assert (found["swing"], found["contrast"]) == (told(through())["swing"], told(through())["contrast"])
    assert told(through(), alone=B) == told(through())


def test_rows_that_do_not_both_hear_say_nothing_of_a_single_tag() -> None:
    """With a dead antenna no tag is heard by both rows; that is not held against it."""
    found = told(through(), directed=False)
    assert all(found[name] == NOTHING for name in ("both_rows", "missed", "balance", "wrong_side"))


def test_before_and_after_and_while_nothing_passed() -> None:
    """How much louder it is in the passage than just before and after, and than the background."""
    assert told(through())["contrast"] == HEADROOM  # before and after it was fainter than what is heard here
    assert told(still(-50.0))["contrast"] == 0
    known = Known(level=-520, reads=40, last=-10_000 * MS, strayed=2)
    found = told(still(-50.0), known)
    assert (found["above_background"], found["background"], found["strayed"]) == (20, -40, -2)
    assert told(still(-50.0), Known(level=-520, reads=2))["above_background"] == NOTHING
    assert told(through())["background"] == told(through())["strayed"] == 0


def test_a_group_of_fewer_tags_than_loads_have_here_is_told_for_all() -> None:
    """%, three times as many at most; where nothing went through yet it cannot be told."""
    assert told(through(), size=2, usual_size=2500)["group_size"] == 8
    assert told(through(), size=200, usual_size=2500)["group_size"] == 300
    assert told(through(), size=2)["group_size"] == NOTHING


def test_what_a_new_tag_is_depends_on_the_door() -> None:
    """At a door with many strays it may be one more; what is known is not new."""
    found = told(through(), strays=12)
    assert found["strays_here"] == -12
    known = told(through(), Known(reads=1, level=-600), strays=12)
    assert known["strays_here"] == NOTHING
    moved = told(through(), Known(moved=5), strays=12)
    assert moved["strays_here"] == NOTHING  # it went through, and was put down near by
    assert told(through(-45.0 - FAINT / 10), strays=12)["strays_here"] == -12
    assert told(through(-45.1 - FAINT / 10), strays=12)["strays_here"] == NOTHING  # it may come from far beyond


def test_what_a_faint_new_tag_is_depends_on_how_many_there_are() -> None:
    """One or two are of the load; forty, or one at a door with many strays, may be a rack that a truck lights up."""
    faint = through(-45.1 - FAINT / 10)
    assert told(faint, strangers=1)["faint_here"] == 0
    assert told(faint, strangers=40, strays=3)["faint_here"] == -42
    assert told(faint, Known(reads=1, level=-600), strangers=1)["faint_here"] == NOTHING
    assert told(through(), strangers=40)["faint_here"] == NOTHING


def test_what_was_put_down_is_heard_when_its_truck_goes_back() -> None:
    """Seconds since it went the other way, within PUT_DOWN; nothing of what never did, or went the same way."""

    def since(seconds: int, way: str = "out") -> int:
        known = Known(moved=opened - seconds * 1_000_000, way=way)
        return told(through(), known, opened=opened)["put_down"]

    opened = 10_000 * 1_000_000

    assert since(7) == 7
    assert since(-1) == 0  # it was closed after this one was opened
    assert since(PUT_DOWN) == since(7, "in") == told(through())["put_down"] == NOTHING


def test_what_is_not_heard_any_more_where_it_stood_was_taken_away() -> None:
    """Tenths of the reads that lack afterwards in the row that heard it while nothing passed; one there is LACKS."""
    known = Known(level=-500, reads=200, first=-20_000 * MS, last=0, outer=200)  # ten a second

    def left(reads: list[Heard], known: Known | None = known, after: int = 1000 * MS, **changed: object) -> int:
        return told(reads, known, after=after, **changed)["left"]

    assert left(through()) == 100
    assert left(through(), after=100 * MS) == 10
    assert left(still(-50.0, end=2500)) == 100 - 10 * LACKS
    assert left(still(-50.0, end=2900)) == 100 - 5 * 10 * LACKS
    assert left(still(-50.0, end=9000)) == -MOST_LACKED  # no more than that
    assert left(through(), after=9000 * MS) == MOST_LACKED
    other = msgspec.structs.replace(known, outer=50, inner=120)
    assert left(still(-50.0), other) == 60  # heard on, and not where it stood


def test_what_was_heard_too_seldom_or_too_long_ago_says_nothing_of_it_by_its_silence() -> None:
    """It had left before already, or it was never settled here; of what is heard seldom silence says little."""
    slow = Known(level=-500, reads=20, first=-20_000 * MS, last=0, outer=20)
    assert told(through(), slow, after=1000 * MS)["left"] == 10
    fast = Known(level=-500, reads=200, first=-40_000 * MS, last=-LATELY, outer=200)
    assert told(through(), fast, after=1000 * MS)["left"] == 10 * 200 * 1_000_000 // (40_000 * MS - LATELY)
    for known in (None, msgspec.structs.replace(fast, last=-LATELY - 1), msgspec.structs.replace(fast, reads=2)):
        assert told(through(), known, after=1000 * MS)["left"] == NOTHING
    before = msgspec.structs.replace(fast, outer=0)  # from a snapshot that did not count by row
    assert told(through(), before, after=1000 * MS)["left"] == NOTHING
    two = Known(level=-500, reads=14, first=0, last=0, outer=14)  # heard for a moment: the rate is over LATELY at least
    assert told(through(), two, after=1000 * MS)["left"] == 9


def test_what_is_heard_as_it_stood_stands_there() -> None:
    """The mean of how far its reads in the door are off what each antenna usually hears; of one that does not, ANEW."""
    known = Known(level=-500, reads=200, first=-20_000 * MS, last=0, outer=200, levels={0: -500})
    assert told(still(-50.0), known)["as_stood"] == 0
    assert told(still(-52.0), known)["as_stood"] == 20
    assert told(still(-90.0), known)["as_stood"] == FAR_OFF
    both = [(at, place % 2, epc, rssi, tone) for place, (at, _, epc, rssi, tone) in enumerate(still(-50.0))]
    assert ANEW // 2 - 5 <= told(both, known)["as_stood"] <= ANEW // 2 + 5  # of SAMPLES of its reads
    assert 15 <= told(both, msgspec.structs.replace(known, levels={0: -500, 1: -540}))["as_stood"] <= 25
    for less in (None, msgspec.structs.replace(known, levels={}), msgspec.structs.replace(known, reads=2)):
        assert told(still(-50.0), less)["as_stood"] == NOTHING


def test_who_went_this_way_a_minute_ago_cannot_do_so_again() -> None:
    """Unless it came back since, or it is a companion that does so all day; nor can it come from another door."""

    def before(way: str = "in", passed: int = 1, ago: int = 60_000, **changed: object) -> int:
        return told(through(), Known(moved=2000 * MS + 1 - ago * MS + JUST, way=way, passed=passed), **changed)[
            "came_before"
        ]

    now = {"closed": 2000 * MS + JUST}
    assert before(**now) == -1
    assert before("out", **now) == NOTHING
    assert before(passed=COMPANIONS, **now) == NOTHING
    assert before(ago=2 * JUST // MS, closed=2000 * MS + 2 * JUST) == NOTHING
    assert told(through(), elsewhere=Elsewhere(moved=1000 * MS))["came_before"] == -2
    assert told(through(), elsewhere=Elsewhere(moved=1000 * MS), closed=1001 * MS + AROUND)["came_before"] == -1


def test_the_wrong_side() -> None:
    """What goes in cannot be heard inside before it, nor outside after it; one read there may be an echo."""
    inside = [(ms * MS, 1, A, -50.0, NO_TONE) for ms in (-2000, -1500)]
    assert wrong_side(track(inside + through()), "in") == 50
    assert wrong_side(track(inside[:1] + through()), "in") == NEVER_THERE
    assert wrong_side(track(inside + through()), "out") == NEVER_THERE
    assert wrong_side(track(through()), "none") is None
    assert told(inside + through())["wrong_side"] == 50
    # a slow load, all of which reaches into both rows at once, is allowed for
    assert told(inside + through(), wrong_side=50)["wrong_side"] == 50 + 100
    assert told(inside + through(), wrong_side=0)["wrong_side"] == 50 + ALLOWANCE


def test_the_next_door() -> None:
    """The mean of its loudest reads here less that at the next door."""
    here = loudness([int(rssi * 10) for _, _, _, rssi, _ in through()])
    assert told(through(), elsewhere=Elsewhere(level=-600))["elsewhere"] == here + 600
    assert told(through())["elsewhere"] == NOTHING
    assert loudness([-900, -500, -520, -540]) == -520


def test_when_it_was_heard_beside_when_the_beam_was_broken() -> None:
    """Minus the share of the time by which it came before or after the vehicle; nothing where there are no eyes."""
    assert told(through())["with_eyes"] == 0
    assert -40 < told(through(later=1500))["with_eyes"] < -20
    assert told(through(later=1500), vehicle=None)["with_eyes"] == NOTHING


def test_phases_say_something_where_they_are_believed() -> None:
    """The points of its phases, but for while the group stood; a tag without any has none."""
    turning = [(*read[:4], TURN + 512 * place % TURN) for place, read in enumerate(through())]
    assert told(turning, phased=True)["phase"] > 0
    assert told(turning)["phase"] == NOTHING
    assert told(through(), phased=True)["phase"] == NOTHING


@pytest.mark.parametrize(("reads", "counts"), [(ENOUGH, 0), (ENOUGH - 1, HARDLY)])
def test_a_group_of_few_reads_may_rise_by_nothing_by_chance(reads: int, counts: int) -> None:
    """Of enough of them it stands. What it rose by beyond HARDLY counts as it is; nothing where no levels are told."""
    made = msgspec.structs.replace(curve([track(through())], -3_000 * MS, 5_000 * MS, PLACE), reads=reads)
    assert told(through(), group_swing=0, made=made)["group_swing"] == counts
    assert told(through(), group_swing=HARDLY + 50, made=made)["group_swing"] == HARDLY + 50
    assert told(through(), group_swing=0, made=made, levelled=False)["group_swing"] == NOTHING


def test_times_are_shares_of_the_time_in_the_door() -> None:
    """What was off by so much of it is off by less of a longer time; it never counts as more than three times that."""
    late = told(through(later=1500), closed=2000 * MS)
    slow = told(through(later=1500), closed=4500 * MS)
    moment = told(through(later=1500), closed=1 * MS, opened=0)
    for name in ("with_group", "order"):
        assert late[name] < 0
        assert abs(slow[name] - late[name] / 2) <= 1  # (2.0 s + OCCUPIED) are half of (4.5 s + OCCUPIED)
        assert -MOST_APART <= moment[name] < late[name]


def test_serial_neighbours_points_count_as_they_are_but_for_the_reserve() -> None:
    """On every card alike; who has no neighbours gets nothing and is charged nothing."""
    for card in CARDS.values():
        assert [part(PASSED_ON, value, card) for value in (NOTHING, 0, 300, -600)] == [*(0, 0, 300 - RESERVE, -600)]
