"""Vouching: what was announced settles doubtful tags, and says so."""

from typing import Any

import msgspec
import pytest

from gateway.identity import decode
from gateway.model.documents import ExpectedLine, ExpectedUnit
from gateway.model.facts import Expected, Facts, Item, Serial
from gateway.model.outcome import Passage
from gateway.model.settings import Antenna, Portal
from gateway.rules.asking import questions
from gateway.rules.candidates import Crossed
from gateway.rules.vouching import DISMISSED, STOOD_ON, STRANGER, VOUCHED, settled
from simulators import epc

SSCC, OTHER = "095200010000000010", "095200010000000027"
GTIN = "09520001112348"
PALLET, STRANGE_PALLET = epc.sscc96(SSCC, 7), epc.sscc96(OTHER, 7)
CASES = [epc.sgtin96(GTIN, str(number), 7) for number in range(1, 6)]
PORTAL = Portal("dock-1", "hall", (Antenna("r", 1, "outer"), Antenna("r", 2, "inner")))
INNER = Portal("door-2", "cold", PORTAL.antennas, outside="hall")


def serials(**homes: str) -> dict[str, tuple[Serial, ...]]:
    """`s1=SSCC`: serial 1 is announced on that unit."""
    return {f"{GTIN}/{name[1:]}": (Serial(GTIN, "L1", "asn/A1", sscc, "serial"),) for name, sscc in homes.items()}


def facts(**homes: str) -> Facts:
    """The unit SSCC is announced, with these serials."""
    expected = {SSCC: (Expected("asn", "A1", 1, ExpectedUnit(SSCC, ()), "expected"),)}
    return Facts(expected=expected, serials=serials(**homes))


def said(by: str) -> Facts:
    """CASES[0] and CASES[1] are on the unit SSCC: so says an ASN, an order or the ledger."""
    if by == "ledger":
        return Facts(items={tag: Item(tag, GTIN, "L1", "present", None, SSCC) for tag in CASES[:2]})
    each = {f"{GTIN}/{number}": (Serial(GTIN, "L1", f"{by}/D1", SSCC, "serial"),) for number in (1, 2)}
    return Facts(expected={SSCC: (Expected(by, "D1", 1, ExpectedUnit(SSCC, ()), "expected"),)}, serials=each)


def crossed(moved: list[str], doubts: dict[str, int], way: str = "in", portal: Portal = PORTAL) -> Crossed:
    """A passage with these tags; doubtful ones count by their points."""
    every = {*moved, *(tag for tag, points in doubts.items() if points > 0)}
    strays = tuple(sorted(set(doubts) - every))
    passage = Passage("dock-1/1", "dock-1", 1, 2, way, 0.99, tuple(sorted(every)), strays)
    return Crossed(passage, portal, None, (), doubts=tuple(sorted(doubts.items())))


RANDOM = [epc.sgtin96(GTIN, str(serial), 7) for serial in (70_051, 912, 33_333_001, 4_107, 580_006)]


def announced(*serials: str, ranges: tuple[tuple[str, str], ...] = ()) -> Facts:
    """The unit SSCC is announced with RANDOM, and with these."""
    names = [decode(tag).ai["21"] for tag in RANDOM]
    line = ExpectedLine(GTIN, "9", "L1", serials=(*names, *serials), ranges=ranges)
    homes = {f"{GTIN}/{name}": (Serial(GTIN, "L1", "asn/A1", SSCC, "serial"),) for name in (*names, *serials)}
    return Facts(expected={SSCC: (Expected("asn", "A1", 1, ExpectedUnit(SSCC, (line,)), "expected"),)}, serials=homes)


def beside(doubts: dict[str, int], *stayed: str) -> Crossed:
    """A passage with these doubtful tags, and some that surely stayed."""
    made = crossed([], doubts)
    passage = msgspec.structs.replace(made.passage, strays=tuple(sorted({*made.passage.strays, *stayed})))
    return msgspec.structs.replace(made, passage=passage)


def test_tags_that_are_announced_together_speak_for_each_other() -> None:
    """None of them is sure, and no serial number is next to another: by all their points they went, and so did each."""
    doubts = {PALLET: 90, **dict(zip(RANDOM, (210, 150, -120, 40, -60), strict=True))}
    assert set(settled(beside(doubts), announced()).moved) == set(doubts)
    less = {PALLET: 90, **dict(zip(RANDOM, (60, 50, -320, 40, -60), strict=True))}
    assert settled(beside(less), announced()) == beside(less).passage


def test_two_are_no_company() -> None:
    """LIKELY of them must be in question: of one or two chance tells."""
    doubts = {PALLET: 210, RANDOM[0]: -60}
    assert settled(beside(doubts), announced()) == beside(doubts).passage


def test_who_surely_stayed_speaks_too() -> None:
    """A staged pallet, of which a few tags are in doubt, stays: the others of its ASN are sure of that."""
    doubts = {PALLET: 90, **dict(zip(RANDOM[:3], (210, 150, -120), strict=True))}
    assert len(settled(beside(doubts), announced()).moved) == 4
    assert settled(beside(doubts, RANDOM[3]), announced()) == beside(doubts, RANDOM[3]).passage
    named = epc.sgtin96(GTIN, "1007", 7)
    assert settled(beside(doubts, named), announced(ranges=(("1001", "1009"),))) == beside(doubts, named).passage
    assert len(settled(beside(doubts, named), announced(ranges=(("1001", "1006"),))).moved) == 4


def test_what_the_ledger_alone_has_together_does_not() -> None:
    """Cases are taken off pallets, and nobody books that."""
    doubts = {PALLET: 90, **dict(zip(RANDOM, (210, 150, -120, 40, -60), strict=True))}
    facts = Facts(items={tag: Item(tag, GTIN, "L1", "present", None, SSCC) for tag in RANDOM})
    assert settled(beside(doubts), facts) == beside(doubts).passage


def test_an_announced_tag_is_vouched_for() -> None:
    """A doubtful case of a unit that moved counts, is inferred, and the evidence says from what."""
    found = settled(crossed([PALLET, CASES[0]], {CASES[1]: -300}), facts(s1=SSCC, s2=SSCC))
    assert found.moved == tuple(sorted([PALLET, CASES[0], CASES[1]]))
    assert found.inferred == (CASES[1],)
    assert found.strays == ()
    assert found.evidence == {"inferred_from": "asn", "vouched": {CASES[1]: ["asn", VOUCHED / 100]}}


@pytest.mark.parametrize(
    ("by", "way", "points"),
    [
        ("asn", "in", VOUCHED),
        ("asn", "out", None),
        ("order", "in", None),
        ("order", "out", VOUCHED),
        ("ledger", "in", None),
        ("ledger", "out", STOOD_ON),
    ],
)
def test_who_speaks_for_a_tag_depends_on_where_it_goes(by: str, way: str, points: int | None) -> None:
    """What is to be shipped has no reason to come in; what goes out was not announced by a supplier; cases are taken
    off pallets, so the ledger is believed less.
    """
    found = settled(crossed([CASES[0]], {CASES[1]: -250}, way), said(by))
    assert found.evidence.get("vouched") == (points and {CASES[1]: [by, points / 100]})


def test_who_does_not_speak_for_a_tag_says_nothing_against_it() -> None:
    """It is on the unit that moved, though an order is no reason to come in: by its points alone it counts."""
    one = crossed([CASES[0]], {CASES[1]: 200})
    assert settled(one, said("order")) == one.passage


@pytest.mark.parametrize("by", ["asn", "order", "ledger"])
def test_at_an_inner_door_anybody_speaks_for_a_tag(by: str) -> None:
    """Goods go from room to room whoever announced them."""
    assert settled(crossed([CASES[0]], {CASES[1]: -250}, "in", INNER), said(by)).inferred == (CASES[1],)


@pytest.mark.parametrize(
    ("told", "reason", "points"),
    [(facts(s1=SSCC, s2=OTHER), "elsewhere", DISMISSED), (facts(s1=SSCC), "stranger", STRANGER)],
    ids=["announced on a pallet that stayed", "named nowhere"],
)
def test_a_doubtful_stranger_is_dismissed(told: Facts, reason: str, points: int) -> None:
    """A tag that counts by little, and belongs elsewhere or nowhere, is a stray, and the evidence says why."""
    found = settled(crossed([PALLET, CASES[0]], {CASES[1]: 200}), told)
    assert found.moved == tuple(sorted([PALLET, CASES[0]]))
    assert found.strays == (CASES[1],)
    assert found.inferred == ()
    assert found.evidence == {"dismissed": {CASES[1]: [reason, points / 100]}}


@pytest.mark.parametrize(("against", "stay"), [(1, True), (2, False)])
def test_the_second_pallet_of_a_truck_is_not_dismissed_as_a_whole(against: int, stay: bool) -> None:
    """Three of its tags count, if barely, and are two in three: they stay; what does not count is not vouched for."""
    cases = [epc.sgtin96(GTIN, str(number), 7) for number in range(2, 7)]
    doubts = dict.fromkeys(cases[:3], 200) | dict.fromkeys(cases[3 : 3 + against], -200)
    told = facts(s1=SSCC, **{f"s{number}": OTHER for number in range(2, 7)})
    found = settled(crossed([PALLET, CASES[0]], doubts), told)
    assert set(found.moved) == {PALLET, CASES[0], *(cases[:3] if stay else ())}
    assert found.inferred == ()
    few = settled(crossed([PALLET, CASES[0]], dict.fromkeys(cases[:2], 200)), told)
    assert set(few.moved) == {PALLET, CASES[0]}


def test_several_strangers_are_dismissed_as_one_is() -> None:
    """That the others in doubt are named nowhere either speaks for none of them."""
    found = settled(crossed([PALLET, CASES[0]], {CASES[1]: 200, CASES[2]: 200}), facts(s1=SSCC))
    assert found.moved == tuple(sorted([PALLET, CASES[0]]))
    assert set(found.evidence["dismissed"]) == {CASES[1], CASES[2]}


@pytest.mark.parametrize(("gtin", "stays"), [(GTIN, True), ("09521321009999", False)])
def test_a_product_that_is_announced_by_number_names_its_tags(gtin: str, stays: bool) -> None:
    """Where no items are listed a doubtful tag of that product is no stranger, and one of another product is."""
    unit = ExpectedUnit(SSCC, (ExpectedLine(gtin, "2"),))
    known = Facts(expected={SSCC: (Expected("asn", "A1", 1, unit, "expected"),)}, serials=serials(s1=SSCC))
    found = settled(crossed([PALLET, CASES[0]], {CASES[1]: 200}), known)
    assert (CASES[1] in found.moved) is stays


def test_beside_products_announced_by_number_another_product_is_strange() -> None:
    """All that surely moved is named by its product; what is of another one is not."""
    unit, other = ExpectedUnit(SSCC, (ExpectedLine(GTIN, "2"),)), epc.sgtin96("09520001112355", "1", 7)
    known = Facts(expected={SSCC: (Expected("asn", "A1", 1, unit, "expected"),)})
    found = settled(crossed([PALLET, CASES[0]], {other: 200}), known)
    assert found.evidence == {"dismissed": {other: ["stranger", STRANGER / 100]}}


def test_a_trucks_own_tag_is_no_stranger_and_makes_none() -> None:
    """Nobody announces trucks: it stays told as moved, and beside it a tag that nobody named is one all the same."""
    truck = "34164522A400000000000001"
    one = crossed([PALLET, CASES[0]], {truck: 200, CASES[1]: 200})
    found = settled(one, facts(s1=SSCC))
    assert set(found.moved) == {PALLET, CASES[0], truck}
    assert found.evidence == {"dismissed": {CASES[1]: ["stranger", STRANGER / 100]}}


def test_what_is_booked_here_does_not_come_in_again() -> None:
    """A doubtful tag that the ledger holds here already is a stray of goods that come in."""
    booked = Facts(
        expected=facts().expected,
        serials=serials(s1=SSCC),
        items={CASES[1]: Item(CASES[1], GTIN, "L1", "present", "hall")},
    )
    assert settled(crossed([PALLET, CASES[0]], {CASES[1]: 200}), booked).strays == (CASES[1],)


def test_beyond_doubt_nothing_is_turned() -> None:
    """A tag that surely moved stays, though nobody announced it: an over-delivery is for the rules to judge."""
    one = crossed([PALLET, CASES[0], CASES[4]], {})
    assert settled(one, facts(s1=SSCC)) == one.passage


def test_half_a_unit_is_the_unit() -> None:
    """Cases of one unit vouch for its faint pallet tag, and for each other, without it."""
    told = facts(s1=SSCC, s2=SSCC, s3=SSCC)
    found = settled(crossed(CASES[:2], {PALLET: -200, CASES[2]: -100}), told)
    assert set(found.inferred) == {PALLET, CASES[2]}


def test_alone_nothing_is_vouched_for() -> None:
    """Where nothing moved beyond doubt, announcements invent nothing."""
    one = crossed([], {CASES[1]: -10, CASES[2]: 10})
    assert settled(one, facts(s1=SSCC, s2=SSCC)) == one.passage


def test_what_turned_round_is_left_alone() -> None:
    """A passage without a way settles nothing."""
    one = crossed([PALLET], {CASES[1]: -10}, "none")
    assert settled(one, facts(s2=SSCC)) == one.passage


def test_doubtful_tags_are_asked_for() -> None:
    """The ledger is asked about doubtful tags, too, where something moved."""
    asked: Any = questions([crossed([PALLET], {CASES[1]: -10})])
    assert CASES[1] in asked.epcs
    assert (GTIN, "2") in asked.serials
    assert decode(PALLET).ai["00"] in asked.ssccs
    assert CASES[1] not in questions([crossed([], {CASES[1]: -10})]).epcs
