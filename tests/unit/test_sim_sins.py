"""Sins of the simulated reader that last, and how they are switched: by name, at the command line, while it runs."""

import asyncio
import json
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from click.testing import CliRunner

from simulators.llrp.cli import reader as command
from simulators.llrp.sins import Sins
from tests.sim_reader_bench import EPC, Client, found, gone, inside, reading, reading_after, report, switches


@pytest_asyncio.fixture
async def switch_on() -> AsyncIterator[Callable[..., Any]]:
    """Readers and clients that are switched off at the end."""
    async with switches() as start:
        yield start


async def test_the_nth_request_is_refused(switch_on: Any) -> None:
    """Counted anew in each connection; what came before and after it is done."""
    reader, connect = await switch_on()
    reader.sins.refuse_nth = 2
    for _ in range(2):
        client = await connect()
        assert [(await client.code("GET_ROSPECS"))[0] for _ in range(3)] == [0, 101, 0]
        client.outgoing.close()
        await gone(reader)


async def test_a_cut_leaves_a_backlog(switch_on: Any) -> None:
    """After a cut so many reads of the past wait, in order, each a message; after a clean close none do."""
    reader, connect = await switch_on(profile="fx9600")
    reader.sins.backlog_after_cut = 300
    client = await connect()
    await reading(client, report(1, 1))
    before = time.time_ns() // 1000
    reader.drop()
    await gone(reader)
    assert len(reader.backlog) == 300
    client = await connect()
    await client.next()
    tags = [found(await client.next())[0] for _ in range(300)]
    assert [tag["EPC_96"] & 0xFFFFFFFF for tag in tags] == [*range(300)]
    seen = [tag["FirstSeenTimestampUTC"] for tag in tags]
    assert {later - one for one, later in pairwise(seen)} == {5_000}
    assert 0 <= seen[0] - (before - 300 * 5_000) < 5_000_000
    await client.done("CLOSE_CONNECTION")
    await gone(reader)
    assert not reader.backlog


async def test_a_backlog_has_the_readers_bound(switch_on: Any) -> None:
    """More than the buffer holds: the oldest are lost, and counted."""
    reader, connect = await switch_on()
    reader.sins.backlog_after_cut, reader.backlog_limit = 50, 20
    client = await connect()
    await reading(client, report(1, 1))
    reader.drop()
    await gone(reader)
    assert (len(reader.backlog), reader.overflowed) == (20, 30)


async def test_clock_and_uptime_can_be_switched(switch_on: Any) -> None:
    """A wrong clock goes wrong while it runs; with uptime_only reads carry the uptime."""
    reader, connect = await switch_on()
    client = await connect()
    await client.next()
    await reading_after(client)
    reader.sins.wrong_clock = -7200.0
    reader.see(EPC, 1)
    (tag,) = found(await client.until("RO_ACCESS_REPORT"))
    assert abs(tag["FirstSeenTimestampUTC"] + 7_200_000_000 - time.time_ns() // 1000) < 60_000_000
    reader.sins.uptime_only = True
    reader.see(EPC, 1)
    (tag,) = found(await client.until("RO_ACCESS_REPORT"))
    assert tag["FirstSeenTimestampUptime"] < 60_000_000
    client.outgoing.close()
    await gone(reader)
    assert inside(await (await connect()).next(), "Uptime")


@pytest.mark.parametrize(
    ("name", "value", "becomes"),
    [
        ("silent", True, True),
        ("silent", "off", False),
        ("slow", "0.5", 0.5),
        ("cut_mid_message", "17", 17),
        ("cut_mid_message", None, None),
        ("wrong_length", -4, -4),
        ("refuse", "ADD_ROSPEC:101,ENABLE_ROSPEC:401", {"ADD_ROSPEC": 101, "ENABLE_ROSPEC": 401}),
        ("refuse", {"ADD_ROSPEC": 101}, {"ADD_ROSPEC": 101}),
        ("unsupported", "GET_ROSPECS,GET_REPORT", {"GET_ROSPECS", "GET_REPORT"}),
        ("backlog_after_cut", "66000", 66_000),
        ("wrong_clock", "-60", -60.0),
    ],
)
def test_sins_are_switched_by_name(name: str, value: Any, becomes: Any) -> None:
    """Text and JSON values become what the sin wants."""
    sins = Sins()
    sins.switch(name, value)
    assert getattr(sins, name) == becomes


@pytest.mark.parametrize(
    ("name", "value"),
    [("sloth", True), ("slow", "much"), ("cut_mid_message", True), ("refuse", "ADD_ROSPEC"), ("silent", "maybe")],
)
def test_what_is_no_sin_is_said(name: str, value: Any) -> None:
    """An unknown name, or a value that does not fit, is a ValueError that says so; nothing is changed."""
    sins = Sins()
    with pytest.raises(ValueError, match=name):
        sins.switch(name, value)
    assert sins == Sins()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--sin", "sloth"), "no sin 'sloth'; there are backlog_after_cut"),
        (("--sin", "slow=much"), "slow does not take 'much'"),
        (("--profile", "toaster"), "'toaster' is not one of"),
        (("--rate", "0"), "--rate is reads per second"),
        (("--key", __file__), "need a --certificate"),
        (("--certificate", __file__), "cannot be used"),
        (("--tag", "xyz"), "non-hexadecimal"),
    ],
)
def test_a_wrong_option_is_a_usage_error(arguments: tuple[str, ...], says: str) -> None:
    """Exit code 2 and what is wrong; nothing listens."""
    done = CliRunner().invoke(command, ["--port", "0", *arguments])
    assert done.exit_code == 2
    assert says in done.output


async def test_the_process_sins_from_the_start_and_on_command(tmp_path: Path) -> None:
    """With TLS and a profile on the command line: --sin works at once, {"sin":…}, {"plug":…} and {"drop":…} later."""
    openssl = shutil.which("openssl")
    assert openssl, "openssl is not installed: apt-get install openssl"
    pem = tmp_path / "reader.pem"
    make = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    make += ["-subj", "/CN=reader", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(pem), "-out", str(pem)]
    await asyncio.to_thread(subprocess.run, make, check=True, capture_output=True)
    arguments = ["reader", "--port", "0", "--profile", "fx9600", "--sin", "refuse=GET_ROSPECS:101"]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators", *arguments, "--certificate", str(pem), stdin=pipe, stdout=pipe
    )
    assert process.stdin is not None
    assert process.stdout is not None
    async with asyncio.timeout(20):
        ready = json.loads(await process.stdout.readline())
        assert ready["profile"] == "fx9600"
        context = ssl.create_default_context(cafile=str(pem))
        client = Client(*await asyncio.open_connection("127.0.0.1", ready["llrp"], ssl=context))
        await client.next()
        assert await client.code("GET_ROSPECS") == [101]
        process.stdin.write(b'{"sin":{"refuse":{}}}\n{"sin":{"sloth":true}}\n{"plug":[1,false]}\n{"gpi":[1]}\n')
        errors = [json.loads(await process.stdout.readline())["error"] for _ in range(2)]
        assert "no sin 'sloth'" in errors[0]
        assert "expected see, gpi, plug, sin, drop or stop" in errors[1]
        event = (await client.until("READER_EVENT_NOTIFICATION")).parts[0]
        assert event.part("AntennaEvent")
        await client.done("GET_ROSPECS")
        process.stdin.write(b'{"drop":true}\n')
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await client.next(timeout=10)
        client.outgoing.close()
        process.stdin.write(b'{"stop":true}\n')
        assert await process.wait() == 0
