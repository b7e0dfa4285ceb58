"""What went through just before: it is heard on, and is no load of what passes it now. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence

from gateway.model.times import SECOND
from gateway.rules.background import Known
from gateway.rules.carriers import carrier
from gateway.rules.features import AROUND, PUT_DOWN


def just_before(
    moved: Sequence[str], way: str, known: Mapping[str, Known], opened: int, *, seen: bool
) -> dict[str, list[str]]:
    """What went through just before and does not go now, by its name in the evidence: `again`, `put_down`.

    Beside a load of which the most did not go before it goes with that: it was counted too early. But what no eye saw
    going is not believed a second time.

    Args:
        moved: the tags that seem to go, by their points.
        way: which way they seem to.
        known: the background of the portal.
        opened: when the passage began, µs.
        seen: whether an eye saw a vehicle.
    """
    again = [epc for epc in moved if went_again(known.get(epc), way, opened)]
    if seen and 2 * len(again) < len(moved):
        again = []
    back = _put_down(moved, way, known, opened)
    if 2 * len(back) < len(moved):
        back = []
    return {name: epcs for name, epcs in (("again", again), ("put_down", back)) if epcs}


def went_again(known: Known | None, way: str, opened: int) -> bool:
    """Whether a tag has just gone this way: it is the same load, that is still heard behind the door."""
    return known is not None and known.way == way and opened - known.moved < AROUND


def _put_down(moved: Sequence[str], way: str, known: Mapping[str, Known], opened: int) -> list[str]:
    """The few of a load that seem to go back where it came from within PUT_DOWN, while most of it does not.

    A truck that has put a pallet down goes back past it, and lights some of it up; nobody brings a pallet in and takes
    two of its cases out again in the same minute. A load that goes back as a whole does.
    """
    other = {"in": "out", "out": "in"}.get(way)
    came = {
        epc: load.moved
        for epc in moved
        if (load := known.get(epc)) is not None
        and load.way == other
        and opened - load.moved < PUT_DOWN * SECOND
        and not carrier(epc)
    }
    if not came:
        return []
    loads = Counter(one.moved for epc, one in known.items() if one.way == other and not carrier(epc))
    back = Counter(came.values())
    return [epc for epc, at in came.items() if 2 * back[at] < loads[at]]
