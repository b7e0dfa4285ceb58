"""Light stacks: shown in time, the newest wins, a failing reader hurts nobody."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway import metrics
from gateway.app import lights as lights_module
from gateway.app.lights import Lights
from gateway.errors import DeviceError
from gateway.model.outcome import DeviceCommand
from gateway.model.settings import Lights as Stack
from gateway.model.settings import Portal


class Lamp:
    """A reader that remembers its outputs."""

    def __init__(self, name: str = "r", fault: str = "") -> None:
        self.id = name
        self.fault = fault
        self.shown: list[dict[int, bool]] = []

    async def run(self) -> None:
        """Nothing to read."""

    async def set_gpo(self, port: int, level: bool) -> None:
        """One output."""
        await self.light({port: level})

    async def light(self, ports: Mapping[int, bool]) -> None:
        """All outputs."""
        await asyncio.sleep(0)
        if self.fault:
            raise DeviceError(self.id, self.fault)
        self.shown.append(dict(ports))


GREEN = {1: True, 2: False, 3: False}
RED = {1: False, 2: True, 3: False}
DARK = {1: False, 2: False, 3: False}


def command(colour: str, hold_ms: int = 20, **more: Any) -> DeviceCommand:
    """A light command that is valid until 100."""
    args = {"portal": "d", "colour": colour, "ports": {"green": 1, "red": 2, "amber": 3}, "hold_ms": hold_ms}
    return DeviceCommand("r", "light", args | more, 0, 100)


def lighting(reader: Lamp | None, now: int = 0) -> Lights:
    """The lights of two portals on one reader, started."""
    stack = Stack("r", green=1, red=2, amber=3)
    lights = Lights([Portal("d", "hall", (), lights=stack), Portal("plain", "hall", ())], lambda: now)
    lights.start({} if reader is None else {"r": reader})
    return lights


def counted(result: str) -> float:
    """How many commands ended so."""
    value: float = metrics.COMMANDS.labels("light", result)._value.get()
    return value


async def test_a_light_is_lit_and_put_out() -> None:
    """The colour's port on and the others off, then all off after the hold."""
    lamp = Lamp()
    lights = lighting(lamp, 100)
    before = counted("shown")
    lights.show(command("green"))
    await asyncio.sleep(0.01)
    assert lamp.shown == [GREEN]
    await asyncio.sleep(0.05)
    assert lamp.shown == [GREEN, DARK]
    assert counted("shown") == before + 1
    await lights.stop()


async def test_a_late_command_is_counted_and_not_sent() -> None:
    """After `valid_until` the lamp stays as it is."""
    lamp = Lamp()
    lights = lighting(lamp, 101)
    before = counted("late")
    lights.show(command("green"))
    await asyncio.sleep(0.01)
    assert lamp.shown == []
    assert counted("late") == before + 1
    await lights.stop()


async def test_the_newest_decision_of_a_portal_wins() -> None:
    """A second colour replaces the first, which does not put it out later; another portal is left alone."""
    lamp = Lamp()
    lights = lighting(lamp, 0)
    lights.show(command("green", 30))
    lights.show(command("red", 1000, portal="other"))
    await asyncio.sleep(0.005)
    lights.show(command("red", 1000))
    await asyncio.sleep(0.06)
    assert lamp.shown == [GREEN, RED, RED]
    await lights.stop()
    assert lamp.shown == [GREEN, RED, RED, DARK, DARK]  # at a stop nothing stays lit


async def test_a_stack_without_the_colour_goes_dark() -> None:
    """A colour that has no lamp lights none."""
    lamp = Lamp()
    lights = lighting(lamp, 0)
    lights.show(command("blue"))
    await asyncio.sleep(0.005)
    assert lamp.shown == [DARK]
    await lights.stop()


async def test_a_failing_reader_is_logged_and_counted() -> None:
    """The lamp that cannot be lit disturbs neither the pipeline nor the next command."""
    lamp = Lamp(fault="not connected")
    lights = lighting(lamp, 0)
    before = counted("failed")
    with capture_logs() as said:
        lights.show(command("green"))
        await asyncio.sleep(0.005)
    assert [(one["log_level"], one["reason"]) for one in said] == [("warning", "r: not connected")]
    assert counted("failed") == before + 1
    lamp.fault = ""
    lights.show(command("red"))
    await asyncio.sleep(0.005)
    assert lamp.shown == [RED]
    await lights.stop()


async def test_a_command_without_its_reader_is_counted_as_late() -> None:
    """Before `start`, after `stop`, and for a reader that is no longer configured, nothing is sent."""
    lamp = Lamp()
    before = counted("late")
    for lights in (lighting(None), Lights([], lambda: 0)):
        lights.show(command("green"))
    lights = lighting(lamp)
    await lights.stop()
    lights.show(command("green"))
    await asyncio.sleep(0.005)
    assert lamp.shown == []
    assert counted("late") == before + 3


async def test_a_reader_that_is_back_has_its_unused_lamps_put_out() -> None:
    """What a crash left lit goes out; what is being shown stays."""
    lamp = Lamp()
    lights = lighting(lamp)
    lights.connected("r")
    lights.connected("unknown")
    await asyncio.sleep(0.005)
    assert lamp.shown == [DARK]
    lights.show(command("red", 1000))
    await asyncio.sleep(0.005)
    lights.connected("r")
    await asyncio.sleep(0.005)
    assert lamp.shown == [DARK, RED]
    await lights.stop()


async def test_a_reader_that_does_not_answer_delays_no_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Putting out at a stop has its time, and then the gateway stops all the same."""
    monkeypatch.setattr(lights_module, "GOODBYE", 0.02)
    lamp = Lamp()
    lights = lighting(lamp)
    lights.show(command("red", 1000))
    await asyncio.sleep(0.005)

    async def silent(ports: Mapping[int, bool]) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(lamp, "light", silent)
    async with asyncio.timeout(1):
        await lights.stop()


def with_buzzer(lamp: Lamp) -> Lights:
    """A portal whose stack has a buzzer on port 4, started."""
    lights = Lights([Portal("d", "hall", (), lights=Stack("r", green=1, red=2, amber=3, buzzer=4))], lambda: 0)
    lights.start({"r": lamp})
    return lights


async def test_the_buzzer_sounds_shortly_with_red(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused is heard: the buzzer goes on with red in one command, off after a moment, the lamp stays on."""
    monkeypatch.setattr(lights_module, "BEEP", 0.02)
    lamp = Lamp()
    lights = with_buzzer(lamp)
    lights.show(command("red", 60))
    await asyncio.sleep(0.01)
    assert lamp.shown == [RED | {4: True}]
    await asyncio.sleep(0.03)
    assert lamp.shown[1:] == [{4: False}]
    await asyncio.sleep(0.06)
    assert lamp.shown[2:] == [DARK | {4: False}]
    await lights.stop()


async def test_the_buzzer_is_silent_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Green is no sound, a stop ends one, and a lamp that is shorter than the sound takes it along."""
    lamp = Lamp()
    lights = with_buzzer(lamp)
    lights.show(command("green", 1000))
    await asyncio.sleep(0.01)
    lights.show(command("red", 20))
    await asyncio.sleep(0.05)
    lights.show(command("red", 1000))
    await asyncio.sleep(0.01)
    await lights.stop()
    silent, sounding = DARK | {4: False}, RED | {4: True}
    assert lamp.shown == [GREEN | {4: False}, sounding, silent, sounding, silent]


async def test_a_buzzer_that_cannot_be_stopped_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that fails in between is logged, and the buzzer goes off with the lamps."""
    monkeypatch.setattr(lights_module, "BEEP", 0.02)
    lamp = Lamp()
    lights = with_buzzer(lamp)
    with capture_logs() as logs:
        lights.show(command("red", 60))
        await asyncio.sleep(0.01)
        lamp.fault = "gone"
        await asyncio.sleep(0.03)
        lamp.fault = ""
        await asyncio.sleep(0.06)
    assert [line["event"] for line in logs] == ["buzzer not stopped"]
    assert lamp.shown[-1] == DARK | {4: False}
    await lights.stop()


async def test_a_buzzer_left_on_by_a_crash_goes_off() -> None:
    """When the reader is back, the buzzer is put out with the lamps."""
    lamp = Lamp()
    lights = with_buzzer(lamp)
    lights.connected("r")
    await asyncio.sleep(0.01)
    assert lamp.shown == [DARK | {4: False}]
    await lights.stop()
