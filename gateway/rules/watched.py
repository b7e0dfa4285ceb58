"""What a rule over measurements, alarms or excursions does: hold what stands there, tell, show a light. Pure."""

from gateway.events.ids import event_id
from gateway.model.facts import Facts
from gateway.model.outcome import AlarmChange, Decision, Effect, Hold, HoldSet
from gateway.model.settings import Settings
from gateway.rules.candidates import Watched
from gateway.rules.lights import LIGHTS, light
from gateway.rules.presence import lots_there
from gateway.rules.ruleset.compiling import RuleSet
from gateway.rules.ruleset.memory import RuleMemory
from gateway.rules.ruleset.speaking import broken, raised, spoken


def watched(
    settings: Settings, one: Watched, facts: Facts, rules: RuleSet, memory: RuleMemory
) -> tuple[list[Decision], list[Effect]]:
    """The firing of a rule, and what it does. `memory` is read, not changed."""
    rule = rules.by_id.get(one.rule)
    if rule is None:
        return [], []
    if one.error:
        return list(broken(rule, one.occasion, memory, one.error)), []
    firing = spoken(rule, rule.rule.otherwise if one.otherwise else rule.rule.do, memory, one.occasion, one.facts)
    if firing is None:
        return [], []
    actions, record = firing
    decisions: list[Decision] = [record]
    effects: list[Effect] = []
    alarms: list[AlarmChange] = []
    colours: list[str] = []
    for action in actions:
        match action.name:
            case "hold":
                found, wanted = _held(settings, one, facts, rule.rule.id, action.value)
                decisions += found
                effects += wanted
            case "raise":
                alarms += raised(rule, action, one.occasion, one.facts, memory, alarms)
            case "light":
                colours.append(action.value)
    decisions += alarms
    if colours:
        shown = max(colours, key=LIGHTS.index)
        near = [portal for portal in settings.portals if portal.location == one.occasion.location and portal.lights]
        decisions += [light(portal, one.occasion.at, shown) for portal in near]
    return decisions, effects


def _held(
    settings: Settings, one: Watched, facts: Facts, rule: str, reason: str
) -> tuple[list[Decision], list[Effect]]:
    """Everything of every lot that stands in the location goes on hold; where nothing stands, nothing happens."""
    at, location = one.occasion.at, one.occasion.location
    if location is None:
        return [], []
    standing = tuple(lot for lot in lots_there(facts, location, at, at) if lot.quantity > 0)
    if not standing:
        return [], []
    ident = event_id(settings.site, settings.gateway, "hold", f"{rule}/{one.occasion.subject}", at)
    source = f"rule/{rule}"
    effects: list[Effect] = [HoldSet(lot.gtin, lot.lot, location, reason, source=source) for lot in standing]
    return [Hold(ident, location, at, reason, source, standing)], effects
