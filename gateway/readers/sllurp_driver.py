"""`kind = "sllurp"`: a reader driven by sllurp's protocol machine instead of ours (the extra `[sllurp]`, GPL-3.0).

sllurp's `LLRPClient` is sans-I/O: it is given a write callback and whole messages. This file is the asyncio around it,
without sllurp's thread, and what sllurp lacks as far as it can be added from outside: a framer that is new for every
connection, a watchdog over silence, time-outs, errors instead of hanging. docs/protocols/sllurp.md lists what stays
missing: no outputs (lights), no phase, no triggers, and more.

sllurp is imported when `run` first needs it: nobody who does not configure it has to have it.
"""

import asyncio
import struct
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import structlog

from gateway.errors import DeviceError, RefusedError
from gateway.model.inputs import Device, Gpi, Input, Reads, Row
from gateway.readers.llrp.clock import ReaderClock, believable
from gateway.readers.llrp.frames import HEADER, Framer
from gateway.readers.llrp.link import connect
from gateway.readers.llrp.settings import VERSION_1_0_1, ReaderSettings
from gateway.readers.llrp.wishes import spoken

log = structlog.get_logger(__name__)

READ = 65_536
"""Bytes per read."""

GOODBYE = 1.0
"""Seconds a reader gets to answer CLOSE_CONNECTION."""

HANDSHAKE = 6
"""Answers that the handshake waits for: so many times `settings.answer` it may take."""

CANNOT = 'the sllurp driver cannot set outputs: set kind = "llrp" for a reader that drives lights'

_CONTENT = {
    "EnableROSpecID": True,
    "EnableSpecIndex": False,
    "EnableInventoryParameterSpecID": False,
    "EnableAntennaID": True,
    "EnableChannelIndex": True,
    "EnablePeakRSSI": True,
    "EnableFirstSeenTimestamp": True,
    "EnableLastSeenTimestamp": True,
    "EnableTagSeenCount": True,
    "EnableAccessSpecID": False,
}
_EVENTS = {"GPIEvent": True, "AntennaEvent": True, "ReaderExceptionEvent": True, "ReportBufferFillWarning": True}


def wall_clock() -> int:
    """Gateway time, µs UTC."""
    return time.time_ns() // 1000


class SllurpReader:
    """One reader by way of sllurp (see `gateway.readers`): `run` it under a supervisor. Arguments as `LlrpReader`."""

    def __init__(
        self,
        settings: ReaderSettings,
        submit: Callable[[Input], Awaitable[None]],
        clock: Callable[[], int] = wall_clock,
    ) -> None:
        self.settings = settings
        self.rejected = 0
        """Messages that sllurp could not decode."""
        self._submit, self._clock = submit, clock
        self._log = log.bind(reader=settings.id)

    @property
    def id(self) -> str:
        """The reader's id in the configuration."""
        return self.settings.id

    async def run(self) -> None:
        """Connect and read until the link fails.

        Raises:
            RefusedError: the reader is there and refuses something, or sllurp does.
            DeviceError: sllurp is not installed; the reader cannot be reached, fell silent, or closed the link.
        """
        try:
            import sllurp.llrp as sllurp
        except ImportError:
            raise DeviceError(
                self.id, 'kind = "sllurp" needs sllurp: pip install "tallyman[sllurp]" (GPL-3.0), or set kind = "llrp"'
            ) from None
        settings = self.settings
        reader, writer = await connect(settings, READ)
        talk = _Talk(sllurp, settings, writer, self._clock)
        for wish in beyond(settings):
            self._log.warning("reader notice", text=f"the sllurp driver cannot do it: {wish}")
        try:
            await self._converse(talk, reader)
        except asyncio.CancelledError:
            await talk.say_goodbye(reader)
            raise
        except OSError as error:
            text = f"the link to {settings.host}:{settings.port} broke: {error.strerror or error}"
            raise DeviceError(self.id, text) from None
        finally:
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(GOODBYE):
                    await writer.wait_closed()

    def counts(self) -> dict[str, int]:
        """What was odd so far (see `gateway.readers`)."""
        return {"rejected": self.rejected}

    async def set_gpo(self, port: int, level: bool) -> None:
        """Always raises DeviceError: sllurp has no command for outputs."""
        raise DeviceError(self.id, CANNOT)

    async def light(self, ports: Mapping[int, bool]) -> None:
        """Always raises DeviceError: sllurp has no command for outputs."""
        raise DeviceError(self.id, CANNOT)

    async def _converse(self, talk: "_Talk", reader: asyncio.StreamReader) -> None:
        settings, up, acked = self.settings, False, time.monotonic()
        set_up_by = time.monotonic() + settings.connect / 1e6 + HANDSHAKE * settings.answer / 1e6
        while True:
            patience = settings.silence / 1e6 if up else max(0.0, set_up_by - time.monotonic())
            try:
                async with asyncio.timeout(patience):
                    data = await reader.read(READ)
            except TimeoutError:
                if up:
                    text = f"silent for {patience:.1f} s although a keepalive is due: check the cable and its power"
                else:
                    text = f"not set up in time: sllurp waits in {talk.state}"
                raise DeviceError(self.id, text) from None
            if not data:
                raise DeviceError(self.id, f"the reader closed the connection while {talk.state}")
            inputs = list(talk.receive(data))
            self.rejected += talk.rejected
            talk.rejected = 0
            if talk.reading and not up:
                up = True
                inputs.insert(0, Device(self.id, "up", talk.detail))
            now = time.monotonic()
            if up and len(data) == READ and now - acked >= settings.keepalive / 1e6:
                talk.client.send_KEEPALIVE_ACK()  # the reader's keepalive may stand behind megabytes of reports
                acked = now
            await self._forward(talk, inputs)

    async def _forward(self, talk: "_Talk", inputs: list[Input]) -> None:
        """Submit; while the house is busy acknowledge the keepalives that stand unread behind the reports."""
        for item in inputs:
            submitting = asyncio.ensure_future(self._submit(item))
            try:
                while not submitting.done():
                    await asyncio.wait([submitting], timeout=self.settings.keepalive / 1e6)
                    if not submitting.done():
                        talk.client.send_KEEPALIVE_ACK()
            finally:
                submitting.cancel()
            await submitting


def beyond(settings: ReaderSettings) -> Iterator[str]:
    """What is configured and sllurp has no words for; it reads without it."""
    if settings.trigger is not None:
        yield "a trigger: it reads always"
    if settings.filters:
        yield "filters: it reads every tag"
    if settings.report_period:
        yield "report_period"
    if settings.version > VERSION_1_0_1:
        yield "llrp_version: it speaks 1.0.1"
    if isinstance(settings.mode, str):
        yield f"mode {settings.mode!r} by name: give its number"


class _Talk:
    """One connection's sllurp client, made new each time: what it writes, what it is told, what comes of it."""

    def __init__(
        self, sllurp: Any, settings: ReaderSettings, writer: asyncio.StreamWriter, clock: Callable[[], int]
    ) -> None:
        self.reading = False
        self.rejected = 0
        self.detail = ""
        self._sllurp, self._settings, self._writer, self._clock = sllurp, settings, writer, clock
        self._framer = Framer()
        self._utc, self._uptime = ReaderClock(), ReaderClock()
        self._ours: dict[int, str] = {}  # requests sent past sllurp's machine, which must not see their answers
        self._prepared = False
        self._wrong = (
            sllurp.LLRPError, sllurp.ReaderConfigurationError, struct.error,
            KeyError, IndexError, TypeError, ValueError, AttributeError, AssertionError,
        )  # fmt: skip
        self.client = sllurp.LLRPClient(self._config(), transport_tx_write=self._write)

    def _config(self) -> Any:
        settings = self._settings
        wanted: dict[str, Any] = {
            "antennas": list(settings.antennas) or [0],  # LLRP: 0 is all
            "tag_content_selector": _CONTENT,
            "event_selector": _EVENTS,
            "keepalive_interval": max(1, settings.keepalive // 1000),
            "gpi_ports_config": dict.fromkeys(settings.inputs, True),
            "reset_on_connect": False,  # it deletes everybody's ROSpecs, and hangs where that is refused
            "start_inventory": False,  # we start it, when our old ROSpec is gone
        }
        if settings.session is not None:
            wanted["session"] = settings.session
        if settings.tag_population is not None:
            wanted["tag_population"] = settings.tag_population
        if isinstance(settings.mode, int):
            wanted["mode_identifier"] = settings.mode
        powers = {antenna: settings.power(antenna) for antenna in wanted["antennas"]}
        if None not in powers.values():
            wanted["tx_power_dbm"] = powers
        return self._sllurp.LLRPReaderConfig(wanted)

    @property
    def state(self) -> str:
        """Sllurp's state by its name."""
        return str(self._sllurp.LLRPReaderState.getStateName(self.client.state)).removeprefix("STATE_").lower()

    def _write(self, data: bytes) -> None:
        if int.from_bytes(data[:2], "big") & 0x3FF == 64:  # ENABLE_EVENTS_AND_REPORTS: some readers refuse it
            self._ours[int.from_bytes(data[6:10], "big")] = "ENABLE_EVENTS_AND_REPORTS"
        self._writer.write(data)

    def receive(self, data: bytes) -> Iterator[Input]:
        """Whole messages through sllurp; what they mean for the house.

        Raises:
            DeviceError, RefusedError: the conversation is over.
        """
        rows: list[Row] = []
        for head, number, body in self._framer.feed(data):
            frame = HEADER.pack(head, HEADER.size + len(body), number) + body
            try:
                message = self._sllurp.LLRPMessage(msgbytes=frame)
            except self._wrong:
                self.rejected += 1
                continue
            name, content = message.getName(), message.msgdict[message.getName()]
            if name == "RO_ACCESS_REPORT":
                rows += self._rows(content)
                continue
            if rows:
                yield Reads(self._settings.id, tuple(rows))
                rows = []
            yield from self._told(name, number, content, message)
        if rows:
            yield Reads(self._settings.id, tuple(rows))
        if self._framer.error is not None:
            raise DeviceError(self._settings.id, str(self._framer.error))

    def _told(self, name: str, number: int, content: dict[str, Any], message: Any) -> Iterator[Input]:
        """Anything but a tag report: ours to look at, then sllurp's to act upon."""
        if name == "READER_EVENT_NOTIFICATION":
            yield from self._event(content.get("ReaderEventNotificationData", {}))
        if number in self._ours and (name == "ERROR_MESSAGE" or name.endswith("_RESPONSE")):
            self._answered(self._ours.pop(number))
            return
        if (name == "ERROR_MESSAGE" or name.endswith("_RESPONSE")) and not message.isSuccess():
            status = content.get("LLRPStatus", {})
            text = f"{status.get('StatusCode', 'no status')} {status.get('ErrorDescription', '')}".strip()
            raise RefusedError(self._settings.id, f"refused while {self.state}: {text}")
        try:
            self.client.handleMessage(message)
        except self._wrong as error:
            raise RefusedError(self._settings.id, f"sllurp gives up while {self.state}: {error!r}") from None
        if name == "GET_READER_CAPABILITIES_RESPONSE":
            general = content.get("GeneralDeviceCapabilities", {})
            self.detail = (
                f"manufacturer {general.get('DeviceManufacturerName')}, model {general.get('ModelName')}, by sllurp"
            )
        if name == "SET_READER_CONFIG_RESPONSE" and not self._prepared:
            self._prepared = True
            self._send("DELETE_ROSPEC", {"ROSpecID": self._settings.rospec})
        elif name == "ENABLE_ROSPEC_RESPONSE":
            self._send("START_ROSPEC", {"ROSpecID": self._settings.rospec})

    def _send(self, name: str, fields: dict[str, Any]) -> None:
        """A request that is ours and not sllurp's."""
        for sent, number in self.client.sendMessage({name: fields}):
            self._ours[number] = sent

    def _answered(self, name: str) -> None:
        """One of our own requests was answered, yes or no: a reader without our ROSpec refuses to delete it."""
        if name == "DELETE_ROSPEC" and not self.reading:
            self._start()
        elif name == "START_ROSPEC":
            self.reading = True  # refused: it runs already, where a reader starts what it enables

    def _start(self) -> None:
        """Sllurp's ROSpec with our id, a Null start trigger, and a report every N tags; its own never reports."""
        rospec = self.client.getROSpec()
        rospec["ROSpecID"] = self._settings.rospec
        rospec["ROBoundarySpec"]["ROSpecStartTrigger"]["ROSpecStartTriggerType"] = "Null"
        rospec["ROReportSpec"] |= {"ROReportTrigger": "Upon_N_Tags_Or_End_Of_ROSpec", "N": self._settings.report_every}
        try:
            self.client.startInventory()
        except self._wrong as error:
            raise RefusedError(self._settings.id, f"sllurp cannot say what is wanted: {error!r}") from None

    # -- what it hears --------------------------------------------------------------------------------------------

    def _event(self, data: dict[str, Any]) -> Iterator[Input]:
        attempt = data.get("ConnectionAttemptEvent")
        if attempt is not None and attempt.get("Status") not in ("Success", "Another_Connection_Attempted"):
            raise RefusedError(
                self._settings.id,
                f"the reader refuses the connection ({attempt.get('Status')}): ask whoever else uses it",
            )
        if "ConnectionCloseEvent" in data:
            raise DeviceError(self._settings.id, "the reader closed the connection")
        at = self._instant(data)
        edge = data.get("GPIEvent")
        if edge is not None:
            yield Gpi(self._settings.id, edge["GPIPortNumber"], bool(edge["GPIEvent"]), at)
        for name in ("AntennaEvent", "ReaderExceptionEvent"):
            if name in data:
                log.warning("reader notice", reader=self._settings.id, text=f"{name} {data[name]}")

    def _instant(self, data: dict[str, Any]) -> int:
        """Gateway time of a notification; its timestamp teaches us the reader's clock."""
        now = self._clock()
        for name, clock in (("UTCTimestamp", self._utc), ("Uptime", self._uptime)):
            stamp = data.get(name)
            instant = stamp.get("Microseconds") if isinstance(stamp, dict) else stamp
            if isinstance(instant, int):
                return self._corrected(clock, instant, now)
        return now

    def _corrected(self, clock: ReaderClock, instant: int, now: int) -> int:
        """A reader's instant in gateway time, or the time of arrival where it cannot be."""
        if by := clock.sample(now, instant):
            text = (
                f"its clock was set {'forward' if by > 0 else 'back'} by {spoken(round(by, -6))}: give the reader NTP"
            )
            log.warning("reader notice", reader=self._settings.id, text=text)
        at = instant + clock.offset(now)
        return at if believable(at, now) else now

    def _rows(self, content: dict[str, Any]) -> list[Row]:
        """Tag reports as rows of COLUMNS: `at` µs gateway time, EPC upper-case hex, RSSI dBm; sllurp has no phase."""
        now, found = self._clock(), []
        for tag in content.get("TagReportData", ()):
            at = now
            for name, clock in (
                ("LastSeenTimestampUTC", self._utc), ("FirstSeenTimestampUTC", self._utc),
                ("LastSeenTimestampUptime", self._uptime), ("FirstSeenTimestampUptime", self._uptime),
            ):  # fmt: skip
                instant = tag.get(name)
                if isinstance(instant, int):
                    at = self._corrected(clock, instant, now)
                    break
            epc = tag.get("EPC", tag.get("EPC-96", b""))
            text = epc.decode("ascii", "replace") if isinstance(epc, bytes) else str(epc)
            found.append(
                (at, tag.get("AntennaID", 0), text.upper(), tag.get("PeakRSSI"), tag.get("ChannelIndex"), None,
                 tag.get("TagSeenCount"))
            )  # fmt: skip
        return found

    async def say_goodbye(self, reader: asyncio.StreamReader) -> None:
        """CLOSE_CONNECTION, which sllurp never says, and a moment for its answer."""
        self.client.sendMessage({"CLOSE_CONNECTION": {}})
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(GOODBYE):
                while data := await reader.read(READ):
                    if any(head & 0x3FF == 4 for head, _, _ in self._framer.feed(data)):
                        return
