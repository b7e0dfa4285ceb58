"""`tallyman tune`: what a portal heard for a while, and which settings would have judged it better."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
from rich.console import Console

from gateway import config
from gateway.cli.options import CONFIG, JSON, client, spoken
from gateway.config.values import duration
from gateway.errors import ConfigError, Problem, TallymanError
from gateway.journal import records
from gateway.model.facts import FactsRecord
from gateway.model.inputs import Config
from gateway.model.settings import Settings
from gateway.model.times import SECOND
from gateway.rules.tuning import Proposal, Study, propose, study
from gateway.rules.tuning.trial import Timed, judged

READS_MOST = 2_000_000
"""Reads that are looked at: half an hour of a busy door. What came before is left out."""


@click.command()
@CONFIG
@click.argument("portal")
@click.option("--recording", type=click.Path(path_type=Path), help="A recording, or a journal directory.")
@click.option("--for", "lasts", default="10m", show_default=True, help="How long to listen; Ctrl-C ends it sooner.")
@JSON
@click.pass_context
def tune(
    context: click.Context, config_path: Path, portal: str, recording: Path | None, lasts: str, as_json: bool
) -> None:
    """Listen to a portal, live or in a recording, and propose settings with reason and effect. Changes nothing."""
    given = context.get_parameter_source("config_path") is not click.core.ParameterSource.DEFAULT
    with spoken():
        if recording is not None:
            settings, inputs = _replayed(recording, config_path if given else None)
        else:
            settings = config.load(config_path).settings()
            _known(settings, portal)
            inputs = _heard(config_path, _duration(lasts))
        _known(settings, portal)
        told = study(settings, portal, inputs)
        if not any(heard.reads for heard in told.antennas.values()):
            raise TallymanError(f"{portal} heard no tag: is its reader up? See `tallyman status` and `tallyman watch`")
        proposals = propose(told)
    if as_json:
        for one in proposals:
            sys.stdout.buffer.write(msgspec.json.encode(one) + b"\n")
        return
    for line in _shown(told, proposals):
        click.echo(line)


def _known(settings: Settings, portal: str) -> None:
    known = [one.id for one in settings.portals]
    if portal not in known:
        raise TallymanError(f"there is no portal {portal!r}; there are: {', '.join(known) or 'none'}")


def _duration(text: str) -> float:
    try:
        return duration(text) / SECOND
    except ValueError as error:
        raise TallymanError(f"--for {text}: {error}") from None


def _replayed(recording: Path, config_path: Path | None) -> tuple[Settings, list[Timed]]:
    """The inputs of a recording, and the settings: those given, else the last the recording holds."""
    from gateway.replay import Reading

    found = config.load(config_path) if config_path is not None else None
    inputs: list[Timed] = []
    for entry in Reading(recording).entries():
        if isinstance(entry.item, FactsRecord):
            continue
        if isinstance(entry.item, Config) and config_path is None:
            found = config.parse(entry.item.toml, entry.file, rules=entry.item.rules)
        inputs.append((entry.t, entry.item))
    if found is None:
        text = "the recording holds no configuration; give the site's with -c FILE"
        raise ConfigError([Problem(str(recording), 1, "config", text)])
    return found.settings(), _latest(inputs)


def _latest(inputs: list[Timed]) -> list[Timed]:
    """The newest inputs with no more than READS_MOST reads."""
    reads = 0
    for index in range(len(inputs) - 1, -1, -1):
        reads += len(getattr(inputs[index][1], "reads", ())) or 1
        if reads > READS_MOST:
            return inputs[index + 1 :]
    return inputs


def _heard(config_path: Path, lasts: float) -> list[Timed]:
    """What the running gateway hears until the time is over or somebody has seen enough."""
    inputs: list[Timed] = []
    console = Console(stderr=True)
    with client(config_path) as gateway, console.status("listening; Ctrl-C when enough has passed") as status:
        try:
            for found in _lines(gateway.watch(antennas=True, inputs=True), lasts):
                inputs.append(found)
                status.update(f"listening: {len(inputs)} reports; Ctrl-C when enough has passed")
        except KeyboardInterrupt:
            console.print("that is enough")
    return _latest(inputs)


def _lines(lines: Iterator[bytes], lasts: float) -> Iterator[Timed]:
    """The inputs among the lines of a watch, for so many seconds; other lines come four times a second."""
    until = time.monotonic() + lasts
    for line in lines:
        if line.startswith(b'{"t":'):
            t, item = records.decode(line)
            if not isinstance(item, FactsRecord):
                yield t, item
        if time.monotonic() >= until:
            return


def _shown(told: Study, proposals: list[Proposal]) -> Iterator[str]:
    """For people: what was heard, the proposals, and what to paste."""
    trial = judged(told.passages, told.labels)
    reads = sum(heard.reads for heard in told.antennas.values())
    minutes = (told.end - told.begin) / SECOND / 60
    heard = f"{reads} reads of {len(told.sights)} tags in {minutes:.1f} min"
    yield f"{told.portal.id}: {len(told.passages)} passages, {heard}"
    yield (
        f"In hindsight {trial.moved} tags moved ({trial.lost} of them did not count) and {trial.stood} stood there "
        f"({trial.strays} of them counted); the rest is in doubt and left out."
    )
    if not proposals:
        yield "Nothing to change: no setting that was tried judges these passages better."
    for number, one in enumerate(proposals, 1):
        yield ""
        yield f"{number}. {one.about}: {one.reason}."
        yield f"   {one.expected}."
        for line in one.toml:
            yield f"       {line}"
    if any(one.toml for one in proposals):
        yield ""
        yield f'Lines that you agree with go into the [[portal]] with id = "{told.portal.id}"; nothing was changed.'
