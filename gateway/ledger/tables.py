"""The ledger's schema, head revision. `migrations/versions` builds the same step by step (a test compares them).

Instants are integer µs UTC, quantities integer thousandths beside their unit: neither ever a float. What belongs to a
site is keyed by `site`, what belongs to a box (outbox, position, snapshot, audit) by `site, gateway`, so that several
gateways can share one PostgreSQL ledger. `gateway` on a site's row is who wrote it last; `owner` whose goods they are.
JSON columns hold plain lists or objects; `schema` is the version of their shape.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

HEAD = "0002"
"""The Alembic revision that these tables are."""

REVISIONS = ("0001", HEAD)
"""Every revision this program can read or bring to head, oldest first."""

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

_ROWID = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only under the name INTEGER


def _key(name: str, kind: Any = Text) -> Column[Any]:
    return Column(name, kind, primary_key=True, nullable=False)


def _must(name: str, kind: Any = Text) -> Column[Any]:
    return Column(name, kind, nullable=False)


def _may(name: str, kind: Any = Text) -> Column[Any]:
    return Column(name, kind, nullable=True)


def _origin() -> tuple[Column[Any], Column[Any]]:
    """Who wrote the row last, and whose goods it is about."""
    return _must("gateway"), Column("owner", Text, nullable=False, server_default="")


def _schema() -> Column[Any]:
    return Column("schema", Integer, nullable=False, server_default="1")


def _parent(table: str, *columns: str, to: tuple[str, ...] | None = None) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(columns, [f"{table}.{column}" for column in to or columns], ondelete="CASCADE")


sites = Table("sites", METADATA, _key("site"), _must("timezone"), _may("gln"), *_origin(), _schema())

retention = Table("retention", METADATA, _key("site"), _key("kind"), _must("days", Integer))

progress = Table(
    "progress",
    METADATA,
    _key("site"),
    _key("gateway"),
    _must("position", BigInteger),  # last journal ordinal whose effects are in
    _must("t", BigInteger),
    _must("seq", BigInteger),  # last event number given
    _must("audit", BigInteger),  # last audit ordinal
    _must("hash"),  # of that audit row
    Column("confirmed", BigInteger, nullable=False, server_default="0"),  # central has all events up to this number
)

snapshots = Table(
    "snapshots",
    METADATA,
    _key("site"),
    _key("gateway"),
    _must("position", BigInteger),
    _must("t", BigInteger),
    _must("config"),
    _must("state", LargeBinary),
    _must("hash"),
    _schema(),
    Column("rules", JSON, nullable=False, server_default="[]"),  # files of rules: name and text
)

lots = Table(
    "lots",
    METADATA,
    _key("site"),
    _key("gtin"),
    _key("lot"),
    _must("version", BigInteger),  # 0: learned from a receipt, never announced
    _must("state"),  # known | withdrawn
    _may("product"),
    _may("produced"),
    _may("expiry"),
    _may("supplier"),
    _may("qc"),
    _may("attributes", JSON),
    _must("seq", BigInteger),  # last event about it
    _must("changed", BigInteger),
    *_origin(),
    _schema(),
    _may("best_before"),
    _may("shelf_life_days", Integer),
    _may("life"),  # pending_inspection | released | in_stock | on_hold | rejected | shipped | disposed
    Index(None, "site", "lot", "gtin"),  # for who knows the lot number only; with gtin, or SQLite scans the key instead
)

lot_changes = Table(
    "lot_changes",
    METADATA,
    _key("change", _ROWID),
    _must("site"),
    _must("gtin"),
    _must("lot"),
    _must("at", BigInteger),
    _may("before"),
    _must("after"),
    _must("reason"),
    _must("by"),  # the person; "": the rules
    _must("device"),  # the read point; "": none
    _may("movement"),
    *_origin(),
    Index(None, "site", "gtin", "lot"),
)

lineage = Table(
    "lineage",
    METADATA,
    _key("site"),
    _key("transformation"),
    _key("parent_gtin"),
    _key("parent_lot"),
    _key("parent_unit"),
    _key("child_gtin"),
    _key("child_lot"),
    _key("child_unit"),
    _must("parent_quantity", BigInteger),
    _must("child_quantity", BigInteger),
    _may("production"),
    _must("at", BigInteger),
    *_origin(),
    Index(None, "site", "parent_gtin", "parent_lot"),
    Index(None, "site", "child_gtin", "child_lot"),
)

numbering = Table(
    "numbering",
    METADATA,
    _key("site"),
    _key("counter"),
    _must("day"),  # "": never begins anew
    _must("last", BigInteger),
    _must("changed", BigInteger),
    Index(None, "site", "day"),
)

# Production orders, holds and the policy of central: one row each, as they came.
documents = Table(
    "documents",
    METADATA,
    _key("site"),
    _key("kind"),  # production | hold | policy
    _key("document"),
    _must("version", BigInteger),
    _must("state"),  # known | withdrawn | done (a production order)
    _must("body", JSON),
    _must("changed", BigInteger),
    *_origin(),
    _schema(),
)

pending_receipts = Table(
    "pending_receipts",
    METADATA,
    _key("site"),
    _key("movement"),
    _must("at", BigInteger),
    _must("state"),  # open | corrected | closed
    _must("body", JSON),  # the movement, as it was decided
    _must("changed", BigInteger),
    *_origin(),
    _schema(),
)

pending_keys = Table(
    "pending_keys",
    METADATA,
    _key("site"),
    _key("key"),  # SSCC, GTIN-14 or EPC
    _key("movement"),
    _parent("pending_receipts", "site", "movement"),
)

expectations = Table(
    "expectations",
    METADATA,
    _key("site"),
    _key("kind"),  # asn | order | commission (which expects nothing: its units may have sscc "")
    _key("document"),
    _must("version", BigInteger),
    _must("state"),  # expected | partial | received | shipped | withdrawn
    _may("party"),
    _may("min_shelf_life_days", Integer),
    _may("due"),
    _must("documents", JSON),
    _must("changed", BigInteger),
    *_origin(),
    _schema(),
    _may("type"),  # of the ASN or order
    _may("extra", JSON),  # keys of the document that we do not know
    _may("parts", Integer),  # how many parts have come of one that is not complete; null: it is complete
)

expected_units = Table(
    "expected_units",
    METADATA,
    _key("site"),
    _key("kind"),
    _key("document"),
    _key("sscc"),
    _must("ordinal", Integer),
    _must("state"),  # expected | received | shipped
    _may("movement"),
    _may("weight"),  # decimal text as announced
    _may("weight_unit"),
    _may("extra", JSON),
    _parent("expectations", "site", "kind", "document"),
    Index(None, "site", "sscc"),
)

expected_lines = Table(
    "expected_lines",
    METADATA,
    _key("site"),
    _key("kind"),
    _key("document"),
    _key("sscc"),
    _key("line", Integer),
    _must("gtin"),
    _may("lot"),
    _must("quantity", BigInteger),
    _must("unit"),
    _may("expiry"),
    _may("extra", JSON),
    _parent("expected_units", "site", "kind", "document", "sscc"),
    Index(None, "site", "sscc"),
    Index(None, "site", "lot", "gtin"),
)

_LINE = ("site", "kind", "document", "sscc", "line")

expected_serials = Table(
    "expected_serials",
    METADATA,
    *(_key(name, Integer if name == "line" else Text) for name in _LINE),
    _key("serial"),
    _must("ordinal", Integer),
    _must("gtin"),
    _parent("expected_lines", *_LINE),
    Index(None, "site", "gtin", "serial"),
)

expected_ranges = Table(
    "expected_ranges",
    METADATA,
    *(_key(name, Integer if name == "line" else Text) for name in _LINE),
    _key("ordinal", Integer),
    _must("gtin"),
    _must("low"),  # as announced
    _must("high"),
    _may("low_key"),  # 20 digits, zero-padded, so that text order is number order; null: not numeric, matches nothing
    _may("high_key"),
    _must("width", Integer),  # 0: serials without leading zeros; else exactly so many digits
    _parent("expected_lines", *_LINE),
    Index(None, "site", "gtin", "low_key"),
)

expected_epcs = Table(
    "expected_epcs",
    METADATA,
    *(_key(name, Integer if name == "line" else Text) for name in _LINE),
    _key("epc"),
    _must("ordinal", Integer),
    _must("gtin"),
    _parent("expected_lines", *_LINE),
    Index(None, "site", "epc"),
)

stock = Table(
    "stock",
    METADATA,
    _key("site"),
    _key("owner"),
    _key("gtin"),
    _key("lot"),
    _key("location"),
    _key("status"),  # available | hold
    _key("unit"),
    _must("quantity", BigInteger),
    _must("changed", BigInteger),
    _must("gateway"),
    Index(None, "site", "gtin", "lot", "location"),
)

stays = Table(
    "stays",
    METADATA,
    _key("site"),
    _key("gtin"),
    _key("lot"),
    _key("location"),
    _key("unit"),
    _key("entered", BigInteger),
    _may("left", BigInteger),
    _must("quantity", BigInteger),  # now, or the last before it left
    *_origin(),
    Index(None, "site", "location", "left"),
)

units = Table(
    "units",
    METADATA,
    _key("site"),
    _key("sscc"),
    _may("location"),
    _must("state"),  # present | left
    _must("status"),  # available | hold
    _must("changed", BigInteger),
    *_origin(),
    Index(None, "site", "location"),
)

unit_contents = Table(
    "unit_contents",
    METADATA,
    _key("site"),
    _key("sscc"),
    _key("line", Integer),
    _must("gtin"),
    _must("lot"),
    _must("quantity", BigInteger),
    _must("unit"),
    _must("basis"),
    _must("state"),  # present | left
    _must("status"),
    _may("expiry"),
    _may("prefix", Integer),
    _must("epcs", JSON),
    _schema(),
    _parent("units", "site", "sscc"),
    Index(None, "site", "gtin", "lot"),
)

items = Table(
    "items",
    METADATA,
    _key("site"),
    _key("epc"),
    _must("gtin"),
    _must("lot"),
    _must("serial"),
    _must("state"),  # announced | present | left
    _may("location"),
    _may("parent"),
    _must("status"),
    _may("expiry"),
    _must("changed", BigInteger),
    *_origin(),
    Index(None, "site", "gtin", "lot", "location"),
    Index(None, "site", "gtin", "serial"),
)

holds = Table(
    "holds",
    METADATA,
    _key("hold", _ROWID),
    _must("site"),
    _must("gtin"),
    _must("lot"),
    _must("location"),  # "": everywhere
    _must("reason"),
    _must("at", BigInteger),
    _may("released", BigInteger),
    *_origin(),
    Column("by", Text, nullable=False, server_default=""),
    Column("source", Text, nullable=False, server_default=""),  # hold/id of central's, movement/id of a receipt's
    _may("released_by"),
    Column("whole", Boolean, nullable=False, server_default="1"),  # of all of the lot there; else of a part
    Index(None, "site", "gtin", "lot"),
)

movements = Table(
    "movements",
    METADATA,
    _key("site"),
    _key("movement"),
    _must("passage"),
    _must("portal"),
    _must("at", BigInteger),
    _must("type"),
    _may("origin"),
    _may("destination"),
    _must("verdict"),
    _must("reasons", JSON),
    _must("rules", JSON),
    _may("sscc"),
    _may("expectation"),
    _may("party"),
    _must("evidence", JSON),
    _must("hash"),
    *_origin(),
    _schema(),
    Column("purpose", Text, nullable=False, server_default=""),
    Column("by", Text, nullable=False, server_default=""),  # the person who ordered it; "": a passage
    _may("position", BigInteger),  # of the journal, where it was decided
    _may("event"),  # id of the event that tells it (of several parts: the first), and its number
    _may("seq", BigInteger),
    Index(None, "site", "at"),
    Index(None, "site", "sscc"),
)

movement_lines = Table(
    "movement_lines",
    METADATA,
    _key("site"),
    _key("movement"),
    _key("line", Integer),
    _may("gtin"),
    _may("lot"),
    _must("quantity", BigInteger),
    _must("unit"),
    _must("resolved_by"),
    _must("basis"),
    _may("expiry"),
    _may("expected", BigInteger),
    _may("prefix", Integer),
    _must("epcs", JSON),
    _schema(),
    _parent("movements", "site", "movement"),
    Index(None, "site", "gtin", "lot"),
)

# Which movements a tag was in: the way from an EPC to its history. One B-tree and nothing beside it (no rowid, no
# foreign key), for this is the longest table of a ledger and every commit writes into its middle.
movement_items = Table(
    "movement_items",
    METADATA,
    _key("site"),
    _key("epc"),
    _key("movement"),
    _must("line", Integer),  # of movement_lines; one movement names a tag once
    sqlite_with_rowid=False,
)

firings = Table(
    "firings",
    METADATA,
    _key("firing", _ROWID),
    _must("site"),
    _must("rule"),
    _must("digest"),  # of what the rule says
    _must("at", BigInteger),
    _must("on"),
    _must("subject"),  # movement
    _must("place"),
    _must("facts", JSON),
    _must("actions", JSON),
    _must("hash"),
    *_origin(),
    _schema(),
    Index(None, "site", "rule", "at"),
    Index(None, "site", "subject"),
)

alarms = Table(
    "alarms",
    METADATA,
    _key("site"),
    _key("alarm"),
    _must("source"),
    _must("state"),
    _must("priority"),
    _must("since", BigInteger),  # of this state
    _may("raised", BigInteger),  # when it last became active
    _may("value", Float),
    _may("limit", Float),
    _may("location"),
    _must("detail"),
    _must("by"),
    _must("lots", JSON),
    *_origin(),
    _schema(),
)

alarm_changes = Table(
    "alarm_changes",
    METADATA,
    _key("change", _ROWID),
    _must("site"),
    _must("alarm"),
    _must("at", BigInteger),
    _must("before"),
    _must("after"),
    _must("evidence", JSON),
    _must("hash"),
    *_origin(),
    _schema(),
    Index(None, "site", "alarm"),
)

excursions = Table(
    "excursions",
    METADATA,
    _key("site"),
    _key("excursion"),
    _must("alarm"),
    _must("sensor"),
    _must("quantity"),
    _must("unit"),
    _must("location"),
    _must("start", BigInteger),
    _must("end", BigInteger),
    _must("min", Float),
    _must("max", Float),
    _must("mean", Float),
    _must("limit", Float),
    _must("side"),
    _must("hold", Boolean),
    _must("evidence", JSON),
    _must("hash"),
    *_origin(),
    _schema(),
)

excursion_lots = Table(
    "excursion_lots",
    METADATA,
    _key("site"),
    _key("excursion"),
    _key("ordinal", Integer),
    _must("gtin"),
    _must("lot"),
    _must("minutes", Float),
    _must("quantity", BigInteger),
    _must("unit"),
    _parent("excursions", "site", "excursion"),
    Index(None, "site", "gtin", "lot"),
)

outbox = Table(
    "outbox",
    METADATA,
    _key("site"),
    _key("gateway"),
    _key("seq", BigInteger),
    _must("id"),
    _must("kind"),
    _must("topic"),
    _must("content_type"),
    _must("attributes", JSON),
    _must("body", LargeBinary),
    _must("state"),  # pending | settled | parked
    _must("created", BigInteger),
    _may("settled", BigInteger),
    _may("parked", BigInteger),
    _may("reason"),
    Column("owner", Text, nullable=False, server_default=""),
    _schema(),
    # Only what is not settled is looked for, so only that is indexed: a week of sent rows costs the drain nothing.
    Index(
        "ix_outbox_unsettled",
        "site",
        "gateway",
        "state",
        "seq",
        sqlite_where=text("state <> 'settled'"),
        postgresql_where=text("state <> 'settled'"),
    ),
)

audit = Table(
    "audit",
    METADATA,
    _key("site"),
    _key("gateway"),
    _key("ordinal", BigInteger),
    _must("t", BigInteger),
    _must("position", BigInteger),
    _must("kind"),
    _must("subject"),
    _must("decision"),  # canonical JSON, the bytes that were hashed
    _must("previous"),
    _must("hash"),
    Column("owner", Text, nullable=False, server_default=""),
    _schema(),
    Index(None, "site", "kind", "subject"),
)
