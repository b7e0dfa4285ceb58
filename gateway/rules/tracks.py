"""Tracks: what was heard of each tag around a passage, as the figures that features are made of. Pure, integers only.

Levels are dBm in tenths (-52.5 dBm is -525), times µs. A read counts to the *core*, while the door was occupied, or to
what was heard *before* or *after* it. Per antenna a track keeps its loudest read and the centre of its reads in time,
each read weighed by its level above the floor, squared: loud is near.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import itemgetter

from msgspec import Struct

from gateway.model.settings import Antenna, Portal
from gateway.rules.beams import INNER, OUTER, ROWS
from gateway.rules.phases import HALT, turns
from gateway.rules.reads import Heard

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
    swing: int | None  # how far the loudest antenna's loudest read stands above a fifth of its reads; None: few
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
    before: Heard | None = None
    for read in heard:
        if read != before:  # a reader that reconnects sends some of them again
            gathered[read[2]].append(read)
            before = read
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
    numbers, counts, tails = [0] * size, [0] * 3, [0] * 3
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
        numbers[antenna] += 1
        weights[antenna] += weight
        moments[antenna] += weight * (at - origin)
        if level > peaks[antenna]:
            peaks[antenna] = level
    for number, row in zip(numbers, rows, strict=True):
        counts[row] += number
    some = mine if len(mine) <= SAMPLES else [mine[place] for place in _some(len(mine))]
    heard = [(at, antenna, strengths[rssi][0]) for at, antenna, _, rssi, _ in some]
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
        heard=heard,
        swing=_swing(heard),
        turns=turns(mine[before:until]),
    )


@lru_cache(maxsize=4096)
def _some(count: int) -> tuple[int, ...]:
    """The places of at most SAMPLES of so many reads, one of each stretch, but not always at the same place in it:
    antennas take turns, and every second read would be one antenna's.
    """
    places = (STRETCH * number + number * number * JUMPS % STRETCH for number in range(SAMPLES))
    return tuple(sorted({place * count // (STRETCH * SAMPLES) for place in places}))


def _swing(heard: Sequence[tuple[int, int, int]]) -> int | None:
    """`Track.swing`: what stands is heard at one level, whatever drives by; what comes through is faint, loud and
    faint again.
    """
    loudest = max(heard, key=_LEVEL)[1]
    levels = sorted([level for _, antenna, level in heard if antenna == loudest])
    return levels[-1] - levels[len(levels) // 5] if len(levels) >= SWINGS else None


_LEVEL = itemgetter(2)


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
