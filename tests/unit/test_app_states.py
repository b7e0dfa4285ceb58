"""State topics: what a committed turn says about devices, locations and lots."""

import asyncio
import contextlib
from typing import Any

from gateway.app.states import Known, States
from gateway.model.inputs import Device, Input, Measurement, Tick
from gateway.model.outcome import AlarmChange, DocumentChange, Event, HoldEnd, Outcome, StockDelta
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
    """The ledger's word on lots: those in `gone` are no longer here; `seq` is their last event."""

    def __init__(self, *gone: str, seq: int = 0) -> None:
        self.asked: list[tuple[str, str]] = []
        self.gone, self.seq = gone, seq

    async def __call__(self, gtin: str, lot: str) -> dict[str, Any]:
        """Its answer."""
        self.asked.append((gtin, lot))
        return {"lot": lot, "held": False, "quantities": [] if lot in self.gone else ["some"], "seq": self.seq}


async def nothing() -> tuple[list[tuple[str, str]], list[dict[str, Any]]]:
    """A ledger that knows nothing yet."""
    return [], []


def told(board: Board, lots: Lots, known: Known = nothing) -> States:
    """States that look at these."""
    return States(SETTINGS, board, lots, known)


async def run(states: States, board: Board, count: int) -> None:
    """Let them work until so many topics were set."""
    running = asyncio.create_task(states.run())
    while len(board.said) < count:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def result(item: Input, outcome: Outcome | None = None, seq: int | None = None) -> Result:
    """A committed turn."""
    events = (Event(seq, "i", "receipt", "t", "j", {}, b"{}"),) if seq is not None else ()
    return Result(1, T, item, outcome if outcome is not None else Outcome(), events)


def test_a_device_is_told_with_its_state_and_reason() -> None:
    """state/device/{device}: state, detail and when."""
    board = Board()
    told(board, Lots()).note(result(Device("dock/1", "down", "refused")))
    payload = {"schema": 1, "state": "down", "detail": "refused", "at": "2026-11-21T06:42:11.250000Z"}
    assert board.said == [("device/dock%2F1", payload, 0)]


def test_a_location_gathers_climate_and_alarms() -> None:
    """state/location/{location} holds the latest of every sensor there and the state of its alarms."""
    board = Board()
    states = told(board, Lots())
    states.note(result(Measurement("t1", "temperature", 9.0, "Cel")))
    states.note(result(Measurement("elsewhere", "temperature", 1.0, "Cel")))
    change = AlarmChange("high", "t1", T, "normal", "unacked_active", "high", location="cold 2")
    states.note(result(Tick(), Outcome((change,)), 4))
    states.note(result(Measurement("t1", "humidity", None, "%", "bad")))
    assert [(topic, after) for topic, _, after in board.said] == [("location/cold%202", after) for after in (0, 4, 0)]
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
    board, lots = Board(), Lots("L2")
    states = told(board, lots)
    delta = StockDelta("G", "L1", "hall", "available", 1000, "each")
    effects = (delta, delta, HoldEnd("G", "L2", "hall", "me"), StockDelta("", "", "hall", "hold", 1000, "each"))
    states.note(result(Tick(), Outcome((), effects), 7))
    states.note(result(Tick(), Outcome((), (delta, DocumentChange("lot", "G/C7/26", 1, None))), 8))
    await run(states, board, 3)
    assert lots.asked == [("G", "L1"), ("G", "L2"), ("G", "C7/26")]
    assert [(topic, payload and payload["lot"], after) for topic, payload, after in board.said] == [
        ("lot/G/L1", "L1", 8),
        ("lot/G/L2", None, 7),  # gone: nothing is retained
        ("lot/G/C7%2F26", "C7/26", 8),
    ]


async def test_the_start_tells_what_the_ledger_knows() -> None:
    """Lots and alarms come from the ledger first, after their last event; an alarm that changed since then stays."""

    async def known() -> tuple[list[tuple[str, str]], list[dict[str, Any]]]:
        rows = [("high", "unacked_active"), ("low", "normal")]
        return [("G", "L1")], [{"alarm": alarm, "location": "cold 2", "state": state} for alarm, state in rows]

    board = Board()
    states = told(board, Lots(seq=41), known)
    change = AlarmChange("high", "t1", T, "unacked_active", "acked_active", "high", location="cold 2")
    states.note(result(Tick(), Outcome((change,)), 42))
    await run(states, board, 3)
    assert board.said[1:] == [
        ("location/cold%202", {"schema": 1, "alarms": {"high": "acked_active", "low": "normal"}}, None),
        ("lot/G/L1", {"schema": 1, "lot": "L1", "held": False, "quantities": ["some"], "seq": 41}, 41),
    ]
