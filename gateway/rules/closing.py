"""The end of a passage: its reads become moved tags, strays and doubts, with direction and evidence. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.model.outcome import Passage
from gateway.model.settings import Portal
from gateway.rules.background import Known
from gateway.rules.beams import INNER, MIDDLE, OUTER, ROWS, Vehicle
from gateway.rules.carriers import carrier
from gateway.rules.curves import Curve, curve, fit
from gateway.rules.direction import Direction, direction, passed, through
from gateway.rules.features import (
    JUST,
    NOTHING,
    Around,
    Elsewhere,
    Values,
    features,
    loudness,
    new,
    stranger,
    wrong_side,
)
from gateway.rules.grouping import LEAST, likeliest, limit, seeds, surest
from gateway.rules.justbefore import just_before, went_again
from gateway.rules.kin import kin
from gateway.rules.phases import measured, stands, steady
from gateway.rules.reads import Heard
from gateway.rules.scorecard import Card
from gateway.rules.scoring import COSTS, DOUBT, VOUCHABLE, cards_at, costs, own, part, shared, why
from gateway.rules.tracks import FLOOR, Layout, Track, layout, levelled, median, middle, tracks

CORE = 300_000
"""µs before the first beam and after the last in which a load is in the field, too: half a metre at 1.5 m/s."""

BEYOND = 1_500_000
"""And at most where eyes stand in one row only: what passed them is 1…2 m from the other row of antennas yet. A load
alone is 1.2 m long, and takes half the time for that that it was in the beam, or up to twice as long."""

ROUNDS = 5
"""Times that the group is gathered anew at most: by the points that they have beside it, others belong to it."""

ASSURED = 400
"""Points (hundredths) of the goods' median, without those for how loud they are together, from which on that adds
nothing: a load of frozen goods is 10 dB fainter than one of paper, and as real."""

SEVERAL = 6
"""Reads from which on they draw a curve; of fewer, other things tell."""

COHERENT = 5
"""One in so many of the group goes at the least, or nobody does; of fewer tags it says nothing."""

UNSCORED = -1_000_000
"""Where a tag that was not scored, because it was read long before or after the passage only, stands among strays."""

STAYED = -110
"""Points from which down a new tag that was heard is a stray of this door, without its `costs`: three times as likely
as not."""

STRAYS_SHOWN, STRAYS_REASONED = 50, 1_000
"""Strays whose figures go into the evidence, the likeliest first; and those whose points and strongest reason do, next.
All of them are named and counted."""


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
    usual: int | None = None
    """How loud what goes through this door usually is, tenths of dBm; None: nothing went through yet."""
    size: int | None = None
    """How many tags the group has here, lately and on average, hundredths; None: nothing went through yet."""
    strays: int = 0
    """New strays of a passage here, lately and on average: racks that are heard all day say nothing of a new tag."""
    followed: frozenset[str] = frozenset()
    """Tags that went with what came right behind it."""
    levelled: bool = True
    """The reader tells how loud a tag is."""
    phased: bool = False
    """Phases have told here that a tag stood: they mean something."""


class Beside(Struct):
    """What a neighbouring door heard in the time of the passage, and what it knows."""

    heard: list[Heard]
    known: dict[str, Known]


class Ended(Struct):
    """A passage with what is needed to go on: doubtful tags with their points, and the tracks of what stayed."""

    passage: Passage
    doubts: tuple[tuple[str, int], ...]
    stayed: list[Track]
    went: list[Track]
    """What seems to have moved, turned round or not."""
    level: int | None
    """How loud the goods were, or what else the tags were compared with: the median of the peaks, tenths of dBm."""
    rows: set[int]
    """Rows of antennas that heard anything in it."""
    strays: int = 0
    """Tags that were never heard before, were heard while the door was occupied and, beyond doubt, did not move."""
    phased: bool = False
    """Whether a tag's phases told that it stood, here or before."""
    size: int = 0
    """Tags of the group."""


class Scored(Struct):
    """Every tag of a passage with its features, what its kin say, and its points; and the group."""

    values: dict[str, Values]
    theirs: dict[str, Values]
    points: dict[str, int]
    group: list[Track]
    way: str = "unknown"
    directed: bool = True


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
    others = window.followed
    if portal.flow:  # what went before it on the belt is heard on
        others |= {epc for epc, one in known.items() if went_again(one, portal.flow, window.opened)}
    if others:
        heard = [read for read in heard if read[2] not in others]
    core = _core(window)
    found = tracks(heard, window.opened - core, window.closed + core, window.opened, place)
    elsewhere = _elsewhere(found, beside, window)
    measures = measured(heard)
    phased = window.phased or (measures and any(steady(track.turns) for track in found.values()))
    window = replace(window, levelled=levelled(found.values()), phased=phased and measures)
    scored = score(window, found, known, elsewhere, place)
    points = scored.points
    moved = sorted(epc for epc, total in points.items() if total > 0)
    rows = _watchful(window)
    told = direction(window.vehicle, rows, [found[epc] for epc in moved] or scored.group, place, portal.flow)
    doubts = tuple(sorted((epc, total) for epc, total in points.items() if -VOUCHABLE < total < DOUBT))
    evidence: dict[str, Any] = told[2] | _heard(window, found, scored, eyes) | _shown(window, found, scored)
    went = [found[epc] for epc in moved]
    if window.vehicle is None and told[0] == "unknown" and scored.directed and went:
        told = ("none", told[1], told[2])  # both rows hear, and neither first: it came near, and nothing went through
    if (goods := [epc for epc in moved if not carrier(epc)]) and _hardly_any(scored):
        evidence["hardly_any"] = goods
        moved, doubts = [epc for epc in moved if carrier(epc)], ()
        went = [found[epc] for epc in moved]
    maybe = [found[epc] for epc, total in points.items() if total > -COSTS]
    if told[0] != "none" and went and _unseen(window, scored, maybe, told[0]):
        evidence["unseen"] = moved
        told, went, moved, doubts = ("none", 0.0, told[2]), [], [], ()
    if told[0] == "none":
        if moved:
            evidence["turned"] = moved
        moved, doubts = [], ()
    before = just_before(moved, told[0], known, window.opened, seen=window.vehicle is not None)
    if before:
        evidence |= before
        out = {epc for epcs in before.values() for epc in epcs}
        moved = [epc for epc in moved if epc not in out]
        doubts = tuple(one for one in doubts if one[0] not in out)
        went = [track for track in went if track.epc not in before.get("put_down", ())]
        if not moved and window.vehicle is None:
            told = ("none", told[1], told[2])
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
    gone = {track.epc for track in went} if told[0] != "unknown" else set()  # who knows not the way, may have stayed
    stayed = [found[epc] for epc in sorted(set(found) - gone)]
    level = middle(track.peak for track in went or scored.group if not carrier(track.epc))
    stayed_from = STAYED - costs(portal, directed=scored.directed)
    strays = sum(
        1 for epc, total in points.items() if total <= stayed_from and found[epc].reads and new(known.get(epc))
    )
    return Ended(passage, doubts, stayed, went, level, heard_rows(found), strays, phased, len(scored.group))


def score(
    window: Window,
    found: Mapping[str, Track],
    known: Mapping[str, Known],
    elsewhere: Mapping[str, Elsewhere],
    place: Layout,
) -> Scored:
    """Points of every tag read in the passage: the group is founded, then gathered, then all are compared with it."""
    core = {epc: track for epc, track in found.items() if track.peak > FLOOR}  # heard in the door, or next to it
    least, seen = limit(window.portal, window.usual), window.vehicle is not None
    if seen and window.usual is not None:
        least = FLOOR  # something was there, and however faint: if it is too faint its points say so
    directed = place.directed and all(window.hears[row] or row in heard_rows(core) for row in (OUTER, INNER))
    moving = {epc: track for epc, track in core.items() if not (window.phased and stands(track.turns))}
    group = seeds(window.portal.min_reads, least, moving, known, elsewhere, directed)
    if not group and seen:  # something was there, and however seldom it was read
        group = seeds(1, least, moving, known, elsewhere, directed)
        group = group if len(group) >= LEAST else []
    if not group:
        return Scored({}, {}, {}, [])
    values: dict[str, Values] = {}
    mine: dict[str, int] = {}
    table = cards_at(window.portal)
    cards = {epc: table[card_of(track, directed)] for epc, track in core.items()}
    for _ in range(ROUNDS):
        made = curve(group, window.begin, window.end, place)
        strangers = sum(stranger(track, known.get(epc), made) for epc, track in core.items())
        around = _around(window, made, place, group, directed, strangers)
        values = {
            epc: features(track, fit(track, made, place), known.get(epc), elsewhere.get(epc), around)
            for epc, track in core.items()
        }
        mine = {epc: own(each, cards[epc]) for epc, each in values.items()}
        gathered = [track for track in surest(core, mine) or likeliest(moving, values, cards) if track.peak >= least]
        if not gathered or gathered == group:
            break
        group = gathered
    if _assured(values, mine, cards):
        values = {epc: each | {"group_level": NOTHING} for epc, each in values.items()}
        mine = {epc: own(each, cards[epc]) for epc, each in values.items()}
    theirs = kin(mine, known, in_line=bool(window.portal.flow))
    asked = costs(window.portal, directed=directed)
    points = {
        epc: alone + shared(theirs[epc], cards[epc]) - (0 if carrier(epc) else asked) for epc, alone in mine.items()
    }
    return Scored(values, theirs, points, group, around.way, directed)


def _assured(values: Mapping[str, Values], mine: Mapping[str, int], cards: Mapping[str, Card]) -> bool:
    """Whether the goods are so sure by all else that how loud they are beside other loads does not matter."""
    rest = [total - part("group_level", values[epc]["group_level"], cards[epc]) for epc, total in mine.items()]
    moved = [each for each in rest if each > 0]
    return bool(moved) and median(moved) >= ASSURED


def _hardly_any(scored: Scored) -> bool:
    """Whether hardly any of the group moved that all were held against: then it is no load, and nothing went with it.

    Where nothing is sure, the group is all that is in doubt. Of a load most goes in the end, by what its tags say of
    each other; of a rack that an empty truck lights up one or two are louder than the rest.
    """
    went = sum(scored.points[track.epc] > 0 for track in scored.group)
    return len(scored.group) >= COHERENT and COHERENT * went < len(scored.group)


def _unseen(window: Window, scored: Scored, maybe: Sequence[Track], way: str) -> bool:
    """Whether no eye of a door that has some saw what seems to have moved, and it did not go from row to row as a load:
    it stands. What is likelier to have moved than not is asked (all that counts but for COSTS): a few of those that
    stand agree by chance, and then their points are for it.
    """
    alone = window.vehicle is None and bool(window.portal.eyes) and not window.weighed
    return alone and scored.directed and not passed(maybe, way)


def card_of(track: Track, directed: bool) -> str:
    """The card by which a tag is judged."""
    rows = "rows" if directed else "row"
    return rows if len(track.heard) >= SEVERAL else f"{rows}_few"


def _core(window: Window) -> int:
    """µs by which the load is in the field before the first beam is broken, and after the last is free again."""
    if window.vehicle is None or {OUTER, INNER} <= set(_watchful(window)):
        return CORE
    return max(CORE, min(BEYOND, (window.closed - window.opened) // 2))


def heard_rows(core: Mapping[str, Track]) -> set[int]:
    """The rows that heard anything."""
    return {row for track in core.values() for row in (OUTER, MIDDLE, INNER) if track.peaks[row] > FLOOR}


def _watchful(window: Window) -> list[int]:
    """The rows of eyes that would have seen what went through."""
    return [row for eye in window.portal.eyes if (row := ROWS[eye.row]) not in window.blind]


def _around(
    window: Window, made: Curve, place: Layout, group: Sequence[Track], directed: bool, strangers: int
) -> Around:
    rows = _watchful(window)
    way = direction(window.vehicle, rows, group, place, window.portal.flow)[0]
    alone = group[0].epc if len(group) == 1 else None
    wrong = middle(wrong_side(track, way) for track in group)
    return Around(
        way=way,
        vehicle=window.vehicle,
        place=place,
        usual=window.usual,
        made=made,
        opened=window.opened,
        closed=window.closed,
        after=window.end - window.closed - _core(window),
        directed=directed,
        wrong_side=wrong,
        size=len(group),
        usual_size=window.size,
        strays=window.strays,
        strangers=strangers,
        levelled=window.levelled,
        phased=window.phased,
        through=through(group, way, seen=window.vehicle is not None) if directed else NOTHING,
        group_swing=NOTHING if (swings := middle(track.swing for track in group)) is None else swings,
        alone=alone,
    )


def _elsewhere(found: Mapping[str, Track], beside: Sequence[Beside], window: Window) -> dict[str, Elsewhere]:
    told: dict[str, Elsewhere] = {}
    for door in beside:
        levels: dict[str, list[int]] = {}
        for _, _, epc, rssi, _ in door.heard:
            if epc in found:
                levels.setdefault(epc, []).append(max(FLOOR, int(rssi * 10)))
        for epc, each in levels.items():
            there = told.setdefault(epc, Elsewhere())
            level = loudness(each)
            there.level = level if there.level is None else max(there.level, level)
        for epc in found:
            known = door.known.get(epc)
            if known is not None and known.moved and window.closed - known.moved <= JUST:
                there = told.setdefault(epc, Elsewhere())
                there.moved = max(there.moved, known.moved)
    return told


def _heard(window: Window, found: Mapping[str, Track], scored: Scored, eyes: list[Any]) -> dict[str, Any]:
    """What the passage was made of."""
    made: dict[str, Any] = {
        "reads": sum(track.early + track.reads + track.tail for track in found.values()),
        "eyes": eyes,
        "group": len(scored.group),
    }
    if window.weighed:
        made["opened_by"] = "scale"
    if window.followed:
        made["followed"] = sorted(window.followed)
    return made


def _shown(window: Window, found: Mapping[str, Track], scored: Scored) -> dict[str, Any]:
    """Figures, points and reasons of the tags that matter."""
    points = scored.points
    near = [epc for epc, total in points.items() if total > -VOUCHABLE]
    rest = sorted(set(found) - set(near), key=lambda epc: (-points.get(epc, UNSCORED), epc))
    shown = sorted([*near, *rest[:STRAYS_SHOWN]])
    table = cards_at(window.portal)
    briefly = [epc for epc in sorted(rest[STRAYS_SHOWN : STRAYS_SHOWN + STRAYS_REASONED]) if epc in scored.values]

    def reasons(epc: str) -> list[list[Any]]:
        return why(scored.values[epc], scored.theirs[epc], table[card_of(found[epc], scored.directed)])

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
        "points": {epc: points[epc] / 100 for epc in [*shown, *briefly] if epc in points},
        "why": {epc: reasons(epc) for epc in shown if epc in scored.values}
        | {epc: [part for part in reasons(epc) if part[1] is not None][:1] for epc in briefly},
    }


__all__ = ["Beside", "Direction", "Ended", "Window", "end"]
