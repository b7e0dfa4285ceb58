"""Nothing out there: the daemon starts, says what is down, decides, promises, and hands over when things come back."""

import asyncio
import contextlib
import gzip

from gateway.supervisor import LONGEST_PAUSE
from simulators.listener import Listener
from simulators.llrp import Reader
from simulators.modbus import ModbusSlave
from simulators.scale import AndScale

EXTRA = """
[[scale]]
id = "dock-1-scale"
portal = "dock-1"
url = "tcp://127.0.0.1:{scale}"

[influxdb]
url = "http://127.0.0.1:{influxdb}"
org = "warehouse"
bucket = "climate"
flush = "200ms"
"""

RETRIED = LONGEST_PAUSE + 15.0
"""Seconds within which whoever pauses as long as he may has tried again and is done, on a busy machine."""

DEVICES = ("reader-1", "cold-2-a", "dock-1-scale", "mqtt", "influxdb")


class Influx:
    """As much of InfluxDB's v2 write path as a gateway needs: takes lines, answers 204."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.listener = Listener(self._serve)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.partition("content-length:")[2].split("\r\n")[0])
            body = await reader.readexactly(length)
            body = gzip.decompress(body) if "content-encoding: gzip" in head else body
            self.lines += body.split(b"\n")
            writer.write(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")


async def test_an_offline_start(bench, folder):
    """With broker, server, reader, sensor and scale all down it gets READY, decides later, and loses nothing."""
    ports = {name: bench.free_port() for name in DEVICES}
    place = folder / "mosquitto"
    place.mkdir()
    broker = bench.Broker(place)
    more = bench.CLIMATE.format(port=ports["cold-2-a"])
    more += EXTRA.format(scale=ports["dock-1-scale"], influxdb=ports["influxdb"])
    config = bench.configuration({"reader-1": ports["reader-1"]}, mqtt=broker.port, more=more)
    async with bench.gateway(folder, config) as gateway, contextlib.AsyncExitStack() as later:
        assert await gateway.get("/healthz") == (200, "ok\n")
        assert (await gateway.get("/readyz"))[0] == 200
        for name in DEVICES:
            if name != "influxdb":  # nothing to send yet: nobody has tried
                assert (await gateway.component(name, "down"))["detail"]
        assert "not up: " in (await gateway.readyz())["status"]

        reader, slave, scale = Reader("reader-1", antennas=2), ModbusSlave(), AndScale()
        later.push_async_callback(reader.stop)
        later.push_async_callback(slave.stop)
        later.push_async_callback(scale.stop)
        await reader.start("127.0.0.1", ports["reader-1"])
        slave.set_register(1, "input", 0, [41, 702])
        await slave.start("127.0.0.1", ports["cold-2-a"])
        scale.put("612.4", 0)
        await scale.serve_tcp("127.0.0.1", ports["dock-1-scale"])
        for name in ("reader-1", "cold-2-a", "dock-1-scale"):
            await gateway.component(name, "up")
        await gateway.component("influxdb", "down")
        doors = bench.Dock({"reader-1": reader})
        await doors.active()
        await doors.cross(bench.Pallet(1).tags)
        await doors.cross(bench.Pallet(2).tags)
        await gateway.moved(2)
        assert (await gateway.readyz())["components"]["mqtt"]["state"] == "down"
        counts = (await gateway.cli("outbox", "--json")).rows()[0]
        assert (counts["pending"], counts["settled"]) == (2, 0)

        await later.enter_async_context(broker)
        central = await later.enter_async_context(bench.central(folder, broker.port))
        states = await later.enter_async_context(bench.Retained(broker.port))
        influx = Influx()
        later.push_async_callback(influx.listener.close)
        await influx.listener.open("127.0.0.1", ports["influxdb"])
        await central.wait_for(lambda each: each.last.get(bench.GATEWAY) == 2, RETRIED)
        assert central.inventory() == gateway.stock()
        for name in DEVICES:
            await gateway.component(name, "up", RETRIED)
            await bench.until(lambda name=name: state(states, name) == "up", 10, f"{name} up in a state topic")
        # the spool holds what was measured before the server was there
        await bench.until(lambda: influx.lines and instant(influx.lines[0]) < gateway.movements()[0]["at"], 10, "spool")
        figures = (await gateway.get("/metrics"))[1]
        assert 'tallyman_device_up{device="influxdb"} 1.0' in figures
        assert 'tallyman_movements_total{type="receive",verdict="held"} 2.0' in figures

        await reader.stop()
        await gateway.component("reader-1", "down")
        await bench.until(lambda: state(states, "reader-1") == "down", 10, "reader-1 down in a state topic")
        await broker.stop()
        await gateway.component("mqtt", "down")


def instant(line):
    """The instant of a line of the line protocol (ns), µs."""
    return int(line.rsplit(b" ", 1)[1]) // 1000


def state(states, device):
    """A device's state as retained."""
    return (states.latest(f"device/{device}") or {}).get("state")


async def test_a_killed_gateway_is_offline(bench, folder, broker, dock):
    """When the gateway is killed, the broker retains its Last Will; the next start is online with its lastSeq."""
    topic = f"gateway/{bench.GATEWAY}"
    async with (
        bench.Retained(broker.port) as states,
        bench.gateway(folder, bench.configuration(dock.ports, mqtt=broker.port)) as gateway,
    ):
        await dock.active()
        await dock.cross(bench.Pallet(1).tags)
        await gateway.moved(1)
        await bench.until(lambda: (states.latest(topic) or {}).get("online"), 10, "birth")
        await gateway.kill()
        await bench.until(lambda: states.latest(topic) == {"online": False}, 10, "the will")
        await gateway.start()
        birth = await bench.until(
            lambda: states.latest(topic) != {"online": False} and states.latest(topic), 10, "birth"
        )
        assert birth["lastSeq"] == 1
