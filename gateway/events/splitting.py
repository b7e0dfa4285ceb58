"""A movement of very many tags is told by several events, so that none outgrows a broker's packet. Pure.

They share the movement's id (`tally:movement`, `tally:id`) and say which of how many they are (`tally:part`). Each
carries its own share of the quantities, so who adds up lines needs to know nothing of it.
"""

from msgspec import structs

from gateway.model.outcome import Line, Movement
from gateway.model.quantity import SCALE

TAGS_PER_EVENT = 500
"""Most items one event names. An item is at most 150 bytes as a Digital Link, so an event of them stays below the
128 KiB that the smallest of the large brokers takes (AWS IoT Core; Azure 256 KiB, Mosquitto 256 MiB)."""


def parts(movement: Movement, most: int = TAGS_PER_EVENT) -> tuple[Movement, ...]:
    """The movement as it is told: itself when it has at most `most` tags, else parts of at most `most`, in order.

    The sum of the parts' lines is the movement's. What no tag of a line speaks for is told with the line's first tags,
    what was missing by the first part.
    """
    if sum(len(line.epcs) for line in movement.lines) <= most:
        return (movement,)
    filled: list[list[Line]] = [[]]
    room = most
    for line in movement.lines:
        each = SCALE if line.unit == "each" else 0
        untold, expected, rest = line.quantity - len(line.epcs) * each, line.expected, line.epcs
        while True:
            if rest and not room:
                filled.append([])
                room = most
            some, rest = rest[:room], rest[room:]
            room -= len(some)
            quantity = len(some) * each + untold
            filled[-1].append(structs.replace(line, epcs=some, quantity=quantity, expected=expected))
            untold, expected = 0, None
            if not rest:
                break
    return tuple(
        structs.replace(
            movement,
            lines=tuple(lines),
            missing=movement.missing if number == 1 else (),
            part=(number, len(filled)),
        )
        for number, lines in enumerate(filled, start=1)
    )
