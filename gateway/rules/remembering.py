"""What a portal remembers between inputs: the memory of its passage machine (`passages`). Pure, bounded."""

from msgspec import Struct, field

from gateway.model.inputs import Weighing
from gateway.rules.background import Known
from gateway.rules.beams import Edge
from gateway.rules.reads import Heard
from gateway.rules.sight import Sight


class PortalState(Struct):
    """Everything a portal remembers between inputs; what a snapshot holds."""

    recent: list[Heard] = field(default_factory=list)  # in order of arrival
    lately: list[Heard] = field(default_factory=list)  # of the passage decided last, for the doors beside this one
    edges: list[Edge] = field(default_factory=list)  # of vehicles that are not decided
    known: dict[str, Known] = field(default_factory=dict)
    closed: int = -1  # read time up to which everything belonged to passages that are decided
    heard: int = 0  # arrival of the last read or edge, gateway time
    eyed: bool = False  # its eyes have spoken: they bound the passages
    silent: list[int] = field(default_factory=lambda: [0, 0, 0])  # per row of eyes
    deaf: list[int] = field(default_factory=lambda: [0, 0, 0])  # per row of antennas, passages without a read
    opened: int = 0  # of the passage that reads opened; 0: none
    activity: int = 0  # last read that keeps it open
    steps: list[int] = field(default_factory=list)  # latest reads that came nearer than those before
    stands: list[int] = field(default_factory=list)  # latest reads of what stands in the door
    loudest: int | float = -200  # read of the passage, dBm
    moving: int = 0  # last of them that kept it open
    peaks: dict[str, list[int | float]] = field(default_factory=dict)  # of the tags that do, by row of antennas
    usual: int | None = None  # level of what goes through, tenths of dBm; None: nothing did yet
    size: int | None = None  # of the group of what goes through, hundredths of a tag; None: nothing did yet
    strays: int = 200  # new ones of a passage, on average of those lately, hundredths; at first a few: nobody knows
    phased: bool = False  # a tag's phases have told that it stood: the reader's mean something
    weighing: Weighing | None = None
    stood: str = "0"  # on its scale, when that last settled
    load: str = "0"  # the last that opened a passage
    weighed: bool = False  # the scale opened the passage
    late: int = 0  # reads and edges of a time that is decided
    dropped: int = 0  # what there was no room for
    untimely: int = 0  # reads and edges of the future
    blank: int = 0  # reads of tags with an EPC of no bits
    empty: int = 0  # empty passages in a row
    mute: int = 0  # of them, those in which nothing at all was read
    sight: Sight = field(default_factory=Sight)


def forget_eyes(state: PortalState) -> None:
    """The portal's eyes are others now: what the old ones saw says nothing any more; its reads finish the passage."""
    if state.edges:
        state.opened = min(at for at, _, _ in state.edges)
        state.activity = max([state.opened, *(read[0] for read in state.recent)])
    state.edges = []
    state.eyed = False
    state.silent = [0, 0, 0]
    state.sight = Sight()
