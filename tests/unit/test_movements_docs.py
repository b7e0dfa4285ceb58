"""docs/movements.md says every reason with its verdict and sentence, and every order that there is."""

import os
from pathlib import Path

from gateway.events.epcis import STEPS
from gateway.events.sentences import SENTENCES
from gateway.rules import orders, reasons

WRITTEN = Path(__file__).parents[2] / "docs" / "movements.md"
FIRST, LAST = "(TALLYMAN_WRITE_DOCS=1) -->\n", "<!-- end of reasons -->"


def table() -> str:
    """The reasons by type of movement, in the order they are given in."""
    rows = ["| movement | reason | verdict | what it says |", "|---|---|---|---|"]
    for kind, codes in reasons.TABLES.items():
        rows += [f"| {kind} | `{code}` | {verdict} | {SENTENCES[code]} |" for code, verdict in codes.items()]
    return "\n".join(["", *rows, "", ""])


def test_the_table_of_reasons_is_the_one_in_force() -> None:
    """Every reason of every type of movement, with its verdict and its sentence (TALLYMAN_WRITE_DOCS=1 writes it)."""
    text = WRITTEN.read_text(encoding="utf-8")
    head, rest = text.split(FIRST)
    written, tail = rest.split(LAST)
    if os.environ.get("TALLYMAN_WRITE_DOCS"):
        WRITTEN.write_text(f"{head}{FIRST}{table()}{LAST}{tail}", encoding="utf-8")
        return
    assert written == table()


def test_every_order_and_kind_is_named() -> None:
    """No order of persons and no kind of event about goods is left out."""
    text = WRITTEN.read_text(encoding="utf-8")
    assert [name for name in orders.NAMES if name not in text] == []
    kinds = {step.kind for step in STEPS.values()} - {"count"}
    kinds |= {"transformation", "hold", "release", "correction", "excursion"}
    assert [kind for kind in sorted(kinds) if f"`{kind}`" not in text] == []
