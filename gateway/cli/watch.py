"""`tallyman watch`: the running gateway, live. Bars per antenna on a terminal, outcome lines anywhere else."""

import sys
from collections import deque
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gateway import config
from gateway.cli.options import CONFIG, JSON, client, spoken
from gateway.cli.saying import said
from gateway.errors import TallymanError
from gateway.model.settings import Settings

BAR = 30
"""Characters of the longest bar."""

FULL = 400.0
"""Reads per second that fill a bar: a fast reader reaches a few hundred (reference: Gen2 singulation rates)."""

HOLD = 8
"""Pictures (of 0.25 s) an antenna keeps its place after its last read, so that the table stands still."""

DECISIONS = 12
"""Decisions kept in sight."""


@click.command()
@CONFIG
@click.option("--portal", help="Only the antennas of this portal.")
@JSON
def watch(config_path: Path, portal: str | None, as_json: bool) -> None:
    """Live: what each antenna hears, as bars, and the decisions below. Into a pipe: one outcome line per decision."""
    with spoken():
        settings = config.load(config_path).settings()
        known = [one.id for one in settings.portals]
        if portal is not None and portal not in known:
            raise TallymanError(f"there is no portal {portal!r}; there are: {', '.join(known) or 'none'}")
    with spoken(), client(config_path) as gateway:
        console = Console()
        if as_json or not console.is_terminal:
            out = sys.stdout.buffer
            for line in gateway.watch():
                out.write(line + b"\n")
                out.flush()
            return
        picture = Picture(settings, portal)
        with Live(picture.render(), console=console, auto_refresh=False, screen=False) as live:
            try:
                for line in gateway.watch(antennas=True):
                    if picture.take(msgspec.json.decode(line), line):
                        live.update(picture.render(), refresh=True)
            except KeyboardInterrupt:
                return


class Picture:
    """What stands on the screen: one bar per antenna of the configuration, the last decisions below."""

    def __init__(self, settings: Settings, portal: str | None = None) -> None:
        self._antennas = {
            (antenna.reader, antenna.port): (one.id, antenna.row, antenna.side)
            for one in settings.portals
            for antenna in one.antennas
            if portal in (None, one.id)
        }
        self._only = portal is not None
        self._heard: dict[tuple[str, int], dict[str, Any]] = {}
        self._silent: dict[tuple[str, int], int] = {}
        self._decisions: deque[str] = deque(maxlen=DECISIONS)

    def take(self, found: dict[str, Any], line: bytes) -> bool:
        """Take one line; whether the picture changed."""
        if found["kind"] != "antennas":
            self._decisions.append(said(line))
            return True
        heard = {(one["reader"], one["antenna"]): one | {"ms": found["ms"]} for one in found["antennas"]}
        for key in {*self._heard, *heard}:
            self._silent[key] = 0 if key in heard else self._silent.get(key, 0) + 1
            if key in heard:
                self._heard[key] = heard[key]
            elif self._silent[key] > HOLD:
                self._heard.pop(key)
        return True

    def render(self) -> Group:
        """The picture as it is now."""
        table = Table("portal", "antenna", "row", "side", "", "reads/s", "tags", "peak dBm", box=None, pad_edge=False)
        keys = sorted({*self._antennas, *(() if self._only else self._heard)})
        for key in sorted(keys, key=lambda one: (self._antennas.get(one, ("~",))[0], one)):
            portal, row, side = self._antennas.get(key, ("–", "", ""))
            one = self._heard.get(key) if not self._silent.get(key) else None
            rate = one["reads"] * 1000 / one["ms"] if one is not None else 0.0
            bar = Text("█" * min(BAR, round(BAR * rate / FULL)) or ("▏" if rate else ""), style="green")
            tags = str(one["tags"]) if one is not None else ""
            peak = f"{one['peak']:.1f}" if one is not None and one["peak"] is not None else ""
            table.add_row(portal, f"{key[0]}/{key[1]}", row, side, bar, f"{rate:.0f}" if rate else "", tags, peak)
        return Group(table, Text(), *(Text(text, no_wrap=True, overflow="ellipsis") for text in self._decisions))
