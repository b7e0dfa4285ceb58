"""A recall: all of a lot, and of what was made from it, that is here; and all that left, with destination and time."""

from collections.abc import Iterable

from sqlalchemy import and_, func, select

from gateway.ledger.facts import Asking
from gateway.ledger.genealogy import Lot, family, lines_of, units_holding
from gateway.ledger.history import REFUSED, Found
from gateway.ledger.subjects import Subject
from gateway.ledger.tables import expectations, expected_lines, expected_units, items
from gateway.ledger.tracing import SCHEMA, crossings, lot_rows, story_of, unit_rows
from gateway.model.quantity import format_quantity

USED = "production"
"""The purpose of a movement out of stock into products; these are part of the recall themselves."""


def recall(asking: Asking, subject: Subject) -> Found:
    """What a recall of this lot means for this site (docs/traceability.md lists the keys). It changes nothing.

    `here` is stock by lot and place, `left` every line that went out, `used` what went into production, `refused` what
    was turned back on its way out (look whether it did turn back), `announced` what suppliers say is still to come.
    """
    kin = family(asking, [(subject.gtin, subject.lot)], forward=True, back=False)
    named = sorted(kin.lots)
    story = story_of(asking, lines_of(asking, named))
    rows = lot_rows(asking, kin)
    here = [
        {"gtin": lot["gtin"], "lot": lot["lot"], "held": lot["held"]} | place for lot in rows for place in lot["stock"]
    ]
    gone = [one for one in crossings(story) if one["to"] is None]
    turned = [one for one in story if one["verdict"] == REFUSED and one["to"] is None]
    return {
        "schema": SCHEMA,
        "subject": {"kind": "lot", "gtin": subject.gtin, "lot": subject.lot},
        "complete": kin.complete,
        "lots": rows,
        "lineage": kin.links,
        "here": here,
        "units": [unit for unit in unit_rows(asking, units_holding(asking, named)) if unit["location"] is not None],
        "items": _items(asking, named),
        "left": [one for one in gone if one["purpose"] != USED],
        "used": [one for one in gone if one["purpose"] == USED],
        "refused": crossings([one | {"verdict": ""} for one in turned]),
        "announced": _announced(asking, named),
    }


def _items(asking: Asking, named: Iterable[Lot]) -> list[Found]:
    """How many tagged items of the lots are where."""
    found = []
    of = items.c
    for gtin, lot in named:
        mine = (of.site == asking.site, of.gtin == gtin, of.lot == lot, of.location.is_not(None))
        count = select(of.location, of.status, func.count().label("items")).where(*mine)
        rows = asking.rows(count.group_by(of.location, of.status).order_by(of.location, of.status))
        found += [{"gtin": gtin, "lot": lot, **row} for row in rows]
    return found


def _announced(asking: Asking, named: Iterable[Lot]) -> list[Found]:
    """Lines of ASNs that stand and whose unit has not come."""
    line, unit = expected_lines.c, expected_units.c
    same = and_(*(line[name] == unit[name] for name in ("site", "kind", "document", "sscc")))
    document = and_(*(line[name] == expectations.c[name] for name in ("site", "kind", "document")))
    columns = (line.document, line.sscc, line.line, line.gtin, line.lot, line.quantity, line.unit, expectations.c.party)
    found = []
    for gtin, lot in named:
        mine = (line.site == asking.site, line.lot == lot, line.gtin == gtin, line.kind == "asn")
        query = select(*columns).join(expected_units, same).join(expectations, document)
        query = query.where(*mine, unit.state == "expected", expectations.c.state != "withdrawn")
        # Sorted here: asked for an order, SQLite walks the key in that order, through every line ever announced.
        for row in sorted(asking.rows(query), key=lambda row: (row["document"], row["sscc"], row["line"])):
            found.append({"asn": row["document"], **row, "quantity": format_quantity(row["quantity"])})
            del found[-1]["document"], found[-1]["line"]
    return found
