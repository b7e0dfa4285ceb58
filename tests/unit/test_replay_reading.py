"""Recordings as files: every form, every kind of wrong, and what the command line says to it."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from gateway.errors import ConfigError, RecordingError
from gateway.model.inputs import Device, Downlink
from gateway.replay import replay
from gateway.replay.reading import Reading
from tests import dockside
from tests.dockside import T0

STEPS = [(T0, [dockside.Config(dockside.TOML)]), (T0 + 5, [Device("a", "up"), Downlink("down/asn/A1", text="x")])]
GOOD = b'{"t":"2026-11-21T06:42:11Z","kind":"tick"}'


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A small recording."""
    return dockside.recording(tmp_path / "r.ndjson", STEPS)


def written(tmp_path: Path, *lines: bytes) -> Path:
    """A recording of raw lines."""
    path = tmp_path / "w.ndjson"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """`tallyman replay …`."""
    command = [sys.executable, "-m", "gateway", "replay", "--json", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"NO_COLOR": "1"})


def test_all_forms_of_a_recording_say_the_same(plain: Path, tmp_path: Path) -> None:
    """Plain, gzip, zstd in one or several frames, and a directory of recordings give the same lines."""
    lines = list(replay(plain).lines())
    assert lines
    content = plain.read_bytes()
    packed = tmp_path / "r.ndjson.gz"
    packed.write_bytes(gzip.compress(content))
    assert list(replay(packed).lines()) == lines
    single = tmp_path / "r.ndjson.zst"
    single.write_bytes(zstandard.ZstdCompressor().compress(content))
    assert list(replay(single).lines()) == lines
    half = content.index(b"\n", len(content) // 2) + 1
    single.write_bytes(b"".join(zstandard.ZstdCompressor().compress(part) for part in (content[:half], content[half:])))
    assert list(replay(single).lines()) == lines
    folder = tmp_path / "folder"
    folder.mkdir()
    dockside.recording(folder / "1.ndjson", STEPS[:1])
    dockside.recording(folder / "2.ndjson", STEPS[1:], {"tallyman": 1, "first": 2})
    (folder / "crashes.json").write_text("{}")
    assert list(replay(folder).lines()) == lines
    assert [entry.position for entry in Reading(folder).entries()] == [1, 2, 3]


@pytest.mark.parametrize(
    ("first", "told"),
    [
        (b"", "not a recording"),
        (GOOD, "not a recording"),
        (b"\xff\xfe", "not a recording"),
        (b'{"tallyman":2}', "recording format 2; this version reads up to 1"),
        (b'{"tallyman":1,"depth":"wire"}', "depth 'wire'"),
        (b"[" * 5000, "not a recording"),
    ],
)
def test_a_wrong_header_is_told(tmp_path: Path, first: bytes, told: str) -> None:
    """The first line must be a header this version reads, at the depth it replays."""
    path = written(tmp_path, first, GOOD)
    with pytest.raises(RecordingError, match=told) as caught:
        list(replay(path, dockside.config.parse(dockside.TOML, "x")).lines())
    assert str(caught.value).startswith(f"{path}:1: ")


BAD = [
    (b"{", "truncated"),
    (b'{"t":"2026-11-21T06:42:11Z","kind":"hologram"}', "hologram"),
    (b'{"t":"yesterday","kind":"tick"}', "yesterday"),
    (b'{"t":"2026-11-21T06:42:11","kind":"tick"}', "no UTC offset"),
    (b'{"kind":"tick"}', "missing required field `t`"),
    (b'{"t":"2026-11-21T06:42:11Z","kind":"gpi","reader":"r","port":"1","level":true}', "Expected `int`"),
    (
        b'{"t":"2026-11-21T06:42:11Z","kind":"reads","reader":"r","columns":["epc"],"reads":[["AA"]]}',
        "columns lack antenna",
    ),
    (
        b'{"t":"2026-11-21T06:42:11Z","kind":"reads","reader":"r","columns":["epc","antenna"],"reads":[["AA"]]}',
        "1 values",
    ),
    (
        b'{"t":"2026-11-21T06:42:11Z","kind":"reads","reader":"r","columns":["epc","antenna"],"reads":[["AA","1"]]}',
        "antenna",
    ),
    (
        b'{"t":"2026-11-21T06:42:11Z","kind":"reads","reader":"r","columns":["epc","antenna","at"],"reads":[["AA",1,-5]]}',
        "not microseconds",
    ),
    (b'{"t":"2026-11-21T06:42:11Z","kind":"gpi","reader":"r","port":1,"level":true,"at":9e30}', "int"),
    (b'{"t":"2026-11-21T06:42:11Z","kind":"weighing","scale":"s","value":"much","unit":"kg","stable":true}', "much"),
]


@pytest.mark.parametrize(("line", "told"), BAD, ids=range(len(BAD)))
def test_a_bad_line_is_told_with_its_place(tmp_path: Path, line: bytes, told: str) -> None:
    """A line that cannot be used is reported as file:line: why; `lenient` passes over it, and counts."""
    path = written(tmp_path, b'{"tallyman":1}', GOOD, b"", line, GOOD)
    with pytest.raises(RecordingError) as caught:
        list(Reading(path).entries())
    assert str(caught.value).startswith(f"{path}:4: ")
    assert told in str(caught.value)
    reading = Reading(path, lenient=True)
    assert [(entry.line, entry.position) for entry in reading.entries()] == [(2, 1), (5, 3)]
    assert reading.skipped == 1
    assert [str(problem) for problem in reading.problems] == [str(caught.value)]


def test_time_that_goes_back_is_an_error(tmp_path: Path) -> None:
    """Records out of order are told with their line, lenient or not."""
    steps = [(T0 + 10, [dockside.Config(dockside.TOML)]), (T0 + 9, [Device("a", "up")])]
    path = dockside.recording(tmp_path / "r.ndjson", steps)
    with pytest.raises(RecordingError, match=r":3: t goes back"):
        list(replay(path).lines())


def test_the_stamp_of_a_person_is_as_good(tmp_path: Path) -> None:
    """Stamps without fraction, with an offset, or behind the kind are read like those the gateway writes."""
    lines = [
        b'{"t":"2026-11-21T06:42:11Z","kind":"tick"}',
        b'{"kind":"tick","t":"2026-11-21T07:42:11.5+01:00"}',
        b'{ "t" : "2026-11-21T06:42:12.000000Z", "kind" : "tick", "note" : 1 }',
    ]
    path = written(tmp_path, b'{"tallyman":1}', *lines)
    assert [entry.t - T0 for entry in Reading(path).entries()] == [0, 500_000, 1_000_000]


def test_a_file_that_breaks_off_is_told(plain: Path, tmp_path: Path) -> None:
    """A cut gzip or zstd file, one with rotten bytes, an empty and an absent one are errors with a place."""
    packed = gzip.compress(plain.read_bytes() * 50)
    cases = {
        "cut.ndjson.gz": packed[:-20],
        "rotten.ndjson.gz": packed[:40] + bytes(20) + packed[60:],
        "no.ndjson.gz": b"not gzip",
        "cut.ndjson.zst": zstandard.ZstdCompressor().compress(plain.read_bytes())[:-9],
        "no.ndjson.zst": b"not zstd at all",
        "empty.ndjson": b"",
    }
    for name, content in cases.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(RecordingError, match=name):
            list(Reading(path).entries())
    with pytest.raises(RecordingError, match="No such file"):
        list(Reading(tmp_path / "absent.ndjson").entries())


def test_without_a_configuration_nothing_is_replayed(tmp_path: Path) -> None:
    """Neither the recording nor the caller knows the site: a ConfigError that says what to do."""
    path = written(tmp_path, b'{"tallyman":1}', GOOD)
    with pytest.raises(ConfigError, match="-c FILE"):
        list(replay(path).lines())


def test_the_command_line_tells_with_its_exit_code(plain: Path, tmp_path: Path) -> None:
    """Good: 0 and the lines. Bad line: 1 and file:line. `--lenient`: 0, told and counted. No configuration: 2."""
    good = run(plain)
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.encode().splitlines() == list(replay(plain).lines())
    spoiled = tmp_path / "s.ndjson"
    spoiled.write_bytes(plain.read_bytes() + b"rubbish\n")
    bad = run(spoiled)
    assert bad.returncode == 1
    assert f"{spoiled}:5: " in bad.stderr
    lenient = run(spoiled, "--lenient")
    assert (lenient.returncode, lenient.stdout) == (0, good.stdout)
    assert f"{spoiled}:5: " in lenient.stderr
    assert "skipped: 1" in lenient.stderr
    bare = run(written(tmp_path, b'{"tallyman":1}', GOOD))
    assert bare.returncode == 2
    assert "-c FILE" in bare.stderr


@pytest.mark.parametrize("frames", [1, 4])
def test_a_zst_recording_that_breaks_off_says_so(tmp_path: Path, frames: int) -> None:
    """A truncated zstd recording is never taken for a whole one, however many frames it has; lenient counts it."""
    lines = [b'{"tallyman":1}', *(b'{"t":"2026-11-21T06:42:1%d.000000Z","kind":"tick"}' % n for n in range(8))]
    size = -(-len(lines) // frames)
    packed = b"".join(
        zstandard.ZstdCompressor().compress(b"\n".join(lines[start : start + size]) + b"\n")
        for start in range(0, len(lines), size)
    )
    path = tmp_path / "x.ndjson.zst"
    path.write_bytes(packed)
    assert len(list(Reading(path).entries())) == 8
    path.write_bytes(packed[:-4])
    with pytest.raises(RecordingError, match="breaks off"):
        list(Reading(path).entries())
    lenient = Reading(path, lenient=True)
    read = list(lenient.entries())
    assert [entry.line for entry in read] == list(range(2, 2 + len(read)))
    assert len(read) < 8
    assert "breaks off" in str(lenient.problems[-1])


@pytest.mark.parametrize("epc", ["ZZ", "30 41", "3" * 125, "3_0"])
def test_an_epc_is_hex(tmp_path: Path, epc: str) -> None:
    """What is no EPC never reaches the rules: the line is refused, in both spellings of a read."""
    for line in (
        {"kind": "read", "reader": "r", "antenna": 1, "epc": epc},
        {"kind": "reads", "reader": "r", "columns": ["antenna", "epc"], "reads": [[1, epc]]},
    ):
        path = tmp_path / "x.ndjson"
        path.write_text('{"tallyman":1}\n' + json.dumps({"t": "2026-11-21T06:42:11.000000Z"} | line) + "\n")
        with pytest.raises(RecordingError, match="hex digits"):
            list(Reading(path).entries())


def test_a_directory_without_recordings(tmp_path: Path) -> None:
    """A directory that holds none says so, instead of asking for a configuration."""
    with pytest.raises(RecordingError, match="no recording here"):
        list(Reading(tmp_path).entries())
