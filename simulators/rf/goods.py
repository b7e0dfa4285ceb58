"""Loads: pallets with tagged cases, what is announced of them, forklift tags and badges."""

import math
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from simulators import epc
from simulators.rf.physics import WAVES, Box, Material, Tag

PREFIX: Final = "9521321"
"""GS1's company prefix for examples, 7 digits."""

SENSITIVITY: Final = (-18.5, 0.8)
"""dBm and standard deviation of the chip with its antenna: Monza R6 −20, Monza 4 −17.4, UCODE 7 −21 by data sheet,
less what matching and a printer's applicator cost."""

DETUNED: Final = (0.02, 6.0)
"""Share of labels that were folded, creased or stuck over foil, and the dB that costs them."""

PALLET: Final = (0.8, 1.2)
"""Metres: the EUR pallet of EN 13698-1, short side first."""


@dataclass(slots=True)
class Load:
    """Tags that move as one. `lines` are (GTIN, lot, first serial, count) as announced."""

    name: str
    tags: list[Tag]
    box: Box
    sscc: str | None = None
    absorbs: float = 0.0
    """dB per metre that a wave loses in it."""
    lines: list[tuple[str, str, int, int]] = field(default_factory=list)

    @property
    def epcs(self) -> list[str]:
        """Hex, sorted."""
        return sorted(tag.epc for tag in self.tags)


def tag(
    code: str, place: tuple[float, float, float], material: Material, box: Box, chance: Random, steep: float = 0.2
) -> Tag:
    """A label at `place` from the middle of its load; `steep` of them stand upright."""
    around = chance.choice((0.0, math.pi / 2)) + chance.gauss(0, 0.1)
    upright = chance.random() < steep
    axis = (0.0, 0.0, 1.0) if upright else (math.cos(around), math.sin(around), 0.0)
    faces = (box.half_x - abs(place[0]), box.half_y - abs(place[1]), box.half_z - abs(place[2]))
    penalty = max(0.0, chance.gauss(material.penalty, material.spread))
    if chance.random() < DETUNED[0]:
        penalty += DETUNED[1]
    return Tag(
        epc=code,
        dx=place[0],
        dy=place[1],
        dz=place[2],
        axis=axis,
        sensitivity=chance.gauss(*SENSITIVITY),
        penalty=penalty,
        absorbs=material.absorbs,
        core=material.absorbs * max(0.0, min(faces)),
        phases=tuple(chance.uniform(0, 2 * math.pi) for _ in range(WAVES)),
        offset=chance.uniform(0, 2 * math.pi),
        stirred=complex(chance.gauss(0, 0.7), chance.gauss(0, 0.7)),
    )


class Works:
    """Makes pallets with numbers that no two of a recording share."""

    def __init__(self, number: int, chance: Random) -> None:
        self.chance = chance
        self._unit = number % 90_000 * 10_000
        self._serial = 1 + number % 90_000 * 1_000_000

    def pallet(self, cases: int, material: Material, length_along: bool) -> Load:
        """A pallet of `cases` tagged cases and its own SSCC tag; `length_along`: its long side points along y."""
        chance = self.chance
        self._unit += 1
        sscc = _checked(f"0{PREFIX}{self._unit:09d}")
        half_x, half_y = (PALLET[0] / 2, PALLET[1] / 2) if length_along else (PALLET[1] / 2, PALLET[0] / 2)
        across, along, layers = _grid(cases, length_along)
        half_z = max(0.2, layers * 0.15)
        box = Box(half_x, half_y, half_z, 0.35 + half_z)
        lines, codes = self._codes(cases)
        places = [(a, b, c) for c in range(layers) for b in range(along) for a in range(across)][:cases]
        tags = []
        for code, (a, b, c) in zip(codes, places, strict=True):
            cell = (2 * half_x / across, 2 * half_y / along, 2 * half_z / layers)
            middle = (-half_x + (a + 0.5) * cell[0], -half_y + (b + 0.5) * cell[1], -half_z + (c + 0.5) * cell[2])
            tags.append(tag(code, _on_a_face(middle, cell, chance), material, box, chance))
        tags.append(
            tag(epc.sscc96(sscc, len(PREFIX)), (half_x * chance.choice((-1, 1)), 0.0, 0.0), material, box, chance)
        )
        return Load(f"pallet-{self._unit}", tags, box, sscc, material.absorbs, lines)

    def _codes(self, cases: int) -> tuple[list[tuple[str, str, int, int]], list[str]]:
        first = self.chance.randint(1, max(1, cases - 1)) if cases > 1 and self.chance.random() < 0.3 else cases
        lines, codes = [], []
        for item, count in ((101, first), (102, cases - first)):
            if count:
                gtin, serial = _checked(f"0{PREFIX}{item:05d}"), self._serial
                self._serial += count
                lines.append((gtin, f"L26-{item}", serial, count))
                codes += [epc.sgtin96(gtin, str(serial + number), len(PREFIX)) for number in range(count)]
        return lines, codes

    def truck_tag(self, number: int) -> Load:
        """A forklift with a tag on its mast (GIAI-96, TDS 2.3 §14.6.4: header 34, filter 0, partition 5)."""
        value = (0x34 << 6 | 5) << 82 | int(PREFIX) << 58 | number
        box = Box(0.4, 0.5, 0.9, 1.1)
        metal = Material("metal mount", 1.0, 0.5, 20.0)  # an on-metal tag is made for it; the truck hides it behind
        return Load(f"truck-{number}", [tag(f"{value:024X}", (0.4, 0.5, 0.6), metal, box, self.chance)], box)

    def badge(self, number: int) -> Load:
        """A person with a badge on the chest: a tag that is no GS1 EPC, and a body that is mostly water."""
        box = Box(0.2, 0.15, 0.85, 0.9)
        body = Material("body", 7.0, 2.0, 60.0)  # worn tags lose 5…10 dB (Griffin et al. 2006: meat 10.2)
        return Load(
            f"person-{number}", [tag(f"E280{number:020X}", (0.0, 0.15, 0.4), body, box, self.chance)], box, None, 60.0
        )

    def rack(self, count: int, material: Material) -> Load:
        """Goods that stand in a rack: `count` tags over three metres of it and four of height."""
        chance = self.chance
        box = Box(1.5, 0.5, 2.0, 2.0)
        _, codes = self._codes(count)
        places = [(chance.uniform(-1.5, 1.5), chance.uniform(-0.5, 0.5), chance.uniform(-1.9, 2.0)) for _ in codes]
        pairs = zip(codes, places, strict=True)
        return Load(f"rack-{self._serial}", [tag(code, place, material, box, chance) for code, place in pairs], box)


def _grid(cases: int, length_along: bool) -> tuple[int, int, int]:
    """Cases side by side, one behind the other and on top of each other, on a pallet."""
    short, long = (2, 3) if cases <= 30 else (2, 4) if cases <= 48 else (3, 4) if cases <= 84 else (5, 6)
    layers = max(1, math.ceil(cases / (short * long)))
    return (short, long, layers) if length_along else (long, short, layers)


def _on_a_face(
    middle: tuple[float, float, float], cell: tuple[float, float, float], chance: Random
) -> tuple[float, float, float]:
    """A label sits on one of the four upright faces of its case."""
    x, y, z = middle
    shift = chance.choice((-0.48, 0.48))
    high = z + chance.uniform(-0.3, 0.3) * cell[2]
    return (x + shift * cell[0], y, high) if chance.random() < 0.5 else (x, y + shift * cell[1], high)


def _checked(body: str) -> str:
    return body + epc.check_digit(body)


def announced(load: Load, extra: int = 0) -> dict[str, Any]:
    """The unit of an ASN or order (DESIGN §6) for a load; `extra` cases more than there are on its last line."""
    lines = []
    for number, (gtin, lot, first, count) in enumerate(load.lines):
        there = count + (extra if number == len(load.lines) - 1 else 0)
        ranges = [[str(first), str(first + there - 1)]]
        lines.append(
            {"gtin": gtin, "lot": lot, "expiry": "2027-04-30", "quantity": str(there), "unit": "each", "ranges": ranges}
        )
    return {"sscc": load.sscc, "lines": lines}
