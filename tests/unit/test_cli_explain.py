"""`tallyman explain` from the ledger and from a recording: the same sentences."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.main import main
from gateway.model.outcome import Movement, Passage
from tests import dockside
from tests.dockside import TOML, Rig


@pytest.fixture
async def site(tmp_path: Path) -> Path:
    """The configuration of a gateway whose ledger holds a small day."""
    state = tmp_path / "state"
    state.mkdir()
    rig = Rig(state)
    await rig.play(dockside.small_day())
    await rig.stop()
    file = tmp_path / "site.toml"
    file.write_text(TOML.replace('id = "gw1"', f'id = "gw1"\nstate = "{state}"'))
    return file


def said(*args: str | Path, exit_code: int = 0) -> str:
    """What the command says."""
    result = CliRunner().invoke(main, ["explain", *map(str, args)])
    assert result.exit_code == exit_code, result.output
    return result.output


async def test_ledger_and_recording_say_the_same(site: Path, tmp_path: Path) -> None:
    """A passage is explained from the audit as from a replay of its inputs: by its id, its movement's, its door's."""
    recording = dockside.recording(tmp_path / "day.ndjson", dockside.small_day())
    rig = Rig(tmp_path / "again")
    await rig.play(dockside.small_day())
    decisions = [one for result in rig.results for one in result.outcome.decisions]
    await rig.stop()
    passages = [one for one in decisions if isinstance(one, Passage)]
    movements = [one for one in decisions if isinstance(one, Movement)]
    for one in passages:
        assert said("-c", site, one.passage) == said(one.passage, "--recording", recording)
    assert said("-c", site, movements[0].movement) == said("-c", site, movements[0].passage)
    assert said("-c", site, "dock-1") == said("-c", site, passages[-1].passage)
    assert said("dock-1", "--recording", recording) == said("-c", site, "dock-1")


async def test_alarms_tags_and_json(site: Path) -> None:
    """An alarm with all its changes; one tag alone; JSON with what each sentence is about."""
    assert said("-c", site, "cold-2-high").count("Alarm cold-2-high") >= 2
    tag = dockside.case_tag(1)
    assert said("-c", site, "dock-1", "--tag", tag.lower()).startswith("GTIN")
    lines = [json.loads(line) for line in said("-c", site, "dock-1", "--json").splitlines()]
    assert {"opening", "direction", "tag", "movement", "verdict"} <= {line["about"] for line in lines}
    assert tag in {line.get("epc") for line in lines}


async def test_what_nobody_decided_is_an_error(site: Path, tmp_path: Path) -> None:
    """An unknown subject exits 1 and says where ids are found."""
    assert "tallyman trace" in said("-c", site, "dock-9/1", exit_code=1)
    recording = dockside.recording(tmp_path / "day.ndjson", dockside.small_day())
    assert "day.ndjson" in said("nothing", "--recording", recording, exit_code=1)
    assert "nothing to do with tag" in said("-c", site, "cold-2-high", "--tag", "AB", exit_code=1)
