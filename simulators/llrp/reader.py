"""The simulated reader: radio, ROSpecs, inputs and outputs, and what waits to be sent."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from simulators.llrp.capabilities import Model
from simulators.llrp.commands import perform, refusal
from simulators.llrp.config import AISPEC, ANTENNA, BUFFER, GPI, ROSPEC, Configuration
from simulators.llrp.rospec import ROSpec, State, Timer
from simulators.llrp.server import Server
from simulators.llrp.sins import Sins
from simulators.llrp.tags import Observation, impinj_extras, impinj_wants, tag_report
from simulators.llrp.wire import Malformed, Message, Parameter

TAGS_PER_REPORT = 200
"""Longer reports are cut into messages of so many TagReportData."""


class Reader:
    """An LLRP 1.0.1 reader that a test or a player drives with `see` and `gpi`.

    `clock_error_us` is how far its clock is ahead of true UTC; with `utc` False it knows its uptime only. All methods
    are called on the event loop on which `start` was awaited. One client at a time is served; one ROSpec is active at
    a time (it has one radio). Reports and events wait, `backlog_limit` messages at most, while no client is connected
    or the client asked to hold them; then the oldest is dropped and counted in `overflowed`.
    """

    def __init__(
        self,
        name: str,
        antennas: int = 4,
        gpis: int = 4,
        gpos: int = 4,
        utc: bool = True,
        clock_error_us: int = 0,
        manufacturer: int = 50_000,
        model: int = 1,
        firmware: str = "sim-1.0",
    ) -> None:
        self.name = name
        self.model = Model(antennas, gpis, gpos, utc, manufacturer, model, firmware)
        self.identity = bytes.fromhex("021625ffff") + sum(name.encode()).to_bytes(3, "big")
        self.clock_error_us = clock_error_us
        self.sins = Sins()
        self.config = Configuration(antennas, gpis, gpos)
        self.on_gpo: Callable[[int, bool], None] | None = None
        self.rospecs: dict[int, ROSpec] = {}
        self.accessspecs: dict[int, Parameter] = {}
        self.extensions = False
        self.closing = False
        self.backlog: deque[Message] = deque()
        self.backlog_limit = 10_000
        self._pending: deque[Parameter] = deque()
        self._warned = False
        self._server = Server(self)
        self._booted_us = 0
        self.connections = 0
        self.refused_connections = 0
        self.seen = 0
        self.dropped = 0
        self.reported = 0
        self.overflowed = 0
        self.keepalives = 0
        self.keepalive_acks = 0
        self.requests: dict[str, int] = {}
        """Message name → how many came."""

    # -- life ---------------------------------------------------------------------------------------------------

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Boot and listen; the bound port is returned. OSError when the address cannot be had."""
        self._booted_us = _true_us()
        return await self._server.listen(host, port)

    async def stop(self) -> None:
        """Switch off: the client is told (ConnectionCloseEvent), ROSpecs and what waits to be sent are forgotten."""
        await self._server.close()
        self.forget_specs()
        self.config.factory()
        self._pending.clear()
        self.backlog.clear()

    def drop(self) -> None:
        """Abort the client's TCP connection (RST), as a torn cable with a rebooting switch does."""
        self._server.abort()

    @property
    def connected(self) -> bool:
        """A client holds the connection."""
        return self._server.link is not None

    @property
    def active(self) -> bool:
        """A ROSpec is active."""
        return self._working() is not None

    @property
    def gpo(self) -> dict[int, bool]:
        """Output → its level."""
        return self.config.gpo

    def now_us(self, true_us: int | None = None) -> int:
        """The reader's clock, at the true instant `true_us` (default: now): UTC with its error, or uptime; µs."""
        true = _true_us() if true_us is None else true_us
        return true + self.clock_error_us if self.model.utc else max(0, true - self._booted_us)

    # -- the world acts on the reader ---------------------------------------------------------------------------

    def see(
        self,
        epc_hex: str,
        antenna: int,
        rssi: float = -50,
        channel: int = 1,
        at_us: int | None = None,
        count: int = 1,
        phase: int = 0,
    ) -> bool:
        """`antenna` saw a tag, `count` times, at true UTC `at_us` (µs, default now); False when it is not reported.

        `epc_hex` of 24 digits goes as EPC-96, any other length as EPCData of 4 bits per digit. `rssi` in dBm, `phase`
        in 1/4096 turn (both are reported in full to a client of Impinj's extensions).
        """
        self.seen += 1
        rospec = self._working()
        if rospec is None or not self._listens(rospec, antenna):
            self.dropped += 1
            return False
        at = self.now_us(at_us)
        seen = Observation(
            epc_hex, antenna, rssi, channel, count, at, at, phase, rospec.id, rospec.index, rospec.inventory_id
        )
        report = self._report_spec(rospec)
        selector = report.part("TagReportContentSelector")
        assert selector is not None
        tag = tag_report(seen, selector, self.model.utc, self.sins.unknown_parameter)
        if self.extensions:
            tag.parts += impinj_extras(seen, impinj_wants(report))
        if self.sins.bad_tag:
            self.sins.bad_tag = False
            tag.parts.append(Parameter("Raw", {"Data": bytes.fromhex("03e1 00ff 00000000")}))
        self._pending.append(tag)
        n, trigger = report.number("N"), report.number("ROReportTrigger")
        if trigger and n and len(self._pending) >= n:
            self.flush()
        elif len(self._pending) > self.backlog_limit:
            self._pending.popleft()
            self.overflowed += 1
        rospec.observe(epc_hex)
        return True

    def gpi(self, port: int, level: bool) -> None:
        """Set input `port`. An edge on an enabled input is an event, and fires the ROSpec triggers that wait for it."""
        if self.config.gpi_level[port] == level:
            return
        self.config.gpi_level[port] = level
        if not self.config.gpi_enabled[port]:
            return
        self._event(GPI, Parameter("GPIEvent", {"GPIPortNumber": port, "GPIEvent": int(level)}))
        for rospec in list(self.rospecs.values()):
            rospec.gpi(port, level)

    def plug(self, antenna: int, connected: bool) -> None:
        """Plug an antenna in or out: an event, and no reads from it while it is out."""
        if self.config.connected[antenna] != connected:
            self.config.connected[antenna] = connected
            self._event(ANTENNA, Parameter("AntennaEvent", {"EventType": int(connected), "AntennaID": antenna}))

    # -- the client acts on the reader --------------------------------------------------------------------------

    def answer(self, request: Message) -> Message | None:
        """Do what a client's message says; its answer, if it has one."""
        self.requests[request.name] = self.requests.get(request.name, 0) + 1
        try:
            if request.name in self.sins.unsupported:
                raise Malformed(109, f"{request.name} is not supported")
            if code := self.sins.refuse.get(request.name):
                raise Malformed(code, f"{request.name} is refused, as the simulator was told to")
            return perform(self, request)
        except Malformed as error:
            return refusal(request.name, request.id, error)

    def set_gpo(self, port: int, level: bool) -> None:
        """Write an output; `on_gpo` hears of every write, also of one that changes nothing."""
        self.config.gpo[port] = level
        if self.on_gpo:
            self.on_gpo(port, level)

    def forget_specs(self) -> None:
        """Stop and delete all ROSpecs and AccessSpecs."""
        for rospec in self.rospecs.values():
            rospec.disable()
        self.rospecs.clear()
        self.accessspecs.clear()

    def keepalive_changed(self) -> None:
        """The KeepaliveSpec was written."""
        if self._server.link:
            self._server.link.rekeyed.set()

    def keepalive_acked(self) -> None:
        """KEEPALIVE_ACK came."""
        self.keepalive_acks += 1
        if self._server.link:
            self._server.link.unanswered = 0

    def release(self) -> None:
        """ENABLE_EVENTS_AND_REPORTS: what was held may go."""
        if self._server.link:
            self._server.link.held = False
            self._server.link.wake.set()

    # -- reports and events -------------------------------------------------------------------------------------

    def flush(self, always: bool = False) -> None:
        """Everything seen and not yet reported becomes RO_ACCESS_REPORT messages; `always` one at least, if empty."""
        while self._pending or always:
            always = False
            tags = [self._pending.popleft() for _ in range(min(TAGS_PER_REPORT, len(self._pending)))]
            self._queue(Message("RO_ACCESS_REPORT", {}, tags))

    def event(self, parameter: Parameter) -> Message:
        """A READER_EVENT_NOTIFICATION of this instant."""
        stamp = Parameter("UTCTimestamp" if self.model.utc else "Uptime", {"Microseconds": self.now_us()})
        data = Parameter("ReaderEventNotificationData", {}, [stamp, parameter])
        return Message("READER_EVENT_NOTIFICATION", {}, [data])

    def _event(self, kind: int, parameter: Parameter) -> None:
        if self.config.events[kind]:
            self._queue(self.event(parameter))

    def _queue(self, message: Message) -> None:
        if len(self.backlog) >= self.backlog_limit:
            lost = self.backlog.popleft()
            self.overflowed += len(lost.parts) if lost.name == "RO_ACCESS_REPORT" else 1
        self.backlog.append(message)
        full = 100 * len(self.backlog) // self.backlog_limit
        if full < 90:
            self._warned = False
        elif not self._warned:
            self._warned = True
            self._event(BUFFER, Parameter("ReportBufferLevelWarningEvent", {"ReportBufferPercentageFull": full}))
        if self._server.link:
            self._server.link.wake.set()

    def _report_spec(self, rospec: ROSpec) -> Parameter:
        return rospec.report_spec or self.config.ro_report

    def _working(self) -> ROSpec | None:
        return next((rospec for rospec in self.rospecs.values() if rospec.state is State.ACTIVE), None)

    def _listens(self, rospec: ROSpec, antenna: int) -> bool:
        return self.config.connected.get(antenna, False) and (antenna in rospec.antennas or 0 in rospec.antennas)

    # -- what a ROSpec asks of its reader -----------------------------------------------------------------------

    def later(self, delay: float, function: Callable[[], None]) -> Timer:
        """Call `function` in `delay` seconds."""
        return asyncio.get_running_loop().call_later(delay, function)

    def may_start(self, rospec: ROSpec) -> bool:
        """One radio: only while no other ROSpec is active."""
        return self._working() is None

    def rospec_started(self, rospec: ROSpec) -> None:
        """Tell the client."""
        self._rospec_event(rospec, 0)

    def rospec_ended(self, rospec: ROSpec) -> None:
        """Report what is left, then tell the client."""
        if self._report_spec(rospec).number("ROReportTrigger"):
            self.flush()
        self._rospec_event(rospec, 1)

    def aispec_ended(self, rospec: ROSpec, index: int) -> None:
        """Report what is left if the client wants it at the end of an AISpec, then tell it."""
        if self._report_spec(rospec).number("ROReportTrigger") == 1:
            self.flush()
        fields = {"EventType": 0, "ROSpecID": rospec.id, "SpecIndex": index}
        self._event(AISPEC, Parameter("AISpecEvent", fields))

    def _rospec_event(self, rospec: ROSpec, kind: int) -> None:
        fields = {"EventType": kind, "ROSpecID": rospec.id, "PreemptingROSpecID": 0}
        self._event(ROSPEC, Parameter("ROSpecEvent", fields))


def _true_us() -> int:
    return time.time_ns() // 1000
