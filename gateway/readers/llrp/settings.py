"""What is wanted of one reader, as its session sees it. Built from the configuration; durations in microseconds."""

from msgspec import Struct

OUR_ROSPEC = 0x54414C59
"""Our ROSpec's id ("TALY"): unlikely to be another client's, so deleting it deletes nobody else's work."""


class ReaderSettings(Struct, frozen=True):
    """One LLRP reader.

    `power_dbm`, `session` (0–3), `mode` (the mode identifier of the reader's table) and `tag_population` are left to
    the reader when None. `takeover` deletes every ROSpec found, not just ours. `report_every` is the number of tags
    per report. `extensions` asks known vendors (Impinj) for phase and fine RSSI.
    """

    id: str
    host: str
    port: int = 5084
    antennas: tuple[int, ...] = ()  # ports to read; empty: all
    gpi: tuple[int, ...] = ()  # inputs to enable
    keepalive: int = 5_000_000
    answer: int = 5_000_000  # a request must be answered within
    connect: int = 10_000_000  # TCP and the reader's greeting
    power_dbm: float | None = None
    session: int | None = None
    mode: int | None = None
    tag_population: int | None = None
    takeover: bool = False
    report_every: int = 1
    rospec: int = OUR_ROSPEC
    extensions: bool = True

    @property
    def silence(self) -> int:
        """Microseconds without a byte after which the link is down: two keepalives missed, and half of one more."""
        return self.keepalive * 5 // 2
