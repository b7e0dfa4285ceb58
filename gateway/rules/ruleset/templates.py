"""Texts with facts in them: `{fefo.lot}` in a note, a notice or an alarm is filled from the fact table."""

import dataclasses
import re
import typing

from gateway.rules.ruleset.conditions import Path, bare, field_at, plain, value_at

_HOLE = re.compile(r"\{([^{}]*)\}")

UNKNOWN = "–"
"""What stands for a fact that is null."""


def template_problem(text: str, table: type) -> str | None:
    """What is wrong with the holes of a text; None when every one is a fact of the table."""
    for name in _HOLE.findall(text):
        path = tuple(name.split("."))
        if field_at(table, path) is None:
            return f"{{{name}}} is no fact; write {{type}} or {{expiry.days_left}}, a name of the fact table"
        if problem := group_problem(table, path):
            return f"{{{name}}} {problem}"
    rest = _HOLE.sub("", text)
    return "has a single { or }; a fact stands between both" if "{" in rest or "}" in rest else None


def paths_in(text: str) -> list[Path]:
    """The facts that a text speaks of."""
    return [tuple(name.split(".")) for name in _HOLE.findall(text)]


def group_problem(table: type, path: tuple[str, ...]) -> str | None:
    """Whether a path is a group of facts, or a list, where one value is needed."""
    here: typing.Any = table
    for name in path:
        here = bare(typing.get_type_hints(here)[name])[0]
    if dataclasses.is_dataclass(here):
        return f"is a group of facts; name one of {', '.join(field.name for field in dataclasses.fields(here))}"
    return "is a list, not one value" if typing.get_origin(here) is tuple and not _words(here) else None


def _words(kind: typing.Any) -> bool:
    return typing.get_args(kind) == (str, ...)


def filled(text: str, facts: object) -> str:
    """The text with its holes filled."""

    def fill(match: re.Match[str]) -> str:
        value = plain(value_at(facts, tuple(match[1].split("."))))
        if isinstance(value, list):
            return ", ".join(str(one) for one in value) or UNKNOWN
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, float):
            return str(value).removesuffix(".0")
        return UNKNOWN if value is None else str(value)

    return _HOLE.sub(fill, text)
