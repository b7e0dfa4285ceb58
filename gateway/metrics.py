"""Every figure `/metrics` shows, in one place. Names follow the Prometheus conventions (unit suffix, _total)."""

from collections.abc import Sized
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()
"""Our own registry: what a library registers by itself is not ours to promise."""

INPUTS = Counter("tallyman_inputs_total", "Inputs journalled, by kind.", ["kind"], registry=REGISTRY)
READS = Counter("tallyman_reads_total", "Tag reads journalled, by reader.", ["reader"], registry=REGISTRY)
PASSAGES = Counter("tallyman_passages_total", "Passages closed.", ["portal", "direction"], registry=REGISTRY)
MOVEMENTS = Counter("tallyman_movements_total", "Movements decided.", ["type", "verdict"], registry=REGISTRY)
EXCEPTIONS = Counter(
    "tallyman_exceptions_total", "Inputs or passages refused, by reason.", ["reason"], registry=REGISTRY
)
ALARMS = Counter("tallyman_alarm_changes_total", "Alarm transitions.", ["alarm", "to"], registry=REGISTRY)
EVENTS = Counter("tallyman_events_total", "Events promised to central, by kind.", ["kind"], registry=REGISTRY)
COMMANDS = Counter("tallyman_device_commands_total", "Commands to devices.", ["name", "result"], registry=REGISTRY)
VERDICT_SECONDS = Histogram(
    "tallyman_verdict_seconds",
    "From the end of a passage (last strong read or eye clearing) to the committed verdict.",
    buckets=(0.5, 1.0, 1.5, 1.75, 2.0, 2.5, 3.0, 5.0, 10.0, 60.0),
    registry=REGISTRY,
)
DEVICE_UP = Gauge("tallyman_device_up", "1 while a device is up.", ["device"], registry=REGISTRY)
JOURNAL_POSITION = Gauge("tallyman_journal_position", "Position of the newest journal record.", registry=REGISTRY)
JOURNAL_TORN = Gauge("tallyman_journal_torn_total", "Torn journal tails cut off at start.", registry=REGISTRY)
OUTBOX = Gauge("tallyman_outbox_events", "Events in the outbox, by state.", ["state"], registry=REGISTRY)
CONFIRMED = Gauge(
    "tallyman_outbox_confirmed_seq",
    "Central has said that it has every event up to this number; 0: it does not say.",
    registry=REGISTRY,
)
QUEUE = Gauge("tallyman_queue_items", "Items waiting in a bounded queue.", ["queue"], registry=REGISTRY)
DROPPED = Gauge("tallyman_queue_dropped_total", "Items a bounded queue gave up.", ["queue"], registry=REGISTRY)
INCIDENTS = Gauge(
    "tallyman_reader_incidents_total",
    "What was odd about a reader, by kind: messages rejected or unexpected, reports lost to a full memory (overflows), "
    "exceptions it reported, its clock being set (jumps), times that cannot be (untimely).",
    ["reader", "kind"],
    registry=REGISTRY,
)
PORTAL_ODD = Gauge(
    "tallyman_portal_odd_reads_total",
    "Reads (or edges of eyes) of a portal that were odd, by kind: of a time that is decided (late), of the future "
    "(untimely), given up for want of room (dropped), of a tag with an EPC of no bits (blank).",
    ["portal", "kind"],
    registry=REGISTRY,
)
PORTAL_KEPT = Gauge(
    "tallyman_portal_kept",
    "What a portal remembers: reads that may still belong to a passage, tags of its background.",
    ["portal", "what"],
    registry=REGISTRY,
)


class Portal(Protocol):
    """What a portal remembers, as far as it is shown."""

    late: int
    untimely: int
    dropped: int
    blank: int

    @property
    def recent(self) -> Sized:
        """Reads that may still belong to a passage."""

    @property
    def known(self) -> Sized:
        """Tags of its background."""


def keeps(portal: str, state: Portal) -> None:
    """Bring the figures of a portal up to date."""
    for kind, number in (
        ("late", state.late),
        ("untimely", state.untimely),
        ("dropped", state.dropped),
        ("blank", state.blank),
    ):
        PORTAL_ODD.labels(portal, kind).set(number)
    PORTAL_KEPT.labels(portal, "reads").set(len(state.recent))
    PORTAL_KEPT.labels(portal, "tags").set(len(state.known))
