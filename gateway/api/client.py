"""The other end of the command socket, for the command line: blocking, one connection."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from gateway.errors import TallymanError


class UnreachableError(TallymanError):
    """No gateway answers on the command socket."""


class Client:
    """A connection to a running gateway. Use as a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._wire: socket.socket | None = None

    def __enter__(self) -> "Client":
        wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            wire.connect(str(self.path))
        except OSError as error:
            wire.close()
            text = f"no gateway answers on {self.path} ({error.strerror}): is it running, and may this user use it?"
            raise UnreachableError(text) from None
        self._wire = wire
        return self

    def __exit__(self, *_: object) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def request(self, name: str, args: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send one command and wait for its answer.

        Raises:
            UnreachableError: the gateway went away before it answered.
        """
        line = next(self._lines(name, args or {}), None)
        if line is not None:
            answer: dict[str, Any] = msgspec.json.decode(line)
            return answer
        raise UnreachableError(f"the gateway behind {self.path} closed before it answered")

    def watch(self, *, antennas: bool = False, inputs: bool = False) -> Iterator[bytes]:
        """Outcome lines as they are committed, until the gateway stops.

        With `antennas` also what these hear, four times a second; with `inputs` also every read and edge.
        """
        wanted = {"antennas": antennas, "inputs": inputs}
        lines = self._lines("watch", {name: True for name, want in wanted.items() if want})
        next(lines, None)
        yield from lines

    def _lines(self, name: str, args: dict[str, Any]) -> Iterator[bytes]:
        assert self._wire is not None
        try:
            self._wire.sendall(msgspec.json.encode({"name": name, "args": args}) + b"\n")
            with self._wire.makefile("rb") as stream:
                for line in stream:
                    yield line.rstrip(b"\n")
        except ConnectionError as error:
            raise UnreachableError(f"the gateway behind {self.path} closed the connection ({error.strerror})") from None
