"""The LLRP codec: recorded messages of a real reader to the values beside them, and what it refuses."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.readers.llrp.codec import BitString, CodecError, Message, Parameter, decode, decode_parameters, encode
from gateway.readers.llrp.tables import MESSAGES, VERSIONS

RECORDED = Path(__file__).resolve().parents[2].parent / "shared/data/llrp"
FILES = sorted(RECORDED.rglob("*.bytes")) or [Path("absent.bytes")]
MESSAGE = {
    "CloseConnectionResponse": "CLOSE_CONNECTION_RESPONSE",
    "GetAccessSpecsResponse": "GET_ACCESSSPECS_RESPONSE",
    "GetROSpecsResponse": "GET_ROSPECS_RESPONSE",
    "GetReaderCapabilitiesResponse": "GET_READER_CAPABILITIES_RESPONSE",
    "GetReaderConfigResponse": "GET_READER_CONFIG_RESPONSE",
    "ReaderEventNotification": "READER_EVENT_NOTIFICATION",
    "ROAccessReport": "RO_ACCESS_REPORT",
}
# The recorded JSON's words → the standard's, where they differ.
WORDS = {
    "Status": "StatusCode",
    "MaxSupportedAntennas": "MaxNumberOfAntennaSupported",
    "HasUTCClock": "HasUTCClockCapability",
    "DeviceManufacturer": "DeviceManufacturerName",
    "Model": "ModelName",
    "FirmwareVersion": "ReaderFirmwareVersion",
    "ReceiveSensitivities": "ReceiveSensitivityTableEntry",
    "ReceiveSensitivity": "ReceiveSensitivityValue",
    "PerAntennaReceiveSensitivityRanges": "PerAntennaReceiveSensitivityRange",
    "PerAntennaAirProtocols": "PerAntennaAirProtocol",
    "AirProtocolIDs": "ProtocolID",
    "SupportsEventsAndReportHolding": "SupportsEventAndReportHolding",
    "MaxPriorityLevelSupported": "MaxNumPriorityLevelsSupported",
    "ClientRequestedOpSpecTimeout": "ClientRequestOpSpecTimeout",
    "MaxROSpecs": "MaxNumROSpecs",
    "MaxSpecsPerROSpec": "MaxNumSpecsPerROSpec",
    "MaxInventoryParameterSpecsPerAISpec": "MaxNumInventoryParameterSpecsPerAISpec",
    "MaxAccessSpecs": "MaxNumAccessSpecs",
    "MaxOpSpecsPerAccessSpec": "MaxNumOpSpecsPerAccessSpec",
    "TransmitPowerLevels": "TransmitPowerLevelTableEntry",
    "FrequencyHopTables": "FrequencyHopTable",
    "Frequencies": "Frequency",
    "C1G2RFModes": "C1G2UHFRFModeTable",
    "UHFC1G2RFModeTableEntries": "C1G2UHFRFModeTableEntry",
    "ModeID": "ModeIdentifier",
    "DivideRatio": "DRValue",
    "IsEPCHagConformant": "EPCHAGTCConformance",
    "Modulation": "MValue",
    "SpectralMask": "SpectralMaskIndicator",
    "BackscatterDataRate": "BDRValue",
    "PIERatio": "PIEValue",
    "MinTariTime": "MinTariValue",
    "MaxTariTime": "MaxTariValue",
    "StepTariTime": "StepTariValue",
    "SupportsBlockErase": "CanSupportBlockErase",
    "SupportsBlockWrite": "CanSupportBlockWrite",
    "MaxSelectFiltersPerQuery": "MaxNumSelectFiltersPerQuery",
    "AntennaConfigurations": "AntennaConfiguration",
    "TransmitPowerIndex": "TransmitPower",
    "Filters": "C1G2Filter",
    "RFControl": "C1G2RFControl",
    "RFModeID": "ModeIndex",
    "SingulationControl": "C1G2SingulationControl",
    "EventNotificationStates": "EventNotificationState",
    "ReaderEventType": "EventType",
    "NotificationEnabled": "NotificationState",
    "EnableInventoryParamSpecID": "EnableInventoryParameterSpecID",
    "CRCEnabled": "EnableCRC",
    "PCBitsEnabled": "EnablePCBits",
    "KeepAliveSpec": "KeepaliveSpec",
    "GPIPortCurrentStates": "GPIPortCurrentState",
    "Data": "GPOData",
    "EPC96": "EPC_96",
    "FirstSeenUTC": "FirstSeenTimestampUTC",
    "LastSeenUTC": "LastSeenTimestampUTC",
}
# Words that mean different things in different places: (parameter, word) → field.
LOCAL = {
    ("GPIPortCurrentState", "Port"): "GPIPortNum",
    ("GPIPortCurrentState", "Enabled"): "Config",
    ("GPOWriteData", "Port"): "GPOPortNumber",
    ("ROReportSpec", "Trigger"): "ROReportTrigger",
    ("KeepaliveSpec", "Trigger"): "KeepaliveTriggerType",
    ("KeepaliveSpec", "Interval"): "PeriodicTriggerValue",
}
# LLRP 1.1 has these and 1.0.1 does not: the recording's JSON says they are off.
LATER = {
    *("SupportsBlockPermalock", "SupportsTagRecommissioning", "SupportsUMIMethod2", "SupportsXPC"),
    "XPCBitsEnabled",
}


def _same(theirs: Any, ours: Any, where: str) -> None:
    if isinstance(ours, bytes):
        ours = base64.b64encode(ours).decode()
    elif isinstance(ours, tuple):
        ours = list(ours)
    assert ours == theirs, where


def _compare(theirs: dict[str, Any], ours: Message | Parameter, where: str) -> None:
    """Every value of the JSON is ours, and we decoded nothing that the JSON does not have."""
    fields, children = set(ours.fields), {p.name for p in ours.parameters}
    for word, value in theirs.items():
        name = LOCAL.get((ours.name, word)) or WORDS.get(word, word)
        if value is None or word in LATER:
            assert name not in children, f"{where}.{word}"
        elif name in ours.fields:
            _same(value, ours.fields[name], f"{where}.{word}")
            fields.discard(name)
        elif isinstance(value, list):
            found = list(ours.every(name))
            assert len(found) == len(value), f"{where}.{word}"
            for index, (each, parameter) in enumerate(zip(value, found, strict=True)):
                _compare(each, parameter, f"{where}.{word}[{index}]")
            children.discard(name)
        else:
            child = ours.first(name)
            if child is None:
                # the JSON's writer had no way to leave these out
                assert value in (0, {"EPCNumBits": 0, "EPC": None}), f"{where}.{word}"
                continue
            children.discard(name)
            if isinstance(value, dict):
                _compare(value, child, f"{where}.{word}")
            else:
                _same(value, *child.fields.values(), f"{where}.{word}")
    assert not fields, f"{where}: not in the JSON"
    assert not children, f"{where}: not in the JSON"


@pytest.mark.shared
@pytest.mark.skipif(not RECORDED.exists(), reason="shared/ is not part of a clone")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_recorded_message_decodes_to_the_values_beside_it_and_back(file: Path) -> None:
    """A real reader's message has exactly the recorded values, and encodes again to the same bytes."""
    body = file.read_bytes()
    number = MESSAGES[MESSAGE[file.stem.partition("-")[0]]].number
    message = decode(1 << 10 | number, 7, body)
    _compare(json.loads(file.with_suffix(".json").read_text()), message, message.name)
    assert encode(message)[10:] == body


@pytest.mark.shared
@pytest.mark.skipif(not RECORDED.exists(), reason="shared/ is not part of a clone")
def test_all_recorded_messages_are_there() -> None:
    """The recordings hold 15 messages of 7 kinds: a lost file would otherwise go unnoticed."""
    assert len(FILES) == 15
    assert {MESSAGE[f.stem.partition("-")[0]] for f in FILES} == set(MESSAGE.values())


def _head(name: str) -> int:
    return 1 << 10 | MESSAGES[name].number


def test_a_bit_length_that_is_not_whole_octets_is_kept() -> None:
    """EPCData of 9 bits stays 9 bits (sllurp drops the length)."""
    body = bytes.fromhex("00f0000c00f1 0008 0009 ff80")
    message = decode(_head("RO_ACCESS_REPORT"), 1, body)
    assert message.parameters[0].parameters[0].fields == {"EPC": BitString(9, b"\xff\x80")}
    assert encode(message)[10:] == body


def test_singulation_details_inside_an_aispec_event_decode() -> None:
    """Defect D2 of the reference: an AISpecEvent with C1G2SingulationDetails is ordinary (it ended sllurp's thread)."""
    event = bytes.fromhex("00fe0010 00 0000000100 01 92 0003 0004")
    body = bytes.fromhex("00f60020 0080000c 0005ac35bd20d1da") + event
    (data,) = decode(_head("READER_EVENT_NOTIFICATION"), 1, body).parameters
    details = data.parameters[1].parameters[0]
    assert details == Parameter("C1G2SingulationDetails", {"NumCollisionSlots": 3, "NumEmptySlots": 4})


def test_versions_are_negotiated_in_the_words_of_1_1() -> None:
    """Version negotiation encodes as LLRP 1.1 §17.1.1 to §17.1.4 draw it, and keeps the version of its header."""
    ask = Message("GET_SUPPORTED_VERSION", 1, version=2)
    assert encode(ask) == bytes.fromhex("082e 0000000a 00000001")
    status = Parameter("LLRPStatus", {"StatusCode": 0, "ErrorDescription": ""})
    fields = {"CurrentVersion": 1, "SupportedVersion": 2}
    told = Message("GET_SUPPORTED_VERSION_RESPONSE", 1, fields, (status,), 2)
    assert encode(told) == bytes.fromhex("0838 00000014 00000001 01 02 011f0008 0000 0000")
    chosen = Message("SET_PROTOCOL_VERSION", 2, {"ProtocolVersion": 2}, version=2)
    assert encode(chosen) == bytes.fromhex("082f 0000000b 00000002 02")
    for message in (ask, told, chosen, ask._replace(version=1)):
        raw = encode(message)
        assert decode(int.from_bytes(raw[:2], "big"), message.id, raw[10:]) == message


def test_a_version_reads_by_its_own_tables() -> None:
    """The same bytes are reserved bits in 1.0.1 and capabilities in 1.1, and come out again either way."""
    body = bytes.fromhex("011f0008 0000 0000 01470007 fc 0010")
    kind = MESSAGES["GET_READER_CAPABILITIES_RESPONSE"].number
    old, new = (decode(version << 10 | kind, 1, body) for version in (1, 2))
    before = {"CanSupportBlockErase": True, "CanSupportBlockWrite": True, "MaxNumSelectFiltersPerQuery": 16}
    assert old.parameters[1].fields == before | {"Reserved": 0x3C}
    later = ("CanSupportBlockPermalock", "CanSupportTagRecommissioning", "CanSupportUMIMethod2", "CanSupportXPC")
    assert new.parameters[1].fields == before | dict.fromkeys(later, True)
    assert encode(old)[10:] == encode(new)[10:] == body


@pytest.mark.parametrize("version", VERSIONS)
def test_xpc_words_are_known_in_both_versions(version: int) -> None:
    """C1G2XPCW1 and W2 are TV parameters, so a reader that sends them under 1.0.1 would cost us the whole report."""
    body = _report("8c3000 930201 940000")
    message = decode(version << 10 | 61, 1, body)
    names = [p.name for p in message.parameters[0].parameters]
    assert names == ["EPC_96", "C1G2_PC", "C1G2XPCW1", "C1G2XPCW2"]
    assert encode(message)[10:] == body


@pytest.mark.parametrize("version", [0, 3, 7])
def test_other_versions_are_refused(version: int) -> None:
    """What LLRP 2.0 or worse means is not guessed."""
    with pytest.raises(CodecError, match=f"LLRP version {version}"):
        decode(version << 10 | 62, 1, b"")
    with pytest.raises(CodecError, match=f"LLRP version {version}"):
        encode(Message("KEEPALIVE", version=version))


def test_reserved_bits_are_kept_wherever_they_stand() -> None:
    """Reserved bits in a message's header, a parameter's header and between fields come out again as they came in."""
    raw = bytes.fromhex("e403 00000016 00000001 ff 7cf4000b 00f50007 0002 ff")
    message = decode(0xE403, 1, raw[10:])
    assert message.fields == {"ResetToFactoryDefault": True, "Reserved": 0x7F, "ReservedHeader": 0xE000}
    assert message.parameters[0].fields == {"ReservedHeader": 0x7C00}
    assert message.parameters[0].parameters[0].fields["Reserved"] == 0x7F
    assert encode(message) == raw
    with pytest.raises(CodecError, match="ReservedHeader"):
        encode(message._replace(fields=message.fields | {"ReservedHeader": 0x400}))
    with pytest.raises(CodecError, match="Reserved = 128"):
        encode(message._replace(fields=message.fields | {"Reserved": 0x80}))


PHASE = "03ff000e 0000651a 00000038 0abc"
FINE_RSSI = "03ff000e 0000651a 00000039 ea0c"
DOPPLER = "03ff000e 0000651a 00000044 fff0"
ZEBRA_PHASE = "03ff000e 000000a1 000002c5 a0d4"


def _report(*customs: str) -> bytes:
    inside = bytes.fromhex("8d 300000000000000000000001" + "".join(customs))
    return b"\x00\xf0" + (len(inside) + 4).to_bytes(2, "big") + inside


def test_custom_parameters_open_when_asked_for() -> None:
    """Known custom parameters get names and fields; unknown ones, and all without asking, stay bytes."""
    body = _report(PHASE, FINE_RSSI, DOPPLER, ZEBRA_PHASE, "03ff000d 00000001 00000002 ff")
    opened, plain = (decode(_head("RO_ACCESS_REPORT"), 1, body, customs).parameters[0] for customs in (True, False))
    assert [(p.name, p.fields) for p in opened.parameters[1:]] == [
        ("ImpinjRFPhaseAngle", {"PhaseAngle": 0xABC}),
        ("ImpinjPeakRSSI", {"RSSI": -5620}),
        ("ImpinjRFDopplerFrequency", {"DopplerFrequency": -16}),
        ("MotoTagPhase", {"Phase": -24364}),
        ("Custom", {"VendorIdentifier": 1, "ParameterSubtype": 2, "Data": b"\xff"}),
    ]
    assert {p.name for p in plain.parameters[1:]} == {"Custom"}
    for parameter in (opened, plain):
        assert encode(Message("RO_ACCESS_REPORT", 1, parameters=(parameter,)))[10:] == body


@pytest.mark.parametrize("body", ["", "0a", "0abc00", "0abc0000", "0abcff"])
def test_a_custom_parameter_of_another_shape_stays_opaque(body: str) -> None:
    """A known custom parameter with a body too short or too long never costs the message around it."""
    length = 12 + len(body) // 2
    raw = _report(f"03ff{length:04x} 0000651a 00000038 {body}")
    message = decode(_head("RO_ACCESS_REPORT"), 1, raw, customs=True)
    custom = message.parameters[0].parameters[1]
    assert custom.name == "Custom"
    assert custom.fields["Data"] == bytes.fromhex(body)
    assert encode(message)[10:] == raw


def test_a_custom_parameter_too_short_for_a_vendor_is_an_error() -> None:
    """Custom without room for vendor and subtype is malformed, with or without opening."""
    for customs in (True, False):
        with pytest.raises(CodecError, match=r"Custom: cut short"):
            decode(_head("RO_ACCESS_REPORT"), 1, _report("03ff000a 0000651a 0000"), customs)


def test_custom_messages_open_when_asked_for() -> None:
    """IMPINJ_ENABLE_EXTENSIONS has 32 reserved bits; its answer holds an LLRPStatus; a body of another shape stays."""
    enable = Message("IMPINJ_ENABLE_EXTENSIONS", 3)
    assert encode(enable) == bytes.fromhex("07ff 00000013 00000003 0000651a 15 00000000")
    assert decode(0x07FF, 3, encode(enable)[10:], customs=True) == enable
    answer = bytes.fromhex("0000651a 16 011f0008 0000 0000")
    opened = decode(0x07FF, 3, answer, customs=True)
    assert opened.name == "IMPINJ_ENABLE_EXTENSIONS_RESPONSE"
    assert opened.parameters[0].fields["StatusCode"] == 0
    assert encode(opened)[10:] == answer
    for body in ("0000651a 15 0000", "0000651a 16 011f00ff", "0000651a 99", "00000001 15"):
        kept = decode(0x07FF, 3, bytes.fromhex(body), customs=True)
        assert kept.name == "CUSTOM_MESSAGE"
        assert encode(kept)[10:] == bytes.fromhex(body)


def test_unknown_things_are_kept_as_they_came() -> None:
    """Unknown messages, unknown TLV parameters and custom ones decode to bytes and encode to the same bytes."""
    unknown = decode(2 << 10 | 999, 5, b"whatever")
    assert unknown.name == "message 999"
    assert unknown.version == 2
    assert encode(unknown) == bytes.fromhex("0be7 00000012 00000005") + b"whatever"
    inside = bytes.fromhex("011f0008 0000 0000 03fe0006 abcd 03ff000e 0000651a 00000038 0102")
    message = decode(_head("ERROR_MESSAGE"), 1, inside)
    assert [p.name for p in message.parameters] == ["LLRPStatus", "parameter 1022", "Custom"]
    assert encode(message)[10:] == inside


def test_text_that_is_not_utf8_survives() -> None:
    """A reader's description in Latin-1 is no reason to drop its message, and encodes again as it came."""
    body = bytes.fromhex("011f000a 0064 0002 fcdf")
    assert encode(decode(_head("ERROR_MESSAGE"), 1, body))[10:] == body


@pytest.mark.parametrize(
    ("name", "body", "says"),
    [
        ("RO_ACCESS_REPORT", "00f0", "2 bytes left"),
        ("RO_ACCESS_REPORT", "00f00003", "claims 3 bytes"),
        ("RO_ACCESS_REPORT", "00f000ff00", "claims 255 bytes, 5 are there"),
        ("RO_ACCESS_REPORT", "00f000068d00", "EPC_96|cut short"),
        ("RO_ACCESS_REPORT", "00f00006ff00", "unknown TV parameter 127"),
        ("DELETE_ROSPEC", "0000", "cut short: 2 more bytes"),
        ("ERROR_MESSAGE", "011f0009 0064 0005 41", "cut short"),
        ("GET_ROSPECS", "00", "1 bytes left"),
        ("SET_READER_CONFIG", "", "cut short"),
    ],
)
def test_malformed_message_is_an_error_that_says_where(name: str, body: str, says: str) -> None:
    """What cannot be decoded raises CodecError with the message's name and the reason."""
    with pytest.raises(CodecError, match=says) as caught:
        decode(_head(name), 1, bytes.fromhex(body))
    assert str(caught.value).startswith(name)


def test_an_error_knows_its_byte() -> None:
    """An unknown TV parameter has no length to skip, so the message is rejected, with the byte where it stands."""
    body = _report("81 0001", "ff")
    with pytest.raises(CodecError, match="TagReportData: unknown TV parameter 127") as caught:
        decode(_head("RO_ACCESS_REPORT"), 1, body)
    assert body[caught.value.position or 0] == 0xFF
    assert caught.value.position == len(body) - 1


def test_nesting_has_an_end() -> None:
    """Thousands of parameters inside one another are refused, not followed into a stack overflow."""
    body = b""
    for _ in range(5000):
        body = b"\x01\x21" + (len(body) + 8).to_bytes(2, "big") + bytes(4) + body
    with pytest.raises(CodecError, match="nested deeper"):
        decode_parameters(body)


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (Message("NO_SUCH"), "no message of LLRP"),
        (Message("message 5000", 1, {"Data": b""}), "no message of LLRP"),
        (Message("DELETE_ROSPEC"), "'ROSpecID' is missing"),
        (Message("DELETE_ROSPEC", fields={"ROSpecID": -1}), "DELETE_ROSPEC"),
        (Message("DELETE_ROSPEC", fields={"ROSpecID": "x"}), "DELETE_ROSPEC"),
        (Message("SET_READER_CONFIG", fields={"ResetToFactoryDefault": 2}), "does not fit 1 bits"),
        (Message("ADD_ROSPEC", parameters=(Parameter("Nonsense"),)), "no parameter of LLRP"),
        (Message("RO_ACCESS_REPORT", parameters=(Parameter("EPC_96", {"EPC": b"short"}),)), "takes 12 bytes"),
        (Message("RO_ACCESS_REPORT", parameters=(Parameter("EPCData", {"EPC": (9, b"x")}),)), "9 bits need 2 bytes"),
        (Message("RO_ACCESS_REPORT", parameters=(Parameter("parameter 900", {"Data": bytes(70_000)}),)), "do not fit"),
    ],
)
def test_what_cannot_be_encoded_is_an_error(message: Message, says: str) -> None:
    """Wrong names, missing fields and values that do not fit raise CodecError, never struct.error or KeyError."""
    with pytest.raises(CodecError, match=says):
        encode(message)
