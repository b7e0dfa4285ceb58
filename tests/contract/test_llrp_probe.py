"""First contact with readers: our simulator, llrpkit's emulator, things that are no reader, and a whole network."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from llrpkit.emulator import LLRPEmulator

from gateway.cli.probe import _split
from gateway.cli.probe import probe as command
from gateway.errors import DeviceError
from gateway.readers.llrp.probe import ScanError, addresses, probe, scan
from gateway.readers.llrp.settings import OUR_ROSPEC, ReaderSettings
from gateway.readers.llrp.survey import Survey, lines
from simulators.llrp import Reader
from simulators.llrp.capabilities import IMPINJ


@contextlib.asynccontextmanager
async def at(reader: Reader, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """The simulator, switched on."""
    bound = await reader.start(host, port)
    try:
        yield bound
    finally:
        await reader.stop()


def wanted(port: int, **settings: object) -> ReaderSettings:
    """What the reader is wanted for."""
    return ReaderSettings("dock-1", "127.0.0.1", port, **settings)  # type: ignore[arg-type]


async def test_a_survey_of_the_simulator_says_what_it_is() -> None:
    """Maker, firmware, antennas, region, powers, inputs, modes, clock and features are what the reader has."""
    reader = Reader("dock-1", antennas=4, gpis=3, gpos=2, manufacturer=IMPINJ, model=2001002, firmware="5.14.0.240")
    async with at(reader) as port:
        found = await probe(wanted(port, power_dbm=29.6, gpi=(2,), session=2))
        text = "\n".join(lines(found))
    assert (found.manufacturer, found.model, found.firmware) == ("Impinj", 2001002, "5.14.0.240")
    assert [(one.port, one.connected) for one in found.antennas] == [(1, True), (2, True), (3, True), (4, True)]
    assert (found.country, found.standard) == ("United States", "US FCC Part 15")
    assert found.powers_dbm == (10.0, 30.0, 0.25)
    assert (found.gpis, found.gpos, [one.port for one in found.inputs]) == (3, 2, [1, 2, 3])
    assert found.modes == (1, 2, 3, 4)
    assert found.utc
    assert found.clock_us is not None
    assert abs(found.clock_us) < 1_000_000
    assert (found.holds, found.buffer_warning, found.max_rospecs, found.rospecs) == (True, True, 8, ())
    assert found.warnings == ()
    assert any("29.5 dBm" in wish for wish in found.would_configure), found.would_configure
    assert any("Impinj extensions" in wish for wish in found.would_configure)
    assert "10 to 30 dBm in steps of 0.25 dB" in text


async def test_nothing_is_changed_by_looking() -> None:
    """Only questions are sent, CLOSE_CONNECTION at the end, and the next client is let in."""
    reader = Reader("dock-1")
    async with at(reader) as port:
        for _ in range(3):
            assert (await probe(wanted(port))).free
    asked = {name for name in reader.requests if name != "KEEPALIVE_ACK"}
    assert asked <= {
        "GET_READER_CAPABILITIES", "GET_READER_CONFIG", "GET_ROSPECS", "GET_SUPPORTED_VERSION", "CLOSE_CONNECTION"
    }  # fmt: skip
    assert reader.requests["CLOSE_CONNECTION"] == 3


async def test_what_is_odd_is_said_in_words() -> None:
    """A wrong clock, a loose antenna and wishes the reader cannot grant are warnings a technician understands."""
    reader = Reader("dock-1", antennas=2, gpis=1)
    reader.clock_error_us = -185_000_000
    async with at(reader) as port:
        reader.plug(2, False)
        found = await probe(wanted(port, antennas=(1, 2, 3), gpi=(2,), mode=1000))
    text = "\n".join(found.warnings)
    assert "its clock is 3 min 5 s behind ours" in text
    assert "antenna 2 is configured and not connected" in text
    assert "antenna 3 is configured, the reader has 2" in text
    assert "mode 1000" in text
    assert "input 2" in text
    assert -186_000_000 < (found.clock_us or 0) < -184_000_000


async def test_a_reader_without_utc() -> None:
    """A reader that knows its uptime only is said to have no UTC clock, and no difference is made up."""
    async with at(Reader("dock-1", utc=False)) as port:
        found = await probe(wanted(port))
    assert (found.utc, found.clock_us) == (False, None)
    assert any("no UTC clock" in warning for warning in found.warnings)


async def test_a_reader_that_is_taken() -> None:
    """While another client is connected the reader is listed as taken, with who to ask, and that client goes on."""
    reader = Reader("dock-1")
    async with at(reader) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(5):
            while not reader.connected:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        found = await probe(wanted(port))
        assert reader.connected
        writer.close()
        await writer.wait_closed()
    assert not found.free
    assert found.would_configure == ()
    assert "another client is connected: ask" in found.warnings[0]


async def test_refused_and_unanswered_questions_are_named_and_lived_with() -> None:
    """What a reader refuses is a warning with its status; the rest of the survey is there."""
    reader = Reader("dock-1")
    reader.sins.refuse = {"GET_READER_CONFIG": 101}
    reader.sins.unsupported = {"GET_ROSPECS"}
    async with at(reader) as port:
        found = await probe(wanted(port))
        assert found.manufacturer == "IANA enterprise 50000"
        assert len(found.antennas) == 4
        assert found.antennas[0].connected is None
        text = "\n".join(found.warnings)
        assert "GET_READER_CONFIG refused: M_FieldError (101)" in text
        assert "GET_ROSPECS refused: M_UnsupportedMessage (109)" in text
        reader.sins.silent = True
        with pytest.raises(DeviceError, match="did not greet within"):
            await probe(wanted(port), greet=0.2)


async def test_llrpkits_emulator() -> None:
    """A reader this project did not write is read as well; what it does not say stays open."""
    async with LLRPEmulator(tags=[]) as emulator:
        found = await probe(wanted(emulator.port))
    assert (found.manufacturer, len(found.antennas), found.powers_dbm) == ("Impinj", 4, (10.0, 30.0, 1.0))
    assert found.antennas[0].connected is None
    assert 1002 in found.modes


@pytest.mark.parametrize(
    ("greeting", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no LLRP reader"),
        (b"", "closed the connection"),
        (None, "did not greet within"),
        (bytes.fromhex("043e 0000000a 00000063"), "did not greet within"),
    ],
)
async def test_what_is_no_reader(greeting: bytes | None, said: str) -> None:
    """A web server, a port that closes, a silent one, and one of keepalives only: DeviceError with the reason."""
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if greeting is not None:
            writer.write(greeting)
        if greeting != b"":
            await over.wait()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        with pytest.raises(DeviceError, match=said):
            await probe(wanted(port), greet=0.3)
    finally:
        over.set()
        await asyncio.sleep(0.05)
        server.close()
        await server.wait_closed()
    with pytest.raises(DeviceError, match="no connection to"):
        await probe(wanted(port), greet=0.3)


async def test_a_network_is_searched_and_only_readers_are_listed() -> None:
    """Two readers and a mute port in 127.0.0.0/28: the two readers are found, in well under a time-out per host."""
    first, second = Reader("a"), Reader("b", firmware="2.0")
    async with at(first, "127.0.0.2") as port, at(second, "127.0.0.5", port):
        mute = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.7", port)
        hosts = addresses("127.0.0.0/28")
        found: list[Survey] = []
        started = asyncio.get_running_loop().time()
        async for survey in scan(hosts, wanted(port), greet=1.0):
            found.append(survey)  # noqa: PERF401
        assert asyncio.get_running_loop().time() - started < 5
        mute.close()
        await mute.wait_closed()
    assert len(hosts) == 14
    assert sorted(one.host for one in found) == ["127.0.0.2", "127.0.0.5"]
    assert first.connections == second.connections == 1


async def test_a_search_that_is_left_closes_what_it_opened() -> None:
    """Leaving the search early cancels what is under way."""
    reader = Reader("a")
    async with at(reader) as port:
        search = scan(addresses("127.0.0.0/24"), wanted(port))
        async for _ in search:
            break
        await search.aclose()  # type: ignore[attr-defined]


def test_addresses_are_bounded() -> None:
    """A host is itself; a /22 is the largest network; what is no network is refused with an example."""
    assert addresses("reader-1") == ("reader-1",)
    assert len(addresses("192.0.2.0/22")) == 1022
    assert addresses("192.0.2.7/32") == ("192.0.2.7",)
    assert len(addresses("2001:db8::/120")) == 255
    for target, said in (("10.0.0.0/8", "a /22"), ("reader/24", "like 192"), ("192.0.2.0/99", "like 192")):
        with pytest.raises(ScanError, match=said):
            addresses(target)


@pytest.mark.parametrize(
    ("target", "host", "port"),
    [
        ("r1", "r1", 5084),
        ("r1:5085", "r1", 5085),
        ("[::1]:99", "::1", 99),
        ("::1", "::1", 5084),
        ("[::1]", "::1", 5084),
        ("fe80::12", "fe80::12", 5084),
    ],
)
def test_host_and_port(target: str, host: str, port: int) -> None:
    """A port may stand behind the host, and an IPv6 address is not taken for one."""
    assert _split(target, 5084) == (host, port)


async def test_the_command_prints_for_people_and_machines() -> None:
    """Exit 0 and a survey; `--json` one object; exit 1 for nobody there; exit 2 for a network too large."""
    reader = Reader("dock-1")
    async with at(reader) as port:
        people = await asyncio.to_thread(CliRunner().invoke, command, [f"127.0.0.1:{port}"])
        machines = await asyncio.to_thread(CliRunner().invoke, command, [f"llrp://127.0.0.1:{port}", "--json"])
        network = await asyncio.to_thread(CliRunner().invoke, command, ["127.0.0.0/30", "--port", str(port), "--json"])
    assert people.exit_code == machines.exit_code == network.exit_code == 0, people.output
    assert f"127.0.0.1:{port}  IANA enterprise 50000 model 1" in people.output
    assert "→ one ROSpec" in people.output
    one = json.loads(machines.stdout)
    assert (one["free"], one["powers_dbm"], one["rospecs"]) == (True, [10.0, 30.0, 0.25], [])
    assert json.loads(network.stdout)["host"] == "127.0.0.1"
    nobody = await asyncio.to_thread(CliRunner().invoke, command, [f"127.0.0.1:{port}", "--timeout", "0.2"])
    assert nobody.exit_code == 1
    assert "no connection to" in nobody.output
    large = await asyncio.to_thread(CliRunner().invoke, command, ["10.0.0.0/8"])
    assert large.exit_code == 2
    assert "a /22" in large.output


async def test_a_configured_reader_is_compared_with_its_settings(tmp_path: Path) -> None:
    """With -c the id of a reader is enough, and what the file wants of it is said; an unknown id exits 2."""
    config = tmp_path / "t.toml"
    reader = Reader("dock-1", antennas=2)
    async with at(reader) as port:
        config.write_text(
            '[site]\nid = "s"\n[gateway]\nid = "g"\n'
            f'[[reader]]\nid = "dock-1"\nurl = "llrp://127.0.0.1:{port}"\npower_dbm = 29.6\nmode = "hybrid"\n'
        )
        said = await asyncio.to_thread(CliRunner().invoke, command, ["dock-1", "-c", str(config)])
        other = await asyncio.to_thread(CliRunner().invoke, command, ["dock-9", "-c", str(config)])
    assert said.exit_code == 0, said.output
    assert "(wanted 29.6)" in said.output
    assert "! mode 'hybrid' is not known for this reader" in said.output
    assert other.exit_code == 2
    assert "it has dock-1" in other.output
    config.write_text("[site]")
    assert (await asyncio.to_thread(CliRunner().invoke, command, ["dock-1", "-c", str(config)])).exit_code == 2


async def test_a_reader_that_speaks_no_tls() -> None:
    """llrps:// towards a plain port is an error that says so, or times out; never a survey."""
    async with at(Reader("dock-1")) as port:
        said = await asyncio.to_thread(CliRunner().invoke, command, [f"llrps://127.0.0.1:{port}", "--timeout", "2"])
    assert said.exit_code == 1
    assert "TLS" in said.output or "no connection" in said.output


async def test_rospecs_of_others_are_found() -> None:
    """A ROSpec that somebody left is listed with its state, ours is known as ours, and a full reader is warned of."""
    from gateway.readers.llrp.codec import Message, Parameter
    from gateway.readers.llrp.survey import Heard, survey

    def rospec(number: int, state: int) -> Parameter:
        return Parameter("ROSpec", {"ROSpecID": number, "Priority": 0, "CurrentState": state})

    full = Message(
        "GET_READER_CAPABILITIES_RESPONSE",
        parameters=(
            Parameter(
                "LLRPCapabilities",
                {"SupportsEventAndReportHolding": False, "CanReportBufferFillWarning": False, "MaxNumROSpecs": 1},
            ),
        ),
    )
    stranger = Message("GET_ROSPECS_RESPONSE", parameters=(rospec(7, 2),))
    heard = Heard("r", 5084, capabilities=full, rospecs=stranger, reports=3)
    found = survey(heard, ReaderSettings("r", "r"))
    text = "\n".join(found.warnings)
    assert [(one.id, one.state, one.ours) for one in found.rospecs] == [(7, "active", False)]
    assert "it takes 1 ROSpec and is full: 7 (active); ours would be refused: set takeover = true" in text
    assert "cannot hold reports" in text
    assert "3 tag reports nobody asked for" in text
    taken = survey(heard, ReaderSettings("r", "r", takeover=True))
    assert any("takeover = true deletes it" in warning for warning in taken.warnings)
    assert any("delete all 1 ROSpecs" in wish for wish in taken.would_configure)
    ours = Message("GET_ROSPECS_RESPONSE", parameters=(rospec(OUR_ROSPEC, 1),))
    mine = survey(Heard("r", 5084, capabilities=full, rospecs=ours), ReaderSettings("r", "r"))
    assert [one.ours for one in mine.rospecs] == [True]
    assert not any("ROSpec" in warning for warning in mine.warnings)
    assert "ours" in "\n".join(lines(mine))
