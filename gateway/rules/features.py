"""Features: the figures by which a tag is judged to have moved through the door, or not. Pure, integers only.

Each is oriented so that more speaks for *moved*; `scoring` gives points for it and says what it means. Levels (tenths
of dB) are compared with those of the group, and the group's with what the door usually hears of what goes through:
readers, antennas and tags differ by 20 dB from site to site. Times are shares (%) of the time that the door was
occupied: loads differ by five times in speed. NOTHING stands for "cannot be told".
"""

from collections.abc import Sequence

from msgspec import Struct

from gateway.rules.background import Known
from gateway.rules.beams import INNER, OUTER, Vehicle
from gateway.rules.curves import Curve, Fit
from gateway.rules.phases import moved
from gateway.rules.tracks import FLOOR, Layout, Track

NOTHING = 9_999
"""A feature that cannot be told for this tag."""

SETTLED_READS = 3
"""Reads outside passages after which the level of the background means something."""

CLEARLY, ALLOWANCE = 150, 120
"""Tenths of dB by which a load is louder in the door than where it should not be yet, or any more; and how much of a
group's lack of that is allowed for."""

UNHEARD = 70
"""Tenths of dB by which the level of a tag rose at the least that was not heard before and after: from silence."""

HEADROOM = 120
"""Tenths of dB above the faintest reads that a tag must reach for its level to show whether it stands: that is how far
most tags rise that come through."""

FAINT = 150
"""Tenths of dB below the group from which on a new tag may come from beyond what the door usually hears: a passing
truck lights up racks. How few strays are heard here otherwise says nothing of it."""

MISSES = 3
"""A row that heard a tag at least one time in so many that it should have, did not miss it."""

LOUDEST = 3
"""Reads that tell how loud a tag is at one door, against another."""

JUST = 600_000_000
"""µs after it moved within which a tag is where it was put: it cannot come the same way again, but can go back."""

AROUND = 15_000_000
"""µs in which nobody drives goods back through another door, turns, and comes the same way again."""

NEVER_THERE = 300
"""Tenths of dB by which a tag counts as louder in the door than where it was not heard at all: how faint it is says
nothing then."""

PUT_DOWN = 60
"""Seconds within which a truck that has put goods down goes back; what goes out later is another errand."""

LATELY = 15_000_000
"""µs before a passage within which a tag was heard that still stands there; and that make a rate of its reads."""

ANEW, FAR_OFF = 60, 150
"""Tenths of dB that a read counts for that is of an antenna which does not usually hear the tag; and at most."""

LACKS, MOST_LACKED = 3, 200
"""How many reads that should have been one that is there stands for: it may be heard less often; and tenths of reads
beyond which nothing more is said."""

ENOUGH, HARDLY = 6, 30
"""Reads of the group's tags from which on levels that do not rise at all say that it stands; and the tenths of dB that
they count as before."""

OCCUPIED = 500_000
"""µs by which a load is in the field before the first beam and after the last, together."""

MOST_APART = 300
"""% of the time that the door was occupied beyond which nothing more is said: of a load that was pulled through in a
moment, half a second is as much."""

COMPANIONS = 3
"""Passages after which a tag that moves with ever other goods is a companion: a truck's own tag, somebody's badge."""

ALONE = dict.fromkeys(
    (
        *("level", "both_rows", "missed", "balance", "often"),
        *("follows", "unlike", "moves", "company", "with_group", "order"),
    ),
    NOTHING,
)
"""What cannot be told of a tag that nothing is there to be compared with."""

Values = dict[str, int]
"""A tag's features by name."""


class Around(Struct):
    """What a passage is judged against: its way, its vehicle (None: no eyes), its antennas, its group."""

    way: str
    vehicle: Vehicle | None
    place: Layout
    usual: int | None
    """How loud what goes through this door usually is, tenths of dBm; None: nothing went through yet."""
    made: Curve
    opened: int
    closed: int
    directed: bool
    """Whether both rows heard anything at all: one that is silent (dead, or none) says nothing of a single tag."""
    after: int = 0
    """µs for which it was listened after the door was free again."""
    wrong_side: int | None = None
    """The group's median of `wrong_side`, tenths of dB; None where the way is not known."""
    size: int = 1
    """Tags of the group."""
    usual_size: int | None = None
    """How many it has here, lately and on average, hundredths; None: nothing went through yet."""
    strays: int = 0
    """Strays of a passage here, lately and on average."""
    strangers: int = 0
    """New tags that are FAINT: one or two are of the load, forty are a rack that a truck's flank lights up."""
    levelled: bool = True
    """Whether the reader tells how loud a tag is: not all at one level, whatever they do."""
    phased: bool = False
    """Whether its phases mean something."""
    through: int = NOTHING
    """How the group went from row to row: `direction.through`."""
    group_swing: int = NOTHING
    """The group's median of `Track.swing`, tenths of dB."""
    alone: str | None = None
    """The tag that is the whole group: it agrees with itself, which says nothing."""


class Elsewhere(Struct):
    """What the neighbouring doors know of a tag: its loudest reads there meanwhile, and when it went through last."""

    level: int | None = None
    """The mean of the LOUDEST loudest, tenths of dBm."""
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
    made, directed, levelled = around.made, around.directed, around.levelled
    there = elsewhere.level if elsewhere is not None else None
    swing = track.swing if levelled else None
    if swing is not None and not track.early and not track.tail:
        swing = max(swing, UNHEARD)  # who is heard in the door only does not stand there
    if swing is not None and swing < UNHEARD and track.peak - made.faint < HEADROOM:
        swing = None  # too faint to rise by much: below it would not be heard at all
    found = {
        "level": track.peak - made.peak,
        "both_rows": track.both - made.both if directed else NOTHING,
        "missed": _missed(track, made, around.place.rows) if directed else NOTHING,
        "group_level": NOTHING
        if around.usual is None
        else (made.peak - around.usual) * around.size // (around.size + 1),
        "group_size": NOTHING if not around.usual_size else min(300, 10_000 * around.size // around.usual_size),
        "through": around.through,
        "group_swing": _group_swing(around) if levelled else NOTHING,
        "group_reads": made.reads,
        "contrast": track.peak - max(outside, min(made.faint, made.peak - HEADROOM)),
        "swing": NOTHING if swing is None else swing,
        "above_background": track.peak - known.level if known is not None and settled else NOTHING,
        "often": min(300, 100 * track.reads // max(1, made.reads)),
        "follows": agreed.follows if agreed.reads >= 3 and levelled else NOTHING,
        "unlike": -min(agreed.unlike, 9_000) if levelled else NOTHING,
        "moves": max(-5_000, min(agreed.moves, 5_000)) if levelled else NOTHING,
        "company": agreed.company,
        "with_group": NOTHING if agreed.offset is None else -_share(agreed.offset, around),
        "order": NOTHING if track.gap is None or made.gap is None else -_share(abs(track.gap - made.gap), around),
        "balance": _off(track.balance, made.balance) if directed else NOTHING,
        "strays_here": -around.strays if new(known) and track.peak >= made.peak - FAINT else NOTHING,
        "faint_here": 1 - around.strays - around.strangers if stranger(track, known, made) else NOTHING,
        "background": -min(known.reads, 2000) if known is not None else 0,
        "strayed": -min(known.strayed, 5) if known is not None else 0,
        "came_before": _came(known, elsewhere, around),
        "put_down": _put_down(known, around),
        "left": _left(track, known, around),
        "as_stood": _as_stood(track, known),
        "wrong_side": _allowed(wrong_side(track, around.way), around.wrong_side) if directed else NOTHING,
        "elsewhere": NOTHING if there is None else loudness([level for _, _, level in track.heard]) - there,
        "with_eyes": _timing(track, around),
        "phase": _phase(track, around),
    }
    return found | ALONE if track.epc == around.alone else found


def _group_swing(around: Around) -> int:
    """What the group's levels rose by; of a few reads it may be next to nothing by chance, and counts as HARDLY."""
    return around.group_swing if around.made.reads >= ENOUGH else max(HARDLY, around.group_swing)


def _share(span: int, around: Around) -> int:
    """A span (µs) in % of the time that the door was occupied: what rides together is no further apart than the load is
    long, whether it is driven through or pushed.
    """
    return min(MOST_APART, 100 * span // (around.closed - around.opened + OCCUPIED))


def new(known: Known | None) -> bool:
    """Whether a tag was never read outside passages, and never moved: what was put down here just now is known."""
    return known is None or not (known.reads or known.moved)


def stranger(track: Track, known: Known | None, made: Curve) -> bool:
    """Whether a tag is new, and FAINT."""
    return new(known) and track.peak < made.peak - FAINT


def _allowed(mine: int | None, group: int | None) -> int:
    """On the wrong side, with allowance for what the whole group does: a slow load reaches into both rows at once."""
    if mine is None or group is None:
        return NOTHING
    return mine + max(0, min(ALLOWANCE, CLEARLY - group))


def _missed(track: Track, made: Curve, rows: tuple[int, ...]) -> int:
    """Minus the reads that the row which heard it less should have had, as the group's were shared out."""
    outer, _, inner = track.going(made.still, rows)
    usual_outer, usual_inner = made.counts[OUTER], made.counts[INNER]
    if not usual_outer or not usual_inner or track.peak - made.faint < HEADROOM:
        return NOTHING  # what is faint at its loudest is soon not heard at all
    if outer * usual_inner < inner * usual_outer:
        return min(0, MISSES * outer - inner * usual_outer // usual_inner)
    return min(0, MISSES * inner - outer * usual_inner // usual_outer)


def _phase(track: Track, around: Around) -> int:
    """Points by which its phases say that it moved, but for when the group stood."""
    told = moved(track.turns, around.made.still) if around.phased else None
    return NOTHING if told is None else max(-5_000, min(told, 5_000))


def _off(mine: int | None, group: int | None) -> int:
    """Minus the difference from the group."""
    return NOTHING if mine is None or group is None else -abs(mine - group)


def _came(known: Known | None, elsewhere: Elsewhere | None, around: Around) -> int:
    """-1 when it went this way before and did not come back, or went through another door; -2 when just now."""
    here = known.moved if known is not None else 0
    there = elsewhere.moved if elsewhere is not None else 0
    last = max(here, there)
    if not last or around.closed - last > JUST or around.way not in ("in", "out"):
        return NOTHING
    again = -1 if around.closed - last > AROUND else -2
    if there > here:
        return again
    assert known is not None
    return again if known.way == around.way and known.passed < COMPANIONS else NOTHING


def _put_down(known: Known | None, around: Around) -> int:
    """Seconds since it went the other way through this door, PUT_DOWN at most: it is heard when its truck goes back."""
    if known is None or not known.moved or around.way not in ("in", "out") or known.way == around.way:
        return NOTHING
    ago = max(0, around.opened - known.moved) // 1_000_000
    return ago if ago < PUT_DOWN else NOTHING


def _left(track: Track, known: Known | None, around: Around) -> int:
    """Tenths of the reads that lack after the passage in the row of antennas that heard it before: LACKS for one.

    What stands there is heard on, and what was taken away is not: however loud it was. It is only asked of what was
    heard so lately that it still stood there.
    """
    if known is None or known.reads < SETTLED_READS or known.last < around.opened - LATELY:
        return NOTHING
    counts = (known.outer, known.reads - known.outer - known.inner, known.inner)
    row = counts.index(max(counts))
    if row not in around.place.rows:  # a snapshot of before did not count by row
        return NOTHING
    expected = 10 * counts[row] * around.after // max(LATELY, known.last - known.first)
    return max(-MOST_LACKED, min(MOST_LACKED, expected - 10 * LACKS * track.tails[row]))


def _as_stood(track: Track, known: Known | None) -> int:
    """By how much its reads differ, on average, from how loud each antenna usually hears it: tenths of dB."""
    if known is None or known.reads < SETTLED_READS or not known.levels:
        return NOTHING
    off = [
        min(FAR_OFF, abs(level - known.levels[antenna])) if antenna in known.levels else ANEW
        for at, antenna, level in track.heard
        if track.first <= at <= track.last
    ]
    return sum(off) // len(off) if off else NOTHING


def wrong_side(track: Track, way: str) -> int | None:
    """Peak less what the row beyond heard before, twice, or the row behind afterwards: there it could not be."""
    if way not in ("in", "out"):
        return None
    beyond, behind = (INNER, OUTER) if way == "in" else (OUTER, INNER)
    there = max(track.early_on[beyond], track.late_on[behind])
    return track.peak - there if there > FLOOR else NEVER_THERE


def _timing(track: Track, around: Around) -> int:
    """Minus the time by which its rows heard it before or after something was in the beam of that row: `_share`."""
    if around.vehicle is None:
        return NOTHING
    worst = None
    for row, centre in enumerate(track.centres):
        spans = around.vehicle.at(row)
        if centre is None or not spans:
            continue
        at = centre + around.opened
        off = min(max(begin - at, at - end, 0) for begin, end in spans)
        worst = off if worst is None else max(worst, off)
    return NOTHING if worst is None else -_share(worst, around)


def loudness(levels: Sequence[int]) -> int:
    """The mean of the LOUDEST loudest levels: one read more or less, or an echo, changes it little."""
    top = sorted(levels)[-LOUDEST:]
    return sum(top) // len(top)
