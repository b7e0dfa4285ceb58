"""Labels: what the scorecards are fitted to, from the truth beside generated shifts."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from gateway.identity import decode
from gateway.rules.scorecard import CARDS, Card
from simulators.rf import shift
from tools.cuts import CUTS, OWN
from tools.labels import Told, passages
from tools.other_sites import (
    GLIMPSED,
    GLIMPSED_GTIN,
    PICKED_UP,
    STIRRED,
    STIRS,
    Site,
    Stirs,
    _peaks,
    _staged,
    _standing,
    elsewhere,
)

SHIFT = shift("busy", 1, 4, "varied")
SITE = Site(SHIFT.records, {})


def blank() -> dict[str, Card]:
    """Cards by which nothing is told from anything."""
    return {which: dict.fromkeys(card, ((), (0,), 0)) for which, card in CARDS.items()}


def plain(told: list[Told]) -> list[tuple[Any, ...]]:
    """What can be compared."""
    return [(one.epcs, one.values.tolist(), one.moved.tolist(), one.several.tolist()) for one in told]


def test_true_labels_depend_on_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same with the cards in force and with none: else the fit would make another table each time."""
    told = plain(list(passages(SHIFT, SITE, None)))
    for which, card in blank().items():
        monkeypatch.setitem(CARDS, which, card)
    assert plain(list(passages(SHIFT, SITE, None))) == told
    assert sum(sum(moved) for _, _, moved, _ in told) > 20


def test_labels_of_a_day_at_work_are_the_engines_by_the_given_cards() -> None:
    """By cards that say nothing it knows no group and no background as by good ones; the cards in force stay."""
    before = dict(CARDS)
    good, dull = (list(passages(SHIFT, SITE, by)) for by in (before, blank()))
    assert plain(good) != plain(dull)
    assert before == CARDS
    for told in (good, dull):
        assert all(set(one.moved) <= {True, False} and one.values.shape == (len(one.epcs), len(OWN)) for one in told)


def test_a_truth_passage_is_learned_from_once() -> None:
    """What moved is labelled so in one passage only, whatever the engine told twice."""
    for seed in range(3):
        site = elsewhere(SHIFT, Random(seed))
        moved = [
            epc
            for one in passages(SHIFT, site, dict(CARDS))
            for epc, went in zip(one.epcs, one.moved, strict=True)
            if went
        ]
        assert len(moved) == len(set(moved))


def test_other_sites_have_other_products_and_serials() -> None:
    """Every tag keeps what it is, one for one; some sites have many products, some two, and some serials anew."""
    products, kept = set(), set()
    for seed in range(12):
        names = elsewhere(SHIFT, Random(seed)).names
        assert len(set(names.values())) == len(names)
        assert all(len(new) == 24 and new[:2] == "30" for new in names.values())
        products.add(len({int(new, 16) >> 38 for new in names.values()}))
        kept.add(all(int(old, 16) % 2**38 == int(new, 16) % 2**38 for old, new in names.items()))
    assert min(products) <= 2 < 6 < max(products)
    assert kept == {True, False}


def test_staged_loads_are_heard_before_and_after_they_move_and_never_while_they_do() -> None:
    """As loud as in the door at most (10 dB of scatter), two seconds from it, also what goes twice; or not at all."""
    units = SHIFT.truth["passages"][0]["units"]
    crossings = [one | {"units": units} for one in SHIFT.truth["passages"]]
    again = replace(SHIFT, truth=SHIFT.truth | {"passages": crossings})
    (door,) = SHIFT.doors

    def staged(share: float) -> list[tuple[Any, ...]]:
        stirs = {door.reader: next(each for seed in range(40) if not (each := Stirs(again, door, Random(seed)))._by)}
        return _staged(again, share, lambda _, rssi: rssi, door.ports, set(), {}, stirs, Random(3))[door.reader]

    assert staged(0.0) == []
    peaks, away, instants = _peaks(SHIFT), round(PICKED_UP[0] * 1e6), []
    for at, _, hex_, level, *_ in staged(1.0):
        assert all(at <= one["opened"] - away or at >= one["closed"] + away for one in crossings)
        assert level < peaks[hex_] + 10
        instants.append(at)
    assert min(instants) < crossings[0]["opened"]
    assert max(instants) > crossings[-1]["closed"]


def test_things_are_glimpsed_while_something_passes_at_some_sites() -> None:
    """A truck's flank lights up what nobody heard before, in a share of the passages: never, at half of the sites."""
    (door,) = SHIFT.doors
    spans = [(one["opened"], one["closed"]) for one in SHIFT.truth["passages"]]
    begin, end = SHIFT.records[0][0], SHIFT.records[-1][0]

    def glimpses(share: float) -> list[int]:
        chance = Random(5)
        reads = _standing(SHIFT, door, (begin, end), 0.0, 0, share, Stirs(SHIFT, door, chance), chance)
        return [at for at, _, hex_, *_ in reads if decode(hex_).ai["01"] == GLIMPSED_GTIN]

    assert glimpses(0.0) == []
    seen = {span for span in spans for at in glimpses(1.0) if span[0] <= at <= span[1]}
    assert seen == set(spans)
    assert GLIMPSED.count(0.0) * 2 == len(GLIMPSED)


def test_what_stands_is_stirred_while_something_passes() -> None:
    """For a second each tag is heard louder or fainter by as much; between passages, and at some sites, by nothing."""
    (door,) = SHIFT.doors
    one = SHIFT.truth["passages"][0]
    inside, seeds, strengths = (one["opened"] + one["closed"]) // 2 // STIRRED * STIRRED, range(40), set()
    for seed in seeds:
        stirs = Stirs(SHIFT, door, Random(seed))
        strengths.add(stirs._by)
        assert stirs("A", one["opened"] - 10) == stirs("A", one["closed"] + 1) == 0.0
        first = stirs("A", inside)
        assert first == stirs("A", inside + STIRRED - 1)
        assert (first != stirs("B", inside)) == (stirs._by > 0)
    assert strengths == set(STIRS)


def test_every_feature_may_step_somewhere() -> None:
    """The cuts are of the features that there are, in order."""
    assert set(CUTS) == set(CARDS["rows"]) | {"kin"}
    assert all(cuts == sorted(set(cuts)) for cuts in CUTS.values())
