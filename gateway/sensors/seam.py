"""What every sensor driver is given: where inputs go, and the wall clock."""

import time
from collections.abc import Awaitable, Callable

from gateway.model.inputs import Input

Submit = Callable[[Input], Awaitable[None]]
"""Takes an input; waits while the gateway is behind (the package docstring has the seam)."""

Clock = Callable[[], int]
"""Now, in µs UTC."""


def wall_clock() -> int:
    """Now, in µs UTC, as the machine believes it."""
    return time.time_ns() // 1000
