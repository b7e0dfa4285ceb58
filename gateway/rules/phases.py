"""Phases: whether a tag moved while it was read, by how the phase of its answers turned. Pure, integers only.

The phase of an answer turns once for every half wave that the tag comes nearer: 16 cm at 900 MHz. What stands keeps
its phase but for noise and for what drives by; what moves has another one at every read. It also differs, by nobody
knows how much, from antenna to antenna and from channel to channel, so only reads of one tag by one antenna on one
channel are compared; and some readers know it but for half a turn, so all are compared like that.
"""

from collections import deque
from collections.abc import Iterable, Sequence

from gateway.rules.reads import NO_TONE, TURN, Heard

SHORTEST, LONGEST = 30_000, 2_000_000
"""µs between two reads that are compared. What drives at 1 m/s turns the phase by a fifth of a turn in the shortest;
after the longest, what else moves there has long put a tag that stands into another field."""

TOLD = 150_000
"""µs between two reads from which on one phase for both tells that the tag stood: a load that creeps, or one that goes
across the antenna's view, has turned it by little before."""

MOVED = (-90, -70, -20, 40, 100, 160, 200, 200)
"""Points for *moved* (hundredths of log-odds) by how far the phase turned, in eighths of a quarter turn. Of what stands
two in five pairs differ by less than 0.2 rad and one in twenty-five by more than 1; of what moves, by anything."""

PART = TURN // 4 // len(MOVED)

STANDS = 300
"""Points for *stood*, of what never has as many for *moved* in any stretch, from which on a tag founds no group."""

STEADY = 600
"""Points for *stood* of one tag that show that a reader's phases mean something: chance does not give as many."""

DISTINCT = 4
"""Eighths of a turn that must occur among the reads of a passage: a reader that always says nearly the same measures
none, or counts in something else."""

HALT = 200_000
"""µs of a bin: in one in which the group stood, what stands beside it cannot be told from it."""

Turns = list[tuple[int, int]]
"""When (µs), and the points for *moved* of that read against the one before."""


def measured(heard: Iterable[Heard]) -> bool:
    """Whether a reader measures phases at all."""
    found: set[int] = set()
    for read in heard:
        if read[4] != NO_TONE:
            found.add(read[4] % TURN * 8 // TURN)
            if len(found) >= DISTINCT:
                return True
    return False


def turns(heard: Iterable[Heard]) -> Turns:
    """Each read of one tag, in order of time, against one by the same antenna on the same channel: the latest that was
    TOLD before, or else the oldest.
    """
    lately: dict[tuple[int, int], deque[tuple[int, int]]] = {}
    found: Turns = []
    for at, antenna, _, _, tone in heard:
        if tone == NO_TONE:
            continue
        channel, phase = divmod(tone, TURN)
        before = lately.setdefault((antenna, channel), deque())
        while before and (at - before[0][0] > LONGEST or (len(before) > 1 and at - before[1][0] >= TOLD)):
            before.popleft()
        if before and (apart := at - before[0][0]) >= SHORTEST:
            turned = (phase - before[0][1]) % (TURN // 2)
            points = MOVED[min(min(turned, TURN // 2 - turned) // PART, len(MOVED) - 1)]
            found.append((at, points if points > 0 else points * min(apart, TOLD) // TOLD))
        before.append((at, phase))
    return found


def halts(group: Iterable[Turns]) -> frozenset[int]:
    """The bins of time in which these tags stood, together."""
    sums: dict[int, int] = {}
    for each in group:
        for at, points in each:
            sums[at // HALT] = sums.get(at // HALT, 0) + points
    return frozenset(bin_ for bin_, points in sums.items() if points < 0)


def moved(told: Sequence[tuple[int, int]], still: frozenset[int]) -> int | None:
    """The points for *moved* outside the bins in which everything stood; None when there are none."""
    points = [each for at, each in told if at // HALT not in still]
    return sum(points) if points else None


def steady(told: Turns) -> bool:
    """Whether a tag stood that much that its reader's phases mean something."""
    return sum(points for _, points in told) <= -STEADY


def stands(told: Turns) -> bool:
    """Whether a tag stood all the while, beyond doubt."""
    total = best = run = 0
    for _, points in told:
        total += points
        run = max(0, run + points)
        best = max(best, run)
    return total <= -STANDS and best < STANDS
