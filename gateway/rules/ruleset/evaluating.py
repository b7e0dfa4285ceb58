"""Which rules fire on a movement, and what becomes of its verdict. Pure.

The most restrictive verdict wins: a rule can always be stricter than the built-in table. It is looser only by the
word `despite`, which names the reasons that then no longer count; that stands in the evidence. `cooldown` and
`once_per` mute what a rule says (raise, publish, note), never its verdict.
"""

from typing import Any

from msgspec import Struct, field, structs

from gateway.model.outcome import AlarmChange, Decision, Effect, Firing, ItemChange, Movement, StockDelta, UnitChange
from gateway.model.rules import Action
from gateway.rules import reasons
from gateway.rules.checks import MovementChecks
from gateway.rules.ruleset.compiling import CompiledRule, RuleSet
from gateway.rules.ruleset.conditions import plain, value_at
from gateway.rules.ruleset.memory import RuleMemory, case
from gateway.rules.ruleset.templates import filled

SAID = ("raise", "publish", "note")
"""Actions that only tell somebody: these `cooldown` and `once_per` mute."""


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
    for one in rules.on(movement.type):
        actions = one.rule.do if one.condition.holds(facts) else one.rule.otherwise
        if actions:
            _fire(one, actions, memory, movement, facts, found)
    if not found.firings:
        return movement, found
    return _weighed(movement, found), found


def case_of(one: CompiledRule, facts: object) -> str:
    """Which case of a rule these facts are."""
    return case(one.rule.id, [plain(value_at(facts, path)) for path in one.keys])


def muted(one: CompiledRule, memory: RuleMemory, name: str, at: int) -> bool:
    """Whether a case has been told already."""
    last = memory.fired.get(name)
    if last is None or not (one.rule.cooldown or one.rule.once_per):
        return False
    return not one.rule.cooldown or at - last < one.rule.cooldown


def _fire(
    one: CompiledRule,
    actions: tuple[Action, ...],
    memory: RuleMemory,
    movement: Movement,
    facts: MovementChecks,
    found: Ruled,
) -> None:
    rule = one.rule
    name = case_of(one, facts)
    quiet = muted(one, memory, name, movement.at)
    actions = tuple(action for action in actions if not (quiet and action.name in SAID))
    if not actions:
        return
    published: list[str] = []
    for action in actions:
        match action.name:
            case "hold":
                held = reasons.REFUSED if movement.destination is None else reasons.HELD
                _ask(found, action.value, held)
            case "refuse":
                _ask(found, action.value, reasons.REFUSED)
            case "receive" | "ship" | "move":
                for code in action.despite:
                    found.despite.setdefault(code, rule.id)
            case "light":
                found.lights.append(action.value)
            case "note":
                found.notes.append(filled(action.value, facts))
            case "publish":
                published.append(filled(action.value, facts))
            case "raise":
                _raise(one, action, memory, movement, facts, found)
    firing = Firing(
        rule=rule.id,
        digest=rule.digest,
        at=movement.at,
        on=movement.type,
        subject=movement.movement,
        place=movement.portal,
        facts=one.condition.seen(facts) | {".".join(path): plain(value_at(facts, path)) for path in one.keys},
        actions=tuple(_told(action) for action in actions),
        published=tuple(published),
    )
    found.firings.append(firing)


def _ask(found: Ruled, code: str, verdict: str) -> None:
    before = found.reasons.get(code, reasons.ACCEPTED)
    found.reasons[code] = max(before, verdict, key=reasons.SEVERITY.__getitem__)


def _raise(
    one: CompiledRule, action: Action, memory: RuleMemory, movement: Movement, facts: MovementChecks, found: Ruled
) -> None:
    """An alarm that is up stays up: it is raised once, until somebody acknowledges it."""
    if action.value in memory.raised or any(change.alarm == action.value for change in found.alarms):
        return
    found.alarms.append(
        AlarmChange(
            alarm=action.value,
            source=one.rule.id,
            at=movement.at,
            before="normal",
            after="unacked_active",
            priority=action.priority,
            location=movement.destination or movement.origin,
            detail=filled(action.text, facts),
        )
    )


def _told(action: Action) -> str:
    """An action in words, for the record."""
    text = f"{action.name} {action.value}".rstrip()
    return f"{text} despite {', '.join(action.despite)}" if action.despite else text


def _weighed(movement: Movement, found: Ruled) -> Movement:
    """The movement with its verdict, reasons and evidence as rules and table together say."""
    table = reasons.table(movement.type)
    asked = {code: table[code] for code in movement.reasons}
    for code, verdict in found.reasons.items():
        asked[code] = max(asked.get(code, reasons.ACCEPTED), verdict, key=reasons.SEVERITY.__getitem__)
    overlooked = {code: rule for code, rule in found.despite.items() if code in asked}
    counting = [verdict for code, verdict in asked.items() if code not in overlooked]
    verdict = max(counting, key=reasons.SEVERITY.__getitem__, default=reasons.ACCEPTED)
    order = {code: number for number, code in enumerate(asked)}
    codes = sorted(asked, key=lambda code: (code in overlooked, -reasons.SEVERITY[asked[code]], order[code]))
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
    )


def settled(movement: Movement, judged: Movement, changes: list[Effect]) -> list[Effect]:
    """The effects of a movement inside the site that a rule put on hold: what arrives is held where it arrives."""
    held = movement.verdict == reasons.HELD and judged.verdict == reasons.ACCEPTED
    if not held or movement.origin is None or movement.destination is None:
        return changes
    return [_held(change, movement.destination) for change in changes]


def _held(change: Effect, place: str) -> Effect:
    if isinstance(change, StockDelta | ItemChange) and change.location == place:
        return structs.replace(change, status="hold")
    if isinstance(change, UnitChange) and change.location == place:
        contents = tuple(structs.replace(line, status="hold") for line in change.contents)
        return structs.replace(change, status="hold", contents=contents)
    return change


def remember(rules: RuleSet, memory: RuleMemory, decisions: tuple[Decision, ...]) -> None:
    """Note what rules did: for cooldowns, for cases met once, for alarms that wait to be acknowledged."""
    known = {one.rule.id: one for one in rules.rules}
    for decision in decisions:
        if isinstance(decision, Firing) and decision.rule in known:
            keys = [decision.facts.get(".".join(path)) for path in known[decision.rule].keys]
            memory.note(case(decision.rule, keys), decision.at)
        elif isinstance(decision, AlarmChange) and decision.source in known:
            memory.raise_(decision)
