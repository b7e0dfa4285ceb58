"""Rules over measurements, alarms and excursions: `for`, once, `else`, and what they do, through the engine."""

from itertools import pairwise

import pytest

from gateway.config.rulefiles import read_rules
from gateway.errors import ConfigError
from gateway.model.facts import Facts, Stay
from gateway.model.inputs import Boot, Command, Input, Measurement, Tick
from gateway.model.outcome import AlarmChange, Decision, DeviceCommand, Firing, Hold, HoldSet, Outcome
from gateway.model.rules import RuleText
from gateway.model.settings import Antenna, Lights, Limit, Location, Portal, Sensor, Settings
from gateway.rules import Engine, questions
from gateway.rules.candidates import Candidate

MINUTE = 60_000_000
STAYING = Stay("04012345000009", "L1", 0, None, 5000, "each")

WARM = """
[[rule]]
id = "warm"
on = "measurement"
when = 'value > 8 and location_kind == "cold_room"'
for = "10m"
do = [{ hold = "excursion" }, { raise = "too-warm", priority = "high", text = "{location} is at {value} {unit}" },
      { publish = "warm" }, { light = "red" }]
else = [{ note = "cold again: {value}" }]
"""


def engine(text: str, limits: tuple[Limit, ...] = ()) -> Engine:
    """A cold room with a sensor, a portal with lights, and these rules."""
    lights = Lights("r", green=1, red=2)
    settings = Settings(
        "s",
        "g",
        locations=(Location("cold", "cold_room", "2-8C"),),
        portals=(Portal("dock", "cold", (Antenna("r", 1),), lights=lights),),
        sensors=(Sensor("t1", "cold"), Sensor("t2", "cold")),
        limits=limits,
        rules=read_rules([RuleText("x.toml", text)]),
    )
    return Engine(settings)


def sample(value: float | None, quality: str = "good", sensor: str = "t1") -> Measurement:
    """A temperature."""
    return Measurement(sensor, "temperature", value, "Cel", quality)


class Run:
    """An engine fed with inputs at minutes; deadlines fire as ticks before them, as the sequencer does."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.told: list[tuple[float, Decision]] = []
        self.effects: list[object] = []

    def at(self, minute: float, item: Input) -> list[Decision]:
        """One input; what it and the deadlines before it decided."""
        t = round(minute * MINUTE)
        before = len(self.told)
        while (deadline := self.engine.deadline) is not None and deadline <= t:
            self._take(deadline, Tick())
        if not isinstance(item, Tick):
            self._take(t, item)
        return [decision for _, decision in self.told[before:]]

    def _take(self, t: int, item: Input) -> None:
        candidates = self.engine.observe(t, item)
        outcome = self.engine.decide(candidates, _facts(candidates)) if candidates else Outcome()
        self.told += [(t / MINUTE, decision) for decision in outcome.decisions]
        self.effects += outcome.effects
        self.engine = Engine.restore(self.engine.settings, self.engine.snapshot())  # every turn may be the last


def _facts(candidates: list[Candidate]) -> Facts:
    """One lot stands in the cold room, whenever it is asked for."""
    stays = {f"{one.location}/{one.start}/{one.end}": (STAYING,) for one in questions(candidates).stays}
    return Facts(stays=stays)


def fired(run: Run) -> list[float]:
    """The minutes at which a rule fired."""
    return [minute for minute, decision in run.told if isinstance(decision, Firing)]


def test_a_condition_that_holds_for_long_enough_fires_once_by_time_alone() -> None:
    """Warm from minute 1: at minute 11 lots are held, alarm, notice and light; then silence until it was cold again."""
    run = Run(engine(WARM))
    for minute in range(30):
        run.at(minute, sample(5.0 if minute == 0 else 9.0))
    assert fired(run) == [11.0]
    firing, hold, alarm, light = (decision for _, decision in run.told)
    assert isinstance(firing, Firing)
    assert isinstance(hold, Hold)
    assert isinstance(alarm, AlarmChange)
    assert isinstance(light, DeviceCommand)
    assert (firing.on, firing.subject, firing.place, firing.published) == (
        "measurement",
        "t1/temperature",
        "cold",
        ("warm",),
    )
    assert firing.facts == {"location_kind": "cold_room", "value": 9.0}
    assert (hold.source, hold.reason, [one.lot for one in hold.lots]) == ("rule/warm", "excursion", ["L1"])
    assert run.effects == [HoldSet("04012345000009", "L1", "cold", "excursion", source="rule/warm")]
    assert (alarm.alarm, alarm.detail, alarm.location) == ("too-warm", "cold is at 9 Cel", "cold")
    assert (light.args["portal"], light.args["colour"]) == ("dock", "red")
    run.at(30, sample(5.0))
    last = run.told[-1][1]
    assert isinstance(last, Firing)
    assert last.actions == ("note cold again: 5",)


def test_a_break_begins_anew_and_else_is_silent_before_it_fired() -> None:
    """Nine minutes warm, one sample cold, nine minutes warm: nothing is said at all."""
    run = Run(engine(WARM))
    for minute in range(19):
        run.at(minute, sample(5.0 if minute == 9 else 9.0))
    assert run.told == []
    run.at(21, Tick())
    assert fired(run) == [20.0]


def test_no_good_sample_stops_the_clock() -> None:
    """Five minutes warm, twenty without a good sample, then warm: five more minutes are needed."""
    run = Run(engine(WARM))
    run.at(0, sample(9.0))
    run.at(5, sample(None, "bad"))
    run.at(20, Tick())
    assert run.told == []
    run.at(25, sample(9.0))
    run.at(40, Tick())
    assert fired(run) == [30.0]


def test_time_while_the_gateway_was_off_does_not_count() -> None:
    """Warm at minute 0 and 4, then a restart at minute 300: at 306 and not before."""
    run = Run(engine(WARM))
    run.at(0, sample(9.0))
    run.at(4, sample(9.0))
    run._take(round(4 * MINUTE), Boot("b", "1"))
    run.at(300, sample(9.0))
    run.at(320, Tick())
    assert fired(run) == [306.0]


def test_sensors_have_clocks_of_their_own() -> None:
    """Two sensors warm at different times fire at different times; the alarm that is up is raised once."""
    run = Run(engine(WARM))
    run.at(0, sample(9.0))
    run.at(3, sample(9.0, sensor="t2"))
    run.at(60, Tick())
    assert fired(run) == [10.0, 13.0]
    assert sum(isinstance(decision, AlarmChange) for _, decision in run.told) == 1


def test_an_acknowledged_alarm_of_a_rule_may_be_raised_again() -> None:
    """Acknowledged, cold, warm for ten minutes: it is up once more."""
    run = Run(engine(WARM))
    run.at(0, sample(9.0))
    run.at(15, Command("alarms.ack", {"alarm": "too-warm"}, "ann"))
    run.at(20, sample(5.0))
    run.at(21, sample(9.0))
    run.at(40, Tick())
    changes = [(minute, one.after) for minute, one in run.told if isinstance(one, AlarmChange)]
    assert changes == [(10.0, "unacked_active"), (15.0, "normal"), (31.0, "unacked_active")]


LIMIT = Limit("hot", "t1", "temperature", "high", 8.0, priority="high")


def test_an_alarm_that_nobody_acknowledges_is_escalated_and_one_acknowledged_in_time_is_not() -> None:
    """Raised at 0, still unacknowledged at 15: told. Acknowledged at 10: not. Alarms of rules are not looked at."""
    text = '[[rule]]\nid = "e"\non = "alarm"\nwhen = "active and not acked"\nfor = "15m"\n'
    text += 'do = [{ publish = "{alarm} in {location}" }, { raise = "nobody" }]'
    waiting = Run(engine(text, (LIMIT,)))
    waiting.at(0, sample(9.0))
    waiting.at(60, Tick())
    assert fired(waiting) == [15.0]
    assert next(one.published for _, one in waiting.told if isinstance(one, Firing)) == ("hot in cold",)
    answered = Run(engine(text, (LIMIT,)))
    answered.at(0, sample(9.0))
    answered.at(10, Command("alarms.ack", {"alarm": "hot"}, "ann"))
    answered.at(60, Tick())
    assert fired(answered) == []


def test_an_excursion_is_judged_when_it_has_ended() -> None:
    """Longer than half an hour holds what stands there; a shorter one does what `else` says."""
    text = '[[rule]]\nid = "x"\non = "excursion"\nwhen = "minutes > 30 and highest < 15"\n'
    text += 'do = [{ hold = "excursion" }]\nelse = [{ note = "{minutes} min up to {highest}" }]'
    run = Run(engine(text, (LIMIT,)))
    for minute, value in ((0, 9.0), (40, 5.0), (50, 9.5), (55, 5.0)):
        run.at(minute, sample(value))
    told = [one.actions for _, one in run.told if isinstance(one, Firing)]
    assert told == [("hold excursion",), ("note 5 min up to 9.5",)]
    assert sum(isinstance(one, Hold) for _, one in run.told) == 1


def test_a_rule_that_says_something_else_now_begins_anew() -> None:
    """A reload keeps what runs for rules that are the same, and forgets it for those that changed."""
    same, other = Run(engine(WARM)), Run(engine(WARM))
    for run in (same, other):
        run.at(0, sample(9.0))
    same.engine.reconfigure(engine(WARM + "\n# a remark").settings)
    other.engine.reconfigure(engine(WARM.replace("> 8", "> 7")).settings)
    for run in (same, other):
        run.at(5, sample(9.0))
        run.at(60, Tick())
    assert (fired(same), fired(other)) == ([10.0], [15.0])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('on = "receive"\nwhen = "on_hold"\nfor = "1m"\ndo = [{ note = "x" }]', "receive is over when it is decided"),
        ('on = "excursion"\nwhen = "hold"\nfor = "1m"\ndo = [{ note = "x" }]', "excursion is over"),
        ('on = ["receive", "alarm"]\nwhen = "true"\ndo = [{ note = "x" }]', "have different facts"),
        ('on = "alarm"\nwhen = "active"\ndo = [{ refuse = "expired" }]', "refuse is not for alarm; it may do hold"),
        ('on = "measurement"\nwhen = "value > limit"\ndo = [{ note = "x" }]', "no fact 'limit'"),
        ('on = "alarm"\nwhen = "value > 3"\ndo = [{ note = "x" }]', "may be null"),
        ('on = "alarm"\nwhen = "state == \'on\'"\ndo = [{ note = "x" }]', "never 'on'"),
        ('on = "measurement"\nwhen = "true"\ndo = [{ note = "{portal}" }]', "{portal} is no fact"),
        ('on = "ship"\nwhen = "on_hold"\ncooldown = "1h"\ndo = [{ refuse = "on_hold" }]', "never muted"),
    ],
)
def test_what_does_not_fit_an_event_is_refused_at_load(text: str, says: str) -> None:
    """Facts, actions and `for` belong to what a rule looks at; the error names the place and what would fit."""
    with pytest.raises(ConfigError) as refused:
        engine(f'[[rule]]\nid = "a"\n{text}')
    assert says in str(refused.value)
    assert str(refused.value).startswith("x.toml:")


def test_samples_in_any_order_fire_the_same_after_a_restore() -> None:
    """The engine that was saved and restored after every turn decides as one that never was."""
    values = [9.0, 9.0, 5.0, 9.0, 9.0, 9.0, 9.0, 9.0, 5.0, 9.0]
    restored, plain = Run(engine(WARM)), engine(WARM)
    decided: list[Decision] = []
    for minute, value in zip(range(0, 40, 4), values, strict=True):
        restored.at(minute, sample(value))
        t = minute * MINUTE
        while (deadline := plain.deadline) is not None and deadline <= t:
            found = plain.observe(deadline, Tick())
            decided += plain.decide(found, _facts(found)).decisions
        found = plain.observe(t, sample(value))
        decided += plain.decide(found, _facts(found)).decisions if found else ()
    assert [decision for _, decision in restored.told] == decided
    assert all(one <= other for one, other in pairwise(fired(restored)))
