"""Facts beside the expectations: where all of a lot stands, receipts that wait, counters, documents as they came."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import and_, bindparam, select

from gateway.ledger.sql import Asking, among, chunks, here
from gateway.ledger.tables import (
    documents,
    expectations,
    expected_epcs,
    expected_lines,
    holds,
    items,
    numbering,
    pending_keys,
    pending_receipts,
    stock,
    unit_contents,
    units,
)
from gateway.model.documents import HoldOrder, Policy, Production
from gateway.model.facts import Coming, HoldFact, Item, OpenHold, Pending, Serial, Standing, Unit
from gateway.model.outcome import Movement


def item(row: Any) -> Item:
    """A row of `items` as a fact."""
    return Item(
        epc=row["epc"],
        gtin=row["gtin"],
        lot=row["lot"],
        state=row["state"],
        location=row["location"],
        parent=row["parent"],
        status=row["status"],
        expiry=row["expiry"],
    )


_BY_EPC = (
    select(expected_epcs, expected_lines.c.lot, expected_lines.c.expiry)
    .join(
        expected_lines,
        and_(
            *(expected_epcs.c[name] == expected_lines.c[name] for name in ("site", "kind", "document", "sscc", "line"))
        ),
    )
    .join(expectations, and_(*(expected_epcs.c[name] == expectations.c[name] for name in ("site", "kind", "document"))))
    .where(
        here(expected_epcs),
        among(expected_epcs.c.epc, "epcs"),
        expected_lines.c.lot.is_not(None),
        expectations.c.state != "withdrawn",
    )
)


def by_epc(asking: Asking, epcs: Iterable[str]) -> dict[str, list[Serial]]:
    """Items that a document names by their EPC: asns, commissioning lists, orders, each by id and line."""
    found: dict[str, list[tuple[Any, Serial]]] = defaultdict(list)
    for some in chunks(sorted(set(epcs))):
        for row in asking.mine(_BY_EPC, epcs=some):
            order = (row["kind"], row["document"], row["sscc"], row["line"])
            expectation = f"{row['kind']}/{row['document']}"
            serial = Serial(row["gtin"], row["lot"], expectation, row["sscc"], "epc", row["expiry"])
            found[row["epc"]].append((order, serial))
    return {
        epc: [one for _, one in sorted(several, key=lambda pair: pair[0])] for epc, several in sorted(found.items())
    }


def standing(asking: Asking, asked: Iterable[tuple[str, str]], unit_facts: Any) -> dict[str, tuple[Standing, ...]]:
    """Where all of a lot stands on this site, by location. `unit_facts` tells units with their contents."""
    found: dict[str, tuple[Standing, ...]] = {}
    for gtin, lot in sorted(set(asked)):
        of = {table: and_(table.c.site == asking.site, table.c.gtin == gtin, table.c.lot == lot) for table in _OF_LOT}
        amounts: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
        for row in asking.rows(select(stock).where(of[stock], stock.c.quantity != 0)):
            amounts[row["location"]].append((row["status"], row["unit"], row["quantity"]))
        tagged: dict[str, list[Item]] = defaultdict(list)
        for row in asking.rows(select(items).where(of[items], items.c.location.is_not(None)).order_by(items.c.epc)):
            tagged[row["location"]].append(item(row))
        inside = select(unit_contents.c.sscc).where(of[unit_contents])
        there = and_(units.c.site == asking.site, units.c.sscc.in_(inside), units.c.location.is_not(None))
        carrying: dict[str, list[Unit]] = defaultdict(list)
        for unit in unit_facts(asking, asking.connection.scalars(select(units.c.sscc).where(there)).all()).values():
            carrying[unit.location].append(unit)
        stopped: dict[str, list[OpenHold]] = defaultdict(list)
        for row in asking.rows(select(holds).where(of[holds], holds.c.released.is_(None)).order_by(holds.c.hold)):
            stopped[row["location"]].append(OpenHold(row["reason"], row["source"], row["whole"]))
        places = sorted({*amounts, *tagged, *carrying, *stopped})
        found[f"{gtin}/{lot}"] = tuple(
            Standing(
                location=place,
                stock=tuple(sorted(amounts[place])),
                units=tuple(carrying[place]),
                items=tuple(tagged[place]),
                holds=tuple(stopped[place]),
            )
            for place in places
        )
    return found


_OF_LOT = (stock, items, unit_contents, holds)


_PENDING = (
    select(pending_receipts.c.movement, pending_receipts.c.body, pending_receipts.c.gateway)
    .join(pending_keys, and_(*(pending_keys.c[name] == pending_receipts.c[name] for name in ("site", "movement"))))
    .where(here(pending_keys), among(pending_keys.c.key, "keys"), pending_receipts.c.state == "open")
)


def pending(asking: Asking, keys: Iterable[str]) -> dict[str, Pending]:
    """Open receipts that any of these keys finds, by movement."""
    found: dict[str, Pending] = {}
    for some in chunks(sorted(set(keys))):
        for row in asking.mine(_PENDING, keys=some):
            found[row["movement"]] = Pending(msgspec.convert(row["body"], Movement), row["gateway"])
    return dict(sorted(found.items(), key=lambda pair: (pair[1].movement.at, pair[0])))


_NUMBERS = select(numbering).where(here(numbering), among(numbering.c.day, "days")).order_by(numbering.c.counter)


def numbers(asking: Asking, days: Iterable[str]) -> dict[str, int]:
    """How far each counter of these days is, and each that never begins anew."""
    asked = sorted(set(days))
    if not asked:
        return {}
    return {row["counter"]: row["last"] for row in asking.mine(_NUMBERS, days=["", *asked])}


def policy(asking: Asking) -> Policy | None:
    """The policy in force."""
    rows = _documents(asking, "policy", [""])
    return msgspec.convert(rows[0]["body"], Policy) if rows else None


def productions(asking: Asking, ids: Iterable[str]) -> dict[str, Production]:
    """Production orders that stand and are not carried out."""
    return {row["document"]: msgspec.convert(row["body"], Production) for row in _documents(asking, "production", ids)}


def produced(asking: Asking, ids: Iterable[str]) -> tuple[str, ...]:
    """Production orders that are carried out."""
    return tuple(row["document"] for row in _documents(asking, "production", ids, "done"))


def holds_of_central(asking: Asking, ids: Iterable[str]) -> dict[str, HoldFact]:
    """Holds of central that stand."""
    found = {}
    for row in _documents(asking, "hold", ids):
        one = msgspec.convert(row["body"], HoldOrder)
        found[one.hold] = HoldFact(one.gtin, one.lot, one.location, one.reason, row["version"])
    return found


def partial(asking: Asking, asked: Iterable[tuple[str, str]]) -> dict[str, Coming]:
    """Which of these documents are not complete, in which version, and how much of them has come."""
    found = {}
    for kind, name in sorted(set(asked)):
        mine = and_(expectations.c.site == asking.site, expectations.c.kind == kind, expectations.c.document == name)
        query = select(expectations.c.version, expectations.c.parts).where(mine, expectations.c.parts.is_not(None))
        row = asking.connection.execute(query).first()
        if row is not None:
            found[f"{kind}/{name}"] = Coming(row.version, row.parts)
    return found


def version(asking: Asking, kind: str, name: str) -> int | None:
    """The version of a document that is kept as it came, withdrawn or not."""
    mine = and_(documents.c.site == asking.site, documents.c.kind == kind, documents.c.document == name)
    known: int | None = asking.connection.scalar(select(documents.c.version).where(mine))
    return known


_DOCUMENTS = (
    select(documents)
    .where(
        here(documents),
        documents.c.kind == bindparam("of_kind"),
        among(documents.c.document, "ids"),
        documents.c.state == bindparam("of_state"),
    )
    .order_by(documents.c.document)
)


def _documents(asking: Asking, kind: str, ids: Iterable[str], state: str = "known") -> list[Any]:
    rows: list[Any] = []
    for some in chunks(sorted(set(ids))):
        rows += asking.mine(_DOCUMENTS, of_kind=kind, ids=some, of_state=state)
    return rows
