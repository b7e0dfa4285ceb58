"""Photo-eyes: the spans in which something broke a beam become vehicles, and the order of the beams their way. Pure.

The eyes stand in one to three rows across the door. A vehicle breaks the row it comes from first and clears the row
it leaves by last. Everything is computed anew from the edges whenever one comes, in their own time (µs): edges that
arrive out of order give the same vehicles.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct, field

OUTER, MIDDLE, INNER = 0, 1, 2
ROWS = {"outer": OUTER, "middle": MIDDLE, "inner": INNER}

FOREVER = 1 << 62
"""The end of a span whose beam is still broken."""

BETWEEN = 8_000_000
"""µs a vehicle may stand between the two rows of eyes, where no beam sees it: the rows are some 2 m apart, a crawling
truck (0.5 m/s) needs 4 s for that and a driver who stops to look a few more."""

AGAIN = 1_000_000
"""µs within which one and the same vehicle may break the row it came by a second time without having gone on:
shorter than anybody needs to drive off and another to drive up."""

PULLED = 3
"""Times the portal's `gap` for which a beam may be free between somebody on foot and the load that goes with him: he
walks at 0.5 m/s, and a handle is 1 m long."""

WALKED = 500_000
"""µs: a portal whose `gap` is shorter has nobody walk through: on a conveyor a small carton goes before a large one."""

ON_FOOT = 2
"""He is in the beam for less than one in so many of the time that his load is: 0.4 m against 1.2 m."""

WALKS = 3_000_000
"""µs that he is in the beam at most, however slow: longer is a truck."""

AT_ONCE = 100_000
"""µs within which both rows are free again by chance: 0.5 m at 2.5 m/s take twice as long. Who turns behind the door
leaves the field sideways, and his mast hides both beams to the end."""

Edge = tuple[int, int, bool]
"""When (µs), which eye (its index), and whether it is broken now."""


class Span(Struct):
    """A row of eyes was broken from `begin` to `end` (µs)."""

    row: int
    begin: int
    end: int
    gaps: list[tuple[int, int]] = field(default_factory=list)
    """From when to when (µs) the beam was free in between, for less than the portal's `gap`."""


class Vehicle(Struct):
    """What broke the beams as one: a truck with its load, or somebody on foot."""

    spans: list[Span] = field(default_factory=list)
    between: tuple[int, int] | None = None
    """On a belt: from when to when (µs) it is between the rows, by how the belt runs."""

    @property
    def opened(self) -> int:
        """When it broke the first beam, µs."""
        return min(span.begin for span in self.spans)

    @property
    def cleared(self) -> int:
        """When the last beam was free again, µs; FOREVER while one is broken."""
        return max(span.end for span in self.spans)

    def saw(self, row: int) -> bool:
        """Whether it broke a beam of this row."""
        return any(span.row == row for span in self.spans)

    def at(self, row: int) -> list[tuple[int, int]]:
        """From when to when (µs) it was at a row of the door; half-way between those of the eyes where none are."""
        mine = [(span.begin, span.end) for span in self.spans if span.row == row]
        if mine or row != MIDDLE:
            return mine
        both = self.saw(OUTER) and self.saw(INNER)
        if self.between is not None and (not both or self.cleared == FOREVER):  # not both beams tell it yet
            return [self.between]
        if not both:
            return []
        outer, inner = self.at(OUTER), self.at(INNER)
        return [((outer[0][0] + inner[0][0]) // 2, min(FOREVER, outer[-1][1] // 2 + inner[-1][1] // 2))]

    def way(self, rows: Iterable[int]) -> str:
        """`in`, `out`, `none` (it left by the row it came by), or `unknown` where `rows` of the portal cannot tell."""
        if not {OUTER, INNER} <= set(rows):
            return "unknown"
        outer = [span for span in self.spans if span.row == OUTER]
        inner = [span for span in self.spans if span.row == INNER]
        if not outer or not inner:
            return "none"
        begins = min(span.begin for span in outer) - min(span.begin for span in inner)
        ends = max(span.end for span in outer) - max(span.end for span in inner)
        if begins == 0:  # both at once, as after a start with something in the door: how it left tells
            return "unknown" if ends == 0 else "in" if ends < 0 else "out"
        if begins < 0:
            return "none" if ends > AT_ONCE else "in"
        return "none" if ends < -AT_ONCE else "out"


def spans(edges: Iterable[Edge], rows: Sequence[int], gap: int) -> list[Span]:
    """What the edges say, row by row, in order of time.

    Args:
        edges: in any order.
        rows: the row of each eye, by its index.
        gap: µs a beam must be free before what breaks it next is another thing.
    """
    broken: set[int] = set()
    open_: dict[int, Span] = {}
    found: list[Span] = []
    last: dict[int, Span] = {}
    for at, eye, blocked in sorted(edges):
        row = rows[eye]
        (broken.add if blocked else broken.discard)(eye)
        if any(rows[other] == row for other in broken):
            if row in open_:
                continue
            before = last.get(row)
            if before is not None and at - before.end < gap:
                before.gaps.append((before.end, at))
                before.end = FOREVER
                open_[row] = before
            else:
                open_[row] = last[row] = Span(row, at, FOREVER)
                found.append(open_[row])
        elif row in open_:
            open_.pop(row).end = at
    return sorted(found, key=lambda span: (span.begin, span.row))


def vehicles(found: list[Span], rows: Iterable[int], gap: int, rest: int = 0) -> list[Vehicle]:
    """Spans grouped to vehicles, in the order in which they came.

    A row that is broken again belongs to the same vehicle when the other row saw it all the while (it shuffles), or
    when it came back; it is the next vehicle when the one before has left, or leaves, by the other side. Who pulls a
    load is one with it.

    Args:
        found: the spans, in order of time.
        rows: of the portal's eyes.
        gap: µs a beam must be free before what breaks it next is another thing.
        rest: µs after its end at which a vehicle is decided: until then it shows what comes behind.
    """
    both = {OUTER, INNER} <= set(rows)
    made: list[Vehicle] = []
    for index, span in enumerate(found):
        owner = next((one for one in reversed(made[-2:]) if _belongs(one, span, found[index + 1 :], both, gap)), None)
        if owner is None:
            made.append(Vehicle([span]))
        else:
            owner.spans.append(span)
    joined = made[:1]
    for then in made[1:]:
        if pulls(joined[-1], then, gap, rest):
            joined[-1] = Vehicle([*joined[-1].spans, *then.spans])
        else:
            joined.append(then)
    return joined


def pulls(one: Vehicle, then: Vehicle, gap: int, rest: int = 0) -> bool:
    """Whether `one` is somebody on foot and `then` the load that he pulls: the row that they came by tells.

    While he is between the rows, and what comes behind him is still in the first beam, he is taken for that.

    Args:
        one: who went first.
        then: what came behind.
        gap: of the portal, µs.
        rest: µs after the last beam that `one` left until which one that `then` has not left counts as broken.
    """
    row = one.spans[0].row
    mine, its = one.at(row), then.at(row)
    if row != then.spans[0].row or mine[-1][1] == FOREVER or not _near(mine, its, gap):
        return False
    if its[-1][1] == FOREVER and mine[-1][1] - mine[0][0] <= WALKS and all(span.row == row for span in one.spans):
        return True
    left = one.cleared if one.cleared != FOREVER else mine[-1][1]
    until = its[-1][1] if its[-1][1] != FOREVER else left + rest
    return _on_foot(mine, until - its[0][0])


def pushes(one: Vehicle, then: Vehicle, gap: int) -> bool:
    """Whether `then` is somebody on foot who goes behind his load, `one`."""
    row = one.spans[0].row
    mine, its = one.at(row), then.at(row)
    if row != then.spans[0].row or its[-1][1] == FOREVER:
        return False
    return _near(mine, its, gap) and _on_foot(its, mine[-1][1] - mine[0][0])


def _near(before: Sequence[tuple[int, int]], after: Sequence[tuple[int, int]], gap: int) -> bool:
    return gap >= WALKED and 0 <= after[0][0] - before[-1][1] <= PULLED * gap


def _on_foot(mine: Sequence[tuple[int, int]], load: int) -> bool:
    return (mine[-1][1] - mine[0][0]) * ON_FOOT <= load


def _belongs(vehicle: Vehicle, span: Span, later: list[Span], both: bool, free: int) -> bool:
    """Whether this vehicle broke the beam, too."""
    same = [one for one in vehicle.spans if one.row == span.row]
    others = [one for one in vehicle.spans if one.row != span.row]
    first = vehicle.spans[0].row
    if not same:
        return span.begin <= vehicle.cleared + BETWEEN
    gap = span.begin - same[-1].end
    if not others:
        return both and gap <= AGAIN
    other = max(others, key=lambda one: one.end)
    if span.row != first:  # the row it leaves by, once more: it has backed up a little, or two loads in a row
        return any(one.end >= span.begin - free for one in vehicle.spans if one.row == first)
    if other.end < span.begin:  # it had left by the other side, or had come back before
        return False
    # The row it came by is broken again while it still stands in the other: it comes back, or another follows it.
    return not any(one.row == other.row and other.end < one.begin <= span.end + BETWEEN for one in later)


def stands(vehicle: Vehicle) -> int:
    """When the vehicle was last seen to move: the last edge of any of its spans."""
    return max(span.begin if span.end == FOREVER else span.end for span in vehicle.spans)


def within(vehicle: Vehicle, at: int, row: int) -> bool:
    """Whether an edge of this row at `at` (µs) is one of the vehicle's."""
    return any(span.row == row and span.begin <= at <= span.end for span in vehicle.spans)
