"""The ledger on PostgreSQL: what is proved on SQLite holds there too, by the same tests."""

import os
import subprocess
import sys

import pytest

from tests.postgres import server

SQLITE_ALONE = "not test_the_drain_never_walks_over_sent_rows"
"""It reads the plans of SQLite's own indexes."""

FILES = ("effects", "facts", "lives", "goods", "queries", "outbox", "tracing", "fsma204")


@pytest.mark.timeout(400)
def test_the_ledger_does_on_postgresql_what_it_does_on_sqlite() -> None:
    """Effects, facts, lives of lots, listings, outbox, trace, recall and export, on a real server."""
    files = [f"tests/unit/test_ledger_{name}.py" for name in FILES]
    with server() as url:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-p",
                "tests.postgres",
                "-p",
                "no:cacheprovider",
                "-k",
                SQLITE_ALONE,
                *files,
            ],
            env=os.environ | {"TALLYMAN_TEST_POSTGRES": url},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
