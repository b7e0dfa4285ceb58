"""`tallyman demo`: the whole morning, and a judge that is not easily pleased."""

import copy
import io
import json
import time

import pytest

from gateway.cli.demo import Board, _judge


@pytest.mark.timeout(90)
async def test_the_demo_is_right_within_a_minute(bench):
    """`tallyman demo --json` ends with 0 in less than 60 s, every check true, and prints one JSON object."""
    began = time.monotonic()
    said = await bench.tallyman("demo", "--json")
    assert said.code == 0, said.err
    assert time.monotonic() - began < 60
    (result,) = said.rows()
    assert result["ok"] is True
    assert set(result["checks"].values()) == {True}
    assert set(result["checks"]) >= {"inventory", "verdicts", "lamps", "one alarm", "excursion lots"}
    assert result["inventory"]["central"] == result["inventory"]["wanted"] != []
    assert len(result["verdicts"]["decided"]) == 6
    assert result["central"]["duplicates"] == result["central"]["reordered"] == 0


ROW = {"gtin": "1", "lot": "L", "location": "cold-2", "status": "available", "quantity": "12", "unit": "each"}
DONE = {
    "truth": {
        "inventory": [ROW],
        "pallets": [{"portal": "dock-1", "type": "receive", "verdict": "accepted", "reasons": ["matched"]}],
        "lamps": {"dock-1": ["green"]},
        "excursions": [{"lots": [["1", "L"]]}],
    },
    "lamps": [{"portal": "dock-1", "colour": "green", "at": 3.0}],
    "reads": 100,
}
REPORT = {"inventory": [ROW], "kinds": {"receipt": 1}, "gaps": [], "conflicts": 0, "rejected": []}
LINES = [
    {"kind": "movement", "passage": "dock-1/1", "at": "2026-11-21T06:00:00.000000Z", "type": "receive"}
    | {"verdict": "accepted", "reasons": ["matched"], "lines": []},
    {"kind": "alarm", "alarm": "warm", "from": "normal", "to": "unacked_active", "value": 9.0},
    {"kind": "alarm", "alarm": "warm", "from": "unacked_active", "to": "rtn_unacked", "value": 5.0},
    {"kind": "excursion", "lots": [{"gtin": "1", "lot": "L", "minutes": 0.1}, {"gtin": "", "lot": "", "minutes": 1}]},
    {"kind": "event"},
]


def judged(done=DONE, report=REPORT, lines=LINES):
    """The names of the checks that fail."""
    board = Board()
    for line in lines:
        board.take(line)
    result = _judge(done, report, board)
    failed = [name for name, passed in result["checks"].items() if not passed]
    assert result["ok"] == (not failed)
    return failed


def test_the_judge_accepts_the_truth():
    """With everything as it should be, no check fails; the lots without a name are no part of an excursion's truth."""
    assert judged() == []


@pytest.mark.parametrize("change", [{"quantity": "11"}, {"status": "hold"}, {"location": "inbound"}, {"lot": "M"}])
def test_the_judge_finds_a_falsified_inventory(change):
    """Any difference in central's inventory fails the demo: quantity, status, place, lot."""
    assert judged(report=REPORT | {"inventory": [ROW | change]}) == ["inventory"]


@pytest.mark.parametrize(
    ("report", "failed"),
    [
        ({"inventory": []}, "inventory"),
        ({"inventory": [ROW, ROW | {"lot": "ghost"}]}, "inventory"),
        ({"gaps": [["gw", 3, 3]]}, "no gap, no conflict"),
        ({"conflicts": 1}, "no gap, no conflict"),
        ({"rejected": [["t", "r"]]}, "no gap, no conflict"),
    ],
)
def test_the_judge_finds_what_central_lacks(report, failed):
    """Missing and invented stock, a gap, a conflict and a rejected event each fail the demo."""
    assert judged(report=REPORT | report) == [failed]


def test_the_judge_finds_no_report_at_all():
    """A central that never answered fails the demo."""
    assert "inventory" in judged(report={})


def test_the_judge_finds_wrong_decisions():
    """A wrong verdict or reason, a doubled or missing movement, alarm, lot or lamp fails its check."""
    wrong = copy.deepcopy(LINES)
    wrong[0]["verdict"] = "held"
    assert judged(lines=wrong) == ["verdicts"]
    assert judged(lines=[LINES[0], *LINES]) == ["verdicts"]
    assert judged(lines=LINES[1:]) == ["verdicts"]
    assert judged(lines=[LINES[1], *LINES]) == ["one alarm"]
    assert judged(lines=[line for line in LINES if line["kind"] != "excursion"]) == ["excursion lots"]
    assert judged(done=DONE | {"lamps": []}) == ["lamps"]
    assert judged(done=DONE | {"lamps": [{"portal": "dock-1", "colour": "red"}]}) == ["lamps"]


def test_the_board_shows_what_it_took():
    """The live table has the movement, the lamp, the alarm and the count of events."""
    from rich.console import Console

    board = Board()
    for line in LINES:
        board.take(json.loads(json.dumps(line)))
    board.movements[0]["lines"] = [{"quantity": "12", "lot": "L", "gtin": "1"}]
    board.step({"step": "lamp on", "portal": "dock-1", "colour": "amber"})
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(board.render())
    text = console.export_text()
    for words in ("receive", "accepted", "12 × L", "dock-1 ●", "warm: normal → unacked_active at 9.0", "1 events"):
        assert words in text
    board.step({"step": "lamp off", "portal": "dock-1", "colour": "amber"})
    assert board.lamps == {"dock-1": ""}
