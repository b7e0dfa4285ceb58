"""Rule files: what is wrong with one is told with its line, all of it at once, and monsters are refused in time."""

import time
from itertools import pairwise

import pytest

from gateway.config.rulefiles import LARGEST, MOST, SETS, read_rules, shipped
from gateway.errors import ConfigError
from gateway.model.rules import Rule, RuleText
from gateway.model.settings import Settings
from gateway.rules.ruleset import compile_rules, examined

GOOD = '[[rule]]\nid = "a"\non = "receive"\nwhen = "on_hold"\ndo = [{ note = "x" }]\n'


def read(*texts: str) -> tuple[Rule, ...]:
    """The rules of files `0.toml`, `1.toml`, and so on."""
    return read_rules([RuleText(f"{number}.toml", text) for number, text in enumerate(texts)])


def wrong(*texts: str) -> list[str]:
    """Everything that is said against these files."""
    with pytest.raises(ConfigError) as refused:
        read(*texts)
    return [str(problem) for problem in refused.value.problems]


def test_a_rule_is_read_with_its_lines() -> None:
    """Settings, durations in µs, actions and examples, each with the line it stands on."""
    text = "# first\n" + GOOD + 'for = "90s"\ncooldown = "1h"\nelse = [{ hold = "over" }]\n'
    text += '[[rule.example]]\ngiven = { on_hold = true }\nexpect = "fires"\n'
    (rule,) = read(text)
    assert (rule.id, rule.file, rule.line, rule.wait, rule.cooldown) == ("a", "0.toml", 2, 90_000_000, 3_600_000_000)
    assert (rule.lines["when"], rule.lines["for"], rule.examples[0].line) == (5, 7, 10)
    assert [(one.name, one.value) for one in (*rule.do, *rule.otherwise)] == [("note", "x"), ("hold", "over")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD.replace("when", "wen"), '0.toml:4: rule "a": wen: unknown setting'),
        (GOOD + 'for = "soon"\n', '0.toml:6: rule "a": for:'),
        (GOOD + "priority = -1\n", '0.toml:6: rule "a": priority:'),
        (GOOD.replace('"a"', '"a b"'), "0.toml:2: rule"),
        (GOOD.replace("{ note", '{ hold = "over", note'), "must be exactly one action of receive, ship"),
        (GOOD.replace("{ note", "{ explode = true, note"), '0.toml:5: rule "a": do[0].explode: unknown setting'),
        (
            GOOD.replace('{ note = "x" }', '{ note = "x", despite = ["over"] }'),
            "despite belongs to receive, ship or move",
        ),
        (GOOD.replace('{ note = "x" }', '{ light = "blue" }'), "'green', 'amber' or 'red'"),
        (GOOD.replace('{ note = "x" }', f'{{ note = "{"x" * 501}" }}'), "500"),
        (GOOD + '[[rule.example]]\ngiven = {}\nexpect = "maybe"\n', "0.toml:8: rule"),
        ("[[rule]]\nid = 3\n", "0.toml:2: rule[0]: id:"),
        ("rule = 7\n", "0.toml:1:"),
        ("[[rule]\n", "0.toml:1: file:"),
        ("a = " + "[" * 3000, "nested too deeply"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_would_be_right(text: str, says: str) -> None:
    """File, line, rule, setting, and a sentence a person can act on."""
    assert any(says in line for line in wrong(text))


def test_all_mistakes_of_all_files_are_told_at_once() -> None:
    """Two files, three mistakes; the lines of a file are in order."""
    found = wrong(GOOD.replace("when", "wen") + "priority = -1\n", "[[rule]]\nid = 3\n")
    assert [line.split(":")[0] for line in found] == sorted(line.split(":")[0] for line in found)
    assert {line.split(":")[0] for line in found} == {"0.toml", "1.toml"}
    numbers = [int(line.split(":")[1]) for line in found if line.startswith("0.toml")]
    assert len(numbers) >= 2
    assert all(one <= other for one, other in pairwise(numbers))


def test_an_id_is_given_once_in_all_files() -> None:
    """The second one is told, with the place of the first."""
    assert wrong(GOOD, "# x\n" + GOOD) == [
        '1.toml:2: rule "a": id: is already the id of a rule at 0.toml:1; choose another'
    ]


def test_monsters_are_refused_within_seconds() -> None:
    """A file beyond a mebibyte, and more rules than anybody reads."""
    began = time.perf_counter()
    assert "larger than 1 MiB" in wrong("#" * (LARGEST + 1))[0]
    many = "".join(GOOD.replace('"a"', f'"a{number}"') for number in range(MOST + 1))
    assert wrong(many)
    assert time.perf_counter() - began < 20


def test_a_condition_of_ten_thousand_operands_is_a_load_error_with_its_line() -> None:
    """The file is fine as TOML; the rule in it is not."""
    monster = GOOD.replace('"on_hold"', '"' + " or ".join(["on_hold"] * 10_000) + '"')
    with pytest.raises(ConfigError, match=r'0.toml:4: rule "a": when: has 109\d\d\d characters'):
        compile_rules(Settings("s", "g", rules=read(monster)))


def test_a_failing_example_is_a_problem_with_its_line() -> None:
    """What comes out, what was expected, and facts that are none."""
    text = GOOD + '[[rule.example]]\ngiven = {}\nexpect = "fires"\n[[rule.example]]\ngiven = { onhold = true }\n'
    text += 'expect = "fires"\n[[rule.example]]\ngiven = { tags = "many" }\nexpect = "silent"\n'
    text += '[[rule.example]]\ngiven = { type = "ship" }\nexpect = "silent"\n'
    found = [str(problem) for problem in examined(Settings("s", "g", rules=read(text)))]
    assert found[0] == '0.toml:6: rule "a": example: expects fires, and it is silent'
    assert found[1] == "0.toml:9: rule \"a\": example: there is no fact 'onhold'"
    assert "0.toml:12" in found[2]
    assert "is about a ship, and the rule is for receive" in found[3]


def test_the_digest_is_of_what_a_rule_says() -> None:
    """A remark, an example or another place is the same rule; another word is another."""
    (plain,) = read(GOOD)
    (told,) = read("# x\n" + GOOD + 'about = "why"\n[[rule.example]]\ngiven = {}\nexpect = "silent"\n')
    (other,) = read(GOOD.replace('"x"', '"y"'))
    assert plain.digest == told.digest != other.digest


def test_shipped_sets_are_files_of_the_package() -> None:
    """Each has rules, and each rule tells what it is for by an example that does and one that does not."""
    for name in SETS:
        rules = read_rules([shipped(name)])
        assert rules
        assert all(len({example.expect for example in rule.examples}) > 1 for rule in rules)
