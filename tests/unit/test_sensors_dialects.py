"""The A&D dialect: its frames, its overloads, and what line noise does to it."""

import pytest

from gateway.sensors.dialects import DIALECTS, PENDING, AndIndicator, Display


def read(*pieces: bytes) -> tuple[list[Display], AndIndicator]:
    """The displays in a stream cut like this, and the parser that read it."""
    dialect = AndIndicator()
    for piece in pieces:
        dialect.receive_data(piece)
    return dialect.frames(), dialect


@pytest.mark.parametrize(
    ("frame", "display"),
    [
        (b"ST,GS,+0123.45kg\r\n", Display("123.45", "kg", True)),
        (b"US,GS,+0123.45kg\r\n", Display("123.45", "kg", False)),
        (b"ST,NT,-0000.50kg\r\n", Display("-0.50", "kg", True, "net")),
        (b"ST,TR,+0005.00lb\r\n", Display("5.00", "lb", True, "tare")),
        (b"ST,PT,+0005.00 t\r\n", Display("5.00", "t", True, "tare")),
        (b"ST,GS,-0000.00kg\r\n", Display("0.00", "kg", True)),
        (b"ST,GS,+0612.40KG\r\n", Display("612.40", "kg", True)),
        (b"ST,GS,+001234.kg\r\n", Display("1234", "kg", True)),
        (b"ST,GS,+0012345 g\r\n", Display("12345", "g", True)),
        (b"ST,GS,+  12.50kg\r\n", Display("12.50", "kg", True)),
        (b"QT,GS,+0000024PC\r\n", Display("24", "PC", True)),
        (b"OL,GS,+     . kg\r\n", Display(None, "kg", False, "gross", "over")),
        (b"OL,GS,+     .  kg\r\n", Display(None, "kg", False, "gross", "over")),
        (b"OL,GS,-     . kg\r\n", Display(None, "kg", False, "gross", "under")),
        (b"OL,GS,+9999999kg\r\n", Display(None, "kg", False, "gross", "over")),
        (b"OL,NT,+9999.99kg\r\n", Display(None, "kg", False, "net", "over")),
        (b"LO,GS,+     . kg\r\n", Display(None, "kg", False, "gross", "error")),
        (b"ST,GS,+     . kg\r\n", Display(None, "kg", False, "gross", "not_displayed")),
        (b"ST,+0012.345 kg\r\n", Display("12.345", "kg", True)),
        (b"US,-0012.345  g\r\n", Display("-12.345", "g", False)),
        (b"QT,+00000024 PC\r\n", Display("24", "PC", True)),
        (b"OL,+9999999E+19\r\n", Display(None, "", False, "gross", "over")),
        (b"OL,-9999999E+19\r\n", Display(None, "", False, "gross", "under")),
    ],
    ids=lambda item: item.decode().strip() if isinstance(item, bytes) else "",
)
def test_sensors_dialects_and_frames(frame: bytes, display: Display) -> None:
    """Each documented frame reads as the head meant it: digits as shown, no number when there is none."""
    displays, dialect = read(frame)
    assert displays == [display]
    assert dialect.rejected == 0


@pytest.mark.parametrize(
    "line",
    [
        b"ST,GS,+01 3.45kg\r\n",
        b"ST,GS,+01.3.45kg\r\n",
        b"ST,GS, 0123.45kg\r\n",
        b"ST,GS,+0123.45  \r\n",
        b"ST,GS,+012345kg\r\n",
        b"XX,GS,+0123.45kg\r\n",
        b"ST,XX,+0123.45kg\r\n",
        b"ST;GS;+0123.45kg\r\n",
        b"\xd3T,GS,+0123.45kg\r\n",
        b"?E\r\n",
        b"A" * 100_000 + b"\r\n",
    ],
)
def test_sensors_dialects_what_is_no_frame_is_counted(line: bytes) -> None:
    """A line that is no frame gives no weight, is counted once, and the next frame is read."""
    displays, dialect = read(line, b"ST,GS,+0123.45kg\r\n")
    assert displays == [Display("123.45", "kg", True)]
    assert dialect.rejected == 1


def test_sensors_dialects_resynchronises_in_the_middle_of_a_stream() -> None:
    """Joining a stream mid-frame costs the cut frame only; noise before a whole frame does not cost the frame."""
    displays, dialect = read(b"123.45kg\r\nST,GS,+0001.00kg\r\n\x00\xff#ST,GS,+0002.00kg\r\n")
    assert [display.value for display in displays] == ["1.00", "2.00"]
    assert dialect.rejected == 2


@pytest.mark.parametrize("end", [b"\r\n", b"\r", b"\n", b"\r\r\n"])
def test_sensors_dialects_line_ends(end: bytes) -> None:
    """The terminator is a setting of the head: CR, LF or both are understood."""
    displays, dialect = read((b"ST,GS,+0123.45kg" + end) * 3)
    assert len(displays) == 3
    assert dialect.rejected == 0


def test_sensors_dialects_unfinished_line_is_bounded() -> None:
    """A stream that never ends a line keeps a few bytes, not megabytes; the frame at its end is still a frame."""
    dialect = AndIndicator()
    for _ in range(1000):
        dialect.receive_data(b"\x00" * 4096)
    assert len(dialect._line) <= 64
    dialect.receive_data(b"ST,GS,+0123.45kg\r\n")
    assert [display.value for display in dialect.frames()] == ["123.45"]
    assert dialect.rejected == 1


def test_sensors_dialects_displays_nobody_asks_for_are_bounded() -> None:
    """The oldest display goes when nobody calls frames(), and is counted."""
    dialect = AndIndicator()
    dialect.receive_data(b"".join(b"ST,GS,+%07dkg\r\n" % n for n in range(PENDING + 5)))
    displays = dialect.frames()
    assert (len(displays), dialect.dropped) == (PENDING, 5)
    assert displays[-1].value == str(PENDING + 4)
    assert dialect.frames() == []


def test_sensors_dialects_by_name() -> None:
    """A&D has the name a configuration uses."""
    assert DIALECTS["and"] is AndIndicator
