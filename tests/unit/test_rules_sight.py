"""Eyes that cannot be trusted: nothing seen while loads go through, a beam that stays broken, a row that misses."""

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from gateway.model.inputs import Boot, Config, Gpi, Input, Reads, Tick
from gateway.model.outcome import AlarmChange, Passage
from gateway.model.settings import Antenna, Eye, Portal, Settings
from gateway.rules import Engine
from gateway.rules.background import Known
from gateway.rules.candidates import Candidate, Changed, Crossed
from gateway.rules.passages import EDGES_KEPT
from gateway.rules.reads import NO_TONE, Heard
from gateway.rules.sight import APART, LONG, STUCK, UNSEEN, Sight, spells, went_through
from tests.dockside import swell

MS = 1000
S = 1000 * MS
T0 = 1_795_243_331 * S
OUTER, INNER = 0, 2
TAGS = ("A" * 24, "B" * 24, "C" * 24)

PORTAL = Portal(
    "dock-1",
    "inbound",
    (Antenna("r1", 1, "outer"), Antenna("r1", 2, "inner")),
    eyes=(Eye("r1", 1, "outer"), Eye("r2", 7, "inner")),
)
SITE = Settings(site="s", gateway="g", portals=(PORTAL,))

Step = tuple[int, Input]


def load(at: int, tags: Iterable[str] = TAGS, level: float = -50.0) -> list[Step]:
    """Tags that go in at `at` (µs): a second by the outer antenna, then a second by the inner one, `level` at most."""
    columns = ("at", "antenna", "epc", "rssi")
    return [
        (
            at + turn * 200 * MS,
            Reads(
                "r1",
                tuple((at + turn * 200 * MS, 1 + turn // 5, tag, swell(level, turn % 5, 5)) for tag in tags),
                columns,
            ),
        )
        for turn in range(10)
    ]


def edges(at: int, *eyes: int) -> list[Step]:
    """These eyes (1, 2) see a vehicle go in at `at`, one after the other, for two seconds each."""
    found: list[Step] = []
    for eye in eyes:
        reader, port = (("r1", 1), ("r2", 7))[eye - 1]
        begin = at + (eye - 1) * S
        found += [(begin, Gpi(reader, port, True, begin)), (begin + 2 * S, Gpi(reader, port, False, begin + 2 * S))]
    return found


def tags(number: int) -> list[str]:
    """The tags of the `number`-th load."""
    return [f"{number:023X}{letter}" for letter in "ABC"]


def play(one: Engine, steps: Iterable[Step], until: int = 0) -> list[Candidate]:
    """Inputs in order of time with the ticks between them, and the ticks up to `until`."""
    found: list[Candidate] = []
    for t, item in [*sorted(steps, key=lambda step: step[0]), (until, None)]:
        while (deadline := one.deadline) is not None and deadline <= t:
            found += one.observe(deadline, Tick())
        if item is not None:
            found += one.observe(t, item)
    return found


def passages(found: Iterable[Candidate]) -> list[Passage]:
    """The passages among what was found."""
    return [one.passage for one in found if isinstance(one, Crossed)]


def changes(found: Iterable[Candidate]) -> list[AlarmChange]:
    """The alarms among it."""
    return [one.change for one in found if isinstance(one, Changed)]


def told(found: Iterable[Candidate]) -> list[tuple[str, str]]:
    """Which alarms, and what became of them."""
    return [(change.alarm, change.after) for change in changes(found)]


def seeing() -> Engine:
    """A portal whose eyes have seen a load go in."""
    one = Engine(SITE)
    found = play(one, [*load(T0, tags(0)), *edges(T0, 1, 2)], T0 + 10 * S)
    assert [(passage.direction, len(passage.moved)) for passage in passages(found)] == [("in", 3)]
    return one


def unseen(*instants: int) -> list[Step]:
    """Loads that go in while the eyes see nothing."""
    return [step for number, at in enumerate(instants, 1) for step in load(at, tags(number))]


EYES_ON = [("device/r1/eye-1", "unacked_active"), ("device/r2/eye-7", "unacked_active")]
MINUTE = 60 * S


def test_when_two_loads_go_through_unseen_the_reads_take_over() -> None:
    """Both are decided, the first one late; each eye has its alarm, by reader, port and row, and since when."""
    one = seeing()
    found = play(one, unseen(T0 + MINUTE, T0 + 2 * MINUTE), T0 + 3 * MINUTE)
    assert [(passage.opened, passage.direction, len(passage.moved)) for passage in passages(found)] == [
        (T0 + MINUTE, "in", 3),
        (T0 + 2 * MINUTE, "in", 3),
    ]
    assert told(found) == EYES_ON
    (outer, inner) = changes(found)
    assert outer.source == "r1/eye-1"
    assert outer.detail.startswith("the outer eye has seen nothing since 2026-11-21T06:42:13Z, and the antennas")
    assert "from 2026-11-21T06:43:11Z on" in outer.detail
    assert inner.detail.startswith("the inner eye has seen nothing since 2026-11-21T06:42:14Z")
    later = play(one, load(T0 + 4 * MINUTE, tags(9)), T0 + 5 * MINUTE)
    assert [passage.opened for passage in passages(later)] == [T0 + 4 * MINUTE]
    assert told(later) == []


def test_one_load_that_nobody_saw_is_none() -> None:
    """It may have been carried along the door: UNSEEN in a row are asked for, and an edge begins the count anew."""
    one = seeing()
    assert UNSEEN == 2
    steps = [
        *unseen(T0 + MINUTE, T0 + 3 * MINUTE),
        *load(T0 + 2 * MINUTE, tags(7)),
        *edges(T0 + 2 * MINUTE, 1, 2),
    ]
    found = play(one, steps, T0 + 4 * MINUTE)
    assert told(found) == []
    assert [passage.opened for passage in passages(found)] == [T0 + 2 * MINUTE]
    assert one.state.portals["dock-1"].eyed


@pytest.mark.parametrize(
    ("count", "level"), [(3, -54.0), (1, -50.0)], ids=["nowhere as loud as in the door", "one tag"]
)
def test_what_is_no_load(count: int, level: float) -> None:
    """Six of them, and the eyes are believed: loud by both rows, and more than one tag."""
    steps = [step for number in range(1, 7) for step in load(T0 + number * MINUTE, tags(number)[:count], level)]
    assert told(play(seeing(), steps, T0 + 10 * MINUTE)) == []


def test_what_stands_in_the_door_is_no_load() -> None:
    """Tags that are loud at both rows all the time have no order; nothing is opened for them."""
    one = seeing()
    columns = ("at", "antenna", "epc", "rssi")
    steps: list[Step] = []
    for number in range(1200):
        at = T0 + MINUTE + number * 50 * MS
        steps.append((at, Reads("r1", ((at, 1 + number % 2, TAGS[number % 3], -45.0 - number % 2),), columns)))
    found = play(one, steps, T0 + 10 * MINUTE)
    assert told(found) == []
    assert passages(found) == []


@pytest.mark.parametrize("eye", [1, 2])
def test_an_eye_that_speaks_again_bounds_passages_again(eye: int) -> None:
    """Its alarm ends; that of the other stays until it speaks, too."""
    one = seeing()
    play(one, unseen(T0 + MINUTE, T0 + 2 * MINUTE), T0 + 3 * MINUTE)
    at = T0 + 4 * MINUTE
    found = play(one, [*load(at, tags(5)), *edges(at, eye)], at + MINUTE)
    assert told(found) == [(EYES_ON[eye - 1][0], "rtn_unacked")]
    assert [len(passage.evidence["eyes"]) for passage in passages(found)] == [2]
    found = play(one, [*load(at + 2 * MINUTE, tags(6)), *edges(at + 2 * MINUTE, 1, 2)], at + 3 * MINUTE)
    assert told(found) == [(EYES_ON[2 - eye][0], "rtn_unacked")]
    assert [passage.direction for passage in passages(found)] == ["in"]


def test_it_goes_on_over_a_restart() -> None:
    """Restored from a snapshot at every step, the same is decided and told."""
    steps = sorted(unseen(T0 + MINUTE, T0 + 2 * MINUTE), key=lambda step: step[0])
    through = play(seeing(), steps, T0 + 3 * MINUTE)
    one = seeing()
    found: list[Candidate] = []
    for step in steps:
        one = Engine.restore(SITE, one.snapshot())
        found += play(one, [step])
    found += play(Engine.restore(SITE, one.snapshot()), [], T0 + 3 * MINUTE)
    assert passages(found) == passages(through)
    assert told(found) == told(through) == EYES_ON


def test_loads_that_follow_each_other_at_once_are_decided_one_by_one() -> None:
    """Also when a backlog brings both in one report, and no pause lies between."""
    one = seeing()
    rows = [
        row for _, item in unseen(T0 + MINUTE, T0 + MINUTE + 20 * S) if isinstance(item, Reads) for row in item.reads
    ]
    now = T0 + 5 * MINUTE
    found = play(one, [(now, Reads("r1", tuple(rows), ("at", "antenna", "epc", "rssi")))], now + MINUTE)
    assert [passage.opened for passage in passages(found)] == [T0 + MINUTE, T0 + MINUTE + 20 * S]
    assert told(found) == EYES_ON


# -- a beam that stays broken ------------------------------------------------------------------------------------


def test_a_beam_that_stays_broken_is_told_and_ends_when_it_is_free() -> None:
    """After STUCK, not before; the other row goes on bounding passages."""
    one = seeing()
    at = T0 + MINUTE
    stuck: Step = (at, Gpi("r1", 1, True, at))
    assert told(play(one, [stuck], at + STUCK - 1)) == []
    (change,) = changes(play(one, [], at + STUCK))
    assert (change.alarm, change.after) == EYES_ON[0]
    assert change.detail.startswith("the beam of the outer eye is broken since 2026-11-21T06:43:11Z")
    assert one.state.portals["dock-1"].eyed
    later = at + STUCK + MINUTE
    found = play(one, [*load(later, tags(4)), *edges(later, 2)], later + MINUTE)
    assert [passage.moved for passage in passages(found)] == [tuple(tags(4))]
    assert told(play(one, [(later + 2 * MINUTE, Gpi("r1", 1, False, later + 2 * MINUTE))])) == [
        (EYES_ON[0][0], "rtn_unacked")
    ]


def test_a_beam_that_was_broken_for_long_in_a_backlog_is_not_stuck() -> None:
    """What counts is for how long nothing came after it: an hour old, the edge that frees it is behind it."""
    one = seeing()
    now = T0 + 60 * MINUTE
    edges_ = [(now + number, item) for number, (_, item) in enumerate(edges(T0 + MINUTE, 1, 2))]
    assert told(play(one, edges_, now + MINUTE)) == []
    assert told(play(one, [(now + MINUTE, Gpi("r1", 1, True, T0 + 2 * MINUTE))], now + MINUTE + STUCK - 1)) == []
    assert told(play(one, [], now + MINUTE + STUCK)) == EYES_ON[:1]


def test_when_every_row_is_broken_the_reads_open_until_one_is_free() -> None:
    """A passage that the reads have opened is finished by them, also when a beam is free again meanwhile."""
    one = seeing()
    at = T0 + MINUTE
    found = play(one, [(at, Gpi("r1", 1, True, at)), (at, Gpi("r2", 7, True, at))], at + STUCK)
    assert told(found) == EYES_ON
    later = at + STUCK + MINUTE
    free: Step = (later + S, Gpi("r1", 1, False, later + S))
    found = play(one, [*load(later, tags(4)), free], later + MINUTE)
    assert [passage.moved for passage in passages(found)] == [tuple(tags(4))]
    assert told(found) == [(EYES_ON[0][0], "rtn_unacked")]
    found = play(one, [*load(later + 2 * MINUTE, tags(5)), *edges(later + 2 * MINUTE, 1)], later + 3 * MINUTE)
    assert [len(passage.evidence["eyes"]) for passage in passages(found)] == [2]


def test_beams_that_are_freed_late_fill_no_memory() -> None:
    """An edge that belongs to no vehicle is forgotten with the next: a door works on after EDGES_KEPT of them."""
    one = seeing()
    at = T0
    for _ in range(EDGES_KEPT + 5):
        at += 2 * MINUTE
        steps = [*load(at, TAGS), *edges(at, 2), (at, Gpi("r1", 1, True, at))]
        play(one, [*steps, (at + MINUTE, Gpi("r1", 1, False, at + MINUTE))], at + MINUTE)
    state = one.state.portals["dock-1"]
    assert len(state.edges) < 5
    assert state.dropped == 0


# -- a row that misses -------------------------------------------------------------------------------------------


def test_a_row_that_misses_what_goes_through_is_told() -> None:
    """Once the antennas say that goods went through and the other row saw them, twice; its next edge ends it."""
    one = seeing()
    found: list[Candidate] = []
    for number in range(1, 7):
        at = T0 + number * MINUTE
        found += play(one, [*load(at, tags(number)), *edges(at, 1)], at + MINUTE - S)
    assert told(found) == EYES_ON[1:]
    assert "nothing since 2026-11-21T06:42:14Z" in changes(found)[0].detail
    at = T0 + 8 * MINUTE
    assert told(play(one, [*load(at, tags(8)), *edges(at, 1, 2)], at + MINUTE)) == [(EYES_ON[1][0], "rtn_unacked")]


def test_a_row_that_speaks_now_and_then_is_not_told() -> None:
    """Goods that it did not see, and between them something that it did: whatever it was, the eye works."""
    one = seeing()
    found: list[Candidate] = []
    for number in range(1, 9):
        at = T0 + number * MINUTE
        found += play(one, [*load(at, tags(number)), *edges(at, 1)], at + MINUTE // 2)
        found += play(one, edges(at + MINUTE // 2, 2), at + MINUTE - S)
    assert [change for change in told(found) if "eye" in change[0]] == []


def test_somebody_on_foot_in_one_row_says_nothing() -> None:
    """Without goods that went through, a row that saw nothing may be right."""
    one = seeing()
    found = [each for number in range(1, 9) for each in play(one, edges(T0 + number * MINUTE, 1))]
    assert told(found + play(one, [], T0 + 20 * MINUTE)) == [("portal/dock-1/empty", "unacked_active")]


# -- settings, starts, poison ------------------------------------------------------------------------------------


def test_alarms_of_eyes_that_are_configured_anew_end() -> None:
    """Other eyes are other eyes."""
    one = seeing()
    play(one, unseen(T0 + MINUTE, T0 + 2 * MINUTE), T0 + 3 * MINUTE)
    one.reconfigure(replace(SITE, portals=(replace(PORTAL, eyes=PORTAL.eyes[:1]),)))
    found = one.observe(T0 + 4 * MINUTE, Config(""))
    assert [(change.alarm, change.after, change.detail) for change in changes(found)] == [
        (alarm, "normal", "the eyes were configured anew") for alarm, _ in EYES_ON
    ]
    assert one.state.faults == {}


def test_a_look_that_may_not_be_taken_is_given_up() -> None:
    """A tick that crashed the core twice: nothing is due any more, and nothing is told."""
    one = seeing()
    play(one, [*load(T0 + MINUTE, tags(1)), (T0 + 2 * MINUTE, Gpi("r2", 7, True, T0 + 2 * MINUTE))])
    one.abandon(1 << 62)
    assert one.deadline is None
    one.observe(T0 + 9 * MINUTE, Boot("b", "1"))
    assert one.deadline is None


# -- the parts ---------------------------------------------------------------------------------------------------


def test_reads_are_divided_by_silence_and_by_length() -> None:
    """APART without a read, or LONG of them."""
    reads: list[Heard] = [(number * S, 0, "A", -50, NO_TONE) for number in range(25)]
    assert [len(spell) for spell in spells(reads)] == [1 + LONG // S, 1 + LONG // S, 3]
    apart: list[Heard] = [(at, 0, "A", -50, NO_TONE) for at in (0, APART, 2 * APART + 1)]
    assert [len(spell) for spell in spells(apart)] == [2, 1]
    assert list(spells([])) == []


def test_a_load_goes_from_row_to_row_and_most_of_it_the_same_way() -> None:
    """One in five may tell otherwise; all at once is no way, and one tag no load."""

    def stride(*strides: int) -> bool:
        spell: list[Heard] = []
        for number, each in enumerate(strides):
            spell += [(10 * S, 0, f"{number}", -50, NO_TONE), (10 * S + each, 1, f"{number}", -50, NO_TONE)]
        return went_through(spell, (OUTER, INNER))

    assert stride(S, S)
    assert stride(-S, -S, -S, -S, S)
    assert not stride(-S, -S, -S, S)
    assert not stride(S)
    assert not stride(100 * MS, 100 * MS)


def test_what_is_as_loud_as_usual_is_not_looked_at() -> None:
    """A tag of the background must be 6 dB louder than it was."""
    reads: list[Heard] = [
        (S * number, antenna, tag, -50.0, NO_TONE)
        for load_ in (1, 101)
        for number, antenna in ((load_, 0), (load_ + 1, 1))
        for tag in TAGS
    ]
    sight = Sight()
    assert sight.unseen(reads, -10 * S, 1 << 62, -53.0, {}, (OUTER, INNER)) == S
    usual = dict.fromkeys(TAGS, Known(level=-550))
    assert Sight().unseen(reads, -10 * S, 1 << 62, -53.0, usual, (OUTER, INNER)) is None
    assert Sight().unseen(reads, -10 * S, 1 << 62, -53.0, dict.fromkeys(TAGS, Known(level=-560)), (OUTER, INNER)) == S
