"""Movements as evidence: what is kept of each, as the person who traces reads it.

Rows are plain dicts for JSON, oldest first. Reasons come with their sentences. Reads by EPC, the largest part of the
evidence, stay in the ledger: passage, audit hash and journal position lead there; `event` and `seq` name what was told.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import BindParameter, RowMapping, bindparam, select

from gateway.events.sentences import sentence
from gateway.ledger.facts import Asking
from gateway.ledger.sql import chunks, loads
from gateway.ledger.tables import audit, movement_lines, movements
from gateway.model.quantity import format_quantity

Found = dict[str, Any]
Lines = Mapping[str, list[RowMapping]]
"""Rows of `movement_lines` by movement id."""

REFUSED = "refused"
"""The verdict of a movement that changed no stock."""

_PLAIN = ("movement", "at", "type", "purpose", "origin", "destination", "verdict")
_MORE = ("rules", "portal", "gateway", "by", "sscc", "expectation", "party")
_POINTERS = ("event", "seq", "passage", "position", "hash")
_EVIDENCE = ("device", "corrects", "documents", "weight", "climate", "missing")


_SITE: BindParameter[Any] = bindparam("site")
_SOME: BindParameter[Any] = bindparam("some", expanding=True)
_OF_LOTS = select(movement_lines).where(
    movement_lines.c.site == _SITE, movement_lines.c.gtin == bindparam("gtin"), movement_lines.c.lot.in_(_SOME)
)
_OF_MOVEMENTS = select(movement_lines).where(movement_lines.c.site == _SITE, movement_lines.c.movement.in_(_SOME))
_MOVEMENTS = select(movements).where(movements.c.site == _SITE, movements.c.movement.in_(_SOME))


def lines_of_lots(asking: Asking, lots: Iterable[tuple[str, str]]) -> dict[str, list[RowMapping]]:
    """Every movement line that names one of these lots, by movement."""
    found: dict[str, list[RowMapping]] = defaultdict(list)
    by_gtin: dict[str, list[str]] = defaultdict(list)
    for gtin, lot in lots:
        by_gtin[gtin].append(lot)
    for gtin, numbers in by_gtin.items():
        for some in chunks(numbers):
            for row in asking.rows(_OF_LOTS, {"site": asking.site, "gtin": gtin, "some": some}):
                found[row["movement"]].append(row)
    return found


def lines_of_movements(asking: Asking, ids: Iterable[str]) -> dict[str, list[RowMapping]]:
    """Every line of these movements; one without lines has an empty list."""
    found: dict[str, list[RowMapping]] = {movement: [] for movement in ids}
    for some in chunks(sorted(found)):
        for row in asking.rows(_OF_MOVEMENTS, {"site": asking.site, "some": some}):
            found[row["movement"]].append(row)
    return found


def told(asking: Asking, lines: Lines, *, tags: bool = False) -> list[Found]:
    """The movements that `lines` belong to, with those lines only, by time; `tags` adds the EPCs of every line."""
    found = []
    for some in chunks(sorted(lines)):
        rows = asking.rows(_MOVEMENTS, {"site": asking.site, "some": some})
        found += [_told(row, lines[row["movement"]], tags) for row in rows]
    return sorted(found, key=lambda one: (one["at"], one["movement"]))


def _told(row: RowMapping, lines: list[RowMapping], tags: bool) -> Found:
    found: Found = {name: row[name] for name in _PLAIN}
    found["from"], found["to"] = found.pop("origin"), found.pop("destination")
    found["reasons"] = [{"code": code, "sentence": sentence(code)} for code in row["reasons"]]
    found |= {name: row[name] for name in (*_MORE, *_POINTERS)}
    evidence = row["evidence"]
    found |= {name: evidence.get(name) for name in _EVIDENCE}
    found["reads"] = _reads(evidence.get("evidence") or {})
    found["lines"] = [_line(line, tags) for line in sorted(lines, key=lambda line: int(line["line"]))]
    return found


def _reads(evidence: Mapping[str, Any]) -> Found:
    """What the passage's evidence says in short: its numbers and words, not its lists by EPC."""
    return {name: value for name, value in evidence.items() if not isinstance(value, dict | list | tuple)}


def _line(row: RowMapping, tags: bool) -> Found:
    names = ("gtin", "lot", "unit", "resolved_by", "basis", "expiry")
    found: Found = {name: row[name] for name in names}
    found["quantity"] = format_quantity(row["quantity"])
    found["tags"] = len(row["epcs"])
    if tags:
        found["epcs"] = row["epcs"]
    return found


def transformations(asking: Asking, ids: Iterable[str]) -> dict[str, Found]:
    """Of transformations: where, by whom and with what they were done; journal position and audit hash."""
    found: dict[str, Found] = {}
    for some in chunks(sorted(set(ids))):
        for row in asking.rows(_MADE, {"site": asking.site, "some": some}):
            said = loads(row["decision"])["decision"]
            found[row["subject"]] = {name: said.get(name) or None for name in ("location", "by", "device")}
            found[row["subject"]] |= {"position": row["position"], "hash": row["hash"]}
    return found


_MADE = select(audit.c.subject, audit.c.decision, audit.c.position, audit.c.hash).where(
    audit.c.site == _SITE, audit.c.kind == "transformation", audit.c.subject.in_(_SOME)
)
