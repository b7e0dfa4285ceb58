"""`Writer`: one thread for everything that may wait for the disk, so that the loop never does; order is call order."""

import asyncio
import functools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from gateway.errors import LedgerError

P = ParamSpec("P")
T = TypeVar("T")


class Writer:
    """Runs calls one after the other in a thread of its own. At most `bound` wait there; further callers wait here."""

    def __init__(self, name: str = "ledger", bound: int = 64) -> None:
        self.name = name
        self._executor: ThreadPoolExecutor | None = None
        self._room = asyncio.Semaphore(bound)
        self._outstanding = 0
        self._moved = time.monotonic()
        self._stopped = False

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in the thread and return what it returns, or raise what it raises.

        A caller that is cancelled stops waiting; what the thread has begun, it ends.

        Raises:
            LedgerError: the writer has stopped.
        """
        async with self._room:
            if self._stopped:
                raise LedgerError(f"the {self.name} writer has stopped; nothing is written any more")
            if self._executor is None:
                self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=self.name)
            if self._outstanding == 0:
                self._moved = time.monotonic()
            self._outstanding += 1
            future = self._executor.submit(functools.partial(function, *args, **kwargs))
            # asyncio's own wrapper tells the loop; this counts also what nobody waits for any more.
            loop = asyncio.get_running_loop()
            future.add_done_callback(lambda _: _tell(loop, self._ended))
            return await asyncio.wrap_future(future)

    @property
    def progress(self) -> float:
        """When it last moved on, on `time.monotonic()`: now while idle, else the last call's end (watchdog food)."""
        return self._moved if self._outstanding else time.monotonic()

    async def stop(self) -> None:
        """Finish what waits, end the thread, refuse what comes after. May be called twice."""
        self._stopped = True
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.wrap_future(executor.submit(lambda: None))  # the last in line: all before it is done
            executor.shutdown(wait=True)

    def _ended(self) -> None:
        self._outstanding -= 1
        self._moved = time.monotonic()


def _tell(loop: asyncio.AbstractEventLoop, done: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(done)
