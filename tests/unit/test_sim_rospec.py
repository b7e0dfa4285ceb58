"""The life of a simulated ROSpec: start, stop and AISpec triggers, with a clock made of a list."""

from collections.abc import Callable
from typing import Any

import pytest

from simulators.llrp.rospec import ROSpec, State
from simulators.llrp.wire import Parameter


class Alarm:
    """A timer that the test lets go off."""

    def __init__(self, at: float, function: Callable[[], None]) -> None:
        self.at, self.function, self.off = at, function, False

    def cancel(self) -> None:
        self.off = True


class World:
    """The owner of ROSpecs, and their time in seconds."""

    def __init__(self) -> None:
        self.now, self.alarms, self.told, self.busy = 0.0, list[Alarm](), list[str](), False

    def later(self, delay: float, function: Callable[[], None]) -> Alarm:
        self.alarms.append(Alarm(self.now + delay, function))
        return self.alarms[-1]

    def pass_(self, seconds: float) -> None:
        """Let time pass; what is due goes off in order."""
        end = self.now + seconds
        while due := [alarm for alarm in self.alarms if not alarm.off and alarm.at <= end]:
            first = min(due, key=lambda alarm: alarm.at)
            self.alarms.remove(first)
            self.now = max(self.now, first.at)
            first.function()
        self.now = end

    def may_start(self, rospec: ROSpec) -> bool:
        return not self.busy

    def rospec_started(self, rospec: ROSpec) -> None:
        self.told.append("start")

    def rospec_ended(self, rospec: ROSpec) -> None:
        self.told.append("end")

    def aispec_ended(self, rospec: ROSpec, index: int) -> None:
        self.told.append(f"ai{index}")


def gpi(port: int, level: int, timeout: int = 0) -> Parameter:
    """A GPITriggerValue; the timeout is in ms."""
    return Parameter("GPITriggerValue", {"GPIPortNum": port, "GPIEvent": level, "Timeout": timeout})


def aispec(kind: int = 0, duration: int = 0, *parts: Parameter) -> Parameter:
    """An AISpec of antennas 1 and 2 with a stop trigger."""
    stop = Parameter("AISpecStopTrigger", {"AISpecStopTriggerType": kind, "DurationTrigger": duration}, [*parts])
    inventory = Parameter("InventoryParameterSpec", {"InventoryParameterSpecID": 5, "ProtocolID": 1})
    return Parameter("AISpec", {"AntennaIDs": [1, 2]}, [stop, inventory])


def tags(kind: int, n: int = 0, t: int = 0, timeout: int = 0) -> Parameter:
    """A TagObservationTrigger; t and timeout are in ms."""
    fields = {"TriggerType": kind, "NumberOfTags": n, "NumberOfAttempts": 0, "T": t, "Timeout": timeout}
    return Parameter("TagObservationTrigger", fields)


def rospec(world: World, start: int = 0, stop: int = 0, *specs: Parameter, **more: Any) -> ROSpec:
    """ROSpec 1 with these triggers."""
    start_parts = [more["start_part"]] if "start_part" in more else []
    stop_parts = [more["stop_part"]] if "stop_part" in more else []
    stop_fields = {"ROSpecStopTriggerType": stop, "DurationTriggerValue": more.get("duration", 0)}
    boundary = Parameter(
        "ROBoundarySpec",
        {},
        [
            Parameter("ROSpecStartTrigger", {"ROSpecStartTriggerType": start}, start_parts),
            Parameter("ROSpecStopTrigger", stop_fields, stop_parts),
        ],
    )
    fields = {"ROSpecID": 1, "Priority": 0, "CurrentState": 0}
    return ROSpec(Parameter("ROSpec", fields, [boundary, *(specs or (aispec(),))]), world, world.later)


def test_a_null_trigger_waits_for_the_client() -> None:
    """Enabled it is Inactive; START makes it Active, STOP Inactive, DISABLE Disabled, each told once."""
    world = World()
    spec = rospec(world)
    assert not spec.start()
    spec.enable()
    assert (spec.state, spec.antennas) == (State.INACTIVE, [])
    assert spec.start()
    assert (spec.state, spec.antennas, spec.inventory_id) == (State.ACTIVE, [1, 2], 5)
    assert not spec.start()
    spec.stop()
    spec.disable()
    assert (spec.state, world.told) == (State.DISABLED, ["start", "ai1", "end"])


def test_an_immediate_trigger_starts_at_enable_and_again_after_a_natural_end() -> None:
    """Immediate with a duration of 500 ms goes round; the client's STOP ends it for good."""
    world = World()
    spec = rospec(world, 1, 1, duration=500)
    spec.enable()
    assert spec.state is State.ACTIVE
    world.pass_(0.6)
    assert (spec.state, world.told.count("start")) == (State.ACTIVE, 2)
    spec.stop()
    world.pass_(5)
    assert (spec.state, world.told.count("start")) == (State.INACTIVE, 2)


def test_stop_in_the_gap_between_two_rounds_holds() -> None:
    """A STOP between a natural end and the next start calls the start off."""
    world = World()
    spec = rospec(world, 1, 1, duration=500)
    spec.enable()
    world.pass_(0.5)
    assert spec.state is State.INACTIVE
    spec.stop()
    world.pass_(5)
    assert spec.state is State.INACTIVE


def test_a_periodic_trigger_starts_after_the_offset_and_at_each_period() -> None:
    """Offset 100 ms, period 1 s, duration 200 ms: active in the windows that follow, never after DISABLE."""
    world = World()
    periodic = Parameter("PeriodicTriggerValue", {"Offset": 100, "Period": 1000})
    spec = rospec(world, 2, 1, duration=200, start_part=periodic)
    spec.enable()
    states = []
    for _ in range(6):
        world.pass_(0.25)
        states.append(spec.state is State.ACTIVE)
    assert states == [True, False, False, False, True, False]
    spec.disable()
    world.pass_(5)
    assert spec.state is State.DISABLED


def test_an_input_starts_and_stops_it() -> None:
    """GPI 1 going high starts, GPI 1 going low stops; other ports and edges do nothing."""
    world = World()
    spec = rospec(world, 3, 2, start_part=gpi(1, 1), stop_part=gpi(1, 0))
    spec.gpi(1, True)
    spec.enable()
    spec.gpi(2, True)
    spec.gpi(1, False)
    assert spec.state is State.INACTIVE
    spec.gpi(1, True)
    spec.gpi(2, False)
    assert spec.state is State.ACTIVE
    spec.gpi(1, False)
    assert (spec.state, world.told) == (State.INACTIVE, ["start", "ai1", "end"])


def test_an_input_that_never_falls_is_timed_out() -> None:
    """The GPI stop trigger's timeout ends it; a start soon after is not ended by the old timer."""
    world = World()
    spec = rospec(world, 3, 2, start_part=gpi(1, 1), stop_part=gpi(1, 0, timeout=300))
    spec.enable()
    spec.gpi(1, True)
    world.pass_(0.2)
    spec.gpi(1, False)
    spec.gpi(1, True)
    world.pass_(0.2)
    assert spec.state is State.ACTIVE
    world.pass_(0.2)
    assert spec.state is State.INACTIVE


def test_aispecs_work_one_after_the_other() -> None:
    """A duration, a GPI and a silence end their AISpecs in turn; the last one's end ends the ROSpec."""
    world = World()
    spec = rospec(world, 0, 0, aispec(1, 100), aispec(2, 0, gpi(2, 1)), aispec(3, 0, tags(1, t=50)))
    spec.enable()
    spec.start()
    world.pass_(0.1)
    assert spec.index == 2
    spec.gpi(2, True)
    assert spec.index == 3
    world.pass_(0.04)
    spec.observe("aa")
    world.pass_(0.04)
    spec.observe("aa")
    assert spec.state is State.ACTIVE
    world.pass_(0.02)
    assert world.told == ["start", "ai1", "ai2", "ai3", "end"]


@pytest.mark.parametrize(
    ("seen", "seconds", "state"), [(3, 0.0, State.INACTIVE), (2, 0.5, State.ACTIVE), (2, 1.0, State.INACTIVE)]
)
def test_n_observations_or_a_timeout_end_an_aispec(seen: int, seconds: float, state: State) -> None:
    """Upon N tags or timeout: whichever comes first."""
    world = World()
    spec = rospec(world, 0, 0, aispec(3, 0, tags(0, n=3, timeout=1000)))
    spec.enable()
    spec.start()
    for _ in range(seen):
        spec.observe("aa")
    world.pass_(seconds)
    assert spec.state is state


def test_a_busy_radio_lets_no_trigger_start_it() -> None:
    """While another ROSpec has the radio, a trigger passes without effect."""
    world = World()
    world.busy = True
    spec = rospec(world, 3, 0, start_part=gpi(1, 1))
    spec.enable()
    spec.gpi(1, True)
    assert (spec.state, spec.start()) == (State.INACTIVE, False)


def test_it_is_described_as_added_with_its_present_state() -> None:
    """GET_ROSPECS reports what was added and CurrentState as it is."""
    world = World()
    spec = rospec(world)
    spec.enable()
    assert spec.describe().fields == {"ROSpecID": 1, "Priority": 0, "CurrentState": 1}
    assert spec.describe().parts == spec.parameter.parts
