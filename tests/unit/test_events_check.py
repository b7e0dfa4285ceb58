"""The checks that no schema makes: each finds its mistake, and nothing in a good event."""

import copy
from typing import Any

import pytest

from gateway.events.check import lot_key, problems, uri_problem

GOOD: dict[str, Any] = {
    "type": "AggregationEvent",
    "eventID": "urn:uuid:412a02db-d6ea-5322-b566-6c68cb1c85f4",
    "eventTime": "2026-11-21T06:42:11.250Z",
    "parentID": "urn:epc:id:sscc:0614141.1234567890",
    "childEPCs": ["urn:epc:id:sgtin:0614141.812345.6789", "urn:epc:id:sgtin:0614141.812345.6790"],
    "childQuantityList": [{"epcClass": "https://id.gs1.org/01/09501101530003/10/F9", "quantity": 412.5, "uom": "KGM"}],
    "action": "OBSERVE",
    "bizStep": "receiving",
    "disposition": "sellable_not_accessible",
    "persistentDisposition": {"set": ["completeness_inferred"]},
    "readPoint": {"id": "urn:epc:id:sgln:9521141.12345.DD04"},
    "bizTransactionList": [{"type": "po", "bizTransaction": "urn:epcglobal:cbv:bt:9521141123454:PO-1"}],
    "sourceList": [{"type": "owning_party", "source": "urn:epc:id:pgln:9520001.00001"}],
    "sensorElementList": [
        {
            "sensorMetadata": {"deviceID": "urn:epc:id:giai:9521141.SCALE-04"},
            "sensorReport": [
                {"type": "Mass", "value": 612.4, "uom": "KGM"},
                {"type": "Temperature", "minValue": 1.0, "meanValue": 2.0, "maxValue": 3.0, "uom": "CEL"},
            ],
        }
    ],
    "tally:lotQuantityList": [
        {
            "tally:epcClass": "urn:epc:class:lgtin:0614141.812345.A42",
            "tally:quantity": 2,
            "tally:basis": "sgtin",
        }
    ],
}


def test_a_good_event_has_no_problems() -> None:
    """Nothing is found where nothing is wrong."""
    assert problems(GOOD) == []


def _put(path: str, value: Any) -> dict[str, Any]:
    """The good event with one place changed; None removes it."""
    event = copy.deepcopy(GOOD)
    target: Any = event
    *steps, last = path.split("/")
    for step in steps:
        target = target[int(step) if step.isdigit() else step]
    if value is None:
        del target[last]
    else:
        target[int(last) if last.isdigit() else last] = value
    return event


CLASS = "https://id.gs1.org/01/09501101530003/10/F9"
SGTIN = "urn:epc:id:sgtin:0614141.812345.6789"


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("childEPCs/1", SGTIN, f"{SGTIN} is listed 2 times"),
        (
            "childEPCs/1",
            "urn:epc:id:sgtin:abc",
            "urn:epc:id:sgtin:abc does not follow the grammar of urn:epc:id:sgtin:",
        ),
        ("childEPCs/1", "urn:epc:id:sgtin:0614141.12345.1", "has 12 digits of key, not 13"),
        ("childEPCs/1", "urn:epc:id:nonsense:1", "is no EPC URN that TDS knows"),
        ("childEPCs/1", "urn:epc:raw:96.xAB", "does not hold 96 bits"),
        ("childEPCs/1", "not a uri", "'not a uri' is not a URI"),
        ("childEPCs/1", "urn:epc:id:sscc:0614141.1234567890", "is its own content"),
        ("parentID", "https://id.gs1.org/00/106141412345678907", "its check digit is 8"),
        ("parentID", None, "an AggregationEvent needs its parentID"),
        ("readPoint/id", "https://id.gs1.org/999/1", "is not a Digital Link of an SSCC, GTIN or GLN"),
        ("sourceList/0/source", "Molkerei", "'Molkerei' is not a URI"),
        ("bizTransactionList/0/bizTransaction", "PO 1", "'PO 1' is not a URI"),
        ("sensorElementList/0/sensorMetadata/deviceID", "scale", "'scale' is not a URI"),
        ("bizStep", "https://ref.gs1.org/cbv/BizStep-receiving", "is not a bare CBV word that we use"),
        ("disposition", "in_transit", "disposition 'in_transit' does not go with bizStep receiving"),
        ("type", "tally.alarm", "'tally.alarm' is no EPCIS event type"),
        ("type", "ObjectEvent", "completeness_inferred belongs to an AggregationEvent"),
        ("ilmd", {"cbvmda:lotNumber": "A"}, "ilmd belongs to action ADD, not OBSERVE"),
        ("eventID", "urn:uuid:x", "eventID 'urn:uuid:x' is not a UUID URN"),
        ("eventTime", "2026-11-21T06:42:11+01:00", "is not UTC with milliseconds"),
        ("childQuantityList/0/quantity", 0, f"quantity 0 of {CLASS} is not a number above 0"),
        ("childQuantityList/0/quantity", "24", f"quantity '24' of {CLASS} is not a number above 0"),
        ("childQuantityList/0/uom", "kg", "uom 'kg' of"),
        ("childQuantityList/0/uom", None, "is a count, but not whole"),
        ("sensorElementList/0/sensorReport/1/uom", "Celsius", "uom 'Celsius' of Temperature is not CEL"),
        ("sensorElementList/0/sensorReport/1/type", "gs1:Temperature", "is a CURIE; write the bare word"),
        ("sensorElementList/0/sensorReport/1/type", "Warmth", "measurement type 'Warmth' is not one that we use"),
        ("sensorElementList/0/sensorReport/1/minValue", 9.0, "min, mean and max [9.0, 2.0, 3.0] are not in order"),
        (
            "childQuantityList/0",
            {"epcClass": "urn:epc:class:lgtin:0614141.812345.A42", "quantity": 2},
            "lot 'A42' of GTIN 80614141123458 is counted by tag and again in a quantity",
        ),
        (
            "childQuantityList/0",
            {"epcClass": "https://id.gs1.org/01/80614141123458/10/A42", "quantity": 2},
            "lot 'A42' of GTIN 80614141123458 is counted by tag and again in a quantity",
        ),
        ("tally:lotQuantityList/0/tally:quantity", 3, "2 items are listed, the lots count 3"),
    ],
)
def test_each_mistake_is_found(path: str, value: Any, found: str) -> None:
    """One mistake in a good event is found and named."""
    named = problems(_put(path, value))
    assert any(found in problem for problem in named), named


def test_double_count_without_lot_lines() -> None:
    """Without lot lines, a GTIN that stands both by items and in a quantity cannot be told apart."""
    event = _put("childQuantityList/0", {"epcClass": "urn:epc:class:lgtin:0614141.812345.B1", "quantity": 2})
    assert problems(event) == []
    del event["tally:lotQuantityList"]
    assert problems(event) == [
        "GTIN 80614141123458 stands both by items and in a quantity, and nothing says which lot is which"
    ]


def test_one_class_listed_twice() -> None:
    """The same class and unit in two quantities is one too many."""
    event = copy.deepcopy(GOOD)
    event["childQuantityList"] *= 2
    assert problems(event) == [f"quantities of {CLASS} are listed 2 times"]


def test_sensor_reporting() -> None:
    """A sensor's report speaks of a place, and of no goods."""
    event = {name: GOOD[name] for name in ("eventID", "eventTime", "readPoint", "sensorElementList")}
    event |= {"type": "ObjectEvent", "action": "OBSERVE", "bizStep": "sensor_reporting"}
    assert problems(event) == []
    assert problems(event | {"epcList": [SGTIN]}) == ["sensor_reporting speaks of no goods"]
    del event["readPoint"]
    assert problems(event) == ["sensor_reporting needs a readPoint and a sensorElementList"]


def test_lot_key_reads_both_forms() -> None:
    """URN and Digital Link of one lot are the same lot."""
    assert lot_key("urn:epc:class:lgtin:0614141.812345.A%2F4.2") == ("80614141123458", "A/4.2")
    assert lot_key("https://id.gs1.org/01/80614141123458/10/A%2F4.2") == ("80614141123458", "A/4.2")
    assert lot_key("https://id.gs1.org/01/80614141123458") == ("80614141123458", "")
    assert lot_key("urn:epc:idpat:sgtin:0614141.812345.*") == ("80614141123458", "")
    assert lot_key("urn:epc:id:sscc:0614141.1234567890") is None


@pytest.mark.parametrize(
    "uri",
    [
        "urn:epc:id:sgln:952114112345..0",
        "urn:epc:id:grai:9521141.12345.1",
        "https://id.gs1.org/414/9521141123454/254/DD%2F4",
        "https://tallyman.example/ns/1/hall%201/dock-1",
        "urn:uuid:412a02db-d6ea-5322-b566-6c68cb1c85f4",
        "urn:epc:raw:10.x2AF",
    ],
)
def test_good_uris(uri: str) -> None:
    """Each form that we or our partners write is accepted."""
    assert uri_problem(uri) is None
