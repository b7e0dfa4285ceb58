"""The same inputs through the same rules under other settings, and the difference in numbers. Pure."""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from gateway.model.inputs import Input, Tick
from gateway.model.outcome import Passage
from gateway.model.settings import Portal, Settings
from gateway.rules.candidates import Crossed
from gateway.rules.engine import Engine

NEAR = 2_000_000
"""µs by which a passage may begin or end otherwise under other settings and still be the same."""

Timed = tuple[int, Input]
"""Stamp (µs) and input."""


class Label(Struct, frozen=True):
    """What hindsight says of a tag in a passage (its span in µs): it `moved`, or stood there. `peak` in dBm."""

    epc: str
    begin: int
    end: int
    moved: bool
    peak: float
    reads: int


class Trial(Struct, frozen=True):
    """What became of the tags that hindsight is sure of."""

    passages: int
    moved: int
    """Tags that surely moved, over all passages; `lost` of them did not count."""
    lost: int
    stood: int
    """Tags that surely stood there, over all passages; `strays` of them counted as moved."""
    strays: int
    unknown: int
    """Passages without a direction."""
    empty: int
    """Passages in which no tag moved."""

    @property
    def errors(self) -> int:
        """Tags judged wrongly."""
        return self.lost + self.strays

    def better(self, than: "Trial") -> bool:
        """Whether fewer tags are judged wrongly, or fewer passages undecided, and nothing is worse."""
        worse = any(getattr(self, name) > getattr(than, name) for name in ("lost", "strays", "unknown", "empty"))
        return not worse and (self.errors, self.unknown, self.empty) != (than.errors, than.unknown, than.empty)


def passages(settings: Settings, inputs: Iterable[Timed], portal: str) -> list[Passage]:
    """The passages of a portal, as the engine makes them of these inputs; deadlines fire as in a replay."""
    engine = Engine(settings)
    found: list[Passage] = []

    def take(t: int, item: Input) -> None:
        found.extend(one.passage for one in engine.observe(t, item) if isinstance(one, Crossed))

    last = 0
    for t, item in inputs:
        while (deadline := engine.deadline) is not None and deadline <= t and t > last:
            last = max(last, deadline)
            take(last, Tick())
        last = max(last, t)
        take(last, item)
    while (deadline := engine.deadline) is not None:
        last = max(last, deadline)
        take(last, Tick())
    return [one for one in found if one.portal == portal]


def under(settings: Settings, portal: Portal) -> Settings:
    """The settings with this portal in the place of its namesake."""
    return replace(settings, portals=tuple(portal if one.id == portal.id else one for one in settings.portals))


def judged(found: Sequence[Passage], labels: Iterable[Label]) -> Trial:
    """These passages beside what hindsight says."""
    spans = [(one.opened - NEAR, one.closed + NEAR, frozenset(one.moved)) for one in found if one.direction != "none"]
    moved = lost = stood = strays = 0
    for label in labels:
        counted = any(label.epc in tags for begin, end, tags in spans if begin <= label.end and label.begin <= end)
        if label.moved:
            moved += 1
            lost += not counted
        else:
            stood += 1
            strays += counted
    unknown = sum(one.direction == "unknown" and bool(one.moved) for one in found)
    return Trial(len(found), moved, lost, stood, strays, unknown, sum(not one.moved for one in found))


def trial(settings: Settings, portal: Portal, inputs: Iterable[Timed], labels: Iterable[Label]) -> Trial:
    """How the portal would have judged these inputs with other settings."""
    return judged(passages(under(settings, portal), inputs, portal.id), labels)


def effect(before: Trial, after: Trial) -> str:
    """The difference, in words: `3 strays of 41 fewer, no moved tag of 120 lost, over 12 passages`."""
    parts = []
    if after.strays != before.strays or after.stood:
        parts.append(f"{_change(after.strays - before.strays)} of {after.stood} standing tags count as moved")
    if after.lost <= before.lost:
        gained = before.lost - after.lost
        parts.append(f"{gained} more of {after.moved} moved tags count" if gained else "no moved tag is lost")
    else:
        parts.append(f"{after.lost - before.lost} of {after.moved} moved tags are lost")
    for name, old, new in (
        ("passages without a direction", before.unknown, after.unknown),
        ("empty passages", before.empty, after.empty),
    ):
        if old != new:
            parts.append(f"{new} {name} instead of {old}")
    count = f"over {after.passages} passages"
    if after.passages != before.passages:
        count += f" instead of {before.passages}"
    return f"{', '.join(parts)}, {count}"


def _change(difference: int) -> str:
    if difference == 0:
        return "none more or fewer"
    return f"{abs(difference)} {'more' if difference > 0 else 'fewer'}"
