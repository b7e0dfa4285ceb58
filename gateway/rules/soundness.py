"""What may be wrong with a document whose types are right: the first problem, with the path to it. Pure."""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date

from gateway.identity import keys
from gateway.identity.numbers import template_problem
from gateway.model.documents import (
    Asn,
    Commission,
    CommissionedLine,
    Document,
    ExpectedLine,
    ExpectedUnit,
    HoldOrder,
    Lot,
    Order,
    Policy,
    Portion,
    Production,
)
from gateway.model.quantity import parse_decimal, parse_quantity

LONGEST_RANGE = 1_000_000
"""Serials one range may span: a typing error must not claim a whole product."""

LONGEST_SHELF_LIFE = 36_500
"""Days."""

LONGEST_SERIAL = 20
"""Characters of a serial (GS1 General Specifications, AI (21))."""

LONGEST_LOT = 20
"""Characters of a lot number (AI (10)). What suppliers print beyond its 82-character set is kept as it is."""

LARGEST_VERSION = (1 << 53) - 1
"""What every JSON implementation and every database holds exactly (RFC 8259 §6)."""

LONGEST_ID = 200
"""Characters of a document's id and of every name in it that is no GS1 key."""

MOST_UNITS, MOST_LINES, MOST_SERIALS = 2_000, 20_000, 100_000
"""Logistic units, lines, and serials with ranges of one message: a truck carries tens; a turn must stay short.
A longer document comes in parts (`tallyman asn import`)."""

ASN_TYPES = ("purchase", "return", "transfer", "production")
ORDER_TYPES = ("order", "transfer", "production", "disposal")
UNKNOWN_TAGS = ("ignore", "hold", "accept", "alarm")
"""What a read point does with tags that nothing explains."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EPC = re.compile(r"[0-9A-Fa-f]{1,124}")


def problem_of(document: Document) -> str | None:
    """The first thing wrong with a document; None when it is sound."""
    if not 1 <= document.version <= LARGEST_VERSION:
        return f"$.version is {document.version}; versions count from 1 to {LARGEST_VERSION}"
    match document:
        case Lot():
            return _lot(document)
        case Asn() | Order():
            return _expectation(document)
        case Commission():
            return _commission(document)
        case Production():
            return _production(document)
        case HoldOrder():
            return _hold(document)
        case Policy():
            return _policy(document)


def first(problems: Iterable[str | None]) -> str | None:
    """The first that is one."""
    return next((problem for problem in problems if problem), None)


def name_problem(path: str, text: str) -> str | None:
    """Why a text cannot be a name: it must fit a column, a topic and a line of a log."""
    if not text or len(text) > LONGEST_ID or not text.isprintable():
        return f"{path}: {text[:40]!r} is not 1 to {LONGEST_ID} printable characters"
    return None


def lot_problem(path: str, text: str) -> str | None:
    """Why a text cannot be a lot number. Any printable character may stand in one; it is percent-encoded on the way."""
    if not text or len(text) > LONGEST_LOT or not text.isprintable() or text.strip() != text:
        return f"{path}: lot {text[:40]!r} is not 1 to {LONGEST_LOT} printable characters without blanks around them"
    return None


def quantity_problem(path: str, text: str) -> str | None:
    """Why a text is not a quantity of something."""
    try:
        return None if parse_quantity(text) > 0 else f"{path}: {text} is not more than nothing"
    except ValueError as error:
        return f"{path}: {error}"


def date_problem(path: str, text: str | None) -> str | None:
    """Why a text is not a calendar date; None where there is none."""
    if text is None:
        return None
    try:
        if not _DATE.fullmatch(text):  # fromisoformat reads more forms than the rest of the house
            raise ValueError
        date.fromisoformat(text)
    except ValueError:
        return f"{path}: {text!r} is not a date (YYYY-MM-DD)"
    return None


def unit_problem(path: str, unit: ExpectedUnit) -> str | None:
    """The first thing wrong with a logistic unit."""
    if problem := keys.sscc_problem(unit.sscc):
        return f"{path}.sscc: {problem}"
    if unit.gross_weight is not None:
        if problem := _weight_problem(unit.gross_weight.value):
            return f"{path}.gross_weight.value: {problem}"
        if problem := name_problem(f"{path}.gross_weight.unit", unit.gross_weight.unit):
            return problem
    if problem := _twice_problem(unit):
        return f"{path}.lines: {problem}"
    return first(line_problem(f"{path}.lines[{position}]", line) for position, line in enumerate(unit.lines))


def line_problem(path: str, line: ExpectedLine) -> str | None:
    """The first thing wrong with an announced line."""
    if problem := keys.gtin_problem(line.gtin):
        return f"{path}.gtin: {problem}"
    if problem := quantity_problem(f"{path}.quantity", line.quantity):
        return problem
    if line.lot is not None and (problem := lot_problem(f"{path}.lot", line.lot)):
        return problem
    if problem := name_problem(f"{path}.unit", line.unit):
        return problem
    if (line.serials or line.ranges or line.epcs) and line.unit != "each":
        return f"{path}.unit: serials count items, so the unit is each, not {line.unit}"
    return _items_problem(path, line) or date_problem(f"{path}.expiry", line.expiry)


def _expectation(document: Asn | Order) -> str | None:
    types = ASN_TYPES if isinstance(document, Asn) else ORDER_TYPES
    if document.type not in types:
        return f"$.type: {document.type[:40]!r} is none of {', '.join(types)}"
    if isinstance(document, Order) and not 0 <= (document.min_shelf_life_days or 0) <= LONGEST_SHELF_LIFE:
        return f"$.min_shelf_life_days is {document.min_shelf_life_days}; it is 0 to {LONGEST_SHELF_LIFE}"
    if problem := _size_problem(document.units) or _names_problem(document):
        return problem
    if problem := first(unit_problem(f"$.units[{number}]", unit) for number, unit in enumerate(document.units)):
        return problem
    doubled = sorted(sscc for sscc, times in Counter(unit.sscc for unit in document.units).items() if times > 1)
    return f"sscc {doubled[0]} is announced twice in this document" if doubled else None


def _lot(lot: Lot) -> str | None:
    named = (("$.product", lot.product), ("$.supplier", lot.supplier), ("$.qc", lot.qc))
    if not 0 <= (lot.shelf_life_days or 0) <= LONGEST_SHELF_LIFE:
        return f"$.shelf_life_days is {lot.shelf_life_days}; it is 0 to {LONGEST_SHELF_LIFE}"
    return (
        keys.gtin_problem(lot.gtin)
        or lot_problem("$.lot", lot.lot)
        or date_problem("$.expiry", lot.expiry)
        or date_problem("$.best_before", lot.best_before)
        or date_problem("$.produced", lot.produced)
        or first(name_problem(path, name) for path, name in named if name is not None)
    )


def _commission(document: Commission) -> str | None:
    count = sum(len(line.serials) + len(line.ranges) + len(line.epcs) for line in document.lines)
    if len(document.lines) > MOST_LINES or count > MOST_SERIALS:
        return f"{count} items on {len(document.lines)} lines are more than one document may hold; split it"
    return first(_commissioned(f"$.lines[{number}]", line) for number, line in enumerate(document.lines))


def _commissioned(path: str, line: CommissionedLine) -> str | None:
    parent = None if line.parent is None else keys.sscc_problem(line.parent)
    gtin = keys.gtin_problem(line.gtin)
    return (
        (f"{path}.gtin: {gtin}" if gtin else None)
        or lot_problem(f"{path}.lot", line.lot)
        or _items_problem(path, line)
        or date_problem(f"{path}.expiry", line.expiry)
        or (f"{path}.parent: {parent}" if parent else None)
    )


def _production(document: Production) -> str | None:
    if document.location is not None and (problem := name_problem("$.location", document.location)):
        return problem
    portions = [(f"$.inputs[{number}]", one) for number, one in enumerate(document.inputs)]
    portions += [(f"$.outputs[{number}]", one) for number, one in enumerate(document.outputs)]
    return first(portion_problem(path, one) for path, one in portions)


def portion_problem(path: str, portion: Portion) -> str | None:
    """The first thing wrong with an amount of a product."""
    gtin = keys.gtin_problem(portion.gtin)
    return (
        (f"{path}.gtin: {gtin}" if gtin else None)
        or quantity_problem(f"{path}.quantity", portion.quantity)
        or (lot_problem(f"{path}.lot", portion.lot) if portion.lot is not None else None)
        or name_problem(f"{path}.unit", portion.unit)
        or date_problem(f"{path}.expiry", portion.expiry)
    )


def _hold(document: HoldOrder) -> str | None:
    location = None if document.location is None else name_problem("$.location", document.location)
    return (
        keys.gtin_problem(document.gtin)
        or lot_problem("$.lot", document.lot)
        or location
        or name_problem("$.reason", document.reason)
    )


def _policy(document: Policy) -> str | None:
    for portal, what in sorted((document.unknown_tags or {}).items()):
        if what not in UNKNOWN_TAGS:
            return f"$.unknown_tags.{portal[:40]}: {what[:40]!r} is none of {', '.join(UNKNOWN_TAGS)}"
    problem = template_problem(document.lot_number) if document.lot_number else None
    return f"$.lot_number: {problem}" if problem else None


def _size_problem(units: tuple[ExpectedUnit, ...]) -> str | None:
    lines = [line for unit in units for line in unit.lines]
    serials = sum(len(line.serials) + len(line.ranges) + len(line.epcs) for line in lines)
    for what, there, most in (
        ("units", len(units), MOST_UNITS),
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
    return first(name_problem(path, name) for path, name in named if name is not None)


def _twice_problem(unit: ExpectedUnit) -> str | None:
    """A lot stands on one line of a unit: two could not be told apart when its tags are counted."""
    names = Counter((keys.gtin14(line.gtin), line.lot) for line in unit.lines if keys.gtin_problem(line.gtin) is None)
    doubled = next((name for name, times in names.items() if times > 1), None)
    return None if doubled is None else f"lot {doubled[1]} of GTIN {doubled[0]} is announced twice on this unit; add up"


def _items_problem(path: str, line: ExpectedLine | CommissionedLine) -> str | None:
    odd = [serial for serial in line.serials if keys.lot_problem(serial)]
    if odd:
        return f"{path}.serials: {odd[0][:40]!r} is not 1 to {LONGEST_SERIAL} characters of GS1's 82-character set"
    for low, high in line.ranges:
        if not all(end.isascii() and end.isdigit() and len(end) <= LONGEST_SERIAL for end in (low, high)):
            return f"{path}.ranges: [{low!r}, {high!r}] is not a pair of whole numbers"
        if not 0 <= int(high) - int(low) < LONGEST_RANGE:
            return f"{path}.ranges: [{low}, {high}] is empty or spans {LONGEST_RANGE} serials or more"
    strange = [epc for epc in line.epcs if not _EPC.fullmatch(epc)]
    return f"{path}.epcs: {strange[0][:40]!r} is not the hexadecimal of a tag" if strange else None


def _weight_problem(text: str) -> str | None:
    try:
        return None if parse_decimal(text) > 0 else f"{text} is not more than nothing"
    except ValueError as error:
        return str(error)
