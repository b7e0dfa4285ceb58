"""LLRP's messages and parameters as tables, compiled once from the text of `tables_llrp101`.

This file knows shapes and names; it does not know what to do with them (that is `codec`).
"""

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from gateway.readers.llrp import tables_llrp101 as text


class Field(NamedTuple):
    """One field as the standard lists it. `kind` is u8, utf8v, … or `-` for reserved bits; `bits` 0 when it varies."""

    name: str
    kind: str
    bits: int
    enumeration: str | None


class Scalars(NamedTuple):
    """Step: whole-byte numbers that stand side by side, read in one go."""

    names: tuple[str, ...]
    layout: Struct


class Bits(NamedTuple):
    """Step: fields smaller than a byte, packed into `size` bytes; each (name, shift, width, is a flag)."""

    size: int
    fields: tuple[tuple[str, int, int, bool], ...]


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
    """One message or parameter."""

    number: int
    name: str
    fields: tuple[Field, ...]
    steps: tuple[Step, ...]
    children: tuple[Child, ...]
    size: int  # of its fixed fields, in bytes


_SCALAR = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "s8": "b", "s16": "h", "u96": "12s"}
_WIDTH = {"u1": 1, "u2": 2, "u8": 8, "s8": 8, "u16": 16, "s16": 16, "u32": 32, "u64": 64, "u96": 96}


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
    kind, _, enumeration = kind.partition("=")
    if name == "-":
        return Field("", "-", int(kind), None)
    return Field(name, kind, _WIDTH.get(kind, 0), enumeration or None)


def _bits(run: list[Field]) -> Bits:
    left = total = sum(field.bits for field in run)
    fields = []
    for field in run:
        left -= field.bits
        if field.name:
            fields.append((field.name, left, field.bits, field.bits == 1 and field.enumeration is None))
    return Bits(total // 8, tuple(fields))


def _steps(fields: tuple[Field, ...]) -> Iterator[Step]:
    """Group fields into steps: runs of bits up to a byte boundary, runs of numbers, and each variable field alone."""
    bits: list[Field] = []
    scalars: list[Field] = []
    for field in fields:
        if bits or field.kind in ("u1", "u2", "-"):
            if scalars:
                yield _scalars(scalars)
                scalars = []
            bits.append(field)
            if sum(f.bits for f in bits) % 8 == 0:
                yield _bits(bits)
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


def _definition(line: str) -> Definition:
    head, _, tail = line.partition("|")
    number, name, *tokens = head.split()
    fields = tuple(_field(token) for token in tokens)
    children = tuple(Child(t.rstrip("?*+"), t[-1] if t[-1] in "?*+" else "") for t in tail.split())
    return Definition(int(number), name, fields, tuple(_steps(fields)), children, sum(f.bits for f in fields) // 8)


MESSAGES = {d.name: d for d in map(_definition, _lines(text.MESSAGES))}
PARAMETERS = {d.name: d for d in map(_definition, _lines(text.PARAMETERS))}
MESSAGE_NUMBERS = {d.number: d for d in MESSAGES.values()}
PARAMETER_NUMBERS = {d.number: d for d in PARAMETERS.values()}

CHOICES = {name: tuple(members) for name, *members in map(str.split, _lines(text.CHOICES))}
"""Choice → names of the parameters it stands for."""

ENUMERATIONS = {
    name: {int(value): label for value, _, label in (entry.partition("=") for entry in entries)}
    for name, *entries in map(str.split, _lines(text.ENUMERATIONS))
}
"""Enumeration → value → name."""

RESPONSES = {name: f"{name}_RESPONSE" for name in MESSAGES if f"{name}_RESPONSE" in MESSAGES} | {
    "CUSTOM_MESSAGE": "CUSTOM_MESSAGE"
}
"""Request → the message that answers it. KEEPALIVE_ACK and ENABLE_EVENTS_AND_REPORTS have none."""

TV_LAST = 127
"""Parameters up to this number are TV encoded (a bit, seven bits of type, no length); above, TLV."""


def label(enumeration: str, value: int) -> str:
    """The standard's name of a value, or the number itself where it has none."""
    return ENUMERATIONS[enumeration].get(value, str(value))
