"""Documents from central: what is taken, and every refusal in the words a person at central reads."""

from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from gateway.model.documents import (
    Asn,
    Commission,
    CommissionedLine,
    Lot,
    Order,
    Policy,
)
from gateway.model.outcome import Rejection
from gateway.rules import soundness
from gateway.rules.documents import Announced, read_document

T = 1_795_243_331_000_000
SSCC = "340123450000000017"
SSCC2 = "340123450000000024"
GTIN = "04012345000016"
NO_LOT = "is not 1 to 20 printable characters without blanks around them"


def line(**changed: Any) -> dict[str, Any]:
    """A right line of an ASN."""
    return {"gtin": GTIN, "lot": "L1", "quantity": "24"} | changed


def asn(*lines: dict[str, Any], unit: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    """A right ASN with one pallet."""
    return {"asn": "A1", "units": [{"sscc": SSCC, "lines": list(lines) or [line()]} | (unit or {})]} | changed


def read(payload: Any, topic: str = "down/asn/A1") -> Announced | Rejection:
    """What becomes of a payload."""
    return read_document(topic, payload, None, T)


def refusal(payload: Any, topic: str = "down/asn/A1") -> str:
    """The sentence with which a payload is refused."""
    found = read(payload, topic)
    assert isinstance(found, Rejection), found
    assert (found.source, found.at, found.reason) == (topic, T, "bad_document")
    return found.detail


def test_sscc_and_gtin_of_these_tests() -> None:
    """The keys used here are right keys."""
    assert isinstance(read(asn()), Announced)
    assert isinstance(read(asn(unit={"sscc": SSCC2})), Announced)


def test_asn_is_read_whole() -> None:
    """Every field of an ASN arrives, GTINs as GTIN-14; unknown keys are ignored."""
    payload = asn(
        line(gtin="4012345000016", expiry="2027-04-30", serials=["1", "2"], ranges=[["100", "199"]], colour="red"),
        unit={"gross_weight": {"value": "608.0", "unit": "kg"}},
        version=3,
        documents=[{"type": "po", "id": "4711"}],
        supplier="4012345000009",
        due="2026-11-21T08:00:00Z",
        x={"y": 1},
    )
    found = read(payload)
    assert isinstance(found, Announced)
    assert (found.kind, found.id, found.source, found.at) == ("asn", "A1", "down/asn/A1", T)
    document = found.document
    assert isinstance(document, Asn)
    assert (document.version, document.supplier, document.documents[0].id) == (3, "4012345000009", "4711")
    (unit,) = document.units
    assert unit.gross_weight is not None
    assert unit.gross_weight.value == "608.0"
    (one,) = unit.lines
    assert (one.gtin, one.lot, one.expiry, one.serials, one.ranges) == (
        GTIN, "L1", "2027-04-30", ("1", "2"), (("100", "199"),),
    )  # fmt: skip


def test_order_and_lot() -> None:
    """Orders and lots are read by the same door."""
    order = read({"order": "O/1", "customer": "Acme", "min_shelf_life_days": 30}, "down/order/O%2F1")
    assert isinstance(order, Announced)
    assert order.id == "O/1"
    assert isinstance(order.document, Order)
    lot = read({"gtin": GTIN, "lot": "L/1", "expiry": "2027-01-01", "attributes": {"a": 1}}, f"down/lot/{GTIN}/L%2F1")
    assert isinstance(lot, Announced)
    assert lot.id == f"{GTIN}/L/1"
    assert isinstance(lot.document, Lot)


@pytest.mark.parametrize("topic_gtin", [GTIN, GTIN[1:]])
@pytest.mark.parametrize("own_gtin", [GTIN, GTIN[1:]])
def test_one_lot_one_id(topic_gtin: str, own_gtin: str) -> None:
    """A lot has one id, whether topic and document write its GTIN with 13 or 14 digits, also when withdrawn."""
    topic = f"down/lot/{topic_gtin}/L1"
    for payload in ({"gtin": own_gtin, "lot": "L1"}, None):
        found = read(payload, topic)
        assert isinstance(found, Announced)
        assert found.id == f"{GTIN}/L1"


def test_withdrawal() -> None:
    """An empty payload withdraws."""
    found = read(None)
    assert found == Announced("asn", "A1", None, "down/asn/A1", T)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "down",
        "down/asn",
        "down/asn/A/1",
        "down/lot/1",
        "down/lot/1/2/3",
        "up/asn/A1",
        "down/policy/x",
        "/down/asn/1",
    ],
)
def test_unknown_topics(topic: str) -> None:
    """A topic that is no document's is refused with those that are."""
    found = read(asn(), topic)
    assert isinstance(found, Rejection)
    assert found.reason == "unknown_topic"
    assert found.detail.startswith(f"{topic} is none of down/asn/ID, down/order/ID, down/lot/GTIN/LOT, ")


def test_no_json() -> None:
    """A payload that is no JSON is refused with its beginning."""
    found = read_document("down/asn/A1", None, "{nope" * 100, T)
    assert isinstance(found, Rejection)
    assert found.detail == "the payload is not JSON: " + repr(("{nope" * 100)[:80])


WRONG: list[Any] = [[], 5, "x", True, {}, {"asn": 5}, {"asn": "A1", "version": "1"}, {"asn": "A1", "units": [5]}]


@pytest.mark.parametrize("payload", WRONG)
def test_wrong_types(payload: Any) -> None:
    """A field of the wrong type is refused by its path."""
    detail = refusal(payload)
    assert "Expected" in detail or "missing" in detail


LINE = "$.units[0].lines[0]"
MANY = "is empty or spans 1000000 serials or more"
SET_82 = "is not 1 to 20 characters of GS1's 82-character set"

REFUSALS: list[tuple[dict[str, Any], str]] = [
    (asn(asn="A2"), "the topic says asn 'A1', the document says 'A2'"),
    (asn(version=0), "$.version is 0; versions count from 1 to 9007199254740991"),
    (asn(version=2**53), "$.version is 9007199254740992; versions count from 1 to 9007199254740991"),
    (asn(version=10**40), f"$.version is {10**40}; versions count from 1 to 9007199254740991"),
    (asn(unit={"sscc": "1"}), "$.units[0].sscc: SSCC 1 has 1 digits, not 18"),
    (asn(unit={"sscc": SSCC[:-1] + "8"}), f"$.units[0].sscc: SSCC {SSCC[:-1]}8 ends in 8, but its check digit is 7"),
    (asn(units=[{"sscc": SSCC}, {"sscc": SSCC}]), f"sscc {SSCC} is announced twice in this document"),
    (asn(line(gtin="5")), LINE + ".gtin: GTIN '5' has 1 characters, not 8, 12, 13 or 14"),
    (asn(line(), line(gtin="x" * 14)), f"$.units[0].lines[1].gtin: GTIN '{'x' * 14}' holds something else than digits"),
    (asn(line(quantity="many")), LINE + ".quantity: 'many' is not a decimal number"),
    (asn(line(quantity="NaN")), LINE + ".quantity: 'NaN' is not a decimal number"),
    (asn(line(quantity="0")), LINE + ".quantity: 0 is not more than nothing"),
    (asn(line(quantity="-1")), LINE + ".quantity: -1 is not more than nothing"),
    (asn(line(quantity="1.0001")), LINE + ".quantity: '1.0001' is finer than a thousandth"),
    (asn(line(quantity="1e12")), LINE + ".quantity: '1e12' is out of range: below 10^12"),
    (asn(line(quantity="1e999999")), LINE + ".quantity: '1e999999' is not a decimal number"),
    (asn(line(lot="")), LINE + f".lot: lot '' {NO_LOT}"),
    (asn(line(lot="L" * 21)), LINE + f".lot: lot '{'L' * 21}' {NO_LOT}"),
    (asn(line(lot="a\x07")), LINE + f".lot: lot 'a\\x07' {NO_LOT}"),
    (asn(line(unit="")), LINE + ".unit: '' is not 1 to 200 printable characters"),
    (asn(line(unit="kg", serials=["1"])), LINE + ".unit: serials count items, so the unit is each, not kg"),
    (asn(line(unit="kg", ranges=[["1", "2"]])), LINE + ".unit: serials count items, so the unit is each, not kg"),
    (asn(line(serials=["1", "x y"])), LINE + ".serials: 'x y' " + SET_82),
    (asn(line(serials=[""])), LINE + ".serials: '' " + SET_82),
    (asn(line(ranges=[["a", "2"]])), LINE + ".ranges: ['a', '2'] is not a pair of whole numbers"),
    (asn(line(ranges=[["1", "²"]])), LINE + ".ranges: ['1', '²'] is not a pair of whole numbers"),
    (asn(line(ranges=[["1", "9" * 5000]])), LINE + f".ranges: ['1', '{'9' * 5000}'] is not a pair of whole numbers"),
    (asn(line(ranges=[["2", "1"]])), LINE + ".ranges: [2, 1] " + MANY),
    (asn(line(ranges=[["0", "1000000"]])), LINE + ".ranges: [0, 1000000] " + MANY),
    (asn(line(expiry="2027-02-30")), LINE + ".expiry: '2027-02-30' is not a date (YYYY-MM-DD)"),
    (asn(line(expiry="20270230")), LINE + ".expiry: '20270230' is not a date (YYYY-MM-DD)"),
    (asn(line(expiry="2027-W05-1")), LINE + ".expiry: '2027-W05-1' is not a date (YYYY-MM-DD)"),
    (asn(line(expiry="0000-01-01")), LINE + ".expiry: '0000-01-01' is not a date (YYYY-MM-DD)"),
    (asn(line(), line(gtin=GTIN[1:])),
     f"$.units[0].lines: lot L1 of GTIN {GTIN} is announced twice on this unit; add up"),
    (asn(unit={"gross_weight": {"value": "heavy"}}), "$.units[0].gross_weight.value: 'heavy' is not a decimal number"),
    (asn(unit={"gross_weight": {"value": "0"}}), "$.units[0].gross_weight.value: 0 is not more than nothing"),
    (asn(unit={"gross_weight": {"value": "1", "unit": "\0"}}),
     "$.units[0].gross_weight.unit: '\\x00' is not 1 to 200 printable characters"),
    (asn(supplier="a\nb"), "$.supplier: 'a\\nb' is not 1 to 200 printable characters"),
    (asn(due="\x00"), "$.due: '\\x00' is not 1 to 200 printable characters"),
    (asn(documents=[{"type": "po", "id": "x" * 201}]),
     f"$.documents[0].id: '{'x' * 40}' is not 1 to 200 printable characters"),
    (asn(documents=[{"type": "", "id": "x"}]), "$.documents[0].type: '' is not 1 to 200 printable characters"),
]  # fmt: skip


@pytest.mark.parametrize(("payload", "detail"), REFUSALS, ids=[detail[:60] for _, detail in REFUSALS])
def test_refusals_of_asns(payload: dict[str, Any], detail: str) -> None:
    """Each thing that can be wrong in an ASN is refused with its path and what would be right."""
    assert refusal(payload) == detail


@pytest.mark.parametrize(
    ("changed", "detail"),
    [
        ({"min_shelf_life_days": -1}, "$.min_shelf_life_days is -1; it is 0 to 36500"),
        ({"min_shelf_life_days": 10**30}, f"$.min_shelf_life_days is {10**30}; it is 0 to 36500"),
        ({"customer": ""}, "$.customer: '' is not 1 to 200 printable characters"),
    ],
)
def test_refusals_of_orders(changed: dict[str, Any], detail: str) -> None:
    """An order is refused for what only orders have."""
    assert refusal({"order": "O1"} | changed, "down/order/O1") == detail


@pytest.mark.parametrize(
    ("topic", "changed", "detail"),
    [
        (f"{GTIN}/L1", {"lot": "L2"}, f"the topic says lot '{GTIN}/L1', the document says '{GTIN}/L2'"),
        ("123/L1", {"gtin": "123"}, "GTIN '123' has 3 characters, not 8, 12, 13 or 14"),
        (
            f"{GTIN}/L%20",
            {"lot": "L "},
            "$.lot: lot 'L ' is not 1 to 20 printable characters without blanks around them",
        ),
        (f"{GTIN}/L1", {"expiry": "soon"}, "$.expiry: 'soon' is not a date (YYYY-MM-DD)"),
        (f"{GTIN}/L1", {"produced": "2026-13-01"}, "$.produced: '2026-13-01' is not a date (YYYY-MM-DD)"),
        (f"{GTIN}/L1", {"product": "\x07"}, "$.product: '\\x07' is not 1 to 200 printable characters"),
        (f"{GTIN}/L1", {"qc": ""}, "$.qc: '' is not 1 to 200 printable characters"),
        (f"{GTIN}/L1", {"supplier": "s" * 201}, f"$.supplier: '{'s' * 40}' is not 1 to 200 printable characters"),
    ],
)
def test_refusals_of_lots(topic: str, changed: dict[str, Any], detail: str) -> None:
    """A lot is refused for what only lots have."""
    assert refusal({"gtin": GTIN, "lot": "L1"} | changed, f"down/lot/{topic}") == detail


@pytest.mark.parametrize("ident", ["", "%00", "%0A", "x" * 201])
def test_ids_that_name_nothing(ident: str) -> None:
    """An id must be printable and of a length a column takes; also to withdraw it."""
    for payload in (None, {"asn": "x"}):
        found = read(payload, f"down/asn/{ident}")
        assert isinstance(found, Rejection)


def test_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Units, lines and serials of one document have a bound each, and the bound itself is allowed."""
    for name in ("MOST_UNITS", "MOST_LINES", "MOST_SERIALS"):
        monkeypatch.setattr(soundness, name, 3)
    three = [line(lot=f"L{number}") for number in range(3)]
    assert isinstance(read(asn(*three)), Announced)
    assert refusal(asn(*three, line(lot="L9"))) == "4 lines are more than the 3 that one document may hold; split it"
    assert isinstance(read(asn(line(serials=["1", "2"], ranges=[["5", "9"]]))), Announced)
    crowd = asn(line(serials=["1", "2", "3"], ranges=[["5", "9"]]))
    assert refusal(crowd) == "4 serials and ranges are more than the 3 that one document may hold; split it"
    trucks = asn(units=[{"sscc": SSCC}] * 4)
    assert refusal(trucks) == "4 units are more than the 3 that one document may hold; split it"


def test_a_great_document_is_read_in_time() -> None:
    """A document at the bound of serials is taken, and one far beyond is refused, both at once."""
    serials = [str(number) for number in range(soundness.MOST_SERIALS)]
    assert isinstance(read(asn(line(serials=serials, quantity="100000"))), Announced)
    assert "more than the" in refusal(asn(units=[{"sscc": SSCC}] * 200_000))


def test_read_documents_are_json() -> None:
    """What is taken can be written again: the ledger keeps it."""
    found = read(asn(line(serials=["1"])))
    assert isinstance(found, Announced)
    assert msgspec.json.decode(msgspec.json.encode(found.document), type=Asn) == found.document


def test_a_lot_is_named_by_its_topic() -> None:
    """The body of `down/lot/{gtin}/{lot}` need not repeat what its topic says."""
    found = read_document("down/lot/09520001123450/A%2F1", {"expiry": "2027-04-30", "qc": "released"}, None, 5)
    assert isinstance(found, Announced)
    assert found.document == Lot("09520001123450", "A/1", expiry="2027-04-30", qc="released")


@pytest.mark.parametrize("lot", ["A/42", "50%+1", "#7", "批次七", "Ünï", "a b"])
def test_any_printable_lot_is_taken_byte_for_byte(lot: str) -> None:
    """What a supplier prints is the lot: in the body, and percent-encoded in the topic, it comes back as it was."""
    found = read({"qc": "released"}, f"down/lot/{GTIN}/{quote(lot, safe='')}")
    assert isinstance(found, Announced)
    assert (found.id, found.document) == (f"{GTIN}/{lot}", Lot(GTIN, lot, qc="released"))
    announced = read(asn(line(lot=lot)))
    assert isinstance(announced, Announced)
    assert isinstance(announced.document, Asn)
    assert announced.document.units[0].lines[0].lot == lot


def test_unknown_keys_are_kept() -> None:
    """Keys that no field has stay with their document, unit and line; those of a lot are attributes."""
    found = read(asn(line(colour="red"), unit={"layers": 4}, truck="B-TM 1", extra=7))
    assert isinstance(found, Announced)
    document = found.document
    assert isinstance(document, Asn)
    assert document.extra == {"truck": "B-TM 1", "extra": 7}
    assert document.units[0].extra == {"layers": 4}
    assert document.units[0].lines[0].extra == {"colour": "red"}
    lot = read({"vintage": 2026, "attributes": {"fat": "3.5 %"}}, f"down/lot/{GTIN}/L1")
    assert isinstance(lot, Announced)
    assert isinstance(lot.document, Lot)
    assert lot.document.attributes == {"vintage": 2026, "fat": "3.5 %"}


def test_a_commissioning_list_is_read() -> None:
    """Items of a lot by serial, range and EPC; tags in upper case."""
    lines = [{"gtin": GTIN, "lot": "L1", "serials": ["1"], "ranges": [["5", "9"]], "epcs": ["e28011"], "parent": SSCC}]
    found = read({"commission": "C1", "lines": lines}, "down/commission/C1")
    assert isinstance(found, Announced)
    item = CommissionedLine(GTIN, "L1", None, ("1",), (("5", "9"),), ("E28011",), SSCC)
    assert found.document == Commission("C1", 1, (item,))


def test_a_commissioning_event_of_epcis_is_a_commissioning_list() -> None:
    """An ObjectEvent ADD with `ilmd` says the same: its items belong to the lot it names, until its expiry."""
    event = {
        "type": "ObjectEvent",
        "eventID": "urn:uuid:c3361f6b-c696-5438-b0a2-78ac7c5cb364",
        "epcList": ["urn:epc:id:sgtin:4012345.000001.7%2F1", "https://id.gs1.org/01/04012345000016/21/8"],
        "action": "ADD",
        "bizStep": "commissioning",
        "ilmd": {"cbvmda:lotNumber": "A42-2610", "cbvmda:itemExpirationDate": "2027-04-30"},
    }
    found = read(event, "down/commission/C2")
    assert isinstance(found, Announced)
    assert isinstance(found.document, Commission)
    assert found.document.lines == (CommissionedLine(GTIN, "A42-2610", "2027-04-30", ("7/1", "8")),)
    assert "ilmd" in refusal({"type": "ObjectEvent", "action": "OBSERVE"}, "down/commission/C2")
    assert "no SGTIN" in refusal(event | {"epcList": ["urn:epc:id:sscc:4012345.1000000001"]}, "down/commission/C2")


@pytest.mark.parametrize(
    ("topic", "payload", "detail"),
    [
        ("down/asn/A1", asn(type="gift"), "$.type: 'gift' is none of purchase, return, transfer, production"),
        ("down/policy", {"unknown_tags": {"dock-1": "eat"}}, "$.unknown_tags.dock-1: 'eat' is none of ignore, hold,"),
        ("down/policy", {"lot_number": "B"}, "$.lot_number: 'B': exactly one {seq} tells one lot from the next"),
        ("down/policy", {"lot_number": "{seq:09}{date:%Y%m%d}LONGER"}, "gives more than the 20 characters"),
        ("down/policy", {"lot_number": "é{seq}"}, "only GS1's 82 characters"),
        ("down/commission/C1", {"commission": "C1", "lines": [{"gtin": GTIN, "lot": "L", "epcs": ["xyz"]}]}, ".epcs:"),
        (
            "down/commission/C1",
            {"commission": "C1", "lines": [{"gtin": GTIN, "lot": "L", "parent": "1"}]},
            "$.lines[0].parent: SSCC",
        ),
        (f"down/lot/{GTIN}/L1", {"shelf_life_days": -1}, "$.shelf_life_days is -1; it is 0 to 36500"),
    ],
)
def test_refusals_of_further_documents(topic: str, payload: Any, detail: str) -> None:
    """What only these documents have is checked as strictly."""
    assert detail in refusal(payload, topic)


def test_a_policy_is_taken() -> None:
    """A policy arrives as it was written."""
    policy = read(
        {"version": 2, "unknown_tags": {"*": "ignore"}, "lot_number": "B{date:%Y%m%d}-{seq:03}"}, "down/policy"
    )
    assert isinstance(policy, Announced)
    assert policy.document == Policy(2, {"*": "ignore"}, "B{date:%Y%m%d}-{seq:03}")
