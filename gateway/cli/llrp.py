"""`tallyman llrp`: look into recorded LLRP bytes."""

import sys
from collections.abc import Iterator
from typing import BinaryIO

import click
import msgspec

from gateway.cli.probe import probe

_PIECE = 256 * 1024  # bytes read at a time
_FILE = click.argument("file", type=click.File("rb"))


@click.group()
def llrp() -> None:
    """LLRP, the protocol of the tag readers."""


llrp.add_command(probe)


@llrp.command()
@_FILE
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line, for machines.")
def decode(file: BinaryIO, as_json: bool) -> None:
    """Print the frames of FILE (concatenated LLRP messages; `-` is stdin), one line each; exit 1 if one is rejected."""
    from gateway.readers.llrp.transcript import line, read, record

    rejected = 0
    out = sys.stdout.buffer
    for entry in read(_pieces(file)):
        rejected += entry.message is None
        out.write(msgspec.json.encode(record(entry)) if as_json else line(entry).encode())
        out.write(b"\n")
    out.flush()
    sys.exit(1 if rejected else 0)


@llrp.command()
@_FILE
def verify(file: BinaryIO) -> None:
    """Decode and encode again each frame of FILE (`-` is stdin); exit 0 only if all come out byte for byte."""
    from gateway.readers.llrp.transcript import line, read

    frames = exact = rejected = 0
    for entry in read(_pieces(file)):
        frames += 1
        if entry.message is None:
            rejected += 1
            click.echo(line(entry))
        elif entry.exact:
            exact += 1
        else:
            click.echo(f"{entry.offset:>10}  not exact  {entry.message.name} id={entry.message.id}")
    click.echo(f"{frames} frames, {exact} byte-exact, {rejected} rejected")
    sys.exit(0 if exact == frames else 1)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece
