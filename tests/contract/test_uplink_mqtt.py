"""The uplink against a real Mosquitto: order, settling, refusals, retained state, downlinks, commands."""

import asyncio
import importlib.util
import json
import signal
from pathlib import Path
from urllib.parse import unquote

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.errors import DeviceError, RefusedError
from gateway.events import topics
from gateway.model.inputs import Command, Downlink
from gateway.uplink.mqtt import CheckedClient
from gateway.uplink.outbox import READ

_spec = importlib.util.spec_from_file_location("uplink_bench", Path(__file__).parents[1] / "uplink_bench.py")
bench = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(bench)
ROOT, event = bench.ROOT, bench.event


@pytest.fixture
async def broker(tmp_path):
    """A Mosquitto that allows everything."""
    async with bench.Broker(tmp_path) as broker:
        yield broker


async def retained(port: int, topic: str) -> bytes | None:
    """The retained message of a topic."""
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe(topic)
        try:
            async with asyncio.timeout(0.5):
                return (await anext(client.messages)).payload
        except TimeoutError:
            return None


async def test_events_arrive_in_order_and_settle(broker):
    """A thousand events reach a subscriber in seq order with unchanged bytes, and every one is settled."""
    outbox = bench.Outbox()
    outbox.add(*(event(seq) for seq in range(1, 1001)))
    async with bench.Consumer(broker.port) as central:
        link = bench.uplink(broker.port, outbox)
        async with bench.running(link):
            await outbox.empty()
            await central.until(lambda c: len(c.messages) >= 1000)
    assert central.seqs() == list(range(1, 1001))
    assert outbox.settled == list(range(1, 1001))
    assert link.drain.settled == link.drain.sent == 1000
    assert link.drain.resent == link.drain.parked == 0
    first = central.messages[0]
    assert first.payload == event(1).body
    assert dict(first.properties.UserProperty)["sequence"] == "1".zfill(20)
    assert first.properties.ContentType == "application/ld+json"
    assert "datacontenttype" not in dict(first.properties.UserProperty)
    assert not hasattr(first.properties, "MessageExpiryInterval"), "a promise does not expire"


async def test_later_events_wake_the_drain(broker):
    """Events added while the drain idles are sent when it is woken, and a row queued again with a low seq too."""
    outbox = bench.Outbox()
    async with bench.Consumer(broker.port) as central, bench.running(bench.uplink(broker.port, outbox)):
        outbox.add(event(7), event(8))
        await outbox.empty()
        outbox.add(event(9))
        await outbox.empty()
        outbox.add(event(3))
        await outbox.empty()
        await central.until(lambda c: len(c.messages) >= 4)
        assert central.seqs() == [7, 8, 9, 3]


async def test_denied_publish_parks_and_never_counts_as_sent(tmp_path):
    """A publish that the ACL denies (0x87) parks with its reason; those around it settle in order."""
    acl = f"topic readwrite {ROOT}evt/receipt/#\ntopic write {ROOT}state/#\ntopic read {ROOT}#\n"
    async with bench.Broker(tmp_path, acl=acl) as broker:
        outbox = bench.Outbox()
        outbox.add(event(1), event(2, kind="secret"), event(3), event(4, kind="secret"), event(5))
        async with bench.Consumer(broker.port) as central:
            link = bench.uplink(broker.port, outbox)
            async with bench.running(link):
                await outbox.empty()
                await central.until(lambda c: len(c.messages) >= 3)
    assert outbox.settled == [1, 3, 5]
    assert set(outbox.parked) == {2, 4}
    assert "Not authorized (0x87)" in outbox.parked[2]
    assert (link.drain.settled, link.drain.parked) == (3, 2)
    assert central.seqs() == [1, 3, 5]


async def test_publish_checked_gives_the_reason_code(tmp_path):
    """publish_checked returns 0 for a delivered, 0x10 for an unheard and 0x87 for a denied publish."""
    async with bench.Broker(tmp_path, acl="topic readwrite ok/#\n") as broker:
        client = CheckedClient(bench.settings(broker.port), v5=True, will_topic="ok/will", will=b"{}")
        await client.connect()
        try:
            assert await client.publish_checked("ok/a", b"1") == 0x10
            assert await client.publish_checked("no/a", b"1") == 0x87
            await client.subscribe("ok/#", qos=1)
            assert await client.publish_checked("ok/a", b"1") == 0
        finally:
            await client.close()


async def test_window_keeps_to_the_smaller_of_setting_and_broker(broker):
    """Never more publishes are in flight than the window allows."""
    outbox = bench.Outbox()
    outbox.add(*(event(seq) for seq in range(1, 301)))
    link = bench.uplink(broker.port, outbox, window=5)
    most = 0
    post = link.drain._post

    async def watched(client, event):
        nonlocal most
        await post(client, event)
        most = max(most, client.in_flight)
        assert client.window == 5

    link.drain._post = watched
    async with bench.running(link):
        await outbox.empty()
    assert 1 < most <= 5


async def test_the_brokers_receive_maximum_is_kept(tmp_path):
    """A broker that takes three publishes at a time gets no fourth before its PUBACK, states and replies included."""
    async with bench.Broker(tmp_path, extra="max_inflight_messages 3") as broker:
        outbox = bench.Outbox()
        outbox.add(*(event(seq) for seq in range(1, 301)))
        link = bench.uplink(broker.port, outbox, window=100)
        most = 0
        send = CheckedClient.send

        def watched(client, *args, **more):
            nonlocal most
            send(client, *args, **more)
            most = max(most, client.in_flight)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(CheckedClient, "send", watched)
            for number in range(50):
                link.board.set(f"{ROOT}state/lot/1/{number}", {"n": number}, after=0)
            async with bench.running(link):
                await outbox.empty()
                await bench.until(lambda: link.board.sent == 50)
    assert most == 3
    assert outbox.settled == list(range(1, 301))


async def test_a_backlog_drains_oldest_first_while_new_events_are_committed(broker, tmp_path):
    """From a real ledger: in order, a bounded number in memory, and no commit waits for more than a quarter of it."""
    waited = 0
    async with bench.LedgerOutbox(tmp_path) as outbox, bench.Consumer(broker.port) as central:
        for first in range(1, 4001, 500):
            await outbox.add(*(event(seq, size=2000) for seq in range(first, first + 500)))
        link = bench.uplink(broker.port, outbox)
        async with bench.running(link):
            draining = 0
            for _ in range(100):
                before = len(outbox.settled)
                await outbox.add(event(outbox.added + 1))
                waited = max(waited, len(outbox.settled) - before)
                draining += len(outbox.settled) < 4000
                await asyncio.sleep(0.005)
            await outbox.empty(30)
            await central.until(lambda c: len(c.messages) >= 4100, 20)
        assert draining > 5, "nothing was committed while the backlog drained"
        assert central.seqs() == outbox.settled == list(range(1, 4101))
        assert outbox.most <= READ
    assert waited <= 1000


async def test_any_lot_text_comes_back_from_its_topic(broker):
    """Lots with /, +, #, %, blanks and beyond ASCII are one topic level each, and decode to the very same bytes."""
    lots = ["C7/26", "a+b", "#1", "50%", "%2F", "Käse 7", "批次/A", "x" * 20, "~._-"]
    link = bench.uplink(broker.port, bench.Outbox())
    for lot in lots:
        link.board.set(topics.lot_topic("tallyman/v1", "test-site", "095", lot), {"lot": lot}, after=0)
    async with bench.running(link), bench.Consumer(broker.port, ROOT + "state/lot/+/+") as central:
        await central.until(lambda c: len(c.messages) >= len(lots))
    told = {
        unquote(message.topic.rsplit("/", 1)[1]): json.loads(message.payload)["lot"] for message in central.messages
    }
    assert told == {lot: lot for lot in lots}


async def test_nothing_settles_without_puback(broker):
    """Through a relay that swallows the broker's answers nothing is settled, and all of it is sent again later."""
    outbox = bench.Outbox()
    async with bench.Relay(broker.port) as relay, bench.Consumer(broker.port) as central:
        link = bench.uplink(relay.port, outbox, keepalive=30)
        async with bench.kept(link):
            await bench.until(lambda: link.connected, 10)
            relay.freeze()
            outbox.add(*(event(seq) for seq in range(1, 201)))
            await asyncio.sleep(0.5)
            assert outbox.settled == []
            assert link.drain.sent == len(link.drain._flight) == 20
            relay.tear()
            await outbox.empty()
            await central.until(lambda c: len(set(c.seqs())) == 200)
        assert link.drain.resent == 20
        assert len(central.seqs()) - 200 <= 20
    assert bench.deduplicated(central.seqs()) == list(range(1, 201))


async def test_broker_restart_in_the_middle(tmp_path):
    """Killed and restarted twice while 3,000 events drain, central still sees each once after dedupe, in order."""
    broker = await bench.Broker(tmp_path).start()
    outbox = bench.Outbox()
    try:
        async with bench.Consumer(broker.port) as central:
            link = bench.uplink(broker.port, outbox)
            async with bench.kept(link, pause=0.1):
                for start in range(1, 3001, 1000):
                    outbox.add(*(event(seq) for seq in range(start, start + 1000)))
                    await bench.until(lambda start=start: len(outbox.settled) >= start + 200, 10)
                    if start < 2001:
                        await broker.stop()  # saves the sessions; what it acknowledged it delivers later
                        await broker.start()
                await outbox.empty(20)
                await central.until(lambda c: len(set(c.seqs())) == 3000, 20)
    finally:
        await broker.stop()
    assert bench.deduplicated(central.seqs()) == list(range(1, 3001))
    assert len(central.seqs()) - 3000 <= link.drain.resent + 2 * 100  # ours, and the broker's own redeliveries
    assert link.connections == 3


async def test_birth_will_and_goodbye(broker):
    """Birth says online, a killed link lets the Last Will say offline, a polite stop says so itself."""
    topic = ROOT + "state/gateway/gw-1"
    outbox = bench.Outbox()
    async with bench.Relay(broker.port) as relay:
        link = bench.uplink(relay.port, outbox, version="1.2.3")

        async def birth():
            return {"lastSeq": 41, "pending": 2}

        link._birth = birth
        async with bench.running(link) as task:
            born = json.loads(await retained(broker.port, topic))
            assert born == {"online": True, "schema": 1, "version": "1.2.3", "lastSeq": 41, "pending": 2}
            assert link.connected
            relay.tear()
            with pytest.raises(DeviceError, match=rf"mqtt: 127\.0\.0\.1:{relay.port}: "):
                await task
            assert not link.connected
            await asyncio.sleep(0.1)
            assert json.loads(await retained(broker.port, topic)) == {"online": False}
        async with bench.running(link):
            assert json.loads(await retained(broker.port, topic))["online"] is True
        assert json.loads(await retained(broker.port, topic)) == {"online": False}


async def test_states_are_coalesced_retained_and_follow_their_events(broker):
    """Only the latest state is sent, after the event it follows, and again on a new connection."""
    outbox = bench.Outbox()
    topic = ROOT + "state/lot/04012345678901/L1"
    async with bench.Consumer(broker.port, ROOT + "#") as central:
        link = bench.uplink(broker.port, outbox)
        for number in range(50):
            link.board.set(topic, {"quantity": str(number)})
        outbox.add(*(event(seq) for seq in range(1, 301)))
        async with bench.running(link):
            await central.until(lambda c: any(str(m.topic) == topic for m in c.messages))
            topics = [str(message.topic) for message in central.messages]
            assert topics.count(topic) == 1
            assert topics.index(topic) > 300
            assert json.loads(await retained(broker.port, topic)) == {"quantity": "49"}
        async with bench.running(link):
            await central.until(lambda c: [str(m.topic) for m in c.messages].count(topic) == 2)
            link.board.set(topic, None)
            await central.until(lambda c: [str(m.topic) for m in c.messages].count(topic) == 3)
            assert await retained(broker.port, topic) is None


async def test_protocol_311_sends_structured_events(broker):
    """Over MQTT 3.1.1 an event is one CloudEvents JSON document with the body inside."""
    outbox = bench.Outbox()
    outbox.add(event(1))
    async with bench.Consumer(broker.port) as central:
        link = bench.uplink(broker.port, outbox, protocol="3.1.1")
        async with bench.running(link):
            await outbox.empty()
            await central.until(lambda c: c.messages)
    document = json.loads(central.messages[0].payload)
    assert document["specversion"] == "1.0"
    assert document["data"] == json.loads(event(1).body)


async def test_downlink_is_acknowledged_after_commit(broker):
    """A document whose decision did not commit before the link died comes again; a committed one does not."""
    seen, gate = [], asyncio.Event()

    async def decide(message):
        seen.append(message)
        if len(seen) == 1:
            await gate.wait()

    outbox = bench.Outbox()
    link = bench.uplink(broker.port, outbox, decide)
    async with aiomqtt.Client("127.0.0.1", broker.port) as central:
        async with bench.running(link) as task:
            await asyncio.sleep(0.2)
            await central.publish(ROOT + "down/asn/A1", b'{"asn":"A1"}', qos=1)
            await bench.until(lambda: seen, 5)
            task.cancel()  # before the commit
        async with bench.running(link):
            await bench.until(lambda: len(seen) >= 2, 5)
            await asyncio.sleep(0.2)
        async with bench.running(link):
            await asyncio.sleep(0.4)
    assert seen == [Downlink("down/asn/A1", {"asn": "A1"})] * 2


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_downlink_forms(broker, protocol):
    """JSON is parsed, an empty payload withdraws, what is not JSON arrives as text; retained ones come once."""
    seen = []

    async def decide(message):
        seen.append(message)

    async with aiomqtt.Client("127.0.0.1", broker.port) as central:
        await central.publish(ROOT + "down/lot/0401/L%2F1", b'{"version":2}', qos=1, retain=True)
        link = bench.uplink(broker.port, bench.Outbox(), decide, protocol=protocol)
        for _ in range(2):
            async with bench.running(link):
                await asyncio.sleep(0.3)
        async with bench.running(link):
            await central.publish(ROOT + "down/asn/A2", b"{not json \xff", qos=1)
            await central.publish(ROOT + "down/asn/A3", b"", qos=1)
            await central.publish(ROOT + "other/asn/A3", b"", qos=1)
            await bench.until(lambda: len(seen) >= 3, 5)
    assert seen == [
        Downlink("down/lot/0401/L%2F1", {"version": 2}),
        Downlink("down/asn/A2", text="{not json \ufffd"),
        Downlink("down/asn/A3"),
    ]


async def test_many_downlinks_share_commits_and_keep_order(broker):
    """Three hundred documents with a 50 ms commit each are decided in order, several at a time."""
    seen = []

    async def decide(message):
        seen.append(message.topic)
        await asyncio.sleep(0.05)

    link = bench.uplink(broker.port, bench.Outbox(), decide)
    async with bench.running(link), aiomqtt.Client("127.0.0.1", broker.port) as central:
        await asyncio.sleep(0.2)
        for number in range(300):
            await central.publish(f"{ROOT}down/asn/{number}", b"{}", qos=1)
        await bench.until(lambda: len(seen) >= 300, 5)
    assert seen == [f"down/asn/{number}" for number in range(300)]


async def test_command_is_answered_on_its_response_topic(broker):
    """A command gets its reply with the correlation data; unreadable and retained ones never reach the rules."""
    seen = []

    async def decide(command):
        seen.append(command)
        return {"rows": 3}

    link = bench.uplink(broker.port, bench.Outbox(), decide)
    request = Properties(PacketTypes.PUBLISH)
    request.ResponseTopic, request.CorrelationData = "central/reply", b"\x01\x02"
    async with (
        bench.Consumer(broker.port, "central/reply", "asker") as asker,
        aiomqtt.Client("127.0.0.1", broker.port, protocol=aiomqtt.ProtocolVersion.V5) as central,
    ):
        await central.publish(ROOT + "cmd/gw-1/outbox.resend", b"{}", qos=1, retain=True)
        async with bench.running(link):
            await asyncio.sleep(0.2)
            await central.publish(ROOT + "cmd/gw-1/outbox.resend", b'{"from":1,"to":2}', qos=1, properties=request)
            await central.publish(ROOT + "cmd/gw-1/outbox.resend", b"[1]", qos=1, properties=request)
            await central.publish(ROOT + "cmd/gw-2/outbox.resend", b"{}", qos=1, properties=request)
            await asker.until(lambda c: len(c.messages) >= 2)
    replies = {message.payload: message for message in asker.messages}
    good = next(message for message in asker.messages if json.loads(message.payload)["ok"])
    bad = next(message for message in asker.messages if not json.loads(message.payload)["ok"])
    assert len(replies) == 2
    assert json.loads(good.payload) == {"ok": True, "rows": 3}
    assert good.properties.CorrelationData == b"\x01\x02"
    assert 3590 <= good.properties.MessageExpiryInterval <= 3600
    assert "JSON object" in json.loads(bad.payload)["error"]
    assert seen == [Command("outbox.resend", {"from": 1, "to": 2}, "central")]
    assert link.downlinks.rejected == 1


async def test_wrong_password_is_refused_with_advice(tmp_path):
    """A refused login is a RefusedError that names the broker and what to check, without the password."""
    (tmp_path / "empty").write_text("")
    (tmp_path / "empty").chmod(0o600)
    broker = bench.Broker(tmp_path, extra=f"password_file {tmp_path}/empty")
    broker.conf.write_text(broker.conf.read_text().replace("allow_anonymous true", "allow_anonymous false"))
    async with broker:
        link = bench.uplink(broker.port, bench.Outbox(), username="gw", password="s3cret")
        with pytest.raises(RefusedError) as caught:
            await link.run()
    assert f"127.0.0.1:{broker.port}" in str(caught.value)
    assert "username and password" in str(caught.value)
    assert "s3cret" not in str(caught.value) + repr(link._settings)


async def test_unreachable_broker_is_one_clear_line():
    """With nobody listening the error names host, port and reason."""
    port = bench.free_port()
    with pytest.raises(DeviceError, match=f"mqtt: 127.0.0.1:{port}: .*refused"):
        await bench.uplink(port, bench.Outbox()).run()


async def test_killed_broker_ends_the_run(tmp_path):
    """SIGKILL of the broker ends the run with a DeviceError at once."""
    async with bench.Broker(tmp_path) as broker:
        link = bench.uplink(broker.port, bench.Outbox())
        async with bench.running(link) as task:
            await broker.stop(signal.SIGKILL)
            with pytest.raises(DeviceError):
                async with asyncio.timeout(3):
                    await task
