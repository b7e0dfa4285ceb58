"""Movements as EPCIS 2.0 JSON-LD events (GS1 EPCIS 2.0.1 §10, CBV 2.0), keys in the models' order.

Two rules that the schema does not know: an item never stands both by its SGTIN and in a quantity list, and contents
that were trusted from a document may only be listed under an aggregation.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from gateway.events import measures, places
from gateway.events.splitting import evidence
from gateway.identity.keys import escape_link
from gateway.model.movements import Line, Movement
from gateway.model.quantity import SCALE
from gateway.model.settings import Settings

Json = dict[str, Any]

CONTEXT = ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"tally": places.NAMESPACE}]
"""`@context` of every event."""

TRANSACTIONS = frozenset(
    (
        "bol",
        "cert",
        "desadv",
        "inv",
        "pedigree",
        "po",
        "poc",
        "prodorder",
        "recadv",
        "rma",
        "testprd",
        "testres",
        "upevt",
    )
)
"""Business transaction types of CBV 2.0 §7.3."""


class Step(Struct, frozen=True):
    """What EPCIS calls a type of movement: topic kind, bizStep, disposition, and whose place the goods end in."""

    kind: str
    biz_step: str
    disposition: str
    rests: bool  # whether there is a bizLocation afterwards


STEPS = {
    "receive": Step("receipt", "receiving", "sellable_not_accessible", True),
    "return": Step("receipt", "receiving", "returned", True),
    "ship": Step("shipment", "shipping", "in_transit", False),
    "transfer": Step("movement", "storing", "sellable_not_accessible", True),
    "count": Step("count", "cycle_counting", "sellable_not_accessible", True),
}
"""By movement type (gs1 CBV 2.0 §7.1, §7.2)."""

DESTROYED = Step("shipment", "destroying", "destroyed", False)
"""Goods that a person disposed of: they left the world, not the site (action DELETE)."""


def step_of(movement: Movement) -> Step:
    """What EPCIS calls this movement."""
    return DESTROYED if movement.purpose == "disposal" and movement.by else STEPS[movement.type]


@lru_cache(maxsize=8)
def _zone(timezone: str) -> ZoneInfo:
    return ZoneInfo(timezone)


def offset(us: int, timezone: str) -> str:
    """The site's UTC offset at an instant (µs) as `+01:00`.

    The only thing here that is not in its arguments is the time zone database of the machine, read once per zone;
    the configuration has checked that the zone exists.

    Raises:
        ZoneInfoNotFoundError: no such zone on this machine.
    """
    instant = datetime.fromtimestamp(us // 1_000_000, tz=UTC).astimezone(_zone(timezone))
    text = instant.strftime("%z")
    return f"{text[:3]}:{text[3:5]}"


def head(type_: str, event_id: str, at: int, settings: Settings) -> Json:
    """What every event begins with."""
    return {
        "@context": CONTEXT,
        "type": type_,
        "eventID": f"urn:uuid:{event_id}",
        "eventTime": measures.milliseconds(at),
        "eventTimeZoneOffset": offset(at, settings.timezone),
    }


def tail(event: Json, settings: Settings, seq: int) -> Json:
    """Who sends it, with which number."""
    event["tally:gateway"] = settings.gateway
    event["tally:seq"] = seq
    return event


def classes(amounts: Iterable[tuple[str | None, int, str]]) -> list[Json]:
    """Quantity elements of (class, thousandths, unit), one per class and unit; what EPCIS cannot say is left out."""
    sums: dict[tuple[str, str], int] = {}
    for epc_class, quantity, unit in amounts:
        if epc_class is not None and quantity > 0 and measures.has_uom(unit):
            sums[epc_class, unit] = sums.get((epc_class, unit), 0) + quantity
    elements = []
    for (epc_class, unit), quantity in sums.items():
        element: Json = {"epcClass": epc_class, "quantity": measures.number(quantity)}
        if (code := measures.uom(unit)) is not None:
            element["uom"] = code
        elements.append(element)
    return elements


def _line_classes(lines: tuple[Line, ...]) -> list[Json]:
    """The quantity list of a movement: only goods that no tag of their own speaks for."""
    return classes(
        (places.lot_class(line.gtin, line.lot, line.prefix), untagged(line), line.unit)
        for line in lines
        if line.basis == "class"
    )


def untagged(line: Line) -> int:
    """What of a line (thousandths) is not already listed by tag; 0 where tags and unit cannot be compared."""
    if not line.epcs:
        return line.quantity
    return line.quantity - len(line.epcs) * SCALE if line.unit == "each" else 0


def lot_quantities(movement: Movement) -> list[Json]:
    """`tally:lotQuantityList`: the movement's lines as central counts them, one to one."""
    return [lot_quantity(line, line.status or movement.status, movement.arrives) for line in movement.lines]


def lot_quantity(line: Line, status: str, arrives: str | None = None) -> Json:
    """A line of `tally:lotQuantityList`. What arrives in another status than it left in says both."""
    entry: Json = {}
    if (epc_class := places.lot_class(line.gtin, line.lot, line.prefix)) is not None:
        entry["tally:epcClass"] = epc_class
    entry["tally:gtin"] = line.gtin or ""
    entry["tally:lot"] = line.lot or ""
    entry["tally:quantity"] = measures.number(line.quantity)
    if (code := measures.uom(line.unit)) is not None:
        entry["tally:uom"] = code
    elif line.unit != "each":
        entry["tally:unit"] = line.unit
    entry["tally:basis"] = line.basis
    entry["tally:resolvedBy"] = line.resolved_by
    if line.expiry is not None:
        entry["tally:itemExpirationDate"] = line.expiry
    if line.expected is not None:
        entry["tally:expectedQuantity"] = measures.number(line.expected)
    entry["tally:status"] = arrives or status
    if arrives is not None and arrives != status:
        entry["tally:statusBefore"] = status
    return entry


def movement_event(movement: Movement, event_id: str, seq: int, settings: Settings) -> Json:
    """The EPCIS event of an accepted or held movement.

    A receipt on a logistic unit is an AggregationEvent OBSERVE that lists what is on it; every other movement is an
    ObjectEvent OBSERVE of the unit alone (its contents were told by the receipt), or of the items.
    """
    step = step_of(movement)
    parent = places.unit(movement)
    epcs = places.items(movement.lines, besides=parent)
    amounts = _line_classes(movement.lines)
    aggregated = step.kind == "receipt" and parent is not None and bool(epcs or amounts)
    event = head("AggregationEvent" if aggregated else "ObjectEvent", event_id, movement.at, settings)
    if aggregated:
        event["parentID"] = parent
        if epcs:
            event["childEPCs"] = epcs
        if amounts:
            event["childQuantityList"] = amounts
    elif parent is not None:
        event["epcList"] = [parent]
    else:
        event["epcList"] = epcs
        if amounts:
            event["quantityList"] = amounts
    event["action"] = "DELETE" if step is DESTROYED else "OBSERVE"
    event["bizStep"] = step.biz_step
    event["disposition"] = "non_sellable_other" if movement.verdict == "held" else step.disposition
    if marks := _persistent(movement, aggregated and bool(amounts)):
        event["persistentDisposition"] = {"set": marks}
    event["readPoint"] = {"id": places.place(settings, movement.portal)}
    if step.rests and movement.destination is not None:
        event["bizLocation"] = {"id": places.place(settings, movement.destination)}
    if transactions := _transactions(movement, settings):
        event["bizTransactionList"] = transactions
    _parties(event, movement, settings)
    elements, others = measures.movement_sensors(settings, movement)
    if elements:
        event["sensorElementList"] = elements
    tail(event, settings, seq)
    event["tally:movement"] = _summary(movement)
    if step.kind == "receipt":
        event["tally:receipt"] = _receipt(movement)
    elif parent is not None:
        event["tally:contentBasis"] = "aggregation"
    event["tally:lotQuantityList"] = lot_quantities(movement)
    if others:
        event["tally:measurements"] = others
    return event


def _persistent(movement: Movement, trusted: bool) -> list[str]:
    """What the goods keep as marks (CBV 2.0 §7.2): contents trusted from a document; more or less than announced."""
    marks = ["completeness_inferred"] if trusted else []
    if {"short", "over"} & set(movement.reasons):
        marks.append("mismatch_quantity")
    return marks


def _transactions(movement: Movement, settings: Settings) -> list[Json]:
    """The business documents, each once; the announcement itself first when its documents do not name it."""
    named = [(reference.type, reference.id) for reference in movement.documents]
    kind, _, id_ = (movement.expectation or "").partition("/")
    type_ = {"asn": "desadv", "order": "po"}.get(kind)
    if type_ is not None and id_ and type_ not in [name for name, _ in named]:
        named.insert(0, (type_, id_))
    return documents(named, settings)


def documents(named: list[tuple[str, str]], settings: Settings) -> list[Json]:
    """Business documents by type and id, each once."""
    return [
        {
            "type": type_ if type_ in TRANSACTIONS else places.own("btt", type_),
            "bizTransaction": places.transaction(settings, id_),
        }
        for type_, id_ in dict.fromkeys(named)
    ]


def _parties(event: Json, movement: Movement, settings: Settings) -> None:
    """Source and destination of goods that come from or go to a business partner, as far as they are known."""
    kind = STEPS[movement.type].kind
    if kind not in ("receipt", "shipment") or step_of(movement) is DESTROYED:
        return
    partner = places.party(movement.party) if movement.party else None
    theirs = [("owning_party", partner)] if partner else []
    ours: list[tuple[str, str]] = []
    if (us := places.own_party(settings)) is not None:
        rest = movement.destination if kind == "receipt" else movement.origin
        ours.append(("owning_party" if kind == "receipt" else "possessing_party", us))
        if rest is not None:
            ours.append(("location", places.place(settings, rest)))
    source, destination = (theirs, ours) if kind == "receipt" else (ours, theirs)
    if source:
        event["sourceList"] = [{"type": type_, "source": uri} for type_, uri in source]
    if destination:
        event["destinationList"] = [{"type": type_, "destination": uri} for type_, uri in destination]
    if movement.party and partner is None:
        event["tally:party"] = movement.party


def _summary(movement: Movement) -> Json:
    summary: Json = {
        "tally:id": movement.movement,
        "tally:type": movement.type,
        "tally:from": movement.origin,
        "tally:to": movement.destination,
        "tally:verdict": movement.verdict,
        "tally:reasons": list(movement.reasons),
        "tally:passage": movement.passage,
        "tally:portal": movement.portal,
    }
    if movement.part is not None:
        summary["tally:part"] = {"tally:number": movement.part[0], "tally:of": movement.part[1]}
    if movement.purpose:
        summary["tally:purpose"] = movement.purpose
    if movement.by:
        summary["tally:by"] = movement.by
    if movement.device:
        summary["tally:device"] = movement.device
    if movement.corrects is not None:
        summary["tally:corrects"] = movement.corrects
    if movement.sscc is not None:
        summary["tally:sscc"] = movement.sscc
    if movement.expectation is not None:
        summary["tally:expectation"] = movement.expectation
    if movement.rules:
        summary["tally:rules"] = list(movement.rules)
    if movement.evidence:
        summary["tally:evidence"] = extension(evidence(movement))
    return summary


def extension(value: Any) -> Any:
    """Free JSON as an extension: every key under our prefix, sorted, so that JSON-LD keeps it and bytes agree."""
    if isinstance(value, dict):
        return {f"tally:{escape_link(str(key))}": extension(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, list | tuple):
        return [item if type(item) in _PLAIN else extension(item) for item in value]
    return value


_PLAIN = {str, int, float, bool, type(None)}


def _receipt(movement: Movement) -> Json:
    receipt: Json = {"tally:asnMatch": movement.reasons[0] if movement.reasons else "matched"}
    weight = movement.weight
    if weight is not None and weight.expected is not None:
        expected = measures.kilograms(weight.expected, weight.unit)
        if expected is not None:
            receipt["tally:expectedGrossWeightKg"] = expected
    if weight is not None and weight.deviation_pct is not None:
        receipt["tally:weightDeviationPct"] = weight.deviation_pct
    receipt["tally:missingEpcCount"] = len(movement.missing)
    return receipt
