"""Sketched shifts: passages as one would draw them on paper, to be learned from beside those of the radio generator.

A dock with one label to a pallet, a slow reader, a test with three tags on a trolley: a few reads, at levels that rise
and fall or do not, beside a thing or two that stands there. The generator is always thick with tags; what everybody
would say at once of a plain scene must come out all the same.
"""

from dataclasses import replace
from random import Random
from typing import Any

from msgspec import Struct

from simulators import epc
from simulators.rf import FAMILIES, Shift
from simulators.rf.dock import configuration, doors

BEGIN = 1_795_243_331_000_000
"""µs UTC at which a sketch begins."""

PRESETS = (("dock-2-antenna", 2), ("dock-2-antenna", 2), ("dock-4-antenna", 4), ("single-antenna", 1))

SIZES = (1, 1, 2, 3, 4, 6, 10, 20)
"""Tags of a load."""

LASTS, STEPS, KEPT = (0.25, 4.0), (2, 12), (1.0, 1.0, 0.7, 0.4)
"""Seconds in the door; looks of an antenna in that time; and the share of the looks in which a tag is read."""

LOUD, SWELLS, SPREAD = (-62.0, -38.0), (0.0, 6.0, 12.0, 20.0), 3.0
"""dBm at the loudest, dB by which it is less at both ends, and dB by which tags of one load differ."""

DEEP, DEEPER = 0.15, (4.0, 14.0)
"""Share of the tags in the middle of a load, and by how many dB they are fainter."""

OTHER_ROW = (None, 8.0, 16.0)
"""dB by which the row hears a load less while it is at the other one; None: not at all."""

COMES, FARTHER = (0.3, 1.5), (6.0, 16.0)
"""s before and after it that a load is heard from afar, where the other row hears it, and dB by which it is fainter."""

PAUSE, EMPTY = (3.0, 25.0), 0.25
"""Seconds between two vehicles, and the share of those without a load."""

WAITING, ELSEWHERE = 0.35, 0.3
"""Share of the shifts whose loads wait within earshot before they are fetched; and of what comes in that waits where
nobody hears it, as does all but as much of what goes out."""

STANDING, STANDS, RATES, SCATTER = (0, 1, 2, 6), (-72.0, -50.0), (0.3, 4.0), 1.5
"""Tags that stand there, one in four from some time on, dBm, reads per second, and dB by which those differ."""

FAINTEST = -77.0
"""dBm: what is fainter is not read."""

GLIMPSED, GLIMPSES, GLIMPSE = 0.15, (1, 4), (-74.0, -58.0)
"""Share of the vehicles that light something up, tags of that, and dBm: heard once or twice."""

BESIDE = (9.0, 22.0)
"""dB by which the next door hears a load less."""

AWAY, WAITS = (8.0, 22.0), (4.0, 20.0)
"""dB by which a load is fainter where it waits before it is fetched, and for how long: s."""


class _Load(Struct):
    sscc: str
    epcs: list[str]
    less: list[float]
    """dB by which each is fainter than the loudest may be."""


class _Reads(Struct):
    """What the readers of a sketch hear: rows by reader."""

    doors: int
    antennas: int
    rows: dict[str, list[tuple[Any, ...]]]

    def hear(self, door: int, at: float, antenna: int, hex_: str, level: float) -> None:
        """One read; `at` in seconds."""
        if level > FAINTEST:
            self.rows[f"reader-{door}"].append((BEGIN + int(at * 1e6), antenna, hex_, float(round(level))))


def sketch(seed: int, count: int) -> Shift:
    """A sketched shift with so many loads: the same for the same arguments."""
    chance = Random(f"sketch/{seed}")
    preset, antennas = chance.choice(PRESETS)
    side_by_side = 2 if antennas > 1 and chance.random() < 0.4 else 1
    eyes = antennas == 1 or chance.random() < 0.75
    site = replace(FAMILIES["calm"], preset=preset, doors=side_by_side, eyes=eyes)
    dock = doors(site, Random(f"sketch/{seed}/dock"))
    heard = _Reads(side_by_side, antennas, {door.reader: [] for door in dock})
    edges: list[tuple[int, dict[str, Any]]] = []
    passages: list[dict[str, Any]] = []
    kept, swell, other = chance.choice(KEPT), chance.choice(SWELLS), chance.choice(OTHER_ROW)
    loud, waits = chance.uniform(*LOUD), chance.random() < WAITING
    now, serial = 30.0, 1 + chance.randrange(1000) * 1000
    while len([each for each in passages if each["units"]]) < count:
        door, inward = chance.randint(1, side_by_side), chance.random() < 0.6
        lasts = chance.uniform(*LASTS) * chance.choice((0.5, 1.0, 1.0))
        now += chance.uniform(*PAUSE) + lasts
        load = None
        if chance.random() >= EMPTY:
            load = _load(seed, len(passages), serial, chance)
            serial += len(load.epcs) + chance.choice((0, 50))
            if waits and inward is (chance.random() >= ELSEWHERE):
                now += _waiting(heard, door, now, load, loud, inward, chance)
            _through(heard, door, now, lasts, load, (loud, swell, other, kept), inward, chance)
        if eyes:
            edges += _edges(door, now, lasts, inward)
        if chance.random() < GLIMPSED:
            _glimpse(heard, door, now, lasts, len(passages), chance)
        passages.append(_passage(len(passages) + 1, door, now, lasts, inward, load))
        now += lasts
    _standing(heard, now + 20, chance)
    records = [(BEGIN, {"kind": "boot"}), *sorted([*_reports(heard), *edges], key=lambda each: each[0])]
    records.append((records[-1][0] + 60_000_000, {"kind": "tick"}))
    truth = {"family": "sketched", "badges": [], "passages": passages}
    return Shift("sketched", "sketched", seed, configuration(dock, []), records, truth, dock)


def _load(seed: int, number: int, serial: int, chance: Random) -> _Load:
    body = f"09520001{seed % 10_000 * 1000 + number:09d}"
    sscc = body + epc.check_digit(body)
    size = chance.choice(SIZES)
    gtin = "0952000111" + f"{chance.randrange(3):03}"
    gtin += epc.check_digit(gtin)
    cases = [epc.sgtin96(gtin, str(serial + place), 7) for place in range(size)]
    if chance.random() < 0.8:
        cases[0] = epc.sscc96(sscc, 7)
    less = [
        abs(chance.gauss(0.0, SPREAD)) + (chance.uniform(*DEEPER) if chance.random() < DEEP else 0.0) for _ in cases
    ]
    return _Load(sscc, cases, less)


def _rows(antennas: int, inward: bool) -> list[list[int]]:
    """Antennas of the row that is passed first, and of the other."""
    if antennas == 1:
        return [[1]]
    rows = [[1], [2]] if antennas == 2 else [[1, 2], [3, 4]]
    return rows if inward else rows[::-1]


def _through(
    heard: _Reads,
    door: int,
    now: float,
    lasts: float,
    load: _Load,
    how: tuple[float, float, float | None, float],
    inward: bool,
    chance: Random,
) -> None:
    """A load goes by one row after the other; the next door hears it, too."""
    loud, swell, other, kept = how
    if other is not None:
        _afar(heard, door, now, lasts, load, loud - swell, inward, chance)
    rows, steps, beside = _rows(heard.antennas, inward), chance.randint(*STEPS), chance.uniform(*BESIDE)
    for step in range(steps * len(rows)):
        for place, row in enumerate(rows):
            off = (step + 0.5) / steps - place - 0.5  # -0.5…0.5 while it is at this row
            if abs(off) <= 0.5:
                level = loud - swell * 4 * off * off
            elif other is None:
                continue
            else:
                level = loud - swell - other
            for number, (hex_, less) in enumerate(zip(load.epcs, load.less, strict=True)):
                if chance.random() >= kept:
                    continue
                at = now + lasts * (step + number / len(load.epcs) * 0.9) / (steps * len(rows))
                mine = level - less + chance.gauss(0.0, 0.7)
                heard.hear(door, at, chance.choice(row), hex_, mine)
                if heard.doors > 1:
                    heard.hear(3 - door, at, chance.randint(1, heard.antennas), hex_, mine - beside)


def _afar(
    heard: _Reads, door: int, now: float, lasts: float, load: _Load, loud: float, inward: bool, chance: Random
) -> None:
    """A load is heard as it comes, and as it goes: by the row that is nearer, and now and then by the other one."""
    rows, before, after = _rows(heard.antennas, inward), chance.uniform(*COMES), chance.uniform(*COMES)
    for hex_, less in zip(load.epcs, load.less, strict=True):
        for row, begin, end in ((0, now - before, now), (-1, now + lasts, now + lasts + after)):
            for _ in range(chance.choice((0, 0, 1, 3))):
                mine = row if chance.random() < 0.8 else -1 - row
                level = loud - less - chance.uniform(*FARTHER)
                heard.hear(door, chance.uniform(begin, end), chance.choice(rows[mine]), hex_, level)


def _waiting(heard: _Reads, door: int, now: float, load: _Load, loud: float, inward: bool, chance: Random) -> float:
    """A load stands before the door until it is fetched; how long that takes, s."""
    lasts, away, rate = chance.uniform(*WAITS), chance.uniform(*AWAY), chance.uniform(*RATES) / 2
    row = _rows(heard.antennas, inward)[0]
    for hex_, less in zip(load.epcs, load.less, strict=True):
        at = now
        while (at := at + chance.expovariate(rate)) < now + lasts:
            heard.hear(door, at, chance.choice(row), hex_, loud - away - less + chance.gauss(0.0, SCATTER))
    return lasts + chance.uniform(0.5, 2.0)


def _glimpse(heard: _Reads, door: int, now: float, lasts: float, number: int, chance: Random) -> None:
    """Things that nobody hears else are heard for a moment as a vehicle goes by."""
    for place in range(chance.randint(*GLIMPSES)):
        hex_, level = epc.sgtin96("09520001888885", f"1{number:03}{place}", 7), chance.uniform(*GLIMPSE)
        for _ in range(chance.choice((1, 1, 2))):
            at = now + chance.random() * lasts
            heard.hear(door, at, chance.randint(1, heard.antennas), hex_, level + chance.gauss(0.0, 1.0))


def _standing(heard: _Reads, until: float, chance: Random) -> None:
    """What stands at a door, to the end."""
    for door in range(1, heard.doors + 1):
        for place in range(chance.choice(STANDING)):
            hex_, level = epc.sgtin96("09520001999994", f"{door}{place:02}", 7), chance.uniform(*STANDS)
            mine = chance.sample(range(1, heard.antennas + 1), chance.randint(1, heard.antennas))
            at, rate = chance.choice((0.0, 0.0, 0.0, chance.uniform(0.0, until))), chance.uniform(*RATES)
            while (at := at + chance.expovariate(rate)) < until:
                heard.hear(door, at, chance.choice(mine), hex_, level + chance.gauss(0.0, SCATTER))


def _edges(door: int, now: float, lasts: float, inward: bool) -> list[tuple[int, dict[str, Any]]]:
    """The first beam is broken as the first row begins to hear, the second one half-way; both are free at the end."""
    ports = (1, 2) if inward else (2, 1)
    spans = ((ports[0], 0.0, 0.75), (ports[1], 0.3, 1.0))
    found = []
    for port, first, last in spans:
        for level, share in ((True, first), (False, last)):
            at = BEGIN + int((now + lasts * share) * 1e6)
            found.append(
                (at + 1000, {"kind": "gpi", "reader": f"reader-{door}", "port": port, "level": level, "at": at})
            )
    return found


def _passage(number: int, door: int, now: float, lasts: float, inward: bool, load: _Load | None) -> dict[str, Any]:
    epcs = load.epcs if load is not None else []
    return {
        "number": number,
        "portal": f"dock-{door}",
        "kind": "pallet" if load is not None else "empty",
        "direction": "in" if inward else "out",
        "opened": BEGIN + int(now * 1e6),
        "closed": BEGIN + int((now + lasts) * 1e6),
        "moved": epcs,
        "turned": [],
        "neutral": [],
        "units": [] if load is None else [{"sscc": load.sscc, "epcs": epcs, "announced": None}],
    }


def _reports(heard: _Reads) -> list[tuple[int, dict[str, Any]]]:
    """What was read, as it was reported: every tenth of a second."""
    found = []
    for reader, rows in heard.rows.items():
        batches: dict[int, list[tuple[Any, ...]]] = {}
        for row in sorted(rows):
            batches.setdefault(row[0] // 100_000, []).append(row)
        for batch in batches.values():
            columns = ("at", "antenna", "epc", "rssi")
            found.append((batch[-1][0] + 5000, {"kind": "reads", "reader": reader, "columns": columns, "reads": batch}))
    return found
