"""The driver in charge of a portal: triggers, powers, filters, antennas and eyes, on the simulator and on llrpkit's."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from llrpkit.emulator import EmulatedTag, LLRPEmulator
from structlog.testing import capture_logs

from gateway.errors import DeviceError
from gateway.model.inputs import Device, Gpi, Input, Reads
from gateway.readers.llrp.coverage import TAGS
from gateway.readers.llrp.driver import LlrpReader
from gateway.readers.llrp.settings import (
    VERSION_1_1,
    Filter,
    GpiTrigger,
    PeriodTrigger,
    QuietTrigger,
    ReaderSettings,
)
from simulators.llrp import Reader

PALLET = "3034257BF7194E4000001A85"
MS = 1_000


class Client:
    """A driver under test and what it submitted."""

    def __init__(self, port: int, past: bytes = b"", **settings: object) -> None:
        self.inputs: list[Input] = []
        self.kept: list[bytes] = []
        self.driver = LlrpReader(
            ReaderSettings("dock-1", "127.0.0.1", port, **settings),  # type: ignore[arg-type]
            self._submit,
            past=past,
            keep=self.kept.append,
        )

    async def _submit(self, item: Input) -> None:
        self.inputs.append(item)

    def reads(self) -> int:
        """How many reads came."""
        return sum(len(item.reads) for item in self.inputs if isinstance(item, Reads))

    def up(self) -> bool:
        """Whether the reader was said to be up."""
        return any(isinstance(item, Device) and item.device == "dock-1" for item in self.inputs)

    def devices(self) -> list[tuple[str, str]]:
        """Device and state of each change."""
        return [(item.device, item.state) for item in self.inputs if isinstance(item, Device)]

    async def until(self, condition: Callable[[], bool], seconds: float = 5.0) -> None:
        """Wait for a condition."""
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - what is awaited are plain lists and counters
                await asyncio.sleep(0.005)


@asynccontextmanager
async def running(client: Client) -> AsyncIterator["asyncio.Task[None]"]:
    """Run the driver until it is up; stop it politely at the end."""
    task = asyncio.create_task(client.driver.run())
    try:
        await client.until(client.up)
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, DeviceError):
            await task


@asynccontextmanager
async def simulated() -> AsyncIterator[tuple[Reader, int]]:
    """A simulated reader on a port of its own."""
    reader = Reader("sim")
    port = await reader.start()
    try:
        yield reader, port
    finally:
        await reader.stop()


async def test_an_eye_starts_and_stops_the_reader() -> None:
    """A GPI trigger reads only while the eye is blocked, passage after passage, and ends never look like faults."""
    async with simulated() as (reader, port):
        client = Client(port, gpi=(1,), trigger=GpiTrigger(1, timeout=5_000 * MS))
        async with running(client) as task:
            for passage in range(1, 4):
                assert not reader.active
                assert not reader.see(PALLET, 1)
                reader.gpi(1, True)
                assert reader.active
                assert reader.see(PALLET, 1)
                reader.gpi(1, False)
                await client.until(lambda n=passage: client.reads() == n)  # type: ignore[misc]
            assert not task.done()
        edges = [item.level for item in client.inputs if isinstance(item, Gpi)]
        assert edges == [False, *(True, False) * 3]


async def test_a_stuck_eye_times_out() -> None:
    """The time-out of the trigger ends reading while the eye stays blocked; the next edge begins anew."""
    async with simulated() as (reader, port):
        client = Client(port, trigger=GpiTrigger(1, timeout=100 * MS))
        async with running(client):
            reader.gpi(1, True)
            await client.until(lambda: not reader.active)
            reader.gpi(1, False)
            reader.gpi(1, True)
            assert reader.active


async def test_reading_ends_when_no_new_tag_comes() -> None:
    """With `quiet` the reader reads on after the eye is clear, until no new tag came for so long."""
    async with simulated() as (reader, port):
        client = Client(port, trigger=GpiTrigger(1, quiet=150 * MS))
        async with running(client):
            reader.gpi(1, True)
            reader.gpi(1, False)
            assert reader.active
            assert reader.see(PALLET, 1)
            await client.until(lambda: not reader.active)
            assert client.reads() == 1


async def test_an_eye_blocked_before_we_came() -> None:
    """The edge was while nobody was there: the level asked for at connect starts the reader, and blocks the eye."""
    async with simulated() as (reader, port):
        reader.gpi(1, True)
        client = Client(port, gpi=(1, 2), trigger=GpiTrigger(1, timeout=5_000 * MS))
        async with running(client):
            await client.until(lambda: reader.active)
        levels = {item.port: item.level for item in client.inputs if isinstance(item, Gpi)}
        assert levels == {1: True, 2: False}


async def test_rounds_and_periods() -> None:
    """Rounds follow each other for as long as we are there; a period is kept by the reader."""
    async with simulated() as (reader, port):
        client = Client(port, trigger=QuietTrigger(60 * MS))
        async with running(client) as task:
            await client.until(lambda: reader.requests["START_ROSPEC"] >= 3)
            assert not task.done()
    async with simulated() as (reader, port):
        client = Client(port, trigger=PeriodTrigger(200 * MS, 60 * MS))
        async with running(client) as task:
            for _ in range(2):
                await client.until(lambda: reader.active)
                await client.until(lambda: not reader.active)
            assert not task.done()
            assert "START_ROSPEC" not in reader.requests


async def test_a_rospec_that_somebody_stopped_is_started_again() -> None:
    """Our ROSpec, stopped behind our back, reads again within half a second."""
    async with simulated() as (reader, port):
        client = Client(port)
        async with running(client):
            (ours,) = reader.rospecs.values()
            ours.stop()
            assert not reader.active
            await client.until(lambda: reader.active, 2.0)
            assert client.driver.session is not None
            assert client.driver.session.upkeep.ended == 1


async def test_a_reconnect_with_held_events_starts_once() -> None:
    """Events that were held while we were away do not start anything twice."""
    async with simulated() as (reader, port):
        for connection in (1, 2):
            client = Client(port)
            async with running(client):
                assert reader.active
                await asyncio.sleep(0.3)
                assert reader.requests["START_ROSPEC"] == connection
                if connection == 1:
                    reader.drop()
                    await asyncio.sleep(0.05)


async def test_antennas_are_devices() -> None:
    """Each configured antenna is known when connected, and a torn cable is a fault until it is mended."""
    async with simulated() as (reader, port):
        reader.plug(2, False)
        client = Client(port, antennas=(1, 2))
        async with running(client):
            assert set(client.devices()) == {
                ("dock-1/antenna-1", "up"),
                ("dock-1/antenna-2", "fault"),
                ("dock-1", "up"),
            }
            reader.plug(2, True)
            reader.plug(1, False)
            await client.until(lambda: len(client.devices()) == 5)
        assert client.devices()[3:] == [("dock-1/antenna-2", "up"), ("dock-1/antenna-1", "fault")]
        async with running(client):
            await client.until(lambda: len(client.devices()) > 5)
        assert client.devices()[5:] == [("dock-1", "up")]


async def test_a_clock_that_is_set_is_a_fault_of_the_reader() -> None:
    """An hour ahead from one read to the next: told as a device of its own, counted, and followed."""
    async with simulated() as (reader, port):
        client = Client(port, antennas=(1,))
        async with running(client):
            reader.see(PALLET, 1)
            await client.until(lambda: client.reads() == 1)
            reader.sins.wrong_clock = 3600
            for number in range(2, 5):
                reader.see(PALLET, 1)
                await client.until(lambda n=number: client.reads() == n)
            assert client.driver.counts() == {
                "rejected": 0, "unexpected": 0, "overflows": 0, "exceptions": 0, "jumps": 1, "untimely": 1
            }  # fmt: skip
        (fault,) = (item for item in client.inputs if isinstance(item, Device) and item.device == "dock-1/clock")
        assert fault.state == "fault"
        assert "its clock was set forward by 1 h: give the reader NTP" in fault.detail
        ats = [row[0] for item in client.inputs if isinstance(item, Reads) for row in item.reads]
        assert ats == sorted(ats)
        assert ats[-1] - ats[0] < 60 * 1000 * MS
        assert client.driver.counts()["jumps"] == 1  # the connection is over, the count stays


async def test_powers_and_filters_reach_the_reader() -> None:
    """The simulator takes powers by antenna and filters, and the log says which power was set."""
    settings = {"antennas": (1, 2), "power_dbm": 29.6, "powers": ((2, 20.0),), "mode": "dense", "session": 2}
    async with simulated() as (reader, port):
        client = Client(port, **settings, filters=(Filter(1, 32, b"\x30", 8),))
        with capture_logs() as logs:
            async with running(client):
                assert reader.active
        detail = next(str(line["detail"]) for line in logs if line["event"] == "reader is reading")
        assert "antenna 1 at 29.5 dBm (wanted 29.6); antenna 2 at 20 dBm; mode dense is 3" in detail
        assert reader.requests["ADD_ROSPEC"] == 1


async def test_many_tags_per_report_do_not_wait_for_ever() -> None:
    """Half a report's tags come when `report_period` is over."""
    async with simulated() as (reader, port):
        client = Client(port, report_every=100, report_period=100 * MS)
        async with running(client):
            reader.see(PALLET, 1)
            await client.until(lambda: client.reads() == 1, 2.0)


async def pallets(reader: Reader, client: Client, windows: int, shares: dict[int, float]) -> None:
    """So many windows of tags that were never seen, each antenna seeing its share of them."""
    for number in range(windows * TAGS):
        for antenna, share in shares.items():
            if number % 100 < share * 100:
                reader.see(f"{number:024X}", antenna)
    await client.until(lambda: client.reads() == reader.seen)


async def test_an_antenna_is_judged_by_its_history_after_a_restart() -> None:
    """The driver gives the history away when its connection ends, and the next life goes on from it."""
    async with simulated() as (reader, port):
        wanted = {"antennas": (1, 2), "portals": ((1, 2),)}
        first = Client(port, **wanted)
        async with running(first):
            await pallets(reader, first, 8, {1: 1.0, 2: 0.9})
        assert ("dock-1/antenna-2", "fault") not in first.devices()
        second = Client(port, past=first.kept[-1], **wanted)
        async with running(second):
            for _ in range(4 * TAGS):
                reader.see(f"{reader.seen:024X}", 1)
            await second.until(lambda: ("dock-1/antenna-2", "fault") in second.devices())
        third = Client(port, past=second.kept[-1], **wanted)
        async with running(third):
            await third.until(lambda: ("dock-1/antenna-2", "fault") in third.devices())
        with capture_logs() as logs:
            fourth = Client(port, past=b"{torn", **wanted)
        assert [line["log_level"] for line in logs] == ["warning"]
        assert fourth.driver.health.forgotten == 1
        async with running(fourth):
            assert ("dock-1/antenna-2", "up") in fourth.devices()


async def test_a_reader_of_1_1_is_spoken_to_in_1_1() -> None:
    """A strict reader, which refuses any other version once 1.1 is agreed on: reports in time by its own clock."""
    reader = Reader("sim", versions=(1, 2))
    port = await reader.start()
    try:
        client = Client(port, version=VERSION_1_1, report_every=100, report_period=50 * MS, keepalive=100 * MS)
        async with running(client):
            assert reader.version == VERSION_1_1
            reader.see(PALLET, 1)
            await client.until(lambda: client.reads() == 1, 5.0)
            await client.driver.light({1: True})
            await client.until(lambda: reader.keepalive_acks > 1)
            assert client.driver.session is not None
            assert client.driver.session.rejected == client.driver.session.unexpected == 0
        assert "GET_REPORT" not in reader.requests
        assert reader.requests["CLOSE_CONNECTION"] == 1
    finally:
        await reader.stop()


async def test_a_reader_of_1_0_1_is_asked_for_1_1_in_vain() -> None:
    """It answers ERROR_MESSAGE, is read all the same, and is asked for its reports in time."""
    async with simulated() as (reader, port):
        client = Client(port, version=VERSION_1_1, report_every=100, report_period=50 * MS)
        async with running(client):
            reader.see(PALLET, 1)
            await client.until(lambda: client.reads() == 1, 5.0)
        assert reader.requests["GET_REPORT"] >= 1


async def test_llrpkit_is_triggered_by_its_input() -> None:
    """A reader this project did not write: GPI start and stop, antenna events, an unknown GET_READER_CONFIG section."""
    tag = EmulatedTag(bytes.fromhex(PALLET), antennas=(1,), rssi_dbm=-50.0)
    async with LLRPEmulator(tags=[tag], reads_per_sec=400) as reader:
        client = Client(reader.port, antennas=(1, 2), gpi=(1,), trigger=GpiTrigger(1, timeout=5_000 * MS))
        async with running(client) as task:
            await asyncio.sleep(0.05)
            assert client.reads() == 0
            await reader.set_gpi(1, True)
            await client.until(lambda: client.reads() > 3)
            await reader.set_gpi(1, False)
            await reader.set_antenna_connected(2, False)
            await client.until(lambda: ("dock-1/antenna-2", "fault") in client.devices())
            seen = client.reads()
            await asyncio.sleep(0.05)
            assert client.reads() == seen
            assert not task.done()


async def test_llrpkit_takes_powers_modes_and_filters() -> None:
    """Everything a portal may configure is accepted at the first attempt."""
    tag = EmulatedTag(bytes.fromhex(PALLET), antennas=(1,), rssi_dbm=-50.0)
    async with LLRPEmulator(tags=[tag], reads_per_sec=400) as reader:
        wanted = {"antennas": (1, 2), "powers": ((1, 25.0),), "mode": "MaxThroughput", "session": 2}
        client = Client(reader.port, **wanted, filters=(Filter(1, 32, b"\x30", 8),), report_every=10)
        with capture_logs() as logs:
            async with running(client):
                await client.until(lambda: client.reads() > 3)
        (warning,) = [line["text"] for line in logs if line["log_level"] == "warning"]
        assert warning.startswith("ENABLE_EVENTS_AND_REPORTS refused")  # it refuses that always
