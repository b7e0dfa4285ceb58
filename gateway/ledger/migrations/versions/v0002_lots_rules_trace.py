"""Life of lots, firings of rules, and what tracing needs.

Revision ID: 0002
Revises: 0001
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Each part below brings its own tables, columns and indexes."""
    _confirmed()
    _tracing()
    _lots()
    _announced()
    _made()
    _pending()
    _rules()


def _rules() -> None:
    """Firings of rules, and the files of rules that a snapshot was taken under."""
    op.add_column("snapshots", sa.Column("rules", sa.JSON(), nullable=False, server_default="[]"))
    op.create_table(
        "firings",
        sa.Column("firing", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("on", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("actions", sa.JSON(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("schema", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("firing", name=op.f("pk_firings")),
    )
    op.create_index(op.f("ix_firings_site_rule_at"), "firings", ["site", "rule", "at"])
    op.create_index(op.f("ix_firings_site_subject"), "firings", ["site", "subject"])


def _confirmed() -> None:
    op.add_column("progress", sa.Column("confirmed", sa.BigInteger(), nullable=False, server_default="0"))


def _tracing() -> None:
    """The way from a tag to its movements, filled from the lines there are; and indexes for what people know."""
    op.create_index(op.f("ix_lots_site_lot_gtin"), "lots", ["site", "lot", "gtin"])
    op.create_index(op.f("ix_items_site_gtin_serial"), "items", ["site", "gtin", "serial"])
    op.create_index(op.f("ix_movements_site_sscc"), "movements", ["site", "sscc"])
    op.create_index(op.f("ix_expected_lines_site_lot_gtin"), "expected_lines", ["site", "lot", "gtin"])
    op.create_table(
        "movement_items",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("epc", sa.Text(), nullable=False),
        sa.Column("movement", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("site", "epc", "movement", name=op.f("pk_movement_items")),
        sqlite_with_rowid=False,
    )
    for column in (
        sa.Column("purpose", sa.Text(), server_default="", nullable=False),
        sa.Column("by", sa.Text(), server_default="", nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("event", sa.Text(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=True),
    ):
        op.add_column("movements", column)
    if not op.get_context().as_sql:
        _fill(op.get_bind())
        _point(op.get_bind())


def _fill(connection: sa.Connection) -> None:
    columns = [sa.column("site"), sa.column("movement"), sa.column("line"), sa.column("epcs", sa.JSON())]
    lines = connection.execute(sa.select(*columns).select_from(sa.table("movement_lines"))).all()
    found = {(row.site, epc, row.movement): row.line for row in lines for epc in row.epcs}
    rows = [
        {"site": site, "epc": epc, "movement": movement, "line": line}
        for (site, epc, movement), line in sorted(found.items())
    ]
    if rows:
        into = sa.table("movement_items", *(sa.column(name) for name in ("site", "epc", "movement", "line")))
        connection.execute(sa.insert(into), rows)


def _point(connection: sa.Connection) -> None:
    """Where each movement was decided, and the event that told it, as far as its row is still kept."""
    names = ("site", "gateway", "movement", "position", "event", "seq")
    movements = sa.table("movements", *(sa.column(name) for name in names))
    audit = sa.table("audit", *(sa.column(name) for name in ("site", "kind", "subject", "position")))
    own = (audit.c.site == movements.c.site, audit.c.kind == "movement", audit.c.subject == movements.c.movement)
    decided = sa.select(sa.func.min(audit.c.position)).where(*own).scalar_subquery()
    connection.execute(sa.update(movements).values(position=decided))
    told: list[sa.ColumnClause[Any]] = [sa.column(name) for name in ("site", "seq", "id")]
    outbox = sa.table("outbox", *told, sa.column("attributes", sa.JSON()))
    for row in connection.execute(sa.select(outbox).order_by(sa.desc(outbox.c.seq))).all():
        mine = (movements.c.site == row.site, movements.c.movement == row.attributes.get("subject"))
        connection.execute(sa.update(movements).where(*mine).values(event=row.id, seq=row.seq))


def _lots() -> None:
    """What more is known of a lot, and every step of its life."""
    for column in (
        sa.Column("best_before", sa.Text(), nullable=True),
        sa.Column("shelf_life_days", sa.Integer(), nullable=True),
        sa.Column("life", sa.Text(), nullable=True),
    ):
        op.add_column("lots", column)
    op.create_table(
        "lot_changes",
        sa.Column("change", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("movement", sa.Text(), nullable=True),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("change", name=op.f("pk_lot_changes")),
    )
    op.create_index(op.f("ix_lot_changes_site_gtin_lot"), "lot_changes", ["site", "gtin", "lot"])
    for column in (
        sa.Column("by", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.Column("whole", sa.Boolean(), server_default="1", nullable=False),
    ):
        op.add_column("holds", column)


def _announced() -> None:
    """Unknown keys of documents, documents in parts, items that are known by their EPC alone, further documents."""
    op.add_column("expectations", sa.Column("type", sa.Text(), nullable=True))
    op.add_column("expectations", sa.Column("extra", sa.JSON(), nullable=True))
    op.add_column("expectations", sa.Column("parts", sa.Integer(), nullable=True))
    op.add_column("expected_units", sa.Column("extra", sa.JSON(), nullable=True))
    op.add_column("expected_lines", sa.Column("extra", sa.JSON(), nullable=True))
    op.create_table(
        "expected_epcs",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("sscc", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("epc", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site", "kind", "document", "sscc", "line"],
            [f"expected_lines.{name}" for name in ("site", "kind", "document", "sscc", "line")],
            name=op.f("fk_expected_epcs_expected_lines"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site", "kind", "document", "sscc", "line", "epc", name=op.f("pk_expected_epcs")),
    )
    op.create_index(op.f("ix_expected_epcs_site_epc"), "expected_epcs", ["site", "epc"])
    op.create_table(
        "documents",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("schema", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("site", "kind", "document", name=op.f("pk_documents")),
    )


def _made() -> None:
    """Which lot came from which, and the numbers that this site gave."""
    op.create_table(
        "lineage",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("transformation", sa.Text(), nullable=False),
        sa.Column("parent_gtin", sa.Text(), nullable=False),
        sa.Column("parent_lot", sa.Text(), nullable=False),
        sa.Column("parent_unit", sa.Text(), nullable=False),
        sa.Column("child_gtin", sa.Text(), nullable=False),
        sa.Column("child_lot", sa.Text(), nullable=False),
        sa.Column("child_unit", sa.Text(), nullable=False),
        sa.Column("parent_quantity", sa.BigInteger(), nullable=False),
        sa.Column("child_quantity", sa.BigInteger(), nullable=False),
        sa.Column("production", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint(
            "site",
            "transformation",
            "parent_gtin",
            "parent_lot",
            "parent_unit",
            "child_gtin",
            "child_lot",
            "child_unit",
            name=op.f("pk_lineage"),
        ),
    )
    op.create_index(op.f("ix_lineage_site_parent_gtin_parent_lot"), "lineage", ["site", "parent_gtin", "parent_lot"])
    op.create_index(op.f("ix_lineage_site_child_gtin_child_lot"), "lineage", ["site", "child_gtin", "child_lot"])
    op.create_table(
        "numbering",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("counter", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "counter", name=op.f("pk_numbering")),
    )
    op.create_index(op.f("ix_numbering_site_day"), "numbering", ["site", "day"])


def _pending() -> None:
    """Receipts that wait for their announcement."""
    op.create_table(
        "pending_receipts",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("movement", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("schema", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("site", "movement", name=op.f("pk_pending_receipts")),
    )
    op.create_table(
        "pending_keys",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("movement", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site", "movement"],
            ["pending_receipts.site", "pending_receipts.movement"],
            name=op.f("fk_pending_keys_pending_receipts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site", "key", "movement", name=op.f("pk_pending_keys")),
    )
