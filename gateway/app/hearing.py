"""What every antenna hears just now, for a technician who watches: counts of a short while, never a decision."""

import msgspec

from gateway.model.inputs import Read, Reads

EVERY = 0.25
"""Seconds between two lines: four pictures a second look alive and cost nothing."""

TAGS_MOST = 2000
"""Different tags told apart per antenna and line; beyond that only reads are counted on."""


class Heard(msgspec.Struct):
    """One antenna, since the last line."""

    reads: int = 0
    peak: float | None = None  # dBm
    tags: set[str] = msgspec.field(default_factory=set)


class Hearing:
    """Adds up reads by reader and antenna until somebody takes the sum."""

    def __init__(self) -> None:
        self._antennas: dict[tuple[str, int], Heard] = {}

    def note(self, item: Reads | Read) -> None:
        """Count one input of reads."""
        if isinstance(item, Read):
            self._add(item.reader, item.antenna, item.epc, item.rssi)
            return
        columns = item.columns
        if "antenna" not in columns or "epc" not in columns:
            return  # the rules refuse it and say so
        antenna, epc = columns.index("antenna"), columns.index("epc")
        level = columns.index("rssi") if "rssi" in columns else None
        for row in item.reads:
            self._add(item.reader, row[antenna], row[epc], row[level] if level is not None else None)

    def line(self) -> bytes:
        """What was heard since the last call, as a line of kind `antennas`; silent antennas are not in it."""
        heard, self._antennas = self._antennas, {}
        antennas = [
            {"reader": reader, "antenna": antenna, "reads": one.reads, "tags": len(one.tags), "peak": one.peak}
            for (reader, antenna), one in sorted(heard.items())
        ]
        return msgspec.json.encode({"kind": "antennas", "ms": round(EVERY * 1000), "antennas": antennas})

    def _add(self, reader: str, antenna: int, epc: str, rssi: float | None) -> None:
        one = self._antennas.get((reader, antenna))
        if one is None:
            one = self._antennas[reader, antenna] = Heard()
        one.reads += 1
        if rssi is not None and (one.peak is None or rssi > one.peak):
            one.peak = rssi
        if len(one.tags) < TAGS_MOST:
            one.tags.add(epc)
