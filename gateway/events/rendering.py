"""A decision becomes an event: final bytes, rendered once, before the commit, and never again (DESIGN §4, Ids)."""

from typing import Any

from msgspec import Struct, json, structs

from gateway.events import epcis, holding, making, notices
from gateway.events.envelope import EPCIS_TYPE, OWN_TYPE, attributes, source
from gateway.events.ids import event_id
from gateway.events.splitting import parts
from gateway.events.topics import event_topic
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
    Movement,
    Passage,
    Rejection,
    Release,
    Transformation,
)
from gateway.model.settings import Settings
from gateway.model.times import rfc3339

_encode = json.Encoder().encode


class _Draft(Struct, frozen=True):
    """What an event is about, before it has a body."""

    kind: str
    place: str
    subject: str  # CloudEvents subject
    key: str  # what makes the id: unique per kind with `ordinal`
    ordinal: int
    at: int


def render(decision: Decision, seq: int, settings: Settings) -> Event | None:
    """The event of a decision, as outbox row; None for what is no event (Passage, DeviceCommand).

    Pure but for the machine's time zone database (the site's UTC offset). `seq` is the gateway's running number.

    Raises:
        ZoneInfoNotFoundError: the site's time zone does not exist on this machine (the configuration checks it).
    """
    match decision:
        case Passage() | DeviceCommand():
            return None
        case Firing(published=()):
            return None
        case Firing():
            draft = _Draft(
                "notice", decision.place, decision.rule, f"{decision.rule}/{decision.subject}", seq, decision.at
            )
            return _own(draft, notices.notice(decision, _id(draft, settings), seq, settings), settings)
        case Movement(verdict="refused"):
            draft = _movement_draft("exception", decision)
            return _own(draft, notices.refusal(decision, _id(draft, settings), seq, settings), settings)
        case Movement():
            draft = _movement_draft(epcis.step_of(decision).kind, decision)
            return _epcis(draft, epcis.movement_event(decision, _id(draft, settings), seq, settings), settings)
        case Excursion():
            draft = _Draft("excursion", decision.location, decision.excursion, decision.excursion, 0, decision.end)
            return _epcis(draft, holding.excursion_event(decision, _id(draft, settings), seq, settings), settings)
        case Hold():
            place = decision.location or settings.site
            draft = _Draft("hold", place, decision.hold, decision.hold, 0, decision.at)
            return _epcis(draft, holding.hold_event(decision, _id(draft, settings), seq, settings), settings)
        case Release():
            draft = _Draft("release", decision.location, decision.release, decision.release, 0, decision.at)
            return _epcis(draft, holding.release_event(decision, _id(draft, settings), seq, settings), settings)
        case Transformation():
            ident = decision.transformation
            draft = _Draft("transformation", decision.location, ident, ident, 0, decision.at)
            return _epcis(draft, making.transformation_event(decision, _id(draft, settings), seq, settings), settings)
        case Correction():
            return _correction(decision, decision.erroneous, seq, settings)
        # The same alarm, source or gap may speak again in the same microsecond; seq keeps their ids apart.
        case AlarmChange():
            key = f"{decision.alarm}/{decision.after}/{decision.at}"
            draft = _Draft("alarm", decision.location or decision.source, decision.alarm, key, seq, decision.at)
            return _own(draft, notices.alarm(decision, _id(draft, settings), seq, settings), settings)
        case Rejection():
            key = f"{decision.source}/{decision.reason}/{decision.at}"
            draft = _Draft("exception", _root(decision.source), decision.source, key, seq, decision.at)
            return _own(draft, notices.rejection(decision, _id(draft, settings), seq, settings), settings)
        case Gap():
            span = f"{decision.first}-{decision.last}"
            draft = _Draft("gap", settings.gateway, span, f"{span}/{decision.at}", seq, decision.at)
            return _own(draft, notices.gap(decision, _id(draft, settings), seq, settings), settings)


def render_all(decision: Decision, seq: int, settings: Settings) -> list[Event]:
    """Every event of a decision, numbered from `seq` on: none, one, or the parts of a very large movement.

    Raises:
        ZoneInfoNotFoundError: as `render`.
    """
    if isinstance(decision, Correction):
        wrong = parts(decision.erroneous)
        return [_correction(decision, part, seq + number, settings) for number, part in enumerate(wrong)]
    told: tuple[Decision, ...] = (decision,)
    if isinstance(decision, Movement) and decision.verdict != "refused":
        told = parts(decision)
    rendered = (render(one, seq + number, settings) for number, one in enumerate(told))
    return [event for event in rendered if event is not None]


def _correction(one: Correction, part: Movement, seq: int, settings: Settings) -> Event:
    """The error declaration of one event of a movement; all events of the right movement take its place."""
    first = _movement_draft(epcis.step_of(part).kind, part)
    drafts = [_movement_draft(epcis.step_of(right).kind, right) for right in parts(one.by_movement)]
    draft = structs.replace(first, kind="correction", key=one.correction, subject=one.correction)
    body = making.correction_event(
        part,
        _id(draft, settings),
        seq,
        settings,
        erroneous=_id(first, settings),
        corrective=[_id(right, settings) for right in drafts],
        at=one.at,
        reason=one.reason,
    )
    return _epcis(draft, body, settings)


def _movement_draft(kind: str, movement: Movement) -> _Draft:
    ordinal = movement.part[0] - 1 if movement.part is not None else 0
    return _Draft(kind, movement.portal, movement.movement, movement.movement, ordinal, movement.at)


def _root(source_: str) -> str:
    """The first part of a rejection's source (`dock-1/1795…` → `dock-1`, `down/asn/A1` → `down`): topics stay few."""
    return source_.partition("/")[0] or "unknown"


def _id(draft: _Draft, settings: Settings) -> str:
    return event_id(settings.site, settings.gateway, draft.kind, draft.key, draft.ordinal)


def _epcis(draft: _Draft, body: dict[str, Any], settings: Settings) -> Event:
    return _event(draft, body, f"org.gs1.epcis.{body['type']}", body["eventTime"], EPCIS_TYPE, settings)


def _own(draft: _Draft, body: dict[str, Any], settings: Settings) -> Event:
    return _event(draft, body, body["type"], rfc3339(draft.at), OWN_TYPE, settings)


def _event(draft: _Draft, body: dict[str, Any], type_: str, time: str, content: str, settings: Settings) -> Event:
    seq: int = body["tally:seq"]
    identity = _id(draft, settings)
    return Event(
        seq=seq,
        id=identity,
        kind=draft.kind,
        topic=event_topic(settings.topic_prefix, settings.site, draft.kind, draft.place),
        content_type=content,
        attributes=attributes(
            id=identity,
            source=source(settings.site, settings.gateway),
            type=type_,
            time=time,
            subject=draft.subject,
            seq=seq,
            content=content,
        ),
        body=_encode(body),
    )
