"""What persons order with goods: put-away, disposal, production; what is carried out, and what is refused and why."""

from typing import Any

import pytest
from msgspec import structs

from gateway.identity import keys
from gateway.model.documents import Portion, Production
from gateway.model.facts import Content, Facts, Item, LotFact, OpenHold, Standing, Unit
from gateway.model.inputs import Command
from gateway.model.outcome import (
    Descent,
    HoldEnd,
    HoldSet,
    ItemChange,
    LotChange,
    LotMade,
    Movement,
    NumberTaken,
    Outcome,
    ProductionDone,
    StockDelta,
    Transformation,
    UnitChange,
)
from gateway.model.settings import Location, Settings
from gateway.rules import Engine, decide

NOON = 1_795_262_400_000_000
GTIN, FLOUR, BREAD = (body + keys.check_digit(body) for body in ("0401234500001", "0401234500002", "0401234500003"))
SSCC, OTHER = (body + keys.check_digit(body) for body in ("34012345000000001", "34012345000000002"))
ITEM = "3034F4E4F9F2640000000001"
SITE = Settings(
    site="s", gateway="g", locations=tuple(Location(one) for one in ("lane", "cold", "kitchen")), lot_number="B{seq:03}"
)
CASES = Content(GTIN, "L1", 24_000, "each", "class", "2027-04-30")
PALLET = Unit(SSCC, "lane", "available", (CASES,))
MIXED = Unit(
    OTHER, "lane", "available", (structs.replace(CASES, quantity=6_000), Content(FLOUR, "F1", 500, "kg", "class"))
)


def told(name: str, facts: Facts, site: Settings = SITE, **args: Any) -> Outcome:
    """The outcome of one order by ann."""
    return decide(site, Engine(site).observe(NOON, Command(name, args, "ann")), facts)


def movements(outcome: Outcome) -> list[Movement]:
    """The movements of an outcome."""
    return [one for one in outcome.decisions if isinstance(one, Movement)]


def stock_of(outcome: Outcome) -> dict[tuple[str, str, str], int]:
    """What an outcome changes of stock: (lot, location, status) → thousandths."""
    found: dict[tuple[str, str, str], int] = {}
    for effect in outcome.effects:
        if isinstance(effect, StockDelta):
            key = (effect.lot, effect.location, effect.status)
            found[key] = found.get(key, 0) + effect.quantity
    return found


# put-away


def test_a_unit_is_put_away() -> None:
    """A pallet goes to where a person says, with all that stands on it, who did it and with what."""
    outcome = told("move", Facts(units={SSCC: PALLET}), subject=SSCC, to="cold", device="scanner-3")
    (moved,) = movements(outcome)
    assert (moved.type, moved.purpose, moved.verdict, moved.reasons) == (
        "transfer",
        "put_away",
        "accepted",
        ("put_away",),
    )
    assert (moved.origin, moved.destination, moved.by, moved.device) == ("lane", "cold", "ann", "scanner-3")
    assert stock_of(outcome) == {("L1", "lane", "available"): -24_000, ("L1", "cold", "available"): 24_000}
    (unit,) = [one for one in outcome.effects if isinstance(one, UnitChange)]
    assert (unit.sscc, unit.location) == (SSCC, "cold")
    assert [(one.life, one.by, one.device) for one in outcome.effects if isinstance(one, LotChange)] == [
        ("in_stock", "ann", "scanner-3")
    ]
    assert outcome.reply is not None
    assert outcome.reply["movements"][0]["movement"] == moved.movement


def test_an_item_leaves_its_unit_behind() -> None:
    """One tagged case goes; the pallet holds one less."""
    inside = Content(GTIN, "L1", 2_000, "each", "sgtin", epcs=(ITEM, "AA" * 12))
    item = Item(ITEM, GTIN, "L1", "present", "lane", SSCC)
    facts = Facts(items={ITEM: item}, units={SSCC: Unit(SSCC, "lane", "available", (inside,))})
    outcome = told("move", facts, subject=ITEM.lower(), to="cold")
    assert stock_of(outcome) == {("L1", "lane", "available"): -1_000, ("L1", "cold", "available"): 1_000}
    (change,) = [one for one in outcome.effects if isinstance(one, ItemChange)]
    assert (change.location, change.parent) == ("cold", None)
    (left,) = [one for one in outcome.effects if isinstance(one, UnitChange)]
    assert [(line.quantity, line.epcs) for line in left.contents] == [(1_000, ("AA" * 12,))]


def standing(*units: Unit, available: int = 0, held: int = 0, items: tuple[Item, ...] = (), **more: Any) -> Facts:
    """L1 in the lane, with life and holds of its own."""
    stock = tuple((state, "each", n) for state, n in (("available", available), ("hold", held)) if n)
    here = Standing("lane", stock, units, items, more.get("holds", ()))
    lot = LotFact(GTIN, "L1", life=more.get("life"), held=bool(more.get("held_at")), held_at=more.get("held_at", ()))
    return Facts(standing={f"{GTIN}/L1": (here, *more.get("also", ()))}, lots={f"{GTIN}/L1": lot})


def test_part_of_a_lot_comes_from_loose_goods_first() -> None:
    """Ten of thirty: the four that stand on no unit, then six out of the first unit."""
    facts = standing(PALLET, structs.replace(MIXED, sscc="9" * 18), available=34_000)
    outcome = told("move", facts, subject=f"{GTIN}/L1", to="cold", quantity="10")
    (moved,) = movements(outcome)
    assert (moved.sscc, [line.quantity for line in moved.lines]) == (None, [10_000])
    assert stock_of(outcome) == {("L1", "lane", "available"): -10_000, ("L1", "cold", "available"): 10_000}
    (left,) = [one for one in outcome.effects if isinstance(one, UnitChange)]
    assert (left.sscc, left.contents[0].quantity) == (SSCC, 18_000)


def test_all_of_a_lot_takes_its_units_along() -> None:
    """Units that hold nothing else go as units, mixed ones give their part, and the amounts add up."""
    outcome = told("move", standing(PALLET, MIXED, available=34_000), subject=f"{GTIN}/L1", to="cold")
    assert [(one.sscc, sum(line.quantity for line in one.lines)) for one in movements(outcome)] == [
        (SSCC, 24_000),
        (None, 10_000),
    ]
    assert stock_of(outcome) == {("L1", "lane", "available"): -34_000, ("L1", "cold", "available"): 34_000}
    left = [one for one in outcome.effects if isinstance(one, UnitChange) and one.sscc == OTHER]
    assert [line.gtin for line in left[0].contents] == [FLOUR]
    assert len({one.movement for one in movements(outcome)}) == 2


TAGGED = Item(ITEM, GTIN, "L1", "present", "lane")


@pytest.mark.parametrize(
    ("facts", "args", "words"),
    [
        (Facts(), {"subject": SSCC, "to": "cold"}, "is not here"),
        (Facts(), {"subject": ITEM, "to": "cold"}, "is not here"),
        (Facts(), {"subject": f"{GTIN}/L1", "to": "cold"}, "is not here"),
        (Facts(units={SSCC: PALLET}), {"subject": SSCC, "to": "lane"}, "stands in lane already"),
        (Facts(units={SSCC: PALLET}), {"subject": SSCC, "to": "cold", "from": "kitchen"}, "not in kitchen"),
        (Facts(units={SSCC: PALLET}), {"subject": SSCC, "to": "cold", "quantity": "1"}, "a quantity is of a lot"),
        (
            standing(available=5_000),
            {"subject": f"{GTIN}/L1", "to": "cold", "quantity": "6"},
            "5 each of it is available",
        ),
        (standing(available=5_000), {"subject": f"{GTIN}/L1", "to": "cold", "from": "kitchen"}, "not stand in kitchen"),
        (
            standing(available=5_000, also=(Standing("kitchen", (("available", "each", 1),)),)),
            {"subject": f"{GTIN}/L1", "to": "cold"},
            "lane, kitchen; say from where",
        ),
        (
            standing(available=5_000, items=(TAGGED,)),
            {"subject": f"{GTIN}/L1", "to": "cold", "quantity": "4.5"},
            "have tags of their own",
        ),
    ],
)
def test_orders_that_cannot_be_carried_out(facts: Facts, args: dict[str, Any], words: str) -> None:
    """What cannot be done is said, and nothing is decided."""
    outcome = told("move", facts, **args)
    assert (outcome.decisions, outcome.effects) == ((), ())
    assert outcome.reply is not None
    assert not outcome.reply["ok"]
    assert words in outcome.reply["error"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"subject": SSCC}, "say where to"),
        ({"subject": SSCC, "to": "moon"}, "no location 'moon'"),
        ({"subject": "pallet 5", "to": "cold"}, "neither an SSCC"),
        ({"subject": SSCC[:-1] + "x", "to": "cold"}, "neither an SSCC"),
        ({"subject": f"{GTIN}/L1", "to": "cold", "quantity": "0"}, "not more than nothing"),
        ({"subject": f"{GTIN}/L1", "to": "cold", "quantity": "many"}, "not a decimal number"),
    ],
)
def test_orders_with_mistakes(args: dict[str, Any], words: str) -> None:
    """A mistake in the arguments is refused with its words."""
    outcome = told("move", Facts(), **args)
    assert outcome.reply is not None
    assert words in outcome.reply["error"]
    assert outcome.effects == ()


@pytest.mark.parametrize(
    "facts",
    [
        Facts(units={SSCC: structs.replace(PALLET, status="hold")}),
        Facts(units={SSCC: PALLET}, lots={f"{GTIN}/L1": LotFact(GTIN, "L1", held=True, held_at=("lane",))}),
    ],
)
def test_held_goods_do_not_move(facts: Facts) -> None:
    """A hold on the unit or on its lot refuses the order, and the attempt is kept."""
    outcome = told("move", facts, subject=SSCC, to="cold")
    (moved,) = movements(outcome)
    assert (moved.verdict, moved.reasons, outcome.effects) == ("refused", ("on_hold",), ())
    assert outcome.reply is not None
    assert outcome.reply["error"] == "refused: on_hold"


def test_a_lot_of_which_all_is_on_hold_does_not_move() -> None:
    """Asked for by lot, it is refused for its hold, not called absent."""
    outcome = told("move", standing(held=5_000), subject=f"{GTIN}/L1", to="cold")
    assert [(one.verdict, one.reasons) for one in movements(outcome)] == [("refused", ("on_hold",))]


def test_goods_that_come_to_a_hold_are_held_there() -> None:
    """The lot is on hold in the cold room only: what is put there is on hold, and leaves the lane as available."""
    facts = Facts(units={SSCC: PALLET}, lots={f"{GTIN}/L1": LotFact(GTIN, "L1", held=True, held_at=("cold",))})
    outcome = told("move", facts, subject=SSCC, to="cold")
    (moved,) = movements(outcome)
    assert (moved.verdict, moved.reasons, moved.arrives) == ("held", ("held_there",), "hold")
    assert stock_of(outcome) == {("L1", "lane", "available"): -24_000, ("L1", "cold", "hold"): 24_000}
    assert not any(isinstance(effect, HoldSet) for effect in outcome.effects)  # the hold there speaks for it


# disposal


def test_disposal_takes_goods_out_of_the_world() -> None:
    """A person disposes of part of a lot: it is gone, and when nothing is left its life is over."""
    outcome = told("dispose", standing(available=5_000), subject=f"{GTIN}/L1", reason="crushed")
    (gone,) = movements(outcome)
    assert (gone.type, gone.purpose, gone.destination, gone.reasons) == ("ship", "disposal", None, ("disposed",))
    assert stock_of(outcome) == {("L1", "lane", "available"): -5_000}
    assert [(one.life, one.gone) for one in outcome.effects if isinstance(one, LotChange)] == [("disposed", True)]
    assert gone.evidence == {"note": "crushed"}


def test_held_goods_must_be_rejected_before_they_are_disposed_of() -> None:
    """On hold is refused; rejected is gone, and the hold with it when nothing is left there."""
    held = standing(held=5_000, life="on_hold", holds=(OpenHold("smells", ""),))
    assert [one.verdict for one in movements(told("dispose", held, subject=f"{GTIN}/L1"))] == ["refused"]
    rejected = standing(held=5_000, life="rejected", holds=(OpenHold("smells", ""),))
    outcome = told("dispose", rejected, subject=f"{GTIN}/L1")
    assert [one.verdict for one in movements(outcome)] == ["accepted"]
    assert stock_of(outcome) == {("L1", "lane", "hold"): -5_000}
    assert HoldEnd(GTIN, "L1", "lane", "ann", whole=False) in outcome.effects


def test_part_of_what_was_rejected_is_taken_out_of_its_unit() -> None:
    """Five of a rejected pallet are disposed of: the pallet holds the rest."""
    pallet = structs.replace(PALLET, status="hold", contents=(structs.replace(CASES, status="hold"),))
    outcome = told("dispose", standing(pallet, held=24_000, life="rejected"), subject=f"{GTIN}/L1", quantity="5")
    assert stock_of(outcome) == {("L1", "lane", "hold"): -5_000}
    (left,) = [one for one in outcome.effects if isinstance(one, UnitChange)]
    assert [(line.quantity, line.status) for line in left.contents] == [(19_000, "hold")]


def test_what_nobody_can_name_may_be_disposed_of() -> None:
    """An unknown tag is on hold for ever otherwise: it has no lot that could be released or rejected."""
    item = Item(ITEM, "", "", "present", "lane", status="hold")
    outcome = told("dispose", Facts(items={ITEM: item}), subject=ITEM)
    assert [one.verdict for one in movements(outcome)] == ["accepted"]
    assert stock_of(outcome) == {("", "lane", "hold"): -1_000}


# production

ORDER = Production(
    "P1",
    location="kitchen",
    inputs=(Portion(FLOUR, "10", "F1", "kg"), Portion(GTIN, "2", "L1")),
    outputs=(Portion(BREAD, "40", expiry="2026-11-25"),),
)
FLOUR_HERE = Standing("kitchen", (("available", "kg", 25_000),))
CASES_HERE = Standing(
    "kitchen",
    (("available", "each", 2_000),),
    (structs.replace(PALLET, location="kitchen", contents=(structs.replace(CASES, quantity=2_000),)),),
)


def kitchen(order: Production = ORDER, flour: Standing = FLOUR_HERE, **more: Any) -> Facts:
    """A production order and its raw lots."""
    stands = {f"{FLOUR}/F1": (flour,), f"{GTIN}/L1": (CASES_HERE,)}
    return Facts(productions={"P1": order}, standing=stands, **more)


def test_production_turns_raw_lots_into_a_product_lot() -> None:
    """Raw stock goes, product stock comes under a number of our own, and each raw lot is a parent of it."""
    outcome = told("produce", kitchen(), production="P1")
    (made,) = outcome.decisions
    assert isinstance(made, Transformation)
    assert [(line.gtin, line.lot, line.quantity) for line in made.inputs] == [
        (FLOUR, "F1", 10_000),
        (GTIN, "L1", 2_000),
    ]
    assert [(line.lot, line.quantity, line.resolved_by) for line in made.outputs] == [("B001", 40_000, "numbered")]
    assert stock_of(outcome) == {
        ("F1", "kitchen", "available"): -10_000,
        ("L1", "kitchen", "available"): -2_000,
        ("B001", "kitchen", "available"): 40_000,
    }
    assert LotMade(BREAD, "B001", "2026-11-25", "2026-11-21", None) in outcome.effects
    assert [(one.day, one.last) for one in outcome.effects if isinstance(one, NumberTaken)] == [("", 1)]
    assert ProductionDone("P1") in outcome.effects
    parents = [(one.parent, one.child, one.production) for one in outcome.effects if isinstance(one, Descent)]
    assert parents == [((FLOUR, "F1"), (BREAD, "B001"), "P1"), ((GTIN, "L1"), (BREAD, "B001"), "P1")]
    assert [(one.sscc, one.location) for one in outcome.effects if isinstance(one, UnitChange)] == [(SSCC, None)]
    assert [(one.life, one.gone) for one in outcome.effects if isinstance(one, LotChange)] == [
        ("in_stock", False), ("consumed", True), ("consumed", True),
    ]  # fmt: skip
    assert outcome.reply is not None
    assert outcome.reply["outputs"] == [{"gtin": BREAD, "lot": "B001", "quantity": "40", "unit": "each"}]


def test_what_was_really_used_counts() -> None:
    """The person says another amount of flour and another lot of bread; the rest is as ordered."""
    inputs = [{"gtin": FLOUR, "lot": "F1", "quantity": "11.5", "unit": "kg"}]
    outputs = [{"gtin": BREAD, "lot": "X", "quantity": "38"}]
    (made,) = told("produce", kitchen(), production="P1", inputs=inputs, outputs=outputs).decisions
    assert isinstance(made, Transformation)
    assert sorted((line.lot, line.quantity) for line in made.inputs) == [("F1", 11_500), ("L1", 2_000)]
    assert [(line.lot, line.quantity) for line in made.outputs] == [("X", 38_000)]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (Facts(), "is not known"),
        (Facts(produced=("P1",)), "was carried out"),
        (kitchen(structs.replace(ORDER, inputs=(Portion(FLOUR, "1"),))), "which lot of"),
        (kitchen(structs.replace(ORDER, outputs=())), "needs inputs and outputs"),
        (kitchen(flour=structs.replace(FLOUR_HERE, location="lane")), "does not stand in kitchen; it stands in lane"),
        (kitchen(flour=Standing("kitchen", (("available", "kg", 9_000),))), "9 kg of it is available"),
        (kitchen(flour=Standing("kitchen", (("hold", "kg", 90_000),))), "is on hold in kitchen"),
        (kitchen(lots={f"{FLOUR}/F1": LotFact(FLOUR, "F1", held=True, held_at=("",))}), "is on hold in kitchen"),
    ],
)
def test_productions_that_are_refused(facts: Facts, words: str) -> None:
    """What cannot be made is said, and nothing changes."""
    outcome = told("produce", facts, production="P1")
    assert (outcome.decisions, outcome.effects) == ((), ())
    assert outcome.reply is not None
    assert words in outcome.reply["error"]


def test_without_a_template_the_product_lot_must_be_named() -> None:
    """No number is invented."""
    outcome = told("produce", kitchen(), structs.replace(SITE, lot_number=""), production="P1")
    assert outcome.reply is not None
    assert "which lot is made" in outcome.reply["error"]


def test_two_raw_lots_from_one_pallet() -> None:
    """A unit that both come from is left with what neither took."""
    both = Unit(
        OTHER,
        "kitchen",
        "available",
        (Content(FLOUR, "F1", 25_000, "kg", "class"), structs.replace(CASES, quantity=3_000)),
    )
    stands = {
        f"{FLOUR}/F1": (structs.replace(FLOUR_HERE, units=(both,)),),
        f"{GTIN}/L1": (Standing("kitchen", (("available", "each", 3_000),), (both,)),),
    }
    outcome = told("produce", Facts(productions={"P1": ORDER}, standing=stands), production="P1")
    last = [one for one in outcome.effects if isinstance(one, UnitChange)][-1]
    assert [(line.lot, line.quantity) for line in last.contents] == [("F1", 15_000), ("L1", 1_000)]
