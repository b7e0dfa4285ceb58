"""What every figure needs: a result, an error, one core, a clock over CPU time, medians and percentiles."""

import gc
import math
import os
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct, field

from gateway import heap

Value = float | int | str


class BenchmarkError(Exception):
    """A figure could not be taken; the sentence says why (a peer that is not installed, a result that is wrong)."""


class Result(Struct, frozen=True):
    """One figure. `than` names the rival of the same run and `ratio` says how often our value contains its value."""

    figure: str
    value: float | int
    unit: str
    than: str | None = None
    ratio: float | None = None
    more: Mapping[str, Value] = field(default_factory=dict)

    def line(self) -> dict[str, Value]:
        """The keys of the JSON line, in order; absent ones are left out."""
        line: dict[str, Value] = {"figure": self.figure, "value": self.value, "unit": self.unit}
        if self.than is not None and self.ratio is not None:
            line |= {"than": self.than, "ratio": self.ratio}
        return {**line, **self.more}


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this thread, and the threads and processes it starts, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def settled_heap() -> Iterator[None]:
    """Take what is there now out of the garbage collector's rounds, as the daemon does when it is ready.

    What a bench holds ready (hundreds of thousands of frames) is no part of what it measures.
    """
    before = gc.get_threshold()
    heap.settle()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU seconds of this process, all threads, user and system, that `work` takes."""
    started = time.process_time()
    work()
    return time.process_time() - started


def memory(pid: int | str, name: str = "VmRSS") -> float:
    """A figure of /proc/PID/status in MiB; pid `self` is this process.

    Raises:
        BenchmarkError: this kernel has no such figure.
    """
    found = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    if found is None:
        raise BenchmarkError(f"this kernel does not tell {name}")
    return int(found[1]) / 1024


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile: the least value that `percent` % of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]
