"""Tracks: what was heard of each tag around a passage, as the figures that features are made of. Pure, integers only.

Levels are dBm in tenths (-52.5 dBm is -525), times µs. A read counts to the *core*, while the door was occupied, or to
what was heard *before* or *after* it. Per antenna a track keeps its loudest read and the centre of its reads in time,
each read weighed by its level above the floor, squared: loud is near.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from msgspec import Struct

from gateway.model.settings import Antenna, Portal
from gateway.rules.beams import INNER, MIDDLE, OUTER, ROWS
from gateway.rules.phases import HALT, halts, turns
from gateway.rules.reads import Heard, once

FLOOR = -800
"""No passive tag is heard below about -75 dBm: it runs out of power before. Who did not hear a tag counts so."""

DEAFEST = -740
"""Below this level one read or two are luck: who did not hear a tag may have missed it by as little."""

NEXT_TO = 2_700_000
"""µs around the core: a tag that was heard only there may yet have been on the load, for which it was too early or too
late: two or three metres from the door."""

CEILING = 300
"""No tag is heard louder than a reader transmits."""

LEFT, RIGHT, TOP = 0, 1, 2
SIDES = {"left": LEFT, "right": RIGHT, "top": TOP}

BIN = 200_000
"""µs of a bin of the group's curve: 30 cm at 1.5 m/s, a quarter of what a row's level takes to rise and fall."""

SWINGS = 5
"""Reads of one antenna from which on their range says something."""

CONSTANT = 20
"""Reads in a row, by one antenna each, that are as loud as the one before, after which a reader tells no levels: those
of a tag that stands scatter by 1 dB or so."""

SAMPLES = 48
"""Reads of a track that are compared with the curve; of more, some are taken: it costs time, and all say no more."""

STRETCH, JUMPS = 997, 149
"""Parts of the stretch of reads of which one is taken, and by what the place in it jumps: by squares, in step with
nothing. Of two to four antennas that take turns none has less than a quarter of its share, of up to 4,000 reads."""

BRIDGED = 5
"""Bins: a second, in which four antennas have had two turns."""

STRAYS = 80
"""Tenths of dB by which the reads of one tag lie beside the curve of its group: fading, and its place on the pallet."""

ENOUGH = 4
"""Reads of an antenna from which on it says something that one level for all of them fits, or does not."""

FAINT = 20
"""One read in so many of a group is so faint that its tag was about to run out of power."""

QUIETEST = -720
"""The group counts as this loud where it is not heard at all: the level of a tag about to run out of power."""


class Layout(Struct, frozen=True):
    """Where the antennas of a portal hang: row and side of each, by its index."""

    rows: tuple[int, ...]
    sides: tuple[int, ...]

    @property
    def directed(self) -> bool:
        """Whether there is an outer and an inner row: the least that tells a direction."""
        return OUTER in self.rows and INNER in self.rows

    @property
    def sided(self) -> bool:
        """Whether antennas look from both sides."""
        return LEFT in self.sides and RIGHT in self.sides


def layout(portal: Portal) -> Layout:
    """The layout of a portal, its antennas in the order of `ordered`."""
    there = ordered(portal)
    return Layout(tuple(ROWS[one.row] for one in there), tuple(SIDES[one.side] for one in there))


def ordered(portal: Portal) -> list[Antenna]:
    """The antennas of a portal in the order that reads name them by: however the configuration lists them."""
    return sorted(portal.antennas, key=lambda one: (one.reader, one.port))


class Track(Struct):
    """One tag around one passage. Lists have three places: rows (outer, middle, inner), or sides (left, right, top)."""

    epc: str
    reads: int  # in the core; without one, the rest of "in the core" is what was heard NEXT_TO it
    first: int
    last: int
    peak: int  # loudest in the core
    early: int  # reads before the core
    tail: int  # and after it
    counts: list[int]  # reads in the core, by row
    peaks: list[int]  # in the core, by row
    centres: list[int | None]  # in the core, by row, µs from the opening; None: not heard
    abreast: list[int]  # peaks by side
    passing: list[int | None]  # centres by side
    before: list[int]  # loudest before the core, by row
    after: list[int]  # loudest after the core, by row
    early_on: list[int]  # second loudest before the core, by row: one read alone may be an echo
    late_on: list[int]  # second loudest after the core, by row
    tails: list[int]  # reads after the core, by row
    heard: list[tuple[int, int, int]]  # when, antenna, level: at most SAMPLES of its reads, evenly
    turns: list[tuple[int, int]]  # when, and by how many points (hundredths) phases say that it moved then: `phases`

    @property
    def gap(self) -> int | None:
        """µs by which the inner row's centre follows the outer row's; None when a row did not hear the tag."""
        outer, inner = self.centres[OUTER], self.centres[INNER]
        return None if outer is None or inner is None else inner - outer

    @property
    def along(self) -> int | None:
        """µs by which the right side's centre follows the left side's; None when a side did not hear the tag."""
        left, right = self.passing[LEFT], self.passing[RIGHT]
        return None if left is None or right is None else right - left

    @property
    def balance(self) -> int | None:
        """How much louder the inner row heard it than the outer one."""
        if self.peaks[OUTER] == FLOOR and self.peaks[INNER] == FLOOR:
            return None
        return self.peaks[INNER] - self.peaks[OUTER]

    @property
    def both(self) -> int:
        """Loudest read in the row that heard it less; DEAFEST when it was missed there, for that may be by little."""
        return max(min(self.peaks[OUTER], self.peaks[INNER]), DEAFEST)

    @property
    def outside(self) -> int:
        """Loudest read before or after the core."""
        return max(*self.before, *self.after)

    def going(self, still: frozenset[int], rows: Sequence[int]) -> list[int]:
        """`counts` but for the bins of time in which the group stood (`phases.halts`), estimated from `heard`."""
        if not still:
            return self.counts
        every, rest = [0] * 3, [0] * 3
        for at, antenna, _ in self.heard:
            if self.first <= at <= self.last:
                every[rows[antenna]] += 1
                rest[rows[antenna]] += at // HALT not in still
        return [count * kept // of if of else count for count, kept, of in zip(self.counts, rest, every, strict=True)]

    def swing(self) -> int | None:
        """How far the loudest antenna's loudest read stands above a fifth of its reads; None when they are few.

        What stands is heard at one level, whatever drives by; what comes through is faint, loud and faint again.
        """
        loudest = max(self.heard, key=lambda read: read[2])[1]
        levels = sorted([level for _, antenna, level in self.heard if antenna == loudest])
        return levels[-1] - levels[len(levels) // 5] if len(levels) >= SWINGS else None


def tracks(heard: Iterable[Heard], begin: int, end: int, origin: int, place: Layout) -> dict[str, Track]:
    """Tracks of all tags, by EPC; a read that comes twice counts once.

    Args:
        heard: reads in order of time.
        begin: of the core, µs.
        end: of the core, µs.
        origin: what centres are relative to, µs.
        place: where the antennas hang.
    """
    gathered: defaultdict[str, list[Heard]] = defaultdict(list)
    for read in once(heard):
        gathered[read[2]].append(read)
    strengths = _Strengths()
    return {epc: _track(epc, mine, begin, end, origin, place, strengths) for epc, mine in gathered.items()}


class _Strengths(dict[int | float, tuple[int, int]]):
    """Level of a read by its dBm, and the weight that it has: few are different, and each is worked out once."""

    def __missing__(self, rssi: int | float) -> tuple[int, int]:
        level = max(FLOOR + 1, min(CEILING, int(rssi * 10)))  # what is read at all lies above the floor
        found = self[rssi] = level, (level - FLOOR) ** 2
        return found


def _track(
    epc: str, mine: list[Heard], begin: int, end: int, origin: int, place: Layout, strengths: _Strengths
) -> Track:
    rows, sides = place.rows, place.sides
    size = len(rows)
    moments, weights, peaks = [0] * size, [0] * size, [FLOOR] * size
    early, late, early_on, late_on = [FLOOR] * 3, [FLOOR] * 3, [FLOOR] * 3, [FLOOR] * 3
    counts, tails = [0] * 3, [0] * 3
    before, until = bisect_left(mine, (begin,)), bisect_left(mine, (end + 1,))
    reads = until - before
    if not reads:  # what was heard next to the core only is judged by that
        before, until = bisect_left(mine, (begin - NEXT_TO,)), bisect_left(mine, (end + NEXT_TO + 1,))
    for first, second, outside in ((early, early_on, mine[:before]), (late, late_on, mine[until:])):
        for _, antenna, _, rssi, _ in outside:
            _loud(first, second, rows[antenna], strengths[rssi][0])
    for _, antenna, _, _, _ in mine[until:]:
        tails[rows[antenna]] += 1
    for at, antenna, _, rssi, _ in mine[before:until]:
        level, weight = strengths[rssi]
        weights[antenna] += weight
        counts[rows[antenna]] += 1
        moments[antenna] += weight * (at - origin)
        if level > peaks[antenna]:
            peaks[antenna] = level
    some = mine if len(mine) <= SAMPLES else [mine[place] for place in _some(len(mine))]
    return Track(
        epc=epc,
        reads=reads,
        first=mine[before][0] if until > before else mine[0][0],
        last=mine[until - 1][0] if until > before else mine[-1][0],
        peak=max(peaks),
        early=before,
        tail=len(mine) - until,
        counts=counts,
        peaks=_loudest(peaks, rows),
        centres=_middles(moments, weights, rows),
        abreast=_loudest(peaks, sides),
        passing=_middles(moments, weights, sides),
        before=early,
        after=late,
        early_on=early_on,
        late_on=late_on,
        tails=tails,
        heard=[(at, antenna, strengths[rssi][0]) for at, antenna, _, rssi, _ in some],
        turns=turns(mine[before:until]),
    )


@lru_cache(maxsize=4096)
def _some(count: int) -> tuple[int, ...]:
    """The places of at most SAMPLES of so many reads, one of each stretch, but not always at the same place in it:
    antennas take turns, and every second read would be one antenna's.
    """
    places = (STRETCH * number + number * number * JUMPS % STRETCH for number in range(SAMPLES))
    return tuple(sorted({place * count // (STRETCH * SAMPLES) for place in places}))


def _loud(first: list[int], second: list[int], row: int, level: int) -> None:
    if level > first[row]:
        first[row], second[row] = level, first[row]
    elif level > second[row]:
        second[row] = level


def _loudest(peaks: list[int], groups: tuple[int, ...]) -> list[int]:
    found = [FLOOR] * 3
    for peak, group in zip(peaks, groups, strict=True):
        found[group] = max(found[group], peak)
    return found


def _middles(moments: list[int], weights: list[int], groups: tuple[int, ...]) -> list[int | None]:
    above, below = [0] * 3, [0] * 3
    for moment, weight, group in zip(moments, weights, groups, strict=True):
        above[group] += moment
        below[group] += weight
    return [total // weight if weight else None for total, weight in zip(above, below, strict=True)]


def levelled(found: Iterable[Track]) -> bool:
    """Whether a reader tells how loud its tags are: not every antenna hears each of them at one level all the while."""
    reads = 0
    for track in found:
        levels: dict[int, set[int]] = {}
        for _, antenna, level in track.heard:
            levels.setdefault(antenna, set()).add(level)
        if any(len(each) > 1 for each in levels.values()):
            return True
        reads += len(track.heard) - len(levels)
    return reads < CONSTANT


def median(values: Sequence[int]) -> int:
    """The middle value, the upper one of two."""
    return sorted(values)[len(values) // 2]


def middle(values: Iterable[int | None]) -> int | None:
    """The median of what is there; None when nothing is."""
    there = [value for value in values if value is not None]
    return median(there) if there else None


class Curve(Struct):
    """How the confident tags of a passage went through: how loud they were, row by row, in bins of time.

    `shape` are means per row and bin from `begin` (µs) on, against the highest of the row, both QUIETEST at least;
    behind the last bin stands what counts outside. The rest are the group's medians of what tracks have each.
    """

    begin: int
    tags: int
    shape: list[list[int]]
    centres: list[int | None]
    gap: int | None
    along: int | None
    balance: int | None
    peak: int
    both: int
    """Loudness in the row that heard it less; never below DEAFEST."""
    reads: int
    """In the core."""
    counts: list[int]
    """Reads in the core, by row, of all of them, but for those while they stood."""
    faint: int
    """The level that one in twenty of its reads lies below: what is fainter is hardly heard here."""
    still: frozenset[int] = frozenset()
    """The bins of time in which its phases say that it stood (`phases.halts`)."""


def curve(group: Sequence[Track], begin: int, end: int, place: Layout) -> Curve:
    """The curve of these tracks (at least one) from `begin` to `end`."""
    size = max(1, (end - begin) // BIN + 1)
    sums, counts = [[0] * size for _ in range(3)], [[0] * size for _ in range(3)]
    rows = place.rows
    for track in group:
        for at, antenna, level in track.heard:
            bin_, row = (at - begin) // BIN, rows[antenna]
            if 0 <= bin_ < size:
                sums[row][bin_] += level
                counts[row][bin_] += 1
    levels = [
        _bridged(
            [
                max(total // count, QUIETEST) if count else QUIETEST
                for total, count in zip(sums[row], counts[row], strict=True)
            ]
        )
        for row in range(3)
    ]
    still = halts(track.turns for track in group)
    moving = [track.going(still, rows) for track in group]
    return Curve(
        begin=begin,
        tags=len(group),
        shape=[[level - max(row) for level in (*row, QUIETEST)] for row in levels],
        centres=[middle(track.centres[row] for track in group) for row in range(3)],
        gap=middle(track.gap for track in group),
        along=middle(track.along for track in group),
        balance=middle(track.balance for track in group),
        peak=median([track.peak for track in group]),
        both=median([track.both for track in group]),
        reads=median([track.reads for track in group]),
        counts=[sum(each[row] for each in moving) for row in range(3)],
        faint=_faint(group),
        still=still,
    )


def _faint(group: Sequence[Track]) -> int:
    levels = sorted(level for track in group for _, _, level in track.heard)
    return levels[len(levels) // FAINT]


def _bridged(levels: list[int]) -> list[int]:
    """The curve with gaps of up to BRIDGED bins filled: antennas take turns, and a small group is not always heard."""
    heard = [place for place, level in enumerate(levels) if level > QUIETEST]
    for one, other in pairwise(heard):
        if 1 < other - one <= BRIDGED:
            for place in range(one + 1, other):
                levels[place] = levels[one] + (levels[other] - levels[one]) * (place - one) // (other - one)
    return levels


class Fit(Struct):
    """How a track agrees with the group's curve. Tenths of dB, µs, and hundredths."""

    company: int = FLOOR
    """How far below its top the group was, on average, when this tag was read (0: always at the top)."""
    follows: int = 0
    """By how much its level follows the group's, hundredths: 100 as one of them, 0 as if it were not there."""
    reads: int = 0
    """Reads that this stands on."""
    offset: int | None = None
    """µs from the group's centre, averaged over the rows that heard both."""
    unlike: int = 0
    """By how much its reads left the group's curve, beyond STRAYS, summed over them: 0 as one of the group."""
    moves: int = 0
    """By how much better the group's curve tells its reads than one level per antenna does, summed over them."""


def fit(track: Track, made: Curve, place: Layout) -> Fit:
    """How this track agrees with the curve."""
    found = Fit()
    begin, size = made.begin, len(made.shape[0]) - 1
    shape = [made.shape[row] for row in place.rows]
    by_antenna: list[list[tuple[int, int]]] = [[] for _ in place.rows]
    groups = levels = squares = products = 0
    for at, antenna, level in track.heard:
        bin_ = (at - begin) // BIN
        group = shape[antenna][bin_ if 0 <= bin_ < size else size]
        groups += group
        levels += level
        squares += group * group
        products += group * level
        by_antenna[antenna].append((level, level - group))
    for mine in by_antenna:
        if len(mine) >= ENOUGH:  # each antenna looks at the tag from a side of its own
            usual, leaves = median([level for level, _ in mine]), median([leave for _, leave in mine])
            found.unlike += sum(max(0, abs(leave - leaves) - STRAYS) for _, leave in mine)
            found.moves += sum(abs(level - usual) - abs(leave - leaves) for level, leave in mine)
    count = found.reads = len(track.heard)
    found.company = mean_group = groups // count
    mean_level = levels // count
    # Sums over (group − mean)², and over (group − mean) × (level − mean), multiplied out.
    spread = squares - 2 * mean_group * groups + count * mean_group**2
    if spread:
        shared = products - mean_group * levels - mean_level * groups + count * mean_group * mean_level
        found.follows = max(-200, min(200, 100 * shared // spread))
    offsets = [
        abs(mine - other)
        for mine, other in zip(track.centres, made.centres, strict=True)
        if mine is not None and other is not None
    ]
    if offsets:
        found.offset = sum(offsets) // len(offsets)
    return found


__all__ = [
    "MIDDLE",
    "Curve",
    "Fit",
    "Layout",
    "Track",
    "curve",
    "fit",
    "layout",
    "median",
    "ordered",
    "tracks",
]
