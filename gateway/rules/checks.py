# ruff: noqa: RUF009 - `fact` and `part` are `field` with a description
"""The facts that rules may use: every field typed and described. Pure.

`docs/rules.md` lists them from here. Conditions are typed by these classes, so a field that may be None must be
guarded (`&.`, `??`). Quantities and weights are decimals in their unit, instants have the site's time zone. Every
field has a default: what an example of a rule does not give.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from gateway.events.sentences import SENTENCES

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NONE = Decimal(0)


def fact(says: str, default: Any = False, words: tuple[str, ...] = ()) -> Any:
    """A field of a fact table: what it says, its default, and the words it is limited to."""
    return field(default=default, metadata={"says": says, "words": words})


def part(says: str, of: type) -> Any:
    """A group of facts inside a table."""
    return field(default_factory=of, metadata={"says": says, "words": ()})


PURPOSES = ("", "return", "transfer", "production", "disposal")
TYPES = ("receive", "return", "ship", "transfer")
KINDS = ("dock", "zone", "cold_room", "freezer", "staging", "lane", "quarantine", "outside", "other")
STATES = ("normal", "unacked_active", "acked_active", "rtn_unacked")
PRIORITIES = ("low", "medium", "high", "critical")
VERDICTS = ("accepted", "held", "refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """The unit against its ASN or order."""

    found: bool = fact("an ASN or order names this unit")
    kind: str | None = fact("which of them", None, ("asn", "order"))
    id: str | None = fact("its id", None)
    party: str | None = fact("supplier or customer", None)
    matched: bool = fact("what moved is what was announced")
    short: bool = fact("less than announced")
    over: bool = fact("more than announced")
    wrong_lot: bool = fact("a lot of an announced product that the announcement does not name: it names another")
    wrong_product: bool = fact("a product that the announcement does not name")
    duplicate: bool = fact("the unit was received, or shipped, before")
    wrong_door: bool = fact("announced for another portal")
    door: str | None = fact("the portal it is announced for", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """The expiry dates of the lots that move, the worst of them; a lot is good through the day of its date."""

    missing: bool = fact("a lot has no expiry date")
    past: bool = fact("a lot has expired, by the site's calendar")
    days_left: int | None = fact("days until the first lot expires; negative: since", None)
    required_days: int | None = fact("days the customer asks for", None)
    too_short: bool = fact("fewer days are left than the customer asks for")
    beyond_shelf_life: bool = fact("a date lies later than production plus shelf life")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What quality control says of the lots that move (`qc` of the master data, and a person's word here)."""

    status: str | None = fact("the worst status: rejected before pending before released; null: nothing is known", None)
    rejected: bool = fact("a lot is rejected")
    pending: bool = fact("a lot waits for quality control")
    unknown: bool = fact("of a lot neither central nor anybody here has said anything")


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherLot:
    """A lot of the same product that stands here and may leave.

    It is available, not held, not rejected, not waiting for inspection, not expired, and good for long enough for the
    customer of the order.
    """

    gtin: str = fact("its GTIN-14", "")
    lot: str = fact("its number", "")
    location: str = fact("where it stands", "")
    quantity: Decimal = fact("how much of it", NONE)
    unit: str = fact("of what", "each")
    expiry: str | None = fact("its expiry date, YYYY-MM-DD", None)
    days: int | None = fact(
        "days by which it expires earlier (fefo), or came to the site earlier (fifo) or later (lifo)", None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """The settled weight against what the unit should weigh."""

    measured: Decimal = fact("what the scale says", NONE)
    unit: str = fact("its unit", "kg")
    expected: Decimal | None = fact(
        "announced gross weight, else unit weights plus tare (attributes unit_weight and tare_weight of the lots, kg)",
        None,
    )
    difference: Decimal | None = fact("measured − expected; negative: too light", None)
    off: Decimal | None = fact("the difference without its sign, in unit", None)
    percent: Decimal | None = fact("the difference in percent of expected, without its sign", None)
    source: str | None = fact("where the expected weight is from", None, ("announced", "unit_weights"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Climate:
    """Where the goods may be kept, where they are, and what they went through."""

    storage: str | None = fact("storage class of the lots (attribute storage_class of the lot); the first one", None)
    here: str | None = fact("climate class of the location they go to, or leave from when they leave the site", None)
    mismatch: bool = fact("a lot's storage class is not the climate class of that location")
    temperature: float | None = fact("last temperature of the portal's location, °C; of the warmest sensor", None)
    temperature_low: float | None = fact("the same, of the coldest sensor", None)
    temperature_age: float | None = fact("minutes since these were measured; of the oldest", None)
    coldest: float | None = fact("lowest temperature any of the lots has seen in an excursion, °C", None)
    warmest: float | None = fact("highest temperature any of the lots has seen in an excursion, °C", None)
    excursions: int = fact("excursions the lots stood in, the worst lot", 0)
    excursion_minutes: float = fact("minutes in excursions, the worst lot", 0.0)
    minutes_out: float = fact("minutes spent where the climate class is another, the worst lot", 0.0)
    minutes_left: float | None = fact(
        "minutes left of the lot's budget (attribute minutes_out_max), the worst lot", None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Stock of the product that moves, on the whole site; of several the first that is low or over, else the first."""

    product: str = fact("its GTIN-14", "")
    unit: str = fact("in what it is counted", "each")
    on_hand: Decimal = fact("all of it, before this movement", NONE)
    available: Decimal = fact("what of it is not held", NONE)
    after: Decimal = fact("all of it, after this movement", NONE)
    available_after: Decimal = fact("what is not held, after this movement", NONE)
    minimum: Decimal | None = fact("least stock (attribute stock_min of a lot)", None)
    maximum: Decimal | None = fact("most stock (attribute stock_max of a lot)", None)
    low: bool = fact("after this movement less than minimum is available")
    over: bool = fact("after this movement there is more than maximum")
    idle_days: int | None = fact("days since the lot came to where it stands; the longest", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LotLine:
    """One lot of the movement."""

    gtin: str | None = fact("its GTIN-14; null: unknown", None)
    lot: str | None = fact("its number; null: unknown", None)
    quantity: Decimal = fact("how much", NONE)
    unit: str = fact("of what", "each")
    expiry: str | None = fact("YYYY-MM-DD", None)
    days_left: int | None = fact("days until it expires", None)
    qc: str | None = fact("quality status, in central's words", None)
    life: str | None = fact("its step in life: pending_inspection, released, in_stock, …", None)
    held: bool = fact("a hold on it is open")
    resolved_by: str = fact("how we know the lot", "")
    supplier: str | None = fact("who made it", None)
    product: str | None = fact("its product", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementChecks:
    """A movement: goods crossed a portal, or were put somewhere. `on`: the type of the movement, or `movement`."""

    at: datetime = fact("when it was decided", EPOCH)
    type: str = fact("what sort of movement", "receive", TYPES)
    purpose: str = fact("what for, when it is no purchase and no order", "", PURPOSES)
    by: str = fact("the person who ordered it; empty: a passage", "")
    verdict: str = fact("the verdict before any rule", "accepted", VERDICTS)
    reasons: tuple[str, ...] = fact("the reasons before any rule", (), tuple(SENTENCES))
    portal: str = fact("the read point", "")
    direction: str = fact("as the portal saw it", "in", ("in", "out", "none", "unknown"))
    confidence: float = fact("of the direction, 0 to 1", 1.0)
    origin: str | None = fact("the location it leaves", None)
    origin_kind: str | None = fact("what sort of place that is", None, KINDS)
    destination: str | None = fact("the location it goes to", None)
    destination_kind: str | None = fact("what sort of place that is", None, KINDS)
    sscc: str | None = fact("the logistic unit", None)
    tags: int = fact("tags that were read", 0)
    missing: int = fact("announced tags that were not read", 0)
    unresolved: bool = fact("something moved whose lot is not known")
    on_hold: bool = fact("a hold on the unit or on a lot is open")
    already_received: bool = fact("the unit was received before")
    already_shipped: bool = fact("the unit was shipped before")
    announced: Announced = part("against the ASN or order", Announced)
    expiry: Expiry = part("expiry of the lots", Expiry)
    quality: Quality = part("quality control", Quality)
    climate: Climate = part("storage, lane and journey", Climate)
    stock: Standing = part("stock of the products", Standing)
    weight: Weight | None = fact("null: no settled weight belongs to it", None)
    fefo: OtherLot | None = fact("a lot that expires earlier stands here", None)
    fifo: OtherLot | None = fact("a lot that came earlier stands here", None)
    lifo: OtherLot | None = fact("a lot that came later stands here", None)
    lots: tuple[LotLine, ...] = fact("every lot of the movement", ())


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementChecks:
    """A good sample of a sensor. What is not good never reaches a rule: it stops the clock of `for` until the next."""

    at: datetime = fact("when it was measured", EPOCH)
    sensor: str = fact("the sensor", "")
    location: str = fact("the location it watches", "")
    location_kind: str | None = fact("what sort of place that is", None, KINDS)
    climate_class: str | None = fact("the climate class of that location", None)
    quantity: str = fact("what it measures: temperature, humidity, …", "temperature")
    value: float = fact("how much", 0.0)
    unit: str = fact("in what (UCUM: Cel, %, …)", "Cel")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmChecks:
    """An alarm of a limit, a device or the gateway changed its state. Alarms that rules raise are not looked at."""

    at: datetime = fact("when it changed", EPOCH)
    alarm: str = fact("the alarm", "")
    source: str = fact("its sensor, device or part of the gateway", "")
    location: str | None = fact("the location it is about", None)
    location_kind: str | None = fact("what sort of place that is", None, KINDS)
    climate_class: str | None = fact("the climate class of that location", None)
    state: str = fact("its state now (ISA-18.2)", "unacked_active", STATES)
    active: bool = fact("what it warns of is still so", True)
    acked: bool = fact("somebody has acknowledged it, or there is nothing to", False)
    priority: str = fact("its priority", "medium", PRIORITIES)
    value: float | None = fact("the value that broke the limit", None)
    limit: float | None = fact("the limit", None)
    by: str = fact("who acknowledged it", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcursionChecks:
    """An excursion has ended: a limit was broken in a location, from when to when, and how far."""

    at: datetime = fact("when it ended", EPOCH)
    alarm: str = fact("the limit", "")
    sensor: str = fact("the sensor", "")
    location: str = fact("the location", "")
    location_kind: str | None = fact("what sort of place that is", None, KINDS)
    climate_class: str | None = fact("the climate class of that location", None)
    quantity: str = fact("what was measured", "temperature")
    unit: str = fact("in what", "Cel")
    minutes: float = fact("how long it lasted", 0.0)
    lowest: float = fact("the lowest value", 0.0)
    highest: float = fact("the highest value", 0.0)
    mean: float = fact("the mean, weighted by time", 0.0)
    limit: float = fact("the limit", 0.0)
    side: str = fact("which side of it was broken", "high", ("high", "low"))
    hold: bool = fact("the limit itself holds the lots of the location")
