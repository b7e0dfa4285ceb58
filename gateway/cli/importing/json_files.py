"""JSON files: one document, a list of them, or one a line (NDJSON).

NDJSON is read line by line; another file whole, up to `LONGEST`. Of a long document the units stay bytes until their
piece is due, so that 100,000 lines need little more memory than their text.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from gateway.cli.importing.pieces import MOST_LINES, MOST_UNITS, Fault, Piece, Place, Read, weight

LONGEST = 64 << 20
"""Bytes of a document, and of a file that is no NDJSON: some 300,000 lines."""

LINES = (".ndjson", ".jsonl")
_BOM = b"\xef\xbb\xbf"
_BYTE = re.compile(r"\(byte (\d+)\)")
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_HEAD = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read(file: Path, told: Callable[[int], None] = lambda _: None) -> Read:
    """The documents of a file in their order; `told` of the bytes that were read."""
    with file.open("rb") as stream:
        first = stream.readline(LONGEST + 1)
    by_line = file.suffix in LINES or (first.removeprefix(_BOM).startswith(b"{") and first.rstrip().endswith(b"}"))
    texts = _lines(file, told) if by_line else _whole(file, told)
    for number, (line, text) in enumerate(texts):
        if len(text) > LONGEST:
            yield Fault(
                line, f"this is longer than {LONGEST >> 20} MiB; split it, or write one document a line", number
            )
            return
        try:
            yield from _pieces(_Text(text, line), number)
        except (msgspec.DecodeError, RecursionError) as error:
            found = _BYTE.search(str(error))
            line += text.count(b"\n", 0, int(found[1])) if found else 0
            yield Fault(line, f"not JSON: {error}", number)


def _lines(file: Path, told: Callable[[int], None]) -> Iterator[tuple[int, bytes]]:
    with file.open("rb") as stream:
        number = 0
        while text := stream.readline(LONGEST + 1):
            number += 1
            told(len(text))
            if number == 1:
                text = text.removeprefix(_BOM)
            if text.strip():
                yield number, text


def _whole(file: Path, told: Callable[[int], None]) -> Iterator[tuple[int, bytes]]:
    """The one document of a file, or those of its list."""
    with file.open("rb") as stream:
        text = stream.read(LONGEST + 1)
    told(len(text))
    text = text.removeprefix(_BOM)
    if len(text) > LONGEST or not text.lstrip().startswith(b"["):
        yield 1, text
        return
    try:
        several = _RAWS.decode(text)
    except (msgspec.DecodeError, RecursionError):
        yield 1, text  # it is said below what is wrong with it
        return
    yield from _placed(text, several, 1)


def _placed(text: bytes, several: Iterable[msgspec.Raw], line: int) -> Iterator[tuple[int, bytes]]:
    """Values that stand in `text` one behind the other, each with its line."""
    at = 0
    for raw in several:
        one = bytes(raw)
        start = text.index(one, at)
        line += text.count(b"\n", at, start)
        yield line, one
        at = start + len(one)
        line += one.count(b"\n")


class _Text:
    """The text of a document, to find the line of what is in it."""

    def __init__(self, text: bytes, line: int) -> None:
        self.text, self.line = text, line

    def place(self, of: Place) -> int:
        """The line of a unit, or of a line in it, or (no unit) of a line of the document."""
        unit, line = of
        if unit is None:
            return self.line if line is None else self._inside((self.line, self.text), "lines")[line][0]
        return self._units[unit][0] if line is None else self._inside(self._units[unit], "lines")[line][0]

    @cached_property
    def _units(self) -> list[tuple[int, bytes]]:
        return self._inside((self.line, self.text), "units")

    @staticmethod
    def _inside(of: tuple[int, bytes], name: str) -> list[tuple[int, bytes]]:
        """The values of the list `name` in an object, each with its line."""
        line, text = of
        listed = bytes(_HEAD.decode(text)[name])
        start = text.index(listed)
        return list(_placed(listed, _RAWS.decode(listed), line + text.count(b"\n", 0, start)))


def _pieces(text: _Text, number: int) -> Read:
    """A document in pieces.

    Raises:
        msgspec.DecodeError, RecursionError: it is not JSON.
    """
    try:
        head = _HEAD.decode(text.text)
        units = _RAWS.decode(head["units"]) if "units" in head else []
    except msgspec.ValidationError:
        yield _odd(text, number)
        return
    plain = {name: msgspec.json.decode(value) for name, value in head.items() if name != "units" or not units}
    if not units:
        yield Piece(number, plain, text.line, text.place)
        return
    first = 0
    for part, (stop, some) in enumerate(_cut(units)):
        yield Piece(number, plain | {"units": some}, text.line, _from(text, first), part, stop == len(units))
        first = stop


def _from(text: _Text, first: int) -> Callable[[Place], int]:
    """Places of a piece whose first unit is the document's unit number `first`."""
    return lambda of: text.place((None if of[0] is None else of[0] + first, of[1]))


def _odd(text: _Text, number: int) -> Fault | Piece:
    """What is JSON, but no object with a list of units: the rules say what is wrong with it, or it is none at all."""
    value = msgspec.json.decode(text.text)
    if isinstance(value, dict):
        return Piece(number, value, text.line, lambda _: text.line)
    return Fault(text.line, f"a document is a JSON object, not {text.text[:80].decode(errors='replace')}", number)


def _cut(units: list[msgspec.Raw]) -> Iterator[tuple[int, list[Any]]]:
    """Units by pieces, parsed when it is their turn; with each the index behind its last."""
    some: list[Any] = []
    lines = 0
    for index, raw in enumerate(units):
        unit = msgspec.json.decode(raw)
        if some and (lines + weight(unit) > MOST_LINES or len(some) >= MOST_UNITS):
            yield index, some
            some, lines = [], 0
        some.append(unit)
        lines += weight(unit)
    yield len(units), some
