"""Questions, and the one decision over all candidates of a turn."""

from typing import Any

import msgspec
import pytest

from gateway.model.documents import Asn, ExpectedLine, ExpectedUnit
from gateway.model.facts import Expected, Facts, Interval, OutboxFact, Questions, Serial, Stay
from gateway.model.outcome import (
    AlarmChange,
    DeviceCommand,
    DocumentChange,
    Excursion,
    Gap,
    Hold,
    HoldSet,
    Movement,
    Park,
    Passage,
    Rejection,
    StockDelta,
)
from gateway.model.settings import Antenna, Lights, Limit, Portal, Settings
from gateway.rules import decide, questions
from gateway.rules.alarms import Exceeded
from gateway.rules.candidates import Answered, Changed, Crossed, Exceeding, Parking, Refused
from gateway.rules.documents import Announced
from gateway.rules.lights import LIGHT_VALID
from simulators.epc import check_digit, sgtin96, sscc96

S = 1_000_000
MINUTE = 60 * S
NOON = 1_795_262_400 * S
SSCC, OTHER = (body + check_digit(body) for body in ("34012345000000001", "34012345000000002"))
GTIN = "0401234500001" + check_digit("0401234500001")
PALLET, PALLET2 = sscc96(SSCC, 7), sscc96(OTHER, 7)
ITEM = sgtin96(GTIN, "1", 7)
RAW = "E280116060000209"

DOCK = Portal("dock-1", "inbound", (Antenna("r", 1),), lights=Lights("r", green=1, red=2, amber=None, hold=4 * S))
DARK = Portal("dock-2", "inbound", (Antenna("r", 2),))
WARM = Limit("warm", "c", "temperature", "high", 8.0, hold=True)
MILD = Limit("mild", "c", "temperature", "high", 6.0)
SITE = Settings(site="s", gateway="g", portals=(DOCK, DARK), limits=(WARM, MILD))


def crossed(
    *moved: str, way: str = "in", portal: Portal = DOCK, strays: tuple[str, ...] = (), **evidence: Any
) -> Crossed:
    """A passage that ended at noon."""
    passage = Passage(
        f"{portal.id}/{NOON - S}", portal.id, NOON - S, NOON, way, 0.9, tuple(sorted(moved)), strays, evidence=evidence
    )
    return Crossed(passage, portal, None, ())


def announced(sscc: str = SSCC) -> Expected:
    """A pallet with one counted item."""
    line = ExpectedLine(GTIN, "1", "L1", serials=("1",))
    return Expected("asn", "D1", 1, ExpectedUnit(sscc, (line,)), "expected")


KNOWN = Facts(
    expected={SSCC: (announced(),), OTHER: (announced(OTHER),)},
    serials={f"{GTIN}/1": (Serial(GTIN, "L1", "asn/D1", SSCC, "serial"),)},
)


def became(alarm: str = "warm", since: int | None = NOON - 10 * MINUTE, location: str | None = "cold") -> Changed:
    """An alarm that became active at noon."""
    change = AlarmChange(alarm, "c", NOON, "normal", "unacked_active", "high", location=location)
    return Changed(change, since)


def ended(limit: Limit = WARM) -> Exceeding:
    """An excursion of an hour that ended at noon."""
    return Exceeding(Exceeded(limit, "Cel", NOON - 60 * MINUTE, NOON, 8.5, 12.0, 10.0), "cold")


def stays(start: int, *several: Stay) -> Facts:
    """Stays as facts."""
    return Facts(stays={f"cold/{start}/{NOON}": several})


# questions


def test_nothing_is_asked_for_nothing() -> None:
    """Candidates that need no fact ask none."""
    asked = questions([Refused(Rejection("x", NOON, "bad_input", "")), Answered({"ok": True}), became(since=None)])
    assert asked == questions([]) == Questions()


def test_questions_are_sorted_and_unique() -> None:
    """All questions of a turn are asked once, in order, whatever the order of the candidates."""
    candidates = [
        crossed(PALLET2, PALLET, ITEM, RAW),
        crossed(PALLET, ITEM, portal=DARK),
        Announced("order", "O1", None, "x", NOON),
        Announced("asn", "A2", None, "x", NOON),
        Announced("asn", "A1", None, "x", NOON),
        became("mild"),
        became("warm"),
        ended(),
        Parking(9, "x", NOON),
        Parking(4, "x", NOON),
    ]
    asked = questions(candidates)
    assert asked == Questions(
        ssccs=(SSCC, OTHER),
        epcs=tuple(sorted((ITEM, RAW))),
        serials=((GTIN, "1"),),
        documents=(("asn", "A1"), ("asn", "A2"), ("order", "O1")),
        stays=(Interval("cold", NOON - 60 * MINUTE, NOON), Interval("cold", NOON - 10 * MINUTE, NOON)),
        outbox=(4, 9),
        policy=True,
        numbers=("2026-11-20", "2026-11-21", "2026-11-22"),
    )
    assert questions(candidates[::-1]) == asked


def test_strays_are_not_asked_about() -> None:
    """What did not move is nobody's question."""
    assert questions([crossed(strays=(ITEM, PALLET))]) == Questions()


def test_an_alarm_without_location_asks_nothing() -> None:
    """Where no lots can stand none are asked for."""
    assert questions([became(location=None)]) == Questions()


# passages


def test_crossed_gives_passage_movement_and_light() -> None:
    """A passage is published with what was missing, its movements follow, then the lamp."""
    outcome = decide(SITE, [crossed(PALLET)], KNOWN)
    passage, movement, light = outcome.decisions
    assert isinstance(passage, Passage)
    assert isinstance(movement, Movement)
    assert passage.missing == movement.missing == (f"{GTIN}/1",)
    assert light == DeviceCommand(
        "r",
        "light",
        {"portal": "dock-1", "colour": "green", "ports": {"green": 1, "red": 2}, "hold_ms": 4000},
        NOON,
        NOON + LIGHT_VALID,
    )
    assert outcome.reply is None


@pytest.mark.parametrize(
    ("moved", "way", "colour"),
    [
        ((PALLET, ITEM), "in", "green"),
        ((PALLET, ITEM, RAW), "in", "amber"),
        ((PALLET, ITEM), "out", "red"),
        ((PALLET, PALLET2, ITEM, RAW), "in", "amber"),
        ((PALLET,), "unknown", "amber"),
    ],
)
def test_light_shows_the_worst_verdict(moved: tuple[str, ...], way: str, colour: str) -> None:
    """Green accepted, amber held or undecided, red refused: the worst of the passage is shown."""
    decisions = decide(SITE, [crossed(*moved, way=way)], KNOWN).decisions
    assert [one.args["colour"] for one in decisions if isinstance(one, DeviceCommand)] == [colour]


def test_no_lamp_no_light() -> None:
    """A portal without lights gets no command."""
    decisions = decide(SITE, [crossed(PALLET, portal=DARK)], KNOWN).decisions
    assert not any(isinstance(one, DeviceCommand) for one in decisions)


def test_direction_unknown_is_an_exception() -> None:
    """Moved tags without a direction change no stock and are said, with their number."""
    outcome = decide(SITE, [crossed(PALLET, ITEM, way="unknown")], KNOWN)
    _, problem, _ = outcome.decisions
    assert problem == Rejection(
        f"dock-1/{NOON - S}",
        NOON,
        "direction_unknown",
        "2 tags crossed dock-1 and neither eyes nor antennas tell which way",
    )
    assert outcome.effects == ()


def test_empty_passage_is_an_exception_only_with_eyes() -> None:
    """A broken eye without a tag is said; strays alone pass in silence and leave the lamp alone."""
    seen = decide(SITE, [crossed(way="unknown", strays=(ITEM,), eyes=[[0, "outer", True]])], Facts())
    _, problem, light = seen.decisions
    assert isinstance(problem, Rejection)
    assert (problem.reason, problem.detail) == (
        "empty_passage",
        "something crossed dock-1 and the only tag heard did not move",
    )
    assert isinstance(light, DeviceCommand)
    assert light.args["colour"] == "amber"
    silent = decide(SITE, [crossed(way="unknown", strays=(ITEM,), eyes=[])], Facts())
    assert [type(one) for one in silent.decisions] == [Passage]


@pytest.mark.parametrize(
    ("strays", "evidence", "says"),
    [
        ((), {}, "no tag was heard"),
        ((ITEM, PALLET), {}, "none of the 2 tags heard moved"),
        ((ITEM, PALLET), {"again": [ITEM]}, "none of the 2 tags heard moved (1 had moved just before)"),
        ((ITEM,), {"put_down": [ITEM]}, "the only tag heard did not move (1 had moved just before)"),
    ],
)
def test_an_empty_passage_says_what_was_heard(strays: tuple[str, ...], evidence: dict[str, Any], says: str) -> None:
    """Nothing at all is another matter than tags that stayed, and these another than what had gone just before."""
    seen = decide(SITE, [crossed(way="in", strays=strays, eyes=[[0, "outer", True]], **evidence)], Facts())
    (problem,) = (one for one in seen.decisions if isinstance(one, Rejection))
    assert problem.detail == f"something crossed dock-1 and {says}"


def test_one_turn_receives_a_pallet_once() -> None:
    """Two doors that heard the same pallet in one turn do not both add it to stock."""
    both = [crossed(PALLET, ITEM), crossed(PALLET, ITEM, portal=DARK)]
    outcome = decide(SITE, both, KNOWN)
    assert [one.reasons for one in outcome.decisions if isinstance(one, Movement)] == [
        ("matched",),
        ("already_received",),
    ]
    assert sum(one.quantity for one in outcome.effects if isinstance(one, StockDelta)) == 1000


# documents


def stale(version: int, known: int | None) -> Any:
    """What becomes of an ASN in a version when another is known."""
    facts = Facts(documents={} if known is None else {"asn/A1": known})
    return decide(SITE, [Announced("asn", "A1", Asn("A1", version), "down/asn/A1", NOON)], facts)


def test_newer_versions_are_entered() -> None:
    """A first or higher version is entered; the reply says ok."""
    for known in (None, 2):
        outcome = stale(3, known)
        assert outcome.effects == (DocumentChange("asn", "A1", 3, Asn("A1", 3)),)
        assert (outcome.decisions, outcome.reply) == ((), {"ok": True})


def test_the_same_version_again_is_nothing() -> None:
    """A redelivered document changes nothing and is no error."""
    outcome = stale(3, 3)
    assert (outcome.effects, outcome.decisions, outcome.reply) == ((), (), {"ok": True})


def test_older_versions_are_refused() -> None:
    """An older version is refused with both numbers."""
    outcome = stale(2, 3)
    detail = "version 2 arrived after version 3; the newer one stays"
    assert outcome.decisions == (Rejection("down/asn/A1", NOON, "stale_version", detail),)
    assert (outcome.effects, outcome.reply) == ((), {"ok": False, "error": detail})


def test_withdrawal_keeps_the_version() -> None:
    """A withdrawal repeats the version it ends, so that the next one is newer; of the unknown it is nothing."""
    withdrawal = Announced("asn", "A1", None, "down/asn/A1", NOON)
    assert decide(SITE, [withdrawal], Facts()).effects == ()
    outcome = decide(SITE, [withdrawal], Facts(documents={"asn/A1": 3}))
    assert outcome.effects == (DocumentChange("asn", "A1", 3, None),)
    assert stale(4, 3).effects != ()


def test_refusals_are_replied() -> None:
    """What could not be used becomes an exception, and its detail the reply."""
    rejection = Rejection("cmd/x", NOON, "bad_command", "no such")
    outcome = decide(SITE, [Refused(rejection)], Facts())
    assert outcome.decisions == (rejection,)
    assert outcome.reply == {"ok": False, "error": "no such"}


def test_an_answer_is_the_reply() -> None:
    """Who asked gets the answer beside what the turn decides."""
    outcome = decide(SITE, [became(since=None), Answered({"ok": True, "state": "normal"})], Facts())
    assert outcome.reply == {"ok": True, "state": "normal"}
    assert len(outcome.decisions) == 1


# alarms, holds, excursions

STANDING = Stay(GTIN, "L1", NOON - 99 * MINUTE, None, 24_000, "each")
GONE = Stay(GTIN, "L2", NOON - 99 * MINUTE, NOON - 4 * MINUTE, 0, "each")


def test_alarm_holds_what_stands_there() -> None:
    """When a holding alarm becomes active the lots that stand there are held; what left is named, not held."""
    outcome = decide(SITE, [became()], stays(NOON - 10 * MINUTE, STANDING, GONE))
    change, hold = outcome.decisions
    assert isinstance(change, AlarmChange)
    assert [(lot.lot, lot.minutes, lot.quantity) for lot in change.lots] == [("L1", 10.0, 24_000), ("L2", 6.0, 0)]
    assert isinstance(hold, Hold)
    assert (hold.location, hold.reason, hold.source, [lot.lot for lot in hold.lots]) == (
        "cold", "excursion", "warm", ["L1"],
    )  # fmt: skip
    assert outcome.effects == (HoldSet(GTIN, "L1", "cold", "excursion"),)


@pytest.mark.parametrize(
    ("alarm", "several"), [("mild", (STANDING,)), ("warm", (GONE,)), ("warm", ()), ("removed", (STANDING,))]
)
def test_alarms_that_hold_nothing(alarm: str, several: tuple[Stay, ...]) -> None:
    """Without `hold`, without standing lots, or without its limit an alarm holds nothing, but says who stood there."""
    outcome = decide(SITE, [became(alarm)], stays(NOON - 10 * MINUTE, *several))
    (change,) = outcome.decisions
    assert isinstance(change, AlarmChange)
    assert len(change.lots) == len(several)
    assert outcome.effects == ()


def test_other_transitions_ask_and_hold_nothing() -> None:
    """Acknowledgement and return to normal are said as they are."""
    candidate = became(since=None)
    assert decide(SITE, [candidate], Facts()).decisions == (candidate.change,)
    assert decide(SITE, [became(location=None)], Facts()).effects == ()


def test_excursion_minutes() -> None:
    """An excursion names each lot with its minutes in it: from entry, to departure, several stays together."""
    several = (
        STANDING,
        Stay(GTIN, "L1", NOON - 120 * MINUTE, NOON - 30 * MINUTE, 0, "each"),
        Stay(GTIN, "L3", NOON - 90 * S, None, 1000, "each"),
        Stay(GTIN, "L2", NOON - 50 * MINUTE, NOON - 20 * MINUTE, 0, "each"),
        Stay(GTIN, "L0", NOON + MINUTE, None, 5000, "each"),
    )
    outcome = decide(SITE, [ended()], stays(NOON - 60 * MINUTE, *several))
    (excursion,) = outcome.decisions
    assert isinstance(excursion, Excursion)
    assert [(lot.lot, lot.minutes, lot.quantity) for lot in excursion.lots] == [
        ("L0", 0.0, 5000),
        ("L1", 90.0, 24_000),
        ("L2", 30.0, 0),
        ("L3", 1.5, 1000),
    ]
    assert (excursion.min, excursion.max, excursion.mean, excursion.limit, excursion.side) == (
        8.5,
        12.0,
        10.0,
        8.0,
        "high",
    )
    assert [one.lot for one in outcome.effects if isinstance(one, HoldSet)] == ["L0", "L1", "L3"]


def test_excursion_without_hold() -> None:
    """An excursion of a limit that does not hold is a record only."""
    outcome = decide(SITE, [ended(MILD)], stays(NOON - 60 * MINUTE, STANDING))
    assert len(outcome.decisions) == 1
    assert outcome.effects == ()


def test_ids_are_fixed() -> None:
    """The same candidates give the same ids, another site others."""
    facts = stays(NOON - 60 * MINUTE, STANDING)
    assert decide(SITE, [ended()], facts) == decide(SITE, [ended()], facts)
    other = msgspec.structs.replace(SITE, site="t")
    first, second = (decide(site, [ended()], facts).decisions[0] for site in (SITE, other))
    assert first != second


# parking


@pytest.mark.parametrize(
    ("kind", "state", "gap", "parks"),
    [
        ("receipt", "pending", True, True),
        ("excursion", "pending", True, True),
        ("gap", "pending", False, True),
        ("alarm", "pending", False, True),
        ("exception", "pending", False, True),
        ("receipt", "settled", False, False),
        ("receipt", "parked", False, False),
        (None, "", False, False),
    ],
)
def test_parking(kind: str | None, state: str, gap: bool, parks: bool) -> None:
    """Only pending rows are parked; a gap is told for goods, not for gaps, alarms and exceptions; the rest is left."""
    facts = Facts(outbox={} if kind is None else {"7": OutboxFact(7, kind, "evt/x", state)})
    outcome = decide(SITE, [Parking(7, "not_authorized", NOON)], facts)
    assert outcome.decisions == ((Gap(7, 7, NOON, "not_authorized"),) if gap else ())
    assert outcome.effects == ((Park(7, "not_authorized"),) if parks else ())
