"""Very large movements: told in parts that add up, each small enough for a broker's packet."""

import json
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.events import render_all
from gateway.events.check import problems
from gateway.events.splitting import TAGS_PER_EVENT, parts
from gateway.model.outcome import Line, Movement
from gateway.model.settings import Settings
from simulators.epc import sgtin96
from simulators.inventory import Inventory

SITE = Settings(site="hall 1", gateway="gw-1", gln="9521141123454", prefix_length=7)
GTIN = "80614141123458"
SMALLEST_PACKET = 128 * 1024
"""Bytes that AWS IoT Core takes, the least of the large brokers."""


def movement(*lines: Line, sscc: str | None = None, verdict: str = "accepted") -> Movement:
    """A receipt of these lines."""
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
        assert sum(len(line.epcs) for line in part.lines) <= most
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
    """5,000 real SGTINs become ten events with ids, numbers and bodies of their own, all below the smallest packet."""
    epcs = tuple(sgtin96(GTIN, str(serial), prefix_length=7) for serial in range(1, 5001))
    whole = movement(Line(GTIN, "A42", 5_000_000, "each", "serial", epcs, "2027-04-30", "sgtin", 5_000_000, 7))
    events = render_all(whole, 17, SITE)
    assert [event.seq for event in events] == list(range(17, 17 + 5000 // TAGS_PER_EVENT))
    assert len({event.id for event in events}) == len(events)
    inventory = Inventory(":memory:")
    inventory.open()
    for number, event in enumerate(events, start=1):
        assert len(event.body) < SMALLEST_PACKET
        body = json.loads(event.body)
        assert problems(body) == []
        assert body["tally:movement"]["tally:id"] == whole.movement
        assert body["tally:movement"]["tally:part"] == {"tally:number": number, "tally:of": len(events)}
        assert inventory.book(event.topic, event.body, event.attributes).outcome == "booked"
    (row,) = inventory.inventory()
    assert (row["lot"], row["quantity"]) == ("A42", "5000")
    inventory.close()
    assert render_all(whole, 17, SITE) == events


def test_a_refusal_names_as_many_tags_as_fit():
    """A refused movement changes nothing, so it is one event; of its tags it shows what a packet takes."""
    (event,) = render_all(movement(tagged("L", 5000), verdict="refused"), 1, SITE)
    (line,) = json.loads(event.body)["movement"]["lines"]
    assert (len(line["epcs"]), line["quantity"]) == (TAGS_PER_EVENT, "5000")
    assert len(event.body) < SMALLEST_PACKET
