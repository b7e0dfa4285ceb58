"""The little SQL that differs between databases: upsert, and the way to write JSON.

Everything else in this package is portable SQLAlchemy Core; SQLite's pragmas live in `opening`.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, Insert, RowMapping, Select, Table, bindparam, select
from sqlalchemy.dialects import sqlite

from gateway.errors import LedgerError

T = TypeVar("T")

CHUNK = 500
"""Values per IN list: far below every engine's limit on bound parameters."""


class Turn(msgspec.Struct, frozen=True):
    """What every write needs: the transaction, whose rows, and when (µs)."""

    connection: Connection
    site: str
    gateway: str
    owner: str
    now: int

    def upsert(self, table: Table, *, update: tuple[str, ...] | None = None, add: tuple[str, ...] = ()) -> Insert:
        """`upsert` for this transaction's database."""
        return upsert(self.connection.dialect.name, table, update, add)

    @property
    def origin(self) -> dict[str, Any]:
        """The columns that say whose row it is."""
        return {"site": self.site, "gateway": self.gateway, "owner": self.owner}


class Asking(msgspec.Struct, frozen=True):
    """The connection that is asked, and for whom."""

    connection: Connection
    site: str
    gateway: str

    def rows(self, statement: Select[Any], values: dict[str, Any] | None = None) -> list[RowMapping]:
        """All rows of a statement."""
        return list(self.connection.execute(statement, values).mappings())

    def mine(self, statement: Select[Any], **values: Any) -> list[RowMapping]:
        """All rows of a statement that was built once, with the site bound as `of_site` (`here`)."""
        return self.rows(statement, {"of_site": self.site} | values)

    def of(self, table: Table, **key: str) -> list[RowMapping]:
        """The site's rows of a table with these values. The statement is built once for a table and its columns."""
        return self.rows(_having(table, tuple(key)), {"site": self.site} | key)


def here(table: Table) -> ColumnElement[bool]:
    """Rows of the site, for a statement that is built once: building one costs as much as running it."""
    mine: ColumnElement[bool] = table.c.site == bindparam("of_site")
    return mine


def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """A column's value is among those bound as `name`, `CHUNK` at most; for a statement that is built once."""
    return column.in_(bindparam(name, expanding=True))


@cache
def _having(table: Table, names: tuple[str, ...]) -> Select[Any]:
    return select(table).where(*(table.c[name] == bindparam(name) for name in ("site", *names)))


@cache
def upsert(dialect: str, table: Table, update: tuple[str, ...] | None = None, add: tuple[str, ...] = ()) -> Insert:
    """INSERT … ON CONFLICT (primary key): `update` columns take the new value, `add` columns grow by it.

    `update` None means every column outside the key; both empty means an existing row stays as it is.

    Raises:
        LedgerError: a database that this project does not know.
    """
    if dialect == "sqlite":
        statement: Any = sqlite.insert(table)
    elif dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # a box with SQLite never pays for it

        statement = postgresql.insert(table)
    else:
        raise LedgerError(f"[ledger] url: {dialect} is not supported; use sqlite:///path or postgresql+psycopg://…")
    keys = [column.name for column in table.primary_key.columns]
    if update is None:
        update = tuple(column.name for column in table.columns if column.name not in keys and column.name != "schema")
    changes = {name: statement.excluded[name] for name in update}
    changes |= {name: table.c[name] + statement.excluded[name] for name in add}
    done: Insert
    if changes:
        done = statement.on_conflict_do_update(index_elements=keys, set_=changes)
    else:
        done = statement.on_conflict_do_nothing(index_elements=keys)
    return done


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """`values` in pieces of at most `CHUNK`."""
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: one text for one value, on every machine."""
    return msgspec.json.encode(value, order="sorted").decode()


def loads(text: str | bytes) -> Any:
    """The value of a JSON text."""
    return msgspec.json.decode(text)
