"""The simulated site: its readers, Modbus slave and scales in one process, and the morning played on them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from simulators.lines import commands, say
from simulators.llrp import Reader
from simulators.modbus import ModbusSlave
from simulators.player import Player
from simulators.scale import AndScale
from simulators.script import Scenario
from simulators.truth import truth

READERS_WITHIN = 30.0
"""Seconds a gateway has to start its ROSpecs before play is given up."""


class Site:
    """Every device of a scenario, listening on loopback."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.readers = {
            portal.reader: Reader(portal.reader, antennas=len(portal.antennas)) for portal in scenario.portal
        }
        self.slave = ModbusSlave(units=sorted({sensor.unit for sensor in scenario.sensor}) or (1,))
        self.scales = {portal.scale: AndScale() for portal in scenario.portal if portal.scale is not None}
        self.ports: dict[str, Any] = {}

    async def start(self) -> dict[str, Any]:
        """Listen everywhere; the ports: `{"readers": {id: port}, "modbus": port, "scale": {id: port}}`."""
        readers = {name: await reader.start("127.0.0.1", 0) for name, reader in self.readers.items()}
        modbus = await self.slave.start("127.0.0.1", 0)
        scales = {name: await scale.serve_tcp(port=0) for name, scale in self.scales.items()}
        self.ports = {"readers": readers, "modbus": modbus, "scale": scales}
        return self.ports

    async def stop(self) -> None:
        """Close everything."""
        for reader in self.readers.values():
            await reader.stop()
        for scale in self.scales.values():
            await scale.stop()
        await self.slave.stop()

    def idle(self) -> list[str]:
        """The readers at which no ROSpec is active."""
        return sorted(name for name, reader in self.readers.items() if not reader.active)

    async def wait_active(self, timeout: float = READERS_WITHIN) -> None:
        """Wait until every reader has an active ROSpec.

        Raises:
            TimeoutError: some had none within `timeout` seconds; `idle()` says which.
        """
        async with asyncio.timeout(timeout):
            while self.idle():  # noqa: ASYNC110 - a reader tells nobody when its ROSpec starts
                await asyncio.sleep(0.05)


async def serve(scenario: Scenario, autoplay: bool = False) -> int:
    """Run the site as a process does: JSON lines out, commands in (`{"play":true}`, `{"stop":true}`); the exit code.

    End of input stops it, after a play that has begun. SIGTERM stops it at once.
    """
    answer = truth(scenario)  # a scenario without one answer is refused before anything listens
    site = Site(scenario)
    player = Player(scenario, site.readers, site.slave, site.scales, lambda step: say(**step))
    try:
        ports = await site.start()
        player.prepare()
        incoming = commands()
        say(ready=True, scenario=scenario.name, **ports)
        return await _obey(incoming, site, player, answer.report(), autoplay)
    finally:
        await site.stop()


async def _obey(
    incoming: AsyncIterator[dict[str, Any]], site: Site, player: Player, answer: dict[str, Any], autoplay: bool
) -> int:
    """Do as told until told to stop, until input ends and play is over, or until play cannot be; the exit code."""
    play: asyncio.Task[bool] | None = None
    wanted = autoplay
    while True:
        if wanted and play is None:
            play = asyncio.create_task(_play(site, player, answer))
        listening = asyncio.ensure_future(_next(incoming))
        if play is not None and not play.done():
            await asyncio.wait({listening, play}, return_when=asyncio.FIRST_COMPLETED)
            if play.done() and not play.result():
                listening.cancel()
                await asyncio.wait({listening})
                return 1
        command = await listening
        if command is None:
            return 0 if play is None or await play else 1
        if command.get("stop") is True:
            if play is not None and not play.done():
                play.cancel()
                await asyncio.wait({play})
            return 0
        wanted = command.get("play") is True
        if not wanted or play is not None:
            say(error=f'{command} does not fit: expected {{"play":true}} once, or {{"stop":true}}')


async def _next(incoming: AsyncIterator[dict[str, Any]]) -> dict[str, Any] | None:
    return await anext(incoming, None)


async def _play(site: Site, player: Player, answer: dict[str, Any]) -> bool:
    try:
        await site.wait_active()
    except TimeoutError:
        say(
            error=f"no ROSpec is active at {', '.join(site.idle())} after {READERS_WITHIN:g} s; is the gateway running?"
        )
        return False
    say(playing=True, seconds=site.scenario.duration)
    await player.play()
    say(done=True, truth=answer, lamps=player.lamps, reads=player.reads, unheard=player.unheard)
    return True
