"""Every figure that needs a process, taken in small: the bench itself must not rot."""

import asyncio

import pytest

from benchmarks import fleet, ledger, machine, wires


def test_outbox_events_settle_at_a_real_broker() -> None:
    """Rows of a real ledger reach Mosquitto and are settled, all of them."""
    result = wires.outbox(events=100)
    assert (result.figure, result.unit) == ("outbox_events", "events/s")
    assert result.value > 0


def test_telemetry_points_arrive_in_a_real_influxd() -> None:
    """The spool is emptied into influxd, and influxd counts every point."""
    result = wires.telemetry(points=2_000, repetitions=1)
    assert (result.figure, result.unit) == ("telemetry_points", "points/s")
    assert result.value > 0


def test_the_daemon_is_ready_and_small() -> None:
    """The daemon becomes READY, connects its reader and keeps a plausible memory."""
    result = machine.idle(seconds=0.4)
    assert (result.figure, result.unit) == ("rss_idle", "MiB")
    assert 20 < result.value < 400


def test_start_is_timed_with_and_without_a_ledger() -> None:
    """The first start makes the ledger and is told apart."""
    result = machine.start(starts=1)
    assert (result.figure, result.unit) == ("start_to_ready", "s")
    assert 0 < result.value < machine.READY
    assert float(result.more["first"]) > 0


def test_reads_of_a_busy_daemon_are_all_taken() -> None:
    """A second of reads at the given rate gives memory, its peak and the rate that was reached."""
    result = machine.busy(rate=500, seconds=1)
    assert (result.figure, result.unit) == ("rss_busy", "MiB")
    assert float(result.more["peak"]) >= result.value > 20
    assert float(result.more["reads_per_second"]) > 0


def test_a_verdict_and_its_light_are_timed() -> None:
    """Every passage at every door has a committed movement and a lamp, after quiet and settling."""
    result = machine.verdict(doors=2, passages=1)
    assert (result.figure, result.unit) == ("verdict_latency_p99", "s")
    assert 1.4 < float(result.more["p50"]) <= result.value < machine.DECIDED
    assert result.more["passages"] == 2
    lamp = machine.lamp(doors=2, passages=1)
    assert (lamp.figure, lamp.unit) == ("lamp_latency_p99", "ms")
    assert -100 < float(lamp.more["p50"]) <= lamp.value < 1000 * machine.DECIDED


def test_every_tag_of_the_fleet_arrives() -> None:
    """Two readers, a window of half a second: every tag that was sent is counted, CPU and memory are plausible."""
    run = asyncio.run(fleet.measure(readers=2, rate=200, warm_up=0.2, seconds=0.5, repetitions=1))
    (window,) = run["windows"]
    assert run["tags"] == run["sent"] == 2 * 200 * (0.2 + 0.5 + fleet.TAIL)
    assert 0 < window["cpu"] <= window["wall"]
    assert 10 < window["rss"] <= run["peak"] < 200


def test_trace_recall_and_commit_are_timed_on_two_ledgers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger of 60,000 items and one of a tenth: every lot is told, every pallet committed, ratios are there."""
    monkeypatch.setattr(ledger, "SAMPLES", 15)
    monkeypatch.setattr(ledger, "LARGE", 2)
    monkeypatch.setattr(ledger, "COMMITS", 6)
    for take, figure in ((ledger.trace, "trace_p99"), (ledger.recall, "recall_p99"), (ledger.commit, "commit_p99")):
        result = take(60_000)
        assert (result.figure, result.unit) == (figure, "ms")
        assert 0 < float(result.more["p50"]) <= result.value
        assert result.ratio is not None
        assert result.ratio > 0
