"""The driver and the probe against a reader made with llrpjs: an LLRP codec in JavaScript that nobody here wrote.

`npm ci` puts it, by the hashes of the lock, into a folder that all workers share. Without node or npm these tests fail;
where npm can fetch nothing they are skipped, which in CI is a failure as well (tests/conftest.py).
"""

import asyncio
import contextlib
import fcntl
import json
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import DeviceError
from gateway.model.inputs import Device, Input, Reads
from gateway.readers.llrp.driver import LlrpReader
from gateway.readers.llrp.probe import probe
from gateway.readers.llrp.settings import ReaderSettings

HERE = Path(__file__).with_name("llrpjs")
EPC_96, EPC_128 = "3034257BF7194E4000001A85", "E2001700000000000000000000001234"


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with llrpjs and the reader made of it."""
    for tool, package in (("node", "nodejs"), ("npm", "npm")):
        assert shutil.which(tool), f"{tool} is missing: apt-get install {package}"
    base = tmp_path_factory.getbasetemp()
    # with xdist each worker has a folder below the run's; without, the run's own is the one
    shared = base.parent if base.name.startswith("popen-") else base
    folder = shared / "llrpjs"
    folder.mkdir(exist_ok=True)
    with (shared / "llrpjs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            for file in HERE.iterdir():
                shutil.copy(file, folder)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
            if done.returncode:
                pytest.skip(f"npm cannot install llrpjs here: {done.stderr[-500:]}")
            (folder / "done").touch()
    return folder


class JsReader:
    """The process, and what it says happened."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[dict[str, Any]] = []
        self.port = 0

    def names(self) -> list[str]:
        """The messages it decoded, in order."""
        return [one["message"] for one in self.said if "message" in one]

    def data(self, name: str) -> dict[str, Any]:
        """What it made of the first message of that name."""
        return next(one["data"] for one in self.said if one.get("message") == name)

    def errors(self) -> list[str]:
        """What its codec objected to."""
        return [one["error"] for one in self.said if "error" in one]

    async def listen(self) -> None:
        """Gather its lines until it ends."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.said.append(json.loads(line))
            self.port = self.port or self.said[-1].get("port", 0)


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 (what is awaited are plain lists)
            await asyncio.sleep(0.01)


@pytest.fixture
async def js(installed: Path) -> AsyncIterator[JsReader]:
    """A reader on a port of its own."""
    process = await asyncio.create_subprocess_exec(
        "node", "reader.cjs", cwd=installed, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    reader = JsReader(process)
    listening = asyncio.create_task(reader.listen())
    try:
        await until(lambda: reader.port > 0)
        yield reader
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await listening


async def test_tags_of_a_javascript_reader_are_read(js: JsReader) -> None:
    """Handshake, tag reports of both EPC forms, keepalives and goodbye pass between two codecs by different hands."""
    inputs: list[Input] = []

    async def submit(item: Input) -> None:
        inputs.append(item)

    settings = ReaderSettings(
        "dock-1", "127.0.0.1", js.port, antennas=(1, 2), gpi=(1,), keepalive=100_000, session=2, tag_population=60
    )
    task = asyncio.create_task(LlrpReader(settings, submit).run())
    await until(lambda: js.names().count("KEEPALIVE_ACK") >= 3 and len(inputs) > 5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await until(lambda: "CLOSE_CONNECTION" in js.names() and js.said[-1].get("event") == "disconnect")

    assert isinstance(inputs[0], Device)
    assert "manufacturer 26554" in inputs[0].detail
    rows = [row for item in inputs if isinstance(item, Reads) for row in item.reads]
    by_antenna = {row[1]: row for row in rows}
    assert {antenna: row[2] for antenna, row in by_antenna.items()} == {1: EPC_96, 2: EPC_128}
    assert {antenna: (row[3], row[4], row[6]) for antenna, row in by_antenna.items()} == {
        1: (-50, 3, 2),
        2: (-51, 3, 2),
    }
    assert all(abs(row[0] - time.time_ns() // 1000) < 10_000_000 for row in rows)
    assert js.errors() == []


async def test_our_requests_mean_there_what_they_mean_here(js: JsReader) -> None:
    """Its decoder finds in ADD_ROSPEC and SET_READER_CONFIG, by the standard's names, what we configured."""
    inputs: list[Input] = []

    async def submit(item: Input) -> None:
        inputs.append(item)

    settings = ReaderSettings("dock-1", "127.0.0.1", js.port, antennas=(2,), keepalive=5_000_000, report_every=7)
    task = asyncio.create_task(LlrpReader(settings, submit).run())
    await until(lambda: len(inputs) > 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    keepalive = js.data("SET_READER_CONFIG")["KeepaliveSpec"]
    assert keepalive == {"KeepaliveTriggerType": "Periodic", "PeriodicTriggerValue": 5000}
    rospec = js.data("ADD_ROSPEC")["ROSpec"]
    assert (rospec["ROSpecID"], rospec["CurrentState"]) == (settings.rospec, "Disabled")
    assert rospec["ROBoundarySpec"]["ROSpecStartTrigger"]["ROSpecStartTriggerType"] == "Null"
    assert rospec["AISpec"]["AntennaIDs"] in (2, [2])
    assert rospec["ROReportSpec"]["N"] == 7
    assert rospec["ROReportSpec"]["TagReportContentSelector"]["EnablePeakRSSI"] in (1, True)


async def test_a_javascript_reader_that_dies_is_a_device_error(js: JsReader) -> None:
    """Killed while it reports: DeviceError, for the supervisor to start again."""
    inputs: list[Input] = []

    async def submit(item: Input) -> None:
        inputs.append(item)

    task = asyncio.create_task(LlrpReader(ReaderSettings("dock-1", "127.0.0.1", js.port), submit).run())
    await until(lambda: len(inputs) > 3)
    js.process.kill()
    with pytest.raises(DeviceError, match="dock-1: the "):
        await task


async def test_the_probe_reads_a_javascript_reader(js: JsReader) -> None:
    """First contact works with a reader that knows no GET_SUPPORTED_VERSION, and says what it lacks."""
    found = await probe(ReaderSettings("dock-1", "127.0.0.1", js.port))
    assert (found.free, found.version, found.manufacturer, found.model) == (True, "1.0.1", "ThingMagic", 7)
    assert (len(found.antennas), found.gpis, found.gpos, found.max_rospecs) == (2, 2, 2, 1)
    assert [warning for warning in found.warnings if "hold" in warning]
    assert found.clock_us is not None
    assert abs(found.clock_us) < 5_000_000
