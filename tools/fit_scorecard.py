"""Fit the scorecards of passages (`gateway/rules/scorecard.py`) to shifts of the radio generator.

    python -m tools.fit_scorecard [--seeds 10] [--passages 25] [--write]

Every family is generated, as varied shifts (never as untouched ones), played through the engine as it is and SITES
times more as other sites would have heard it, and each tag labelled from the truth beside the recording: first half of
them, with groups and a background that are true, then all, as the engine hears them by the table which that made.
A logistic model over steps of the features is fitted by Newton's method; steps may not fall as a feature grows
(`features` orients them so), which keeps every rule one a technician would expect. Same arguments, same table. Needs
numpy (a development dependency); the gateway does not.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from gateway import config
from gateway.model.inputs import Gpi, Reads, Tick
from gateway.rules import Engine, closing
from gateway.rules.background import Known
from gateway.rules.features import NOTHING, Values
from gateway.rules.kin import KIN, PASSED_ON, WENT, kin
from gateway.rules.scorecard import CARDS, Card
from gateway.rules.tracks import Track, median
from simulators.rf import FAMILIES, Shift, shift
from tools.other_sites import Site, elsewhere, later

CUTS: dict[str, list[int]] = {
    "level": [-250, -200, -150, -100, -60, -30, 0],
    "both_rows": [-300, -240, -180, -120, -60, 0],
    "missed": [-20, -10, -6, -3, -1, 0],
    "group_level": [-200, -150, -100, -50],
    "through": [-30, 0, 20, 40, 60, 80],
    "group_swing": [30, 50, 70, 100, 130, 170],
    "group_reads": [2, 3, 5, 8, 12, 20],
    "contrast": [-60, -20, 20, 60, 100, 150, 200],
    "often": [5, 15, 40, 80],
    "strays_here": [-20, -10, -5, -2, -1, 0],
    "swing": [30, 50, 70, 100, 130, 170],
    "above_background": [0, 20, 40, 60, 80, 110, 150],
    "follows": [0, 20, 40, 60],
    "unlike": [-1000, -500, -250, -100],
    "moves": [0, 200, 500, 1000],
    "company": [-240, -200, -160, -130, -100, -70],
    "with_group": [-2000, -1200, -800, -500, -250],
    "order": [-1500, -1000, -700, -400, -200],
    "balance": [-250, -200, -150, -100],
    "background": [-400, -100, -30, -10, 0],
    "strayed": [-3, -2, -1, 0],
    "came_before": [-1, 0],
    "wrong_side": [0, 30, 60, 100, 150, 300],
    "elsewhere": [-150, -100, -50, 0, 30, 60, 100, 150],
    "with_eyes": [-700, -300, -100, 0],
    "phase": [-1500, -700, -400, -200, -100, 0, 100, 200, 400, 700, 1500, 2500, 4000],
    "kin": [-500, -400, -300, -200, -100, 0, 100, 200, 300, 400, 500],
    "arrived": [-500, -300, -200, -100, 0, 100, 200, 300, 500],
    "product": [-500, -300, -200, -100, 0, 100, 200, 300, 500],
    "unit": [-1000, -500, -200, 0, 200, 500, 1000],
}
"""Where each feature may step: round numbers over what occurs (tenths of dB, ms, counts)."""

OWN = tuple(name for name in CUTS if name not in KIN)

ROUNDS = 2
"""Times that the table is fitted again with what the kin say by the one before."""

FREE = frozenset({"above_background", "strays_here", "came_before", "elsewhere"})
"""Features that say something by not being there: never heard before, or at no other door. What cannot be told of the
others speaks neither for nor against."""

NEAR = 300_000
"""µs by which a passage and a truth passage may miss each other and still be the same."""

SURE = 10_000
"""Points of a tag whose truth is known."""

RIDGE = 5e-6
"""Pull of every step towards none: less than what a thousandth of the tags says."""

FEW = 3_000
"""Tags below which a family counts less: what is rare in it must not outweigh what is common elsewhere."""

SITES = 2
"""Other sites that each shift is played as."""

STRAY_COSTS = 5.0
"""A stray that becomes stock is as bad as five moved tags that do not."""


RANGE = (-32_000, 32_000)
"""Values beyond say no more: ms, tenths of dB, counts; what is kept has 16 bits."""

WIDTH = 120
"""Characters of a line of the table at most."""

TRUSTED = frozenset({"group_level", "through", "group_swing"})
"""Features that count as at their best where they cannot be told: the first load of a door is as good as any."""

WORST = -600
"""Points of one feature are never fewer: the model is additive, and no single figure knows everything."""

WORST_OF = {"came_before": -200}
"""And of these not fewer than that: goods that come a second time are told as such, not passed over as strays."""


class Told(NamedTuple):
    """One passage as the engine weighed it, and the truth. One row per tag that was weighed."""

    directed: bool
    epcs: list[str]
    values: Any
    """Their own features, int16: a column per name of OWN."""
    moved: Any
    """Whether they did, bool."""
    counts: Any
    """Whether they are to be learned from: a truck's own tag is right either way."""
    several: Any
    """Whether it was read so often that its reads draw a curve, bool."""
    known: dict[str, Known]
    """What was known of them all before it."""


def passages(one: Shift, site: Site, by: Mapping[str, Card] | None) -> Iterator[Told]:
    """Features and truth of every tag of every passage of a shift; passages that are two in truth are left out.

    The engine decides `by` these cards: its groups, and what it knows of tags, are those of a day at work, mistakes and
    all. Without, both are the truth's, and no table matters.
    """
    heard: dict[tuple[str, int], tuple[list[dict[str, Any]], Any, Mapping[str, Track], dict[str, Known], Any]] = {}
    scored, surest, sure = closing.score, closing._surest, closing._assured
    moved: set[str] = set()
    raw: list[Mapping[str, Values]] = []

    def name(hex_: str) -> str:
        return site.names.get(hex_, hex_)

    def gathered(core: Mapping[str, Track], points: Mapping[str, int]) -> list[Track]:
        mine = sorted((core[epc].peak, epc) for epc in points if epc in moved)
        return [core[epc] for epc in sorted(epc for _, epc in mine[len(mine) // 2 :])]

    def assured(values: Mapping[str, Values], *rest: Any) -> bool:
        raw.append(values)  # what is untold for that is so by the table that is fitted
        return by is not None and sure(values, *rest)

    def listening(window: closing.Window, tracks: Any, known: Mapping[str, Known], *rest: Any) -> Any:
        same = _same(one, site, window.portal.id, window.opened, window.closed)
        moved.clear()
        moved.update(name(epc) for each in same for epc in (*each["moved"], *each["turned"]))
        raw.clear()
        found = scored(window, tracks, known, *rest)
        came = {epc: Known(first=known[epc].first, moved=known[epc].moved) for epc in found.points if epc in known}
        heard[window.portal.id, window.opened] = (same, found, tracks, came, raw[0] if raw else {})
        if by is None:  # the background learns the truth
            found.points = {epc: SURE if epc in moved else -SURE for epc in found.points}
        return found

    closing.score = listening  # type: ignore[assignment]  # it takes the same by position
    closing._assured = assured  # type: ignore[assignment]  # likewise
    if by is None:
        closing._surest = gathered
    else:
        CARDS.update(by)
    try:
        _played(one, site)
    finally:
        closing.score, closing._surest, closing._assured = scored, surest, sure
    told: dict[Any, Told] = {}
    for key, (same, found, tracks, known, values) in heard.items():
        if len(same) > 1 or found.way == "none" or not values:
            continue
        went = {name(epc) for each in same for epc in (*each["moved"], *each["turned"])}
        neutral = {name(epc) for each in same for epc in each["neutral"]}
        this = Told(
            directed=found.directed,
            epcs=list(values),
            values=np.clip([[each[name] for name in OWN] for each in values.values()], *RANGE).astype(np.int16),
            moved=np.array([epc in went for epc in values]),
            counts=np.array([epc not in neutral for epc in values]),
            several=np.array([len(tracks[epc].heard) >= closing.SEVERAL for epc in values]),
            known=known,
        )
        which = same[0]["number"] if same else key
        if which not in told or told[which].moved.sum() < this.moved.sum():  # what was told twice is learned from once
            told[which] = this
    yield from told.values()


def _played(one: Shift, site: Site) -> None:
    """The engine takes a shift as it was heard at a site."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "site.toml"
        path.write_text(one.toml, encoding="utf-8")
        engine = Engine(config.load(path).settings())
    for t, record in site.records:
        while (deadline := engine.deadline) is not None and deadline < t:
            engine.observe(deadline, Tick())
        if record["kind"] == "reads":
            engine.observe(t, Reads(record["reader"], tuple(record["reads"]), tuple(record["columns"])))
        elif record["kind"] == "gpi":
            engine.observe(t, Gpi(record["reader"], record["port"], record["level"], record["at"]))
        elif record["kind"] == "tick":
            engine.observe(t, Tick())


def _same(one: Shift, site: Site, portal: str, opened: int, closed: int) -> list[dict[str, Any]]:
    """The truth passages that a passage is about."""
    begin = one.records[0][0]

    def near(each: dict[str, Any]) -> bool:
        first, last = (later(each[name], begin, site.slower) for name in ("opened", "closed"))
        return min(last, closed) - max(first, opened) > -NEAR

    return [each for each in one.truth["passages"] if each["portal"] == portal and near(each)]


def design(names: Sequence[str], values: Any, moved: Any) -> tuple[Any, dict[str, Any]]:
    """One column per cut (the feature reaches it), one per FREE feature that cannot be told, and ones.

    Also what a feature that is not FREE counts as when it cannot be told: half-way between what moved and what did not.
    """
    columns, halves = [], {}
    for place, name in enumerate(names):
        column, cuts = values[:, place], CUTS[name]
        untold = column == NOTHING
        reached = [((column >= cut) & ~untold).astype(np.float32) for cut in cuts]
        if name in FREE:
            columns += [*reached, untold.astype(np.float32)]
            continue
        halves[name] = np.zeros(len(cuts))
        for step, each in enumerate(reached):
            sides = [each[~untold & (moved == side)] for side in (0, 1)]
            half = sum(float(side.mean()) if len(side) else 0.0 for side in sides) / 2
            halves[name][step] = 1.0 if name in TRUSTED else half
            each[untold] = halves[name][step]
        columns += reached
    columns.append(np.ones(len(values), np.float32))
    return np.array(columns).T, halves


def fit(names: Sequence[str], x: Any, y: Any, weights: Any, rounds: int = 14) -> Any:
    """The steps, those of cuts not below nought, that make the labels likeliest; the last is the constant."""
    free = np.array([last for name in names for last in [False] * len(CUTS[name]) + [True] * (name in FREE)] + [True])
    ridge = np.full(x.shape[1], RIDGE)
    ridge[-1] = 0
    steps = np.zeros(x.shape[1])

    def loss(at: Any) -> float:
        z = x @ at.astype(np.float32)
        return float((weights * (np.logaddexp(0, z) - y * z)).sum() + 0.5 * (ridge * at * at).sum())

    now = loss(steps)
    for _ in range(rounds):
        z = (x @ steps.astype(np.float32)).astype(float)
        p = 1 / (1 + np.exp(-z))
        slope = (x.T @ ((p - y) * weights).astype(np.float32)).astype(float) + ridge * steps
        bend = np.maximum(p * (1 - p), 1e-5) * weights
        curve = ((x * bend[:, None].astype(np.float32)).T @ x).astype(float) + np.diag(ridge + 1e-7)
        wanted = _descend(steps, slope, curve, free)
        size = 1.0
        while size > 1e-3 and loss(steps + size * (wanted - steps)) > now:
            size /= 2
        steps = steps + size * (wanted - steps)
        before, now = now, loss(steps)
        if before - now < 1e-6:
            break
    return steps


def _descend(start: Any, slope: Any, curve: Any, free: Any) -> Any:
    """The lowest point of the parabola at `start` where no step that is not free is below nought: one by one."""
    at, slope = start.copy(), slope.copy()
    for _ in range(300):
        most = 0.0
        for place in range(len(at)):
            new = at[place] - slope[place] / curve[place, place]
            new = new if free[place] else max(new, 0.0)
            change = new - at[place]
            if change:
                slope += curve[:, place] * change
                at[place] = new
                most = max(most, abs(change))
        if most < 1e-3:
            break
    return at


def table(names: Sequence[str], steps: Any, near: Any, halves: dict[str, Any]) -> Card:
    """Points per feature, such that a tag near the border (`near`) gets none from any of them on average."""
    place, parts, means = 0, {}, {}
    for number, name in enumerate(names):
        cuts = CUTS[name]
        mine = steps[place : place + len(cuts)]
        points = np.concatenate([[0.0], np.cumsum(mine)])
        untold = float(steps[place + len(cuts)] if name in FREE else (mine * halves[name]).sum())
        place += len(cuts) + (name in FREE)
        column = near[:, number]
        got = np.where(column == NOTHING, untold, points[np.searchsorted(cuts, column, side="right")])
        parts[name], means[name] = (points, untold), float(got.mean())
    rest = (float(steps[-1]) + sum(means.values())) / len(names)
    return {
        name: (
            tuple(CUTS[name]),
            tuple(max(WORST_OF.get(name, WORST), round(100 * (float(each) - means[name] + rest))) for each in points),
            round(100 * (untold - means[name] + rest)),
        )
        for name, (points, untold) in parts.items()
    }


def text(cards: dict[str, dict[str, Any]]) -> str:
    """The tables as a module."""
    lines = [
        '"""The scorecards: points for each feature, hundredths of log-odds. Made by `tools/fit_scorecard.py`.',
        "",
        '"rows" is for a portal that hears with an outer and an inner row of antennas, "row" for the others,',
        '"_few" for tags of which too few reads were heard to draw a curve.',
        "Each is {name: (cuts, points below the first cut and from each cut on, points where it cannot be told)}.",
        '"""',
        "",
        "from typing import Final",
        "",
        "Card = dict[str, tuple[tuple[int, ...], tuple[int, ...], int]]",
        "",
        "CARDS: Final[dict[str, Card]] = {",
    ]
    for which, card in cards.items():
        lines += [f'    "{which}": {{', *(row for name, each in card.items() for row in _written(name, each)), "    },"]
    return "\n".join([*lines, "}"]) + "\n"


def _written(name: str, each: tuple[Any, ...]) -> list[str]:
    line = f'        "{name}": {each},'
    if len(line) <= WIDTH:
        return [line]
    return [f'        "{name}": (', *(f"            {part}," for part in each), "        ),"]


def fitted(told: list[list[Told]]) -> list[Card]:
    """The tables for passages by family, of tags read several times and of the others.

    Every family counts the same, unless it has but a few tags. First it is as if no tag had kin. What the kin say
    follows from these tables, and all is fitted again, ROUNDS times. The steps of what serial neighbours pass on are
    left out in the end: at work that counts as it is.
    """
    every = [each for family in told for each in family]
    moved = np.concatenate([each.moved for each in every])
    keep = np.concatenate([each.counts for each in every])
    several = np.concatenate([each.several for each in every])
    mine = np.concatenate([each.values for each in every])
    costs = np.concatenate(
        [
            np.where(each.moved, 1.0, STRAY_COSTS) / max(sum(len(one.epcs) for one in family), FEW)
            for family in told
            for each in family
        ]
    )
    names: tuple[str, ...] = OWN
    values = mine
    cards: list[Card] = []
    for _ in range(1 + ROUNDS):
        if cards:
            heard = assured(every, mine, several, cards)
            points = np.where(several, own_points(cards[0], heard), own_points(cards[1], heard))
            names, values = (*OWN, *KIN), np.hstack([heard, related(every, points)])
        cards = [_one(names, values[each], moved[each], costs[each]) for each in (keep & several, keep & ~several)]
    return [{name: part for name, part in card.items() if name != PASSED_ON} for card in cards]


def assured(told: list[Told], values: Any, several: Any, cards: list[Card]) -> Any:
    """The features with `group_level` untold where the goods are sure without it (`closing.ASSURED`)."""
    found, column = values.copy(), OWN.index("group_level")
    found[:, column] = NOTHING
    points = np.where(several, *(own_points(card, found) - card["group_level"][2] for card in cards))
    place = 0
    for each in told:
        mine = slice(place, place + len(each.epcs))
        moved = points[mine][points[mine] > 0]
        if not len(moved) or median(moved.tolist()) < closing.ASSURED:
            found[mine, column] = values[mine, column]
        place += len(each.epcs)
    return found


def _one(names: Sequence[str], values: Any, moved: Any, costs: Any) -> Card:
    y = moved.astype(float)
    x, halves = design(names, values, y)
    steps = fit(names, x, y, costs / costs.sum())
    total = x @ steps.astype(np.float32)
    wrong = int(((total > 0) != (y > 0)).sum())
    sys.stderr.write(f"{len(y)} tags, {wrong} on the wrong side of nought\n")
    return table(names, steps, values[abs(total) < 2], halves)


def own_points(card: Card, values: Any) -> Any:
    """`scoring.own` of many tags at once."""
    total = np.full(len(values), sum(card[name][2] for name in KIN if name in card))
    for place, name in enumerate(OWN):
        cuts, points, nothing = card[name]
        column = values[:, place]
        total += np.where(column == NOTHING, nothing, np.array(points)[np.searchsorted(cuts, column, side="right")])
    return total


def related(told: list[Told], points: Any) -> Any:
    """The features of KIN for all tags of these passages, whose own points stand in `points` one after the other.

    What products do is learned where fewer agree than at work: what stands about is the same product more often at
    real docks than at generated ones, and what was learned from the sure cases alone trusts them too much.
    """
    found, place = [], 0
    for each in told:
        mine = dict(zip(each.epcs, points[place : place + len(each.epcs)].tolist(), strict=True))
        place += len(each.epcs)
        theirs = kin(mine, each.known, WENT)
        found += [[theirs[epc][name] for name in KIN] for epc in each.epcs]
    return np.array(found, np.int16)


def labels(family: str, seed: int, count: int, by: Mapping[str, Card] | None) -> list[Told]:
    """The passages of one varied shift, as generated and as other sites would have it; `by` as in `passages`."""
    one = shift(family, seed, count, "varied")
    others = [elsewhere(one, Random(f"{family}/{seed}/{number}")) for number in range(SITES)]
    return [each for site in (Site(one.records, {}), *others) for each in passages(one, site, by)]


def cards(told: list[list[Told]]) -> dict[str, Card]:
    """Tables for portals that hear from two rows and for the others, of tags read several times and a few times."""
    found: dict[str, Card] = {}
    for which, directed in (("rows", True), ("row", False)):
        mine = [[each for each in family if each.directed is directed] for family in told]
        found[which], found[f"{which}_few"] = fitted([family for family in mine if family])
    for few in ("", "_few"):  # no family has doors of one row side by side; the next door says the same to them
        found[f"row{few}"]["elsewhere"] = found[f"rows{few}"]["elsewhere"]
    return found


def gathered(seeds: int, count: int, by: Mapping[str, Card] | None) -> list[list[Told]]:
    """The labels of so many shifts of each family, by family."""
    told = []
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for family in sorted(FAMILIES):
            asked = [(family, seed, count, by) for seed in range(1, seeds + 1)]
            told.append([each for found in pool.map(labels, *zip(*asked, strict=True)) for each in found])
            sys.stderr.write(f"{family}: {sum(len(each.epcs) for each in told[-1])} tags\n")
    return told


def main() -> None:
    """Generate, label, fit, print or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=10, help="shifts per family")
    parser.add_argument("--passages", type=int, default=25, help="passages per shift")
    parser.add_argument("--write", action="store_true", help="write gateway/rules/scorecard.py instead of printing")
    chosen = parser.parse_args()
    first = gathered(max(1, chosen.seeds // 2), chosen.passages, None)
    made = text(cards(gathered(chosen.seeds, chosen.passages, cards(first))))
    if chosen.write:
        Path("gateway/rules/scorecard.py").write_text(made, encoding="utf-8")
    else:
        sys.stdout.write(made)


if __name__ == "__main__":
    main()
