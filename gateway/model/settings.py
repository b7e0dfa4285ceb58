"""Settings of the rules: the site as the pure core sees it. Built by `config`, never read from a file here.

Durations are integer microseconds.
"""

from msgspec import Struct

from gateway.model.rules import Rule


class Location(Struct, frozen=True):
    """Where goods rest (EPCIS bizLocation). `outside` marks a place beyond the walls (supplier, street)."""

    id: str
    kind: str = "zone"
    climate_class: str | None = None


class Antenna(Struct, frozen=True):
    """One antenna of a portal: which reader port, which row of the door (outer is towards the street), which side."""

    reader: str
    port: int
    row: str = "middle"  # inner | outer | middle
    side: str = "left"  # left | right | top


class Eye(Struct, frozen=True):
    """A photo-eye on a reader's GPI; `blocked` is the level that means "something is in the beam"."""

    reader: str
    port: int
    row: str = "middle"
    blocked: bool = True


class Lights(Struct, frozen=True):
    """The light stack of a portal: GPO port per colour (None: no such lamp); off after `hold` µs.

    The buzzer sounds shortly with red.
    """

    reader: str
    green: int | None = None
    red: int | None = None
    amber: int | None = None
    hold: int = 5_000_000
    buzzer: int | None = None


FEATURES = (
    *("level", "both_rows", "missed", "group_level", "group_size", "through", "group_swing", "group_reads", "contrast"),
    *("swing", "above_background", "follows", "unlike", "moves", "company", "with_group", "order", "balance"),
    *("background", "strays_here", "faint_here", "often", "strayed", "came_before", "put_down", "left", "as_stood"),
    *("wrong_side", "elsewhere", "phase", "with_eyes", "arrived", "product", "unit"),
)
"""What a passage looks at of a tag (`rules.scoring.SAYS` says each in words), but for what serial neighbours say: those
are points already, theirs."""


class Portal(Struct, frozen=True):
    """A dock-door read point.

    `location` is where what comes in rests. `outside` None: a dock door (in = receive, out = ship);
    else an inner door (in = transfer outside→location, out = transfer location→outside).
    """

    id: str
    location: str
    antennas: tuple[Antenna, ...]
    eyes: tuple[Eye, ...] = ()
    neighbours: tuple[str, ...] = ()
    outside: str | None = None
    lights: Lights | None = None
    quiet: int = 1_200_000
    settle: int = 300_000
    longest: int = 30_000_000
    gap: int = 700_000
    """µs for which a beam may be free and the same thing breaks it again."""
    flow: str = ""  # in | out: all that passes goes this way, in line, and nothing turns (a belt); else either way
    min_reads: int = 3
    min_rssi: float = -65.0
    unknown_tags: str = "hold"  # ignore | hold | accept | alarm: what to do with tags that nothing explains
    empties: int = 4  # empty passages in a row that are an alarm; 0: none are
    weights: tuple[tuple[str, int], ...] = ()
    """Features (FEATURES) that count for more or less at this door, with how much, %: the others count as ever."""


class Sensor(Struct, frozen=True):
    """A sensor and the location it watches."""

    id: str
    location: str


class Scale(Struct, frozen=True):
    """A scale and the portal whose passages it weighs.

    It `opens` one: never, with a `weight` that settles and is new, or with each `line` that the indicator sends.
    """

    id: str
    portal: str
    opens: str = "never"  # never | weight | line


class Limit(Struct, frozen=True):
    """One alarm limit: high or low on one quantity of one sensor (sensors reference §3.2).

    `deadband` in the quantity's unit; `on_delay`/`off_delay` µs of event time; `hold` puts the lots of the location
    on hold when the alarm becomes active; `inclusive` makes the limit value itself beyond.
    """

    id: str
    sensor: str
    quantity: str
    side: str  # high | low
    limit: float
    deadband: float = 0.0
    on_delay: int = 0
    off_delay: int = 0
    priority: str = "medium"  # low | medium | high | critical
    hold: bool = False
    inclusive: bool = False


class Settings(Struct, frozen=True):
    """Everything the rules know beforehand."""

    site: str
    gateway: str
    timezone: str = "UTC"
    gln: str | None = None
    prefix_length: int | None = None
    owner: str = ""
    locations: tuple[Location, ...] = ()
    portals: tuple[Portal, ...] = ()
    sensors: tuple[Sensor, ...] = ()
    scales: tuple[Scale, ...] = ()
    limits: tuple[Limit, ...] = ()
    ignore: tuple[str, ...] = ()
    lot_number: str = ""
    rules: tuple[Rule, ...] = ()
    topic_prefix: str = "tallyman/v1"
