"""A reader whose clock is set while goods cross: the daemon's alarms, figures and movements."""

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
            reader.see(tag, 1, -50)
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
