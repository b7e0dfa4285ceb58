"""Modbus: polls sensors on a time grid, several on one connection, and submits measurements.

What a reply is worth is decided in `modbus_line` (the connection) and `registers` (the map); this file decides when
to ask, and what to say when there is no answer.
"""

import asyncio
from collections.abc import Sequence

import structlog
from msgspec import Struct

from gateway.errors import DeviceError
from gateway.model.inputs import Device, Measurement
from gateway.sensors.modbus_line import ILLEGAL_ADDRESS, Line, LostError, MismatchError, RefusedReplyError, parse_url
from gateway.sensors.registers import MAX_REGISTERS, Block, Decoded, Profile, decode, foreign, plan, split, unread
from gateway.sensors.seam import Clock, Submit, wall_clock

log = structlog.get_logger(__name__)

SILENT_POLLS = 3
"""Unanswered polls in a row after which a sensor, or a link whose every sensor is unanswered, counts as dead."""


class SensorSettings(Struct, frozen=True):
    """One sensor (Modbus unit) on a link. `poll_us` is the grid, `timeout_us` how long a reply may take."""

    id: str
    unit: int
    profile: Profile
    poll_us: int = 10_000_000
    timeout_us: int = 1_000_000


class ModbusLink:
    """One connection, its sensors, and their polls: one request at a time.

    Each sensor is polled on a monotonic grid that starts with the link; a poll that comes too late is skipped, never
    stacked, and counted in `overruns`. Each poll submits a `Measurement` per field, stamped with the middle between
    request and reply of its block. No answer or a bad one is quality bad; an exception reply too, but the device is
    up. A link that dies submits bad once for each sensor, says `Device(down)`, and raises.

    Counters: `polls`, `overruns`, `timeouts`, `mismatches`, `refusals` (exception replies), `reopens`.

    Raises:
        ValueError: an impossible URL, no sensors, two of one id, or settings out of range.
    """

    def __init__(
        self,
        url: str,
        sensors: Sequence[SensorSettings],
        submit: Submit,
        clock: Clock = wall_clock,
        *,
        max_registers: int = MAX_REGISTERS,
        max_gap: int = 0,
    ) -> None:
        self.address = parse_url(url)
        self.id = str(self.address)
        self.devices = tuple(sensor.id for sensor in sensors)
        if not sensors or len(set(self.devices)) != len(sensors):
            raise ValueError(f"{self.id}: needs at least one sensor, each with an id of its own")
        self._submit = submit
        self._clock = clock
        self._polled = [_Polled(sensor, plan(sensor.profile, max_registers, max_gap)) for sensor in sensors]
        self.polls = self.overruns = self.timeouts = self.mismatches = self.refusals = self.reopens = 0

    async def run(self) -> None:
        """Poll until the link fails.

        Raises:
            DeviceError: the connection cannot be made, was lost, or nobody answers on it.
        """
        longest = max(polled.settings.timeout_us for polled in self._polled)
        line = Line(self.address, longest)
        try:
            await line.open()
            await self._poll_on_grid(line)
        except LostError as lost:
            await self._mourn(str(lost))
            raise DeviceError(self.id, str(lost)) from None
        finally:
            await line.close()

    async def _poll_on_grid(self, line: Line) -> None:
        loop = asyncio.get_running_loop()
        origin = loop.time()
        for polled in self._polled:
            polled.slot, polled.silent = 0, 0
        while True:
            polled = min(self._polled, key=_Polled.due)
            wait = origin + polled.due() / 1e6 - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            await self._poll(line, polled)
            late = int((loop.time() - origin) * 1e6) // polled.settings.poll_us - polled.slot
            self.overruns += max(late, 0)
            polled.slot += 1 + max(late, 0)

    async def _poll(self, line: Line, polled: "_Polled") -> None:
        """Ask one sensor for all its blocks; after a silent one the rest is bad without asking."""
        self.polls += 1
        settings = polled.settings
        blocks = list(polled.blocks)
        while blocks:
            block = blocks.pop(0)
            try:
                words, at = await self._ask(line, block, settings)
            except RefusedReplyError as refused:
                self.refusals += 1
                if refused.code == ILLEGAL_ADDRESS and polled.divide(block):
                    log.warning("modbus_block_split", sensor=settings.id, table=block.table, address=block.address)
                    blocks[:0] = split(block)
                    continue
                await self._answered(polled, "fault", str(refused))
                await self._submit_all(settings, unread(block), self._clock())
            except MismatchError as mismatch:
                self.mismatches += 1
                log.warning("modbus_mismatch", sensor=settings.id, detail=str(mismatch))
                await self._answered(polled, "fault", str(mismatch))
                await self._submit_all(settings, unread(block), self._clock())
                await self._reopen(line, settings)
            except TimeoutError:
                self.timeouts += 1
                await self._unanswered(line, polled, [block, *blocks])
                return
            else:
                await self._answered(polled, "up", f"unit {settings.unit} at {self.address}")
                await self._submit_all(settings, decode(block, words), at)

    async def _ask(self, line: Line, block: Block, settings: SensorSettings) -> tuple[list[int], int]:
        """The words of one block, and the instant midway between request and reply."""
        loop = asyncio.get_running_loop()
        sent = loop.time()
        words = await line.read(block, settings.unit, settings.timeout_us)
        at = self._clock() - int((loop.time() - sent) * 1e6) // 2
        if canary := foreign(block, words):
            raise MismatchError(f"canary {canary.name!r} differs: the reply is not this request's")
        return words, at

    async def _answered(self, polled: "_Polled", state: str, detail: str) -> None:
        polled.silent, polled.told_bad = 0, False
        if polled.state == state or (polled.state == "up" and state == "fault"):
            return
        polled.state = state
        await self._submit(Device(device=polled.settings.id, state=state, detail=detail))

    async def _unanswered(self, line: Line, polled: "_Polled", blocks: list[Block]) -> None:
        settings = polled.settings
        polled.silent += 1
        polled.told_bad = len(blocks) == len(polled.blocks)
        for block in blocks:
            await self._submit_all(settings, unread(block), self._clock())
        silence = sum(other.silent for other in self._polled)
        if silence >= SILENT_POLLS and all(other.silent for other in self._polled):
            raise LostError(f"no answer to {silence} polls in a row; connected, but nobody replies to these units")
        if polled.silent == SILENT_POLLS:
            await self._down(polled, f"unit {settings.unit} at {self.address} did not answer {SILENT_POLLS} polls")
        if self.address.framing == "rtu":
            await self._reopen(line, settings)

    async def _reopen(self, line: Line, settings: SensorSettings) -> None:
        self.reopens += 1
        await line.close()
        await line.open()
        if self.address.framing == "rtu":
            # A serial bridge hands a late reply to whoever is connected: let it arrive while nothing is asked.
            await line.stay_quiet(settings.timeout_us)

    async def _mourn(self, detail: str) -> None:
        """The link is dead: say bad and down, once, for every sensor of which that is news."""
        at = self._clock()
        for polled in self._polled:
            if not polled.told_bad:
                polled.told_bad = True
                for block in polled.blocks:
                    await self._submit_all(polled.settings, unread(block), at)
            await self._down(polled, detail)

    async def _down(self, polled: "_Polled", detail: str) -> None:
        if polled.state != "down":
            polled.state = "down"
            await self._submit(Device(device=polled.settings.id, state="down", detail=detail))

    async def _submit_all(self, settings: SensorSettings, fields: list[Decoded], at: int) -> None:
        for field, value, quality in fields:
            await self._submit(Measurement(settings.id, field.name, value, field.unit, quality, at))


class _Polled:
    """A sensor's place on the grid and what was last said about it; outlives a restart of the link."""

    def __init__(self, settings: SensorSettings, blocks: tuple[Block, ...]) -> None:
        if not 0 <= settings.unit <= 255:
            raise ValueError(f"{settings.id}: unit must be 0–255, not {settings.unit}")
        if settings.poll_us <= 0 or settings.timeout_us <= 0:
            raise ValueError(f"{settings.id}: poll and timeout must be longer than nothing")
        self.settings = settings
        self.blocks = blocks
        self.slot = 0  # next poll is due at slot × poll_us after the link opened
        self.silent = 0  # polls unanswered in a row
        self.state: str | None = None  # what Device last said
        self.told_bad = False  # the last thing submitted for every field was bad for want of an answer

    def due(self) -> int:
        """µs after the link opened."""
        return self.slot * self.settings.poll_us

    def divide(self, block: Block) -> bool:
        """From now on ask for each field of `block` by itself; False when it has only one."""
        parts = split(block)
        if len(parts) < 2 or block not in self.blocks:
            return False
        place = self.blocks.index(block)
        self.blocks = (*self.blocks[:place], *parts, *self.blocks[place + 1 :])
        return True
