"""Histories: what is kept is there in the next life; files that are not, or cannot be, cost nothing else."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.app.histories import LONGEST, Histories


async def here(function: Callable[[], None]) -> None:
    """The thread of the daemon's writer, without one."""
    function()


async def written(histories: Histories, done: Callable[[], bool]) -> None:
    """Run until `done`."""
    task = asyncio.create_task(histories.run(here))
    async with asyncio.timeout(5):
        while not done():  # noqa: ASYNC110 - what is awaited is a file
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_last_that_was_kept_is_there_again(tmp_path: Path) -> None:
    """Of each device the last one counts, and only the configured devices are read."""
    folder = tmp_path / "antennas"
    histories = Histories.open(folder, ["r1", "r2"])
    assert histories.past("r1") == b""
    histories.keeper("r1")(b"old")
    histories.keeper("r1")(b"new")
    histories.keeper("r2.x")(b"other")
    await written(histories, lambda: (folder / "r2.x.json").exists() and (folder / "r1.json").exists())
    assert sorted(path.name for path in folder.iterdir()) == ["r1.json", "r2.x.json"]
    again = Histories.open(folder, ["r1", "r2"])
    assert (again.past("r1"), again.past("r2"), again.past("r2.x")) == (b"new", b"", b"")


async def test_what_is_kept_at_the_end_is_written(tmp_path: Path) -> None:
    """Readers stop before the histories do: their last word is written on the way out."""
    histories = Histories.open(tmp_path, ["r1"])
    task = asyncio.create_task(histories.run(here))
    await asyncio.sleep(0)
    histories.keeper("r1")(b"last")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (tmp_path / "r1.json").read_bytes() == b"last"


async def test_a_directory_that_cannot_be_written_is_counted(tmp_path: Path) -> None:
    """A file where the directory should be: nothing is written, that is counted, and `run` goes on."""
    (tmp_path / "antennas").write_text("in the way")
    histories = Histories.open(tmp_path / "antennas", ["r1"])
    assert histories.past("r1") == b""
    histories.keeper("r1")(b"x")
    await written(histories, lambda: histories.failed > 0)
    assert (tmp_path / "antennas").read_text() == "in the way"


@pytest.mark.parametrize("size", [0, LONGEST + 1, 10 * LONGEST])
def test_no_more_is_read_than_was_ever_written(tmp_path: Path, size: int) -> None:
    """A file that grew is read up to one byte more than the longest history, which its reader refuses."""
    (tmp_path / "r1.json").write_bytes(b"x" * size)
    assert len(Histories.open(tmp_path, ["r1"]).past("r1")) == min(size, LONGEST + 1)
