"""`tallyman lot …`, `move`, `dispose`, `produce`: what a person orders the running gateway to do with goods."""

import socket
from pathlib import Path
from typing import Any

import click

from gateway.cli.options import CONFIG, client, spoken
from gateway.errors import TallymanError

BY = click.option("--by", default="", help="Who says so; else the unix user.")
REASON = click.option("--reason", default="", help="Why, in your words.")
LOCATION = click.option("--location", help="Only there; else wherever it stands.")


@click.group()
def lot() -> None:
    """Hold, release, reject or inspect a lot (GTIN/LOT)."""


def _word(name: str, help_: str, done: str) -> click.Command:
    @lot.command(name, help=help_)
    @CONFIG
    @click.argument("named", metavar="GTIN/LOT")
    @LOCATION
    @BY
    @REASON
    def say(config_path: Path, named: str, location: str | None, by: str, reason: str) -> None:
        gtin, _, number = named.partition("/")
        args = {"gtin": gtin, "lot": number, "location": location, "by": by, "reason": reason}
        answer = ordered(config_path, name, args)
        click.echo(f"{named}: {done}" + (" already" if answer.get("already") else ""))
        for one in answer.get("held", answer.get("released", ())):
            for amount in one["lots"]:
                click.echo(f"  {one['location']}: {amount['quantity']} {amount['unit']}")

    return say


_word("hold", "Put a lot on hold: it moves no more, and what arrives of it is held too.", "on hold")
_word("release", "End the site's holds on a lot: what stands on hold becomes available.", "released")
_word("reject", "Reject a lot after inspection: it stays on hold until it is disposed of.", "rejected")
_word("inspect", "Put a lot on hold until somebody has inspected it.", "waits for inspection")


def ordered(config_path: Path, name: str, args: dict[str, Any]) -> dict[str, Any]:
    """The gateway's answer to an order; a refusal ends the command with its words.

    Raises:
        SystemExit: refused, or no gateway answers.
    """
    told = {key: value for key, value in args.items() if value not in (None, "", [])}
    with spoken(), client(config_path) as wire:
        answer = wire.request(name, told | {"device": socket.gethostname()})
        if not answer.get("ok"):
            raise TallymanError(answer.get("error", "refused"))
    return answer


FROM = click.option("--from", "origin", help="Where a lot is taken from, when it stands in several places.")
QUANTITY = click.option("--quantity", help="So much of a lot; else all of it.")
UNIT = click.option("--unit", help="Unit of measure, when a lot stands in several.")


@click.command()
@CONFIG
@click.argument("subject", metavar="SSCC|EPC|GTIN/LOT")
@click.argument("to")
@FROM
@QUANTITY
@UNIT
@BY
@REASON
def move(config_path: Path, subject: str, to: str, origin: str | None, **said: Any) -> None:
    """Put goods away: a unit, an item, or so much of a lot, to location TO. What is on hold does not move."""
    _moved(config_path, "move", {"subject": subject, "to": to, "from": origin} | said)


@click.command()
@CONFIG
@click.argument("subject", metavar="SSCC|EPC|GTIN/LOT")
@FROM
@QUANTITY
@UNIT
@BY
@REASON
def dispose(config_path: Path, subject: str, origin: str | None, **said: Any) -> None:
    """Dispose of goods: they are gone. What is on hold must be rejected first."""
    _moved(config_path, "dispose", {"subject": subject, "from": origin} | said)


@click.command()
@CONFIG
@click.argument("production", metavar="PRODUCTION-ORDER")
@click.option("--input", "inputs", multiple=True, metavar="GTIN/LOT=QUANTITY[UNIT]", help="What goes in, as it was.")
@click.option(
    "--output", "outputs", multiple=True, metavar="GTIN[/LOT]=QUANTITY[UNIT]", help="What came out, as it was."
)
@BY
@REASON
def produce(
    config_path: Path, production: str, inputs: tuple[str, ...], outputs: tuple[str, ...], by: str, reason: str
) -> None:
    """Carry out a production order: its raw lots go out of stock, its product lots come in."""
    try:
        portions = {"inputs": [portion(one) for one in inputs], "outputs": [portion(one) for one in outputs]}
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    answer = ordered(config_path, "produce", {"production": production, "by": by, "reason": reason} | portions)
    for name, sign in (("inputs", "-"), ("outputs", "+")):
        for one in answer[name]:
            click.echo(f"{sign} {one['quantity']} {one['unit']} {one['gtin']}/{one['lot']} in {answer['location']}")


def portion(text: str) -> dict[str, str]:
    """`GTIN/LOT=12.5kg` as a portion of an order.

    Raises:
        ValueError: not of that form.
    """
    goods, equals, amount = text.partition("=")
    gtin, _, number = goods.partition("/")
    figures = amount.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    if not equals or not gtin or not figures:
        raise ValueError(f"{text!r} is not GTIN/LOT=QUANTITY, such as 09501101530003/F9=12.5kg")
    found = {"gtin": gtin, "quantity": figures}
    return found | ({"lot": number} if number else {}) | ({"unit": amount[len(figures) :]} if amount != figures else {})


def _moved(config_path: Path, name: str, args: dict[str, Any]) -> None:
    for one in ordered(config_path, name, args)["movements"]:
        what = ", ".join(f"{line['quantity']} {line['unit']} {line['gtin']}/{line['lot']}" for line in one["lines"])
        way = f"{one['from']} → {one['to']}" if one["to"] else f"out of {one['from']}"
        unit = f" ({one['sscc']})" if one["sscc"] else ""
        click.echo(f"{one['verdict']}: {what}{unit} {way} ({', '.join(one['reasons'])})")
