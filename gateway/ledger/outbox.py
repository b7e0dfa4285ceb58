"""The outbox: promised events in the order of their numbers, kept as the final bytes they were rendered to.

pending ─PUBACK─▶ settled, or ─undeliverable─▶ parked. Settled rows stay: they can be read again by number.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from gateway.ledger.sql import Turn, chunks
from gateway.ledger.tables import outbox
from gateway.model.outcome import Event


class Parked(msgspec.Struct, frozen=True):
    """An event set aside, when (µs) and why."""

    event: Event
    parked: int
    reason: str


_EVENT = (
    outbox.c.seq,
    outbox.c.id,
    outbox.c.kind,
    outbox.c.topic,
    outbox.c.content_type,
    outbox.c.attributes,
    outbox.c.body,
)


def put(turn: Turn, events: Sequence[Event], created: int) -> None:
    """Promise events; `created` µs."""
    rows = [
        {"site": turn.site, "gateway": turn.gateway, "owner": turn.owner, "state": "pending", "created": created}
        | msgspec.structs.asdict(event)
        for event in events
    ]
    if rows:
        turn.connection.execute(insert(outbox), rows)


def pending(connection: Connection, site: str, gateway: str, after: int, limit: int) -> list[Event]:
    """Up to `limit` unsent events with a number above `after`, in order."""
    mine = (outbox.c.site == site, outbox.c.gateway == gateway, outbox.c.state == "pending")
    open_ = (outbox.c.state != "settled", outbox.c.seq > after)  # the first lets the partial index serve
    rows = connection.execute(select(*_EVENT).where(*mine, *open_).order_by(outbox.c.seq).limit(limit))
    return [_event(row) for row in rows]


def between(connection: Connection, site: str, gateway: str, first: int, last: int, limit: int) -> list[Event]:
    """Events by number, whatever became of them."""
    mine = (outbox.c.site == site, outbox.c.gateway == gateway, outbox.c.seq.between(first, last))
    return [_event(row) for row in connection.execute(select(*_EVENT).where(*mine).order_by(outbox.c.seq).limit(limit))]


def parked(connection: Connection, site: str, gateway: str) -> list[Parked]:
    """Every event that was set aside, in order."""
    mine = (outbox.c.site == site, outbox.c.gateway == gateway, outbox.c.state == "parked")
    open_ = outbox.c.state != "settled"
    rows = connection.execute(
        select(*_EVENT, outbox.c.parked, outbox.c.reason).where(*mine, open_).order_by(outbox.c.seq)
    )
    return [Parked(_event(row), row.parked, row.reason) for row in rows]


def settle(turn: Turn, seqs: Iterable[int]) -> None:
    """The broker has taken these: they are sent. Settling twice keeps the first instant; parked rows stay parked."""
    for some in chunks(sorted(set(seqs))):
        turn.connection.execute(
            update(outbox)
            .where(
                outbox.c.site == turn.site,
                outbox.c.gateway == turn.gateway,
                outbox.c.seq.in_(some),
                outbox.c.state == "pending",
            )
            .values(state="settled", settled=turn.now)
        )


def counts(connection: Connection, site: str, gateway: str) -> dict[str, int | None]:
    """How many are pending, settled, parked; `oldest`: when the oldest pending one was created (µs; None: none)."""
    mine = (outbox.c.site == site, outbox.c.gateway == gateway)
    unsettled = select(outbox.c.state, func.count()).where(*mine, outbox.c.state != "settled")
    found: dict[str, int] = {row[0]: row[1] for row in connection.execute(unsettled.group_by(outbox.c.state))}
    total = connection.scalar(select(func.count()).select_from(outbox).where(*mine)) or 0
    first = select(outbox.c.created).where(*mine, outbox.c.state == "pending", outbox.c.state != "settled")
    return {
        "pending": found.get("pending", 0),
        "settled": total - sum(found.values()),
        "parked": found.get("parked", 0),
        "oldest": connection.scalar(first.order_by(outbox.c.seq).limit(1)),
    }


def _event(row: Any) -> Event:
    return Event(
        seq=row.seq,
        id=row.id,
        kind=row.kind,
        topic=row.topic,
        content_type=row.content_type,
        attributes=dict(row.attributes),
        body=bytes(row.body),
    )
