"""Sentences for what pydantic and tomllib refuse: what is wrong, what would be right, never a secret.

Paths are written as people say them: `portal.dock-1.antennas[0].reader`, or `portal[2]…` where the id is no help.
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from difflib import get_close_matches
from types import NoneType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from gateway.config.locate import Location
from gateway.config.values import SECRET_KEYS, usable_id

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_POSITION = re.compile(r"^(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$", re.DOTALL)
_LONGEST = 60


def quoted(text: str, *, whole: bool = False) -> str:
    """Text for a message: in single quotes, on one line, no control characters, cut to a readable length.

    `whole` leaves the end on: of a folder's path that is what tells where it is.
    """
    if len(text) > _LONGEST and not whole:
        text = text[:_LONGEST] + "…"
    return "'" + json.dumps(text, ensure_ascii=not text.isprintable())[1:-1].replace('\\"', '"') + "'"


def meant(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'xyz'?` when a known word is close, else nothing."""
    lowered: dict[str, str] = {}
    for candidate in known:
        lowered.setdefault(candidate.lower(), candidate)
    close = get_close_matches(word[:_LONGEST].lower(), lowered, n=1, cutoff=0.66)
    return f"; did you mean {quoted(lowered[close[0]])}?" if close else ""


def choices(known: Iterable[str]) -> str:
    """`'a', 'b' or 'c'`."""
    words = [quoted(word) for word in known]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + f" or {words[-1]}"


def is_secret(place: Location) -> bool:
    """Whether a value at this place must not be repeated."""
    return any(isinstance(step, str) and step.lower() in SECRET_KEYS for step in place)


def shown(value: Any) -> str:
    """What was given, for a message: the value where that helps and is harmless, else only what sort it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) or (isinstance(value, int) and value.bit_length() <= 64):
        return repr(value)
    if isinstance(value, str):
        return "this text" if "@" in value or "://" in value else quoted(value)
    kinds = {dict: "a table", list: "a list", datetime: "a date and time", date: "a date", time: "a time"}
    return next((text for kind, text in kinds.items() if isinstance(value, kind)), "a number this large")


def path_text(place: Location, document: Mapping[str, Any]) -> str:
    """A place as people say it; elements of [[tables]] by their id when it is usable and theirs alone."""
    text = ""
    for depth, step in enumerate(place):
        if isinstance(step, int):
            name = _element_id(place[0], step, document) if depth == 1 else None
            text += f".{name}" if name else f"[{step}]"
        else:
            plain = step if _PLAIN.fullmatch(step) else json.dumps(step[:_LONGEST])
            text += f".{plain}" if text else plain
    return text or "file"


def _element_id(section: Any, index: int, document: Mapping[str, Any]) -> str | None:
    elements = document.get(section)
    if not isinstance(elements, list) or not all(isinstance(element, dict) for element in elements):
        return None
    ids = [element.get("id") for element in elements]
    own = ids[index] if index < len(ids) else None
    return str(own) if usable_id(own) and ids.count(own) == 1 else None


def syntax(error: ValueError, text: str) -> tuple[int, str]:
    """The line of a tomllib error (1 when it names none) and a sentence."""
    match = _POSITION.match(str(error))
    if match is None:
        return 1, "is not TOML: a number is too long"
    what = match[1][:1].lower() + match[1][1:]
    hints = {
        "invalid value": "; text needs quotes, other values are numbers, true, false, [lists] and {tables}",
        "cannot overwrite a value": "; this key is given twice: keep one",
        "invalid statement": "; write key = value, [section] or [[section]]",
        "expected '=' after a key": "; write key = value on one line",
        "cannot declare": "; the section is given twice: keep one, or write [[section]] where several are allowed",
        "unterminated string": "; text ends with the quote it began with",
        "illegal character '\\n'": "; text on one line ends with its quote before the line does",
    }
    hint = next((hint for start, hint in hints.items() if what.startswith(start)), "")
    what = "".join(character if character.isprintable() else "?" for character in what)
    if match[2] is None:
        return max(
            1, text.count("\n") + (0 if text.endswith("\n") else 1)
        ), f"is not TOML: {what} at the end; is a quote, ] or }} missing?"
    return int(match[2]), f"is not TOML: {what} at column {match[3]}{hint}"


def model_at(place: Location, root: type[BaseModel]) -> type[BaseModel] | None:
    """The model whose settings stand at a place."""
    annotation: Any = root
    for step in place:
        if isinstance(step, int):
            annotation = next((arg for arg in get_args(annotation) if arg is not Ellipsis), None)
        else:
            field = _field(annotation, step)
            annotation = _bare(field.annotation) if field else None
        if annotation is None:
            return None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _bare(annotation: Any) -> Any:
    """`X | None` without the None."""
    if get_origin(annotation) is Union or type(annotation).__name__ == "UnionType":
        return next(arg for arg in get_args(annotation) if arg is not NoneType)
    return annotation


def names(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The settings of a model by the name they have in the file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _field(model: Any, name: str) -> FieldInfo | None:
    return names(model).get(name) if isinstance(model, type) and issubclass(model, BaseModel) else None


def sentence(error: ErrorDetails, root: type[BaseModel]) -> str:
    """What pydantic refused, in words for the person who wrote the file."""
    place, kind, context = error["loc"], error["type"], error.get("ctx", {})
    given = "" if is_secret(place) else f", not {shown(error['input'])}"
    parent = model_at(place[:-1], root)
    if kind == "extra_forbidden":
        known = names(parent) if parent else {}
        what = "section" if len(place) == 1 else "setting"
        return f"unknown {what}" + (meant(str(place[-1]), known) or f"; known here: {', '.join(known)}")
    if kind == "missing":
        return _missing(place, parent)
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        field = _field(parent, str(place[-1]))
        allowed = [str(choice) for choice in _literals(field.annotation)] if field else []
        guess = meant(error["input"], allowed) if isinstance(error["input"], str) else ""
        return f"must be {choices(allowed)}{given}{guess}"
    if kind == "too_long":
        return f"must have at most {context['max_length']} elements"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"must be {_table_form(place)}{given}"
    if kind in ("list_type", "tuple_type"):
        many = len(place) == 1
        form = f"several tables: write [[{place[0]}]] above each of them" if many else "a list in [ ]"
        return f"must be {form}{given}"
    if kind == "string_too_short":
        return "must not be empty"
    simple = _SIMPLE.get(kind)
    if simple:
        return f"must be {simple.format(**context)}{given}"
    return error["msg"][:1].lower() + error["msg"][1:]


_SIMPLE = {
    "string_type": "text in quotes",
    "string_too_long": "at most {max_length} characters",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
}


def _missing(place: Location, parent: type[BaseModel] | None) -> str:
    field = _field(parent, str(place[-1]))
    about = f": {field.description}" if field and field.description else ""
    if len(place) == 1:
        return f"the section is missing; add [{place[0]}]{about}"
    if isinstance(place[-1], int):  # a [lowest, highest] that is too short
        return "two numbers are needed: [lowest, highest]"
    return f"is missing{about}"


def _table_form(place: Location) -> str:
    if is_secret(place):
        return "a table that says where the secret is kept"
    if len(place) == 1:
        return f"a section: write [{place[0]}] above its settings"
    return f"a [[{place[0]}]] table" if len(place) == 2 else "a table in { }"


def _literals(annotation: Any) -> tuple[Any, ...]:
    annotation = _bare(annotation)
    return get_args(annotation) if get_origin(annotation) is Literal else ()
