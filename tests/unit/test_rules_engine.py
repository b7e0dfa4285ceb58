"""The engine: every kind of input, what it ignores, its memory and its deadline."""

import json
import random
from typing import Any

import msgspec
import pytest

from gateway.model.inputs import (
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
from gateway.model.outcome import AlarmChange
from gateway.model.settings import Antenna, Eye, Limit, Portal, Scale, Sensor, Settings
from gateway.rules import Engine, questions
from gateway.rules.candidates import Answered, Candidate, Changed, Crossed, Exceeding, Parking, Refused
from gateway.rules.documents import Announced
from gateway.rules.reads import NO_TONE

MS = 1000
S = 1000 * MS
MINUTE = 60 * S
T0 = 1_795_243_331 * S
A, B = "A" * 24, "B" * 24

DOCK = Portal(
    "dock-1",
    "inbound",
    (Antenna("r1", 1, "outer"), Antenna("r1", 2, "inner")),
    eyes=(Eye("r1", 1, "outer"), Eye("r1", 2, "inner")),
)
DOCK2 = Portal("dock-2", "inbound", (Antenna("r1", 3, "outer"), Antenna("r2", 1, "inner")))
WARM = Limit("warm", "c1", "temperature", "high", 8.0, on_delay=10 * MINUTE, off_delay=MINUTE, hold=True)
HOT = Limit("hot", "c1", "temperature", "high", 20.0)
SITE = Settings(
    site="s",
    gateway="g",
    portals=(DOCK, DOCK2),
    sensors=(Sensor("c1", "cold"), Sensor("d1", "inbound")),
    scales=(Scale("w1", "dock-1"),),
    limits=(WARM, HOT),
    ignore=("BAD6E0",),
)


def engine() -> Engine:
    """An engine that has seen nothing."""
    return Engine(SITE)


def reads(
    *rows: tuple[Any, ...], reader: str = "r1", columns: tuple[str, ...] = ("at", "antenna", "epc", "rssi")
) -> Reads:
    """A report of reads."""
    return Reads(reader, rows, columns)


def crossing(start: int = 0, epc: str = A, antennas: tuple[int, int] = (1, 2)) -> list[Read]:
    """A tag carried in, one read per 100 ms."""
    return [Read("r1", antennas[number >= 3], epc, T0 + (start + 100 * number) * MS, -50.0) for number in range(6)]


def play(one: Engine, *items: Input, t: int | None = None) -> list[Candidate]:
    """Observe inputs at their own `at`, or all at `t`."""
    found: list[Candidate] = []
    for item in items:
        found += one.observe(t if t is not None else getattr(item, "at", None) or T0, item)
    return found


def tick(one: Engine) -> list[Candidate]:
    """Let the engine's deadline come."""
    deadline = one.deadline
    assert deadline is not None
    return one.observe(deadline, Tick())


def measured(minute: float, value: float | None, sensor: str = "c1", quality: str = "good") -> Measurement:
    """A temperature."""
    return Measurement(sensor, "temperature", value, "Cel", quality, T0 + round(minute * MINUTE))


def test_reads_and_read_are_the_same() -> None:
    """A report of rows and the same reads spelled out leave the same memory."""
    rows, spelled = engine(), engine()
    items = crossing()
    rows.observe(T0 + S, reads(*((item.at, item.antenna, item.epc, item.rssi) for item in items)))
    play(spelled, *items, t=T0 + S)
    assert rows.snapshot() == spelled.snapshot()
    (crossed,) = tick(rows)
    assert isinstance(crossed, Crossed)
    assert (crossed.passage.moved, crossed.passage.direction, crossed.portal.id) == ((A,), "in", "dock-1")


def test_columns_may_come_in_any_order() -> None:
    """Rows are read by column name; unknown columns are ignored, absent time and level have their defaults."""
    one = engine()
    one.observe(T0, reads(*[(7, A, 1)] * 3, columns=("phase", "epc", "antenna")))
    assert one.state.portals["dock-1"].recent == [(T0, 0, A, -60.0, NO_TONE)] * 3


@pytest.mark.parametrize("eyes", [False, True])
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("portals", [(DOCK,), (DOCK, DOCK2)])
def test_reads_together_are_the_reads_one_by_one(portals: tuple[Portal, ...], seed: int, eyes: bool) -> None:
    """A reader of one door or two tells the same, however many reads are in a report: passages, and what is kept."""
    rows, now = traffic(seed), T0 + 600 * S
    assert len(rows) > 10_000
    told, kept = [], []
    for size in (1, 7, 500, len(rows)):
        one = Engine(msgspec.structs.replace(SITE, portals=portals))
        if eyes:
            for at, port, level in ((0, 1, True), (900, 2, True), (1800, 1, False), (2600, 2, False)):
                one.observe(now, Gpi("r1", port, level, T0 + 40 * S + at * MS))
        parts = [rows[start : start + size] for start in range(0, len(rows), size)]
        found = [candidate for part in parts for candidate in one.observe(now, reads(*part))]
        found += one.observe(now + 60 * S, Tick())
        passages = [each for each in found if isinstance(each, Crossed)]
        told.append(
            [passages, sorted(str(each) for each in found if each not in passages)]
        )  # alarms: after each report
        kept.append(one.snapshot())
        dock = one.state.portals["dock-1"]
        assert len(dock.recent) < 2_000  # the rest went into the background, or with a passage
        assert dock.known
        assert dock.late
    assert len(told[0][0]) >= (1 if eyes else 4)
    assert all(other == told[0] for other in told)
    assert all(other == kept[0] for other in kept)


def traffic(seed: int) -> list[tuple[int, int, str, int]]:
    """Reads of reader r1 for four minutes: some pallets by either door, tags that stand there, a badge, noise."""
    chance = random.Random(seed)
    rows = [
        (
            T0 + chance.randrange(240_000) * MS,
            chance.choice((1, 2, 3, 4, 9)),
            f"{number:024X}",
            chance.randint(-75, -62),
        )
        for number in range(40)
        for _ in range(200)
    ]
    rows += [(T0 + ms * MS, 1, "bad6e0", -45) for ms in range(0, 240_000, 500)]
    for pallet in range(8):
        began, ports = 12_000 * pallet + chance.randrange(4000), (1, 2) if pallet % 2 else (3, 3)
        for read in range(300):
            port, level = ports[chance.random() * 300 < read], chance.randint(-58, -48)
            rows.append((T0 + (began + 8 * read) * MS, port, f"{0xABC000 + 16 * pallet + read % 9:024x}", level))
    return sorted(rows, key=lambda row: row[0] + chance.choice((0, 0, 0, 200, 6_000)) * MS)


def test_rows_without_time_or_level() -> None:
    """None in a row is the stamp, and a level that counts as strong."""
    one = engine()
    one.observe(T0, reads((None, 1, A, None)))
    assert one.state.portals["dock-1"].opened == T0
    one.observe(T0, Read("r1", 1, A))
    assert len(one.state.portals["dock-1"].recent) == 2


@pytest.mark.parametrize("columns", [("at", "epc"), ("antenna",), ()])
def test_reads_without_their_columns(columns: tuple[str, ...]) -> None:
    """A report without antenna or EPC is refused as bad input and changes nothing."""
    one = engine()
    before = one.snapshot()
    (found,) = one.observe(T0, reads(columns=columns))
    assert isinstance(found, Refused)
    assert (found.rejection.source, found.rejection.reason) == ("r1", "bad_input")
    assert one.snapshot() == before


@pytest.mark.parametrize(
    "item",
    [
        reads((T0, 1, A, -50.0), reader="r9"),
        reads((T0, 9, A, -50.0)),
        reads((T0, None, A, -50.0)),
        reads((T0, -1, A, -50.0)),
        Read("r9", 1, A, T0, -50.0),
        Gpi("r1", 9, True, T0),
        Gpi("r9", 1, True, T0),
        Weighing("w9", "1", "kg", True, at=T0),
        Weighing("w1", "1", "kg", True, mode="net", at=T0),
        Weighing("w1", None, "kg", None, condition="over", at=T0),
        Measurement("c1", "humidity", None, "%", "bad", T0),
        Device("r1", "up"),
        Device("nobody", "down", "gone"),
        Config(""),
        Tick(),
    ],
    ids=lambda item: type(item).__name__,
)
def test_what_is_ignored(item: Input) -> None:
    """Unknown readers, antennas, eyes, scales and what the rules have no use for change no memory."""
    one = engine()
    before = one.snapshot()
    assert one.observe(T0, item) == []
    assert one.snapshot() == before
    assert one.deadline is None


@pytest.mark.parametrize("epc", ["BAD6E0", "bad6e0"])
def test_ignored_tags_reach_nothing(epc: str) -> None:
    """A badge on the ignore list opens no portal, keeps none open, and is in no passage, in either case of letters."""
    one = engine()
    rows = [(T0 + number * MS, 1, epc, -40.0) for number in range(10)]
    assert one.observe(T0 + S, reads(*rows)) == []
    assert one.deadline is None
    play(one, *crossing())
    one.observe(T0 + S, reads(*rows, (T0 + 900 * MS, 1, epc, -40.0)))
    (crossed,) = tick(one)
    assert isinstance(crossed, Crossed)
    assert crossed.passage.closed == T0 + 500 * MS
    assert epc.upper() not in json.dumps(msgspec.to_builtins(crossed)).upper()


def test_ignore_list_in_lower_case() -> None:
    """The list may be written in lower case."""
    one = Engine(msgspec.structs.replace(SITE, ignore=(A.lower(),)))
    play(one, *crossing())
    assert one.deadline is None


def test_a_tag_is_one_tag_in_either_case() -> None:
    """Hex in lower case is the same tag."""
    one = engine()
    play(one, *crossing(), *crossing(100, A.lower()), t=T0 + S)
    assert {read[2] for read in one.state.portals["dock-1"].recent} == {A}


@pytest.mark.parametrize("at", [T0 + 10 * S + 1, 10**18, 10**40, -1, -(10**40)])
def test_impossible_instants_count_as_now(at: int) -> None:
    """A read later than its arrival, or before 1970, is stamped now: one wrong clock must not blind a portal."""
    one = engine()
    now = T0 + 10 * S
    one.observe(now, Read("r1", 1, A, at, -50.0))
    assert one.state.portals["dock-1"].opened == now
    one = engine()
    one.observe(now, Gpi("r1", 1, True, at))
    assert one.state.portals["dock-1"].edges == [(now, 0, True)]
    one.observe(now, msgspec.structs.replace(measured(0, 9.0), at=at))
    assert one.state.limits["warm"].beyond == now
    one.observe(now, Weighing("w1", "1", "kg", True, at=at))
    weighing = one.state.portals["dock-1"].weighing
    assert weighing is not None
    assert weighing.at == now


@pytest.mark.parametrize("rssi", [float("nan"), float("inf"), float("-inf"), 1e300, -1e300, 31.0])
def test_impossible_levels_are_weak(rssi: float) -> None:
    """A level that cannot be opens nothing; its tag, heard so before and meanwhile, is a stray, the snapshot good."""
    one = engine()
    for ms in range(-20_000, 1, 4_000):
        one.observe(T0 + ms * MS, Read("r1", 1, A, T0 + ms * MS, rssi))
    assert one.deadline is None
    play(one, *crossing(0, B))
    for ms in (100, 200, 300):
        one.observe(T0 + S, Read("r1", 1, A, T0 + ms * MS, rssi))
    again = Engine.restore(SITE, one.snapshot())
    (crossed,) = tick(again)
    assert isinstance(crossed, Crossed)
    assert (crossed.passage.moved, crossed.passage.strays) == ((B,), (A,))


def test_gpi_runs_the_eyes() -> None:
    """Eyes open the portal, tell the direction, and a later edge ends the passage before."""
    one = engine()
    found = play(one, Gpi("r1", 2, True, T0), Gpi("r1", 1, True, T0 + S), Gpi("r1", 2, False, T0 + 2 * S))
    found += play(one, Gpi("r1", 1, False, T0 + 3 * S), Gpi("r1", 1, True, T0 + 9 * S))
    (crossed,) = found
    assert isinstance(crossed, Crossed)
    assert (crossed.passage.direction, crossed.passage.closed) == ("out", T0 + 3 * S)


def test_weighing_and_climate_go_with_the_passage() -> None:
    """The settled weight and the last climate of the portal's location are evidence; other places' climate is not."""
    one = engine()
    humid = Measurement("d1", "humidity", 55.0, "%", at=T0 - S)
    play(one, measured(-1, 3.0), measured(-2, 5.0, "d1"), measured(-1, 4.5, "d1"), humid, t=T0)
    play(one, Weighing("w1", "612.4", "kg", True), t=T0)
    play(one, *crossing())
    (crossed,) = tick(one)
    assert isinstance(crossed, Crossed)
    assert crossed.weighing == Weighing("w1", "612.4", "kg", True, at=T0)
    assert crossed.climate == (
        ("d1", "humidity", 55.0, "%", T0 - S),
        ("d1", "temperature", 4.5, "Cel", T0 - MINUTE),
    )


@pytest.mark.parametrize("value", ["heavy", "", "NaN", "Infinity", "1e999", "٣", "1" * 100])
def test_a_weight_that_is_no_number(value: str) -> None:
    """A weight that is no decimal is refused and remembered nowhere."""
    one = engine()
    (found,) = one.observe(T0, Weighing("w1", value, "kg", True, at=T0))
    assert isinstance(found, Refused)
    assert (found.rejection.source, found.rejection.reason) == ("w1", "bad_input")
    assert one.state.portals["dock-1"].weighing is None


def test_alarm_is_noticed_with_its_beginning() -> None:
    """An activation carries since when, so that the lots of that span are asked for; the end brings the excursion."""
    one = engine()
    play(one, measured(0, 9.0))
    assert one.deadline == T0 + 10 * MINUTE
    (became,) = tick(one)
    assert isinstance(became, Changed)
    assert (became.since, became.change.at, became.change.location) == (T0, T0 + 10 * MINUTE, "cold")
    assert play(one, measured(15, 7.0)) == []
    back, exceeding = tick(one)
    assert isinstance(back, Changed)
    assert back.since is None
    assert isinstance(exceeding, Exceeding)
    assert (exceeding.location, exceeding.exceeded.start, exceeding.exceeded.end) == ("cold", T0, T0 + 15 * MINUTE)


def test_two_limits_on_one_sensor() -> None:
    """Each limit has its own memory; one sample can raise one and start the delay of the other."""
    one = engine()
    (hot,) = play(one, measured(0, 25.0))
    assert isinstance(hot, Changed)
    assert hot.change.alarm == "hot"
    assert one.deadline == T0 + 10 * MINUTE


def test_an_alarm_that_returns_in_one_sample_has_its_own_beginning() -> None:
    """When one sample ends an excursion by timer and begins the next, the next begins with that sample."""
    quick = Limit("q", "c1", "temperature", "high", 8.0, off_delay=5 * MINUTE)
    one = Engine(msgspec.structs.replace(SITE, limits=(quick,)))
    play(one, measured(0, 9.0), measured(10, 7.0))
    off, exceeding, on = play(one, measured(20, 9.0))
    assert isinstance(off, Changed)
    assert isinstance(exceeding, Exceeding)
    assert isinstance(on, Changed)
    assert on.since == on.change.at == T0 + 20 * MINUTE


def test_an_alarm_that_comes_and_goes_in_one_sample() -> None:
    """When one sample finds the alarm due and already over, its beginning is still known."""
    slow = Limit("q", "c1", "temperature", "high", 8.0, on_delay=5 * MINUTE)
    one = Engine(msgspec.structs.replace(SITE, limits=(slow,)))
    play(one, measured(0, 9.0))
    on, off, exceeding = play(one, measured(20, 7.0))
    assert isinstance(on, Changed)
    assert (on.since, on.change.at) == (T0, T0 + 5 * MINUTE)
    assert isinstance(off, Changed)
    assert isinstance(exceeding, Exceeding)


def test_a_limit_without_a_place_asks_for_no_lots() -> None:
    """A sensor that stands nowhere raises its alarm without asking who stood there."""
    one = Engine(msgspec.structs.replace(SITE, sensors=(), limits=(HOT,)))
    (change,) = play(one, measured(0, 25.0))
    assert isinstance(change, Changed)
    assert change.since is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 1e13, -1e13])
def test_impossible_values_freeze_like_bad_ones(value: float) -> None:
    """NaN, infinity and absurd values are no measurement: they alarm nothing and are nobody's climate."""
    one = engine()
    assert play(one, measured(0, value)) == []
    assert one.state.climate == {}
    assert one.deadline is None
    assert Engine.restore(SITE, one.snapshot()).snapshot() == one.snapshot()


def test_downlink_becomes_document_or_refusal() -> None:
    """A downlink is announced or refused; text that is no JSON is refused."""
    one = engine()
    (found,) = play(one, Downlink("down/asn/A1", {"asn": "A1"}), t=T0)
    assert isinstance(found, Announced)
    (refused,) = play(one, Downlink("down/asn/A1", text="{"), t=T0)
    assert isinstance(refused, Refused)
    (withdrawn,) = play(one, Downlink("down/asn/A1"), t=T0)
    assert isinstance(withdrawn, Announced)
    assert withdrawn.document is None


@pytest.mark.parametrize("ident", ["A1", "A/1", "A 1%2F", "Ä"])
def test_asn_import(ident: str) -> None:
    """An ASN imported by hand takes the same way as one from central, whatever its id is made of."""
    (found,) = play(engine(), Command("asn.import", {"asn": {"asn": ident}}, "ann"), t=T0)
    assert isinstance(found, Announced)
    assert (found.kind, found.id) == ("asn", ident)


@pytest.mark.parametrize(
    ("kind", "document", "ident"),
    [
        ("asn", {"asn": "A/1"}, "A/1"),
        ("order", {"order": "O+1"}, "O+1"),
        ("commission", {"commission": "C#1"}, "C#1"),
        ("lot", {"gtin": "4012345000009", "lot": "L/1%"}, "04012345000009/L/1%"),
        ("policy", {"version": 2}, ""),
    ],
)
def test_import(kind: str, document: dict[str, Any], ident: str) -> None:
    """A document of any kind from a file is announced, with its part."""
    (found,) = play(engine(), Command("import", {"kind": kind, "document": document, "part": 3, "last": False}), t=T0)
    assert isinstance(found, Announced)
    assert (found.kind, found.id, found.part, found.last) == (kind, ident, 3, False)
    (whole,) = play(engine(), Command("import", {"kind": kind, "document": document}), t=T0)
    assert isinstance(whole, Announced)
    assert (whole.part, whole.last) == (0, True)
    (odd,) = play(engine(), Command("import", {"kind": "x/y", "document": document}), t=T0)
    assert isinstance(odd, Refused)


@pytest.mark.parametrize("document", [{}, {"asn": 5}, {"asn": "A1", "units": 1}, {"asn": "\ud800"}, {"asn": ""}])
def test_asn_import_refused(document: dict[str, Any]) -> None:
    """A document that is none is refused as bad."""
    (found,) = play(engine(), Command("asn.import", {"asn": document}), t=T0)
    assert isinstance(found, Refused)
    assert found.rejection.reason in ("bad_document", "unknown_topic")


@pytest.mark.parametrize(
    "command",
    [
        Command("dance"),
        Command("alarms.ack"),
        Command("alarms.ack", {"alarm": 5}),
        Command("asn.import", {"asn": []}),
        Command("import", {"kind": "asn", "document": []}),
        Command("import", {"kind": "asn", "document": {"asn": "A1"}, "part": -1}),
        Command("import", {"kind": "asn", "document": {"asn": "A1"}, "part": "0"}),
        Command("import", {"kind": "asn", "document": {"asn": "A1"}, "last": 1}),
        Command("outbox.park", {"seq": "1", "reason": "x"}, "uplink"),
        Command("outbox.park", {"seq": 0, "reason": "x"}, "uplink"),
        Command("outbox.park", {"seq": 1 << 63, "reason": "x"}, "uplink"),
        Command("outbox.park", {"seq": 1, "reason": "x"}, "ann"),
        Command("quarantine", {"position": 1, "error": "x"}, "ann"),
        Command("quarantine", {"position": None, "error": "x"}, "core"),
    ],
)
def test_unknown_commands(command: Command) -> None:
    """A command nobody knows, with wrong arguments, or by somebody it is not for, is refused with those there are."""
    one = engine()
    (found,) = play(one, command, t=T0)
    assert isinstance(found, Refused)
    assert (found.rejection.source, found.rejection.reason) == (f"cmd/{command.name}", "bad_command")
    known = "alarms.ack, import, resend, hold, release, reject, inspect, move, dispose, produce"
    assert found.rejection.detail.endswith(f"known: {known}")
    assert one.state.latched == {}


def test_acknowledging_a_limit() -> None:
    """Acknowledging an active alarm changes it and says so; again, it changes nothing and says the state."""
    one = engine()
    play(one, measured(0, 25.0))
    ack = Command("alarms.ack", {"alarm": "hot"}, "ann")
    changed, answered = play(one, ack, t=T0 + S)
    assert isinstance(changed, Changed)
    assert (changed.change.after, changed.change.by, changed.change.at) == ("acked_active", "ann", T0 + S)
    assert answered == Answered({"ok": True, "alarm": "hot", "state": "acked_active"})
    assert play(one, ack, t=T0 + S) == [answered]


def test_acknowledging_what_is_not_there() -> None:
    """An unknown alarm is answered with where to find the known ones."""
    found = play(engine(), Command("alarms.ack", {"alarm": "x"}), t=T0)
    assert found == [Answered({"ok": False, "error": "no alarm 'x'; `tallyman alarms` lists them"})]


@pytest.mark.parametrize(
    ("command", "alarm", "source"),
    [
        (Command("outbox.park", {"seq": 7, "reason": "denied"}, "uplink"), "outbox", "uplink"),
        (Command("quarantine", {"position": 9, "error": "boom"}, "core"), "quarantine", "core"),
    ],
)
def test_latched_alarms(command: Command, alarm: str, source: str) -> None:
    """An alarm without a limit is raised once, stays over a restart, and goes by acknowledgement."""
    one = engine()
    found = play(one, command, t=T0)
    raised = found[-1]
    assert isinstance(raised, Changed)
    assert (raised.change.alarm, raised.change.source, raised.change.after) == (alarm, source, "unacked_active")
    assert raised.since is None
    assert found[:-1] == ([Parking(7, "denied", T0)] if alarm == "outbox" else [])
    one = Engine.restore(SITE, one.snapshot())
    assert not any(isinstance(candidate, Changed) for candidate in play(one, command, t=T0))
    gone, answer = play(one, Command("alarms.ack", {"alarm": alarm}, "ann"), t=T0)
    assert gone == Changed(AlarmChange(alarm, source, T0, "unacked_active", "normal", "high", by="ann"))
    assert answer == Answered({"ok": True, "alarm": alarm, "state": "normal"})


def test_deadline_is_the_earliest() -> None:
    """The deadline is the minimum over portals and limits, and each tick brings what is due and no more."""
    one = engine()
    assert one.deadline is None
    play(one, measured(-9.99, 9.0), t=T0)
    play(one, *crossing(), *crossing(200, B, (3, 3)))
    assert one.deadline == T0 + round(0.01 * MINUTE)
    (alarm,) = tick(one)
    assert isinstance(alarm, Changed)
    assert one.deadline == T0 + 500 * MS + DOCK.quiet + DOCK.settle
    assert one.observe(one.deadline - 1, Tick()) == []
    first, second = tick(one), tick(one)
    assert [candidate.portal.id for candidate in first + second if isinstance(candidate, Crossed)] == [
        "dock-1",
        "dock-2",
    ]
    assert one.deadline is None


def test_a_tick_long_after_ends_everything() -> None:
    """One tick closes every portal that is due."""
    one = engine()
    play(one, *crossing(), *crossing(0, B, (3, 3)))
    assert len(one.observe(T0 + MINUTE, Tick())) == 2


def test_abandon_gives_up_what_is_due() -> None:
    """What is due by then is dropped without a word, what is not yet due stays."""
    one = engine()
    play(one, measured(-9.99, 9.0), t=T0)
    play(one, *crossing(), *crossing(5000, B, (3, 3)))
    one.abandon(T0 + 3 * S)
    assert one.deadline == T0 + 5500 * MS + DOCK.quiet + DOCK.settle
    assert one.state.limits["warm"].beyond is None


def test_reconfigure_keeps_what_remains() -> None:
    """New settings keep the memory of portals and limits that remain, and forget the others."""
    one = engine()
    play(one, *crossing(), *crossing(0, B, (3, 3)), measured(-1, 9.0))
    longer = msgspec.structs.replace(DOCK, quiet=5 * S)
    one.reconfigure(msgspec.structs.replace(SITE, portals=(longer,), scales=(), limits=(WARM,)))
    assert set(one.state.portals) == {"dock-1"}
    assert set(one.state.limits) == {"warm"}
    assert one.deadline == T0 + 500 * MS + 5 * S + DOCK.settle
    (crossed,) = tick(one)
    assert isinstance(crossed, Crossed)
    assert crossed.passage.moved == (A,)
    assert one.deadline == T0 + 9 * MINUTE


@pytest.mark.parametrize("eyes", [(), DOCK.eyes[:1], DOCK.eyes[::-1]])
def test_reconfigured_eyes_are_new_eyes(eyes: tuple[Eye, ...]) -> None:
    """When a portal's eyes change while one is blocked, what they saw is forgotten, and the passage ends well."""
    one = engine()
    play(one, Gpi("r1", 1, True, T0), Gpi("r1", 2, True, T0 + S), *crossing())
    one.reconfigure(msgspec.structs.replace(SITE, portals=(msgspec.structs.replace(DOCK, eyes=eyes), DOCK2)))
    (crossed,) = tick(one)
    assert isinstance(crossed, Crossed)
    assert crossed.passage.evidence["eyes"] == []
    assert crossed.passage.direction == "in"


def test_restore_keeps_the_eyes() -> None:
    """A restart under the same settings forgets nothing of the eyes."""
    one = engine()
    play(one, Gpi("r1", 1, True, T0), Gpi("r1", 2, True, T0 + S))
    again = Engine.restore(SITE, one.snapshot())
    assert again.snapshot() == one.snapshot()
    assert again.deadline == one.deadline == T0 + DOCK.longest + DOCK.settle


def test_a_parking_asks_for_its_row() -> None:
    """Whether an event may be parked is asked of the ledger."""
    found = play(engine(), Command("outbox.park", {"seq": 7, "reason": "x"}, "uplink"), t=T0)
    assert questions(found).outbox == (7,)


def test_a_removed_limit_takes_its_alarm_with_it() -> None:
    """An alarm whose limit leaves the configuration goes back to normal, and says why: nobody could ack it any more."""
    one = engine()
    limit = one.settings.limits[0]
    value = limit.limit + 10 if limit.side == "high" else limit.limit - 10
    one.observe(T0, Measurement(limit.sensor, limit.quantity, value, "Cel", at=T0))
    one.observe(T0 + limit.on_delay, Tick())
    assert one.state.limits[limit.id].state == "unacked_active"
    one.reconfigure(msgspec.structs.replace(one.settings, limits=()))
    (changed,) = one.observe(T0 + S, Config(""))
    assert isinstance(changed, Changed)
    assert (changed.change.before, changed.change.after) == ("unacked_active", "normal")
    assert changed.change.detail == "the limit was removed"
    assert one.observe(T0 + S, Config("")) == []


def test_a_device_in_fault_is_an_alarm() -> None:
    """A fault raises one alarm however often it is said; up ends it; down is a state and no alarm; ack is ack."""
    one = engine()
    assert one.observe(T0, Device("r1/antenna-2", "down", "gone")) == []
    (raised,) = one.observe(T0, Device("r1/antenna-2", "fault", "no cable"))
    assert isinstance(raised, Changed)
    change = raised.change
    assert (change.alarm, change.source, change.before, change.after, change.detail) == (
        "device/r1/antenna-2", "r1/antenna-2", "normal", "unacked_active", "no cable",
    )  # fmt: skip
    assert one.observe(T0, Device("r1/antenna-2", "fault", "no cable")) == []
    acked, answer = one.observe(T0 + S, Command("alarms.ack", {"alarm": "device/r1/antenna-2"}, "ann"))
    assert isinstance(acked, Changed)
    assert (acked.change.after, acked.change.by) == ("acked_active", "ann")
    assert answer == Answered({"ok": True, "alarm": "device/r1/antenna-2", "state": "acked_active"})
    (ended,) = one.observe(T0 + 2 * S, Device("r1/antenna-2", "up"))
    assert isinstance(ended, Changed)
    assert (ended.change.before, ended.change.after) == ("acked_active", "normal")
    assert one.state.faults == {}
