"""Tag reports into rows: carry-forward, mixed shapes, vendor parameters, and what is refused."""

import pytest

from gateway.readers.llrp.codec import BitString, CodecError, Parameter, encode_parameters
from gateway.readers.llrp.fast import TagReports, gulps

EPC = bytes.fromhex("3034257bf7194e4000001a85")
SEEN = 1_795_243_331_250_000


def report(*parameters: Parameter, epc: Parameter | None = None) -> bytes:
    """One TagReportData."""
    inside = (epc or Parameter("EPC_96", {"EPC": EPC}), *parameters)
    return encode_parameters((Parameter("TagReportData", {}, inside),))


def number(name: str, value: int) -> Parameter:
    """A parameter of one number."""
    field = {"PeakRSSI": "PeakRSSI", "AntennaID": "AntennaID", "ChannelIndex": "ChannelIndex", "ROSpecID": "ROSpecID"}
    field["TagSeenCount"] = "TagCount"
    return Parameter(name, {field.get(name, "Microseconds"): value})


def impinj(subtype: int, data: bytes) -> Parameter:
    """An Impinj custom parameter."""
    return Parameter("Custom", {"VendorIdentifier": 25882, "ParameterSubtype": subtype, "Data": data})


FULL = (
    number("ROSpecID", 1),
    number("AntennaID", 3),
    number("PeakRSSI", -55),
    number("ChannelIndex", 7),
    number("FirstSeenTimestampUTC", SEEN - 500),
    number("LastSeenTimestampUTC", SEEN),
    number("TagSeenCount", 4),
)
ROW = (SEEN, 3, EPC.hex().upper(), -55, 7, None, 4)


@pytest.mark.parametrize("times", [1, 2, 3, 20])
def test_a_full_report_gives_every_column(times: int) -> None:
    """Columns are those of the model, the time is the last-seen plus the shift, the EPC upper-case hex."""
    assert TagReports().rows(report(*FULL) * times, utc=10) == [(SEEN + 10, *ROW[1:])] * times


def test_an_empty_message_gives_no_rows() -> None:
    """A report without tags is nothing, not an error."""
    assert TagReports().rows(b"") == []


def test_the_second_message_of_a_shape_is_not_walked() -> None:
    """Shapes are learnt from the first report, also when the number of tags in a message changes."""
    reports = TagReports()
    for times in (1, 5, 1, 9):
        assert len(reports.rows(report(*FULL) * times)) == times
    assert reports.walked == 0


def test_an_absent_parameter_keeps_its_last_value() -> None:
    """LLRP: enabled but absent means unchanged (sllurp leaves the antenna out, defect D9), also in the fast way."""
    reports = TagReports()
    reports.rows(report(*FULL))
    assert reports.rows(report(number("LastSeenTimestampUTC", SEEN + 9)) * 4) == [(SEEN + 9, *ROW[1:])] * 4
    assert reports.rows(report(number("LastSeenTimestampUTC", SEEN), number("AntennaID", 1))) == [(SEEN, 1, *ROW[2:])]
    assert reports.rows(report(number("PeakRSSI", -40))) == [(SEEN, 1, ROW[2], -40, 7, None, 4)]


def test_carry_forward_is_not_for_impinj() -> None:
    """With `carry` off an absent parameter is unknown; antenna 0 is LLRP's "any"."""
    reports = TagReports(carry=False)
    reports.rows(report(*FULL))
    assert reports.rows(report(number("LastSeenTimestampUTC", SEEN))) == [(SEEN, 0, ROW[2], None, None, None, None)]
    assert reports.rows(report()) == [(None, 0, ROW[2], None, None, None, None)]


def test_first_seen_and_uptime_are_second_choice() -> None:
    """Last before first, UTC before uptime; uptime takes its own shift and is flagged."""
    reports = TagReports()
    assert reports.rows(report(number("FirstSeenTimestampUTC", 5)), utc=100, uptime=7)[0][0] == 105
    both = (number("LastSeenTimestampUptime", 9), number("FirstSeenTimestampUTC", 5))
    assert reports.rows(report(*both), utc=100, uptime=7)[0][0] == 105
    assert not reports.uptime
    ups = (number("FirstSeenTimestampUptime", 5), number("LastSeenTimestampUptime", 9))
    assert reports.rows(report(*ups) * 3, utc=100, uptime=7)[0][0] == 16
    assert reports.uptime


def test_impinj_phase_and_fine_rssi() -> None:
    """Impinj's RSSI in hundredths replaces the whole dBm, its phase fills the phase column."""
    fine = report(
        *FULL, impinj(56, b"\x04\x00"), impinj(57, (-5431).to_bytes(2, "big", signed=True)), impinj(68, b"ab")
    )
    for times in (1, 4):
        assert TagReports().rows(fine * times) == [(SEEN, 3, ROW[2], -54.31, 7, 1024, 4)] * times


def test_mixed_shapes_in_one_message() -> None:
    """96-bit, longer and odd EPCs side by side come in order; only the odd one is walked, and tells its bits."""
    longer = Parameter("EPCData", {"EPC": BitString(128, bytes(range(16)))})
    odd = Parameter("EPCData", {"EPC": BitString(9, b"\xff\x80")})
    reports = TagReports()
    rows = reports.rows(report(*FULL) + report(*FULL, epc=longer) + report(*FULL, epc=odd) + report(*FULL))
    assert [row[2] for row in rows] == [ROW[2], bytes(range(16)).hex().upper(), "FF80", ROW[2]]
    assert [len(row) for row in rows] == [7, 7, 8, 7]
    assert rows[2][7] == 9
    assert reports.walked == 1


def test_other_parameters_beside_and_inside_reports() -> None:
    """Access results, unknown parameters and surveys are passed over."""
    result = Parameter("C1G2ReadOpSpecResult", {"Result": 0, "OpSpecID": 1, "ReadData": (1, 2)})
    unknown = Parameter("parameter 1000", {"Data": b"new"})
    survey = encode_parameters((Parameter("RFSurveyReportData", {}, (number("ROSpecID", 1),)),))
    assert TagReports().rows(report(*FULL, result, unknown) + survey + report(*FULL)) == [ROW, ROW]


@pytest.mark.parametrize(
    "body",
    [
        report(*FULL)[:-1],
        report(*FULL) + b"\x00",
        report(*FULL) + report(*FULL)[:30],
        b"\x00\xf0\x00\x04",
        b"\x00\xf0\x00\x03",
        b"\x00\xf0\x00\x05\xff",
        b"\x81\x00",
        b"\xff\x00\x01",
        report(*FULL)[:4] + b"\xff" + report(*FULL)[5:],
    ],
)
def test_malformed_bodies_are_refused_whole(body: bytes) -> None:
    """A malformed report raises CodecError, gives no row, and leaves the carried values as they were."""
    reports = TagReports()
    reports.rows(report(*FULL))
    with pytest.raises(CodecError):
        reports.rows(body)
    assert reports.rows(report(number("LastSeenTimestampUTC", SEEN))) == [ROW]


def test_what_is_learnt_is_bounded() -> None:
    """A reader that never repeats a shape costs time, not memory."""
    reports = TagReports()
    for size in range(1, 1000):
        reports.rows(
            report(*FULL, Parameter("Custom", {"VendorIdentifier": 1, "ParameterSubtype": 1, "Data": bytes(size)}))
        )
    assert sum(map(len, reports._shapes.values())) <= 256


@pytest.mark.parametrize("sizes", [[], [51] * 200, [1020] * 7, [51, 51, 55, 51, 51, 51], [0, 0, 0], [9000, 9000]])
def test_gulps_keep_order_and_are_few_kinds(sizes: list[int]) -> None:
    """Joined they are the bodies in order; each holds one size, a power of two of them, and some 4 KiB at most."""
    bodies = [bytes([number % 256]) * size for number, size in enumerate(sizes)]
    found = list(gulps(bodies))
    assert [body for gulp in found for body in gulp] == bodies
    assert all(len(set(map(len, gulp))) == 1 for gulp in found)
    assert all(len(gulp).bit_count() == 1 for gulp in found)
    assert all(len(gulp) == 1 or sum(map(len, gulp)) <= 4096 for gulp in found)


def test_a_gulp_gives_the_rows_of_its_bodies() -> None:
    """Messages taken together give the rows they give one by one, and none is walked."""
    bodies = [report(*FULL, epc=Parameter("EPC_96", {"EPC": n.to_bytes(12, "big")})) for n in range(150)]
    together, single = TagReports(), TagReports()
    rows = [row for gulp in gulps(bodies) for row in together.rows(b"".join(gulp), utc=5)]
    assert rows == [row for body in bodies for row in single.rows(body, utc=5)]
    assert together.walked == 0


@pytest.mark.parametrize("odd", [0, SEEN + 3_600_000_000 * 2, 2**64 - 1])
def test_a_time_far_from_its_neighbours_is_told(odd: int) -> None:
    """Reports of one shape have times within 72 minutes, or they are not uniform: somebody will look at each."""
    reports = TagReports()
    good, bad = report(*FULL), report(*FULL[:5], number("LastSeenTimestampUTC", odd), FULL[6])
    for body, times, uniform in (
        (good * 3, [SEEN] * 3, True),
        (good + bad + good, [SEEN, odd, SEEN], False),
        (bad * 2, [odd] * 2, True),
        (good, [SEEN], True),
        (b"", [], True),
    ):
        assert [row[0] for row in reports.rows(body)] == times
        assert reports.uniform == uniform or not body
    assert reports.walked == 0
