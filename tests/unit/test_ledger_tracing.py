"""Trace and recall: the story of goods as the ledger knows it, both ways, with the way to its evidence."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.ledger import genealogy
from gateway.ledger.store import Ledger
from gateway.ledger.subjects import SubjectError
from gateway.model.documents import Asn, ExpectedLine, ExpectedUnit
from gateway.model.outcome import AlarmChange, DocumentChange, Transformation
from simulators import epc
from tests.goodsbench import CAKE, GTIN, MINUTE, NOON, OTHER, SECOND, SSCC, baked, enter, moved, some, story, tag


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """A ledger in memory."""
    ledger = Ledger.open("sqlite://", site="s", gateway="g")
    yield ledger
    ledger.close()


def test_a_lot_is_told_from_its_origin_to_its_destination(ledger: Ledger) -> None:
    """Every movement by time with verdict, sentence, person or door; places, life, holds and where it went."""
    story(ledger)
    found = ledger.trace(f"{GTIN}/L1")
    assert found["subject"] == {"kind": "lot", "gtin": GTIN, "lot": "L1"}
    assert [(one["movement"], one["type"], one["from"], one["to"], one["by"]) for one in found["movements"]] == [
        ("m1", "receive", None, "lane", ""),
        ("m2", "transfer", "lane", "cold", "anna"),
        ("m3", "ship", "cold", None, ""),
    ]
    first = found["movements"][0]
    assert first["reasons"] == [{"code": "matched", "sentence": "What moved is what was expected."}]
    assert first["documents"] == [{"type": "desadv", "id": "A1"}, {"type": "po", "id": "PO-9"}]
    assert [(line["lot"], line["quantity"], line["tags"]) for line in first["lines"]] == [("L1", "2", 2)]
    assert [(one["party"], one["quantity"]) for one in found["origins"]] == [("ACME", "2")]
    (gone,) = found["destinations"]
    assert (gone["party"], gone["expectation"], gone["at"]) == ("4012345000009", "order/O1", NOON + 60 * MINUTE)
    assert [(one["location"], one["left"]) for one in found["places"]] == [
        ("lane", NOON + 10 * MINUTE),
        ("cold", NOON + 60 * MINUTE),
    ]
    (lot,) = found["lots"]
    assert [(one["after"], one["by"], one["device"]) for one in lot["changes"]] == [
        ("in_stock", "", "dock"),
        ("released", "anna", ""),
        ("shipped", "", "dock"),
    ]
    assert [(one["reason"], one["location"], one["released_by"]) for one in lot["holds"]] == [
        ("excursion", "cold", "anna")
    ]
    assert (lot["held"], lot["stock"], lot["expiry"]) == (False, [], "2027-01-31")
    assert [unit["sscc"] for unit in found["units"]] == [SSCC]
    assert found["complete"]


def test_every_movement_points_to_its_evidence(ledger: Ledger) -> None:
    """Event id and number are those of the outbox row, the position the journal's, the hash the audit's."""
    story(ledger)
    for one in ledger.trace(f"{GTIN}/L1")["movements"]:
        (event,) = ledger.events(one["seq"], one["seq"])
        assert (event.id, event.attributes["subject"]) == (one["event"], one["movement"])
        (row,) = ledger.decided("movement", one["movement"])
        assert (row["hash"], row["decision"]["passage"]) == (one["hash"], one["passage"])
        assert one["position"] > 0
    positions = [one["position"] for one in ledger.trace(f"{GTIN}/L1")["movements"]]
    assert positions == [10, 20, 50]


def test_of_a_movement_in_parts_the_first_event_is_kept(ledger: Ledger) -> None:
    """1,200 tags are told by several events; the movement points to the first of them."""
    moved(ledger, "m1", 0, "receive", (None, "cold"), [some("L1", 1200, [tag(serial) for serial in range(1200)])])
    (one,) = ledger.trace(f"{GTIN}/L1")["movements"]
    assert ledger.sequence() > 2
    assert (one["seq"], one["event"]) == (1, ledger.events(1, 1)[0].id)


def test_climate_and_excursions_are_told(ledger: Ledger) -> None:
    """Least and greatest value over doors and excursions, and each excursion with the minutes of the lot."""
    story(ledger)
    found = ledger.trace(f"{GTIN}/L1")
    assert found["climate"] == [{"quantity": "temperature", "unit": "Cel", "min": 3.8, "max": 11.0, "values": 3}]
    (hot,) = found["excursions"]
    assert (hot["excursion"], hot["location"], hot["lots"]) == (
        "x1",
        "cold",
        [{"gtin": GTIN, "lot": "L1", "minutes": 20.0}],
    )
    assert ledger.trace(f"{OTHER}/L2")["excursions"] == []


def test_an_alarm_that_stands_where_the_lot_stands_is_told(ledger: Ledger) -> None:
    """An excursion is written when it has ended; until then the alarm tells of it, and only to what is there."""
    moved(ledger, "m1", 0, "receive", (None, "cold"), [some("L1", 2)])
    moved(ledger, "m2", 0, "receive", (None, "lane"), [some("L2", 2)])
    enter(ledger, NOON, AlarmChange("hot", "cold-a", NOON, "normal", "unacked_active", "high", 9.0, 8.0, "cold"))
    (one,) = ledger.trace(f"{GTIN}/L1")["alarms"]
    assert (one["alarm"], one["state"], one["value"]) == ("hot", "unacked_active", 9.0)
    assert ledger.trace(f"{GTIN}/L2")["alarms"] == []
    enter(ledger, NOON + 1, AlarmChange("hot", "cold-a", NOON + 1, "unacked_active", "normal", "high", location="cold"))
    assert ledger.trace(f"{GTIN}/L1")["alarms"] == []


def test_a_unit_and_an_item_have_their_own_places(ledger: Ledger) -> None:
    """A unit rests where it moved, an item on it too; the excursion is theirs only when they were there."""
    story(ledger)
    moved(ledger, "m4", 0, "receive", (None, "lane"), [some("L1", 1, [tag(3)])], sscc=SECOND)
    unit = ledger.trace(SSCC)
    assert unit["subject"] == {"kind": "unit", "sscc": SSCC}
    assert [(one["location"], one["entered"], one["left"]) for one in unit["places"]] == [
        ("lane", NOON, NOON + 10 * MINUTE),
        ("cold", NOON + 10 * MINUTE, NOON + 60 * MINUTE),
    ]
    assert {(lot["gtin"], lot["lot"]) for lot in unit["lots"]} == {(GTIN, "L1"), (OTHER, "L2")}
    assert [one["excursion"] for one in unit["excursions"]] == ["x1"]
    assert [one["epc"] for one in unit["items"]] == [tag(1), tag(2)]
    item = ledger.trace(tag(3))
    assert [one["movement"] for one in item["movements"]] == ["m4"]
    assert (item["excursions"], [one["parent"] for one in item["items"]]) == ([], [SECOND])
    assert ledger.trace(f"{GTIN}/3") == item
    assert ledger.trace(epc.sscc96(SSCC, 7)) == unit


def test_what_is_unknown_or_ambiguous_is_said(ledger: Ledger) -> None:
    """Nothing by that name, and one name for two lots, are errors that say what to write."""
    story(ledger)
    for unknown in ("L9", f"{GTIN}/L9", "340123450000000117", tag(99), "  ", "()", "urn:epc:id:sgtin:x", "%ff/\x00"):
        with pytest.raises(SubjectError, match="names nothing that this ledger knows here; write a lot as GTIN/LOT"):
            ledger.trace(unknown)
    moved(ledger, "m5", 70, "receive", (None, "lane"), [some("L1", 1, gtin=OTHER)])
    with pytest.raises(SubjectError) as ambiguous:
        ledger.trace("L1")
    for name in (f"(01){GTIN}(10)L1", f"(01){OTHER}(10)L1"):
        assert name in str(ambiguous.value)
        assert ledger.trace(name)["subject"]["lot"] == "L1"
    with pytest.raises(SubjectError):
        ledger.recall(SSCC)


def test_lot_text_of_any_kind_is_found(ledger: Ledger) -> None:
    """Slash, plus, hash, percent and non-ASCII in a lot number: found by GTIN/LOT, by element string and by link."""
    for number, lot in enumerate(("A/B", "A+B", "A#1", "50%", "Ü-7", "a b")):
        moved(ledger, f"m{number}", number, "receive", (None, "cold"), [some(lot, 1)])
        for name in (f"{GTIN}/{lot}", f"(01){GTIN}(10){lot}", lot):
            assert ledger.trace(name)["subject"]["lot"] == lot
    assert ledger.trace(f"https://id.gs1.org/01/{GTIN}/10/A%2FB")["subject"]["lot"] == "A/B"
    assert ledger.trace(f"https://id.gs1.org/01/{GTIN}/10/50%25")["subject"]["lot"] == "50%"


def relations(found: dict[str, Any]) -> dict[str, str]:
    """What each lot of a trace is."""
    return {lot["lot"]: lot["relation"] for lot in found["lots"]}


def test_genealogy_runs_both_ways(ledger: Ledger) -> None:
    """Forward of a raw lot: its cakes and where they went; back of a cake: its raw lots until they were used."""
    moved(ledger, "r1", 0, "receive", (None, "cold"), [some("F1", 9)])
    moved(ledger, "r2", 1, "receive", (None, "cold"), [some("F2", 9)])
    baked(ledger, "t1", 10, "F1", "C1")
    baked(ledger, "t2", 20, "F2", "C1")
    baked(ledger, "t3", 20, "F2", "C2")
    moved(ledger, "c1", 30, "receive", (None, "lane"), [some("C1", 4, gtin=CAKE)], purpose="production")
    moved(ledger, "c2", 40, "ship", ("lane", None), [some("C1", 4, gtin=CAKE)], party="SHOP")
    moved(ledger, "r3", 50, "ship", ("cold", None), [some("F1", 3)], party="LATE")
    forward = ledger.trace(f"{GTIN}/F1", back=False)
    assert relations(forward) == {"F1": "self", "C1": "product"}
    assert [one["party"] for one in forward["destinations"]] == ["SHOP", "LATE"]
    assert forward["origins"] == []
    back = ledger.trace(f"{CAKE}/C1", forward=False)
    assert relations(back) == {"C1": "self", "F1": "ingredient", "F2": "ingredient"}
    assert [one["movement"] for one in back["movements"]] == ["r1", "r2", "c1", "c2"]  # not what left after the baking
    assert back["destinations"] == []
    done = Transformation("t1", NOON + 10 * MINUTE, "kitchen", (), (), "P-t1", by="anna", device="tablet-1")
    enter(ledger, NOON + 10 * MINUTE, done)
    link = ledger.trace(f"{CAKE}/C1", forward=False)["lineage"][0]
    assert (link["location"], link["by"], link["device"]) == ("kitchen", "anna", "tablet-1")
    assert link["position"] == ledger.position()
    assert (link["from"], link["to"]["lot"], link["production"]) == (
        {"gtin": GTIN, "lot": "F1", "quantity": "1", "unit": "each"},
        "C1",
        "P-t1",
    )
    assert [(one["lot"], one["left"]) for one in back["places"] if one["lot"] == "F2"] == [("F2", None)]


def test_forward_and_back_agree(ledger: Ledger) -> None:
    """Y is in the trace forward of X if, and only if, X is in the trace back of Y; circles of rework end."""
    for number, (raw, cake) in enumerate(
        (("A", "B"), ("B", "C"), ("A", "D"), ("D", "C"), ("C", "E"), ("E", "B"), ("X", "Y"))
    ):
        baked(ledger, f"t{number}", number, raw, cake, GTIN)
    for lot in "ABCDEXY":
        moved(ledger, lot, 1, "receive", (None, "cold"), [some(lot, 1)])
    forward = {lot: set(relations(ledger.trace(f"{GTIN}/{lot}", back=False))) for lot in "ABCDEXY"}
    back = {lot: set(relations(ledger.trace(f"{GTIN}/{lot}", forward=False))) for lot in "ABCDEXY"}
    for one in "ABCDEXY":
        for other in "ABCDEXY":
            assert (other in forward[one]) == (one in back[other]), (one, other)
    assert forward["A"] == set("ABCDE")
    assert forward["X"] == {"X", "Y"}


def test_a_trace_that_was_cut_says_so(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the widest family a trace is not complete, and it says it."""
    moved(ledger, "m", 0, "receive", (None, "cold"), [some("L0", 1)])
    for number in range(6):
        baked(ledger, f"t{number}", number, f"L{number}", f"L{number + 1}", GTIN)
    assert ledger.trace(f"{GTIN}/L0")["complete"]
    monkeypatch.setattr(genealogy, "WIDEST", 3)
    assert not ledger.trace(f"{GTIN}/L0")["complete"]
    assert not ledger.recall(f"{GTIN}/L0")["complete"]


def test_a_tag_that_was_resolved_later_brings_its_receipt_along(ledger: Ledger) -> None:
    """A line that named no lot belongs to the lot that its tags turned out to be of."""
    moved(ledger, "m1", 0, "receive", (None, "cold"), [some(None, 1, [tag(1)])], verdict="held")
    moved(ledger, "m2", 5, "transfer", ("cold", "lane"), [some("L1", 1, [tag(1)])])
    assert [one["movement"] for one in ledger.trace(f"{GTIN}/L1")["movements"]] == ["m1", "m2"]


def test_of_a_corrected_receipt_only_the_correction_counts(ledger: Ledger) -> None:
    """The receipt that was told wrongly stays in the story, says what took its place, and is no origin any more."""
    moved(ledger, "m1", 0, "receive", (None, "cold"), [some(None, 1, gtin=None)], sscc=SSCC, verdict="held")
    moved(ledger, "m2", 0, "receive", (None, "cold"), [some("L1", 5)], sscc=SSCC, corrects="m1", party="ACME")
    for name in (f"{GTIN}/L1", SSCC):
        found = ledger.trace(name)
        assert [(one["movement"], one["corrects"], one["corrected_by"]) for one in found["movements"]] == [
            ("m1", None, "m2"),
            ("m2", "m1", None),
        ]
        assert [one["movement"] for one in found["origins"]] == ["m2"]
    assert [one["location"] for one in ledger.trace(SSCC)["places"]] == ["cold"]


def test_a_refused_movement_is_told_and_is_no_departure(ledger: Ledger) -> None:
    """What was refused stands in the story with its verdict; goods did not leave by it."""
    moved(ledger, "m1", 0, "receive", (None, "cold"), [some("L1", 2)], sscc=SSCC)
    moved(ledger, "m2", 5, "ship", ("cold", None), [some("L1", 2)], sscc=SSCC, verdict="refused", reasons=("on_hold",))
    found = ledger.trace(f"{GTIN}/L1")
    assert [(one["movement"], one["verdict"]) for one in found["movements"]] == [("m1", "accepted"), ("m2", "refused")]
    assert (found["destinations"], found["lots"][0]["stock"][0]["quantity"]) == ([], "2")
    recall = ledger.recall("L1")
    assert (recall["left"], [one["movement"] for one in recall["refused"]]) == ([], ["m2"])


def test_a_recall_lists_what_is_here_and_names_what_left(ledger: Ledger) -> None:
    """Stock by place, units, items, what left with destination and time, what was used, what is still to come."""
    moved(ledger, "m1", 0, "receive", (None, "cold"), [some("L1", 3, [tag(1), tag(2), tag(3)])], sscc=SSCC)
    moved(ledger, "m2", 1, "receive", (None, "lane"), [some("L1", 4)], sscc=SECOND)
    moved(ledger, "m3", 2, "ship", ("lane", None), [some("L1", 4)], sscc=SECOND, party="SHOP", expectation="order/O1")
    moved(ledger, "m4", 3, "ship", ("cold", None), [some("L1", 1, [tag(3)])], purpose="production")
    baked(ledger, "t1", 3, "L1", "C1")
    moved(ledger, "m5", 4, "receive", (None, "lane"), [some("C1", 4, gtin=CAKE)], purpose="production")
    moved(ledger, "m6", 5, "ship", ("lane", None), [some("C1", 1, gtin=CAKE)], party="CAFE")
    third = "34012345000000003" + epc.check_digit("34012345000000003")
    coming = Asn("A7", units=(ExpectedUnit(third, (ExpectedLine(GTIN, "6", "L1"),)),), supplier="ACME")
    enter(ledger, NOON, changes=[DocumentChange("asn", "A7", 1, coming)])
    found = ledger.recall("L1")
    assert [(one["lot"], one["location"], one["quantity"]) for one in found["here"]] == [
        ("L1", "cold", "2"),
        ("C1", "lane", "3"),
    ]
    assert [unit["sscc"] for unit in found["units"]] == [SSCC]
    assert found["items"] == [{"gtin": GTIN, "lot": "L1", "location": "cold", "status": "available", "items": 2}]
    assert [(one["lot"], one["quantity"], one["party"], one["at"], one["sscc"]) for one in found["left"]] == [
        ("L1", "4", "SHOP", NOON + 2 * MINUTE, SECOND),
        ("C1", "1", "CAFE", NOON + 5 * MINUTE, None),
    ]
    assert [(one["lot"], one["quantity"]) for one in found["used"]] == [("L1", "1")]
    assert [(one["asn"], one["sscc"], one["quantity"]) for one in found["announced"]] == [("A7", third, "6")]
    assert not any(lot["held"] for lot in found["lots"])  # it changes nothing
