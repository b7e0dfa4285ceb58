"""The URLs of the configuration: where a reader, sensor, scale, broker or server answers.

A URL never carries a user or a password: the file's text goes into the journal. Messages never repeat a URL.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, urlsplit

from pydantic import AfterValidator


class Endpoint(NamedTuple):
    """A TCP address; `tls` when the scheme asks for it."""

    host: str
    port: int
    tls: bool = False


class ModbusAddress(NamedTuple):
    """A Modbus unit behind a TCP address. `framing` tcp (MBAP) | rtu (RTU frames over TCP)."""

    framing: str
    host: str
    port: int
    unit: int


class SerialLine(NamedTuple):
    """A serial port. `baud` bit/s, data `bits` 7 | 8, `parity` N | E | O, `stop` bits 1 | 2."""

    device: str
    baud: int = 9600
    bits: int = 8
    parity: str = "N"
    stop: int = 1


def _split(text: str, schemes: tuple[str, ...], shape: str) -> SplitResult:
    """Cut a URL, refusing what no URL here may have.

    Raises:
        ValueError: not a URL of one of the schemes; the message says what it should look like.
    """
    try:
        url = urlsplit(text)
        port_is_fine = url.port is None or url.port >= 0  # `port` raises when it is not a number
    except ValueError:
        port_is_fine, url = False, urlsplit("")
    if not port_is_fine or url.scheme not in schemes or url.fragment or re.search(r"[\s\0-\x1f\x7f]", text):
        raise ValueError(f"must be a URL like {shape}")
    if "@" in url.netloc:
        raise ValueError(f"must not carry a user or password; write it like {shape}")
    return url


def _host(url: SplitResult, shape: str, default: int | None) -> tuple[str, int]:
    port = default if url.port is None else url.port
    if not url.hostname or port is None:
        raise ValueError(f"must name a host{' and a port' if default is None else ''}, like {shape}")
    if port == 0:
        raise ValueError("must have a port from 1 to 65535")
    return url.hostname, port


def _bare(url: SplitResult, shape: str) -> None:
    if url.path.strip("/") or url.query:
        raise ValueError(f"must end after the port, like {shape}")


def llrp(text: str) -> Endpoint:
    """`llrp://host[:5084]` or `llrps://host[:5085]` (TLS); these are LLRP's assigned ports.

    Raises:
        ValueError: not of that form.
    """
    shape = '"llrp://192.0.2.10" or "llrps://reader-1:5085" (TLS)'
    url = _split(text, ("llrp", "llrps"), shape)
    _bare(url, shape)
    tls = url.scheme == "llrps"
    return Endpoint(*_host(url, shape, 5085 if tls else 5084), tls)


def modbus(text: str) -> ModbusAddress:
    """`modbus+tcp://host[:502]/unit` or `modbus+rtu+tcp://host:port/unit`; unit 0 to 255.

    Raises:
        ValueError: not of that form.
    """
    shape = '"modbus+tcp://192.0.2.20:502/1" (the last number is the unit) or "modbus+rtu+tcp://192.0.2.20:4001/1"'
    url = _split(text, ("modbus+tcp", "modbus+rtu+tcp"), shape)
    host, port = _host(url, shape, 502)
    unit = url.path.removeprefix("/")
    if url.query or not re.fullmatch(r"[0-9]{1,3}", unit, re.ASCII) or int(unit) > 255:
        raise ValueError(f"must end in the Modbus unit, 0 to 255, like {shape}")
    return ModbusAddress("rtu" if "rtu" in url.scheme else "tcp", host, port, int(unit))


def scale(text: str) -> Endpoint | SerialLine:
    """`tcp://host:port` or `serial:///dev/ttyUSB0?baud=9600&bits=8&parity=N&stop=1`.

    Raises:
        ValueError: not of that form.
    """
    shape = '"tcp://192.0.2.30:8001" or "serial:///dev/ttyUSB0?baud=9600&bits=8&parity=N&stop=1"'
    url = _split(text, ("tcp", "serial"), shape)
    if url.scheme == "tcp":
        _bare(url, shape)
        return Endpoint(*_host(url, shape, None))
    if url.netloc or len(url.path) < 2:
        raise ValueError(f"must name a serial device with three slashes, like {shape}")
    allowed = {"baud": r"[1-9][0-9]{1,6}", "bits": "[78]", "parity": "[NEO]", "stop": "[12]"}
    line: dict[str, Any] = {}
    for key, value in parse_qsl(url.query, keep_blank_values=True, max_num_fields=10):
        if key not in allowed or key in line or not re.fullmatch(allowed[key], value, re.ASCII):
            raise ValueError(
                f"must have only baud (bit/s), bits (7 or 8), parity (N, E or O) and stop (1 or 2), like {shape}"
            )
        line[key] = value if key == "parity" else int(value)
    return SerialLine(url.path, **line)


def mqtt(text: str) -> Endpoint:
    """`mqtt://host[:1883]` or `mqtts://host[:8883]` (TLS).

    Raises:
        ValueError: not of that form.
    """
    shape = '"mqtt://broker:1883" or "mqtts://broker:8883", with username and password as settings of their own'
    url = _split(text, ("mqtt", "mqtts"), shape)
    _bare(url, shape)
    tls = url.scheme == "mqtts"
    return Endpoint(*_host(url, shape, 8883 if tls else 1883), tls)


def http(text: str) -> Endpoint:
    """`http://host[:port][/path]` or `https://…`.

    Raises:
        ValueError: not of that form.
    """
    shape = '"http://influxdb:8086", with the token as a setting of its own'
    url = _split(text, ("http", "https"), shape)
    if url.query:
        raise ValueError(f"must have no query, like {shape}")
    tls = url.scheme == "https"
    return Endpoint(*_host(url, shape, 443 if tls else 80), tls)


def database(text: str) -> str:
    """A SQLAlchemy URL: `sqlite:////path` or `postgresql+psycopg://user@host/database`. The user is allowed here.

    Raises:
        ValueError: another database, or a password in it.
    """
    shape = '"sqlite:////var/lib/tallyman/ledger.db" or "postgresql+psycopg://tallyman@db.example/tallyman"'
    try:
        url = urlsplit(text)
        secret = url.password is not None or any("pass" in key.lower() for key, _ in parse_qsl(url.query))
    except ValueError:
        raise ValueError(f"must be a URL like {shape}") from None
    if secret:
        raise ValueError(f"must not carry a password; write it like {shape} and give password as a setting of its own")
    if url.scheme not in ("sqlite", "postgresql", "postgresql+psycopg") or not text.startswith(f"{url.scheme}://"):
        raise ValueError(f"must be a URL like {shape}")
    return text


def listen(text: str) -> Endpoint | None:
    """`127.0.0.1:8047` or `[::1]:8047`; empty text means off (None). Port 0 lets the system choose.

    Raises:
        ValueError: not of that form.
    """
    if not text:
        return None
    try:
        url = urlsplit(f"//{text}")
        host, port = url.hostname, url.port
    except ValueError:
        host = port = None
    if not host or port is None or url.netloc != text or "@" in text or re.search(r"\s", text):
        raise ValueError('must be an address and a port such as "127.0.0.1:8047", or "" for off')
    return Endpoint(host, port)


def _checked(parse: Callable[[str], object]) -> AfterValidator:
    def check(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(check)


LlrpUrl = Annotated[str, _checked(llrp)]
ModbusUrl = Annotated[str, _checked(modbus)]
ScaleUrl = Annotated[str, _checked(scale)]
MqttUrl = Annotated[str, _checked(mqtt)]
HttpUrl = Annotated[str, _checked(http)]
DatabaseUrl = Annotated[str, _checked(database)]
Listen = Annotated[str, _checked(listen)]
