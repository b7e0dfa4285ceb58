"""Resolution of tags to lots, the verdict table, and what movements do to the ledger."""

from typing import Any

import msgspec
import pytest

from gateway.identity import decode
from gateway.model.documents import ExpectedLine, ExpectedUnit, Reference, Weight
from gateway.model.facts import Content, Expected, Facts, Item, LotFact, Serial, Unit
from gateway.model.inputs import Weighing
from gateway.model.outcome import ItemChange, Line, LotChange, Movement, Passage, StockDelta, UnitChange, UnitDone
from gateway.model.settings import Antenna, Portal, Settings
from gateway.model.times import parse_rfc3339
from gateway.rules import reasons
from gateway.rules.candidates import Crossed
from gateway.rules.effects import applied, effects
from gateway.rules.movements import judge
from gateway.rules.resolve import MISSING_SHOWN, compare, resolve, tagged_lines
from simulators.epc import check_digit, sgtin96, sscc96

S = 1_000_000
NOON = 1_795_262_400 * S  # 2026-11-21T12:00:00Z
SSCC, OTHER = (body + check_digit(body) for body in ("34012345000000001", "34012345000000002"))
GTIN, GTIN2 = (body + check_digit(body) for body in ("0401234500001", "0401234500002"))
PALLET, PALLET2 = sscc96(SSCC, 7), sscc96(OTHER, 7)
RAW = "E280116060000209"
TRUCK, ROLL_CAGE = "34164522A400000000000001", "3316450E040000C000000001"

DOCK = Portal("dock-1", "inbound", (Antenna("r", 1),))
INNER = Portal("door-2", "cold", (Antenna("r", 2),), outside="inbound")
SITE = Settings(site="s", gateway="g", portals=(DOCK, INNER))


def tag(serial: int, gtin: str = GTIN) -> str:
    """The EPC of one item."""
    return sgtin96(gtin, str(serial), 7)


def tags(*serials: int, gtin: str = GTIN) -> tuple[str, ...]:
    """The EPCs of several items."""
    return tuple(tag(serial, gtin) for serial in serials)


def expects(
    *lines: ExpectedLine, sscc: str = SSCC, kind: str = "asn", state: str = "expected", **more: Any
) -> Expected:
    """An announcement of one logistic unit."""
    unit = ExpectedUnit(sscc, lines, more.pop("weight", None))
    return Expected(kind, "D1", 1, unit, state, (Reference("po", "4711"),), "acme", **more)


def serials(*numbers: int, lot: str = "L1", sscc: str = SSCC, by: str = "serial") -> dict[str, tuple[Serial, ...]]:
    """Announced serials as facts."""
    return {f"{GTIN}/{number}": (Serial(GTIN, lot, "asn/D1", sscc, by),) for number in numbers}


def cross(
    facts: Facts,
    *moved: str,
    way: str = "in",
    portal: Portal = DOCK,
    at: int = NOON,
    site: Settings = SITE,
    **more: Any,
) -> list[Movement]:
    """The movements of one passage."""
    passage = Passage(f"{portal.id}/{at - S}", portal.id, at - S, at, way, 0.9, tuple(sorted(moved)))
    return judge(site, Crossed(passage, portal, more.get("weighing"), more.get("climate", ())), facts)


def one(facts: Facts, *moved: str, **more: Any) -> Movement:
    """The only movement of one passage."""
    (movement,) = cross(facts, *moved, **more)
    return movement


COUNTED = ExpectedLine(GTIN, "2", "L1", serials=("1", "2"))
TRUSTED = ExpectedLine(GTIN, "24", "L1", expiry="2027-01-01")


# resolution


def test_item_comes_first() -> None:
    """What the ledger knows of a tag goes before what documents announce; their disagreement is not yet said."""
    facts = Facts(
        items={tag(1): Item(tag(1), GTIN, "L0", "left", parent=SSCC, expiry="2026-12-01")}, serials=serials(1)
    )
    found = resolve(tag(1), facts, None)
    assert (found.lot, found.by, found.sscc, found.expiry) == ("L0", "item", SSCC, "2026-12-01")


def test_item_without_lot_is_no_answer() -> None:
    """An item entered without a lot is resolved anew from the announcements."""
    facts = Facts(items={tag(1): Item(tag(1), GTIN, "", "left")}, serials=serials(1))
    assert resolve(tag(1), facts, None).by == "serial"


def test_serial_before_range() -> None:
    """Of two announcements that agree the exact serial is named as the source."""
    both = (Serial(GTIN, "L1", "asn/D1", SSCC, "serial"), Serial(GTIN, "L1", "asn/D2", SSCC, "range"))
    assert resolve(tag(1), Facts(serials={f"{GTIN}/1": both}), None).by == "serial"
    assert resolve(tag(1), Facts(serials=serials(1, by="range")), None).by == "range"


def test_own_unit_wins_a_contradiction() -> None:
    """A serial announced in two lots is of the lot announced on the unit it travels with, else of none."""
    both = (Serial(GTIN, "L1", "asn/D1", SSCC, "serial"), Serial(GTIN, "L2", "asn/D2", OTHER, "serial"))
    facts = Facts(serials={f"{GTIN}/1": both})
    assert resolve(tag(1), facts, expects(COUNTED)).lot == "L1"
    assert resolve(tag(1), facts, expects(COUNTED, sscc=OTHER)).lot == "L2"
    found = resolve(tag(1), facts, None)
    assert (found.gtin, found.lot, found.by) == (GTIN, None, "unresolved")


def test_two_lots_on_one_unit_is_none() -> None:
    """A serial that the same unit announces in two lots is not guessed."""
    both = (Serial(GTIN, "L1", "asn/D1", SSCC, "serial"), Serial(GTIN, "L2", "asn/D1", SSCC, "range"))
    assert resolve(tag(1), Facts(serials={f"{GTIN}/1": both}), expects(COUNTED)).lot is None


def test_parent_line() -> None:
    """Without a serial the only line of that GTIN on the unit tells the lot, if it names no serials of its own."""
    found = resolve(tag(9), Facts(), expects(TRUSTED))
    assert (found.lot, found.by, found.expiry) == ("L1", "sscc", "2027-01-01")
    assert resolve(tag(9), Facts(), expects(COUNTED)).lot is None
    second = ExpectedLine(GTIN, "1", "L2")
    assert resolve(tag(9), Facts(), expects(TRUSTED, second)).lot is None
    assert resolve(tag(9, GTIN2), Facts(), expects(TRUSTED)).lot is None


def test_raw_tag_is_unresolved() -> None:
    """A tag that is no GS1 EPC has neither GTIN nor lot, and is no error."""
    found = resolve(RAW, Facts(serials=serials(1)), expects(TRUSTED))
    assert (found.gtin, found.lot, found.by) == (None, None, "unresolved")


def test_tagged_lines() -> None:
    """Tags are counted one each per lot, with the earliest expiry and the prefix length the tag tells."""
    facts = Facts(serials=serials(1, 2) | serials(3, lot="L2"))
    lines = tagged_lines([resolve(epc, facts, None) for epc in [*tags(3, 2, 1), RAW, tag(7)]])
    assert [(line.gtin, line.lot, line.quantity, line.resolved_by) for line in lines] == [
        (None, None, 1000, "unresolved"),
        (GTIN, None, 1000, "unresolved"),
        (GTIN, "L1", 2000, "serial"),
        (GTIN, "L2", 1000, "serial"),
    ]
    assert lines[2].epcs == tuple(sorted(tags(1, 2)))
    assert [line.prefix for line in lines] == [None, 7, 7, 7]


def test_compare_names_what_is_missing() -> None:
    """Unread serials are named, ranges up to a bound, and a missing line has no quantity."""
    ranged = ExpectedLine(GTIN2, "5000", "L2", ranges=(("1", "5000"),))
    load = compare(expects(COUNTED, ranged), [resolve(tag(1), Facts(serials=serials(1)), expects(COUNTED))])
    assert load.found == {"short"}
    assert [(line.lot, line.quantity, line.expected) for line in load.lines] == [("L1", 1000, 2000)]
    assert load.missing[:2] == (f"{GTIN}/2", f"{GTIN2}/1")
    assert len(load.missing) == 1 + MISSING_SHOWN


def test_compare_trusts_a_line_without_serials() -> None:
    """A line without serials counts as announced, whether none or some of its tags were read."""
    for read in ((), (1, 2, 3)):
        load = compare(expects(TRUSTED), [resolve(tag(n), Facts(), expects(TRUSTED)) for n in read])
        assert load.found == set()
        (line,) = load.lines
        assert (line.quantity, line.basis, line.resolved_by, line.expiry) == (24_000, "class", "sscc", "2027-01-01")
        assert len(line.epcs) == len(read)


# verdicts: receive


def received(*moved: str, facts: Facts | None = None, **more: Any) -> Movement:
    """A pallet with two counted items comes in."""
    known = facts or Facts(expected={SSCC: (expects(COUNTED),)}, serials=serials(1, 2))
    return one(known, PALLET, *moved, **more)


def test_matched() -> None:
    """Everything announced and nothing else is accepted as matched, with its whole provenance."""
    movement = received(*tags(1, 2), climate=(("c", "temperature", 3.0, "Cel", NOON),))
    assert (movement.verdict, movement.reasons, movement.status) == ("accepted", ("matched",), "available")
    assert (movement.type, movement.origin, movement.destination) == ("receive", None, "inbound")
    assert (movement.sscc, movement.sscc_epc, movement.expectation) == (SSCC, PALLET, "asn/D1")
    assert (movement.documents, movement.party) == ((Reference("po", "4711"),), "acme")
    assert movement.climate[0][0] == "c"
    assert movement.evidence == {"direction": "in", "confidence": 0.9}
    assert movement.at == NOON


def test_short() -> None:
    """Less than announced is accepted with a reason, and what is missing is named."""
    movement = received(tag(1))
    assert (movement.verdict, movement.reasons, movement.missing) == ("accepted", ("short",), (f"{GTIN}/2",))
    assert [line.quantity for line in movement.lines] == [1000]


def test_over_by_tags() -> None:
    """More tags of a lot than announced is held."""
    over = Facts(expected={SSCC: (expects(ExpectedLine(GTIN, "1", "L1")),)})
    movement = received(*tags(1, 2), facts=over)
    assert (movement.verdict, movement.reasons, movement.status) == ("held", ("over",), "hold")
    assert [(line.quantity, line.expected) for line in movement.lines] == [(2000, 1000)]


def test_over_by_a_lot_not_announced_on_this_unit() -> None:
    """An item of a lot that is announced, but on another unit, is over on this one."""
    facts = Facts(expected={SSCC: (expects(COUNTED),)}, serials=serials(1, 2) | serials(3, lot="L2", sscc=OTHER))
    movement = received(*tags(1, 2, 3), facts=facts)
    assert (movement.verdict, movement.reasons) == ("held", ("over",))
    assert [(line.lot, line.quantity) for line in movement.lines] == [("L1", 2000), ("L2", 1000)]


@pytest.mark.parametrize("stranger", [tag(77), tag(1, GTIN2), RAW], ids=["serial", "gtin", "raw"])
def test_unknown_tag(stranger: str) -> None:
    """A tag nobody announced holds the pallet; what is known of it stands on a line of its own."""
    movement = received(*tags(1, 2), stranger)
    assert (movement.verdict, movement.reasons) == ("held", ("unknown_tag",))
    assert [line.lot for line in movement.lines] == ["L1", None]
    assert movement.lines[1].epcs == (stranger,)


@pytest.mark.parametrize("asset", [TRUCK, ROLL_CAGE])
def test_what_carries_goods_is_no_goods(asset: str) -> None:
    """A truck's own tag changes no verdict and comes into no stock, and is no shipment when the truck goes empty."""
    receipt = received(*tags(1, 2), asset)
    assert (receipt.verdict, receipt.reasons) == ("accepted", ("matched",))
    assert receipt.evidence["carriers"] == [asset]
    assert asset not in {epc for line in receipt.lines for epc in line.epcs}
    assert cross(Facts(), asset, way="out") == cross(Facts(), asset, way="in") == []


def test_an_asset_that_somebody_named_is_goods() -> None:
    """One that a document announces, or that the ledger holds, moves like any other item."""
    announced = Facts(serials={TRUCK: (Serial(GTIN, "L1", "asn/D1", "", "epc"),)})
    (receipt,) = cross(announced, TRUCK)
    assert [line.epcs for line in receipt.lines] == [(TRUCK,)]
    here = Facts(items={TRUCK: Item(TRUCK, GTIN, "L1", "present", "inbound")})
    (shipment,) = cross(here, TRUCK, way="out")
    assert shipment.reasons == ("no_expectation",)


def test_several_reasons_in_catalogue_order() -> None:
    """Every reason is given, in the catalogue's order, and the strictest one decides."""
    line = ExpectedLine(GTIN, "2", "L1", serials=("1", "2"), expiry="2020-01-01")
    facts = Facts(expected={SSCC: (expects(line),)}, serials=serials(1))
    movement = received(tag(1), RAW, facts=facts)
    assert (movement.verdict, movement.reasons) == ("held", ("unknown_tag", "expired", "short"))


@pytest.mark.parametrize(
    ("zone", "at", "verdict"),
    [
        ("UTC", "2026-11-21T23:59:59.999999Z", "accepted"),
        ("UTC", "2026-11-22T00:00:00.000000Z", "held"),
        ("Europe/Berlin", "2026-11-21T22:59:59.999999Z", "accepted"),
        ("Europe/Berlin", "2026-11-21T23:00:00.000000Z", "held"),
        ("America/New_York", "2026-11-22T04:59:59.999999Z", "accepted"),
        ("America/New_York", "2026-11-22T05:00:00.000000Z", "held"),
    ],
)
def test_expired_at_midnight_of_the_site(zone: str, at: str, verdict: str) -> None:
    """A lot is good to the end of its expiry day by the site's own clock, and held from the next midnight on."""
    line = ExpectedLine(GTIN, "24", "L1", expiry="2026-11-21")
    site = msgspec.structs.replace(SITE, timezone=zone)
    movement = one(Facts(expected={SSCC: (expects(line),)}), PALLET, at=parse_rfc3339(at), site=site)
    assert movement.verdict == verdict
    assert ("expired" in movement.reasons) is (verdict == "held")


def test_no_expectation() -> None:
    """An unannounced unit is held, with what its tags tell; without any tag it is held empty."""
    movement = received(*tags(1, 2), facts=Facts(serials=serials(1, 2, sscc=OTHER)))
    assert (movement.verdict, movement.reasons) == ("held", ("no_expectation",))
    assert [(line.lot, line.quantity) for line in movement.lines] == [("L1", 2000)]
    movement = received(facts=Facts())
    assert (movement.reasons, movement.lines) == (("no_expectation",), ())


def test_no_expectation_with_unknown_tags() -> None:
    """An unannounced unit with tags nobody knows says both."""
    assert received(tag(5), facts=Facts()).reasons == ("no_expectation", "unknown_tag")


def test_an_order_is_no_asn() -> None:
    """An order for a unit does not announce its arrival."""
    assert received(facts=Facts(expected={SSCC: (expects(COUNTED, kind="order"),)})).reasons == ("no_expectation",)


def test_loose_items_announced() -> None:
    """Announced items without their unit's tag are accepted for themselves."""
    movement = one(Facts(serials=serials(1, 2)), *tags(1, 2))
    assert (movement.verdict, movement.reasons, movement.sscc) == ("accepted", ("matched",), None)
    assert [(line.lot, line.quantity) for line in movement.lines] == [("L1", 2000)]


def test_loose_unknown() -> None:
    """Loose tags that nothing explains are held as unknown."""
    movement = one(Facts(), RAW, tag(1))
    assert (movement.verdict, movement.reasons) == ("held", ("no_expectation", "unknown_tag"))


@pytest.mark.parametrize("state", ["unit", "document"])
def test_already_received(state: str) -> None:
    """A unit that is here, or whose announcement is met, is refused a second receipt."""
    met = Facts(expected={SSCC: (expects(COUNTED, state="received"),)}, serials=serials(1, 2))
    here = Facts(
        units={SSCC: Unit(SSCC, "cold", "available")}, expected={SSCC: (expects(COUNTED),)}, serials=serials(1, 2)
    )
    movement = received(*tags(1, 2), facts=here if state == "unit" else met)
    assert (movement.verdict, movement.reasons) == ("refused", ("already_received",))
    assert effects(movement) == []


def test_loose_items_already_here() -> None:
    """Loose items that all rest here are refused; beside fresh ones they are left out and named in the evidence."""
    here = {tag(1): Item(tag(1), GTIN, "L1", "present", "inbound")}
    movement = one(Facts(items=here), tag(1))
    assert (movement.verdict, movement.reasons) == ("refused", ("already_received",))
    movement = one(Facts(items=here, serials=serials(2)), *tags(1, 2))
    assert (movement.verdict, [line.epcs for line in movement.lines]) == ("accepted", [(tag(2),)])
    assert movement.evidence["present"] == [tag(1)]


@pytest.mark.parametrize("lot", ["L1", "L9"])
def test_a_tag_from_the_shelf_joins_no_pallet(lot: str) -> None:
    """An item that rests beside the door and is read with an arriving pallet is not received again."""
    shelf = tag(50)
    facts = Facts(
        expected={SSCC: (expects(COUNTED),)},
        serials=serials(1, 2),
        items={shelf: Item(shelf, GTIN, lot, "present", "inbound")},
    )
    movement = received(*tags(1, 2), shelf, facts=facts)
    assert (movement.verdict, movement.reasons) == ("accepted", ("matched",))
    assert all(shelf not in line.epcs for line in movement.lines)
    assert movement.evidence["present"] == [shelf]
    short = received(tag(1), shelf, facts=facts)
    assert short.reasons == ("short",)


def test_a_shelf_tag_does_not_make_an_unknown_pallet_known() -> None:
    """An unannounced pallet read with a tag from the shelf is held, not called received already."""
    facts = Facts(items={tag(50): Item(tag(50), GTIN, "L1", "present", "inbound")})
    movement = received(tag(50), facts=facts)
    assert (movement.verdict, movement.reasons, movement.lines) == ("held", ("no_expectation",), ())


def test_a_commissioning_list_and_an_asn_that_disagree_are_a_contradiction() -> None:
    """The ASN names one lot for a serial, the list of the very item another: held, and both are said."""
    told = (Serial(GTIN, "L1", "asn/D1", SSCC, "serial"), Serial(GTIN, "L9", "commission/C1", "", "serial"))
    facts = Facts(expected={SSCC: (expects(COUNTED),)}, serials={f"{GTIN}/1": told} | serials(2))
    movement = one(facts, PALLET, tag(1), tag(2))
    assert movement.verdict == "held"
    assert "contradiction" in movement.reasons
    (found,) = movement.evidence["contradictions"]
    assert [claim["source"] for claim in found["claims"]] == ["asn/D1", "commission/C1"]


def test_open_announcement_before_met_one() -> None:
    """Of two announcements of a unit the open one counts."""
    old = expects(COUNTED, state="received")
    new = msgspec.structs.replace(expects(TRUSTED), id="D2")
    movement = received(facts=Facts(expected={SSCC: (old, new)}))
    assert movement.expectation == "asn/D2"


# several units


def test_two_pallets_in_one_passage() -> None:
    """Items go with the unit that announces them; what belongs to neither stands alone; ids differ."""
    second = expects(ExpectedLine(GTIN, "1", "L2", serials=("3",)), sscc=OTHER)
    facts = Facts(
        expected={SSCC: (expects(COUNTED),), OTHER: (second,)},
        serials=serials(1, 2) | serials(3, lot="L2", sscc=OTHER),
    )
    movements = cross(facts, PALLET, PALLET2, *tags(1, 2, 3), RAW)
    assert [(m.sscc, m.verdict, m.reasons) for m in movements] == [
        (SSCC, "accepted", ("matched",)),
        (OTHER, "accepted", ("matched",)),
        (None, "held", ("no_expectation", "unknown_tag")),
    ]
    assert len({movement.movement for movement in movements}) == 3


def test_items_follow_their_known_parent() -> None:
    """Among several units an item the ledger knows goes with its parent."""
    facts = Facts(items={tag(9): Item(tag(9), GTIN, "L1", "left", parent=OTHER)})
    movements = cross(facts, PALLET, PALLET2, tag(9))
    assert [len(movement.lines) for movement in movements] == [0, 1]


def test_two_labels_of_one_pallet() -> None:
    """Two tags with the same SSCC are one unit."""
    assert len(cross(Facts(), PALLET, sscc96(SSCC, 7, filter_value=0))) == 1


@pytest.mark.parametrize("way", ["none", "unknown"])
def test_no_direction_moves_nothing(way: str) -> None:
    """A passage without direction makes no movement."""
    assert cross(Facts(), PALLET, tag(1), way=way) == []


# ship and transfer


def content(lot: str = "L1", quantity: int = 2000, **more: Any) -> Content:
    """Two items of a lot inside a unit."""
    return Content(GTIN, lot, quantity, "each", "sgtin", epcs=tags(1, 2), **more)


def stocked(location: str | None = "inbound", status: str = "available", **more: Any) -> Facts:
    """A unit in the ledger, with an open order for it."""
    order = expects(kind="order", state=more.pop("state", "expected"))
    units = {SSCC: Unit(SSCC, location, status, (content(**more.pop("content", {})),))}
    return Facts(units=units, expected={SSCC: (order,)} if more.pop("ordered", True) else {}, **more)


def test_ship_matched() -> None:
    """An ordered unit leaves with its contents, from where the ledger holds it."""
    movement = one(stocked("cold"), PALLET, way="out")
    assert (movement.type, movement.verdict, movement.reasons) == ("ship", "accepted", ("matched",))
    assert (movement.origin, movement.destination, movement.expectation) == ("cold", None, "order/D1")
    assert [(line.lot, line.quantity, line.resolved_by) for line in movement.lines] == [("L1", 2000, "contents")]


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (stocked(ordered=False), "no_expectation"),
        (stocked(state="shipped"), "no_expectation"),
        (stocked(status="hold"), "on_hold"),
        (stocked(lots={f"{GTIN}/L1": LotFact(GTIN, "L1", held=True)}), "on_hold"),
        (stocked(content={"expiry": "2026-11-20"}), "expired"),
        (stocked(location=None), "already_shipped"),
        (Facts(), "unknown_tag"),
    ],
)
def test_ship_refused(facts: Facts, reason: str) -> None:
    """Without order, on hold, expired, gone or unknown: a unit may not leave, and stock does not change."""
    movement = one(facts, PALLET, way="out")
    assert (movement.verdict, movement.reasons) == ("refused", (reason,))
    assert effects(movement) == []


def test_ship_loose() -> None:
    """Loose items may not leave: known ones for want of an order, unknown ones as unknown."""
    here = Facts(items={tag(1): Item(tag(1), GTIN, "L1", "present", "inbound")})
    assert one(here, tag(1), way="out").reasons == ("no_expectation",)
    assert one(here, tag(1), tag(2), way="out").reasons == ("unknown_tag",)


@pytest.mark.parametrize(
    ("way", "start", "end"), [("in", "inbound", "cold"), ("out", "cold", "inbound"), ("in", "elsewhere", "cold")]
)
def test_transfer(way: str, start: str, end: str) -> None:
    """Through an inner door a unit goes to the side it was driven to, from wherever the ledger holds it."""
    movement = one(stocked(start), PALLET, portal=INNER, way=way)
    assert (movement.type, movement.verdict, movement.reasons) == ("transfer", "accepted", ("moved",))
    assert (movement.origin, movement.destination) == (start, end)
    assert movement.expectation is None


def test_transfer_to_where_it_is() -> None:
    """A unit that the ledger already has on the far side makes no movement."""
    assert cross(stocked("cold"), PALLET, portal=INNER) == []


@pytest.mark.parametrize("facts", [Facts(), stocked(location=None)], ids=["unknown", "left"])
def test_transfer_unknown(facts: Facts) -> None:
    """What the ledger does not hold may not move inside, and changes no stock."""
    movement = one(facts, PALLET, tag(1), portal=INNER)
    assert (movement.verdict, movement.reasons) == ("refused", ("unknown_tag",))
    assert effects(movement) == []


@pytest.mark.parametrize(
    "facts", [stocked(status="hold"), stocked(lots={f"{GTIN}/L1": LotFact(GTIN, "L1", held=True)})]
)
def test_transfer_on_hold(facts: Facts) -> None:
    """A hold may not be broken by an inner door either: part of a unit's stock may be available, part not."""
    movement = one(facts, PALLET, portal=INNER)
    assert (movement.verdict, movement.reasons) == ("refused", ("on_hold",))
    assert effects(movement, facts) == []


def test_the_strictest_verdict_wins() -> None:
    """Every reason of every table has a sentence's verdict, and the strictest of those found decides."""
    for kind, table in reasons.TABLES.items():
        verdict, codes = reasons.weigh(kind, set(table))
        assert verdict == "refused"
        assert codes == tuple(table)
        for code, alone in table.items():
            assert reasons.weigh(kind, {code}) == (alone, (code,))


# weight


@pytest.mark.parametrize(
    ("announced", "deviation"),
    [(Weight("608.0"), 0.72), (Weight("0.001"), 61239900.0), (Weight("608", "lb"), None), (None, None)],
)
def test_weight(announced: Weight | None, deviation: float | None) -> None:
    """The weight stands beside the announced one, with the deviation where their units agree."""
    facts = Facts(expected={SSCC: (expects(TRUSTED, weight=announced),)})
    movement = one(facts, PALLET, weighing=Weighing("s", "612.4", "kg", True, at=NOON))
    assert movement.weight is not None
    assert (movement.weight.value, movement.weight.deviation_pct) == ("612.4", deviation)
    assert movement.weight.expected == (announced.value if announced else None)


def test_weight_belongs_to_the_first_movement() -> None:
    """One weight of two pallets is not counted twice."""
    movements = cross(Facts(), PALLET, PALLET2, weighing=Weighing("s", "612.4", "kg", True, at=NOON))
    assert [movement.weight is not None for movement in movements] == [True, False]
    assert one(Facts(), PALLET, weighing=Weighing("s", None, "kg", True, at=NOON)).weight is None


# effects


def test_effects_of_a_receipt() -> None:
    """An accepted receipt adds stock, places the items in their unit, and meets the announcement."""
    changes = effects(received(*tags(1, 2)))
    assert changes[0] == StockDelta(GTIN, "L1", "inbound", "available", 2000, "each")
    items = [change for change in changes if isinstance(change, ItemChange)]
    assert [(item.epc, item.serial, item.parent, item.location) for item in items] == [
        (epc, decode(epc).ai["21"], SSCC, "inbound") for epc in sorted(tags(1, 2))
    ]
    unit, done, life = changes[-3:]
    assert life == LotChange(GTIN, "L1", "in_stock", "matched", NOON, "", "dock-1", done.movement)
    assert isinstance(unit, UnitChange)
    assert (unit.location, unit.status, len(unit.contents)) == ("inbound", "available", 1)
    assert isinstance(done, UnitDone)
    assert (done.kind, done.id, done.sscc, done.state) == ("asn", "D1", SSCC, "received")


def test_effects_of_a_held_receipt() -> None:
    """A held receipt changes stock too, but on hold, and unnamed goods are counted under no name."""
    changes = effects(received(*tags(1, 2), RAW))
    assert [(c.gtin, c.lot, c.status, c.quantity) for c in changes if isinstance(c, StockDelta)] == [
        (GTIN, "L1", "hold", 2000),
        ("", "", "hold", 1000),
    ]
    assert {c.status for c in changes if isinstance(c, ItemChange | UnitChange)} == {"hold"}


def test_effects_of_a_shipment_and_a_transfer() -> None:
    """What leaves is taken where it stood; what is transferred is taken there and added here."""
    shipped = effects(one(stocked("cold"), PALLET, way="out"))
    assert [(c.location, c.quantity) for c in shipped if isinstance(c, StockDelta)] == [("cold", -2000)]
    assert {c.location for c in shipped if isinstance(c, ItemChange | UnitChange)} == {None}
    assert [c.state for c in shipped if isinstance(c, UnitDone)] == ["shipped"]
    moved = effects(one(stocked(), PALLET, portal=INNER))
    assert [(c.location, c.quantity) for c in moved if isinstance(c, StockDelta)] == [
        ("inbound", -2000),
        ("cold", 2000),
    ]
    assert [c for c in moved if isinstance(c, UnitDone)] == []


def test_applied_effects_are_facts() -> None:
    """After its effects are applied, the same passage finds a unit received, its items here, its announcement met."""
    facts = Facts(expected={SSCC: (expects(COUNTED), expects(kind="order"))}, serials=serials(1, 2))
    after = applied(facts, effects(received(*tags(1, 2), facts=facts)))
    assert after.units[SSCC].contents[0].quantity == 2000
    assert after.items[tag(1)].state == "present"
    assert [expected.state for expected in after.expected[SSCC]] == ["received", "expected"]
    assert received(*tags(1, 2), facts=after).reasons == ("already_received",)
    gone = applied(after, effects(one(after, PALLET, way="out")))
    assert (gone.units[SSCC].location, gone.items[tag(1)].state) == (None, "left")
    assert facts.units == {}


def test_lines_keep_their_tags() -> None:
    """A line of contents without a name is a line without GTIN and lot again."""
    facts = Facts(
        units={SSCC: Unit(SSCC, "inbound", "available", (Content("", "", 1000, "each", "sgtin", epcs=(RAW,)),))}
    )
    (line,) = one(facts, PALLET, portal=INNER).lines
    assert line == Line(None, None, 1000, "each", "contents", (RAW,))
