"""`tallyman export`: what is recorded, in the forms that others ask for."""

import csv
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import msgspec

from gateway import config
from gateway.cli.options import CONFIG, JSON, spoken
from gateway.cli.trace import view
from gateway.errors import TallymanError

DAY = click.DateTime(["%Y-%m-%d"])
EARLIEST, LATEST = date(1970, 1, 1), date(9999, 12, 30)
"""Days that have an instant in every time zone."""


@click.group()
def export() -> None:
    """Records for others."""


@export.command()
@CONFIG
@click.option("--from", "first", type=DAY, required=True, help="The first day, in the site's time.")
@click.option("--to", "last", type=DAY, required=True, help="The last day, in the site's time; it is included.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file; else standard output.")
@click.argument("lot", required=False)
@JSON
def fsma204(
    config_path: Path, first: datetime, last: datetime, output: Path | None, lot: str | None, as_json: bool
) -> None:
    """Receiving, shipping and transformation with the key data elements of 21 CFR 1.1340 to 1.1350, as CSV.

    Of all lots, or of one. What the ledger does not know is an empty cell; a note on stderr counts them.
    """
    from gateway.ledger.fsma204 import unknown

    with spoken():
        if last < first:
            raise TallymanError(f"--to {last.date()} lies before --from {first.date()}")
        if first.date() < EARLIEST or last.date() > LATEST:
            raise TallymanError(f"--from and --to lie between {EARLIEST} and {LATEST}")
        zone = ZoneInfo(config.load(config_path).site.timezone)
        start, end = _midnight(first.date(), zone), _midnight(last.date() + timedelta(days=1), zone)
        with view(config_path) as ledger:
            rows = ledger.fsma204(start, end, lot)
        try:
            _write(rows, output, as_json=as_json)
        except OSError as error:
            raise TallymanError(f"{output}: cannot be written: {error.strerror}") from None
    click.echo(f"{len(rows)} rows, {first.date()} to {last.date()}", err=True)
    for cte, empty in sorted(unknown(rows).items()):
        for name, count in empty.items():
            click.echo(f"not known: {name} of {count} rows ({cte})", err=True)


def _midnight(day: date, zone: ZoneInfo) -> int:
    """The beginning of a day of the site, µs."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1_000_000


def _write(rows: list[dict[str, Any]], output: Path | None, *, as_json: bool) -> None:
    """The rows, as CSV with a header or as JSON lines.

    Raises:
        OSError: the file cannot be written.
    """
    from gateway.ledger.fsma204 import COLUMNS

    stream = output.open("w", encoding="utf-8", newline="") if output is not None else sys.stdout
    try:
        if as_json:
            stream.writelines(msgspec.json.encode(row).decode() + "\n" for row in rows)
            return
        out = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        out.writeheader()
        out.writerows(rows)
    finally:
        if output is not None:
            stream.close()
