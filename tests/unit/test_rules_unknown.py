"""The policy `alarm` for tags that nothing explains: held, told once, and quiet until somebody acknowledges it."""

from gateway.model.documents import Policy
from gateway.model.facts import Facts
from gateway.model.inputs import Command, Tick
from gateway.model.outcome import AlarmChange, Movement, Outcome
from gateway.model.settings import Antenna, Eye, Portal, Settings
from gateway.rules import Engine
from tests import dockside

S = 1_000_000
T0 = 1_795_243_331 * S
RAW = "E280116060000209"


def door(policy: str) -> Settings:
    """A site with one door."""
    eyes = (Eye("r", 1, "outer"), Eye("r", 2, "inner"))
    antennas = (Antenna("r", 1, "outer"), Antenna("r", 2, "inner"))
    return Settings(site="s", gateway="g", portals=(Portal("dock-1", "in", antennas, eyes, unknown_tags=policy),))


def crossed(engine: Engine, t: int, facts: Facts = Facts(), number: int = 0) -> Outcome:  # noqa: B008 - frozen
    """An unknown tag is carried in, each time another."""
    for at, items in dockside.drive(t, [f"{RAW}{number:08X}"], portal="r"):
        for item in items:
            engine.observe(at, item)
    outcome = engine.decide(engine.observe(t + 40 * S, Tick()), facts)
    assert [one.verdict for one in outcome.decisions if isinstance(one, Movement)] == ["held"]
    return outcome


def alarms(outcome: Outcome) -> list[AlarmChange]:
    """The alarms of an outcome."""
    return [one for one in outcome.decisions if isinstance(one, AlarmChange)]


def test_an_alarm_is_raised_once_until_it_is_acknowledged() -> None:
    """The first unknown tag raises it, with its hexadecimal; the next does not; after the acknowledgement one does."""
    engine = Engine(door("alarm"))
    (first,) = alarms(crossed(engine, T0))
    assert (first.alarm, first.source, first.after) == ("unknown-tags/dock-1", "dock-1", "unacked_active")
    assert RAW in first.detail
    assert alarms(crossed(engine, T0 + 100 * S, number=1)) == []
    again = Engine.restore(door("alarm"), engine.snapshot())
    assert alarms(crossed(again, T0 + 200 * S, number=2)) == []
    acked = again.observe(T0 + 300 * S, Command("alarms.ack", {"alarm": "unknown-tags/dock-1"}, "ann"))
    (change,) = alarms(again.decide(acked, Facts()))
    assert (change.source, change.after, change.by) == ("dock-1", "normal", "ann")
    assert len(alarms(crossed(again, T0 + 400 * S, number=3))) == 1


def test_the_goods_are_held_all_the_same() -> None:
    """The alarm is beside the verdict, not in place of it."""
    outcome = crossed(Engine(door("alarm")), T0)
    assert [one.verdict for one in outcome.decisions if isinstance(one, Movement)] == ["held"]


def test_central_may_ask_for_it() -> None:
    """Central's policy comes before the configuration; other policies raise nothing."""
    policy = Facts(policy=Policy(unknown_tags={"dock-1": "alarm"}))
    assert len(alarms(crossed(Engine(door("hold")), T0, policy))) == 1
    assert alarms(crossed(Engine(door("hold")), T0)) == []
