"""Documents central announces on `down/…`: expectations (ASN, order) and lots (DESIGN §6, ASN).

Unknown keys are kept in the journalled payload and ignored here. Quantities are decimal text; dates ISO 8601.
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


class ExpectedUnit(Struct, frozen=True, omit_defaults=True):
    """A logistic unit (pallet) by SSCC (18 digits) with its lines."""

    sscc: str
    lines: tuple[ExpectedLine, ...] = ()
    gross_weight: Weight | None = None


class Asn(Struct, frozen=True, omit_defaults=True):
    """An advance ship notice: what a supplier says is coming."""

    asn: str
    version: int = 1
    documents: tuple[Reference, ...] = ()
    supplier: str | None = None
    units: tuple[ExpectedUnit, ...] = ()
    due: str | None = None


class Order(Struct, frozen=True, omit_defaults=True):
    """A customer order: what should leave, by logistic unit."""

    order: str
    version: int = 1
    documents: tuple[Reference, ...] = ()
    customer: str | None = None
    min_shelf_life_days: int | None = None
    units: tuple[ExpectedUnit, ...] = ()
    due: str | None = None


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


Document = Asn | Order | Lot
