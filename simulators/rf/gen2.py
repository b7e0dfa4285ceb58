"""Inventory: who answers in a Gen2 frame, when, and how long the frame takes (EPC Gen2 v2, §6.3.2.10; FHSS apart)."""

import math
from random import Random
from typing import Final, NamedTuple


class Link(NamedTuple):
    """How long a reader's mode takes, µs: a slot in which one tag is read, one in which nobody answers (QueryRep, T1,
    T3), one in which two RN16 overlap, and what lies between two frames (Select, Query, the reader's own work).
    """

    single: int
    empty: int
    collision: int
    between: int


LINKS: Final = {
    "dense": Link(2_300, 350, 900, 6_000),
    "fast": Link(900, 150, 350, 3_000),
}
"""dense: Miller-4 at 250 kHz, EPC-96 and CRC back; 200…280 reads/s come out, Zebra names 200 as nominal in dense-reader
mode (FX7500 manual). fast: FM0 at 640 kHz; about 500 reads/s come out, makers quote 700…1,100 for it."""

LEAST_Q: Final = 3
MOST_Q: Final = 8


class Flags:
    """The inventoried flags of sessions S1 to S3: a tag that one antenna has read is silent for the others, too.

    Unlike those of S0, which fall back as soon as an antenna's turn is over, they outlive the turn. Read dual target, a
    reader asks for all with flag A, then for all with flag B, and again: every tag gets about the same number of reads.
    The flags of S2 and S3 stay (Gen2 v2, table 6.20: > 2 s without power, for ever with it); those of S1 fall back to A
    after 0.5 to 5 s, with power or without. A reader that asks for flag A only hears a tag once in that time.
    """

    def __init__(self, persists: float | None = None, *, single: bool = False, chance: Random | None = None) -> None:
        """`persists`: seconds after which flags fall back on average, a tenth more or less from tag to tag (`chance`);
        `single`: only flag A is asked for.
        """
        self._flagged: dict[str, float] = {}
        self._target = False
        self._persists, self._single, self._chance = persists, single, chance
        self._lasts: dict[str, float] = {}

    def takes_part(self, epc: str, now: float) -> bool:
        """Its flag is the one that is asked for, at this second."""
        flagged = self._flagged.get(epc, 0.0) > now
        return flagged == self._target

    def read(self, epcs: list[str], of: int, now: float) -> None:
        """These were read of so many that took part; when that was all, the reader asks for the other flag."""
        for epc in epcs:
            if self._target:
                self._flagged.pop(epc, None)
            else:
                self._flagged[epc] = now + self._lasting(epc)
        if len(epcs) == of and not self._single:
            self._target = not self._target

    def _lasting(self, epc: str) -> float:
        if self._persists is None or self._chance is None:
            return math.inf
        if epc not in self._lasts:
            self._lasts[epc] = max(0.5, min(5.0, self._persists * self._chance.gauss(1.0, 0.1)))
        return self._lasts[epc]


def frame_q(expected: int) -> int:
    """The Q that fits so many tags: 2^Q slots, at least as many as tags (framed ALOHA is at its best near equality)."""
    q = LEAST_Q
    while q < MOST_Q and (1 << q) < expected:
        q += 1
    return q


def frame(answering: int, q: int, link: Link, chance: Random) -> tuple[list[tuple[int, int]], int]:
    """One frame: [(number of the tag, µs since the frame began), …] in order, and the µs it took.

    Args:
        answering: how many tags take part.
        q: slots are 2^q.
        link: the reader's mode.
        chance: the generator.
    """
    slots: dict[int, int] = {}
    size = 1 << q
    chosen = chance.random
    for number in range(answering):
        slot = int(chosen() * size)
        slots[slot] = -1 if slot in slots else number
    seen: list[tuple[int, int]] = []
    now, before = link.between, 0
    single, empty, collision, _ = link
    for slot, number in sorted(slots.items()):
        now += (slot - before) * empty
        before = slot + 1
        if number < 0:
            now += collision
        else:
            now += single
            seen.append((number, now))
    return seen, now + (size - before) * empty
