"""Portability: the schema and the upserts are SQL that PostgreSQL knows too."""

import sys
from typing import Any

import pytest
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from gateway.errors import LedgerError
from gateway.ledger.sql import canonical, chunks, upsert
from gateway.ledger.store import Ledger
from gateway.ledger.tables import METADATA, lots, stock


@pytest.mark.parametrize("table", METADATA.sorted_tables, ids=lambda table: str(table.name))
def test_tables_are_known_to_both(table: Any) -> None:
    """Every table and index has a form in both databases, with instants and quantities of 64 bits in PostgreSQL."""
    for dialect in (postgresql.dialect(), sqlite.dialect()):
        made = str(CreateTable(table).compile(dialect=dialect))
        assert made.lstrip().startswith("CREATE TABLE")
        for index in table.indexes:
            assert str(CreateIndex(index).compile(dialect=dialect)).startswith("CREATE INDEX")
    made = str(CreateTable(table).compile(dialect=postgresql.dialect()))
    for column in table.columns:
        if (
            column.name in ("quantity", "at", "t", "changed", "entered", "created", "seq")
            and table.name != "excursions"
        ):
            assert f"{column.name} BIGINT" in made


@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
def test_upserts_are_written_for_both(name: str) -> None:
    """An upsert adds, replaces or leaves alone, by the same primary key, in both databases."""
    dialect: Any = postgresql.dialect() if name == "postgresql" else sqlite.dialect()
    adding = str(upsert(name, stock, ("changed",), ("quantity",)).compile(dialect=dialect))
    assert "ON CONFLICT (site, owner, gtin, lot, location, status, unit) DO UPDATE SET" in adding
    assert "quantity = (stock.quantity + excluded.quantity)" in adding
    assert "changed = excluded.changed" in adding
    assert "gateway =" not in adding.partition("DO UPDATE")[2]
    assert str(upsert(name, lots, ()).compile(dialect=dialect)).endswith("ON CONFLICT (site, gtin, lot) DO NOTHING")
    whole = str(upsert(name, lots).compile(dialect=dialect)).partition("DO UPDATE")[2]
    assert "expiry = excluded.expiry" in whole
    assert "gtin =" not in whole


def test_another_database_is_refused() -> None:
    """A database nobody has tried is an error, not a guess."""
    with pytest.raises(LedgerError, match="oracle is not supported"):
        upsert("oracle", lots)


def test_a_missing_driver_is_said_without_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL without its driver is an error that names the driver and hides the password."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(LedgerError, match=r"driver is not installed here: .*psycopg") as caught:
        Ledger.open("postgresql+psycopg://tallyman:hunter2@db.example/x", site="s", gateway="g")
    assert "hunter2" not in str(caught.value)


def test_canonical_json_is_one_text_for_one_value() -> None:
    """Keys are sorted at every depth and there are no spaces, so the hash is of the value."""
    assert canonical({"b": {"z": 1, "a": (2,)}, "a": None}) == canonical({"a": None, "b": {"a": [2], "z": 1}})
    assert canonical({"b": 1.5, "a": "é"}) == '{"a":"é","b":1.5}'


def test_chunks_are_complete() -> None:
    """Long lists are cut into pieces without losing or doubling one."""
    values = list(range(1_234))
    pieces = list(chunks(values))
    assert [value for piece in pieces for value in piece] == values
    assert max(len(piece) for piece in pieces) <= 500
    assert list(chunks([])) == []
