"""Sentences about a passage: what opened and closed it, which way, which tags counted and which not, and why. Pure."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gateway.model.outcome import Passage
from gateway.rules.explaining.saying import Sentence, clock, instant, many, seconds, tag
from gateway.rules.scoring import DOUBT, WHY_SHOWN, sentence

WAYS = {
    "in": "The goods went in",
    "out": "The goods went out",
    "none": "The goods did not pass: they turned round, or stayed in the door",
    "unknown": "Nothing tells which way the goods went",
}

BY = {
    "eyes": "the order of the photo-eyes says so",
    "antennas": "no order of photo-eyes tells it, so the rows of antennas do",
    "eye_and_antennas": "the antennas beyond the only eye heard the load before or after it",
    "one_way": "the vehicle left by the row it came by, but its load was heard on only one of its two ways",
    "flow": "all that passes there goes that way (flow)",
    "nothing": "no eyes in two rows, and no tag heard by an inner and an outer antenna",
}
"""`evidence.by`: what told the direction."""

FETCHED = "the vehicle left by the row it came by, but its load went on, as the rows of antennas say"
"""A truck fetched the load from right behind the door, or put it down there."""

SHOWN = 30
"""Tags of a passage that get a sentence each when nobody asks for one; the rest is counted."""


def crossed(passage: Passage) -> Iterator[Sentence]:
    """The sentences about a passage."""
    evidence = passage.evidence
    yield Sentence("opening", _opening(passage))
    yield Sentence("closing", _closing(passage))
    yield Sentence("direction", _direction(passage))
    reads = evidence.get("reads")
    heard = len(passage.moved) + len(passage.strays)
    text = f"{many(heard, 'tag')} heard" + (f" in {many(reads, 'read')}" if isinstance(reads, int) else "")
    yield Sentence("tags", f"{text}: {len(passage.moved)} moved, {many(len(passage.strays), 'stray')}.")
    for epc in (*passage.moved, *passage.strays)[:SHOWN]:
        yield Sentence("tag", _tag(passage, epc), epc)
    if heard > SHOWN:
        yield Sentence("tags", f"And {many(heard - SHOWN, 'more tag')}; ask for one with --tag EPC.")
    if passage.inferred:
        shown = ", ".join(passage.inferred[:SHOWN])
        yield Sentence(
            "inferred", f"Counted because of what their pallet announces (ASN), not by their reads: {shown}."
        )
    for key, value in evidence.items():
        if key in EVIDENCE:
            yield Sentence(key, EVIDENCE[key](value))


def tagged(passage: Passage, epc: str) -> Iterator[Sentence]:
    """Why this tag was counted, or not."""
    if epc in passage.moved or epc in passage.strays:
        yield Sentence("tag", _tag(passage, epc, WHY_SHOWN), epc)
        return
    name = tag(epc)
    if epc in passage.evidence.get("followed", ()):
        text = f"{name} did not count here: it went with what came right behind, as the times of its reads show."
        yield Sentence("tag", text, epc)
        return
    if epc in passage.missing or any(one in name.replace(" serial ", "/") for one in passage.missing):
        text = f"{name} was announced and never read in passage {passage.passage}: it is missing, and not invented."
        yield Sentence("missing", text, epc)
        return
    text = f"{name} was not heard at {passage.portal} between {instant(passage.opened)} and {clock(passage.closed)}"
    yield Sentence("tag", f"{text}, or the portal ignores it.", epc)


def _opening(passage: Passage) -> str:
    text = f"{passage.portal} opened at {instant(passage.opened)}"
    first = next(iter(_edges(passage)), None)
    if first is not None and first[2] and first[0] <= 0:
        return f"{text}, when something broke the {first[1]} photo-eye."
    if passage.evidence.get("opened_by") == "scale":
        return f"{text}, with what was put on its scale."
    return f"{text}, with the first strong read of a tag."


def _closing(passage: Passage) -> str:
    span = passage.closed - passage.opened
    text = f"It ended {seconds(span)} later"
    last = _edges(passage)[-1:]
    if last and last[0][0] >= span and not last[0][2]:
        return f"{text}, when the {last[0][1]} photo-eye was free again."
    if last and last[0][2]:
        return f"{text}, although the {last[0][1]} photo-eye was still blocked: no passage lasts longer here."
    return f"{text}, with the last strong read; it was silent after that."


def _direction(passage: Passage) -> str:
    text = f"{WAYS.get(passage.direction, passage.direction)}: "
    by = str(passage.evidence.get("by", "nothing"))
    text += FETCHED if by == "antennas" and passage.direction in ("in", "out") and _turned(passage) else BY.get(by, by)
    if by == "eyes":
        rows: dict[str, int] = {}
        for at, row, blocked in _edges(passage):
            if blocked:
                rows.setdefault(row, at)
        if "outer" in rows and "inner" in rows:
            gap = rows["inner"] - rows["outer"]
            first, then = ("outer", "inner") if gap > 0 else ("inner", "outer")
            text += f" (the {first} one was broken {seconds(abs(gap))} before the {then} one)"
    if by == "antennas":
        gap_ms, voters = passage.evidence.get("gap_ms", 0), passage.evidence.get("voters", 0)
        first, then = ("outer", "inner") if gap_ms >= 0 else ("inner", "outer")
        text += (
            f" ({many(voters, 'tag')} were heard at the {then} antennas {seconds(abs(gap_ms) * 1000)} later than at "
            f"the {first} ones, in the middle)"
        )
    return f"{text}. Confidence {passage.confidence:.0%}."


def _tag(passage: Passage, epc: str, reasons: int = 2) -> str:
    """One sentence about one tag that was heard: the verdict, its points, the strongest reasons, the figures."""
    name, evidence = tag(epc), passage.evidence
    figures = evidence.get("tags", {}).get(epc)
    verdict = "moved" if epc in passage.moved else "did not count: it is a stray"
    if epc in evidence.get("turned", ()):
        verdict = "did not count: it turned round with its vehicle"
    if epc in evidence.get("unseen", ()):
        verdict = "did not count: no eye saw a vehicle, and most of what was heard did not go from row to row"
    if epc in evidence.get("hardly_any", ()):
        verdict = "did not count: hardly any of what it was compared with went through, so that is no load"
    if epc in evidence.get("again", ()):
        verdict = "did not count: it had gone this way just before, and is still heard"
    if epc in evidence.get("put_down", ()):
        verdict = "did not count: its load came the other way just before, and most of it did not go back"
    if epc in passage.inferred:
        verdict = "moved, because what its pallet announces vouches for it"
    if epc in evidence.get("dismissed", ()):
        verdict = "did not count: nothing announces it, and its reads alone do not convince"
    points = evidence.get("points", {}).get(epc)
    if figures is None:
        briefly = f"{name} {verdict}; the passage had more strays than it keeps figures of"
        if points is None:
            return f"{briefly}."
        return f"{briefly}: {points:+.1f} points ({_why(evidence, epc, points, 1)})."
    reads, peak, first, last = figures[:4]
    heard = f"{many(reads, 'read')} while the door was occupied, the loudest at {peak:g} dBm"
    if reads:
        heard += f", from {seconds(first)} to {seconds(last)} after the opening"
    if points is None:
        return f"{name} {verdict}: {heard}; with so little it was not weighed."
    close = ", a close call" if abs(points) < DOUBT / 100 else ""
    return f"{name} {verdict}: {points:+.1f} points{close} ({_why(evidence, epc, points, reasons)}); {heard}."


def _why(evidence: Mapping[str, Any], epc: str, points: float, most: int) -> str:
    """The strongest reasons, those for the verdict first; what could not be told is none."""
    told = [part for part in evidence.get("why", {}).get(epc, ()) if part[1] is not None]
    told.sort(key=lambda part: (part[2] * points < 0, -abs(part[2])))
    said = [f"{sentence(name, value)}, {worth:+.1f}" for name, value, worth in told[:most]]
    return "; ".join(said) or "no part of note"


def _reasons(tags: Mapping[str, Any]) -> str:
    return ", ".join(f"{epc} ({reason}, {points:+g} points)" for epc, (reason, points) in tags.items())


def _turned(passage: Passage) -> bool:
    """Whether the last beam that was free again is the one that was broken first, and the other was broken, too."""
    edges = _edges(passage)
    return len({row for _, row, _ in edges}) > 1 and edges[0][1] == edges[-1][1]


def _edges(passage: Passage) -> list[tuple[int, str, bool]]:
    """Edges of the photo-eyes: µs after the opening, row, blocked; in order."""
    return [(at, row, blocked) for at, row, blocked in passage.evidence.get("eyes", ())]


TOLD = frozenset({"by", "gap_ms", "voters", "reads", "eyes", "opened_by", "tags", "points", "why"})
"""Evidence that is in the sentences about opening, direction and tags."""

EVIDENCE: dict[str, Callable[[Any], str]] = {
    "group": lambda count: f"The tags were compared with the {many(count, 'tag')} that most surely went through.",
    "turned": lambda epcs: f"{many(len(epcs), 'tag')} came into the door and went back where they came from.",
    "unseen": lambda epcs: (
        f"{many(len(epcs), 'tag')} seemed to move, but no eye saw a vehicle, and most did not go from row to row."
    ),
    "hardly_any": lambda epcs: (
        f"{many(len(epcs), 'tag')} seemed to move, but hardly any of what they were compared with did."
    ),
    "again": lambda epcs: f"{many(len(epcs), 'tag')} had gone this way just before, and did not go twice.",
    "put_down": lambda epcs: (
        f"{many(len(epcs), 'tag')} seemed to go back, but most of the load they came with did not."
    ),
    "followed": lambda epcs: f"{many(len(epcs), 'tag')} more went with what came right behind.",
    "inferred_from": lambda source: f"Doubtful tags were settled by what is known of them ({source}).",
    "vouched": lambda tags: f"Counted because of it: {_reasons(tags)}.",
    "dismissed": lambda tags: f"Not counted because of it: {_reasons(tags)}.",
}
"""A sentence for every other part of a passage's evidence."""
