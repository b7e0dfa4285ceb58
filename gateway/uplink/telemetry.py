"""Samples on their way to the spool and the ring: offered by the pipeline, packed now and then (DESIGN §1.3, §4).

A measurement may be dropped when there is too much of it; the number dropped is shown. Nothing here waits for a server.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from gateway.errors import LedgerError
from gateway.ledger.telemetry import Sample
from gateway.model.inputs import Input, Measurement, Weighing
from gateway.pipe import Pipe
from gateway.uplink.line_protocol import measurement_line, weighing_line

log = structlog.get_logger(__name__)

Append = Callable[[bytes, int, int, int], Awaitable[int]]
"""(lines, count, first µs, last µs) → points dropped to make room: `TelemetryStore.append` on its thread."""
Keep = Callable[[Sequence[Sample]], Awaitable[None]]
"""Into the ring: `TelemetryStore.keep` on its thread."""

BLOCK = 1000
"""Most points in one block of the spool."""


class Telemetry:
    """The pipe from the pipeline to the telemetry store. `append` None: no server is configured, only the ring is fed.

    `sensors` maps sensor to location, `scales` scale to portal; `flush` in seconds; `most` samples wait at most.
    Counters: `offered`, `dropped` (the oldest, when too many wait), `rejected` (no line can be made of them),
    `shed` (points the store gave up for room or for a full disk).
    """

    def __init__(
        self,
        *,
        site: str,
        sensors: Mapping[str, str],
        scales: Mapping[str, str],
        keep: Keep,
        append: Append | None = None,
        flush: float = 5.0,
        most: int = 20_000,
    ) -> None:
        self._site, self._sensors, self._scales = site, dict(sensors), dict(scales)
        self._keep, self._append = keep, append
        self._every = flush
        self.pipe: Pipe[tuple[int, Measurement | Weighing]] = Pipe("telemetry", most)
        self.spooled = asyncio.Event()  # set when there is something new for the server
        self.offered = self.rejected = self.shed = 0

    def offer(self, t: int, record: Input) -> None:
        """Take a measurement or weighing stamped `t` (µs); anything else is none of ours. Never waits."""
        if not isinstance(record, Measurement | Weighing):
            return
        self.offered += 1
        self.pipe.offer((t if record.at is None else record.at, record))

    @property
    def dropped(self) -> int:
        """Samples pushed out because too many waited."""
        return self.pipe.dropped

    async def run(self) -> None:
        """Flush for ever; cancelled, flush once more."""
        try:
            while True:
                await asyncio.sleep(self._every)
                await self.flush()
        finally:
            await self.flush()

    async def flush(self) -> None:
        """Pack what waits into blocks. A disk that refuses costs these samples, counted, and nothing else."""
        while block := self.pipe.take(BLOCK):
            samples = [sample for at, record in block if (sample := self._sample(at, record)) is not None]
            try:
                await self._keep(samples)
                if self._append is not None:
                    await self._spool(block)
            except LedgerError as error:
                self.shed += len(block)
                log.warning("telemetry lost", points=len(block), reason=str(error))

    async def _spool(self, block: Sequence[tuple[int, Measurement | Weighing]]) -> None:
        assert self._append is not None
        lines: list[str] = []
        for at, record in block:
            try:
                lines.append(self._line(at, record))
            except ValueError as error:
                self.rejected += 1
                log.warning("sample rejected", reason=str(error))
        if lines:
            instants = [at for at, _ in block]
            data = "\n".join(lines).encode()
            self.shed += await self._append(data, len(lines), min(instants), max(instants))
            self.spooled.set()

    def _line(self, at: int, record: Measurement | Weighing) -> str:
        if isinstance(record, Measurement):
            return measurement_line(self._site, self._sensors.get(record.sensor, ""), record, at)
        return weighing_line(self._site, self._scales.get(record.scale, ""), record, at)

    def _sample(self, at: int, record: Measurement | Weighing) -> Sample | None:
        if isinstance(record, Measurement):
            return Sample(at, record.sensor, record.quantity, record.value, record.unit, record.quality)
        try:
            value = None if record.value is None else float(record.value)
        except ValueError:
            return None  # `_line` counts it
        return Sample(at, record.scale, "weight", value, record.unit, "good" if record.condition == "ok" else "bad")
