"""What a rule says when it fires: the record of it, alarms, and what is muted. Pure."""

from collections.abc import Iterable
from typing import Any

from gateway.model.outcome import AlarmChange, Decision, Firing
from gateway.model.rules import Action
from gateway.rules.candidates import Occasion
from gateway.rules.ruleset.compiling import SAID, CompiledRule, RuleSet, failure
from gateway.rules.ruleset.conditions import plain, value_at
from gateway.rules.ruleset.memory import RuleMemory, case
from gateway.rules.ruleset.templates import filled

TOLD = frozenset({"publish", "note"})
"""Actions whose value is a text with facts in it."""


def spoken(
    one: CompiledRule, actions: tuple[Action, ...], memory: RuleMemory, occasion: Occasion, facts: object
) -> tuple[tuple[Action, ...], Firing] | None:
    """What a rule does now, and the record of it; None: it has told this already and does nothing else."""
    quiet = muted(one, memory, case_of(one, facts), occasion.at)
    said = tuple(action for action in actions if not (quiet and action.name in SAID))
    if not said:
        return None
    seen = one.condition.seen(facts) | {".".join(path): plain(value_at(facts, path)) for path in one.keys}
    record = Firing(
        rule=one.rule.id,
        digest=one.rule.digest,
        at=occasion.at,
        on=occasion.on,
        subject=occasion.subject,
        place=occasion.place,
        facts=seen,
        actions=tuple(_told(action, facts) for action in said),
        published=tuple(filled(action.value, facts) for action in said if action.name == "publish"),
    )
    return said, record


def case_of(one: CompiledRule, facts: object) -> str:
    """Which case of a rule these facts are."""
    return case(one.rule.id, [plain(value_at(facts, path)) for path in one.keys])


def muted(one: CompiledRule, memory: RuleMemory, name: str, at: int) -> bool:
    """Whether a case has been told already."""
    last = memory.fired.get(name)
    if last is None or not (one.rule.cooldown or one.rule.once_per):
        return False
    return not one.rule.cooldown or at - last < one.rule.cooldown


def raised(
    one: CompiledRule,
    action: Action,
    occasion: Occasion,
    facts: object,
    memory: RuleMemory,
    before: Iterable[AlarmChange] = (),
) -> list[AlarmChange]:
    """An alarm that is up stays up: it is raised once, until somebody acknowledges it."""
    text = filled(action.text, facts)
    return _alarm(one, action.value, action.priority, text, occasion, memory, before)


def broken(one: CompiledRule, occasion: Occasion, memory: RuleMemory, error: str) -> list[AlarmChange]:
    """The alarm of a rule whose condition failed: nothing is decided by it, and somebody must know."""
    return _alarm(one, failure(one.rule.id), "high", f"the condition of this rule {error}", occasion, memory, ())


def _alarm(
    one: CompiledRule,
    alarm: str,
    priority: str,
    detail: str,
    occasion: Occasion,
    memory: RuleMemory,
    before: Iterable[AlarmChange],
) -> list[AlarmChange]:
    if alarm in memory.raised or any(change.alarm == alarm for change in before):
        return []
    return [
        AlarmChange(
            alarm=alarm,
            source=one.rule.id,
            at=occasion.at,
            before="normal",
            after="unacked_active",
            priority=priority,
            location=occasion.location,
            detail=detail,
        )
    ]


def _told(action: Action, facts: object) -> str:
    """An action in words, for the record."""
    value: Any = filled(action.value, facts) if action.name in TOLD else action.value
    text = f"{action.name} {value}".rstrip()
    return f"{text} despite {', '.join(action.despite)}" if action.despite else text


def remember(rules: RuleSet, memory: RuleMemory, decisions: tuple[Decision, ...]) -> None:
    """Note what rules said: for cooldowns, for cases met once, for alarms that wait to be acknowledged."""
    known = rules.by_id
    for decision in decisions:
        if isinstance(decision, Firing) and decision.rule in known:
            if any(action.partition(" ")[0] in SAID for action in decision.actions):
                keys = [decision.facts.get(".".join(path)) for path in known[decision.rule].keys]
                memory.note(case(decision.rule, keys), decision.at)
        elif isinstance(decision, AlarmChange) and decision.before == "normal":
            rule = known.get(decision.source)
            if rule is not None and decision.alarm in rule.alarms:
                memory.raise_(decision)
