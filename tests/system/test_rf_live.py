"""Generated traffic played live: simulated readers report it to the daemon, which decides what the replay decides."""

import asyncio
import json
import sys

API = '\n[api]\nlisten = "127.0.0.1:0"\nsocket = "t.sock"\n\n[log]\nformat = "json"\n'


def told(line):
    """What a passage or movement says, without the instants and ids that come of them."""
    if line["kind"] == "passage":
        return ("passage", line["portal"], line["direction"], sorted(line["moved"]))
    lines = [{key: each[key] for key in ("gtin", "lot", "quantity", "resolved_by", "epcs")} for each in line["lines"]]
    return ("movement", line["type"], line["verdict"], line["reasons"], line["sscc"], line["expectation"], lines)


async def test_a_shift_played_live_moves_what_its_recording_moves(bench, folder):
    """One pallet, no tag of it a close call, comes in by a door of four antennas; LLRP and clocks change nothing."""
    recording = folder / "shift.ndjson"
    arguments = ("rf", "calm", "--seed", "11", "--passages", "1", "--live", "-o", str(recording))
    simulator = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulators", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 22,
    )
    try:
        async with asyncio.timeout(60):
            said = [json.loads(await simulator.stdout.readline()) for _ in range(2)]
        ready, files = said[1], [folder / f"{number}.json" for number in range(len(said[1]["documents"]))]
        text = ready["toml"].replace('id = "gw-1"\n', 'id = "gw-1"\nstate = "state"\n') + API
        async with bench.gateway(folder, text) as gateway, bench.Watcher(gateway) as live:
            for file, document in zip(files, ready["documents"], strict=True):
                file.write_text(json.dumps(document["payload"]))
                assert (await gateway.cli("asn", "import", str(file))).code == 0
            await bench.until(lambda: live.kinds("movement"), 60, "a movement")
            assert await asyncio.wait_for(simulator.wait(), 30) == 0
            assert json.loads(await simulator.stdout.readline())["began"] > 0
            lines = live.kinds("passage") + live.kinds("movement")
    finally:
        if simulator.returncode is None:
            simulator.kill()
            await simulator.wait()
    replayed = (await bench.tallyman("replay", str(recording), "--json")).rows()
    expected = [line for kind in ("passage", "movement") for line in replayed if line["kind"] == kind]
    assert [told(line) for line in lines] == [told(line) for line in expected]
    (passage,) = [one for one in ready["truth"]["passages"] if one["units"]]
    assert set(passage["moved"]) <= {epc for line in lines if line["kind"] == "passage" for epc in line["moved"]}
