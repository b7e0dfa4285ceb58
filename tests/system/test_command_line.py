"""`tallyman` beside a running gateway, as a technician uses it; and what it says when none runs."""

import json

import pytest


@pytest.fixture
async def gateway(bench, folder, dock):
    """A running gateway with one door."""
    async with bench.gateway(folder, bench.configuration(dock.ports)) as running:
        await dock.active()
        yield running


async def test_check(bench, gateway):
    """`check` sums the configuration up with exit 0; broken, it gives every mistake as file:line with exit 2."""
    sound = await gateway.cli("check")
    assert (sound.code, sound.err) == (0, "")
    assert "portal dock-1: dock door of cold-2, 2 antennas, 2 eyes, lights" in sound.out
    text = gateway.config.read_text()
    broken = gateway.folder / "broken.toml"
    broken.write_text(text.replace('location = "cold-2"', 'location = "cold-3"').replace('"200ms"', '"soon"'))
    for command in ("check", "run"):
        said = await bench.tallyman(command, "-c", str(broken))
        assert (said.code, said.out) == (2, "")
        lines = said.err.splitlines()
        assert len(lines) == 2
        numbers = [text.splitlines().index(line) + 1 for line in ('location = "cold-2"', 'quiet = "200ms"')]
        for line, number in zip(lines, numbers, strict=True):
            assert line.startswith(f"{broken}:{number}: ")
    broken.write_text(text + '[mqtt]\nurl = "mqtt://127.0.0.1:9"\nusername = "u"\npassword = { file = "none" }\n')
    for command in ("check", "run"):
        said = await bench.tallyman(command, "-c", str(broken))
        assert said.code == 2
        assert said.err.startswith(f"{broken}:{len(text.splitlines()) + 4}: mqtt.password: ")
    missing = await bench.tallyman("check", "-c", str(gateway.folder / "none.toml"))
    assert missing.code == 2
    assert f"{gateway.folder / 'none.toml'}:1: file: cannot be read" in missing.err


async def test_asn_import_stock_and_lots(bench, gateway, dock):
    """`asn import` takes the good documents of a file and says why not the others; then stock and lots know them."""
    good, bad = bench.Pallet(1), bench.Pallet(2)
    wrong = bench.asn("A2", bad.unit() | {"sscc": "095200010000000000"})
    mixed = gateway.folder / "mixed.json"
    mixed.write_text(json.dumps([bench.asn("A1", good.unit()), wrong, {"asn": "A3", "units": "none"}, [1]]))
    broken = gateway.folder / "broken.json"
    broken.write_text('{"asn": ')
    said = await gateway.cli("asn", "import", str(mixed))
    assert (said.code, said.out) == (1, "ASNs taken: 1 of 4\n")
    reasons = said.err.splitlines()
    assert len(reasons) == 3
    assert all(line.startswith(f"{mixed}:1: ") for line in reasons)
    assert "sscc: SSCC 095200010000000000 " in reasons[0]
    assert "$.units" in reasons[1]
    assert reasons[2] == f"{mixed}:1: a document is a JSON object, not [1]"
    unread = await gateway.cli("asn", "import", str(broken))
    assert (unread.code, unread.out) == (1, "ASNs taken: 0 of 1\n")
    assert f"{broken}:1: not JSON" in unread.err
    again = await gateway.cli("asn", "import", str(mixed))
    assert "ASNs taken: 1 of 4" in again.out  # the same version again is no mistake
    await dock.cross(good.tags)
    await gateway.moved(1)
    row = {"gtin": bench.GTIN, "lot": bench.LOT, "location": "cold-2", "status": "available", "quantity": "3"}
    for filters in ((), ("--location", "cold-2"), ("--gtin", bench.GTIN, "--lot", bench.LOT)):
        stock = (await gateway.cli("stock", "--json", *filters)).rows()
        assert [{name: one[name] for name in row} for one in stock] == [row]
    assert (await gateway.cli("stock", "--json", "--location", "nowhere")).out == ""
    table = await gateway.cli("stock")
    assert table.code == 0
    assert bench.LOT in table.out
    assert "quantity" in table.out
    lots = (await gateway.cli("lots", "--json")).rows()
    assert [(lot["gtin"], lot["lot"], lot["expiry"], lot["held"]) for lot in lots] == [
        (bench.GTIN, bench.LOT, "2030-04-30", False)
    ]
    assert bench.LOT in (await gateway.cli("lots")).out
    assert "nothing" in (await gateway.cli("stock", "--lot", "nowhere")).out


async def test_alarms_outbox_and_status(bench, gateway):
    """`alarms ack` of an unknown alarm is an error; outbox counts and status answer as table and as JSON."""
    said = await gateway.cli("alarms", "ack", "no-such-alarm")
    assert (said.code, said.out) == (1, "")
    assert said.err == "tallyman: no alarm 'no-such-alarm'; `tallyman alarms` lists them\n"
    assert (await gateway.cli("alarms", "--json")).out == ""
    assert "nothing" in (await gateway.cli("alarms", "--all")).out
    (counts,) = (await gateway.cli("outbox", "--json")).rows()
    assert {name: counts[name] for name in ("pending", "settled", "parked")} == dict.fromkeys(
        ("pending", "settled", "parked"), 0
    )
    assert "pending" in (await gateway.cli("outbox")).out
    status = json.loads((await gateway.cli("status")).out)
    assert status["ready"] is True
    assert (status["pid"], status["http"]) == (gateway.pid, gateway.http)
    assert status["components"]["reader-1"]["state"] == "up"


async def test_watch(bench, gateway, dock):
    """`watch` prints outcome lines as they are committed, and ends by itself when the gateway stops."""
    import asyncio
    import sys

    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "watch", "-c", str(gateway.config)), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    lines: list[dict] = []
    number = 0
    while not lines:  # until the watcher is there, a pallet may pass unseen
        number += 1
        await dock.cross(bench.Pallet(number).tags)
        await gateway.moved(number)
        try:
            async with asyncio.timeout(0.3):
                lines.append(json.loads(await child.stdout.readline()))
        except TimeoutError:
            continue
    assert await gateway.stop() == 0
    lines += [json.loads(line) async for line in child.stdout]
    assert await child.wait() == 0
    assert [line["kind"] for line in lines[:4]] == ["passage", "movement", "command", "event"]


async def test_replay_of_what_is_no_recording(bench, folder):
    """`replay` of a missing file, of another file and of one without configuration say so: exit 1, 1 and 2."""
    absent = await bench.tallyman("replay", str(folder / "none.ndjson"))
    assert (absent.code, absent.out) == (1, "")
    assert "none.ndjson" in absent.err
    other = folder / "other.ndjson"
    other.write_text("hello\n")
    said = await bench.tallyman("replay", str(other), "--json")
    assert said.code == 1
    assert f"{other}:1: not a recording" in said.err
    bare = folder / "bare.ndjson"
    bare.write_text('{"tallyman":1}\n{"t":"2026-11-21T06:00:00.000000Z","kind":"tick"}\nrubbish\n')
    said = await bench.tallyman("replay", str(bare), "--json")
    assert said.code == 2
    assert "no configuration" in said.err
    config = folder / "tallyman.toml"
    config.write_text(bench.configuration({"reader-1": 1}))
    strict = await bench.tallyman("replay", str(bare), "-c", str(config))
    assert strict.code == 1
    assert f"{bare}:3: " in strict.err
    lenient = await bench.tallyman("replay", str(bare), "-c", str(config), "--lenient")
    assert lenient.code == 0
    assert "skipped: 1" in lenient.err


async def test_no_gateway_runs(bench, folder):
    """Without a gateway, commands that need one say where they looked, and listings that there is no ledger: exit 1."""
    (folder / "a.json").write_text('{"asn": "A1"}')
    stopped = bench.Gateway(folder, bench.configuration({"reader-1": 1}))
    for command in (("status",), ("watch",), ("alarms", "ack", "x"), ("asn", "import", str(folder / "a.json"))):
        said = await stopped.cli(*command)
        assert (said.code, said.out) == (1, "")
        assert said.err.startswith(f"tallyman: no gateway answers on {folder / 't.sock'} (No such file or directory)")
    for command in ("stock", "lots", "alarms", "outbox"):
        said = await stopped.cli(command)
        assert (said.code, said.out) == (1, "")
        assert "there is no ledger here; the gateway makes it at its first start" in said.err
    process = await bench.tallyman("status", "-c", str(stopped.config))
    assert (process.code, process.err) == (1, (await stopped.cli("status")).err)
    assert (await bench.tallyman("--version")).out.startswith("tallyman, version ")
