"""LLRP frames as a reader sends them, laid out from LLRP 1.0.1 by struct: neither gateway nor simulator code.

The payload of a tag is the usual one: EPC-96, ROSpecID, AntennaID, PeakRSSI, ChannelIndex, FirstSeenTimestampUTC,
LastSeenTimestampUTC, TagSeenCount: 51 bytes.
"""

from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple

_HEADER = Struct(">HII")  # version and type, length, message id
_VERSION = 1 << 10
_RO_ACCESS_REPORT, _READER_EVENT_NOTIFICATION = 61, 63
# TagReportData is TLV 240; the TV parameters inside carry their type with the top bit set.
_TAG = Struct(">HH B12s BI BH Bb BH BQ BQ BH".replace(" ", ""))
_EPC_96, _ROSPEC, _ANTENNA, _RSSI, _CHANNEL, _FIRST, _LAST, _COUNT = (0x80 | kind for kind in (13, 9, 1, 6, 7, 2, 4, 8))
_GREETING = Struct(">HHHHQHHH")  # ReaderEventNotificationData 246 { UTCTimestamp 128, ConnectionAttemptEvent 256 }


class Tag(NamedTuple):
    """One read: µs UTC, antenna port, EPC of 12 octets, dBm, channel index."""

    at: int
    antenna: int
    epc: bytes
    rssi: int
    channel: int


def report(tags: Sequence[Tag], number: int) -> bytes:
    """An RO_ACCESS_REPORT with these tags, each seen once."""
    body = b"".join(
        _TAG.pack(
            240, _TAG.size, _EPC_96, tag.epc, _ROSPEC, 1, _ANTENNA, tag.antenna, _RSSI, tag.rssi,
            _CHANNEL, tag.channel, _FIRST, tag.at - 1000, _LAST, tag.at, _COUNT, 1,
        )
        for tag in tags
    )  # fmt: skip
    return _HEADER.pack(_VERSION | _RO_ACCESS_REPORT, _HEADER.size + len(body), number) + body


def reports(tags: Sequence[Tag], per_message: int) -> list[bytes]:
    """The reads as messages of so many tags."""
    starts = range(0, len(tags), per_message)
    return [report(tags[start : start + per_message], number) for number, start in enumerate(starts, 1)]


def greeting(at: int) -> bytes:
    """The READER_EVENT_NOTIFICATION with which a reader accepts a connection, stamped `at` (µs UTC)."""
    body = _GREETING.pack(246, _GREETING.size, 128, 12, at, 256, 6, 0)
    return _HEADER.pack(_VERSION | _READER_EVENT_NOTIFICATION, _HEADER.size + len(body), 0) + body
