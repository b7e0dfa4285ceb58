"""From configuration to drivers: the right readers, links, scales and uplinks with the right settings."""

from pathlib import Path

from gateway import __version__, config
from gateway.app import devices
from gateway.model.inputs import Input
from gateway.readers.llrp.driver import LlrpReader
from gateway.readers.llrp.settings import (
    VERSION_1_0_1,
    VERSION_1_1,
    Filter,
    GpiTrigger,
    PeriodTrigger,
    QuietTrigger,
)

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


def _speaks(known: config.Configuration, opens: str) -> tuple[int, int]:
    """Silence that makes its only scale stale, µs, and displays that make a weight settled: one that speaks once."""
    (scale,) = known.scales
    told = devices._scale(scale.model_copy(update={"opens": opens}))
    return told.stale_us, told.settled_after


def test_scales_and_uplinks_are_what_the_file_says() -> None:
    """Scale heads by id; broker and telemetry server with paths beside the file and the gateway's own names."""
    known = configuration(base=None)
    assert [scale.id for scale in devices.scales(known, submit, lambda: 0)] == ["w1"]
    assert [_speaks(known, opens) for opens in ("never", "line")] == [(5_000_000, 3), (0, 1)]
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


CONTROL = """\
[[reader]]
id = "r1"
url = "llrps://reader-1"
ca = "ca.pem"
certificate = "gw.pem"
key = "/etc/gw.key"
mode = "dense"
report_every = 9
report_period = "250ms"
llrp_version = "1.1"
filters = [{ mask = "303" }, { bank = "tid", mask = "E2" }]
trigger = { gpi = 1, level = false, quiet = "1s" }
[[reader]]
id = "r2"
url = "llrp://reader-2"
trigger = { period = "10s", duration = "2s" }
[[reader]]
id = "r3"
url = "llrp://reader-3"
trigger = { quiet = "2s" }
[[reader]]
id = "r4"
url = "llrp://reader-4"
trigger = { gpi = 2, timeout = "10s" }
[[portal]]
id = "d1"
location = "hall"
antennas = [{ reader = "r1", port = 3, power_dbm = 20 }, { reader = "r1", port = 1 }]
"""


def test_portal_control_reaches_the_reader(tmp_path: Path) -> None:
    """Powers of antennas, filters, triggers and certificates become the reader's settings; paths are of the file."""
    text = TOML[: TOML.index("[[reader]]")] + CONTROL
    first, second, third, fourth = devices.reader_settings(configuration(text, base=tmp_path))
    assert (first.port, first.tls, second.port, second.tls) == (5085, True, 5084, False)
    assert (first.ca_file, first.key_file) == (str(tmp_path / "ca.pem"), "/etc/gw.key")
    assert first.cert_file == str(tmp_path / "gw.pem")
    assert (first.antennas, first.powers, first.mode) == ((1, 3), ((3, 20.0),), "dense")
    assert first.portals == ((3, 1),)
    assert (first.report_every, first.report_period) == (9, 250_000)
    assert (first.version, second.version) == (VERSION_1_1, VERSION_1_0_1)
    assert first.filters == (Filter(1, 32, b"\x30\x30", 12), Filter(2, 0, b"\xe2", 8))
    assert first.trigger == GpiTrigger(1, False, 0, 1_000_000)
    assert second.trigger == PeriodTrigger(10_000_000, 2_000_000)
    assert third.trigger == QuietTrigger(2_000_000)
    assert fourth.trigger == GpiTrigger(2, True, 10_000_000)
