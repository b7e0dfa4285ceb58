"""Facts: what the rules ask of the ledger before they decide, and what it answered (DESIGN §4, steps 2–4).

Both are journalled as they were, so that a replay decides the same. Quantities are thousandths (`model.quantity`).
Keys that need two parts are joined by `/`: lots `gtin/lot`, serials `gtin/serial`, documents `kind/id`.
"""

from msgspec import Struct, field

from gateway.model.documents import ExpectedUnit, Reference


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
    """An announced serial: which lot an expectation says it belongs to. `by` serial | range."""

    gtin: str
    lot: str
    expectation: str
    sscc: str
    by: str
    expiry: str | None = None


class LotFact(Struct, frozen=True, omit_defaults=True):
    """What the ledger knows of a lot that is mentioned in the other answers."""

    gtin: str
    lot: str
    expiry: str | None = None
    qc: str | None = None
    held: bool = False


class OutboxFact(Struct, frozen=True):
    """An outbox row in short."""

    seq: int
    kind: str
    topic: str
    state: str  # pending | settled | parked


class Facts(Struct, frozen=True, omit_defaults=True):
    """The ledger's answer. What is not known is absent."""

    expected: dict[str, tuple[Expected, ...]] = field(default_factory=dict)  # by sscc; asns first, then orders, by id
    units: dict[str, Unit] = field(default_factory=dict)  # by sscc
    items: dict[str, Item] = field(default_factory=dict)  # by epc
    serials: dict[str, tuple[Serial, ...]] = field(default_factory=dict)  # by gtin/serial, exact before range
    lots: dict[str, LotFact] = field(default_factory=dict)  # by gtin/lot
    documents: dict[str, int] = field(default_factory=dict)  # version by kind/id
    stays: dict[str, tuple[Stay, ...]] = field(default_factory=dict)  # by location/start/end
    outbox: dict[str, OutboxFact] = field(default_factory=dict)  # by seq


class FactsRecord(Struct, frozen=True, tag_field="kind", tag="facts"):
    """The journal's form of facts: the answer to the questions that the record at position `of` raised."""

    facts: Facts
    of: int = 0
