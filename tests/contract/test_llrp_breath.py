"""Between two reads of the socket the driver lets messages gather: fewer wake-ups, the same tags."""

import asyncio
from contextlib import suppress

import pytest

from gateway.model.inputs import Device, Input, Reads
from gateway.readers.llrp import driver
from gateway.readers.llrp.driver import LlrpReader
from gateway.readers.llrp.settings import ReaderSettings
from simulators.llrp import Reader

TAGS = [f"3034257BF7194E4000{number:06X}" for number in range(600)]


class Transport(asyncio.Transport):
    """Notes what is done to it."""

    def __init__(self, reading: bool = True) -> None:
        super().__init__()
        self.reading, self.done = reading, list[str]()

    def is_reading(self) -> bool:
        """As it was told."""
        return self.reading

    def pause_reading(self) -> None:
        """Noted."""
        self.done.append("pause")

    def resume_reading(self) -> None:
        """Noted."""
        self.done.append("resume")


async def test_messages_that_come_one_by_one_come_some_at_a_time() -> None:
    """A tag each millisecond, each a message of its own: all arrive, in order, and soon in far fewer inputs."""
    inputs: list[Reads] = []
    up = asyncio.Event()

    async def submit(one: Input) -> None:
        if isinstance(one, Reads):
            inputs.append(one)
        elif isinstance(one, Device):
            up.set()

    reader = Reader("breath")
    running = asyncio.create_task(
        LlrpReader(ReaderSettings("reader-1", "127.0.0.1", await reader.start()), submit).run()
    )
    try:
        async with asyncio.timeout(10):
            await up.wait()
            clock = asyncio.get_running_loop().time
            began, seen = clock(), 0
            while seen < len(TAGS):  # by the clock, so that a busy machine is late, not slow
                due = min(len(TAGS), int((clock() - began) * 1000))
                for tag in TAGS[seen:due]:
                    reader.see(tag, 1, -50)
                seen = due
                await asyncio.sleep(0.001)
            while sum(len(one.reads) for one in inputs) < len(TAGS):  # noqa: ASYNC110 (a list has no event)
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await reader.stop()
    assert [row[2] for one in inputs for row in one.reads] == TAGS
    assert len(inputs) < len(TAGS) * 2 / 3


async def test_a_breath_ends_with_reading_also_when_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The goodbye after a cancellation can be read."""
    monkeypatch.setattr(driver, "BREATH", 60.0)
    transport = Transport()
    breathing = asyncio.create_task(driver._breathe(transport))
    await asyncio.sleep(0)
    breathing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await breathing
    assert transport.done == ["pause", "resume"]


async def test_a_stream_that_paused_by_itself_is_left_alone() -> None:
    """What is full stays paused: resuming it here would let a stalled house hoard without bound."""
    transport = Transport(reading=False)
    await driver._breathe(transport)
    assert transport.done == []


def test_only_many_tags_in_a_short_time_are_fast() -> None:
    """64 tags within 64 breaths are; as many in a second are not; and what was fast becomes slow again."""
    pace = driver._Pace()
    start = 1_000_000_000
    assert not pace.fast(driver.CROWD, start)
    assert pace.fast(2 * driver.CROWD, start + 60_000)
    assert pace.fast(2 * driver.CROWD + 1, start + 900_000)
    assert not pace.fast(3 * driver.CROWD, start + 1_000_000)
