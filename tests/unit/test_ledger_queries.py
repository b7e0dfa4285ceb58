"""The read side: what people and the API see, and the outbox as the uplink uses it."""

from collections.abc import Iterator

import msgspec
import pytest

from gateway.ledger.store import Commit, Ledger
from gateway.model.documents import Asn, ExpectedUnit, Reference
from gateway.model.outcome import (
    AlarmChange,
    Decision,
    DeviceCommand,
    DocumentChange,
    Effect,
    Event,
    Excursion,
    Firing,
    Gap,
    Line,
    LotMinutes,
    Movement,
    Outcome,
    Passage,
    Rejection,
    StockDelta,
    Weighed,
)

GTIN = "04012345000009"
SSCC = "340123450000000018"


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """A ledger in memory."""
    ledger = Ledger.open("sqlite://", site="s", gateway="g", owner="acme")
    yield ledger
    ledger.close()


def enter(ledger: Ledger, *decisions: Decision, effects: tuple[Effect, ...] = (), events: int = 0) -> None:
    """One turn."""
    position, first = ledger.position() + 1, ledger.sequence() + 1
    promised = tuple(
        Event(seq, f"i{seq}", "receipt", f"t/{seq}", "application/json", {"id": f"i{seq}"}, b"\x00\xff%d" % seq)
        for seq in range(first, first + events)
    )
    ledger.commit(Commit(position, position * 10, Outcome(decisions, effects), promised))


def movement(ident: str, at: int, lot: str = "L1", sscc: str | None = None) -> Movement:
    """A receipt with all its evidence."""
    line = Line(GTIN, lot, 24_000, "each", "serial", ("AA", "BB"), "2027-01-31", expected=25_000, prefix=7)
    return Movement(
        movement=ident,
        passage=f"dock/{at}",
        portal="dock",
        at=at,
        type="receive",
        origin=None,
        destination="cold",
        verdict="accepted",
        reasons=("short",),
        lines=(line,),
        rules=("short-is-accepted",),
        sscc=sscc,
        expectation="asn/A1",
        documents=(Reference("po", "PO-1"),),
        weight=Weighed("612.4", "kg", at, "scale-1", "608.0", 0.72),
        climate=(("cold-a", "temperature", 3.8, "Cel", at),),
        missing=("CC",),
        evidence={"reads": {"AA": 5}},
    )


def test_a_movement_is_kept_with_its_evidence(ledger: Ledger) -> None:
    """Everything the rules said about a movement can be read again."""
    enter(ledger, movement("m1", 50, sscc=SSCC))
    found = ledger.movement("m1")
    assert found is not None
    line = found["lines"][0]
    assert (line["quantity"], line["expected"], line["epcs"]) == ("24", "25", ["AA", "BB"])
    assert (found["reasons"], found["rules"]) == (["short"], ["short-is-accepted"])
    evidence = found["evidence"]
    assert evidence["schema"] == 1
    assert evidence["weight"] == msgspec.to_builtins(movement("m1", 50).weight)
    assert evidence["climate"] == [["cold-a", "temperature", 3.8, "Cel", 50]]
    assert (evidence["missing"], evidence["evidence"]) == (["CC"], {"reads": {"AA": 5}})
    assert ledger.movement("m2") is None


def test_movements_are_newest_first_and_can_be_asked_by_lot_or_unit(ledger: Ledger) -> None:
    """The listing is bounded, newest first, and narrows to a lot or a logistic unit."""
    enter(ledger, movement("m1", 50), movement("m2", 70, "L2", SSCC), movement("m3", 60))
    assert [one["movement"] for one in ledger.movements()] == ["m2", "m3", "m1"]
    assert [one["movement"] for one in ledger.movements(1)] == ["m2"]
    assert [one["movement"] for one in ledger.movements(gtin=GTIN, lot="L1")] == ["m3", "m1"]
    assert [one["movement"] for one in ledger.movements(sscc=SSCC)] == ["m2"]


def test_every_decision_has_an_audit_row(ledger: Ledger) -> None:
    """Each kind of decision is in the audit under its subject, word for word, and the chain is whole."""
    passage = Passage("dock/1", "dock", 1, 2, "in", 0.97, ("AA",), ("BB",), evidence={"x": 1})
    command = DeviceCommand("dock-1", "light", {"green": True}, 1, 2)
    rejection = Rejection("down/asn/A1", 1, "bad_document", "not JSON")
    alarm = AlarmChange("a1", "cold-a", 1, "normal", "unacked_active", "high")
    enter(ledger, passage, movement("m1", 50), alarm, command)
    enter(ledger, rejection, Gap(3, 4, 5, "denied"))
    subjects = [
        ("passage", "dock/1", passage),
        ("movement", "m1", movement("m1", 50)),
        ("alarm", "a1", alarm),
        ("command", "dock-1", command),
        ("rejection", "down/asn/A1", rejection),
        ("gap", "3-4", Gap(3, 4, 5, "denied")),
    ]
    for kind, subject, decision in subjects:
        (row,) = ledger.decided(kind, subject)
        assert row["decision"] == msgspec.json.decode(msgspec.json.encode(decision))
        assert len(row["hash"]) == 64
    assert ledger.broken_audit() is None
    found = ledger.movement("m1")
    assert found is not None
    assert found["hash"] == ledger.decided("movement", "m1")[0]["hash"]


def test_alarms_show_their_state_and_when_they_rose(ledger: Ledger) -> None:
    """An alarm has one row with its present state; back to normal it is no longer active."""

    def change(at: int, before: str, after: str, by: str = "") -> AlarmChange:
        lots = (LotMinutes(GTIN, "L1", 1.5),)
        return AlarmChange("a1", "cold-a", at, before, after, "high", 9.5, 8.0, "cold", "too warm", lots, by)

    enter(ledger, change(10, "normal", "unacked_active"), change(20, "unacked_active", "acked_active", "eve"))
    (row,) = ledger.alarms(active_only=True)
    assert (row["state"], row["since"], row["raised"], row["by"]) == ("acked_active", 20, 10, "eve")
    assert (row["value"], row["limit"], row["location"], row["lots"][0]["lot"]) == (9.5, 8.0, "cold", "L1")
    enter(ledger, change(30, "acked_active", "normal"))
    assert ledger.alarms(active_only=True) == []
    assert [one["state"] for one in ledger.alarms()] == ["normal"]
    assert [one["decision"]["after"] for one in ledger.decided("alarm", "a1")] == [
        "unacked_active",
        "acked_active",
        "normal",
    ]


def test_an_alarm_first_seen_midway_has_a_row(ledger: Ledger) -> None:
    """A first change that does not come from normal is kept, with no instant of rising."""
    enter(ledger, AlarmChange("a1", "x", 10, "unacked_active", "acked_active", "low"))
    assert [(one["state"], one["raised"]) for one in ledger.alarms()] == [("acked_active", None)]


def test_excursions_name_their_lots(ledger: Ledger) -> None:
    """An excursion is listed with its extremes and the lots that stood there; it is never doubled."""
    lots = (LotMinutes(GTIN, "L1", 12.25, 24_000), LotMinutes(GTIN, "L2", 3.0))
    excursion = Excursion(
        "x1", "a1", "cold-a", "temperature", "Cel", "cold", 10, 20, 8.1, 9.9, 9.0, lots, 8.0, "high", True
    )
    enter(ledger, excursion)
    (row,) = ledger.excursions()
    assert (row["min"], row["max"], row["mean"], row["hold"]) == (8.1, 9.9, 9.0, True)
    assert [(lot["lot"], lot["minutes"], lot["quantity"]) for lot in row["lots"]] == [
        ("L1", 12.25, "24"),
        ("L2", 3.0, "0"),
    ]
    with pytest.raises(Exception, match="x1 is in the ledger already"):
        enter(ledger, excursion)


def test_stock_is_sorted_and_narrows(ledger: Ledger) -> None:
    """Stock comes by gtin, lot, location and status, and can be asked by each."""
    places = [("L2", "dock", "hold"), ("L1", "dock", "available"), ("L1", "cold", "hold"), ("L1", "cold", "available")]
    enter(ledger, effects=tuple(StockDelta(GTIN, lot, where, status, 500, "kg") for lot, where, status in places))
    assert [(row["lot"], row["location"], row["status"]) for row in ledger.stock()] == sorted(places)
    assert [row["lot"] for row in ledger.stock(location="dock")] == ["L1", "L2"]
    assert [row["location"] for row in ledger.stock(gtin=GTIN, lot="L2")] == ["dock"]
    assert ledger.stock(gtin="x") == []
    assert ledger.stock()[0]["owner"] == "acme"


def test_the_state_of_a_lot(ledger: Ledger) -> None:
    """The retained state names every place with its quantity, and is there for an unknown lot too."""
    enter(
        ledger,
        movement("m1", 50),
        effects=(
            StockDelta(GTIN, "L1", "dock", "available", 500, "each"),
            StockDelta(GTIN, "L1", "cold", "hold", 1_000, "each"),
        ),
        events=1,
    )
    assert ledger.lot_state(GTIN, "L1") == {
        "schema": 1,
        "gtin": GTIN,
        "lot": "L1",
        "expiry": "2027-01-31",
        "qc": None,
        "held": False,
        "quantities": [
            {"location": "cold", "status": "hold", "quantity": "1", "unit": "each"},
            {"location": "dock", "status": "available", "quantity": "0.5", "unit": "each"},
        ],
        "seq": 1,
    }
    assert ledger.lot_state(GTIN, "none")["quantities"] == []


def test_expectations_can_be_asked_by_state(ledger: Ledger) -> None:
    """Documents are listed by kind and id, with the state of their units."""
    document = Asn("A1", 1, (Reference("po", "P"),), "sup", (ExpectedUnit(SSCC),), "2026-11-21")
    enter(ledger, effects=(DocumentChange("asn", "A1", 1, document), DocumentChange("asn", "A0", 1, None)))
    assert [(one["id"], one["state"]) for one in ledger.expectations()] == [("A0", "withdrawn"), ("A1", "expected")]
    (one,) = ledger.expectations("expected")
    assert one["units"] == [{"sscc": SSCC, "state": "expected", "movement": None}]
    assert (one["party"], one["due"], one["documents"]) == ("sup", "2026-11-21", [{"type": "po", "id": "P"}])


def test_pending_events_come_in_order_and_bounded(ledger: Ledger) -> None:
    """The drain gets the lowest numbers above where it is, byte for byte as rendered."""
    enter(ledger, events=5)
    assert [event.seq for event in ledger.pending(0, 3)] == [1, 2, 3]
    assert [event.seq for event in ledger.pending(3, 9)] == [4, 5]
    assert ledger.pending(0, 1)[0] == Event(1, "i1", "receipt", "t/1", "application/json", {"id": "i1"}, b"\x00\xff1")


def test_settling_is_for_good_and_may_be_repeated(ledger: Ledger) -> None:
    """A settled event is pending no more; settling twice or what never was changes nothing."""
    enter(ledger, events=4)
    ledger.settle([2, 1], 50)
    ledger.settle([1, 99], 60)
    assert [event.seq for event in ledger.pending(0, 9)] == [3, 4]
    assert ledger.outbox_counts() == {"pending": 2, "settled": 2, "parked": 0, "oldest": 10, "confirmed": 0}
    ledger.settle(range(1, 2_000), 70)
    assert ledger.outbox_counts() == {"pending": 0, "settled": 4, "parked": 0, "oldest": None, "confirmed": 0}


def test_sent_events_can_be_had_again(ledger: Ledger) -> None:
    """A resend gets events by number, settled ones included, with the same bytes."""
    enter(ledger, events=5)
    before = ledger.pending(0, 9)
    ledger.settle([1, 2, 3], 50)
    assert ledger.events(2, 4) == before[1:4]
    assert ledger.events(2, 4, limit=1) == before[1:2]
    assert ledger.events(9, 12) == []


def test_the_drain_never_walks_over_sent_rows(ledger: Ledger) -> None:
    """Looking for pending events uses the index of what is not settled."""
    enter(ledger, events=3)
    statements: list[str] = []
    with ledger._engine.connect() as connection:
        connection.connection.driver_connection.set_trace_callback(statements.append)  # type: ignore[union-attr]
        ledger.pending(0, 5)
        connection.connection.driver_connection.set_trace_callback(None)  # type: ignore[union-attr]
        asked = next(one for one in statements if "FROM outbox" in one)
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}").all()
    assert "ix_outbox_unsettled" in str(plan)
    assert "TEMP B-TREE" not in str(plan)


def test_firings_are_kept_with_rule_hash_facts_and_actions(ledger: Ledger) -> None:
    """Newest first, by rule and by subject; each is an audit row too, with what it published."""
    for number, rule in enumerate(("a", "b", "a")):
        facts = {"weight.off": "4.4", "reasons": ["matched"]}
        one = Firing(rule, f"digest-{rule}", number, "receive", f"m{number}", "dock", facts, ("hold over",), ("told",))
        enter(ledger, one)
    assert [row["subject"] for row in ledger.firings()] == ["m2", "m1", "m0"]
    assert [row["subject"] for row in ledger.firings(rule="a")] == ["m2", "m0"]
    (row,) = ledger.firings(subject="m1")
    assert (row["rule"], row["digest"], row["facts"]["weight.off"], row["actions"]) == (
        "b",
        "digest-b",
        "4.4",
        ["hold over"],
    )
    assert [one["decision"]["published"] for one in ledger.decided("firing", "b")] == [["told"]]
    assert len(ledger.firings(1)) == 1
