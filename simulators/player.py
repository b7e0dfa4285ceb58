"""The dock-day player: turns a scenario into reads, photo-eye edges, weights and register values at their seconds.

Physics-light: a pallet approaches, is seen by one row of antennas and then by the other, each with a bell of signal
strength; what does not move is seen weakly all the time. The schedule is a pure function of the scenario and its seed.
"""

import asyncio
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from simulators import epc
from simulators.script import Passage, Portal, Scenario, Sensor
from simulators.truth import value_at

FLOOR_DBM = -79
"""Weaker than this no reader hears a tag."""
CLIMATE_STEP = 0.2
"""Seconds between two values in a sensor's registers."""
CHANNELS = 4
"""ETSI EN 302 208: four high-power channels in the lower band."""


class ReaderLike(Protocol):
    """What the player needs of a simulated reader."""

    on_gpo: Callable[[int, bool], None] | None

    def see(self, epc_hex: str, antenna: int, rssi: int = ..., channel: int = ...) -> bool:
        """One observation of one tag; False when nobody listens."""
        ...

    def gpi(self, port: int, level: bool) -> None:
        """Set an input."""
        ...


class SlaveLike(Protocol):
    """What the player needs of the Modbus slave."""

    def set_register(self, unit: int, table: str, address: int, values: list[int]) -> None:
        """Set registers from `address` on."""
        ...


class ScaleLike(Protocol):
    """What the player needs of a scale."""

    def put(self, weight_kg: Decimal | str | None, settle_s: float = ...) -> None:
        """Load the platform; None empties it."""
        ...


@dataclass(frozen=True)
class Action:
    """Something that happens `at` seconds: `kind` see, gpi, weigh, register, started or ended; `on` the device."""

    at: float
    kind: str
    on: str
    what: tuple[Any, ...]


def schedule(scenario: Scenario) -> list[Action]:
    """Everything that happens, in order of time; the same for the same scenario and seed."""
    actions: list[Action] = []
    for number, passage in enumerate(scenario.passage):
        # a generator per passage: editing one pallet leaves the others as they were
        chance = random.Random(f"{scenario.seed}/{number}")
        actions += _passage(scenario, passage, chance)
    for sensor in scenario.sensor:
        actions += _climate(scenario, sensor)
    return sorted(actions, key=lambda each: each.at)


def _passage(scenario: Scenario, passage: Passage, chance: random.Random) -> Iterator[Action]:
    portal, pallet = scenario.portal_of(passage.portal), scenario.pallet_of(passage.pallet)
    begin, takes = passage.at, passage.takes
    yield Action(begin, "started", portal.id, (pallet.name, passage.direction))
    yield from _eyes(portal, passage)
    for tag in scenario.tags(pallet):
        yield from _moving(portal, passage, tag, chance)
    if passage.strays is not None:
        yield from _strays(scenario, portal, passage, chance)
    if portal.scale is not None:
        yield Action(begin + 0.1, "weigh", portal.scale, (pallet.weight, 0.5))
        yield Action(begin + takes - 0.1, "weigh", portal.scale, (None, 0.2))
    yield Action(begin + takes, "ended", portal.id, (pallet.name, passage.direction))


def _eyes(portal: Portal, passage: Passage) -> Iterator[Action]:
    """The pallet breaks the beam it meets first, then the other, and clears them in that order."""
    first = "outer" if passage.direction == "in" else "inner"
    for eye in portal.eyes:
        blocked, clear = (0.08, 0.62) if eye.row == first else (0.38, 0.92)
        yield Action(passage.at + blocked * passage.takes, "gpi", portal.reader, (eye.port, eye.blocked))
        yield Action(passage.at + clear * passage.takes, "gpi", portal.reader, (eye.port, not eye.blocked))


def _moving(portal: Portal, passage: Passage, tag: str, chance: random.Random) -> Iterator[Action]:
    """25 to 60 reads of one moved tag: a bell of reads and of strength in front of each row of antennas."""
    first, second = ("outer", "inner") if passage.direction == "in" else ("inner", "outer")
    rows = {first: 0.34, second: 0.68}
    peak = chance.uniform(-58.0, -45.0)
    ports = [antenna for antenna in portal.antennas if antenna.row in rows] or list(portal.antennas)
    for _ in range(chance.randint(25, 60)):
        antenna = chance.choice(ports)
        middle = rows.get(antenna.row, 0.5)
        part = min(0.99, max(0.01, chance.gauss(middle, 0.14)))
        strength = peak - 5.0 * ((part - middle) / 0.14) ** 2 + chance.gauss(0.0, 1.2)
        yield _read(portal, passage.at + part * passage.takes, tag, antenna.port, strength, chance)


def _strays(scenario: Scenario, portal: Portal, passage: Passage, chance: random.Random) -> Iterator[Action]:
    """Tags that stand still: `static` weak ones over and over, `sporadic` ones a time or two by a lucky reflection."""
    assert passage.strays is not None
    strays, prefix = passage.strays, scenario.prefix_of(passage.strays.gtin)
    for number in range(strays.static + strays.sporadic):
        tag = epc.sgtin96(strays.gtin, str(strays.first + number), prefix)
        if number < strays.static:
            period, reads = passage.takes / 8, 8
            times = [(step + chance.uniform(0.05, 0.95)) * period for step in range(reads)]
            low, high = -75.0, -70.0
        else:
            times = [chance.uniform(0.0, passage.takes) for _ in range(chance.randint(1, 2))]
            low, high = -69.0, -62.0
        for second in times:
            port = chance.choice(portal.antennas).port
            yield _read(portal, passage.at + second, tag, port, chance.uniform(low, high), chance)


def _read(portal: Portal, at: float, tag: str, port: int, strength: float, chance: random.Random) -> Action:
    rssi = max(FLOOR_DBM, round(strength))
    return Action(at, "see", portal.reader, (tag, port, rssi, chance.randint(1, CHANNELS)))


def _climate(scenario: Scenario, sensor: Sensor) -> Iterator[Action]:
    fields = {field.name: field for field in sensor.fields}
    for curve in sensor.curves:
        field = fields[curve.field]
        for step in range(math.floor(scenario.duration / CLIMATE_STEP) + 1):
            second = step * CLIMATE_STEP
            register = round(value_at(curve, second) / field.scale) & 0xFFFF  # two's complement of one register
            yield Action(second, "register", sensor.id, (sensor.unit, "input", field.address, [register]))


class Player:
    """Plays a scenario on devices and watches the light stacks.

    Args:
        scenario: what happens.
        readers: by reader id. Their `on_gpo` is taken over when play begins.
        slave: the Modbus slave of all sensors.
        scales: by scale id.
        tell: called with one JSON-ready dict per step (pallet started or ended, lamp changed).
        clock: seconds, monotonic.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        scenario: Scenario,
        readers: Mapping[str, ReaderLike],
        slave: SlaveLike,
        scales: Mapping[str, ScaleLike],
        tell: Callable[[dict[str, Any]], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self._scenario, self._readers, self._slave, self._scales = scenario, readers, slave, scales
        self._tell, self._clock, self._sleep = tell, clock, sleep
        self._began = 0.0
        self.lamps: list[dict[str, Any]] = []  # every lamp that went on: portal, colour, at (s)
        self.reads = 0
        self.unheard = 0  # reads at which no ROSpec listened

    def prepare(self) -> None:
        """Set the devices to how they are before the first second: registers filled, beams clear, platforms empty."""
        for sensor in self._scenario.sensor:
            for action in _climate(self._scenario, sensor):
                if action.at == 0.0:
                    self._slave.set_register(*action.what)
        for portal in self._scenario.portal:
            for eye in portal.eyes:
                self._readers[portal.reader].gpi(eye.port, not eye.blocked)
        for scale in self._scales.values():
            scale.put(None, 0.0)

    async def play(self) -> None:
        """Play from the first second to the scenario's duration, in real time.

        A late step is played at once, in order: a busy machine stretches the morning, it does not shuffle it.
        """
        self._watch()
        self._began = self._clock()
        try:
            for action in schedule(self._scenario):
                wait = self._began + action.at - self._clock()
                if wait > 0:
                    await self._sleep(wait)
                self._perform(action)
            await self._sleep(max(0.0, self._began + self._scenario.duration - self._clock()))
        finally:
            for reader in self._readers.values():
                reader.on_gpo = None

    def _perform(self, action: Action) -> None:
        if action.kind == "see":
            self.reads += 1
            self.unheard += not self._readers[action.on].see(*action.what)
        elif action.kind == "gpi":
            self._readers[action.on].gpi(*action.what)
        elif action.kind == "weigh":
            self._scales[action.on].put(*action.what)
        elif action.kind == "register":
            self._slave.set_register(*action.what)
        else:
            pallet, direction = action.what
            step = {"step": f"pallet {action.kind}", "portal": action.on, "pallet": pallet, "direction": direction}
            self._tell({**step, "at": self._now()})

    def _now(self) -> float:
        return round(self._clock() - self._began, 3)

    def _watch(self) -> None:
        """Follow each reader's outputs: a GPO that goes on is a lamp that lights."""
        for portal in self._scenario.portal:
            colours = {portal.green: "green", portal.red: "red", portal.amber: "amber"}
            self._readers[portal.reader].on_gpo = self._lamp(portal, colours)

    def _lamp(self, portal: Portal, colours: dict[int, str]) -> Callable[[int, bool], None]:
        lit: set[int] = set()

        def changed(port: int, level: bool) -> None:
            if port not in colours or (port in lit) == level:
                return  # written again as it was
            (lit.add if level else lit.discard)(port)
            seen = {"portal": portal.id, "colour": colours[port], "at": self._now()}
            if level:
                self.lamps.append(seen)
            self._tell({"step": "lamp on" if level else "lamp off", **seen})

        return changed
