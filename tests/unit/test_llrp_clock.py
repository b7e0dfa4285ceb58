"""The reader's clock: the smallest difference counts, lateness does not."""

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


def test_a_backlog_does_not_move_the_clock() -> None:
    """An hour of reads that come minutes late moves the offset by the leak only (200 ppm), not by minutes."""
    clock = ReaderClock()
    clock.sample(0, 0)
    for second in range(500):
        clock.sample(second * SECOND, second * SECOND - 300 * SECOND)
    assert clock.offset(500 * SECOND) == 500 * SECOND // 5_000


def test_drift_is_followed() -> None:
    """A reader losing 50 ppm stays within a few milliseconds after an hour."""
    clock = ReaderClock()
    for second in range(3600):
        clock.sample(second * SECOND, second * (SECOND - 50) - (second * 7919 % 3000))
    assert abs(clock.offset(3600 * SECOND) - 3600 * 50) < 5_000


def test_a_clock_set_forward_is_followed_at_once_and_back_after_a_window() -> None:
    """1970 → now at the first message; set back an hour: believed when a whole window says so."""
    clock = ReaderClock()
    clock.sample(10, 0)
    clock.sample(20, 50 * SECOND)
    assert clock.offset(20) == 20 - 50 * SECOND
    for second in range(1, WINDOW // SECOND * 2 + 2):
        clock.sample(second * SECOND, second * SECOND - 3600 * SECOND)
    assert abs(clock.offset(2 * WINDOW) - 3600 * SECOND) < STEP
