"""Very large movements: told in parts that add up, each small enough for a broker's packet."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.events import render_all
from gateway.events.check import problems
from gateway.events.envelope import structured
from gateway.events.splitting import LINE, PACKET, PLACES, REASONED, SHOWN, evidence, parts
from gateway.model.outcome import Line, Movement
from gateway.model.settings import Settings
from simulators.epc import sgtin96
from simulators.inventory import Inventory

SITE = Settings(site="hall 1", gateway="gw-1", gln="9521141123454", prefix_length=7)
GTIN = "80614141123458"


def movement(
    *lines: Line, sscc: str | None = None, verdict: str = "accepted", evidence: dict[str, Any] | None = None
) -> Movement:
    """A receipt of these lines, with figures, points and reasons of every tag, as a passage gives them."""
    tags = {epc: [40_000, -45, 60_000_000, 60_000_001] for line in lines for epc in line.epcs}
    points = {epc: 17.25 - number % 50 for number, epc in enumerate(tags)}
    why = {epc: [["outside_contrast", -123, -12.25]] * 6 for epc in tags}
    return Movement(
        movement="11111111-2222-5333-8444-555555555555",
        passage="dock-1/5",
        portal="dock-1",
        at=5,
        type="receive",
        origin=None,
        destination="cold-2",
        verdict=verdict,
        reasons=("matched",),
        lines=lines,
        sscc=sscc,
        missing=("x/1",),
        evidence={"tags": tags, "points": points, "why": why, "eyes": [[1, "outer", True]] * 200} | (evidence or {}),
    )


def tagged(lot: str, count: int, *, basis: str = "sgtin", more: int = 0) -> Line:
    """A line of so many tags, and `more` pieces that no tag speaks for."""
    epcs = tuple(f"{lot}{number:06d}" for number in range(count))
    return Line(GTIN, lot, (count + more) * 1000, "each", "serial", epcs, basis=basis, expected=(count + more) * 1000)


LINES = st.lists(
    st.builds(
        lambda lot, count, more: tagged(f"L{lot}-", count, basis="class" if more else "sgtin", more=more),
        st.integers(0, 9),
        st.integers(0, 40),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=6,
)


@given(LINES, st.integers(1, 50))
def test_the_parts_are_the_whole(lines, most):
    """Whatever lines and limit: tags in order, quantities and expectations add up, no part is over the limit."""
    whole = movement(*lines)
    found = parts(whole, most)
    assert [epc for part in found for line in part.lines for epc in line.epcs] == [
        e for line in lines for e in line.epcs
    ]
    sums: Counter[str] = Counter()
    expected: Counter[str] = Counter()
    for part in found:
        places = sum(LINE + len(line.epcs) for line in part.lines)
        assert places <= most or len(part.lines) == 1 >= len(part.lines[0].epcs)
        for line in part.lines:
            sums[line.lot or ""] += line.quantity
            expected[line.lot or ""] += line.expected or 0
    assert sums == expected == sum((Counter({line.lot or "": line.quantity}) for line in lines), Counter())
    assert [part.missing for part in found] == [("x/1",)] + [()] * (len(found) - 1)
    if len(found) > 1:
        assert [part.part for part in found] == [(number, len(found)) for number in range(1, len(found) + 1)]
    else:
        assert found[0] is whole


def test_5000_tags_fit_every_broker_and_count_once():
    """5,000 real SGTINs become 13 events with ids, numbers and bodies of their own, all below the smallest packet."""
    epcs = tuple(sgtin96(GTIN, str(serial), prefix_length=7) for serial in range(1, 5001))
    whole = movement(Line(GTIN, "A42", 5_000_000, "each", "serial", epcs, "2027-04-30", "sgtin", 5_000_000, 7))
    events = render_all(whole, 1, SITE)
    assert [event.seq for event in events] == list(range(1, 14))
    assert len({event.id for event in events}) == len(events)
    inventory = Inventory(":memory:")
    inventory.open()
    for number, event in enumerate(events, start=1):
        assert len(event.body) < PACKET
        body = json.loads(event.body)
        assert problems(body) == []
        assert body["tally:movement"]["tally:id"] == whole.movement
        assert body["tally:movement"]["tally:part"] == {"tally:number": number, "tally:of": len(events)}
        assert inventory.book(event.topic, event.body, event.attributes).outcome == "booked"
    (row,) = inventory.inventory()
    assert (row["lot"], row["quantity"]) == ("A42", "5000")
    inventory.close()
    assert render_all(whole, 1, SITE) == events


def test_a_refusal_names_as_many_tags_as_fit():
    """A refused movement changes nothing, so it is one event; of its tags it shows what a packet takes."""
    (event,) = render_all(movement(tagged("L", 5000), tagged("M", 5000), verdict="refused"), 1, SITE)
    told = json.loads(event.body)["movement"]
    (line,) = told["lines"]
    assert (len(line["epcs"]), line["quantity"]) == (PLACES - LINE, "5000")
    assert set(told["evidence"]["tags"]) == set(line["epcs"])
    assert told["evidence"]["shortened"] == {"why": len(line["epcs"]), "eyes": 200, "lines": 2}
    assert len(event.body) < PACKET


def longest(number: int) -> str:
    """An SGTIN-198 whose serial has 20 characters that a URI must escape."""
    classic = f"{int(sgtin96(GTIN, '1', prefix_length=7), 16):096b}"
    serial = "".join(f"{ord(letter):07b}" for letter in f"%/&<>%/&<>%/&<>{number:05d}")
    bits = f"{0x36:08b}{classic[8:58]}{serial}".ljust(208, "0")  # TDS 1.13 §14.6.1.2
    return f"{int(bits, 2):052X}"


@pytest.mark.parametrize("verdict", ["accepted", "refused"])
@pytest.mark.parametrize("lots", [1, 40, 2000])
def test_no_event_outgrows_the_least_packet(lots, verdict):
    """With the longest tags, one lot or each piece its own, long lists beside and many strays, every event fits."""
    tags = [longest(number) for number in range(2000)]
    each = len(tags) // lots
    lines = [
        Line(GTIN, f"%/&<>%/&<>%/&<>{at:05d}", each * 1000, "each", "serial", tuple(tags[at * each : (at + 1) * each]),
             "2027-04-30", "sgtin", each * 1000, 7)
        for at in range(lots)
    ]  # fmt: skip
    whole = movement(*lines, verdict=verdict, evidence={"present": tags, "ignored": tags}, sscc="106141412345678908")
    for event in render_all(whole, 1, SITE):
        size = (
            len(event.body)
            + len(event.topic)
            + sum(len(name) + len(text) + 5 for name, text in event.attributes.items())
        )
        assert size < PACKET
        assert len(structured(event)) < PACKET
        told = json.loads(event.body)
        if verdict == "accepted":
            proof = told["tally:movement"]["tally:evidence"]
            assert len(proof["tally:present"]) == SHOWN
            cut = {name: number for name, number in proof["tally:shortened"].items() if name != "tally:why"}
            assert cut == {"tally:eyes": 200, "tally:ignored": 2000, "tally:present": 2000}


def test_the_closest_calls_keep_their_reasons():
    """A large movement tells the reasons of its most doubtful tags, and how many it does not tell."""
    told = evidence(movement(tagged("A", 300)))
    assert (len(told["tags"]), len(told["points"]), len(told["why"])) == (300, 300, REASONED)
    assert told["shortened"] == {"why": 300, "eyes": 200}
    left = max(abs(told["points"][epc]) for epc in told["why"])
    assert all(abs(points) >= left for epc, points in told["points"].items() if epc not in told["why"])
    small = evidence(movement(tagged("A", 60)))
    assert len(small["why"]) == 60
    assert "why" not in small["shortened"]
