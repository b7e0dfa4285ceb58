"""Random LLRP messages made from the tables: fast, repeatable by a seed, for fuzzing and for foreign codecs."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from gateway.readers.llrp import tables_llrp101
from gateway.readers.llrp.codec import BitString, Message, Parameter
from gateway.readers.llrp.tables import (
    CUSTOM_MESSAGES,
    CUSTOM_PARAMETERS,
    ENUMERATIONS,
    VERSIONS,
    Definition,
    Field,
    Tables,
    choices,
    definitions,
)

PUBLISHED = Tables(
    definitions(tables_llrp101.MESSAGES), definitions(tables_llrp101.PARAMETERS), choices(tables_llrp101.CHOICES)
)
"""LLRP 1.0.1 alone, as published: what every foreign codec knows."""


def _bits(rng: Random) -> BitString:
    bits = rng.choice((0, 1, 9, 16, 96, 128))
    spare = -bits % 8
    return BitString(bits, (rng.getrandbits(bits) << spare).to_bytes((bits + 7) // 8, "big") if bits else b"")


VALUES: dict[str, Callable[[Random], Any]] = {
    "u1": lambda rng: rng.random() < 0.5,
    "u2": lambda rng: rng.getrandbits(2),
    "u96": lambda rng: rng.randbytes(12),
    "u1v": _bits,
    "u8v": lambda rng: rng.randbytes(rng.randrange(6)),
    "u16v": lambda rng: tuple(rng.getrandbits(16) for _ in range(rng.randrange(4))),
    "u32v": lambda rng: tuple(rng.getrandbits(32) for _ in range(rng.randrange(4))),
    "utf8v": lambda rng: rng.choice(("", "5.14.0.240", "Ümläut", "読み")),
    "rest": lambda rng: rng.randbytes(rng.randrange(6)),
    **{f"u{n}": lambda rng, n=n: rng.getrandbits(n) for n in (8, 16, 32, 64)},
    **{f"s{n}": lambda rng, n=n: rng.getrandbits(n) - (1 << n - 1) for n in (8, 16, 32)},
}


class Samples:
    """Random messages of one version. `customs` are the custom parameters that may stand where Custom may.

    With `named` a field whose values have names has one of those.
    """

    named = True

    def __init__(
        self, rng: Random, version: int = 1, tables: Tables | None = None, customs: Sequence[str] = ()
    ) -> None:
        self.rng, self.version, self.customs = rng, version, customs
        self.tables = tables or VERSIONS[version]

    def message(self, name: str = "") -> Message:
        """A message of that name, or of any."""
        name = name or self.rng.choice([*self.tables.messages])
        definition = self.tables.messages.get(name) or CUSTOM_MESSAGES[name]
        fields, children = self._fields(definition), self._children(definition, 0)
        return Message(name, self.rng.getrandbits(32), fields, children, self.version)

    def parameter(self, name: str, depth: int = 0) -> Parameter:
        """A parameter of that name."""
        if name == "Custom" and self.customs:
            name = self.rng.choice(self.customs)
        definition = self.tables.parameters.get(name) or CUSTOM_PARAMETERS[name]
        return Parameter(name, self._fields(definition), self._children(definition, depth))

    def _fields(self, definition: Definition) -> dict[str, Any]:
        return {field.name: self._value(field) for field in definition.fields if field.name}

    def _value(self, field: Field) -> Any:
        if field.enumeration and field.bits and self.named:
            return self.rng.choice([*ENUMERATIONS[field.enumeration]])
        if field.name == "VendorIdentifier":
            return 1  # nobody we know: the body is not one that could be opened
        value = VALUES[field.kind](self.rng)
        return int(value) if field.kind == "u1" and field.enumeration else value

    def _children(self, definition: Definition, depth: int) -> tuple[Parameter, ...]:
        children = []
        for child in definition.children:
            names = self.tables.choices[child.name.strip("<>")] if child.name.startswith("<") else (child.name,)
            more = self.rng.random() < 0.5 / (depth + 1)
            times = {"": 1, "?": int(more), "*": 2 * more, "+": 1 + more}[child.repeat]
            children += [self.parameter(self.rng.choice(names), depth + 1) for _ in range(times if depth < 9 else 0)]
        return tuple(children)
