"""The ledger as a whole: opening, the lock, one transaction per commit, numbers without holes, snapshots."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.errors import LedgerError
from gateway.ledger.queries import View
from gateway.ledger.store import Commit, Ledger, Snapshot
from gateway.model.outcome import Event, Line, Movement, Outcome, Passage, StockDelta

GTIN = "04012345000009"


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Where the ledger is."""
    return f"sqlite:///{tmp_path}/state/ledger.db"


@pytest.fixture
def open_(url: str) -> Iterator[Callable[[], Ledger]]:
    """Opens the ledger; closes what was opened."""
    opened: list[Ledger] = []

    def opener() -> Ledger:
        opened.append(Ledger.open(url, site="site-1", gateway="gw-1", owner="acme"))
        return opened[-1]

    yield opener
    for ledger in opened:
        ledger.close()


def event(seq: int) -> Event:
    """A promised event."""
    return Event(seq, f"id-{seq}", "receipt", "t/evt", "application/json", {"type": "x"}, b'{"seq":%d}' % seq)


def movement(ident: str, at: int = 50) -> Movement:
    """A receipt of one lot."""
    line = Line(GTIN, "L1", 24000, "each", "serial", ("AA",), "2027-01-31")
    return Movement(ident, f"dock/{at}", "dock", at, "receive", None, "cold", "accepted", ("matched",), (line,))


def delta(quantity: int = 24000) -> StockDelta:
    """A change of stock."""
    return StockDelta(GTIN, "L1", "cold", "available", quantity, "each")


def test_an_empty_ledger_is_at_nothing(open_: Callable[[], Ledger]) -> None:
    """A new ledger makes its directory and stands at position 0, sequence 0, without a snapshot."""
    ledger = open_()
    assert (ledger.position(), ledger.sequence(), ledger.snapshot()) == (0, 0, None)
    assert ledger.broken_audit() is None
    assert ledger.outbox_counts() == {"pending": 0, "settled": 0, "parked": 0, "oldest": None, "confirmed": 0}


def test_pragmas_hold_as_promised(open_: Callable[[], Ledger], tmp_path: Path) -> None:
    """The file is WAL with synchronous FULL, foreign keys on, and incremental vacuum from its first page."""
    ledger = open_()
    with ledger._engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "auto_vacuum", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "auto_vacuum": 2, "busy_timeout": 5000}


def test_everything_of_a_commit_survives_a_reopen(open_: Callable[[], Ledger]) -> None:
    """Position, sequence, stock, snapshot and promised bytes are the same after closing and opening again."""
    ledger = open_()
    snapshot = Snapshot(7, 70, "toml", b"\x00state")
    ledger.commit(Commit(7, 70, Outcome((movement("m1"),), (delta(),)), (event(1), event(2)), snapshot))
    before = ledger.stock(), ledger.pending(0, 10), ledger.movements()
    ledger.close()
    again = open_()
    assert (again.position(), again.sequence(), again.snapshot()) == (7, 2, snapshot)
    assert (again.stock(), again.pending(0, 10), again.movements()) == before
    assert again.pending(0, 10) == [event(1), event(2)]


def test_an_empty_outcome_only_moves_the_position(open_: Callable[[], Ledger]) -> None:
    """A turn that decided nothing leaves nothing but the new position."""
    ledger = open_()
    ledger.commit(Commit(5, 50))
    assert ledger.position() == 5
    assert ledger.sequence() == 0
    assert ledger.movements() == []


def test_a_movement_is_never_doubled(open_: Callable[[], Ledger]) -> None:
    """A movement that is in already is refused, and nothing of its turn is entered."""
    ledger = open_()
    ledger.commit(Commit(1, 10, Outcome((movement("m1"),), (delta(),)), (event(1),)))
    with pytest.raises(LedgerError, match=r"m1 .* is in the ledger already"):
        ledger.commit(Commit(2, 20, Outcome((movement("m1"),), (delta(),)), (event(2),)))
    assert (ledger.position(), ledger.sequence()) == (1, 1)
    assert ledger.stock()[0]["quantity"] == "24"
    ledger.commit(Commit(2, 20, Outcome((movement("m2"),), (delta(),)), (event(2),)))  # it is whole, and goes on
    assert ledger.stock()[0]["quantity"] == "48"
    assert ledger.broken_audit() is None


@pytest.mark.parametrize("seqs", [(2,), (1, 3), (2, 1), (0,)])
def test_event_numbers_have_no_holes(open_: Callable[[], Ledger], seqs: tuple[int, ...]) -> None:
    """Event numbers must follow on the last one given, without hole and in order."""
    ledger = open_()
    with pytest.raises(LedgerError, match="do not follow on"):
        ledger.commit(Commit(1, 10, Outcome(), tuple(event(seq) for seq in seqs)))
    assert ledger.sequence() == 0


def test_the_position_never_goes_back(open_: Callable[[], Ledger]) -> None:
    """A turn from before the ledger's position is refused; one at the same position (a snapshot) is not."""
    ledger = open_()
    ledger.commit(Commit(5, 50))
    with pytest.raises(LedgerError, match="lies before 5"):
        ledger.commit(Commit(4, 50))
    ledger.commit(Commit(5, 51, snapshot=Snapshot(5, 51, "", b"x")))
    assert ledger.snapshot() == Snapshot(5, 51, "", b"x")


def test_a_number_too_large_is_an_error_not_a_crash(open_: Callable[[], Ledger]) -> None:
    """A quantity beyond 64 bits is a LedgerError, and the ledger stays as it was."""
    ledger = open_()
    with pytest.raises(LedgerError, match="too large"):
        ledger.commit(Commit(1, 10, Outcome((), (delta(2**70),))))
    assert ledger.position() == 0
    assert ledger.stock() == []


def test_a_damaged_snapshot_counts_as_none(open_: Callable[[], Ledger], tmp_path: Path) -> None:
    """A snapshot whose bytes changed on disk is not used: replay starts earlier instead."""
    ledger = open_()
    ledger.commit(Commit(5, 50, snapshot=Snapshot(5, 50, "", b"state")))
    ledger.close()
    with sqlite3.connect(tmp_path / "state/ledger.db") as raw:
        raw.execute("UPDATE snapshots SET state = x'00'")
    raw.close()
    assert open_().snapshot() is None


def test_a_second_opening_is_refused_and_told_who(open_: Callable[[], Ledger], url: str) -> None:
    """While one has the ledger, a second is refused with the holder's process id; closed, it opens again."""
    ledger = open_()
    with pytest.raises(LedgerError, match=f"in use by process {os.getpid()} since"):
        Ledger.open(url, site="site-1", gateway="gw-1")
    ledger.close()
    open_()


def test_another_process_is_refused(open_: Callable[[], Ledger], url: str) -> None:
    """The lock holds between processes, not only within one."""
    open_()
    script = (
        "import sys\nfrom gateway.errors import LedgerError\nfrom gateway.ledger.store import Ledger\n"
        "try:\n    Ledger.open(sys.argv[1], site='s', gateway='g')\nexcept LedgerError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, url], capture_output=True, text=True, check=True, timeout=60)
    assert "the ledger is in use by process" in done.stdout


def test_a_failed_opening_lets_go_of_the_lock(tmp_path: Path) -> None:
    """A file that is no database is an error, and leaves no lock behind."""
    path = tmp_path / "ledger.db"
    path.write_bytes(b"this is not a database, and long enough to be seen as none" * 20)
    for _ in range(2):
        with pytest.raises(LedgerError, match="not a database"):
            Ledger.open(f"sqlite:///{path}", site="s", gateway="g")
    path.unlink()
    Ledger.open(f"sqlite:///{path}", site="s", gateway="g").close()


@pytest.mark.parametrize(
    ("bad", "says"),
    [("nonsense", "not a database URL"), ("mysql://h/x", "mysql is not supported")],
)
def test_a_wrong_url_says_what_would_be_right(bad: str, says: str) -> None:
    """A URL of no or of another database is refused with the forms that work."""
    with pytest.raises(LedgerError, match=says) as caught:
        Ledger.open(bad, site="s", gateway="g")
    assert "sqlite:///" in str(caught.value)


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """A path below a file is an error that names the directory."""
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="file/deeper: cannot be made"):
        Ledger.open(f"sqlite:///{tmp_path}/file/deeper/ledger.db", site="s", gateway="g")


def test_memory_is_a_ledger_too() -> None:
    """An in-memory ledger (a scratch replay) works like any other."""
    ledger = Ledger.open("sqlite://", site="s", gateway="g")
    ledger.commit(Commit(1, 10, Outcome((movement("m1"),), (delta(),)), (event(1),)))
    assert ledger.stock()[0]["quantity"] == "24"
    assert len(ledger.pending(0, 5)) == 1
    ledger.checkpoint()
    ledger.close()


def test_two_gateways_count_for_themselves(url: str) -> None:
    """Gateways of one site share stock, and have position, sequence, audit and outbox of their own."""
    first = Ledger.open(url, site="s", gateway="a")
    first.commit(Commit(9, 10, Outcome((movement("m1"),), (delta(),)), (event(1),)))
    first.close()
    second = Ledger.open(url, site="s", gateway="b")
    assert (second.position(), second.sequence(), second.pending(0, 9)) == (0, 0, [])
    second.commit(Commit(1, 20, Outcome((movement("m2"),), (delta(),)), (event(1),)))
    assert second.stock()[0]["quantity"] == "48"
    assert second.broken_audit() is None
    second.close()


def test_a_changed_audit_row_is_found(open_: Callable[[], Ledger], tmp_path: Path) -> None:
    """The hash chain names the first audit row that was changed, and a row that is missing."""
    ledger = open_()
    for number in range(1, 6):
        passage = Passage(f"dock/{number}", "dock", number, number + 1, "in", 0.9, ("AA",))
        ledger.commit(Commit(number, number * 10, Outcome((passage,))))
    assert ledger.broken_audit() is None
    with sqlite3.connect(tmp_path / "state/ledger.db") as raw:
        raw.execute("UPDATE audit SET decision = replace(decision, '0.9', '0.8') WHERE ordinal = 3")
        raw.commit()
        assert ledger.broken_audit() == 3
        raw.execute("DELETE FROM audit WHERE ordinal = 2")
        raw.commit()
        assert ledger.broken_audit() == 2
    raw.close()


def test_a_view_reads_beside_the_writer(open_: Callable[[], Ledger], url: str) -> None:
    """Another connection, read-only and without the lock, sees what is committed and cannot write."""
    ledger = open_()
    view = View.read(url, site="site-1", gateway="gw-1")
    assert view.stock() == []
    ledger.commit(Commit(1, 10, Outcome((movement("m1"),), (delta(),)), (event(1),)))
    assert view.stock() == ledger.stock()
    assert view.outbox_counts()["pending"] == 1
    with view._engine.connect() as connection, pytest.raises(Exception, match=r"readonly|read-only"):
        connection.exec_driver_sql("DELETE FROM stock")
    view.close()


def test_a_view_makes_nothing(tmp_path: Path) -> None:
    """Reading where there is no ledger says so, and leaves no file behind."""
    with pytest.raises(LedgerError, match="there is no ledger here"):
        View.read(f"sqlite:///{tmp_path}/none.db", site="s", gateway="g")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "other.db").touch()
    with pytest.raises(LedgerError, match="schema None"):
        View.read(f"sqlite:///{tmp_path}/other.db", site="s", gateway="g")


def test_a_clean_close_empties_the_log(open_: Callable[[], Ledger], tmp_path: Path) -> None:
    """After close, everything is in the one file."""
    ledger = open_()
    ledger.commit(Commit(1, 10, Outcome((movement("m1"),), (delta(),))))
    ledger.checkpoint()
    ledger.close()
    wal = tmp_path / "state/ledger.db-wal"
    assert not wal.exists() or wal.stat().st_size == 0


def test_full_disk_is_an_error_and_passes(open_: Callable[[], Ledger]) -> None:
    """When the database can take no more, the commit fails whole; with room again, the same commit goes in."""
    ledger = open_()
    ledger.commit(Commit(1, 10))
    with ledger._engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    big = Event(1, "id", "receipt", "t", "application/json", {}, b"x" * 200_000)
    turn = Commit(2, 20, Outcome((movement("m1"),), (delta(),)), (big,))
    with pytest.raises(LedgerError, match="full"):
        ledger.commit(turn)
    assert (ledger.position(), ledger.stock()) == (1, [])
    with ledger._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    ledger.commit(turn)
    assert ledger.pending(0, 1) == [big]
