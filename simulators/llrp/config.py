"""What a client can set on the reader and read back: SET_ and GET_READER_CONFIG (LLRP 1.0.1, clause 12)."""

from collections.abc import Collection

from simulators.llrp import select, vendors
from simulators.llrp.profiles import Profile
from simulators.llrp.wire import VERSION, Malformed, Message, Parameter, type_of

HOPPING, GPI, ROSPEC, BUFFER, EXCEPTION, SURVEY, AISPEC, AISPEC_DETAILS, ANTENNA = range(9)
"""NotificationEventType."""

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

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.connected = dict.fromkeys(range(1, profile.antennas + 1), True)
        """Antenna → something is plugged in."""
        self.gpi_level = dict.fromkeys(range(1, profile.gpis + 1), False)
        self.gpo = dict.fromkeys(range(1, profile.gpos + 1), False)
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
        self.antennas = {antenna: _antenna(antenna, self.profile) for antenna in self.connected}
        self.buffering = 0
        """ImpinjReportBufferMode: kept and told, without effect here."""

    def check(self, request: Message) -> None:
        """Refuse a SET_READER_CONFIG that names what is not there, before anything of it is done."""
        for part in request.every("GPOWriteData"):
            _within(part, "GPOPortNumber", 1, len(self.gpo))
        for part in request.every("GPIPortCurrentState"):
            _within(part, "GPIPortNum", 0, len(self.gpi_level))
        for part in request.every("AntennaConfiguration", "AntennaProperties"):
            _within(part, "AntennaID", 0, len(self.antennas))
            check_antenna(part, self.profile)
        if report := request.part("ROReportSpec"):
            check_report(report, request.version)

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
        buffering = vendors.buffering(request)
        self.buffering = self.buffering if buffering is None else buffering
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
        found = [part for kind, parts in sections.items() if wanted in (0, kind) for part in parts]
        return found + vendors.requested(self.profile, request, self.buffering)


def check_report(report: Parameter, version: int) -> None:
    """Refuse a ROReportSpec that this version of LLRP does not know (the timed triggers, 3 to 6, are 1.1's)."""
    _within(report, "ROReportTrigger", 0, 2 if version == VERSION else 6)


def check_antenna(part: Parameter, profile: Profile) -> None:
    """Refuse an AntennaConfiguration with a power, a mode or filters that are not in the capabilities."""
    if transmitter := part.part("RFTransmitter"):
        _within(transmitter, "TransmitPower", 1, len(profile.powers))
    for command in part.every("C1G2InventoryCommand"):
        control = command.part("C1G2RFControl")
        mode = control.number("ModeIndex") if control else profile.modes[0].identifier
        if mode not in [known.identifier for known in profile.modes]:
            raise Malformed(201, f"ModeIndex {mode} is not in the table of modes", type_of("C1G2RFControl"))
        select.check(command, profile)


def _antenna(antenna: int, profile: Profile) -> Parameter:
    rf = {"HopTableID": int(profile.hopping), "ChannelIndex": 1, "TransmitPower": len(profile.powers)}
    control = Parameter("C1G2RFControl", {"ModeIndex": profile.modes[0].identifier, "Tari": 0})
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
        raise Malformed(201, f"{part.name}.{name} is {value}, this reader has {low} to {high}", type_of(part.name))


def _ports(request: Message, name: str, there: Collection[int]) -> list[int]:
    """The one the request names, or all of them when it names 0."""
    port = request.number(name)
    if port and port not in there:
        raise Malformed(101, f"{name} {port} does not exist, this reader has 1 to {len(there)}")
    return [port] if port else sorted(there)
