"""The curve of a passage's group, and how each track agrees with it. Pure, integers only.

Levels are dBm in tenths (-52.5 dBm is -525), times µs, as in `tracks`.
"""

from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from gateway.rules.phases import halts
from gateway.rules.tracks import FLOOR, Layout, Track, median, middle

BIN = 200_000
"""µs of a bin of the group's curve: 30 cm at 1.5 m/s, a quarter of what a row's level takes to rise and fall."""

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
    by_antenna: list[tuple[list[int], list[int]]] = [([], []) for _ in place.rows]
    groups = levels = squares = products = 0
    for at, antenna, level in track.heard:
        bin_ = (at - begin) // BIN
        group = shape[antenna][bin_ if 0 <= bin_ < size else size]
        groups += group
        levels += level
        squares += group * group
        products += group * level
        mine = by_antenna[antenna]
        mine[0].append(level)
        mine[1].append(level - group)
    for own, leaving in by_antenna:
        if len(own) >= ENOUGH:  # each antenna looks at the tag from a side of its own
            usual, leaves = median(own), median(leaving)
            off = [abs(leave - leaves) for leave in leaving]
            found.unlike += sum([each - STRAYS for each in off if each > STRAYS])
            found.moves += sum([abs(level - usual) for level in own]) - sum(off)
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
