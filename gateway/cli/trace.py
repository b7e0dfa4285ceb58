"""`tallyman trace` and `tallyman recall`: where goods came from, where they are, and where they went."""

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from gateway import config
from gateway.cli.options import CONFIG, JSON, client, spoken
from gateway.errors import TallymanError
from gateway.model.times import rfc3339

Found = dict[str, Any]

COLUMNS = (
    *("at", "type", "verdict", "reasons", "gtin", "lot", "quantity", "unit", "from", "to"),
    *("party", "expectation", "sscc", "portal", "gateway", "passage", "movement"),
)
"""Of the CSV: one row a line of a movement."""


@click.command()
@CONFIG
@click.argument("named")
@click.option("--forward", "way", flag_value="forward", help="Only into products and to destinations.")
@click.option("--back", "way", flag_value="back", help="Only to ingredients and origins.")
@click.option("--items", "tags", is_flag=True, help="With the EPCs of every line and every item.")
@click.option("--csv", "as_csv", is_flag=True, help="One row a movement line.")
@JSON
def trace(config_path: Path, named: str, way: str | None, tags: bool, as_csv: bool, as_json: bool) -> None:
    """All that is known of a lot (GTIN/LOT), a unit (SSCC) or an item (EPC, GTIN/SERIAL)."""
    with spoken(), _view(config_path) as view:
        found = view.trace(named, forward=way != "back", back=way != "forward", tags=tags)
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    if as_csv:
        out = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        out.writeheader()
        out.writerows(_rows(found))
        return
    _table("movements", list(_rows(found)))
    for name in ("lineage", "places", "excursions", "climate"):
        _table(name, found[name])
    if not found["complete"]:
        click.echo("the lineage is longer than a trace follows: this is not all of it", err=True)


@click.command()
@CONFIG
@click.argument("lot")
@click.option("--list", "listing", is_flag=True, help="Only list; hold nothing.")
@click.option("--reason", default="recall", show_default=True, help="Why, as the hold says it.")
@JSON
def recall(config_path: Path, lot: str, listing: bool, reason: str, as_json: bool) -> None:
    """List and hold all of a lot, and of its products, that is here; name all that left. Exit 1 if not all is held."""
    with spoken(), _view(config_path) as view:
        found = view.recall(lot)
    if as_json:
        click.echo(msgspec.json.encode(found))
    else:
        for name in ("here", "units", "left", "refused", "announced"):
            _table(name, found[name])
    if listing:
        return
    with spoken(), client(config_path) as wire:
        for one in found["lots"]:
            answer = wire.request("hold", {"gtin": one["gtin"], "lot": one["lot"], "reason": reason})
            if not answer.get("ok"):
                raise TallymanError(f"{one['gtin']}/{one['lot']} is not held: {answer.get('error', 'refused')}")
            click.echo(f"held: {one['gtin']}/{one['lot']}", err=True)


@contextmanager
def _view(config_path: Path) -> Iterator[Any]:
    from gateway.ledger.queries import View

    configuration = config.load(config_path)
    view = View.read(configuration.ledger_url, site=configuration.site.id, gateway=configuration.gateway.id)
    try:
        yield view
    finally:
        view.close()


def _rows(found: Found) -> Iterator[Found]:
    """One flat row a movement line; a movement without lines has one too."""
    for one in found["movements"]:
        flat = {name: one[name] for name in COLUMNS if name in one}
        flat |= {"at": rfc3339(one["at"]), "reasons": " ".join(reason["sentence"] for reason in one["reasons"])}
        for line in one["lines"] or [{}]:
            row = flat | {name: line.get(name) for name in ("gtin", "lot", "quantity", "unit")}
            yield {name: row[name] for name in COLUMNS}


_TIMES = ("at", "start", "end", "entered", "left")


def _table(title: str, rows: list[Found], say: Callable[[Any], str] = str) -> None:
    """Rows for people; what is empty is not shown."""
    if not rows:
        return
    table = Table(*rows[0], title=title)
    for row in rows:
        values = ((name, rfc3339(it) if name in _TIMES and isinstance(it, int) else it) for name, it in row.items())
        table.add_row(*("" if value is None else say(value) for _, value in values))
    Console().print(table)
