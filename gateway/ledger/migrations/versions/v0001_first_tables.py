"""The first tables.

Revision ID: 0001
Revises: nothing
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _alarm_changes()
    _alarms()
    _audit()
    _excursions()
    _expectations()
    _holds()
    _items()
    _lots()
    _movements()
    _outbox()
    _progress()
    _retention()
    _sites()
    _snapshots()
    _stays()
    _stock()
    _units()
    _excursion_lots()
    _expected_units()
    _movement_lines()
    _unit_contents()
    _expected_lines()
    _expected_ranges()
    _expected_serials()


def _alarm_changes() -> None:
    op.create_table(
        "alarm_changes",
        sa.Column("change", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("alarm", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("schema", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("change", name=op.f("pk_alarm_changes")),
    )
    op.create_index(op.f("ix_alarm_changes_site_alarm"), "alarm_changes", ["site", "alarm"], unique=False)


def _alarms() -> None:
    op.create_table(
        "alarms",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("alarm", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("raised", sa.BigInteger(), nullable=True),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("limit", sa.Float(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("lots", sa.JSON(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("schema", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("site", "alarm", name=op.f("pk_alarms")),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("t", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("schema", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("site", "gateway", "ordinal", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_site_kind_subject"), "audit", ["site", "kind", "subject"], unique=False)


def _excursions() -> None:
    op.create_table(
        "excursions",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("excursion", sa.Text(), nullable=False),
        sa.Column("alarm", sa.Text(), nullable=False),
        sa.Column("sensor", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("min", sa.Float(), nullable=False),
        sa.Column("max", sa.Float(), nullable=False),
        sa.Column("mean", sa.Float(), nullable=False),
        sa.Column("limit", sa.Float(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("hold", sa.Boolean(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("schema", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("site", "excursion", name=op.f("pk_excursions")),
    )


def _expectations() -> None:
    op.create_table(
        "expectations",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=True),
        sa.Column("min_shelf_life_days", sa.Integer(), nullable=True),
        sa.Column("due", sa.Text(), nullable=True),
        sa.Column("documents", sa.JSON(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("schema", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("site", "kind", "document", name=op.f("pk_expectations")),
    )


def _holds() -> None:
    op.create_table(
        "holds",
        sa.Column("hold", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("released", sa.BigInteger(), nullable=True),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("hold", name=op.f("pk_holds")),
    )
    op.create_index(op.f("ix_holds_site_gtin_lot"), "holds", ["site", "gtin", "lot"], unique=False)


def _items() -> None:
    op.create_table(
        "items",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("epc", sa.Text(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("expiry", sa.Text(), nullable=True),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("site", "epc", name=op.f("pk_items")),
    )
    op.create_index(op.f("ix_items_site_gtin_lot_location"), "items", ["site", "gtin", "lot", "location"], unique=False)


def _lots() -> None:
    op.create_table(
        "lots",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=True),
        sa.Column("produced", sa.Text(), nullable=True),
        sa.Column("expiry", sa.Text(), nullable=True),
        sa.Column("supplier", sa.Text(), nullable=True),
        sa.Column("qc", sa.Text(), nullable=True),
        sa.Column("attributes", sa.JSON(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("schema", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("site", "gtin", "lot", name=op.f("pk_lots")),
    )


def _movements() -> None:
    op.create_table(
        "movements",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("movement", sa.Text(), nullable=False),
        sa.Column("passage", sa.Text(), nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("destination", sa.Text(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("sscc", sa.Text(), nullable=True),
        sa.Column("expectation", sa.Text(), nullable=True),
        sa.Column("party", sa.Text(), nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("schema", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("site", "movement", name=op.f("pk_movements")),
    )
    op.create_index(op.f("ix_movements_site_at"), "movements", ["site", "at"], unique=False)


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=True),
        sa.Column("parked", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("schema", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("site", "gateway", "seq", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_unsettled",
        "outbox",
        ["site", "gateway", "state", "seq"],
        unique=False,
        sqlite_where=sa.text("state <> 'settled'"),
        postgresql_where=sa.text("state <> 'settled'"),
    )


def _progress() -> None:
    op.create_table(
        "progress",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("t", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("audit", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site", "gateway", name=op.f("pk_progress")),
    )


def _retention() -> None:
    op.create_table(
        "retention",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("site", "kind", name=op.f("pk_retention")),
    )


def _sites() -> None:
    op.create_table(
        "sites",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("gln", sa.Text(), nullable=True),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("schema", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("site", name=op.f("pk_sites")),
    )


def _snapshots() -> None:
    op.create_table(
        "snapshots",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("t", sa.BigInteger(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("schema", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("site", "gateway", name=op.f("pk_snapshots")),
    )


def _stays() -> None:
    op.create_table(
        "stays",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("entered", sa.BigInteger(), nullable=False),
        sa.Column("left", sa.BigInteger(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("site", "gtin", "lot", "location", "unit", "entered", name=op.f("pk_stays")),
    )
    op.create_index(op.f("ix_stays_site_location_left"), "stays", ["site", "location", "left"], unique=False)


def _stock() -> None:
    op.create_table(
        "stock",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site", "owner", "gtin", "lot", "location", "status", "unit", name=op.f("pk_stock")),
    )
    op.create_index(op.f("ix_stock_site_gtin_lot_location"), "stock", ["site", "gtin", "lot", "location"], unique=False)


def _units() -> None:
    op.create_table(
        "units",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("sscc", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("site", "sscc", name=op.f("pk_units")),
    )
    op.create_index(op.f("ix_units_site_location"), "units", ["site", "location"], unique=False)


def _excursion_lots() -> None:
    op.create_table(
        "excursion_lots",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("excursion", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("minutes", sa.Float(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site", "excursion"],
            ["excursions.site", "excursions.excursion"],
            name=op.f("fk_excursion_lots_excursions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site", "excursion", "ordinal", name=op.f("pk_excursion_lots")),
    )
    op.create_index(op.f("ix_excursion_lots_site_gtin_lot"), "excursion_lots", ["site", "gtin", "lot"], unique=False)


def _expected_units() -> None:
    op.create_table(
        "expected_units",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("sscc", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("movement", sa.Text(), nullable=True),
        sa.Column("weight", sa.Text(), nullable=True),
        sa.Column("weight_unit", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["site", "kind", "document"],
            ["expectations.site", "expectations.kind", "expectations.document"],
            name=op.f("fk_expected_units_expectations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site", "kind", "document", "sscc", name=op.f("pk_expected_units")),
    )
    op.create_index(op.f("ix_expected_units_site_sscc"), "expected_units", ["site", "sscc"], unique=False)


def _movement_lines() -> None:
    op.create_table(
        "movement_lines",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("movement", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=True),
        sa.Column("lot", sa.Text(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("resolved_by", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("expiry", sa.Text(), nullable=True),
        sa.Column("expected", sa.BigInteger(), nullable=True),
        sa.Column("prefix", sa.Integer(), nullable=True),
        sa.Column("epcs", sa.JSON(), nullable=False),
        sa.Column("schema", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["site", "movement"],
            ["movements.site", "movements.movement"],
            name=op.f("fk_movement_lines_movements"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site", "movement", "line", name=op.f("pk_movement_lines")),
    )
    op.create_index(op.f("ix_movement_lines_site_gtin_lot"), "movement_lines", ["site", "gtin", "lot"], unique=False)


def _unit_contents() -> None:
    op.create_table(
        "unit_contents",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("sscc", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("expiry", sa.Text(), nullable=True),
        sa.Column("prefix", sa.Integer(), nullable=True),
        sa.Column("epcs", sa.JSON(), nullable=False),
        sa.Column("schema", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["site", "sscc"], ["units.site", "units.sscc"], name=op.f("fk_unit_contents_units"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("site", "sscc", "line", name=op.f("pk_unit_contents")),
    )
    op.create_index(op.f("ix_unit_contents_site_gtin_lot"), "unit_contents", ["site", "gtin", "lot"], unique=False)


def _expected_lines() -> None:
    op.create_table(
        "expected_lines",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("sscc", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("expiry", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["site", "kind", "document", "sscc"],
            ["expected_units.site", "expected_units.kind", "expected_units.document", "expected_units.sscc"],
            name=op.f("fk_expected_lines_expected_units"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site", "kind", "document", "sscc", "line", name=op.f("pk_expected_lines")),
    )
    op.create_index(op.f("ix_expected_lines_site_sscc"), "expected_lines", ["site", "sscc"], unique=False)


def _expected_ranges() -> None:
    op.create_table(
        "expected_ranges",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("sscc", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("low", sa.Text(), nullable=False),
        sa.Column("high", sa.Text(), nullable=False),
        sa.Column("low_key", sa.Text(), nullable=True),
        sa.Column("high_key", sa.Text(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site", "kind", "document", "sscc", "line"],
            [
                "expected_lines.site",
                "expected_lines.kind",
                "expected_lines.document",
                "expected_lines.sscc",
                "expected_lines.line",
            ],
            name=op.f("fk_expected_ranges_expected_lines"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site", "kind", "document", "sscc", "line", "ordinal", name=op.f("pk_expected_ranges")),
    )
    op.create_index(
        op.f("ix_expected_ranges_site_gtin_low_key"), "expected_ranges", ["site", "gtin", "low_key"], unique=False
    )


def _expected_serials() -> None:
    op.create_table(
        "expected_serials",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("sscc", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site", "kind", "document", "sscc", "line"],
            [
                "expected_lines.site",
                "expected_lines.kind",
                "expected_lines.document",
                "expected_lines.sscc",
                "expected_lines.line",
            ],
            name=op.f("fk_expected_serials_expected_lines"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site", "kind", "document", "sscc", "line", "serial", name=op.f("pk_expected_serials")),
    )
    op.create_index(
        op.f("ix_expected_serials_site_gtin_serial"), "expected_serials", ["site", "gtin", "serial"], unique=False
    )
