"""Sentences for what was decided: what opened, which way, why a tag counted or not, rules, weight, alarms."""

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.model.outcome import AlarmChange, DeviceCommand, Firing, Gap, Line, Movement, Passage, Rejection, Weighed
from gateway.rules import reasons
from gateway.rules.explaining import about, explain, movement, passage
from gateway.rules.explaining.explain import ALARM_STATES
from gateway.rules.explaining.saying import seconds
from tests.dockside import T0, case_tag, pallet_tag

CASE, PALLET, STRAY = case_tag(1), pallet_tag(1), case_tag(9)
EYES = [[0, "outer", True], [900_000, "inner", True], [1_400_000, "outer", False], [2_000_000, "inner", False]]
CROSSED = Passage(
    f"dock-1/{T0}", "dock-1", T0, T0 + 2_000_000, "in", 0.99, (CASE, PALLET), (STRAY,),
    evidence={
        "by": "eyes", "reads": 42, "eyes": EYES,
        "tags": {CASE: [20, -50.5, 0, 1_500_000], STRAY: [2, -71, 300_000, 400_000]},
        "points": {CASE: 8.2, STRAY: -4.0},
        "why": {CASE: [["elsewhere", 9, 6.0], ["with_group", -9, -1.5], ["level", 12.0, 1.0]], STRAY: []},
    },
)  # fmt: skip
MOVED = Movement(
    "m-1", CROSSED.passage, "dock-1", T0 + 2_000_000, "receive", None, "cold-2", "held", ("over", "expired"),
    (Line("09520001112348", "L1", 2000, "each", "serial", (CASE,), "2026-01-01", expected=1000),),
    sscc="095200010000000010", sscc_epc=PALLET, expectation="asn/A1", missing=("09520001112348/7",),
    weight=Weighed("612.4", "kg", T0, "scale-1", "608.0", 0.72),
)  # fmt: skip
FIRED = Firing(
    "keep-cold", "0123456789abcdef", T0, "receive", "m-1", "dock-1", {"expiry.days": -3, "on_hold": False}, ("hold",)
)
LIT = DeviceCommand("dock-1", "light", {"portal": "dock-1", "colour": "amber"}, T0 + 2_000_000, T0 + 7_000_000)


def text(*decisions: Any, epc: str = "") -> str:
    """What is said of these, a line each."""
    return "\n".join(one.text for one in explain(decisions, epc))


def test_a_passage_says_what_opened_and_closed_it_and_which_way() -> None:
    """Eyes, duration, direction with its reason, and the sum of the tags."""
    said = text(CROSSED)
    assert "2026-11-21 06:42:11.000 UTC, when something broke the outer photo-eye" in said
    assert "2.0 s later, when the inner photo-eye was free again" in said
    assert "went in: the order of the photo-eyes says so (the outer one was broken 0.90 s before the inner one)" in said
    assert "3 tags heard in 42 reads: 2 moved, 1 stray." in said


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"eyes": []}, "with the first strong read of a tag"),
        ({"eyes": [], "opened_by": "scale"}, "with what was put on its scale"),
        ({"eyes": EYES[:2]}, "still blocked"),
        ({"by": "antennas", "gap_ms": -400, "voters": 12}, "12 tags were heard at the outer antennas 0.40 s later"),
        ({"by": "nothing"}, "no tag heard by an inner and an outer antenna"),
    ],
)
def test_a_passage_without_the_help_of_eyes(changed: dict[str, Any], words: str) -> None:
    """What told the opening, the end and the way is named, whatever it was."""
    assert words in text(replace(CROSSED, evidence=CROSSED.evidence | changed))


def test_why_a_tag_was_counted_or_not() -> None:
    """Its figures for one that was heard, its place in the movement, and the difference of missing and never there."""
    assert "serial 1" in text(CROSSED, MOVED, epc=CASE)
    said = text(CROSSED, epc=CASE)
    assert "moved: +8.2 points (it was 9 dB louder here than at the next door, +6.0;" in said
    assert "its centre in time was off the group's by 9 % of the time in the door, -1.5); 20 reads" in said
    assert "the loudest at -50.5 dBm, from 0.00 s to 1.5 s after the opening" in said
    assert "It counts in: 2 each of GTIN 09520001112348 lot L1" in text(MOVED, epc=CASE)
    assert "is the tag of the unit SSCC 095200010000000010" in text(MOVED, epc=PALLET)
    assert "did not count: it is a stray: -4.0 points, a close call" in text(CROSSED, epc=STRAY)
    assert "keeps figures of" in text(CROSSED, epc=PALLET)
    missing = replace(CROSSED, missing=("09520001112348/7",))
    assert "never read" in text(missing, epc=case_tag(7))
    assert "was not heard at dock-1" in text(missing, epc=case_tag(8))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"turned": [CASE]}, "it turned round with its vehicle"),
        ({"unseen": [CASE]}, "no eye saw a vehicle, and most of what was heard did not go from row to row"),
        ({"hardly_any": [CASE]}, "hardly any of what it was compared with went through"),
        ({"again": [CASE]}, "it had gone this way just before"),
        ({"put_down": [CASE]}, "its load came the other way just before, and most of it did not go back"),
        ({"dismissed": {CASE: ["lone", 2.0]}}, "nothing announces it"),
        ({"points": {}}, "with so little it was not weighed"),
        ({"group": 0}, "0 tags"),
    ],
)
def test_what_else_a_tag_can_be(changed: dict[str, Any], words: str) -> None:
    """A tag that turned round, that no announcement vouches for, or that was too faint to weigh, is told so."""
    assert words in text(replace(CROSSED, moved=(PALLET,), strays=(CASE, STRAY), evidence=CROSSED.evidence | changed))
    vouched = replace(CROSSED, inferred=(CASE,))
    assert "what its pallet announces vouches for it" in text(vouched, epc=CASE)


def test_a_movement_says_what_from_where_and_why() -> None:
    """Goods, unit, places, verdict, each reason, what was announced, what is missing, and the weight."""
    said = text(MOVED)
    assert "Received: 2 each of GTIN 09520001112348 lot L1, unit SSCC 095200010000000010 to cold-2." in said
    assert "on hold until somebody releases it" in said
    assert "expired: The lot's expiry date has passed." in said
    assert "1 each were announced; expires 2026-01-01" in said
    assert "Announced and never read: 09520001112348/7 (1 item)" in said
    assert "scale-1 weighed 612.4 kg; 608.0 kg were announced, +0.72 %" in said


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ({"ignored": ["A", "B"]}, "2 tags that nothing explains"),
        ({"present": ["A"]}, "1 item had been received before"),
        ({"contradictions": [{"epc": CASE, "claims": [{"by": "tag", "lot": "L2", "source": None}]}]}, "tag says L2"),
        ({"numbered": [{"counter": "c", "day": "", "last": 4}]}, "1 lot number of its own"),
        ({"elsewhere": ["hall", "yard"]}, "hall and yard"),
        ({"rules": {"a": "1", "b": "2"}}, "a and b"),
        ({"despite": {"expired": "a"}}, "Rule a says that expired does not count here."),
        ({"notes": ["look at the seal"]}, "look at the seal"),
    ],
)
def test_every_part_of_a_movements_evidence_is_said(evidence: dict[str, Any], words: str) -> None:
    """Each key that the rules add has its sentence."""
    assert evidence.keys() <= movement.EVIDENCE.keys()
    assert words in text(replace(MOVED, evidence=evidence))


def test_a_rule_says_on_which_facts_it_fired() -> None:
    """Rule, version, facts and what it did."""
    said = text(FIRED)
    assert "Rule keep-cold (0123456789ab) fired on receive at dock-1" in said
    assert "expiry.days = -3, on_hold = no. It did: hold." in said


def test_what_belongs_to_a_subject() -> None:
    """A passage brings its movements, rules, refusals and lamp; a movement its passage; nothing of other passages."""
    other = replace(CROSSED, passage=f"dock-1/{T0 + 9}", closed=T0 + 99_000_000)
    refused = Rejection(CROSSED.passage, T0, "empty_passage", "something crossed dock-1")
    turn = [CROSSED, other, MOVED, FIRED, LIT, refused, Gap(1, 2, T0, "too_large")]
    mine = [CROSSED, MOVED, FIRED, LIT, refused]
    assert about(turn, CROSSED.passage) == mine
    assert about(turn, "m-1") == mine
    assert about(turn, other.passage) == [other]
    assert about(turn, "nobody") == []
    assert "turned amber" in text(*mine)
    assert "Something crossed dock-1." in text(*mine)


@pytest.mark.parametrize("state", ["normal", "unacked_active", "acked_active", "rtn_unacked"])
def test_every_state_of_an_alarm_has_words(state: str) -> None:
    """All four states of ISA-18.2 are said, with value, limit and who acknowledged."""
    said = text(AlarmChange("a-1", "s-1", T0, "normal", state, "high", value=9.0, limit=8.0, by="ann"))
    assert ALARM_STATES[state] in said
    assert "by ann" in said
    assert ("beyond its limit of 8" in said) == state.endswith("_active")


def test_every_verdict_and_reason_of_the_rules_has_words() -> None:
    """The tables of the rules name nothing that is not explained."""
    assert reasons.SEVERITY.keys() == movement.VERDICTS.keys()
    for kind in reasons.TABLES:
        assert kind in movement.TYPES
        for code in reasons.table(kind):
            assert "not in the catalogue" not in text(replace(MOVED, reasons=(code,)))


def test_many_tags_are_cut_short() -> None:
    """A passage of ten thousand strays is told in a screen; each tag can still be asked for."""
    many = tuple(case_tag(number) for number in range(10_000))
    crowd = replace(CROSSED, moved=(), strays=many)
    sentences = explain([crowd])
    assert len(sentences) < passage.SHOWN + 10
    assert "9970 more tags" in sentences[-1].text
    assert "did not count" in text(crowd, epc=many[-1])


def test_durations_are_said_as_a_person_would() -> None:
    """Hundredths below a second, tenths below two minutes, minutes above."""
    assert [seconds(us) for us in (350_000, 12_000_000, 180_000_000)] == ["0.35 s", "12.0 s", "3 min"]
