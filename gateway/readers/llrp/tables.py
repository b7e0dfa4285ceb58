"""LLRP's messages and parameters as tables, compiled once from the text of `tables_llrp101`, `_llrp11` and `_vendors`.

This file knows shapes and names; it does not know what to do with them (that is `codec`).
"""

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from gateway.readers.llrp import tables_llrp11, tables_llrp101, tables_vendors


class Field(NamedTuple):
    """One field as the standard lists it. `kind` is u8, utf8v, … or `-` for reserved bits; `bits` 0 when it varies."""

    name: str
    kind: str
    bits: int
    enumeration: str | None
    unit: str | None = None


class Scalars(NamedTuple):
    """Step: whole-byte numbers that stand side by side, read in one go."""

    names: tuple[str, ...]
    layout: Struct


class Bits(NamedTuple):
    """Step: fields smaller than a byte, packed into `size` bytes; each (name, shift, width, is a flag).

    Reserved bits should be zero. Where they are not, they are kept under the name `reserved`.
    """

    size: int
    fields: tuple[tuple[str, int, int, bool], ...]
    reserved: str
    mask: int  # ones where bits are reserved


class Variable(NamedTuple):
    """Step: one field whose length stands before it (u1v, u8v, u16v, u32v, utf8v), or which fills the end (rest)."""

    name: str
    kind: str


Step = Scalars | Bits | Variable


class Child(NamedTuple):
    """A parameter (or `<choice>`) inside another, and how often: "", ?, *, +."""

    name: str
    repeat: str


class Definition(NamedTuple):
    """One message or parameter. With a vendor it is a custom one, and its number is the subtype."""

    number: int
    name: str
    fields: tuple[Field, ...]
    steps: tuple[Step, ...]
    children: tuple[Child, ...]
    size: int  # of its fixed fields, in bytes
    vendor: int = 0


class Tables(NamedTuple):
    """Everything that one version of LLRP defines."""

    messages: dict[str, Definition]
    parameters: dict[str, Definition]
    choices: dict[str, tuple[str, ...]]


_SCALAR = dict(u8="B", u16="H", u32="I", u64="Q", u96="12s", s8="b", s16="h", s32="i")  # noqa: C408 - a line, not eight
_WIDTH = {"u1": 1, "u2": 2} | {kind: int(kind[1:]) for kind in _SCALAR}


def _lines(block: str) -> Iterator[str]:
    """Logical lines of a block: indented ones belong to the line before."""
    gathered = ""
    for line in block.splitlines():
        if line.startswith(" "):
            gathered += line
            continue
        if gathered:
            yield gathered
        gathered = line
    if gathered:
        yield gathered


def _field(token: str) -> Field:
    name, _, kind = token.partition(":")
    kind, _, unit = kind.partition("@")
    kind, _, enumeration = kind.partition("=")
    if name == "-":
        return Field("", "-", int(kind), None)
    return Field(name, kind, _WIDTH.get(kind, 0), enumeration or None, unit or None)


def _bits(run: list[Field], reserved: str) -> Bits:
    left = total = sum(field.bits for field in run)
    fields, mask = [], 0
    for field in run:
        left -= field.bits
        if field.name:
            fields.append((field.name, left, field.bits, field.bits == 1 and field.enumeration is None))
        else:
            mask |= (1 << field.bits) - 1 << left
    return Bits(total // 8, tuple(fields), reserved, mask)


def _steps(fields: tuple[Field, ...]) -> Iterator[Step]:
    """Group fields into steps: runs of bits up to a byte boundary, runs of numbers, and each variable field alone."""
    bits: list[Field] = []
    scalars: list[Field] = []
    runs = 0
    for field in fields:
        if bits or field.kind in ("u1", "u2", "-"):
            if scalars:
                yield _scalars(scalars)
                scalars = []
            bits.append(field)
            if sum(f.bits for f in bits) % 8 == 0:
                runs += 1
                yield _bits(bits, "Reserved" if runs == 1 else f"Reserved{runs}")
                bits = []
        elif field.kind in _SCALAR:
            scalars.append(field)
        else:
            if scalars:
                yield _scalars(scalars)
                scalars = []
            yield Variable(field.name, field.kind)
    if scalars:
        yield _scalars(scalars)


def _scalars(run: list[Field]) -> Scalars:
    return Scalars(tuple(f.name for f in run), Struct(">" + "".join(_SCALAR[f.kind] for f in run)))


def _definition(line: str, vendor: int) -> Definition:
    head, _, tail = line.partition("|")
    number, name, *tokens = head.split()
    fields = tuple(_field(token) for token in tokens)
    children = tuple(Child(t.rstrip("?*+"), t[-1] if t[-1] in "?*+" else "") for t in tail.split())
    size = sum(f.bits for f in fields) // 8
    return Definition(int(number), name, fields, tuple(_steps(fields)), children, size, vendor)


def definitions(block: str, vendor: int = 0) -> dict[str, Definition]:
    """Compile a block of definitions: name → definition, in the order of the text."""
    return {d.name: d for d in (_definition(line, vendor) for line in _lines(block))}


def choices(block: str) -> dict[str, tuple[str, ...]]:
    """Compile a block of choices: choice → names of the parameters it stands for."""
    return {name: tuple(members) for name, *members in map(str.split, _lines(block))}


def enumerations(*blocks: str) -> dict[str, dict[int, str]]:
    """Compile blocks of enumerations: enumeration → value → name. A later block adds to the values of an earlier."""
    found: dict[str, dict[int, str]] = {}
    for block in blocks:
        for name, *entries in map(str.split, _lines(block)):
            values = found.setdefault(name, {})
            for entry in entries:
                value, _, label = entry.partition("=")
                values[int(value)] = label
    return found


_OLD = Tables(
    definitions(tables_llrp101.MESSAGES),
    definitions(tables_llrp101.PARAMETERS),
    choices(tables_llrp101.CHOICES),
)
_NEW = Tables(
    definitions(tables_llrp11.MESSAGES),
    definitions(tables_llrp11.PARAMETERS),
    choices(tables_llrp11.CHOICES),
)
_1_0_1 = Tables(_NEW[0] | _OLD[0], _NEW[1] | _OLD[1], _NEW[2] | _OLD[2])

VERSIONS = {1: _1_0_1, 2: Tables(_OLD[0] | _NEW[0], _OLD[1] | _NEW[1], _OLD[2] | _NEW[2])}
"""Version in a message's header → tables. 1.0.1 knows what 1.1 added too, for some readers send it all the same (and
version negotiation may be asked of either); where 1.1 changed a definition each has its own."""

VERSION_NAMES = {1: "1.0.1", 2: "1.1"}

MESSAGES, PARAMETERS, CHOICES = _1_0_1
MESSAGE_NUMBERS = {d.number: d for d in MESSAGES.values()}
PARAMETER_NUMBERS = {d.number: d for d in PARAMETERS.values()}

CUSTOM_MESSAGES = {
    n: d for vendor, text in tables_vendors.MESSAGES.items() for n, d in definitions(text, vendor).items()
}
CUSTOM_PARAMETERS = {
    n: d for vendor, text in tables_vendors.PARAMETERS.items() for n, d in definitions(text, vendor).items()
}
"""Name → definition of the custom messages and parameters that we know."""

ENUMERATIONS = enumerations(tables_llrp101.ENUMERATIONS, tables_llrp11.ENUMERATIONS, tables_vendors.ENUMERATIONS)
"""Enumeration → value → name. No version or vendor gives another name to a value."""

RESPONSES = {name: f"{name}_RESPONSE" for name in MESSAGES if f"{name}_RESPONSE" in MESSAGES} | {
    "CUSTOM_MESSAGE": "CUSTOM_MESSAGE"
}
"""Request → the message that answers it. KEEPALIVE_ACK and ENABLE_EVENTS_AND_REPORTS have none."""

TV_LAST = 127
"""Parameters up to this number are TV encoded (a bit, seven bits of type, no length); above, TLV."""


def label(enumeration: str, value: int) -> str:
    """The standard's name of a value, or the number itself where it has none."""
    return ENUMERATIONS[enumeration].get(value, str(value))
