"""What every simulated device on TCP needs: listen, serve each client in a task, and leave nothing open."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

FLUSH = 0.5
"""Seconds that a client has to read what was written before its connection is aborted."""


class Listener:
    """Calls `serve` for each client; the connection ends with it. What a client does to its end is not an error."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._server: asyncio.Server | None = None
        self._clients: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    async def open(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen, with `tls` if given; the bound port is returned. OSError when the address cannot be had."""
        self._server = await asyncio.start_server(self._connected, host, port, ssl=tls)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    def drop(self) -> None:
        """Abort every connection."""
        for writer in self._clients:
            writer.transport.abort()

    async def close(self) -> None:
        """Stop listening and end every connection, those being accepted at this instant included."""
        if self._server is None:
            return
        self._server.close()
        for _ in range(3):  # asyncio takes as many turns from accept() to the callback
            await asyncio.sleep(0)
        tasks = list(self._clients.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.drop()
        self._clients.clear()
        await self._server.wait_closed()
        self._server = None
        await asyncio.sleep(0)  # an aborted transport closes its socket in the next turn

    def _connected(self, incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        # Not a coroutine: a client is known from the first instant, so that close() misses none.
        self._clients[outgoing] = asyncio.get_running_loop().create_task(self._run(incoming, outgoing))

    async def _run(self, incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        try:
            await self._serve(incoming, outgoing)
        except (OSError, EOFError):
            pass  # the client went away (IncompleteReadError is an EOFError)
        finally:
            outgoing.close()
            try:
                await asyncio.wait_for(outgoing.wait_closed(), FLUSH)
            except (TimeoutError, OSError):
                outgoing.transport.abort()
            self._clients.pop(outgoing, None)
