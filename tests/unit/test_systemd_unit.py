"""The unit file: what the daemon relies on, and what it is forbidden."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).resolve().parents[2] / "systemd" / "tallyman.service"
HIGHEST_EXPOSURE = 1.5


def settings() -> dict[str, list[str]]:
    """All assignments of the unit, in order: a setting may stand several times."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text().splitlines():
        if "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def test_its_exposure_is_at_most_one_point_five() -> None:
    """systemd-analyze security, offline, gives the unit at most 1.5 (the peers have 9.2 and more)."""
    analyze = shutil.which("systemd-analyze")
    assert analyze, "systemd-analyze is not installed: apt-get install systemd (make test does it)"
    done = subprocess.run(
        [analyze, "security", "--offline=true", "--no-pager", str(UNIT)], capture_output=True, text=True, check=False
    )
    exposure = re.search(r"Overall exposure level for tallyman\.service: ([0-9.]+)", done.stdout)
    assert exposure, done.stdout + done.stderr
    assert float(exposure[1]) <= HIGHEST_EXPOSURE


def test_systemd_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    """systemd-analyze verify knows every setting and every value, once the program is where the unit says."""
    analyze = shutil.which("systemd-analyze")
    assert analyze, "systemd-analyze is not installed: apt-get install systemd (make test does it)"
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/tallyman/bin/tallyman", "/bin/true"))
    done = subprocess.run(
        [analyze, "verify", "--man=no", "--recursive-errors=no", str(copy)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert UNIT.name not in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Type", "notify"),
        ("NotifyAccess", "main"),
        ("WatchdogSec", "60"),
        ("Restart", "always"),
        ("StartLimitIntervalSec", "0"),
        ("StateDirectory", "tallyman"),
        ("RuntimeDirectory", "tallyman"),
        ("DynamicUser", "yes"),
        ("Group", "tallyman"),
        ("ExecStartPre", "/opt/tallyman/bin/tallyman check -c /etc/tallyman/tallyman.toml"),
        ("ExecStart", "/opt/tallyman/bin/tallyman run -c /etc/tallyman/tallyman.toml"),
    ],
)
def test_it_says_what_the_daemon_relies_on(name: str, value: str) -> None:
    """Readiness, watchdog, restart for ever, its two directories, its group, and a configuration checked first."""
    assert settings()[name] == [value]


def test_its_directories_are_the_defaults_of_the_configuration() -> None:
    """State and socket of the configuration's defaults lie in the directories that systemd makes for the unit."""
    reference = (UNIT.parents[1] / "config" / "tallyman.toml").read_text()
    assert f'#state = "/var/lib/{settings()["StateDirectory"][0]}"' in reference
    assert f'#socket = "/run/{settings()["RuntimeDirectory"][0]}/tallyman.sock"' in reference


def test_the_user_is_not_named_like_the_group() -> None:
    """Else it would not start: systemd refuses a dynamic user named like an existing group, which people are in."""
    assert settings()["User"] != settings()["Group"]


def test_people_of_the_group_reach_the_socket_and_nothing_else() -> None:
    """The group may enter the runtime directory; the state directory is the service's alone."""
    assert settings()["RuntimeDirectoryMode"] == ["0750"]
    assert settings()["StateDirectoryMode"] == ["0700"]
    assert settings()["UMask"] == ["0077"]


def test_it_does_not_wait_for_a_network() -> None:
    """An offline box must start: nothing in the unit waits for network-online or a synchronised clock."""
    waits = " ".join(settings().get("After", []) + settings().get("Wants", []) + settings().get("Requires", []))
    assert "network-online" not in waits
    assert "time-sync.target" not in waits


def test_secrets_come_as_credentials() -> None:
    """The unit shows how a secret gets in, and holds none: no Environment= line with a password or token."""
    assert "#LoadCredential=mqtt-password:" in UNIT.read_text()
    assert not any(re.search("pass|token|secret", value, re.IGNORECASE) for value in settings().get("Environment", []))
