"""Quantities are integers of thousandths with a unit beside them, so that stock never drifts by a float."""

from decimal import Decimal, InvalidOperation

SCALE = 1000
"""Thousandths: the ledger's resolution (1 g for kg, 0.001 for each)."""


def parse_quantity(text: str) -> int:
    """Read a decimal such as `24` or `412.5` into thousandths.

    Raises:
        ValueError: not a decimal number, not finite, or finer than a thousandth.
    """
    try:
        scaled = Decimal(text) * SCALE
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a decimal number") from None
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        raise ValueError(f"{text!r} is finer than a thousandth or not finite")
    return int(scaled)


def format_quantity(scaled: int) -> str:
    """Render thousandths without trailing zeros: 24000 → `24`, 412500 → `412.5`."""
    sign = "-" if scaled < 0 else ""
    whole, part = divmod(abs(scaled), SCALE)
    return f"{sign}{whole}" + (f".{part:03d}".rstrip("0") if part else "")
