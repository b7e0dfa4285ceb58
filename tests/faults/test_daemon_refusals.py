"""What the daemon does not start with: each time one clear last line, exit 1, and nothing made worse."""

import asyncio
import importlib.util
import json
import socket
from pathlib import Path

_spec = importlib.util.spec_from_file_location("daemon_bench", Path(__file__).parents[1] / "system" / "daemon_bench.py")
bench = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(bench)


def reason(gateway) -> str:
    """The reason in the last line of the log."""
    last = json.loads(gateway.last_line())
    assert (last["event"], last["level"]) == ("the gateway stopped", "critical")
    return last["reason"]


async def test_two_daemons_on_one_state_directory():
    """The second names the process that holds the ledger and ends with 1; the first is not disturbed."""
    with bench.place() as folder:
        config = bench.configuration({"reader-1": bench.free_port()})
        async with bench.gateway(folder, config) as first:
            second = bench.Gateway(folder, config)
            second.log = folder / "second.log"
            second.spawn()
            assert await second.exit() == 1
            assert f"ledger.db: the ledger is in use by process {first.pid} since 2" in reason(second)
            assert "stop the other gateway" in reason(second)
            assert (await first.cli("status")).code == 0
            assert await first.stop() == 0


async def test_a_ledger_that_is_no_database():
    """Garbage where the ledger should be is named and left alone."""
    with bench.place() as folder:
        gateway = bench.Gateway(folder, bench.configuration({"reader-1": bench.free_port()}))
        gateway.state.mkdir()
        ledger = gateway.state / "ledger.db"
        ledger.write_bytes(b"this was a database once" * 1000)
        gateway.spawn()
        assert await gateway.exit() == 1
        assert f"{ledger}: the schema cannot be made: file is not a database" in reason(gateway)
        assert ledger.read_bytes().startswith(b"this was a database once")
        said = await gateway.cli("stock")
        assert said.code == 1
        assert "file is not a database" in said.err


async def test_a_ledger_rotten_inside():
    """A ledger whose pages are damaged ends the daemon with the file's name, at start or at the first write to them."""
    with bench.place() as folder:
        async with bench.dock() as dock:
            gateway = bench.Gateway(folder, bench.configuration(dock.ports))
            await gateway.start()
            await dock.active()
            await dock.cross(bench.Pallet(1).tags)
            await gateway.moved(1)
            assert await gateway.stop() == 0
            ledger = gateway.state / "ledger.db"
            content = bytearray(ledger.read_bytes())
            content[4096:] = b"\xa5" * (len(content) - 4096)
            ledger.write_bytes(content)
            gateway.spawn()
            assert await gateway.exit() == 1
            assert str(ledger) in reason(gateway)
            assert "malformed" in reason(gateway)


async def test_a_newer_ledger():
    """A ledger that a newer version has migrated is refused, with what to do."""
    import sqlite3

    with bench.place() as folder:
        gateway = bench.Gateway(folder, bench.configuration({"reader-1": bench.free_port()}))
        await gateway.start()
        assert await gateway.stop() == 0
        with sqlite3.connect(gateway.state / "ledger.db") as connection:
            connection.execute("UPDATE alembic_version SET version_num='9999'")
        connection.close()
        gateway.spawn()
        assert await gateway.exit() == 1
        assert "the ledger has schema 9999" in reason(gateway)
        assert "install the newer version again" in reason(gateway)


async def test_a_taken_port_a_state_directory_that_is_a_file_and_no_place_for_the_socket():
    """A port in use, an impossible state directory or socket: exit 1, and its name in the last line."""
    with bench.place() as folder, socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = bench.configuration({"reader-1": bench.free_port()})
        gateway = bench.Gateway(folder, config.replace("127.0.0.1:0", f"127.0.0.1:{port}"))
        gateway.spawn()
        assert await gateway.exit() == 1
        assert f"127.0.0.1:{port}" in reason(gateway)
        (folder / "file").write_text("")
        gateway = bench.Gateway(folder, config.replace('state = "state"', 'state = "file"'))
        gateway.spawn()
        assert await gateway.exit() == 1
        assert str(folder / "file") in reason(gateway)
        gateway = bench.Gateway(folder, config.replace("t.sock", "nowhere/t.sock"))
        gateway.spawn()
        assert await gateway.exit() == 1
        assert f"[api] socket {folder / 'nowhere/t.sock'}: No such file or directory" in reason(gateway)


async def test_a_lost_ledger_is_rebuilt_from_the_journal():
    """Without its ledger the daemon replays the journal: same stock, same events; central sees duplicates only."""
    with bench.place() as folder:
        (folder / "mosquitto").mkdir()
        pallets = [bench.Pallet(number) for number in (1, 2, 3)]
        documents = [bench.asn("A1", pallets[0].unit()), bench.asn("A2", pallets[1].unit(5))]
        async with (
            bench.Broker(folder / "mosquitto") as broker,
            bench.dock() as dock,
            bench.central(folder, broker.port, *documents, bench.order("O1", pallets[0].unit())) as central,
            bench.gateway(folder, bench.configuration(dock.ports, mqtt=broker.port)) as gateway,
        ):
            await dock.active()
            await asyncio.sleep(0.5)
            for pallet in pallets:
                await dock.cross(pallet.tags)
            await dock.cross(pallets[0].tags, way="out")
            await gateway.moved(4)
            await central.wait_for(lambda each: each.last.get(bench.GATEWAY) == 4)
            await gateway.kill()
            stock, movements = gateway.stock(), gateway.movements()
            for path in gateway.state.glob("ledger.db*"):
                path.unlink()
            await gateway.start()
            assert gateway.said("recovered")["records"] > 10
            assert gateway.stock() == stock == central.inventory()
            assert gateway.movements() == movements
            await central.wait_for(lambda each: each.duplicates >= 4)
            assert (central.conflicts, central.reused, central.gaps) == (0, 0, [])
            assert central.last == {bench.GATEWAY: 4}
