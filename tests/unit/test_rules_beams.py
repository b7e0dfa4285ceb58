"""Beams: edges of photo-eyes become spans, spans become vehicles, vehicles have a way."""

import random
from collections.abc import Iterable

import pytest

from gateway.rules.beams import FOREVER, INNER, OUTER, PULLED, WALKED, WALKS, Edge, Span, pushes, spans, vehicles

MS = 1000
GAP = 700 * MS
ROWS = (OUTER, INNER)


def edges(*changes: tuple[int, str]) -> list[Edge]:
    """`(ms, "O")` breaks the outer eye, `"o"` frees it; `I` and `i` the inner one."""
    return [(ms * MS, "oi".index(what.lower()), what.isupper()) for ms, what in changes]


def ways(*changes: tuple[int, str]) -> list[str]:
    """The ways of the vehicles in these edges."""
    return [one.way(ROWS) for one in vehicles(spans(edges(*changes), ROWS, GAP), ROWS, GAP)]


SWAP = str.maketrans("oOiI", "iIoO")
IN = ((0, "O"), (800, "I"), (1500, "o"), (2300, "i"))
OUT = ((0, "I"), (800, "O"), (1500, "i"), (2300, "o"))


@pytest.mark.parametrize(
    ("changes", "way"),
    [
        (IN, "in"),
        (OUT, "out"),
        (((0, "O"), (800, "I"), (3000, "i"), (4000, "o")), "none"),
        (((0, "O"), (800, "I"), (3000, "i"), (3080, "o")), "in"),
        (((0, "O"), (800, "I"), (3000, "i"), (3120, "o")), "none"),
        (((0, "O"), (800, "o")), "none"),
        (((0, "O"), (0, "I"), (900, "o"), (1500, "i")), "in"),
        (((0, "O"), (0, "I"), (900, "i"), (1500, "o")), "out"),
        (((0, "O"), (0, "I"), (900, "o"), (900, "i")), "unknown"),
        (((0, "O"), (500, "o"), (1500, "I"), (2000, "i")), "in"),
        (((0, "O"), (800, "I"), (1500, "o")), "in"),
    ],
    ids=[
        "in",
        "out",
        "turned",
        "free at once",
        "turned, fast",
        "one row only",
        "at once",
        "at once, out",
        "as one",
        "shorter than the gap",
        "stays in the beam",
    ],
)
def test_the_way_of_one_vehicle(changes: tuple[tuple[int, str], ...], way: str) -> None:
    """Who breaks the outer beam first and clears the inner one last came in; who leaves as it came turned round.

    What clears both at once went on: the mast of a truck that turns hides both. Of what broke both at once, as after a
    start with something in the door, the way it left tells.
    """
    assert ways(*changes) == [way]


def test_two_close_together_are_two() -> None:
    """A truck that follows while the one before is still in the far beam is another vehicle."""
    changes = ((0, "O"), (800, "I"), (1500, "o"), (2250, "O"), (2300, "i"), (3050, "I"), (3800, "o"), (4600, "i"))
    assert ways(*changes) == ["in", "in"]


def test_whoever_pulls_a_load_belongs_to_it() -> None:
    """Between a person and the pallet jack the beams are free for half a second at each row: one vehicle."""
    person = ((0, "O"), (400, "o"), (900, "O"), (1000, "I"), (1400, "i"), (1900, "I"), (2100, "o"), (3100, "i"))
    assert ways(*person) == ["in"]


def test_one_after_the_other_are_two() -> None:
    """In, and out a second after that, are two vehicles."""
    assert ways(*IN, *((ms + 3300, what) for ms, what in OUT)) == ["in", "out"]


def test_a_slit_is_no_gap() -> None:
    """The slit between load and mast is bridged, and remembered: two loads may meet there; a gap of GAP is one."""
    begin = [(0, 0, True), (500 * MS, 0, False)]
    (found,) = spans([*begin, (500 * MS + GAP - 2, 0, True)], ROWS, GAP)
    assert found == Span(OUTER, 0, FOREVER, [(500 * MS, 500 * MS + GAP - 2)])
    assert len(spans([*begin, (500 * MS + GAP, 0, True)], ROWS, GAP)) == 2


def test_on_a_conveyor_a_gap_is_the_next_carton() -> None:
    """How long a beam may be free is the portal's own: 300 ms are one pallet jack, or two cartons."""
    cartons = [(0, 0, True), (200 * MS, 0, False), (500 * MS, 0, True), (700 * MS, 0, False)]
    assert [len(spans(cartons, ROWS, gap)) for gap in (GAP, 100 * MS)] == [1, 2]


def test_who_comes_to_the_first_beam_and_goes_has_turned() -> None:
    """What breaks that beam seconds later is another, or the same once more; a second is too short for that."""
    again = ((6000, "O"), (7000, "I"), (8000, "o"), (9000, "i"))
    assert ways((0, "O"), (800, "o"), *again) == ["none", "in"]
    assert ways((0, "O"), (5100, "o"), *again) == ["in"]


def test_a_load_between_the_beams_is_waited_for() -> None:
    """What stops there, where nobody sees it, and goes on is one vehicle."""
    assert ways((0, "O"), (800, "o"), (6000, "I"), (7000, "i")) == ["in"]


def test_order_of_arrival_does_not_matter() -> None:
    """Edges in any order give the same vehicles."""
    every = edges(*IN, *((ms + 5000, what) for ms, what in OUT))
    told = vehicles(spans(every, ROWS, GAP), ROWS, GAP)
    for seed in range(20):
        mixed = random.Random(seed).sample(every, len(every))
        assert vehicles(spans(mixed, ROWS, GAP), ROWS, GAP) == told


def test_eyes_of_one_row_count_as_one() -> None:
    """Two eyes in a row see one thing: broken while either is."""
    rows = (OUTER, OUTER, INNER)
    found = spans([(0, 0, True), (100, 1, True), (200, 0, False), (300, 1, False)], rows, GAP)
    assert found == [Span(OUTER, 0, 300)]


def test_without_two_rows_nothing_is_told() -> None:
    """One row of eyes tells no way, and two gaps apart are two vehicles."""
    every = edges((0, "O"), (800, "o"), (1600, "O"), (2400, "o"))
    found = vehicles(spans(every, (OUTER,), GAP), (OUTER,), GAP)
    assert [one.way((OUTER,)) for one in found] == ["unknown", "unknown"]


PERSON = ((0, "I"), (400, "i"), (1000, "O"), (1400, "o"))
JACK = ((1500, "I"), (2700, "O"), (2800, "i"), (4000, "o"))


def later(changes: Iterable[tuple[int, str]], ms: int) -> list[tuple[int, str]]:
    """The same some time later."""
    return [(at + ms, what) for at, what in changes]


def test_who_pulls_a_load_is_one_with_it() -> None:
    """Short in the beam, right before what is longer, the same way: a person and a jack, though the beam was free."""
    assert ways(*PERSON, *JACK) == ["out"]
    assert ways(*PERSON, *JACK[:1]) == ["out", "none"]  # nobody knows yet how long it is
    assert ways(*PERSON, *later(JACK, PULLED * GAP // MS)) == ["out", "out"]
    assert ways(*PERSON, *later(PERSON, 1_400)) == ["out", "out"]
    assert ways(*PERSON, *[(at + 2_200, what.translate(SWAP)) for at, what in PERSON]) == ["out", "in"]


def test_what_is_still_in_the_beam_counts_until_the_one_before_is_decided() -> None:
    """A load that has been in the beam for as long as it takes to decide is longer than who went before it."""
    found = spans(edges(*PERSON, *JACK[:1]), ROWS, GAP)
    assert len(vehicles(found, ROWS, GAP, 800 * MS)) == 2
    assert len(vehicles(found, ROWS, GAP, 900 * MS)) == 1


def test_who_is_still_between_the_rows_is_waited_for_with_his_load() -> None:
    """He walks slowly, and his load is in the first beam: whether it is longer is not known, and he has not turned."""
    slow = ((0, "I"), (570, "i"), (1_580, "I"))
    assert ways(*slow) == ["none"]  # one vehicle
    assert ways(*slow, (2_000, "i")) == ["none", "none"]  # what came behind him was no longer in it than he
    truck = WALKS // MS
    assert ways((0, "I"), (truck + 1, "i"), (truck + 1_100, "I")) == ["none", "none"]  # nobody walks as slowly as that
    load = ((4_830, "O"), (5_610, "o"), (5_660, "i"), (6_520, "O"), (9_420, "o"))
    assert ways(*slow, *load) == ["out"]


def test_a_small_carton_before_a_large_one_is_no_person() -> None:
    """Where `gap` is below WALKED nobody walks: both are things of their own, whichever goes first."""
    gap = WALKED - 1
    small, large = edges(*PERSON), edges(*JACK)
    assert len(vehicles(spans(small + large, ROWS, gap), ROWS, gap)) == 2
    load, person = (
        vehicles(spans(each, ROWS, gap), ROWS, gap)[0] for each in (edges(*OUT), edges(*later(PERSON, 2_000)))
    )
    assert not pushes(load, person, gap)


def test_who_goes_behind_his_load_is_another_that_takes_nothing() -> None:
    """The load is decided without him; a second load behind the first is none of the kind."""
    load, person, other = (
        vehicles(spans(edges(*later(each, ms)), ROWS, GAP), ROWS, GAP)[0]
        for each, ms in ((OUT, 0), (PERSON, 2_000), (OUT, 2_000))
    )
    assert pushes(load, person, GAP)
    assert not pushes(load, other, GAP)
    assert not pushes(person, load, GAP)
    assert len(vehicles([*load.spans, *person.spans], ROWS, GAP)) == 2
