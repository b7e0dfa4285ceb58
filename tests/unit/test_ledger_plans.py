"""How SQLite finds rows: every statement of a trace, a recall and a commit goes by a key that does not grow dear."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import event

from gateway.ledger.store import Ledger
from gateway.model.documents import Asn, ExpectedLine, ExpectedUnit
from gateway.model.outcome import DocumentChange
from tests.goodsbench import CAKE, GTIN, NOON, SSCC, baked, enter, moved, some, story, tag

SITE_ALONE = re.compile(r"\(site=\?\)$")
SMALL = ("alarms", "sites")
"""Tables that stay small whatever moves: as many rows as the configuration has alarms, as there are sites."""


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """A ledger in memory with goods of every kind."""
    ledger = Ledger.open("sqlite://", site="s", gateway="g")
    story(ledger)
    baked(ledger, "t1", 80, "L1", "C1")
    coming = Asn("A7", units=(ExpectedUnit(SSCC, (ExpectedLine(GTIN, "6", "L1"),)),))
    enter(ledger, NOON, changes=[DocumentChange("asn", "A7", 1, coming)])
    yield ledger
    ledger.close()


def plans(ledger: Ledger, work: Callable[[], Any]) -> dict[str, list[str]]:
    """The statements that `work` runs, each with the steps of its plan."""
    seen: list[tuple[str, Any]] = []

    def heard(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, many: bool) -> None:
        seen.append((statement, parameters[0] if many else parameters))

    event.listen(ledger._engine, "before_cursor_execute", heard)
    try:
        work()
    finally:
        event.remove(ledger._engine, "before_cursor_execute", heard)
    found = {}
    with ledger._engine.connect() as connection:
        for statement, parameters in seen:
            if statement.startswith(("SELECT", "UPDATE", "DELETE")):
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
                found[statement] = [row.detail for row in rows]
    return found


def dear(step: str) -> bool:
    """Whether a step reads what belongs to the whole site, or a table from end to end."""
    match = re.match(r"(SCAN|SEARCH) (\w+)", step)
    if match is None or match[2] in SMALL:
        return False
    return match[1] == "SCAN" or SITE_ALONE.search(step) is not None


@pytest.mark.parametrize("named", [f"{GTIN}/L1", "L1", f"{CAKE}/C1", SSCC, tag(1), f"{GTIN}/1"])
def test_a_trace_goes_by_keys(ledger: Ledger, named: str) -> None:
    """No step of any statement reads the whole site."""
    moved(ledger, "m9", 90, "receive", (None, "cold"), [some("C1", 1, gtin=CAKE)])
    found = plans(ledger, lambda: ledger.trace(named, tags=True))
    assert len(found) > 8
    assert [(statement, step) for statement, steps in found.items() for step in steps if dear(step)] == []


def test_a_recall_goes_by_keys(ledger: Ledger) -> None:
    """Nor what a recall asks."""
    found = plans(ledger, lambda: ledger.recall("L1"))
    assert any("expected_lines" in statement for statement in found)
    assert [(statement, step) for statement, steps in found.items() for step in steps if dear(step)] == []


def test_a_commit_goes_by_keys(ledger: Ledger) -> None:
    """Nor what a pallet's receipt and shipment change."""
    lines = [some("L1", 2, (tag(1), tag(2)))]

    def work() -> None:
        moved(ledger, "m7", 90, "receive", (None, "cold"), lines, sscc=SSCC, expectation="asn/A7")
        moved(ledger, "m8", 91, "ship", ("cold", None), lines, sscc=SSCC)

    found = plans(ledger, work)
    assert any("movement" in statement or "stays" in statement for statement in found)
    assert [(statement, step) for statement, steps in found.items() for step in steps if dear(step)] == []


def test_a_dear_step_is_known() -> None:
    """The test above can fail: these are steps it must not let pass."""
    assert dear("SCAN items")
    assert dear("SEARCH lots USING COVERING INDEX sqlite_autoindex_lots_1 (site=?)")
    assert not dear("SEARCH lots USING INDEX ix_lots_site_lot_gtin (site=? AND lot=?)")
    assert not dear("SEARCH alarms USING INDEX sqlite_autoindex_alarms_1 (site=?)")
