"""The reference model: what should come of a morning, by rules written apart from the gateway's."""

from datetime import date
from pathlib import Path

import pytest

from simulators.scenario import Scenario, ScenarioError, load, parse
from simulators.script import Curve
from simulators.truth import truth, value_at

TODAY = date(2026, 11, 21)
TEXT = (Path(__file__).resolve().parents[2] / "simulators" / "scenarios" / "dock_morning.toml").read_text("utf-8")


def play(*edits: tuple[str, str]) -> Scenario:
    """The bundled morning with some of its text replaced."""
    text = TEXT
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    return parse(text, TODAY)


def verdicts(scenario: Scenario) -> dict[str, tuple[str, tuple[str, ...], str]]:
    """(pallet, type) → verdict, reasons, lamp."""
    found = truth(scenario).verdicts
    return {f"{one.pallet} {one.type}": (one.verdict, one.reasons, one.lamp) for one in found}


def stock(scenario: Scenario) -> dict[tuple[str, str], int]:
    """(lot, status) → cases, all locations."""
    return {(row["lot"], row["status"]): int(row["quantity"]) for row in truth(scenario).inventory() if row["lot"]}


def test_the_dock_morning() -> None:
    """The six pallets of the bundled morning come out as its title page says."""
    assert verdicts(load("dock_morning", TODAY)) == {
        "full receive": ("accepted", ("matched",), "green"),
        "short receive": ("accepted", ("short",), "green"),
        "unknown receive": ("held", ("no_expectation", "unknown_tag"), "amber"),
        "full ship": ("accepted", ("matched",), "green"),
        "expired receive": ("held", ("expired",), "amber"),
        "crowded receive": ("accepted", ("matched",), "green"),
    }


def test_the_dock_morning_s_inventory() -> None:
    """What is left at central, counted by hand: one pallet left, the rest is held by excursion or verdict."""
    rows = {(row["gtin"], row["lot"]): row for row in truth(load("dock_morning", TODAY)).inventory()}
    assert {key: int(row["quantity"]) for key, row in rows.items()} == {
        ("", ""): 1,
        ("09520008990017", ""): 6,
        ("09520001123450", "A42-2610"): 10 + 12,
        ("09520001124129", "D03-2610"): 6,
        ("09520001125058", "E11-2609"): 8,
        ("09520001123467", "B17/2609"): 4,
    }
    assert {row["status"] for row in rows.values()} == {"hold"}
    assert {row["location"] for row in rows.values()} == {"cold-2"}


def test_the_excursion_names_the_lots_that_stand_there() -> None:
    """The excursion begins at the crossing, is active after its on-delay, and does not name the lot that had left."""
    (spell,) = truth(load("dock_morning", TODAY)).excursions
    assert 23.7 <= spell.begins <= 23.8
    assert spell.active == pytest.approx(spell.begins + 3.0, abs=0.06)
    assert 29.5 <= spell.ends <= 30.0
    assert [lot for _, lot in spell.lots] == ["A42-2610", "B17/2609", "D03-2610", "E11-2609"]


def test_without_an_excursion_accepted_goods_stay_available() -> None:
    """When the room stays cold, only what was held at the door is on hold."""
    cold = play(("[24.3, 8.9], [26.0, 11.2], [28.0, 10.9]", "[24.3, 7.9], [26.0, 7.9], [28.0, 7.9]"))
    assert truth(cold).excursions == []
    assert stock(cold)["A42-2610", "available"] == 22
    assert stock(cold)["E11-2609", "hold"] == 8


@pytest.mark.parametrize(
    "edit",
    [("on_delay = 3.0", "on_delay = 5.5"), ("high = 8.0", "high = 12.0")],
    ids=["shorter than the on-delay", "below the limit"],
)
def test_a_short_or_low_peak_is_no_excursion(edit: tuple[str, str]) -> None:
    """A peak shorter than the on-delay, or under the limit, is nothing."""
    assert truth(play(edit)).excursions == []


def test_an_alarm_without_hold_holds_nothing() -> None:
    """An excursion whose alarm does not hold is recorded and leaves stock as it is."""
    scenario = play(("off_delay = 1.0\n", "off_delay = 1.0\nhold = false\n"))
    assert len(truth(scenario).excursions) == 1
    assert stock(scenario)["A42-2610", "available"] == 22


def test_over_delivery_is_held() -> None:
    """More of an announced lot than announced is held, all of it."""
    scenario = play(("first = 100201, count = 12", "first = 100201, count = 14"))
    assert verdicts(scenario)["crowded receive"] == ("held", ("over",), "amber")


def test_goods_of_another_pallet_are_over_here() -> None:
    """A case announced on another pallet keeps its lot, and is one too many on this."""
    case = "first = 100201, count = 12 }"
    scenario = play((case, f'{case}, {{ gtin = "09520001124129", first = 300008, count = 1 }}'))
    assert verdicts(scenario)["crowded receive"][:2] == ("held", ("over",))
    assert stock(scenario)["D03-2610", "hold"] == 7


def test_an_odd_tag_on_an_announced_pallet_is_held() -> None:
    """One tag that nobody announced holds the whole pallet, its known lots too."""
    scenario = play(
        ('name = "crowded"', 'name = "crowded"\nraw = ["E2801160600002084A9C0000"]'),
        ("[24.3, 8.9], [26.0, 11.2], [28.0, 10.9]", "[24.3, 7.9], [26.0, 7.9], [28.0, 7.9]"),
    )
    assert verdicts(scenario)["crowded receive"] == ("held", ("unknown_tag",), "amber")
    assert stock(scenario) | {} == {
        ("A42-2610", "available"): 10,
        ("A42-2610", "hold"): 12,
        ("B17/2609", "hold"): 4,
        ("D03-2610", "available"): 6,
        ("E11-2609", "hold"): 8,
    }


def test_a_held_pallet_may_not_leave() -> None:
    """A pallet that was held on receipt is refused at the way out: red, and no stock changes."""
    scenario = play(("expiry = 130", "expiry = -1"))
    assert verdicts(scenario)["full receive"] == ("held", ("expired",), "amber")
    assert verdicts(scenario)["full ship"] == ("refused", ("on_hold",), "red")
    assert stock(scenario)["C7-2611", "hold"] == 24


def test_lamps_are_told_per_door_in_order() -> None:
    """Each door's light stack has its own sequence of colours."""
    report = truth(load("dock_morning", TODAY)).report()
    assert report["lamps"] == {"dock-1": ["green", "green", "amber", "amber", "green"], "dock-2": ["green"]}
    assert [one["lamp"] for one in report["pallets"]] == ["green", "green", "amber", "green", "amber", "green"]


@pytest.mark.parametrize(
    ("edits", "complaint"),
    [
        ((("at = 18.1", "at = 23.0"),), "would depend on who is quicker"),
        (((", [30.0, 5.2]]", "]"), ("[28.8, 7.2]", "[28.8, 9.0]")), "still active when the play ends"),
        ((('"out"\npallet = "full"', '"out"\npallet = "crowded"'),), "was never received"),
        ((("at = 11.0", "at = 3.0"),), "may not be decided yet"),
        ((('[[order.unit]]\nsscc = "095200010034567015"', '[[order.unit]]\nsscc = "0"'),), "was never ordered"),
    ],
)
def test_a_morning_without_one_answer_is_refused(edits: tuple[tuple[str, str], ...], complaint: str) -> None:
    """What would depend on timing, or has no rule, is refused instead of guessed."""
    with pytest.raises(ScenarioError, match=complaint):
        truth(play(*edits))


def test_curves_are_straight_between_points_and_flat_outside() -> None:
    """A curve is interpolated between its points and constant before and after."""
    curve = Curve("t", ((1.0, 10.0), (2.0, 20.0), (2.0, 30.0), (4.0, 40.0)))
    assert [value_at(curve, second) for second in (0.0, 1.0, 1.5, 3.0, 9.0)] == [10.0, 10.0, 15.0, 35.0, 40.0]
