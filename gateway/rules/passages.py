"""Passages: which tags crossed a portal in one opening-to-closing, and which way. Pure.

A portal opens on an eye edge or on the first strong read, and closes when nothing strong was read for `quiet` (and no
eye is blocked), or after `longest`. Windows run in the reads' own time, so a backlog of old reads makes the passages
it would have made live; the decision waits `settle` longer, because an edge and the last report are not ordered.
"""

from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from gateway.model.inputs import Gpi, Weighing
from gateway.model.outcome import Passage
from gateway.model.settings import Portal

OUTER, MIDDLE, INNER = 0, 1, 2
ROWS = {"outer": OUTER, "middle": MIDDLE, "inner": INNER}

DIRECTION_GAP = 50_000
"""µs between the rows' centroids below which antennas alone cannot tell the way: a pallet at 2 m/s crosses 10 cm."""

FLOOR_DBM = -100
"""Weight of a read is its level above this floor, squared: integers, so that every machine sums the same."""

CEILING_DBM = 30
"""No tag is heard louder than a reader transmits; together with the floor it keeps every sum within 64 bits."""

SPAN_DB = CEILING_DBM - FLOOR_DBM

EDGES_KEPT = 200
"""Eye edges remembered per passage: a chattering eye must not fill the memory."""

STRAYS_SHOWN = 50
"""Strays whose figures go into the evidence; all of them are named and counted."""

WEIGHING_REACH = 10_000_000
"""µs before the opening within which a weighing still belongs to the pallet: it was weighed, then driven through."""

EMPTIED = 10
"""A scale that settles at less than a tenth of what stood on it is empty: dust and a crept zero are no new pallet."""


class Trace(Struct):
    """What was heard of one tag during the passage. `moments`/`weights` are per row (outer, middle, inner)."""

    reads: int
    peak: int | float  # as the reader said it: a snapshot must not turn -50 into -50.0, which are other bytes
    first: int
    last: int
    moments: list[int]
    weights: list[int]


class PortalState(Struct):
    """Everything a portal remembers between inputs; what a snapshot holds."""

    open: bool = False
    opened: int = 0
    origin: int = 0  # what moments are relative to: the first opening, even if an earlier read comes late
    activity: int = 0  # last strong read or eye edge, its own time
    heard: int = 0  # arrival of that, gateway time
    closed: int = -1  # read time up to which everything belonged to the previous passage
    blocked: list[int] = field(default_factory=list)  # indexes of eyes
    edges: list[tuple[int, int, bool]] = field(default_factory=list)  # at, eye index, blocked
    tags: dict[str, Trace] = field(default_factory=dict)
    weighing: Weighing | None = None
    late: int = 0
    count: int = 0


class PortalWatch:
    """The passage machine of one portal."""

    def __init__(self, portal: Portal, state: PortalState | None = None) -> None:
        self.portal = portal
        self.state = state if state is not None else PortalState()

    @property
    def deadline(self) -> int | None:
        """When (gateway time, µs) the open passage is to be closed if nothing more happens."""
        state = self.state
        if not state.open:
            return None
        end = state.opened + self.portal.longest
        if not state.blocked:
            end = min(end, state.activity + self.portal.quiet)
        return max(end, state.heard) + self.portal.settle

    def read(self, t: int, at: int, row: int, epc: str, rssi: float) -> Passage | None:
        """Take one read; return the passage it ended, when it is later than the open one allows."""
        state, portal = self.state, self.portal
        strong = rssi >= portal.min_rssi
        ended = None
        # Once per read, so `at > self._ends()` and the weight below are spelled out for speed.
        if state.open and (
            at > state.opened + portal.longest or (at > state.activity + portal.quiet and not state.blocked)
        ):
            ended = self.close()
        if not state.open:
            if not strong:
                return ended
            if at <= state.closed:
                state.late += 1
                return ended
            self._open(at)
        elif at < state.opened and not self._earlier(at, opens=strong):
            return ended
        if strong:
            if at > state.activity:
                state.activity = at
            state.heard = t
        state.count += 1
        trace = state.tags.get(epc)
        if trace is None:
            trace = state.tags[epc] = Trace(0, rssi, at, at, [0, 0, 0], [0, 0, 0])
        trace.reads += 1
        if rssi > trace.peak:
            trace.peak = rssi
        if at > trace.last:
            trace.last = at
        elif at < trace.first:
            trace.first = at
        level = int(rssi) - FLOOR_DBM
        weight = level * level if 1 <= level <= SPAN_DB else SPAN_DB**2 if level > 1 else 1
        trace.weights[row] += weight
        trace.moments[row] += weight * (at - state.origin)
        return ended

    def edge(self, t: int, at: int, eye: int, gpi: Gpi) -> Passage | None:
        """Take an eye's edge; it opens the portal, extends the passage, or (cleared) lets it end."""
        state = self.state
        blocked = gpi.level == self.portal.eyes[eye].blocked
        ended = None
        if state.open and at > self._ends():
            ended = self.close()
        if eye in state.blocked:
            state.blocked.remove(eye)
        if blocked:
            state.blocked.append(eye)
        if not state.open:
            if not blocked or at <= state.closed:
                return ended
            self._open(at)
        elif at < state.opened and not self._earlier(at, opens=blocked):
            return ended
        if len(state.edges) < EDGES_KEPT:
            state.edges.append((at, eye, blocked))
        state.activity = max(state.activity, at)
        state.heard = t
        return ended

    def forget_eyes(self) -> None:
        """The portal's eyes are others now: what the old ones saw says nothing any more."""
        self.state.blocked = []
        self.state.edges = []

    def weigh(self, weighing: Weighing) -> None:
        """Remember a settled weight for the passage that is open or about to open; an empty scale weighs no pallet."""
        if not weighing.stable or weighing.condition != "ok" or weighing.value is None or weighing.at is None:
            return
        before, value = self.state.weighing, Decimal(weighing.value)
        if before is not None and before.at is not None and weighing.at - before.at <= WEIGHING_REACH:
            value -= Decimal(before.value or 0) / EMPTIED
        if value > 0:
            self.state.weighing = weighing

    def due(self, t: int) -> Passage | None:
        """Close the passage if its deadline has come."""
        deadline = self.deadline
        return self.close() if deadline is not None and t >= deadline else None

    def close(self) -> Passage:
        """End the passage and say what it was."""
        state, portal = self.state, self.portal
        closed = min(state.activity, state.opened + portal.longest)
        moved: list[str] = []
        strays: list[str] = []
        for epc, trace in sorted(state.tags.items()):
            kept = trace.reads >= portal.min_reads and trace.peak >= portal.min_rssi
            (moved if kept else strays).append(epc)
        direction, confidence, because = self._direction(moved)
        passage = Passage(
            passage=f"{portal.id}/{state.opened}",
            portal=portal.id,
            opened=state.opened,
            closed=closed,
            direction=direction,
            confidence=confidence,
            moved=tuple(moved),
            strays=tuple(strays),
            evidence=because | self._evidence(moved, strays),
        )
        self._shut()
        return passage

    def abandon(self) -> None:
        """End the passage without saying what it was."""
        self._shut()

    def _shut(self) -> None:
        state = self.state
        state.closed = self._ends()  # not the last activity: a read that came too late must not open a passage anew
        state.open = False
        state.tags = {}
        state.edges = []
        state.count = 0

    def weighing_for(self, passage: Passage) -> Weighing | None:
        """The weight that belongs to this passage, taken once, and not by strays."""
        weighing = self.state.weighing
        if weighing is None or weighing.at is None or not passage.moved:
            return None
        if not passage.opened - WEIGHING_REACH <= weighing.at <= passage.closed + self.portal.quiet:
            return None
        self.state.weighing = None
        return weighing

    def _open(self, at: int) -> None:
        state = self.state
        state.open = True
        state.opened = state.origin = state.activity = at

    def _earlier(self, at: int, *, opens: bool) -> bool:
        """Whether what was seen before the opening still belongs to this passage; if so, it began then."""
        state = self.state
        if not opens:
            return False
        if at <= max(state.closed, state.opened - self.portal.settle):
            state.late += 1
            return False
        state.opened = at
        return True

    def _ends(self) -> int:
        """The read time after which a read no longer belongs to the open passage."""
        state = self.state
        longest = state.opened + self.portal.longest
        return longest if state.blocked else min(longest, state.activity + self.portal.quiet)

    def _direction(self, moved: list[str]) -> tuple[str, float, dict[str, Any]]:
        """Eyes first: they see the pallet, not its radio; else the rows' time centroids, voted by the moved tags."""
        first: dict[int, int] = {}
        for at, eye, blocked in self.state.edges:
            row = ROWS[self.portal.eyes[eye].row]
            if blocked and row != MIDDLE:
                first[row] = min(at, first.get(row, at))
        if len(first) == 2 and first[OUTER] != first[INNER]:
            return "in" if first[OUTER] < first[INNER] else "out", 0.99, {"by": "eyes"}
        gaps = {epc: gap for epc in moved if (gap := self._row_gap(self.state.tags[epc])) is not None}
        if not gaps:
            return "unknown", 0.0, {"by": "nothing"}
        middle = sorted(gaps.values())[len(gaps) // 2]
        because = {"by": "antennas", "gap_ms": middle // 1000, "voters": len(gaps)}
        if abs(middle) < DIRECTION_GAP:
            return "unknown", 0.0, because
        agreeing = sum(1 for gap in gaps.values() if (gap > 0) == (middle > 0))
        return "in" if middle > 0 else "out", round(agreeing / len(gaps), 2), because

    @staticmethod
    def _row_gap(trace: Trace) -> int | None:
        """µs by which the inner row's centroid follows the outer row's; None when a row did not hear the tag."""
        if not trace.weights[OUTER] or not trace.weights[INNER]:
            return None
        return trace.moments[INNER] // trace.weights[INNER] - trace.moments[OUTER] // trace.weights[OUTER]

    def _evidence(self, moved: list[str], strays: list[str]) -> dict[str, Any]:
        state = self.state
        shown = {epc: state.tags[epc] for epc in [*moved, *strays[:STRAYS_SHOWN]]}
        return {
            "reads": state.count,
            "eyes": [
                [at - state.opened, self.portal.eyes[eye].row, blocked] for at, eye, blocked in sorted(state.edges)
            ],
            "tags": {
                epc: [trace.reads, trace.peak, trace.first - state.opened, trace.last - state.opened]
                for epc, trace in sorted(shown.items())
            },
        }
