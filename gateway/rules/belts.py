"""Belts: what passes in line, one way, and never turns: the cartons of a conveyor. Pure.

At a door two beams that are broken at a time are broken by one vehicle. On a belt that may be the next carton: they
follow one another more closely than the rows of eyes are apart. But none overtakes.
"""

from collections.abc import Iterable, Sequence

from gateway.rules.beams import BETWEEN, FOREVER, INNER, MIDDLE, OUTER, ROWS, Span, Vehicle
from gateway.rules.kin import neighbours
from gateway.rules.reads import Heard
from gateway.rules.tracks import FLOOR, Layout, median

ALIKE = 3
"""A carton is in one beam for as long as in the other, but for one part in so many: a belt starts and stops. A hand
that reaches into one of them is not."""

LOOKS = 1_000_000
"""µs for which a carton waits at most, after it has left, until the middle of the next one is between the rows: from
then on tags are heard less, if they are on that one. With `quiet` and `settle` it is less than two seconds."""

LOUD = 60
"""Tenths of dB below its loudest read within which a tag is beside the antenna: 1.4 times as far as then at most."""

SURELY = 600
"""Points (hundredths of log-odds, 400 : 1) of a tag that was heard right when the middle of its carton was there."""

ORDER = {"in": (OUTER, MIDDLE, INNER), "out": (INNER, MIDDLE, OUTER)}
"""The rows in the order in which they are passed, by the `flow` of a portal."""


def lined(found: Iterable[Span], flow: str) -> list[Vehicle]:
    """Spans grouped to cartons, in the order in which they came: the first that lacks a beam broke it.

    What was in one beam for as long as no carton was in the next stays alone.

    Args:
        found: the spans, in order of time.
        flow: of the portal, in or out.
    """
    order = ORDER[flow]
    made: list[Vehicle] = []
    first = dict.fromkeys(order, 0)
    for span in found:
        waiting = [place for place in range(first[span.row], len(made)) if _before(made[place].spans[-1], span, order)]
        alike = [place for place in waiting if _alike(made[place].spans[-1], span)]
        if waiting:
            place = (alike or waiting)[0]
            made[place].spans.append(span)
        else:
            place = len(made)
            made.append(Vehicle([span]))
        first[span.row] = place + 1
    ahead, lasts = _runs(made, order)
    for one in made:
        span = one.spans[0]
        begin = span.begin + (-ahead if span.row == order[-1] else ahead)
        one.between = begin, begin + (span.end - span.begin if span.end != FOREVER else lasts)
    return made


def left(carton: Vehicle, others: Sequence[Vehicle], rows: Iterable[int], flow: str) -> int:
    """When a carton counts as gone, µs: the last beam waits for it, until one behind it has come there.

    Args:
        carton: the first on the belt; no beam is broken by it.
        others: those behind it.
        rows: of the eyes that see.
        flow: of the portal.
    """
    last = [row for row in ORDER[flow] if row in rows][-1]
    if not carton.saw(last) and not any(other.saw(last) for other in others):
        return carton.cleared + BETWEEN
    if not others:
        return carton.cleared
    return max(carton.cleared, min(carton.cleared + LOOKS, middle(others[0], MIDDLE)))


def middle(carton: Vehicle, row: int) -> int:
    """When the middle of a carton is at a row where it has been seen, µs; one still in the beam is as long as usual."""
    begin, end = carton.at(row)[0][0], carton.at(row)[-1][1]
    if end == FOREVER and carton.between is not None:
        end = begin + carton.between[1] - carton.between[0]
    return (begin + end) // 2


def behind(recent: Iterable[Heard], begin: int, place: Layout, carton: Vehicle, then: Vehicle) -> frozenset[str]:
    """The tags that are on the next carton: they were loudest when its middle was there rather than this one's.

    Args:
        recent: everything heard so far, in any order.
        begin: from when on (µs) it may be of this carton.
        place: where the antennas hang.
        carton: the one that is judged.
        then: the one behind it, which may still be in the beams.
    """
    middles = {
        row: (middle(carton, row), middle(then, row)) for row in ROWS.values() if carton.at(row) and then.at(row)
    }
    heard: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for at, antenna, epc, rssi, _ in recent:
        if at >= begin and place.rows[antenna] in middles:
            heard.setdefault((epc, place.rows[antenna]), []).append((at, max(FLOOR, int(rssi * 10))))
    told: dict[str, list[int]] = {}
    for (epc, row), reads in heard.items():
        mine, its = middles[row]
        at = _loudest(reads)
        told.setdefault(epc, []).append(SURELY * (abs(at - mine) - abs(at - its)) // max(1, its - mine))
    points = {epc: sum(each) // len(each) for epc, each in told.items()}
    say = neighbours(points, in_line=True)
    return frozenset(epc for epc, mine in points.items() if mine + say.get(epc, 0) > 0)


def _loudest(reads: Sequence[tuple[int, int]]) -> int:
    """When it was loudest, µs: the mean of its LOUD reads."""
    peak = max(level for _, level in reads)
    loud = [at for at, level in reads if level > peak - LOUD]
    return sum(loud) // len(loud)


def _before(one: Span, span: Span, order: Sequence[int]) -> bool:
    """Whether what broke a beam may have broken this one next."""
    if order.index(one.row) >= order.index(span.row) or span.begin > one.end + BETWEEN:
        return False
    return one.begin <= span.begin and one.end <= span.end


def _alike(one: Span, other: Span) -> bool:
    """Whether they are as long; one that lasts may become so."""
    if FOREVER in (one.end, other.end):
        return True
    mine, its = one.end - one.begin, other.end - other.begin
    return ALIKE * abs(mine - its) <= max(mine, its)


def _runs(made: Iterable[Vehicle], order: Sequence[int]) -> tuple[int, int]:
    """How the belt runs, µs: half of the time from the first row of eyes to the last, and for how long a carton is in
    one; nought of what none has shown.
    """
    first, last = order[0], order[-1]
    lags = [one.at(last)[0][0] - one.at(first)[0][0] for one in made if one.saw(first) and one.saw(last)]
    lasts = [span.end - span.begin for one in made for span in one.spans if span.end != FOREVER]
    return median(lags) // 2 if lags else 0, median(lasts) if lasts else 0
