"""Quantities: thousandths, exact, and nothing that a database could not hold."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.quantity import LARGEST, SCALE, format_quantity, parse_decimal, parse_quantity


@pytest.mark.parametrize(
    ("text", "scaled", "shown"),
    [
        ("24", 24_000, "24"),
        ("412.5", 412_500, "412.5"),
        ("0.001", 1, "0.001"),
        ("-3.140", -3_140, "-3.14"),
        ("+7", 7_000, "7"),
        ("1e3", 1_000_000, "1000"),
        ("24.0000000", 24_000, "24"),
        ("-0", 0, "0"),
        ("0e99", 0, "0"),
        ("999999999999.999", LARGEST * SCALE - 1, "999999999999.999"),
    ],
)
def test_decimals_are_read_exactly(text: str, scaled: int, shown: str) -> None:
    """Text becomes thousandths and is shown without trailing zeros."""
    assert parse_quantity(text) == scaled
    assert format_quantity(scaled) == shown


@pytest.mark.parametrize(
    "text",
    [
        *("", " 24", "24 ", "2_4", "٢٤", "24,5", "0x10", "NaN", "Infinity", "sNaN", ".5", "5.", "--5", "1e", "1e9999"),
        *("0.0001", "1.0000000000000000000000000000000001", "1e-4", "1e12", "-1e30", "1e999", "1" * 65),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    """What is no plain decimal, finer than a thousandth or beyond every database is a ValueError, at once."""
    with pytest.raises(ValueError, match=r"decimal|thousandth|range"):
        parse_quantity(text)


@given(st.integers(-LARGEST * SCALE + 1, LARGEST * SCALE - 1))
def test_a_quantity_round_trips(scaled: int) -> None:
    """What is formatted reads back the same."""
    assert parse_quantity(format_quantity(scaled)) == scaled


@given(st.text(st.sampled_from("0123456789.eE+-_ ,"), max_size=24) | st.text(max_size=8))
def test_reading_agrees_with_decimal_or_refuses(text: str) -> None:
    """Never another error than ValueError, and never another number than `Decimal` reads."""
    try:
        scaled = parse_quantity(text)
    except ValueError:
        return
    assert Decimal(scaled) / SCALE == Decimal(text) == parse_decimal(text)
