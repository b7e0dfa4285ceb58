"""What a person names becomes a subject of tracing: a lot, a logistic unit or a tagged item.

One text may be read in several ways (18 digits are an SSCC and may be a lot number). Every reading is looked up; the
ledger says which of them exist. None, or more than one, is an error that says what to write instead.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from sqlalchemy import Select, Table, bindparam, select

from gateway.errors import TallymanError
from gateway.identity import decode, keys
from gateway.ledger.facts import Asking
from gateway.ledger.tables import (
    expected_lines,
    expected_units,
    items,
    lots,
    movement_items,
    movement_lines,
    movements,
    stock,
    unit_contents,
    units,
)

SHOWN = 20
"""Candidates that an ambiguous name lists."""

_ELEMENT = re.compile(r"\((\d{2,4})\)")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{4}){3,31}")
_URN = re.compile(r"urn:epc:(?:id:(?P<kind>sgtin|sscc)|class:(?P<class>lgtin)):(?P<rest>.+)")
_RAW = re.compile(r"urn:epc:raw:\d+\.x([0-9A-Fa-f]+)")


class SubjectError(TallymanError):
    """The ledger knows nothing by this name, or more than one thing."""


class Subject(Struct, frozen=True, order=True):
    """What is traced. `kind` lot (gtin, lot), unit (sscc) or item (epc; gtin and lot as the ledger believes)."""

    kind: str
    gtin: str = ""
    lot: str = ""
    sscc: str = ""
    epc: str = ""
    serial: str = ""

    @property
    def name(self) -> str:
        """The subject in GS1 element strings, which `find` reads without ambiguity; an item by its EPC."""
        if self.kind == "unit":
            return f"(00){self.sscc}"
        return f"(01){self.gtin}(10){self.lot}" if self.kind == "lot" else self.epc


def find(asking: Asking, text: str) -> Subject:
    """The one thing in the ledger that `text` names.

    A lot as GTIN/LOT, (01)…(10)… or its bare number; a unit as SSCC; an item as EPC hex or GTIN/SERIAL; each as EPC
    URN or GS1 Digital Link too.

    Raises:
        SubjectError: nothing, or several; the message names them.
    """
    text = text.strip()
    return _one(text, [one for reading in readings(text) for one in _known(asking, reading)])


def find_lot(asking: Asking, text: str) -> Subject:
    """`find` among lots only, for what is done to lots.

    Raises:
        SubjectError: no lot, or several.
    """
    text = text.strip()
    return _one(text, [one for reading in readings(text) if reading.kind == "lot" for one in _known(asking, reading)])


def _one(text: str, several: list[Subject]) -> Subject:
    found = sorted(set(several))
    if len(found) == 1:
        return found[0]
    if not found:
        raise SubjectError(
            f"{text!r} names nothing that this ledger knows here; write a lot as GTIN/LOT, a unit as SSCC of 18 "
            "digits, an item as EPC (hex, URN or Digital Link) or GTIN/SERIAL (`tallyman lots` lists the lots)"
        )
    listed = ", ".join(f"{one.kind} {one.name}" for one in found[:SHOWN])
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    raise SubjectError(f"{text!r} is ambiguous, it may be: {listed}{more}; name one of them like this")


def readings(text: str) -> Iterator[Subject]:
    """Every way to read `text`; a lot without GTIN is any lot of that number. Pure."""
    if not text.isprintable():  # no database holds such a name, and PostgreSQL refuses to be asked
        return
    if found := _elements(text) or _urn(text) or _link(text):
        yield found
        return
    bare = text[2:] if len(text) == 20 and text.startswith("00") else text
    if keys.sscc_problem(bare) is None:
        yield Subject("unit", sscc=bare)
    if _HEX.fullmatch(text):
        yield _tag(text.upper())
    head, slash, tail = text.partition("/")
    if slash and tail and keys.gtin_problem(head) is None:
        yield Subject("lot", gtin=keys.gtin14(head), lot=tail)
        yield Subject("item", gtin=keys.gtin14(head), serial=tail)
    if text:
        yield Subject("lot", lot=text)
        yield Subject("item", epc=text)  # an opaque id of another scheme


def _of(ai: dict[str, str]) -> Subject | None:
    """The subject that a set of application identifiers names: the finest of unit, item, lot."""
    if "00" in ai:
        return Subject("unit", sscc=ai["00"])
    gtin = ai.get("01", "").zfill(14)
    if keys.gtin_problem(gtin) is not None:
        return None
    if "21" in ai:
        return Subject("item", gtin=gtin, serial=ai["21"])
    return Subject("lot", gtin=gtin, lot=ai["10"]) if "10" in ai else None


def _elements(text: str) -> Subject | None:
    """`(01)09521321000018(10)L1` (GS1 General Specifications §7.8.6, human readable)."""
    parts = _ELEMENT.split(text)
    return _of(dict(zip(parts[1::2], parts[2::2], strict=True))) if not parts[0] and len(parts) > 2 else None


def _link(text: str) -> Subject | None:
    """`https://id.gs1.org/01/…/10/…`, on any host (GS1 Digital Link URI Syntax §4)."""
    if not text.startswith(("https://", "http://")):
        return None
    path = urlsplit(text).path.split("/")
    start = next((index for index, part in enumerate(path) if part in ("00", "01")), len(path))
    parts = [unquote(part) for part in path[start:]]
    return _of(dict(zip(parts[::2], parts[1::2], strict=False)))


def _urn(text: str) -> Subject | None:
    """EPC URNs of items, units and lots, and raw ones (TDS 2.3 §6.3, §6.4, §12)."""
    if raw := _RAW.fullmatch(text):
        return _tag(raw[1].upper())
    match = _URN.fullmatch(text)
    if match is None:
        return None
    parts = match["rest"].split(".", 2)
    if match["kind"] == "sscc" and len(parts) == 2 and len(parts[0] + parts[1]) == 17:
        body = parts[1][0] + parts[0] + parts[1][1:]
        return Subject("unit", sscc=body + keys.check_digit(body)) if body.isdigit() else None
    if len(parts) != 3 or not parts[1] or not (body := parts[1][0] + parts[0] + parts[1][1:]).isdigit():
        return None
    return _of({"01": body + keys.check_digit(body), "10" if match["class"] else "21": unquote(parts[2])})


def _tag(epc: str) -> Subject:
    """A tag's memory: that of a unit by its SSCC, any other by itself."""
    sscc = decode(epc).ai.get("00")
    return Subject("unit", sscc=sscc) if sscc else Subject("item", epc=epc)


def _known(asking: Asking, reading: Subject) -> list[Subject]:
    """What the ledger has of a reading."""
    if reading.kind == "unit":
        tables = (units, movements, expected_units)
        return [reading] if any(_any(asking, table, sscc=reading.sscc) for table in tables) else []
    if reading.kind == "item":
        return _items(asking, reading)
    if reading.gtin:
        known = any(_any(asking, table, gtin=reading.gtin, lot=reading.lot) for table in _LOTS)
        return [reading] if known else []
    gtins = {
        row["gtin"]
        for table in (lots, expected_lines)
        for row in asking.rows(select(table.c.gtin).where(table.c.site == asking.site, table.c.lot == reading.lot))
    }
    return [Subject("lot", gtin=gtin, lot=reading.lot) for gtin in gtins]


_LOTS = (lots, movement_lines, stock, unit_contents, expected_lines)


def _items(asking: Asking, reading: Subject) -> list[Subject]:
    query = select(items.c.epc, items.c.gtin, items.c.lot, items.c.serial).where(items.c.site == asking.site)
    if reading.epc:
        query = query.where(items.c.epc == reading.epc)
    else:
        query = query.where(items.c.gtin == reading.gtin, items.c.serial == reading.serial)
    found = [Subject("item", row["gtin"], row["lot"], "", row["epc"], row["serial"]) for row in asking.rows(query)]
    if not found and reading.epc and _any(asking, movement_items, epc=reading.epc):
        ai = decode(reading.epc).ai  # it moved, but never came to rest here
        return [Subject("item", ai.get("01", ""), "", "", reading.epc, ai.get("21", ""))]
    return found


def _any(asking: Asking, table: Table, **key: str) -> bool:
    """Whether the table has a row with these values."""
    statement = _first(table, tuple(key))
    return asking.connection.execute(statement, {"site": asking.site} | key).first() is not None


@cache
def _first(table: Table, names: tuple[str, ...]) -> Select[Any]:
    mine = (table.c[name] == bindparam(name) for name in ("site", *names))
    return select(table.c.site).where(*mine).limit(1)
