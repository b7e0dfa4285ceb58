"""The command: which figures, in which order, as JSON lines or as a table."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks import figures
from benchmarks.measuring import BenchmarkError, Result, Value


def main(argv: Sequence[str] | None = None, known: Mapping[str, Callable[[], Result]] = figures.FIGURES) -> int:
    """Take the figures; the exit code: 0, 1 when one could not be taken, 2 for a name that is none."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="The figures of this gateway, measured.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="figures, a group (uplink), or the first word of several; none: all"
    )
    parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object per line")
    parser.add_argument("--list", action="store_true", dest="listing", help="only show what there is")
    options = parser.parse_args(argv)
    if options.listing:
        for name, take in known.items():
            print(f"{name:20}  {(take.__doc__ or '').strip().splitlines()[0]}")
        return 0
    meant = {name: _meant(name, known) for name in options.names}
    if unknown := [name for name, ones in meant.items() if not ones]:
        print(f"no figure {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    lines = []
    for name in dict.fromkeys(one for ones in meant.values() for one in ones) or known:
        line = _take(name, known[name])
        lines.append(line)
        if options.as_json:
            print(json.dumps(line, ensure_ascii=False), flush=True)
    if not options.as_json:
        _show(lines)
    return 1 if any("error" in line for line in lines) else 0


def _meant(name: str, known: Mapping[str, Callable[[], Result]]) -> list[str]:
    """The figures that a name on the command line stands for: itself, its group, or all with this first word."""
    grouped = figures.GROUPS.get(name, ())
    return [one for one in known if one == name or one in grouped or one.startswith(f"{name}_")]


def _take(name: str, take: Callable[[], Result]) -> dict[str, Value]:
    started = time.monotonic()
    try:
        line = take().line()
    except BenchmarkError as error:
        line = {"figure": name, "error": str(error)}
    if sys.stderr.isatty():
        print(f"{name}: {time.monotonic() - started:.1f} s", file=sys.stderr)
    return line


def _show(lines: Sequence[Mapping[str, Value]]) -> None:
    table = Table("figure", "value", "unit", "than", "ratio", "more", title="Tallyman, measured")
    for line in lines:
        if "error" in line:
            table.add_row(str(line["figure"]), "–", "", "", "", str(line["error"]), style="red")
            continue
        shown = {"figure", "value", "unit", "than", "ratio"}
        more = ", ".join(f"{key} {_number(value)}" for key, value in line.items() if key not in shown)
        ratio = f"{line['ratio']:.1f}×" if "ratio" in line else ""
        than = str(line.get("than", ""))
        table.add_row(str(line["figure"]), _number(line["value"]), str(line["unit"]), than, ratio, more)
    Console().print(table)


def _number(value: Value) -> str:
    return f"{value:,}" if isinstance(value, int | float) else value
