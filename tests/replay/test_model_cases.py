"""Each rule of the model has a case folder, in which the tag in question is told by it.

Points are not looked at: the figures are what happened, their weights are fitted again and again.
"""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway import config
from gateway.model.outcome import Passage
from gateway.replay import replay
from gateway.rules import scoring
from gateway.rules.explaining import explain
from gateway.rules.explaining import passage as saying
from gateway.rules.scoring import SAYS, sentence
from tests import dockside
from tests.replay import model

CASES = Path(__file__).with_name("cases")
SCENES = model.scenes()


@cache
def passages(name: str) -> list[Passage]:
    """The passages of a case, with every part of each tag's points in the evidence, not only the strongest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "WHY_SHOWN", len(SAYS))
        made = replay(CASES / name / "input.ndjson", config.load(CASES / name / "config.toml"))
        return [one for turn in made.turns() for one in turn.outcome.decisions if isinstance(one, Passage)]


def asked(name: str) -> Passage:
    """The last passage that heard the tag in question where it is asked for."""
    scene = SCENES[name]
    heard = [one for one in passages(name) if one.portal == scene.portal and scene.epc in (*one.moved, *one.strays)]
    return heard[-1]


@pytest.mark.parametrize("name", sorted(SCENES))
def test_the_recording_is_what_the_script_writes(name: str, tmp_path: Path) -> None:
    """Nothing in it was made by hand."""
    written = dockside.recording(tmp_path / "input.ndjson", SCENES[name].steps)
    assert (CASES / name / "input.ndjson").read_bytes() == written.read_bytes()
    assert (CASES / name / "config.toml").read_text("utf-8") == SCENES[name].toml


@pytest.mark.parametrize("name", sorted(SCENES))
def test_the_tag_in_question_is_judged_rightly(name: str) -> None:
    """It moved, or it did not, as in the scene."""
    assert (SCENES[name].epc in asked(name).moved) == SCENES[name].moved


@pytest.mark.parametrize("name", sorted(name for name, scene in SCENES.items() if scene.says))
def test_the_explanation_names_the_rule(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its figure is what the scene makes of it, and `explain --tag` says it in words."""
    monkeypatch.setattr(saying, "WHY_SHOWN", len(SAYS))
    scene, passage = SCENES[name], asked(name)
    figures = {feature: value for feature, value, _ in passage.evidence["why"][scene.epc]}
    text = explain([passage], scene.epc)[0].text
    for feature, (least, most) in scene.says.items():
        value = figures[feature]
        assert value is not None
        assert least is None or value >= least, (feature, value)
        assert most is None or value <= most, (feature, value)
        assert sentence(feature, value) in text


def test_each_feature_has_its_case() -> None:
    """`model-<feature>`."""
    own = {name.removeprefix("model-").replace("-", "_"): scene.says for name, scene in SCENES.items()}
    for feature in SAYS:
        assert feature in own[feature]


@pytest.mark.parametrize("name", ["model-two-loads-one-beam", "model-two-loads-no-eyes"])
def test_two_loads_are_two_passages(name: str) -> None:
    """Each with its own goods; the first says what went with the second, in figures and in words."""
    first, second = [one for one in passages(name) if one.moved]
    assert [set(one.moved) for one in (first, second)] == [
        {dockside.pallet_tag(number), *map(dockside.case_tag, serials)}
        for number, serials in ((1, (1, 2, 3, 4, 5)), (2, (11, 12, 13, 14, 15)))
    ]
    assert set(second.moved) <= set(first.evidence["followed"])
    assert first.closed < second.opened + 1_000_000
    assert "went with what came right behind" in explain([first], dockside.case_tag(12))[0].text


def test_a_slit_before_the_trucks_body_makes_no_second_load() -> None:
    """One passage, of all that came in, whatever was heard on when the load had passed."""
    *_, passage = passages("model-slit")
    assert set(passage.moved) == {dockside.pallet_tag(1), *map(dockside.case_tag, model.CASES_OF_A_LOAD)}
    assert sum(1 for _, row, level in passage.evidence["eyes"] if level and row == "outer") == 2
    assert "followed" not in passage.evidence


def test_what_turned_round_is_named() -> None:
    """All of the load, as that: it neither came in nor was it a stray by its reads."""
    passage = passages("model-turned-round")[-1]
    load = {dockside.pallet_tag(1), *map(dockside.case_tag, model.CASES_OF_A_LOAD)}
    assert (set(passage.evidence["turned"]), passage.moved) == (load, ())
    assert "turned round with its vehicle" in explain([passage], dockside.case_tag(1))[0].text


def test_nobody_gets_the_goods_of_the_next_door() -> None:
    """Two pallets at two doors at the same time, each heard at both: each went through its own."""
    found: dict[str, Any] = {one.portal: one for one in passages("model-next-door")}
    assert {
        portal: dockside.pallet_tag(number) in one.moved
        for portal, number, one in (
            ("dock-1", 1, found["dock-1"]),
            ("dock-2", 2, found["dock-2"]),
        )
    } == {"dock-1": True, "dock-2": True}
    assert not set(found["dock-1"].moved) & set(found["dock-2"].moved)
    assert len(found["dock-1"].moved) == len(found["dock-2"].moved) == 6


def test_what_is_announced_is_vouched_for() -> None:
    """Heard only before the door, it counts because its pallet announces it, and that is said."""
    passage = passages("model-vouched")[-1]
    tag = dockside.case_tag(400)
    assert passage.inferred == (tag,)
    assert passage.evidence["inferred_from"] == "asn"
    assert "what its pallet announces vouches for it" in explain([passage], tag)[0].text


def test_what_is_announced_on_another_pallet_is_dismissed() -> None:
    """By its reads it moved, if barely; it belongs to a pallet that is not here, and that is said."""
    passage = passages("model-dismissed")[-1]
    assert passage.evidence["points"][model.X] > 0
    assert passage.evidence["dismissed"] == {model.X: ["elsewhere", -5.0]}
    assert "its reads alone do not convince" in explain([passage], model.X)[0].text


def test_a_load_fetched_from_right_behind_the_door_came_in() -> None:
    """Its truck left by the row it came by; the antennas heard the load go from the outer row to the inner one."""
    passage = passages("model-fetched")[-1]
    broken = [row for _, row, level in passage.evidence["eyes"] if level]
    assert (broken[0], broken[-1]) == ("inner", "inner")
    assert (passage.direction, passage.evidence["by"], len(passage.moved)) == ("in", "antennas", 6)
    assert "left by the row it came by" in explain([passage])[2].text


def test_a_load_that_was_heard_on_only_one_way_of_a_truck_that_turned_came_in() -> None:
    """Below one antenna there are no rows to tell: it was not there when the truck drove out, and it was on its way
    back.
    """
    passage = [one for one in passages("model-one-way") if one.portal == "top-4"][-1]
    broken = [row for _, row, level in passage.evidence["eyes"] if level]
    assert (broken[0], broken[-1]) == ("inner", "inner")
    assert (passage.direction, passage.evidence["by"], len(passage.moved)) == ("in", "one_way", 6)
    assert "heard on only one of its two ways" in explain([passage])[2].text


def test_cartons_that_follow_closely_on_a_belt_are_two() -> None:
    """The second breaks the first beam while the one before it is in the second; each has its own tags, and the belt
    says the way.
    """
    one, then = passages("model-belt")
    assert then.opened < one.closed
    assert [len(one.moved), len(then.moved)] == [6, 6]
    assert sorted(one.evidence["followed"]) == sorted(then.moved)
    assert {(each.direction, each.evidence["by"]) for each in (one, then)} == {("in", "flow")}
    assert "all that passes there goes that way" in explain([then])[2].text


def test_what_an_asn_names_together_goes_together() -> None:
    """No tag of the load is sure, and the evidence names those that count for the others' sake."""
    passage = passages("model-together")[-1]
    assert max(passage.evidence["points"].values()) < scoring.DOUBT / 100
    assert len(passage.moved) == 6
    assert SCENES["model-together"].epc in passage.evidence["vouched"]


def test_a_companion_moves_with_each_load_and_alone() -> None:
    """A truck's own tag goes in again and again; that it went in a minute ago is not held against it."""
    found = passages("model-companion")
    assert all(model.TRUCK in one.moved for one in found)
    assert [one.direction for one in found] == ["in", "out"] * 4 + ["in"]


def test_a_vehicle_without_goods_is_empty_beside_a_staged_pallet() -> None:
    """The pallet is named among the strays, tag by tag."""
    passage = passages("model-empty")[-1]
    assert (passage.moved, len(passage.strays), passage.direction) == ((), 4, "in")


def test_late_reads_open_nothing() -> None:
    """They come a minute after the verdict; it stays the only one."""
    (passage,) = passages("model-late-reads")
    reads = [
        read
        for line in (CASES / "model-late-reads" / "input.ndjson").read_bytes().splitlines()
        if (one := msgspec.json.decode(line)).get("kind") == "reads"
        for read in one["reads"]
    ]
    assert passage.evidence["reads"] < len(reads)
    assert len(passage.moved) == 6
