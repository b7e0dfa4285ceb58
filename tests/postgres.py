"""A PostgreSQL server of Debian for tests, and a pytest plugin that puts ledgers "in memory" into databases of it.

`pytest -p tests.postgres` with TALLYMAN_TEST_POSTGRES (as `server` gives it) runs tests of `sqlite://` on PostgreSQL.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from gateway.ledger.store import Ledger
from gateway.ledger.tables import METADATA

USER = "postgres"
"""The unix user that Debian's package makes; the server refuses to run as root."""


def command(name: str) -> str:
    """A command of the server: on the path, or where Debian puts it."""
    found = shutil.which(name) or next(
        (str(path) for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), None
    )
    assert found, f"{name} is not here: tools/install-servers.sh installs Debian's postgresql"
    return found


@contextlib.contextmanager
def server() -> Iterator[str]:
    """A fresh cluster on a unix socket, text in byte order; the URL of its databases with `{}` for the name."""
    user = USER if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as name:
        if user is not None:
            shutil.chown(name, user)
        options: dict[str, Any] = {"user": user, "check": True, "cwd": name, "capture_output": True, "timeout": 120}
        place = ["-D", f"{name}/data"]
        superuser = f"--username={USER}"
        subprocess.run(
            [command("initdb"), *place, superuser, "--encoding=UTF8", "--locale=C", "--auth=trust"], **options
        )
        said = (
            f"-k {name} -c listen_addresses= -c fsync=off -c full_page_writes=off"  # not durable: what is tested is SQL
        )
        control = [command("pg_ctl"), *place, "-w", "-s"]
        subprocess.run([*control, "-o", said, "-l", f"{name}/log", "start"], **options)
        try:
            yield f"postgresql+psycopg://{USER}@/{{}}?host={name}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **options)


@pytest.fixture(autouse=True)
def _on_postgres(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each ledger that a test opens as `sqlite://` is an empty database; a second one of the same test another."""
    asked = Ledger.open
    opened: list[Ledger] = []

    def open_(url: str, **names: Any) -> Ledger:
        assert url == "sqlite://", "this test is about SQLite's file; leave it out"
        opened.append(asked(_empty(len(opened)), **names))
        return opened[-1]

    monkeypatch.setattr(Ledger, "open", open_)
    yield
    for ledger in opened:
        ledger._engine.dispose()


_made: set[int] = set()


def _empty(number: int) -> str:
    """The URL of an empty database: made at its first use, emptied at every other."""
    server_url = os.environ["TALLYMAN_TEST_POSTGRES"]
    if number not in _made:
        with _connected(server_url.format("postgres")) as connection:
            connection.execute(text(f"CREATE DATABASE t{number}"))
        _made.add(number)
    else:
        every = "; ".join(f'DELETE FROM "{table.name}"' for table in reversed(METADATA.sorted_tables))
        with _connected(server_url.format(f"t{number}")) as connection:
            connection.exec_driver_sql(every)  # of so few rows faster than TRUNCATE
    return server_url.format(f"t{number}")


@contextlib.contextmanager
def _connected(url: str) -> Iterator[Any]:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
