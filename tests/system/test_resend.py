"""Events that got lost behind the broker: central asks for them again, or the gateway notices by itself."""

import asyncio
import json
import signal

import paho.mqtt.client as paho
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties


class Asking:
    """Central's other hand: publishes, and hears the replies."""

    def __init__(self, port: int) -> None:
        self.replies: asyncio.Queue[dict] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="asking", protocol=paho.MQTTv5)
        self._client.on_message = self._heard
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("replies/asking", qos=1)
        self._client.loop_start()

    def _heard(self, client, userdata, message) -> None:
        self._loop.call_soon_threadsafe(self.replies.put_nowait, json.loads(message.payload))

    def say(self, topic: str, payload: dict) -> None:
        """Publish at QoS 1, with a response topic."""
        properties = Properties(PacketTypes.PUBLISH)
        properties.ResponseTopic = "replies/asking"
        self._client.publish(topic, json.dumps(payload), qos=1, properties=properties)

    async def ask(self, topic: str, payload: dict) -> dict:
        """Publish, and wait for the reply."""
        self.say(topic, payload)
        return await asyncio.wait_for(self.replies.get(), 15)

    async def close(self) -> None:
        """Hang up."""
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)


@pytest.fixture
async def asking(broker):
    """A client of central that asks."""
    client = Asking(broker.port)
    yield client
    await client.close()


async def received(bench, gateway, dock, folder, count: int) -> None:
    """So many pallets, each announced and received."""
    await dock.active()
    for number in range(1, count + 1):
        pallet = bench.Pallet(number)
        document = folder / f"a{number}.json"
        document.write_text(json.dumps(bench.asn(f"A{number}", pallet.unit())))
        assert (await gateway.cli("asn", "import", str(document))).code == 0
        await dock.cross(pallet.tags)
        await gateway.moved(number)


async def test_a_consumer_that_starts_anew_gets_everything_by_asking(bench, folder, broker, dock, asking):
    """`cmd/…/resend {from,to}` answers how many; they come with the same bytes, and the stock is the gateway's."""
    old, new = folder / "old", folder / "new"
    old.mkdir()
    new.mkdir()
    async with (
        bench.gateway(folder, bench.configuration(dock.ports, mqtt=broker.port)) as gateway,
    ):
        async with bench.central(old, broker.port) as central:
            await gateway.component("mqtt", "up")
            await received(bench, gateway, dock, folder, 2)
            await central.wait_for(lambda each: each.last.get(bench.GATEWAY) == 2)
            before = {event["id"]: event["body"] for event in central.events()}
        async with bench.central(new, broker.port) as central:
            assert central.inventory() == []
            command = f"{bench.BASE}/cmd/{bench.GATEWAY}/resend"
            assert await asking.ask(command, {"from": 1, "to": 99}) == {"ok": True, "events": 2, "from": 1, "to": 2}
            await central.wait_for(lambda each: each.last.get(bench.GATEWAY) == 2)
            assert {event["id"]: event["body"] for event in central.events()} == before
            assert central.inventory() == gateway.stock()
            assert await asking.ask(command, {"from": 7, "to": 9}) == {"ok": True, "events": 0, "from": 0, "to": 0}
            refused = await asking.ask(command, {"from": 2, "to": 1})
            assert refused["ok"] is False
            assert "resend" in refused["error"]
            again = await gateway.cli("outbox", "resend", "2", "2")
            assert (again.code, again.out) == (0, "1 events are sent again, 2 to 2\n")
            nothing = await gateway.cli("outbox", "resend", "50", "60")
            assert (nothing.code, nothing.err) == (
                1,
                "tallyman: no event from 50 to 60 is kept here; see `tallyman outbox`\n",
            )
            assert await gateway.stop() == 0


async def test_what_a_forgetful_broker_lost_is_sent_again_unasked(bench, folder, broker, dock, asking):
    """Central confirms event 1 by `ack/…`; event 2, which only the broker has, is published again until it does too."""
    async with (
        bench.central(folder, broker.port) as central,
        bench.gateway(
            folder, bench.configuration(dock.ports, mqtt=broker.port, more='confirm_within = "1s"\n')
        ) as gateway,
    ):
        await gateway.component("mqtt", "up")
        await received(bench, gateway, dock, folder, 2)
        await central.wait_for(lambda each: each.last.get(bench.GATEWAY) == 2)
        asking.say(f"{bench.BASE}/ack/{bench.GATEWAY}", {"upTo": 1})
        await central.wait_for(lambda each: each.duplicates >= 1, 30)
        assert {event["seq"] for event in central.events()} == {1, 2}
        assert central.conflicts == 0
        said = gateway.said("central has not confirmed these events; they are sent again")
        assert (said["first"], said["last"]) == (2, 2)
        asking.say(f"{bench.BASE}/ack/{bench.GATEWAY}", {"upTo": 2})
        assert central.inventory() == gateway.stock()
        assert await gateway.stop() == 0


async def test_a_broker_that_accepts_then_forgets_loses_nothing(bench, folder, dock):
    """Events with PUBACK, lost with their broker before central had them, come again by confirmation, and once only."""
    place = folder / "mosquitto"
    place.mkdir()
    forgetful = bench.Broker(place)
    forgetful.conf.write_text(forgetful.conf.read_text().replace("persistence true", "persistence false"))
    config = bench.configuration(dock.ports, mqtt=forgetful.port, more='confirm_within = "1s"\n')
    pallets = [bench.Pallet(number) for number in range(1, 5)]
    async with forgetful, bench.gateway(folder, config) as gateway:
        await gateway.component("mqtt", "up")
        await dock.active()
        async with bench.central(folder, forgetful.port, confirms=True) as central:
            await dock.cross(pallets[0].tags)
            await central.wait_for(lambda each: each.last.get(bench.GATEWAY) == 1)
            await bench.until(lambda: confirmed(gateway) == 1, 10, "central's confirmation")
        for pallet in pallets[1:]:
            await dock.cross(pallet.tags)
        await gateway.moved(4)
        await bench.until(lambda: settled(gateway) == 4, 10, "PUBACK for all four")
        await forgetful.stop(signal.SIGKILL)
        await forgetful.start()
        assert (await gateway.cli("outbox", "--json")).rows()[0]["confirmed"] == 1
        async with bench.central(folder, forgetful.port, confirms=True) as central:
            assert central.last == {bench.GATEWAY: 1}
            await central.wait_for(lambda each: each.last.get(bench.GATEWAY) == 4, 30)
            await bench.until(lambda: confirmed(gateway) == 4, 10, "the last confirmation")
            assert central.inventory() == gateway.stock()
            assert (central.gaps, central.conflicts, central.rejected) == ([], 0, [])
        assert await gateway.stop() == 0


def settled(gateway) -> int:
    """How many events the broker took."""
    with gateway.view() as view:
        return view.outbox_counts()["settled"]


def confirmed(gateway) -> int:
    """Up to where central has said that it has them all."""
    with gateway.view() as view:
        return view.outbox_counts()["confirmed"]
