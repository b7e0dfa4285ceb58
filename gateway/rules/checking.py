"""A movement and the ledger's answers become the facts that rules look at (`gateway.rules.checks`). Pure.

Here: announcement, expiry, quality. Places and stock are in `checking_places`, the weight in `checking_weight`.
"""

from collections import defaultdict
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from gateway.model import quality
from gateway.model.facts import Facts, LotFact
from gateway.model.outcome import Line, Movement
from gateway.model.quantity import parse_quantity
from gateway.model.settings import Settings
from gateway.rules.checking_places import climate, other_lot, standing
from gateway.rules.checking_weight import weight
from gateway.rules.checks import Announced, Expiry, LotLine, MovementChecks, Quality
from gateway.rules.subject import Subject, amount, calendar, expiry_of, number

AGAIN = frozenset({"already_received", "already_shipped"})


def checks(settings: Settings, movement: Movement, facts: Facts) -> MovementChecks:
    """The facts about one movement, as judged before any rule."""
    at = datetime.fromtimestamp(movement.at // 1_000_000, tz=UTC).astimezone(ZoneInfo(settings.timezone))
    announced = facts.expected.get(movement.sscc or "", ())
    expected = next((one for one in announced if f"{one.kind}/{one.id}" == movement.expectation), None)
    subject = Subject(settings, facts, movement, at.date(), expected)
    reasons = movement.reasons
    origin, destination = subject.place(movement.origin), subject.place(movement.destination)
    return MovementChecks(
        at=at,
        type=movement.type,
        purpose=movement.purpose,
        by=movement.by,
        verdict=movement.verdict,
        reasons=reasons,
        portal=movement.portal,
        direction=str(movement.evidence.get("direction", "unknown")),
        confidence=float(number(movement.evidence.get("confidence")) or 0),
        origin=movement.origin,
        origin_kind=origin.kind if origin is not None else None,
        destination=movement.destination,
        destination_kind=destination.kind if destination is not None else None,
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
        climate=climate(subject),
        stock=standing(subject),
        weight=weight(subject),
        fefo=other_lot(subject, "fefo"),
        fifo=other_lot(subject, "fifo"),
        lifo=other_lot(subject, "lifo"),
        lots=tuple(_line(subject, line, lot) for line, lot in subject.lots),
    )


def _announced(subject: Subject) -> Announced:
    """What moved against what was announced, line by line; a unit announced without lines is taken as it comes."""
    expected, reasons = subject.expected, subject.movement.reasons
    duplicate = bool(AGAIN & set(reasons))
    if expected is None:
        return Announced(duplicate=duplicate)
    short, over, wrong_lot, wrong_product = _compared(subject) if not duplicate else (False, False, False, False)
    short, over, wrong_lot = short or "short" in reasons, over or "over" in reasons, wrong_lot or "wrong_lot" in reasons
    portal = subject.movement.portal
    return Announced(
        found=True,
        kind=expected.kind,
        id=expected.id,
        party=expected.party,
        matched=not (short or over or wrong_lot or wrong_product or duplicate),
        short=short,
        over=over,
        wrong_lot=wrong_lot,
        wrong_product=wrong_product,
        duplicate=duplicate,
        wrong_door=bool(portal) and expected.door is not None and expected.door != portal,
        door=expected.door,
    )


def _compared(subject: Subject) -> tuple[bool, bool, bool, bool]:
    """Whether less, or more, or another lot, or another product moved than the announcement names."""
    assert subject.expected is not None
    wanted: dict[tuple[str, str | None, str], int] = defaultdict(int)
    for line in subject.expected.unit.lines:
        try:
            wanted[line.gtin, line.lot, line.unit] += parse_quantity(line.quantity)
        except ValueError:  # no number: nothing is asked of it
            continue
    if not wanted:
        return False, False, False, False
    products = {gtin for gtin, _, _ in wanted}
    moved: dict[tuple[str, str | None, str], int] = defaultdict(int)
    strange_lot = strange_product = False
    for one in subject.movement.lines:
        named, any_lot = (one.gtin or "", one.lot, one.unit), (one.gtin or "", None, one.unit)
        if one.gtin not in products:
            strange_product = strange_product or one.gtin is not None
        elif named in wanted or any_lot in wanted:
            moved[named if named in wanted else any_lot] += one.quantity
        else:
            strange_lot = strange_lot or one.lot is not None
    short = any(moved[key] < quantity for key, quantity in wanted.items())
    over = any(moved[key] > quantity for key, quantity in wanted.items())
    return short, over, strange_lot, strange_product


def _expiry(subject: Subject) -> Expiry:
    dates = [(expiry_of(line, lot), lot) for line, lot in subject.lots]
    left = min(((day - subject.today).days for day, _ in dates if day is not None), default=None)
    required = subject.expected.min_shelf_life_days if subject.expected is not None else None
    return Expiry(
        missing=any(day is None for day, _ in dates),
        past=left is not None and left < 0,
        days_left=left,
        required_days=required,
        too_short=left is not None and required is not None and left < required,
        beyond_shelf_life=any(_beyond(day, lot) for day, lot in dates),
    )


def _beyond(expiry: date | None, lot: LotFact | None) -> bool:
    produced = calendar(lot.produced) if lot is not None else None
    if expiry is None or produced is None or lot is None or lot.shelf_life_days is None:
        return False
    return (expiry - produced).days > lot.shelf_life_days


def _quality(subject: Subject) -> Quality:
    """A person's word at this site (the step in the lot's life) and central's (`qc`): the stricter one, but a release
    here outweighs a `pending` there.
    """
    known = [lot for _, lot in subject.lots if lot is not None]
    words = sorted({lot.qc.strip().lower() for lot in known if lot.qc and lot.qc.strip()})
    rejected = any(_word(lot) in quality.REJECTED or lot.life == "rejected" for lot in known)
    pending = any(
        lot.life == "pending_inspection" or (_word(lot) in quality.PENDING and lot.life != "released") for lot in known
    )
    status = "rejected" if rejected else "pending" if pending else words[0] if words else None
    unknown = any(lot is None or (not _word(lot) and lot.life is None) for _, lot in subject.lots)
    return Quality(status=status, rejected=rejected, pending=pending, unknown=unknown)


def _word(lot: LotFact) -> str:
    return (lot.qc or "").strip().lower()


def _line(subject: Subject, line: Line, lot: LotFact | None) -> LotLine:
    expiry = expiry_of(line, lot)
    return LotLine(
        gtin=line.gtin,
        lot=line.lot,
        quantity=amount(line.quantity),
        unit=line.unit,
        expiry=expiry.isoformat() if expiry is not None else None,
        days_left=(expiry - subject.today).days if expiry is not None else None,
        qc=lot.qc if lot is not None else None,
        life=lot.life if lot is not None else None,
        held=lot is not None and lot.held,
        resolved_by=line.resolved_by,
        supplier=lot.supplier if lot is not None else None,
        product=lot.product if lot is not None else None,
    )
