"""Documents in parts: they come in order, begin again at part 0, and repeating them changes nothing."""

import pytest

from gateway.ledger.store import Commit, Ledger
from gateway.model.documents import Asn, ExpectedLine, ExpectedUnit
from gateway.model.facts import Coming, Facts
from gateway.model.outcome import DocumentChange, Outcome, Rejection, UnitDone
from gateway.model.settings import Settings
from gateway.rules import decide, questions
from gateway.rules.documents import Announced
from simulators.epc import check_digit

SITE = Settings(site="s", gateway="g")
GTIN = "04012345000009"


def sscc(number: int) -> str:
    """The SSCC of a pallet."""
    body = f"3401234500{number:07d}"
    return body + check_digit(body)


def part(number: int, version: int = 1, *, last: bool = False, units: tuple[int, ...] = ()) -> Announced:
    """A part of ASN A1."""
    announced = tuple(ExpectedUnit(sscc(one), (ExpectedLine(GTIN, "1", f"L{one}"),)) for one in units)
    return Announced("asn", "A1", Asn("A1", version, units=announced), "down/asn/A1", 5, number, last)


def entered(ledger: Ledger, one: Announced) -> Outcome:
    """A part on its way through the rules into a ledger, as the pipeline takes it."""
    outcome = decide(SITE, [one], ledger.facts_for(questions([one])))
    ledger.commit(Commit(ledger.position() + 1, 5, outcome))
    return outcome


def units(ledger: Ledger) -> list[str]:
    """The units that A1 announces, in their order."""
    (one,) = ledger.expectations()
    return [unit["sscc"] for unit in one["units"]]


def test_parts_add_up_and_the_whole_repeated_changes_nothing() -> None:
    """Three parts are one document; sent again, complete, every part of it is answered and none is entered."""
    ledger = Ledger.open("sqlite://", site="s", gateway="g")
    parts = [part(0, units=(1, 2)), part(1, units=(3,)), part(2, units=(4, 5), last=True)]
    for one in parts:
        assert len(entered(ledger, one).effects) == 1
    assert units(ledger) == [sscc(number) for number in (1, 2, 3, 4, 5)]
    for one in parts:
        outcome = entered(ledger, one)
        assert (outcome.effects, outcome.decisions, outcome.reply) == ((), (), {"ok": True})
    assert units(ledger) == [sscc(number) for number in (1, 2, 3, 4, 5)]
    ledger.close()


def test_an_import_that_was_cut_off_begins_again() -> None:
    """Part 0 of the same version replaces what came of it, but not what has been received meanwhile."""
    ledger = Ledger.open("sqlite://", site="s", gateway="g")
    entered(ledger, part(0, units=(1, 2)))
    entered(ledger, part(1, units=(3,)))
    ledger.commit(Commit(9, 5, Outcome((), (UnitDone("asn", "A1", sscc(3), "received", "m1"),))))
    for one in (part(0, units=(1, 2)), part(1, units=(3,)), part(2, units=(4,), last=True)):
        entered(ledger, one)
    (found,) = ledger.expectations()
    assert {unit["sscc"]: unit["state"] for unit in found["units"]} == {
        sscc(1): "expected",
        sscc(2): "expected",
        sscc(3): "received",
        sscc(4): "expected",
    }
    assert found["state"] == "partial"
    ledger.close()


@pytest.mark.parametrize(
    ("one", "facts", "says"),
    [
        (part(1), Facts(), "part 1 of version 1 came, and its part 0 never did"),
        (part(1, 2), Facts(documents={"asn/A1": 1}, partial={"asn/A1": Coming(1, 1)}), "of version 2 came"),
        (part(2), Facts(documents={"asn/A1": 1}, partial={"asn/A1": Coming(1, 1)}), "where part 1 was due"),
        (part(0), Facts(documents={"asn/A1": 1}, partial={"asn/A1": Coming(1, 4)}), None),
        (part(4), Facts(documents={"asn/A1": 1}, partial={"asn/A1": Coming(1, 4)}), None),
        (part(0, last=True), Facts(documents={"asn/A1": 1}, partial={"asn/A1": Coming(1, 4)}), None),
        (part(0, 2), Facts(documents={"asn/A1": 1}), None),
        (part(0, 1), Facts(documents={"asn/A1": 2}), "the newer one stays"),
    ],
)
def test_parts_come_in_order(one: Announced, facts: Facts, says: str | None) -> None:
    """A part that does not follow is refused with what was due; part 0 may always begin."""
    outcome = decide(SITE, [one], facts)
    if says is None:
        (change,) = outcome.effects
        assert isinstance(change, DocumentChange)
        assert (change.part, change.last, outcome.decisions) == (one.part, one.last, ())
        return
    (refused,) = outcome.decisions
    assert isinstance(refused, Rejection)
    assert says in refused.detail
    assert (outcome.effects, outcome.reply) == ((), {"ok": False, "error": refused.detail})
