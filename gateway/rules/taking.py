"""So much of a lot out of what stands in a place: loose goods first, then out of logistic units. Pure.

Tagged items are never chosen by number: they go when all goes, else by their EPC or with their unit.
"""

from msgspec import Struct, structs

from gateway.model.facts import Content, Standing, Unit
from gateway.model.outcome import Line, UnitChange
from gateway.model.quantity import SCALE, format_quantity
from gateway.rules.effects import line_of


class Taken(Struct, frozen=True):
    """What is taken: whole units, a line of goods that stand on none of them, and what other units then hold."""

    units: tuple[Unit, ...]
    line: Line | None
    left: tuple[UnitChange, ...]


def take(
    lot: tuple[str, str], here: Standing, quantity: int | None, unit: str | None, status: str = "available"
) -> Taken | str:
    """Take `quantity` thousandths (None: all there is) in this status; or the reason why not."""
    name = f"{lot[0]}/{lot[1]}"
    there = {measure: amount for state, measure, amount in here.stock if state == status and amount > 0}
    if unit is None and len(there) > 1:
        return f"{name} stands in {here.location} in {', '.join(sorted(there))}; say which unit"
    measure = unit if unit is not None else next(iter(there), "each")
    total = there.get(measure, 0)
    wanted = total if quantity is None else quantity
    if not total or wanted > total:
        amount = f"{format_quantity(wanted)} {measure} of " if quantity is not None else ""
        word = "available" if status == "available" else "on hold"
        return f"{amount}{name}: {format_quantity(total)} {measure} of it is {word} in {here.location}"
    return (
        _all(lot, here, total, measure, status) if wanted == total else _some(lot, here, wanted, total, measure, status)
    )


def _mine(lot: tuple[str, str], content: Content, measure: str, status: str, unit: Unit) -> bool:
    return (content.gtin, content.lot, content.unit, content.status or unit.status) == (*lot, measure, status)


def _all(lot: tuple[str, str], here: Standing, total: int, measure: str, status: str) -> Taken:
    """Units that hold nothing else go as they are; of the others their part, and all that is loose."""
    whole: list[Unit] = []
    left: list[UnitChange] = []
    on_units, tags = 0, [one.epc for one in here.items if one.parent is None and one.status == status]
    for unit in here.units:
        inside = [content for content in unit.contents if _mine(lot, content, measure, status, unit)]
        if not inside:
            continue
        if len(inside) == len(unit.contents):
            whole.append(unit)
            on_units += sum(content.quantity for content in inside)
        else:
            rest = tuple(line_of(content) for content in unit.contents if content not in inside)
            left.append(UnitChange(unit.sscc, unit.location, unit.status, rest))
            tags += [epc for content in inside for epc in content.epcs]
    loose = total - on_units
    line = _line(lot, here, loose, measure, tuple(sorted(tags))) if loose > 0 else None
    return Taken(tuple(whole), line, tuple(left))


def _some(lot: tuple[str, str], here: Standing, wanted: int, total: int, measure: str, status: str) -> Taken | str:
    """Part of what is there: loose goods without tags, then goods without tags out of units, by SSCC."""
    each = SCALE if measure == "each" else 0
    spoken = {
        unit.sscc: [content for content in unit.contents if _mine(lot, content, measure, status, unit)]
        for unit in here.units
    }
    on_units = sum(content.quantity for inside in spoken.values() for content in inside)
    tagged = sum(each for one in here.items if one.parent is None and one.status == status)
    missing = wanted - min(wanted, max(0, total - on_units - tagged))
    left = []
    for unit in sorted(here.units, key=lambda one: one.sscc):
        contents, touched = [], False
        for content in unit.contents:
            free = content.quantity - len(content.epcs) * each if content in spoken[unit.sscc] else 0
            taken = min(missing, max(0, free))
            missing -= taken
            touched = touched or taken > 0
            if content.quantity > taken:
                contents.append(line_of(structs.replace(content, quantity=content.quantity - taken)))
        if touched:
            left.append(UnitChange(unit.sscc, unit.location if contents else None, unit.status, tuple(contents)))
    if missing:
        return (
            f"{format_quantity(missing)} {measure} of {lot[0]}/{lot[1]} in {here.location} have tags of their own: "
            "name them by EPC, or their unit by SSCC"
        )
    return Taken((), _line(lot, here, wanted, measure, ()), tuple(left))


def _line(lot: tuple[str, str], here: Standing, quantity: int, measure: str, epcs: tuple[str, ...]) -> Line:
    expiry = min((one.expiry for one in here.items if one.expiry), default=None)
    contents = [content for unit in here.units for content in unit.contents if (content.gtin, content.lot) == lot]
    expiry = expiry or min((content.expiry for content in contents if content.expiry), default=None)
    each = SCALE if measure == "each" else 0
    return Line(
        gtin=lot[0],
        lot=lot[1],
        quantity=quantity,
        unit=measure,
        resolved_by="stock",
        epcs=epcs,
        expiry=expiry,
        basis="sgtin" if epcs and quantity == len(epcs) * each else "class",
        prefix=next((content.prefix for content in contents if content.prefix is not None), None),
    )
