"""One link, reader antenna to tag and back: distance, patterns, floor and wall echoes, diffuse field, goods.

Metres, dB, dBm, radians. x runs along the wall, y from the street (negative) into the hall, z up from the floor.
"""

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Final, NamedTuple

LIGHT: Final = 299_792_458.0
CARRIER: Final = 866.3e6
"""Hz, the middle of ETSI EN 302 208's lower band; at 915 MHz everything is 0.5 dB weaker and echoes 5 % closer."""

CHANNEL_STEP: Final = 600e3
"""Hz between the four high-power channels (EN 302 208: 865.7, 866.3, 866.9, 867.5 MHz)."""

CHANNELS: Final = 4
WAVE: Final = LIGHT / CARRIER
"""34.6 cm."""
K: Final = 2 * math.pi / WAVE

PATTERN_POWER: Final = 1.75
"""Field of a patch antenna is cos^1.75: half power at ±35°, the 70° beam of the usual 8.5 dBic portal antenna."""

BACK: Final = 0.12
"""Field behind and beside the patch: 18 dB front-to-back, as data sheets promise."""

READER_GAIN: Final = 5.5
"""dBi towards one linear tag: 8.5 dBic less the 3 dB that a circular wave loses on a dipole (Nikitin & Rao 2006)."""

TAG_GAIN: Final = 2.0
"""dBi of a dipole inlay at its best."""

NULL: Final = 0.25
"""Field left along the dipole's axis (−12 dB): bent arms and echoes leave no perfect null."""

MODULATION: Final = 6.0
"""dB between what a tag takes and what it sends back (ΔΓ²/4 of an ideal ASK chip; Nikitin & Rao 2006)."""

FLOOR_ECHO: Final = -0.35
"""Concrete's reflection of a circular wave at the angles of a portal, between −0.2 steep and −0.6 grazing."""

WALL_ECHO: Final = 0.3
"""The opposite post, door track and dock leveller: metal, but not a whole wall of it."""

TRAILER: Final = -0.6
"""y at which the trailer begins: sheet metal, so what is in it is seen through its own door only, and"""

BOXED: Final = 2.0
"""its walls throw the waves about: the diffuse field in it is twice as strong (6 dB) as before the door."""

WAVES: Final = 3
"""Plane waves that make the diffuse field; with three, it already fades over half a wavelength and has deep nulls."""

ECHO_PATHS: Final = (3.0, 12.0)
"""Metres that diffuse waves travel further than the direct ray: makes fading differ from channel to channel."""

SIDEWAYS: Final = 0.35
"""Least share of the diffuse field that an antenna looking elsewhere makes (−9 dB): the hall mixes it."""

NEAREST: Final = 0.35
"""Metres; nearer than a wavelength Friis' formula says too much, and a driver keeps off the antennas anyway."""

READER_FLOOR: Final = -84.0
"""dBm below which no reader decodes a tag (R420, FX9600: −82…−84); passive tags are out of power before that."""

SHARPNESS: Final = 0.5
"""dB; a chip wakes within ±1 dB of its sensitivity, as threshold measurements (Voyantic Tagformance) show."""

DECODED: Final = 0.93
"""Share of answers a reader decodes that reach it well: CRC errors, impulse noise, neighbours in the same channel."""


class Material(NamedTuple):
    """What the goods do to the tag on them and to a wave that crosses them.

    `penalty` dB of gain lost on the object (Griffin et al. 2006: cardboard 0.9, wood 4.7, water 5.8, metal 10.4 when
    stuck on; labels on cartons have air behind them and lose less), `spread` its standard deviation, `absorbs` dB per
    metre of goods (with their air), one way.
    """

    name: str
    penalty: float
    spread: float
    absorbs: float


PAPER: Final = Material("paper", 1.0, 0.8, 5.0)
TEXTILE: Final = Material("textile", 0.8, 0.8, 3.0)
PLASTIC: Final = Material("plastic", 1.2, 0.8, 4.0)
MIXED: Final = Material("mixed food", 2.0, 1.2, 12.0)
FROZEN: Final = Material("frozen", 3.0, 1.5, 15.0)
LIQUID: Final = Material("liquid", 4.5, 2.0, 45.0)
CANS: Final = Material("cans", 5.5, 2.5, 60.0)


@dataclass(slots=True)
class Antenna:
    """A reader antenna: LLRP port, where it hangs, where it looks (unit vector), and dBm at its connector."""

    port: int
    row: str
    side: str
    x: float
    y: float
    z: float
    look: tuple[float, float, float]
    power: float
    wall: float
    """x of the metal opposite."""


@dataclass(slots=True)
class Tag:
    """A tag, where it sits from the middle of its load (`dx`, `dy`, `dz`), and what makes it different from others."""

    epc: str
    dx: float
    dy: float
    dz: float
    axis: tuple[float, float, float]
    sensitivity: float
    """dBm the chip needs."""
    penalty: float
    """dB."""
    absorbs: float
    """dB per metre of the load."""
    core: float
    """dB that every wave loses on its way in, wherever it comes from."""
    phases: tuple[float, ...]
    offset: float
    stirred: complex = 0j
    """How much its field follows what moves nearby, when it does not move itself."""
    need: float = field(init=False)
    """Relative one-way field that wakes it at 0 dBm and 0 dBi."""
    decay: float = field(init=False)
    inside: float = field(init=False)
    """What `absorbs` and `core` leave of a field: per metre as an exponent, and as a factor."""

    def __post_init__(self) -> None:
        self.need = 10 ** ((self.sensitivity + self.penalty) / 20)
        self.decay = -self.absorbs * _NEPER
        self.inside = math.exp(-self.core * _NEPER)


class Box(NamedTuple):
    """Half extents of a load, and the height of its middle."""

    half_x: float
    half_y: float
    half_z: float
    z: float


class Sea:
    """The diffuse field at one antenna: plane waves from all sides, some from above and below."""

    def __init__(self, chance: Random, rician: float) -> None:
        """`rician` is K in dB: how far all of them together lie below the free direct ray."""
        self.strength = 10 ** (rician / -20) / math.sqrt(WAVES)
        self.waves: list[tuple[float, float, float]] = []
        for _ in range(WAVES):
            around, up = chance.uniform(0, 2 * math.pi), chance.uniform(-0.5, 0.5)
            flat = K * math.cos(up)
            self.waves.append((flat * math.cos(around), flat * math.sin(around), K * math.sin(up)))
        self._slopes = [_CHANNEL_TURN * chance.uniform(*ECHO_PATHS) for _ in range(WAVES)]
        self._known: dict[tuple[int, int, float, float], list[Seat]] = {}

    def at(self, x: float, y: float) -> list[complex]:
        """The waves' phasors at a place on the floor."""
        return [cmath.rect(1.0, wave_x * x + wave_y * y) for wave_x, wave_y, _ in self.waves]

    def on(self, antenna: Antenna, tags: Sequence[Tag], box: Box, channel: int) -> "list[Seat]":
        """For each tag of a load what is the same wherever the load is."""
        key = (id(tags), channel, antenna.z, antenna.look[2])
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = [_seat(antenna, tag, box, self._phasors(tag, box, channel)) for tag in tags]
        return found

    def _phasors(self, tag: Tag, box: Box, channel: int) -> tuple[complex, ...]:
        """The phasors of the waves at a tag against those in the load's middle."""
        return tuple(
            cmath.rect(1.0, wave_x * tag.dx + wave_y * tag.dy + wave_z * (box.z + tag.dz) + phase + slope * channel)
            for (wave_x, wave_y, wave_z), slope, phase in zip(self.waves, self._slopes, tag.phases, strict=True)
        )


class Seat(NamedTuple):
    """A tag on its load before an antenna, with all that does not change when the load moves on the floor.

    `left`, `right`, `low` and `high` are the faces of the box from the tag; `top` is the share of the way to the
    antenna's height that lies in the box; `up` metres to the tag's height, `up_look` and `up_axis` their part in the
    angles, `echo_up` in the way by the floor.
    """

    tag: Tag
    phasors: tuple[complex, ...]
    dx: float
    dy: float
    left: float
    right: float
    low: float
    high: float
    top: float
    up: float
    up_look: float
    up_axis: float
    echo_up: float
    axis_x: float
    axis_y: float
    need: float
    inside: float
    decay: float


def _seat(antenna: Antenna, tag: Tag, box: Box, phasors: tuple[complex, ...]) -> Seat:
    height = box.z + tag.dz
    up, top = height - antenna.z, 1.0
    if up < -TINY:
        top = min(top, (tag.dz - box.half_z) / up)
    elif up > TINY:
        top = min(top, (tag.dz + box.half_z) / up)
    return Seat(
        tag=tag,
        phasors=phasors,
        dx=tag.dx,
        dy=tag.dy,
        left=tag.dx - box.half_x,
        right=tag.dx + box.half_x,
        low=tag.dy - box.half_y,
        high=tag.dy + box.half_y,
        top=top,
        up=up,
        up_look=up * antenna.look[2],
        up_axis=up * tag.axis[2],
        echo_up=(height + antenna.z) ** 2,
        axis_x=tag.axis[0],
        axis_y=tag.axis[1],
        need=tag.need,
        inside=tag.inside,
        decay=tag.decay,
    )


GAINS: Final = READER_GAIN + TAG_GAIN
_FREE_SPACE = WAVE / (4 * math.pi)
_CHANNEL_TURN = 2 * math.pi * CHANNEL_STEP / LIGHT
_BEST = 1 - FLOOR_ECHO + WALL_ECHO
TINY: Final = 1e-9
_NEPER = math.log(10) / 20


class Audible(NamedTuple):
    """A tag whose chip has power: dB to spare, dBm at the reader, and the phase there (radians, by distance alone)."""

    tag: Tag
    margin: float
    heard: float
    phase: float


_audible = partial(tuple.__new__, Audible)
"""`Audible` from a tuple: a third of the time that naming its fields takes."""


def audible(
    antenna: Antenna,
    around: Sea,
    tags: Sequence[Tag],
    box: Box,
    place: tuple[float, float],
    channel: int,
    shade: float,
    least: float,
) -> list[Audible]:
    """The tags of a load that have at least `least` dB to spare at an antenna: rays are added up with their phases.

    What cannot wake however its echoes fall is left out before any angle is computed; that changes no result.

    Args:
        antenna: the reader's antenna.
        around: its diffuse field.
        tags: those of one load.
        box: the load they sit on.
        place: x and y of the load's middle.
        channel: 1…4.
        shade: dB that the direct ray and its floor echo lose to what stands between (`scene.shade`).
        least: dB to spare, may be negative.
    """
    found: list[Audible] = []
    budget = 10 ** ((antenna.power + GAINS - least) / -20) / _FREE_SPACE
    open_sky = 10 ** (shade / -20)
    diffuse = around.strength * (BOXED if place[1] < TRAILER else 1.0)
    wave_number = K + _CHANNEL_TURN * channel
    one_here, two_here, three_here = around.at(*place)  # WAVES of them
    place_x, place_y = place
    antenna_x, antenna_y, power = antenna.x, antenna.y, antenna.power
    look_x, look_y, _ = antenna.look
    to_wall = antenna.wall - antenna_x
    sqrt, rect, exp = math.sqrt, cmath.rect, math.exp
    for (
        tag, (one_wave, two_wave, three_wave), dx, dy, left, right, low, high, top, up, up_look, up_axis, echo_up,
        axis_x, axis_y, wakes, inside, decay,
    ) in around.on(antenna, tags, box, channel):  # fmt: skip
        east, north = place_x + dx - antenna_x, place_y + dy - antenna_y
        flat = east * east + north * north
        distance = sqrt(flat + up * up) or NEAREST
        friis = distance if distance > NEAREST else NEAREST
        need = wakes * budget * friis
        facing = (east * look_x + north * look_y + up_look) / distance
        beam = facing**PATTERN_POWER if facing > 0 else 0.0
        if beam < BACK:
            beam = BACK
        spread = diffuse * (beam if beam > SIDEWAYS else SIDEWAYS) * inside
        if beam * _BEST + spread * WAVES < need:
            continue
        along = (east * axis_x + north * axis_y + up_axis) / distance
        across = 1 - along * along
        across = sqrt(across) if across > 0 else 0.0
        lobe = beam * (across if across > NULL else NULL)
        # Metres of goods on the way, of which `share` lies before the first face of the box.
        beyond = low / north if north < -TINY else high / north if north > TINY else 1.0
        sideways = beyond if beyond < top else top
        beyond = left / east if east < -TINY else right / east if east > TINY else 1.0
        share = beyond if beyond < sideways else sideways
        ray = open_sky * lobe * exp((share * distance if share > 0 else 0.0) * decay)
        if ray * (1 - FLOOR_ECHO) + lobe * WALL_ECHO + spread * WAVES < need:
            continue
        floor = sqrt(flat + echo_up)
        one = ray + rect(ray * FLOOR_ECHO * distance / floor, K * (distance - floor))
        one += spread * (one_here * one_wave + two_here * two_wave + three_here * three_wave)
        if (to_wall - east) * to_wall > 0:  # between antenna and wall: an echo comes from behind
            wall = sqrt((2 * to_wall - east) ** 2 + north * north + up * up)
            beyond = left / -east if east > TINY else right / -east if east < -TINY else 1.0
            share = beyond if beyond < sideways else sideways
            echo = lobe * exp((share * distance if share > 0 else 0.0) * decay)
            one += rect(echo * WALL_ECHO * distance / wall, K * (distance - wall))
        link = 20 * math.log10((abs(one) or 1e-9) * _FREE_SPACE / friis) + GAINS - tag.penalty
        margin = power + link - tag.sensitivity
        if margin >= least:
            phase = 2 * (wave_number * distance - cmath.phase(one)) + tag.offset
            found.append(_audible((tag, margin, power + 2 * link - MODULATION, phase)))
    return found


def answers(margin: float, heard: float) -> float:
    """The probability that a tag that is asked alone is also decoded."""
    if margin < -3 or heard < READER_FLOOR:
        return 0.0
    return DECODED if margin > 3 else DECODED / (1 + math.exp(-margin / SHARPNESS))
