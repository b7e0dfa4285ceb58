"""What a movement does to the ledger (DESIGN §2: accepted and held change stock, refused does not). Pure."""

from gateway.identity import decode
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


def _delta(line: Line, location: str, status: str, quantity: int) -> StockDelta:
    return StockDelta(line.gtin or "", line.lot or "", location, status, quantity, line.unit)
