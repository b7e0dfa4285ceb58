"""What persons order through the command socket, and central through `cmd/…`: arguments become candidates. Pure.

    hold | release | reject | inspect   {gtin, lot, location?, reason?}
    move                                {subject, to, from?, quantity?, unit?, reason?}
    dispose                             {subject, from?, quantity?, unit?, reason?}
    produce                             {production, inputs?, outputs?, reason?}

A subject is an SSCC, an EPC in hexadecimal, or GTIN/LOT. All take `by` (who says so, beside the user of the socket) and
`device` (what with).
"""

import re
from typing import Any

import msgspec
from msgspec import Struct

from gateway.identity import keys
from gateway.model.documents import Portion
from gateway.model.inputs import Command
from gateway.model.outcome import Rejection
from gateway.model.quantity import parse_quantity
from gateway.model.settings import Settings
from gateway.rules.candidates import Moving, Ordered, Producing, Refused, Settling
from gateway.rules.soundness import first, lot_problem, name_problem, portion_problem

SETTLING = ("hold", "release", "reject", "inspect")
NAMES = (*SETTLING, "move", "dispose", "produce")
"""Commands that are orders."""

_EPC = re.compile(r"[0-9A-Fa-f]{8,124}")
_PLAIN = 200
"""Characters of words that a person says."""


class _Said(Struct, forbid_unknown_fields=True, kw_only=True):
    by: str = ""
    device: str = ""
    reason: str = ""


class _Lot(_Said):
    gtin: str
    lot: str
    location: str | None = None


class _Goods(_Said):
    subject: str
    to: str | None = None
    from_: str | None = msgspec.field(default=None, name="from")
    quantity: str | None = None
    unit: str | None = None


class _Production(_Said):
    production: str
    inputs: tuple[Portion, ...] = ()
    outputs: tuple[Portion, ...] = ()


def places(settings: Settings) -> frozenset[str]:
    """Every location of the site."""
    doors = {place for portal in settings.portals for place in (portal.location, portal.outside) if place}
    return frozenset(doors | {place.id for place in settings.locations} | {one.location for one in settings.sensors})


def read(
    settings: Settings, command: Command, at: int, key: str, *, wants: tuple[str, ...] = ()
) -> Settling | Moving | Producing | Refused:
    """An order as a candidate; what is wrong with it is said to who gave it."""
    try:
        return _read(settings, command, at, key, wants)
    except (msgspec.ValidationError, ValueError) as error:
        return Refused(Rejection(f"cmd/{command.name}", at, "bad_command", f"{command.name}: {error}"))


def _read(
    settings: Settings, command: Command, at: int, key: str, wants: tuple[str, ...]
) -> Settling | Moving | Producing:
    name = command.name
    if name in SETTLING:
        lot = msgspec.convert(command.args, _Lot)
        _sound(lot)
        gtin, number = _lot(lot.gtin, lot.lot)
        return Settling(_ordered(command, lot, at, key), name, gtin, number, _place(settings, lot.location))
    if name == "produce":
        production = msgspec.convert(command.args, _Production)
        _sound(production)
        portions = (*production.inputs, *production.outputs)
        if problem := name_problem("production", production.production) or first(
            portion_problem("inputs, outputs", one) for one in portions
        ):
            raise ValueError(problem)
        inputs, outputs = ([_portion(one) for one in side] for side in (production.inputs, production.outputs))
        order = _ordered(command, production, at, key)
        return Producing(order, production.production, tuple(inputs), tuple(outputs))
    goods = msgspec.convert(command.args, _Goods)
    _sound(goods)
    if (goods.to is None) is (name == "move"):
        raise ValueError("say where to" if name == "move" else "what is disposed of goes nowhere; leave `to` out")
    quantity = None if goods.quantity is None else parse_quantity(goods.quantity)
    if quantity is not None and quantity <= 0:
        raise ValueError(f"quantity {goods.quantity} is not more than nothing")
    sscc, epc, named = _subject(goods.subject)
    return Moving(
        order=_ordered(command, goods, at, key),
        sscc=sscc,
        epc=epc,
        lot=named,
        origin=_place(settings, goods.from_),
        destination=_place(settings, goods.to),
        quantity=quantity,
        unit=goods.unit,
        wants=wants,
    )


def _sound(said: _Said) -> None:
    for name in ("by", "device", "reason"):
        text = getattr(said, name)
        if len(text) > _PLAIN or not (text.isprintable() or not text):
            raise ValueError(f"{name} is longer than {_PLAIN} characters or holds control characters")


def _ordered(command: Command, said: _Said, at: int, key: str) -> Ordered:
    """Who: the name they give, with the user of the socket behind it where that is another."""
    by = said.by if said.by in ("", command.by) else f"{said.by} ({command.by})" if command.by else said.by
    return Ordered(key, at, by or command.by, said.device, said.reason)


def _lot(gtin: str, lot: str) -> tuple[str, str]:
    if problem := keys.gtin_problem(gtin) or lot_problem("lot", lot):
        raise ValueError(problem)
    return keys.gtin14(gtin), lot


def _portion(portion: Portion) -> Portion:
    return msgspec.structs.replace(portion, gtin=keys.gtin14(portion.gtin))


def _place(settings: Settings, location: str | None) -> str | None:
    known = places(settings)
    if location is not None and location not in known:
        raise ValueError(f"no location {location[:80]!r} here; known are {', '.join(sorted(known))}")
    return location


def _subject(text: str) -> tuple[str | None, str | None, tuple[str, str] | None]:
    """SSCC, EPC or lot: exactly one of them."""
    gtin, slash, lot = text.partition("/")
    if slash:
        return None, None, _lot(gtin, lot)
    if len(text) == 18 and text.isascii() and text.isdigit():
        if problem := keys.sscc_problem(text):
            raise ValueError(problem)
        return text, None, None
    if _EPC.fullmatch(text):
        return None, text.upper(), None
    raise ValueError(f"{text[:80]!r} is neither an SSCC (18 digits), nor an EPC in hexadecimal, nor GTIN/LOT")


def refusal(problem: str) -> dict[str, Any]:
    """The reply to an order that is not carried out."""
    return {"ok": False, "error": problem}
