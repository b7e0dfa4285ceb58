"""Candidates: what `observe` noticed and `decide` will judge once the ledger has answered. Pure."""

from msgspec import Struct

from gateway.model.documents import Portion
from gateway.model.inputs import Weighing
from gateway.model.outcome import AlarmChange, Passage, Rejection
from gateway.model.settings import Portal
from gateway.rules.alarms import Exceeded
from gateway.rules.documents import Announced


class Crossed(Struct, frozen=True):
    """A passage ended. `doubts` are its doubtful tags with their points, hundredths of log-odds (`scoring`)."""

    passage: Passage
    portal: Portal
    weighing: Weighing | None
    climate: tuple[tuple[str, str, float, str, int], ...]
    wants: tuple[str, ...] = ()  # what its rules need to know beside the goods (`Questions.goods`)
    alarmed: bool = False  # the alarm of its unknown tags is up
    doubts: tuple[tuple[str, int], ...] = ()


class Occasion(Struct, frozen=True):
    """What a rule looks at: sort, which one, the read point or place, when (µs), and the location it is about."""

    on: str
    subject: str
    place: str
    at: int
    location: str | None = None


class Watched(Struct, frozen=True):
    """A rule that looks at something else than movements fires: on these facts, with `do` or its `else`."""

    rule: str
    occasion: Occasion
    facts: object
    otherwise: bool = False
    holds: bool = False  # it puts on hold what stands in the location
    error: str = ""  # its condition failed with


class Changed(Struct, frozen=True):
    """An alarm changed state. `since` is when its condition began, if it just became active in a location."""

    change: AlarmChange
    since: int | None = None


class Exceeding(Struct, frozen=True):
    """An excursion ended."""

    exceeded: Exceeded
    location: str


class Parking(Struct, frozen=True):
    """The uplink could not deliver an event and asks to set it aside."""

    seq: int
    reason: str
    at: int


class Resending(Struct, frozen=True):
    """Somebody misses events and asks for those from `first` to `last` again."""

    first: int
    last: int


class Confirming(Struct, frozen=True):
    """Central says that it has every event up to this number."""

    up_to: int


class Refused(Struct, frozen=True):
    """An input that could not be used."""

    rejection: Rejection


class Ordered(Struct, frozen=True):
    """An order: when, by whom, with what, and why in their words. No two have the same key."""

    key: str
    at: int
    by: str
    device: str = ""
    note: str = ""


class Settling(Struct, frozen=True):
    """Somebody speaks about a lot: `what` hold | release | reject | inspect, in a location or (None) everywhere."""

    order: Ordered
    what: str
    gtin: str
    lot: str
    location: str | None


class Moving(Struct, frozen=True):
    """Somebody moves goods, or (no destination) disposes of them: a unit, an item, or so much of a lot."""

    order: Ordered
    sscc: str | None
    epc: str | None
    lot: tuple[str, str] | None
    origin: str | None
    destination: str | None
    quantity: int | None
    unit: str | None
    wants: tuple[str, ...] = ()  # what its rules need to know beside the goods (`Questions.goods`)


class Producing(Struct, frozen=True):
    """Somebody carries out a production order, with what is said here in place of what it says."""

    order: Ordered
    production: str
    inputs: tuple[Portion, ...]
    outputs: tuple[Portion, ...]


class Answered(Struct, frozen=True):
    """A reply to whoever asked, beside whatever else the turn decides."""

    reply: dict[str, str | bool | int]


Candidate = (
    Crossed
    | Watched
    | Changed
    | Exceeding
    | Parking
    | Resending
    | Confirming
    | Refused
    | Settling
    | Moving
    | Producing
    | Answered
    | Announced
)
