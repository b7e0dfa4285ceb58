"""`tallyman epc`: what a tag says about itself."""

import sys
from collections.abc import Iterator
from typing import BinaryIO

import click
import msgspec
from rich.console import Console
from rich.table import Table

from gateway.cli.options import JSON
from gateway.identity import Identity, decode


@click.command()
@click.argument("epcs", nargs=-1, metavar="[HEX]...")
@JSON
def epc(epcs: tuple[str, ...], as_json: bool) -> None:
    """Decode EPCs (hex, or an opaque scheme:value), or one per line from stdin; exit 1 if one has an error."""
    if not epcs and sys.stdin.isatty():
        raise click.UsageError("no EPC given, and none comes on stdin")
    identities = (decode(text) for text in epcs or _lines(sys.stdin.buffer))
    failed = False
    rows = []
    for identity in identities:
        failed |= identity.error is not None
        if as_json:
            click.echo(msgspec.json.encode(_line(identity)))
        else:
            rows.append(_row(identity))
    if rows:
        table = Table("EPC", "scheme", "URI", "elements", "filter", "error")
        for row in rows:
            table.add_row(*row)
        Console(width=None if sys.stdout.isatty() else 240).print(table)
    sys.exit(1 if failed else 0)


def _lines(stream: BinaryIO) -> Iterator[str]:
    """The lines that hold something; bytes that are no text stay visible."""
    return (text for line in stream if (text := line.decode(errors="replace").strip()))


def _line(identity: Identity) -> dict[str, object]:
    """The keys of the JSON line, in their order."""
    return {
        "hex": identity.hex,
        "scheme": identity.scheme,
        "uri": identity.uri,
        "digital_link": identity.digital_link,
        "ai": identity.ai,
        "filter": identity.filter,
        "error": identity.error,
    }


def _row(identity: Identity) -> tuple[str, ...]:
    elements = " ".join(f"({ai}){value}" for ai, value in identity.ai.items())
    filter_ = "" if identity.filter is None else str(identity.filter)
    return identity.hex, identity.scheme, identity.uri, elements, filter_, identity.error or ""
