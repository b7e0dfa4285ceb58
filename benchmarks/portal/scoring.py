"""Answers matched to the truth, and counted.

Right is: every unit that crossed, with all of its tags that were read at least once near its passage and no other
tag, the right way, told once. A tag that no antenna read cannot be told, and is not asked for. A pallet that turned
round must leave nothing behind: no tag told as gone through.
"""

from typing import Any

from msgspec import Struct, field

from benchmarks.portal.answers import Answer

REACH = 1_000_000
"""µs around a true passage in which an answer without its tags still is about it."""

TAGS_REACH = 5_000_000
"""µs around a true passage in which an answer with its tags is about it: a field is deeper than the truth's span."""

Truth = dict[str, Any]


class Verdict(Struct):
    """One true passage and what was said of it."""

    truth: Truth
    answers: list[Answer]
    exact: bool
    direction: bool
    lost: list[str]
    """Read, moved, and not told as moved."""
    strays: list[str]
    """Told as moved, and did not."""


class Tally(Struct):
    """Counts over passages; `+` adds them up."""

    passages: int = 0
    exact: int = 0
    direction: int = 0
    tags: int = 0
    tags_right: int = 0
    moved: int = 0
    moved_right: int = 0
    unread: int = 0
    empties: int = 0
    empties_right: int = 0
    false_receipts: int = 0
    false_shipments: int = 0
    false_tags: int = 0
    spurious: int = 0
    """Answers with moved tags that belong to no true passage."""

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))


class Scored(Struct):
    """A shift scored: the counts, each goods passage, and the answers that belong to none."""

    tally: Tally
    verdicts: list[Verdict]
    spurious: list[Answer] = field(default_factory=list)


def score(truth: Truth, answers: list[Answer]) -> Scored:
    """Match and count."""
    of: dict[int, list[Answer]] = {passage["number"]: [] for passage in truth["passages"]}
    spurious = []
    for answer in answers:
        number = answer.number if answer.number is not None else _belongs(truth, answer)
        if number is not None:
            of[number].append(answer)
        elif answer.passed:
            spurious.append(answer)
    badges = set(truth["badges"])
    found = Scored(Tally(spurious=len(spurious)), [], spurious)
    for passage in truth["passages"]:
        if not passage["units"]:
            found.tally.empties += 1
            found.tally.empties_right += all(one.passed <= set(passage["neutral"]) for one in of[passage["number"]])
        else:
            found.verdicts.append(_judge(passage, of[passage["number"]], badges, found.tally))
    for answer in answers:
        _stock(truth, answer, badges, found.tally)
    return found


def _belongs(truth: Truth, answer: Answer) -> int | None:
    """The number of the true passage that an answer is about: most tags in common, else the longest time."""
    best: tuple[int, int, int] | None = None
    for passage in truth["passages"]:
        if passage["portal"] != answer.portal:
            continue
        common = sum(len(answer.moved.intersection(unit["epcs"])) for unit in passage["units"])
        both = min(answer.closed, passage["closed"]) - max(answer.opened, passage["opened"])
        if both >= -(TAGS_REACH if common else REACH):
            best = max(best or (0, -TAGS_REACH, 0), (common, both, passage["number"]))
    return best[2] if best is not None else None


def _judge(passage: Truth, answers: list[Answer], badges: set[str], tally: Tally) -> Verdict:
    units = [set(unit["epcs"]) for unit in passage["units"]]
    unread, neutral = set(passage["unread"]), set(passage["neutral"]) | badges
    read = set().union(*units) - unread
    crossed = passage["direction"] != "none"
    told = [answer for answer in answers if answer.passed - neutral]
    passed: set[str] = set().union(*(answer.passed for answer in told)) - neutral
    lost = read - passed if crossed else set()
    strays = passed - read - unread if crossed else passed
    if crossed:
        direction = bool(told) and all(answer.direction == passage["direction"] for answer in told)
        whole = all(_whole(answer, units, unread) for answer in told)
        once = sum(len(answer.passed - neutral) for answer in told) == len(passed)
        exact = direction and whole and once and not lost and not strays
    else:
        direction = all(answer.direction in ("none", "unknown") for answer in answers)
        exact = direction and not passed
    static = set(passage["strays"]) - badges if crossed else set(passage["strays"]) - badges | read
    tally.passages += 1
    tally.exact += exact
    tally.direction += direction
    tally.unread += len(unread)
    moving = len(read) if crossed else 0
    tally.moved += moving
    tally.moved_right += moving - len(lost)
    tally.tags += moving + len(static | strays)
    tally.tags_right += moving - len(lost) + len(static - passed)
    return Verdict(passage, answers, exact, direction, sorted(lost), sorted(strays))


def _whole(answer: Answer, units: list[set[str]], unread: set[str]) -> bool:
    """An answer tells whole units: a pallet torn into two passages would be two movements."""
    touched = [unit for unit in units if unit & answer.passed]
    return all(unit - unread <= answer.passed for unit in touched)


def _stock(truth: Truth, answer: Answer, badges: set[str], tally: Tally) -> None:
    """Stock that came or went with an answer though the tags did not pass that way at that time."""
    for way, tags in (("in", answer.stock), ("out", answer.shipped)):
        right: set[str] = set(badges)
        for passage in truth["passages"]:
            near = passage["opened"] - REACH <= answer.closed and answer.opened <= passage["closed"] + REACH
            if near and passage["portal"] == answer.portal and passage["direction"] == way:
                right.update(passage["neutral"], *(unit["epcs"] for unit in passage["units"]))
        wrong = tags - right
        if way == "in":
            tally.false_receipts += bool(wrong)
            tally.false_tags += len(wrong)
        else:
            tally.false_shipments += bool(wrong)
