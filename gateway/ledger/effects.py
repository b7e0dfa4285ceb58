"""Effects become SQL: one applier per type, in the order the rules gave them, inside the caller's transaction."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import and_, bindparam, delete, insert, select, true, update

from gateway.ledger import announcements, lives
from gateway.ledger import outbox as rows
from gateway.ledger.sql import Turn
from gateway.ledger.staying import follow
from gateway.ledger.tables import holds, items, outbox, stock, unit_contents, units
from gateway.model.outcome import (
    Confirm,
    Descent,
    DocumentChange,
    Effect,
    HoldEnd,
    HoldSet,
    ItemChange,
    Line,
    LotChange,
    LotMade,
    NumberTaken,
    Park,
    PendingDone,
    PendingSet,
    ProductionDone,
    Resend,
    StockDelta,
    UnitChange,
    UnitDone,
)


def apply(turn: Turn, effects: Sequence[Effect], since: int) -> None:
    """Change the ledger by `effects`, in order; then open and close, at `since` (µs), the stays of what they touched.

    Stays follow the totals at the end of the turn, so a change from available to hold is no departure.
    """
    for kind, group in groupby(effects, type):
        _APPLY[kind](turn, tuple(group))
    touched = {
        (effect.gtin, effect.lot, effect.location, effect.unit)
        for effect in effects
        if isinstance(effect, StockDelta) and effect.gtin and effect.lot  # what has no name is no lot
    }
    for place in sorted(touched):
        follow(msgspec.structs.replace(turn, now=since), *place)


def _stock(turn: Turn, deltas: Iterable[StockDelta]) -> None:
    """Add to stock. Negative stock is kept: it says that something left which was never seen to come."""
    grow = turn.upsert(stock, update=("changed", "gateway"), add=("quantity",))
    rows = [
        turn.origin
        | {
            "gtin": delta.gtin,
            "lot": delta.lot,
            "location": delta.location,
            "status": delta.status,
            "unit": delta.unit,
            "quantity": delta.quantity,
            "changed": turn.now,
        }
        for delta in deltas
    ]
    turn.connection.execute(grow, rows)
    for gtin, lot, location in sorted({(row["gtin"], row["lot"], row["location"]) for row in rows}):
        _sweep(turn, gtin, lot, location)


_NOTHING = delete(stock).where(
    *(stock.c[name] == bindparam(f"of_{name}") for name in ("site", "gtin", "lot", "location")), stock.c.quantity == 0
)


def _sweep(turn: Turn, gtin: str, lot: str, location: str) -> None:
    """Nothing of a lot is no row."""
    turn.connection.execute(_NOTHING, {"of_site": turn.site, "of_gtin": gtin, "of_lot": lot, "of_location": location})


def _items(turn: Turn, changes: Iterable[ItemChange]) -> None:
    turn.connection.execute(
        turn.upsert(items),
        [
            turn.origin
            | {
                "epc": change.epc,
                "gtin": change.gtin,
                "lot": change.lot,
                "serial": change.serial,
                "state": "left" if change.location is None else "present",
                "location": change.location,
                "parent": change.parent,
                "status": change.status,
                "expiry": change.expiry,
                "changed": turn.now,
            }
            for change in changes
        ],
    )


_INSIDE = and_(unit_contents.c.site == bindparam("of_site"), unit_contents.c.sscc == bindparam("of_sscc"))
_EMPTIED = delete(unit_contents).where(_INSIDE)
_WENT_ALONG = update(unit_contents).where(_INSIDE).values(state="left")


def _units(turn: Turn, changes: Iterable[UnitChange]) -> None:
    for change in changes:
        left = change.location is None
        state = "left" if left else "present"
        row = turn.origin | {
            "sscc": change.sscc,
            "location": change.location,
            "state": state,
            "status": change.status,
            "changed": turn.now,
        }
        turn.connection.execute(turn.upsert(units), row)
        mine = {"of_site": turn.site, "of_sscc": change.sscc}
        if left and not change.contents:
            turn.connection.execute(_WENT_ALONG, mine)
            continue
        turn.connection.execute(_EMPTIED, mine)
        if change.contents:
            rows = [
                _content(turn, change, state, ordinal, line) for ordinal, line in enumerate(change.contents, start=1)
            ]
            turn.connection.execute(insert(unit_contents), rows)


def _content(turn: Turn, change: UnitChange, state: str, ordinal: int, line: Line) -> dict[str, Any]:
    return {
        "site": turn.site,
        "sscc": change.sscc,
        "line": ordinal,
        "gtin": line.gtin or "",
        "lot": line.lot or "",
        "quantity": line.quantity,
        "unit": line.unit,
        "basis": line.basis,
        "state": state,
        "status": line.status or change.status,
        "expiry": line.expiry,
        "prefix": line.prefix,
        "epcs": list(line.epcs),
    }


def _hold(turn: Turn, changes: Iterable[HoldSet]) -> None:
    for change in changes:
        if change.whole:
            _hold_stock(turn, change)
            _hold_goods(turn, change)
        same = select(holds.c.hold).where(
            holds.c.site == turn.site,
            holds.c.gtin == change.gtin,
            holds.c.lot == change.lot,
            holds.c.location == change.location,
            holds.c.reason == change.reason,
            holds.c.source == change.source,
            holds.c.released.is_(None),
        )
        if turn.connection.execute(same).first() is None:  # a flapping alarm holds once, not once per flap
            row = turn.origin | {
                "gtin": change.gtin,
                "lot": change.lot,
                "location": change.location,
                "reason": change.reason,
                "at": turn.now,
                "by": change.by,
                "source": change.source,
                "whole": change.whole,
            }
            turn.connection.execute(insert(holds).values(row))


def _hold_stock(turn: Turn, change: HoldSet) -> None:
    available = and_(
        stock.c.site == turn.site,
        stock.c.gtin == change.gtin,
        stock.c.lot == change.lot,
        stock.c.location == change.location if change.location else true(),
        stock.c.status == "available",
        stock.c.quantity > 0,
    )
    rows = turn.connection.execute(select(stock).where(available)).mappings().all()
    if not rows:
        return
    turn.connection.execute(delete(stock).where(available))
    held = [dict(row) | {"status": "hold", "changed": turn.now, "gateway": turn.gateway} for row in rows]
    turn.connection.execute(turn.upsert(stock, update=("changed", "gateway"), add=("quantity",)), held)
    for location in sorted({row["location"] for row in rows}):
        _sweep(turn, change.gtin, change.lot, location)  # held stock may have been negative


def _hold_goods(turn: Turn, change: HoldSet) -> None:
    """Items of the lot there, and units that contain it, go on hold with it."""
    turn.connection.execute(
        update(items)
        .where(
            items.c.site == turn.site,
            items.c.gtin == change.gtin,
            items.c.lot == change.lot,
            items.c.location == change.location if change.location else items.c.location.is_not(None),
        )
        .values(status="hold", changed=turn.now)
    )
    place = units.c.location == change.location if change.location else units.c.location.is_not(None)
    here = select(units.c.sscc).where(units.c.site == turn.site, place)
    contents = and_(
        unit_contents.c.site == turn.site,
        unit_contents.c.gtin == change.gtin,
        unit_contents.c.lot == change.lot,
        unit_contents.c.sscc.in_(here),
    )
    ssccs = sorted(set(turn.connection.scalars(select(unit_contents.c.sscc).where(contents))))
    turn.connection.execute(update(unit_contents).where(contents).values(status="hold"))
    for sscc in ssccs:
        turn.connection.execute(
            update(units)
            .where(units.c.site == turn.site, units.c.sscc == sscc)
            .values(status="hold", changed=turn.now, gateway=turn.gateway)
        )


def _park(turn: Turn, parks: Iterable[Park]) -> None:
    """Set pending rows aside. What has settled meanwhile was delivered, and stays so."""
    for park in parks:
        turn.connection.execute(
            update(outbox)
            .where(
                outbox.c.site == turn.site,
                outbox.c.gateway == turn.gateway,
                outbox.c.seq == park.seq,
                outbox.c.state == "pending",
            )
            .values(state="parked", parked=turn.now, reason=park.reason)
        )


def _resend(turn: Turn, resends: Iterable[Resend]) -> None:
    for one in resends:
        rows.resend(turn, one.first, one.last)


def _confirm(turn: Turn, confirms: Iterable[Confirm]) -> None:
    for one in confirms:
        rows.confirm(turn, one.up_to)


_APPLY: dict[type, Callable[[Turn, Sequence[Any]], None]] = {
    StockDelta: _stock,
    ItemChange: _items,
    UnitChange: _units,
    UnitDone: announcements.units_done,
    DocumentChange: announcements.apply,
    HoldSet: _hold,
    HoldEnd: lives.end_holds,
    LotChange: lives.step,
    LotMade: lives.make,
    NumberTaken: lives.take_numbers,
    PendingSet: lives.wait,
    PendingDone: lives.wait_no_longer,
    ProductionDone: announcements.carried_out,
    Descent: lives.descend,
    Park: _park,
    Resend: _resend,
    Confirm: _confirm,
}
