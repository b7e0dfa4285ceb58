"""A simulated weighing indicator of A&D make, on TCP and on a pseudo-terminal (A&D AD-4329A, OP-05: format 1).

A frame is 18 bytes: `ST,GS,+0123.45kg` CR LF. ST stable, US unstable, OL out of range; GS gross, NT net; sign, seven
characters of digits with the decimal point, two of unit. It streams at `rate_hz`, and answers `Q` or `READ` at once.
"""

import argparse
import asyncio
import contextlib
import json
import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from simulators.listener import Listener

GARBAGE = b"\x00\xff\x7f,,kg\r\nST,GS,+01\r\n"
PTY_POLL = 0.02
"""Seconds between two looks at the pseudo-terminal: whether it is open, and what was asked there."""
MOST_UNREAD = 4096
"""Bytes a client may leave unread before it misses frames; the newest weight is what counts."""


@dataclass
class Sins:
    """The ways in which a scale may misbehave; each may be set while it runs."""

    garbage: bool = False
    """Put noise and a torn frame before every frame."""
    split: bool = False
    """Send every frame in three pieces with pauses."""
    silent: bool = False
    """Send nothing, answer nothing."""


def frame(state: str, mode: str, weight: Decimal | None, unit: str, decimals: int) -> bytes:
    """One frame; a `weight` of None leaves the digits blank, as out of range does. ValueError if it has no room."""
    if weight is None:
        whole = 7 - decimals - (decimals > 0)
        number = "+" + " " * whole + ("." + " " * decimals if decimals else "")
    else:
        shown = weight.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)
        number = f"{shown or Decimal(0):+08.{decimals}f}"  # no -0
    text = f"{state},{mode},{number}{unit:>2}\r\n"
    if len(text) != 18:
        raise ValueError(f"{weight} {unit} does not fit an A&D frame with {decimals} decimals")
    return text.encode()


class AndScale:
    """The indicator. `capacity` is the largest weight it shows; `rate_hz` 0 streams nothing and answers only.

    All methods are called on the event loop on which a `serve_…` was awaited.
    """

    def __init__(
        self,
        rate_hz: float = 10.0,
        unit: str = "kg",
        decimals: int = 1,
        mode: str = "GS",
        capacity: Decimal | str = "3000",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rate_hz, self.unit, self.decimals, self.mode = rate_hz, unit, decimals, mode
        self.capacity = Decimal(capacity)
        frame("ST", mode, self.capacity, unit, decimals)  # refuses what would never fit
        self.sins = Sins()
        self.frames = 0
        self.connections = 0
        self.asked = 0
        self._clock = clock
        self._from = self._to = Decimal(0)
        self._put_at, self._settle = clock(), 0.0
        self._listener = Listener(self._serve)
        self._master: int | None = None
        self._terminal: asyncio.Task[None] | None = None

    # -- the platform -------------------------------------------------------------------------------------------

    def put(self, weight_kg: Decimal | str | None, settle_s: float = 0.5) -> None:
        """Load the platform with so much in all (None: nothing): unstable for `settle_s` seconds, then stable."""
        self._from, self._to = self._shown(), Decimal(weight_kg or 0)
        self._put_at, self._settle = self._clock(), settle_s

    def overload(self) -> None:
        """More than the capacity stands on the platform."""
        self.put(self.capacity + 1, settle_s=0)

    def frame(self) -> bytes:
        """What the indicator would send at this instant."""
        weight = self._shown()
        if abs(weight) > self.capacity:
            return frame("OL", self.mode, None, self.unit, self.decimals)
        state = "US" if self._clock() < self._put_at + self._settle else "ST"
        return frame(state, self.mode, weight, self.unit, self.decimals)

    def _shown(self) -> Decimal:
        """Half-way to the new weight after a quarter of the settling time, over it at the half, there at its end."""
        passed = self._clock() - self._put_at
        if passed >= self._settle:
            return self._to
        share = passed / self._settle
        swing = Decimal(str(round(share * 2 if share < 0.5 else 1 + (1 - share) * 0.04, 4)))
        return self._from + (self._to - self._from) * swing

    # -- the lines ----------------------------------------------------------------------------------------------

    async def serve_tcp(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; the bound port is returned. OSError when the address cannot be had."""
        return await self._listener.open(host, port)

    async def serve_pty(self) -> str:
        """Open a pseudo-terminal; the path a client opens is returned. Nothing is sent while nobody has it open."""
        self._master, slave = os.openpty()
        tty.setraw(slave, termios.TCSANOW)
        path = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self._master, False)
        self._terminal = asyncio.create_task(self._serve_terminal(self._master))
        return path

    async def stop(self) -> None:
        """Close every line."""
        await self._listener.close()
        if self._terminal is not None:
            self._terminal.cancel()
            await asyncio.gather(self._terminal, return_exceptions=True)
            self._terminal = None
        if self._master is not None:
            os.close(self._master)
            self._master = None

    def drop(self) -> None:
        """Abort every TCP connection."""
        self._listener.drop()

    async def _serve(self, incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        self.connections += 1

        def send(data: bytes) -> None:
            if outgoing.transport.get_write_buffer_size() < MOST_UNREAD:
                outgoing.write(data)

        stream = asyncio.create_task(self._stream(send))
        try:
            while line := await incoming.readline():
                await self._ask(line, send)
        except ValueError:
            pass  # an endless line: not a client of a scale
        finally:
            stream.cancel()
            await asyncio.gather(stream, return_exceptions=True)

    async def _serve_terminal(self, master: int) -> None:
        poll = select.poll()
        poll.register(master, select.POLLIN)

        def is_open() -> bool:
            return not any(what & select.POLLHUP for _, what in poll.poll(0))

        def send(data: bytes) -> None:
            with contextlib.suppress(OSError):  # full (BlockingIOError) or just closed: this frame is lost
                if is_open():
                    os.write(master, data)

        stream, asked = asyncio.create_task(self._stream(send)), b""
        try:
            while True:
                await asyncio.sleep(PTY_POLL)
                with contextlib.suppress(OSError):
                    asked += os.read(master, 256)
                *lines, asked = asked.split(b"\n")
                asked = asked[-256:]
                for line in lines:
                    await self._ask(line, send)
        finally:
            stream.cancel()
            await asyncio.gather(stream, return_exceptions=True)

    async def _ask(self, line: bytes, send: Callable[[bytes], None]) -> None:
        if not line.strip():
            return
        self.asked += 1
        if line.strip() in (b"Q", b"READ"):
            await self._emit(self.frame(), send)
        elif not self.sins.silent:
            send(b"?\r\n")

    async def _stream(self, send: Callable[[bytes], None]) -> None:
        while self.rate_hz:
            await self._emit(self.frame(), send)
            await asyncio.sleep(1 / self.rate_hz)

    async def _emit(self, data: bytes, send: Callable[[bytes], None]) -> None:
        if self.sins.silent:
            return
        self.frames += 1
        if self.sins.garbage:
            send(GARBAGE)
        if not self.sins.split:
            send(data)
            return
        for piece in (data[:1], data[1:11], data[11:]):
            send(piece)
            await asyncio.sleep(0.01)


async def main(argv: Sequence[str] | None = None) -> None:
    """Serve until cancelled; one JSON line on stdout says where."""
    parser = argparse.ArgumentParser(prog="simulators.scale", description="A simulated A&D weighing indicator.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=4001, help="0 takes a free one")
    parser.add_argument("--pty", action="store_true", help="also open a pseudo-terminal")
    parser.add_argument("--weight", default="0", help="what stands on it")
    options = parser.parse_args(argv)
    scale = AndScale()
    scale.put(options.weight)
    place = {"simulator": "scale", "host": options.host, "port": await scale.serve_tcp(options.host, options.port)}
    try:
        if options.pty:
            place["pty"] = await scale.serve_pty()
        print(json.dumps(place), flush=True)
        await asyncio.Event().wait()
    finally:
        await scale.stop()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(0)
