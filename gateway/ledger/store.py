"""`Ledger`: what the pipeline writes. Every method is for the one writer thread; one commit is one transaction."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Engine, bindparam, insert, select, update
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from gateway.errors import LedgerError, TurnError
from gateway.ledger import decisions, effects, facts, opening, outbox
from gateway.ledger.queries import View
from gateway.ledger.sql import Turn
from gateway.ledger.tables import progress, sites, snapshots
from gateway.model.facts import Facts, Questions
from gateway.model.outcome import (
    DocumentChange,
    Event,
    HoldEnd,
    HoldSet,
    LotChange,
    LotMade,
    Movement,
    Outcome,
    StockDelta,
)
from gateway.model.rules import RuleText

SWEPT = 2000
"""Most events deleted in one go: the writer has more urgent things to do."""


class Snapshot(msgspec.Struct, frozen=True):
    """The engine's state after journal ordinal `position`, with the time and configuration then in force."""

    position: int
    t: int  # µs
    config: str
    state: bytes
    rules: tuple[RuleText, ...] = ()


class Commit(msgspec.Struct, frozen=True):
    """One turn: what was decided up to journal ordinal `position` at `t` (µs), and what is promised about it."""

    position: int
    t: int
    outcome: Outcome = Outcome()
    events: tuple[Event, ...] = ()
    snapshot: Snapshot | None = None


class _Progress(msgspec.Struct, frozen=True):
    """How far this gateway is: the row that moves with every commit."""

    position: int = 0
    seq: int = 0
    audit: int = 0
    hash: str = decisions.GENESIS


def _row(after: _Progress, t: int) -> dict[str, Any]:
    return msgspec.structs.asdict(after) | {"t": t}


_ADVANCE = (
    update(progress)
    .where(progress.c.site == bindparam("of_site"), progress.c.gateway == bindparam("of_gateway"))
    .values({name: bindparam(f"to_{name}") for name in _row(_Progress(), 0)})
)


class Ledger(View):
    """The database, open for writing; a `View` of itself too."""

    def __init__(self, engine: Engine, site: str, gateway: str, owner: str, lock: opening.Lock | None) -> None:
        super().__init__(engine, site, gateway)
        self.owner = owner
        self._lock = lock
        self._progress = _Progress()

    @classmethod
    def open(
        cls, url: str, *, site: str, gateway: str, owner: str = "", timezone: str = "UTC", gln: str | None = None
    ) -> "Ledger":
        """Open, and create or migrate where needed. `timezone` (IANA) and `gln` are written down with the site.

        Raises:
            LedgerError: a second process on the same file (it says which holds it), a schema newer than this program,
                a directory that cannot be made, a database that cannot be reached.
        """
        parsed, path = opening.parse(url)
        with ExitStack() as undo:  # a ledger that does not open keeps neither lock nor connection
            lock = None
            if path is not None:
                _make_directory(path)
                lock = opening.Lock(Path(f"{path}.lock"))
                lock.take()
                undo.callback(lock.release)
            try:
                engine = opening.writing_engine(parsed, path)
            except ImportError as error:
                raise LedgerError(f"{parsed!r}: its driver is not installed here: {error}") from error
            undo.callback(engine.dispose)
            opening.bring_to_head(engine)
            ledger = cls(engine, site, gateway, owner, lock)
            ledger._introduce(timezone, gln)
            undo.pop_all()
        return ledger

    def close(self) -> None:
        """Empty the write-ahead log into the file and let go. SIGKILL instead of this is equally safe, only slower."""
        try:
            if self._engine.dialect.name == "sqlite":
                with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                    connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").close()
        except SQLAlchemyError as error:
            raise LedgerError(f"{self._engine.url}: checkpoint at close: {opening.describe(error)}") from error
        finally:
            self._engine.dispose()
            if self._lock is not None:
                self._lock.release()

    def position(self) -> int:
        """The last journal ordinal whose effects are in; 0 before the first."""
        return self._progress.position

    def sequence(self) -> int:
        """The last event number given; 0 before the first. Numbers have no holes."""
        return self._progress.seq

    def snapshot(self) -> Snapshot | None:
        """The last snapshot. One whose bytes do not match their hash is as good as none: replay starts earlier."""
        mine = (snapshots.c.site == self.site, snapshots.c.gateway == self.gateway)
        with self._reading() as connection:
            row = connection.execute(select(snapshots).where(*mine)).mappings().first()
        if row is None or row["hash"] != decisions.link(row["config"], bytes(row["state"]).hex()):
            return None
        rules = msgspec.convert(row["rules"], tuple[RuleText, ...])
        return Snapshot(row["position"], row["t"], row["config"], bytes(row["state"]), rules)

    def facts_for(self, questions: Questions) -> Facts:
        """Answer the rules' questions, deterministically."""
        if questions == Questions():
            return Facts()
        with self._reading() as connection:
            return facts.answer(facts.Asking(connection, self.site, self.gateway), questions)

    def commit(self, turn: Commit) -> None:
        """Enter one turn, whole or not at all: effects, decisions with audit, outbox, position, snapshot.

        Raises:
            TurnError: something is in already, or what no column takes.
            LedgerError: position or event numbers do not follow on, or the database refused (disk full, file
                damaged). Nothing was entered.
        """
        before = self._progress
        self._check(turn)
        outcome = turn.outcome
        moves = [decision for decision in outcome.decisions if isinstance(decision, Movement)]
        moved = [one.at for one in moves if one.corrects is None]
        since = max((one.at for one in moves), default=turn.t)  # what was corrected is there since it came
        with self._writing(max(moved, default=turn.t)) as writing:
            effects.apply(writing, outcome.effects, since)
            ordinal, last = decisions.record(
                writing,
                outcome.decisions,
                turn.events,
                t=turn.t,
                position=turn.position,
                ordinal=before.audit,
                last=before.hash,
            )
            seq = turn.events[-1].seq if turn.events else before.seq
            if turn.events:
                outbox.put(writing, turn.events, turn.t)
                decisions.stamp_lots(writing, lots_of(outcome), seq)
            after = _Progress(turn.position, seq, ordinal, last)
            self._advance(writing, after, turn.t)
            if turn.snapshot is not None:
                self._keep(writing, turn.snapshot)
        self._progress = after

    def settle(self, seqs: Iterable[int], at: int) -> None:
        """The broker acknowledged these events (`at` µs)."""
        with self._writing(at) as writing:
            outbox.settle(writing, seqs)

    def sweep(self, before: int) -> int:
        """Delete some of the events sent before `before` (µs), oldest first; how many. Call it until it says 0."""
        with self._writing(before) as writing:
            return outbox.sweep(writing, before, SWEPT)

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file without waiting for readers; for idle moments."""
        if self._engine.dialect.name == "sqlite":
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").close()

    @contextmanager
    def _writing(self, now: int) -> Iterator[Turn]:
        try:
            with self._engine.begin() as connection:
                yield Turn(connection, self.site, self.gateway, self.owner, now)
        except (IntegrityError, DataError) as error:
            raise TurnError(f"{self._engine.url}: not written: {opening.describe(error)}") from error
        except SQLAlchemyError as error:
            raise LedgerError(f"{self._engine.url}: not written: {opening.describe(error)}") from error
        except OverflowError as error:
            raise TurnError(f"{self._engine.url}: not written: a number is too large to store ({error})") from error

    def _check(self, turn: Commit) -> None:
        if turn.position < self._progress.position:
            raise LedgerError(
                f"journal position {turn.position} lies before {self._progress.position}, which is entered already"
            )
        seqs = [event.seq for event in turn.events]
        first = self._progress.seq + 1
        if seqs != list(range(first, first + len(seqs))):
            raise LedgerError(f"events {seqs} do not follow on event {self._progress.seq} without a hole")

    def _introduce(self, timezone: str, gln: str | None) -> None:
        """Write down the site, and read how far this gateway is."""
        mine = (progress.c.site == self.site, progress.c.gateway == self.gateway)
        with self._writing(0) as writing:
            row = writing.origin | {"timezone": timezone, "gln": gln}
            writing.connection.execute(writing.upsert(sites), row)
            found = writing.connection.execute(select(progress).where(*mine)).first()
            if found is not None:
                self._progress = _Progress(found.position, found.seq, found.audit, found.hash)
                return
            start = {"site": self.site, "gateway": self.gateway} | _row(_Progress(), 0)
            writing.connection.execute(insert(progress), start)

    def _advance(self, writing: Turn, after: _Progress, t: int) -> None:
        mine = {"of_site": self.site, "of_gateway": self.gateway}
        writing.connection.execute(_ADVANCE, mine | {f"to_{name}": value for name, value in _row(after, t).items()})

    def _keep(self, writing: Turn, snapshot: Snapshot) -> None:
        row = {"site": self.site, "gateway": self.gateway} | msgspec.structs.asdict(snapshot)
        row["rules"] = msgspec.to_builtins(snapshot.rules)
        row["hash"] = decisions.link(snapshot.config, snapshot.state.hex())
        writing.connection.execute(writing.upsert(snapshots), row)


def _make_directory(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerError(f"{path.parent}: cannot be made for the ledger: {error.strerror}") from None


def lots_of(outcome: Outcome) -> set[tuple[str, str]]:
    """The lots (GTIN, lot) that an outcome is about: their last event moves on, and their states are told."""
    about = StockDelta | HoldSet | HoldEnd | LotChange | LotMade
    named = {(it.gtin, it.lot) for it in outcome.effects if isinstance(it, about)}
    for effect in outcome.effects:
        if isinstance(effect, DocumentChange) and effect.kind == "lot":
            gtin, _, lot = effect.id.partition("/")
            named.add((gtin, lot))
    for decision in outcome.decisions:
        if isinstance(decision, Movement):
            named |= {(line.gtin or "", line.lot or "") for line in decision.lines}
    return {(gtin, lot) for gtin, lot in named if gtin and lot}
