"""Features: the figures by which a tag is judged to have moved through the door, or not. Pure, integers only.

Each is oriented so that more speaks for *moved*; `scoring` gives points for it and says what it means. Levels are
tenths of dB (`level`, `both_rows`: above the portal's min_rssi), times ms. NOTHING stands for "cannot be told".
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from gateway.identity import decode
from gateway.rules.background import Known
from gateway.rules.beams import INNER, OUTER, Vehicle
from gateway.rules.tracks import FLOOR, Curve, Fit, Layout, Track

NOTHING = 9_999
"""A feature that cannot be told for this tag."""

SETTLED_READS = 3
"""Reads outside passages after which the level of the background means something."""

JUST = 600_000_000
"""µs after it moved within which a tag is where it was put: it cannot come the same way again, but can go back."""

COMPANIONS = 3
"""Passages after which a tag that moves with ever other goods is a companion: a truck's own tag, somebody's badge."""

KIN = ("both_rows", "company", "order", "wrong_side", "with_group", "balance")
"""Features that are also taken from the tags with the serial numbers next to this one's."""

KIN_REACH = 6
"""Serial numbers further away are no neighbours: a case or two of a run may be unread, not half a layer."""

KIN_COUNT = 3
"""Neighbours on either side that are asked."""

Values = dict[str, int]
"""A tag's features by name."""


class Around(Struct):
    """What a passage is judged against: its way, its vehicle (None: no eyes), its antennas, its group."""

    way: str
    vehicle: Vehicle | None
    place: Layout
    limit: int
    """The portal's min_rssi, tenths."""
    made: Curve
    opened: int
    closed: int
    directed: bool
    """Whether both rows heard anything at all: one that is silent (dead, or none) says nothing of a single tag."""


class Elsewhere(Struct):
    """What the neighbouring doors know of a tag: its loudest read there meanwhile, and when it went through last."""

    level: int | None = None
    moved: int = 0


def features(track: Track, agreed: Fit, known: Known | None, elsewhere: Elsewhere | None, around: Around) -> Values:
    """The features of one tag.

    Args:
        track: what was heard of it.
        agreed: how that agrees with the group.
        known: what is known of it from outside passages.
        elsewhere: what the neighbouring doors know of it.
        around: the passage.
    """
    settled = known is not None and known.reads >= SETTLED_READS
    outside = max(track.outside, known.level if known is not None else FLOOR)
    made, directed = around.made, around.directed
    there = elsewhere.level if elsewhere is not None else None
    return {
        "level": track.peak - around.limit,
        "both_rows": min(track.peaks[OUTER], track.peaks[INNER]) - around.limit if directed else NOTHING,
        "contrast": track.peak - outside,
        "above_background": track.peak - known.level if known is not None and settled else NOTHING,
        "follows": agreed.follows if agreed.reads >= 3 else NOTHING,
        "company": agreed.company,
        "with_group": NOTHING if agreed.offset is None else -(agreed.offset // 1000),
        "order": _off(track.gap, made.gap, 1000),
        "balance": _off(track.balance, made.balance, 1) if directed else NOTHING,
        "background": -min(known.reads, 2000) if known is not None else 0,
        "strayed": -min(known.strayed, 5) if known is not None else 0,
        "came_before": _came(known, elsewhere, around),
        "wrong_side": _wrong_side(track, around),
        "elsewhere": NOTHING if there is None else track.peak - there,
        "with_eyes": _timing(track, around),
        "among_group": track.peak - made.peak,
    }


def _off(mine: int | None, group: int | None, unit: int) -> int:
    """Minus the difference from the group, in `unit`."""
    return NOTHING if mine is None or group is None else -(abs(mine - group) // unit)


def _came(known: Known | None, elsewhere: Elsewhere | None, around: Around) -> int:
    """-1 when it went this way before and did not come back, or went through another door; 1 when it came from here."""
    here = known.moved if known is not None else 0
    there = elsewhere.moved if elsewhere is not None else 0
    last = max(here, there)
    if not last or around.closed - last > JUST or around.way not in ("in", "out"):
        return NOTHING
    if there > here:
        return -1
    assert known is not None
    return -1 if known.way == around.way and known.passed < COMPANIONS else 1


def _wrong_side(track: Track, around: Around) -> int:
    """Peak less what the row beyond heard before, and the row behind heard afterwards: there it could not be."""
    if around.way not in ("in", "out") or not around.directed:
        return NOTHING
    beyond, behind = (INNER, OUTER) if around.way == "in" else (OUTER, INNER)
    return track.peak - max(track.before[beyond], track.after[behind])


def _timing(track: Track, around: Around) -> int:
    """Minus the ms by which its rows heard it before or after something was in the beam of that row."""
    if around.vehicle is None:
        return NOTHING
    worst = None
    for row in (OUTER, INNER):
        centre = track.centres[row]
        spans = [span for span in around.vehicle.spans if span.row == row]
        if centre is None or not spans:
            continue
        at = centre + around.opened
        off = min(max(span.begin - at, at - span.end, 0) for span in spans)
        worst = off if worst is None else max(worst, off)
    return NOTHING if worst is None else -(worst // 1000)


def kin(found: Mapping[str, Values]) -> dict[str, Values]:
    """What the serial neighbours of each tag say: cases that were labelled one after the other stand on one pallet.

    For each feature of KIN the mean over the neighbours below and over those above, and of the two the one that says
    less: the first tag of the next pallet has neighbours that moved on one side only. Tags without neighbours on both
    sides get NOTHING.
    """
    runs: dict[str, list[tuple[int, str]]] = {}
    for epc in found:
        ai = decode(epc).ai
        serial = ai.get("21", "")
        if "01" in ai and serial.isascii() and serial.isdigit():
            runs.setdefault(ai["01"], []).append((int(serial), epc))
    told: dict[str, Values] = {}
    for run in runs.values():
        run.sort()
        for place, (mine, epc) in enumerate(run):
            below = [other for number, other in run[max(0, place - KIN_COUNT) : place] if mine - number <= KIN_REACH]
            above = [other for number, other in run[place + 1 : place + 1 + KIN_COUNT] if number - mine <= KIN_REACH]
            told[epc] = {name: _less(name, below, above, found) for name in KIN}
    nothing = dict.fromkeys(KIN, NOTHING)
    return {epc: told.get(epc, nothing) for epc in found}


def _less(name: str, below: Sequence[str], above: Sequence[str], found: Mapping[str, Values]) -> int:
    means = []
    for side in (below, above):
        values = [value for epc in side if (value := found[epc][name]) != NOTHING]
        if not values:
            return NOTHING
        means.append(sum(values) // len(values))
    return min(means)
