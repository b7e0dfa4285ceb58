"""Documents from central: a downlink becomes a checked document, or a rejection that says what is wrong. Pure."""

from datetime import date
from typing import Any
from urllib.parse import unquote

import msgspec

from gateway.identity import keys
from gateway.model.documents import Asn, Document, ExpectedLine, ExpectedUnit, Lot, Order
from gateway.model.outcome import Rejection
from gateway.model.quantity import parse_quantity

LONGEST_RANGE = 1_000_000
"""Serials one range may span: a typing error must not claim a whole product."""

TYPES: dict[str, type[Document]] = {"asn": Asn, "order": Order, "lot": Lot}


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
    ident = "/".join(segments[2:])
    if text is not None:
        return reject("bad_document", f"the payload is not JSON: {text[:80]!r}")
    if payload is None:
        return Announced(kind, ident, None, topic, at)
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
    if document.version < 1:
        return f"$.version is {document.version}; versions count from 1"
    if isinstance(document, Lot):
        return keys.gtin_problem(document.gtin) or _date_problem("$.expiry", document.expiry)
    for number, unit in enumerate(document.units):
        path = f"$.units[{number}]"
        if problem := keys.sscc_problem(unit.sscc):
            return f"{path}.sscc: {problem}"
        for position, line in enumerate(unit.lines):
            if problem := _line_problem(f"{path}.lines[{position}]", line):
                return problem
    names = [unit.sscc for unit in document.units]
    doubled = sorted({name for name in names if names.count(name) > 1})
    return f"sscc {doubled[0]} is announced twice in this document" if doubled else None


def _line_problem(path: str, line: ExpectedLine) -> str | None:
    if problem := keys.gtin_problem(line.gtin):
        return f"{path}.gtin: {problem}"
    try:
        if parse_quantity(line.quantity) <= 0:
            return f"{path}.quantity: {line.quantity} is not more than nothing"
    except ValueError as error:
        return f"{path}.quantity: {error}"
    for low, high in line.ranges:
        if not (low.isascii() and low.isdigit() and high.isascii() and high.isdigit()):
            return f"{path}.ranges: [{low!r}, {high!r}] is not a pair of whole numbers"
        if not 0 <= int(high) - int(low) < LONGEST_RANGE:
            return f"{path}.ranges: [{low}, {high}] is empty or spans {LONGEST_RANGE} serials or more"
    return _date_problem(f"{path}.expiry", line.expiry)


def _date_problem(path: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        date.fromisoformat(text)
    except ValueError:
        return f"{path}: {text!r} is not a date (YYYY-MM-DD)"
    return None


def _own_id(document: Document) -> str:
    if isinstance(document, Asn):
        return document.asn
    if isinstance(document, Order):
        return document.order
    return f"{document.gtin}/{document.lot}"


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
