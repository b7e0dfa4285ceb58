"""Outcome lines: one JSON object per decision, keys in the order of DESIGN §6, times RFC 3339 UTC microseconds. Pure.

These lines are what `tallyman replay --json` prints and what golden files hold: same inputs, same bytes.
"""

from typing import Any

import msgspec

from gateway.model.outcome import (
    AlarmChange,
    Correction,
    Decision,
    DeviceCommand,
    Event,
    Excursion,
    Firing,
    Gap,
    Hold,
    Line,
    LotMinutes,
    Movement,
    Passage,
    Rejection,
    Release,
    Transformation,
)
from gateway.model.quantity import format_quantity
from gateway.model.times import rfc3339

_encode = msgspec.json.Encoder(order=None).encode


def outcome_line(decision: Decision) -> bytes:
    """The outcome line of a decision, without the line feed."""
    return _encode(_form(decision))


def event_line(event: Event) -> bytes:
    """The outcome line of an event: its bytes as they are sent, with seq and topic."""
    head = _encode({"kind": "event", "seq": event.seq, "topic": event.topic})
    return head[:-1] + b',"event":' + event.body + b"}"


def _form(decision: Decision) -> dict[str, Any]:
    match decision:
        case Passage():
            return {
                "kind": "passage",
                "passage": decision.passage,
                "portal": decision.portal,
                "opened": rfc3339(decision.opened),
                "closed": rfc3339(decision.closed),
                "direction": decision.direction,
                "confidence": decision.confidence,
                "moved": decision.moved,
                "strays": decision.strays,
                "missing": decision.missing,
                "inferred": decision.inferred,
                "evidence": decision.evidence,
            }
        case Movement():
            return _movement(decision)
        case AlarmChange():
            return {
                "kind": "alarm",
                "alarm": decision.alarm,
                "source": decision.source,
                "at": rfc3339(decision.at),
                "from": decision.before,
                "to": decision.after,
                "priority": decision.priority,
                "value": decision.value,
                "limit": decision.limit,
            }
        case Excursion():
            return {
                "kind": "excursion",
                "excursion": decision.excursion,
                "location": decision.location,
                "start": rfc3339(decision.start),
                "end": rfc3339(decision.end),
                "min": decision.min,
                "max": decision.max,
                "mean": decision.mean,
                "lots": [{"gtin": lot.gtin, "lot": lot.lot, "minutes": lot.minutes} for lot in decision.lots],
            }
        case DeviceCommand():
            return {
                "kind": "command",
                "device": decision.device,
                "name": decision.name,
                "args": decision.args,
                "at": rfc3339(decision.at),
                "valid_until": rfc3339(decision.valid_until),
            }
        case Hold():
            lots = [{"gtin": lot.gtin, "lot": lot.lot, "minutes": lot.minutes} for lot in decision.lots]
            return _said(_timed("hold", decision) | {"lots": lots})
        case Release():
            return _said(_timed("release", decision) | {"lots": _amounts(decision.lots)})
        case Transformation():
            sides = {"inputs": decision.inputs, "outputs": decision.outputs}
            return _timed("transformation", decision) | {
                name: [_line(line) for line in lines] for name, lines in sides.items()
            }
        case Correction():
            return {
                "kind": "correction",
                "correction": decision.correction,
                "at": rfc3339(decision.at),
                "movement": decision.erroneous.movement,
                "by_movement": decision.by_movement.movement,
                "reason": decision.reason,
            }
        case Rejection():
            return _timed("exception", decision)
        case Firing():
            return _timed("firing", decision)
        case Gap():
            return _timed("gap", decision)


def _amounts(lots: tuple[LotMinutes, ...]) -> list[dict[str, Any]]:
    return [
        {"gtin": lot.gtin, "lot": lot.lot, "quantity": format_quantity(lot.quantity), "unit": lot.unit} for lot in lots
    ]


def _said(form: dict[str, Any]) -> dict[str, Any]:
    """Without what nobody said: a hold by the rules has no person, device or words."""
    return {name: value for name, value in form.items() if value or name not in ("by", "device", "note", "everywhere")}


def _timed(kind: str, decision: Hold | Release | Transformation | Firing | Rejection | Gap) -> dict[str, Any]:
    """The plain form: the decision's own fields in their order, its instant as text."""
    return {"kind": kind} | msgspec.structs.asdict(decision) | {"at": rfc3339(decision.at)}


def _movement(movement: Movement) -> dict[str, Any]:
    weight = movement.weight
    return {
        "kind": "movement",
        "movement": movement.movement,
        "passage": movement.passage,
        "at": rfc3339(movement.at),
        "type": movement.type,
        "from": movement.origin,
        "to": movement.destination,
        "verdict": movement.verdict,
        "reasons": movement.reasons,
        "rules": movement.rules,
        "lines": [_line(line) for line in movement.lines],
        "sscc": movement.sscc,
        "expectation": movement.expectation,
        "weight": None if weight is None else msgspec.structs.asdict(weight) | {"at": rfc3339(weight.at)},
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "gtin": line.gtin,
        "lot": line.lot,
        "expiry": line.expiry,
        "quantity": format_quantity(line.quantity),
        "unit": line.unit,
        "resolved_by": line.resolved_by,
        "epcs": line.epcs,
    }
