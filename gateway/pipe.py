"""Bounded queues: each has a bound, an overflow policy and a counter, and says so in its type.

`Pipe.put` waits for room (backpressure: the reader's TCP window slows the reader, which buffers).
`Pipe.offer` never waits: when full the oldest goes, and is counted.
"""

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Pipe(Generic[T]):
    """A queue of at most `bound` items inside one event loop. `dropped` counts what `offer` pushed out."""

    def __init__(self, name: str, bound: int) -> None:
        self.name = name
        self.bound = bound
        self.dropped = 0
        self._items: deque[T] = deque()
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._entry = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._items)

    async def put(self, item: T) -> None:
        """Add an item, waiting while the pipe is full."""
        async with self._entry:  # first come, first in: nobody overtakes who waits
            while len(self._items) >= self.bound:
                self._room.clear()
                await self._room.wait()
            self._items.append(item)
        self._filled.set()

    def offer(self, item: T) -> None:
        """Add an item at once; when full, the oldest is dropped and counted."""
        if len(self._items) >= self.bound:
            self._items.popleft()
            self.dropped += 1
        self._items.append(item)
        self._filled.set()

    def take(self, limit: int) -> list[T]:
        """Take up to `limit` items that are there now."""
        items = self._items
        taken = [items.popleft() for _ in range(min(limit, len(items)))]
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
