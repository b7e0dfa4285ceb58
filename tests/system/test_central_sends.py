"""What central sends, over a real broker: documents good and bad; and what the broker will not have from us."""

import asyncio
import json

import paho.mqtt.client as paho
import pytest

BAD = {
    "X1": b'{"asn": "X1", "units": [',
    "X2": b"null",
    "X3": b'{"asn": "X3", "units": "none"}',
    "X4": b'{"asn": "X5", "units": []}',
    "X6": b"\xff\xfe\x00",
}
"""Payloads on down/asn/{key} that are no ASN of that id."""


@pytest.fixture
async def sender(broker):
    """A client that publishes."""
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="sender", protocol=paho.MQTTv5)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    yield client
    client.disconnect()
    await asyncio.to_thread(client.loop_stop)


async def test_a_malformed_asn_is_an_exception_and_the_next_is_taken(bench, folder, broker, dock, sender):
    """Each malformed ASN becomes one event on evt/exception/…; the good one behind them is taken and met."""
    pallet = bench.Pallet(1)
    async with (
        bench.central(folder, broker.port) as central,
        bench.gateway(folder, bench.configuration(dock.ports, mqtt=broker.port)) as gateway,
    ):
        await gateway.component("mqtt", "up")
        for key, payload in BAD.items():
            sender.publish(f"{bench.BASE}/down/asn/{key}", payload, qos=1)
        sender.publish(f"{bench.BASE}/down/nothing/like/this", b"{}", qos=1)
        sender.publish(f"{bench.BASE}/down/asn/A1", json.dumps(bench.asn("A1", pallet.unit())), qos=1)
        await central.wait_for(lambda each: each.last.get(bench.GATEWAY) == len(BAD) + 1)
        events = central.events("exception")
        assert [event["topic"].split("/evt/exception/")[0] for event in events] == [bench.BASE] * (len(BAD) + 1)
        told = {event["body"]["source"]: event["body"] for event in events}
        assert set(told) == {f"down/asn/{key}" for key in BAD} | {"down/nothing/like/this"}
        for key in BAD:
            assert told[f"down/asn/{key}"]["reason"] == "bad_document"
        assert "not JSON" in told["down/asn/X1"]["detail"]
        assert "$.units" in told["down/asn/X3"]["detail"]
        assert told["down/nothing/like/this"]["reason"] == "unknown_topic"
        await dock.active()
        await dock.cross(pallet.tags)
        (movement,) = await gateway.moved(1)
        assert (movement["verdict"], movement["expectation"]) == ("accepted", "asn/A1")
        figures = (await gateway.get("/metrics"))[1]
        assert 'tallyman_exceptions_total{reason="bad_document"} 5.0' in figures


async def test_an_event_the_broker_denies_is_parked_and_told(bench, folder, dock):
    """A receipt that the broker's ACL denies parks; an alarm and evt/gap say so, and later events go on in order."""
    place = folder / "mosquitto"
    place.mkdir()
    allowed = ("evt/alarm/#", "evt/gap/#", "evt/shipment/#", "state/#")
    acl = "".join(f"topic write {bench.BASE}/{topic}\n" for topic in allowed) + "topic read #\n"
    pallet = bench.Pallet(1)
    async with (
        bench.Broker(place, acl=acl) as broker,
        bench.central(folder, broker.port) as central,
        bench.gateway(folder, bench.configuration(dock.ports, mqtt=broker.port)) as gateway,
    ):
        await dock.active()
        documents = folder / "a.json"
        documents.write_text(json.dumps(bench.asn("A1", pallet.unit())))
        assert (await gateway.cli("asn", "import", str(documents))).code == 0
        await dock.cross(pallet.tags)
        await central.wait_for(lambda each: len(each.events()) >= 2)
        assert (await gateway.moved(1))[0]["verdict"] == "accepted"
        by_kind = {event["kind"]: event for event in central.events()}
        assert set(by_kind) == {"alarm", "gap"}
        gap = by_kind["gap"]["body"]
        assert (gap["first"], gap["last"]) == (1, 1)
        assert "Not authorized (0x87)" in gap["reason"]
        assert by_kind["alarm"]["body"]["alarm"] == "outbox"
        assert central.gaps == [(bench.GATEWAY, 1, 1)]
        assert central.inventory() == []
        (counts,) = (await gateway.cli("outbox", "--json")).rows()
        assert (counts["pending"], counts["settled"], counts["parked"]) == (0, 2, 1)
        (alarm,) = (await gateway.cli("alarms", "--json")).rows()
        assert (alarm["alarm"], alarm["state"]) == ("outbox", "unacked_active")
        assert "Not authorized (0x87)" in alarm["detail"]
        assert "1 parked" in await line_with(gateway, "parked")
        acked = await gateway.cli("alarms", "ack", "outbox")
        assert (acked.code, acked.out) == (0, "outbox: normal\n")
        assert (await gateway.cli("alarms", "--json")).out == ""
        assert await gateway.stop() == 0


async def line_with(gateway, word):
    """The status line once it has the word; it is brought up to date every few seconds."""
    for _ in range(80):
        line = (await gateway.readyz())["status"]
        if word in line:
            return line
        await asyncio.sleep(0.1)
    raise AssertionError(line)
