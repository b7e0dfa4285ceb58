"""A large ledger, made in a minute: goods of some years as rows, bulk-loaded, the same in every run.

Of N items one twentieth is a single giant lot; the others are streams of 2,500 items of one product each, the first 300
of a stream one large lot, the rest small lots of very different sizes (about 8 items). Two streams share pallets: 30
items of each on one unit, so that a pallet carries several lots. Every pallet moves five times: received, moved three
times, then shipped (four of five) or moved again. That is 5 N item-movement rows and N/10 lots.
"""

import json
import random
import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import create_engine

from benchmarks.dock import PREFIX
from gateway.ledger import decisions
from gateway.ledger.store import Ledger
from gateway.ledger.tables import METADATA
from simulators import epc

SITE, GATEWAY = "bench", "gw-1"
STREAM, SHARE, LARGE = 2_500, 30, 300
"""Items of a product, of them on one pallet, and in its large lot."""

MOVES = 5
HOUR = 3_600_000_000
T0 = 1_700_000_000_000_000
PLACES = ("dock", "cold-1", "cold-2", "lane-3", "rack-4")


class Lot(NamedTuple):
    """A lot and the serials of its items: `first` up to, and without, `end`."""

    gtin: str
    lot: str
    first: int
    end: int


class Pallet(NamedTuple):
    """A unit, its portions (lot and span of serials), and its movements (id, type, from, to, verdict, at)."""

    sscc: str
    portions: list[Lot]
    moves: list[tuple[str, str, str | None, str | None, str, int]]


class Goods(NamedTuple):
    """All that is loaded, and how an EPC is made."""

    lots: list[Lot]
    pallets: list[Pallet]
    bases: dict[str, int]

    def epc(self, gtin: str, serial: int) -> str:
        """The SGTIN-96 of an item in hex."""
        return f"{self.bases[gtin] + serial:024X}"

    def epcs(self, portion: Lot) -> list[str]:
        """The EPCs of a lot, or of a part of it."""
        return [self.epc(portion.gtin, serial) for serial in range(portion.first, portion.end)]

    @property
    def items(self) -> int:
        """How many items there are."""
        return sum(lot.end - lot.first for lot in self.lots)


def goods(items: int) -> Goods:
    """The goods of a ledger of so many items (a multiple of 100,000), a tenth of them lots."""
    chance = random.Random(items)
    giant = items // 20
    streams = (items - giant) // STREAM
    gtins = [_with_check(f"0{PREFIX}{10_000 + number:05d}") for number in range(streams + 1)]
    bases = {gtin: int(epc.sgtin96(gtin, "0", len(PREFIX)), 16) for gtin in gtins}
    lots = [[Lot(gtins[-1], "GIANT", 1, giant + 1)]]
    small, more = divmod(items // 10 - 1, streams)
    for number, gtin in enumerate(gtins[:-1]):
        lots.append(_stream(gtin, small + (number < more), chance))
    loads = [[part] for part in _parts(lots[0], 2 * SHARE)]
    for one, other in zip(lots[1::2], lots[2::2], strict=True):
        loads += [a + b for a, b in zip(_spans(one, SHARE), _spans(other, SHARE), strict=True)]
    chance.shuffle(loads)
    pallets = [_pallet(number, load, chance) for number, load in enumerate(loads)]
    return Goods([lot for stream in lots for lot in stream], pallets, bases)


def _stream(gtin: str, lots: int, chance: random.Random) -> list[Lot]:
    cuts = sorted(chance.sample(range(LARGE + 2, STREAM + 1), lots - 2))
    edges = [1, LARGE + 1, *cuts, STREAM + 1]
    return [Lot(gtin, f"L{number:04d}", first, end) for number, (first, end) in enumerate(pairwise(edges))]


def _spans(stream: list[Lot], share: int) -> list[list[Lot]]:
    """A stream cut into loads of `share` items: of each lot the part that falls into the load."""
    found: list[list[Lot]] = []
    for start in range(stream[0].first, stream[-1].end, share):
        stop = start + share
        inside = [lot for lot in stream if lot.first < stop and lot.end > start]
        found.append([lot._replace(first=max(lot.first, start), end=min(lot.end, stop)) for lot in inside])
    return found


def _parts(stream: list[Lot], share: int) -> list[Lot]:
    return [portion for (portion,) in _spans(stream, share)]


def _pallet(number: int, load: list[Lot], chance: random.Random) -> Pallet:
    began = T0 + number * HOUR
    dock, *rooms = PLACES
    moves: list[tuple[str, str, str | None, str | None, str, int]] = []
    here: str | None = None
    for turn in range(MOVES):
        ident = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        last = turn == MOVES - 1
        there = None if last and number % 5 else (dock if turn == 0 else rooms[(number + turn) % len(rooms)])
        kind = "receive" if turn == 0 else "ship" if there is None else "transfer"
        verdict = "held" if turn == 0 and number % 50 == 0 else "accepted"
        moves.append((ident, kind, here, there, verdict, began + turn * 37 * HOUR))
        here = there
    return Pallet(_with_check(f"0{PREFIX}{number:09d}"), load, moves)


def _with_check(body: str) -> str:
    return body + epc.check_digit(body)


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
    filling.execute("COMMIT")
    filling.close()
    with engine.begin() as making:
        for index in indices:
            index.create(making)
    engine.dispose()


Rows = Iterable[tuple[object, ...]]


def _tables(held: Goods) -> Iterator[tuple[str, str, Rows]]:
    moves = sorted(((move, pallet) for pallet in held.pallets for move in pallet.moves), key=lambda one: one[0][5])
    who = "gateway changed"
    yield (
        "lots",
        f"gtin lot version state expiry supplier seq {who}",
        ((SITE, lot.gtin, lot.lot, 1, "known", "2030-01-31", "9521321000013", 7, GATEWAY, T0) for lot in held.lots),
    )
    yield (
        "movements",
        (
            "movement passage portal at type origin destination verdict reasons rules sscc expectation party evidence"
            " hash gateway"
        ),
        (_movement(*move, pallet.sscc) for move, pallet in moves),
    )
    yield (
        "movement_lines",
        "movement line gtin lot quantity unit resolved_by basis expiry prefix epcs",
        (
            (
                SITE,
                move[0],
                number,
                lot.gtin,
                lot.lot,
                1000 * (lot.end - lot.first),
                "each",
                "serial",
                "sgtin",
                "2030-01-31",
                7,
                json.dumps(held.epcs(lot), separators=(",", ":")),
            )
            for move, pallet in moves
            for number, lot in enumerate(pallet.portions, start=1)
        ),
    )
    yield "movement_items", "epc movement line", _movement_items(held)
    yield "items", f"epc gtin lot serial state location parent status expiry {who}", _items(held)
    yield (
        "units",
        f"sscc location state status {who}",
        (
            (SITE, pallet.sscc, _rests(pallet), "present" if _rests(pallet) else "left", "available", GATEWAY, T0)
            for pallet in held.pallets
        ),
    )
    yield (
        "unit_contents",
        "sscc line gtin lot quantity unit basis state status expiry epcs",
        (
            (
                SITE,
                pallet.sscc,
                number,
                lot.gtin,
                lot.lot,
                1000 * (lot.end - lot.first),
                "each",
                "sgtin",
                "present" if _rests(pallet) else "left",
                "available",
                "2030-01-31",
                json.dumps(held.epcs(lot)),
            )
            for pallet in held.pallets
            for number, lot in enumerate(pallet.portions, start=1)
        ),
    )
    yield "stock", f"owner gtin lot location status unit quantity {who}", _stock(held)
    yield "stays", "gtin lot location unit entered left quantity gateway", _stays(held)
    yield "audit", "gateway ordinal t position kind subject decision previous hash", _audit(moves)


def _tags(held: Goods, lot: Lot) -> str:
    return json.dumps(held.epcs(lot), separators=(",", ":"))


def _state(pallet: Pallet) -> str:
    return "present" if _rests(pallet) else "left"


def _rests(pallet: Pallet) -> str | None:
    return pallet.moves[-1][3]


def _movement(
    ident: str, kind: str, origin: str | None, there: str | None, verdict: str, at: int, sscc: str
) -> tuple[object, ...]:
    evidence = {
        "schema": 1,
        "documents": [{"type": "po", "id": f"PO-{sscc[-6:]}"}],
        "weight": {"value": "612.4", "unit": "kg", "at": at, "scale": "scale-1", "expected": "608.0"},
        "climate": [["cold-a", "temperature", 3.8, "Cel", at], ["cold-a", "humidity", 71.0, "%", at]],
        "missing": [],
        "evidence": {"direction": "in", "confidence": 0.97, "reads": 2400, "eyes": 2, "moved": 61, "note": "x" * 200},
    }
    reasons = '["no_expectation"]' if verdict == "held" else '["matched"]'
    party = {"receive": "9521321000013", "ship": "9521321000020"}.get(kind)
    document = {"receive": "asn/A", "ship": "order/O"}.get(kind, "") + sscc[-6:] if party else None
    return (SITE, ident, f"dock-1/{at}", "dock-1", at, kind, origin, there, verdict, reasons, '["r1"]', sscc,
            document, party, json.dumps(evidence), "0" * 64, GATEWAY)  # fmt: skip


def _where(held: Goods) -> Iterator[tuple[Lot, Pallet, int]]:
    """Every portion in the order of its EPCs, with its pallet and line."""
    found = [(lot, pallet, line) for pallet in held.pallets for line, lot in enumerate(pallet.portions, start=1)]
    return iter(sorted(found, key=lambda one: (one[0].gtin, one[0].first)))


def _movement_items(held: Goods) -> Rows:
    for lot, pallet, line in _where(held):
        idents = sorted(move[0] for move in pallet.moves)
        for one in held.epcs(lot):
            for ident in idents:
                yield SITE, one, ident, line


def _items(held: Goods) -> Rows:
    for lot, pallet, _ in _where(held):
        place = _rests(pallet)
        state = "present" if place else "left"
        for serial in range(lot.first, lot.end):
            yield (SITE, held.epc(lot.gtin, serial), lot.gtin, lot.lot, str(serial), state, place, pallet.sscc,
                   "available", "2030-01-31", GATEWAY, T0)  # fmt: skip


def _stock(held: Goods) -> Rows:
    found: dict[tuple[str, str, str], int] = {}
    for lot, pallet, _ in _where(held):
        if place := _rests(pallet):
            key = (lot.gtin, lot.lot, place)
            found[key] = found.get(key, 0) + 1000 * (lot.end - lot.first)
    for (gtin, number, place), quantity in found.items():
        yield SITE, "", gtin, number, place, "available", "each", quantity, GATEWAY, T0


def _stays(held: Goods) -> Rows:
    seen = set()
    for lot, pallet, _ in _where(held):
        ends = [move[5] for move in pallet.moves[1:]] + [None]
        for move, left in zip(pallet.moves, ends, strict=True):
            key = (lot.gtin, lot.lot, move[3], move[5])
            if move[3] and key not in seen:
                seen.add(key)
                yield SITE, lot.gtin, lot.lot, move[3], "each", move[5], left, 1000, GATEWAY


def _audit(moves: list[tuple[tuple[str, str, str | None, str | None, str, int], Pallet]]) -> Rows:
    last = decisions.GENESIS
    for ordinal, (move, _) in enumerate(moves, start=1):
        decision, previous = json.dumps({"kind": "movement", "movement": move[0]}), last
        last = decisions.link(previous, decision)
        yield SITE, GATEWAY, ordinal, move[5], ordinal, "movement", move[0], decision, previous, last
