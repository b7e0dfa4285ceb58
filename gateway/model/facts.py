"""Facts: what the rules ask of the ledger before they decide, and what it answered (DESIGN §4, steps 2–4).

Both are journalled as they were, so that a replay decides the same. Quantities are thousandths (`model.quantity`).
Keys that need two parts are joined by `/`: lots `gtin/lot`, serials `gtin/serial`, documents `kind/id`.
"""

from typing import Any

from msgspec import Struct, field

from gateway.model.documents import ExpectedUnit, Policy, Production, Reference
from gateway.model.outcome import Movement


class Stay(Struct, frozen=True):
    """A lot in a location from `entered` to `left` (µs; None: still there), with what is there now."""

    gtin: str
    lot: str
    entered: int
    left: int | None
    quantity: int
    unit: str


class Interval(Struct, frozen=True):
    """A location and a span of time, µs."""

    location: str
    start: int
    end: int


class Questions(Struct, frozen=True, omit_defaults=True):
    """What the rules need to know. All tuples are sorted and unique."""

    ssccs: tuple[str, ...] = ()  # 18 digits
    epcs: tuple[str, ...] = ()  # upper-case hex
    serials: tuple[tuple[str, str], ...] = ()  # (gtin14, serial)
    documents: tuple[tuple[str, str], ...] = ()  # (asn|order|lot, id); a lot's id is gtin/lot
    stays: tuple[Interval, ...] = ()
    outbox: tuple[int, ...] = ()  # seq
    sent: tuple[tuple[int, int], ...] = ()  # (first, last) seq
    policy: bool = False
    lots: tuple[tuple[str, str], ...] = ()  # (gtin14, lot): what is known of it
    numbers: tuple[str, ...] = ()  # days (2026-11-21) whose counters of lot numbers may be drawn from
    standing: tuple[tuple[str, str], ...] = ()  # (gtin14, lot): where all of it stands
    pending: tuple[str, ...] = ()  # keys of receipts that wait for an announcement: SSCC, GTIN-14 or EPC
    productions: tuple[str, ...] = ()  # ids of production orders
    holds: tuple[str, ...] = ()  # ids of central's holds
    goods: tuple[str, ...] = ()  # of the lots in question: fefo | fifo | lifo | journeys | stock
    day: str = ""  # for goods: what expires before it counts no more (2026-11-21)


class Expected(Struct, frozen=True):
    """An open expectation that names a logistic unit. `kind` asn | order; `state` expected | received | shipped."""

    kind: str
    id: str
    version: int
    unit: ExpectedUnit
    state: str
    documents: tuple[Reference, ...] = ()
    party: str | None = None  # supplier or customer
    min_shelf_life_days: int | None = None
    type: str = ""  # of the ASN or order; "": its default
    door: str | None = None  # the portal it is announced for: key `door` of the document


class Content(Struct, frozen=True):
    """So much of a lot inside a logistic unit, as the ledger holds it."""

    gtin: str
    lot: str
    quantity: int
    unit: str
    basis: str  # sgtin | class
    expiry: str | None = None
    prefix: int | None = None
    epcs: tuple[str, ...] = ()
    status: str | None = None  # available | hold; None: as its unit


class Unit(Struct, frozen=True):
    """A logistic unit in the ledger. `location` None: it left."""

    sscc: str
    location: str | None
    status: str  # available | hold
    contents: tuple[Content, ...] = ()


class Item(Struct, frozen=True):
    """A tagged item in the ledger. `location` None: announced, or it left (`state` says which)."""

    epc: str
    gtin: str
    lot: str
    state: str  # announced | present | left
    location: str | None = None
    parent: str | None = None
    status: str = "available"
    expiry: str | None = None


class Serial(Struct, frozen=True):
    """An announced item: which lot a document says it belongs to. `by` serial | range | epc.

    `expectation` is `asn/…`, `order/…` or `commission/…`; `sscc` "" where it names no unit.
    """

    gtin: str
    lot: str
    expectation: str
    sscc: str
    by: str
    expiry: str | None = None


class OpenLot(Struct, frozen=True):
    """A lot of which an announcement still expects something."""

    lot: str
    expiry: str | None = None


class LotFact(Struct, frozen=True, omit_defaults=True):
    """What the ledger knows of a lot that is mentioned in the other answers."""

    gtin: str
    lot: str
    expiry: str | None = None
    qc: str | None = None
    held: bool = False
    held_at: tuple[str, ...] = ()  # where holds on all of it are open; "": everywhere
    life: str | None = None  # pending_inspection | released | in_stock | on_hold | rejected | shipped | disposed
    product: str | None = None
    produced: str | None = None
    supplier: str | None = None
    shelf_life_days: int | None = None
    attributes: dict[str, Any] | None = None


class OpenHold(Struct, frozen=True):
    """A hold on a lot that nobody has ended. Not `whole`: of a part of what stands there."""

    reason: str
    source: str
    whole: bool = True


class Standing(Struct, frozen=True):
    """What of a lot stands in one location: by status and unit of measure, on which units, as which tagged items.

    `location` "" has the holds that are open everywhere, and no goods.
    """

    location: str
    stock: tuple[tuple[str, str, int], ...]  # (status, unit of measure, quantity)
    units: tuple[Unit, ...] = ()  # with all their contents
    items: tuple[Item, ...] = ()
    holds: tuple[OpenHold, ...] = ()


class Pending(Struct, frozen=True):
    """A receipt that nobody had announced, as it was decided; `gateway` decided it."""

    movement: Movement
    gateway: str


class HoldFact(Struct, frozen=True):
    """A hold that central has set: what it holds."""

    gtin: str
    lot: str
    location: str | None
    reason: str
    version: int


class OutboxFact(Struct, frozen=True):
    """An outbox row in short."""

    seq: int
    kind: str
    topic: str
    state: str  # pending | settled | parked


class Neighbour(Struct, frozen=True, omit_defaults=True):
    """A lot of a product in question that stands in a location and may leave; `arrived` on the site first (µs)."""

    lot: str
    location: str
    quantity: int
    arrived: int | None = None
    expiry: str | None = None
    unit: str = "each"


class Goods(Struct, frozen=True, omit_defaults=True):
    """What stands of a product on the whole site, by unit of measure, and the lots that should leave first.

    `available` is what of `on_hand` is not held. `neighbours` are releasable: not held, not rejected, not waiting for
    inspection, not expired; those that expire first, came first and came last, as far as asked.
    """

    on_hand: dict[str, int] = field(default_factory=dict)
    available: dict[str, int] = field(default_factory=dict)
    neighbours: tuple[Neighbour, ...] = ()


class Journey(Struct, frozen=True, omit_defaults=True):
    """What a lot went through: when it first came, excursions it stood in, where it has been (µs; None: still there).

    `low` and `high` are °C.
    """

    arrived: int | None = None
    excursions: int = 0
    minutes: float = 0.0
    low: float | None = None
    high: float | None = None
    stays: tuple[tuple[str, int, int | None], ...] = ()


class SentFact(Struct, frozen=True):
    """What the outbox still keeps of a span of numbers: how many, the lowest, and the highest (0, 0, 0: nothing)."""

    events: int
    first: int
    last: int


class Coming(Struct, frozen=True):
    """A document of which so many parts have come, and of which others are missing."""

    version: int
    parts: int


class Facts(Struct, frozen=True, omit_defaults=True):
    """The ledger's answer. What is not known is absent.

    `expected` has the units asked for, and those that the items asked for are announced on.
    """

    expected: dict[str, tuple[Expected, ...]] = field(default_factory=dict)  # by sscc; asns first, then orders, by id
    units: dict[str, Unit] = field(default_factory=dict)  # by sscc
    items: dict[str, Item] = field(default_factory=dict)  # by epc
    serials: dict[str, tuple[Serial, ...]] = field(default_factory=dict)  # by gtin/serial, exact before range
    lots: dict[str, LotFact] = field(default_factory=dict)  # by gtin/lot
    documents: dict[str, int] = field(default_factory=dict)  # version by kind/id
    stays: dict[str, tuple[Stay, ...]] = field(default_factory=dict)  # by location/start/end
    outbox: dict[str, OutboxFact] = field(default_factory=dict)  # by seq
    sent: dict[str, SentFact] = field(default_factory=dict)  # by first/last
    open_lots: dict[str, tuple[OpenLot, ...]] = field(default_factory=dict)  # by asn/id/gtin, of the GTINs asked for
    policy: Policy | None = None
    numbers: dict[str, int] = field(default_factory=dict)  # last lot number by counter
    standing: dict[str, tuple[Standing, ...]] = field(default_factory=dict)  # by gtin/lot, in order of location
    pending: dict[str, Pending] = field(default_factory=dict)  # by movement
    productions: dict[str, Production] = field(default_factory=dict)  # by id
    produced: tuple[str, ...] = ()  # production orders, of those asked for, that are carried out
    holds: dict[str, HoldFact] = field(default_factory=dict)  # by id
    goods: dict[str, Goods] = field(default_factory=dict)  # by gtin
    journeys: dict[str, Journey] = field(default_factory=dict)  # by gtin/lot
    partial: dict[str, Coming] = field(default_factory=dict)  # by kind/id, of documents that are not complete


class FactsRecord(Struct, frozen=True, tag_field="kind", tag="facts"):
    """The journal's form of facts: the answer to the questions that the record at position `of` raised."""

    facts: Facts
    of: int = 0
