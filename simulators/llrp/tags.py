"""One observation of one tag becomes a TagReportData (LLRP 1.0.1, clause 13.2.3)."""

import binascii
from collections.abc import Iterator
from dataclasses import dataclass

from simulators.llrp.wire import Bits, Parameter


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
    doppler: float
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


def epc_memory(epc: str) -> bytes:
    """The EPC bank: CRC-16 over PC and EPC, PC (the EPC's length in words; Gen2, clause 6.3.2.1.2.2), EPC."""
    words = (len(epc) + 3) // 4
    memory = (words << 11).to_bytes(2, "big") + bytes.fromhex(epc.ljust(4 * words, "0"))
    return (binascii.crc_hqx(memory, 0xFFFF) ^ 0xFFFF).to_bytes(2, "big") + memory


def _epc_memory(epc: str, selector: Parameter) -> Iterator[Parameter]:
    memory = epc_memory(epc)
    if selector.fields["EnablePCBits"]:
        yield Parameter("C1G2_PC", {"PC_Bits": int.from_bytes(memory[2:4], "big")})
    if selector.fields["EnableCRC"]:
        yield Parameter("C1G2_CRC", {"CRC": int.from_bytes(memory[:2], "big")})
