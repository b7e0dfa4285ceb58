"""What a client can set on the reader and read back: SET_ and GET_READER_CONFIG (LLRP 1.0.1, clause 12)."""

from collections.abc import Collection

from simulators.llrp.wire import PARAMETER_BY_NAME, Malformed, Message, Parameter

HOPPING, GPI, ROSPEC, BUFFER, EXCEPTION, SURVEY, AISPEC, AISPEC_DETAILS, ANTENNA = range(9)
"""NotificationEventType."""

TRANSMIT_POWERS = 81
"""Entries of the transmit power table: 10.00 to 30.00 dBm in steps of 0.25."""

_SELECTED = {"EnableAntennaID", "EnablePeakRSSI", "EnableFirstSeenTimestamp"}
_SELECTOR = (
    "EnableROSpecID",
    "EnableSpecIndex",
    "EnableInventoryParameterSpecID",
    "EnableAntennaID",
    "EnableChannelIndex",
    "EnablePeakRSSI",
    "EnableFirstSeenTimestamp",
    "EnableLastSeenTimestamp",
    "EnableTagSeenCount",
    "EnableAccessSpecID",
)


class Configuration:
    """The reader's settings. The factory's: inputs disabled, no keepalive, nothing held, N = 1 or end of ROSpec."""

    def __init__(self, antennas: int, gpis: int, gpos: int) -> None:
        self.connected = dict.fromkeys(range(1, antennas + 1), True)
        """Antenna → something is plugged in."""
        self.gpi_level = dict.fromkeys(range(1, gpis + 1), False)
        self.gpo = dict.fromkeys(range(1, gpos + 1), False)
        self.factory()

    def factory(self) -> None:
        """ResetToFactoryDefault: everything a client can set, as new."""
        self.events = {kind: kind in (EXCEPTION, ANTENNA) for kind in range(9)}
        self.keepalive_ms = 0
        self.hold = False
        self.gpi_enabled = dict.fromkeys(self.gpi_level, False)
        content = {name: int(name in _SELECTED) for name in _SELECTOR}
        self.ro_report = Parameter(
            "ROReportSpec", {"ROReportTrigger": 2, "N": 1}, [Parameter("TagReportContentSelector", content)]
        )
        self.access_report = Parameter("AccessReportSpec", {"AccessReportTrigger": 1})
        self.antennas = {antenna: _antenna(antenna) for antenna in self.connected}

    def check(self, request: Message) -> None:
        """Refuse a SET_READER_CONFIG that names what is not there, before anything of it is done."""
        for part in request.every("GPOWriteData"):
            _within(part, "GPOPortNumber", 1, len(self.gpo))
        for part in request.every("GPIPortCurrentState"):
            _within(part, "GPIPortNum", 0, len(self.gpi_level))
        for part in request.every("AntennaConfiguration", "AntennaProperties"):
            _within(part, "AntennaID", 0, len(self.antennas))
            if transmitter := part.part("RFTransmitter"):
                _within(transmitter, "TransmitPower", 1, TRANSMIT_POWERS)
        if report := request.part("ROReportSpec"):
            check_report(report)

    def apply(self, request: Message) -> list[tuple[int, bool]]:
        """Do what a checked SET_READER_CONFIG says; the outputs it writes are returned as (port, level)."""
        if request.number("ResetToFactoryDefault"):
            self.factory()
        for spec in request.every("ReaderEventNotificationSpec"):
            for state in spec.parts:
                self.events[state.number("EventType")] = bool(state.number("NotificationState"))
        for part in request.every("AntennaConfiguration"):
            for antenna in [part.number("AntennaID")] if part.number("AntennaID") else list(self.antennas):
                self.antennas[antenna] = _merge(self.antennas[antenna], part)
        if report := request.part("ROReportSpec"):
            self.ro_report = report
        if access := request.part("AccessReportSpec"):
            self.access_report = access
        if keepalive := request.part("KeepaliveSpec"):
            periodic = keepalive.number("KeepaliveTriggerType") == 1
            self.keepalive_ms = keepalive.number("PeriodicTriggerValue") if periodic else 0
        for part in request.every("GPIPortCurrentState"):
            for port in [part.number("GPIPortNum")] if part.number("GPIPortNum") else list(self.gpi_enabled):
                self.gpi_enabled[port] = bool(part.number("Config"))
        if hold := request.part("EventsAndReports"):
            self.hold = bool(hold.number("HoldEventsAndReportsUponReconnect"))
        return [(p.number("GPOPortNumber"), bool(p.number("GPOData"))) for p in request.every("GPOWriteData")]

    def answer(self, request: Message, identity: bytes) -> list[Parameter]:
        """The parameters that GET_READER_CONFIG asked for. `identity` is the reader's EUI-64."""
        wanted = request.number("RequestedData")
        antennas = _ports(request, "AntennaID", self.antennas)
        gpis = _ports(request, "GPIPortNum", self.gpi_level)
        gpos = _ports(request, "GPOPortNum", self.gpo)
        sections: dict[int, list[Parameter]] = {
            1: [Parameter("Identification", {"IDType": 0, "ReaderID": identity})],
            2: [
                Parameter(
                    "AntennaProperties",
                    {"AntennaConnected": int(self.connected[antenna]), "AntennaID": antenna, "AntennaGain": 0},
                )
                for antenna in antennas
            ],
            3: [self.antennas[antenna] for antenna in antennas],
            5: [
                Parameter(
                    "ReaderEventNotificationSpec",
                    parts=[
                        Parameter("EventNotificationState", {"EventType": kind, "NotificationState": int(on)})
                        for kind, on in self.events.items()
                    ],
                )
            ],
            4: [self.ro_report],
            6: [self.access_report],
            7: [Parameter("LLRPConfigurationStateValue", {"LLRPConfigurationStateValue": 1})],
            8: [
                Parameter(
                    "KeepaliveSpec",
                    {"KeepaliveTriggerType": int(self.keepalive_ms > 0), "PeriodicTriggerValue": self.keepalive_ms},
                )
            ],
            9: [
                Parameter(
                    "GPIPortCurrentState",
                    {"GPIPortNum": port, "Config": int(self.gpi_enabled[port]), "State": int(self.gpi_level[port])},
                )
                for port in gpis
            ],
            10: [Parameter("GPOWriteData", {"GPOPortNumber": port, "GPOData": int(self.gpo[port])}) for port in gpos],
            11: [Parameter("EventsAndReports", {"HoldEventsAndReportsUponReconnect": int(self.hold)})],
        }
        if wanted and wanted not in sections:
            raise Malformed(101, f"RequestedData {wanted} is not defined")
        return [part for kind, parts in sections.items() if wanted in (0, kind) for part in parts]


def check_report(report: Parameter) -> None:
    """Refuse a ROReportSpec that LLRP 1.0.1 does not know (the timed triggers are 1.1's)."""
    _within(report, "ROReportTrigger", 0, 2)


def _antenna(antenna: int) -> Parameter:
    rf = {"HopTableID": 1, "ChannelIndex": 1, "TransmitPower": TRANSMIT_POWERS}
    control = Parameter("C1G2RFControl", {"ModeIndex": 1, "Tari": 0})
    single = Parameter("C1G2SingulationControl", {"Session": 1, "TagPopulation": 32, "TagTransitTime": 0})
    return Parameter(
        "AntennaConfiguration",
        {"AntennaID": antenna},
        [
            Parameter("RFReceiver", {"ReceiverSensitivity": 1}),
            Parameter("RFTransmitter", rf),
            Parameter("C1G2InventoryCommand", {"TagInventoryStateAware": 0}, [control, single]),
        ],
    )


def _merge(old: Parameter, new: Parameter) -> Parameter:
    """`old` with the sub-parameters that `new` brings; what it leaves out stays as it was."""
    brought = {part.name for part in new.parts}
    return Parameter(old.name, old.fields, [p for p in old.parts if p.name not in brought] + new.parts)


def _within(part: Parameter, name: str, low: int, high: int) -> None:
    value = part.number(name)
    if not low <= value <= high:
        raise Malformed(
            201, f"{part.name}.{name} is {value}, this reader has {low} to {high}", PARAMETER_BY_NAME[part.name].number
        )


def _ports(request: Message, name: str, there: Collection[int]) -> list[int]:
    """The one the request names, or all of them when it names 0."""
    port = request.number(name)
    if port and port not in there:
        raise Malformed(101, f"{name} {port} does not exist, this reader has 1 to {len(there)}")
    return [port] if port else sorted(there)
