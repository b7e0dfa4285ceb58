"""Values of the configuration: durations, sizes, ids, addresses, secrets, presets and built-in profiles."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.config import Secret, addresses, duration, duration_text, size
from gateway.config.devices import builtin_profiles
from gateway.config.presets import PRESETS
from gateway.config.values import Epc, Gln, Id, Part
from gateway.errors import ConfigError
from gateway.model.settings import Portal


@pytest.mark.parametrize(
    ("text", "us"),
    [("250ms", 250_000), ("5s", 5_000_000), ("1.5 s", 1_500_000), ("15m", 900_000_000), ("1h", 3_600_000_000),
     ("30d", 2_592_000_000_000), ("7us", 7), ("0s", 0)],
)  # fmt: skip
def test_a_duration_is_a_number_with_a_unit(text: str, us: int) -> None:
    """Durations become whole microseconds."""
    assert duration(text) == us


@pytest.mark.parametrize(
    "text", ["", "5", "s", "-5s", "5 sec", "1h30m", "1e3s", "0.5us", "٥s", "5s\n", "5S", "9" * 20 + "d"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Without a unit, negative, mixed, finer than a microsecond or in other digits: refused with the right form."""
    with pytest.raises(ValueError, match=r"number with a unit of us, ms, s, m, h or d"):
        duration(text)


@given(st.integers(0, 10**15))
def test_a_duration_survives_being_written(us: int) -> None:
    """What `duration_text` writes is read back to the same number, when the digits fit a duration."""
    text = duration_text(us)
    if len(text.rstrip("usmhd")) <= 9:
        assert duration(text) == us


@pytest.mark.parametrize(("text", "count"), [("512B", 512), ("64KiB", 65536), ("16MiB", 1 << 24), ("2 GiB", 1 << 31)])
def test_a_size_is_a_whole_number_with_a_unit(text: str, count: int) -> None:
    """Sizes become bytes."""
    assert size(text) == count


@pytest.mark.parametrize("text", ["", "64", "64MB", "1.5MiB", "-1B", "64mib", "MiB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    """Decimal units, fractions and bare numbers are refused with the right form."""
    with pytest.raises(ValueError, match="whole number with a unit of B, KiB"):
        size(text)


class Named(Part):
    """A table with one value of each checked sort."""

    id: Id = "x"
    gln: Gln = "4012345000009"
    epc: Epc = "E280"


@pytest.mark.parametrize("value", ["a", "A.b_c-9", "x" * 64])
def test_ids_are_usable_in_topics_and_files(value: str) -> None:
    """Letters, digits, dots, dashes and underscores make an id."""
    assert Named(id=value).id == value


@pytest.mark.parametrize("value", ["", "a b", "a/b", "+", "#", "é", ".", "..", "x" * 65, "a\n"])
def test_unusable_ids_are_refused(value: str) -> None:
    """Wildcards, slashes, blanks, other alphabets and names of only dots are refused."""
    with pytest.raises(ValidationError):
        Named(id=value)


@given(st.text("0123456789", min_size=12, max_size=12))
def test_a_gln_has_one_right_check_digit(digits: str) -> None:
    """Of the ten last digits exactly one is accepted, and its weighted sum is a multiple of ten."""
    right = []
    for last in "0123456789":
        try:
            right.append(Named(gln=digits + last).gln)
        except ValidationError:
            continue
    assert len(right) == 1
    assert sum(int(digit) * weight for digit, weight in zip(right[0], [1, 3] * 6 + [1], strict=True)) % 10 == 0


def test_epcs_are_upper_case_bytes() -> None:
    """An EPC to ignore compares equal to what a reader reports: upper-case hexadecimal of whole bytes."""
    assert Named(epc="e280aB").epc == "E280AB"
    for wrong in ("E28", "0xE280", "", "E2 80", "AB" * 63):
        with pytest.raises(ValidationError):
            Named(epc=wrong)


@pytest.mark.parametrize(
    ("parse", "text", "address"),
    [
        (addresses.llrp, "llrp://192.0.2.10", ("192.0.2.10", 5084, False)),
        (addresses.llrp, "llrp://[2001:db8::1]:5085", ("2001:db8::1", 5085, False)),
        (addresses.modbus, "modbus+tcp://plc/1", ("tcp", "plc", 502, 1)),
        (addresses.modbus, "modbus+rtu+tcp://192.0.2.20:4001/247", ("rtu", "192.0.2.20", 4001, 247)),
        (addresses.scale, "tcp://192.0.2.30:8001", ("192.0.2.30", 8001, False)),
        (addresses.scale, "serial:///dev/ttyUSB0", ("/dev/ttyUSB0", 9600, 8, "N", 1)),
        (addresses.scale, "serial:///dev/pts/3?baud=2400&bits=7&parity=E&stop=2", ("/dev/pts/3", 2400, 7, "E", 2)),
        (addresses.mqtt, "mqtt://broker", ("broker", 1883, False)),
        (addresses.mqtt, "mqtts://broker:8884/", ("broker", 8884, True)),
        (addresses.http, "https://influx.example/prefix", ("influx.example", 443, True)),
        (addresses.database, "sqlite:////tmp/l.db", "sqlite:////tmp/l.db"),
        (addresses.database, "postgresql://u@h/d?sslmode=require", "postgresql://u@h/d?sslmode=require"),
        (addresses.listen, "[::1]:0", ("::1", 0, False)),
        (addresses.listen, "", None),
    ],
)
def test_addresses_are_read_with_their_defaults(parse: Any, text: str, address: Any) -> None:
    """A URL becomes host, port and what else it says."""
    assert parse(text) == address


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (addresses.llrp, "llrp://h:0"),
        (addresses.llrp, "llrp://h:x"),
        (addresses.llrp, "llrp://[::1"),
        (addresses.llrp, "llrp://h?x=1"),
        (addresses.llrp, "llrp://h\n"),
        (addresses.modbus, "modbus+tcp://h/x"),
        (addresses.modbus, "modbus+tcp://h/1/2"),
        (addresses.modbus, "modbus+udp://h/1"),
        (addresses.scale, "serial:///"),
        (addresses.scale, "serial:///dev/x?baud=9600&baud=1200"),
        (addresses.scale, "serial:///dev/x?stop=1.5"),
        (addresses.mqtt, "mqtt://h/topic"),
        (addresses.http, "http://h?org=x"),
        (addresses.http, "ftp://h"),
        (addresses.database, "mysql://h/d"),
        (addresses.database, "postgresql:h"),
        (addresses.listen, "localhost"),
        (addresses.listen, "h:99999"),
        (addresses.listen, "h:1/x"),
    ],
)
def test_addresses_that_are_none_are_refused(parse: Any, text: str) -> None:
    """A URL of another shape is refused with one of the right shape."""
    with pytest.raises(ValueError, match="must "):
        parse(text)


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (addresses.llrp, "llrp://u:hunter2@h"),
        (addresses.mqtt, "mqtt://hunter2@h"),
        (addresses.http, "http://u:hunter2@h"),
        (addresses.database, "postgresql://u:hunter2@h/d"),
        (addresses.database, "postgresql://h/d?password=hunter2"),
    ],
)
def test_addresses_carry_no_password(parse: Any, text: str) -> None:
    """A password in a URL is refused, and the refusal does not repeat it."""
    with pytest.raises(ValueError, match="must not carry") as refused:
        parse(text)
    assert "hunter2" not in str(refused.value)


@given(st.text(max_size=80) | st.from_regex(r"(llrp|tcp|serial|modbus\+tcp|mqtt|http|sqlite)://.{0,30}"))
def test_no_text_breaks_an_address(text: str) -> None:
    """Whatever the text, an address is read or refused with a ValueError."""
    kinds = (addresses.llrp, addresses.modbus, addresses.scale, addresses.mqtt, addresses.http, addresses.database)
    for parse in (*kinds, addresses.listen):
        try:
            parse(text)
        except ValueError:
            continue


# ---------------------------------------------------------------------------------------------------------- secrets


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_is_read_from_where_it_is_kept(end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File, environment variable and systemd credential each give the secret without its trailing line break."""
    (tmp_path / "pass").write_text("hunter2 \n2" + end, newline="")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("TALLYMAN_TEST_SECRET", "hunter2 \n2" + end)
    for secret in (Secret(file=str(tmp_path / "pass")), Secret(credential="pass"), Secret(env="TALLYMAN_TEST_SECRET")):
        assert secret.reveal() == "hunter2 \n2"
        assert "hunter2" not in repr(secret) + str(secret) + f"{secret!s}" + str(secret.model_dump())


def test_a_secret_that_is_not_there_says_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing variable, file or credentials directory and an empty, binary or endless file are clear problems."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.delenv("TALLYMAN_TEST_SECRET", raising=False)
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"hunter2\xff")
    (tmp_path / "endless").write_text("x" * 70_000)
    for secret, told in (
        (Secret(env="TALLYMAN_TEST_SECRET"), "the environment variable TALLYMAN_TEST_SECRET is not set or empty"),
        (Secret(credential="pass"), "add LoadCredential=pass:/path to the unit"),
        (Secret(file=str(tmp_path / "none")), "none cannot be read: No such file"),
        (Secret(file=str(tmp_path)), "cannot be read: Is a directory"),
        (Secret(file=str(tmp_path / "empty")), "is empty or longer than 64 KiB"),
        (Secret(file=str(tmp_path / "endless")), "is empty or longer than 64 KiB"),
        (Secret(file=str(tmp_path / "binary")), "is not UTF-8 text"),
    ):
        with pytest.raises(ConfigError, match=told) as refused:
            secret.reveal()
        assert "hunter2" not in str(refused.value)
        assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "value",
    [
        "hunter2",
        {},
        {"file": ""},
        {"file": "a", "env": "B"},
        {"credential": "../hunter2"},
        {"env": "A=hunter2"},
        {"file": "\0"},
    ],
)
def test_a_secret_has_exactly_one_source(value: Any) -> None:
    """A literal, no source, two sources and impossible sources are refused without being repeated."""
    with pytest.raises(ValidationError) as refused:
        Secret.model_validate(value)
    assert "hunter2" not in str(refused.value)


# -------------------------------------------------------------------------------------------- what comes with us


def test_every_preset_keeps_the_promise_of_two_seconds() -> None:
    """With every preset a passage is closed early enough for a verdict within 2 s of the last read."""
    for preset in PRESETS.values():
        assert preset.quiet + preset.settle <= 1_900_000
        assert preset.longest > preset.quiet + preset.settle


def test_the_usual_gate_has_the_numbers_of_the_model() -> None:
    """The preset dock-4-antenna is what `model.settings.Portal` has without a preset."""
    plain, gate = Portal("p", "l", ()), PRESETS["dock-4-antenna"]
    for name in ("quiet", "settle", "longest", "gap", "min_reads", "min_rssi"):
        assert getattr(plain, name) == getattr(gate, name)


def test_the_built_in_profiles_are_sound() -> None:
    """The register maps that come with Tallyman load and give temperature and humidity in UCUM units."""
    profiles = {profile.id: profile for profile in builtin_profiles()}
    assert set(profiles) == {"xy-md02", "temperature-humidity"}
    for profile in profiles.values():
        assert {field.name: field.unit for field in profile.fields} == {"temperature": "Cel", "humidity": "%"}
    temperature = profiles["xy-md02"].register("temperature")
    assert temperature is not None
    assert (temperature.address, temperature.type, temperature.scale) == (1, "int16", 0.1)
    assert profiles["xy-md02"].register("pressure") is None
