"""Shifts of the radio generator as other sites would have heard them: what the scorecards are to hold for, too.

The generator is one idea of what a dock is like. `elsewhere` bends what it made: pace, levels, spread, echoes, phases,
antennas that are not there, reads that are lost, serial numbers, and things that stand about at one level.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Container, Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

from simulators import epc
from simulators.rf import Shift
from simulators.rf.goods import PREFIX
from simulators.rf.scene import Door

SLOWER = (1.0, 1.6, 2.5)
"""How much longer everything takes: where pallets are pulled by hand, at 0.5 m/s."""

LEVELS, SCALES, KEPT = (-12.0, 12.0), (0.6, 1.1), (1.0, 1.0, 0.6, 0.35, 0.15)
"""What readers, antennas and tags of other sites do to the levels (dB, and how much they spread around CENTRE), and
how many of the reads another site has: each shift is played once as generated and once as a site like that."""

CENTRE = -45.0

SPREADS, FAINTEST = (0.0, 0.0, 4.0, 7.0), -71.0
"""dB by which tags differ more than generated ones (goods, labels, how they stand); below the last none is heard."""

SIDED = (0.0, 0.0, 3.0, 6.0)
"""And from antenna to antenna: what a label faces, and what stands between."""

FLUTTERS = (0.0, 0.0, 2.0, 4.0)
"""dB by which reads of one tag differ more: metal all around, no line of sight."""

ONE_SIDED = 0.3
"""Share of the sites that have antennas on one side of the door only."""

ECHOES, FAINTER = (0.0, 0.03, 0.06, 0.12), (4.0, 15.0)
"""Share of the reads that come by way of a wall, a truck or the floor, at any antenna, and by how much less: dB."""

LABELLED, OTHERS = (0, 0, 0, 1, 3), 0.05
"""How many tags there are to a load: all, the pallet's label alone, or a few; and the share of what stands about in no
load of the shift that is left then."""

PERSISTS = (0, 0, 0, 0, 1_200_000)
"""µs for which a tag that was read is silent: session 1 of Gen2, where the reader cannot be asked for another."""

BLURS, JITTER = (0, 0, 100, 300), 80
"""Standard deviation of what a site adds to phases, and of what noise does to those of things that stand: 1/4096 turn.
0.12 rad are 80 (Tagoram, 2014)."""

PRODUCTS, SORTS, RUNS = (0, 0, 5, 30), (1, 1, 1, 3, 8), (24, 24, 6, 3)
"""How many products go through a site (0: the two of the generator), how many of them are on one pallet, and how many
tags side by side are one product: layers of one, or a pallet that was picked case by case."""

SSCC = "31"
"""What the EPCs of pallets' labels begin with (SSCC-96, TDS §14.6.2)."""

TURN, CHANNELS, HOP = 4096, 4, 1_000_000
"""Parts of a turn; channels, and µs on each: EN 302 208."""

SERIAL, ITEM, FIRST_ITEM = (1 << 38) - 1, (1 << 20) - 1 << 38, 200
"""The bits of an SGTIN-96 whose company prefix has 7 digits, as the generator's, and where a site's items begin."""

STANDING_GTIN, GLIMPSED_GTIN = "09520001999994", "09520001888885"

STANDING = (0, 3, 8, 25)
"""Tags that stand there the whole shift, or are put down in it, at one level: (dBm, dB of scatter, reads/s)."""

STANDING_LEVEL, STANDING_SCATTER, STANDING_RATE, SLOTS = (-68.0, -46.0), (0.5, 3.0), (0.3, 12.0), 10
"""SLOTS tags are read that often, more of them less: they share the time of a reader."""

STIRS, STIRRED = (0.0, 0.0, 3.0, 6.0), 1_000_000
"""dB by which what stands is heard louder or fainter while something passes, and for how long (µs) by as much: a truck
takes waves away, and throws others at it."""

STAGED = (0.0, 0.0, 0.5, 0.9)
"""Share of the loads that stand within earshot before they go through the door, and of those that do afterwards: in
the lane before the door, or in the trailer."""

STAGED_FOR, STAGED_LEVEL, STAGED_RATES = (20.0, 240.0), (0.0, 26.0), ((0.05, 0.6), (0.05, 0.6), (0.5, 5.0))
"""For how long (s), how much fainter than in the door (dB), and how often they are read there (1/s): by what a reader
has to do besides. What waits right in the mouth of a trailer is as loud there as ever."""

OPENED = 240_000_000
"""µs between the trailers whose doors are opened: what waits in one of them is heard from the same moment on."""

PICKED_UP = (2.0, 6.0)
"""s that pass between where it stood and the door."""

GLIMPSED = (0.0, 0.0, 0.05, 0.3)
"""Share of the passages in which things that stand are heard that were not heard before: a truck's flank lights up
what nobody else does. At half of the sites there is nothing within its reach."""

GLIMPSES, GLIMPSE_LEVEL, GLIMPSE_READS = (2, 40), (-74.0, -60.0), (1, 10)
"""How many, how loud (dBm), how often each."""


class Site(NamedTuple):
    """A shift as some site heard it: its names for the tags, and how much longer everything took."""

    records: list[tuple[int, dict[str, Any]]]
    names: dict[str, str]
    slower: float = 1.0


def elsewhere(one: Shift, chance: Random) -> Site:
    """A shift as another site would have it: other levels, fewer reads, things that stand there, random serials."""
    serials, products = chance.random() < 0.5, chance.choice(PRODUCTS)
    names = _renamed(one, serials, products, chance)
    level, scale, kept = chance.uniform(*LEVELS), chance.uniform(*SCALES), chance.choice(KEPT)
    slower, begin, end = chance.choice(SLOWER), one.records[0][0], one.records[-1][0]
    glimpsed = chance.choice(GLIMPSED)
    stirs = {door.reader: Stirs(one, door, chance) for door in one.doors}
    standing = {
        door.reader: _standing(one, door, (begin, end), level, products, glimpsed, stirs[door.reader], chance)
        for door in one.doors
    }
    spread, flutter = chance.choice(SPREADS), chance.choice(FLUTTERS)
    losses: defaultdict[str, float] = defaultdict(lambda: chance.gauss(0.0, spread))
    sided = chance.choice(SIDED)
    turned: defaultdict[tuple[str, int], float] = defaultdict(lambda: chance.gauss(0.0, sided))
    heard_at: dict[str, int] = {}
    persists, echoes, blur = chance.choice(PERSISTS), chance.choice(ECHOES), chance.choice(BLURS)
    side = chance.choice(("left", "right")) if chance.random() < ONE_SIDED else ""
    deaf = {antenna.port for door in one.doors for antenna in door.antennas if antenna.side == side}
    ports = [port for port in one.doors[0].ports if port not in deaf]
    gone = _unlabelled(one, chance.choice(LABELLED), chance)

    def there(hex_: str, rssi: float) -> float:
        return CENTRE + level + (rssi + losses[hex_] - CENTRE) * scale

    for reader, reads in _staged(one, chance.choice(STAGED), there, ports, gone, names, stirs, chance).items():
        standing[reader] = deque(sorted([*standing[reader], *reads], key=lambda row: row[0]))

    def told(row: Sequence[Any]) -> tuple[Any, ...] | None:
        at, antenna, hex_, rssi, channel, phase, count = row
        if antenna in deaf or hex_ in gone:
            return None
        if chance.random() < echoes:
            antenna, rssi = chance.choice(ports), rssi - chance.uniform(*FAINTER)
        rssi += losses[hex_] + turned[hex_, antenna] + chance.gauss(0.0, flutter)
        since = (at - heard_at.get(hex_, 0)) * slower
        if chance.random() >= kept or ((spread or sided) and rssi < FAINTEST) or since < persists:
            return None
        heard_at[hex_] = at
        if blur and phase is not None:
            phase = int(phase + chance.gauss(0.0, blur)) % TURN
        level_there = round(CENTRE + level + (rssi - CENTRE) * scale)
        return later(at, begin, slower), antenna, names.get(hex_, hex_), level_there, channel, phase, count

    changed = []
    for t, record in one.records:
        if record["kind"] == "reads":
            mine = [each for row in record["reads"] if (each := told(row)) is not None]
            others = standing[record["reader"]]
            while others and others[0][0] < t:
                at, *rest = others.popleft()
                mine.append((later(at, begin, slower), *rest, 1))
            record = record | {"reads": sorted(mine, key=lambda row: row[0])}
        elif record["kind"] == "gpi":
            record = record | {"at": later(record["at"], begin, slower)}
        changed.append((later(t, begin, slower), record))
    return Site(changed, names, slower)


def later(at: int, begin: int, slower: float) -> int:
    """When (µs) what was at `at` is, where everything takes longer since `begin`."""
    return begin + round((at - begin) * slower)


def _standing(
    one: Shift,
    door: Door,
    lasts: tuple[int, int],
    level: float,
    products: int,
    glimpsed: float,
    stirs: "Stirs",
    chance: Random,
) -> deque[tuple[Any, ...]]:
    """What the reader of a door hears of what stands there, or is glimpsed in a passage: rows but for `count`."""
    reads: list[tuple[Any, ...]] = []
    (begin, end), count = lasts, chance.choice(STANDING)
    for number in range(count):
        hex_ = epc.sgtin96(_gtin(products, STANDING_GTIN, chance), f"{door.number}{number:03}", 7)
        mean, scatter, rate = (chance.uniform(*span) for span in (STANDING_LEVEL, STANDING_SCATTER, STANDING_RATE))
        heard = chance.sample(door.ports, chance.randint(1, len(door.ports)))
        rate = rate * SLOTS / max(SLOTS, count)
        at, times = begin if chance.random() < 0.5 else chance.randint(begin, end), []
        while (at := at + int(chance.expovariate(rate) * 1e6)) < end:
            times.append(at)
        reads += _still(door, hex_, times, heard, mean + level, scatter, stirs, chance)
    serial = 0
    for passage in one.truth["passages"]:
        if passage["portal"] != door.portal or chance.random() >= glimpsed:
            continue
        gtin = _gtin(products, GLIMPSED_GTIN, chance)
        first, serial = serial, serial + chance.randint(*GLIMPSES)
        mean, heard = chance.uniform(*GLIMPSE_LEVEL), chance.sample(door.ports, chance.randint(1, len(door.ports)))
        for number in range(first, serial):
            hex_ = epc.sgtin96(gtin, f"{door.number}{number:05}", 7)
            span = passage["opened"], passage["closed"]
            times = sorted(chance.randint(*span) for _ in range(chance.randint(*GLIMPSE_READS)))
            reads += _still(door, hex_, times, heard, mean + chance.gauss(0, 2.0), 1.0, stirs, chance)
    return deque(sorted(reads, key=lambda row: row[0]))


def _staged(
    one: Shift,
    share: float,
    there: Callable[[str, float], float],
    ports: Sequence[int],
    gone: Container[str],
    names: dict[str, str],
    stirs: dict[str, "Stirs"],
    chance: Random,
) -> dict[str, list[tuple[Any, ...]]]:
    """What is heard of loads where they stand before or after they go through a door, by reader."""
    found: dict[str, list[tuple[Any, ...]]] = {door.reader: [] for door in one.doors}
    if not share:
        return found
    doors, peaks, begin = {door.portal: door for door in one.doors}, _peaks(one), one.records[0][0]
    trailer, passes, rates = chance.random() < 0.5, _passes(one), chance.choice(STAGED_RATES)
    for passage in one.truth["passages"]:
        door = doors[passage["portal"]]
        for before in (True, False):
            if chance.random() >= share:
                continue
            lasts, away = (int(chance.uniform(*span) * 1e6) for span in (STAGED_FOR, PICKED_UP))
            if before:
                until = passage["opened"] - away
                since = max(begin, begin + (until - begin) // OPENED * OPENED if trailer else until - lasts)
            else:
                since = passage["closed"] + away
                until = since + lasts
            fainter = chance.uniform(*STAGED_LEVEL)
            heard = chance.sample(ports, chance.randint(1, len(ports)))
            for hex_ in (hex_ for unit in passage["units"] for hex_ in unit["epcs"]):
                mean = there(hex_, peaks.get(hex_, FAINTEST)) - fainter + chance.gauss(0.0, 3.0)
                if hex_ in gone or mean < FAINTEST:
                    continue
                last = max((at for at in passes[hex_] if at < passage["opened"]), default=begin)
                next_ = min((at for at in passes[hex_] if at > passage["closed"]), default=one.records[-1][0])
                at, rate, times = max(since, last + away), chance.uniform(*rates), []
                while (at := at + int(chance.expovariate(rate) * 1e6)) < min(until, next_ - away):
                    times.append(at)
                name, stir = names.get(hex_, hex_), stirs[door.reader]
                found[door.reader] += _still(door, name, times, heard, mean, 1.0, stir, chance)
    return found


def _passes(one: Shift) -> defaultdict[str, list[int]]:
    """When each tag of a load goes through a door, or turns round in it: both ends of its passages, µs."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for passage in one.truth["passages"]:
        for unit in passage["units"]:
            for hex_ in unit["epcs"]:
                found[hex_] += [passage["opened"], passage["closed"]]
    return found


def _peaks(one: Shift) -> dict[str, float]:
    """The loudest read of every tag, dBm."""
    peaks: dict[str, float] = {}
    for _, record in one.records:
        for row in record["reads"] if record["kind"] == "reads" else ():
            peaks[row[2]] = max(peaks.get(row[2], FAINTEST), row[3])
    return peaks


def _gtin(products: int, usual: str, chance: Random) -> str:
    """What stands about is of the site's products, too."""
    if not products:
        return usual
    body = f"0{PREFIX}{FIRST_ITEM + chance.randrange(products):05d}"
    return body + epc.check_digit(body)


class Stirs:
    """By how much (dB) what stands at a door is heard louder at a time, µs: nought, unless something passes there."""

    def __init__(self, one: Shift, door: Door, chance: Random) -> None:
        self._by, self._chance = chance.choice(STIRS), chance
        self._spans = [
            (each["opened"], each["closed"]) for each in one.truth["passages"] if each["portal"] == door.portal
        ]
        self._offsets: dict[tuple[str, int], float] = {}

    def __call__(self, hex_: str, at: int) -> float:
        """For one tag."""
        if not self._by or not any(opened <= at <= closed for opened, closed in self._spans):
            return 0.0
        key = hex_, at // STIRRED
        if key not in self._offsets:
            self._offsets[key] = self._chance.gauss(0.0, self._by)
        return self._offsets[key]


def _still(
    door: Door,
    hex_: str,
    times: Sequence[int],
    ports: Sequence[int],
    mean: float,
    scatter: float,
    stirs: Stirs,
    chance: Random,
) -> Iterator[tuple[Any, ...]]:
    """Reads of what stands: about one level, and one phase for each antenna and channel."""
    offsets: defaultdict[tuple[int, int], int] = defaultdict(lambda: chance.randrange(TURN))
    for at in times:
        port, channel = chance.choice(ports), at // HOP % CHANNELS + 1
        phase = int(offsets[port, channel] + chance.gauss(0.0, JITTER)) % TURN if door.phase else None
        yield at, port, hex_, round(mean + stirs(hex_, at) + chance.gauss(0, scatter)), channel, phase


def _unlabelled(one: Shift, most: int, chance: Random) -> set[str]:
    """The tags that a site does not have that puts `most` on a load; none for 0."""
    if not most:
        return set()
    units = [unit["epcs"] for passage in one.truth["passages"] for unit in passage["units"]]
    loads = {hex_ for unit in units for hex_ in unit}
    kept = {hex_ for unit in units for hex_ in sorted(unit, key=lambda hex_: not hex_.startswith(SSCC))[:most]}
    kept.update(hex_ for passage in one.truth["passages"] for hex_ in passage["neutral"])
    others = sorted(_told(one) - loads - kept)
    return loads - kept | {hex_ for hex_ in others if chance.random() >= OTHERS}


def _told(one: Shift) -> set[str]:
    """Every tag that was read."""
    return {row[2] for _, record in one.records if record["kind"] == "reads" for row in record["reads"]}


def _renamed(one: Shift, serials: bool, products: int, chance: Random) -> dict[str, str]:
    """Every SGTIN-96 (TDS 2.3 §14.6.1: 20 bits of item, 38 of serial) with a serial or a product drawn anew."""
    every = sorted(hex_ for hex_ in _told(one) if len(hex_) == 24 and hex_.startswith("30"))
    loads = {
        hex_: unit["sscc"] for passage in one.truth["passages"] for unit in passage["units"] for hex_ in unit["epcs"]
    }
    sorts: defaultdict[Any, list[int]] = defaultdict(lambda: _sorts(products, chance))
    run = chance.choice(RUNS)
    names = {}
    for hex_ in every:
        code = int(hex_, 16)
        if products:
            serial = code & SERIAL
            mine = sorts[loads.get(hex_, serial // run)]
            code = code & ~ITEM | mine[serial // run % len(mine)] << 38
        if serials:
            code = code & ~SERIAL | chance.randint(1, SERIAL)
        names[hex_] = f"{code:024X}"
    return names


def _sorts(products: int, chance: Random) -> list[int]:
    """The items of one load."""
    return [FIRST_ITEM + chance.randrange(products) for _ in range(chance.choice(SORTS))]
