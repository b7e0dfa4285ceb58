"""Scale heads on real lines: a pseudo-terminal through serialx, and TCP."""

import asyncio
import contextlib
import os
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from io import FileIO

import pytest

from gateway.errors import DeviceError
from gateway.model.inputs import Device, Input, Weighing
from gateway.sensors.scales import ScaleHead, ScaleSettings


class Sink:
    """Where inputs go, and how to wait for them; `gate` closed makes submit wait."""

    def __init__(self) -> None:
        self.inputs: list[Input] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._news = asyncio.Condition()

    async def submit(self, item: Input) -> None:
        async with self._news:
            self.inputs.append(item)
            self._news.notify_all()
        await self.gate.wait()

    async def until(self, enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(8), self._news:
            await self._news.wait_for(enough)

    def shown(self) -> list[tuple[str | None, bool | None, str]]:
        return [(w.value, w.stable, w.condition) for w in self.inputs if isinstance(w, Weighing)]

    def settled(self) -> list[str | None]:
        return [value for value, stable, _ in self.shown() if stable]


@contextlib.asynccontextmanager
async def working(settings: ScaleSettings) -> AsyncIterator[tuple[ScaleHead, Sink, asyncio.Task[None]]]:
    """A driver at work, stopped politely at the end."""
    sink = Sink()
    head = ScaleHead(settings, sink.submit)
    task = asyncio.create_task(head.run())
    try:
        yield head, sink, task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, DeviceError):
            await task


@contextlib.contextmanager
def terminal() -> Iterator[tuple[FileIO, str]]:
    """The master side of a pseudo-terminal, and the path of the other."""
    master, slave = os.openpty()
    tty.setraw(slave)
    with FileIO(master, "r+") as head, FileIO(slave, "r+"):
        yield head, os.ttyname(slave)


async def show(head: FileIO, *frames: bytes, every: float = 0.02) -> None:
    """Write frames to the line, one after another."""
    for frame in frames:
        await asyncio.to_thread(head.write, frame)
        await asyncio.sleep(every)


@contextlib.asynccontextmanager
async def tcp_head(*pieces: bytes, wait: float = 0.0, stay: bool = True) -> AsyncIterator[str]:
    """A head on TCP that sends these pieces to each who connects, then stays silent or hangs up."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(OSError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(wait)
            if stay:
                await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def test_sensors_scale_on_a_serial_line() -> None:
    """A&D frames over a pty: up, then motion, then one settled weight after three equal stable displays."""
    with terminal() as (master, path):
        async with working(ScaleSettings("s", f"serial://{path}?baud=2400&parity=E&bits=7")) as (head, sink, _):
            moving = [b"US,GS,+0600.00kg\r\n", b"US,GS,+0612.00kg\r\n"]
            await show(master, *moving * 5, *[b"ST,GS,+0612.40kg\r\n"] * 5)
            await sink.until(lambda: bool(sink.settled()))
            await asyncio.sleep(0.1)
            assert isinstance(sink.inputs[0], Device)
            assert (sink.inputs[0].device, sink.inputs[0].state) == ("s", "up")
            assert sink.shown()[-1] == ("612.40", True, "ok")
            assert sink.settled() == ["612.40"]
            assert head.rejected == 0


async def test_sensors_scale_asked_on_a_serial_line() -> None:
    """A head in command mode is asked with Q at its period, and its answers are weighings."""
    with terminal() as (master, path):
        asked: list[bytes] = []
        loop = asyncio.get_running_loop()

        def answer() -> None:
            asked.append(master.read(100) or b"")
            master.write(b"ST,NT,+0012.00kg\r\n")

        loop.add_reader(master, answer)
        try:
            async with working(ScaleSettings("s", f"serial://{path}", ask_us=20_000)) as (_, sink, __):
                await sink.until(lambda: bool(sink.settled()))
        finally:
            loop.remove_reader(master)
        assert asked[0].startswith(b"Q\r\n")
        assert any(isinstance(w, Weighing) and (w.mode, w.unit) == ("net", "kg") for w in sink.inputs)


async def test_sensors_scale_serial_line_hangs_up() -> None:
    """The adapter is pulled out: DeviceError, no hang and no leak."""
    with terminal() as (master, path):
        async with working(ScaleSettings("s", f"serial://{path}")) as (_, sink, task):
            await show(master, *[b"ST,GS,+0001.00kg\r\n"] * 10)
            await sink.until(lambda: bool(sink.shown()))
            master.close()
            with pytest.raises(DeviceError):
                await asyncio.wait_for(asyncio.shield(task), 5)


async def test_sensors_scale_no_such_port() -> None:
    """A port that does not exist is a DeviceError that names it."""
    head = ScaleHead(ScaleSettings("s", "serial:///dev/no-such-port"), Sink().submit)
    with pytest.raises(DeviceError, match="no-such-port"):
        await asyncio.wait_for(head.run(), 5)


async def test_sensors_scale_over_tcp_one_byte_at_a_time() -> None:
    """A stream in single bytes reads as one in frames; noise in it is counted."""
    stream = b"45kg\r\n" + b"ST,GS,+0123.45kg\r\n" * 3 + b"OL,GS,+     . kg\r\n"
    async with (
        tcp_head(*(bytes([byte]) for byte in stream)) as url,
        working(ScaleSettings("s", url)) as (head, sink, _),
    ):
        await sink.until(lambda: len(sink.shown()) >= 3)
        assert sink.shown() == [("123.45", False, "ok"), ("123.45", True, "ok"), (None, False, "over")]
        assert head.rejected == 1


async def test_sensors_scale_unchanged_stream_is_not_a_record_per_display() -> None:
    """A hundred equal displays make one weighing in motion, one settled, and one per `repeat`."""
    async with (
        tcp_head(*[b"ST,GS,+0001.00kg\r\n"] * 100, wait=0.005) as url,
        working(ScaleSettings("s", url, repeat_us=200_000)) as (_, sink, __),
    ):
        await sink.until(lambda: len(sink.settled()) >= 3)
        assert sink.shown()[:2] == [("1.00", False, "ok"), ("1.00", True, "ok")]
        assert len(sink.shown()) <= 5


async def test_sensors_scale_while_submit_waits_the_newest_wins_and_the_settled_stays() -> None:
    """The gateway is behind: displays in motion overwrite each other, a settled weight is kept."""
    moving = [b"US,GS,+%07.2fkg\r\n" % n for n in range(1, 200)]
    parts = [*moving[:100], *[b"ST,GS,+0612.40kg\r\n"] * 3, *moving[100:]]
    async with tcp_head(*parts, wait=0.001) as url:
        sink = Sink()
        sink.gate.clear()
        head = ScaleHead(ScaleSettings("s", url), sink.submit)
        task = asyncio.create_task(head.run())
        await sink.until(lambda: bool(sink.inputs))
        await asyncio.sleep(0.1)
        sink.inputs.clear()
        sink.gate.set()  # up is through
        await sink.until(lambda: bool(sink.inputs))
        sink.gate.clear()
        await asyncio.sleep(0.8)
        sink.gate.set()
        await sink.until(lambda: bool(sink.shown()) and sink.shown()[-1][0] == "199.00")
        assert sink.settled() == ["612.40"]
        assert head.overwritten > 50
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_sensors_scale_silent_stream_is_a_failure() -> None:
    """Connected but silent: DeviceError after `stale`, saying what to look at."""
    async with tcp_head() as url, working(ScaleSettings("s", url, stale_us=100_000)) as (_, sink, task):
        with pytest.raises(DeviceError, match=r"no display for 0\.1 s"):
            await asyncio.wait_for(asyncio.shield(task), 5)
        assert sink.inputs == []


async def test_sensors_scale_garbage_is_a_failure_that_says_so() -> None:
    """Bytes that never make a display: the error points at dialect, baud and parity."""
    async with (
        tcp_head(*[b"\xd3\xd4\xac garbage\r\n"] * 100, wait=0.01) as url,
        working(ScaleSettings("s", url, stale_us=150_000)) as (head, _, task),
    ):
        with pytest.raises(DeviceError, match="check dialect, baud and parity"):
            await asyncio.wait_for(asyncio.shield(task), 5)
        assert head.rejected > 0


async def test_sensors_scale_peer_closes_or_refuses() -> None:
    """A closed connection and a refused one are DeviceErrors that say which."""
    async with (
        tcp_head(b"ST,GS,+0001.00kg\r\n", stay=False) as url,
        working(ScaleSettings("s", url)) as (_, __, task),
    ):
        with pytest.raises(DeviceError, match="closed the link"):
            await asyncio.wait_for(asyncio.shield(task), 5)
    with pytest.raises(DeviceError, match="cannot be opened"):
        await ScaleHead(ScaleSettings("s", url), Sink().submit).run()
