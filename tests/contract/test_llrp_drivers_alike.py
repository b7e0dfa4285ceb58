"""What every LLRP driver must do, whoever wrote its protocol: ours and sllurp's, at two readers by different hands."""

import asyncio
import builtins
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from llrpkit.emulator import EmulatedTag, LLRPEmulator
from structlog.testing import capture_logs

from gateway.app import devices
from gateway.config import parse
from gateway.errors import DeviceError, RefusedError
from gateway.model.inputs import COLUMNS, Device, Gpi, Input, Reads
from gateway.readers.llrp.driver import LlrpReader
from gateway.readers.llrp.settings import GpiTrigger, ReaderSettings
from gateway.readers.sllurp_driver import SllurpReader, beyond
from gateway.supervisor import keep
from simulators.llrp import Reader
from simulators.llrp.profiles import PROFILES
from simulators.llrp.wire import Parameter

EPC = "3034257BF7194E4000001A85"
DRIVERS = {"llrp": LlrpReader, "sllurp": SllurpReader}


class Simulated:
    """Our simulator: the tag is seen when we say so."""

    async def start(self) -> int:
        self.reader = Reader("dock-1")
        self.reader.clock_error_us = -3_600_000_000
        return await self.reader.start()

    async def stop(self) -> None:
        await self.reader.stop()

    async def see(self) -> None:
        self.reader.see(EPC, 2, rssi=-57, channel=9, count=3)

    async def edge(self) -> None:
        self.reader.gpi(1, True)

    def acks(self) -> int:
        return self.reader.keepalive_acks

    def cut(self) -> None:
        self.reader.sins.cut_mid_message = 20


class Llrpkit:
    """llrpkit's emulator: reads all the time, refuses what it does not know."""

    async def start(self) -> int:
        tag = EmulatedTag(bytes.fromhex(EPC), antennas=(2,), rssi_dbm=-57.0)
        self.reader = LLRPEmulator(tags=[tag], reads_per_sec=100)
        await self.reader.__aenter__()
        port: int = self.reader.port
        return port

    async def stop(self) -> None:
        await self.reader.__aexit__(None, None, None)

    async def see(self) -> None:
        pass

    async def edge(self) -> None:
        await self.reader.set_gpi(1, True)

    def acks(self) -> int:
        acks: int = self.reader.keepalive_acks
        return acks


class Bench:
    """One driver at one reader, and what it submitted."""

    def __init__(self, reader: Any, port: int, driver: Any, **settings: Any) -> None:
        self.reader, self.inputs = reader, list[Input]()
        wanted = {"antennas": (1, 2), "gpi": (1,), "keepalive": 100_000} | settings
        self.driver = driver(ReaderSettings("dock-1", "127.0.0.1", port, **wanted), self._submit)

    async def _submit(self, item: Input) -> None:
        self.inputs.append(item)

    def rows(self) -> list[tuple[Any, ...]]:
        """All reads so far."""
        return [row for item in self.inputs if isinstance(item, Reads) for row in item.reads]

    def ups(self) -> int:
        """How often it was up."""
        return sum(isinstance(item, Device) and (item.device, item.state) == ("dock-1", "up") for item in self.inputs)

    async def until(self, condition: Callable[[], Any], seconds: float = 10.0) -> None:
        """Wait for a condition."""
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - what is awaited are plain lists and counters
                await asyncio.sleep(0.005)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["asyncio.Task[None]"]:
        """Run the driver; stop it politely at the end."""
        task = asyncio.create_task(self.driver.run())
        try:
            yield task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, DeviceError):
                await task


@pytest.fixture(params=[Simulated, Llrpkit], ids=["simulator", "llrpkit"])
async def served(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Any, int]]:
    """A reader and its port."""
    reader = request.param()
    port = await reader.start()
    try:
        yield reader, port
    finally:
        await reader.stop()


@pytest.fixture
async def simulated() -> AsyncIterator[tuple[Simulated, int]]:
    """Our simulator, whose sins can be switched."""
    reader = Simulated()
    port = await reader.start()
    try:
        yield reader, port
    finally:
        await reader.stop()


@pytest.mark.parametrize("kind", DRIVERS)
async def test_reads_come_with_antenna_signal_and_time(kind: str, served: tuple[Any, int]) -> None:
    """Up first; then reads as COLUMNS with the EPC in upper case, dBm, and gateway time whatever the reader's clock."""
    bench = Bench(*served, DRIVERS[kind])
    async with bench.running():
        await bench.until(bench.ups)
        await bench.reader.see()
        await bench.until(bench.rows)
    row = dict(zip(COLUMNS, bench.rows()[0], strict=True))
    kinds = [type(item) for item in bench.inputs if not isinstance(item, Gpi)]  # levels may be told at any time
    assert kinds.index(Device) < kinds.index(Reads)
    assert (row["antenna"], row["epc"]) == (2, EPC)
    assert -75 < row["rssi"] < -40
    assert row["channel"] >= 1
    assert row["count"] >= 1
    assert abs(row["at"] - time.time_ns() // 1000) < 5_000_000


@pytest.mark.parametrize("kind", DRIVERS)
async def test_keepalives_and_edges(kind: str, served: tuple[Any, int]) -> None:
    """Keepalives are acknowledged past the watchdog's patience, and an edge of an input arrives with gateway time."""
    bench = Bench(*served, DRIVERS[kind])
    async with bench.running() as task:
        await bench.until(lambda: bench.ups() and bench.reader.acks() >= 4)
        await bench.reader.edge()
        await bench.until(lambda: any(isinstance(item, Gpi) and item.level for item in bench.inputs))
        assert not task.done()
    (edge,) = (item for item in bench.inputs if isinstance(item, Gpi) and item.level)
    assert (edge.reader, edge.port, edge.level) == ("dock-1", 1, True)
    assert edge.at is not None
    assert abs(edge.at - time.time_ns() // 1000) < 5_000_000


@pytest.mark.parametrize("kind", DRIVERS)
async def test_run_again_after_a_goodbye(kind: str, served: tuple[Any, int]) -> None:
    """A stopped driver leaves the reader free, and the same driver reads again when it is run again."""
    bench = Bench(*served, DRIVERS[kind])
    for run in (1, 2, 3):
        before = len(bench.rows())
        async with bench.running():
            await bench.until(lambda run=run: bench.ups() == run)  # type: ignore[misc]
            await bench.reader.see()
            await bench.until(lambda before=before: len(bench.rows()) > before)  # type: ignore[misc]


@pytest.mark.parametrize("kind", DRIVERS)
async def test_cut_in_the_middle_of_a_report(kind: str, simulated: tuple[Simulated, int]) -> None:
    """Defect D1: cut in the middle of a report, by RST; DeviceError, and the next run reads (no byte is left over)."""
    bench = Bench(*simulated, DRIVERS[kind])
    for _ in range(2):
        bench.reader.cut()
        ups = bench.ups()
        task = asyncio.create_task(bench.driver.run())
        await bench.until(lambda ups=ups: bench.ups() > ups)  # type: ignore[misc]
        await bench.reader.see()
        with pytest.raises(DeviceError):
            await task
    async with bench.running():
        await bench.until(lambda: bench.ups() == 3)
        await bench.reader.see()
        await bench.until(bench.rows)


@pytest.mark.parametrize("kind", DRIVERS)
@pytest.mark.parametrize("profile", PROFILES)
async def test_every_profile_is_read_with_everything_set(profile: str, kind: str) -> None:
    """Each make takes power, mode, session, population, antennas and inputs at the first attempt, and tags come."""
    reader = Reader("sim", profile=profile)
    port = await reader.start()
    try:
        last, mode = reader.profile.antennas, reader.profile.modes[-1].identifier
        wanted = {"power_dbm": reader.profile.powers[-1] / 100, "mode": mode, "session": 2, "tag_population": 60}
        bench = Bench(reader, port, DRIVERS[kind], antennas=(1, last), **wanted)
        async with bench.running():
            await bench.until(lambda: bench.ups() == 1 and reader.active)
            assert reader.see(EPC, last, rssi=-57.25, channel=2)
            await bench.until(bench.rows)
            assert (reader.requests["ADD_ROSPEC"], reader.requests["ENABLE_ROSPEC"]) == (1, 1)
        ((_, antenna, epc, rssi, *_),) = bench.rows()
        assert (antenna, epc) == (last, EPC)
        assert abs(rssi - -57.25) <= (0.01 if (profile, kind) == ("impinj", "llrp") else 1)
        assert bench.driver.counts()["rejected"] == 0
    finally:
        await reader.stop()


@pytest.mark.parametrize("nth", range(1, 13))
async def test_whichever_request_is_refused_it_is_lived_with_or_said(
    nth: int, simulated: tuple[Simulated, int]
) -> None:
    """The first to the twelfth request of a connection refused: it is read without it, or it says what was refused."""
    reader, port = simulated
    reader.reader.sins.refuse_nth = nth
    bench = Bench(reader, port, LlrpReader, power_dbm=25.0, session=2, takeover=True, keepalive=5_000_000)
    task = asyncio.create_task(bench.driver.run())
    await bench.until(lambda: bench.ups() or task.done())
    essential = {1: "GET_READER_CAPABILITIES", 9: "ENABLE_ROSPEC", 10: "START_ROSPEC"}
    if nth in essential:
        with pytest.raises(RefusedError, match=f"dock-1: {essential[nth]} refused: M_FieldError"):
            await task
        reader.reader.sins.refuse_nth = 0
        task = asyncio.create_task(bench.driver.run())
    await bench.until(lambda: bench.ups() == 1 and reader.reader.active)
    await reader.see()
    await bench.until(bench.rows)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("kind", DRIVERS)
async def test_a_length_that_cannot_be_true_is_said_once(kind: str, simulated: tuple[Simulated, int]) -> None:
    """The stream is lost: closed and opened anew, every time, but the log has one line of it; then tags come again."""
    reader, port = simulated
    bench = Bench(reader, port, DRIVERS[kind])
    states: list[tuple[str, str]] = []

    async def report(device: str, state: str, detail: str) -> None:
        states.append((state, detail))

    with capture_logs() as logs:
        task = asyncio.create_task(keep(bench.driver, report, longest=0.25))
        for run in range(1, 4):
            await bench.until(lambda n=run: bench.ups() == n and reader.reader.active)  # type: ignore[misc]
            reader.reader.sins.wrong_length = 5_000_000
            await reader.see()
            await bench.until(lambda n=run: len(states) == n)  # type: ignore[misc]
        await bench.until(lambda: bench.ups() == 4 and reader.reader.active)
        await reader.see()
        await bench.until(bench.rows)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert {state for state, _ in states} == {"down"}
    assert all("claims 5000" in detail for _, detail in states)
    assert len([line for line in logs if line["event"] == "device down"]) == 1


async def test_what_was_read_while_nobody_listened_comes_later_in_its_own_time(
    simulated: tuple[Simulated, int],
) -> None:
    """HoldEventsAndReportsUponReconnect: the reader keeps what it reads during a cut until we are set up again."""
    reader, port = simulated
    bench = Bench(reader, port, LlrpReader)
    with suppress(DeviceError):
        async with bench.running():
            await bench.until(lambda: bench.ups() == 1 and reader.reader.active)
            reader.reader.drop()
            await bench.until(lambda: not reader.reader.connected)
    seen = time.time_ns() // 1000
    await reader.see()
    await asyncio.sleep(0.3)
    async with bench.running():
        await bench.until(bench.rows)
        assert bench.ups() == 2
    (row,) = bench.rows()
    assert abs(row[0] - seen) < 250_000


@pytest.mark.parametrize("kind", DRIVERS)
async def test_a_silent_reader_is_down(kind: str, simulated: tuple[Simulated, int]) -> None:
    """Defect D3: two and a half keepalives of silence are a DeviceError."""
    bench = Bench(*simulated, DRIVERS[kind])
    task = asyncio.create_task(bench.driver.run())
    await bench.until(bench.ups)
    bench.reader.reader.sins.silent = True
    with pytest.raises(DeviceError, match="silent for"):
        async with asyncio.timeout(5):
            await task


@pytest.mark.parametrize("kind", DRIVERS)
async def test_a_refused_rospec_is_a_refused_error_and_can_be_tried_again(
    kind: str, simulated: tuple[Simulated, int]
) -> None:
    """Defect D5: ADD_ROSPEC refused is RefusedError; the next run reads when it is not refused any more."""
    bench = Bench(*simulated, DRIVERS[kind])
    bench.reader.reader.sins.refuse["ADD_ROSPEC"] = 101
    with pytest.raises(RefusedError, match=r"dock-1: .*refused"):
        await bench.driver.run()
    assert bench.ups() == 0
    bench.reader.reader.sins.refuse.clear()
    async with bench.running():
        await bench.until(bench.ups)


@pytest.mark.parametrize("kind", DRIVERS)
async def test_refusals_that_can_be_lived_with(kind: str, simulated: tuple[Simulated, int]) -> None:
    """Defects D4 and D6: DELETE_ROSPEC and ENABLE_EVENTS_AND_REPORTS refused; it reads all the same."""
    bench = Bench(*simulated, DRIVERS[kind])
    bench.reader.reader.sins.refuse["DELETE_ROSPEC"] = 101
    bench.reader.reader.sins.unsupported.add("ENABLE_EVENTS_AND_REPORTS")
    async with bench.running():
        await bench.until(bench.ups)
        await bench.reader.see()
        await bench.until(bench.rows)


@pytest.mark.parametrize("kind", DRIVERS)
async def test_a_second_client_is_refused(kind: str, simulated: tuple[Simulated, int]) -> None:
    """A reader that has a client is RefusedError, with who to ask; the first client goes on."""
    first, second = Bench(*simulated, DRIVERS[kind]), Bench(*simulated, DRIVERS[kind])
    async with first.running() as task:
        await first.until(first.ups)
        with pytest.raises(RefusedError, match="ask whoever else uses"):
            await second.driver.run()
        assert not task.done()


@pytest.mark.parametrize("kind", DRIVERS)
async def test_nobody_there(kind: str) -> None:
    """Nobody listening is a DeviceError with the address."""
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(DeviceError, match=f"dock-1: no connection to 127.0.0.1:{port}"):
        await Bench(None, port, DRIVERS[kind]).driver.run()


async def test_sllurp_is_told_power_mode_and_session(simulated: tuple[Simulated, int]) -> None:
    """Power per antenna, mode by number, session and population reach the reader by way of sllurp too."""
    wanted = {"power_dbm": 20.1, "powers": ((2, 25.0),), "mode": 3, "session": 1, "tag_population": 77}
    bench = Bench(*simulated, SllurpReader, **wanted)
    async with bench.running():
        await bench.until(bench.ups)
        assert bench.reader.reader.active
    assert list(beyond(bench.driver.settings)) == []


async def test_what_sllurp_cannot_is_said() -> None:
    """Outputs are DeviceErrors; a trigger, a mode by name and a report period are named."""
    settings = ReaderSettings("dock-1", "127.0.0.1", trigger=GpiTrigger(1), mode="dense", report_period=1)

    async def submit(item: Input) -> None:
        raise AssertionError(item)

    driver = SllurpReader(settings, submit)
    with pytest.raises(DeviceError, match="cannot set outputs"):
        await driver.light({1: True})
    with pytest.raises(DeviceError, match="cannot set outputs"):
        await driver.set_gpo(1, True)
    assert len(list(beyond(settings))) == 3


@pytest.mark.parametrize("kind", DRIVERS)
async def test_a_legal_event_that_sllurp_cannot_decode(kind: str, simulated: tuple[Simulated, int]) -> None:
    """Defect D2: an AISpecEvent with singulation details ends nobody; reads go on."""
    bench = Bench(*simulated, DRIVERS[kind])
    async with bench.running() as task:
        await bench.until(bench.ups)
        details = Parameter("C1G2SingulationDetails", {"NumCollisionSlots": 3, "NumEmptySlots": 4})
        event = Parameter("AISpecEvent", {"EventType": 0, "ROSpecID": 1, "SpecIndex": 1}, [details])
        reader = bench.reader.reader
        reader._server.link.say(reader.event(event))
        await bench.reader.see()
        await bench.until(bench.rows)
        assert not task.done()
    if kind == "sllurp":
        assert bench.driver.rejected == 1


async def test_the_configuration_chooses_the_driver() -> None:
    """`kind` makes the driver: ours unless the file says sllurp."""
    text = '[site]\nid = "s"\n[gateway]\nid = "g"\n'
    text += '[[reader]]\nid = "a"\nurl = "llrp://a"\n[[reader]]\nid = "b"\nkind = "sllurp"\nurl = "llrp://b"\n'

    async def submit(item: Input) -> None:
        raise AssertionError(item)

    made = devices.readers(parse(text), submit, lambda: 0)
    assert {name: type(reader) for name, reader in made.items()} == {"a": LlrpReader, "b": SllurpReader}


async def test_sllurp_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the error says what to install, and what to do instead."""
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("sllurp"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DeviceError, match=r'pip install "tallyman\[sllurp\]"'):
        await Bench(None, 1, SllurpReader).driver.run()


async def test_a_busy_house_keeps_sllurps_link(simulated: tuple[Simulated, int]) -> None:
    """While `submit` waits, keepalives are acknowledged unasked; the read arrives in the end."""
    go, taken = asyncio.Event(), list[Input]()

    async def submit(item: Input) -> None:
        if isinstance(item, Reads):
            await go.wait()
        taken.append(item)

    reader, port = simulated
    task = asyncio.create_task(
        SllurpReader(ReaderSettings("dock-1", "127.0.0.1", port, keepalive=50_000), submit).run()
    )
    try:
        async with asyncio.timeout(5):
            while not taken:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await reader.see()
            await asyncio.sleep(0.4)  # more keepalives than the simulator forgives
            assert not task.done()
            go.set()
            while len(taken) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
