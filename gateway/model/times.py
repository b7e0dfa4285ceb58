"""Instants are integer microseconds since 1970-01-01 UTC; their text form is RFC 3339 UTC with six decimals."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

SECOND = 1_000_000
"""One second in microseconds."""

LATEST = 253_402_300_799_999_999
"""The last instant that has a text form: the end of the year 9999 (RFC 3339 §1)."""


def rfc3339(us: int) -> str:
    """Render an instant (µs since the epoch, UTC) as `2026-11-21T06:42:11.250000Z` (RFC 3339 §5.6)."""
    return (_EPOCH + us * _MICROSECOND).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_rfc3339(text: str) -> int:
    """Read an RFC 3339 instant into µs since the epoch.

    Raises:
        ValueError: not RFC 3339, or without an offset (a naive time has no instant).
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:60]!r} is no instant; write it like 2026-11-21T06:42:11.250000Z") from None
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no UTC offset; write it with Z or +hh:mm")
    return (instant - _EPOCH) // _MICROSECOND
