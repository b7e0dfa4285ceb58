"""What a reader hears: antenna after antenna, frame after frame, whoever has power enough and a slot alone."""

import cmath
import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

from simulators.rf.gen2 import S1_PERSISTENCE, frame, frame_q
from simulators.rf.physics import (
    BACK,
    CHANNELS,
    GAINS,
    PATTERN_POWER,
    WAVE,
    Antenna,
    K,
    Tag,
    answers,
    field,
    levels,
    sea,
)
from simulators.rf.scene import TRAILER, Door, Mover, near

REACH: Final = 10.0
"""Metres beyond which nothing is asked: free space at 36 dBm EIRP wakes the best chip at 11 m, without any goods."""

LUCKY: Final = 7.0
"""dB that echoes can add to free space (three in phase, less the rest); what is hopeless even so is skipped."""

STIR_REACH: Final = 2.5
"""Metres over which a moving truck's echoes fade (1/e) for tags that stand still."""

STIR: Final = 0.45
"""Echo of a truck beside an antenna against the direct ray: a metal plate of 2 m² some metres off."""

DRIFT: Final = 0.08
"""Share of the field that wanders by itself within seconds: people, doors, temperature."""

FRESH: Final = 0.03
"""Metres a mover goes before its links are computed anew: a twelfth of a wavelength, 1/6 of what fading repeats in."""

RSSI_NOISE: Final = 0.6
"""dB from read to read with everything standing still (R420: 0.5…1)."""

PHASE_NOISE: Final = 0.12
"""Radians from read to read (R420: 0.1 in good light, Yang et al. 2014 'Tagoram')."""


class Heard(NamedTuple):
    """One read: µs of true time since the shift began, antenna port, EPC hex, dBm, channel, phase in 1/4096 turn."""

    at: int
    antenna: int
    epc: str
    rssi: float
    channel: int
    phase: int


class Voice(NamedTuple):
    """A tag that answers in this frame."""

    tag: Tag
    rssi: float
    phase: float
    speed: float
    """m/s away from the antenna."""


@dataclass(slots=True)
class Still:
    """A tag that stands, as one antenna hears it on one channel: its field, and dB by which its chip is awake."""

    tag: Tag
    field: complex
    margin: float
    heard: float


class Glance(NamedTuple):
    """What one antenna has from a mover at a place: tags with their probability to answer, dBm and phase."""

    x: float
    y: float
    channel: int
    awake: list[tuple[Tag, float, float, float]]


class Listener:
    """The radio of one reader over a whole shift."""

    def __init__(self, door: Door, movers: list[Mover], chance: Random) -> None:
        self.door = door
        self.chance = chance
        self._seas = {antenna.port: sea(chance) for antenna in door.antennas}
        self._offsets = {
            (antenna.port, channel): chance.uniform(0, 2 * math.pi)
            for antenna in door.antennas
            for channel in range(1, CHANNELS + 1)
        }
        spans = [(span, mover) for mover in movers if (span := near(door, mover, REACH)) is not None]
        self._pool = sorted(spans, key=lambda each: each[0][0])
        self._still: dict[tuple[int, int, int, bool], list[Still]] = {}
        self._last: dict[tuple[int, int], Glance] = {}
        self._asleep: dict[str, int] = {}

    def listen(self, begin: int, end: int) -> Iterator[Heard]:
        """Everything read from `begin` to `end` (µs), in order of time."""
        now, turn, channel, expected = begin, 0, 1, 4
        next_hop = begin + self.door.hop
        antennas = self.door.antennas
        while now < end:
            antenna = antennas[turn % len(antennas)]
            turn += 1
            until = now + self.door.dwell
            second = now / 1e6
            around = [mover for (first, last), mover in self._pool if first <= second < last]
            while now < until:
                if now >= next_hop:
                    channel = self.chance.randint(1, CHANNELS)
                    next_hop = now + self.door.hop
                voices = self._voices(antenna, channel, around, now / 1e6)
                if self.door.session == 1:
                    voices = [voice for voice in voices if self._asleep.get(voice.tag.epc, 0) <= now]
                slots, took = frame(len(voices), frame_q(expected), self.chance)
                expected = len(voices)
                for number, after in slots:
                    yield self._heard(antenna, channel, voices[number], now, after)
                now += took

    def _heard(self, antenna: Antenna, channel: int, voice: Voice, now: int, after: int) -> Heard:
        gauss, step = self.chance.gauss, self.door.rssi_step
        if self.door.session == 1:
            self._asleep[voice.tag.epc] = now + after + self.chance.randint(*S1_PERSISTENCE)
        turn = voice.phase + 2 * K * voice.speed * after / 1e6 + self._offsets[antenna.port, channel]
        if self.door.phase_flips and self.chance.random() < 0.5:
            turn += math.pi
        phase = round((turn + gauss(0, PHASE_NOISE)) / (2 * math.pi) * 4096) % 4096
        rssi = round((voice.rssi + gauss(0, RSSI_NOISE)) / step) * step
        return Heard(now + after, antenna.port, voice.tag.epc, rssi, channel, phase)

    def _voices(self, antenna: Antenna, channel: int, around: list[Mover], second: float) -> list[Voice]:
        """Who answers a query of this antenna now."""
        voices: list[Voice] = []
        stills: list[Mover] = []
        stir, wave = 0.0, 0.0
        for mover in around:
            x, y = mover.way.at(second)
            if y < TRAILER and mover.door != self.door.number:
                continue
            if not mover.way.start <= second < mover.way.end:
                stills.append(mover)
                continue
            distance = math.hypot(x - antenna.x, y - antenna.y)
            stir, wave = max((stir, wave), (STIR * math.exp(-distance / STIR_REACH), 2 * K * (x + y)))
            if mover.carries and not _hopeless(antenna, x, y, distance):
                voices += self._moving(antenna, channel, mover, (x, y), second)
        for mover in stills:
            before = second < mover.way.start
            for still in self._standing(antenna, channel, mover, before):
                voice = self._stirred(still, stir, wave, second)
                if voice is not None:
                    voices.append(voice)
        return voices

    def _moving(
        self, antenna: Antenna, channel: int, mover: Mover, place: tuple[float, float], second: float
    ) -> Iterator[Voice]:
        x, y = place
        later_x, later_y = mover.way.at(second + 0.1)
        step = math.hypot(later_x - antenna.x, later_y - antenna.y) - math.hypot(x - antenna.x, y - antenna.y)
        key = (id(mover), antenna.port)
        last = self._last.get(key)
        if last is None or last.channel != channel or abs(x - last.x) + abs(y - last.y) > FRESH:
            last = self._last[key] = Glance(x, y, channel, self._awake(antenna, channel, mover, x, y))
        chosen = self.chance.random
        for tag, chance, heard, phase in last.awake:
            if chosen() < chance:
                yield Voice(tag, heard, phase, step * 10)

    def _awake(
        self, antenna: Antenna, channel: int, mover: Mover, x: float, y: float
    ) -> list[tuple[Tag, float, float, float]]:
        """The tags of a mover at this place that may answer: probability, dBm and phase of each."""
        around, found = self._seas[antenna.port], []
        for placed in mover.carries:
            box = placed.load.box
            middle_x, middle_y, middle_z = x + placed.dx, y + placed.dy, box.z
            for tag in placed.load.tags:
                one = field(
                    antenna, around, tag, box, (middle_x + tag.dx, middle_y + tag.dy, middle_z + tag.dz), channel
                )
                margin, heard = levels(antenna, tag, 20 * math.log10(abs(one) or 1e-9))
                if margin > -3:
                    found.append((tag, answers(margin, heard), heard, -2 * cmath.phase(one) + tag.offset))
        return found

    def _standing(self, antenna: Antenna, channel: int, mover: Mover, before: bool) -> list[Still]:
        """The tags of something that stands which this antenna has a chance to hear, computed once."""
        key = (id(mover), antenna.port, channel, before)
        found = self._still.get(key)
        if found is not None:
            return found
        found = self._still[key] = []
        x, y = (mover.way.xs[0], mover.way.ys[0]) if before else (mover.way.xs[-1], mover.way.ys[-1])
        around = self._seas[antenna.port]
        for placed in mover.carries:
            box = placed.load.box
            if _hopeless(antenna, x + placed.dx, y + placed.dy, math.hypot(x - antenna.x, y - antenna.y), 1.7):
                continue
            for tag in placed.load.tags:
                place = (x + placed.dx + tag.dx, y + placed.dy + tag.dy, box.z + tag.dz)
                one = field(antenna, around, tag, box, place, channel)
                if before and mover.shade:
                    one *= 10 ** (-mover.shade / 20)
                margin, heard = levels(antenna, tag, 20 * math.log10(abs(one) or 1e-9))
                if margin > -7:
                    found.append(Still(tag, one, margin, heard))
        return found

    def _stirred(self, still: Still, stir: float, wave: float, second: float) -> Voice | None:
        """A standing tag, its field changed by what moves nearby; None when it does not answer."""
        tag = still.tag
        change = 1 + DRIFT * tag.stirred * cmath.exp(1j * (0.9 * second + tag.offset))
        if stir > 0.02:
            change += stir * tag.stirred * cmath.exp(1j * (wave + tag.phases[0]))
        shift = 20 * math.log10(abs(change) or 1e-9)
        heard = still.heard + 2 * shift
        if self.chance.random() >= answers(still.margin + shift, heard):
            return None
        return Voice(tag, heard, -2 * cmath.phase(still.field * change) + tag.offset, 0.0)


def _hopeless(antenna: Antenna, x: float, y: float, distance: float, half: float = 0.8) -> bool:
    """Nothing on a load with its middle here can wake, however lucky: skipped before any tag is looked at."""
    if distance < 3.0:
        return False
    east, north = x - antenna.x, y - antenna.y
    facing = (east * antenna.look[0] + north * antenna.look[1]) / distance
    spread = half / distance  # the load's edge may stand nearer to the beam than its middle
    facing = min(1.0, facing + spread)
    beam = max(facing**PATTERN_POWER, BACK) if facing > 0 else BACK
    best = 20 * math.log10(beam * WAVE / (4 * math.pi * max(distance - half, 0.5)))
    return antenna.power + GAINS + best + LUCKY + 21.0 < -3.0
