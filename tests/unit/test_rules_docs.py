"""docs/rules.md: its tables are those of the code, its cookbook loads, and its examples hold."""

import dataclasses
import os
import re
from pathlib import Path

import pytest

from gateway.config.devices import Portal
from gateway.config.messages import names
from gateway.config.reload import RELOADED
from gateway.config.rulefiles import ACTIONS, SETS, RuleTable, read_rules, shipped
from gateway.model.rules import RuleText
from gateway.model.settings import Settings
from gateway.rules import reference
from gateway.rules.checks import MovementChecks
from gateway.rules.ruleset import compile_rules, failed_examples

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"
TEXT = PAGE.read_text("utf-8")
COOKBOOK = re.findall(r"```toml\n(.*?)```", TEXT[TEXT.index("## Cookbook") :], re.DOTALL)
FIRST = re.findall(r"```toml\n(.*?)```", TEXT[: TEXT.index("## Your first rule")], re.DOTALL)


def between(name: str) -> str:
    """What stands between the markers of a generated part."""
    found = re.search(rf"<!-- {name}: .*? -->\n(.*?)<!-- end of {name} -->", TEXT, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(("name", "made"), [("facts", reference.facts()), ("reasons", reference.codes())])
def test_the_tables_are_those_of_the_code(name: str, made: str) -> None:
    """What a fact or a reason says in the page is what it says in the code (TALLYMAN_WRITE_DOCS=1 writes it anew)."""
    if os.environ.get("TALLYMAN_WRITE_DOCS"):
        text = PAGE.read_text("utf-8")
        pattern = rf"(<!-- {name}: .*? -->\n).*?(<!-- end of {name} -->)"
        PAGE.write_text(re.sub(pattern, lambda found: found[1] + made + found[2], text, flags=re.DOTALL), "utf-8")
        return
    assert between(name) == made


def test_every_fact_of_a_movement_is_in_the_table() -> None:
    """Groups are unfolded, groups that may be missing say how to look into them."""
    table = between("facts")
    assert all(f"`{field.name}" in table for field in dataclasses.fields(MovementChecks))
    assert "`weight&.percent`" in table
    assert "`announced.wrong_door`" in table
    assert "`lots[].days_left`" in table


def test_the_cookbook_has_fifteen_rules_that_load_together() -> None:
    """With the four shipped sets beside them: ids are unique, alarms do not clash, every name and type is right."""
    assert len(COOKBOOK) == 15
    texts = [shipped(name) for name in SETS]
    texts += [RuleText(f"recipe-{number}.toml", text) for number, text in enumerate(COOKBOOK, start=1)]
    found = compile_rules(Settings("s", "g", timezone="Europe/Berlin", rules=read_rules(texts)))
    assert failed_examples(found) == []


@pytest.mark.parametrize("number", range(1, 16))
def test_a_recipe_shows_what_it_does_and_what_it_does_not(number: int) -> None:
    """Each is one rule with an example that fires and one that does not, and each of them comes out so."""
    (rule,) = read_rules([RuleText("recipe.toml", COOKBOOK[number - 1])])
    assert len(rule.examples) >= 2
    assert len({example.expect for example in rule.examples}) == 2
    assert failed_examples(compile_rules(Settings("s", "g", timezone="Europe/Berlin", rules=(rule,)))) == []


def test_the_first_rule_of_the_page_is_one() -> None:
    """What a newcomer copies first works."""
    (rule,) = read_rules([RuleText("first.toml", FIRST[0])])
    assert failed_examples(compile_rules(Settings("s", "g", rules=(rule,)))) == []


def test_settings_actions_and_reloads_are_those_of_the_code() -> None:
    """Every setting of a rule and every action is explained; so is every setting that can be reloaded."""
    assert all(f"`{name}`" in TEXT for name in names(RuleTable) if name != "example")
    assert all(f"{{ {name} = " in TEXT for name in ACTIONS if name != "release")
    assert set(RELOADED["portal"]) <= set(names(Portal))
    assert f"of `[[portal]]`: {', '.join(RELOADED['portal'])}" in TEXT
    assert all(f"`{name}`" in TEXT for name in SETS)
