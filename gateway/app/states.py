"""State topics: the latest word on lots, locations and devices, set on the uplink's board as turns are committed."""

from collections.abc import Awaitable, Callable
from typing import Any

from gateway.events import topics
from gateway.ledger.store import lots_of
from gateway.model.inputs import Device, Measurement
from gateway.model.outcome import AlarmChange
from gateway.model.settings import Settings
from gateway.model.times import rfc3339
from gateway.pipe import Pipe
from gateway.pipeline import Result
from gateway.uplink.state import StateBoard

LotState = Callable[[str, str], Awaitable[dict[str, Any]]]
"""(gtin, lot) → the ledger's word on it."""
Known = Callable[[], Awaitable[tuple[list[tuple[str, str]], list[dict[str, Any]]]]]
"""What the ledger knows at the start: lots that are here or changed lately, and alarms with their locations."""

AT_ONCE = 256
"""Lots looked up before it is asked again which ones changed."""
WAITING_MOST = 10_000
"""Changed lots waiting for their ledger look-up; beyond that the oldest is dropped: the next change tells it again."""


class States:
    """Keeps the board up to date. `run` looks changed lots up, beside the pipeline.

    It begins with what the ledger knows: the process before may have died after a commit and before it told the
    broker, and a new broker knows nothing.
    """

    def __init__(self, settings: Settings, board: StateBoard, lot_state: LotState, known: Known) -> None:
        self._settings = settings
        self._board = board
        self._lot_state, self._known = lot_state, known
        self._places = {sensor.id: sensor.location for sensor in settings.sensors}
        self._locations: dict[str, dict[str, Any]] = {}
        self._lots: Pipe[tuple[str, str, int]] = Pipe("lot states", WAITING_MOST)

    def note(self, result: Result) -> None:
        """Take a committed turn."""
        match result.item:
            case Device() as device:
                self.device(device, result.t)
            case Measurement() as measurement:
                self._climate(measurement, result.t)
        seq = result.events[-1].seq if result.events else 0
        for decision in result.outcome.decisions:
            if isinstance(decision, AlarmChange) and decision.location is not None:
                alarms = self._location(decision.location).setdefault("alarms", {})
                alarms[decision.alarm] = decision.after
                self._publish(decision.location, seq)
        for gtin, lot in sorted(lots_of(result.outcome)):
            self._lots.offer((gtin, lot, seq))

    def device(self, device: Device, t: int) -> None:
        """A device changed."""
        payload = {"schema": 1, "state": device.state, "detail": device.detail, "at": rfc3339(t)}
        topic = topics.device_topic(self._settings.topic_prefix, self._settings.site, device.device)
        self._board.set(topic, payload, after=0)

    def gateway(self, payload: dict[str, Any]) -> None:
        """What there is to say of the gateway itself, in the form of its birth."""
        topic = topics.gateway_topic(self._settings.topic_prefix, self._settings.site, self._settings.gateway)
        self._board.set(topic, payload, after=0)

    async def run(self) -> None:
        """Publish what is known, then look up and publish lots as they change, for ever."""
        lots, alarms = await self._known()
        for row in alarms:
            self._location(row["location"]).setdefault("alarms", {}).setdefault(row["alarm"], row["state"])
        for location in sorted({row["location"] for row in alarms}):
            self._publish(location, None)
        await self._tell(dict.fromkeys(lots, 0))
        while True:
            await self._lots.filled()
            await self._tell({(gtin, lot): seq for gtin, lot, seq in self._lots.take(AT_ONCE)})

    async def _tell(self, latest: dict[tuple[str, str], int]) -> None:
        """The ledger's word on these lots, after the last event in it. Of what is gone, nothing is retained."""
        for (gtin, lot), seq in latest.items():
            found = await self._lot_state(gtin, lot)
            topic = topics.lot_topic(self._settings.topic_prefix, self._settings.site, gtin, lot)
            here = found["quantities"] or found["held"]
            self._board.set(topic, {"schema": 1} | found if here else None, after=max(seq, found["seq"]))

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
        self._publish(place, 0)

    def _location(self, location: str) -> dict[str, Any]:
        return self._locations.setdefault(location, {})

    def _publish(self, location: str, after: int | None) -> None:
        topic = topics.location_topic(self._settings.topic_prefix, self._settings.site, location)
        self._board.set(topic, {"schema": 1} | self._locations[location], after=after)
