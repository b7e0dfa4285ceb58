"""Reload in the real daemon: rules change between two turns, nothing is lost, and what is wrong changes nothing."""

import asyncio
import os
import signal

from gateway.model.inputs import Config, Reads
from gateway.replay import Reading, replay
from simulators import epc

HOLD = """
[[rule]]
id = "site.watch"
on = "receive"
when = "true"
do = [{{ {what} = "site_rule" }}, {{ note = "as of {name}" }}]
[[rule.example]]
given = {{}}
expect = "{verdict}"
"""


def rule(what, name):
    """A rule that holds or refuses every receipt."""
    return HOLD.format(what=what, name=name, verdict={"hold": "held", "refuse": "refused"}[what])


def journalled(gateway, kind):
    """Every record of a kind in the journal, in order."""
    entries = Reading(gateway.state / "journal", lenient=True).entries()
    return [entry.item for entry in entries if isinstance(entry.item, kind)]


async def stream(reader, sent, stop):
    """New tags at the first antenna, one every five milliseconds, until told to stop."""
    while not stop.is_set():
        tag = epc.sgtin96("09520001123450", str(500_000 + len(sent)), 7)
        reader.see(tag, 1, -50)
        sent.append(tag)
        await asyncio.sleep(0.005)


async def test_rules_are_reloaded_while_reads_stream_in_and_none_is_lost(bench, folder, dock):
    """Ten reloads, by command and by signal, amid two hundred reads a second: every read is in the journal, each
    change is a record with the full texts, and the journal replays to the movements that were made live.
    """
    rules = folder / "site.toml"
    rules.write_text(rule("hold", "first"))
    text = bench.configuration(dock.ports, more='\n[rules]\nfiles = ["site.toml"]\nsets = []\n')
    async with bench.gateway(folder, text) as gateway, bench.Watcher(gateway) as live:
        await dock.active()
        sent, stop = [], asyncio.Event()
        streaming = asyncio.create_task(stream(dock.readers["reader-1"], sent, stop))
        for turn in range(10):
            what = "refuse" if turn % 2 else "hold"
            rules.write_text(rule(what, f"turn {turn}"))
            if turn % 3:
                said = await gateway.cli("reload")
                assert (said.code, said.out) == (0, "~rule site.watch\n"), said.err
            else:
                before = sum('"configuration reloaded"' in line for line in gateway.lines())
                os.kill(gateway.pid, signal.SIGHUP)
                await bench.until(
                    lambda before=before: sum('"configuration reloaded"' in line for line in gateway.lines()) > before,
                    10,
                    "reloaded by SIGHUP",
                )
        await bench.until(lambda: len(sent) > 100, 30, "a hundred reads")
        stop.set()
        await streaming
        await asyncio.sleep(0.6)  # the passage of the stream ends
        crossing = asyncio.create_task(dock.cross(bench.Pallet(1).tags))
        rules.write_text(rule("hold", "the last"))
        assert (await gateway.cli("reload")).code == 0  # while the pallet is in the door
        await crossing
        (movement,) = await gateway.moved(1)
        assert (movement["verdict"], movement["rules"]) == ("held", ["site.watch"])
        (fired,) = (await gateway.cli("rules", "log", "--rule", "site.watch", "--limit", "1", "--json")).rows()
        assert (fired["on"], fired["subject"]) == ("receive", movement["movement"])
        assert fired["actions"] == ["hold site_rule", "note as of the last"]
        assert "site.watch" in (await gateway.cli("rules", "log")).out
        await bench.until(lambda: live.kinds("movement"), 5, "the movement on the wire")
        assert await gateway.stop() == 0
        seen = {row[2] for reads in journalled(gateway, Reads) for row in reads.reads}
        assert set(sent) <= seen
        records = journalled(gateway, Config)
        assert len(records) == 1 + 10 + 1
        assert [one.text for one in records[-1].rules] == [rule("hold", "the last")]
        again = [line.decode() for line in replay(gateway.state / "journal").lines()]
        assert [line for line in again if line.startswith('{"kind":"movement"')] == [
            line for line in live.lines if line.startswith('{"kind":"movement"')
        ]


async def test_a_wrong_reload_changes_nothing_and_says_everything(bench, folder, dock):
    """A broken rule file, an example that fails, a setting that needs a restart: each is refused whole, with every
    problem, and the old rules go on deciding; so after a restart in between.
    """
    rules = folder / "site.toml"
    rules.write_text(rule("hold", "first"))
    text = bench.configuration(dock.ports, more='\n[rules]\nfiles = ["site.toml"]\nsets = []\n')
    async with bench.gateway(folder, text) as gateway:
        await dock.active()
        rules.write_text(
            rule("hold", "x").replace("true", "typo and nonsense") + rule("hold", "y").replace("watch", "b")
        )
        said = await gateway.cli("reload")
        assert said.code == 2
        assert "site.toml:5: rule \"site.watch\": when: there is no fact 'typo'" in said.err
        assert "what was in force stays in force" in said.err
        rules.write_text(rule("hold", "x").replace('"held"', '"accepted"'))
        said = await gateway.cli("reload")
        assert (said.code, "site.toml:7" in said.err, "expects accepted, and it is held" in said.err) == (2, True, True)
        rules.write_text(rule("refuse", "x"))
        gateway.config.write_text(text.replace('keepalive = "1s"', 'keepalive = "2s"').replace("listen", "#listen"))
        said = await gateway.cli("reload")
        assert said.code == 2
        assert "reader.reader-1.keepalive" in said.err
        assert "api.listen" in said.err
        await dock.cross(bench.Pallet(1).tags)
        assert [one["verdict"] for one in await gateway.moved(1)] == ["held"]
        assert len(journalled(gateway, Config)) == 1
        gateway.config.write_text(text)
        said = await gateway.cli("reload")
        assert (said.code, said.out) == (0, "~rule site.watch\n")
        said = await gateway.cli("reload")
        assert (said.code, said.out) == (0, "nothing has changed\n")
        await dock.cross(bench.Pallet(2).tags)
        assert [one["verdict"] for one in await gateway.moved(2)] == ["held", "refused"]


async def test_alarms_and_numbers_of_portals_are_reloaded(bench, folder, dock):
    """A longer silence and a new policy for unknown tags count at the next passage, without a restart."""
    text = bench.configuration(dock.ports, more="\n[rules]\nsets = []\n")
    async with bench.gateway(folder, text) as gateway:
        await dock.active()
        pid = gateway.pid
        gateway.config.write_text(text.replace('settle = "100ms"', 'settle = "150ms"\nunknown_tags = "accept"'))
        said = await gateway.cli("reload")
        assert (said.code, said.out) == (0, "portal.dock-1.settle\nportal.dock-1.unknown_tags\n"), said.err
        await dock.cross(bench.Pallet(1).tags[1:], rest=0.6)
        (movement,) = await gateway.moved(1)
        assert "unknown_lot" in movement["reasons"]
        assert gateway.pid == pid
