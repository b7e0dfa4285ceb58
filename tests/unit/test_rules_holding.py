"""Holds and releases by persons and by central: what is held, what is freed, and what is refused with which words."""

from typing import Any

import pytest

from gateway.identity import keys
from gateway.model.documents import HoldOrder
from gateway.model.facts import Facts, HoldFact, LotFact, OpenHold, Standing
from gateway.model.inputs import Command
from gateway.model.outcome import (
    DocumentChange,
    Hold,
    HoldEnd,
    HoldSet,
    LotChange,
    LotMinutes,
    Outcome,
    Rejection,
    Release,
)
from gateway.model.settings import Location, Settings
from gateway.rules import Engine, decide, questions
from gateway.rules.documents import Announced

NOON = 1_795_262_400_000_000
GTIN = "0401234500001" + keys.check_digit("0401234500001")
SITE = Settings(site="s", gateway="g", locations=(Location("cold"), Location("dry")))
COLD = Standing("cold", (("available", "each", 24_000),))
DRY = Standing("dry", (("hold", "each", 3_000), ("hold", "kg", 500)), holds=(OpenHold("excursion", ""),))


def told(name: str, facts: Facts, *, at: int = NOON, **args: Any) -> Outcome:
    """The outcome of one order by ann about lot L1."""
    candidates = Engine(SITE).observe(at, Command(name, {"gtin": GTIN, "lot": "L1", **args}, "ann"))
    return decide(SITE, candidates, facts)


def stands(*several: Standing, life: str | None = None) -> Facts:
    """Where L1 stands, and what its life is."""
    return Facts(standing={f"{GTIN}/L1": several}, lots={f"{GTIN}/L1": LotFact(GTIN, "L1", life=life)})


@pytest.mark.parametrize(
    ("name", "code", "life"),
    [
        ("hold", "held_by_person", "on_hold"),
        ("reject", "rejected", "rejected"),
        ("inspect", "inspection", "pending_inspection"),
    ],
)
def test_a_person_stops_a_lot_everywhere(name: str, code: str, life: str) -> None:
    """Each word makes one hold per place and one for what will arrive, with who said it, with what, and why."""
    outcome = told(name, stands(COLD, DRY), reason="smells", device="scanner-3")
    holds = [hold for hold in outcome.decisions if isinstance(hold, Hold)]
    assert [(hold.location, hold.reason, hold.everywhere) for hold in holds] == [
        ("cold", code, True),
        ("dry", code, True),
    ]
    assert {(hold.by, hold.device, hold.note) for hold in holds} == {("ann", "scanner-3", "smells")}
    assert outcome.effects == (
        HoldSet(GTIN, "L1", "", "smells", "ann"),
        LotChange(GTIN, "L1", life, code, NOON, "ann", "scanner-3"),
    )
    assert outcome.reply is not None
    assert outcome.reply["ok"]
    assert len({hold.hold for hold in holds}) == 2


def test_a_hold_in_one_location() -> None:
    """Only what stands there is held."""
    outcome = told("hold", stands(COLD, DRY), location="cold")
    (hold,) = outcome.decisions
    assert isinstance(hold, Hold)
    assert (hold.location, hold.lots, hold.everywhere) == (
        "cold",
        (LotMinutes(GTIN, "L1", 0.0, 24_000, "each"),),
        False,
    )
    assert outcome.effects[0] == HoldSet(GTIN, "L1", "cold", "held_by_person", "ann")


def test_a_hold_on_what_is_not_here_yet() -> None:
    """A lot that stands nowhere is on hold for when it comes."""
    outcome = told("hold", Facts())
    (hold,) = outcome.decisions
    assert isinstance(hold, Hold)
    assert (hold.location, hold.lots) == ("", ())


def test_the_same_hold_again_is_nothing() -> None:
    """Said twice, it is one hold."""
    again = stands(COLD, Standing("", (), holds=(OpenHold("held_by_person", ""),)), life="on_hold")
    outcome = told("hold", again)
    assert (outcome.decisions, outcome.effects) == ((), ())
    assert outcome.reply == {"ok": True, "held": [], "already": True}


def test_who_says_so_stands_beside_the_user_of_the_socket() -> None:
    """`by` does not hide whose terminal it was."""
    outcome = told("hold", Facts(), by="Bea")
    assert isinstance(outcome.effects[0], HoldSet)
    assert outcome.effects[0].by == "Bea (ann)"


def test_a_release_frees_what_is_held() -> None:
    """All holds end, one release per place tells the amounts that became available, and the lot is released."""
    outcome = told("release", stands(COLD, DRY, life="on_hold"))
    (release,) = outcome.decisions
    assert isinstance(release, Release)
    assert (release.location, release.by) == ("dry", "ann")
    assert release.lots == (LotMinutes(GTIN, "L1", 0.0, 3_000, "each"), LotMinutes(GTIN, "L1", 0.0, 500, "kg"))
    assert outcome.effects == (
        HoldEnd(GTIN, "L1", "", "ann"),
        LotChange(GTIN, "L1", "released", "released_by_person", NOON, "ann", ""),
    )


def test_a_lot_that_is_held_elsewhere_is_not_released_yet() -> None:
    """A release in one place leaves the lot's life as it is while another place is on hold."""
    outcome = told("release", stands(Standing("cold", (("hold", "each", 1000),)), DRY), location="cold")
    assert outcome.effects == (HoldEnd(GTIN, "L1", "cold", "ann"),)


CENTRAL = Standing("cold", (("hold", "each", 1000),), holds=(OpenHold("recall", "hold/H1"),))
EVERYWHERE = Standing("", (), holds=(OpenHold("x", ""),))


@pytest.mark.parametrize(
    ("facts", "location", "words"),
    [
        (stands(COLD), None, "is not on hold"),
        (stands(DRY), "cold", "is not on hold in cold"),
        (stands(DRY, life="rejected"), None, "was rejected"),
        (stands(CENTRAL), None, "by central (hold/H1), which alone withdraws it"),
        (stands(DRY, EVERYWHERE), "dry", "wherever it stands"),
    ],
)
def test_releases_that_are_refused(facts: Facts, location: str | None, words: str) -> None:
    """What cannot be released is said, and nothing changes."""
    outcome = told("release", facts, location=location)
    assert (outcome.decisions, outcome.effects) == ((), ())
    assert outcome.reply is not None
    assert not outcome.reply["ok"]
    assert words in outcome.reply["error"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"gtin": "5"}, "GTIN"),
        ({"lot": " "}, "lot"),
        ({"location": "moon"}, "known are cold, dry"),
        ({"reason": "x" * 201}, "reason"),
        ({"color": "red"}, "color"),
        ({"lot": 5}, "Expected `str`"),
    ],
)
def test_orders_with_mistakes(args: dict[str, Any], words: str) -> None:
    """A mistake in the arguments is refused with its words, as an exception and as the reply."""
    outcome = told("hold", Facts(), **args)
    (problem,) = outcome.decisions
    assert isinstance(problem, Rejection)
    assert problem.reason == "bad_command"
    assert words in problem.detail
    assert outcome.reply == {"ok": False, "error": problem.detail}


def test_two_orders_of_one_instant_have_two_ids() -> None:
    """Hold, release and hold again within one group of inputs are three things."""
    engine = Engine(SITE)
    command = Command("hold", {"gtin": GTIN, "lot": "L1"}, "ann")
    first, second = (decide(SITE, engine.observe(NOON, command), Facts()).decisions[0] for _ in range(2))
    assert isinstance(first, Hold)
    assert isinstance(second, Hold)
    assert first.hold != second.hold


# central


def announced(document: HoldOrder | None, facts: Facts) -> Outcome:
    """What becomes of central's hold H1."""
    candidate = Announced("hold", "H1", document, "down/hold/H1", NOON)
    return decide(SITE, [candidate], facts)


def test_central_holds_a_lot_wherever_it_stands() -> None:
    """A hold per place, by central, and one open everywhere."""
    document = HoldOrder("H1", GTIN, "L1", 1, reason="recall")
    assert questions([Announced("hold", "H1", document, "", NOON)]).standing == ((GTIN, "L1"),)
    outcome = announced(document, stands(COLD))
    (hold,) = outcome.decisions
    assert isinstance(hold, Hold)
    assert (hold.location, hold.reason, hold.source, hold.by) == ("cold", "held_by_central", "hold/H1", "central")
    assert outcome.effects == (
        DocumentChange("hold", "H1", 1, document),
        HoldSet(GTIN, "L1", "", "recall", "central", "hold/H1"),
        LotChange(GTIN, "L1", "on_hold", "held_by_central", NOON, "central"),
    )


KNOWN = HoldFact(GTIN, "L1", "cold", "recall", 1)


def standing_under(*holds: OpenHold) -> Facts:
    """Central's hold H1 in the cold room, with what else is open there."""
    here = Standing("cold", (("hold", "each", 1000),), holds=holds)
    return Facts(
        documents={"hold/H1": 1},
        holds={"H1": KNOWN},
        standing={f"{GTIN}/L1": (here,)},
        lots={f"{GTIN}/L1": LotFact(GTIN, "L1", life="on_hold")},
    )


def test_a_withdrawal_ends_that_hold() -> None:
    """The only hold goes, and the goods are free."""
    outcome = announced(None, standing_under(OpenHold("recall", "hold/H1")))
    (release,) = outcome.decisions
    assert isinstance(release, Release)
    assert (release.reason, release.source, release.by) == ("hold_withdrawn", "hold/H1", "central")
    assert outcome.effects == (
        DocumentChange("hold", "H1", 1, None),
        HoldEnd(GTIN, "L1", "cold", "central", "hold/H1"),
        LotChange(GTIN, "L1", "released", "hold_withdrawn", NOON, "central"),
    )


@pytest.mark.parametrize("other", [OpenHold("excursion", ""), OpenHold("over", "movement/m", whole=False)])
def test_a_withdrawal_ends_no_other_hold(other: OpenHold) -> None:
    """Beside an excursion's hold, or goods held at the door, nothing is freed."""
    outcome = announced(None, standing_under(OpenHold("recall", "hold/H1"), other))
    assert outcome.decisions == ()
    assert outcome.effects[1:] == (HoldEnd(GTIN, "L1", "cold", "central", "hold/H1"),)


def test_a_newer_version_that_says_the_same_changes_nothing() -> None:
    """Only the version is noted; a different place ends the one and sets the other."""
    same = announced(HoldOrder("H1", GTIN, "L1", 2, "cold", "recall"), standing_under(OpenHold("recall", "hold/H1")))
    assert same.decisions == ()
    assert [type(effect) for effect in same.effects] == [DocumentChange]
    wider = announced(HoldOrder("H1", GTIN, "L1", 2, None, "recall"), standing_under(OpenHold("recall", "hold/H1")))
    assert [type(one) for one in wider.decisions] == [Release, Hold]
    assert [effect.location for effect in wider.effects if isinstance(effect, HoldEnd | HoldSet)] == ["cold", ""]
