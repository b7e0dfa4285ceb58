"""Labels: every tag of generated shifts as the engine weighed it, and whether it moved in truth.

What `fit_scorecard` learns from. The engine's own scoring is listened to while it plays a shift.
"""

import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from random import Random
from typing import Any, NamedTuple

import numpy as np

from gateway import config
from gateway.model.inputs import Gpi, Reads, Tick
from gateway.rules import Engine, closing
from gateway.rules.background import Known
from gateway.rules.features import Values
from gateway.rules.scorecard import CARDS, Card
from gateway.rules.tracks import Track
from simulators.rf import FAMILIES, Shift, shift
from tools.cuts import OWN
from tools.other_sites import Site, elsewhere, later
from tools.sketches import sketch

NEAR = 300_000
"""µs by which a passage and a truth passage may miss each other and still be the same."""

SURE = 10_000
"""Points of a tag whose truth is known."""

SITES = 2
"""Other sites that each shift is played as."""

SKETCHED = "sketched"
"""The family of what `sketches` draws."""

MORE = {"single_antenna": 3, SKETCHED: 8}
"""How many times as many shifts of a family are played: the cards for one row of antennas are learned from the first
alone, and sketches are small."""

RANGE = (-32_000, 32_000)
"""Values beyond say no more: ms, tenths of dB, counts; what is kept has 16 bits."""


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
    heard: dict[tuple[str, int], tuple[Any, ...]] = {}
    scored, surest, likeliest, sure = closing.score, closing.surest, closing.likeliest, closing._assured
    in_force = dict(CARDS)
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
        there = {epc: known[epc] for epc in found.points if epc in known}
        came = {epc: Known(first=one.first, moved=one.moved, reads=one.reads) for epc, one in there.items()}
        heard[window.portal.id, window.opened] = (same, found, tracks, came, raw[0] if raw else {})
        if by is None:  # the background learns the truth
            found.points = {epc: SURE if epc in moved else -SURE for epc in found.points}
        return found

    closing.score = listening  # type: ignore[assignment]  # it takes the same by position
    closing._assured = assured  # type: ignore[assignment]  # likewise
    if by is None:
        closing.surest = gathered
        closing.likeliest = lambda *_: []
    else:
        CARDS.update(by)
    try:
        _played(one, site)
    finally:
        closing.score, closing.surest, closing.likeliest, closing._assured = scored, surest, likeliest, sure
        CARDS.update(in_force)
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
    engine = Engine(config.parse(one.toml, "shift").settings())
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


def labels(family: str, seed: int, count: int, by: Mapping[str, Card] | None) -> list[Told]:
    """The passages of one varied shift, as generated and as other sites would have it, or of a sketch, as it is.

    `by` as in `passages`.
    """
    if family == SKETCHED:
        drawn = sketch(seed, count)
        return list(passages(drawn, Site(drawn.records, {}), by))
    one = shift(family, seed, count, "varied")
    others = [elsewhere(one, Random(f"{family}/{seed}/{number}")) for number in range(SITES)]
    return [each for site in (Site(one.records, {}), *others) for each in passages(one, site, by)]


def labelled(seeds: int, count: int, by: Mapping[str, Card] | None) -> list[list[Told]]:
    """The labels of so many shifts of each family, by family."""
    told = []
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for family in (*sorted(FAMILIES), SKETCHED):
            asked = [(family, seed, count, by) for seed in range(1, seeds * MORE.get(family, 1) + 1)]
            told.append([each for found in pool.map(labels, *zip(*asked, strict=True)) for each in found])
            sys.stderr.write(f"{family}: {sum(len(each.epcs) for each in told[-1])} tags\n")
    return told
