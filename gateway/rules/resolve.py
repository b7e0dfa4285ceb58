"""From tags to lots: which goods a set of moved tags is, and how we know. Pure.

In this order (gs1 reference §3): the tag itself (AI 10, `tag`) → an item the ledger or a document names (`item`,
`serial`) → an announced range (`range`) → the one line of its GTIN on its unit (`sscc`) → the one open lot of its GTIN
on this ASN (`inferred`) → `unresolved`. Whoever names a lot outright makes a claim; claims that differ are a
contradiction, which is said and never settled in silence.
"""

from calendar import monthrange

from msgspec import Struct

from gateway.identity import Identity, decode
from gateway.model.facts import Expected, Facts, Serial
from gateway.model.outcome import Line
from gateway.model.quantity import SCALE, parse_quantity


class Claim(Struct, frozen=True):
    """Somebody names the lot of a tag: `by` tag | item | serial | range, in words of `source` (asn/A1, ledger, tag)."""

    by: str
    lot: str
    source: str


class Resolved(Struct, frozen=True):
    """One tag and the lot it was found to be; `lot` and `gtin` None where unknown. `claims` when they contradict."""

    epc: str
    identity: Identity
    gtin: str | None
    lot: str | None
    by: str
    sscc: str | None = None
    expectation: str | None = None
    expiry: str | None = None
    claims: tuple[Claim, ...] = ()


class Load(Struct, frozen=True):
    """What one logistic unit turned out to hold, against what was announced for it."""

    lines: tuple[Line, ...]
    found: frozenset[str]  # reason codes
    missing: tuple[str, ...]  # gtin/serial announced on this unit and not read


def resolve(epc: str, facts: Facts, expected: Expected | None) -> Resolved:
    """Find the lot of one tagged item; `expected` is the announcement of the unit it travels with."""
    identity = decode(epc)
    gtin = identity.ai.get("01")
    item = facts.items.get(epc)
    sscc = expected.unit.sscc if expected is not None else None
    serial = identity.ai.get("21")
    announced = facts.serials.get(epc, ()) + (facts.serials.get(f"{gtin}/{serial}", ()) if gtin and serial else ())
    own = [one for one in announced if one.sscc == sscc] or list(announced)
    # Another announcement may repeat a serial; a commissioning list speaks of this very item.
    own += [one for one in announced if one.expectation.startswith("commission/") and one not in own]
    claims = _claims(identity, item.lot if item is not None else "", own)
    lots = {claim.lot for claim in claims}
    best = next((one for one in own if one.lot == claims[0].lot), None) if claims else None
    if gtin is None:
        gtin = (item.gtin or None) if item is not None else None
    if gtin is None and best is not None:
        gtin = best.gtin
    told = claims if len(lots) > 1 else ()
    if claims and gtin is not None and (len(lots) == 1 or claims[0].by in ("tag", "item")):
        known = item if item is not None and item.lot == claims[0].lot else None
        home = best.sscc or None if best is not None else None
        return Resolved(
            epc,
            identity,
            gtin,
            claims[0].lot,
            claims[0].by,
            known.parent if known is not None else home,
            best.expectation if best is not None and known is None else None,
            (known.expiry if known is not None else None)
            or (best.expiry if best is not None else None)
            or tag_expiry(identity),
            told,
        )
    if expected is not None and gtin is not None and not told:
        lines = [line for line in expected.unit.lines if line.gtin == gtin and line.lot]
        if len(lines) == 1 and not (lines[0].serials or lines[0].ranges or lines[0].epcs):
            return Resolved(epc, identity, gtin, lines[0].lot, "sscc", sscc, None, lines[0].expiry)
        there = facts.open_lots.get(f"{expected.kind}/{expected.id}/{gtin}", ())
        if not lines and len(there) == 1:
            return Resolved(epc, identity, gtin, there[0].lot, "inferred", sscc, None, there[0].expiry)
    return Resolved(epc, identity, gtin, None, "unresolved", expiry=tag_expiry(identity), claims=told)


def _claims(identity: Identity, known: str, announced: list[Serial]) -> tuple[Claim, ...]:
    """Who names the lot, the nearest to the tag first; several of one opinion and sort are one."""
    found = [Claim("tag", identity.ai["10"], "tag")] if identity.ai.get("10") else []
    if known:
        found.append(Claim("item", known, "ledger"))
    found += [Claim("range" if one.by == "range" else "serial", one.lot, one.expectation) for one in announced]
    order = {"tag": 0, "item": 1, "serial": 2, "range": 3}
    return tuple(dict.fromkeys(sorted(found, key=lambda claim: order[claim.by])))


def tag_expiry(identity: Identity) -> str | None:
    """The expiry on the tag (AI 17, YYMMDD of this century; day 00 is the month's last: GS1 General Specs §3.4.7)."""
    text = identity.ai.get("17", "")
    if len(text) != 6 or not (text.isascii() and text.isdigit()) or not 1 <= int(text[2:4]) <= 12:
        return None
    year, month = 2000 + int(text[:2]), int(text[2:4])
    last = monthrange(year, month)[1]
    day = int(text[4:]) or last
    return f"{year:04d}-{month:02d}-{day:02d}" if day <= last else None


def contradictions(resolved: list[Resolved]) -> list[dict[str, object]]:
    """The evidence: each tag whose claims differ, with who says what."""
    return [
        {"epc": one.epc, "claims": [{"by": claim.by, "lot": claim.lot, "source": claim.source} for claim in one.claims]}
        for one in resolved
        if one.claims
    ]


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
    (`completeness_inferred`) unless more tags than announced were read, or tags say that part of it is another lot.
    """
    found: set[str] = set()
    lines: list[Line] = []
    missing: list[str] = []
    rest = {(line.gtin, line.lot): line for line in tagged_lines(resolved)}
    named = {(line.gtin, line.lot) for line in expected.unit.lines}
    other = {
        gtin: sum(line.quantity for key, line in rest.items() if key[0] == gtin and line.lot and key not in named)
        for gtin, _ in named
    }
    wrong = dict(other)  # of these, what stands for announced goods that were not read
    for line in expected.unit.lines:
        tagged = rest.pop((line.gtin, line.lot), None)
        wanted = parse_quantity(line.quantity)
        counted = bool(line.serials or line.ranges or line.epcs)
        read = tagged.quantity if tagged is not None else 0
        instead = min(other[line.gtin], max(0, wanted - read)) if line.unit == "each" and line.lot else 0
        other[line.gtin] -= instead
        quantity = read if counted else max(wanted - instead, read)
        if counted:
            missing += _unread(line.gtin, line.serials, line.ranges, line.epcs, tagged)
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
        instead = wrong.get(extra.gtin or "", 0) - other.get(extra.gtin or "", 0)
        found.add("unknown_tag" if extra.lot is None else "wrong_lot" if instead else "over")
        lines.append(extra)
    return Load(tuple(lines), frozenset(found), tuple(missing))


def _unread(
    gtin: str, serials: tuple[str, ...], ranges: tuple[tuple[str, str], ...], epcs: tuple[str, ...], tagged: Line | None
) -> list[str]:
    """Announced items of a line that were not read, as gtin/serial or EPC; ranges are listed up to a bound."""
    read = {decode(epc).ai.get("21") for epc in (tagged.epcs if tagged is not None else ())}
    names = list(serials)
    for low, high in ranges:
        names += [str(serial) for serial in range(int(low), min(int(high) + 1, int(low) + MISSING_SHOWN))]
    unread = [f"{gtin}/{serial}" for serial in names if serial not in read]
    unread += [epc for epc in epcs if tagged is None or epc not in tagged.epcs]
    return unread[:MISSING_SHOWN]


MISSING_SHOWN = 1000
"""Unread serials named per line; the quantities say the rest."""
