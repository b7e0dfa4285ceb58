"""`tallyman doctor`: beside nothing, beside everything, and beside a running gateway that it must not disturb."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aiohttp import web
from click.testing import CliRunner

from gateway.cli import main
from gateway.cli.examine import examine
from gateway.uplink import reach
from gateway.uplink.settings import MqttSettings

SCALE = '\n[[scale]]\nid = "scale-1"\nportal = "dock-1"\nurl = "{url}"\n'


def by_check(findings: list[Any]) -> dict[str, list[Any]]:
    """Findings by what was looked at."""
    found: dict[str, list[Any]] = {}
    for one in findings:
        found.setdefault(one.check, []).append(one)
    return found


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[int]:
    """A TCP port that takes connections and says nothing."""
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def nobody() -> int:
    """A port nobody listens on."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


async def test_everything_is_there(bench: ModuleType, folder: Path, dock: Any, broker: Any) -> None:
    """Reader, sensor, scale, broker and InfluxDB reachable, nothing running: exit 0, and a line for each."""

    async def ping(_: web.Request) -> web.Response:
        return web.Response(status=204, headers={"X-Influxdb-Version": "2.7.1"})

    influx = web.AppRunner(web.Application())
    influx.app.router.add_get("/ping", ping)
    await influx.setup()
    await web.TCPSite(influx, "127.0.0.1", 0).start()
    server = influx.addresses[0][1]
    try:
        async with listening() as port:
            more = bench.CLIMATE.format(port=port) + SCALE.format(url=f"tcp://127.0.0.1:{port}")
            more += f'\n[influxdb]\nurl = "http://127.0.0.1:{server}"\norg = "o"\nbucket = "b"\n'
            config = folder / "tallyman.toml"
            config.write_text(bench.configuration(dock.ports, mqtt=broker.port, more=more))
            said = await asyncio.to_thread(CliRunner().invoke, main, ["doctor", "-c", str(config), "--json"])
            people = await asyncio.to_thread(CliRunner().invoke, main, ["doctor", "-c", str(config)])
    finally:
        await influx.cleanup()
    rows = bench.Said(said.exit_code, said.stdout, "").rows()
    results = {row["check"]: row["result"] for row in rows if row["check"] != "clock"}
    assert said.exit_code == 0, said.output
    assert set(results.values()) == {"ok"}, rows
    for check in ("configuration", "secrets", "gateway", "state", "http", "ledger", "reader reader-1",
                  "sensor cold-2-a", "scale scale-1", "mqtt", "influxdb"):  # fmt: skip
        assert check in results
    texts = {row["check"]: row["text"] for row in rows}
    assert "MQTT 5" in texts["mqtt"]
    assert "2.7.1" in texts["influxdb"]
    assert "2 of 2 antennas connected" in texts["reader reader-1"]
    assert "✓ mqtt: " in people.output
    assert not (folder / "state").exists(), "the doctor makes nothing"


async def test_nothing_is_there(bench: ModuleType, folder: Path) -> None:
    """Nobody answers anywhere and the HTTP port is taken: exit 1, every failure at once, each with what to do."""
    gone = nobody()
    more = bench.CLIMATE.format(port=gone) + SCALE.format(url="serial:///dev/tty-not-there")
    more += f'\n[influxdb]\nurl = "http://127.0.0.1:{gone}"\norg = "o"\nbucket = "b"\n'
    config = folder / "tallyman.toml"
    (folder / "t.sock").touch()
    async with listening() as taken:
        text = bench.configuration({"reader-1": gone}, mqtt=gone, more=more)
        config.write_text(text.replace('listen = "127.0.0.1:0"', f'listen = "127.0.0.1:{taken}"'))
        said = await asyncio.to_thread(CliRunner().invoke, main, ["doctor", "-c", str(config), "--json"])
    rows = bench.Said(said.exit_code, said.stdout, "").rows()
    bad = {row["check"]: row for row in rows if row["result"] == "failed"}
    assert said.exit_code == 1
    assert set(bad) == {"http", "reader reader-1", "sensor cold-2-a", "scale scale-1", "mqtt", "influxdb"}
    assert all(row["fix"] for row in bad.values())
    assert "no connection to" in bad["reader reader-1"]["text"]
    assert next(row for row in rows if row["check"] == "gateway")["result"] == "warning"


async def test_a_wrong_configuration_and_an_unreadable_secret(bench: ModuleType, folder: Path) -> None:
    """Every mistake of the file is a failure; so is a secret that is not there, and nothing else is tried then."""
    config = folder / "tallyman.toml"
    config.write_text('[site]\nid = "x"\n')
    findings = by_check(await examine(config))
    assert set(findings) == {"configuration"}
    assert all(one.result == "failed" for one in findings["configuration"])
    text = bench.configuration({"reader-1": 1}, mqtt=1)
    config.write_text(
        text.replace('mqtt://127.0.0.1:1"', 'mqtt://127.0.0.1:1"\nusername = "u"\npassword = { file = "no" }')
    )
    findings = by_check(await examine(config))
    assert findings["configuration"][0].result == "ok"
    assert [one.result for one in findings["secrets"]] == ["failed"]
    assert "mqtt" not in findings


async def test_a_running_gateway_is_not_disturbed(bench: ModuleType, folder: Path, dock: Any, broker: Any) -> None:
    """Its readers are asked for at its socket, its port and its session at the broker stay its own."""
    async with bench.gateway(folder, bench.configuration(dock.ports, mqtt=broker.port)) as daemon:
        await dock.active()
        await daemon.component("reader-1", "up")
        await daemon.component("mqtt", "up")
        reader = dock.readers["reader-1"]
        before = (reader.connections, reader.refused_connections)
        said = await daemon.cli("doctor", "--json")
        assert (reader.connections, reader.refused_connections) == before
        assert said.code == 0, said.out
        texts = {row["check"]: row["text"] for row in said.rows()}
        assert "in use by the running gateway: up" in texts["reader reader-1"]
        assert f"pid {daemon.pid}" in texts["gateway"]
        assert "running gateway's" in texts["http"]
        assert "events wait" in texts["ledger"]
        assert (await daemon.component("mqtt", "up"))["state"] == "up"
        assert reader.active
        await reader.stop()
        await daemon.component("reader-1", "down")
        said = await daemon.cli("doctor", "--json")
        assert said.code == 1
        assert any(row["check"] == "reader reader-1" and row["result"] == "failed" for row in said.rows())


async def test_a_reader_of_somebody_else(bench: ModuleType, folder: Path, dock: Any) -> None:
    """A reader that another program holds is a failure that says whom to ask; that program is not cut off."""
    reader = dock.readers["reader-1"]
    _, writer = await asyncio.open_connection("127.0.0.1", dock.ports["reader-1"])
    await bench.until(lambda: reader.connected)
    config = folder / "tallyman.toml"
    config.write_text(bench.configuration(dock.ports))
    (found,) = by_check(await examine(config))["reader reader-1"]
    assert reader.connected
    writer.close()
    await writer.wait_closed()
    assert found.result == "failed"
    assert "another client is connected" in found.text


@pytest.mark.parametrize("protocol", ["auto", "5", "3.1.1"])
async def test_the_broker_is_visited_without_a_trace(bench: ModuleType, broker: Any, protocol: str) -> None:
    """Each MQTT version connects; no session and no retained message is left."""
    settings = MqttSettings(host="127.0.0.1", port=broker.port, site="s", gateway="g", protocol=protocol)
    assert await reach.broker(settings) == ("MQTT 3.1.1" if protocol == "3.1.1" else "MQTT 5")
    async with bench.Retained(broker.port) as seen:
        await asyncio.sleep(0.2)
        assert seen.latest("tallyman/doctor") is None


async def test_a_broker_that_wants_a_password(bench: ModuleType, folder: Path) -> None:
    """Refused credentials are told apart from a broker that is not there, with what to look at."""
    (folder / "passwords").touch(0o600)
    extra = f"password_file {folder}/passwords"
    async with bench.uplink_bench.Broker(folder, extra=extra) as shut:
        shut_config = shut.conf.read_text().replace("allow_anonymous true", "allow_anonymous false")
        await shut.stop()
        shut.conf.write_text(shut_config)
        await shut.start()
        config = folder / "tallyman.toml"
        config.write_text(bench.configuration({}, mqtt=shut.port))
        (found,) = by_check(await examine(config))["mqtt"]
    assert found.result == "failed"
    assert "check [mqtt] username and password" in found.text
