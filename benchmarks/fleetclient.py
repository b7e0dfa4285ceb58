"""The client of `llrp_8_readers_…`, as a process of its own: real drivers with their sessions, and a house that counts.

`python -m benchmarks.fleetclient EXPECTED WARM_UP SECONDS REPETITIONS PORT…` prints what it measured as JSON.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.measuring import memory, one_core
from gateway import logs
from gateway.errors import DeviceError
from gateway.model.inputs import Input, Reads
from gateway.readers.llrp.driver import LlrpReader
from gateway.readers.llrp.settings import ReaderSettings

PATIENCE = 10.0
"""Seconds for all handshakes, and after the last window for the rest of the tags."""

ANTENNAS = (1, 2, 3, 4)


class House:
    """Takes inputs and counts them."""

    def __init__(self) -> None:
        self.inputs = self.tags = 0

    async def submit(self, one: Input) -> None:
        """Take an input."""
        if isinstance(one, Reads):
            self.inputs += 1
            self.tags += len(one.reads)


async def measure(
    ports: Sequence[int], expected: int, warm_up: float, seconds: float, repetitions: int
) -> dict[str, Any]:
    """CPU seconds, wall seconds, tags, inputs and resident MiB of each window; at the end, all tags that came."""
    house = House()
    readers = [LlrpReader(_settings(number, port), house.submit) for number, port in enumerate(ports, 1)]
    running = [asyncio.create_task(reader.run()) for reader in readers]
    try:
        async with asyncio.timeout(PATIENCE):
            await _until(running, lambda: all(reader.session and reader.session.ready for reader in readers))
        await asyncio.sleep(warm_up)
        windows = [await _window(house, seconds) for _ in range(repetitions)]
        async with asyncio.timeout(PATIENCE):
            await _until(running, lambda: house.tags >= expected)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    return {"windows": windows, "tags": house.tags, "peak": memory("self", "VmHWM")}


def _settings(number: int, port: int) -> ReaderSettings:
    """A door as it stands in a configuration: four antennas whose coverage is watched, two eyes."""
    return ReaderSettings(
        f"reader-{number}", "127.0.0.1", port, antennas=ANTENNAS, gpi=(1, 2), portals=(ANTENNAS,), power_dbm=30.0
    )


async def _until(running: Sequence[asyncio.Task[None]], so: Callable[[], bool]) -> None:
    """Look now and then; a driver that ended meanwhile says why."""
    while not so():
        for task in running:
            if task.done():
                task.result()
        await asyncio.sleep(0.02)


async def _window(house: House, seconds: float) -> dict[str, float]:
    cpu, wall, tags, inputs = time.process_time(), time.monotonic(), house.tags, house.inputs
    await asyncio.sleep(seconds)
    return {
        "cpu": time.process_time() - cpu,
        "wall": time.monotonic() - wall,
        "tags": house.tags - tags,
        "inputs": house.inputs - inputs,
        "rss": memory("self"),
    }


def main(expected: int, warm_up: float, seconds: float, repetitions: int, ports: Sequence[int]) -> int:
    """Measure on one core; 1 and a sentence when it cannot be."""
    logs.configure("error", "console")  # to stderr: stdout is the measurement's
    try:
        with one_core():
            print(json.dumps(asyncio.run(measure(ports, expected, warm_up, seconds, repetitions))))
    except (DeviceError, TimeoutError) as error:
        print(json.dumps({"error": str(error) or "the tags did not all come in time"}))
        return 1
    return 0


if __name__ == "__main__":
    one, two, three, four, *rest = sys.argv[1:]
    sys.exit(main(int(one), float(two), float(three), int(four), [int(port) for port in rest]))
