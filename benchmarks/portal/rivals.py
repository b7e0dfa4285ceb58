"""Two rivals on the same reads: EdgeX's mobility formula, and "seen at least twice".

Both are given more than they have: the true beginning and end of every passage as their window, the list of badges and
trucks, and the order of the photo-eyes (where the door has some) for the direction.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field

from benchmarks.portal.answers import Answer
from simulators.rf import Shift

THRESHOLD, SLOPE, HOLDOFF = 6.0, -0.008, 500.0
"""dB, dB/ms and ms: EdgeX's defaults (app-rfid-llrp-inventory, mobilityprofile.go)."""

KEPT = 20
"""RSSI values per tag and location."""

LEAST = 2
"""Reads at the new location before a tag may move there; also the reads that make "seen twice"."""

DEPARTED = 600_000_000
"""µs without a read after which EdgeX lets a tag depart; its next read is an arrival."""

APART = 1_000_000
"""µs without a broken beam that end a session of the eyes: a truck's mast and its load leave shorter ones."""

ASSET = "34"
"""What the EPCs of trucks begin with (GIAI-96, TDS §14.6.4): no goods, for nobody."""

AROUND = 500_000
"""µs added to both ends of the true passage: reads go on while the load leaves the field."""


class Sight(Struct):
    """A read as the rivals see it: µs, portal, row, EPC, dBm."""

    at: int
    portal: str
    row: str
    epc: str
    rssi: float


class Place(Struct):
    """What EdgeX keeps of a tag at a location."""

    levels: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    last: int = 0

    @property
    def mean(self) -> float:
        """Mean level, dBm."""
        return sum(self.levels) / len(self.levels)


class Session(Struct):
    """A time in which a portal's eyes were broken with no longer pause than APART; `firsts` by row, µs."""

    portal: str
    begin: int
    end: int
    firsts: dict[str, int]

    @property
    def direction(self) -> str:
        """The order in which the rows were first broken."""
        if len(self.firsts) < 2:
            return "unknown"
        return "in" if self.firsts["outer"] < self.firsts["inner"] else "out"


class Heard(Struct):
    """Reads and eye sessions of a shift, in order of their own time."""

    sights: list[Sight]
    sessions: list[Session]


def listen(shift: Shift) -> Heard:
    """The reads and edges of a shift as they were reported (each once), without badges."""
    rows = {(door.reader, antenna.port): antenna.row for door in shift.doors for antenna in door.antennas}
    beams = {(door.reader, eye.port): (eye.row, eye.blocked) for door in shift.doors for eye in door.eyes}
    portals = {door.reader: door.portal for door in shift.doors}
    ignored = set(shift.truth["badges"])
    sights: dict[tuple[Any, ...], Sight] = {}
    edges = []
    for _, record in shift.records:
        if record["kind"] == "reads":
            reader = record["reader"]
            for at, antenna, epc, rssi, *_ in record["reads"]:
                if epc not in ignored and not epc.startswith(ASSET):
                    sights[reader, at, antenna, epc] = Sight(at, portals[reader], rows[reader, antenna], epc, rssi)
        elif record["kind"] == "gpi":
            row, level = beams[record["reader"], record["port"]]
            edges.append((record["at"], portals[record["reader"]], row, record["level"] == level))
    return Heard(sorted(sights.values(), key=lambda each: each.at), _sessions(sorted(edges)))


def _sessions(edges: list[tuple[int, str, str, bool]]) -> list[Session]:
    found: list[Session] = []
    open_at: dict[str, Session] = {}
    broken: dict[str, set[str]] = {}
    for at, portal, row, blocked in edges:
        rows = broken.setdefault(portal, set())
        session = open_at.get(portal)
        if blocked:
            if session is None or (not rows and at - session.end > APART):
                session = open_at[portal] = Session(portal, at, at, {})
                found.append(session)
            rows.add(row)
            session.firsts.setdefault(row, at)
        else:
            rows.discard(row)
        if session is not None:
            session.end = at
    return found


def _windows(shift: Shift) -> Iterator[tuple[dict[str, Any], int, int]]:
    for passage in shift.truth["passages"]:
        yield passage, passage["opened"] - AROUND, passage["closed"] + AROUND


def _by_eyes(heard: Heard, portal: str, begin: int, end: int) -> str:
    """The order of the eyes in the session that covers most of the window."""
    best, direction = 0, "unknown"
    for session in heard.sessions:
        both = min(session.end, end) - max(session.begin, begin)
        if session.portal == portal and both > best:
            best, direction = both, session.direction
    return direction


def _told(passage: dict[str, Any], begin: int, end: int, direction: str, moved: set[str]) -> Answer:
    stock = frozenset(moved if direction == "in" else ())
    shipped = frozenset(moved if direction == "out" else ())
    return Answer(passage["portal"], begin, end, direction, frozenset(moved), stock, shipped, passage["number"])


def seen_twice(shift: Shift, heard: Heard) -> list[Answer]:
    """Every tag read at least twice in the window moved; the way is the eyes', else the order of first reads."""
    found = []
    instants = [sight.at for sight in heard.sights]  # in order
    for passage, begin, end in _windows(shift):
        counts: dict[str, int] = {}
        firsts: dict[str, dict[str, int]] = {}
        for sight in heard.sights[bisect_left(instants, begin) : bisect_right(instants, end)]:
            if sight.portal == passage["portal"]:
                counts[sight.epc] = counts.get(sight.epc, 0) + 1
                firsts.setdefault(sight.epc, {}).setdefault(sight.row, sight.at)
        moved = {epc for epc, count in counts.items() if count >= LEAST}
        direction = _by_eyes(heard, passage["portal"], begin, end)
        if direction == "unknown":
            votes = [firsts[epc]["inner"] - firsts[epc]["outer"] for epc in moved if len(firsts[epc]) > 1]
            ahead = sum(1 if vote > 0 else -1 for vote in votes)
            direction = "in" if ahead > 0 else "out" if ahead < 0 else "unknown"
        found.append(_told(passage, begin, end, direction, moved))
    return found


class Change(Struct, frozen=True):
    """EdgeX's event: Arrived (`before` is "") or Moved. Locations are (portal, row): antennas with one alias."""

    at: int
    epc: str
    before: tuple[str, str]
    after: tuple[str, str]


def changes(heard: Heard) -> Iterator[Change]:
    """Arrived and Moved of every tag, by the mobility formula (reference: EdgeX app-rfid-llrp-inventory)."""
    now: dict[str, tuple[str, str]] = {}
    places: dict[tuple[str, tuple[str, str]], Place] = {}
    last: dict[str, int] = {}
    for sight in heard.sights:
        here = (sight.portal, sight.row)
        place = places.setdefault((sight.epc, here), Place())
        place.levels.append(sight.rssi)
        place.last = sight.at
        where = now.get(sight.epc)
        if where is None or sight.at - last[sight.epc] > DEPARTED:
            now[sight.epc] = here
            yield Change(sight.at, sight.epc, ("", ""), here)
        elif where != here and len(place.levels) >= LEAST:
            before = places[sight.epc, where]
            waited = (sight.at - before.last) / 1000
            offset = min(THRESHOLD, SLOPE * waited + (THRESHOLD - SLOPE * HOLDOFF))
            if place.mean > before.mean + offset:
                now[sight.epc] = here
                yield Change(sight.at, sight.epc, where, here)
        last[sight.epc] = sight.at


def edgex(shift: Shift, heard: Heard) -> list[Answer]:
    """A tag moved when it arrived or changed rows at this portal in the window, and did not end where it began.

    The way is the eyes', else that of most tags that changed rows.
    """
    every = list(changes(heard))
    found = []
    for passage, begin, end in _windows(shift):
        portal = passage["portal"]
        paths: dict[str, list[tuple[str, str]]] = {}
        for change in every:
            if begin <= change.at <= end and portal in (change.before[0], change.after[0]):
                paths.setdefault(change.epc, [change.before]).append(change.after)
        moved = {epc for epc, path in paths.items() if path[-1][0] == portal and path[0] != path[-1]}
        direction = _by_eyes(heard, portal, begin, end)
        if direction == "unknown":
            rows = [(path[-2][1], path[-1][1]) for epc, path in paths.items() if epc in moved]
            ahead = rows.count(("outer", "inner")) - rows.count(("inner", "outer"))
            direction = "in" if ahead > 0 else "out" if ahead < 0 else "unknown"
        found.append(_told(passage, begin, end, direction, moved))
    return found
