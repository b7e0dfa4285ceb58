"""Golden folders: `cases/<name>/{input.ndjson, config.toml, expected.ndjson}`. A bug becomes a folder.

`ACCEPT=1 pytest tests/replay` writes what comes out as the new expectation; read the difference before keeping it.
`CLAIMS` says in words what each case is about, so that no golden file is right by accident.
"""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway import config
from gateway.replay import replay

CASES = Path(__file__).with_name("cases")
ACCEPT = os.environ.get("ACCEPT") == "1"

CLAIMS: dict[str, tuple[str, str | None, set[str], str]] = {
    # case: direction of the last passage, verdict and reasons of the last movement, kind of the last event
    "backlog": ("in", "accepted", {"matched"}, "receipt"),
    "direction-unknown": ("unknown", None, set(), "exception"),
    "empty-passage": ("in", None, set(), "exception"),
    "excursion-with-hold": ("in", "accepted", {"matched"}, "excursion"),
    "expired": ("in", "held", {"expired"}, "receipt"),
    "malformed-asn": ("in", "held", {"no_expectation"}, "receipt"),
    "matched": ("in", "accepted", {"matched"}, "receipt"),
    "no-expectation": ("in", "held", {"no_expectation"}, "receipt"),
    "on-hold": ("out", "refused", {"on_hold"}, "exception"),
    "over": ("in", "held", {"over"}, "receipt"),
    "ship": ("out", "accepted", {"matched"}, "shipment"),
    "ship-without-order": ("out", "refused", {"no_expectation"}, "exception"),
    "short": ("in", "accepted", {"short"}, "receipt"),
    "unknown-tag": ("in", "held", {"unknown_tag"}, "receipt"),
    "weighing": ("in", "accepted", {"matched"}, "receipt"),
}


def decided(folder: Path) -> list[bytes]:
    """The outcome lines of a case."""
    return list(replay(folder / "input.ndjson", config.load(folder / "config.toml")).lines())


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
