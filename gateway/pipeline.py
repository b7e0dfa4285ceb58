"""The pipeline: the one sequencer. Everything that happens passes here, in one order (DESIGN §4).

    1 stamp t, journal, fsync per group   2 observe (pure)   3 facts, journalled too   4 decide (pure)
    5 commit: effects, events with final bytes, position      6 wake whoever waits for the result

Recovery is the same code over the journal's tail: what the ledger already holds is not asked or committed again.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import structlog
from msgspec import Struct
from msgspec.structs import replace

from gateway import config, events, metrics
from gateway.errors import ConfigError, InputError, TurnError
from gateway.jobs import Job, joined
from gateway.journal import GROUP_LIMIT, Ahead, Crashes, Journal, Record, records
from gateway.ledger.store import Commit, Ledger, Snapshot
from gateway.ledger.thread import Writer
from gateway.model.facts import Facts, FactsRecord, Questions
from gateway.model.inputs import Boot, Command, Config, Device, Downlink, Input, Reads, Tick
from gateway.model.outcome import AlarmChange, Event, Movement, Outcome, Passage, Rejection
from gateway.model.rules import RuleText
from gateway.model.settings import Settings
from gateway.model.times import SECOND
from gateway.pipe import Pipe
from gateway.rules import Engine, questions
from gateway.rules.candidates import Candidate
from gateway.rules.ruleset import compile_rules

log = structlog.get_logger(__name__)

FOREVER = 1 << 62
"""µs: later than any deadline."""

GROUP_READS = 5_000
"""Reads after which a group takes no more inputs: the loop must come round within a portal's `settle`."""

IDLE = 5 * SECOND
"""µs after which the position is committed though nothing was decided."""

CALM = 2 * SECOND
"""µs after the last decision at which the ledger's log is moved into its file: in a commit it would cost 50 ms."""

SNAPSHOT_EVERY = 60 * SECOND
"""µs between snapshots at least."""


class Core:
    """The deterministic middle, shared by live, recovery and replay: engine, settings and the event counter."""

    def __init__(self, engine: Engine, sequence: int) -> None:
        self.engine = engine
        self.sequence = sequence
        self.config_text = ""
        self.rule_texts: tuple[RuleText, ...] = ()

    def observe(self, t: int, item: Input) -> list[Candidate]:
        """Step 2; a configuration record puts its settings in force."""
        if isinstance(item, Config):
            self.configure(item.toml, item.rules)
        return self.engine.observe(t, item)

    def pass_over(self, t: int, item: Input | FactsRecord) -> None:
        """Skip a quarantined input. What a tick had to close is given up, or it would come due at the next one."""
        if isinstance(item, Tick):
            self.engine.abandon(t)

    def configure(self, text: str, rules: tuple[RuleText, ...] = ()) -> None:
        """Put a configuration in force. One that this version can no longer read is said and passed over."""
        try:
            self.engine.reconfigure(config.parse(text, "journal", rules=rules).settings())
        except ConfigError as error:
            log.error(
                "a journalled configuration is not readable by this version; the one before stays", error=str(error)
            )
            return
        self.config_text, self.rule_texts = text, rules

    def conclude(self, candidates: list[Candidate], facts: Facts) -> tuple[Outcome, tuple[Event, ...]]:
        """Steps 4 and half of 5: the outcome, and its events with their numbers and final bytes."""
        settings = self.engine.settings
        outcome = self.engine.decide(candidates, facts)
        promised: list[Event] = []
        for decision in outcome.decisions:
            found = events.render_all(decision, self.sequence + 1, settings)
            self.sequence += len(found)
            promised += [self._flagged(event) for event in found]
        return outcome, tuple(promised)

    def _flagged(self, event: Event) -> Event:
        """The event with the start it was decided in and how good its times are (DESIGN §8): flagged, not refused."""
        state = self.engine.state
        if not state.boot:
            return event
        flags = {"bootid": state.boot, "clockquality": state.clock}
        return replace(event, attributes=event.attributes | flags)


class Result(Struct, frozen=True):
    """One committed turn, for whoever watches: feed, state topics, telemetry, lights."""

    position: int
    t: int
    item: Input
    outcome: Outcome
    events: tuple[Event, ...]


class Pipeline:
    """Runs inputs through the core, one turn at a time, durably."""

    def __init__(
        self,
        core: Core,
        journal: Journal,
        crashes: Crashes,
        ledger: Ledger,
        writer: Writer,
        clock: Callable[[], int],
        deliver: Callable[[Result], None],
        *,
        bound: int = 100_000,
        group: int = 50_000,
    ) -> None:
        """`clock` gives gateway time in µs; `deliver` is told of every committed turn; `group` µs of linger;
        `bound` is how many reads (any other input counts as one) may wait for their turn.
        """
        self.core = core
        self.journal = journal
        self.crashes = crashes
        self.ledger = ledger
        self.inputs: Pipe[Job] = Pipe("inputs", bound, attrgetter("weight"))
        self.last_t = journal.last_t
        self.turning: tuple[int, Input] | None = None  # the record the pure core is working on
        self.refused = 0  # inputs that could not be written down, or stopped the core twice
        self._writer = writer
        self._clock = clock
        self._deliver = deliver
        self._group = group
        self._committed = 0
        self._committed_t = 0
        self._fresh = 0  # when the last decision was entered that is still in the ledger's log; 0: none is
        self._snapshot_t = 0
        self._finishing = False
        self.progress = time.monotonic()  # when the loop last came round: food for the watchdog
        self.finished = asyncio.Event()

    async def submit(self, item: Input) -> None:
        """Hand in an input; waits while the pipe is full. It is safe once journalled, within the group time."""
        if isinstance(item, Reads):
            await self.inputs.put(Job(item, b"", self._clock(), weight=len(item.reads) or 1))
            return
        try:
            job = self._job(item)
        except InputError as error:
            log.warning("input refused", reason=str(error))
        else:
            await self.inputs.put(job)

    async def decide(self, item: Input) -> dict[str, Any] | None:
        """Hand in an input and wait until its effects are committed; returns the outcome's reply."""
        try:
            job = self._job(item)
        except InputError as error:
            log.warning("input refused", reason=str(error))
            return {"ok": False, "error": str(error)}
        job.done = asyncio.get_running_loop().create_future()
        await self.inputs.put(job)
        return await job.done

    def _unwritten(self, reason: str) -> None:
        self.refused += 1
        log.warning("input refused", reason=reason)

    def _job(self, item: Input) -> Job:
        """An input as it will stand in the journal.

        Raises:
            InputError: it cannot stand there, or it has stopped the core twice and was sent again.
        """
        try:
            body = records.encode_item(item)
        except ValueError as error:
            if not isinstance(item, Device):
                self.refused += 1
                raise InputError(f"{type(item).__name__.lower()} cannot be written down: {error}") from None
            # What a reader says of itself is shown to people; it may be in any encoding.
            item = replace(item, detail=item.detail.encode("utf-8", "backslashreplace").decode())
            body = records.encode_item(item)
        if isinstance(item, Downlink | Command) and self.crashes.refused and digest(body) in self.crashes.refused:
            self.refused += 1
            raise InputError(f"{type(item).__name__.lower()} has stopped the gateway twice and is quarantined")
        return Job(item, body, self._clock(), weight=len(item.reads) or 1 if isinstance(item, Reads) else 1)

    async def recover(self, boot: Boot | None = None) -> int:
        """Replay the journal's tail through the same code; return how many records that took.

        `boot` is recorded behind it, stamped as the last record was: what came due while the gateway was off comes
        due after the rules know that it was.
        """
        snapshot = await self._writer.call(self.ledger.snapshot)
        held = await self._writer.call(self.ledger.position)
        self.core.sequence = await self._writer.call(self.ledger.sequence)
        after = 0
        if snapshot is not None:
            settings = _settings(snapshot, self.core.engine.settings)
            self.core.engine = Engine.restore(settings, snapshot.state)
            self.core.config_text, self.core.rule_texts = snapshot.config, snapshot.rules
            after = snapshot.position
            self.last_t = max(self.last_t, snapshot.t)
        self._committed = held
        short = held > self.journal.last
        if short:
            self.journal.skip(held)
        skipped = self.crashes.quarantined
        count = 0
        tail = Ahead(self.journal.read(after))
        for record in tail:
            count += 1
            if record.position not in skipped:
                await self._recovered(record, tail, held)
            else:
                self.core.pass_over(record.t, record.item)
        if short or self.journal.lost:  # what is open lacks inputs, and may be decided already
            self.core.engine.abandon(FOREVER)
            await self._commit_position(snapshot=True)  # once: the next recovery begins behind the damage
        if boot is not None:
            await self._turns([self._job(boot)], self.last_t or self._clock())
        for position, error in self.crashes.unannounced():
            command = Command("quarantine", {"position": position, "error": error}, "core")
            await self._sequence([self._job(command)])
            self.crashes.announced(position)
        return count

    async def run(self) -> None:
        """Sequence inputs until `finish`, then commit position and snapshot. Fails by core, journal or ledger only."""
        self._snapshot_t = self._clock()
        while not self._finishing or self.inputs:
            self.progress = time.monotonic()
            jobs = await self._gather()
            if jobs:
                await self._sequence(jobs)
            else:
                await self._tick(self._clock())
            await self._idle(self._clock())
        await self._commit_position(snapshot=True)
        self.finished.set()

    def fault(self, fault: Exception) -> None:
        """The core failed: remember on which input, so that a poison one is skipped after the second time."""
        if self.turning is None:
            return  # not the input's fault: the disk's, the database's
        position, item = self.turning
        known = digest(records.encode_item(item)) if isinstance(item, Downlink | Command) else ""
        times = self.crashes.note(position, repr(fault), known)
        log.critical("the core failed on an input", position=position, times=times)

    def finish(self) -> None:
        """Ask for a clean stop: what is in the pipe is still taken. A kill is as safe, only slower to recover."""
        self._finishing = True
        self.inputs.wake()

    async def _gather(self) -> list[Job]:
        """The next group: what is there, after a linger for more when nothing in it waits for an answer."""
        if not self.inputs and not self._finishing:
            try:
                async with asyncio.timeout(self._pause(IDLE)):
                    await self.inputs.filled()
            except TimeoutError:
                return []
        jobs: list[Job] = []
        full = self._take(jobs)
        if not (full or self._finishing) and self._group and all(job.done is None for job in jobs):
            await asyncio.sleep(self._pause(self._group))
            self._take(jobs)
        return jobs

    def _take(self, jobs: list[Job]) -> bool:
        """Add to a group what is there; True when it takes no more."""
        reads = sum(job.weight for job in jobs)
        while len(jobs) < GROUP_LIMIT and reads < GROUP_READS:
            some = self.inputs.take(min(8, GROUP_LIMIT - len(jobs)))
            if not some:
                return False
            jobs += some
            reads += sum(job.weight for job in some)
        return True

    def _pause(self, longest: int) -> float:
        """Seconds until the next deadline can fire, `longest` µs at most."""
        deadline = self.core.engine.deadline
        if deadline is not None:  # a clock that was set back fires nothing before it has caught up
            longest = min(longest, max(0, max(deadline, self.last_t + 1) - self._clock()))
        return longest / SECOND

    async def _sequence(self, jobs: list[Job]) -> None:
        """Take a group, cut where a deadline falls into it.

        What waited here while the disk was slow was not late: it is stamped with when it was handed in, or a passage
        would be closed for a silence that was ours.
        """
        while jobs:
            await self._tick(jobs[0].at)
            deadline = self.core.engine.deadline
            size = len(jobs)
            if deadline is not None:
                size = next((index for index, job in enumerate(jobs) if index and job.at >= deadline), size)
            part, jobs = jobs[:size], jobs[size:]
            await self._turns(part, part[-1].at)

    async def _tick(self, now: int) -> None:
        """Fire every deadline up to `now`, each as a record of its own, before any input with a later stamp."""
        while now > self.last_t and (deadline := self.core.engine.deadline) is not None and deadline <= now:
            self.last_t = max(self.last_t, deadline)
            position = self.journal.append(self.last_t, Tick())
            await self._writer.call(self.journal.write)
            await self._turn(position, self.last_t, Tick())

    async def _turns(self, jobs: list[Job], now: int) -> None:
        """Journal a group with one fsync, then take each input's turn. All deadlines up to `now` have fired."""
        self.last_t = t = max(self.last_t, now)
        jobs = joined(jobs, self._unwritten)
        positions = [self.journal.append_encoded(t, job.body) for job in jobs]
        await self._writer.call(self.journal.write)
        for position, job in zip(positions, jobs, strict=True):
            outcome = await self._turn(position, t, job.item)
            if job.done is not None and not job.done.done():
                job.done.set_result(outcome.reply)

    async def _turn(self, position: int, t: int, item: Input, tail: Ahead[Record] | None = None) -> Outcome:
        """One input's turn, from observation to commit; in recovery `tail` holds the facts it was decided with."""
        self.progress = time.monotonic()
        self.turning = (position, item)
        candidates = self.core.observe(t, item)
        self.turning = None
        if not candidates:
            self._deliver(Result(position, t, item, Outcome(), ()))
            return Outcome()
        asked = questions(candidates)
        facts = tail.facts(position) if tail is not None else None
        if facts is None and asked != Questions():
            answered: Facts = await self._writer.call(self.ledger.facts_for, asked)
            self.journal.append(t, FactsRecord(answered, position))
            facts = answered
            await self._writer.call(self.journal.write)
        self.turning = (position, item)
        outcome, promised = self.core.conclude(candidates, facts if facts is not None else Facts())
        self.turning = None
        if outcome.decisions or outcome.effects:
            commit = Commit(position, t, outcome, promised, self._snapshot_due(position, t))
            try:
                await self._writer.call(self.ledger.commit, commit)
            except TurnError:
                self.turning = (position, item)  # its own fault, unlike a full disk
                raise
            self._committed, self._committed_t = position, t
            self._fresh = t
        self._deliver(Result(position, t, item, outcome, promised))
        return outcome

    async def _recovered(self, record: Record, tail: Ahead[Record], held: int) -> None:
        """A turn of the tail: only observed when the ledger holds its effects, else taken as if new."""
        assert not isinstance(record.item, FactsRecord)
        self.last_t = max(self.last_t, record.t)
        if record.position > held:
            await self._turn(record.position, record.t, record.item, tail)
            return
        self.turning = (record.position, record.item)
        candidates = self.core.observe(record.t, record.item)
        if candidates:  # the ledger holds what was decided; the rules must remember that they spoke
            self.core.engine.decide(candidates, tail.facts(record.position) or Facts())
        self.turning = None

    async def _idle(self, now: int) -> None:
        if self.journal.last > self._committed and now - self._committed_t >= IDLE:
            await self._commit_position(snapshot=now - self._snapshot_t >= SNAPSHOT_EVERY)
        open_ = self.inputs or self.core.engine.deadline is not None
        if self._fresh and not open_ and now - self._fresh >= CALM:
            self._fresh = 0
            await self._writer.call(self.ledger.checkpoint)

    async def _commit_position(self, *, snapshot: bool) -> None:
        position, t = self.journal.last, self.last_t
        if snapshot:
            self._snapshot_t = 0
        commit = Commit(position, t, Outcome(), (), self._snapshot_due(position, t) if snapshot else None)
        await self._writer.call(self.ledger.commit, commit)
        self._committed, self._committed_t = position, self._clock()

    def _snapshot_due(self, position: int, t: int) -> Snapshot | None:
        now = self._clock()
        if now - self._snapshot_t < SNAPSHOT_EVERY:
            return None
        self._snapshot_t = now
        core = self.core
        return Snapshot(position, t, core.config_text, core.engine.snapshot(), core.rule_texts)


def _settings(snapshot: Snapshot, otherwise: Settings) -> Settings:
    try:
        settings = config.parse(snapshot.config, "snapshot", rules=snapshot.rules).settings()
        compile_rules(settings)
        return settings
    except ConfigError as error:
        log.error("the snapshot's configuration is not readable by this version; today's is used", error=str(error))
        return otherwise


def count(result: Result) -> None:
    """Bring the metrics up to date with a committed turn."""
    item = result.item
    metrics.INPUTS.labels(type(item).__name__.lower()).inc()
    metrics.JOURNAL_POSITION.set(result.position)
    if isinstance(item, Reads):
        metrics.READS.labels(item.reader).inc(len(item.reads))
    for event in result.events:
        metrics.EVENTS.labels(event.kind).inc()
    for decision in result.outcome.decisions:
        match decision:
            case Passage():
                metrics.PASSAGES.labels(decision.portal, decision.direction).inc()
                metrics.VERDICT_SECONDS.observe(max(0, result.t - decision.closed) / SECOND)
            case Movement():
                metrics.MOVEMENTS.labels(decision.type, decision.verdict).inc()
            case AlarmChange():
                metrics.ALARMS.labels(decision.alarm, decision.after).inc()
            case Rejection():
                metrics.EXCEPTIONS.labels(decision.reason).inc()


def digest(body: bytes) -> str:
    """How an encoded input is known again when it is sent again."""
    return hashlib.sha256(body).hexdigest()
