"""One link, reader antenna to tag and back: distance, patterns, floor and wall echoes, diffuse field, goods.

Metres, dB, dBm, radians. x runs along the wall, y from the street (negative) into the hall, z up from the floor.
"""

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import mul
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
        self._known: dict[tuple[int, int], list[tuple[complex, ...]]] = {}

    def at(self, x: float, y: float) -> list[complex]:
        """The waves' phasors at a place on the floor."""
        return [cmath.rect(1.0, wave_x * x + wave_y * y) for wave_x, wave_y, _ in self.waves]

    def on(self, tags: Sequence[Tag], box: Box, channel: int) -> list[tuple[complex, ...]]:
        """For each tag of a load the phasors of the waves against those in the load's middle."""
        key = (id(tags), channel)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = [
                tuple(
                    cmath.rect(
                        1.0, wave_x * tag.dx + wave_y * tag.dy + wave_z * (box.z + tag.dz) + phase + slope * channel
                    )
                    for (wave_x, wave_y, wave_z), slope, phase in zip(self.waves, self._slopes, tag.phases, strict=True)
                )
                for tag in tags
            ]
        return found


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
    found = []
    budget = 10 ** ((antenna.power + GAINS - least) / -20) / _FREE_SPACE
    open_sky = 10 ** (shade / -20)
    diffuse = around.strength * (BOXED if place[1] < TRAILER else 1.0)
    wave_number = K + _CHANNEL_TURN * channel
    here = around.at(*place)
    for tag, phasors in zip(tags, around.on(tags, box, channel), strict=True):
        east, north = place[0] + tag.dx - antenna.x, place[1] + tag.dy - antenna.y
        high = box.z + tag.dz
        up = high - antenna.z
        flat = east * east + north * north
        distance = math.sqrt(flat + up * up) or NEAREST
        need = tag.need * budget * max(distance, NEAREST)
        facing = (east * antenna.look[0] + north * antenna.look[1] + up * antenna.look[2]) / distance
        beam = max(facing**PATTERN_POWER, BACK) if facing > 0 else BACK
        spread = diffuse * max(beam, SIDEWAYS) * tag.inside
        if beam * _BEST + spread * WAVES < need:
            continue
        axis = tag.axis
        along = (east * axis[0] + north * axis[1] + up * axis[2]) / distance
        lobe = beam * max(math.sqrt(max(1 - along * along, 0.0)), NULL)
        ray = open_sky * lobe * math.exp(_through(tag, box, east, north, up, distance) * tag.decay)
        if ray * (1 - FLOOR_ECHO) + lobe * WALL_ECHO + spread * WAVES < need:
            continue
        floor = math.sqrt(flat + (high + antenna.z) ** 2)
        one = ray + cmath.rect(ray * FLOOR_ECHO * distance / floor, K * (distance - floor))
        one += spread * sum(map(mul, here, phasors))
        to_wall = antenna.wall - antenna.x
        if (to_wall - east) * to_wall > 0:  # between antenna and wall: an echo comes from behind
            wall = math.sqrt((2 * to_wall - east) ** 2 + north * north + up * up)
            echo = lobe * math.exp(_through(tag, box, -east, north, up, distance) * tag.decay)
            one += cmath.rect(echo * WALL_ECHO * distance / wall, K * (distance - wall))
        link = 20 * math.log10((abs(one) or 1e-9) * _FREE_SPACE / max(distance, NEAREST)) + GAINS - tag.penalty
        margin = antenna.power + link - tag.sensitivity
        if margin >= least:
            phase = 2 * (wave_number * distance - cmath.phase(one)) + tag.offset
            found.append(Audible(tag, margin, antenna.power + 2 * link - MODULATION, phase))
    return found


def _through(tag: Tag, box: Box, east: float, north: float, up: float, distance: float) -> float:
    """Metres of goods between the tag and an antenna that is (−east, −north, −up) away from it."""
    share = 1.0  # of the way to the antenna, up to the first face of the box
    if east < -TINY:
        share = min(share, (tag.dx - box.half_x) / east)
    elif east > TINY:
        share = min(share, (tag.dx + box.half_x) / east)
    if north < -TINY:
        share = min(share, (tag.dy - box.half_y) / north)
    elif north > TINY:
        share = min(share, (tag.dy + box.half_y) / north)
    if up < -TINY:
        share = min(share, (tag.dz - box.half_z) / up)
    elif up > TINY:
        share = min(share, (tag.dz + box.half_z) / up)
    return share * distance if share > 0 else 0.0


def answers(margin: float, heard: float) -> float:
    """The probability that a tag that is asked alone is also decoded."""
    if margin < -3 or heard < READER_FLOOR:
        return 0.0
    return DECODED if margin > 3 else DECODED / (1 + math.exp(-margin / SHARPNESS))
