"""The simulated reader's codec: bytes worked out by hand from the standard, and the recorded messages."""

import base64
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.llrp import wire
from simulators.llrp.tags import Observation, tag_report
from simulators.llrp.vendors import wanted
from simulators.llrp.wire import Bits, Malformed, Message, Parameter, pack, pack_parameter, unpack

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "llrp"
shared = pytest.mark.skipif(not SHARED.is_dir(), reason="shared/ is not part of a clone")

RECORDED = {
    "ROAccessReport": "RO_ACCESS_REPORT",
    "GetReaderConfigResponse": "GET_READER_CONFIG_RESPONSE",
    "GetReaderCapabilitiesResponse": "GET_READER_CAPABILITIES_RESPONSE",
    "GetROSpecsResponse": "GET_ROSPECS_RESPONSE",
    "GetAccessSpecsResponse": "GET_ACCESSSPECS_RESPONSE",
    "CloseConnectionResponse": "CLOSE_CONNECTION_RESPONSE",
    "ReaderEventNotification": "READER_EVENT_NOTIFICATION",
}


def framed(number: int, body: bytes, message_id: int = 0) -> bytes:
    """A header by hand: version 1 in bits 10 to 12, type in bits 0 to 9."""
    return bytes((0x04 | number >> 8, number & 0xFF)) + (10 + len(body)).to_bytes(4) + message_id.to_bytes(4) + body


def recorded(path: Path) -> Message:
    """A recorded payload, with the header it was stored without."""
    return unpack(framed(wire.MESSAGE_BY_NAME[RECORDED[path.name.split("-")[0]]].number, path.read_bytes()))


HAND_MADE = [
    (Message("KEEPALIVE", id=7), "043e 0000000a 00000007"),
    (
        Message(
            "READER_EVENT_NOTIFICATION",
            {},
            [
                Parameter(
                    "ReaderEventNotificationData",
                    {},
                    [
                        Parameter("UTCTimestamp", {"Microseconds": 0x0005AC0000000001}),
                        Parameter("ConnectionAttemptEvent", {"Status": 2}),
                    ],
                )
            ],
            id=1,
        ),
        "043f 00000020 00000001  00f6 0016  0080 000c 0005ac0000000001  0100 0006 0002",
    ),
    (
        Message(
            "RO_ACCESS_REPORT",
            {},
            [
                Parameter(
                    "TagReportData",
                    {},
                    [
                        Parameter("EPC_96", {"EPC": 0x3034257BF7194E4000001A85}),
                        Parameter("AntennaID", {"AntennaID": 2}),
                        Parameter("PeakRSSI", {"PeakRSSI": -50}),
                        Parameter("TagSeenCount", {"TagCount": 3}),
                    ],
                )
            ],
            id=0x0102,
        ),
        "043d 00000023 00000102  00f0 0019  8d 3034257bf7194e4000001a85  81 0002  86 ce  88 0003",
    ),
    (
        Message(
            "ADD_ROSPEC_RESPONSE", {}, [Parameter("LLRPStatus", {"StatusCode": 101, "ErrorDescription": "no"})], id=9
        ),
        "041e 00000014 00000009  011f 000a 0065 0002 6e6f",
    ),
    (
        Message(
            "SET_READER_CONFIG",
            {"ResetToFactoryDefault": 1},
            [
                Parameter("KeepaliveSpec", {"KeepaliveTriggerType": 1, "PeriodicTriggerValue": 10_000}),
                Parameter("GPOWriteData", {"GPOPortNumber": 4, "GPOData": 1}),
            ],
            id=3,
        ),
        "0403 0000001b 00000003 80  00dc 0009 01 00002710  00db 0007 0004 80",
    ),
    (Message("DELETE_ROSPEC", {"ROSpecID": 0x01020304}, id=5), "0415 0000000e 00000005 01020304"),
]
PARAMETERS = [
    (Parameter("EPCData", {"EPC": Bits(9, b"\xff\x80")}), "00f1 0008 0009 ff80"),
    (Parameter("PerAntennaAirProtocol", {"AntennaID": 1, "ProtocolID": b"\x01"}), "008c 0009 0001 0001 01"),
    (Parameter("FrequencyHopTable", {"HopTableID": 1, "Frequency": [902750]}), "0093 000c 01 00 0001 000dc65e"),
    (Parameter("AntennaProperties", {"AntennaConnected": 1, "AntennaID": 3, "AntennaGain": -1}),
     "00dd 0009 80 0003 ffff"),
    (Parameter("Custom", {"VendorIdentifier": 25882, "ParameterSubtype": 50, "Data": b"\x01"}),
     "03ff 000d 0000651a 00000032 01"),
    (Parameter("C1G2SingulationControl", {"Session": 2, "TagPopulation": 32, "TagTransitTime": 0}),
     "0150 000b 80 0020 00000000"),
]  # fmt: skip


@pytest.mark.parametrize(("message", "expected"), HAND_MADE, ids=lambda item: getattr(item, "name", ""))
def test_a_message_has_the_bytes_worked_out_by_hand(message: Message, expected: str) -> None:
    """Packing gives the bytes that the standard's figures give, and unpacking those bytes gives the message."""
    assert pack(message).hex() == expected.replace(" ", "")
    assert unpack(bytes.fromhex(expected)) == message


@pytest.mark.parametrize(("parameter", "expected"), PARAMETERS, ids=lambda item: getattr(item, "name", ""))
def test_a_parameter_has_the_bytes_worked_out_by_hand(parameter: Parameter, expected: str) -> None:
    """Bit arrays, counted lists, bit fields, signed fields and vendor parameters are laid out as the standard says."""
    assert pack_parameter(parameter).hex() == expected.replace(" ", "")


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("083e 0000000a 00000001", 110),  # version 2
        ("042e 0000000a 00000001", 109),  # GET_SUPPORTED_VERSION, which 1.0.1 does not have
        ("0415 0000000c 00000001 0000", 200),  # DELETE_ROSPEC with half an ID
        ("0414 0000000a 00000001", 103),  # ADD_ROSPEC without ROSpec
        ("0403 00000019 00000001 00 00e2000580 00e2000580 00e2 0004", 200),  # EventsAndReports without its byte
        ("0403 00000015 00000001 00 00e2000580 00e2000580", 104),  # twice
        ("0403 00000011 00000001 00 0080 0006 0000", 200),  # UTCTimestamp too short
        ("0403 0000000f 00000001 00 03e1 0004", 107),  # unassigned TLV
        ("0403 0000000f 00000001 00 00e2 ffff", 200),  # longer than its parent
        ("0403 0000000f 00000001 00 00e2 0000", 200),  # shorter than its own header
        ("0403 0000000c 00000001 00 ff", 207),  # unassigned TV
        ("0414 00000018 00000001 00b1 000e 00000001 00 00 00b2 0004", 203),  # an empty ROBoundarySpec
    ],
)
def test_what_breaks_the_layout_is_refused_with_the_status_the_standard_names(frame: str, code: int) -> None:
    """Version, type, missing, doubled, unknown and overlong parts each give their own status code."""
    data = bytes.fromhex(frame)
    with pytest.raises(Malformed) as caught:
        unpack(data)
    assert caught.value.code == code


def test_an_unknown_parameter_can_be_kept() -> None:
    """Unchecked, a TLV of an unassigned type is kept with its type and bytes."""
    message = unpack(bytes.fromhex("0403 00000011 00000001 00 03e1 0006 abcd"), checked=False)
    assert message.parts == [Parameter("Unknown", {"Type": 993, "Data": b"\xab\xcd"})]


def test_endless_nesting_is_refused() -> None:
    """A ParameterError in a ParameterError a thousand deep ends in a refusal, not in the interpreter's stack."""
    body = b""
    for _ in range(1000):
        body = (289).to_bytes(2) + (8 + len(body)).to_bytes(2) + bytes(4) + body
    status = (287).to_bytes(2) + (8 + len(body)).to_bytes(2) + bytes(4) + body
    with pytest.raises(Malformed, match="nests deeper"):
        unpack(framed(100, status))


def test_a_value_that_does_not_fit_is_an_error() -> None:
    """A field out of its range is refused instead of spilling into its neighbour."""
    with pytest.raises(ValueError, match="does not fit"):
        pack_parameter(Parameter("PeakRSSI", {"PeakRSSI": -129}))
    with pytest.raises(ValueError, match="does not fit"):
        pack_parameter(Parameter("AntennaID", {"AntennaID": 65536}))


@given(st.sampled_from(sorted(wire.MESSAGE_BY_NUMBER)), st.binary(max_size=120))
def test_unpacking_any_bytes_gives_a_message_or_a_refusal(number: int, body: bytes) -> None:
    """Whatever the body is, the only exception is Malformed; what is accepted packs again."""
    try:
        message = unpack(framed(number, body), checked=False)
    except Malformed:
        return
    if "Unknown" not in repr(message):
        pack(message)


@given(
    epc=st.text("0123456789abcdef", min_size=1, max_size=40),
    antenna=st.integers(0, 65535),
    rssi=st.integers(-128, 127),
    at=st.integers(0, 2**64 - 1),
    on=st.integers(0, 1023),
    utc=st.booleans(),
)  # fmt: skip
def test_a_tag_report_holds_what_the_selector_enables(
    epc: str, antenna: int, rssi: int, at: int, on: int, utc: bool
) -> None:
    """The content selector decides which parameters stand in a TagReportData, and each comes back with its value."""
    names = [name for name, _, _ in wire.PARAMETER_BY_NAME["TagReportContentSelector"].fixed if name != "-"]
    selector = Parameter("TagReportContentSelector", {name: on >> at & 1 for at, name in enumerate(names)})
    seen = Observation(epc, antenna, rssi, 7, 2, at, at, 0, 0.0, 1, 1, 1)
    report = tag_report(seen, selector, utc)
    message = Message("RO_ACCESS_REPORT", {}, [report])
    assert unpack(pack(message)) == message
    assert len(report.parts) == 1 + on.bit_count()
    clock = "UTC" if utc else "Uptime"
    for enable, name, value in (
        ("EnableAntennaID", "AntennaID", antenna),
        ("EnablePeakRSSI", "PeakRSSI", rssi),
        ("EnableFirstSeenTimestamp", f"FirstSeenTimestamp{clock}", at),
    ):
        part = report.part(name)
        assert [*part.fields.values()] == [value] if selector.fields[enable] and part else part is None


def test_pc_and_crc_are_those_of_gen2() -> None:
    """The PC word counts the EPC's words; the CRC-16 over both leaves the Gen2 residue when checked."""
    fields = dict.fromkeys((n for n, _, _ in wire.PARAMETER_BY_NAME["TagReportContentSelector"].fixed if n != "-"), 0)
    memory = Parameter("C1G2EPCMemorySelector", {"EnableCRC": 1, "EnablePCBits": 1})
    epc = "3034257bf7194e4000001a85"
    seen = Observation(epc, 1, -50, 1, 1, 0, 0, 0, 0.0, 1, 1, 1)
    _, pc, crc = tag_report(seen, Parameter("TagReportContentSelector", fields, [memory]), True).parts
    assert pc.number("PC_Bits") == 0x3000
    register = 0xFFFF
    for byte in bytes.fromhex("3000" + epc) + crc.number("CRC").to_bytes(2):
        for bit in range(7, -1, -1):
            top = register >> 15 ^ (byte >> bit & 1)
            register = (register << 1 & 0xFFFF) ^ (0x1021 if top else 0)
    assert register == 0x1D0F


def test_impinj_content_is_found_in_the_report_spec() -> None:
    """Phase and fine RSSI are wanted when their sub-parameters of ImpinjTagReportContentSelector say 1."""
    inner = bytes.fromhex("03ff 000e 0000651a 00000034 0001  03ff 000e 0000651a 00000035 0000")
    custom = Parameter("Custom", {"VendorIdentifier": 25882, "ParameterSubtype": 50, "Data": inner})
    assert wanted(Parameter("ROReportSpec", {}, [custom])) == {(25882, 56)}


@shared
@pytest.mark.shared
def test_every_recorded_message_decodes_and_encodes_to_itself() -> None:
    """What a real reader sent is unpacked under the full rules and packs to the same bytes."""
    files = sorted(SHARED.rglob("*.bytes"))
    assert len(files) == 15
    for path in files:
        assert pack(recorded(path))[10:] == path.read_bytes(), path.name


@shared
@pytest.mark.shared
def test_recorded_tag_reports_have_the_values_beside_them() -> None:
    """EPC, antenna, RSSI and time of each recorded report are those in the JSON."""
    for path in sorted(SHARED.rglob("ROAccessReport-*.bytes")):
        expected = json.loads(path.with_suffix(".json").read_text())["TagReportData"]
        message = recorded(path)
        assert len(message.parts) == len(expected)
        for tag, values in zip(message.parts, expected, strict=True):
            found = {part.name: next(iter(part.fields.values())) for part in tag.parts}
            assert found["EPC_96"] == int.from_bytes(base64.b64decode(values["EPC96"]["EPC"]))
            assert found["AntennaID"] == values["AntennaID"]
            assert found["PeakRSSI"] == values["PeakRSSI"]
            assert found["FirstSeenTimestampUTC"] == values["FirstSeenUTC"]


@shared
@pytest.mark.shared
def test_recorded_capabilities_and_configuration_have_the_values_beside_them() -> None:
    """Power table, ports, events and report selector of a real reader come out as in the JSON."""
    caps = recorded(SHARED / "GetReaderCapabilitiesResponse-000.bytes")
    expected = json.loads((SHARED / "GetReaderCapabilitiesResponse-000.json").read_text())
    general = caps.part("GeneralDeviceCapabilities")
    assert general
    assert general.fields["ReaderFirmwareVersion"] == expected["GeneralDeviceCapabilities"]["FirmwareVersion"]
    assert general.fields["DeviceManufacturerName"] == 25882
    band = next(caps.every("RegulatoryCapabilities")).part("UHFBandCapabilities")
    assert band
    powers = [p.fields["TransmitPowerValue"] for p in band.every("TransmitPowerLevelTableEntry")]
    levels = expected["RegulatoryCapabilities"]["UHFBandCapabilities"]["TransmitPowerLevels"]
    assert powers == [level["TransmitPowerValue"] for level in levels]

    config = recorded(SHARED / "GetReaderConfigResponse-000.bytes")
    expected = json.loads((SHARED / "GetReaderConfigResponse-000.json").read_text())
    identity = next(config.every("Identification")).fields["ReaderID"]
    assert identity == base64.b64decode(expected["Identification"]["ReaderID"])
    states = next(config.every("ReaderEventNotificationSpec")).parts
    assert [bool(state.fields["NotificationState"]) for state in states] == [
        state["NotificationEnabled"] for state in expected["ReaderEventNotificationSpec"]["EventNotificationStates"]
    ]
    assert [p.fields["GPIPortNum"] for p in config.every("GPIPortCurrentState")] == [1, 2, 3, 4]
    assert [p.number("AntennaConnected") for p in config.every("AntennaProperties")] == [1, 0, 0, 0]


@shared
@pytest.mark.shared
def test_the_layout_agrees_with_the_published_definitions() -> None:
    """Every message, parameter, field, width and repetition of the LLRP Toolkit's definitions is in the tables."""
    root = ET.parse(SHARED / "definitions" / "llrp-1.0.1.xml").getroot()
    repeats = {"1": "1", "0-1": "?", "0-N": "*", "1-N": "+"}
    for kind, shapes in (("message", wire.MESSAGE_BY_NAME), ("parameter", wire.PARAMETER_BY_NAME)):
        definitions = root.findall(f"{{*}}{kind}Definition")
        assert {d.attrib["name"] for d in definitions} == set(shapes)
        for definition in definitions:
            shape = shapes[definition.attrib["name"]]
            assert shape.number == int(definition.attrib["typeNum"])
            fields = [field.attrib["name"] for field in definition.findall("{*}field")]
            assert [n for n, _, _ in shape.fixed if n != "-"] + [n for n, _ in shape.counted] == fields
            rules = [repeats[d.attrib["repeat"]] for d in definition if d.tag.endswith(("}parameter", "}choice"))]
            assert [rule.repeat for rule in shape.rules] == rules
