"""Inputs: everything the rules ever learn, one class per `kind` of recording line (DESIGN §6, Recording).

An input carries no arrival time: the sequencer stamps it and the journal keeps the stamp beside it.
`at` fields are when the device saw it, corrected to gateway time, µs since the epoch; None means "at the stamp".
"""

from typing import Any

from msgspec import Struct, field

from gateway.model.rules import RuleText

COLUMNS = ("at", "antenna", "epc", "rssi", "channel", "phase", "count")
"""Columns our own drivers write in `Reads`, in this order."""

Row = tuple[Any, ...]
"""One read: the values of `Reads.columns`. at µs, antenna int, epc upper-case hex, rssi dBm, phase 1/4096 turn."""


class Reads(Struct, frozen=True, tag_field="kind", tag="reads"):
    """Tag reads of one reader, in the order it reported them. Required columns: antenna, epc."""

    reader: str
    reads: tuple[Row, ...]
    columns: tuple[str, ...] = COLUMNS


class Read(Struct, frozen=True, tag_field="kind", tag="read", omit_defaults=True):
    """One tag read, spelled out: the form people write by hand."""

    reader: str
    antenna: int
    epc: str
    at: int | None = None
    rssi: float | None = None
    channel: int | None = None
    phase: int | None = None
    count: int | None = None


class Gpi(Struct, frozen=True, tag_field="kind", tag="gpi", omit_defaults=True):
    """An edge on a reader's general purpose input (LLRP GPIEvent)."""

    reader: str
    port: int
    level: bool
    at: int | None = None


class Weighing(Struct, frozen=True, tag_field="kind", tag="weighing", omit_defaults=True):
    """A reading of a scale head. `value` is the displayed decimal, None whenever `condition` is not ok."""

    scale: str
    value: str | None
    unit: str
    stable: bool | None
    mode: str = "gross"  # gross | net | tare
    condition: str = "ok"  # ok | over | under | error | not_displayed
    at: int | None = None


class Measurement(Struct, frozen=True, tag_field="kind", tag="measurement", omit_defaults=True):
    """A sample of a sensor. `unit` is UCUM (Cel, %); `value` is None unless quality is good or out_of_range."""

    sensor: str
    quantity: str
    value: float | None
    unit: str
    quality: str = "good"  # good | bad | stale | out_of_range
    at: int | None = None


class Device(Struct, frozen=True, tag_field="kind", tag="device", omit_defaults=True):
    """A device changed state: up, down, or fault (reachable but refusing an essential command)."""

    device: str
    state: str
    detail: str = ""


class Tick(Struct, frozen=True, tag_field="kind", tag="tick"):
    """Time passed to a deadline of the rules; nothing else happened."""


class Boot(Struct, frozen=True, tag_field="kind", tag="boot", omit_defaults=True):
    """The gateway started."""

    boot: str
    version: str
    clock: str = "unknown"  # synced | unsynced | unknown


class Config(Struct, frozen=True, tag_field="kind", tag="config", omit_defaults=True):
    """The configuration in force from here on, as its full text (it never holds a secret)."""

    toml: str
    rules: tuple[RuleText, ...] = ()  # the files of rules in force, those that come with Tallyman too


class Downlink(Struct, frozen=True, tag_field="kind", tag="downlink", omit_defaults=True):
    """A message from central. `topic` is without prefix and site (`down/asn/A1`).

    `payload` is the parsed JSON; None is a withdrawal. What is not JSON arrives as `text` and is refused by the rules.
    """

    topic: str
    payload: Any = None
    text: str | None = None


class Command(Struct, frozen=True, tag_field="kind", tag="command", omit_defaults=True):
    """An order by a person or by the gateway itself (`by`), such as `alarms.ack` or `outbox.park`."""

    name: str
    args: dict[str, Any] = field(default_factory=dict)
    by: str = ""


Input = Reads | Read | Gpi | Weighing | Measurement | Device | Tick | Boot | Config | Downlink | Command
"""What `rules.observe` takes. The journal also holds `facts` records (`model.facts.FactsRecord`)."""
