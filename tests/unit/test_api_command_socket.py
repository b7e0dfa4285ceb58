"""The command socket: requests and replies, bad lines, watching, and who asks."""

import asyncio
import contextlib
import getpass
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.api import command_socket
from gateway.api.client import Client, UnreachableError
from gateway.api.command_socket import CommandSocket
from gateway.model.inputs import Command


class House:
    """What is behind the socket."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def decide(self, command: Command) -> dict[str, Any] | None:
        """Remember, and answer when the gate is open."""
        self.commands.append(command)
        await self.gate.wait()
        return None if command.name == "silent" else {"ok": True, "name": command.name}

    def status(self) -> dict[str, Any]:
        """A status."""
        return {"ready": True}


@asynccontextmanager
async def served(path: Path) -> AsyncIterator[tuple[House, CommandSocket]]:
    """A socket that listens at `path`."""
    house = House()
    served = CommandSocket(path, house.decide, house.status)
    task = asyncio.create_task(served.run())
    while not path.exists() or stat.S_IMODE(path.stat().st_mode) != 0o660:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    try:
        yield house, served
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert not path.exists()


class Caller:
    """A raw client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, line: bytes) -> Any:
        """Send a line, return the decoded answer; None when the other end closed."""
        self.writer.write(line + b"\n")
        await self.writer.drain()
        answer = await asyncio.wait_for(self.reader.readline(), 5)
        return msgspec.json.decode(answer) if answer else None


@asynccontextmanager
async def calling(path: Path) -> AsyncIterator[Caller]:
    """A connection that is closed at the end."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        yield Caller(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_requests_are_answered_in_order_on_one_connection(tmp_path: Path) -> None:
    """Each line gets one line; commands carry the name of the unix user who asked."""
    path = tmp_path / "s"
    async with served(path) as (house, _), calling(path) as caller:
        assert await caller.ask(b'{"name":"alarms.ack","args":{"alarm":"a"}}') == {"ok": True, "name": "alarms.ack"}
        assert await caller.ask(b'{"name":"silent","more":1}') == {"ok": True}
        assert await caller.ask(b'{"name":"status"}') == {"ok": True, "status": {"ready": True}}
        me = getpass.getuser()
        assert house.commands == [Command("alarms.ack", {"alarm": "a"}, me), Command("silent", {}, me)]


@pytest.mark.parametrize(
    "line", [b"rubbish", b"", b"[]", b'{"args":{}}', b'{"name":1}', b'{"name":"a","args":[]}', b"\xff", b"[" * 9000]
)
async def test_a_bad_request_is_answered_and_the_connection_lives(tmp_path: Path, line: bytes) -> None:
    """What is no request gets an error that says so, and the next line is taken."""
    path = tmp_path / "s"
    async with served(path) as (house, _), calling(path) as caller:
        answer = await caller.ask(line)
        assert answer["ok"] is False
        assert answer["error"].startswith("not a request: ")
        assert (await caller.ask(b'{"name":"x"}'))["ok"] is True
        assert [command.name for command in house.commands] == ["x"]


async def test_a_line_beyond_the_limit_ends_its_connection_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An endless line is not collected for ever; its client is closed, others are served."""
    monkeypatch.setattr(command_socket, "LONGEST_LINE", 1000)
    path = tmp_path / "s"
    async with served(path) as (_, _), calling(path) as greedy, calling(path) as other:
        with contextlib.suppress(ConnectionError):
            assert await greedy.ask(b'{"name":"' + b"x" * 100_000) is None
        assert (await other.ask(b'{"name":"x"}'))["ok"] is True


async def test_clients_do_not_wait_for_one_another(tmp_path: Path) -> None:
    """While one client's command is being decided, another's is taken."""
    path = tmp_path / "s"
    async with served(path) as (house, _), calling(path) as first, calling(path) as second:
        house.gate.clear()
        waiting = asyncio.create_task(first.ask(b'{"name":"slow"}'))
        assert (await second.ask(b'{"name":"status"}'))["ok"] is True
        assert not waiting.done()
        house.gate.set()
        assert (await waiting)["name"] == "slow"


async def test_watchers_get_every_line(tmp_path: Path) -> None:
    """Two watchers see the lines published while they watch, and leave no trace when they go."""
    path = tmp_path / "s"
    async with served(path) as (_, socket):
        assert not socket.watched
        socket.publish(b'{"kind":"before"}')
        async with calling(path) as first, calling(path) as second:
            assert await first.ask(b'{"name":"watch"}') == {"ok": True}
            assert await second.ask(b'{"name":"watch"}') == {"ok": True}
            assert socket.watched
            for number in range(100):
                socket.publish(b'{"n":%d}' % number)
            for caller in (first, second):
                lines = [await asyncio.wait_for(caller.reader.readline(), 5) for _ in range(100)]
                assert lines == [b'{"n":%d}\n' % number for number in range(100)]
        while socket.watched:  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_a_slow_watcher_is_told_what_it_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the bound reached the oldest lines go, and a line says how many."""
    monkeypatch.setattr(command_socket, "WATCH_BOUND", 4)
    path = tmp_path / "s"
    async with served(path) as (_, socket), calling(path) as caller:
        assert await caller.ask(b'{"name":"watch"}') == {"ok": True}
        for number in range(10):
            socket.publish(b"%d" % number)
        lines = [await asyncio.wait_for(caller.reader.readline(), 5) for _ in range(5)]
        assert lines == [b'{"kind":"missed","lines":6}\n', b"6\n", b"7\n", b"8\n", b"9\n"]


async def test_stopping_lets_clients_go(tmp_path: Path) -> None:
    """When the gateway stops, watchers and waiting clients see the end of their stream."""
    path = tmp_path / "s"
    async with contextlib.AsyncExitStack() as stack:
        async with served(path) as (house, _):
            watcher = await stack.enter_async_context(calling(path))
            waiter = await stack.enter_async_context(calling(path))
            await watcher.ask(b'{"name":"watch"}')
            house.gate.clear()
            waiting = asyncio.create_task(waiter.ask(b'{"name":"slow"}'))
            while not house.commands:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        assert await asyncio.wait_for(watcher.reader.readline(), 5) == b""
        assert await waiting is None


async def test_a_stale_socket_file_is_replaced(tmp_path: Path) -> None:
    """What a killed gateway left behind does not keep the next one from listening."""
    path = tmp_path / "s"
    path.touch()
    async with served(path), calling(path) as caller:
        assert (await caller.ask(b'{"name":"x"}'))["ok"] is True


async def test_the_client_speaks_to_it(tmp_path: Path) -> None:
    """The blocking client of the command line: requests, a watch, and a gateway that goes away."""
    path = tmp_path / "s"

    def talk() -> tuple[Any, Any, list[bytes]]:
        with Client(path) as client:
            answers = client.request("alarms.ack", {"alarm": "a"}), client.request("status")
            return (*answers, list(client.watch()))

    async with served(path) as (_, socket):
        talking = asyncio.create_task(asyncio.to_thread(talk))
        while not socket.watched:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        socket.publish(b"one")
        socket.publish(b"two")
        await asyncio.sleep(0.05)
    first, second, lines = await talking
    assert first == {"ok": True, "name": "alarms.ack"}
    assert second["status"] == {"ready": True}
    assert lines == [b"one", b"two"]


def test_without_a_gateway_the_client_says_so(tmp_path: Path) -> None:
    """No socket, or nobody behind it: an error of the house with the path and a question."""
    with (
        pytest.raises(UnreachableError, match=r"no gateway answers on .*nowhere.*is it running"),
        Client(tmp_path / "nowhere"),
    ):
        pass


async def test_a_gateway_that_closes_is_an_error_of_the_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that gets no answer raises UnreachableError, not a bare socket error."""
    monkeypatch.setattr(command_socket, "LONGEST_LINE", 1000)
    path = tmp_path / "s"

    def talk() -> None:
        with Client(path) as client:
            client.request("x", {"long": "y" * 5_000_000})

    async with served(path):
        with pytest.raises(UnreachableError, match="closed"):
            await asyncio.to_thread(talk)
