"""Crashes: how often the core failed on the input at a position, so that a poison input stops nobody for ever.

A small file beside the segments, replaced atomically. Two failures at one position quarantine it.
"""

import os
from pathlib import Path

import msgspec
from msgspec import Struct, field

from gateway.journal.segment import sync_directory

LIMIT = 2
"""Failures at one position after which its input is skipped."""


class Crash(Struct):
    """What is known of a position: how often the core failed there, the last error, whether it was announced."""

    count: int = 0
    error: str = ""
    announced: bool = False
    digest: str = ""  # of an input that may be sent again: a downlink, a command


class CrashFile(Struct):
    """The file's contents, by position."""

    positions: dict[int, Crash] = field(default_factory=dict)


class Crashes:
    """The crash record of one journal directory."""

    def __init__(self, path: Path, known: CrashFile) -> None:
        self._path = path
        self._known = known

    @classmethod
    def open(cls, directory: Path) -> "Crashes":
        """Read `crashes.json` in the journal's directory; an unreadable one counts as empty (it only delays)."""
        path = directory / "crashes.json"
        try:
            return cls(path, msgspec.json.decode(path.read_bytes(), type=CrashFile))
        except (FileNotFoundError, msgspec.MsgspecError):
            return cls(path, CrashFile())

    def note(self, position: int, error: str, digest: str = "") -> int:
        """The core failed on this position once more; return how often now. Durable when it returns."""
        crash = self._known.positions.setdefault(position, Crash())
        crash.count += 1
        crash.error = error
        crash.digest = digest
        self._save()
        return crash.count

    @property
    def quarantined(self) -> frozenset[int]:
        """Positions to skip."""
        return frozenset(position for position, crash in self._known.positions.items() if crash.count >= LIMIT)

    @property
    def refused(self) -> frozenset[str]:
        """Digests of quarantined inputs: whoever sends one again, for want of an answer, gets a refusal instead."""
        crashes = self._known.positions.values()
        return frozenset(crash.digest for crash in crashes if crash.count >= LIMIT and crash.digest)

    def unannounced(self) -> list[tuple[int, str]]:
        """Quarantined positions nobody was told of yet, with their error."""
        return [
            (position, crash.error)
            for position, crash in sorted(self._known.positions.items())
            if crash.count >= LIMIT and not crash.announced
        ]

    def announced(self, position: int) -> None:
        """The quarantine of this position is in the journal now."""
        self._known.positions[position].announced = True
        self._save()

    def _save(self) -> None:
        draft = self._path.with_suffix(".new")
        with draft.open("wb") as file:
            file.write(msgspec.json.encode(self._known))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        sync_directory(self._path.parent)
