"""kill -9 in the middle of commits: what was said to be in is in, whole turns only, and nothing twice."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.ledger.store import Commit, Ledger
from gateway.model.outcome import Outcome

WRITER = """
import sys
from gateway.ledger.store import Commit, Ledger, Snapshot
from gateway.model.outcome import Event, ItemChange, Line, Movement, Outcome, StockDelta

ledger = Ledger.open(sys.argv[1], site="s", gateway="g")
line = Line("04012345000009", "L1", 1000, "each", "serial", ("AA",))
while True:
    n = ledger.position() + 1
    movement = Movement(f"m{n}", f"p/{n}", "p", n, "receive", None, "cold", "accepted", ("matched",), (line,))
    effects = (
        StockDelta("04012345000009", "L1", "dock", "available", -1000, "each"),
        StockDelta("04012345000009", "L1", "cold", "available", 1000, "each"),
        *(ItemChange(f"{n:020X}{k:04X}", "04012345000009", "L1", str(k), "cold", None, "available") for k in range(20)),
    )
    event = Event(n, f"i{n}", "receipt", "t", "j", {}, b"%d" % n + b"x" * 3000)
    ledger.commit(Commit(n, n, Outcome((movement,), effects), (event,), Snapshot(n, n, "toml", b"%d" % n)))
    print(n, flush=True)
    if n % 5 == 0:
        ledger.settle(range(n - 4, n), n)
"""

OPENER = """
import sys
from gateway.ledger.store import Ledger
print("go", flush=True)
Ledger.open(sys.argv[1], site="s", gateway="g").close()
"""


def killed(script: str, url: str, lines: int, delay: float) -> list[str]:
    """Run a script, SIGKILL it `delay` s after so many lines of output, and return what it had said."""
    with subprocess.Popen([sys.executable, "-c", script, url], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()
    return [line for line in said if line.endswith("\n")]


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_ledger_is_a_prefix(tmp_path: Path, seed: int) -> None:
    """After each kill the ledger opens at a whole turn, at least the last one that was reported, and goes on."""
    chance = random.Random(seed)
    url = f"sqlite:///{tmp_path}/ledger.db"
    for _ in range(2):
        said = killed(WRITER, url, chance.randint(1, 30), chance.uniform(0, 0.02))
        ledger = Ledger.open(url, site="s", gateway="g")
        position = ledger.position()
        assert position >= int(said[-1])
        assert ledger.sequence() == position
        stock = {row["location"]: row["quantity"] for row in ledger.stock()}
        assert stock == {"cold": str(position), "dock": str(-position)}
        assert [event.seq for event in ledger.events(1, 10**6, 10**6)] == list(range(1, position + 1))
        assert all(event.body.rstrip(b"x") == b"%d" % event.seq for event in ledger.pending(0, 10**6))
        assert len(ledger.movements(10**6)) == position
        snapshot = ledger.snapshot()
        assert snapshot is not None
        assert (snapshot.position, snapshot.state) == (position, b"%d" % position)
        assert ledger.broken_audit() is None
        with ledger._engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM items").scalar() == position * 20
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        ledger.close()


def test_a_kill_while_the_tables_are_made_harms_nothing(tmp_path: Path) -> None:
    """Whenever the first start is killed, the second makes or finds a whole schema."""
    chance = random.Random(7)
    for round_ in range(5):
        url = f"sqlite:///{tmp_path}/{round_}/ledger.db"
        killed(OPENER, url, 1, chance.uniform(0, 0.03))
        ledger = Ledger.open(url, site="s", gateway="g")
        ledger.commit(Commit(1, 1, Outcome()))
        assert ledger.position() == 1
        ledger.close()
