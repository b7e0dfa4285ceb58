"""`tallyman`: the commands of DESIGN §6, each a thin way to a room that does the work."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from gateway import __version__, config, logs
from gateway.cli.doctor import doctor
from gateway.cli.epc import epc
from gateway.cli.explain import explain_command
from gateway.cli.export import export
from gateway.cli.imports import asn, commission, import_command, order
from gateway.cli.llrp import llrp
from gateway.cli.options import CONFIG, JSON, client, spoken
from gateway.cli.orders import dispose, lot, move, produce
from gateway.cli.rules import reload, rules
from gateway.cli.saying import said
from gateway.cli.trace import recall, trace
from gateway.cli.tune import tune
from gateway.cli.watch import watch
from gateway.errors import ConfigError, TallymanError
from gateway.model.times import rfc3339


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tallyman")
def main() -> None:
    """Tallyman: dock doors, sensors and scales in; lot movements out."""


main.add_command(llrp)
main.add_command(doctor)
main.add_command(epc)
main.add_command(watch)
main.add_command(tune)
main.add_command(explain_command)
main.add_command(trace)
main.add_command(export)
main.add_command(asn)
main.add_command(order)
main.add_command(commission)
main.add_command(recall)
main.add_command(lot)
main.add_command(move)
main.add_command(dispose)
main.add_command(produce)
main.add_command(rules)
main.add_command(reload)


@main.command()
@CONFIG
def check(config_path: Path) -> None:
    """Check a configuration: every mistake at once, with file and line; exit 2 if there is one."""
    from gateway.config.check import report

    with spoken():
        for line in report(_sound(config_path)):
            click.echo(line)


@main.command()
@CONFIG
def run(config_path: Path) -> None:
    """Run the gateway (what the service does)."""
    import structlog

    from gateway.app import Daemon
    from gateway.supervisor import last_line
    from gateway.systemd import Notifier

    with spoken():
        configuration = _sound(config_path)
        logs.configure(configuration.log.level, configuration.log.format)

        async def live() -> None:
            await Daemon(configuration, Notifier.from_environment()).run()

        try:
            asyncio.run(live())
        except (BaseExceptionGroup, TallymanError, OSError) as fault:
            structlog.get_logger().critical("the gateway stopped", reason=last_line(fault))
            sys.exit(1)


@main.command()
@click.argument("recording", type=click.Path(path_type=Path))
@click.option("-c", "--config", "config_path", type=click.Path(path_type=Path), help="Instead of the recording's own.")
@click.option("--lenient", is_flag=True, help="Skip lines that cannot be used, and count them.")
@JSON
def replay(recording: Path, config_path: Path | None, lenient: bool, as_json: bool) -> None:
    """Replay a recording or a journal directory through the same rules, on a scratch ledger."""
    from gateway.replay import replay as prepare

    logs.configure("warning")
    with spoken():
        prepared = prepare(recording, config.load(config_path) if config_path else None, lenient=lenient)
        out = sys.stdout.buffer
        for line in prepared.lines():
            if as_json:
                out.write(line + b"\n")
            else:
                click.echo(said(line))
        reading = prepared.reading
        for problem in reading.problems:
            click.echo(str(problem), err=True)
        if reading.skipped:
            click.echo(f"skipped: {reading.skipped}", err=True)


@main.command()
@JSON
@click.option("--keep", is_flag=True, help="Leave everything running afterwards.")
def demo(as_json: bool, keep: bool) -> None:
    """Play a dock morning on this machine: simulators, broker, gateway, central; exit 1 if central is not right."""
    from gateway.cli.demo import run as play

    sys.exit(play(as_json=as_json, keep=keep))


@main.group(invoke_without_command=True)
@CONFIG
@click.option("--all", "everything", is_flag=True, help="Also alarms that are back to normal.")
@JSON
@click.pass_context
def alarms(context: click.Context, config_path: Path, everything: bool, as_json: bool) -> None:
    """Alarms and their states; `alarms ack ID` acknowledges one."""
    if context.invoked_subcommand is None:
        show(config_path, as_json, lambda view: view.alarms(active_only=not everything))


@alarms.command()
@CONFIG
@click.argument("alarm")
def ack(config_path: Path, alarm: str) -> None:
    """Acknowledge an alarm: somebody has seen it."""
    with spoken(), client(config_path) as wire:
        answer = wire.request("alarms.ack", {"alarm": alarm})
        if not answer.get("ok"):
            raise TallymanError(answer.get("error", "refused"))
        click.echo(f"{alarm}: {answer['state']}")


@main.command()
@CONFIG
@click.option("--location", help="Only this location.")
@click.option("--gtin", help="Only this GTIN-14.")
@click.option("--lot", "number", help="Only this lot.")
@JSON
def stock(config_path: Path, location: str | None, gtin: str | None, number: str | None, as_json: bool) -> None:
    """Stock by lot, location and status, as the ledger holds it."""
    show(config_path, as_json, lambda view: view.stock(location, gtin, number))


@main.group(invoke_without_command=True)
@CONFIG
@JSON
@click.pass_context
def lots(context: click.Context, config_path: Path, as_json: bool) -> None:
    """Lots and what is known of them; `lots import` takes master data from files."""
    if context.invoked_subcommand is None:
        show(config_path, as_json, lambda view: view.lots())


lots.add_command(import_command("lot"))


@main.group(invoke_without_command=True)
@CONFIG
@click.option("--parked", is_flag=True, help="The events set aside, with the reason.")
@JSON
@click.pass_context
def outbox(context: click.Context, config_path: Path, parked: bool, as_json: bool) -> None:
    """Events waiting for central, and those set aside; `outbox resend FROM TO` sends kept ones again."""
    if context.invoked_subcommand is None:
        show(config_path, as_json, _parked if parked else _counts)


@outbox.command()
@CONFIG
@click.argument("first", type=click.IntRange(1))
@click.argument("last", type=click.IntRange(1))
def resend(config_path: Path, first: int, last: int) -> None:
    """Send events FIRST to LAST (by seq) to central again, parked ones too; consumers drop what they have."""
    with spoken(), client(config_path) as gateway:
        answer = gateway.request("resend", {"from": first, "to": last})
        if not answer.get("ok"):
            raise TallymanError(answer.get("error", "refused"))
        if not answer["events"]:
            raise TallymanError(f"no event from {first} to {last} is kept here; see `tallyman outbox`")
        click.echo(f"{answer['events']} events are sent again, {answer['from']} to {answer['to']}")


def _counts(view: Any) -> list[dict[str, Any]]:
    found = view.outbox_counts()
    oldest = found["oldest"]
    return [found | {"oldest": None if oldest is None else rfc3339(oldest)}]


def _parked(view: Any) -> list[dict[str, Any]]:
    return [
        {"seq": one.event.seq, "parked": rfc3339(one.parked), "topic": one.event.topic, "reason": one.reason}
        for one in view.parked()
    ]


@main.command()
@CONFIG
def status(config_path: Path) -> None:
    """What the running gateway says of itself, as JSON."""
    with spoken(), client(config_path) as wire:
        click.echo(msgspec.json.format(msgspec.json.encode(wire.request("status")["status"])))


def _sound(config_path: Path) -> config.Configuration:
    """The configuration, with every secret it names readable here."""
    from gateway.config.check import unreadable
    from gateway.rules.ruleset import examined

    configuration = config.load(config_path)
    problems = unreadable(configuration) or examined(configuration.settings())
    if problems:
        raise ConfigError(problems)
    return configuration


def show(config_path: Path, as_json: bool, query: Callable[[Any], Any]) -> None:
    """Ask the ledger and show rows as a table, or as JSON lines."""
    from gateway.ledger.queries import View

    with spoken():
        configuration = config.load(config_path)
        view = View.read(configuration.ledger_url, site=configuration.site.id, gateway=configuration.gateway.id)
        try:
            rows = [msgspec.to_builtins(row) for row in query(view)]
        finally:
            view.close()
    if as_json:
        for row in rows:
            click.echo(msgspec.json.encode(row))
        return
    table = Table(*(rows[0] if rows else ["nothing"]))
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table)
