"""The checks and the rules over them hold for whatever the ledger, central or a person ever wrote."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.config.rulefiles import read_rules, shipped
from gateway.model.documents import ExpectedLine, ExpectedUnit, Weight
from gateway.model.facts import Expected, Facts, Goods, Journey, LotFact, Neighbour
from gateway.model.outcome import Line, Movement, Weighed
from gateway.model.settings import Location, Settings
from gateway.rules import reasons
from gateway.rules.checking import checks
from gateway.rules.ruleset import RuleMemory, compile_rules
from gateway.rules.ruleset.evaluating import ruled

GTINS, LOTS = ("04012345000009", "04012345000016"), ("L1", "L2", "")
TEXTS = [shipped(name) for name in ("receiving", "shipping", "transfers", "cold-chain")]
SITE = Settings(
    "s",
    "g",
    timezone="Pacific/Kiritimati",
    locations=(Location("a", "zone", "chilled"), Location("b")),
    rules=read_rules(TEXTS),
)
RULES = compile_rules(SITE)

odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["1e999", "-0", "chilled", "12.5", "NaN", "9" * 5000, "١٢"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
names = st.sampled_from(["storage_class", "minutes_out_max", "unit_weight", "tare_weight", "stock_min", "stock_max"])
days = st.one_of(st.none(), st.dates().map(str), st.sampled_from(["", "soon", "2026-13-40", "20261121"]))
quantities = st.integers(-(10**12), 10**12)
instants = st.integers(0, 4_102_444_800_000_000)
words = st.one_of(st.none(), st.sampled_from(["pending", "REJECTED", "released", " ", "?"]))

lines = st.builds(
    Line,
    gtin=st.sampled_from([None, *GTINS]),
    lot=st.sampled_from([None, *LOTS]),
    quantity=quantities,
    unit=st.sampled_from(["each", "kg", "LB", ""]),
    resolved_by=st.just("item"),
    expiry=days,
)
expectations = st.builds(
    Expected,
    kind=st.sampled_from(["asn", "order"]),
    id=st.just("O1"),
    version=st.just(1),
    unit=st.builds(
        ExpectedUnit,
        sscc=st.just("S"),
        lines=st.lists(
            st.builds(
                ExpectedLine,
                gtin=st.sampled_from(GTINS),
                quantity=st.sampled_from(["1", "0.001", "many", ""]),
                lot=st.sampled_from([None, *LOTS]),
            ),
            max_size=3,
        ).map(tuple),
        gross_weight=st.one_of(
            st.none(), st.builds(Weight, st.sampled_from(["608", "x", "0"]), st.sampled_from(["kg", "?"]))
        ),
    ),
    state=st.just("expected"),
    min_shelf_life_days=st.one_of(st.none(), st.integers(0, 36_500)),
    door=st.one_of(st.none(), st.text(max_size=3)),
)
lots = st.builds(
    LotFact,
    gtin=st.just(GTINS[0]),
    lot=st.just("L1"),
    expiry=days,
    qc=words,
    held=st.booleans(),
    life=words,
    produced=days,
    shelf_life_days=st.one_of(st.none(), st.integers(0, 36_500)),
    attributes=st.one_of(st.none(), st.dictionaries(names, odd, max_size=6)),
)
spans = st.tuples(st.sampled_from(["a", "b", "gone"]), instants, st.one_of(st.none(), instants))
journeys = st.builds(
    Journey,
    arrived=st.one_of(st.none(), instants),
    excursions=st.integers(0, 9),
    minutes=st.floats(0, 1e6),
    low=st.one_of(st.none(), st.floats(-90, 90)),
    high=st.one_of(st.none(), st.floats(-90, 90)),
    stays=st.lists(spans, max_size=4).map(tuple),
)
neighbours = st.builds(
    Neighbour,
    lot=st.sampled_from(["L1", "L9"]),
    location=st.just("a"),
    quantity=quantities,
    arrived=instants,
    expiry=days,
)
goods = st.builds(
    Goods,
    on_hand=st.dictionaries(st.sampled_from(["each", "kg"]), quantities),
    available=st.dictionaries(st.sampled_from(["each", "kg"]), quantities),
    neighbours=st.lists(neighbours, max_size=3).map(tuple),
)
known = st.builds(
    Facts,
    expected=st.one_of(st.just({}), st.builds(lambda one: {"S": (one,)}, expectations)),
    lots=st.dictionaries(st.sampled_from([f"{GTINS[0]}/L1", f"{GTINS[1]}/L2"]), lots),
    goods=st.dictionaries(st.sampled_from(GTINS), goods),
    journeys=st.dictionaries(st.sampled_from([f"{GTINS[0]}/L1"]), journeys),
)


@st.composite
def movements(draw: Any) -> Movement:
    """A movement as the table could have judged it."""
    kind = draw(st.sampled_from(["receive", "return", "ship", "transfer"]))
    said = draw(st.lists(st.sampled_from(list(reasons.table(kind))), min_size=1, max_size=3, unique=True))
    weight = st.builds(
        Weighed,
        st.sampled_from(["612.4", "-3", "x", "1e11"]),
        st.sampled_from(["kg", "lb", "?"]),
        instants,
        st.just("s"),
    )
    return Movement(
        "m",
        "p",
        draw(st.sampled_from(["dock-1", ""])),
        draw(instants),
        kind,
        None if kind in ("receive", "return") else draw(st.sampled_from(["a", "b", "gone"])),
        None if kind == "ship" else draw(st.sampled_from(["a", "b", "gone"])),
        max((reasons.table(kind)[code] for code in said), key=reasons.SEVERITY.__getitem__),
        tuple(said),
        tuple(draw(st.lists(lines, max_size=3))),
        sscc=draw(st.sampled_from([None, "S"])),
        expectation=draw(st.sampled_from([None, "order/O1", "asn/O1"])),
        weight=draw(st.one_of(st.none(), weight)),
        climate=draw(
            st.lists(
                st.tuples(
                    st.just("t"),
                    st.just("temperature"),
                    st.floats(-1e12, 1e12),
                    st.sampled_from(["Cel", "K", "[degF]", ""]),
                    instants,
                ),
                max_size=2,
            )
        ),
        evidence=draw(st.sampled_from([{}, {"confidence": "high"}, {"direction": 7, "confidence": 0.9}])),
        purpose=draw(st.sampled_from(["", "disposal"])),
    )


@given(movements(), known)
def test_checks_and_shipped_rules_never_raise_and_never_loosen(movement: Movement, facts: Facts) -> None:
    """Odd attributes, dates, numbers and stays: there are facts, and the shipped rules only ever make it stricter."""
    found = checks(SITE, movement, facts)
    assert isinstance(found.stock.on_hand, Decimal)
    after, told = ruled(RULES, RuleMemory(), movement, found)
    assert reasons.SEVERITY[after.verdict] >= reasons.SEVERITY[movement.verdict]
    assert set(movement.reasons) <= set(after.reasons)
    assert not any(change.alarm.startswith("rule/") for change in told.alarms)
