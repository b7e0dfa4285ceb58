"""The orders on the command line: how portions are written, and what a refusal looks like."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.main import main
from gateway.cli.orders import portion


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("09501101530003/F9=12.5kg", {"gtin": "09501101530003", "lot": "F9", "quantity": "12.5", "unit": "kg"}),
        ("09501101530003=40", {"gtin": "09501101530003", "quantity": "40"}),
        ("09501101530003/A/7=1", {"gtin": "09501101530003", "lot": "A/7", "quantity": "1"}),
    ],
)
def test_portions(text: str, found: dict[str, str]) -> None:
    """Product, lot if any, amount, unit if any; a lot may hold a slash."""
    assert portion(text) == found


@pytest.mark.parametrize("text", ["", "09501101530003", "=5", "09501101530003/F9=kg"])
def test_what_is_no_portion(text: str) -> None:
    """Without product or amount it is refused, with an example."""
    with pytest.raises(ValueError, match="such as"):
        portion(text)
    said = CliRunner().invoke(main, ["produce", "P1", "--input", text])
    assert (said.exit_code, "such as" in said.output) == (2, True)


@pytest.mark.parametrize("words", [("lot", "hold", "1/2"), ("move", "3", "cold"), ("dispose", "3"), ("produce", "P")])
def test_without_a_gateway_an_order_is_not_given(words: tuple[str, ...], tmp_path: Path) -> None:
    """Nobody answers: the command says so and fails; it writes nothing itself."""
    case = Path(__file__).parents[1] / "replay" / "cases" / "matched" / "config.toml"
    file = tmp_path / "tallyman.toml"
    file.write_text(f'{case.read_text()}\n[api]\nsocket = "{tmp_path}/none.sock"\n')
    said = CliRunner().invoke(main, [*words, "-c", str(file)])
    assert said.exit_code == 1
    assert "no gateway answers" in said.output
