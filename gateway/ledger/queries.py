"""`View`: the read side, for the command line, the API and retained state. Rows are plain dicts for JSON, sorted.

Quantities are decimal text, instants integer µs UTC. A `View` of an SQLite file works beside a running gateway.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, RowMapping, and_, func, or_, select
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import LedgerError
from gateway.ledger import decisions, fsma204, opening, outbox, recalling, subjects, tracing
from gateway.ledger.facts import Asking
from gateway.ledger.sql import loads
from gateway.ledger.tables import (
    HEAD,
    alarms,
    audit,
    excursion_lots,
    excursions,
    expectations,
    expected_units,
    firings,
    holds,
    lots,
    movement_lines,
    movements,
    stock,
)
from gateway.model.outcome import Decision, Event
from gateway.model.quantity import format_quantity

Found = dict[str, Any]

SUBJECTS = ("passage", "movement", "alarm", "excursion", "hold", "rejection")
"""Kinds of audit rows that somebody asks about by their id."""

TURN_MOST = 2_000
"""Audit rows to look through on either side for the rest of a turn: no turn decides as much."""

V = TypeVar("V", bound="View")


class View:
    """The ledger, to be read. `site` and `gateway` say whose rows. On a file, any thread may call."""

    def __init__(self, engine: Engine, site: str, gateway: str) -> None:
        self._engine = engine
        self.site = site
        self.gateway = gateway

    @classmethod
    def read(cls, url: str, *, site: str, gateway: str) -> "View":
        """Open for reading only, without lock and without creating anything.

        Raises:
            LedgerError: no ledger there, or its schema is not this program's.
        """
        parsed, path = opening.parse(url)
        try:
            engine = opening.reading_engine(parsed, path)
        except ImportError as error:
            raise LedgerError(f"{parsed!r}: its driver is not installed here: {error}") from error
        try:
            with engine.connect() as connection:
                found = opening.revision(connection)
        except (SQLAlchemyError, ImportError) as error:
            engine.dispose()
            raise LedgerError(f"{parsed!r}: the ledger cannot be read: {opening.describe(error)}") from error
        if found != HEAD:
            engine.dispose()
            newer = found is not None and found > HEAD
            advice = "install the newer version" if newer else "start the gateway, which brings it up to date"
            raise LedgerError(f"{parsed!r}: the ledger has schema {found}, this program reads {HEAD}; {advice}")
        return View(engine, site, gateway)

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the database until it is given back."""
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise LedgerError(f"{self._engine.url}: cannot be read: {opening.describe(error)}") from error

    def stock(self, location: str | None = None, gtin: str | None = None, lot: str | None = None) -> list[Found]:
        """What is where: by gtin, lot, location, status, unit; unidentified goods have gtin and lot ""."""
        joined = and_(lots.c.site == stock.c.site, lots.c.gtin == stock.c.gtin, lots.c.lot == stock.c.lot)
        query = select(stock, lots.c.expiry, lots.c.product).outerjoin(lots, joined).where(stock.c.site == self.site)
        for column, value in ((stock.c.location, location), (stock.c.gtin, gtin), (stock.c.lot, lot)):
            query = query if value is None else query.where(column == value)
        names = ("gtin", "lot", "location", "status", "quantity", "unit", "expiry", "product", "owner", "changed")
        with self._reading() as connection:
            rows = [_plain(row, names) for row in connection.execute(query).mappings()]
        return sorted(rows, key=lambda row: tuple(row[name] for name in (*names[:4], "unit", "owner")))

    def lots(self) -> list[Found]:
        """Every lot known, with `held`, by gtin and lot."""
        names = ("gtin", "lot", "product", "produced", "expiry", "supplier", "qc", "state", "version", "seq")
        with self._reading() as connection:
            held = self._held(connection)
            rows = connection.execute(select(lots).where(lots.c.site == self.site)).mappings().all()
        found = [_plain(row, names) | {"held": (row["gtin"], row["lot"]) in held} for row in rows]
        return sorted(found, key=lambda row: (row["gtin"], row["lot"]))

    def lots_to_tell(self, most: int, lately: int) -> list[tuple[str, str]]:
        """Lots with stock or hold, and of the others the `lately` that changed last; newest first, at most `most`.

        Those are the lots of whose retained state nobody can be sure who was not here.
        """
        there = (stock.c.site == lots.c.site, stock.c.gtin == lots.c.gtin, stock.c.lot == lots.c.lot)
        present = select(stock.c.quantity).where(*there, stock.c.quantity != 0).exists()
        same = (holds.c.site == lots.c.site, holds.c.gtin == lots.c.gtin, holds.c.lot == lots.c.lot)
        held = select(holds.c.hold).where(*same, holds.c.released.is_(None)).exists()
        newest = (
            select(lots.c.seq, lots.c.gtin, lots.c.lot)
            .where(lots.c.site == self.site)
            .order_by(lots.c.seq.desc(), lots.c.gtin, lots.c.lot)
        )
        with self._reading() as connection:
            here = connection.execute(newest.where(or_(present, held)).limit(most)).all()
            late = connection.execute(newest.limit(lately)).all()
        found = sorted({tuple(row) for row in (*here, *late)}, key=lambda row: (-row[0], row[1], row[2]))
        return [(gtin, lot) for _, gtin, lot in found[:most]]

    def lot_state(self, gtin: str, lot: str) -> Found:
        """The retained state of a lot: quantities by location and status, held, and the last event about it."""
        mine = (lots.c.site == self.site, lots.c.gtin == gtin, lots.c.lot == lot)
        sums = (
            select(stock.c.location, stock.c.status, stock.c.unit, func.sum(stock.c.quantity).label("quantity"))
            .where(stock.c.site == self.site, stock.c.gtin == gtin, stock.c.lot == lot)
            .group_by(stock.c.location, stock.c.status, stock.c.unit)
        )
        with self._reading() as connection:
            known = connection.execute(select(lots.c.expiry, lots.c.qc, lots.c.seq).where(*mine)).first()
            rows = connection.execute(sums).mappings().all()
            held = (gtin, lot) in self._held(connection, gtin, lot)
        quantities = [
            {"location": row["location"], "status": row["status"]}
            | {"quantity": format_quantity(int(row["quantity"])), "unit": row["unit"]}
            for row in sorted(rows, key=lambda row: (row["location"], row["status"], row["unit"]))
        ]
        return {
            "schema": 1,
            "gtin": gtin,
            "lot": lot,
            "expiry": known.expiry if known else None,
            "qc": known.qc if known else None,
            "held": held,
            "quantities": quantities,
            "seq": known.seq if known else 0,
        }

    def holds(self, active_only: bool = True) -> list[Found]:
        """Holds on lots, oldest first."""
        names = ("gtin", "lot", "location", "reason", "at", "released")
        query = select(holds).where(holds.c.site == self.site).order_by(holds.c.hold)
        if active_only:
            query = query.where(holds.c.released.is_(None))
        with self._reading() as connection:
            return [_plain(row, names) for row in connection.execute(query).mappings()]

    def alarms(self, active_only: bool = False) -> list[Found]:
        """The state of each alarm, by id; `active_only` leaves out what is back to normal."""
        names = ("alarm", "source", "state", "priority", "since", "raised", "value", "limit", "location")
        query = select(alarms).where(alarms.c.site == self.site).order_by(alarms.c.alarm)
        if active_only:
            query = query.where(alarms.c.state != "normal")
        with self._reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [_plain(row, (*names, "detail", "by", "lots")) for row in rows]

    def excursions(self, limit: int = 50) -> list[Found]:
        """The last excursions, newest first, with the lots that were there."""
        names = (
            "excursion",
            "alarm",
            "sensor",
            "location",
            "start",
            "end",
            "min",
            "max",
            "mean",
            "unit",
            "limit",
            "side",
        )
        query = select(excursions).where(excursions.c.site == self.site)
        with self._reading() as connection:
            rows = connection.execute(
                query.order_by(excursions.c.start.desc(), excursions.c.excursion).limit(limit)
            ).mappings()
            found = [{name: row[name] for name in (*names, "quantity", "hold")} for row in rows]
            for one in found:
                inside = select(excursion_lots).where(
                    excursion_lots.c.site == self.site, excursion_lots.c.excursion == one["excursion"]
                )
                there = connection.execute(inside.order_by(excursion_lots.c.ordinal)).mappings()
                one["lots"] = [_plain(row, ("gtin", "lot", "minutes", "quantity", "unit")) for row in there]
        return found

    def firings(self, limit: int = 50, *, rule: str | None = None, subject: str | None = None) -> list[Found]:
        """What rules did, newest first: all, or of one rule, or about one subject."""
        query = select(firings).where(firings.c.site == self.site)
        if rule is not None:
            query = query.where(firings.c.rule == rule)
        if subject is not None:
            query = query.where(firings.c.subject == subject)
        names = ("at", "rule", "digest", "on", "subject", "place", "facts", "actions", "gateway")
        with self._reading() as connection:
            rows = connection.execute(query.order_by(firings.c.firing.desc()).limit(limit)).mappings().all()
        return [_plain(row, names) for row in rows]

    def movements(
        self, limit: int = 50, *, gtin: str | None = None, lot: str | None = None, sscc: str | None = None
    ) -> list[Found]:
        """The last movements, newest first, with their lines: all, or those of a lot or a logistic unit."""
        query = select(movements).where(movements.c.site == self.site)
        if sscc is not None:
            query = query.where(movements.c.sscc == sscc)
        if gtin is not None or lot is not None:
            inside = select(movement_lines.c.movement).where(movement_lines.c.site == self.site)
            inside = inside if gtin is None else inside.where(movement_lines.c.gtin == gtin)
            inside = inside if lot is None else inside.where(movement_lines.c.lot == lot)
            query = query.where(movements.c.movement.in_(inside))
        query = query.order_by(movements.c.at.desc(), movements.c.movement).limit(limit)
        with self._reading() as connection:
            return [self._movement(connection, row) for row in connection.execute(query).mappings().all()]

    def movement(self, movement: str) -> Found | None:
        """One movement by id, with lines and evidence."""
        mine = (movements.c.site == self.site, movements.c.movement == movement)
        with self._reading() as connection:
            row = connection.execute(select(movements).where(*mine)).mappings().first()
            return self._movement(connection, row) if row else None

    def trace(self, named: str, *, forward: bool = True, back: bool = True, tags: bool = False) -> Found:
        """Everything known of the lot, unit or item that `named` means (`gateway.ledger.tracing`).

        Raises:
            SubjectError: nothing has this name, or several things have.
        """
        with self._reading() as connection:
            asking = Asking(connection, self.site, self.gateway)
            subject = subjects.find(asking, named)
            return tracing.trace(asking, subject, forward=forward, back=back, tags=tags)

    def recall(self, named: str) -> Found:
        """What of a lot and its products is here, and what left (`gateway.ledger.recalling`).

        Raises:
            SubjectError: nothing has this name, several things have, or it is no lot.
        """
        with self._reading() as connection:
            asking = Asking(connection, self.site, self.gateway)
            return recalling.recall(asking, subjects.find_lot(asking, named))

    def fsma204(self, start: int, end: int, named: str | None = None) -> list[Found]:
        """The critical tracking events of FSMA 204 from `start` up to, and without, `end` (`gateway.ledger.fsma204`).

        Raises:
            SubjectError: nothing has this name, several things have, or it is no lot.
        """
        with self._reading() as connection:
            asking = Asking(connection, self.site, self.gateway)
            lot = None if named is None else tracing.subject_lot(subjects.find_lot(asking, named))
            return fsma204.rows(asking, start, end, lot)

    def decided(self, kind: str, subject: str) -> list[Found]:
        """What the audit holds of a subject (a passage, a movement, an alarm …), oldest first, as it was decided."""
        mine = (audit.c.site == self.site, audit.c.kind == kind, audit.c.subject == subject)
        query = select(audit.c.t, audit.c.decision, audit.c.hash).where(*mine).order_by(audit.c.t, audit.c.ordinal)
        with self._reading() as connection:
            return [
                {"t": row["t"], "decision": loads(row["decision"])["decision"], "hash": row["hash"]}
                for row in connection.execute(query).mappings()
            ]

    def turns(self, subject: str, limit: int = 20) -> list[list[Decision]]:
        """The turns in which a passage, movement, alarm … was decided, oldest first, the last `limit` of them.

        A portal's id stands for its newest passage. Every turn is given whole: what it decided together belongs
        together.
        """
        named = (audit.c.site == self.site, audit.c.kind.in_(SUBJECTS))
        newest = audit.c.t.desc(), audit.c.ordinal.desc()
        columns = select(audit.c.gateway, audit.c.ordinal, audit.c.position)
        passages = audit.c.kind == "passage", audit.c.subject.startswith(f"{subject}/", autoescape=True)
        with self._reading() as connection:
            found = connection.execute(
                columns.where(*named, audit.c.subject == subject).order_by(*newest).limit(limit)
            ).all()
            if not found:
                found = connection.execute(columns.where(named[0], *passages).order_by(*newest).limit(1)).all()
            turns = {(row.gateway, row.position): row.ordinal for row in found}
            return [self._turn(connection, *key, ordinal) for key, ordinal in reversed(turns.items())]

    def _turn(self, connection: Connection, gateway: str, position: int, ordinal: int) -> list[Decision]:
        """The decisions of the turn at a journal position; they stand side by side in the audit."""
        near = (audit.c.site == self.site, audit.c.gateway == gateway, audit.c.position == position)
        span = audit.c.ordinal.between(ordinal - TURN_MOST, ordinal + TURN_MOST)
        query = select(audit.c.kind, audit.c.decision).where(*near, span).order_by(audit.c.ordinal)
        return [decisions.restored(row.kind, row.decision) for row in connection.execute(query)]

    def expectations(self, state: str | None = None) -> list[Found]:
        """Announced documents (asns, then orders) with the state of their units: all, or those in `state`."""
        names = ("kind", "document", "version", "state", "party", "due", "min_shelf_life_days", "documents")
        query = select(expectations).where(expectations.c.site == self.site)
        query = query if state is None else query.where(expectations.c.state == state)
        inside = select(expected_units).where(expected_units.c.site == self.site).order_by(expected_units.c.ordinal)
        with self._reading() as connection:
            rows = connection.execute(query).mappings().all()
            of: dict[tuple[str, str], list[Found]] = {}
            for unit in connection.execute(inside).mappings():
                plain = {name: unit[name] for name in ("sscc", "state", "movement")}
                of.setdefault((unit["kind"], unit["document"]), []).append(plain)
        found = [_plain(row, names) for row in rows]
        for one in found:
            one["id"] = one.pop("document")
            one["units"] = of.get((one["kind"], one["id"]), [])
        return sorted(found, key=lambda one: (one["kind"], one["id"]))

    def pending(self, after: int, limit: int) -> list[Event]:
        """Up to `limit` unsent events with a number above `after`, in order."""
        with self._reading() as connection:
            return outbox.pending(connection, self.site, self.gateway, after, limit)

    def events(self, first: int, last: int, limit: int = 1000) -> list[Event]:
        """Events by number (inclusive), whatever became of them."""
        with self._reading() as connection:
            return outbox.between(connection, self.site, self.gateway, first, last, limit)

    def parked(self) -> list[outbox.Parked]:
        """Events set aside as undeliverable, in order."""
        with self._reading() as connection:
            return outbox.parked(connection, self.site, self.gateway)

    def unconfirmed(self, before: int) -> tuple[int, int] | None:
        """First and last of the events that the broker took before `before` (µs) and a confirming central has not."""
        with self._reading() as connection:
            return outbox.unconfirmed(connection, self.site, self.gateway, before)

    def outbox_counts(self) -> dict[str, int | None]:
        """pending, settled, parked; `oldest`: when the oldest pending one was created (µs; None: none); confirmed."""
        with self._reading() as connection:
            return outbox.counts(connection, self.site, self.gateway)

    def broken_audit(self) -> int | None:
        """The ordinal of the first audit row that does not follow from the one before; None: the chain is whole."""
        mine = (audit.c.site == self.site, audit.c.gateway == self.gateway)
        columns = audit.c.ordinal, audit.c.previous, audit.c.decision, audit.c.hash
        last, expected = decisions.GENESIS, 1
        with self._reading() as connection:
            rows = connection.execution_options(yield_per=200).execute(
                select(*columns).where(*mine).order_by(audit.c.ordinal)
            )
            for row in rows:
                if row.ordinal != expected or row.previous != last or row.hash != decisions.link(last, row.decision):
                    return expected
                last, expected = row.hash, expected + 1
        return None

    def _held(self, connection: Connection, gtin: str | None = None, lot: str | None = None) -> set[tuple[str, str]]:
        query = select(holds.c.gtin, holds.c.lot).where(holds.c.site == self.site, holds.c.released.is_(None))
        if gtin is not None:
            query = query.where(holds.c.gtin == gtin, holds.c.lot == lot)
        return {(row.gtin, row.lot) for row in connection.execute(query)}

    def _movement(self, connection: Connection, row: RowMapping) -> Found:
        names = ("movement", "passage", "portal", "at", "type", "origin", "destination", "verdict", "reasons", "rules")
        found = {name: row[name] for name in (*names, "sscc", "expectation", "party", "evidence", "hash")}
        inside = select(movement_lines).where(
            movement_lines.c.site == self.site, movement_lines.c.movement == row["movement"]
        )
        columns = ("gtin", "lot", "expiry", "quantity", "expected", "unit", "resolved_by", "basis", "epcs")
        found["lines"] = [
            _plain(line, columns) for line in connection.execute(inside.order_by(movement_lines.c.line)).mappings()
        ]
        return found


def _plain(row: RowMapping, names: tuple[str, ...]) -> Found:
    """The named columns; quantities as decimal text."""
    found = {name: row[name] for name in names}
    for name in ("quantity", "expected"):
        if isinstance(found.get(name), int):
            found[name] = format_quantity(found[name])
    return found
