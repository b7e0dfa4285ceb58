"""Documents from central: a downlink becomes a checked document, or a rejection that says what is wrong. Pure."""

from typing import Any, TypeVar
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from gateway.events.check import gtin_of
from gateway.identity import keys
from gateway.model.documents import (
    Asn,
    Commission,
    CommissionedLine,
    Document,
    ExpectedLine,
    ExpectedUnit,
    HoldOrder,
    Lot,
    Order,
    Policy,
    Portion,
    Production,
)
from gateway.model.outcome import Rejection
from gateway.rules.soundness import first, name_problem, problem_of

TYPES: dict[str, type[Document]] = {
    "asn": Asn,
    "order": Order,
    "lot": Lot,
    "commission": Commission,
    "production": Production,
    "hold": HoldOrder,
    "policy": Policy,
}
"""Documents by the segment after `down/`."""

SEGMENTS = {kind: 2 if kind == "lot" else 0 if kind == "policy" else 1 for kind in TYPES}
"""How many segments name a document of a kind."""

L = TypeVar("L", ExpectedLine, CommissionedLine)

_NAMES = {kind: type_.__struct_fields__ for kind, type_ in TYPES.items()}
_UNIT, _LINE, _ITEMS = (type_.__struct_fields__ for type_ in (ExpectedUnit, ExpectedLine, CommissionedLine))


class Announced(Struct, frozen=True):
    """A checked document, before its version is compared with the ledger's. `document` None: withdrawn.

    A very long one comes in parts, numbered from 0; `last` completes it.
    """

    kind: str
    id: str
    document: Document | None
    source: str
    at: int
    part: int = 0
    last: bool = True
    wants: tuple[str, ...] = ()  # what rules need to know beside the goods (`Questions.goods`)


def read_document(
    topic: str, payload: Any, text: str | None, at: int, *, part: int = 0, last: bool = True
) -> Announced | Rejection:
    """Read what arrived on `topic` (`down/asn/A1`, without prefix and site)."""

    def reject(reason: str, detail: str) -> Rejection:
        return Rejection(source=topic, at=at, reason=reason, detail=detail)

    segments = [unquote(segment) for segment in topic.split("/")]
    kind = segments[1] if len(segments) > 1 else ""
    if segments[0] != "down" or kind not in TYPES or len(segments) != 2 + SEGMENTS[kind]:
        return reject(
            "unknown_topic",
            f"{topic} is none of down/asn/ID, down/order/ID, down/lot/GTIN/LOT, down/commission/ID, "
            "down/production/ID, down/hold/ID, down/policy",
        )
    if problem := first(name_problem("the topic", name) for name in segments[2:]):
        return reject("bad_document", problem)
    if kind == "lot" and keys.gtin_problem(segments[2]) is None:
        segments[2] = keys.gtin14(segments[2])  # one lot has one id, however its GTIN is written
    ident = "/".join(segments[2:])
    if text is not None:
        return reject("bad_document", f"the payload is not JSON: {text[:80]!r}")
    if payload is None:
        return Announced(kind, ident, None, topic, at)
    try:
        document: Document = msgspec.convert(_whole(kind, segments[2:], payload), TYPES[kind], strict=True)
    except (msgspec.ValidationError, ValueError) as error:
        return reject("bad_document", str(error))
    problem = _named(document, kind, ident) or problem_of(document)
    if problem:
        return reject("bad_document", problem)
    return Announced(kind, ident, _tidy(document), topic, at, part, last)


def _whole(kind: str, ids: list[str], payload: Any) -> Any:
    """The payload with what its topic says and with every key that no field has kept in `extra` (lots: attributes)."""
    if not isinstance(payload, dict):
        return payload
    if kind == "lot":  # its topic names it; the body need not say so again
        payload = {"gtin": ids[0], "lot": ids[1]} | payload
        own = payload.get("attributes")
        odd = {name: value for name, value in payload.items() if name not in _NAMES["lot"]}
        if odd and (own is None or isinstance(own, dict)):
            payload = payload | {"attributes": odd | (own or {})}
        return payload
    if kind == "commission" and payload.get("type") == "ObjectEvent":
        payload = _commissioning(ids[0], payload)
    payload = _kept(payload, _NAMES[kind])
    units, lines = payload.get("units"), payload.get("lines")
    if isinstance(units, list) and kind in ("asn", "order"):
        payload["units"] = [_unit(unit) for unit in units]
    if isinstance(lines, list) and kind == "commission":
        payload["lines"] = [_kept(line, _ITEMS) for line in lines]
    if kind in ("production", "hold"):
        payload = {kind: ids[0]} | payload  # its topic names it
    return payload


def _unit(unit: Any) -> Any:
    unit = _kept(unit, _UNIT)
    if isinstance(unit, dict) and isinstance(unit.get("lines"), list):
        unit["lines"] = [_kept(line, _LINE) for line in unit["lines"]]
    return unit


def _kept(value: Any, names: tuple[str, ...]) -> Any:
    """A copy of an object in which keys that no field has stand in `extra`."""
    if not isinstance(value, dict):
        return value
    odd = {name: one for name, one in value.items() if name not in names or name == "extra"}
    kept = {name: one for name, one in value.items() if name not in odd}
    return kept | {"extra": odd} if odd else kept


def _commissioning(ident: str, event: dict[str, Any]) -> dict[str, Any]:
    """An EPCIS commissioning event (ObjectEvent ADD with `ilmd`) as a commissioning list.

    Raises:
        ValueError: without a lot number, or with an item that is neither SGTIN nor raw EPC.
    """
    ilmd = event.get("ilmd")
    lot = ilmd.get("cbvmda:lotNumber") if isinstance(ilmd, dict) else None
    if event.get("action") != "ADD" or not isinstance(ilmd, dict) or not isinstance(lot, str):
        raise ValueError("an EPCIS event here commissions: action ADD, with ilmd and its cbvmda:lotNumber")
    serials: dict[str, list[str]] = {}
    for uri in event.get("epcList") or ():
        gtin = gtin_of(uri) if isinstance(uri, str) else None
        if gtin is None:
            raise ValueError(f"$.epcList: {str(uri)[:80]!r} is no SGTIN")
        serial = uri.partition("/21/")[2] if "/21/" in uri else uri.split(".", 2)[2]
        serials.setdefault(gtin, []).append(unquote(serial))
    more = {"expiry": ilmd["cbvmda:itemExpirationDate"]} if "cbvmda:itemExpirationDate" in ilmd else {}
    lines = [{"gtin": gtin, "lot": lot, "serials": found} | more for gtin, found in sorted(serials.items())]
    version = event.get("tally:version", 1)
    return {"commission": ident, "version": version, "lines": lines, "eventID": event.get("eventID")}


def _named(document: Document, kind: str, ident: str) -> str | None:
    """Whether topic and document name the same thing."""
    own = _own_id(document)
    return None if own == ident else f"the topic says {kind} {ident!r}, the document says {own!r}"


def _own_id(document: Document) -> str:
    match document:
        case Asn():
            return document.asn
        case Order():
            return document.order
        case Commission():
            return document.commission
        case Production():
            return document.production
        case HoldOrder():
            return document.hold
        case Policy():
            return ""
    gtin = document.gtin if keys.gtin_problem(document.gtin) else keys.gtin14(document.gtin)
    return f"{gtin}/{document.lot}"


def _tidy(document: Document) -> Document:
    """GTINs as GTIN-14 and tags in upper case, the only forms used inside."""
    match document:
        case Lot() | HoldOrder():
            return msgspec.structs.replace(document, gtin=keys.gtin14(document.gtin))
        case Asn() | Order():
            units = tuple(
                msgspec.structs.replace(unit, lines=tuple(_line(line) for line in unit.lines))
                for unit in document.units
            )
            return msgspec.structs.replace(document, units=units)
        case Commission():
            return msgspec.structs.replace(document, lines=tuple(_line(line) for line in document.lines))
        case Production():
            sides = ([_portion(one) for one in side] for side in (document.inputs, document.outputs))
            inputs, outputs = (tuple(side) for side in sides)
            return msgspec.structs.replace(document, inputs=inputs, outputs=outputs)
    return document


def _line(line: L) -> L:
    epcs = tuple(epc.upper() for epc in line.epcs)
    return msgspec.structs.replace(line, gtin=keys.gtin14(line.gtin), epcs=epcs)


def _portion(portion: Portion) -> Portion:
    return msgspec.structs.replace(portion, gtin=keys.gtin14(portion.gtin))
