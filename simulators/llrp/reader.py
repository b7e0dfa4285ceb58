"""The simulated reader: radio, ROSpecs, inputs and outputs, and what waits to be sent."""

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from simulators.llrp import select, vendors
from simulators.llrp.commands import perform, refusal
from simulators.llrp.config import AISPEC, ANTENNA, BUFFER, GPI, ROSPEC, Configuration
from simulators.llrp.profiles import IMPINJ, PROFILES, Profile
from simulators.llrp.reports import N_END_OF_AISPEC, N_END_OF_ROSPEC, Buffer, Packed, period, series
from simulators.llrp.rospec import ROSpec, State, Timer
from simulators.llrp.server import Server
from simulators.llrp.sins import Sins
from simulators.llrp.tags import Observation, tag_report
from simulators.llrp.wire import VERSION, Malformed, Message, Parameter

BACKLOG_EPC = "3034257bf7194e4000000000"
"""What `backlog_after_cut` saw, the last 4 bytes counting up."""

BACKLOG_PACE = 5_000
"""µs between two reads of that backlog: 200 a second, Zebra's nominal rate in dense-reader mode."""


class Reader:
    """An LLRP reader that a test or a player drives with `see` and `gpi`.

    `profile` says what make of reader (`PROFILES`); what is given beside it takes the place of the profile's own.
    `clock_error_us` is how far its clock is ahead of true UTC; with `utc` False it knows its uptime only. All methods
    are called on the event loop on which `start` was awaited. One client at a time is served; one ROSpec is active at
    a time (it has one radio). Reports and events wait, `backlog_limit` messages at most, while no client is connected
    or the client asked to hold them; then the oldest is dropped and counted in `overflowed`.
    """

    def __init__(
        self,
        name: str,
        profile: str = "plain",
        clock_error_us: int = 0,
        **other: Any,
    ) -> None:
        self.name = name
        self.profile: Profile = replace(PROFILES[profile], **other)
        self.identity = bytes.fromhex("021625ffff") + sum(name.encode()).to_bytes(3, "big")
        self.clock_error_us = clock_error_us
        self.sins = Sins()
        self.config = Configuration(self.profile)
        self.on_gpo: Callable[[int, bool], None] | None = None
        self.rospecs: dict[int, ROSpec] = {}
        self.accessspecs: dict[int, Parameter] = {}
        self.extensions = False
        """Impinj's are enabled on this connection."""
        self.version, self.version_chosen = VERSION, False
        self.closing = False
        self._buffer = Buffer(self.profile.backlog)
        self._reporting: Timer | None = None
        self._server = Server(self)
        self._booted_us = 0
        self._asked = 0
        self.connections = 0
        self.refused_connections = 0
        self.seen = 0
        self.dropped = 0
        self.reported = 0
        self.keepalives = 0
        self.keepalive_acks = 0
        self.given_up = 0
        """Clients that were thrown out because they left KEEPALIVEs unanswered."""
        self.requests: dict[str, int] = {}
        """Message name → how many came."""

    # -- life ---------------------------------------------------------------------------------------------------

    async def start(self, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> int:
        """Boot and listen, with `tls` if given; the port is returned. OSError when the address cannot be had."""
        self._booted_us = _true_us()
        return await self._server.listen(host, port, tls)

    async def stop(self) -> None:
        """Switch off: the client is told (ConnectionCloseEvent), ROSpecs and what waits to be sent are forgotten."""
        await self._server.close()
        self.forget_specs()
        self.config.factory()
        self._buffer.clear()

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
    def backlog(self) -> deque[Message | Packed]:
        """Reports and events that wait to be sent."""
        return self._buffer.messages

    @property
    def backlog_limit(self) -> int:
        """How many messages may wait, and how many tags that are not yet in a report."""
        return self._buffer.limit

    @backlog_limit.setter
    def backlog_limit(self, limit: int) -> None:
        self._buffer.limit = limit

    @property
    def overflowed(self) -> int:
        """Tags and events that were lost because too many waited."""
        return self._buffer.overflowed

    @property
    def utc(self) -> bool:
        """It tells UTC, right or wrong; else its uptime."""
        return self.profile.utc and not self.sins.uptime_only

    @property
    def gpo(self) -> dict[int, bool]:
        """Output → its level."""
        return self.config.gpo

    def now_us(self, true_us: int | None = None) -> int:
        """The reader's clock, at the true instant `true_us` (default: now): UTC with its error, or uptime; µs."""
        true = _true_us() if true_us is None else true_us
        if not self.utc:
            return max(0, true - self._booted_us)
        return true + self.clock_error_us + round(self.sins.wrong_clock * 1e6)

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
        doppler: float = 0.0,
    ) -> bool:
        """`antenna` saw a tag, `count` times, at true UTC `at_us` (µs, default now); False when it is not reported.

        `epc_hex` of 24 digits goes as EPC-96, any other length as EPCData of 4 bits per digit. `rssi` in dBm, `phase`
        in 1/4096 turn, `doppler` in Hz: reported in full where a client of the maker's extensions asks for them. A tag
        that C1G2Select filters leave out is not reported; they see its EPC bank.
        """
        self.seen += 1
        rospec = self._working()
        if rospec is None or not self._listens(rospec, antenna) or not self._selects(rospec, antenna, epc_hex):
            self.dropped += 1
            return False
        at = self.now_us(at_us)
        where = (rospec.id, rospec.index, rospec.inventory_id)
        seen = Observation(epc_hex, antenna, rssi, channel, count, at, at, phase, doppler, *where)
        report = self._report_spec(rospec)
        self._buffer.hold(self._tag(seen, report))
        n, trigger = report.number("N"), report.number("ROReportTrigger")
        if trigger in (N_END_OF_AISPEC, N_END_OF_ROSPEC) and n and len(self._buffer.tags) >= n:
            self.flush()
        rospec.observe(epc_hex)
        return True

    def _tag(self, seen: Observation, report: Parameter) -> Parameter:
        selector = report.part("TagReportContentSelector")
        assert selector is not None
        tag = tag_report(seen, selector, self.utc, self.sins.unknown_parameter)
        if self.extensions or self.profile.manufacturer != IMPINJ:
            tag.parts += vendors.extras(seen, vendors.wanted(report))
        if self.sins.bad_tag:
            self.sins.bad_tag = False
            tag.parts.append(Parameter("Raw", {"Data": bytes.fromhex("03e1 00ff 00000000")}))
        return tag

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
        self._asked += request.name != "KEEPALIVE_ACK"
        try:
            if request.name != "KEEPALIVE_ACK" and self._asked == self.sins.refuse_nth:
                raise Malformed(101, f"request {self._asked} is refused, as the simulator was told to")
            if request.name in self.sins.unsupported:
                raise Malformed(109, f"{request.name} is not supported")
            if code := self.sins.refuse.get(request.name):
                raise Malformed(code, f"{request.name} is refused, as the simulator was told to")
            return perform(self, request)
        except Malformed as error:
            return refusal(request.name, request.id, error)

    def greeted(self) -> None:
        """A client has the connection: what belongs to a connection begins anew."""
        self.closing = self.extensions = self.version_chosen = False
        self.version, self._asked = VERSION, 0

    def parted(self) -> None:
        """The connection is over. After a cut, the sin of the backlog has been reading in the meantime."""
        rospec, count = self._working(), self.sins.backlog_after_cut
        if self.closing or rospec is None or not count:
            return
        now = self.now_us()
        where = (rospec.id, rospec.index, rospec.inventory_id)
        antenna = next((one for one in rospec.antennas if one), 1)
        seen = Observation(BACKLOG_EPC, antenna, -50, 1, 1, now, now, 0, 0.0, *where)
        self.flush()
        self._buffer.hold(self._tag(seen, self._report_spec(rospec)))
        (template,) = self._buffer.reports(always=False)
        start = now - count * BACKLOG_PACE
        for report in series(template, BACKLOG_EPC, now, lambda number: start + number * BACKLOG_PACE, count):
            self._queue(report)
        self.seen += count

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
        for report in self._buffer.reports(always):
            self._queue(report)

    def event(self, parameter: Parameter) -> Message:
        """A READER_EVENT_NOTIFICATION of this instant."""
        stamp = Parameter("UTCTimestamp" if self.utc else "Uptime", {"Microseconds": self.now_us()})
        data = Parameter("ReaderEventNotificationData", {}, [stamp, parameter])
        return Message("READER_EVENT_NOTIFICATION", {}, [data])

    def _event(self, kind: int, parameter: Parameter) -> None:
        if self.config.events[kind]:
            self._queue(self.event(parameter))

    def _queue(self, message: Message | Packed) -> None:
        full = self._buffer.put(message)
        if full is not None:
            self._event(BUFFER, Parameter("ReportBufferLevelWarningEvent", {"ReportBufferPercentageFull": full}))
        if self._server.link:
            self._server.link.wake.set()

    def _report_spec(self, rospec: ROSpec) -> Parameter:
        return rospec.report_spec or self.config.ro_report

    def _working(self) -> ROSpec | None:
        return next((rospec for rospec in self.rospecs.values() if rospec.state is State.ACTIVE), None)

    def _listens(self, rospec: ROSpec, antenna: int) -> bool:
        return self.config.connected.get(antenna, False) and (antenna in rospec.antennas or 0 in rospec.antennas)

    def _selects(self, rospec: ROSpec, antenna: int, epc: str) -> bool:
        filters = rospec.filters(antenna)
        if filters is None:
            command = self.config.antennas[antenna].part("C1G2InventoryCommand")
            filters = [*command.every("C1G2Filter")] if command else []
        return select.selected(filters, epc)

    # -- what a ROSpec asks of its reader -----------------------------------------------------------------------

    def later(self, delay: float, function: Callable[[], None]) -> Timer:
        """Call `function` in `delay` seconds."""
        return asyncio.get_running_loop().call_later(delay, function)

    def may_start(self, rospec: ROSpec) -> bool:
        """One radio: only while no other ROSpec is active."""
        return self._working() is None

    def rospec_started(self, rospec: ROSpec) -> None:
        """Tell the client, and report in time where it wants that."""
        self._rospec_event(rospec, 0)
        if seconds := period(self._report_spec(rospec)):
            self._reporting = self.later(seconds, lambda: self._report_in_time(seconds))

    def _report_in_time(self, seconds: float) -> None:
        self.flush()
        self._reporting = self.later(seconds, lambda: self._report_in_time(seconds))

    def rospec_ended(self, rospec: ROSpec) -> None:
        """Report what is left, then tell the client."""
        if self._reporting:
            self._reporting.cancel()
        if self._report_spec(rospec).number("ROReportTrigger"):
            self.flush()
        self._rospec_event(rospec, 1)

    def aispec_ended(self, rospec: ROSpec, index: int) -> None:
        """Report what is left if the client wants it at the end of an AISpec, then tell it."""
        if self._report_spec(rospec).number("ROReportTrigger") % 2:
            self.flush()
        fields = {"EventType": 0, "ROSpecID": rospec.id, "SpecIndex": index}
        self._event(AISPEC, Parameter("AISpecEvent", fields))

    def _rospec_event(self, rospec: ROSpec, kind: int) -> None:
        fields = {"EventType": kind, "ROSpecID": rospec.id, "PreemptingROSpecID": 0}
        self._event(ROSPEC, Parameter("ROSpecEvent", fields))


def _true_us() -> int:
    return time.time_ns() // 1000
