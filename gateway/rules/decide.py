"""Step 4 of the data flow: candidates and facts become one outcome. Pure, and the only place that decides."""

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any

from msgspec import structs

from gateway.events.ids import event_id
from gateway.model.facts import Facts, SentFact
from gateway.model.outcome import (
    Confirm,
    Decision,
    Effect,
    Excursion,
    Gap,
    Hold,
    HoldSet,
    LotMinutes,
    Movement,
    Outcome,
    Park,
    Passage,
    Rejection,
    Resend,
)
from gateway.model.settings import Portal, Settings
from gateway.rules import reasons, unknown
from gateway.rules.announcing import announced
from gateway.rules.asking import questions as questions
from gateway.rules.candidates import (
    Answered,
    Candidate,
    Changed,
    Confirming,
    Crossed,
    Exceeding,
    Moving,
    Parking,
    Producing,
    Refused,
    Resending,
    Settling,
    Watched,
)
from gateway.rules.checking import checks
from gateway.rules.documents import Announced
from gateway.rules.effects import applied, effects
from gateway.rules.holding import settle
from gateway.rules.lights import LIGHTS, light
from gateway.rules.movements import judge
from gateway.rules.moving import move
from gateway.rules.presence import lots_there
from gateway.rules.producing import produce
from gateway.rules.ruleset import EMPTY, RuleMemory, RuleSet
from gateway.rules.ruleset.evaluating import Ruled, ruled
from gateway.rules.ruleset.speaking import remember
from gateway.rules.troubles import empty
from gateway.rules.vouching import settled as settled_passage
from gateway.rules.watched import watched

Decided = tuple[list[Decision], list[Effect]]


def decide(
    settings: Settings,
    candidates: list[Candidate],
    facts: Facts,
    rules: RuleSet = EMPTY,
    memory: RuleMemory = RuleMemory(),  # noqa: B008 - read, never changed
) -> Outcome:
    """Judge every candidate in order, each knowing what those before it changed."""
    if rules.rules and len(candidates) > 1:
        memory = deepcopy(memory)  # what one passage of this turn says, the next knows
    decisions: list[Decision] = []
    changes: list[Effect] = []
    reply: dict[str, Any] | None = None
    for one in candidates:
        if isinstance(one, Answered):
            reply = dict(one.reply)
            continue
        if isinstance(one, Settling):
            found, wanted, reply = settle(settings, one, facts)
        elif isinstance(one, Producing):
            found, wanted, reply = produce(settings, one, facts)
        elif isinstance(one, Moving):
            found, wanted, reply = move(settings, one, facts, partial(_ruled, settings, rules=rules, memory=memory))
        elif isinstance(one, Announced):
            found, wanted = announced(settings, one, facts, partial(_ruled, settings, rules=rules, memory=memory))
        elif isinstance(one, Crossed | Watched):
            if isinstance(one, Crossed):
                found, wanted = _crossed(settings, one, facts, rules, memory)
                found = unknown.once(decisions, found)
            else:
                found, wanted = watched(settings, one, facts, rules, memory)
            if len(candidates) > 1:
                remember(rules, memory, tuple(found))
        else:
            found, wanted = DECIDERS[type(one)](settings, one, facts)
        decisions += found
        changes += wanted
        if isinstance(one, Crossed) and wanted and len(candidates) > 1:
            facts = applied(facts, wanted)
        if isinstance(one, Announced | Refused) and reply is None:
            refusal = next((it for it in found if isinstance(it, Rejection) and it.reason != "goods_changed"), None)
            reply = {"ok": True} if refusal is None else {"ok": False, "error": refusal.detail}
        if isinstance(one, Resending):
            reply = _kept(one, facts)
    return Outcome(tuple(decisions), tuple(changes), reply)


def _crossed(settings: Settings, crossed: Crossed, facts: Facts, rules: RuleSet, memory: RuleMemory) -> Decided:
    passage, portal = settled_passage(crossed, facts), crossed.portal
    crossed = structs.replace(crossed, passage=passage)
    judged = judge(settings, crossed, facts)
    told = [_ruled(settings, one, facts, rules, memory) for one in judged]
    movements = [movement for movement, _ in told]
    decisions: list[Decision] = [_completed(passage, [item for one in movements for item in one.missing]), *movements]
    changes = [change for movement in movements for change in effects(movement, facts)]
    for _, found in told:
        decisions += found.firings
        decisions += found.alarms
    decisions += unknown.told(crossed, facts, movements)
    verdicts = [movement.verdict for movement in movements]
    problem = None if verdicts else _unmoved(passage, portal)
    if problem is not None:
        decisions.append(problem)
    if portal.lights is not None and (verdicts or problem is not None):
        worst = max(verdicts, key=reasons.SEVERITY.__getitem__, default=reasons.HELD)
        shown = max((reasons.LIGHT[worst], *(colour for _, found in told for colour in found.lights)), key=LIGHTS.index)
        decisions.append(light(portal, passage.closed, shown))
    return decisions, changes


def _ruled(
    settings: Settings, movement: Movement, facts: Facts, rules: RuleSet, memory: RuleMemory
) -> tuple[Movement, Ruled]:
    """A judged movement after the rules; where none looks at it, nothing is gathered for them."""
    if not rules.on(movement.type):
        return movement, Ruled()
    return ruled(rules, memory, movement, checks(settings, movement, facts))


def _completed(passage: Passage, missing: list[str]) -> Passage:
    """The passage as it is published: with what was announced and never read."""
    return structs.replace(passage, missing=tuple(missing))


def _unmoved(passage: Passage, portal: Portal) -> Rejection | None:
    """Why a passage that should have moved something moved nothing; None when that is how it should be."""
    if passage.moved and passage.direction == "unknown":
        tags = "1 tag" if len(passage.moved) == 1 else f"{len(passage.moved)} tags"
        detail = f"{tags} crossed {portal.id} and neither eyes nor antennas tell which way"
        return Rejection(passage.passage, passage.closed, "direction_unknown", detail)
    if empty(passage):
        return Rejection(passage.passage, passage.closed, "empty_passage", _nothing(passage))
    return None


def _nothing(passage: Passage) -> str:
    """What there was of tags in an empty passage."""
    heard = {0: "no tag was heard", 1: "the only tag heard did not move"}
    count = len(passage.strays)
    text = f"something crossed {passage.portal} and {heard.get(count, f'none of the {count} tags heard moved')}"
    before = sum(len(passage.evidence.get(key, ())) for key in ("again", "put_down"))
    return f"{text} ({before} had moved just before)" if before else text


def _changed(settings: Settings, one: Changed, facts: Facts) -> Decided:
    change = one.change
    if one.since is None or change.location is None:
        return [change], []
    lots = lots_there(facts, change.location, one.since, change.at)
    decisions: list[Decision] = [structs.replace(change, lots=lots)]
    limit = next((limit for limit in settings.limits if limit.id == change.alarm), None)
    standing = tuple(lot for lot in lots if lot.quantity > 0)
    if limit is None or not limit.hold or not standing:
        return decisions, []
    ident = event_id(settings.site, settings.gateway, "hold", limit.id, change.at)
    decisions.append(Hold(ident, change.location, change.at, "excursion", limit.id, standing))
    return decisions, _holds(change.location, standing)


def _holds(location: str, lots: tuple[LotMinutes, ...]) -> list[Effect]:
    return [HoldSet(lot.gtin, lot.lot, location, "excursion") for lot in lots if lot.quantity > 0]


def _exceeding(settings: Settings, one: Exceeding, facts: Facts) -> Decided:
    exceeded, limit = one.exceeded, one.exceeded.limit
    lots = lots_there(facts, one.location, exceeded.start, exceeded.end)
    excursion = Excursion(
        excursion=event_id(settings.site, settings.gateway, "excursion", limit.id, exceeded.start),
        alarm=limit.id,
        sensor=limit.sensor,
        quantity=limit.quantity,
        unit=exceeded.unit,
        location=one.location,
        start=exceeded.start,
        end=exceeded.end,
        min=exceeded.min,
        max=exceeded.max,
        mean=exceeded.mean,
        lots=lots,
        limit=limit.limit,
        side=limit.side,
        hold=limit.hold,
    )
    return [excursion], _holds(one.location, lots) if limit.hold else []


def _parking(settings: Settings, one: Parking, facts: Facts) -> Decided:
    row = facts.outbox.get(str(one.seq))
    if row is None or row.state != "pending":
        return [], []
    if row.kind in ("gap", "alarm", "exception"):
        return [], [Park(one.seq, one.reason)]
    return [Gap(one.seq, one.seq, one.at, one.reason)], [Park(one.seq, one.reason)]


def _kept(one: Resending, facts: Facts) -> dict[str, Any]:
    """The answer to who misses events: what is sent again, and from where on nothing older is kept."""
    kept = facts.sent.get(f"{one.first}/{one.last}", SentFact(0, 0, 0))
    return {"ok": True, "events": kept.events, "from": kept.first, "to": kept.last}


def _resending(settings: Settings, one: Resending, facts: Facts) -> Decided:
    kept = facts.sent.get(f"{one.first}/{one.last}")
    return [], [Resend(kept.first, kept.last)] if kept is not None and kept.events else []


def _confirming(settings: Settings, one: Confirming, facts: Facts) -> Decided:
    return [], [Confirm(one.up_to)]


def _refused(settings: Settings, one: Refused, facts: Facts) -> Decided:
    return [one.rejection], []


DECIDERS: dict[type, Callable[[Settings, Any, Facts], Decided]] = {
    Changed: _changed,
    Exceeding: _exceeding,
    Parking: _parking,
    Resending: _resending,
    Confirming: _confirming,
    Refused: _refused,
}
