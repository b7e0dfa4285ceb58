"""What rules want to know beside the goods themselves: their master data, their neighbours, what they went through."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, and_, exists, func, or_, select

from gateway.ledger.sql import Asking, chunks
from gateway.ledger.tables import excursion_lots, excursions, holds, lots, stays, stock
from gateway.model.facts import Goods, Journey, Neighbour

NEAREST = 8
"""Lots of a product that are told, beside those in question, by each order."""

LATEST_STAYS = 200
"""Stays of a lot that are told, the latest first."""

MASTER = ("product", "produced", "supplier", "attributes", "shelf_life_days")


def master(row: RowMapping | None) -> dict[str, Any]:
    """What a lot's row says beyond its expiry and quality, as far as it says anything."""
    if row is None:
        return {}
    return {name: row[name] for name in MASTER if name in row and row[name] is not None}


def door(extra: dict[str, Any] | None) -> str | None:
    """The portal that a document names, when it names one."""
    named = (extra or {}).get("door")
    return named if isinstance(named, str) else None


def standing(asking: Asking, named: set[tuple[str, str]]) -> dict[str, Goods]:
    """What stands of each product on the site: all of it, and the lots nearest by expiry, by arrival, by departure."""
    own: dict[str, set[str]] = defaultdict(set)
    for gtin, lot in named:
        if gtin:
            own[gtin].add(lot)
    found: dict[str, Goods] = {}
    for gtin in sorted(own):
        mine = and_(stock.c.site == asking.site, stock.c.gtin == gtin)
        total = int(asking.connection.scalar(select(func.sum(stock.c.quantity)).where(mine)) or 0)
        limit = NEAREST + len(own[gtin])
        rows: dict[tuple[str, str], Neighbour] = {}
        for order in (_expiry(), (stays.c.entered,), (stays.c.entered.desc(),)):
            for row in asking.rows(
                _neighbours(asking, mine).order_by(*order, stock.c.lot, stock.c.location).limit(limit)
            ):
                rows[row["lot"], row["location"]] = Neighbour(**row)
        found[gtin] = Goods(total, tuple(rows[key] for key in sorted(rows)))
    return found


def _expiry() -> tuple[ColumnElement[Any], ...]:
    return (lots.c.expiry.is_(None), lots.c.expiry)


def _neighbours(asking: Asking, mine: ColumnElement[bool]) -> Any:
    same = ("site", "gtin", "lot")
    lot = and_(*(lots.c[name] == stock.c[name] for name in same))
    here = and_(*(stays.c[name] == stock.c[name] for name in (*same, "location", "unit")), stays.c.left.is_(None))
    held = exists().where(*(holds.c[name] == stock.c[name] for name in same), holds.c.released.is_(None))
    columns = (stock.c.lot, stock.c.location, stock.c.quantity, stays.c.entered, lots.c.expiry)
    sound = or_(lots.c.qc.is_(None), lots.c.qc.not_in(("rejected", "pending", "inspection", "quarantine", "blocked")))
    return (
        select(*columns)
        .join(stays, here)
        .join(lots, lot)
        .where(mine, stock.c.status == "available", stock.c.quantity > 0, sound, ~held)
    )


def journeys(asking: Asking, named: Iterable[tuple[str, str]]) -> dict[str, Journey]:
    """The excursions and the stays of each lot."""
    by_gtin: dict[str, list[str]] = defaultdict(list)
    for gtin, lot in sorted(named):
        if gtin and lot:
            by_gtin[gtin].append(lot)
    found: dict[str, Journey] = {}
    for gtin, numbers in by_gtin.items():
        for some in chunks(numbers):
            suffered = _excursions(asking, gtin, some)
            places = _places(asking, gtin, some)
            for lot in some:
                one = suffered.get(lot)
                journey = Journey(stays=tuple(places.get(lot, ())))
                if one is not None:
                    journey = Journey(one["count"], round(one["minutes"], 2), one["low"], one["high"], journey.stays)
                if journey != Journey():
                    found[f"{gtin}/{lot}"] = journey
    return dict(sorted(found.items()))


def _excursions(asking: Asking, gtin: str, some: Iterable[str]) -> dict[str, RowMapping]:
    joined = and_(excursion_lots.c.site == excursions.c.site, excursion_lots.c.excursion == excursions.c.excursion)
    query = (
        select(
            excursion_lots.c.lot,
            func.count().label("count"),
            func.sum(excursion_lots.c.minutes).label("minutes"),
            func.min(excursions.c.min).label("low"),
            func.max(excursions.c.max).label("high"),
        )
        .join(excursions, joined)
        .where(
            excursion_lots.c.site == asking.site,
            excursion_lots.c.gtin == gtin,
            excursion_lots.c.lot.in_(some),
            excursions.c.quantity == "temperature",
        )
        .group_by(excursion_lots.c.lot)
    )
    return {row["lot"]: row for row in asking.rows(query)}


def _places(asking: Asking, gtin: str, some: Iterable[str]) -> dict[str, list[tuple[str, int, int | None]]]:
    mine = (stays.c.site == asking.site, stays.c.gtin == gtin, stays.c.lot.in_(some))
    found: dict[str, list[tuple[str, int, int | None]]] = defaultdict(list)
    query = select(stays).where(*mine).order_by(stays.c.lot, stays.c.entered.desc(), stays.c.location, stays.c.unit)
    for row in asking.rows(query):
        if len(found[row["lot"]]) < LATEST_STAYS:
            found[row["lot"]].append((row["location"], row["entered"], row["left"]))
    return found
