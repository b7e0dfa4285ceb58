"""Central and the demo's embedded broker, as objects and as the processes that the demo starts."""

import asyncio
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from simulators.broker import Broker
from simulators.central import Central, Document


async def test_the_embedded_broker_starts_and_stops_clean(caplog: pytest.LogCaptureFixture) -> None:
    """It takes a free port, can be stopped twice and started again, leaves no task behind, and is quiet."""
    with caplog.at_level(logging.INFO):
        broker = Broker()
        for _ in range(2):
            port = await broker.start()
            assert port == broker.port > 0
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            await writer.wait_closed()
            await broker.stop()
            await broker.stop()
    assert len(asyncio.all_tasks()) == 1
    assert caplog.records == []
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await asyncio.open_connection("127.0.0.1", port)


async def test_central_on_the_embedded_broker(tmp_path: Path) -> None:
    """An announcement goes out retained and an event comes in, through the embedded broker."""
    broker = Broker()
    port = await broker.start()
    documents = (Document("asn", ("A1",), {"asn": "A1"}),)
    central = Central(str(tmp_path / "c.sqlite"), f"mqtt://127.0.0.1:{port}", documents=documents)
    task = asyncio.create_task(central.run())
    await central.wait_for(lambda each: each.subscribed)
    heard: set[str] = set()
    gateway = mqtt.Client(CallbackAPIVersion.VERSION2, "gw", clean_session=False)
    gateway.on_connect = lambda client, *_: client.subscribe("tallyman/v1/demo/down/#", 1)
    gateway.on_message = lambda _c, _u, message: heard.add(message.topic)
    gateway.connect("127.0.0.1", port)
    gateway.loop_start()
    body = {"schema": 1, "id": "e1", "tally:gateway": "gw", "tally:seq": 1}
    gateway.publish("tallyman/v1/demo/evt/exception/dock-1", json.dumps(body), qos=1)
    await central.wait_for(lambda each: each.last == {"gw": 1})
    await until(lambda: bool(heard))
    gateway.disconnect()
    await asyncio.to_thread(gateway.loop_stop)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await broker.stop()
    assert heard == {"tallyman/v1/demo/down/asn/A1"}
    assert central.events("exception")[0]["id"] == "e1"


async def test_a_second_subscription_does_not_wait_for_acknowledgements(tmp_path: Path) -> None:
    """A client may subscribe to all its topics first and acknowledge retained messages after: the broker answers."""
    broker = Broker()
    port = await broker.start()
    gateway = mqtt.Client(CallbackAPIVersion.VERSION2, "gw", clean_session=False, manual_ack=True)
    subscribed: list[float] = []
    held: list[mqtt.MQTTMessage] = []
    loop = asyncio.get_running_loop()
    gateway.on_subscribe = lambda *_: subscribed.append(loop.time())
    gateway.on_message = lambda _c, _u, message: held.append(message)
    gateway.connect("127.0.0.1", port)
    gateway.loop_start()
    gateway.publish("down/a", b"1", qos=1, retain=True)
    gateway.publish("down/b", b"2", qos=1, retain=True)
    await until(lambda: len(broker.retained) == 2)
    begin = loop.time()
    gateway.subscribe("down/#", 1)
    await until(lambda: len(held) == 2)
    gateway.subscribe("cmd/#", 1)
    await until(lambda: len(subscribed) == 2)
    for message in held:
        gateway.ack(message.mid, message.qos)
    await asyncio.sleep(0.05)
    gateway.disconnect()
    await asyncio.to_thread(gateway.loop_stop)
    await broker.stop()
    assert subscribed[1] - begin < 3.0


async def until(condition: Callable[[], bool]) -> None:
    """Wait until it holds, 10 s at most."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - paho tells from its own thread
            await asyncio.sleep(0.01)


class Process:
    """A simulator's process: JSON lines in and out."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        assert process.stdin is not None
        assert process.stdout is not None
        self._in, self._out = process.stdin, process.stdout

    @classmethod
    async def start(cls, *arguments: str) -> "Process":
        """Start `python -m simulators …`, warnings as errors."""
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-W", "error", "-m", "simulators", *arguments)
        return cls(await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe))

    async def line(self, key: str) -> dict[str, Any]:
        """The next line that has this key."""
        while True:
            text = await asyncio.wait_for(self._out.readline(), 20)
            assert text, "the process ended"
            line: dict[str, Any] = json.loads(text)
            if key in line:
                return line

    def tell(self, **command: Any) -> None:
        """Send a command."""
        self._in.write(json.dumps(command).encode() + b"\n")

    async def end(self) -> None:
        """Close its input: it ends with 0 and nothing on stderr."""
        self._in.close()
        _, errors = await asyncio.wait_for(self.process.communicate(), 20)
        assert (self.process.returncode, errors) == (0, b"")


async def test_broker_and_central_as_processes(tmp_path: Path) -> None:
    """The demo's two processes: ready lines, one line per event, the inventory on demand, a final one at the end."""
    broker = await Process.start("broker")
    port = (await broker.line("ready"))["mqtt"]
    options = ("--url", f"mqtt://127.0.0.1:{port}", "--db", str(tmp_path / "central.sqlite"))
    central = await Process.start("central", "dock_morning", *options)
    assert (await central.line("ready"))["ready"] is True
    movement = {"tally:to": "cold-2", "tally:verdict": "held", "tally:reasons": ["over"]}
    line = {"tally:gtin": "1", "tally:lot": "L", "tally:quantity": 2, "tally:status": "hold"}
    body = {"eventID": "urn:uuid:a", "tally:gateway": "gw", "tally:seq": 1, "tally:movement": movement}
    gateway = mqtt.Client(CallbackAPIVersion.VERSION2, "gw")
    heard: set[str] = set()
    gateway.on_message = lambda _c, _u, message: heard.add(message.topic)
    gateway.on_connect = lambda client, *_: client.subscribe("tallyman/v1/bremen/down/#", 1)
    gateway.connect("127.0.0.1", port)
    gateway.loop_start()
    payload = json.dumps({**body, "tally:lotQuantityList": [line]})
    gateway.publish("tallyman/v1/bremen/evt/receipt/dock-1", payload, qos=1)
    event = await central.line("event")
    assert (event["event"], event["outcome"], event["verdict"], event["reasons"]) == (
        "receipt",
        "booked",
        "held",
        ["over"],
    )
    central.tell(inventory=True)
    asked = await central.line("inventory")
    assert asked["inventory"][0]["quantity"] == "2"
    await until(lambda: len(heard) == 8)
    gateway.disconnect()
    await asyncio.to_thread(gateway.loop_stop)
    assert sorted(topic.split("/")[4] for topic in heard) == ["asn"] * 2 + ["lot"] * 5 + ["order"]
    await central.end()
    await broker.end()
