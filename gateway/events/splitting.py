"""A movement of very many tags is told by several events, so that none outgrows a broker's packet. Pure.

They share the movement's id (`tally:movement`, `tally:id`) and say which of how many they are (`tally:part`). Each
carries its own share of the quantities, so who adds up lines needs to know nothing of it. The evidence on an event is
that of its own tags; the ledger has all of it.
"""

from typing import Any

from msgspec import structs

from gateway.model.movements import Line, Movement
from gateway.model.quantity import SCALE

PACKET = 128 * 1024
"""Bytes that the least of the large brokers takes (AWS IoT Core; Azure 256 KiB, Mosquitto 256 MiB)."""

PLACES = 400
"""Most places in one event. A tag takes one: at most 150 bytes as a Digital Link and 100 as evidence."""
LINE = 4
"""Places of a lot line: its quantities and names, told twice (EPCIS and our own)."""
SHOWN = 100
"""Most entries of any other list of the evidence."""
REASONED = 25
"""Tags of a large movement whose reasons are told, some 250 bytes each: the closest calls. The ledger has them all."""


def parts(movement: Movement, most: int = PLACES) -> tuple[Movement, ...]:
    """The movement as it is told: itself when it has room in `most` places, else parts that have, in order.

    The sum of the parts' lines is the movement's. What no tag of a line speaks for is told with the line's first tags,
    what was missing by the first part.
    """
    filled: list[list[Line]] = [[]]
    room = most
    for line in movement.lines:
        each = SCALE if line.unit == "each" else 0
        untold, expected, rest = line.quantity - len(line.epcs) * each, line.expected, line.epcs
        while True:
            if filled[-1] and room < LINE + bool(rest):
                filled.append([])
                room = most
            fits = max(1, room - LINE)
            some, rest = rest[:fits], rest[fits:]
            room -= LINE + len(some)
            quantity = len(some) * each + untold
            filled[-1].append(structs.replace(line, epcs=some, quantity=quantity, expected=expected))
            untold, expected = 0, None
            if not rest:
                break
    if len(filled) == 1:
        return (movement,)
    return tuple(
        structs.replace(
            movement,
            lines=tuple(lines),
            missing=movement.missing if number == 1 else (),
            part=(number, len(filled)),
        )
        for number, lines in enumerate(filled, start=1)
    )


def first_part(movement: Movement) -> tuple[Line, ...]:
    """As many lines and tags of a movement as one event has places for; quantities stay those of the whole."""
    told = parts(movement)[0].lines
    return tuple(structs.replace(line, epcs=cut.epcs) for line, cut in zip(movement.lines, told, strict=False))


def evidence(movement: Movement) -> dict[str, Any]:
    """The evidence as far as one event tells it; `shortened` says how long a cut list really is."""
    told = dict(movement.evidence)
    lines = first_part(movement)
    own = {epc for line in lines for epc in line.epcs} | {movement.sscc_epc}
    for name in ("tags", "points", "why"):
        by_tag = told.get(name)
        if isinstance(by_tag, dict) and len(by_tag) > SHOWN:
            told[name] = {epc: figures for epc, figures in by_tag.items() if epc in own}
    why = told.get("why")
    long = {}
    if isinstance(why, dict) and len(why) > SHOWN:
        points = told.get("points", {})
        close = sorted(why, key=lambda epc: (abs(points.get(epc, 0)), epc))[:REASONED]
        told["why"], long = {epc: why[epc] for epc in sorted(close)}, {"why": len(why)}
    lists = [name for name, value in told.items() if isinstance(value, list | tuple) and len(value) > SHOWN]
    for name in lists:
        long[name] = len(told[name])
        told[name] = list(told[name][:SHOWN])
    if len(lines) < len(movement.lines):  # one that is refused: it is not told in parts
        long["lines"] = len(movement.lines)
    return told | ({"shortened": long} if long else {})
