"""`tallyman tune`: from a recording and from a running gateway; it proposes and never writes."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.api.command_socket import CommandSocket
from gateway.cli.main import main
from gateway.journal import records
from gateway.model.inputs import Reads
from simulators.rf import shift
from tests import dockside
from tests.dockside import T0, TOML

EMPTY = b'{"tallyman":1}\n'


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated shift as a file."""
    file = tmp_path_factory.mktemp("tune") / "calm.ndjson"
    shift("calm", 5, 8).write(file)
    return file


def tuned(*args: str | Path) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["tune", *map(str, args)])


def test_a_recording_is_judged_with_its_own_configuration(recording: Path) -> None:
    """It says what was heard and what hindsight makes of it, and where the lines go."""
    before = recording.read_bytes()
    result = tuned("dock-1", "--recording", recording)
    assert result.exit_code == 0, result.output
    assert "dock-1: " in result.output
    assert "In hindsight" in result.output
    assert recording.read_bytes() == before


def test_json_has_one_proposal_a_line(recording: Path, tmp_path: Path) -> None:
    """Machines get about, toml, reason and expected; another configuration may be given."""
    toml = next(json.loads(line)["toml"] for line in recording.read_text().splitlines() if '"kind":"config"' in line)
    changed = tmp_path / "changed.toml"
    changed.write_text(toml.replace("[[portal]]", "[[portal]]\nmin_rssi = -25.0", 1))
    result = tuned("dock-1", "--recording", recording, "-c", changed, "--json")
    assert result.exit_code == 0, result.output
    found = [json.loads(line) for line in result.output.splitlines()]
    assert "min_rssi" in {one["about"] for one in found}
    assert all(set(one) == {"about", "toml", "reason", "expected"} for one in found)
    assert changed.read_text() == toml.replace("[[portal]]", "[[portal]]\nmin_rssi = -25.0", 1)


def test_what_cannot_be_tuned_is_said(recording: Path, tmp_path: Path) -> None:
    """An unknown portal, a recording without reads or without a configuration, a duration that is none."""
    assert "there are: dock-1" in tuned("dock-9", "--recording", recording).output
    site = tmp_path / "site.toml"
    site.write_text(TOML)
    silent = tmp_path / "silent.ndjson"
    silent.write_bytes(EMPTY)
    assert tuned("dock-1", "--recording", silent).exit_code == 2
    result = tuned("dock-1", "--recording", silent, "-c", site)
    assert (result.exit_code, "heard no tag" in result.output) == (1, True)
    assert "--for soon" in tuned("dock-1", "-c", site, "--for", "soon").output
    assert "no gateway answers" in tuned("dock-1", "-c", site, "--for", "1s").output


async def test_a_running_gateway_is_listened_to(tmp_path: Path) -> None:
    """Reads come through the command socket for as long as was asked; no command is given."""
    site = tmp_path / "site.toml"
    site.write_text(TOML + f'[api]\nsocket = "{tmp_path}/t.sock"\n')
    commands: list[object] = []

    async def decide(command: object) -> None:
        commands.append(command)

    served = CommandSocket(tmp_path / "t.sock", decide, dict)
    serving = asyncio.create_task(served.run())
    tuning = asyncio.create_task(asyncio.to_thread(tuned, "dock-1", "-c", site, "--for", "2s"))
    while not served.recorded and not tuning.done():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    for t, items in dockside.drive(T0, [dockside.pallet_tag(1), dockside.case_tag(1)]):
        for item in items:
            served.record(records.encode(t, item))
    served.publish(b'{"kind":"passage"}')
    while not tuning.done():
        served.heard(b'{"kind":"antennas","ms":250,"antennas":[]}')
        await asyncio.sleep(0.05)
    serving.cancel()
    await asyncio.wait([serving])
    result = await tuning
    assert result.exit_code == 0, result.output
    assert "dock-1: 1 passages, 20 reads of 2 tags" in result.output
    assert commands == []


def test_only_the_newest_reads_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal of a month does not fill the memory: the last so many reads are looked at."""
    from gateway.cli import tune

    monkeypatch.setattr(tune, "READS_MOST", 5)
    inputs = [(T0 + n, Reads("r", ((T0, 1, "AA", -50),) * 2)) for n in range(4)]
    assert tune._latest(list(inputs)) == inputs[-2:]
