"""sllurp, the client most LLRP users have: its decoder is the rival of ours. Loaded only when a figure asks for it."""

import importlib.metadata
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.measuring import BenchmarkError

Decode = Callable[[bytes], Any]


def sllurp() -> tuple[str, Decode]:
    """Its name with version, and its decoder of one frame.

    Raises:
        BenchmarkError: it is not installed.
    """
    try:
        from sllurp.llrp import LLRPMessage
    except ImportError as error:
        raise BenchmarkError(f"sllurp cannot be imported ({error}): pip install sllurp==3.0.5") from None
    return f"sllurp {importlib.metadata.version('sllurp')} decode", lambda frame: LLRPMessage(msgbytes=frame).msgdict


def decode_all(decode: Decode, frames: Sequence[bytes]) -> None:
    """Decode every frame, keeping nothing."""
    for frame in frames:
        decode(frame)


def tags(decode: Decode, frame: bytes) -> list[tuple[int, int, str, int, int]]:
    """What it finds in a frame: last seen, antenna, EPC, RSSI, channel."""
    return [
        (
            tag["LastSeenTimestampUTC"],
            tag["AntennaID"],
            tag["EPC"].decode().upper(),
            tag["PeakRSSI"],
            tag["ChannelIndex"],
        )
        for tag in decode(frame)["RO_ACCESS_REPORT"]["TagReportData"]
    ]
