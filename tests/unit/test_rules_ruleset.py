"""The rule set: what a condition may say, what is refused at load, and what rules make of a verdict."""

import time
from pathlib import Path

import pytest
from msgspec import structs

from gateway import config
from gateway.config.rulefiles import read_rules, shipped
from gateway.errors import ConfigError
from gateway.model.facts import Facts, LotFact
from gateway.model.outcome import AlarmChange, HoldSet, Line, LotChange, Movement, StockDelta
from gateway.model.rules import RuleText
from gateway.model.settings import Settings
from gateway.rules.checks import Expiry, MovementChecks
from gateway.rules.effects import effects
from gateway.rules.ruleset import RuleMemory, RuleSet, compile_rules, failed_examples
from gateway.rules.ruleset.conditions import Condition, ConditionError, compile_condition
from gateway.rules.ruleset.evaluating import ruled
from gateway.rules.ruleset.speaking import remember

MOVED = Movement("m", "p", "dock-1", 10, "receive", None, "in", "accepted", ("matched",), ())


def rules(*texts: str) -> RuleSet:
    """Rules, given as the settings below `[[rule]]`, compiled."""
    files = [RuleText(f"{number}.toml", f"[[rule]]\n{text}\n") for number, text in enumerate(texts)]
    return compile_rules(Settings("s", "g", rules=read_rules(files)))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("typo == 1", "did you mean 'type'"),
        ("announced.shot", "known here: found"),
        ("type == 1", "never equal"),
        ("type > 1", "different types"),
        ('fefo.lot == "x"', "may be null"),
        ("expiry.days_left < 5", "may be null"),
        ("$now > at", "$now is not known"),
        ("$random() > 1", "$random is not known"),
        ("$range(100000000)[0] == 1", "$range is not known"),
        ('type =~ "(a+)+b"', "regular expressions"),
        ('verdict == "acepted"', "accepted, held, refused"),
        ("1 / tags > 1", "division"),
        ("lots[0].held", "not allowed"),
        ("tags", "not true or false"),
        ("2 ** 9 > 1", "powers"),
        (" or ".join(["on_hold"] * 10_000), "characters"),
        (" or ".join(["on_hold"] * 150), "operands"),
        ("(" * 50 + "on_hold" + ")" * 50, "brackets"),
        ("on_hold and", "syntax error"),
    ],
)
def test_a_wrong_condition_is_refused_at_load(text: str, says: str) -> None:
    """Unknown names, wrong types, unguarded nulls, clocks, chance and monsters never become a condition."""
    with pytest.raises(ConditionError) as refused:
        compile_condition(text, MovementChecks, "Europe/Berlin")
    assert says in str(refused.value)


def test_every_mistake_of_a_file_is_told_with_its_line() -> None:
    """Two wrong rules give two problems, each with file, line and the rule's id."""
    text = '[[rule]]\nid = "a"\non = "recieve"\nwhen = "x"\ndo = [{ hold = "expred" }]\n'
    text += '[[rule]]\nid = "b"\non = "ship"\nwhen = "typo"\ndo = [{ release = true }]\n'
    with pytest.raises(ConfigError) as refused:
        compile_rules(Settings("s", "g", rules=read_rules([RuleText("x.toml", text)])))
    told = [str(problem) for problem in refused.value.problems]
    assert "x.toml:3: rule \"a\": on: there is no event 'recieve'" in told[0]
    assert any("expired" in line for line in told)
    assert any(line.startswith('x.toml:9: rule "b": when: there is no fact') for line in told)
    assert any("holds never release themselves" in line for line in told)


def test_the_most_restrictive_verdict_wins_whatever_the_order() -> None:
    """A hold and a refusal together refuse; files in another order decide the same."""
    hold = 'id = "h"\non = "receive"\nwhen = "expiry.missing"\ndo = [{ hold = "expired" }]'
    refuse = 'id = "r"\non = "movement"\nwhen = "expiry.missing"\ndo = [{ refuse = "site_rule" }]'
    facts = MovementChecks(expiry=Expiry(missing=True))
    one, _ = ruled(rules(hold, refuse), RuleMemory(), MOVED, facts)
    other, _ = ruled(rules(refuse, hold), RuleMemory(), MOVED, facts)
    assert one == other
    assert (one.verdict, one.rules, one.reasons[0]) == ("refused", ("h", "r"), "site_rule")


def test_looser_only_by_the_word_and_in_the_evidence() -> None:
    """A plain `receive` loosens nothing; `despite` does, and the movement says which rule overlooked what."""
    over = structs.replace(MOVED, verdict="held", reasons=("over",), status="hold")
    plain = 'id = "a"\non = "receive"\nwhen = "true"\ndo = [{ receive = true }]'
    said = 'id = "a"\non = "receive"\nwhen = "true"\ndo = [{ receive = true, despite = ["over"] }]'
    assert ruled(rules(plain), RuleMemory(), over, MovementChecks())[0].verdict == "held"
    loose, _ = ruled(rules(said), RuleMemory(), over, MovementChecks())
    assert (loose.verdict, loose.status, loose.evidence["despite"]) == ("accepted", "available", {"over": "a"})
    with pytest.raises(ConfigError, match="never be overlooked"):
        rules(said.replace("over", "on_hold"))


def test_a_cooldown_mutes_what_is_said_and_never_the_verdict() -> None:
    """The second movement within the cooldown is held too, and its alarm is not raised again."""
    text = 'id = "a"\non = "receive"\nwhen = "true"\ncooldown = "1h"\n'
    text += 'do = [{ hold = "site_rule" }, { raise = "look" }, { publish = "{portal}" }]'
    some, memory = rules(text), RuleMemory()
    _, first = ruled(some, memory, MOVED, MovementChecks(portal="dock-1"))
    remember(some, memory, (*first.firings, *first.alarms))
    again, second = ruled(some, memory, structs.replace(MOVED, at=20), MovementChecks())
    assert (first.firings[0].published, len(first.alarms)) == (("dock-1",), 1)
    assert (again.verdict, second.firings[0].published, second.alarms) == ("held", (), [])


def test_the_shipped_sets_are_sound_and_their_examples_hold() -> None:
    """Every rule that comes with Tallyman compiles, and each of its examples comes out as it says."""
    texts = [shipped(name) for name in ("receiving", "shipping", "transfers", "cold-chain")]
    found = compile_rules(Settings("s", "g", rules=read_rules(texts)))
    assert failed_examples(found) == []
    assert all(one.rule.examples for one in found.rules)


def test_a_rule_file_with_a_mistake_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    """The site's own file is read with the configuration; what is wrong in it is told with its line."""
    case = Path(__file__).parents[1] / "replay" / "cases" / "matched" / "config.toml"
    (tmp_path / "site.toml").write_text('[[rule]]\nid = "a"\non = "receive"\nwhn = "x"\n')
    path = tmp_path / "tallyman.toml"
    path.write_text(case.read_text() + '\n[rules]\nfiles = ["site.toml"]\n')
    with pytest.raises(ConfigError, match=r"site.toml:4: rule \"a\": whn: unknown setting"):
        config.load(path)


def test_what_a_rule_asks_for_is_not_overlooked_by_another() -> None:
    """`despite` loosens the built-in table; a rule that holds for the same reason still holds."""
    over = structs.replace(MOVED, verdict="held", reasons=("over",), status="hold")
    loose = 'id = "a"\non = "receive"\nwhen = "true"\ndo = [{ receive = true, despite = ["over"] }]'
    strict = 'id = "b"\non = "receive"\nwhen = "true"\ndo = [{ hold = "over" }]'
    assert ruled(rules(loose), RuleMemory(), over, MovementChecks())[0].verdict == "accepted"
    both, _ = ruled(rules(loose, strict), RuleMemory(), over, MovementChecks())
    assert (both.verdict, both.status) == ("held", "hold")


def test_a_cooldown_does_not_slide() -> None:
    """Held every half hour, a rule with a cooldown of an hour speaks every hour, not once and never again."""
    text = 'id = "a"\non = "receive"\nwhen = "true"\ncooldown = "1h"\ndo = [{ hold = "site_rule" }, { note = "look" }]'
    some, memory, noted = rules(text), RuleMemory(), []
    for half_hour in range(5):
        moved = structs.replace(MOVED, at=half_hour * 1_800_000_000)
        after, found = ruled(some, memory, moved, MovementChecks())
        remember(some, memory, tuple(found.firings))
        assert after.verdict == "held"
        noted.append(bool(found.notes))
    assert noted == [True, False, True, False, True]


def test_once_per_tells_each_case_once() -> None:
    """Two doors are two cases; the third movement, at the first door again, is not told."""
    text = 'id = "a"\non = "receive"\nwhen = "true"\nonce_per = ["portal"]\ndo = [{ publish = "{portal}" }]'
    some, memory, told = rules(text), RuleMemory(), []
    for door in ("dock-1", "dock-2", "dock-1"):
        _, found = ruled(some, memory, MOVED, MovementChecks(portal=door))
        remember(some, memory, tuple(found.firings))
        told += [one.published for one in found.firings]
    assert told == [("dock-1",), ("dock-2",)]


def test_an_alarm_of_a_limit_is_not_taken_for_one_of_a_rule_of_the_same_name() -> None:
    """A rule may be called like a sensor; the sensor's alarm is its own."""
    some, memory = rules('id = "t1"\non = "receive"\nwhen = "true"\ndo = [{ raise = "look" }]'), RuleMemory()
    remember(some, memory, (AlarmChange("hot", "t1", 1, "normal", "unacked_active", "high"),))
    assert memory.raised == {}
    remember(some, memory, (AlarmChange("look", "t1", 1, "normal", "unacked_active", "high"),))
    assert set(memory.raised) == {"look"}


QUARANTINE = 'id = "q"\non = "transfer"\nwhen = "on_hold"\ndo = [{ move = true, despite = ["on_hold"] }]'


@pytest.mark.parametrize(("kind", "verdict"), [("quarantine", "held"), ("zone", "refused"), (None, "refused")])
def test_held_goods_may_be_moved_into_quarantine_only_and_stay_held(kind: str | None, verdict: str) -> None:
    """The rule may say it for every place; it counts for kind quarantine, and the hold goes along."""
    line = Line("04012345000009", "L1", 1000, "each", "contents")
    held = Movement("m", "p", "d", 10, "transfer", "cold", "pen", "refused", ("on_hold",), (line,), sscc="S")
    facts = MovementChecks(type="transfer", on_hold=True, destination_kind=kind)
    after, _ = ruled(rules(QUARANTINE), RuleMemory(), held, facts)
    assert (after.verdict, after.reasons) == (verdict, ("on_hold",))
    known = Facts(lots={"04012345000009/L1": LotFact("04012345000009", "L1", held=True)})
    changes = effects(after, known)
    if verdict == "refused":
        assert changes == []
        return
    assert after.evidence["despite"] == {"on_hold": "q"}
    assert HoldSet("04012345000009", "L1", "pen", "on_hold", source="movement/m", whole=False) in changes
    assert [one.status for one in changes if isinstance(one, StockDelta)] == ["available", "hold"]
    assert not any(isinstance(one, LotChange) for one in changes)


@pytest.mark.parametrize("action", ["receive", "ship"])
def test_a_hold_is_overlooked_by_nothing_else(action: str) -> None:
    """Neither goods that come nor goods that leave may overlook a hold; the error says who clears it."""
    text = f'id = "q"\non = "{action}"\nwhen = "on_hold"\ndo = [{{ {action} = true, despite = ["on_hold"] }}]'
    with pytest.raises(ConfigError, match="a person has to clear it first; only move may"):
        rules(text)
    text = 'id = "q"\non = "ship"\nwhen = "true"\ndo = [{ ship = true, despite = ["unknown_tag"] }]'
    with pytest.raises(ConfigError, match="what is not known here cannot leave"):
        rules(text)


class Failing:
    """A compiled expression that fails in a way nobody foresaw."""

    def evaluate(self, _: object) -> bool:
        """Fail."""
        raise OverflowError("date value out of range")


def test_a_condition_that_fails_is_an_alarm_and_not_the_end_of_the_core() -> None:
    """The movement is decided without it; the alarm names the rule and is raised once."""
    some = rules('id = "a"\non = "receive"\nwhen = "true"\ndo = [{ hold = "site_rule" }]')
    broken = structs.replace(some.rules[0], condition=Condition(Failing(), ()))  # type: ignore[arg-type]
    some, memory = RuleSet((broken,), {"receive": (broken,)}, {"a": broken}), RuleMemory()
    after, found = ruled(some, memory, MOVED, MovementChecks())
    assert after == MOVED
    assert [(one.alarm, one.source, one.priority) for one in found.alarms] == [("rule/a", "a", "high")]
    assert "date value out of range" in found.alarms[0].detail
    remember(some, memory, tuple(found.alarms))
    assert ruled(some, memory, MOVED, MovementChecks())[1].alarms == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('at + t"P9999999D" > at', "100 years"),
        ("tags * 1e999999 > 1", "out of reach"),
        ("tags > nan", "out of reach"),
        ('portal == "a\\ b"', "backslashes"),
        ("tags < inf", "out of reach"),
        ("1e999999 * 1e999999 > 1", "arithmetic error"),
        ('"expird" in reasons', "did you mean 'expired'"),
        ('(destination_kind ?? "") == "fridge"', "it is one of dock"),
        ('type in ["recieve"]', "it is one of receive"),
        ("portal.starts_with", "not true or false"),
        ('portal.nope("x")', "no fact 'nope'"),
        ("{}", "mappings"),
        ("", "syntax error"),
        ("lots.length > 3 # x", "comments"),
        ("$sum([$sum([1 for m in lots]) for l in lots]) > 1", "a list inside a list"),
        (" and ".join(["$any([l.held for l in lots])"] * 5), "more than 4 lists"),
    ],
)
def test_more_that_no_condition_may_do(text: str, says: str) -> None:
    """What could fail, overflow or never be true is refused before it is in force."""
    with pytest.raises(ConditionError) as refused:
        compile_condition(text, MovementChecks, "UTC")
    assert says in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 2_000,
        "((" * 900 + "1",
        " or ".join(["on_hold"] * 10_000),
        '"' * 1_999,
        "a." * 999 + "a",
        "-" * 1_999 + "1",
    ],
)
def test_a_monster_is_refused_in_bounded_time(text: str) -> None:
    """Brackets, operands, quotes, dots and signs by the thousand are refused within a second."""
    began = time.perf_counter()
    with pytest.raises(ConditionError):
        compile_condition(text, MovementChecks, "UTC")
    assert time.perf_counter() - began < 1


def test_rules_ask_the_ledger_for_what_they_look_at_and_no_more() -> None:
    """FIFO costs journeys, a text with a fact costs what the fact costs, a plain rule nothing; each event its own."""
    plain = 'id = "a"\non = "receive"\nwhen = "on_hold"\ndo = [{ note = "x" }]'
    fifo = 'id = "b"\non = "ship"\nwhen = "fifo != null"\ndo = [{ note = "{stock.after}" }]'
    journey = 'id = "c"\non = "transfer"\nwhen = "climate.mismatch"\ndo = [{ note = "{climate.minutes_out}" }]'
    some = rules(plain, fifo, journey)
    assert some.wants("receive", "return") == ()
    assert some.wants("ship") == ("fifo", "journeys", "stock")
    assert some.wants("transfer") == ("journeys",)
