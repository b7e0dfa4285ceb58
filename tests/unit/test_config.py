"""The configuration as a whole: golden messages, values, defaults, secrets that stay secret, and what never happens."""

import os
import re
import shutil
import string
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.config import check, load, parse
from gateway.errors import ConfigError, Problem
from gateway.model import settings

CASES = Path(__file__).parent / "config_cases"

LEAST = '[site]\nid = "s1"\n[gateway]\nid = "g1"\n'

DOCK = """
[site]
id = "berlin-1"
timezone = "Europe/Berlin"
gln = "4012345000009"
company_prefix_length = 7
owner = "ACME"
[gateway]
id = "gw-1"
state = "state"
[[location]]
id = "inbound"
[[location]]
id = "cold-2"
kind = "cold_room"
climate_class = "2-8C"
[[reader]]
id = "r1"
url = "llrp://192.0.2.10"
[[portal]]
id = "dock-1"
location = "inbound"
preset = "dock-2-antenna"
antennas = [{ reader = "r1", port = 1, row = "outer" }, { reader = "r1", port = 2, row = "inner", side = "right" }]
eyes = [{ reader = "r1", port = 1, blocked = false }]
lights = { reader = "r1", green = 1, hold = "2s" }
min_rssi = -50
[[portal]]
id = "cold-door"
location = "cold-2"
outside = "inbound"
preset = "single-antenna"
neighbours = ["dock-1"]
antennas = [{ reader = "r1", port = 3 }]
[[sensor]]
id = "t1"
location = "cold-2"
url = "modbus+tcp://192.0.2.20/1"
profile = "xy-md02"
[[scale]]
id = "w1"
portal = "dock-1"
url = "serial:///dev/ttyUSB0?baud=2400&parity=E&bits=7"
[[alarm]]
id = "hot"
sensor = "t1"
quantity = "temperature"
high = 8
deadband = 0.5
on_delay = "15m"
priority = "high"
hold = true
[[alarm]]
id = "cold"
sensor = "t1"
quantity = "temperature"
low = 0
[rules]
ignore = ["e2801160", "E200", "E2801160"]
[mqtt]
url = "mqtts://broker"
prefix = "acme/tally"
username = "gw"
password = { file = "mqtt-password" }
[ledger]
url = "postgresql+psycopg://tallyman@db/tallyman"
"""


def problems(text: str, **options: Any) -> list[str]:
    """What is wrong with a text, one line each."""
    with pytest.raises(ConfigError) as refused:
        parse(text, "c.toml", **options)
    return [str(problem) for problem in refused.value.problems]


def test_the_folder_of_a_missing_file_is_told_whole(tmp_path: Path) -> None:
    """However long its path is: the end of it is what one looks for."""
    folder = tmp_path / ("long" * 40)
    folder.mkdir()
    shutil.copy(CASES / "rule-file-missing" / "input.toml", folder)
    with pytest.raises(ConfigError) as refused:
        load(folder / "input.toml")
    assert f"in '{folder}'" in " ".join(map(str, refused.value.problems))


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_each_class_of_mistake_has_its_golden_message(case: str) -> None:
    """Each folder of config_cases gives exactly the problems of its expected.txt, in file order."""
    folder = CASES / case
    with pytest.raises(ConfigError) as refused:
        load(folder / "input.toml")
    told = [
        str(problem).replace(f"{folder}/", "").replace(str(folder), "(folder)") for problem in refused.value.problems
    ]
    assert told == (folder / "expected.txt").read_text().splitlines()
    lines = [problem.line for problem in refused.value.problems]
    assert lines == sorted(lines)


def test_no_message_repeats_a_secret() -> None:
    """No golden case tells a value that stands where a secret belongs."""
    for folder in CASES.iterdir():
        told = (folder / "expected.txt").read_text()
        assert "hunter2" not in told
        assert "42421" not in told


def test_the_least_configuration_is_two_ids() -> None:
    """A site id and a gateway id are enough; everything else has a default."""
    configuration = parse(LEAST)
    assert configuration.settings() == settings.Settings(site="s1", gateway="g1")
    assert configuration.mqtt is None
    assert configuration.influxdb is None
    assert configuration.state == Path("/var/lib/tallyman")
    assert configuration.ledger_url == "sqlite:////var/lib/tallyman/ledger.db"
    assert configuration.client_id == "tallyman-s1-g1"
    assert configuration.journal.group == 100_000
    assert configuration.api.address == ("127.0.0.1", 8047, False)


BELT = """
[[portal]]
id = "belt-1"
location = "inbound"
preset = "conveyor"
antennas = [{ reader = "r1", port = 4 }]
"""


@pytest.mark.parametrize(
    ("lines", "flow", "weights"),
    [
        ("", "in", {"group_reads": 0, "strayed": 0, "strays_here": 0}),
        (
            'flow = "out"\nweights = { strayed = 1, level = 2 }',
            "out",
            {"group_reads": 0, "strays_here": 0, "level": 200},
        ),
        ('flow = "either"', "", {"group_reads": 0, "strayed": 0, "strays_here": 0}),
    ],
)
def test_a_belt_has_one_way_and_its_own_weights(lines: str, flow: str, weights: dict[str, int]) -> None:
    """The preset gives them, and the portal's own lie over them."""
    told = next(one for one in parse(DOCK + BELT + lines).settings().portals if one.id == "belt-1")
    assert told.flow == flow
    assert {name: weight for name, weight in told.weights if weight != 100} == weights


def test_a_door_has_no_flow() -> None:
    """Unless it says so."""
    assert {one.flow for one in parse(DOCK).settings().portals} == {""}


def test_settings_are_what_the_file_says() -> None:
    """Every table becomes its noun, presets become numbers, durations µs, EPCs sorted upper-case hex."""
    told = parse(DOCK).settings()
    assert told == settings.Settings(
        site="berlin-1",
        gateway="gw-1",
        timezone="Europe/Berlin",
        gln="4012345000009",
        prefix_length=7,
        owner="ACME",
        locations=(settings.Location("inbound"), settings.Location("cold-2", "cold_room", "2-8C")),
        portals=(
            settings.Portal(
                id="dock-1",
                location="inbound",
                antennas=(settings.Antenna("r1", 1, "outer"), settings.Antenna("r1", 2, "inner", "right")),
                eyes=(settings.Eye("r1", 1, blocked=False),),
                lights=settings.Lights("r1", green=1, hold=2_000_000),
                min_reads=2,
                min_rssi=-50.0,
            ),
            settings.Portal(
                id="cold-door",
                location="cold-2",
                outside="inbound",
                neighbours=("dock-1",),
                antennas=(settings.Antenna("r1", 3),),
                min_rssi=-60.0,
            ),
        ),
        sensors=(settings.Sensor("t1", "cold-2"),),
        scales=(settings.Scale("w1", "dock-1"),),
        limits=(
            settings.Limit(
                "hot", "t1", "temperature", "high", 8.0, deadband=0.5, on_delay=900_000_000, priority="high", hold=True
            ),
            settings.Limit("cold", "t1", "temperature", "low", 0.0),
        ),
        ignore=("E200", "E2801160"),
        topic_prefix="acme/tally",
    )


def test_devices_know_where_they_answer() -> None:
    """The URLs of devices come out as addresses with the default ports filled in."""
    configuration = parse(DOCK)
    assert configuration.readers[0].address == ("192.0.2.10", 5084, False)
    assert configuration.sensors[0].address == ("tcp", "192.0.2.20", 502, 1)
    assert configuration.scales[0].address == ("/dev/ttyUSB0", 2400, 7, "E", 1)
    assert configuration.mqtt is not None
    assert configuration.mqtt.address == ("broker", 8883, True)
    profile = configuration.profile(configuration.sensors[0])
    assert [field.name for field in profile.fields] == ["temperature", "humidity"]


def test_a_file_is_loaded_with_its_text_and_place(tmp_path: Path) -> None:
    """`load` keeps the text for the journal, and relative paths start at the file's directory."""
    file = tmp_path / "tallyman.toml"
    file.write_text(DOCK)
    (tmp_path / "mqtt-password").write_text("hunter2\n")
    configuration = load(file)
    assert configuration.text == DOCK
    assert configuration.state == tmp_path / "state"
    assert [secret.reveal() for secret in configuration.secrets()] == ["hunter2"]
    assert "hunter2" not in repr(configuration)
    assert check.unreadable(configuration) == []


def test_line_ends_of_windows_are_read_alike() -> None:
    """A file saved with CRLF loads the same and counts its lines the same."""
    assert parse(DOCK.replace("\n", "\r\n")).settings() == parse(DOCK).settings()
    assert problems((LEAST + "[log]\nlevel = 1\n").replace("\n", "\r\n"))[0].startswith("c.toml:6: log.level: ")


def test_a_secret_that_cannot_be_read_is_a_problem_with_its_line(tmp_path: Path) -> None:
    """`check.unreadable` names file, line and setting of a secret that is not there."""
    file = tmp_path / "tallyman.toml"
    file.write_text(DOCK)
    (problem,) = check.unreadable(load(file))
    line = DOCK.splitlines().index('password = { file = "mqtt-password" }') + 1
    expected = f"{file}:{line}: mqtt.password: {tmp_path}/mqtt-password cannot be read: No such file or directory"
    assert str(problem) == expected


def test_a_text_without_a_place_looks_at_no_file() -> None:
    """A configuration out of a journal is read on any machine: its rule files need not exist there."""
    text = LEAST + '[rules]\nfiles = ["gone.rules"]\n'
    assert parse(text).rules.files == ("gone.rules",)
    assert len(problems(text, base=Path("/"))) == 1


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b'[site]\nid = "\xff"\n', "file: is not UTF-8 text; save it as UTF-8"),
        (b"# " + b"x" * (1 << 20), "file: is larger than 1 MiB; this cannot be a configuration"),
        (b"\n\nx = " + b"[" * 5000, "file: is nested too deeply; no setting needs more than three levels"),
        (b"x = " + b"1" * 5000, "file: is not TOML: a number is too long"),
        (
            b"[site]\r\nid = 'a\rb'",
            "file: is not TOML: found invalid character '\\r' at column 8",
        ),
    ],
    ids=["latin-1", "large", "deep", "digits", "carriage-return"],
)
def test_a_file_that_is_no_text_is_one_problem(raw: bytes, told: str, tmp_path: Path) -> None:
    """Bytes that are no TOML at all are refused with one sentence, whatever is wrong with them."""
    file = tmp_path / "x.toml"
    file.write_bytes(raw)
    with pytest.raises(ConfigError) as refused:
        load(file)
    (problem,) = refused.value.problems
    assert f"{problem.path}: {problem.text}".startswith(told)


@pytest.mark.parametrize("name", ["missing.toml", ".", "nul\0.toml"])
def test_a_file_that_cannot_be_read_is_a_problem(name: str, tmp_path: Path) -> None:
    """A missing file, a directory and an impossible name are problems, not exceptions of the system."""
    with pytest.raises(ConfigError, match="cannot be read: "):
        load(tmp_path / name)


def test_one_mistake_does_not_hide_the_others() -> None:
    """Mistakes of shape, value and reference in one portal are told together."""
    text = (
        LEAST + '[[portal]]\nid = "p"\nlocation = "x"\npreset = "y"\nantennas = [{ reader = "z", port = 0 }]\nw = 1\n'
    )
    assert [line.split(": ")[1] for line in problems(text)] == [
        "portal.p.location",
        "portal.p.preset",
        "portal.p.antennas[0].port",
        "portal.p.antennas[0].reader",
        "portal.p.w",
    ]


def test_a_port_that_is_no_number_is_told_once() -> None:
    """`port = true` is a wrong type and not also port 1 of the next antenna; huge numbers are not repeated."""
    dock = (
        LEAST + '[[location]]\nid = "l"\n[[reader]]\nid = "r"\nurl = "llrp://h"\n[[portal]]\nid = "p"\nlocation = "l"\n'
    )
    told = problems(dock + 'antennas = [{ reader = "r", port = true }, { reader = "r", port = 1 }]\n')
    assert told == ["c.toml:13: portal.p.antennas[0].port: must be a whole number, not true"]
    told = problems(LEAST + f'[mqtt]\nurl = "mqtt://h"\nwindow = {"9" * 400}\n')
    assert told == ["c.toml:7: mqtt.window: must be 1000 or less, not a number this large"]


def test_control_characters_do_not_reach_the_terminal() -> None:
    """Keys and values with escape sequences are shown escaped, on one line."""
    told = problems(LEAST + '[log]\nlevel = "\\u001b[31m\\nred"\n"a\\u001b\\nb" = 1\n')
    assert len(told) == 2
    assert all(line.isprintable() for line in told)


def test_check_reports_one_line_per_thing() -> None:
    """`check.report` names readers, portals, sensors, scales, alarms and the uplink, one line each, no secret."""
    lines = check.report(parse(DOCK))
    for start in ("site ", "locations: ", "reader r1", "portal dock-1", "portal cold-door", "sensor t1", "scale w1"):
        assert sum(line.startswith(start) for line in lines) == 1
    assert (
        "portal dock-1: dock door of inbound, 2 antennas, 1 eyes, lights, closes 1500ms after the last read, "
        in str(lines)
    )
    assert "alarm hot: t1 temperature above 8 for 15m, high, holds the lots" in lines
    assert "alarm cold: t1 temperature below 0 for 0s, medium" in lines
    assert "events: mqtts://broker under acme/tally/berlin-1" in lines
    assert "events: kept, not sent (no [mqtt])" in check.report(parse(LEAST))


def test_a_configuration_is_frozen() -> None:
    """What was checked cannot be changed afterwards."""
    configuration = parse(LEAST)
    with pytest.raises(ValueError, match="frozen"):
        configuration.site.id = "other"  # type: ignore[misc]


def test_importing_it_stays_light() -> None:
    """Importing the configuration loads no network, database or field-bus library."""
    heavy = ("asyncio", "sqlalchemy", "fastapi", "pymodbus", "paho", "aiomqtt", "influxdb_client")
    code = f"import sys, gateway.config; print([name for name in {heavy!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    loaded = found.stdout.strip()
    assert loaded == "[]"


# ------------------------------------------------------------------------------------------- whatever comes in


def outcome(text: str, **options: Any) -> list[Problem]:
    """The problems of a text, none when it is a configuration."""
    try:
        configuration = parse(text, **options)
    except ConfigError as refused:
        if not refused.problems:
            raise AssertionError("a ConfigError without a problem") from refused
        return refused.problems
    configuration.settings()
    check.report(configuration)
    return []


@given(st.text() | st.text(string.printable) | st.text(" \t\r\n\"'[]{}=.,#\\x1aé-_", max_size=60))
@example("\ud800")
@example('[portal.""]\n')
def test_any_text_is_a_configuration_or_a_config_error(text: str) -> None:
    """Whatever the text, `parse` raises nothing but ConfigError, with printable problems on lines that exist."""
    found = outcome(text)
    last = text.count("\n") + 1
    assert all(1 <= problem.line <= last for problem in found)
    assert all(re.fullmatch(r"[^\n\r\x1b]+", str(problem)) for problem in found)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_configuration_or_a_config_error(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    """Whatever the bytes of a file, `load` raises nothing but ConfigError."""
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_bytes(raw)
    with pytest.raises(ConfigError):
        load(file)


SCALARS = [
    "true",
    "-1",
    "3",
    "70000",
    "0.5",
    "inf",
    "nan",
    '""',
    '"5s"',
    '"t1"',
    '"a@b"',
    "1979-05-27",
    "07:32:00",
    "1" * 400,
]
NAMES = re.findall(r"(?m)^(\w+) = ", DOCK)
VALUES = st.recursive(
    st.sampled_from([*SCALARS, *(line.partition(" = ")[2] for line in DOCK.splitlines() if " = " in line)]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3).map(
            lambda table: "{" + ", ".join(f"{key} = {value}" for key, value in table.items()) + "}"
        )
    ),
    max_leaves=6,
)
HEADERS = st.sampled_from(
    [*re.findall(r"(?m)^\[.*\]$", DOCK), "[influxdb]", "[[profile]]", "[api]", "[portal]", "[[site]]"]
)


@given(
    st.lists(
        st.tuples(HEADERS, st.dictionaries(st.sampled_from([*NAMES, "fields", "token"]), VALUES, max_size=6)),
        max_size=8,
    )
)
def test_any_settings_are_a_configuration_or_a_config_error(tables: list[tuple[str, dict[str, str]]]) -> None:
    """Known names with values of every wrong sort never raise anything but ConfigError."""
    text = "\n".join(
        "\n".join([header, *(f"{key} = {value}" for key, value in table.items())]) for header, table in tables
    )
    outcome(text, base=Path("/nowhere"))


@given(st.integers(0, len(DOCK) - 1), st.sampled_from(["", "x", '"', "\n", "[", "=", "9"]))
def test_a_damaged_file_is_a_configuration_or_a_config_error(at: int, patch: str) -> None:
    """One character of a good file replaced or removed never raises anything but ConfigError."""
    outcome(DOCK[:at] + patch + DOCK[at + 1 :])
