"""RO_ACCESS_REPORT straight into rows: the hot path.

A reader sends the same few parameters in the same order for every tag. The first report of a shape is walked once to
learn its *layout*: which bytes are values and which are types, lengths and counts. From then on a whole message is
checked against the layout with one masked comparison of big integers, and its values are taken with one
`struct.unpack`, column by column; messages that came together are taken together (`gulps`), for a body of reports
beside another is a body of reports. What does not fit is cut into single reports, and what still does not fit goes
through `codec`, which is the definition of right: the properties hold this file to it.

Rows are `gateway.model.inputs.COLUMNS`; `at` is the last-seen time (else first-seen; UTC before uptime) plus the shift.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby, repeat
from struct import Struct
from typing import Any, NamedTuple

from gateway.model.inputs import Row
from gateway.readers.llrp.codec import CodecError, Parameter, decode_parameters
from gateway.readers.llrp.tables import PARAMETER_NUMBERS, PARAMETERS

AT, ANTENNA, EPC, RSSI, CHANNEL, PHASE, COUNT = range(7)
"""Positions in a row."""

NOTHING: Row = (None, 0, "", None, None, None, None)
"""What a row holds where nothing was reported. No antenna is 0, which LLRP uses for "any"."""

IMPINJ = 25882
"""Impinj's IANA enterprise number, as manufacturer and as vendor of custom parameters."""

_TAG, _EPC_DATA, _CUSTOM = (PARAMETERS[name].number for name in ("TagReportData", "EPCData", "Custom"))
_EPC_96 = PARAMETERS["EPC_96"].number
_PHASE, _FINE_RSSI = 56, 57  # Impinj: u16, 4096 to the turn; s16, hundredths of a dBm
_TIMES = {4: (4, False), 2: (3, False), 5: (2, True), 3: (1, True)}  # type → (preference, uptime?)
_COLUMN = {1: ANTENNA, 6: RSSI, 7: CHANNEL, 8: COUNT}
_CODE = {ANTENNA: "H", RSSI: "b", CHANNEL: "H", COUNT: "H"}
_KEPT = 256  # shapes
_GULP = 4096  # bytes; longer blocks gain nothing, and a shape costs memory by its length


class _Layout(NamedTuple):
    """One shape of TagReportData. `picks` says where each column of a row is among values, then carried values."""

    format: str  # struct codes of the values, pad bytes for the rest
    mask: bytes  # ones where a byte is type, length or count
    expected: bytes
    picks: tuple[int, ...]
    width: int  # values per report
    epc: int  # octets
    fine: bool  # RSSI comes in hundredths
    uptime: bool


class _Shape(NamedTuple):
    """A layout, so many times side by side: what a whole body, or one report, must be to be taken at a gulp."""

    mask: int
    expected: int
    times: int
    values: Struct
    picks: tuple[int, ...]
    slices: tuple[tuple[int, slice], ...]  # per column: index among carried values or -1, its values
    epc: int
    fine: bool
    uptime: bool


def _shape(layout: _Layout, times: int) -> _Shape:
    return _Shape(
        int.from_bytes(layout.mask * times, "big"),
        int.from_bytes(layout.expected * times, "big"),
        times,
        Struct(">" + layout.format * times),
        layout.picks,
        tuple((max(pick - layout.width, -1), slice(pick, None, layout.width)) for pick in layout.picks),
        layout.epc,
        layout.fine,
        layout.uptime,
    )


def gulps(bodies: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Divide bodies of RO_ACCESS_REPORT, in their order, into lists that `TagReports.rows` likes to have joined.

    Each holds bodies of one size and a power of two of them, so that few shapes serve any number of messages.
    """
    for size, group in groupby(bodies, len):
        alike = list(group)
        taken, count = 0, 1 << (_GULP // max(size, 1) or 1).bit_length() - 1
        while taken < len(alike):
            while count > len(alike) - taken:
                count //= 2
            yield alike[taken : taken + count]
            taken += count


class TagReports:
    """Bodies of RO_ACCESS_REPORT into rows; remembers layouts, and the last row for carry-forward.

    LLRP 1.0.1 (TagReportData) lets a reader leave out an enabled parameter whose value did not change; with `carry`
    it is taken from the row before. Impinj readers leave out only what they do not know: switch `carry` off for them.
    """

    def __init__(self, carry: bool = True) -> None:
        self.carry = carry
        self.walked = 0
        """Reports that went the slow way."""
        self.uptime = False
        """Whether the last rows given came from the reader's uptime and not from UTC."""
        self.uniform = True
        """Whether the last rows given were of one shape: then each has a time, and all lie within 72 minutes."""
        self._last = NOTHING
        self._shapes: dict[int, list[_Shape]] = {}  # by size in bytes
        self._learnt = 0

    def rows(self, body: bytes, utc: int = 0, uptime: int = 0) -> list[Row]:
        """Give the rows of one message body, adding `utc` or `uptime` (µs) to `at`, whichever clock it came from.

        A row whose EPC is not whole octets has an eighth value: its length in bits. `at` None: no time was reported.

        Raises:
            CodecError: the body is malformed; no row of it is given.
        """
        self.uniform = True
        for shape in self._shapes.get(len(body), ()):  # `_known`, spelled out for speed
            if int.from_bytes(body, "big") & shape.mask == shape.expected:
                return self._take(shape, body, uptime if shape.uptime else utc)
        learnt = self._learn(body)
        if learnt is None:
            return self._cut(body, utc, uptime)
        return self._take(learnt, body, uptime if learnt.uptime else utc)

    def _known(self, block: bytes) -> _Shape | None:
        """The shape this block has, if it has been seen: every type, length and count is compared."""
        for shape in self._shapes.get(len(block), ()):
            if int.from_bytes(block, "big") & shape.mask == shape.expected:
                return shape
        return None

    def _learn(self, block: bytes) -> _Shape | None:
        """Learn the shape of a block from its first report; None when it is not that report several times over."""
        size = int.from_bytes(block[2:4], "big")
        if size < 4 or len(block) % size or int.from_bytes(block[:2], "big") != _TAG:
            return None
        layout = _learn(block[:size])
        if layout is None:
            return None
        shape = _shape(layout, len(block) // size)
        if int.from_bytes(block, "big") & shape.mask != shape.expected:
            return None
        self._learnt += 1
        if self._learnt > _KEPT:  # a reader with that many shapes gains nothing by them
            self._shapes.clear()
            self._learnt = 1
        self._shapes.setdefault(len(block), []).append(shape)
        return shape

    def _take(self, shape: _Shape, block: bytes, shift: int) -> list[Row]:
        """Rows of a block whose shape has been checked."""
        _, _, times, layout, picks, slices, octets, fine, self.uptime = shape
        values = layout.unpack(block)
        carried = self._last if self.carry else NOTHING
        if times == 1:
            v = values + carried
            at, antenna, epc, rssi, channel, phase, seen = picks
            level = v[rssi] / 100 if fine else v[rssi]
            row = (v[at] + shift, v[antenna], v[epc].hex().upper(), level, v[channel], v[phase], v[seen])
            self._last = row
            return [row]
        columns: list[Any] = [values[part] if kept < 0 else repeat(carried[kept]) for kept, part in slices]
        rows = list(
            zip(
                [time + shift for time in columns[AT]],
                columns[ANTENNA],
                # all EPCs to hex in one go, with a space after each
                b"".join(columns[EPC]).hex(" ", -octets).upper().split(),
                [level / 100 for level in columns[RSSI]] if fine else columns[RSSI],
                columns[CHANNEL],
                columns[PHASE],
                columns[COUNT],
                strict=False,  # carried columns repeat without end
            )
        )
        self._last = rows[-1]
        return rows

    def _cut(self, body: bytes, utc: int, uptime: int) -> list[Row]:
        """Rows of a body of mixed shapes: each report on its own."""
        self.uniform = False
        before, rows = self._last, []
        try:
            for report in _reports(body):
                shape = self._known(report) or self._learn(report)
                if shape is not None:
                    rows += self._take(shape, report, uptime if shape.uptime else utc)
                else:
                    self.walked += 1
                    rows.append(self._walk(report, utc, uptime))
        except CodecError:
            self._last = before
            raise
        return rows

    def _walk(self, report: bytes, utc: int, uptime: int) -> Row:
        """The row of one report the slow way."""
        (parameter,) = decode_parameters(report)
        row, from_uptime = read_row(parameter, self._last if self.carry else NOTHING, utc, uptime)
        if from_uptime is not None:
            self.uptime = from_uptime
        self._last = row[:7]
        return row


def read_row(report: Parameter, carried: Row, utc: int = 0, uptime: int = 0) -> tuple[Row, bool | None]:
    """The row of a decoded TagReportData, and whether its time is uptime (None: no time in it).

    Raises:
        CodecError: it has no EPC.
    """
    row = list(carried)
    best, clock, bits = 0, None, -1
    fine = None
    for parameter in report.parameters:
        definition = PARAMETERS.get(parameter.name)
        number = definition.number if definition is not None else 0
        if number in _TIMES:
            preference, from_uptime = _TIMES[number]
            if preference >= best:
                best, clock = preference, from_uptime
                row[AT] = parameter.fields["Microseconds"] + (uptime if from_uptime else utc)
        elif number in _COLUMN:
            (row[_COLUMN[number]],) = parameter.fields.values()
        elif number == _EPC_96:
            row[EPC], bits = parameter.fields["EPC"].hex().upper(), 96
        elif number == _EPC_DATA:
            bits, data = parameter.fields["EPC"]
            row[EPC] = data.hex().upper()
        elif number == _CUSTOM and parameter.fields["VendorIdentifier"] == IMPINJ:
            subtype, data = parameter.fields["ParameterSubtype"], parameter.fields["Data"]
            if subtype == _PHASE and len(data) == 2:
                row[PHASE] = int.from_bytes(data, "big")
            elif subtype == _FINE_RSSI and len(data) == 2:
                fine = int.from_bytes(data, "big", signed=True) / 100
    if bits < 0:
        raise CodecError("TagReportData: it has no EPC")
    if fine is not None:
        row[RSSI] = fine
    return (tuple(row) if bits % 8 == 0 else (*row, bits)), clock


def _reports(body: bytes) -> Iterator[bytes]:
    """The TagReportData of a body, each with its header; other parameters are passed over.

    Raises:
        CodecError: as `codec.decode`.
    """
    position, end = 0, len(body)
    while position < end:
        kind = int.from_bytes(body[position : position + 2], "big")
        length = int.from_bytes(body[position + 2 : position + 4], "big")
        if kind & 0x8000:
            definition = PARAMETER_NUMBERS.get(kind >> 8 & 0x7F)
            length = definition.size + 1 if definition is not None else 0
        if kind & 0x83FF == _TAG and 4 <= length <= end - position:
            yield body[position : position + length]
        else:
            # Surveys and customs are not read, but must be whole. A length that cannot be is refused here too.
            decode_parameters(body[position : position + length] if 0 < length <= end - position else body[position:])
        position += length


class _Learner:
    """Notes, byte by byte, which bytes of a report are fixed (types, lengths) and which are values."""

    def __init__(self) -> None:
        self.format: list[str] = []
        self.mask = bytearray()
        self.expected = bytearray()
        self.count = 0
        self.epc = 0  # octets

    def fixed(self, data: bytes) -> None:
        """Bytes that must be the same in every report of this layout."""
        self.format.append(f"{len(data)}x")
        self.mask += b"\xff" * len(data)
        self.expected += data

    def instant(self, value: bytes) -> int:
        """A time in µs, a value whose upper half must be the same: what is far from its neighbours is not uniform."""
        self.format.append("Q")
        self.mask += b"\xff" * 4 + bytes(4)
        self.expected += value[:4] + bytes(4)
        self.count += 1
        return self.count - 1

    def free(self, size: int, code: str = "") -> int:
        """Bytes that vary; with a struct code they are a value, whose index is returned."""
        self.format.append(code or f"{size}x")
        self.mask += bytes(size)
        self.expected += bytes(size)
        self.count += bool(code)
        return self.count - 1


def _learn(report: bytes) -> _Layout | None:
    """The layout of one TagReportData (header included), or None when it must go the slow way.

    Only what is harmless to skip is accepted: TV parameters, one EPC in whole octets, and custom parameters.
    """
    learner = _Learner()
    learner.fixed(report[:4])
    found: dict[int, int] = {}
    best, from_uptime, fine = 0, False, False
    position, end = 4, len(report)
    while position < end:
        if report[position] & 0x80:
            kind = report[position] & 0x7F
            definition = PARAMETER_NUMBERS.get(kind)
            if definition is None or position + 1 + definition.size > end:
                return None
            learner.fixed(report[position : position + 1])
            position += 1 + definition.size
            if kind in _TIMES and _TIMES[kind][0] >= best:
                best, from_uptime = _TIMES[kind]
                found[AT] = learner.instant(report[position - 8 : position])
            elif kind in _COLUMN and not (kind == 6 and fine):
                found[_COLUMN[kind]] = learner.free(definition.size, _CODE[_COLUMN[kind]])
            elif kind == _EPC_96:
                found[EPC], learner.epc = learner.free(12, "12s"), 12
            else:
                learner.free(definition.size)
            continue
        length = int.from_bytes(report[position + 2 : position + 4], "big")
        block = report[position : position + length]
        if len(block) != length or not _learn_tlv(learner, block, found):
            return None
        fine = fine or (found.get(-1) is not None)
        position += length
    if AT not in found or EPC not in found:
        return None
    if fine:
        found[RSSI] = found[-1]
    picks = tuple(found.get(column, learner.count + column) for column in range(7))
    return _Layout(
        "".join(learner.format),
        bytes(learner.mask),
        bytes(learner.expected),
        picks,
        learner.count,
        learner.epc,
        fine,
        from_uptime,
    )


def _learn_tlv(learner: _Learner, block: bytes, found: dict[int, int]) -> bool:
    """Learn one TLV inside a report; False when it is not one of the harmless kinds. `found[-1]` is the fine RSSI."""
    kind = int.from_bytes(block[:2], "big")
    if kind == _EPC_DATA and len(block) >= 6:
        bits = int.from_bytes(block[4:6], "big")
        if bits % 8 or bits // 8 != len(block) - 6 or not bits:
            return False
        learner.fixed(block[:6])
        found[EPC], learner.epc = learner.free(bits // 8, f"{bits // 8}s"), bits // 8
        return True
    if kind == _CUSTOM and len(block) >= 12:
        vendor, subtype = int.from_bytes(block[4:8], "big"), int.from_bytes(block[8:12], "big")
        learner.fixed(block[:12])
        if vendor == IMPINJ and len(block) == 14 and subtype == _PHASE:
            found[PHASE] = learner.free(2, "H")
        elif vendor == IMPINJ and len(block) == 14 and subtype == _FINE_RSSI:
            found[-1] = learner.free(2, "h")
        else:
            learner.free(len(block) - 12)
        return True
    return False
