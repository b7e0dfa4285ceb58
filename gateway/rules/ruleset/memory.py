"""What rules remember between events, by time `t` only: part of the engine's snapshot."""

from typing import Any

import msgspec
from msgspec import Struct, field

from gateway.model.outcome import AlarmChange

MOST_CASES = 10_000
"""Cases (rule and key) remembered for `cooldown` and `once_per`; beyond it the oldest are forgotten, and counted."""


class Raised(Struct, frozen=True):
    """An alarm that a rule raised, until a person acknowledges it."""

    rule: str
    state: str
    priority: str


class Waiting(Struct):
    """A condition over something that lasts, and is true: since when (µs), and what was last seen of it.

    While there is no good sample (`frozen`: since when) the clock stands; `lost` is how long it stood. `spoken`: it
    has held for long enough and the rule has fired; it does not again before the condition was false.
    """

    rule: str
    digest: str
    on: str
    key: tuple[str, ...]
    since: int
    at: int
    place: str
    location: str | None
    facts: dict[str, Any]
    lost: int = 0
    frozen: int | None = None
    spoken: bool = False


class RuleMemory(Struct):
    """Instants µs; keys are `rule|value|…`, as `case` makes them."""

    fired: dict[str, int] = field(default_factory=dict)  # when a case last spoke, oldest first
    raised: dict[str, Raised] = field(default_factory=dict)  # by alarm
    waiting: dict[str, Waiting] = field(default_factory=dict)  # by rule and what it looks at
    forgotten: int = 0

    def note(self, case: str, t: int) -> None:
        """A case spoke at `t`."""
        self.fired.pop(case, None)
        self.fired[case] = t
        while len(self.fired) > MOST_CASES:
            del self.fired[next(iter(self.fired))]
            self.forgotten += 1

    def raise_(self, change: AlarmChange) -> None:
        """A rule raised an alarm."""
        self.raised[change.alarm] = Raised(change.source, change.after, change.priority)

    def keep(self, rules: dict[str, str]) -> None:
        """Forget what belongs to rules that are gone, or say something else now (`rules`: digest by id).

        Raised alarms stay until somebody acknowledges them.
        """
        self.fired = {case: at for case, at in self.fired.items() if case.partition("|")[0] in rules}
        self.waiting = {name: one for name, one in self.waiting.items() if rules.get(one.rule) == one.digest}


def case(rule: str, values: list[Any]) -> str:
    """The name of a case of a rule: its id, and the values of what tells cases apart."""
    return "|".join((rule, *(msgspec.json.encode(value).decode() for value in values)))
