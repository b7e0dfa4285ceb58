"""docs/protocols/llrp.md: its diagram is the handshake's table, its example is true, and its commands exist.

    TALLYMAN_WRITE_DOCS=1 pytest tests/unit/test_llrp_docs.py

writes the diagram anew.
"""

import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.main import main
from gateway.readers.llrp.handshake import STEPS, State
from gateway.readers.llrp.transcript import line, read

PAGE = Path(__file__).resolve().parents[2] / "docs" / "protocols" / "llrp.md"
TEXT = PAGE.read_text("utf-8") if PAGE.exists() else ""  # an installed package has no docs
BEGIN, END = "<!-- states: ", "<!-- /states -->"


def diagram() -> str:
    """The session's states as a Mermaid diagram, from the handshake's table."""

    def name(state: State) -> str:
        return state.name.lower()

    first = next(iter(STEPS))
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {name(State.GREETING)}: connected"]
    lines.append(f"    {name(State.GREETING)} --> {name(first)}: welcome")
    lines.append(f"    {name(State.GREETING)} --> {name(State.FAILED)}: another client is there")
    for state, step in STEPS.items():
        request = getattr(step.request, "__name__", "request").replace("_", " ")
        if step.accepted == step.refused:
            how = "accepted, refused, unanswered" if step.unanswered == step.accepted else "accepted, refused"
            lines.append(f"    {name(state)} --> {name(step.accepted)}: {request} / {how} or not needed")
        else:
            assert step.unanswered is State.FAILED, "the picture has no arrow for that"
            lines.append(f"    {name(state)} --> {name(step.accepted)}: {request} / accepted")
            lines.append(f"    {name(state)} --> {name(step.refused)}: {request} / refused")
    lines.append(f"    {name(State.READING)} --> {name(State.CLOSING)}: stop")
    lines.append(f"    {name(State.READING)} --> {name(State.FAILED)}: silence, broken stream")
    lines.append(f"    {name(State.CLOSING)} --> {name(State.CLOSED)}: answered or too late")
    lines += [f"    {name(State.CLOSED)} --> [*]", f"    {name(State.FAILED)} --> [*]: back off, connect anew", "```"]
    return "\n".join(lines)


def test_the_diagram_is_the_table() -> None:
    """The page shows the handshake as it is. TALLYMAN_WRITE_DOCS=1 writes it anew."""
    before, _, rest = TEXT.partition(BEGIN)
    comment, _, rest = rest.partition("\n")
    _, _, after = rest.partition(END)
    wanted = f"{before}{BEGIN}{comment}\n\n{diagram()}\n\n{END}{after}"
    if os.environ.get("TALLYMAN_WRITE_DOCS"):
        PAGE.write_text(wanted, "utf-8")
        return
    assert wanted == TEXT, "the handshake changed: TALLYMAN_WRITE_DOCS=1 pytest tests/unit/test_llrp_docs.py"


def test_the_diagram_has_every_state() -> None:
    """No state of the handshake is missing in the picture, and none is a dead end."""
    arrows = re.findall(r"^    (\S+) --> (\S+?)(?::|$)", diagram(), re.MULTILINE)
    assert {end for arrow in arrows for end in arrow} == {state.name.lower() for state in State} | {"[*]"}
    assert {start for start, _ in arrows} == {end for _, end in arrows}


def test_the_example_is_true() -> None:
    """The bytes shown are a message, and it says what the page says."""
    _, _, example = TEXT.partition("An example, byte by byte")
    rows = re.findall(r"^ {4,}((?:[0-9a-f]{2} +)+[0-9a-f]{2}) {2,}", example.partition("$ tallyman")[0], re.MULTILINE)
    (entry,) = read([bytes.fromhex("".join(rows))])
    assert entry.exact
    shown = re.search(r"^ +0  1\.0\.1  .*?(?=30141bcf)", example, re.MULTILINE)
    assert shown is not None
    assert line(entry).strip().startswith(shown[0].strip())


@pytest.mark.parametrize("command", ["decode", "verify"])
def test_the_commands_exist(command: str) -> None:
    """What the page tells to type can be typed."""
    assert f"tallyman llrp {command} FILE" in TEXT
    assert CliRunner().invoke(main, ["llrp", command, "--help"]).exit_code == 0
