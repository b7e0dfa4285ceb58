"""Recordings as files: `*.ndjson`, `.gz`, `.zst` (journal segments are these), or a whole journal directory."""

import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import zstandard
from msgspec import Struct

from gateway.errors import RecordingError
from gateway.journal import records
from gateway.model.facts import FactsRecord
from gateway.model.inputs import Input, Read, Reads, Weighing
from gateway.model.quantity import parse_decimal
from gateway.model.times import LATEST

SUFFIXES = (".ndjson", ".ndjson.gz", ".ndjson.zst")
CHUNK = 1 << 18
LONGEST_EPC = 124
_EPC = re.compile(f"[0-9A-Fa-f]{{0,{LONGEST_EPC}}}", re.ASCII)


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
            found = sorted(path for path in self.path.iterdir() if path.name.endswith(SUFFIXES))
            if not found:
                raise RecordingError(str(self.path), 0, f"no recording here (*{', *'.join(SUFFIXES)})")
            return found
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
                for number, raw in enumerate(self._lines(path, stream), 1):
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
                if number == 0 and not self.problems:
                    raise RecordingError(str(path), 1, "the file is empty; a recording begins with a header line")

    def _lines(self, path: Path, stream: Iterable[bytes]) -> Iterator[bytes]:
        """The lines of a stream; one that breaks off says where."""
        number = 0
        try:
            for line in stream:
                number += 1
                yield line
        except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
            text = f"the file breaks off after this line ({error}); what came before was read"
            self._pass_over(RecordingError(str(path), number, text))

    def _pass_over(self, problem: RecordingError) -> None:
        """Raise the problem; when lenient, keep and count it."""
        if not self.lenient:
            raise problem from None
        self.problems.append(problem)
        self.skipped += 1

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
            self._pass_over(RecordingError(str(path), number, str(error)))
            return None
        return Entry(str(path), number, position, t, item)


def _check(item: Input | FactsRecord) -> None:
    """What our drivers and the sequencer vouch for must hold for records from outside before the rules see them."""
    if isinstance(item, Reads):
        _check_rows(item)
    elif isinstance(item, Read):
        _check_epc("epc", item.epc)
    elif isinstance(item, Weighing) and item.value is not None:
        parse_decimal(item.value)
    at = getattr(item, "at", None)
    if at is not None and not 0 <= at <= LATEST:
        raise ValueError(f"at is {at}: not microseconds since 1970")


def _check_epc(where: str, epc: str) -> None:
    """An EPC is hex digits, of a memory bank that has at most 496 bits of it (Gen2 §6.3.2.1.2)."""
    if not _EPC.fullmatch(epc):
        raise ValueError(f"{where} is {epc[:40]!r}: an EPC is up to {LONGEST_EPC} hex digits")


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
        "channel": (int, type(None)),
        "phase": (int, float, type(None)),
    }
    checks = [(index, name, kinds[name]) for index, name in enumerate(reads.columns) if name in kinds]
    for row, values in enumerate(reads.reads):
        if len(values) != len(reads.columns):
            raise ValueError(f"reads[{row}] has {len(values)} values for {len(reads.columns)} columns")
        for index, name, kind in checks:
            if not isinstance(values[index], kind) or isinstance(values[index], bool):
                raise ValueError(f"reads[{row}].{name} is {values[index]!r}")
            if name == "epc":
                _check_epc(f"reads[{row}].epc", values[index])
            if name == "at" and values[index] is not None and not 0 <= values[index] <= LATEST:
                raise ValueError(f"reads[{row}].at is {values[index]}: not microseconds since 1970")


def _opened(path: Path) -> BinaryIO | gzip.GzipFile | io.BufferedReader:
    try:
        if path.name.endswith(".gz"):
            return gzip.open(path, "rb")
        file = path.open("rb")
    except OSError as error:
        raise RecordingError(str(path), 0, error.strerror or str(error)) from None
    return io.BufferedReader(_Frames(file)) if path.name.endswith(".zst") else file


class _Frames(io.RawIOBase):
    """The plain bytes of zstd frames one after the other; a file that ends inside one says so, as gzip does."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._frame: Any = None  # the decompressor inside a frame
        self._packed = b""
        self._plain = b""

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; 0 at the end.

        Raises:
            EOFError: the file ends inside a frame.
            zstandard.ZstdError: damage.
        """
        while not self._plain:
            self._packed = self._packed or self._file.read(CHUNK)
            if not self._packed:
                if self._frame is not None:
                    raise EOFError("the last frame is not whole")
                return 0
            self._frame = self._frame or zstandard.ZstdDecompressor().decompressobj()
            self._plain = self._frame.decompress(self._packed)
            self._packed = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof:
                self._frame = None
        size = min(len(buffer), len(self._plain))
        buffer[:size], self._plain = self._plain[:size], self._plain[size:]
        return size

    def close(self) -> None:
        """Close the file too."""
        self._file.close()
        super().close()
