"""How vehicles and people move: a way through the hall, driven at a speed that changes, as samples over time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Final, NamedTuple

STEP: Final = 0.04
"""Seconds between two samples of a way; 12 cm at 3 m/s, straight lines between."""

ACCELERATION: Final = 0.9
"""m/s² of a counterbalance truck with a load (VDI 2198 sheets: 0.5…1.2)."""

BRAKING: Final = 1.5
"""m/s² of the same truck: a driver who brakes harder loses the load."""


class Halt(NamedTuple):
    """Stand at `at` metres of the way for so many seconds."""

    at: float
    seconds: float


@dataclass(slots=True)
class Way:
    """Where something is: samples every STEP from `start` (s) on; it stands at its last place afterwards."""

    start: float
    xs: list[float]
    ys: list[float]

    @property
    def end(self) -> float:
        """Second of the last sample."""
        return self.start + STEP * (len(self.xs) - 1)

    def at(self, second: float) -> tuple[float, float]:
        """Where it is."""
        place = (second - self.start) / STEP
        index = int(place)
        if place <= 0:
            return self.xs[0], self.ys[0]
        if index >= len(self.xs) - 1:
            return self.xs[-1], self.ys[-1]
        part = place - index
        xs, ys = self.xs, self.ys
        return xs[index] + part * (xs[index + 1] - xs[index]), ys[index] + part * (ys[index + 1] - ys[index])

    def moves(self, second: float) -> bool:
        """It is under way and not standing at a halt."""
        index = int((second - self.start) / STEP)
        if not 0 <= index < len(self.xs) - 1:
            return False
        return abs(self.xs[index + 1] - self.xs[index]) + abs(self.ys[index + 1] - self.ys[index]) > STEP * 0.05


def drive(
    start: float, points: Sequence[tuple[float, float]], speed: float, halts: Sequence[Halt], chance: Random
) -> Way:
    """Drive along `points` (m) with about `speed` (m/s), braking for each halt and standing there."""
    legs = [math.dist(one, other) for one, other in pairwise(points)]
    total = sum(legs)
    stops = [*sorted(halts), Halt(total, 0.0)]
    mood, way, now = 1.0, 0.0, speed * 0.8
    xs, ys = [points[0][0]], [points[0][1]]
    leg, done = 0, 0.0
    while way < total - 0.01 and len(xs) < 20_000:
        mood += (1.0 - mood) * 0.02 + chance.gauss(0, 0.012)  # a driver's foot: seconds, not samples
        goal = speed * max(0.6, min(1.3, mood))
        ahead = stops[0].at - way
        now = min(now + ACCELERATION * STEP, goal, math.sqrt(2 * BRAKING * max(ahead, 0.0)) + 0.05)
        way = min(way + now * STEP, total)
        if way >= stops[0].at - 0.02:
            halt = stops.pop(0)
            for _ in range(int(halt.seconds / STEP)):
                xs.append(xs[-1])
                ys.append(ys[-1])
            now = 0.05
            if not stops:
                break
        while leg < len(legs) - 1 and way > done + legs[leg]:
            done += legs[leg]
            leg += 1
        part = (way - done) / (legs[leg] or 1.0)
        (x0, y0), (x1, y1) = points[leg], points[leg + 1]
        xs.append(x0 + part * (x1 - x0))
        ys.append(y0 + part * (y1 - y0))
    return Way(start, xs, ys)
