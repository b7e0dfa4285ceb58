"""`tallyman-sim`: every simulator as a process that prints JSON lines. A first line `{"ready":true,…}` tells its ports.

A simulator ends when its input ends, at `{"stop":true}`, SIGTERM or SIGINT: it never outlives who started it.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Coroutine
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulators import scenario as scenarios
from simulators.central import Central
from simulators.inventory import Booked
from simulators.lines import commands, say
from simulators.llrp.cli import reader
from simulators.truth import truth

if TYPE_CHECKING:
    from simulators.broker import Broker
    from simulators.rf import Shift
    from simulators.rf.live import Live


def _run(main: Coroutine[Any, Any, int | None]) -> None:
    sys.exit(asyncio.run(main) or 0)


def _load(name: str, today: str | None = None) -> scenarios.Scenario:
    try:
        return scenarios.load(name, date.fromisoformat(today) if today else None)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


async def _until_stopped(incoming: AsyncIterator[dict[str, Any]]) -> None:
    async for command in incoming:
        if command.get("stop") is True:
            return
        say(error=f'unknown command {command}: expected {{"stop":true}}')


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Simulated devices, broker, central and whole mornings for the Tallyman gateway."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=0, show_default=True, help="0 takes a free one")
def broker(host: str, port: int) -> None:
    """The embedded MQTT 3.1.1 broker (for demos: nothing is kept)."""
    try:
        import simulators.broker
    except ImportError as error:
        raise click.UsageError(f"the embedded broker needs amqtt ({error}): pip install 'tallyman[demo]'") from None
    _run(_broker(simulators.broker.Broker(), host, port))


async def _broker(embedded: "Broker", host: str, port: int) -> None:
    incoming = commands()
    say(ready=True, mqtt=await embedded.start(host, port))
    try:
        await _until_stopped(incoming)
    finally:
        await embedded.stop()


@main.command()
@click.argument("scenario", required=False)
@click.option("--url", required=True, help="mqtt://host:port")
@click.option("--db", default=":memory:", show_default=True, help="SQLite file of central's inventory")
@click.option("--prefix", default=None, help="topic prefix  [default: the scenario's, or tallyman/v1]")
@click.option("--site", default=None, help="site id  [default: the scenario's, or demo]")
@click.option("--protocol", type=click.Choice(["3.1.1", "5"]), default="3.1.1", show_default=True)
@click.option("--today", default=None, help="the day of play, YYYY-MM-DD  [default: today, UTC]")
def central(
    scenario: str | None, url: str, db: str, prefix: str | None, site: str | None, protocol: str, today: str | None
) -> None:
    """The central inventory: announces what SCENARIO expects and books the events that come."""
    play = _load(scenario, today) if scenario else None
    documents = scenarios.documents(play) if play else ()
    prefix = prefix or (play.site.prefix if play else "tallyman/v1")
    site = site or (play.site.id if play else "demo")
    _run(_central(Central(db, url, prefix, site, documents=documents, protocol=protocol, on_event=_learned)))


def _learned(booked: Booked) -> None:
    line: dict[str, Any] = {"event": booked.kind, "outcome": booked.outcome, "seq": booked.seq, "id": booked.id}
    movement = booked.body.get("tally:movement")
    if isinstance(movement, dict):
        line |= {"verdict": movement.get("tally:verdict"), "reasons": movement.get("tally:reasons")}
    if booked.reason:
        line["reason"] = booked.reason
    say(**line)


async def _central(inventory: Central) -> None:
    incoming = commands()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(inventory.run())
        ready = group.create_task(_when_subscribed(inventory))
        async for command in incoming:
            if command.get("stop") is True:
                break
            if command.get("inventory") is True:
                say(**inventory.report())
            else:
                say(error=f'unknown command {command}: expected {{"inventory":true}} or {{"stop":true}}')
        say(**inventory.report(), final=True)
        ready.cancel()
        running.cancel()


async def _when_subscribed(inventory: Central) -> None:
    await inventory.wait_for(lambda central: central.subscribed, timeout=float("inf"))
    say(ready=True, central=True, documents=inventory.announced)


@main.command()
@click.argument("scenario")
@click.option("--autoplay", is_flag=True, help="play as soon as every reader is active")
@click.option("--today", default=None, help="the day of play, YYYY-MM-DD  [default: today, UTC]")
def site(scenario: str, autoplay: bool, today: str | None) -> None:
    """The readers, sensors and scales of SCENARIO; {"play":true} on stdin plays it."""
    from simulators.site import serve

    play = _load(scenario, today)
    try:
        truth(play)
    except scenarios.ScenarioError as error:
        raise click.UsageError(str(error)) from None
    _run(serve(play, autoplay))


main.add_command(reader)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=5020, show_default=True, help="0 takes a free one")
@click.option("--unit", "units", type=int, multiple=True, default=(1,), show_default=True)
def modbus(host: str, port: int, units: tuple[int, ...]) -> None:
    """A Modbus TCP slave; {"set":[unit,"input",address,[values]]} on stdin fills registers."""
    _run(_modbus(host, port, units))


async def _modbus(host: str, port: int, units: tuple[int, ...]) -> None:
    from simulators.modbus import ModbusSlave

    slave, incoming = ModbusSlave(units=units), commands()
    say(ready=True, modbus=await slave.start(host, port))
    try:
        async for command in incoming:
            if command.get("stop") is True:
                return
            try:
                slave.set_register(*command["set"])
            except (KeyError, TypeError, ValueError) as error:
                say(error=f"{command}: {error!r}; expected set or stop")
    finally:
        await slave.stop()


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=4001, show_default=True, help="0 takes a free one")
def scale(host: str, port: int) -> None:
    """An A&D scale on TCP; {"put":["612.4",0.5]} on stdin loads it, {"put":[null]} empties it."""
    _run(_scale(host, port))


async def _scale(host: str, port: int) -> None:
    from simulators.scale import AndScale

    simulated, incoming = AndScale(), commands()
    say(ready=True, scale=await simulated.serve_tcp(host, port))
    try:
        async for command in incoming:
            if command.get("stop") is True:
                return
            try:
                simulated.put(*command["put"])
            except (KeyError, TypeError, ValueError, ArithmeticError) as error:
                say(error=f"{command}: {error!r}; expected put or stop")
    finally:
        await simulated.stop()


@main.command()
@click.argument("family")
@click.option("--seed", default=1, show_default=True)
@click.option("--passages", default=25, show_default=True, help="vehicles with goods, turned ones included")
@click.option(
    "--set",
    "variant",
    type=click.Choice(["tuning", "varied", "untouched", "seldom"]),
    default="tuning",
    show_default=True,
)
@click.option("--fault", default=None, help="what readers do wrong: clock_jump, disorder, duplicates, dead_antenna, …")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="FILE.ndjson; FILE.truth.json beside it"
)
@click.option("--live", is_flag=True, help="play it with simulated LLRP readers, in real time, once clients read")
@click.option("--wait", default=60.0, show_default=True, help="with --live: seconds to wait for the clients")
def rf(
    family: str,
    seed: int,
    passages: int,
    variant: str,
    fault: str | None,
    output: Path | None,
    live: bool,
    wait: float,
) -> None:
    """A recording of what dock-door readers report of FAMILY's traffic, and the truth beside it.

    With --live a line says the readers' ports, the gateway's configuration for them and what central announced; the
    play begins when a gateway reads from all of them.
    """
    from simulators.rf import FAMILIES, FAULTS, shift

    if family not in FAMILIES:
        raise click.UsageError(f"no family {family!r}; there are {', '.join(FAMILIES)}")
    if fault is not None and fault not in FAULTS:
        raise click.UsageError(f"no fault {fault!r}; there are {', '.join(FAULTS)}")
    if passages < 1:
        raise click.UsageError("at least one passage is needed")
    made = shift(family, seed, passages, variant, fault)
    if output is not None:
        try:
            beside = made.write(output)
        except OSError as error:
            raise click.UsageError(f"{error.filename}: {error.strerror}") from None
        count = len(made.truth["passages"])
        say(recording=str(output), truth=str(beside), passages=count, records=len(made.records))
    if live:
        sys.exit(asyncio.run(_live(made, wait)))
    if output is None:
        for line in made.lines():
            click.echo(line)


async def _live(made: "Shift", wait: float) -> int:
    from simulators.rf.live import Live

    player, incoming = Live(made), commands()
    try:
        ports = await player.start()
        say(ready=True, readers=ports, toml=player.toml, documents=player.documents, truth=made.truth)
        playing = asyncio.create_task(_play_live(player, wait))
        stopped = asyncio.create_task(_until_stopped(incoming))
        await asyncio.wait((playing, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not playing.done():
            playing.cancel()
            return 0
        return await playing
    finally:
        await player.stop()


async def _play_live(player: "Live", wait: float) -> int:
    if not await player.listened(wait):
        click.echo(f"no client read from all {len(player.readers)} readers within {wait:g} s", err=True)
        return 1
    say(began=await player.play())
    await asyncio.sleep(1.0)  # what was reported last is still on its way
    return 0


@main.group(name="scenario")
def scenario_group() -> None:
    """What can be played."""


@scenario_group.command(name="list")
@click.option("--json", "as_json", is_flag=True)
def scenario_list(as_json: bool) -> None:
    """The bundled scenarios."""
    found = [scenarios.load(name) for name in scenarios.bundled_names()]
    if as_json:
        rows = [{"name": each.name, "title": each.title, "seconds": each.duration} for each in found]
        click.echo(json.dumps(rows, ensure_ascii=False))
    else:
        for each in found:
            click.echo(f"{each.name:20} {each.duration:5g} s  {each.title}")


@scenario_group.command(name="show")
@click.argument("scenario")
@click.option("--json", "as_json", is_flag=True, help="the truth as JSON")
@click.option("--today", default=None, help="the day of play, YYYY-MM-DD  [default: today, UTC]")
def scenario_show(scenario: str, as_json: bool, today: str | None) -> None:
    """The timeline of SCENARIO and what should come of it."""
    play = _load(scenario, today)
    try:
        answer = truth(play)
    except scenarios.ScenarioError as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        click.echo(json.dumps(answer.report(), ensure_ascii=False))
        return
    click.echo(f"{play.title} ({play.duration:g} s)")
    for one in answer.verdicts:
        reasons = ", ".join(one.reasons)
        click.echo(
            f"{one.at:6.1f} s  {one.portal:8} {one.type:8} {one.pallet:10} {one.verdict}: {reasons} [{one.lamp}]"
        )
    for spell in answer.excursions:
        lots = ", ".join(lot for _, lot in spell.lots)
        click.echo(f"{spell.begins:6.1f} s  {spell.location} beyond {spell.alarm} until {spell.ends:g} s: {lots}")
    for row in answer.inventory():
        click.echo("  {gtin:14} {lot:10} {location:8} {status:9} {quantity:>5} {unit}".format(**row))


@scenario_group.command(name="config")
@click.argument("scenario")
@click.option("--ports", required=True, help="the site's ready line, with mqtt, state and socket beside it (JSON)")
def scenario_config(scenario: str, ports: str) -> None:
    """The gateway's configuration (TOML) for SCENARIO on these ports."""
    click.echo(scenarios.gateway_config(_load(scenario), json.loads(ports)), nl=False)
