"""The fast way equals the slow way equals sllurp, on random reports."""

from typing import Any

import sllurp.llrp
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.inputs import Row
from gateway.readers.llrp.codec import BitString, CodecError, Message, Parameter, decode, encode
from gateway.readers.llrp.fast import NOTHING, TagReports, read_row

U16, U64 = st.integers(0, 0xFFFF), st.integers(0, 2**62)
OPTIONAL = {
    "ROSpecID": ("ROSpecID", st.integers(0, 0xFFFFFFFF)),
    "SpecIndex": ("SpecIndex", U16),
    "InventoryParameterSpecID": ("InventoryParameterSpecID", U16),
    "AntennaID": ("AntennaID", U16),
    "PeakRSSI": ("PeakRSSI", st.integers(-128, 127)),
    "ChannelIndex": ("ChannelIndex", U16),
    "FirstSeenTimestampUTC": ("Microseconds", U64),
    "FirstSeenTimestampUptime": ("Microseconds", U64),
    "LastSeenTimestampUTC": ("Microseconds", U64),
    "LastSeenTimestampUptime": ("Microseconds", U64),
    "TagSeenCount": ("TagCount", U16),
    "C1G2_PC": ("PC_Bits", U16),
    "AccessSpecID": ("AccessSpecID", st.integers(0, 0xFFFFFFFF)),
}
ODD_EPCS = st.binary(min_size=1, max_size=4).flatmap(
    lambda epc: st.integers(len(epc) * 8 - 7, len(epc) * 8).map(
        lambda bits: Parameter("EPCData", {"EPC": BitString(bits, epc)})
    )
)
CUSTOMS = st.tuples(st.sampled_from([25882, 1]), st.sampled_from([56, 57, 68]), st.binary(min_size=1, max_size=3)).map(
    lambda c: Parameter("Custom", {"VendorIdentifier": c[0], "ParameterSubtype": c[1], "Data": c[2]})
)


@st.composite
def bodies(draw: st.DrawFn, odd: bool = True) -> bytes:
    """A body of reports: mostly one shape several times over, as readers do, sometimes mixed."""
    reports = []
    for _ in range(draw(st.integers(0, 3))):
        names = draw(st.permutations(sorted(draw(st.sets(st.sampled_from(sorted(OPTIONAL)))))))
        size = draw(st.sampled_from([None, 0, 2, 16]))
        customs = draw(st.lists(CUSTOMS, max_size=2)) if odd else []
        for _ in range(draw(st.integers(1, 5))):
            if size is None:
                epc = Parameter("EPC_96", {"EPC": draw(st.binary(min_size=12, max_size=12))})
            else:
                epc = Parameter("EPCData", {"EPC": BitString(size * 8, draw(st.binary(min_size=size, max_size=size)))})
            if odd and draw(st.integers(0, 9)) == 0:
                epc = draw(ODD_EPCS)
            values = tuple(Parameter(name, {OPTIONAL[name][0]: draw(OPTIONAL[name][1])}) for name in names)
            reports.append(Parameter("TagReportData", {}, (epc, *values, *customs)))
    return encode(Message("RO_ACCESS_REPORT", 1, {}, tuple(reports)))[10:]


def slow(body: bytes, carried: Row, carry: bool, utc: int, uptime: int) -> tuple[list[Row], Row]:
    """The rows by walking the decoded message."""
    rows = []
    for parameter in decode(0x043D, 1, body).every("TagReportData"):
        row, _ = read_row(parameter, carried if carry else NOTHING, utc, uptime)
        rows.append(row)
        carried = row[:7]
    return rows, carried


@settings(max_examples=200, deadline=None)
@given(st.lists(bodies(), max_size=4), st.booleans())
def test_fast_equals_walked(sent: list[bytes], carry: bool) -> None:
    """Over a sequence of messages the fast rows are the walked rows, learnt shapes and carried values included."""
    reports, carried = TagReports(carry), NOTHING
    for body in [*sent, *sent]:
        rows, carried = slow(body, carried, carry, 1_000, 7)
        assert reports.rows(body, 1_000, 7) == rows


@settings(max_examples=200, deadline=None)
@given(bodies(), st.data())
def test_fast_refuses_what_the_walk_refuses(body: bytes, data: st.DataObject) -> None:
    """A changed byte makes both ways agree still, or both refuse, also when the shape was learnt before."""
    reports = TagReports(carry=False)
    reports.rows(body)
    changed = bytearray(body)
    if changed:
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        expected, _ = slow(bytes(changed), NOTHING, False, 0, 0)
    except CodecError:
        expected = None
    try:
        got = reports.rows(bytes(changed))
    except CodecError:
        got = None
    assert got == expected


def _theirs(tag: dict[str, Any]) -> Row:
    """A row from what sllurp decoded."""
    times = ("LastSeenTimestampUTC", "FirstSeenTimestampUTC", "LastSeenTimestampUptime", "FirstSeenTimestampUptime")
    at = next((tag[name] for name in times if name in tag), None)
    rssi, channel, count = tag.get("PeakRSSI"), tag.get("ChannelIndex"), tag.get("TagSeenCount")
    return (at, tag.get("AntennaID", 0), tag["EPC"].decode().upper(), rssi, channel, None, count)


@settings(max_examples=100, deadline=None)
@given(bodies(odd=False))
def test_fast_equals_sllurp(body: bytes) -> None:
    """An implementation we did not write decodes the same values."""
    frame = b"\x04\x3d" + (len(body) + 10).to_bytes(4, "big") + bytes(4) + body
    decoded = sllurp.llrp.LLRPMessage(msgbytes=frame).msgdict["RO_ACCESS_REPORT"]
    assert TagReports(carry=False).rows(body) == [_theirs(tag) for tag in decoded.get("TagReportData", [])]
