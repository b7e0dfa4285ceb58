"""The examples that rules carry: facts given, verdict expected; `tallyman check` runs them."""

import json
from typing import Any

import msgspec

from gateway.errors import Problem
from gateway.model.outcome import Movement
from gateway.model.rules import Example
from gateway.model.settings import Settings
from gateway.rules import reasons
from gateway.rules.checks import MovementChecks
from gateway.rules.ruleset.compiling import LASTING, MOVEMENTS, CompiledRule, RuleSet, compile_rules, failure
from gateway.rules.ruleset.conditions import ConditionError, field_at
from gateway.rules.ruleset.evaluating import ruled
from gateway.rules.ruleset.memory import RuleMemory


def examined(settings: Settings) -> list[Problem]:
    """Compile the rules of the settings, run their examples, and say what does not come out as it should.

    Raises:
        ConfigError: rules that are wrong in themselves.
    """
    return failed_examples(compile_rules(settings))


def failed_examples(rules: RuleSet) -> list[Problem]:
    """What does not come out as an example says, or is given under a name that is no fact."""
    found = []
    for one in rules.rules:
        for example in one.rule.examples:
            text = _failure(one, example)
            if text is not None:
                name = f"rule {json.dumps(one.rule.id, ensure_ascii=False)}"
                found.append(Problem(one.rule.file, example.line, name, f"example: {text}"))
    return found


def _failure(one: CompiledRule, example: Example) -> str | None:
    if unknown := _unknown(one.table, example.given, ()):
        return f"there is no fact {unknown!r}"
    given = example.given
    if one.table is MovementChecks:
        given = {"type": next((event for event in one.rule.on if event in MOVEMENTS), "receive")} | given
    try:
        facts: Any = msgspec.convert(given, one.table, strict=True)
    except msgspec.ValidationError as error:
        return str(error)
    if one.table is MovementChecks:
        return _moving(one, example, facts)
    try:
        holds = one.condition.holds(facts)
    except ConditionError as error:
        return str(error)
    lasts = set(one.rule.on) <= set(LASTING)  # its `else` is for when it is over, not for when it never was
    came = "fires" if holds or (one.rule.otherwise and not lasts) else "silent"
    if example.expect not in ("fires", "silent"):
        return f"expects {example.expect}, and a rule on {' and '.join(one.rule.on)} has no verdict: fires or silent"
    return None if came == example.expect else f"expects {example.expect}, and it is {came}"


def _moving(one: CompiledRule, example: Example, facts: MovementChecks) -> str | None:
    if facts.type not in one.rule.on and "movement" not in one.rule.on:
        return f"is about a {facts.type}, and the rule is for {' and '.join(one.rule.on)}"
    if not set(facts.reasons) <= set(reasons.table(facts.type)):
        return f"given reasons {sorted(facts.reasons)} are not those of the table of {facts.type}"
    alone = RuleSet((one,), {facts.type: (one,)}, {one.rule.id: one})
    movement, found = ruled(alone, RuleMemory(), _movement(facts), facts)
    if found.alarms and found.alarms[0].alarm == failure(one.rule.id):
        return found.alarms[0].detail
    spoken = "fires" if found.firings else "silent"
    came = spoken if example.expect in ("fires", "silent") else movement.verdict
    if came != example.expect:
        return f"expects {example.expect}, and it is {came}"
    added = tuple(code for code in movement.reasons if code in found.reasons)
    if example.reasons is not None and set(added) != set(example.reasons):
        return f"expects the reasons {sorted(example.reasons)}, and there are {sorted(added)}"
    return None


def _unknown(table: type, given: dict[str, Any], path: tuple[str, ...]) -> str | None:
    for name, value in given.items():
        here = (*path, name)
        if field_at(table, here) is None:
            return ".".join(here)
        if isinstance(value, dict) and (inner := _unknown(table, value, here)):
            return inner
    return None


def _movement(facts: MovementChecks) -> Movement:
    """A movement that these facts could be about."""
    floor = facts.reasons or ("moved" if facts.type == "transfer" else "matched",)
    return Movement(
        movement="example",
        passage="example",
        portal=facts.portal,
        at=0,
        type=facts.type,
        origin=None if facts.type in ("receive", "return") else facts.origin or "here",
        destination=None if facts.type == "ship" else facts.destination or "there",
        verdict=facts.verdict,
        reasons=floor,
        lines=(),
    )
