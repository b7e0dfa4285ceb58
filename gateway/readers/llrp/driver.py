"""The asyncio shell around `session`: connect, read, feed, write, forward, sleep until the deadline. Nothing else.

**Backpressure.** What the session decoded is submitted before more is read: one read of at most 64 KiB is all that
ever waits here, the rest waits in TCP and then in the reader, which queues. Answers are written *before* submitting,
so a keepalive is acknowledged at once. While `submit` waits, the reader's next keepalives stand unread behind its
reports; so every keepalive interval of waiting one KEEPALIVE_ACK is sent unasked (`Session.hold`), which keeps the
link. So is one while the house is slow and more waits than was read (`Session.behind`): megabytes may stand before the
reader's keepalive. A stalled or slow house therefore costs neither the link nor memory, however long it lasts.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress

import structlog
from msgspec.structs import replace

from gateway.errors import DeviceError, RefusedError
from gateway.model.inputs import Device, Gpi, Input, Reads
from gateway.readers.llrp.handshake import State
from gateway.readers.llrp.happenings import (
    Answered,
    AntennaChange,
    ClockJump,
    Closed,
    Notice,
    ReaderException,
    ReaderFault,
    Ready,
)
from gateway.readers.llrp.health import Health
from gateway.readers.llrp.link import closed_while_greeting, connect
from gateway.readers.llrp.session import Session
from gateway.readers.llrp.settings import VERSION_1_0_1, ReaderSettings

log = structlog.get_logger(__name__)

COUNTED = ("rejected", "unexpected", "overflows", "exceptions", "jumps", "untimely")
"""A session's counters that `LlrpReader.counts` sums up."""

READ = 65_536
"""Bytes per read: at most some 1,300 tag reports in one input."""

BREATH = 0.004
"""Seconds for which the socket is left alone while tags come fast and all that had come is taken. Reports of one tag,
a thousand a second, then come some at a time, which saves waking up for each. Later by so little is nothing to a light
or a passage, and the time of a read is the reader's own."""

CROWD = 64
"""Tags come fast when so many took no longer than so many breaths (250 tags/s). A few tags are never waited for."""

UNSENT = 65_536
"""Bytes the reader may leave untaken before the link counts as dead; we send 10 per keepalive."""

GOODBYE = 1.0
"""Seconds a reader gets to answer CLOSE_CONNECTION."""


def wall_clock() -> int:
    """Gateway time, µs UTC."""
    return time.time_ns() // 1000


def _steady() -> int:
    return time.monotonic_ns() // 1000


class _Pace:
    """How fast the tags of a connection come."""

    def __init__(self) -> None:
        self._fast = False
        self._since, self._next = 0, CROWD

    def fast(self, tags: int, now: int) -> bool:
        """Whether it pays to let messages gather; `tags` so far, `now` steady µs."""
        if tags >= self._next:
            self._fast = now - self._since <= CROWD * BREATH * 1e6
            self._since, self._next = now, tags + CROWD
        return self._fast


async def _breathe(transport: asyncio.BaseTransport) -> None:
    """Let bytes gather in the kernel for a moment, unless the stream holds so many that it has paused by itself."""
    if isinstance(transport, asyncio.ReadTransport) and transport.is_reading():
        transport.pause_reading()
        try:
            await asyncio.sleep(BREATH)
        finally:
            transport.resume_reading()


class LlrpReader:
    """One LLRP reader (see `gateway.readers`): `run` it under a supervisor.

    Args:
        settings: what is wanted of the reader.
        submit: takes inputs, waits when the house is busy.
        clock: gateway time in µs UTC.
        tap: sees the wire: direction `in` or `out`, and the bytes.
        past: what an earlier life gave to `keep`; empty when there was none.
        keep: takes, at most every few minutes and at the end of a connection, what the next life wants to know of the
            antennas; the last counts. Must not wait.
    """

    def __init__(
        self,
        settings: ReaderSettings,
        submit: Callable[[Input], Awaitable[None]],
        clock: Callable[[], int] = wall_clock,
        tap: Callable[[str, bytes], None] | None = None,
        past: bytes = b"",
        keep: Callable[[bytes], None] | None = None,
    ) -> None:
        self.settings = settings
        self.session: Session | None = None
        """The present connection's session, for its counters; None while there is none."""
        self.health = Health(settings.id, settings.portals)
        self._submit, self._clock, self._tap, self._keep = submit, clock, tap, keep
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[int, asyncio.Future[DeviceError | None]] = {}
        self._version = settings.version
        self._counted = dict.fromkeys(COUNTED, 0)  # by sessions that are over
        self._log = log.bind(reader=settings.id)
        if past and (wrong := self.health.recall(past)):
            self._log.warning("the history of the antennas cannot be read: it is learnt anew", why=wrong)

    @property
    def id(self) -> str:
        """The reader's id in the configuration."""
        return self.settings.id

    def counts(self) -> dict[str, int]:
        """What was odd so far, over all connections; see the counters of `Session`."""
        return {name: count + getattr(self.session, name, 0) for name, count in self._counted.items()}

    async def run(self) -> None:
        """Connect and read until the link fails.

        Raises:
            RefusedError: the reader is there and refuses something we cannot do without.
            DeviceError: it cannot be reached, fell silent, or closed the link.
        """
        host, port = self.settings.host, self.settings.port
        reader, writer = await connect(self.settings, READ)
        session = Session(replace(self.settings, version=self._version))  # fresh: no byte of an old link survives
        self.session, self._writer = session, writer
        self.session.opened(_steady())
        try:
            await self._converse(self.session, reader, writer)
        except asyncio.CancelledError:
            await self._say_goodbye(self.session, reader)
            raise
        except OSError as error:
            raise DeviceError(self.id, f"the link to {host}:{port} broke: {error.strerror or error}") from None
        finally:
            await self._hang_up(writer)

    async def set_gpo(self, port: int, level: bool) -> None:
        """Drive one general purpose output; returns when the reader has confirmed. Raises as `light`."""
        await self.light({port: level})

    async def light(self, ports: Mapping[int, bool]) -> None:
        """Drive several outputs in one command (GPO port → level); returns when the reader has confirmed.

        Raises:
            DeviceError: not connected, or not answered in time.
            RefusedError: the reader said no.
        """
        session = self.session
        if session is None or not session.ready:
            raise DeviceError(self.id, "outputs cannot be set while the reader is not connected")
        number = session.set_outputs(ports, _steady())
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            self._write(session)
            async with asyncio.timeout(self.settings.answer / 1e6 + GOODBYE):  # the session's own deadline is earlier
                error = await answer
        except TimeoutError:
            raise DeviceError(self.id, "the command to set outputs was not answered") from None
        finally:
            self._waiting.pop(number, None)
        if error is not None:
            raise error

    async def _converse(self, session: Session, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Feed the session and do what it says, until it fails."""
        pace = _Pace()
        while True:
            deadline, data = session.deadline, b""
            try:
                async with asyncio.timeout(None if deadline is None else max(0, deadline - _steady()) / 1e6):
                    data = await reader.read(READ)
            except TimeoutError:
                session.on_deadline(_steady())
            else:
                if not data:
                    advice = closed_while_greeting(self.settings) if session.state is State.GREETING else ""
                    raise DeviceError(self.id, f"the reader closed the connection while {session.state}{advice}")
                if self._tap is not None:
                    self._tap("in", data)
                session.receive_data(data, _steady(), self._clock())
            if len(data) == READ:
                session.behind(_steady())
            self._write(session)  # before anything waits
            await self._forward(session)
            now = _steady()
            await self._tell(self.health.passed(now))
            self._remember(now)
            if pace.fast(session.tags, now) and len(data) < READ:
                await _breathe(writer.transport)

    async def _forward(self, session: Session) -> None:
        """Pass events on. While this waits, `_stalled` keeps the link."""
        events = session.events()
        if not events:
            return
        timer = asyncio.get_running_loop().call_later(self.settings.keepalive / 1e6, self._stalled, session)
        self._timer = timer
        try:
            for event in events:
                match event:
                    case Reads():
                        await self._submit(event)
                        await self._tell(self.health.read(event.reads))
                    case Gpi():
                        await self._submit(event)
                    case Ready(detail):
                        self._log.info("reader is reading", detail=detail)
                        await self._submit(Device(self.id, "up", detail))
                        await self._tell(self.health.standing())
                    case AntennaChange(antenna, connected):
                        await self._tell(self.health.antenna(antenna, connected))
                    case ReaderException(text, antenna):
                        await self._tell(self.health.complaint(text, antenna, _steady()))
                    case ClockJump(by):
                        await self._tell(self.health.clock(by, _steady()))
                    case Notice(text, routine):
                        (self._log.debug if routine else self._log.warning)("reader notice", text=text)
                    case Answered(request, error, refused):
                        self._answer(request, error, refused)
                    case ReaderFault(text, refused):
                        raise (RefusedError if refused else DeviceError)(self.id, text)
                    case Closed():
                        raise DeviceError(self.id, "the session was closed")
        finally:
            self._timer.cancel()

    def _remember(self, now: int, end: bool = False) -> None:
        """Give the antennas' history away, when it is time."""
        if self._keep is not None and (history := self.health.due(now, end)) is not None:
            self._keep(history)

    async def _tell(self, changes: Iterable[Device]) -> None:
        """Submit what became of the reader's parts."""
        for change in changes:
            await self._submit(change)

    def _answer(self, request: int, error: str | None, refused: bool) -> None:
        """Tell whoever waits for this command in `light`."""
        answer = self._waiting.get(request)
        if answer is not None and not answer.done():
            kind = RefusedError if refused else DeviceError
            answer.set_result(kind(self.id, f"outputs not set: {error}") if error is not None else None)

    def _stalled(self, session: Session) -> None:
        """`submit` has been waiting for a whole keepalive interval."""
        session.hold(_steady())
        self._write(session)
        self._timer = asyncio.get_running_loop().call_later(self.settings.keepalive / 1e6, self._stalled, session)

    def _write(self, session: Session) -> None:
        """Hand the session's bytes to the transport, which must not hoard them."""
        data = session.data_to_send()
        writer = self._writer
        if not data or writer is None or writer.is_closing():
            return
        if self._tap is not None:
            self._tap("out", data)
        writer.write(data)
        if writer.transport.get_write_buffer_size() > UNSENT:
            writer.transport.abort()  # the read side then ends, and with it `run`

    async def _say_goodbye(self, session: Session, reader: asyncio.StreamReader) -> None:
        """CLOSE_CONNECTION, and a moment for its answer: reports still under way are dropped."""
        session.close(_steady())
        self._write(session)
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(GOODBYE):
                while not any(isinstance(event, Closed | ReaderFault) for event in session.events()):
                    data = await reader.read(READ)
                    if not data:
                        return
                    if self._tap is not None:
                        self._tap("in", data)
                    session.receive_data(data, _steady(), self._clock())

    def _look_back(self, session: Session) -> None:
        """A reader that cannot bear being asked for a newer version is not asked again."""
        if (session.fell or session.state) in (State.VERSION, State.VERSION_SET):
            self._version = VERSION_1_0_1
            self._log.warning("reader notice", text="the link was lost over the LLRP version: from now on 1.0.1")

    async def _hang_up(self, writer: asyncio.StreamWriter) -> None:
        if self.session is not None:
            self._look_back(self.session)
            self._counted = self.counts()
        self._remember(_steady(), end=True)
        self.session = self._writer = None
        for request in self._waiting:
            self._answer(request, "the link to the reader was lost", refused=False)
        writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(GOODBYE):
                await writer.wait_closed()
        writer.transport.abort()  # TLS waits half a minute for the far side's goodbye
