"""What a session tells its driver. Reads and input edges are told as `gateway.model.inputs` itself."""

from msgspec import Struct

from gateway.model.inputs import Gpi, Reads


class Ready(Struct, frozen=True):
    """The reader reads, from now on reports may come."""

    detail: str


class Notice(Struct, frozen=True):
    """Something a technician may want to find in the log; `routine` when it is nothing to worry about."""

    text: str
    routine: bool = False


class AntennaChange(Struct, frozen=True):
    """An antenna was found, or found missing: said by an event, or when asked."""

    antenna: int
    connected: bool


class ReaderException(Struct, frozen=True):
    """The reader complained of something, perhaps of one antenna (else None)."""

    text: str
    antenna: int | None = None


class ClockJump(Struct, frozen=True):
    """The reader's clock was set, by so many µs (more than 0: forward); times are right again from here on."""

    by: int


class Answered(Struct, frozen=True):
    """A request made by `set_outputs` was answered, or not in time; `error` says why it failed.

    `refused`: the reader said no; otherwise it said nothing.
    """

    request: int
    error: str | None = None
    refused: bool = False


class ReaderFault(Struct, frozen=True):
    """The session is over: the driver closes the socket and raises. `refused`: the reader was there and said no."""

    text: str
    refused: bool


class Closed(Struct, frozen=True):
    """The close we asked for is done."""


SessionEvent = (
    Ready | Notice | AntennaChange | ReaderException | ClockJump | Answered | ReaderFault | Closed | Reads | Gpi
)
