"""The journal: every input, in order, on the disk before it is acted on.

One writer, one directory of segments named by the ordinal of their first record. `append` only collects; `write` puts
the collected group down with one fsync. Opening is recovery: a torn tail is cut off and kept beside the segment.
"""

import fcntl
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import structlog
from msgspec import Struct

from gateway.errors import JournalError
from gateway.journal import records
from gateway.journal.segment import Damage, Group, pack_group, read_groups, sync_directory
from gateway.model.facts import FactsRecord
from gateway.model.inputs import Input
from gateway.model.times import rfc3339

log = structlog.get_logger(__name__)

SUFFIX = ".ndjson.zst"

PORTION = 8 << 20
"""Bytes of lines per compressed group; a record longer than this has a group to itself."""


class Record(Struct, frozen=True):
    """A journalled record: `position` is its ordinal since the journal began, `t` its stamp in µs."""

    position: int
    t: int
    item: Input | FactsRecord


class Journal:
    """An open journal. `last` is the position of the newest record; `torn` and `lost` count what damage cost."""

    def __init__(self, directory: Path, site: str, gateway: str, segment_bytes: int) -> None:
        self.directory = directory
        self.segment_bytes = segment_bytes
        self.last = 0
        self.last_t = 0
        self.torn = 0
        self.lost = 0
        self._header = records.Header(records.VERSION, site=site, gateway=gateway)
        self._pending: list[bytes] = []
        self._file: int | None = None
        self._locked: int | None = None
        self._size = 0

    @classmethod
    def open(cls, directory: Path, *, site: str, gateway: str, segment_bytes: int = 16 << 20) -> "Journal":
        """Open or begin the journal in `directory`; a torn tail is truncated, quarantined beside it and counted.

        Raises:
            JournalError: another process has it, or it was written for another site or gateway.
        """
        directory.mkdir(parents=True, exist_ok=True)
        journal = cls(directory, site, gateway, segment_bytes)
        journal._lock()
        paths = journal.segments()
        for path in reversed(paths):
            if journal._take_up(path):
                break
        return journal

    def _lock(self) -> None:
        """One process per journal, whatever the ledger is.

        Raises:
            JournalError: another process has it.
        """
        handle = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            text = (
                f"{self.directory}: another process writes this journal; stop it, or give this one a state of its own"
            )
            raise JournalError(text) from None
        self._locked = handle

    def segments(self) -> list[Path]:
        """The segment files, oldest first."""
        return sorted(self.directory.glob(f"*{SUFFIX}"))

    def append(self, t: int, item: Input | FactsRecord) -> int:
        """Add a record to the group being collected; return its position. It is not safe until `write`."""
        return self._append(t, records.encode(t, item))

    def append_encoded(self, t: int, body: bytes) -> int:
        """As `append`, for an input that is encoded already (`records.encode_item`)."""
        return self._append(t, records.stamped(t, body))

    def _append(self, t: int, line: bytes) -> int:
        self._pending.append(line)
        self.last += 1
        self.last_t = t
        return self.last

    def write(self) -> None:
        """Put the collected group on the disk: compressed, written, fsynced. Blocking.

        Raises:
            OSError: the disk refused; the records of the group are not safe.
        """
        if not self._pending:
            return
        first = self.last - len(self._pending) + 1
        if self._file is None or self._size >= self.segment_bytes:
            self._begin(first)
        assert self._file is not None
        group = b"".join(pack_group(first + offset, lines) for offset, lines in _portions(self._pending))
        try:
            _write_all(self._file, group)
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, self._size)  # half a group would spoil the file for other readers
            raise
        self._size += len(group)
        self._pending = []

    def skip(self, position: int) -> None:
        """Take every position up to this as used: the ledger holds effects of records that this journal has lost."""
        log.error("the journal has lost its end", last=self.last, ledger=position)
        self.write()
        self._let_go()
        self.last = max(self.last, position)

    def read(self, after: int) -> Iterator[Record]:
        """Records with a position later than `after`, in order.

        Damaged groups and records this version cannot read are skipped and logged; `lost` says how many that was.
        """
        paths = self.segments()
        firsts = [_first_of(path) for path in paths]
        self.lost = 0
        expected = after + 1
        for index, path in enumerate(paths):
            if index + 1 < len(paths) and firsts[index + 1] <= after + 1:
                continue
            for part in read_groups(path):
                if isinstance(part, Damage):
                    log.error("journal damaged", file=str(path), start=part.start, end=part.end)
                    continue
                if part.records == 0:
                    continue
                self.lost += max(0, part.first - expected)
                expected = max(expected, part.first + part.records)
                for position, line in enumerate(part.lines, part.first):
                    if position > after:
                        yield from self._record(path, position, line)

    def _record(self, path: Path, position: int, line: bytes) -> Iterator[Record]:
        try:
            t, item = records.decode(line)
        except ValueError as error:  # written whole, but by another version
            self.lost += 1
            log.error("journal record not readable", file=str(path), position=position, reason=str(error))
        else:
            yield Record(position, t, item)

    def prune(self, before: int, keep: int) -> list[Path]:
        """Delete whole segments that end before position `before`, except the newest `keep`; return their paths."""
        paths = self.segments()
        ended = [path for path, following in pairwise(paths) if _first_of(following) <= before]
        gone = ended[: max(0, len(paths) - keep)]
        for path in gone:
            path.unlink()
        return gone

    def close(self) -> None:
        """Write what is collected and close the file."""
        self.write()
        self._let_go()
        if self._locked is not None:
            handle, self._locked = self._locked, None
            os.close(handle)

    def _let_go(self) -> None:
        """Close the segment. Its number is forgotten first: it may be somebody else's file a moment later."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _begin(self, first: int) -> None:
        self._let_go()
        path = self.directory / f"{first:020d}{SUFFIX}"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        header = records.Header(
            records.VERSION,
            site=self._header.site,
            gateway=self._header.gateway,
            created=rfc3339(self.last_t),
            first=first,
        )
        lead = pack_group(first, [records.encode_header(header)], header=True)
        _write_all(self._file, lead)
        sync_directory(self.directory)
        self._size = len(lead)

    def _take_up(self, path: Path) -> bool:
        """Continue in this segment; cut a torn tail off. False: it holds no record, look at the one before."""
        end = 0
        last: Group | None = None
        for part in read_groups(path):
            if isinstance(part, Group):
                end = part.end
                last = part if part.records else last
                if not part.records:
                    self._check_owner(path, part.lines[0])
        size = path.stat().st_size
        if end < size:
            self._cut(path, end)
        if last is None:
            self.last = max(self.last, _first_of(path) - 1)
            if end == 0:
                path.unlink()
            elif self._file is None:
                self._open_at(path, end)
            return self.last == 0
        self.last = max(self.last, last.first + last.records - 1)
        self.last_t = max((record.t for record in self._stamped(path, last)), default=0)
        if self._file is None:
            self._open_at(path, end)
        return True

    def _check_owner(self, path: Path, line: bytes) -> None:
        header = records.decode_header(line)
        owner, wanted = (header.site, header.gateway), (self._header.site, self._header.gateway)
        if owner != wanted:
            text = (
                f"{path}: this state belongs to {'/'.join(owner)}; give {'/'.join(wanted)} a [gateway] state of its own"
            )
            raise JournalError(text)

    def _stamped(self, path: Path, group: Group) -> Iterator[Record]:
        for position, line in enumerate(group.lines, group.first):
            yield from self._record(path, position, line)

    def _open_at(self, path: Path, size: int) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._size = size

    def _cut(self, path: Path, end: int) -> None:
        content = path.read_bytes()
        torn = path.with_name(f"{path.name}.{end}.torn")
        torn.write_bytes(content[end:])
        with path.open("r+b") as file:
            file.truncate(end)
            os.fsync(file.fileno())
        self.torn += 1
        log.warning("journal tail torn: cut off and kept", file=str(path), bytes=len(content) - end, kept=str(torn))


def _portions(lines: list[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """Lines in portions that a reader takes whole (segment.LONGEST_GROUP), with the offset of the first of each."""
    start = size = 0
    for index, line in enumerate(lines):
        if size and size + len(line) > PORTION:
            yield start, lines[start:index]
            start, size = index, 0
        size += len(line) + 1
    yield start, lines[start:]


def _first_of(path: Path) -> int:
    return int(path.name.removesuffix(SUFFIX))


def _write_all(file: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(file, view) :]
