"""Dialects of scale heads: bytes in, displays out; no I/O.

A dialect is fed whatever arrived (`receive_data`) and asked for what it understood (`frames`). It never raises: what
is not a frame is skipped and counted in `rejected`. A number is given only while the head shows one: overload,
underload and blank displays have `value` None and a `condition`.
"""

import re
from collections import deque
from decimal import Decimal
from typing import Protocol

from msgspec import Struct

LONGEST = 32
"""Bytes of an unfinished line that are kept; the longest A&D frame has 16 before its terminator."""
PENDING = 1024
"""Displays kept until `frames` is called; beyond that the oldest goes (`dropped`)."""


class Display(Struct, frozen=True):
    """What a scale head shows: the displayed decimal with its digits as shown, or None and why.

    `stable` is the head's own flag (no motion), None when the dialect has none.
    """

    value: str | None
    unit: str
    stable: bool | None
    mode: str = "gross"  # gross | net | tare
    condition: str = "ok"  # ok | over | under | error | not_displayed


class Dialect(Protocol):
    """An incremental parser of one dialect. `command` asks the head for one display, where it can be asked."""

    command: bytes | None
    rejected: int
    dropped: int

    def receive_data(self, data: bytes) -> None:
        """Take the next bytes of the stream, cut anywhere."""

    def frames(self) -> list[Display]:
        """The displays understood since the last call, oldest first."""


_MODES = {b"GS": "gross", b"NT": "net", b"TR": "tare", b"PT": "tare"}
_UNIT = rb"(?P<unit>[ A-Za-z%%]{%d})"
# Indicator: H1 "," H2 "," sign+7 unit(2). OL data are blanks around a point, or nines; makers differ in their number.
_INDICATOR = re.compile(
    rb"(?P<h1>ST|US|QT),(?P<h2>GS|NT|TR|PT),(?P<sign>[+-])(?P<digits>[0-9 .]{7})" + _UNIT % 2 + rb"\Z"
)
_INDICATOR_OUT = re.compile(rb"(?P<h1>OL|LO),(?P<h2>GS|NT|TR|PT),(?P<sign>[+-])[ .9]{7,8}" + _UNIT % 2 + rb"\Z")
# Balance: H1 "," sign+8 unit(3), without H2; its overload is a number that cannot be.
_BALANCE = re.compile(rb"(?P<h1>ST|US|QT),(?P<sign>[+-])(?P<digits>[0-9 .]{8})" + _UNIT % 3 + rb"\Z")
_BALANCE_OUT = re.compile(rb"(?P<h1>OL),(?P<sign>[+-])9{6,8}E\+19\Z")
_DIGITS = re.compile(rb" *[0-9]+(\.[0-9]*)? *\Z")
_BLANK = re.compile(rb"[ .]*\Z")
_END = re.compile(rb"[\r\n]")


class AndIndicator:
    """A&D indicators (18 bytes: `ST,GS,+0123.45kg` CR LF) and balances (17: `ST,+0012.345 kg` CR LF).

    First header ST stable, US unstable, QT stable count, OL overload, LO out of range (AD-4404); second header GS
    gross, NT net, TR tare, PT preset tare (A&D AD-4329A and GC manuals). Lines may end in CR, LF or both. A frame that
    ends a line is taken even after line noise, and the noise counted: resynchronising costs at most one line.
    """

    command: bytes | None = b"Q\r\n"

    def __init__(self) -> None:
        self.rejected = 0
        self.dropped = 0
        self._line = b""
        self._cut = False  # the unfinished line lost its beginning
        self._pending: deque[Display] = deque(maxlen=PENDING)

    def receive_data(self, data: bytes) -> None:
        """Take the next bytes of the stream, cut anywhere."""
        *lines, rest = _END.split(data)
        for line in lines:
            self._keep(line)
            self._finish()
        self._keep(rest)

    def frames(self) -> list[Display]:
        """The displays understood since the last call, oldest first."""
        displays = list(self._pending)
        self._pending.clear()
        return displays

    def _keep(self, piece: bytes) -> None:
        line = self._line + piece
        self._cut = self._cut or len(line) > LONGEST
        self._line = line[-LONGEST:]

    def _finish(self) -> None:
        line, cut = self._line, self._cut
        self._line, self._cut = b"", False
        if not line:
            return  # between CR and LF
        display, start = _read(line)
        if display is None or start or cut:
            self.rejected += 1
        if display is not None:
            self.dropped += len(self._pending) == PENDING
            self._pending.append(display)


def _read(line: bytes) -> tuple[Display | None, int]:
    """The display in the frame that ends `line`, and where that frame starts."""
    for pattern in (_INDICATOR_OUT, _BALANCE_OUT):
        if found := pattern.search(line):
            return _out(found), found.start()
    for pattern in (_INDICATOR, _BALANCE):
        if found := pattern.search(line):
            return _shown(found), found.start()
    return None, 0


def _out(found: re.Match[bytes]) -> Display:
    groups = found.groupdict()
    side = "under" if groups["sign"] == b"-" else "over"
    condition = "error" if groups["h1"] == b"LO" else side
    return Display(None, _unit(groups.get("unit", b"")), False, _MODES[groups.get("h2", b"GS")], condition)


def _shown(found: re.Match[bytes]) -> Display | None:
    groups = found.groupdict()
    unit, mode = _unit(groups["unit"]), _MODES[groups.get("h2", b"GS")]
    digits, stable = groups["digits"], groups["h1"] != b"US"
    if _BLANK.match(digits):
        return Display(None, unit, False, mode, "not_displayed")
    if not unit or not _DIGITS.match(digits):
        return None  # a number without a unit is not a weight
    value = Decimal((groups["sign"] + digits.strip()).decode("ascii").rstrip("."))
    return Display(format(value if value else abs(value), "f"), unit, stable, mode)


def _unit(shown: bytes) -> str:
    """The unit as shown, without padding; kilograms are `kg` however the head spells them."""
    unit = shown.decode("ascii").strip()
    return "kg" if unit.lower() == "kg" else unit


DIALECTS: dict[str, type[AndIndicator]] = {"and": AndIndicator}
"""Dialects by the name a configuration uses; A&D's two formats are told apart by their shape."""
