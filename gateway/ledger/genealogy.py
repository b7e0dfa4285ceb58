"""Who went into whom: lots into product lots, lots and items onto logistic units.

"X went into Y" is one relation, read from the same rows in both directions. So the trace forward of X contains Y if,
and only if, the trace back of Y contains X (a test holds it to that):

- a raw lot went into the product lots made from it, and through them into theirs;
- a lot went onto every unit whose movements or contents name it, or carried a tag that belongs to it;
- an item went onto every unit that it moved with.
"""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field
from sqlalchemy import ColumnElement, RowMapping, Table, bindparam, select

from gateway.ledger.facts import Asking
from gateway.ledger.history import Found, Lines, lines_of_lots, lines_of_movements, transformations
from gateway.ledger.sql import chunks
from gateway.ledger.tables import items, lineage, movement_items, unit_contents
from gateway.model.quantity import format_quantity

DEEPEST, WIDEST = 64, 5_000
"""Generations and lots that a trace follows; beyond, it says that it was cut."""

Lot = tuple[str, str]
"""GTIN and lot number."""

_UNTOLD: Found = dict.fromkeys(("location", "by", "device", "position", "hash"))
_LINK = ("transformation", "at", "production", "parent_gtin", "parent_lot", "child_gtin", "child_lot")


class Family(Struct):
    """Lots of a trace: those asked for, what they were made of, and what was made from them.

    `lots` says of each what it is (self, ingredient, product). `ingredients` have the last instant (µs) at which they
    went into something that is traced. `links` are rows for JSON. `complete` is false where the trace was cut.
    """

    lots: dict[Lot, str]
    ingredients: dict[Lot, int] = field(default_factory=dict)
    products: set[Lot] = field(default_factory=set)
    links: list[Found] = field(default_factory=list)
    complete: bool = True


def family(asking: Asking, own: Iterable[Lot], *, forward: bool, back: bool) -> Family:
    """Follow the lineage of lots, forward to products and back to ingredients. A circle ends where it began.

    A lot that is ingredient and product of another (rework) is listed as its product, and followed both ways.
    """
    kin = Family(dict.fromkeys(sorted(own), "self"))
    mine = set(kin.lots)
    links: dict[tuple[str, ...], Found] = {}
    if back:
        for row in _walk(asking, kin, mine, "child", "parent"):
            lot = (row["parent_gtin"], row["parent_lot"])
            if lot not in mine:
                kin.ingredients[lot] = max(row["at"], kin.ingredients.get(lot, 0))
            links[_key(row)] = _link(row)
    if forward:
        for row in _walk(asking, kin, mine, "parent", "child"):
            if (lot := (row["child_gtin"], row["child_lot"])) not in mine:
                kin.products.add(lot)
            links[_key(row)] = _link(row)
    kin.lots |= dict.fromkeys(kin.ingredients, "ingredient") | dict.fromkeys(kin.products, "product")
    told = transformations(asking, {one["transformation"] for one in links.values()})
    for one in links.values():
        one.update(_UNTOLD | told.get(one["transformation"], {}))
    kin.links = sorted(links.values(), key=lambda one: (one["at"], one["transformation"], _ends(one)))
    return kin


def _walk(asking: Asking, kin: Family, mine: set[Lot], near: str, far: str) -> list[RowMapping]:
    """Every row of the lineage on the way from `mine`, breadth first; each lot is visited once."""
    seen, edge, rows = set(mine), mine, []
    for _ in range(DEEPEST):
        found: list[RowMapping] = []
        for one, number in sorted(edge):
            found += asking.of(lineage, **{f"{near}_gtin": one, f"{near}_lot": number})
        rows += found
        edge = {(row[f"{far}_gtin"], row[f"{far}_lot"]) for row in found} - seen
        seen |= edge
        if not edge:
            return rows
        if len(seen) > WIDEST:
            break
    kin.complete = False
    return rows


def _key(row: RowMapping) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in (*_LINK, "parent_unit", "child_unit"))


def _ends(link: Found) -> tuple[str, ...]:
    return tuple(link[end][name] for end in ("from", "to") for name in ("gtin", "lot", "unit"))


def _link(row: RowMapping) -> Found:
    """One step of the genealogy: so much of a lot went into so much of another."""
    found: Found = {name: row[name] for name in ("transformation", "at", "production")}
    for end, name in (("from", "parent"), ("to", "child")):
        found[end] = {
            "gtin": row[f"{name}_gtin"],
            "lot": row[f"{name}_lot"],
            "quantity": format_quantity(row[f"{name}_quantity"]),
            "unit": row[f"{name}_unit"],
        }
    return found


def lines_of(asking: Asking, lots: Iterable[Lot]) -> dict[str, list[RowMapping]]:
    """Every movement line that names one of the lots or carried a tag of theirs, by movement."""
    wanted = list(lots)
    found = lines_of_lots(asking, wanted)
    other = [(movement, line) for movement, line in _tagged(asking, wanted) if not _has(found, movement, line)]
    by_movement = lines_of_movements(asking, {movement for movement, _ in other})
    for movement, line in other:
        found[movement] += [row for row in by_movement[movement] if row["line"] == line]
    return found


def _has(found: Lines, movement: str, line: int) -> bool:
    return any(row["line"] == line for row in found.get(movement, ()))


def _key_of(asking: Asking, gtin: str, lot: str) -> dict[str, Any]:
    return {"site": asking.site, "gtin": gtin, "lot": lot}


def _lot_of(table: Table) -> list[ColumnElement[bool]]:
    return [table.c[name] == bindparam(name) for name in ("site", "gtin", "lot")]


_ON = select(unit_contents.c.sscc).where(*_lot_of(unit_contents))
_CARRIED = (
    select(movement_items.c.movement, movement_items.c.line)
    .where(
        movement_items.c.site == bindparam("site"),
        # Not joined: SQLite might begin with the longest table.
        movement_items.c.epc.in_(select(items.c.epc).where(*_lot_of(items))),
    )
    .distinct()
)


def _tagged(asking: Asking, lots: Iterable[Lot]) -> set[tuple[str, int]]:
    """Movements and lines that carried items which belong to one of the lots (as the ledger believes now)."""
    return {
        (row["movement"], row["line"])
        for gtin, lot in lots
        for row in asking.rows(_CARRIED, _key_of(asking, gtin, lot))
    }


def units_holding(asking: Asking, lots: Iterable[Lot]) -> set[str]:
    """Units whose contents, as last known, name one of the lots."""
    return {row["sscc"] for gtin, lot in lots for row in asking.rows(_ON, _key_of(asking, gtin, lot))}


def lots_on(asking: Asking, sscc: str, lines: Lines) -> set[Lot]:
    """Lots that a unit carried beside those its `lines` name: of its contents, and of the tags in its lines."""
    of = unit_contents.c
    contents = select(of.gtin, of.lot).where(of.site == asking.site, of.sscc == sscc)
    found = {(row["gtin"], row["lot"]) for row in asking.rows(contents)}
    epcs = sorted({epc for rows in lines.values() for row in rows for epc in row["epcs"]})
    for some in chunks(epcs):
        tagged = select(items.c.gtin, items.c.lot).where(items.c.site == asking.site, items.c.epc.in_(some))
        found |= {(row["gtin"], row["lot"]) for row in asking.rows(tagged)}
    return {(gtin, lot) for gtin, lot in found if gtin and lot}
