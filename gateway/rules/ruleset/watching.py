"""Rules over what lasts: samples of sensors and alarms, with `for`; and over excursions. Pure.

A rule on a measurement or an alarm fires when its condition has been true for `for` without a break, once; when the
condition is false again after that, its `else` is done. A sample that is not good neither begins nor ends anything:
the clock stands until the next good one, and while the gateway is off. An excursion is one event: `do`, or `else`.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from gateway.rules.candidates import Occasion, Watched
from gateway.rules.ruleset.compiling import LASTING, CompiledRule, RuleSet
from gateway.rules.ruleset.conditions import ConditionError
from gateway.rules.ruleset.memory import RuleMemory, Waiting, case


def watch(rules: RuleSet, memory: RuleMemory, occasion: Occasion, key: tuple[str, ...], facts: object) -> list[Watched]:
    """Put what happened before the rules; `key` is what it happened to (sensor and quantity, alarm)."""
    found: list[Watched] = []
    for one in rules.on(occasion.on):
        try:
            holds = one.condition.holds(facts)
        except ConditionError as error:
            found.append(Watched(one.rule.id, occasion, facts, error=str(error)))
            continue
        if occasion.on in LASTING:
            found += _lasting(one, memory, occasion, key, facts, holds=holds)
        elif one.rule.do if holds else one.rule.otherwise:
            found.append(_fires(one, occasion, facts, otherwise=not holds))
    return found


def _lasting(
    one: CompiledRule, memory: RuleMemory, occasion: Occasion, key: tuple[str, ...], facts: object, *, holds: bool
) -> Iterator[Watched]:
    name = case(one.rule.id, list(key))
    before = memory.waiting.get(name)
    if before is not None:
        _thaw(before, occasion.at)
        yield from _due(one, before, occasion.at)
    if not holds:
        memory.waiting.pop(name, None)
        if before is not None and before.spoken and one.rule.otherwise:
            yield _fires(one, occasion, facts, otherwise=True)
        return
    if before is None:
        before = memory.waiting[name] = Waiting(
            rule=one.rule.id,
            digest=one.rule.digest,
            on=occasion.on,
            key=key,
            since=occasion.at,
            at=occasion.at,
            place=occasion.place,
            location=occasion.location,
            facts={},
        )
    before.at = max(before.at, occasion.at)
    before.facts = {} if before.spoken else _kept(facts)
    yield from _due(one, before, occasion.at)


def _fires(one: CompiledRule, occasion: Occasion, facts: object, *, otherwise: bool) -> Watched:
    actions = one.rule.otherwise if otherwise else one.rule.do
    return Watched(one.rule.id, occasion, facts, otherwise, any(action.name == "hold" for action in actions))


def _kept(facts: object) -> dict[str, Any]:
    kept: dict[str, Any] = msgspec.to_builtins(facts)
    return kept


def _thaw(waiting: Waiting, at: int) -> None:
    if waiting.frozen is not None:
        waiting.lost += max(0, at - waiting.frozen)
        waiting.frozen = None


def freeze(memory: RuleMemory, at: int | None = None, key: tuple[str, ...] | None = None) -> None:
    """No good sample of `key` since `at`; without either: the gateway was off since the last sample of each."""
    for one in memory.waiting.values():
        if one.frozen is None and one.on == "measurement" and (key is None or one.key == key):
            one.frozen = one.at if at is None else max(one.at, at)


def deadline(rules: RuleSet, memory: RuleMemory) -> int | None:
    """When (µs) a condition has held for as long as its rule asks; None: none is on the way."""
    if not memory.waiting:
        return None
    times = (_deadline(rules.by_id.get(one.rule), one) for one in memory.waiting.values())
    return min((time for time in times if time is not None), default=None)


def _deadline(one: CompiledRule | None, waiting: Waiting) -> int | None:
    if one is None or waiting.spoken or waiting.frozen is not None:
        return None
    return waiting.since + one.rule.wait + waiting.lost


def due(rules: RuleSet, memory: RuleMemory, t: int) -> list[Watched]:
    """The rules whose conditions have held for long enough by `t`."""
    found: list[Watched] = []
    for waiting in memory.waiting.values():
        one = rules.by_id.get(waiting.rule)
        if one is not None:
            found += _due(one, waiting, t)
    return found


def _due(one: CompiledRule, waiting: Waiting, t: int) -> Iterator[Watched]:
    time = _deadline(one, waiting)
    if time is None or time > t:
        return
    facts: object = msgspec.convert(waiting.facts, one.table)
    waiting.spoken, waiting.facts = True, {}
    if one.rule.do:
        occasion = Occasion(waiting.on, "/".join(waiting.key), waiting.place, time, waiting.location)
        yield _fires(one, occasion, facts, otherwise=False)


def abandon(rules: RuleSet, memory: RuleMemory, t: int) -> None:
    """Give up what is due by `t`; the next sample begins anew."""
    for name, waiting in list(memory.waiting.items()):
        time = _deadline(rules.by_id.get(waiting.rule), waiting)
        if time is not None and time <= t:
            del memory.waiting[name]
