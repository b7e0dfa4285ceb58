"""Which way a passage went: the photo-eyes' order first, else that of the rows of antennas. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from math import isqrt
from typing import Any

from gateway.rules.beams import INNER, OUTER, Vehicle
from gateway.rules.tracks import FLOOR, Layout, Track, median

DIRECTION_GAP = 50_000
"""µs between the rows' centres below which antennas alone cannot tell the way: a pallet at 2 m/s crosses 10 cm."""

CLEAR_GAP = 400_000
"""µs between the rows' centres that outweigh eyes that say that it turned round: who does so passes the rows there and
back, and their centres fall together."""

CLEAR_SHARE = 4
"""Or the part of the time for which the tags were heard that lies between the centres: nobody passes both rows, turns
and passes them again in so little."""

AGREED = 0.8
"""Share of the tags that must agree on it, too: of a load that stands before the door some tags come near each row."""

ONE_EYE_GAP, LONGEST = 200_000, 10_000_000
"""µs between the middle of what one eye saw and what a row of antennas beyond it heard, below which it says nothing:
the load may be at either end of its truck. And the longest a vehicle that passes an eye takes."""

VOTERS = 3
"""Tags that must agree that all went back where they came from."""

MOSTLY, ONE_SIDED = 2 / 3, 65
"""Or this share of them, where both rows heard the load: in a quarter of its time at least, neither had more than all
but a sixth of its reads, weighed by their level (their difference, % of the sum).
"""

LEAST_QUARTER, MOST_QUARTER = 3, 5
"""Reads in the first and last quarter of a tag's that tell which row they lean to, at least and at most: a load that
stood behind the door for ten seconds before it came through was there for a part of the last quarter, too."""

FEW_SHARE = 8
"""And the part for fewer tags than VOTERS, whatever the time is: of one that stood behind the door for ten seconds a
second is no way."""

BY_EYES, BY_ONE = 0.99, 0.9
"""Confidence in two rows of eyes: they see the goods, not their radio; and in one of them that saw nothing."""

FETCHED = 1_000_000
"""µs for which a beam was free before the vehicle came back through it, at the least, if it left its load or took one
up meanwhile: nobody does that in less."""

HALVED = 5
"""One part in so many of a tag's reads, weighed by their level, lies on the other one of the two ways, for half of the
tags at least: what is driven in and out is heard on both."""

Direction = tuple[str, float, dict[str, Any]]
"""in | out | none | unknown, the confidence, and what told it."""


def direction(
    vehicle: Vehicle | None, rows: Sequence[int], group: Sequence[Track], place: Layout, flow: str = ""
) -> Direction:
    """The direction of a passage.

    Args:
        vehicle: what broke the beams, if eyes bound the passage.
        rows: of the portal's eyes.
        group: the tags that moved.
        place: where the antennas hang.
        flow: the one way that all goes there.
    """
    if flow:
        return flow, BY_EYES, {"by": "flow"}
    seen = vehicle.way(rows) if vehicle is not None else "unknown"
    if seen in ("in", "out"):
        return seen, BY_EYES, {"by": "eyes"}
    told = by_antennas(group, place)
    if told[0] == "unknown" and vehicle is not None and len({span.row for span in vehicle.spans}) == 1:
        told = by_one_eye(vehicle, group) or told
    if vehicle is not None and seen == "none" and not _through(told, group, place.rows):
        if not place.directed and (fetched := _fetched(vehicle, group)) is not None:
            return fetched
        twice = vehicle.saw(OUTER) and vehicle.saw(INNER)
        if twice or group:
            return "none", BY_EYES if twice else BY_ONE, {"by": "eyes"}
    return told


def _fetched(vehicle: Vehicle, group: Sequence[Track]) -> Direction | None:
    """A truck that came back through both beams left a load beyond them, or took one up there: it was heard one way."""
    row = vehicle.spans[0].row
    spans = [span for span in vehicle.spans if span.row == row]
    if len({span.row for span in vehicle.spans}) < 2 or len(spans) < 2:
        return None
    free, begin, end = max((then.begin - span.end, span.end, then.begin) for span, then in pairwise(spans))
    if free < FETCHED:
        return None
    shares = [_share(track, (begin + end) // 2) for track in group]
    if len(shares) < 2:
        return None
    middle = median(shares)
    taken = middle > 50
    agreed = sum((share > 50) == taken for share in shares) / len(shares)
    if HALVED * min(middle, 100 - middle) > 100 or agreed < AGREED:
        return None
    inward = (row == INNER) == taken  # what was taken up comes to where the truck came from
    return "in" if inward else "out", round(BY_ONE * agreed, 2), {"by": "one_way"}


def _share(track: Track, cut: int) -> int:
    """How much of a tag, %, was heard after the cut (µs), its reads weighed by their level above the floor, squared."""
    weights = [(at > cut, (level - FLOOR) ** 2) for at, _, level in track.heard]
    return 100 * sum(weight for late, weight in weights if late) // max(1, sum(weight for _, weight in weights))


def by_one_eye(vehicle: Vehicle, group: Sequence[Track]) -> Direction | None:
    """One row of eyes is a clock: rows of antennas beyond it hear the load later than it broke the beam; or earlier."""
    row = vehicle.spans[0].row
    at = (vehicle.opened + min(vehicle.cleared, vehicle.opened + LONGEST)) // 2 - vehicle.opened
    gaps = [
        (centre - at) * (1 if other > row else -1)
        for track in group
        for other, centre in enumerate(track.centres)
        if centre is not None and other != row
    ]
    if not gaps or abs(middle := median(gaps)) < ONE_EYE_GAP:
        return None
    agreeing = sum(1 for gap in gaps if (gap > 0) == (middle > 0)) / len(gaps)
    because = {"by": "eye_and_antennas", "gap_ms": abs(middle) // 1000, "voters": len(gaps)}
    return "in" if middle > 0 else "out", round(0.9 * agreeing, 2), because


def _through(told: Direction, group: Sequence[Track], rows: Sequence[int]) -> bool:
    """Whether the antennas are sure enough of a way to outweigh eyes that say that the vehicle turned round.

    One eye may have seen nothing. And a truck that fetches a load from right behind the door, or puts it down there,
    leaves by the row it came by: it turned round, and its load went through.
    """
    if told[0] not in ("in", "out") or told[1] < AGREED:
        return False
    back, voters = _went_back(group, rows)
    if 2 * back > voters:
        return False
    gap, lasted = abs(int(told[2]["gap_ms"])) * 1000, median([track.last - track.first for track in group])
    if len(group) < VOTERS:
        return gap * FEW_SHARE >= lasted
    return gap >= CLEAR_GAP or gap * CLEAR_SHARE >= lasted


def by_antennas(group: Sequence[Track], place: Layout) -> Direction:
    """The rows' centres in time, voted by the tags that both rows heard."""
    gaps = [gap for track in group if (gap := track.gap) is not None]
    if not gaps:
        return "unknown", 0.0, {"by": "nothing"}
    middle = median(gaps)
    because: dict[str, Any] = {"by": "antennas", "gap_ms": middle // 1000, "voters": len(gaps)}
    if abs(middle) < DIRECTION_GAP:
        return "unknown", 0.0, because
    if _back(group, place.rows):
        return "none", 0.8, because
    agreeing = sum(1 for gap in gaps if (gap > 0) == (middle > 0))
    return "in" if middle > 0 else "out", round(agreeing / len(gaps), 2), because


def through(group: Sequence[Track], way: str, *, seen: bool) -> int:
    """How many more of it passed the rows the `way` that it is said to have gone than the other way.

    In hundredths of what as many differ by that stand about (the square root of their number): of those, as many seem
    to go one way as the other. Where something was `seen` to pass, and the way does not come from these tags, those of
    them that one row heard only are held against those that the other one did (Mann and Whitney's U, and as many of
    them as were heard by the row that heard fewer); else all tags count that say nothing, too. The group is one tag at
    least.
    """
    more, voters = 100 * _more(group, way), len(group)
    if seen:
        apart, pairs = _apart(group, way)
        more, voters = more + apart, max(1, sum(track.gap is not None for track in group) + pairs)
    return isqrt(more**2 // voters) * (1 if more > 0 else -1)


def _apart(group: Sequence[Track], way: str) -> tuple[int, int]:
    """Of the tags that one row heard only: how many more (hundredths) came the `way`, of how many."""
    outer, inner = (
        sorted(at for track in group if track.gap is None and (at := track.centres[row]) is not None)
        for row in (OUTER, INNER)
    )
    pairs = min(len(outer), len(inner))
    if not pairs or way not in ("in", "out"):
        return 0, 0
    later = sum(
        len(inner) - bisect_right(inner, at + DIRECTION_GAP) - bisect_left(inner, at - DIRECTION_GAP) for at in outer
    )
    spread = isqrt(10_000 * len(outer) * len(inner) * (len(outer) + len(inner) + 1) // 3)
    more = 100 * later * isqrt(10_000 * pairs) // spread
    return more if way == "in" else -more, pairs


def passed(group: Sequence[Track], way: str) -> bool:
    """Whether so many more of it passed the rows this way than the other that it is a third of it: two of three."""
    return 3 * _more(group, way) >= len(group)


def _more(group: Sequence[Track], way: str) -> int:
    """How many more passed the rows this way than the other; where no way is said, one way than the other."""
    gaps = [gap for track in group if (gap := track.gap) is not None]
    inward, outward = (sum(1 for gap in gaps if sign * gap > DIRECTION_GAP) for sign in (1, -1))
    more = inward - outward
    return {"in": more, "out": -more}.get(way, abs(more))


def _back(group: Sequence[Track], rows: Sequence[int]) -> bool:
    """Whether the tags went back where they came from: the same row heard their first and their last reads louder.

    A few may agree on that by chance, and of a slow load before wide antennas some more; AGREED of them do not, nor
    MOSTLY where both rows heard it: what one of them hears alone, it hears at first and at last.
    """
    back, voters = _went_back(group, rows)
    if 2 * back - voters < VOTERS:
        return False
    if back >= AGREED * voters:
        return True
    return back >= MOSTLY * voters and any(abs(lean) < ONE_SIDED for lean in _leans(group, rows))


def _leans(group: Sequence[Track], rows: Sequence[int]) -> list[int]:
    """How much more the inner row heard of the whole group than the outer one, in each quarter of its time in which
    any of its reads (SAMPLES of each tag) lies: %.
    """
    begin, end = min(track.first for track in group), max(track.last for track in group)
    heard: list[list[int]] = [[0, 0, 0] for _ in range(4)]
    for track in group:
        for at, antenna, level in track.heard:
            if begin <= at <= end:
                heard[min(3, 4 * (at - begin) // max(1, end - begin))][rows[antenna]] += (level - FLOOR) ** 2
    return [100 * (each[INNER] - each[OUTER]) // sum(each) for each in heard if any(each)]


def _went_back(group: Sequence[Track], rows: Sequence[int]) -> tuple[int, int]:
    """How many tags the same row heard louder at first and at last, of how many that were read often enough to tell."""
    back = voters = 0
    for track in group:
        heard = track.heard
        some = min(len(heard) // 4, MOST_QUARTER)
        if some < LEAST_QUARTER:
            continue
        begin, end = _lean(heard[:some], rows), _lean(heard[-some:], rows)
        voters += 1
        back += (begin > 0) == (end > 0)
    return back, voters


def _lean(heard: Sequence[tuple[int, int, int]], rows: Sequence[int]) -> int:
    """By how much more the inner row heard than the outer one: levels above the floor, summed."""
    sign = {OUTER: -1, INNER: 1}
    return sum(sign.get(rows[antenna], 0) * (level - FLOOR) for _, antenna, level in heard)
