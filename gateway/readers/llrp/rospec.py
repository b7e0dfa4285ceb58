"""The requests that set a reader to work, built from what is wanted and what it can: messages, no bytes, no ids."""

from collections.abc import Mapping

import msgspec

from gateway.readers.llrp.capabilities import Capabilities
from gateway.readers.llrp.codec import BitString, CodecError, Message, Parameter, decode_parameters, encode_parameters
from gateway.readers.llrp.fast import IMPINJ
from gateway.readers.llrp.modes import mode_number
from gateway.readers.llrp.settings import (
    VERSION_1_1,
    Filter,
    GpiTrigger,
    PeriodTrigger,
    QuietTrigger,
    ReaderSettings,
)
from gateway.readers.llrp.tables import label

# NotificationEventType of LLRP 1.0.1 that we ask for, and that we ask not to get.
_EVENTS = {1: True, 2: True, 3: True, 4: True, 6: False, 8: True}  # GPI, ROSpec, buffer, exception, AISpec, antenna
_ENABLE_EXTENSIONS, _CONTENT_SELECTOR = 21, 50  # Impinj: message subtype; parameter subtype
_ENABLE_PHASE, _ENABLE_RSSI = 52, 53  # Impinj: parameter subtypes inside the selector
_ANTENNA_PROPERTIES, _GPI_STATE = 2, 9  # GetReaderConfigRequestedData
_TAG_OBSERVATION = 3  # AISpecStopTriggerType
_NO_MORE_NEW_TAGS, _NO_MORE_UNIQUE_TAGS = 1, 4  # TagObservationTriggerType; the second is of 1.1
_UPON_N_TAGS, _UPON_N_MS = 2, 6  # ROReportTriggerType, "or end of ROSpec"; the second is of 1.1
_LONGEST_MS = 0xFFFF  # that N can say
_SELECT_UNSELECT, _SELECT_KEEP = 0, 1  # C1G2StateUnawareAction: what a Select does to tags that fit, and to others
_GEN2 = 1  # AirProtocols: EPCGlobalClass1Gen2


def get_supported_version(settings: ReaderSettings, capabilities: Capabilities) -> Message | None:
    """Ask which LLRP versions the reader knows (LLRP 1.1 §9.1.1). None when 1.0.1 is to be spoken anyway."""
    return Message("GET_SUPPORTED_VERSION", version=VERSION_1_1) if settings.version >= VERSION_1_1 else None


def set_protocol_version(settings: ReaderSettings, capabilities: Capabilities) -> Message | None:
    """Agree on LLRP 1.1 (§9.1.3), before anything else is said.

    None when the reader does not know it, or speaks it already: it may be chosen once.
    """
    if capabilities.version >= VERSION_1_1 or capabilities.highest < VERSION_1_1:
        return None
    return Message("SET_PROTOCOL_VERSION", fields={"ProtocolVersion": VERSION_1_1}, version=VERSION_1_1)


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
    """Switch on the inputs that are used. None when none is."""
    if not settings.inputs:
        return None
    inputs = tuple(
        # the state is the reader's to say; 2 (unknown) when a client sends it
        Parameter("GPIPortCurrentState", {"GPIPortNum": port, "Config": True, "State": 2})
        for port in settings.inputs
    )
    return Message("SET_READER_CONFIG", fields={"ResetToFactoryDefault": False}, parameters=inputs)


def get_levels(settings: ReaderSettings, capabilities: Capabilities) -> Message | None:
    """Ask for the levels of all inputs: an eye may have cleared while nobody was listening. None when none is used."""
    return _get_config(_GPI_STATE) if settings.inputs else None


def get_antennas(settings: ReaderSettings, capabilities: Capabilities) -> Message | None:
    """Ask which antennas are connected: an event only tells of changes. None when it does not matter which."""
    return _get_config(_ANTENNA_PROPERTIES) if settings.antennas else None


def _get_config(what: int) -> Message:
    fields = {"AntennaID": 0, "RequestedData": what, "GPIPortNum": 0, "GPOPortNum": 0}  # 0: all of them
    return Message("GET_READER_CONFIG", fields=fields)


def get_rospecs() -> Message:
    """Ask which ROSpecs are on the reader, and how they stand."""
    return Message("GET_ROSPECS")


def get_report() -> Message:
    """Ask for what was read and not yet reported. Its answer is an RO_ACCESS_REPORT."""
    return Message("GET_REPORT")


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
    """Start our ROSpec, when its start trigger is Null, which every reader accepts. None when a trigger starts it."""
    return start_now(settings) if settings.always else None


def start_now(settings: ReaderSettings) -> Message:
    """Start our ROSpec, whatever its trigger."""
    return Message("START_ROSPEC", fields={"ROSpecID": settings.rospec})


def add(settings: ReaderSettings, capabilities: Capabilities) -> Message | None:
    """Our ROSpec: read the wanted antennas as the trigger says, and report every `report_every` tags."""
    antennas, report = _antenna_configurations(settings, capabilities), _report_spec(settings, capabilities)
    return _add(settings, antennas, report, capabilities.newer)


def add_least(settings: ReaderSettings, capabilities: Capabilities) -> Message | None:
    """The same without what a reader may lack: power, mode, session, population and vendor extensions."""
    bare = msgspec.structs.replace(
        settings, power_dbm=None, powers=(), mode=None, session=None, tag_population=None, extensions=False
    )
    return add(bare, capabilities)


def _add(settings: ReaderSettings, antennas: tuple[Parameter, ...], report: Parameter, newer: bool) -> Message:
    inventory = Parameter("InventoryParameterSpec", {"InventoryParameterSpecID": 1, "ProtocolID": _GEN2}, antennas)
    stop = _aispec_stop(settings, newer)
    aispec = Parameter("AISpec", {"AntennaIDs": settings.antennas or (0,)}, (stop, inventory))
    rospec = Parameter(
        "ROSpec",
        {"ROSpecID": settings.rospec, "Priority": 0, "CurrentState": 0},
        (Parameter("ROBoundarySpec", {}, _boundary(settings)), aispec, report),
    )
    return Message("ADD_ROSPEC", parameters=(rospec,))


def _boundary(settings: ReaderSettings) -> tuple[Parameter, Parameter]:
    """When the ROSpec starts, and when it stops (LLRP 1.0.1 §10.2.1); Null and Null when it is to read always."""
    match settings.trigger:
        case GpiTrigger(gpi, level, timeout, quiet):
            edge = {"GPIPortNum": gpi, "GPIEvent": level, "Timeout": 0}
            begin = _start_trigger(3, Parameter("GPITriggerValue", edge))
            if quiet:  # then the AISpec ends it
                return begin, _stop_trigger(1, timeout) if timeout else _stop_trigger(0)
            away = {"GPIPortNum": gpi, "GPIEvent": not level, "Timeout": timeout // 1000}
            return begin, _stop_trigger(2, 0, Parameter("GPITriggerValue", away))
        case PeriodTrigger(period, duration):
            value = Parameter("PeriodicTriggerValue", {"Offset": 0, "Period": period // 1000})
            return _start_trigger(2, value), _stop_trigger(1, duration)
    return _start_trigger(0), _stop_trigger(0)


def _start_trigger(kind: int, *value: Parameter) -> Parameter:
    return Parameter("ROSpecStartTrigger", {"ROSpecStartTriggerType": kind}, value)


def _stop_trigger(kind: int, duration: int = 0, *value: Parameter) -> Parameter:
    fields = {"ROSpecStopTriggerType": kind, "DurationTriggerValue": duration // 1000}
    return Parameter("ROSpecStopTrigger", fields, value)


def _aispec_stop(settings: ReaderSettings, newer: bool) -> Parameter:
    """When the inventory ends by itself: after so long without a new tag, or never.

    1.0.1 leaves open whether a tag seen again is new; 1.1 (§11.2.2.1.1) has a trigger by which it is not.
    """
    trigger = settings.trigger
    quiet = trigger.quiet if isinstance(trigger, GpiTrigger | QuietTrigger) else 0
    fields = {"AISpecStopTriggerType": _TAG_OBSERVATION if quiet else 0, "DurationTrigger": 0}
    if not quiet:
        return Parameter("AISpecStopTrigger", fields)
    timeout = trigger.timeout // 1000 if isinstance(trigger, GpiTrigger) else 0
    kind = _NO_MORE_UNIQUE_TAGS if newer else _NO_MORE_NEW_TAGS
    observation = {"TriggerType": kind, "NumberOfTags": 0, "NumberOfAttempts": 0}
    silence = Parameter("TagObservationTrigger", observation | {"T": quiet // 1000, "Timeout": timeout})
    return Parameter("AISpecStopTrigger", fields, (silence,))


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


def _antenna_configurations(settings: ReaderSettings, capabilities: Capabilities) -> tuple[Parameter, ...]:
    """Power and air settings, together for all antennas (0) unless powers differ; nothing when nothing is configured.

    With powers of their own every antenna is named: one that is left out keeps what another client set.
    """
    inventory = _inventory_command(settings, capabilities)
    found = []
    for antenna in (settings.antennas or [port for port, _ in settings.powers]) if settings.powers else (0,):
        inside = (*_transmitter(settings.power(antenna), capabilities), *inventory)
        if inside:
            found.append(Parameter("AntennaConfiguration", {"AntennaID": antenna}, inside))
    return tuple(found)


def _transmitter(dbm: float | None, capabilities: Capabilities) -> tuple[Parameter, ...]:
    index = None if dbm is None else capabilities.power_index(dbm)
    if index is None:
        return ()
    # a hop table where the reader hops, else its first fixed channel: a wrong one is refused by some readers
    fields = {"HopTableID": capabilities.hop_table, "ChannelIndex": 0 if capabilities.hopping else 1}
    return (Parameter("RFTransmitter", {**fields, "TransmitPower": index}),)


def _inventory_command(settings: ReaderSettings, capabilities: Capabilities) -> tuple[Parameter, ...]:
    command = [_filter(wanted, first=number == 0) for number, wanted in enumerate(settings.filters)]
    mode = mode_number(settings.mode, capabilities)
    if mode is not None:
        command.append(Parameter("C1G2RFControl", {"ModeIndex": mode, "Tari": 0}))
    if settings.session is not None or settings.tag_population is not None:
        session = 1 if settings.session is None else settings.session
        population = 32 if settings.tag_population is None else settings.tag_population
        fields = {"Session": session, "TagPopulation": population, "TagTransitTime": 0}
        command.append(Parameter("C1G2SingulationControl", fields))
    if not command:
        return ()
    return (Parameter("C1G2InventoryCommand", {"TagInventoryStateAware": False}, tuple(command)),)


def _filter(wanted: Filter, first: bool) -> Parameter:
    """One Select. The first unselects what does not fit, the others only add: a tag must fit any of them."""
    mask = {"MB": wanted.bank, "Pointer": wanted.pointer, "TagMask": BitString(wanted.bits, wanted.mask)}
    action = {"Action": _SELECT_UNSELECT if first else _SELECT_KEEP}
    parts = (
        Parameter("C1G2TagInventoryMask", mask),
        Parameter("C1G2TagInventoryStateUnawareFilterAction", action),
    )
    return Parameter("C1G2Filter", {"T": 0}, parts)  # truncation is the reader's affair: no reader we know truncates


def _report_spec(settings: ReaderSettings, capabilities: Capabilities) -> Parameter:
    """Report upon N tags, or so many milliseconds, or the end of the ROSpec, with everything the rules can use."""
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
    trigger = {"ROReportTrigger": _UPON_N_TAGS, "N": settings.report_every}
    if timed(settings, capabilities):
        trigger = {"ROReportTrigger": _UPON_N_MS, "N": max(1, min(settings.report_period // 1000, _LONGEST_MS))}
    return Parameter("ROReportSpec", trigger, tuple(parts))


def timed(settings: ReaderSettings, capabilities: Capabilities) -> bool:
    """Whether the reader itself reports in time (ROReportSpec, LLRP 1.1 §14.2.1); else it has to be asked to."""
    return settings.timely and capabilities.newer


def _impinj(subtype: int, data: bytes) -> Parameter:
    return Parameter("Custom", {"VendorIdentifier": IMPINJ, "ParameterSubtype": subtype, "Data": data})


def custom_status(message: Message) -> Parameter | None:
    """The LLRPStatus inside a custom response. Raises CodecError when there are no parameters in it."""
    return next((p for p in decode_parameters(message.fields["Data"]) if p.name == "LLRPStatus"), None)


def refusal(message: Message) -> str | None:
    """Why a response says no; None when it says yes. Raises CodecError when it says neither."""
    custom = message.name == "CUSTOM_MESSAGE"
    status = custom_status(message) if custom else message.first("LLRPStatus")
    if status is None:
        raise CodecError(f"{message.name}: it has no LLRPStatus")
    code = status.fields["StatusCode"]
    if code == 0 and message.name != "ERROR_MESSAGE":
        return None
    text = status.fields["ErrorDescription"]
    return f"{label('StatusCode', code)} ({code})" + (f", {text}" if text else "")
