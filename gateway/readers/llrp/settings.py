"""What is wanted of one reader, as its session sees it. Built from the configuration; durations in microseconds."""

from collections.abc import Mapping

from msgspec import Struct

OUR_ROSPEC = 0x54414C59
"""Our ROSpec's id ("TALY"): unlikely to be another client's, so deleting it deletes nobody else's work."""


VERSION_1_0_1, VERSION_1_1 = 1, 2
"""LLRP versions as a message's header has them."""


class Filter(Struct, frozen=True):
    """A Gen2 Select: only tags with `mask` (its first `bits` bits) in memory `bank` from bit `pointer` on.

    `bank` 1 EPC (the EPC itself begins at bit 32), 2 TID, 3 user memory.
    """

    bank: int
    pointer: int
    mask: bytes
    bits: int


class GpiTrigger(Struct, frozen=True):
    """Read from the moment input `gpi` goes to `level`.

    Without `quiet` until it leaves that level; with it until no new tag came for so long; either way no longer than
    `timeout` (0: no limit).
    """

    gpi: int
    level: bool = True
    timeout: int = 0
    quiet: int = 0


class QuietTrigger(Struct, frozen=True):
    """Read in rounds, each until no new tag came for `quiet`; the next begins at once."""

    quiet: int


class PeriodTrigger(Struct, frozen=True):
    """Read for `duration` every `period`."""

    period: int
    duration: int


Trigger = GpiTrigger | QuietTrigger | PeriodTrigger


class ReaderSettings(Struct, frozen=True):
    """One LLRP reader.

    `power_dbm`, `session` (0–3), `mode` (the mode identifier of the reader's table, or a name: see `modes`) and
    `tag_population` are left to the reader when None. `powers` are (antenna, dBm) that differ from `power_dbm`.
    `takeover` deletes every ROSpec found, not just ours. `report_every` is the number of tags per report, and
    `report_period` the longest wait for so many (0: no limit). Tags must fit one of `filters`, if there are any.
    `trigger` None: read always. `extensions` asks known vendors (Impinj) for phase and fine RSSI. The files are
    certificates in PEM; without `ca_file` the system's authorities are trusted. `version` is the highest LLRP version
    to speak: a reader is asked for 1.1 only where it says so.
    """

    id: str
    host: str
    port: int = 5084
    antennas: tuple[int, ...] = ()  # ports to read; empty: all
    gpi: tuple[int, ...] = ()  # inputs to enable
    keepalive: int = 5_000_000
    answer: int = 5_000_000  # a request must be answered within
    connect: int = 10_000_000  # TCP, TLS and the reader's greeting
    power_dbm: float | None = None
    session: int | None = None
    mode: int | str | None = None
    tag_population: int | None = None
    takeover: bool = False
    report_every: int = 1
    rospec: int = OUR_ROSPEC
    extensions: bool = True
    report_period: int = 0
    powers: tuple[tuple[int, float], ...] = ()
    filters: tuple[Filter, ...] = ()
    trigger: Trigger | None = None
    portals: tuple[tuple[int, ...], ...] = ()  # antennas that see the same goods
    tls: bool = False
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    version: int = VERSION_1_0_1

    @property
    def silence(self) -> int:
        """Microseconds without a byte after which the link is down: two keepalives missed, and half of one more."""
        return self.keepalive * 5 // 2

    @property
    def senseless(self) -> int:
        """Microseconds without one whole message we understand, while bytes come, after which the stream is lost."""
        return 3 * self.silence

    @property
    def timely(self) -> bool:
        """Whether reports of many tags are wanted no later than a certain time."""
        return self.report_every > 1 and self.report_period > 0

    @property
    def inputs(self) -> tuple[int, ...]:
        """The inputs to enable: those of eyes and of the trigger."""
        trigger = self.trigger
        return tuple(sorted({*self.gpi, trigger.gpi})) if isinstance(trigger, GpiTrigger) else self.gpi

    @property
    def always(self) -> bool:
        """Whether our ROSpec is started by us and to be started again when it ends."""
        return self.trigger is None or isinstance(self.trigger, QuietTrigger)

    def due(self, levels: Mapping[int, bool]) -> bool:
        """Whether an input's trigger would have fired: inputs have these levels now, and the edge went unseen."""
        trigger = self.trigger
        return isinstance(trigger, GpiTrigger) and levels.get(trigger.gpi) is trigger.level

    def power(self, antenna: int) -> float | None:
        """The power wanted for an antenna, dBm."""
        return dict(self.powers).get(antenna, self.power_dbm)
