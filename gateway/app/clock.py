"""Gateway time: the system's clock, except that it never goes back (DESIGN §8, clock step).

Forward steps are followed. After a step back gateway time goes on at its own pace, a little slower, until the system's
clock has caught up: durations stay right to 5 %, order is kept, and the dock keeps deciding.
"""

import time
from collections.abc import Callable
from pathlib import Path

SLOWER = (19, 20)
"""The pace while the system's clock is behind, as a fraction: 1 h is caught up in 20 h."""

AHEAD_MOST = 5_000_000
"""µs that gateway time may be ahead of the system's clock before that is worth saying."""


CLOCK_MARK = Path("/run/systemd/timesync/synchronized")
"""timesyncd's sign that the clock was set from the network."""


def wall() -> int:
    """The system's clock, µs UTC."""
    return time.time_ns() // 1000


def steady() -> int:
    """A clock that nobody sets, µs."""
    return time.monotonic_ns() // 1000


class GatewayClock:
    """Call it for gateway time in µs UTC. `ahead` is by how much it is ahead of the system's clock, µs."""

    def __init__(self, wall: Callable[[], int] = wall, steady: Callable[[], int] = steady) -> None:
        self._wall, self._steady = wall, steady
        self._last = 0
        self._read = steady()

    def not_before(self, t: int) -> None:
        """Never say anything earlier than `t` (µs): what the journal already holds."""
        self._last = max(self._last, t)

    def __call__(self) -> int:
        """Gateway time, µs UTC; never earlier than the last answer."""
        steady, wall = self._steady(), self._wall()
        if wall < self._last:
            wall = self._last + (steady - self._read) * SLOWER[0] // SLOWER[1]
        self._last, self._read = wall, steady
        return wall

    @property
    def ahead(self) -> int:
        """µs by which gateway time is ahead of the system's clock; 0 when it follows it."""
        return max(0, self() - self._wall())

    @property
    def quality(self) -> str:
        """How far it can be trusted: synced, unknown, or fault while the system's clock stands behind it."""
        if self.ahead > AHEAD_MOST:
            return "fault"
        return "synced" if CLOCK_MARK.exists() else "unknown"
