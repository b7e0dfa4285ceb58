"""The end of a passage: its reads become moved tags, strays and doubts, with direction and evidence. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from gateway.model.outcome import Passage
from gateway.model.settings import Portal
from gateway.rules.background import Known
from gateway.rules.beams import INNER, MIDDLE, OUTER, ROWS, Vehicle
from gateway.rules.direction import Direction, direction
from gateway.rules.features import JUST, NOTHING, Around, Elsewhere, Values, features, kin
from gateway.rules.scoring import DOUBT, own, whole, why
from gateway.rules.tracks import FLOOR, Curve, Heard, Layout, Track, curve, fit, layout, tracks

CORE = 300_000
"""µs before the first beam and after the last in which a load is in the field, too: half a metre at 1.5 m/s."""

SEED = 100
"""Tenths of dB by which a tag must be louder in the passage than before, after and in the background to found the
group: standing tags change by half of that."""

SEED_LESS = 0
"""And when no tag is: a parked pallet that drives off at once has no quieter before."""

ALONE = -100
"""Most points (hundredths) of a tag that was heard less often than min_reads or never at min_rssi, and whose serial
neighbours were not heard at min_rssi by both rows: what stands in the hall is heard like that at whatever time. What
is announced may still vouch for it."""

UNSCORED = -1_000_000
"""Where a tag that was not scored, because it was read before or after the passage only, stands among strays."""

STRAYS_SHOWN = 50
"""Strays whose figures go into the evidence; all of them are named and counted."""


class Window(Struct):
    """A passage that is over, before it is weighed. Times µs; reads from `begin` to `end` speak to it."""

    portal: Portal
    opened: int
    closed: int
    begin: int
    end: int
    vehicle: Vehicle | None
    blind: tuple[int, ...] = ()
    """Rows of eyes that saw nothing of the vehicles before, or in whose beam something stands."""
    hears: tuple[bool, bool, bool] = (True, True, True)
    """Per row of antennas: it would have heard what went through; a dead one says nothing by its silence."""
    weighed: bool = False
    """A scale opened it."""


class Beside(Struct):
    """What a neighbouring door heard in the time of the passage, and what it knows."""

    heard: list[Heard]
    known: dict[str, Known]


class Ended(Struct):
    """A passage with what is needed to go on: doubtful tags with their points, and the tracks of what stayed."""

    passage: Passage
    doubts: tuple[tuple[str, int], ...]
    stayed: list[Track]
    rows: set[int]
    """Rows of antennas that heard anything in it."""


class Scored(Struct):
    """Every tag of a passage with its features, what its serial neighbours say, and its points; and the group."""

    values: dict[str, Values]
    neighbours: dict[str, Values]
    points: dict[str, int]
    group: list[Track]
    way: str = "unknown"


def end(
    window: Window, heard: Sequence[Heard], known: Mapping[str, Known], beside: Sequence[Beside], eyes: list[Any]
) -> Ended:
    """Weigh a passage.

    Args:
        window: which.
        heard: its reads, in order of time.
        known: the background of the portal.
        beside: the neighbouring doors.
        eyes: the edges of its vehicle, for the evidence.
    """
    portal, place = window.portal, layout(window.portal)
    found = tracks(heard, window.opened - CORE, window.closed + CORE, window.opened, place)
    elsewhere = _elsewhere(found, beside, window)
    scored = score(window, found, known, elsewhere, place)
    points = scored.points
    moved = sorted(epc for epc, total in points.items() if total > 0)
    rows = _watchful(window)
    told = direction(window.vehicle, rows, [found[epc] for epc in moved] or scored.group, place)
    doubts = tuple(sorted((epc, total) for epc, total in points.items() if abs(total) < DOUBT))
    evidence: dict[str, Any] = told[2] | {
        "reads": sum(track.early + track.reads + track.tail for track in found.values()),
        "eyes": eyes,
        "group": len(scored.group),
    }
    if window.weighed:
        evidence["opened_by"] = "scale"
    evidence |= _shown(window, found, scored)
    if told[0] == "none":
        if moved:
            evidence["turned"] = moved
        moved, doubts = [], ()
    passage = Passage(
        passage=f"{portal.id}/{window.opened}",
        portal=portal.id,
        opened=window.opened,
        closed=window.closed,
        direction=told[0],
        confidence=told[1],
        moved=tuple(moved),
        strays=tuple(sorted(set(found) - set(moved))),
        evidence=evidence,
    )
    turned = set(evidence.get("turned", ()))
    went = set(moved) | turned if told[0] != "unknown" else set()  # who knows not the way, may have stayed
    stayed = [found[epc] for epc in sorted(set(found) - went)]
    return Ended(passage, doubts, stayed, heard_rows(found))


def score(
    window: Window,
    found: Mapping[str, Track],
    known: Mapping[str, Known],
    elsewhere: Mapping[str, Elsewhere],
    place: Layout,
) -> Scored:
    """Points of every tag read in the passage: the group is founded, then gathered, then all are compared with it."""
    core = {epc: track for epc, track in found.items() if track.reads}
    group = _seeds(window.portal, core, known, elsewhere)
    if not group:
        return Scored({}, {}, {}, [])
    values: dict[str, Values] = {}
    directed = all(window.hears[row] or row in heard_rows(core) for row in (OUTER, INNER))
    for _ in range(2):
        made = curve(group, window.begin, window.end, place)
        around = _around(window, made, place, group, directed)
        values = {
            epc: features(track, fit(track, made, place), known.get(epc), elsewhere.get(epc), around)
            for epc, track in core.items()
        }
        gathered = [core[epc] for epc, each in values.items() if own(each) > 0]
        if not gathered or gathered == group:
            break
        group = gathered
    neighbours = kin(values)
    points = {epc: whole(each, neighbours[epc]) for epc, each in values.items()}
    for epc, total in points.items():
        strong = 0 <= neighbours[epc]["both_rows"] < NOTHING
        if total > ALONE and not strong and _faint(window.portal, core[epc]):
            points[epc] = ALONE
    return Scored(values, neighbours, points, group, around.way)


def heard_rows(core: Mapping[str, Track]) -> set[int]:
    """The rows that heard anything."""
    return {row for track in core.values() for row in (OUTER, MIDDLE, INNER) if track.peaks[row] > FLOOR}


def _faint(portal: Portal, track: Track) -> bool:
    return track.reads < portal.min_reads or track.peak < portal.min_rssi * 10


def _watchful(window: Window) -> list[int]:
    """The rows of eyes that would have seen what went through."""
    return [row for eye in window.portal.eyes if (row := ROWS[eye.row]) not in window.blind]


def _around(window: Window, made: Curve, place: Layout, group: Sequence[Track], directed: bool) -> Around:
    rows = _watchful(window)
    way = direction(window.vehicle, rows, group, place)[0]
    limit = int(window.portal.min_rssi * 10)
    return Around(way, window.vehicle, place, limit, made, window.opened, window.closed, directed)


def _seeds(
    portal: Portal,
    core: Mapping[str, Track],
    known: Mapping[str, Known],
    elsewhere: Mapping[str, Elsewhere],
) -> list[Track]:
    """The tags that most surely moved: strong, often read, much louder than at any other time, and louder here."""
    strong = []
    for epc, track in core.items():
        if track.reads < portal.min_reads or track.peak < portal.min_rssi * 10:
            continue
        there = elsewhere.get(epc)
        if there is not None and there.level is not None and there.level >= track.peak:
            continue
        background = known[epc].level if epc in known else FLOOR
        strong.append((track.peak - max(track.outside, background), track))
    for least in (SEED, SEED_LESS):
        sure = [track for contrast, track in strong if contrast >= least]
        if sure:
            return sure
    return []


def _elsewhere(found: Mapping[str, Track], beside: Sequence[Beside], window: Window) -> dict[str, Elsewhere]:
    told: dict[str, Elsewhere] = {}
    for door in beside:
        for _, _, epc, rssi in door.heard:
            if epc in found:
                there = told.setdefault(epc, Elsewhere())
                level = max(FLOOR, int(rssi * 10))
                there.level = level if there.level is None else max(there.level, level)
        for epc in found:
            known = door.known.get(epc)
            if known is not None and known.moved and window.closed - known.moved <= JUST:
                there = told.setdefault(epc, Elsewhere())
                there.moved = max(there.moved, known.moved)
    return told


def _shown(window: Window, found: Mapping[str, Track], scored: Scored) -> dict[str, Any]:
    """Figures, points and reasons of the tags that matter."""
    points = scored.points
    near = [epc for epc, total in points.items() if total > -DOUBT]
    rest = sorted(set(found) - set(near), key=lambda epc: (-points.get(epc, UNSCORED), epc))
    shown = sorted([*near, *rest[:STRAYS_SHOWN]])
    return {
        "tags": {
            epc: [
                (track := found[epc]).reads,
                max(track.peak, track.outside) / 10,
                track.first - window.opened,
                track.last - window.opened,
            ]
            for epc in shown
        },
        "points": {epc: points[epc] / 100 for epc in shown if epc in points},
        "why": {epc: why(scored.values[epc], scored.neighbours[epc]) for epc in shown if epc in points},
    }


__all__ = ["Beside", "Direction", "Ended", "Window", "end"]
