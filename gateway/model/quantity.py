"""Quantities are integers of thousandths with a unit beside them, so that stock never drifts by a float."""

import re
from decimal import Decimal

SCALE = 1000
"""Thousandths: the ledger's resolution (1 g for kg, 0.001 for each)."""


LARGEST = 10**12
"""Quantities stay below this: thousandths of it, and sums of thousands of them, fit 64 bits in every database."""

LONGEST = 64
"""Characters of a decimal at most."""

_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?", re.ASCII)


def parse_decimal(text: str) -> Decimal:
    """Read a plain decimal such as `24` or `412.5`, its magnitude below `LARGEST` and not below 1e-12.

    Raises:
        ValueError: not a decimal number, too long, too large or too small.
    """
    if len(text) > LONGEST or not _DECIMAL.fullmatch(text):
        raise ValueError(f"{text[:LONGEST]!r} is not a decimal number")
    number = Decimal(text)
    if number and not Decimal("1e-12") <= abs(number) < LARGEST:
        raise ValueError(f"{text!r} is out of range: below 10^12")
    return number


def parse_quantity(text: str) -> int:
    """Read a decimal such as `24` or `412.5` into thousandths.

    Raises:
        ValueError: not a decimal number, 10^12 or more, or finer than a thousandth.
    """
    numerator, denominator = parse_decimal(text).as_integer_ratio()
    scaled, rest = divmod(numerator * SCALE, denominator)
    if rest:
        raise ValueError(f"{text!r} is finer than a thousandth")
    return scaled


def format_quantity(scaled: int) -> str:
    """Render thousandths without trailing zeros: 24000 → `24`, 412500 → `412.5`."""
    sign = "-" if scaled < 0 else ""
    whole, part = divmod(abs(scaled), SCALE)
    return f"{sign}{whole}" + (f".{part:03d}".rstrip("0") if part else "")
