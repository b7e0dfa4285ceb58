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
from gateway.rules.checks import AlarmChecks, ExcursionChecks, MeasurementChecks, MovementChecks
from gateway.rules.ruleset.conditions import Condition, ConditionError, Path, compile_condition, field_at
from gateway.rules.ruleset.templates import group_problem, paths_in, template_problem

MOVEMENTS = (*reasons.TABLES, "return")
"""Types of movement."""

LASTING = ("measurement", "alarm")
"""Events about something that lasts: a rule on them waits (`for`), speaks once, and again after it was over."""

TABLES: dict[str, type] = {
    "movement": MovementChecks,
    **dict.fromkeys(MOVEMENTS, MovementChecks),
    "measurement": MeasurementChecks,
    "alarm": AlarmChecks,
    "excursion": ExcursionChecks,
}
"""What a rule can look at (`on`), and the facts it then has."""

SAID = ("raise", "publish", "note")
"""Actions that only tell somebody: these `cooldown` and `once_per` mute."""

ALLOWED = {
    MovementChecks: ("receive", "ship", "move", "hold", "refuse", "light", *SAID),
    **dict.fromkeys((MeasurementChecks, AlarmChecks, ExcursionChecks), ("hold", "light", *SAID)),
}
"""What a rule may do, by what it looks at. Nothing here releases a hold: only a person's command does."""

PASSING = {"receive": ("receive", "return"), "ship": ("ship",), "move": ("transfer",)}
"""Actions that let a movement pass, and the types of movement each is for."""

FIRM = frozenset({"on_hold", "already_received", "already_shipped", "not_in_stock"})
"""Reasons that no rule may overlook: a hold is released by a person, and stock is not counted twice.

One thing is allowed: `move` despite on_hold takes held goods into a location of kind quarantine; the hold stays.
"""

UNSEEN = frozenset({"unknown_tag"})
"""Reasons that only a receipt may overlook: what the ledger does not have cannot leave it."""

ASKED = {
    "fefo": ("fefo",),
    "fifo": ("fifo", "journeys"),
    "lifo": ("lifo", "journeys"),
    "stock": ("stock", "journeys"),
}
"""What facts cost a question to the ledger (`Questions.goods`), by their first name."""

JOURNEY = frozenset(
    {"coldest", "warmest", "excursions", "excursion_minutes", "minutes_out", "minutes_left"},
)
"""Facts under `climate` that are of the lots' journeys."""


class CompiledRule(Struct, frozen=True):
    """A rule that is sound."""

    rule: Rule
    table: type
    condition: Condition
    keys: tuple[Path, ...]  # what tells its cases apart
    wants: tuple[str, ...] = ()  # what its facts ask of the ledger

    @property
    def alarms(self) -> frozenset[str]:
        """The alarms it may raise, its own failure included."""
        actions = (*self.rule.do, *self.rule.otherwise)
        return frozenset({failure(self.rule.id), *(action.value for action in actions if action.name == "raise")})


class RuleSet(Struct, frozen=True):
    """The rules in force, in the order they are looked at: priority, then id; by event."""

    rules: tuple[CompiledRule, ...] = ()
    by_event: dict[str, tuple[CompiledRule, ...]] = {}
    by_id: dict[str, CompiledRule] = {}

    def on(self, event: str) -> tuple[CompiledRule, ...]:
        """The rules that look at an event."""
        return self.by_event.get(event, ())

    def wants(self, *events: str) -> tuple[str, ...]:
        """What the rules on these events ask of the ledger beside the goods themselves."""
        return tuple(sorted({name for event in events for one in self.on(event) for name in one.wants}))


EMPTY = RuleSet()


def failure(rule: str) -> str:
    """The alarm that says a rule's condition could not be evaluated."""
    return f"rule/{rule}"


def compile_rules(settings: Settings) -> RuleSet:
    """Compile the rules of the settings.

    Raises:
        ConfigError: every mistake of every rule at once.
    """
    problems: list[Problem] = []
    compiled: list[CompiledRule] = []
    alarms = {limit.id for limit in settings.limits} | {"outbox", "quarantine"}
    for rule in settings.rules:
        found = list(_events(rule))
        table = next((TABLES[event] for event in rule.on if event in TABLES), None)
        condition = None
        found += _shape(rule, table or MovementChecks, alarms)
        if table is not None:
            try:
                condition = compile_condition(rule.when, table, settings.timezone)
            except ConditionError as error:
                found.append(("when", str(error)))
            found += _paths(rule, table)
        problems += [_problem(rule, setting, text) for setting, text in found]
        if table is not None and condition is not None and not found:
            keys = tuple(tuple(name.split(".")) for name in rule.once_per)
            compiled.append(CompiledRule(rule, table, condition, keys, _wants(rule, condition, keys)))
    if problems:
        raise ConfigError(problems)
    ordered = tuple(sorted(compiled, key=lambda one: (-one.rule.priority, one.rule.id)))
    by_event = {event: tuple(one for one in ordered if _looks(one, event)) for event in TABLES}
    return RuleSet(ordered, by_event, {one.rule.id: one for one in ordered})


def _looks(one: CompiledRule, event: str) -> bool:
    return event in one.rule.on or ("movement" in one.rule.on and event in MOVEMENTS)


def _wants(rule: Rule, condition: Condition, keys: tuple[Path, ...]) -> tuple[str, ...]:
    """What the facts that a rule looks at, or speaks of, cost in questions to the ledger."""
    texts = [text for action in (*rule.do, *rule.otherwise) for text in (action.text, action.value)]
    paths = {*condition.paths, *keys, *(path for text in texts for path in paths_in(text))}
    wanted = {name for path in paths for name in ASKED.get(path[0], ())}
    if any(path[0] == "climate" and (len(path) == 1 or path[1] in JOURNEY) for path in paths):
        wanted.add("journeys")
    return tuple(sorted(wanted))


def _problem(rule: Rule, setting: str, text: str) -> Problem:
    name = f"rule {json.dumps(rule.id, ensure_ascii=False)}"
    return Problem(rule.file, rule.lines.get(setting, rule.line), name, f"{setting}: {text}")


def _events(rule: Rule) -> Iterator[tuple[str, str]]:
    for event in rule.on:
        if event not in TABLES:
            yield "on", f"there is no event {event!r}{_guess(event, TABLES)}; known: {', '.join(TABLES)}"
    if len({TABLES[event] for event in rule.on if event in TABLES}) > 1:
        yield "on", f"{' and '.join(rule.on)} have different facts; write a rule for each"


def _shape(rule: Rule, table: type, alarms: set[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with a rule beside its condition, as (setting, sentence)."""
    actions = (*rule.do, *rule.otherwise)
    if not actions:
        yield "do", "is missing: a rule that does nothing is none"
    if rule.wait and set(rule.on) & (set(TABLES) - set(LASTING)):
        yield "for", f"is for what lasts ({' and '.join(LASTING)}); {' and '.join(rule.on)} is over when it is decided"
    for setting, given in (("cooldown", rule.cooldown), ("once_per", rule.once_per)):
        if given and not any(action.name in SAID for action in actions):
            yield setting, f"mutes {', '.join(SAID)}, and this rule has none; its verdict is never muted"
    for setting, some in (("do", rule.do), ("else", rule.otherwise)):
        for action in some:
            yield from ((setting, text) for text in _action(rule, table, action, alarms))


def _action(rule: Rule, table: type, action: Action, alarms: set[str]) -> Iterator[str]:
    if action.name == "release":
        yield "release: holds never release themselves; a person does, with a command"
        return
    if action.name not in ALLOWED[table]:
        yield f"{action.name} is not for {' and '.join(rule.on)}; it may do {', '.join(ALLOWED[table])}"
        return
    if action.name in PASSING and not {"movement", *PASSING[action.name]} >= set(rule.on):
        yield f"{action.name} does not fit on = {', '.join(rule.on)}; it is for {' and '.join(PASSING[action.name])}"
    if action.name in ("hold", "refuse") and action.value not in SENTENCES:
        yield f"{action.name}: there is no reason {action.value!r}{_guess(action.value, SENTENCES)}"
    yield from _overlooked(action)
    if action.name == "raise" and action.value in alarms:
        yield f"raise: {action.value!r} is an alarm that is not this rule's; choose another id"
    for text in (action.text, action.value if action.name in ("publish", "note") else ""):
        if text and (problem := template_problem(text, table)):
            yield f"{action.name}: {problem}"


def _overlooked(action: Action) -> Iterator[str]:
    for code in action.despite:
        if code == "on_hold" and action.name == "move":
            continue
        if code in FIRM:
            quarantine = "; only move may, and only into a location of kind quarantine" if code == "on_hold" else ""
            yield f"despite: {code!r} can never be overlooked: a person has to clear it first{quarantine}"
        elif code in UNSEEN and action.name != "receive":
            yield f"despite: {code!r} can be overlooked when goods come in only: what is not known here cannot leave"
        elif code not in SENTENCES:
            yield f"despite: there is no reason {code!r}{_guess(code, SENTENCES)}"


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
