"""CSV files (RFC 4180): one row a line of a unit (ASN, order), a line (commissioning list) or a lot.

The header names the columns, in any order; unknown ones are kept with their line. Rows of one document stand together,
and in it those of one unit. An empty cell says nothing. Columns of the document need a value in its first row only.
Lists (`serials`, `epcs`, `ranges` as 100-199) are separated by blanks. UTF-8, with or without a byte order mark.
"""

import csv
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from gateway.cli.importing.pieces import MOST_LINES, MOST_UNITS, Fault, Piece, Place, Read

PAPERS = ("po", "desadv", "bol", "recadv")
"""Columns that name a business document, by CBV transaction type."""

HEADS = {
    "asn": ("asn", "version", "supplier", "due", "type", *PAPERS),
    "order": ("order", "version", "customer", "min_shelf_life_days", "due", "type", *PAPERS),
    "commission": ("commission", "version"),
    "lot": (
        *("gtin", "lot", "version", "product", "produced", "expiry", "best_before", "shelf_life_days"),
        *("supplier", "qc"),
    ),
}
UNIT = ("sscc", "gross_weight", "gross_weight_unit")
LINE = ("gtin", "lot", "quantity", "unit", "expiry", "serials", "ranges", "epcs")
COMMISSIONED = ("gtin", "lot", "expiry", "serials", "ranges", "epcs", "parent")
"""Known columns: of the document, of its units, of their lines."""

NEEDED = {
    "asn": ("asn", "sscc", "gtin", "quantity"),
    "order": ("order", "sscc"),
    "commission": ("commission", "gtin", "lot"),
    "lot": ("gtin", "lot"),
}
MOST_COMMISSIONED = 20_000
"""Lines of a commissioning list: it comes in one piece."""

_WHOLE = ("version", "min_shelf_life_days", "shelf_life_days")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


class Row(NamedTuple):
    """A row of a file, and the line it begins on. `fault`: why it is none."""

    line: int
    cells: dict[str, str]
    fault: str = ""


def read(file: Path, kind: str, told: Callable[[int], None] = lambda _: None) -> Read:
    """The documents of a file in their order; `told` of the bytes that were read."""
    rows = _rows(file, kind, told)
    with closing(rows):
        yield from _lots(rows) if kind == "lot" else _Documents(kind).read(rows)


def _rows(file: Path, kind: str, told: Callable[[int], None]) -> Generator[Row, None, None]:
    """Rows with their lines. One without line 1, or that cannot be read on, ends the file."""
    lines = _Lines(file, told)
    reader = csv.reader(lines, strict=True)
    names: list[str] | None = None
    begins = 1
    try:
        for cells in reader:
            if any(cells):
                if names is None:
                    names = [name.strip().lower() for name in cells]
                    if problem := _header_problem(names, cells, kind):
                        yield Row(begins, {}, problem)
                        return
                elif len(cells) != len(names):
                    yield Row(begins, dict(zip(names, cells, strict=False)), _count_problem(names, cells))
                else:
                    yield Row(begins, dict(zip(names, (cell.strip() for cell in cells), strict=True)))
            begins = reader.line_num + 1
        if names is None:
            yield Row(1, {}, f"the file is empty; its first line names the columns: {', '.join(NEEDED[kind])}, …")
    except csv.Error as error:
        yield Row(begins, {}, f"not CSV: {error}; what follows is not read (is a quotation mark open?)")
    except UnicodeDecodeError:
        yield Row(lines.number + 1, {}, "not UTF-8; save the file as CSV UTF-8. What follows is not read")


class _Lines:
    """The lines of a file as text, counted."""

    def __init__(self, file: Path, told: Callable[[int], None]) -> None:
        self.number = 0
        self._stream = file.open("rb")
        self._told = told

    def __iter__(self) -> Iterator[str]:
        with self._stream:
            for line in self._stream:
                self._told(len(line))
                text = line.decode("utf-8-sig" if self.number == 0 else "utf-8")
                self.number += 1
                yield text


def _header_problem(names: list[str], cells: list[str], kind: str) -> str | None:
    if any(";" in name or "\t" in name for name in names):
        return "columns are separated by commas, not by semicolons or tabs; save the file as CSV (comma separated)"
    if twice := sorted({name for name in names if names.count(name) > 1}):
        return f"column {twice[0]!r} stands twice in the header" if twice[0] else "a column has no name"
    if missing := [name for name in NEEDED[kind] if name not in names]:
        return f"the header lacks {', '.join(missing)}; it has {', '.join(cell.strip() for cell in cells)[:200]}"
    return None if "" not in names else "a column has no name"


def _count_problem(names: list[str], cells: list[str]) -> str:
    text = f"{len(cells)} cells stand under {len(names)} columns"
    more = "; a cell with a comma in it needs quotation marks, and decimals need a point"
    return text + more if len(cells) > len(names) else text


def _lots(rows: Iterator[Row]) -> Read:
    for number, row in enumerate(rows):
        if row.fault:
            yield Fault(row.line, row.fault, number)
            continue
        try:
            payload = _typed(row.cells)
        except ValueError as error:
            yield Fault(row.line, str(error), number)
            continue
        line = row.line
        yield Piece(number, payload, line, lambda _, line=line: line)  # type: ignore[misc]


class _Documents:
    """Rows put together to documents, which leave in pieces as soon as they are long enough."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.number = -1
        self.ident: str | None = None
        self.seen: dict[str, tuple[int, int]] = {}  # on which line each began, and its number
        self._begin(None, 0)

    def _begin(self, ident: str | None, line: int) -> None:
        self.ident, self.line = ident, line
        self.head: dict[str, Any] = {} if ident is None else {self.kind: ident}
        self.units: list[dict[str, Any]] = []
        self.places: list[tuple[int, list[int]]] = []  # the line of each unit, and of each of its lines
        self.lines = self.part = 0
        self.ssccs: dict[str, int] = {}

    def read(self, rows: Iterator[Row]) -> Read:
        """Every document, in pieces, and every fault."""
        lost = 0  # the line of a row that may be the next document's
        for row in rows:
            ident = row.cells.get(self.kind, "")
            if ident and ident != self.ident:
                yield from self._next(ident, row.line)
                if lost:
                    yield Fault(row.line, f"{self.kind} {ident}: line {lost} may belong to it, too", self.number)
            self.number = max(self.number, 0)
            lost = row.line if row.fault and not ident else 0
            if row.fault:
                yield Fault(row.line, row.fault, self.number)
            elif self.ident is None:
                yield Fault(row.line, f"no {self.kind} is named here, nor on a line before", self.number)
            else:
                yield from self._row(row)
        yield from self._end()

    def _next(self, ident: str, line: int) -> Read:
        yield from self._end()
        self.number += 1
        if ident in self.seen:
            began, first = self.seen[ident]
            text = f"{self.kind} {ident} began on line {began} and has ended; rows of one document stand together"
            yield Fault(line, text, self.number)
            yield Fault(began, f"{self.kind} {ident} goes on, on line {line}, behind other documents", first)
        self._begin(ident, line)
        self.seen.setdefault(ident, (line, self.number))

    def _row(self, row: Row) -> Read:
        try:
            head, unit, line = self._split(row.cells)
            self._agree(head)
        except ValueError as error:
            yield Fault(row.line, str(error), self.number)
            return
        if self.kind == "commission":
            yield from self._commissioned(row.line, line)
        else:
            yield from self._announced(row.line, unit, line)

    def _commissioned(self, number: int, line: dict[str, Any]) -> Read:
        if self.lines >= MOST_COMMISSIONED:
            text = f"a commissioning list has at most {MOST_COMMISSIONED} lines; split it"
            yield Fault(number, text, self.number)
            return
        self.units.append(line)
        self.places.append((number, []))
        self.lines += 1

    def _announced(self, number: int, unit: dict[str, Any], line: dict[str, Any]) -> Read:
        """A row of a unit: the unit that is open goes on, or another begins, perhaps in another piece."""
        sscc, weight = unit["sscc"], unit["gross_weight"]
        if not (self.units and self.units[-1]["sscc"] == sscc):
            if sscc in self.ssccs:
                text = f"sscc {sscc} stands on line {self.ssccs[sscc]} already; rows of one unit stand together"
                yield Fault(number, text, self.number)
                return
            if self.lines >= MOST_LINES or len(self.units) >= MOST_UNITS:
                yield self._piece(last=False)
            self.ssccs[sscc] = number
            self.units.append(unit | {"lines": []})
            self.places.append((number, []))
        elif weight is not None and self.units[-1]["gross_weight"] not in (None, weight):
            yield Fault(number, f"sscc {sscc} has another gross_weight on a row before", self.number)
            return
        if weight is not None:
            self.units[-1]["gross_weight"] = weight
        if line:
            self.units[-1]["lines"].append(line)
            self.places[-1][1].append(number)
            self.lines += 1

    def _split(self, cells: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """A row as what it says of the document, of the unit and of the line.

        Raises:
            ValueError: a cell is not what its column holds.
        """
        names = HEADS[self.kind]
        head = _typed({name: text for name, text in cells.items() if name in names})
        papers = [{"type": name, "id": head.pop(name)} for name in PAPERS if name in head]
        if papers:
            head["documents"] = papers
        if self.kind == "commission":
            return head, {}, _line({name: text for name, text in cells.items() if name not in names})
        unit: dict[str, Any] = {"sscc": cells.get("sscc", ""), "gross_weight": None}
        if text := cells.get("gross_weight"):
            _number("gross_weight", text)
            unit["gross_weight"] = {"value": text, "unit": cells.get("gross_weight_unit") or "kg"}
        line = _line({name: text for name, text in cells.items() if name not in (*names, *UNIT)})
        return head, unit, line

    def _agree(self, head: dict[str, Any]) -> None:
        """Learn what a row says of its document.

        Raises:
            ValueError: it says something else than the rows before.
        """
        for name, value in head.items():
            if self.head.setdefault(name, value) != value:
                raise ValueError(f"{name} is {value!r} here and {self.head[name]!r} before, in one {self.kind}")

    def _end(self) -> Read:
        if self.ident is not None and (self.units or self.part == 0):
            yield self._piece(last=True)

    def _piece(self, *, last: bool) -> Piece:
        name = "lines" if self.kind == "commission" else "units"
        payload = self.head | {name: self.units}
        piece = Piece(self.number, payload, self.line, _placing(self.line, self.places), self.part, last)
        self.units, self.places, self.lines, self.part = [], [], 0, self.part + 1
        return piece


def _placing(began: int, places: list[tuple[int, list[int]]]) -> Callable[[Place], int]:
    """The lines of units and of their lines; a commissioning list has lines only."""

    def place(of: Place) -> int:
        unit, line = of
        if unit is None:
            return began if line is None else places[line][0]
        return places[unit][0] if line is None else places[unit][1][line]

    return place


def _line(cells: dict[str, str]) -> dict[str, Any]:
    """The columns of a line, unknown ones as they stand there."""
    line: dict[str, Any] = {}
    for name, text in cells.items():
        if not text:
            continue
        if name in ("serials", "epcs"):
            line[name] = text.split()
        elif name == "ranges":
            line[name] = [_range(one) for one in text.split()]
        else:
            if name == "quantity":
                _number(name, text)
            line[name] = text
    return line


def _range(text: str) -> list[str]:
    low, dash, high = text.partition("-")
    if not (dash and low and high):
        raise ValueError(f"ranges: {text!r} is not a range of serials like 100-199")
    return [low, high]


def _typed(cells: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, text in cells.items():
        if not text:
            continue
        if name in _WHOLE:
            if not (text.isascii() and text.isdigit()):
                raise ValueError(f"{name}: {text!r} is not a whole number")
            found[name] = int(text)
        else:
            found[name] = text
    return found


def _number(name: str, text: str) -> None:
    if _DECIMAL_COMMA.fullmatch(text):
        raise ValueError(f"{name}: {text!r} has a decimal comma; write {text.replace(',', '.')}")
