"""Holds, their ends, and the lives of lots in the ledger: what is held everywhere, in part, and what sets it free."""

from collections.abc import Iterator

import pytest

from gateway.ledger.store import Commit, Ledger
from gateway.model.documents import HoldOrder, Production
from gateway.model.facts import OpenHold, Questions
from gateway.model.outcome import (
    DocumentChange,
    Effect,
    HoldEnd,
    HoldSet,
    LotChange,
    Outcome,
    ProductionDone,
    StockDelta,
)

GTIN = "04012345000009"


class Desk:
    """A ledger in memory, and the turns it was given."""

    def __init__(self) -> None:
        self.ledger = Ledger.open("sqlite://", site="s", gateway="g")
        self.turns = 0

    def enter(self, *effects: Effect) -> None:
        """One turn."""
        self.turns += 1
        self.ledger.commit(Commit(self.turns, self.turns * 10, Outcome((), effects)))

    def stock(self) -> dict[tuple[str, str], str]:
        """(location, status) → quantity of the lot L1."""
        return {(row["location"], row["status"]): row["quantity"] for row in self.ledger.stock(lot="L1")}


@pytest.fixture
def desk() -> Iterator[Desk]:
    """24 of L1 in the cold room, 6 in the dry store."""
    desk = Desk()
    desk.enter(
        *(StockDelta(GTIN, "L1", place, "available", n * 1000, "each") for place, n in (("cold", 24), ("dry", 6)))
    )
    yield desk
    desk.ledger.close()


EVERYWHERE = HoldSet(GTIN, "L1", "", "recall", "central", "hold/H1")
BY_ANN = HoldSet(GTIN, "L1", "cold", "smells", "ann")


def test_a_hold_everywhere_holds_what_stands_anywhere(desk: Desk) -> None:
    """All places change; the facts say that the hold is open everywhere."""
    desk.enter(EVERYWHERE)
    assert desk.stock() == {("cold", "hold"): "24", ("dry", "hold"): "6"}
    facts = desk.ledger.facts_for(Questions(standing=((GTIN, "L1"),)))
    assert facts.lots[f"{GTIN}/L1"].held_at == ("",)
    assert [(one.location, one.holds) for one in facts.standing[f"{GTIN}/L1"]] == [
        ("", (OpenHold("recall", "hold/H1"),)),
        ("cold", ()),
        ("dry", ()),
    ]


def test_the_end_of_one_hold_is_not_the_end_of_another(desk: Desk) -> None:
    """Central's hold goes, ann's stays, and only what she does not hold is free."""
    desk.enter(BY_ANN, EVERYWHERE)
    desk.enter(HoldEnd(GTIN, "L1", "", "central", "hold/H1"))
    assert desk.stock() == {("cold", "hold"): "24", ("dry", "available"): "6"}
    desk.enter(HoldEnd(GTIN, "L1", "cold", "bea"))
    assert desk.stock() == {("cold", "available"): "24", ("dry", "available"): "6"}


def test_a_hold_everywhere_outlasts_the_end_of_one_place(desk: Desk) -> None:
    """Ending what was set in the cold room frees nothing there while the lot is held everywhere."""
    desk.enter(BY_ANN, EVERYWHERE)
    desk.enter(HoldEnd(GTIN, "L1", "cold", "bea"))
    assert desk.stock() == {("cold", "hold"): "24", ("dry", "hold"): "6"}


def test_a_hold_of_a_part_changes_no_stock_and_outlasts_central(desk: Desk) -> None:
    """Goods that came held stay held when central's hold on their lot goes; the rest of the lot may then move."""
    desk.enter(
        StockDelta(GTIN, "L1", "cold", "hold", 1000, "each"),
        HoldSet(GTIN, "L1", "cold", "over", "", "movement/m", whole=False),
    )
    assert desk.stock() == {("cold", "available"): "24", ("cold", "hold"): "1", ("dry", "available"): "6"}
    assert not desk.ledger.facts_for(Questions(standing=((GTIN, "L1"),))).lots[f"{GTIN}/L1"].held
    desk.enter(EVERYWHERE)
    desk.enter(HoldEnd(GTIN, "L1", "", "central", "hold/H1"))
    assert desk.stock() == {("cold", "hold"): "25", ("dry", "available"): "6"}


def test_an_end_that_is_not_whole_leaves_the_stock_alone(desk: Desk) -> None:
    """The deltas beside it say what becomes of the goods."""
    desk.enter(BY_ANN)
    desk.enter(HoldEnd(GTIN, "L1", "cold", "", whole=False))
    assert desk.stock()["cold", "hold"] == "24"
    assert desk.ledger.holds() == []


def test_every_step_of_a_life_is_kept(desk: Desk) -> None:
    """Before, after, who and with what; the same step twice is one; `gone` waits until nothing is left."""
    for life, gone in (("on_hold", False), ("on_hold", False), ("released", False), ("shipped", True)):
        desk.enter(LotChange(GTIN, "L1", life, "x", 5, "ann", "scanner-3", None, gone))
    found = desk.ledger.trace(f"{GTIN}/L1")["lots"][0]["changes"]
    assert [(one["before"], one["after"], one["by"], one["device"]) for one in found] == [
        (None, "on_hold", "ann", "scanner-3"),
        ("on_hold", "released", "ann", "scanner-3"),
    ]


def test_a_production_order_is_carried_out_once(desk: Desk) -> None:
    """Done is done, whatever version or withdrawal comes later."""
    asked = Questions(productions=("P1",))
    desk.enter(DocumentChange("production", "P1", 1, Production("P1")))
    assert list(desk.ledger.facts_for(asked).productions) == ["P1"]
    desk.enter(ProductionDone("P1"))
    desk.enter(DocumentChange("production", "P1", 2, Production("P1", 2)))
    facts = desk.ledger.facts_for(asked)
    assert (facts.productions, facts.produced) == ({}, ("P1",))


def test_a_hold_of_central_is_found_with_where_its_lot_stands(desk: Desk) -> None:
    """A withdrawal names only the hold; the answer tells the lot and its places."""
    desk.enter(DocumentChange("hold", "H1", 1, HoldOrder("H1", GTIN, "L1", 1, "cold")))
    facts = desk.ledger.facts_for(Questions(holds=("H1",)))
    assert (facts.holds["H1"].lot, facts.holds["H1"].location) == ("L1", "cold")
    assert [one.location for one in facts.standing[f"{GTIN}/L1"]] == ["cold", "dry"]
