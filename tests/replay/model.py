"""Recordings for the rules of the model: one small, believable scene each. `python -m tests.replay.model` writes them.

The doors are 3 m wide, their rows of antennas and of eyes 1.5 m apart (outer at -0.75 m, inner at +0.75 m); a truck
with its load is 2.6 m long and does 1.5 m/s. An antenna hears a tag at `loud` dBm when it is beside it, and less by
the fourth power of the distance; each antenna has every second turn of SLOT ms. What fades, fades by a fixed pattern.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from gateway.model.inputs import COLUMNS, Boot, Device, Gpi, Input, Reads
from gateway.model.times import SECOND
from simulators import epc
from tests import dockside
from tests.dockside import T0, Step, asn, case_tag, line, pallet_tag

CASES = Path(__file__).with_name("cases")

TOML = (
    dockside.HEAD
    + """\
[[reader]]
id = "dock-1"
url = "llrp://127.0.0.1:5084"
[[portal]]
id = "dock-1"
location = "cold-2"
preset = "dock-2-antenna"
neighbours = ["dock-2"]
antennas = [{ reader = "dock-1", port = 1, row = "outer" }, { reader = "dock-1", port = 2, row = "inner" }]
eyes = [{ reader = "dock-1", port = 1, row = "outer" }, { reader = "dock-1", port = 2, row = "inner" }]
[[reader]]
id = "dock-2"
url = "llrp://127.0.0.1:5085"
[[portal]]
id = "dock-2"
location = "cold-2"
preset = "dock-2-antenna"
neighbours = ["dock-1"]
antennas = [{ reader = "dock-2", port = 1, row = "outer" }, { reader = "dock-2", port = 2, row = "inner" }]
eyes = [{ reader = "dock-2", port = 1, row = "outer" }, { reader = "dock-2", port = 2, row = "inner" }]
[[reader]]
id = "gate-3"
url = "llrp://127.0.0.1:5086"
[[portal]]
id = "gate-3"
location = "cold-2"
preset = "dock-2-antenna"
antennas = [{ reader = "gate-3", port = 1, row = "outer" }, { reader = "gate-3", port = 2, row = "inner" }]
[[reader]]
id = "top-4"
url = "llrp://127.0.0.1:5087"
[[portal]]
id = "top-4"
location = "cold-2"
preset = "single-antenna"
antennas = [{ reader = "top-4", port = 1, row = "middle" }]
eyes = [{ reader = "top-4", port = 1, row = "outer" }, { reader = "top-4", port = 2, row = "inner" }]
"""
)

BELT = (
    dockside.HEAD
    + """\
[[reader]]
id = "belt-1"
url = "llrp://127.0.0.1:5084"
[[portal]]
id = "belt-1"
location = "cold-2"
preset = "conveyor"
antennas = [
  { reader = "belt-1", port = 1, row = "middle", side = "left" },
  { reader = "belt-1", port = 2, row = "middle", side = "right" },
]
eyes = [{ reader = "belt-1", port = 1, row = "outer" }, { reader = "belt-1", port = 2, row = "inner" }]
"""
)

SLOT = 150
"""ms of an antenna's turn."""

ROWS = (-0.75, 0.75)
"""Where the antennas hang, m."""

BEAMS = (-1.0, 1.0)
FRONT, BACK = 0.6, -2.0
"""Ends of the truck, from the middle of its load, m."""

BESIDE, QUIET = 0.8, -70.0
"""m from an antenna at which a tag is as loud as `loud` says; dBm below which nothing is read."""

PACE = 1.5

WAVE = 0.326
"""m of a wave at 920 MHz: the phase turns once for every half that a tag comes nearer."""

Path_ = Callable[[float], float | None]
"""Where a tag is (m, inwards positive) at a time (s); None: nowhere near."""


Says = dict[str, tuple[float | None, float | None]]
"""Feature of the tag in question: between which figures it is (None: no bound), as the evidence has them."""


CASES_OF_A_LOAD = (1, 2, 3, 4, 5)


class Tag(Struct):
    """A tag: what it is, where it goes, and how loud each row hears it beside its antenna, dBm."""

    epc: str
    path: Path_
    loud: tuple[float, float] = (-42.0, -42.0)
    rows: tuple[bool, bool] = (True, True)
    aside: float = BESIDE
    """m from the line of the antennas at which it goes by."""


OTHER = "0952000111235" + epc.check_digit("0952000111235")
"""What the loads are not."""


def other(serial: int) -> str:
    """The tag of a case of another product."""
    return epc.sgtin96(OTHER, str(serial), dockside.PREFIX)


X = other(900)
"""The tag in question, where it does not move: of the same product it would be what the load is."""


def going(at: float, *, inward: bool = True, offset: float = 0.0, pace: float = PACE) -> Path_:
    """Through the door, its middle at `at` (s); `offset` m behind the middle of its load."""
    way = 1 if inward else -1
    return lambda t: way * (pace * (t - at) - offset)


def standing(x: float, begin: float = -1e9, end: float = 1e9) -> Path_:
    """There, from `begin` to `end` (s)."""
    return lambda t: x if begin <= t <= end else None


def turning(at: float, deepest: float = 0.2) -> Path_:
    """Up to `deepest` m and back."""
    return lambda t: deepest - PACE * abs(t - at)


def calling(at: float) -> Path_:
    """From the hall up to the inner antenna, and back."""
    return lambda t: 1.4 + PACE / 2 * abs(t - at)


def load(number: int, serials: Iterable[int], path: Callable[[float], Path_], *, loud: float = -42.0) -> list[Tag]:
    """A pallet's tag and its cases, spread over 1.2 m, some of them deeper in it."""
    tags = [pallet_tag(number), *map(case_tag, serials)]
    return [
        Tag(epc, path(0.4 * (place % 3 - 1)), (loud - place % 4, loud - (place + 1) % 4))
        for place, epc in enumerate(tags)
    ]


def heard(
    portal: str,
    tags: Iterable[Tag],
    begin: float,
    end: float,
    *,
    phases: bool = False,
    hang: tuple[float, float] = ROWS,
) -> Iterator[Step]:
    """What the portal's antennas read of these tags from `begin` to `end` (s), with phases or without."""
    tags, columns = list(tags), COLUMNS[:6] if phases else COLUMNS[:4]
    for slot in range(int(begin * 1000) // SLOT, int(end * 1000) // SLOT):
        antenna, t = slot % 2, slot * SLOT / 1000
        found = []
        for place, tag in enumerate(tags):
            x = tag.path(t)
            if x is None or not tag.rows[antenna]:
                continue
            away = math.hypot(tag.aside, x - hang[antenna]) / BESIDE
            level = tag.loud[antenna] - 40 * math.log10(away) + ((slot // 2 * 3 + place * 5) % 7 - 3) / 2
            if level >= QUIET:
                at = T0 + slot * SLOT * 1000 + place * 1500
                phase = round((2 * BESIDE * away / WAVE + place / 7) * 4096) % 4096
                found.append((at, antenna + 1, tag.epc, round(level * 2) / 2, 1, phase)[: len(columns)])
        if found:
            yield int(found[-1][0]) + 20_000, [Reads(portal, tuple(found), columns)]


def beams(
    portal: str, at: float, *, inward: bool = True, rows: tuple[int, ...] = (0, 1), slit: tuple[float, ...] = ()
) -> list[Step]:
    """The eyes as a truck goes through, the middle of its load at `at` (s); light falls through from … to … (m)."""
    steps: list[Step] = []
    for row in rows:
        beam = BEAMS[row] if inward else -BEAMS[row]
        for broken, end in zip((True, False, True, False), (FRONT, *slit, BACK), strict=False):
            when = T0 + int((at + (beam - end) / PACE) * SECOND)
            steps.append((when + 1000, [Gpi(portal, row + 1, broken, when)]))
    return steps


Claim = tuple[str, str | None, set[str], str]
"""As `CLAIMS` has it: direction, verdict and reasons, kind of the last event."""


class Scene(Struct):
    """One recording, and what is to be said of the tag in question in its last passage."""

    steps: list[Step]
    epc: str
    moved: bool
    says: Says
    claim: Claim = ("in", "accepted", {"matched"}, "receipt")
    portal: str = "dock-1"
    """Where it is asked for: in the last passage that heard it there."""
    toml: str = TOML


def day(
    *steps: Iterable[Step], announced: int = 1, serials: Iterable[int] = CASES_OF_A_LOAD, until: float = 40.0
) -> list[Step]:
    """Steps between a boot with an ASN and something harmless."""
    serials = list(serials)
    begin: list[Step] = [(T0 - 500 * SECOND, [Boot("b", "0")])]
    if serials:
        begin.append((T0 - 499 * SECOND, [asn(announced, line(len(serials), serials))]))
    last: list[Input] = [Device("dock-1", "up")]
    return dockside.grouped([*begin, *(step for some in steps for step in some), (T0 + int(until * SECOND), last)])


def crossing(at: float = 10.0, *more: Tag, number: int = 1, serials: Iterable[int] = CASES_OF_A_LOAD) -> list[Step]:
    """A truck brings a pallet in at dock-1, `more` tags being heard beside it."""
    tags = load(number, serials, lambda offset: going(at, offset=offset))
    return [*beams("dock-1", at), *heard("dock-1", [*tags, *more], at - 4, at + 4)]


def beside(says: Says, *more: Tag, before: Iterable[Step] = ()) -> Scene:
    """A pallet goes in; the tag in question is near and does not."""
    return Scene(day(taught(20), before, crossing(10.0, *more)), X, moved=False, says=says)


def quiet(*tags: Tag, begin: float = -160.0, end: float = 5.0) -> list[Step]:
    """What is heard while nothing passes: from some thousand reads on it is the portal's background."""
    steps: list[Step] = []
    found: list[tuple[int | float | str, ...]] = []
    for t, (item,) in heard("dock-1", tags, begin, end):
        assert isinstance(item, Reads)
        found += item.reads
        if len(found) >= 40:  # the reader reports every few seconds
            steps.append((t, [Reads("dock-1", tuple(found), item.columns)]))
            found = []
    return steps


def taught(*loads: int, beside: Tag | None = None) -> Iterator[Step]:
    """Earlier loads of the day that the door has learned its level from, unannounced, the first five minutes before."""
    for place, number in enumerate(loads):
        more = [] if beside is None else [beside]
        yield from crossing(-300.0 + 30 * place, *more, number=number, serials=(10 * number, 10 * number + 9))


def walked(says: Says, path: Callable[[float], Path_], aside: float = BESIDE) -> Scene:
    """Somebody walks in through the beams while a whole load is elsewhere."""
    tags = [Tag(one.epc, one.path, one.loud, aside=aside) for one in load(1, CASES_OF_A_LOAD, path)]
    steps = [*beams("dock-1", 10.0), *heard("dock-1", tags, 6, 14)]
    return Scene(
        day(taught(20, 21), steps, serials=()),
        case_tag(1),
        moved=False,
        says=says,
        claim=("in", "held", HELD, "exception"),
    )


def glimpsed() -> Scene:
    """Somebody walks in, and cases of other goods that stand far behind the door light up for a moment."""
    lit = [Tag(other(900 + 50 * place), standing(2.1, 10.0, 10.4), (-48.0, -52.0)) for place in range(5)]
    steps = [*beams("dock-1", 10.0), *heard("dock-1", lit, 6, 14)]
    claim: Claim = ("in", "held", HELD, "exception")
    return Scene(day(taught(20, 21), steps, serials=()), X, moved=False, says={"group_reads": (None, 2)}, claim=claim)


def lone() -> Scene:
    """An empty truck goes in where pallets of thirty do, and one case that stands behind the door lights up."""
    pallets = [
        crossing(30.0 * place - 300, number=number, serials=range(100 * number, 100 * number + 30))
        for place, number in enumerate((20, 21))
    ]
    steps = [*beams("dock-1", 10.0), *heard("dock-1", [Tag(X, standing(1.6, 8.8, 11.2), (-48.0, -46.0))], 6, 14)]
    claim: Claim = ("in", "held", HELD, "exception")
    return Scene(day(*pallets, steps, serials=()), X, moved=False, says={"group_size": (None, 10)}, claim=claim)


HELD = {"no_expectation", "unknown_tag"}
PARKED = Tag(X, standing(-1.2), (-47.0, -50.0))
RACK = Tag(X, standing(2.2), (-42.0, -42.0))


def scenes() -> dict[str, Scene]:
    """Every scene by the name of its folder."""
    return {
        "model-level": beside({"level": (None, -10)}, Tag(X, standing(0.0), (-60.0, -60.0))),
        "model-both-rows": beside({"both_rows": (None, -10)}, Tag(X, standing(-1.6), (-40.0, -40.0))),
        "model-missed": beside({"missed": (None, -10)}, Tag(X, standing(-0.9), (-42.0, -42.0), (True, False))),
        "model-often": beside({"often": (None, 20)}, Tag(X, standing(-1.6, 11.6, 12.0), (-56.0, -56.0))),
        "model-strays-here": beside(
            {"strays_here": (None, -3)}, Tag(X, standing(-1.6, 9.0, 11.0), (-50.0, -50.0)), before=crowded()
        ),
        "model-faint-here": beside({"faint_here": (None, -8)}, *rack()),
        "model-put-down": put_down(),
        "model-left": beside({"left": (None, -5)}, PARKED, before=quiet(PARKED)),
        "model-as-stood": beside({"as_stood": (None, 1)}, RACK, before=quiet(RACK)),
        "model-unit": Scene(
            day(taught(20), crossing(10.0, Tag(pallet_tag(9), standing(-1.2), (-47.0, -50.0)))),
            pallet_tag(9),
            moved=False,
            says={"unit": (None, -5)},
        ),
        "model-arrived": arrived(),
        "model-group-level": walked({"group_level": (None, -11)}, lambda off: standing(off), 2.2),
        "model-group-size": lone(),
        "model-through": walked({"through": (None, 0)}, lambda off: standing(off / 2, 8.5, 11.5)),
        "model-group-swing": walked({"group_swing": (None, 4)}, lambda off: standing(0.75 + off / 4, 7.5, 12.5)),
        "model-group-reads": glimpsed(),
        "model-contrast": beside({"contrast": (None, 3)}, PARKED),
        "model-swing": beside({"swing": (None, 5)}, Tag(X, standing(-0.4, 8.4, 12.0))),
        "model-above-background": beside({"above_background": (None, 4)}, PARKED, before=quiet(PARKED)),
        "model-background": beside({"background": (None, -5)}, RACK, before=quiet(RACK)),
        "model-strayed": Scene(
            day(taught(20, 21, beside=PARKED), crossing(10.0, PARKED)),
            X,
            moved=False,
            says={"strayed": (None, -1)},
        ),
        "model-follows": beside({"follows": (None, 20)}, Tag(X, standing(0.0), (-52.0, -52.0))),
        "model-unlike": beside({"unlike": (None, -20)}, Tag(X, standing(0.3, 6.0, 14.0))),
        "model-moves": beside({"moves": (None, -20)}, Tag(X, standing(-0.3, 6.0, 14.0))),
        "model-company": beside({"company": (None, -13)}, Tag(X, going(13.4), (-50.0, -50.0))),
        "model-with-group": beside({"with_group": (None, -40)}, Tag(X, going(12.9), (-50.0, -50.0))),
        "model-order": beside({"order": (None, -12)}, Tag(X, calling(10.0), (-50.0, -50.0))),
        "model-balance": beside({"balance": (None, -10)}, Tag(X, standing(-1.3), (-42.0, -50.0))),
        "model-came-before": Scene(
            day(
                crossing(-60.0, Tag(X, going(-60.0)), number=20, serials=(901, 907)),
                crossing(10.0, Tag(X, standing(2.0), (-40.0, -40.0))),
            ),
            X,
            moved=False,
            says={"came_before": (None, -1)},
        ),
        "model-wrong-side": beside({"wrong_side": (None, 5)}, Tag(X, standing(0.9, end=11.0))),
        "model-elsewhere": leaking(),
        "model-phase": phased(),
        "model-with-eyes": beside({"with_eyes": (None, -15)}, Tag(X, going(7.2), (-46.0, -46.0))),
        "model-kin": kin_scene(),
        "model-product": product(),
        "model-two-loads-one-beam": two(eyes=True),
        "model-two-loads-no-eyes": two(eyes=False),
        "model-slit": slit(),
        "model-turned-round": turned(),
        "model-fetched": fetched(),
        "model-few-back": few_back(),
        "model-again": again(),
        "model-hardly-any": hardly_any(),
        "model-one-way": one_way(),
        "model-belt": belt(),
        "model-parked-pallet": parked(),
        "model-next-door": next_door(),
        "model-vouched": vouched(),
        "model-together": together(),
        "model-unlabelled": unlabelled(),
        "model-dismissed": dismissed(),
        "model-companion": companion(),
        "model-empty": empty(),
        "model-late-reads": late(),
    }


def kin_scene() -> Scene:
    """Seven cases of one run; the fourth is heard faintly, deep in the pallet."""
    deep = Tag(case_tag(4), going(10.0), (-52.0, -52.0))
    tags = [one for one in load(1, range(1, 8), lambda offset: going(10.0, offset=offset)) if one.epc != deep.epc]
    steps = [*beams("dock-1", 10.0), *heard("dock-1", [*tags, deep], 5, 15)]
    return Scene(day(steps, serials=range(1, 8)), deep.epc, moved=True, says={"kin": (4, None)})


def product() -> Scene:
    """Seven cases of one product, none labelled next to another; one is heard faintly, deep in the pallet."""
    serials = [100 * place for place in range(1, 8)]
    deep = Tag(case_tag(400), going(10.0), (-52.0, -52.0))
    tags = [one for one in load(1, serials, lambda offset: going(10.0, offset=offset)) if one.epc != deep.epc]
    steps = [*beams("dock-1", 10.0), *heard("dock-1", [*tags, deep], 5, 15)]
    return Scene(day(steps, serials=serials), deep.epc, moved=True, says={"product": (3, None)})


def phased() -> Scene:
    """A case is put down in the side of the door just before the pallet comes; the reader tells phases."""
    tags = [*load(1, CASES_OF_A_LOAD, lambda offset: going(10.0, offset=offset)), Tag(X, standing(-0.3, 6.0, 14.0))]
    steps = [*beams("dock-1", 10.0), *heard("dock-1", tags, 6, 14, phases=True)]
    return Scene(day(taught(20), steps), X, moved=False, says={"phase": (None, -3)})


def crowded() -> Iterator[Step]:
    """Loads of the last minutes, beside each of which much was heard that was never heard before, and did not move."""
    for place in range(3):
        at = -200.0 + 60 * place
        beside = standing(-1.6, at - 2.5, at + 4.0)
        tags = [Tag(other(2000 + 200 * place + 10 * each), beside, (-46.0, -50.0)) for each in range(12)]
        yield from crossing(at, *tags, number=30 + place, serials=(300 + 10 * place, 309))


def arrived() -> Scene:
    """A pallet that was put down before the door goes in; one of its cases is heard faintly, deep in it."""

    def path(offset: float) -> Path_:
        return lambda t: max(-2.6, PACE * (t - 10.0)) - offset

    serials = [100 * place + 50 for place in range(1, 8)]
    deep = Tag(case_tag(450), path(0.0), (-49.0, -49.0))
    tags = [*(one for one in load(1, serials, path) if one.epc != deep.epc), deep]
    steps = [*quiet(*tags, begin=-60.0), *beams("dock-1", 10.0), *heard("dock-1", tags, 5, 15)]
    return Scene(day(taught(20), steps, serials=serials), deep.epc, moved=True, says={"arrived": (3, None)})


def put_down() -> Scene:
    """A truck puts its pallet down right behind the door, and goes out past it."""
    tags = load(1, CASES_OF_A_LOAD, lambda offset: lambda t: min(1.8, PACE * (t - 4.0)) - offset)
    steps = [*beams("dock-1", 4.0), *beams("dock-1", 10.0, inward=False), *heard("dock-1", tags, 0, 15)]
    claim: Claim = ("out", "accepted", {"matched"}, "exception")
    return Scene(day(taught(20), steps), case_tag(1), moved=False, says={"put_down": (None, 6)}, claim=claim)


def few_back() -> Scene:
    """A truck puts its pallet down out of earshot, and goes out; its steel mirrors two of the cases for a moment."""
    tags = load(1, CASES_OF_A_LOAD, lambda offset: going(4.0, offset=offset))
    mirrored = [Tag(case_tag(serial), going(14.0, inward=False), (-44.0, -44.0)) for serial in (1, 2)]
    steps = [*beams("dock-1", 4.0), *beams("dock-1", 14.0, inward=False)]
    steps += [*heard("dock-1", tags, 0, 8), *heard("dock-1", mirrored, 10, 18)]
    claim: Claim = ("out", "accepted", {"matched"}, "exception")
    return Scene(day(taught(20), steps), case_tag(1), moved=False, says={}, claim=claim)


def again() -> Scene:
    """A pallet is brought in and set down; its truck takes it up once more, backs into the beams and goes on."""
    tags = load(1, CASES_OF_A_LOAD, lambda offset: lambda t: going(4.0 if t < 9 else 14.0, offset=offset)(t))
    steps = [*beams("dock-1", 4.0), *beams("dock-1", 14.0), *heard("dock-1", tags, 0, 18)]
    claim: Claim = ("in", "accepted", {"matched"}, "exception")
    return Scene(day(taught(20), steps), case_tag(1), moved=False, says={}, claim=claim)


def hardly_any() -> Scene:
    """An empty truck passes a rack that is heard with it only; its mast mirrors one of the cases from row to row."""
    steps = [*beams("dock-1", 10.0), *heard("dock-1", [*rack(), Tag(X, going(10.0), (-58.0, -58.0))], 6, 14)]
    claim: Claim = ("in", "held", HELD, "exception")
    return Scene(day(taught(20), steps, serials=()), X, moved=False, says={}, claim=claim)


def rack() -> Iterator[Tag]:
    """A dozen cases in a rack that are heard while a truck passes, and at no other time."""
    return (Tag(other(900 + 10 * place), standing(1.9, 9.4, 10.8), (-58.0, -60.0)) for place in range(12))


def two(*, eyes: bool) -> Scene:
    """Two pallets, the second 4.5 s behind the first; the beams are never free, or there are none."""
    portal = "dock-1" if eyes else "gate-3"
    first = load(1, CASES_OF_A_LOAD, lambda offset: going(10.0, offset=offset))
    second = load(2, (11, 12, 13, 14, 15), lambda offset: going(14.5, offset=offset))
    waits = [] if eyes else [Tag(X, standing(0.0, 9.5, 15.0), (-38.0, -38.0))]
    steps = list(heard(portal, [*first, *second, *waits], 5, 20))
    if eyes:
        edges = sorted([*beams(portal, 10.0), *beams(portal, 14.5)], key=lambda step: step[0])
        kept = []
        for row in (1, 2):
            mine = [step for step in edges if step[1][0].port == row]  # type: ignore[union-attr]
            kept += [mine[0], mine[-1]]
        steps += kept
    steps.append((T0 - 498 * SECOND, [asn(2, line(5, (11, 12, 13, 14, 15)))]))
    return Scene(day(steps), case_tag(12), moved=True, says={}, portal=portal)


def slit() -> Scene:
    """Light falls through before the truck's body, and two cases are heard from behind it only, when it is inside."""
    hidden = [Tag(case_tag(serial), lambda t: going(10.0)(t) if t > 11.0 else None) for serial in (4, 5)]
    tags = load(1, (1, 2, 3), lambda offset: going(10.0, offset=offset))
    steps = [*beams("dock-1", 10.0, slit=(-0.6, -0.9)), *heard("dock-1", [*tags, *hidden], 6, 14)]
    return Scene(day(taught(20), steps), hidden[0].epc, moved=True, says={})


def turned() -> Scene:
    """A truck drives into the outer beam and the inner one, stops, and backs out with its load."""
    tags = load(1, CASES_OF_A_LOAD, lambda offset: lambda t: turning(10.0, 0.9 - offset)(t))
    steps: list[Step] = []
    for row, (begin, end) in enumerate(((8.3, 11.7), (9.5, 10.5))):
        for level, when in ((True, begin), (False, end)):
            at = T0 + int(when * SECOND)
            steps.append((at + 1000, [Gpi("dock-1", row + 1, level, at)]))
    steps += heard("dock-1", tags, 4, 16)
    return Scene(day(taught(20), steps), case_tag(1), moved=False, says={}, claim=("none", "held", HELD, "receipt"))


def fetched() -> Scene:
    """A truck comes from the hall, picks a pallet up from right behind the outer beam, and backs in again with it."""

    def path(offset: float) -> Path_:
        return lambda t: -2.0 - offset + PACE * max(0.0, t - 10.0)

    tags = load(1, CASES_OF_A_LOAD, path)
    steps: list[Step] = []
    for eye, broken in ((2, (6.0, 8.3, 10.7, 12.4)), (1, (7.3, 11.1))):
        for place, when in enumerate(broken):
            at = T0 + int(when * SECOND)
            steps.append((at + 1000, [Gpi("dock-1", eye, place % 2 == 0, at)]))
    steps += heard("dock-1", tags, 0, 16)
    return Scene(day(taught(20), steps), case_tag(1), moved=True, says={})


def one_way() -> Scene:
    """The same below a single antenna: the truck stands in the outer beam, in a trailer's mouth, until it backs out."""

    def path(offset: float) -> Path_:
        return lambda t: -3.5 - offset + PACE * max(0.0, t - 11.0)

    tags = [Tag(one.epc, one.path, one.loud, rows=(True, False)) for one in load(1, CASES_OF_A_LOAD, path)]
    steps: list[Step] = []
    for eye, broken in ((2, (5.0, 6.5, 11.4, 15.0)), (1, (5.6, 14.0))):
        for place, when in enumerate(broken):
            at = T0 + int(when * SECOND)
            steps.append((at + 1000, [Gpi("top-4", eye, place % 2 == 0, at)]))
    steps += heard("top-4", tags, 7, 18)
    return Scene(day(taught(20), steps), case_tag(1), moved=True, says={}, portal="top-4")


def belt() -> Scene:
    """Cartons of 50 cm on a belt, 25 cm apart: one breaks the first beam while the one before it is in the second."""
    pace, length, eyes = 0.5, 0.5, (-0.3, 0.3)
    steps: list[Step] = [(T0 - 498 * SECOND, [asn(2, line(5, (11, 12, 13, 14, 15)))])]
    tags: list[Tag] = []
    for number, serials, middle in ((1, CASES_OF_A_LOAD, 10.0), (2, (11, 12, 13, 14, 15), 11.5)):
        for one in load(number, serials, lambda offset: lambda _: offset / 4, loud=-60.0):
            place = one.path(0.0) or 0.0
            tags.append(Tag(one.epc, going(middle, offset=place, pace=pace), one.loud, aside=0.3))
        for row, eye in enumerate(eyes):
            for end, broken in ((length / 2, True), (-length / 2, False)):
                at = T0 + int((middle + (eye - end) / pace) * SECOND)
                steps.append((at + 1000, [Gpi("belt-1", row + 1, broken, at)]))
    steps += heard("belt-1", tags, 5, 17, hang=(0.0, 0.0))
    steps = day(sorted(steps, key=lambda step: step[0]))
    return Scene(steps, case_tag(11), moved=True, says={}, portal="belt-1", toml=BELT)


def parked() -> Scene:
    """A whole pallet is staged beside the door, as loud as what goes through."""
    staged = [Tag(other(900 + 2 * place), standing(-1.3 + 0.2 * place), (-44.0 - place, -50.0)) for place in range(4)]
    return Scene(
        day(taught(20), quiet(*staged, begin=-42.0), crossing(10.0, *staged)),
        X,
        moved=False,
        says={"background": (None, -5)},
    )


def leaking() -> Scene:
    """A pallet goes through dock-1 and another through dock-2; one case of that is heard at both, louder there."""
    here = load(1, CASES_OF_A_LOAD, lambda offset: going(10.0, offset=offset))
    there = load(2, (11, 12, 13, 14, 15), lambda offset: going(10.4, offset=offset))
    leaks = Tag(there[2].epc, there[2].path, (-52.0, -52.0))
    steps = [
        *beams("dock-1", 10.0),
        *beams("dock-2", 10.4),
        *heard("dock-1", [*here, leaks], 6, 14),
        *heard("dock-2", there, 6, 14),
        (T0 - 498 * SECOND, [asn(2, line(5, (11, 12, 13, 14, 15)))]),
    ]
    return Scene(day(steps), leaks.epc, moved=False, says={"elsewhere": (None, 0)})


def next_door() -> Scene:
    """A pallet goes through dock-1 and another through dock-2, each heard at both; nobody's is the other's."""
    here = load(1, CASES_OF_A_LOAD, lambda offset: going(10.0, offset=offset))
    there = load(2, (11, 12, 13, 14, 15), lambda offset: going(10.4, offset=offset))
    faint = [Tag(one.epc, one.path, (one.loud[0] - 14, one.loud[1] - 14)) for one in (*here, *there)]
    steps = [
        *beams("dock-1", 10.0),
        *beams("dock-2", 10.4),
        *heard("dock-1", [*here, *faint[len(here) :]], 5, 15),
        *heard("dock-2", [*there, *faint[: len(here)]], 5, 15),
        (T0 - 498 * SECOND, [asn(2, line(5, (11, 12, 13, 14, 15)))]),
    ]
    return Scene(day(steps), case_tag(1), moved=False, says={"came_before": (None, -1)}, portal="dock-2")


def vouched() -> Scene:
    """A case deep in the pallet, of another run, is heard while that comes near, not in the door; it is announced."""
    deep = Tag(case_tag(400), lambda t: going(10.0)(t) if t < 8.0 else None, (-48.0, -48.0))
    steps = crossing(10.0, deep)
    return Scene(day(steps, serials=(1, 2, 3, 4, 5, 400)), deep.epc, moved=True, says={})


AT_RANDOM = (70_051, 912, 333_001, 4_107, 580_006)
"""Serial numbers of which none is next to another."""


def faint(loud: float, step: float, *, labelled: bool) -> Scene:
    """A pallet of goods that absorb, heard for three seconds and faintly; an ASN names all of its cases."""

    def path(offset: float) -> Path_:
        return lambda t: going(10.0, offset=offset)(t) if 8.5 < t < 11.5 else None

    tags = [
        Tag(one.epc, one.path, (loud - step * (place % 3), loud - step * ((place + 1) % 3)))
        for place, one in enumerate(load(1, AT_RANDOM, path))
        if labelled or one.epc != pallet_tag(1)
    ]
    steps = [*beams("dock-1", 10.0), *heard("dock-1", tags, 5, 15)]
    return Scene(day(taught(20, 21), steps, serials=AT_RANDOM), case_tag(AT_RANDOM[0]), moved=True, says={})


def together() -> Scene:
    """None of its tags is sure, but an ASN names them all."""
    return faint(-60.0, 1.0, labelled=True)


def unlabelled() -> Scene:
    """Two cases seem to have stood, and nobody hears the pallet's own tag: the announced items name it."""
    return faint(-64.0, 2.0, labelled=False)


def dismissed() -> Scene:
    """A case that belongs to another pallet, which is announced and not there, seems to go in behind this one."""
    alone = Tag(X, going(11.2), (-50.0, -50.0))
    steps = [*crossing(10.0, alone), (T0 - 498 * SECOND, [asn(2, line(2, (900, 901), gtin=OTHER))])]
    return Scene(day(taught(20), steps), X, moved=False, says={})


TRUCK = "34164522A400000000000001"
"""A GIAI: what carries goods."""


def companion() -> Scene:
    """A truck's own tag goes in with every pallet, and out again without one."""
    steps: list[Step] = []
    for place in range(4):
        at = -400.0 + 100 * place
        steps += crossing(at, Tag(TRUCK, going(at, offset=1.0)), number=20 + place, serials=(200 + 10 * place,))
        steps += beams("dock-1", at + 50, inward=False)
        steps += heard("dock-1", [Tag(TRUCK, going(at + 50, inward=False, offset=1.0))], at + 45, at + 55)
    steps += crossing(10.0, Tag(TRUCK, going(10.0, offset=1.0)))
    return Scene(day(steps), TRUCK, moved=True, says={}, claim=("in", "accepted", {"matched"}, "receipt"))


def empty() -> Scene:
    """A truck goes in without a load, past a pallet that is staged there."""
    staged = [Tag(other(900 + 2 * place), standing(-2.0), (-44.0, -44.0)) for place in range(4)]
    steps = [*quiet(*staged, begin=-42.0), *beams("dock-1", 10.0), *heard("dock-1", staged, 5, 15)]
    claim: Claim = ("in", "held", HELD, "exception")
    return Scene(day(taught(20), steps, serials=()), X, moved=False, says={}, claim=claim)


def late() -> Scene:
    """A few of a pallet's reads arrive a minute after it was decided: counted as late, and nothing is opened again."""
    steps: list[Step] = []
    for place, step in enumerate(crossing(10.0)):
        behind = place % 9 == 8 and isinstance(step[1][0], Reads)
        steps.append((step[0] + 60 * SECOND, step[1]) if behind else step)
    return Scene(day(steps, until=90.0), case_tag(1), moved=True, says={})


def main() -> None:
    """Write the recordings."""
    for name, scene in scenes().items():
        (CASES / name).mkdir(exist_ok=True)
        (CASES / name / "config.toml").write_text(scene.toml, "utf-8")
        dockside.recording(CASES / name / "input.ndjson", scene.steps)


if __name__ == "__main__":
    main()
