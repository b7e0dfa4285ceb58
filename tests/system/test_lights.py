"""The light stack at the door, on a simulated reader's outputs. Nothing here measures time."""

import asyncio

GREEN, RED, AMBER = 1, 2, 3


def lit(dock):
    """Ports in the order in which they went on."""
    return [port for _, port, level in dock.lamps if level]


def burning(dock):
    """Ports that are on now."""
    return sorted(port for port, level in dock.readers["reader-1"].gpo.items() if level)


async def test_the_verdict_lights_and_goes_off(bench, folder, dock):
    """Accepted is green, held amber, refused red; each goes off after its hold, and a newer verdict replaces it."""
    pallets = [bench.Pallet(number) for number in (1, 2, 3)]
    async with (
        bench.gateway(folder, bench.configuration(dock.ports)) as gateway,
        bench.Watcher(gateway) as live,
    ):
        await dock.active()
        file = folder / "a.json"
        file.write_text(bench.text([bench.asn("A1", pallets[0].unit()), bench.asn("A3", pallets[2].unit())]))
        assert (await gateway.cli("asn", "import", str(file))).code == 0
        await dock.cross(pallets[0].tags)
        await bench.until(lambda: lit(dock) == [GREEN], 5, "green")
        await bench.until(lambda: burning(dock) == [], 5, "green off")
        await dock.cross(pallets[1].tags)
        await bench.until(lambda: lit(dock) == [GREEN, AMBER], 5, "amber")
        await bench.until(lambda: burning(dock) == [], 5, "amber off")
        await dock.cross(pallets[1].tags, way="out")
        await bench.until(lambda: lit(dock) == [GREEN, AMBER, RED], 5, "red")
        assert [line["args"]["colour"] for line in live.kinds("command")] == ["green", "amber", "red"]
        movements = await gateway.moved(3)
        assert [one["verdict"] for one in movements] == ["accepted", "held", "refused"]
        figures = (await gateway.get("/metrics"))[1]
        assert 'tallyman_device_commands_total{name="light",result="shown"} 3.0' in figures


async def test_lamps_go_out_at_a_stop_and_at_the_next_start(bench, folder, dock):
    """A clean stop puts out what is lit; what a killed daemon left lit goes out when the next one is connected."""
    async with bench.gateway(folder, bench.configuration(dock.ports, hold="1m")) as gateway:
        await dock.active()
        await dock.cross(bench.Pallet(1).tags)
        await bench.until(lambda: burning(dock) == [AMBER], 5, "amber")
        assert await gateway.stop() == 0
        assert burning(dock) == []
        await gateway.start()
        await dock.active()
        await dock.cross(bench.Pallet(2).tags)
        await bench.until(lambda: burning(dock) == [AMBER], 5, "amber again")
        await gateway.kill()
        assert burning(dock) == [AMBER]
        await gateway.start()
        await bench.until(lambda: burning(dock) == [], 10, "amber off")


async def test_a_late_light_is_recorded_and_not_shown(bench, folder, dock):
    """A passage decided only after a restart, later than its light is valid, moves the goods and lights nothing."""
    async with bench.gateway(folder, bench.configuration(dock.ports, settle="3s")) as gateway:
        await dock.active()
        await dock.cross(bench.Pallet(1).tags)
        assert gateway.movements() == []
        await gateway.kill()
        await asyncio.sleep(5.2)  # LIGHT_VALID is 5 s from the end of the passage
        dock.lamps.clear()
        await gateway.start()
        await dock.active()
        (movement,) = await gateway.moved(1)
        assert movement["verdict"] == "held"
        await asyncio.sleep(0.5)
        assert dock.lamps == []
        assert await gateway.stop() == 0
    replayed = (await bench.tallyman("replay", str(gateway.state / "journal"), "--json")).rows()
    assert [line["kind"] for line in replayed] == ["passage", "movement", "command", "event"]
