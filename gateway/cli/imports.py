"""`tallyman asn|order|lots|commission import`: announcements from files, for the running gateway."""

import sys
from pathlib import Path

import click

from gateway.cli.options import CONFIG, client, spoken

NOUNS = {"asn": "ASNs", "order": "orders", "lot": "lots", "commission": "commissioning lists"}
"""What can be imported, by kind."""


def import_command(kind: str) -> click.Command:
    """The command that imports documents of this kind."""

    @click.command("import", help=f"Hand {NOUNS[kind]} from files (JSON, NDJSON or CSV) to the running gateway.")
    @CONFIG
    @click.option("--check", "checking", is_flag=True, help="Only check the files; no gateway is needed.")
    @click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
    def command(config_path: Path, checking: bool, files: tuple[Path, ...]) -> None:
        from gateway.cli.importing.sending import check, send

        if odd := [file for file in files if not file.is_file()]:
            raise click.UsageError(f"{odd[0]} is no file that can be read twice; it is checked first, then sent")
        noun = NOUNS[kind]
        with spoken():
            checked = check(kind, files)
            given = sum(one.documents for one in checked)
            done = sum(one.sound for one in checked)
            if not checking and done:
                with client(config_path) as wire:
                    done = send(kind, checked, wire)
        click.echo(f"{noun} {'sound' if checking else 'taken'}: {done} of {given}")
        sys.exit(0 if done == given else 1)

    return command


@click.group()
def asn() -> None:
    """Advance ship notices."""


@click.group()
def order() -> None:
    """Orders: what should leave."""


@click.group()
def commission() -> None:
    """Commissioning lists: which lot each item belongs to."""


for _group in (asn, order, commission):
    _group.add_command(import_command(_group.name or ""))
