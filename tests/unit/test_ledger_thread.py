"""The writer thread: order, bound, progress for the watchdog, a clean stop."""

import asyncio
import threading
import time

import pytest

from gateway.errors import LedgerError
from gateway.ledger.thread import Writer


async def test_calls_run_in_one_thread_in_order() -> None:
    """However many ask at once, calls run one after the other, in the order they were made."""
    writer, seen = Writer(bound=2), []

    def work(number: int, *, sleep: float) -> int:
        time.sleep(sleep)
        seen.append((number, threading.current_thread().name))
        return number

    answers = await asyncio.gather(*(writer.call(work, number, sleep=0.003 * (5 - number)) for number in range(5)))
    assert answers == [0, 1, 2, 3, 4]
    assert [number for number, _ in seen] == [0, 1, 2, 3, 4]
    assert {name for _, name in seen} == {"ledger_0"}
    await writer.stop()


async def test_errors_come_back_to_the_caller() -> None:
    """What a call raises is raised where it was awaited, and the next call works."""
    writer = Writer()
    with pytest.raises(ZeroDivisionError):
        await writer.call(lambda: 1 // 0)
    assert await writer.call(lambda: 7) == 7
    await writer.stop()


async def test_no_more_than_the_bound_wait_in_the_thread() -> None:
    """Callers beyond the bound wait outside, so the thread's queue cannot grow."""
    writer, gate = Writer(bound=3), threading.Event()
    calls = [asyncio.create_task(writer.call(gate.wait)) for _ in range(10)]
    await asyncio.sleep(0.02)
    assert writer._outstanding == 3
    gate.set()
    assert all(await asyncio.gather(*calls))
    await writer.stop()


async def test_progress_stands_still_only_while_a_call_hangs() -> None:
    """Idle counts as progress; a call that hangs lets the stamp grow old, until it ends."""
    writer, gate = Writer(), threading.Event()
    assert time.monotonic() - writer.progress < 0.02
    call = asyncio.create_task(writer.call(gate.wait))
    await asyncio.sleep(0.08)
    assert time.monotonic() - writer.progress > 0.05
    gate.set()
    await call
    await asyncio.sleep(0)
    assert time.monotonic() - writer.progress < 0.05
    await writer.stop()


async def test_a_cancelled_caller_leaves_the_writer_in_order() -> None:
    """Cancelling who waits does not stop what runs, nor the count of what is outstanding."""
    writer, gate, done = Writer(), threading.Event(), []

    def work() -> None:
        gate.wait()
        done.append(1)

    call = asyncio.create_task(writer.call(work))
    waiting = asyncio.create_task(writer.call(lambda: done.append(2)))
    await asyncio.sleep(0.02)
    for task in (call, waiting):
        task.cancel()
    await asyncio.sleep(0.02)
    gate.set()
    assert await asyncio.gather(call, waiting, return_exceptions=True) != []
    assert await writer.call(lambda: list(done)) == [1]  # begun: ended; not begun: never
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert writer._outstanding == 0
    await writer.stop()


async def test_stop_finishes_what_waits_and_refuses_the_rest() -> None:
    """Stop waits for every call made before it; later calls are refused; a second stop is no error."""
    writer, done = Writer(), []
    calls = [asyncio.create_task(writer.call(lambda n=number: done.append(n))) for number in range(5)]
    await asyncio.sleep(0)
    await writer.stop()
    await asyncio.gather(*calls)
    assert done == [0, 1, 2, 3, 4]
    with pytest.raises(LedgerError, match="writer has stopped"):
        await writer.call(lambda: None)
    await writer.stop()
    assert not [one for one in threading.enumerate() if one.name.startswith("ledger_")]


async def test_a_writer_never_used_stops_too() -> None:
    """No thread is started before the first call."""
    writer = Writer("idle")
    await writer.stop()
    assert not [one for one in threading.enumerate() if one.name.startswith("idle")]
