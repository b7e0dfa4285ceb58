"""Forms at the edge: MQTT properties, downlinks and commands as inputs, lines, telemetry, secrets."""

import asyncio
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.errors import LedgerError
from gateway.model.inputs import Command, Downlink, Gpi, Measurement, Weighing
from gateway.uplink.downlink import LONGEST, to_command, to_input
from gateway.uplink.line_protocol import measurement_line, weighing_line
from gateway.uplink.mqtt import publish_properties, reason_text
from gateway.uplink.settings import InfluxSettings, MqttSettings
from gateway.uplink.telemetry import Telemetry

TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), max_size=40)
NAME = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\\"), min_size=1, max_size=20)


@given(TEXT, st.dictionaries(TEXT, TEXT, max_size=8))
def test_packed_properties_mean_what_paho_reads(content, attributes):
    """Our packed properties unpack in paho to the same content type and user properties, in order."""
    packed = publish_properties(content, attributes).pack()
    read = Properties(PacketTypes.PUBLISH)
    read.unpack(packed)
    assert read.ContentType == content
    assert read.PayloadFormatIndicator == 1
    assert list(getattr(read, "UserProperty", [])) == list(attributes.items())


def test_too_long_attribute_is_a_value_error():
    """An attribute beyond 65,535 bytes cannot be an MQTT string."""
    with pytest.raises(ValueError, match="too long"):
        publish_properties("text/plain", {"subject": "x" * 70_000})


def test_reason_text_names_the_code():
    """A reason code is named with its number, known or not."""
    assert reason_text(0x87) == "Not authorized (0x87)"
    assert reason_text(0xF3) == "unknown reason (0xF3)"


@given(st.binary(max_size=200))
def test_any_downlink_becomes_an_input(payload):
    """Whatever bytes arrive, the input is JSON, text or a withdrawal, never an exception."""
    message = to_input("down/asn/1", payload)
    assert isinstance(message, Downlink)
    assert not (message.payload is not None and message.text is not None)
    msgspec.json.encode(message)


def test_downlink_edges():
    """Deep nesting and enormous payloads arrive as text; JSON null is told from a withdrawal by its text."""
    assert to_input("down/asn/1", b"[" * 5000).text is not None
    huge = to_input("down/asn/1", b" " * (LONGEST + 1))
    assert len(huge.text) == 1024
    assert to_input("down/asn/1", b"null") == Downlink("down/asn/1", text="null")


def test_command_forms():
    """No payload is no arguments; what is no JSON object is a ValueError that says so."""
    assert to_command("outbox.resend", b"") == Command("outbox.resend", {}, "central")
    assert to_command("x", b'{"a":1}').args == {"a": 1}
    for bad in (b"[1]", b"1", b"{", b"\xff"):
        with pytest.raises(ValueError, match="JSON"):
            to_command("x", bad)


def parse(line: str) -> tuple[str, dict[str, str], dict[str, str], int]:
    """An independent reading of line protocol: measurement, tags, fields, nanoseconds."""

    def split(text: str, at: str) -> list[str]:
        parts, part, index = [], "", 0
        while index < len(text):
            if text[index] == "\\" and text[index + 1] in ",= ":
                part, index = part + text[index : index + 2], index + 2
                continue
            if text[index] == at:
                parts.append(part)
                part = ""
            else:
                part += text[index]
            index += 1
        return [*parts, part]

    def plain(text: str) -> str:
        return text.replace("\\,", ",").replace("\\=", "=").replace("\\ ", " ")

    head, fields, instant = split(line, " ")
    measurement, *tags = split(head, ",")
    pairs = [split(tag, "=") for tag in tags]
    values = [split(field, "=") for field in split(fields, ",")]
    return (
        measurement,
        {plain(key): plain(value) for key, value in pairs},
        {plain(key): value for key, value in values},
        int(instant),
    )


@given(NAME, NAME, NAME, NAME, st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 2**62 // 1000))
def test_measurement_line_reads_back(site, location, sensor, quantity, value, at):
    """Any site, location, sensor and quantity survive the escaping, and the value keeps every digit."""
    if quantity in {"q", "time", "site", "location", "sensor"}:
        return
    line = measurement_line(site, location, Measurement(sensor, quantity, value, "Cel"), at)
    assert "\n" not in line
    measurement, tags, fields, instant = parse(line)
    assert measurement == "env"
    assert tags == {"site": site, "location": location, "sensor": sensor}
    assert float(fields.pop(quantity)) == value
    assert fields == {"q": "0i"}
    assert instant == at * 1000


def test_lines_of_the_schema():
    """The two measurements, their tags and fixed field types, to the byte."""
    assert (
        measurement_line("hall", "cold-2", Measurement("cold-2-a", "temperature", 3.8, "Cel"), 1_795_243_331_250_000)
        == "env,location=cold-2,sensor=cold-2-a,site=hall temperature=3.8,q=0i 1795243331250000000"
    )
    assert measurement_line("h", "", Measurement("s", "t", None, "Cel", "bad"), 1) == "env,sensor=s,site=h q=3i 1000"
    assert measurement_line("h", "", Measurement("s", "t", 4, "Cel", "out_of_range"), 1).endswith(" t=4.0,q=1i 1000")
    assert (
        weighing_line("h", "dock-1", Weighing("s1", "612.40", "kg", True), 1)
        == "scale,mode=gross,portal=dock-1,scale=s1,site=h,unit=kg weight=612.40,stable=true,q=0i 1000"
    )
    assert weighing_line("h", "d", Weighing("s1", None, "kg", None, condition="over"), 1).endswith(" q=1i 1000")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_influx_refuses_are_refused_here(value):
    """NaN and infinities are ValueErrors."""
    with pytest.raises(ValueError, match="not a number"):
        measurement_line("h", "l", Measurement("s", "t", value, "Cel"), 1)


@pytest.mark.parametrize(
    "measurement",
    [
        Measurement("a\\", "t", 1.0, "Cel"),
        Measurement("a\nb", "t", 1.0, "Cel"),
        Measurement("a", "", 1.0, "Cel"),
        Measurement("a", "sensor", 1.0, "Cel"),
    ],
)
def test_names_without_a_safe_form_are_refused(measurement):
    """A backslash, a line break, an empty or a reserved name is a ValueError, never a broken line."""
    with pytest.raises(ValueError, match=r"line protocol|name of a tag"):
        measurement_line("h", "l", measurement, 1)


@pytest.mark.parametrize("value", ["", "1e5", "NaN", "1,5", "--1", "1" * 40, "1.", "٣"])
def test_weights_that_are_no_plain_decimal_are_refused(value):
    """A weight is a plain decimal or a ValueError."""
    with pytest.raises(ValueError, match="decimal"):
        weighing_line("h", "d", Weighing("s1", value, "kg", True), 1)


def test_instants_beyond_the_nanoseconds_are_refused():
    """An instant that does not fit 64-bit nanoseconds is a ValueError."""
    with pytest.raises(ValueError, match="64-bit"):
        measurement_line("h", "l", Measurement("s", "t", 1.0, "Cel"), 2**62)


class Store:
    """A telemetry store in memory."""

    def __init__(self) -> None:
        self.blocks, self.samples, self.full = [], [], False

    async def append(self, lines, count, first, last):
        if self.full:
            raise LedgerError("disk full")
        self.blocks.append((lines, count, first, last))
        return 0

    async def keep(self, samples):
        self.samples.extend(samples)


def telemetry(store: Store, **more) -> Telemetry:
    """A telemetry pipe into that store."""
    return Telemetry(
        site="h", sensors={"s": "cold"}, scales={"w": "dock"}, keep=store.keep, append=store.append, **more
    )


async def test_telemetry_packs_and_counts():
    """Samples become blocks of at most a thousand lines and ring samples; bad ones are rejected, others ignored."""
    store = Store()
    pipe = telemetry(store)
    for number in range(1500):
        pipe.offer(number, Measurement("s", "t", float(number), "Cel"))
    pipe.offer(5, Measurement("s", "t", math.nan, "Cel"))
    pipe.offer(5, Weighing("w", "x", "kg", True))
    pipe.offer(5, Gpi("r", 1, True))
    pipe.offer(5, Weighing("w", "1.5", "kg", True, at=99))
    await pipe.flush()
    assert [count for _, count, _, _ in store.blocks] == [1000, 501]
    assert store.blocks[0][2:] == (0, 999)
    assert pipe.rejected == 2
    assert pipe.offered == 1503
    assert store.samples[-1].at == 99
    assert store.samples[-1].value == 1.5
    assert pipe.spooled.is_set()


async def test_telemetry_drops_the_oldest_and_never_waits():
    """Beyond its bound the pipe drops the oldest and counts them; a full disk sheds and counts."""
    store = Store()
    pipe = telemetry(store, most=10)
    for number in range(25):
        pipe.offer(number, Measurement("s", "t", 1.0, "Cel"))
    assert pipe.dropped == 15
    store.full = True
    await pipe.flush()
    assert pipe.shed == 10
    assert store.blocks == []


async def test_telemetry_flushes_at_the_end():
    """Cancelled, the flusher writes what still waits."""
    store = Store()
    pipe = telemetry(store, flush=0.01)
    task = asyncio.create_task(pipe.run())
    pipe.offer(1, Measurement("s", "t", 1.0, "Cel"))
    await asyncio.sleep(0.05)
    pipe.offer(2, Measurement("s", "t", 1.0, "Cel"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sum(count for _, count, _, _ in store.blocks) == 2


def test_secrets_do_not_show():
    """Neither repr nor rich's repr of the settings holds a password or token."""
    mqtt = MqttSettings(host="h", site="s", gateway="g", password="hunter2")
    influx = InfluxSettings(url="u", bucket="b", token="hunter2")
    for settings in (mqtt, influx):
        assert "hunter2" not in repr(settings) + str(settings) + str(list(settings.__rich_repr__()))
    assert mqtt.identifier == "tallyman-s-g"
