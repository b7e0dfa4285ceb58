"""Light stacks: a decision's colour at the door, off after a while; the newest decision of a portal wins.

A buzzer sounds shortly with red: nobody looks at a lamp while driving on.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

import structlog

from gateway import metrics
from gateway.errors import DeviceError
from gateway.model.outcome import DeviceCommand
from gateway.model.settings import Portal
from gateway.readers import Reader

log = structlog.get_logger(__name__)

BEEP = 0.5
"""Seconds that the buzzer sounds with red."""

GOODBYE = 1.0
"""Seconds that putting out what is lit may take at a stop."""


class Lights:
    """Shows `light` commands on readers' outputs. At most one task per portal.

    Between `start` and `stop`; a command outside that time is counted, not sent.
    """

    def __init__(self, portals: Iterable[Portal], clock: Callable[[], int]) -> None:
        self._stacks = {portal.id: portal.lights for portal in portals if portal.lights is not None}
        self._clock = clock
        self._readers: Mapping[str, Reader] = {}
        self._showing: dict[str, asyncio.Task[None]] = {}
        self._lit: dict[str, tuple[Reader, tuple[int, ...]]] = {}

    def start(self, readers: Mapping[str, Reader]) -> None:
        """These readers have the outputs."""
        self._readers = readers

    def show(self, command: DeviceCommand) -> None:
        """Show a command now; one past its time is counted, not sent (DESIGN §4, commands to devices)."""
        reader = self._readers.get(command.device)
        if reader is None or self._clock() > command.valid_until:
            metrics.COMMANDS.labels(command.name, "late").inc()
            return
        portal = str(command.args["portal"])
        self._take_over(portal, self._light(portal, reader, command.args))

    def connected(self, device: str) -> None:
        """A reader is back: its lamps may still say what was decided before a crash, so those not in use go out."""
        reader = self._readers.get(device)
        if reader is None:
            return
        for portal, stack in self._stacks.items():
            ports = tuple(port for port in (stack.green, stack.red, stack.amber, stack.buzzer) if port is not None)
            if stack.reader == device and portal not in self._showing and ports:
                self._take_over(portal, self._dark(portal, reader, ports))

    async def stop(self) -> None:
        """Put out what is lit, while the readers are still there."""
        self._readers = {}
        tasks = list(self._showing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        lit = [self._dark(portal, *lamps) for portal, lamps in self._lit.items()]
        try:
            async with asyncio.timeout(GOODBYE):
                await asyncio.gather(*lit)
        except TimeoutError:
            return

    def _take_over(self, portal: str, work: Coroutine[Any, Any, None]) -> None:
        before = self._showing.get(portal)
        if before is not None:
            before.cancel()
        task = self._showing[portal] = asyncio.create_task(work, name=f"light {portal}")
        task.add_done_callback(lambda done: self._done(portal, done))

    def _done(self, portal: str, task: asyncio.Task[None]) -> None:
        if self._showing.get(portal) is task:
            del self._showing[portal]

    async def _light(self, portal: str, reader: Reader, args: dict[str, Any]) -> None:
        lamps: dict[str, int] = args["ports"]
        lit = lamps.get(args["colour"])
        levels = {port: port == lit for port in lamps.values()}
        stack = self._stacks.get(portal)
        buzzer = stack.buzzer if stack is not None and stack.reader == reader.id else None
        beep = buzzer is not None and args["colour"] == "red"
        if buzzer is not None:
            levels[buzzer] = beep
        ports = tuple(levels)
        self._lit[portal] = reader, ports
        try:
            await reader.light(levels)
        except DeviceError as error:
            metrics.COMMANDS.labels("light", "failed").inc()
            log.warning("light not shown", portal=portal, reason=str(error))
            return
        metrics.COMMANDS.labels("light", "shown").inc()
        hold = args["hold_ms"] / 1000
        if buzzer is not None and beep and hold > BEEP:
            await asyncio.sleep(BEEP)
            hold -= BEEP
            await self._silence(portal, reader, buzzer)
        await asyncio.sleep(hold)
        await self._dark(portal, reader, ports)

    async def _silence(self, portal: str, reader: Reader, buzzer: int) -> None:
        """The lamps stay as they are. A buzzer that cannot be stopped is tried again with the lamps."""
        try:
            await reader.light({buzzer: False})
        except DeviceError as error:
            log.warning("buzzer not stopped", portal=portal, reason=str(error))

    async def _dark(self, portal: str, reader: Reader, ports: tuple[int, ...]) -> None:
        try:
            await reader.light(dict.fromkeys(ports, False))
        except DeviceError as error:
            log.warning("lamps not put out; done when the reader is back", portal=portal, reason=str(error))
        self._lit.pop(portal, None)
