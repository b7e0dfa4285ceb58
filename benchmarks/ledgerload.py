"""A large ledger on disk in minutes: the goods of `ledgergoods` as rows of the real schema, bulk-loaded.

What a year of work leaves behind stands in its tables: master data, movements with lines and evidence, items, units,
stock, stays, steps in the lives of lots, lineage, excursions, ASNs, audit. The outbox is empty: it keeps 30 days only.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy import create_engine

from benchmarks.ledgergoods import HOUR, PLACES, T0, Goods, Lot, Move, Pallet
from gateway.ledger import decisions
from gateway.ledger.store import Ledger
from gateway.ledger.tables import METADATA

SITE, GATEWAY = "bench", "gw-1"
EXPIRY = "2030-01-31"

WARM = 40
"""Every so many pallets meet an excursion."""

Row = tuple[object, ...]

_PROGRESS = """UPDATE progress SET (position, audit, seq, hash) =
(SELECT position, ordinal, ordinal, hash FROM audit ORDER BY ordinal DESC LIMIT 1)"""


def load(file: Path, held: Goods) -> None:
    """Make the ledger `file` and fill it; indices are made after the rows."""
    Ledger.open(f"sqlite:///{file}", site=SITE, gateway=GATEWAY).close()
    engine = create_engine(f"sqlite:///{file}")
    indices = [index for table in METADATA.sorted_tables for index in table.indexes]
    with engine.begin() as connection:
        for index in indices:
            index.drop(connection)
    engine.dispose()  # WAL ends only when nobody else has the file
    filling = sqlite3.connect(file, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-200000"):
        filling.execute(f"PRAGMA {pragma}").close()
    filling.execute("BEGIN")
    for table, columns, rows in _tables(held):
        names = ("site", *columns.split())
        marks = ", ".join("?" * len(names))
        quoted = ", ".join(f'"{name}"' for name in names)
        filling.executemany(f"INSERT INTO {table} ({quoted}) VALUES ({marks})", rows)
    filling.execute(_PROGRESS)
    filling.execute("COMMIT")
    filling.close()
    with engine.begin() as making:
        for index in indices:
            index.create(making)
    engine.dispose()


def _tables(held: Goods) -> Iterator[tuple[str, str, Iterable[Row]]]:
    """Each table with its columns behind `site`, and its rows in the order of its key."""
    moves = sorted(((move, pallet) for pallet in held.pallets for move in pallet.moves), key=lambda one: one[0].at)
    who = "gateway changed"
    yield "lots", f"gtin lot version state expiry supplier life seq {who}", _lots(held)
    yield "lot_changes", "gtin lot at before after reason by device gateway", _lives(held)
    yield (
        "lineage",
        (
            "transformation parent_gtin parent_lot parent_unit child_gtin child_lot child_unit parent_quantity"
            " child_quantity production at gateway"
        ),
        _lineage(held),
    )
    yield (
        "movements",
        (
            "movement passage portal at type origin destination verdict reasons rules sscc expectation party evidence"
            " hash gateway position event seq"
        ),
        (_movement(move, pallet.sscc, number) for number, (move, pallet) in enumerate(moves, start=1)),
    )
    yield (
        "movement_lines",
        "movement line gtin lot quantity unit resolved_by basis expiry prefix epcs",
        (
            (SITE, move.ident, number, *_amount(lot), "serial", "sgtin", EXPIRY, 7, _tags(held, lot))
            for move, pallet in moves
            for number, lot in enumerate(pallet.portions, start=1)
        ),
    )
    yield "movement_items", "epc movement line", _movement_items(held)
    yield "items", f"epc gtin lot serial state location parent status expiry {who}", _items(held)
    yield (
        "units",
        f"sscc location state status {who}",
        ((SITE, one.sscc, one.rests, one.state, "available", GATEWAY, T0) for one in held.pallets),
    )
    yield (
        "unit_contents",
        "sscc line gtin lot quantity unit basis state status expiry epcs",
        (
            (SITE, one.sscc, number, *_amount(lot), "sgtin", one.state, "available", EXPIRY, _tags(held, lot))
            for one in held.pallets
            for number, lot in enumerate(one.portions, start=1)
        ),
    )
    yield "stock", f"owner gtin lot location status unit quantity {who}", _stock(held)
    yield "stays", "gtin lot location unit entered left quantity gateway", _stays(held)
    yield (
        "excursions",
        "excursion alarm sensor quantity unit location start end min max mean limit side hold evidence hash gateway",
        (_excursion(one) for one in held.pallets[::WARM]),
    )
    yield (
        "excursion_lots",
        "excursion ordinal gtin lot minutes quantity unit",
        (
            (SITE, f"x-{one.sscc}", number, lot.gtin, lot.lot, 42.5, 1000 * (lot.end - lot.first), "each")
            for one in held.pallets[::WARM]
            for number, lot in enumerate(one.portions, start=1)
        ),
    )
    yield from _announced(held)
    yield "audit", "gateway ordinal t position kind subject decision previous hash", _audit(moves)


def _lots(held: Goods) -> Iterator[Row]:
    for lot in held.lots:
        yield SITE, lot.gtin, lot.lot, 1, "known", EXPIRY, "9521321000013", "in_stock", 7, GATEWAY, T0


def _lives(held: Goods) -> Iterator[Row]:
    """Two steps of every lot: waiting, then in stock."""
    for lot in held.lots:
        for before, after in ((None, "pending_inspection"), ("pending_inspection", "in_stock")):
            yield SITE, lot.gtin, lot.lot, T0, before, after, "matched", "", "dock-1", GATEWAY


def _lineage(held: Goods) -> Iterator[Row]:
    for number, made in enumerate(held.made):
        for raw in dict.fromkeys(made.raw):
            yield (SITE, f"t-{number}", raw.gtin, raw.lot, "each", made.product.gtin, made.product.lot, "each", 1000,
                   4000, f"P{number}", T0 + 10**6 * HOUR, GATEWAY)  # fmt: skip


def _movement(move: Move, sscc: str, number: int) -> Row:
    at = move.at
    evidence = {
        "schema": 1,
        "documents": [{"type": "po", "id": f"PO-{sscc[-6:]}"}],
        "weight": {"value": "612.4", "unit": "kg", "at": at, "scale": "scale-1", "expected": "608.0"},
        "climate": [["cold-a", "temperature", 3.8, "Cel", at], ["cold-a", "humidity", 71.0, "%", at]],
        "missing": [],
        "evidence": {"direction": "in", "confidence": 0.97, "reads": 2400, "eyes": 2, "moved": 61, "note": "x" * 200},
    }
    reasons = '["no_expectation"]' if move.verdict == "held" else '["matched"]'
    party = {"receive": "9521321000013", "ship": "9521321000020"}.get(move.kind)
    document = {"receive": "asn/A", "ship": "order/O"}.get(move.kind, "") + sscc[-6:] if party else None
    return (SITE, move.ident, f"dock-1/{at}", "dock-1", at, move.kind, move.origin, move.there, move.verdict, reasons,
            '["r1"]', sscc, document, party, json.dumps(evidence), "0" * 64, GATEWAY, number, move.ident,
            number)  # fmt: skip


def _amount(lot: Lot) -> Row:
    """GTIN, lot, quantity and unit of a portion."""
    return lot.gtin, lot.lot, 1000 * (lot.end - lot.first), "each"


def _tags(held: Goods, lot: Lot) -> str:
    return json.dumps(held.epcs(lot), separators=(",", ":"))


def _where(held: Goods) -> list[tuple[Lot, Pallet, int]]:
    """Every portion in the order of its EPCs, with its pallet and line."""
    found = [(lot, pallet, line) for pallet in held.pallets for line, lot in enumerate(pallet.portions, start=1)]
    return sorted(found, key=lambda one: (one[0].gtin, one[0].first))


def _movement_items(held: Goods) -> Iterator[Row]:
    for lot, pallet, line in _where(held):
        idents = sorted(move.ident for move in pallet.moves)
        for one in held.epcs(lot):
            for ident in idents:
                yield SITE, one, ident, line


def _items(held: Goods) -> Iterator[Row]:
    for lot, pallet, _ in _where(held):
        for serial in range(lot.first, lot.end):
            yield (SITE, held.epc(lot.gtin, serial), lot.gtin, lot.lot, str(serial), pallet.state, pallet.rests,
                   pallet.sscc, "available", EXPIRY, GATEWAY, T0)  # fmt: skip


def _stock(held: Goods) -> Iterator[Row]:
    found: dict[tuple[str, str, str], int] = {}
    for lot, pallet, _ in _where(held):
        if place := pallet.rests:
            key = (lot.gtin, lot.lot, place)
            found[key] = found.get(key, 0) + 1000 * (lot.end - lot.first)
    for (gtin, number, place), quantity in found.items():
        yield SITE, "", gtin, number, place, "available", "each", quantity, GATEWAY, T0


def _stays(held: Goods) -> Iterator[Row]:
    seen = set()
    for lot, pallet, _ in _where(held):
        ends = [move.at for move in pallet.moves[1:]] + [None]
        for move, left in zip(pallet.moves, ends, strict=True):
            key = (lot.gtin, lot.lot, move.there, move.at)
            if move.there and key not in seen:
                seen.add(key)
                yield SITE, lot.gtin, lot.lot, move.there, "each", move.at, left, 1000, GATEWAY


def _excursion(pallet: Pallet) -> Row:
    at = pallet.moves[1].at
    return (SITE, f"x-{pallet.sscc}", "cold-high", "cold-a", "temperature", "Cel", PLACES[1], at, at + HOUR, 8.1, 11.6,
            9.9, 8.0, "high", 1, "{}", "0" * 64, GATEWAY)  # fmt: skip


def _announced(held: Goods) -> Iterator[tuple[str, str, Iterable[Row]]]:
    """The ASN of every pallet, received."""
    yield (
        "expectations",
        "kind document version state party documents changed gateway",
        ((SITE, "asn", f"A{one.sscc[-6:]}", 1, "received", "9521321000013", "[]", T0, GATEWAY) for one in held.pallets),
    )
    yield (
        "expected_units",
        "kind document sscc ordinal state movement",
        ((SITE, "asn", f"A{one.sscc[-6:]}", one.sscc, 1, "received", one.moves[0].ident) for one in held.pallets),
    )
    yield (
        "expected_lines",
        "kind document sscc line gtin lot quantity unit expiry",
        (
            (SITE, "asn", f"A{one.sscc[-6:]}", one.sscc, number, *_amount(lot), EXPIRY)
            for one in held.pallets
            for number, lot in enumerate(one.portions, start=1)
        ),
    )


def _audit(moves: list[tuple[Move, Pallet]]) -> Iterator[Row]:
    last = decisions.GENESIS
    for ordinal, (move, _) in enumerate(moves, start=1):
        decision, previous = json.dumps({"kind": "movement", "movement": move.ident}), last
        last = decisions.link(previous, decision)
        yield SITE, GATEWAY, ordinal, move.at, ordinal, "movement", move.ident, decision, previous, last
