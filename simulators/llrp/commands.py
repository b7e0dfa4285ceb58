"""What the reader does with each message of a client, and the answer it gives (LLRP 1.0.1, clauses 9 to 14)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from simulators.llrp import vendors
from simulators.llrp.capabilities import capabilities
from simulators.llrp.config import check_antenna, check_report
from simulators.llrp.profiles import IMPINJ
from simulators.llrp.rospec import ROSpec, State
from simulators.llrp.wire import BOOKS, VERSION_1_1, Malformed, Message, Parameter, type_of

if TYPE_CHECKING:
    from simulators.llrp.reader import Reader

VERSION_MESSAGES = ("GET_SUPPORTED_VERSION", "SET_PROTOCOL_VERSION")
"""They are of version 1.1, whatever version the connection has."""

IMPINJ_ENABLE_EXTENSIONS, IMPINJ_ENABLE_EXTENSIONS_RESPONSE = 21, 22


def status(code: int = 0, text: str = "", parameter: int | None = None) -> Parameter:
    """LLRPStatus. A P_ code (200 to 209) travels in a ParameterError under M_ParameterError, as clause 14.2.1 wants."""
    if 200 <= code < 300:
        inner = Parameter("ParameterError", {"ParameterType": parameter or 0, "ErrorCode": code})
        return Parameter("LLRPStatus", {"StatusCode": 100, "ErrorDescription": text}, [inner])
    return Parameter("LLRPStatus", {"StatusCode": code, "ErrorDescription": text})


def refusal(name: str, message_id: int, error: Malformed) -> Message:
    """The answer to a request that was refused: its own response where it has one, else ERROR_MESSAGE."""
    shape = BOOKS[VERSION_1_1].messages.get(f"{name}_RESPONSE")
    told = [status(error.code, error.text, error.parameter)]
    if shape is None or (error.code in (109, 110) and name != "SET_PROTOCOL_VERSION"):
        return Message("ERROR_MESSAGE", {}, told, id=message_id)
    return Message(shape.name, dict.fromkeys((label for label, _, _ in shape.fixed), 0), told, id=message_id)


def perform(reader: "Reader", request: Message) -> Message | None:
    """Do what `request` says. Raises Malformed to refuse it; None means that nothing is answered."""
    if (parts := _COMMANDS.get(request.name)) is None:
        raise Malformed(109, f"{request.name} is not a message for a reader")
    vendors.check(reader.profile, reader.extensions, request)
    answer = parts(reader, request)
    if answer is None or isinstance(answer, Message):
        return answer
    return Message(f"{request.name}_RESPONSE", {}, [status(), *answer], id=request.id)


Answer = Message | list[Parameter] | None
"""A message as it is; the parameters that follow LLRPStatus in the response; or nothing."""


def _get_capabilities(reader: "Reader", request: Message) -> Answer:
    found = capabilities(reader.profile, request.number("RequestedData"))
    return found + vendors.requested(reader.profile, request, reader.config.buffering)


def _get_config(reader: "Reader", request: Message) -> Answer:
    return [*reader.config.answer(request, reader.identity)]


def _set_config(reader: "Reader", request: Message) -> Answer:
    reader.config.check(request)
    if request.number("ResetToFactoryDefault"):
        reader.forget_specs()
    for port, level in reader.config.apply(request):
        reader.set_gpo(port, level)
    if request.number("ResetToFactoryDefault") or request.part("KeepaliveSpec"):
        reader.keepalive_changed()
    return []


def _add_rospec(reader: "Reader", request: Message) -> Answer:
    spec = request.parts[0]
    rospec_id = spec.number("ROSpecID")
    if rospec_id == 0:
        raise _field("ROSpecID 0 is reserved")
    if rospec_id in reader.rospecs:
        raise _field(f"ROSpec {rospec_id} exists already")
    if len(reader.rospecs) >= reader.profile.rospecs:
        raise Malformed(105, f"this reader holds {reader.profile.rospecs} ROSpecs")
    if spec.number("CurrentState") != State.DISABLED:
        raise _in(spec, 201, "CurrentState of a new ROSpec is Disabled")
    if {part.name for part in spec.every("AISpec", "RFSurveySpec", "LoopSpec", "Custom")} != {"AISpec"}:
        raise _in(spec, 209, "this reader does AISpecs only")
    _check_triggers(spec)
    for aispec in spec.every("AISpec"):
        antennas = aispec.fields["AntennaIDs"]
        assert isinstance(antennas, list)
        if not antennas or not all(0 <= antenna <= reader.profile.antennas for antenna in antennas):
            raise _in(aispec, 201, f"AntennaIDs {antennas}: this reader has 1 to {reader.profile.antennas}")
        for inventory in aispec.every("InventoryParameterSpec"):
            for part in inventory.every("AntennaConfiguration"):
                check_antenna(part, reader.profile)
    if report := spec.part("ROReportSpec"):
        check_report(report, request.version)
    reader.rospecs[rospec_id] = ROSpec(spec, reader, reader.later)
    return []


_TRIGGERS: dict[str, dict[int, str | None]] = {
    "ROSpecStartTrigger": {0: None, 1: None, 2: "PeriodicTriggerValue", 3: "GPITriggerValue"},
    "ROSpecStopTrigger": {0: None, 1: None, 2: "GPITriggerValue"},
}
"""Trigger → its types, and the parameter that each needs."""


def _check_triggers(spec: Parameter) -> None:
    for boundary in spec.every("ROBoundarySpec"):
        for trigger in boundary.parts:
            known, kind = _TRIGGERS[trigger.name], trigger.number(f"{trigger.name}Type")
            if kind not in known:
                raise _in(trigger, 201, f"{trigger.name}Type {kind} is not defined")
            needed = known[kind]
            if needed and not trigger.part(needed):
                raise _in(trigger, 203, f"{trigger.name}Type {kind} needs a {needed}")


def _rospecs(reader: "Reader", request: Message, all_of_them: bool = True) -> list[ROSpec]:
    rospec_id = request.number("ROSpecID")
    if rospec_id == 0 and all_of_them:
        return list(reader.rospecs.values())
    if rospec_id not in reader.rospecs:
        raise _field(f"ROSpec {rospec_id} does not exist")
    return [reader.rospecs[rospec_id]]


def _delete_rospec(reader: "Reader", request: Message) -> Answer:
    for rospec in _rospecs(reader, request):
        rospec.disable()
        del reader.rospecs[rospec.id]
    return []


def _enable_rospec(reader: "Reader", request: Message) -> Answer:
    for rospec in _rospecs(reader, request):
        rospec.enable()
    return []


def _disable_rospec(reader: "Reader", request: Message) -> Answer:
    for rospec in _rospecs(reader, request):
        rospec.disable()
    return []


def _start_rospec(reader: "Reader", request: Message) -> Answer:
    (rospec,) = _rospecs(reader, request, all_of_them=False)
    if rospec.state is State.DISABLED:
        raise _field(f"ROSpec {rospec.id} is disabled")
    if rospec.state is State.INACTIVE and not rospec.start():
        raise Malformed(401, "another ROSpec is active, and this reader has one radio")
    return []


def _stop_rospec(reader: "Reader", request: Message) -> Answer:
    (rospec,) = _rospecs(reader, request, all_of_them=False)
    if rospec.state is State.DISABLED:
        raise _field(f"ROSpec {rospec.id} is disabled")
    rospec.stop()
    return []


def _get_rospecs(reader: "Reader", request: Message) -> Answer:
    return [rospec.describe() for rospec in reader.rospecs.values()]


def _add_accessspec(reader: "Reader", request: Message) -> Answer:
    spec = request.parts[0]
    spec_id = spec.number("AccessSpecID")
    if spec_id == 0 or spec_id in reader.accessspecs:
        raise _field(f"AccessSpecID {spec_id} is reserved or exists already")
    if len(reader.accessspecs) >= reader.profile.accessspecs:
        raise Malformed(105, f"this reader holds {reader.profile.accessspecs} AccessSpecs")
    reader.accessspecs[spec_id] = spec
    return []


def _accessspecs(reader: "Reader", request: Message) -> list[int]:
    spec_id = request.number("AccessSpecID")
    if spec_id and spec_id not in reader.accessspecs:
        raise _field(f"AccessSpec {spec_id} does not exist")
    return [spec_id] if spec_id else list(reader.accessspecs)


def _delete_accessspec(reader: "Reader", request: Message) -> Answer:
    for spec_id in _accessspecs(reader, request):
        del reader.accessspecs[spec_id]
    return []


def _switch_accessspec(reader: "Reader", request: Message) -> Answer:
    enabled = int(request.name == "ENABLE_ACCESSSPEC")
    for spec_id in _accessspecs(reader, request):
        spec = reader.accessspecs[spec_id]
        reader.accessspecs[spec_id] = Parameter(spec.name, {**spec.fields, "CurrentState": enabled}, spec.parts)
    return []


def _get_accessspecs(reader: "Reader", request: Message) -> Answer:
    return [*reader.accessspecs.values()]


def _get_report(reader: "Reader", request: Message) -> Answer:
    reader.flush(always=True)
    return None


def _release(reader: "Reader", request: Message) -> Answer:
    reader.release()
    return None


def _keepalive_ack(reader: "Reader", request: Message) -> Answer:
    reader.keepalive_acked()
    return None


def _close(reader: "Reader", request: Message) -> Answer:
    reader.closing = True
    return []


def _custom(reader: "Reader", request: Message) -> Answer:
    """Impinj's enable-extensions on an Impinj reader; everything else of a vendor's is unsupported."""
    vendor, subtype = request.number("VendorIdentifier"), request.number("MessageSubtype")
    if (reader.profile.manufacturer, vendor, subtype) != (IMPINJ, IMPINJ, IMPINJ_ENABLE_EXTENSIONS):
        raise Malformed(109, f"CUSTOM_MESSAGE {subtype} of vendor {vendor} is not supported")
    reader.extensions = True
    fields = {"VendorIdentifier": IMPINJ, "MessageSubtype": IMPINJ_ENABLE_EXTENSIONS_RESPONSE}
    return Message("CUSTOM_MESSAGE", {**fields, "Data": b""}, [status()], id=request.id)


def _supported_version(reader: "Reader", request: Message) -> Answer:
    fields = {"CurrentVersion": reader.version, "SupportedVersion": max(reader.profile.versions)}
    return Message("GET_SUPPORTED_VERSION_RESPONSE", {**fields}, [status()], id=request.id)


def _set_version(reader: "Reader", request: Message) -> Answer:
    wanted = request.number("ProtocolVersion")
    if wanted not in reader.profile.versions:
        raise Malformed(110, f"LLRP version {wanted} is not supported")
    if reader.version_chosen:
        raise Malformed(112, "the version of a connection is set once")
    reader.version, reader.version_chosen = wanted, True
    return []


def _field(text: str) -> Malformed:
    return Malformed(101, text)


def _in(part: Parameter, code: int, text: str) -> Malformed:
    return Malformed(code, text, type_of(part.name))


_COMMANDS: dict[str, Callable[["Reader", Message], Answer]] = {
    "GET_READER_CAPABILITIES": _get_capabilities,
    "GET_READER_CONFIG": _get_config,
    "SET_READER_CONFIG": _set_config,
    "ADD_ROSPEC": _add_rospec,
    "DELETE_ROSPEC": _delete_rospec,
    "ENABLE_ROSPEC": _enable_rospec,
    "DISABLE_ROSPEC": _disable_rospec,
    "START_ROSPEC": _start_rospec,
    "STOP_ROSPEC": _stop_rospec,
    "GET_ROSPECS": _get_rospecs,
    "ADD_ACCESSSPEC": _add_accessspec,
    "DELETE_ACCESSSPEC": _delete_accessspec,
    "ENABLE_ACCESSSPEC": _switch_accessspec,
    "DISABLE_ACCESSSPEC": _switch_accessspec,
    "GET_ACCESSSPECS": _get_accessspecs,
    "GET_REPORT": _get_report,
    "ENABLE_EVENTS_AND_REPORTS": _release,
    "KEEPALIVE_ACK": _keepalive_ack,
    "CLOSE_CONNECTION": _close,
    "CUSTOM_MESSAGE": _custom,
    "GET_SUPPORTED_VERSION": _supported_version,
    "SET_PROTOCOL_VERSION": _set_version,
}
