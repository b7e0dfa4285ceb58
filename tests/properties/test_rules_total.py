"""The rules are a total function: no input crashes them, the same inputs give the same bytes, wherever one is cut."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.events import render
from gateway.events.lines import outcome_line
from gateway.model.facts import Facts, Questions
from gateway.model.inputs import (
    Boot,
    Command,
    Config,
    Device,
    Downlink,
    Gpi,
    Input,
    Measurement,
    Read,
    Reads,
    Tick,
    Weighing,
)
from gateway.model.outcome import Outcome
from gateway.model.settings import Antenna, Eye, Lights, Limit, Portal, Scale, Sensor, Settings
from gateway.rules import Engine, decide, questions

S = 1_000_000
T0 = 1_795_243_331 * S

SITE = Settings(
    site="s",
    gateway="g",
    timezone="Europe/Berlin",
    portals=(
        Portal(
            "dock-1",
            "inbound",
            (Antenna("r1", 1, "outer"), Antenna("r1", 2, "inner")),
            eyes=(Eye("r1", 1, "outer"), Eye("r1", 2, "inner")),
            lights=Lights("r1", 1, 2, 3),
            min_reads=1,
        ),
        Portal("door-2", "cold", (Antenna("r1", 3), Antenna("r2", 1, "outer")), outside="inbound", settle=0),
        Portal(
            "belt-3",
            "inbound",
            (Antenna("r2", 2),),
            eyes=(Eye("r2", 1, "outer"), Eye("r2", 2, "inner")),
            gap=S // 10,
            flow="in",
        ),
    ),
    sensors=(Sensor("c1", "cold"),),
    scales=(Scale("w1", "dock-1"),),
    limits=(
        Limit("warm", "c1", "temperature", "high", 8.0, 0.5, 60 * S, 30 * S, hold=True),
        Limit("frost", "c1", "temperature", "low", 0.0, inclusive=True),
    ),
    ignore=("BAD6E0",),
)

near = st.integers(T0 - 20 * S, T0 + 120 * S)
times = st.none() | near | st.integers() | st.sampled_from([0, -1, 2**63, -(2**63), 10**30])
hexes = st.text("0123456789ABCDEFabcdef", max_size=124)
gs1 = st.sampled_from(["30", "31", "36", "f7"]).flatmap(
    lambda header: st.binary(min_size=11, max_size=11).map(lambda tail: header + tail.hex())
)
epcs = st.sampled_from(["A" * 24, "a" * 24, "BAD6E0", "bad6e0", "", "zz", "\0"]) | gs1 | hexes | st.text(max_size=30)
levels = st.none() | st.sampled_from([-50.0, -50, -65.0, -80.0]) | st.floats() | st.integers()
readers = st.sampled_from(["r1", "r2", "nobody"])
ports = st.integers(-1, 4) | st.integers()
words = st.text(max_size=12)
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
documents = st.fixed_dictionaries(
    {"asn": st.just("A1")},
    optional={
        "version": st.integers(),
        "units": st.lists(
            st.fixed_dictionaries(
                {"sscc": st.sampled_from(["340123450000000017", "1"])},
                optional={
                    "lines": st.lists(
                        st.fixed_dictionaries(
                            {"gtin": st.sampled_from(["04012345000016", "5"]), "quantity": words | st.just("24")},
                            optional={"lot": words, "serials": st.lists(words), "expiry": words, "unit": words},
                        ),
                        max_size=3,
                    ),
                    "gross_weight": st.fixed_dictionaries({"value": words}),
                },
            ),
            max_size=2,
        ),
    },
)
rows = st.tuples(times, ports | st.none(), epcs, levels)
names = st.sampled_from(["alarms.ack", "asn.import", "import", "outbox.park", "quarantine", "?"])
arguments = st.fixed_dictionaries(
    {},
    optional={
        "alarm": st.sampled_from(["warm", "outbox", "quarantine"]) | json,
        "asn": documents | json,
        "kind": st.sampled_from(["asn", "order", "lot", "commission", "policy", "?"]) | json,
        "document": documents | json,
        "part": st.integers(-1, 3) | json,
        "last": st.booleans() | json,
        "seq": st.integers() | json,
        "reason": words | json,
        "position": st.integers() | json,
        "error": words | json,
    },
)
topics = st.sampled_from(["down/asn/A1", "down/order/O1", "down/lot/04012345000016/L1", "down/lot/1/2"]) | words
inputs: st.SearchStrategy[Any] = st.one_of(
    st.builds(Reads, readers, st.lists(rows, max_size=8).map(tuple), st.just(("at", "antenna", "epc", "rssi"))),
    st.builds(Reads, readers, st.just(()), st.lists(words | st.sampled_from(["epc", "antenna"])).map(tuple)),
    st.builds(Read, readers, ports, epcs, times, levels),
    st.builds(Gpi, readers, ports, st.booleans(), times),
    st.builds(
        Weighing, st.sampled_from(["w1", "w2"]), st.none() | words | st.just("612.4"), words, st.booleans(), at=times
    ),
    st.builds(
        Measurement,
        st.sampled_from(["c1", "c2"]),
        st.just("temperature"),
        st.none() | st.sampled_from([-1.0, 0.0, 5.0, 9.0]) | st.floats(),
        words,
        st.sampled_from(["good", "good", "bad", "stale", "out_of_range"]),
        times,
    ),
    st.builds(Device, words, words, words),
    st.just(Tick()),
    st.builds(Boot, words, words),
    st.builds(Config, words),
    st.builds(Downlink, topics, st.none() | documents | json, st.none() | words),
    st.builds(Command, names, arguments, st.sampled_from(["uplink", "core", "ann", ""])),
)
scripts = st.lists(st.tuples(st.integers(0, 5 * S), inputs), max_size=25)


def turn(engine: Engine, t: int, item: Input) -> tuple[list[bytes], Outcome]:
    """One input, with the deadlines before it, to the bytes of its outcome lines and events."""
    lines: list[bytes] = []
    outcome = Outcome()
    while (deadline := engine.deadline) is not None and deadline <= t and not isinstance(item, Tick):
        lines += turn(engine, deadline, Tick())[0]
    candidates = engine.observe(t, item)
    asked = questions(candidates)
    for field in Questions.__struct_fields__:
        several = getattr(asked, field)
        if isinstance(several, bool):
            continue
        keys = [msgspec.structs.astuple(one) for one in several] if field == "stays" else list(several)
        assert keys == sorted(set(keys))
    outcome = decide(engine.settings, candidates, Facts())
    lines += [outcome_line(decision) for decision in outcome.decisions]
    for number, decision in enumerate(outcome.decisions, start=1):
        event = render(decision, number, engine.settings)
        lines += [] if event is None else [event.body]
    lines.append(msgspec.json.encode((outcome.effects, outcome.reply)))
    return lines, outcome


def play(engine: Engine, script: list[tuple[int, Any]], t: int = T0) -> list[bytes]:
    """All turns of a script, and the end: the clock runs until nothing is open."""
    lines: list[bytes] = []
    for pause, item in script:
        t += pause
        lines += turn(engine, t, item)[0]
    return lines


@settings(max_examples=400)
@given(scripts)
def test_no_input_crashes_the_rules(script: list[tuple[int, Any]]) -> None:
    """Any well-typed inputs are observed, asked about, decided and rendered; every deadline comes to an end."""
    engine = Engine(SITE)
    play(engine, script)
    for _ in range(100):
        if engine.deadline is None:
            break
        turn(engine, engine.deadline, Tick())
    assert engine.deadline is None


@settings(max_examples=200)
@given(scripts, st.data())
def test_a_cut_changes_nothing(script: list[tuple[int, Any]], data: st.DataObject) -> None:
    """An engine put down and taken up between any two inputs goes on to the same bytes and the same memory."""
    cut = data.draw(st.integers(0, len(script)))
    whole = Engine(SITE)
    expected = play(whole, script)
    first = Engine(SITE)
    found = play(first, script[:cut])
    second = Engine.restore(SITE, first.snapshot())
    assert second.deadline == first.deadline
    found += play(second, script[cut:], T0 + sum(pause for pause, _ in script[:cut]))
    assert found == expected
    assert second.snapshot() == whole.snapshot()


@settings(max_examples=200)
@given(scripts, st.randoms(use_true_random=False))
def test_the_order_of_settings_does_not_matter(script: list[tuple[int, Any]], chance: Any) -> None:
    """The same inputs give the same bytes when what maps hold was put in in another order."""
    shuffled = msgspec.json.decode(msgspec.json.encode(SITE))
    for name in ("sensors", "scales"):
        chance.shuffle(shuffled[name])
    for portal in shuffled["portals"]:
        chance.shuffle(portal["antennas"])
    again = msgspec.convert(shuffled, Settings)
    reshuffled = []
    for pause, item in script:
        if isinstance(item, Command):
            pairs = list(item.args.items())
            chance.shuffle(pairs)
            item = msgspec.structs.replace(item, args=dict(pairs))
        reshuffled.append((pause, item))
    one, other = Engine(SITE), Engine(again)
    assert play(one, script) == play(other, reshuffled)
    assert one.snapshot() == other.snapshot()
