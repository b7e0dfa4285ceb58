"""A trace and a recall in words for a terminal: one line a fact, the evidence of each movement under it."""

from collections.abc import Iterator
from typing import Any

from gateway.model.times import rfc3339

Found = dict[str, Any]

INSTANTS = frozenset(("at", "start", "end", "entered", "left", "since", "released"))
"""Keys whose numbers are instants (µs)."""


def readable(value: Any) -> Any:
    """The answer with its instants as RFC 3339 UTC."""
    if isinstance(value, dict):
        return {
            name: rfc3339(one) if name in INSTANTS and isinstance(one, int) else readable(one)
            for name, one in value.items()
        }
    return [readable(one) for one in value] if isinstance(value, list) else value


def trace_lines(found: Found) -> Iterator[str]:
    """A trace (`View.trace`) in words."""
    subject = found["subject"]
    if subject["kind"] != "lot":  # a lot is the first of its family
        yield f"{subject['kind']} {_name(subject)}"
    yield from _lots(found["lots"])
    yield from _units(found["units"])
    if found["items"]:
        yield f"items: {len(found['items'])}"
        yield from (f"  {_item(one)}" for one in found["items"][:SHOWN])
        if len(found["items"]) > SHOWN:
            yield f"  and {len(found['items']) - SHOWN} more (--json --items)"
    yield from _lineage(found["lineage"])
    yield from _section("places", (_place(one) for one in found["places"]))
    yield f"movements: {len(found['movements'])}"
    for one in found["movements"]:
        yield from _movement(one)
    yield from _section("excursions", (_excursion(one) for one in found["excursions"]))
    yield from _section("alarms that stand there now", (_alarm(one) for one in found["alarms"]))
    yield from _section("climate", (_climate(one) for one in found["climate"]))
    yield from _section("where it came from", (_crossing(one) for one in found["origins"]))
    yield from _section("where it went", (_crossing(one) for one in found["destinations"]))
    if not found["complete"]:
        yield CUT


def recall_lines(found: Found) -> Iterator[str]:
    """A recall (`View.recall`) in words."""
    yield f"recall of lot {_name(found['subject'])}"
    yield from _lots(found["lots"])
    yield from _lineage(found["lineage"])
    here = (f"{_name(one)}: {one['quantity']} {one['unit']} in {one['location']}, {one['status']}"
            for one in found["here"])  # fmt: skip
    yield from _section("here", here, none="nothing of it is here")
    yield from _units(found["units"])
    yield from _section("left", (_crossing(one) for one in found["left"]), none="nothing of it has left")
    yield from _section("went into production", (_crossing(one) for one in found["used"]))
    yield from _section("turned back at the door (look whether it did)", (_crossing(one) for one in found["refused"]))
    coming = (f"{_name(one)}: {one['quantity']} {one['unit']} on {one['sscc']}, asn {one['asn']}"
              f"{_of(one['party'], ' from ')}" for one in found["announced"])  # fmt: skip
    yield from _section("announced, not here yet", coming)
    if not found["complete"]:
        yield CUT


SHOWN = 20
"""Items that a terminal shows."""

CUT = "the lineage is longer than a trace follows: this is not all of it"


def _section(title: str, lines: Iterator[str], none: str = "") -> Iterator[str]:
    told = list(lines)
    if told or none:
        yield f"{title}:" if told else none
        yield from (f"  {line}" for line in told)


def _name(one: Found) -> str:
    if one.get("sscc") and one.get("kind") == "unit":
        return str(one["sscc"])
    return str(one.get("epc") or f"{one['gtin'] or 'unidentified'}/{one['lot'] or 'unidentified'}")


def _of(value: Any, word: str) -> str:
    return f"{word}{value}" if value else ""


def _lots(lots: list[Found]) -> Iterator[str]:
    """What is asked for first, then its family."""
    for lot in sorted(lots, key=lambda lot: bool(lot["relation"] != "self")):
        about = [lot["relation"], lot["product"], lot["life"], _of(lot["expiry"], "expires ")]
        about += [_of(lot["qc"], "qc "), _of(lot["supplier"], "from "), "ON HOLD" if lot["held"] else ""]
        yield f"lot {_name(lot)}: {', '.join(filter(None, about))}"
        for change in lot["changes"]:
            who = _of(change["by"], " by ") + _of(change["device"], " at ")
            step = f"{change['before'] or 'unknown'} → {change['after']}"
            yield f"  {rfc3339(change['at'])} {step}{who}: {change['reason']}"
        for hold in lot["holds"]:
            until = f", until {rfc3339(hold['released'])}{_of(hold['released_by'], ' by ')}" if hold["released"] else ""
            where = f"in {hold['location']}" if hold["location"] else "everywhere"
            who = _of(hold["by"], " by ") + _of(hold["source"], " from ")
            yield f"  {rfc3339(hold['at'])} held {where}{who}: {hold['reason']}{until}"
        for here in lot["stock"]:
            yield f"  here: {here['quantity']} {here['unit']} in {here['location']}, {here['status']}"


def _units(units: list[Found]) -> Iterator[str]:
    yield from _section("units", (f"{one['sscc']}: {_rests(one)}" for one in units))


def _rests(one: Found) -> str:
    return f"in {one['location']}, {one['status']}" if one["location"] else one["state"] or "never came to rest here"


def _item(one: Found) -> str:
    return (
        f"{one['epc']} {_name(one | {'epc': None})} serial {one['serial']}: {_rests(one)}{_of(one['parent'], ' on ')}"
    )


def _lineage(links: list[Found]) -> Iterator[str]:
    told = (
        f"{rfc3339(one['at'])} {_name(one['from'])} {one['from']['quantity']} {one['from']['unit']} → "
        f"{_name(one['to'])} {one['to']['quantity']} {one['to']['unit']}{_of(one['production'], ', production order ')}"
        f"{_of(one['location'], ' in ')}{_of(one['by'], ' by ')}{_of(one['position'], ', journal ')}"
        for one in links
    )
    yield from _section("lineage", told)


def _place(one: Found) -> str:
    left = rfc3339(one["left"]) if one["left"] is not None else "now"
    lot = f"{_name(one)}: " if "lot" in one else ""
    return f"{lot}{one['location']} from {rfc3339(one['entered'])} to {left}"


def _movement(one: Found) -> Iterator[str]:
    way = f"{one['from'] or 'outside'} → {one['to'] or 'outside'}"
    who = _of(one["by"], " by ") + _of(one["device"], " with ") if one["by"] else _of(one["portal"], " at ")
    purpose = f" ({one['purpose']})" if one["purpose"] else ""
    yield f"  {rfc3339(one['at'])} {one['type']}{purpose} {one['verdict']}: {way}{who}{_of(one['sscc'], ', unit ')}"
    for line in one["lines"]:
        told = f"{line['quantity']} {line['unit']} {_name(line)}"
        yield f"    {told}, {line['resolved_by']}{_of(line['tags'], ', tags ')}"
    for reason in one["reasons"]:
        yield f"    {reason['code']}: {reason['sentence']}"
    papers = [f"{paper['type']} {paper['id']}" for paper in one["documents"] or ()]
    more = [
        _of(one["expectation"], ""),
        _of(one["party"], "party "),
        *papers,
        *(f"rule {rule}" for rule in one["rules"]),
    ]
    if one["weight"]:
        more.append(f"weight {one['weight']['value']} {one['weight']['unit']}")
    if told := ", ".join(filter(None, more)):
        yield f"    {told}"
    if one["corrected_by"]:
        yield f"    told wrongly; movement {one['corrected_by']} took its place"
    seq = f" ({one['seq']})" if one["seq"] is not None else ""
    yield f"    evidence: event {one['event'] or '–'}{seq}, passage {one['passage']}, journal {one['position']}"


def _excursion(one: Found) -> str:
    lots = ", ".join(f"{_name(lot)} {lot['minutes']:g} min" for lot in one["lots"])
    return (
        f"{rfc3339(one['start'])} to {rfc3339(one['end'])} {one['location']}: {one['quantity']} {one['min']:g} to "
        f"{one['max']:g} {one['unit']}, limit {one['limit']:g} ({one['side']}); {lots}"
    )


def _alarm(one: Found) -> str:
    return f"{rfc3339(one['since'])} {one['alarm']} in {one['location']}: {one['state']}, {one['priority']}"


def _climate(one: Found) -> str:
    return f"{one['quantity']}: {one['min']:g} to {one['max']:g} {one['unit']} ({one['values']} values)"


def _crossing(one: Found) -> str:
    papers = ", ".join(f"{paper['type']} {paper['id']}" for paper in one["documents"] or ())
    way = _of(one["party"], " from " if one["from"] is None else " to ")
    more = ", ".join(filter(None, (one["expectation"], papers, _of(one["sscc"], "unit "), one["purpose"])))
    return f"{rfc3339(one['at'])} {one['type']} {one['quantity']} {one['unit']} {_name(one | {'sscc': None})}{way}" + (
        f" ({more})" if more else ""
    )
