"""Light stacks: a decision's colour at the door, off after a while; the newest decision of a portal wins."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from gateway import metrics
from gateway.errors import DeviceError
from gateway.model.outcome import DeviceCommand
from gateway.readers import Reader

log = structlog.get_logger(__name__)


class Lights:
    """Shows `light` commands on readers' outputs. At most one task per portal."""

    def __init__(self, readers: Mapping[str, Reader], clock: Callable[[], int]) -> None:
        self._readers = readers
        self._clock = clock
        self._showing: dict[str, asyncio.Task[None]] = {}

    def show(self, command: DeviceCommand) -> None:
        """Show a command now; one past its time is counted, not sent (DESIGN §4, commands to devices)."""
        if self._clock() > command.valid_until:
            metrics.COMMANDS.labels(command.name, "late").inc()
            return
        portal = str(command.args["portal"])
        before = self._showing.get(portal)
        if before is not None:
            before.cancel()
        self._showing[portal] = asyncio.create_task(self._light(command), name=f"light {portal}")

    async def stop(self) -> None:
        """Let go of what is lit; the reader's own time-out or the next decision puts it out."""
        tasks = list(self._showing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _light(self, command: DeviceCommand) -> None:
        reader = self._readers[command.device]
        ports: dict[str, int] = command.args["ports"]
        lit = ports.get(command.args["colour"])
        try:
            await reader.light({port: port == lit for port in ports.values()})
            metrics.COMMANDS.labels(command.name, "shown").inc()
            await asyncio.sleep(command.args["hold_ms"] / 1000)
            await reader.light(dict.fromkeys(ports.values(), False))
        except DeviceError as error:
            metrics.COMMANDS.labels(command.name, "failed").inc()
            log.warning("light not shown", portal=command.args["portal"], reason=str(error))
