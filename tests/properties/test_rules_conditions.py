"""Conditions: any text is a condition or is refused, and what is a condition can be evaluated on anything."""

import dataclasses
import typing
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.config.rulefiles import SETS, read_rules, shipped
from gateway.rules.checks import MovementChecks
from gateway.rules.ruleset.conditions import ConditionError, bare, compile_condition

WORDS = [
    *("and", "or", "not", "in", "for", "if", "x", "null", "true", "false", "==", "!=", "<", ">=", "=~", "=~~", "!~"),
    *(
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ".",
        "&.",
        "&[",
        "?",
        ":",
        "??",
        "+",
        "-",
        "*",
        "/",
        "//",
        "%",
        "**",
        "&",
        "|",
        "^",
    ),
    *("<<", ">>", ",", "#", "$", "$abs", "$sum", "$any", "$now", "$random", "$map", "$parse_float", "$re_groups"),
    *('"a"', "'b'", '"', "'", "\\", 'd"2026-01-01"', 'd"x"', 't"P1D"', 't"P999999999D"', 'b"0a"', "0x1f", "0b1", "1e9"),
    *("1e999999", "0", "1.5", ".5", "5.", "inf", "nan", "1_000", "9" * 400, "type", "tags", "at", "lots", "weight"),
    *("percent", "expiry", "days_left", "fefo", "lot", "reasons", "verdict", "length", "as_lower", "hour", "to_str"),
    *("__class__", "__init__", "is_empty", "starts_with", "\x00", "ü", "\n", "\t", " "),
]
SHIPPED = [rule.when for rule in read_rules([shipped(name) for name in SETS])]


@st.composite
def mutated(draw: Any) -> str:
    """A shipped condition, with pieces cut out and words put in."""
    text: str = draw(st.sampled_from(SHIPPED))
    for _ in range(draw(st.integers(0, 4))):
        at, length = draw(st.integers(0, len(text))), draw(st.integers(0, 6))
        text = f"{text[:at]} {draw(st.sampled_from(WORDS))} {text[at + length :]}"
    return text


texts = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join), mutated())


def row(draw: Any, table: type) -> Any:
    """A row of a fact table with whatever values its types allow."""
    hints = typing.get_type_hints(table)
    values: dict[str, Any] = {}
    for field in dataclasses.fields(table):
        kind, nullable = bare(hints[field.name])
        values[field.name] = None if nullable and draw(st.booleans()) else one(draw, kind)
    return table(**values)


def one(draw: Any, kind: Any) -> Any:
    """A value of a type of the fact tables."""
    if dataclasses.is_dataclass(kind):
        return row(draw, typing.cast(type, kind))
    if typing.get_origin(kind) is tuple:
        return tuple(one(draw, typing.get_args(kind)[0]) for _ in range(draw(st.integers(0, 2))))
    return draw(VALUES[kind])


VALUES: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    str: st.text(max_size=5),
    int: st.integers(-(10**12), 10**12),
    float: st.floats(-1e12, 1e12),
    Decimal: st.decimals(-(10**12), 10**12, places=3),
    datetime: st.integers(0, 4_102_444_800).map(lambda seconds: datetime.fromtimestamp(seconds, tz=UTC)),
}


@given(texts, st.data())
def test_a_text_is_refused_or_can_be_evaluated_on_anything(text: str, data: st.DataObject) -> None:
    """No text brings another error than the refusal that says why; no condition fails on any facts."""
    try:
        condition = compile_condition(text, MovementChecks, "Europe/Berlin")
    except ConditionError:
        return
    facts = row(data.draw, MovementChecks)
    assert condition.holds(facts) in (True, False)
    assert set(condition.seen(facts)) == {".".join(path) for path in condition.paths}


numbers = st.recursive(
    st.sampled_from(
        [
            "tags",
            "(expiry.days_left ?? 0)",
            "(weight&.off ?? 0)",
            "stock.after",
            "(tags + 1e14)",
            "0.5",
            "climate.minutes_out",
        ]
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda three: f"({' '.join(three)})"),
        inner.map(lambda it: f"$abs({it})"),
        inner.map(lambda it: f"({it} / 3)"),
    ),
    max_leaves=8,
)
instants = st.tuples(st.just("at"), st.sampled_from("+-"), st.sampled_from(['t"P36000D"', 't"PT1S"'])).map(" ".join)
conditions = st.recursive(
    st.one_of(
        st.tuples(numbers, st.sampled_from(["<", ">=", "==", "!="]), numbers).map(" ".join),
        st.tuples(instants, st.sampled_from(["<", ">"]), st.just("at")).map(" ".join),
        st.sampled_from(
            ["on_hold", 'portal.as_lower == "x"', "fefo != null", "$any([l.held for l in lots])", "at.hour > 5"]
        ),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda three: f"({' '.join(three)})"),
        inner.map(lambda it: f"not ({it})"),
    ),
    max_leaves=5,
)


@given(conditions, st.data())
def test_what_is_computed_with_facts_and_large_numbers_stays_a_truth(text: str, data: st.DataObject) -> None:
    """Sums, products, quotients and dates, nested: there is an answer, whatever the facts are."""
    condition = compile_condition(text, MovementChecks, "Europe/Berlin")
    assert condition.holds(row(data.draw, MovementChecks)) in (True, False)
