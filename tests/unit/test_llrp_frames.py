"""The LLRP framer: every stream whole, byte by byte, and with trailing junk."""

import pytest

from gateway.readers.llrp.frames import LONGEST, Frame, Framer

KEEPALIVE = bytes.fromhex("043e 0000000a 00000063")
REPORT = bytes.fromhex("043d 0000000e 00000007 deadbeef")
KEEPALIVE_FRAME: Frame = (0x043E, 0x63, b"")
REPORT_FRAME: Frame = (0x043D, 7, b"\xde\xad\xbe\xef")


def feed_three_ways(data: bytes) -> list[Frame]:
    """The frames of a stream, fed whole, byte by byte, and with the beginning of another frame behind it."""
    whole = Framer().feed(data)
    slow = Framer()
    assert [frame for byte in data for frame in slow.feed(bytes((byte,)))] == whole
    assert slow.waiting == 0
    trailing = Framer()
    assert trailing.feed(data + REPORT[:13]) == whole
    assert trailing.waiting == 13
    assert trailing.feed(REPORT[13:]) == [REPORT_FRAME]
    return whole


@pytest.mark.parametrize(
    ("data", "frames"),
    [
        (b"", []),
        (KEEPALIVE, [KEEPALIVE_FRAME]),
        (REPORT, [REPORT_FRAME]),
        (KEEPALIVE + REPORT + KEEPALIVE, [KEEPALIVE_FRAME, REPORT_FRAME, KEEPALIVE_FRAME]),
    ],
)
def test_frames_come_out_however_the_bytes_come_in(data: bytes, frames: list[Frame]) -> None:
    """The same frames whole, byte by byte, and with trailing junk."""
    assert feed_three_ways(data) == frames


@pytest.mark.parametrize("length", [0, 9, LONGEST + 1, 0xFFFFFFFF])
def test_a_length_that_cannot_be_ends_the_stream(length: int) -> None:
    """A wrong length sets `error` after the good frames before it; then nothing comes out and nothing is hoarded."""
    bad = b"\x04\x3d" + length.to_bytes(4, "big") + bytes(4)
    framer = Framer()
    assert framer.feed(KEEPALIVE + bad) == [KEEPALIVE_FRAME]
    assert framer.error is not None
    assert f"claims {length} bytes" in str(framer.error)
    assert framer.feed(KEEPALIVE * 100) == []
    assert framer.waiting == 0


def test_the_largest_message_is_allowed() -> None:
    """4 MiB in 64 KiB pieces is one frame, collected without looking again at every piece."""
    data = b"\x04\x3d" + LONGEST.to_bytes(4, "big") + bytes(LONGEST - 6)
    framer = Framer()
    frames = [frame for at in range(0, LONGEST, 65_536) for frame in framer.feed(data[at : at + 65_536])]
    assert framer.error is None
    assert [len(body) for _, _, body in frames] == [LONGEST - 10]
