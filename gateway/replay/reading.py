"""Recordings as files: `*.ndjson`, `.gz`, `.zst` (journal segments are these), or a whole journal directory."""

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import zstandard
from msgspec import Struct

from gateway.errors import RecordingError
from gateway.journal import records
from gateway.model.facts import FactsRecord
from gateway.model.inputs import Input, Reads, Weighing
from gateway.model.quantity import parse_decimal
from gateway.model.times import LATEST


class Entry(Struct, frozen=True):
    """One record of a recording, with where it stands."""

    file: str
    line: int
    position: int
    t: int
    item: Input | FactsRecord


class Reading:
    """Reads recordings record by record. `skipped` counts the bad lines that `lenient` passed over."""

    def __init__(self, path: Path, *, lenient: bool = False) -> None:
        self.path = path
        self.lenient = lenient
        self.skipped = 0
        self.problems: list[RecordingError] = []

    def files(self) -> list[Path]:
        """The files read, in order: the path itself, or the segments of a journal directory."""
        if self.path.is_dir():
            return sorted(found for found in self.path.iterdir() if found.name.endswith((".ndjson.zst", ".ndjson")))
        return [self.path]

    def entries(self) -> Iterator[Entry]:
        """All records in order.

        Raises:
            RecordingError: no file, no header, wrong depth, or (unless lenient) a line that cannot be used.
        """
        position = 0
        for path in self.files():
            with _opened(path) as stream:
                number = 0
                for number, raw in enumerate(_lines(path, stream), 1):
                    line = raw.strip()
                    if number == 1:
                        position = self._header(path, line).first - 1
                        continue
                    if not line:
                        continue
                    position += 1
                    entry = self._entry(path, number, position, line)
                    if entry is not None:
                        yield entry
                if number == 0:
                    raise RecordingError(str(path), 1, "the file is empty; a recording begins with a header line")

    def _header(self, path: Path, line: bytes) -> records.Header:
        try:
            header = records.decode_header(line)
        except ValueError as error:
            text = f'not a recording: the first line must be {{"tallyman":1,…}} ({error})'
            raise RecordingError(str(path), 1, text) from None
        if header.depth != "inputs":
            text = f"depth {header.depth!r}: this version replays recordings of depth inputs"
            raise RecordingError(str(path), 1, text)
        return header

    def _entry(self, path: Path, number: int, position: int, line: bytes) -> Entry | None:
        try:
            t, item = records.decode(line)
            _check(item)
        except ValueError as error:
            problem = RecordingError(str(path), number, str(error))
            if not self.lenient:
                raise problem from None
            self.problems.append(problem)
            self.skipped += 1
            return None
        return Entry(str(path), number, position, t, item)


def _check(item: Input | FactsRecord) -> None:
    """What our drivers and the sequencer vouch for must hold for records from outside before the rules see them."""
    if isinstance(item, Reads):
        _check_rows(item)
    elif isinstance(item, Weighing) and item.value is not None:
        parse_decimal(item.value)
    at = getattr(item, "at", None)
    if at is not None and not 0 <= at <= LATEST:
        raise ValueError(f"at is {at}: not microseconds since 1970")


def _check_rows(reads: Reads) -> None:
    """Rows from outside must have the shape our drivers give them before the rules see them."""
    missing = {"antenna", "epc"} - set(reads.columns)
    if missing:
        raise ValueError(f"columns lack {', '.join(sorted(missing))}")
    kinds: dict[str, tuple[type, ...]] = {
        "at": (int, type(None)),
        "antenna": (int,),
        "epc": (str,),
        "rssi": (int, float, type(None)),
    }
    checks = [(index, name, kinds[name]) for index, name in enumerate(reads.columns) if name in kinds]
    for row, values in enumerate(reads.reads):
        if len(values) != len(reads.columns):
            raise ValueError(f"reads[{row}] has {len(values)} values for {len(reads.columns)} columns")
        for index, name, kind in checks:
            if not isinstance(values[index], kind) or isinstance(values[index], bool):
                raise ValueError(f"reads[{row}].{name} is {values[index]!r}")
            if name == "at" and values[index] is not None and not 0 <= values[index] <= LATEST:
                raise ValueError(f"reads[{row}].at is {values[index]}: not microseconds since 1970")


def _lines(path: Path, stream: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a stream; one that breaks off says where."""
    number = 0
    try:
        for line in stream:
            number += 1
            yield line
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        text = f"the file breaks off after this line ({error}); what came before was read"
        raise RecordingError(str(path), number, text) from None


def _opened(path: Path) -> BinaryIO | gzip.GzipFile | io.BufferedReader:
    try:
        if path.name.endswith(".gz"):
            return gzip.open(path, "rb")
        file = path.open("rb")
    except OSError as error:
        raise RecordingError(str(path), 0, error.strerror or str(error)) from None
    if path.name.endswith(".zst"):
        stream = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True, closefd=True)
        return io.BufferedReader(stream)
    return file
