"""What a condition may be made of, looked at before it is parsed and again as a tree (reference: rule-engine 5).

A condition is short, flat and total: no clock, no chance, no regular expressions, no loops inside loops, nothing that
can fail while it is evaluated. The parser itself recurses, so what is too long or too deep never reaches it.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from rule_engine import ast
from rule_engine.types import DataType

LONGEST, MOST_TERMS, DEEPEST, MOST_LISTS = 2_000, 100, 20, 4
"""Characters, operands, open brackets and lists made by `for` that a condition may have."""

LARGEST, SMALLEST, LONGEST_SPAN = Decimal(10) ** 15, Decimal(10) ** -9, timedelta(days=36_500)
"""Numbers and durations written in a condition: whatever is computed with a hundred of them stays a number."""

FUNCTIONS = ("abs", "any", "all", "sum")
"""Built-in functions a condition may call, written with `$`."""

ATTRIBUTES = {
    "STRING": ("length", "is_empty", "as_lower", "as_upper", "starts_with", "ends_with"),
    "ARRAY": ("length", "is_empty"),
    "DATETIME": ("date", "year", "month", "day", "hour", "minute", "second", "weekday"),
    "TIMEDELTA": ("days", "total_seconds"),
}
"""Attributes of plain values that a condition may read, by their type."""

_TOKEN = re.compile(
    r"""(?P<text>[bdt]?"(?:[^"\\]|\\.)*"|[bdt]?'(?:[^'\\]|\\.)*')|(?P<name>\$?[A-Za-z_][A-Za-z0-9_]*)"""
    r"""|(?P<number>[0-9.][0-9A-Za-z_.]*)|(?P<sign>=~~?|!~~?|\*\*|<<|>>|//|&\.|&\[|[()\[\]{}#%^|&*/])|."""
)
_WORDS = frozenset({"and", "or", "not", "in", "for", "if", "true", "false", "null"})
_REFUSED = {
    "=~": "regular expressions",
    "=~~": "regular expressions",
    "!~": "regular expressions",
    "!~~": "regular expressions",
    "**": "powers",
    "<<": "shifts",
    ">>": "shifts",
    "//": "whole division",
    "%": "remainders",
    "^": "bit arithmetic",
    "|": "bit arithmetic",
    "&": "bit arithmetic",
    "#": "comments",
    "{": "mappings and sets",
    "&[": "indexes",
}
_INSTEAD = {"regular expressions": "compare with ==, in, .starts_with(…) or .ends_with(…)"}


def text_problem(text: str) -> str | None:
    """Why a condition must not even be parsed; None when it may."""
    if len(text) > LONGEST:
        return f"has {len(text)} characters; {LONGEST} are enough for a person to follow; split the rule"
    if "\\" in text:
        return "backslashes are not allowed; a text stands as it is between its quotes"
    depth = terms = loops = 0
    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup, match[0]
        if kind == "sign":
            if problem := _sign_problem(token):
                return problem
            depth += (token in "([") - (token in ")]")
            if depth > DEEPEST:
                return f"opens more than {DEEPEST} brackets inside each other"
        elif kind == "name" and token.startswith("$"):
            if token[1:] not in FUNCTIONS:
                return f"{token} is not known here; there are {', '.join('$' + name for name in FUNCTIONS)}"
        elif kind == "name" and token == "for":
            loops += 1
        terms += kind in ("text", "number") or (kind == "name" and token not in _WORDS)
    if terms > MOST_TERMS:
        return f"has {terms} operands; {MOST_TERMS} are enough for a person to follow; split the rule"
    return f"makes more than {MOST_LISTS} lists by `for`" if loops > MOST_LISTS else None


def _sign_problem(token: str) -> str | None:
    what = _REFUSED.get(token)
    if what is None:
        return None
    instead = _INSTEAD.get(what)
    return f"{what} ({token}) are not allowed" + (f"; {instead}" if instead else "")


def tree_problem(root: Any) -> str | None:
    """What a parsed condition does that may fail, or can never be meant; None when there is nothing."""
    for node in nodes(root):
        if problem := _node_problem(node):
            return problem
        if isinstance(node, ast.ComprehensionExpression) and sum(_is_list(inner) for inner in nodes(node)) > 1:
            return "makes a list inside a list"
    return None


def _is_list(node: Any) -> bool:
    return isinstance(node, ast.ComprehensionExpression)


def nodes(root: Any) -> Iterator[Any]:
    """Every expression of a tree, from the root down."""
    yield root
    for name in _children(root):
        value = getattr(root, name, None)
        for child in value if isinstance(value, tuple | list) else (value,):
            if isinstance(child, ast.ExpressionBase):
                yield from nodes(child)


def _children(node: Any) -> tuple[str, ...]:
    return _CHILDREN.get(type(node), ("left", "right"))


_CHILDREN: dict[type, tuple[str, ...]] = {
    ast.ArrayExpression: ("value",),
    ast.ComprehensionExpression: ("iterable", "result", "condition"),
    ast.ContainsExpression: ("container", "member"),
    ast.GetAttributeExpression: ("object",),
    ast.FunctionCallExpression: ("function", "arguments"),
    ast.TernaryExpression: ("condition", "case_true", "case_false"),
    ast.UnaryExpression: ("right",),
}

_LEAVES = (
    ast.SymbolExpression,
    ast.StringExpression,
    ast.FloatExpression,
    ast.BooleanExpression,
    ast.NullExpression,
    ast.DatetimeExpression,
    ast.TimedeltaExpression,
)
_PAIRS = (
    ast.LogicExpression,
    ast.ArithmeticComparisonExpression,
    ast.ComparisonExpression,
    ast.CoalesceExpression,
    ast.AddExpression,
    ast.SubtractExpression,
    ast.ArithmeticExpression,
)


def _node_problem(node: Any) -> str | None:
    if type(node) in (ast.ComparisonExpression, ast.CoalesceExpression):
        return _alike(node.left.result_type, node.right.result_type)
    if isinstance(node, ast.ContainsExpression):
        held = DataType.NULLABLE.unwrap(node.container.result_type)
        inner = getattr(held, "value_type", held)
        return _alike(inner, node.member.result_type)
    if isinstance(node, ast.TernaryExpression):
        return _alike(node.case_true.result_type, node.case_false.result_type)
    divides = isinstance(node, ast.ArithmeticExpression) and node.type == "tdiv"
    if divides and not (isinstance(node.right, ast.FloatExpression) and node.right.value):
        return "only division by a number that is not 0 cannot fail; multiply the other side instead"
    if isinstance(node, ast.GetAttributeExpression):
        kind = DataType.NULLABLE.unwrap(node.object.result_type)
        if not DataType.is_type(kind, DataType.OBJECT) and node.name not in ATTRIBUTES.get(kind.name, ()):
            known = ", ".join(ATTRIBUTES.get(kind.name, ())) or "none"
            return f"'.{node.name}' is not known of a {type_name(kind)}; known: {known}"
    if isinstance(node, ast.FloatExpression) and not _plain(node.value):
        return f"{node.value} is out of reach; a number is between 1e-9 and 1e15"
    if isinstance(node, ast.TimedeltaExpression) and abs(node.value) > LONGEST_SPAN:
        return "a duration may be 100 years"
    if not isinstance(node, (*_LEAVES, *_PAIRS, *_CHILDREN)):
        return f"{type(node).__name__.removesuffix('Expression').lower()} is not allowed in a condition"
    return None


def _plain(number: Decimal) -> bool:
    return number.is_finite() and (number == 0 or SMALLEST <= abs(number) < LARGEST)


def _alike(left: Any, right: Any) -> str | None:
    """Whether two values can ever be equal: comparing a text with a number is a slip, not a condition."""
    left, right = DataType.NULLABLE.unwrap(left), DataType.NULLABLE.unwrap(right)
    if DataType.NULL in (left, right) or DataType.is_compatible(left, right):
        return None
    return f"a {type_name(left)} is never equal to a {type_name(right)}"


def type_name(kind: Any) -> str:
    """A type in words."""
    words = {
        "STRING": "text",
        "FLOAT": "number",
        "BOOLEAN": "true or false",
        "DATETIME": "instant",
        "TIMEDELTA": "duration",
        "ARRAY": "list",
        "OBJECT": "group of facts",
        "NULL": "null",
    }
    bare = DataType.NULLABLE.unwrap(kind)
    text = words.get(bare.name, str(bare.name).lower())
    return f"{text} or null" if DataType.is_type(kind, DataType.NULLABLE) else text
