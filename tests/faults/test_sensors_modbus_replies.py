"""Modbus replies that are late, short, foreign or missing: never another sensor's number, never a hang.

The slave is written here from the standard, without pymodbus. Register n holds n, so a number tells whose it is.
"""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

import pytest

from gateway.errors import DeviceError
from gateway.model.inputs import Device, Input, Measurement
from gateway.sensors.modbus import ModbusLink, SensorSettings
from gateway.sensors.registers import Field, Profile

SILENCE = None


class Request(NamedTuple):
    connection: int
    number: int
    tid: int
    unit: int
    function: int
    address: int
    count: int


class Reply(NamedTuple):
    pdu: bytes
    delay: float = 0.0
    tid: int | None = None
    to_newest: bool = False  # a serial bridge: the reply goes to whoever is connected when it comes


def registers(
    request: Request, *, function: int | None = None, first: int | None = None, count: int | None = None
) -> bytes:
    """The PDU that answers a register read: register n holds n."""
    first = request.address if first is None else first
    words = range(first, first + (request.count if count is None else count))
    return struct.pack(">BB", function or request.function, 2 * len(words)) + b"".join(
        struct.pack(">H", n) for n in words
    )


def crc(frame: bytes) -> bytes:
    """CRC-16 of Modbus over serial line V1.02 §6.2.2, low byte first."""
    value = 0xFFFF
    for byte in frame:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return struct.pack("<H", value)


class Slave:
    """A Modbus slave whose every reply is the test's."""

    def __init__(self, framing: str, answer: Callable[[Request], Reply | str | None]) -> None:
        self.framing, self.answer = framing, answer
        self.requests: list[Request] = []
        self.overlaps = 0
        self.connections = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            yield f"modbus+{'' if self.framing == 'socket' else 'rtu+'}tcp://127.0.0.1:{port}"
        finally:
            server.close()
            for writer in self._writers:
                writer.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for writer in self._writers:
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = self.connections
        self._writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                if self.framing == "socket":
                    tid, _, _, unit, *rest = struct.unpack(">HHHBBHH", await reader.readexactly(12))
                else:
                    unit, *rest = struct.unpack(">BBHH", (await reader.readexactly(8))[:6])
                    tid = 0
                request = Request(connection, len(self.requests), tid, unit, *rest)
                self.requests.append(request)
                reply = self.answer(request)
                if reply == "hang up":
                    break
                if isinstance(reply, Reply):
                    task = asyncio.create_task(self._reply(request, reply, writer))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
        writer.close()

    async def _reply(self, request: Request, reply: Reply, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(reply.delay)
        if reply.to_newest:
            writer = self._writers[-1]
        if self.framing == "socket":
            tid = request.tid if reply.tid is None else reply.tid
            frame = struct.pack(">HHHB", tid, 0, len(reply.pdu) + 1, request.unit) + reply.pdu
        else:
            frame = bytes([request.unit]) + reply.pdu
            frame += crc(frame)
        with contextlib.suppress(OSError):
            writer.write(frame)


class Sink:
    """Where inputs go, and how to wait for them."""

    def __init__(self) -> None:
        self.inputs: list[Input] = []
        self._news = asyncio.Condition()

    async def submit(self, item: Input) -> None:
        async with self._news:
            self.inputs.append(item)
            self._news.notify_all()

    async def until(self, enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(8), self._news:
            await self._news.wait_for(enough)

    def of(self, sensor: str) -> list[tuple[float | None, str]]:
        return [(m.value, m.quality) for m in self.inputs if isinstance(m, Measurement) and m.sensor == sensor]

    def good(self, sensor: str) -> list[float | None]:
        return [value for value, quality in self.of(sensor) if quality == "good"]

    def states(self, sensor: str) -> list[str]:
        return [d.state for d in self.inputs if isinstance(d, Device) and d.device == sensor]


def sensor(
    name: str, address: int, count: int = 1, unit: int = 1, poll: float = 0.04, timeout: float = 0.1
) -> SensorSettings:
    """A sensor of `count` holding registers from `address`."""
    fields = tuple(Field(name=f"r{n}", address=n) for n in range(address, address + count))
    return SensorSettings(name, unit, Profile(name, fields), int(poll * 1e6), int(timeout * 1e6))


@contextlib.asynccontextmanager
async def polling(url: str, *sensors: SensorSettings) -> AsyncIterator[tuple[ModbusLink, Sink, asyncio.Task[None]]]:
    """A link at work, stopped politely at the end."""
    sink = Sink()
    link = ModbusLink(url, sensors, sink.submit)
    task = asyncio.create_task(link.run())
    try:
        yield link, sink, task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, DeviceError):
            await task


def own(sink: Sink, name: str, address: int, count: int = 1) -> bool:
    """Whether every number of a sensor is its own register's."""
    return all(value in range(address, address + count) for value in sink.good(name))


@pytest.mark.parametrize("framing", ["socket", "rtu"])
async def test_sensors_late_reply_is_never_another_sensors_number(framing: str) -> None:
    """The reply to A comes while B is asked: B and all after it still read their own registers (rules 3 and 4)."""

    def answer(request: Request) -> Reply:
        late = request.address == 200 and request.number % 4 == 0
        return Reply(registers(request), 0.13 if late else 0.0)

    async with (
        Slave(framing, answer).listening() as url,
        polling(url, sensor("a", 200), sensor("b", 300)) as (link, sink, _),
    ):
        await sink.until(lambda: link.timeouts >= 2 and len(sink.good("b")) >= 6 and len(sink.good("a")) >= 2)
        assert own(sink, "a", 200)
        assert own(sink, "b", 300)
        assert (None, "bad") in sink.of("a")
        assert (link.reopens >= 2) == (framing == "rtu")


async def test_sensors_late_reply_of_a_serial_bridge_reaches_the_new_connection() -> None:
    """A bridge hands A's late reply to the new connection: the quiet time after opening it lets it pass (rule 3)."""

    def answer(request: Request) -> Reply:
        late = request.address == 200 and request.number % 4 == 0
        return Reply(registers(request), 0.16 if late else 0.0, to_newest=True)

    slave = Slave("rtu", answer)
    async with slave.listening() as url, polling(url, sensor("a", 200), sensor("b", 300)) as (link, sink, _):
        await sink.until(lambda: slave.connections >= 4 and len(sink.good("b")) >= 4)
        assert own(sink, "a", 200)
        assert own(sink, "b", 300)
        assert link.reopens >= 3


@pytest.mark.parametrize("framing", ["socket", "rtu"])
async def test_sensors_one_request_at_a_time_and_no_retries(framing: str) -> None:
    """A timed-out request is sent once (rule 1), and no request is sent while another may be answered."""
    outstanding: set[int] = set()
    worst = 0

    def answer(request: Request) -> Reply:
        nonlocal worst
        outstanding.add(request.number)
        worst = max(worst, len(outstanding))
        asyncio.get_running_loop().call_later(0.02, outstanding.discard, request.number)
        return Reply(registers(request), 0.02)

    slave = Slave(framing, answer)
    sensors = [sensor(name, address) for name, address in (("a", 1), ("b", 2), ("c", 3))]
    async with slave.listening() as url, polling(url, *sensors) as (link, sink, _):
        await sink.until(lambda: len(sink.good("c")) >= 3)
        assert worst == 1
        assert link.overruns > 0
        assert len(slave.requests) <= link.polls


async def test_sensors_read_past_its_deadline_runs_out_before_the_next_request() -> None:
    """A's deadline passes but its read is not cancelled: B is asked only once A's late reply is in (rule 4)."""
    answered: list[int] = []

    def answer(request: Request) -> Reply:
        late = request.address == 200
        if not late and request.number:
            answered.append(len(came))
        if late:
            asyncio.get_running_loop().call_later(0.12, came.append, request.number)
        return Reply(registers(request), 0.12 if late else 0.0)

    came: list[int] = []
    pair = (sensor("a", 200, timeout=0.04, poll=0.3), sensor("b", 300, timeout=0.5, poll=0.3))
    async with Slave("socket", answer).listening() as url, polling(url, *pair) as (link, sink, _):
        await sink.until(lambda: link.timeouts >= 2 and len(sink.good("b")) >= 2)
        assert answered[:2] == [1, 2]
        assert own(sink, "b", 300)


async def test_sensors_silent_slave_is_asked_once_per_poll() -> None:
    """Silence costs one request per poll (rule 1: retries=0) and the link dies after three, bad said each time."""
    slave = Slave("socket", lambda request: SILENCE)
    async with slave.listening() as url, polling(url, sensor("a", 7, count=3, timeout=0.06)) as (link, sink, task):
        with pytest.raises(DeviceError, match="no answer to 3 polls"):
            await asyncio.wait_for(asyncio.shield(task), 5)
        assert len(slave.requests) == link.polls == link.timeouts == 3
        assert sink.of("a") == [(None, "bad")] * 9
        assert sink.states("a") == ["down"]


@pytest.mark.parametrize("framing", ["socket", "rtu"])
@pytest.mark.parametrize(
    "wrong",
    [
        lambda request: registers(request, count=request.count - 1),
        lambda request: registers(request, count=request.count + 1),
        lambda request: registers(request, function=4),
        lambda request: registers(request, count=0),
    ],
    ids=["short", "long", "other function", "empty"],
)
async def test_sensors_reply_that_does_not_fit_is_bad(framing: str, wrong: Callable[[Request], bytes]) -> None:
    """A reply of another length or function is bad for every field; the next poll is on a fresh connection (rule 2)."""

    def answer(request: Request) -> Reply:
        return Reply(wrong(request) if request.number == 1 else registers(request))

    slave = Slave(framing, answer)
    async with slave.listening() as url, polling(url, sensor("a", 10, count=4)) as (link, sink, _):
        await sink.until(lambda: len(sink.of("a")) >= 12)
        good = [(float(n), "good") for n in range(10, 14)]
        assert sink.of("a")[:12] == [*good, *[(None, "bad")] * 4, *good]
        assert (link.mismatches, link.reopens, slave.connections) == (1, 1, 2)
        assert sink.states("a") == ["up"]


async def test_sensors_foreign_transaction_is_never_taken() -> None:
    """Modbus TCP: a reply with another transaction id, or with none, is not this request's."""

    def answer(request: Request) -> Reply:
        tid = {1: request.tid + 9, 2: 0}.get(request.number)
        return Reply(registers(request, first=900 if tid is not None else None), tid=tid)

    async with Slave("socket", answer).listening() as url, polling(url, sensor("a", 10)) as (_, sink, __):
        await sink.until(lambda: len(sink.of("a")) >= 4)
        assert sink.of("a")[:4] == [(10.0, "good"), (None, "bad"), (None, "bad"), (10.0, "good")]


async def test_sensors_canary_catches_a_reply_that_fits() -> None:
    """A foreign reply of the right shape is bad when the canary differs (rule 6), and RTU opens the line anew."""
    fields = (Field(name="model", address=50, expect=50), Field(name="t", address=51))
    settings = SensorSettings("a", 1, Profile("p", fields), 40_000, 100_000)

    def answer(request: Request) -> Reply:
        return Reply(registers(request, first=80 if request.number == 1 else None))

    async with Slave("rtu", answer).listening() as url, polling(url, settings) as (link, sink, _):
        await sink.until(lambda: len(sink.of("a")) >= 3)
        assert sink.of("a")[:3] == [(51.0, "good"), (None, "bad"), (51.0, "good")]
        assert (link.mismatches, link.reopens) == (1, 1)


async def test_sensors_lost_connection_fails_the_poll_at_once() -> None:
    """The peer hangs up mid-request: bad and DeviceError in far less than the timeout (rule 5), down said once."""

    def answer(request: Request) -> Reply | str:
        return "hang up" if request.number == 2 else Reply(registers(request))

    slave = Slave("socket", answer)
    sensors = (sensor("a", 10, timeout=20), sensor("b", 20, timeout=20))
    async with slave.listening() as url, polling(url, *sensors) as (link, sink, task):
        with pytest.raises(DeviceError, match="connection lost"):
            await asyncio.wait_for(asyncio.shield(task), 2)
        assert sink.of("a") == [(10.0, "good"), (None, "bad")]
        assert sink.of("b") == [(20.0, "good"), (None, "bad")]
        assert sink.states("a") == sink.states("b") == ["up", "down"]
        await sink.submit(Device(device="restart", state="up"))
        again = asyncio.create_task(link.run())
        await sink.until(lambda: len(sink.good("a")) >= 2 and len(sink.good("b")) >= 2)
        again.cancel()
        await asyncio.gather(again, return_exceptions=True)
        assert sink.states("b") == ["up", "down", "up"]


async def test_sensors_bytes_that_are_not_modbus_end_the_link() -> None:
    """A reply pymodbus cannot even decode ends the link cleanly: bad, then DeviceError."""
    slave = Slave("socket", lambda request: Reply(b"\x03"))
    async with slave.listening() as url, polling(url, sensor("a", 10, timeout=0.3)) as (_, sink, task):
        with pytest.raises(DeviceError):
            await asyncio.wait_for(asyncio.shield(task), 5)
        assert set(sink.of("a")) == {(None, "bad")}


async def test_sensors_dead_link_says_bad_once_over_many_restarts() -> None:
    """Nobody listens: bad is said at the first attempt only, and each attempt ends in DeviceError."""
    async with Slave("socket", lambda request: SILENCE).listening() as url:
        pass  # a port that is free again
    sink = Sink()
    link = ModbusLink(url, [sensor("a", 1, count=2)], sink.submit)
    for _ in range(3):
        with pytest.raises(DeviceError, match="no connection within"):
            await link.run()
    assert sink.of("a") == [(None, "bad")] * 2
    assert sink.states("a") == ["down"]


async def test_sensors_exception_reply_is_bad_but_the_device_is_up() -> None:
    """An exception reply gives no value with quality bad, and costs neither the connection nor the device."""

    def answer(request: Request) -> Reply:
        return Reply(b"\x83\x04" if request.number == 1 else registers(request))

    slave = Slave("rtu", answer)
    async with slave.listening() as url, polling(url, sensor("a", 10, count=2)) as (link, sink, _):
        await sink.until(lambda: len(sink.of("a")) >= 6)
        assert sink.of("a")[:6] == [
            (10.0, "good"),
            (11.0, "good"),
            *[(None, "bad")] * 2,
            (10.0, "good"),
            (11.0, "good"),
        ]
        assert (link.refusals, link.reopens, slave.connections) == (1, 0, 1)
        assert sink.states("a") == ["up"]


async def test_sensors_merged_block_is_split_when_its_address_is_illegal() -> None:
    """Exception 02 to a merged request: its fields are asked one by one from then on, in the same poll."""

    def answer(request: Request) -> Reply:
        touches_hole = request.address <= 12 < request.address + request.count
        return Reply(b"\x83\x02" if touches_hole else registers(request))

    async with Slave("socket", answer).listening() as url, polling(url, sensor("a", 11, count=2)) as (link, sink, _):
        await sink.until(lambda: len(sink.of("a")) >= 4)
        assert sink.of("a")[:4] == [(11.0, "good"), (None, "bad")] * 2
        assert sink.states("a") == ["up"]
        assert link.refusals >= 3


async def test_sensors_device_that_only_refuses_is_a_fault() -> None:
    """A device that answers with exceptions from the start is reachable, and says so: fault, not up."""
    slave = Slave("socket", lambda request: Reply(b"\x83\x01"))
    async with slave.listening() as url, polling(url, sensor("a", 11)) as (_, sink, __):
        await sink.until(lambda: len(sink.of("a")) >= 2)
        assert sink.states("a") == ["fault"]
        assert "illegal function" in next(d.detail for d in sink.inputs if isinstance(d, Device))


@pytest.mark.parametrize("framing", ["socket", "rtu"])
async def test_sensors_one_silent_unit_does_not_take_the_line_down(framing: str) -> None:
    """Unit 2 is off: its quality is bad, unit 1 on the same line goes on, and unit 2 comes back by itself."""
    dead = True

    def answer(request: Request) -> Reply | None:
        return SILENCE if request.unit == 2 and dead else Reply(registers(request))

    units = (sensor("one", 10), sensor("two", 20, unit=2, timeout=0.05))
    async with Slave(framing, answer).listening() as url, polling(url, *units) as (_, sink, task):
        await sink.until(lambda: sink.states("two") == ["down"] or len(sink.of("two")) >= 5)
        dead = False
        await sink.until(lambda: bool(sink.good("two")))
        assert not task.done()
        assert set(sink.of("one")) == {(10.0, "good")}
        assert own(sink, "two", 20)
        assert sink.states("two")[-1] == "up"


async def test_sensors_link_whose_slaves_all_fall_silent_dies() -> None:
    """A half-open connection, every unit silent: the link gives up after a few polls so it can be made anew."""
    alive = True

    def answer(request: Request) -> Reply | None:
        return Reply(registers(request)) if alive else SILENCE

    pair = (sensor("a", 10, timeout=0.05), sensor("b", 20, timeout=0.05))
    async with Slave("socket", answer).listening() as url, polling(url, *pair) as (_, sink, task):
        await sink.until(lambda: bool(sink.good("a")) and bool(sink.good("b")))
        alive = False
        with pytest.raises(DeviceError, match="no answer"):
            await asyncio.wait_for(asyncio.shield(task), 5)
        assert sink.states("a") == sink.states("b") == ["up", "down"]


async def test_sensors_stop_during_a_read_is_quick_and_clean() -> None:
    """Cancelling run() in the middle of a read ends at once and closes the connection."""
    asked = asyncio.Event()

    def answer(request: Request) -> None:
        asked.set()

    async with Slave("rtu", answer).listening() as url, polling(url, sensor("a", 1, timeout=30)) as (_, __, task):
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 1)


async def test_sensors_a_gateway_that_is_behind_skips_polls() -> None:
    """While submit waits no polls pile up: the missed ones are skipped and counted."""
    slave = Slave("socket", lambda request: Reply(registers(request)))
    sink = Sink()
    held = asyncio.Event()

    async def slow(item: Input) -> None:
        await sink.submit(item)
        await held.wait()

    async with slave.listening() as url:
        link = ModbusLink(url, [sensor("a", 1, poll=0.02)], slow)
        task = asyncio.create_task(link.run())
        await asyncio.sleep(0.3)
        assert len(slave.requests) == 1
        held.set()
        await sink.until(lambda: len(sink.good("a")) >= 3)
        assert link.overruns >= 10
        assert len(slave.requests) <= 8
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
