"""Fixtures of the system tests: a place, a dock, a broker. The bench is loaded by path (tests are no package)."""

import importlib.util
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

_spec = importlib.util.spec_from_file_location("daemon_bench", Path(__file__).with_name("daemon_bench.py"))
_bench = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_bench)


@pytest.fixture
def bench() -> ModuleType:
    """Everything in `daemon_bench`."""
    return _bench


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory with a short path, for unix sockets."""
    with _bench.place() as path:
        yield path


@pytest.fixture
async def broker(folder: Path) -> AsyncIterator[Any]:
    """A Mosquitto that keeps sessions on disk."""
    place = folder / "mosquitto"
    place.mkdir()
    async with _bench.Broker(place) as running:
        yield running


@pytest.fixture
async def dock() -> AsyncIterator[Any]:
    """One door with its reader."""
    async with _bench.dock() as doors:
        yield doors
