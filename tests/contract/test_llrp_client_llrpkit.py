"""The driver against llrpkit's emulator: a reader this project did not write.

It refuses DELETE_ROSPEC of what it does not have, answers ERROR_MESSAGE to ENABLE_EVENTS_AND_REPORTS, and reads only
after START_ROSPEC.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from llrpkit.emulator import EmulatedTag, LLRPEmulator
from llrpkit.protocol import messages

from gateway.errors import DeviceError, RefusedError
from gateway.model.inputs import Device, Gpi, Input, Reads
from gateway.readers.llrp.driver import LlrpReader
from gateway.readers.llrp.settings import ReaderSettings

PALLET = EmulatedTag(bytes.fromhex("3034257bf7194e4000001a85"), antennas=(1,), rssi_dbm=-50.0)
CRATE = EmulatedTag(bytes.fromhex("e2001700000000000000000000001234"), antennas=(2,), rssi_dbm=-60.0)


class Client:
    """A driver under test and what it submitted."""

    def __init__(self, port: int, **settings: object) -> None:
        self.inputs: list[Input] = []
        self.wire: list[tuple[str, bytes]] = []
        wanted = ReaderSettings("dock-1", "127.0.0.1", port, **settings)  # type: ignore[arg-type]
        self.driver = LlrpReader(wanted, self._submit, tap=lambda way, data: self.wire.append((way, data)))

    async def _submit(self, item: Input) -> None:
        self.inputs.append(item)

    def rows(self) -> list[tuple[object, ...]]:
        """All reads so far."""
        return [row for item in self.inputs if isinstance(item, Reads) for row in item.reads]

    async def until(self, condition: Callable[[], bool], seconds: float = 5.0) -> None:
        """Wait for a condition."""
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - what is awaited are plain lists and counters
                await asyncio.sleep(0.005)


@asynccontextmanager
async def running(client: Client) -> AsyncIterator["asyncio.Task[None]"]:
    """Run the driver; stop it politely at the end."""
    task = asyncio.create_task(client.driver.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, DeviceError):
            await task


async def test_tags_are_read() -> None:
    """Both tags arrive with antenna, time, RSSI in hundredths, phase and their whole EPC."""
    async with LLRPEmulator(tags=[PALLET, CRATE], reads_per_sec=400) as reader:
        client = Client(reader.port)
        async with running(client):
            await client.until(lambda: len({row[2] for row in client.rows()}) == 2 and len(client.rows()) > 20)
    up = client.inputs[0]
    assert isinstance(up, Device)
    assert (up.device, up.state) == ("dock-1", "up")
    assert "manufacturer 25882" in up.detail
    for at, antenna, epc, rssi, channel, phase, count in client.rows():
        tag = {1: PALLET, 2: CRATE}[antenna]  # type: ignore[index]
        assert epc == tag.epc.hex().upper()
        assert abs(at - time.time_ns() // 1000) < 10_000_000  # type: ignore[operator]
        assert -90 < rssi < -20  # type: ignore[operator]
        assert isinstance(rssi, float)
        assert 1 <= channel <= 50  # type: ignore[operator]
        assert 0 <= phase < 4096  # type: ignore[operator]
        assert count == 1


@pytest.mark.parametrize("extensions", [False, True])
async def test_antennas_power_and_air_settings_are_obeyed(extensions: bool) -> None:
    """Only the configured antenna reads, with or without vendor extensions, and everything else is accepted."""
    async with LLRPEmulator(tags=[PALLET, CRATE], reads_per_sec=400) as reader:
        settings = {"antennas": (2,), "power_dbm": 29.6, "session": 2, "mode": 1002, "tag_population": 60}
        client = Client(reader.port, extensions=extensions, takeover=True, report_every=5, **settings)
        async with running(client):
            await client.until(lambda: len(client.rows()) > 10)
    assert {row[1] for row in client.rows()} == {2}
    assert {row[5] is None for row in client.rows()} == {not extensions}


async def test_gpi_edges_arrive() -> None:
    """The levels are told when connected, then both edges of an eye arrive as inputs with a corrected time."""
    async with LLRPEmulator(tags=[]) as reader:
        await reader.set_gpi(1, True)
        client = Client(reader.port, gpi=(1, 2))
        async with running(client):
            await client.until(lambda: len(client.inputs) == 3)
            await reader.set_gpi(2, True)
            await reader.set_gpi(2, False)
            await client.until(lambda: len(client.inputs) == 5)
    assert [(e.port, e.level) for e in client.inputs[:3] if isinstance(e, Gpi)] == [(1, True), (2, False)]
    edges = client.inputs[3:]
    assert [(e.reader, e.port, e.level) for e in edges if isinstance(e, Gpi)] == [
        ("dock-1", 2, True),
        ("dock-1", 2, False),
    ]
    assert all(isinstance(e, Gpi) and e.at and abs(e.at - time.time_ns() // 1000) < 10_000_000 for e in edges)


async def test_outputs_are_set_and_refusals_raised() -> None:
    """A light command returns when the reader has it; a port that does not exist is RefusedError."""
    async with LLRPEmulator(tags=[PALLET], reads_per_sec=200) as reader:
        client = Client(reader.port)
        async with running(client):
            await client.until(lambda: bool(client.inputs))
            await client.driver.light({1: True, 3: True})
            assert reader._gpo_states == {1: True, 2: False, 3: True, 4: False}
            await client.driver.set_gpo(1, False)
            assert reader._gpo_states[1] is False
            with pytest.raises(RefusedError, match="no GPO port 9"):
                await client.driver.set_gpo(9, True)
    with pytest.raises(DeviceError, match="not connected"):
        await client.driver.set_gpo(1, True)


async def test_a_swallowed_command_is_an_error_in_time() -> None:
    """A reader that never answers a light command costs its caller the time to answer, and not the link."""
    async with LLRPEmulator(tags=[PALLET], reads_per_sec=200) as reader:
        client = Client(reader.port, answer=200_000)
        async with running(client) as task:
            await client.until(lambda: bool(client.inputs))
            reader.drop_next(messages.SET_READER_CONFIG)
            with pytest.raises(DeviceError, match=r"not answered within 0\.2 s") as caught:
                await client.driver.set_gpo(1, True)
            assert not isinstance(caught.value, RefusedError)
            await client.driver.set_gpo(1, True)
            assert not task.done()


async def test_keepalives_hold_a_quiet_link() -> None:
    """With no tag in sight keepalives are acknowledged and the link stays up past the watchdog's patience."""
    async with LLRPEmulator(tags=[]) as reader:
        client = Client(reader.port, keepalive=50_000)
        async with running(client) as task:
            await client.until(lambda: reader.keepalive_acks >= 6)
            assert not task.done()


async def test_a_second_client_is_told_who_to_ask() -> None:
    """While one client reads, another is refused with advice; the first goes on."""
    async with LLRPEmulator(tags=[PALLET]) as reader:
        first, second = Client(reader.port), Client(reader.port)
        async with running(first) as task:
            await first.until(lambda: bool(first.inputs))
            with pytest.raises(RefusedError, match="another client holds"):
                await second.driver.run()
            assert not task.done()


async def test_a_swallowed_request_is_an_error_in_time() -> None:
    """A reader that never answers ADD_ROSPEC is given up after the time to answer."""
    async with LLRPEmulator(tags=[PALLET]) as reader:
        reader.drop_next(messages.ADD_ROSPEC)
        with pytest.raises(DeviceError, match=r"ADD_ROSPEC \(add\) was not answered within 0\.2 s"):
            await Client(reader.port, answer=200_000).driver.run()


async def test_goodbye_frees_the_reader() -> None:
    """Stopping says CLOSE_CONNECTION, so that the next client is let in at once."""
    async with LLRPEmulator(tags=[PALLET]) as reader:
        for _ in range(3):
            client = Client(reader.port)
            async with running(client):
                await client.until(lambda c=client: bool(c.rows()))  # type: ignore[misc]
            sent = b"".join(data for way, data in client.wire if way == "out")
            assert sent[-10:-4] == bytes.fromhex("040e 0000000a")
