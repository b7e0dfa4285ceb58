"""A trace: everything the ledger knows of a lot, a logistic unit or an item, and of what it came from and went into.

`trace` reads only, on one connection that sees one state of the ledger. Its answer is one plain dict for JSON
(`schema` 1; docs/traceability.md lists the keys). Instants are µs, quantities decimal text.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import and_, bindparam, select

from gateway.ledger.facts import Asking
from gateway.ledger.genealogy import Family, Lot, family, lines_of, lots_on, units_holding
from gateway.ledger.history import REFUSED, Found, Lines, lines_of_movements, told
from gateway.ledger.sql import chunks
from gateway.ledger.subjects import Subject
from gateway.ledger.tables import (
    alarms,
    excursion_lots,
    excursions,
    holds,
    items,
    lot_changes,
    lots,
    movement_items,
    movements,
    stays,
    stock,
    units,
)
from gateway.model.quantity import format_quantity

SCHEMA = 1


def trace(asking: Asking, subject: Subject, *, forward: bool = True, back: bool = True, tags: bool = False) -> Found:
    """The story of a subject: `forward` into products and destinations, `back` to ingredients and origins.

    `tags` adds the EPCs of every line and every item of the lots; without it they are counted.
    """
    own = _own(asking, subject)
    kin = family(asking, _lots_of(asking, subject, own), forward=forward, back=back)
    lines = _lines(asking, kin, own)
    story = story_of(asking, lines, tags=tags)
    mine = [one for one in story if one["movement"] in own and counts(one)]
    places = None if subject.kind == "lot" else _places(mine)
    exceeded = _excursions(asking, kin, places)
    rested = places if places is not None else _stays(asking, kin)
    units_seen = {one["sscc"] for one in story if one["sscc"]}
    if subject.kind == "lot":
        units_seen |= units_holding(asking, [subject_lot(subject), *kin.products])
    return {
        "schema": SCHEMA,
        "subject": {name: value for name in _NAMES if (value := getattr(subject, name))},
        "forward": forward,
        "back": back,
        "complete": kin.complete,
        "lots": lot_rows(asking, kin),
        "lineage": kin.links,
        "units": unit_rows(asking, units_seen),
        "items": _items(asking, subject, kin, own) if tags or subject.kind != "lot" else [],
        "places": rested,
        "movements": story,
        "origins": [one for one in crossings(story) if one["from"] is None] if back else [],
        "destinations": [one for one in crossings(story) if one["to"] is None] if forward else [],
        "excursions": exceeded,
        "alarms": _alarms(asking, {one["location"] for one in rested if one["left"] is None}),
        "climate": _climate(story, exceeded),
    }


_MASTER = ("product", "produced", "expiry", "best_before", "supplier", "qc", "state", "life", "attributes")
_CROSSING = ("at", "type", "purpose", "from", "to", "party", "expectation", "documents", "sscc")
_NAMES = ("kind", "gtin", "lot", "sscc", "epc", "serial")


def subject_lot(subject: Subject) -> Lot:
    """GTIN and lot of a subject of kind lot."""
    return subject.gtin, subject.lot


def crossings(story: Iterable[Found]) -> list[Found]:
    """What came in or went out, one row a line: when, what, how much, from or to whom.

    What was refused did not go, and of a movement that was told wrongly only the one that took its place counts.
    """
    return [
        {name: one[name] for name in _CROSSING}
        | {name: line[name] for name in ("gtin", "lot", "quantity", "unit", "tags")}
        | {name: one[name] for name in ("movement", "portal", "by", "event")}
        for one in story
        if counts(one) and (one["from"] is None or one["to"] is None)
        for line in one["lines"]
    ]


def counts(one: Found) -> bool:
    """Whether a movement of a story moved goods, and was not told wrongly."""
    return one["verdict"] != REFUSED and one["corrected_by"] is None


def _corrected(asking: Asking, story: list[Found], *, tags: bool) -> list[Found]:
    """The story with the movements that others in it took the place of; each says which other that is."""
    instead = {one["corrects"]: one["movement"] for one in story if one["corrects"]}
    absent = instead.keys() - {one["movement"] for one in story}
    if absent:
        story = [*story, *told(asking, lines_of_movements(asking, absent), tags=tags)]
    for one in story:
        one["corrected_by"] = instead.get(one["movement"])
    return sorted(story, key=lambda one: (one["at"], one["movement"]))


def _own(asking: Asking, subject: Subject) -> Lines:
    """The lines that are the subject's own: all of a lot's, all of a unit's movements, the one line of an item."""
    if subject.kind == "lot":
        return lines_of(asking, [subject_lot(subject)])
    if subject.kind == "unit":
        mine = select(movements.c.movement).where(movements.c.site == asking.site, movements.c.sscc == subject.sscc)
        return lines_of_movements(asking, [row["movement"] for row in asking.rows(mine)])
    of = movement_items.c
    mine = select(of.movement, of.line).where(of.site == asking.site, of.epc == subject.epc)
    carried = {row["movement"]: row["line"] for row in asking.rows(mine)}
    return {
        movement: [row for row in rows if row["line"] == carried[movement]]
        for movement, rows in lines_of_movements(asking, carried).items()
    }


def _lots_of(asking: Asking, subject: Subject, own: Lines) -> set[Lot]:
    if subject.kind == "lot":
        return {subject_lot(subject)}
    named = {(row["gtin"], row["lot"]) for rows in own.values() for row in rows if row["gtin"] and row["lot"]}
    if subject.kind == "unit":
        return named | lots_on(asking, subject.sscc, own)
    return named | ({subject_lot(subject)} if subject.gtin and subject.lot else set())


def story_of(asking: Asking, lines: Lines, *, tags: bool = False) -> list[Found]:
    """The movements of these lines by time, with those that were told wrongly."""
    return _corrected(asking, told(asking, lines, tags=tags), tags=tags)


def _lines(asking: Asking, kin: Family, own: Lines) -> Lines:
    """Own lines, all of the products, and those of ingredients up to the last time they were used here."""
    found = {movement: list(rows) for movement, rows in own.items()}
    others: dict[str, list[Any]] = lines_of(asking, kin.products) if kin.products else {}
    if kin.ingredients:
        before = lines_of(asking, kin.ingredients)
        at = _instants(asking, before)
        for movement, rows in before.items():
            used = [row for row in rows if at[movement] <= kin.ingredients.get((row["gtin"], row["lot"]), at[movement])]
            if used:
                others.setdefault(movement, []).extend(used)
    for movement, rows in others.items():
        known = found.setdefault(movement, [])
        numbers = {row["line"] for row in known}
        known += [row for row in rows if row["line"] not in numbers]
    return found


def _instants(asking: Asking, ids: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in chunks(sorted(ids)):
        mine = select(movements.c.movement, movements.c.at)
        mine = mine.where(movements.c.site == asking.site, movements.c.movement.in_(some))
        found |= {row["movement"]: row["at"] for row in asking.rows(mine)}
    return found


def lot_rows(asking: Asking, kin: Family) -> list[Found]:
    """Every lot of the family: master data, changes of its life, holds, and what of it is here."""
    return [_lot(asking, lot, kin) for lot in sorted(kin.lots)]


def _lot(asking: Asking, lot: Lot, kin: Family) -> Found:
    gtin, number = lot
    found: Found = {"gtin": gtin, "lot": number, "relation": kin.lots[lot]}
    row = next(iter(asking.of(lots, gtin=gtin, lot=number)), None)
    for name in _MASTER:
        found[name] = row[name] if row else None
    changes = asking.of(lot_changes, gtin=gtin, lot=number)
    found["changes"] = [
        {name: one[name] for name in ("at", "before", "after", "reason", "by", "device", "movement")}
        for one in sorted(changes, key=lambda one: (one["at"], one["change"]))
    ]
    held = asking.of(holds, gtin=gtin, lot=number)
    found["holds"] = [
        {name: one[name] for name in ("location", "reason", "at", "by", "source", "released", "released_by")}
        for one in sorted(held, key=lambda one: (one["at"], one["hold"]))
    ]
    found["held"] = any(one["released"] is None for one in found["holds"])
    here = asking.of(stock, gtin=gtin, lot=number)
    found["stock"] = [
        {name: one[name] for name in ("location", "status", "unit")} | {"quantity": format_quantity(one["quantity"])}
        for one in sorted(here, key=lambda one: (one["location"], one["status"], one["unit"], one["owner"]))
    ]
    return found


def _stays(asking: Asking, kin: Family) -> list[Found]:
    """Where the lots rested, by time; an ingredient until it was used."""
    found = []
    for gtin, lot in sorted(kin.lots):
        until = kin.ingredients.get((gtin, lot))
        found += [
            {name: row[name] for name in ("gtin", "lot", "location", "entered", "left", "unit")}
            | {"quantity": format_quantity(row["quantity"])}
            for row in asking.of(stays, gtin=gtin, lot=lot)
            if until is None or row["entered"] <= until
        ]
    return sorted(found, key=lambda one: (one["entered"], one["gtin"], one["lot"], one["location"], one["unit"]))


def _places(story: Iterable[Found]) -> list[Found]:
    """Where a unit or an item rested, from its own movements: each ends a stay, or begins one."""
    found: list[Found] = []
    for one in story:
        if found and found[-1]["left"] is None:
            found[-1]["left"] = one["at"]
        if one["to"] is not None:
            found.append({"location": one["to"], "entered": one["at"], "left": None})
    return found


_SUFFERED = (
    select(excursions, excursion_lots.c.minutes)
    .join(
        excursion_lots,
        and_(*(excursions.c[name] == excursion_lots.c[name] for name in ("site", "excursion"))),
    )
    .where(*(excursion_lots.c[name] == bindparam(name) for name in ("site", "gtin", "lot")))
)


def _excursions(asking: Asking, kin: Family, places: list[Found] | None) -> list[Found]:
    """Broken limits that the lots stood in, by time: an ingredient until it was used; a unit or item itself."""
    found: dict[str, Found] = {}
    names = ("excursion", "alarm", "sensor", "quantity", "unit", "location", "start", "end", "min", "max", "mean")
    for gtin, lot in sorted(kin.lots):
        until = kin.ingredients.get((gtin, lot))
        where = places if kin.lots[gtin, lot] == "self" else None
        for row in asking.rows(_SUFFERED, {"site": asking.site, "gtin": gtin, "lot": lot}):
            if until is not None and row["start"] > until:
                continue
            one = {name: row[name] for name in (*names, "limit", "side", "hold", "hash")} | {"lots": []}
            if where is None or any(_overlap(one, place) for place in where):
                found.setdefault(row["excursion"], one)["lots"].append(
                    {"gtin": gtin, "lot": lot, "minutes": row["minutes"]}
                )
    return sorted(found.values(), key=lambda one: (one["start"], one["excursion"]))


def _overlap(excursion: Mapping[str, Any], place: Mapping[str, Any]) -> bool:
    here = excursion["location"] == place["location"] and excursion["end"] >= place["entered"]
    return here and (place["left"] is None or excursion["start"] <= place["left"])


def _alarms(asking: Asking, locations: Iterable[str]) -> list[Found]:
    """Alarms that stand now where the goods stand: an excursion is written down when it has ended."""
    names = ("alarm", "state", "priority", "since", "value", "limit", "location")
    here = sorted(locations)
    mine = select(alarms).where(alarms.c.site == asking.site, alarms.c.state != "normal")
    rows = asking.rows(mine.where(alarms.c.location.in_(here)).order_by(alarms.c.alarm)) if here else []
    return [{name: row[name] for name in names} for row in rows]


def _climate(story: Iterable[Found], exceeded: Iterable[Found]) -> list[Found]:
    """The least and greatest value of each quantity: at the doors it passed, and in the excursions it stood in."""
    seen: dict[tuple[str, str], list[float]] = {}
    for one in story:
        for _, quantity, value, unit, _ in one["climate"] or ():
            seen.setdefault((quantity, unit), []).append(value)
    for one in exceeded:
        seen.setdefault((one["quantity"], one["unit"]), []).extend((one["min"], one["max"]))
    return [
        {"quantity": quantity, "unit": unit, "min": min(values), "max": max(values), "values": len(values)}
        for (quantity, unit), values in sorted(seen.items())
    ]


def unit_rows(asking: Asking, ssccs: Iterable[str]) -> list[Found]:
    """The units by SSCC; one that never came to rest here has no state."""
    found = {sscc: {"sscc": sscc, "state": None, "location": None, "status": None} for sscc in ssccs}
    for some in chunks(sorted(found)):
        mine = select(units).where(units.c.site == asking.site, units.c.sscc.in_(some))
        for row in asking.rows(mine):
            found[row["sscc"]] = {name: row[name] for name in ("sscc", "state", "location", "status")}
    return [found[sscc] for sscc in sorted(found)]


def _items(asking: Asking, subject: Subject, kin: Family, own: Lines) -> list[Found]:
    """The item itself; of a unit what it carried; of a lot its items."""
    of = items.c
    base = select(items).where(of.site == asking.site)
    rows: list[Any] = []
    if subject.kind == "lot":
        for gtin, lot in sorted(kin.lots):
            rows += asking.rows(base.where(of.gtin == gtin, of.lot == lot))
    else:
        carried = {epc for some in own.values() for row in some for epc in row["epcs"]}
        epcs = {subject.epc} if subject.kind == "item" else carried
        for some in chunks(sorted(epcs)):
            rows += asking.rows(base.where(of.epc.in_(some)))
    names = ("epc", "gtin", "lot", "serial", "state", "location", "parent", "status", "expiry")
    return sorted(({name: row[name] for name in names} for row in rows), key=lambda one: str(one["epc"]))
