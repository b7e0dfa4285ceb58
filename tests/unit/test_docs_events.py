"""docs/events.md: every kind of event is shown there as this gateway renders it."""

import json
import os
import re
from pathlib import Path

from msgspec import structs

from gateway.events import render_all
from gateway.events.check import problems
from gateway.events.topics import EPCIS_KINDS, OWN_KINDS
from gateway.model.documents import Reference
from gateway.model.outcome import (
    AlarmChange,
    Correction,
    Decision,
    Excursion,
    Firing,
    Gap,
    Hold,
    Line,
    LotMinutes,
    Movement,
    Rejection,
    Release,
    Transformation,
    Weighed,
)
from gateway.model.settings import Settings
from gateway.model.times import parse_rfc3339
from simulators.epc import sgtin96, sscc96
from simulators.inventory import Inventory

PAGE = Path(__file__).parents[2] / "docs" / "events.md"
SITE = Settings(site="berlin-1", gateway="gw-1", timezone="Europe/Berlin", gln="4012345000009", prefix_length=7)
MILK, CHEESE, SSCC = "09520001123450", "09520001123467", "095200010000000072"
CASES = tuple(sgtin96(MILK, serial, 7) for serial in ("7001", "7002"))


def at(clock: str) -> int:
    """An instant of that morning (UTC)."""
    return parse_rfc3339(f"2026-11-21T{clock}Z")


TAGGED = Line(MILK, "A42-2610", 2000, "each", "range", CASES, "2027-04-30", "sgtin", 2000, 7)
RECEIPT = Movement(
    movement="c2a3d0c5-5a3c-5b0e-9a4e-0d5b7a2f6a01",
    passage=f"dock-1/{at('06:42:05.100')}",
    portal="dock-1",
    at=at("06:42:11.250"),
    type="receive",
    origin=None,
    destination="cold-2",
    verdict="accepted",
    reasons=("matched",),
    lines=(TAGGED, Line(CHEESE, "C7/26", 12_500, "kg", "sscc", (), "2027-05-31", "class", 12_500)),
    sscc=SSCC,
    sscc_epc=sscc96(SSCC, 7),
    expectation="asn/ASN-88123",
    documents=(Reference("desadv", "ASN-88123"),),
    weight=Weighed("612.4", "kg", at("06:42:03.000"), "dock-1-scale", "608.0", 0.72),
    climate=(("cold-2-a", "temperature", 3.8, "Cel", at("06:42:00.000")),),
    evidence={"direction": "in", "confidence": 0.97, "reads": 48, "tags": {CASES[0]: [18, -47, 310_000, 4_120_000]}},
)
UNANNOUNCED = structs.replace(
    RECEIPT, movement="2b8e9d10-7c3f-5e2a-8d4b-6f5a4c3b2d05", verdict="held", status="hold",
    reasons=("no_expectation",), expectation=None, documents=(), weight=None,
    climate=(), evidence={}, lines=(structs.replace(TAGGED, expected=None),),
)  # fmt: skip
RIGHT = structs.replace(
    UNANNOUNCED, movement="0f0e5f43-2c0f-5d1b-8d06-58c2f9a1b7c4", verdict="accepted", reasons=("matched",),
    status="available", expectation="asn/ASN-88123", corrects=UNANNOUNCED.movement,
)  # fmt: skip
THERE = (LotMinutes(MILK, "A42-2610", 45.0, 2000, "each"),)

EXAMPLES: dict[str, Decision] = {
    "receipt": RECEIPT,
    "shipment": structs.replace(
        RECEIPT, movement="5d1f5b07-71b7-5a8f-a2c6-9b3ed0b0f402", type="ship", origin="cold-2", destination=None,
        at=at("14:05:40.000"), lines=(TAGGED,), expectation="order/O-501", documents=(Reference("bol", "B-77"),),
        weight=None, climate=(), evidence={},
    ),
    "movement": structs.replace(
        RECEIPT, movement="7a0c2f8e-30f8-5c55-9b1d-1d2c3b4a5e03", type="transfer", origin="cold-2",
        destination="lane-4", portal="inner-1", at=at("09:12:00.000"), lines=(TAGGED,), expectation=None,
        documents=(), weight=None, climate=(), evidence={},
    ),
    "transformation": Transformation(
        "1b9d6bcd-bbfd-5b2d-9b5d-ab8dfbbd4bed", at("10:00:00.000"), "kitchen", (TAGGED,),
        (Line(CHEESE, "B20261121-001", 1_500, "kg", "produced", (), "2026-12-01", "class"),), "P-12", by="ann",
    ),
    "excursion": Excursion(
        "9f1c2d3e-4a5b-5c6d-8e7f-0a1b2c3d4e5f", "cold-2-high", "cold-2-a", "temperature", "Cel", "cold-2",
        at("07:00:00.000"), at("07:45:00.000"), 8.1, 11.6, 9.943, THERE, 8.0, "high", True,
    ),
    "hold": Hold(
        "3c9f7e21-8a64-5d0b-b1c7-6e5f4d3c2b1a", "cold-2", at("07:50:00.000"), "held_by_person", "command",
        THERE, "ann",
    ),
    "release": Release(
        "4d8e6f32-9b75-5e1c-a2d8-7f6e5d4c3b2a", "cold-2", at("08:30:00.000"), "released_by_person", "command",
        THERE, "ann",
    ),
    "correction": Correction(
        "6e0f8a54-1d97-5a3e-b4f0-918f7e6d5c4b", at("06:55:00.000"), UNANNOUNCED, RIGHT, "incorrect_data"
    ),
    "alarm": AlarmChange(
        "cold-2-high", "cold-2-a", at("07:02:00.000"), "normal", "unacked_active", "high", 9.1, 8.0, "cold-2"
    ),
    "exception": Rejection("down/asn/A-9", at("06:10:00.000"), "bad_document", "units[0].sscc: 17 digits, not 18"),
    "gap": Gap(7, 9, at("06:30:00.000"), "refused by the broker: Not authorized (0x87)"),
    "notice": Firing(
        "tell-late-trucks", "9c1d", at("06:42:11.250"), "receive", RECEIPT.movement, "dock-1", {"minutes_late": 42},
        ("publish",), ("The truck of ASN-88123 was 42 minutes late.",),
    ),
}  # fmt: skip
"""A decision for every kind of event, in the order of the page."""

NOT_YET = {"count"}
"""Kinds that are named in the topic table and that nothing sends yet; the page says so."""


def example(kind: str) -> str:
    """The event as the page shows it."""
    (event,) = render_all(EXAMPLES[kind], 17, SITE)
    assert event.kind == kind
    return f"`{event.topic}`\n\n```json\n{json.dumps(json.loads(event.body), indent=2, ensure_ascii=False)}\n```"


def test_every_example_is_rendered_by_this_gateway() -> None:
    """Between the marks of a kind stands what the gateway renders (TALLYMAN_WRITE_DOCS=1 writes it anew)."""
    text = PAGE.read_text(encoding="utf-8")
    for kind in EXAMPLES:
        begin, end = f"<!-- example {kind} -->\n", f"\n<!-- end {kind} -->"
        before, found, rest = text.partition(begin)
        assert found, f"docs/events.md has no example of {kind}"
        shown, found, after = rest.partition(end)
        assert found
        if os.environ.get("TALLYMAN_WRITE_DOCS"):
            shown = example(kind)
            text = f"{before}{begin}{shown}{end}{after}"
        assert shown == example(kind), kind
    if os.environ.get("TALLYMAN_WRITE_DOCS"):
        PAGE.write_text(text, encoding="utf-8")


def test_every_kind_has_its_example() -> None:
    """No kind of the topic table is without one, and the page's table names them all."""
    assert set(EXAMPLES) == {*EPCIS_KINDS, *OWN_KINDS} - NOT_YET
    rows = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(rows) >= {*EPCIS_KINDS, *OWN_KINDS}


def test_the_examples_can_be_booked() -> None:
    """Each example is sound by our own checks, and the reference consumer takes it."""
    books = Inventory(":memory:")
    books.open()
    seq = 0
    for kind in EXAMPLES:
        decisions = [UNANNOUNCED, EXAMPLES[kind]] if kind == "correction" else [EXAMPLES[kind]]
        for decision in decisions:
            for event in render_all(decision, seq + 1, SITE):
                seq = event.seq
                if event.content_type == "application/ld+json":
                    assert problems(json.loads(event.body)) == []
                assert books.book(event.topic, event.body, event.attributes).outcome == "booked", kind
    assert books.rejected() == []
    assert books.through() == {"gw-1": seq}
    books.close()
