"""What the checks look at: one movement with what is known of its lots, and how odd values are read. Pure.

What central or a person wrote may be anything: a date that is none counts as missing, a number that is none as not
given. No check ever raises on it.
"""

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from msgspec import Struct

from gateway.model.facts import Expected, Facts, LotFact
from gateway.model.outcome import Line, Movement
from gateway.model.quantity import format_quantity
from gateway.model.settings import Location, Settings

MINUTE = 60_000_000
DAY = 1440 * MINUTE

LARGEST = Decimal(10) ** 12
"""Numbers beyond this are typing errors."""


class Subject(Struct, frozen=True):
    """The movement, the ledger's answers, the site's calendar day, and the announcement it belongs to."""

    settings: Settings
    facts: Facts
    movement: Movement
    today: date
    expected: Expected | None

    @property
    def lots(self) -> list[tuple[Line, LotFact | None]]:
        """Every line with what the ledger knows of its lot."""
        known = self.facts.lots
        return [(line, known.get(f"{line.gtin}/{line.lot}")) for line in self.movement.lines]

    def place(self, name: str | None) -> Location | None:
        """A location of the site by its id."""
        return next((place for place in self.settings.locations if place.id == name), None)

    @property
    def where(self) -> Location | None:
        """The location the goods go to, or leave from when they leave the site."""
        return self.place(self.movement.destination or self.movement.origin)


def attribute(lot: LotFact | None, name: str) -> Any:
    """A free attribute of a lot; None where there is none."""
    return (lot.attributes or {}).get(name) if lot is not None else None


def word(lot: LotFact | None, name: str) -> str | None:
    """A free attribute that is a text and not empty."""
    value = attribute(lot, name)
    return value.strip() or None if isinstance(value, str) else None


def number(value: Any) -> Decimal | None:
    """A number, or a text that is one; what is none counts as not given."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    if isinstance(value, str) and len(value) > 40:
        return None
    try:
        found = Decimal(str(value))
    except (InvalidOperation, ValueError):  # ValueError: an integer of more than 4300 digits
        return None
    return found if found.is_finite() and abs(found) < LARGEST else None


def calendar(text: str | None) -> date | None:
    """A calendar day; what is none counts as missing."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def expiry_of(line: Line, lot: LotFact | None) -> date | None:
    """When a lot expires; where line and master data differ, the earlier of both."""
    days = [day for text in (line.expiry, lot.expiry if lot is not None else None) if (day := calendar(text))]
    return min(days, default=None)


def amount(quantity: int) -> Decimal:
    """A quantity of the ledger as a decimal in its unit."""
    return Decimal(format_quantity(quantity))
