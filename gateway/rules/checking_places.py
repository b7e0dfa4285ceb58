"""Where goods may be kept, where they have been, what else stands here. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from gateway.model.facts import LotFact, Neighbour
from gateway.model.outcome import Line
from gateway.rules.checks import Climate, OtherLot, Standing
from gateway.rules.subject import DAY, MINUTE, Subject, amount, attribute, calendar, expiry_of, number, word


def climate(subject: Subject) -> Climate:
    """Storage class, lane and journey."""
    here = subject.where.climate_class if subject.where is not None else None
    wanted = [name for _, lot in subject.lots if (name := word(lot, "storage_class")) is not None]
    lane = [
        (celsius, max(0, subject.movement.at - at))
        for _, quantity, value, unit, at in subject.movement.climate
        if quantity == "temperature" and (celsius := _celsius(value, unit)) is not None
    ]
    journeys = [subject.facts.journeys.get(f"{line.gtin}/{line.lot}") for line in subject.movement.lines]
    known = [one for one in journeys if one is not None]
    out, left = _out_of_class(subject)
    return Climate(
        storage=wanted[0] if wanted else None,
        here=here,
        mismatch=here is not None and any(name != here for name in wanted),
        temperature=max((value for value, _ in lane), default=None),
        temperature_low=min((value for value, _ in lane), default=None),
        temperature_age=max((round(age / MINUTE, 2) for _, age in lane), default=None),
        coldest=min((one.low for one in known if one.low is not None), default=None),
        warmest=max((one.high for one in known if one.high is not None), default=None),
        excursions=max((one.excursions for one in known), default=0),
        excursion_minutes=max((one.minutes for one in known), default=0.0),
        minutes_out=out,
        minutes_left=left,
    )


def _celsius(value: float, unit: str) -> float | None:
    """A temperature in °C (UCUM Cel, [degF], K); None for other units."""
    match unit:
        case "Cel":
            return value
        case "[degF]":
            return round((value - 32) / 1.8, 3)
        case "K":
            return round(value - 273.15, 3)
    return None


def _out_of_class(subject: Subject) -> tuple[float, float | None]:
    """Minutes outside the lots' storage class, and what is left of their budget; of the worst lot each.

    A lot is out while any of it stands where the climate class is another; where that has none, nothing is known.
    """
    classes = {place.id: place.climate_class for place in subject.settings.locations}
    worst, least = 0.0, None
    for line, lot in subject.lots:
        wanted = word(lot, "storage_class")
        if wanted is None:
            continue
        journey = subject.facts.journeys.get(f"{line.gtin}/{line.lot}")
        spans = [
            (entered, left if left is not None else subject.movement.at)
            for place, entered, left in (journey.stays if journey is not None else ())
            if classes.get(place) not in (None, wanted)
        ]
        minutes = round(_covered(spans) / MINUTE, 2)
        worst = max(worst, minutes)
        budget = number(attribute(lot, "minutes_out_max"))
        if budget is not None:
            rest = round(float(budget) - minutes, 2)
            least = rest if least is None else min(least, rest)
    return worst, least


def _covered(spans: Iterable[tuple[int, int]]) -> int:
    """The length of all spans together; where they overlap, once."""
    total, reached = 0, None
    for start, end in sorted(spans):
        begin = start if reached is None else max(start, reached)
        total += max(0, end - begin)
        reached = end if reached is None else max(reached, end)
    return total


def standing(subject: Subject) -> Standing:
    """Stock of the products that move; low and over are judged product by product."""
    movement = subject.movement
    sign = (movement.destination is not None) - (movement.origin is not None)
    change: dict[tuple[str, str], int] = defaultdict(int)
    for line in movement.lines:
        if line.gtin is not None:
            change[line.gtin, line.unit] += sign * line.quantity
    found = Standing()
    for (gtin, unit), moved in sorted(change.items()):
        goods = subject.facts.goods.get(gtin)
        if goods is None:
            continue
        own = [lot for line, lot in subject.lots if line.gtin == gtin]
        least = max(_numbers(own, "stock_min"), default=None)
        most = min(_numbers(own, "stock_max"), default=None)
        free = amount(goods.available.get(unit, 0) + moved)
        total = amount(goods.on_hand.get(unit, 0) + moved)
        low, over = least is not None and free < least, most is not None and total > most
        one = Standing(
            product=gtin,
            unit=unit,
            on_hand=amount(goods.on_hand.get(unit, 0)),
            available=amount(goods.available.get(unit, 0)),
            after=total,
            available_after=free,
            minimum=least,
            maximum=most,
            low=low,
            over=over,
        )
        if not found.product or (low or over) > (found.low or found.over):
            found = one
    return _aged(subject, found)


def _aged(subject: Subject, found: Standing) -> Standing:
    stays = [
        (subject.movement.at - entered) // DAY
        for line in subject.movement.lines
        if (journey := subject.facts.journeys.get(f"{line.gtin}/{line.lot}")) is not None
        for _, entered, left in journey.stays
        if left is None
    ]
    return Standing(
        **{name: getattr(found, name) for name in Standing.__slots__ if name != "idle_days"},
        idle_days=max(stays, default=None),
    )


def _numbers(lots: Iterable[LotFact | None], name: str) -> list[Decimal]:
    return [found for lot in lots if (found := number(attribute(lot, name))) is not None]


def other_lot(subject: Subject, by: str) -> OtherLot | None:
    """Another lot of a product that moves, which should leave first by fefo, fifo or lifo; None: there is none."""
    moving = {(line.gtin, line.lot) for line in subject.movement.lines}
    required = subject.expected.min_shelf_life_days or 0 if subject.expected is not None else 0
    best: tuple[int, OtherLot] | None = None
    for line, lot in subject.lots:
        goods = subject.facts.goods.get(line.gtin or "")
        own = _own(subject, line, lot, by)
        if goods is None or own is None:
            continue
        for one in goods.neighbours:
            expiry = calendar(one.expiry)
            if (line.gtin, one.lot) in moving or (expiry is not None and (expiry - subject.today).days < required):
                continue
            ahead = _ahead(one, own, by)
            if ahead is not None and (best is None or ahead > best[0]):
                best = ahead, _told(line.gtin or "", one, ahead if by == "fefo" else ahead // DAY)
    return best[1] if best is not None else None


def _told(gtin: str, one: Neighbour, days: int) -> OtherLot:
    return OtherLot(
        gtin=gtin,
        lot=one.lot,
        location=one.location,
        quantity=amount(one.quantity),
        unit=one.unit,
        expiry=one.expiry,
        days=days,
    )


def _own(subject: Subject, line: Line, lot: LotFact | None, by: str) -> int | None:
    """Where a line's lot stands in an order: its expiry as a day, or when it first came, µs."""
    if by == "fefo":
        day = expiry_of(line, lot)
        return None if day is None else day.toordinal()
    journey = subject.facts.journeys.get(f"{line.gtin}/{line.lot}")
    return journey.arrived if journey is not None else None


def _ahead(one: Neighbour, own: int, by: str) -> int | None:
    """By how much (days, or µs) a lot comes before the own one in an order; None: it does not."""
    if by == "fefo":
        day = calendar(one.expiry)
        ahead = own - day.toordinal() if day is not None else 0
    elif one.arrived is None:
        return None
    else:
        ahead = own - one.arrived if by == "fifo" else one.arrived - own
    return ahead if ahead > 0 else None
