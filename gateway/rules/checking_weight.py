"""The settled weight against what the unit should weigh. Pure."""

from decimal import Decimal

from gateway.model.outcome import Line
from gateway.model.quantity import SCALE
from gateway.rules.checks import Weight
from gateway.rules.subject import LARGEST, Subject, attribute, number

MASS = {
    "kg": Decimal(1),
    "kgm": Decimal(1),
    "g": Decimal("0.001"),
    "grm": Decimal("0.001"),
    "t": Decimal(1000),
    "tne": Decimal(1000),
    "lb": Decimal("0.45359237"),
    "lbr": Decimal("0.45359237"),
    "oz": Decimal("0.028349523125"),
    "onz": Decimal("0.028349523125"),
}
"""Kilograms in a unit of mass: scales' words, and UN/ECE Rec. 20 codes; lower case."""

CENT = Decimal("0.01")
MILLI = Decimal("0.001")


def weight(subject: Subject) -> Weight | None:
    """The weight of a movement with what was expected; None: no settled weight belongs to it."""
    weighed = subject.movement.weight
    measured = number(weighed.value) if weighed is not None else None
    if weighed is None or measured is None:
        return None
    expected, source = _announced(subject, weighed.unit), "announced"
    if expected is None:
        expected, source = _summed(subject, weighed.unit), "unit_weights"
    if expected is None or not MILLI <= expected < LARGEST:
        return Weight(measured=measured, unit=weighed.unit)
    difference = measured - expected
    return Weight(
        measured=measured,
        unit=weighed.unit,
        expected=expected,
        difference=difference,
        off=abs(difference),
        percent=(abs(difference) / expected * 100).quantize(CENT),
        source=source,
    )


def _announced(subject: Subject, unit: str) -> Decimal | None:
    """The announced gross weight in the scale's unit."""
    gross = subject.expected.unit.gross_weight if subject.expected is not None else None
    return _converted(number(gross.value), gross.unit, unit) if gross is not None else None


def _summed(subject: Subject, unit: str) -> Decimal | None:
    """Unit weights of all lines plus the pallet's tare (attributes unit_weight and tare_weight of the lots, kg).

    A line that counts in a unit of mass weighs what it says. None when a line's weight is not known.
    """
    total, tare = Decimal(0), Decimal(0)
    for line, lot in subject.lots:
        own = _own(line, number(attribute(lot, "unit_weight")))
        if own is None:
            return None
        total += own
        tare = max(tare, number(attribute(lot, "tare_weight")) or Decimal(0))
    return _converted(total + tare, "kg", unit) if subject.movement.lines else None


def _own(line: Line, each: Decimal | None) -> Decimal | None:
    """What a line weighs, kg."""
    quantity = Decimal(line.quantity) / SCALE
    if line.unit.lower() in MASS:
        return quantity * MASS[line.unit.lower()]
    return each * quantity if each is not None else None


def _converted(value: Decimal | None, unit: str, wanted: str) -> Decimal | None:
    """A mass in another unit; None where a unit is none of ours and not the same word."""
    if value is None or unit == wanted:
        return value
    one, other = MASS.get(unit.lower()), MASS.get(wanted.lower())
    return None if one is None or other is None else (value * one / other).quantize(MILLI)
