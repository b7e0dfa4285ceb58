"""Passages: opening, closing, strays, direction and weights, without engine or clock."""

import random
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from gateway.model.inputs import Gpi, Weighing
from gateway.model.outcome import Passage
from gateway.model.settings import FEATURES, Antenna, Eye, Portal
from gateway.rules import closing, scoring
from gateway.rules import passages as machine
from gateway.rules.background import Known
from gateway.rules.beams import BETWEEN
from gateway.rules.closing import STRAYS_REASONED, STRAYS_SHOWN, Ended
from gateway.rules.explaining import explain
from gateway.rules.features import AROUND
from gateway.rules.grouping import BELOW, NEAR, likeliest, limit, surest
from gateway.rules.kin import PASSED_ON
from gateway.rules.parting import Parted
from gateway.rules.passages import BACKLOG_WAIT, DEAF, EDGES_KEPT, LATEST, LEARNS, SILENT, STANDS, PortalWatch
from gateway.rules.reads import NO_TONE, TURN
from gateway.rules.remembering import PortalState
from gateway.rules.scorecard import CARDS, Card
from gateway.rules.scoring import SAYS, sentence
from gateway.rules.tracks import Layout, Track, tracks
from tests import dockside

MS = 1000
S = 1000 * MS
T0 = 1_795_243_331 * S
OUTER, MIDDLE, INNER = 0, 1, 2  # the antennas of this portal, and their rows
A, B, C, D = "A" * 24, "B" * 24, "C" * 24, "D" * 24

PORTAL = Portal(
    id="dock-1",
    location="inbound",
    antennas=(Antenna("r", 1, "outer"), Antenna("r", 2, "middle"), Antenna("r", 3, "inner")),
    eyes=(Eye("r", 1, "outer"), Eye("r", 2, "inner"), Eye("r", 3, "middle", blocked=False)),
    quiet=1200 * MS,
    settle=300 * MS,
    longest=30 * S,
    min_reads=3,
    min_rssi=-65.0,
)

Step = tuple[int, int, str, float]  # at (ms after T0), row, EPC, dBm


def watch() -> PortalWatch:
    """A portal nobody has gone through."""
    return PortalWatch(PORTAL)


def feed(portal: PortalWatch, steps: list[Step], delay: int = 0) -> list[Passage]:
    """Play reads at their own time plus `delay` µs, with the ticks that fall due between them."""
    found: list[Passage] = []
    for ms, row, epc, rssi in steps:
        at = T0 + ms * MS
        found += tick(portal, at + delay)
        found += passages(portal.reads(at + delay, [(at, row, epc, rssi, NO_TONE)]))
    return found


def passages(ended: list[Ended]) -> list[Passage]:
    """The passages of what ended."""
    return [one.passage for one in ended]


def tick(portal: PortalWatch, t: int) -> list[Passage]:
    """What a tick at `t` ends."""
    return passages(portal.due(t))


def finish(portal: PortalWatch) -> list[Passage]:
    """What the portal's own deadline ends."""
    deadline = portal.deadline
    return [] if deadline is None else tick(portal, deadline)


def edge(portal: PortalWatch, ms: int, eye: int, level: bool, late: int = 0) -> list[Passage]:
    """An eye's edge `ms` after T0, arriving `late` ms after that."""
    at = T0 + ms * MS
    return passages(portal.edge(at + late * MS, at, eye, Gpi("r", eye + 1, level, at)))


def crossing(start: int = 0, epc: str = A, reads: int = 6, inward: bool = True) -> list[Step]:
    """A tag carried through: first the one row, then the other."""
    rows = [OUTER] * (reads // 2) + [INNER] * (reads - reads // 2)
    if not inward:
        rows.reverse()
    return [(start + 100 * number, row, epc, -50.0) for number, row in enumerate(rows)]


def through(
    start: int = 0,
    tags: Sequence[str] = (A, B, C),
    rows: Sequence[int] = (OUTER, INNER),
    level: float = -45.0,
    pace: int = 400,
) -> list[Step]:
    """A load carried by the antennas of `rows`, one `pace` ms after the other: heard by each every 100 ms, for 1.1 s.

    Each row hears it rise by 18 dB to `level` and fall again.
    """
    steps = []
    for place, row in enumerate(rows):
        for number in range(11):
            rssi = dockside.swell(level, number, 11) - 0.24 * (number - 5) ** 2
            steps += [(start + place * pace + 100 * number + place, row, tag, rssi) for tag in tags]
    return sorted(steps)


def test_before_the_eyes_have_spoken_most_of_a_load_passes_the_rows() -> None:
    """What is louder before now the one row and now the other stands there; it is named, and background from now on."""
    still = sorted(through(tags=(A, B)) + through(tags=(C, D), rows=(INNER, OUTER)))
    portal = watch()
    feed(portal, still)
    (stands,) = finish(portal)
    assert (stands.direction, stands.confidence, stands.moved) == ("none", 0.0, ())
    assert set(stands.evidence["unseen"]) <= set(stands.strays) == {A, B, C, D}
    assert portal.state.known[A].strayed == 1
    portal = watch()
    feed(portal, sorted(still + through(tags=("1" * 24, "2" * 24, "3" * 24, "4" * 24, "5" * 24))))
    (goes,) = finish(portal)
    assert goes.direction == "in"
    assert "unseen" not in goes.evidence


def test_strong_read_opens() -> None:
    """The first read at or above min_rssi opens the portal at its own time, and quiet plus settle later it is due."""
    portal = watch()
    assert feed(portal, [(0, MIDDLE, A, -65.0)]) == []
    assert portal.open
    assert portal.deadline == T0 + PORTAL.quiet + PORTAL.settle


def test_weak_reads_never_open() -> None:
    """Any number of reads below min_rssi leaves the portal shut and forgets the tags."""
    portal = watch()
    assert feed(portal, [(ms, MIDDLE, A, -65.5) for ms in range(0, 5000, 50)]) == []
    assert not portal.open
    assert portal.deadline is None
    assert portal.state.peaks == {}


def test_weak_reads_never_keep_open() -> None:
    """Reads below min_rssi do not prolong a passage; the one after its end closes it."""
    portal = watch()
    load = [*crossing(), *crossing(20, C), *crossing(40, D)]
    found = feed(portal, sorted([*load, *((600 + ms, OUTER, B, -70.0) for ms in range(0, 1600, 100))]))
    assert [passage.closed for passage in found] == [T0 + 540 * MS]
    assert found[0].strays == (B,)


def test_not_due_before_its_time() -> None:
    """One microsecond before the deadline nothing happens; at the deadline the passage ends at its last strong read."""
    portal = watch()
    feed(portal, crossing())
    deadline = portal.deadline
    assert deadline == T0 + 500 * MS + PORTAL.quiet + PORTAL.settle
    assert portal.due(deadline - 1) == []
    (passage,) = passages(portal.due(deadline))
    assert (passage.passage, passage.portal) == (f"dock-1/{T0}", "dock-1")
    assert (passage.opened, passage.closed, passage.moved) == (T0, T0 + 500 * MS, (A,))
    assert portal.due(deadline + S) == []


def test_what_stands_in_the_door_becomes_background() -> None:
    """A tag that stays, loud, ends its passage after STANDS and opens no other: it is known then."""
    portal = watch()
    found = feed(portal, [(ms, MIDDLE, A, -50.0) for ms in range(0, 40_000, 500)]) + finish(portal)
    assert [(passage.opened, passage.closed, passage.direction) for passage in found] == [(T0, T0 + STANDS, "unknown")]
    assert portal.state.known[A].strayed == 1


def test_without_eyes_what_was_put_down_keeps_nothing_open() -> None:
    """Without eyes a passage ends when nothing comes nearer any more, though its tags are still heard, fainter."""
    portal = watch()
    steps = [*through(), *((ms, INNER, tag, -63.0) for ms in range(1500, 6000, 100) for tag in (A, B, C))]
    (passage,) = feed(portal, steps) + finish(portal)
    assert (passage.opened, passage.moved) == (T0, (A, B, C))
    assert T0 + 900 * MS <= passage.closed <= T0 + 1400 * MS


def test_a_waiting_tag_opens_once_and_again_when_it_comes() -> None:
    """What waits before the door is background; when it comes, louder, it opens a passage and moves."""
    portal = watch()
    waiting = [(ms, OUTER, tag, -62.0) for ms in range(0, 20_000, 200) for tag in (A, B, C)]
    found = feed(portal, waiting + through(20_000)) + finish(portal)
    assert [passage.moved for passage in found if passage.direction == "in"] == [(A, B, C)]
    assert [passage.moved for passage in found if passage.direction != "in"] == [()]
    assert T0 + 20_000 * MS <= found[-1].opened <= T0 + 20_300 * MS


def test_longest_fires_without_a_read() -> None:
    """A blocked eye keeps a silent portal open until `longest` and no longer."""
    portal = watch()
    edge(portal, 0, 0, True)
    assert portal.deadline == T0 + PORTAL.longest + PORTAL.settle
    (passage,) = finish(portal)
    assert (passage.opened, passage.moved, passage.direction) == (T0, (), "unknown")


def test_eye_opens_and_blocked_keeps_open() -> None:
    """An eye edge opens; while it is blocked silence does not close; a vehicle between the eyes is waited for."""
    portal = watch()
    assert edge(portal, 0, 0, True) == []
    assert feed(portal, [(5000, MIDDLE, A, -50.0)]) == []
    edge(portal, 9000, 0, False)
    assert portal.deadline == T0 + 9000 * MS + BETWEEN + PORTAL.settle  # it may stand between the eyes
    (passage,) = finish(portal)
    assert (passage.opened, passage.closed) == (T0, T0 + 9000 * MS)
    assert passage.evidence["eyes"] == [[0, "outer", True], [9000 * MS, "outer", False]]


def test_inverted_eye() -> None:
    """An eye wired the other way is blocked when its level is low; a clearing edge never opens."""
    portal = watch()
    edge(portal, 0, 2, True)
    assert not portal.open
    edge(portal, 1000, 2, False)
    assert portal.open
    assert portal.opened == T0 + 1000 * MS


def test_eye_edge_after_the_end_closes_and_opens() -> None:
    """An edge later than the open passage allows ends it and begins the next one."""
    portal = watch()
    feed(portal, crossing())
    (ended,) = edge(portal, 3000, 0, True)
    assert ended.closed == T0 + 500 * MS
    assert portal.opened == T0 + 3000 * MS


def test_late_reads_never_reopen() -> None:
    """Reads that belong to a passage already decided are counted and dropped, up to the quiet that ended it."""
    portal = watch()
    feed(portal, crossing())
    assert len(finish(portal)) == 1
    after = T0 + 60 * S
    for ms in (-5000, 0, 250, 500, 900, 1700):
        assert portal.reads(after, [(T0 + ms * MS, MIDDLE, A, -50.0, NO_TONE)]) == []
    assert not portal.open
    assert portal.state.late == 6
    portal.reads(after, [(T0 + 1701 * MS, MIDDLE, A, -50.0, NO_TONE)])
    assert portal.open


def test_late_edges_never_reopen_nor_turn() -> None:
    """An old edge neither opens a portal nor votes on the direction of a later passage."""
    portal = watch()
    feed(portal, crossing())
    finish(portal)
    edge(portal, 100, 0, True, late=60_000)
    edge(portal, 150, 0, False, late=60_000)
    assert not portal.open
    feed(portal, crossing(100_000))
    edge(portal, 200, 1, True, late=100_000)
    edge(portal, 300, 1, False, late=100_000)
    edge(portal, 100_300, 0, True)
    edge(portal, 100_400, 0, False)
    (passage,) = finish(portal)
    assert passage.evidence["by"] == "antennas"
    assert passage.opened == T0 + 100_300 * MS
    assert len(passage.evidence["eyes"]) == 2


def test_out_of_order_within_settle() -> None:
    """Strong reads and edges that arrive up to `settle` out of order make the passage that order would have made."""
    steps = crossing() + crossing(30, B)
    whole = watch()
    feed(whole, sorted(steps))
    (ordered,) = finish(whole)
    for seed in range(20):
        jittered = sorted(steps, key=lambda step: step[0] + random.Random(f"{seed}{step}").uniform(0, 290))
        portal = watch()
        for ms, row, epc, rssi in jittered:
            assert portal.reads(T0 + ms * MS + 300 * MS, [(T0 + ms * MS, row, epc, rssi, NO_TONE)]) == []
        assert finish(portal) == [ordered]


def test_earlier_edge_opens_earlier() -> None:
    """An eye edge reported after the first read, but before it in time, becomes the opening."""
    portal = watch()
    feed(portal, [(100, OUTER, A, -50.0)])
    edge(portal, 0, 0, True, late=150)
    assert portal.opened == T0
    edge(portal, -10, 1, False, late=200)
    assert portal.opened == T0
    feed(portal, through(200, (A,)))
    edge(portal, 1_200, 0, False)
    (passage,) = finish(portal)
    assert passage.passage == f"dock-1/{T0}"
    assert passage.moved == (A,)


def test_weak_read_never_moves_the_opening() -> None:
    """A weak read from just before the opening neither moves it nor counts."""
    portal = watch()
    feed(portal, [(100, OUTER, A, -50.0)])
    portal.reads(T0 + 200 * MS, [(T0, OUTER, B, -80.0, NO_TONE)])
    assert portal.opened == T0 + 100 * MS
    assert list(portal.state.peaks) == [A]
    assert portal.state.late == 0


def test_too_early_read_opens_nothing_earlier() -> None:
    """A read from more than `settle` before the opening does not move it: it is what was heard before."""
    portal = watch()
    feed(portal, [(1000, OUTER, A, -50.0)])
    portal.reads(T0 + 1100 * MS, [(T0 + 700 * MS, OUTER, B, -50.0, NO_TONE)])
    assert portal.opened == T0 + 1000 * MS


EYED = {0: (0, True), 2: (1, True), 4: (0, False), 5: (1, False)}
"""Edges beside the first crossing: eye and level by the number of the read they come with."""


@pytest.mark.parametrize("eyes", [False, True])
def test_backlog_makes_the_same_passages(eyes: bool) -> None:
    """Hour-old reads poured in at once, without a tick between them, make the passages they made live."""
    steps = crossing() + crossing(2500, B, inward=False) + crossing(2700, C, inward=False) + crossing(10_000, D)
    live, backlog = watch(), watch()
    seen: dict[str, list[Passage]] = {"live": [], "backlog": []}
    for number, step in enumerate(steps):
        at = T0 + step[0] * MS
        seen["live"] += tick(live, at)
        for name, portal, t in (("live", live, at), ("backlog", backlog, T0 + 3600 * S + number)):
            if eyes and number in EYED:
                eye, level = EYED[number]
                seen[name] += passages(portal.edge(t, at, eye, Gpi("r", eye + 1, level, at)))
            seen[name] += passages(portal.reads(t, [(at, *step[1:], NO_TONE)]))
    seen["live"] += finish(live)
    seen["backlog"] += finish(backlog)
    assert seen["live"] == seen["backlog"]
    # with eyes that have spoken once, what they do not see is no passage
    assert [passage.moved for passage in seen["live"]] == [(A,), (B, C), (D,)][: 1 if eyes else 3]
    assert [passage.direction for passage in seen["live"]] == ["in", "out", "in"][: 1 if eyes else 3]


def test_backlog_is_waited_for() -> None:
    """While a backlog still comes in, its last passage waits BACKLOG_WAIT after the latest arrival."""
    portal = watch()
    now = T0 + 3600 * S
    portal.reads(now, [(T0, OUTER, A, -50.0, NO_TONE)])
    assert portal.deadline == now + BACKLOG_WAIT


def test_direction_by_eyes() -> None:
    """The order in which outer and inner eye are broken is the way, whatever the antennas say."""
    for eyes, way in (((0, 1), "in"), ((1, 0), "out")):
        portal = watch()
        edge(portal, 0, eyes[0], True)
        feed(portal, crossing(50, inward=way == "out"))
        edge(portal, 800, eyes[1], True)
        edge(portal, 900, eyes[0], False)
        edge(portal, 1200, eyes[1], False)
        (passage,) = finish(portal)
        assert (passage.direction, passage.confidence, passage.evidence["by"]) == (way, 0.99, "eyes")


def test_one_eye_leaves_it_to_the_antennas() -> None:
    """A single eye, or two broken at the same microsecond, say nothing about the way."""
    for second in ((), (1,)):
        portal = watch()
        edge(portal, 0, 0, True)
        for eye in second:
            edge(portal, 0, eye, True)
        feed(portal, crossing(50, inward=False))
        for eye in (0, *second):
            edge(portal, 800, eye, False)
        (passage,) = finish(portal)
        assert (passage.direction, passage.evidence["by"]) == ("out", "antennas")


def test_something_put_down_in_a_beam() -> None:
    """A beam that stays broken does not hold the verdict back for ever; the antennas tell the next vehicle."""
    portal = watch()
    edge(portal, 0, 0, True)
    feed(portal, crossing(100))
    edge(portal, 500, 1, True)
    edge(portal, 900, 0, False)
    assert portal.deadline == T0 + 900 * MS + STANDS + PORTAL.quiet + PORTAL.settle
    (first,) = finish(portal)
    assert (first.direction, first.moved) == ("in", (A,))
    edge(portal, 20_000, 0, True)
    feed(portal, crossing(20_100, B, inward=False))
    edge(portal, 20_900, 0, False)
    (second,) = finish(portal)
    assert (second.direction, second.evidence["by"], second.moved) == ("out", "antennas", (B,))


def test_middle_eye_does_not_vote() -> None:
    """An eye in the middle row opens a portal, and is no row of its own."""
    portal = watch()
    edge(portal, 0, 2, False)
    edge(portal, 100, 1, True)
    edge(portal, 200, 1, False)
    edge(portal, 300, 2, True)
    (passage,) = finish(portal)
    assert (passage.direction, passage.evidence) == (
        "unknown",
        {
            "by": "nothing",
            "reads": 0,
            "eyes": [
                [0, "middle", True],
                [100_000, "inner", True],
                [200_000, "inner", False],
                [300_000, "middle", False],
            ],
            "group": 0,
            "tags": {},
            "points": {},
            "why": {},
        },
    )


@pytest.mark.parametrize(("inward", "way"), [(True, "in"), (False, "out")])
def test_direction_by_antennas(inward: bool, way: str) -> None:
    """Without eyes the order of the rows' centroids is the way, with the voters' agreement as confidence."""
    portal = watch()
    feed(portal, sorted(crossing(0, A, inward=inward) + crossing(20, B, inward=inward)))
    (passage,) = finish(portal)
    assert (passage.direction, passage.confidence) == (way, 1.0)
    assert passage.evidence["voters"] == 2
    assert abs(passage.evidence["gap_ms"]) == 300


def test_strays_do_not_vote() -> None:
    """Only moved tags vote on the direction."""
    portal = watch()
    portal.state.known[B] = Known(level=-590, reads=500, first=T0 - 60 * S, last=T0 - 4 * S, strayed=3)
    feed(portal, sorted([*crossing(), (10, INNER, B, -60.0), (400, OUTER, B, -60.0)]))
    (passage,) = finish(portal)
    assert (passage.direction, passage.evidence["voters"], passage.strays) == ("in", 1, (B,))


def test_a_dissenter_lowers_confidence() -> None:
    """The median way wins, and who disagrees, but by a moment, lowers the confidence."""
    portal = watch()
    feed(portal, sorted(through(tags=(A,), rows=(INNER, OUTER), pace=100) + through(tags=(B, C))))
    (passage,) = finish(portal)
    assert (passage.direction, passage.confidence) == ("in", 0.67)


@pytest.mark.parametrize(
    ("rows", "deaf"),
    [((MIDDLE,), [DEAF, 0, DEAF]), ((OUTER,), [0, 0, DEAF])],
    ids=["middle only", "one row only"],
)
def test_direction_unknown(rows: tuple[int, ...], deaf: list[int]) -> None:
    """What moved and was heard by the only row that hears tells no way: confidence nought."""
    portal = watch()
    portal.state.deaf = deaf
    feed(portal, through(rows=rows, pace=0))
    (passage,) = finish(portal)
    assert (passage.moved, passage.direction, passage.confidence) == ((A, B, C), "unknown", 0.0)


def test_both_rows_at_once_in_a_beam_tell_no_way() -> None:
    """It broke a beam, so it went through; which way nobody can say."""
    portal = watch()
    portal.state.silent[INNER] = SILENT
    edge(portal, 0, 0, True)
    feed(portal, through(pace=0))
    edge(portal, 1100, 0, False)
    (passage,) = finish(portal)
    assert (passage.moved, passage.direction, passage.confidence) == ((A, B, C), "unknown", 0.0)


def test_both_rows_at_once_without_eyes_is_coming_near() -> None:
    """What both rows heard come near and go away together has been in the door, and did not go through."""
    portal = watch()
    feed(portal, through(pace=0))
    (passage,) = finish(portal)
    assert (passage.moved, passage.direction) == ((), "none")
    assert passage.evidence["turned"] == [A, B, C]


@pytest.mark.parametrize("row", [OUTER, MIDDLE, INNER])
def test_what_one_row_alone_hears_did_not_go_through(row: int) -> None:
    """Where both rows hear, what comes near to one of them and never to the other has only been near the door."""
    portal = watch()
    feed(portal, through(rows=(row,)))
    (passage,) = finish(portal)
    assert (passage.moved, passage.strays) == ((), (A, B, C))
    assert passage.direction not in ("in", "out")


def test_weak_tags_that_were_heard_before_are_strays() -> None:
    """A tag read twice, faintly, by one row, as some seconds ago, beside loud ones, is a stray; evidence says why."""
    portal = watch()
    feed(portal, [(ms, OUTER, B, -69.0) for ms in range(-20_000, -5_000, 2_000)])
    feed(portal, sorted([*crossing(), *crossing(20, C), (100, OUTER, B, -69.0), (320, OUTER, B, -70.0)]))
    (passage,) = finish(portal)
    assert (passage.moved, passage.strays) == ((A, C), (B,))
    assert passage.evidence["reads"] == 14
    assert passage.evidence["tags"][B] == [2, -69.0, 100 * MS, 320 * MS]
    assert passage.evidence["points"][B] < 0 < passage.evidence["points"][A]
    assert all(sentence(name, value) for name, value, _ in passage.evidence["why"][B])


@pytest.mark.parametrize("known", [True, False])
def test_only_what_was_never_heard_before_counts_as_a_stray_of_the_door(
    monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """How many new tags stay where they are tells what a new tag is; a rack that is heard all day does not."""
    portal, score = watch(), closing.score
    rack = [f"{number:024X}" for number in range(3)]

    def stay(*args: Any) -> closing.Scored:
        found = score(*args)
        found.points |= dict.fromkeys(rack, -1_000)
        return found

    monkeypatch.setattr(closing, "score", stay)
    stands = [(80 * ms + place, OUTER, epc, -70.0) for ms in range(30) for place, epc in enumerate(rack)]
    if known:
        feed(portal, [(ms - 60_000, *rest) for ms, *rest in stands])
    feed(portal, sorted([*through(800), *stands]))
    (passage,) = finish(portal)
    assert passage.strays == tuple(rack)
    assert portal.state.strays == 200 + ((0 if known else 300) - 200) // LATEST


def test_evidence_of_strays_is_bounded() -> None:
    """All strays are named, the figures of the first fifty are shown; of the next thousand points and a reason."""
    count = STRAYS_SHOWN + STRAYS_REASONED + 10
    portal = watch()
    rack = [(number, OUTER, f"{number:024X}", -66.0) for number in range(count)]
    for before in (-30_000, -20_000, -10_000):  # it stands there
        feed(portal, [(before + at, *rest) for at, *rest in rack])
    feed(portal, sorted([*through(800), *((600 + at, *rest) for at, *rest in rack)]))
    (passage,) = finish(portal)
    assert len(passage.strays) == count
    evidence = passage.evidence
    assert len(evidence["tags"]) == STRAYS_SHOWN + len(passage.moved)
    briefly = set(evidence["points"]) - set(evidence["tags"])
    assert len(briefly) == STRAYS_REASONED
    assert {len(evidence["why"][epc]) for epc in briefly} == {1}
    (said,) = explain([passage], max(briefly))
    assert "did not count: it is a stray; the passage had more strays than it keeps figures of: -" in said.text
    (name, value, points) = evidence["why"][max(briefly)][0]
    assert f"({sentence(name, value)}, {points:+.1f})" in said.text


def test_chattering_eye_is_bounded() -> None:
    """An eye that flickers without end is remembered up to a bound, and the passage still ends."""
    portal = watch()
    for number in range(5000):
        edge(portal, number, 0, number % 2 == 0)
    assert len(portal.state.edges) == EDGES_KEPT
    assert len(finish(portal)) == 1


def test_empty_passage() -> None:
    """An eye broken and cleared without a tag is a passage that moved nothing."""
    portal = watch()
    edge(portal, 0, 0, True)
    edge(portal, 700, 0, False)
    (passage,) = finish(portal)
    assert (passage.moved, passage.strays, passage.direction) == ((), (), "unknown")


def test_absurd_levels_stay_in_64_bits() -> None:
    """No level makes a figure that a snapshot could not hold."""
    portal = watch()
    for rssi in (1e300, -1e300, 127.0, 0.0):
        portal.reads(T0, [(T0 + 1000, OUTER, A, rssi, NO_TONE)])
    assert msgspec.json.decode(msgspec.json.encode(portal.state), type=PortalState) == portal.state
    assert len(finish(portal)) == 1


def weighing(ms: int, **changed: object) -> Weighing:
    """A settled weight `ms` after T0."""
    one = Weighing("s", "612.4", "kg", True, at=T0 + ms * MS)
    return msgspec.structs.replace(one, **changed)


@pytest.mark.parametrize(("ms", "taken"), [(-10_001, False), (-10_000, True), (300, True), (1700, True), (1701, False)])
def test_weighing_reach(ms: int, taken: bool) -> None:
    """A weight belongs to a passage from ten seconds before its opening until quiet after its end."""
    portal = watch()
    portal.weigh(T0, weighing(ms))
    feed(portal, crossing())
    (passage,) = finish(portal)
    assert (portal.weighing_for(passage) is not None) is taken
    assert portal.weighing_for(passage) is None


@pytest.mark.parametrize(
    "changed",
    [{"stable": False}, {"stable": None}, {"value": None}, {"condition": "over"}, {"at": None}],
    ids=lambda changed: next(iter(changed)),
)
def test_unsettled_weights_are_not_taken(changed: dict[str, object]) -> None:
    """Motion, overload and missing numbers are no weight."""
    portal = watch()
    portal.weigh(T0, weighing(0, **changed))
    assert portal.state.weighing is None


def test_strays_do_not_take_the_weight() -> None:
    """A passage that moved nothing leaves the weight for the pallet that comes behind it."""
    portal = watch()
    portal.weigh(T0, weighing(0))
    feed(portal, [(100, MIDDLE, B, -50.0)])
    (stray,) = finish(portal)
    assert portal.weighing_for(stray) is None
    feed(portal, crossing(3000))
    (passage,) = finish(portal)
    assert portal.weighing_for(passage) is not None


def test_abandon_decides_nothing() -> None:
    """An abandoned passage is over without a word, and its reads do not come back."""
    portal = watch()
    feed(portal, crossing())
    portal.abandon()
    assert portal.deadline is None
    portal.reads(T0 + S, [(T0 + 400 * MS, MIDDLE, A, -50.0, NO_TONE)])
    assert not portal.open


@pytest.mark.parametrize("cut", range(14))
def test_snapshot_in_the_middle(cut: int) -> None:
    """A portal put down and taken up at any read ends with the same passages and the same state."""
    steps = sorted(crossing() + crossing(40, B, inward=False) + [(2000, MIDDLE, C, -50.0), (2100, MIDDLE, C, -50.0)])
    whole = watch()
    edge(whole, 0, 0, True)
    edge(whole, 1, 0, False)
    expected = feed(whole, steps)
    first = watch()
    edge(first, 0, 0, True)
    edge(first, 1, 0, False)
    found = feed(first, steps[:cut])
    second = PortalWatch(PORTAL, msgspec.json.decode(msgspec.json.encode(first.state), type=PortalState))
    found += feed(second, steps[cut:])
    assert found == expected
    assert second.state == whole.state
    assert finish(second) == finish(whole)


# -- the level that a door learns --------------------------------------------------------------------------------


def test_a_door_learns_how_loud_what_goes_through_is() -> None:
    """The first load tells it, each later one moves it by a part; from then on what is far below opens nothing."""
    portal = watch()
    assert portal.state.usual is None
    feed(portal, through(level=-40.0))
    assert [one.moved for one in finish(portal)] == [(A, B, C)]
    assert portal.state.usual == -400
    assert limit(PORTAL, portal.state.usual) == -600
    assert feed(portal, [(60_000 + ms, MIDDLE, D, -60.5) for ms in range(0, 1000, 50)]) == []
    assert not portal.open
    tags = ("1" * 24, "2" * 24, "3" * 24)
    feed(portal, through(120_000, tags, level=-46.0))
    assert [one.moved for one in finish(portal)] == [tags]
    assert portal.state.usual == -400 - 60 // LEARNS


def test_a_door_learns_how_many_tags_the_group_has() -> None:
    """As many as the first load's has, then nearer to each later one's by a part; what passed empty teaches nothing."""
    portal = watch()
    assert portal.state.size is None
    sizes = []
    for number, count in enumerate((8, 8, 2)):
        tags = tuple(f"{number:02}{place:02}".ljust(24, "0") for place in range(count))
        feed(portal, through(60_000 * (number + 1), tags))
        (one,) = finish(portal)
        assert len(one.moved) == count
        sizes.append((portal.state.size, 100 * one.evidence["group"]))
    (first, its), (second, again), (third, few) = sizes
    assert first == second == its == again > few
    assert third == first + (few - first) // LATEST
    feed(portal, through(300_000, (D,), pace=0))
    finish(portal)
    assert portal.state.size == third


def test_a_faint_load_counts_where_all_else_is_sure_of_it() -> None:
    """15 dB below the usual: a load that rises and falls as one is goods; one that keeps to one level is in doubt, for
    how loud it is.
    """

    def told(steps: list[Step]) -> Passage:
        portal = watch()
        portal.state.usual = -350
        feed(portal, steps)
        (only,) = finish(portal)
        return only

    sure = told(through(level=-50.0))
    assert sure.moved == (A, B, C)
    assert not any(part[0] == "group_level" for part in sure.evidence["why"][A])
    doubtful = told(sorted(crossing() + crossing(epc=B)))
    assert max(doubtful.evidence["points"].values()) < min(sure.evidence["points"].values()) - 2
    assert "group_level" in [part[0] for part in doubtful.evidence["why"][A][:2]]


def test_the_level_never_falls_below_min_rssi() -> None:
    """However faint what goes through is, min_rssi is the floor; and at a new door it is the limit."""
    assert limit(PORTAL, None) == limit(PORTAL, -700) == limit(PORTAL, -650 + BELOW) == -650
    assert limit(PORTAL, -400) == -400 - BELOW


@pytest.mark.parametrize("inward", [True, False])
def test_the_level_is_in_the_snapshot(inward: bool) -> None:
    """Put down and taken up, a door knows what it learned, whichever way that went."""
    portal = watch()
    feed(portal, through(rows=(OUTER, INNER) if inward else (INNER, OUTER)))
    assert [one.direction for one in finish(portal)] == ["in" if inward else "out"]
    kept = msgspec.json.decode(msgspec.json.encode(portal.state), type=PortalState)
    assert kept.usual == portal.state.usual == -450
    assert PortalWatch(PORTAL, kept)._least == portal._least == -65.0


def test_a_reader_that_got_weaker_does_not_make_strays_of_all_loads_for_ever() -> None:
    """Loads far below the usual level are strays at first; each moves it a little, and then they count again."""
    portal = watch()
    portal.state.usual = -250
    told = []
    for number in range(30):
        tags = tuple(f"{number:02}{place}".ljust(24, "0") for place in range(3))
        seldom = through(60_000 * (number + 1), tags, level=-44.0)[2::4]
        feed(portal, seldom)
        told += [one.moved == tags for one in finish(portal)]
    assert not all(told)
    assert told[-1]
    assert -460 < portal.state.usual < -400


def test_what_did_not_go_through_teaches_nothing_at_a_new_door() -> None:
    """What came near and what one row alone heard is not what goes through."""
    for steps in (through(pace=0), through(rows=(OUTER,))):
        portal = watch()
        feed(portal, steps)
        assert finish(portal)
        assert portal.state.usual is None


# -- two loads at once, and what came right behind ---------------------------------------------------------------


def played(portal: PortalWatch, changes: dict[int, tuple[int, bool]], steps: list[Step]) -> list[Passage]:
    """Edges (ms: eye, level) and reads in order of time, with the ticks that fall due, to the end."""
    found: list[Passage] = []
    events = [(ms, 0, change) for ms, change in changes.items()] + [(step[0], 1, step) for step in steps]
    for ms, kind, what in sorted(events, key=lambda one: (one[0], one[1])):
        if kind == 0:
            eye, level = what  # type: ignore[misc]
            found += tick(portal, T0 + ms * MS) + edge(portal, ms, eye, level)
        else:
            found += feed(portal, [what])  # type: ignore[list-item]
    while ended := finish(portal):
        found += ended
    return found


def told_of(passage: Passage, epc: str) -> str:
    """What is said of a tag of a passage."""
    return " ".join(one.text for one in explain([passage], epc))


def test_what_came_right_behind_is_not_of_this_passage() -> None:
    """Two trucks with a second between them: what each carried is its own, and the first says who went later."""
    portal = watch()
    steps = through(400) + through(3_000, (D, "1" * 24, "2" * 24))
    changes = {0: (0, True), 800: (1, True), 1900: (0, False), 2400: (1, False)}
    changes |= {2900: (0, True), 3400: (1, True), 4500: (0, False), 5000: (1, False)}
    first, second = played(portal, changes, steps)
    assert (first.moved, first.direction, second.direction) == ((A, B, C), "in", "in")
    assert set(second.moved) == {D, "1" * 24, "2" * 24}
    assert not set(first.strays) & set(second.moved)
    assert first.evidence["followed"] == sorted(second.moved)
    assert all("went with what came right behind" in told_of(first, epc) for epc in second.moved)


def test_two_trucks_half_a_second_apart_are_two() -> None:
    """Less than `gap` is free between them: their tags part them there, and each has the beams of both rows."""
    changes = {0: (0, True), 800: (1, True), 1900: (0, False), 2400: (0, True)}
    changes |= {2700: (1, False), 3200: (1, True), 4300: (0, False), 5100: (1, False)}
    steps = through(400, pace=800) + through(2_800, (D, "1" * 24, "2" * 24), pace=800)
    first, second = played(watch(), changes, steps)
    assert (set(first.moved), first.direction) == ({A, B, C}, "in")
    assert (set(second.moved), second.direction) == ({D, "1" * 24, "2" * 24}, "in")
    assert {row for _, row, _ in second.evidence["eyes"]} == {"outer", "inner"}


def test_whoever_pulls_the_load_is_one_with_it() -> None:
    """The same beams with one load, behind somebody on foot: one passage."""
    changes = {0: (0, True), 400: (0, False), 800: (1, True), 900: (0, True)}
    changes |= {1200: (1, False), 1700: (1, True), 2100: (0, False), 2900: (1, False)}
    (only,) = played(watch(), changes, through(1_000, pace=800))
    assert (only.moved, only.direction) == ((A, B, C), "in")


def test_a_faint_load_counts_where_eyes_saw_it() -> None:
    """Below min_rssi nothing founds a group; where beams were broken and a level is known, the points decide."""
    changes = {0: (0, True), 800: (1, True), 1900: (0, False), 2700: (1, False)}
    faint = through(400, level=-66.0, pace=800)
    portal = watch()
    portal.state.usual = -600
    (told,) = played(portal, changes, faint)
    assert (told.moved, told.direction) == ((A, B, C), "in")
    (new,) = played(watch(), changes, faint)
    assert new.moved == ()


@pytest.mark.parametrize("usual", [-500, None])
@pytest.mark.parametrize("stands", [False, True])
def test_a_load_read_seldom_counts_where_eyes_saw_it(usual: int | None, stands: bool) -> None:
    """In session 1 a tag is read once or twice, fewer times than `min_reads`: so is its whole load; the first of a door
    is, too, and one beside what is read all day.
    """
    changes = {0: (0, True), 800: (1, True), 1900: (0, False), 2700: (1, False)}
    portal = watch()
    portal.state.usual = usual
    tags = tuple(f"{number}" * 24 for number in range(6))
    seldom = [(at, row, tag, -48.0) for tag in tags for at, row in ((900, OUTER), (1_700, INNER))]
    if stands:
        feed(portal, [(ms, OUTER, "9" * 24, -50.0) for ms in range(-30_000, -5_000, 500)])
        seldom += [(ms, OUTER, "9" * 24, -50.0) for ms in range(0, 3_000, 500)]
    (told,) = played(portal, changes, sorted(seldom))
    assert (told.moved, told.direction) == (tags, "in")


def test_where_nothing_seems_to_have_moved_the_group_is_what_least_seems_to_stand() -> None:
    """By what tags are in themselves, the louder half of what is nearly as good; trucks' own tags are no goods."""
    truck = f"{(0x34 << 6 | 5) << 82 | 9520001 << 58 | 1:024X}"
    e, f = "E" * 24, "F" * 24
    core = tagged({truck: -30, A: -50, B: -52, C: -60, D: -40, e: -53, f: -54})
    card: Card = {name: ((0,), (-NEAR, 0), 0) if name == "as_stood" else ((), (0,), 0) for name in CARDS["rows"]}
    as_it_stood = dict.fromkeys(CARDS["rows"], 0) | {"as_stood": -1}
    values = {epc: dict.fromkeys(CARDS["rows"], 0) for epc in core} | {D: as_it_stood}
    cards = dict.fromkeys(core, card)
    assert [track.epc for track in likeliest(core, values, cards)] == [A, B, e]
    values |= dict.fromkeys((A, B, C, e, f), as_it_stood)
    assert [track.epc for track in likeliest(core, values, cards)] == [A, B, D]
    assert likeliest(tagged({truck: -30, A: -50, B: -52}), values, cards) == []  # fewer than LEAST


@pytest.mark.parametrize(("ms", "row", "counts"), [(-2_400, OUTER, True), (4_150, INNER, True), (4_250, INNER, False)])
def test_a_case_of_a_load_that_is_heard_before_or_after_it_only(ms: int, row: int, counts: bool) -> None:
    """Metres before the door, or until the verdict: its serial neighbours tell that it went with them."""
    cases = [dockside.case_tag(serial) for serial in range(1, 8)]
    lone = cases.pop(3)
    portal = watch()
    changes = {0: (0, True), 800: (1, True), 1900: (0, False), 2700: (1, False)}
    (told,) = played(portal, changes, sorted([*through(400, cases, pace=800), (ms, row, lone, -67.0)]))
    assert set(cases) <= set(told.moved)
    assert (lone in told.moved) == counts


def tagged(peaks: dict[str, int]) -> dict[str, Track]:
    """Tracks of tags of which one read each was heard, at these levels (dBm)."""
    reads = [(0, OUTER, epc, float(level), NO_TONE) for epc, level in peaks.items()]
    return tracks(reads, -1, 1, 0, Layout((OUTER, INNER), (2, 2)))


def test_a_group_is_the_louder_half_of_what_seems_to_have_moved() -> None:
    """Where some surely did, of those; where none is sure, of those in doubt, too: else it were the best of it only."""
    core = tagged({A: -40, B: -50, C: -60, D: -70})
    assert [track.epc for track in surest(core, {A: 900, B: 600, C: 1, D: 0})] == [A, B]
    assert [track.epc for track in surest(core, {A: 901, B: -1, C: -1, D: -1})] == [A]
    assert [track.epc for track in surest(core, {A: -299, B: 200, C: -299, D: -300})] == [A, B]
    assert surest(core, {A: 0, B: -1, C: -2, D: -3}) == []


def test_a_truck_s_own_tag_is_no_group() -> None:
    """However sure and loud it is; nor does it keep goods in doubt out of theirs."""
    truck = f"{(0x34 << 6 | 5) << 82 | 9520001 << 58 | 1:024X}"
    core = tagged({truck: -30, A: -50, B: -60})
    assert surest(core, {truck: 2000, A: -1, B: -1}) == []
    assert [track.epc for track in surest(core, {truck: 2000, A: 1, B: -1})] == [A]


def test_with_eyes_in_one_row_the_load_is_still_on_its_way() -> None:
    """What the inner antennas hear a second after the outer beam is free is of the passage, as its first reads are."""
    one_eyed = msgspec.structs.replace(PORTAL, eyes=(Eye("r", 1, "outer"),))
    for portal, counted in ((PortalWatch(one_eyed), True), (watch(), False)):
        changes = {0: (0, True), 2000: (0, False)}
        changes |= {} if counted else {100: (1, True), 2001: (1, False)}
        load = through(400, pace=800)
        tail = [(2_350 + 100 * number, INNER, D, -50.0) for number in range(5)]
        (told,) = played(portal, changes, sorted(load + tail))
        assert (told.evidence["tags"][D][0] > 0) == counted


@pytest.mark.parametrize("eyes", [True, False])
def test_two_loads_in_one_passage_are_two(eyes: bool) -> None:
    """Bumper to bumper, or with a pallet that waits in a door without eyes: parted where nothing went through."""
    portal = watch()
    later = (D, "1" * 24, "2" * 24)
    steps = sorted(through(0) + through(3_200, later))
    if eyes:
        edge(portal, -100, 0, True)
        edge(portal, 300, 1, True)
    else:  # a pallet that waits keeps it open
        steps = sorted(steps + [(ms, INNER, "9" * 24, -45.0 - ms % 400 / 100) for ms in range(900, 4_300, 100)])
    found = feed(portal, steps)
    if eyes:
        found += edge(portal, 4_400, 0, False) + edge(portal, 4_900, 1, False)
    while ended := finish(portal):
        found += ended
    assert [set(one.moved) - {"9" * 24} for one in found if one.moved] == [{A, B, C}, set(later)]
    first = found[0]
    assert set(first.evidence["followed"]) == set(later)
    assert not set(first.strays) & set(later)
    assert all("went with what came right behind" in told_of(first, epc) for epc in later)
    whole = " ".join(one.text for one in explain([first]))
    assert "3 tags more went with what came right behind" in whole


def test_the_rest_of_a_parted_passage_never_ends_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parted behind the last read that kept it open, the second load has that moment, not a time before it."""
    portal = watch()
    feed(portal, through())
    cut = portal.state.activity + 500 * MS
    once = iter([Parted((cut, cut, cut), frozenset({C}))])
    monkeypatch.setattr(machine, "part", lambda *_: next(once, None))
    found = finish(portal) + finish(portal)
    assert [one.closed for one in found] == [cut, cut + 1]
    assert all(one.opened <= one.closed for one in found)


def test_a_verdict_is_not_held_back_by_what_is_still_heard() -> None:
    """Somebody stands at the door: reads that go on after the end put the verdict off by `settle` at the most."""
    portal = watch()
    for ms, eye, level in ((0, 0, True), (800, 1, True), (1500, 0, False), (2000, 1, False)):
        edge(portal, ms, eye, level)
    due = T0 + 2000 * MS + PORTAL.quiet
    assert portal.deadline == due + PORTAL.settle
    latest = due + 2 * PORTAL.settle
    for ms in range(2000, 6000, 20):
        portal.reads(T0 + ms * MS, [(T0 + min(ms, 3_200) * MS, INNER, A, -70.0, NO_TONE)])
        assert portal.deadline is not None
        assert portal.deadline <= latest
    assert portal.deadline == latest


# -- a scale that opens a passage --------------------------------------------------------------------------------


def display(ms: int, value: str | None, stable: bool = True, condition: str = "ok") -> Weighing:
    """What a scale shows `ms` after T0."""
    return Weighing("w1", value, "kg", stable, condition=condition, at=T0 + ms * MS)


def weigh(portal: PortalWatch, *shown: Weighing, how: str = "weight") -> list[Passage]:
    """Displays as they come, with the ticks that fall due between them."""
    found: list[Passage] = []
    for one in shown:
        assert one.at is not None
        found += tick(portal, one.at)
        found += passages(portal.weigh(one.at, one, how))
    return found


@pytest.mark.parametrize(
    ("shown", "opens"),
    [
        ([display(0, "612.4")], True),
        ([display(0, "612.4", stable=False)], False),
        ([display(0, None, condition="over")], False),
        ([display(0, "0.0")], False),
        ([display(0, "-0.2")], False),
    ],
    ids=["settled", "not settled", "overload", "empty", "below nought"],
)
def test_a_weight_that_settles_opens(shown: list[Weighing], opens: bool) -> None:
    """At its own time, due after quiet and settle as every passage."""
    portal = watch()
    assert weigh(portal, *shown) == []
    assert portal.open is opens
    assert portal.deadline == (T0 + PORTAL.quiet + PORTAL.settle if opens else None)


def test_a_scale_opens_nothing_unless_it_is_told_to() -> None:
    """By default a weighing belongs to the passage that others open."""
    portal = watch()
    assert portal.weigh(T0, display(0, "612.4")) == []
    assert not portal.open
    assert portal.state.weighing is not None


def test_what_lies_on_the_scale_need_not_pass_the_rows_of_antennas() -> None:
    """It opened the passage, though no eye saw it: its tags may be louder now at the one row, now at the other."""
    portal = watch()
    assert weigh(portal, display(0, "0.0"), display(100, "612.4")) == []
    feed(portal, sorted(through(150, tags=(A, B)) + through(150, tags=(C, D), rows=(INNER, OUTER))))
    (passage,) = finish(portal)
    assert passage.evidence["opened_by"] == "scale"
    assert "unseen" not in passage.evidence


def test_a_weight_that_stands_there_opens_once() -> None:
    """Shown for minutes it is the same load; a tenth more or less is another, and so is the next after it was empty."""
    portal = watch()
    shown = [display(second * 1000, "612.4") for second in range(60)]
    shown += [display(60_000 + second * 1000, "640.0") for second in range(60)]
    assert [passage.opened for passage in weigh(portal, *shown)] == [T0]
    later = [display(200_000, "0.0"), display(210_000, "640.0"), display(220_000, "900.0"), display(230_000, "900.0")]
    assert [passage.opened for passage in weigh(portal, *later)] == [T0 + 210 * S, T0 + 220 * S]


def test_a_scale_that_was_emptied_opens_nothing() -> None:
    """Less than a tenth of what stood there, or later a hundredth of the last load, is dust; a parcel is none."""
    portal = watch()
    shown = [display(0, "612.4"), display(10_000, "50.0"), display(20_000, "0.2"), display(30_000, "6.0")]
    shown += [display(40_000, "0.0"), display(50_000, "6.2"), display(60_000, "0.0")]
    assert [passage.opened for passage in weigh(portal, *shown)] == [T0, T0 + 50 * S]


def test_each_line_of_a_scale_that_is_read_by_hand_opens() -> None:
    """Somebody pressed the key: whatever it shows."""
    portal = watch()
    shown = [display(0, "612.4", stable=False), display(20_000, None, condition="over"), display(40_000, "612.4")]
    found = weigh(portal, *shown, how="line")
    assert [passage.opened for passage in [*found, *finish(portal)]] == [T0, T0 + 20 * S, T0 + 40 * S]


def test_what_is_put_on_a_scale_before_eyes_that_see_nothing_of_it_is_a_passage() -> None:
    """The passage begins with the strong reads before the weight, has the weight, and says what opened it."""
    portal = watch()
    edge(portal, -60_000, 0, True)
    edge(portal, -59_000, 0, False)
    assert finish(portal)
    assert feed(portal, through()) == []
    assert weigh(portal, display(1450, "612.4"), display(2400, "612.4"), display(2800, "612.4")) == []
    assert portal.opened == T0
    (passage,) = finish(portal)
    assert (passage.moved, passage.direction, passage.evidence["opened_by"]) == ((A, B, C), "in", "scale")
    assert portal.weighing_for(passage) == display(1450, "612.4")  # shown again afterwards, it is no other


def test_strong_reads_keep_it_open_for_longest_at_most() -> None:
    """Bounded as what reads open; afterwards the eyes alone open again."""
    portal = watch()
    edge(portal, -60_000, 0, True)
    edge(portal, -59_000, 0, False)
    assert finish(portal)
    weigh(portal, display(0, "612.4"))
    steps = [(number * 100, number % 3, f"{number:024X}", -40.0) for number in range(400)]
    (passage,) = feed(portal, steps)
    assert passage.closed - passage.opened <= PORTAL.longest
    assert passage.closed - passage.opened > 10 * S
    assert not portal.open
    assert finish(portal) == []


def test_eyes_know_better_than_the_scale() -> None:
    """What breaks a beam while it is weighed is one passage, bounded by the beams; so is what is weighed within one."""
    portal = watch()
    weigh(portal, display(0, "612.4"))
    edge(portal, 500, 0, True)
    edge(portal, 1500, 1, True)
    weigh(portal, display(1600, "700.0"))
    edge(portal, 2000, 0, False)
    edge(portal, 2500, 1, False)
    (passage,) = finish(portal)
    assert (passage.opened, passage.closed) == (T0 + 500 * MS, T0 + 2500 * MS)
    assert "opened_by" not in passage.evidence


def test_a_weight_of_a_time_that_is_decided_opens_nothing() -> None:
    """Late is late."""
    portal = watch()
    feed(portal, crossing(10_000))
    assert finish(portal)
    assert weigh(portal, display(0, "612.4")) == []
    assert not portal.open


# -- a truck's own tag, and who turns at the first beam -----------------------------------------------------------

TRUCK = "34164522A400000000000001"
ONCE = {0: (0, True), 800: (1, True), 1900: (0, False), 2700: (1, False)}
"""One vehicle through both beams."""


def test_a_trucks_own_tag_teaches_the_door_no_level() -> None:
    """It is loud; what comes next would be far too faint beside it."""
    portal = watch()
    (empty,) = played(portal, ONCE, through(400, (TRUCK,), level=-15.0, pace=800))
    assert (empty.moved, portal.state.usual) == ((TRUCK,), None)
    later = {60_000 + ms: change for ms, change in ONCE.items()}
    (loaded,) = played(portal, later, through(60_400, pace=800) + through(62_000, (TRUCK,), level=-15.0, pace=800))
    assert set(loaded.moved) >= {A, B, C}
    assert portal.state.usual == -450


def test_goods_are_compared_with_goods_and_beside_an_empty_truck_with_its_tag() -> None:
    """A tag that passes two metres behind the load founds no group beside it; far fainter ones beside it found none."""
    slow = {0: (0, True), 3_000: (1, True), 5_500: (0, False), 8_500: (1, False)}
    goods = through(400, pace=3_000) + through(4_400, (TRUCK,), level=-30.0, pace=3_000)
    (loaded,) = played(watch(), slow, sorted(goods))
    assert loaded.evidence["group"] == 2  # the better half of three
    assert set(loaded.moved) >= {A, B, C}
    strays = [(ms, MIDDLE, D, -62.0 + 5 * (ms // 60 % 3 - 1)) for ms in range(-1_000, 4_000, 60)]  # it is stirred
    (empty,) = played(watch(), ONCE, sorted(through(400, (TRUCK,), level=-20.0, pace=800) + strays))
    assert (empty.moved, empty.strays, empty.evidence["group"]) == ((TRUCK,), (D,), 1)


def test_who_turns_at_the_first_beam_has_not_come_in_with_the_next() -> None:
    """Whoever breaks that beam seconds later is another, and the first is decided when he comes."""
    changes = {0: (0, True), 3_000: (0, False)} | {7_000 + ms: change for ms, change in ONCE.items()}
    there_and_back = sorted(through(200, rows=(OUTER,)) + through(1_300, rows=(OUTER,)))
    turned, came = played(watch(), changes, there_and_back + through(7_400, (D, "1" * 24, "2" * 24), pace=800))
    assert (turned.moved, turned.direction) == ((), "none")
    assert (set(came.moved), came.direction) == ({D, "1" * 24, "2" * 24}, "in")


def test_who_turns_at_the_first_beam_does_not_make_the_other_blind() -> None:
    """Only loads that went through, and that an eye did not see, speak against it."""
    portal = watch()
    for number in range(SILENT + 1):
        begin = 20_000 * number
        steps = sorted(through(begin + 200, rows=(OUTER,)) + through(begin + 1_300, rows=(OUTER,)))
        played(portal, {begin: (0, True), begin + 3_000: (0, False)}, steps)
    assert portal.state.silent[INNER] == 0
    for number in range(SILENT):
        begin = 200_000 + 20_000 * number
        tags = tuple(f"{number}{place}".ljust(24, "0") for place in range(3))
        played(portal, {begin: (0, True), begin + 1_900: (0, False)}, through(begin + 400, tags, pace=800))
    assert portal.state.silent[INNER] == SILENT


@pytest.mark.parametrize(("pace", "way"), [((800, 800, 800), "in"), ((900, 900, -700), "none")])
def test_antennas_outweigh_an_eye_only_where_the_tags_agree(pace: tuple[int, ...], way: str) -> None:
    """Of a load that stands before the first beam some tags come near the inner row first; they do not all say so."""
    steps = [step for tag, each in zip((A, B, C), pace, strict=True) for step in through(1_000, (tag,), pace=each)]
    (passage,) = played(watch(), {0: (0, True), 3_500: (0, False)}, sorted(steps))
    assert passage.direction == way


def test_who_turned_is_decided_when_the_next_comes() -> None:
    """Nobody waits for him at the other beam any more; the verdict of the next is not late for it."""
    portal = watch()
    edge(portal, 0, 0, True)
    feed(portal, sorted(through(200, rows=(OUTER,))))
    edge(portal, 1_900, 0, False)
    assert tick(portal, T0 + 4 * S) == []  # he may stand between the beams
    edge(portal, 4_500, 0, True)
    (turned,) = tick(portal, T0 + 5 * S)
    assert turned.direction == "none"


@pytest.mark.parametrize(("alone", "counts"), [(False, True), (True, False)])
def test_a_tag_heard_next_to_the_passage_is_in_question_however_loud_it_stood(alone: bool, counts: bool) -> None:
    """A case that waited before the door is heard a last time before the first beam, as loud as ever: it went with what
    was labelled next to it, and stayed where others went.
    """
    load = [dockside.case_tag(serial) for serial in ((11, 12, 13, 14, 15) if alone else (1, 2, 3, 5, 6))]
    portal = watch()
    waited = dockside.case_tag(4)
    portal.background.hear([(T0 - 20 * S + number * S, OUTER, waited, -50.0, NO_TONE) for number in range(17)])
    last = [(-800, OUTER, waited, -50.0), (-700, OUTER, waited, -46.0)]
    (passage,) = played(portal, ONCE, sorted([*last, *through(400, load, pace=800)]))
    assert set(load) <= set(passage.moved)
    assert (waited in passage.moved) is counts
    assert passage.evidence["tags"][waited][0] == 0  # reads while the door was occupied


def test_a_door_may_weigh_a_feature_otherwise() -> None:
    """Its points are so much of what the card says, in the sum and in the evidence; other doors know nothing of it."""
    changes = {0: (0, True), 800: (1, True), 1900: (0, False), 2700: (1, False)}
    told = {}
    for weight in (0, 50, 100, 300):
        portal = PortalWatch(msgspec.structs.replace(PORTAL, weights=(("often", weight),)))
        (passage,) = played(portal, changes, through(400, pace=800))
        told[weight] = passage.evidence
    (plain,) = played(watch(), changes, through(400, pace=800))
    assert told[100] == plain.evidence
    cuts, points, _ = CARDS["rows"]["often"]
    best = points[bisect_right(cuts, 100)]
    assert best > 0
    for weight, evidence in told.items():
        assert evidence["points"][A] == pytest.approx(plain.evidence["points"][A] + best * (weight - 100) / 10_000)
    assert ["often", 100, 3 * best / 100] in told[300]["why"][A]
    assert set(FEATURES) == set(SAYS) - {PASSED_ON}


@pytest.mark.parametrize(
    ("rows", "flow", "more"), [((INNER, OUTER), "", 0.0), ((OUTER,), "", 1.0), ((OUTER,), "in", 0.0)]
)
def test_one_row_of_antennas_asks_more_of_goods(
    monkeypatch: pytest.MonkeyPatch, rows: tuple[int, ...], flow: str, more: float
) -> None:
    """It cannot tell what goes through from what goes by beside it; on a belt nothing does."""
    points = []
    for beside in (0, scoring.BESIDE):
        monkeypatch.setattr(scoring, "BESIDE", beside)
        portal = PortalWatch(msgspec.structs.replace(PORTAL, flow=flow))
        portal.state.deaf = [0 if row in rows else DEAF for row in (OUTER, MIDDLE, INNER)]
        (passage,) = played(portal, {0: (0, True), 1900: (0, False)}, through(400, rows=rows, pace=800))
        points.append(passage.evidence["points"])
    assert points[1] == {epc: pytest.approx(each - more) for epc, each in points[0].items()}


# -- phases, levels that are none, and who goes on foot ---------------------------------------------------------------


def toned(portal: PortalWatch, steps: list[Step], phase: Callable[[str, int], int]) -> list[Passage]:
    """Play reads with phases on one channel."""
    found: list[Passage] = []
    for ms, row, epc, rssi in steps:
        at = T0 + ms * MS
        found += tick(portal, at)
        found += passages(portal.reads(at, [(at, row, epc, rssi, TURN + phase(epc, ms))]))
    return found


def test_without_eyes_a_load_does_not_go_the_same_way_twice_at_once() -> None:
    """Heard again within AROUND it is still the same load; it may go back, and it may come another time."""
    again = AROUND // MS - 2_000
    for later, inward, ways in (
        (4_000, True, ["in", "none"]),
        (4_000, False, ["in", "out"]),
        (again, True, ["in"] * 2),
    ):
        portal = watch()
        first = feed(portal, through()) + finish(portal)
        rows = (OUTER, INNER) if inward else (INNER, OUTER)
        since = later + (4_000 if later == again else 0)
        second = feed(portal, through(since, rows=rows)) + finish(portal)
        assert [one.direction for one in (*first, *second)] == ways
        assert ("again" in second[0].evidence) == (ways[1] == "none")


def vehicle(portal: PortalWatch, start: int, inward: bool = True) -> None:
    """Both beams broken and free again as something goes through in 1.9 s."""
    first, second = (0, 1) if inward else (1, 0)
    for ms, eye, broken in ((0, first, True), (600, second, True), (1_300, first, False), (1_900, second, False)):
        edge(portal, start + ms, eye, broken)


@pytest.mark.parametrize(("later", "told"), [(6_000, False), (20_000, True)])
def test_a_load_does_not_go_the_same_way_twice_at_once_whoever_walks_in_behind(later: int, told: bool) -> None:
    """Somebody breaks the beams while it is still heard: it is named, and stock is told once. It may come again."""
    tags = (A, B, C)
    portal = watch()
    vehicle(portal, 0)
    feed(portal, through(200, tags=tags))
    (first,) = finish(portal)
    assert (first.direction, first.moved) == ("in", tags)
    vehicle(portal, later)
    feed(portal, through(later + 200, tags=tags))
    (second,) = finish(portal)
    assert second.direction == "in"
    assert second.moved == (tags if told else ())
    assert second.evidence.get("again") == (None if told else list(tags))


@pytest.mark.parametrize(("back", "counts"), [(1, False), (2, False), (3, True), (5, True)])
def test_the_few_of_a_load_that_seem_to_go_back_at_once_do_not(back: int, counts: bool) -> None:
    """The truck that put it down lights them up; half a load and more goes back. Later it is another errand."""
    tags = tuple(str(number) * 24 for number in range(1, 6))
    for later, expected in ((8_000, counts), (90_000, True)):
        portal = watch()
        vehicle(portal, 0)
        feed(portal, through(200, tags=tags))
        (came,) = finish(portal)
        assert came.moved == tags
        vehicle(portal, later, inward=False)
        feed(portal, through(later + 200, tags=tags[:back], rows=(INNER, OUTER)))
        (went,) = finish(portal)
        assert went.direction == "out"
        assert went.moved == (tags[:back] if expected else ())
        assert went.evidence.get("put_down") == (None if expected else list(tags[:back]))
        assert set(went.strays) == set(() if expected else tags[:back])


@pytest.mark.parametrize("inward", [True, False])
def test_what_was_counted_too_early_goes_with_its_own_load(inward: bool) -> None:
    """One tag of the next load, this way or the other, was counted with the one before: beside its own it counts."""
    first, second = tuple(str(number) * 24 for number in range(1, 5)), (A, B, C)
    portal = watch()
    vehicle(portal, 0)
    feed(portal, through(200, tags=(*first, A)))
    (came,) = finish(portal)
    assert set(came.moved) == {*first, A}
    vehicle(portal, 8_000, inward)
    feed(portal, through(8_200, tags=second, rows=(OUTER, INNER) if inward else (INNER, OUTER)))
    (went,) = finish(portal)
    assert went.moved == second
    assert not {"again", "put_down"} & set(went.evidence)


def test_a_reader_that_tells_one_level_for_all_tells_none() -> None:
    """What passes at one level has moved none the less: of its rise and fall nothing is told."""
    portal = watch()
    edge(portal, 0, 0, True)
    feed(
        portal, [(250 * row + 100 * number, row, tag, -50.0) for row in (0, 2) for number in range(8) for tag in (A, B)]
    )
    edge(portal, 500, 1, True)
    edge(portal, 900, 0, False)
    edge(portal, 1_400, 1, False)
    (passage,) = finish(portal)
    assert passage.moved == (A, B)
    assert "swing" not in {name for name, value, _ in passage.evidence["why"][A] if value is not None}


def test_phases_are_believed_once_a_tag_has_stood() -> None:
    """Chance for all of them says nothing; beside a tag whose phase holds, it tells that the others moved."""
    for still, phased in ((False, False), (True, True)):
        portal = watch()
        stays = [(ms, row, D, -55.0) for ms in range(0, 1_500, 60) for row in (OUTER, INNER)]
        chance = random.Random(7)
        toned(portal, sorted(through() + stays), lambda epc, _: 0 if epc == D and still else chance.randrange(TURN))  # noqa: B023 -- called at once
        finish(portal)
        assert portal.state.phased is phased


def test_phases_stay_believed_where_two_loads_without_any_are_parted() -> None:
    """What a portal knows of its reader outlives a passage whose reads happen to tell no phases."""
    portal = watch()
    portal.state.phased = True
    edge(portal, 0, 0, True)
    feed(portal, sorted(through(0) + through(4_500, (D, "E" * 24, "F" * 24))))
    for ms, eye, level in ((600, 1, True), (5_600, 0, False), (6_200, 1, False)):
        edge(portal, ms, eye, level)
    assert len(finish(portal)) + len(finish(portal)) == 2
    assert portal.state.phased


def test_who_pulls_a_load_takes_none_of_its_tags() -> None:
    """A person, a second of nothing, and the jack: one passage with every tag, though the beams were free between."""
    portal = watch()
    for ms, eye, level in ((0, 0, True), (400, 0, False), (1_000, 1, True), (1_400, 1, False)):
        edge(portal, ms, eye, level)
    feed(portal, through(1_000, pace=900))
    for ms, eye, level in ((1_500, 0, True), (2_500, 1, True), (2_900, 0, False), (3_900, 1, False)):
        edge(portal, ms, eye, level)
    (passage,) = finish(portal)
    assert (passage.moved, passage.direction) == ((A, B, C), "in")
    assert "followed" not in passage.evidence


def test_who_walks_behind_his_load_takes_none_of_its_tags() -> None:
    """The load is decided by itself, whatever was heard of it while the person was in the beam."""
    portal = watch()
    for ms, eye, level in ((0, 0, True), (1_000, 1, True), (1_400, 0, False), (2_300, 0, True), (2_400, 1, False)):
        edge(portal, ms, eye, level)
    feed(portal, sorted(through(600, pace=900) + through(2_000, (D,), pace=900)))
    for ms, eye, level in ((2_700, 0, False), (3_300, 1, True), (3_700, 1, False)):
        edge(portal, ms, eye, level)
    first, *_ = finish(portal)
    assert set(first.moved) >= {A, B, C}
    assert "followed" not in first.evidence
