"""Who restarts whom. A device may fail and is run again for ever; the core may not, and ends the process.

    async with running(("mqtt", keep(link, report))):     # last to stop
        async with running(("pipeline", pipeline.run())):
            …                                             # first to stop

The only `except Exception` of the house are here.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Protocol

import structlog

from gateway.errors import DeviceError, RefusedError

log = structlog.get_logger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 30.0
"""Seconds: bounds of the jittered back-off (reference llrp §6: 0.25 s to 30 s, for ever)."""

HEALTHY = 60.0
"""Seconds a run must last for the back-off to start afresh."""

STOP_AGAIN = 3.0
"""Seconds after which a run that was told to stop is told again; the longest polite goodbye takes less."""

Report = Callable[[str, str, str], Awaitable[None]]
"""Told of (device, state, detail) each time a run ends: `down`, or `fault` when the far side answered and refused."""


class Runnable(Protocol):
    """Anything that works until its link fails, and then raises (DeviceError with the reason)."""

    @property
    def id(self) -> str:
        """Its name in logs and reports."""
        ...

    async def run(self) -> None:
        """Connect and work until the link fails."""
        ...


async def keep(device: Runnable, report: Report, *, longest: float = LONGEST_PAUSE) -> None:
    """Run a device for ever: run, report why it ended, pause with full jitter, run again."""
    pause = FIRST_PAUSE
    said = ""
    while True:
        started = time.monotonic()
        state = "down"
        # In a task of its own: a TaskGroup whose child fails leaves a cancellation counted in the task it ran in
        # (CPython before 3.13), which the next group there would take for an order to stop.
        run = asyncio.create_task(device.run(), name=device.id)
        try:
            await asyncio.wait([run])
        except asyncio.CancelledError:
            await _stopped(run)
            raise
        try:
            run.result()
            reason = "ended without a reason"
        except asyncio.CancelledError:
            reason = "was cancelled from within"
        except DeviceError as error:
            reason = str(error)
            state = "fault" if isinstance(error, RefusedError) else "down"
            if reason != said:
                log.warning("device down", device=device.id, reason=reason)
        except Exception as error:  # a fault in one driver must not stop the dock
            reason = f"internal fault in {device.id}: {error!r}"
            log.exception("internal fault in a driver: please report it with this trace", device=device.id)
        healthy = time.monotonic() - started >= HEALTHY  # before the report, which may wait for room
        await report(device.id, state, reason)
        said = "" if healthy else reason
        pause = FIRST_PAUSE if healthy else min(longest, pause * 2)
        await asyncio.sleep(random.uniform(FIRST_PAUSE / 2, pause))


async def _stopped(run: asyncio.Task[None]) -> None:
    """Stop a run, however it ends: by then nobody wants to know why.

    It is told again when it does not end. `asyncio.wait_for` (CPython before 3.12) loses an order to stop that comes
    together with the result it waits for, and a TaskGroup one that comes together with an error.
    """
    while not run.done():
        run.cancel()
        with contextlib.suppress(asyncio.CancelledError):  # told twice ourselves: so is the run
            await asyncio.wait([run], timeout=STOP_AGAIN)
    if not run.cancelled():
        run.exception()  # looked at, or asyncio would complain


@contextlib.asynccontextmanager
async def running(*jobs: tuple[str, Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run jobs beside the block: they are cancelled when it ends, and one that fails ends the block with its error."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job, name=name) for name, job in jobs]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


def last_line(fault: BaseException) -> str:
    """The one sentence a dying process leaves: the innermost real error of a group."""
    while isinstance(fault, BaseExceptionGroup) and fault.exceptions:
        fault = fault.exceptions[0]
    return f"{type(fault).__name__}: {fault}"


async def guarded(core: Callable[[], Awaitable[None]], on_fault: Callable[[Exception], None]) -> None:
    """Run the core; tell `on_fault` of what ends it before it ends the process."""
    try:
        await core()
    except Exception as fault:
        on_fault(fault)
        raise
