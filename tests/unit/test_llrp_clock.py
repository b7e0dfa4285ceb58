"""The reader's clock: the smallest difference counts, lateness does not."""

import pytest

from gateway.readers.llrp.clock import STEP, WINDOW, ReaderClock

SECOND = 1_000_000


def test_nothing_known_is_no_offset() -> None:
    """Before the first instant the offset is 0 and says so."""
    clock = ReaderClock()
    assert not clock.known
    assert clock.offset(5) == 0


def test_the_least_delay_wins() -> None:
    """Late messages change nothing; an earlier one corrects at once."""
    clock = ReaderClock()
    clock.sample(1_000 * SECOND, 990 * SECOND)
    clock.sample(1_001 * SECOND, 700 * SECOND)
    assert clock.offset(1_001 * SECOND) == 10 * SECOND + 200
    clock.sample(1_002 * SECOND, 992 * SECOND + 5)
    assert clock.offset(1_002 * SECOND) == 10 * SECOND - 5


@pytest.mark.parametrize("pace", [1.5, 2, 10, 300])
def test_a_backlog_does_not_move_the_clock(pace: float) -> None:
    """Reads of an hour ago, read faster than they were made: the offset moves by the leak only (200 ppm)."""
    clock = ReaderClock()
    clock.sample(0, 0)
    now = 0
    while (late := 3600 * SECOND - round(now * (pace - 1))) > 0 and now < 500 * SECOND:
        assert clock.sample(now, now - late) == 0
        assert clock.offset(now) <= now // 5_000
        now += SECOND // 20


def test_reads_of_any_age_do_not_move_the_clock() -> None:
    """Tags that waited in the reader for others of their report, or came out of order, are no clock that was set."""
    clock = ReaderClock()
    clock.sample(0, 0)
    for number in range(1, 2_000):
        now = number * SECOND // 10
        assert clock.sample(now, now - (number * 7919 % 61) * SECOND) == 0
    assert abs(clock.offset(200 * SECOND)) < SECOND // 20


def test_drift_is_followed() -> None:
    """A reader losing 50 ppm stays within a few milliseconds after an hour."""
    clock = ReaderClock()
    for second in range(3600):
        clock.sample(second * SECOND, second * (SECOND - 50) - (second * 7919 % 3000))
    assert abs(clock.offset(3600 * SECOND) - 3600 * 50) < 5_000


@pytest.mark.parametrize("by", [3600 * SECOND, -3600 * SECOND, 6 * SECOND, -6 * SECOND, 50 * 31_557_600 * SECOND])
def test_a_clock_that_is_set_is_followed_within_seconds(by: int) -> None:
    """An hour (or 1970 to now) forward with the second message, back when it stays so for five seconds; told once."""
    clock, told = ReaderClock(), []
    for number in range(400):
        now = number * SECOND // 10
        reader = now - 7 * SECOND + (by if number >= 100 else 0) - number * 7919 % 900_000
        told.append(clock.sample(now, reader))
        if number >= 152 or (number >= 101 and by > 0):
            assert abs(clock.offset(now) - (7 * SECOND - by)) < SECOND
    (jump,) = filter(None, told)
    assert abs(jump - by) < SECOND
    assert bool(told[101]) == (by > 0)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_odd_instants_are_forgotten(times: int) -> None:
    """One instant of the future changes nothing; after several the clock is right again within seconds."""
    clock = ReaderClock()
    for number in range(100):
        clock.sample(number * SECOND // 10, number * SECOND // 10)
    for _ in range(times):
        clock.sample(10 * SECOND, 2**62 - 1)
    assert (abs(clock.offset(10 * SECOND)) < SECOND) == (times == 1)
    for number in range(60):
        clock.sample((100 + number) * SECOND // 10, (100 + number) * SECOND // 10)
    assert abs(clock.offset(16 * SECOND)) < 5_000


def test_a_small_step_back_is_believed_after_a_window() -> None:
    """Two seconds may be a slow link: only when a whole window says so the clock was set back."""
    clock = ReaderClock()
    clock.sample(0, 0)
    told = [clock.sample(second * SECOND, (second - 2) * SECOND) for second in range(1, WINDOW // SECOND * 2 + 2)]
    assert [round(by / SECOND) for by in told if by] == [-2]
    assert abs(clock.offset(2 * WINDOW) - 2 * SECOND) < STEP
