"""A day in small: the real daemon, real readers' bytes, a real Mosquitto, central with its own database."""

import asyncio
import json
import os
import subprocess
import sys
import time


async def test_central_rebuilt_from_events_equals_the_ledger(bench, folder, broker):
    """Central, which knows only `evt`, holds the ledger's stock, though the broker restarts in the middle."""
    pallets = [bench.Pallet(number, cases=3 + number) for number in range(1, 6)]
    short, over, unknown = bench.Pallet(10), bench.Pallet(11), bench.Pallet(12)
    documents = [bench.asn(f"A{each.number}", each.unit()) for each in pallets]
    documents += [
        bench.asn("A10", short.unit(5)),
        bench.asn("A11", over.unit(2, serials=False)),
        bench.order("O1", pallets[0].unit()),
    ]
    async with (
        bench.dock(2) as dock,
        bench.central(folder, broker.port, *documents) as central,
        bench.gateway(folder, bench.configuration(dock.ports, mqtt=broker.port)) as gateway,
    ):
        await dock.active()
        await announced(bench, gateway, len(documents))
        for pallet in (*pallets[:2], short):
            await dock.cross(pallet.tags)
        await gateway.moved(3)
        await broker.stop()
        for pallet in (*pallets[2:4], over):
            await dock.cross(pallet.tags)
        await gateway.moved(6)
        await broker.start()
        for pallet, way in ((pallets[4], "in"), (unknown, "in"), (pallets[0], "out")):
            await dock.cross(pallet.tags, way=way)
        await dock.cross(pallets[0].tags, 2, "out")  # through one door it would be the same load, still heard
        movements = await gateway.moved(10)
        with gateway.view() as view:
            promised = view.events(1, 1000)
        await central.wait_for(lambda each: each.last.get(bench.GATEWAY) == promised[-1].seq, 15)
        assert await gateway.stop() == 0
        bodies = [json.loads(event.body, parse_float=str) for event in promised]  # as central's books keep decimals
        assert bodies == [event["body"] for event in central.events()]
    assert [one["verdict"] for one in movements] == ["accepted"] * 5 + [
        "held",
        "accepted",
        "held",
        "accepted",
        "refused",
    ]
    assert [tuple(one["reasons"]) for one in movements if one["reasons"] != ["matched"]] == [
        ("short",),
        ("over",),
        ("no_expectation", "unknown_tag"),
        ("already_shipped",),
    ]
    assert central.inventory() == gateway.stock()
    assert central.gaps == central.rejected == []
    assert central.conflicts == central.reused == central.reordered == 0


async def nonsense(socket):
    """A command that no gateway knows: what the rules refuse is an exception, and is replayed like all else."""
    reader, writer = await asyncio.open_unix_connection(str(socket))
    writer.write(b'{"name":"nonsense","args":{}}\n')
    assert json.loads(await reader.readline())["ok"] is False
    writer.close()
    await writer.wait_closed()


async def test_replay_of_a_live_journal_gives_the_same_bytes(bench, folder, dock):
    """`tallyman replay` of a live run's journal prints, under three hash seeds, byte for byte what `watch` saw live."""
    from simulators.modbus import ModbusSlave

    slave = ModbusSlave()
    port = await slave.start()
    slave.set_register(1, "input", 0, [38, 715])
    pallets = [bench.Pallet(number) for number in (1, 2, 3)]
    files = [folder / f"{number}.json" for number in (1, 2)]
    files[0].write_text(json.dumps([bench.asn("A1", pallets[0].unit()), bench.asn("A2", pallets[1].unit(5))]))
    files[1].write_text(json.dumps(bench.asn("A1", pallets[0].unit(2), version=0)))
    config = bench.configuration(dock.ports, more=bench.CLIMATE.format(port=port))
    async with bench.gateway(folder, config) as gateway, bench.Watcher(gateway) as live:
        await dock.active()
        imported = await gateway.cli("asn", "import", *map(str, files))
        assert (imported.code, imported.out) == (1, "ASNs taken: 2 of 3\n")
        await nonsense(folder / "t.sock")
        for number, pallet in enumerate((*pallets, pallets[0])):
            await dock.cross(pallet.tags, way="in" if number < 3 else "out")
        await gateway.moved(4)
        slave.set_register(1, "input", 0, [95, 715])
        await bench.until(lambda: live.kinds("alarm"), 10, "the alarm")
        acked = await gateway.cli("alarms", "ack", "cold-2-warm")
        assert (acked.code, acked.out) == (0, "cold-2-warm: acked_active\n")
        slave.set_register(1, "input", 0, [52, 715])
        await bench.until(lambda: live.kinds("excursion"), 10, "the excursion")
        assert await gateway.stop() == 0
        await live.ended()
    await slave.stop()
    kinds = {json.loads(line)["kind"] for line in live.lines}
    assert kinds >= {"passage", "movement", "command", "alarm", "excursion", "event", "exception"}
    journal = str(gateway.state / "journal")
    seeds = ("0", "1", "42")
    for replayed in await asyncio.gather(
        *(bench.tallyman("replay", journal, "--json", PYTHONHASHSEED=seed) for seed in seeds)
    ):
        assert (replayed.code, replayed.err) == (0, "")
        assert replayed.out.splitlines() == live.lines
    told = await bench.tallyman("replay", journal)
    assert told.code == 0
    assert "receive accepted (matched): 3 × 09520001123450/A42-2610" in told.out
    assert "cold-2-warm: normal → unacked_active at 9.5" in told.out


async def test_a_clean_stop(bench, folder, broker, dock):
    """SIGTERM: offline is retained, the reader is told CLOSE_CONNECTION, exit 0 within 5 s; then nothing to recover."""
    async with (
        bench.Retained(broker.port) as retained,
        bench.gateway(folder, bench.configuration(dock.ports, mqtt=broker.port)) as gateway,
    ):
        await dock.active()
        await bench.until(lambda: (retained.latest(f"gateway/{bench.GATEWAY}") or {}).get("online"), 10, "birth")
        began = time.monotonic()
        assert await gateway.stop() == 0
        assert time.monotonic() - began < 5
        assert dock.readers["reader-1"].requests["CLOSE_CONNECTION"] == 1
        await bench.until(
            lambda: retained.latest(f"gateway/{bench.GATEWAY}") == {"online": False}, 5, "offline is retained"
        )
        assert not (folder / "t.sock").exists()
        await gateway.start()
        assert gateway.said("recovered")["records"] <= 2
        assert await gateway.stop() == 0


def test_the_manager_is_told(bench, folder):
    """The manager hears READY after recovery, STATUS with what is down, WATCHDOG while it works, and STOPPING."""
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(folder / "notify"))
        manager.settimeout(15)
        config = folder / "tallyman.toml"
        config.write_text(bench.configuration({"reader-1": bench.free_port()}))
        environment = os.environ | {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "600000"}
        with subprocess.Popen(
            [sys.executable, "-m", "gateway", "run", "-c", str(config)], stderr=subprocess.DEVNULL, env=environment
        ) as child:
            heard: list[str] = []

            def hear(line: str) -> None:
                while not any(line in message.splitlines() for message in heard[-1:]):
                    heard.append(manager.recv(4096).decode())

            hear("READY=1")
            hear("STATUS=0/1 up; not up: reader-1; 0 events queued")
            hear("WATCHDOG=1")
            hear("WATCHDOG=1")
            child.terminate()
            hear("STOPPING=1")
            assert child.wait(10) == 0
    assert heard[0] == "STATUS=recovering"


async def announced(bench, gateway, count):
    """Wait until the ledger holds so many documents."""

    def documents() -> bool:
        with gateway.view() as view:
            return len(view.expectations()) >= count

    await bench.until(documents, 10, f"{count} documents")
