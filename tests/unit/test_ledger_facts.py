"""Facts: what the ledger answers to the rules' questions."""

import random
from collections.abc import Iterator

import msgspec
import pytest

from gateway.ledger.announcements import range_width, serial_key
from gateway.ledger.store import Commit, Ledger
from gateway.model.documents import Asn, ExpectedLine, ExpectedUnit, Lot, Order, Reference, Weight
from gateway.model.facts import Facts, Interval, LotFact, OutboxFact, Questions
from gateway.model.outcome import (
    DocumentChange,
    Effect,
    Event,
    HoldSet,
    ItemChange,
    Line,
    Outcome,
    StockDelta,
    UnitChange,
    UnitDone,
)

GTIN, OTHER = "04012345000009", "04012345000016"
SSCC, SECOND = "340123450000000018", "340123450000000025"


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """A ledger in memory."""
    ledger = Ledger.open("sqlite://", site="s", gateway="g")
    yield ledger
    ledger.close()


def enter(ledger: Ledger, *effects: Effect) -> None:
    """One turn of these effects."""
    position = ledger.position() + 1
    ledger.commit(Commit(position, position * 10, Outcome((), effects)))


def asn(ident: str, *units: ExpectedUnit, version: int = 1) -> DocumentChange:
    """An ASN with these units."""
    document = Asn(ident, version, (Reference("po", "PO-1"),), "sup", units)
    return DocumentChange("asn", ident, version, document)


def test_nothing_asked_nothing_known(ledger: Ledger) -> None:
    """No question has no answer, and what is not known is absent."""
    assert ledger.facts_for(Questions()) == Facts()
    asked = Questions(
        ssccs=(SSCC,),
        epcs=("AA",),
        serials=((GTIN, "1"), (GTIN, "abc")),
        documents=(("asn", "A1"), ("lot", f"{GTIN}/L1")),
        stays=(Interval("cold", 0, 10),),
        outbox=(1,),
    )
    assert ledger.facts_for(asked) == Facts()


def test_an_expected_unit_comes_back_as_announced(ledger: Ledger) -> None:
    """Lines, serials, ranges, weight, references and party are those of the document, in its order."""
    lines = (
        ExpectedLine(GTIN, "24", "L2", serials=("9", "10", "2"), ranges=(("100", "199"), ("7", "8"))),
        ExpectedLine(OTHER, "412.5", None, unit="kg", expiry="2027-01-31"),
    )
    unit = ExpectedUnit(SSCC, lines, Weight("608.0"))
    enter(ledger, asn("A1", unit))
    expected = ledger.facts_for(Questions(ssccs=(SSCC,))).expected[SSCC]
    assert len(expected) == 1
    assert expected[0].unit == unit
    assert (expected[0].kind, expected[0].id, expected[0].version, expected[0].state) == ("asn", "A1", 1, "expected")
    assert (expected[0].documents, expected[0].party) == ((Reference("po", "PO-1"),), "sup")


def test_asns_come_before_orders_by_id(ledger: Ledger) -> None:
    """A unit named by several documents gets all of them: ASNs, then orders, each by id."""
    unit = ExpectedUnit(SSCC, (ExpectedLine(GTIN, "1", "L1"),))
    order = Order("O1", customer="cust", min_shelf_life_days=30, units=(unit,))
    enter(ledger, DocumentChange("order", "O1", 1, order), asn("B", unit), asn("A", unit))
    enter(ledger, UnitDone("asn", "A", SSCC, "received", "m1"))
    expected = ledger.facts_for(Questions(ssccs=(SSCC,))).expected[SSCC]
    assert [(one.kind, one.id, one.state) for one in expected] == [
        ("asn", "A", "received"),
        ("asn", "B", "expected"),
        ("order", "O1", "expected"),
    ]
    assert (expected[2].party, expected[2].min_shelf_life_days) == ("cust", 30)


def serials(ledger: Ledger, serial: str, gtin: str = GTIN) -> list[tuple[str, str, str]]:
    """(lot, expectation, by) of what is announced for a serial."""
    found = ledger.facts_for(Questions(serials=((gtin, serial),))).serials.get(f"{gtin}/{serial}", ())
    return [(one.lot, one.expectation, one.by) for one in found]


def test_exact_serials_come_before_ranges(ledger: Ledger) -> None:
    """A serial that is named and also lies in a range of another document is told by name first."""
    ranged = ExpectedUnit(SSCC, (ExpectedLine(GTIN, "100", "R", ranges=(("100", "199"),)),))
    named = ExpectedUnit(SECOND, (ExpectedLine(GTIN, "1", "N", serials=("150",)),))
    enter(ledger, asn("A", ranged), asn("B", named))
    assert serials(ledger, "150") == [("N", "asn/B", "serial"), ("R", "asn/A", "range")]
    assert serials(ledger, "151") == [("R", "asn/A", "range")]
    assert serials(ledger, "150", OTHER) == []


@pytest.mark.parametrize(
    ("low", "high", "serial", "inside"),
    [
        ("100", "199", "100", True),
        ("100", "199", "199", True),
        ("100", "199", "99", False),
        ("100", "199", "200", False),
        ("100", "199", "1000", False),
        ("9", "11", "10", True),  # by number, not by text
        ("100", "199", "0150", False),  # leading zeros make another serial
        ("0", "5", "0", True),
        ("0100", "0199", "0150", True),
        ("0100", "0199", "150", False),
        ("0001", "9999", "5000", True),
        ("18446744073709551610", "18446744073709551620", "18446744073709551615", True),  # beyond 64 bits
        ("A100", "A199", "A150", False),  # not numeric: kept, matches nothing
        ("100", "199", "15a", False),
        ("199", "100", "150", False),
        ("100", "199", "١٥٠", False),  # digits of another script are no GS1 digits
    ],
)
def test_ranges_are_numeric_and_inclusive(ledger: Ledger, low: str, high: str, serial: str, inside: bool) -> None:
    """A serial lies in a range by its number, bounds included, and only in the range's own spelling."""
    enter(ledger, asn("A", ExpectedUnit(SSCC, (ExpectedLine(GTIN, "1", "L1", ranges=((low, high),)),))))
    assert bool(serials(ledger, serial)) is inside


def test_serial_keys_order_as_numbers() -> None:
    """Twenty digits are the longest serial; what is longer or not numeric has no key."""
    assert serial_key("7") == "00000000000000000007"
    assert serial_key("9" * 20) == "9" * 20
    assert (serial_key("9" * 21), serial_key(""), serial_key("1a"), serial_key("²")) == (None, None, None, None)
    assert (range_width("001", "009"), range_width("0", "9"), range_width("01", "100")) == (3, 0, 0)


def test_the_unit_that_an_item_is_announced_on_comes_with_it(ledger: Ledger) -> None:
    """Whole, though nobody heard its own tag; its stock and its other lots are not asked for."""
    unit = ExpectedUnit(SSCC, (ExpectedLine(GTIN, "9", "L1", ranges=(("1", "9"),)), ExpectedLine(OTHER, "1", "L2")))
    enter(ledger, asn("A", unit, ExpectedUnit(SECOND, (ExpectedLine(GTIN, "1", "L3", serials=("11",)),))))
    facts = ledger.facts_for(Questions(serials=((GTIN, "4"),)))
    assert {sscc: [one.unit for one in each] for sscc, each in facts.expected.items()} == {SSCC: [unit]}
    assert (facts.units, set(facts.lots)) == ({}, {f"{GTIN}/L1"})


def test_withdrawn_and_lotless_lines_answer_no_serial(ledger: Ledger) -> None:
    """A withdrawn document and a line without lot say nothing about a serial's lot."""
    enter(ledger, asn("A", ExpectedUnit(SSCC, (ExpectedLine(GTIN, "1", "L1", serials=("1",)),))))
    enter(ledger, asn("B", ExpectedUnit(SECOND, (ExpectedLine(GTIN, "1", None, serials=("1",)),))))
    assert serials(ledger, "1") == [("L1", "asn/A", "serial")]
    enter(ledger, DocumentChange("asn", "A", 1, None))
    assert serials(ledger, "1") == []


def test_a_new_version_forgets_old_serials(ledger: Ledger) -> None:
    """Serials and ranges of a replaced version are gone."""
    enter(ledger, asn("A", ExpectedUnit(SSCC, (ExpectedLine(GTIN, "1", "L1", serials=("1",), ranges=(("5", "9"),)),))))
    enter(ledger, asn("A", ExpectedUnit(SSCC, (ExpectedLine(GTIN, "1", "L1", serials=("2",)),)), version=2))
    assert [bool(serials(ledger, serial)) for serial in ("1", "2", "6")] == [False, True, False]


def test_every_lot_mentioned_is_told_of(ledger: Ledger) -> None:
    """Lots of expected lines, contents, items, serials and stays are all in `lots`, known or not."""
    enter(ledger, DocumentChange("lot", f"{GTIN}/E", 1, Lot(GTIN, "E", 1, expiry="2027-01-31", qc="blocked")))
    enter(ledger, asn("A", ExpectedUnit(SSCC, (ExpectedLine(GTIN, "1", "E"), ExpectedLine(GTIN, "1", None)))))
    enter(ledger, asn("B", ExpectedUnit(SECOND, (ExpectedLine(GTIN, "1", "S", serials=("1",)),))))
    enter(ledger, UnitChange(SSCC, "cold", "available", (Line(GTIN, "C", 1, "each", "sscc"),)))
    enter(ledger, ItemChange("AA", OTHER, "I", "1", "cold", None, "available"))
    enter(ledger, ItemChange("BB", "", "", "", "cold", None, "available"))
    enter(ledger, StockDelta(GTIN, "T", "cold", "available", 1, "each"), HoldSet(GTIN, "T", "cold", "excursion"))
    asked = Questions(ssccs=(SSCC,), epcs=("AA", "BB"), serials=((GTIN, "1"),), stays=(Interval("cold", 0, 1000),))
    assert ledger.facts_for(asked).lots == {
        f"{GTIN}/C": LotFact(GTIN, "C"),
        f"{GTIN}/E": LotFact(GTIN, "E", "2027-01-31", "blocked"),
        f"{GTIN}/S": LotFact(GTIN, "S"),
        f"{GTIN}/T": LotFact(GTIN, "T", held=True, held_at=("cold",)),
        f"{OTHER}/I": LotFact(OTHER, "I"),
    }


def test_the_outbox_is_told_in_short(ledger: Ledger) -> None:
    """A question about event numbers gets kind, topic and state of those that exist."""
    events = tuple(Event(seq, f"i{seq}", "receipt", "t/x", "j", {}, b"{}") for seq in (1, 2))
    ledger.commit(Commit(1, 10, Outcome(), events))
    ledger.settle([2], 20)
    facts = ledger.facts_for(Questions(outbox=(1, 2, 3)))
    assert facts.outbox == {
        "1": OutboxFact(1, "receipt", "t/x", "pending"),
        "2": OutboxFact(2, "receipt", "t/x", "settled"),
    }


def test_many_questions_at_once(ledger: Ledger) -> None:
    """Thousands of tags in one question are answered completely, whatever the engine's limit on parameters."""
    epcs = [f"{number:024X}" for number in range(1_300)]
    enter(ledger, *(ItemChange(epc, GTIN, "L1", "1", "cold", None, "available") for epc in epcs))
    enter(ledger, asn("A", ExpectedUnit(SSCC, (ExpectedLine(GTIN, "1", "L1", ranges=(("0", "9999"),)),))))
    asked = Questions(epcs=tuple(epcs), serials=tuple((GTIN, str(number)) for number in range(1_300)))
    facts = ledger.facts_for(asked)
    assert list(facts.items) == epcs
    assert len(facts.serials) == 1_300


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_entry_does_not_show(seed: int) -> None:
    """The same knowledge entered in another order gives byte-identical facts."""
    effects: list[Effect] = []
    for number in range(12):
        sscc = f"{number:018}"
        line = ExpectedLine(GTIN, "10", f"L{number % 4}", serials=(str(number),), ranges=(("100", "199"),))
        effects.append(asn(f"A{number}", ExpectedUnit(sscc, (line,)), ExpectedUnit(SSCC, (line,))))
        effects.append(ItemChange(f"{number:024X}", GTIN, f"L{number % 4}", "1", "cold", None, "available"))
        effects.append(StockDelta(GTIN, f"L{number}", "cold", "available", 1_000, "each"))
    asked = Questions(
        ssccs=(SSCC, *(f"{number:018}" for number in range(12))),
        epcs=tuple(f"{number:024X}" for number in range(12)),
        serials=((GTIN, "150"), *((GTIN, str(number)) for number in range(12))),
        stays=(Interval("cold", 0, 1000),),
    )
    shuffled = list(effects)
    random.Random(seed).shuffle(shuffled)
    answers = []
    for order in (effects, shuffled):
        ledger = Ledger.open("sqlite://", site="s", gateway="g")
        enter(ledger, *order)
        answers.append(msgspec.json.encode(ledger.facts_for(asked)))
        ledger.close()
    assert answers[0] == answers[1]
