"""What rules want to know beside the goods themselves: their master data, their neighbours, what they went through."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, and_, exists, func, or_, select

from gateway.ledger.sql import Asking, chunks
from gateway.ledger.tables import excursion_lots, excursions, holds, lots, stays, stock
from gateway.model.facts import Expected, Goods, Journey, Neighbour
from gateway.model.quality import NOT_RELEASABLE, PENDING, REJECTED

NEAREST = 8
"""Lots of a product that are told, beside those in question, by each order."""

LATEST_STAYS = 200
"""Stays of a lot that are told, the latest first."""

MASTER = ("product", "produced", "supplier", "attributes", "shelf_life_days")

Lots = Iterable[tuple[str, str]]


def master(row: RowMapping | None) -> dict[str, Any]:
    """What a lot's row says beyond its expiry and quality, as far as it says anything."""
    if row is None:
        return {}
    return {name: row[name] for name in MASTER if name in row and row[name] is not None}


def door(extra: dict[str, Any] | None) -> str | None:
    """The portal that a document names, when it names one."""
    named = (extra or {}).get("door")
    return named if isinstance(named, str) else None


def since(day: str, expected: dict[str, tuple[Expected, ...]]) -> str:
    """The first day on which a lot may expire and still go where these units go: `day`, and what customers ask for."""
    days = [one.min_shelf_life_days or 0 for several in expected.values() for one in several if one.kind == "order"]
    return (date.fromisoformat(day) + timedelta(days=min(days, default=0))).isoformat()


def standing(asking: Asking, named: Lots, wanted: tuple[str, ...], first: str) -> dict[str, Goods]:
    """What stands of each product on the site, and the releasable lots that come first by the orders wanted.

    `first` is the day before which nothing may expire that should leave: what is past its date hides nothing else.
    """
    own: dict[str, set[str]] = defaultdict(set)
    for gtin, lot in named:
        if gtin:
            own[gtin].add(lot)
    found: dict[str, Goods] = {}
    for gtin in sorted(own):
        mine = and_(stock.c.site == asking.site, stock.c.gtin == gtin)
        goods = _sums(asking, mine) if "stock" in wanted else Goods()
        rows: dict[tuple[str, str, str], Neighbour] = {}
        for name in wanted:
            if name in _ORDERS:
                rows |= _neighbours(asking, mine, name, first, NEAREST + len(own[gtin]))
        goods = Goods(goods.on_hand, goods.available, tuple(rows[key] for key in sorted(rows)))
        if goods != Goods():
            found[gtin] = goods
    return found


def _sums(asking: Asking, mine: ColumnElement[bool]) -> Goods:
    total: dict[str, int] = defaultdict(int)
    free: dict[str, int] = defaultdict(int)
    query = select(stock.c.unit, stock.c.status, func.sum(stock.c.quantity).label("quantity"))
    for row in asking.rows(query.where(mine).group_by(stock.c.unit, stock.c.status).order_by(stock.c.unit)):
        total[row["unit"]] += int(row["quantity"])
        if row["status"] == "available":
            free[row["unit"]] += int(row["quantity"])
    return Goods(dict(total), dict(free))


_SAME = ("site", "gtin", "lot")
_ARRIVED = (
    select(func.min(stays.c.entered))
    .where(*(stays.c[name] == stock.c[name] for name in _SAME))
    .correlate(stock)
    .scalar_subquery()
)
_ORDERS: dict[str, tuple[ColumnElement[Any], ...]] = {
    "fefo": (lots.c.expiry,),
    "fifo": (_ARRIVED,),
    "lifo": (_ARRIVED.desc(),),
}


def _neighbours(
    asking: Asking, mine: ColumnElement[bool], order: str, first: str, limit: int
) -> dict[tuple[str, str, str], Neighbour]:
    query = _releasable(mine, first).order_by(*_ORDERS[order], stock.c.lot, stock.c.location, stock.c.unit)
    if order == "fefo":
        query = query.where(lots.c.expiry.is_not(None))
    return {(row["lot"], row["location"], row["unit"]): Neighbour(**row) for row in asking.rows(query.limit(limit))}


def _releasable(mine: ColumnElement[bool], first: str) -> Select[Any]:
    """Stock that may leave: available, of lots without an open hold, let pass by quality control, not expired."""
    lot = and_(*(lots.c[name] == stock.c[name] for name in _SAME))
    held = exists().where(
        *(holds.c[name] == stock.c[name] for name in _SAME), holds.c.released.is_(None), holds.c.whole
    )
    word = func.lower(lots.c.qc)
    passed = or_(
        lots.c.qc.is_(None), word.not_in((*PENDING, *REJECTED)), and_(word.in_(PENDING), lots.c.life == "released")
    )
    alive = or_(lots.c.life.is_(None), lots.c.life.not_in(NOT_RELEASABLE))
    good = or_(lots.c.expiry.is_(None), lots.c.expiry >= first)
    columns = (stock.c.lot, stock.c.location, stock.c.quantity, stock.c.unit, lots.c.expiry)
    return (
        select(*columns, _ARRIVED.label("arrived"))
        .outerjoin(lots, lot)
        .where(mine, stock.c.lot != "", stock.c.status == "available", stock.c.quantity > 0, passed, alive, good, ~held)
    )


def journeys(asking: Asking, named: Lots) -> dict[str, Journey]:
    """The excursions and the stays of each lot."""
    by_gtin: dict[str, list[str]] = defaultdict(list)
    for gtin, lot in sorted(set(named)):
        if gtin and lot:
            by_gtin[gtin].append(lot)
    found: dict[str, Journey] = {}
    for gtin, numbers in by_gtin.items():
        for some in chunks(numbers):
            suffered = _excursions(asking, gtin, some)
            for lot in some:
                arrived, places = _places(asking, gtin, lot)
                one = suffered.get(lot)
                journey = Journey(arrived, stays=places)
                if one is not None:
                    minutes = round(one["minutes"], 2)
                    journey = Journey(arrived, one["count"], minutes, one["low"], one["high"], places)
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
            excursions.c.unit == "Cel",
        )
        .group_by(excursion_lots.c.lot)
    )
    return {row["lot"]: row for row in asking.rows(query)}


def _places(asking: Asking, gtin: str, lot: str) -> tuple[int | None, tuple[tuple[str, int, int | None], ...]]:
    """When a lot first came, and where it has been lately."""
    mine = (stays.c.site == asking.site, stays.c.gtin == gtin, stays.c.lot == lot)
    arrived: int | None = asking.connection.scalar(select(func.min(stays.c.entered)).where(*mine))
    if arrived is None:
        return None, ()
    latest = select(stays).where(*mine).order_by(stays.c.entered.desc(), stays.c.location, stays.c.unit)
    rows = asking.rows(latest.limit(LATEST_STAYS))
    return arrived, tuple((row["location"], row["entered"], row["left"]) for row in rows)
