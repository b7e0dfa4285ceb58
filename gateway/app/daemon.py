"""The daemon's life: recover, listen, decide, stop. Shutdown order is the reverse of nesting and needs no code."""

import asyncio
import os
import signal
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, ParamSpec, TypeVar

import msgspec
import structlog

from gateway import __version__, heap, metrics
from gateway.api.command_socket import CommandSocket
from gateway.api.http import HttpApi, application
from gateway.api.status import Status
from gateway.app import devices
from gateway.app.clock import AHEAD_MOST, GatewayClock
from gateway.app.hearing import EVERY, Hearing
from gateway.app.histories import Histories
from gateway.app.lights import Lights
from gateway.app.reloading import Reloading
from gateway.app.states import States
from gateway.config import Configuration, addresses
from gateway.errors import TallymanError
from gateway.events.lines import event_line, outcome_line
from gateway.journal import Crashes, Journal, records
from gateway.ledger.store import Ledger
from gateway.ledger.telemetry import TelemetryStore
from gateway.ledger.thread import Writer
from gateway.model.inputs import Boot, Command, Config, Device, Gpi, Measurement, Read, Reads, Weighing
from gateway.model.outcome import DeviceCommand, Resend
from gateway.pipeline import Core, Pipeline, Result, count
from gateway.readers import Reader
from gateway.rules import Engine
from gateway.supervisor import guarded, keep, running
from gateway.systemd import Notifier, watchdog_seconds
from gateway.uplink.influx import InfluxUplink
from gateway.uplink.link import MqttUplink
from gateway.uplink.state import StateBoard
from gateway.uplink.telemetry import Telemetry

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

STUCK = 20.0
"""Seconds without progress of the pipeline or the ledger writer after which the watchdog is no longer fed."""

PRUNE_EVERY = 3600.0
"""Seconds between looks for journal segments past their retention."""

RING_FLUSH = 5.0
"""Seconds between writes of the local ring when no server asks for more: one small commit each, for flash cards."""

TOLD_MOST, TOLD_LATELY = 10_000, 1_000
"""Lots whose state is told anew at every start: so many at most, and so many of those that are not here any more."""


class Daemon:
    """One gateway. `run` returns after a clean stop; it raises when the core, the journal or the ledger failed."""

    def __init__(self, configuration: Configuration, notifier: Notifier | None = None) -> None:
        self.configuration = configuration
        self.settings = configuration.settings()
        self.status = Status()
        self.stopping = asyncio.Event()
        self.http: HttpApi | None = None
        self._clock = GatewayClock()
        self._quality = "unknown"  # of the clock, as it was told to the core last
        self._notifier = notifier if notifier is not None else Notifier(None)
        self._writer = Writer()
        self._wake = asyncio.Event()
        self._board = StateBoard()
        self._socket: CommandSocket | None = None
        self._hearing = Hearing()
        self._lights = Lights(self.settings.portals, self._clock)
        self._influx: InfluxUplink | None = None
        self._readers: dict[str, Reader] = {}
        self._states = States(self.settings, self._board, self._lot_state, self._known)

    async def run(self) -> None:
        """Recover and work until `stopping` is set or a signal asks for it."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopping.set)
        async with AsyncExitStack() as opened:
            opened.push_async_callback(self._writer.stop)
            await self._open(opened)
            await guarded(self._live, self._pipeline.fault)

    async def _open(self, opened: AsyncExitStack) -> None:
        """Open journal, ledger and telemetry store; what is opened is closed in reverse by the writer thread."""
        configuration, settings = self.configuration, self.settings
        directory = configuration.state
        directory.mkdir(parents=True, exist_ok=True)

        def ledger() -> Ledger:
            return Ledger.open(
                configuration.ledger_url,
                site=settings.site,
                gateway=settings.gateway,
                owner=settings.owner,
                timezone=settings.timezone,
                gln=settings.gln,
            )

        def journal() -> Journal:
            return Journal.open(
                directory / "journal",
                site=settings.site,
                gateway=settings.gateway,
                segment_bytes=configuration.journal.segment,
            )

        def store() -> TelemetryStore:
            influx = configuration.influxdb
            spool = influx.spool if influx is not None else 0
            ring = configuration.telemetry.ring
            return TelemetryStore.open(directory / "telemetry.db", spool_bytes=spool, ring_us=ring)

        self._ledger = await self._writer.call(ledger)
        opened.push_async_callback(self._writer.call, self._ledger.close)
        self._journal = await self._writer.call(journal)
        opened.push_async_callback(self._writer.call, self._journal.close)
        self._store = await self._writer.call(store)
        opened.push_async_callback(self._writer.call, self._store.close)
        ids = [reader.id for reader in configuration.readers]
        self._histories = await self._writer.call(Histories.open, directory / "antennas", ids)
        self._clock.not_before(self._journal.last_t)
        crashes = Crashes.open(directory / "journal")
        core = Core(Engine(settings), 0)
        self._pipeline = Pipeline(
            core,
            self._journal,
            crashes,
            self._ledger,
            self._writer,
            self._clock,
            self._deliver,
            group=configuration.journal.group,
        )
        self._reloading = Reloading(configuration, self._pipeline.decide)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reloading.asked.set)
        self._telemetry = self._sampler()

    def _sampler(self) -> Telemetry:
        """The way of samples into ring and spool."""
        influx = self.configuration.influxdb
        return Telemetry(
            site=self.settings.site,
            sensors={sensor.id: sensor.location for sensor in self.settings.sensors},
            scales={scale.id: scale.portal for scale in self.settings.scales},
            keep=self._threaded(self._store.keep),
            append=self._threaded(self._store.append) if influx is not None else None,
            flush=influx.flush / 1e6 if influx is not None else RING_FLUSH,
        )

    async def _live(self) -> None:
        """Everything from recovery to the clean stop."""
        self._notifier.notify(STATUS="recovering")
        async with running(*self._listener()):
            await self._recover()
            await self._work()

    async def _recover(self) -> None:
        """Replay what the ledger does not hold yet, and record that the gateway was off."""
        started = time.monotonic()
        self._quality = self._clock.quality
        replayed = await self._pipeline.recover(Boot(uuid.uuid4().hex, __version__, self._quality))
        log.info(
            "recovered", records=replayed, seconds=round(time.monotonic() - started, 3), position=self._journal.last
        )
        self.status.recovering = False
        if self._journal.torn:
            metrics.JOURNAL_TORN.set(self._journal.torn)

    async def _work(self) -> None:
        """From the first input to the clean stop."""
        pipeline = self._pipeline
        async with running(("pipeline", pipeline.run())):
            await pipeline.decide(Config(self.configuration.text, self.configuration.rule_texts))
            async with running(*self._watchers()), running(*self._wires()), running(*self._field()):
                self._ready()
                await self.stopping.wait()
                log.info("stopping")
                self._notifier.notify(STOPPING="1")
                self.status.ready = False
                await self._lights.stop()  # while the readers are there to be told
            pipeline.finish()
            await pipeline.finished.wait()

    def _listener(self) -> list[tuple[str, Any]]:
        """HTTP: first to start, last to stop; /readyz answers 503 until the gateway decides."""
        api = self.configuration.api
        endpoint = addresses.listen(api.listen)
        if endpoint is None:
            return []
        self.http = HttpApi(application(self.status, self._refresh, self.healthy), endpoint.host, endpoint.port)
        try:
            self.http.bind()
        except OSError as error:
            raise TallymanError(f"[api] listen {api.listen}: {error.strerror or error}; give a free port") from None
        return [("http", self.http.run())]

    def _watchers(self) -> list[tuple[str, Any]]:
        """The command socket and the watch over progress."""
        path = self.configuration.api.socket
        if not path:
            return [("watch", self._watch()), ("reloading", self._reloading.run())]
        self._socket = CommandSocket(self.configuration.path(path), self._reloading.command, self._describe)
        self._socket.bind()  # before READY: whoever waited for that may connect at once
        return [
            ("watch", self._watch()),
            ("reloading", self._reloading.run()),
            ("socket", self._socket.run()),
            ("hearing", self._listen(self._socket)),
        ]

    def _wires(self) -> list[tuple[str, Any]]:
        """The links to central and to the telemetry server."""
        wire, server = devices.mqtt(self.configuration), devices.influxdb(self.configuration)
        jobs: list[tuple[str, Any]] = [("states", self._states.run()), ("telemetry", self._telemetry.run())]
        jobs.append(("histories", self._histories.run(self._writer.call)))
        if wire is not None:
            uplink = MqttUplink(
                wire,
                pending=self._threaded(self._ledger.pending),
                settle=self._threaded(self._ledger.settle),
                park=self._park,
                wake=self._wake,
                decide=self._pipeline.decide,
                submit=self._pipeline.submit,
                birth=self._birth,
                board=self._board,
            )
            self.status.set(uplink.id, "starting", self._clock())
            jobs.append((uplink.id, keep(uplink, self._report)))
        if server is not None:
            store = self._store
            self._influx = influx = InfluxUplink(
                server,
                take=self._threaded(store.take),
                done=self._threaded(store.done),
                quarantine=self._threaded(store.quarantine),
                append=self._threaded(store.append),
                wake=self._telemetry.spooled,
            )
            self.status.set(influx.id, "starting", self._clock())
            jobs.append((influx.id, keep(influx, self._report)))
        return jobs

    def _field(self) -> list[tuple[str, Any]]:
        """Readers, sensors and scales: last to start, first to stop."""
        submit = self._pipeline.submit
        self._readers = devices.readers(self.configuration, submit, self._clock, self._histories)
        self._lights.start(self._readers)
        jobs: list[tuple[str, Any]] = []
        for reader in self._readers.values():
            self.status.set(reader.id, "starting", self._clock())
            jobs.append((reader.id, keep(reader, self._report)))
        for link in devices.links(self.configuration, submit, self._clock):
            for sensor in link.devices:
                self.status.set(sensor, "starting", self._clock())
            jobs.append((link.id, keep(link, self._report_link)))
        for scale in devices.scales(self.configuration, submit, self._clock):
            self.status.set(scale.id, "starting", self._clock())
            jobs.append((scale.id, keep(scale, self._report)))
        return jobs

    def _ready(self) -> None:
        heap.settle()
        self.status.ready = True
        self._notifier.notify(READY="1", STATUS=self.status.line())
        port = self.http.port if self.http is not None else None
        log.info("ready", site=self.settings.site, gateway=self.settings.gateway, http=port, version=__version__)

    def _deliver(self, result: Result) -> None:
        """Step 6: tell everybody who waits for results. Never waits itself."""
        count(result)
        item = result.item
        if isinstance(item, Measurement | Weighing):
            self._telemetry.offer(result.t, item)
        if isinstance(item, Device):
            self.status.set(item.device, item.state, result.t, item.detail)
            metrics.DEVICE_UP.labels(item.device).set(item.state == "up")
            if item.state == "up":
                self._lights.connected(item.device)
        if result.events or any(isinstance(effect, Resend) for effect in result.outcome.effects):
            self._wake.set()
        self._states.note(result)
        for decision in result.outcome.decisions:
            if isinstance(decision, DeviceCommand):
                self._lights.show(decision)
        if self._socket is not None and self._socket.listened and isinstance(item, Reads | Read):
            self._hearing.note(item)
        if self._socket is not None and self._socket.recorded and isinstance(item, Reads | Read | Gpi):
            self._socket.record(records.encode(result.t, item))
        if self._socket is not None and self._socket.watched:
            for decision in result.outcome.decisions:
                self._socket.publish(outcome_line(decision))
            for event in result.events:
                self._socket.publish(event_line(event))

    async def _report(self, device: str, state: str, detail: str) -> None:
        """A driver's run ended; said once per change, however often it is tried again."""
        known = self.status.components.get(device)
        if known is None or (known.state, known.detail) != (state, detail):
            await self._pipeline.submit(Device(device, state, detail))

    async def _report_link(self, link: str, state: str, detail: str) -> None:
        """A Modbus link tells of its own sensors."""

    def _threaded(self, function: Callable[P, T]) -> Callable[P, Awaitable[T]]:
        """The function, run in the writer thread."""

        async def call(*args: P.args, **kwargs: P.kwargs) -> T:
            return await self._writer.call(function, *args, **kwargs)

        return call

    async def _park(self, seq: int, reason: str) -> dict[str, Any] | None:
        return await self._pipeline.decide(Command("outbox.park", {"seq": seq, "reason": reason}, "uplink"))

    async def _sweep(self) -> None:
        """Delete sent events that are past their retention, a few at a time."""
        if self.configuration.mqtt is not None:
            before = self._clock() - self.configuration.mqtt.retain
            while await self._writer.call(self._ledger.sweep, before):
                continue

    async def _unconfirmed(self) -> None:
        """Send again what the broker took and central, which confirms, does not have: a broker may forget, too."""
        table = self.configuration.mqtt
        if table is None or table.confirm_within is None:
            return
        span = await self._writer.call(self._ledger.unconfirmed, self._clock() - table.confirm_within)
        if span is not None:
            log.warning("central has not confirmed these events; they are sent again", first=span[0], last=span[1])
            await self._pipeline.decide(Command("resend", {"from": span[0], "to": span[1]}, "uplink"))

    async def _lot_state(self, gtin: str, lot: str) -> dict[str, Any]:
        return await self._writer.call(self._ledger.lot_state, gtin, lot)

    async def _known(self) -> tuple[list[tuple[str, str]], list[dict[str, Any]]]:
        lots = await self._writer.call(self._ledger.lots_to_tell, TOLD_MOST, TOLD_LATELY)
        alarms = await self._writer.call(self._ledger.alarms)
        return lots, [row for row in alarms if row["location"] is not None]

    async def _birth(self) -> dict[str, Any]:
        counts = await self._writer.call(self._ledger.outbox_counts)
        return self._standing(counts)

    def _standing(self, counts: dict[str, int | None]) -> dict[str, Any]:
        """What the gateway's own state says of its events."""
        return {"lastSeq": self._pipeline.core.sequence, "pending": counts["pending"], "parked": counts["parked"]}

    def healthy(self) -> bool:
        """Whether pipeline and ledger writer moved lately: what the watchdog is fed by."""
        oldest = min(self._pipeline.progress, self._writer.progress)
        return time.monotonic() - oldest < STUCK

    async def _listen(self, telling: CommandSocket) -> None:
        """Tell who asked what the antennas hear."""
        while True:
            await asyncio.sleep(EVERY)
            if telling.listened:
                telling.heard(self._hearing.line())

    async def _watch(self) -> None:
        """Keep status and service manager informed, a few times a minute or as often as the watchdog asks."""
        watchdog = watchdog_seconds()
        pause = min(5.0, watchdog / 3) if watchdog is not None else 5.0
        pruned = 0.0
        while True:
            if time.monotonic() - pruned >= PRUNE_EVERY:
                pruned = time.monotonic()
                await self._writer.call(self._prune)
                await self._sweep()
            await self._unconfirmed()
            counts = await self._writer.call(self._ledger.outbox_counts)
            self.status.queued = int(counts["pending"] or 0)
            self.status.parked = int(counts["parked"] or 0)
            for state in ("pending", "settled", "parked"):
                metrics.OUTBOX.labels(state).set(int(counts[state] or 0))
            metrics.CONFIRMED.set(int(counts["confirmed"] or 0))
            self._states.gateway({"online": True, "schema": 1, "version": __version__} | self._standing(counts))
            await self._watch_influx()
            await self._watch_clock()
            if self.healthy():
                self._notifier.notify(WATCHDOG="1", STATUS=self.status.line())
            await asyncio.sleep(pause)

    def _prune(self) -> None:
        """Delete journal segments that are older than their retention and that no recovery needs any more."""
        snapshot = self._ledger.snapshot()
        if snapshot is None:
            return
        oldest = self._clock() - self.configuration.journal.retain
        young = sum(path.stat().st_mtime_ns // 1000 >= oldest for path in self._journal.segments())
        gone = self._journal.prune(snapshot.position, young + 1)
        if gone:
            log.info("journal pruned", segments=len(gone))

    async def _watch_influx(self) -> None:
        """Say that the telemetry server takes points again: its link tells of failures only."""
        influx = self._influx
        if influx is not None and influx.connected and self.status.components[influx.id].state != "up":
            await self._report(influx.id, "up", "")

    async def _watch_clock(self) -> None:
        """Tell the core how good the time is, and people while it is ahead of a system clock that was set back."""
        quality = self._clock.quality
        if quality != self._quality:
            self._quality = quality
            await self._pipeline.submit(Command("clock", {"quality": quality}, "core"))
        ahead = self._clock.ahead
        if ahead > AHEAD_MOST:
            detail = f"the system's clock was set back; gateway time is ahead of it by {ahead // 60_000_000} min"
            await self._report("clock", "fault", detail)
        elif "clock" in self.status.components:
            await self._report("clock", "up", "")

    def _refresh(self) -> None:
        """Gauges that are read, not counted."""
        pipe = self._pipeline.inputs
        metrics.QUEUE.labels(pipe.name).set(len(pipe))
        metrics.DROPPED.labels(pipe.name).set(pipe.dropped)
        metrics.DROPPED.labels("telemetry").set(self._telemetry.dropped)
        for reader in self._readers.values():
            for kind, number in reader.counts().items():
                metrics.INCIDENTS.labels(reader.id, kind).set(number)
        for portal, state in self._pipeline.core.engine.state.portals.items():
            metrics.keeps(portal, state)

    def _describe(self) -> dict[str, Any]:
        plain: dict[str, Any] = msgspec.to_builtins(self.status)
        return plain | {
            "line": self.status.line(),
            "position": self._journal.last,
            "seq": self._pipeline.core.sequence,
            "http": self.http.port if self.http is not None else None,
            "pid": os.getpid(),
        }
