"""`python -m simulators.llrp …` is `tallyman-sim reader …`."""

from simulators.llrp.cli import reader

reader()
