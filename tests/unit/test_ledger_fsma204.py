"""FSMA 204: which events are critical tracking events, and what stands in each key data element."""

from collections.abc import Iterator

import pytest

from gateway.ledger.fsma204 import COLUMNS, unknown
from gateway.ledger.store import Ledger
from gateway.model.documents import Lot, Reference
from gateway.model.outcome import DocumentChange, LotMade, Transformation
from tests.goodsbench import CAKE, GTIN, MINUTE, NOON, OTHER, SSCC, baked, enter, moved, some, story

FOREVER = 1 << 62
GLN = "9521141123454"


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """A ledger in memory, of a site in Denver."""
    ledger = Ledger.open("sqlite://", site="s", gateway="g", timezone="America/Denver", gln=GLN)
    yield ledger
    ledger.close()


def test_receiving_and_shipping_have_their_elements(ledger: Ledger) -> None:
    """§1.1345 and §1.1340: a row a line, in the site's own date; a move inside the site is no event of theirs."""
    known = Lot(GTIN, "L1", product="Peas, frozen, 12 x 500 g", attributes={"tlc_source": "4012345000016"})
    enter(ledger, NOON, changes=[DocumentChange("lot", f"{GTIN}/L1", 1, known)])
    story(ledger)
    rows = ledger.fsma204(0, FOREVER)
    assert [(row["cte"], row["lot"], row["quantity"]) for row in rows] == [
        ("receiving", "L1", "2"),
        ("receiving", "L2", "5"),
        ("shipping", "L1", "2"),
    ]
    first, second, last = rows
    assert list(first) == list(COLUMNS)
    assert {name: value for name, value in first.items() if value is not None} == {
        "cte": "receiving",
        "traceability_lot_code": f"(01){GTIN}(10)L1",
        "gtin": GTIN,
        "lot": "L1",
        "quantity": "2",
        "unit_of_measure": "each",
        "product_description": "Peas, frozen, 12 x 500 g",
        "immediate_previous_source": "ACME",
        "received_at": f"{GLN} lane",
        "date": "2026-11-21",
        "time": "2026-11-21T05:00:00-07:00",
        "traceability_lot_code_source": "4012345000016",
        "reference_document_type": "desadv; po",
        "reference_document_number": "A1; PO-9",
        "sscc": SSCC,
        "record": "m1",
        "event": first["event"],
        "journal_position": 20,
    }
    assert (second["product_description"], second["traceability_lot_code_source"]) == (None, None)
    assert (last["immediate_subsequent_recipient"], last["shipped_from"]) == ("4012345000009", f"{GLN} cold")
    assert (last["reference_document_type"], last["reference_document_number"]) == ("order", "O1")
    assert (last["immediate_previous_source"], last["received_at"]) == (None, None)
    assert unknown(rows) == {"receiving": {"product_description": 1, "traceability_lot_code_source": 1}}


def test_transformation_names_what_went_in_and_what_came_out(ledger: Ledger) -> None:
    """§1.1350: each lot once, where it was made, the site as source of the new one, the production order as paper."""
    baked(ledger, "t1", 10, "F1", "C1")
    baked(ledger, "t1", 10, "F2", "C1")
    enter(ledger, NOON, changes=[LotMade(GTIN, "F1", None, None, None), LotMade(GTIN, "F2", None, None, None)])
    made = Transformation("t1", NOON + 10 * MINUTE, "kitchen", (), (), "P-t1")
    enter(ledger, NOON + 10 * MINUTE, made)
    moved(ledger, "m1", 11, "receive", (None, "cold"), [some("C1", 4, gtin=CAKE)], purpose="production")
    rows = ledger.fsma204(0, FOREVER)
    assert [(row["cte"], row["lot"], row["quantity"]) for row in rows] == [
        ("transformation_input", "F1", "1"),
        ("transformation_input", "F2", "1"),
        ("transformation_output", "C1", "4"),
    ]
    out = rows[-1]
    assert (out["transformed_at"], out["traceability_lot_code_source"]) == (f"{GLN} kitchen", GLN)
    assert (out["reference_document_type"], out["reference_document_number"]) == ("production order", "P-t1")
    assert ledger.fsma204(0, FOREVER, f"{GTIN}/F1") == rows
    assert ledger.fsma204(0, FOREVER, f"{CAKE}/C1") == rows
    assert unknown(rows)["transformation_output"] == {"product_description": 1}


def test_what_is_no_critical_tracking_event_is_left_out(ledger: Ledger) -> None:
    """Refused, disposed of, told wrongly, or outside the span: none of it is a record of the rule."""
    moved(ledger, "m1", 0, "receive", (None, "cold"), [some(None, 1)], verdict="held")
    moved(ledger, "m2", 0, "receive", (None, "cold"), [some("L1", 9)], corrects="m1", expectation="asn/A1")
    moved(ledger, "m3", 1, "ship", ("cold", None), [some("L1", 1)], verdict="refused", reasons=("on_hold",))
    moved(ledger, "m4", 2, "ship", ("cold", None), [some("L1", 1)], purpose="disposal")
    moved(ledger, "m5", 3, "ship", ("cold", None), [some("L1", 1)], purpose="transfer")
    assert [row["record"] for row in ledger.fsma204(0, FOREVER)] == ["m2", "m5"]
    assert [row["record"] for row in ledger.fsma204(NOON, NOON + 3 * MINUTE)] == ["m2"]
    assert [row["record"] for row in ledger.fsma204(NOON + 3 * MINUTE, FOREVER)] == ["m5"]
    (row,) = ledger.fsma204(NOON, NOON + MINUTE, "L1")
    assert (row["reference_document_type"], row["reference_document_number"]) == ("asn", "A1")


def test_what_is_unresolved_is_an_empty_cell_and_is_counted(ledger: Ledger) -> None:
    """A receipt without lot, party and papers has a row all the same, and the note says what is missing."""
    moved(ledger, "m1", 0, "receive", (None, "cold"), [some(None, 1)], verdict="held")
    (row,) = ledger.fsma204(0, FOREVER)
    assert (row["traceability_lot_code"], row["lot"], row["gtin"]) == (None, None, GTIN)
    assert unknown([row]) == {
        "receiving": dict.fromkeys(
            (
                "traceability_lot_code",
                "product_description",
                "immediate_previous_source",
                "traceability_lot_code_source",
                "reference_document_type",
                "reference_document_number",
            ),
            1,
        )
    }


def test_what_happened_in_one_second_keeps_its_order(ledger: Ledger) -> None:
    """By the instant, whatever the ids."""
    for number, ident in enumerate(("z", "m", "a")):
        moved(ledger, ident, number / 600, "receive", (None, "cold"), [some("L1", 1)])
    assert [row["record"] for row in ledger.fsma204(0, FOREVER)] == ["z", "m", "a"]
    assert list(ledger.fsma204(0, FOREVER)[0]) == list(COLUMNS)


def test_a_lot_alone_is_asked_by_its_name(ledger: Ledger) -> None:
    """Only its lines; several documents and other lots on the same pallet stay out."""
    story(ledger)
    papers = (Reference("po", "PO-1"),)
    moved(ledger, "m9", 90, "receive", (None, "lane"), [some("L2", 1, gtin=OTHER)], documents=papers)
    assert [row["record"] for row in ledger.fsma204(0, FOREVER, "L2")] == ["m1", "m9"]
    assert {row["lot"] for row in ledger.fsma204(0, FOREVER, "L2")} == {"L2"}
