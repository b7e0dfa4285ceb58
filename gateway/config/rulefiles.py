"""Rule files: TOML into `model.rules`, every mistake at once as `file:line: rule "x": what is wrong`.

Here the shape is checked: settings, types, durations, ids. What the conditions say is checked by `rules.ruleset`,
which knows the facts.
"""

import json
import tomllib
from collections.abc import Iterable
from hashlib import sha256
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from gateway.config import messages
from gateway.config.locate import Location, locate
from gateway.config.values import Id, Part, span
from gateway.errors import ConfigError, Problem
from gateway.model.rules import Action, Example, Rule, RuleText

RuleSetName = Literal["receiving", "shipping", "transfers", "cold-chain"]

SETS: tuple[RuleSetName, ...] = ("receiving", "shipping", "transfers", "cold-chain")
"""Rule sets that come with Tallyman."""

ACTIONS = ("receive", "ship", "move", "hold", "release", "refuse", "light", "raise", "publish", "note")
"""Everything a rule can do."""

LARGEST, MOST = 1 << 20, 1000
"""Bytes of a rule file, and rules in all of them."""

LONGEST_TEXT = 500
"""Characters of a note, of what is published, of an alarm's text."""

Text = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]


class ActionTable(Part):
    """One action: exactly one of the closed set, with what belongs to it."""

    receive: Literal[True] | None = Field(default=None, description="let the receipt pass")
    ship: Literal[True] | None = Field(default=None, description="let the shipment pass")
    move: Literal[True] | None = Field(default=None, description="let the transfer pass")
    hold: Text | None = Field(default=None, description="a reason code")
    release: Literal[True] | None = Field(default=None, description="do what the person asks")
    refuse: Text | None = Field(default=None, description="a reason code")
    light: Literal["green", "amber", "red"] | None = Field(default=None, description="a lamp of the portal")
    raise_: Id | None = Field(default=None, alias="raise", description="the id of an alarm")
    publish: Text | None = Field(default=None, description="a text for central")
    note: Text | None = Field(default=None, description="a text for the evidence")
    despite: tuple[str, ...] = Field(default=(), strict=False, description="reasons that no longer count")
    priority: Literal["low", "medium", "high", "critical"] | None = Field(default=None, description="of the alarm")
    text: Text | None = Field(default=None, description="what the alarm says")

    @model_validator(mode="after")
    def _one_action(self) -> "ActionTable":
        given = [name for name in ACTIONS if self._value(name) is not None]
        if len(given) != 1:
            raise ValueError(f'must be exactly one action of {", ".join(ACTIONS)}; write {{ hold = "expired" }}')
        if self.despite and given[0] not in ("receive", "ship", "move"):
            raise ValueError(f"despite belongs to receive, ship or move, not to {given[0]}")
        if (self.priority or self.text) and given[0] != "raise":
            raise ValueError(f"priority and text belong to raise, not to {given[0]}")
        return self

    def _value(self, name: str) -> Any:
        return self.raise_ if name == "raise" else getattr(self, name)

    def action(self) -> Action:
        """As the core takes it."""
        name = next(name for name in ACTIONS if self._value(name) is not None)
        value = self._value(name)
        return Action(name, "" if value is True else value, self.despite, self.priority or "medium", self.text or "")


class ExampleTable(Part):
    """`[[rule.example]]`: facts, and what the rule must make of them."""

    given: dict[str, Any] = Field(description="the facts that differ from their defaults")
    expect: Literal["accepted", "held", "refused", "fires", "silent"] = Field(
        description="the verdict, or whether the rule fires"
    )
    reasons: tuple[str, ...] | None = Field(default=None, strict=False, description="the reasons it adds")


def _several(value: Any) -> Any:
    """One text is a list of one."""
    return (value,) if isinstance(value, str) else value


class RuleTable(Part):
    """`[[rule]]`."""

    id: Id = Field(description="the name of the rule")
    about: str = Field(default="", max_length=1000, description="what it is for")
    on: Annotated[tuple[str, ...], BeforeValidator(_several)] = Field(
        strict=False, min_length=1, description='what it looks at, such as "receive"'
    )
    when: str = Field(min_length=1, description="the condition")
    for_: Annotated[int, span("0s", "365d")] = Field(default=0, alias="for", description="how long it must hold")
    cooldown: Annotated[int, span("0s", "365d")] = Field(default=0, description="how long it then keeps still")
    once_per: tuple[str, ...] = Field(default=(), strict=False, description="facts that tell one case from another")
    priority: int = Field(default=100, ge=0, le=1_000_000, description="higher ones are looked at first")
    do: tuple[ActionTable, ...] = Field(default=(), strict=False, description="a list of actions")
    else_: tuple[ActionTable, ...] = Field(default=(), alias="else", strict=False, description="a list of actions")
    examples: tuple[ExampleTable, ...] = Field(default=(), alias="example", strict=False)


class RuleFile(Part):
    """A file of rules."""

    rules: tuple[RuleTable, ...] = Field(default=(), alias="rule", strict=False, max_length=MOST)


def shipped(name: str) -> RuleText:
    """A rule set that comes with Tallyman."""
    text = resources.files("gateway").joinpath("rules", "sets", f"{name}.toml").read_text("utf-8")
    return RuleText(f"{name} (shipped)", text)


def read_rules(texts: Iterable[RuleText]) -> tuple[Rule, ...]:
    """The rules of all files, in the order of the files.

    Raises:
        ConfigError: every mistake of every file at once.
    """
    problems: list[Problem] = []
    rules: list[Rule] = []
    first: dict[str, Rule] = {}
    for one in texts:
        try:
            found = _file(one)
        except ConfigError as error:
            problems += error.problems
            continue
        for rule in found:
            other = first.setdefault(rule.id, rule)
            if other is not rule:
                text = f"id: is already the id of a rule at {other.file}:{other.line}; choose another"
                problems.append(Problem(rule.file, rule.line, _named(rule.id), text))
        rules += found
    if problems:
        raise ConfigError(problems)
    return tuple(rules)


def _file(one: RuleText) -> list[Rule]:
    """The rules of one file.

    Raises:
        ConfigError: every mistake in it.
    """
    document, lines = _document(one)
    try:
        table = RuleFile.model_validate(document)
    except ValidationError as refused:
        raise ConfigError(
            sorted(
                (_problem(one.file, error, document, lines) for error in refused.errors(include_url=False)),
                key=lambda problem: problem.line,
            )
        ) from None
    return [_rule(one.file, index, rule, lines) for index, rule in enumerate(table.rules)]


def _document(one: RuleText) -> tuple[dict[str, Any], dict[Location, int]]:
    if len(one.text) > LARGEST:
        raise ConfigError([Problem(one.file, 1, "file", "is larger than 1 MiB; split it, or let a machine do less")])
    try:
        return tomllib.loads(one.text), locate(one.text)
    except RecursionError:
        problem = Problem(one.file, 1, "file", "is nested too deeply; a rule needs three levels")
    except ValueError as error:
        line, sentence = messages.syntax(error, one.text)
        problem = Problem(one.file, line, "file", sentence)
    raise ConfigError([problem])


def _problem(file: str, error: Any, document: dict[str, Any], lines: dict[Location, int]) -> Problem:
    place: Location = error["loc"]
    sentence = messages.sentence(error, RuleFile)
    setting = messages.path_text(place[2:], {}) if len(place) > 2 else ""
    rule = document["rule"][place[1]] if len(place) > 1 and isinstance(place[1], int) else None
    name = rule.get("id") if isinstance(rule, dict) else None
    path = _named(name) if isinstance(name, str) else messages.path_text(place[:2], {})
    return Problem(file, line_of(lines, place), path, f"{setting}: {sentence}" if setting else sentence)


def line_of(lines: dict[Location, int], place: Location) -> int:
    """The line of a place, or of the nearest table around it."""
    while place not in lines and place:
        place = place[:-1]
    return lines.get(place, 1)


def _named(name: str) -> str:
    return f"rule {json.dumps(name[:64], ensure_ascii=False)}"


def _rule(file: str, index: int, table: RuleTable, lines: dict[Location, int]) -> Rule:
    here: Location = ("rule", index)
    said = table.model_dump_json(by_alias=True, exclude={"about", "examples"})
    return Rule(
        id=table.id,
        on=table.on,
        when=table.when,
        do=tuple(one.action() for one in table.do),
        otherwise=tuple(one.action() for one in table.else_),
        wait=table.for_,
        cooldown=table.cooldown,
        once_per=table.once_per,
        priority=table.priority,
        examples=tuple(
            Example(one.given, one.expect, one.reasons, line_of(lines, (*here, "example", number)))
            for number, one in enumerate(table.examples)
        ),
        file=file,
        line=line_of(lines, here),
        lines={
            name: line_of(lines, (*here, name)) for name in ("on", "when", "do", "else", "for", "once_per", "cooldown")
        },
        digest=sha256(said.encode()).hexdigest(),
    )
