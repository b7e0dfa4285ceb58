"""Golden folders: `cases/<name>/{input.ndjson, config.toml, expected.ndjson}`. A bug becomes a folder.

What a case's own rules say stands in its `site.toml`; a case about reloads has its configurations in the recording.

`ACCEPT=1 pytest tests/replay` writes what comes out as the new expectation; read the difference before keeping it.
`CLAIMS` says in words what each case is about, so that no golden file is right by accident.
"""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway import config
from gateway.events.check import problems
from gateway.ledger.store import Ledger
from gateway.pipeline import Core
from gateway.replay import replay
from gateway.rules import Engine
from simulators.inventory import Inventory
from tests.replay import model

CASES = Path(__file__).with_name("cases")
ACCEPT = os.environ.get("ACCEPT") == "1"

CLAIMS: dict[str, tuple[str, str | None, set[str], str]] = {
    # case: direction of the last passage, verdict and reasons of the last movement, kind of the last event
    "asn-newer-version": ("in", "accepted", {"matched"}, "receipt"),
    "asn-withdrawn": ("in", "held", {"no_expectation", "unknown_tag"}, "receipt"),
    "backlog": ("in", "accepted", {"matched"}, "receipt"),
    "contradiction": ("in", "held", {"contradiction", "unknown_tag", "short"}, "receipt"),
    "direction-unknown": ("unknown", None, set(), "exception"),
    "disposal": ("in", "accepted", {"disposed"}, "shipment"),
    "disposal-by-order": ("out", "accepted", {"matched"}, "shipment"),
    "disposal-of-held-goods": ("in", "refused", {"on_hold"}, "exception"),
    "duplicate-pallet": ("in", "refused", {"already_received"}, "exception"),
    "empty-passage": ("in", None, set(), "exception"),
    "empty-passages-in-a-row": ("in", "accepted", {"matched"}, "alarm"),
    "eye-blind": ("in", "accepted", {"matched"}, "receipt"),
    "eye-stuck": ("in", "accepted", {"matched"}, "receipt"),
    "eyes-that-die": ("in", "accepted", {"matched"}, "receipt"),
    "excursion-with-hold": ("in", "accepted", {"matched"}, "excursion"),
    "expired": ("in", "held", {"expired"}, "receipt"),
    "forklift-tag": ("in", "accepted", {"matched"}, "receipt"),
    "held-pallet-shipped": ("out", "refused", {"on_hold"}, "exception"),
    "hold": ("in", "refused", {"on_hold"}, "exception"),
    "hold-by-central": ("in", "held", {"on_hold"}, "release"),
    "late-asn": ("in", "accepted", {"matched"}, "receipt"),
    "late-asn-goods-gone": ("in", "accepted", {"disposed"}, "exception"),
    "late-asn-held": ("in", "held", {"unknown_tag"}, "receipt"),
    "malformed-asn": ("in", "held", {"no_expectation"}, "receipt"),
    "matched": ("in", "accepted", {"matched"}, "receipt"),
    "no-expectation": ("in", "held", {"no_expectation"}, "receipt"),
    "numbered-lot": ("in", "accepted", {"matched"}, "receipt"),
    "on-hold": ("out", "refused", {"on_hold"}, "exception"),
    "over": ("in", "held", {"over"}, "receipt"),
    "production": ("in", "accepted", {"matched"}, "transformation"),
    "production-in": ("in", "accepted", {"matched"}, "receipt"),
    "production-issue": ("out", "accepted", {"matched"}, "shipment"),
    "put-away": ("in", "accepted", {"put_away"}, "movement"),
    "release": ("in", "accepted", {"matched"}, "release"),
    "return": ("in", "accepted", {"matched"}, "receipt"),
    "rule-cooldown": ("in", "held", {"no_expectation", "unknown_tag"}, "notice"),
    "rule-despite": ("in", "accepted", {"over"}, "receipt"),
    "rule-fefo-note": ("out", "accepted", {"matched"}, "shipment"),
    "rule-for": ("in", "accepted", {"matched"}, "alarm"),
    "rule-out-of-cold": ("out", "refused", {"out_of_cold", "matched"}, "exception"),
    "rule-quarantine": ("out", "refused", {"on_hold"}, "exception"),
    "rule-rejected-lot": ("in", "refused", {"lot_rejected", "matched"}, "exception"),
    "rule-reload": ("in", "held", {"site_rule", "matched"}, "receipt"),
    "rule-short-shelf-life": ("out", "refused", {"short_shelf_life", "matched"}, "exception"),
    "rule-weight-absolute": ("in", "held", {"weight_mismatch", "matched"}, "receipt"),
    "rule-weight-percent": ("in", "held", {"weight_mismatch", "matched"}, "receipt"),
    "rule-wrong-climate": ("in", "held", {"wrong_climate", "matched"}, "receipt"),
    "rule-wrong-door": ("out", "refused", {"wrong_door", "matched"}, "exception"),
    "ship": ("out", "accepted", {"matched"}, "shipment"),
    "ship-without-order": ("out", "refused", {"no_expectation"}, "exception"),
    "short": ("in", "accepted", {"short"}, "receipt"),
    "transfer": ("out", "accepted", {"moved"}, "movement"),
    "transfer-in": ("in", "accepted", {"matched"}, "receipt"),
    "transfer-of-held-goods": ("out", "refused", {"on_hold"}, "exception"),
    "transfer-out": ("out", "accepted", {"matched"}, "shipment"),
    "transfer-to-a-hold": ("out", "held", {"held_there"}, "movement"),
    "unknown-tag": ("in", "held", {"unknown_tag"}, "receipt"),
    "unknown-tag-accept": ("in", "accepted", {"unknown_lot"}, "receipt"),
    "unknown-tag-alarm": ("in", "held", {"unknown_tag"}, "alarm"),
    "unknown-tag-ignore": ("in", "accepted", {"matched"}, "receipt"),
    "weighed-in": ("unknown", "accepted", {"matched"}, "exception"),
    "weighing": ("in", "accepted", {"matched"}, "receipt"),
    "wrong-lot": ("in", "held", {"wrong_lot", "short"}, "receipt"),
} | {name: scene.claim for name, scene in model.scenes().items()}


def decided(folder: Path) -> list[bytes]:
    """The outcome lines of a case; without a configuration beside it, under the one that its recording holds."""
    given = folder / "config.toml"
    return list(replay(folder / "input.ndjson", config.load(given) if given.exists() else None).lines())


def of_kind(lines: list[bytes], kind: str) -> list[dict[str, Any]]:
    """The lines of one kind, decoded."""
    return [found for line in lines if (found := msgspec.json.decode(line))["kind"] == kind]


@pytest.mark.parametrize("folder", sorted(CASES.iterdir()), ids=lambda folder: folder.name)
def test_a_case_is_decided_as_expected(folder: Path) -> None:
    """The recording of a case gives exactly the lines beside it."""
    lines = decided(folder)
    expected = folder / "expected.ndjson"
    if ACCEPT:
        expected.write_bytes(b"".join(line + b"\n" for line in lines))
    assert lines == expected.read_bytes().splitlines()


@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_a_case_is_about_what_it_says(name: str) -> None:
    """Direction, verdict, reasons and event of a case are those it is named for."""
    direction, verdict, reasons, kind = CLAIMS[name]
    lines = (CASES / name / "expected.ndjson").read_bytes().splitlines()
    assert of_kind(lines, "passage")[-1]["direction"] == direction
    movements = of_kind(lines, "movement")
    if verdict is None:
        assert movements == []
    else:
        assert (movements[-1]["verdict"], set(movements[-1]["reasons"])) == (verdict, reasons)
    assert of_kind(lines, "event")[-1]["topic"].split("/")[4] == kind
    assert [event["seq"] for event in of_kind(lines, "event")] == list(range(1, 1 + len(of_kind(lines, "event"))))


def test_every_case_makes_a_claim() -> None:
    """A folder that is added for a bug says in `CLAIMS` what it is about."""
    assert {folder.name for folder in CASES.iterdir()} == set(CLAIMS)


@pytest.mark.parametrize("folder", sorted(CASES.iterdir()), ids=lambda folder: folder.name)
def test_central_rebuilds_the_stock_of_a_case_from_its_events(folder: Path, tmp_path: Path) -> None:
    """Events alone give central the ledger's stock, each of them is sound EPCIS, and none needs to come twice."""
    given = folder / "config.toml"
    prepared = replay(folder / "input.ndjson", config.load(given) if given.exists() else None)
    settings = prepared._survey()[1].settings()
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db", site=settings.site, gateway=settings.gateway)
    books = Inventory(str(tmp_path / "central.sqlite"))
    books.open()
    try:
        turns = list(prepared._run(Core(Engine(settings), 0), ledger, frozenset()))
        for event in (event for turn in turns for event in turn.events):
            body = msgspec.json.decode(event.body)
            assert "@context" not in body or problems(body) == []
            for outcome in ("booked", "duplicate"):
                assert books.book(event.topic, event.body, event.attributes).outcome == outcome
        names = ("gtin", "lot", "location", "status", "quantity", "unit")
        assert books.inventory() == [{name: row[name] for name in names} for row in ledger.stock()]
    finally:
        books.close()
        ledger.close()


def test_a_late_asn_moves_the_stock_from_hold_to_available_and_names_the_lot() -> None:
    """The first receipt is declared wrong by name; the right one follows it and says which it takes the place of."""
    lines = (CASES / "late-asn" / "expected.ndjson").read_bytes().splitlines()
    first, correction, right = (one["event"] for one in of_kind(lines, "event"))
    assert correction["tally:erroneousEventID"] == first["eventID"]
    assert correction["errorDeclaration"]["correctiveEventIDs"] == [right["eventID"]]
    assert [line["tally:lot"] for line in first["tally:lotQuantityList"]] == [""]
    (line,) = right["tally:lotQuantityList"]
    assert (line["tally:lot"], line["tally:quantity"], line["tally:status"]) == ("L1", 2, "available")
    assert right["tally:movement"]["tally:corrects"] == first["tally:movement"]["tally:id"]


def test_a_backlog_decides_as_if_it_had_been_live() -> None:
    """Reads that were buffered for an hour make the passages, movements and events they would have made at once."""
    live = (CASES / "matched" / "expected.ndjson").read_bytes()
    late = (CASES / "backlog" / "expected.ndjson").read_bytes()
    assert live == late
    assert (CASES / "matched" / "input.ndjson").read_bytes() != (CASES / "backlog" / "input.ndjson").read_bytes()


def test_a_weighing_stands_on_its_movement_and_is_taken_once() -> None:
    """The settled weight before the passage is on the movement with its deviation; the next passage has none."""
    first, second = of_kind((CASES / "weighing" / "expected.ndjson").read_bytes().splitlines(), "movement")
    weight = first["weight"]
    assert (weight["value"], weight["unit"], weight["expected"], weight["deviation_pct"]) == (
        "612.4",
        "kg",
        "608.0",
        0.72,
    )
    assert second["weight"] is None


def test_an_excursion_names_its_lots_and_holds_them() -> None:
    """The lots in the room are on the alarm, the hold and the excursion, with the minutes they stood there."""
    lines = (CASES / "excursion-with-hold" / "expected.ndjson").read_bytes().splitlines()
    (excursion,) = of_kind(lines, "excursion")
    (hold,) = of_kind(lines, "hold")
    assert [lot["lot"] for lot in excursion["lots"]] == [lot["lot"] for lot in hold["lots"]] == ["L1"]
    assert excursion["lots"][0]["minutes"] > 0
    assert (excursion["min"], excursion["max"]) == (9.0, 10.0)
    assert [change["to"] for change in of_kind(lines, "alarm")] == ["unacked_active", "rtn_unacked"]


def lines_of(name: str, kind: str) -> list[dict[str, Any]]:
    """The expected lines of one kind of a case."""
    return of_kind((CASES / name / "expected.ndjson").read_bytes().splitlines(), kind)


def test_three_empty_passages_in_a_row_are_an_alarm_that_ends_with_goods() -> None:
    """Each is an event; the third is also an alarm, which says that nothing was read; the next pallet ends it."""
    name = "empty-passages-in-a-row"
    assert [one["reason"] for one in lines_of(name, "exception")] == ["empty_passage"] * 3
    assert [(one["alarm"], one["to"]) for one in lines_of(name, "alarm")] == [
        ("portal/dock-1/empty", "unacked_active"),
        ("portal/dock-1/empty", "rtn_unacked"),
    ]
    (raised, _) = (one["event"] for one in lines_of(name, "event") if one["event"].get("type") == "tally.alarm")
    assert "3 in a row crossed and not one tag was read: is dock-1 reading" in raised["sentence"]


@pytest.mark.parametrize(
    ("name", "eyes", "pallets", "says"),
    [
        ("eyes-that-die", ["eye-1", "eye-2"], 5, "the outer eye has seen nothing since"),
        ("eye-stuck", ["eye-1"], 3, "the beam of the outer eye is broken since"),
        ("eye-blind", ["eye-2"], 7, "the inner eye has not seen the last 2 vehicles"),
    ],
)
def test_eyes_that_fail_are_told_and_lose_no_pallet(name: str, eyes: list[str], pallets: int, says: str) -> None:
    """Every pallet is received; the alarm names the eye and why, and ends when the eye speaks again."""
    assert [one["verdict"] for one in lines_of(name, "movement")] == ["accepted"] * pallets
    alarms = lines_of(name, "alarm")
    assert [one["source"] for one in alarms] == [f"dock-1/{eye}" for eye in eyes] * 2
    assert [one["to"] for one in alarms] == ["unacked_active"] * len(eyes) + ["rtn_unacked"] * len(eyes)
    told = [one["event"] for one in lines_of(name, "event") if one["event"].get("type") == "tally.alarm"]
    assert says in told[0]["sentence"]


def test_a_weight_opens_where_no_beam_is_broken_and_only_there() -> None:
    """What the eyes see has its weight; what they do not see is opened by its weight; without tags it is empty."""
    passages = lines_of("weighed-in", "passage")
    assert [one["evidence"].get("opened_by") for one in passages] == [None, "scale", "scale"]
    assert [one["weight"]["value"] for one in lines_of("weighed-in", "movement")] == ["608.4", "612.4"]
    (empty,) = lines_of("weighed-in", "exception")
    assert (empty["source"], empty["reason"]) == (passages[2]["passage"], "empty_passage")


def test_fefo_names_the_lot_that_may_leave_and_not_the_rejected_one() -> None:
    """L3 expires first and was rejected; L2 is the one that is told, with its place and its days."""
    (firing,) = lines_of("rule-fefo-note", "firing")
    assert firing["actions"] == ["note lot L2 in cold-2 expires 120 days earlier"]
    assert [len(one["lines"]) for one in lines_of("rule-fefo-note", "movement")] == [1, 1, 1, 1]
    assert lines_of("rule-fefo-note", "movement")[1]["lines"][0]["lot"] == "L3"


def test_a_loosened_receipt_says_which_rule_overlooked_what() -> None:
    """Over, accepted, available; the rule and the reason it overlooks stand in the record."""
    (firing,) = lines_of("rule-despite", "firing")
    assert firing["actions"] == ["receive despite over", "note one more than announced"]
    (movement,) = lines_of("rule-despite", "movement")
    assert (movement["verdict"], movement["rules"]) == ("accepted", ["site.one-more"])


def test_a_cooldown_and_a_case_met_once_mute_what_is_said() -> None:
    """Three unannounced pallets in twelve minutes: told the first and the third time, and once per door."""
    told = [(one["rule"], one["at"][11:16]) for one in lines_of("rule-cooldown", "firing")]
    assert told == [("site.each-door", "06:42"), ("site.unannounced", "06:42"), ("site.unannounced", "06:54")]
    assert [one["verdict"] for one in lines_of("rule-cooldown", "movement")] == ["held"] * 3
    assert len(lines_of("rule-cooldown", "alarm")) == 1


def test_held_goods_go_into_the_pen_and_not_out_of_it() -> None:
    """In: held, stock moves along and stays on hold. Out again: refused, though the rule says the same."""
    moves = [(one["type"], one["to"], one["verdict"]) for one in lines_of("rule-quarantine", "movement")]
    assert moves == [("receive", "cold-2", "accepted"), ("transfer", "pen", "held"), ("transfer", "cold-2", "refused")]
    moved = lines_of("rule-quarantine", "event")[-2]["event"]
    assert "non_sellable_other" in moved["disposition"]


def test_a_rule_over_measurements_fires_by_time_alone_and_says_when_it_is_over() -> None:
    """Four seconds warm are too few; five hold the lots and raise the alarm; then `else`, once."""
    told = [(one["at"][17:19], one["actions"]) for one in lines_of("rule-for", "firing")]
    assert told == [("40", ["hold excursion", "raise cold-2-warm"]), ("42", ["note cold-2 is at 5 Cel again"])]
    (hold,) = lines_of("rule-for", "hold")
    assert (hold["source"], [lot["lot"] for lot in hold["lots"]]) == ("rule/site.warm", ["L1"])


def test_each_movement_is_decided_by_the_rules_in_force_when_it_ended() -> None:
    """Held, accepted after the reload, held again: a reload while the pallet is in the door counts for it; one that
    cannot be read changes nothing.
    """
    verdicts = [(one["verdict"], one["rules"]) for one in lines_of("rule-reload", "movement")]
    assert verdicts == [("held", ["site.all"]), ("accepted", []), ("held", ["site.all"])]
