"""Kin: what the tags that belong with a tag say of it, by the points they have themselves. Pure, integers only.

Goods move in company. Cases that were labelled one after the other stand on one pallet, and what was put down together
goes together: where a tag's own reads leave it in doubt, those of its kin do not all do so.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable, Mapping

from gateway.identity import decode
from gateway.rules.background import Known
from gateway.rules.carriers import carrier
from gateway.rules.features import NOTHING, Values, new

PASSED_ON = "kin"
"""The feature whose value is points already: messages along a run of serial numbers, as in a chain whose links each
break once in so many. No table weighs them anew: one that did let every tag in doubt put its neighbours in doubt."""

KIN = (PASSED_ON, "arrived", "product", "unit")
"""The features that are made here."""

NEXT = 500
"""Points (hundredths of log-odds) that the case labelled just before or after a tag can give it: 150 : 1. One case in
forty is the first or the last of its pallet, and of those one in four has the next pallet's numbers right behind its
own, and that pallet within earshot; a neighbour that is surer itself knows no more of that."""

IN_LINE = 350
"""And on a belt, 12 : 1: cartons come there in the order in which their goods were labelled, and of a dozen tags on one
the last has the next carton's numbers right behind its own."""

SURE = 70
"""Points (2 : 1) that a tag keeps to itself of what speaks for it: many that are hardly surer than nothing, all for one
reason, do not make each other sure, as those of a pallet that is driven by inside. What speaks against it is passed on
whole: it takes one that stayed to tell that its pallet did."""

FURTHER = 50
"""And so much less for each serial number between them: cases that nobody read, or another pallet's."""

CLEAR = 600
"""Points of one tag that count at most among those that arrived with it: 400 : 1."""

TOGETHER = 3_000_000
"""µs between the first reads of tags that came to where they stand together: antennas take turns, and a vehicle that
puts them down takes a moment to back off."""

COHORT = 3
"""Others that must have come with a tag to say anything of it."""

WITNESSES = 50
"""Points from which on one of them says anything."""

SURELY, TOLD_SURELY = 300, 500
"""Points (20 : 1) of any case beside it that make a load of a pallet's own tag; and with what its serial neighbours say
(150 : 1), where it has some itself: of a load that is read once or twice a tag no case is sure alone."""

NOBODY = -300
"""Points of a pallet's own tag that is not heard: where one is heard alone, it is that much surer than any other. Not
more, for it may have none."""

WENT = 4
"""All but one in so many must agree that they went. That they stood says nothing: a trailer whose doors were opened is
heard all at once, and unloaded pallet by pallet, and so is all that stands there when the gateway starts."""

ALIKE = 20
"""And of one product, for it to have gone: a pallet has one as a rule, but what stands about may be the same. That has
been heard before, and a load that just comes has not."""


def kin(points: Mapping[str, int], known: Mapping[str, Known], *, in_line: bool = False) -> dict[str, Values]:
    """The features that a tag's kin make: for every tag with points of its own (hundredths).

    `kin` is what the serial numbers below and those above say together, each passing on what the next one says, too:
    between the cases of two pallets, one of which moved, that is nothing. `arrived` is the mean of the tags that came
    to where they stood, before the passage, with this one, where nearly all of them went; `product` that of the others
    of its product (GTIN) that were heard before, or were not, as it was or was not, where all but one in ALIKE went.
    `unit` is, of a pallet's own tag, how much surer it is than that of any other pallet, or than NOBODY: most loads are
    one, and have one. Behind an empty truck none is, and the surest of those that stand about is not surer for that: it
    counts only where goods beside it surely moved, and against the others where it moved itself.
    """
    told = {epc: dict.fromkeys(KIN, NOTHING) for epc in points}
    clear = {epc: max(-CLEAR, min(CLEAR, mine)) for epc, mine in points.items()}
    products = _products(points)
    for epc, says in _neighbours(products, points, IN_LINE if in_line else NEXT).items():
        told[epc][PASSED_ON] = says
    for each in products.values():
        for fresh in (True, False):
            _product(told, {epc: clear[epc] for _, epc in each if new(known.get(epc)) == fresh})
    units = [(mine, epc) for epc, mine in points.items() if "00" in decode(epc).ai]
    labelled = {epc for _, epc in units}
    _arrived(told, clear, known, labelled)
    if units:
        units.sort(reverse=True)
        best, first = units[0]
        second = units[1][0] if len(units) > 1 else min(best, NOBODY)
        goods = {epc: mine for epc, mine in points.items() if epc not in labelled and not carrier(epc)}
        if any(_surely(mine, told[epc][PASSED_ON]) for epc, mine in goods.items()):
            told[first]["unit"] = best - second
        for mine, epc in units:
            if epc != first and best > 0:
                told[epc]["unit"] = mine - best
    return told


def _surely(mine: int, says: int) -> bool:
    """Whether a case surely moved: by its own points, or by these and what its serial neighbours say."""
    return mine >= SURELY or (mine > 0 and says != NOTHING and mine + says >= TOLD_SURELY)


def neighbours(points: Mapping[str, int], *, in_line: bool = False) -> dict[str, int]:
    """What the serial neighbours of each tag say of it by their own `points`, and theirs; tags without are left out."""
    return _neighbours(_products(points), points, IN_LINE if in_line else NEXT)


Products = dict[str, list[tuple[str, str]]]
"""By product (GTIN): serial number and EPC of each tag."""


def _products(points: Iterable[str]) -> Products:
    products: Products = {}
    for epc in points:
        ai = decode(epc).ai
        if "01" in ai and "00" not in ai:
            products.setdefault(ai["01"], []).append((ai.get("21", ""), epc))
    return products


def _neighbours(products: Products, points: Mapping[str, int], most: int) -> dict[str, int]:
    """What those below and those above say, together."""
    told: dict[str, int] = {}
    for each in products.values():
        run = sorted((int(serial), epc) for serial, epc in each if serial.isascii() and serial.isdigit())
        for way in (run, reversed(run)):
            for epc, says in _passed_on(way, points, most):
                told[epc] = told.get(epc, 0) + says
    return told


def _passed_on(run: Iterable[tuple[int, str]], points: Mapping[str, int], next_to: int) -> Iterable[tuple[str, int]]:
    """What each tag of a run hears from the one before, which has heard from the one before that."""
    before: int | None = None
    so_far = 0
    for number, epc in run:
        if before is not None:
            most = max(0, next_to - FURTHER * (abs(number - before) - 1))
            so_far = max(-most, min(most, so_far))
            if most:
                yield epc, so_far
        mine = points[epc]
        before, so_far = number, so_far + mine - max(0, min(SURE, mine))


def _arrived(
    told: dict[str, Values], clear: Mapping[str, int], known: Mapping[str, Known], labelled: Container[str]
) -> None:
    """What had come with each tag; of another pallet's own tag (`labelled`) it says nothing: that is another load."""
    every = sorted((at, epc) for epc in clear if epc in known and (at := known[epc].moved or known[epc].first))
    came = [one for one in every if one[1] not in labelled]
    sums, for_ = [0], [0]
    for _, epc in came:
        sums.append(sums[-1] + clear[epc])
        for_.append(for_[-1] + (clear[epc] >= WITNESSES))
    instants = [at for at, _ in came]
    for at, epc in every:
        begin, end = bisect_left(instants, at - TOGETHER), bisect_right(instants, at + TOGETHER)
        mine = 0 if epc in labelled else clear[epc]
        others = end - begin - (epc not in labelled)
        if _agree(others, for_[end] - for_[begin] - (mine >= WITNESSES), WENT):
            told[epc]["arrived"] = max(0, (sums[end] - sums[begin] - mine) // others)


def _product(told: dict[str, Values], clear: Mapping[str, int]) -> None:
    """What the others of one product did, for each of them."""
    others, every = len(clear) - 1, sum(clear.values())
    went = sum(points >= WITNESSES for points in clear.values())
    for epc, mine in clear.items():
        if _agree(others, went - (mine >= WITNESSES), ALIKE):
            told[epc]["product"] = (every - mine) // others


def _agree(others: int, went: int, of: int) -> bool:
    """Whether all but one in `of` say that they went."""
    return others >= COHORT and (others - went) * of <= others
