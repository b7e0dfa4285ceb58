"""`rules_movement`: what the shipped rules cost a movement, from the candidate to the outcome, against none."""

import tempfile
from typing import NamedTuple

from benchmarks.measuring import BenchmarkError, Result, cpu_seconds, median, one_core
from gateway.config.rulefiles import SETS, read_rules, shipped
from gateway.ledger.store import Commit, Ledger
from gateway.model.documents import ExpectedLine, ExpectedUnit, Lot, Order
from gateway.model.outcome import (
    DocumentChange,
    Effect,
    Firing,
    ItemChange,
    Line,
    Outcome,
    Passage,
    StockDelta,
    UnitChange,
)
from gateway.model.settings import Location, Portal, Settings
from gateway.rules import questions
from gateway.rules.candidates import Candidate, Crossed
from gateway.rules.decide import decide
from gateway.rules.ruleset import RuleSet, compile_rules
from simulators import epc

LOTS, CASES, MOVEMENTS, REPETITIONS = 300, 60, 100, 7
"""Lots of the product that stand there, tagged cases on the pallet, movements a round, rounds."""

GTIN = "0952000112345" + epc.check_digit("0952000112345")
T0 = 1_795_243_331_000_000
SSCC = "09520001000000001" + epc.check_digit("09520001000000001")
PREFIX = 7
"""Digits of the company prefix 9520001."""


class Bench(NamedTuple):
    """A site with its ledger, and a passage out of its door."""

    settings: Settings
    ledger: Ledger
    passage: Passage


def movement(movements: int = MOVEMENTS, repetitions: int = REPETITIONS, lots: int = LOTS) -> Result:
    """CPU ms of one shipment of a pallet of 60 cases: questions, the ledger's facts, verdict, rules, effects.

    With the four shipped sets, than the same without rules; by turns, median of `repetitions` after a warm-up. Of the
    product 300 other lots stand there, half of which expire earlier: FEFO has something to look for.
    """
    settings = Settings(
        "s",
        "g",
        timezone="Europe/Berlin",
        locations=(Location("cold", "cold_room", "chilled"),),
        portals=(Portal("dock", "cold", ()),),
        rules=read_rules([shipped(name) for name in SETS]),
    )
    rules, none = compile_rules(settings), RuleSet()
    with tempfile.TemporaryDirectory(prefix="tallyman-bench-") as place, one_core():
        ledger = Ledger.open(f"sqlite:///{place}/ledger.db", site="s", gateway="g")
        try:
            bench = Bench(settings, ledger, _stocked(ledger, lots))
            outcome = _decided(bench, rules)
            if [one.rule for one in outcome.decisions if isinstance(one, Firing)] != ["shipping.fefo"]:
                raise BenchmarkError("the shipped rules did not see the lot that expires earlier")
            ruled, plain = [], []
            for _ in range(repetitions + 1):
                ruled.append(cpu_seconds(lambda: _all(bench, rules, movements)) / movements)
                plain.append(cpu_seconds(lambda: _all(bench, none, movements)) / movements)
        finally:
            ledger.close()
    ours, bare = median(ruled[1:]) * 1e3, median(plain[1:]) * 1e3
    more = {"than_value": round(bare, 3), "rules": len(rules.rules), "lots": lots}
    return Result("rules_movement", round(ours, 3), "ms", "the same without rules", round(ours / bare, 2), more)


def _all(bench: Bench, rules: RuleSet, movements: int) -> None:
    for _ in range(movements):
        _decided(bench, rules)


def _decided(bench: Bench, rules: RuleSet) -> Outcome:
    portal = bench.settings.portals[0]
    candidates: list[Candidate] = [Crossed(bench.passage, portal, None, (), rules.wants("ship"))]
    return decide(bench.settings, candidates, bench.ledger.facts_for(questions(candidates)), rules)


def _stocked(ledger: Ledger, lots: int) -> Passage:
    """Put the goods into the ledger; the passage that takes the pallet out."""
    tags = [epc.sgtin96(GTIN, str(number), PREFIX) for number in range(1, CASES + 1)]
    effects: list[Effect] = []
    for number in range(lots):
        name = f"L{number:04d}"
        expiry = f"{2027 + number // (lots // 2 + 1)}-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
        effects.append(DocumentChange("lot", f"{GTIN}/{name}", 1, Lot(GTIN, name, expiry=expiry, qc="released")))
        effects.append(StockDelta(GTIN, name, "cold", "available", 60_000, "each"))
    line = Line(GTIN, "OWN", CASES * 1000, "each", "contents", tuple(tags), "2027-12-31")
    order = Order("O1", units=(ExpectedUnit(SSCC, (ExpectedLine(GTIN, str(CASES), "OWN"),)),))
    effects += [
        DocumentChange("lot", f"{GTIN}/OWN", 1, Lot(GTIN, "OWN", expiry="2027-12-31", qc="released")),
        StockDelta(GTIN, "OWN", "cold", "available", CASES * 1000, "each"),
        *(ItemChange(tag, GTIN, "OWN", str(number), "cold", SSCC, "available") for number, tag in enumerate(tags, 1)),
        UnitChange(SSCC, "cold", "available", (line,)),
        DocumentChange("order", "O1", 1, order),
    ]
    ledger.commit(Commit(1, T0, Outcome((), tuple(effects))))
    moved = (epc.sscc96(SSCC, PREFIX), *tags)
    return Passage(f"dock/{T0 + 1}", "dock", T0 + 1, T0 + 3_000_000, "out", 0.97, moved)
