"""A passage and the ledger's facts become movements: what went from where to where, and whether it should. Pure."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, field, structs

from gateway.events.ids import event_id
from gateway.identity import decode
from gateway.model.facts import Expected, Facts, Unit
from gateway.model.outcome import Line, Movement, Weighed
from gateway.model.settings import Portal, Settings
from gateway.rules import reasons
from gateway.rules.candidates import Crossed
from gateway.rules.carriers import carrier
from gateway.rules.effects import line_of
from gateway.rules.numbering import Taken, next_lot
from gateway.rules.resolve import Resolved, compare, contradictions, resolve, tagged_lines

PURPOSES = {"return": "return", "transfer": "transfer", "production": "production", "disposal": "disposal"}
"""Types of ASN and order that are neither a purchase nor an order; DESIGN's `type` of the movement stays as it is."""


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
    evidence: dict[str, Any] = field(default_factory=dict)


class Arrival(Struct, frozen=True):
    """What came in: when (µs), through which read point, to where. A correction judges it again."""

    at: int
    portal: str
    location: str
    unknown: str  # what the read point does with tags that nothing explains


def judge(settings: Settings, crossed: Crossed, facts: Facts) -> list[Movement]:
    """The movements of one passage, in a fixed order. A passage without direction moves nothing."""
    passage, portal = crossed.passage, crossed.portal
    if passage.direction not in ("in", "out"):
        return []
    unknown = unknown_tags(portal, facts)
    carriers = frozenset(epc for epc in passage.moved if carrier(epc) and _foreign(epc, facts))
    ignored = frozenset(epc for epc in passage.moved if unknown == "ignore" and _foreign(epc, facts)) - carriers
    goods = [epc for epc in passage.moved if epc not in ignored and epc not in carriers]
    taken: Taken = {}
    movements = []
    for ordinal, group in enumerate(_groups(goods, facts)):
        finding: Finding | None
        if portal.outside is not None:
            finding = _transfer(crossed, facts, group)
        elif passage.direction == "in":
            arrival = Arrival(passage.closed, portal.id, portal.location, unknown)
            finding = received(settings, arrival, facts, group, taken)
        else:
            finding = _ship(settings, crossed, facts, group)
        if finding is not None:
            if ignored:
                finding.evidence["ignored"] = sorted(ignored)
            if carriers:
                finding.evidence["carriers"] = sorted(carriers)
            movements.append(_movement(settings, crossed, group, ordinal, finding))
    return movements


def unknown_tags(portal: Portal, facts: Facts) -> str:
    """What a read point does with tags that nothing explains: central's policy before the configuration."""
    policy = (facts.policy.unknown_tags or {}) if facts.policy is not None else {}
    return policy.get(portal.id) or policy.get("*") or portal.unknown_tags


def _foreign(epc: str, facts: Facts) -> bool:
    """Neither a GS1 key nor enrolled anywhere: somebody's badge, a parcel of another house."""
    ai = decode(epc).ai
    return "00" not in ai and "01" not in ai and epc not in facts.items and epc not in facts.serials


def _groups(moved: list[str], facts: Facts) -> list[Group]:
    """Items go with the unit that announces or holds them; with one unit in the passage, all go with it."""
    units = {sscc: epc for epc in moved if (sscc := decode(epc).ai.get("00"))}
    items: dict[str | None, list[str]] = {sscc: [] for sscc in sorted(units)}
    only = next(iter(units)) if len(units) == 1 else None
    for epc in moved:
        identity = decode(epc)
        if "00" in identity.ai:
            continue
        item = facts.items.get(epc)
        serials = facts.serials.get(f"{identity.ai.get('01')}/{identity.ai.get('21')}", ()) + facts.serials.get(epc, ())
        homes = [item.parent] if item is not None else [serial.sscc for serial in serials]
        home = next((sscc for sscc in homes if sscc in units), only)
        items.setdefault(home, []).append(epc)
    return [
        Group(sscc, units[sscc] if sscc is not None else None, tuple(found))
        for sscc, found in items.items()
        if sscc is not None or found
    ]


def received(settings: Settings, arrival: Arrival, facts: Facts, group: Group, taken: Taken) -> Finding:
    """What came in with one group, against what was announced; lots without a number get one."""
    expected = _expected(facts, group.sscc, "asn")
    unit = facts.units.get(group.sscc or "")
    present = tuple(epc for epc in group.items if _present(facts, epc))
    resolved = [resolve(epc, facts, expected) for epc in group.items]
    fresh = [one for one in resolved if one.epc not in present]
    missing: tuple[str, ...] = ()
    evidence: dict[str, Any] = {"present": list(present)} if present else {}
    refused = False
    if (unit is not None and unit.location is not None) or (expected is not None and expected.state == "received"):
        lines, found, refused = tagged_lines(resolved), {"already_received"}, True
    elif expected is not None:
        load = compare(expected, fresh)
        lines, found, missing = list(load.lines), set(load.found), load.missing
    elif group.sscc is None and not fresh:
        lines, found, refused = tagged_lines(resolved), {"already_received"}, True
    else:
        fresh = _inferred(facts, group, fresh)
        lines, found = _loose(group, fresh, arrival.unknown)
    if not refused:
        if arrival.unknown == "accept" and "unknown_tag" in found and all(line.gtin for line in lines):
            found = found - {"unknown_tag"} | {"unknown_lot"}
        if told := contradictions(fresh):
            found.add("contradiction")
            evidence["contradictions"] = told
        numbered = _numbered(settings, facts, arrival.at, lines, found, taken)
        if numbered is not None:
            lines, evidence["numbered"] = numbered
    if any(held(facts, line, arrival.location) for line in lines):
        found.add("on_hold")
    if _expired(settings, arrival.at, lines):
        found.add("expired")
    found = found or {"matched"}
    return Finding("receive", None, arrival.location, found, lines, None, expected, missing, evidence)


def _loose(group: Group, fresh: list[Resolved], unknown: str) -> tuple[list[Line], set[str]]:
    """Goods that no announced unit vouches for: each item stands for itself."""
    found = set()
    unannounced = any(
        (one.expectation is None or one.expectation.startswith("commission/")) and one.by not in ("item", "inferred")
        for one in fresh
        if one.lot is not None or unknown != "accept"
    )
    if group.sscc is not None or unannounced:
        found.add("no_expectation")
    if any(one.lot is None for one in fresh):
        found.add("unknown_tag")
    return tagged_lines(fresh), found


def _inferred(facts: Facts, group: Group, fresh: list[Resolved]) -> list[Resolved]:
    """Loose items beside others of one ASN: the one lot that it still expects of their GTIN."""
    asns = {one.expectation for one in fresh if one.expectation is not None and one.expectation.startswith("asn/")}
    if group.sscc is not None or len(asns) != 1:
        return fresh
    (asn,) = asns
    found = []
    for one in fresh:
        there = facts.open_lots.get(f"{asn}/{one.gtin}", ()) if one.lot is None and not one.claims else ()
        if len(there) == 1:
            only = there[0]
            one = structs.replace(one, lot=only.lot, by="inferred", expectation=asn, expiry=one.expiry or only.expiry)
        found.append(one)
    return found


def _numbered(
    settings: Settings, facts: Facts, at: int, lines: list[Line], found: set[str], taken: Taken
) -> tuple[list[Line], list[dict[str, Any]]] | None:
    """Lines with numbers of our own for lots that came without one, and how far the counters are; None: none did.

    Only what was announced, or is accepted, without a lot is numbered: what nobody can explain waits for who can.
    """
    if {"unknown_tag", "no_expectation", "contradiction"} & found:
        return None
    before = dict(taken)
    own = []
    for line in lines:
        lot = next_lot(settings, facts, at, taken) if line.gtin and line.lot is None else None
        own.append(line if lot is None else structs.replace(line, lot=lot, resolved_by="numbered"))
    if taken == before:
        return None
    counters = [{"counter": counter, "day": day, "last": last} for (counter, day), last in sorted(taken.items())]
    return own, counters


def _ship(settings: Settings, crossed: Crossed, facts: Facts, group: Group) -> Finding:
    expected = _expected(facts, group.sscc, "order")
    unit = facts.units.get(group.sscc or "")
    if unit is None:
        lines = tagged_lines([resolve(epc, facts, None) for epc in group.items])
        known = bool(group.items) and all(_present(facts, epc) for epc in group.items)
        found = {"no_expectation" if known else "unknown_tag"}
        return Finding("ship", crossed.portal.location, None, found, lines, "available", expected)
    found = set()
    lines = [line_of(content) for content in unit.contents]
    evidence: dict[str, Any] = {}
    if unit.location is None:
        found.add("already_shipped")
    elif expected is None or expected.state != "expected":
        found.add("no_expectation")
    disposal = expected is not None and PURPOSES.get(expected.type) == "disposal"
    if stopped(facts, unit, lines) and not (disposal and rejected(facts, lines)):
        found.add("on_hold")
    if not disposal and _expired(settings, crossed.passage.closed, lines):
        found.add("expired")
    if told := contradictions([resolve(epc, facts, None) for epc in group.items]):
        found.add("contradiction")
        evidence["contradictions"] = told
    found = found or {"matched"}
    return Finding("ship", unit.location, None, found, lines, unit.status, expected, evidence=evidence)


def stopped(facts: Facts, unit: Unit, lines: Sequence[Line]) -> bool:
    """Whether a unit may not leave where it stands: it, or a lot on it, is on hold there."""
    return unit.status == "hold" or any(line.status == "hold" or held(facts, line, unit.location) for line in lines)


def _transfer(crossed: Crossed, facts: Facts, group: Group) -> Finding | None:
    """Through an inner door: goods go to the side they were driven to, from wherever the ledger holds them.

    What is on hold may not move; items without their unit leave it behind.
    """
    portal = crossed.portal
    sides = (portal.outside, portal.location)
    origin, destination = sides if crossed.passage.direction == "in" else sides[::-1]
    resolved = [resolve(epc, facts, None) for epc in group.items]
    unit = facts.units.get(group.sscc or "")
    if group.sscc is None and group.items and all(_present(facts, epc) for epc in group.items):
        return _moved_items(facts, resolved, destination)
    if unit is None or unit.location is None:
        return Finding("transfer", origin, destination, {"unknown_tag"}, tagged_lines(resolved), "hold")
    if unit.location == destination:
        return None
    lines = [line_of(content) for content in unit.contents]
    found, evidence = {"on_hold"} if stopped(facts, unit, lines) else set(), {}
    if not found and any(held(facts, line, destination) for line in lines):
        found.add("held_there")
    if told := contradictions(resolved):
        found.add("contradiction")
        evidence["contradictions"] = told
    found = found or {"moved"}
    return Finding("transfer", unit.location, destination, found, lines, unit.status, evidence=evidence)


def _moved_items(facts: Facts, resolved: list[Resolved], destination: str | None) -> Finding | None:
    """Items of the ledger that crossed without a unit, from one place; those that are there already stay."""
    places = {facts.items[one.epc].location for one in resolved} - {destination}
    if not places:
        return None
    origin = min(place for place in places if place is not None)
    lines = []
    for status in ("available", "hold"):
        some = [
            structs.replace(one, lot=facts.items[one.epc].lot or None, gtin=facts.items[one.epc].gtin or None)
            for one in resolved
            if facts.items[one.epc].location == origin and facts.items[one.epc].status == status
        ]
        lines += [structs.replace(line, status=status) for line in tagged_lines(some)]
    found = {"on_hold"} if any(line.status == "hold" or held(facts, line, origin) for line in lines) else set()
    if not found and any(held(facts, line, destination) for line in lines):
        found.add("held_there")
    evidence: dict[str, Any] = {}
    if told := contradictions(resolved):
        found.add("contradiction")
        evidence["contradictions"] = told
    found = found or {"moved"}
    if len(places) > 1:
        evidence["elsewhere"] = sorted(place for place in places - {origin} if place is not None)
    return Finding("transfer", origin, destination, found, lines, "available", evidence=evidence)


def _movement(settings: Settings, crossed: Crossed, group: Group, ordinal: int, finding: Finding) -> Movement:
    passage, expected = crossed.passage, finding.expected
    verdict, codes = reasons.weigh(finding.type, finding.found)
    by_verdict = "available" if verdict == reasons.ACCEPTED else "hold"
    evidence = {
        "direction": passage.direction,
        "confidence": passage.confidence,
        **passage.evidence,
        **finding.evidence,
    }
    purpose = PURPOSES.get(expected.type, "") if expected is not None else ""
    return Movement(
        movement=event_id(settings.site, settings.gateway, "movement", passage.passage, ordinal),
        passage=passage.passage,
        portal=passage.portal,
        at=passage.closed,
        type="return" if purpose == "return" else finding.type,
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
        purpose=purpose,
        arrives=reasons.arrives(finding.type, verdict),
    )


def _expected(facts: Facts, sscc: str | None, kind: str) -> Expected | None:
    """The announcement of this unit: one still open before one already met, then by id."""
    found = [one for one in facts.expected.get(sscc or "", ()) if one.kind == kind]
    return next((one for one in found if one.state == "expected"), found[0] if found else None)


def _present(facts: Facts, epc: str) -> bool:
    item = facts.items.get(epc)
    return item is not None and item.location is not None


def held(facts: Facts, line: Line, place: str | None) -> bool:
    """Whether a hold on all of a line's lot is open in a place."""
    lot = facts.lots.get(f"{line.gtin}/{line.lot}")
    return lot is not None and lot.held and (not lot.held_at or place in lot.held_at or "" in lot.held_at)


def rejected(facts: Facts, lines: Sequence[Line]) -> bool:
    """Whether every line is of a lot that was rejected: then it may leave to be disposed of."""
    known = [facts.lots.get(f"{line.gtin}/{line.lot}") for line in lines]
    return bool(known) and all(lot is not None and lot.life == "rejected" for lot in known)


def _expired(settings: Settings, at: int, lines: list[Line]) -> bool:
    """Whether a line's expiry lies before the day of the passage, by the site's own calendar."""
    today = datetime.fromtimestamp(at // 1_000_000, tz=UTC).astimezone(ZoneInfo(settings.timezone)).date()
    return any(line.expiry is not None and date.fromisoformat(line.expiry) < today for line in lines)


def _weighed(crossed: Crossed, expected: Expected | None) -> Weighed | None:
    weighing = crossed.weighing
    if weighing is None or weighing.value is None or weighing.at is None:
        return None
    return reweighed(Weighed(weighing.value, weighing.unit, weighing.at, weighing.scale), expected)


def reweighed(weighed: Weighed, expected: Expected | None) -> Weighed:
    """A weight beside what is announced."""
    announced = expected.unit.gross_weight if expected is not None else None
    deviation = None
    if announced is not None and announced.unit == weighed.unit and Decimal(announced.value) > 0:
        deviation = round(float((Decimal(weighed.value) / Decimal(announced.value) - 1) * 100), 2)
    return structs.replace(
        weighed, expected=announced.value if announced is not None else None, deviation_pct=deviation
    )
