"""Outcome lines: the keys and their order are a promise (DESIGN §6)."""

import msgspec
import pytest
from msgspec import structs

from gateway.events.lines import event_line, outcome_line
from gateway.model.outcome import (
    AlarmChange,
    Correction,
    Decision,
    DeviceCommand,
    Event,
    Excursion,
    Firing,
    Gap,
    Hold,
    Line,
    LotMinutes,
    Movement,
    Passage,
    Rejection,
    Release,
    Transformation,
    Weighed,
)

T = 1_795_243_331_250_000
AT = "2026-11-21T06:42:11.250000Z"
LOT = LotMinutes("09520001112348", "L1", 1.25, 3000)
WEIGHED = Weighed("612.4", "kg", T, "w", "608.0", 0.72)
LINE = Line("09520001112348", "L1", 2500, "each", "range", ("AA", "BB"), "2027-04-30", expected=3000, prefix=7)
MOVEMENT = Movement(
    "m", "d/1", "d", T, "receive", None, "cold", "accepted", ("matched",), (LINE,), ("r1",), "0" * 18, weight=WEIGHED
)

CASES: list[tuple[Decision, str, str]] = [
    (
        Passage("d/1", "d", T, T, "in", 0.97, ("AA",), ("BB",), ("x/1",), (), {"by": "eyes"}),
        "kind passage portal opened closed direction confidence moved strays missing inferred evidence",
        f'"opened":"{AT}","closed":"{AT}","direction":"in","confidence":0.97,"moved":["AA"]',
    ),
    (
        MOVEMENT,
        "kind movement passage at type from to verdict reasons rules lines sscc expectation weight",
        '"expiry":"2027-04-30","quantity":"2.5","unit":"each","resolved_by":"range","epcs":["AA","BB"]}]',
    ),
    (
        AlarmChange("a", "s", T, "normal", "unacked_active", "high", 9.5, 8.0, "cold", lots=(LOT,)),
        "kind alarm source at from to priority value limit",
        '"from":"normal","to":"unacked_active","priority":"high","value":9.5,"limit":8.0',
    ),
    (
        Excursion("e", "a", "s", "temperature", "Cel", "cold", T, T, 9.0, 10.0, 9.5, (LOT,), 8.0, "high", True),
        "kind excursion location start end min max mean lots",
        '"lots":[{"gtin":"09520001112348","lot":"L1","minutes":1.25}]',
    ),
    (
        DeviceCommand("r", "light", {"portal": "d", "colour": "red"}, T, T),
        "kind device name args at valid_until",
        f'"at":"{AT}","valid_until":"{AT}"',
    ),
    (
        Hold("h", "cold", T, "excursion", "a", (LOT,)),
        "kind hold location at reason source lots",
        '"lots":[{"gtin":"09520001112348","lot":"L1","minutes":1.25}]',
    ),
    (
        Firing("r.one", "ab12", T, "receive", "m", "dock-1", {"expiry.past": True}, ("hold expired",), ("told",)),
        "kind rule digest at on subject place facts actions published",
        '"facts":{"expiry.past":true},"actions":["hold expired"],"published":["told"]',
    ),
    (
        Release("r", "cold", T, "released", "command", (LOT,), "ann"),
        "kind release location at reason source lots by",
        '"lots":[{"gtin":"09520001112348","lot":"L1","quantity":"3","unit":"each"}],"by":"ann"',
    ),
    (
        Transformation("t", T, "cold", (LINE,), (LINE,), "P1", by="ann"),
        "kind transformation at location inputs outputs production documents by device",
        '"outputs":[{"gtin":"09520001112348","lot":"L1","expiry":"2027-04-30","quantity":"2.5","unit":"each"',
    ),
    (
        Correction("c", T, MOVEMENT, structs.replace(MOVEMENT, movement="n"), "incorrect_data"),
        "kind correction at movement by_movement reason",
        '"movement":"m","by_movement":"n","reason":"incorrect_data"',
    ),
    (Rejection("down/asn/A1", T, "bad_document", "ü"), "kind source at reason detail", '"detail":"ü"'),
    (Gap(4, 6, T, "refused"), "kind first last at reason", '"first":4,"last":6'),
]


@pytest.mark.parametrize(("decision", "keys", "part"), CASES, ids=[type(case[0]).__name__ for case in CASES])
def test_a_line_has_its_keys_in_order(decision: Decision, keys: str, part: str) -> None:
    """Keys are those of DESIGN §6 in that order, times RFC 3339 with microseconds, quantities decimal text."""
    line = outcome_line(decision)
    assert list(msgspec.json.decode(line)) == keys.split()
    assert part in line.decode()
    assert b"\n" not in line
    assert outcome_line(decision) == line


def test_every_kind_of_decision_has_a_line() -> None:
    """None of the decisions there are is forgotten here."""
    assert {type(case[0]) for case in CASES} == set(Decision.__args__)


def test_a_weight_is_written_out() -> None:
    """The weight evidence stands on the movement, its instant as text; without one it is null."""
    weight = msgspec.json.decode(outcome_line(MOVEMENT))["weight"]
    assert weight == {
        "value": "612.4",
        "unit": "kg",
        "at": AT,
        "scale": "w",
        "expected": "608.0",
        "deviation_pct": 0.72,
    }
    assert msgspec.json.decode(outcome_line(msgspec.structs.replace(MOVEMENT, weight=None)))["weight"] is None


def test_an_event_line_carries_the_bytes_that_are_sent() -> None:
    """The event's body stands in the line as it is, not decoded and encoded again."""
    body = b'{"b":1.50,"a":"\\u00fc"}'
    line = event_line(Event(7, "id", "receipt", "t/ü", "application/json", {}, body))
    assert line == '{"kind":"event","seq":7,"topic":"t/ü","event":'.encode() + body + b"}"
