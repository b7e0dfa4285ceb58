"""Bounded queues: each has a bound, an overflow policy and a counter, and says so in its type.

`Pipe.put` waits for room (backpressure: the reader's TCP window slows the reader, which buffers).
`Pipe.offer` never waits: when full the oldest goes, and is counted.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


def one(_: object) -> int:
    """The weight of an item that is as good as any other."""
    return 1


class Pipe(Generic[T]):
    """A queue inside one event loop that is full when what is in it weighs `bound`.

    `weigh` gives an item's weight, 1 unless told otherwise. `dropped` counts what `offer` pushed out.
    """

    def __init__(self, name: str, bound: int, weigh: Callable[[T], int] = one) -> None:
        self.name = name
        self.bound = bound
        self.weight = 0
        self._weigh = weigh
        self.dropped = 0
        self._items: deque[T] = deque()
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._entry = asyncio.Lock()
        self._entering = 0  # senders that wait, or wait for those

    def __len__(self) -> int:
        return len(self._items)

    async def put(self, item: T) -> None:
        """Add an item, waiting while the pipe is full."""
        if not self._entering and self.weight < self.bound:
            self._add(item)
            return
        self._entering += 1
        try:
            async with self._entry:  # first come, first in: nobody overtakes who waits
                while self.weight >= self.bound:
                    self._room.clear()
                    await self._room.wait()
                self._add(item)
        finally:
            self._entering -= 1

    def offer(self, item: T) -> None:
        """Add an item at once; when full, the oldest is dropped and counted."""
        while self._items and self.weight >= self.bound:
            self.weight -= self._weigh(self._items.popleft())
            self.dropped += 1
        self._add(item)

    def _add(self, item: T) -> None:
        self._items.append(item)
        self.weight += self._weigh(item)
        self._filled.set()

    def take(self, limit: int) -> list[T]:
        """Take up to `limit` items that are there now."""
        items = self._items
        taken = [items.popleft() for _ in range(min(limit, len(items)))]
        self.weight -= sum(map(self._weigh, taken))
        if not items:
            self._filled.clear()
        if taken:
            self._room.set()
        return taken

    async def filled(self) -> None:
        """Wait until there is something to take."""
        await self._filled.wait()

    def wake(self) -> None:
        """Let whoever waits for items look again, though there may be none."""
        self._filled.set()
