"""The servers of central, for real: Mosquitto and influxd from Debian, each with its files in a folder of its own."""

import asyncio
import contextlib
import getpass
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from benchmarks.measuring import BenchmarkError

START = 20.0
"""Seconds a server has to answer."""


def program(name: str, package: str) -> str:
    """The path of a server's program.

    Raises:
        BenchmarkError: it is not installed.
    """
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise BenchmarkError(f"{name} is not installed: apt-get install {package}")
    return found


def free_ports(count: int) -> list[int]:
    """TCP ports nobody listens on just now."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@contextlib.asynccontextmanager
async def process(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A child process without output of its own but stdout as a pipe; ended at the end."""
    child = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        await child.communicate()


@contextlib.asynccontextmanager
async def mosquitto(folder: Path) -> AsyncIterator[int]:
    """A broker as Debian ships it, with persistence; yields its port.

    Raises:
        BenchmarkError: not installed, or it does not start.
    """
    (port,) = free_ports(1)
    conf = folder / "mosquitto.conf"
    conf.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {folder}/\n"
        f"log_type none\nuser {getpass.getuser()}\n"
    )
    async with process(program("mosquitto", "mosquitto"), "-c", str(conf)):
        await _answers("mosquitto", port)
        yield port


@contextlib.asynccontextmanager
async def influxd(folder: Path) -> AsyncIterator[str]:
    """An influxd 1.x with database `bench`; yields its url.

    Raises:
        BenchmarkError: not installed, or it does not start.
    """
    port, rpc = free_ports(2)
    conf = folder / "influxd.conf"
    conf.write_text(
        f'reporting-disabled = true\nbind-address = "127.0.0.1:{rpc}"\n[meta]\n dir = "{folder}/meta"\n'
        f'[data]\n dir = "{folder}/data"\n wal-dir = "{folder}/wal"\n query-log-enabled = false\n'
        f'[http]\n bind-address = "127.0.0.1:{port}"\n log-enabled = false\n'
        '[monitor]\n store-enabled = false\n[logging]\n level = "error"\n'
    )
    async with process(program("influxd", "influxdb"), "-config", str(conf)):
        await _answers("influxd", port)
        url = f"http://127.0.0.1:{port}"
        await influx_query(url, "CREATE DATABASE bench")
        yield url


async def influx_query(url: str, text: str) -> Any:
    """Ask influxd; the first result."""
    import aiohttp

    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/query", params={"db": "bench", "q": text}) as answer,
    ):
        return (await answer.json())["results"][0]


@contextlib.asynccontextmanager
async def shim(url: str) -> AsyncIterator[str]:
    """`benchmarks.shim` before an influxd 1.x, as a process of its own; yields the url of the v2 API."""
    async with process(sys.executable, "-m", "benchmarks.shim", url) as child:
        assert child.stdout is not None
        line = await asyncio.wait_for(child.stdout.readline(), START)
        if not line:
            raise BenchmarkError("the shim before influxd did not start")
        yield line.decode().strip()


async def _answers(name: str, port: int) -> None:
    """Wait until somebody listens."""
    try:
        async with asyncio.timeout(START):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    await writer.wait_closed()
                    return
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise BenchmarkError(f"{name} did not start within {START:g} s") from None
