"""Step 2's other half: what the ledger must answer before candidates can be decided. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.identity import decode
from gateway.model.documents import Asn, HoldOrder
from gateway.model.facts import Interval, Questions
from gateway.rules.candidates import (
    Candidate,
    Changed,
    Crossed,
    Exceeding,
    Moving,
    Occasion,
    Parking,
    Producing,
    Resending,
    Settling,
    Watched,
)
from gateway.rules.documents import Announced

FIELDS = (
    *("ssccs", "epcs", "serials", "documents", "outbox", "sent", "numbers"),
    *("standing", "pending", "lots", "productions", "holds"),
)
"""Fields of the questions that are sets."""


def questions(candidates: list[Candidate]) -> Questions:
    """What all these candidates ask, each thing once, in order."""
    found: dict[str, set[Any]] = {name: set() for name in (*FIELDS, "stays")}
    for one in candidates:
        match one:
            case Crossed():
                _passage(found, one)
            case Announced():
                _announced(found, one)
            case Settling():
                found["standing"].add((one.gtin, one.lot))
            case Moving():
                _moving(found, one)
            case Producing():
                found["productions"].add(one.production)
                found["standing"].update((it.gtin, it.lot) for it in one.inputs if it.lot is not None)
                found["lots"].update((it.gtin, it.lot) for it in one.outputs if it.lot is not None)
                found["numbers"].update(days(one.order.at))
            case Changed(change=change, since=int(since)) if change.location is not None:
                found["stays"].add((change.location, since, change.at))
            case Exceeding():
                found["stays"].add((one.location, one.exceeded.start, one.exceeded.end))
            case Watched(holds=True, occasion=Occasion(location=str(location), at=int(at))):
                found["stays"].add((location, at, at))
            case Parking():
                found["outbox"].add(one.seq)
            case Resending():
                found["sent"].add((one.first, one.last))
    crossed = [one for one in candidates if isinstance(one, Crossed) and one.passage.moved]
    wanting = [(one.wants, one.passage.closed) for one in crossed if one.wants]
    wanting += [(one.wants, one.order.at) for one in candidates if isinstance(one, Moving) and one.wants]
    wanting += [(one.wants, one.at) for one in candidates if isinstance(one, Announced) and one.wants]
    return Questions(
        **{name: tuple(sorted(found[name])) for name in FIELDS},
        stays=tuple(Interval(*span) for span in sorted(found["stays"])),
        goods=tuple(sorted({name for wants, _ in wanting for name in wants})),
        day=min((days(at)[0] for _, at in wanting), default=""),
        policy=bool(crossed) or any(isinstance(one, Producing) or _expects(one) for one in candidates),
    )


def days(at: int) -> list[str]:
    """The days an instant (µs) may fall on, wherever on earth the site is: lots may be numbered by the day."""
    day = datetime.fromtimestamp(at // 1_000_000, tz=UTC).date()
    return [(day + timedelta(days=days)).isoformat() for days in (-1, 0, 1)]


def _passage(found: dict[str, set[Any]], crossed: Crossed) -> None:
    moved = crossed.passage.moved
    doubtful = [epc for epc, _ in crossed.doubts] if moved else []  # alone, nothing vouches for them
    for epc in sorted({*moved, *doubtful}):
        ai = decode(epc).ai
        if "00" in ai:
            found["ssccs"].add(ai["00"])
            continue
        found["epcs"].add(epc)
        if "21" in ai:
            found["serials"].add((ai["01"], ai["21"]))
    if crossed.passage.moved:
        found["numbers"].update(days(crossed.passage.closed))


def _announced(found: dict[str, set[Any]], one: Announced) -> None:
    found["documents"].add((one.kind, one.id))
    match one.document:
        case Asn(units=units):  # who waits for it, and what is known of what it names
            for unit in units:
                found["pending"].add(unit.sscc)
                for line in unit.lines:
                    found["pending"].update((line.gtin, *line.epcs))
                    if line.lot is not None:
                        found["lots"].add((line.gtin, line.lot))
        case HoldOrder(gtin=gtin, lot=lot):
            found["standing"].add((gtin, lot))
    if one.kind == "hold":
        found["holds"].add(one.id)


def _moving(found: dict[str, set[Any]], one: Moving) -> None:
    if one.sscc is not None:
        found["ssccs"].add(one.sscc)
    if one.epc is not None:
        found["epcs"].add(one.epc)
    if one.lot is not None:
        found["standing"].add(one.lot)


def _expects(one: Candidate) -> bool:
    return isinstance(one, Announced) and isinstance(one.document, Asn)
