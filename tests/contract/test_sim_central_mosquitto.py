"""Central against a real broker (Debian's Mosquitto): announcements, both CloudEvents forms, and a broker restart."""

import asyncio
import json
import shutil
import socket
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from simulators.central import Central, Document

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/sbin") or ""
BASE = "tallyman/v1/demo"


class Mosquitto:
    """A Mosquitto on a free port of loopback that keeps sessions on disk over a restart."""

    def __init__(self, folder: Path) -> None:
        assert MOSQUITTO, "mosquitto is not installed: apt-get install mosquitto (make test does it)"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
            f"persistence_location {folder}/\nuser root\nlog_dest none\nmax_queued_messages 0\n",
            "utf-8",
        )
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it accepts connections."""
        self._process = await asyncio.create_subprocess_exec(MOSQUITTO, "-c", str(self._config))
        for _ in range(200):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            await writer.wait_closed()
            return
        raise AssertionError("mosquitto did not start")

    async def stop(self) -> None:
        """Stop it; it saves its sessions."""
        if self._process is not None:
            self._process.terminate()
            await self._process.wait()
            self._process = None


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    """A running Mosquitto."""
    mosquitto = Mosquitto(tmp_path)
    await mosquitto.start()
    yield mosquitto
    await mosquitto.stop()


@asynccontextmanager
async def running(central: Central) -> AsyncIterator[Central]:
    """Central, subscribed."""
    task = asyncio.create_task(central.run())
    try:
        await central.wait_for(lambda each: each.subscribed)
        yield central
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Publisher:
    """A gateway's outbox, as far as a broker sees it."""

    def __init__(self, broker: Mosquitto, version5: bool = False) -> None:
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, "gw", protocol=mqtt.MQTTv5 if version5 else mqtt.MQTTv311
        )
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()

    def send(self, topic: str, payload: bytes, attributes: dict[str, str] | None = None) -> None:
        """Publish at QoS 1 and wait for the PUBACK."""
        properties = None
        if attributes is not None:
            properties = Properties(PacketTypes.PUBLISH)
            properties.UserProperty = list(attributes.items())
        self._client.publish(f"{BASE}/{topic}", payload, qos=1, properties=properties).wait_for_publish(10)

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()


def receipt(seq: int, quantity: int = 1) -> bytes:
    """A receipt of one lot, structured CloudEvents."""
    body = {
        "eventID": f"urn:uuid:{seq:08d}",
        "tally:gateway": "gw",
        "tally:seq": seq,
        "tally:movement": {"tally:type": "receive", "tally:to": "cold", "tally:verdict": "accepted"},
        "tally:lotQuantityList": [
            {"tally:gtin": "1", "tally:lot": "L", "tally:quantity": quantity, "tally:status": "available"}
        ],
    }
    envelope = {"specversion": "1.0", "id": f"{seq:08d}", "source": "/gw", "type": "receipt", "data": body}
    return json.dumps(envelope).encode()


def quantity(central: Central) -> int:
    """What stands of the one lot."""
    return sum(int(row["quantity"]) for row in central.inventory())


async def send_all(broker: Mosquitto, payloads: list[bytes]) -> None:
    """Publish receipts as one outbox would."""

    def send() -> None:
        publisher = Publisher(broker)
        for payload in payloads:
            publisher.send("evt/receipt/dock-1", payload)
        publisher.close()

    await asyncio.to_thread(send)


async def test_duplicates_and_gaps_over_a_real_broker(broker: Mosquitto, tmp_path: Path) -> None:
    """Duplicated and missing events are told apart: each id counts once, the hole is named, what follows it waits."""
    async with running(Central(str(tmp_path / "c.sqlite"), broker.url)) as central:
        await send_all(broker, [receipt(seq) for seq in (1, 2, 2, 3, 6, 3)])
        await central.wait_for(lambda each: each.last == {"gw": 6} and each.duplicates == 2)
        assert (quantity(central), central.gaps, central.conflicts) == (3, [("gw", 4, 5)], 0)


async def test_what_is_sent_while_central_is_away_comes_later(broker: Mosquitto, tmp_path: Path) -> None:
    """The broker keeps central's session: events published while it is stopped arrive when it is back."""
    path = str(tmp_path / "c.sqlite")
    async with running(Central(path, broker.url)):
        await send_all(broker, [receipt(1)])
    await send_all(broker, [receipt(2), receipt(3)])
    async with running(Central(path, broker.url)) as central:
        await central.wait_for(lambda each: each.last == {"gw": 3})
        assert (quantity(central), central.gaps, central.rejected) == (3, [], [])


async def test_a_broker_restart_in_the_middle(broker: Mosquitto, tmp_path: Path) -> None:
    """Central reconnects by itself after the broker was restarted, and misses and doubles nothing."""
    async with running(Central(str(tmp_path / "c.sqlite"), broker.url)) as central:
        await send_all(broker, [receipt(seq) for seq in range(1, 11)])
        await central.wait_for(lambda each: each.last == {"gw": 10})
        await broker.stop()
        await central.wait_for(lambda each: not each.connected)
        await broker.start()
        await send_all(broker, [receipt(seq) for seq in range(9, 21)])
        await central.wait_for(lambda each: each.last == {"gw": 20}, timeout=20)
        assert (quantity(central), central.gaps, central.conflicts) == (20, [], 0)
        assert central.duplicates >= 2  # numbers 9 and 10, and whatever the broker had no acknowledgement of
        assert central.connections == 2


async def test_an_event_that_was_not_committed_comes_again(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the database fails, the message is not acknowledged: the resumed session brings it again."""
    path = str(tmp_path / "c.sqlite")
    async with running(Central(path, broker.url)) as central:

        def fail(*_: object) -> None:
            raise sqlite3.OperationalError("disk I/O error")

        monkeypatch.setattr(central._books, "_add", fail)
        await send_all(broker, [receipt(1)])
        for _ in range(250):
            if central.error is not None:
                break
            await asyncio.sleep(0.02)
        assert "disk I/O error" in (central.error or "")
        assert central.events() == []
    async with running(Central(path, broker.url)) as central:
        await central.wait_for(lambda each: quantity(each) == 1)


async def test_binary_mode_over_mqtt_5(broker: Mosquitto, tmp_path: Path) -> None:
    """On MQTT 5 the envelope is read from user properties; a bare event and our own JSON both get their id and seq."""
    async with running(Central(str(tmp_path / "c.sqlite"), broker.url, protocol="5")) as central:
        body = json.dumps(json.loads(receipt(1))["data"]).encode()

        def send() -> None:
            publisher = Publisher(broker, version5=True)
            for _ in range(2):
                publisher.send("evt/receipt/dock-1", body, {"specversion": "1.0", "id": "00000001", "source": "/gw"})
            own = {"specversion": "1.0", "id": "x-2", "source": "gw", "sequence": "00000000000000000002"}
            publisher.send("evt/alarm/cold-2", b'{"reason":"r"}', own)
            publisher.send("evt/alarm/cold-2", b"\xff", own)
            publisher.close()

        await asyncio.to_thread(send)
        await central.wait_for(lambda each: len(each.rejected) == 1)
        assert (quantity(central), central.duplicates, central.last) == (1, 1, {"gw": 2})
        assert central.report()["kinds"] == {"alarm": 1, "receipt": 1}


async def test_announcements_are_retained(broker: Mosquitto, tmp_path: Path) -> None:
    """Documents stand retained under percent-encoded topics; a later version and a withdrawal replace them."""
    documents = (
        Document("asn", ("ASN/1",), {"asn": "ASN/1", "version": 1}),
        Document("lot", ("0952", "B17/2609"), {"lot": "B17/2609"}),
    )
    async with running(Central(str(tmp_path / "c.sqlite"), broker.url, documents=documents)) as central:
        assert await retained(broker, 2) == {
            f"{BASE}/down/asn/ASN%2F1": {"asn": "ASN/1", "version": 1},
            f"{BASE}/down/lot/0952/B17%2F2609": {"lot": "B17/2609"},
        }
        central.announce(Document("asn", ("ASN/1",), {"asn": "ASN/1", "version": 2}))
        central.announce(Document("lot", ("0952", "B17/2609"), None))
        for _ in range(100):
            now = await retained(broker, 1)
            if len(now) == 1 and now[f"{BASE}/down/asn/ASN%2F1"]["version"] == 2:
                break
        assert now == {f"{BASE}/down/asn/ASN%2F1": {"asn": "ASN/1", "version": 2}}


async def retained(broker: Mosquitto, count: int) -> dict[str, Any]:
    """What a newcomer finds under `down/#`."""
    found: dict[str, Any] = {}
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "newcomer")
    client.on_message = lambda _c, _u, message: found.update({message.topic: json.loads(message.payload or b"null")})
    client.on_connect = lambda c, *_: c.subscribe(f"{BASE}/down/#", 1)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    for _ in range(100):
        await asyncio.sleep(0.02)
        if len(found) >= count:
            break
    await asyncio.sleep(0.05)  # one too many would come at once
    client.disconnect()
    await asyncio.to_thread(client.loop_stop)
    return {topic: document for topic, document in found.items() if document is not None}


async def test_a_wait_that_is_in_vain_ends(tmp_path: Path) -> None:
    """Waiting has a limit; a broker that is not there is tried again for ever, and stopping is still quick."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        central = Central(str(tmp_path / "c.sqlite"), f"mqtt://127.0.0.1:{probe.getsockname()[1]}")
        task = asyncio.create_task(central.run())
        with pytest.raises(TimeoutError):
            await central.wait_for(lambda each: each.connected, timeout=0.3)
        task.cancel()
        await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), 5)


def test_an_unknown_protocol_is_refused(tmp_path: Path) -> None:
    """Only 3.1.1 and 5 are MQTT versions here."""
    with pytest.raises(ValueError, match=r"expected 3\.1\.1 or 5"):
        Central(str(tmp_path / "c"), "mqtt://127.0.0.1", protocol="4")
