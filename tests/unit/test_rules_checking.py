"""Every fact that rules may use about a movement: what it says, and what it says of odd data."""

from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from gateway.config.models import LocationKind
from gateway.model.documents import ExpectedLine, ExpectedUnit
from gateway.model.documents import Weight as Gross
from gateway.model.facts import Expected, Facts, Goods, Journey, LotFact, Neighbour
from gateway.model.outcome import Line, Movement, Weighed
from gateway.model.settings import Location, Settings
from gateway.rules import reasons
from gateway.rules.checking import checks
from gateway.rules.checks import KINDS, TYPES, MovementChecks

GTIN, OTHER, SSCC = "04012345000009", "04012345000016", "340123450000000018"
NOON = 1_795_262_400_000_000  # 2026-11-21T12:00:00Z
MINUTE, DAY = 60_000_000, 86_400_000_000

SITE = Settings(
    "s",
    "g",
    timezone="Europe/Berlin",
    locations=(
        Location("cold", "cold_room", "chilled"),
        Location("hall", "zone", "ambient"),
        Location("ramp", "dock", "ambient"),
        Location("yard", "outside"),
    ),
)


def line(lot: str | None = "L1", quantity: int = 10, **more: Any) -> Line:
    """So many pieces of a lot of our product."""
    return Line(**{"gtin": GTIN, "lot": lot, "quantity": quantity * 1000, "unit": "each", "resolved_by": "item"} | more)


def moved(*lines: Line, type_: str = "ship", **more: Any) -> Movement:
    """A movement out of (ship), into (receive) or inside the cold room's site."""
    ends = {"ship": ("cold", None), "receive": (None, "hall"), "transfer": ("cold", "hall")}[type_]
    base = Movement("m", "p", "dock-1", NOON, type_, *ends, "accepted", ("matched",), lines or (line(),), sscc=SSCC)
    return structs.replace(base, **more)


def expected(*lines: ExpectedLine, kind: str = "order", door: str | None = None, **more: Any) -> dict[str, Any]:
    """Facts of an order (or ASN) that names the unit with these lines."""
    gross = more.pop("gross", None)
    one = Expected(kind, "O1", 1, ExpectedUnit(SSCC, lines, gross), "expected", (), "cust", door=door, **more)
    return {"expected": {SSCC: (one,)}}


def lot(number: str = "L1", **more: Any) -> dict[str, LotFact]:
    """What the ledger knows of a lot."""
    return {f"{GTIN}/{number}": LotFact(GTIN, number, **more)}


def seen(movement: Movement, **facts: Any) -> MovementChecks:
    """The facts of a movement."""
    return checks(SITE, movement, Facts(**facts))


def test_a_movement_without_anything_known_has_no_findings() -> None:
    """Nothing known is nothing found: no fact claims what nobody said."""
    found = seen(moved(line(expiry=None)))
    assert (found.announced.found, found.announced.matched, found.on_hold) == (False, False, False)
    assert (found.expiry.missing, found.expiry.past, found.expiry.days_left) == (True, False, None)
    assert (found.quality.unknown, found.quality.status) == (True, None)
    assert (found.weight, found.fefo, found.fifo, found.lifo) == (None, None, None, None)
    assert (found.stock.low, found.stock.over, found.stock.idle_days) == (False, False, None)
    assert (found.origin_kind, found.destination_kind, found.type) == ("cold_room", None, "ship")


@pytest.mark.parametrize(
    ("lines", "ordered", "says"),
    [
        ((line(quantity=10),), ((GTIN, "10", "L1"),), "matched"),
        ((line(quantity=10),), ((GTIN, "10", None),), "matched"),
        ((line(quantity=10),), (), "matched"),  # the order names the pallet only
        ((line(quantity=9),), ((GTIN, "10", "L1"),), "short"),
        ((line(quantity=10),), ((GTIN, "10", "L1"), (OTHER, "1", None)), "short"),
        ((line(quantity=11),), ((GTIN, "10", "L1"),), "over"),
        ((line("L2", quantity=10),), ((GTIN, "10", "L1"),), "wrong_lot short"),
        ((line(quantity=10), line(gtin=OTHER, quantity=1)), ((GTIN, "10", "L1"),), "wrong_product"),
    ],
)
def test_what_moved_against_what_was_announced(
    lines: tuple[Line, ...], ordered: tuple[tuple[str, str, str | None], ...], says: str
) -> None:
    """Matched, short, over, another lot, another product: by GTIN, lot and quantity, for orders as for ASNs."""
    wanted = [ExpectedLine(gtin, quantity, number) for gtin, quantity, number in ordered]
    found = seen(moved(*lines, expectation="order/O1"), **expected(*wanted)).announced
    names = ("matched", "short", "over", "wrong_lot", "wrong_product", "duplicate")
    assert {name for name in names if getattr(found, name)} == set(says.split())
    assert (found.found, found.kind, found.id, found.party) == (True, "order", "O1", "cust")


@pytest.mark.parametrize("reason", ["already_received", "already_shipped"])
def test_a_duplicate_pallet_is_neither_matched_nor_short(reason: str) -> None:
    """A unit that came or went before is a duplicate, announced or not, and nothing else is said of it."""
    twice = moved(line(quantity=1), reasons=(reason,), verdict="refused")
    announced = expected(ExpectedLine(GTIN, "10", "L1"))
    with_it = seen(structs.replace(twice, expectation="order/O1"), **announced)
    assert (with_it.announced.duplicate, with_it.announced.matched, with_it.announced.short) == (True, False, False)
    assert seen(twice).announced.duplicate
    assert (with_it.already_received, with_it.already_shipped) == (
        reason == "already_received",
        reason == "already_shipped",
    )


def test_a_wrong_door_is_another_door_than_the_announced_one() -> None:
    """Another portal is wrong; the announced one, none announced, or a person's command without a portal is not."""
    for door, portal, wrong in (("dock-2", "dock-1", True), ("dock-1", "dock-1", False), (None, "dock-1", False)):
        assert seen(moved(expectation="order/O1", portal=portal), **expected(door=door)).announced.wrong_door is wrong
    assert not seen(moved(expectation="order/O1", portal=""), **expected(door="dock-2")).announced.wrong_door


@pytest.mark.parametrize(
    ("text", "days", "past"), [("2026-11-20", -1, True), ("2026-11-21", 0, False), ("2027-11-21", 365, False)]
)
def test_a_lot_is_good_through_the_day_of_its_date(text: str, days: int, past: bool) -> None:
    """Yesterday's date is past, today's is not; the day is the site's."""
    found = seen(moved(line(expiry=text))).expiry
    assert (found.days_left, found.past, found.missing) == (days, past, False)


def test_the_day_is_the_sites_own() -> None:
    """At 23:30 UTC it is tomorrow in Berlin: what expires today by UTC is past there."""
    late = moved(line(expiry="2026-11-21"), at=NOON + 23 * 3_600_000_000 // 2)
    assert seen(late).expiry.past


def test_the_worst_lot_and_the_earlier_date_count() -> None:
    """Of several lots the first to expire; where line and master data differ, the earlier of both."""
    two = moved(line(expiry="2027-01-31"), line("L2", expiry="2026-12-01"))
    assert seen(two).expiry.days_left == 10
    assert seen(two, lots=lot(expiry="2026-11-25")).expiry.days_left == 4
    assert (
        seen(moved(line(expiry=None)), lots=lot(expiry="2026-11-25")).expiry
        == seen(moved(line(expiry="2026-11-25"))).expiry
    )
    assert seen(moved(line(expiry="soon"))).expiry.missing


@pytest.mark.parametrize(("required", "short"), [(11, True), (10, False), (None, False)])
def test_shelf_life_is_held_against_the_customers_minimum(required: int | None, short: bool) -> None:
    """Ten days left are too few for eleven, and enough for ten; who asks for nothing gets what there is."""
    announced = expected(min_shelf_life_days=required)
    found = seen(moved(line(expiry="2026-12-01"), expectation="order/O1"), **announced).expiry
    assert (found.too_short, found.required_days) == (short, required)


@pytest.mark.parametrize(("days", "beyond"), [(30, True), (31, False), (None, False)])
def test_an_expiry_beyond_production_and_shelf_life_is_told(days: int | None, beyond: bool) -> None:
    """31 days from production to expiry are more than 30 and not more than 31."""
    known = lot(produced="2026-11-01", shelf_life_days=days)
    assert seen(moved(line(expiry="2026-12-02")), lots=known).expiry.beyond_shelf_life is beyond


@pytest.mark.parametrize(
    ("qc", "life", "status"),
    [
        ("released", None, "released"),
        ("Pending", None, "pending"),
        ("quarantine", "in_stock", "pending"),
        ("pending", "released", "pending-free"),  # a person here has let it go
        (None, "pending_inspection", "pending"),
        ("released", "rejected", "rejected"),
        ("FAILED", "released", "rejected"),
        (None, None, None),
    ],
)
def test_quality_is_the_stricter_of_central_and_the_site(qc: str | None, life: str | None, status: str | None) -> None:
    """Rejected anywhere is rejected; pending anywhere is pending, unless a person here released the lot."""
    found = seen(moved(), lots=lot(qc=qc, life=life)).quality
    assert found.rejected is (status == "rejected")
    assert found.pending is (status == "pending")
    assert found.unknown is (qc is None and life is None)
    assert found.status == ("pending" if status == "pending-free" else status)


def test_the_worst_quality_of_several_lots_counts() -> None:
    """One rejected lot on the pallet rejects it; one of which nothing is known makes it unknown."""
    two = moved(line(), line("L2"))
    known = lot(qc="rejected") | lot("L2", qc="pending")
    assert (seen(two, lots=known).quality.status, seen(two, lots=lot(qc="released")).quality.unknown) == (
        "rejected",
        True,
    )


def test_a_hold_on_unit_or_lot_is_a_fact() -> None:
    """What the table found, or an open hold on any lot of the pallet."""
    assert seen(moved(), lots=lot(held=True)).on_hold
    assert seen(moved(reasons=("on_hold",), verdict="refused")).on_hold
    assert not seen(moved(), lots=lot(held=False)).on_hold


def weighed(value: str, unit: str = "kg") -> Weighed:
    """A settled weight."""
    return Weighed(value, unit, NOON, "scale")


def test_weight_against_the_announced_one_in_amount_and_percent() -> None:
    """612.4 kg for 608: 4.4 kg too heavy, 0.72 %; both stand there, with and without their sign."""
    announced = expected(gross=Gross("608.0"))
    found = seen(moved(expectation="order/O1", weight=weighed("612.4")), **announced).weight
    assert found is not None
    assert (found.difference, found.off, found.percent) == (Decimal("4.4"), Decimal("4.4"), Decimal("0.72"))
    light = seen(moved(expectation="order/O1", weight=weighed("600")), **announced).weight
    assert light is not None
    assert (light.difference, light.off, light.source) == (Decimal("-8.0"), Decimal("8.0"), "announced")


def test_weight_is_converted_into_the_scales_unit() -> None:
    """Announced in kilograms, weighed in pounds or grams; a unit nobody knows has no expectation."""
    for unit, expect in (("lb", "1340.411"), ("g", "608000.000"), ("KGM", "608.000"), ("stone", None)):
        found = seen(
            moved(expectation="order/O1", weight=weighed("1", unit)), **expected(gross=Gross("608.0", "kg"))
        ).weight
        assert found is not None
        assert found.expected == (None if expect is None else Decimal(expect))


def test_without_an_announced_weight_the_unit_weights_and_the_tare_are_added() -> None:
    """Ten pieces of 2.5 kg and 3.2 kg of cheese on a pallet of 22 kg; one lot without a weight: nothing is expected."""
    load = moved(line(), line("L2", quantity=3200, unit="kg"), weight=weighed("50"))
    load = structs.replace(load, lines=(load.lines[0], structs.replace(load.lines[1], quantity=3200)))
    known = lot(attributes={"unit_weight": "2.5", "tare_weight": 22}) | lot("L2", attributes={})
    found = seen(load, lots=known).weight
    assert found is not None
    assert (found.expected, found.source) == (Decimal("50.2"), "unit_weights")
    unknown = seen(moved(line(), line("L3"), weight=weighed("50")), lots=known).weight
    assert unknown is not None
    assert (unknown.expected, unknown.off, unknown.source) == (None, None, None)


def test_a_chilled_lot_in_an_ambient_zone_is_a_mismatch() -> None:
    """By the storage class of any lot and the class of where it goes; a place without a class is not judged."""
    chilled = lot(attributes={"storage_class": "chilled"})
    there = seen(moved(type_="transfer"), lots=chilled).climate
    assert (there.storage, there.here, there.mismatch) == ("chilled", "ambient", True)
    assert not seen(moved(type_="transfer", destination="cold"), lots=chilled).climate.mismatch
    assert not seen(moved(type_="transfer", destination="yard"), lots=chilled).climate.mismatch
    assert not seen(moved(type_="ship"), lots=chilled).climate.mismatch


def test_the_temperature_of_the_lane_is_in_celsius_and_has_an_age() -> None:
    """Of the warmest and the coldest sensor, in °C whatever they measure in, with the age of the oldest sample."""
    lane = (
        ("a", "temperature", 5.5, "Cel", NOON - 2 * MINUTE),
        ("b", "temperature", 39.2, "[degF]", NOON - 30 * MINUTE),
        ("b", "humidity", 70.0, "%", NOON),
        ("c", "temperature", 1.0, "furlong", NOON),
    )
    found = seen(moved(climate=lane)).climate
    assert (found.temperature, found.temperature_low, found.temperature_age) == (5.5, 4.0, 30.0)


def test_the_journey_tells_excursions_and_extremes_of_the_worst_lot() -> None:
    """Counts and minutes of the worst lot, the coldest and warmest of any."""
    journeys = {f"{GTIN}/L1": Journey(1, 2, 30.0, 1.0, 9.5), f"{GTIN}/L2": Journey(1, 1, 45.0, 2.0, 11.0)}
    found = seen(moved(line(), line("L2")), journeys=journeys).climate
    assert (found.excursions, found.excursion_minutes, found.coldest, found.warmest) == (2, 45.0, 1.0, 11.0)


def test_time_out_of_refrigeration_counts_overlapping_stays_once() -> None:
    """Ten minutes on the ramp and ten in the hall, five of them at once, are fifteen; an open stay counts until now."""
    stays = (
        ("ramp", NOON - 40 * MINUTE, NOON - 30 * MINUTE),
        ("hall", NOON - 35 * MINUTE, NOON - 25 * MINUTE),
        ("cold", NOON - 25 * MINUTE, None),
        ("yard", NOON - 90 * MINUTE, NOON - 40 * MINUTE),  # its class is not known
        ("ramp", NOON - 5 * MINUTE, None),
    )
    known = lot(attributes={"storage_class": "chilled", "minutes_out_max": "60"})
    found = seen(moved(), lots=known, journeys={f"{GTIN}/L1": Journey(1, stays=stays)}).climate
    assert (found.minutes_out, found.minutes_left) == (20.0, 40.0)
    odd = lot(attributes={"storage_class": "chilled", "minutes_out_max": "an hour"})
    assert seen(moved(), lots=odd).climate.minutes_left is None
    assert seen(moved(), lots=lot(attributes={"minutes_out_max": 60})).climate.minutes_left is None


NEIGHBOURS = (
    Neighbour("EARLY", "cold", 5000, NOON - 3 * DAY, "2026-12-01"),
    Neighbour("FIRST", "hall", 7000, NOON - 9 * DAY, "2027-03-01"),
    Neighbour("LAST", "hall", 1000, NOON - DAY, None),
)


def test_another_lot_should_leave_first_and_where_it_stands() -> None:
    """FEFO by the date, FIFO by the first arrival, LIFO by the last; the furthest ahead is told with its place."""
    facts = {
        "goods": {GTIN: Goods(neighbours=NEIGHBOURS)},
        "journeys": {f"{GTIN}/L1": Journey(NOON - 5 * DAY)},
    }
    found = seen(moved(line(expiry="2027-01-31")), **facts)
    assert found.fefo is not None
    assert found.fifo is not None
    assert found.lifo is not None
    assert (found.fefo.lot, found.fefo.location, found.fefo.days, found.fefo.quantity) == ("EARLY", "cold", 61, 5)
    assert (found.fifo.lot, found.fifo.location, found.fifo.days) == ("FIRST", "hall", 4)
    assert (found.lifo.lot, found.lifo.days) == ("LAST", 4)


def test_nothing_should_leave_first_when_it_moves_itself_or_would_be_refused() -> None:
    """A lot on the same pallet, one that is too short for this customer, and one that expires later are no finding."""
    goods = {"goods": {GTIN: Goods(neighbours=NEIGHBOURS)}}
    together = seen(moved(line(expiry="2027-01-31"), line("EARLY", expiry="2026-12-01")), **goods)
    assert together.fefo is None
    ordered = expected(min_shelf_life_days=30)
    assert seen(moved(line(expiry="2027-01-31"), expectation="order/O1"), **goods, **ordered).fefo is None
    assert seen(moved(line(expiry="2026-11-30")), **goods).fefo is None
    assert seen(moved(line(expiry=None)), **goods).fefo is None


def test_low_and_over_stock_are_judged_product_by_product() -> None:
    """Shipping ten of twelve goes below the minimum of five; the other product, with its own numbers, is fine."""
    goods = {
        GTIN: Goods({"each": 20_000, "kg": 1}, {"each": 12_000}),
        OTHER: Goods({"each": 3_000}, {"each": 3_000}),
    }
    known = lot(attributes={"stock_min": 5, "stock_max": "25"})
    found = seen(moved(line(gtin=OTHER, quantity=1), line()), goods=goods, lots=known).stock
    assert (found.product, found.low, found.over) == (GTIN, True, False)
    assert (found.on_hand, found.available, found.after, found.available_after) == (20, 12, 10, 2)
    coming = seen(moved(line(), type_="receive"), goods=goods, lots=known).stock
    assert (coming.low, coming.over, coming.after, coming.maximum) == (False, True, 30, 25)
    inside = seen(moved(line(), type_="transfer"), goods=goods, lots=known).stock
    assert (inside.low, inside.over, inside.after) == (False, False, 20)


def test_dead_stock_is_days_since_it_came_to_where_it_stands() -> None:
    """The longest open stay of any lot that moves; what was left already does not count."""
    stays = (("hall", NOON - 200 * DAY, NOON - 100 * DAY), ("cold", NOON - 100 * DAY, None))
    assert seen(moved(), journeys={f"{GTIN}/L1": Journey(1, stays=stays)}).stock.idle_days == 100


def test_every_lot_of_the_movement_is_listed() -> None:
    """With its quantity in its unit, its days, and what is known of it."""
    known = lot(qc="released", life="in_stock", held=True, supplier="sup", product="milk")
    one, two = seen(moved(line(expiry="2026-12-01"), line(None, gtin=None)), lots=known).lots
    assert (one.quantity, one.days_left, one.qc, one.life, one.held, one.supplier, one.product) == (
        10,
        10,
        "released",
        "in_stock",
        True,
        "sup",
        "milk",
    )
    assert (two.gtin, two.lot, two.expiry) == (None, None, None)


def test_words_that_rules_may_compare_with_are_those_of_the_house() -> None:
    """Kinds of location are the configuration's, types of movement those of the tables."""
    assert set(KINDS) == set(LocationKind.__args__)  # type: ignore[attr-defined]
    assert set(TYPES) == {*reasons.TABLES, "return"}


def test_every_fact_says_what_it_is() -> None:
    """The descriptions are the documentation; none is missing."""
    assert all(field.metadata["says"] for field in fields(MovementChecks))
    assert date.fromisoformat("2026-11-21") == seen(moved()).at.date()
