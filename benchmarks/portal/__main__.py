"""`python -m benchmarks.portal FAMILY…`: a quick look at some families, with the worst cases tag by tag."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.portal.scoring import Tally
from benchmarks.portal.table import OURS, bound, jobs, play_all, version
from gateway import logs
from simulators.rf import FAMILIES
from simulators.rf.families import SETS

TITLES = ("family", "", "n", "pallet exact", "direction", "tags", "moved", "unread", "false rec.", "false ship.",
          "spurious", "empty trucks")  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Play, print the table (or JSON lines), then the failures; 2 for a family that is none."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.portal", description=__doc__)
    parser.add_argument("families", nargs="*", metavar="FAMILY", help=f"{', '.join(FAMILIES)}; none: all")
    parser.add_argument("--variant", choices=list(SETS), default="tuning")
    parser.add_argument("--passages", type=int, default=100, help="per family (100)")
    parser.add_argument("--failures", type=int, default=0, metavar="N", help="print the first N cases that went wrong")
    parser.add_argument("--rivals", action="store_true", help="EdgeX and `seen twice` beside it")
    parser.add_argument("--random-serials", action="store_true", help="no serial number is next to another")
    parser.add_argument("--jobs", type=int, default=None, metavar="N", help="processes (all cores)")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep generated shifts here: later runs are faster")
    parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object per line")
    options = parser.parse_args(argv)
    if unknown := [name for name in options.families if name not in FAMILIES]:
        parser.error(f"no family {', '.join(unknown)}; there are: {', '.join(FAMILIES)}")
    if options.passages < 1:
        parser.error("at least one passage is needed")
    if options.cache is not None:
        options.cache.mkdir(parents=True, exist_ok=True)
    _play(options)
    return 0


def _play(options: argparse.Namespace) -> None:
    started = time.monotonic()
    more = {
        "rivals": options.rivals,
        "failures": options.failures,
        "cache": str(options.cache) if options.cache is not None else None,
        "at_random": options.random_serials,
    }
    names = options.families or list(FAMILIES)
    found = [job for name in names for job in jobs(name, options.variant, options.passages, **more)]
    sums: dict[tuple[str, str], Tally] = {}
    failures: dict[str, list[str]] = {}
    for job, played in zip(found, play_all(found, options.jobs), strict=True):
        for who, tally in played.tallies.items():
            sums[job.family, who] = sums.get((job.family, who), Tally()) + tally
        failures.setdefault(job.family, []).extend(played.failures)
    if options.as_json:
        for (family, who), tally in sums.items():
            line = {"family": family, "variant": options.variant, "scenarios": version(), "who": who}
            print(json.dumps(line | {name: getattr(tally, name) for name in tally.__struct_fields__}))
    else:
        _show(sums, options.variant)
        print(f"scenarios {version()}, {time.monotonic() - started:.1f} s")
    for texts in failures.values():
        for text in texts[: options.failures]:
            print(f"\n{text}")


def _show(sums: dict[tuple[str, str], Tally], variant: str) -> None:
    table = Table(title=f"{variant}: % right (lower 95 % bound), false receipts per 1,000 (upper bound)")
    for title in TITLES:
        table.add_column(title)
    for (family, who), tally in sums.items():
        n = tally.passages
        wrong = min(tally.false_receipts, n)
        table.add_row(
            family,
            "" if who == OURS else who,
            str(n),
            f"{tally.exact / n:.1%} ({bound(tally.exact, n, upper=False):.1%})",
            f"{tally.direction / n:.1%}",
            f"{tally.tags_right / max(1, tally.tags):.2%}",
            f"{tally.moved_right / max(1, tally.moved):.2%}",
            str(tally.unread),
            f"{wrong / n * 1000:.1f} ({bound(wrong, n, upper=True) * 1000:.1f})",
            str(tally.false_shipments),
            str(tally.spurious),
            f"{tally.empties_right}/{tally.empties}",
        )
    Console(width=None if sys.stdout.isatty() else 160).print(table)


if __name__ == "__main__":
    logs.configure("error", "console")
    sys.exit(main())
