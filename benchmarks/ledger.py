"""Trace, recall and commit on a large ledger, and on one of a tenth of its size beside it."""

import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from benchmarks import ledgergoods
from benchmarks.ledgergoods import Goods, Lot
from benchmarks.ledgerload import GATEWAY, SITE, load
from benchmarks.measuring import BenchmarkError, Result, median, percentile
from gateway.events import render_all
from gateway.ledger.queries import View
from gateway.ledger.store import Commit, Ledger
from gateway.model.documents import Reference
from gateway.model.outcome import Line, Movement, Outcome, Weighed
from gateway.model.settings import Settings
from gateway.rules.effects import effects

ITEMS = 1_000_000
"""Items of the large ledger; a tenth of them are lots, and five times as many rows say which moved when."""

SAMPLES, LARGE, GIANT = 500, 40, 3
"""Lots that are traced and recalled: any, of 300 items, of a twentieth of all items."""

COMMITS, WARM_UP = 400, 3
PALLET = 60
WRITTEN = 300_000
"""Bytes that a commit of a pallet appends to the write-ahead log, about: 75 pages of 4 KiB."""

JOURNEY = (("receive", None, "cold-1"), ("transfer", "cold-1", "cold-2"), ("ship", "cold-2", None))

READING_BAR, COMMIT_BAR, RATIO_BAR = 50.0, 20.0, 1.5
"""ms, ms, and how much dearer than at a tenth of the size."""


class Run(NamedTuple):
    """A ledger on disk, with what is in it."""

    file: Path
    held: Goods

    @property
    def url(self) -> str:
        """For SQLAlchemy."""
        return f"sqlite:///{self.file}"


class Cost(NamedTuple):
    """What one piece of work took: ms of the clock, and ms of this process's CPU, which others cannot take away."""

    wall: float
    cpu: float


class Times(NamedTuple):
    """What one kind of work cost on the large ledger and on the small one; further figures beside."""

    large: list[Cost]
    small: list[Cost]
    more: dict[str, float | int | str]


_taken: dict[int, dict[str, Times]] = {}


def trace(items: int = ITEMS) -> Result:
    """Everything known of a lot chosen at random, by its name, as `tallyman trace` asks for it."""
    return _result("trace_p99", measured(items)["trace"], READING_BAR)


def recall(items: int = ITEMS) -> Result:
    """What of a lot chosen at random is here and what left, as `tallyman recall` asks for it."""
    return _result("recall_p99", measured(items)["recall"], READING_BAR)


def commit(items: int = ITEMS) -> Result:
    """One turn that receives, moves or ships a pallet of 60 tagged items of two lots: outcome, event, fsync."""
    return _result("commit_p99", measured(items)["commit"], COMMIT_BAR)


def measured(items: int) -> dict[str, Times]:
    """The three kinds of work on both ledgers, by turns, so that a slow moment of the machine meets both."""
    if items not in _taken:
        with _ledgers(items) as runs:
            _taken[items] = _reading(*runs) | {"commit": _committing(*runs)}
    return _taken[items]


def _result(figure: str, times: Times, bar: float) -> Result:
    large, small = ([cost.wall for cost in costs] for costs in (times.large, times.small))
    cpu, less = ([cost.cpu for cost in costs] for costs in (times.large, times.small))
    value, tenth = percentile(large, 99), percentile(small, 99)
    middle, other = median(large), median(small)
    more = {
        "than_value": round(tenth, 2),
        "p50": round(middle, 2),
        "max": round(max(large), 2),
        "p50_ratio": round(middle / other, 2),
        "cpu_p99": round(percentile(cpu, 99), 2),
        "cpu_ratio": round(percentile(cpu, 99) / percentile(less, 99), 2),
        "bar": bar,
        "ratio_bar": RATIO_BAR,
    }
    than = "at a tenth of the size"
    return Result(figure, round(value, 2), "ms", than, round(value / tenth, 2), more | times.more)


@contextmanager
def _ledgers(items: int) -> Iterator[tuple[Run, Run]]:
    """The large ledger and the small one.

    Raises:
        BenchmarkError: the disk has no room for them.
    """
    place = Path(tempfile.mkdtemp(prefix="tallyman-bench-"))
    try:
        needed = 3 * 1_400 * items  # the file, and what making indices needs beside it
        if shutil.disk_usage(place).free < needed:
            raise BenchmarkError(f"{place} has less than the {needed >> 20} MiB that a ledger of {items} items needs")
        runs = []
        for size in (items, items // 10):
            run = Run(place / f"{size}.db", ledgergoods.goods(size))
            load(run.file, run.held)
            runs.append(run)
        yield runs[0], runs[1]
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _reading(large: Run, small: Run) -> dict[str, Times]:
    """Trace and recall, each lot once on a connection that is open, as beside a running gateway."""
    views = [View.read(run.url, site=SITE, gateway=GATEWAY) for run in (large, small)]
    try:
        return {
            "trace": _asking(large, small, *(view.trace for view in views)),
            "recall": _asking(large, small, *(view.recall for view in views)),
        }
    finally:
        for view in views:
            view.close()


def _asking(large: Run, small: Run, ask_large: Callable[[str], Any], ask_small: Callable[[str], Any]) -> Times:
    chance = random.Random(7)
    asked = [chance.sample(run.held.ordinary, min(SAMPLES, len(run.held.ordinary))) for run in (large, small)]
    times: tuple[list[Cost], list[Cost]] = ([], [])
    _told(ask_large, asked[0][0])  # the first question compiles the statements
    for one, other in zip(*asked, strict=True):
        times[0].append(_told(ask_large, one))
        times[1].append(_told(ask_small, other))
    many = [_told(ask_large, lot).wall for lot in chance.sample(large.held.large, min(LARGE, len(large.held.large)))]
    giant = large.held.giant
    more: dict[str, float | int | str] = {
        "lots": len(large.held.lots),
        "large_items": ledgergoods.LARGE,
        "large_p99": round(percentile(many, 99), 1),
        "giant_items": giant.end - giant.first,
        "giant": round(median([_told(ask_large, giant).wall for _ in range(GIANT)]), 1),
    }
    return Times(*times, more)


def _told(ask: Callable[[str], Any], lot: Lot) -> Cost:
    """What one answer cost.

    Raises:
        BenchmarkError: it is not about this lot, or tells nothing of it.
    """
    started, used = time.perf_counter(), time.process_time()
    found = ask(f"{lot.gtin}/{lot.lot}")
    took = _since(started, used)
    told = found["movements"] if "movements" in found else [*found["here"], *found["left"]]
    if (found["subject"]["gtin"], found["subject"]["lot"]) != (lot.gtin, lot.lot) or not told:
        raise BenchmarkError(f"lot {lot.gtin}/{lot.lot} is loaded, and the ledger tells nothing of it")
    return took


def _committing(large: Run, small: Run) -> Times:
    """Commits on both, and beside each pair the disk alone: so much written and synced as one commit writes."""
    ledgers = [Ledger.open(run.url, site=SITE, gateway=GATEWAY) for run in (large, small)]
    beside = large.file.with_suffix(".sync")
    try:
        turns = [_turns(run.held) for run in (large, small)]
        times: tuple[list[Cost], list[Cost]] = ([], [])
        disk: list[float] = []
        for number in range(COMMITS + WARM_UP):
            for ledger, some, took in zip(ledgers, turns, times, strict=True):
                cost = _entered(ledger, next(some))
                if number >= WARM_UP:  # the first compile the statements
                    took.append(cost)
            disk.append(_synced(beside))
        more: dict[str, float | int | str] = {"items": PALLET, "turns": COMMITS}
        return Times(*times, more | {"disk_p50": round(median(disk), 2), "disk_p99": round(percentile(disk, 99), 2)})
    finally:
        for ledger in ledgers:
            ledger.close()


def _synced(file: Path) -> float:
    """The ms that the disk takes for what a commit appends to the log, without a database."""
    with file.open("ab", buffering=0) as stream:
        started = time.perf_counter()
        stream.write(bytes(WRITTEN))
        os.fdatasync(stream.fileno())
        return (time.perf_counter() - started) * 1000


def _since(started: float, used: float) -> Cost:
    return Cost((time.perf_counter() - started) * 1000, (time.process_time() - used) * 1000)


def _entered(ledger: Ledger, movement: Movement) -> Cost:
    """What one commit cost; what is committed is decided and rendered before."""
    seq, position = ledger.sequence() + 1, ledger.position() + 1
    settings = Settings(site=SITE, gateway=GATEWAY)
    outcome = Outcome((movement,), tuple(effects(movement)))
    turn = Commit(position, movement.at, outcome, tuple(render_all(movement, seq, settings)))
    started, used = time.perf_counter(), time.process_time()
    ledger.commit(turn)
    return _since(started, used)


def _turns(held: Goods) -> Iterator[Movement]:
    """Pallets come, go to another place and leave, each of these a turn; the items are new ones of known lots."""
    chance = random.Random(11)
    at, number = ledgergoods.T0 + 200_000 * ledgergoods.HOUR, 0
    while True:
        lots = chance.sample(held.ordinary, 2)
        sscc = ledgergoods.sscc(900_000_000 + number)
        lines = [_line(held, lot, number) for lot in lots]
        number += 1
        for kind, origin, there in JOURNEY:
            at += 60_000_000
            yield _movement(sscc, kind, origin, there, lines, at)


def _line(held: Goods, lot: Lot, number: int) -> Line:
    first = 5_000_000 + number * PALLET
    epcs = tuple(held.epc(lot.gtin, serial) for serial in range(first, first + PALLET // 2))
    return Line(lot.gtin, lot.lot, 1000 * len(epcs), "each", "serial", epcs, "2030-01-31", prefix=7)


def _movement(sscc: str, kind: str, origin: str | None, there: str | None, lines: list[Line], at: int) -> Movement:
    document = {"receive": f"asn/A{sscc[-7:]}", "ship": f"order/O{sscc[-7:]}"}.get(kind)
    return Movement(
        movement=str(uuid5(NAMESPACE_URL, f"{sscc}/{kind}")),
        passage=f"dock-1/{at}",
        portal="dock-1",
        at=at,
        type=kind,
        origin=origin,
        destination=there,
        verdict="accepted",
        reasons=("moved",) if document is None else ("matched",),
        lines=tuple(lines),
        rules=("r1",),
        sscc=sscc,
        expectation=document,
        documents=(Reference("po", "PO-4711"),),
        party="9521321000013",
        weight=Weighed("612.4", "kg", at, "dock-1-scale", "608.0", 0.72),
        climate=(("cold-a", "temperature", 3.8, "Cel", at),),
        evidence={"direction": "in", "reads": {epc: 40 for line in lines for epc in line.epcs}},
    )
