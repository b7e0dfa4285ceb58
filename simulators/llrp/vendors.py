"""What makers added to LLRP, as far as a portal asks for it: Impinj's and Zebra's (once Motorola's) custom parameters.

A reader knows its own maker's and refuses all others; an Impinj reader knows them only after IMPINJ_ENABLE_EXTENSIONS.
"""

from collections.abc import Iterator

from simulators.llrp.profiles import IMPINJ, ZEBRA, Profile
from simulators.llrp.tags import Observation
from simulators.llrp.wire import Malformed, Message, Parameter, type_of

_KNOWN = {
    IMPINJ: {21, 22, 23, 26, 27, 28, 36, 38, 39, 40, 41, 50, 51, 52, 53, 54, 63, 64, 65, 66, 67},
    ZEBRA: {50, 51, 101, 102, 121, 122, 350, 466, 500, 511, 704, 708, 710},
}
"""Subtypes of parameters that a client may send."""

IMPINJ_REQUESTED, IMPINJ_BUFFER, IMPINJ_SELECTOR, ZEBRA_SELECTOR = 21, 39, 50, 708

_IMPINJ_CONTENT = {52: 56, 53: 57, 67: 68}
"""Sub-parameter of the selector that enables → the report's: RFPhaseAngle, PeakRSSI, RFDopplerFrequency."""

_ZEBRA_PHASE, _ZEBRA_PHASE_BIT = 709, 1 << 28

_IMPINJ_VERSION, _IMPINJ_TEMPERATURE = 29, 37


def custom(vendor: int, subtype: int, body: str | bytes) -> Parameter:
    """A Custom parameter; `body` in bytes or in hex."""
    data = bytes.fromhex(body) if isinstance(body, str) else body
    return Parameter("Custom", {"VendorIdentifier": vendor, "ParameterSubtype": subtype, "Data": data})


def check(profile: Profile, extensions: bool, request: Message) -> None:
    """Refuse a request that holds a Custom parameter which this reader does not know (now)."""
    known = _KNOWN.get(profile.manufacturer, ()) if extensions or profile.manufacturer != IMPINJ else ()
    for part in _customs(request):
        vendor, subtype = part.number("VendorIdentifier"), part.number("ParameterSubtype")
        if vendor != profile.manufacturer or subtype not in known:
            raise Malformed(209, f"parameter {subtype} of vendor {vendor} is not supported", type_of("Custom"))


def _customs(item: Parameter) -> Iterator[Parameter]:
    for part in item.parts:
        if part.name == "Custom":
            yield part
        yield from _customs(part)


def wanted(report: Parameter) -> set[tuple[int, int]]:
    """Vendor and subtype of the report parameters that the ROReportSpec `report` enables."""
    found: set[tuple[int, int]] = set()
    for part in report.every("Custom"):
        kind, data = (part.number("VendorIdentifier"), part.number("ParameterSubtype")), part.fields["Data"]
        assert isinstance(data, bytes)
        if kind == (IMPINJ, IMPINJ_SELECTOR):
            found |= {(IMPINJ, subtype) for subtype in _impinj_content(data)}
        elif kind == (ZEBRA, ZEBRA_SELECTOR) and int.from_bytes(data[:4], "big") & _ZEBRA_PHASE_BIT:
            found.add((ZEBRA, _ZEBRA_PHASE))
    return found


def _impinj_content(data: bytes) -> Iterator[int]:
    """The report's parameters for the modes (u16, 1 = on) inside an ImpinjTagReportContentSelector."""
    while len(data) >= 14:  # Custom header (4), vendor (4), subtype (4), mode (2)
        length, subtype = int.from_bytes(data[2:4], "big"), int.from_bytes(data[8:12], "big")
        if subtype in _IMPINJ_CONTENT and data[12:14] == b"\x00\x01":
            yield _IMPINJ_CONTENT[subtype]
        data = data[max(length, 12) :]


def extras(seen: Observation, content: set[tuple[int, int]]) -> list[Parameter]:
    """The parameters of `content` for one observation.

    Impinj: phase in 1/4096 turn, RSSI in 1/100 dBm, Doppler in 1/16 Hz. Zebra: phase, signed, taken as 1/65536 turn.
    """
    return [custom(vendor, subtype, _content(seen, vendor, subtype)) for vendor, subtype in sorted(content)]


def _content(seen: Observation, vendor: int, subtype: int) -> bytes:
    match vendor, subtype:
        case (25882, 56):
            return (seen.phase % 4096).to_bytes(2, "big")
        case (25882, 57):
            return round(seen.rssi * 100).to_bytes(2, "big", signed=True)
        case (25882, 68):
            return round(seen.doppler * 16).to_bytes(2, "big", signed=True)
        case _:
            return (seen.phase % 4096 * 16).to_bytes(2, "big")


def requested(profile: Profile, request: Message, buffering: int) -> list[Parameter]:
    """What ImpinjRequestedData in a GET_… asks for: version (1001), temperature (2004), report buffering (2006)."""
    asked = {
        int.from_bytes(part.fields["Data"][:4], "big")
        for part in request.every("Custom")
        if isinstance(part.fields["Data"], bytes) and part.number("ParameterSubtype") == IMPINJ_REQUESTED
    }
    found: list[Parameter] = []
    if asked & {1000, 1001}:
        texts = ("Speedway R420", "370-00-00-0000", profile.firmware, profile.firmware, "0", "0")
        body = b"".join(len(text).to_bytes(2, "big") + text.encode() for text in texts)
        found.append(custom(IMPINJ, _IMPINJ_VERSION, body))
    if asked & {2000, 2004}:
        found.append(custom(IMPINJ, _IMPINJ_TEMPERATURE, (40).to_bytes(2, "big")))
    if asked & {2000, 2006}:
        found.append(custom(IMPINJ, IMPINJ_BUFFER, buffering.to_bytes(2, "big")))
    return found


def buffering(request: Message) -> int | None:
    """The mode of an ImpinjReportBufferConfiguration in SET_READER_CONFIG: 0 normal, 1 low latency."""
    for part in request.every("Custom"):
        data = part.fields["Data"]
        if part.number("ParameterSubtype") == IMPINJ_BUFFER and isinstance(data, bytes):
            return int.from_bytes(data[:2], "big")
    return None
