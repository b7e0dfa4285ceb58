"""Quantities, weights and climate in EPCIS terms: UN/CEFACT Recommendation 20 units, GS1 measurement types.

What has no such term is not lost: it is said as `tally:measurements`, in the words of the device.
"""

from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

from gateway.events.places import device, own
from gateway.model.outcome import Excursion, Movement, Weighed
from gateway.model.quantity import SCALE
from gateway.model.settings import Settings
from gateway.model.times import rfc3339

UNITS = {"kg": "KGM", "g": "GRM", "t": "TNE", "l": "LTR", "L": "LTR", "m": "MTR"}
"""Unit of a quantity of goods → UN/CEFACT code. `each` has none: a quantity without unit is a count."""

MASSES = {"kg": Decimal(1), "g": Decimal("0.001"), "t": Decimal(1000), "lb": Decimal("0.45359237")}
"""Unit of a weight → kilograms (exact; lb: international avoirdupois pound)."""

CLIMATE = {("temperature", "Cel"): ("Temperature", "CEL"), ("humidity", "%"): ("RelativeHumidity", "P1")}
CLIMATE[("relative_humidity", "%")] = CLIMATE[("humidity", "%")]
"""(our quantity, UCUM unit) → (GS1 measurement type, UN/CEFACT code)."""

Json = dict[str, Any]


def milliseconds(us: int) -> str:
    """An instant (µs) as EPCIS events write it: RFC 3339 UTC with three decimals, cut, not rounded."""
    return rfc3339(us)[:-4] + "Z"


def number(scaled: int) -> int | float:
    """Thousandths as a JSON number: 24000 → 24, 412500 → 412.5."""
    return scaled // SCALE if scaled % SCALE == 0 else scaled / SCALE


def uom(unit: str) -> str | None:
    """The UN/CEFACT code of a goods unit; None for `each` and for a unit that has none (see `has_uom`)."""
    return UNITS.get(unit)


def has_uom(unit: str) -> bool:
    """Whether EPCIS can say a quantity in this unit."""
    return unit == "each" or unit in UNITS


def kilograms(value: str, unit: str) -> float | None:
    """A weight in kg, to the gram; None when the unit is unknown or the value no finite number."""
    try:
        kilos = Decimal(value) * MASSES[unit]
    except (InvalidOperation, KeyError):
        return None
    return float(round(kilos, 3)) if kilos.is_finite() else None


def _own_measurement(settings: Settings, sensor: str, quantity: str, value: Any, unit: str, at: int) -> Json:
    return {
        "tally:device": device(settings, sensor),
        "tally:quantity": quantity,
        "tally:value": value,
        "tally:unit": unit,
        "tally:time": milliseconds(at),
    }


def _weight(settings: Settings, weighed: Weighed, elements: list[Json], others: list[Json]) -> None:
    kilos = kilograms(weighed.value, weighed.unit)
    if kilos is None:
        others.append(_own_measurement(settings, weighed.scale, "weight", weighed.value, weighed.unit, weighed.at))
        return
    elements.append(
        {
            "sensorMetadata": {"time": milliseconds(weighed.at), "deviceID": device(settings, weighed.scale)},
            "sensorReport": [{"type": "Mass", "value": kilos, "uom": "KGM", "tally:weightKind": "gross"}],
        }
    )


def movement_sensors(settings: Settings, movement: Movement) -> tuple[list[Json], list[Json]]:
    """`sensorElementList` of a movement (weight, then climate by sensor and instant), and what EPCIS cannot say."""
    elements: list[Json] = []
    others: list[Json] = []
    if movement.weight is not None:
        _weight(settings, movement.weight, elements, others)
    reports: dict[tuple[str, int], list[Json]] = {}
    for sensor, quantity, value, unit, at in movement.climate:
        term = CLIMATE.get((quantity, unit))
        if not isfinite(value):
            continue
        if term is None:
            others.append(_own_measurement(settings, sensor, quantity, value, unit, at))
        else:
            reports.setdefault((sensor, at), []).append({"type": term[0], "value": round(value, 3), "uom": term[1]})
    for (sensor, at), report in reports.items():
        metadata = {"time": milliseconds(at), "deviceID": device(settings, sensor)}
        elements.append({"sensorMetadata": metadata, "sensorReport": report})
    return elements, others


def excursion_sensors(settings: Settings, excursion: Excursion) -> Json:
    """The one sensor element of an excursion: its extremes, and its length in minutes."""
    type_, code = CLIMATE.get((excursion.quantity, excursion.unit)) or (own("quantity", excursion.quantity), None)
    extremes: Json = {"type": type_, "exception": "ALARM_CONDITION"}
    for name, value in (("minValue", excursion.min), ("maxValue", excursion.max), ("meanValue", excursion.mean)):
        if isfinite(value):
            extremes[name] = round(value, 3)
    if code is not None:
        extremes["uom"] = code
    else:
        extremes["tally:unit"] = excursion.unit
    minutes = round((excursion.end - excursion.start) / 60_000_000, 2)
    return {
        "sensorMetadata": {
            "startTime": milliseconds(excursion.start),
            "endTime": milliseconds(excursion.end),
            "deviceID": device(settings, excursion.sensor),
            "bizRules": own(settings.site, "alarm", excursion.alarm),
        },
        "sensorReport": [extremes, {"type": "Time", "value": _whole(minutes), "uom": "MIN"}],
    }


def _whole(value: float) -> int | float:
    return int(value) if value == int(value) else value
