"""Settled weights of a scale at a portal: which are a pallet's, and which pallet's. Pure."""

from decimal import Decimal

from gateway.model.inputs import Weighing
from gateway.model.outcome import Passage

REACH = 10_000_000
"""µs before the opening within which a weighing still belongs to the pallet: it was weighed, then driven through."""

EMPTIED = 10
"""A scale that settles at less than a tenth of what stood on it is empty: dust and a crept zero are no new pallet."""


DUST = 100
"""A scale that shows less than a hundredth of its last load shows dust or a crept zero: 8 kg after a pallet of 800."""


def settled(before: Weighing | None, weighing: Weighing) -> bool:
    """Whether this is a settled weight of something; `before` is the last one."""
    if not weighing.stable or weighing.condition != "ok" or weighing.value is None or weighing.at is None:
        return False
    value = Decimal(weighing.value)
    if before is not None and before.at is not None and weighing.at - before.at <= REACH:
        value -= Decimal(before.value or 0) / EMPTIED
    return value > 0


def stood_already(before: Weighing | None, weighing: Weighing, opened: int) -> bool:
    """Whether the passage that opened at `opened` (µs; 0: none) has this weight; shown again it says no more."""
    if not opened or before is None or before.at is None or before.value is None or weighing.value is None:
        return False
    same = (Decimal(before.value), before.unit) == (Decimal(weighing.value), weighing.unit)
    return same and opened - REACH <= before.at


def opens(how: str, stood: str, load: str, weighing: Weighing) -> bool:
    """Whether a display of a scale opens a passage.

    Args:
        how: `weight`: one that settles and is another than what stood there; `line`: each; else none.
        stood: what stood on it when it last settled.
        load: the last that opened one.
        weighing: the display.
    """
    if how != "weight":
        return how == "line"
    value, before = Decimal(standing(stood, weighing)), Decimal(stood)
    empty = value * EMPTIED <= before or value * DUST <= Decimal(load) or value <= 0
    return not empty and abs(value - before) * EMPTIED > value


def standing(stood: str, weighing: Weighing) -> str:
    """What stands on a scale: its last settled weight, `stood` before."""
    fine = weighing.stable and weighing.condition == "ok" and weighing.value is not None
    return str(weighing.value) if fine else stood


def belongs(weighing: Weighing, passage: Passage, quiet: int) -> bool:
    """Whether a weight belongs to a passage; strays are not weighed."""
    if weighing.at is None or not passage.moved:
        return False
    return passage.opened - REACH <= weighing.at <= passage.closed + quiet
