"""The rule set: what a condition may say, what is refused at load, and what rules make of a verdict."""

from pathlib import Path

import pytest
from msgspec import structs

from gateway import config
from gateway.config.rulefiles import read_rules, shipped
from gateway.errors import ConfigError
from gateway.model.outcome import Movement
from gateway.model.rules import RuleText
from gateway.model.settings import Settings
from gateway.rules.checks import Expiry, MovementChecks
from gateway.rules.ruleset import RuleMemory, RuleSet, compile_rules, failed_examples
from gateway.rules.ruleset.conditions import ConditionError, compile_condition
from gateway.rules.ruleset.evaluating import remember, ruled

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
