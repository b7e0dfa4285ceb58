"""Goods that come, rest, are made into others and leave, for the tests of what the ledger tells about them."""

from collections.abc import Iterable
from typing import Any

from gateway.events import render_all
from gateway.ledger.store import Commit, Ledger
from gateway.model.documents import Reference
from gateway.model.outcome import (
    Decision,
    Descent,
    Effect,
    Excursion,
    HoldEnd,
    HoldSet,
    Line,
    LotChange,
    LotMinutes,
    Movement,
    Outcome,
)
from gateway.model.settings import Settings
from gateway.rules.effects import effects
from simulators import epc

SITE = Settings(site="s", gateway="g", timezone="UTC")
MINUTE = 60_000_000
NOON = 1_795_262_400_000_000
GTIN, OTHER, CAKE = (body + epc.check_digit(body) for body in ("0401234500001", "0401234500002", "0401234500003"))
SSCC, SECOND = (body + epc.check_digit(body) for body in ("34012345000000001", "34012345000000002"))


def tag(serial: int, gtin: str = GTIN) -> str:
    """The SGTIN-96 of an item."""
    return epc.sgtin96(gtin, str(serial), 7)


def moved(
    ledger: Ledger,
    ident: str,
    minute: float,
    kind: str,
    way: tuple[str | None, str | None],
    lines: Iterable[Line],
    **more: Any,
) -> Movement:
    """Commit one movement as the pipeline does: its effects, its events, its position."""
    plain: dict[str, Any] = {"verdict": "accepted", "reasons": ("matched",)} | more
    at = NOON + round(minute * MINUTE)
    movement = Movement(ident, f"dock/{at}", "dock", at, kind, *way, lines=tuple(lines), **plain)
    enter(ledger, at, movement, changes=effects(movement))
    return movement


def enter(ledger: Ledger, at: int, *decisions: Decision, changes: Iterable[Effect] = ()) -> None:
    """One turn with its events."""
    seq = ledger.sequence()
    events = []
    for decision in decisions:
        events += render_all(decision, seq + len(events) + 1, SITE)
    position = ledger.position() + 10
    ledger.commit(Commit(position, at, Outcome(decisions, tuple(changes)), tuple(events)))


def some(lot: str | None, quantity: int, tags: Iterable[str] = (), gtin: str | None = GTIN) -> Line:
    """So many pieces of a lot."""
    return Line(gtin, lot, quantity * 1000, "each", "serial", tuple(tags), expiry="2027-01-31")


def story(ledger: Ledger) -> None:
    """A pallet of two lots comes, goes to the cold room, stands in an excursion, is held and released, and leaves."""
    both = [some("L1", 2, (tag(1), tag(2))), some("L2", 5, gtin=OTHER)]
    climate = (("cold-a", "temperature", 3.8, "Cel", NOON),)
    papers = (Reference("desadv", "A1"), Reference("po", "PO-9"))
    moved(ledger, "m1", 0, "receive", (None, "lane"), both, sscc=SSCC, expectation="asn/A1", party="ACME",
          documents=papers, climate=climate)  # fmt: skip
    moved(ledger, "m2", 10, "transfer", ("lane", "cold"), both, sscc=SSCC, by="anna", reasons=("moved",))
    hot = Excursion("x1", "cold-high", "cold-a", "temperature", "Cel", "cold", NOON + 20 * MINUTE, NOON + 40 * MINUTE,
                    8.5, 11.0, 9.9, (LotMinutes(GTIN, "L1", 20.0, 2000),), 8.0, "high", hold=True)  # fmt: skip
    enter(ledger, hot.end, hot, changes=[HoldSet(GTIN, "L1", "cold", "excursion")])
    enter(ledger, NOON + 50 * MINUTE, changes=[
        HoldEnd(GTIN, "L1", "cold", "anna"),
        LotChange(GTIN, "L1", "released", "inspected", NOON + 50 * MINUTE, by="anna"),
    ])  # fmt: skip
    moved(ledger, "m3", 60, "ship", ("cold", None), [some("L1", 2, (tag(1), tag(2)))], sscc=SSCC,
          expectation="order/O1", party="4012345000009")  # fmt: skip


def baked(ledger: Ledger, run: str, minute: int, raw: str, cake: str, gtin: str = CAKE) -> None:
    """A raw lot goes into a product lot."""
    at = NOON + minute * MINUTE
    made = Descent(run, f"P-{run}", at, (GTIN, raw), 1000, "each", (gtin, cake), 4000, "each")
    enter(ledger, at, changes=[made])
