"""Production and corrections as EPCIS 2.0 events.

A transformation is a TransformationEvent (EPCIS 2.0.1 §7.4.6): what went in, what came out. A correction is the first
event again with an `errorDeclaration` (§7.4.1.4) and an id of its own, followed by the event that is right. It says
`tally:erroneousEventID`; docs/decisions/0012 has the reason.
"""

from collections.abc import Sequence

from gateway.events import measures, places
from gateway.events.epcis import Json, classes, documents, head, lot_quantity, movement_event, tail, untagged
from gateway.model.movements import Line, Movement
from gateway.model.outcome import Transformation
from gateway.model.settings import Settings


def transformation_event(one: Transformation, event_id: str, seq: int, settings: Settings) -> Json:
    """The EPCIS event of a production: raw lots out of stock, product lots into it."""
    event = head("TransformationEvent", event_id, one.at, settings)
    event["transformationID"] = f"urn:uuid:{one.transformation}"
    if epcs := places.items(one.inputs):
        event["inputEPCList"] = epcs
    for name, lines in (("inputQuantityList", one.inputs), ("outputQuantityList", one.outputs)):
        if amounts := _amounts(lines):
            event[name] = amounts
    event["bizStep"] = "creating_class_instance"
    event["disposition"] = "active"
    event["readPoint"] = {"id": places.place(settings, one.location)}
    event["bizLocation"] = {"id": places.place(settings, one.location)}
    named = [(reference.type, reference.id) for reference in one.documents]
    named += [("prodorder", one.production)] if one.production is not None else []
    if listed := documents(named, settings):
        event["bizTransactionList"] = listed
    tail(event, settings, seq)
    event["tally:transformation"] = {
        "tally:id": one.transformation,
        "tally:location": one.location,
        "tally:production": one.production,
        "tally:by": one.by,
        "tally:device": one.device,
    }
    event["tally:inputLotQuantityList"] = [lot_quantity(line, "available") for line in one.inputs]
    event["tally:outputLotQuantityList"] = [lot_quantity(line, "available") for line in one.outputs]
    return event


def _amounts(lines: Sequence[Line]) -> list[Json]:
    """Quantities of goods that no tag of their own speaks for."""
    return classes((places.lot_class(line.gtin, line.lot, line.prefix), untagged(line), line.unit) for line in lines)


def correction_event(
    movement: Movement,
    event_id: str,
    seq: int,
    settings: Settings,
    *,
    erroneous: str,
    corrective: Sequence[str],
    at: int,
    reason: str,
) -> Json:
    """The declaration that the event `erroneous` of this movement was wrong; `corrective` take its place."""
    event = movement_event(movement, event_id, seq, settings)
    event["errorDeclaration"] = {
        "declarationTime": measures.milliseconds(at),
        "reason": reason,
        "correctiveEventIDs": [f"urn:uuid:{one}" for one in corrective],
    }
    event["tally:erroneousEventID"] = f"urn:uuid:{erroneous}"
    return event
