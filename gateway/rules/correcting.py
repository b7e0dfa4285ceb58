"""A late ASN: receipts that nobody had announced are judged again, and corrected where that changes them. Pure.

The facts are made as they would have been: the goods not yet here, the ASN known. Goods that are no longer as they
were received are not corrected; that is said, and the receipt waits no longer. Only the gateway that told a receipt
corrects it.
"""

from collections.abc import Callable
from typing import Any

from msgspec import structs

from gateway.events.ids import event_id
from gateway.identity import decode
from gateway.model.documents import Asn, ExpectedLine
from gateway.model.facts import Expected, Facts, OpenLot, Pending, Serial
from gateway.model.outcome import (
    Correction,
    Decision,
    Effect,
    HoldEnd,
    Movement,
    PendingDone,
    Rejection,
    UnitDone,
    Weighed,
)
from gateway.model.settings import Settings
from gateway.rules import reasons
from gateway.rules.documents import Announced
from gateway.rules.effects import applied, delta, effects
from gateway.rules.movements import PURPOSES, Arrival, Finding, Group, received, reweighed, unknown_tags
from gateway.rules.numbering import Taken
from gateway.rules.ruleset.evaluating import Ruled

Rule = Callable[[Movement, Facts], tuple[Movement, Ruled]]
"""A movement before the rules of the site, with these facts."""

OURS = frozenset({"present", "contradictions", "numbered", "rules", "despite", "notes"})
"""Evidence of a verdict, not of a passage: a new verdict brings its own."""


def corrected(
    settings: Settings, one: Announced, asn: Asn, facts: Facts, rule: Rule
) -> tuple[list[Decision], list[Effect]]:
    """What an ASN makes of the receipts that waited for it, in the order in which they came."""
    decisions: list[Decision] = []
    changes: list[Effect] = []
    taken: Taken = {}
    for pending in facts.pending.values():
        if pending.gateway != settings.gateway or not _speaks(asn, pending.movement):
            continue
        if not _as_received(pending, facts):
            found, wanted = _closed(one, asn, pending.movement)
        else:
            found, wanted = _again(settings, one, asn, pending.movement, facts, taken, rule)
        decisions += found
        changes += wanted
        facts = applied(facts, wanted)
    return decisions, changes


def _speaks(asn: Asn, movement: Movement) -> bool:
    """Whether an ASN says anything of a receipt: of its unit, else of a product or a tag that came."""
    if movement.sscc is not None:
        return any(unit.sscc == movement.sscc for unit in asn.units)
    named = {line.gtin for line in movement.lines} | {epc for line in movement.lines for epc in line.epcs}
    return any(line.gtin in named or named & set(line.epcs) for unit in asn.units for line in unit.lines)


def _as_received(pending: Pending, facts: Facts) -> bool:
    """Whether the goods stand where they were received, on hold, with what they held."""
    movement = pending.movement
    place = movement.destination
    if movement.sscc is not None:
        unit = facts.units.get(movement.sscc)
        if unit is None or (unit.location, unit.status) != (place, "hold"):
            return False
        then = [(line.gtin or "", line.lot or "", line.quantity, line.unit, line.epcs) for line in movement.lines]
        if then != [(it.gtin, it.lot, it.quantity, it.unit, it.epcs) for it in unit.contents]:
            return False
        if any(content.status not in (None, "hold") for content in unit.contents):
            return False
    for line in movement.lines:
        for epc in line.epcs:
            item = facts.items.get(epc)
            if item is None or (item.location, item.parent, item.status) != (place, movement.sscc, "hold"):
                return False
    return True


def _closed(one: Announced, asn: Asn, movement: Movement) -> tuple[list[Decision], list[Effect]]:
    """Too late: the goods left, were released or changed. The ASN's unit counts as received all the same."""
    detail = f"{one.source} announces what {movement.passage} received ({movement.movement}); it is not as it was"
    decisions: list[Decision] = [
        Rejection(f"{movement.portal}/{movement.movement}", one.at, "goods_changed", detail),
    ]
    changes: list[Effect] = [PendingDone(movement.movement, "closed")]
    if movement.sscc is not None:
        changes.append(UnitDone("asn", asn.asn, movement.sscc, "received", movement.movement))
    return decisions, changes


def _again(
    settings: Settings,
    one: Announced,
    asn: Asn,
    movement: Movement,
    facts: Facts,
    taken: Taken,
    rule: Rule,
) -> tuple[list[Decision], list[Effect]]:
    """The receipt as it would have been judged; nothing where that is still a receipt that nobody announced."""
    assert movement.destination is not None
    known = announced_facts(asn, movement, facts)
    portal = next((portal for portal in settings.portals if portal.id == movement.portal), None)
    unknown = unknown_tags(portal, facts) if portal is not None else "hold"
    arrival = Arrival(movement.at, movement.portal, movement.destination, unknown)
    epcs = tuple(sorted(epc for line in movement.lines for epc in line.epcs))
    finding = received(settings, arrival, known, Group(movement.sscc, movement.sscc_epc, epcs), taken)
    right, found = rule(_movement(settings, one, movement, finding), known)
    if right.verdict == reasons.REFUSED or "no_expectation" in right.reasons:
        return [], []
    wrong = Correction(
        correction=event_id(settings.site, settings.gateway, "correction", movement.movement, 0),
        at=one.at,
        erroneous=movement,
        by_movement=right,
        reason="incorrect_data",
    )
    place = movement.destination
    changes: list[Effect] = [
        delta(line, place, line.status or movement.status, -line.quantity) for line in movement.lines
    ]
    changes += effects(right, known)
    changes += [
        HoldEnd(gtin, lot, place, "", f"movement/{movement.movement}", whole=False)
        for gtin, lot in dict.fromkeys((line.gtin, line.lot) for line in movement.lines)
        if gtin and lot
    ]
    changes.append(PendingDone(movement.movement, "corrected"))
    return [wrong, right, *found.firings, *found.alarms], changes


def _movement(settings: Settings, one: Announced, movement: Movement, finding: Finding) -> Movement:
    """The right receipt in place of the wrong one: the same passage, another verdict."""
    verdict, codes = reasons.weigh(finding.type, finding.found)
    expected = finding.expected
    purpose = PURPOSES.get(expected.type, "") if expected is not None else ""
    evidence = {name: value for name, value in movement.evidence.items() if name not in OURS}
    return structs.replace(
        movement,
        movement=event_id(settings.site, settings.gateway, "movement", f"correction/{movement.movement}", 0),
        type="return" if purpose == "return" else "receive",
        verdict=verdict,
        reasons=codes,
        rules=(),
        lines=tuple(finding.lines),
        status="available" if verdict == reasons.ACCEPTED else "hold",
        expectation=f"{expected.kind}/{expected.id}" if expected is not None else None,
        documents=expected.documents if expected is not None else (),
        party=expected.party if expected is not None else None,
        weight=_weight(movement.weight, expected),
        missing=finding.missing,
        evidence=evidence | finding.evidence | {"late": one.source},
        purpose=purpose,
        corrects=movement.movement,
    )


def _weight(weighed: Weighed | None, expected: Expected | None) -> Weighed | None:
    return None if weighed is None else reweighed(weighed, expected)


def announced_facts(asn: Asn, movement: Movement, facts: Facts) -> Facts:
    """The facts as they would have been had the ASN come before the goods."""
    epcs = [epc for line in movement.lines for epc in line.epcs]
    units = {sscc: unit for sscc, unit in facts.units.items() if sscc != movement.sscc}
    items = {epc: item for epc, item in facts.items.items() if epc not in epcs}
    for line in movement.lines:  # what the ledger knew of a tag before it came, it still knows
        if line.resolved_by == "item":
            known = {epc: facts.items[epc] for epc in line.epcs if epc in facts.items}
            items |= {
                epc: structs.replace(item, state="left", location=None, parent=None) for epc, item in known.items()
            }
    lots = {
        name: structs.replace(lot, life=None) if lot.life == "on_hold" and not lot.held else lot
        for name, lot in facts.lots.items()
    }
    return structs.replace(
        facts,
        units=units,
        items=items,
        lots=lots,
        expected=facts.expected | _expected(asn, movement, facts),
        serials=facts.serials | _serials(asn, epcs, facts),
        open_lots=facts.open_lots | _open_lots(asn),
    )


def _expected(asn: Asn, movement: Movement, facts: Facts) -> dict[str, tuple[Expected, ...]]:
    unit = next((unit for unit in asn.units if unit.sscc == movement.sscc), None)
    if unit is None:
        return {}
    before = facts.expected.get(unit.sscc, ())
    own = next((one for one in before if (one.kind, one.id) == ("asn", asn.asn)), None)
    new = Expected(
        kind="asn",
        id=asn.asn,
        version=asn.version,
        unit=unit,
        state=own.state if own is not None else "expected",
        documents=asn.documents,
        party=asn.supplier,
        type=asn.type,
    )
    return {unit.sscc: (new, *(one for one in before if one is not own))}


def _serials(asn: Asn, epcs: list[str], facts: Facts) -> dict[str, tuple[Serial, ...]]:
    """What the ASN says of each tag, beside what other documents say of it."""
    by_gtin: dict[str, list[tuple[str, ExpectedLine]]] = {}
    by_epc: dict[str, list[tuple[str, ExpectedLine]]] = {}
    for unit in asn.units:
        for line in unit.lines:
            if line.lot is not None:
                by_gtin.setdefault(line.gtin, []).append((unit.sscc, line))
                for epc in line.epcs:
                    by_epc.setdefault(epc, []).append((unit.sscc, line))
    found: dict[str, tuple[Serial, ...]] = {}
    for epc in epcs:
        ai = decode(epc).ai
        gtin, serial = ai.get("01", ""), ai.get("21", "")
        told = [(sscc, line, "epc") for sscc, line in by_epc.get(epc, ())]
        _add(found, epc, told, asn, facts)
        lines = by_gtin.get(gtin, ())
        told = [(sscc, line, "serial") for sscc, line in lines if serial in line.serials]
        told += [(sscc, line, "range") for sscc, line in lines if any(_inside(serial, *ends) for ends in line.ranges)]
        _add(found, f"{gtin}/{serial}", told, asn, facts)
    return found


def _add(
    found: dict[str, tuple[Serial, ...]], key: str, told: list[tuple[str, ExpectedLine, str]], asn: Asn, facts: Facts
) -> None:
    name = f"asn/{asn.asn}"
    new = [Serial(line.gtin, line.lot or "", name, sscc, by, line.expiry) for sscc, line, by in told]
    others = [one for one in facts.serials.get(key, ()) if one.expectation != name]
    if new or key in facts.serials:
        found[key] = (*new, *others)


def _inside(serial: str, low: str, high: str) -> bool:
    """Whether a serial lies in a range; leading zeros of the range say how many digits its serials have."""
    if not (serial.isascii() and serial.isdigit()) or not int(low) <= int(serial) <= int(high):
        return False
    fixed = len(low) == len(high) and low.startswith("0") and len(low) > 1
    return len(serial) == len(low) if fixed else serial == "0" or not serial.startswith("0")


def _open_lots(asn: Asn) -> dict[str, tuple[OpenLot, ...]]:
    found: dict[str, set[tuple[str, str | None]]] = {}
    for unit in asn.units:
        for line in unit.lines:
            if line.lot is not None:
                found.setdefault(f"asn/{asn.asn}/{line.gtin}", set()).add((line.lot, line.expiry))
    order: dict[str, Any] = {key: sorted(lots, key=lambda one: (one[0], one[1] or "")) for key, lots in found.items()}
    return {key: tuple(OpenLot(lot, expiry) for lot, expiry in lots) for key, lots in order.items()}
