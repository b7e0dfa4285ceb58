"""LLRP over TLS: the simulator behind a TLS port, certificates made by openssl, and the words when they are wrong."""

import asyncio
import json
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.probe import probe
from gateway.errors import DeviceError
from gateway.model.inputs import Device, Input, Reads
from gateway.readers.llrp.driver import LlrpReader
from gateway.readers.llrp.settings import ReaderSettings
from gateway.readers.sllurp_driver import SllurpReader
from simulators.llrp import Reader


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Self-signed certificates that are their own authority: reader (for 127.0.0.1), other (another name), gateway."""
    openssl = shutil.which("openssl")
    assert openssl, "openssl is not installed: apt-get install openssl"
    folder = tmp_path_factory.mktemp("certificates")
    for name, alternative in (("reader", "IP:127.0.0.1"), ("other", "DNS:other.example"), ("gateway", "DNS:gw-1")):
        command = [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName={alternative}"),
            *("-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")),
        ]
        subprocess.run(command, check=True, capture_output=True)
    return folder


@asynccontextmanager
async def behind_tls(
    certificates: Path, name: str = "reader", mutual: bool = False
) -> AsyncIterator[tuple[Reader, int]]:
    """A simulated reader whose port speaks TLS: a proxy takes it off, as some readers' own does."""
    reader = Reader("sim")
    inner = await reader.start()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificates / "gateway.pem")

    async def serve(incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        onward, back = await asyncio.open_connection("127.0.0.1", inner)
        await asyncio.gather(pump(incoming, back), pump(onward, outgoing))

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                sink.write(data)
                await sink.drain()
        sink.close()
        with suppress(OSError):
            await sink.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield reader, server.sockets[0].getsockname()[1]
    finally:
        await reader.stop()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.05)


DRIVERS: dict[str, type[LlrpReader] | type[SllurpReader]] = {"llrp": LlrpReader, "sllurp": SllurpReader}


def driver(port: int, inputs: list[Input], kind: str = "llrp", **settings: object) -> LlrpReader | SllurpReader:
    """A driver that submits into a list."""

    async def submit(item: Input) -> None:
        inputs.append(item)

    wanted = ReaderSettings("dock-1", "127.0.0.1", port, tls=True, connect=2_000_000, **settings)  # type: ignore[arg-type]
    return DRIVERS[kind](wanted, submit)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is awaited is a plain list
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("kind", DRIVERS)
@pytest.mark.parametrize("mutual", [False, True])
async def test_tags_are_read_over_tls(certificates: Path, mutual: bool, kind: str) -> None:
    """With the reader's authority, and with a client certificate where it wants one, everything is as over TCP."""
    own = {"cert_file": str(certificates / "gateway.pem"), "key_file": str(certificates / "gateway.key")}
    async with behind_tls(certificates, mutual=mutual) as (reader, port):
        inputs = list[Input]()
        client = driver(port, inputs, kind, ca_file=str(certificates / "reader.pem"), **own if mutual else {})
        task = asyncio.create_task(client.run())
        await until(lambda: any(isinstance(item, Device) for item in inputs))
        reader.see("3034257BF7194E4000001A85", 1)
        await until(lambda: any(isinstance(item, Reads) for item in inputs))
        if isinstance(client, LlrpReader):
            await client.light({1: True})
            assert reader.gpo[1]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert reader.requests["CLOSE_CONNECTION"] == 1


@pytest.mark.parametrize("mutual", [False, True])
async def test_first_contact_over_tls(certificates: Path, mutual: bool) -> None:
    """`tallyman llrp probe llrps://…` shows the reader, with a client certificate where it wants one."""
    files = {"--ca": "reader.pem"} | ({"--certificate": "gateway.pem", "--key": "gateway.key"} if mutual else {})
    options = [part for name, file in files.items() for part in (name, str(certificates / file))]
    async with behind_tls(certificates, mutual=mutual) as (reader, port):
        said = await asyncio.to_thread(CliRunner().invoke, probe, [f"llrps://127.0.0.1:{port}", *options, "--json"])
        assert said.exit_code == 0, said.output
        found = json.loads(said.stdout)
        assert (found["free"], found["powers_dbm"], found["gpos"]) == (True, [10.0, 30.0, 0.25], 4)
        assert reader.requests["CLOSE_CONNECTION"] == 1


async def test_first_contact_with_a_reader_that_wants_to_know_us(certificates: Path) -> None:
    """Without our certificate there is no survey, but the reason; half of the pair is a usage error."""
    options = ["--ca", str(certificates / "reader.pem")]
    async with behind_tls(certificates, mutual=True) as (reader, port):
        target = f"llrps://127.0.0.1:{port}"
        said = await asyncio.to_thread(CliRunner().invoke, probe, [target, *options])
        half = await asyncio.to_thread(CliRunner().invoke, probe, [target, *options, "--key", "k"])
        assert reader.requests == {}
    assert said.exit_code == 1
    assert "client certificate" in said.output or "CERTIFICATE_REQUIRED" in said.output
    assert half.exit_code == 2
    assert "belong together" in half.output


async def test_a_reader_that_is_not_trusted(certificates: Path) -> None:
    """Another authority, the system's, or another name: nothing is said to the reader, and what to do is told."""
    async with behind_tls(certificates) as (reader, port):
        for files in ({"ca_file": str(certificates / "other.pem")}, {}):
            with pytest.raises(DeviceError, match=r"no TLS with .*certificate is not trusted.*give the authority"):
                await driver(port, [], **files).run()
        assert reader.requests == {}
    async with behind_tls(certificates, "other") as (_, port):
        with pytest.raises(DeviceError, match=r"IP address mismatch.*write the name that stands in the reader's"):
            await driver(port, [], ca_file=str(certificates / "other.pem")).run()


async def test_a_reader_that_wants_to_know_us(certificates: Path) -> None:
    """Without the client certificate it asks for there is no link, and the reason is told."""
    async with behind_tls(certificates, mutual=True) as (_, port):
        with pytest.raises(DeviceError, match=r"(?i)certificate"):
            await driver(port, [], ca_file=str(certificates / "reader.pem")).run()


async def test_a_port_without_tls() -> None:
    """A plain LLRP port, which greets at once, is told apart from a dead one."""
    reader = Reader("sim")
    port = await reader.start()
    with pytest.raises(DeviceError, match=r"does not speak TLS; write url"):
        await driver(port, []).run()
    await reader.stop()


async def test_files_that_cannot_be_used(tmp_path: Path, certificates: Path) -> None:
    """A missing file, nonsense, and a key that belongs to another certificate are told by their settings."""
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("not a certificate")
    cert, key = str(certificates / "gateway.pem"), str(certificates / "other.key")
    for files, says in (
        ({"ca_file": str(tmp_path / "absent.pem")}, r"ca cannot be read \(.*absent\.pem\): No such file"),
        ({"ca_file": str(nonsense)}, r"ca cannot be used \(.*nonsense\.pem\)"),
        ({"cert_file": cert, "key_file": key}, r"certificate or key cannot be used \(.*KEY_VALUES_MISMATCH"),
    ):
        with pytest.raises(DeviceError, match=says):
            await driver(1, [], **files).run()
