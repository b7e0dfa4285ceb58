"""Documents from central: a downlink becomes a checked document, or a rejection that says what is wrong. Pure."""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any
from urllib.parse import unquote

import msgspec

from gateway.identity import keys
from gateway.model.documents import Asn, Document, ExpectedLine, ExpectedUnit, Lot, Order
from gateway.model.outcome import Rejection
from gateway.model.quantity import parse_decimal, parse_quantity

LONGEST_RANGE = 1_000_000
"""Serials one range may span: a typing error must not claim a whole product."""

LONGEST_SHELF_LIFE = 36_500
"""Days."""

LONGEST_SERIAL = 20
"""Characters of a serial (GS1 General Specifications, AI (21))."""

LARGEST_VERSION = (1 << 53) - 1
"""What every JSON implementation and every database holds exactly (RFC 8259 §6)."""

LONGEST_ID = 200
"""Characters of a document's id and of every name in it that is no GS1 key."""

MOST_UNITS, MOST_LINES, MOST_SERIALS = 2_000, 20_000, 100_000
"""Logistic units, lines, and serials with ranges of one document: a truck carries tens; a turn must stay short."""

TYPES: dict[str, type[Document]] = {"asn": Asn, "order": Order, "lot": Lot}


_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Announced(msgspec.Struct, frozen=True):
    """A checked document, before its version is compared with the ledger's. `document` None: withdrawn."""

    kind: str
    id: str
    document: Document | None
    source: str
    at: int


def read_document(topic: str, payload: Any, text: str | None, at: int) -> Announced | Rejection:
    """Read what arrived on `topic` (`down/asn/A1`, without prefix and site)."""

    def reject(reason: str, detail: str) -> Rejection:
        return Rejection(source=topic, at=at, reason=reason, detail=detail)

    segments = [unquote(segment) for segment in topic.split("/")]
    kind = segments[1] if len(segments) > 1 else ""
    if segments[0] != "down" or kind not in TYPES or len(segments) != (4 if kind == "lot" else 3):
        return reject("unknown_topic", f"{topic} is none of down/asn/ID, down/order/ID, down/lot/GTIN/LOT")
    if problem := _first(_name_problem("the topic", name) for name in segments[2:]):
        return reject("bad_document", problem)
    if kind == "lot" and keys.gtin_problem(segments[2]) is None:
        segments[2] = keys.gtin14(segments[2])  # one lot has one id, however its GTIN is written
    ident = "/".join(segments[2:])
    if text is not None:
        return reject("bad_document", f"the payload is not JSON: {text[:80]!r}")
    if payload is None:
        return Announced(kind, ident, None, topic, at)
    if kind == "lot" and isinstance(payload, dict):  # its topic names it; the body need not say so again
        payload = {"gtin": segments[2], "lot": segments[3]} | payload
    try:
        document: Document = msgspec.convert(payload, TYPES[kind], strict=True)
    except msgspec.ValidationError as error:
        return reject("bad_document", str(error))
    problem = _problem(document, kind, ident)
    return reject("bad_document", problem) if problem else Announced(kind, ident, _tidy(document), topic, at)


def _problem(document: Document, kind: str, ident: str) -> str | None:
    """The first thing wrong with a document whose types are right, with the path to it."""
    own = _own_id(document)
    if own != ident:
        return f"the topic says {kind} {ident!r}, the document says {own!r}"
    if not 1 <= document.version <= LARGEST_VERSION:
        return f"$.version is {document.version}; versions count from 1 to {LARGEST_VERSION}"
    if isinstance(document, Lot):
        return _lot_problem(document)
    if isinstance(document, Order) and not 0 <= (document.min_shelf_life_days or 0) <= LONGEST_SHELF_LIFE:
        return f"$.min_shelf_life_days is {document.min_shelf_life_days}; it is 0 to {LONGEST_SHELF_LIFE}"
    if problem := _size_problem(document) or _names_problem(document):
        return problem
    for number, unit in enumerate(document.units):
        path = f"$.units[{number}]"
        if problem := keys.sscc_problem(unit.sscc):
            return f"{path}.sscc: {problem}"
        if unit.gross_weight is not None:
            if problem := _weight_problem(unit.gross_weight.value):
                return f"{path}.gross_weight.value: {problem}"
            if problem := _name_problem(f"{path}.gross_weight.unit", unit.gross_weight.unit):
                return problem
        if problem := _twice_problem(unit):
            return f"{path}.lines: {problem}"
        for position, line in enumerate(unit.lines):
            if problem := _line_problem(f"{path}.lines[{position}]", line):
                return problem
    doubled = sorted(sscc for sscc, times in Counter(unit.sscc for unit in document.units).items() if times > 1)
    return f"sscc {doubled[0]} is announced twice in this document" if doubled else None


def _lot_problem(lot: Lot) -> str | None:
    named = (("$.product", lot.product), ("$.supplier", lot.supplier), ("$.qc", lot.qc))
    return (
        keys.gtin_problem(lot.gtin)
        or keys.lot_problem(lot.lot)
        or _date_problem("$.expiry", lot.expiry)
        or _date_problem("$.produced", lot.produced)
        or _first(_name_problem(path, name) for path, name in named if name is not None)
    )


def _size_problem(document: Asn | Order) -> str | None:
    lines = [line for unit in document.units for line in unit.lines]
    serials = sum(len(line.serials) + len(line.ranges) for line in lines)
    for what, there, most in (
        ("units", len(document.units), MOST_UNITS),
        ("lines", len(lines), MOST_LINES),
        ("serials and ranges", serials, MOST_SERIALS),
    ):
        if there > most:
            return f"{there} {what} are more than the {most} that one document may hold; split it"
    return None


def _names_problem(document: Asn | Order) -> str | None:
    party = document.supplier if isinstance(document, Asn) else document.customer
    named = [("$.supplier" if isinstance(document, Asn) else "$.customer", party), ("$.due", document.due)]
    for number, reference in enumerate(document.documents):
        named += [(f"$.documents[{number}].type", reference.type), (f"$.documents[{number}].id", reference.id)]
    return _first(_name_problem(path, name) for path, name in named if name is not None)


def _name_problem(path: str, text: str) -> str | None:
    """Why a text cannot be a name: it must fit a column, a topic and a line of a log."""
    if not text or len(text) > LONGEST_ID or not text.isprintable():
        return f"{path}: {text[:40]!r} is not 1 to {LONGEST_ID} printable characters"
    return None


def _twice_problem(unit: ExpectedUnit) -> str | None:
    """A lot stands on one line of a unit: two could not be told apart when its tags are counted."""
    names = Counter((keys.gtin14(line.gtin), line.lot) for line in unit.lines if keys.gtin_problem(line.gtin) is None)
    doubled = next((name for name, times in names.items() if times > 1), None)
    return None if doubled is None else f"lot {doubled[1]} of GTIN {doubled[0]} is announced twice on this unit; add up"


def _first(problems: Iterable[str | None]) -> str | None:
    return next((problem for problem in problems if problem), None)


def _line_problem(path: str, line: ExpectedLine) -> str | None:
    if problem := keys.gtin_problem(line.gtin):
        return f"{path}.gtin: {problem}"
    try:
        if parse_quantity(line.quantity) <= 0:
            return f"{path}.quantity: {line.quantity} is not more than nothing"
    except ValueError as error:
        return f"{path}.quantity: {error}"
    if line.lot is not None and (problem := keys.lot_problem(line.lot)):
        return f"{path}.lot: {problem}"
    if problem := _name_problem(f"{path}.unit", line.unit):
        return problem
    if (line.serials or line.ranges) and line.unit != "each":
        return f"{path}.unit: serials count items, so the unit is each, not {line.unit}"
    odd = [serial for serial in line.serials if keys.lot_problem(serial)]
    if odd:
        return f"{path}.serials: {odd[0][:40]!r} is not 1 to {LONGEST_SERIAL} characters of GS1's 82-character set"
    for low, high in line.ranges:
        if not all(end.isascii() and end.isdigit() and len(end) <= LONGEST_SERIAL for end in (low, high)):
            return f"{path}.ranges: [{low!r}, {high!r}] is not a pair of whole numbers"
        if not 0 <= int(high) - int(low) < LONGEST_RANGE:
            return f"{path}.ranges: [{low}, {high}] is empty or spans {LONGEST_RANGE} serials or more"
    return _date_problem(f"{path}.expiry", line.expiry)


def _weight_problem(text: str) -> str | None:
    try:
        return None if parse_decimal(text) > 0 else f"{text} is not more than nothing"
    except ValueError as error:
        return str(error)


def _date_problem(path: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        if not _DATE.fullmatch(text):  # fromisoformat reads more forms than the rest of the house
            raise ValueError
        date.fromisoformat(text)
    except ValueError:
        return f"{path}: {text!r} is not a date (YYYY-MM-DD)"
    return None


def _own_id(document: Document) -> str:
    if isinstance(document, Asn):
        return document.asn
    if isinstance(document, Order):
        return document.order
    gtin = document.gtin if keys.gtin_problem(document.gtin) else keys.gtin14(document.gtin)
    return f"{gtin}/{document.lot}"


def _tidy(document: Document) -> Document:
    """GTINs as GTIN-14, the only form used inside."""
    if isinstance(document, Lot):
        return msgspec.structs.replace(document, gtin=keys.gtin14(document.gtin))
    units = tuple(
        ExpectedUnit(
            unit.sscc,
            tuple(msgspec.structs.replace(line, gtin=keys.gtin14(line.gtin)) for line in unit.lines),
            unit.gross_weight,
        )
        for unit in document.units
    )
    return msgspec.structs.replace(document, units=units)
