"""What a movement does to the ledger (DESIGN §2: accepted and held change stock, refused does not). Pure."""

from msgspec import structs

from gateway.identity import decode
from gateway.model.facts import Content, Facts, Item, Unit
from gateway.model.outcome import Effect, ItemChange, Line, Movement, StockDelta, UnitChange, UnitDone
from gateway.rules import reasons


def effects(movement: Movement) -> list[Effect]:
    """Stock, items, unit and expectation changes of one movement."""
    status = movement.status
    if movement.verdict == reasons.REFUSED:
        return []
    changes: list[Effect] = []
    for line in movement.lines:
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
        changes.append(UnitChange(movement.sscc, movement.destination, status, movement.lines))
    if movement.expectation is not None and movement.sscc is not None:
        kind, _, ident = movement.expectation.partition("/")
        state = "received" if movement.type == "receive" else "shipped"
        changes.append(UnitDone(kind, ident, movement.sscc, state, movement.movement))
    return changes


def applied(facts: Facts, changes: list[Effect]) -> Facts:
    """The facts as the ledger will answer them once these changes are in it: what the same turn decides next."""
    units, items, expected = dict(facts.units), dict(facts.items), dict(facts.expected)
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
    return structs.replace(facts, units=units, items=items, expected=expected)


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
    )


def _delta(line: Line, location: str, status: str, quantity: int) -> StockDelta:
    return StockDelta(line.gtin or "", line.lot or "", location, status, quantity, line.unit)
