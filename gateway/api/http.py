"""HTTP: /healthz (is the process alive), /readyz (does it decide, and what is down), /metrics (Prometheus)."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import msgspec
import uvicorn
from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway import __version__
from gateway.api.status import Status
from gateway.metrics import REGISTRY

BACKLOG = 64


def application(status: Status, refresh: Callable[[], None], healthy: Callable[[], bool]) -> FastAPI:
    """The HTTP application. `refresh` brings gauges up to date before a scrape; `healthy` is the watchdog's view."""
    app = FastAPI(title="Tallyman", version=__version__, docs_url=None, redoc_url=None)

    @app.get("/healthz")
    async def healthz() -> Response:
        """200 while the loop and the ledger writer make progress, else 503."""
        alive = healthy()
        return Response("ok\n" if alive else "no progress\n", 200 if alive else 503, media_type="text/plain")

    @app.get("/readyz")
    async def readyz() -> Response:
        """200 once recovered and deciding, else 503; the body names every component and what is wrong with it."""
        body = msgspec.json.encode({"schema": 1, "status": status.line()} | msgspec.to_builtins(status))
        return Response(body, 200 if status.ready else 503, media_type="application/json")

    @app.get("/metrics")
    async def metrics() -> Response:
        """The figures of `gateway.metrics` in the Prometheus text format."""
        refresh()
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    return app


class _Server(uvicorn.Server):
    """uvicorn inside our loop: signals stay with the app."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process's signal handlers alone."""
        yield


class HttpApi:
    """Serves the application on `host:port`; `port` is the real one once `bind` has run."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        self.host = host
        self.port = port
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
        self._server = _Server(config)
        self._socket: socket.socket | None = None

    def bind(self) -> None:
        """Take the port.

        Raises:
            OSError: it is in use or not ours to take.
        """
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._socket = socket.create_server((self.host, self.port), family=family, backlog=BACKLOG)
        self.port = self._socket.getsockname()[1]

    async def run(self) -> None:
        """Serve until cancelled."""
        assert self._socket is not None
        serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            self._server.should_exit = True
            await serving
            raise
        finally:
            self._socket.close()
