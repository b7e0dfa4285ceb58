"""The reader's clock against ours, from the instants in its messages.

A message arrives late, never early: of all differences (arrival − reader's instant) the smallest is nearest to the
true offset. A backlog of old reads, or a stall of ours, only makes larger differences and so changes nothing; that is
why reads are never shifted by the arrival of their own report.
"""

LEAK = 5_000
"""The offset may grow by 1 µs in so many (200 ppm): clocks drift, and the smallest difference ever is not for ever."""

STEP = 1_000_000
"""µs by which every difference of a whole window must exceed the offset before we believe the clock was set back."""

WINDOW = 600_000_000
"""µs of such a window."""


class ReaderClock:
    """A leaking minimum filter over one clock of a reader (UTC or uptime). All in µs."""

    def __init__(self) -> None:
        self.known = False
        self._floor = 0
        self._since = 0  # when the floor was last touched
        self._least = 0  # of the present window
        self._until = 0

    def sample(self, now: int, reader: int) -> None:
        """A message that arrived at `now` carries the reader's instant `reader`."""
        late = now - reader
        if not self.known:
            self.known = True
            self._floor, self._since = late, now
            self._least, self._until = late, now + WINDOW
            return
        if late <= self._floor + (now - self._since) // LEAK:
            self._floor, self._since = late, now
        if late < self._least:
            self._least = late
        if now >= self._until:
            if self._least > self.offset(now) + STEP:
                self._floor, self._since = self._least, now
            self._least, self._until = late, now + WINDOW

    def offset(self, now: int) -> int:
        """What to add to the reader's instants to get ours; 0 while nothing is known."""
        return self._floor + (now - self._since) // LEAK if self.known else 0
