"""How many of its portal's tags each antenna sees, against its own history: a cable that slowly dies tells no event.

Tags are counted, not reads, so that a pallet parked under one antenna says nothing of the others; and windows are of so
many tags, not of time, so that a quiet night is no fault. The history is learnt from the start of the gateway on.
"""

from collections.abc import Iterable
from typing import NamedTuple

from gateway.model.inputs import Row

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
        self.windows = 0
        self.usual = 0.0
        self.poor = 0  # windows running
        self.fault = False


class _Portal:
    def __init__(self, antennas: Iterable[int]) -> None:
        self.antennas = {antenna: _Antenna() for antenna in antennas}
        self.tags: set[str] = set()


class Coverage:
    """Of one reader; `portals` are the antennas that see the same goods. A portal of one antenna is not judged."""

    def __init__(self, portals: Iterable[tuple[int, ...]]) -> None:
        self._places: dict[int, tuple[_Portal, _Antenna]] = {}
        for antennas in portals:
            portal = _Portal(antennas)
            if len(portal.antennas) > 1:
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
                    found += _judge(portal)
        return found


def _judge(portal: _Portal) -> Iterable[Verdict]:
    """A window is full."""
    total = len(portal.tags)
    portal.tags = set()
    for number, antenna in portal.antennas.items():
        share = len(antenna.tags) / total
        antenna.tags = set()
        judged = antenna.windows >= LEARN and antenna.usual >= LEAST
        antenna.poor = antenna.poor + 1 if judged and share < POOR * antenna.usual else 0
        if antenna.poor >= PATIENCE and not antenna.fault:
            antenna.fault = True
            yield Verdict(number, False, share, antenna.usual)
        elif antenna.fault and share >= GOOD * antenna.usual:
            antenna.fault = False
            yield Verdict(number, True, share, antenna.usual)
        if not antenna.poor and not antenna.fault:  # what is wrong must not become usual
            antenna.windows += 1
            antenna.usual += (share - antenna.usual) / min(antenna.windows, MEMORY)
