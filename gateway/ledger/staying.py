"""Stays: where a lot rests and since when, as stock says. The statements are built once: every movement runs them."""

from typing import Any

from sqlalchemy import Table, and_, bindparam, func, insert, select, update

from gateway.ledger.sql import Turn
from gateway.ledger.tables import stays, stock

_PLACE = ("site", "gtin", "lot", "location", "unit")


def _at(table: Table) -> Any:
    """The rows of one lot in one place, in one unit of measure."""
    return and_(*(table.c[name] == bindparam(f"of_{name}") for name in _PLACE))


_OPEN = stays.c.left.is_(None)
_TOTAL = select(func.sum(stock.c.quantity)).where(_at(stock))
_SINCE = select(stays.c.entered).where(_at(stays), _OPEN)
_LAST = select(func.max(stays.c.left)).where(_at(stays), stays.c.left >= bindparam("now"))
_AGAIN = (
    update(stays).where(_at(stays), stays.c.left == bindparam("last")).values(left=None, quantity=bindparam("total"))
)
_BEGIN = insert(stays)
_KEEP = update(stays).where(_at(stays), _OPEN).values(quantity=bindparam("total"))
_END = update(stays).where(_at(stays), _OPEN).values(left=bindparam("now"))


def follow(turn: Turn, gtin: str, lot: str, location: str, unit: str) -> None:
    """Open, keep or close the stay of a lot in a location, by what is there now (available and held together)."""
    here = {"site": turn.site, "gtin": gtin, "lot": lot, "location": location, "unit": unit}
    place: dict[str, Any] = {f"of_{name}": value for name, value in here.items()}
    connection = turn.connection
    total = int(connection.scalar(_TOTAL, place) or 0)
    since = connection.scalar(_SINCE, place)
    if total > 0 and since is not None:
        connection.execute(_KEEP, place | {"total": total})
    elif total > 0:
        # Back at the instant it left, or before (passages of two doors may be decided out of order): it was never
        # away, so its last stay goes on. It also keeps the key unique.
        last = connection.scalar(_LAST, place | {"now": turn.now})
        if last is not None:
            connection.execute(_AGAIN, place | {"last": last, "total": total})
        else:
            connection.execute(_BEGIN, turn.origin | here | {"entered": turn.now, "left": None, "quantity": total})
    elif since is not None:
        connection.execute(_END, place | {"now": max(since, turn.now)})
