"""The bench: what it prints, how it fails, and that its frames and its small runs are right."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
import sllurp.llrp

from benchmarks import decode, dock, epc, figures, fleet, frames, reads, rival, rules, servers, tagsources
from benchmarks.cli import main
from benchmarks.measuring import BenchmarkError, Result, percentile
from gateway import config
from gateway.identity import decode as identify
from gateway.readers.llrp.codec import decode as decode_message
from gateway.readers.llrp.frames import Framer
from gateway.readers.llrp.tables import MESSAGES

NAMES = [
    "llrp_decode_20",
    "llrp_decode_1",
    "epc_decode_sgtin96",
    "llrp_8_readers_cpu",
    "llrp_8_readers_rss",
    "pipeline_reads_20",
    "pipeline_reads_1",
    "outbox_events",
    "telemetry_points",
    "rss_idle",
    "rss_busy",
    "start_to_ready",
    "verdict_latency_p99",
    "lamp_latency_p99",
    "trace_p99",
    "recall_p99",
    "commit_p99",
    "rules_movement",
    *(
        f"portal_{family}_{figure}"
        for family in (
            "calm",
            "busy",
            "neighbours",
            "strays_heavy",
            "weak_tags",
            "side_by_side",
            "turn_round",
            "no_eyes",
            "single_antenna",
        )
        for figure in ("pallet_exact", "direction", "tags", "false_receipts")
    ),
]


def plain() -> Result:
    """A figure without a rival."""
    return Result("plain", 1.5, "s", more={"p50": 1.25})


def raced() -> Result:
    """A figure with a rival."""
    return Result("raced", 200, "tags/s", "snail 1.0", 2.0)


def lacking() -> Result:
    """A figure whose peer is not there."""
    raise BenchmarkError("snail is not installed: apt-get install snail")


KNOWN = {"plain": plain, "raced": raced, "lacking": lacking}


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """What was printed, line by line."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_figures_have_their_names() -> None:
    """The names are those that others compare against, each with a sentence."""
    assert list(figures.FIGURES) == NAMES
    assert all(take.__doc__ for take in figures.FIGURES.values())


def test_json_is_one_object_per_line_with_the_keys_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    """`than` and `ratio` stand where a rival ran and nowhere else; further keys come last."""
    assert main(["raced", "plain", "--json"], KNOWN) == 0
    printed = lines(capsys)
    assert [list(line) for line in printed] == [
        ["figure", "value", "unit", "than", "ratio"],
        ["figure", "value", "unit", "p50"],
    ]
    assert printed[0] == {"figure": "raced", "value": 200, "unit": "tags/s", "than": "snail 1.0", "ratio": 2.0}


def test_a_missing_peer_is_an_error_line_and_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    """The other figures are still taken, and the line says what to install."""
    assert main(["--json"], KNOWN) == 1
    printed = lines(capsys)
    assert [line["figure"] for line in printed] == ["plain", "raced", "lacking"]
    assert printed[2] == {"figure": "lacking", "error": "snail is not installed: apt-get install snail"}


def test_an_unknown_name_takes_nothing_and_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    """A typing error is told with the names there are."""
    assert main(["plain", "plane"], KNOWN) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "plane" in captured.err
    assert "plain, raced, lacking" in captured.err


def test_the_first_word_of_several_figures_means_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    """A group comes in the order of the figures, each of them once, and half a word is no name."""
    known = {"door_two": raced, "gate": plain, "door_one": plain}
    assert main(["door", "door_one", "--json"], known) == 0
    assert [line["figure"] for line in lines(capsys)] == ["raced", "plain"]
    assert main(["doo"], known) == 2


def test_list_shows_names_and_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    """`--list` measures nothing."""
    assert main(["--list"], KNOWN) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(KNOWN)


def test_the_table_shows_values_ratios_and_errors(capsys: pytest.CaptureFixture[str]) -> None:
    """Without `--json` people get a table."""
    assert main([], KNOWN) == 1
    text = capsys.readouterr().out
    assert all(word in text for word in ("plain", "1.5", "raced", "2.0×", "lacking"))


def test_the_program_lists_its_figures() -> None:
    """`python -m benchmarks --list` works from the checkout."""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--list"], cwd=root, capture_output=True, text=True, check=True
    )
    assert [line.split()[0] for line in done.stdout.splitlines()] == NAMES


def test_frames_are_what_gateway_and_sllurp_read() -> None:
    """51 bytes per tag, every value where both decoders look for it."""
    tags = dock.crossing(dock.pallet(0, 4), dock.T0, 1_000_000, 7, random.Random(3))
    frame = frames.report(tags, 9)
    assert len(frame) == 10 + 7 * 51
    message = decode_message(0x043D, 9, frame[10:])
    assert [report.first("AntennaID").fields["AntennaID"] for report in message.every("TagReportData")] == [
        tag.antenna for tag in tags
    ]
    _, theirs = rival.sllurp()
    assert rival.tags(theirs, frame) == [
        (tag.at, tag.antenna, tag.epc.hex().upper(), tag.rssi, tag.channel) for tag in tags
    ]


def test_the_greeting_is_a_connection_event() -> None:
    """The READER_EVENT_NOTIFICATION of the bench reads in sllurp as a successful connection at that instant."""
    decoded = sllurp.llrp.LLRPMessage(msgbytes=frames.greeting(dock.T0)).msgdict["READER_EVENT_NOTIFICATION"]
    data = decoded["ReaderEventNotificationData"]
    assert data["UTCTimestamp"]["Microseconds"] == dock.T0
    assert data["ConnectionAttemptEvent"]["Status"] == "Success"


@pytest.mark.parametrize("request_name", ["GET_READER_CAPABILITIES", "ADD_ROSPEC", "START_ROSPEC", "CLOSE_CONNECTION"])
def test_the_tag_sources_accept_every_request(request_name: str) -> None:
    """The canned answer is the response to the request, has its id, and says success."""
    answer = tagsources.answer(1 << 10 | MESSAGES[request_name].number, 7)
    message = decode_message(int.from_bytes(answer[:2], "big"), 7, answer[10:])
    assert len(answer) == int.from_bytes(answer[2:6], "big")
    assert message.name == f"{request_name}_RESPONSE"
    assert message.first("LLRPStatus").fields["StatusCode"] == 0


def test_the_tag_sources_send_one_tag_per_message() -> None:
    """So many frames per reader as are due, each of one tag; every few seconds a keepalive goes before one."""
    sent = tagsources.packed(2, 10, 6.0)
    assert [len(one) for one in sent] == [60, 60]
    framed = [Framer().feed(chunk) for chunk in sent[1]]
    kinds = [[head & 0x3FF for head, _, _ in messages] for messages in framed]
    assert kinds == [[62, 61] if number in (0, 50) else [61] for number in range(60)]
    assert {len(messages[-1][2]) for messages in framed} == {51}


def test_tags_that_come_too_slowly_give_no_figure() -> None:
    """A machine that cannot keep the pace would look cheap."""
    fleet.check_pace([{"tags": 8_810, "wall": 1.0}], 8_800)
    with pytest.raises(BenchmarkError, match="8,000 tags/s came instead of 8,800"):
        fleet.check_pace([{"tags": 8_800, "wall": 1.0}, {"tags": 8_000, "wall": 1.0}], 8_800)


def test_pallets_are_announced_as_they_are_tagged() -> None:
    """Every case tag of a pallet lies in a range of its ASN unit; configuration and document are valid."""
    one = dock.pallet(3, 40)
    (unit,) = dock.asn("A", [one])["units"]
    assert identify(one.tags[0]).ai["00"] == unit["sscc"] == one.sscc
    ranges = {line["gtin"]: range(int(line["ranges"][0][0]), int(line["ranges"][0][1]) + 1) for line in unit["lines"]}
    cases = [identify(tag).ai for tag in one.tags[1:]]
    assert len(cases) == 40 == sum(int(line["quantity"]) for line in unit["lines"])
    assert all(int(case["21"]) in ranges[case["01"]] for case in cases)
    settings = config.parse(dock.configuration(["llrp://127.0.0.1:1", "llrp://127.0.0.1:2"]), "bench").settings()
    assert [portal.id for portal in settings.portals] == ["dock-1", "dock-2"]


@pytest.mark.parametrize("per_message", [1, 20])
def test_decode_compares_with_sllurp(per_message: int) -> None:
    """A small run gives a figure and a ratio that agree."""
    result = decode.decode(per_message, tags=400, repetitions=1)
    assert result.figure == f"llrp_decode_{per_message}"
    assert result.unit == "tags/s"
    assert result.than is not None
    assert result.than.startswith("sllurp 3")
    assert result.ratio == pytest.approx(result.value / float(result.more["than_value"]), abs=0.02)


def test_epc_decode_compares_with_epcpy() -> None:
    """The identity figure runs small, in tags/s, beside epcpy on the same tags."""
    result = epc.sgtin96(tags=200, repetitions=1)
    assert (result.figure, result.unit) == ("epc_decode_sgtin96", "tags/s")
    assert result.value > 0
    assert result.than is not None
    assert result.than.startswith("epcpy 0.1")
    assert result.ratio is not None


def test_what_rules_cost_is_measured_against_the_same_movement_without_them() -> None:
    """A small run gives milliseconds of both, and the ratio that they make; the FEFO rule found its lot."""
    result = rules.movement(movements=2, repetitions=1, lots=6)
    assert (result.figure, result.unit, result.than) == ("rules_movement", "ms", "the same without rules")
    assert result.ratio == pytest.approx(result.value / float(result.more["than_value"]), abs=0.02)
    with pytest.raises(BenchmarkError, match="expires earlier"):
        rules.movement(movements=1, repetitions=1, lots=0)


def test_a_decoder_that_differs_gives_no_figure() -> None:
    """What is not the same work is not compared."""
    with pytest.raises(BenchmarkError, match="differently"):
        decode._check(frames.reports(dock.crossing(dock.pallet(0, 4), dock.T0, 10, 2, random.Random(1)), 1), _wrong)


def _wrong(frame: bytes) -> object:
    decoded = sllurp.llrp.LLRPMessage(msgbytes=frame).msgdict
    decoded["RO_ACCESS_REPORT"]["TagReportData"][0]["AntennaID"] = 99
    return decoded


@pytest.mark.parametrize(("per_message", "piece"), [(20, 65_536), (1, 0)])
def test_the_pipeline_ends_in_accepted_movements(per_message: int, piece: int) -> None:
    """A small morning comes out as one accepted movement per pallet, in pieces or message by message."""
    tags, announced = reads._tags(3, 2_400)
    played = reads.play(reads._morning(tags, announced, per_message, piece))
    assert played.cpu > 0
    assert played.wall > 0


def test_a_pallet_that_was_not_announced_gives_no_figure() -> None:
    """The bench believes no speed of a pipeline that decides wrongly."""
    tags, announced = reads._tags(2, 800)
    morning = reads._morning(tags, announced, 20, 0)
    announced[1] = announced[1]._replace(sscc=dock.pallet(9, 40).sscc)
    with pytest.raises(BenchmarkError, match="accepted"):
        reads.play(morning)


def test_a_program_that_is_not_there_is_a_benchmark_error() -> None:
    """The sentence names the package to install."""
    with pytest.raises(BenchmarkError, match="apt-get install snail"):
        servers.program("no-such-program-here", "snail")


def test_percentiles_are_nearest_rank() -> None:
    """p99 of up to 100 values is their largest, p50 of an odd number the middle one."""
    assert percentile(range(1, 65), 99) == 64
    assert percentile(range(1, 201), 99) == 198
    assert percentile([3, 1, 2], 50) == 2
