"""The scene: doors with their readers, what drives and stands around them, and what the photo-eyes see of it."""

import math
from dataclasses import dataclass, field
from random import Random
from typing import Final

from simulators.rf.goods import Load
from simulators.rf.motion import STEP, Way
from simulators.rf.physics import TRAILER, Antenna

EYE_HALF_DOOR: Final = 1.5
"""Metres to either side of the door's middle in which something breaks the beam."""

CHATTER: Final = (0.05, 0.02, 0.09)
"""Share of broken beams that clear once in between, and for how long (s): gaps between cases, stretch film that mirrors
the beam."""

TRUCK_HALF: Final = 0.55
"""Metres: half the width of a 1.5 t truck."""

METAL: Final = 40.0
METAL_MOST: Final = 14.0
"""dB per metre and at most: waves bend around a truck. Over the knife edge of its side (ITU-R P.526, 0.55 m, a metre
before and behind) 18 dB are lost, and there are two sides and the top."""

GOODS_MOST: Final = 20.0
"""dB at most behind a load: the hall's echoes come from elsewhere."""


@dataclass(slots=True)
class Placed:
    """A load and where it sits from the middle of what carries it, metres; it loses `shade` dB until it moves."""

    load: Load
    dx: float = 0.0
    dy: float = 0.0


@dataclass(slots=True)
class Mover:
    """Something that moves or stands: from `appears` (s) at the beginning of its way until it is `gone`.

    `bodies` are what breaks a beam: spans of y from its middle; `truck` that of the vehicle's metal. `door` is the
    number of the door whose trailer it is in while y < TRAILER. `shade` dB are lost while it waits: others stand
    before it.
    """

    way: Way
    carries: list[Placed]
    appears: float
    gone: float
    door: int
    bodies: tuple[tuple[float, float], ...] = ()
    shade: float = 0.0
    half_width: float = 0.5
    truck: tuple[float, float] | None = None


@dataclass(slots=True)
class Beam:
    """A photo-eye: GPI port, row, y of its beam, and the level that means blocked."""

    port: int
    row: str
    y: float
    blocked: bool = True


@dataclass(slots=True)
class Door:
    """A door with its reader."""

    number: int
    portal: str
    reader: str
    preset: str
    x: float
    antennas: list[Antenna]
    eyes: list[Beam]
    dwell: int
    """µs an antenna has before it is the next one's turn."""
    hop: int
    """µs on one channel."""
    session: int = 0
    persists: float | None = None
    """Seconds after which the flag of a tag that was read falls back; None: it does not (`gen2.Flags`)."""
    single: bool = False
    """Only tags with flag A are asked for."""
    link: str = "dense"
    rician: float = 8.0
    """K in dB around this door."""
    rssi_offset: float = 0.0
    """dB by which this reader's levels are wrong."""
    rssi_step: float = 1.0
    """dB: LLRP's PeakRSSI is a whole number; Impinj's own is finer."""
    phase: bool = True
    phase_flips: bool = False
    """Phase is known but for half a turn (Impinj's readers)."""
    neighbours: list[str] = field(default_factory=list)
    listed_eyes: bool = True

    @property
    def ports(self) -> list[int]:
        """Antenna ports in the order of the reader's turns."""
        return [antenna.port for antenna in self.antennas]


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """A change of a photo-eye at a second."""

    at: float
    port: int
    level: bool


def edges(door: Door, movers: list[Mover], chance: Random) -> list[Edge]:
    """All changes of a door's photo-eyes; something that overlaps something else keeps the beam broken."""
    share, least, most = CHATTER
    found: list[Edge] = []
    for beam in door.eyes:
        spans = sorted(span for mover in movers for span in _blocked(door, beam, mover))
        merged: list[list[float]] = []
        for begin, end in spans:
            if merged and begin <= merged[-1][1] + 0.03:  # an eye's own hold time swallows shorter gaps
                merged[-1][1] = max(merged[-1][1], end)
            else:
                merged.append([begin, end])
        for begin, end in merged:
            found += [Edge(begin, beam.port, beam.blocked), Edge(end, beam.port, not beam.blocked)]
            if chance.random() < share and end - begin > 0.4:
                clear = chance.uniform(begin + 0.1, end - 0.2)
                again = clear + chance.uniform(least, most)
                found += [Edge(clear, beam.port, not beam.blocked), Edge(again, beam.port, beam.blocked)]
    return sorted(found)


def _blocked(door: Door, beam: Beam, mover: Mover) -> list[tuple[float, float]]:
    """Spans of seconds in which a mover breaks a beam."""
    way, spans = mover.way, []
    if not mover.bodies:
        return []
    for low, high in mover.bodies:
        begin: float | None = None
        before = False
        for index, (x, y) in enumerate(zip(way.xs, way.ys, strict=True)):
            inside = y + low <= beam.y <= y + high and abs(x - door.x) < EYE_HALF_DOOR
            if inside != before:
                moment = way.start + index * STEP - STEP * _overshot(way, index, beam.y, low, high)
                if inside:
                    begin = moment
                elif begin is not None:
                    spans.append((begin, moment))
                    begin = None
                before = inside
        if begin is not None:
            spans.append((begin, max(begin, mover.gone)))
    return spans


def _overshot(way: Way, index: int, y: float, low: float, high: float) -> float:
    """The part of the last step that lies behind the edge of a body reaching or leaving the beam."""
    if index == 0:
        return 0.0
    now, then = way.ys[index], way.ys[index - 1]
    if now == then:
        return 0.0
    shares = [(now + edge - y) / (now - then) for edge in (low, high)]
    return next((share for share in shares if 0 <= share <= 1), 0.0)


Block = tuple[float, float, float, float, float, float]
"""Something upright that waves must cross: its rectangle on the floor (x from, x to, y from, y to), dB per metre of it,
and at most so many."""


def blocks(mover: Mover, x: float, y: float, but: Placed | None = None) -> list[Block]:
    """What a mover at (x, y) puts into the way: its truck and its loads, `but` one."""
    found: list[Block] = []
    if mover.truck is not None:
        low, high = mover.truck
        found.append((x - TRUCK_HALF, x + TRUCK_HALF, y + low, y + high, METAL, METAL_MOST))
    for placed in mover.carries:
        load = placed.load
        if placed is not but and load.absorbs:
            half_x, half_y, _, _ = load.box
            at_x, at_y = x + placed.dx, y + placed.dy
            found.append((at_x - half_x, at_x + half_x, at_y - half_y, at_y + half_y, load.absorbs, GOODS_MOST))
    return found


def shade(antenna: Antenna, x: float, y: float, found: list[Block]) -> float:
    """How many dB the straight way from an antenna to (x, y) loses to blocks; one above a door looks over them."""
    if antenna.side == "top":
        return 0.0
    from_x, from_y = antenna.x, antenna.y
    lost, east, north = 0.0, x - from_x, y - from_y
    for left, right, low, high, absorbs, most in found:  # the part of the way that lies in the rectangle
        begin, end = 0.0, 1.0
        for step, near_side, far_side in ((east, left - from_x, right - from_x), (north, low - from_y, high - from_y)):
            if -1e-9 < step < 1e-9:
                if near_side > 0 or far_side < 0:
                    break
                continue
            one, other = near_side / step, far_side / step
            if one > other:
                one, other = other, one
            if one > begin:
                begin = one
            if other < end:
                end = other
            if end <= begin:
                break
        else:
            lost += min(most, absorbs * (end - begin) * math.hypot(east, north))
    return lost


def near(door: Door, mover: Mover, reach: float) -> tuple[float, float] | None:
    """The span of seconds in which a mover is within `reach` metres of a door; None when it never is."""
    way = mover.way
    close = [
        index
        for index in range(0, len(way.xs), 5)
        if math.hypot(way.xs[index] - door.x, way.ys[index] - 0.5) < reach
        and (mover.door == door.number or way.ys[index] > TRAILER - 0.5)
    ]
    ends_close = math.hypot(way.xs[-1] - door.x, way.ys[-1] - 0.5) < reach and (
        mover.door == door.number or way.ys[-1] > TRAILER - 0.5
    )
    if not close and not ends_close:
        return None
    begin = mover.appears if close and close[0] == 0 else way.start + STEP * (close[0] if close else len(way.xs) - 1)
    end = mover.gone if ends_close else way.start + STEP * (close[-1] + 5)
    return max(begin, mover.appears), min(end, mover.gone)
