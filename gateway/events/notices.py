"""Our own JSON for what EPCIS has no word for: alarm, exception, gap (CloudEvents types `tally.*`, schema 1).

All fields of the decision stand in it by the names of the outcome lines: instants RFC 3339 UTC microseconds, quantities
decimal text. `sentence` says it to a person.
"""

from typing import Any

from gateway.events.sentences import SENTENCES, sentence, sentences
from gateway.events.splitting import SHOWN, evidence, first_part
from gateway.model.outcome import AlarmChange, Firing, Gap, Line, Movement, Rejection
from gateway.model.quantity import format_quantity
from gateway.model.settings import Settings
from gateway.model.times import rfc3339

Json = dict[str, Any]

SCHEMA = 1
"""Version of these forms."""

ALARM_STATES = {
    "normal": "is back to normal",
    "unacked_active": "is active and waits for an acknowledgement",
    "acked_active": "is active and acknowledged",
    "rtn_unacked": "has cleared and waits for an acknowledgement",
}
"""ISA-18.2 states in words."""


def _head(type_: str, event_id: str, seq: int, settings: Settings) -> Json:
    return {
        "schema": SCHEMA,
        "type": type_,
        "id": event_id,
        "tally:gateway": settings.gateway,
        "tally:seq": seq,
    }


def alarm(change: AlarmChange, event_id: str, seq: int, settings: Settings) -> Json:
    """`tally.alarm`: one transition of an alarm."""
    return _head("tally.alarm", event_id, seq, settings) | {
        "alarm": change.alarm,
        "source": change.source,
        "at": rfc3339(change.at),
        "from": change.before,
        "to": change.after,
        "priority": change.priority,
        "value": change.value,
        "limit": change.limit,
        "location": change.location,
        "detail": change.detail,
        "lots": [
            {
                "gtin": lot.gtin,
                "lot": lot.lot,
                "minutes": lot.minutes,
                "quantity": format_quantity(lot.quantity),
                "unit": lot.unit,
            }
            for lot in change.lots
        ],
        "by": change.by,
        "sentence": _alarm_sentence(change),
    }


def _alarm_sentence(change: AlarmChange) -> str:
    text = f"Alarm {change.alarm} of {change.source} {ALARM_STATES.get(change.after, f'is {change.after}')}"
    if change.value is not None and change.limit is not None:
        text += f": value {change.value:g}, limit {change.limit:g}"
    return f"{text}. {change.detail}".rstrip()


def rejection(one: Rejection, event_id: str, seq: int, settings: Settings) -> Json:
    """`tally.exception`: something that could not be used."""
    return _head("tally.exception", event_id, seq, settings) | {
        "source": one.source,
        "at": rfc3339(one.at),
        "reason": one.reason,
        "detail": one.detail,
        "sentence": sentence(one.reason),
    }


def refusal(movement: Movement, event_id: str, seq: int, settings: Settings) -> Json:
    """`tally.exception`: a refused movement. Stock did not change; `movement` holds what was seen and why."""
    return _head("tally.exception", event_id, seq, settings) | {
        "source": movement.portal,
        "at": rfc3339(movement.at),
        "reason": movement.reasons[0] if movement.reasons else movement.verdict,
        "detail": f"{movement.type} at {movement.portal} was refused",
        "movement": _movement(movement),
        "sentence": sentences(movement.reasons or (movement.verdict,)),
    }


def _movement(movement: Movement) -> Json:
    weight = movement.weight
    return {
        "movement": movement.movement,
        "passage": movement.passage,
        "portal": movement.portal,
        "at": rfc3339(movement.at),
        "type": movement.type,
        "from": movement.origin,
        "to": movement.destination,
        "verdict": movement.verdict,
        "reasons": list(movement.reasons),
        "rules": list(movement.rules),
        "lines": [_line(line) for line in first_part(movement)],
        "sscc": movement.sscc,
        "sscc_epc": movement.sscc_epc,
        "expectation": movement.expectation,
        "documents": [{"type": document.type, "id": document.id} for document in movement.documents],
        "party": movement.party,
        "weight": None
        if weight is None
        else {
            "value": weight.value,
            "unit": weight.unit,
            "at": rfc3339(weight.at),
            "scale": weight.scale,
            "expected": weight.expected,
            "deviation_pct": weight.deviation_pct,
        },
        "climate": [
            {"sensor": sensor, "quantity": quantity, "value": value, "unit": unit, "at": rfc3339(at)}
            for sensor, quantity, value, unit, at in movement.climate
        ],
        "missing": list(movement.missing[:SHOWN]),
        "evidence": evidence(movement),
    }


def _line(line: Line) -> Json:
    return {
        "gtin": line.gtin,
        "lot": line.lot,
        "expiry": line.expiry,
        "quantity": format_quantity(line.quantity),
        "unit": line.unit,
        "basis": line.basis,
        "resolved_by": line.resolved_by,
        "expected": None if line.expected is None else format_quantity(line.expected),
        "epcs": list(line.epcs),
    }


def notice(one: Firing, event_id: str, seq: int, settings: Settings) -> Json:
    """`tally.notice`: a rule of the site has something to say to central."""
    return _head("tally.notice", event_id, seq, settings) | {
        "rule": one.rule,
        "digest": one.digest,
        "at": rfc3339(one.at),
        "on": one.on,
        "subject": one.subject,
        "facts": one.facts,
        "sentence": " ".join(one.published),
    }


def gap(one: Gap, event_id: str, seq: int, settings: Settings) -> Json:
    """`tally.gap`: promised events that were set aside; a consumer need not wait for them.

    The reason may be the broker's own words; then the sentence quotes them.
    """
    words = sentence(one.reason) if one.reason in SENTENCES else f"{sentence('parked')} ({one.reason})"
    return _head("tally.gap", event_id, seq, settings) | {
        "first": one.first,
        "last": one.last,
        "at": rfc3339(one.at),
        "reason": one.reason,
        "sentence": words,
    }
