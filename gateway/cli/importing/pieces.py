"""What readers yield: documents in pieces that the gateway takes in one turn, and what is wrong, each with its line."""

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

MOST_LINES, MOST_UNITS = 1_000, 500
"""Lines and units of a piece: a turn of the gateway stays short, and so does what is in memory here."""

Place = tuple[int | None, int | None]
"""Index of a unit, and of a line in it (of a document without units: None, and the line)."""


class Fault(Struct, frozen=True):
    """Something in a file that cannot be used. `document` is what it spoils (a running number; None: none)."""

    line: int
    text: str
    document: int | None = None


class Piece(Struct):
    """A document, or a part of it, as the `import` command takes it.

    `document` counts the documents of the file from 0; `line` is where this one begins; `place` finds the line of a
    unit or a line of it.
    """

    document: int
    payload: dict[str, Any]
    line: int
    place: Callable[[Place], int]
    part: int = 0
    last: bool = True


Read = Iterator[Piece | Fault]


def weight(unit: Any) -> int:
    """How many lines a unit has, one at least."""
    lines = unit.get("lines") if isinstance(unit, dict) else None
    return max(1, len(lines)) if isinstance(lines, list) else 1
