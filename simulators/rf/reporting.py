"""From what a reader heard to what arrives: reports, its clock's error, losses, repetitions and disorder."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from simulators.rf.families import Family
from simulators.rf.listening import Heard
from simulators.rf.scene import Edge

REPORT: Final = 60_000
"""µs a reader gathers reads before it reports (LLRP ROReportSpec, upon N tags or T ms)."""

LATENCY: Final = (4_000, 30_000)
"""µs from the end of a report to its arrival: network and the reader's own queue."""

STEP_LASTS: Final = (2.0, 8.0)
"""Seconds until a clock step is noticed and corrected."""


@dataclass(slots=True)
class Reported:
    """Something that arrived at `t` (µs, true time): reads with the times they are given, or an edge."""

    t: int
    at: int
    reads: list[tuple[int, Heard]]
    edge: Edge | None = None


class _Clock:
    """The error of a reader's clock after correction, µs, over a shift."""

    def __init__(self, family: Family, lasts: int, chance: Random) -> None:
        self._offset = chance.gauss(0, family.clock_ms * 1000)
        self._drift = chance.gauss(0, family.drift_ppm * 1e-6)
        self._steps: list[tuple[int, int, int]] = []
        if family.step_ms:
            for _ in range(1 + lasts // 120_000_000):
                begin = chance.randrange(max(1, lasts))
                size = int(chance.choice((-1, 1)) * chance.uniform(0.5, 1.5) * family.step_ms * 1000)
                self._steps.append((begin, begin + int(chance.uniform(*STEP_LASTS) * 1e6), size))

    def says(self, at: int) -> int:
        """What the clock says at true time `at`."""
        said = round(at + self._offset + self._drift * (at % 60_000_000))
        if self._steps:
            said += sum(size for begin, end, size in self._steps if begin <= at < end)
        return said if said > 0 else 0


def reported(family: Family, heard: list[Heard], found: list[Edge], chance: Random) -> list[Reported]:
    """Everything that arrives from one reader, in order of arrival."""
    lasts = heard[-1].at if heard else 0
    clock = _Clock(family, lasts, chance)
    cuts = _cuts(family, lasts, chance)
    arrived: list[Reported] = []
    for batch in _batches(heard):
        if chance.random() < family.lost:
            continue
        end = batch[-1].at
        t = end + chance.randint(*LATENCY)
        if chance.random() < family.late:
            t += chance.randint(80_000, 250_000)
        rows = [(clock.says(each.at), each) for each in batch]
        arrived += _through(t, rows, cuts)
    for edge in found:
        at = round(edge.at * 1e6)
        if 0 <= at <= lasts:
            t = at + chance.randint(*LATENCY)
            arrived.append(Reported(_delayed(t, cuts), clock.says(at), [], edge))
    arrived.sort(key=lambda each: each.t)
    return arrived


def _batches(heard: list[Heard]) -> Iterator[list[Heard]]:
    batch: list[Heard] = []
    for each in heard:
        if batch and each.at - batch[0].at > REPORT:
            yield batch
            batch = []
        batch.append(each)
    if batch:
        yield batch


def _cuts(family: Family, lasts: int, chance: Random) -> list[tuple[int, int]]:
    """Spans in which the link is down; a passage lasts ten seconds or so."""
    expected = family.reconnects * lasts / 10_000_000
    count = int(expected) + (chance.random() < expected - int(expected))
    found = []
    for _ in range(count):
        begin = chance.randrange(max(1, lasts))
        found.append((begin, begin + chance.randint(300_000, 2_000_000)))
    return sorted(found)


def _delayed(t: int, cuts: list[tuple[int, int]]) -> int:
    return next((end + (t - begin) // 50 for begin, end in cuts if begin <= t < end), t)


def _through(t: int, rows: list[tuple[int, Heard]], cuts: list[tuple[int, int]]) -> Iterator[Reported]:
    """A report as it comes: at once, after the cut, or, sent just before one and not acknowledged, twice."""
    delayed = _delayed(t, cuts)
    yield Reported(delayed, rows[-1][0], rows)
    for begin, end in cuts:
        if begin - 200_000 <= t < begin:
            yield Reported(end + 1_000, rows[-1][0], rows)
