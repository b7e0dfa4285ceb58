"""Measurements, alarms and excursions become the facts that rules over them look at. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gateway.events.ids import event_id
from gateway.model.inputs import Measurement
from gateway.model.outcome import AlarmChange
from gateway.model.settings import Location, Settings
from gateway.rules.candidates import Candidate, Changed, Exceeding, Occasion, Watched
from gateway.rules.checks import AlarmChecks, ExcursionChecks, MeasurementChecks
from gateway.rules.ruleset import RuleMemory, RuleSet
from gateway.rules.ruleset import watching as ruleset

MINUTE = 60_000_000


class Watch:
    """The rules over what is no movement, under one configuration. What it remembers is the engine's."""

    def __init__(self, settings: Settings, rules: RuleSet, memory: RuleMemory) -> None:
        self._settings = settings
        self._rules = rules
        self._memory = memory
        self._zone = ZoneInfo(settings.timezone)
        self._places = {place.id: place for place in settings.locations}
        self._sensors = {sensor.id: sensor.location for sensor in settings.sensors}
        self._measured = bool(rules.on("measurement"))
        self._own = frozenset(alarm for rule in rules.rules for alarm in rule.alarms)
        self.looks = bool(rules.on("alarm") or rules.on("excursion"))

    @property
    def deadline(self) -> int | None:
        """When (µs) a condition has held for as long as its rule asks."""
        return ruleset.deadline(self._rules, self._memory)

    def due(self, t: int) -> list[Watched]:
        """The rules whose time has come."""
        return ruleset.due(self._rules, self._memory, t)

    def boot(self) -> None:
        """The gateway was off: what is measured waits for the next sample."""
        ruleset.freeze(self._memory)

    def abandon(self, t: int) -> None:
        """Give up what is due by `t`."""
        ruleset.abandon(self._rules, self._memory, t)

    def measured(self, at: int, measurement: Measurement) -> list[Watched]:
        """A sample, measured at `at` (µs)."""
        if not self._measured:
            return []
        key = (measurement.sensor, measurement.quantity)
        if measurement.quality != "good" or measurement.value is None:
            ruleset.freeze(self._memory, at, key)
            return []
        location = self._sensors.get(measurement.sensor, "")
        kind, climate = self._place(location)
        facts = MeasurementChecks(
            at=self._instant(at),
            sensor=measurement.sensor,
            location=location,
            location_kind=kind,
            climate_class=climate,
            quantity=measurement.quantity,
            value=measurement.value,
            unit=measurement.unit,
        )
        place = location or measurement.sensor
        occasion = Occasion("measurement", "/".join(key), place, at, location or None)
        return ruleset.watch(self._rules, self._memory, occasion, key, facts)

    def happened(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """What the rules say to the alarms that changed and the excursions that ended."""
        found: list[Candidate] = []
        for one in candidates:
            if isinstance(one, Changed):
                found += self._changed(one.change)
            elif isinstance(one, Exceeding):
                found += self._exceeded(one)
        return found

    def _changed(self, change: AlarmChange) -> list[Watched]:
        if change.alarm in self._own:
            return []  # a person acknowledged what a rule raised
        kind, climate = self._place(change.location)
        facts = AlarmChecks(
            at=self._instant(change.at),
            alarm=change.alarm,
            source=change.source,
            location=change.location,
            location_kind=kind,
            climate_class=climate,
            state=change.after,
            active=change.after in ("unacked_active", "acked_active"),
            acked=change.after in ("acked_active", "normal"),
            priority=change.priority,
            value=change.value,
            limit=change.limit,
            by=change.by,
        )
        place = change.location or change.source
        occasion = Occasion("alarm", change.alarm, place, change.at, change.location)
        return ruleset.watch(self._rules, self._memory, occasion, (change.alarm,), facts)

    def _exceeded(self, one: Exceeding) -> list[Watched]:
        exceeded, limit = one.exceeded, one.exceeded.limit
        kind, climate = self._place(one.location)
        facts = ExcursionChecks(
            at=self._instant(exceeded.end),
            alarm=limit.id,
            sensor=limit.sensor,
            location=one.location,
            location_kind=kind,
            climate_class=climate,
            quantity=limit.quantity,
            unit=exceeded.unit,
            minutes=round((exceeded.end - exceeded.start) / MINUTE, 2),
            lowest=exceeded.min,
            highest=exceeded.max,
            mean=exceeded.mean,
            limit=limit.limit,
            side=limit.side,
            hold=limit.hold,
        )
        ident = event_id(self._settings.site, self._settings.gateway, "excursion", limit.id, exceeded.start)
        occasion = Occasion("excursion", ident, one.location, exceeded.end, one.location or None)
        return ruleset.watch(self._rules, self._memory, occasion, (ident,), facts)

    def _place(self, location: str | None) -> tuple[str | None, str | None]:
        place: Location | None = self._places.get(location or "")
        return (place.kind, place.climate_class) if place is not None else (None, None)

    def _instant(self, at: int) -> datetime:
        return datetime.fromtimestamp(at // 1_000_000, tz=UTC).astimezone(self._zone)
