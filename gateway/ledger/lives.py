"""The life of lots: steps with who, when and where; releases; numbers given; lineage; receipts that wait."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Table, and_, bindparam, delete, func, insert, select, update

from gateway.ledger.sql import Turn
from gateway.ledger.tables import (
    holds,
    items,
    lineage,
    lot_changes,
    lots,
    numbering,
    pending_keys,
    pending_receipts,
    stock,
    unit_contents,
    units,
)
from gateway.model.outcome import (
    Descent,
    HoldEnd,
    LotChange,
    LotMade,
    NumberTaken,
    PendingDone,
    PendingSet,
)


def end_holds(turn: Turn, changes: Iterable[HoldEnd]) -> None:
    """End holds where they were set; the goods become available where no other hold on them is open."""
    for change in changes:
        mine = and_(
            holds.c.site == turn.site,
            holds.c.gtin == change.gtin,
            holds.c.lot == change.lot,
            holds.c.released.is_(None),
        )
        ended = [mine]
        if change.location:
            ended.append(holds.c.location == change.location)
        if change.source:
            ended.append(holds.c.source == change.source)
        turn.connection.execute(update(holds).where(*ended).values(released=turn.now, released_by=change.by))
        if not change.whole:
            continue
        still = set(turn.connection.scalars(select(holds.c.location).where(mine)))
        for place in [] if "" in still else sorted(_held_places(turn, change) - still):
            free = msgspec.structs.replace(change, location=place)
            _free_stock(turn, free)
            _free_goods(turn, free)


def _held_places(turn: Turn, change: HoldEnd) -> set[str]:
    """Where the lot stands on hold, of the places that are meant."""
    if change.location:
        return {change.location}
    here = and_(stock.c.site == turn.site, stock.c.gtin == change.gtin, stock.c.lot == change.lot)
    return set(turn.connection.scalars(select(stock.c.location).where(here, stock.c.status == "hold")))


def _free_stock(turn: Turn, change: HoldEnd) -> None:
    held = and_(
        stock.c.site == turn.site,
        stock.c.gtin == change.gtin,
        stock.c.lot == change.lot,
        stock.c.location == change.location,
        stock.c.status == "hold",
        stock.c.quantity > 0,
    )
    rows = turn.connection.execute(select(stock).where(held)).mappings().all()
    if not rows:
        return
    turn.connection.execute(delete(stock).where(held))
    free = [dict(row) | {"status": "available", "changed": turn.now, "gateway": turn.gateway} for row in rows]
    turn.connection.execute(turn.upsert(stock, update=("changed", "gateway"), add=("quantity",)), free)


def _free_goods(turn: Turn, change: HoldEnd) -> None:
    """Items and contents of the lot there; a unit is free when all that it carries is."""
    turn.connection.execute(
        update(items)
        .where(
            items.c.site == turn.site,
            items.c.gtin == change.gtin,
            items.c.lot == change.lot,
            items.c.location == change.location,
        )
        .values(status="available", changed=turn.now)
    )
    here = select(units.c.sscc).where(units.c.site == turn.site, units.c.location == change.location)
    contents = and_(
        unit_contents.c.site == turn.site,
        unit_contents.c.gtin == change.gtin,
        unit_contents.c.lot == change.lot,
        unit_contents.c.sscc.in_(here),
    )
    touched = sorted(set(turn.connection.scalars(select(unit_contents.c.sscc).where(contents))))
    turn.connection.execute(update(unit_contents).where(contents).values(status="available"))
    for sscc in touched:
        still = select(unit_contents.c.line).where(
            unit_contents.c.site == turn.site, unit_contents.c.sscc == sscc, unit_contents.c.status == "hold"
        )
        if turn.connection.execute(still).first() is None:
            turn.connection.execute(
                update(units)
                .where(units.c.site == turn.site, units.c.sscc == sscc)
                .values(status="available", changed=turn.now, gateway=turn.gateway)
            )


def step(turn: Turn, changes: Iterable[LotChange]) -> None:
    """Steps in the lives of lots. The same step twice is one; a lot that is unknown becomes known."""
    for change in changes:
        lot = {"of_site": turn.site, "of_gtin": change.gtin, "of_lot": change.lot}
        if change.gone and (turn.connection.scalar(_ALL, lot) or 0) > 0:
            continue
        before = turn.connection.execute(_LIFE, lot).first()
        if before is not None and before.life == change.life:
            continue
        if before is None:
            make(turn, [LotMade(change.gtin, change.lot, None, None, None)])
        turn.connection.execute(_STEP, lot | {"now": turn.now, "to": change.life})
        row = turn.origin | {
            "gtin": change.gtin,
            "lot": change.lot,
            "at": change.at,
            "before": before.life if before is not None else None,
            "after": change.life,
            "reason": change.reason,
            "by": change.by,
            "device": change.device,
            "movement": change.movement,
        }
        turn.connection.execute(insert(lot_changes), row)


def _of(table: Table) -> Any:
    return and_(*(table.c[name] == bindparam(f"of_{name}") for name in ("site", "gtin", "lot")))


_ALL = select(func.sum(stock.c.quantity)).where(_of(stock))
_LIFE = select(lots.c.life).where(_of(lots))
_STEP = update(lots).where(_of(lots)).values(life=bindparam("to"), changed=bindparam("now"))


def make(turn: Turn, lots_made: Iterable[LotMade]) -> None:
    """Lots that this site made, named or met; what is known of one already stays."""
    for made in lots_made:
        row = turn.origin | {
            "gtin": made.gtin,
            "lot": made.lot,
            "version": 0,
            "state": "known",
            "expiry": made.expiry,
            "produced": made.produced,
            "supplier": made.supplier,
            "seq": 0,
            "changed": turn.now,
        }
        turn.connection.execute(turn.upsert(lots, update=()), row)


def take_numbers(turn: Turn, taken: Iterable[NumberTaken]) -> None:
    """Remember how far counters are."""
    rows = [{"site": turn.site, "changed": turn.now} | msgspec.structs.asdict(one) for one in taken]
    turn.connection.execute(turn.upsert(numbering), rows)


def descend(turn: Turn, descents: Iterable[Descent]) -> None:
    """Which lot was made from which."""
    rows = [
        turn.origin
        | {
            "transformation": one.transformation,
            "parent_gtin": one.parent[0],
            "parent_lot": one.parent[1],
            "parent_unit": one.parent_unit,
            "child_gtin": one.child[0],
            "child_lot": one.child[1],
            "child_unit": one.child_unit,
            "parent_quantity": one.parent_quantity,
            "child_quantity": one.child_quantity,
            "production": one.production,
            "at": one.at,
        }
        for one in descents
    ]
    turn.connection.execute(turn.upsert(lineage), rows)


def wait(turn: Turn, receipts: Iterable[PendingSet]) -> None:
    """Keep receipts until somebody announces them."""
    for one in receipts:
        row = turn.origin | {
            "movement": one.movement.movement,
            "at": one.movement.at,
            "state": "open",
            "body": msgspec.to_builtins(one.movement),
            "changed": turn.now,
        }
        turn.connection.execute(turn.upsert(pending_receipts), row)
        keys = [{"site": turn.site, "key": key, "movement": one.movement.movement} for key in one.keys]
        turn.connection.execute(turn.upsert(pending_keys, update=()), keys)


def wait_no_longer(turn: Turn, receipts: Iterable[PendingDone]) -> None:
    """Receipts that have been explained, or never will be."""
    for one in receipts:
        mine = and_(pending_receipts.c.site == turn.site, pending_receipts.c.movement == one.movement)
        turn.connection.execute(update(pending_receipts).where(mine).values(state=one.state, changed=turn.now))
        keys = and_(pending_keys.c.site == turn.site, pending_keys.c.movement == one.movement)
        turn.connection.execute(delete(pending_keys).where(keys))
