"""Scale heads over TCP and serial lines: displays in, weighings out.

A head shows ten displays a second. Submitted is a display that says something new (value, stability, condition) and,
while nothing changes, one a second. A weighing is `stable` only when it has settled: so many equal displays in a row,
each flagged stable by the head; until then it is submitted as not stable. While `submit` waits, newer displays
overwrite older ones; only a settled weighing is kept, because a lorry does not drive back onto the scale.
"""

import asyncio
import contextlib
from collections import deque
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from gateway.errors import DeviceError
from gateway.model.inputs import Device, Weighing
from gateway.sensors.dialects import DIALECTS, Dialect, Display
from gateway.sensors.seam import Clock, Submit, wall_clock

SETTLED_AFTER = 3
"""Equal displays in a row, all flagged stable, that make a weighing settled."""
_CHUNK = 4096
_KEPT = 8  # weighings waiting for `submit`: settled ones, and the newest

Shown = tuple[str | None, bool | None, str, str, str]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class ScaleSettings(Struct, frozen=True):
    """One scale head; durations in µs.

    `url` is `tcp://host:port` or `serial:///dev/ttyUSB0?baud=9600&parity=N&bits=8&stop=1` (these are the defaults; A&D
    indicators leave the factory with 2400, E, 7). With `ask_us` the head is asked for each display that often (a head
    in command mode), else it streams. `stale_us`: so long without a display is a failure (at least three `ask_us`);
    0 for a head that speaks only when something is weighed. `repeat_us`: an unchanged display is submitted that often.
    """

    id: str
    url: str
    dialect: str = "and"
    ask_us: int | None = None
    stale_us: int = 5_000_000
    repeat_us: int = 1_000_000
    connect_us: int = 5_000_000
    settled_after: int = SETTLED_AFTER


class SerialLine(Struct, frozen=True):
    """A serial port and how it talks."""

    path: str
    baud: int = 9600
    parity: str = "N"
    bits: int = 8
    stop: int = 1


class TcpLine(Struct, frozen=True):
    """A terminal server, or a head with Ethernet."""

    host: str
    port: int


def parse_url(url: str) -> SerialLine | TcpLine:
    """Read the `url` of a scale.

    Raises:
        ValueError: not a scale's URL; the text says what would be right.
    """
    parts = urlsplit(url)
    if parts.scheme == "tcp":
        if not parts.hostname or parts.port is None or parts.path.strip("/") or parts.query:
            raise ValueError(f"{url!r}: write tcp://host:port")
        return TcpLine(parts.hostname, parts.port)
    if parts.scheme != "serial" or parts.netloc or not parts.path.strip("/"):
        raise ValueError(
            f"{url!r}: a scale is tcp://host:port or serial:///dev/ttyUSB0?baud=9600&parity=N&bits=8&stop=1"
        )
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(options.keys() - {"baud", "parity", "bits", "stop"}):
        raise ValueError(f"{url!r}: unknown option {unknown[0]!r}; known are baud, parity, bits, stop")
    allowed = {"parity": ("N", "E", "O"), "bits": ("7", "8"), "stop": ("1", "2")}
    for name, values in allowed.items():
        if name in options and options[name] not in values:
            raise ValueError(f"{url!r}: {name} must be one of {', '.join(values)}, not {options[name]!r}")
    baud = options.get("baud", "9600")
    if not (baud.isascii() and baud.isdigit() and 10 <= int(baud[:9]) <= 9_999_999):
        raise ValueError(f"{url!r}: baud must be a number such as 9600, not {baud!r}")
    return SerialLine(
        parts.path, int(baud), options.get("parity", "N"), int(options.get("bits", 8)), int(options.get("stop", 1))
    )


class ScaleHead:
    """One scale head: listens (or asks), understands, submits `Weighing`s.

    Counters: `rejected` (lines that were no frame), `overwritten` (weighings replaced while `submit` waited).

    Raises:
        ValueError: an impossible URL, an unknown dialect, or durations out of range.
    """

    def __init__(self, settings: ScaleSettings, submit: Submit, clock: Clock = wall_clock) -> None:
        self._line = parse_url(settings.url)
        if settings.dialect not in DIALECTS:
            raise ValueError(f"{settings.id}: unknown dialect {settings.dialect!r}; known are {', '.join(DIALECTS)}")
        if settings.settled_after < 1 or settings.repeat_us < 1 or settings.connect_us < 1 or settings.stale_us < 0:
            raise ValueError(f"{settings.id}: settled_after, repeat and connect must be positive, stale not negative")
        if settings.ask_us is not None and settings.ask_us < 1:
            raise ValueError(f"{settings.id}: ask must be longer than nothing")
        self.id = settings.id
        self.devices = (settings.id,)
        self._settings = settings
        self._submit = submit
        self._clock = clock
        self._waiting: deque[Weighing] = deque()
        self._news = asyncio.Event()
        self.rejected = self.overwritten = 0

    async def run(self) -> None:
        """Work until the link fails.

        Raises:
            DeviceError: it cannot be opened, broke, was closed, or no display arrived for too long.
        """
        reader, writer = await self._open()
        dialect: Dialect = DIALECTS[self._settings.dialect]()
        self._waiting.clear()
        self._news.clear()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(reader, dialect))
                group.create_task(self._send())
                if self._settings.ask_us is not None:
                    group.create_task(self._ask(writer, dialect, self._settings.ask_us))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        finally:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 1)

    async def _open(self) -> Streams:
        line, seconds = self._line, self._settings.connect_us / 1e6
        try:
            async with asyncio.timeout(seconds):
                if isinstance(line, TcpLine):
                    return await asyncio.open_connection(line.host, line.port)
                return await _open_serial(line)
        except TimeoutError:
            raise DeviceError(self.id, f"{self._settings.url} did not open within {seconds:g} s") from None
        except OSError as error:
            raise DeviceError(self.id, f"{self._settings.url} cannot be opened: {error.strerror or error}") from None

    async def _listen(self, reader: asyncio.StreamReader, dialect: Dialect) -> None:
        """Read until the link breaks or falls silent; the latest display wins."""
        settled = _Settling(self._settings, self._clock)
        seen = False
        stale = (
            max(self._settings.stale_us, 3 * (self._settings.ask_us or 0)) / 1e6 if self._settings.stale_us else None
        )
        loop = asyncio.get_running_loop()
        last = loop.time()
        heard = 0
        while True:
            try:
                async with asyncio.timeout_at(None if stale is None else last + stale):
                    piece = await reader.read(_CHUNK)
            except TimeoutError:
                raise DeviceError(self.id, self._silence(stale or 0, heard)) from None
            except OSError as error:
                raise DeviceError(self.id, f"link broke: {error.strerror or error}") from None
            if not piece:
                raise DeviceError(self.id, "the other side closed the link")
            heard += len(piece)
            before = dialect.rejected
            dialect.receive_data(piece)
            self.rejected += dialect.rejected - before
            for display in dialect.frames():
                last, heard = loop.time(), 0
                if not seen:
                    seen = True
                    await self._submit(Device(device=self.id, state="up", detail=self._settings.url))
                if weighing := settled.weighing(display):
                    self._offer(weighing)

    def _silence(self, seconds: float, heard: int) -> str:
        if heard:
            dialect = self._settings.dialect
            return f"{heard} bytes in {seconds:g} s, but no {dialect} display: check dialect, baud and parity"
        does = "answer" if self._settings.ask_us else "stream"
        return f"no display for {seconds:g} s: is the head on, and does it {does}?"

    def _offer(self, weighing: Weighing) -> None:
        """Put a weighing where `_send` takes it; it replaces an unsettled or equal one that still waits."""
        if self._waiting and (not self._waiting[-1].stable or _shown(self._waiting[-1]) == _shown(weighing)):
            self._waiting.pop()
            self.overwritten += 1
        elif len(self._waiting) == _KEPT:
            self._waiting.popleft()
            self.overwritten += 1
        self._waiting.append(weighing)
        self._news.set()

    async def _send(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                await self._submit(self._waiting.popleft())

    async def _ask(self, writer: asyncio.StreamWriter, dialect: Dialect, period_us: int) -> None:
        if dialect.command is None:
            return
        while True:
            try:
                writer.write(dialect.command)
                await writer.drain()
            except OSError as error:
                raise DeviceError(self.id, f"link broke: {error.strerror or error}") from None
            await asyncio.sleep(period_us / 1e6)


class _Settling:
    """Which displays become weighings, and which of those are settled."""

    def __init__(self, settings: ScaleSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._equal = 0
        self._last: Display | None = None
        self._said: Shown | None = None
        self._said_at = 0

    def weighing(self, display: Display) -> Weighing | None:
        """The weighing this display makes; None when it says nothing new."""
        at = self._clock()
        self._equal = self._equal + 1 if display == self._last else 1
        self._last = display
        stable = display.stable
        if stable:
            stable = display.condition == "ok" and self._equal >= self._settings.settled_after
        weighing = Weighing(self._settings.id, display.value, display.unit, stable, display.mode, display.condition, at)
        says = _shown(weighing)
        # A clock stepped back must not silence the scale: hence the absolute difference.
        if says == self._said and abs(at - self._said_at) < self._settings.repeat_us:
            return None
        self._said, self._said_at = says, at
        return weighing


def _shown(weighing: Weighing) -> Shown:
    """A weighing without its instant."""
    return weighing.value, weighing.stable, weighing.condition, weighing.unit, weighing.mode


async def _open_serial(line: SerialLine) -> Streams:
    """Open a serial port with serialx, the only place that knows it.

    Raises:
        OSError: no such port, no permission, in use, or settings it cannot do.
    """
    import serialx

    try:
        return await serialx.open_serial_connection(
            line.path, line.baud, parity=line.parity, stopbits=line.stop, byte_size=line.bits
        )
    except serialx.SerialException as error:
        raise OSError(str(error)) from None
