"""What a portal heard, and what hindsight makes of it. Pure.

While a passage is decided nobody knows yet whether a tag will still be there a minute later; at the end of a recording
one does. A tag that was heard before a passage and after it did not go through. One that was heard in the passage
alone, or on one side of it and much fainter, did. What is neither is in doubt and not counted.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from gateway.model.inputs import Gpi, Read, Reads
from gateway.model.outcome import Passage
from gateway.model.settings import Portal, Settings
from gateway.model.times import SECOND
from gateway.rules.tuning.trial import Label, Timed, passages

APART = 5 * SECOND
"""µs around a passage that are neither before nor after it: a load is in the field as it comes and as it goes."""

HEARD = 3
"""Reads on one side of a passage from which on a tag was there: one or two may be an echo."""

FAINTER = 6.0
"""dB by which a tag that also stood somewhere must have been louder in the door (twice as far, both ways, is 12 dB)."""

LEAST = 2
"""Reads in a passage below which hindsight says nothing of a tag."""


class Heard(Struct):
    """One antenna: reads, tags, the loudest read (dBm)."""

    reads: int = 0
    tags: set[str] = field(default_factory=set)
    peak: float = -100.0


class Sight(Struct, frozen=True):
    """One read: when (µs), by which antenna (reader, port), row, level (dBm)."""

    at: int
    antenna: tuple[str, int]
    row: str
    level: float


class Study(Struct):
    """A portal's time: inputs, what they were, and what hindsight says."""

    portal: Portal
    settings: Settings
    inputs: list[Timed]
    passages: list[Passage]
    sights: dict[str, list[Sight]]
    beside: dict[str, list[Sight]]
    """What neighbouring portals heard."""
    antennas: dict[tuple[str, int], Heard]
    strangers: dict[tuple[str, int], Heard]
    """Antennas of the portal's readers that no portal has."""
    edges: list[tuple[int, int, bool]]
    """Of its eyes: when (µs), index of the eye, level."""
    labels: list[Label]
    begin: int
    end: int


def study(settings: Settings, portal: str, inputs: Iterable[Timed]) -> Study:
    """Everything about one portal in these inputs; what its neighbours heard is kept for the trials.

    Raises:
        KeyError: there is no such portal.
    """
    found = {one.id: one for one in settings.portals}[portal]
    near = {portal, *found.neighbours, *(one.id for one in settings.portals if portal in one.neighbours)}
    portals = tuple(one for one in settings.portals if one.id in near)
    readers = {antenna.reader for one in portals for antenna in one.antennas}
    readers |= {eye.reader for one in portals for eye in one.eyes}
    kept: list[Timed] = [
        (t, item) for t, item in inputs if isinstance(item, Reads | Read | Gpi) and item.reader in readers
    ]
    alone = Settings(settings.site, settings.gateway, portals=portals, ignore=settings.ignore)
    told = Study(found, alone, kept, [], {}, {}, {}, {}, [], [], 0, 0)
    told.antennas = {(antenna.reader, antenna.port): Heard() for antenna in found.antennas}
    _listen(told, {(one.reader, one.port): one.row for other in settings.portals for one in other.antennas})
    told.passages = passages(alone, kept, portal)
    told.labels = [label for passage in told.passages for label in _labels(told, passage)]
    if kept:
        told.begin, told.end = kept[0][0], kept[-1][0]
    return told


def _listen(told: Study, owned: dict[tuple[str, int], str]) -> None:
    """Sort out the inputs; `owned` are the antennas of all portals, with their row."""
    eyes = {(eye.reader, eye.port): index for index, eye in enumerate(told.portal.eyes)}
    readers = {antenna.reader for antenna in told.portal.antennas}
    ignored = {epc.upper() for epc in told.settings.ignore}
    for t, item in told.inputs:
        if isinstance(item, Gpi):
            index = eyes.get((item.reader, item.port))
            if index is not None:
                told.edges.append((t if item.at is None else item.at, index, item.level))
            continue
        if not isinstance(item, Reads | Read):
            continue
        for at, port, epc, level in _rows(t, item):
            antenna = (item.reader, port)
            if epc in ignored:
                continue
            if antenna in told.antennas:
                heard = told.antennas[antenna]
                told.sights.setdefault(epc, []).append(Sight(at, antenna, owned[antenna], level))
            elif antenna in owned:
                told.beside.setdefault(epc, []).append(Sight(at, antenna, owned[antenna], level))
                continue
            elif item.reader in readers:
                heard = told.strangers.setdefault(antenna, Heard())
            else:
                continue
            heard.reads += 1
            heard.tags.add(epc)
            heard.peak = max(heard.peak, level)
    told.edges.sort()


def _rows(t: int, item: Reads | Read) -> Iterable[tuple[int, int, str, float]]:
    """Time, port, EPC and level of every read; without a level it counts as -60 dBm, as the rules take it."""
    if isinstance(item, Read):
        yield item.at or t, item.antenna, item.epc.upper(), -60.0 if item.rssi is None else item.rssi
        return
    place = {name: index for index, name in enumerate(item.columns)}
    if "antenna" not in place or "epc" not in place:
        return
    for row in item.reads:
        at = row[place["at"]] if "at" in place else None
        level = row[place["rssi"]] if "rssi" in place else None
        yield at or t, row[place["antenna"]], row[place["epc"]].upper(), -60.0 if level is None else float(level)


def _labels(told: Study, passage: Passage) -> Iterable[Label]:
    for epc in (*passage.moved, *passage.strays):
        sights = told.sights.get(epc, [])
        inside = [one for one in sights if passage.opened - SECOND <= one.at <= passage.closed + SECOND]
        if len(inside) < LEAST:
            continue
        before = [one.level for one in sights if one.at < passage.opened - APART]
        after = [one.level for one in sights if one.at > passage.closed + APART]
        was, stays = len(before) >= HEARD, len(after) >= HEARD
        peak = max(one.level for one in inside)
        aside = max([*before, *after], default=-100.0)
        there = max(
            (one.level for one in told.beside.get(epc, ()) if -APART <= one.at - passage.opened <= _span(passage)),
            default=-100.0,
        )
        if there > peak - FAINTER:  # it passed, or stood, at a neighbour; as loud here as there: nobody knows
            if there >= peak + FAINTER:
                yield Label(epc, passage.opened, passage.closed, False, peak, len(inside))
        elif was and stays and peak < aside + FAINTER:
            yield Label(epc, passage.opened, passage.closed, False, peak, len(inside))
        elif not (was and stays) and peak >= aside + FAINTER:
            yield Label(epc, passage.opened, passage.closed, True, peak, len(inside))


def _span(passage: Passage) -> int:
    return passage.closed - passage.opened + APART


def middle(values: Sequence[float]) -> float:
    """The middle value, the upper one of two."""
    return sorted(values)[len(values) // 2]
