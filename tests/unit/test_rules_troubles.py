"""What a portal complains of: from a count to an alarm, and back."""

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.model.inputs import Boot, Command, Config, Gpi, Input, Reads, Tick
from gateway.model.outcome import AlarmChange, Passage
from gateway.model.settings import Antenna, Eye, Portal, Settings
from gateway.rules import Engine
from gateway.rules.candidates import Changed
from gateway.rules.troubles import APART, CROWD, LASTS, MANY, PATIENCE

S = 1_000_000
HOUR = 3_600 * S
T0 = 1_795_243_331 * S

PORTAL = Portal(
    "dock-1",
    "inbound",
    (Antenna("r1", 1, "outer"), Antenna("r2", 1, "inner")),
    eyes=(Eye("r1", 1, "outer"), Eye("r1", 2, "inner")),
)
SITE = Settings(site="s", gateway="g", portals=(PORTAL, replace(PORTAL, id="dock-2", antennas=(), eyes=())))


def engine() -> Engine:
    """An engine that has seen nothing."""
    return Engine(SITE)


def reads(at: int, count: int, epc: str = "A" * 24) -> Reads:
    """Weak reads of one instant."""
    return Reads("r1", tuple((at, 1, epc, -80.0) for _ in range(count)), ("at", "antenna", "epc", "rssi"))


def alarms(one: Engine, t: int, item: Input) -> list[AlarmChange]:
    """What an input does to alarms."""
    return [found.change for found in one.observe(t, item) if isinstance(found, Changed)]


def told(changes: list[AlarmChange]) -> list[tuple[str, str, str]]:
    """Which alarms, and from which state to which."""
    return [(change.alarm, change.before, change.after) for change in changes]


def ahead(one: Engine, t: int, count: int) -> list[AlarmChange]:
    """Reads that are an hour ahead."""
    return alarms(one, t, reads(t + HOUR, count))


ON = ("portal/dock-1/untimely", "normal", "unacked_active")


@pytest.mark.parametrize(
    ("batches", "raised"),
    [
        ([(0, MANY - 2), (LASTS, 1)], False),
        ([(0, MANY - 1), (LASTS, 1)], True),
        ([(0, MANY), (LASTS - 1, MANY)], False),
        ([(0, MANY), (APART, MANY)], True),
        ([(0, MANY), (APART + 1, MANY)], False),
        ([(0, MANY), (APART + 1, MANY), (APART + 1 + LASTS, 1)], True),
    ],
)
def test_a_spell_is_told_when_it_lasts_and_is_many(batches: list[tuple[int, int]], raised: bool) -> None:
    """Both: from the first to the last LASTS, and MANY reads; reads further apart than APART begin another spell."""
    one = engine()
    found = [change for after, count in batches for change in ahead(one, T0 + after, count)]
    assert told(found) == ([ON] if raised else [])


def raised() -> Engine:
    """An engine with the alarm up, since T0 + LASTS."""
    one = engine()
    ahead(one, T0, MANY)
    (change,) = ahead(one, T0 + LASTS, 1)
    assert (change.source, change.priority) == ("dock-1", "medium")
    assert change.detail.startswith(f"{MANY + 1} reads or edges of r1, r2 are of the future")
    return one


def tick(one: Engine) -> tuple[int, list[AlarmChange]]:
    """When the engine's deadline comes, and what it does to alarms."""
    deadline = one.deadline
    assert deadline is not None
    return deadline, alarms(one, deadline, Tick())


def test_an_alarm_ends_when_nothing_odd_was_met_for_a_while() -> None:
    """PATIENCE after the last; each more puts it off, without being told again."""
    one = raised()
    assert ahead(one, T0 + 30 * S, 1) == []
    assert tick(one) == (T0 + 30 * S + PATIENCE, [AlarmChange(*_off(T0 + 30 * S + PATIENCE))])
    assert one.deadline is None
    assert one.state.spells == {}


def _off(t: int) -> tuple[Any, ...]:
    return ("portal/dock-1/untimely", "dock-1", t, "unacked_active", "rtn_unacked", "medium")


def test_an_alarm_is_acknowledged_as_others() -> None:
    """Acknowledged it stays until it ends, and then it is gone; the same trouble raises it anew."""
    one = raised()
    (acked,) = alarms(one, T0 + 6 * S, Command("alarms.ack", {"alarm": ON[0]}, "ann"))
    assert (acked.after, acked.by) == ("acked_active", "ann")
    _, (ended,) = tick(one)
    assert (ended.before, ended.after) == ("acked_active", "normal")
    assert one.state.faults == {}
    assert told(ahead(one, T0 + HOUR, MANY) + ahead(one, T0 + HOUR + LASTS, 1)) == [ON]


def test_a_restart_goes_on_where_it_was() -> None:
    """The alarm ends at the same instant after a restore from the snapshot."""
    one = raised()
    again = Engine.restore(SITE, one.snapshot())
    assert again.deadline == one.deadline
    assert tick(again) == tick(one)


def test_an_alarm_whose_end_was_given_up_ends_after_the_next_start() -> None:
    """A tick that may not be taken gives up the end; the next start waits PATIENCE anew."""
    one = raised()
    deadline = one.deadline
    assert deadline is not None
    one.abandon(deadline)
    assert one.deadline is None
    one.observe(T0 + HOUR, Boot("b", "1"))
    assert tick(one)[0] == T0 + HOUR + PATIENCE


def test_an_alarm_of_a_portal_that_is_gone_ends_with_it() -> None:
    """Nobody could end it any more."""
    one = raised()
    one.reconfigure(replace(SITE, portals=SITE.portals[1:]))
    (ended,) = alarms(one, T0 + 6 * S, Config(""))
    assert told([ended]) == [("portal/dock-1/untimely", "unacked_active", "normal")]
    assert ended.detail == "the portal was removed"
    assert one.deadline is None


def test_a_rounded_instant_is_not_of_the_future() -> None:
    """Up to a second ahead is the rounding of recordings; edges of eyes count as reads do."""
    one = engine()
    one.observe(T0, reads(T0 + S, 5))
    one.observe(T0, Gpi("r1", 1, True, T0 + S))
    assert one.state.portals["dock-1"].untimely == 0
    one.observe(T0, reads(T0 + S + 1, 5))
    one.observe(T0, Gpi("r1", 1, False, T0 + S + 1))
    assert one.state.portals["dock-1"].untimely == 6


def test_a_tag_of_no_bits_is_counted_and_nothing_else() -> None:
    """It opens nothing, is remembered nowhere, and belongs to the portal whose antenna heard it."""
    one = engine()
    rows = (*((T0, 1, "", -30.0) for _ in range(3)), (T0, 9, "", -30.0))
    assert one.observe(T0, Reads("r1", rows, ("at", "antenna", "epc", "rssi"))) == []
    state = one.state.portals["dock-1"]
    assert (state.blank, state.recent, state.known, one.deadline) == (3, [], {}, None)


def passed(one: Engine, **evidence: Any) -> list[AlarmChange]:
    """A passage of dock-1 is over: it broke the beams, and so many tags were read; `moved` and `strays` if given."""
    moved, strays = evidence.pop("moved", ()), evidence.pop("strays", ())
    told = {"eyes": [[0, "outer", True]], "reads": 5} | evidence
    passage = Passage("dock-1/1", "dock-1", 1, 2, "in", 1.0, moved=moved, strays=strays, evidence=told)
    return [each.change for each in one._troubles.passed(T0, one._watches["dock-1"], passage)]


@pytest.mark.parametrize(("strays", "alarm"), [(CROWD - 1, []), (CROWD, [("portal/dock-1/crowd", "normal")])])
def test_a_passage_is_crowded_by_those_that_stayed(strays: int, alarm: list[tuple[str, str]]) -> None:
    """Not by those that moved: a pallet may have as many tags as it likes. The next passage without ends it."""
    one = engine()
    tags = tuple(f"{number:024X}" for number in range(strays))
    found = passed(one, moved=tags * 2, strays=tags)
    assert [(change.alarm, change.before) for change in found] == alarm
    assert len(passed(one, moved=tags)) == len(alarm)


EMPTY = ("portal/dock-1/empty", "normal", "unacked_active")
GOODS = {"moved": ("A" * 24,)}
TURNED = {"turned": ["A" * 24]}
NO_EYES = {"eyes": []}


@pytest.mark.parametrize(
    ("before", "raised"),
    [
        ([{}] * 3, False),
        ([{}] * 4, True),
        ([{}, {}, {}, GOODS, {}], False),
        ([{}, {}, {}, TURNED, {}], False),
        ([{}, {}, {}, NO_EYES, {}], True),
    ],
    ids=["three", "four", "goods between", "a turned pallet between", "reads alone between"],
)
def test_empty_passages_in_a_row_are_an_alarm(before: list[dict[str, Any]], raised: bool) -> None:
    """Four by default; a passage with goods, also one that turned, begins the count anew."""
    one = engine()
    assert told([change for evidence in before for change in passed(one, **evidence)]) == ([EMPTY] if raised else [])


def test_the_alarm_of_empty_passages_says_why_and_ends_with_goods() -> None:
    """Nothing read at all: the reader. Tags read: the goods. It is told once, and the next goods end it."""
    one = engine()
    for _ in range(3):
        passed(one, reads=0)
    (mute,) = passed(one, reads=0)
    assert mute.detail == "4 in a row crossed and not one tag was read: is r1, r2 reading, are its antennas connected?"
    assert passed(one, reads=0) == []
    (ended,) = passed(one, **GOODS)
    assert (ended.before, ended.after) == ("unacked_active", "rtn_unacked")
    one.state.faults.clear()
    found = [change for reads in (0, 0, 0, 7) for change in passed(one, reads=reads)]
    assert [change.detail for change in found] == [
        "4 in a row crossed and no tag moved: goods without tags, an antenna that hears too little, or empty trucks"
    ]


@pytest.mark.parametrize(("empties", "first"), [(1, 1), (2, 2), (0, None)])
def test_how_many_empty_passages_is_a_setting(empties: int, first: int | None) -> None:
    """One: each at once; 0: none ever."""
    one = Engine(replace(SITE, portals=(replace(PORTAL, empties=empties),)))
    counts = [number for number in range(1, 9) if passed(one)]
    assert counts == ([] if first is None else [first])
