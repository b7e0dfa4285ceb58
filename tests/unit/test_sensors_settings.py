"""What drivers refuse when they are made: URLs and settings that cannot work."""

import subprocess
import sys

import pytest

from gateway.model.inputs import Input
from gateway.sensors import modbus, modbus_line, scales
from gateway.sensors.registers import Field, Profile

MAP = Profile("p", (Field(name="t", address=0),))


async def nowhere(item: Input) -> None:
    """A sink that forgets."""


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("modbus+tcp://10.0.0.5", ("10.0.0.5", 502, "socket")),
        ("modbus+tcp://10.0.0.5:1502", ("10.0.0.5", 1502, "socket")),
        ("modbus+rtu+tcp://bridge:4001", ("bridge", 4001, "rtu")),
        ("modbus+tcp://[fe80::1]:502/", ("fe80::1", 502, "socket")),
    ],
)
def test_sensors_modbus_urls(url: str, address: tuple[str, int, str]) -> None:
    """Both framings, the usual port, IPv6; and the text form reads back."""
    parsed = modbus_line.parse_url(url)
    assert (parsed.host, parsed.port, parsed.framing) == address
    assert modbus_line.parse_url(str(parsed)) == parsed


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("rtu:///dev/ttyUSB0", "a Modbus link is"),
        ("tcp://10.0.0.5:502", "a Modbus link is"),
        ("modbus+tcp://", "names no host"),
        ("modbus+tcp://h:502/1", "unit is a setting"),
        ("modbus+rtu+tcp://h", "add :port"),
        ("modbus+tcp://h:70000", "0-65535"),
    ],
)
def test_sensors_modbus_urls_refused(url: str, text: str) -> None:
    """An impossible URL is refused with what would be right."""
    with pytest.raises(ValueError, match=text):
        modbus_line.parse_url(url)


def test_sensors_modbus_link_refuses_what_cannot_work() -> None:
    """No sensors, two of one id, an impossible unit or duration: refused when the link is made."""
    good = modbus.SensorSettings("a", 1, MAP)
    for sensors in ([], [good, good]):
        with pytest.raises(ValueError, match="at least one sensor, each with an id"):
            modbus.ModbusLink("modbus+tcp://h", sensors, nowhere)
    with pytest.raises(ValueError, match="unit must be"):
        modbus.ModbusLink("modbus+tcp://h", [modbus.SensorSettings("a", 256, MAP)], nowhere)
    with pytest.raises(ValueError, match="longer than nothing"):
        modbus.ModbusLink("modbus+tcp://h", [modbus.SensorSettings("a", 1, MAP, poll_us=0)], nowhere)
    link = modbus.ModbusLink("modbus+tcp://h", [good, modbus.SensorSettings("b", 2, MAP)], nowhere)
    assert (link.id, link.devices) == ("modbus+tcp://h:502", ("a", "b"))


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("tcp://scale:8001", scales.TcpLine("scale", 8001)),
        ("serial:///dev/ttyUSB0", scales.SerialLine("/dev/ttyUSB0")),
        ("serial:///dev/ttyS1?baud=2400&parity=E&bits=7&stop=1", scales.SerialLine("/dev/ttyS1", 2400, "E", 7, 1)),
    ],
)
def test_sensors_scale_urls(url: str, line: object) -> None:
    """Both kinds of line, with their defaults."""
    assert scales.parse_url(url) == line


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("tcp://scale", "tcp://host:port"),
        ("udp://scale:1", "a scale is"),
        ("serial://ttyUSB0", "a scale is"),
        ("serial:///dev/ttyS1?speed=1", "unknown option 'speed'"),
        ("serial:///dev/ttyS1?parity=X", "parity must be one of N, E, O"),
        ("serial:///dev/ttyS1?stop=1.5", "stop must be one of 1, 2"),
        ("serial:///dev/ttyS1?baud=fast", "baud must be a number"),
        ("serial:///dev/ttyS1?baud=", "baud must be a number"),
    ],
)
def test_sensors_scale_urls_refused(url: str, text: str) -> None:
    """An impossible URL is refused with what would be right."""
    with pytest.raises(ValueError, match=text):
        scales.parse_url(url)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"dialect": "sics"}, "known are and"),
        ({"settled_after": 0}, "positive"),
        ({"stale_us": -1}, "positive"),
        ({"ask_us": 0}, "longer than nothing"),
    ],
)
def test_sensors_scale_refuses_what_cannot_work(settings: dict[str, object], text: str) -> None:
    """An unknown dialect or impossible duration is refused when the driver is made."""
    with pytest.raises(ValueError, match=text):
        scales.ScaleHead(scales.ScaleSettings("s", "tcp://h:1", **settings), nowhere)  # type: ignore[arg-type]


def test_sensors_heavy_libraries_load_only_when_a_link_opens() -> None:
    """Importing the drivers loads neither pymodbus nor serialx: an idle gateway does not pay for them."""
    code = (
        "import sys, gateway.sensors.modbus, gateway.sensors.scales;"
        "sys.exit(any(name in sys.modules for name in ('pymodbus', 'serialx')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
