"""Belts: spans of beams become cartons in line; tags belong to the carton whose middle they were loudest at."""

import pytest

from gateway.rules.beams import BETWEEN, FOREVER, INNER, MIDDLE, OUTER, Span, Vehicle, spans
from gateway.rules.belts import LOOKS, behind, left, lined, middle
from gateway.rules.reads import NO_TONE, Heard
from gateway.rules.tracks import Layout

MS = 1000
GAP = 100 * MS
ROWS = (OUTER, INNER)
LAG, LONG = 800, 1000
"""ms from the first beam to the second, and in each."""


def on_belt(*begins: int, flow: str = "in", until: int | None = None, lag: int = LAG) -> list[Vehicle]:
    """Cartons that come to the first beam at these ms; nothing is known beyond `until` (ms)."""
    first = 0 if flow == "in" else 1
    edges = [
        (at * MS, eye, broken)
        for begin in begins
        for eye, shift in ((first, 0), (1 - first, lag))
        for at, broken in ((begin + shift, True), (begin + shift + LONG, False))
        if until is None or at <= until
    ]
    return lined(spans(edges, ROWS, GAP), flow)


def seen(cartons: list[Vehicle]) -> list[list[tuple[int, int]]]:
    """Row and begin (ms) of the spans of each."""
    return [[(span.row, span.begin // MS) for span in one.spans] for one in cartons]


@pytest.mark.parametrize(("flow", "rows"), [("in", (OUTER, INNER)), ("out", (INNER, OUTER))])
def test_cartons_closer_than_the_eyes_are_told_apart(flow: str, rows: tuple[int, int]) -> None:
    """Each breaks the first beam while the one before it is in the second; all go the one way."""
    begins = (0, 1200, 2400, 4000)
    cartons = on_belt(*begins, flow=flow)
    assert seen(cartons) == [[(rows[0], at), (rows[1], at + LAG)] for at in begins]
    assert [one.way(ROWS) for one in cartons] == [flow] * 4


def test_cartons_may_be_between_the_beams_together() -> None:
    """Where the eyes are 2 m apart a second one comes before the first is at the other beam."""
    cartons = on_belt(0, 1200, 2400, lag=3000)
    assert seen(cartons) == [[(OUTER, at), (INNER, at + 3000)] for at in (0, 1200, 2400)]


def test_a_hand_in_the_first_beam_shifts_nobody() -> None:
    """What was in it for a moment takes no carton's second beam: it is not as long."""
    hand = [Span(OUTER, -500 * MS, -400 * MS)]
    rest = sorted([*hand, *(span for one in on_belt(0, 1200, 2400) for span in one.spans)], key=lambda one: one.begin)
    assert seen(lined(rest, "in"))[1:] == seen(on_belt(0, 1200, 2400))
    assert [span.row for span in lined(rest, "in")[0].spans] == [OUTER]


def test_a_hand_in_the_second_beam_shifts_nobody() -> None:
    """Nothing on the belt is as far as that."""
    rest = [Span(INNER, -500 * MS, -400 * MS), *(span for one in on_belt(0, 1200) for span in one.spans)]
    assert seen(lined(sorted(rest, key=lambda one: one.begin), "in"))[1:] == seen(on_belt(0, 1200))


def test_what_lasts_may_become_as_long() -> None:
    """A carton that is in the second beam still is the first that has not been there."""
    cartons = on_belt(0, 1200, until=1000)
    assert [(span.row, span.end) for span in cartons[0].spans] == [(OUTER, 1000 * MS), (INNER, FOREVER)]


def test_eyes_in_one_row_see_a_carton_each_time() -> None:
    """Where there is one eye, what breaks it is a carton, and there it is between the rows."""
    found = [Span(OUTER, at * MS, (at + LONG) * MS) for at in (0, 1500)]
    cartons = lined(found, "in")
    assert [one.at(MIDDLE) for one in cartons] == [[(0, LONG * MS)], [(1500 * MS, (1500 + LONG) * MS)]]


def test_a_carton_is_between_the_rows_as_the_one_before_it_was() -> None:
    """Half of the time from beam to beam later; while it is in the first beam it is as long as others."""
    _, then = on_belt(0, 1200, until=2000)
    assert then.cleared == FOREVER
    assert then.at(MIDDLE) == [((1200 + LAG // 2) * MS, (1200 + LAG // 2 + LONG) * MS)]
    assert middle(then, MIDDLE) == (1200 + LAG // 2 + LONG // 2) * MS
    assert middle(then, OUTER) == (1200 + LONG // 2) * MS


def test_the_last_beam_is_waited_for() -> None:
    """Until what came behind has reached it: nobody overtakes."""
    (alone,) = on_belt(0, until=LONG // 2 + LONG)[:1]
    waits = Vehicle([alone.spans[0]])
    assert left(waits, [], ROWS, "in") == LONG * MS + BETWEEN
    assert left(waits, [Vehicle([Span(OUTER, 1200 * MS, 2200 * MS)])], ROWS, "in") == LONG * MS + BETWEEN
    passed = Vehicle([Span(OUTER, 1200 * MS, 2200 * MS), Span(INNER, 2000 * MS, 3000 * MS)])
    assert left(waits, [passed], ROWS, "in") < LONG * MS + BETWEEN
    assert left(waits, [], (OUTER,), "in") == LONG * MS


def test_the_next_carton_is_looked_at_before_the_verdict() -> None:
    """Until its middle is between the rows, for LOOKS at most."""
    one, then = on_belt(0, 1200)
    gone = (LAG + LONG) * MS
    assert left(one, [], ROWS, "in") == gone
    assert left(one, [then], ROWS, "in") == middle(then, MIDDLE) > gone
    assert left(one, [on_belt(0, 3500)[1]], ROWS, "in") == gone + LOOKS


def heard(tag: str, at: int, peak: float = -45.0) -> list[Heard]:
    """A tag that passes the antenna at `at` ms, 8 dB less half a second before and after that."""
    return [((at + ms) * MS, 0, tag, peak - 8 * abs(ms) / 500, NO_TONE) for ms in range(-700, 701, 100)]


BELOW = Layout((MIDDLE,), (0,))


def test_tags_are_on_the_carton_whose_middle_was_there_when_they_were_loudest() -> None:
    """Though every tag is heard long before and after that, and the next carton's are cut off by the verdict."""
    one, then = on_belt(0, 1200)
    mine = [read for tag, at in (("A", 800), ("B", 1000)) for read in heard(tag, at)]
    its = [read for tag, at in (("C", 2000), ("D", 2200)) for read in heard(tag, at) if read[0] <= 2300 * MS]
    assert behind([*its, *mine], -3000 * MS, BELOW, one, then) == {"C", "D"}


def test_a_read_or_two_tell_it_as_well() -> None:
    """A reader whose tags answer once a minute hears each at one place."""
    one, then = on_belt(0, 1200)
    reads = [(900 * MS, 0, "A", -60.0, NO_TONE), (2000 * MS, 0, "C", -60.0, NO_TONE), (-9000 * MS, 0, "X", -40.0, 0)]
    assert behind(reads, -3000 * MS, BELOW, one, then) == {"C"}


def test_where_no_antenna_looks_on_nothing_is_told() -> None:
    """An antenna in a row that the next carton has not been seen at says nothing of it."""
    one, then = on_belt(0, 1200, until=1900)
    assert behind(heard("C", 2000), 0, Layout((INNER,), (0,)), one, then) == frozenset()
