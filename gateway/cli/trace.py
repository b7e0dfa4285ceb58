"""`tallyman trace` and `tallyman recall`: where goods came from, where they are, and where they went."""

import csv
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from gateway import config
from gateway.cli.options import CONFIG, JSON, client, spoken
from gateway.cli.telling import readable, recall_lines, trace_lines
from gateway.errors import TallymanError
from gateway.model.times import rfc3339

if TYPE_CHECKING:
    from gateway.ledger.queries import View

Found = dict[str, Any]

COLUMNS = (
    *("at", "type", "purpose", "verdict", "reasons", "rules", "gtin", "lot", "quantity", "unit", "tags"),
    *("from", "to", "by", "portal", "gateway", "party", "expectation", "sscc"),
    *("event", "seq", "passage", "position", "movement"),
)
"""Of the CSV: one row a line of a movement."""

ROUNDS = 5
"""How often a recall looks for products that were made of the lots while it held them."""


@click.command()
@CONFIG
@click.argument("named", metavar="LOT|SSCC|EPC|ITEM")
@click.option("--forward", "way", flag_value="forward", help="Only into products and to destinations.")
@click.option("--back", "way", flag_value="back", help="Only to ingredients and origins.")
@click.option("--items", "tags", is_flag=True, help="With the EPCs of every line and every item.")
@click.option("--csv", "as_csv", is_flag=True, help="One row a movement line.")
@JSON
def trace(config_path: Path, named: str, way: str | None, tags: bool, as_csv: bool, as_json: bool) -> None:
    """All that is known of a lot (GTIN/LOT), a unit (SSCC) or an item (EPC, GTIN/SERIAL). Reads only."""
    with spoken(), view(config_path) as ledger:
        found = ledger.trace(named, forward=way != "back", back=way != "forward", tags=tags)
    if as_json:
        click.echo(msgspec.json.encode(readable(found)))
    elif as_csv:
        out = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        out.writeheader()
        out.writerows(_rows(found))
    else:
        for line in trace_lines(found):
            click.echo(line)


@click.command()
@CONFIG
@click.argument("lot", metavar="LOT")
@click.option("--list", "listing", is_flag=True, help="Only list; hold nothing.")
@click.option("--reason", default="recall", show_default=True, help="Why, as the hold says it.")
@click.option("--by", default="", help="Who says so; else the unix user.")
@JSON
def recall(config_path: Path, lot: str, listing: bool, reason: str, by: str, as_json: bool) -> None:
    """Hold and list all of a lot, and of its products, that is here; name all that left. Exit 1 if not all is held."""
    problem = ""
    with spoken(), view(config_path) as ledger:
        found = ledger.recall(lot)
        held: list[Found] = []
        if not listing:
            found, held, problem = _holding(config_path, ledger, found, reason, by)
    if as_json:
        click.echo(msgspec.json.encode(readable(found | {"held": held})))
    else:
        for line in recall_lines(found):
            click.echo(line)
        for one in held:
            click.echo(f"held: {one['gtin']}/{one['lot']}")
    if problem:
        click.echo(f"tallyman: {problem}", err=True)
        sys.exit(1)


def _holding(config_path: Path, ledger: "View", found: Found, reason: str, by: str) -> tuple[Found, list[Found], str]:
    """Hold every lot of a recall, and those that were made of them meanwhile; what is here then, and what failed."""
    held: dict[tuple[str, str], Found] = {}
    gtin, lot = found["subject"]["gtin"], found["subject"]["lot"]
    try:
        with client(config_path) as wire:
            for _ in range(ROUNDS):
                new = [one for one in found["lots"] if (one["gtin"], one["lot"]) not in held]
                if not new:
                    return found, list(held.values()), ""
                for one in new:
                    args = {"gtin": one["gtin"], "lot": one["lot"], "reason": reason, "device": socket.gethostname()}
                    answer = wire.request("hold", args | ({"by": by} if by else {}))
                    if not answer.get("ok"):
                        text = f"{one['gtin']}/{one['lot']} is not held: {answer.get('error', 'refused')}"
                        return found, list(held.values()), text
                    places = answer.get("held", [])
                    held[one["gtin"], one["lot"]] = {"gtin": one["gtin"], "lot": one["lot"], "places": places}
                found = ledger.recall(f"(01){gtin}(10){lot}")
    except TallymanError as error:
        done = f"{len(held)} of {len(found['lots'])} lots are held" if held else "nothing is held"
        return found, list(held.values()), f"{done}: {error}"
    return found, list(held.values()), "products are being made of it all the time; run the recall again"


@contextmanager
def view(config_path: Path) -> Iterator["View"]:
    """The ledger, to be read beside the gateway or without it."""
    from gateway.ledger.queries import View

    configuration = config.load(config_path)
    ledger = View.read(configuration.ledger_url, site=configuration.site.id, gateway=configuration.gateway.id)
    try:
        yield ledger
    finally:
        ledger.close()


def _rows(found: Found) -> Iterator[Found]:
    """One flat row a movement line; a movement without lines has one too."""
    for one in found["movements"]:
        flat = {name: one[name] for name in COLUMNS if name in one}
        flat |= {
            "at": rfc3339(one["at"]),
            "reasons": " ".join(reason["code"] for reason in one["reasons"]),
            "rules": " ".join(one["rules"]),
        }
        for line in one["lines"] or [{}]:
            row = flat | {name: line.get(name) for name in ("gtin", "lot", "quantity", "unit", "tags")}
            yield {name: row[name] for name in COLUMNS}
