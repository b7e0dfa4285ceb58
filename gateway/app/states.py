"""State topics: the latest word on lots, locations and devices, set on the uplink's board as turns are committed."""

from collections.abc import Awaitable, Callable
from typing import Any

from gateway.events import topics
from gateway.model.inputs import Device, Measurement
from gateway.model.outcome import AlarmChange, HoldSet, StockDelta
from gateway.model.settings import Settings
from gateway.model.times import rfc3339
from gateway.pipe import Pipe
from gateway.pipeline import Result
from gateway.uplink.state import StateBoard

LotState = Callable[[str, str], Awaitable[dict[str, Any]]]
"""(gtin, lot) → the ledger's word on it."""

WAITING_MOST = 10_000
"""Changed lots waiting for their ledger look-up; beyond that the oldest is dropped: the next change tells it again."""


class States:
    """Keeps the board up to date. `run` looks changed lots up, beside the pipeline."""

    def __init__(self, settings: Settings, board: StateBoard, lot_state: LotState) -> None:
        self._settings = settings
        self._board = board
        self._lot_state = lot_state
        self._places = {sensor.id: sensor.location for sensor in settings.sensors}
        self._locations: dict[str, dict[str, Any]] = {}
        self._lots: Pipe[tuple[str, str, int | None]] = Pipe("lot states", WAITING_MOST)

    def note(self, result: Result) -> None:
        """Take a committed turn."""
        match result.item:
            case Device() as device:
                self.device(device, result.t)
            case Measurement() as measurement:
                self._climate(measurement, result.t)
        for decision in result.outcome.decisions:
            if isinstance(decision, AlarmChange) and decision.location is not None:
                alarms = self._location(decision.location).setdefault("alarms", {})
                alarms[decision.alarm] = decision.after
                self._publish(decision.location)
        touched = {
            (effect.gtin, effect.lot)
            for effect in result.outcome.effects
            if isinstance(effect, StockDelta | HoldSet) and effect.gtin and effect.lot
        }
        seq = result.events[-1].seq if result.events else None
        for gtin, lot in sorted(touched):
            self._lots.offer((gtin, lot, seq))

    def device(self, device: Device, t: int) -> None:
        """A device changed."""
        payload = {"schema": 1, "state": device.state, "detail": device.detail, "at": rfc3339(t)}
        self._board.set(topics.device_topic(self._settings.topic_prefix, self._settings.site, device.device), payload)

    async def run(self) -> None:
        """Look up and publish lots as they change, for ever."""
        while True:
            await self._lots.filled()
            latest = {(gtin, lot): seq for gtin, lot, seq in self._lots.take(WAITING_MOST)}
            for (gtin, lot), seq in latest.items():
                payload = await self._lot_state(gtin, lot)
                topic = topics.lot_topic(self._settings.topic_prefix, self._settings.site, gtin, lot)
                self._board.set(topic, {"schema": 1} | payload, after=seq)

    def _climate(self, measurement: Measurement, t: int) -> None:
        place = self._places.get(measurement.sensor)
        if place is None:
            return
        climate = self._location(place).setdefault("climate", {})
        climate[f"{measurement.sensor}/{measurement.quantity}"] = {
            "value": measurement.value,
            "unit": measurement.unit,
            "quality": measurement.quality,
        }
        self._publish(place)

    def _location(self, location: str) -> dict[str, Any]:
        return self._locations.setdefault(location, {})

    def _publish(self, location: str) -> None:
        topic = topics.location_topic(self._settings.topic_prefix, self._settings.site, location)
        self._board.set(topic, {"schema": 1} | self._locations[location])
