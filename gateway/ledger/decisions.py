"""Decisions become rows: movements, alarms and excursions with their evidence, and every one an audit row.

The audit is a hash chain per gateway: hash = SHA-256(previous hash + canonical JSON of the decision), both as text;
the first row's previous hash is 64 zeros. A changed, missing or inserted row breaks it (`View.broken_audit`).
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import bindparam, insert, update
from sqlalchemy.exc import IntegrityError

from gateway.errors import TurnError
from gateway.ledger.sql import Turn, canonical
from gateway.ledger.tables import (
    alarm_changes,
    alarms,
    audit,
    excursion_lots,
    excursions,
    firings,
    lots,
    movement_items,
    movement_lines,
    movements,
)
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
    Movement,
    Passage,
    Rejection,
    Release,
    Transformation,
)

SCHEMA = 1
GENESIS = "0" * 64
"""What the first audit row follows."""

_SUBJECT: dict[type, tuple[str, Callable[[Any], str]]] = {
    Firing: ("firing", lambda it: str(it.rule)),
    Passage: ("passage", lambda it: str(it.passage)),
    Movement: ("movement", lambda it: str(it.movement)),
    AlarmChange: ("alarm", lambda it: str(it.alarm)),
    Excursion: ("excursion", lambda it: str(it.excursion)),
    DeviceCommand: ("command", lambda it: str(it.device)),
    Rejection: ("rejection", lambda it: str(it.source)),
    Gap: ("gap", lambda it: f"{it.first}-{it.last}"),
    Hold: ("hold", lambda it: str(it.hold)),
    Release: ("release", lambda it: str(it.release)),
    Transformation: ("transformation", lambda it: str(it.transformation)),
    Correction: ("correction", lambda it: str(it.erroneous.movement)),
}


_TYPES: dict[str, type] = {kind: type_ for type_, (kind, _) in _SUBJECT.items()}


def restored(kind: str, text: str) -> Decision:
    """The decision of an audit row, as it was made."""
    found: Decision = msgspec.convert(msgspec.json.decode(text)["decision"], _TYPES[kind], strict=False)
    return found


def link(previous: str, decision: str) -> str:
    """The hash of an audit row: of the one before, and of the decision's canonical JSON."""
    return sha256((previous + decision).encode()).hexdigest()


def record(
    turn: Turn,
    decisions: Iterable[Decision],
    events: Sequence[Event] = (),
    *,
    t: int,
    position: int,
    ordinal: int,
    last: str,
) -> tuple[int, str]:
    """Write decisions and their audit rows after audit row `ordinal` with hash `last`; the new ordinal and hash.

    A movement keeps the first of the `events` that tell it (CloudEvents subject: the movement's id).

    Raises:
        TurnError: a movement or excursion that is in the ledger already (it is never doubled).
    """
    told = {event.attributes.get("subject"): event for event in reversed(events)}
    for decision in decisions:
        kind, subject = _SUBJECT[type(decision)]
        text = canonical({"kind": kind, "schema": SCHEMA, "decision": decision})
        ordinal, previous, last = ordinal + 1, last, link(last, text)
        row = {
            "site": turn.site,
            "gateway": turn.gateway,
            "owner": turn.owner,
            "ordinal": ordinal,
            "t": t,
            "position": position,
            "kind": kind,
            "subject": subject(decision),
            "decision": text,
            "previous": previous,
            "hash": last,
        }
        turn.connection.execute(insert(audit), row)
        if isinstance(decision, Movement):
            _movement(turn, decision, last, position, told.get(decision.movement))
        elif isinstance(decision, AlarmChange):
            _alarm(turn, decision, last)
        elif isinstance(decision, Excursion):
            _excursion(turn, decision, last)
        elif isinstance(decision, Firing):
            _firing(turn, decision, last)
    return ordinal, last


def _movement(turn: Turn, movement: Movement, hash_: str, position: int, event: Event | None) -> None:
    evidence = {
        "schema": SCHEMA,
        "sscc_epc": movement.sscc_epc,
        "documents": movement.documents,
        "weight": movement.weight,
        "climate": movement.climate,
        "missing": movement.missing,
        "evidence": movement.evidence,
        "purpose": movement.purpose,
        "by": movement.by,
        "device": movement.device,
        "corrects": movement.corrects,
    }
    row = turn.origin | {
        "movement": movement.movement,
        "passage": movement.passage,
        "portal": movement.portal,
        "at": movement.at,
        "type": movement.type,
        "origin": movement.origin,
        "destination": movement.destination,
        "verdict": movement.verdict,
        "reasons": list(movement.reasons),
        "rules": list(movement.rules),
        "sscc": movement.sscc,
        "expectation": movement.expectation,
        "party": movement.party,
        "evidence": msgspec.to_builtins(evidence),
        "hash": hash_,
        "purpose": movement.purpose,
        "by": movement.by,
        "position": position,
        "event": event.id if event is not None else None,
        "seq": event.seq if event is not None else None,
    }
    try:
        turn.connection.execute(insert(movements), row)
    except IntegrityError:
        raise TurnError(
            f"movement {movement.movement} ({movement.passage}) is in the ledger already and is not entered twice; "
            "the journal position and the ledger disagree: keep both files and report this"
        ) from None
    if movement.lines:
        rows = [_line(turn, movement, number, line) for number, line in enumerate(movement.lines, start=1)]
        turn.connection.execute(insert(movement_lines), rows)
        _tags(turn, movement)
    if movement.type in ("receive", "return") and movement.verdict != "refused":
        for line in movement.lines:
            if line.gtin and line.lot:
                _learn(turn, line.gtin, line.lot, line.expiry)


def _tags(turn: Turn, movement: Movement) -> None:
    """Note every tag of the movement, in the order of the index it goes into."""
    lines = {epc: number for number, line in enumerate(movement.lines, start=1) for epc in line.epcs}
    key = {"site": turn.site, "movement": movement.movement}
    if lines:
        rows = [key | {"epc": epc, "line": number} for epc, number in sorted(lines.items())]
        turn.connection.execute(insert(movement_items), rows)


def _line(turn: Turn, movement: Movement, number: int, line: Line) -> dict[str, Any]:
    plain = ("gtin", "lot", "quantity", "unit", "resolved_by", "basis", "expiry", "expected", "prefix")
    key = {"site": turn.site, "movement": movement.movement, "line": number, "epcs": list(line.epcs)}
    return key | {name: getattr(line, name) for name in plain}


def _learn(turn: Turn, gtin: str, lot: str, expiry: str | None) -> None:
    """A lot that came in exists, announced or not; its expiry is taken from the line where none is known."""
    new = {"gtin": gtin, "lot": lot, "version": 0, "state": "known", "expiry": expiry, "seq": 0, "changed": turn.now}
    turn.connection.execute(turn.upsert(lots, update=()), turn.origin | new)
    if expiry is not None:
        of = {"of_site": turn.site, "of_gtin": gtin, "of_lot": lot}
        turn.connection.execute(_EXPIRES, of | {"now": turn.now, "date": expiry})


_LOT = tuple(lots.c[name] == bindparam(f"of_{name}") for name in ("site", "gtin", "lot"))
_EXPIRES = update(lots).where(*_LOT, lots.c.expiry.is_(None)).values(expiry=bindparam("date"), changed=bindparam("now"))
_STAMP = update(lots).where(*_LOT).values(seq=bindparam("last"), gateway=bindparam("by"))


def _alarm(turn: Turn, change: AlarmChange, hash_: str) -> None:
    lots_there = msgspec.to_builtins(change.lots)
    row = turn.origin | {
        "alarm": change.alarm,
        "source": change.source,
        "state": change.after,
        "priority": change.priority,
        "since": change.at,
        "raised": change.at if change.before == "normal" else None,
        "value": change.value,
        "limit": change.limit,
        "location": change.location,
        "detail": change.detail,
        "by": change.by,
        "lots": lots_there,
    }
    fresh = tuple(name for name in row if name not in ("site", "alarm", "raised"))
    # A first change that is not from normal (its beginning was before this ledger) still has a row, raised unknown.
    turn.connection.execute(turn.upsert(alarms, update=(*fresh, "raised") if row["raised"] else fresh), row)
    history = turn.origin | {
        "alarm": change.alarm,
        "at": change.at,
        "before": change.before,
        "after": change.after,
        "evidence": {"schema": SCHEMA} | msgspec.to_builtins(change),
        "hash": hash_,
    }
    turn.connection.execute(insert(alarm_changes), history)


def _excursion(turn: Turn, excursion: Excursion, hash_: str) -> None:
    plain = msgspec.structs.asdict(excursion)
    plain.pop("lots")
    row = turn.origin | plain | {"hash": hash_, "evidence": {"schema": SCHEMA} | msgspec.to_builtins(excursion)}
    try:
        turn.connection.execute(insert(excursions), row)
    except IntegrityError:
        raise TurnError(f"excursion {excursion.excursion} is in the ledger already and is not entered twice") from None
    if excursion.lots:
        key = {"site": turn.site, "excursion": excursion.excursion}
        rows = [
            key | {"ordinal": number} | msgspec.structs.asdict(lot)
            for number, lot in enumerate(excursion.lots, start=1)
        ]
        turn.connection.execute(insert(excursion_lots), rows)


def _firing(turn: Turn, firing: Firing, hash_: str) -> None:
    row = turn.origin | msgspec.to_builtins(firing) | {"hash": hash_}
    row.pop("published")
    turn.connection.execute(insert(firings), row)


def stamp_lots(turn: Turn, named: Iterable[tuple[str, str]], seq: int) -> None:
    """Note on each lot the last event that was about it: what its retained state says it reflects."""
    of = {"of_site": turn.site, "last": seq, "by": turn.gateway}
    rows = [of | {"of_gtin": gtin, "of_lot": lot} for gtin, lot in sorted(set(named))]
    if rows:
        turn.connection.execute(_STAMP, rows)
