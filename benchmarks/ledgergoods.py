"""The goods of a large ledger: some years of one site, the same in every run.

Of N items one twentieth is a single giant lot; the others are streams of 2,500 items of one product each, the first 300
of a stream one large lot, the rest small lots of very different sizes (about 8 items). Two streams share pallets: 30
items of each on one unit, so that a pallet carries several lots. Every pallet moves five times: received, moved three
times, then shipped (four of five) or moved again. That is 5 N item-movement rows and N/10 lots. Every tenth small lot
was made from two small lots of another product.
"""

import random
import uuid
from itertools import pairwise
from typing import NamedTuple

from benchmarks.dock import PREFIX
from simulators import epc

STREAM, SHARE, LARGE = 2_500, 30, 300
"""Items of a product, of them on one pallet, and in its large lot."""

MADE = 10
"""One small lot of so many was made from two others."""

MOVES = 5
HOUR = 3_600_000_000
T0 = 1_700_000_000_000_000
PLACES = ("dock", "cold-1", "cold-2", "lane-3", "rack-4")


class Lot(NamedTuple):
    """A lot and the serials of its items: `first` up to, and without, `end`."""

    gtin: str
    lot: str
    first: int
    end: int


class Move(NamedTuple):
    """A movement of a pallet."""

    ident: str
    kind: str
    origin: str | None
    there: str | None
    verdict: str
    at: int


class Pallet(NamedTuple):
    """A unit, its portions (lot and span of serials), and its movements."""

    sscc: str
    portions: list[Lot]
    moves: list[Move]

    @property
    def rests(self) -> str | None:
        """Where it is."""
        return self.moves[-1].there

    @property
    def state(self) -> str:
        """As the ledger calls that."""
        return "present" if self.rests else "left"


class Made(NamedTuple):
    """A lot that was made from others."""

    product: Lot
    raw: tuple[Lot, Lot]


class Goods(NamedTuple):
    """All that is loaded, and how an EPC is made. `ordinary` lots are the small ones, one in ten has ingredients."""

    giant: Lot
    large: list[Lot]
    ordinary: list[Lot]
    pallets: list[Pallet]
    made: list[Made]
    bases: dict[str, int]

    def epc(self, gtin: str, serial: int) -> str:
        """The SGTIN-96 of an item in hex."""
        return f"{self.bases[gtin] + serial:024X}"

    def epcs(self, portion: Lot) -> list[str]:
        """The EPCs of a lot, or of a part of it."""
        return [self.epc(portion.gtin, serial) for serial in range(portion.first, portion.end)]

    @property
    def lots(self) -> list[Lot]:
        """Every lot."""
        return [self.giant, *self.large, *self.ordinary]


def goods(items: int) -> Goods:
    """The goods of a ledger of so many items (exactly, of multiples of 100,000), a tenth of them lots."""
    chance = random.Random(items)
    giant = items // 20
    streams = (items - giant) // STREAM // 2 * 2
    gtins = [_with_check(f"0{PREFIX}{10_000 + number:05d}") for number in range(streams + 1)]
    bases = {gtin: int(epc.sgtin96(gtin, "0", len(PREFIX)), 16) for gtin in gtins}
    lots = [[Lot(gtins[-1], "GIANT", 1, giant + 1)]]
    small, more = divmod(items // 10 - 1, streams)
    for number, gtin in enumerate(gtins[:-1]):
        lots.append(_stream(gtin, small + (number < more), chance))
    loads = [[part] for (part,) in _spans(lots[0], 2 * SHARE)]
    for one, other in zip(lots[1::2], lots[2::2], strict=True):
        loads += [a + b for a, b in zip(_spans(one, SHARE), _spans(other, SHARE), strict=True)]
    chance.shuffle(loads)
    pallets = [_pallet(number, load, chance) for number, load in enumerate(loads)]
    ordinary = [lot for stream in lots[1:] for lot in stream[1:]]
    made = [
        Made(product, (chance.choice(raw[1:]), chance.choice(raw[1:])))
        for raw, stream in pairwise(lots[1:])
        for product in stream[1::MADE]
    ]
    return Goods(lots[0][0], [stream[0] for stream in lots[1:]], ordinary, pallets, made, bases)


def sscc(number: int) -> str:
    """The SSCC of a pallet."""
    return _with_check(f"0{PREFIX}{number:09d}")


def _stream(gtin: str, lots: int, chance: random.Random) -> list[Lot]:
    cuts = sorted(chance.sample(range(LARGE + 2, STREAM + 1), lots - 2))
    edges = [1, LARGE + 1, *cuts, STREAM + 1]
    return [Lot(gtin, f"L{number:04d}", first, end) for number, (first, end) in enumerate(pairwise(edges))]


def _spans(stream: list[Lot], share: int) -> list[list[Lot]]:
    """A stream cut into loads of `share` items: of each lot the part that falls into the load."""
    found: list[list[Lot]] = []
    for start in range(stream[0].first, stream[-1].end, share):
        stop = start + share
        inside = [lot for lot in stream if lot.first < stop and lot.end > start]
        found.append([lot._replace(first=max(lot.first, start), end=min(lot.end, stop)) for lot in inside])
    return found


def _pallet(number: int, load: list[Lot], chance: random.Random) -> Pallet:
    began = T0 + number * HOUR
    dock, *rooms = PLACES
    moves: list[Move] = []
    here: str | None = None
    for turn in range(MOVES):
        ident = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        last = turn == MOVES - 1
        there = None if last and number % 5 else (dock if turn == 0 else rooms[(number + turn) % len(rooms)])
        kind = "receive" if turn == 0 else "ship" if there is None else "transfer"
        verdict = "held" if turn == 0 and number % 50 == 0 else "accepted"
        moves.append(Move(ident, kind, here, there, verdict, began + turn * 37 * HOUR))
        here = there
    return Pallet(sscc(number), load, moves)


def _with_check(body: str) -> str:
    return body + epc.check_digit(body)
