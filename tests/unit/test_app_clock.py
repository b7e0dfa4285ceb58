"""Gateway time follows the system's clock, and never goes back."""

from pathlib import Path

import pytest

from gateway.app import clock as clock_module
from gateway.app.clock import AHEAD_MOST, GatewayClock

HOUR = 3_600_000_000


class Clocks:
    """A system clock and a steady one that the test turns."""

    def __init__(self) -> None:
        self.wall = 1_795_243_331_000_000
        self.steady = 5

    def pass_by(self, us: int) -> None:
        """Both clocks go on."""
        self.wall += us
        self.steady += us


def test_it_is_the_system_clock() -> None:
    """While nobody sets the clock, gateway time is the system's."""
    clocks = Clocks()
    clock = GatewayClock(lambda: clocks.wall, lambda: clocks.steady)
    for _ in range(3):
        clocks.pass_by(1234)
        assert clock() == clocks.wall
    assert clock.ahead == 0


def test_a_step_forward_is_followed() -> None:
    """A clock set forward is believed at once."""
    clocks = Clocks()
    clock = GatewayClock(lambda: clocks.wall, lambda: clocks.steady)
    clock()
    clocks.wall += HOUR
    assert clock() == clocks.wall


def test_a_step_back_slows_it_down() -> None:
    """After a step back time goes on a little slower, and is the system's again once that has caught up."""
    clocks = Clocks()
    clock = GatewayClock(lambda: clocks.wall, lambda: clocks.steady)
    before = clock()
    clocks.wall -= HOUR
    assert clock() == before
    clocks.pass_by(1_000_000)
    assert clock() == before + 950_000
    assert clock.ahead == HOUR - 50_000 > AHEAD_MOST
    clocks.pass_by(20 * HOUR)
    assert clock() == clocks.wall
    assert clock.ahead == 0


def test_it_never_goes_back() -> None:
    """Whatever the system's clock does, no answer is earlier than the one before."""
    clocks = Clocks()
    clock = GatewayClock(lambda: clocks.wall, lambda: clocks.steady)
    last = clock()
    for step in (10, -HOUR, 5, HOUR * 2, -3, -HOUR * 5, 0):
        clocks.wall += step
        clocks.steady += 10
        assert clock() >= last
        last = clock()


def test_it_begins_where_the_journal_ended() -> None:
    """A start with a clock that is behind the journal goes on from the journal's end."""
    clocks = Clocks()
    clock = GatewayClock(lambda: clocks.wall, lambda: clocks.steady)
    floor = clocks.wall + HOUR
    clock.not_before(floor)
    assert clock() >= floor
    clocks.pass_by(100)
    assert clock() > floor


def test_its_quality(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown until the network has set it, synced then, at fault while ahead of a clock that was set back."""
    clocks, mark = Clocks(), tmp_path / "synchronized"
    monkeypatch.setattr(clock_module, "CLOCK_MARK", mark)
    clock = GatewayClock(lambda: clocks.wall, lambda: clocks.steady)
    clock()
    assert clock.quality == "unknown"
    mark.touch()
    assert clock.quality == "synced"
    clocks.wall -= 2 * AHEAD_MOST
    assert clock.quality == "fault"
