"""A passage of 5,000 tags, from the reader's reports to central's books, through a broker that takes 128 KiB."""

import json

from simulators import epc

PACKET = 128 * 1024
"""Bytes that the least of the large brokers takes (AWS IoT Core)."""
PARTS = 13
"""Of 5,000 tags, each event names at most 396."""


async def test_5000_tags_reach_central_in_parts_of_one_movement(bench, folder, dock):
    """All parts share the movement's id and fit the broker's packet; none is parked, and central counts every piece."""
    place = folder / "mosquitto"
    place.mkdir()
    lots = {"A42": 3000, "C7/26": 2000}
    sscc = bench.Pallet(7).sscc
    lines, tags, first = [], [epc.sscc96(sscc, bench.PREFIX)], 1
    for lot, count in lots.items():
        serials = [[str(first), str(first + count - 1)]]
        lines.append({"gtin": bench.GTIN, "lot": lot, "expiry": "2030-04-30", "quantity": str(count), "unit": "each"})
        lines[-1]["ranges"] = serials
        tags += [epc.sgtin96(bench.GTIN, str(serial), bench.PREFIX) for serial in range(first, first + count)]
        first += count
    document = folder / "a.json"
    document.write_text(json.dumps(bench.asn("A1", {"sscc": sscc, "lines": lines})))
    async with (
        bench.Broker(place, extra=f"max_packet_size {PACKET}") as broker,
        bench.central(folder, broker.port) as central,
        bench.gateway(folder, bench.configuration(dock.ports, mqtt=broker.port)) as gateway,
    ):
        await gateway.component("mqtt", "up")
        await dock.active()
        assert (await gateway.cli("asn", "import", str(document))).code == 0
        await dock.cross(tags, takes=0.5)
        (movement,) = await gateway.moved(1, 60)
        assert (movement["verdict"], movement["reasons"]) == ("accepted", ["matched"])
        # An alarm may come before it: so many tags at one antenna and none at the other look like a broken cable.
        await central.wait_for(lambda each: len(each.events("receipt")) >= PARTS, 30)
        bodies = [event["body"] for event in central.events("receipt")]
        assert {body["tally:movement"]["tally:id"] for body in bodies} == {movement["movement"]}
        parts = [body["tally:movement"]["tally:part"]["tally:number"] for body in bodies]
        assert parts == list(range(1, PARTS + 1))
        assert {body["tally:movement"]["tally:part"]["tally:of"] for body in bodies} == {len(parts)}
        assert len({body["eventID"] for body in bodies}) == len(parts)
        assert sum(len(body["childEPCs"]) for body in bodies) == len(tags) - 1
        assert {body["parentID"] for body in bodies} == {f"urn:epc:id:sscc:9520001.{sscc[0]}{sscc[8:17]}"}
        assert central.inventory() == gateway.stock()
        assert {row["lot"]: int(row["quantity"]) for row in central.inventory()} == lots
        (counts,) = (await gateway.cli("outbox", "--json")).rows()
        assert (counts["pending"], counts["parked"]) == (0, 0)
        assert central.gaps == []
        assert await gateway.stop() == 0
