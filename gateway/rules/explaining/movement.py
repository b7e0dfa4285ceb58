"""Sentences about a movement: what moved from where to where, verdict and reasons, rules, weight. Pure."""

from collections.abc import Callable, Iterator
from typing import Any

from gateway.events.sentences import sentence
from gateway.model.outcome import Firing, Line, Movement
from gateway.model.quantity import format_quantity
from gateway.rules.explaining.saying import Sentence, goods, listed, many, tag

TYPES = {
    "receive": "Received",
    "ship": "Shipped",
    "transfer": "Moved",
    "return": "Taken back",
    "count": "Counted",
}

VERDICTS = {
    "accepted": "The movement is accepted: stock changed.",
    "held": "The movement is held: stock changed, and what moved is on hold until somebody releases it.",
    "refused": "The movement is refused: stock did not change.",
}

RESOLVED = {
    "item": "the ledger knows the item",
    "serial": "the announcement lists the serial",
    "range": "the announcement has a range of serials with this one in it",
    "sscc": "the announcement says what is in the unit; no tag was needed",
    "inferred": "the document says so",
    "contents": "the ledger knows what is in the unit",
    "stock": "a person said how much of the lot",
    "numbered": "the site numbered the lot itself",
    "tag": "the tag itself says the lot",
    "unresolved": "nothing says which lot it is",
}
"""`Line.resolved_by` as a clause."""


def moved(movement: Movement, epc: str = "") -> Iterator[Sentence]:
    """The sentences about a movement; with an EPC those about that tag in it."""
    if epc:
        yield from _tag(movement, epc)
        return
    yield Sentence("movement", _what(movement))
    yield Sentence("verdict", VERDICTS.get(movement.verdict, f"The verdict is {movement.verdict}."))
    for code in movement.reasons:
        yield Sentence("reason", f"{code}: {sentence(code)}")
    if movement.expectation is not None:
        party = f" of {movement.party}" if movement.party else ""
        yield Sentence("expectation", f"It was compared with {movement.expectation}{party}.")
    for line in movement.lines:
        yield Sentence("line", _line(line))
    if movement.missing:
        shown = ", ".join(movement.missing[:20]) + (" …" if len(movement.missing) > 20 else "")
        text = f"Announced and never read: {shown} ({many(len(movement.missing), 'item')})."
        yield Sentence("missing", f"{text} They are reported missing, not invented.")
    yield from _weight(movement)
    for key, value in movement.evidence.items():
        if key in EVIDENCE:
            yield Sentence(key, EVIDENCE[key](value))


def _what(movement: Movement) -> str:
    what = listed([goods(line) for line in movement.lines]) or "nothing that is counted"
    unit = f", unit SSCC {movement.sscc}" if movement.sscc else ""
    way = f" from {movement.origin}" if movement.origin else ""
    way += f" to {movement.destination}" if movement.destination else ""
    by = f", ordered by {movement.by}" if movement.by else ""
    purpose = f" ({movement.purpose})" if movement.purpose else ""
    return f"{TYPES.get(movement.type, movement.type.capitalize())}{purpose}: {what}{unit}{way}{by}."


def _line(line: Line) -> str:
    because = RESOLVED.get(line.resolved_by, line.resolved_by)
    text = f"{goods(line)}: {because}"
    if line.epcs:
        text += f"; {many(len(line.epcs), 'tag')} counted"
    if line.expected is not None:
        text += f"; {format_quantity(line.expected)} {line.unit} were announced"
    if line.expiry is not None:
        text += f"; expires {line.expiry}"
    return f"{text[:1].upper()}{text[1:]}."


def _tag(movement: Movement, epc: str) -> Iterator[Sentence]:
    if epc == movement.sscc_epc:
        yield Sentence("movement", f"It is the tag of the unit SSCC {movement.sscc} that moved.", epc)
    for line in movement.lines:
        if epc in line.epcs:
            yield Sentence("line", f"It counts in: {goods(line)}; {RESOLVED.get(line.resolved_by)}.", epc)
    if epc in movement.evidence.get("ignored", ()):
        yield Sentence("ignored", f"{tag(epc)} counts for nothing: the portal ignores tags that nothing explains.", epc)
    if epc in movement.evidence.get("carriers", ()):
        yield Sentence(
            "carriers", f"{tag(epc)} is of an asset that carries goods (GIAI or GRAI), and none itself.", epc
        )
    if told := [one for one in movement.evidence.get("contradictions", ()) if one["epc"] == epc]:
        yield Sentence("contradictions", _claims(told), epc)


def _weight(movement: Movement) -> Iterator[Sentence]:
    weight = movement.weight
    if weight is None:
        return
    text = f"{weight.scale} weighed {weight.value} {weight.unit}"
    if weight.expected is not None and weight.deviation_pct is not None:
        text += f"; {weight.expected} {weight.unit} were announced, {weight.deviation_pct:+g} %"
    yield Sentence("weight", f"{text}.")


def fired(firing: Firing) -> Iterator[Sentence]:
    """The sentences about a rule that did something: on which facts, and what."""
    facts = ", ".join(f"{name} = {_value(value)}" for name, value in sorted(firing.facts.items()))
    text = f"Rule {firing.rule} ({firing.digest[:12]}) fired on {firing.on} at {firing.place}"
    yield Sentence("rule", f"{text}: {facts or 'without looking at a fact'}. It did: {listed(firing.actions)}.")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "nothing" if value is None else str(value)


def _claims(told: Any) -> str:
    """Who says which lot of a tag."""
    parts = [
        f"{tag(one['epc'])}: " + ", ".join(f"{claim['by']} says {_value(claim['lot'])}" for claim in one["claims"])
        for one in told
    ]
    return f"Tag, ledger and documents disagree about {'; '.join(parts)}."


EVIDENCE: dict[str, Callable[[Any], str]] = {
    "ignored": lambda epcs: f"{many(len(epcs), 'tag')} that nothing explains count for nothing here (unknown_tags).",
    "carriers": lambda epcs: f"{many(len(epcs), 'tag')} of assets (trucks, roll cages: GIAI, GRAI) are no goods.",
    "present": lambda epcs: f"{many(len(epcs), 'item')} had been received before and are not booked again.",
    "contradictions": _claims,
    "numbered": lambda taken: f"The site gave {many(len(taken), 'lot number')} of its own.",
    "elsewhere": lambda places: f"The ledger has other items of this passage in {listed(places)}; they stay there.",
    "rules": lambda found: f"Rules that looked at it and did something: {listed(sorted(found))}.",
    "despite": lambda found: (
        "; ".join(
            f"rule {rule} says that {code} does not count here" for code, rule in sorted(found.items())
        ).capitalize()
        + "."
    ),
    "late": lambda topic: f"It was announced after it came ({topic}); this takes the place of what was decided then.",
    "note": lambda text: f"The person said: {text}.",
    "notes": lambda found: f"Noted: {'; '.join(found)}.",
}
"""A sentence for every part of the evidence that a movement adds to its passage's."""
