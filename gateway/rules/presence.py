"""Which lots stood in a location, and for how long. Pure."""

from gateway.model.facts import Facts
from gateway.model.outcome import LotMinutes


def lots_there(facts: Facts, location: str, start: int, end: int) -> tuple[LotMinutes, ...]:
    """The lots that stood in a location during a span (µs), with their minutes in it and what is there now."""
    minutes: dict[tuple[str, str], tuple[int, int, str]] = {}
    for stay in facts.stays.get(f"{location}/{start}/{end}", ()):
        span = max(0, min(end, stay.left if stay.left is not None else end) - max(start, stay.entered))
        before = minutes.get((stay.gtin, stay.lot), (0, 0, stay.unit))
        present = stay.quantity if stay.left is None else 0
        minutes[stay.gtin, stay.lot] = (before[0] + span, before[1] + present, stay.unit)
    return tuple(
        LotMinutes(gtin, lot, round(span / 60_000_000, 2), quantity, unit)
        for (gtin, lot), (span, quantity, unit) in sorted(minutes.items())
    )
