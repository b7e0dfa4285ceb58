"""From tags to lots: which goods a set of moved tags is, and how we know. Pure.

Order (gs1 reference §3): exact item → announced serial → announced range → the one line of that GTIN on the parent
unit (`sscc`) → unresolved. Lots on the tag itself (AI 10) come with the TDS 2.x schemes.
"""

from msgspec import Struct

from gateway.identity import Identity, decode
from gateway.model.facts import Expected, Facts
from gateway.model.outcome import Line
from gateway.model.quantity import SCALE, parse_quantity


class Resolved(Struct, frozen=True):
    """One tag and the lot it was found to be; `lot` and `gtin` None where unknown."""

    epc: str
    identity: Identity
    gtin: str | None
    lot: str | None
    by: str
    sscc: str | None = None
    expectation: str | None = None
    expiry: str | None = None


class Load(Struct, frozen=True):
    """What one logistic unit turned out to hold, against what was announced for it."""

    lines: tuple[Line, ...]
    found: frozenset[str]  # reason codes
    missing: tuple[str, ...]  # gtin/serial announced on this unit and not read


def resolve(epc: str, facts: Facts, expected: Expected | None) -> Resolved:
    """Find the lot of one tagged item; `expected` is the announcement of the unit it travels with."""
    identity = decode(epc)
    gtin, serial = identity.ai.get("01"), identity.ai.get("21")
    item = facts.items.get(epc)
    if item is not None and item.lot:
        return Resolved(epc, identity, item.gtin, item.lot, "item", item.parent, None, item.expiry)
    if gtin is None:
        return Resolved(epc, identity, None, None, "unresolved")
    announced = facts.serials.get(f"{gtin}/{serial}", ())
    sscc = expected.unit.sscc if expected is not None else None
    own = [one for one in announced if one.sscc == sscc] or list(announced)
    if own and len({one.lot for one in own}) == 1:
        best = own[0]
        return Resolved(epc, identity, gtin, best.lot, best.by, best.sscc, best.expectation, best.expiry)
    if expected is not None:
        lines = [line for line in expected.unit.lines if line.gtin == gtin and line.lot]
        if len(lines) == 1 and not (lines[0].serials or lines[0].ranges):
            return Resolved(epc, identity, gtin, lines[0].lot, "sscc", sscc, None, lines[0].expiry)
    return Resolved(epc, identity, gtin, None, "unresolved")


def tagged_lines(resolved: list[Resolved]) -> list[Line]:
    """Group items into lines by lot, one each per tag."""
    groups: dict[tuple[str, str, str], list[Resolved]] = {}
    for one in resolved:
        groups.setdefault((one.gtin or "", one.lot or "", one.by if one.lot is None else ""), []).append(one)
    return [
        Line(
            gtin=group[0].gtin,
            lot=group[0].lot,
            quantity=len(group) * SCALE,
            unit="each",
            resolved_by=min(one.by for one in group),
            epcs=tuple(sorted(one.epc for one in group)),
            expiry=min((one.expiry for one in group if one.expiry), default=None),
            prefix=group[0].identity.prefix,
        )
        for _, group in sorted(groups.items())
    ]


def compare(expected: Expected, resolved: list[Resolved]) -> Load:
    """Set what was read beside what was announced for this unit, line by line.

    A line with serials or ranges is counted by tag; a line without is trusted from the announcement
    (`completeness_inferred`) unless more tags than announced were read.
    """
    found: set[str] = set()
    lines: list[Line] = []
    missing: list[str] = []
    rest = {(line.gtin, line.lot): line for line in tagged_lines(resolved)}
    for line in expected.unit.lines:
        tagged = rest.pop((line.gtin, line.lot), None)
        wanted = parse_quantity(line.quantity)
        counted = bool(line.serials or line.ranges)
        read = tagged.quantity if tagged is not None else 0
        quantity = read if counted else max(wanted, read)
        if counted:
            missing += _unread(line.gtin, line.serials, line.ranges, tagged)
        if quantity < wanted:
            found.add("short")
        if quantity > wanted:
            found.add("over")
        if quantity == 0:
            continue
        lines.append(
            Line(
                gtin=line.gtin,
                lot=line.lot,
                quantity=quantity,
                unit=line.unit,
                resolved_by=tagged.resolved_by if tagged is not None and counted else "sscc",
                epcs=tagged.epcs if tagged is not None else (),
                expiry=line.expiry or (tagged.expiry if tagged is not None else None),
                basis="sgtin" if counted else "class",
                expected=wanted,
                prefix=tagged.prefix if tagged is not None else None,
            )
        )
    for extra in rest.values():
        found.add("over" if extra.lot is not None else "unknown_tag")
        lines.append(extra)
    return Load(tuple(lines), frozenset(found), tuple(missing))


def _unread(gtin: str, serials: tuple[str, ...], ranges: tuple[tuple[str, str], ...], tagged: Line | None) -> list[str]:
    """Announced serials of a line that were not read, as gtin/serial; ranges are listed up to a bound."""
    read = {decode(epc).ai.get("21") for epc in (tagged.epcs if tagged is not None else ())}
    names = list(serials)
    for low, high in ranges:
        names += [str(serial) for serial in range(int(low), min(int(high) + 1, int(low) + MISSING_SHOWN))]
    return [f"{gtin}/{serial}" for serial in names if serial not in read][:MISSING_SHOWN]


MISSING_SHOWN = 1000
"""Unread serials named per line; the quantities say the rest."""
