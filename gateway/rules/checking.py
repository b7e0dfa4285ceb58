"""A movement and the ledger's answers become the facts that rules look at (`gateway.rules.checks`). Pure."""

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from gateway.model.facts import Expected, Facts, LotFact, Neighbour
from gateway.model.outcome import Line, Movement
from gateway.model.quantity import SCALE, format_quantity
from gateway.model.settings import Settings
from gateway.rules.checks import (
    Announced,
    Climate,
    Expiry,
    LotLine,
    MovementChecks,
    OtherLot,
    Quality,
    Standing,
    Weight,
)
from gateway.rules.effects import PENDING_QC

MINUTE = 60_000_000
REJECTED = frozenset({"rejected", "failed", "scrap"})
"""Words of `qc` that say: never."""


class Subject(Struct, frozen=True):
    """What is looked at: the movement, its lines with what is known of their lots, and the site's calendar."""

    settings: Settings
    facts: Facts
    movement: Movement
    today: date
    expected: Expected | None

    @property
    def lots(self) -> list[tuple[Line, LotFact | None]]:
        """Every line with what the ledger knows of its lot."""
        known = self.facts.lots
        return [(line, known.get(f"{line.gtin}/{line.lot}")) for line in self.movement.lines]


def checks(settings: Settings, movement: Movement, facts: Facts) -> MovementChecks:
    """The facts about one movement, as judged before any rule."""
    at = datetime.fromtimestamp(movement.at // 1_000_000, tz=UTC).astimezone(ZoneInfo(settings.timezone))
    announced = facts.expected.get(movement.sscc or "", ())
    expected = next((one for one in announced if f"{one.kind}/{one.id}" == movement.expectation), None)
    subject = Subject(settings, facts, movement, at.date(), expected)
    reasons = movement.reasons
    return MovementChecks(
        at=at,
        type=movement.type,
        verdict=movement.verdict,
        reasons=reasons,
        portal=movement.portal,
        direction=str(movement.evidence.get("direction", "unknown")),
        confidence=float(movement.evidence.get("confidence", 0.0)),
        origin=movement.origin,
        destination=movement.destination,
        sscc=movement.sscc,
        tags=sum(len(line.epcs) for line in movement.lines),
        missing=len(movement.missing),
        unresolved=any(line.lot is None for line in movement.lines),
        on_hold="on_hold" in reasons or any(lot is not None and lot.held for _, lot in subject.lots),
        already_received="already_received" in reasons,
        already_shipped="already_shipped" in reasons,
        announced=_announced(subject),
        expiry=_expiry(subject),
        quality=_quality(subject),
        climate=_climate(subject),
        stock=_stock(subject),
        weight=_weight(subject),
        fefo=_other(subject, "fefo"),
        fifo=_other(subject, "fifo"),
        lifo=_other(subject, "lifo"),
        lots=tuple(_line(subject, line, lot) for line, lot in subject.lots),
    )


def _announced(subject: Subject) -> Announced:
    expected, reasons = subject.expected, subject.movement.reasons
    if expected is None:
        return Announced(duplicate=bool({"already_received", "already_shipped"} & set(reasons)))
    named = {(line.gtin, line.lot) for line in expected.unit.lines}
    products = {gtin for gtin, _ in named}
    strange = any(
        line.lot is not None
        and line.gtin in products
        and (line.gtin, line.lot) not in named
        and (line.gtin, None) not in named
        for line in subject.movement.lines
    )
    return Announced(
        found=True,
        kind=expected.kind,
        id=expected.id,
        party=expected.party,
        matched="matched" in reasons,
        short="short" in reasons,
        over="over" in reasons,
        wrong_lot=strange or "wrong_lot" in reasons,
        duplicate=bool({"already_received", "already_shipped"} & set(reasons)),
        wrong_door=expected.door is not None and expected.door != subject.movement.portal,
        door=expected.door,
    )


def _days(text: str | None, today: date) -> int | None:
    return None if text is None else (date.fromisoformat(text) - today).days


def _expiry_of(line: Line, lot: LotFact | None) -> str | None:
    return line.expiry or (lot.expiry if lot is not None else None)


def _expiry(subject: Subject) -> Expiry:
    dates = [_expiry_of(line, lot) for line, lot in subject.lots]
    left = min((days for text in dates if (days := _days(text, subject.today)) is not None), default=None)
    required = subject.expected.min_shelf_life_days if subject.expected is not None else None
    beyond = False
    for line, lot in subject.lots:
        text = _expiry_of(line, lot)
        if lot is not None and lot.produced and lot.shelf_life_days is not None and text:
            life = (date.fromisoformat(text) - date.fromisoformat(lot.produced)).days
            beyond = beyond or life > lot.shelf_life_days
    return Expiry(
        missing=any(text is None for text in dates),
        past=left is not None and left < 0,
        days_left=left,
        required_days=required,
        too_short=left is not None and required is not None and left < required,
        beyond_shelf_life=beyond,
    )


def _quality(subject: Subject) -> Quality:
    words = [(lot.qc if lot is not None else None) for _, lot in subject.lots]
    rejected = any(word in REJECTED for word in words) or any(
        lot is not None and lot.life == "rejected" for _, lot in subject.lots
    )
    pending = any(word in PENDING_QC for word in words)
    known = sorted({word for word in words if word is not None})
    status = "rejected" if rejected else "pending" if pending else known[0] if known else None
    return Quality(status=status, rejected=rejected, pending=pending, unknown=any(word is None for word in words))


def _attribute(lot: LotFact | None, name: str) -> Any:
    return (lot.attributes or {}).get(name) if lot is not None else None


def _number(value: Any) -> Decimal | None:
    """A number of a lot's free attributes; what is none counts as not given."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < 10**12 else None


def _climate(subject: Subject) -> Climate:
    movement, facts = subject.movement, subject.facts
    classes = {place.id: place.climate_class for place in subject.settings.locations}
    here = classes.get(movement.destination or movement.origin or "")
    wanted = [word for _, lot in subject.lots if isinstance(word := _attribute(lot, "storage_class"), str)]
    warm = [value for _, quantity, value, unit, _ in movement.climate if quantity == "temperature" and unit == "Cel"]
    journeys = [facts.journeys[key] for line in movement.lines if (key := f"{line.gtin}/{line.lot}") in facts.journeys]
    lows = [one.low for one in journeys if one.low is not None]
    highs = [one.high for one in journeys if one.high is not None]
    out, left = _out_of_class(subject, classes)
    return Climate(
        storage=wanted[0] if wanted else None,
        here=here,
        mismatch=here is not None and any(word != here for word in wanted),
        temperature=max(warm, default=None),
        coldest=min(lows, default=None),
        warmest=max(highs, default=None),
        excursions=max((one.excursions for one in journeys), default=0),
        excursion_minutes=max((one.minutes for one in journeys), default=0.0),
        minutes_out=out,
        minutes_left=left,
    )


def _out_of_class(subject: Subject, classes: dict[str, str | None]) -> tuple[float, float | None]:
    """Minutes outside the lots' storage class, and what is left of their budget; of the worst lot each."""
    worst, least = 0.0, None
    for line, lot in subject.lots:
        wanted = _attribute(lot, "storage_class")
        journey = subject.facts.journeys.get(f"{line.gtin}/{line.lot}")
        spent = 0
        for place, entered, left in journey.stays if journey is not None else ():
            if isinstance(wanted, str) and classes.get(place) not in (None, wanted):
                spent += max(0, (left if left is not None else subject.movement.at) - entered)
        minutes = round(spent / MINUTE, 2)
        worst = max(worst, minutes)
        budget = _number(_attribute(lot, "minutes_out_max"))
        if budget is not None:
            rest = round(float(budget) - minutes, 2)
            least = rest if least is None else min(least, rest)
    return worst, least


def _stock(subject: Subject) -> Standing:
    movement, facts = subject.movement, subject.facts
    change: dict[str, int] = {}
    for line in movement.lines:
        sign = (movement.destination is not None) - (movement.origin is not None)
        if line.gtin:
            change[line.gtin] = change.get(line.gtin, 0) + sign * line.quantity
    before = {gtin: one.on_hand for gtin, one in facts.goods.items() if gtin in change}
    after = {gtin: quantity + change[gtin] for gtin, quantity in before.items()}
    least = [number for _, lot in subject.lots if (number := _number(_attribute(lot, "stock_min"))) is not None]
    most = [number for _, lot in subject.lots if (number := _number(_attribute(lot, "stock_max"))) is not None]
    minimum, maximum = max(least, default=None), min(most, default=None)
    lowest, highest = _units(min(after.values(), default=0)), _units(max(after.values(), default=0))
    moving = {(line.gtin, line.lot) for line in movement.lines}
    idle = [
        (movement.at - entered) // (1440 * MINUTE)
        for key, journey in facts.journeys.items()
        if tuple(key.split("/", 1)) in moving
        for _, entered, left in journey.stays
        if left is None
    ]
    return Standing(
        on_hand=_units(min(before.values(), default=0)),
        after=lowest,
        most=highest,
        minimum=minimum,
        maximum=maximum,
        low=minimum is not None and lowest < minimum,
        over=maximum is not None and highest > maximum,
        idle_days=max(idle, default=None),
    )


def _units(quantity: int) -> Decimal:
    return Decimal(format_quantity(quantity))


def _weight(subject: Subject) -> Weight | None:
    weighed = subject.movement.weight
    if weighed is None:
        return None
    measured = Decimal(weighed.value)
    expected, source = (Decimal(weighed.expected), "announced") if weighed.expected is not None else (None, None)
    unit = subject.expected.unit.gross_weight if subject.expected is not None else None
    if expected is None or (unit is not None and unit.unit != weighed.unit):
        expected = _computed(subject)
        source = "unit_weights" if expected is not None else None
    if expected is None or expected <= 0:
        return Weight(measured=measured, unit=weighed.unit)
    difference = measured - expected
    percent = (abs(difference) / expected * 100).quantize(Decimal("0.01"))
    return Weight(
        measured=measured, unit=weighed.unit, expected=expected, difference=difference, percent=percent, source=source
    )


def _computed(subject: Subject) -> Decimal | None:
    """Sum of the unit weights of all lines plus the pallet's tare (attributes unit_weight and tare_weight, kg)."""
    total, tare = Decimal(0), Decimal(0)
    for line, lot in subject.lots:
        each = _number(_attribute(lot, "unit_weight"))
        if each is None:
            return None
        total += each * line.quantity / SCALE
        tare = max(tare, _number(_attribute(lot, "tare_weight")) or Decimal(0))
    return total + tare if subject.movement.lines else None


def _other(subject: Subject, by: str) -> OtherLot | None:
    """Another lot of a product that leaves, which should leave first; None where there is none."""
    moving = {(line.gtin, line.lot) for line in subject.movement.lines}
    best: OtherLot | None = None
    for line, lot in subject.lots:
        goods = subject.facts.goods.get(line.gtin or "")
        own = _own(subject, line, lot, by)
        if goods is None or own is None:
            continue
        for one in goods.neighbours:
            if (line.gtin, one.lot) in moving or _gone_off(one, subject.today):
                continue
            days = _ahead(one, own, by)
            if days is not None and (best is None or best.days is None or days > best.days):
                best = OtherLot(
                    gtin=line.gtin or "",
                    lot=one.lot,
                    location=one.location,
                    quantity=_units(one.quantity),
                    expiry=one.expiry,
                    days=days,
                )
    return best


def _own(subject: Subject, line: Line, lot: LotFact | None, by: str) -> int | None:
    """Where a line's lot stands in an order: its expiry as a day, or when it came as a day."""
    if by == "fefo":
        text = _expiry_of(line, lot)
        return None if text is None else date.fromisoformat(text).toordinal()
    journey = subject.facts.journeys.get(f"{line.gtin}/{line.lot}")
    here = [entered for _, entered, left in (journey.stays if journey is not None else ()) if left is None]
    return None if not here else min(here)


def _ahead(one: Neighbour, own: int, by: str) -> int | None:
    """Days by which a lot comes before the own one in an order; None: it does not."""
    if by == "fefo":
        days = 0 if one.expiry is None else own - date.fromisoformat(one.expiry).toordinal()
        return days if days > 0 else None
    earlier = own - one.entered if by == "fifo" else one.entered - own
    return earlier // (1440 * MINUTE) if earlier > 0 else None


def _gone_off(one: Neighbour, today: date) -> bool:
    return one.expiry is not None and date.fromisoformat(one.expiry) < today


def _line(subject: Subject, line: Line, lot: LotFact | None) -> LotLine:
    expiry = _expiry_of(line, lot)
    return LotLine(
        gtin=line.gtin,
        lot=line.lot,
        quantity=_units(line.quantity),
        unit=line.unit,
        expiry=expiry,
        days_left=_days(expiry, subject.today),
        qc=lot.qc if lot is not None else None,
        held=lot is not None and lot.held,
        resolved_by=line.resolved_by,
        supplier=lot.supplier if lot is not None else None,
        product=lot.product if lot is not None else None,
    )
