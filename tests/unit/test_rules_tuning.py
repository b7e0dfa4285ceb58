"""Tuning: hindsight against the truth of generated shifts, and proposals that do what they say."""

from functools import cache
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from gateway import config
from gateway.model.inputs import Gpi, Input, Reads
from gateway.model.settings import Portal, Settings
from gateway.model.times import SECOND
from gateway.rules.tuning import Proposal, Study, effect, propose, study, trial
from gateway.rules.tuning.trial import Timed, Trial, judged, under
from simulators.rf import Shift, shift

NEAR = 2_000_000

PASSAGES = {"strays_heavy": 4}
"""Of a shift; 7 of the others. Each trial plays it again, and here a passage has ten times the reads."""


@cache
def played(family: str) -> tuple[Shift, Settings, tuple[Timed, ...]]:
    """A small shift of a family: what was generated, its settings, its inputs."""
    made = shift(family, 5, PASSAGES.get(family, 7))
    inputs = tuple((t, msgspec.convert(record, Input)) for t, record in made.records)
    return made, config.parse(made.toml, "shift").settings(), inputs


def studied(family: str, inputs: list[Timed] | None = None, **changed: Any) -> Study:
    """The study of the first portal, some of its settings changed."""
    _, settings, whole = played(family)
    portal = replace(settings.portals[0], **changed)
    return study(under(settings, portal), portal.id, whole if inputs is None else inputs)


def named(told: Study, about: str) -> Proposal:
    """The one proposal about this."""
    (found,) = [one for one in propose(told) if one.about == about]
    return found


@pytest.mark.parametrize("family", ["calm", "weak_tags", "single_antenna", "neighbours"])
def test_hindsight_is_right_where_it_is_sure(family: str) -> None:
    """Of the tags it is sure of, what moved and what stood is what the generator moved and left standing."""
    told = studied(family)
    truth = [one for one in played(family)[0].truth["passages"] if one["portal"] == told.portal.id]
    wrong = [
        label
        for label in told.labels
        if label.moved
        != any(
            label.epc in one["moved"] and one["opened"] - NEAR <= label.end and label.begin <= one["closed"] + NEAR
            for one in truth
        )
    ]
    assert len(told.labels) > 50
    assert len(wrong) <= len(told.labels) // 8


def test_a_proposal_does_what_it_says() -> None:
    """With badly chosen thresholds something is proposed; played again with its line it has the effect it told."""
    told = studied("no_eyes", min_reads=40)
    now = judged(told.passages, told.labels)
    found = named(told, "min_reads")
    (line,) = found.toml
    least = int(line.removeprefix("min_reads = "))
    after = trial(told.settings, replace(told.portal, min_reads=least), told.inputs, told.labels)
    assert least < 40
    assert after.lost < now.lost
    assert found.expected == effect(now, after)
    assert after.better(now)


@pytest.mark.parametrize("family", ["weak_tags", "strays_heavy"])
def test_nothing_is_made_worse(family: str) -> None:
    """Whatever is proposed for a portal, no tag that moved is lost and none that stood counts for it."""
    told = studied(family)
    now = judged(told.passages, told.labels)
    portal = told.portal
    for one in propose(told):
        for line in one.toml:
            name, _, value = line.partition(" = ")
            if name in ("min_rssi", "min_reads"):
                portal = replace(portal, **{name: type(getattr(portal, name))(float(value))})
    after = trial(told.settings, portal, told.inputs, told.labels)
    assert after.lost <= now.lost
    assert after.strays <= now.strays


def test_a_deaf_antenna_is_named() -> None:
    """An antenna without reads, or with a tenth of its like, is pointed at; nothing is to be pasted for it."""
    _, _, inputs = played("calm")
    kept: list[Timed] = []
    few = 0
    for t, item in inputs:
        if isinstance(item, Reads):
            port = item.columns.index("antenna")
            rows = []
            for row in item.reads:
                few += row[port] == 3
                if row[port] != 4 and (row[port] != 3 or few % 20 == 0):
                    rows.append(row)
            item = Reads(item.reader, tuple(rows), item.columns)
        kept.append((t, item))
    hints = [one for one in propose(studied("calm", kept)) if one.about == "antenna"]
    assert ["antenna 3" in hints[0].reason, "antenna 4" in hints[1].reason] == [True, True]
    assert "heard nothing" in hints[1].reason
    assert not any(one.toml for one in hints)


def test_an_antenna_that_nobody_configured_is_offered() -> None:
    """What hears a portal's tags and belongs to no portal is proposed, with the row that lacks antennas."""
    _, settings, _ = played("calm")
    antennas = settings.portals[0].antennas
    found = named(studied("calm", antennas=antennas[:3]), "antennas")
    assert f"port = {antennas[3].port}," in found.toml[0]
    assert f'row = "{antennas[3].row}"' in found.toml[0]


def test_eyes_of_the_wrong_polarity_are_turned() -> None:
    """Eyes that would be blocked all day get the other level: exactly the configuration that was right."""
    right = played("calm")[1].portals[0]
    wrong = tuple(replace(eye, blocked=not eye.blocked) for eye in right.eyes)
    found = named(studied("calm", eyes=wrong), "eyes")
    lines = found.toml[0].count(f"blocked = {str(right.eyes[0].blocked).lower()}")
    assert lines == len(right.eyes)
    assert not [one for one in propose(studied("calm")) if one.about == "eyes"]


def test_exchanged_rows_are_noticed() -> None:
    """Antennas whose inner and outer row are exchanged contradict the eyes, and are offered the right way round."""
    right = played("calm")[1].portals[0]
    swapped = {"inner": "outer", "outer": "inner"}
    wrong = tuple(replace(one, row=swapped[one.row]) for one in right.antennas)
    found = named(studied("calm", antennas=wrong), "rows")
    for antenna in right.antennas:
        assert f'port = {antenna.port}, row = "{antenna.row}"' in found.toml[0]
    assert not [one for one in propose(studied("calm")) if one.about == "rows"]


def test_a_long_silence_is_shortened() -> None:
    """A portal that waits longer than its loads are ever silent is told how much earlier its verdicts could come."""
    found = named(studied("weak_tags", quiet=4_000_000), "quiet")
    assert found.toml[0].startswith('quiet = "')
    assert "earlier" in found.expected
    assert "moved tags are lost" not in found.expected


def footed(inputs: tuple[Timed, ...]) -> list[Timed]:
    """The beams hang low: of all that breaks one they see feet, 0.2 s long and 0.8 s apart."""
    found: list[Timed] = [(t, item) for t, item in inputs if not isinstance(item, Gpi)]
    broken: dict[int, int] = {}
    for _, item in inputs:
        if not isinstance(item, Gpi):
            continue
        assert item.at is not None
        if item.level:
            broken[item.port] = item.at
        else:
            begin = broken.get(item.port, item.at)
            for foot in range(begin, item.at, SECOND):
                for at, level in ((foot, True), (min(foot + SECOND // 5, item.at), False)):
                    found.append((at + 1000, Gpi(item.reader, item.port, level, at)))
    return sorted(found, key=lambda one: one[0])


def test_beams_that_see_feet_are_told_to_wait() -> None:
    """Loads that low beams cut in two are one with a longer `gap`, which no dock with high beams is offered."""
    low = footed(played("calm")[2])
    told = studied("calm", low)
    assert len(told.passages) > len(studied("calm").passages)
    found = named(told, "gap")
    assert found.toml == ('gap = "1000ms"',)
    assert not [one for one in propose(studied("calm")) if one.about == "gap"]


def test_nothing_heard_is_no_study() -> None:
    """A portal without inputs has no passages, no labels and nothing to propose; an unknown one is an error."""
    told = studied("calm", [])
    assert (told.passages, told.labels, propose(told)) == ([], [], [])
    with pytest.raises(KeyError):
        study(played("calm")[1], "dock-99", [])


def test_the_effect_is_said_in_numbers() -> None:
    """Fewer strays, tags gained or lost, passages that split or join."""
    before = Trial(passages=12, moved=120, lost=2, stood=41, strays=5, unknown=1, empty=0)
    assert effect(before, replace(before, strays=2)) == (
        "3 fewer of 41 standing tags count as moved, no moved tag is lost, over 12 passages"
    )
    assert "2 more of 120 moved tags count" in effect(before, replace(before, lost=0))
    assert "3 of 120 moved tags are lost" in effect(before, replace(before, lost=5))
    text = effect(before, replace(before, passages=13, unknown=0, empty=2))
    assert "0 passages without a direction instead of 1, 2 empty passages instead of 0" in text
    assert text.endswith("over 13 passages instead of 12")
    assert not replace(before, lost=0, strays=6).better(before)
    assert not before.better(before)
    assert replace(before, unknown=0).better(before)


def test_only_the_portal_and_its_neighbours_are_played() -> None:
    """Doors far off cost no time: their readers' inputs are left out."""
    _, settings, inputs = played("neighbours")
    lonely = tuple(replace(one, neighbours=()) for one in settings.portals)
    told = study(replace(settings, portals=lonely), lonely[0].id, inputs)
    readers = {item.reader for _, item in told.inputs if isinstance(item, Reads)}
    assert readers == {antenna.reader for antenna in lonely[0].antennas}
    assert isinstance(told.portal, Portal)
