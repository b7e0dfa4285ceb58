"""The demo follows the gateway's decisions from the first one on."""

import asyncio
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gateway.cli.demo import _watch


async def test_a_socket_that_is_there_and_does_not_listen_yet_is_tried_again(tmp_path: Path) -> None:
    """The file is made when the gateway binds it, a moment before anybody answers there."""
    path, taken = tmp_path / "s", []
    gateway: Any = SimpleNamespace(lines=asyncio.Queue())
    board: Any = SimpleNamespace(take=taken.append)
    watching = asyncio.create_task(_watch(path, gateway, board))
    await asyncio.sleep(0.1)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        await asyncio.sleep(0.2)
        assert not watching.done()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            assert await reader.readline() == b'{"name":"watch"}\n'
            writer.write(b'{"kind": "passage"}\n')
            writer.close()

        async with await asyncio.start_unix_server(answer, sock=listener):
            await asyncio.wait_for(watching, 5)
    assert taken == [{"kind": "passage"}]
