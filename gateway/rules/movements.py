"""A passage and the ledger's facts become movements: what went from where to where, and whether it should. Pure."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from msgspec import Struct

from gateway.events.ids import event_id
from gateway.identity import decode
from gateway.model.facts import Content, Expected, Facts
from gateway.model.outcome import Line, Movement, Weighed
from gateway.model.settings import Settings
from gateway.rules import reasons
from gateway.rules.candidates import Crossed
from gateway.rules.resolve import Resolved, compare, resolve, tagged_lines


class Group(Struct, frozen=True):
    """Tags that travelled together: a logistic unit with its items, or loose items."""

    sscc: str | None
    sscc_epc: str | None
    items: tuple[str, ...]


class Finding(Struct, frozen=True):
    """What was found out about a group: from where to where, what it is, and every reason that speaks."""

    type: str  # receive | ship | transfer
    origin: str | None
    destination: str | None
    found: set[str]
    lines: list[Line]
    status: str | None = None  # of the stock it takes; None: by the verdict
    expected: Expected | None = None
    missing: tuple[str, ...] = ()
    present: tuple[str, ...] = ()  # tags read that already rest here, so they cannot have come in


def judge(settings: Settings, crossed: Crossed, facts: Facts) -> list[Movement]:
    """The movements of one passage, in a fixed order. A passage without direction moves nothing."""
    passage, portal = crossed.passage, crossed.portal
    if passage.direction not in ("in", "out"):
        return []
    find = _transfer if portal.outside is not None else _receive if passage.direction == "in" else _ship
    movements = []
    for ordinal, group in enumerate(_groups(passage.moved, facts)):
        finding = find(settings, crossed, facts, group)
        if finding is not None:
            movements.append(_movement(settings, crossed, group, ordinal, finding))
    return movements


def _groups(moved: tuple[str, ...], facts: Facts) -> list[Group]:
    """Items go with the unit that announces or holds them; with one unit in the passage, all go with it."""
    units = {sscc: epc for epc in moved if (sscc := decode(epc).ai.get("00"))}
    items: dict[str | None, list[str]] = {sscc: [] for sscc in sorted(units)}
    only = next(iter(units)) if len(units) == 1 else None
    for epc in moved:
        identity = decode(epc)
        if "00" in identity.ai:
            continue
        item = facts.items.get(epc)
        serials = facts.serials.get(f"{identity.ai.get('01')}/{identity.ai.get('21')}", ())
        homes = [item.parent] if item is not None else [serial.sscc for serial in serials]
        home = next((sscc for sscc in homes if sscc in units), only)
        items.setdefault(home, []).append(epc)
    return [
        Group(sscc, units[sscc] if sscc is not None else None, tuple(found))
        for sscc, found in items.items()
        if sscc is not None or found
    ]


def _receive(settings: Settings, crossed: Crossed, facts: Facts, group: Group) -> Finding:
    expected = _expected(facts, group.sscc, "asn")
    unit = facts.units.get(group.sscc or "")
    present = tuple(epc for epc in group.items if _present(facts, epc))
    resolved = [resolve(epc, facts, expected) for epc in group.items]
    fresh = [one for one in resolved if one.epc not in present]
    missing: tuple[str, ...] = ()
    if (unit is not None and unit.location is not None) or (expected is not None and expected.state == "received"):
        lines, found = tagged_lines(resolved), {"already_received"}
    elif expected is not None:
        load = compare(expected, fresh)
        lines, found, missing = list(load.lines), set(load.found), load.missing
    elif group.sscc is None and not fresh:
        lines, found = tagged_lines(resolved), {"already_received"}
    else:
        lines, found = _loose(group, fresh)
    if _expired(settings, crossed.passage.closed, lines):
        found.add("expired")
    return Finding(
        "receive",
        None,
        crossed.portal.location,
        found or {"matched"},
        lines,
        expected=expected,
        missing=missing,
        present=present,
    )


def _loose(group: Group, fresh: list[Resolved]) -> tuple[list[Line], set[str]]:
    """Goods that no announced unit vouches for: each item stands for itself."""
    found = set()
    if group.sscc is not None or any(one.expectation is None and one.by != "item" for one in fresh):
        found.add("no_expectation")
    if any(one.lot is None for one in fresh):
        found.add("unknown_tag")
    return tagged_lines(fresh), found


def _ship(settings: Settings, crossed: Crossed, facts: Facts, group: Group) -> Finding:
    expected = _expected(facts, group.sscc, "order")
    unit = facts.units.get(group.sscc or "")
    if unit is None:
        lines = tagged_lines([resolve(epc, facts, None) for epc in group.items])
        known = bool(group.items) and all(_present(facts, epc) for epc in group.items)
        found = {"no_expectation" if known else "unknown_tag"}
        return Finding("ship", crossed.portal.location, None, found, lines, "available", expected)
    found = set()
    lines = [_line(content) for content in unit.contents]
    if unit.location is None:
        found.add("already_shipped")
    elif expected is None or expected.state != "expected":
        found.add("no_expectation")
    if unit.status == "hold" or any(_held(facts, line) for line in lines):
        found.add("on_hold")
    if _expired(settings, crossed.passage.closed, lines):
        found.add("expired")
    return Finding("ship", unit.location, None, found or {"matched"}, lines, unit.status, expected)


def _transfer(settings: Settings, crossed: Crossed, facts: Facts, group: Group) -> Finding | None:
    """Through an inner door: the unit goes to the side it was driven to, from wherever the ledger holds it."""
    portal = crossed.portal
    sides = (portal.outside, portal.location)
    origin, destination = sides if crossed.passage.direction == "in" else sides[::-1]
    unit = facts.units.get(group.sscc or "")
    if unit is None or unit.location is None:
        lines = tagged_lines([resolve(epc, facts, None) for epc in group.items])
        return Finding("transfer", origin, destination, {"unknown_tag"}, lines, "hold")
    if unit.location == destination:
        return None
    lines = [_line(content) for content in unit.contents]
    held = unit.status == "hold" or any(_held(facts, line) for line in lines)
    return Finding("transfer", unit.location, destination, {"on_hold" if held else "moved"}, lines, unit.status)


def _movement(settings: Settings, crossed: Crossed, group: Group, ordinal: int, finding: Finding) -> Movement:
    passage, expected = crossed.passage, finding.expected
    verdict, codes = reasons.weigh(finding.type, finding.found)
    by_verdict = "available" if verdict == reasons.ACCEPTED else "hold"
    evidence = {"direction": passage.direction, "confidence": passage.confidence, **passage.evidence}
    if finding.present:
        evidence["present"] = list(finding.present)
    return Movement(
        movement=event_id(settings.site, settings.gateway, "movement", passage.passage, ordinal),
        passage=passage.passage,
        portal=passage.portal,
        at=passage.closed,
        type=finding.type,
        origin=finding.origin,
        destination=finding.destination,
        verdict=verdict,
        reasons=codes,
        lines=tuple(finding.lines),
        status=finding.status if finding.status is not None else by_verdict,
        sscc=group.sscc,
        sscc_epc=group.sscc_epc,
        expectation=f"{expected.kind}/{expected.id}" if expected is not None else None,
        documents=expected.documents if expected is not None else (),
        party=expected.party if expected is not None else None,
        weight=_weighed(crossed, expected) if ordinal == 0 else None,
        climate=crossed.climate,
        missing=finding.missing,
        evidence=evidence,
    )


def _expected(facts: Facts, sscc: str | None, kind: str) -> Expected | None:
    """The announcement of this unit: one still open before one already met, then by id."""
    found = [one for one in facts.expected.get(sscc or "", ()) if one.kind == kind]
    return next((one for one in found if one.state == "expected"), found[0] if found else None)


def _line(content: Content) -> Line:
    return Line(
        gtin=content.gtin or None,
        lot=content.lot or None,
        quantity=content.quantity,
        unit=content.unit,
        resolved_by="contents",
        epcs=content.epcs,
        expiry=content.expiry,
        basis=content.basis,
        prefix=content.prefix,
    )


def _present(facts: Facts, epc: str) -> bool:
    item = facts.items.get(epc)
    return item is not None and item.location is not None


def _held(facts: Facts, line: Line) -> bool:
    lot = facts.lots.get(f"{line.gtin}/{line.lot}")
    return lot is not None and lot.held


def _expired(settings: Settings, at: int, lines: list[Line]) -> bool:
    """Whether a line's expiry lies before the day of the passage, by the site's own calendar."""
    today = datetime.fromtimestamp(at // 1_000_000, tz=UTC).astimezone(ZoneInfo(settings.timezone)).date()
    return any(line.expiry is not None and date.fromisoformat(line.expiry) < today for line in lines)


def _weighed(crossed: Crossed, expected: Expected | None) -> Weighed | None:
    weighing = crossed.weighing
    if weighing is None or weighing.value is None or weighing.at is None:
        return None
    announced = expected.unit.gross_weight if expected is not None else None
    deviation = None
    if announced is not None and announced.unit == weighing.unit and Decimal(announced.value) > 0:
        deviation = round(float((Decimal(weighing.value) / Decimal(announced.value) - 1) * 100), 2)
    return Weighed(
        value=weighing.value,
        unit=weighing.unit,
        at=weighing.at,
        scale=weighing.scale,
        expected=announced.value if announced is not None else None,
        deviation_pct=deviation,
    )
