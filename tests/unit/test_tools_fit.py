"""The fit of the scorecards, on a handful of made-up tags."""

from random import Random
from typing import Any

import numpy as np

from gateway.rules.features import NOTHING
from gateway.rules.scorecard import CARDS, Card
from tools.cuts import CUTS, FREE, MOST, NEVER, WORST
from tools.fit_scorecard import BALANCED, _balance, _never, design, fit, mean, table

NAMES = ("level", "background")
COUNT = 4000


def made_up(seed: int) -> tuple[Any, Any]:
    """Levels and numbers of reads, and what moved: as a rule what is loud."""
    chance = Random(seed)
    values = np.array([(chance.randint(-300, 50), chance.randint(-500, 0)) for _ in range(COUNT)], np.int16)
    odds = np.array([(level + 120) / 60 for level, _ in values])
    moved = np.array([chance.random() for _ in range(COUNT)]) < 1 / (1 + np.exp(-odds))
    return values, moved.astype(float)


def fitted(values: Any, moved: Any, given: Any) -> Card:
    """The card of these tags, all of one weight."""
    x, halves = design(NAMES, values, moved)
    return table(NAMES, fit(NAMES, x, moved, np.full(COUNT, 1 / COUNT), given), values, halves)


def test_points_rise_with_what_tells_and_never_fall() -> None:
    """A dB that says much has points, what says nothing has none, and neither more than MOST."""
    values, moved = made_up(1)
    card = fitted(values, moved, np.zeros(COUNT))
    level, background = card["level"][1], card["background"][1]
    assert list(level) == sorted(level)
    assert list(background) == sorted(background)
    assert level[-1] - level[0] > 300
    assert background[-1] - background[0] < 60
    assert WORST <= min(level) < max(level) <= MOST


def test_of_plain_tags_a_figure_gives_no_more_than_most() -> None:
    """Where one tells all there would be no end of its points."""
    values, _ = made_up(2)
    card = fitted(values, (values[:, 0] >= -100).astype(float), np.zeros(COUNT))
    assert max(card["level"][1]) == MOST


def test_what_is_given_beside_the_figures_is_not_learned_again() -> None:
    """Serial neighbours that know all leave nothing for the level to say."""
    values, moved = made_up(3)
    card = fitted(values, moved, (values[:, 0] + 120) / 60)
    assert card["level"][1][-1] - card["level"][1][0] < 60


def test_balanced_features_say_as_much_and_nothing_where_they_are_not_told() -> None:
    """The sum of both is the same for whatever they are."""
    one, other = BALANCED
    assert not {one} & FREE  # it is told of the same tags: one of both is enough to say that they were never heard
    card: Card = {
        one: (tuple(CUTS[one][:1]), (-300, 100), -90),
        other: (tuple(CUTS[other][:1]), (-100, 0), 88),
        "level": ((0,), (-5, 5), NOTHING),
    }
    _balance(card)
    assert card == {
        one: (tuple(CUTS[one][:1]), (-211, 189), -1),
        other: (tuple(CUTS[other][:1]), (-189, -89), -1),
        "level": ((0,), (-5, 5), NOTHING),
    }


def test_what_no_load_ever_does_is_set_not_learned() -> None:
    """Below its first cut; a card that says less there already is left alone. The cards in force have it so."""
    card: Card = dict.fromkeys(NEVER, ((0, 10), (-5, 5, 7), 1)) | {"level": ((0,), (-5, 5), 0)}
    _never(card)
    assert card == {name: ((0, 10), (most, 5, 7), 1) for name, most in NEVER.items()} | {"level": ((0,), (-5, 5), 0)}
    sure: Card = dict.fromkeys(NEVER, ((0,), (WORST, 5), 1))
    _never(sure)
    assert all(points[0] == WORST for _, points, _ in sure.values())
    for which in ("rows", "row"):
        assert all(CARDS[which][name][1][0] <= most for name, most in NEVER.items())


def test_the_mean_of_two_fits_lies_between_them() -> None:
    """Of every point, and of what cannot be told; two that agree are kept as they are."""
    one: Card = {"level": ((0,), (-50, 20), 3)}
    other: Card = {"level": ((0,), (-70, 40), 5)}
    assert mean({"rows": one}, {"rows": other}) == {"rows": {"level": ((0,), (-60, 30), 4)}}
    assert mean(CARDS, CARDS) == CARDS
