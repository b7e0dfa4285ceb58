"""The driver against a TCP peer packed by hand: links that break, fall silent, dribble, or outrun the house."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from struct import pack, unpack

import pytest

from gateway.errors import DeviceError, RefusedError
from gateway.model.inputs import Device, Input, Reads
from gateway.readers.llrp.driver import LlrpReader
from gateway.readers.llrp.settings import VERSION_1_1, ReaderSettings

RESPONSE = {1: 11, 3: 13, 14: 4, 20: 30, 21: 31, 22: 32, 24: 34, 46: 56}
OK = bytes.fromhex("011f 0008 0000 0000")
NO = bytes.fromhex("011f 000b 0065 0003") + b"bad"
GREETING = bytes.fromhex("043f 00000020 00000000 00f60016 0080000c 0005ac35bd20d1da 01000006 0000")
KEEPALIVE = bytes.fromhex("043e 0000000a 00000063")
TAG = bytes.fromhex("00f0 001f 8d 3034257bf7194e4000001a85 81 0001 86 c9 84 0005ac35bd20d1da")
REPORT = pack(">HII", 0x043D, 10 + len(TAG), 0) + TAG


class Peer:
    """A reader: greets, says yes to everything, counts, then does `after` with the connection."""

    def __init__(self, after: Callable[["Peer", asyncio.StreamWriter], Awaitable[None]]) -> None:
        self.after = after
        self.connections = 0
        self.acks = 0
        self.closes = 0
        self.refuse: int | None = None
        self.cut_at: int | None = None
        self.dribble = False
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        with suppress(OSError, asyncio.IncompleteReadError):
            await self.say(writer, GREETING)
            while True:
                head, length, number = unpack(">HII", await reader.readexactly(10))
                await reader.readexactly(length - 10)
                kind = head & 0x3FF
                if kind == self.cut_at:
                    break
                self.acks += kind == 72
                self.closes += kind == 14
                if kind in RESPONSE:
                    body = NO if kind == self.refuse else bytes((1, 2)) + OK if kind == 46 else OK
                    await self.say(writer, pack(">HII", 1 << 10 | RESPONSE[kind], 10 + len(body), number) + body)
                if kind == 64:  # ENABLE_EVENTS_AND_REPORTS: we are set up
                    task = asyncio.create_task(self.after(self, writer))
                    self.tasks.add(task)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async def say(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """Send, a byte at a time when dribbling."""
        for piece in [data[i : i + 1] for i in range(len(data))] if self.dribble else [data]:
            writer.write(piece)
            await writer.drain()
            if self.dribble:
                await asyncio.sleep(0)


async def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is awaited are plain lists and counters
            await asyncio.sleep(0.005)


@asynccontextmanager
async def listening(peer: Peer) -> AsyncIterator[int]:
    """The peer on a port of its own."""
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        for task in peer.tasks:
            task.cancel()
        await asyncio.gather(*peer.tasks, return_exceptions=True)
        server.close()
        await server.wait_closed()


async def nothing(peer: Peer, writer: asyncio.StreamWriter) -> None:
    """Say nothing more."""


async def cut_in_a_report(peer: Peer, writer: asyncio.StreamWriter) -> None:
    """One report, half a report, and the line is cut."""
    writer.write(REPORT + REPORT[:20])
    await writer.drain()
    writer.transport.abort() if peer.connections % 2 == 0 else writer.close()


def make(port: int, inputs: list[Input], **settings: object) -> LlrpReader:
    """A driver that submits into a list."""

    async def submit(item: Input) -> None:
        inputs.append(item)

    return LlrpReader(ReaderSettings("dock-1", "127.0.0.1", port, **settings), submit)  # type: ignore[arg-type]


async def test_cut_in_the_middle_and_started_again() -> None:
    """Defect D1: the link cut inside a report, by FIN and by RST: DeviceError, and the next run reads again."""
    peer, inputs = Peer(cut_in_a_report), list[Input]()
    async with listening(peer) as port:
        driver = make(port, inputs)
        for run in range(1, 5):
            with pytest.raises(DeviceError) as caught:
                await driver.run()
            assert not isinstance(caught.value, RefusedError)
            assert str(caught.value).startswith("dock-1: the ")
            assert len([i for i in inputs if isinstance(i, Device)]) == run
    assert len([i for i in inputs if isinstance(i, Reads)]) >= 2  # after a FIN always; an RST may overtake
    assert peer.connections == 4


@pytest.mark.parametrize("cut_at", [46, 47])
async def test_a_reader_that_cannot_bear_a_newer_version_is_not_asked_again(cut_at: int) -> None:
    """One that hangs up on GET_SUPPORTED_VERSION or SET_PROTOCOL_VERSION costs one connection, then it is read."""
    peer, inputs = Peer(nothing), list[Input]()
    peer.cut_at = cut_at
    async with listening(peer) as port:
        driver = make(port, inputs, version=VERSION_1_1)
        with pytest.raises(DeviceError, match="the reader closed the connection while version"):
            await driver.run()
        assert inputs == []
        task = asyncio.create_task(driver.run())
        await eventually(lambda: bool(inputs))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert isinstance(inputs[0], Device)
    assert peer.connections == 2


async def test_silence_is_a_device_error() -> None:
    """Defect D3: a reader that says nothing more is given up after two and a half keepalives."""
    inputs = list[Input]()
    async with listening(Peer(nothing)) as port:
        started = asyncio.get_running_loop().time()
        with pytest.raises(DeviceError, match=r"silent for 0\.\d s"):
            await make(port, inputs, keepalive=100_000).run()
        assert 0.2 < asyncio.get_running_loop().time() - started < 2


async def test_one_byte_at_a_time() -> None:
    """A reader behind a bad line that delivers single bytes is read like any other."""

    async def dribble(peer: Peer, writer: asyncio.StreamWriter) -> None:
        for _ in range(3):
            await peer.say(writer, KEEPALIVE + REPORT)

    peer, inputs = Peer(dribble), list[Input]()
    peer.dribble = True
    async with listening(peer) as port:
        task = asyncio.create_task(make(port, inputs).run())
        await eventually(lambda: len(inputs) == 4 and peer.acks == 3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert [type(i) for i in inputs] == [Device, Reads, Reads, Reads]
    assert peer.closes == 1


async def test_no_reader_there() -> None:
    """Nobody listening is a DeviceError with the address."""
    async with listening(Peer(nothing)) as port:
        pass
    with pytest.raises(DeviceError, match=f"dock-1: no connection to 127.0.0.1:{port}: "):
        await make(port, []).run()


async def test_not_an_llrp_port() -> None:
    """A web server on that port is told apart at once; a port that says nothing, when the time is over."""

    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    for serve, says in ((web, "does not speak LLRP"), (mute, "did not greet within 0.2 s")):
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        try:
            with pytest.raises(DeviceError, match=says):
                await make(server.sockets[0].getsockname()[1], [], connect=200_000).run()
        finally:
            server.close()
            await server.wait_closed()


async def test_a_refused_rospec_is_retried_by_running_again() -> None:
    """Defect D5: RefusedError every time it is refused, and reading as soon as it is not."""
    peer, inputs = Peer(cut_in_a_report), list[Input]()
    peer.refuse = 20
    async with listening(peer) as port:
        driver = make(port, inputs)
        for _ in range(2):
            with pytest.raises(RefusedError, match="ADD_ROSPEC refused: M_FieldError"):
                await driver.run()
        assert inputs == []
        peer.refuse = None
        with pytest.raises(DeviceError):
            await driver.run()
    assert isinstance(inputs[0], Device)


async def test_a_stalled_house_keeps_the_link_and_loses_nothing() -> None:
    """While `submit` waits, acks go on, the socket is not read, nothing is hoarded; afterwards every report arrives."""
    many = pack(">HII", 0x043D, 10 + 1000 * len(TAG), 0) + 1000 * TAG
    total = 600_000  # reports: 18 MB, more than the buffers of both sockets hold
    sent = rows = 0
    go = asyncio.Event()

    async def flood(peer: Peer, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while sent < total:
            writer.write(KEEPALIVE + many)
            await writer.drain()
            sent += 1000
        while True:
            writer.write(KEEPALIVE)
            await writer.drain()
            await asyncio.sleep(0.05)

    async def submit(item: Input) -> None:
        nonlocal rows
        if isinstance(item, Reads):
            await go.wait()
            rows += len(item.reads)

    peer = Peer(flood)
    async with listening(peer) as port:
        settings = ReaderSettings("dock-1", "127.0.0.1", port, keepalive=100_000)
        task = asyncio.create_task(LlrpReader(settings, submit).run())
        await asyncio.sleep(0.7)  # seven keepalives, nearly three times the watchdog's patience
        assert not task.done()
        assert rows == 0
        assert sent < total
        assert peer.acks >= 4
        go.set()
        await eventually(lambda: rows == total)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_ten_thousand_tags_in_the_field() -> None:
    """Seen round after round by four antennas that are watched: all arrive, and memory does not grow with the tags."""
    tags, rounds, rows = 10_000, 3, 0
    one_round = b"".join(
        REPORT[:15] + number.to_bytes(12, "big") + bytes((0x81, 0, number % 4 + 1)) + REPORT[30:]
        for number in range(1, tags + 1)
    )
    assert len(one_round) == tags * len(REPORT)
    rounds_over, held = asyncio.Semaphore(0), list[int]()

    async def flood(peer: Peer, writer: asyncio.StreamWriter) -> None:
        for _ in range(rounds):
            writer.write(one_round)
            await writer.drain()
            await rounds_over.acquire()

    async def submit(item: Input) -> None:
        nonlocal rows
        if isinstance(item, Reads):
            rows += len(item.reads)
            if rows >= (len(held) + 1) * tags:
                held.append(tracemalloc.get_traced_memory()[0])
                rounds_over.release()

    antennas = (1, 2, 3, 4)
    async with listening(Peer(flood)) as port:
        settings = ReaderSettings("dock-1", "127.0.0.1", port, antennas=antennas, portals=(antennas,))
        driver = LlrpReader(settings, submit)
        tracemalloc.start()
        try:
            task = asyncio.create_task(driver.run())
            await eventually(lambda: len(held) == rounds, 30)
            counts = driver.counts()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert rows == rounds * tags
    assert held[-1] < held[0] + 256 * 1024
    assert peak < 4 << 20
    assert not any(counts.values())


async def test_acks_are_written_before_submit_waits() -> None:
    """The keepalive that arrives together with a report is acknowledged although the house never takes the report."""

    async def together(peer: Peer, writer: asyncio.StreamWriter) -> None:
        writer.write(REPORT + KEEPALIVE)

    async def submit(item: Input) -> None:
        if isinstance(item, Reads):
            await asyncio.Event().wait()

    peer = Peer(together)
    async with listening(peer) as port:
        task = asyncio.create_task(LlrpReader(ReaderSettings("dock-1", "127.0.0.1", port), submit).run())
        await eventually(lambda: peer.acks == 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert peer.closes == 1


async def test_a_command_on_a_link_that_breaks_fails_at_once() -> None:
    """Whoever waits for a light when the link is lost is told so, long before the time to answer is over."""

    async def cut_at_the_next_command(peer: Peer, writer: asyncio.StreamWriter) -> None:
        peer.cut_at = 3

    peer, inputs = Peer(cut_at_the_next_command), list[Input]()
    async with listening(peer) as port:
        driver = make(port, inputs)
        task = asyncio.create_task(driver.run())
        await eventually(lambda: peer.cut_at == 3 and bool(inputs))
        async with asyncio.timeout(2):
            with pytest.raises(DeviceError, match="link to the reader was lost"):
                await driver.light({1: True})
        with pytest.raises(DeviceError, match="closed the connection while reading"):
            await task
    with pytest.raises(DeviceError, match="not connected"):
        await driver.light({1: True})
