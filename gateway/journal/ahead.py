"""Records with the facts they were decided with: facts stand behind their group, so one has to look ahead for them.

A group is journalled whole before its first turn (one fsync), and the facts of each turn after that. They are tied by
position: `FactsRecord.of` is the record they answer.
"""

from collections import deque
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from gateway.model.facts import Facts, FactsRecord
from gateway.model.inputs import Input

GROUP_LIMIT = 512
"""Inputs per fsync group at most; also how far behind its record a turn's facts can stand (with as many facts)."""


class Positioned(Protocol):
    """Anything read from a journal or a recording."""

    @property
    def position(self) -> int:
        """Ordinal of the record."""
        ...

    @property
    def item(self) -> Input | FactsRecord:
        """What was recorded."""
        ...


E = TypeVar("E", bound=Positioned)


class Ahead(Generic[E]):
    """Iterates over the inputs of a stream of records; `facts(position)` looks ahead for the answer to one of them."""

    def __init__(self, entries: Iterator[E]) -> None:
        self._entries = entries
        self._waiting: deque[E] = deque()

    def __iter__(self) -> Iterator[E]:
        while True:
            entry = self._waiting.popleft() if self._waiting else next(self._entries, None)
            if entry is None:
                return
            if not isinstance(entry.item, FactsRecord):
                yield entry

    def facts(self, position: int) -> Facts | None:
        """The facts the record at `position` was decided with; None when the stream does not hold them."""
        for entry in self._waiting:
            if isinstance(entry.item, FactsRecord) and entry.item.of == position:
                return entry.item.facts
        while len(self._waiting) < 2 * GROUP_LIMIT:
            found = next(self._entries, None)
            if found is None:
                return None
            self._waiting.append(found)
            if isinstance(found.item, FactsRecord) and found.item.of == position:
                return found.item.facts
        return None
