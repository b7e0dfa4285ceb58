"""Rules as written become a `RuleSet`, or every mistake at once as `file:line: rule "x": what, and what is known`."""

import json
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from msgspec import Struct

from gateway.errors import ConfigError, Problem
from gateway.events.sentences import SENTENCES
from gateway.model.rules import Action, Rule
from gateway.model.settings import Settings
from gateway.rules import reasons
from gateway.rules.checks import MovementChecks
from gateway.rules.ruleset.conditions import Condition, ConditionError, Path, compile_condition, field_at
from gateway.rules.ruleset.templates import group_problem, template_problem

MOVEMENTS = (*reasons.TABLES, "return")
"""Types of movement."""

TABLES: dict[str, type] = {"movement": MovementChecks, **dict.fromkeys(MOVEMENTS, MovementChecks)}
"""What a rule can look at (`on`), and the facts it then has."""

ALLOWED = ("receive", "ship", "move", "hold", "refuse", "light", "raise", "publish", "note")
"""What a rule may do about a movement. Nothing here releases a hold: only a person's command does."""

PASSING = {"receive": ("receive", "return"), "ship": ("ship",), "move": ("transfer",)}
"""Actions that let a movement pass, and the types of movement each is for."""

FIRM = frozenset({"on_hold", "already_received", "already_shipped", "not_in_stock"})
"""Reasons that no rule may overlook: a hold is released by a person, and stock is not counted twice."""


class CompiledRule(Struct, frozen=True):
    """A rule that is sound."""

    rule: Rule
    table: type
    condition: Condition
    keys: tuple[Path, ...]  # what tells its cases apart


class RuleSet(Struct, frozen=True):
    """The rules in force, in the order they are looked at: priority, then id; by event."""

    rules: tuple[CompiledRule, ...] = ()
    by_event: dict[str, tuple[CompiledRule, ...]] = {}

    def on(self, event: str) -> tuple[CompiledRule, ...]:
        """The rules that look at an event."""
        return self.by_event.get(event, ())

    @property
    def moving(self) -> bool:
        """Whether any rule looks at movements: only then are the facts for them asked."""
        return any(rule.table is MovementChecks for rule in self.rules)


EMPTY = RuleSet()


def compile_rules(settings: Settings) -> RuleSet:
    """Compile the rules of the settings.

    Raises:
        ConfigError: every mistake of every rule at once.
    """
    problems: list[Problem] = []
    compiled: list[CompiledRule] = []
    alarms = {limit.id for limit in settings.limits} | {"outbox", "quarantine"}
    for rule in settings.rules:
        found = list(_shape(rule, alarms))
        table = next((TABLES[event] for event in rule.on if event in TABLES), None)
        condition = None
        if table is not None:
            try:
                condition = compile_condition(rule.when, table, settings.timezone)
            except ConditionError as error:
                found.append(("when", str(error)))
            found += _paths(rule, table)
        problems += [_problem(rule, setting, text) for setting, text in found]
        if table is not None and condition is not None and not found:
            keys = tuple(tuple(name.split(".")) for name in rule.once_per)
            compiled.append(CompiledRule(rule, table, condition, keys))
    if problems:
        raise ConfigError(problems)
    ordered = tuple(sorted(compiled, key=lambda one: (-one.rule.priority, one.rule.id)))
    return RuleSet(ordered, {event: tuple(one for one in ordered if _looks(one, event)) for event in TABLES})


def _looks(one: CompiledRule, event: str) -> bool:
    return event in one.rule.on or "movement" in one.rule.on


def _problem(rule: Rule, setting: str, text: str) -> Problem:
    name = f"rule {json.dumps(rule.id, ensure_ascii=False)}"
    return Problem(rule.file, rule.lines.get(setting, rule.line), name, f"{setting}: {text}")


def _shape(rule: Rule, alarms: set[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with a rule beside its condition, as (setting, sentence)."""
    unknown = [event for event in rule.on if event not in TABLES]
    for event in unknown:
        yield "on", f"there is no event {event!r}{_guess(event, TABLES)}; known: {', '.join(TABLES)}"
    if not rule.do and not rule.otherwise:
        yield "do", "is missing: a rule that does nothing is none"
    if rule.wait:
        yield "for", "only what lasts can have it; a movement is over when it is decided"
    for setting, actions in (("do", rule.do), ("else", rule.otherwise)):
        for action in actions:
            yield from ((setting, text) for text in _action(rule, action, alarms))


def _action(rule: Rule, action: Action, alarms: set[str]) -> Iterator[str]:
    if action.name not in ALLOWED:
        yield f"{action.name}: holds never release themselves; a person does, with a command"
        return
    if action.name in PASSING and not {"movement", *PASSING[action.name]} >= set(rule.on):
        yield f"{action.name} does not fit on = {', '.join(rule.on)}; it is for {' and '.join(PASSING[action.name])}"
    if action.name in ("hold", "refuse") and action.value not in SENTENCES:
        yield f"{action.name}: there is no reason {action.value!r}{_guess(action.value, SENTENCES)}"
    for code in action.despite:
        if code in FIRM:
            yield f"despite: {code!r} can never be overlooked: a person has to clear it first"
        elif code not in SENTENCES:
            yield f"despite: there is no reason {code!r}{_guess(code, SENTENCES)}"
    if action.name == "raise" and action.value in alarms:
        yield f"raise: {action.value!r} is an alarm that is not this rule's; choose another id"
    for text in (action.text, action.value if action.name in ("publish", "note") else ""):
        if text and (problem := template_problem(text, MovementChecks)):
            yield f"{action.name}: {problem}"


def _paths(rule: Rule, table: type) -> Iterator[tuple[str, str]]:
    for name in rule.once_per:
        path = tuple(name.split("."))
        if field_at(table, path) is None:
            yield "once_per", f"there is no fact {name!r}"
        elif problem := group_problem(table, path):
            yield "once_per", f"{name} {problem}"


def _guess(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""
