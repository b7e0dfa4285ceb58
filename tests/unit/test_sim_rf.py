"""The RF generator: the same from the same seed, readable, true to its own motion, and sane as radio."""

import cmath
import hashlib
import json
import math
import os
import statistics
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from gateway.replay import replay
from simulators.cli import main
from simulators.rf import FAMILIES, FAULTS, shift
from simulators.rf.dock import doors
from simulators.rf.families import SELDOM, UNTOUCHED
from simulators.rf.gen2 import LINKS, Flags, frame
from simulators.rf.goods import Works
from simulators.rf.listening import Listener
from simulators.rf.motion import Halt, drive
from simulators.rf.physics import LIQUID, TEXTILE, WAVE, Antenna, Audible, K, Material, Sea, audible
from simulators.rf.reporting import reported
from simulators.rf.scene import Edge, Mover, Placed, blocks, edges, shade
from simulators.rf.shift import T0, Shift
from simulators.rf.traffic import Planner

ANTENNA = Antenna(1, "outer", "left", -1.6, 0.0, 1.2, (1.0, 0.0, 0.0), 26.0, 2.0)


def works(seed: int = 1) -> Works:
    """A source of loads."""
    return Works(seed, Random(f"goods {seed}"))


def heard(
    antenna: Antenna = ANTENNA,
    x: float = 0.0,
    y: float = 0.0,
    material: Material = TEXTILE,
    *,
    channel: int = 1,
    shaded: float = 0.0,
    least: float = -3.0,
    rician: float = 8.0,
) -> list[Audible]:
    """What an antenna has of one and the same pallet of 24 cases at a place."""
    load = works().pallet(24, material, True)
    around = Sea(Random("sea"), rician)
    return audible(antenna, around, load.tags, load.box, (x, y), channel, shaded, least)


def level(found: list[Audible]) -> float:
    """The median dBm."""
    return statistics.median(link.heard for link in found)


@pytest.fixture(scope="module")
def made() -> Shift:
    """A shift of three doors with eyes."""
    return shift("neighbours", 5, 6, "untouched")


# -- the same from the same seed ---------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes_in_other_processes() -> None:
    """Recording and truth, under two hash seeds and in this process."""
    code = (
        "import hashlib, json; from simulators.rf import shift; made = shift('busy', 7, 2);"
        "text = '\\n'.join([*made.lines(), json.dumps(made.truth)]); print(hashlib.sha256(text.encode()).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout.strip()
        for seed in ("1", "4711")
    }
    here = shift("busy", 7, 2)
    found.add(hashlib.sha256("\n".join([*here.lines(), json.dumps(here.truth)]).encode()).hexdigest())
    assert len(found) == 1


def test_no_two_seeds_families_or_variants_are_alike() -> None:
    """Docks, traffic, goods and reads are all drawn anew."""
    shifts = [shift("calm", 1, 1), shift("calm", 2, 1), shift("calm", 1, 1, "untouched"), shift("busy", 1, 1)]
    assert len({json.dumps(each.truth["passages"]) for each in shifts}) == 4
    reads = [json.dumps([record for _, record in each.records if record["kind"] == "reads"]) for each in shifts]
    assert len(set(reads)) == 4
    assert len({each.doors[0].antennas[0].x for each in shifts}) == 4
    assert len({each.doors[0].antennas[0].power for each in shifts}) == 4


# -- the recording -----------------------------------------------------------------------------------------------


def test_a_recording_is_read_strictly_and_replayed(made: Shift, tmp_path: Path) -> None:
    """No line is refused, time never goes back, and the gateway makes a passage of each vehicle at least."""
    path = tmp_path / "shift.ndjson"
    beside = made.write(path)
    assert json.loads(beside.read_text()) == made.truth
    lines = [json.loads(line) for line in replay(path).lines()]
    assert sum(line["kind"] == "passage" for line in lines) > 0
    instants = [t for t, _ in made.records]
    assert instants == sorted(instants)
    assert {record["kind"] for _, record in made.records} >= {"boot", "config", "reads", "gpi", "downlink", "tick"}


@pytest.mark.parametrize("variant", ["tuning", "varied", "untouched"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_passages_of_its_kind(family: str, variant: str) -> None:
    """So many passages with goods as were asked for, each read, over the family's doors."""
    found = shift(family, 3, 2, variant)
    passages = [each for each in found.truth["passages"] if each["units"]]
    assert len(passages) == 2
    assert len(found.doors) == FAMILIES[family].doors
    assert all(len(each["unread"]) < sum(len(unit["epcs"]) for unit in each["units"]) for each in passages)
    assert bool(found.doors[0].eyes) == FAMILIES[family].eyes


def test_untouched_docks_are_other_docks() -> None:
    """Nothing that a rule is tuned on has the geometry, power, goods and pace of what it is judged by."""
    for name, family in UNTOUCHED.items():
        tuned = FAMILIES[name]
        others = ("posts", "row_gap", "tilt", "height", "power", "speed", "cases", "hop", "dwell", "readers", "rician")
        assert all(getattr(family, other) != getattr(tuned, other) for other in others)


# -- truth and motion --------------------------------------------------------------------------------------------


def test_the_truth_is_what_the_vehicles_did() -> None:
    """What moved in began in the trailer and ended in the hall, out the other way; a turned one came back."""
    family = replace(FAMILIES["turn_round"], double=0.3, train=0.3)
    found = doors(family, Random("dock"))
    traffic = Planner(family, found, works(), Random("traffic")).plan(40)
    carried = {id(placed.load): mover for mover in traffic.movers for placed in mover.carries}
    assert {crossing.direction for crossing in traffic.crossings} == {"in", "out", "none"}
    for crossing in traffic.crossings:
        for load in crossing.units:
            movers = [mover for mover in traffic.movers if any(placed.load is load for placed in mover.carries)]
            mover = next(each for each in movers if each.way.start <= crossing.opened <= each.way.end)
            begin, end = mover.way.ys[0], mover.way.ys[-1]
            if crossing.direction == "none":
                assert abs(begin - end) < 0.2
            else:
                assert (begin < 0 < end) == (crossing.direction == "in")
                assert crossing.crossed is not None
                assert abs(mover.way.at(crossing.crossed)[1]) < 0.2
                assert crossing.opened < crossing.crossed < crossing.closed
            assert id(load) in carried


def test_nothing_is_in_two_places() -> None:
    """A load that turned round stands where it was left until it is fetched; then only the vehicle has it."""
    family = replace(FAMILIES["turn_round"], turn=0.7)
    traffic = Planner(family, doors(family, Random("dock")), works(), Random("traffic")).plan(40)
    spans: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for mover in traffic.movers:
        for placed in mover.carries:
            if placed.load.sscc:
                spans[placed.load.sscc].append((mover.appears, mover.gone))
    again = [sorted(each) for each in spans.values() if len(each) > 1]
    assert again
    assert all(one[1] <= other[0] for each in again for one, other in pairwise(each))


def test_the_truth_of_a_recording_names_what_was_read(made: Shift) -> None:
    """Unread tags have no read in the recording near their passage; strays have one, and are of no unit that moved."""
    portals = {door.reader: door.portal for door in made.doors}
    reads: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for _, record in made.records:
        if record["kind"] == "reads":
            reads[portals[record["reader"]]] += [(row[0], row[2]) for row in record["reads"]]
    slack = 100_000  # the reader's clock is wrong by milliseconds
    for passage in made.truth["passages"]:
        begin, end = passage["opened"] - 2_000_000, passage["closed"] + 2_000_000
        inside = {epc for at, epc in reads[passage["portal"]] if begin + slack < at < end - slack}
        around = {epc for at, epc in reads[passage["portal"]] if begin - slack < at < end + slack}
        units = {epc for unit in passage["units"] for epc in unit["epcs"]}
        assert set(passage["moved"]) | set(passage["turned"]) == units
        assert not set(passage["unread"]) & inside
        assert set(passage["strays"]) <= around
        assert not set(passage["strays"]) & units


def test_vehicles_drive_like_vehicles() -> None:
    """They brake for a halt, stand as long as asked, and never jump."""
    way = drive(0.0, [(0.0, -5.0), (0.0, 5.0)], 1.5, [Halt(5.0, 2.0)], Random(1))
    steps = [math.dist(one, other) for one, other in pairwise(zip(way.xs, way.ys, strict=True))]
    assert max(steps) < 1.5 * 1.3 * 0.04 + 1e-9
    standing = [y for y, step in zip(way.ys, steps, strict=False) if step == 0.0]
    assert len(standing) == pytest.approx(50, abs=2)
    assert standing[0] == pytest.approx(0.0, abs=0.1)


# -- radio -------------------------------------------------------------------------------------------------------


def test_levels_fall_with_distance_and_beside_the_beam() -> None:
    """A pallet in the door is loud, one in the hall weak, one far off silent."""
    near, far = heard(y=0.0), heard(y=3.5)
    assert level(near) > level(far) + 10
    assert len(near) > len(far) > len(heard(y=9.0))


def test_more_power_wakes_more_tags() -> None:
    """At the edge of the field every dB counts, and what is heard is as much louder."""
    counts = [len(heard(replace(ANTENNA, power=power), y=4.5)) for power in (15.0, 20.0, 25.0, 30.0)]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]
    loud = {link.tag.epc: link.heard for link in heard()}
    for link in heard(replace(ANTENNA, power=23.0)):
        assert link.heard == pytest.approx(loud[link.tag.epc] - 3, abs=1e-9)


def test_goods_and_trucks_stand_in_the_way() -> None:
    """Liquids are read worse than textiles; a truck before a pallet takes up to 14 dB, beside it nothing."""
    assert level(heard(material=LIQUID)) < level(heard()) - 6
    truck = Mover(drive(0.0, [(0.0, 1.0), (0.0, 2.0)], 1.0, [], Random(1)), [], 0.0, 9.0, 1, truck=(0.0, 2.0))
    assert shade(ANTENNA, 0.0, 3.5, blocks(truck, 0.0, 1.0)) == 14.0
    assert shade(ANTENNA, 0.0, 0.0, blocks(truck, 0.0, 1.0)) == 0.0
    assert level(heard(shaded=14.0)) < level(heard()) - 6
    load = Placed(works().pallet(24, LIQUID, True))
    carrier = replace(truck, truck=None, carries=[load])
    assert shade(ANTENNA, 1.5, 0.0, blocks(carrier, 0.0, 0.0)) == 20.0
    assert shade(ANTENNA, 1.5, 0.0, blocks(carrier, 0.0, 0.0, but=load)) == 0.0


def test_levels_fade_over_a_wavelength_and_with_the_channel() -> None:
    """Echoes cancel: within half a metre a tag has nulls, and another channel has them elsewhere."""
    path = [{link.tag.epc: link.heard for link in heard(y=y * WAVE / 8, least=-60)} for y in range(12)]
    ranges = [max(each[epc] for each in path) - min(each[epc] for each in path) for epc in path[0]]
    assert statistics.median(ranges) > 6
    other = {link.tag.epc: link.heard for link in heard(channel=4, least=-60)}
    assert statistics.median(abs(path[0][epc] - other[epc]) for epc in other) > 0.1


def test_tags_that_point_at_the_antenna_are_read_worse() -> None:
    """A dipole has little along its axis."""
    found = heard(least=-60)
    towards = [link.heard for link in found if abs(link.tag.axis[0]) > 0.9]
    across = [link.heard for link in found if abs(link.tag.axis[0]) < 0.1]
    assert statistics.median(across) > statistics.median(towards) + 6


def test_phase_follows_the_way() -> None:
    """Twice the distance turns the phase by 4π per wavelength: forward when it goes away, back when it comes."""
    for step in (0.02, -0.02):
        before = {link.tag.epc: link.phase for link in heard(y=2.5, rician=30.0)}
        after = {link.tag.epc: link.phase for link in heard(y=2.5 + step, rician=30.0)}
        turns = [cmath.phase(cmath.rect(1.0, after[epc] - before[epc])) for epc in before.keys() & after.keys()]
        expected = 2 * K * step * 2.5 / math.hypot(2.5, 1.6)
        assert statistics.median(turns) == pytest.approx(expected, abs=0.25)


@pytest.mark.parametrize(("link", "least", "most"), [("dense", 150, 320), ("fast", 400, 1_100)])
def test_a_reader_reads_at_a_reader_s_pace(link: str, least: int, most: int) -> None:
    """So many reads a second of a pallet in the door, from every antenna in turn, on several channels."""
    door = replace(doors(FAMILIES["calm"], Random("dock"))[0], link=link)
    load = works().pallet(24, TEXTILE, True)
    standing = Mover(drive(0.0, [(0.0, 0.8), (0.0, 0.81)], 1.0, [], Random(1)), [Placed(load)], 0.0, 99.0, 1)
    found = list(Listener(door, [standing], Random("radio")).listen(1_000_000, 11_000_000))
    assert least < len(found) / 10 < most
    assert Counter(each.antenna for each in found).keys() == {1, 2, 3, 4}
    assert len({each.channel for each in found}) > 1
    assert len({each.epc for each in found}) >= 23
    assert all(one.at < other.at for one, other in pairwise(found))


def test_slots_read_at_most_one_tag_and_none_twice() -> None:
    """Framed ALOHA: of as many tags as slots about a third is read, never one twice, in order of time."""
    shares = []
    for seed in range(50):
        slots, took = frame(64, 6, LINKS["dense"], Random(seed))
        numbers = [number for number, _ in slots]
        assert len(set(numbers)) == len(numbers)
        assert [after for _, after in slots] == sorted(after for _, after in slots)
        assert slots[-1][1] <= took
        shares.append(len(slots) / 64)
    assert statistics.mean(shares) == pytest.approx(math.exp(-1), abs=0.03)


def test_session_two_reads_all_before_any_again() -> None:
    """Dual target: who was read waits until all were, then the flags are asked for the other way round."""
    flags, everybody = Flags(), ["A", "B", "C"]
    assert all(flags.takes_part(epc, 0.0) for epc in everybody)
    flags.read(["A", "C"], of=3, now=0.1)
    assert [epc for epc in everybody if flags.takes_part(epc, 60.0)] == ["B"]
    flags.read(["B"], of=1, now=60.0)
    assert all(flags.takes_part(epc, 60.0) for epc in everybody)


def test_flags_of_session_one_fall_back_by_themselves() -> None:
    """0.5 to 5 s after it was read a tag takes part again; asked for flag A only, not before."""
    flags = Flags(1.5, single=True, chance=Random(1))
    flags.read(["A", "B"], of=2, now=10.0)
    assert not any(flags.takes_part(epc, 10.9) for epc in "AB")
    assert all(flags.takes_part(epc, 12.1) for epc in "AB")
    for persists, least, most in ((0.01, 0.5, 0.51), (100.0, 4.99, 5.0)):
        flags = Flags(persists, single=True, chance=Random(1))
        flags.read(["A"], of=1, now=10.0)
        assert [flags.takes_part("A", 10.0 + after) for after in (least - 0.01, most + 0.01)] == [False, True]
    dual = Flags(1.5, chance=Random(1))
    dual.read(["A", "B"], of=2, now=10.0)
    assert dual.takes_part("A", 10.5)  # flag B is asked for
    assert not dual.takes_part("A", 12.1)  # and it has fallen back to A meanwhile


def test_readers_of_session_one_are_of_either_sort() -> None:
    """Where tags are read seldom: flags last as long as Gen2 allows, and half of the readers ask for flag A only."""
    found = [door for seed in range(60) for door in doors(SELDOM["calm"], Random(seed))]
    mine = [door for door in found if door.session == 1]
    assert {door.single for door in mine} == {True, False}
    assert all(door.persists is not None and 0.5 <= door.persists <= 5.0 for door in mine)
    assert all(door.persists is None and not door.single for door in found if door.session != 1)


def test_item_level_loads_have_many_times_as_many_tags() -> None:
    """Goods that are tagged item by item; they fit on their pallet all the same."""
    family = replace(SELDOM["calm"], items=1.0)
    found = doors(family, Random(1))
    traffic = Planner(family, found, Works(1, Random(1)), Random(1)).plan(10)
    loads = [placed.load for mover in traffic.movers for placed in mover.carries if placed.load.sscc is not None]
    assert max(len(load.tags) for load in loads) > 2 * family.cases[1]
    assert all(load.box.half_z < 1.3 for load in loads)


# -- eyes and reports --------------------------------------------------------------------------------------------


def test_eyes_are_broken_and_cleared_in_turn() -> None:
    """Outer before inner on the way in, an edge of each kind after the other, chatter included."""
    door = doors(FAMILIES["calm"], Random("dock"))[0]
    load = Placed(works().pallet(24, TEXTILE, True))
    chattered = 0
    for seed in range(40):
        way = drive(0.0, [(0.0, -5.0), (0.0, 6.0)], 1.0, [], Random(seed))
        mover = Mover(way, [load], 0.0, 99.0, 1, ((-0.6, 0.6), (-2.5, -0.6)))
        found = edges(door, [mover], Random(seed))
        for port in (1, 2):
            assert [edge.level for edge in found if edge.port == port] == [True, False] * (
                sum(edge.port == port for edge in found) // 2
            )
        firsts = [next(edge.at for edge in found if edge.port == port) for port in (1, 2)]
        assert firsts[0] < firsts[1]
        chattered += len(found) > 4
    assert 0 < chattered < 12


def test_reports_come_late_twice_or_never_but_in_order_of_arrival() -> None:
    """With the faults turned up: nothing is invented, something is lost, something comes again."""
    family = replace(FAMILIES["calm"], lost=0.05, late=0.05, reconnects=1.0)
    door = doors(family, Random("dock"))[0]
    load = works().pallet(24, TEXTILE, True)
    standing = Mover(drive(0.0, [(0.0, 0.8), (0.0, 0.81)], 1.0, [], Random(1)), [Placed(load)], 0.0, 99.0, 1)
    found = list(Listener(door, [standing], Random("radio")).listen(1_000_000, 31_000_000))
    came = reported(family, found, [Edge(5.0, 1, True)], Random("report"))
    assert [each.t for each in came] == sorted(each.t for each in came)
    reads = Counter(read for each in came for _, read in each.reads)
    assert set(reads) < set(found)
    assert max(reads.values()) == 2
    assert sum(each.edge is not None for each in came) == 1
    disorder = [each.reads[0][0] for each in came if each.reads]
    assert disorder != sorted(disorder)


def test_a_shift_begins_at_its_hour(made: Shift) -> None:
    """Nothing stands before the shift's first instant but what its clock makes of it."""
    assert made.records[0][0] == T0
    assert min(passage["opened"] for passage in made.truth["passages"]) > T0


# -- faults ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_read_strictly_and_break_nothing(fault: str, tmp_path: Path) -> None:
    """Whatever readers do wrong is a valid recording, and the gateway comes through it with passages."""
    made = shift("calm", 4, 2, fault=fault)
    path = tmp_path / f"{fault}.ndjson"
    made.write(path)
    assert any(json.loads(line)["kind"] == "passage" for line in replay(path).lines())
    assert made.truth["fault"] == fault


def test_each_fault_does_what_it_says() -> None:
    """Against the same shift without it."""
    plain = rows(shift("calm", 4, 2))
    jumped = rows(shift("calm", 4, 2, fault="clock_jump"))
    assert {abs(one[0] - other[0]) for one, other in zip(plain, jumped, strict=True)} == {0, 3_600_000_000}
    shuffled = rows(shift("calm", 4, 2, fault="disorder"))
    assert shuffled != plain
    assert sorted(shuffled) == sorted(plain)
    again = Counter(rows(shift("calm", 4, 2, fault="duplicates")))
    assert max(again.values()) >= 4
    assert set(again) == set(plain)
    deaf, whole = (
        {row[1]: row[0] for row in found} for found in (rows(shift("calm", 4, 2, fault="dead_antenna")), plain)
    )
    assert sum(deaf[port] < whole[port] - 1_000_000 for port in whole) == 1
    odd = Counter(len(row[2]) for row in rows(shift("calm", 4, 2, fault="odd_epcs")))
    assert odd.keys() == {0, 24, 124}
    crowded = {row[2] for row in rows(shift("calm", 4, 2, fault="crowd"))}
    assert len(crowded) - len({row[2] for row in plain}) == 10_000


def rows(made: Shift) -> list[tuple[int, int, str]]:
    """When, where and who of all reads, in order of arrival."""
    return [row[:3] for _, record in made.records if record["kind"] == "reads" for row in record["reads"]]


# -- the command -------------------------------------------------------------------------------------------------


def test_the_command_writes_recording_and_truth(tmp_path: Path) -> None:
    """`tallyman-sim rf FAMILY -o FILE` says what it wrote; a wrong name is a usage error that lists the right ones."""
    path = tmp_path / "day.ndjson"
    result = CliRunner().invoke(main, ["rf", "calm", "--passages", "1", "-o", str(path)])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["truth"] == str(tmp_path / "day.truth.json")
    for wrong, right in ((["rf", "noisy"], "strays_heavy"), (["rf", "calm", "--fault", "gremlin"], "dead_antenna")):
        refused = CliRunner().invoke(main, wrong)
        assert refused.exit_code == 2
        assert right in refused.stderr


def test_a_live_shift_without_a_gateway_gives_up() -> None:
    """It says its ports and configuration, waits as long as asked, and ends with 1."""
    command = [sys.executable, "-m", "simulators", "rf", "calm", "--passages", "1", "--live", "--wait", "0.1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        ready = json.loads(child.stdout.readline())
        out, err = child.stdout.read(), child.stderr.read()
        assert child.wait(60) == 1
    assert out == b""
    assert b"no client read from all 1 readers within 0.1 s" in err
    assert f"llrp://127.0.0.1:{ready['readers']['reader-1']}" in ready["toml"]
