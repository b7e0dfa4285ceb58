"""A late ASN: which receipts it corrects, into what, and which it leaves or closes with a reason."""

from typing import Any

import pytest
from msgspec import structs

from gateway.identity import keys
from gateway.model.documents import Asn, ExpectedLine, ExpectedUnit, Weight
from gateway.model.facts import Content, Facts, Item, LotFact, Pending, Unit
from gateway.model.outcome import (
    Correction,
    DocumentChange,
    HoldEnd,
    HoldSet,
    Line,
    LotChange,
    Movement,
    Outcome,
    Passage,
    PendingDone,
    PendingSet,
    Rejection,
    StockDelta,
    UnitDone,
    Weighed,
)
from gateway.model.settings import Antenna, Portal, Settings
from gateway.rules import decide, questions
from gateway.rules.candidates import Crossed
from gateway.rules.documents import Announced
from simulators.epc import sgtin96, sscc96

S = 1_000_000
NOON = 1_795_262_400 * S
SSCC = "34012345000000001" + keys.check_digit("34012345000000001")
GTIN = "0401234500001" + keys.check_digit("0401234500001")
PALLET, ITEM, ITEM2 = sscc96(SSCC, 7), sgtin96(GTIN, "1", 7), sgtin96(GTIN, "2", 7)
DOCK = Portal("dock-1", "inbound", (Antenna("r", 1),))
SITE = Settings(site="s", gateway="g", portals=(DOCK,))


def first(*moved: str, facts: Facts = Facts(), site: Settings = SITE) -> Movement:  # noqa: B008 - frozen
    """The receipt of what came before anybody announced it."""
    passage = Passage("dock-1/1", "dock-1", NOON - S, NOON, "in", 0.9, tuple(sorted(moved)))
    outcome = decide(site, [Crossed(passage, DOCK, None, ())], facts)
    (movement,) = (one for one in outcome.decisions if isinstance(one, Movement))
    (kept,) = (one for one in outcome.effects if isinstance(one, PendingSet))
    assert kept.movement == movement
    assert (movement.verdict, "no_expectation" in movement.reasons) == ("held", True)
    return movement


def here(movement: Movement, gateway: str = "g", **more: Any) -> Facts:
    """What the ledger answers when the ASN comes: the receipt waits, and its goods stand as they came."""
    items = {
        epc: Item(epc, line.gtin or "", line.lot or "", "present", "inbound", movement.sscc, "hold")
        for line in movement.lines
        for epc in line.epcs
    }
    units = {}
    if movement.sscc is not None:
        inside = tuple(
            Content(it.gtin or "", it.lot or "", it.quantity, it.unit, it.basis, it.expiry, it.prefix, it.epcs, "hold")
            for it in movement.lines
        )
        units = {movement.sscc: Unit(movement.sscc, "inbound", "hold", inside)}
    facts = Facts(pending={movement.movement: Pending(movement, gateway)}, items=items, units=units)
    return structs.replace(facts, **more)


LINE = ExpectedLine(GTIN, "2", "L1", expiry="2027-04-30", serials=("1", "2"))


def asn(*lines: ExpectedLine, sscc: str = SSCC, version: int = 1) -> Announced:
    """An ASN of one unit."""
    document = Asn("A1", version, supplier="acme", units=(ExpectedUnit(sscc, lines or (LINE,)),))
    return Announced("asn", "A1", document, "down/asn/A1", NOON + 3600 * S)


def stock_of(outcome: Outcome) -> dict[tuple[str, str], int]:
    """What an outcome changes of stock, net: (lot, status) → thousandths."""
    found: dict[tuple[str, str], int] = {}
    for effect in outcome.effects:
        if isinstance(effect, StockDelta):
            found[effect.lot, effect.status] = found.get((effect.lot, effect.status), 0) + effect.quantity
    return {key: quantity for key, quantity in found.items() if quantity}


def test_the_asn_asks_for_who_waits_for_it() -> None:
    """Units, products and tags that it names find receipts; holds on its lots are asked for with them."""
    asked = questions([asn(structs.replace(LINE, epcs=("AA",), serials=()))])
    assert asked.pending == tuple(sorted((SSCC, GTIN, "AA")))
    assert asked.lots == ((GTIN, "L1"),)


def test_a_late_asn_corrects_a_pallet() -> None:
    """The first event is declared wrong, the right receipt names the lots, and stock goes from hold to available."""
    wrong = first(PALLET, ITEM, ITEM2)
    outcome = decide(SITE, [asn()], here(wrong))
    correction, right = outcome.decisions
    assert isinstance(correction, Correction)
    assert isinstance(right, Movement)
    assert (correction.erroneous, correction.by_movement, correction.reason) == (wrong, right, "incorrect_data")
    assert (right.verdict, right.reasons, right.expectation, right.party) == (
        "accepted",
        ("matched",),
        "asn/A1",
        "acme",
    )
    assert (right.at, right.passage, right.corrects) == (NOON, wrong.passage, wrong.movement)
    assert right.movement != wrong.movement
    assert [(line.lot, line.expiry, line.resolved_by, line.epcs) for line in right.lines] == [
        ("L1", "2027-04-30", "serial", tuple(sorted((ITEM, ITEM2))))
    ]
    assert stock_of(outcome) == {("", "hold"): -2000, ("L1", "available"): 2000}
    assert isinstance(outcome.effects[0], DocumentChange)
    assert UnitDone("asn", "A1", SSCC, "received", right.movement) in outcome.effects
    assert outcome.effects[-1] == PendingDone(wrong.movement, "corrected")
    assert [one.life for one in outcome.effects if isinstance(one, LotChange)] == ["in_stock"]


def test_a_pallet_without_a_read_item_gets_its_contents() -> None:
    """Nothing but the SSCC was read: the contents come from the ASN."""
    outcome = decide(SITE, [asn(ExpectedLine(GTIN, "24", "L1"))], here(first(PALLET)))
    assert stock_of(outcome) == {("L1", "available"): 24_000}


def test_a_correction_may_be_held() -> None:
    """Too many came, or the lot is on hold: the lots are named now, and the stock stays on hold for that reason."""
    over = decide(SITE, [asn(ExpectedLine(GTIN, "1", "L1", ranges=(("1", "2"),)))], here(first(PALLET, ITEM, ITEM2)))
    right = over.decisions[1]
    assert isinstance(right, Movement)
    assert (right.verdict, right.reasons) == ("held", ("over",))
    assert stock_of(over) == {("", "hold"): -2000, ("L1", "hold"): 2000}
    assert HoldSet(GTIN, "L1", "inbound", "over", "", f"movement/{right.movement}", whole=False) in over.effects
    stopped = {f"{GTIN}/L1": LotFact(GTIN, "L1", held=True, held_at=("",))}
    recalled = decide(SITE, [asn()], here(first(PALLET, ITEM, ITEM2), lots=stopped)).decisions[1]
    assert isinstance(recalled, Movement)
    assert (recalled.verdict, recalled.reasons) == ("held", ("on_hold",))


def test_the_hold_of_the_wrong_receipt_ends_with_it() -> None:
    """A receipt whose lot the tag told was on hold in part; its correction ends that hold and no other."""
    known = Facts(items={ITEM: Item(ITEM, GTIN, "L1", "left")})
    wrong = first(PALLET, ITEM, facts=known)
    assert [line.lot for line in wrong.lines] == ["L1"]
    outcome = decide(SITE, [asn(ExpectedLine(GTIN, "1", "L1", serials=("1",)))], here(wrong))
    assert stock_of(outcome) == {("L1", "hold"): -1000, ("L1", "available"): 1000}
    assert HoldEnd(GTIN, "L1", "inbound", "", f"movement/{wrong.movement}", whole=False) in outcome.effects


def test_loose_items_are_found_by_product_or_tag() -> None:
    """Two cases without a unit are explained by the ASN's serials; an opaque tag by its EPC."""
    outcome = decide(SITE, [asn()], here(first(ITEM, ITEM2)))
    right = outcome.decisions[1]
    assert isinstance(right, Movement)
    assert (right.verdict, right.sscc, [line.lot for line in right.lines]) == ("accepted", None, ["L1"])
    odd = "E280116060000209AAAA"
    outcome = decide(SITE, [asn(ExpectedLine(GTIN, "1", "L9", epcs=(odd,)))], here(first(odd)))
    right = outcome.decisions[1]
    assert isinstance(right, Movement)
    assert (right.verdict, [(line.gtin, line.lot) for line in right.lines]) == ("accepted", [(GTIN, "L9")])


def test_an_asn_that_does_not_explain_it_leaves_it_waiting() -> None:
    """The same product under other serials: nothing is corrected, nothing closed."""
    outcome = decide(SITE, [asn(ExpectedLine(GTIN, "1", "L1", serials=("77",)))], here(first(ITEM, ITEM2)))
    assert outcome.decisions == ()
    assert [type(effect) for effect in outcome.effects] == [DocumentChange]


def test_another_gateways_receipt_is_left_to_it() -> None:
    """The event is corrected by who told it."""
    assert decide(SITE, [asn()], here(first(PALLET), gateway="other")).decisions == ()


def test_the_same_version_again_corrects_what_still_waits() -> None:
    """Another gateway entered the ASN first: this one corrects its own receipt all the same, and enters nothing."""
    outcome = decide(SITE, [asn()], here(first(PALLET), documents={"asn/A1": 1}))
    assert [type(one) for one in outcome.decisions] == [Correction, Movement]
    assert not any(isinstance(effect, DocumentChange) for effect in outcome.effects)


WRONG = first(PALLET, ITEM, ITEM2)
STANDING = here(WRONG)


@pytest.mark.parametrize(
    "change",
    [
        {"units": {SSCC: structs.replace(STANDING.units[SSCC], location=None)}},
        {"units": {SSCC: structs.replace(STANDING.units[SSCC], location="cold")}},
        {"units": {SSCC: structs.replace(STANDING.units[SSCC], status="available")}},
        {"units": {SSCC: structs.replace(STANDING.units[SSCC], contents=())}},
        {"units": {}},
        {"items": STANDING.items | {ITEM: structs.replace(STANDING.items[ITEM], parent=None)}},
    ],
)
def test_goods_that_are_no_longer_as_they_came(change: dict[str, Any]) -> None:
    """Left, moved, released or taken apart: nothing is corrected in silence; the ASN's unit counts as received."""
    outcome = decide(SITE, [asn()], structs.replace(STANDING, **change))
    (said,) = outcome.decisions
    assert isinstance(said, Rejection)
    assert (said.reason, said.source.partition("/")[0]) == ("goods_changed", "dock-1")
    assert outcome.effects[1:] == (
        PendingDone(WRONG.movement, "closed"),
        UnitDone("asn", "A1", SSCC, "received", WRONG.movement),
    )


def test_two_receipts_of_one_asn_are_numbered_one_after_the_other() -> None:
    """Lots without a number get the next two numbers, by the day the goods came."""
    site = structs.replace(SITE, lot_number="B{seq}")
    other = "34012345000000002" + keys.check_digit("34012345000000002")
    receipts = [first(PALLET, site=site), structs.replace(first(sscc96(other, 7), site=site), movement="m2")]
    facts = here(receipts[0])
    more = here(receipts[1])
    facts = structs.replace(facts, pending=facts.pending | more.pending, units=facts.units | more.units)
    units = tuple(ExpectedUnit(sscc, (ExpectedLine(GTIN, "1"),)) for sscc in (SSCC, other))
    outcome = decide(site, [Announced("asn", "A1", Asn("A1", units=units), "down/asn/A1", NOON)], facts)
    lots = [line.lot for one in outcome.decisions if isinstance(one, Movement) for line in one.lines]
    assert lots == ["B1", "B2"]


def test_the_weight_is_set_beside_what_is_announced_now() -> None:
    """The scale's word of then, against the weight of now."""
    wrong = structs.replace(first(PALLET), weight=Weighed("612.4", "kg", NOON, "scale"))
    unit = ExpectedUnit(SSCC, (ExpectedLine(GTIN, "24", "L1"),), Weight("608.0"))
    one = Announced("asn", "A1", Asn("A1", units=(unit,)), "down/asn/A1", NOON)
    right = decide(SITE, [one], here(wrong)).decisions[1]
    assert isinstance(right, Movement)
    assert right.weight == Weighed("612.4", "kg", NOON, "scale", "608.0", 0.72)


def test_contradictions_are_said_in_a_correction_too() -> None:
    """The tag was known as another lot's: the correction is held, with who says what."""
    known = Facts(items={ITEM: Item(ITEM, GTIN, "L7", "left")})
    outcome = decide(SITE, [asn(ExpectedLine(GTIN, "1", "L1", serials=("1",)))], here(first(PALLET, ITEM, facts=known)))
    right = outcome.decisions[1]
    assert isinstance(right, Movement)
    assert (right.verdict, "contradiction" in right.reasons) == ("held", True)
    assert right.evidence["contradictions"][0]["epc"] == ITEM
    assert [type(line) for line in right.lines] == [Line] * len(right.lines)
