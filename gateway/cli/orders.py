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
