"""A technician at a running door: bars on a terminal, why it was decided so, and what would be better set."""

import asyncio
import fcntl
import os
import pty
import struct
import sys
import termios


async def shown(config, master: int, slave: int, wanted: list[str], drawn: asyncio.Event) -> str:
    """Run `watch` on a terminal until all that is wanted was on it; what was. `drawn` is set with the first picture."""
    watch = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "watch", "-c", str(config)), stdout=slave, stderr=slave,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "120", "LINES": "40"},
    )  # fmt: skip
    text = ""
    try:
        async with asyncio.timeout(30):
            while not all(one in text for one in wanted):
                text += (await asyncio.to_thread(os.read, master, 65536)).decode("utf-8", "replace")
                if "reads/s" in text:
                    drawn.set()
    finally:
        watch.terminate()
        await watch.wait()
    return text


async def test_watch_explain_and_tune_at_a_running_gateway(bench, folder, dock):
    """Bars move while a pallet passes; then the passage is explained from the ledger and the door is tuned live."""
    async with bench.gateway(folder, bench.configuration(dock.ports)) as gateway:
        await dock.active()
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        pallet, drawn = bench.Pallet(1), asyncio.Event()
        watching = asyncio.create_task(
            shown(gateway.config, master, slave, ["reader-1/1", "passage", "no_expectation"], drawn)
        )
        tuning = asyncio.create_task(
            bench.tallyman("tune", "dock-1", "--for", "12s", "--json", "-c", str(gateway.config))
        )
        await asyncio.wait_for(drawn.wait(), 20)
        await asyncio.sleep(2)  # until `tune` is there, too, reads would go unseen
        for _ in range(2):
            await dock.cross(pallet.tags)
        await gateway.moved(1)
        text = await watching
        os.close(master)
        os.close(slave)
        assert "reads/s" in text
        assert "\u258f" in text or "\u2588" in text, "no bar was seen"
        explained = await gateway.cli("explain", "dock-1")
        assert explained.code == 0, explained.err
        assert "dock-1 opened at" in explained.out
        passage = gateway.movements()[-1]["passage"]
        one = await gateway.cli("explain", passage, "--tag", pallet.tags[0])
        assert "moved" in one.out
        tuned = await tuning
        assert tuned.code == 0, tuned.err
        nobody = await gateway.cli("watch", "--portal", "dock-9")
        assert (nobody.code, "there are: dock-1" in nobody.err) == (1, True)
