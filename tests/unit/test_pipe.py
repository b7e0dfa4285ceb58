"""Bounded queues: what waits, what is dropped, what is counted."""

import asyncio
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pipe import Pipe

STEPS = st.lists(st.one_of(st.integers(1, 5).map(lambda limit: ("take", limit)), st.just(("offer", 0))), max_size=60)


@given(bound=st.integers(1, 8), steps=STEPS)
def test_offer_and_take_agree_with_a_deque_of_that_length(bound: int, steps: list[tuple[str, int]]) -> None:
    """However items come and go: never more than `bound`, the oldest goes first, each lost one is counted."""
    pipe: Pipe[int] = Pipe("inputs", bound)
    model: deque[int] = deque(maxlen=bound)
    offered, taken = 0, 0
    for step, limit in steps:
        if step == "offer":
            pipe.offer(offered)
            model.append(offered)
            offered += 1
        else:
            items = pipe.take(limit)
            assert items == [model.popleft() for _ in range(min(limit, len(model)))]
            taken += len(items)
        assert len(pipe) == len(model) <= bound
        assert pipe.dropped == offered - taken - len(pipe)


@given(bound=st.integers(1, 4), senders=st.integers(1, 5), each=st.integers(0, 12), limit=st.integers(1, 5))
def test_put_loses_nothing_and_keeps_each_senders_order(bound: int, senders: int, each: int, limit: int) -> None:
    """Several devices on one pipe: all arrives, each device's in its order, and the bound holds throughout."""
    taken: list[tuple[int, int]] = []

    async def send(pipe: Pipe[tuple[int, int]], sender: int) -> None:
        for number in range(each):
            await pipe.put((sender, number))
            assert len(pipe) <= bound

    async def scene() -> None:
        pipe: Pipe[tuple[int, int]] = Pipe("inputs", bound)
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            for sender in range(senders):
                group.create_task(send(pipe, sender))
            while len(taken) < senders * each:
                await pipe.filled()
                taken.extend(pipe.take(limit))
        assert pipe.dropped == 0

    asyncio.run(scene())
    for sender in range(senders):
        assert [number for who, number in taken if who == sender] == list(range(each))


async def test_put_waits_while_full() -> None:
    """Backpressure: a full pipe holds its sender until somebody takes."""
    pipe: Pipe[str] = Pipe("inputs", 1)
    await pipe.put("first")
    second = asyncio.create_task(pipe.put("second"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not second.done()
    assert pipe.take(10) == ["first"]
    async with asyncio.timeout(5):
        await second
    assert pipe.take(10) == ["second"]


async def test_a_sender_that_gives_up_leaves_nothing() -> None:
    """A cancelled put has put nothing, and nobody else waits for its place."""
    pipe: Pipe[str] = Pipe("inputs", 1)
    await pipe.put("first")
    second = asyncio.create_task(pipe.put("second"))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert pipe.take(10) == ["first"]
    async with asyncio.timeout(5):
        await pipe.put("third")
    assert pipe.take(10) == ["third"]


async def test_filled_waits_for_an_item() -> None:
    """A taker sleeps until there is something, and again once it took all."""
    pipe: Pipe[int] = Pipe("telemetry", 4)
    waiting = asyncio.create_task(pipe.filled())
    await asyncio.sleep(0)
    assert not waiting.done()
    pipe.offer(1)
    async with asyncio.timeout(5):
        await waiting
    pipe.take(1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await pipe.filled()


async def test_wake_lets_the_taker_look_though_there_is_nothing() -> None:
    """A stop can reach a taker of an empty pipe; the next wait is a wait again."""
    pipe: Pipe[int] = Pipe("inputs", 4)
    waiting = asyncio.create_task(pipe.filled())
    await asyncio.sleep(0)
    pipe.wake()
    async with asyncio.timeout(5):
        await waiting
    assert pipe.take(10) == []
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await pipe.filled()


async def test_a_heavy_item_fills_more_of_the_bound() -> None:
    """With weights the bound is of what is inside, not of how many: one item may be too much for the next."""
    pipe: Pipe[list[int]] = Pipe("p", 10, len)
    await pipe.put([1] * 9)
    await pipe.put([2] * 9)
    waiting = asyncio.create_task(pipe.put([3]))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert (len(pipe), pipe.weight) == (2, 18)
    assert pipe.take(1) == [[1] * 9]
    await waiting
    assert pipe.take(5) == [[2] * 9, [3]]
    assert pipe.weight == 0
    for number in range(30):
        pipe.offer([number] * 4)
    assert (pipe.weight, pipe.dropped) == (12, 27)
