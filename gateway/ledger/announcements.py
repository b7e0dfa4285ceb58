"""What central announces becomes rows: expectations (ASN, order, commissioning list) with their units, lines and items;
lots; and the other documents as they came.

A newer version replaces an older one whole; what has already been received or shipped of it stays done. A withdrawal
is a state, never a deletion: its history and its version remain.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Table, and_, bindparam, delete, func, insert, select, update

from gateway.errors import LedgerError
from gateway.ledger.sql import Turn, chunks
from gateway.ledger.tables import (
    documents,
    expectations,
    expected_epcs,
    expected_lines,
    expected_ranges,
    expected_serials,
    expected_units,
    lots,
)
from gateway.model.documents import Asn, Commission, ExpectedLine, ExpectedUnit, Lot, Order
from gateway.model.outcome import DocumentChange, ProductionDone, UnitDone
from gateway.model.quantity import SCALE, format_quantity, parse_quantity

_DIGITS = 20  # GS1 General Specifications: AI (21) has at most 20 characters

EXPECTATIONS = ("asn", "order", "commission")
"""Documents whose lines are kept in rows; a commissioning list expects nothing, but its items are found like theirs."""


def apply(turn: Turn, changes: Iterable[DocumentChange]) -> None:
    """Enter new versions and withdrawals; an older or equal version changes nothing."""
    for change in changes:
        if change.kind == "lot":
            _lot(turn, change)
        elif change.kind in EXPECTATIONS:
            _expectation(turn, change)
        else:
            _document(turn, change)


def _document_of(table: Table) -> ColumnElement[bool]:
    """Rows of one document, for a statement that is built once."""
    return and_(*(table.c[name] == bindparam(f"of_{name}") for name in ("site", "kind", "document")))


_STATES = select(expected_units.c.state).where(_document_of(expected_units)).distinct()
_BECOMES = (
    update(expectations)
    .where(_document_of(expectations), expectations.c.state != "withdrawn")
    .values(state=bindparam("to"), changed=bindparam("now"))
)
_UNIT_DONE = (
    update(expected_units)
    .where(_document_of(expected_units), expected_units.c.sscc == bindparam("of_sscc"))
    .values(state=bindparam("to"), movement=bindparam("by"))
)


def units_done(turn: Turn, dones: Iterable[UnitDone]) -> None:
    """Announced units that came or went, and what that makes of their documents."""
    for done in dones:
        unit = {"of_site": turn.site, "of_kind": done.kind, "of_document": done.id, "of_sscc": done.sscc}
        if turn.connection.execute(_UNIT_DONE, unit | {"to": done.state, "by": done.movement}).rowcount:
            refresh(turn, done.kind, done.id)


def refresh(turn: Turn, kind: str, document: str) -> None:
    """Derive a document's state from its units: expected, partial, or done (the state its units share)."""
    mine = {"of_site": turn.site, "of_kind": kind, "of_document": document}
    states = set(turn.connection.scalars(_STATES, mine))
    if "expected" in states or not states:
        state = "partial" if len(states) > 1 else "expected"
    else:
        state = "shipped" if "shipped" in states else "received"
    turn.connection.execute(_BECOMES, mine | {"to": state, "now": turn.now})


def serial_key(serial: str) -> str | None:
    """A numeric serial as 20 digits, so that text order is number order; None: not numeric, or too long."""
    if not (serial.isascii() and serial.isdigit()) or len(serial) > _DIGITS:
        return None
    return serial.zfill(_DIGITS)


def range_width(low: str, high: str) -> int:
    """The digits every serial of a range has, where leading zeros say that it is fixed; else 0."""
    return len(low) if len(low) == len(high) and low.startswith("0") and len(low) > 1 else 0


def _of(table: Any, turn: Turn, kind: str, document: str) -> Any:
    return and_(table.c.site == turn.site, table.c.kind == kind, table.c.document == document)


def _stale(change: DocumentChange, known: int | None, parts: int | None = None) -> bool:
    """A withdrawal is an empty message and has no version of its own: it may repeat the version it ends.

    A document of which parts are missing (`parts` have come) may begin again, or go on where it stopped.
    """
    if known is None:
        return change.part > 0
    if change.document is None:
        return change.version < known
    if change.version == known and parts is not None:
        return change.part not in (0, parts)
    return change.version <= known or change.part > 0


def _lot(turn: Turn, change: DocumentChange) -> None:
    gtin, _, lot = change.id.partition("/")
    mine = and_(lots.c.site == turn.site, lots.c.gtin == gtin, lots.c.lot == lot)
    known = turn.connection.execute(select(lots).where(mine)).mappings().first()
    if _stale(change, known["version"] if known else None):
        return
    document = change.document if isinstance(change.document, Lot) else None
    row = turn.origin | {
        "gtin": gtin,
        "lot": lot,
        "version": change.version,
        "state": "known" if document else "withdrawn",
        "changed": turn.now,
        "seq": 0,
    }
    if document:
        plain = ("product", "produced", "supplier", "qc", "attributes", "best_before", "shelf_life_days")
        row |= {name: getattr(document, name) for name in plain}
        # What a receipt taught stays where the announcement is silent: an expiry is never forgotten.
        row["expiry"] = document.expiry or (known["expiry"] if known else None)
    update_only = tuple(name for name in row if name not in ("site", "gtin", "lot", "seq"))
    turn.connection.execute(turn.upsert(lots, update=update_only), row)


def _document(turn: Turn, change: DocumentChange) -> None:
    """A production order, a hold or the policy, as it came. What was carried out stays so, whatever comes later."""
    mine = _of(documents, turn, change.kind, change.id)
    known = turn.connection.execute(select(documents.c.version, documents.c.state).where(mine)).first()
    if _stale(change, known.version if known else None):
        return
    done = known is not None and known.state == "done"
    row = turn.origin | {"kind": change.kind, "document": change.id, "version": change.version, "changed": turn.now}
    if change.document is None:  # what it said stays readable
        state = "done" if done else "withdrawn"
        values = {"version": change.version, "state": state, "changed": turn.now, "gateway": turn.gateway}
        turn.connection.execute(update(documents).where(mine).values(values))
        return
    row |= {"state": "done" if done else "known", "body": msgspec.to_builtins(change.document)}
    turn.connection.execute(turn.upsert(documents), row)


def carried_out(turn: Turn, dones: Iterable[ProductionDone]) -> None:
    """Production orders that are done."""
    for done in dones:
        mine = _of(documents, turn, "production", done.production)
        values = {"state": "done", "changed": turn.now, "gateway": turn.gateway}
        turn.connection.execute(update(documents).where(mine).values(values))


def _expectation(turn: Turn, change: DocumentChange) -> None:
    mine = _of(expectations, turn, change.kind, change.id)
    known = turn.connection.execute(select(expectations.c.version, expectations.c.parts).where(mine)).first()
    if _stale(change, known.version if known else None, known.parts if known else None):
        return
    row = turn.origin | {
        "kind": change.kind,
        "document": change.id,
        "version": change.version,
        "changed": turn.now,
        "documents": [],
        "parts": None if change.last else change.part + 1,
    }
    document = change.document
    if not isinstance(document, Asn | Order | Commission):
        row["state"] = "withdrawn"
        only = ("version", "state", "changed", "gateway", "parts")
        turn.connection.execute(turn.upsert(expectations, update=only), row)
        return
    if change.part:
        turn.connection.execute(update(expectations).where(mine).values(parts=row["parts"], changed=turn.now))
    else:
        turn.connection.execute(turn.upsert(expectations), row | _described(document))
    _replace_units(turn, change, _units_of(document))
    refresh(turn, change.kind, change.id)


def _described(document: Asn | Order | Commission) -> dict[str, Any]:
    """The columns of the document itself."""
    row: dict[str, Any] = {"state": "expected", "extra": document.extra}
    if isinstance(document, Commission):
        return row | {"party": None, "min_shelf_life_days": None, "due": None, "type": None}
    return row | {
        "party": document.supplier if isinstance(document, Asn) else document.customer,
        "min_shelf_life_days": document.min_shelf_life_days if isinstance(document, Order) else None,
        "due": document.due,
        "documents": msgspec.to_builtins(document.documents),
        "type": document.type,
    }


def _units_of(document: Asn | Order | Commission) -> tuple[ExpectedUnit, ...]:
    """Units with lines; the lines of a commissioning list by the unit that the items stand on ("": none)."""
    if not isinstance(document, Commission):
        return document.units
    found: dict[str, list[ExpectedLine]] = {}
    for line in document.lines:
        spans = sum(int(high) - int(low) + 1 for low, high in line.ranges)
        quantity = format_quantity((len(line.serials) + len(line.epcs) + spans) * SCALE)
        announced = ExpectedLine(line.gtin, quantity, line.lot, expiry=line.expiry, extra=line.extra)
        announced = msgspec.structs.replace(announced, serials=line.serials, ranges=line.ranges, epcs=line.epcs)
        found.setdefault(line.parent or "", []).append(announced)
    return tuple(ExpectedUnit(sscc, tuple(lines)) for sscc, lines in found.items())


def _replace_units(turn: Turn, change: DocumentChange, announced: tuple[ExpectedUnit, ...]) -> None:
    kind, document = change.kind, change.id
    mine = _of(expected_units, turn, kind, document)
    ssccs = {unit.sscc for unit in announced}
    there = {row.sscc: row for row in _units_there(turn, mine, sorted(ssccs) if change.part else None)}
    done = {sscc: row for sscc, row in there.items() if row.state != "expected"}
    # Lines, serials and ranges go with their unit (ON DELETE CASCADE). A later part takes nothing of the others away.
    replaced = [sscc for sscc in there if sscc in ssccs or (sscc not in done and not change.part)]
    for some in chunks(replaced):
        turn.connection.execute(delete(expected_units).where(mine, expected_units.c.sscc.in_(some)))
    first = 0
    if change.part:  # behind those of the parts before
        first = turn.connection.scalar(select(func.max(expected_units.c.ordinal)).where(mine)) or 0
    rows = []
    for ordinal, unit in enumerate({unit.sscc: unit for unit in announced}.values(), start=first + 1):
        before = done.get(unit.sscc)
        row: dict[str, Any] = {
            "site": turn.site,
            "kind": kind,
            "document": document,
            "sscc": unit.sscc,
            "ordinal": ordinal,
            "state": before.state if before else "expected",
            "movement": before.movement if before else None,
            "weight": unit.gross_weight.value if unit.gross_weight else None,
            "weight_unit": unit.gross_weight.unit if unit.gross_weight else None,
            "extra": unit.extra,
        }
        rows.append((row, unit))
    if rows:
        turn.connection.execute(insert(expected_units), [row for row, _ in rows])
    _insert_lines(turn, kind, document, [unit for _, unit in rows])


def _units_there(turn: Turn, mine: Any, ssccs: list[str] | None) -> list[Any]:
    """Units that stand already: these, or (None) all. A part asks for its own only, or long documents cost squares."""
    columns = expected_units.c.sscc, expected_units.c.state, expected_units.c.movement
    if ssccs is None:
        return list(turn.connection.execute(select(*columns).where(mine)))
    found: list[Any] = []
    for some in chunks(ssccs):
        found += turn.connection.execute(select(*columns).where(mine, expected_units.c.sscc.in_(some)))
    return found


def _insert_lines(turn: Turn, kind: str, document: str, units: list[ExpectedUnit]) -> None:
    filled: dict[Any, list[dict[str, Any]]] = {}
    for unit in units:
        for table, rows in _line_rows(turn, kind, document, unit):
            filled.setdefault(table, []).extend(rows)
    for table, rows in filled.items():
        if rows:
            turn.connection.execute(insert(table), rows)


def _line_rows(turn: Turn, kind: str, document: str, unit: ExpectedUnit) -> list[tuple[Any, list[dict[str, Any]]]]:
    lines: list[dict[str, Any]] = []
    serials: list[dict[str, Any]] = []
    ranges: list[dict[str, Any]] = []
    epcs: list[dict[str, Any]] = []
    for number, line in enumerate(unit.lines, start=1):
        key = {"site": turn.site, "kind": kind, "document": document, "sscc": unit.sscc, "line": number}
        try:
            quantity = parse_quantity(line.quantity)
        except ValueError as error:
            raise LedgerError(f"{kind}/{document}, unit {unit.sscc}, line {number}: quantity {error}") from None
        detail = {"lot": line.lot, "quantity": quantity, "unit": line.unit, "expiry": line.expiry, "extra": line.extra}
        lines.append(key | {"gtin": line.gtin} | detail)
        serials += [
            key | {"gtin": line.gtin, "serial": serial, "ordinal": ordinal}
            for ordinal, serial in enumerate(dict.fromkeys(line.serials), start=1)
        ]
        ranges += [
            key
            | {"gtin": line.gtin, "ordinal": ordinal, "low": low, "high": high, "width": range_width(low, high)}
            | {"low_key": serial_key(low), "high_key": serial_key(high)}
            for ordinal, (low, high) in enumerate(line.ranges, start=1)
        ]
        epcs += [
            key | {"gtin": line.gtin, "epc": epc, "ordinal": ordinal}
            for ordinal, epc in enumerate(dict.fromkeys(line.epcs), start=1)
        ]
    return [
        (expected_lines, lines),
        (expected_serials, serials),
        (expected_ranges, ranges),
        (expected_epcs, epcs),
    ]
