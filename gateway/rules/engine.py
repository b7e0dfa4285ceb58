"""Step 2 of the data flow: inputs are observed, and what they add up to becomes candidates. Pure.

The engine's whole memory is `EngineState`, which a snapshot holds; everything else is derived from the settings.
Time is only ever `t`, the sequencer's stamp, and the reads' own corrected `at` (both µs since 1970 UTC).
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct, field

from gateway.model.facts import Facts
from gateway.model.inputs import (
    Boot,
    Command,
    Config,
    Device,
    Downlink,
    Gpi,
    Input,
    Measurement,
    Read,
    Reads,
    Tick,
    Weighing,
)
from gateway.model.outcome import AlarmChange, Outcome, Passage, Rejection
from gateway.model.quantity import parse_decimal
from gateway.model.settings import Portal, Settings
from gateway.rules import orders, unknown
from gateway.rules.alarms import TRANSITIONS, LimitState, LimitWatch
from gateway.rules.candidates import (
    Answered,
    Candidate,
    Changed,
    Confirming,
    Crossed,
    Exceeding,
    Parking,
    Refused,
    Resending,
)
from gateway.rules.closing import Ended
from gateway.rules.decide import decide
from gateway.rules.documents import read_document
from gateway.rules.listening import Names, listen, seen, timed
from gateway.rules.passages import PortalWatch
from gateway.rules.remembering import PortalState, forget_eyes
from gateway.rules.ruleset import RuleMemory, compile_rules
from gateway.rules.ruleset.speaking import remember
from gateway.rules.tracks import ordered
from gateway.rules.troubles import Spell, Troubles
from gateway.rules.watching import Watch

LARGEST_VALUE = 1e12
"""Measurements beyond this are no measurement: garbage in a register reads as a float, too."""

SEQS = range(1, 1 << 63)
"""Numbers an event can have."""

PARTS = range(100_000)
"""Numbers a part of a document can have."""

CLOCKS = ("synced", "unsynced", "unknown", "fault")
"""How good gateway time is: set from the network, not set, nobody knows, or the system's clock was set back."""

LATCHED = {"outbox": "uplink", "quarantine": "core"}
"""Alarms without a limit, and their sources."""


class EngineState(Struct):
    """All the engine remembers, by the ids of the settings.

    `latched` are alarms without a limit, by id; `faults` those of devices that answer and cannot do their work, and
    of portals; `spells` what is odd about a portal and goes on, by the id of its alarm.
    """

    portals: dict[str, PortalState] = field(default_factory=dict)
    limits: dict[str, LimitState] = field(default_factory=dict)
    latched: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    spells: dict[str, Spell] = field(default_factory=dict)
    climate: dict[str, dict[str, tuple[float, str, int]]] = field(default_factory=dict)  # sensor → quantity
    rules: RuleMemory = field(default_factory=RuleMemory)
    ordered: tuple[int, int] = (0, 0)  # the last order of a person: when, and which of that instant
    boot: str = ""  # id of the start that this is; "": a recording that begins without one
    clock: str = "unknown"  # how good gateway time is: synced | unsynced | unknown | fault


class Engine:
    """`observe` inputs in order; `deadline` says when time alone will make something happen."""

    def __init__(self, settings: Settings, state: EngineState | None = None) -> None:
        self.state = state if state is not None else EngineState()
        self.settings = settings
        self._limits: dict[tuple[str, str], list[LimitWatch]] = {}
        self._removed: list[LimitWatch] = []  # by the configuration that comes into force
        self.reconfigure(settings)

    @classmethod
    def restore(cls, settings: Settings, snapshot: bytes) -> "Engine":
        """Rebuild the engine from `snapshot()` under the settings that were in force then."""
        return cls(settings, msgspec.json.decode(snapshot, type=EngineState))

    def snapshot(self) -> bytes:
        """The engine's memory as JSON."""
        return msgspec.json.encode(self.state)

    def reconfigure(self, settings: Settings) -> None:
        """Put new settings in force; what the old ones knew of ids that remain is kept."""
        self.rules = compile_rules(settings)  # first: what is wrong changes nothing
        self.state.rules.keep({rule.id: rule.digest for rule in settings.rules})
        eyes = {portal.id: portal.eyes for portal in self.settings.portals}
        self.settings = settings
        state = self.state
        state.portals = {portal.id: state.portals.get(portal.id, PortalState()) for portal in settings.portals}
        for portal in settings.portals:
            if portal.eyes != eyes.get(portal.id):  # they are remembered by index
                forget_eyes(state.portals[portal.id])
        kept = {limit.id for limit in settings.limits}
        self._removed += [watch for limits in self._limits.values() for watch in limits if watch.limit.id not in kept]
        state.limits = {limit.id: state.limits.get(limit.id, LimitState()) for limit in settings.limits}
        self._watches = {portal.id: PortalWatch(portal, state.portals[portal.id]) for portal in settings.portals}
        self._antennas: dict[str, dict[int, tuple[PortalWatch, int]]] = {}
        self._eyes: dict[tuple[str, int], tuple[PortalWatch, int]] = {}
        for portal in settings.portals:
            watch = self._watches[portal.id]
            watch.beside = tuple(self._watches[other] for other in _beside(settings, portal))
            for index, antenna in enumerate(ordered(portal)):
                self._antennas.setdefault(antenna.reader, {})[antenna.port] = (watch, index)
            for index, eye in enumerate(portal.eyes):
                self._eyes[eye.reader, eye.port] = (watch, index)
        self._near = {
            reader: tuple(dict.fromkeys(watch for watch, _ in antennas.values()))
            for reader, antennas in self._antennas.items()
        }
        self._troubles = Troubles(state.faults, state.spells, self._watches.values())
        self._places = {sensor.id: sensor.location for sensor in settings.sensors}
        self._scales = {scale.id: (self._watches[scale.portal], scale.opens) for scale in settings.scales}
        self._limits = {}
        for limit in settings.limits:
            watch_limit = LimitWatch(limit, self._places.get(limit.sensor, ""), state.limits[limit.id])
            self._limits.setdefault((limit.sensor, limit.quantity), []).append(watch_limit)
        self._watch = Watch(settings, self.rules, state.rules)
        self._names = Names(settings.ignore)

    @property
    def deadline(self) -> int | None:
        """The earliest instant (µs) at which time alone changes something; None when nothing is open."""
        times = [watch.deadline for watch in self._watches.values() if watch.open]
        times += [limit.deadline for limits in self._limits.values() for limit in limits]
        times += [watch.look_at for watch in self._watches.values()]
        times += (self._watch.deadline, self._troubles.deadline)
        return min((time for time in times if time is not None), default=None)

    def observe(self, t: int, item: Input) -> list[Candidate]:
        """Take one input stamped `t`; never raises on its contents."""
        found = self._observe(t, item)
        return found + self._watch.happened(found) if found and self._watch.looks else found

    def _observe(self, t: int, item: Input) -> list[Candidate]:
        match item:
            case Reads():
                return self._reads(t, item)
            case Read():
                row = (item.at, item.antenna, item.epc, item.rssi)
                return self._reads(t, Reads(item.reader, (row,), ("at", "antenna", "epc", "rssi")))
            case Gpi():
                return self._gpi(t, item)
            case Measurement():
                return self._measurement(t, item)
            case Weighing():
                return self._weighing(t, item)
            case Tick():
                return self._tick(t)
            case Downlink():
                return self._document(t, item.topic, item.payload, item.text)
            case Command():
                return self._command(t, item)
            case Boot():
                self.state.boot, self.state.clock = item.boot, item.clock
                for limits in self._limits.values():
                    for limit in limits:
                        limit.boot()
                self._watch.boot()
                self._troubles.boot(t)
                return []
            case Config():
                removed, self._removed = self._removed, []
                ended = [Changed(change) for limit in removed if (change := limit.removed(t)) is not None]
                return [*ended, *self._troubles.removed(t)]
            case Device():
                return [*self._troubles.device(t, item)]

    def decide(self, candidates: list[Candidate], facts: Facts) -> Outcome:
        """Step 4 with the rules in force; what they did is remembered."""
        outcome = decide(self.settings, candidates, facts, self.rules, self.state.rules)
        if self.rules.rules:
            remember(self.rules, self.state.rules, outcome.decisions)
        for decision in outcome.decisions:
            if isinstance(decision, AlarmChange) and decision.alarm.startswith(unknown.ALARM) and not decision.by:
                self.state.latched[decision.alarm] = decision.after
        return outcome

    def abandon(self, t: int) -> None:
        """Give up, undecided, what is due by `t`: the input that would close it cannot be taken."""
        for portal in self._watches.values():
            if portal.look_at is not None and portal.look_at <= t:
                portal.state.sight.skip(portal.state.heard)
            if portal.deadline is not None and portal.deadline <= t:
                portal.abandon()
        for limits in self._limits.values():
            for limit in limits:
                if limit.deadline is not None and limit.deadline <= t:
                    limit.abandon()
        self._watch.abandon(t)
        self._troubles.abandon(t)

    def _reads(self, t: int, reads: Reads) -> list[Candidate]:
        antennas = self._antennas.get(reads.reader)
        if antennas is None:
            return []
        if not {"antenna", "epc"} <= set(reads.columns):
            detail = f"reads of {reads.reader} have columns {list(reads.columns)}; antenna and epc are required"
            return [Refused(Rejection(reads.reader, t, "bad_input", detail))]
        found: list[Candidate] = []
        for watch, heard in listen(t, reads, antennas, self._names):
            found += self._ended(t, watch, watch.reads(t, heard))
        return found + self._troubles.looked(t, self._near[reads.reader])

    def _gpi(self, t: int, gpi: Gpi) -> list[Candidate]:
        target = self._eyes.get((gpi.reader, gpi.port))
        if target is None:
            return []
        watch, index = target
        ended = watch.edge(t, timed(watch, t, gpi.at), index, gpi)
        return self._ended(t, watch, ended) + self._troubles.looked(t, (watch,))

    def _measurement(self, t: int, measurement: Measurement) -> list[Candidate]:
        at = seen(t, measurement.at)
        value = measurement.value
        if value is not None and not -LARGEST_VALUE <= value <= LARGEST_VALUE:
            measurement = msgspec.structs.replace(measurement, value=None, quality="bad")  # NaN and infinity, too
        elif value is not None:  # a whole number as the journal gives it back
            measurement = msgspec.structs.replace(measurement, value=float(value))
        if measurement.quality == "good" and measurement.value is not None:
            latest = self.state.climate.setdefault(measurement.sensor, {})
            latest[measurement.quantity] = (measurement.value, measurement.unit, at)
        found: list[Candidate] = []
        for limit in self._limits.get((measurement.sensor, measurement.quantity), ()):
            started = limit.state.start
            found += [self._noticed(limit, change, started) for change in limit.sample(at, measurement)]
        return found + self._watch.measured(at, measurement)

    def _weighing(self, t: int, weighing: Weighing) -> list[Candidate]:
        scale = self._scales.get(weighing.scale)
        if scale is None or weighing.mode != "gross":
            return []
        watch, opens = scale
        if weighing.value is not None:
            try:
                parse_decimal(weighing.value)
            except ValueError as error:
                return [Refused(Rejection(weighing.scale, t, "bad_input", f"weight {error}"))]
        at = seen(t, weighing.at)
        return self._ended(t, watch, watch.weigh(t, msgspec.structs.replace(weighing, at=at), opens))

    def _tick(self, t: int) -> list[Candidate]:
        found: list[Candidate] = []
        for watch in self._watches.values():
            found += self._ended(t, watch, watch.due(t))
            if watch.look_at is not None and watch.look_at <= t:
                found += self._ended(t, watch, watch.look(t))
        found += self._troubles.looked(t, self._watches.values())
        for limits in self._limits.values():
            for limit in limits:
                started = limit.state.start
                found += [self._noticed(limit, change, started) for change in limit.due(t)]
        return found + self._watch.due(t) + self._troubles.due(t)

    def _document(self, t: int, topic: str, payload: Any, text: str | None) -> list[Candidate]:
        read = read_document(topic, payload, text, t)
        if isinstance(read, Rejection):
            return [Refused(read)]
        if read.kind == "asn":  # receipts that waited for it are put before the rules again
            read = msgspec.structs.replace(read, wants=self.rules.wants("receive", "return"))
        return [read]

    def _command(self, t: int, command: Command) -> list[Candidate]:
        args = command.args
        match command.name, args:
            case "alarms.ack", {"alarm": str(alarm)}:
                return self._acknowledge(t, alarm, command.by)
            case "asn.import", {"asn": dict(document)}:  # of 0.1; it stands in journals
                return self._import(t, "asn", document, 0, last=True)
            case "import", {"kind": str(kind), "document": dict(document)}:
                part, last = args.get("part", 0), args.get("last", True)
                if isinstance(part, int) and part in PARTS and isinstance(last, bool):
                    return self._import(t, kind, document, part, last=last)
            case "outbox.park", {"seq": int(seq), "reason": str(reason)} if command.by == "uplink" and seq in SEQS:
                parked: list[Candidate] = [Parking(seq, reason, t)]
                return parked + self._latch(t, "outbox", f"the broker refused event {seq}: {reason}")
            case "resend", {"from": int(first), "to": int(last)} if 0 < first <= last and last in SEQS:
                return [Resending(first, last)]
            case "ack", {"upTo": int(seq)} if command.by == "central" and seq in SEQS:
                return [Confirming(seq)]
            case "clock", {"quality": str(quality)} if command.by == "core" and quality in CLOCKS:
                self.state.clock = quality
                return []
            case "quarantine", {"position": int(position), "error": str(error)} if command.by == "core":
                detail = f"the input at journal position {position} crashed the core twice and is skipped: {error}"
                return self._latch(t, "quarantine", detail)
        if command.name in orders.NAMES:
            last, number = self.state.ordered
            self.state.ordered = (t, number + 1 if last == t else 0)
            key = f"{t}/{self.state.ordered[1]}"
            wants = self.rules.wants("ship" if command.name == "dispose" else "transfer")
            return [orders.read(self.settings, command, t, key, wants=wants)]
        known = ", ".join(("alarms.ack", "import", "resend", *orders.NAMES))
        detail = f"no command {command.name!r} with arguments {sorted(args)}; known: {known}"
        return [Refused(Rejection(f"cmd/{command.name}", t, "bad_command", detail))]

    def _import(self, t: int, kind: str, document: dict[str, Any], part: int, *, last: bool) -> list[Candidate]:
        """A document from a file: it takes the way of one from central, and may come in parts."""
        ids = [] if kind == "policy" else ["gtin", "lot"] if kind == "lot" else [kind]
        segments = [kind, *(str(document.get(name, "")) for name in ids)]
        topic = "/".join(["down", *(quote(segment, safe="", errors="replace") for segment in segments)])
        read = read_document(topic, document, None, t, part=part, last=last)
        return [Refused(read) if isinstance(read, Rejection) else read]

    def _acknowledge(self, t: int, alarm: str, by: str) -> list[Candidate]:
        if alarm in self.state.latched:
            before = self.state.latched.pop(alarm)
            source = LATCHED.get(alarm) or alarm.removeprefix(unknown.ALARM)
            change = AlarmChange(alarm, source, t, before, "normal", "high", by=by)
            return [Changed(change), Answered({"ok": True, "alarm": alarm, "state": "normal"})]
        if alarm in self.state.rules.raised:
            known = self.state.rules.raised.pop(alarm)
            change = AlarmChange(alarm, known.rule, t, known.state, "normal", known.priority, by=by)
            return [Changed(change), Answered({"ok": True, "alarm": alarm, "state": "normal"})]
        if alarm in self.state.faults:
            changed = self._troubles.step(t, alarm, "ack", by=by)
            return [*changed, Answered({"ok": True, "alarm": alarm, "state": self.state.faults.get(alarm, "normal")})]
        for limits in self._limits.values():
            for limit in limits:
                if limit.limit.id == alarm:
                    acked = limit.acknowledge(t, by)
                    answer = Answered({"ok": True, "alarm": alarm, "state": limit.state.state})
                    return [Changed(acked), answer] if acked is not None else [answer]
        return [Answered({"ok": False, "error": f"no alarm {alarm!r}; `tallyman alarms` lists them"})]

    def _latch(self, t: int, alarm: str, detail: str) -> list[Candidate]:
        """Raise an alarm that has no limit to return to: it stays until somebody acknowledges it."""
        if alarm in self.state.latched:
            return []
        after = self.state.latched[alarm] = TRANSITIONS["normal", "on"]
        return [Changed(AlarmChange(alarm, LATCHED[alarm], t, "normal", after, "high", detail=detail))]

    def _noticed(self, limit: LimitWatch, change: Any, started: int | None) -> Candidate:
        if not isinstance(change, AlarmChange):
            return Exceeding(change, limit.location)
        became_active = change.after == "unacked_active"
        start = limit.state.start  # None when the same sample ended it; later when it also began the next one
        since = start if start is not None and start <= change.at else started
        return Changed(change, since if became_active and limit.location else None)

    def _ended(self, t: int, watch: PortalWatch, ended: Iterable[Ended]) -> list[Candidate]:
        found: list[Candidate] = []
        for one in ended:
            found += (self._crossed(watch, one), *self._troubles.passed(t, watch, one.passage))
        return found

    def _crossed(self, watch: PortalWatch, ended: Ended) -> Crossed:
        portal = watch.portal
        climate = tuple(
            (sensor, quantity, value, unit, at)
            for sensor, place in sorted(self._places.items())
            if place == portal.location
            for quantity, (value, unit, at) in sorted(self.state.climate.get(sensor, {}).items())
        )
        passage = ended.passage
        alarmed = f"{unknown.ALARM}{portal.id}" in self.state.latched
        wants = self._wants(portal, passage)
        return Crossed(passage, portal, watch.weighing_for(passage), climate, wants, alarmed, ended.doubts)

    def _wants(self, portal: Portal, passage: Passage) -> tuple[str, ...]:
        """What the rules need to know beside the goods themselves."""
        if portal.outside is not None:
            return self.rules.wants("transfer")
        return self.rules.wants("ship") if passage.direction == "out" else self.rules.wants("receive", "return")


def _beside(settings: Settings, portal: Portal) -> list[str]:
    """The portals that a portal names as neighbours, and those that name it."""
    every = {one.id for one in settings.portals if one.id in portal.neighbours or portal.id in one.neighbours}
    return sorted(every - {portal.id})
