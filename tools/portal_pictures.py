"""The pictures of docs/portals.md, drawn from generated shifts: `python tools/portal_pictures.py [FOLDER]`.

The reads are the RF generator's, the passages the engine's; the truth only colours them. Same input, same pictures.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import msgspec
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from msgspec.structs import replace

from gateway import config
from gateway.model.inputs import Input
from gateway.model.outcome import Passage
from gateway.rules.scoring import DOUBT, sentence
from gateway.rules.tuning import Study, study, trial
from simulators.rf import shift

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "portals"
OUTER, INNER, MOVED, STRAY, EYE = "#d95f02", "#1b6ca8", "#1b7837", "#999999", "#7b3294"
SEED = 5
mpl.use("Agg")


@cache
def studied(family: str, passages: int = 10) -> tuple[Study, dict[str, Any]]:
    """The first portal of a shift as `tallyman tune` sees it, and the truth."""
    made = shift(family, SEED, passages)
    inputs = [(t, msgspec.convert(record, Input)) for t, record in made.records]
    settings = config.parse(made.toml, family).settings()
    return study(settings, settings.portals[0].id, inputs), made.truth


def truly(truth: dict[str, Any], portal: str, passage: Passage) -> set[str]:
    """The tags that really moved in a passage."""
    return {
        epc
        for one in truth["passages"]
        if one["portal"] == portal and one["opened"] <= passage.closed and passage.opened <= one["closed"]
        for epc in one["moved"]
    }


def chosen(told: Study, truth: dict[str, Any], way: str) -> Passage:
    """The passage that shows most: that way, with most strays beside what moved."""
    found = [one for one in told.passages if one.direction == way and len(truly(truth, told.portal.id, one)) > 5]
    return max(found, key=lambda one: (min(len(one.strays), 40), one.opened))


def figure(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty picture, inches."""
    drawn, axes = plt.subplots(figsize=(width, height), dpi=80, layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    return drawn, axes


def door() -> Figure:
    """The plan of a door with four antennas and two eyes."""
    drawn, axes = figure(7.5, 3.4)
    axes.axis("off")
    axes.plot([-2.6, -1.5], [0, 0], color="black", linewidth=8)
    axes.plot([1.5, 2.6], [0, 0], color="black", linewidth=8)
    for row, y, colour in (("outer", -0.55, OUTER), ("inner", 0.55, INNER)):
        for side, x in (("left", -1.5), ("right", 1.5)):
            axes.plot(x, y, marker="s", markersize=14, color=colour)
            away = 0.3 if x > 0 else -0.3
            label = f'row = "{row}", side = "{side}"'
            axes.text(x + away, y, label, ha="left" if x > 0 else "right", va="center", fontsize=9)
        axes.plot([-1.5, 1.5], [y * 1.75, y * 1.75], color=EYE, linestyle=":", linewidth=2)
        axes.text(0, y * 1.75 + 0.06, f'eye, row = "{row}"', ha="center", color=EYE, fontsize=9)
    axes.annotate("", (0, 0.62), (0, -0.62), arrowprops={"arrowstyle": "-|>", "linewidth": 2})
    axes.text(0.1, 0.0, "in", fontsize=11, va="center")
    axes.text(0, 1.35, "hall (location)", ha="center", fontsize=10)
    axes.text(0, -1.45, "street, trailer", ha="center", fontsize=10)
    axes.set_xlim(-4.6, 4.6)
    axes.set_ylim(-1.6, 1.6)
    return drawn


def passage() -> Figure:
    """One passage: every read by time and level, the eyes below."""
    told, truth = studied("strays_heavy")
    one = chosen(told, truth, "in")
    moved = truly(truth, told.portal.id, one)
    drawn, axes = figure(8, 4)
    lead = 4_000_000
    for colour, name, wanted in (
        (STRAY, "tags that stand", lambda epc, row: epc not in moved),
        (OUTER, "moved, outer row", lambda epc, row: epc in moved and row == "outer"),
        (INNER, "moved, inner row", lambda epc, row: epc in moved and row == "inner"),
    ):
        points = [
            ((sight.at - one.opened) / 1e6, sight.level)
            for epc, sights in told.sights.items()
            for sight in sights
            if one.opened - lead <= sight.at <= one.closed + lead and wanted(epc, sight.row)
        ]
        points = points[:: max(1, len(points) // 1500)]
        across, up = zip(*points, strict=True)
        axes.scatter(across, up, s=5, color=colour, alpha=0.5, label=name, linewidths=0)
    low = axes.get_ylim()[0]
    for place, row in enumerate(("outer", "inner"), 1):
        axes.text(-lead / 1e6, low - 3 * place, f"{row} eye", color=EYE, fontsize=8, va="center")
        for begin, end in broken(told, row, one.opened - lead, one.closed + lead):
            span = (begin - one.opened) / 1e6, (end - one.opened) / 1e6
            axes.plot(span, [low - 3 * place] * 2, color=EYE, linewidth=4, solid_capstyle="butt")
    axes.axvspan(0, (one.closed - one.opened) / 1e6, color=EYE, alpha=0.08, label="the passage")
    axes.axhline(told.portal.min_rssi, color="black", linewidth=0.8, linestyle="--", label="min_rssi")
    axes.set_xlabel("seconds after the opening")
    axes.set_ylabel("level, dBm")
    axes.legend(fontsize=8, loc="upper right", markerscale=3)
    return drawn


def broken(told: Study, row: str, begin: int, end: int) -> Iterable[tuple[int, int]]:
    """When the eyes of a row were broken, µs."""
    for index, eye in enumerate(told.portal.eyes):
        edges = [(at, level) for at, which, level in told.edges if which == index and begin <= at <= end]
        for (at, level), (after, _) in pairwise([*edges, (end, False)]):
            if eye.row == row and level == eye.blocked:
                yield at, after


def direction() -> Figure:
    """How much later the inner row hears a tag than the outer one, coming in and going out."""
    told, truth = studied("calm", 20)
    drawn, axes = figure(8, 3.2)
    kinds: dict[str, list[float]] = {"in": [], "out": [], "standing": []}
    for one in told.passages:
        moved = truly(truth, told.portal.id, one)
        for epc, sights in told.sights.items():
            inside = [s for s in sights if one.opened - 500_000 <= s.at <= one.closed + 500_000]
            gap = centre(inside, "inner"), centre(inside, "outer")
            if gap[0] is None or gap[1] is None:
                continue
            kind = one.direction if epc in moved else "standing"
            if kind in kinds:
                kinds[kind].append((gap[0] - gap[1]) / 1e6)
    bins = [step / 10 for step in range(-30, 31)]
    for kind, colour in (("standing", STRAY), ("out", OUTER), ("in", INNER)):
        if not kinds[kind]:
            continue
        label = {"in": "moved in", "out": "moved out", "standing": "stood there"}[kind]
        axes.hist(kinds[kind], bins=bins, color=colour, alpha=0.7, label=f"{label} ({len(kinds[kind])} tags)")
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel("centre in time at the inner row less that at the outer row, s")
    axes.set_ylabel("tags")
    axes.legend(fontsize=9)
    return drawn


def centre(sights: Sequence[Any], row: str) -> float | None:
    """The centre in time of a row's reads, each weighed by its level above -80 dBm, squared."""
    mine = [(max(1.0, one.level + 80) ** 2, one.at) for one in sights if one.row == row]
    return sum(weight * at for weight, at in mine) / sum(weight for weight, _ in mine) if mine else None


def arbitration() -> Figure:
    """The tags of a passage: their level here, and at the door beside."""
    told, truth = studied("neighbours", 16)
    drawn, axes = figure(5, 4.4)
    here: list[tuple[float, float]] = []
    there: list[tuple[float, float]] = []
    for one in told.passages:
        mine = truly(truth, told.portal.id, one)
        others = {epc for other in told.portal.neighbours for epc in truly(truth, other, one)}
        for epc in (*one.moved, *one.strays):
            levels = [
                max((s.level for s in heard.get(epc, ()) if one.opened <= s.at <= one.closed), default=-78.0)
                for heard in (told.sights, told.beside)
            ]
            if epc in mine:
                here.append((levels[0], levels[1]))
            elif epc in others:
                there.append((levels[0], levels[1]))
    for points, colour, label in ((here, MOVED, "moved here"), (there, STRAY, "moved through the next door")):
        if points:
            across, up = zip(*points, strict=True)
            axes.scatter(across, up, s=8, color=colour, label=label, alpha=0.6, linewidths=0)
    axes.plot([-78, -35], [-78, -35], color="black", linewidth=0.8)
    axes.set_xlabel("loudest read here, dBm")
    axes.set_ylabel("loudest read at the next door, dBm")
    axes.legend(fontsize=8)
    return drawn


def scoring() -> Figure:
    """The points of one tag that moved and of one that stood, part by part."""
    told, truth = studied("strays_heavy")
    one = chosen(told, truth, "in")
    points, why = one.evidence["points"], one.evidence["why"]
    moved = truly(truth, told.portal.id, one)
    loud = {epc: peak for epc, (reads, peak, *_) in one.evidence["tags"].items() if epc in points and reads > 3}
    pair = [
        min((epc for epc in loud if epc in moved), key=lambda epc: abs(points[epc] - 9)),
        max((epc for epc in loud if epc not in moved and points[epc] < 0), key=lambda epc: loud[epc]),
    ]
    drawn, both = plt.subplots(2, 1, figsize=(8.5, 4.6), dpi=80, layout="constrained", sharex=True)
    for axes, epc in zip(both, pair, strict=True):
        parts = [(sentence(name, value), worth) for name, value, worth in reversed(why[epc]) if value is not None]
        texts, worths = zip(*parts, strict=True)
        axes.barh(range(len(parts)), worths, color=[MOVED if worth > 0 else STRAY for worth in worths])
        axes.set_yticks(range(len(parts)), texts, fontsize=8)
        axes.axvline(0, color="black", linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
        verdict = "moved" if epc in one.moved else "did not count"
        axes.set_title(f"{verdict}: {points[epc]:+.1f} points, loudest at {loud[epc]:g} dBm", fontsize=9, loc="left")
    both[1].set_xlabel("points of the strongest parts (log-odds)")
    return drawn


def points() -> Figure:
    """The points of all tags, and the band in which what was announced may decide."""
    drawn, axes = figure(8, 3)
    found: dict[bool, list[float]] = {True: [], False: []}
    for family in ("weak_tags", "strays_heavy", "neighbours"):
        told, truth = studied(family)
        for one in told.passages:
            moved = truly(truth, told.portal.id, one)
            for epc, worth in one.evidence.get("points", {}).items():
                found[epc in moved].append(max(-30.0, min(30.0, worth)))
    bins = list(range(-30, 31))
    for really, colour, label in ((False, STRAY, "did not move"), (True, MOVED, "moved")):
        axes.hist(found[really], bins=bins, color=colour, alpha=0.7, label=f"{label} ({len(found[really])} tags)")
    axes.axvspan(-DOUBT / 100, DOUBT / 100, color=EYE, alpha=0.12, label="in doubt: announcements may decide")
    axes.set_yscale("log")
    axes.set_xlabel("points")
    axes.set_ylabel("tags")
    axes.legend(fontsize=8)
    return drawn


def tuning() -> Figure:
    """What `tune` counts for each min_reads it tries."""
    told, _ = studied("weak_tags", 12)
    drawn, axes = figure(7, 3.2)
    counts = list(range(1, 62, 5))
    found = [trial(told.settings, replace(told.portal, min_reads=count), told.inputs, told.labels) for count in counts]
    axes.plot(counts, [one.lost for one in found], color=OUTER, marker="o", markersize=4, label="moved, not counted")
    axes.plot(counts, [one.strays for one in found], color=STRAY, marker="o", markersize=4, label="stood, counted")
    axes.axvline(told.portal.min_reads, color="black", linewidth=0.8, linestyle="--", label="the preset")
    axes.set_xlabel("min_reads")
    axes.set_ylabel(f"tags, of {found[0].moved} + {found[0].stood}")
    axes.legend(fontsize=9)
    return drawn


PICTURES: dict[str, Callable[[], Figure]] = {
    "door": door,
    "passage": passage,
    "direction": direction,
    "scoring": scoring,
    "points": points,
    "arbitration": arbitration,
    "tuning": tuning,
}


def main(folder: Path = FOLDER, names: Iterable[str] = PICTURES) -> None:
    """Draw the pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        drawn = PICTURES[name]()
        drawn.savefig(folder / f"{name}.png", metadata={"Software": None})
        plt.close(drawn)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
