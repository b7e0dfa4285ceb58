"""What was announced, and what the ledger holds, settles the doubtful tags of a passage: said, never silent. Pure.

A tag that the radio leaves in doubt (`scoring.VOUCHABLE`, `DOUBT`) gets points for what is known of it:

    for      the ASN or order, or the ledger, puts it on a unit whose own tag, or half of whose tags, moved beyond
             doubt, or that moved by what its announced tags say together. At a dock door that is the ASN of what comes
             in, and the order, or the ledger, of what goes out
    against  it is announced or booked on another unit that did not move, of which less than LIKELY tags, or less than
             two in three, seem to have moved; it is booked here already and goods come in; or it is named nowhere while
             all that moved beyond doubt is announced, tag by tag or by product: a stranger

What turns by that stands in the evidence: `vouched` {epc: [reason, points]}, `dismissed` likewise, and `inferred_from`
("asn", "order" or "ledger"); tags that moved only because something vouched for them are the passage's `inferred`.
Tags that were not read at all are never added: they are missing, and `movements` says so.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import structs

from gateway.identity import decode
from gateway.model.documents import ExpectedUnit
from gateway.model.facts import Facts, Serial
from gateway.model.outcome import Passage
from gateway.rules.candidates import Crossed
from gateway.rules.carriers import carrier
from gateway.rules.scoring import DOUBT, VOUCHABLE

VOUCHED = VOUCHABLE
"""Hundredths of log-odds for a tag that is announced on what moves with it."""

STOOD_ON = 300
"""For one that only the ledger has on it: 20 : 1, as cases are taken off a pallet all day, and nobody books that."""

DISMISSED = -500
"""For a tag that is announced or booked on something else: 150 : 1, as goods are repacked more often than misnamed."""

STRANGER = -250
"""For a tag that nobody named, beside units that are named tag by tag: 12 : 1; over-deliveries do happen."""

HALF = 2
"""A unit moved when at least one in so many of its read tags did, even if its own tag is in doubt or was not read."""


def settled(crossed: Crossed, facts: Facts) -> Passage:
    """The passage with its doubtful tags decided."""
    passage = crossed.passage
    if not crossed.doubts or passage.direction not in ("in", "out", "unknown"):
        return passage
    doubts = dict(crossed.doubts)
    sure = [epc for epc in passage.moved if epc not in doubts]
    homes = {epc: _homes(epc, facts) for epc in [*passage.moved, *doubts]}
    units = _moving(sure, homes, doubts) | _together(passage, homes, doubts, facts)
    if not units:
        return passage
    likely = _likely(passage.moved, homes, doubts)
    counted = _counted(units, facts)
    named = all(homes[epc] or carrier(epc) or decode(epc).ai.get("01") in counted for epc in sure)
    told: dict[str, tuple[str, int]] = {}
    for epc in doubts:
        strange = named and decode(epc).ai.get("01") not in counted and not carrier(epc)  # nobody announces trucks
        if (found := _told(crossed, epc, homes[epc], units, likely, strange, facts)) is not None:
            told[epc] = found
    moved = set(passage.moved)
    vouched: dict[str, Any] = {}
    dismissed: dict[str, Any] = {}
    for epc, (reason, points) in sorted(told.items()):
        total = doubts[epc] + points
        if total > 0 >= doubts[epc]:
            moved.add(epc)
            vouched[epc] = [reason, points / 100]
        elif total <= 0 < doubts[epc]:
            moved.discard(epc)
            dismissed[epc] = [reason, points / 100]
    if not vouched and not dismissed:
        return passage
    evidence = dict(passage.evidence)
    if vouched:
        evidence |= {"inferred_from": min(reason for reason, _ in vouched.values()), "vouched": vouched}
    if dismissed:
        evidence["dismissed"] = dismissed
    every = {*passage.moved, *passage.strays}
    return structs.replace(
        passage,
        moved=tuple(sorted(moved)),
        strays=tuple(sorted(every - moved)),
        inferred=tuple(sorted(vouched)),
        evidence=evidence,
    )


LIKELY = 3
"""Tags of a unit that count by their points, however little, with which it may have moved as well: of two pallets on
one truck the far one's tags may all be in doubt. That vouches for none of them, but is no reason to dismiss them."""

Homes = dict[str, set[str]]
"""The units (SSCC) a tag belongs to, and who says so: asn, order, ledger. A unit's own tag belongs to it."""

SPEAKS = {"in": ("asn",), "out": ("order", "ledger")}
"""Whose word counts at a dock door for what goes this way; who comes first is believed most. What is to be shipped has
no reason to come in, and what is booked here is here."""

ANYWAY = ("asn", "order", "ledger")
"""And at an inner door, or where the way is not known."""


def _homes(epc: str, facts: Facts) -> Homes:
    ai = decode(epc).ai
    if "00" in ai:
        sscc = ai["00"]
        return {sscc: {one.kind for one in facts.expected[sscc]}} if facts.expected.get(sscc) else {}
    homes: Homes = {}
    for one in _serials(epc, ai, facts):
        if one.sscc:
            homes.setdefault(one.sscc, set()).add(one.expectation.partition("/")[0])
    item = facts.items.get(epc)
    if item is not None and item.parent is not None:
        homes.setdefault(item.parent, set()).add("ledger")
    return homes


def _serials(epc: str, ai: Mapping[str, str], facts: Facts) -> tuple[Serial, ...]:
    return facts.serials.get(f"{ai.get('01')}/{ai.get('21')}", ()) + facts.serials.get(epc, ())


def _moving(sure: list[str], homes: Mapping[str, Homes], doubts: Mapping[str, int]) -> frozenset[str]:
    """The units that moved beyond doubt: by their own tag, or by most of their tags."""
    own = {sscc for epc in sure if (sscc := decode(epc).ai.get("00"))}
    with_it = Counter(sscc for epc in sure for sscc in homes[epc])
    in_doubt = Counter(sscc for epc in doubts for sscc in homes[epc])
    return frozenset(own | {sscc for sscc, count in with_it.items() if count * HALF >= count + in_doubt[sscc]})


def _together(passage: Passage, homes: Mapping[str, Homes], doubts: Mapping[str, int], facts: Facts) -> frozenset[str]:
    """The announced units that moved by what their tags say together, though none need be sure of it: LIKELY of them at
    least are in question, and their points are above nought on average, those that surely stayed counted in.
    """
    points: dict[str, list[int]] = {}
    for epc, units in homes.items():
        for sscc, who in units.items():
            if sscc in facts.expected and not who.isdisjoint(("asn", "order")):
                points.setdefault(sscc, []).append(doubts.get(epc, DOUBT))
    gone = {sscc: sum(each) for sscc, each in points.items() if len(each) >= LIKELY and sum(each) > 0}
    stayed = [decode(epc).ai for epc in passage.strays if epc not in doubts] if gone else []
    return frozenset(
        sscc
        for sscc, total in gone.items()
        if total > VOUCHABLE * sum(_names(expected.unit, ai) for expected in facts.expected[sscc] for ai in stayed)
    )


def _names(unit: ExpectedUnit, ai: Mapping[str, str]) -> bool:
    """Whether this item is announced on the unit, or is its own tag."""
    serial = ai.get("21", "")
    return ai.get("00") == unit.sscc or any(
        serial in line.serials or (serial.isdecimal() and any(_within(serial, *span) for span in line.ranges))
        for line in unit.lines
        if line.gtin == ai.get("01")
    )


def _within(serial: str, low: str, high: str) -> bool:
    return low.isdecimal() and high.isdecimal() and int(low) <= int(serial) <= int(high)


def _likely(moved: Iterable[str], homes: Mapping[str, Homes], doubts: Mapping[str, int]) -> frozenset[str]:
    """The units of which LIKELY tags, and two in three of those in question, moved by their points."""
    with_it = Counter(sscc for epc in moved for sscc in homes[epc])
    against = Counter(sscc for epc, points in doubts.items() if points <= 0 for sscc in homes[epc])
    return frozenset(sscc for sscc, count in with_it.items() if count >= max(LIKELY, 2 * against[sscc]))


def _counted(units: frozenset[str], facts: Facts) -> frozenset[str]:
    """The products (GTIN) that these units are announced to hold so many of, without saying which items."""
    return frozenset(
        line.gtin
        for sscc in units
        for expected in facts.expected.get(sscc, ())
        for line in expected.unit.lines
        if not (line.serials or line.ranges or line.epcs)
    )


def _told(
    crossed: Crossed,
    epc: str,
    mine: Homes,
    units: frozenset[str],
    likely: frozenset[str],
    strange: bool,
    facts: Facts,
) -> tuple[str, int] | None:
    """What the facts say of one tag, a word and points; `strange`: all that surely moved is named, and it is not."""
    own = decode(epc).ai.get("00")
    way = crossed.passage.direction if crossed.portal.outside is None else ""
    here = [own] if own is not None else list(mine)
    said = {who for sscc in here if sscc in units for who in mine.get(sscc, ("ledger",))}
    if who := next((who for who in SPEAKS.get(way, ANYWAY) if who in said), None):
        return who, STOOD_ON if who == "ledger" else VOUCHED
    item = facts.items.get(epc)
    if crossed.passage.direction == "in" and crossed.portal.outside is None and item is not None and item.location:
        return "booked", DISMISSED
    if mine:
        return None if (likely | units).intersection(mine) else ("elsewhere", DISMISSED)
    if own is None and strange:
        return "stranger", STRANGER
    return None
