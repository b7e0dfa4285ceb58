"""What a reader queued through a cut, all at once: our driver and session, a real pipe, and a slow house behind it."""

import asyncio
import json
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from gateway.errors import DeviceError
from gateway.model.inputs import Device, Input, Reads
from gateway.pipe import Pipe
from gateway.readers.llrp.clock import SLACK
from gateway.readers.llrp.driver import LlrpReader
from gateway.readers.llrp.settings import ReaderSettings

MESSAGES = 66_000
"""What Zebra's FX readers queue through a cut; the oldest goes when an event comes on top."""

PACE = 5_000  # µs between two reads of the simulator's backlog
BOUND = 5_000  # reads the pipe holds
KEEPALIVE = 400_000
MIB = 1 << 20


class Process:
    """Our simulator as a process of its own, so that what it stores is not taken for ours."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process, self.port = process, port

    def tell(self, **command: object) -> None:
        """A line to it."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command).encode() + b"\n")


@asynccontextmanager
async def simulated(*options: str) -> AsyncIterator[Process]:
    """A reader."""
    command = (sys.executable, "-m", "simulators", "reader", "--port", "0", *options)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdout is not None
    try:
        yield Process(process, json.loads(await process.stdout.readline())["llrp"])
    finally:
        process.terminate()
        await process.communicate()


def weight(item: Input) -> int:
    """In a pipe: its reads."""
    return len(item.reads) if isinstance(item, Reads) else 1


class House:
    """Takes inputs out of a pipe, now and then one; what it keeps of them are numbers."""

    def __init__(self, pause: float) -> None:
        self.pipe: Pipe[Input] = Pipe("inputs", BOUND, weight)
        self.heaviest = 0
        self.ups = 0
        self.reads = self.lost = 0
        self.wrong: list[object] = []
        self.first = self.last = 0  # corrected times
        self._pause = pause

    async def work(self) -> None:
        """For ever."""
        while True:
            await self.pipe.filled()
            self.heaviest = max(self.heaviest, self.pipe.weight)
            for item in self.pipe.take(1):
                if isinstance(item, Reads):
                    self._look(item)
                elif isinstance(item, Device):
                    self.ups += (item.device, item.state) == ("dock-1", "up")
            await asyncio.sleep(self._pause)

    def _look(self, item: Reads) -> None:
        for row in item.reads:
            if self.reads and abs(row[0] - self.last - PACE) > SLACK:
                self.wrong.append(row)
            number = int(row[2][16:], 16)
            if not self.reads:
                self.first, self.lost = row[0], number
            self.last = row[0]
            if number != self.lost + self.reads:
                self.wrong.append(row)
            self.reads += 1


@pytest.mark.timeout(120)
async def test_a_backlog_of_66_000_messages_flows_through() -> None:
    """Behind a slow house: every read once, in order and in its own time; keepalives acknowledged; memory bounded."""
    acks: list[float] = []

    def tap(direction: str, data: bytes) -> None:
        if direction == "out" and data[:2] == b"\x04\x48":
            acks.append(time.monotonic())

    house = House(pause=0.05)
    async with simulated("--profile", "fx9600", "--sin", f"backlog_after_cut={MESSAGES}") as reader:
        settings = ReaderSettings("dock-1", "127.0.0.1", reader.port, keepalive=KEEPALIVE)
        driver = LlrpReader(settings, house.pipe.put, tap=tap)
        working = asyncio.create_task(house.work())
        run = asyncio.create_task(driver.run())
        try:
            async with asyncio.timeout(20):
                while not house.ups:  # noqa: ASYNC110 - a plain counter
                    await asyncio.sleep(0.01)
            reader.tell(drop=True)
            with pytest.raises(DeviceError):
                await run
            cut = time.time_ns() // 1000
            acks.clear()
            tracemalloc.start()
            begun = time.monotonic()
            run = asyncio.create_task(driver.run())
            async with asyncio.timeout(60):
                while house.lost + house.reads < MESSAGES:
                    assert not run.done()
                    await asyncio.sleep(0.02)
            taken = time.monotonic() - begun
            _, peak = tracemalloc.get_traced_memory()
            counts = driver.counts()
        finally:
            tracemalloc.stop()
            for task in (run, working):
                task.cancel()
            await asyncio.gather(run, working, return_exceptions=True)
    assert house.wrong == []
    assert house.ups == 2
    assert house.lost <= 5
    assert abs(house.last - cut) < 5_000_000
    assert abs(house.last - house.first - (house.reads - 1) * PACE) < 10 * SLACK
    assert house.heaviest < BOUND + 3_000  # one input more than the bound, and an input is what a read of 64 KiB holds
    assert taken > 5 * KEEPALIVE / 1e6, "the house was too fast for this test to say anything"
    assert len(acks) >= taken / (KEEPALIVE / 1e6) / 2
    assert (
        max(later - one for one, later in pairwise([begun, *acks, begun + taken])) < 5 * KEEPALIVE / 1e6
    )  # a reader gives up after 5
    assert peak < 8 * MIB
    assert not any(counts.values()), counts
