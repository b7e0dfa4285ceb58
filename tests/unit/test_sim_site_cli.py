"""`tallyman-sim` and the lines it speaks: ready first, JSON only, and it ends with its input."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from simulators.cli import main
from simulators.lines import commands, say


def run(*arguments: str, feed: str = "") -> tuple[int, list[dict[str, Any]], str]:
    """Run `python -m simulators …` to its end; exit code, JSON lines, stderr. Warnings are errors in there too."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "simulators", *arguments],
        input=feed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.mark.parametrize(
    ("arguments", "port"),
    [
        (("broker",), "mqtt"),
        (("reader", "--port", "0"), "llrp"),
        (("modbus", "--port", "0"), "modbus"),
        (("scale", "--port", "0"), "scale"),
    ],
)
def test_a_device_tells_its_port_and_ends_with_its_input(arguments: tuple[str, ...], port: str) -> None:
    """The first line says ready and the port; end of input stops the process with 0 and nothing on stderr."""
    code, lines, errors = run(*arguments)
    assert (code, errors) == (0, "")
    assert lines[0]["ready"] is True
    assert lines[0][port] > 0


def test_a_device_takes_commands() -> None:
    """Commands act; a wrong one is answered with what would be right, and does no harm."""
    feed = '{"put":["612.4",0.1]}\n{"put":["x"]}\n{"lift":1}\nnonsense\n{"stop":true}\n'
    code, lines, errors = run("scale", "--port", "0", feed=feed)
    assert (code, errors) == (0, "")
    assert [list(line) for line in lines[1:]] == [["error"]] * 3
    code, lines, _ = run("reader", "--port", "0", feed='{"see":["E280116060000208",1,-50]}\n{"gpi":[1,true]}\n')
    assert (code, lines[1:]) == (0, [{"seen": False}])
    code, lines, _ = run("modbus", "--port", "0", feed='{"set":[1,"input",0,[38]]}\n{"set":[1]}\n')
    assert (code, len(lines)) == (0, 2)


def test_the_site_tells_its_ports_and_waits() -> None:
    """The site lists every reader, the slave and the scale, and stops when told without having played."""
    code, lines, errors = run("site", "dock_morning", feed='{"dance":true}\n{"stop":true}\n')
    assert (code, errors) == (0, "")
    assert sorted(lines[0]["readers"]) == ["reader-1", "reader-2"]
    assert list(lines[0]["scale"]) == ["dock-1-scale"]
    assert "does not fit" in lines[1]["error"]


def test_a_terminated_broker_stops_cleanly() -> None:
    """SIGTERM is a polite stop: exit 0, nothing on stderr."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "simulators", "broker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    json.loads(process.stdout.readline())
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, b"")


def test_scenario_list_and_show() -> None:
    """The bundled scenarios can be listed and their truth shown, for people and as JSON."""
    runner = CliRunner()
    listed = json.loads(runner.invoke(main, ["scenario", "list", "--json"]).output)
    assert "dock_morning" in [each["name"] for each in listed]
    assert "dock_morning" in runner.invoke(main, ["scenario", "list"]).output
    shown = json.loads(runner.invoke(main, ["scenario", "show", "dock_morning", "--json"]).output)
    assert shown["lamps"]["dock-2"] == ["green"]
    text = runner.invoke(main, ["scenario", "show", "dock_morning", "--today", "2026-11-21"]).output
    assert "unknown    held: no_expectation" in text


@pytest.mark.parametrize("command", [["scenario", "show"], ["site"], ["central", "--url", "mqtt://x"]])
def test_a_bad_scenario_is_a_usage_error(command: list[str], tmp_path: Path) -> None:
    """A scenario that cannot be read exits 2 and says why; so does one without a single truth."""
    path = tmp_path / "bad.toml"
    path.write_text("name = 1\n", "utf-8")
    done = CliRunner().invoke(main, [*command, str(path)])
    assert done.exit_code == 2
    assert "bad.toml" in done.output


async def test_commands_come_line_by_line() -> None:
    """Lines split anywhere arrive as objects in order; what is no object is handed over as bad; the end ends it."""
    read_end, write_end = os.pipe()

    def feed() -> None:
        for piece in (b'{"a"', b':1}\n\n{"b":2}\n[3]\n', b"\xff\n{"):
            os.write(write_end, piece)
        os.close(write_end)

    await asyncio.to_thread(feed)
    got = [command async for command in commands(read_end)]
    os.close(read_end)
    assert got == [{"a": 1}, {"b": 2}, {"bad": "[3]"}, {"bad": "\ufffd"}]


def test_say_survives_a_reader_that_went_away(capsys: pytest.CaptureFixture[str]) -> None:
    """One object is one line of compact JSON."""
    say(ready=True, name="Kühlraum")
    assert capsys.readouterr().out == '{"ready":true,"name":"Kühlraum"}\n'
