"""Which rules fire on a movement, and what becomes of its verdict. Pure.

The most restrictive verdict wins: a rule can always be stricter than the built-in table. It is looser only by the
word `despite`, which names reasons of that table that then no longer count; that stands in the evidence. What another
rule asks for is never overlooked. `cooldown` and `once_per` mute what a rule says, never its verdict.
"""

from typing import Any

from msgspec import Struct, field, structs

from gateway.model.outcome import AlarmChange, Firing, Movement
from gateway.model.rules import Action
from gateway.rules import reasons
from gateway.rules.candidates import Occasion
from gateway.rules.checks import MovementChecks
from gateway.rules.ruleset.compiling import CompiledRule, RuleSet
from gateway.rules.ruleset.conditions import ConditionError
from gateway.rules.ruleset.memory import RuleMemory
from gateway.rules.ruleset.speaking import broken, raised, spoken
from gateway.rules.ruleset.templates import filled

QUARANTINE = "quarantine"
"""The kind of location into which held goods may be moved by a rule."""


class Ruled(Struct):
    """What rules made of one movement so far."""

    reasons: dict[str, str] = field(default_factory=dict)  # reason → verdict it asks for
    despite: dict[str, str] = field(default_factory=dict)  # reason → rule that overlooks it
    notes: list[str] = field(default_factory=list)
    lights: list[str] = field(default_factory=list)
    firings: list[Firing] = field(default_factory=list)
    alarms: list[AlarmChange] = field(default_factory=list)


def ruled(rules: RuleSet, memory: RuleMemory, movement: Movement, facts: MovementChecks) -> tuple[Movement, Ruled]:
    """Put a judged movement before the rules. `memory` is read, not changed: the engine notes the firings later."""
    found = Ruled()
    where = movement.destination or movement.origin
    occasion = Occasion(movement.type, movement.movement, movement.portal, movement.at, where)
    for one in rules.on(movement.type):
        try:
            actions = one.rule.do if one.condition.holds(facts) else one.rule.otherwise
        except ConditionError as error:
            found.alarms += broken(one, occasion, memory, str(error))
            continue
        if actions:
            _fire(one, actions, memory, occasion, movement, facts, found)
    if not found.firings:
        return movement, found
    return _weighed(movement, facts, found), found


def _fire(
    one: CompiledRule,
    actions: tuple[Action, ...],
    memory: RuleMemory,
    occasion: Occasion,
    movement: Movement,
    facts: MovementChecks,
    found: Ruled,
) -> None:
    firing = spoken(one, actions, memory, occasion, facts)
    if firing is None:
        return
    said, record = firing
    for action in said:
        match action.name:
            case "hold":
                held = reasons.REFUSED if movement.destination is None else reasons.HELD
                _ask(found, action.value, held)
            case "refuse":
                _ask(found, action.value, reasons.REFUSED)
            case "receive" | "ship" | "move":
                for code in action.despite:
                    found.despite.setdefault(code, one.rule.id)
            case "light":
                found.lights.append(action.value)
            case "note":
                found.notes.append(filled(action.value, facts))
            case "raise":
                found.alarms += raised(one, action, occasion, facts, memory, found.alarms)
    found.firings.append(record)


def _ask(found: Ruled, code: str, verdict: str) -> None:
    before = found.reasons.get(code, reasons.ACCEPTED)
    found.reasons[code] = max(before, verdict, key=reasons.SEVERITY.__getitem__)


def _weighed(movement: Movement, facts: MovementChecks, found: Ruled) -> Movement:
    """The movement with its verdict, reasons and evidence as rules and table together say."""
    table = reasons.table(movement.type)
    judged = {code: table.get(code, movement.verdict) for code in movement.reasons}
    overlooked = {code: rule for code, rule in found.despite.items() if code in judged}
    if "on_hold" in overlooked and facts.destination_kind == QUARANTINE:
        judged["on_hold"] = min(judged["on_hold"], reasons.HELD, key=reasons.SEVERITY.__getitem__)
    elif "on_hold" in overlooked:
        del overlooked["on_hold"]
    counting = {code: verdict for code, verdict in judged.items() if code not in overlooked or code == "on_hold"}
    for code, verdict in found.reasons.items():  # what a rule asks for counts, whatever another overlooks
        counting[code] = max(counting.get(code, reasons.ACCEPTED), verdict, key=reasons.SEVERITY.__getitem__)
    verdict = max(counting.values(), key=reasons.SEVERITY.__getitem__, default=reasons.ACCEPTED)
    asked = judged | counting
    order = {code: number for number, code in enumerate(asked)}
    codes = sorted(asked, key=lambda code: (code not in counting, -reasons.SEVERITY[asked[code]], order[code]))
    evidence: dict[str, Any] = dict(movement.evidence)
    evidence["rules"] = {firing.rule: firing.digest[:12] for firing in found.firings}
    if overlooked:
        evidence["despite"] = overlooked
    if found.notes:
        evidence["notes"] = found.notes
    status = movement.status
    if movement.origin is None and verdict != movement.verdict:
        status = "available" if verdict == reasons.ACCEPTED else "hold"
    return structs.replace(
        movement,
        verdict=verdict,
        reasons=tuple(codes),
        rules=tuple(firing.rule for firing in found.firings),
        status=status,
        evidence=evidence,
        arrives=reasons.arrives(movement.type, verdict),
    )
