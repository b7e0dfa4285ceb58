"""The pipeline's door: what cannot be journalled, or has stopped the core twice, does not get a place in the order."""

from pathlib import Path
from typing import Any

import pytest

from gateway.model.inputs import Boot, Device, Downlink, Input, Measurement
from gateway.model.times import SECOND
from gateway.rules import Engine
from tests import dockside
from tests.dockside import T0, Rig


def nested(depth: int) -> Any:
    """A list in a list in a list …."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "item",
    [
        Downlink("down/asn/A", payload={"asn": "\ud800"}),
        Downlink("down/asn/A", payload=nested(980)),
        Downlink("down/asn/A", text="\udcff"),
    ],
    ids=["surrogate", "deep", "bytes"],
)
async def test_what_cannot_be_written_down_is_answered(tmp_path: Path, item: Input) -> None:
    """A downlink that no journal line can hold is refused with the reason, so its sender is rid of it."""
    rig = Rig(tmp_path)
    reply = await rig.pipeline.decide(item)
    assert reply is not None
    assert reply["ok"] is False
    assert "cannot be written down" in reply["error"]
    assert (rig.pipeline.refused, rig.journal.last) == (1, 0)
    await rig.stop()


async def test_what_a_reader_says_of_itself_is_made_readable(tmp_path: Path) -> None:
    """A firmware name in some other encoding is shown with its odd bytes spelled out, not a reason to stop."""
    rig = Rig(tmp_path)
    await rig.pipeline.submit(Device("dock-1", "up", "caf\udce9"))
    (job,) = rig.pipeline.inputs.take(2)
    assert job.item == Device("dock-1", "up", "caf\\udce9")
    await rig.stop()


async def test_a_poison_downlink_that_is_sent_again_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker sends again what was never acknowledged: after two crashes it gets an answer, and the gateway lives."""
    observe = Engine.observe

    def choking(engine: Engine, t: int, item: Input) -> Any:
        if isinstance(item, Downlink) and item.topic == "down/asn/POISON":
            raise ZeroDivisionError("poison")
        return observe(engine, t, item)

    monkeypatch.setattr(Engine, "observe", choking)
    poison = Downlink("down/asn/POISON", payload={"asn": "POISON"})
    told = []
    for life, item in enumerate([poison, Device("x", "up"), Device("x", "up")]):
        rig = Rig(tmp_path)
        told.append(await rig.live([(T0 + life * SECOND, [item])]))
        await rig.stop(killed=not told[-1])
    assert told == [False, False, True]
    rig = Rig(tmp_path)
    reply = await rig.pipeline.decide(poison)
    assert reply == {"ok": False, "error": "downlink has stopped the gateway twice and is quarantined"}
    await rig.stop()


async def test_a_deadline_inside_a_group_is_fired_between_its_inputs(tmp_path: Path) -> None:
    """Inputs journalled together are cut where a delay runs out: what was handed in before it is taken before it."""
    rig = Rig(tmp_path)
    await rig.play([*dockside.opening(), *dockside.climate(T0 + SECOND, [9.0])])
    due = rig.pipeline.core.engine.deadline
    assert due is not None
    jobs = []
    for at, value in ((due - 10, 9.5), (due + 10, 3.0)):
        rig.now = at
        jobs.append(rig.pipeline._job(Measurement("cold-2-a", "temperature", value, "Cel", at=at)))
    await rig.pipeline._sequence(jobs)
    changes = [line for line in rig.lines if b'"kind":"alarm"' in line and b'"to":"unacked_active"' in line]
    assert len(changes) == 1
    assert b'"value":9.5' in changes[0]
    await rig.stop()


async def test_time_off_is_no_time_beyond_a_limit(tmp_path: Path) -> None:
    """A gateway that was off for hours raises no alarm at its start: the delay goes on with the next sample."""
    rig = Rig(tmp_path)
    await rig.play([*dockside.opening(), *dockside.climate(T0 + SECOND, [9.0])])
    await rig.stop(killed=True)
    rig = Rig(tmp_path)
    rig.now = T0 + 7200 * SECOND
    await rig.pipeline.recover(Boot("second", "0"))
    assert rig.pipeline.core.engine.deadline is None
    await rig.pipeline._tick(rig.now)
    assert not [line for line in rig.lines if b'"kind":"alarm"' in line]
    await rig.stop()
