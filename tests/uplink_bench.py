"""What the uplink's tests share: a real Mosquitto, a TCP relay that freezes and tears, an outbox in memory, a consumer.

Loaded by path from the test modules (they are not a package).
"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import struct
import threading
from pathlib import Path

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.errors import DeviceError
from gateway.events.envelope import attributes
from gateway.ledger.store import Commit, Ledger
from gateway.ledger.thread import Writer
from gateway.model.outcome import Event, Outcome, Park
from gateway.uplink.link import MqttUplink
from gateway.uplink.settings import MqttSettings

ROOT = "tallyman/v1/test-site/"


async def until(condition, within: float = 10.0) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 (many conditions, no event)
            await asyncio.sleep(0.005)


def free_port() -> int:
    """A TCP port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def mosquitto() -> str:
    """The broker's path; a missing one fails the test, it is never skipped."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    assert found, "mosquitto is not installed: apt-get install mosquitto"
    return found


NONSENSE = bytes(5)
"""A packet of type 0, which MQTT reserves (5.0 clause 2.1.2); no TLS record either."""


class Broker:
    """A Mosquitto with its own configuration in a folder."""

    def __init__(self, folder: Path, *, acl: str | None = None, extra: str = "") -> None:
        self.folder, self.port = folder, free_port()
        lines = [
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous true",
            "persistence true",
            f"persistence_location {folder}/",
        ]
        lines += [
            "max_queued_messages 100000",
            "max_inflight_messages 100",
            "log_type none",
            f"user {os.environ.get('USER', 'root')}",
            extra,
        ]
        if acl is not None:
            (folder / "acl").write_text(acl)
            (folder / "acl").chmod(0o600)
            lines.append(f"acl_file {folder}/acl")
        self.conf = folder / "mosquitto.conf"
        self.conf.write_text("\n".join(lines) + "\n")
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> "Broker":
        """Start, and wait until it serves.

        Accepting is not enough: the port listens before the main loop runs, and a SIGTERM between the two is lost.
        Whoever answers nonsense by hanging up is in its loop.
        """
        self.process = await asyncio.create_subprocess_exec(
            mosquitto(), "-c", str(self.conf), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        for _ in range(200):
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            with contextlib.suppress(ConnectionError):
                writer.write(NONSENSE)
                await asyncio.wait_for(reader.read(), 10)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            return self
        raise AssertionError("mosquitto did not start")

    async def stop(self, how: int = signal.SIGTERM) -> None:
        """End it; SIGTERM lets it save its sessions."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(how)
            await self.process.wait()
        self.process = None

    async def __aenter__(self) -> "Broker":
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


class Relay:
    """A TCP relay to `port` that can freeze (forward nothing, sockets open) and tear (RST on both sides)."""

    def __init__(self, port: int) -> None:
        self.target, self.port = port, 0
        self.frozen = False
        self.sent, self.received = bytearray(), bytearray()  # of the newest connection: client→broker, broker→client
        self.accepted = 0
        self._thaw = asyncio.Event()
        self._thaw.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Relay":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.tear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def freeze(self) -> None:
        self._thaw.clear()

    def tear(self) -> None:
        """Reset every connection and forward again for new ones."""
        for writer in self._writers:
            sock = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        self._writers.clear()
        self._thaw.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.accepted += 1
        self._writers.add(writer)
        try:
            await self._thaw.wait()
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
            self._writers.add(far_writer)
            self.sent, self.received = bytearray(), bytearray()
            await asyncio.gather(
                self._pump(reader, far_writer, self.sent), self._pump(far_reader, writer, self.received)
            )
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, record: bytearray) -> None:
        while data := await reader.read(65536):
            await self._thaw.wait()
            if writer.transport.is_closing():
                break
            record += data
            writer.write(data)
            await writer.drain()
        await self._thaw.wait()  # a frozen link passes no FIN either
        writer.close()


def event(seq: int, *, kind: str = "receipt", size: int = 200, root: str = ROOT) -> Event:
    """An event like those of the gateway."""
    body = msgspec.json.encode({"type": "ObjectEvent", "tally:seq": seq, "pad": "x" * size})
    context = attributes(
        id=f"00000000-0000-5000-8000-{seq:012d}", source="/test-site/gw-1", type=f"tally.{kind}",
        time="2026-11-21T06:42:11.250000Z", subject="dock-1", seq=seq, content="application/ld+json",
    )  # fmt: skip
    return Event(seq, context["id"], kind, f"{root}evt/{kind}/dock-1", "application/ld+json", context, body)


class Outbox:
    """The ledger's side of the drain, in memory, with what it was told in order."""

    def __init__(self) -> None:
        self.rows: dict[int, Event] = {}
        self.settled: list[int] = []
        self.parked: dict[int, str] = {}
        self.wake = asyncio.Event()

    def add(self, *events: Event) -> None:
        self.rows.update((event.seq, event) for event in events)
        self.wake.set()

    async def pending(self, after: int, limit: int) -> list[Event]:
        return [self.rows[seq] for seq in sorted(self.rows) if seq > after][:limit]

    async def settle(self, seqs, at: int) -> None:
        await asyncio.sleep(0.002)
        for seq in seqs:
            if self.rows.pop(seq, None):
                self.settled.append(seq)

    async def park(self, seq: int, reason: str) -> None:
        await asyncio.sleep(0.01)
        if self.rows.pop(seq, None):
            self.parked[seq] = reason

    async def empty(self, within: float = 10.0) -> None:
        await until(lambda: not self.rows, within)


class LedgerOutbox:
    """The ledger's own outbox, on disk and in its writer's thread as in the daemon; `settled` as it was told, in order.

    `most` is the most events that were read at once.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._writer = folder, Writer()
        self.settled: list[int] = []
        self.parked: dict[int, str] = {}
        self.wake = asyncio.Event()
        self.most = self.added = 0

    async def __aenter__(self) -> "LedgerOutbox":
        url = f"sqlite:///{self._folder / 'ledger.db'}"
        self.ledger = await self._writer.call(lambda: Ledger.open(url, site="test-site", gateway="gw-1"))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._writer.call(self.ledger.close)
        await self._writer.stop()

    async def add(self, *events: Event) -> None:
        """Commit events in one transaction, as the pipeline does."""
        self.added += len(events)
        await self._writer.call(self.ledger.commit, Commit(self.added, self.added, Outcome(), events))
        self.wake.set()

    async def pending(self, after: int, limit: int) -> list[Event]:
        found = await self._writer.call(self.ledger.pending, after, limit)
        self.most = max(self.most, len(found))
        return found

    async def settle(self, seqs, at: int) -> None:
        await self._writer.call(self.ledger.settle, seqs, at)
        self.settled += seqs

    async def park(self, seq: int, reason: str) -> None:
        outcome = Outcome(effects=(Park(seq, reason),))
        await self._writer.call(self.ledger.commit, Commit(self.added, self.added, outcome))
        self.parked[seq] = reason

    async def counts(self) -> dict[str, int | None]:
        """What the ledger says."""
        return await self._writer.call(self.ledger.outbox_counts)

    async def empty(self, within: float = 10.0) -> None:
        """Wait until the ledger has nothing pending."""
        async with asyncio.timeout(within):
            while (await self.counts())["pending"]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


def settings(port: int, **more) -> MqttSettings:
    """Settings for a broker on loopback."""
    return MqttSettings(**{"host": "127.0.0.1", "port": port, "site": "test-site", "gateway": "gw-1", **more})


def uplink(port: int, outbox: Outbox | LedgerOutbox, decide=None, **more) -> MqttUplink:
    """An uplink on that outbox."""

    async def nothing(_):
        return None

    return MqttUplink(
        settings(port, **more), pending=outbox.pending, settle=outbox.settle, park=outbox.park, wake=outbox.wake,
        decide=decide or nothing,
    )  # fmt: skip


@contextlib.asynccontextmanager
async def running(link: MqttUplink, *, within: float = 10.0):
    """The uplink at work (connected); cancelled politely at the end."""
    task = asyncio.create_task(link.run())
    try:
        async with asyncio.timeout(within):
            while not link.connected:
                assert not task.done(), task.exception()
                await asyncio.sleep(0.01)
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def kept(link: MqttUplink, pause: float = 0.2):
    """The uplink kept running as the supervisor does: restarted after each failure; yields the errors seen."""
    errors: list[Exception] = []

    async def keep() -> None:
        while True:
            try:
                await link.run()
            except DeviceError as error:
                errors.append(error)
            await asyncio.sleep(pause)

    task = asyncio.create_task(keep())
    try:
        yield errors
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Consumer:
    """A subscriber with a session the broker keeps: paho in a thread of its own, reconnecting as needed."""

    def __init__(self, port: int, topic: str = ROOT + "evt/#", identifier: str = "central") -> None:
        self.port, self.topic = port, topic
        self.messages: list[paho.MQTTMessage] = []
        self._ready = threading.Event()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=identifier, protocol=paho.MQTTv5)
        self._client.reconnect_delay_set(0.05, 0.2)
        self._client.on_connect = lambda client, *_: client.subscribe(self.topic, qos=1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = lambda client, userdata, message: self.messages.append(message)

    async def __aenter__(self) -> "Consumer":
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 3600
        self._client.connect_async("127.0.0.1", self.port, clean_start=False, properties=properties)
        self._client.loop_start()
        assert await asyncio.to_thread(self._ready.wait, 10)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    def seqs(self) -> list[int]:
        """The seq of every event received, in order, duplicates included."""
        return [msgspec.json.decode(message.payload)["tally:seq"] for message in self.messages]

    async def until(self, condition, within: float = 10.0) -> None:
        await until(lambda: condition(self), within)


def deduplicated(seqs: list[int]) -> list[int]:
    """First arrivals only."""
    return list(dict.fromkeys(seqs))
