"""Rules as they are written: settings of the core, read from TOML by `config.rulefiles`, compiled by `rules.ruleset`.

Durations are integer microseconds. `line` is where the rule stands in its file, `lines` where its settings do.
"""

from typing import Any

from msgspec import Struct, field


class RuleText(Struct, frozen=True):
    """A file of rules as it was read: what the journal keeps, so that a replay decides by the same words."""

    file: str
    text: str


class Action(Struct, frozen=True, omit_defaults=True):
    """One thing a rule does: `name` is of the closed set, `value` what stands behind it in the file.

    receive, ship, move: `despite` names the reasons that no longer count. hold, refuse: `value` is the reason code.
    light: the colour. raise: the alarm's id, with `priority` and `text`. publish, note: the text.
    """

    name: str
    value: str = ""
    despite: tuple[str, ...] = ()
    priority: str = "medium"
    text: str = ""


class Example(Struct, frozen=True):
    """Facts given (all others have their defaults), and what the rule must make of them.

    `expect` is a verdict (accepted, held, refused), or whether it fires or stays silent; `reasons` those it adds.
    """

    given: dict[str, Any]
    expect: str
    reasons: tuple[str, ...] | None = None
    line: int = 1


class Rule(Struct, frozen=True):
    """One `[[rule]]`. `wait` is its `for`, `otherwise` its `else`; `digest` the SHA-256 of what it says."""

    id: str
    on: tuple[str, ...]
    when: str
    do: tuple[Action, ...] = ()
    otherwise: tuple[Action, ...] = ()
    wait: int = 0
    cooldown: int = 0
    once_per: tuple[str, ...] = ()
    priority: int = 100
    examples: tuple[Example, ...] = ()
    file: str = ""
    line: int = 1
    lines: dict[str, int] = field(default_factory=dict)  # by setting
    digest: str = ""
