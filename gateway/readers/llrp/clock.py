"""The reader's clock against ours, from the instants in its messages.

A message arrives late, never early: of all differences (arrival − reader's instant) the smallest is nearest to the
true offset. A backlog of old reads, or a stall of ours, only makes larger differences and so changes nothing; that is
why reads are never shifted by the arrival of their own report.

A clock that is *set* looks otherwise. Forward: messages come from the future, which cannot be; two of them are
believed. Back: every difference is larger by the same. A backlog is not like that, for it comes faster than it was
made, and the difference melts; so one that stays is believed after a few seconds, and one that melts is not.
"""

LEAK = 5_000
"""The offset may grow by 1 µs in so many (200 ppm): clocks drift, and the smallest difference ever is not for ever."""

STEP = 1_000_000
"""µs by which every difference of a whole window must exceed the offset before we believe the clock was set back."""

WINDOW = 600_000_000
"""µs of such a window."""

JUMP = 5_000_000
"""µs from which on a difference that stays is a clock that was set. Seconds are what a slow link or a report of many
tags may take."""

ALIKE = 1_000_000
"""µs within which differences count as the same: tags wait so long for others of their report."""

AHEAD, BEHIND = 2, 5
"""Messages in a row, alike, that make it believed: from the future, and from the past."""

LASTS = 5_000_000
"""µs that those from the past must span. A backlog would have to come at 0.8 to 1.2 times the pace of its making to be
taken for a clock; the first message that proves it wrong, because it is earlier, is believed again."""


OLDEST = 7 * 86_400_000_000
"""µs of age beyond which a time is not believed: what a reader queues through a cut (Zebra: 66,000 messages) is
younger, and one that does not know the time says 0, or anything."""

SLACK = 1_000
"""µs by which a time may be ahead of ours: the leak, and a report that changes our idea of the clock by so little."""

NEVER = 1 << 62
"""Instants from here on (the year 148,000) mean that the reader has none to tell."""


def believable(at: int, now: int) -> bool:
    """Whether a corrected time can be: not of the future, and not of long ago."""
    return now - OLDEST <= at <= now + SLACK


class ReaderClock:
    """A leaking minimum filter over one clock of a reader (UTC or uptime). All in µs."""

    def __init__(self) -> None:
        self.known = False
        self._floor = 0
        self._since = 0  # when the floor was last touched
        self._least = 0  # of the present window
        self._until = 0
        self._odd = 0  # messages in a row that speak for a jump
        self._first = 0  # when the first of them came
        self._low = self._high = 0  # their differences

    def sample(self, now: int, reader: int) -> int:
        """A message that arrived at `now` carries the reader's instant `reader`.

        Gives by how much the clock was set, when that is believed now (more than 0: forward); else 0.
        """
        if reader >= NEVER:
            return 0
        late = now - reader
        if not self.known:
            self.known = True
            self._floor, self._since = late, now
            self._least, self._until = late, now + WINDOW
            return 0
        early = late - self.offset(now)
        if early <= -JUMP:
            return self._suspect(now, late, AHEAD, 0)
        self._least = min(self._least, late)
        if early >= JUMP and (jumped := self._suspect(now, late, BEHIND, LASTS)):
            return jumped
        if early < JUMP:
            self._odd = 0
        if early <= 0:
            self._floor, self._since = late, now
        if now < self._until:
            return 0
        least, self._least, self._until = self._least, late, now + WINDOW
        return self._set(now, least) if least > self.offset(now) + STEP else 0

    def _suspect(self, now: int, late: int, messages: int, span: int) -> int:
        """A difference far from the offset: the clock was set, or this message is odd."""
        low, high = min(late, self._low), max(late, self._high)
        if not self._odd or high - low > ALIKE:
            self._odd, self._first, low, high = 0, now, late, late
        self._odd, self._low, self._high = self._odd + 1, low, high
        return self._set(now, low) if self._odd >= messages and now - self._first >= span else 0

    def _set(self, now: int, late: int) -> int:
        """The clock was set; from now on the difference is this."""
        jumped = self.offset(now) - late
        self._odd = 0
        self._floor, self._since = late, now
        self._least, self._until = late, now + WINDOW
        return jumped

    def offset(self, now: int) -> int:
        """What to add to the reader's instants to get ours; 0 while nothing is known."""
        return self._floor + (now - self._since) // LEAK if self.known else 0
