"""The dock that a shift works at: doors with antennas, eyes and reader, and the gateway's configuration for them."""

import math
from dataclasses import replace
from random import Random
from typing import Final

from simulators.rf.families import Family
from simulators.rf.physics import Antenna
from simulators.rf.scene import Beam, Door

SITE: Final = "rf-dock"
LOCATION: Final = "hall"

UNEVEN: Final = 0.8
"""dB, standard deviation from antenna to antenna: cables, connectors, aim."""

ABSOLUTE: Final = 1.5
"""dB, standard deviation of a reader's levels against the truth: data sheets promise ±2…±4 dB."""


PERSISTS: Final = (0.6, 3.0)
"""Seconds for which tags of one kind of chip keep the flag of session S1 on average: Gen2 v2, table 6.20, allows 0.5 to
5 s."""

SINGLE: Final = 0.5
"""Share of the readers with S1 that ask for flag A only."""


def doors(family: Family, chance: Random) -> list[Door]:
    """The doors of a shift, from left to right, all built alike."""
    spacing, kind = chance.uniform(*family.spacing), chance.choice(family.readers)
    posts, gap = chance.uniform(*family.posts), chance.uniform(*family.row_gap)
    tilt, height = math.radians(chance.uniform(*family.tilt)), chance.uniform(*family.height)
    power, first = chance.uniform(*family.power), chance.uniform(0.0, 0.4)
    dwell, hop = chance.choice(family.dwell) * 1000, chance.choice(family.hop) * 1000
    link = chance.choice(family.links)
    session, rician = chance.choice(family.sessions), chance.uniform(*family.rician)
    persists, single = None, False
    if session == 1:
        persists, single = chance.uniform(*PERSISTS), chance.random() < SINGLE
    found = []
    for number in range(1, family.doors + 1):
        x = (number - 1) * spacing
        found.append(
            Door(
                number=number,
                portal=f"dock-{number}",
                reader=f"reader-{number}",
                preset=family.preset,
                x=x,
                antennas=[
                    replace(antenna, power=antenna.power + chance.gauss(0.0, UNEVEN))
                    for antenna in _antennas(family.preset, x, posts, first, gap, tilt, height, power)
                ],
                # beams just outside and inside the antenna rows, at the height of a pallet's goods
                eyes=[Beam(1, "outer", first - 0.25), Beam(2, "inner", first + gap + 0.2)] if family.eyes else [],
                dwell=dwell,
                hop=hop,
                session=session,
                persists=persists,
                single=single,
                link=link,
                rician=rician,
                rssi_offset=chance.gauss(0.0, ABSOLUTE),
                rssi_step=0.5 if kind == "fine" else 1.0,
                phase=kind != "poor",
                phase_flips=kind == "fine",
                neighbours=[f"dock-{other}" for other in (number - 1, number + 1) if 1 <= other <= family.doors],
            )
        )
    return found


def _antennas(
    preset: str, x: float, posts: float, first: float, gap: float, tilt: float, height: float, power: float
) -> list[Antenna]:
    across, along = math.cos(tilt), math.sin(tilt)
    if preset == "single-antenna":  # above the door, looking down
        return [Antenna(1, "middle", "top", x, first + gap / 2, 2.9, (0.0, 0.0, -1.0), power, x + posts + 0.4)]
    found: list[Antenna] = []
    sides = (("left", -1), ("right", 1)) if preset == "dock-4-antenna" else (("left", -1),)
    for row, y, away in (("outer", first, -1), ("inner", first + gap, 1)):
        for side, sign in sides:
            look = (-sign * across, away * along, 0.0)
            found.append(Antenna(len(found) + 1, row, side, x + sign * posts, y, height, look, power, x - sign * posts))
    return found


def configuration(found: list[Door], ignore: list[str], urls: dict[str, str] | None = None) -> str:
    """The gateway's configuration (TOML, DESIGN §6) for these doors.

    Args:
        found: the doors.
        ignore: the badges of the site.
        urls: where the readers answer, by id; None: nowhere (TEST-NET-1 of RFC 5737).
    """
    urls = urls or {door.reader: f"llrp://192.0.2.{door.number}" for door in found}
    text = f'[site]\nid = "{SITE}"\n\n[gateway]\nid = "gw-1"\n\n[[location]]\nid = "{LOCATION}"\nkind = "staging"\n\n'
    for door in found:
        text += f'[[reader]]\nid = "{door.reader}"\nkind = "llrp"\nurl = "{urls[door.reader]}"\n\n'
    for door in found:
        antennas = "".join(
            f'  {{ reader = "{door.reader}", port = {each.port}, row = "{each.row}", side = "{each.side}" }},\n'
            for each in door.antennas
        )
        text += f'[[portal]]\nid = "{door.portal}"\nlocation = "{LOCATION}"\npreset = "{door.preset}"\n'
        text += f"antennas = [\n{antennas}]\n"
        if door.eyes:
            eyes = "".join(
                f'  {{ reader = "{door.reader}", port = {eye.port}, row = "{eye.row}", blocked = true }},\n'
                for eye in door.eyes
            )
            text += f"eyes = [\n{eyes}]\n"
        if door.neighbours:
            text += "neighbours = [{}]\n".format(", ".join(f'"{each}"' for each in door.neighbours))
        text += "\n"
    if ignore:
        text += "[rules]\nignore = [{}]\n".format(", ".join(f'"{each}"' for each in sorted(ignore)))
    return text
