"""Measurements in a file of their own: a spool towards the server, and a ring that answers questions here.

Both are packed, one zstd row per flush, for a flash card wears by the commit (measured: 0.4 instead of 17 GB a day).
synchronous=NORMAL: a power cut may cost the last seconds, which samples may (DESIGN §1.3). What did not fit is counted
in the file itself. Plain sqlite3: a few tables, never on another database, set aside rather than migrated.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import structlog
import zstandard

from gateway.errors import LedgerError

log = structlog.get_logger(__name__)

_VERSION = 1
_LEVEL = 3
_QUARANTINE = 100  # blocks kept to look at; all are counted

_TABLES = """
CREATE TABLE spool (id INTEGER PRIMARY KEY AUTOINCREMENT, first INTEGER NOT NULL, last INTEGER NOT NULL,
    count INTEGER NOT NULL, bytes INTEGER NOT NULL, block BLOB NOT NULL);
CREATE TABLE ring (id INTEGER PRIMARY KEY AUTOINCREMENT, first INTEGER NOT NULL, last INTEGER NOT NULL,
    count INTEGER NOT NULL, bytes INTEGER NOT NULL, block BLOB NOT NULL);
CREATE TABLE quarantine (id INTEGER PRIMARY KEY, count INTEGER NOT NULL, block BLOB NOT NULL, reason TEXT NOT NULL);
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """One sample: µs, sensor or scale, quantity, value (None unless there is one), UCUM unit, quality."""

    at: int
    sensor: str
    quantity: str
    value: float | None
    unit: str
    quality: str = "good"


class Block(msgspec.Struct, frozen=True):
    """A piece of the spool: line protocol, and how many points it holds."""

    id: int
    lines: bytes
    count: int


_SAMPLES = msgspec.msgpack.Decoder(tuple[Sample, ...])


class TelemetryStore:
    """Spool and ring. Methods are for one thread at a time; open it with `TelemetryStore.open`."""

    def __init__(
        self, connection: sqlite3.Connection, path: str, spool_bytes: int, ring_bytes: int, ring_us: int
    ) -> None:
        self._connection = connection
        self._path = path
        self._spool_bytes, self._ring_bytes, self._ring_us = spool_bytes, ring_bytes, ring_us
        self._sizes = {"spool": 0, "ring": 0}
        self._unwritten = 0  # points the disk refused, until it takes their number

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        spool_bytes: int = 256 << 20,
        ring_bytes: int = 64 << 20,
        ring_us: int = 7 * 86_400_000_000,
    ) -> "TelemetryStore":
        """Open or make the file; one that is damaged or of another version is set aside as `<file>.old`.

        `spool_bytes` and `ring_bytes` bound the compressed blocks; `ring_us` (µs) is how long the ring looks back.

        Raises:
            LedgerError: the file cannot be made.
        """
        place = Path(path)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                connection, sizes = _connect(place)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                _set_aside(place)
                connection, sizes = _connect(place)
        except (OSError, sqlite3.Error) as error:
            raise LedgerError(f"{place}: the telemetry file cannot be opened: {error}") from error
        store = cls(connection, str(place), spool_bytes, ring_bytes, ring_us)
        store._sizes = sizes
        return store

    def close(self) -> None:
        """Write down what is still to be counted, and close the file."""
        try:
            with self._transaction():
                pass
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        except (LedgerError, sqlite3.Error) as error:
            log.warning("telemetry file not closed in order", path=self._path, error=str(error))
        finally:
            self._connection.close()

    def append(self, lines: bytes, count: int, first: int, last: int) -> int:
        """Spool `count` points of line protocol from `first` to `last` (µs); the oldest blocks make room.

        Returns:
            How many points were dropped for it.

        Raises:
            LedgerError: the disk refuses; the points are lost, and counted as soon as it takes their number.
        """
        if count == 0:
            return 0
        try:
            with self._transaction():
                self._put("spool", lines, count, first, last)
                dropped = self._shed("spool", self._spool_bytes)
                self._count("dropped", dropped)
        except LedgerError:
            self._unwritten += count
            raise
        return dropped

    def keep(self, samples: Sequence[Sample]) -> None:
        """Add samples to the ring, and forget what is too old or too much.

        Raises:
            LedgerError: the disk refuses.
        """
        if not samples:
            return
        instants = [sample.at for sample in samples]
        newest = max(instants)
        with self._transaction():
            self._put("ring", msgspec.msgpack.encode(samples), len(samples), min(instants), newest)
            old = "FROM ring WHERE last < ?"
            horizon = (newest - self._ring_us,)
            gone = self._connection.execute(f"SELECT coalesce(sum(bytes), 0) {old}", horizon).fetchone()[0]
            self._connection.execute(f"DELETE {old}", horizon).close()
            self._sizes["ring"] -= gone
            self._shed("ring", self._ring_bytes)

    def samples(self, sensor: str | None, quantity: str | None, start: int, end: int) -> list[Sample]:
        """Samples in [start, end] µs, by time then sensor; None is any."""
        try:
            rows = self._connection.execute(
                "SELECT block FROM ring WHERE last >= ? AND first <= ? ORDER BY id", (start, end)
            ).fetchall()
        except sqlite3.Error as error:
            raise LedgerError(f"{self._path}: cannot be read: {error}") from error
        found = [
            sample
            for (block,) in rows
            for sample in _SAMPLES.decode(_unpacked(block) or b"[]")
            if start <= sample.at <= end
            and (sensor is None or sample.sensor == sensor)
            and (quantity is None or sample.quantity == quantity)
        ]
        return sorted(found, key=lambda sample: (sample.at, sample.sensor, sample.quantity))

    def take(self, limit: int) -> list[Block]:
        """Up to `limit` of the oldest blocks. They stay until `done` or `quarantine`."""
        try:
            rows = self._connection.execute(
                "SELECT id, block, count FROM spool ORDER BY id LIMIT ?", (limit,)
            ).fetchall()
        except sqlite3.Error as error:
            raise LedgerError(f"{self._path}: cannot be read: {error}") from error
        found = [(ident, _unpacked(block), count) for ident, block, count in rows]
        for ident, lines, _ in found:
            if lines is None:
                self.quarantine(ident, "the block is damaged on the disk")
        return [Block(ident, lines, count) for ident, lines, count in found if lines is not None]

    def done(self, ids: Iterable[int]) -> None:
        """The server has these blocks; one that was dropped meanwhile is no error."""
        with self._transaction():
            for ident in ids:
                self._remove("spool", ident)

    def quarantine(self, ident: int, reason: str) -> None:
        """The server will never take this block: out of the way, counted, and the last hundred kept to look at."""
        with self._transaction():
            row = self._connection.execute("SELECT count, block FROM spool WHERE id = ?", (ident,)).fetchone()
            if row is None:
                return
            self._connection.execute("INSERT INTO quarantine VALUES (?, ?, ?, ?)", (ident, *row, reason)).close()
            self._connection.execute(
                "DELETE FROM quarantine WHERE id NOT IN (SELECT id FROM quarantine ORDER BY id DESC LIMIT ?)",
                (_QUARANTINE,),
            ).close()
            self._remove("spool", ident)
            self._count("quarantined", row[0])

    def counts(self) -> dict[str, int]:
        """Points, blocks and bytes in the spool; bytes in the ring; points dropped and quarantined since the start."""
        try:
            blocks, points = self._connection.execute("SELECT count(*), coalesce(sum(count), 0) FROM spool").fetchone()
            counters = dict(self._connection.execute("SELECT name, value FROM counters").fetchall())
        except sqlite3.Error as error:
            raise LedgerError(f"{self._path}: cannot be read: {error}") from error
        return {
            "points": points,
            "blocks": blocks,
            "bytes": self._sizes["spool"],
            "ring_bytes": self._sizes["ring"],
            "dropped": counters.get("dropped", 0) + self._unwritten,
            "quarantined": counters.get("quarantined", 0),
        }

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """One transaction, which also writes down the points that were refused before; sizes follow its fate."""
        sizes = dict(self._sizes)
        try:
            self._connection.execute("BEGIN IMMEDIATE").close()
            self._count("dropped", self._unwritten)
            yield
            self._connection.execute("COMMIT").close()
        except sqlite3.Error as error:
            self._sizes = sizes
            with suppress(sqlite3.Error):  # a closed connection has nothing to roll back
                self._connection.rollback()
            raise LedgerError(f"{self._path}: not written: {error}") from error
        self._unwritten = 0

    def _put(self, table: str, plain: bytes, count: int, first: int, last: int) -> None:
        block = zstandard.ZstdCompressor(level=_LEVEL).compress(plain)
        self._connection.execute(
            f"INSERT INTO {table} (first, last, count, bytes, block) VALUES (?, ?, ?, ?, ?)",
            (first, last, count, len(block), block),
        ).close()
        self._sizes[table] += len(block)

    def _shed(self, table: str, bound: int) -> int:
        """Remove the oldest blocks until the rest fits; how many points they held."""
        points = 0
        while self._sizes[table] > bound:
            ident, count = self._connection.execute(f"SELECT id, count FROM {table} ORDER BY id LIMIT 1").fetchone()
            self._remove(table, ident)
            points += count
        return points

    def _remove(self, table: str, ident: int) -> None:
        row = self._connection.execute(f"SELECT bytes FROM {table} WHERE id = ?", (ident,)).fetchone()
        if row is not None:
            self._connection.execute(f"DELETE FROM {table} WHERE id = ?", (ident,)).close()
            self._sizes[table] -= row[0]

    def _count(self, name: str, points: int) -> None:
        if points:
            self._connection.execute(
                "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
                (name, points),
            ).close()


def _unpacked(block: bytes) -> bytes | None:
    """A block's plain bytes; None when the disk did not keep it."""
    try:
        return zstandard.decompress(block)
    except zstandard.ZstdError:
        return None


def _connect(path: Path) -> tuple[sqlite3.Connection, dict[str, int]]:
    """The open file and the bytes in its tables, which are read whole: damage shows here, not in the middle of work."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        for pragma in ("auto_vacuum=INCREMENTAL", "journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000"):
            connection.execute(f"PRAGMA {pragma}").close()
        connection.execute("PRAGMA journal_size_limit=16777216").close()
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version={_VERSION}; COMMIT;")
        elif version != _VERSION:
            raise sqlite3.DatabaseError(f"version {version}")
        sums = {name: f"SELECT coalesce(sum(bytes), 0) FROM {name}" for name in ("spool", "ring")}
        sizes = {name: int(connection.execute(query).fetchone()[0]) for name, query in sums.items()}
    except sqlite3.Error:
        connection.close()
        raise
    return connection, sizes


def _set_aside(path: Path) -> None:
    """Keep one damaged file to look at; its log and index belong to it."""
    path.replace(path.with_name(path.name + ".old"))
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
