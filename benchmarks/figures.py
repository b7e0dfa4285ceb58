"""Every figure by name, in the order in which they are taken."""

from collections.abc import Callable

from benchmarks import epc, fleet, ledger, machine, rules, wires
from benchmarks.decode import decode
from benchmarks.measuring import Result
from benchmarks.portal import table
from benchmarks.reads import pipeline
from simulators.rf import FAMILIES


def llrp_decode_20() -> Result:
    """LLRP reports of 20 tags into rows, tags/s on one core, than sllurp's decode of the same frames."""
    return decode(20)


def llrp_decode_1() -> Result:
    """LLRP reports of 1 tag into rows, tags/s on one core, than sllurp's decode of the same frames."""
    return decode(1)


def epc_decode_sgtin96() -> Result:
    """SGTIN-96 hex into identities without the cache, tags/s on one core, than epcpy's decode of the same tags."""
    return epc.sgtin96()


def llrp_8_readers_cpu() -> Result:
    """8 readers, each 1,100 messages/s of 1 tag over loopback TCP: CPU of driver and session, % of one core."""
    return fleet.cpu()


def llrp_8_readers_rss() -> Result:
    """Resident memory of the process with these 8 drivers, in the same run, MiB."""
    return fleet.rss()


def pipeline_reads_20() -> Result:
    """Frames of 20 tags to committed movements, reads/s on one core, than sllurp's decode alone."""
    return pipeline(20)


def pipeline_reads_1() -> Result:
    """Frames of 1 tag to committed movements, reads/s on one core, than sllurp's decode alone."""
    return pipeline(1)


def outbox_events() -> Result:
    """Events of 3 kB from ledger rows to Mosquitto, each settled after its PUBACK, events/s."""
    return wires.outbox()


def telemetry_points() -> Result:
    """Points from the spool on disk to influxd, points/s."""
    return wires.telemetry()


def rss_idle() -> Result:
    """Resident memory of the daemon with one reader and nothing to do, no [influxdb], MiB."""
    return machine.idle()


def rss_busy() -> Result:
    """Resident memory of the daemon at 2,000 reads/s, MiB."""
    return machine.busy()


def start_to_ready() -> Result:
    """From spawn to READY=1, s."""
    return machine.start()


def verdict_latency_p99() -> Result:
    """From the last moved-tag read to committed verdict and light, 4 doors at once, s."""
    return machine.verdict()


def lamp_latency_p99() -> Result:
    """From the end of quiet and settling to the lamp at the reader, in the run of the verdicts, ms."""
    return machine.lamp()


def trace_p99() -> Result:
    """`tallyman trace` of a lot on a ledger of 1,000,000 items, 100,000 lots, 5,000,000 item movements, ms."""
    return ledger.trace()


def recall_p99() -> Result:
    """What `tallyman recall` asks the same ledger, ms."""
    return ledger.recall()


def commit_p99() -> Result:
    """A pallet of 60 items committed to the same ledger: effects, movement, audit, outbox row, fsync, ms."""
    return ledger.commit()


def rules_movement() -> Result:
    """A shipment of 60 cases from candidate to outcome with the four shipped rule sets, CPU ms, than without rules."""
    return rules.movement()


def _portal(family: str, figure: str) -> Callable[[], Result]:
    def take() -> Result:
        return table.result(family, figure)

    take.__name__ = f"portal_{family}_{figure}"
    take.__doc__ = f"{PORTAL[figure]}; {FAMILIES[family].about}."
    return take


PORTAL: dict[str, str] = {
    "pallet_exact": "Passages of which the moved tags and the way are exactly right, % of 1,000",
    "direction": "Passages with the right way, % of 1,000",
    "tags": "Tags told rightly as moved or static, %",
    "false_receipts": "Receipts that put a tag into stock that did not come in, per 1,000 passages",
}
"""What is measured of each family of passages, on its untouched variant."""

FIGURES: dict[str, Callable[[], Result]] = {
    take.__name__: take
    for take in (
        llrp_decode_20,
        llrp_decode_1,
        epc_decode_sgtin96,
        llrp_8_readers_cpu,
        llrp_8_readers_rss,
        pipeline_reads_20,
        pipeline_reads_1,
        outbox_events,
        telemetry_points,
        rss_idle,
        rss_busy,
        start_to_ready,
        verdict_latency_p99,
        lamp_latency_p99,
        trace_p99,
        recall_p99,
        commit_p99,
        rules_movement,
        *(_portal(family, figure) for family in FAMILIES for figure in PORTAL),
    )
}

GROUPS: dict[str, tuple[str, ...]] = {
    "uplink": ("outbox_events", "telemetry_points"),
    "ledger": ("trace_p99", "recall_p99", "commit_p99"),
}
"""Names for several figures at once, besides their common first words."""
