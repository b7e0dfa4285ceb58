"""Who restarts whom: devices for ever, the core never."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from gateway import supervisor
from gateway.errors import DeviceError, RefusedError
from gateway.supervisor import FIRST_PAUSE, HEALTHY, guarded, keep, last_line, running


class Flaky:
    """A device whose runs end as told: an exception to raise, or seconds of a good run before a plain return."""

    id = "dock-1"

    def __init__(self, *ends: Exception | float) -> None:
        self.ends = list(ends)
        self.runs = 0
        self.spent = asyncio.Event()

    async def run(self) -> None:
        """One run; when none is left, wait for ever."""
        self.runs += 1
        if not self.ends:
            self.spent.set()
            await asyncio.Event().wait()
        end = self.ends.pop(0)
        if isinstance(end, Exception):
            raise end
        CLOCK.now += end


CLOCK = SimpleNamespace(now=0.0)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The longest pause that each back-off would allow; nothing really pauses, and time stands still."""
    longest: list[float] = []

    def uniform(low: float, high: float) -> float:
        assert 0 < low <= high
        longest.append(high)
        return 0.0

    CLOCK.now = 0.0
    monkeypatch.setattr(supervisor, "random", SimpleNamespace(uniform=uniform))
    monkeypatch.setattr(supervisor, "time", SimpleNamespace(monotonic=lambda: CLOCK.now))
    return longest


async def kept(device: Flaky, reports: list[tuple[str, str, str]], longest: float = 30.0) -> None:
    """Keep a device until it has used up all its ends, then stop it."""

    async def report(name: str, state: str, detail: str) -> None:
        reports.append((name, state, detail))

    task = asyncio.create_task(keep(device, report, longest=longest))
    async with asyncio.timeout(5):
        await device.spent.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def down(text: str) -> DeviceError:
    """The failure of dock-1 for a reason."""
    return DeviceError("dock-1", text)


async def test_a_device_is_run_again_for_ever(pauses: list[float]) -> None:
    """Twenty failures in a row are twenty-one runs."""
    device = Flaky(*[down("refused")] * 20)
    await kept(device, [])
    assert device.runs == 21


async def test_every_end_of_a_run_is_reported(pauses: list[float]) -> None:
    """Whoever is told may miss none: the same reason twice is two reports, a refusal is a fault and not down."""
    reports: list[tuple[str, str, str]] = []
    await kept(Flaky(down("no route"), down("no route"), RefusedError("dock-1", "ADD_ROSPEC refused")), reports)
    assert reports == [
        ("dock-1", "down", "dock-1: no route"),
        ("dock-1", "down", "dock-1: no route"),
        ("dock-1", "fault", "dock-1: ADD_ROSPEC refused"),
    ]


async def test_a_reason_is_logged_once(pauses: list[float]) -> None:
    """A reader that is off all night is one line in the log, not one per attempt."""
    with capture_logs() as lines:
        await kept(Flaky(*[down("refused")] * 10), [])
    assert [(line["event"], line["reason"]) for line in lines] == [("device down", "dock-1: refused")]


async def test_the_pause_doubles_up_to_its_bound(pauses: list[float]) -> None:
    """Back-off grows from half a second by doubling and stays at `longest`."""
    await kept(Flaky(*[down("refused")] * 8), [], longest=5.0)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0, 5.0]


async def test_a_healthy_run_starts_the_back_off_afresh(pauses: list[float]) -> None:
    """After a run of HEALTHY seconds the pause is the first again, and the same reason is news for the log again."""
    with capture_logs() as lines:
        await kept(Flaky(down("refused"), down("refused"), HEALTHY, down("refused")), [])
    assert pauses == [0.5, 1.0, FIRST_PAUSE, 0.5]
    assert [line["reason"] for line in lines] == ["dock-1: refused"] * 2


async def test_waiting_for_room_is_not_health(pauses: list[float]) -> None:
    """Time spent handing in the report does not make a failed run a healthy one."""
    device = Flaky(down("refused"), down("refused"))

    async def report(name: str, state: str, detail: str) -> None:
        CLOCK.now += HEALTHY * 2

    task = asyncio.create_task(keep(device, report))
    async with asyncio.timeout(5):
        await device.spent.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert pauses == [0.5, 1.0]


async def test_an_internal_fault_of_a_driver_does_not_stop_the_dock(pauses: list[float]) -> None:
    """A bug in a driver is reported as such, logged with its trace, and the device is run again."""
    reports: list[tuple[str, str, str]] = []
    device = Flaky(ZeroDivisionError("division by zero"), down("refused"))
    with capture_logs() as lines:
        await kept(device, reports)
    assert device.runs == 3
    assert reports[0] == ("dock-1", "down", "internal fault in dock-1: ZeroDivisionError('division by zero')")
    assert lines[0]["log_level"] == "error"
    assert lines[0]["exc_info"]


async def test_cancelling_keep_cancels_the_device() -> None:
    """A stop reaches the device's own code, which may say goodbye."""
    said: list[str] = []

    class Polite:
        id = "dock-1"

        async def run(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                said.append("CLOSE_CONNECTION")

    task = asyncio.create_task(keep(Polite(), nobody))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert said == ["CLOSE_CONNECTION"]


async def nobody(name: str, state: str, detail: str) -> None:
    """A report that must not come."""
    raise AssertionError(f"a stop is not a failure: {detail}")


async def test_a_stop_wins_over_a_link_that_fails_at_the_same_instant() -> None:
    """A TaskGroup raises its child's error instead of the cancellation; the device is not run again all the same."""
    going = asyncio.Event()

    class Torn:
        id = "dock-1"
        runs = 0

        async def run(self) -> None:
            self.runs += 1
            going.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise down("connection reset") from None

    device = Torn()
    task = asyncio.create_task(keep(device, nobody))
    await going.wait()
    task.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert device.runs == 1


async def test_a_run_that_loses_the_order_to_stop_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that swallows a cancellation, and goes on working, does not keep the process from ending."""
    monkeypatch.setattr(supervisor, "STOP_AGAIN", 0.01)
    going = asyncio.Event()
    told = 0

    class Deaf:
        id = "mqtt"

        async def run(self) -> None:
            nonlocal told
            going.set()
            while told < 3:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    told += 1
            raise asyncio.CancelledError

    task = asyncio.create_task(keep(Deaf(), nobody))
    await going.wait()
    task.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert told == 3


async def test_a_second_order_to_stop_leaves_no_run_behind() -> None:
    """Told twice, as nested task groups do, keep still waits until the device has said goodbye."""
    going, said = asyncio.Event(), asyncio.Event()

    class Slow:
        id = "dock-1"

        async def run(self) -> None:
            going.set()
            try:
                await asyncio.Event().wait()
            finally:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(0.01)
                said.set()

    task = asyncio.create_task(keep(Slow(), nobody))
    await going.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert said.is_set()


async def test_a_device_that_cancels_itself_is_run_again(pauses: list[float]) -> None:
    """A cancellation that nobody ordered is a fault of the driver, and no stop."""
    reports: list[tuple[str, str, str]] = []

    class Odd(Flaky):
        async def run(self) -> None:
            if not self.runs:
                self.runs += 1
                raise asyncio.CancelledError
            await super().run()

    await kept(Odd(), reports)
    assert reports == [("dock-1", "down", "was cancelled from within")]


def job(name: str, ended: list[str]) -> Callable[[], Coroutine[Any, Any, None]]:
    """A job that works until it is stopped, and then notes its name."""

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    return work


async def test_the_innermost_jobs_stop_first() -> None:
    """Nested `running` blocks end inside out: drivers before the pipeline, the pipeline before nothing."""
    ended: list[str] = []
    async with (
        running(("pipeline", job("pipeline", ended)())),
        running(("mqtt", job("mqtt", ended)()), ("influxdb", job("influxdb", ended)())),
        running(("reader", job("reader", ended)())),
    ):
        await asyncio.sleep(0)
    assert ended[0] == "reader"
    assert set(ended[1:3]) == {"mqtt", "influxdb"}
    assert ended[3] == "pipeline"


async def test_a_job_that_fails_ends_the_block_with_its_error() -> None:
    """The block is cancelled, the other jobs too, and the error comes out."""
    ended: list[str] = []

    async def fail() -> None:
        await asyncio.sleep(0)
        raise OSError(28, "No space left on device")

    with pytest.raises(ExceptionGroup) as caught:
        async with running(("core", fail()), ("other", job("other", ended)())):
            await asyncio.Event().wait()
    assert caught.group_contains(OSError, match="No space left")
    assert ended == ["other"]


async def test_an_error_of_the_block_stops_its_jobs() -> None:
    """The block's own error comes out after its jobs have stopped."""
    ended: list[str] = []

    async def block() -> None:
        async with running(("other", job("other", ended)())):
            await asyncio.sleep(0)
            raise ValueError("the block")

    with pytest.raises(ExceptionGroup) as caught:
        await block()
    assert caught.group_contains(ValueError, match="the block")
    assert ended == ["other"]


async def test_jobs_carry_their_names() -> None:
    """A task is named like its job, so that a stack dump of the process can be read."""
    names: list[str] = []

    async def work() -> None:
        task = asyncio.current_task()
        assert task is not None
        names.append(task.get_name())

    async with running(("scale-1", work())):
        await asyncio.sleep(0)
    assert names == ["scale-1"]


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (OSError(28, "No space left on device"), "OSError: [Errno 28] No space left on device"),
        (ExceptionGroup("unhandled errors in a TaskGroup", [ValueError("lot")]), "ValueError: lot"),
        (ExceptionGroup("outer", [ExceptionGroup("inner", [KeyError("a"), ValueError("b")])]), "KeyError: 'a'"),
        (BaseExceptionGroup("outer", [KeyboardInterrupt()]), "KeyboardInterrupt: "),
    ],
)
def test_the_last_line_is_the_innermost_error(fault: BaseException, line: str) -> None:
    """What a dying process says names the real error, not the groups around it."""
    assert last_line(fault) == line


async def test_guarded_tells_before_it_raises() -> None:
    """What ends the core is told, so that it can be counted against its input, and still ends the process."""
    told: list[Exception] = []

    async def core() -> None:
        raise ValueError("poison")

    with pytest.raises(ValueError, match="poison"):
        await guarded(core, told.append)
    assert [str(fault) for fault in told] == ["poison"]


async def test_guarded_is_silent_about_a_stop() -> None:
    """A clean end and a cancellation are not faults of the core."""
    told: list[Exception] = []

    async def core() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await guarded(core, told.append)

    async def fine() -> None:
        return

    await guarded(fine, told.append)
    assert told == []


def test_the_supervisor_logs_through_structlog() -> None:
    """Its logger is bound late, so that the configuration of the process counts."""
    assert isinstance(supervisor.log, structlog._config.BoundLoggerLazyProxy)
