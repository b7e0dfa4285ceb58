"""What persons and central order, on the real ledger: goods are conserved, holds hold, and central's books agree.

Every step goes through engine, rules and ledger; every event is checked and booked by the independent consumer, which
must have the ledger's stock after each of them.
"""

from collections import Counter
from itertools import count
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import events
from gateway.events.check import problems
from gateway.ledger.store import Commit, Ledger
from gateway.ledger.tables import items, stock, unit_contents, units
from gateway.model.inputs import Command, Downlink, Gpi, Input, Measurement, Read, Tick
from gateway.model.outcome import HoldEnd, Movement, Outcome, PendingDone, StockDelta, Transformation
from gateway.model.settings import Antenna, Eye, Limit, Location, Portal, Sensor, Settings
from gateway.rules import Engine, questions
from simulators.epc import check_digit, sgtin96, sscc96
from simulators.inventory import Inventory

S = 1_000_000
T0 = 1_795_243_331 * S


def portal(name: str, reader: str, **more: Any) -> Portal:
    """A portal with two antennas and two eyes of its own."""
    antennas = (Antenna(reader, 1, "outer"), Antenna(reader, 2, "inner"))
    return Portal(name, antennas=antennas, eyes=(Eye(reader, 1, "outer"), Eye(reader, 2, "inner")), **more)


PORTALS = (portal("dock", "r1", location="lane"), portal("door", "r2", location="cold", outside="lane"))
SITE = Settings(
    site="s",
    gateway="g",
    locations=(Location("lane"), Location("cold"), Location("kitchen")),
    portals=PORTALS,
    sensors=(Sensor("c1", "cold"),),
    limits=(Limit("warm", "c1", "temperature", "high", 8.0, hold=True),),
    lot_number="B{date:%Y%m%d}-{seq:03}",
)
PLACES = ("lane", "cold", "kitchen")
SSCCS = [body + check_digit(body) for body in ("34012345000000001", "34012345000000002", "34012345000000003")]
GTIN, BREAD = (body + check_digit(body) for body in ("0401234500001", "0401234500003"))
TAGS = [sgtin96(GTIN, str(number), 7) for number in range(1, 5)]
LOTS = ("L1", "L2")

announced_lines = st.sampled_from(
    [
        [{"gtin": GTIN, "lot": "L1", "quantity": "24"}],
        [{"gtin": GTIN, "lot": "L1", "quantity": "2", "serials": ["1", "2"]}],
        [{"gtin": GTIN, "lot": "L1", "quantity": "10"}, {"gtin": GTIN, "lot": "L2", "quantity": "6", "unit": "kg"}],
        [{"gtin": GTIN, "lot": "L2", "quantity": "3", "serials": ["3"]}],
        [{"gtin": GTIN, "quantity": "12"}],
    ]
)
pallets = st.integers(0, 2)
asns = st.tuples(st.just("asn"), pallets, announced_lines)
orders = st.tuples(st.just("order"), pallets, st.sampled_from(["order", "disposal"]))
crossings = st.tuples(
    st.just("cross"), st.sampled_from(PORTALS), st.sampled_from(["in", "in", "out"]), pallets | st.none(),
    st.sets(st.sampled_from(TAGS), max_size=3),
)  # fmt: skip
lots = st.sampled_from(LOTS)
words = st.tuples(
    st.sampled_from(["hold", "release", "release", "reject", "inspect"]),
    st.fixed_dictionaries({"gtin": st.just(GTIN), "lot": lots}, optional={"location": st.sampled_from(PLACES)}),
)
subjects = st.one_of(pallets.map(lambda n: SSCCS[n]), st.sampled_from(TAGS), lots.map(lambda lot: f"{GTIN}/{lot}"))
moves = st.tuples(
    st.just("move"),
    st.fixed_dictionaries(
        {"subject": subjects, "to": st.sampled_from(PLACES)},
        optional={"quantity": st.sampled_from(["1", "5", "24"]), "from": st.sampled_from(PLACES)},
    ),
)
disposals = st.tuples(
    st.just("dispose"),
    st.fixed_dictionaries({"subject": subjects}, optional={"quantity": st.sampled_from(["1", "5"])}),
)
productions = st.tuples(st.just("produce"), lots, st.sampled_from(["1", "4", "10"]))
central = st.tuples(st.just("central"), st.integers(1, 2), lots, st.sampled_from([None, *PLACES]), st.booleans())
climates = st.tuples(st.just("climate"), st.sampled_from([4.0, 30.0]))
steps = st.lists(
    st.one_of(asns, crossings, crossings, orders, words, moves, moves, disposals, productions, central, climates),
    min_size=4,
    max_size=16,
)


class World:
    """Engine, ledger and central, and the clock."""

    def __init__(self) -> None:
        self.engine = Engine(SITE)
        self.ledger = Ledger.open("sqlite://", site="s", gateway="g")
        self.books = Inventory(":memory:")
        self.books.open()
        self.t = T0
        self.position, self.numbers = 0, count(1)
        self.total: Counter[tuple[str, str, str]] = Counter()  # gtin, lot, unit: what came less what went
        self.versions: Counter[str] = Counter()

    def close(self) -> None:
        """Let go of both databases."""
        self.ledger.close()
        self.books.close()

    def turn(self, item: Input, t: int | None = None) -> Outcome:
        """One input through everything."""
        self.position += 1
        t = self.t if t is None else t
        candidates = self.engine.observe(t, item)
        if not candidates:
            return Outcome()
        outcome = self.engine.decide(candidates, self.ledger.facts_for(questions(candidates)))
        promised: list[Any] = []
        for decision in outcome.decisions:
            promised += events.render_all(decision, self.ledger.sequence() + 1 + len(promised), SITE)
        self.ledger.commit(Commit(self.position, t, outcome, tuple(promised)))
        for event in promised:
            body = msgspec.json.decode(event.body)
            assert "@context" not in body or problems(body) == [], problems(body)
            assert self.books.book(event.topic, event.body, event.attributes).outcome == "booked"
        self.count(outcome)
        return outcome

    def count(self, outcome: Outcome) -> None:
        """Follow the total of goods by what was decided, not by what it did to stock."""
        for one in outcome.decisions:
            if isinstance(one, Movement) and one.verdict != "refused":
                sign = (one.destination is not None) - (one.origin is not None)
                for line in one.lines:
                    self.total[line.gtin or "", line.lot or "", line.unit] += sign * line.quantity
                if one.corrects is not None:
                    wrong = next(it.erroneous for it in outcome.decisions if getattr(it, "by_movement", None) == one)
                    for line in wrong.lines:
                        self.total[line.gtin or "", line.lot or "", line.unit] -= line.quantity
            elif isinstance(one, Transformation):
                for sign, lines in ((-1, one.inputs), (1, one.outputs)):
                    for line in lines:
                        self.total[line.gtin or "", line.lot or "", line.unit] += sign * line.quantity

    def cross(self, door: Portal, way: str, tags: list[str]) -> Outcome:
        """A passage, decided when its time is over."""
        start = self.t
        reader, order = door.antennas[0].reader, (1, 2) if way == "in" else (2, 1)
        self.turn(Gpi(reader, order[0], True, start), start + S)
        for tag in tags:
            for number in range(6):
                self.turn(Read(reader, order[number // 3], tag, start + number * 100_000, -50.0), start + S)
        for port, level, after in ((order[1], True, 300_000), (order[0], False, 600_000), (order[1], False, 700_000)):
            self.turn(Gpi(reader, port, level, start + after), start + S)
        self.t += 60 * S
        return self.turn(Tick())

    def check(self) -> None:
        """Conservation, agreement with central, and nothing on units or as items that is not in stock."""
        names = ("gtin", "lot", "location", "status", "quantity", "unit")
        rows = [{name: row[name] for name in names} for row in self.ledger.stock()]
        assert not any(row["quantity"].startswith("-") for row in rows), rows
        told = [row | {"unit": {"KGM": "kg"}.get(row["unit"], row["unit"])} for row in self.books.inventory()]
        assert told == rows
        there: Counter[tuple[str, ...]] = Counter()
        total: Counter[tuple[str, str, str]] = Counter()
        with self.ledger._reading() as connection:
            for row in connection.execute(stock.select()):
                there[row.gtin, row.lot, row.location, row.status, row.unit] = row.quantity
                total[row.gtin, row.lot, row.unit] += row.quantity
            placed: Counter[tuple[str, ...]] = Counter()
            where = {row.sscc: row.location for row in connection.execute(units.select())}
            for row in connection.execute(unit_contents.select()):
                if where[row.sscc] is not None:
                    placed[row.gtin, row.lot, where[row.sscc], row.status, row.unit] += row.quantity
            for row in connection.execute(items.select()):
                if row.location is not None and row.parent is None:
                    placed[row.gtin, row.lot, row.location, row.status, "each"] += 1000
        assert +total == +self.total
        assert not placed - there, placed - there


def play(world: World, step: tuple[Any, ...]) -> Outcome:
    """One step of a script."""
    world.t += 60 * S
    match step:
        case ("asn", int(pallet), lines):
            ident = f"A{next(world.numbers)}"
            document = {"asn": ident, "units": [{"sscc": SSCCS[pallet], "lines": lines}]}
            return world.turn(Downlink(f"down/asn/{ident}", document))
        case ("order", int(pallet), str(type_)):
            ident = f"O{next(world.numbers)}"
            document = {"order": ident, "type": type_, "units": [{"sscc": SSCCS[pallet]}]}
            return world.turn(Downlink(f"down/order/{ident}", document))
        case ("cross", Portal() as door, str(way), pallet, set(tags)):
            named = [] if pallet is None else [sscc96(SSCCS[pallet], 7)]
            return world.cross(door, way, [*named, *sorted(tags)])
        case ("produce", str(lot), str(quantity)):
            ident = f"P{next(world.numbers)}"
            sides = {
                "inputs": [{"gtin": GTIN, "lot": lot, "quantity": quantity}],
                "outputs": [{"gtin": BREAD, "quantity": "2.5", "unit": "kg"}],
            }
            world.turn(Downlink(f"down/production/{ident}", {"production": ident} | sides))
            return world.turn(Command("produce", {"production": ident}, "ann"))
        case ("central", int(number), str(lot), location, bool(set_)):
            topic = f"down/hold/H{number}"
            world.versions[topic] += 1
            document = {"hold": f"H{number}", "gtin": GTIN, "lot": lot, "location": location}
            return world.turn(Downlink(topic, document | {"version": world.versions[topic]} if set_ else None))
        case ("climate", float(value)):
            return world.turn(Measurement("c1", "temperature", value, "Cel", at=world.t))
    name, args = step
    return world.turn(Command(name, args, "ann"))


def held_goods_stay(outcome: Outcome, step: tuple[Any, ...]) -> None:
    """Nothing on hold becomes available or leaves but by a release, a correction, a disposal of what is rejected."""
    taken = [
        one for one in outcome.effects if isinstance(one, StockDelta) and one.status == "hold" and one.quantity < 0
    ]
    if taken:
        corrected = any(isinstance(one, PendingDone) for one in outcome.effects)
        disposed = any(isinstance(one, Movement) and one.purpose == "disposal" for one in outcome.decisions)
        assert corrected or disposed, step
    if any(isinstance(one, HoldEnd) and one.whole for one in outcome.effects):
        assert step[0] in ("release", "central"), step


@settings(max_examples=40, deadline=None)
@given(steps)
def test_goods_are_conserved_and_central_agrees(script: list[tuple[Any, ...]]) -> None:
    """Whatever is ordered in whatever order: nothing is lost or made, nothing held moves, and the books agree."""
    world = World()
    try:
        for step in script:
            held_goods_stay(play(world, step), step)
            world.check()
    finally:
        world.close()


def test_the_script_is_not_idle() -> None:
    """The steps do receive, put away, hold, release, produce, correct, reject, dispose and ship."""
    world = World()
    line = [{"gtin": GTIN, "lot": "L1", "quantity": "24"}]
    script: list[tuple[Any, ...]] = [
        ("cross", PORTALS[0], "in", 0, set()),
        ("asn", 0, line),
        ("move", {"subject": SSCCS[0], "to": "kitchen"}),
        ("produce", "L1", "4"),
        ("central", 1, "L1", None, True),
        ("move", {"subject": SSCCS[0], "to": "lane"}),
        ("release", {"gtin": GTIN, "lot": "L1"}),
        ("central", 1, "L1", None, False),
        ("move", {"subject": f"{GTIN}/L1", "to": "lane", "quantity": "5"}),
        ("reject", {"gtin": GTIN, "lot": "L1", "location": "lane"}),
        ("dispose", {"subject": f"{GTIN}/L1", "from": "lane"}),
    ]
    kinds: list[str] = []
    try:
        for step in script:
            outcome = play(world, step)
            kinds.append(
                ",".join(type(one).__name__ for one in outcome.decisions) or str((outcome.reply or {}).get("ok"))
            )
            world.check()
    finally:
        world.close()
    assert kinds == [
        "Passage,Movement",
        "Correction,Movement",
        "Movement",
        "Transformation",
        "Hold",
        "Movement",
        "False",
        "Release",
        "Movement",
        "Hold",
        "Movement",
    ]
