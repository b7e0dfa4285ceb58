"""The simulated central inventory: tells the site what to expect, and believes only the events that come back.

It announces ASNs, orders and lots (retained, QoS 1) and keeps an `Inventory` of its own from `{prefix}/{site}/evt/#`.
A message is acknowledged to the broker after it is committed here, so what a crash interrupts comes again.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from simulators.inventory import Booked, Inventory

_SESSION_SECONDS = 7 * 24 * 3600
"""How long an MQTT 5 broker keeps central's session while it is away (3.1.1: until the broker decides)."""
_ASK_EVERY = 2.0
"""Seconds between two requests for the same missing events: the first may still be under way."""


@dataclass(frozen=True)
class Document:
    """What central announces on `down/{kind}/{key…}`: kind asn, order or lot; `payload` None withdraws it."""

    kind: str
    key: tuple[str, ...]
    payload: Mapping[str, Any] | None


class Central:
    """A central inventory on one MQTT broker.

    Args:
        db_path: SQLite file of its inventory; it survives restarts of this object and of the broker.
        url: `mqtt://host:port`.
        prefix: topic prefix, `tallyman/v1`.
        site: site id.
        documents: announced, retained, at every connect (a broker may have forgotten them).
        protocol: `3.1.1` or `5`; binary CloudEvents need 5.
        confirms: tell each gateway up to where all its events are here (`ack/{gateway}`), and ask for those that are
            missing in between (`cmd/{gateway}/resend`). So a broker may forget, and nothing is lost.
        on_event: called on the MQTT thread with each `Booked`, after its commit.
    """

    def __init__(
        self,
        db_path: str,
        url: str,
        prefix: str = "tallyman/v1",
        site: str = "demo",
        *,
        documents: tuple[Document, ...] = (),
        protocol: str = "3.1.1",
        client_id: str = "central",
        confirms: bool = False,
        on_event: Callable[[Booked], None] | None = None,
    ) -> None:
        if protocol not in ("3.1.1", "5"):
            raise ValueError(f"protocol {protocol!r}: expected 3.1.1 or 5")
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 1883
        self._base = f"{prefix}/{quote(site, safe='')}"
        self._documents = list(documents)
        self._protocol, self._client_id, self._on_event = protocol, client_id, on_event
        self._confirms = confirms
        self._books = Inventory(db_path)
        self._client: mqtt.Client | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()
        self.connected = False
        self.subscribed = False
        self.connections = 0
        self.error: str | None = None  # why the database refused a message, if it ever did

    async def run(self) -> None:
        """Connect, and reconnect for ever, until cancelled; then disconnect and close the database."""
        self._loop = asyncio.get_running_loop()
        self._books.open()
        client = self._client = self._connect()
        try:
            await self._confirming(client) if self._confirms else await asyncio.Event().wait()
        finally:
            # paho's thread must be joined before the database goes; joining off the loop keeps the loop running
            client.disconnect()
            await asyncio.shield(asyncio.to_thread(client.loop_stop))
            self.connected = self.subscribed = False
            self._client = None
            self._books.close()

    def _connect(self) -> mqtt.Client:
        version5 = self._protocol == "5"
        options: dict[str, Any] = {} if version5 else {"clean_session": False}
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=mqtt.MQTTv5 if version5 else mqtt.MQTTv311,
            manual_ack=True,
            **options,
        )
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_subscribe, client.on_message = self._on_subscribe, self._on_message
        client.reconnect_delay_set(min_delay=1, max_delay=2)
        if version5:
            session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            session.SessionExpiryInterval = _SESSION_SECONDS
            client.connect_async(self._host, self._port, keepalive=10, clean_start=False, properties=session)
        else:
            client.connect_async(self._host, self._port, keepalive=10)
        client.loop_start()
        return client

    async def _confirming(self, client: mqtt.Client) -> None:
        """Say what is here and ask for what is missing; said again when a new connection may have lost it."""
        said: dict[str, int] = {}
        asked: dict[tuple[str, int, int], float] = {}
        connection = 0
        while True:
            await asyncio.sleep(0.25)
            if not self.subscribed:
                continue
            if connection != self.connections:
                connection, said = self.connections, {}
            gaps, now = self._books.missing(), asyncio.get_running_loop().time()
            for gateway, whole in self._books.through().items():
                if whole > said.get(gateway, 0):
                    said[gateway] = whole
                    self._say(client, f"ack/{quote(gateway, safe='')}", {"upTo": whole})
            asked = {gap: asked[gap] for gap in gaps if gap in asked}
            for gap in gaps:
                if now - asked.get(gap, -_ASK_EVERY) >= _ASK_EVERY:
                    asked[gap] = now
                    gateway, first, last = gap
                    self._say(client, f"cmd/{quote(gateway, safe='')}/resend", {"from": first, "to": last})

    def _say(self, client: mqtt.Client, topic: str, payload: Mapping[str, Any]) -> None:
        client.publish(f"{self._base}/{topic}", json.dumps(payload).encode(), qos=1)

    # --- the MQTT thread ---------------------------------------------------------------------------------------

    def _on_connect(self, client: mqtt.Client, _user: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self.error = f"the broker refused central: {reason}"
            return
        self.connected, self.connections = True, self.connections + 1
        client.subscribe(f"{self._base}/evt/#", qos=1)
        for document in tuple(self._documents):
            self._publish(client, document)
        self._wake()

    def _on_disconnect(self, _client: mqtt.Client, _user: Any, _flags: Any, _reason: Any, _properties: Any) -> None:
        self.connected = self.subscribed = False
        self._wake()

    def _on_subscribe(self, _client: mqtt.Client, _user: Any, _mid: int, _reasons: Any, _properties: Any) -> None:
        self.subscribed = True
        self._wake()

    def _on_message(self, client: mqtt.Client, _user: Any, message: mqtt.MQTTMessage) -> None:
        properties = message.properties
        pairs = getattr(properties, "UserProperty", ()) if properties is not None else ()
        try:
            booked = self._books.book(message.topic, bytes(message.payload), dict(pairs))
        except sqlite3.Error as error:
            # not acknowledged: the broker sends it again when the session is resumed
            self.error = f"{message.topic}: {error}"
            return
        client.ack(message.mid, message.qos)
        if self._on_event is not None:
            self._on_event(booked)
        self._wake()

    def _publish(self, client: mqtt.Client, document: Document) -> None:
        key = "/".join(quote(part, safe="") for part in document.key)
        payload = b"" if document.payload is None else json.dumps(document.payload, ensure_ascii=False).encode()
        client.publish(f"{self._base}/down/{document.kind}/{key}", payload, qos=1, retain=True)

    def _wake(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)

    # --- what callers ask --------------------------------------------------------------------------------------

    def announce(self, document: Document) -> None:
        """Publish a document now (when connected) and at every later connect, in place of an earlier one of its key."""
        self._documents = [each for each in self._documents if (each.kind, each.key) != (document.kind, document.key)]
        self._documents.append(document)
        if self._client is not None and self.connected:
            self._publish(self._client, document)

    async def wait_for(self, predicate: Callable[["Central"], bool], timeout: float = 10.0) -> None:
        """Wait until `predicate(self)` holds; asked again at every change.

        Raises:
            TimeoutError: it did not hold within `timeout` seconds.
        """
        async with asyncio.timeout(timeout):
            while not predicate(self):
                self._changed.clear()
                if predicate(self):
                    return
                await self._changed.wait()

    def inventory(self) -> list[dict[str, str]]:
        """Stock that is not zero, sorted (see `Inventory.inventory`)."""
        return self._books.inventory()

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Every event once, in booked order."""
        return self._books.events(kind)

    @property
    def gaps(self) -> list[tuple[str, int, int]]:
        """Numbers never seen: (gateway, first, last)."""
        return self._books.gaps()

    @property
    def last(self) -> dict[str, int]:
        """The highest seq per gateway."""
        return self._books.last()

    @property
    def duplicates(self) -> int:
        """Messages whose event was already booked, byte for byte."""
        return self._books.tally("duplicate")

    @property
    def conflicts(self) -> int:
        """Messages with a known event id but other bytes: the promise of frozen events was broken."""
        return self._books.tally("conflict")

    @property
    def reordered(self) -> int:
        """Events that came after a later one of their gateway."""
        return self._books.tally("reordered")

    @property
    def reused(self) -> int:
        """Events whose seq another event of their gateway had already (a gateway that forgot its numbering)."""
        return self._books.tally("reused")

    @property
    def rejected(self) -> list[tuple[str, str]]:
        """Topic and reason of each message that could not be booked."""
        return self._books.rejected()

    @property
    def announced(self) -> list[str]:
        """The documents announced, as kind/key."""
        return ["/".join((document.kind, *document.key)) for document in self._documents]

    def report(self) -> dict[str, Any]:
        """What central knows, for a machine: inventory, events by kind, last seq, gaps and every tally."""
        return {
            "inventory": self.inventory(),
            "kinds": self._books.kinds(),
            "last": self.last,
            "gaps": self.gaps,
            "duplicates": self.duplicates,
            "conflicts": self.conflicts,
            "reordered": self.reordered,
            "reused": self.reused,
            "rejected": self.rejected,
            "error": self.error,
        }
