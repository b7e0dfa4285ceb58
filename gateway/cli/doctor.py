"""`tallyman doctor`: one line per thing this gateway needs, and what to do where it is not as it should be."""

import asyncio
import sys
from pathlib import Path

import click
import msgspec

MARKS = {"ok": "✓", "warning": "!", "failed": "✗"}
COLOURS = {"ok": "green", "warning": "yellow", "failed": "red"}


@click.command()
@click.option(
    "-c",
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("/etc/tallyman/tallyman.toml"),
    show_default=True,
    envvar="TALLYMAN_CONFIG",
    help="Configuration file.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line, for machines.")
def doctor(config_path: Path, as_json: bool) -> None:
    """Look whether everything is there and reachable; say what to do where not. Exit 1 if something failed."""
    from gateway.cli.examine import examine

    findings = asyncio.run(examine(config_path))
    for one in findings:
        if as_json:
            click.echo(msgspec.json.encode(one))
            continue
        click.echo(f"{click.style(MARKS[one.result], fg=COLOURS[one.result])} {one.check}: {one.text}")
        if one.fix:
            click.echo(f"    → {one.fix}")
    sys.exit(1 if any(one.result == "failed" for one in findings) else 0)
