"""A shift through the real core: engine, rules and a scratch ledger; the same turns as `tallyman replay` takes."""

from collections.abc import Iterator

import msgspec

from benchmarks.portal.answers import Answer
from gateway import config
from gateway.ledger.store import Commit, Ledger
from gateway.model.facts import Facts, Questions
from gateway.model.inputs import Input, Reads, Tick
from gateway.model.outcome import Movement, Outcome, Passage
from gateway.pipeline import Core
from gateway.rules import Engine, questions
from gateway.rules.carriers import carrier
from simulators.rf import Shift


def play(shift: Shift) -> list[Answer]:
    """What the gateway says of a shift, with the configuration that the shift brings (the shipped presets)."""
    settings = config.parse(shift.toml, "shift").settings()
    passages: dict[str, Passage] = {}
    movements: list[Movement] = []
    ledger = Ledger.open("sqlite://", site=settings.site, gateway=settings.gateway)  # in memory: no disk is waited for
    try:
        for outcome in _outcomes(Core(Engine(settings), 0), ledger, inputs(shift)):
            for decision in outcome.decisions:
                if isinstance(decision, Passage):
                    passages[decision.passage] = decision
                elif isinstance(decision, Movement):
                    movements.append(decision)
    finally:
        ledger.close()
    return [_answer(passage, movements) for passage in passages.values()]


def inputs(shift: Shift) -> Iterator[tuple[int, Input]]:
    """The records of a shift as the core takes them: (t in µs, input)."""
    for t, record in shift.records:
        if record["kind"] == "reads":  # rows are tuples already
            yield t, Reads(record["reader"], tuple(record["reads"]), tuple(record["columns"]))
        else:
            yield t, msgspec.convert(record, Input)


def _outcomes(core: Core, ledger: Ledger, found: Iterator[tuple[int, Input]]) -> Iterator[Outcome]:
    position = 0
    for t, item in found:
        while (deadline := core.engine.deadline) is not None and deadline <= t:
            position += 1
            yield _turn(core, ledger, position, deadline, Tick())
        position += 1
        yield _turn(core, ledger, position, t, item)
    while (deadline := core.engine.deadline) is not None:
        position += 1
        yield _turn(core, ledger, position, deadline, Tick())


def _turn(core: Core, ledger: Ledger, position: int, t: int, item: Input) -> Outcome:
    candidates = core.observe(t, item)
    if not candidates:
        return Outcome()
    asked = questions(candidates)
    facts = ledger.facts_for(asked) if asked != Questions() else Facts()
    outcome, promised = core.conclude(candidates, facts)
    if outcome != Outcome():
        ledger.commit(Commit(position, t, outcome, promised, None))
    return outcome


def _answer(passage: Passage, movements: list[Movement]) -> Answer:
    stock: set[str] = set()
    shipped: set[str] = set()
    for movement in movements:
        if movement.passage == passage.passage and movement.verdict in ("accepted", "held"):
            into = stock if movement.type in ("receive", "return") else shipped
            into.update(epc for line in movement.lines for epc in line.epcs)
            if movement.sscc_epc is not None:
                into.add(movement.sscc_epc)
    return Answer(
        portal=passage.portal,
        opened=passage.opened,
        closed=passage.closed,
        direction=passage.direction,
        moved=frozenset(epc for epc in passage.moved if not carrier(epc)),
        stock=frozenset(stock),
        shipped=frozenset(shipped),
        evidence=passage.evidence,
    )
