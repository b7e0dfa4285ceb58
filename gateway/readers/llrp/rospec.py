"""The requests that set a reader to work, built from what is wanted and what it can: messages, no bytes, no ids."""

from collections.abc import Mapping

from gateway.readers.llrp.capabilities import Capabilities
from gateway.readers.llrp.codec import Message, Parameter, decode_parameters, encode_parameters
from gateway.readers.llrp.fast import IMPINJ
from gateway.readers.llrp.settings import ReaderSettings

# NotificationEventType of LLRP 1.0.1 that we ask for, and that we ask not to get.
_EVENTS = {1: True, 2: False, 3: True, 4: True, 6: False, 8: True}  # GPI, ROSpec, buffer, exception, AISpec, antenna
_ENABLE_EXTENSIONS, _CONTENT_SELECTOR = 21, 50  # Impinj: message subtype; parameter subtype
_ENABLE_PHASE, _ENABLE_RSSI = 52, 53  # Impinj: parameter subtypes inside the selector
_GEN2 = 1  # AirProtocols: EPCGlobalClass1Gen2


def get_capabilities(settings: ReaderSettings, capabilities: Capabilities) -> Message | None:
    """Ask for everything the reader can do."""
    return Message("GET_READER_CAPABILITIES", fields={"RequestedData": 0})


def enable_extensions(settings: ReaderSettings, capabilities: Capabilities) -> Message | None:
    """IMPINJ_ENABLE_EXTENSIONS, without which its own parameters are refused. None for other makers."""
    if not extended(settings, capabilities):
        return None
    fields = {"VendorIdentifier": IMPINJ, "MessageSubtype": _ENABLE_EXTENSIONS, "Data": bytes(4)}
    return Message("CUSTOM_MESSAGE", fields=fields)


def extended(settings: ReaderSettings, capabilities: Capabilities) -> bool:
    """Whether vendor extensions are wanted and known for this reader."""
    return settings.extensions and capabilities.manufacturer == IMPINJ


def set_reader_config(settings: ReaderSettings, capabilities: Capabilities) -> Message | None:
    """Events, keepalive, and holding of reports while nobody listens (where the reader can)."""
    parameters = [_notifications(_EVENTS), _keepalive(settings)]
    if capabilities.holds:
        parameters.append(Parameter("EventsAndReports", {"HoldEventsAndReportsUponReconnect": True}))
    return Message("SET_READER_CONFIG", fields={"ResetToFactoryDefault": False}, parameters=tuple(parameters))


def set_reader_config_least(settings: ReaderSettings, capabilities: Capabilities) -> Message | None:
    """The same with only what we cannot do without: keepalives and input edges."""
    parameters = (_notifications({1: True}), _keepalive(settings))
    return Message("SET_READER_CONFIG", fields={"ResetToFactoryDefault": False}, parameters=parameters)


def enable_inputs(settings: ReaderSettings, capabilities: Capabilities) -> Message | None:
    """Switch on the inputs the portals use. None when they use none."""
    if not settings.gpi:
        return None
    inputs = tuple(
        # the state is the reader's to say; 2 (unknown) when a client sends it
        Parameter("GPIPortCurrentState", {"GPIPortNum": port, "Config": True, "State": 2})
        for port in settings.gpi
    )
    return Message("SET_READER_CONFIG", fields={"ResetToFactoryDefault": False}, parameters=inputs)


def set_outputs(levels: Mapping[int, bool]) -> Message:
    """Drive general purpose outputs."""
    outputs = tuple(
        Parameter("GPOWriteData", {"GPOPortNumber": port, "GPOData": level}) for port, level in sorted(levels.items())
    )
    return Message("SET_READER_CONFIG", fields={"ResetToFactoryDefault": False}, parameters=outputs)


def delete_all(settings: ReaderSettings, capabilities: Capabilities) -> Message | None:
    """Delete every ROSpec (id 0), when we are to take the reader over."""
    return Message("DELETE_ROSPEC", fields={"ROSpecID": 0}) if settings.takeover else None


def delete_own(settings: ReaderSettings, capabilities: Capabilities) -> Message | None:
    """Delete what we left behind."""
    return Message("DELETE_ROSPEC", fields={"ROSpecID": settings.rospec})


def enable(settings: ReaderSettings, capabilities: Capabilities) -> Message | None:
    """Enable our ROSpec."""
    return Message("ENABLE_ROSPEC", fields={"ROSpecID": settings.rospec})


def start(settings: ReaderSettings, capabilities: Capabilities) -> Message | None:
    """Start our ROSpec: its start trigger is Null, which every reader accepts."""
    return Message("START_ROSPEC", fields={"ROSpecID": settings.rospec})


def add(settings: ReaderSettings, capabilities: Capabilities) -> Message | None:
    """Our ROSpec: read the wanted antennas until stopped, and report every `report_every` tags."""
    inventory = Parameter(
        "InventoryParameterSpec",
        {"InventoryParameterSpecID": 1, "ProtocolID": _GEN2},
        _antenna_configuration(settings, capabilities),
    )
    aispec = Parameter(
        "AISpec",
        {"AntennaIDs": settings.antennas or (0,)},
        (Parameter("AISpecStopTrigger", {"AISpecStopTriggerType": 0, "DurationTrigger": 0}), inventory),
    )
    boundary = Parameter(
        "ROBoundarySpec",
        {},
        (
            Parameter("ROSpecStartTrigger", {"ROSpecStartTriggerType": 0}),
            Parameter("ROSpecStopTrigger", {"ROSpecStopTriggerType": 0, "DurationTriggerValue": 0}),
        ),
    )
    rospec = Parameter(
        "ROSpec",
        {"ROSpecID": settings.rospec, "Priority": 0, "CurrentState": 0},
        (boundary, aispec, _report_spec(settings, capabilities)),
    )
    return Message("ADD_ROSPEC", parameters=(rospec,))


def _notifications(events: Mapping[int, bool]) -> Parameter:
    states = tuple(
        Parameter("EventNotificationState", {"EventType": kind, "NotificationState": wanted})
        for kind, wanted in events.items()
    )
    return Parameter("ReaderEventNotificationSpec", {}, states)


def _keepalive(settings: ReaderSettings) -> Parameter:
    return Parameter(
        "KeepaliveSpec", {"KeepaliveTriggerType": 1, "PeriodicTriggerValue": max(1, settings.keepalive // 1000)}
    )


def _antenna_configuration(settings: ReaderSettings, capabilities: Capabilities) -> tuple[Parameter, ...]:
    """Power, mode, session and population for all antennas; nothing at all when nothing is configured."""
    inside = []
    index = None if settings.power_dbm is None else capabilities.power_index(settings.power_dbm)
    if index is not None:
        # a hop table where the reader hops, else its first fixed channel: a wrong one is refused by some readers
        fields = {"HopTableID": capabilities.hop_table, "ChannelIndex": 0 if capabilities.hopping else 1}
        inside.append(Parameter("RFTransmitter", {**fields, "TransmitPower": index}))
    command = []
    if settings.mode is not None:
        command.append(Parameter("C1G2RFControl", {"ModeIndex": settings.mode, "Tari": 0}))
    if settings.session is not None or settings.tag_population is not None:
        session = 1 if settings.session is None else settings.session
        population = 32 if settings.tag_population is None else settings.tag_population
        fields = {"Session": session, "TagPopulation": population, "TagTransitTime": 0}
        command.append(Parameter("C1G2SingulationControl", fields))
    if command:
        inside.append(Parameter("C1G2InventoryCommand", {"TagInventoryStateAware": False}, tuple(command)))
    return (Parameter("AntennaConfiguration", {"AntennaID": 0}, tuple(inside)),) if inside else ()


def _report_spec(settings: ReaderSettings, capabilities: Capabilities) -> Parameter:
    """Report upon N tags or the end of the ROSpec, with everything the rules can use."""
    selector = Parameter(
        "TagReportContentSelector",
        {
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
        },
    )
    parts = [selector]
    if extended(settings, capabilities):
        wanted = tuple(_impinj(kind, b"\x00\x01") for kind in (_ENABLE_PHASE, _ENABLE_RSSI))
        parts.append(_impinj(_CONTENT_SELECTOR, encode_parameters(wanted)))
    return Parameter("ROReportSpec", {"ROReportTrigger": 2, "N": settings.report_every}, tuple(parts))


def _impinj(subtype: int, data: bytes) -> Parameter:
    return Parameter("Custom", {"VendorIdentifier": IMPINJ, "ParameterSubtype": subtype, "Data": data})


def custom_status(message: Message) -> Parameter | None:
    """The LLRPStatus inside a custom response. Raises CodecError when there are no parameters in it."""
    return next((p for p in decode_parameters(message.fields["Data"]) if p.name == "LLRPStatus"), None)
