"""sd_notify(3) over a real datagram socket."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.systemd import Notifier, watchdog_seconds


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The service manager's end: a datagram socket named in $NOTIFY_SOCKET."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.bind(path)
        wire.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        yield wire


@pytest.mark.parametrize(
    ("fields", "datagram"),
    [
        ({"READY": "1", "STATUS": "3/3 readers"}, b"READY=1\nSTATUS=3/3 readers"),
        ({"STATUS": "recovering"}, b"STATUS=recovering"),
        ({"WATCHDOG": "1"}, b"WATCHDOG=1"),
        ({"STOPPING": "1"}, b"STOPPING=1"),
        ({"STATUS": "Türe 1 – zu"}, "STATUS=Türe 1 – zu".encode()),
    ],
)
def test_each_notification_is_one_datagram(manager: socket.socket, fields: dict[str, str], datagram: bytes) -> None:
    """Fields of one call arrive together, one per line, in order, as UTF-8."""
    Notifier.from_environment().notify(**fields)
    assert manager.recv(4096) == datagram


def test_a_value_cannot_begin_a_field(manager: socket.socket) -> None:
    """A line feed in a status, such as in an error's text, does not become a WATCHDOG or MAINPID of its own."""
    Notifier.from_environment().notify(STATUS="broken\nWATCHDOG=1")
    assert manager.recv(4096) == b"STATUS=broken WATCHDOG=1"


def test_an_abstract_address() -> None:
    """An address that starts with @ is in the abstract namespace: its first byte on the wire is NUL."""
    name = f"tallyman-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.bind("\0" + name)
        wire.settimeout(5)
        Notifier("@" + name).notify(READY="1")
        assert wire.recv(4096) == b"READY=1"


def test_without_a_service_manager_it_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """No $NOTIFY_SOCKET, or an empty one: nothing is sent and nothing raised."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    Notifier.from_environment().notify(READY="1")
    monkeypatch.setenv("NOTIFY_SOCKET", "")
    notifier = Notifier.from_environment()
    notifier.notify(READY="1")
    assert notifier.address is None


def test_a_service_manager_that_is_gone_is_not_our_fault(tmp_path: Path) -> None:
    """An address where nobody listens raises nothing, and leaves no socket open."""
    Notifier(str(tmp_path / "nobody")).notify(WATCHDOG="1")


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [
        ("60000000", None, 60.0),
        ("60000000", "mine", 60.0),
        ("60000000", "1", None),  # meant for another process
        ("500000", None, 0.5),
        ("0", None, None),
        ("", None, None),
        (None, None, None),
        ("-5", None, None),
        ("soon", None, None),
        ("²", None, None),
    ],
)
def test_the_watchdog_systemd_asks_for(
    monkeypatch: pytest.MonkeyPatch, usec: str | None, pid: str | None, seconds: float | None
) -> None:
    """$WATCHDOG_USEC counts when it is a positive number and meant for this process (sd_watchdog_enabled(3))."""
    for name, value in (("WATCHDOG_USEC", usec), ("WATCHDOG_PID", pid)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, str(os.getpid()) if value == "mine" else value)
    assert watchdog_seconds() == seconds
