"""The outbox: promised events in the order of their numbers, kept as the final bytes they were rendered to.

pending ─PUBACK─▶ settled, or ─undeliverable─▶ parked. Settled rows stay for a time: they are sent again when central
misses them (`resend`). Central may also say itself up to where it has them all (`confirm`).
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, delete, func, insert, select, update

from gateway.ledger.sql import Turn, chunks
from gateway.ledger.tables import outbox, progress
from gateway.model.outcome import Event

READ_BYTES = 4 * 1024 * 1024
"""Bodies of at most so many bytes (or one event) are read at once: a backlog of very large events stays on disk."""

RESENT_MOST = 20_000
"""Most events that one request lets wait again: it is one turn of the pipeline, and others wait for theirs."""


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
    """Up to `limit` unsent events with a number above `after`, in order; fewer when they are large."""
    mine = (outbox.c.site == site, outbox.c.gateway == gateway, outbox.c.state == "pending")
    open_ = (outbox.c.state != "settled", outbox.c.seq > after)  # the first lets the partial index serve
    query = select(*_EVENT).where(*mine, *open_).order_by(outbox.c.seq).limit(limit)
    found: list[Event] = []
    size = 0
    with connection.execution_options(yield_per=32).execute(query) as rows:
        for row in rows:
            found.append(_event(row))
            size += len(found[-1].body)
            if size >= READ_BYTES:
                break
    return found


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


def resend(turn: Turn, first: int, last: int) -> None:
    """Let the sent and the parked events from `first` to `last` wait again, as if they had never left."""
    turn.connection.execute(
        update(outbox)
        .where(
            outbox.c.site == turn.site,
            outbox.c.gateway == turn.gateway,
            outbox.c.seq.between(first, last),
            outbox.c.state != "pending",
        )
        .values(state="pending", settled=None, parked=None, reason=None)
    )


def kept(connection: Connection, site: str, gateway: str, first: int, last: int) -> tuple[int, int, int]:
    """How many events from `first` to `last` are still here, the lowest number and the highest; 0, 0, 0 for none.

    It looks at the first `RESENT_MOST` of them: so many are sent again at a request.
    """
    mine = (outbox.c.site == site, outbox.c.gateway == gateway, outbox.c.seq.between(first, last))
    some = select(outbox.c.seq).where(*mine).order_by(outbox.c.seq).limit(RESENT_MOST).subquery()
    row = connection.execute(select(func.count(), func.min(some.c.seq), func.max(some.c.seq))).one()
    return row[0], row[1] or 0, row[2] or 0


def confirm(turn: Turn, up_to: int) -> None:
    """Central has every event up to this number. The mark never goes back, nor beyond what was ever promised."""
    turn.connection.execute(
        update(progress)
        .where(progress.c.site == turn.site, progress.c.gateway == turn.gateway)
        .where(progress.c.confirmed < up_to, progress.c.seq >= up_to)
        .values(confirmed=up_to)
    )


def unconfirmed(connection: Connection, site: str, gateway: str, before: int) -> tuple[int, int] | None:
    """The span of events that the broker took before `before` (µs) and central has not confirmed; None: there is none.

    None too where central never confirmed anything: then it is not one that does.
    """
    mark = connection.scalar(_confirmed(site, gateway))
    if not mark:
        return None
    late = (outbox.c.seq > mark, outbox.c.state == "settled", outbox.c.settled < before)
    mine = (outbox.c.site == site, outbox.c.gateway == gateway)
    row = connection.execute(select(func.min(outbox.c.seq), func.max(outbox.c.seq)).where(*mine, *late)).one()
    return None if row[0] is None else (row[0], row[1])


def sweep(turn: Turn, before: int, most: int) -> int:
    """Of the `most` oldest events, delete those that the broker took before `before` (µs); how many it were.

    Where central confirms, an event that it has not confirmed stays.
    """
    mine = (outbox.c.site == turn.site, outbox.c.gateway == turn.gateway)
    mark = turn.connection.scalar(_confirmed(turn.site, turn.gateway))
    # The lowest numbers are the oldest, so the key serves and nothing is scanned when nothing is old.
    # What is parked waits for a person, so it is passed over.
    old = select(outbox.c.seq, outbox.c.state, outbox.c.settled).where(*mine, outbox.c.state != "parked")
    lowest = old.order_by(outbox.c.seq).limit(most)
    seqs = [
        row.seq
        for row in turn.connection.execute(lowest)
        if row.state == "settled" and row.settled < before and (not mark or row.seq <= mark)
    ]
    for some in chunks(seqs):
        turn.connection.execute(delete(outbox).where(*mine, outbox.c.seq.in_(some)))
    return len(seqs)


def counts(connection: Connection, site: str, gateway: str) -> dict[str, int | None]:
    """How many are pending, settled, parked; `oldest`: when the oldest pending one was created (µs; None: none).

    `confirmed`: up to this number central itself said that it has them all (0: it does not confirm).
    """
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
        "confirmed": connection.scalar(_confirmed(site, gateway)) or 0,
    }


def _confirmed(site: str, gateway: str) -> Select[int]:
    return select(progress.c.confirmed).where(progress.c.site == site, progress.c.gateway == gateway)


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
