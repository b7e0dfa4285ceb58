"""Holds and their ends: by a person's word, by central's document. Pure.

A hold stands on a lot in one location, or everywhere; then it also holds what arrives. A person's release ends every
hold of the site there. Central's hold ends when central withdraws it, and that ends no other.
"""

from typing import Any

from gateway.events.ids import event_id
from gateway.model.facts import Facts, HoldFact, OpenHold, Standing
from gateway.model.outcome import Decision, Effect, Hold, HoldEnd, HoldSet, LotChange, LotMinutes, Release
from gateway.model.quantity import format_quantity
from gateway.model.settings import Settings
from gateway.rules.candidates import Ordered, Settling
from gateway.rules.orders import refusal

Told = tuple[list[Decision], list[Effect]]

LIVES = {"hold": "on_hold", "reject": "rejected", "inspect": "pending_inspection"}
"""What a lot's life comes to by a person's word."""

REASONS = {"hold": "held_by_person", "reject": "rejected", "inspect": "inspection"}

CENTRAL = "hold/"
"""What the source of central's holds begins with."""


def settle(settings: Settings, one: Settling, facts: Facts) -> tuple[list[Decision], list[Effect], dict[str, Any]]:
    """A person's word about a lot, and the answer to it."""
    standings = facts.standing.get(f"{one.gtin}/{one.lot}", ())
    if one.what == "release":
        return _released(settings, one, facts, standings)
    reason = one.order.note or REASONS[one.what]
    place = one.location or ""
    known = facts.lots.get(f"{one.gtin}/{one.lot}")
    life = known.life if known is not None else None
    open_there = [hold for here in standings if here.location == place for hold in here.holds]
    if OpenHold(reason, "") in open_there and life == LIVES[one.what]:
        return [], [], {"ok": True, "held": [], "already": True}
    effects: list[Effect] = [
        HoldSet(one.gtin, one.lot, place, reason, one.order.by),
        _step(one, LIVES[one.what], REASONS[one.what]),
    ]
    holds = held(settings, one.order, REASONS[one.what], "command", (one.gtin, one.lot), one.location, standings)
    return list(holds), effects, {"ok": True, "held": [_told(hold.location, hold.lots) for hold in holds]}


def held(
    settings: Settings,
    order: Ordered,
    reason: str,
    source: str,
    lot: tuple[str, str],
    location: str | None,
    standings: tuple[Standing, ...],
) -> list[Hold]:
    """One hold for every place where the lot stands; where it stands nowhere one that waits for it."""
    here = [one for one in standings if one.stock and location in (None, one.location)]
    places = [(one.location, _amounts(lot, one)) for one in here] or [(location or "", ())]
    return [
        Hold(
            hold=event_id(settings.site, settings.gateway, "hold", f"{order.key}/{'/'.join(lot)}", number),
            location=place,
            at=order.at,
            reason=reason,
            source=source,
            lots=lots,
            by=order.by,
            device=order.device,
            note=order.note,
            everywhere=location is None,
        )
        for number, (place, lots) in enumerate(places)
    ]


def freed(
    settings: Settings,
    order: Ordered,
    reason: str,
    source: str,
    lot: tuple[str, str],
    places: list[Standing],
) -> list[Release]:
    """One release for every place where something of the lot stands on hold."""
    return [
        Release(
            release=event_id(settings.site, settings.gateway, "release", f"{order.key}/{'/'.join(lot)}", number),
            location=one.location,
            at=order.at,
            reason=reason,
            source=source,
            lots=_amounts(lot, one, "hold"),
            by=order.by,
            device=order.device,
            note=order.note,
        )
        for number, one in enumerate(places)
    ]


def _released(
    settings: Settings, one: Settling, facts: Facts, standings: tuple[Standing, ...]
) -> tuple[list[Decision], list[Effect], dict[str, Any]]:
    name = f"{one.gtin}/{one.lot}"
    known = facts.lots.get(name)
    everywhere = [hold for here in standings if not here.location for hold in here.holds]
    places = [here for here in standings if here.location and one.location in (None, here.location)]
    central = sorted({hold.source for here in (*places, *standings) if here in places or not here.location
                      for hold in here.holds if hold.source.startswith(CENTRAL)})  # fmt: skip
    stopped = [here for here in places if here.holds or _on_hold(here)]
    if known is not None and known.life == "rejected":
        return [], [], refusal(f"{name} was rejected; `tallyman lot inspect` takes it up again")
    if central:
        return [], [], refusal(f"{name} is on hold by central ({', '.join(central)}), which alone withdraws it")
    if everywhere and one.location is not None:
        return [], [], refusal(f"{name} is on hold wherever it stands; release it without a location")
    if not stopped and not everywhere:
        where = f" in {one.location}" if one.location is not None else ""
        return [], [], refusal(f"{name} is not on hold{where}")
    decisions = freed(
        settings,
        one.order,
        "released_by_person",
        "command",
        (one.gtin, one.lot),
        [it for it in stopped if _on_hold(it)],
    ) or [_nothing(settings, one)]
    effects: list[Effect] = [HoldEnd(one.gtin, one.lot, one.location or "", one.order.by)]
    if not any(here.holds or _on_hold(here) for here in standings if here.location and here not in stopped):
        effects.append(_step(one, "released", "released_by_person"))
    told = [_told(decision.location, decision.lots) for decision in decisions if decision.lots]
    return list(decisions), effects, {"ok": True, "released": told}


def ordered(settings: Settings, order: Ordered, ident: str, new: HoldFact | None, facts: Facts) -> Told:
    """Central's hold in a new version, or (None) withdrawn: what it held before is free, what it holds now is not."""
    old = facts.holds.get(ident)
    if old is not None and new is not None and _same(old, new):
        return [], []
    source = f"{CENTRAL}{ident}"
    decisions: list[Decision] = []
    effects: list[Effect] = []
    if old is not None:
        lot = (old.gtin, old.lot)
        standings = facts.standing.get("/".join(lot), ())
        left = {here.location: [hold for hold in here.holds if hold.source != source] for here in standings}
        inside = [here for here in standings if here.location and old.location in (None, here.location)]
        free = [here for here in inside if _on_hold(here) and not left[here.location] and not left.get("")]
        decisions += freed(settings, order, "hold_withdrawn", source, lot, free)
        effects.append(HoldEnd(*lot, old.location or "", order.by, source))
        known = facts.lots.get("/".join(lot))
        still = [here for here in standings if here.location and here not in free and _on_hold(here)]
        if known is not None and known.life == "on_hold" and not still and not any(left.values()):
            effects.append(LotChange(*lot, "released", "hold_withdrawn", order.at, order.by, order.device))
    if new is not None:
        lot = (new.gtin, new.lot)
        standings = facts.standing.get("/".join(lot), ())
        decisions += held(settings, order, "held_by_central", source, lot, new.location, standings)
        effects.append(HoldSet(*lot, new.location or "", new.reason, order.by, source))
        known = facts.lots.get("/".join(lot))
        if known is None or known.life not in ("rejected", "pending_inspection"):
            effects.append(LotChange(*lot, "on_hold", "held_by_central", order.at, order.by, order.device))
    return decisions, effects


def _same(old: HoldFact, new: HoldFact) -> bool:
    return (old.gtin, old.lot, old.location, old.reason) == (new.gtin, new.lot, new.location, new.reason)


def _nothing(settings: Settings, one: Settling) -> Release:
    """A release where nothing stands: what arrives is not held any more."""
    ident = event_id(settings.site, settings.gateway, "release", f"{one.order.key}/{one.gtin}/{one.lot}", 0)
    order = one.order
    return Release(
        ident, one.location or "", order.at, "released_by_person", "command", (), order.by, order.device, order.note
    )


def _step(one: Settling, life: str, reason: str) -> LotChange:
    return LotChange(one.gtin, one.lot, life, reason, one.order.at, one.order.by, one.order.device)


def _on_hold(here: Standing) -> bool:
    return any(status == "hold" and quantity > 0 for status, _, quantity in here.stock)


def _amounts(lot: tuple[str, str], here: Standing, only: str | None = None) -> tuple[LotMinutes, ...]:
    """What of a lot stands there, by unit of measure; `only` in one status."""
    sums: dict[str, int] = {}
    for status, unit, quantity in here.stock:
        if only in (None, status):
            sums[unit] = sums.get(unit, 0) + quantity
    return tuple(LotMinutes(*lot, 0.0, quantity, unit) for unit, quantity in sorted(sums.items()) if quantity > 0)


def _told(location: str, lots: tuple[LotMinutes, ...]) -> dict[str, Any]:
    return {
        "location": location,
        "lots": [
            {"gtin": lot.gtin, "lot": lot.lot, "quantity": format_quantity(lot.quantity), "unit": lot.unit}
            for lot in lots
        ],
    }
