"""Whatever a reader says of its ROSpecs and antennas: no storm of commands, no alarm said twice."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.model.inputs import Row
from gateway.readers.llrp.codec import Parameter
from gateway.readers.llrp.coverage import Coverage, Verdict
from gateway.readers.llrp.health import Health
from gateway.readers.llrp.history import read, written
from gateway.readers.llrp.settings import GpiTrigger, QuietTrigger, ReaderSettings, Trigger
from gateway.readers.llrp.upkeep import ATTEMPTS, PAUSE, Upkeep

OUR = ReaderSettings("r", "h").rospec
STEPS = st.lists(
    st.tuples(st.integers(0, 400_000), st.sampled_from(["started", "ended", "preempted", "refused", "accepted", "no"])),
    max_size=60,
)


@given(STEPS, st.sampled_from([None, QuietTrigger(100_000), GpiTrigger(1)]))
def test_starts_are_never_a_storm(steps: list[tuple[int, str]], trigger: Trigger | None) -> None:
    """START_ROSPEC goes at most once per pause, never for a trigger's ROSpec, and refusals end it."""
    upkeep = Upkeep(ReaderSettings("r", "h", trigger=trigger))
    upkeep.begin(0, polls=False)
    now, starts, refusals = 0, list[int](), 0
    for pause, what in steps:
        until = now + pause
        while (deadline := upkeep.deadline) is not None and deadline <= until:
            now = max(now, deadline)
            messages = upkeep.due(now)
            assert [message.name for message in messages] == ["START_ROSPEC"]
            starts.append(now)
        now = until
        match what:
            case "started" | "ended" | "preempted":
                kind = ("started", "ended", "preempted").index(what)
                upkeep.event(
                    Parameter("ROSpecEvent", {"EventType": kind, "ROSpecID": OUR, "PreemptingROSpecID": 1}), now
                )
                refusals = 0 if what == "started" else refusals
            case "refused":
                refusals += 1
                assert upkeep.refused(now) is (trigger != GpiTrigger(1) and refusals >= ATTEMPTS)
            case "accepted":
                upkeep.started()
                refusals = 0
    assert all(later - earlier >= PAUSE for earlier, later in pairwise(starts))
    assert trigger != GpiTrigger(1) or not starts


WINDOWS = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=25)
"""Percent of the tags each antenna sees. Never all: a window ends with its last tag's first read, and what a second
antenna then says of that tag belongs to the next window."""


@given(WINDOWS)
def test_poor_and_well_take_turns(windows: list[tuple[int, int]]) -> None:
    """Whatever the antennas see, each becomes poor and well in turns, poor first."""
    coverage, found = Coverage([(1, 2)]), list[Verdict]()
    for number, shares in enumerate(windows):
        rows: list[Row] = []
        for tag in range(200):
            seen = [antenna for antenna, share in zip((1, 2), shares, strict=True) if tag % 100 < share]
            rows += [(0, antenna, f"{number}-{tag}") for antenna in seen or [1]]
        found += coverage.take(rows)
    for antenna in (1, 2):
        mine = [verdict.well for verdict in found if verdict.antenna == antenna]
        assert mine == [bool(turn % 2) for turn in range(len(mine))]


@given(WINDOWS, st.integers(0, 25))
def test_a_restart_changes_no_verdict(windows: list[tuple[int, int]], restart: int) -> None:
    """Stopped between any two windows and started again, the antennas are judged as if nothing had been."""
    whole, found, again = Coverage([(1, 2)]), list[Verdict](), list[Verdict]()
    parted = Coverage([(1, 2)])
    for number, shares in enumerate(windows):
        if number == restart:
            past, parted = read(written(parted.past())), Coverage([(1, 2)])
            parted.recall(past)
        rows: list[Row] = []
        for tag in range(200):
            seen = [antenna for antenna, share in zip((1, 2), shares, strict=True) if tag % 100 < share]
            rows += [(0, antenna, f"{number}-{tag}") for antenna in seen or [1]]
        found += whole.take(rows)
        again += parted.take(rows)
    assert again == found
    assert parted.past() == whole.past()


@given(
    st.lists(
        st.tuples(st.sampled_from(["there", "gone", "trouble", "time", "read"]), st.integers(0, 3)),
        max_size=40,
    )
)
def test_no_state_is_told_twice(happenings: list[tuple[str, int]]) -> None:
    """Every Device input differs from the one before it of the same part."""
    health, last, now = Health("r", [(1, 2)]), dict[str, object](), 0
    for what, antenna in happenings:
        now += 20_000_000
        told = {
            "there": lambda a=antenna: health.antenna(a, True),
            "gone": lambda a=antenna: health.antenna(a, False),
            "trouble": lambda a=antenna, t=now: health.complaint("hot", a, t),
            "time": lambda t=now: health.passed(t),
            "read": lambda a=antenna: health.read([(0, a, "AA")]),
        }[what]()
        for device in told:
            assert last.get(device.device) != device
            last[device.device] = device
