"""HTTP: health, readiness and figures, on a port of its own."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.api.http import HttpApi, application
from gateway.api.status import Status
from gateway.metrics import QUEUE


class Room:
    """What the application is told."""

    def __init__(self) -> None:
        self.status = Status()
        self.healthy = True
        self.refreshed = 0

    def refresh(self) -> None:
        """Count, and set a gauge."""
        self.refreshed += 1
        QUEUE.labels("test_api_http").set(self.refreshed)


@asynccontextmanager
async def serving(room: Room, host: str = "127.0.0.1") -> AsyncIterator[HttpApi]:
    """The API on a free port."""
    api = HttpApi(application(room.status, room.refresh, lambda: room.healthy), host, 0)
    api.bind()
    task = asyncio.create_task(api.run())
    try:
        yield api
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def get(api: HttpApi, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Ask with bytes of our own: status, headers, body."""
    for _ in range(100):
        try:
            reader, writer = await asyncio.open_connection(api.host, api.port)
            break
        except ConnectionError:
            await asyncio.sleep(0.01)
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in rest)
    return int(first.split()[1]), headers, body


async def test_health_is_the_watchdogs_view() -> None:
    """200 while there is progress, 503 when there is none."""
    room = Room()
    async with serving(room) as api:
        assert (await get(api, "/healthz"))[::2] == (200, b"ok\n")
        room.healthy = False
        assert (await get(api, "/healthz"))[::2] == (503, b"no progress\n")


async def test_readiness_names_every_component() -> None:
    """503 while recovering; 200 once ready, though a device is down, with its reason and since when."""
    room = Room()
    async with serving(room) as api:
        code, headers, body = await get(api, "/readyz")
        found: dict[str, Any] = json.loads(body)
        assert (code, found["ready"], found["recovering"], found["schema"]) == (503, False, True, 1)
        assert headers["content-type"] == "application/json"
        room.status.ready, room.status.recovering = True, False
        room.status.set("dock-1", "up", 5)
        room.status.set("mqtt", "down", 6, "connection refused")
        room.status.queued, room.status.parked = 12, 1
        code, _, body = await get(api, "/readyz")
        found = json.loads(body)
        assert (code, found["ready"]) == (200, True)
        assert found["components"]["mqtt"] == {"state": "down", "since": 6, "detail": "connection refused"}
        assert found["status"] == "1/2 up; not up: mqtt; 12 events queued, 1 parked"


async def test_metrics_are_brought_up_to_date_before_they_are_shown() -> None:
    """Each scrape refreshes the gauges, and the text is Prometheus's."""
    room = Room()
    async with serving(room) as api:
        await get(api, "/metrics")
        code, headers, body = await get(api, "/metrics")
        assert code == 200
        assert headers["content-type"].startswith("text/plain; version=")
        assert b'tallyman_queue_items{queue="test_api_http"} 2.0' in body
        assert b"# TYPE tallyman_inputs_total counter" in body


async def test_what_is_not_there_is_a_404_and_writing_a_405() -> None:
    """Nothing but the three is served, and nothing can be changed by HTTP."""
    async with serving(Room()) as api:
        for path in ("/", "/docs", "/redoc", "/metrics/x"):
            assert (await get(api, path))[0] == 404
        assert (await get(api, "/healthz", "POST"))[0] == 405


async def test_a_port_in_use_is_told_at_once() -> None:
    """`bind` raises before anything runs."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        room = Room()
        api = HttpApi(application(room.status, room.refresh, lambda: True), "127.0.0.1", taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            api.bind()


def test_since_moves_only_with_the_state() -> None:
    """A component that stays down keeps the instant it went down, with the newest reason."""
    status = Status()
    status.set("r", "down", 10, "a")
    status.set("r", "down", 20, "b")
    assert (status.components["r"].since, status.components["r"].detail) == (10, "b")
    status.set("r", "up", 30)
    assert (status.components["r"].since, status.components["r"].detail) == (30, "")
    assert Status().line() == "0/0 up; 0 events queued"
