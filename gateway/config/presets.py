"""Portal presets: what a kind of read point needs, and the numbers that suit it.

With every preset `quiet` + `settle` leaves room for the promise of a verdict within two seconds of the last read.
"""

from typing import NamedTuple

from gateway.config.values import duration


class Preset(NamedTuple):
    """The numbers of a portal (durations µs, `min_rssi` dBm), the antennas it cannot do without, its one way, and the
    features that count for more or less there.
    """

    quiet: int
    settle: int
    longest: int
    gap: int
    min_reads: int
    min_rssi: float
    antennas: int = 1
    rows: tuple[str, ...] = ()
    flow: str = ""
    weights: tuple[tuple[str, float], ...] = ()


JACK = duration("700ms")
"""`gap` of a door: whoever walks before a pallet jack or behind it leaves 0.4…0.8 m, at 1…1.4 m/s; nobody drives two
tonnes up to 2 m/s with less than 1.5 m to the truck ahead. Loads that come closer are parted by their tags."""

CARTONS = duration("100ms")
"""And of a conveyor, where what follows is the next carton: 6 cm at 0.6 m/s; an eye's own flicker is shorter."""

PASSING = (("strayed", 0.0), ("strays_here", 0.0), ("group_reads", 0.0))
"""What says nothing on a belt: the cartons before and behind each are heard as its strays, and they are new, too; and a
carton that is past an antenna in half a second is read once or twice a tag."""

PRESETS = {
    # Two antennas on each side, in two rows: the usual gate around a dock door.
    "dock-4-antenna": Preset(
        duration("1200ms"), duration("300ms"), duration("30s"), JACK, 3, -65.0, antennas=4, rows=("inner", "outer")
    ),
    # One antenna per row: the least that can tell the direction.
    "dock-2-antenna": Preset(
        duration("1200ms"), duration("300ms"), duration("30s"), JACK, 2, -65.0, antennas=2, rows=("inner", "outer")
    ),
    # A hand-over point: sees that something passed, not which way.
    "single-antenna": Preset(duration("1200ms"), duration("300ms"), duration("30s"), JACK, 3, -60.0),
    # Goods follow each other closely, in line, and near the antenna; a belt does not turn.
    "conveyor": Preset(
        duration("400ms"), duration("200ms"), duration("10s"), CARTONS, 2, -55.0, flow="in", weights=PASSING
    ),
    # Goods stay in view for long; many reads are cheap, neighbours' tags are the danger.
    "shelf": Preset(duration("1500ms"), duration("300ms"), duration("5m"), JACK, 5, -58.0),
}
"""By the name that `portal.preset` gives."""
