"""What drivers want to remember from one life of the gateway to the next: a small file each, in a directory of its own.

Losing one costs some learning and nothing else, so it is neither journalled nor synced: it is written beside the old
one and put in its place, and a driver that cannot read it says so and begins anew.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

LONGEST = 65_536
"""Bytes that are read of a file, and one: a driver tells by it that there are more than it ever wrote."""


class Histories:
    """One per gateway. Of each device the last that was kept waits to be written; `run` writes it.

    Args:
        directory: where the files are; made when the first is written.
        past: device → what its file held.
    """

    def __init__(self, directory: Path, past: dict[str, bytes]) -> None:
        self.failed = 0
        """Writings that failed."""
        self._directory, self._past = directory, past
        self._waiting: dict[str, bytes] = {}
        self._news = asyncio.Event()

    @classmethod
    def open(cls, directory: Path, devices: Iterable[str]) -> "Histories":
        """Read the files of these devices; one that is not there, or cannot be read, is empty."""
        found: dict[str, bytes] = {}
        for device in devices:
            path = directory / f"{device}.json"
            try:
                with path.open("rb") as file:
                    found[device] = file.read(LONGEST + 1)
            except FileNotFoundError:
                continue
            except OSError as error:
                log.warning("a history cannot be read: it is learnt anew", file=str(path), why=error.strerror)
        return cls(directory, found)

    def past(self, device: str) -> bytes:
        """What the device kept in an earlier life, or nothing."""
        return self._past.get(device, b"")

    def keeper(self, device: str) -> Callable[[bytes], None]:
        """What a device calls to be remembered by; does not wait."""

        def keep(data: bytes) -> None:
            self._waiting[device] = data
            self._news.set()

        return keep

    async def run(self, write: Callable[[Callable[[], None]], Awaitable[None]]) -> None:
        """Write what is kept, until cancelled; then what is left. `write` runs a function where it may block."""
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                await write(self._write)
        finally:
            await write(self._write)

    def _write(self) -> None:
        while self._waiting:
            device, data = self._waiting.popitem()
            path = self._directory / f"{device}.json"
            fresh = path.with_suffix(".new")
            try:
                self._directory.mkdir(exist_ok=True)
                fresh.write_bytes(data)
                os.replace(fresh, path)
            except OSError as error:
                self.failed += 1
                with suppress(OSError):
                    fresh.unlink()
                if self.failed & (self.failed - 1) == 0:  # the 1st, 2nd, 4th, 8th …
                    log.warning("a history cannot be written", file=str(path), why=error.strerror, failed=self.failed)
