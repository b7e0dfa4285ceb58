"""One observation of one tag becomes a TagReportData (LLRP 1.0.1, clause 13.2.3), Impinj's extras included."""

import binascii
from collections.abc import Iterator
from dataclasses import dataclass

from simulators.llrp.capabilities import IMPINJ
from simulators.llrp.wire import Bits, Parameter

IMPINJ_SELECTOR = 50
"""ImpinjTagReportContentSelector; inside it, each of _IMPINJ_CONTENT is a u16 mode, 1 = on."""

_IMPINJ_CONTENT = {52: 56, 53: 57, 67: 68}
"""Sub-parameter that enables → the report's: RFPhaseAngle, PeakRSSI, RFDopplerFrequency."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What the radio saw. Times are what the reader's own clock said, in microseconds."""

    epc: str
    antenna: int
    rssi: float
    channel: int
    count: int
    first_us: int
    last_us: int
    phase: int
    rospec: int
    spec_index: int
    inventory: int


def tag_report(seen: Observation, selector: Parameter, utc: bool, unknown: bool = False) -> Parameter:
    """`seen` with the contents that `selector` enables; `unknown` adds a parameter of an unassigned type."""
    clock = "UTC" if utc else "Uptime"
    parts = [_epc(seen.epc)]
    for enable, name, label, value in (
        ("EnableROSpecID", "ROSpecID", "ROSpecID", seen.rospec),
        ("EnableSpecIndex", "SpecIndex", "SpecIndex", seen.spec_index),
        ("EnableInventoryParameterSpecID", "InventoryParameterSpecID", "InventoryParameterSpecID", seen.inventory),
        ("EnableAntennaID", "AntennaID", "AntennaID", seen.antenna),
        ("EnablePeakRSSI", "PeakRSSI", "PeakRSSI", max(-128, min(127, round(seen.rssi)))),
        ("EnableChannelIndex", "ChannelIndex", "ChannelIndex", seen.channel),
        ("EnableFirstSeenTimestamp", f"FirstSeenTimestamp{clock}", "Microseconds", seen.first_us),
        ("EnableLastSeenTimestamp", f"LastSeenTimestamp{clock}", "Microseconds", seen.last_us),
        ("EnableTagSeenCount", "TagSeenCount", "TagCount", seen.count),
    ):
        if selector.fields[enable]:
            parts.append(Parameter(name, {label: value}))
    for memory in selector.every("C1G2EPCMemorySelector"):
        parts += _epc_memory(seen.epc, memory)
    if selector.fields["EnableAccessSpecID"]:
        parts.append(Parameter("AccessSpecID", {"AccessSpecID": 0}))
    if unknown:
        parts.append(Parameter("Raw", {"Data": bytes.fromhex("03e1 0008 00000000")}))
    return Parameter("TagReportData", {}, parts)


def _epc(text: str) -> Parameter:
    if len(text) == 24:
        return Parameter("EPC_96", {"EPC": int(text, 16)})
    data = bytes.fromhex(text if len(text) % 2 == 0 else text + "0")
    return Parameter("EPCData", {"EPC": Bits(4 * len(text), data)})


def _epc_memory(epc: str, selector: Parameter) -> Iterator[Parameter]:
    """PC bits (the EPC's length in words, clause 6.3.2.1.2.2 of Gen2) and the CRC-16 over PC and EPC."""
    words = (len(epc) + 3) // 4
    pc = words << 11
    if selector.fields["EnablePCBits"]:
        yield Parameter("C1G2_PC", {"PC_Bits": pc})
    if selector.fields["EnableCRC"]:
        memory = pc.to_bytes(2, "big") + bytes.fromhex(epc.ljust(4 * words, "0"))
        yield Parameter("C1G2_CRC", {"CRC": binascii.crc_hqx(memory, 0xFFFF) ^ 0xFFFF})


def impinj_wants(report: Parameter) -> set[int]:
    """The Impinj report parameters that the ROReportSpec `report` enables."""
    wanted: set[int] = set()
    for custom in report.every("Custom"):
        data = custom.fields["Data"]
        if (custom.number("VendorIdentifier"), custom.number("ParameterSubtype")) != (IMPINJ, IMPINJ_SELECTOR):
            continue
        assert isinstance(data, bytes)
        while len(data) >= 14:  # Custom header (4), vendor (4), subtype (4), mode (2)
            length, subtype = int.from_bytes(data[2:4], "big"), int.from_bytes(data[8:12], "big")
            if subtype in _IMPINJ_CONTENT and data[12:14] == b"\x00\x01":
                wanted.add(_IMPINJ_CONTENT[subtype])
            data = data[max(length, 12) :]
    return wanted


def impinj_extras(seen: Observation, wanted: set[int]) -> list[Parameter]:
    """Phase in 1/4096 turn, RSSI in 1/100 dBm, Doppler (always 0 here) in 1/16 Hz."""
    values = {56: (seen.phase % 4096).to_bytes(2, "big"), 57: round(seen.rssi * 100).to_bytes(2, "big", signed=True)}
    values[68] = bytes(2)
    return [
        Parameter("Custom", {"VendorIdentifier": IMPINJ, "ParameterSubtype": subtype, "Data": values[subtype]})
        for subtype in sorted(wanted)
    ]
