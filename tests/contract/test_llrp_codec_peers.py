"""Our codec against those that this project did not write: llrpkit's, sllurp's, and Wireshark's dissector."""

import json
import re
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
from gateway.readers.llrp.tables import CUSTOM_MESSAGES, CUSTOM_PARAMETERS, ENUMERATIONS, VERSIONS
from gateway.readers.llrp.tables_vendors import IMPINJ
from tests.llrp_samples import PUBLISHED, Samples

OF_IMPINJ = [name for name, d in CUSTOM_PARAMETERS.items() if d.vendor == IMPINJ]
# llrpkit takes a Custom that stands where a choice may stand for one of the list behind it
LIKE_LLRPKIT = PUBLISHED._replace(choices={n: tuple(m for m in c if m != "Custom") for n, c in PUBLISHED.choices.items()})
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
    """A parameter without others inside; named values are among those that have names."""
    definition = CUSTOM_PARAMETERS.get(name) or samples.tables.parameters[name]
    named = {f.name: samples.rng.choice([*ENUMERATIONS[f.enumeration]]) for f in definition.fields if f.enumeration}
    return Parameter(name, samples.parameter(name).fields | named)


def test_sllurp_reads_the_same_reports() -> None:
    """RO_ACCESS_REPORT with everything a tag may report, Impinj's phase, RSSI and Doppler, XPC words of 1.1 among it."""
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


@pytest.mark.parametrize("name", sorted((CUSTOM_PARAMETERS.keys() & sllurp.llrp_proto.Param_struct.keys()) - SLLURP_RAISES))
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
