"""State topics: what a committed turn says about devices, locations and lots."""

import asyncio
import contextlib
from typing import Any

from gateway.app.states import States
from gateway.model.inputs import Device, Input, Measurement, Tick
from gateway.model.outcome import AlarmChange, Event, HoldSet, Outcome, StockDelta
from gateway.model.settings import Sensor, Settings
from gateway.pipeline import Result
from gateway.uplink.state import StateBoard

SETTINGS = Settings("north", "gw1", sensors=(Sensor("t1", "cold 2"),))
T = 1_795_243_331_250_000


class Board(StateBoard):
    """Remembers what was set."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, Any, int | None]] = []

    def set(self, topic: str, payload: dict[str, Any] | None, *, after: int | None = None) -> None:
        """Note a topic without its prefix."""
        self.said.append((topic.removeprefix("tallyman/v1/north/state/"), payload, after))


class Lots:
    """The ledger's word on lots."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def __call__(self, gtin: str, lot: str) -> dict[str, Any]:
        """Any answer."""
        self.asked.append((gtin, lot))
        return {"gtin": gtin, "lot": lot}


def result(item: Input, outcome: Outcome | None = None, seq: int | None = None) -> Result:
    """A committed turn."""
    events = (Event(seq, "i", "receipt", "t", "j", {}, b"{}"),) if seq is not None else ()
    return Result(1, T, item, outcome if outcome is not None else Outcome(), events)


def test_a_device_is_told_with_its_state_and_reason() -> None:
    """state/device/{device}: state, detail and when."""
    board = Board()
    States(SETTINGS, board, Lots()).note(result(Device("dock/1", "down", "refused")))
    payload = {"schema": 1, "state": "down", "detail": "refused", "at": "2026-11-21T06:42:11.250000Z"}
    assert board.said == [("device/dock%2F1", payload, None)]


def test_a_location_gathers_climate_and_alarms() -> None:
    """state/location/{location} holds the latest of every sensor there and the state of its alarms."""
    board = Board()
    states = States(SETTINGS, board, Lots())
    states.note(result(Measurement("t1", "temperature", 9.0, "Cel")))
    states.note(result(Measurement("elsewhere", "temperature", 1.0, "Cel")))
    change = AlarmChange("high", "t1", T, "normal", "unacked_active", "high", location="cold 2")
    states.note(result(Tick(), Outcome((change,)), 4))
    states.note(result(Measurement("t1", "humidity", None, "%", "bad")))
    assert [topic for topic, _, _ in board.said] == ["location/cold%202"] * 3
    assert board.said[-1][1] == {
        "schema": 1,
        "climate": {
            "t1/temperature": {"value": 9.0, "unit": "Cel", "quality": "good"},
            "t1/humidity": {"value": None, "unit": "%", "quality": "bad"},
        },
        "alarms": {"high": "unacked_active"},
    }


async def test_changed_lots_are_looked_up_and_follow_their_events() -> None:
    """Each touched lot is asked of the ledger once, and its state waits for the last event of its turn."""
    board, lots = Board(), Lots()
    states = States(SETTINGS, board, lots)
    delta = StockDelta("G", "L1", "hall", "available", 1000, "each")
    effects = (delta, delta, HoldSet("G", "L2", "hall", "excursion"), StockDelta("", "", "hall", "hold", 1000, "each"))
    states.note(result(Tick(), Outcome((), effects), 7))
    states.note(result(Tick(), Outcome((), (delta,)), 8))
    running = asyncio.create_task(states.run())
    while len(board.said) < 2:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert lots.asked == [("G", "L1"), ("G", "L2")]
    assert board.said == [
        ("lot/G/L1", {"schema": 1, "gtin": "G", "lot": "L1"}, 8),
        ("lot/G/L2", {"schema": 1, "gtin": "G", "lot": "L2"}, 7),
    ]
