"""Instants: microseconds and RFC 3339."""

import pytest

from gateway.model.times import LATEST, SECOND, parse_rfc3339, rfc3339


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (1_795_243_331_250_000, "2026-11-21T06:42:11.250000Z"),
        (951_782_400 * SECOND, "2000-02-29T00:00:00.000000Z"),
        (LATEST, "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_an_instant_has_one_text_form(us: int, text: str) -> None:
    """Six decimals, always UTC, and read back without loss."""
    assert rfc3339(us) == text
    assert parse_rfc3339(text) == us


def test_an_offset_is_applied() -> None:
    """The same instant in any time zone is the same number."""
    same = ("2026-11-21T06:42:11Z", "2026-11-21T07:42:11+01:00", "2026-11-20T20:42:11.000000-10:00")
    assert {parse_rfc3339(text) for text in same} == {1_795_243_331 * SECOND}


@pytest.mark.parametrize("text", ["2026-11-21T06:42:11", "2026-11-21", "yesterday", "", "2026-13-01T00:00:00Z"])
def test_a_time_without_an_instant_is_refused(text: str) -> None:
    """A naive time, a date or no time at all is a ValueError."""
    with pytest.raises(ValueError, match=r"offset|no instant"):
        parse_rfc3339(text)
