"""Families of scenarios: what a kind of dock looks like. Each has a tuning, a varied and an untouched variant.

The tuning and the varied ones may be looked at while rules are tuned. The untouched ones have other geometry, power,
speeds, materials and seeds; only they count in the benchmark's table.
"""

from dataclasses import dataclass, replace
from typing import Final

from simulators.rf.physics import CANS, FROZEN, LIQUID, MIXED, PAPER, PLASTIC, TEXTILE, Material

Range = tuple[float, float]

ITEMS: Final = 4
"""Times as many tags on a load at most, where items carry them and not cases: apparel goes through in fewer cartons, of
a dozen items each: 30 to 300 tags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What is drawn for each shift of a family: ranges are uniform, the rest are probabilities or counts."""

    name: str
    about: str
    # -- the dock
    preset: str = "dock-4-antenna"
    eyes: bool = True
    doors: int = 1
    spacing: Range = (4.2, 4.8)
    """Metres from door to door: dock levellers stand 3.6…4.5 m apart at the closest."""
    posts: Range = (1.55, 1.75)
    """Metres from the door's middle to a post: a dock door is 2.4…3 m wide."""
    row_gap: Range = (1.1, 1.5)
    """Metres from the outer row of antennas to the inner one."""
    tilt: Range = (15.0, 25.0)
    """Degrees by which the rows look away from each other."""
    height: Range = (1.0, 1.4)
    rician: Range = (6.0, 10.0)
    """K in dB: 5…12 dB are seen in halls with a line of sight, the less the more metal stands about."""
    power: Range = (25.0, 27.0)
    """dBm at the antenna: 2 W ERP allows 29.6 dBm with 5.5 dBi; docks are turned down so as not to read the hall."""
    dwell: tuple[int, ...] = (100, 150)
    """ms."""
    hop: tuple[int, ...] = (400, 2000)
    """ms: FCC §15.247 allows 400 on a channel, EN 302 208 4,000."""
    links: tuple[str, ...] = ("dense", "dense", "fast")
    """Reader modes (`gen2.LINKS`): where doors stand side by side most are dense."""
    sessions: tuple[int, ...] = (0, 2)
    """Gen2 sessions. 2 is what Tallyman asks for, dual target; readers that cannot be asked use 0 or what they like."""
    readers: tuple[str, ...] = ("plain", "fine")
    """plain: whole dBm, phase (Zebra); fine: half dB, phase but for half a turn (Impinj); poor: whole dBm, no phase."""
    # -- the goods
    cases: tuple[int, int] = (16, 40)
    items: float = 0.0
    """Share of shifts whose goods are tagged item by item: up to ITEMS times as many tags on a load."""
    materials: tuple[Material, ...] = (PAPER, TEXTILE, PLASTIC)
    announced: float = 0.6
    """Share of pallets central knows of."""
    short: float = 0.0
    """Share of announced pallets with a case fewer than announced."""
    # -- the traffic
    speed: Range = (0.8, 1.8)
    """m/s: loaded trucks in a hall drive 4…8 km/h, faster only outside it."""
    gap: Range = (6.0, 14.0)
    """Seconds from one pallet to the next at a door."""
    out: float = 0.4
    """Share that leaves."""
    halt: float = 0.03
    """Share that stops in the door."""
    turn: float = 0.0
    """Share that turns round."""
    double: float = 0.0
    """Share of vehicles with two pallets."""
    train: float = 0.0
    """Share followed closely by another vehicle with a pallet."""
    empty: float = 0.35
    """Share preceded by an empty truck going the other way; the rest is done with a pallet jack or by two trucks."""
    drive_by: float = 0.0
    """Share of gaps in which a pallet drives past inside, through no door."""
    walker: float = 0.1
    """Share of gaps in which a person with a badge walks by or through."""
    tagged_trucks: float = 0.2
    """Share of shifts whose trucks carry a tag."""
    badged_drivers: float = 0.3
    """Share of shifts whose drivers wear a badge."""
    visitors: float = 0.05
    """Share of people whose badge is not on the site's ignore list."""
    # -- what stands around
    waiting: float = 0.2
    """Share of incoming pallets that stand in front in their trailer (others are hidden behind goods), and of leaving
    ones that are staged near the door before; the others come from deep in the hall."""
    staged: Range = (5.0, 8.0)
    """Metres from the door at which pallets are put down."""
    stays: float = 0.25
    """Share of incoming pallets that stay there for minutes."""
    parked: float = 0.0
    """Probability that a pallet stands beside the door the whole shift."""
    racks: tuple[int, int] = (0, 1)
    rack_tags: tuple[int, int] = (8, 20)
    rack_distance: Range = (6.0, 9.0)
    # -- the reader's faults
    clock_ms: float = 3.0
    """Standard deviation of what clock correction leaves."""
    drift_ppm: float = 5.0
    """What is left of a crystal's 20…50 ppm between two corrections."""
    step_ms: float = 0.0
    """Half the size of the clock steps in the shift (NTP gone wrong); 0: none."""
    lost: float = 0.0005
    """Share of reports that never arrive."""
    late: float = 0.002
    """Share of reports that arrive after later ones."""
    reconnects: float = 0.02
    """Per passage: the link breaks for a second or two, what was kept comes then, a part of it twice."""


_CALM = Family(
    name="calm",
    about="one door, light goods, time between pallets, little around",
)
_BUSY = Family(
    name="busy",
    about="one door, pallet after pallet both ways, mixed goods, pallets waiting in trailer and lane",
    cases=(24, 60),
    materials=(PAPER, TEXTILE, PLASTIC, MIXED),
    gap=(3.0, 6.0),
    speed=(1.0, 2.0),
    out=0.5,
    halt=0.06,
    train=0.05,
    empty=0.4,
    waiting=0.5,
    stays=0.5,
    walker=0.15,
    racks=(1, 2),
)
_NEIGHBOURS = Family(
    name="neighbours",
    about="three doors side by side, all working",
    doors=3,
    materials=(PAPER, TEXTILE, PLASTIC, MIXED),
    gap=(5.0, 12.0),
    speed=(0.9, 2.0),
    drive_by=0.1,
)
_STRAYS = Family(
    name="strays_heavy",
    about="one door, pallets parked beside it, racks behind it, traffic across it",
    materials=(PAPER, TEXTILE, PLASTIC, MIXED),
    parked=0.8,
    drive_by=0.25,
    stays=0.8,
    staged=(2.8, 5.5),
    racks=(2, 4),
    rack_tags=(15, 30),
    rack_distance=(4.0, 7.0),
    waiting=0.5,
)
_WEAK = Family(
    name="weak_tags",
    about="one door, liquids, cans and frozen goods: many tags are read a few times only",
    cases=(16, 48),
    materials=(LIQUID, CANS, FROZEN, MIXED),
    announced=0.8,
    speed=(0.8, 1.6),
)
_SIDE = Family(
    name="side_by_side",
    about="one door, two pallets on one truck, or a truck close behind another",
    double=0.45,
    train=0.3,
    cases=(16, 32),
    materials=(PAPER, TEXTILE, PLASTIC, MIXED),
)
_TURN = Family(
    name="turn_round",
    about="one door, every third pallet comes into the field, stands, and goes back",
    turn=0.35,
    halt=0.15,
    drive_by=0.1,
    parked=0.2,
)
_NO_EYES = replace(_BUSY, name="no_eyes", about="busy, without photo-eyes", eyes=False, gap=(4.0, 8.0), train=0.0)
_SINGLE = Family(
    name="single_antenna",
    about="one door, one antenna above it, two photo-eyes, pallets put down and driven by close to it",
    preset="single-antenna",
    materials=(PAPER, TEXTILE, PLASTIC, MIXED),
    staged=(2.6, 5.0),
    stays=0.5,
    parked=0.3,
    drive_by=0.2,
    power=(27.0, 28.5),
    cases=(12, 30),
    dwell=(200,),
)

FAMILIES: Final[dict[str, Family]] = {
    family.name: family for family in (_CALM, _BUSY, _NEIGHBOURS, _STRAYS, _WEAK, _SIDE, _TURN, _NO_EYES, _SINGLE)
}
"""The tuning variants, by name."""


def _varied(family: Family) -> Family:
    """The same work at all sorts of docks: as far as geometry, power, readers, goods and pace go in the field."""
    varied = replace(
        family,
        spacing=(3.7, 5.5),
        posts=(1.25, 2.1),
        row_gap=(0.7, 2.0),
        tilt=(0.0, 40.0),
        height=(0.6, 2.0),
        rician=(0.0, 12.0),
        power=(family.power[0] - 2.0, min(29.6, family.power[1] + 2.0)),
        dwell=(60, 100, 150, 250),
        hop=(200, 400, 2000, 4000),
        sessions=(0, 2, 2),
        readers=("plain", "fine", "poor"),
        speed=(family.speed[0] * 0.6, family.speed[1] * 1.2),
        cases=(max(5, family.cases[0] - 12), family.cases[1] + 15),
        tagged_trucks=0.4,
        badged_drivers=0.4,
        clock_ms=10.0,
        drift_ppm=30.0,
        lost=0.003,
        late=0.01,
        reconnects=0.04,
    )
    if LIQUID in family.materials:
        return replace(varied, materials=(LIQUID, CANS, FROZEN, MIXED))
    return replace(varied, materials=(*family.materials, MIXED, FROZEN))


VARIED: Final[dict[str, Family]] = {name: _varied(family) for name, family in FAMILIES.items()}
"""The variants that weights are fitted on, beside the tuning ones: one dock like another teaches little."""


def _untouched(family: Family) -> Family:
    """The same kind of dock, built by others: geometry, power, readers, goods and pace are all different."""
    changed = replace(
        family,
        spacing=(3.9, 4.3),
        posts=(1.4, 1.9),
        row_gap=(0.9, 1.8),
        tilt=(10.0, 35.0),
        height=(0.8, 1.7),
        rician=(4.0, 11.0),
        power=(family.power[0] - 0.8, min(29.6, family.power[1] + 0.8)),
        dwell=(80, 120, 200) if len(family.dwell) > 1 else (120, 250),
        hop=(400, 1000, 4000),
        readers=("plain", "fine", "poor"),
        speed=(family.speed[0] * 0.75, family.speed[1] * 1.1),
        cases=(max(6, family.cases[0] - 8), family.cases[1] + 8),
        tagged_trucks=0.5,
        badged_drivers=0.5,
        clock_ms=6.0,
        drift_ppm=20.0,
        lost=0.001,
        late=0.005,
        reconnects=0.04,
        short=0.05,
    )
    if LIQUID in family.materials:
        return replace(changed, materials=(LIQUID, CANS, FROZEN))
    return replace(changed, materials=(*family.materials, FROZEN) if MIXED in family.materials else family.materials)


UNTOUCHED: Final[dict[str, Family]] = {name: _untouched(family) for name, family in FAMILIES.items()}
"""The variants that no rule is tuned on, by the same names."""


def _seldom(family: Family) -> Family:
    """Varied docks where a tag is read a few times only: sessions that keep it silent, many tags that share a reader.

    And everywhere what only some families have: pallets parked beside the door, others that drive by, racks nearer.
    """
    return replace(
        VARIED[family.name],
        sessions=(1, 1, 2),
        items=0.4,
        parked=max(family.parked, 0.25),
        drive_by=max(family.drive_by, 0.12),
        racks=(0, max(2, family.racks[1])),
        rack_distance=(min(4.0, family.rack_distance[0]), family.rack_distance[1]),
        staged=(min(2.8, family.staged[0]), family.staged[1]),
    )


SELDOM: Final[dict[str, Family]] = {name: _seldom(family) for name, family in FAMILIES.items()}
"""The variants that no card was fitted to yet, and that the rules are worst at."""

SETS: Final = {"tuning": FAMILIES, "varied": VARIED, "untouched": UNTOUCHED, "seldom": SELDOM}
