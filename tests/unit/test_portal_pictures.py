"""docs/portals.md and its pictures: what is shown exists, is small, and can be drawn again."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.config.presets import PRESETS
from gateway.rules import scorecard

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "portals.md").read_text("utf-8")
SCRIPT = ROOT / "tools" / "portal_pictures.py"
SHOWN = sorted(re.findall(r"\(portals/(\w+\.png)\)", PAGE))
DRAW = "import sys; sys.path.insert(0, 'tools'); import portal_pictures as p; from pathlib import Path; "


def test_every_picture_is_shown_once_and_small() -> None:
    """The folder holds exactly the pictures of the page, less than 500 kB together."""
    held = sorted(path.name for path in (ROOT / "docs" / "portals").iterdir())
    assert held == SHOWN
    assert sum(path.stat().st_size for path in (ROOT / "docs" / "portals").iterdir()) < 500_000


@pytest.mark.parametrize("name", ["door", "scoring"])
def test_the_script_draws_it_again(name: str, tmp_path: Path) -> None:
    """The pictures come from the script: one without reads and one that needs generator and engine are drawn here."""
    code = DRAW + f"p.main(Path({str(tmp_path)!r}), ['{name}'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / f"{name}.png").stat().st_size > 5_000


def test_the_script_draws_all_of_them() -> None:
    """Nothing on the page was drawn by hand."""
    code = DRAW + "print(*sorted(f'{name}.png' for name in p.PICTURES))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == SHOWN


def test_the_page_tells_the_presets_as_they_are() -> None:
    """Each preset has its row, with its numbers."""
    for name, preset in PRESETS.items():
        (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |")]
        quiet, settle = (f"{us / 1e6:g} s" for us in (preset.quiet, preset.settle))
        longest = f"{preset.longest / 1e6:g} s" if preset.longest < 60_000_000 else f"{preset.longest / 6e7:g} min"
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        gap = f"{preset.gap / 1e6:g} s"
        assert cells[3:] == [quiet, settle, longest, gap, str(preset.min_reads), f"{preset.min_rssi:g} dBm"]


def test_the_page_names_what_there_is() -> None:
    """Both scorecards it sends the reader to exist, and so do the commands."""
    for name in scorecard.CARDS:
        assert f'"{name}"' in PAGE
    for command in ("probe", "check", "watch", "tune", "explain", "replay"):
        assert f"tallyman {command}" in PAGE or f"tallyman llrp {command}" in PAGE
