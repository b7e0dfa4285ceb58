"""The local command socket: one JSON object per line in, one per line out. What may write to it may command.

    {"name":"alarms.ack","args":{"alarm":"cold-2-high"}}   →  {"ok":true,…}
    {"name":"status"}                                       →  {"ok":true,"status":{…}}
    {"name":"watch"}                                        →  {"ok":true}, then every outcome line as it is committed
    {"name":"watch","args":{"antennas":true}}               →  the same, and what antennas hear, four times a second
    {"name":"watch","args":{"inputs":true}}                 →  the same, and every read and edge as a recording's line

Commands enter the pipeline as inputs like everything else; `by` is the name of the unix user at the other end.
"""

import asyncio
import contextlib
import os
import pwd
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import structlog

from gateway.errors import TallymanError
from gateway.model.inputs import Command
from gateway.pipe import Pipe

log = structlog.get_logger(__name__)

LONGEST_LINE = 16 << 20
"""Bytes one request may have: an ASN of a full truck fits many times."""

BACKLOG = 64

WATCH_BOUND = 4096
"""Outcome lines kept for a slow watcher; the oldest go first, and a line of kind `missed` says how many."""

Decide = Callable[[Command], Awaitable[dict[str, Any] | None]]


class Request(msgspec.Struct):
    """One line of a client."""

    name: str
    args: dict[str, Any] = msgspec.field(default_factory=dict)


class CommandSocket:
    """Listens on a unix socket (mode 0660). `watchers` get every outcome line."""

    id = "socket"

    def __init__(self, path: Path, decide: Decide, status: Callable[[], dict[str, Any]]) -> None:
        self.path = path
        self._decide = decide
        self._status = status
        self._watchers: set[Pipe[bytes]] = set()
        self._listeners: set[Pipe[bytes]] = set()  # those of them who also want to know what the antennas hear
        self._recorders: set[Pipe[bytes]] = set()  # and those who want the inputs themselves
        self._serving: set[asyncio.Task[None]] = set()
        self._wire: socket.socket | None = None

    @property
    def watched(self) -> bool:
        """Whether anybody would read a line."""
        return bool(self._watchers)

    @property
    def listened(self) -> bool:
        """Whether anybody would read what the antennas hear."""
        return bool(self._listeners)

    def heard(self, line: bytes) -> None:
        """Give a line about antennas to those who asked for it; never waits."""
        for listener in self._listeners:
            listener.offer(line)

    @property
    def recorded(self) -> bool:
        """Whether anybody would read the inputs."""
        return bool(self._recorders)

    def record(self, line: bytes) -> None:
        """Give an input, as a recording has it, to those who asked for it; never waits."""
        for recorder in self._recorders:
            recorder.offer(line)

    def publish(self, line: bytes) -> None:
        """Give an outcome line (without line feed) to all watchers; never waits."""
        for watcher in self._watchers:
            watcher.offer(line)

    def bind(self) -> None:
        """Take the path and listen; whoever connects before `run` waits there.

        Raises:
            TallymanError: the socket cannot be made (its directory must exist and be writable).
        """
        wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.path.unlink(missing_ok=True)
            wire.bind(str(self.path))
            os.chmod(self.path, 0o660)  # before anybody can connect
            wire.listen(BACKLOG)
        except OSError as error:
            wire.close()
            text = f"[api] socket {self.path}: {error.strerror or error}; its directory must exist and be ours to write"
            raise TallymanError(text) from None
        self._wire = wire

    async def run(self) -> None:
        """Serve until cancelled. Raises as `bind`, unless that was called before."""
        if self._wire is None:
            self.bind()
        server = await asyncio.start_unix_server(self._accept, sock=self._wire, limit=LONGEST_LINE)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            # Not `async with server`: from Python 3.12 on that waits until every client, a watcher too, has left.
            server.close()
            self.path.unlink(missing_ok=True)
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer), name="command client")
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        by = _peer(writer)
        try:
            while line := await reader.readline():
                await self._answer(line, by, reader, writer)
        except (ConnectionError, ValueError) as error:  # gone, or a line beyond the limit
            log.info("a command client left", by=by, reason=str(error))
        finally:
            writer.close()

    async def _answer(self, line: bytes, by: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = msgspec.json.decode(line, type=Request)
        except (ValueError, RecursionError) as error:
            reply: dict[str, Any] = {"ok": False, "error": f"not a request: {error}"}
        else:
            if request.name == "watch":
                await self._watch(reader, writer, request.args)
                return
            if request.name == "status":
                reply = {"ok": True, "status": self._status()}
            else:
                decided = await self._decide(Command(request.name, request.args, by))
                reply = {"ok": True} if decided is None else decided
        writer.write(msgspec.json.encode(reply) + b"\n")
        await writer.drain()

    async def _watch(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, args: dict[str, Any]) -> None:
        pipe: Pipe[bytes] = Pipe("watch", WATCH_BOUND)
        self._watchers.add(pipe)
        if args.get("antennas") is True:
            self._listeners.add(pipe)
        if args.get("inputs") is True:
            self._recorders.add(pipe)
        gone = asyncio.create_task(_end_of(reader))
        missed = 0
        try:
            writer.write(b'{"ok":true}\n')
            while not gone.done():
                filled = asyncio.create_task(pipe.filled())
                await asyncio.wait([filled, gone], return_when=asyncio.FIRST_COMPLETED)
                filled.cancel()
                if pipe.dropped > missed:
                    writer.write(b'{"kind":"missed","lines":%d}\n' % (pipe.dropped - missed))
                    missed = pipe.dropped
                writer.writelines(line + b"\n" for line in pipe.take(WATCH_BOUND))
                await writer.drain()
        finally:
            gone.cancel()
            self._watchers.discard(pipe)
            self._listeners.discard(pipe)
            self._recorders.discard(pipe)
            writer.writelines(line + b"\n" for line in pipe.take(WATCH_BOUND))  # the last ones, at a stop


async def _end_of(reader: asyncio.StreamReader) -> None:
    """Wait until the client has gone; what it still says is not listened to."""
    with contextlib.suppress(ConnectionError):
        while await reader.read(65536):
            pass


def _peer(writer: asyncio.StreamWriter) -> str:
    """The user at the other end (SO_PEERCRED, unix(7))."""
    wire = writer.get_extra_info("socket")
    _, uid, _ = struct.unpack("3i", wire.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
