"""Our codec against those that this project did not write: llrpkit's, sllurp's, and Wireshark's dissector."""

import json
import shutil
import subprocess
from pathlib import Path
from random import Random
from struct import pack
from typing import Any

import pytest
import sllurp.llrp_proto
from llrpkit.protocol import codec as theirs
from llrpkit.protocol import impinj  # noqa: F401 - registers Impinj's extensions
from sllurp.llrp import LLRPMessage

from gateway.readers.llrp.codec import BitString, Message, Parameter, decode, encode
from gateway.readers.llrp.tables import CUSTOM_MESSAGES, CUSTOM_PARAMETERS, VERSIONS
from gateway.readers.llrp.tables_vendors import IMPINJ
from tests.llrp_samples import PUBLISHED, Samples

OF_IMPINJ = [name for name, d in CUSTOM_PARAMETERS.items() if d.vendor == IMPINJ]
# llrpkit takes a Custom that stands where a choice may stand for one of the list behind it
LIKE_LLRPKIT = PUBLISHED._replace(
    choices={n: tuple(m for m in c if m != "Custom") for n, c in PUBLISHED.choices.items()}
)
# it also sorts what it encodes: a Custom that has a place of its own beside would change it
PLACED = {child.name for definition in CUSTOM_PARAMETERS.values() for child in definition.children}
OUTERMOST = [name for name in OF_IMPINJ if name not in PLACED]


def flat(name: str) -> str:
    """A name without the marks of anybody's style: `EnableROSpecID`, `enable_ro_spec_id` → `enablerospecid`."""
    return name.replace("_", "").replace("-", "").lower()


def plain(value: Any) -> Any:
    """A value without the marks of anybody's types."""
    if isinstance(value, theirs.BitStr):
        return value.bit_len, value.data
    if isinstance(value, BitString):
        return tuple(value)
    return list(value) if isinstance(value, tuple | list) else int(value) if isinstance(value, int) else value


def same(ours: Message | Parameter, other: Any) -> None:
    """Every field of ours stands in theirs under the same name with the same value, down through all parameters."""
    assert flat(type(other).__name__) == flat(ours.name)
    known = {flat(name): value for name, value in vars(other).items()}
    for name, value in ours.fields.items():
        assert plain(known[flat(name)]) == plain(value), f"{ours.name}.{name}"
    found = [part for value in vars(other).values() for part in (value if isinstance(value, list) else [value])]
    inside = [part for part in found if isinstance(part, theirs.LLRPParameter)]
    assert len(inside) == len(ours.parameters), ours.name
    for parameter in ours.parameters:
        alike = [part for part in inside if flat(type(part).__name__) == flat(parameter.name)]
        matching = [part for part in alike if part.encode() == _bytes(parameter)]
        assert matching, f"{ours.name}: {parameter.name}"
        same(parameter, matching[0])


def _bytes(parameter: Parameter) -> bytes:
    return encode(Message("GET_ROSPECS", parameters=(parameter,)))[10:]


@pytest.mark.parametrize("name", [*PUBLISHED.messages, *(n for n, d in CUSTOM_MESSAGES.items() if d.vendor == IMPINJ)])
def test_llrpkit_reads_and_writes_the_same_bytes(name: str) -> None:
    """Each message of 1.0.1 and Impinj's own: llrpkit finds our values in our bytes, and its bytes are ours."""
    rng = Random(name)
    samples = Samples(rng, 1, LIKE_LLRPKIT, OUTERMOST)
    for _ in range(15):
        message = samples.message(name)
        raw = encode(message)
        other = theirs.decode_message(raw)
        assert other.to_bytes() == raw
        if name != "CUSTOM_MESSAGE":
            same(message, other)
        assert decode(int.from_bytes(raw[:2], "big"), message.id, other.to_bytes()[10:], customs=True) == message


@pytest.mark.parametrize("name", OF_IMPINJ)
def test_llrpkit_knows_each_parameter_of_impinj(name: str) -> None:
    """Each Impinj parameter alone has llrpkit's fields and bytes."""
    samples = Samples(Random(name), 1, LIKE_LLRPKIT, OUTERMOST)
    for _ in range(10):
        parameter = samples.parameter(name)
        other = theirs.decode_parameter(theirs.ByteReader(_bytes(parameter)))
        assert other.encode() == _bytes(parameter)
        same(parameter, other)


# ---------------------------------------------------------------- sllurp

SLLURP_RAISES = {"ImpinjFixedFrequencyList"}  # KeyError as soon as there is a channel in the list
OUR_WORD = {"EPC-96": "EPC_96", "C1G2PC": "C1G2_PC", "C1G2CRC": "C1G2_CRC"}


def bare(samples: Samples, name: str) -> Parameter:
    """A parameter without others inside."""
    return Parameter(name, samples.parameter(name).fields)


def test_sllurp_reads_the_same_reports() -> None:
    """RO_ACCESS_REPORT with all that may be said of a tag: XPC words of 1.1, Impinj's phase, fine RSSI and Doppler."""
    rng = Random(1)
    customs = ("ImpinjRFPhaseAngle", "ImpinjPeakRSSI", "ImpinjRFDopplerFrequency")
    values = ("ROSpecID", "SpecIndex", "AntennaID", "PeakRSSI", "ChannelIndex", "TagSeenCount", "AccessSpecID")
    stamps = ("FirstSeenTimestampUTC", "LastSeenTimestampUTC", "FirstSeenTimestampUptime", "LastSeenTimestampUptime")
    words = ("C1G2_PC", "C1G2XPCW1", "C1G2XPCW2", "C1G2_CRC", "InventoryParameterSpecID", "ClientRequestOpSpecResult")
    for version in VERSIONS:
        samples = Samples(rng, version)
        for _ in range(20):
            inside = [samples.parameter("EPC_96"), *(bare(samples, n) for n in (*values, *stamps, *words, *customs))]
            ours = Message("RO_ACCESS_REPORT", 7, {}, (Parameter("TagReportData", {}, tuple(inside)),), version)
            told = LLRPMessage(msgbytes=encode(ours)).msgdict["RO_ACCESS_REPORT"]
            assert (told["Ver"], told["ID"]) == (version, 7)
            (tag,) = told["TagReportData"]
            assert "SllurpDecodeError" not in tag
            known = {OUR_WORD.get(name, name): value for name, value in tag.items()}
            for parameter in inside:
                (value,) = parameter.fields.values()
                told_value = known[parameter.name]
                if isinstance(value, bytes):
                    assert told_value == value.hex().encode()
                else:
                    assert (told_value if isinstance(told_value, int) else next(iter(told_value.values()))) == value


@pytest.mark.parametrize(
    "name", sorted((CUSTOM_PARAMETERS.keys() & sllurp.llrp_proto.Param_struct.keys()) - SLLURP_RAISES)
)
def test_sllurp_knows_custom_parameters(name: str) -> None:
    """Each custom parameter that sllurp knows: same vendor, subtype and numbers; for Zebra it is the second witness."""
    known, definition = sllurp.llrp_proto.Param_struct[name], CUSTOM_PARAMETERS[name]
    assert (known["vendorid"], known["subtype"]) == (definition.vendor, definition.number)
    samples = Samples(Random(name))
    for _ in range(10):
        parameter = bare(samples, name)
        told = known["decode"](_bytes(parameter)[12:], name)[0] if "decode" in known else {}
        for field, value in parameter.fields.items():
            if isinstance(told, dict) and isinstance(value, int) and isinstance(told.get(field), int):
                assert told[field] % 2**32 == value % 2**32, field  # it takes coordinates for unsigned


# ---------------------------------------------------------------- Wireshark


def dissect(path: Path, payloads: list[bytes]) -> list[dict[str, Any]]:
    """What tshark makes of each payload, sent as one TCP segment in raw IPv4 (link type 101)."""
    data, sequence = pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 0xFFFF, 101), 1
    for number, payload in enumerate(payloads):
        tcp = pack(">HHIIBBHHH", 40_000, 5084, sequence, 1, 5 << 4, 0x18, 8192, 0, 0)
        total = 40 + len(payload)
        ip = pack(">BBHHHBBH4s4s", 0x45, 0, total, number, 0, 64, 6, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
        data += pack("<IIII", number, 0, total, total) + ip + tcp + payload
        sequence += len(payload)
    path.write_bytes(data)
    tshark = shutil.which("tshark") or pytest.fail("tshark is missing: apt-get install tshark")
    command = [tshark, "-n", "-r", str(path), "-d", "tcp.port==5084,llrp", "-T", "json", "--no-duplicate-keys"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return [packet["_source"]["layers"] for packet in json.loads(done.stdout)]


# What tshark 4.0 itself gets wrong: it miscounts the ids, reads the byte of MB twice, takes words for octets,
# and has no layout for Doppler.
MISREAD = ("Identification", "C1G2GetBlockPermalockStatus'", "ImpinjSerializedTID", "ImpinjRFDopplerFrequency")

# … calls custom messages of a vendor it does not know malformed, does not count the one byte of SET_PROTOCOL_VERSION,
# and takes two bytes of the four of ClientRequestResponse's AccessSpecID.
MISREAD_MESSAGES = ("CUSTOM_MESSAGE", "SET_PROTOCOL_VERSION", "CLIENT_REQUEST_OP_RESPONSE")


def fair(samples: Samples, name: str) -> Message:
    """A message with nothing in it that tshark misreads."""
    message = samples.message(name)
    while any(word in repr(message) for word in MISREAD):
        message = samples.message(name)
    return message


def test_wireshark_finds_nothing_malformed_in_version_1_1(tmp_path: Path) -> None:
    """Every message of LLRP 1.1 with all kinds of parameters: whole, of the version, type and id we meant."""
    samples = Samples(Random(11), 2)
    names = [name for name in VERSIONS[2].messages if name not in MISREAD_MESSAGES]
    sent = [fair(samples, name) for name in names for _ in range(3)]
    layers = dissect(tmp_path / "1.1.pcap", [encode(message) for message in sent])
    for message, layer in zip(sent, layers, strict=True):
        assert "_ws.malformed" not in json.dumps(layer), message
        assert "_ws.expert" not in json.dumps(layer["llrp"]), (message, layer["llrp"])
        assert layer["llrp"]["llrp.version"] == "2"
        assert int(layer["llrp"]["llrp.type"]) == VERSIONS[2].messages[message.name].number
        assert int(layer["llrp"]["llrp.id"]) == message.id


FLAGS = ("block_erase", "block_write", "block_permalock", "tag_recomm", "UMI_method2", "XPC")
READ_AS = {
    "C1G2LLRPCapabilities": (*(f"can_support_{flag}" for flag in FLAGS), "max_num_filter_per_query"),
    "C1G2TagInventoryStateAwareSingulationAction": ("sing_i", "sing_s", "sing_a"),
    "C1G2EPCMemorySelector": ("enable_crc", "enable_pc", "enable_xpc"),
    "C1G2XPCW1": ("xpc_w1",),
    "C1G2XPCW2": ("xpc_w2",),
    "ClientRequestOpSpecResult": ("opspec_id",),
    "ClientRequestOpSpec": ("opspec_id",),
    "LoopSpec": ("loop_count",),
    "SpecLoopEvent": ("rospec_id", "loop_count"),
    "C1G2Recommission": ("opspec_id", "kill_pass", "kill_3", "kill_2", "kill_l"),
    "C1G2RecommissionOpSpecResult": ("access_result", "opspec_id"),
    "C1G2BlockPermalockOpSpecResult": ("access_result", "opspec_id"),
    "C1G2GetBlockPermalockStatusOpSpecResult": ("access_result", "opspec_id"),
    "MaximumReceiveSensitivity": ("max_receive_sense",),
    "RFSurveyFrequencyCapabilities": ("min_freq", "max_freq"),
}
IMPINJ_READ_AS = {
    "ImpinjInventorySearchMode": ("impinj_search_mode",),
    "ImpinjLowDutyCycle": ("impinj_low_duty_mode", "empty_field_timeout", "field_ping_interval"),
    "ImpinjRequestedData": ("impinj_req_data",),
    "ImpinjSubRegulatoryRegion": ("impinj_reg_region",),
    "ImpinjReaderTemperature": ("temperature",),
}


def test_wireshark_reads_the_values_we_meant(tmp_path: Path) -> None:
    """What 1.1 added or changed, and Impinj's settings, field by field."""
    rng = Random(5)
    known = READ_AS | IMPINJ_READ_AS
    sent = [bare(Samples(rng, 2), name) for name in known for _ in range(3)]
    raws = [encode(Message("GET_READER_CONFIG_RESPONSE", parameters=(parameter,), version=2)) for parameter in sent]
    for parameter, layer in zip(sent, dissect(tmp_path / "values.pcap", raws), strict=True):
        told = [layer["llrp"]["llrp.param"][f"llrp.param.{name}"] for name in known[parameter.name]]
        ours = [int(value) for value in parameter.fields.values() if not isinstance(value, tuple)]
        unsigned = [value % 2**16 if value < 0 else value for value in ours]  # tshark takes all for unsigned
        assert [int(value, 0) for value in told] in (ours, unsigned), parameter


def test_wireshark_reads_version_negotiation(tmp_path: Path) -> None:
    """GET_SUPPORTED_VERSION_RESPONSE says which version is spoken and which is the highest."""
    samples = Samples(Random(6), 2)
    message = samples.message("GET_SUPPORTED_VERSION_RESPONSE")
    message = message._replace(fields={"CurrentVersion": 1, "SupportedVersion": 2})
    (layer,) = dissect(tmp_path / "version.pcap", [encode(message)])
    assert (layer["llrp"]["llrp.cur_ver"], layer["llrp"]["llrp.sup_ver"]) == ("1", "2")


def test_wireshark_finds_impinj_whole(tmp_path: Path) -> None:
    """Each parameter and message of Impinj is dissected without a complaint."""
    samples = Samples(Random(7))
    names = [name for name in OF_IMPINJ if name not in MISREAD]
    sent = [Message("GET_READER_CONFIG_RESPONSE", parameters=(bare(samples, name),)) for name in names]
    sent += [Message("IMPINJ_ENABLE_EXTENSIONS"), Message("IMPINJ_SAVE_SETTINGS", fields={"SaveConfiguration": True})]
    for message, layer in zip(sent, dissect(tmp_path / "i.pcap", [encode(message) for message in sent]), strict=True):
        assert "_ws.malformed" not in json.dumps(layer), message
