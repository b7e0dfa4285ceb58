"""Passages: one opening-to-closing of a portal, from its photo-eyes or, where there are none, from its reads. Pure.

Eyes bound a passage: it is what one vehicle did between breaking the first beam and clearing the last (`beams`), so
that what stands in the field all day opens nothing and keeps nothing open, and two vehicles close together are two
passages. Without eyes strong reads of tags that do not belong to the background open one, and their silence ends it
(`radio`). Everything runs in the reads' own time: a backlog of old reads makes the passages it would have made live.

The portal keeps the reads of the last seconds as they came. A passage that is over waits `quiet` for what comes after
it and `settle` for what comes late; only then its reads are put in order and weighed (`closing`, `scoring`). The
order in which they arrived within that time changes nothing.
"""

from collections.abc import Sequence
from math import inf
from typing import Any

from msgspec.structs import replace

from gateway.model.inputs import Gpi, Weighing
from gateway.model.outcome import Passage
from gateway.model.settings import Portal
from gateway.rules import belts
from gateway.rules.background import Background
from gateway.rules.beams import BETWEEN, FOREVER, INNER, OUTER, ROWS, Vehicle, pushes, spans, stands, vehicles, within
from gateway.rules.closing import Beside, Ended, Window, end
from gateway.rules.grouping import limit
from gateway.rules.nearing import AT_ONCE, DOOR, NEARER, READS_KEPT, SILENCE, STANDS, nears
from gateway.rules.parting import Parted, behind, broken, first_of, part
from gateway.rules.reads import Heard
from gateway.rules.remembering import PortalState
from gateway.rules.sight import PAUSE, arrived
from gateway.rules.tracks import layout
from gateway.rules.weighings import belongs, opens, settled, standing, stood_already

LEAD = 3_000_000
"""µs before its opening from which on reads belong to a passage: a load that comes at 1.5 m/s is 4.5 m away then, as
far as an antenna looks."""

FOLD = 4_000_000
"""µs of reads outside passages that gather before they are folded into the background, beyond LEAD."""

LATELY = 8_000_000
"""µs of the reads of a decided passage that are kept for the doors beside this one, whose passage may end later."""

EDGES_KEPT = 200
"""Eye edges remembered at a time: a chattering eye must not fill the memory."""

LEARNS = 3
"""The usual level follows that of each load by one part in so many: one of liquids is 10 dB below one of paper."""

LATEST = 4
"""The averages of strays, and of how many tags a load has, follow those of each passage by one part in so many: pallets
are put down and taken away, and trailers bring other goods."""

DOUBTS = 12
"""And that of what crossed and seemed to be strays by so much less: a dozen such vehicles in a row are no strays."""

BACKLOG = 5_000_000
"""µs after its end that the reads of a passage still come: they were kept somewhere, and come in bursts."""

BACKLOG_WAIT = 1_500_000
"""µs to wait for the next of such bursts: nobody stands at the door for this verdict any more."""

DEAF = 3
"""Passages in a row in which a row of antennas heard nothing, after which its silence says nothing: it is dead."""

SILENT = 2
"""Vehicles in a row that went through and that one row of eyes did not see, after which it is not waited for: it is
broken or dirty. Who turns round at the door says nothing of the row that he did not come to."""

AFTER = 500_000
"""µs that a passage lasts at least when something stays in the beam."""


class PortalWatch:
    """The passage machine of one portal."""

    def __init__(self, portal: Portal, state: PortalState | None = None) -> None:
        self.portal = portal
        self.state = state if state is not None else PortalState()
        self.beside: tuple[PortalWatch, ...] = ()
        self._rows = [ROWS[eye.row] for eye in portal.eyes]
        self._layout = layout(portal)
        self._antenna_rows, self._directed = self._layout.rows, self._layout.directed
        self.background = Background(self.state.known, self._antenna_rows)
        self._look()

    @property
    def open(self) -> bool:
        """Whether a passage is under way or waits to be decided."""
        return bool(self._vehicles) or self.state.opened > 0

    @property
    def opened(self) -> int:
        """When the passage under way began, µs; 0: none is."""
        return self._vehicles[0].opened if self._vehicles else self.state.opened

    @property
    def deadline(self) -> int | None:
        """When (gateway time, µs) the earliest passage is to be decided if nothing more happens."""
        if not self.open:
            return None
        settle, heard = self.portal.settle, self.state.heard
        if heard > self._due + BACKLOG:
            return heard + max(settle, BACKLOG_WAIT)
        return max(self._due, min(heard, self._due + settle)) + settle  # somebody stands at the door

    def reads(self, t: int, heard: Sequence[Heard]) -> list[Ended]:
        """Take reads in the order in which they came; return the passages that ended because these are later."""
        state, recent = self.state, self.state.recent
        ended: list[Ended] = []
        if heard and state.eyed and not state.opened and len(recent) + len(heard) < self._room:
            instants = [read[0] for read in heard]
            if state.closed < min(instants) and max(instants) <= self._horizon:  # nothing ends and nothing is late
                recent += heard
                state.heard = t
                return ended
        # Once per read: every line here costs, and so does every attribute.
        closed, horizon, room, activity = state.closed, self._horizon, self._room, state.activity
        least, rows, peaks = self._opening_level, self._antenna_rows, state.peaks
        for read in heard:
            at, antenna, epc, rssi, _ = read
            if at > horizon:
                ended += self._advance(at)
                closed, horizon, room, activity = state.closed, self._horizon, self._room, state.activity
                recent, least = state.recent, self._opening_level
            if at <= closed:
                state.late += 1
                if at < closed - LEAD:
                    continue
            recent.append(read)
            state.heard = t
            if rssi >= least and (
                (known := peaks.get(epc)) is None
                or rssi >= known[rows[antenna]] + NEARER
                or not 0 <= at - activity < AT_ONCE
            ):
                self._strong(at, antenna, epc, rssi)
                horizon, activity = self._horizon, state.activity
            if len(recent) >= room:
                ended += self._fold(at)
                recent, room, horizon, activity = state.recent, self._room, self._horizon, state.activity
                closed, least = state.closed, self._opening_level
        return ended

    @property
    def _opening_level(self) -> float:
        """Level in dBm from which on a read opens a passage or keeps it open; eyes need none."""
        return inf if self.state.eyed and not self.state.opened else self._least

    def edge(self, t: int, at: int, eye: int, gpi: Gpi) -> list[Ended]:
        """Take an eye's edge; it opens a passage, extends it, or lets it end."""
        state = self.state
        blocked = gpi.level == self.portal.eyes[eye].blocked
        state.sight.edge(t, eye, self._rows[eye], at, blocked)
        ended = self._advance(at)
        if at <= state.closed:
            state.late += 1
            return ended
        if len(state.edges) >= EDGES_KEPT:
            state.dropped += 1
            return ended
        state.edges.append((at, eye, blocked))
        state.heard = t
        if blocked or not state.opened:  # else a beam is free again, and the reads finish their passage
            state.eyed = True
            state.opened = 0  # the eyes know better
            state.peaks.clear()
        self._look()
        return ended

    def weigh(self, t: int, weighing: Weighing, how: str = "never") -> list[Ended]:
        """Remember a settled weight for the passage that is open or about to open, or (`how`) open one for it."""
        state, at = self.state, t if weighing.at is None else weighing.at
        new = opens(how, state.stood, state.load, weighing)
        state.stood = standing(state.stood, weighing)
        if settled(state.weighing, weighing) and not stood_already(state.weighing, weighing, self.opened):
            state.weighing = weighing
        if not new:
            return []
        state.load = state.stood
        ended = self._advance(at)
        if at <= state.closed or self._vehicles:
            return ended
        if not state.opened:  # with what was put on the scale
            came = arrived(state.recent, at - LEAD, self._least, state.known)
            state.opened = min((seen for seen in came if state.closed < seen <= at), default=at)
            state.weighed, state.moving = True, at
        state.heard, state.activity = t, max(state.activity, at)
        self._look()
        return ended

    def due(self, t: int) -> list[Ended]:
        """The passages whose deadline has come."""
        ended = []
        while (deadline := self.deadline) is not None and t >= deadline:
            ended.append(self._close())
        return ended

    @property
    def look_at(self) -> int | None:
        """When (gateway time, µs) it is to be looked whether the eyes still see."""
        state = self.state
        stuck = state.sight.deadline if state.sight.broken else None
        if not state.eyed or self.open or not self._directed or not state.recent or state.heard <= state.sight.until:
            return stuck
        return state.heard + PAUSE if stuck is None else min(stuck, state.heard + PAUSE)

    def look(self, t: int) -> list[Ended]:
        """Look whether the eyes still see: a beam that stays broken, a load that went through unseen."""
        state = self.state
        state.sight.until = t
        state.sight.stuck(self.portal.eyes, t)
        if self.open:
            return []
        ended = self._unseen(FOREVER)
        state.eyed = state.eyed and not state.sight.dark(self._rows)
        return ended

    def abandon(self) -> None:
        """End the passage without saying what it was."""
        if self.open:
            self._shut(self._ends)

    def weighing_for(self, passage: Passage) -> Weighing | None:
        """The weight that belongs to this passage, taken once, and not by strays."""
        weighing = self.state.weighing
        if weighing is None or not belongs(weighing, passage, self.portal.quiet):
            return None
        self.state.weighing = None
        return weighing

    def _advance(self, at: int) -> list[Ended]:
        """Decide what reads as late as `at` can no longer change."""
        ended = []
        while at > self._horizon:
            ended.append(self._close())
        return ended

    def _look(self) -> None:
        """Derive from edges and reads when the earliest passage ends, and when it can no longer change."""
        state = self.state
        found = spans(state.edges, self._rows, self.portal.gap)
        rest = self.portal.quiet + self.portal.settle
        flow, gap = self.portal.flow, self.portal.gap
        self._vehicles: list[Vehicle] = belts.lined(found, flow) if flow else vehicles(found, self._rows, gap, rest)
        self._ends = self._due = self._horizon = FOREVER
        self._least = limit(self.portal, state.usual) / 10
        self._room = READS_KEPT if self.open else max(2 * len(state.recent), 1_000)
        if self._vehicles:
            first, *others = self._vehicles
            self._end(self._left(first, others), first.opened)
        elif state.opened:
            self._end(state.activity, state.opened)

    def _end(self, ends: int, opened: int) -> None:
        """The passage under way ends then, after `longest` at the latest."""
        portal = self.portal
        self._ends = min(ends, opened + portal.longest)
        self._due = min(ends + portal.quiet, opened + portal.longest)
        self._horizon = self._due + portal.settle

    def _left(self, vehicle: Vehicle, others: Sequence[Vehicle]) -> int:
        """When a vehicle had left, µs. One between the rows of eyes is not seen: it is waited for, but for the next."""
        if self.portal.flow and vehicle.cleared != FOREVER:
            sees = [row for row in self._rows if self.state.silent[row] < SILENT or vehicle.saw(row)]
            return belts.left(vehicle, others, sees, self.portal.flow)
        seen = {row for row in (OUTER, INNER) if vehicle.saw(row)}
        missing = [row for row in (OUTER, INNER) if row in self._rows and row not in seen]
        if seen and missing and not others and self.state.silent[missing[0]] < SILENT:
            return vehicle.cleared + BETWEEN - self.portal.quiet
        if len({span.row for span in vehicle.spans if span.end == FOREVER}) == 1 and len(seen) == 2:
            return stands(vehicle) + STANDS
        return vehicle.cleared

    def _strong(self, at: int, antenna: int, epc: str, rssi: float) -> None:
        """A read at or above the least level where no eyes bound the passage."""
        state = self.state
        if nears(state, at, self._antenna_rows[antenna], epc, rssi, self._least, self.portal.settle):
            self._end(state.activity, state.opened)

    def _window(self) -> Window:
        """The earliest passage, as what is to be weighed."""
        state, portal = self.state, self.portal
        if self._vehicles:
            vehicle = self._vehicles[0]
            closed = vehicle.cleared if vehicle.cleared != FOREVER else max(stands(vehicle), vehicle.opened + AFTER)
            closed = min(closed, vehicle.opened + portal.longest)
            until = closed + portal.quiet + portal.settle  # what has come by then is heard, too
            return Window(portal, vehicle.opened, closed, vehicle.opened - LEAD, until, vehicle)
        return Window(portal, state.opened, self._ends, state.opened - LEAD, self._due, None, weighed=state.weighed)

    def _close(self) -> Ended:
        """Decide the earliest passage, remember what became of the tags, and make room for the next."""
        state = self.state
        window = self._window()
        outer, middle, inner = (silent < DEAF for silent in state.deaf)
        window.usual = state.usual
        window.size = state.size
        window.strays = state.strays // 100
        window.phased = state.phased
        window.hears = (outer, middle, inner)
        window.blind = tuple(row for row in (OUTER, INNER) if state.silent[row] >= SILENT and not self._saw(row))
        begin, until = window.begin, window.end
        self.background.hear([read for read in state.recent if read[0] < begin])  # of no passage any more
        state.recent = [read for read in state.recent if read[0] >= begin]
        heard = sorted([read for read in state.recent if read[0] <= until])
        beside = [
            Beside(
                [read for read in (*other.state.lately, *other.state.recent) if begin <= read[0] <= until],
                other.state.known,
            )
            for other in self.beside
        ]
        if len(self._vehicles) > 1 and self._vehicles[1].opened < until:
            vehicle, then = self._vehicles[:2]
            if not pushes(vehicle, then, self.portal.gap):
                follows = belts.behind if self.portal.flow else behind
                window.followed = follows(state.recent, begin, self._layout, vehicle, then)
        ended = end(window, heard, state.known, beside, self._edges_shown(window))
        parted = part(ended.went, window.opened, window.vehicle)
        if parted is not None:
            window = self._parted(window, parted)
            heard = [read for read in heard if read[0] <= window.end]
            ended = end(window, heard, state.known, beside, self._edges_shown(window))
        for row in range(3) if ended.rows else ():
            state.deaf[row] = 0 if row in ended.rows else state.deaf[row] + 1
        if self._vehicles:
            seen = {span.row for span in self._vehicles[0].spans}
            state.sight.went(self.portal.eyes, seen, ended.passage)
        state.phased = ended.phased
        state.strays += (100 * ended.strays - state.strays) // LATEST
        self.background.stayed(ended.stayed)
        if ended.passage.direction in ("in", "out"):
            self.background.moved(ended.passage.moved, window.closed, ended.passage.direction)
            self._learn(ended)
        self.background.trim(window.closed)
        self._shut(window.closed, ended, parted)
        return ended

    def _learn(self, ended: Ended) -> None:
        """How many tags what goes through has, and its level, from what did; the level slowly from what did not seem
        to, too, or a weaker reader would make every load a stray for ever.
        """
        usual, level, size = self.state.usual, ended.level, self.state.size
        if ended.went:
            self.state.size = 100 * ended.size if size is None else size + (100 * ended.size - size) // LATEST
        if level is None or (usual is None and not ended.went):
            return
        self.state.usual = level if usual is None else usual + (level - usual) // (LEARNS if ended.went else DOUBTS)

    def _parted(self, window: Window, parted: Parted) -> Window:
        """The first load of a passage that holds two."""
        vehicle, closed = None, max(parted.at)
        if window.vehicle is not None:
            vehicle = first_of(window.vehicle, parted)
            closed = vehicle.cleared
        followed = window.followed | parted.later
        return replace(window, vehicle=vehicle, closed=closed, end=closed, followed=followed)

    def _saw(self, row: int) -> bool:
        return bool(self._vehicles) and self._vehicles[0].saw(row)

    def _edges_shown(self, window: Window) -> list[Any]:
        return [
            [at - window.opened, self.portal.eyes[eye].row, blocked]
            for at, eye, blocked in sorted(self.state.edges)
            if window.vehicle is not None and within(window.vehicle, at, self._rows[eye])
        ]

    def _shut(self, closed: int, ended: Ended | None = None, parted: Parted | None = None) -> None:
        """Forget the earliest passage; `ended` is what was decided, `parted` tells where the rest of it begins."""
        state = self.state
        went = frozenset(track.epc for track in ended.went) if ended is not None else frozenset()
        through = ended is not None and bool(ended.passage.moved) and ended.passage.direction in ("in", "out")
        opened, activity = 0, 0
        if self._vehicles:
            gone, others, rest = self._vehicles[0], self._vehicles[1:], []
            if parted is not None:
                gone, rest = first_of(gone, parted), broken(state.edges, self._rows, parted)
            state.edges = [
                (at, eye, blocked)
                for at, eye, blocked in state.edges
                if not within(gone, at, self._rows[eye])
                and (parted is not None or at > closed or any(within(one, at, self._rows[eye]) for one in others))
            ]
            for row in (OUTER, INNER):
                stuck = any(span.row == row and span.end == FOREVER for span in gone.spans)
                state.silent[row] = SILENT if stuck else 0 if gone.saw(row) else state.silent[row] + through
            state.edges += rest
        elif parted is not None:
            opened, activity = closed + 1, max(state.activity, closed + 1)
        else:
            closed = self._due  # what kept quiet for so long opens nothing anew
        state.opened, state.activity, state.weighed = opened, activity, False
        state.peaks.clear()
        state.steps.clear()
        state.stands.clear()
        state.loudest = SILENCE
        state.closed = max(state.closed, closed)
        state.eyed = state.eyed and not state.sight.dark(self._rows)
        self._look()
        since = min(closed, self.opened - LEAD) if self.open else closed  # what comes right behind was heard before
        if self.beside:  # the next door may be about to ask
            state.lately = [read for read in state.recent if closed - LATELY < read[0] <= closed]
        state.recent = [read for read in state.recent if read[0] > closed or (read[0] > since and read[2] not in went)]

    def _unseen(self, newest: int) -> list[Ended]:
        """Look for loads that went through and that no eye saw. When there are some in a row, the reads take over."""
        state, sight = self.state, self.state.sight
        if not self._directed or not state.eyed or self.open:
            return []
        first = sight.unseen(state.recent, state.closed, newest, self._least + DOOR, state.known, self._antenna_rows)
        if first is None:
            return []
        sight.blinded(self.portal.eyes, first)
        state.eyed = False
        ended: list[Ended] = []
        for at, antenna, epc, rssi, _ in sorted(read for read in state.recent if read[0] >= first - LEAD):
            ended += self._advance(at)
            if rssi >= self._least and at > state.closed:
                self._strong(at, antenna, epc, rssi)
        self._look()
        return ended

    def _fold(self, now: int) -> list[Ended]:
        """Reads that no passage can need any more go into the background; what is too much is dropped."""
        state = self.state
        ended = self._unseen(now)
        begin = now if not self.open else (self._vehicles[0].opened if self._vehicles else state.opened)
        until = min(begin, now, state.sight.pending) - LEAD
        old = [read for read in state.recent if read[0] < until]
        state.recent = [read for read in state.recent if read[0] >= until]
        self.background.hear(old)
        self.background.trim(now)
        if len(state.recent) >= READS_KEPT:
            state.dropped += len(state.recent) - READS_KEPT // 2
            state.recent = state.recent[: READS_KEPT // 2]
        self._room = READS_KEPT if self.open else max(2 * len(state.recent), 1_000)
        return ended
