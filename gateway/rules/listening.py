"""The reads of a reader become what its portals heard: by antenna, with instants and levels that can be. Pure.

This stands before every read there is, so it is written for speed: one pass, and one object for an EPC however often
it is read, which keeps what the portals remember small and near together.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter

from gateway.model.inputs import Reads, Row
from gateway.rules.passages import PortalWatch
from gateway.rules.reads import NO_TONE, TURN, Heard

FLOOR_DBM, CEILING_DBM = -100, 30
"""Levels beyond these are none: no tag is heard as faint, none louder than a reader transmits."""

UNPLACED_DBM = -60.0
"""Level given to a read whose reader does not report one: it counts as strong, or such a reader could open nothing."""

AHEAD = 1_000_000
"""µs by which a read may be later than its arrival before it is counted as untimely: recordings are rounded."""

PICKED = ("at", "antenna", "epc", "rssi", "channel", "phase")
"""Columns of reads that the rules use."""

NAMES_KEPT = 10_000
"""EPCs kept as one object each: as many tags as a portal remembers. Beyond, they are forgotten and learnt anew."""

Antennas = Mapping[int, tuple[PortalWatch, int]]
"""Antennas of one reader by their port: whose they are, and which of that portal's."""


class Names(dict[str, str | None]):
    """EPCs as the rules know them, by what a reader says: in upper case, and None for those to be ignored."""

    def __init__(self, ignored: Iterable[str]) -> None:
        super().__init__()
        self._ignored = frozenset(epc.upper() for epc in ignored)
        self.blank = 0
        """Reads of an EPC of no bits, which names nothing, since somebody asked."""

    def __missing__(self, said: str) -> str | None:
        if not said:
            self.blank += 1
            return None
        epc = said.upper()
        found = self[said] = None if epc in self._ignored else epc
        return found

    def trim(self) -> None:
        """Forget all when there are too many."""
        if len(self) > NAMES_KEPT:
            self.clear()


def listen(t: int, reads: Reads, antennas: Antennas, names: Names) -> Iterator[tuple[PortalWatch, list[Heard]]]:
    """Divide reads that came at `t` (µs), in their order, into runs that one portal heard; others are left out."""
    names.trim()
    for watch, rows in _runs(_picked(reads), antennas):
        heard = [
            (
                at if at is not None and 0 <= at <= t else timed(watch, t, at),
                target[1],
                epc,
                UNPLACED_DBM if rssi is None else rssi if FLOOR_DBM <= rssi <= CEILING_DBM else FLOOR_DBM,
                NO_TONE if phase is None or channel is None else channel * TURN + int(phase) % TURN,
            )
            for at, antenna, said, rssi, channel, phase in rows
            if (target := antennas.get(antenna)) is not None and (epc := names[said]) is not None
        ]
        watch.state.blank += names.blank
        names.blank = 0
        yield watch, heard


def seen(t: int, at: int | None) -> int:
    """When it was seen: not later than it arrived and not before 1970, or one wrong clock would blind a portal."""
    return at if at is not None and 0 <= at <= t else t


def timed(watch: PortalWatch, t: int, at: int | None) -> int:
    """As `seen`; the portal counts what is of the future."""
    watch.state.untimely += at is not None and at > t + AHEAD
    return seen(t, at)


def _runs(rows: Iterable[Row], antennas: Antennas) -> Iterator[tuple[PortalWatch, Iterable[Row]]]:
    """Rows in runs of one portal; those of no portal may be among them."""
    portals = {id(watch): watch for watch, _ in antennas.values()}
    if len(portals) == 1:
        yield from ((watch, rows) for watch in portals.values())
        return
    for number, run in groupby(rows, lambda row: id(antennas[row[1]][0]) if row[1] in antennas else 0):
        if number:
            yield portals[number], run


def _picked(reads: Reads) -> Iterator[Row]:
    """Time, antenna, EPC, level, channel and phase of every read; None where there is no such column."""
    place = {name: index for index, name in enumerate(reads.columns)}
    if all(name in place for name in PICKED):
        return map(itemgetter(*(place[name] for name in PICKED)), reads.reads)
    indexes = [place.get(name) for name in PICKED]
    return (tuple(None if index is None else row[index] for index in indexes) for row in reads.reads)
