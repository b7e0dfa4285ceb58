"""`python -m simulators …` is `tallyman-sim …`."""

from simulators.cli import main

main()
