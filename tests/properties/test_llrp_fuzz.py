"""A slice of the LLRP fuzz target in every run; TALLYMAN_FUZZ_SECONDS lengthens it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PLACE = Path(__file__).resolve().parents[1] / "fuzz"
SECONDS = float(os.environ.get("TALLYMAN_FUZZ_SECONDS", "5"))


@pytest.mark.timeout(SECONDS + 120)
def test_mutated_frames_do_no_harm(tmp_path: Path) -> None:
    """Mutated frames: no exception escapes, none takes long, what decodes encodes, memory stays flat."""
    command = [sys.executable, str(PLACE / "llrp_frames.py"), "--seconds", str(SECONDS)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS + 90, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"^(\d+) mutated frames .* slowest ([\d.]+) ms, memory \+(\d+) MiB", done.stdout)
    assert found is not None, done.stdout
    assert int(found[1]) > 20 * SECONDS
    assert float(found[2]) < 2_000
    assert int(found[3]) < 32


@pytest.mark.timeout(SECONDS + 120)
def test_the_target_that_is_guided_by_coverage_does_no_harm(tmp_path: Path) -> None:
    """The same claims under atheris: it runs, it finds its way in, nothing is broken, nothing is left behind."""
    seconds = max(2, round(SECONDS / 3))
    command = [sys.executable, str(PLACE / "llrp_atheris.py"), "--seconds", str(seconds), "--corpus", "kept"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=SECONDS + 90, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found = re.findall(r"^#(\d+)\s+DONE\s+cov: (\d+) ", done.stderr, re.MULTILINE)
    assert found, done.stderr[-4000:]
    ((frames, edges),) = found
    assert int(frames) > 3_000
    assert int(edges) > 400
    assert list(tmp_path.iterdir()) == [tmp_path / "kept"]
