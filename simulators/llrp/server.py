"""The reader's TCP side: one client at a time, frames in, answers and reports out, and the sins on the wire."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections import deque
from typing import TYPE_CHECKING

from simulators.listener import Listener
from simulators.llrp.commands import VERSION_MESSAGES, refusal
from simulators.llrp.reports import Packed
from simulators.llrp.wire import BOOKS, HEADER, LARGEST, VERSION_1_1, Malformed, Message, Parameter, pack, unpack

if TYPE_CHECKING:
    from simulators.llrp.reader import Reader

CLIENT_EXISTS, ANOTHER_ATTEMPTED = 2, 4
"""ConnectionAttemptStatusType: what the second client hears, and what the first does."""

OWN = ("READER_EVENT_NOTIFICATION", "RO_ACCESS_REPORT", "KEEPALIVE")
"""Messages that answer nothing: they are numbered by the reader."""

UNANSWERED_KEEPALIVES = 5
"""The reader gives a client up after so many KEEPALIVEs in a row without KEEPALIVE_ACK."""

GOOD_BYE = 0.5
"""Seconds that the client has to take the ConnectionCloseEvent."""

WAITING_ANSWERS = 64
"""No more requests are read while so many answers wait for the client to read them."""


def attempt(reader: "Reader", status: int) -> Message:
    """The event with which every connection begins."""
    return reader.event(Parameter("ConnectionAttemptEvent", {"Status": status}))


class Server:
    """Listens, and lets one client in."""

    def __init__(self, reader: "Reader") -> None:
        self.reader = reader
        self.link: Link | None = None
        self._listener = Listener(self._serve)

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None) -> int:
        """Bind; the port is returned."""
        return await self._listener.open(host, port, tls)

    def abort(self) -> None:
        """Reset the client's connection."""
        if self.link:
            self.link.abort()

    async def close(self) -> None:
        """Say good-bye to the client, close, stop listening."""
        if self.link:
            self.link.say(self.reader.event(Parameter("ConnectionCloseEvent")))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.link.drained.wait(), GOOD_BYE)
        self.reader.closing = True
        await self._listener.close()

    async def _serve(self, incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        if self.link and self.link.lost():
            await self.link.over.wait()  # the one before has gone, and is being cleared away at this instant
        if self.link:
            self.reader.refused_connections += 1
            self.link.say(attempt(self.reader, ANOTHER_ATTEMPTED))
            outgoing.write(pack(attempt(self.reader, CLIENT_EXISTS)))
            return
        self.reader.connections += 1
        self.reader.greeted()
        link = self.link = Link(self.reader, incoming, outgoing)
        try:
            await link.run()
        finally:
            self.link = None
            self.reader.parted()
            link.drained.set()
            link.over.set()


class Link:
    """One client's connection."""

    def __init__(self, reader: "Reader", incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.held = reader.config.hold
        self.unanswered = 0
        self.wake, self.rekeyed, self.drained, self.over = (asyncio.Event() for _ in range(4))
        self._incoming, self._outgoing = incoming, outgoing
        self._answers: deque[Message] = deque()
        self._next_id = 1
        outgoing.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def run(self) -> None:
        """Serve the client until one side ends it."""
        self.say(attempt(self.reader, 0))
        tasks = [asyncio.create_task(part) for part in (self._read(), self._pump(), self._beat())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # raises what ended it
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def say(self, message: Message) -> None:
        """Queue an answer, a keepalive or a connection event: these are never held, and go before reports."""
        self._answers.append(message)
        self.drained.clear()
        self.wake.set()

    def lost(self) -> bool:
        """The client has closed or reset its end."""
        return self._outgoing.is_closing() or self._incoming.at_eof() or self._incoming.exception() is not None

    def abort(self) -> None:
        """Reset the connection: nothing more is sent."""
        linger = struct.pack("ii", 1, 0)  # on, for 0 s: close() sends RST
        self._outgoing.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._outgoing.transport.abort()

    async def _read(self) -> None:
        while not self.reader.closing:
            if len(self._answers) > WAITING_ANSWERS:
                await self.drained.wait()
            head = await self._incoming.readexactly(HEADER)
            length = int.from_bytes(head[2:6], "big")
            if not HEADER <= length <= LARGEST:
                self.abort()  # there is no telling where the next message begins
                return
            answer = self._handle(head + await self._incoming.readexactly(length - HEADER))
            if answer:
                self.say(answer)
        await self.drained.wait()

    def _handle(self, frame: bytes) -> Message | None:
        reader = self.reader
        try:
            request = unpack(frame, versions=reader.profile.versions)
            if request.name not in VERSION_MESSAGES and request.version != reader.version:
                raise Malformed(110, f"this connection speaks LLRP version {reader.version}")
            answer = reader.answer(request)
        except Malformed as error:
            shape = BOOKS[VERSION_1_1].message_types.get(int.from_bytes(frame[:2], "big") & 0x3FF)
            answer = refusal(shape.name if shape else "", int.from_bytes(frame[6:10], "big"), error)
        if answer:
            old = answer.name.removesuffix("_RESPONSE") not in VERSION_MESSAGES
            answer.version = reader.version if old else VERSION_1_1
        return answer

    async def _beat(self) -> None:
        while True:
            self.rekeyed.clear()
            try:
                async with asyncio.timeout(self.reader.config.keepalive_ms / 1000 or None):
                    await self.rekeyed.wait()
                continue
            except TimeoutError:
                pass
            if self.reader.sins.silent:
                continue
            if self.unanswered >= UNANSWERED_KEEPALIVES:
                self.reader.given_up += 1
                self.abort()
                return
            self.unanswered += 1
            self.reader.keepalives += 1
            self.say(Message("KEEPALIVE"))

    async def _pump(self) -> None:
        while True:
            await self.wake.wait()
            self.wake.clear()
            while self._answers or (self.reader.backlog and not self.held):
                if self.reader.sins.silent:
                    await asyncio.sleep(0.01)
                    continue
                message = self._answers.popleft() if self._answers else self.reader.backlog.popleft()
                await self._send(message)
                if not self._answers:
                    self.drained.set()

    async def _send(self, message: Message | Packed) -> None:
        sins = self.reader.sins
        if isinstance(message, Packed):
            frame = message.numbered(self.reader.version, self._number())
        else:
            if message.name in OWN:
                message.id, message.version = self._number(), self.reader.version
            frame = pack(message)
        if isinstance(message, Packed):
            self.reader.reported += message.tags
            if sins.wrong_length:
                frame = frame[:2] + (len(frame) + sins.wrong_length).to_bytes(4, "big") + frame[6:]
                sins.wrong_length = 0
            if sins.cut_mid_message is not None:
                frame, sins.cut_mid_message = frame[: sins.cut_mid_message], None
                self._outgoing.write(frame)
                await self._outgoing.drain()
                await asyncio.sleep(0.05)  # let the client read them: a reset would discard what it has not read
                self.abort()
                return
        elif sins.slow:
            await asyncio.sleep(sins.slow)
        await self._write(frame)

    def _number(self) -> int:
        number, self._next_id = self._next_id, self._next_id + 1
        return number

    async def _write(self, frame: bytes) -> None:
        if not self.reader.sins.one_byte_at_a_time:
            self._outgoing.write(frame)
            await self._outgoing.drain()
            return
        for byte in frame:
            self._outgoing.write(bytes((byte,)))
            await self._outgoing.drain()
            await asyncio.sleep(0)
