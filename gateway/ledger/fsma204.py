"""FSMA 204: the key data elements of receiving, shipping and transformation, as rows of a sortable spreadsheet.

21 CFR part 1 subpart S, "Additional Traceability Records for Certain Foods". A row is one critical tracking event (CTE)
of one traceability lot: receiving (§1.1345(a)), shipping (§1.1340(a)) or transformation (§1.1350(a)). §1.1455(c)(3)
wants an electronic sortable spreadsheet within 24 hours. What the ledger does not know is None and stays an empty cell:
nothing here is guessed. Which foods are on the Food Traceability List is not known here; ask for their lots.

Left out are movements inside the site (§1.1310: shipping leads to another address), what was refused, disposal, and
production's own receipts and issues, which transformation tells.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import RowMapping, select

from gateway.ledger.genealogy import Lot, lines_of
from gateway.ledger.history import REFUSED, Found, lines_of_movements, transformations
from gateway.ledger.sql import Asking, chunks
from gateway.ledger.tables import lineage, lots, movements, sites
from gateway.model.quantity import format_quantity

COLUMNS = (
    "cte",  # receiving | shipping | transformation_input | transformation_output
    "traceability_lot_code",  # §1.1340(a)(1), §1.1345(a)(1), §1.1350(a)(1)(i), (a)(2)(i): GTIN and lot
    "gtin",
    "lot",
    "quantity",  # §1.1340(a)(2), §1.1345(a)(2), §1.1350(a)(1)(iii), (a)(2)(v)
    "unit_of_measure",
    "product_description",  # §1.1340(a)(3), §1.1345(a)(3), §1.1350(a)(1)(ii), (a)(2)(iv)
    "immediate_previous_source",  # §1.1345(a)(4)
    "received_at",  # §1.1345(a)(5)
    "immediate_subsequent_recipient",  # §1.1340(a)(4)
    "shipped_from",  # §1.1340(a)(5)
    "transformed_at",  # §1.1350(a)(2)(ii)
    "date",  # §1.1340(a)(6), §1.1345(a)(6), §1.1350(a)(2)(iii): of the site
    "time",
    "traceability_lot_code_source",  # §1.1340(a)(7), §1.1345(a)(7), §1.1350(a)(2)(ii)
    "reference_document_type",  # §1.1340(a)(8), §1.1345(a)(8), §1.1350(a)(2)(vi)
    "reference_document_number",
    "sscc",
    "record",  # id of the movement or transformation: `tallyman trace` leads from its lot to the evidence
    "event",
    "journal_position",
)
"""Of the CSV, in the order of the rule; the last four lead to the evidence."""

WANTED = {
    "receiving": ("immediate_previous_source", "received_at"),
    "shipping": ("immediate_subsequent_recipient", "shipped_from"),
    "transformation_input": (),
    "transformation_output": ("transformed_at", "traceability_lot_code_source"),
}
"""KDEs of a CTE beside those of all (`ALWAYS`, and `SENT` of what came or went)."""

ALWAYS = ("traceability_lot_code", "quantity", "unit_of_measure", "product_description", "date")
SENT = ("traceability_lot_code_source", "reference_document_type", "reference_document_number")

CTES = {"receive": "receiving", "return": "receiving", "ship": "shipping"}
INSIDE = ("production", "disposal")
"""Purposes that make a movement no receiving and no shipping."""

TLC_SOURCE = ("tlc_source", "tlcSource", "traceability_lot_code_source")
"""Attributes of a lot that name the traceability lot code source, or a reference to it (§1.1310)."""


def rows(asking: Asking, start: int, end: int, lot: Lot | None = None) -> list[Found]:
    """Every CTE from `start` up to, and without, `end` (µs), of one lot or of all, by time."""
    site = asking.connection.execute(select(sites).where(sites.c.site == asking.site)).mappings().one()
    told = [*_moved(asking, site, start, end, lot), *_transformed(asking, site, start, end, lot)]
    told.sort(key=lambda row: (row.pop("at"), row["record"], row["cte"], row["gtin"] or "", row["lot"] or ""))
    master = _master(asking, {(row["gtin"], row["lot"]) for row in told if row["gtin"] and row["lot"]})
    for row in told:
        known = master.get((row["gtin"], row["lot"]))
        row["product_description"] = known["product"] if known else None
        if row["cte"] == "transformation_output":
            row["traceability_lot_code_source"] = site["gln"] or asking.site
        else:
            row["traceability_lot_code_source"] = _tlc_source(known)
    return told


def unknown(told: Iterable[Found]) -> dict[str, dict[str, int]]:
    """How many cells of each KDE are empty, by CTE: what a person has to add, or to ask a supplier for."""
    found: dict[str, dict[str, int]] = {}
    for row in told:
        sent = SENT if row["cte"] in ("receiving", "shipping") else ()
        for name in (*ALWAYS, *WANTED[row["cte"]], *sent):
            if row[name] in (None, ""):
                of = found.setdefault(row["cte"], {})
                of[name] = of.get(name, 0) + 1
    return found


def _moved(asking: Asking, site: RowMapping, start: int, end: int, lot: Lot | None) -> Iterator[Found]:
    """Receiving and shipping: a row a line. A movement that was corrected is told by the one that took its place."""
    of = movements.c
    mine = (of.site == asking.site, of.at >= start, of.at < end, of.verdict != REFUSED, of.type.in_(sorted(CTES)))
    lines = lines_of(asking, [lot]) if lot is not None else None
    wanted = select(movements).where(*mine)
    if lines is None:
        several = asking.rows(wanted)
    else:
        several = [row for some in chunks(sorted(lines)) for row in asking.rows(wanted.where(of.movement.in_(some)))]
    corrected = {row["evidence"].get("corrects") for row in several}
    kept = [row for row in several if row["purpose"] not in INSIDE and row["movement"] not in corrected]
    for some in chunks(kept):
        found = lines if lines is not None else lines_of_movements(asking, [row["movement"] for row in some])
        for row in some:
            for line in found[row["movement"]]:
                yield _row(CTES[row["type"]], site, row["at"], line) | _crossing(row, site)


def _crossing(row: RowMapping, site: RowMapping) -> Found:
    """The KDEs of a movement over the site's border."""
    papers = row["evidence"].get("documents") or ()
    documents = [(one["type"], one["id"]) for one in papers]
    kind, _, ident = (row["expectation"] or "").partition("/")
    if not documents and ident:
        documents = [(kind, ident)]
    came = CTES[row["type"]] == "receiving"
    return {
        "immediate_previous_source": row["party"] if came else None,
        "received_at": _place(site, row["destination"]) if came else None,
        "immediate_subsequent_recipient": None if came else row["party"],
        "shipped_from": None if came else _place(site, row["origin"]),
        "reference_document_type": "; ".join(one for one, _ in documents) or None,
        "reference_document_number": "; ".join(one for _, one in documents) or None,
        "sscc": row["sscc"],
        "record": row["movement"],
        "event": row["event"],
        "journal_position": row["position"],
    }


def _transformed(asking: Asking, site: RowMapping, start: int, end: int, lot: Lot | None) -> Iterator[Found]:
    """Transformation: a row a lot that went in, a row a lot that came out."""
    of = lineage.c
    mine = [of.site == asking.site, of.at >= start, of.at < end]
    if lot is None:
        several = asking.rows(select(lineage).where(*mine))
    else:
        ends = [(of.parent_gtin, of.parent_lot), (of.child_gtin, of.child_lot)]
        own = [row for pair in ends for row in asking.rows(select(lineage).where(
            of.site == asking.site, pair[0] == lot[0], pair[1] == lot[1]))]  # fmt: skip
        names = sorted({row["transformation"] for row in own if start <= row["at"] < end})
        several = [row for some in chunks(names)
                   for row in asking.rows(select(lineage).where(*mine, of.transformation.in_(some)))]  # fmt: skip
    told = transformations(asking, {row["transformation"] for row in several})
    seen = set()
    for row in several:
        made = told.get(row["transformation"], {})
        for cte, name in (("transformation_input", "parent"), ("transformation_output", "child")):
            key = (row["transformation"], cte, row[f"{name}_gtin"], row[f"{name}_lot"], row[f"{name}_unit"])
            if key in seen:
                continue
            seen.add(key)
            line = {one: row[f"{name}_{one}"] for one in ("gtin", "lot", "quantity", "unit")}
            yield _row(cte, site, row["at"], line) | {
                "transformed_at": _place(site, made.get("location")),
                "reference_document_type": "production order" if row["production"] else None,
                "reference_document_number": row["production"],
                "record": row["transformation"],
                "journal_position": made.get("position"),
            }


def _row(cte: str, site: RowMapping, at: int, line: Any) -> Found:
    """A row with what every CTE has."""
    when = datetime.fromtimestamp(at // 1_000_000, tz=UTC).astimezone(ZoneInfo(site["timezone"]))
    known = line["gtin"] and line["lot"]
    return dict.fromkeys(COLUMNS) | {
        "cte": cte,
        "traceability_lot_code": f"(01){line['gtin']}(10){line['lot']}" if known else None,
        "gtin": line["gtin"] or None,
        "lot": line["lot"] or None,
        "quantity": format_quantity(line["quantity"]),
        "unit_of_measure": line["unit"],
        "date": when.date().isoformat(),
        "time": when.isoformat(),
        "at": at,  # µs, to sort by; what happened in one second has an order too
    }


def _place(site: RowMapping, location: str | None) -> str | None:
    """A location of the site, by the site's GLN and its own name."""
    return None if location is None else f"{site['gln'] or site['site']} {location}"


def _master(asking: Asking, named: Iterable[Lot]) -> dict[Lot, RowMapping]:
    by_gtin: dict[str, list[str]] = {}
    for gtin, lot in sorted(named):
        by_gtin.setdefault(gtin, []).append(lot)
    of = lots.c
    return {
        (gtin, row["lot"]): row
        for gtin, numbers in by_gtin.items()
        for some in chunks(numbers)
        for row in asking.rows(select(lots).where(of.site == asking.site, of.gtin == gtin, of.lot.in_(some)))
    }


def _tlc_source(lot: RowMapping | None) -> str | None:
    attributes = (lot["attributes"] if lot is not None else None) or {}
    named = next((attributes[name] for name in TLC_SOURCE if attributes.get(name)), None)
    return None if named is None else str(named)
