"""Alarms: limits with delays and deadband in event time, as ISA-18.2 / IEC 62682 states, and excursions. Pure.

    beyond(v)  high: v > limit (>= when inclusive)         low mirrored
    clear(v)   high: v <= limit − deadband                 low mirrored
    on   beyond for on_delay without a clear()  → active at first + on_delay
    off  clear for off_delay without a break    → inactive at first clear + off_delay

States: normal, unacked_active, acked_active, rtn_unacked. The last value holds between samples; a sample that is not
good freezes the timers: no data is never "normal", and never an alarm either.
"""

from msgspec import Struct
from msgspec.structs import replace

from gateway.model.inputs import Measurement
from gateway.model.outcome import AlarmChange
from gateway.model.settings import Limit

# (state, what happened) → state; what is absent changes nothing.
TRANSITIONS = {
    ("normal", "on"): "unacked_active",
    ("unacked_active", "ack"): "acked_active",
    ("unacked_active", "off"): "rtn_unacked",
    ("acked_active", "off"): "normal",
    ("rtn_unacked", "ack"): "normal",
    ("rtn_unacked", "on"): "unacked_active",
}


class LimitState(Struct):
    """What a limit remembers between samples; instants µs of event time."""

    state: str = "normal"
    beyond: int | None = None  # since when the on-delay runs
    clear: int | None = None  # since when the off-delay runs
    frozen: int | None = None  # since when there is no good sample
    lost: int = 0  # µs frozen while the running delay ran
    value: float | None = None
    unit: str = ""
    at: int = 0
    start: int | None = None  # of the excursion
    low: float = 0.0
    high: float = 0.0
    area: float = 0.0  # value × µs since start
    ended: int = -1  # end of the excursion before: no two begin at one instant, which is their identity
    to_clear: tuple[float, float, float] = (0.0, 0.0, 0.0)  # low, high, area when the off-delay began


class Exceeded(Struct, frozen=True):
    """A finished excursion, before the lots are known. `mean` is weighted by time."""

    limit: Limit
    unit: str
    start: int
    end: int
    min: float
    max: float
    mean: float


class LimitWatch:
    """The state machine of one limit."""

    def __init__(self, limit: Limit, location: str, state: LimitState | None = None) -> None:
        self.limit = limit
        self.location = location
        self.state = state if state is not None else LimitState()

    @property
    def active(self) -> bool:
        """Whether the condition is present, acknowledged or not."""
        return self.state.state in ("unacked_active", "acked_active")

    @property
    def deadline(self) -> int | None:
        """When (µs) a delay runs out."""
        state = self.state
        if state.frozen is not None:
            return None
        if self.active:
            return None if state.clear is None else state.clear + self.limit.off_delay + state.lost
        return None if state.beyond is None else state.beyond + self.limit.on_delay + state.lost

    def sample(self, at: int, measurement: Measurement) -> list[AlarmChange | Exceeded]:
        """Take one measurement of this limit's quantity, seen at `at` (µs); time never runs backwards here."""
        state = self.state
        at = max(at, state.at)
        changes = self.due(at)
        value = measurement.value
        if measurement.quality != "good" or value is None:
            if state.frozen is None:
                self._integrate(at)
                state.frozen = state.at = at
            return changes
        if state.frozen is not None:
            state.lost += at - state.frozen
            state.frozen = None
        self._integrate(at)
        state.value, state.unit, state.at = value, measurement.unit, at
        if self._beyond(value):
            state.clear = None
            first = max(at, state.ended + 1)
            if state.beyond is None:
                state.beyond, state.lost = first, 0
            if state.start is None:
                state.start, state.low, state.high, state.area = first, value, value, 0.0
        elif self._clear(value):
            if not self.active:
                state.beyond = state.start = None
            elif state.clear is None:
                state.clear, state.lost = at, 0
                state.to_clear = state.low, state.high, state.area
        else:
            state.clear = None
        if state.start is not None:
            state.low, state.high = min(state.low, value), max(state.high, value)
        return changes + self.due(at)

    def due(self, t: int) -> list[AlarmChange | Exceeded]:
        """Fire the delay that has run out by `t`, if one has."""
        deadline = self.deadline
        if deadline is None or t < deadline:
            return []
        state = self.state
        if not self.active:
            return [change for change in [self._step("on", deadline)] if change is not None]
        start, end = state.start, state.clear
        changed = self._step("off", deadline)
        changes: list[AlarmChange | Exceeded] = [] if changed is None else [changed]
        if start is not None and end is not None:
            low, high, area = state.to_clear
            mean = area / (end - start) if end > start else high
            changes.append(Exceeded(self.limit, state.unit, start, end, round(low, 3), round(high, 3), round(mean, 3)))
            state.ended = end
        state.beyond = state.clear = state.start = None
        return changes

    def boot(self) -> None:
        """The gateway was off since the last sample, however long: delays wait for the next one."""
        if self.state.frozen is None and self.state.value is not None:
            self.state.frozen = self.state.at

    def abandon(self) -> None:
        """Let the running delay go; the next sample starts it anew."""
        self.state.beyond = self.state.clear = self.state.start = None

    def acknowledge(self, at: int, by: str) -> AlarmChange | None:
        """A person has seen it."""
        return self._step("ack", at, by)

    def removed(self, at: int) -> AlarmChange | None:
        """The limit is no longer in the configuration: an alarm nobody could acknowledge any more ends with it."""
        if self.state.state == "normal":
            return None
        return replace(self._change(at, self.state.state, "normal"), detail="the limit was removed")

    def _step(self, what: str, at: int, by: str = "") -> AlarmChange | None:
        state = self.state
        after = TRANSITIONS.get((state.state, what))
        if after is None:
            return None
        before, state.state = state.state, after
        return replace(self._change(at, before, after), by=by)

    def _change(self, at: int, before: str, after: str) -> AlarmChange:
        return AlarmChange(
            alarm=self.limit.id,
            source=self.limit.sensor,
            at=at,
            before=before,
            after=after,
            priority=self.limit.priority,
            value=self.state.value,
            limit=self.limit.limit,
            location=self.location,
        )

    def _integrate(self, at: int) -> None:
        """Hold the last value up to `at`."""
        state = self.state
        if state.start is not None and state.value is not None and at > state.at:
            state.area += state.value * (at - state.at)

    def _beyond(self, value: float) -> bool:
        limit = self.limit.limit
        if self.limit.inclusive and value == limit:
            return True
        return value > limit if self.limit.side == "high" else value < limit

    def _clear(self, value: float) -> bool:
        edge = (
            self.limit.limit - self.limit.deadband
            if self.limit.side == "high"
            else self.limit.limit + self.limit.deadband
        )
        return (value <= edge if self.limit.side == "high" else value >= edge) and not self._beyond(value)
