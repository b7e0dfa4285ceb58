"""The alarm of a read point whose policy for tags that nothing explains is `alarm`: they are held, and told. Pure."""

from gateway.model.facts import Facts
from gateway.model.outcome import AlarmChange, Decision, Movement
from gateway.rules.candidates import Crossed
from gateway.rules.movements import unknown_tags

ALARM = "unknown-tags/"
"""What the ids of these alarms begin with; the portal follows. They stay until somebody acknowledges them."""

SHOWN = 10
"""Tags that the alarm names."""


def told(crossed: Crossed, facts: Facts, movements: list[Movement]) -> list[AlarmChange]:
    """The alarm, where the policy asks for one and it is not up already."""
    portal = crossed.portal
    if crossed.alarmed or unknown_tags(portal, facts) != "alarm":
        return []
    odd = [one for one in movements if "unknown_tag" in one.reasons]
    tags = sorted({epc for one in odd for line in one.lines if line.lot is None for epc in line.epcs})
    if not odd:
        return []
    more = f" and {len(tags) - SHOWN} more" if len(tags) > SHOWN else ""
    detail = f"nothing explains {', '.join(tags[:SHOWN]) or 'what crossed'}{more}"
    return [
        AlarmChange(
            alarm=f"{ALARM}{portal.id}",
            source=portal.id,
            at=crossed.passage.closed,
            before="normal",
            after="unacked_active",
            priority="high",
            location=portal.location,
            detail=detail,
        )
    ]


def once(decided: list[Decision], found: list[Decision]) -> list[Decision]:
    """What was found, without an alarm of this kind that the same turn has raised already."""
    up = {one.alarm for one in decided if isinstance(one, AlarmChange) and one.alarm.startswith(ALARM)}
    return [one for one in found if not (isinstance(one, AlarmChange) and one.alarm in up)]
