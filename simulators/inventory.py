"""Central's own books: a SQLite inventory built from the gateway's events alone, each counted once, in their order.

The event id goes in under a unique key in the same transaction as the stock change, so a duplicate changes nothing
(gs1 reference §5.3). An event that comes before an earlier one of its gateway (a broker lost that, and it comes again)
is kept, and changes the stock when its turn comes: a hold means what stood there then. A `gap` event says which numbers
need not be waited for. Nothing here knows the gateway's code; the events' field names are all they share.
"""

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

_SCHEMA = """
PRAGMA journal_mode=WAL;
PRAGMA synchronous=NORMAL;
CREATE TABLE IF NOT EXISTS events(
  position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, gateway TEXT, seq INTEGER, kind TEXT NOT NULL,
  topic TEXT NOT NULL, body TEXT NOT NULL, waits INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS events_waiting ON events(gateway, seq) WHERE waits;
CREATE TABLE IF NOT EXISTS stock(
  gtin TEXT, lot TEXT, location TEXT, status TEXT, unit TEXT, quantity INTEGER NOT NULL,
  PRIMARY KEY(gtin, lot, location, status, unit)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gateways(
  gateway TEXT PRIMARY KEY, last INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS void(gateway TEXT, first INTEGER, last INTEGER, PRIMARY KEY(gateway, first)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gaps(gateway TEXT, first INTEGER, last INTEGER, PRIMARY KEY(gateway, first)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tallies(name TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rejected(position INTEGER PRIMARY KEY, topic TEXT, reason TEXT, body BLOB);
"""

STOCK_KINDS = ("receipt", "shipment", "movement")
STATUSES = ("available", "hold")


class BadEvent(ValueError):  # noqa: N818 - it is the event that is bad, not the program
    """An event that cannot be booked; the message says why."""


@dataclass(frozen=True)
class Booked:
    """What became of one message: `booked`, `duplicate`, `conflict` (same id, other event) or `rejected` (`reason`)."""

    outcome: str
    kind: str
    id: str = ""
    gateway: str = ""
    seq: int | None = None
    reason: str = ""
    body: dict[str, Any] = field(default_factory=dict, compare=False)


def thousandths(value: Any) -> int:
    """A quantity as an integer of thousandths.

    Raises:
        BadEvent: not a number, or finer than a thousandth.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise BadEvent(f"quantity {value!r} is not a number")
    try:
        scaled = Decimal(value) * 1000
    except InvalidOperation:
        raise BadEvent(f"quantity {value!r} is not a number") from None
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        raise BadEvent(f"quantity {value!r} is finer than a thousandth")
    return int(scaled)


def decimal_text(scaled: int) -> str:
    """Thousandths as the shortest decimal: 24000 → `24`, 412500 → `412.5`."""
    text = f"{Decimal(scaled) / 1000:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _envelope(payload: bytes, attributes: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """CloudEvents attributes and the event: structured JSON (specversion in the body), else binary."""
    try:
        document = json.loads(payload, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise BadEvent(f"not JSON: {error}") from None
    if not isinstance(document, dict):
        raise BadEvent("not a JSON object")
    if "specversion" in document and "data" in document:
        body = document.pop("data")
        if not isinstance(body, dict):
            raise BadEvent("CloudEvents data is not a JSON object")
        return document, body
    return dict(attributes), document


def _first(*candidates: Any) -> Any:
    return next((each for each in candidates if each not in (None, "")), None)


def _identify(attributes: dict[str, Any], body: dict[str, Any]) -> tuple[str, str, int | None]:
    """Event id without `urn:uuid:`, gateway, seq."""
    told = [body.get("eventID"), attributes.get("id")]
    if told == [None, None]:
        told = [body.get("id")]  # our own JSON, where no envelope came with it
    ids = {str(each).removeprefix("urn:uuid:").lower() for each in told if each not in (None, "")}
    if len(ids) != 1:
        raise BadEvent("no event id" if not ids else f"envelope and event disagree on the id: {sorted(ids)}")
    gateway = _first(body.get("tally:gateway"), body.get("gateway"), attributes.get("source"), "")
    seq = _first(body.get("tally:seq"), body.get("seq"), attributes.get("sequence"))
    try:
        number = None if seq is None else int(seq)
    except (TypeError, ValueError):
        raise BadEvent(f"seq {seq!r} is not a number") from None
    return ids.pop(), str(gateway), number


class Inventory:
    """Stock by (gtin, lot, location, status), rebuilt from events; file `path` (or `:memory:`).

    Booking needs `open()`; reading does not. Calls may come from any one thread at a time: a lock sees to it.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    def open(self) -> None:
        """Open the database and make its tables. A second call does nothing."""
        with self._lock:
            if self._connection is None:
                self._connection = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
                self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the database. A second call does nothing."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @property
    def _db(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RuntimeError("the inventory is not open: call open() first")
        return self._connection

    def book(self, topic: str, payload: bytes, attributes: dict[str, str] | None = None) -> Booked:
        """Book one message from `…/evt/{kind}/{place}`; on return it is committed, whatever became of it.

        Raises:
            sqlite3.Error: the database failed; nothing was booked and the message must come again.
        """
        kind = topic.split("/evt/", 1)[-1].split("/", 1)[0]
        with self._lock:
            try:
                with self._transaction():
                    return self._book(kind, topic, payload, attributes or {})
            except BadEvent as error:
                with self._transaction():
                    self._pass_over(payload, attributes or {})
                    return self._reject(kind, topic, payload, str(error))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of the block, or nothing of it."""
        self._db.execute("BEGIN IMMEDIATE")
        done = False
        try:
            yield
            done = True
        finally:
            self._db.execute("COMMIT" if done else "ROLLBACK")

    def _book(self, kind: str, topic: str, payload: bytes, attributes: dict[str, str]) -> Booked:
        envelope, body = _envelope(payload, attributes)
        identity, gateway, seq = _identify(envelope, body)
        text = json.dumps(body, default=str, ensure_ascii=False)
        known = self._db.execute("SELECT body FROM events WHERE id=?", (identity,)).fetchone()
        if known is not None:
            # The event is compared, not the message: a gateway that reconnects may speak another MQTT version
            # and so put the envelope around the same event instead of beside it.
            outcome = "duplicate" if known[0] == text else "conflict"
            self._count(outcome)
            return Booked(outcome, kind, identity, gateway, seq, body=body)
        waits = seq is not None and seq > self._done(gateway) + 1
        self._db.execute(
            "INSERT INTO events(id, gateway, seq, kind, topic, body, waits) VALUES(?,?,?,?,?,?,?)",
            (identity, gateway, seq, kind, topic, text, waits),
        )
        if seq is not None:
            self._sequence(gateway, seq)
        if kind == "gap":
            self._give_up(gateway, body.get("first"), body.get("last"))
        if not waits:
            self._effect(kind, body)
        if seq is not None:
            self._advance(gateway, None if waits else seq)
        return Booked("booked", kind, identity, gateway, seq, body=body)

    def _done(self, gateway: str) -> int:
        """Up to this number every event has had its effect, or never will."""
        row = self._db.execute("SELECT done FROM gateways WHERE gateway=?", (gateway,)).fetchone()
        return row[0] if row else 0

    def _give_up(self, gateway: str, first: Any, last: Any) -> None:
        """Nobody waits for these numbers any more; what comes under them all the same is booked then."""
        if isinstance(first, int) and isinstance(last, int) and 0 < first <= last:
            self._db.execute("REPLACE INTO void VALUES(?,?,?)", (gateway, first, last))

    def _pass_over(self, payload: bytes, attributes: dict[str, str]) -> None:
        """A message that cannot be booked keeps none that comes after it waiting."""
        with contextlib.suppress(BadEvent):
            _, gateway, seq = _identify(*_envelope(payload, attributes))
            if seq is not None:
                self._give_up(gateway, seq, seq)
                self._advance(gateway, None)

    def _advance(self, gateway: str, booked: int | None) -> None:
        """Let the events have their effect whose turn it is, now that number `booked` has had its own."""
        before = done = self._done(gateway)
        if booked == done + 1:
            done = booked
        while True:
            following = done + 1
            waiting = self._db.execute(
                "SELECT position, kind, topic, body FROM events WHERE gateway=? AND seq=? AND waits",
                (gateway, following),
            ).fetchall()
            given_up = self._db.execute(
                "SELECT last FROM void WHERE gateway=? AND first<=? AND last>=?", (gateway, following, following)
            ).fetchone()
            if not waiting and given_up is None:
                break
            for position, kind, topic, body in waiting:
                self._late_effect(position, kind, topic, body)
            done = following if waiting else given_up[0]
        if done != before:
            self._db.execute("UPDATE gateways SET done=? WHERE gateway=?", (done, gateway))

    def _late_effect(self, position: int, kind: str, topic: str, body: str) -> None:
        """The effect of an event that waited; one that cannot have it is rejected now."""
        self._db.execute("UPDATE events SET waits=0 WHERE position=?", (position,))
        self._db.execute("SAVEPOINT effect")
        try:
            self._effect(kind, json.loads(body, parse_float=Decimal))
        except BadEvent as error:
            self._db.execute("ROLLBACK TO effect")
            self._reject(kind, topic, body.encode(), str(error))
        self._db.execute("RELEASE effect")

    def _reject(self, kind: str, topic: str, payload: bytes, reason: str) -> Booked:
        self._db.execute("INSERT INTO rejected(topic, reason, body) VALUES(?,?,?)", (topic, reason, payload))
        self._count("rejected")
        return Booked("rejected", kind, reason=reason)

    def _count(self, name: str) -> None:
        self._db.execute(
            "INSERT INTO tallies VALUES(?,1) ON CONFLICT(name) DO UPDATE SET count=count+1",
            (name,),
        )

    def _sequence(self, gateway: str, seq: int) -> None:
        """Follow one gateway's numbering from 1: a jump opens a gap, a late one narrows it and counts as reordered."""
        row = self._db.execute("SELECT last FROM gateways WHERE gateway=?", (gateway,)).fetchone()
        last = row[0] if row else 0
        if seq > last:
            if seq > last + 1:
                self._db.execute("INSERT INTO gaps VALUES(?,?,?)", (gateway, last + 1, seq - 1))
            self._db.execute(
                "INSERT INTO gateways(gateway, last) VALUES(?,?) ON CONFLICT(gateway) DO UPDATE SET last=excluded.last",
                (gateway, seq),
            )
            return
        gap = self._db.execute(
            "SELECT first, last FROM gaps WHERE gateway=? AND first<=? AND last>=?", (gateway, seq, seq)
        ).fetchone()
        if gap is None:
            self._count("reused")
            return
        self._count("reordered")
        self._db.execute("DELETE FROM gaps WHERE gateway=? AND first=?", (gateway, gap[0]))
        for first, end in ((gap[0], seq - 1), (seq + 1, gap[1])):
            if first <= end:
                self._db.execute("INSERT INTO gaps VALUES(?,?,?)", (gateway, first, end))

    def _effect(self, kind: str, body: dict[str, Any]) -> None:
        if kind in STOCK_KINDS:
            movement = body.get("tally:movement")
            if not isinstance(movement, dict):
                raise BadEvent(f"a {kind} without tally:movement")
            self._move(kind, movement, _lines(body))
        elif kind == "correction":
            self._take_back(body)
        elif kind == "transformation":
            self._transform(body)
        elif kind == "release":
            what = body.get("tally:release")
            if not isinstance(what, dict) or not isinstance(what.get("tally:location"), str):
                raise BadEvent("a release event without tally:release and its tally:location")
            for line in _lines(body, quantities=False):
                self._turn(line["tally:gtin"], line["tally:lot"], what["tally:location"], "hold", "available")
        elif kind in ("excursion", "hold"):
            what = body.get(f"tally:{kind}")
            if not isinstance(what, dict) or not isinstance(what.get("tally:location"), str):
                raise BadEvent(f"a {kind} event without tally:{kind} and its tally:location")
            if kind == "hold" or what.get("tally:hold") is True:
                for line in _lines(body, quantities=False):
                    self._turn(line["tally:gtin"], line["tally:lot"], what["tally:location"], "available", "hold")

    def _take_back(self, body: dict[str, Any]) -> None:
        """A correction: the event it names never was. What was right follows as an event of its own."""
        named = str(body.get("tally:erroneousEventID", "")).removeprefix("urn:uuid:").lower()
        if not isinstance(body.get("errorDeclaration"), dict):
            raise BadEvent("a correction without errorDeclaration")
        wrong = self._db.execute("SELECT kind, body FROM events WHERE id=?", (named,)).fetchone()
        if wrong is None:
            raise BadEvent(f"a correction of {named or 'nothing'}, which never came")
        told = json.loads(wrong[1], parse_float=Decimal)
        if told.get("tally:movement", {}).get("tally:id") != body.get("tally:movement", {}).get("tally:id"):
            raise BadEvent(f"a correction of {named} that tells another movement")
        self._move(wrong[0], told["tally:movement"], _lines(told), times=-1)

    def _transform(self, body: dict[str, Any]) -> None:
        """Production: so much of raw lots is gone, so much of product lots is there."""
        what = body.get("tally:transformation")
        if not isinstance(what, dict) or not isinstance(what.get("tally:location"), str):
            raise BadEvent("a transformation without tally:transformation and its tally:location")
        for side, sign in (("input", -1), ("output", 1)):
            for line in _lines(body, name=f"tally:{side}LotQuantityList"):
                self._add(
                    line,
                    line.get("tally:location") or what["tally:location"],
                    sign * thousandths(line.get("tally:quantity")),
                )

    def _move(self, kind: str, movement: dict[str, Any], lines: list[dict[str, Any]], times: int = 1) -> None:
        if movement.get("tally:verdict") == "refused":
            return
        # what came in from a supplier leaves no stock of ours, what goes out arrives in none
        leaves = movement.get("tally:from") if kind != "receipt" else None
        arrives = movement.get("tally:to") if kind != "shipment" else None
        if (kind != "receipt" and not leaves) or (kind != "shipment" and not arrives):
            raise BadEvent(f"a {kind} that does not say {'tally:to' if kind == 'receipt' else 'tally:from'}")
        for line in lines:
            amount = times * thousandths(line.get("tally:quantity"))
            if leaves:
                before = line.get("tally:statusBefore") or line["tally:status"]
                self._add({**line, "tally:status": before}, str(leaves), -amount)
            if arrives:
                self._add(line, str(arrives), amount)

    def _add(self, line: dict[str, Any], location: str, amount: int) -> None:
        unit = line.get("tally:uom") or line.get("tally:unit") or "each"
        key = (line["tally:gtin"], line["tally:lot"], location, line["tally:status"], unit)
        self._db.execute(
            "INSERT INTO stock VALUES(?,?,?,?,?,?) "
            "ON CONFLICT(gtin, lot, location, status, unit) DO UPDATE SET quantity=quantity+excluded.quantity",
            (*key, amount),
        )

    def _turn(self, gtin: str, lot: str, location: str, before: str, after: str) -> None:
        """What stands of a lot in a place in one status stands there in another."""
        rows = self._db.execute(
            "SELECT unit, quantity FROM stock WHERE gtin=? AND lot=? AND location=? AND status=? AND quantity>0",
            (gtin, lot, location, before),
        ).fetchall()
        for unit, quantity in rows:
            line = {"tally:gtin": gtin, "tally:lot": lot, "tally:unit": unit}
            self._add({**line, "tally:status": before}, location, -quantity)
            self._add({**line, "tally:status": after}, location, quantity)

    def _rows(self, query: str, *arguments: Any) -> list[Any]:
        """Read, also before `open()` and after `close()`: then through a connection of its own."""
        with self._lock:
            if self._connection is not None:
                return self._connection.execute(query, arguments).fetchall()
            with contextlib.closing(sqlite3.connect(self._path)) as connection:
                connection.executescript(_SCHEMA)
                return connection.execute(query, arguments).fetchall()

    def inventory(self) -> list[dict[str, str]]:
        """Every stock that is not zero, sorted: gtin, lot, location, status, quantity (decimal text), unit."""
        rows = self._rows(
            "SELECT gtin, lot, location, status, quantity, unit FROM stock WHERE quantity<>0 ORDER BY 1,2,3,4,6"
        )
        names = ("gtin", "lot", "location", "status", "quantity", "unit")
        return [dict(zip(names, (*row[:4], decimal_text(row[4]), row[5]), strict=True)) for row in rows]

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Every event once, in the order it was booked: id, gateway, seq, kind, topic; `body` is the event."""
        rows = self._rows(
            "SELECT id, gateway, seq, kind, topic, body FROM events WHERE ?1 IS NULL OR kind=?1 ORDER BY position", kind
        )
        names = ("id", "gateway", "seq", "kind", "topic", "body")
        return [dict(zip(names, (*row[:5], json.loads(row[5])), strict=True)) for row in rows]

    def kinds(self) -> dict[str, int]:
        """How many events of each kind were booked."""
        return dict(self._rows("SELECT kind, count(*) FROM events GROUP BY 1 ORDER BY 1"))

    def gaps(self) -> list[tuple[str, int, int]]:
        """The numbers never seen, as (gateway, first, last)."""
        return [(str(row[0]), int(row[1]), int(row[2])) for row in self._rows("SELECT * FROM gaps ORDER BY 1, 2")]

    def missing(self) -> list[tuple[str, int, int]]:
        """Of the gaps, those that nobody has given up: worth asking for."""
        query = "SELECT * FROM gaps g WHERE NOT EXISTS(SELECT 1 FROM void v WHERE v.gateway=g.gateway"
        rows = self._rows(query + " AND v.first<=g.first AND v.last>=g.last) ORDER BY 1, 2")
        return [(str(row[0]), int(row[1]), int(row[2])) for row in rows]

    def through(self) -> dict[str, int]:
        """Per gateway: up to this number everything that will ever come is booked."""
        return dict(self._rows("SELECT gateway, done FROM gateways ORDER BY 1"))

    def last(self) -> dict[str, int]:
        """The highest seq per gateway."""
        return dict(self._rows("SELECT gateway, last FROM gateways ORDER BY 1"))

    def tally(self, name: str) -> int:
        """How many were `duplicate`, `conflict`, `reordered`, `reused` or `rejected`."""
        return sum(row[0] for row in self._rows("SELECT count FROM tallies WHERE name=?", name))

    def rejected(self) -> list[tuple[str, str]]:
        """Topic and reason of every message that could not be booked."""
        return [
            (str(row[0]), str(row[1])) for row in self._rows("SELECT topic, reason FROM rejected ORDER BY position")
        ]


def _lines(body: dict[str, Any], quantities: bool = True, name: str = "tally:lotQuantityList") -> list[dict[str, Any]]:
    """The lot lines of an event, checked; without `quantities` only gtin and lot are needed."""
    lines = body.get(name)
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise BadEvent(f"{name} is not a list of lot lines")
    for line in lines:
        if not all(isinstance(line.get(name), str) for name in ("tally:gtin", "tally:lot")):
            raise BadEvent('a lot line without tally:gtin and tally:lot ("" for what was not identified)')
        if quantities and line.get("tally:status") not in STATUSES:
            raise BadEvent(f"a lot line whose tally:status is {line.get('tally:status')!r}, not available or hold")
    return lines
