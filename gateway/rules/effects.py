"""What a movement does to the ledger (DESIGN §2: accepted and held change stock, refused does not). Pure."""

from msgspec import structs

from gateway.identity import decode
from gateway.model import quality
from gateway.model.facts import Content, Facts, Item, Unit
from gateway.model.outcome import (
    Effect,
    ItemChange,
    Line,
    LotChange,
    Movement,
    NumberTaken,
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
    for line in movement.lines:
        status = line.status or movement.status
        if movement.origin is not None:
            changes.append(_delta(line, movement.origin, status, -line.quantity))
        if movement.destination is not None:
            changes.append(_delta(line, movement.destination, status, line.quantity))
        changes += [
            ItemChange(
                epc=epc,
                gtin=line.gtin or "",
                lot=line.lot or "",
                serial=decode(epc).ai.get("21", ""),
                location=movement.destination,
                parent=movement.sscc,
                status=status,
                expiry=line.expiry,
            )
            for epc in line.epcs
        ]
    if movement.sscc is not None:
        changes.append(UnitChange(movement.sscc, movement.destination, movement.status, movement.lines))
    else:
        changes += left_behind(facts, {epc for line in movement.lines for epc in line.epcs})
    if movement.expectation is not None and movement.sscc is not None:
        kind, _, ident = movement.expectation.partition("/")
        state = "received" if movement.type in ("receive", "return") else "shipped"
        changes.append(UnitDone(kind, ident, movement.sscc, state, movement.movement))
    changes += [NumberTaken(one["counter"], one["day"], one["last"]) for one in movement.evidence.get("numbered", ())]
    return changes + _lives(movement, facts)


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
        device = "" if movement.by else movement.portal
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


def _delta(line: Line, location: str, status: str, quantity: int) -> StockDelta:
    return StockDelta(line.gtin or "", line.lot or "", location, status, quantity, line.unit)
