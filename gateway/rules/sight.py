"""Whether the eyes of a portal can be trusted. Pure.

An eye is in fault when its beam stays broken for minutes; when the other row of eyes saw vehicle after vehicle go
through and its own row did not; or when nothing is seen at all while the antennas hear loads go through the door, from
row to row. In the last case, and when every row is broken for good, reads open the portal until an eye speaks again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from gateway.model.outcome import Passage
from gateway.model.settings import Eye
from gateway.model.times import rfc3339
from gateway.rules.background import Known
from gateway.rules.beams import FOREVER, INNER, OUTER, ROWS
from gateway.rules.reads import Heard
from gateway.rules.tracks import median

STUCK = 180_000_000
"""µs a beam is broken before that is a fault: goods put down in the door are in the way, and are moved before."""

MISSED = 2
"""Vehicles in a row that went through by the antennas and the other eyes, and that a row of eyes did not see."""

UNSEEN = 2
"""Loads in a row that no eye saw after which the eyes are not believed: one may have been carried along the door."""

PAUSE = 3_000_000
"""µs without a read after which it is looked for loads that no eye saw; and µs that such a load keeps away from a
passage: what is still under way when a passage is closed has been seen."""

BELIEVED = 10_000_000
"""µs after an edge in which the eyes are not in doubt: the time between two pallets of a busy door."""

DOUBTED = 20_000_000
"""µs after an edge from which on reads of what may be a load are kept whole, also when more come in than usual."""

APART = 2_000_000
"""µs between strong reads that belong to one load: it is in the field for some seconds, and read all the while."""

LONG = 10_000_000
"""µs of strong reads at most that are one load: what is still loud then has been put down beside the door."""

THROUGH = 2
"""Tags that must have gone from row to row: one alone may be a reflection, or a badge."""

ALIKE = 5
"""One in so many of them may tell another way than the rest."""

STRIDE = 150_000
"""µs from being loudest at one row to being loudest at the other: 60 cm at 4 m/s, the fastest truck."""

LOUDER = 60
"""Tenths of dB by which a tag must be louder than it usually is, as for what opens a portal without eyes."""


class Sight(Struct):
    """What a portal knows of its eyes, by their index; instants of reads and edges, µs, unless it says otherwise."""

    broken: dict[int, tuple[int, int]] = field(default_factory=dict)  # since when, and when that came, gateway time
    spoke: dict[int, int] = field(default_factory=dict)  # its last edge
    missed: list[int] = field(default_factory=lambda: [0, 0, 0])  # per row, vehicles in a row
    ill: dict[int, str] = field(default_factory=dict)  # in fault, and why
    looked: int = 0  # reads up to here were looked at
    until: int = 0  # gateway time of the last look
    pending: int = FOREVER  # what may be a load that still goes on began then
    loads: list[int] = field(default_factory=list)  # when those began that went through unseen

    def edge(self, t: int, eye: int, row: int, at: int, blocked: bool) -> None:
        """An eye of a row speaks (it comes at `t`): it is well, but for a beam that stays broken."""
        if at < self.spoke.get(eye, 0):
            return
        self.spoke[eye] = at
        self.loads.clear()
        self.missed[row] = 0
        if blocked:
            self.broken.setdefault(eye, (at, t))
        else:
            self.broken.pop(eye, None)
        self.ill.pop(eye, None)

    def went(self, eyes: Sequence[Eye], seen: set[int], passage: Passage) -> None:
        """A vehicle was decided that these rows of eyes saw."""
        through = bool(passage.moved) and passage.direction in ("in", "out")
        for row in {ROWS[eye.row] for eye in eyes}:
            if row in seen:
                self.missed[row] = 0
            elif through:
                self.missed[row] += 1
            if self.missed[row] < MISSED:
                continue
            for index, eye in enumerate(eyes):
                if ROWS[eye.row] == row and index not in self.broken:
                    self.ill[index] = (
                        f"the {eye.row} eye has not seen the last {self.missed[row]} vehicles that went through, and "
                        f"nothing {self._last(index)}: it is dirty, turned away or unplugged"
                    )

    def stuck(self, eyes: Sequence[Eye], t: int) -> None:
        """At `t`: beams that are broken for too long."""
        for index, (since, came) in self.broken.items():
            if t >= came + STUCK:
                self.ill[index] = (
                    f"the beam of the {eyes[index].row} eye is broken since {_clock(since)}: something stands in it, "
                    "or it is dirty, turned away or unplugged"
                )

    def blinded(self, eyes: Sequence[Eye], at: int) -> None:
        """Loads went through from `at` (µs) on, and no eye saw them."""
        for index, eye in enumerate(eyes):
            self.ill[index] = (
                f"the {eye.row} eye has seen nothing {self._last(index)}, and the antennas heard loads go through from "
                f"{_clock(at)} on: until it speaks again, reads open the portal"
            )

    @property
    def deadline(self) -> int | None:
        """When the next beam has been broken for too long."""
        return min((came + STUCK for index, (_, came) in self.broken.items() if index not in self.ill), default=None)

    def dark(self, rows: Sequence[int]) -> bool:
        """Whether every row of eyes is broken for good."""
        stuck = {rows[index] for index in self.broken if index in self.ill}
        return bool(rows) and stuck == set(rows)

    def _last(self, index: int) -> str:
        last = self.spoke.get(index)
        return "since it was set up" if last is None else f"since {_clock(last)}"

    def skip(self, heard: int) -> None:
        """Look at nothing that is due; what was broken until now is no fault."""
        self.until = heard
        self.broken.clear()

    def unseen(
        self,
        recent: Iterable[Heard],
        closed: int,
        newest: int,
        strong: float,
        known: Mapping[str, Known],
        rows: Sequence[int],
    ) -> int | None:
        """Look at reads that no passage took: when so many loads in a row went through, when the first began, µs.

        Args:
            recent: the reads.
            closed: end of the last passage.
            newest: of the reads; what went on until shortly before it may be under way.
            strong: dBm that are reached in the door and hardly anywhere else.
            known: the background.
            rows: of the antennas.
        """
        after = max(self.looked, closed + PAUSE, *(last + BELIEVED for last in self.spoke.values()))
        novel = [read for read in recent if read[3] >= strong and read[0] > after and _novel(read, known)]
        self.pending = FOREVER
        for spell in spells(novel):
            if newest - spell[-1][0] <= APART and newest - spell[0][0] <= LONG:
                if self.loads or spell[0][0] > max(self.spoke.values(), default=0) + DOUBTED:
                    self.pending = spell[0][0]
                break
            self.looked = spell[-1][0]
            if went_through(spell, rows):
                self.loads.append(spell[0][0])
            if len(self.loads) >= UNSEEN:
                first = self.loads[0]
                self.loads.clear()
                return first
        return None


def spells(heard: Iterable[Heard]) -> Iterator[list[Heard]]:
    """Reads in order, divided where none came for a while, or after LONG: each part is what may be one load."""
    spell: list[Heard] = []
    for read in sorted(heard):
        if spell and (read[0] - spell[-1][0] > APART or read[0] - spell[0][0] > LONG):
            yield spell
            spell = []
        spell.append(read)
    if spell:
        yield spell


def arrived(heard: Iterable[Heard], since: int, strong: float, known: Mapping[str, Known]) -> Iterator[int]:
    """When strong reads from `since` (µs) on were of what did not stand there before."""
    return (read[0] for read in heard if read[0] >= since and read[3] >= strong and _novel(read, known))


def went_through(spell: Iterable[Heard], rows: Sequence[int]) -> bool:
    """Whether these reads are of a load that went from the one row to the other."""
    loudest: dict[tuple[str, int], tuple[int | float, int]] = {}
    for at, antenna, epc, rssi, _ in spell:
        before = loudest.get((epc, rows[antenna]))
        if before is None or rssi > before[0]:
            loudest[epc, rows[antenna]] = (rssi, at)
    strides = [
        loudest[epc, INNER][1] - at
        for (epc, row), (_, at) in loudest.items()
        if row == OUTER and (epc, INNER) in loudest
    ]
    if len(strides) < THROUGH:
        return False
    inward = sum(stride > 0 for stride in strides)
    return min(inward, len(strides) - inward) * ALIKE <= len(strides) and abs(median(strides)) >= STRIDE


def _clock(at: int) -> str:
    return f"{rfc3339(at)[:19]}Z"


def _novel(read: Heard, known: Mapping[str, Known]) -> bool:
    """Whether a tag is much louder than it usually is, or was not known at all."""
    usual = known.get(read[2])
    return usual is None or read[3] * 10 >= usual.level + LOUDER
