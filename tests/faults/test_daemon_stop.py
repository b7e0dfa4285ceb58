"""Stopping when a link fails at that very instant: nothing may hide the order, and nothing may be taken for it."""

import asyncio
import importlib.util
import time
from pathlib import Path

from gateway.errors import DeviceError
from gateway.supervisor import keep
from simulators.scale import AndScale

_spec = importlib.util.spec_from_file_location("daemon_bench", Path(__file__).parents[1] / "system" / "daemon_bench.py")
bench = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(bench)


class Link:
    """A driver of two tasks, like the uplink's and the scales': a TaskGroup that raises its first error."""

    id = "link"

    def __init__(self, fails: asyncio.Event) -> None:
        self.fails = fails
        self.runs = 0

    async def run(self) -> None:
        self.runs += 1
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._failing())
                await asyncio.Event().wait()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    async def _failing(self) -> None:
        try:
            await self.fails.wait()
        finally:  # also when cancelled: its last word fails
            raise DeviceError(self.id, "gone")


async def unheard(device: str, state: str, detail: str) -> None:
    """A report that nobody reads."""


async def test_a_stop_is_not_hidden_by_a_failure():
    """A link that fails while it is being cancelled is not started again: its supervisor stops."""
    link = Link(asyncio.Event())
    task = asyncio.create_task(keep(link, unheard))
    await asyncio.sleep(0.01)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=2)
    assert done == {task}
    assert task.cancelled()
    assert link.runs == 1


async def test_failures_are_not_taken_for_a_stop(monkeypatch):
    """A link whose task groups fail again and again is started again each time."""
    monkeypatch.setattr("gateway.supervisor.FIRST_PAUSE", 0.001)
    fails = asyncio.Event()
    fails.set()
    link = Link(fails)
    task = asyncio.create_task(keep(link, unheard, longest=0.001))
    await bench.until(lambda: link.runs > 20)
    assert not task.done()
    task.cancel()
    await asyncio.wait([task], timeout=2)
    assert task.cancelled()


async def test_a_link_that_cancels_itself_is_started_again(monkeypatch):
    """A stray cancellation inside a driver is a failure like any other; the device is not lost for ever."""
    monkeypatch.setattr("gateway.supervisor.FIRST_PAUSE", 0.001)
    told = []

    class Stray(Link):
        async def run(self) -> None:
            self.runs += 1
            raise asyncio.CancelledError

    async def report(device: str, state: str, detail: str) -> None:
        told.append(detail)

    link = Stray(asyncio.Event())
    task = asyncio.create_task(keep(link, report, longest=0.001))
    await bench.until(lambda: link.runs > 3)
    task.cancel()
    await asyncio.wait([task], timeout=2)
    assert task.cancelled()
    assert set(told) == {"was cancelled from within"}


async def test_a_daemon_stops_while_everything_breaks():
    """SIGTERM at the instant at which reader, scale and broker go away, a watcher connected: exit 0 within 5 s."""
    with bench.place() as folder:
        (folder / "mosquitto").mkdir()
        scale = AndScale()
        port = await scale.serve_tcp()
        more = f'\n[[scale]]\nid = "dock-1-scale"\nportal = "dock-1"\nurl = "tcp://127.0.0.1:{port}"\n'
        async with bench.Broker(folder / "mosquitto") as broker, bench.dock() as dock:
            config = bench.configuration(dock.ports, mqtt=broker.port, more=more)
            async with bench.gateway(folder, config) as gateway, bench.Watcher(gateway) as watcher:
                await dock.active()
                for name in ("dock-1-scale", "mqtt"):
                    await gateway.component(name, "up")
                began = time.monotonic()
                await asyncio.gather(scale.stop(), broker.stop(), dock.readers["reader-1"].stop(), gateway.stop())
                assert time.monotonic() - began < 5
                assert await gateway.exit() == 0
                await watcher.ended()
