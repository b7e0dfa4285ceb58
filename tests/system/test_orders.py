"""Persons and central order, the real daemon does: through the command socket and MQTT, and central's books agree."""

import json


async def test_a_pallet_is_held_released_put_away_and_disposed_of(bench, folder, broker, dock):
    """Each order is answered, refused where it must be, and told to central; the stocks agree after all of it."""
    async with (
        bench.central(folder, broker.port) as central,
        bench.gateway(
            folder, bench.configuration(dock.ports, mqtt=broker.port) + '\n[[location]]\nid = "shelf"\nkind = "zone"\n'
        ) as gateway,
    ):
        await gateway.component("mqtt", "up")
        await dock.active()
        pallet = bench.Pallet(1)
        await dock.cross(pallet.tags)  # nobody has announced it
        (first,) = await gateway.moved(1)
        assert (first["verdict"], "no_expectation" in first["reasons"]) == ("held", True)
        document = folder / "a1.json"
        document.write_text(json.dumps(bench.asn("A1", pallet.unit())))
        assert (await gateway.cli("asn", "import", str(document))).code == 0
        (right,) = (
            one for one in await gateway.moved(2) if one["movement"] != first["movement"]
        )  # of the same instant
        assert (right["verdict"], right["reasons"]) == ("accepted", ["matched"])
        gtin, lot = right["lines"][0]["gtin"], right["lines"][0]["lot"]
        name = f"{gtin}/{lot}"

        held = await gateway.cli("lot", "hold", name, "--by", "Bea", "--reason", "smells")
        assert (held.code, held.out.splitlines()[0]) == (0, f"{name}: on hold")
        refused = await gateway.cli("move", pallet.sscc, "shelf")
        assert (refused.code, refused.err) == (1, "tallyman: refused: on_hold\n")
        again = await gateway.cli("lot", "release", name)
        assert (again.code, again.out.splitlines()[0]) == (0, f"{name}: released")
        moved = await gateway.cli("move", pallet.sscc, "shelf")
        assert (moved.code, moved.out.startswith("accepted: ")) == (0, True), moved.err
        assert {row["location"] for row in gateway.stock()} == {"shelf"}
        unknown = await gateway.cli("produce", "P1")
        assert (unknown.code, unknown.err) == (1, "tallyman: production order 'P1' is not known\n")
        gone = await gateway.cli("dispose", pallet.sscc, "--reason", "crushed")
        assert (gone.code, gateway.stock()) == (0, [])

        await central.wait_for(lambda each: any(event["kind"] == "shipment" for event in each.events()))
        assert central.inventory() == []
        kinds = [event["kind"] for event in central.events()]
        assert kinds == [
            "receipt", "correction", "receipt", "hold", "exception", "release", "movement", "shipment",
        ]  # fmt: skip
        hold = central.events("hold")[0]["body"]["tally:hold"]
        assert hold["tally:by"].startswith("Bea (")
        assert hold["tally:note"] == "smells"
        assert hold["tally:device"]
        told = json.loads((await gateway.cli("trace", name, "--json")).out)
        changes = [(one["after"], bool(one["by"])) for one in told["lots"][0]["changes"]]
        assert changes == [
            ("in_stock", False), ("on_hold", True), ("released", True), ("in_stock", True), ("disposed", True),
        ]  # fmt: skip


async def test_central_holds_and_withdraws(bench, folder, broker, dock):
    """`down/hold/H1` holds what is here and what comes; withdrawn, all of it is free again, and a person could not."""
    async with (
        bench.central(folder, broker.port) as central,
        bench.gateway(folder, bench.configuration(dock.ports, mqtt=broker.port)) as gateway,
    ):
        await gateway.component("mqtt", "up")
        await dock.active()
        pallets = [bench.Pallet(1), bench.Pallet(2)]
        document = folder / "a1.json"
        document.write_text(json.dumps(bench.asn("A1", *(pallet.unit() for pallet in pallets))))
        assert (await gateway.cli("asn", "import", str(document))).code == 0
        await dock.cross(pallets[0].tags)
        (first,) = await gateway.moved(1)
        gtin, lot = first["lines"][0]["gtin"], first["lines"][0]["lot"]
        hold = {"hold": "H1", "gtin": gtin, "lot": lot, "reason": "recall"}
        central.announce(bench.Document("hold", ("H1",), hold))
        await bench.until(lambda: {row["status"] for row in gateway.stock()} == {"hold"}, 15, "a hold")
        await dock.cross(pallets[1].tags)
        _, second = await gateway.moved(2)
        assert (second["verdict"], second["reasons"]) == ("held", ["on_hold"])
        refused = await gateway.cli("lot", "release", f"{gtin}/{lot}")
        assert refused.code == 1
        assert "on hold by central (hold/H1)" in refused.err
        central.announce(bench.Document("hold", ("H1",), None))
        await bench.until(lambda: {row["status"] for row in gateway.stock()} == {"available"}, 15, "the end of it")
        await central.wait_for(lambda each: bool(each.events("release")))
        assert central.inventory() == gateway.stock()
