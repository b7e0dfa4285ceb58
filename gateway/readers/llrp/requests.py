"""What is sent to the reader: the bytes to write, and what was asked and not answered yet. Steady µs."""

from typing import NamedTuple

from gateway.readers.llrp.codec import Message, encode
from gateway.readers.llrp.handshake import State
from gateway.readers.llrp.settings import VERSION_1_0_1


class Pending(NamedTuple):
    """A request on its way. `state` is the step it belongs to, None for a command; `until`: its time to answer."""

    name: str
    state: State | None
    until: int


class Requests:
    """Of one connection. A request belongs to its message id; ids are ours to choose, and never repeat."""

    def __init__(self, answer: int) -> None:
        self.version = VERSION_1_0_1
        """Of the connection: what every message is sent in, unless its own is higher."""
        self.pending: dict[int, Pending] = {}
        self.acked = 0
        """When a keepalive was last acknowledged, asked or not."""
        self._answer = answer
        self._out: list[bytes] = []
        self._number = 0
        self._tolerated: dict[int, str] = {}

    def taken(self) -> bytes:
        """Bytes to write, once."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def ask(self, message: Message, state: State | None, now: int) -> int:
        """Send what will be answered; its id."""
        number = self._send(message)
        self.pending[number] = Pending(message.name, state, now + self._answer)
        return number

    def tell(self, message: Message) -> None:
        """Send what has no answer but may get an error; of each name the last is remembered."""
        self._tolerated = {n: name for n, name in self._tolerated.items() if name != message.name}
        self._tolerated[self._send(message)] = message.name

    def told(self, number: int) -> str:
        """The name of the message that has no answer and got an error; empty when it is none of ours."""
        return self._tolerated.pop(number, "")

    def acknowledge(self, number: int, now: int) -> None:
        """Send KEEPALIVE_ACK."""
        self.acked = now
        self._out.append(encode(Message("KEEPALIVE_ACK", number, version=self.version)))

    @property
    def deadline(self) -> int | None:
        """When the first request is overdue."""
        return min((pending.until for pending in self.pending.values()), default=None)

    def overdue(self, now: int) -> list[tuple[int, Pending]]:
        """Requests whose time to answer is over, with their ids: they are given up."""
        late = [(number, pending) for number, pending in self.pending.items() if now >= pending.until]
        for number, _ in late:
            del self.pending[number]
        return late

    def _send(self, message: Message) -> int:
        self._number += 1
        self._out.append(encode(message._replace(id=self._number, version=max(message.version, self.version))))
        return self._number
