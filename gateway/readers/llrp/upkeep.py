"""What is due while a session reads: our ROSpec started again after it ended, reports asked for in time, and a look now
and then whether the reader still has our ROSpec. Keepalives prove a link, not that anything is read: a ROSpec can be
deleted on the reader's own web page, or stop without an event where a reader has none.
"""

from gateway.readers.llrp import rospec
from gateway.readers.llrp.codec import Message, Parameter
from gateway.readers.llrp.settings import QuietTrigger, ReaderSettings

PAUSE = 200_000
"""µs before a ROSpec that should not have ended is started again: a held, old event is outdated by then (its successor
says "started"), and a reader that ends it again and again is not asked more often."""

AGAIN = 1_000_000
"""µs between two attempts when START_ROSPEC is refused."""

ATTEMPTS = 5
"""Refusals in a row after which the session gives up, so that everything is set up anew."""

LOOK = 60_000_000
"""µs between two looks at the reader's ROSpecs."""

_DISABLED, _INACTIVE = 0, 1  # ROSpecState
_STARTED, _ENDED, _PREEMPTED = 0, 1, 2  # ROSpecEventType


class Upkeep:
    """Deadlines in steady µs; what to send comes from `due`."""

    def __init__(self, settings: ReaderSettings) -> None:
        self.ended = 0
        """Times our ROSpec ended or was preempted."""
        self.remarks: list[str] = []
        """What there is to say of what was done, until somebody takes it away."""
        self._odd = False  # the ROSpec ended and nobody knows why
        self._settings = settings
        self._restart: int | None = None
        self._poll: int | None = None
        self._look: int | None = None
        self._round = 0  # when the last restart was due
        self._refusals = 0

    def begin(self, now: int, polls: bool) -> None:
        """The session reads from now on; `polls`: reports have to be asked for."""
        self._poll = now + self._settings.report_period if polls else None
        self._look = now + LOOK

    @property
    def deadline(self) -> int | None:
        """When `due` has something."""
        return min((at for at in (self._restart, self._poll, self._look) if at is not None), default=None)

    def due(self, now: int) -> list[Message]:
        """The messages to send now."""
        messages = []
        if self._restart is not None and now >= self._restart:
            self._restart, self._round = None, now
            messages.append(rospec.start_now(self._settings))
            if self._odd:  # said only now: the end may have been an old one
                self.remarks.append("our ROSpec ended although nothing should end it; it is started again")
                self._odd = False
        if self._poll is not None and now >= self._poll:
            self._poll = now + self._settings.report_period
            messages.append(rospec.get_report())
        if self._look is not None and now >= self._look:
            self._look = now + LOOK
            messages.append(rospec.get_rospecs())
        return messages

    def looked(self, answer: Message, now: int) -> str:
        """GET_ROSPECS was answered; why nothing can come any more, or nothing."""
        ours = next((one for one in answer.every("ROSpec") if one.fields["ROSpecID"] == self._settings.rospec), None)
        if ours is None or ours.fields["CurrentState"] == _DISABLED:
            how = "no longer on the reader" if ours is None else "disabled"
            return f"our ROSpec is {how}: see who uses the reader's own page or tool; it is set up anew"
        if ours.fields["CurrentState"] == _INACTIVE and self._settings.always and self._restart is None:
            self._restart, self._odd = now + PAUSE, True  # it ended, and no event told us
        return ""

    def stop_looking(self) -> None:
        """The reader does not know GET_ROSPECS, or its answer cannot be read."""
        self._look = None

    def event(self, event: Parameter, now: int) -> str | None:
        """A ROSpecEvent came; what there is to say about it."""
        if event.fields["ROSpecID"] != self._settings.rospec:
            return None
        if event.fields["EventType"] == _STARTED:
            self.started()
            return None
        self.ended += 1
        if self._settings.always:
            rounds = isinstance(self._settings.trigger, QuietTrigger) and event.fields["EventType"] == _ENDED
            self._restart = max(now, self._round + PAUSE) if rounds else now + PAUSE
            if rounds:
                return None
        if event.fields["EventType"] == _PREEMPTED:
            other = event.fields["PreemptingROSpecID"]
            return f"ROSpec {other} of another program took the reader's radio; see who else uses this reader"
        self._odd = self._settings.always
        return None

    def started(self) -> None:
        """Our ROSpec works, or START_ROSPEC was accepted."""
        self._restart, self._refusals, self._odd = None, 0, False

    def refused(self, now: int) -> bool:
        """START_ROSPEC was refused; True when it was refused often enough."""
        if not self._settings.always:
            return False  # its own trigger starts it
        self._refusals += 1
        self._restart = now + AGAIN
        return self._refusals >= ATTEMPTS

    def stop_polling(self) -> None:
        """The reader does not know GET_REPORT."""
        self._poll = None
