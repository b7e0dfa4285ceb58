"""Central's books: each event once, in one transaction with its stock change; nothing bad stops them."""

import json
import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.inventory import BadEvent, Inventory, decimal_text, thousandths

GTIN = "09520001123450"


def line(quantity: Any, lot: str = "A1", gtin: str = GTIN, status: str = "available", **more: Any) -> dict[str, Any]:
    """One line of tally:lotQuantityList."""
    return {"tally:gtin": gtin, "tally:lot": lot, "tally:quantity": quantity, "tally:status": status, **more}


def movement(seq: int, lines: list[dict[str, Any]], to: str | None = None, **more: Any) -> dict[str, Any]:
    """The body of a receipt (`to`), shipment or transfer (`origin`) event."""
    kind = more.pop("kind", "receive")
    what = {"tally:id": f"m{seq}", "tally:type": kind, "tally:from": more.pop("origin", None), "tally:to": to}
    what |= {"tally:verdict": more.pop("verdict", "accepted"), "tally:reasons": []}
    head = {"eventID": f"urn:uuid:{seq:08d}", "tally:gateway": more.pop("gateway", "gw"), "tally:seq": seq}
    return {"type": "ObjectEvent", **head, "tally:movement": what, "tally:lotQuantityList": lines, **more}


def topic(kind: str) -> str:
    """An event's topic."""
    return f"tallyman/v1/demo/evt/{kind}/dock-1"


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Inventory]:
    """An open inventory on a file."""
    inventory = Inventory(str(tmp_path / "central.sqlite"))
    inventory.open()
    yield inventory
    inventory.close()


def book(books: Inventory, kind: str, body: Any, attributes: dict[str, str] | None = None) -> str:
    """Book a body and tell the outcome."""
    return books.book(topic(kind), json.dumps(body).encode(), attributes).outcome


def stock(books: Inventory) -> dict[tuple[str, str, str], str]:
    """(lot, location, status) → quantity."""
    return {(row["lot"], row["location"], row["status"]): row["quantity"] for row in books.inventory()}


def test_receipt_transfer_shipment(books: Inventory) -> None:
    """A receipt adds at `to`, a transfer takes from and adds to, a shipment takes; what reaches zero is not listed."""
    book(books, "receipt", movement(1, [line(24), line(412.5, "B", **{"tally:uom": "KGM"})], to="cold"))
    book(books, "movement", movement(2, [line(10)], origin="cold", to="lane", kind="transfer"))
    book(books, "shipment", movement(3, [line(10)], origin="lane", kind="ship"))
    assert books.inventory() == [
        {"gtin": GTIN, "lot": "A1", "location": "cold", "status": "available", "quantity": "14", "unit": "each"},
        {"gtin": GTIN, "lot": "B", "location": "cold", "status": "available", "quantity": "412.5", "unit": "KGM"},
    ]
    assert books.last() == {"gw": 3}
    assert books.kinds() == {"movement": 1, "receipt": 1, "shipment": 1}


def test_the_outside_is_not_stock(books: Inventory) -> None:
    """Where a receipt came from and where a shipment went are no locations of ours."""
    book(books, "receipt", movement(1, [line(5)], origin="supplier", to="cold"))
    book(books, "shipment", movement(2, [line(2)], origin="cold", to="customer", kind="ship"))
    assert stock(books) == {("A1", "cold", "available"): "3"}


def test_unidentified_goods_are_counted_under_empty_names(books: Inventory) -> None:
    """A line without gtin and lot is stock of ("", "")."""
    book(books, "receipt", movement(1, [line(1, "", "", "hold")], to="cold", verdict="held"))
    assert stock(books) == {("", "cold", "hold"): "1"}


def test_refused_changes_no_stock(books: Inventory) -> None:
    """An event whose movement was refused is noted, and moves nothing."""
    assert book(books, "receipt", movement(1, [line(5)], to="cold", verdict="refused")) == "booked"
    assert books.inventory() == []


def test_a_duplicate_is_a_no_op(books: Inventory) -> None:
    """The same event again changes nothing and is counted; the same id with another event is a conflict."""
    body = movement(1, [line(5)], to="cold")
    assert [book(books, "receipt", body) for _ in range(3)] == ["booked", "duplicate", "duplicate"]
    assert book(books, "receipt", {**body, "tally:lotQuantityList": [line(6)]}) == "conflict"
    assert stock(books) == {("A1", "cold", "available"): "5"}
    assert (books.tally("duplicate"), books.tally("conflict"), len(books.events())) == (2, 1, 1)


def test_gaps_open_and_close(books: Inventory) -> None:
    """A jump in seq opens a gap; what arrives late narrows it and counts as reordered."""
    for seq in (1, 2, 7, 4, 9):
        book(books, "receipt", movement(seq, [line(1)], to="cold"))
    assert books.gaps() == [("gw", 3, 3), ("gw", 5, 6), ("gw", 8, 8)]
    assert books.tally("reordered") == 1
    for seq in (3, 5, 6, 8):
        book(books, "receipt", movement(seq, [line(1)], to="cold"))
    assert books.gaps() == []
    assert books.last() == {"gw": 9}


def test_numbering_is_per_gateway_and_begins_at_one(books: Inventory) -> None:
    """Two gateways number apart; a first event that is not number 1 leaves a gap before it."""
    book(books, "receipt", movement(1, [line(1)], to="cold"))
    book(books, "receipt", {**movement(3, [line(1)], to="cold", gateway="gw-2"), "eventID": "urn:uuid:other"})
    assert books.gaps() == [("gw-2", 1, 2)]


def test_a_number_used_twice_is_noticed(books: Inventory) -> None:
    """Another event under a seq that was used before is booked (it is a promise) and counted."""
    book(books, "receipt", movement(1, [line(1)], to="cold"))
    assert book(books, "receipt", {**movement(1, [line(1)], to="cold"), "eventID": "urn:uuid:new"}) == "booked"
    assert books.tally("reused") == 1


@pytest.mark.parametrize("kind", ["excursion", "hold"])
def test_hold_takes_all_available_stock_of_the_lot_there(books: Inventory, kind: str) -> None:
    """A hold turns what is available of the listed lots in that location into held stock, and nothing else."""
    lines = [line(5), line(7, "B"), line(2, "C", status="hold")]
    book(books, "receipt", movement(1, lines, to="cold"))
    book(books, "receipt", movement(2, [line(3)], to="lane"))
    body = movement(3, [line(0), {"tally:gtin": GTIN, "tally:lot": "C"}])
    del body["tally:movement"]
    assert book(books, kind, {**body, f"tally:{kind}": {"tally:location": "cold", "tally:hold": True}}) == "booked"
    assert stock(books) == {
        ("A1", "cold", "hold"): "5",
        ("B", "cold", "available"): "7",
        ("C", "cold", "hold"): "2",
        ("A1", "lane", "available"): "3",
    }


def test_an_excursion_without_hold_is_only_noted(books: Inventory) -> None:
    """An excursion that does not hold changes no stock."""
    book(books, "receipt", movement(1, [line(5)], to="cold"))
    what = {"tally:location": "cold", "tally:hold": False}
    book(books, "excursion", {**movement(2, [line(5)]), "tally:excursion": what})
    assert stock(books) == {("A1", "cold", "available"): "5"}


def test_a_release_frees_all_held_stock_of_the_lot_there(books: Inventory) -> None:
    """The opposite of a hold: what is held of the listed lots in that location becomes available, and nothing else."""
    book(books, "receipt", movement(1, [line(5, status="hold"), line(7, "B", status="hold")], to="cold"))
    book(books, "receipt", movement(2, [line(3, status="hold")], to="lane"))
    body = movement(3, [line(5)])
    assert book(books, "release", {**body, "tally:release": {"tally:location": "cold"}}) == "booked"
    assert stock(books) == {
        ("A1", "cold", "available"): "5",
        ("B", "cold", "hold"): "7",
        ("A1", "lane", "hold"): "3",
    }


def test_what_arrives_in_another_status(books: Inventory) -> None:
    """Goods may leave available and arrive on hold."""
    book(books, "receipt", movement(1, [line(5)], to="lane"))
    moved = line(2, status="hold", **{"tally:statusBefore": "available"})
    book(books, "movement", movement(2, [moved], origin="lane", to="cold", kind="transfer"))
    assert stock(books) == {("A1", "lane", "available"): "3", ("A1", "cold", "hold"): "2"}


def test_a_correction_takes_back_the_event_it_names_once(books: Inventory) -> None:
    """The wrong receipt is undone by the correction, the right one follows; either again changes nothing."""
    wrong = movement(1, [line(2, "", status="hold")], to="cold", verdict="held")
    assert book(books, "receipt", wrong) == "booked"
    correction = {**wrong, "eventID": "urn:uuid:c", "tally:seq": 2}
    correction |= {"errorDeclaration": {"reason": "incorrect_data"}, "tally:erroneousEventID": wrong["eventID"]}
    right = movement(3, [line(2)], to="cold")
    for _ in range(2):
        book(books, "correction", correction)
        book(books, "receipt", right)
    assert stock(books) == {("A1", "cold", "available"): "2"}
    assert books.tally("duplicate") == 2


@pytest.mark.parametrize(
    "change", [{"tally:erroneousEventID": "urn:uuid:x"}, {"errorDeclaration": None}, {"tally:movement": {}}]
)
def test_a_correction_of_nothing_is_rejected(books: Inventory, change: dict[str, Any]) -> None:
    """A correction that names no event we have, or another movement, or declares nothing, is no correction."""
    wrong = movement(1, [line(2)], to="cold")
    book(books, "receipt", wrong)
    correction = {**wrong, "eventID": "urn:uuid:c", "errorDeclaration": {}, "tally:erroneousEventID": wrong["eventID"]}
    assert book(books, "correction", correction | change) == "rejected"
    assert stock(books) == {("A1", "cold", "available"): "2"}


def test_a_transformation_turns_raw_lots_into_product_lots(books: Inventory) -> None:
    """Inputs leave and outputs enter the stock of the place."""
    book(books, "receipt", movement(1, [line(5)], to="kitchen"))
    body = {"eventID": "urn:uuid:t", "tally:gateway": "gw", "tally:seq": 2}
    body |= {"tally:transformation": {"tally:location": "kitchen"}}
    body |= {"tally:inputLotQuantityList": [line(4)], "tally:outputLotQuantityList": [line(2.5, "P1")]}
    assert book(books, "transformation", body) == "booked"
    assert stock(books) == {("A1", "kitchen", "available"): "1", ("P1", "kitchen", "available"): "2.5"}


@pytest.mark.parametrize("kind", ["alarm", "exception", "gap"])
def test_own_json_is_collected(books: Inventory, kind: str) -> None:
    """Alarms, exceptions and gaps are kept and counted; their number counts in the sequence."""
    assert book(books, kind, {"schema": 1, "id": "x", "tally:gateway": "gw", "tally:seq": 1, "reason": "r"}) == "booked"
    assert books.events(kind)[0]["body"]["reason"] == "r"
    assert books.last() == {"gw": 1}


def test_structured_and_binary_cloud_events(books: Inventory) -> None:
    """The envelope may stand around the event (3.1.1) or beside it (MQTT 5 user properties): it is the same event."""
    body = movement(1, [line(5)], to="cold")
    structured = {"specversion": "1.0", "id": "00000001", "source": "/gw", "type": "x", "data": body}
    assert book(books, "receipt", structured) == "booked"
    assert book(books, "receipt", body, {"specversion": "1.0", "id": "00000001"}) == "duplicate"
    assert book(books, "receipt", {**body, "tally:verdict": "x"}, {"id": "00000001"}) == "conflict"
    assert stock(books) == {("A1", "cold", "available"): "5"}
    bare = {"reason": "r"}
    attributes = {"id": "abc", "source": "gw", "sequence": "00000000000000000002"}
    assert book(books, "exception", bare, attributes) == "booked"
    assert books.last() == {"gw": 2}


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"\xff\x00", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"[" * 5000, "not JSON"),
        (b'{"specversion":"1.0","id":"x","data":3}', "data is not a JSON object"),
        (b"{}", "no event id"),
        (b'{"specversion":"1.0","id":"x","data":{"eventID":"urn:uuid:y"}}', "disagree on the id"),
        (b'{"eventID":"x","tally:seq":"many"}', "is not a number"),
        (b'{"eventID":"x","tally:seq":1}', "without tally:movement"),
        (json.dumps(movement(1, [line(1)])).encode(), "does not say tally:to"),
        (json.dumps(movement(1, [line(1, status="eaten")], to="cold")).encode(), "tally:status is 'eaten'"),
        (json.dumps(movement(1, [line("much")], to="cold")).encode(), "is not a number"),
        (json.dumps(movement(1, [line(1), line(0.0001)], to="cold")).encode(), "finer than a thousandth"),
        (json.dumps({**movement(1, []), "tally:lotQuantityList": 4}).encode(), "not a list"),
        (json.dumps(movement(1, [{"tally:quantity": 1}], to="cold")).encode(), "without tally:gtin"),
    ],
)
def test_what_cannot_be_booked_is_rejected_whole(books: Inventory, payload: bytes, reason: str) -> None:
    """A bad event leaves no trace in the books but its reason; the next one is booked."""
    booked = books.book(topic("receipt"), payload)
    assert (booked.outcome, books.inventory(), books.events(), books.last()) == ("rejected", [], [], {})
    assert reason in booked.reason
    assert books.rejected() == [(topic("receipt"), booked.reason)]
    assert book(books, "receipt", movement(1, [line(2)], to="cold")) == "booked"


def test_books_survive_a_restart(tmp_path: Path) -> None:
    """What was booked is there after the file is opened again, and is still known as booked."""
    path, body = str(tmp_path / "central.sqlite"), movement(1, [line(5)], to="cold")
    for outcome in ("booked", "duplicate"):
        books = Inventory(path)
        books.open()
        assert book(books, "receipt", body) == outcome
        books.close()
    assert stock(Inventory(path)) == {("A1", "cold", "available"): "5"}


def test_event_and_stock_are_one_transaction(books: Inventory, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the database fails at the stock change, the event is not remembered either, and may come again."""

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(books, "_add", fail)
    with pytest.raises(sqlite3.OperationalError):
        book(books, "receipt", movement(1, [line(5)], to="cold"))
    monkeypatch.undo()
    assert books.events() == []
    assert book(books, "receipt", movement(1, [line(5)], to="cold")) == "booked"


def test_booking_needs_an_open_inventory(tmp_path: Path) -> None:
    """Booking before open says what to do."""
    with pytest.raises(RuntimeError, match="call open"):
        book(Inventory(str(tmp_path / "x")), "receipt", {})


@given(st.integers(-(10**12), 10**12))
def test_quantities_are_exact(scaled: int) -> None:
    """Thousandths survive their text form exactly."""
    assert thousandths(decimal_text(scaled)) == scaled
    assert thousandths(Decimal(decimal_text(scaled))) == scaled


@pytest.mark.parametrize("value", [True, None, 1.5, "NaN", "x"])
def test_no_quantity(value: object) -> None:
    """A truth value, a float, nothing, or no number is not a quantity."""
    with pytest.raises(BadEvent):
        thousandths(value)


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(1, 9)), st.lists(st.integers(0, 7), max_size=8))
def test_order_and_repetition_do_not_matter(order: list[int], again: list[int]) -> None:
    """Receipts and shipments in any order, some twice, end in the same stock without a gap."""
    books = Inventory(":memory:")
    books.open()
    bodies = {
        seq: movement(seq, [line(seq)], to="cold")
        if seq % 2
        else movement(seq, [line(seq)], origin="cold", kind="ship")
        for seq in range(1, 9)
    }
    for seq in order + [order[position] for position in again]:
        book(books, "receipt" if seq % 2 else "shipment", bodies[seq])
    assert stock(books) == {("A1", "cold", "available"): "-4"}
    assert (books.gaps(), books.last(), books.tally("duplicate")) == ([], {"gw": 8}, len(again))
    books.close()


def hold(seq: int, location: str = "cold") -> dict[str, Any]:
    """The body of a hold event on lot A1."""
    head = {"eventID": f"urn:uuid:{seq:08d}", "tally:gateway": "gw", "tally:seq": seq}
    return {**head, "tally:hold": {"tally:location": location}, "tally:lotQuantityList": [line(0)]}


@given(st.permutations(range(1, 7)))
@settings(max_examples=40)
def test_a_hold_means_what_stood_there_then(order: list[int]) -> None:
    """Received 5, held, received 3, moved 2 away, held, received 1: in whatever order they come, the same stock."""
    bodies = {
        1: ("receipt", movement(1, [line(5)], to="cold")),
        2: ("hold", hold(2)),
        3: ("receipt", movement(3, [line(3)], to="cold")),
        4: ("movement", movement(4, [line(2)], origin="cold", to="lane", kind="transfer")),
        5: ("hold", hold(5)),
        6: ("receipt", movement(6, [line(1)], to="cold")),
    }
    books = Inventory(":memory:")
    books.open()
    for count, seq in enumerate(order, start=1):
        assert book(books, *bodies[seq]) == "booked"
        done = books.through().get("gw", 0)
        assert all(number in order[:count] for number in range(1, done + 1))
    assert (books.through(), books.missing()) == ({"gw": 6}, [])
    assert stock(books) == {
        ("A1", "cold", "available"): "1",
        ("A1", "cold", "hold"): "6",
        ("A1", "lane", "available"): "2",
    }
    books.close()


def test_what_was_given_up_is_not_waited_for(books: Inventory) -> None:
    """A gap event ends the waiting, also when it waits itself; the event that comes all the same is booked then."""
    book(books, "receipt", movement(1, [line(1)], to="cold"))
    book(books, "receipt", movement(3, [line(10)], to="cold"))
    assert (stock(books), books.missing()) == ({("A1", "cold", "available"): "1"}, [("gw", 2, 2)])
    gap = {"schema": 1, "type": "tally.gap", "id": "g", "tally:gateway": "gw", "tally:seq": 4, "first": 2, "last": 2}
    book(books, "gap", gap)
    assert stock(books) == {("A1", "cold", "available"): "11"}
    assert (books.through(), books.missing(), books.gaps()) == ({"gw": 4}, [], [("gw", 2, 2)])
    book(books, "receipt", movement(2, [line(100)], to="cold"))
    assert (stock(books), books.gaps()) == ({("A1", "cold", "available"): "111"}, [])


def test_what_cannot_be_booked_keeps_nothing_waiting(books: Inventory) -> None:
    """A bad event is rejected, whether its turn has come or not, and those behind it go on."""
    bad = movement(2, [line("many")], to="cold")
    assert book(books, "receipt", movement(3, [line(1)], to="cold")) == "booked"
    assert book(books, "receipt", bad) == "booked"  # its turn has not come, so nobody has looked into it
    assert book(books, "receipt", movement(1, [line(1)], to="cold")) == "booked"
    assert book(books, "receipt", movement(4, [line("more")], to="cold")) == "rejected"
    assert book(books, "receipt", movement(5, [line(1)], to="cold")) == "booked"
    assert [reason for _, reason in books.rejected()] == [
        "quantity 'many' is not a number",
        "quantity 'more' is not a number",
    ]
    assert stock(books) == {("A1", "cold", "available"): "3"}
    assert books.through() == {"gw": 5}
