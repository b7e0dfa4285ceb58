"""Fit the scorecard of passages (`gateway/rules/scorecard.py`) to tuning shifts of the radio generator.

    python -m tools.fit_scorecard [--seeds 12] [--passages 25] [--write]

Every tuning family is generated (never the untouched ones), played through the engine, and each tag of each passage
labelled from the truth beside the recording. A logistic model over steps of the features is fitted by Newton's method;
steps may not fall as a feature grows (`features` orients them so), which keeps every rule one a technician would
expect. Same arguments, same table. Needs numpy (a development dependency); the gateway does not.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from gateway import config
from gateway.model.inputs import Gpi, Reads, Tick
from gateway.rules import Engine, closing
from gateway.rules.features import NOTHING
from simulators.rf import FAMILIES, Shift, shift

CUTS: dict[str, list[int]] = {
    "level": [0, 50, 90, 130, 170, 210],
    "both_rows": [-90, -40, 0, 50, 100, 150],
    "contrast": [-20, 20, 60, 100, 150, 200],
    "above_background": [0, 20, 40, 60, 80, 110, 150],
    "follows": [0, 20, 40, 60],
    "company": [-240, -200, -160, -130, -100, -70],
    "with_group": [-2000, -1200, -800, -500, -250],
    "order": [-1500, -1000, -700, -400, -200],
    "balance": [-250, -200, -150, -100],
    "background": [-400, -100, -30, -10, 0],
    "strayed": [-3, -2, -1, 0],
    "came_before": [0],
    "wrong_side": [0, 30, 60, 100, 150],
    "elsewhere": [-50, 0, 30, 60, 100, 150],
    "with_eyes": [-700, -300, -100, 0],
    "among_group": [-250, -200, -150, -100, -60],
    "kin_both_rows": [-90, -40, 0, 50, 100, 150],
    "kin_company": [-200, -160, -130, -100, -70],
    "kin_order": [-1500, -1000, -700, -400, -200],
    "kin_wrong_side": [0, 30, 60, 100, 150],
    "kin_with_group": [-2000, -1200, -800, -500],
    "kin_balance": [-250, -200, -150, -100],
}
"""Where each feature may step: round numbers over what occurs (tenths of dB, ms, counts)."""

NEAR = 300_000
"""µs by which a passage and a truth passage may miss each other and still be the same."""

SURE = 10_000
"""Points of a tag whose truth is known."""

RIDGE = 5e-6
"""Pull of every step towards none: less than what a thousandth of the tags says."""

STRAY_COSTS = 2.0
"""A stray that becomes stock is as bad as two moved tags that do not."""


class Row(NamedTuple):
    """One tag of one passage: its features, whether it moved, and how much it counts."""

    values: dict[str, int]
    moved: bool
    weight: float


def rows(one: Shift) -> Iterator[tuple[dict[str, int], bool]]:
    """Features and truth of every tag of every passage of a shift; passages that are two in truth are left out."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "site.toml"
        path.write_text(one.toml, encoding="utf-8")
        engine = Engine(config.load(path).settings())
    heard: list[tuple[list[dict[str, Any]], Any]] = []
    scored = closing.score

    def listening(window: closing.Window, *rest: Any) -> Any:
        found = scored(window, *rest)
        same = _same(one, window.portal.id, window.opened, window.closed)
        heard.append((same, found))
        moved = {epc for each in same for epc in (*each["moved"], *each["turned"])}
        found.points = {epc: SURE if epc in moved else -SURE for epc in found.points}  # the background learns the truth
        return found

    closing.score = listening
    try:
        for t, record in one.records:
            while (deadline := engine.deadline) is not None and deadline < t:
                engine.observe(deadline, Tick())
            if record["kind"] == "reads":
                engine.observe(t, Reads(record["reader"], tuple(record["reads"]), tuple(record["columns"])))
            elif record["kind"] == "gpi":
                engine.observe(t, Gpi(record["reader"], record["port"], record["level"], record["at"]))
            elif record["kind"] == "tick":
                engine.observe(t, Tick())
    finally:
        closing.score = scored
    for same, found in heard:
        if len(same) > 1 or found.way == "none":
            continue
        moved = {epc for each in same for epc in (*each["moved"], *each["turned"])}
        neutral = {epc for each in same for epc in each["neutral"]}
        for epc, values in found.values.items():
            if epc not in neutral:
                kin = {f"kin_{name}": value for name, value in found.neighbours[epc].items()}
                yield {**values, **kin}, epc in moved


def _same(one: Shift, portal: str, opened: int, closed: int) -> list[dict[str, Any]]:
    """The truth passages that a passage is about."""
    return [
        each
        for each in one.truth["passages"]
        if each["portal"] == portal and min(each["closed"], closed) - max(each["opened"], opened) > -NEAR
    ]


def design(values: list[dict[str, int]]) -> Any:
    """One column per cut (the feature reaches it) and one per feature that cannot be told, and ones."""
    columns = []
    for name, cuts in CUTS.items():
        column = np.array([each[name] for each in values])
        untold = column == NOTHING
        columns += [((column >= cut) & ~untold).astype(np.float32) for cut in cuts]
        columns.append(untold.astype(np.float32))
    columns.append(np.ones(len(values), np.float32))
    return np.array(columns).T


def fit(x: Any, y: Any, weights: Any, rounds: int = 14) -> Any:
    """The steps, those of cuts not below nought, that make the labels likeliest; the last is the constant."""
    free = np.array([last for cuts in CUTS.values() for last in [False] * len(cuts) + [True]] + [True])
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


def table(steps: Any, near: list[dict[str, int]]) -> dict[str, tuple[tuple[int, ...], tuple[int, ...], int]]:
    """Points per feature, such that a tag near the border (`near`) gets none from any of them on average."""
    place, parts, means = 0, {}, {}
    for name, cuts in CUTS.items():
        points = np.concatenate([[0.0], np.cumsum(steps[place : place + len(cuts)])])
        untold = float(steps[place + len(cuts)])
        place += len(cuts) + 1
        column = np.array([each[name] for each in near])
        got = np.where(column == NOTHING, untold, points[np.searchsorted(cuts, column, side="right")])
        parts[name], means[name] = (points, untold), float(got.mean())
    rest = (float(steps[-1]) + sum(means.values())) / len(CUTS)
    return {
        name: (
            tuple(CUTS[name]),
            tuple(round(100 * (float(each) - means[name] + rest)) for each in points),
            round(100 * (untold - means[name] + rest)),
        )
        for name, (points, untold) in parts.items()
    }


def text(card: dict[str, Any]) -> str:
    """The table as a module."""
    lines = [
        '"""The scorecard: points for each feature, hundredths of log-odds. Made by `tools/fit_scorecard.py`.',
        "",
        "name: (cuts, points below the first cut and from each cut on, points where the feature cannot be told)",
        '"""',
        "",
        "from typing import Final",
        "",
        "CARD: Final[dict[str, tuple[tuple[int, ...], tuple[int, ...], int]]] = {",
        *(f'    "{name}": {each},' for name, each in card.items()),
        "}",
    ]
    return "\n".join(lines) + "\n"


def fitted(labelled: list[list[tuple[dict[str, int], bool]]]) -> dict[str, Any]:
    """The table for labelled tags by family; every family counts the same."""
    every = [
        Row(values, moved, (1.0 if moved else STRAY_COSTS) / len(family))
        for family in labelled
        for values, moved in family
    ]
    x, y = design([each.values for each in every]), np.array([float(each.moved) for each in every])
    weights = np.array([each.weight for each in every])
    steps = fit(x, y, weights / weights.sum())
    total = x @ steps.astype(np.float32)
    wrong = int(((total > 0) != (y > 0)).sum())
    sys.stderr.write(f"{len(every)} tags, {wrong} on the wrong side of nought\n")
    return table(steps, [each.values for each, points in zip(every, total, strict=True) if abs(points) < 2])


def main() -> None:
    """Generate, label, fit, print or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=12, help="shifts per family")
    parser.add_argument("--passages", type=int, default=25, help="passages per shift")
    parser.add_argument("--write", action="store_true", help="write gateway/rules/scorecard.py instead of printing")
    chosen = parser.parse_args()
    labelled = []
    for family in sorted(FAMILIES):
        found = [row for seed in range(1, chosen.seeds + 1) for row in rows(shift(family, seed, chosen.passages))]
        sys.stderr.write(f"{family}: {len(found)} tags\n")
        labelled.append(found)
    made = text(fitted(labelled))
    if chosen.write:
        Path("gateway/rules/scorecard.py").write_text(made, encoding="utf-8")
    else:
        sys.stdout.write(made)


if __name__ == "__main__":
    main()
