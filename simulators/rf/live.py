"""A shift played live: its reads and edges drive simulated LLRP readers, one per door, in real time.

What the readers report is what the shift's recording holds: the same reads with the same spacing, dated from the start
of the play. What a link lost, delayed or repeated comes so, too, as seen from the reader's side of the link.
"""

import asyncio
import time
from typing import Any, Final

from simulators.llrp.reader import Reader
from simulators.rf.dock import configuration
from simulators.rf.scene import Door
from simulators.rf.shift import T0, Shift

POLL: Final = 0.05
"""Seconds between two looks whether the clients are there."""

AHEAD: Final = 500_000
"""µs from the call of `play` to the shift's first instant."""


class Live:
    """The readers of a shift's doors. Start, give `toml` to a gateway, wait for `listened`, play, stop."""

    def __init__(self, shift: Shift) -> None:
        self.shift = shift
        self.readers = {door.reader: Reader(door.reader, profile=_profile(door)) for door in shift.doors}
        self.ports: dict[str, int] = {}

    async def start(self, host: str = "127.0.0.1") -> dict[str, int]:
        """Listen on free ports: reader id → port. OSError when there is none."""
        for name, reader in self.readers.items():
            self.ports[name] = await reader.start(host)
        return self.ports

    async def stop(self) -> None:
        """Switch the readers off."""
        for reader in self.readers.values():
            await reader.stop()

    @property
    def toml(self) -> str:
        """The gateway's configuration for these doors with the readers' addresses."""
        urls = {name: f"llrp://127.0.0.1:{port}" for name, port in self.ports.items()}
        return configuration(self.shift.doors, self.shift.truth["badges"], urls)

    @property
    def documents(self) -> list[dict[str, Any]]:
        """What central has announced for the shift: (topic, payload) as downlink records."""
        return [record for _, record in self.shift.records if record["kind"] == "downlink"]

    async def listened(self, within: float) -> bool:
        """Whether every reader has a client that lets it read, `within` seconds at most."""
        for _ in range(max(1, round(within / POLL))):
            if all(reader.active for reader in self.readers.values()):
                return True
            await asyncio.sleep(POLL)
        return False

    async def play(self) -> int:
        """Report everything at its moment; µs UTC at which the shift began."""
        began = time.time_ns() // 1000 + AHEAD
        shifted = began - T0
        for t, record in self.shift.records:
            if record["kind"] not in ("reads", "gpi"):
                continue
            await asyncio.sleep((t + shifted) / 1e6 - time.time())
            reader = self.readers[record["reader"]]
            if record["kind"] == "gpi":
                reader.gpi(record["port"], record["level"])
                continue
            for at, antenna, epc, rssi, channel, phase, count in record["reads"]:
                reader.see(epc, antenna, rssi, channel, at + shifted, count, phase or 0)
        return began


def _profile(door: Door) -> str:
    """The make whose reports carry what this door's recording holds: half dB and phase are Impinj's."""
    return "impinj" if door.phase_flips else "fx9600"
