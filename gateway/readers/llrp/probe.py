"""First contact: connect to a reader, ask what it is and how it stands, and leave it as it was.

Nothing is set: GET_READER_CAPABILITIES, GET_READER_CONFIG, GET_ROSPECS, GET_SUPPORTED_VERSION and CLOSE_CONNECTION are
all that is sent. A reader serves one client at a time: one that has a client tells us so and is listed as held (that
client hears an `Another_Connection_Attempted` event and goes on).
"""

import asyncio
import ipaddress
import time
from collections.abc import AsyncIterator
from contextlib import suppress

from msgspec import structs

from gateway.errors import DeviceError, TallymanError
from gateway.readers.llrp.codec import CodecError, Message, decode, encode
from gateway.readers.llrp.frames import Framer
from gateway.readers.llrp.link import closed_while_greeting, connect
from gateway.readers.llrp.settings import VERSION_1_1, ReaderSettings
from gateway.readers.llrp.survey import Heard, Survey, greeting_clock, plain, survey
from gateway.readers.llrp.tables import RESPONSES, label

AT_ONCE = 256
"""Hosts tried at the same time; each costs a socket."""

LARGEST = 1024
"""Addresses of the largest network that is searched: an IPv4 /22."""

GREET = 1.0
"""Seconds for TCP and the greeting."""

ANSWER = 5.0
"""Seconds for each answer: readers that are busy reading take their time."""

GOODBYE = 1.0

_READ = 65_536


class ScanError(TallymanError):
    """What is to be searched is no host and no network, or a too large one."""


async def probe(settings: ReaderSettings, greet: float = GREET, answer: float = ANSWER) -> Survey:
    """Look at the reader of `settings`; the rest of them says what it would be used for.

    Raises:
        DeviceError: nobody listens there, or what listens does not speak LLRP.
    """
    host, port = settings.host, settings.port
    reader, writer = await connect(structs.replace(settings, connect=round(greet * 1e6)), _READ)
    line = _Line(settings.id, reader, writer, closed_while_greeting(settings))
    heard = Heard(host, port)
    try:
        await line.greeted(heard, greet)
        if heard.status == 0:
            await _ask(line, heard, answer)
    except OSError as error:
        raise DeviceError(settings.id, f"the link to {host}:{port} broke: {error.strerror or error}") from None
    finally:
        await line.hang_up()
    heard.reports = line.reports
    return survey(heard, settings)


async def _ask(line: "_Line", heard: Heard, answer: float) -> None:
    """All questions; a reader may refuse any of them. The one of LLRP 1.1 comes last: old readers dislike it most."""
    heard.capabilities = await line.ask(Message("GET_READER_CAPABILITIES", fields={"RequestedData": 0}), heard, answer)
    everything = {"AntennaID": 0, "RequestedData": 0, "GPIPortNum": 0, "GPOPortNum": 0}
    heard.configuration = await line.ask(Message("GET_READER_CONFIG", fields=everything), heard, answer)
    heard.rospecs = await line.ask(Message("GET_ROSPECS"), heard, answer)
    refusals = list(heard.refusals)
    ask = Message("GET_SUPPORTED_VERSION", version=VERSION_1_1)
    heard.versions = await line.ask(ask, heard, min(answer, GREET))
    heard.refusals = refusals  # 1.0.1 is no fault
    await line.ask(Message("CLOSE_CONNECTION"), Heard(heard.host, heard.port), GOODBYE)


class _Line:
    """One connection, used for one question at a time."""

    def __init__(self, device: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, advice: str) -> None:
        self.reports = 0
        self._id, self._reader, self._writer = device, reader, writer
        self._advice = advice  # when it hangs up before it has greeted
        self._framer = Framer()
        self._waiting: list[Message] = []
        self._number = 0

    async def greeted(self, heard: Heard, within: float) -> None:
        """Wait for the event every LLRP connection begins with (LLRP 1.0.1, ConnectionAttemptEvent)."""
        try:
            async with asyncio.timeout(within):
                while True:
                    message = await self._next()
                    for notification in message.every("ReaderEventNotificationData"):
                        event = notification.first("ConnectionAttemptEvent")
                        if event is not None:
                            heard.status = event.fields["Status"]
                            self._advice = ""
                            heard.clock, heard.uptime = greeting_clock(notification, time.time_ns() // 1000)
                            return
        except TimeoutError:
            raise DeviceError(
                self._id, f"connected, but it did not greet within {within:g} s: is this an LLRP port?"
            ) from None

    async def ask(self, request: Message, heard: Heard, within: float) -> Message | None:
        """Send one request; its answer, or None and a line in `heard.refusals`."""
        self._number += 1
        self._writer.write(encode(request._replace(id=self._number)))
        try:
            async with asyncio.timeout(within):
                while True:
                    message = await self._next()
                    if message.id == self._number and message.name in (RESPONSES[request.name], "ERROR_MESSAGE"):
                        break
        except TimeoutError:
            heard.refusals.append(f"{request.name} was not answered within {within:g} s")
            return None
        except DeviceError as error:
            if request.name not in ("CLOSE_CONNECTION", "GET_SUPPORTED_VERSION"):
                raise
            heard.refusals.append(f"{request.name}: {error}")  # it hung up on a question that may go wrong
            return None
        status = message.first("LLRPStatus")
        code = status.fields["StatusCode"] if status is not None else 0
        if message.name == "ERROR_MESSAGE" or code:
            text = plain(status.fields["ErrorDescription"]) if status is not None else ""
            heard.refusals.append(f"{request.name} refused: {label('StatusCode', code)} ({code}) {text}".rstrip())
            return None
        return message

    async def _next(self) -> Message:
        """The next message that is not a report or a keepalive. What cannot be decoded is passed over."""
        while not self._waiting:
            data = await self._reader.read(_READ)
            if not data:
                raise DeviceError(self._id, f"the reader closed the connection{self._advice}")
            for head, number, body in self._framer.feed(data):
                with suppress(CodecError):
                    self._take(decode(head, number, body))
            if self._framer.error is not None:
                raise DeviceError(self._id, f"no LLRP reader: {self._framer.error}")
        return self._waiting.pop(0)

    def _take(self, message: Message) -> None:
        if message.name == "KEEPALIVE":
            self._writer.write(encode(Message("KEEPALIVE_ACK", message.id)))
        elif message.name == "RO_ACCESS_REPORT":
            self.reports += sum(1 for _ in message.every("TagReportData"))
        else:
            self._waiting.append(message)

    async def hang_up(self) -> None:
        """Close, however the other side stands."""
        self._writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(GOODBYE):
                await self._writer.wait_closed()


def addresses(target: str) -> tuple[str, ...]:
    """A host as it is, a network (`192.0.2.0/24`) as its addresses, without network and broadcast address.

    Raises:
        ScanError: a network that is none, or of more than `LARGEST` addresses.
    """
    if "/" not in target:
        return (target,)
    try:
        network = ipaddress.ip_network(target, strict=False)
    except ValueError as error:
        raise ScanError(f"{target}: {error}; write it like 192.0.2.0/24") from None
    if network.num_addresses > LARGEST:
        raise ScanError(f"{target} has {network.num_addresses} addresses; a /22 ({LARGEST}) is the most at once")
    return tuple(map(str, network.hosts()))


async def scan(
    hosts: tuple[str, ...], settings: ReaderSettings, greet: float = GREET, answer: float = ANSWER
) -> AsyncIterator[Survey]:
    """Look at many hosts, `AT_ONCE` at a time; those that speak LLRP come as they answer, the others not at all."""
    waiting = iter(hosts)
    running: set[asyncio.Task[Survey]] = set()
    try:
        while True:
            for host in waiting:
                wanted = structs.replace(settings, id=host, host=host)
                running.add(asyncio.create_task(probe(wanted, greet, answer)))
                if len(running) >= AT_ONCE:
                    break
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                error = task.exception()
                if error is None:
                    yield task.result()
                elif not isinstance(error, DeviceError):
                    raise error
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
