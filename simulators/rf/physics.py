"""One link, reader antenna to tag and back: distance, patterns, floor and wall echoes, diffuse field, goods.

Metres, dB, dBm, radians. x runs along the wall, y from the street (negative) into the hall, z up from the floor.
"""

import cmath
import math
from dataclasses import dataclass
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

DIFFUSE: Final = -8.0
"""dB of everything else against the free direct ray: a Rician K of 8 dB, the middle of 5…12 dB seen in halls."""

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

TRANSPARENT: Final = 1e-6


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


class Box(NamedTuple):
    """Half extents of a load, and the height of its middle."""

    half_x: float
    half_y: float
    half_z: float
    z: float


class Sea(NamedTuple):
    """The diffuse field at one antenna: directions, and phase per channel of each wave."""

    waves: tuple[tuple[float, float, float], ...]
    slopes: tuple[float, ...]


def sea(chance: Random) -> Sea:
    """A diffuse field with waves from all sides, some from above and below."""
    waves = []
    for _ in range(WAVES):
        around, up = chance.uniform(0, 2 * math.pi), chance.uniform(-0.5, 0.5)
        flat = K * math.cos(up)
        waves.append((flat * math.cos(around), flat * math.sin(around), K * math.sin(up)))
    return Sea(tuple(waves), tuple(_CHANNEL_TURN * chance.uniform(*ECHO_PATHS) for _ in range(WAVES)))


_DIFFUSE_FIELD = 10 ** (DIFFUSE / 20) / math.sqrt(WAVES)
_FREE_SPACE = WAVE / (4 * math.pi)
_CHANNEL_TURN = 2 * math.pi * CHANNEL_STEP / LIGHT


def field(antenna: Antenna, around: Sea, tag: Tag, box: Box, at: tuple[float, float, float], channel: int) -> complex:
    """The one-way field at a tag, relative to an isotropic link without loss: 20·log10(abs) is dB, the angle its phase.

    Args:
        antenna: the reader's antenna.
        around: its diffuse field.
        tag: the tag.
        box: the load it sits on.
        at: where it is now.
        channel: 1…4.
    """
    x, y, z = at
    east, north, up = x - antenna.x, y - antenna.y, z - antenna.z
    flat = east * east + north * north
    distance = math.sqrt(flat + up * up) or NEAREST
    look, axis = antenna.look, tag.axis
    facing = (east * look[0] + north * look[1] + up * look[2]) / distance
    beam = max(facing**PATTERN_POWER, BACK) if facing > 0 else BACK
    along = (east * axis[0] + north * axis[1] + up * axis[2]) / distance
    dipole = max(math.sqrt(max(1 - along * along, 0.0)), NULL)
    # direct, and by the floor
    ray = beam * dipole * 10 ** (_through(tag, box, east, north, up, distance) * tag.absorbs / -20)
    floor = math.sqrt(flat + (z + antenna.z) ** 2)
    bounced, angle = ray * FLOOR_ECHO * distance / floor, K * (distance - floor)
    real, imaginary = ray + bounced * math.cos(angle), bounced * math.sin(angle)
    other = 2 * antenna.wall - x - antenna.x
    if (antenna.wall - x) * (antenna.wall - antenna.x) > 0:  # between antenna and wall: an echo comes from behind
        wall = math.sqrt(other * other + north * north + up * up)
        echo = WALL_ECHO * distance / wall * beam * dipole
        echo *= 10 ** (_through(tag, box, -east, north, up, distance) * tag.absorbs / -20)
        angle = K * (distance - wall)
        real += echo * math.cos(angle)
        imaginary += echo * math.sin(angle)
    spread = _DIFFUSE_FIELD * max(beam, SIDEWAYS) * 10 ** (tag.core / -20)
    for (wave_x, wave_y, wave_z), slope, phase in zip(around.waves, around.slopes, tag.phases, strict=True):
        angle = wave_x * x + wave_y * y + wave_z * z + phase + slope * channel
        real += spread * math.cos(angle)
        imaginary += spread * math.sin(angle)
    return cmath.rect(_FREE_SPACE / max(distance, NEAREST), -(K + _CHANNEL_TURN * channel) * distance) * complex(
        real, imaginary
    )


def _through(tag: Tag, box: Box, east: float, north: float, up: float, distance: float) -> float:
    """Metres of goods between the tag and an antenna that is (−east, −north, −up) away from it."""
    if tag.absorbs < TRANSPARENT:
        return 0.0
    # from the tag towards the antenna, to the first face of the box
    share = 1.0
    for step, place, half in ((-east, tag.dx, box.half_x), (-north, tag.dy, box.half_y), (-up, tag.dz, box.half_z)):
        if step > 1e-9:
            share = min(share, (half - place) / step)
        elif step < -1e-9:
            share = min(share, (-half - place) / step)
    return max(share, 0.0) * distance


GAINS: Final = READER_GAIN + TAG_GAIN


def levels(antenna: Antenna, tag: Tag, gain: float) -> tuple[float, float]:
    """The dB of power the chip has to spare, and the dBm the reader hears, for a one-way field of `gain` dB."""
    link = gain + GAINS - tag.penalty
    return antenna.power + link - tag.sensitivity, antenna.power + 2 * link - MODULATION


def answers(margin: float, heard: float) -> float:
    """The probability that a tag that is asked alone is also decoded."""
    if margin < -3 or heard < READER_FLOOR:
        return 0.0
    return DECODED if margin > 3 else DECODED / (1 + math.exp(-margin / SHARPNESS))
