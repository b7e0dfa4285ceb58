"""The reference of rules as text: tables of facts and reasons, made from what the rules themselves use. Pure.

`docs/rules.md` holds what this prints between its markers; a test compares both.
"""

import dataclasses
import typing
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from gateway.events.sentences import SENTENCES
from gateway.rules import reasons
from gateway.rules.checks import AlarmChecks, ExcursionChecks, MeasurementChecks, MovementChecks
from gateway.rules.ruleset.conditions import bare

TITLES = {
    MovementChecks: "Facts of a movement (`receive`, `return`, `ship`, `transfer`, `movement`)",
    MeasurementChecks: "Facts of a measurement (`measurement`)",
    AlarmChecks: "Facts of an alarm (`alarm`)",
    ExcursionChecks: "Facts of an excursion (`excursion`)",
}

MOST_WORDS = 10
"""Words of a closed set that a table spells out."""


def facts() -> str:
    """Every fact, by what a rule looks at: its name, what it is, and its default, as Markdown tables."""
    lines: list[str] = []
    for table, title in TITLES.items():
        lines += [f"### {title}", "", f"{_first(table)}", "", *_table(table), ""]
    return "\n".join(lines).rstrip() + "\n"


def codes() -> str:
    """Every reason code that a movement can have, with its sentence and what the built-in table makes of it."""
    lines = ["| reason | receive | ship | transfer | says |", "|---|---|---|---|---|"]
    for code, sentence in SENTENCES.items():
        verdicts = [reasons.TABLES[kind].get(code, "") for kind in ("receive", "ship", "transfer")]
        lines.append(f"| `{code}` | {' | '.join(verdicts)} | {sentence} |")
    return "\n".join(lines) + "\n"


def _table(table: type) -> Iterator[str]:
    yield "| fact | type | says | default |"
    yield "|---|---|---|---|"
    yield from _rows(table, "")


def _rows(table: type, prefix: str) -> Iterator[str]:
    hints = typing.get_type_hints(table)
    for field in dataclasses.fields(table):
        kind, nullable = bare(hints[field.name])
        name = f"{prefix}{field.name}"
        if dataclasses.is_dataclass(kind):
            null = "may be null: write `&.`" if nullable else ""
            yield f"| **`{name}`** | group | {field.metadata['says']} | {null} |"
            yield from _rows(typing.cast(type, kind), f"{name}{'&.' if nullable else '.'}")
            continue
        sort = _type(kind, field.metadata["words"], nullable=nullable)
        yield f"| `{name}` | {sort} | {field.metadata['says']} | {_default(field)} |"
        inner = typing.get_args(kind)
        if inner and dataclasses.is_dataclass(inner[0]):
            yield from _rows(typing.cast(type, inner[0]), f"{name}[].")


_TYPES: dict[Any, str] = {
    bool: "true or false",
    str: "text",
    int: "number",
    float: "number",
    Decimal: "number",
    datetime: "instant",
}


def _type(kind: Any, words: tuple[str, ...], *, nullable: bool) -> str:
    if typing.get_origin(kind) is tuple:
        text = "list of texts" if typing.get_args(kind)[0] is str else "list"
        return f"{text} (reasons)" if len(words) > MOST_WORDS else text
    text = _TYPES[kind]
    if words:
        text = ", ".join(f"`{word}`" if word else "empty" for word in words)
    return f"{text}, or null" if nullable else text


def _default(field: Any) -> str:
    value = field.default
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return "[]"
    return "1970-01-01" if isinstance(value, datetime) else f"{value}".removesuffix(".0")


def _first(table: type) -> str:
    """The first paragraph of a class, as one line."""
    text = (table.__doc__ or "").split("\n\n", 1)[0]
    return " ".join(text.split())
