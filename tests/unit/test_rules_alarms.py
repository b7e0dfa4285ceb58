"""Alarms: the published vectors of limit evaluation, ISA-18.2 transitions, freezing, excursions."""

import msgspec
import pytest

from gateway.model.inputs import Measurement
from gateway.model.outcome import AlarmChange
from gateway.model.settings import Limit
from gateway.rules.alarms import Exceeded, LimitState, LimitWatch

MINUTE = 60_000_000
T0 = 1_795_243_331_000_000

Found = list[AlarmChange | Exceeded]


def limit(value: float = 8.0, **changed: object) -> LimitWatch:
    """A high limit of a cold room, delays in minutes."""
    delays = {name: int(changed.pop(name, 0)) * MINUTE for name in ("on_delay", "off_delay")}  # type: ignore[call-overload]
    one = Limit("warm", "cold-1", "temperature", "high", value, **delays)
    return LimitWatch(msgspec.structs.replace(one, **changed), "cold")


def sample(watch: LimitWatch, minute: float, value: float | None, quality: str = "good") -> Found:
    """One measurement, with the tick that fell due before it."""
    at = T0 + round(minute * MINUTE)
    deadline = watch.deadline
    found = watch.due(deadline) if deadline is not None and deadline < at else []
    return found + watch.sample(at, Measurement("cold-1", "temperature", value, "Cel", quality, at))


def play(watch: LimitWatch, samples: list[tuple[float, float]], until: float | None = None) -> list[tuple[float, str]]:
    """The transitions as (minute, state after), deadlines up to `until` included."""
    found: Found = []
    for minute, value in samples:
        found += sample(watch, minute, value)
    if until is not None:
        found += watch.due(T0 + round(until * MINUTE))
    return [((one.at - T0) / MINUTE, one.after) for one in found if isinstance(one, AlarmChange)]


def test_v1_deadband() -> None:
    """V1: with limit 8 and deadband 0.5 the alarm comes above 8 and goes at 7.5, not at 7.8."""
    values = [7.9, 8.1, 7.8, 7.6, 7.5, 7.4]
    assert play(limit(deadband=0.5), list(enumerate(values))) == [(1, "unacked_active"), (4, "rtn_unacked")]


def test_v1b_the_limit_itself_is_not_beyond() -> None:
    """V1b: a value of exactly the limit is no alarm, unless the limit is inclusive."""
    assert play(limit(), [(0, 8.0), (1, 8.0)]) == []
    assert play(limit(inclusive=True), [(0, 7.9), (1, 8.0), (2, 7.99)]) == [(1, "unacked_active"), (2, "rtn_unacked")]


def test_v2_shorter_than_the_delay() -> None:
    """V2: nine degrees for nine minutes is no alarm when ten are allowed."""
    samples = [(minute, 9.0 if 5 <= minute <= 13 else 7.0) for minute in range(30)]
    assert play(limit(on_delay=10), [*samples, (60, 7.0)], until=90) == []


def test_v2b_fires_between_samples() -> None:
    """V2b: sampled at 4, 8, 12 and 16 the alarm is due at 14, by timer and not by the next sample."""
    watch = limit(on_delay=10)
    assert play(watch, [(4, 9.0), (8, 9.0), (12, 9.0)]) == []
    assert watch.deadline == T0 + 14 * MINUTE
    assert watch.due(T0 + 14 * MINUTE - 1) == []
    (change,) = watch.due(T0 + 14 * MINUTE)
    assert isinstance(change, AlarmChange)
    assert (change.at, change.value, change.limit) == (T0 + 14 * MINUTE, 9.0, 8.0)
    assert play(watch, [(16, 9.0)]) == []


def test_v2b_without_a_tick() -> None:
    """A sample after the deadline finds the alarm where the timer would have put it."""
    watch = limit(on_delay=10)
    play(watch, [(4, 9.0), (8, 9.0), (12, 9.0)])
    found = watch.sample(T0 + 16 * MINUTE, Measurement("cold-1", "temperature", 7.0, "Cel"))
    assert [(one.at - T0) // MINUTE for one in found if isinstance(one, AlarmChange)] == [14, 16]
    assert isinstance(found[-1], Exceeded)


def test_v2c_a_dip_inside_the_deadband_does_not_reset() -> None:
    """V2c: 9 at 0, 7.8 at 6 (inside the deadband), 9 at 7: the delay runs from 0."""
    assert play(limit(deadband=0.5, on_delay=10), [(0, 9.0), (6, 7.8), (7, 9.0)], until=30) == [(10, "unacked_active")]


def test_v2d_a_clear_resets() -> None:
    """V2d: 9 at 0, 7.4 at 6 (clear), 9 at 7: the delay runs from 7."""
    assert play(limit(deadband=0.5, on_delay=10), [(0, 9.0), (6, 7.4), (7, 9.0)], until=30) == [(17, "unacked_active")]


def test_v3_off_delay_needs_an_unbroken_clear() -> None:
    """V3: clear at 10, broken at 12, clear again at 13: normal at 18."""
    samples = [(0, 9.0), (10, 7.4), (12, 8.2), (13, 7.4)]
    assert play(limit(deadband=0.5, off_delay=5), samples, until=30) == [(0, "unacked_active"), (18, "rtn_unacked")]


def test_v3_a_value_in_the_deadband_breaks_the_clear() -> None:
    """A value between limit and deadband is neither beyond nor clear: the off-delay starts anew."""
    samples = [(0, 9.0), (10, 7.4), (12, 7.8), (13, 7.4)]
    assert play(limit(deadband=0.5, off_delay=5), samples, until=30) == [(0, "unacked_active"), (18, "rtn_unacked")]


def test_v4_many_hours_but_never_ten_at_once() -> None:
    """V4: above 8 for twenty hours in all, never ten at a stretch, is no alarm of a ten-hour limit."""
    samples = [(hour * 60.0, 9.0 if hour % 10 else 7.0) for hour in range(22)]
    assert play(limit(on_delay=600), samples) == []


def test_v4_like_ten_hours_at_once() -> None:
    """The same limit alarms after ten hours at a stretch, to the microsecond."""
    samples = [(hour * 60.0, 9.0) for hour in range(12)]
    assert play(limit(on_delay=600), samples) == [(600, "unacked_active")]


def test_v5_low_side() -> None:
    """V5: dips below −0.5 shorter than an hour are no alarm, one of an hour is; the low side mirrors the high one."""
    watch = limit(-0.5, side="low", on_delay=60, deadband=0.5)
    samples = [(0, -1.0), (50, 0.0), (60, -1.0), (110, 0.5), (120, -1.0), (170, -0.4), (175, -1.0)]
    assert play(watch, samples, until=500) == [(180, "unacked_active")]


def test_v7_margin() -> None:
    """V7: limit 10 with margin 1 goes off at 9.0, not at 9.01."""
    samples = list(enumerate([10.1, 9.5, 9.01, 9.0]))
    assert play(limit(10.0, deadband=1.0), samples) == [(0, "unacked_active"), (3, "rtn_unacked")]


@pytest.mark.parametrize(
    ("happenings", "states"),
    [
        ("on ack off", "A B C A"),
        ("on off ack", "A B D A"),
        ("on off on ack off", "A B D B C A"),
        ("ack on ack ack off", "A A B C C A"),
    ],
)
def test_isa_18_2_traces(happenings: str, states: str) -> None:
    """The verified traces of ISA-18.2: A normal, B unacknowledged, C acknowledged, D returned unacknowledged."""
    letters = {"normal": "A", "unacked_active": "B", "acked_active": "C", "rtn_unacked": "D"}
    watch = limit()
    seen = [letters[watch.state.state]]
    for minute, what in enumerate(happenings.split()):
        if what == "ack":
            change = watch.acknowledge(T0 + minute * MINUTE, "ann")
            assert change is None or change.by == "ann"
        else:
            sample(watch, minute, 9.0 if what == "on" else 7.0)
        seen.append(letters[watch.state.state])
    assert " ".join(seen) == states


def test_changes_say_what_and_where() -> None:
    """A transition carries alarm, source, priority, value, limit and location."""
    (change,) = sample(limit(priority="critical"), 0, 9.5)
    assert change == AlarmChange(
        "warm", "cold-1", T0, "normal", "unacked_active", "critical", value=9.5, limit=8.0, location="cold"
    )


@pytest.mark.parametrize(
    ("value", "quality"), [(None, "good"), (7.0, "bad"), (None, "stale"), (99.0, "out_of_range"), (9.0, "bad")]
)
def test_bad_samples_freeze_the_on_delay(value: float | None, quality: str) -> None:
    """While there is no good sample the delay stands still: no data is never an alarm, also not afterwards."""
    watch = limit(on_delay=10)
    sample(watch, 0, 9.0)
    assert sample(watch, 4, value, quality) == []
    assert watch.deadline is None
    assert watch.due(T0 + 60 * MINUTE) == []
    assert sample(watch, 100, value, quality) == []
    assert sample(watch, 104, 9.0) == []
    assert watch.deadline == T0 + 110 * MINUTE
    assert [one.at for one in watch.due(T0 + 110 * MINUTE) if isinstance(one, AlarmChange)] == [T0 + 110 * MINUTE]


def test_bad_samples_freeze_the_off_delay() -> None:
    """No data is never normal: the off-delay stands still, and the excursion ends where it was first clear."""
    watch = limit(off_delay=5)
    sample(watch, 0, 9.0)
    sample(watch, 10, 7.0)
    sample(watch, 12, None, "bad")
    assert watch.due(T0 + 60 * MINUTE) == []
    assert sample(watch, 30, 7.0) == []
    change, exceeded = watch.due(T0 + 33 * MINUTE)
    assert isinstance(change, AlarmChange)
    assert change.at == T0 + 33 * MINUTE
    assert isinstance(exceeded, Exceeded)
    assert (exceeded.start, exceeded.end, exceeded.mean) == (T0, T0 + 10 * MINUTE, 9.0)


def test_bad_sample_after_the_deadline_still_fires() -> None:
    """What was due before the sensor failed has happened."""
    watch = limit(on_delay=10)
    watch.sample(T0, Measurement("cold-1", "temperature", 9.0, "Cel"))
    found = watch.sample(T0 + 20 * MINUTE, Measurement("cold-1", "temperature", None, "Cel", "bad"))
    assert [one.at for one in found if isinstance(one, AlarmChange)] == [T0 + 10 * MINUTE]


def test_bad_from_the_start_is_nothing() -> None:
    """A sensor that was never good raises no alarm and needs no timer."""
    watch = limit(on_delay=10)
    assert sample(watch, 0, None, "stale") == []
    assert watch.deadline is None
    assert play(watch, [(10, 7.0), (20, 9.0)], until=60) == [(30, "unacked_active")]


def test_excursion_figures() -> None:
    """Start, end, extremes and the time-weighted mean are those between first beyond and first clear."""
    watch = limit(deadband=0.5, on_delay=5, off_delay=5)
    for minute, value in ((0, 8.5), (10, 10.0), (20, 7.8), (30, 7.0)):
        sample(watch, minute, value)
    _, exceeded = watch.due(T0 + 35 * MINUTE)
    assert isinstance(exceeded, Exceeded)
    assert (exceeded.start, exceeded.end, exceeded.unit) == (T0, T0 + 30 * MINUTE, "Cel")
    assert (exceeded.min, exceeded.max, exceeded.mean) == (7.8, 10.0, round((8.5 + 10.0 + 7.8) / 3, 3))


def test_broken_clear_is_part_of_the_excursion() -> None:
    """A clear that did not last belongs to the excursion, in its mean and in its extremes."""
    watch = limit(off_delay=5)
    for minute, value in ((0, 9.0), (10, 5.0), (12, 9.0), (20, 6.0), (22, 3.0)):
        sample(watch, minute, value)
    _, exceeded = watch.due(T0 + 25 * MINUTE)
    assert isinstance(exceeded, Exceeded)
    assert (exceeded.min, exceeded.max) == (5.0, 9.0)
    assert exceeded.mean == round((9 * 10 + 5 * 2 + 9 * 8) / 20, 3)


def test_excursion_without_duration() -> None:
    """An excursion that begins and ends at one instant has its maximum as mean."""
    watch = limit()
    sample(watch, 0, 9.0)
    found = sample(watch, 0, 7.0)
    assert isinstance(found[-1], Exceeded)
    assert (found[-1].start, found[-1].end, found[-1].mean) == (T0, T0, 9.0)


def test_time_never_runs_backwards() -> None:
    """A sample stamped before the last one counts as now, so that nothing is summed twice."""
    watch = limit()
    sample(watch, 0, 9.0)
    sample(watch, 10, 9.0)
    sample(watch, 5, 9.0)
    sample(watch, 10, 9.0)
    found = sample(watch, 20, 7.0)
    assert isinstance(found[-1], Exceeded)
    assert found[-1].mean == 9.0


def test_second_excursion_is_its_own() -> None:
    """After the return to normal a new breach starts a new excursion with its own figures."""
    watch = limit()
    sample(watch, 0, 20.0)
    sample(watch, 1, 7.0)
    sample(watch, 5, 9.0)
    found = sample(watch, 6, 7.0)
    assert isinstance(found[-1], Exceeded)
    assert (found[-1].start, found[-1].max) == (T0 + 5 * MINUTE, 9.0)


def test_abandoned_delay_starts_anew() -> None:
    """An abandoned delay does not fire; the next sample beyond the limit starts it again."""
    watch = limit(on_delay=10)
    sample(watch, 0, 9.0)
    watch.abandon()
    assert watch.deadline is None
    assert play(watch, [(11, 9.0)], until=60) == [(21, "unacked_active")]


@pytest.mark.parametrize("cut", range(9))
def test_restart_in_the_delay(cut: int) -> None:
    """A limit put down and taken up after any sample goes on as if nothing had been."""
    samples: list[tuple[float, float | None]] = [
        (0, 9.0), (4, None), (6, 9.0), (9, 7.8), (13, 9.5), (20, 7.0), (21, None), (24, 7.0), (40, 7.0),
    ]  # fmt: skip
    whole, first = limit(deadband=0.5, on_delay=10, off_delay=5), limit(deadband=0.5, on_delay=10, off_delay=5)
    expected = [change for minute, value in samples for change in sample(whole, minute, value)]
    found = [change for minute, value in samples[:cut] for change in sample(first, minute, value)]
    state = msgspec.json.decode(msgspec.json.encode(first.state), type=LimitState)
    second = LimitWatch(first.limit, "cold", state)
    assert second.deadline == first.deadline
    found += [change for minute, value in samples[cut:] for change in sample(second, minute, value)]
    assert found == expected
    assert [(one.at - T0) / MINUTE for one in expected if isinstance(one, AlarmChange)] == [12, 28]
