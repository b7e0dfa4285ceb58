"""Background: what a portal hears while nothing passes, and what became of each tag last. Pure, bounded.

A pallet staged beside the door, one that waits in the trailer, a rack, a badge: each is heard again and again at much
the same level, whatever drives through. What is known of it before a passage is evidence in that passage.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from gateway.rules.beams import INNER, OUTER
from gateway.rules.reads import Heard
from gateway.rules.tracks import CEILING, FLOOR, Track

ROOM = 10_000
"""Tags remembered per portal; the one heard longest ago is forgotten first."""

FORGET = 1_800_000_000
"""µs after which a tag that was not heard again is forgotten: a staging lane turns over within half an hour."""

AWAY = 3_000_000
"""µs after it left the door during which a tag that moved is still on its way, and no background yet."""


FOLLOWS = 4
"""How loud each antenna usually hears a tag follows what it hears now by one part in so many: people walk by."""


class Known(Struct):
    """What is known of a tag outside passages. Tenths of dBm, µs."""

    level: int = FLOOR
    """What it is usually at its loudest: follows a new level at once upwards, slowly downwards."""
    reads: int = 0
    first: int = 0
    last: int = 0
    strayed: int = 0
    """Passages in a row in which it was heard and did not move."""
    moved: int = 0
    """When it moved last; 0: never."""
    way: str = ""
    passed: int = 0
    """How often it moved. A truck's own tag moves all day."""
    outer: int = 0
    inner: int = 0
    """Of `reads`, those of these rows of antennas."""
    levels: dict[int, int] = {}
    """How loud each antenna, by its index, usually hears it."""


class Background:
    """The table of one portal, over a dictionary that the portal's state holds; `rows` are its antennas', by index."""

    def __init__(self, known: dict[str, Known], rows: Sequence[int]) -> None:
        self.known = known
        self._rows = rows

    def hear(self, heard: Iterable[Heard]) -> None:
        """Take reads from outside passages."""
        peaks: dict[str, list[int]] = {}
        levels: dict[str, dict[int, list[int]]] = {}
        rows = self._rows
        for at, antenna, epc, rssi, _ in heard:
            level = max(FLOOR, min(CEILING, int(rssi * 10)))
            one = peaks.get(epc)
            if one is None:
                one = peaks[epc] = [level, 0, at, at, 0, 0, 0]
                levels[epc] = {}
            levels[epc].setdefault(antenna, []).append(level)
            one[1] += 1
            one[3] = at
            one[4 + rows[antenna]] += 1
            if level > one[0]:
                one[0] = level
        for epc, (level, reads, first, last, outer, _, inner) in peaks.items():
            known = self.known.get(epc)
            if known is not None and known.moved and last < known.moved + AWAY:
                continue
            self._take(epc, level, (reads, outer, inner), (first, last), levels[epc])

    def _take(
        self,
        epc: str,
        level: int,
        reads: tuple[int, int, int],
        span: tuple[int, int],
        levels: Mapping[int, Sequence[int]],
    ) -> Known:
        first, last = span
        known = self.known.pop(epc, None) or Known(first=first)
        known.level = level if level > known.level else known.level + (level - known.level) // 4
        known.reads += reads[0]
        known.outer += reads[1]
        known.inner += reads[2]
        if not known.first:
            known.first = first
        known.last = max(known.last, last)
        for antenna, each in levels.items():
            mean = sum(each) // len(each)
            usual = known.levels.get(antenna, mean)
            known.levels[antenna] = usual + (mean - usual) // FOLLOWS
        self.known[epc] = known  # at the end: heard last
        return known

    def stayed(self, tracks: Iterable[Track]) -> None:
        """These were heard in a passage and did not move."""
        for track in tracks:
            reads = track.reads, track.counts[OUTER], track.counts[INNER]
            levels: dict[int, list[int]] = {}
            for _, antenna, level in track.heard:
                levels.setdefault(antenna, []).append(level)
            span = track.first, track.last
            known = self._take(track.epc, max(track.peak, track.outside), reads, span, levels)
            known.strayed += 1

    def moved(self, epcs: Iterable[str], at: int, way: str) -> None:
        """These moved at `at`: where they stand now, they stand anew."""
        for epc in epcs:
            before = self.known.pop(epc, None)
            passed = before.passed if before is not None else 0
            self.known[epc] = Known(last=at, moved=at, way=way, passed=passed + 1)

    def trim(self, now: int) -> None:
        """Forget what was not heard for long, and what there is no room for."""
        for epc in list(self.known):
            if len(self.known) <= ROOM and self.known[epc].last >= now - FORGET:
                break
            del self.known[epc]

    def view(self) -> Mapping[str, Known]:
        """The table."""
        return self.known
