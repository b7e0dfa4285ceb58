"""From configuration to drivers: the right readers, links, scales and uplinks with the right settings."""

from pathlib import Path

from gateway import __version__, config
from gateway.app import devices
from gateway.model.inputs import Input
from gateway.readers.llrp.driver import LlrpReader

TOML = """\
[site]
id = "north"
[gateway]
id = "gw1"
[[location]]
id = "hall"
[[reader]]
id = "r1"
url = "llrp://reader-1"
power_dbm = 27.5
session = 2
keepalive = "2s"
takeover = true
[[reader]]
id = "r2"
url = "llrp://[::1]:5099"
[[portal]]
id = "d1"
location = "hall"
antennas = [{ reader = "r1", port = 3 }, { reader = "r1", port = 1 }, { reader = "r2", port = 4 }]
eyes = [{ reader = "r2", port = 2 }]
[[profile]]
id = "p"
table = "input"
fields = [{ name = "temperature", address = 1, scale = 0.1, unit = "Cel" }, { name = "humidity", address = 2 }]
[[sensor]]
id = "s1"
location = "hall"
url = "modbus+tcp://plc/1"
profile = "p"
poll = "2s"
[[sensor]]
id = "s2"
location = "hall"
url = "modbus+tcp://plc:502/7"
profile = "p"
[[sensor]]
id = "s3"
location = "hall"
url = "modbus+rtu+tcp://plc:502/1"
profile = "xy-md02"
[[scale]]
id = "w1"
portal = "d1"
url = "tcp://scale:8001"
[mqtt]
url = "mqtts://broker"
ca = "ca.pem"
window = 7
[influxdb]
url = "http://influx:8086"
org = "o"
bucket = "b"
flush = "500ms"
"""


async def submit(item: Input) -> None:
    """Take nothing."""
    raise AssertionError(item)


def configuration(text: str = TOML, base: Path | None = None) -> config.Configuration:
    """The configuration of these tests."""
    return config.parse(text, "tests", base=base)


def test_readers_read_what_portals_name() -> None:
    """Each reader gets the antennas and inputs that portals use of it, sorted, and its own settings."""
    found = devices.readers(configuration(), submit, lambda: 0)
    assert list(found) == ["r1", "r2"]
    first, second = (reader.settings for reader in found.values() if isinstance(reader, LlrpReader))
    assert (first.host, first.port, first.antennas, first.gpi) == ("reader-1", 5084, (1, 3), ())
    assert (first.power_dbm, first.session, first.keepalive, first.takeover) == (27.5, 2, 2_000_000, True)
    assert (second.host, second.port, second.antennas, second.gpi) == ("::1", 5099, (4,), (2,))
    assert [reader.id for reader in found.values()] == ["r1", "r2"]


def test_sensors_behind_one_address_share_a_link() -> None:
    """One link per framing, host and port, named so that a technician finds it, with its sensors."""
    links = devices.links(configuration(), submit, lambda: 0)
    assert [(link.id, list(link.devices)) for link in links] == [
        ("modbus+tcp://plc:502", ["s1", "s2"]),
        ("modbus+rtu+tcp://plc:502", ["s3"]),
    ]


def test_scales_and_uplinks_are_what_the_file_says() -> None:
    """Scale heads by id; broker and telemetry server with paths beside the file and the gateway's own names."""
    known = configuration(base=None)
    assert [scale.id for scale in devices.scales(known, submit, lambda: 0)] == ["w1"]
    wire = devices.mqtt(known)
    assert wire is not None
    assert (wire.host, wire.port, wire.tls, wire.window, wire.ca_file) == ("broker", 8883, True, 7, "ca.pem")
    assert (wire.site, wire.gateway, wire.identifier, wire.version) == (
        "north",
        "gw1",
        "tallyman-north-gw1",
        __version__,
    )
    server = devices.influxdb(known)
    assert server is not None
    assert (server.url, server.org, server.bucket, server.flush, server.batch) == (
        "http://influx:8086",
        "o",
        "b",
        0.5,
        1000,
    )


def test_without_uplinks_the_gateway_keeps_to_itself() -> None:
    """No [mqtt], no [influxdb]: no link is made."""
    known = configuration(TOML[: TOML.index("[mqtt]")])
    assert devices.mqtt(known) is None
    assert devices.influxdb(known) is None
