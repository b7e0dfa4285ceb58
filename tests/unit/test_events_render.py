"""Decisions become events: bodies, topics, ids and envelope, byte for byte."""

import hashlib
import json
import os
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from gateway.events import render, render_all
from gateway.events.check import problems
from gateway.events.envelope import structured
from gateway.events.epcis import offset
from gateway.events.ids import event_id
from gateway.model.documents import Reference
from gateway.model.outcome import (
    AlarmChange,
    Correction,
    Decision,
    DeviceCommand,
    Event,
    Excursion,
    Gap,
    Hold,
    Line,
    LotMinutes,
    Movement,
    Passage,
    Rejection,
    Release,
    Transformation,
    Weighed,
)
from gateway.model.settings import Settings
from gateway.model.times import parse_rfc3339

AT = parse_rfc3339("2026-11-21T06:42:11.250999Z")
SGTIN_1, SGTIN_2 = "3074257BF7194E4000001A85", "3074257BF7194E4000001A86"
SSCC = "3174257BF4499602D2000000"
GTIN = "80614141123458"
SITE = Settings(site="hall 1", gateway="gw-1", timezone="Europe/Berlin", gln="9521141123454", prefix_length=7)
NAMELESS = Settings(site="hall 1", gateway="gw-1")

TAGGED = Line(GTIN, "A42-2610", 2000, "each", "serial", (SGTIN_1, SGTIN_2), "2027-04-30", "sgtin", 2000, 7)
TRUSTED = Line("09501101530003", "C7/26", 24000, "each", "sscc", (), "2027-05-31", "class", 24000)
LOOSE = Line("09501101530003", "F9", 412500, "kg", "sscc", (), None, "class", 412500)
RECEIPT = Movement(
    movement="11111111-2222-5333-8444-555555555555",
    passage="dock-1/1795243331250000",
    portal="dock-1",
    at=AT,
    type="receive",
    origin=None,
    destination="chilled",
    verdict="accepted",
    reasons=("matched",),
    lines=(TAGGED, TRUSTED, LOOSE),
    sscc="106141412345678908",
    sscc_epc=SSCC,
    expectation="asn/ASN-88123",
    documents=(Reference("desadv", "ASN-88123"), Reference("po", "PO 45"), Reference("customs", "C1")),
    party="9520001000010",
    weight=Weighed("612.4", "kg", AT - 350_000, "scale-1", "608.0", 0.72),
    climate=(
        ("th-1", "temperature", 3.8, "Cel", AT - 6_000_000),
        ("th-1", "humidity", 71.5, "%", AT - 6_000_000),
        ("lux-1", "light", 210.0, "lx", AT - 7_000_000),
    ),
    evidence={"direction": "in", "confidence": 0.97, "rows": {"outer": 4, "inner": 5}},
)
LOTS = (
    LotMinutes(GTIN, "A42-2610", 45.0, 118000, "each"),
    LotMinutes("09501101530003", "F9", 12.5, 412500, "kg"),
    LotMinutes("09501101530003", "gone", 3.25, 0, "each"),
    LotMinutes("", "", 45.0, 1000, "each"),
)
EXCURSION = Excursion(
    excursion="22222222-2222-5333-8444-555555555555",
    alarm="cold-2-high",
    sensor="cold-2-a",
    quantity="temperature",
    unit="Cel",
    location="cold-2",
    start=AT - 45 * 60_000_000,
    end=AT,
    min=8.1,
    max=11.6,
    mean=9.94321,
    lots=LOTS,
    limit=8.0,
    side="high",
    hold=True,
)
ALARM = AlarmChange("cold-2-high", "cold-2-a", AT, "normal", "unacked_active", "high", 9.1, 8.0, "cold-2", lots=LOTS)
HOLD = Hold("33333333-2222-5333-8444-555555555555", "cold-2", AT, "excursion", "cold-2-high", LOTS)
RELEASE = Release("44444444-2222-5333-8444-555555555555", "cold-2", AT, "released_by_person", "command", LOTS, "ann")
MADE = Line("09501101530003", "B20261121-001", 12_500, "kg", "produced", (), "2026-12-01", "class")
TRANSFORMATION = Transformation(
    transformation="55555555-2222-5333-8444-555555555555",
    at=AT,
    location="kitchen",
    inputs=(TAGGED, TRUSTED),
    outputs=(MADE,),
    production="PO-1",
    by="ann",
    device="scanner-3",
)
HELD_RECEIPT = msgspec.structs.replace(
    RECEIPT, verdict="held", status="hold", reasons=("no_expectation",), expectation=None, documents=()
)
RIGHT = msgspec.structs.replace(RECEIPT, movement="66666666-2222-5333-8444-555555555555", corrects=RECEIPT.movement)
CORRECTION = Correction("77777777-2222-5333-8444-555555555555", AT + 60_000_000, HELD_RECEIPT, RIGHT, "incorrect_data")
REJECTION = Rejection("down/asn/A 1", AT, "bad_document", "units[0].sscc: 17 digits")
GAP = Gap(7, 9, AT, "publish_refused")


def changed(movement: Movement, **fields: Any) -> Movement:
    """The movement with some fields changed."""
    return msgspec.structs.replace(movement, **fields)


SAMPLES: tuple[Decision, ...] = (
    RECEIPT,
    RELEASE,
    TRANSFORMATION,
    CORRECTION,
    RIGHT,
    msgspec.structs.replace(HOLD, reason="rejected", by="ann", everywhere=True, note="smells"),
    msgspec.structs.replace(HOLD, location="", lots=(), everywhere=True),
    changed(
        RECEIPT, type="ship", origin="chilled", destination=None, purpose="disposal", by="ann", reasons=("disposed",)
    ),
    changed(RECEIPT, type="transfer", origin="lane", arrives="hold", verdict="held", purpose="put_away", by="ann"),
    changed(RECEIPT, verdict="held", status="hold", reasons=("over",)),
    changed(RECEIPT, reasons=("short",), sscc=None, sscc_epc=None),
    changed(RECEIPT, type="ship", origin="chilled", destination=None),
    changed(RECEIPT, type="transfer", origin="street", destination="chilled"),
    changed(RECEIPT, verdict="refused", reasons=("already_received",)),
    EXCURSION,
    msgspec.structs.replace(EXCURSION, hold=False),
    HOLD,
    ALARM,
    REJECTION,
    GAP,
)


def digest() -> str:
    """A hash over every sample's topic, attributes and bytes, as this process renders them."""
    found = hashlib.sha256()
    for seq, decision in enumerate(SAMPLES, 1):
        for settings in (SITE, NAMELESS):
            found.update(msgspec.json.encode(render(decision, seq, settings)))
    return found.hexdigest()


def rendered(decision: Decision, settings: Settings = SITE, seq: int = 42) -> tuple[Event, dict[str, Any]]:
    """The event and its parsed body."""
    event = render(decision, seq, settings)
    assert event is not None
    body = json.loads(event.body)
    assert isinstance(body, dict)
    return event, body


GOLDEN_RECEIPT = (
    '{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",'
    '{"tally":"https://tallyman.example/ns/1/"}],"type":"AggregationEvent",'
    '"eventID":"urn:uuid:EVENTID","eventTime":"2026-11-21T06:42:11.250Z","eventTimeZoneOffset":"+01:00",'
    '"parentID":"urn:epc:id:sscc:0614141.1234567890",'
    '"childEPCs":["urn:epc:id:sgtin:0614141.812345.6789","urn:epc:id:sgtin:0614141.812345.6790"],'
    '"childQuantityList":[{"epcClass":"https://id.gs1.org/01/09501101530003/10/C7%2F26","quantity":24},'
    '{"epcClass":"https://id.gs1.org/01/09501101530003/10/F9","quantity":412.5,"uom":"KGM"}],'
    '"action":"OBSERVE","bizStep":"receiving","disposition":"sellable_not_accessible",'
    '"persistentDisposition":{"set":["completeness_inferred"]},'
    '"readPoint":{"id":"urn:epc:id:sgln:9521141.12345.dock-1"},'
    '"bizLocation":{"id":"urn:epc:id:sgln:9521141.12345.chilled"},'
    '"bizTransactionList":[{"type":"desadv","bizTransaction":"urn:epcglobal:cbv:bt:9521141123454:ASN-88123"},'
    '{"type":"po","bizTransaction":"urn:epcglobal:cbv:bt:9521141123454:PO%2045"},'
    '{"type":"https://tallyman.example/ns/1/btt/customs","bizTransaction":"urn:epcglobal:cbv:bt:9521141123454:C1"}],'
    '"sourceList":[{"type":"owning_party","source":"https://id.gs1.org/417/9520001000010"}],'
    '"destinationList":[{"type":"owning_party","destination":"urn:epc:id:pgln:9521141.12345"},'
    '{"type":"location","destination":"urn:epc:id:sgln:9521141.12345.chilled"}],'
    '"sensorElementList":[{"sensorMetadata":{"time":"2026-11-21T06:42:10.900Z",'
    '"deviceID":"https://tallyman.example/ns/1/hall%201/device/scale-1"},'
    '"sensorReport":[{"type":"Mass","value":612.4,"uom":"KGM","tally:weightKind":"gross"}]},'
    '{"sensorMetadata":{"time":"2026-11-21T06:42:05.250Z",'
    '"deviceID":"https://tallyman.example/ns/1/hall%201/device/th-1"},'
    '"sensorReport":[{"type":"Temperature","value":3.8,"uom":"CEL"},'
    '{"type":"RelativeHumidity","value":71.5,"uom":"P1"}]}],'
    '"tally:gateway":"gw-1","tally:seq":42,'
    '"tally:movement":{"tally:id":"11111111-2222-5333-8444-555555555555","tally:type":"receive","tally:from":null,'
    '"tally:to":"chilled","tally:verdict":"accepted","tally:reasons":["matched"],'
    '"tally:passage":"dock-1/1795243331250000","tally:portal":"dock-1","tally:sscc":"106141412345678908",'
    '"tally:expectation":"asn/ASN-88123",'
    '"tally:evidence":{"tally:confidence":0.97,"tally:direction":"in","tally:rows":{"tally:inner":5,"tally:outer":4}}},'
    '"tally:receipt":{"tally:asnMatch":"matched","tally:expectedGrossWeightKg":608.0,"tally:weightDeviationPct":0.72,'
    '"tally:missingEpcCount":0},'
    '"tally:lotQuantityList":[{"tally:epcClass":"urn:epc:class:lgtin:0614141.812345.A42-2610",'
    '"tally:gtin":"80614141123458","tally:lot":"A42-2610","tally:quantity":2,"tally:basis":"sgtin",'
    '"tally:resolvedBy":"serial","tally:itemExpirationDate":"2027-04-30","tally:expectedQuantity":2,'
    '"tally:status":"available"},'
    '{"tally:epcClass":"https://id.gs1.org/01/09501101530003/10/C7%2F26","tally:gtin":"09501101530003",'
    '"tally:lot":"C7/26","tally:quantity":24,"tally:basis":"class","tally:resolvedBy":"sscc",'
    '"tally:itemExpirationDate":"2027-05-31","tally:expectedQuantity":24,"tally:status":"available"},'
    '{"tally:epcClass":"https://id.gs1.org/01/09501101530003/10/F9","tally:gtin":"09501101530003","tally:lot":"F9",'
    '"tally:quantity":412.5,"tally:uom":"KGM","tally:basis":"class","tally:resolvedBy":"sscc",'
    '"tally:expectedQuantity":412.5,"tally:status":"available"}],'
    '"tally:measurements":[{"tally:device":"https://tallyman.example/ns/1/hall%201/device/lux-1",'
    '"tally:quantity":"light","tally:value":210.0,"tally:unit":"lx","tally:time":"2026-11-21T06:42:04.250Z"}]}'
)


def test_receipt_golden_bytes() -> None:
    """A receipt is these bytes, in this key order; consumers and golden files depend on them."""
    event = render(RECEIPT, 42, SITE)
    assert event is not None
    assert event.body.decode() == GOLDEN_RECEIPT.replace("EVENTID", event.id)


def test_event_id_is_fixed() -> None:
    """The id is the UUIDv5 of site, gateway, kind, subject and ordinal, and neither seq nor content changes it."""
    assert event_id("s", "g", "receipt", "x", 0) == "f20ed132-8419-537d-ae1f-398a83d5eb34"
    first, _ = rendered(RECEIPT, seq=1)
    second, _ = rendered(changed(RECEIPT, weight=None), seq=2)
    assert first.id == second.id == event_id("hall 1", "gw-1", "receipt", RECEIPT.movement, 0)


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_bytes_do_not_depend_on_the_hash_seed(seed: str) -> None:
    """Another process with another hash seed renders the same bytes."""
    code = f"import runpy; print(runpy.run_path({__file__!r})['digest']())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == digest()


@pytest.mark.parametrize("settings", [SITE, NAMELESS], ids=["gln", "nameless"])
@pytest.mark.parametrize("decision", SAMPLES, ids=[f"{n}-{type(d).__name__}" for n, d in enumerate(SAMPLES)])
def test_what_we_render_passes_our_checks(decision: Decision, settings: Settings) -> None:
    """Every EPCIS event that we render is free of the mistakes that no schema finds."""
    event, body = rendered(decision, settings)
    if event.content_type == "application/ld+json":
        assert problems(body) == []
    assert body["tally:seq"] == 42
    assert body["tally:gateway"] == "gw-1"


def test_attributes_and_topic() -> None:
    """An EPCIS event carries CloudEvents attributes as text, and its topic names kind and portal."""
    event, _ = rendered(RECEIPT)
    assert event.topic == "tallyman/v1/hall%201/evt/receipt/dock-1"
    assert (event.kind, event.seq, event.content_type) == ("receipt", 42, "application/ld+json")
    assert event.attributes == {
        "specversion": "1.0",
        "id": event.id,
        "source": "/hall%201/gw-1",
        "type": "org.gs1.epcis.AggregationEvent",
        "time": "2026-11-21T06:42:11.250Z",
        "subject": RECEIPT.movement,
        "sequence": "00000000000000000042",
        "datacontenttype": "application/ld+json",
    }


def test_structured_form_holds_the_same_body() -> None:
    """On MQTT 3.1.1 the body travels unchanged, byte for byte, as `data` of a CloudEvents document."""
    event, body = rendered(RECEIPT)
    document = structured(event)
    assert event.body in document
    parsed = json.loads(document)
    assert parsed.pop("data") == body
    assert parsed == event.attributes


def test_held_receipt() -> None:
    """A held receipt changes stock to hold: non_sellable_other, lines on hold, and the mismatch is marked."""
    event, body = rendered(changed(RECEIPT, verdict="held", status="hold", reasons=("over",)))
    assert event.kind == "receipt"
    assert (body["bizStep"], body["disposition"]) == ("receiving", "non_sellable_other")
    assert body["persistentDisposition"] == {"set": ["completeness_inferred", "mismatch_quantity"]}
    assert body["tally:receipt"]["tally:asnMatch"] == "over"
    assert {line["tally:status"] for line in body["tally:lotQuantityList"]} == {"hold"}


def test_receipt_without_unit() -> None:
    """Loose items are an ObjectEvent; contents trusted from a document may not be marked there."""
    _, body = rendered(changed(RECEIPT, sscc=None, sscc_epc=None, reasons=("short",)))
    assert body["type"] == "ObjectEvent"
    assert body["epcList"] == ["urn:epc:id:sgtin:0614141.812345.6789", "urn:epc:id:sgtin:0614141.812345.6790"]
    assert len(body["quantityList"]) == 2
    assert body["persistentDisposition"] == {"set": ["mismatch_quantity"]}


def test_receipt_of_a_unit_with_nothing_on_it() -> None:
    """A unit that nobody announced and that shows no item is an ObjectEvent of itself."""
    _, body = rendered(
        changed(RECEIPT, lines=(), verdict="held", status="hold", reasons=("no_expectation",), expectation=None)
    )
    assert (body["type"], body["epcList"]) == ("ObjectEvent", ["urn:epc:id:sscc:0614141.1234567890"])
    assert body["tally:lotQuantityList"] == []


def test_partly_tagged_line_is_not_counted_twice() -> None:
    """Of 24 trusted pieces, two were read: they stand as items, and the quantity says the other 22."""
    partly = msgspec.structs.replace(TAGGED, basis="class", quantity=24000)
    _, body = rendered(changed(RECEIPT, lines=(partly,)))
    assert len(body["childEPCs"]) == 2
    assert body["childQuantityList"] == [{"epcClass": "urn:epc:class:lgtin:0614141.812345.A42-2610", "quantity": 22}]
    assert body["tally:lotQuantityList"][0]["tally:quantity"] == 24
    assert problems(body) == []


def test_same_lot_in_two_lines_is_one_quantity() -> None:
    """Two lines of one lot make one quantity element, while the lot lines stay as they are."""
    _, body = rendered(changed(RECEIPT, lines=(TRUSTED, TRUSTED)))
    assert [item["quantity"] for item in body["childQuantityList"]] == [48]
    assert len(body["tally:lotQuantityList"]) == 2


def test_unknown_tag_line() -> None:
    """A tag that no scheme explains is listed raw, and its line says that nothing is known."""
    line = Line(None, None, 1000, "each", "unresolved", ("E2" * 12,))
    _, body = rendered(changed(RECEIPT, lines=(line,), verdict="held", status="hold", reasons=("unknown_tag",)))
    assert body["childEPCs"] == ["urn:epc:raw:96.x" + "E2" * 12]
    entry = body["tally:lotQuantityList"][0]
    assert (entry["tally:gtin"], entry["tally:lot"], entry["tally:quantity"]) == ("", "", 1)
    assert "tally:epcClass" not in entry


def test_shipment() -> None:
    """What goes out on a unit names the unit alone; its contents stand in the lot list, by aggregation."""
    event, body = rendered(changed(RECEIPT, type="ship", origin="chilled", destination=None))
    assert (event.kind, body["type"]) == ("shipment", "ObjectEvent")
    assert body["epcList"] == ["urn:epc:id:sscc:0614141.1234567890"]
    assert "quantityList" not in body
    assert (body["bizStep"], body["disposition"]) == ("shipping", "in_transit")
    assert "bizLocation" not in body
    assert body["tally:contentBasis"] == "aggregation"
    assert body["sourceList"][0] == {"type": "possessing_party", "source": "urn:epc:id:pgln:9521141.12345"}
    assert body["destinationList"] == [{"type": "owning_party", "destination": "https://id.gs1.org/417/9520001000010"}]


def test_shipment_of_items() -> None:
    """What goes out without a unit names its items."""
    _, body = rendered(
        changed(RECEIPT, type="ship", origin="chilled", destination=None, sscc=None, sscc_epc=None, lines=(TAGGED,))
    )
    assert len(body["epcList"]) == 2
    assert "tally:contentBasis" not in body


def test_transfer() -> None:
    """A transfer is a movement into storage, without business partners."""
    event, body = rendered(changed(RECEIPT, type="transfer", origin="street", destination="chilled"))
    assert (event.kind, body["bizStep"]) == ("movement", "storing")
    assert body["bizLocation"] == {"id": "urn:epc:id:sgln:9521141.12345.chilled"}
    assert "sourceList" not in body
    assert body["tally:movement"]["tally:from"] == "street"


def test_refused_movement_is_an_exception() -> None:
    """A refused movement changes no stock: an exception in our own JSON with everything that was seen."""
    event, body = rendered(changed(RECEIPT, verdict="refused", reasons=("already_received", "on_hold")))
    assert event.topic == "tallyman/v1/hall%201/evt/exception/dock-1"
    assert (event.kind, event.attributes["type"]) == ("exception", "tally.exception")
    assert (body["schema"], body["type"], body["reason"]) == (1, "tally.exception", "already_received")
    assert body["sentence"].startswith("This logistic unit was received before. The lot or unit is on hold")
    assert body["movement"]["lines"][2]["quantity"] == "412.5"
    assert body["movement"]["weight"]["at"] == "2026-11-21T06:42:10.900999Z"


def test_places_by_digital_link_and_own_uri() -> None:
    """Without a prefix length places go as Digital Link, without GLN under our namespace; a long id too."""
    linked = msgspec.structs.replace(SITE, prefix_length=None)
    _, body = rendered(RECEIPT, linked)
    assert body["readPoint"] == {"id": "https://id.gs1.org/414/9521141123454/254/dock-1"}
    assert body["destinationList"][0]["destination"] == "https://id.gs1.org/417/9521141123454"
    _, body = rendered(RECEIPT, msgspec.structs.replace(SITE, prefix_length=5))
    assert body["readPoint"] == {"id": "https://id.gs1.org/414/9521141123454/254/dock-1"}
    _, body = rendered(RECEIPT, NAMELESS)
    assert body["readPoint"] == {"id": "https://tallyman.example/ns/1/hall%201/dock-1"}
    assert body["bizTransactionList"][0]["bizTransaction"] == "https://tallyman.example/ns/1/hall%201/bt/ASN-88123"
    assert "destinationList" not in body
    _, body = rendered(changed(RECEIPT, portal="a-door-with-a-very-long-name"))
    assert body["readPoint"] == {"id": "https://tallyman.example/ns/1/hall%201/a-door-with-a-very-long-name"}


def test_party_by_name() -> None:
    """A supplier that is only a name is kept as such; one that is a URI is a source."""
    _, body = rendered(changed(RECEIPT, party="Molkerei Süd"))
    assert body["tally:party"] == "Molkerei Süd"
    assert "sourceList" not in body
    _, body = rendered(changed(RECEIPT, party="urn:epc:id:pgln:9520001.00001"))
    assert body["sourceList"][0]["source"] == "urn:epc:id:pgln:9520001.00001"


def test_announcement_without_documents_is_named() -> None:
    """The ASN or order that explains a movement is a business transaction even when it lists no documents."""
    _, body = rendered(changed(RECEIPT, documents=()))
    assert body["bizTransactionList"] == [
        {"type": "desadv", "bizTransaction": "urn:epcglobal:cbv:bt:9521141123454:ASN-88123"}
    ]
    _, body = rendered(changed(RECEIPT, documents=(), expectation=None))
    assert "bizTransactionList" not in body


@pytest.mark.parametrize(
    ("value", "unit", "kilos"), [("612.4", "kg", 612.4), ("500", "g", 0.5), ("1.2", "t", 1200.0), ("10", "lb", 4.536)]
)
def test_weights_become_kilograms(value: str, unit: str, kilos: float) -> None:
    """Weights are told in KGM whatever the scale shows."""
    _, body = rendered(changed(RECEIPT, weight=Weighed(value, unit, AT, "scale-1")))
    assert body["sensorElementList"][0]["sensorReport"][0]["value"] == kilos


def test_unknown_weight_unit_is_kept() -> None:
    """A weight in a unit that we do not know is told in the scale's own words, never as kilograms."""
    _, body = rendered(changed(RECEIPT, climate=(), weight=Weighed("3", "stone", AT, "scale-1")))
    assert "sensorElementList" not in body
    assert body["tally:measurements"][0]["tally:unit"] == "stone"


def test_excursion_with_hold() -> None:
    """An excursion that holds goods lists what still stands there; what left is told with its minutes only."""
    event, body = rendered(EXCURSION)
    assert event.topic == "tallyman/v1/hall%201/evt/excursion/cold-2"
    assert (body["bizStep"], body["disposition"]) == ("holding", "non_sellable_other")
    assert body["quantityList"] == [
        {"epcClass": f"https://id.gs1.org/01/{GTIN}/10/A42-2610", "quantity": 118},
        {"epcClass": "https://id.gs1.org/01/09501101530003/10/F9", "quantity": 412.5, "uom": "KGM"},
    ]
    element = body["sensorElementList"][0]
    assert element["sensorMetadata"]["startTime"] == "2026-11-21T05:57:11.250Z"
    assert element["sensorReport"] == [
        {
            "type": "Temperature",
            "exception": "ALARM_CONDITION",
            "minValue": 8.1,
            "maxValue": 11.6,
            "meanValue": 9.943,
            "uom": "CEL",
        },
        {"type": "Time", "value": 45, "uom": "MIN"},
    ]
    excursion = body["tally:excursion"]
    assert (excursion["tally:upperLimit"], excursion["tally:hold"], excursion["tally:state"]) == (8.0, True, "closed")
    assert [lot["tally:minutes"] for lot in excursion["tally:lots"]] == [45.0, 12.5, 3.25, 45.0]
    assert [line["tally:lot"] for line in body["tally:lotQuantityList"]] == ["A42-2610", "F9", ""]


@pytest.mark.parametrize("fields", [{"hold": False}, {"lots": ()}, {"hold": False, "lots": ()}])
def test_excursion_without_held_goods(fields: dict[str, Any]) -> None:
    """An excursion that holds nothing is a sensor's report from a place, and claims no goods."""
    _, body = rendered(msgspec.structs.replace(EXCURSION, **fields))
    assert body["bizStep"] == "sensor_reporting"
    assert not {"disposition", "quantityList", "epcList"} & set(body)
    assert problems(body) == []


def test_excursion_of_another_quantity() -> None:
    """A quantity that GS1 has no word for goes under our own, with its unit as the sensor says it."""
    _, body = rendered(msgspec.structs.replace(EXCURSION, quantity="co2", unit="[ppm]", side="low"))
    report = body["sensorElementList"][0]["sensorReport"][0]
    assert (report["type"], report["tally:unit"]) == ("https://tallyman.example/ns/1/quantity/co2", "[ppm]")
    assert "uom" not in report
    assert body["tally:excursion"]["tally:lowerLimit"] == 8.0


def test_hold() -> None:
    """A hold lists the lots that may not move, even when EPCIS can name none of them."""
    event, body = rendered(HOLD)
    assert (event.kind, body["bizStep"], len(body["quantityList"])) == ("hold", "holding", 2)
    assert body["tally:hold"]["tally:reason"] == "excursion"
    assert {line["tally:status"] for line in body["tally:lotQuantityList"]} == {"hold"}
    _, body = rendered(msgspec.structs.replace(HOLD, lots=LOTS[3:]))
    assert (body["bizStep"], body["epcList"]) == ("holding", [])
    assert problems(body) == []


def test_release() -> None:
    """A release is an inspection that found the goods conformant; it says who, and how much is available again."""
    event, body = rendered(RELEASE)
    assert event.topic == "tallyman/v1/hall%201/evt/release/cold-2"
    assert (body["bizStep"], body["disposition"]) == ("inspecting", "conformant")
    assert body["tally:release"]["tally:by"] == "ann"
    assert {line["tally:status"] for line in body["tally:lotQuantityList"]} == {"available"}


def test_rejection_of_a_lot() -> None:
    """A lot that a person rejects is a hold in the words of an inspection."""
    _, body = rendered(msgspec.structs.replace(HOLD, reason="rejected", by="ann"))
    assert (body["bizStep"], body["disposition"]) == ("inspecting", "non_conformant")


def test_a_hold_before_the_goods_came() -> None:
    """A hold on what stands nowhere names the site."""
    event, body = rendered(msgspec.structs.replace(HOLD, location="", lots=(), everywhere=True))
    assert event.topic.endswith("/evt/hold/hall%201")
    assert body["epcList"] == []
    assert body["tally:hold"]["tally:everywhere"] is True


def test_transformation() -> None:
    """Inputs by tag and by quantity, outputs by quantity, the production order, and both as lines for central."""
    event, body = rendered(TRANSFORMATION)
    assert (event.kind, body["type"], "action" in body) == ("transformation", "TransformationEvent", False)
    assert body["transformationID"] == f"urn:uuid:{TRANSFORMATION.transformation}"
    assert len(body["inputEPCList"]) == 2
    assert body["outputQuantityList"] == [
        {"epcClass": "https://id.gs1.org/01/09501101530003/10/B20261121-001", "quantity": 12.5, "uom": "KGM"}
    ]
    assert body["bizTransactionList"][0]["type"] == "prodorder"
    assert [line["tally:lot"] for line in body["tally:inputLotQuantityList"]] == ["A42-2610", "C7/26"]


def test_correction_names_the_wrong_event_and_the_right_one() -> None:
    """The wrong event again, declared in error under an id of its own, with the id of the event that is right."""
    first, _ = rendered(HELD_RECEIPT)
    right, told = rendered(RIGHT)
    event, body = rendered(CORRECTION)
    assert event.kind == "correction"
    assert body["tally:erroneousEventID"] == f"urn:uuid:{first.id}"
    assert body["errorDeclaration"] == {
        "declarationTime": "2026-11-21T06:43:11.250Z",
        "reason": "incorrect_data",
        "correctiveEventIDs": [f"urn:uuid:{right.id}"],
    }
    assert event.id not in (first.id, right.id)
    assert told["tally:movement"]["tally:corrects"] == HELD_RECEIPT.movement


def test_a_correction_of_a_told_in_parts_receipt_names_every_part() -> None:
    """Each event of the wrong receipt is declared in error, in favour of all events of the right one."""
    many = msgspec.structs.replace(TAGGED, epcs=tuple(f"{n:024X}" for n in range(1200)), quantity=1_200_000)
    wrong, right = (changed(one, lines=(many,)) for one in (HELD_RECEIPT, RIGHT))
    events = render_all(msgspec.structs.replace(CORRECTION, erroneous=wrong, by_movement=right), 1, SITE)
    bodies = [msgspec.json.decode(event.body) for event in events]
    assert [event.seq for event in events] == [1, 2, 3, 4]
    assert len({body["tally:erroneousEventID"] for body in bodies}) == len({event.id for event in events}) == 4
    assert all(len(body["errorDeclaration"]["correctiveEventIDs"]) == 4 for body in bodies)


def test_disposal_by_a_person() -> None:
    """Goods that a person disposed of are destroyed, and gone (action DELETE)."""
    gone = changed(RECEIPT, type="ship", origin="chilled", destination=None, purpose="disposal", by="ann")
    event, body = rendered(gone)
    assert (event.kind, body["action"], body["bizStep"], body["disposition"]) == (
        "shipment", "DELETE", "destroying", "destroyed",
    )  # fmt: skip
    assert body["tally:movement"]["tally:by"] == "ann"


def test_a_lot_line_says_its_own_status() -> None:
    """Lines of a mixed pallet keep their status, and what arrives in another one says both."""
    lines = (msgspec.structs.replace(TAGGED, status="hold"), TRUSTED)
    _, body = rendered(changed(RECEIPT, lines=lines))
    assert [line["tally:status"] for line in body["tally:lotQuantityList"]] == ["hold", "available"]
    _, body = rendered(changed(RECEIPT, type="transfer", origin="lane", lines=(TRUSTED,), arrives="hold"))
    (line,) = body["tally:lotQuantityList"]
    assert (line["tally:status"], line["tally:statusBefore"]) == ("hold", "available")


def test_alarm() -> None:
    """An alarm's transition goes in our own JSON with a sentence for a person."""
    event, body = rendered(ALARM)
    assert event.topic == "tallyman/v1/hall%201/evt/alarm/cold-2"
    assert (event.attributes["type"], event.attributes["subject"]) == ("tally.alarm", "cold-2-high")
    assert list(body)[:5] == ["schema", "type", "id", "tally:gateway", "tally:seq"]
    assert (body["from"], body["to"], body["at"]) == ("normal", "unacked_active", "2026-11-21T06:42:11.250999Z")
    assert body["sentence"] == (
        "Alarm cold-2-high of cold-2-a is active and waits for an acknowledgement: value 9.1, limit 8."
    )
    assert body["lots"][1] == {
        "gtin": "09501101530003",
        "lot": "F9",
        "minutes": 12.5,
        "quantity": "412.5",
        "unit": "kg",
    }


def test_rejection_and_gap() -> None:
    """A rejection names source and reason under a topic of few places; a gap names its span under the gateway."""
    event, body = rendered(REJECTION)
    assert event.topic == "tallyman/v1/hall%201/evt/exception/down"
    assert (body["source"], body["reason"]) == ("down/asn/A 1", "bad_document")
    assert body["sentence"] == "The document could not be read; it was not applied."
    event, body = rendered(GAP)
    assert event.topic == "tallyman/v1/hall%201/evt/gap/gw-1"
    assert (body["first"], body["last"], event.attributes["subject"]) == (7, 9, "7-9")
    assert body["sentence"].startswith("The broker refused the event by reason code")
    _, body = rendered(msgspec.structs.replace(GAP, reason="refused by the broker: Not authorized"))
    assert body["sentence"] == "Events were set aside as undeliverable. (refused by the broker: Not authorized)"


def test_repeated_notices_have_their_own_ids() -> None:
    """The same alarm, rejection or gap in the same microsecond is another event: seq keeps the ids apart."""
    for decision in (ALARM, REJECTION, GAP):
        assert rendered(decision, seq=1)[0].id != rendered(decision, seq=2)[0].id


def test_what_is_no_event() -> None:
    """Passages and device commands are decisions, but nothing that central is promised."""
    assert render(Passage("dock-1/1", "dock-1", 1, 2, "in", 1.0), 1, SITE) is None
    assert render(DeviceCommand("dock-1", "light", {}, 1, 2), 1, SITE) is None


@pytest.mark.parametrize(
    ("instant", "zone", "text"),
    [
        ("2026-07-01T12:00:00Z", "Europe/Berlin", "+02:00"),
        ("2026-12-01T12:00:00Z", "Europe/Berlin", "+01:00"),
        ("2026-07-01T12:00:00Z", "America/St_Johns", "-02:30"),
        ("2026-07-01T12:00:00Z", "UTC", "+00:00"),
        ("2026-07-01T12:00:00Z", "Asia/Kathmandu", "+05:45"),
    ],
)
def test_offset(instant: str, zone: str, text: str) -> None:
    """The offset is the site's own at that instant, daylight saving and odd minutes included."""
    assert offset(parse_rfc3339(instant), zone) == text
