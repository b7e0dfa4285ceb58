"""Same inputs, same order, same bytes: what a gateway decided live is what a replay of its journal decides."""

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model.inputs import Command, Config, Device, Downlink, Gpi, Measurement, Reads, Tick, Weighing
from gateway.model.times import SECOND
from gateway.replay import replay
from tests import dockside
from tests.dockside import T0, TOML, Rig, Step


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[bytes]]:
    """The journal of a small day, lived with two restarts, and the lines that were delivered."""
    directory = tmp_path_factory.mktemp("lived")
    steps = dockside.grouped(dockside.small_day())
    lines: list[bytes] = []

    async def live() -> None:
        for part in (steps[:9], steps[9:30], steps[30:]):
            rig = Rig(directory, segment_bytes=2000)
            await rig.play(part)
            lines.extend(rig.lines)
            await rig.stop()

    asyncio.run(live())
    return directory / "journal", lines


def test_a_replayed_journal_gives_the_lines_given_live(lived: tuple[Path, list[bytes]]) -> None:
    """Byte for byte, over several segments and restarts, and the day had something of everything."""
    journal, lines = lived
    assert len(list(journal.glob("*.zst"))) > 2
    kinds = {line[9 : line.index(b'"', 9)] for line in lines}
    assert kinds == {b"passage", b"movement", b"command", b"alarm", b"hold", b"excursion", b"exception", b"event"}
    assert list(replay(journal).lines()) == lines


@pytest.mark.parametrize("seed", ["0", "1", "42"])
def test_a_replay_is_the_same_under_any_hash_seed(lived: tuple[Path, list[bytes]], seed: str) -> None:
    """`tallyman replay DIR --json` as a process of its own prints the live lines, however its sets are ordered."""
    journal, lines = lived
    command = [sys.executable, "-m", "gateway", "replay", str(journal), "--json"]
    done = subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.splitlines() == lines


def test_a_replay_may_be_repeated_and_given_the_configuration(lived: tuple[Path, list[bytes]]) -> None:
    """Twice from one object, and with the same configuration from outside, the lines are the same."""
    journal, lines = lived
    prepared = replay(journal)
    assert list(prepared.lines()) == lines
    assert list(prepared.lines()) == lines
    assert list(replay(journal, dockside.config.parse(TOML, "x")).lines()) == lines


def test_ticks_and_boots_may_be_left_out(tmp_path: Path) -> None:
    """A recording without tick, boot and facts records decides as the journal that has them."""
    steps = dockside.grouped(dockside.small_day())

    async def live() -> list[bytes]:
        rig = Rig(tmp_path)
        await rig.play(steps)
        await rig.stop()
        return rig.lines

    lines = asyncio.run(live())
    bare = [(t, [item for item in items if not isinstance(item, Tick | dockside.Boot)]) for t, items in steps]
    assert list(replay(dockside.recording(tmp_path / "bare.ndjson", bare)).lines()) == lines
    ticked = [(t, [*items, Tick()]) for t, items in bare]
    assert list(replay(dockside.recording(tmp_path / "ticked.ndjson", ticked)).lines()) == lines


CASES = [dockside.case_tag(serial) for serial in range(1, 5)]
TAGS = st.sampled_from([dockside.pallet_tag(1), dockside.pallet_tag(2), *CASES])
PAUSES = st.sampled_from([0, 1, 40_000, 300_000, 900_000, 1_200_001, 2 * SECOND, 11 * SECOND])
LEVELS = st.sampled_from([-40.0, -64.9, -70.0, None])
DOORS = st.sampled_from(["dock-1", "dock-2", "dock-9"])
LATE = st.sampled_from([0, 0, 0, 5_000, 400_000, 3 * SECOND])
DOCUMENTS = st.sampled_from(
    [
        dockside.asn(1, dockside.line(2, [1, 2])),
        dockside.asn(2, dockside.line(1, [3], expiry="2026-11-01")),
        dockside.order(1),
        dockside.order(2),
        Downlink("down/asn/A1", None),
        Downlink("down/lot/x", {}),
        Downlink("down/asn/A1", {"asn": "A1", "version": 3, "units": [{"sscc": dockside.sscc(1), "lines": []}]}),
    ]
)
WARM = [
    Measurement("cold-2-a", "temperature", value, "Cel", quality)
    for value, quality in ((4.0, "good"), (7.8, "good"), (8.1, "good"), (12.0, "good"), (None, "bad"))
]
OTHERS = st.sampled_from(
    [
        *WARM,
        Command("alarms.ack", {"alarm": "cold-2-high"}, "ann"),
        Command("alarms.ack", {"alarm": "none"}, "ann"),
        Command("outbox.park", {"seq": 1, "reason": "no"}, "uplink"),
        Device("dock-1", "up"),
        Weighing("dock-1-scale", "612.4", "kg", True),
        Config(TOML.replace("high = 8.0", "high = 7.0")),
        Config("broken = ["),
    ]
)


@st.composite
def days(draw: st.DrawFn) -> list[Step]:
    """Any mix of reads (late ones too), edges, documents, samples and commands, alone or in groups."""
    t = T0
    steps = dockside.opening(t)
    for _ in range(draw(st.integers(1, 25))):
        t += 2 + draw(PAUSES)
        items: list[dockside.Input] = []
        for _ in range(draw(st.sampled_from([1, 1, 1, 2, 4]))):
            kind = draw(st.integers(0, 9))
            if kind < 5:
                rows = draw(st.lists(st.tuples(LATE, st.integers(1, 3), TAGS, LEVELS), min_size=1, max_size=6))
                reads = tuple((t - late, antenna, epc, level) for late, antenna, epc, level in rows)
                items.append(Reads(draw(DOORS), reads, ("at", "antenna", "epc", "rssi")))
            elif kind < 7:
                items.append(Gpi(draw(DOORS), draw(st.integers(1, 3)), draw(st.booleans()), t - draw(LATE)))
            else:
                items.append(draw(DOCUMENTS if kind == 7 else OTHERS))
        steps.append((t, items))
    return [*steps, *dockside.closing(t + 240 * SECOND)]


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(days(), st.integers(0, 25))
def test_any_day_replays_as_it_was_lived(steps: list[Step], stop: int) -> None:
    """Whatever arrives, with a restart somewhere: the journal replays to the same bytes, and the audit is whole."""

    async def live(directory: Path) -> list[bytes]:
        lines: list[bytes] = []
        for part in (steps[: 2 + stop], steps[2 + stop :]):
            if part:
                rig = Rig(directory)
                await rig.play(part)
                lines += rig.lines
                assert rig.ledger.broken_audit() is None
                await rig.stop()
        return lines

    with tempfile.TemporaryDirectory() as name:
        lines = asyncio.run(live(Path(name)))
        assert list(replay(Path(name) / "journal").lines()) == lines
