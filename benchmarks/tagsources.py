"""The readers of `llrp_8_readers_…`, least of all peers, as a process of their own: canned answers, then tag reports.

`python -m benchmarks.tagsources READERS RATE SECONDS` prints its ports, serves one connection at each, and at the end
prints how evenly it sent. Every frame is packed before, leaves in a `send` of its own, and is due at its own instant:
those of one reader 1/RATE s apart, those of all readers evenly between them, so that the far side has them one by one.
"""

import json
import os
import random
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from struct import Struct

from benchmarks import dock, frames

_HEADER = Struct(">HII")
_ANSWER = Struct(">HIIHHHH")  # a response with LLRPStatus 287: M_Success, no text
_STATUS = (287, 8, 0, 0)
_CLOSE_CONNECTION, _KEEPALIVE, _ENABLE_EVENTS_AND_REPORTS = 14, 62, 64
KEEPALIVE = 5
"""Seconds between two KEEPALIVE of a reader."""

LATE = 0.001
"""Seconds after which a frame counts as late."""


def answer(head: int, number: int) -> bytes:
    """The response that accepts a request, with no more in it than it must have."""
    kind = head & 0x3FF
    response = 4 if kind == _CLOSE_CONNECTION else kind + 10
    return _ANSWER.pack(1 << 10 | response, _ANSWER.size, number, *_STATUS)


def keepalive() -> bytes:
    """A KEEPALIVE."""
    return _HEADER.pack(1 << 10 | _KEEPALIVE, _HEADER.size, 0)


def packed(readers: int, rate: int, seconds: float) -> list[list[bytes]]:
    """What each reader sends, one report of one tag after the other, a keepalive joined to one every few seconds."""
    pallets = [dock.pallet(number, 200) for number in range(readers)]
    lasts, chance = int(seconds * 1_000_000), random.Random(1)
    sent = []
    for one in pallets:
        tags = dock.crossing(one, dock.T0, lasts, round(rate * seconds), chance)
        reports = frames.reports(tags, 1)
        reports[:: rate * KEEPALIVE] = [keepalive() + report for report in reports[:: rate * KEEPALIVE]]
        sent.append(reports)
    return sent


def shake_hands(link: socket.socket) -> None:
    """Accept whatever is asked, until reports are asked for."""
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
    link.sendall(frames.greeting(dock.T0))
    with link.makefile("rb") as stream:
        while True:
            head, length, number = _HEADER.unpack(stream.read(_HEADER.size))
            stream.read(length - _HEADER.size)
            if head & 0x3FF == _ENABLE_EVENTS_AND_REPORTS:
                return
            link.sendall(answer(head, number))


def send(links: Sequence[socket.socket], sent: Sequence[Sequence[bytes]], rate: int) -> dict[str, float]:
    """Send each frame when it is due; how many there were, per wake-up of ours, and the share in % that was late."""
    apart = 1 / rate / len(links)
    wakes = late = number = 0
    began = time.monotonic()
    for turn in zip(*sent, strict=True):
        for link, frame in zip(links, turn, strict=True):
            due = began + number * apart
            number += 1
            if (wait := due - time.monotonic()) > 0:
                time.sleep(wait)
                wakes += 1
            late += time.monotonic() - due > LATE
            link.sendall(frame)
    return {"sent": number, "frames_per_wake": round(number / wakes, 2), "late": round(100 * late / number, 2)}


def _be_punctual() -> None:
    """Keep off the last core, which is the client's, and be woken when asked for, where the system lets us."""
    os.sched_setaffinity(0, os.sched_getaffinity(0) - {max(os.sched_getaffinity(0))} or os.sched_getaffinity(0))
    with suppress(OSError):
        Path("/proc/self/timerslack_ns").write_text("1")
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)


def main(readers: int, rate: int, seconds: float) -> None:
    """Serve one client, once."""
    _be_punctual()
    sent = packed(readers, rate, seconds)
    doors = [socket.create_server(("127.0.0.1", 0)) for _ in range(readers)]
    print(json.dumps({"ports": [door.getsockname()[1] for door in doors]}), flush=True)
    links = [door.accept()[0] for door in doors]
    for link in links:
        shake_hands(link)
    print(json.dumps(send(links, sent, rate)), flush=True)
    for link in links:
        while link.recv(4096):  # until the client, which has everything by then, closes
            pass


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
