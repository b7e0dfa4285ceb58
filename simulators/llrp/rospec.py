"""The life of one ROSpec: Disabled, Inactive, Active, and the triggers between them (LLRP 1.0.1, clause 10).

One AISpec works at a time, in their order; when the last has ended, so has the ROSpec. An Immediate start trigger
then starts it again. Time comes from `later`, so that nothing here knows an event loop.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Protocol

from simulators.llrp.wire import Parameter

N_TAGS, N_UNIQUE_TAGS, SILENCE = 0, 3, (1, 4)
"""TagObservationTriggerType; 3 and 4 are LLRP 1.1's. Type 2 (N attempts) knows its timeout only."""


class State(IntEnum):
    """ROSpec.CurrentState."""

    DISABLED = 0
    INACTIVE = 1
    ACTIVE = 2


class Timer(Protocol):
    """Something that can be called off."""

    def cancel(self) -> None:
        """Call it off."""


Later = Callable[[float, Callable[[], None]], Timer]
"""Call a function after so many seconds."""


class Owner(Protocol):
    """What a ROSpec needs of its reader."""

    def now_us(self) -> int:
        """The reader's clock, µs."""

    def may_start(self, rospec: "ROSpec") -> bool:
        """Whether the radio is free."""

    def rospec_started(self, rospec: "ROSpec") -> None:
        """It went Active."""

    def rospec_ended(self, rospec: "ROSpec") -> None:
        """It left Active."""

    def aispec_ended(self, rospec: "ROSpec", index: int) -> None:
        """Its AISpec number `index` (from 1) ended."""


class ROSpec:
    """One ROSpec as a client added it."""

    def __init__(self, parameter: Parameter, owner: Owner, later: Later) -> None:
        self.parameter, self.owner, self._later = parameter, owner, later
        self.id = parameter.number("ROSpecID")
        self.state = State.DISABLED
        self.aispecs = list(parameter.every("AISpec"))
        self.report_spec = parameter.part("ROReportSpec")
        self.index = 0
        """The AISpec at work, counted from 1; 0 when none is."""
        self._seen: set[str] = set()
        self._observations = 0
        boundary = parameter.part("ROBoundarySpec")
        assert boundary is not None
        start, stop = boundary.part("ROSpecStartTrigger"), boundary.part("ROSpecStopTrigger")
        assert start is not None
        assert stop is not None
        self._start, self._stop = start, stop
        self._start_type = start.number("ROSpecStartTriggerType")
        self._starting: Timer | None = None
        self._ending: Timer | None = None
        self._advancing: Timer | None = None
        self._silence: Timer | None = None

    @property
    def antennas(self) -> list[int]:
        """The antennas of the AISpec at work; [0] is all of them, [] none."""
        if not self.index:
            return []
        ids = self.aispecs[self.index - 1].fields["AntennaIDs"]
        assert isinstance(ids, list)
        return ids

    @property
    def inventory_id(self) -> int:
        """The InventoryParameterSpecID of the AISpec at work."""
        part = self.aispecs[self.index - 1].part("InventoryParameterSpec")
        return part.number("InventoryParameterSpecID") if part else 0

    def filters(self, antenna: int) -> list[Parameter] | None:
        """The C1G2Filters that the AISpec at work sets for `antenna`; None when it says nothing of its inventory."""
        inventory = self.aispecs[self.index - 1].part("InventoryParameterSpec")
        configurations = [*inventory.every("AntennaConfiguration")] if inventory else []
        for meant in (antenna, 0):
            for part in configurations:
                if part.number("AntennaID") == meant and (command := part.part("C1G2InventoryCommand")):
                    return [*command.every("C1G2Filter")]
        return None

    def describe(self) -> Parameter:
        """The ROSpec as GET_ROSPECS reports it: as added, with its present state."""
        return Parameter("ROSpec", {**self.parameter.fields, "CurrentState": int(self.state)}, self.parameter.parts)

    def enable(self) -> None:
        """Arm the start trigger."""
        if self.state is not State.DISABLED:
            return
        self.state = State.INACTIVE
        match self._start_type:
            case 1:
                self.start()
            case 2:
                periodic = self._start.part("PeriodicTriggerValue")
                if periodic:
                    self._arm(self._first(periodic), periodic.number("Period") / 1000)

    def disable(self) -> None:
        """Stop, and let no trigger start it."""
        self.stop()
        self.state = State.DISABLED
        if self._starting:
            self._starting.cancel()

    def _first(self, periodic: Parameter) -> float:
        """Seconds to the first start: the offset, from now or from a UTC time; later rounds when that has passed."""
        offset, period = periodic.number("Offset") * 1000, periodic.number("Period") * 1000
        begin = periodic.part("UTCTimestamp")
        if begin is None:
            return offset / 1e6
        wait = begin.number("Microseconds") + offset - self.owner.now_us()
        return (wait if wait >= 0 else wait % period if period else 0) / 1e6

    def _arm(self, delay: float, period: float) -> None:
        def fire() -> None:
            if period:
                self._arm(period, period)
            self.start()

        self._starting = self._later(delay, fire)

    def start(self) -> bool:
        """Inactive → Active, when the radio is free."""
        if self.state is not State.INACTIVE or not self.owner.may_start(self):
            return False
        self.state = State.ACTIVE
        self.owner.rospec_started(self)
        kind = self._stop.number("ROSpecStopTriggerType")
        if kind == 1:
            self._ending = self._later(self._stop.number("DurationTriggerValue") / 1000, self._end)
        elif kind == 2 and (timeout := _gpi_timeout(self._stop)):
            self._ending = self._later(timeout / 1000, self._end)
        self._begin(1)
        return True

    def stop(self) -> None:
        """Active → Inactive. No Immediate trigger brings it back: this is the client's wish."""
        if self._starting and self._start_type == 1:
            self._starting.cancel()
        if self.state is not State.ACTIVE:
            return
        if self._ending:
            self._ending.cancel()
        self._finish()
        self.state = State.INACTIVE
        self.owner.rospec_ended(self)

    def observe(self, epc: str) -> None:
        """A tag was seen: the tag observation trigger of the AISpec at work counts it."""
        stop = self.aispecs[self.index - 1].part("AISpecStopTrigger")
        trigger = stop.part("TagObservationTrigger") if stop else None
        if trigger is None:
            return
        self._observations += 1
        new = epc not in self._seen
        self._seen.add(epc)
        kind, n = trigger.number("TriggerType"), trigger.number("NumberOfTags")
        if (kind == N_TAGS and self._observations >= n) or (kind == N_UNIQUE_TAGS and len(self._seen) >= n):
            self._advance()
        elif kind in SILENCE and new:
            self._listen(trigger.number("T"))

    def gpi(self, port: int, level: bool) -> None:
        """An input changed: start and stop triggers on it fire."""
        if self.state is State.INACTIVE and self._start_type == 3 and _gpi_fires(self._start, port, level):
            self.start()
        elif self.state is State.ACTIVE:
            if self._stop.number("ROSpecStopTriggerType") == 2 and _gpi_fires(self._stop, port, level):
                self._end()
                return
            stop = self.aispecs[self.index - 1].part("AISpecStopTrigger")
            if stop and stop.number("AISpecStopTriggerType") == 2 and _gpi_fires(stop, port, level):
                self._advance()

    def _end(self) -> None:
        """A stop trigger, or the end of the last AISpec; an Immediate start trigger then fires again."""
        self.stop()
        if self._start_type == 1:
            self._starting = self._later(0.001, self._restart)

    def _restart(self) -> None:
        self.start()

    def _begin(self, index: int) -> None:
        """AISpec number `index` (from 1) goes to work."""
        self.index = index
        self._seen, self._observations = set(), 0
        stop = self.aispecs[index - 1].part("AISpecStopTrigger")
        assert stop is not None
        timeout = 0
        match stop.number("AISpecStopTriggerType"):
            case 1:
                timeout = stop.number("DurationTrigger")
            case 2:
                timeout = _gpi_timeout(stop)
            case 3 if trigger := stop.part("TagObservationTrigger"):
                timeout = trigger.number("Timeout")
                if trigger.number("TriggerType") in SILENCE:
                    self._listen(trigger.number("T"))
        if timeout:
            self._advancing = self._later(timeout / 1000, self._advance)

    def _listen(self, silence_ms: int) -> None:
        """End the AISpec after so long without a new tag."""
        if self._silence:
            self._silence.cancel()
        self._silence = self._later(silence_ms / 1000, self._advance)

    def _advance(self) -> None:
        """The AISpec at work ends; the next begins, or the ROSpec ends."""
        index = self.index
        self._finish()
        if index < len(self.aispecs):
            self._begin(index + 1)
        else:
            self._end()

    def _finish(self) -> None:
        for timer in (self._advancing, self._silence):
            if timer:
                timer.cancel()
        if self.index:
            index, self.index = self.index, 0
            self.owner.aispec_ended(self, index)


def _gpi_fires(trigger: Parameter, port: int, level: bool) -> bool:
    value = trigger.part("GPITriggerValue")
    return value is not None and value.number("GPIPortNum") == port and bool(value.number("GPIEvent")) == level


def _gpi_timeout(trigger: Parameter) -> int:
    value = trigger.part("GPITriggerValue")
    return value.number("Timeout") if value else 0
