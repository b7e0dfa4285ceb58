"""Effects on the ledger, one kind at a time: stock, stays, items, units, documents, holds, parking."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.errors import LedgerError
from gateway.ledger.store import Commit, Ledger
from gateway.model.documents import Asn, ExpectedLine, ExpectedUnit, Lot, Order
from gateway.model.facts import Interval, Questions, Stay
from gateway.model.outcome import (
    Decision,
    DocumentChange,
    Effect,
    Event,
    HoldSet,
    ItemChange,
    Line,
    Movement,
    Outcome,
    Park,
    StockDelta,
    UnitChange,
    UnitDone,
)

GTIN = "04012345000009"
SSCC = "340123450000000018"


class Desk:
    """A ledger in memory, and the turns it was given."""

    def __init__(self) -> None:
        self.ledger = Ledger.open("sqlite://", site="s", gateway="g", owner="acme")
        self.turns = 0

    def enter(self, *effects: Effect, t: int = 0, decisions: tuple[Decision, ...] = (), events: int = 0) -> None:
        self.turns += 1
        first = self.ledger.sequence() + 1
        promised = tuple(Event(n, f"i{n}", "receipt", "t", "j", {}, b"{}") for n in range(first, first + events))
        self.ledger.commit(Commit(self.turns, t or self.turns * 10, Outcome(decisions, effects), promised))

    def stock(self) -> dict[tuple[str, str, str, str], str]:
        return {(r["gtin"], r["lot"], r["location"], r["status"]): r["quantity"] for r in self.ledger.stock()}

    def stays(self, start: int = 0, end: int = 10_000, location: str = "cold") -> tuple[Stay, ...]:
        facts = self.ledger.facts_for(Questions(stays=(Interval(location, start, end),)))
        return facts.stays.get(f"{location}/{start}/{end}", ())


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A ledger in memory to enter turns into."""
    desk = Desk()
    yield desk
    desk.ledger.close()


def delta(quantity: int, location: str = "cold", status: str = "available", **more: Any) -> StockDelta:
    """A change of stock."""
    return StockDelta(
        more.get("gtin", GTIN), more.get("lot", "L1"), location, status, quantity, more.get("unit", "each")
    )


def item(epc: str, location: str | None = "cold", **more: Any) -> ItemChange:
    """A change of an item."""
    return ItemChange(epc, GTIN, more.get("lot", "L1"), "7", location, more.get("parent"), "available", "2027-01-31")


def asn(version: int = 1, *ssccs: str, ident: str = "A1") -> DocumentChange:
    """An ASN of one line per unit."""
    units = tuple(ExpectedUnit(sscc, (ExpectedLine(GTIN, "24", "L1"),)) for sscc in ssccs or (SSCC,))
    return DocumentChange("asn", ident, version, Asn(ident, version, supplier="sup", units=units))


def test_stock_adds_up_and_vanishes_at_nothing(desk: Desk) -> None:
    """Deltas of one place add up, in one turn and over turns; a place at 0 has no row."""
    desk.enter(delta(24_000), delta(-4_000))
    assert desk.stock() == {(GTIN, "L1", "cold", "available"): "20"}
    desk.enter(delta(-20_000), delta(500, "dock"))
    assert desk.stock() == {(GTIN, "L1", "dock", "available"): "0.5"}


def test_negative_stock_is_kept(desk: Desk) -> None:
    """What left without having come is shown as negative, not clamped to a lie."""
    desk.enter(delta(-3_000))
    assert desk.stock() == {(GTIN, "L1", "cold", "available"): "-3"}
    desk.enter(delta(3_000))
    assert desk.stock() == {}


def test_units_of_measure_do_not_mix(desk: Desk) -> None:
    """Pieces and kilograms of one lot are two rows."""
    desk.enter(delta(1_000), delta(2_500, unit="kg"))
    assert [(row["unit"], row["quantity"]) for row in desk.ledger.stock()] == [("each", "1"), ("kg", "2.5")]


def test_a_stay_opens_and_closes_with_the_total(desk: Desk) -> None:
    """A lot's stay runs from its first arrival to its last departure, with the last quantity before it left."""
    desk.enter(delta(10_000), t=100)
    desk.enter(delta(5_000, status="hold"), t=200)
    assert desk.stays() == (Stay(GTIN, "L1", 100, None, 15_000, "each"),)
    desk.enter(delta(-10_000), t=300)
    assert desk.stays() == (Stay(GTIN, "L1", 100, None, 5_000, "each"),)
    desk.enter(delta(-5_000, status="hold"), t=400)
    assert desk.stays() == (Stay(GTIN, "L1", 100, 400, 5_000, "each"),)
    desk.enter(delta(1_000), t=500)
    assert desk.stays() == (Stay(GTIN, "L1", 100, 400, 5_000, "each"), Stay(GTIN, "L1", 500, None, 1_000, "each"))


def test_a_change_of_status_is_no_departure(desk: Desk) -> None:
    """Moving everything from available to hold in one turn leaves the stay open."""
    desk.enter(delta(10_000), t=100)
    desk.enter(delta(-10_000), delta(10_000, status="hold"), t=200)
    assert desk.stays() == (Stay(GTIN, "L1", 100, None, 10_000, "each"),)


def test_left_and_back_at_one_instant_is_one_stay(desk: Desk) -> None:
    """A departure and an arrival at the same microsecond do not split the stay."""
    desk.enter(delta(10_000), t=100)
    desk.enter(delta(-10_000), t=200)
    desk.enter(delta(7_000), t=200)
    assert desk.stays() == (Stay(GTIN, "L1", 100, None, 7_000, "each"),)


def test_movements_decided_out_of_order_do_not_break_stays(desk: Desk) -> None:
    """A movement whose instant lies before the last departure goes on with that stay, even at its first instant."""

    def moved(ident: str, at: int) -> Movement:
        return Movement(ident, "p", "p", at, "transfer", "a", "b", "accepted", (), ())

    desk.enter(delta(1_000), t=100)
    desk.enter(delta(-1_000), t=200)
    desk.enter(delta(2_000), t=300, decisions=(moved("m1", 100),))
    assert desk.stays() == (Stay(GTIN, "L1", 100, None, 2_000, "each"),)
    desk.enter(delta(-2_000), t=310, decisions=(moved("m2", 50),))
    assert desk.stays() == (Stay(GTIN, "L1", 100, 100, 2_000, "each"),)


def test_stays_use_the_movement_time(desk: Desk) -> None:
    """Where a movement is decided, its own instant counts for the stay, not the later turn's."""
    line = Line(GTIN, "L1", 1_000, "each", "serial")
    movement = Movement("m1", "p/90", "p", 90, "receive", None, "cold", "accepted", ("matched",), (line,))
    desk.enter(delta(1_000), t=150, decisions=(movement,))
    assert desk.stays()[0].entered == 90


@pytest.mark.parametrize(
    ("start", "end", "seen"),
    [(0, 100, False), (0, 101, True), (150, 160, True), (199, 500, True), (200, 500, False), (150, 150, True)],
)
def test_stays_overlap_half_open(desk: Desk, start: int, end: int, seen: bool) -> None:
    """A stay [100, 200) is found by every span that shares an instant with it, and by no other."""
    desk.enter(delta(1_000), t=100)
    desk.enter(delta(-1_000), t=200)
    assert bool(desk.stays(start, end)) is seen


def test_what_has_no_name_has_no_stay(desk: Desk) -> None:
    """Unidentified goods are stock, but no lot that could be named in an excursion."""
    desk.enter(delta(1_000, gtin="", lot=""))
    assert desk.stock() == {("", "", "cold", "available"): "1"}
    assert desk.stays() == ()


def test_items_follow_their_changes(desk: Desk) -> None:
    """An item is present where it was put, and left when it has no location any more."""
    desk.enter(item("AA", parent=SSCC), item("BB"))
    found = desk.ledger.facts_for(Questions(epcs=("AA", "BB", "CC"))).items
    assert sorted(found) == ["AA", "BB"]
    assert (found["AA"].state, found["AA"].location, found["AA"].parent) == ("present", "cold", SSCC)
    desk.enter(item("AA", None))
    gone = desk.ledger.facts_for(Questions(epcs=("AA",))).items["AA"]
    assert (gone.state, gone.location) == ("left", None)


def test_the_last_change_of_an_item_counts(desk: Desk) -> None:
    """Two changes of one item in a turn apply in order."""
    desk.enter(item("AA", "dock"), item("AA", "cold"))
    assert desk.ledger.facts_for(Questions(epcs=("AA",))).items["AA"].location == "cold"


def test_a_unit_is_replaced_and_leaves_with_its_contents(desk: Desk) -> None:
    """New contents replace old ones; a unit that left keeps its contents for trace."""
    first, second = Line(GTIN, "L1", 5_000, "each", "sscc"), Line(GTIN, None, 2_000, "each", "unresolved")
    desk.enter(UnitChange(SSCC, "dock", "available", (first, second)))
    unit = desk.ledger.facts_for(Questions(ssccs=(SSCC,))).units[SSCC]
    assert [(one.lot, one.quantity) for one in unit.contents] == [("L1", 5_000), ("", 2_000)]
    desk.enter(UnitChange(SSCC, "cold", "hold", (first,)))
    unit = desk.ledger.facts_for(Questions(ssccs=(SSCC,))).units[SSCC]
    assert (unit.location, unit.status, len(unit.contents)) == ("cold", "hold", 1)
    desk.enter(UnitChange(SSCC, None, "available", ()))
    unit = desk.ledger.facts_for(Questions(ssccs=(SSCC,))).units[SSCC]
    assert (unit.location, [one.quantity for one in unit.contents]) == (None, [5_000])


def test_a_hold_takes_the_lot_there_and_only_there(desk: Desk) -> None:
    """Stock, items and units of the lot in that location go on hold; other places and lots stay available."""
    other = "340123450000000025"
    desk.enter(delta(10_000), delta(1_000, status="hold"), delta(3_000, "dock"), delta(4_000, lot="L2"))
    desk.enter(item("AA"), item("BB", "dock"), item("CC", lot="L2"))
    desk.enter(UnitChange(SSCC, "cold", "available", (Line(GTIN, "L1", 1_000, "each", "sscc"),)))
    desk.enter(UnitChange(other, "cold", "available", (Line(GTIN, "L2", 1_000, "each", "sscc"),)))
    desk.enter(HoldSet(GTIN, "L1", "cold", "excursion"))
    assert desk.stock() == {
        (GTIN, "L1", "cold", "hold"): "11",
        (GTIN, "L1", "dock", "available"): "3",
        (GTIN, "L2", "cold", "available"): "4",
    }
    facts = desk.ledger.facts_for(Questions(epcs=("AA", "BB", "CC"), ssccs=(SSCC, other)))
    assert [facts.items[epc].status for epc in ("AA", "BB", "CC")] == ["hold", "available", "available"]
    assert [facts.units[sscc].status for sscc in (SSCC, other)] == ["hold", "available"]
    assert facts.lots[f"{GTIN}/L1"].held
    assert not facts.lots[f"{GTIN}/L2"].held
    assert desk.stays()[0].quantity == 11_000


def test_a_hold_is_set_once_per_reason(desk: Desk) -> None:
    """The same hold twice is one row; another reason is another; a lot without stock can be held too."""
    desk.enter(HoldSet(GTIN, "L1", "cold", "excursion"), HoldSet(GTIN, "L1", "cold", "excursion"))
    desk.enter(HoldSet(GTIN, "L1", "cold", "excursion"), HoldSet(GTIN, "L1", "cold", "qc"))
    assert [(row["reason"], row["at"]) for row in desk.ledger.holds()] == [("excursion", 10), ("qc", 20)]
    assert desk.ledger.lot_state(GTIN, "L1")["held"]


def test_documents_go_from_expected_over_partial_to_done(desk: Desk) -> None:
    """A document's state follows its units."""
    second = "340123450000000025"

    def state() -> str:
        return str(desk.ledger.expectations()[0]["state"])

    desk.enter(asn(1, SSCC, second))
    assert state() == "expected"
    desk.enter(UnitDone("asn", "A1", SSCC, "received", "m1"))
    assert state() == "partial"
    desk.enter(UnitDone("asn", "A1", second, "received", "m2"))
    assert state() == "received"
    assert [unit["movement"] for unit in desk.ledger.expectations()[0]["units"]] == ["m1", "m2"]
    desk.enter(DocumentChange("order", "O1", 1, Order("O1", units=(ExpectedUnit(SSCC),))))
    desk.enter(UnitDone("order", "O1", SSCC, "shipped", "m3"))
    assert [one["state"] for one in desk.ledger.expectations()] == ["received", "shipped"]


def test_a_unit_done_of_no_document_changes_nothing(desk: Desk) -> None:
    """A unit that no document announces (any more) has nothing to mark."""
    desk.enter(UnitDone("asn", "A9", SSCC, "received", "m1"))
    assert desk.ledger.expectations() == []


def test_a_newer_version_replaces_and_keeps_what_is_done(desk: Desk) -> None:
    """A newer version brings new units and drops old ones, but a received unit stays received."""
    second, third = "340123450000000025", "340123450000000032"
    desk.enter(asn(1, SSCC, second))
    desk.enter(UnitDone("asn", "A1", SSCC, "received", "m1"))
    desk.enter(asn(2, SSCC, third))
    units = desk.ledger.expectations()[0]["units"]
    assert [(unit["sscc"], unit["state"], unit["movement"]) for unit in units] == [
        (SSCC, "received", "m1"),
        (third, "expected", None),
    ]
    desk.enter(asn(3, third))
    assert {unit["sscc"] for unit in desk.ledger.expectations()[0]["units"]} == {SSCC, third}


@pytest.mark.parametrize("version", [1, 2])
def test_an_old_version_changes_nothing(desk: Desk, version: int) -> None:
    """An older or equal version never overwrites a newer one."""
    desk.enter(asn(2, SSCC))
    desk.enter(asn(version, "340123450000000025"))
    found = desk.ledger.expectations()[0]
    assert (found["version"], [unit["sscc"] for unit in found["units"]]) == (2, [SSCC])


def test_withdrawn_is_a_state(desk: Desk) -> None:
    """A withdrawn document answers no question but its version, is still listed, and may come back newer."""
    desk.enter(asn(3, SSCC))
    desk.enter(DocumentChange("asn", "A1", 3, None))
    asked = Questions(ssccs=(SSCC,), documents=(("asn", "A1"),))
    facts = desk.ledger.facts_for(asked)
    assert (facts.expected, facts.documents) == ({}, {"asn/A1": 3})
    assert [one["state"] for one in desk.ledger.expectations()] == ["withdrawn"]
    desk.enter(asn(3, SSCC))
    assert desk.ledger.facts_for(asked).expected == {}
    desk.enter(asn(4, SSCC))
    assert desk.ledger.facts_for(asked).expected[SSCC][0].version == 4


def test_a_withdrawal_may_come_first(desk: Desk) -> None:
    """Withdrawing what never came leaves its version, so that the late original does not count."""
    desk.enter(DocumentChange("asn", "A1", 2, None))
    desk.enter(asn(1, SSCC))
    assert desk.ledger.expectations()[0]["state"] == "withdrawn"
    desk.enter(DocumentChange("asn", "A1", 1, None))
    assert desk.ledger.expectations()[0]["version"] == 2


def test_a_quantity_that_is_none_is_refused(desk: Desk) -> None:
    """A quantity the rules should have refused is an error that names document, unit and line."""
    bad = Asn("A1", units=(ExpectedUnit(SSCC, (ExpectedLine(GTIN, "many"),)),))
    with pytest.raises(LedgerError, match=f"asn/A1, unit {SSCC}, line 1"):
        desk.enter(DocumentChange("asn", "A1", 1, bad))
    assert desk.ledger.expectations() == []


def test_lots_are_announced_updated_and_withdrawn(desk: Desk) -> None:
    """Lot master data follows its versions; a lot number may hold a slash; an expiry is never forgotten."""
    lot = Lot(GTIN, "L/1", 1, product="Milk", expiry="2027-01-31", qc="ok", attributes={"fat": "3.5"})
    desk.enter(DocumentChange("lot", f"{GTIN}/L/1", 1, lot))
    desk.enter(DocumentChange("lot", f"{GTIN}/L/1", 1, Lot(GTIN, "L/1", 1, product="Water")))
    desk.enter(DocumentChange("lot", f"{GTIN}/L/1", 2, Lot(GTIN, "L/1", 2, product="Oat milk")))
    found = desk.ledger.lots()[0]
    assert (found["lot"], found["product"], found["expiry"], found["version"]) == ("L/1", "Oat milk", "2027-01-31", 2)
    desk.enter(DocumentChange("lot", f"{GTIN}/L/1", 2, None))
    assert desk.ledger.lots()[0]["state"] == "withdrawn"
    assert desk.ledger.facts_for(Questions(documents=(("lot", f"{GTIN}/L/1"),))).documents == {f"lot/{GTIN}/L/1": 2}


def receipt(ident: str, expiry: str | None, verdict: str = "accepted") -> Movement:
    """A receipt of one named and one unnamed line."""
    lines = (Line(GTIN, "L1", 1_000, "each", "serial", expiry=expiry), Line(None, None, 1_000, "each", "unresolved"))
    return Movement(ident, "p/1", "p", 1, "receive", None, "cold", verdict, ("matched",), lines)


def test_a_receipt_teaches_the_lot(desk: Desk) -> None:
    """Receiving an unannounced lot creates it; a later line fills in the expiry, and never changes it."""
    desk.enter(decisions=(receipt("m0", None, "refused"),))
    assert desk.ledger.lots() == []
    desk.enter(decisions=(receipt("m1", None),))
    assert [(lot["lot"], lot["expiry"], lot["version"]) for lot in desk.ledger.lots()] == [("L1", None, 0)]
    desk.enter(decisions=(receipt("m2", "2027-01-31"),))
    desk.enter(decisions=(receipt("m3", "2030-01-01"),))
    assert [(lot["lot"], lot["expiry"]) for lot in desk.ledger.lots()] == [("L1", "2027-01-31")]
    assert desk.ledger.facts_for(Questions(documents=(("lot", f"{GTIN}/L1"),))).documents == {}


def test_a_lot_remembers_its_last_event(desk: Desk) -> None:
    """The retained state of a lot carries the number of the last event about it."""
    desk.enter(delta(1_000), decisions=(receipt("m1", None),), events=2)
    assert desk.ledger.lot_state(GTIN, "L1")["seq"] == 2
    desk.enter(delta(1_000, lot="L2"), events=1)
    assert desk.ledger.lot_state(GTIN, "L1")["seq"] == 2


def test_parking_takes_only_what_waits(desk: Desk) -> None:
    """A pending row is parked with its reason; a settled one was delivered and stays so."""
    desk.enter(events=3)
    desk.ledger.settle([1], 50)
    desk.enter(Park(1, "denied"), Park(2, "denied"), Park(99, "none"))
    assert [(one.event.seq, one.reason, one.parked) for one in desk.ledger.parked()] == [(2, "denied", 20)]
    assert [event.seq for event in desk.ledger.pending(0, 10)] == [3]
    assert desk.ledger.outbox_counts() == {"pending": 1, "settled": 1, "parked": 1, "oldest": 10, "confirmed": 0}
