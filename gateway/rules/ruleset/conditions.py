"""Conditions: an expression over a fact table, compiled once, typed by its dataclass, refused at load when wrong."""

import dataclasses
import typing
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Context as DecimalContext
from decimal import Decimal
from difflib import get_close_matches
from functools import cache, lru_cache
from types import NoneType, UnionType
from typing import Any
from zoneinfo import ZoneInfo

import rule_engine
from rule_engine import ast, errors
from rule_engine.types import DataType

from gateway.rules.ruleset.guards import nodes, text_problem, tree_problem, type_name

Path = tuple[str, ...]


class ConditionError(ValueError):
    """A condition that cannot be taken; the text says why, and what would be known."""


class Condition:
    """A compiled condition. `paths` are the facts it looks at."""

    def __init__(self, rule: rule_engine.Rule, paths: tuple[Path, ...]) -> None:
        self._rule = rule
        self.paths = paths

    def holds(self, facts: object) -> bool:
        """Whether it is true of these facts.

        Raises:
            ConditionError: it cannot be evaluated. The guards leave no such condition that is known; a rule must not
                take the core down with it.
        """
        try:
            return bool(self._rule.evaluate(facts))
        except (errors.EngineError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise ConditionError(f"cannot be evaluated: {type(error).__name__} {error}".rstrip()) from error

    def seen(self, facts: object) -> dict[str, Any]:
        """The facts it looked at, by their dotted names, as JSON values: the evidence of a firing."""
        return {".".join(path): plain(value_at(facts, path)) for path in self.paths}


@cache
def _context(table: type, timezone: str) -> rule_engine.Context:
    return rule_engine.Context(
        type_resolver=rule_engine.type_resolver_from_dataclass(table),
        resolver=rule_engine.resolve_attribute,
        default_timezone=ZoneInfo(timezone),
        default_value=None,
        decimal_context=DecimalContext(prec=28),
        mapping_attribute_lookup=False,
    )


@lru_cache(maxsize=4096)  # a reload compiles what the check before it has compiled, off the loop
def compile_condition(text: str, table: type, timezone: str) -> Condition:
    """Compile a condition over the fact table `table`; dates without a zone are the site's.

    Raises:
        ConditionError: unknown names, wrong types, a null that is not guarded, or what no condition may do.
    """
    if problem := text_problem(text):
        raise ConditionError(problem)
    try:
        rule = rule_engine.Rule(text, context=_context(table, timezone))
    except errors.SymbolResolutionError as error:
        raise ConditionError(_unknown(error.symbol_name, error.suggestion, _names(table))) from None
    except errors.AttributeResolutionError as error:
        raise ConditionError(_unknown(error.attribute_name, error.suggestion, _attributes(error))) from None
    except errors.EngineError as error:
        raise ConditionError(_sentence(error.message)) from None
    except RecursionError:
        raise ConditionError("is nested too deeply") from None
    except (ArithmeticError, ValueError) as error:  # parts without facts are computed at once
        raise ConditionError(f"cannot be computed: {error}") from None
    root = rule.statement.expression
    paths = tuple(sorted(set(_paths(root))))
    problem = tree_problem(root) or _word_problem(root, table)
    if problem is None and root.result_type != DataType.BOOLEAN:
        problem = f"is a {type_name(root.result_type)}, not true or false; compare it with something"
    if problem is not None:
        raise ConditionError(problem)
    return Condition(rule, paths)


def _unknown(name: str, suggestion: str | None, known: tuple[str, ...]) -> str:
    guess = f"; did you mean {suggestion!r}?" if suggestion else ""
    return f"there is no fact {name!r}{guess}" + (f"; known here: {', '.join(known)}" if known else "")


def _names(table: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(table))


def _attributes(error: errors.AttributeResolutionError) -> tuple[str, ...]:
    kind = error.object
    return tuple(getattr(kind, "attributes", ()) or ())


def _sentence(message: str) -> str:
    """The library's words, with what a person can do about the most frequent ones."""
    if "nullable" in message:
        return f"may be null here: write a&.b == … for a group, (x ?? 0) for a value ({message})"
    if message.startswith("data type mismatch"):
        return f"compares or computes with things of different types ({message})"
    return message


def _paths(root: Any) -> Iterator[Path]:
    """The facts that a tree looks at, each as its longest path."""
    inner: set[int] = set()
    local = {node.variable for node in nodes(root) if isinstance(node, ast.ComprehensionExpression)}
    for node in nodes(root):
        if id(node) in inner:
            continue
        path = path_of(node)
        if path is None:
            continue
        below = node
        while isinstance(below, ast.GetAttributeExpression):
            below = below.object
            inner.add(id(below))
        if path[0] not in local:
            yield path


def path_of(node: Any) -> Path | None:
    """The dotted name that an expression is, up to the first attribute that is no fact; None: it is none."""
    if isinstance(node, ast.SymbolExpression):
        return None if node.scope else (node.name,)
    if isinstance(node, ast.GetAttributeExpression):
        before = path_of(node.object)
        kind = DataType.NULLABLE.unwrap(node.object.result_type)
        if before is not None and DataType.is_type(kind, DataType.OBJECT):
            return (*before, node.name)
        return before
    return None


def field_at(table: type, path: Path) -> dataclasses.Field[Any] | None:
    """The field at a path of a fact table; None: there is none."""
    found: dataclasses.Field[Any] | None = None
    here: Any = table
    for name in path:
        if not (isinstance(here, type) and dataclasses.is_dataclass(here)):
            return None
        found = next((field for field in dataclasses.fields(here) if field.name == name), None)
        if found is None:
            return None
        here = bare(typing.get_type_hints(here)[name])[0]
    return found


def bare(annotation: Any) -> tuple[Any, bool]:
    """`X | None` without the None, and whether it was there."""
    if typing.get_origin(annotation) in (typing.Union, UnionType):
        kinds = [kind for kind in typing.get_args(annotation) if kind is not NoneType]
        return kinds[0], True
    return annotation, False


def value_at(facts: object, path: Path) -> Any:
    """The value at a path of a fact table's row; None behind a None."""
    for name in path:
        if facts is None:
            return None
        facts = getattr(facts, name)
    return facts


def plain(value: Any) -> Any:
    """A fact as a JSON value: decimals as text without trailing zeros, instants and dates as ISO 8601."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value


def _word_problem(root: Any, table: type) -> str | None:
    """A text that a fact can never be: a slip in a word of a closed set."""
    for node in nodes(root):
        if type(node) is ast.ComparisonExpression:
            for one, other in ((node.left, node.right), (node.right, node.left)):
                if problem := _never(table, one, [other]):
                    return problem
        elif isinstance(node, ast.ContainsExpression):
            listed = isinstance(node.container, ast.ArrayExpression)
            one, others = (node.member, list(node.container.value)) if listed else (node.container, [node.member])
            if problem := _never(table, one, others):
                return problem
    return None


def _never(table: type, one: Any, others: list[Any]) -> str | None:
    path = path_of(one.left if isinstance(one, ast.CoalesceExpression) else one)
    field = field_at(table, path) if path is not None else None
    words = field.metadata["words"] if field is not None else ()
    for other in others:
        if words and isinstance(other, ast.StringExpression) and other.value not in words:
            close = get_close_matches(other.value, words, n=1, cutoff=0.6)
            known = f"did you mean {close[0]!r}?" if close and len(words) > 12 else f"it is one of {', '.join(words)}"
            return f"{'.'.join(path or ())} is never {other.value!r}; {known}"
    return None
