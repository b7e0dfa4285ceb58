"""What the ledger tells of a product's other lots and of a lot's journey: only what may leave stands in its way."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.ledger.goods import NEAREST
from gateway.ledger.store import Commit, Ledger
from gateway.model.documents import ExpectedUnit, Lot, Order
from gateway.model.facts import Facts, Questions
from gateway.model.outcome import (
    DocumentChange,
    Effect,
    Excursion,
    HoldSet,
    ItemChange,
    LotChange,
    LotMinutes,
    Outcome,
    StockDelta,
    UnitChange,
)

GTIN, SSCC, DAY = "04012345000009", "340123450000000018", "2026-11-21"


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """A ledger in memory in which the lot OWN is on a pallet."""
    ledger = Ledger.open("sqlite://", site="s", gateway="g")
    stand(ledger, "OWN", "2027-06-30")
    enter(ledger, ItemChange("AA", GTIN, "OWN", "1", "cold", None, "available", "2027-06-30"))
    yield ledger
    ledger.close()


def enter(ledger: Ledger, *effects: Effect, decisions: tuple[Any, ...] = ()) -> None:
    """One turn of these effects, ten µs after the one before."""
    position = ledger.position() + 1
    ledger.commit(Commit(position, position * 10, Outcome(decisions, effects)))


def stand(ledger: Ledger, lot: str, expiry: str | None, qc: str | None = None, status: str = "available") -> None:
    """A thousand pieces of a lot, in the cold room."""
    document = Lot(GTIN, lot, expiry=expiry, qc=qc)
    change = DocumentChange("lot", f"{GTIN}/{lot}", 1, document)
    enter(ledger, change, StockDelta(GTIN, lot, "cold", status, 1_000_000, "each"))


def asked(ledger: Ledger, *goods: str, **more: Any) -> Facts:
    """The answer about the item of lot OWN."""
    return ledger.facts_for(Questions(epcs=("AA",), goods=goods, day=DAY, **more))


def first(ledger: Ledger, order: str) -> list[str]:
    """The lots that are told for an order, by name."""
    goods = asked(ledger, order).goods.get(GTIN)
    return sorted(one.lot for one in goods.neighbours) if goods is not None else []


def test_only_lots_that_may_leave_are_neighbours(ledger: Ledger) -> None:
    """On hold, rejected, pending by word or by life, expired, without stock: none of these counts."""
    stand(ledger, "GOOD", "2026-12-24")
    stand(ledger, "TODAY", DAY)
    stand(ledger, "PAST", "2026-11-20")
    for word in ("rejected", "Failed", "scrap", "pending", "Inspection"):
        stand(ledger, f"QC-{word}", "2026-12-24", word)
    stand(ledger, "STATUS", "2026-12-24", status="hold")
    stand(ledger, "HELD", "2026-12-24")
    enter(ledger, HoldSet(GTIN, "HELD", "elsewhere", "excursion"))
    stand(ledger, "LIFE", "2026-12-24")
    enter(ledger, LotChange(GTIN, "LIFE", "pending_inspection", "matched", 1))
    stand(ledger, "FREED", "2026-12-24", "pending")
    enter(ledger, LotChange(GTIN, "FREED", "released", "person", 1))
    stand(ledger, "GONE", "2026-12-24")
    enter(ledger, StockDelta(GTIN, "GONE", "cold", "available", -1_000_000, "each"))
    assert first(ledger, "fefo") == ["FREED", "GOOD", "OWN", "TODAY"]
    assert first(ledger, "fifo") == ["FREED", "GOOD", "OWN", "TODAY"]


def test_a_lot_without_an_expiry_date_has_no_turn_in_fefo_but_in_fifo(ledger: Ledger) -> None:
    """Who never expires is never first to expire; it came when it came."""
    stand(ledger, "EVER", None)
    assert (first(ledger, "fefo"), first(ledger, "fifo")) == (["OWN"], ["EVER", "OWN"])


def test_expired_lots_do_not_hide_the_one_that_should_leave(ledger: Ledger) -> None:
    """However many are past their date or too short for the customer, the first good one is told."""
    for number in range(2 * NEAREST):
        stand(ledger, f"PAST{number}", "2026-11-01")
    for number in range(2 * NEAREST):
        stand(ledger, f"SHORT{number}", "2026-12-01")
    stand(ledger, "NEXT", "2027-01-31")
    order = Order("O1", min_shelf_life_days=30, units=(ExpectedUnit(SSCC),))
    enter(ledger, DocumentChange("order", "O1", 1, order))
    goods = asked(ledger, "fefo", ssccs=(SSCC,)).goods[GTIN]
    assert [one.lot for one in goods.neighbours] == ["NEXT", "OWN"]
    assert "NEXT" not in first(ledger, "fefo")  # without the customer the short ones come first


def test_neighbours_are_told_with_their_first_arrival_whatever_moved_since(ledger: Ledger) -> None:
    """Put away to another place, a lot is as old as it was."""
    stand(ledger, "OLD", "2027-01-01")
    came = ledger.position() * 10
    enter(
        ledger,
        StockDelta(GTIN, "OLD", "cold", "available", -1_000_000, "each"),
        StockDelta(GTIN, "OLD", "hall", "available", 1_000_000, "each"),
    )
    (old,) = [one for one in asked(ledger, "fifo").goods[GTIN].neighbours if one.lot == "OLD"]
    assert (old.location, old.arrived, old.quantity) == ("hall", came, 1_000_000)


def test_stock_is_told_by_unit_of_measure_and_what_of_it_is_not_held(ledger: Ledger) -> None:
    """Pieces and kilograms are never added up."""
    stand(ledger, "HELD", None, status="hold")
    enter(ledger, StockDelta(GTIN, "OWN", "cold", "available", 500, "kg"))
    goods = asked(ledger, "stock").goods[GTIN]
    assert (goods.on_hand, goods.available) == ({"each": 2_000_000, "kg": 500}, {"each": 1_000_000, "kg": 500})
    assert goods.neighbours == ()


def test_what_is_not_asked_is_not_told(ledger: Ledger) -> None:
    """Rules that look at none of it cost no query."""
    stand(ledger, "GOOD", "2026-12-24")
    facts = ledger.facts_for(Questions(epcs=("AA",)))
    assert (facts.goods, facts.journeys) == ({}, {})
    assert asked(ledger, "journeys").goods == {}


def test_a_journey_tells_temperature_excursions_and_stays(ledger: Ledger) -> None:
    """Only temperatures in °C; stays the latest first, with the first arrival of all."""
    enter(ledger, UnitChange(SSCC, "cold", "available", ()))
    for name, quantity, unit, low, high in (
        ("e1", "temperature", "Cel", 1.0, 9.5),
        ("e2", "temperature", "Cel", -2.0, 4.0),
        ("e3", "humidity", "%", 40.0, 95.0),
        ("e4", "temperature", "[degF]", 30.0, 60.0),
    ):
        lots = (LotMinutes(GTIN, "OWN", 12.5, 1000),)
        excursion = Excursion(name, "a", "t", quantity, unit, "cold", 1, 2, low, high, 3.0, lots, 8.0, "high", False)
        enter(ledger, decisions=(excursion,))
    enter(
        ledger,
        StockDelta(GTIN, "OWN", "cold", "available", -1_000_000, "each"),
        StockDelta(GTIN, "OWN", "hall", "available", 1_000_000, "each"),
    )
    journey = asked(ledger, "journeys").journeys[f"{GTIN}/OWN"]
    now = ledger.position() * 10
    assert (journey.excursions, journey.minutes, journey.low, journey.high) == (2, 25.0, -2.0, 9.5)
    assert (journey.arrived, journey.stays) == (10, (("hall", now, None), ("cold", 10, now)))
