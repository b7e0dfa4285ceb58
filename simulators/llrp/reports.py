"""What waits to be reported: tags into RO_ACCESS_REPORT frames, and the buffer that keeps them while nobody listens."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from simulators.llrp.wire import HEADER, VERSION, Message, Parameter, pack

TAGS_PER_REPORT = 200
"""Longer reports are cut into messages of so many TagReportData."""

N_END_OF_AISPEC, N_END_OF_ROSPEC = 1, 2
SECONDS, MILLISECONDS = (3, 4), (5, 6)
"""ROReportTriggerType; the odd ones also report at the end of an AISpec, and all but 0 at that of a ROSpec."""


@dataclass(slots=True)
class Packed:
    """A report in its final bytes but for version and message ID: a backlog holds tens of thousands of them."""

    frame: bytes
    tags: int
    name: str = "RO_ACCESS_REPORT"

    def numbered(self, version: int, number: int) -> bytes:
        """The frame as it is sent."""
        head = version << 2 | self.frame[0] & 0x03
        return bytes((head,)) + self.frame[1:6] + number.to_bytes(4, "big") + self.frame[HEADER:]


def period(report: Parameter) -> float:
    """Seconds after which a ROReportSpec of LLRP 1.1 wants a report; 0 when it has no timed trigger."""
    kind, n = report.number("ROReportTrigger"), report.number("N")
    return n if kind in SECONDS else n / 1000 if kind in MILLISECONDS else 0.0


class Buffer:
    """Tags not yet reported, and messages not yet sent: at most `limit` of each; the oldest goes and is counted."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.messages: deque[Message | Packed] = deque()
        self.tags: deque[Parameter] = deque()
        self.overflowed = 0
        self.warned = False

    def clear(self) -> None:
        """Forget everything that waits."""
        self.tags.clear()
        self.messages.clear()

    def hold(self, tag: Parameter) -> None:
        """A tag that waits for its report."""
        self.tags.append(tag)
        if len(self.tags) > self.limit:
            self.tags.popleft()
            self.overflowed += 1

    def reports(self, always: bool) -> Iterator[Packed]:
        """Every tag that waits, as reports; `always` one at least, if empty."""
        while self.tags or always:
            always = False
            some = [self.tags.popleft() for _ in range(min(TAGS_PER_REPORT, len(self.tags)))]
            yield Packed(pack(Message("RO_ACCESS_REPORT", {}, some, version=VERSION)), len(some))

    def put(self, message: Message | Packed) -> int | None:
        """Queue a message; the percentage that is full, the first time it is 90 or more."""
        if len(self.messages) >= self.limit:
            lost = self.messages.popleft()
            self.overflowed += lost.tags if isinstance(lost, Packed) else 1
        self.messages.append(message)
        full = 100 * len(self.messages) // self.limit
        if full < 90:
            self.warned = False
        elif not self.warned:
            self.warned = True
            return full
        return None


def series(report: Packed, epc: str, at_us: int, moments: Callable[[int], int], count: int) -> Iterator[Packed]:
    """`count` reports like `report`, which holds the tag `epc` seen at `at_us` (the reader's clock).

    Their EPCs count up from 0 in the last 4 bytes, their instants are `moments(0)`, `moments(1)`, …
    """
    old, clock = bytes.fromhex(epc), at_us.to_bytes(8, "big")
    for number in range(count):
        frame = report.frame.replace(old, old[:-4] + number.to_bytes(4, "big"))
        yield Packed(frame.replace(clock, moments(number).to_bytes(8, "big")), 1)
