"""Families × variants over the cores, and the figures: how often the gateway is right, beside the rivals."""

import ast
import functools
import gc
import hashlib
import math
import os
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from msgspec import Struct

import simulators.rf
from benchmarks.measuring import Result, Value
from benchmarks.portal import rivals
from benchmarks.portal.answers import Answer
from benchmarks.portal.playing import play
from benchmarks.portal.scoring import Tally, score
from benchmarks.portal.serials import at_random
from benchmarks.portal.showing import show
from simulators.rf import Shift, shift

PASSAGES = 1_000
"""Passages of a family in the table, on its untouched variant, and on its tuning one for comparison."""

PER_SHIFT = 25
"""Passages of one shift: each shift has a dock, readers and goods of its own, so a family is 40 docks."""

CONFIDENCE = 0.95

OURS, EDGEX, TWICE = "tallyman", "EdgeX mobility", "seen twice"


@functools.cache
def version() -> str:
    """Eight hex digits over the generator's code without its words: figures of one version can be compared."""
    digest = hashlib.sha256()
    directory = Path(simulators.rf.__file__).parent
    for path in sorted(directory.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            match node:
                case ast.Expr(ast.Constant(str() as text)):
                    node.value = ast.Constant(text[:0])
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()[:8]


class Job(Struct, frozen=True):
    """One shift to be played. `cache` is a directory for generated shifts, or None."""

    family: str
    variant: str
    seed: int
    passages: int
    rivals: bool = True
    failures: int = 0
    cache: str | None = None
    at_random: bool = False
    """With serial numbers drawn at random."""


class Played(Struct):
    """What came of a job: a tally per contestant, and the first failures as text."""

    tallies: dict[str, Tally]
    failures: list[str]


def run(job: Job) -> Played:
    """Generate (or fetch) the shift of a job, play it, and count.

    Without the garbage collector until it is done: of the million tuples of a shift none is garbage before, and to walk
    them over and over is a sixth of the time.
    """
    gc.disable()
    try:
        return _run(job)
    finally:
        gc.enable()


def _run(job: Job) -> Played:
    made = at_random(_shift(job)) if job.at_random else _shift(job)
    ours = score(made.truth, play(made))
    tallies = {OURS: ours.tally}
    if job.rivals:
        heard = rivals.listen(made)
        contestants: tuple[tuple[str, Callable[[Shift, rivals.Heard], list[Answer]]], ...]
        contestants = ((EDGEX, rivals.edgex), (TWICE, rivals.seen_twice))
        tallies |= {name: score(made.truth, tell(made, heard)).tally for name, tell in contestants}
    return Played(tallies, show(made, ours, job.failures) if job.failures else [])


def _shift(job: Job) -> Shift:
    if job.cache is None:
        return shift(job.family, job.seed, job.passages, job.variant)
    name = f"{version()}-{job.variant}-{job.family}-{job.seed}-{job.passages}.pickle"
    path = Path(job.cache) / name
    if path.exists():
        kept = pickle.loads(path.read_bytes())
        assert isinstance(kept, Shift)
        return kept
    made = shift(job.family, job.seed, job.passages, job.variant)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_bytes(pickle.dumps(made))
    part.replace(path)
    return made


def jobs(family: str, variant: str, passages: int, **more: object) -> list[Job]:
    """The shifts of a family: the first seeds, so that a short run is the beginning of the long one."""
    seeds = range(1, math.ceil(passages / PER_SHIFT) + 1)
    sizes = [min(PER_SHIFT, passages - (seed - 1) * PER_SHIFT) for seed in seeds]
    return [Job(family, variant, seed, size, **more) for seed, size in zip(seeds, sizes, strict=True)]  # type: ignore[arg-type]


def play_all(found: list[Job], workers: int | None = None) -> Iterator[Played]:
    """The jobs in order, over processes of their own."""
    with ProcessPoolExecutor(workers or os.cpu_count() or 1, mp_context=get_context("spawn")) as pool:
        yield from pool.map(run, found)


def total(played: Iterator[Played]) -> dict[str, Tally]:
    """The tallies of all shifts, by contestant."""
    sums: dict[str, Tally] = {}
    for one in played:
        for name, tally in one.tallies.items():
            sums[name] = sums.get(name, Tally()) + tally
    return sums


@functools.cache
def tallies(family: str) -> dict[str, dict[str, Tally]]:
    """A family by variant, once per run of the benchmark; the rivals run on the untouched one only."""
    variants = ("untouched", "tuning")
    found = [jobs(family, variant, PASSAGES, rivals=variant == "untouched") for variant in variants]
    played = play_all([job for some in found for job in some])
    return {variant: total(islice(played, len(some))) for variant, some in zip(variants, found, strict=True)}


def bound(hits: int, of: int, *, upper: bool) -> float:
    """Clopper and Pearson's one-sided 95 % bound of a share, as a share.

    The upper bound is the share at which so few hits (or fewer) come in 5 % of all runs; the lower one mirrors it.
    """
    if not upper:
        return 1.0 - bound(of - hits, of, upper=True)
    if of == 0 or hits >= of:
        return 1.0
    low, high = hits / of, 1.0
    for _ in range(50):
        share = (low + high) / 2
        low, high = (share, high) if _at_most(hits, of, share) > 1 - CONFIDENCE else (low, share)
    return high


def _at_most(hits: int, of: int, share: float) -> float:
    """The probability of `hits` or fewer."""
    if share <= 0.0 or share >= 1.0:
        return float(share <= 0.0)
    ways = (math.lgamma(of + 1) - math.lgamma(n + 1) - math.lgamma(of - n + 1) for n in range(hits + 1))
    return sum(math.exp(way + n * math.log(share) + (of - n) * math.log1p(-share)) for n, way in enumerate(ways))


SHARES: dict[str, Callable[[Tally], tuple[int, int]]] = {
    "pallet_exact": lambda tally: (tally.exact, tally.passages),
    "direction": lambda tally: (tally.direction, tally.passages),
    "tags": lambda tally: (tally.tags_right, tally.tags),
    "false_receipts": lambda tally: (min(tally.false_receipts, tally.passages), tally.passages),
}
"""What a figure counts: hits, of how many."""


def result(family: str, figure: str) -> Result:
    """One figure of a family on its untouched variant; the tuning variant's value stands in `tuning`."""
    found = tallies(family)
    return figured(family, figure, found["untouched"], found["tuning"])


def figured(family: str, figure: str, untouched: dict[str, Tally], tuning: dict[str, Tally]) -> Result:
    """The figure from tallies. A rival that never erred (or never was right) counts as half a case in the ratio."""
    few = figure == "false_receipts"
    scale, digits, unit = (1000, 2, "per 1,000") if few else (100, 2, "%")
    pick = SHARES[figure]
    values = {name: pick(tally) for name, tally in untouched.items()}
    hits, of = values.pop(OURS)
    than, (their_hits, their_of) = sorted(values.items(), key=lambda each: each[1][0] / each[1][1])[0 if few else -1]
    theirs = max(their_hits, 0.5) / their_of
    ours_tuning = pick(tuning[OURS])
    more: dict[str, Value] = {
        "of": of,
        "bound_95": round(bound(hits, of, upper=few) * scale, digits),
        **{name.replace(" ", "_").lower(): round(n / m * scale, digits) for name, (n, m) in values.items()},
        "tuning": round(ours_tuning[0] / ours_tuning[1] * scale, digits),
        "scenarios": version(),
    }
    name = f"portal_{family}_{figure}"
    return Result(name, round(hits / of * scale, digits), unit, than, round(hits / of / theirs, 3), more)
