"""What odd readers and tags cost the daemon: nothing but a line in its alarms and figures."""

import time


async def test_a_clock_set_forward_costs_no_passage(bench, folder, dock):
    """An hour ahead in the middle of a passage: one movement, in the present; an alarm with words; counted."""
    pallet = bench.Pallet(1)
    async with bench.gateway(folder, bench.configuration(dock.ports)) as gateway:
        await dock.active()
        reader = dock.readers["reader-1"]
        started = time.time_ns() // 1000
        reader.gpi(1, True)
        for tag in pallet.tags:
            reader.see(tag, 1, -62)  # faint yet: it has just come into the field
        reader.sins.wrong_clock = 3600
        await dock.cross(pallet.tags)
        (movement,) = await gateway.moved(1)
        assert movement["verdict"] == "held"
        assert sorted(epc for line in movement["lines"] for epc in line["epcs"]) == sorted(pallet.tags[1:])
        assert movement["sscc"] == pallet.sscc
        assert abs(movement["at"] - started) < 60_000_000
        alarms = (await gateway.cli("alarms", "--json")).rows()
        (alarm,) = (one for one in alarms if one["alarm"] == "device/reader-1/clock")
        assert "set forward by 1 h" in str(alarm)
        figures = (await gateway.get("/metrics"))[1]
        assert 'tallyman_reader_incidents_total{kind="jumps",reader="reader-1"} 1.0' in figures
        assert 'tallyman_device_up{device="reader-1/clock"} 0.0' in figures


async def test_tags_of_any_length_cost_no_passage(bench, folder, dock):
    """EPCs of no bits, 4, 496 and 62,000 bits among a pallet's: it is received as if they had not been there."""
    pallet = bench.Pallet(1)
    strange = ["", "3", "30" * 62, "AB" * 7750]
    async with bench.gateway(folder, bench.configuration(dock.ports)) as gateway:
        await dock.active()
        file = folder / "a.json"
        file.write_text(bench.text([bench.asn("A1", pallet.unit())]))
        assert (await gateway.cli("asn", "import", str(file))).code == 0
        await dock.cross([*strange[:2], *pallet.tags, *strange[2:]])
        (movement,) = await gateway.moved(1)
        found = {epc for line in movement["lines"] for epc in line["epcs"]}
        assert found >= set(pallet.tags[1:])
        assert movement["sscc"] == pallet.sscc
        came = 8 * (len(pallet.tags) + len(strange))
        assert f'tallyman_reads_total{{reader="reader-1"}} {came}.0' in (await gateway.get("/metrics"))[1]
        await dock.cross(bench.Pallet(2).tags)
        assert len(await gateway.moved(2)) == 2
        assert (await gateway.readyz())["components"]["reader-1"]["state"] == "up"
        assert await gateway.stop() == 0


async def test_a_reader_that_refuses_is_an_alarm_until_it_does_not(bench, folder, dock):
    """ADD_ROSPEC refused: tried again and again, a fault with the reader's words; then up, and the alarm is over."""
    reader = dock.readers["reader-1"]
    reader.sins.refuse = {"ADD_ROSPEC": 101}
    async with bench.gateway(folder, bench.configuration(dock.ports)) as gateway:
        fault = await gateway.component("reader-1", "fault")
        assert "ADD_ROSPEC refused: M_FieldError" in fault["detail"]
        assert "takeover = true" in fault["detail"]
        (alarm,) = (await gateway.cli("alarms", "--json")).rows()
        assert alarm["alarm"] == "device/reader-1"
        await bench.until(lambda: reader.connections >= 3, 10, "a third attempt")
        reader.sins.refuse = {}
        await gateway.component("reader-1", "up")
        await dock.cross(bench.Pallet(1).tags)
        assert len(await gateway.moved(1)) == 1
        (alarm,) = (await gateway.cli("alarms", "--json")).rows()
        assert alarm["state"] == "rtn_unacked"
        said = [line for line in gateway.lines() if "ADD_ROSPEC refused" in line and "device down" in line]
        assert len(said) == 1
