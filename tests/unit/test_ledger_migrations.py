"""Migrations: step by step and all at once end at the same schema, and neither pretends."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from gateway.errors import LedgerError
from gateway.ledger import opening, tables
from gateway.ledger.store import Ledger


def engine() -> Engine:
    """An empty database in memory."""
    url, path = opening.parse("sqlite://")
    return opening.writing_engine(url, path)


def shape(engine: Engine) -> dict[str, Any]:
    """Columns, keys, foreign keys and indices of every table of ours."""
    found: dict[str, Any] = {}
    seen = inspect(engine)
    for table in sorted(seen.get_table_names()):
        if table != "alembic_version":
            found[table] = {
                "columns": [{**one, "type": str(one["type"])} for one in seen.get_columns(table)],
                "key": seen.get_pk_constraint(table),
                "foreign": seen.get_foreign_keys(table),
                "indexes": [
                    {**one, "dialect_options": str((one.get("dialect_options") or {}).get("sqlite_where"))}
                    for one in seen.get_indexes(table)
                ],
            }
    return found


def test_migrating_from_nothing_gives_the_tables() -> None:
    """Alembic from an empty database ends where the metadata is: no difference, and the same shape as at once."""
    stepped, made = engine(), engine()
    with stepped.begin() as connection:
        opening.migrate(connection)
    with stepped.begin() as connection:
        assert opening.revision(connection) == tables.HEAD
        assert compare_metadata(MigrationContext.configure(connection), tables.METADATA) == []
    opening.bring_to_head(made)
    assert shape(stepped) == shape(made)
    for one in (stepped, made):
        one.dispose()


def test_the_known_revisions_are_the_scripts() -> None:
    """HEAD and REVISIONS name exactly the scripts there are, in their order."""
    scripts = ScriptDirectory(str(Path(opening.__file__).parent / "migrations"))
    assert scripts.get_current_head() == tables.HEAD
    assert tuple(reversed([script.revision for script in scripts.walk_revisions()])) == tables.REVISIONS


def test_a_newer_schema_is_refused() -> None:
    """A ledger of a newer program is not touched, and the message says what to do."""
    newer = engine()
    opening.bring_to_head(newer)
    with newer.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(LedgerError, match=r"schema 9999, this program knows up to .*: install the newer version"):
        opening.bring_to_head(newer)
    newer.dispose()


def test_an_older_schema_is_brought_to_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older revision goes through Alembic when the ledger is opened."""
    asked: list[str] = []
    monkeypatch.setattr(opening, "HEAD", "0002")
    monkeypatch.setattr(opening, "migrate", lambda connection: asked.append(str(opening.revision(connection))))
    older = engine()
    with older.begin() as connection:
        tables.METADATA.create_all(connection)
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('0001')"))
    opening.bring_to_head(older)
    assert asked == ["0001"]
    older.dispose()


def test_movements_of_an_older_ledger_can_be_traced(tmp_path: Path) -> None:
    """Tags lead to their movements, and movements to journal position and event, also those from before 0002."""
    older = opening.writing_engine(*opening.parse(f"sqlite:///{tmp_path}/l.db"))
    config = Config()
    config.set_main_option("script_location", str(Path(opening.__file__).parent / "migrations").replace("%", "%%"))
    with older.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in OLDER:
            connection.execute(text(statement))
    older.dispose()
    ledger = Ledger.open(f"sqlite:///{tmp_path}/l.db", site="s", gateway="g")
    (one,) = ledger.trace("AAAA00000001")["movements"]
    assert (one["movement"], one["position"], one["event"], one["seq"]) == ("m1", 7, "e1", 3)
    assert (one["by"], one["purpose"], [line["lot"] for line in one["lines"]]) == ("", "", ["L1"])
    ledger.close()


OLDER = (
    """INSERT INTO movements (site, movement, passage, portal, at, type, verdict, reasons, rules, evidence, hash,
    gateway) VALUES ('s', 'm1', 'd/1', 'd', 5, 'receive', 'accepted', '[]', '[]', '{}', 'h', 'g')""",
    """INSERT INTO movement_lines (site, movement, line, gtin, lot, quantity, unit, resolved_by, basis, epcs)
    VALUES ('s', 'm1', 1, '04012345000009', 'L1', 1000, 'each', 'serial', 'sgtin', '["AAAA00000001"]')""",
    """INSERT INTO audit (site, gateway, ordinal, t, position, kind, subject, decision, previous, hash)
    VALUES ('s', 'g', 1, 5, 7, 'movement', 'm1', '{}', '', 'h')""",
    """INSERT INTO outbox (site, gateway, seq, id, kind, topic, content_type, attributes, body, state, created)
    VALUES ('s', 'g', 3, 'e1', 'receipt', 't', 'c', '{"subject":"m1"}', 'b', 'pending', 5),
    ('s', 'g', 4, 'e2', 'receipt', 't', 'c', '{"subject":"m1"}', 'b', 'pending', 5)""",
)
"""Rows of a ledger of 0001: one movement of a tag, told by two events."""


def test_a_schema_is_made_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interruption while tables are made leaves an empty database, not half a one."""
    broken = engine()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(opening, "text", interrupted)
        with pytest.raises(KeyboardInterrupt):
            opening.bring_to_head(broken)
    assert inspect(broken).get_table_names() == []
    opening.bring_to_head(broken)
    assert "outbox" in inspect(broken).get_table_names()
    broken.dispose()


def test_opening_does_not_load_alembic(tmp_path: Path) -> None:
    """Neither making nor opening a ledger at head brings Alembic into memory."""
    script = (
        "import sys\nfrom gateway.ledger.store import Ledger\n"
        "for _ in range(2):\n    Ledger.open(sys.argv[1], site='s', gateway='g').close()\n"
        "assert 'alembic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script, f"sqlite:///{tmp_path}/l.db"], check=True, timeout=60)


def test_the_columns_that_are_dear_later_are_there() -> None:
    """site, gateway, owner, schema and hash columns stand where DESIGN wants them, and no quantity is a float."""
    of = tables.METADATA.tables
    for name in ("stock", "items", "units", "lots", "expectations", "movements", "alarms", "excursions", "outbox"):
        assert {"site", "gateway", "owner"} <= set(of[name].columns.keys()), name
    for name in ("movements", "excursions", "alarm_changes", "audit"):
        assert {"hash", "schema"} <= set(of[name].columns.keys()), name
    assert {"kind", "days"} <= set(of["retention"].columns.keys())
    assert "timezone" in of["sites"].columns
    for table in of.values():
        assert "site" in table.columns, table.name
        if "quantity" in table.columns and table.name != "excursions":  # there it is the name of what was measured
            assert str(table.c.quantity.type) == "BIGINT", table.name


def test_the_site_is_written_down(tmp_path: Path) -> None:
    """The site's IANA time zone and GLN are in the ledger, as of the last start."""
    url = f"sqlite:///{tmp_path}/l.db"
    Ledger.open(url, site="s", gateway="g").close()
    ledger = Ledger.open(url, site="s", gateway="g", timezone="Europe/Berlin", gln="4012345000009")
    with ledger._engine.connect() as connection:
        row = connection.execute(tables.sites.select()).mappings().one()
    assert (row["timezone"], row["gln"]) == ("Europe/Berlin", "4012345000009")
    ledger.close()
