"""The telemetry file: spool and ring, bounded, counted, and never in anyone's way."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import LedgerError
from gateway.ledger.telemetry import Block, Sample, TelemetryStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is."""
    return tmp_path / "state" / "telemetry.db"


@pytest.fixture
def store(path: Path) -> Iterator[TelemetryStore]:
    """A small store."""
    store = TelemetryStore.open(path, spool_bytes=2_000, ring_bytes=4_000, ring_us=1_000)
    yield store
    store.close()


def noise(number: int, size: int = 300) -> bytes:
    """Bytes that do not compress: each block has its size."""
    return b"".join((number * 7919 + n * 104_729).to_bytes(8, "big")[-3:] for n in range(1, size // 3 + 1))


def sample(at: int, sensor: str = "cold-a", quantity: str = "temperature") -> Sample:
    """One good sample."""
    return Sample(at, sensor, quantity, at / 10, "Cel")


def test_the_spool_gives_back_what_it_was_given(store: TelemetryStore) -> None:
    """Blocks come back oldest first, with their bytes and counts, until they are done."""
    store.append(b"a v=1 1\na v=2 2", 2, 1, 2)
    store.append(b"b v=1 3", 1, 3, 3)
    taken = store.take(10)
    assert [(block.lines, block.count) for block in taken] == [(b"a v=1 1\na v=2 2", 2), (b"b v=1 3", 1)]
    assert store.take(1) == taken[:1]
    store.done([taken[0].id, 999])
    assert store.take(10) == taken[1:]
    assert store.counts()["points"] == 1


def test_the_spool_survives_a_reopen(store: TelemetryStore, path: Path) -> None:
    """What waits, waits on after a restart, and its size is still known."""
    store.append(noise(1), 5, 1, 2)
    store.close()
    again = TelemetryStore.open(path, spool_bytes=2_000, ring_bytes=4_000, ring_us=1_000)
    assert [block.lines for block in again.take(5)] == [noise(1)]
    assert again.counts()["bytes"] > 300
    again.close()


def test_the_oldest_make_room_and_are_counted(store: TelemetryStore, path: Path) -> None:
    """Beyond its bytes the spool drops its oldest blocks; how many points that was stays known over a restart."""
    dropped = sum(store.append(noise(number), 10, number, number) for number in range(20))
    left = store.take(100)
    assert [block.lines for block in left] == [noise(number) for number in range(20 - len(left), 20)]
    assert dropped == 10 * (20 - len(left)) > 0
    assert store.counts()["bytes"] <= 2_000
    assert store.counts()["dropped"] == dropped
    store.close()
    again = TelemetryStore.open(path)
    assert again.counts()["dropped"] == dropped
    again.close()


def test_a_block_larger_than_the_spool_is_dropped_itself(store: TelemetryStore) -> None:
    """What can never fit is counted, and does not stay."""
    assert store.append(noise(1, 9_000), 7, 1, 2) == 7
    assert store.take(1) == []
    assert store.counts()["bytes"] == 0


def test_nothing_is_nothing(store: TelemetryStore) -> None:
    """Empty flushes write nothing."""
    assert store.append(b"", 0, 0, 0) == 0
    store.keep([])
    assert store.counts() == {
        "points": 0,
        "blocks": 0,
        "bytes": 0,
        "ring_bytes": 0,
        "dropped": 0,
        "quarantined": 0,
    }


def test_a_poisoned_block_goes_out_of_the_way(store: TelemetryStore, path: Path) -> None:
    """A block the server refuses for good is set aside with the reason, and counted; the next one is at the front."""
    store.append(b"bad", 3, 1, 1)
    store.append(b"good", 1, 2, 2)
    first = store.take(1)[0]
    store.quarantine(first.id, "400 unable to parse")
    store.quarantine(first.id, "again")
    assert [block.lines for block in store.take(5)] == [b"good"]
    assert store.counts()["quarantined"] == 3
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT count, reason FROM quarantine").fetchall() == [(3, "400 unable to parse")]
    raw.close()


def test_a_dropped_block_may_be_finished_late(store: TelemetryStore) -> None:
    """A block that was dropped while it was being sent can still be reported done."""
    store.append(noise(0), 1, 0, 0)
    sent = store.take(1)[0]
    for number in range(1, 20):
        store.append(noise(number), 1, number, number)
    before = store.counts()
    store.done([sent.id])
    assert store.counts() == before


def test_ids_are_never_used_again(store: TelemetryStore) -> None:
    """A late `done` can never hit a newer block."""
    store.append(b"a", 1, 1, 1)
    first = store.take(1)[0]
    store.done([first.id])
    store.append(b"b", 1, 2, 2)
    assert store.take(1) == [Block(first.id + 1, b"b", 1)]


def test_the_ring_answers_by_sensor_quantity_and_time(store: TelemetryStore) -> None:
    """Samples are found by any of sensor, quantity and span (inclusive), in order of time."""
    store.keep([sample(30), sample(10), sample(20, "cold-b")])
    store.keep([sample(25, quantity="humidity"), sample(40)])
    assert [one.at for one in store.samples(None, None, 0, 100)] == [10, 20, 25, 30, 40]
    assert [one.at for one in store.samples("cold-a", "temperature", 10, 30)] == [10, 30]
    assert store.samples("cold-b", None, 0, 100) == [sample(20, "cold-b")]
    assert store.samples("none", None, 0, 100) == []


def test_samples_keep_what_they_are(store: TelemetryStore) -> None:
    """A bad sample comes back without value and with its quality."""
    bad = Sample(5, "cold-a", "temperature", None, "Cel", "bad")
    store.keep([bad])
    assert store.samples("cold-a", None, 5, 5) == [bad]


def test_the_ring_forgets_by_age(store: TelemetryStore) -> None:
    """Flushes wholly older than the ring's span are gone."""
    store.keep([sample(100)])
    store.keep([sample(1_000)])
    store.keep([sample(1_500)])
    assert [one.at for one in store.samples(None, None, 0, 9_999)] == [1_000, 1_500]


def test_the_ring_forgets_by_size(store: TelemetryStore) -> None:
    """Beyond its bytes the ring drops its oldest flushes, and this is no loss that counts."""
    for flush in range(50):
        store.keep([Sample(1_000 + flush, f"s{flush}-{number * 7919}", "t", number / 7, "Cel") for number in range(40)])
    assert store.counts()["ring_bytes"] <= 4_000
    assert store.counts()["dropped"] == 0
    assert store.samples(None, None, 0, 9_999)[-1].at == 1_049


def test_a_full_disk_is_counted_and_passes(store: TelemetryStore) -> None:
    """Points the disk refuses are an error, counted at once, and their number is written when there is room."""
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._spool_bytes = 1 << 20
    store._connection.execute(f"PRAGMA max_page_count={pages}").close()
    with pytest.raises(LedgerError, match="full"):
        store.append(noise(1, 90_000), 9, 1, 2)
    assert store.counts()["dropped"] == 9
    assert store.counts()["bytes"] == 0
    store._connection.execute("PRAGMA max_page_count=100000").close()
    store.append(noise(1, 90_000), 9, 1, 2)
    assert store._connection.execute("SELECT value FROM counters").fetchall() == [(9,)]
    assert store.counts()["points"] == 9


@pytest.mark.parametrize("harm", ["noise", "version"])
def test_a_file_that_cannot_be_used_is_set_aside(path: Path, harm: str) -> None:
    """A damaged file, or one of another version, is kept as .old, and a new one begins."""
    path.parent.mkdir()
    if harm == "noise":
        path.write_bytes(b"no database at all, but long enough " * 40)
    else:
        with sqlite3.connect(path) as raw:
            raw.execute("PRAGMA user_version=99")
        raw.close()
    store = TelemetryStore.open(path)
    store.append(b"a", 1, 1, 1)
    store.close()
    assert path.with_name("telemetry.db.old").exists()


def test_a_place_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """A path below a file is an error with the path."""
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match=r"file/telemetry\.db: the telemetry file cannot be opened"):
        TelemetryStore.open(tmp_path / "file" / "telemetry.db")


def test_the_file_is_gentle_to_flash(store: TelemetryStore) -> None:
    """The file is WAL with synchronous NORMAL and incremental vacuum."""
    found = [
        store._connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "auto_vacuum")
    ]
    assert found == ["wal", 1, 2]


def test_a_closed_store_answers_with_an_error(path: Path) -> None:
    """What comes after close is a LedgerError that names the file, and a second close is none."""
    store = TelemetryStore.open(path)
    store.close()
    for ask in (lambda: store.take(1), lambda: store.samples(None, None, 0, 1), store.counts, lambda: store.done([1])):
        with pytest.raises(LedgerError, match=r"telemetry\.db"):
            ask()
    store.close()
