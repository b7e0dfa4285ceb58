"""Fit the scorecards of passages (`gateway/rules/scorecard.py`) to shifts of the radio generator.

    python -m tools.fit_scorecard [--seeds 10] [--passages 25] [--write]

Every family is generated, as varied shifts (never as untouched ones; some more often: MORE), played through the engine
as it is and SITES times more as other sites would have heard it, and each tag labelled from the truth beside the
recording: with groups and a background that are true, and once more as the engine hears them by the table which that
makes. It then hears them by the table so made, and the mean of both is written. Sketches (`sketches`) are learned from
with them: what everybody would say of a plain scene.
A logistic model over steps of the features is fitted by Newton's method; steps may not fall as a feature grows
(`features` orients them so), which keeps every rule one a technician would expect. Same arguments, same table. Needs
numpy (a development dependency); the gateway does not.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gateway.rules import closing
from gateway.rules.features import NOTHING
from gateway.rules.kin import KIN, kin
from gateway.rules.scorecard import Card
from gateway.rules.tracks import median
from tools.cuts import CUTS, FREE, MOST, NEVER, OWN, TRUSTED, WORST, WORST_OF
from tools.labels import Told, labelled

ROUNDS = 2
"""Times that the table is fitted again with what the kin say by the one before."""

RIDGE = 5e-6
"""Pull of every step towards none: less than what a thousandth of the tags says."""

FEW = 3_000
"""Tags below which a family counts less: what is rare in it must not outweigh what is common elsewhere."""

SKETCHES = 3.0
"""As many families as the sketches count as. Each passage of them counts the same: a lone tag is as much as a load."""

BALANCED = ("as_stood", "above_background")
"""Features that are told of the same tags: those that were heard while nothing passed."""

WIDTH = 120
"""Characters of a line of the table at most."""


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


def fit(names: Sequence[str], x: Any, y: Any, weights: Any, given: Any, rounds: int = 14) -> Any:
    """The steps, those of cuts not below nought, that make the labels likeliest; the last is the constant.

    `given` are log-odds that every tag has beside them.
    """
    free = np.array([last for name in names for last in [False] * len(CUTS[name]) + [True] * (name in FREE)] + [True])
    ridge = np.full(x.shape[1], RIDGE)
    ridge[-1] = 0
    steps = np.zeros(x.shape[1])

    def loss(at: Any) -> float:
        z = x @ at.astype(np.float32) + given
        return float((weights * (np.logaddexp(0, z) - y * z)).sum() + 0.5 * (ridge * at * at).sum())

    now = loss(steps)
    for _ in range(rounds):
        z = (x @ steps.astype(np.float32)).astype(float) + given
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
        parts[name], means[name] = (points, untold), float(got.mean()) if len(got) else 0.0
    rest = (float(steps[-1]) + sum(means.values())) / len(names)
    return {
        name: (
            tuple(CUTS[name]),
            tuple(
                min(MOST, max(WORST_OF.get(name, WORST), round(100 * (float(each) - means[name] + rest))))
                for each in points
            ),
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
    """The tables for passages by family, the sketches last, of tags read several times and of the others.

    Every family counts the same, unless it has but a few tags. First it is as if no tag had kin. What the kin say
    follows from these tables, and all is fitted again, ROUNDS times: what serial neighbours pass on counts as it is.
    """
    every = [each for family in told for each in family]
    moved = np.concatenate([each.moved for each in every])
    keep = np.concatenate([each.counts for each in every])
    several = np.concatenate([each.several for each in every])
    mine = np.concatenate([each.values for each in every])
    *families, sketches = told
    weights = np.concatenate(
        [
            *(np.full(len(each.epcs), 1 / _size(family)) for family in families for each in family),
            *(np.full(len(each.epcs), SKETCHES / len(sketches) / len(each.epcs)) for each in sketches),
        ]
    )
    names: tuple[str, ...] = OWN
    values = mine
    cards: list[Card] = []
    given = np.zeros(len(mine))
    for _ in range(1 + ROUNDS):
        if cards:
            heard = assured(every, mine, several, cards)
            points = np.where(several, own_points(cards[0], heard), own_points(cards[1], heard))
            theirs = related(every, points)
            names, values = (*OWN, *KIN[1:]), np.hstack([heard, theirs[:, 1:]])
            given = np.where(theirs[:, 0] == NOTHING, 0, theirs[:, 0]) / 100
        cards = [
            _one(names, values[each], moved[each], weights[each], given[each])
            for each in (keep & several, keep & ~several)
        ]
    return cards


def _size(family: list[Told]) -> int:
    return max(sum(len(each.epcs) for each in family), FEW)


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


def _one(names: Sequence[str], values: Any, moved: Any, weights: Any, given: Any) -> Card:
    y = moved.astype(float)
    x, halves = design(names, values, y)
    steps = fit(names, x, y, weights / weights.sum(), given)
    total = x @ steps.astype(np.float32) + given
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
    """The features of KIN for all tags of these passages, whose own points stand in `points` one after the other."""
    found, place = [], 0
    for each in told:
        mine = dict(zip(each.epcs, points[place : place + len(each.epcs)].tolist(), strict=True))
        place += len(each.epcs)
        theirs = kin(mine, each.known)
        found += [[theirs[epc][name] for name in KIN] for epc in each.epcs]
    return np.array(found, np.int16)


def _balance(card: Card) -> None:
    """What two features say that are told of the same tags, without what cancels out where they are not."""
    one, other = BALANCED
    by = (card[other][2] - card[one][2]) // 2
    for name, more in ((one, by), (other, -by)):
        cuts, points, untold = card[name]
        card[name] = (cuts, tuple(each + more for each in points), untold + more)


def _never(card: Card) -> None:
    """What no load does, and what no family shows."""
    for name, most in NEVER.items():
        cuts, points, untold = card[name]
        card[name] = (cuts, (min(most, points[0]), *points[1:]), untold)


def cards(told: list[list[Told]]) -> dict[str, Card]:
    """Tables for portals that hear from two rows and for the others, of tags read several times and a few times."""
    found: dict[str, Card] = {}
    for which, directed in (("rows", True), ("row", False)):
        mine = [[each for each in family if each.directed is directed] for family in told]
        found[which], found[f"{which}_few"] = fitted([family for family in mine if family])
    for which, card in found.items():
        _balance(card)
        if not which.endswith("_few"):
            _never(card)
    for few in ("", "_few"):  # no family has doors of one row side by side; the next door says the same to them
        found[f"row{few}"]["elsewhere"] = found[f"rows{few}"]["elsewhere"]
    return found


def mean(one: dict[str, Card], other: dict[str, Card]) -> dict[str, Card]:
    """The middle between two fits: what is chance in either is halved, and what is in both stays."""
    return {
        which: {
            name: (
                cuts,
                tuple((a + b) // 2 for a, b in zip(points, other[which][name][1], strict=True)),
                (untold + other[which][name][2]) // 2,
            )
            for name, (cuts, points, untold) in card.items()
        }
        for which, card in one.items()
    }


def main() -> None:
    """Generate, label, fit, print or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=10, help="shifts per family")
    parser.add_argument("--passages", type=int, default=25, help="passages per shift")
    parser.add_argument("--write", action="store_true", help="write gateway/rules/scorecard.py instead of printing")
    chosen = parser.parse_args()
    true = labelled(chosen.seeds, chosen.passages, None)
    at_work = labelled(chosen.seeds, chosen.passages, cards(true))
    first = cards([one + other for one, other in zip(true, at_work, strict=True)])
    at_work = labelled(chosen.seeds, chosen.passages, first)
    made = text(mean(first, cards([one + other for one, other in zip(true, at_work, strict=True)])))
    if chosen.write:
        Path("gateway/rules/scorecard.py").write_text(made, encoding="utf-8")
    else:
        sys.stdout.write(made)


if __name__ == "__main__":
    main()
