"""Parting: two loads that one passage holds, told apart by when their tags went through. Pure.

Beams stay broken from one load to the next where trucks drive bumper to bumper, and where there are no eyes a pallet
that waits in the door keeps the passage open until the next one comes. But the tags of one load are heard together,
and those of the next later: a moment that lies between the two is where the passage is parted.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, product

from msgspec import Struct

from gateway.rules.beams import FOREVER, INNER, ON_FOOT, OUTER, ROWS, Edge, Span, Vehicle
from gateway.rules.carriers import carrier
from gateway.rules.kin import neighbours
from gateway.rules.reads import Heard
from gateway.rules.tracks import FLOOR, Layout, Track, median, middle

APART = 1_000_000
"""µs between the last tag of one load and the first of the next: the load's own tags, 1.2 m from end to end, leave no
such pause at 1 m/s; two trucks that follow one another at 2 m/s, the shorter 3 m long, leave 1.5 s."""

TRIMMED = 5
"""A fifth of a tag's reads, by weight, is cut off at either end: a late echo does not bridge the pause."""

LEAST = 2
"""Tags that make a load where no beam was free between two: one alone may be a reflection."""

ASTRIDE = 6
"""At most one tag in so many may be heard on both sides: what stands beside the door is, a load is not."""

SLITS = 10
"""A moment in which a beam was free counts from this part of the time from row to row on: 20 cm. Between a load and the
mast of its truck there are 5 cm."""

TRAVEL = 400_000
"""µs a load takes from one row of beams to the next at the least: 1 m at 2.5 m/s."""

TAIL = 10
"""One tag in so many may fall into the pause between two loads."""

CLEARLY = 7
"""Times what their tags are spread (the median distance from their load's middle, on average of the two) by which the
middles of two loads are apart. The halves of one load would be 4: its tags spread evenly over its length. Where a few
weak ones were heard on after the others it is 2 to 7 as a rule; 51 pairs of loads were 7.9 and more."""

NOISE = 30_000
"""µs of spread at the least: reads of one antenna are that far apart, and one tag alone has none."""

GONE = 1_500_000
"""µs from when one row of beams was free until the other was broken, from which on the load may have turned round in
between: the rows are 1…2 m apart, and a load is 1.2 m long."""

SILENCE = 5
"""Reads that are missing before it counts as gone: by chance that happens once in 150 times."""

FADED = 200
"""Tenths of dB below its loudest read at which a tag is not in the door any more."""

MOST = 10
"""Moments of one row that are looked at, the longest: a chattering eye has hundreds."""

FARTHER = 500_000
"""µs by which what goes through first is nearer to its own beams than to the next vehicle's, at least: that is a metre
behind, and may yet have to come. By this alone all but 100 of 7,000 tags of 88 pairs of pallets are told rightly."""

SECONDS = 300
"""Points (hundredths of log-odds) of each second by which a tag was nearer to the next vehicle; at most SURELY: the
neighbours say the rest."""

SURELY = 600
"""400 : 1."""


class Parted(Struct):
    """Where a passage is two: when (µs) in each row of the door, and the tags that went later."""

    at: tuple[int, int, int]
    later: frozenset[str]


def part(moved: Sequence[Track], origin: int, vehicle: Vehicle | None) -> Parted | None:
    """The first load of what moved, and the rest; None when it is one load.

    Args:
        moved: the tags that moved.
        origin: what their centres are relative to, µs.
        vehicle: what broke the beams meanwhile; None without eyes.
    """
    if vehicle is None:
        parted = _paused(moved, origin)
        return parted if parted is not None and max(parted.at) > origin else None  # else the first was told before
    if (parted := _turned(moved, origin, vehicle)) is not None:
        return parted
    travel = _travel(vehicle)
    for gap in _gaps(vehicle, travel // SLITS):
        if (parted := _at(moved, origin, gap, travel)) is not None:
            return parted
    parted = _paused(moved, origin)
    return parted if parted is not None and _both(vehicle, parted) else None


def _turned(moved: Sequence[Track], origin: int, vehicle: Vehicle) -> Parted | None:
    """Whether the load was gone when the other row of beams was broken: it turned, and then something else came.

    One that halts between the rows is heard there all the while, and as loud as ever when it goes on, within half of
    GONE. As often as it was heard while it was in the first beam, it would have been SILENCE times since.
    """
    first, *others = sorted(vehicle.spans, key=lambda span: span.begin)
    then = min((span.begin for span in others if span.row != first.row), default=FOREVER)
    away = max(span.end for span in vehicle.spans if span.row == first.row)
    if then == FOREVER or then - away < GONE:
        return None
    reads = {track.epc: [at + origin for at, _, level in track.heard if level > track.peak - FADED] for track in moved}
    there = {epc for epc, each in reads.items() if any(abs(at - then) < GONE // 2 for at in each)}
    before = sorted(at for epc, each in reads.items() if epc not in there for at in each if at < then)
    if not before or len(there) * ASTRIDE > len(moved):
        return None
    lasted = max(away, before[-1]) - min(first.begin, before[0])
    if len(before) * (then - before[-1]) < SILENCE * lasted:
        return None
    cut = (away + then) // 2
    return Parted((cut, cut, cut), frozenset())


def _travel(vehicle: Vehicle) -> int:
    """How long it took from row to row, µs: the shorter of its front's and its back's time."""
    rows = [vehicle.at(row) for row in (OUTER, INNER)]
    if not all(rows):
        return TRAVEL
    (outer, inner) = rows
    return max(TRAVEL, min(abs(outer[0][0] - inner[0][0]), abs(outer[-1][1] - inner[-1][1])))


def _gaps(vehicle: Vehicle, least: int) -> list[dict[int, int]]:
    """Where a beam was free for a moment, of `least` µs: when, by row, in every row the vehicle broke.

    First those that are as far apart, from row to row, as its front and its back were.
    """
    rows = [row for row in ROWS.values() if vehicle.saw(row)]
    found = [_moments(vehicle, row, least) for row in rows]
    every = [dict(zip(rows, times, strict=True)) for times in product(*found)]
    if len(rows) < 2:
        return every
    first, last = rows[0], rows[-1]
    (front, back), (front_there, back_there) = (
        (vehicle.at(row)[0][0], vehicle.at(row)[-1][1]) for row in (first, last)
    )
    lags = sorted((front_there - front, back_there - back))

    def strange(gap: dict[int, int]) -> int:
        lag = gap[last] - gap[first]
        return max(lags[0] - lag, lag - lags[1], 0)

    return sorted(every, key=strange)


def _moments(vehicle: Vehicle, row: int, least: int) -> list[int]:
    """When (µs) the beam of a row was free for `least` µs, between what may be two loads.

    Who pulls or pushes a load is in it for less than half of the time for which that is; all before that moment against
    all behind it, or what broke the beam right before against what did so next.
    """
    longest = sorted(_free(vehicle, row), key=lambda gap: gap[0] - gap[1])[:MOST]
    free = sorted((begin, end) for begin, end in longest if end - begin >= least)
    first, last = vehicle.at(row)[0][0], vehicle.at(row)[-1][1]
    ends = [first, *(end for _, end in free)]
    begins = [*(begin for begin, _ in free), last]
    found = []
    for place, (begin, end) in enumerate(free):
        whole, next_to_it = (begin - first, last - end), (begin - ends[place], begins[place + 1] - end)
        if any(ON_FOOT * min(sides) >= max(sides) for sides in (whole, next_to_it)):
            found.append((begin + end) // 2)
    return found


def _free(vehicle: Vehicle, row: int) -> Iterator[tuple[int, int]]:
    """From when to when (µs) the beam of a row was free while the vehicle went through."""
    before: Span | None = None
    for span in vehicle.spans:
        if span.row == row:
            if before is not None:
                yield before.end, span.begin
            yield from span.gaps
            before = span


def _at(moved: Sequence[Track], origin: int, gap: dict[int, int], travel: int) -> Parted | None:
    """Whether one load went through before that gap and another after it; a slit in one load is none.

    Trucks have slits: between load and mast, and between mast and body. One load is 1.2 m long and two are 3 m apart,
    the rows of beams 1…2 m: so between the two there is a pause as long as the time (µs) from row to row at least; it
    is looked for half the way from row to row around, for what is put down is heard on, and its middle lies behind. Or
    it is where the beams were free. And the two are CLEARLY apart, for how far each spreads.
    """
    offs: list[tuple[int, Track]] = []
    for track in moved:
        mine = [
            centre + origin - gap[row] for row, centre in enumerate(track.centres) if centre is not None and row in gap
        ]
        if mine:
            offs.append((sum(mine) // len(mine), track))
    offs.sort(key=lambda one: (one[0], one[1].epc))
    for cut in (*_pause([off for off, _ in offs], travel), 0):
        early, late = ([one for one in offs if (one[0] > cut) == side] for side in (False, True))
        if not _load(early) or not _load(late):
            continue
        between = late[len(late) // TAIL][0] - early[-1 - len(early) // TAIL][0]
        if between >= travel and _clearly(_next_to(early[::-1], travel), _next_to(late, travel)):
            mean = sum(gap.values()) // len(gap)
            outer, middle_, inner = (gap.get(row, mean) for row in ROWS.values())
            return Parted((outer, middle_, inner), frozenset(track.epc for _, track in late))
    return None


def _pause(offs: Sequence[int], travel: int) -> list[int]:
    """The middle of the longest pause around nought, if there is any."""
    found = [
        (after - before, (before + after) // 2)
        for before, after in pairwise(offs)
        if after > -travel // 2 and before < travel // 2
    ]
    return [cut for _, cut in sorted(found)[-1:]]


def _next_to(offs: Sequence[tuple[int, Track]], travel: int) -> Sequence[tuple[int, Track]]:
    """Those that are next to the pause: a third load comes after another one."""
    for place, (one, other) in enumerate(pairwise(offs), 1):
        if abs(other[0] - one[0]) >= travel:
            return offs[:place]
    return offs


def _clearly(early: Sequence[tuple[int, Track]], late: Sequence[tuple[int, Track]]) -> bool:
    """Whether two loads are as far apart, for how far the tags of each are from its middle, as one load never is."""
    middles = [median([off for off, _ in one]) for one in (early, late)]
    spreads = [
        len(one) * median([abs(off - middle) for off, _ in one])
        for one, middle in zip((early, late), middles, strict=True)
    ]
    spread = max(NOISE, sum(spreads) // (len(early) + len(late)))
    return middles[1] - middles[0] >= CLEARLY * spread


def _load(offs: Sequence[tuple[int, Track]]) -> bool:
    """Whether there are goods among these: a truck goes with the load that it carries."""
    return any(not carrier(track.epc) for _, track in offs)


def _paused(moved: Sequence[Track], origin: int) -> Parted | None:
    """The first pause between tags that is long enough for two loads."""
    when = {track.epc: _bulk(track) for track in moved}
    begins, ends = sorted(one[0] for one in when.values()), sorted(one[1] for one in when.values())
    best: tuple[int, int] | None = None
    for end in ends:
        cut = end + APART // 2
        before = bisect_right(ends, end)
        behind = len(begins) - bisect_left(begins, cut + APART // 2)
        if before >= LEAST and behind >= LEAST and (len(when) - before - behind) * ASTRIDE <= len(when):
            best = cut, begins[len(begins) - behind]
            break
    if best is None:
        return None
    cut = (best[0] - APART // 2 + best[1]) // 2
    later = frozenset(epc for epc, (begin, end) in when.items() if begin + end > 2 * cut)
    early = [middle(track.centres[row] for track in moved if track.epc not in later) for row in ROWS.values()]
    late = [middle(track.centres[row] for track in moved if track.epc in later) for row in ROWS.values()]
    outer, between, inner = (
        cut if one is None or other is None else (one + other) // 2 + origin
        for one, other in zip(early, late, strict=True)
    )
    return Parted((outer, between, inner), later)


def _both(vehicle: Vehicle, parted: Parted) -> bool:
    """Whether both loads broke every row of beams the vehicle did; tags alone do not make two vehicles of one."""
    for row in {span.row for span in vehicle.spans}:
        mine = [span for span in vehicle.spans if span.row == row]
        if not min(span.begin for span in mine) < parted.at[row] < max(span.end for span in mine):
            return False
    return True


def _bulk(track: Track) -> tuple[int, int]:
    """From when to when most of a tag was heard, each read weighed by its level above the floor, squared."""
    weights = [(at, (level - FLOOR) ** 2) for at, _, level in track.heard]
    rest = sum(weight for _, weight in weights) // TRIMMED
    return _reach(weights, rest), _reach(reversed(weights), rest)


def _reach(weights: Iterable[tuple[int, int]], rest: int) -> int:
    for at, weight in weights:
        rest -= weight
        if rest < 0:
            return at
    return 0


def behind(recent: Iterable[Heard], begin: int, place: Layout, vehicle: Vehicle, then: Vehicle) -> frozenset[str]:
    """The tags that went with the next vehicle, not with this one: each row heard them while that was in its beam, or
    their serial neighbours.

    Args:
        recent: everything heard so far, in any order.
        begin: from when on (µs) it may be of this vehicle.
        place: where the antennas hang.
        vehicle: the one that is judged.
        then: the one that followed it, and may still be in the door.
    """
    told = {row for row in ROWS.values() if vehicle.at(row) and then.at(row)}
    sums: dict[tuple[str, int], list[int]] = {}
    for at, antenna, epc, rssi, _ in recent:
        row = place.rows[antenna]
        if at >= begin and row in told:
            weight = (max(FLOOR, int(rssi * 10)) - FLOOR) ** 2
            one = sums.setdefault((epc, row), [0, 0])
            one[0] += weight
            one[1] += weight * (at - begin)
    nearer: dict[str, list[int]] = {}
    for (epc, row), (weight, moment) in sums.items():
        if weight:
            at = begin + moment // weight
            nearer.setdefault(epc, []).append(_off(vehicle, row, at) - _off(then, row, at))
    points = {
        epc: max(-SURELY, min(SURELY, SECONDS * (sum(each) // len(each) + FARTHER) // 1_000_000))
        for epc, each in nearer.items()
    }
    say = neighbours(points)
    return frozenset(epc for epc, mine in points.items() if mine + say.get(epc, 0) > 0)


def _off(vehicle: Vehicle, row: int, at: int) -> int:
    return min(max(begin - at, at - end, 0) for begin, end in vehicle.at(row))


def first_of(vehicle: Vehicle, parted: Parted) -> Vehicle:
    """The vehicle's part that went before."""
    spans = [
        Span(span.row, span.begin, min(span.end, parted.at[span.row]))
        for span in vehicle.spans
        if span.begin < parted.at[span.row]
    ]
    return Vehicle(spans)


def broken(edges: Iterable[Edge], rows: Sequence[int], parted: Parted) -> list[Edge]:
    """Edges that break, where a passage is parted, what is broken then: there the next load begins.

    Args:
        edges: of the portal's eyes, in any order.
        rows: the row of each eye, by its index.
        parted: where.
    """
    last: dict[int, tuple[int, bool]] = {}
    for at, eye, blocked in sorted(edges):
        cut = parted.at[rows[eye]]
        if at <= cut:
            last[eye] = cut + 1, blocked
    return [(at, eye, True) for eye, (at, blocked) in last.items() if blocked]
