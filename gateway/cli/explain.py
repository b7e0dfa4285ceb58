"""`tallyman explain`: what was decided and why, in sentences."""

import sys
from pathlib import Path

import click
import msgspec

from gateway import config, logs
from gateway.cli.options import CONFIG, JSON, spoken
from gateway.errors import TallymanError
from gateway.model.outcome import Decision, Passage
from gateway.rules.explaining import about, explain


@click.command(name="explain")
@CONFIG
@click.argument("subject")
@click.option("--tag", "epc", default="", help="Why this tag (EPC, hex) was counted, or not.")
@click.option("--recording", type=click.Path(path_type=Path), help="Replay this instead of asking the ledger.")
@JSON
@click.pass_context
def explain_command(
    context: click.Context, config_path: Path, subject: str, epc: str, recording: Path | None, as_json: bool
) -> None:
    """Explain a passage, movement, alarm, excursion or hold (its id), or a portal's last passage (the portal's id)."""
    given = context.get_parameter_source("config_path") is not click.core.ParameterSource.DEFAULT
    with spoken():
        if recording is not None:
            turns = _replayed(recording, config_path if given else None, subject)
        else:
            turns = _recorded(config_path, subject)
        found = [one for turn in turns for one in turn]
        if not found:
            where = f"in {recording}" if recording is not None else "in the ledger"
            raise TallymanError(
                f"{subject}: nothing of this name was decided {where}; `tallyman trace`, `tallyman alarms` and "
                "`tallyman replay FILE` show ids"
            )
        sentences = explain(found, epc)
        if not sentences:
            raise TallymanError(f"{subject} has nothing to do with tag {epc}")
    if as_json:
        for one in sentences:
            sys.stdout.buffer.write(msgspec.json.encode(one) + b"\n")
        return
    for one in sentences:
        click.echo(one.text)


def _recorded(config_path: Path, subject: str) -> list[list[Decision]]:
    """From the ledger: the turns about this subject."""
    from gateway.ledger.queries import View

    configuration = config.load(config_path)
    view = View.read(configuration.ledger_url, site=configuration.site.id, gateway=configuration.gateway.id)
    try:
        turns = view.turns(subject)
    finally:
        view.close()
    return [_chosen(turn, subject) for turn in turns]


def _replayed(recording: Path, config_path: Path | None, subject: str) -> list[list[Decision]]:
    """From a recording: the turns about this subject; a portal's id means its last passage."""
    from gateway.replay import replay

    logs.configure("warning")
    prepared = replay(recording, config.load(config_path) if config_path is not None else None)
    found: list[list[Decision]] = []
    last: list[Decision] = []
    for turn in prepared.turns():
        decisions = turn.outcome.decisions
        if mine := about(decisions, subject):
            found.append(mine)
        last = _chosen(list(decisions), subject) or last
    return found or ([last] if last else [])


def _chosen(turn: list[Decision], subject: str) -> list[Decision]:
    """What of a turn belongs to the subject; a portal's id means the last of its passages there."""
    found = about(turn, subject)
    if found:
        return found
    passages = [one for one in turn if isinstance(one, Passage) and one.portal == subject]
    return about(turn, passages[-1].passage) if passages else []
