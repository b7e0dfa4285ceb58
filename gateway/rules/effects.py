"""What a movement does to the ledger (DESIGN §2: accepted and held change stock, refused does not). Pure."""

from msgspec import structs

from gateway.identity import decode
from gateway.model import quality
from gateway.model.facts import Content, Facts, Item, Unit
from gateway.model.outcome import (
    Effect,
    HoldSet,
    ItemChange,
    Line,
    LotChange,
    Movement,
    NumberTaken,
    PendingSet,
    StockDelta,
    UnitChange,
    UnitDone,
)
from gateway.model.quantity import SCALE
from gateway.rules import reasons

SETTLED = frozenset({"on_hold", "rejected"})
"""Steps of a lot's life that another delivery of it does not undo."""


def effects(movement: Movement, facts: Facts = Facts()) -> list[Effect]:  # noqa: B008 - frozen
    """Stock, items, units, expectation, lives of lots: every change that one movement makes."""
    if movement.verdict == reasons.REFUSED:
        return []
    changes: list[Effect] = []
    arriving = tuple(
        line if movement.arrives is None else structs.replace(line, status=movement.arrives) for line in movement.lines
    )
    for line, there in zip(movement.lines, arriving, strict=True):
        if movement.origin is not None:
            changes.append(delta(line, movement.origin, line.status or movement.status, -line.quantity))
        if movement.destination is not None:
            changes.append(delta(line, movement.destination, there.status or movement.status, line.quantity))
        changes += [item_change(epc, there, movement, there.status or movement.status) for epc in line.epcs]
    if movement.sscc is not None:
        status = movement.arrives or movement.status
        changes.append(UnitChange(movement.sscc, movement.destination, status, arriving))
    else:
        changes += left_behind(facts, {epc for line in movement.lines for epc in line.epcs})
    if movement.expectation is not None and movement.sscc is not None:
        kind, _, ident = movement.expectation.partition("/")
        state = "received" if movement.type in ("receive", "return") else "shipped"
        changes.append(UnitDone(kind, ident, movement.sscc, state, movement.movement))
    changes += [NumberTaken(one["counter"], one["day"], one["last"]) for one in movement.evidence.get("numbered", ())]
    changes += _partial_holds(movement, facts)
    if unannounced(movement):
        changes.append(PendingSet(movement, pending_keys(movement)))
    return changes + _lives(movement, facts)


def item_change(epc: str, line: Line, movement: Movement, status: str) -> ItemChange:
    """A tagged item went where its movement went."""
    return ItemChange(
        epc=epc,
        gtin=line.gtin or "",
        lot=line.lot or "",
        serial=decode(epc).ai.get("21", ""),
        location=movement.destination,
        parent=movement.sscc,
        status=status,
        expiry=line.expiry,
    )


def unannounced(movement: Movement) -> bool:
    """Whether this receipt waits for somebody to announce it."""
    inward = movement.type in ("receive", "return")
    return inward and movement.verdict == reasons.HELD and "no_expectation" in movement.reasons


def pending_keys(movement: Movement) -> tuple[str, ...]:
    """What finds a waiting receipt again: its unit, else the products and the tags that came."""
    if movement.sscc is not None:
        return (movement.sscc,)
    named = {line.gtin for line in movement.lines if line.gtin} | {epc for line in movement.lines for epc in line.epcs}
    return tuple(sorted(named))


COVERED = frozenset({"on_hold", "held_there"})
"""Reasons for which a hold on the whole lot speaks already, where there is one."""


def _partial_holds(movement: Movement, facts: Facts) -> list[Effect]:
    """Goods that arrive held have a hold of their own, so that the end of another hold does not set them free."""
    place = movement.destination
    if movement.verdict != reasons.HELD or place is None:
        return []
    changes: list[Effect] = []
    table = reasons.table(movement.type)
    why = [code for code in movement.reasons if table.get(code, reasons.HELD) != reasons.ACCEPTED]
    for gtin, lot in dict.fromkeys((line.gtin, line.lot) for line in movement.lines if line.gtin and line.lot):
        assert gtin is not None
        assert lot is not None
        known = facts.lots.get(f"{gtin}/{lot}")
        covered = known is not None and bool({place, ""} & set(known.held_at))
        if not (covered and set(why) <= COVERED):
            reason = why[0] if why else movement.verdict
            changes.append(HoldSet(gtin, lot, place, reason, movement.by, f"movement/{movement.movement}", whole=False))
    return changes


def left_behind(facts: Facts, gone: set[str]) -> list[Effect]:
    """What units still hold whose items went without them."""
    changes: list[Effect] = []
    parents = sorted({item.parent for epc in gone if (item := facts.items.get(epc)) is not None and item.parent})
    for sscc in parents:
        unit = facts.units.get(sscc)
        if unit is None or unit.location is None:
            continue
        contents = []
        for content in unit.contents:
            taken = [epc for epc in content.epcs if epc in gone]
            rest = content.quantity - len(taken) * SCALE
            if rest > 0:
                epcs = tuple(epc for epc in content.epcs if epc not in gone)
                contents.append(line_of(structs.replace(content, quantity=rest, epcs=epcs)))
        changes.append(UnitChange(sscc, unit.location if contents else None, unit.status, tuple(contents)))
    return changes


def line_of(content: Content) -> Line:
    """Contents of a unit as a line that moves."""
    return Line(
        gtin=content.gtin or None,
        lot=content.lot or None,
        quantity=content.quantity,
        unit=content.unit,
        resolved_by="contents",
        epcs=content.epcs,
        expiry=content.expiry,
        basis=content.basis,
        prefix=content.prefix,
        status=content.status,
    )


def _lives(movement: Movement, facts: Facts) -> list[Effect]:
    """The steps that the lots of a movement take in their lives."""
    changes: list[Effect] = []
    for gtin, lot in dict.fromkeys((line.gtin, line.lot) for line in movement.lines if line.gtin and line.lot):
        known = facts.lots.get(f"{gtin}/{lot}")
        life, qc = (known.life, known.qc) if known is not None else (None, None)
        gone = movement.destination is None
        if movement.type in ("receive", "return"):
            step = "pending_inspection" if (qc or "").lower() in quality.PENDING else "in_stock"
            if movement.verdict == reasons.HELD and step == "in_stock":
                step = "on_hold"
            if life in SETTLED or (life == "in_stock" and step == "on_hold"):
                continue
        elif gone:
            step = "disposed" if movement.purpose == "disposal" else "shipped"
        elif movement.verdict == reasons.ACCEPTED and life in (None, "released"):
            step = "in_stock"
        else:
            continue
        assert gtin is not None
        assert lot is not None
        reason = movement.reasons[0] if movement.reasons else movement.verdict
        device = movement.device if movement.by else movement.portal
        changes.append(LotChange(gtin, lot, step, reason, movement.at, movement.by, device, movement.movement, gone))
    return changes


def applied(facts: Facts, changes: list[Effect]) -> Facts:
    """The facts as the ledger will answer them once these changes are in it: what the same turn decides next."""
    units, items, expected, numbers = dict(facts.units), dict(facts.items), dict(facts.expected), dict(facts.numbers)
    for change in changes:
        match change:
            case UnitChange():
                contents = tuple(_content(line) for line in change.contents)
                units[change.sscc] = Unit(change.sscc, change.location, change.status, contents)
            case ItemChange():
                items[change.epc] = Item(
                    epc=change.epc,
                    gtin=change.gtin,
                    lot=change.lot,
                    state="left" if change.location is None else "present",
                    location=change.location,
                    parent=change.parent,
                    status=change.status,
                    expiry=change.expiry,
                )
            case UnitDone():
                expected[change.sscc] = tuple(
                    structs.replace(one, state=change.state) if (one.kind, one.id) == (change.kind, change.id) else one
                    for one in expected.get(change.sscc, ())
                )
            case NumberTaken():
                numbers[change.counter] = change.last
    return structs.replace(facts, units=units, items=items, expected=expected, numbers=numbers)


def _content(line: Line) -> Content:
    return Content(
        gtin=line.gtin or "",
        lot=line.lot or "",
        quantity=line.quantity,
        unit=line.unit,
        basis=line.basis,
        expiry=line.expiry,
        prefix=line.prefix,
        epcs=line.epcs,
        status=line.status,
    )


def delta(line: Line, location: str, status: str, quantity: int) -> StockDelta:
    """So much more or less of a line's lot in a place."""
    return StockDelta(line.gtin or "", line.lot or "", location, status, quantity, line.unit)
