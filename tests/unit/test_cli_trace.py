"""`recall` through the command socket: every lot of the family, and what is made of it meanwhile."""

from pathlib import Path
from typing import Any

import pytest

from gateway.api.client import UnreachableError
from gateway.cli import trace
from gateway.cli.telling import readable, recall_lines, trace_lines


class Wire:
    """A gateway that holds what it is asked to, but some lots."""

    def __init__(self, refused: str = "", dies: int = 99) -> None:
        self.asked: list[dict[str, Any]] = []
        self.refused, self.dies = refused, dies

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def request(self, name: str, args: dict[str, Any]) -> dict[str, Any]:
        """Answer as the command socket does."""
        assert name == "hold"
        if len(self.asked) == self.dies:
            raise UnreachableError("it went away")
        self.asked.append(args)
        if args["lot"] == self.refused:
            return {"ok": False, "error": "not known"}
        return {"ok": True, "held": [{"location": "cold", "lots": []}]}


class Ledger:
    """A ledger in which one more product of the lot is found at each look."""

    def __init__(self, *families: list[str]) -> None:
        self.families = list(families)

    def recall(self, named: str) -> dict[str, Any]:
        """The next family; the last one again and again."""
        assert named == "(01)04012345000009(10)A"
        return found(*(self.families.pop(0) if len(self.families) > 1 else self.families[0]))


def found(*lots: str) -> dict[str, Any]:
    """The part of a recall that holding needs."""
    subject = {"kind": "lot", "gtin": "04012345000009", "lot": "A"}
    return {"subject": subject, "lots": [{"gtin": "04012345000009", "lot": lot} for lot in lots]}


def hold(monkeypatch: pytest.MonkeyPatch, wire: Wire, ledger: Ledger) -> tuple[list[str], list[str], str]:
    """What is listed after a recall, what is held, and the problem."""
    monkeypatch.setattr(trace, "client", lambda _: wire)
    after, held, problem = trace._holding(Path("c"), ledger, found("A"), "glass", "anna")  # type: ignore[arg-type]
    return [one["lot"] for one in after["lots"]], [one["lot"] for one in held], problem


def test_products_that_are_made_meanwhile_are_held_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The family is read again after each round, until nothing in it is new; each lot is asked for once."""
    wire = Wire()
    listed, held, problem = hold(monkeypatch, wire, Ledger(["A", "B"], ["A", "B", "C"], ["A", "B", "C"]))
    assert (listed, held, problem) == (["A", "B", "C"], ["A", "B", "C"], "")
    assert [(one["lot"], one["reason"], one["by"]) for one in wire.asked] == [
        ("A", "glass", "anna"),
        ("B", "glass", "anna"),
        ("C", "glass", "anna"),
    ]


def test_a_family_without_end_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recall does not run for ever: it says that it has to be run again."""
    growing = Ledger(*(["A", *(f"P{number}" for number in range(size))] for size in range(1, 20)))
    listed, held, problem = hold(monkeypatch, Wire(), growing)
    assert problem == "products are being made of it all the time; run the recall again"
    assert len(held) < len(listed)


def test_what_is_not_held_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal, and a gateway that goes away in the middle."""
    refused = hold(monkeypatch, Wire(refused="B"), Ledger(["A", "B", "C"]))
    assert refused[1:] == (["A"], "04012345000009/B is not held: not known")
    gone = hold(monkeypatch, Wire(dies=1), Ledger(["A", "B"]))
    assert gone[1:] == (["A"], "1 of 2 lots are held: it went away")


def test_instants_are_text_wherever_they_stand() -> None:
    """µs become RFC 3339, also inside lists; other numbers stay."""
    told = readable({"at": 0, "seq": 5, "lots": [{"holds": [{"at": 1_000_000, "released": None}]}]})
    assert told["at"] == "1970-01-01T00:00:00.000000Z"
    assert told["seq"] == 5
    assert told["lots"][0]["holds"][0] == {"at": "1970-01-01T00:00:01.000000Z", "released": None}


def test_a_trace_that_was_cut_says_so_in_words() -> None:
    """The last line of a trace and of a recall that are not complete."""
    subject = {"kind": "lot", "gtin": "04012345000009", "lot": "A"}
    names = "lots units items lineage places movements excursions alarms climate origins destinations"
    empty: dict[str, Any] = {name: [] for name in [*names.split(), "here", "left", "used", "refused", "announced"]}
    cut = {"subject": subject, "complete": False} | empty
    assert list(trace_lines(cut))[-1] == "the lineage is longer than a trace follows: this is not all of it"
    assert list(recall_lines(cut)) == [
        "recall of lot 04012345000009/A",
        "nothing of it is here",
        "nothing of it has left",
        "the lineage is longer than a trace follows: this is not all of it",
    ]
