"""Every decision of every golden case can be explained, from a replay and from the ledger alike."""

from pathlib import Path

import pytest

from gateway import config
from gateway.events.sentences import SENTENCES
from gateway.model.outcome import (
    AlarmChange,
    Correction,
    Decision,
    Excursion,
    Hold,
    Movement,
    Passage,
    Release,
    Transformation,
)
from gateway.replay import replay
from gateway.rules.explaining import about, explain, movement, passage

CASES = sorted(Path(__file__).with_name("cases").iterdir())


def turns(folder: Path) -> list[list[Decision]]:
    """What each turn of a case decided."""
    given = folder / "config.toml"
    prepared = replay(folder / "input.ndjson", config.load(given) if given.exists() else None)
    return [list(turn.outcome.decisions) for turn in prepared.turns()]


def told(decisions: list[Decision], subject: str) -> str:
    """Everything said about a subject, as one text."""
    return " ".join(one.text for one in explain(about(decisions, subject)))


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_every_passage_and_movement_is_explained(folder: Path) -> None:
    """Each passage names door, way and every tag it shows; each movement its verdict and every reason's sentence."""
    for decisions in turns(folder):
        for one in decisions:
            if isinstance(one, Passage):
                text = told(decisions, one.passage)
                assert passage.WAYS[one.direction] in text
                assert all(epc in text for epc in (*one.moved, *one.strays)[: passage.SHOWN])
            elif isinstance(one, Movement):
                text = told(decisions, one.movement)
                assert movement.VERDICTS[one.verdict] in text
                assert all(SENTENCES[code] in text for code in one.reasons)
                crossed = any(isinstance(it, Passage) and it.passage == one.passage for it in decisions)
                assert not crossed or "opened at" in text, "the passage is part of the answer"


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_every_part_of_the_evidence_has_a_sentence(folder: Path) -> None:
    """No key of a passage's or a movement's evidence, and no way to know a lot, is without words for it."""
    for one in (decision for turn in turns(folder) for decision in turn):
        if isinstance(one, Passage):
            assert set(one.evidence) <= passage.TOLD | passage.EVIDENCE.keys()
            assert one.evidence["by"] in passage.BY
        elif isinstance(one, Movement):
            own = set(one.evidence) - {"direction", "confidence"} - passage.TOLD - passage.EVIDENCE.keys()
            assert own <= movement.EVIDENCE.keys()
            assert {line.resolved_by for line in one.lines} <= movement.RESOLVED.keys()
            assert one.type in movement.TYPES


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_every_tag_can_be_asked_for(folder: Path) -> None:
    """Why a tag was counted or not is answered for each tag heard, and for one that never was."""
    for decisions in turns(folder):
        for one in decisions:
            if not isinstance(one, Passage):
                continue
            mine = about(decisions, one.passage)
            for epc in (*one.moved, *one.strays):
                first = explain(mine, epc.lower())[0]
                assert first.epc == epc
                assert (" moved" in first.text) == (epc in one.moved)
            (never,) = explain(mine, "E2FF")
            assert "was not heard" in never.text


def test_an_alarm_is_told_with_its_excursion_and_hold() -> None:
    """What happened to an alarm, how long it was too warm and what was put on hold for it belong together."""
    folder = next(one for one in CASES if one.name == "excursion-with-hold")
    decisions = [one for turn in turns(folder) for one in turn]
    alarm = next(one.alarm for one in decisions if isinstance(one, AlarmChange))
    text = told(decisions, alarm)
    assert "beyond its limit of 8" in text
    assert "on hold" in text
    excursion = next(one for one in decisions if isinstance(one, Excursion))
    assert f"highest {excursion.max:g}" in text


@pytest.mark.parametrize(
    ("case", "kind", "words"),
    [
        ("hold", Hold, ["on hold by ann", "The person said: smells."]),
        ("release", Release, ["released by Bea (ann)", "looked at it"]),
        ("production", Transformation, ["ann made 40 each", "lot B20261121-001", "from 20 each", "(P1)"]),
        ("late-asn", Correction, ["was told wrongly (incorrect_data)", "takes its place"]),
    ],
)
def test_what_persons_and_late_documents_did_is_told(case: str, kind: type[Decision], words: list[str]) -> None:
    """Holds, releases, productions and corrections say who, what and why."""
    folder = next(one for one in CASES if one.name == case)
    found = [one for turn in turns(folder) for one in turn if isinstance(one, kind)]
    text = " ".join(said.text for said in explain(found))
    assert [word for word in words if word not in text] == [], text
