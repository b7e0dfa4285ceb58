"""Documents central announces on `down/…` (DESIGN §6): what to expect, what there is, how to treat it.

Expectations (ASN, order), master data (lot, commissioning list), production orders, holds and the policy. Keys that
no field here has are kept: those of a lot among its attributes, others in `extra`. Quantities are decimal text; dates
ISO 8601.
"""

from typing import Any

from msgspec import Struct


class Reference(Struct, frozen=True, omit_defaults=True):
    """A business document: type is a CBV business transaction type (po, desadv, bol, …)."""

    type: str
    id: str


class Weight(Struct, frozen=True):
    """A mass: decimal text and unit (kg)."""

    value: str
    unit: str = "kg"


class ExpectedLine(Struct, frozen=True, omit_defaults=True):
    """So much of one lot on a logistic unit. `serials` and `ranges` (inclusive) name its SGTIN serials, when known."""

    gtin: str
    quantity: str
    lot: str | None = None
    unit: str = "each"
    expiry: str | None = None
    serials: tuple[str, ...] = ()
    ranges: tuple[tuple[str, str], ...] = ()
    epcs: tuple[str, ...] = ()  # upper-case hex, for tags that hold no SGTIN
    extra: dict[str, Any] | None = None


class ExpectedUnit(Struct, frozen=True, omit_defaults=True):
    """A logistic unit (pallet) by SSCC (18 digits) with its lines."""

    sscc: str
    lines: tuple[ExpectedLine, ...] = ()
    gross_weight: Weight | None = None
    extra: dict[str, Any] | None = None


class Asn(Struct, frozen=True, omit_defaults=True):
    """An advance ship notice: what is coming. `type` purchase | return | transfer | production."""

    asn: str
    version: int = 1
    documents: tuple[Reference, ...] = ()
    supplier: str | None = None
    units: tuple[ExpectedUnit, ...] = ()
    due: str | None = None
    type: str = "purchase"
    extra: dict[str, Any] | None = None


class Order(Struct, frozen=True, omit_defaults=True):
    """What should leave, by logistic unit. `type` order | transfer | production | disposal."""

    order: str
    version: int = 1
    documents: tuple[Reference, ...] = ()
    customer: str | None = None
    min_shelf_life_days: int | None = None
    units: tuple[ExpectedUnit, ...] = ()
    due: str | None = None
    type: str = "order"
    extra: dict[str, Any] | None = None


class Lot(Struct, frozen=True, omit_defaults=True):
    """Master data of a lot, keyed by GTIN-14 and lot number."""

    gtin: str
    lot: str
    version: int = 1
    product: str | None = None
    produced: str | None = None
    expiry: str | None = None
    supplier: str | None = None
    qc: str | None = None
    attributes: dict[str, Any] | None = None
    best_before: str | None = None
    shelf_life_days: int | None = None


class CommissionedLine(Struct, frozen=True, omit_defaults=True):
    """Items of one lot, by SGTIN serial, serial range (inclusive) or EPC hex; `parent`: the SSCC they stand on."""

    gtin: str
    lot: str
    expiry: str | None = None
    serials: tuple[str, ...] = ()
    ranges: tuple[tuple[str, str], ...] = ()
    epcs: tuple[str, ...] = ()
    parent: str | None = None
    extra: dict[str, Any] | None = None


class Commission(Struct, frozen=True, omit_defaults=True):
    """A commissioning list: which lot each item belongs to. It announces nothing."""

    commission: str
    version: int = 1
    lines: tuple[CommissionedLine, ...] = ()
    extra: dict[str, Any] | None = None


class Portion(Struct, frozen=True, omit_defaults=True):
    """So much of a product; `lot` None: of any lot, or of one yet to be named."""

    gtin: str
    quantity: str
    lot: str | None = None
    unit: str = "each"
    expiry: str | None = None


class Production(Struct, frozen=True, omit_defaults=True):
    """A production order: from these raw lots these products, in a location of the site."""

    production: str
    version: int = 1
    location: str | None = None
    inputs: tuple[Portion, ...] = ()
    outputs: tuple[Portion, ...] = ()
    due: str | None = None
    extra: dict[str, Any] | None = None


class HoldOrder(Struct, frozen=True, omit_defaults=True):
    """Central puts a lot on hold, in one location or wherever it stands; its withdrawal ends that."""

    hold: str
    gtin: str
    lot: str
    version: int = 1
    location: str | None = None
    reason: str = "central"
    extra: dict[str, Any] | None = None


class Policy(Struct, frozen=True, omit_defaults=True):
    """How the site treats goods. What is None here is as the configuration says.

    `unknown_tags` by portal (or `*`): ignore | hold | accept | alarm. `lot_number` is the template of our own lot
    numbers, `B{date:%Y%m%d}-{seq:03}`.
    """

    version: int = 1
    unknown_tags: dict[str, str] | None = None
    lot_number: str | None = None
    extra: dict[str, Any] | None = None


Document = Asn | Order | Lot | Commission | Production | HoldOrder | Policy
