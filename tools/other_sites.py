"""Shifts of the radio generator as other sites would have heard them: what the scorecards are to hold for, too.

The generator is one idea of what a dock is like. `elsewhere` bends what it made: levels, spread, echoes, antennas that
are not there, reads that are lost, serial numbers, and things that stand about at one level.
"""

from collections import defaultdict
from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

from simulators import epc
from simulators.rf import Shift

LEVELS, SCALES, KEPT = (-12.0, 12.0), (0.6, 1.1), (1.0, 1.0, 0.6, 0.35, 0.15)
"""What readers, antennas and tags of other sites do to the levels (dB, and how much they spread around CENTRE), and
how many of the reads another site has: each shift is played once as generated and once as a site like that."""

CENTRE = -45.0

SPREADS, FAINTEST = (0.0, 0.0, 4.0, 7.0), -71.0
"""dB by which tags differ more than generated ones (goods, labels, how they stand); below the last none is heard."""

FLUTTERS = (0.0, 0.0, 2.0, 4.0)
"""dB by which reads of one tag differ more: metal all around, no line of sight."""

ONE_SIDED = 0.3
"""Share of the sites that have antennas on one side of the door only."""

ECHOES, FAINTER = (0.0, 0.0, 0.03, 0.1), (4.0, 15.0)
"""Share of the reads that come by way of a wall, a truck or the floor, at any antenna, and by how much less: dB."""

PERSISTS = (0, 0, 0, 0, 1_200_000)
"""µs for which a tag that was read is silent: session 1 of Gen2, where the reader cannot be asked for another."""

STANDING_GTIN = "09520001999994"

STANDING = (0, 3, 8, 15)
"""Tags that stand there the whole shift, or are put down in it, at one level: (dBm, dB of scatter, reads/s)."""

STANDING_LEVEL, STANDING_SCATTER, STANDING_RATE = (-68.0, -46.0), (0.5, 3.0), (0.3, 12.0)


class Site(NamedTuple):
    """A shift as some site heard it, and the names that it gave the tags."""

    records: list[tuple[int, dict[str, Any]]]
    names: dict[str, str]


def elsewhere(one: Shift, chance: Random) -> Site:
    """A shift as another site would have it: other levels, fewer reads, things that stand there, random serials."""
    names = _renamed(one, chance) if chance.random() < 0.5 else {}
    level, scale, kept = chance.uniform(*LEVELS), chance.uniform(*SCALES), chance.choice(KEPT)
    begin, end = one.records[0][0], one.records[-1][0]
    standing: dict[str, list[tuple[int, int, str, float]]] = {}
    for door in one.doors:
        reads = standing[door.reader] = []
        for number in range(chance.choice(STANDING)):
            hex_ = epc.sgtin96(STANDING_GTIN, f"{door.number}{number:03}", 7)
            mean, scatter, rate = (chance.uniform(*span) for span in (STANDING_LEVEL, STANDING_SCATTER, STANDING_RATE))
            heard = chance.sample(door.ports, chance.randint(1, len(door.ports)))
            at = begin if chance.random() < 0.5 else chance.randint(begin, end)
            while (at := at + int(chance.expovariate(rate) * 1e6)) < end:
                reads.append((at, chance.choice(heard), hex_, mean + level + chance.gauss(0, scatter)))
        reads.sort()
    spread, flutter = chance.choice(SPREADS), chance.choice(FLUTTERS)
    losses: defaultdict[str, float] = defaultdict(lambda: chance.gauss(0.0, spread))
    heard_at: dict[str, int] = {}
    persists, echoes = chance.choice(PERSISTS), chance.choice(ECHOES)
    side = chance.choice(("left", "right")) if chance.random() < ONE_SIDED else ""
    deaf = {antenna.port for door in one.doors for antenna in door.antennas if antenna.side == side}
    ports = [port for port in one.doors[0].ports if port not in deaf]

    def told(row: Sequence[Any]) -> tuple[Any, ...] | None:
        at, antenna, hex_, rssi, *rest = row
        if antenna in deaf:
            return None
        if chance.random() < echoes:
            antenna, rssi = chance.choice(ports), rssi - chance.uniform(*FAINTER)
        rssi += losses[hex_] + chance.gauss(0.0, flutter)
        if chance.random() >= kept or (spread and rssi < FAINTEST) or at - heard_at.get(hex_, 0) < persists:
            return None
        heard_at[hex_] = at
        return at, antenna, names.get(hex_, hex_), round(CENTRE + level + (rssi - CENTRE) * scale), *rest

    changed = []
    for t, record in one.records:
        if record["kind"] == "reads":
            mine = [each for row in record["reads"] if (each := told(row)) is not None]
            others = standing[record["reader"]]
            while others and others[0][0] < t:
                at, antenna, hex_, rssi = others.pop(0)
                mine.append((at, antenna, hex_, round(rssi), *(None for _ in record["columns"][4:-1]), 1))
            record = record | {"reads": sorted(mine, key=lambda row: row[0])}
        changed.append((t, record))
    return Site(changed, names)


def _renamed(one: Shift, chance: Random) -> dict[str, str]:
    """Every SGTIN-96 with a serial (its last 38 bits) drawn anew."""
    told = sorted({row[2] for _, record in one.records if record["kind"] == "reads" for row in record["reads"]})
    mask = (1 << 38) - 1
    return {
        hex_: f"{int(hex_, 16) & ~mask | chance.randint(1, mask):024X}"
        for hex_ in told
        if len(hex_) == 24 and hex_.startswith("30")
    }
