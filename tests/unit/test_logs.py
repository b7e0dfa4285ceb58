"""Logs: JSON for the machine, colours for the terminal, stderr for both."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from gateway import logs


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave structlog and logging as they were."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    root.handlers.clear()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


Capture = pytest.CaptureFixture[str]


class Terminal(io.StringIO):
    """A stderr that says it is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


def test_a_line_is_one_json_object(capsys: Capture) -> None:
    """Without a terminal each event is one line of JSON with level, UTC time, and what it was given."""
    logs.configure("info")
    structlog.get_logger("gateway.test").warning("device down", device="dock-1", reason="line one\nline two")
    (line,) = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert {key: entry[key] for key in ("event", "level", "device", "reason")} == {
        "event": "device down",
        "level": "warning",
        "device": "dock-1",
        "reason": "line one\nline two",
    }
    assert abs(datetime.fromisoformat(entry["timestamp"]) - datetime.now(UTC)) < timedelta(minutes=5)


def test_an_exception_keeps_its_trace_in_the_line(capsys: Capture) -> None:
    """A fault's trace is part of its JSON line, not lines of its own."""
    logs.configure("info", "json")
    try:
        raise ValueError("poison")
    except ValueError:
        structlog.get_logger().exception("internal fault")
    (line,) = capsys.readouterr().err.splitlines()
    assert "ValueError: poison" in json.loads(line)["exception"]


def test_a_value_that_json_does_not_know_is_still_logged(capsys: Capture) -> None:
    """Logging never raises for what it is given."""
    logs.configure("info", "json")
    structlog.get_logger().info("odd", value=object(), raw=b"\xff")
    assert json.loads(capsys.readouterr().err)["event"] == "odd"


def test_less_than_the_level_is_not_written(capsys: Capture) -> None:
    """The level is a floor."""
    logs.configure("warning")
    log = structlog.get_logger()
    log.debug("one")
    log.info("two")
    log.warning("three")
    log.error("four")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["three", "four"]


@pytest.mark.parametrize(
    ("form", "stream", "is_json"),
    [
        ("auto", io.StringIO, True),
        ("auto", Terminal, False),
        ("json", Terminal, True),
        ("console", io.StringIO, False),
    ],
)
def test_the_form(monkeypatch: pytest.MonkeyPatch, form: str, stream: type[io.StringIO], is_json: bool) -> None:
    """auto: console on a terminal, else JSON; the other two are what they say."""
    wire = stream()
    monkeypatch.setattr(sys, "stderr", wire)
    logs.configure("info", form)
    structlog.get_logger().info("ready", site="berlin-1")
    assert wire.getvalue().startswith("{") is is_json
    assert "ready" in wire.getvalue()


def test_nothing_goes_to_stdout(capsys: Capture) -> None:
    """What is for machines is alone there: stdout belongs to what a command prints."""
    logs.configure("debug")
    structlog.get_logger().info("ready")
    logging.getLogger("aiomqtt").error("lost")
    assert capsys.readouterr().out == ""


def test_libraries_are_heard_from_warning_on(capsys: Capture) -> None:
    """What a library calls info is not for the operator; a warning names its library, in the form of all lines."""
    logs.configure("debug", "json")
    for name in ("paho.test", "pymodbus.test"):  # our Modbus adapter says itself what a link's failure means
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("lost a frame")
    (line,) = capsys.readouterr().err.splitlines()
    found = json.loads(line)
    assert (found["event"], found["logger"], found["level"]) == ("lost a frame", "paho.test", "warning")
