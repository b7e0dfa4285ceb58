"""Questions become facts: what the rules want to know, answered the same way every time (sorted, complete, pure reads).

Withdrawn expectations answer nothing but their version. `LotFact.held` is true while a hold on all of the lot in some
place is open; `held_at` says where.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import RowMapping, Select, Table, and_, bindparam, or_, select

from gateway.identity import decode
from gateway.ledger import goods, master
from gateway.ledger.announcements import EXPECTATIONS, serial_key
from gateway.ledger.outbox import kept
from gateway.ledger.sql import Asking as Asking
from gateway.ledger.sql import among, chunks, here
from gateway.ledger.tables import (
    expectations,
    expected_epcs,
    expected_lines,
    expected_ranges,
    expected_serials,
    expected_units,
    holds,
    items,
    lots,
    outbox,
    stays,
    unit_contents,
    units,
)
from gateway.model.documents import ExpectedLine, ExpectedUnit, Reference, Weight
from gateway.model.facts import (
    Content,
    Expected,
    Facts,
    Interval,
    Item,
    LotFact,
    OpenLot,
    OutboxFact,
    Questions,
    SentFact,
    Serial,
    Stay,
    Unit,
)
from gateway.model.quantity import format_quantity

_REFERENCES = tuple[Reference, ...]


def answer(asking: Asking, questions: Questions) -> Facts:
    """Everything the ledger knows of what is asked; every mapping in the order of its keys."""
    waiting = master.pending(asking, questions.pending)
    epcs = {*questions.epcs, *(epc for one in waiting.values() for line in one.movement.lines for epc in line.epcs)}
    there = _items(asking, epcs)
    parents = {item.parent for item in there.values() if item.parent is not None and item.location is not None}
    ssccs = {*questions.ssccs, *(one.movement.sscc for one in waiting.values() if one.movement.sscc is not None)}
    expected = _expected(asking, ssccs)
    inside = _units(asking, ssccs | parents)
    tagged = [decode(epc).ai for one in waiting.values() for line in one.movement.lines for epc in line.epcs]
    asked = {*questions.serials, *((ai["01"], ai["21"]) for ai in tagged if "21" in ai)}
    serials = _serials(asking, asked) | _by_epc(asking, epcs)
    # units whose own tag nobody heard: their items may speak for each other
    beside = {one.sscc for found in serials.values() for one in found if one.sscc} - ssccs
    orders = master.productions(asking, questions.productions)
    central = master.holds_of_central(asking, questions.holds)
    about = {*questions.standing, *((one.gtin, one.lot) for one in central.values())}
    about |= {(one.gtin, one.lot) for order in orders.values() for one in order.inputs if one.lot is not None}
    stands = master.standing(asking, about, _units)
    present = {_interval(asked): _stays(asking, asked) for asked in sorted(questions.stays, key=_interval)}
    named: set[tuple[str, str]] = set()
    for several in expected.values():
        named |= {(line.gtin, line.lot or "") for one in several for line in one.unit.lines}
    for unit in inside.values():
        named |= {(content.gtin, content.lot) for content in unit.contents}
    named |= {(item.gtin, item.lot) for item in there.values()}
    for found in serials.values():
        named |= {(serial.gtin, serial.lot) for serial in found}
    named |= about
    named |= {(one.gtin, one.lot) for order in orders.values() for one in order.outputs if one.lot is not None}
    named |= {(line.gtin or "", line.lot or "") for one in waiting.values() for line in one.movement.lines}
    named |= set(questions.lots) if waiting or not questions.pending else set()
    for stay in present.values():
        named |= {(one.gtin, one.lot) for one in stay}
    return Facts(
        expected=expected | _expected(asking, beside),
        units=inside,
        items=there,
        serials=serials,
        lots=_lots(asking, sorted((gtin, lot) for gtin, lot in named if gtin and lot)),
        documents=_versions(asking, questions.documents),
        stays={key: stay for key, stay in present.items() if stay},
        outbox=_outbox(asking, questions.outbox),
        sent={
            f"{first}/{last}": SentFact(*kept(asking.connection, asking.site, asking.gateway, first, last))
            for first, last in sorted(questions.sent)
        },
        open_lots=_open_lots(asking, expected, serials, {gtin for gtin, _ in questions.serials}),
        policy=master.policy(asking) if questions.policy else None,
        numbers=master.numbers(asking, {*questions.numbers, *_days(one.movement.at for one in waiting.values())}),
        standing=stands,
        pending=waiting,
        productions=orders,
        produced=master.produced(asking, questions.productions),
        holds=central,
        goods=goods.standing(asking, named, questions.goods, goods.since(questions.day, expected))
        if questions.day
        else {},
        journeys=goods.journeys(asking, named) if "journeys" in questions.goods else {},
        partial=master.partial(asking, [one for one in questions.documents if one[0] in EXPECTATIONS]),
    )


def _days(instants: Iterable[int]) -> set[str]:
    """The days that instants (µs) may fall on, wherever on earth the site is."""
    days = (datetime.fromtimestamp(at // 1_000_000, tz=UTC).date() for at in instants)
    return {(day + timedelta(days=near)).isoformat() for day in days for near in (-1, 0, 1)}


def _interval(asked: Interval) -> str:
    return f"{asked.location}/{asked.start}/{asked.end}"


_DOCUMENT = and_(*(expectations.c[name] == expected_units.c[name] for name in ("site", "kind", "document")))
_EXPECTED = (
    select(
        expected_units,
        expectations.c.version,
        expectations.c.party,
        expectations.c.min_shelf_life_days,
        expectations.c.documents,
        expectations.c.type,
        expectations.c.extra.label("document_extra"),
    )
    .join(expectations, _DOCUMENT)
    .where(
        here(expected_units),
        among(expected_units.c.sscc, "ssccs"),
        expected_units.c.kind != "commission",
        expectations.c.state != "withdrawn",
    )
)


def _expected(asking: Asking, ssccs: Iterable[str]) -> dict[str, tuple[Expected, ...]]:
    found: dict[str, list[Expected]] = defaultdict(list)
    for some in chunks(sorted(set(ssccs))):
        rows = asking.mine(_EXPECTED, ssccs=some)
        lines = _lines(asking, some) if rows else {}
        for row in sorted(rows, key=lambda row: (row["sscc"], row["kind"], row["document"])):
            found[row["sscc"]].append(_one_expected(row, lines))
    return {sscc: tuple(found[sscc]) for sscc in sorted(found)}


def _one_expected(row: RowMapping, lines: dict[tuple[str, str, str], list[ExpectedLine]]) -> Expected:
    weight = Weight(row["weight"], row["weight_unit"]) if row["weight"] is not None else None
    unit = ExpectedUnit(row["sscc"], tuple(lines.get((row["kind"], row["document"], row["sscc"]), ())), weight)
    return Expected(
        kind=row["kind"],
        id=row["document"],
        version=row["version"],
        unit=unit,
        state=row["state"],
        documents=msgspec.convert(row["documents"], _REFERENCES),
        party=row["party"],
        min_shelf_life_days=row["min_shelf_life_days"],
        type=row["type"] or "",
        door=goods.door(row["document_extra"]),
    )


def _of_units(table: Table, *order: str) -> Select[Any]:
    key = [table.c[name] for name in ("kind", "document", "sscc", "line", *order)]
    return select(table).where(here(table), among(table.c.sscc, "ssccs")).order_by(*key)


_LINES = _of_units(expected_lines)
_NAMED = {table: _of_units(table, "ordinal") for table in (expected_serials, expected_ranges, expected_epcs)}


def _lines(asking: Asking, ssccs: Sequence[str]) -> dict[tuple[str, str, str], list[ExpectedLine]]:
    def of(table: Table) -> list[RowMapping]:
        return asking.mine(_NAMED[table], ssccs=ssccs)

    serials: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for row in of(expected_serials):
        serials[row["kind"], row["document"], row["sscc"], row["line"]].append(row["serial"])
    ranges: dict[tuple[Any, ...], list[tuple[str, str]]] = defaultdict(list)
    for row in of(expected_ranges):
        ranges[row["kind"], row["document"], row["sscc"], row["line"]].append((row["low"], row["high"]))
    epcs: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for row in of(expected_epcs):
        epcs[row["kind"], row["document"], row["sscc"], row["line"]].append(row["epc"])
    lines: dict[tuple[str, str, str], list[ExpectedLine]] = defaultdict(list)
    for row in asking.mine(_LINES, ssccs=ssccs):
        unit = row["kind"], row["document"], row["sscc"]
        line = ExpectedLine(
            gtin=row["gtin"],
            quantity=format_quantity(row["quantity"]),
            lot=row["lot"],
            unit=row["unit"],
            expiry=row["expiry"],
            serials=tuple(serials[*unit, row["line"]]),
            ranges=tuple(ranges[*unit, row["line"]]),
            epcs=tuple(epcs[*unit, row["line"]]),
        )
        lines[unit].append(line)
    return lines


_CONTENTS = (
    select(unit_contents)
    .where(here(unit_contents), among(unit_contents.c.sscc, "ssccs"))
    .order_by(unit_contents.c.sscc, unit_contents.c.line)
)
_UNITS = select(units).where(here(units), among(units.c.sscc, "ssccs")).order_by(units.c.sscc)


def _units(asking: Asking, ssccs: Iterable[str]) -> dict[str, Unit]:
    found: dict[str, Unit] = {}
    for some in chunks(sorted(set(ssccs))):
        contents: dict[str, list[Content]] = defaultdict(list)
        for row in asking.mine(_CONTENTS, ssccs=some):
            content = Content(
                gtin=row["gtin"],
                lot=row["lot"],
                quantity=row["quantity"],
                unit=row["unit"],
                basis=row["basis"],
                expiry=row["expiry"],
                prefix=row["prefix"],
                epcs=tuple(row["epcs"]),
                status=row["status"],
            )
            contents[row["sscc"]].append(content)
        for row in asking.mine(_UNITS, ssccs=some):
            found[row["sscc"]] = Unit(row["sscc"], row["location"], row["status"], tuple(contents[row["sscc"]]))
    return dict(sorted(found.items()))


_ITEMS = select(items).where(here(items), among(items.c.epc, "epcs"))


def _items(asking: Asking, epcs: Iterable[str]) -> dict[str, Item]:
    found: dict[str, Item] = {}
    for some in chunks(sorted(set(epcs))):
        for row in asking.mine(_ITEMS, epcs=some):
            found[row["epc"]] = master.item(row)
    return dict(sorted(found.items()))


def _announced(table: Table) -> Select[Any]:
    """Rows of `table` (serials or ranges) for a GTIN, with their line, of expectations that stand and name a lot."""
    line = and_(*(table.c[name] == expected_lines.c[name] for name in ("site", "kind", "document", "sscc", "line")))
    document = and_(*(table.c[name] == expectations.c[name] for name in ("site", "kind", "document")))
    return (
        select(table, expected_lines.c.lot, expected_lines.c.expiry)
        .join(expected_lines, line)
        .join(expectations, document)
        .where(
            here(table),
            table.c.gtin == bindparam("of_gtin"),
            expected_lines.c.lot.is_not(None),
            expectations.c.state != "withdrawn",
        )
    )


_SERIALS = _announced(expected_serials).where(among(expected_serials.c.serial, "serials"))
_RANGES = _announced(expected_ranges).where(
    expected_ranges.c.low_key <= bindparam("highest"), expected_ranges.c.high_key >= bindparam("lowest")
)


def _serials(asking: Asking, asked: Iterable[tuple[str, str]]) -> dict[str, tuple[Serial, ...]]:
    """Which lot an expectation says a serial has: named serials first, then ranges; asns first, by id and line."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for gtin, serial in asked:
        wanted[gtin].add(serial)
    found: dict[tuple[str, str], list[tuple[tuple[Any, ...], Serial]]] = defaultdict(list)
    for gtin, serials in wanted.items():
        for some in chunks(sorted(serials)):
            for row in asking.mine(_SERIALS, of_gtin=gtin, serials=some):
                found[gtin, row["serial"]].append(_serial(row, "serial"))
        for serial, row in _in_ranges(asking, gtin, serials):
            found[gtin, serial].append(_serial(row, "range"))
    answer: dict[str, tuple[Serial, ...]] = {}
    for (gtin, serial), several in sorted(found.items()):
        ordered = sorted(several, key=lambda pair: pair[0])
        answer[f"{gtin}/{serial}"] = tuple(one for _, one in ordered)
    return answer


def _by_epc(asking: Asking, epcs: Iterable[str]) -> dict[str, tuple[Serial, ...]]:
    return {epc: tuple(several) for epc, several in master.by_epc(asking, epcs).items()}


_OF_UNIT = and_(*(expected_lines.c[name] == expected_units.c[name] for name in ("site", "kind", "document", "sscc")))
_OPEN_LOTS = (
    select(expected_lines.c.document, expected_lines.c.gtin, expected_lines.c.lot, expected_lines.c.expiry)
    .join(expected_units, _OF_UNIT)
    .where(
        here(expected_lines),
        expected_lines.c.kind == "asn",
        among(expected_lines.c.document, "asns"),
        among(expected_lines.c.gtin, "gtins"),
        expected_lines.c.lot.is_not(None),
        expected_units.c.state == "expected",
    )
    .distinct()
)


def _open_lots(
    asking: Asking, expected: dict[str, tuple[Expected, ...]], serials: dict[str, tuple[Serial, ...]], gtins: set[str]
) -> dict[str, tuple[OpenLot, ...]]:
    """The lots that an ASN in question still expects of the GTINs in question."""
    asns = {one.id for several in expected.values() for one in several if one.kind == "asn"}
    asns |= {one.expectation[4:] for several in serials.values() for one in several if one.expectation[:4] == "asn/"}
    found: dict[str, set[OpenLot]] = defaultdict(set)
    for some in chunks(sorted(asns)):
        for few in chunks(sorted(gtins)):
            for row in asking.mine(_OPEN_LOTS, asns=some, gtins=few):
                found[f"asn/{row['document']}/{row['gtin']}"].add(OpenLot(row["lot"], row["expiry"]))
    order = {key: sorted(several, key=lambda one: (one.lot, one.expiry or "")) for key, several in found.items()}
    return {key: tuple(order[key]) for key in sorted(order)}


def _in_ranges(asking: Asking, gtin: str, serials: set[str]) -> list[tuple[str, RowMapping]]:
    keys = {serial: key for serial in serials if (key := serial_key(serial)) is not None}
    if not keys:
        return []
    rows = asking.mine(_RANGES, of_gtin=gtin, lowest=min(keys.values()), highest=max(keys.values()))
    return [
        (serial, row)
        for serial, key in sorted(keys.items())
        for row in rows
        if row["low_key"] <= key <= row["high_key"]
        and (len(serial) == row["width"] if row["width"] else serial == "0" or not serial.startswith("0"))
    ]


def _serial(row: RowMapping, by: str) -> tuple[tuple[Any, ...], Serial]:
    order = (by != "serial", row["kind"], row["document"], row["sscc"], row["line"], row["ordinal"])
    expectation = f"{row['kind']}/{row['document']}"
    return order, Serial(row["gtin"], row["lot"], expectation, row["sscc"], by, row["expiry"])


_LOTS = select(lots).where(here(lots), lots.c.gtin == bindparam("of_gtin"), among(lots.c.lot, "lots"))
_HELD = select(holds.c.lot, holds.c.location).where(
    here(holds),
    holds.c.gtin == bindparam("of_gtin"),
    among(holds.c.lot, "lots"),
    holds.c.released.is_(None),
    holds.c.whole,
)


def _lots(asking: Asking, named: list[tuple[str, str]]) -> dict[str, LotFact]:
    by_gtin: dict[str, list[str]] = defaultdict(list)
    for gtin, lot in named:
        by_gtin[gtin].append(lot)
    found: dict[str, LotFact] = {}
    for gtin, numbers in by_gtin.items():
        for some in chunks(numbers):
            known = {row["lot"]: row for row in asking.mine(_LOTS, of_gtin=gtin, lots=some)}
            stopped: dict[str, set[str]] = defaultdict(set)
            for row in asking.mine(_HELD, of_gtin=gtin, lots=some):
                stopped[row["lot"]].add(row["location"])
            for lot in some:
                mine = known.get(lot)
                expiry, qc, life = (mine["expiry"], mine["qc"], mine["life"]) if mine else (None, None, None)
                held_at = tuple(sorted(stopped.get(lot, ())))
                found[f"{gtin}/{lot}"] = LotFact(
                    gtin, lot, expiry, qc, bool(held_at), held_at, life, **goods.master(mine)
                )
    return dict(sorted(found.items()))


def _versions(asking: Asking, asked: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Versions of documents, withdrawn ones included: an old version must not come back as new."""
    found: dict[str, int] = {}
    for kind, name in sorted(set(asked)):
        if kind == "lot":
            gtin, _, lot = name.partition("/")
            mine = and_(lots.c.site == asking.site, lots.c.gtin == gtin, lots.c.lot == lot, lots.c.version > 0)
            version = asking.connection.scalar(select(lots.c.version).where(mine))
        elif kind not in EXPECTATIONS:
            version = master.version(asking, kind, name)
        else:
            document = and_(expectations.c.kind == kind, expectations.c.document == name)
            version = asking.connection.scalar(
                select(expectations.c.version).where(expectations.c.site == asking.site, document)
            )
        if version is not None:
            found[f"{kind}/{name}"] = version
    return found


def _stays(asking: Asking, asked: Interval) -> tuple[Stay, ...]:
    """Stays that overlap [start, end); an empty span asks for that instant."""
    end = max(asked.end, asked.start + 1)
    overlapping = select(stays).where(
        stays.c.site == asking.site,
        stays.c.location == asked.location,
        stays.c.entered < end,
        or_(stays.c.left.is_(None), stays.c.left > asked.start),
    )
    found = [
        Stay(row["gtin"], row["lot"], row["entered"], row["left"], row["quantity"], row["unit"])
        for row in asking.rows(overlapping)
    ]
    return tuple(sorted(found, key=lambda stay: (stay.gtin, stay.lot, stay.entered, stay.unit)))


_OUTBOX = (
    select(outbox.c.seq, outbox.c.kind, outbox.c.topic, outbox.c.state)
    .where(here(outbox), outbox.c.gateway == bindparam("of_gateway"), among(outbox.c.seq, "seqs"))
    .order_by(outbox.c.seq)
)


def _outbox(asking: Asking, seqs: Iterable[int]) -> dict[str, OutboxFact]:
    found: dict[str, OutboxFact] = {}
    for some in chunks(sorted(set(seqs))):
        for row in asking.mine(_OUTBOX, of_gateway=asking.gateway, seqs=some):
            found[str(row["seq"])] = OutboxFact(row["seq"], row["kind"], row["topic"], row["state"])
    return found
