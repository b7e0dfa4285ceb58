"""Which of the decisions of a turn belong to a subject, and the sentences about them, in order. Pure."""

from collections.abc import Iterator, Sequence

from gateway.events.sentences import sentence
from gateway.model.outcome import (
    AlarmChange,
    Correction,
    Decision,
    DeviceCommand,
    Excursion,
    Firing,
    Gap,
    Hold,
    LotMinutes,
    Movement,
    Passage,
    Rejection,
    Release,
    Transformation,
)
from gateway.model.quantity import format_quantity
from gateway.rules.explaining.movement import fired, moved
from gateway.rules.explaining.passage import crossed, tagged
from gateway.rules.explaining.saying import Sentence, clock, goods, instant, listed, many

ALARM_STATES = {
    "normal": "is back to normal",
    "unacked_active": "is active and waits for an acknowledgement",
    "acked_active": "is active and acknowledged",
    "rtn_unacked": "has returned to normal, and nobody has acknowledged it",
}
"""ISA-18.2 states as a person says them."""

COLOURS = {
    "green": "drive on",
    "amber": "the goods are held, or something must be looked at",
    "red": "stop: nothing was booked",
}
"""What each lamp says at the door."""


def about(decisions: Sequence[Decision], subject: str) -> list[Decision]:
    """Those of a turn's decisions that belong to a passage, a movement, an alarm, an excursion or a hold."""
    movements = [one for one in decisions if isinstance(one, Movement) and subject in (one.movement, one.passage)]
    passages = {subject, *(one.passage for one in movements)}
    ids = {one.movement for one in movements}
    crossings = [one for one in decisions if isinstance(one, Passage) and one.passage in passages]
    if crossings and not ids:  # a movement's passage names the movements it made, too
        ids = {one.movement for one in decisions if isinstance(one, Movement) and one.passage in passages}
    lit = {(one.portal, one.closed) for one in crossings}
    found: list[Decision] = []
    for one in decisions:
        match one:
            case Passage():
                mine = one.passage in passages
            case Movement():
                mine = one.movement in ids
            case Firing():
                mine = one.subject in ids or one.rule == subject
            case DeviceCommand():
                mine = (str(one.args.get("portal")), one.at) in lit
            case Rejection():
                mine = one.source in passages
            case AlarmChange():
                mine = one.alarm == subject
            case Excursion():
                mine = subject in (one.excursion, one.alarm)
            case Hold():
                mine = subject in (one.hold, one.source)
            case Release():
                mine = subject in (one.release, one.source)
            case Transformation():
                mine = subject in (one.transformation, one.production)
            case Correction():
                mine = one.by_movement.movement in ids or subject == one.erroneous.movement
            case Gap():
                mine = False
        if mine:
            found.append(one)
    return found


def explain(decisions: Sequence[Decision], epc: str = "") -> list[Sentence]:
    """The sentences about these decisions; with an EPC (hex) only those about that tag."""
    if epc:
        return [said for one in decisions for said in _of_tag(one, epc.upper())]
    return [said for one in decisions for said in _of(one)]


def _of(decision: Decision) -> Iterator[Sentence]:
    match decision:
        case Passage():
            yield from crossed(decision)
        case Movement():
            yield from moved(decision)
        case Firing():
            yield from fired(decision)
        case DeviceCommand():
            yield from _ordered(decision)
        case Rejection():
            yield Sentence("exception", f"{sentence(decision.reason)} {_capital(decision.detail)}.")
        case AlarmChange():
            yield from _alarm(decision)
        case Excursion():
            yield from _excursion(decision)
        case Hold():
            yield from _held(decision)
        case Release():
            who = f"{decision.by} at {instant(decision.at)}"
            text = f"{sentence(decision.reason)} {_there(decision.lots)} in {decision.location or 'no place yet'}"
            yield Sentence("release", f"{text}, released by {who}.{_words(decision.note)}")
        case Transformation():
            made, used = (listed([goods(line) for line in side]) for side in (decision.outputs, decision.inputs))
            text = f"{decision.by or 'Somebody'} made {made} from {used} in {decision.location}"
            yield Sentence("transformation", f"{text} at {instant(decision.at)} ({decision.production}).")
        case Correction():
            text = f"Movement {decision.erroneous.movement} was told wrongly ({decision.reason})"
            right = decision.by_movement.movement
            yield Sentence("correction", f"{text}; {right} takes its place since {instant(decision.at)}.")
        case Gap():
            text = f"Events {decision.first} to {decision.last} were set aside: {decision.reason}."
            yield Sentence("gap", text)


def _held(hold: Hold) -> Iterator[Sentence]:
    there = f"{_there(hold.lots)} in {hold.location}" if hold.location else "It stands nowhere yet"
    by = hold.by or hold.source
    text = f"{sentence(hold.reason)} {there} on hold by {by} at {instant(hold.at)}, until somebody releases it."
    yield Sentence("hold", text + _words(hold.note))


def _words(note: str) -> str:
    return f" The person said: {note}." if note else ""


def _of_tag(decision: Decision, epc: str) -> Iterator[Sentence]:
    if isinstance(decision, Passage):
        yield from tagged(decision, epc)
    elif isinstance(decision, Movement):
        yield from moved(decision, epc)


def _ordered(command: DeviceCommand) -> Iterator[Sentence]:
    if command.name != "light":
        yield Sentence("command", f"{command.device} was told {command.name} at {clock(command.at)}.")
        return
    colour = str(command.args.get("colour"))
    meaning = COLOURS.get(colour, "")
    text = f"The lamp at the door turned {colour}" + (f": {meaning}." if meaning else ".")
    yield Sentence("lamp", text)


def _alarm(change: AlarmChange) -> Iterator[Sentence]:
    text = f"Alarm {change.alarm} of {change.source} ({change.priority} priority) {ALARM_STATES[change.after]}"
    by = f", by {change.by}" if change.by else ""
    yield Sentence("alarm", f"{text} since {instant(change.at)}{by}.")
    if change.value is not None and change.limit is not None:
        side = "beyond" if change.after in ("unacked_active", "acked_active") else "within"
        yield Sentence("value", f"The value was {change.value:g}, {side} its limit of {change.limit:g}.")
    if change.detail:
        yield Sentence("detail", f"{_capital(change.detail)}.")
    if change.lots:
        yield Sentence("lots", f"{_there(change.lots)} in {change.location}.")


def _excursion(found: Excursion) -> Iterator[Sentence]:
    side = "above" if found.side == "high" else "below"
    text = (
        f"{found.quantity.capitalize()} in {found.location} was {side} {found.limit:g} {found.unit} from "
        f"{instant(found.start)} to {clock(found.end)}: lowest {found.min:g}, highest {found.max:g}, "
        f"mean {found.mean:g} {found.unit}, told by {found.sensor}."
    )
    yield Sentence("excursion", text)
    text = _there(found.lots, minutes=True) if found.lots else "No lot stood there"
    yield Sentence("lots", f"{text}{', and was put on hold' if found.hold and found.lots else ''}.")


def _there(lots: Sequence[LotMinutes], *, minutes: bool = False) -> str:
    """`These lots stood there: …`."""
    told = [
        f"GTIN {lot.gtin} lot {lot.lot} ({format_quantity(lot.quantity)} {lot.unit}"
        + (f", {lot.minutes:g} min)" if minutes else ")")
        for lot in lots
    ]
    return f"{many(len(lots), 'lot')} stood there: {', '.join(told)}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".")
