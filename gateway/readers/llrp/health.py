"""The state of a reader's parts, over all its connections: its antennas, and what it complains of."""

from collections.abc import Iterable

from gateway.model.inputs import Device, Row
from gateway.readers.llrp import history
from gateway.readers.llrp.coverage import Coverage, Verdict
from gateway.readers.llrp.wishes import spoken

PATIENCE = 60_000_000
"""µs without another complaint after which one counts as settled: LLRP tells when trouble comes, never when it goes."""

PARTS_MOST = 64
"""Antennas that are told apart; what a reader says of a higher one is only logged."""

KEEP = 600_000_000
"""µs between two writings of the history, which changes every few minutes: flash cards wear."""

_MISSING, _POOR, _COMPLAINT = range(3)
"""Why a part is at fault, the most telling first."""


class Health:
    """Turns what the reader says and reads into `Device` inputs, one per change. Time is any steady clock, µs.

    Parts are devices of their own: `{reader}/antenna-{n}`, `{reader}/clock` and, for complaints that name no antenna,
    `{reader}/self`.
    `portals` are the antennas that see the same goods (see `coverage`).
    """

    def __init__(self, reader: str, portals: Iterable[tuple[int, ...]] = ()) -> None:
        self._reader = reader
        self._coverage = Coverage(portals)
        self._faults: dict[str, dict[int, str]] = {}
        self._settles: dict[str, int] = {}  # part → when its complaint counts as settled
        self._told: dict[str, Device] = {}
        self._missing: set[int] = set()
        self._kept = 0  # windows in the history that was last given away
        self._next = 0  # when it is due again
        self.forgotten = 0
        """Histories that could not be read."""

    def recall(self, data: bytes) -> str:
        """Go on from a history that an earlier life gave away (`due`); what is wrong with it, or nothing."""
        try:
            faults = self._coverage.recall(history.read(data))
        except history.HistoryError as error:
            self.forgotten += 1
            return str(error)
        for verdict in faults:
            self._faults.setdefault(f"antenna-{verdict.antenna}", {})[_POOR] = _poor(verdict)
        return ""

    def standing(self) -> list[Device]:
        """Faults that were recalled and not told yet."""
        return [device for part in list(self._faults) for device in self._tell(part)]

    def due(self, now: int, end: bool = False) -> bytes | None:
        """The history, when it is new and time to write it down, or the `end`."""
        windows = self._coverage.windows
        if windows == self._kept or (now < self._next and not end):
            return None
        self._kept, self._next = windows, now + KEEP
        return history.written(self._coverage.past())

    def antenna(self, antenna: int, connected: bool) -> list[Device]:
        """An antenna is there, or is not."""
        if not 1 <= antenna <= PARTS_MOST:
            return []
        if connected:
            self._missing.discard(antenna)
            return self._well(f"antenna-{antenna}", _MISSING)
        self._missing.add(antenna)
        text = f"antenna {antenna} is disconnected: check its cable and connectors"
        return self._ill(f"antenna-{antenna}", _MISSING, text)

    def read(self, rows: Iterable[Row]) -> list[Device]:
        """Tags were read: an antenna that reads is connected, whatever was said of it; and coverage is kept."""
        told: list[Device] = []
        if self._missing:
            for antenna in sorted(self._missing & {row[1] for row in rows}):
                told += self.antenna(antenna, True)
        for verdict in self._coverage.take(rows):
            part = f"antenna-{verdict.antenna}"
            told += self._well(part, _POOR) if verdict.well else self._ill(part, _POOR, _poor(verdict))
        return told

    def complaint(self, text: str, antenna: int | None, now: int) -> list[Device]:
        """The reader reported an exception. Told once until it has been quiet for a while, however often it comes."""
        if antenna is not None and antenna > PARTS_MOST:
            return []
        part = f"antenna-{antenna}" if antenna else "self"
        known = part in self._settles
        self._settles[part] = now + PATIENCE
        return [] if known else self._ill(part, _COMPLAINT, f"the reader reports: {text}")

    def clock(self, by: int, now: int) -> list[Device]:
        """The reader's clock was set by so many µs (more than 0: forward). Settles like a complaint."""
        way = "forward" if by > 0 else "back"
        text = f"its clock was set {way} by {spoken(round(by, -6))}: give the reader NTP; times of reads are corrected"
        known = "clock" in self._settles
        self._settles["clock"] = now + PATIENCE
        return [] if known else self._ill("clock", _COMPLAINT, text)

    def passed(self, now: int) -> list[Device]:
        """Time passed: what was not repeated is settled."""
        told: list[Device] = []
        for part in [part for part, until in self._settles.items() if now >= until]:
            del self._settles[part]
            told += self._well(part, _COMPLAINT)
        return told

    def _ill(self, part: str, why: int, text: str) -> list[Device]:
        self._faults.setdefault(part, {})[why] = text
        return self._tell(part)

    def _well(self, part: str, why: int) -> list[Device]:
        self._faults.get(part, {}).pop(why, None)
        return self._tell(part)

    def _tell(self, part: str) -> list[Device]:
        faults = self._faults.get(part)
        detail = "; ".join(text for _, text in sorted(faults.items())) if faults else ""
        device = Device(f"{self._reader}/{part}", "fault" if faults else "up", detail)
        if self._told.get(part) == device:
            return []
        self._told[part] = device
        return [device]


def _poor(verdict: Verdict) -> str:
    return (
        f"antenna {verdict.antenna} sees {verdict.share:.0%} of the tags, it used to see {verdict.usual:.0%}: "
        "check its cable, its aim, and what stands before it"
    )
