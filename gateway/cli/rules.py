"""`tallyman rules log`: what rules did, on which facts; `tallyman reload`: new rules without a restart."""

import sys
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from gateway import config
from gateway.cli.options import CONFIG, JSON, client, spoken
from gateway.model.times import rfc3339


@click.group()
def rules() -> None:
    """The rules of the site, and what they did."""


@rules.command()
@CONFIG
@click.option("--rule", help="Only this rule.")
@click.option("--subject", help="Only what is about this movement, sensor/quantity, alarm or excursion.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="The last so many.")
@JSON
def log(config_path: Path, rule: str | None, subject: str | None, limit: int, as_json: bool) -> None:
    """The last firings, newest first: which rule, what it said then (its hash), on which facts, and what it did."""
    from gateway.ledger.queries import View

    with spoken():
        configuration = config.load(config_path)
        view = View.read(configuration.ledger_url, site=configuration.site.id, gateway=configuration.gateway.id)
        try:
            found = view.firings(limit, rule=rule, subject=subject)
        finally:
            view.close()
    if as_json:
        for row in found:
            click.echo(msgspec.json.encode(row | {"at": rfc3339(row["at"])}))
        return
    table = Table("at", "rule", "hash", "on", "about", "at place", "facts", "did")
    for row in found:
        facts = ", ".join(f"{name}={_short(value)}" for name, value in row["facts"].items())
        did = "; ".join(row["actions"])
        table.add_row(
            rfc3339(row["at"]), row["rule"], row["digest"][:12], row["on"], row["subject"], row["place"], facts, did
        )
    Console().print(table)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else f"{text[:59]}…"


@click.command()
@CONFIG
def reload(config_path: Path) -> None:
    """Have the running gateway read its configuration and rule files again; exit 2 and no change when they are wrong.

    Taken without a restart: rules and rule files, alarms, locations, the numbers of portals, lot_number of the site.
    """
    with spoken():
        with client(config_path) as gateway:
            answer = gateway.request("reload")
        for line in answer.get("problems", ()):
            click.echo(line, err=True)
        if not answer.get("ok"):
            click.echo("not reloaded; what was in force stays in force", err=True)
            sys.exit(2)
        click.echo("\n".join(answer["changed"]) or "nothing has changed")
