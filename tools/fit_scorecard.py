"""Fit the scorecard of passages (`gateway/rules/scorecard.py`) to tuning shifts of the radio generator.

    python -m tools.fit_scorecard [--seeds 12] [--passages 25] [--write]

Every tuning family is generated (never the untouched ones), played through the engine as generated and once more as a
site with other levels would have heard it, and each tag of each passage labelled from the truth beside the recording.
A logistic model over steps of the features is fitted by Newton's method; steps may not fall as a feature grows
(`features` orients them so), which keeps every rule one a technician would expect. Same arguments, same table. Needs
numpy (a development dependency); the gateway does not.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
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
from gateway.rules.features import NOTHING
from gateway.rules.tracks import Track
from simulators import epc
from simulators.rf import FAMILIES, Shift, shift

CUTS: dict[str, list[int]] = {
    "level": [-250, -200, -150, -100, -60, -30, 0],
    "both_rows": [-300, -240, -180, -120, -60, 0],
    "one_row": [-300, -250, -200, -150, -100, -50],
    "group_level": [-200, -150, -100, -50],
    "group_through": [-300, -250, -200, -150, -100],
    "contrast": [-60, -20, 20, 60, 100, 150, 200],
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
    "came_before": [0],
    "wrong_side": [0, 30, 60, 100, 150],
    "elsewhere": [-150, -100, -50, 0, 30, 60, 100, 150],
    "with_eyes": [-700, -300, -100, 0],
    "kin_both_rows": [-300, -240, -180, -120, -60, 0],
    "kin_unlike": [-4000, -2000, -1000, -500, -250, -100],
    "kin_company": [-200, -160, -130, -100, -70],
    "kin_order": [-1500, -1000, -700, -400, -200],
    "kin_wrong_side": [0, 30, 60, 100, 150],
    "kin_with_group": [-2000, -1200, -800, -500],
    "kin_balance": [-250, -200, -150, -100],
}
"""Where each feature may step: round numbers over what occurs (tenths of dB, ms, counts)."""

FREE = frozenset({"above_background", "came_before", "elsewhere"})
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

STRAY_COSTS = 4.0
"""A stray that becomes stock is as bad as four moved tags that do not."""


LEVELS, SCALES, KEPT = (-12.0, 12.0), (0.6, 1.1), (1.0, 1.0, 0.6, 0.35, 0.15)
"""What readers, antennas and tags of other sites do to the levels (dB, and how much they spread around CENTRE), and
how many of the reads another site has: each shift is played once as generated and once as a site like that."""

CENTRE = -45.0

STANDING_GTIN = "09520001999994"

STANDING = (0, 3, 8, 15)
"""Tags that stand there the whole shift, or are put down in it, at one level: (dBm, dB of scatter, reads/s)."""

STANDING_LEVEL, STANDING_SCATTER, STANDING_RATE = (-68.0, -46.0), (0.5, 3.0), (0.3, 12.0)


TRUSTED = frozenset({"group_level", "group_through"})
"""Features that count as at their best where they cannot be told: the first load of a door is as good as any."""

WORST = -600
"""Points of one feature are never fewer: the model is additive, and no single figure knows everything."""


WORST_OF = {"came_before": -200}
"""And of these not fewer than that: goods that come a second time are told as such, not passed over as strays."""


class Row(NamedTuple):
    """One tag of one passage: its features, whether it moved, and how much it counts."""

    values: dict[str, int]
    moved: bool
    weight: float


class Site(NamedTuple):
    """A shift as some site heard it, and the names that it gave the tags."""

    records: list[tuple[int, dict[str, Any]]]
    names: dict[str, str]


def elsewhere(one: Shift, chance: Random) -> Site:
    """A shift as another site would have it: other levels, fewer reads, things that stand there, random serials."""
    names = _renamed(one, chance) if chance.random() < 0.5 else {}
    level, scale, kept = chance.uniform(*LEVELS), chance.uniform(*SCALES), chance.choice(KEPT)
    begin, end = one.records[0][0], one.records[-1][0]
    standing: dict[str, list[tuple[int, int, str, float]]] = {}
    for door in one.doors:
        reads = standing[door.reader] = []
        for number in range(chance.choice(STANDING)):
            hex_ = epc.sgtin96(STANDING_GTIN, f"{door.number}{number:03}", 7)
            mean, scatter, rate = (chance.uniform(*span) for span in (STANDING_LEVEL, STANDING_SCATTER, STANDING_RATE))
            heard = chance.sample(door.ports, chance.randint(1, len(door.ports)))
            at = begin if chance.random() < 0.5 else chance.randint(begin, end)
            while (at := at + int(chance.expovariate(rate) * 1e6)) < end:
                reads.append((at, chance.choice(heard), hex_, mean + level + chance.gauss(0, scatter)))
        reads.sort()
    changed = []
    for t, record in one.records:
        if record["kind"] == "reads":
            mine = [
                (row[0], row[1], names.get(row[2], row[2]), round(CENTRE + level + (row[3] - CENTRE) * scale), *row[4:])
                for row in record["reads"]
                if chance.random() < kept
            ]
            others = standing[record["reader"]]
            while others and others[0][0] < t:
                at, antenna, hex_, rssi = others.pop(0)
                mine.append((at, antenna, hex_, round(rssi), *(None for _ in record["columns"][4:-1]), 1))
            record = record | {"reads": sorted(mine, key=lambda row: row[0])}
        changed.append((t, record))
    return Site(changed, names)


def _renamed(one: Shift, chance: Random) -> dict[str, str]:
    """Every SGTIN-96 with a serial (its last 38 bits) drawn anew."""
    told = sorted({row[2] for _, record in one.records if record["kind"] == "reads" for row in record["reads"]})
    mask = (1 << 38) - 1
    return {
        hex_: f"{int(hex_, 16) & ~mask | chance.randint(1, mask):024X}"
        for hex_ in told
        if len(hex_) == 24 and hex_.startswith("30")
    }


def rows(one: Shift, site: Site) -> Iterator[tuple[dict[str, int], bool]]:
    """Features and truth of every tag of every passage of a shift; passages that are two in truth are left out.

    The group, and what is known of the tags, is the truth's: the table must not depend on the one in force.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "site.toml"
        path.write_text(one.toml, encoding="utf-8")
        engine = Engine(config.load(path).settings())
    heard: list[tuple[list[dict[str, Any]], Any]] = []
    scored, surest = closing.score, closing._surest
    moved: set[str] = set()

    def name(hex_: str) -> str:
        return site.names.get(hex_, hex_)

    def gathered(core: Mapping[str, Track], points: Mapping[str, int]) -> list[Track]:
        mine = sorted((core[epc].peak, epc) for epc in points if epc in moved)
        return [core[epc] for epc in sorted(epc for _, epc in mine[len(mine) // 2 :])]

    def listening(window: closing.Window, *rest: Any) -> Any:
        same = _same(one, window.portal.id, window.opened, window.closed)
        moved.clear()
        moved.update(name(epc) for each in same for epc in (*each["moved"], *each["turned"]))
        found = scored(window, *rest)
        heard.append((same, found))
        found.points = {epc: SURE if epc in moved else -SURE for epc in found.points}  # the background learns the truth
        return found

    closing.score, closing._surest = listening, gathered
    try:
        for t, record in site.records:
            while (deadline := engine.deadline) is not None and deadline < t:
                engine.observe(deadline, Tick())
            if record["kind"] == "reads":
                engine.observe(t, Reads(record["reader"], tuple(record["reads"]), tuple(record["columns"])))
            elif record["kind"] == "gpi":
                engine.observe(t, Gpi(record["reader"], record["port"], record["level"], record["at"]))
            elif record["kind"] == "tick":
                engine.observe(t, Tick())
    finally:
        closing.score, closing._surest = scored, surest
    for same, found in heard:
        if len(same) > 1 or found.way == "none":
            continue
        went = {name(epc) for each in same for epc in (*each["moved"], *each["turned"])}
        neutral = {name(epc) for each in same for epc in each["neutral"]}
        for hex_, values in found.values.items():
            if hex_ not in neutral:
                kin = {f"kin_{name}": value for name, value in found.neighbours[hex_].items()}
                yield {**values, **kin}, hex_ in went


def _same(one: Shift, portal: str, opened: int, closed: int) -> list[dict[str, Any]]:
    """The truth passages that a passage is about."""
    return [
        each
        for each in one.truth["passages"]
        if each["portal"] == portal and min(each["closed"], closed) - max(each["opened"], opened) > -NEAR
    ]


def design(values: list[dict[str, int]], moved: Any) -> tuple[Any, dict[str, Any]]:
    """One column per cut (the feature reaches it), one per FREE feature that cannot be told, and ones.

    Also what a feature that is not FREE counts as when it cannot be told: half-way between what moved and what did not.
    """
    columns, halves = [], {}
    for name, cuts in CUTS.items():
        column = np.array([each[name] for each in values])
        untold = column == NOTHING
        reached = [((column >= cut) & ~untold).astype(np.float32) for cut in cuts]
        if name in FREE:
            columns += [*reached, untold.astype(np.float32)]
            continue
        halves[name] = np.zeros(len(cuts))
        for place, each in enumerate(reached):
            sides = [each[~untold & (moved == side)] for side in (0, 1)]
            half = sum(float(side.mean()) if len(side) else 0.0 for side in sides) / 2
            halves[name][place] = 1.0 if name in TRUSTED else half
            each[untold] = halves[name][place]
        columns += reached
    columns.append(np.ones(len(values), np.float32))
    return np.array(columns).T, halves


def fit(x: Any, y: Any, weights: Any, rounds: int = 14) -> Any:
    """The steps, those of cuts not below nought, that make the labels likeliest; the last is the constant."""
    free = np.array(
        [last for name, cuts in CUTS.items() for last in [False] * len(cuts) + [True] * (name in FREE)] + [True]
    )
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


def table(
    steps: Any, near: list[dict[str, int]], halves: dict[str, Any]
) -> dict[str, tuple[tuple[int, ...], tuple[int, ...], int]]:
    """Points per feature, such that a tag near the border (`near`) gets none from any of them on average."""
    place, parts, means = 0, {}, {}
    for name, cuts in CUTS.items():
        mine = steps[place : place + len(cuts)]
        points = np.concatenate([[0.0], np.cumsum(mine)])
        untold = float(steps[place + len(cuts)] if name in FREE else (mine * halves[name]).sum())
        place += len(cuts) + (name in FREE)
        column = np.array([each[name] for each in near])
        got = np.where(column == NOTHING, untold, points[np.searchsorted(cuts, column, side="right")])
        parts[name], means[name] = (points, untold), float(got.mean())
    rest = (float(steps[-1]) + sum(means.values())) / len(CUTS)
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
        '"rows" is for a portal that hears with an outer and an inner row of antennas, "row" for the others.',
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
        lines += [f'    "{which}": {{', *(f'        "{name}": {each},' for name, each in card.items()), "    },"]
    return "\n".join([*lines, "}"]) + "\n"


def fitted(labelled: list[list[tuple[dict[str, int], bool]]]) -> dict[str, Any]:
    """The table for labelled tags by family; every family counts the same, unless it has but a few such tags."""
    every = [
        Row(values, moved, (1.0 if moved else STRAY_COSTS) / max(len(family), FEW))
        for family in labelled
        for values, moved in family
    ]
    y = np.array([float(each.moved) for each in every])
    x, halves = design([each.values for each in every], y)
    weights = np.array([each.weight for each in every])
    steps = fit(x, y, weights / weights.sum())
    total = x @ steps.astype(np.float32)
    wrong = int(((total > 0) != (y > 0)).sum())
    sys.stderr.write(f"{len(every)} tags, {wrong} on the wrong side of nought\n")
    return table(steps, [each.values for each, points in zip(every, total, strict=True) if abs(points) < 2], halves)


def labels(family: str, seed: int, passages: int) -> list[tuple[dict[str, int], bool]]:
    """Features and truth of one tuning shift."""
    one = shift(family, seed, passages)
    return [*rows(one, Site(one.records, {})), *rows(one, elsewhere(one, Random(f"{family}/{seed}")))]


def cards(labelled: list[list[tuple[dict[str, int], bool]]]) -> dict[str, dict[str, Any]]:
    """A table for portals that hear from two rows, and one for the others."""
    told = {"rows": lambda values: values["both_rows"] != NOTHING, "row": lambda values: values["both_rows"] == NOTHING}
    return {
        which: fitted([mine for family in labelled if (mine := [row for row in family if fits(row[0])])])
        for which, fits in told.items()
    }


def main() -> None:
    """Generate, label, fit, print or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=12, help="shifts per family")
    parser.add_argument("--passages", type=int, default=25, help="passages per shift")
    parser.add_argument("--write", action="store_true", help="write gateway/rules/scorecard.py instead of printing")
    chosen = parser.parse_args()
    labelled = []
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for family in sorted(FAMILIES):
            seeds = range(1, chosen.seeds + 1)
            each = pool.map(labels, [family] * len(seeds), seeds, [chosen.passages] * len(seeds))
            labelled.append([row for found in each for row in found])
            sys.stderr.write(f"{family}: {len(labelled[-1])} tags\n")
    made = text(cards(labelled))
    if chosen.write:
        Path("gateway/rules/scorecard.py").write_text(made, encoding="utf-8")
    else:
        sys.stdout.write(made)


if __name__ == "__main__":
    main()
