"""Outcomes: what the rules decided, and what it does to the ledger (DESIGN §4 step 4, §6 outcome lines).

Decisions become outcome lines, events and rows; effects change the ledger; both in one transaction.
Instants are µs; quantities thousandths.
"""

from typing import Any

from msgspec import Struct, field

from gateway.model.documents import Document, Reference


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


class Weighed(Struct, frozen=True):
    """Weight evidence of a movement; decimal text in `unit`. `deviation_pct` is of the expected gross weight."""

    value: str
    unit: str
    at: int
    scale: str
    expected: str | None = None
    deviation_pct: float | None = None


class Line(Struct, frozen=True):
    """So much of one lot that moved.

    `gtin`/`lot` are None where unresolved. `basis` sgtin (counted by tag) or class (trusted from a document).
    `prefix` is the GS1 company prefix length when a tag told it.
    """

    gtin: str | None
    lot: str | None
    quantity: int
    unit: str
    resolved_by: str  # item | serial | range | sscc | inferred | contents | unresolved
    epcs: tuple[str, ...] = ()
    expiry: str | None = None
    basis: str = "sgtin"
    expected: int | None = None
    prefix: int | None = None
    status: str | None = None  # available | hold; None: the movement's


class Movement(Struct, frozen=True):
    """The decision about a passage: these lots went from A to B, with verdict and evidence."""

    movement: str  # UUID (urn:uuid: without the prefix)
    passage: str
    portal: str
    at: int
    type: str  # receive | ship | transfer | return | count
    origin: str | None  # outcome line: "from"
    destination: str | None  # outcome line: "to"
    verdict: str  # accepted | held | refused
    reasons: tuple[str, ...]
    lines: tuple[Line, ...]
    rules: tuple[str, ...] = ()
    status: str = "available"  # of the stock it adds or takes: available | hold
    sscc: str | None = None  # 18 digits
    sscc_epc: str | None = None  # hex of the tag that told it
    expectation: str | None = None  # kind/id
    documents: tuple[Reference, ...] = ()
    party: str | None = None
    weight: Weighed | None = None
    climate: tuple[tuple[str, str, float, str, int], ...] = ()  # last known there: sensor, quantity, value, unit, at
    missing: tuple[str, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict)
    purpose: str = ""  # return | transfer | production | disposal; "": purchase, order or a plain transfer
    by: str = ""  # the person who ordered it; "": a passage
    part: tuple[int, int] | None = None  # which of how many events tell this movement; None: one tells all


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


class Hold(Struct, frozen=True):
    """Lots put on hold where they stand, until a person releases them. `lots` carry what was there."""

    hold: str  # UUID
    location: str
    at: int
    reason: str  # code of the catalogue
    source: str  # the alarm or rule that did it
    lots: tuple[LotMinutes, ...]


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


Decision = Firing | Passage | Movement | AlarmChange | Excursion | Hold | DeviceCommand | Rejection | Gap


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
    """Put what stands of a lot in a location on hold: its available stock becomes held stock."""

    gtin: str
    lot: str
    location: str
    reason: str
    by: str = ""
    source: str = ""  # hold/id of central's hold


class HoldEnd(Struct, frozen=True):
    """End the holds on a lot in a location: its held stock becomes available. `source`: only that hold of central."""

    gtin: str
    lot: str
    location: str
    by: str
    source: str = ""


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
