"""Production: raw lots out of stock, product lots into it, and which came from which. Pure."""

from typing import Any

from msgspec import structs

from gateway.events.ids import event_id
from gateway.identity import decode
from gateway.model.documents import Portion, Production
from gateway.model.facts import Facts, Standing
from gateway.model.outcome import (
    Decision,
    Descent,
    Effect,
    HoldSet,
    ItemChange,
    Line,
    LotChange,
    LotMade,
    NumberTaken,
    ProductionDone,
    Transformation,
    UnitChange,
)
from gateway.model.quantity import format_quantity, parse_quantity
from gateway.model.settings import Settings
from gateway.rules.candidates import Producing
from gateway.rules.effects import delta, line_of
from gateway.rules.movements import held
from gateway.rules.numbering import Taken as Numbers
from gateway.rules.numbering import day_of, next_lot
from gateway.rules.orders import refusal
from gateway.rules.taking import Taken, take

Lot = tuple[str, str]


def produce(settings: Settings, one: Producing, facts: Facts) -> tuple[list[Decision], list[Effect], dict[str, Any]]:
    """Carry out a production order: as it says, or with the amounts and lots that the person says."""
    order = facts.productions.get(one.production)
    if order is None:
        done = one.production in facts.produced
        return [], [], refusal(f"production order {one.production!r} {'was carried out' if done else 'is not known'}")
    order = structs.replace(order, inputs=_said(order.inputs, one.inputs), outputs=_said(order.outputs, one.outputs))
    place = _place(order, facts)
    if isinstance(place, str):
        return [], [], refusal(place)
    consumed = _consumed(order, place, facts)
    if isinstance(consumed, str):
        return [], [], refusal(consumed)
    numbers: Numbers = {}
    outputs = _outputs(settings, order, facts, one.order.at, numbers)
    if isinstance(outputs, str):
        return [], [], refusal(outputs)
    location = order.location or next(iter(place.values())).location
    arrived = tuple(
        structs.replace(line, status="hold" if held(facts, line, location) else "available") for line in outputs
    )
    inputs = tuple(line for lines, _ in consumed for line in lines)
    made = Transformation(
        transformation=event_id(settings.site, settings.gateway, "transformation", f"command/{one.order.key}", 0),
        at=one.order.at,
        location=location,
        inputs=inputs,
        outputs=arrived,
        production=one.production,
        by=one.order.by,
        device=one.order.device,
    )
    changes = [change for _, some in consumed for change in some]
    changes += _made(settings, one, made)
    changes += [NumberTaken(counter, day, last) for (counter, day), last in sorted(numbers.items())]
    return [made], changes, _answer(made)


def _answer(made: Transformation) -> dict[str, Any]:
    told = {
        name: [
            {"gtin": line.gtin, "lot": line.lot, "quantity": format_quantity(line.quantity), "unit": line.unit}
            for line in lines
        ]
        for name, lines in (("inputs", made.inputs), ("outputs", made.outputs))
    }
    return {"ok": True, "transformation": made.transformation, "location": made.location, **told}


def _said(ordered: tuple[Portion, ...], said: tuple[Portion, ...]) -> tuple[Portion, ...]:
    """What is ordered, with what was said of a product in place of all that is ordered of it."""
    named = {portion.gtin for portion in said}
    return (*(portion for portion in ordered if portion.gtin not in named), *said)


def _place(order: Production, facts: Facts) -> dict[Lot, Standing] | str:
    """Where each raw lot is taken from: all from one place, that of the order if it names one."""
    found: dict[Lot, Standing] = {}
    if not order.inputs or not order.outputs:
        return f"production order {order.production} needs inputs and outputs"
    for portion in order.inputs:
        if portion.lot is None:
            return f"which lot of {portion.gtin}? Say it as input GTIN/LOT=QUANTITY"
        lot = (portion.gtin, portion.lot)
        places = [it for it in facts.standing.get("/".join(lot), ()) if it.stock]
        here = [it for it in places if order.location in (None, it.location)]
        if not here:
            where = f" in {order.location}" if order.location is not None else ""
            away = f"; it stands in {', '.join(it.location for it in places)}" if places else ""
            return f"{'/'.join(lot)} does not stand{where}{away}"
        if len(here) > 1:
            return f"{'/'.join(lot)} stands in {', '.join(it.location for it in here)}; the order names no location"
        found[lot] = here[0]
    if len(found) < len(order.inputs):
        return "an input lot is named twice; add up"
    if len({it.location for it in found.values()}) > 1:
        return f"inputs stand in {', '.join(sorted({it.location for it in found.values()}))}; move them together first"
    return found


def _consumed(
    order: Production, place: dict[Lot, Standing], facts: Facts
) -> list[tuple[tuple[Line, ...], list[Effect]]] | str:
    """What goes in of every raw lot, and what that does to stock, units and items."""
    found = []
    spent: dict[str, UnitChange] = {}  # units that an earlier input was taken out of
    for portion in order.inputs:
        lot = (portion.gtin, portion.lot or "")
        here = place[lot]
        if any(state == "hold" for state, _, _ in here.stock) and not any(
            state == "available" for state, _, _ in here.stock
        ):
            return f"{'/'.join(lot)} is on hold in {here.location}; it must be released first"
        here = structs.replace(here, units=tuple(_after(unit, spent) for unit in here.units))
        taken = take(lot, here, parse_quantity(portion.quantity), portion.unit)
        if isinstance(taken, str):
            return taken
        lines = _lines(taken)
        if any(held(facts, line, here.location) for line in lines):
            return f"{'/'.join(lot)} is on hold in {here.location}; it must be released first"
        spent |= {change.sscc: change for change in taken.left}
        spent |= {unit.sscc: UnitChange(unit.sscc, None, unit.status, ()) for unit in taken.units}
        found.append((lines, _effects(taken, lines, here.location)))
    return found


def _after(unit: Any, spent: dict[str, UnitChange]) -> Any:
    """A unit as it is after earlier inputs were taken out of it."""
    change = spent.get(unit.sscc)
    if change is None:
        return unit
    left = {(line.gtin, line.lot): line.quantity for line in change.contents}
    contents = tuple(
        structs.replace(content, quantity=left[content.gtin or None, content.lot or None])
        for content in unit.contents
        if (content.gtin or None, content.lot or None) in left
    )
    return structs.replace(unit, contents=contents)


def _lines(taken: Taken) -> tuple[Line, ...]:
    """The goods of a raw lot that go in: of whole units and of the rest, as one line."""
    inside = [line_of(content) for unit in taken.units for content in unit.contents]
    lines = [*inside, *([taken.line] if taken.line is not None else [])]
    first = lines[0]
    epcs = tuple(sorted(epc for line in lines for epc in line.epcs))
    basis = "sgtin" if all(line.basis == "sgtin" for line in lines) else "class"
    quantity = sum(line.quantity for line in lines)
    whole = structs.replace(first, quantity=quantity, epcs=epcs, basis=basis, resolved_by="stock", status="available")
    return (whole,)


def _effects(taken: Taken, lines: tuple[Line, ...], location: str) -> list[Effect]:
    changes: list[Effect] = [delta(line, location, "available", -line.quantity) for line in lines]
    for line in lines:
        changes += [
            ItemChange(
                epc, line.gtin or "", line.lot or "", decode(epc).ai.get("21", ""), None, None, "available", line.expiry
            )
            for epc in line.epcs
        ]
    changes += [UnitChange(unit.sscc, None, unit.status, ()) for unit in taken.units]
    return [*changes, *taken.left]


def _outputs(settings: Settings, order: Production, facts: Facts, at: int, numbers: Numbers) -> list[Line] | str:
    """What comes out; lots that nobody named get a number of our own."""
    lines = []
    for portion in order.outputs:
        lot = portion.lot or next_lot(settings, facts, at, numbers)
        if lot is None:
            return f"which lot is made of {portion.gtin}? Name it, or set lot_number in the configuration"
        by = "document" if portion.lot else "numbered"
        quantity = parse_quantity(portion.quantity)
        lines.append(Line(portion.gtin, lot, quantity, portion.unit, by, (), portion.expiry, "class"))
    return lines


def _made(settings: Settings, one: Producing, made: Transformation) -> list[Effect]:
    """Product lots, their stock and descent; raw lots of which nothing is left."""
    changes: list[Effect] = []
    order = one.order
    for line in made.outputs:
        lot = (line.gtin or "", line.lot or "")
        changes.append(LotMade(*lot, line.expiry, day_of(settings, order.at), settings.owner or None))
        changes.append(delta(line, made.location, line.status or "available", line.quantity))
        if line.status == "hold":
            source = f"transformation/{made.transformation}"
            changes.append(HoldSet(*lot, made.location, "on_hold", order.by, source, whole=False))
        life = "on_hold" if line.status == "hold" else "in_stock"
        changes.append(LotChange(*lot, life, "produced", order.at, order.by, order.device, made.transformation))
    for line in made.inputs:
        lot = (line.gtin or "", line.lot or "")
        step = LotChange(*lot, "consumed", "consumed", order.at, order.by, order.device, made.transformation, gone=True)
        changes.append(step)
    changes += [
        Descent(
            transformation=made.transformation,
            production=made.production,
            at=made.at,
            parent=(raw.gtin or "", raw.lot or ""),
            parent_quantity=raw.quantity,
            parent_unit=raw.unit,
            child=(product.gtin or "", product.lot or ""),
            child_quantity=product.quantity,
            child_unit=product.unit,
        )
        for raw in made.inputs
        for product in made.outputs
    ]
    return [*changes, ProductionDone(one.production)]
