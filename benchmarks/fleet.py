"""`llrp_8_readers_cpu`, `llrp_8_readers_rss`: what eight busy readers cost the process that listens to them.

Three processes: this one, the readers (`tagsources`), and the client (`fleetclient`), which has a core to itself.
"""

import asyncio
import contextlib
import functools
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.measuring import BenchmarkError, Result, median

READERS, RATE = 8, 1_100
BAR = 35
"""% of one core."""

WARM_UP, SECONDS, REPETITIONS = 3.0, 8.0, 3
TAIL = 1.0
"""Seconds for which the readers send on after the last window."""

TRUE = 0.01
"""By this share the tags of a window may differ from what is due in it."""


def cpu() -> Result:
    """% of one core, median of the windows; further keys tell whether the tags really came one by one."""
    run = _run()
    more = {
        "bar": BAR,
        "tags_per_second": round(median([one["tags"] / one["wall"] for one in run["windows"]])),
        "tags_per_input": round(median([one["tags"] / one["inputs"] for one in run["windows"]]), 3),
        "frames_per_wake": run["frames_per_wake"],
        "late": run["late"],
    }
    share = median([100 * one["cpu"] / one["wall"] for one in run["windows"]])
    return Result("llrp_8_readers_cpu", round(share, 1), "% of one core", more=more)


def rss() -> Result:
    """Highest resident MiB after a window; `peak` of the whole run."""
    run = _run()
    highest = max(one["rss"] for one in run["windows"])
    return Result("llrp_8_readers_rss", round(highest, 1), "MiB", more={"peak": round(run["peak"], 1)})


@functools.cache
def _run() -> dict[str, Any]:
    """Both figures are of one run."""
    run = asyncio.run(measure())
    check_pace(run["windows"], READERS * RATE)
    return run


async def measure(
    readers: int = READERS,
    rate: int = RATE,
    warm_up: float = WARM_UP,
    seconds: float = SECONDS,
    repetitions: int = REPETITIONS,
) -> dict[str, Any]:
    """What the client measured, and how the readers sent.

    Raises:
        BenchmarkError: not every tag came.
    """
    lasts = warm_up + seconds * repetitions + TAIL
    sources = await _spawn("benchmarks.tagsources", readers, rate, lasts)
    client = None
    try:
        ports = (await _told(sources))["ports"]
        expected = readers * round(rate * lasts)
        client = await _spawn("benchmarks.fleetclient", expected, warm_up, seconds, repetitions, *ports)
        run = await _told(client)
        if "error" in run:
            raise BenchmarkError(run["error"])
        run |= await _told(sources)
    finally:
        for child in (sources, client):
            if child is not None:
                with contextlib.suppress(ProcessLookupError):
                    child.terminate()
                await child.communicate()
    if not run["tags"] == run["sent"] == expected:
        raise BenchmarkError(f"{expected} tags were due, {run['sent']} sent and {run['tags']} received")
    return run


def check_pace(windows: Sequence[Mapping[str, float]], due: float) -> None:
    """In every window must have come what was `due` per second.

    Raises:
        BenchmarkError: it was more or less.
    """
    for one in windows:
        rate = one["tags"] / one["wall"]
        if abs(rate / due - 1) > TRUE:
            raise BenchmarkError(f"{rate:,.0f} tags/s came instead of {due:,.0f}: is this machine busy?")


async def _spawn(module: str, *args: float) -> asyncio.subprocess.Process:
    command = (sys.executable, "-m", module, *map(str, args))
    return await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)


async def _told(child: asyncio.subprocess.Process) -> dict[str, Any]:
    """The next line of a child."""
    assert child.stdout is not None
    line = await child.stdout.readline()
    if not line:
        raise BenchmarkError("a process of the bench ended too early; see above")
    told: dict[str, Any] = json.loads(line)
    return told
