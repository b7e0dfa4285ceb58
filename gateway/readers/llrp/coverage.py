"""How many of its portal's tags each antenna sees, against its own history: a cable that slowly dies tells no event.

Tags are counted, not reads, so that a pallet parked under one antenna says nothing of the others; and windows are of so
many tags, not of time, so that a quiet night is no fault. The history outlives the gateway when somebody keeps it
(`past`, `recall`).
"""

from collections.abc import Iterable
from typing import NamedTuple

from gateway.model.inputs import Row
from gateway.readers.llrp.history import Past

TAGS = 200
"""Different tags of a portal that make a window."""

LEARN = 5
"""Windows before an antenna is judged."""

POOR, GOOD = 0.25, 0.5
"""Of its usual share: below the first for `PATIENCE` windows running is a fault; from the second on all is well."""

PATIENCE = 3
LEAST = 0.05
"""An antenna that usually sees fewer of the tags is not judged."""

MEMORY = 20
"""Windows over which the history is averaged."""


class Verdict(NamedTuple):
    """An antenna became poor, or well again: the share of tags it sees now, and what it usually sees."""

    antenna: int
    well: bool
    share: float
    usual: float


class _Antenna:
    def __init__(self) -> None:
        self.tags: set[str] = set()
        self.past = Past()


class _Portal:
    def __init__(self, antennas: Iterable[int]) -> None:
        self.antennas = {antenna: _Antenna() for antenna in antennas}
        self.tags: set[str] = set()


class Coverage:
    """Of one reader; `portals` are the antennas that see the same goods. A portal of one antenna is not judged."""

    def __init__(self, portals: Iterable[tuple[int, ...]]) -> None:
        self.windows = 0
        """Windows judged since the start."""
        self._places: dict[int, tuple[_Portal, _Antenna]] = {}
        self._portals: list[_Portal] = []
        for antennas in portals:
            portal = _Portal(antennas)
            if len(portal.antennas) > 1:
                self._portals.append(portal)
                self._places |= {number: (portal, antenna) for number, antenna in portal.antennas.items()}

    def take(self, rows: Iterable[Row]) -> list[Verdict]:
        """Count reads (columns as in `model.inputs`); the antennas whose health changed."""
        places = self._places
        if not places:
            return []
        found: list[Verdict] = []
        for row in rows:
            place = places.get(row[1])
            if place is not None:
                portal, antenna = place
                antenna.tags.add(row[2])
                portal.tags.add(row[2])
                if len(portal.tags) >= TAGS:
                    self.windows += 1
                    found += _judge(portal)
        return found

    def past(self) -> list[dict[int, Past]]:
        """The history of every portal, by antenna."""
        return [{number: antenna.past for number, antenna in portal.antennas.items()} for portal in self._portals]

    def recall(self, pasts: Iterable[dict[int, Past]]) -> list[Verdict]:
        """Go on from an earlier history, where the portal still has the same antennas; what was a fault then."""
        known = {frozenset(past): past for past in pasts}
        faults: list[Verdict] = []
        for portal in self._portals:
            past = known.get(frozenset(portal.antennas), {})
            for number, antenna in portal.antennas.items():
                antenna.past = past.get(number, antenna.past)
                if antenna.past.fault:
                    faults.append(Verdict(number, False, antenna.past.share, antenna.past.usual))
        return faults


def _judge(portal: _Portal) -> Iterable[Verdict]:
    """A window is full."""
    total = len(portal.tags)
    portal.tags = set()
    for number, antenna in portal.antennas.items():
        share, was = len(antenna.tags) / total, antenna.past
        antenna.tags = set()
        judged = was.windows >= LEARN and was.usual >= LEAST
        poor = was.poor + 1 if judged and share < POOR * was.usual else 0
        fault = poor >= PATIENCE or (was.fault and share < GOOD * was.usual)
        windows, usual = was.windows, was.usual
        if not poor and not fault:  # what is wrong must not become usual
            windows = min(windows + 1, MEMORY)
            usual = min(1.0, usual + (share - usual) / windows)
        antenna.past = Past(windows, usual, poor, fault, share)
        if fault != was.fault:
            yield Verdict(number, not fault, share, was.usual)
