"""Movements: goods went from A to B, as decided. Instants are µs; quantities thousandths."""

from typing import Any

from msgspec import Struct, field

from gateway.model.documents import Reference


class Weighed(Struct, frozen=True):
    """Weight evidence of a movement; decimal text in `unit`. `deviation_pct` is of the expected gross weight."""

    value: str
    unit: str
    at: int
    scale: str
    expected: str | None = None
    deviation_pct: float | None = None


class Line(Struct, frozen=True):
    """So much of one lot that moved.

    `gtin`/`lot` are None where unresolved. `basis` sgtin (counted by tag) or class (trusted from a document).
    `prefix` is the GS1 company prefix length when a tag told it.
    """

    gtin: str | None
    lot: str | None
    quantity: int
    unit: str
    resolved_by: str  # item | serial | range | sscc | inferred | contents | unresolved
    epcs: tuple[str, ...] = ()
    expiry: str | None = None
    basis: str = "sgtin"
    expected: int | None = None
    prefix: int | None = None
    status: str | None = None  # available | hold; None: the movement's


class Movement(Struct, frozen=True):
    """The decision about a passage or a person's order: these lots went from A to B, with verdict and evidence."""

    movement: str  # UUID (urn:uuid: without the prefix)
    passage: str
    portal: str
    at: int
    type: str  # receive | ship | transfer | return | count
    origin: str | None  # outcome line: "from"
    destination: str | None  # outcome line: "to"
    verdict: str  # accepted | held | refused
    reasons: tuple[str, ...]
    lines: tuple[Line, ...]
    rules: tuple[str, ...] = ()
    status: str = "available"  # of the stock it adds or takes: available | hold
    sscc: str | None = None  # 18 digits
    sscc_epc: str | None = None  # hex of the tag that told it
    expectation: str | None = None  # kind/id
    documents: tuple[Reference, ...] = ()
    party: str | None = None
    weight: Weighed | None = None
    climate: tuple[tuple[str, str, float, str, int], ...] = ()  # last known there: sensor, quantity, value, unit, at
    missing: tuple[str, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict)
    purpose: str = ""  # return | transfer | production | disposal | put_away; "": purchase, order, a plain transfer
    by: str = ""  # the person who ordered it; "": a passage
    device: str = ""  # what the person ordered it with
    arrives: str | None = None  # status it arrives in, where that is another than it leaves in
    corrects: str | None = None  # the movement that this one takes the place of
    part: tuple[int, int] | None = None  # which of how many events tell this movement; None: one tells all
