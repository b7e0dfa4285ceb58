"""The ledger against a model of dictionaries: whatever turns come, whenever it is reopened, they agree."""

import shutil
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.errors import LedgerError
from gateway.ledger.store import Commit, Ledger, Snapshot
from gateway.model.facts import Interval, Questions
from gateway.model.outcome import Event, HoldSet, Line, Movement, Outcome, Park, StockDelta

GTIN = "04012345000009"
LOTS = st.sampled_from(["L1", "L2"])
PLACES = st.sampled_from(["dock", "cold"])
DELTAS = st.builds(
    StockDelta,
    st.just(GTIN),
    LOTS,
    PLACES,
    st.sampled_from(["available", "hold"]),
    st.integers(-3, 3).map(lambda n: n * 1_000),
    st.just("each"),
)


class LedgerMachine(RuleBasedStateMachine):
    """Random turns, settlements, parkings, refused turns and reopenings, beside a model that is obviously right."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="tallyman-ledger-"))
        self.stock: dict[tuple[str, str, str], int] = defaultdict(int)
        self.open_since: dict[tuple[str, str], int] = {}
        self.stays: dict[tuple[str, str], list[list[int]]] = defaultdict(list)  # closed: [entered, left]
        self.holds: list[tuple[str, str]] = []
        self.outbox: dict[int, str] = {}
        self.bodies: dict[int, bytes] = {}
        self.movements: list[str] = []
        self.position = 0
        self.snapshot: Snapshot | None = None
        self.ledger: Any = None

    @initialize()
    def begin(self) -> None:
        self.ledger = self._open()

    def _open(self) -> Ledger:
        return Ledger.open(f"sqlite:///{self.directory}/ledger.db", site="s", gateway="g")

    def _turn(self, effects: tuple[Any, ...], events: int = 0, moved: int | None = None, keep: bool = False) -> Commit:
        position = self.position + 1
        seqs = range(len(self.outbox) + 1, len(self.outbox) + 1 + events)
        promised = tuple(Event(n, f"i{n}", "receipt", "t", "j", {}, b"body %d" % n) for n in seqs)
        line = Line(GTIN, "L1", 1_000, "each", "serial")
        movement = Movement(
            f"m{position}",
            "p/1",
            "p",
            position * 10 - (moved or 0),
            "transfer",
            "a",
            "b",
            "accepted",
            ("matched",),
            (line,),
        )
        snapshot = Snapshot(position, position * 10, "toml", b"%d" % position) if keep else None
        return Commit(
            position, position * 10, Outcome(() if moved is None else (movement,), effects), promised, snapshot
        )

    def _entered(self, turn: Commit) -> None:
        self.position = turn.position
        for event in turn.events:
            self.outbox[event.seq] = "pending"
            self.bodies[event.seq] = event.body
        self.movements += [one.movement for one in turn.outcome.decisions if isinstance(one, Movement)]
        self.snapshot = turn.snapshot or self.snapshot
        moved = [one.at for one in turn.outcome.decisions if isinstance(one, Movement)]
        for lot in ("L1", "L2"):
            for place in ("dock", "cold"):
                self._follow((lot, place), max(moved, default=turn.t))

    def _follow(self, key: tuple[str, str], now: int) -> None:
        total = sum(self.stock[*key, status] for status in ("available", "hold"))
        if total > 0 and key not in self.open_since:
            late = [stay for stay in self.stays[key] if stay[1] >= now]
            if late:
                self.stays[key].remove(max(late, key=lambda stay: stay[1]))
            self.open_since[key] = max(late, key=lambda stay: stay[1])[0] if late else now
        elif total <= 0 and key in self.open_since:
            entered = self.open_since.pop(key)
            self.stays[key].append([entered, max(entered, now)])

    @rule(
        deltas=st.lists(DELTAS, max_size=5),
        events=st.integers(0, 3),
        moved=st.none() | st.integers(0, 60),
        keep=st.booleans(),
    )
    def move(self, deltas: list[StockDelta], events: int, moved: int | None, keep: bool) -> None:
        turn = self._turn(tuple(deltas), events, moved, keep)
        self.ledger.commit(turn)
        for delta in deltas:
            self.stock[delta.lot, delta.location, delta.status] += delta.quantity
        self._entered(turn)

    @rule(lot=LOTS, place=PLACES)
    def hold(self, lot: str, place: str) -> None:
        turn = self._turn((HoldSet(GTIN, lot, place, "excursion"),))
        self.ledger.commit(turn)
        if self.stock[lot, place, "available"] > 0:
            self.stock[lot, place, "hold"] += self.stock.pop((lot, place, "available"))
        if (lot, place) not in self.holds:
            self.holds.append((lot, place))
        self._entered(turn)

    @precondition(lambda self: self.outbox)
    @rule(pick=st.data())
    def settle(self, pick: st.DataObject) -> None:
        seqs = pick.draw(st.lists(st.sampled_from(sorted(self.outbox)), max_size=4))
        self.ledger.settle(seqs, 1)
        for seq in seqs:
            if self.outbox[seq] == "pending":
                self.outbox[seq] = "settled"

    @precondition(lambda self: self.outbox)
    @rule(pick=st.data())
    def park(self, pick: st.DataObject) -> None:
        seq = pick.draw(st.sampled_from(sorted(self.outbox)))
        turn = self._turn((Park(seq, "denied"),), events=1)
        self.ledger.commit(turn)
        if self.outbox[seq] == "pending":
            self.outbox[seq] = "parked"
        self._entered(turn)

    @precondition(lambda self: self.movements)
    @rule(deltas=st.lists(DELTAS, min_size=1, max_size=3))
    def refuse(self, deltas: list[StockDelta]) -> None:
        turn = self._turn(tuple(deltas), 2)
        line = Line(GTIN, "L1", 1_000, "each", "serial")
        again = Movement(self.movements[0], "p", "p", 1, "receive", None, "b", "accepted", (), (line,))
        with pytest.raises(LedgerError, match="already"):
            self.ledger.commit(Commit(turn.position, turn.t, Outcome((again,), turn.outcome.effects), turn.events))

    @rule()
    def reopen(self) -> None:
        self.ledger.close()
        self.ledger = self._open()

    @invariant()
    def agree(self) -> None:
        if self.ledger is None:
            return
        ledger = self.ledger
        assert ledger.position() == self.position
        assert ledger.sequence() == len(self.outbox)
        assert ledger.snapshot() == self.snapshot
        stock = {(row["lot"], row["location"], row["status"]): row["quantity"] for row in ledger.stock()}
        assert stock == {key: f"{amount // 1_000}" for key, amount in self.stock.items() if amount}
        assert [(row["lot"], row["location"]) for row in ledger.holds()] == self.holds
        pending = ledger.pending(0, 1_000)
        assert [event.seq for event in pending] == [seq for seq in sorted(self.outbox) if self.outbox[seq] == "pending"]
        assert all(event.body == self.bodies[event.seq] for event in pending)
        parked = [seq for seq in sorted(self.outbox) if self.outbox[seq] == "parked"]
        assert [one.event.seq for one in ledger.parked()] == parked
        assert sorted(row["movement"] for row in ledger.movements(10_000)) == sorted(self.movements)
        asked = tuple(Interval(place, 0, 10**9) for place in ("cold", "dock"))
        stays = ledger.facts_for(Questions(stays=asked)).stays
        present = {
            (stay.lot, key.partition("/")[0]): stay.entered
            for key, several in stays.items()
            for stay in several
            if stay.left is None
        }
        assert present == self.open_since

    def teardown(self) -> None:
        if self.ledger is not None:
            assert self.ledger.broken_audit() is None
            self.ledger.close()
        shutil.rmtree(self.directory)


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
