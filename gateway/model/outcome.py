"""Outcomes: what the rules decided, and what it does to the ledger (DESIGN §4 step 4, §6 outcome lines).

Decisions become outcome lines, events and rows; effects change the ledger; both in one transaction.
Instants are µs; quantities thousandths.
"""

from typing import Any

from msgspec import Struct, field

from gateway.model.documents import Document, Reference
from gateway.model.movements import Line as Line
from gateway.model.movements import Movement as Movement
from gateway.model.movements import Weighed as Weighed


class Passage(Struct, frozen=True):
    """One opening-to-closing of a portal."""

    passage: str  # {portal}/{opened, µs}
    portal: str
    opened: int
    closed: int
    direction: str  # in | out | none | unknown
    confidence: float
    moved: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    inferred: tuple[str, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict)


class AlarmChange(Struct, frozen=True):
    """One transition of an ISA-18.2 alarm: normal, unacked_active, acked_active, rtn_unacked."""

    alarm: str
    source: str
    at: int
    before: str  # outcome line: "from"
    after: str  # outcome line: "to"
    priority: str
    value: float | None = None
    limit: float | None = None
    location: str | None = None
    detail: str = ""
    lots: tuple["LotMinutes", ...] = ()
    by: str = ""


class LotMinutes(Struct, frozen=True):
    """A lot, and how long it stood in the excursion, in minutes with two decimals."""

    gtin: str
    lot: str
    minutes: float
    quantity: int = 0
    unit: str = "each"


class Excursion(Struct, frozen=True):
    """The record of a limit broken in a location."""

    excursion: str  # UUID
    alarm: str
    sensor: str
    quantity: str
    unit: str
    location: str
    start: int
    end: int
    min: float
    max: float
    mean: float
    lots: tuple[LotMinutes, ...]
    limit: float
    side: str
    hold: bool


class Hold(Struct, frozen=True, omit_defaults=True):
    """Lots put on hold where they stand, until a person releases them. `lots` carry what was there.

    `location` "" where nothing of them stands yet: what arrives will be held. `everywhere`: so it is anyway.
    """

    hold: str  # UUID
    location: str
    at: int
    reason: str  # code of the catalogue
    source: str  # the alarm or rule that did it; command, or hold/id of central's
    lots: tuple[LotMinutes, ...]
    by: str = ""  # the person; "": the rules
    device: str = ""
    note: str = ""  # what the person says
    everywhere: bool = False


class Release(Struct, frozen=True, omit_defaults=True):
    """Lots on hold where they stand became available: by a person's word, or because central withdrew its hold."""

    release: str  # UUID
    location: str
    at: int
    reason: str  # code of the catalogue
    source: str  # command, or hold/id of central's
    lots: tuple[LotMinutes, ...]
    by: str = ""
    device: str = ""
    note: str = ""


class Transformation(Struct, frozen=True):
    """Raw lots became product lots. What went in and what came out, where, by whose order."""

    transformation: str  # UUID
    at: int
    location: str
    inputs: tuple[Line, ...]
    outputs: tuple[Line, ...]
    production: str | None
    documents: tuple[Reference, ...] = ()
    by: str = ""
    device: str = ""


class Correction(Struct, frozen=True):
    """A movement was told wrongly: its event is declared in error, and the movement `by_movement` takes its place."""

    correction: str  # UUID
    at: int
    erroneous: Movement
    by_movement: Movement
    reason: str  # CBV error reason: incorrect_data | did_not_occur


class DeviceCommand(Struct, frozen=True):
    """An order to a device; void after `valid_until` (a replayed or late one is recorded, not sent)."""

    device: str
    name: str  # light
    args: dict[str, Any]
    at: int
    valid_until: int


class Rejection(Struct, frozen=True):
    """Something that could not be used, with the reason a person can act on: becomes an exception event."""

    source: str  # topic, device or command
    at: int
    reason: str  # code of the catalogue
    detail: str


class Gap(Struct, frozen=True):
    """Promised events that were set aside: their first and last seq, and why."""

    first: int
    last: int
    at: int
    reason: str


class Firing(Struct, frozen=True):
    """A rule did something: which (`digest` of what it says), about what, on which facts, and what it did.

    `published` are texts for central; with any, the firing is an event.
    """

    rule: str
    digest: str
    at: int
    on: str  # what it looked at: receive, ship, …
    subject: str  # the movement
    place: str
    facts: dict[str, Any]
    actions: tuple[str, ...]
    published: tuple[str, ...] = ()


Decision = (
    Firing
    | Passage
    | Movement
    | AlarmChange
    | Excursion
    | Hold
    | Release
    | Transformation
    | Correction
    | DeviceCommand
    | Rejection
    | Gap
)


class StockDelta(Struct, frozen=True):
    """Change of stock by lot, location and status; `gtin` and `lot` are "" for what could not be identified."""

    gtin: str
    lot: str
    location: str
    status: str  # available | hold
    quantity: int
    unit: str


class ItemChange(Struct, frozen=True):
    """A tagged item is now here (`location`), inside `parent`, or has left (`location` None)."""

    epc: str
    gtin: str
    lot: str
    serial: str
    location: str | None
    parent: str | None
    status: str
    expiry: str | None = None


class UnitChange(Struct, frozen=True):
    """A logistic unit is now here with these contents, or has left (`location` None)."""

    sscc: str
    location: str | None
    status: str
    contents: tuple[Line, ...]


class UnitDone(Struct, frozen=True):
    """An expected unit was received or shipped (`state`) by this movement."""

    kind: str  # asn | order
    id: str
    sscc: str
    state: str  # received | shipped
    movement: str


class DocumentChange(Struct, frozen=True):
    """A document of central arrived in a newer version, or was withdrawn (`document` None)."""

    kind: str  # asn | order | lot | commission | production | hold | policy
    id: str
    version: int
    document: Document | None
    part: int = 0  # of a document in parts: part 0 replaces, others are added
    last: bool = True  # it is complete now


class HoldSet(Struct, frozen=True):
    """Put what stands of a lot in a location on hold: its available stock becomes held stock, and what arrives too.

    `location` "": wherever it stands. Not `whole`: so much of it is on hold as the deltas beside it say, and what
    arrives is not concerned.
    """

    gtin: str
    lot: str
    location: str
    reason: str
    by: str = ""
    source: str = ""  # hold/id of central's hold; movement/id of a receipt whose verdict was held
    whole: bool = True


class HoldEnd(Struct, frozen=True):
    """End the holds on a lot in a location ("": in all): its held stock becomes available where none is left.

    `source`: only that hold. Not `whole`: the deltas beside it say what becomes of the stock.
    """

    gtin: str
    lot: str
    location: str
    by: str
    source: str = ""
    whole: bool = True


class LotChange(Struct, frozen=True):
    """A step in a lot's life. `gone`: only when nothing of it is left on site."""

    gtin: str
    lot: str
    life: str  # pending_inspection | released | in_stock | on_hold | rejected | shipped | disposed
    reason: str
    at: int
    by: str = ""
    device: str = ""
    movement: str | None = None
    gone: bool = False


class LotMade(Struct, frozen=True):
    """A lot that this site made or named: what is known of it from the start."""

    gtin: str
    lot: str
    expiry: str | None
    produced: str | None
    supplier: str | None


class NumberTaken(Struct, frozen=True):
    """Lot numbers up to `last` of a counter are used; `day` "" for a counter that never begins anew."""

    counter: str
    day: str
    last: int


class PendingSet(Struct, frozen=True):
    """Keep a receipt that nobody announced until somebody does; `keys` find it again (SSCC, GTIN-14, EPC)."""

    movement: Movement
    keys: tuple[str, ...]


class PendingDone(Struct, frozen=True):
    """A kept receipt waits no longer: corrected, or closed because its goods are no longer as they came."""

    movement: str
    state: str  # corrected | closed


class ProductionDone(Struct, frozen=True):
    """A production order was carried out: it is not carried out again."""

    production: str


class Descent(Struct, frozen=True):
    """A product lot descends from a raw lot, both in the quantities of their transformation."""

    transformation: str
    production: str | None
    at: int
    parent: tuple[str, str]
    parent_quantity: int
    parent_unit: str
    child: tuple[str, str]
    child_quantity: int
    child_unit: str


class Park(Struct, frozen=True):
    """Set an outbox row aside as undeliverable."""

    seq: int
    reason: str


class Resend(Struct, frozen=True):
    """Send the kept events from `first` to `last` again: they wait in the outbox as if never sent."""

    first: int
    last: int


class Confirm(Struct, frozen=True):
    """Central has every event up to this number: delivered, not only with the broker."""

    up_to: int


Effect = (
    StockDelta
    | ItemChange
    | UnitChange
    | UnitDone
    | DocumentChange
    | HoldSet
    | HoldEnd
    | LotChange
    | LotMade
    | NumberTaken
    | PendingSet
    | PendingDone
    | ProductionDone
    | Descent
    | Park
    | Resend
    | Confirm
)


class Outcome(Struct, frozen=True):
    """One turn's result. `reply` answers the command or downlink that caused it."""

    decisions: tuple[Decision, ...] = ()
    effects: tuple[Effect, ...] = ()
    reply: dict[str, Any] | None = None


class Event(Struct, frozen=True):
    """A promise, rendered once: the outbox row. `attributes` are the CloudEvents context attributes."""

    seq: int
    id: str  # UUID
    kind: str  # receipt | shipment | movement | excursion | hold | alarm | exception | gap
    topic: str
    content_type: str
    attributes: dict[str, str]
    body: bytes
