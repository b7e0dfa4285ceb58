"""The dock that is measured: its configuration, the pallets that cross it, what was announced, and how they are read.

Everything is the same in every run. EPCs come from `simulators.epc`, the encoder of the simulated goods.
"""

import random
from typing import Any, NamedTuple

from benchmarks.frames import Tag
from simulators import epc

PREFIX = "9521321"
"""GS1's company prefix for examples, 7 digits."""

LOTS = ("L26-101", "L26-102")
T0 = 1_795_243_331_000_000
"""When the measured morning begins, µs UTC: 2026-11-21 05:02:11."""

BETWEEN = 3_000_000
"""µs between two pallets at one door: more than the quiet and settling that end a passage."""


def _with_check(body: str) -> str:
    return body + epc.check_digit(body)


GTINS = tuple(_with_check(f"0{PREFIX}{item:05d}") for item in (101, 102))


class Pallet(NamedTuple):
    """A logistic unit and the tagged cases on it: the unit's own tag comes first in `tags` (hex)."""

    sscc: str
    serials: tuple[int, int]
    tags: tuple[str, ...]


def pallet(number: int, cases: int) -> Pallet:
    """Pallet `number` (from 0) with an even number of cases, half of each of the two lots."""
    sscc = _with_check(f"0{PREFIX}{number:09d}")
    first = 1 + number * cases
    last = first + cases // 2 - 1
    tags = [epc.sscc96(sscc, len(PREFIX))]
    tags += [epc.sgtin96(gtin, str(serial), len(PREFIX)) for gtin in GTINS for serial in range(first, last + 1)]
    return Pallet(sscc, (first, last), tuple(tags))


def asn(name: str, pallets: list[Pallet]) -> dict[str, Any]:
    """The advance ship notice of these pallets: both lots by serial range."""
    units = [
        {
            "sscc": one.sscc,
            "lines": [
                {
                    "gtin": gtin,
                    "lot": lot,
                    "expiry": "2027-04-30",
                    "quantity": str(one.serials[1] - one.serials[0] + 1),
                    "unit": "each",
                    "ranges": [[str(one.serials[0]), str(one.serials[1])]],
                }
                for gtin, lot in zip(GTINS, LOTS, strict=True)
            ],
        }
        for one in pallets
    ]
    return {"asn": name, "version": 1, "supplier": "bench", "units": units}


def crossing(one: Pallet, began: int, lasts: int, reads: int, chance: random.Random) -> list[Tag]:
    """Reads of a pallet coming in during `lasts` µs, in order: outer antennas (1, 2) first, then inner (3, 4)."""
    octets = [bytes.fromhex(tag) for tag in one.tags]
    found = []
    for number in range(reads):
        part = number / reads
        inner = chance.random() < part
        antenna = (3 if inner else 1) + chance.getrandbits(1)
        found.append(
            Tag(began + int(part * lasts), antenna, octets[number % len(octets)], chance.randint(-60, -46),
                chance.randint(1, 50))
        )  # fmt: skip
    return found


def door(number: int, url: str) -> str:
    """Tables of the configuration for one reader and its portal, with eyes and lights."""
    reader = f"reader-{number}"
    antennas = "".join(
        f'  {{ reader = "{reader}", port = {port}, row = "{row}" }},\n'
        for port, row in ((1, "outer"), (2, "outer"), (3, "inner"), (4, "inner"))
    )
    return (
        f'[[reader]]\nid = "{reader}"\nurl = "{url}"\n\n'
        f'[[portal]]\nid = "dock-{number}"\nlocation = "inbound"\npreset = "dock-4-antenna"\n'
        f"antennas = [\n{antennas}]\n"
        f'eyes = [\n  {{ reader = "{reader}", port = 1, row = "outer" }},\n'
        f'  {{ reader = "{reader}", port = 2, row = "inner" }},\n]\n'
        f'lights = {{ reader = "{reader}", green = 1, red = 2, amber = 3, hold = "1s" }}\n\n'
    )


def configuration(doors: list[str], state: str = "state") -> str:
    """The configuration of a gateway with these doors (one reader url each); paths are relative to its file."""
    head = (
        f'[site]\nid = "bench"\n\n[gateway]\nid = "gw-1"\nstate = "{state}"\n\n'
        '[[location]]\nid = "inbound"\nkind = "staging"\n\n'
    )
    tail = '[api]\nlisten = "127.0.0.1:0"\nsocket = "tallyman.sock"\n\n[log]\nlevel = "warning"\nformat = "json"\n'
    return head + "".join(door(number, url) for number, url in enumerate(doors, 1)) + tail
