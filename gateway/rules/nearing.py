"""Nearing: what reads alone tell of a load that comes, where no eyes bound the passage. Pure."""

from gateway.rules.remembering import PortalState

BEYOND = 60
"""Tenths of dB by which a tag of the background must be louder than it was to count as something that moves: the
echoes of a passing truck change a standing tag's level by less (a plate of 2 m² beside the antenna: 1 + 0.45 in
field, both ways 6.5 dB, at the very worst)."""

NEARER = 3
"""dB by which a row must hear a tag louder than before for it to come nearer: reads of a standing tag scatter by less
than half of that, and a tag that comes through the door is heard 15…30 dB louder step by step."""

STEPS_WITHIN, STEPS_PER, STEPS_MOST = 600_000, 6, 6
"""µs within which so many tags, one in STEPS_PER of those heard strongly and at most STEPS_MOST, must have come nearer
for the passage to go on: what comes through comes as a whole, while one tag alone is an echo's doing."""

SPREAD = 20
"""dB below the loudest read of a passage under which nothing of it counts as coming nearer: the tags of one load, on
its near and far side, differ by as much; what waits in the trailer or was put down in the hall lies below."""

NEARLY = 10
"""dB below its own peak to which a tag still counts as in the door: fading does that, and 1 m of way."""

DOOR = 12
"""dB above min_rssi that a tag reaches in the door and hardly anywhere else: 1.5 m from an antenna against 3 m and
more is a factor of two in distance, both ways."""

AT_ONCE = 20_000
"""µs after the last read that kept a passage open within which another need not be looked at: it says the same."""

GONE = 30_000_000
"""µs after it moved within which a tag must be as loud as in the door to count: it has been put down near by."""

SILENCE = -200
"""dBm: below any level, where a row has not heard a tag yet."""

READS_KEPT = 60_000
"""Reads remembered at a time: thirty seconds at 1,500 reads/s, the most a reader gives, and as much again in a
backlog. What comes beyond is counted and dropped; ten thousand tags in the field fill no more than this."""

STANDS = 8_000_000
"""µs one beam may stay broken after the other is free and the vehicle still counts as under way; longer, and something
was put down in the beam, and what went through is decided without it."""


def nears(state: PortalState, at: int, row: int, epc: str, rssi: float, least: float, settle: int) -> bool:
    """Take a strong read; whether it opens the passage, or keeps it open.

    What comes nearer to a row than it was keeps the passage open, and so does, for a while, what stands in the door.
    What has been put down behind it, or waits before it, does neither. `PortalWatch.reads` leaves out what would change
    nothing.

    Args:
        state: the portal's; changed.
        at: when, µs.
        row: of the antenna that heard it.
        epc: of the tag.
        rssi: level, dBm.
        least: level of a tag in the door at the least, dBm.
        settle: µs by which a read may be late and still open the passage earlier.
    """
    peaks, known = state.peaks.get(epc), state.known.get(epc)
    if known is not None and (rssi * 10 < known.level + BEYOND or (at - known.moved < GONE and rssi < least + DOOR)):
        return False
    if peaks is None:
        if len(state.peaks) >= READS_KEPT:
            return False
        peaks = state.peaks[epc] = [SILENCE] * 3
    nearer, peaks[row] = rssi >= peaks[row] + NEARER, max(peaks[row], rssi)
    if rssi > state.loudest:
        state.loudest = rssi
    if nearer:
        if rssi < state.loudest - SPREAD or not _lately(state.steps, at, len(state.peaks)):
            return False
        state.moving = max(state.moving, at) if state.opened else at
    elif (
        rssi < max(peaks) - NEARLY
        or rssi < least + DOOR
        or at - state.moving > STANDS
        or not _lately(state.stands, at, len(state.peaks))
    ):
        return False
    if not state.opened:
        if at <= state.closed:
            return False
        state.opened = state.activity = at
    elif at < state.opened:
        if at <= max(state.closed, state.opened - settle):
            return False
        state.opened = at
    state.activity = max(state.activity, at)
    return True


def _lately(reads: list[int], at: int, tags: int) -> bool:
    """Whether, with the one at `at`, so many of these reads came lately as make a load rather than a single tag."""
    reads.append(at)
    if len(reads) > 8 * STEPS_MOST:
        del reads[:-STEPS_MOST]
    enough = STEPS_MOST if tags >= STEPS_MOST * STEPS_PER else tags // STEPS_PER or 1
    return len(reads) >= enough and at - reads[-enough] < STEPS_WITHIN
