"""What a reader hears: antenna after antenna, frame after frame, whoever has power enough and a slot alone."""

import cmath
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Final, NamedTuple

from simulators.rf.gen2 import LINKS, Flags, frame, frame_q
from simulators.rf.physics import (
    BACK,
    CHANNELS,
    GAINS,
    PATTERN_POWER,
    TRAILER,
    WAVE,
    Antenna,
    Audible,
    K,
    Sea,
    Tag,
    answers,
    audible,
)
from simulators.rf.scene import Block, Door, Mover, blocks, near, shade

REACH: Final = 10.0
"""Metres beyond which nothing is asked: free space at 36 dBm EIRP wakes the best chip at 11 m, without any goods."""

LUCKY: Final = 7.5
"""dB that echoes can add to free space when all are in phase; what is hopeless even so is skipped."""

STIR_REACH: Final = 2.5
"""Metres over which a moving truck's echoes fade (1/e) for tags that stand still."""

STIR: Final = 0.45
"""Echo of a truck beside an antenna against the direct ray: a metal plate of 2 m² some metres off."""

STIRS: Final = 0.05
"""Echo below which nothing is stirred: it would change levels by less than the drift does."""

STIRRED: Final = 0.06
"""Seconds for which a stirred level is taken as the same: a truck goes 8 cm, its echo half a wavelength."""

DRIFT: Final = 0.08
"""Share of the field that wanders by itself within seconds: people, doors, temperature."""

DRIFT_TURN: Final = 0.9
"""Radians per second of that wandering."""

DRIFTS: Final = 0.25
"""Seconds for which a standing tag's level is taken as the same: its drift turns by a seventh of a radian."""

SHADE_MOST: Final = 10.0
"""dB that something moving before a standing tag takes at most: its echoes come from elsewhere."""

FRESH: Final = 0.05
"""Metres a mover goes before its levels are computed anew: a seventh of a wavelength; its phase goes on in between.
Beyond two metres it is FRESH per metre, at most four times: few tags are heard from there, and weakly."""

RSSI_NOISE: Final = 0.6
"""dB from read to read with everything standing still (R420: 0.5…1)."""

PHASE_NOISE: Final = 0.12
"""Radians from read to read (R420: 0.1 in good light, Yang et al. 2014 'Tagoram')."""

GHOST: Final = 1e-6
"""Share of reads with a wrong EPC: one answer in twenty is garbled, and CRC-16 lets one of 65,536 of these pass."""

ASLEEP: Final = -3.0
"""dB below its sensitivity at which a chip never answers (`answers`)."""

STILL_LEAST: Final = -9.0
"""dB below its sensitivity at which nothing that moves nearby lifts a standing tag: what is above is kept in mind."""


class Heard(NamedTuple):
    """One read: µs of true time since the shift began, antenna port, EPC hex, dBm, channel, phase in 1/4096 turn."""

    at: int
    antenna: int
    epc: str
    rssi: float
    channel: int
    phase: int


_read = partial(tuple.__new__, Heard)

Voice = tuple[Tag, float, float, float]
"""A tag that answers in this frame: dBm, phase, and m/s away from the antenna."""


@dataclass(slots=True)
class Still:
    """A tag that stands, as one antenna hears it on one channel; `until` when its drift is looked at again (s)."""

    link: Audible
    margin: float
    """dB to spare while nothing moves."""
    slow: complex
    """How its field drifts, and"""
    quick: complex
    """how it follows what moves nearby, both against its own strength."""
    lift: float
    """dB that an echo as strong as the direct ray can add at most."""
    until: float = -1.0
    quiet: bool = True
    chance: float = 0.0
    voice: Voice | None = None


class Stand(NamedTuple):
    """Where a load stands, and its tags that an antenna may hear on a channel; `calm`: when nothing moves nearby."""

    x: float
    y: float
    stills: list[Still]
    calm: list[Still]


class Glance(NamedTuple):
    """What one antenna has from a mover at a place: tags with their probability to answer, dBm and phase."""

    x: float
    y: float
    second: float
    channel: int
    awake: list[tuple[Tag, float, float, float]]


class Stir(NamedTuple):
    """What moves near an antenna: the strength of its echo with its phase, and what it puts into the way."""

    strength: float
    echo: complex
    blocks: list[Block]


class Turn:
    """What is around while an antenna has its turn: `around` is whose second has come, and what of it stands still.

    Most of what is around stands for the whole turn: it is put together once for each channel, in the order of all.
    """

    def __init__(self, around: list[Mover], begin: float, end: float, door: int) -> None:
        """Seconds."""
        self.movers: list[tuple[Mover, bool | None]] = []  # None: it may move in this turn; else it has not started yet
        for mover in around:
            way = mover.way
            stands = True if end <= way.start else False if way.end <= begin else None
            if stands is not None and mover.door != door and (way.ys[0] if stands else way.ys[-1]) < TRAILER:
                continue
            self.movers.append((mover, stands))
        self.moving = [mover for mover, stands in self.movers if stands is None]
        self.standing: dict[int, list[Stand]] = {}  # by channel


class Listener:
    """The radio of one reader over a whole shift."""

    def __init__(self, door: Door, movers: list[Mover], chance: Random) -> None:
        self.door = door
        self.chance = chance
        self._seas = {antenna.port: Sea(chance, door.rician) for antenna in door.antennas}
        self._offsets = {
            (antenna.port, channel): chance.uniform(0, 2 * math.pi)
            for antenna in door.antennas
            for channel in range(1, CHANNELS + 1)
        }
        spans = [(span, mover) for mover in movers if (span := near(door, mover, REACH)) is not None]
        self._pool = sorted(spans, key=lambda each: each[0][0])
        self._still: dict[tuple[int, int, int, bool], list[Stand]] = {}
        self._last: dict[tuple[int, int], Glance] = {}
        self._flags = Flags(door.persists, single=door.single, chance=chance) if door.session else None

    def listen(self, begin: int, end: int) -> Iterator[Heard]:
        """Everything read from `begin` to `end` (µs), in order of time."""
        now, turn, channel, expected = begin, 0, 1, 4
        next_hop = begin + self.door.hop
        antennas, flags, link = self.door.antennas, self._flags, LINKS[self.door.link]
        while now < end:
            antenna = antennas[turn % len(antennas)]
            turn += 1
            until = now + self.door.dwell
            second = now / 1e6
            around = [mover for (first, last), mover in self._pool if first <= second < last]
            here = Turn(around, second, until / 1e6, self.door.number)
            while now < until:
                if now >= next_hop:
                    channel = self.chance.randint(1, CHANNELS)
                    next_hop = now + self.door.hop
                second = now / 1e6
                voices = self._voices(antenna, channel, here, second)
                if flags is not None:
                    voices = [voice for voice in voices if flags.takes_part(voice[0].epc, second)]
                slots, took = frame(len(voices), frame_q(expected), link, self.chance)
                expected = len(voices)
                for number, after in slots:
                    yield self._heard(antenna, channel, voices[number], now, after)
                if flags is not None:
                    flags.read([voices[number][0].epc for number, _ in slots], of=len(voices), now=second)
                now += took

    def _heard(self, antenna: Antenna, channel: int, voice: Voice, now: int, after: int) -> Heard:
        chance, door = self.chance, self.door
        gauss, step = chance.gauss, door.rssi_step
        tag, level, phase, speed = voice
        turn = phase + 2 * K * speed * after / 1e6 + self._offsets[antenna.port, channel]
        if door.phase_flips and chance.random() < 0.5:
            turn += math.pi
        turned = round((turn + gauss(0, PHASE_NOISE)) / (2 * math.pi) * 4096) % 4096
        rssi = round((level + door.rssi_offset + gauss(0, RSSI_NOISE)) / step) * step
        epc = tag.epc
        if chance.random() < GHOST:
            epc = f"{int(epc, 16) ^ chance.getrandbits(64):0{len(epc)}X}"
        return _read((now + after, antenna.port, epc, rssi, channel, turned))

    def _voices(self, antenna: Antenna, channel: int, turn: Turn, second: float) -> list[Voice]:
        """Who answers a query of this antenna now."""
        voices: list[Voice] = []
        stopped: dict[int, bool] = {}  # what may move in this turn and does not now: whether it has not started yet
        moving: list[tuple[Mover, float, float, float]] = []
        strength, wave = 0.0, 0.0
        number, antenna_x, antenna_y = self.door.number, antenna.x, antenna.y
        for mover in turn.moving:
            way = mover.way
            x, y = way.at(second)
            if y < TRAILER and mover.door != number:
                continue
            if not way.start <= second < way.end:
                stopped[id(mover)] = second < way.start
                continue
            distance = math.hypot(x - antenna_x, y - antenna_y)
            echo = STIR * math.exp(-distance / STIR_REACH), 2 * K * (x + y)
            if echo > (strength, wave):
                strength, wave = echo
            moving.append((mover, x, y, distance))
        for mover, x, y, distance in moving:
            if mover.carries and not _hopeless(antenna, x, y, distance):
                self._moving(voices, antenna, channel, mover, (x, y), distance, second, moving)
        if stopped:
            stands = [
                stand
                for mover, before in turn.movers
                if before is not None or id(mover) in stopped
                for stand in self._stands(antenna, channel, mover, stopped[id(mover)] if before is None else before)
            ]
        else:
            found = turn.standing.get(channel)
            if found is None:
                found = turn.standing[channel] = [
                    stand
                    for mover, before in turn.movers
                    if before is not None
                    for stand in self._stands(antenna, channel, mover, before)
                ]
            stands = found
        if stands:
            before_them = [block for mover, x, y, _ in moving for block in blocks(mover, x, y)]
            stir = Stir(strength, cmath.rect(strength, wave), before_them)
            self._standing(voices, antenna, stands, second, stir)
        return voices

    def _moving(
        self,
        voices: list[Voice],
        antenna: Antenna,
        channel: int,
        mover: Mover,
        place: tuple[float, float],
        distance: float,
        second: float,
        moving: list[tuple[Mover, float, float, float]],
    ) -> None:
        """Add those who answer of something that moves."""
        x, y = place
        later_x, later_y = mover.way.at(second + 0.1)
        step = math.hypot(later_x - antenna.x, later_y - antenna.y) - distance
        key = (id(mover), antenna.port)
        last = self._last.get(key)
        fresh = FRESH * min(4.0, max(1.0, distance - 1.0))
        if last is None or last.channel != channel or abs(x - last.x) + abs(y - last.y) > fresh:
            others = [block for other, a, b, _ in moving if other is not mover for block in blocks(other, a, b)]
            last = self._last[key] = Glance(x, y, second, channel, self._awake(antenna, channel, mover, place, others))
        chosen, since, speed = self.chance.random, 2 * K * step * 10 * (second - last.second), step * 10
        for tag, chance, heard, phase in last.awake:
            if chosen() < chance:
                voices.append((tag, heard, phase + since, speed))

    def _awake(
        self, antenna: Antenna, channel: int, mover: Mover, place: tuple[float, float], others: list[Block]
    ) -> list[tuple[Tag, float, float, float]]:
        """The tags of a mover at this place that may answer: probability, dBm and phase of each."""
        around, found = self._seas[antenna.port], []
        for placed in mover.carries:
            x, y = place[0] + placed.dx, place[1] + placed.dy
            lost = shade(antenna, x, y, [*blocks(mover, *place, but=placed), *others])
            load = placed.load
            for link in audible(antenna, around, load.tags, load.box, (x, y), channel, lost, ASLEEP):
                chance = answers(link.margin, link.heard)
                found.append((link.tag, chance, link.heard, link.phase))
        return found

    def _standing(self, voices: list[Voice], antenna: Antenna, stands: list[Stand], second: float, stir: Stir) -> None:
        """Add those who answer of what stands."""
        chosen, (stirs, echo, moving) = self.chance.random, stir
        strength, drift = DRIFT + stirs, cmath.rect(1.0, DRIFT_TURN * second)
        for x, y, stills, calm in stands:
            lost = min(shade(antenna, x, y, moving), SHADE_MOST) if moving else 0.0
            quiet = not lost and stirs <= STIRS
            for still in calm if not lost and not stirs else stills:
                if still.margin + still.lift * strength - lost < ASLEEP:
                    continue
                if second >= still.until or quiet != still.quiet:
                    _stir(still, 1 + still.slow * drift + still.quick * echo, lost)
                    still.until, still.quiet = second + (DRIFTS if quiet else STIRRED), quiet
                if chosen() < still.chance and still.voice is not None:
                    voices.append(still.voice)

    def _stands(self, antenna: Antenna, channel: int, mover: Mover, before: bool) -> list[Stand]:
        """What this antenna may hear of something that stands, computed once: place and tags of each load."""
        key = (id(mover), antenna.port, channel, before)
        found = self._still.get(key)
        if found is None:
            found = self._still[key] = list(self._stills(antenna, channel, mover, before))
        return found

    def _stills(self, antenna: Antenna, channel: int, mover: Mover, before: bool) -> Iterator[Stand]:
        place = (mover.way.xs[0], mover.way.ys[0]) if before else (mover.way.xs[-1], mover.way.ys[-1])
        around = self._seas[antenna.port]
        for placed in mover.carries:
            x, y, load = place[0] + placed.dx, place[1] + placed.dy, placed.load
            if _hopeless(antenna, x, y, math.hypot(x - antenna.x, y - antenna.y), 1.7):
                continue
            hidden = mover.shade if before else 0.0
            links = audible(antenna, around, load.tags, load.box, (x, y), channel, 0.0, STILL_LEAST + hidden)
            links = [Audible(tag, margin - hidden, heard - 2 * hidden, phase) for tag, margin, heard, phase in links]
            if links:
                stills = [_still(link) for link in links]
                yield Stand(x, y, stills, [one for one in stills if not one.margin + one.lift * DRIFT < ASLEEP])


def _still(link: Audible) -> Still:
    tag = link.tag
    turned = tag.stirred * cmath.rect(1.0, tag.phases[0])
    slow = DRIFT * tag.stirred * cmath.rect(1.0, tag.offset)
    return Still(link, link.margin, slow, turned, 20 / math.log(10) * abs(turned))


def _stir(still: Still, change: complex, lost: float) -> None:
    """A standing tag's field, changed by what moves nearby."""
    tag, margin, level, phase = still.link
    shift = 20 * math.log10(abs(change) or 1e-9) - lost
    heard = level + 2 * shift
    still.chance = chance = answers(margin + shift, heard)
    if chance:
        still.voice = tag, heard, phase - 2 * cmath.phase(change), 0.0


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
    return antenna.power + GAINS + best + LUCKY + 21.0 < ASLEEP
