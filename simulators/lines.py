"""How the simulators talk to whoever started them: one JSON object per line, out on stdout, in on stdin."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from typing import Any


def say(**line: Any) -> None:
    """Print one JSON object on one line and flush it. A reader that went away is no reason to fall over."""
    with contextlib.suppress(BrokenPipeError):
        # one write: lines of two threads do not mix
        sys.stdout.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
        sys.stdout.flush()


def _parse(line: bytes) -> dict[str, Any]:
    try:
        command = json.loads(line)
    except ValueError:
        command = None
    return command if isinstance(command, dict) else {"bad": line.decode("utf-8", "replace").strip()}


def _read(descriptor: int, loop: asyncio.AbstractEventLoop, queue: "asyncio.Queue[dict[str, Any] | None]") -> None:
    # os.read, not sys.stdin: a daemon thread that holds the buffered reader's lock would crash the interpreter's exit
    rest = b""
    while chunk := os.read(descriptor, 65536):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line.strip():
                loop.call_soon_threadsafe(queue.put_nowait, _parse(line))
    loop.call_soon_threadsafe(queue.put_nowait, None)


def commands(descriptor: int | None = None) -> AsyncIterator[dict[str, Any]]:
    """The JSON objects that arrive on stdin (or `descriptor`) until end of file.

    SIGTERM and SIGINT come as `{"stop": true}`; what is not a JSON object comes as `{"bad": <the line>}`. Listening
    begins with the call, not with the first step: call it before saying ready, and no signal is missed.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(maxsize=1000)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, queue.put_nowait, {"stop": True})
    source = sys.stdin.fileno() if descriptor is None else descriptor

    def listen() -> None:
        with contextlib.suppress(OSError, RuntimeError):  # closed below us, or the loop has ended
            _read(source, loop, queue)

    threading.Thread(target=listen, name="commands", daemon=True).start()
    return _each(queue)


async def _each(queue: "asyncio.Queue[dict[str, Any] | None]") -> AsyncIterator[dict[str, Any]]:
    while (command := await queue.get()) is not None:
        yield command
