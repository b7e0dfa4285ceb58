"""Goods that a person moves (put-away) or disposes of, by unit, by item, or so much of a lot. Pure.

What is on hold does not move; what was rejected, and what nobody can name, may be disposed of.
"""

from typing import Any

from msgspec import Struct, structs

from gateway.events.ids import event_id
from gateway.model.facts import Facts, Standing, Unit
from gateway.model.outcome import (
    Decision,
    Effect,
    HoldEnd,
    Line,
    Movement,
    UnitChange,
)
from gateway.model.quantity import SCALE, format_quantity
from gateway.model.settings import Settings
from gateway.rules import reasons
from gateway.rules.candidates import Moving
from gateway.rules.correcting import Rule
from gateway.rules.effects import effects, line_of
from gateway.rules.movements import held, rejected, stopped
from gateway.rules.orders import refusal
from gateway.rules.taking import take


class Part(Struct, frozen=True):
    """What goes together: a unit, or goods on none. `left`: what units hold that they were taken out of."""

    origin: str
    lines: tuple[Line, ...]
    on_hold: bool
    status: str = "available"
    sscc: str | None = None
    left: tuple[UnitChange, ...] = ()


def move(
    settings: Settings, one: Moving, facts: Facts, rule: Rule
) -> tuple[list[Decision], list[Effect], dict[str, Any]]:
    """Carry out an order to move or to dispose, and answer it."""
    parts = _parts(one, facts)
    if isinstance(parts, str):
        return [], [], refusal(parts)
    told = [rule(_movement(settings, one, facts, part, number), facts) for number, part in enumerate(parts)]
    decisions: list[Decision] = [movement for movement, _ in told]
    changes: list[Effect] = []
    for part, (movement, found) in zip(parts, told, strict=True):
        decisions += [*found.firings, *found.alarms]
        done = effects(movement, facts)
        changes += [*done, *part.left, *_ended(one, facts, movement)] if done else []
    return decisions, changes, _answer([movement for movement, _ in told])


def _answer(movements: list[Movement]) -> dict[str, Any]:
    refused = [movement for movement in movements if movement.verdict == reasons.REFUSED]
    told = [
        {
            "movement": movement.movement,
            "verdict": movement.verdict,
            "reasons": list(movement.reasons),
            "from": movement.origin,
            "to": movement.destination,
            "sscc": movement.sscc,
            "lines": [
                {"gtin": line.gtin, "lot": line.lot, "quantity": format_quantity(line.quantity), "unit": line.unit}
                for line in movement.lines
            ],
        }
        for movement in movements
    ]
    if len(refused) < len(movements):
        return {"ok": True, "movements": told}
    why = ", ".join(dict.fromkeys(code for movement in refused for code in movement.reasons))
    return {"ok": False, "error": f"refused: {why}", "movements": told}


def _parts(one: Moving, facts: Facts) -> list[Part] | str:
    """What is meant, as it stands; or what is wrong with the order."""
    if one.lot is not None:
        found = _of_lot(one, one.lot, facts)
    elif one.quantity is not None or one.unit is not None:
        return "a quantity is of a lot; a unit and an item go as they are"
    elif one.sscc is not None:
        unit = facts.units.get(one.sscc)
        if unit is None or unit.location is None:
            return f"unit {one.sscc} is not here"
        found = [_whole(facts, unit)]
    else:
        item = facts.items.get(one.epc or "")
        if item is None or item.location is None:
            return f"item {one.epc} is not here"
        line = Line(item.gtin or None, item.lot or None, SCALE, "each", "item", (item.epc,), item.expiry)
        stopped_here = item.status == "hold" or held(facts, line, item.location)
        found = [Part(item.location, (line,), stopped_here, item.status)]
    if isinstance(found, str):
        return found
    for part in found:
        if one.origin is not None and part.origin != one.origin:
            return f"it stands in {part.origin}, not in {one.origin}"
        if part.origin == one.destination:
            return f"it stands in {part.origin} already"
    return found


def _whole(facts: Facts, unit: Unit) -> Part:
    assert unit.location is not None
    lines = tuple(line_of(content) for content in unit.contents)
    return Part(unit.location, lines, stopped(facts, unit, lines), unit.status, unit.sscc)


def _of_lot(one: Moving, lot: tuple[str, str], facts: Facts) -> list[Part] | str:
    name = "/".join(lot)
    known = facts.lots.get(name)
    status = "hold" if one.destination is None and known is not None and known.life == "rejected" else "available"
    places = [here for here in facts.standing.get(name, ()) if here.stock and one.origin in (None, here.location)]
    places = [here for here in places if here.location != one.destination] or places
    if not places:
        return f"{name} is not here" if one.origin is None else f"{name} does not stand in {one.origin}"
    if len(places) > 1:
        return f"{name} stands in {', '.join(here.location for here in places)}; say from where"
    here = places[0]
    if status == "available" and not any(state == status and amount > 0 for state, _, amount in here.stock):
        return [_held_back(lot, here)]
    taken = take(lot, here, one.quantity, one.unit, status)
    if isinstance(taken, str):
        return taken
    found = [_whole(facts, unit) for unit in taken.units]
    if taken.line is not None:
        line = structs.replace(taken.line, status=status)
        stopped_here = status == "hold" or held(facts, line, here.location)
        found.append(Part(here.location, (line,), stopped_here, status, left=taken.left))
    return found


def _held_back(lot: tuple[str, str], here: Standing) -> Part:
    """All of it is on hold: said as a movement that is refused."""
    lines = [
        Line(*lot, amount, measure, "stock", basis="class", status="hold")
        for state, measure, amount in here.stock
        if state == "hold"
    ]
    return Part(here.location, tuple(lines), True, "hold")


def _movement(settings: Settings, one: Moving, facts: Facts, part: Part, number: int) -> Movement:
    disposal = one.destination is None
    type_ = "ship" if disposal else "transfer"
    nameless = all(line.lot is None for line in part.lines)
    found = set()
    if part.on_hold and not (disposal and (nameless or rejected(facts, part.lines))):
        found.add("on_hold")
    elif one.destination is not None and any(held(facts, line, one.destination) for line in part.lines):
        found.add("held_there")
    verdict, codes = reasons.weigh(type_, found or {"disposed" if disposal else "put_away"})
    order = one.order
    return Movement(
        movement=event_id(settings.site, settings.gateway, "movement", f"command/{order.key}", number),
        passage=f"command/{order.key}",
        portal=part.origin,
        at=order.at,
        type=type_,
        origin=part.origin,
        destination=one.destination,
        verdict=verdict,
        reasons=codes,
        lines=part.lines,
        status=part.status,
        sscc=part.sscc,
        evidence={"note": order.note} if order.note else {},
        purpose="disposal" if disposal else "put_away",
        by=order.by,
        device=order.device,
        arrives=reasons.arrives(type_, verdict),
    )


def _ended(one: Moving, facts: Facts, movement: Movement) -> list[Effect]:
    """Holds in a place from which all of a lot was disposed of: there is nothing left that they could hold."""
    if one.lot is None or one.destination is not None:
        return []
    here = next((it for it in facts.standing.get("/".join(one.lot), ()) if it.location == movement.origin), None)
    gone = sum(line.quantity for line in movement.lines)
    if here is None or not here.holds or gone < sum(amount for _, _, amount in here.stock):
        return []
    return [HoldEnd(*one.lot, here.location, one.order.by, whole=False)]
