"""Goods that rest as EPCIS 2.0 events: excursions, holds, and the word of a person that ends or settles them.

A hold is `holding` with `non_sellable_other` (CBV 2.0 §7.1, §7.2: "pending further evaluation"). A release is
`inspecting` with `conformant`, a rejection `inspecting` with `non_conformant`.
"""

from gateway.events import measures, places
from gateway.events.epcis import Json, classes, head, lot_quantity, tail
from gateway.model.movements import Line
from gateway.model.outcome import Excursion, Hold, LotMinutes, Release
from gateway.model.settings import Settings


def excursion_event(excursion: Excursion, event_id: str, seq: int, settings: Settings) -> Json:
    """The EPCIS event of an excursion.

    Only when it puts goods on hold does it list them (`holding`, `non_sellable_other`: the lots that are still there);
    else it is a sensor's report from a place, and the lots stand in `tally:excursion` alone.
    """
    event = _resting(excursion.lots if excursion.hold else (), event_id, excursion.end, excursion.location, settings)
    event["sensorElementList"] = [measures.excursion_sensors(settings, excursion)]
    tail(event, settings, seq)
    _, code = measures.CLIMATE.get((excursion.quantity, excursion.unit), ("", excursion.unit))
    event["tally:excursion"] = {
        "tally:excursionId": excursion.excursion,
        "tally:alarm": excursion.alarm,
        "tally:location": excursion.location,
        "tally:sensor": excursion.sensor,
        "tally:hold": excursion.hold,
        "tally:upperLimit" if excursion.side == "high" else "tally:lowerLimit": excursion.limit,
        "tally:uom": code,
        "tally:state": "closed",
        "tally:lots": [
            {"tally:gtin": lot.gtin, "tally:lot": lot.lot, "tally:minutes": lot.minutes} for lot in excursion.lots
        ],
    }
    if excursion.hold:
        event["tally:lotQuantityList"] = _standing(excursion.lots, "hold")
    return event


def hold_event(hold: Hold, event_id: str, seq: int, settings: Settings) -> Json:
    """The EPCIS event of a hold: these lots may not move from where they stand until a person releases them."""
    rejected = hold.reason == "rejected"
    words = ("inspecting", "non_conformant") if rejected else ("holding", "non_sellable_other")
    event = _stated(hold.lots, event_id, hold.at, hold.location, settings, words)
    tail(event, settings, seq)
    event["tally:hold"] = {
        "tally:holdId": hold.hold,
        "tally:location": hold.location,
        "tally:reason": hold.reason,
        "tally:source": hold.source,
    } | _said(hold)
    if hold.everywhere:
        event["tally:hold"]["tally:everywhere"] = True
    event["tally:lotQuantityList"] = _standing(hold.lots, "hold")
    return event


def release_event(release: Release, event_id: str, seq: int, settings: Settings) -> Json:
    """The EPCIS event of a release: what stands of these lots there is available again."""
    words = ("inspecting", "conformant")
    event = _stated(release.lots, event_id, release.at, release.location, settings, words)
    tail(event, settings, seq)
    event["tally:release"] = {
        "tally:releaseId": release.release,
        "tally:location": release.location,
        "tally:reason": release.reason,
        "tally:source": release.source,
    } | _said(release)
    event["tally:lotQuantityList"] = _standing(release.lots, "available")
    return event


def _said(one: Hold | Release) -> Json:
    """Who said so, with what, and why in their words."""
    said = (("tally:by", one.by), ("tally:device", one.device), ("tally:note", one.note))
    return {name: value for name, value in said if value}


def _stated(
    lots: tuple[LotMinutes, ...], event_id: str, at: int, location: str, settings: Settings, words: tuple[str, str]
) -> Json:
    """An ObjectEvent that says these words of goods; where EPCIS can name none of them it lists no item."""
    event = head("ObjectEvent", event_id, at, settings)
    if stated := classes((places.lot_class(lot.gtin, lot.lot, None), lot.quantity, lot.unit) for lot in lots):
        event["quantityList"] = stated
    else:
        event["epcList"] = []
    event["action"] = "OBSERVE"
    event["bizStep"], event["disposition"] = words
    event["readPoint"] = {"id": places.place(settings, location or settings.site)}
    event["bizLocation"] = {"id": places.place(settings, location or settings.site)}
    return event


def _resting(lots: tuple[LotMinutes, ...], event_id: str, at: int, location: str, settings: Settings) -> Json:
    """An ObjectEvent about a location: goods held there when some of `lots` still stand, else a sensor's report."""
    held = classes((places.lot_class(lot.gtin, lot.lot, None), lot.quantity, lot.unit) for lot in lots)
    event = head("ObjectEvent", event_id, at, settings)
    if held:
        event["quantityList"] = held
    event["action"] = "OBSERVE"
    event["bizStep"] = "holding" if held else "sensor_reporting"
    if held:
        event["disposition"] = "non_sellable_other"
    event["readPoint"] = {"id": places.place(settings, location)}
    event["bizLocation"] = {"id": places.place(settings, location)}
    return event


def _standing(lots: tuple[LotMinutes, ...], status: str) -> list[Json]:
    """The lots that still stand there, as lines in their status."""
    return [
        lot_quantity(Line(lot.gtin, lot.lot, lot.quantity, lot.unit, "stock", basis="class"), status)
        for lot in lots
        if lot.quantity > 0
    ]
