"""A slice of the LLRP fuzz target in every run; TALLYMAN_FUZZ_SECONDS lengthens it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TARGET = Path(__file__).resolve().parents[1] / "fuzz" / "llrp_frames.py"
SECONDS = float(os.environ.get("TALLYMAN_FUZZ_SECONDS", "5"))


@pytest.mark.timeout(SECONDS + 120)
def test_mutated_frames_do_no_harm(tmp_path: Path) -> None:
    """Thousands of mutated frames: no exception escapes, none takes long, what decodes encodes, memory stays flat."""
    command = [sys.executable, str(TARGET), "--seconds", str(SECONDS)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS + 90, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"^(\d+) mutated frames .* slowest ([\d.]+) ms, memory \+(\d+) MiB", done.stdout)
    assert found is not None, done.stdout
    assert int(found[1]) > 500 * SECONDS
    assert float(found[2]) < 2_000
    assert int(found[3]) < 32
