"""Opening a database: the engine with its pragmas, the lock beside the file, and the schema at head.

SQLite: WAL with synchronous=FULL, for NORMAL may roll back committed transactions at a power cut
(https://www.sqlite.org/pragma.html#pragma_synchronous); auto_vacuum is set before anything is written, for after the
first table it would take a VACUUM of the whole file.
"""

import fcntl
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool, StaticPool

from gateway.errors import LedgerError
from gateway.ledger.sql import canonical, loads
from gateway.ledger.tables import HEAD, METADATA, REVISIONS

_PRAGMAS = (
    "PRAGMA auto_vacuum=INCREMENTAL",  # first: it must come before the file has a header
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=5000",
    "PRAGMA wal_autocheckpoint=16000",  # pages: a backstop; the pipeline does it while nothing waits
    "PRAGMA journal_size_limit=67108864",
)
_READING = ("PRAGMA foreign_keys=ON", "PRAGMA busy_timeout=5000", "PRAGMA query_only=ON")


class Lock:
    """Keeps a second process off an SQLite ledger: an flock on `<file>.lock`; the kernel drops it with the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the lock and write who holds it.

        Raises:
            LedgerError: another process has it, or the file cannot be made.
        """
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise LedgerError(f"{self.path}: cannot be made: {error.strerror}; check the directory's owner") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(descriptor, 200).decode(errors="replace").strip() or "another process"
            os.close(descriptor)
            raise LedgerError(
                f"{self.path.with_suffix('')}: the ledger is in use by {holder}; a ledger has one writer: "
                "stop the other gateway, or give this one a [ledger] url of its own"
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} since {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n".encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go. The file stays: removing it would let two processes lock two files of one name."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def parse(url: str) -> tuple[URL, Path | None]:
    """An SQLAlchemy URL and, for SQLite on disk, its file.

    Raises:
        LedgerError: not a URL, or of a database this project does not know.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise LedgerError(
            "[ledger] url: not a database URL; write sqlite:////var/lib/tallyman/ledger.db or postgresql+psycopg://…"
        ) from None
    backend = parsed.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise LedgerError(f"[ledger] url: {backend} is not supported; use sqlite:///path or postgresql+psycopg://…")
    on_disk = backend == "sqlite" and parsed.database not in (None, "", ":memory:")
    return parsed, Path(str(parsed.database)) if on_disk else None


def writing_engine(url: URL, path: Path | None) -> Engine:
    """An engine that may write. An in-memory SQLite (a scratch replay) has one connection, for one thread at a time."""
    if url.get_backend_name() != "sqlite":
        return create_engine(url, json_serializer=canonical, json_deserializer=loads, pool_size=2, pool_pre_ping=True)
    options: dict[str, Any] = {"connect_args": {"check_same_thread": False}}
    if path is None:
        options["poolclass"] = StaticPool
    else:
        options |= {"pool_size": 2, "max_overflow": 4}  # the writer and a reader; each has a page cache of its own
    return _sqlite(create_engine(url, json_serializer=canonical, json_deserializer=loads, **options), _PRAGMAS)


def reading_engine(url: URL, path: Path | None) -> Engine:
    """An engine that cannot write: SQLite is opened `mode=ro`, beside a running gateway if there is one."""
    if path is None:
        return writing_engine(url, path)
    if not path.exists():
        raise LedgerError(f"{path}: there is no ledger here; the gateway makes it at its first start")

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, check_same_thread=False)

    engine = create_engine(
        "sqlite://", creator=connect, poolclass=NullPool, json_serializer=canonical, json_deserializer=loads
    )
    return _sqlite(engine, _READING)


def _sqlite(engine: Engine, pragmas: tuple[str, ...]) -> Engine:
    """Transactions begin where we say (sqlite3 by itself leaves DDL outside them); pragmas hold per connection."""

    def connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(pragma).close()

    def began(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", began)
    return engine


def revision(connection: Connection) -> str | None:
    """The Alembic revision of a database; None: it has no tables of ours."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def bring_to_head(engine: Engine) -> None:
    """Create or migrate the schema, in one transaction.

    An empty database gets the head schema at once and is stamped; only an older one loads Alembic, whose 10 MB
    would stay in memory (a test proves that both ways end alike).

    Raises:
        LedgerError: made by a newer program, or the migration failed.
    """
    try:
        with engine.begin() as connection:
            found = revision(connection)
            if found == HEAD:
                return
            if found is None:
                METADATA.create_all(connection)
                connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
                connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})
            elif found in REVISIONS:
                migrate(connection)
            else:
                raise LedgerError(
                    f"{engine.url}: the ledger has schema {found}, this program knows up to {HEAD}: "
                    "install the newer version again, or restore the ledger saved before the upgrade"
                )
    except SQLAlchemyError as error:
        raise LedgerError(f"{engine.url}: the schema cannot be made: {describe(error)}") from error


def migrate(connection: Connection) -> None:
    """Run Alembic's upgrades to head on a connection whose transaction the caller owns."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def describe(error: Exception) -> str:
    """What the database said, without the statement and its parameters (they are long, and may be private)."""
    return str(getattr(error, "orig", None) or error).splitlines()[0]
