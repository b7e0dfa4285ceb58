"""Replay: a recording through the same core on a scratch ledger; the decisions come out as lines.

Facts come from the recording where it holds them, else from the scratch ledger, which the recording's own downlinks
feed. After the last record the clock is advanced until nothing is open.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from gateway import config
from gateway.errors import ConfigError, Problem, RecordingError
from gateway.events.lines import event_line, outcome_line
from gateway.journal import Ahead
from gateway.ledger.store import Commit, Ledger
from gateway.model.facts import Facts, FactsRecord, Questions
from gateway.model.inputs import Command, Config, Input, Tick
from gateway.model.outcome import Event, Outcome
from gateway.pipeline import Core
from gateway.replay.reading import Entry, Reading
from gateway.rules import Engine, questions


class Turn(Struct, frozen=True):
    """What one record made happen: stamp (µs), record, outcome and the events promised."""

    t: int
    item: Input
    outcome: Outcome
    events: tuple[Event, ...]


class Replay:
    """One run of a recording. `configuration` overrides what the recording says of itself."""

    def __init__(self, reading: Reading, configuration: config.Configuration | None = None) -> None:
        self.reading = reading
        self._configuration = configuration
        self._last_t = 0

    def lines(self) -> Iterator[bytes]:
        """The outcome lines, in order. Raises as `turns`."""
        for turn in self.turns():
            for decision in turn.outcome.decisions:
                yield outcome_line(decision)
            for event in turn.events:
                yield event_line(event)

    def turns(self) -> Iterator[Turn]:
        """Every turn that decided something, in order.

        Raises:
            ConfigError: neither the caller nor the recording gives a configuration.
            RecordingError: a line cannot be used.
        """
        self._last_t = 0
        quarantined, first = self._survey()
        settings = (self._configuration or first).settings()
        with tempfile.TemporaryDirectory(prefix="tallyman-replay-") as scratch:
            ledger = Ledger.open(
                f"sqlite:///{scratch}/ledger.db", site=settings.site, gateway=settings.gateway, owner=settings.owner
            )
            try:
                yield from self._run(Core(Engine(settings), 0), ledger, quarantined)
            finally:
                ledger.close()

    def _survey(self) -> tuple[frozenset[int], config.Configuration]:
        """What must be known before the first record: the first configuration, and positions quarantined later."""
        found = self._configuration
        quarantined = set()
        broken: ConfigError | None = None
        for entry in Reading(self.reading.path, lenient=True).entries():
            match entry.item:
                case Config(toml, rules) if found is None and broken is None:
                    try:
                        found = config.parse(toml, entry.file, rules=rules)
                    except ConfigError as error:
                        broken = error
                case Command("quarantine", {"position": int(position)}, "core"):
                    quarantined.add(position)
        if found is None:
            text = "the recording holds no configuration; give the site's with -c FILE"
            raise broken or ConfigError([Problem(str(self.reading.path), 1, "config", text)])
        return frozenset(quarantined), found

    def _run(self, core: Core, ledger: Ledger, quarantined: frozenset[int]) -> Iterator[Turn]:
        entries = Ahead(self.reading.entries())
        for entry in entries:
            if entry.position not in quarantined:
                yield from self._take(core, ledger, entry, entries)
            else:
                core.pass_over(entry.t, entry.item)
        position = 1 << 62
        while (deadline := core.engine.deadline) is not None:
            self._last_t = max(self._last_t, deadline)
            yield from self._turn(core, ledger, position, self._last_t, Tick())

    def _take(self, core: Core, ledger: Ledger, entry: Entry, entries: Ahead[Entry]) -> Iterator[Turn]:
        """One record: the deadlines before it, as the sequencer fires them, then itself."""
        assert not isinstance(entry.item, FactsRecord)
        if entry.t < self._last_t:
            text = "t goes back; records stand in the order they were sequenced"
            raise RecordingError(entry.file, entry.line, text)
        if not isinstance(entry.item, Tick) and entry.t > self._last_t:
            while (deadline := core.engine.deadline) is not None and deadline <= entry.t:
                self._last_t = max(self._last_t, deadline)
                yield from self._turn(core, ledger, entry.position, self._last_t, Tick())
        self._last_t = entry.t
        if isinstance(entry.item, Config) and self._configuration is not None:
            return
        yield from self._turn(core, ledger, entry.position, entry.t, entry.item, entries)

    def _turn(
        self, core: Core, ledger: Ledger, position: int, t: int, item: Input, entries: Ahead[Entry] | None = None
    ) -> Iterator[Turn]:
        candidates = core.observe(t, item)
        if not candidates:
            return
        asked = questions(candidates)
        facts = entries.facts(position) if entries is not None else None
        if facts is None:
            facts = ledger.facts_for(asked) if asked != Questions() else Facts()
        outcome, promised = core.conclude(candidates, facts)
        if outcome != Outcome():
            ledger.commit(Commit(position, t, outcome, promised, None))
        yield Turn(t, item, outcome, promised)


def replay(path: Path, configuration: config.Configuration | None = None, *, lenient: bool = False) -> Replay:
    """Prepare the replay of a recording file or journal directory."""
    return Replay(Reading(path, lenient=lenient), configuration)
