"""Files are checked first, whole; then the sound documents go to the gateway, each as soon as it is read again.

So a bad row in line 90,000 spoils its document before any part of that is announced, and every bad row is told at once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from msgspec import Struct, field
from rich.console import Console
from rich.progress import Progress

from gateway.api.client import Client
from gateway.cli.importing import csv_files, json_files
from gateway.cli.importing.checking import faults
from gateway.cli.importing.pieces import Fault, Piece, Read

Told = Callable[[int], None]


class Checked(Struct):
    """What a file holds: how many documents, and which of them (counted from 0) cannot be used."""

    file: Path
    documents: int = 0
    bad: set[int] = field(default_factory=set)

    @property
    def sound(self) -> int:
        """How many can be used."""
        return self.documents - len(self.bad)


def check(kind: str, files: tuple[Path, ...]) -> list[Checked]:
    """Read all files and tell every fault on stderr as `file:line: what`."""
    total = sum(file.stat().st_size for file in files)
    with _bar("checking", total) as told:
        return [_checked(kind, file, told) for file in files]


def send(kind: str, files: list[Checked], wire: Client) -> int:
    """Hand the sound documents to the gateway; how many it took. What it refuses is told as by `check`."""
    taken = 0
    with _bar("importing", sum(one.sound for one in files)) as told:
        for one in files:
            taken += _sent(kind, one, wire, told)
    return taken


def _checked(kind: str, file: Path, told: Told) -> Checked:
    found = Checked(file)
    units: set[str] = set()
    for item in _read(file, kind, told):
        if isinstance(item, Piece) and item.part == 0:
            units = set()
        several = [item] if isinstance(item, Fault) else [*faults(kind, item), *_doubled(item, units)]
        found.documents = max(found.documents, (item.document or 0) + 1)
        for fault in several:
            _say(file, fault)
            found.bad.add(fault.document or 0)
    return found


def _doubled(piece: Piece, units: set[str]) -> Iterator[Fault]:
    """Units of this part that stand in another part of the document."""
    own = [(index, unit.get("sscc")) for index, unit in enumerate(_units(piece)) if isinstance(unit, dict)]
    for index, sscc in own if piece.part else ():
        if sscc in units:
            text = f"sscc {sscc} is announced twice in this document"
            yield Fault(piece.place((index, None)), text, piece.document)
    units.update(sscc for _, sscc in own if isinstance(sscc, str))


def _units(piece: Piece) -> list[object]:
    units = piece.payload.get("units")
    return units if isinstance(units, list) else []


def _sent(kind: str, file: Checked, wire: Client, told: Told) -> int:
    taken, refused = 0, set(file.bad)
    for item in _read(file.file, kind, lambda _: None):
        if isinstance(item, Fault) or item.document in refused:
            continue
        args = {"kind": kind, "document": item.payload, "part": item.part, "last": item.last}
        answer = wire.request("import", args)
        if not answer.get("ok"):
            _say(file.file, Fault(item.line, str(answer.get("error", "refused"))))
            refused.add(item.document)
        elif item.last:
            taken += 1
        if item.last or not answer.get("ok"):
            told(1)
    return taken


def _read(file: Path, kind: str, told: Told) -> Read:
    return csv_files.read(file, kind, told) if file.suffix.lower() == ".csv" else json_files.read(file, told)


def _say(file: Path, fault: Fault) -> None:
    click.echo(f"{file}:{fault.line}: {fault.text}", err=True)


@contextmanager
def _bar(what: str, total: int) -> Iterator[Told]:
    """A progress bar on a terminal; nothing elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda more: progress.advance(task, more)
