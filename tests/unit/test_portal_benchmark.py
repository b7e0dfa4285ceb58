"""The portal benchmark: how answers are matched to the truth and counted, its bounds, and its rivals."""

from itertools import pairwise
from typing import Any

import pytest

from benchmarks.portal import rivals
from benchmarks.portal.answers import Answer
from benchmarks.portal.playing import play
from benchmarks.portal.rivals import Heard, Sight
from benchmarks.portal.scoring import Tally, score
from benchmarks.portal.serials import SERIAL, at_random
from benchmarks.portal.showing import show
from benchmarks.portal.table import EDGEX, OURS, TWICE, bound, figured, jobs, version
from simulators.rf import Shift, shift

SECOND = 1_000_000


def passage(number: int = 1, **changed: Any) -> dict[str, Any]:
    """A true passage from second 10 to 14: tags A, B and C came in, D stood by, T is the truck's."""
    units = changed.pop("units", [["A", "B", "C"]])
    usual = {
        "number": number,
        "portal": "dock-1",
        "kind": "pallet",
        "direction": "in",
        "opened": 10 * SECOND,
        "closed": 14 * SECOND,
        "unread": [],
        "strays": ["D"],
        "neutral": ["T"],
        "units": [{"epcs": epcs} for epcs in units],
    }
    return usual | changed


def told(moved: str, direction: str = "in", at: float = 9, until: float = 15, **more: Any) -> Answer:
    """An answer of these seconds; what moved in is in stock."""
    tags = frozenset(moved)
    stock = tags if direction == "in" else frozenset()
    return Answer("dock-1", int(at * SECOND), int(until * SECOND), direction, tags, stock, **more)


def tally(passages: list[dict[str, Any]], *answers: Answer) -> Tally:
    """The counts."""
    return score({"passages": passages, "badges": ["P"]}, list(answers)).tally


@pytest.mark.parametrize(
    ("answers", "exact", "direction"),
    [
        ([told("ABC")], 1, 1),
        ([told("ABCTP")], 1, 1),  # trucks and badges are right either way
        ([], 0, 0),
        ([told("AB")], 0, 1),
        ([told("ABCD")], 0, 1),
        ([told("ABC", "out")], 0, 0),
        ([told("ABC", "unknown")], 0, 0),
        ([told("ABC", "none")], 0, 0),
        ([told("AB", until=11), told("C", at=12)], 0, 1),  # torn in two
        ([told("ABC", until=11), told("ABC", at=12)], 0, 1),  # told twice
        ([told("ABC"), told("D", "none", at=14)], 1, 1),
        ([told("ABC", at=0, until=3)], 0, 0),  # of another time
    ],
)
def test_a_pallet_is_exact_when_all_of_it_and_nothing_else_is_told_once(
    answers: list[Answer], exact: int, direction: int
) -> None:
    """Moved set and way both right, in one passage."""
    found = tally([passage()], *answers)
    assert (found.exact, found.direction) == (exact, direction)


def test_tags_that_nobody_read_are_not_asked_for() -> None:
    """Told or not, an unread tag does not decide."""
    assert tally([passage(unread=["C"])], told("AB")).exact == 1
    assert tally([passage(unread=["C"])], told("ABC")).exact == 1


def test_two_pallets_may_be_told_together_or_one_by_one() -> None:
    """A vehicle with two pallets is right as one passage and as one for each pallet, not torn elsewhere."""
    double = [passage(units=[["A", "B"], ["C", "E"]])]
    assert tally(double, told("ABCE")).exact == 1
    assert tally(double, told("AB", until=12), told("CE", at=12)).exact == 1
    assert tally(double, told("ABC", until=12), told("E", at=12)).exact == 0


def test_two_vehicles_told_as_one_are_both_wrong() -> None:
    """The second pallet of a train has its own passage."""
    train = [passage(1), passage(2, opened=15 * SECOND, closed=18 * SECOND, units=[["E", "F"]])]
    merged = tally(train, told("ABCEF", until=19))
    assert (merged.exact, merged.false_receipts) == (0, 0)
    assert tally(train, told("ABC"), told("EF", at=15, until=19)).exact == 2


def test_a_turned_pallet_leaves_nothing_behind() -> None:
    """Direction none, or no moved tag; anything told as gone through is wrong, and a false receipt when in stock."""
    turned = [passage(kind="turn", direction="none")]
    assert tally(turned, told("ABC", "none")).exact == 1
    assert tally(turned).exact == 1
    wrong = tally(turned, told("AB"))
    assert (wrong.exact, wrong.direction, wrong.false_receipts, wrong.false_tags) == (0, 0, 1, 2)


def test_false_receipts_are_counted_by_passage() -> None:
    """A stray in stock, a leaving pallet in stock, an empty truck with somebody's tags: each is one."""
    assert tally([passage()], told("ABCD")).false_receipts == 1
    assert tally([passage(direction="out")], told("ABC")).false_receipts == 1
    empty = tally([passage(kind="empty", units=[])], told("D"))
    assert (empty.false_receipts, empty.passages, empty.empties, empty.empties_right) == (1, 0, 1, 0)
    lone = tally([passage()], told("ABC"), told("D", at=30, until=31))
    assert (lone.exact, lone.false_receipts, lone.spurious) == (1, 1, 1)


def test_tags_are_counted_moved_and_static() -> None:
    """Three moved and one stood by: all four are judged."""
    found = tally([passage()], told("ABD"))
    assert (found.tags, found.tags_right, found.moved, found.moved_right) == (4, 2, 3, 2)


def test_the_bound_is_clopper_and_pearson_s() -> None:
    """Known one-sided 95 % bounds: the rule of three, and tables."""
    assert bound(0, 1000, upper=True) == pytest.approx(1 - 0.05 ** (1 / 1000), abs=1e-9)
    assert bound(5, 100, upper=True) == pytest.approx(0.1023, abs=5e-5)
    assert bound(995, 1000, upper=False) == pytest.approx(0.98952, abs=5e-5)
    assert bound(7, 7, upper=True) == 1.0


def test_a_figure_names_the_better_rival() -> None:
    """More exact pallets or fewer false receipts is better; a rival without a case counts half a one."""
    tallies = {
        OURS: Tally(passages=1000, exact=990, direction=1000, tags=10, tags_right=9, false_receipts=1),
        EDGEX: Tally(passages=1000, exact=0, direction=800, tags=10, tags_right=8, false_receipts=4),
        TWICE: Tally(passages=1000, exact=495, direction=700, tags=10, tags_right=3, false_receipts=0),
    }
    exact = figured("calm", "pallet_exact", tallies, tallies)
    assert (exact.figure, exact.value, exact.than, exact.ratio) == ("portal_calm_pallet_exact", 99.0, TWICE, 2.0)
    receipts = figured("calm", "false_receipts", tallies, tallies)
    assert (receipts.value, receipts.unit, receipts.than, receipts.ratio) == (1.0, "per 1,000", TWICE, 2.0)
    assert receipts.more["bound_95"] == 4.73


def sights(*found: tuple[float, str, float]) -> Heard:
    """Reads of one tag: milliseconds, row, dBm."""
    return Heard([Sight(int(at * 1000), "dock-1", row, "A", rssi) for at, row, rssi in found], [])


def test_edgex_s_formula_moves_a_tag_after_two_louder_reads() -> None:
    """6 dB are needed within half a second, none after 1,250 ms; one read is never enough."""
    soon = [(0, "outer", -60.0), (100, "inner", -55.0), (200, "inner", -55.0)]
    assert [change.after[1] for change in rivals.changes(sights(*soon))] == ["outer"]
    loud = [(0, "outer", -60.0), (100, "inner", -53.0), (200, "inner", -53.0)]
    assert [change.after[1] for change in rivals.changes(sights(*loud))] == ["outer", "inner"]
    late = [(0, "outer", -60.0), (1300, "inner", -59.9), (1310, "inner", -59.9)]
    assert [change.after[1] for change in rivals.changes(sights(*late))] == ["outer", "inner"]
    assert len(list(rivals.changes(sights(*late[:2])))) == 1


def test_a_short_shift_is_played_scored_and_shown() -> None:
    """The real engine answers, the rivals answer every passage, and failures are told tag by tag."""
    made = shift("side_by_side", 3, 2)
    ours = score(made.truth, play(made))
    assert ours.tally.passages == 2
    heard = rivals.listen(made)
    for tell in (rivals.edgex, rivals.seen_twice):
        assert [answer.number for answer in tell(made, heard)] == [one["number"] for one in made.truth["passages"]]
    ours.verdicts[0].exact = False
    assert made.truth["passages"][0]["portal"] in show(made, ours, 1)[0]


def test_serial_numbers_at_random_change_names_only() -> None:
    """Reads, truth and documents are of the same tags under other names, no two of them next to each other."""
    made = shift("calm", 1, 3)
    drawn = at_random(made)

    def told(one: Shift) -> list[Any]:
        return [row for _, record in one.records if record["kind"] == "reads" for row in record["reads"]]

    places = next(record["columns"].index("epc") for _, record in made.records if record["kind"] == "reads")
    assert [(*row[:places], *row[places + 1 :]) for row in told(made)] == [
        (*row[:places], *row[places + 1 :]) for row in told(drawn)
    ]
    names = {old[places]: new[places] for old, new in zip(told(made), told(drawn), strict=True)}
    assert len(set(names.values())) == len(names)
    units = [unit for passage in drawn.truth["passages"] for unit in passage["units"]]
    cases = {hex_ for unit in units for hex_ in unit["epcs"] if hex_.startswith("30")}
    serials = sorted(int(hex_, 16) & SERIAL for hex_ in cases)
    assert cases.intersection(names.values())
    assert all(other - one > 1 for one, other in pairwise(serials))
    documents = [record["payload"] for _, record in drawn.records if record["kind"] == "downlink"]
    lines = [line for document in documents for unit in document["units"] for line in unit["lines"]]
    announced = {int(serial) for line in lines for serial in line["serials"]}
    assert announced
    assert announced <= set(serials)
    assert {name for line in lines for name in line} & {"ranges"} == set()
    assert score(drawn.truth, play(drawn)).tally.exact == score(made.truth, play(made)).tally.exact


def test_a_short_run_is_the_beginning_of_the_long_one() -> None:
    """Shifts are the first seeds; the last one is cut short."""
    assert [(job.seed, job.passages) for job in jobs("calm", "tuning", 60)] == [(1, 25), (2, 25), (3, 10)]
    assert len(version()) == 8
