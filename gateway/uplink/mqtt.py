"""The one subclass of aiomqtt's client: what a promise needs and aiomqtt 2.5 does not give.

- A publish ends with the **reason code** of its PUBACK (MQTT 5 §3.4.2.1). aiomqtt drops it, so that a publish the
  broker's ACL denies (0x87) looks like a success.
- A received message is acknowledged by `acknowledge`, after its commit, not on arrival.
- At most `window` publishes are without a PUBACK, and never more than the broker's Receive Maximum (§3.2.2.3.3).
- A broker that closes before CONNACK is known at once, not after the timeout; nothing is left open after a failure.

A client is good for one connection: whoever reconnects makes a new one.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from typing import Any

import aiomqtt
import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties, VariableByteIntegers
from paho.mqtt.reasoncodes import ReasonCode

from gateway.uplink.settings import MqttSettings

SUCCESS = 0x00
NO_MATCHING_SUBSCRIBERS = 0x10
REFUSED = 0x80
"""Reason codes from here on are failures (MQTT 5 §2.4)."""
UNSUPPORTED_PROTOCOL = 0x84
NOT_AUTHORIZED = 0x87
KEEPALIVE_TIMEOUT = 0x8D
PACKET_TOO_LARGE = 0x95
QUOTA_EXCEEDED = 0x97
UNSPECIFIED = 0x80
ABOUT_THE_MESSAGE = frozenset({0x81, 0x82, 0x90, PACKET_TOO_LARGE, 0x99, 0x9A, 0x9B})
"""DISCONNECT reasons that blame what was sent: malformed, protocol error, topic, size, format, retain, QoS."""

QUEUED_DOWNLINKS = 1024
"""Most received messages that wait for `downlink`; more are not acknowledged, so the broker keeps them."""


class DroppedError(aiomqtt.MqttError):
    """The broker closed the connection before it answered CONNECT."""


class ClosingSocket(ssl.SSLSocket):
    """A TLS socket that closes when its handshake fails; paho would leave it open."""

    def do_handshake(self, block: bool = False) -> None:
        """As in `ssl.SSLSocket`."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


class PackedProperties(Properties):
    """Properties that are bytes already: paho's own packing costs more than the rest of a publish."""

    def __init__(self, packed: bytes) -> None:
        super().__init__(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        object.__setattr__(self, "packed", packed)

    def pack(self) -> bytes:
        """The property length and the properties, as on the wire (MQTT 5 §2.2.2)."""
        packed: bytes = self.__dict__["packed"]
        return packed


def publish_properties(content_type: str, attributes: dict[str, str]) -> PackedProperties:
    """Content type and user properties of a publish (MQTT 5 §3.3.2.3: 0x01 UTF-8 payload, 0x03, 0x26).

    Raises:
        ValueError: a string is longer than 65,535 bytes.
    """
    parts = [b"\x01\x01\x03", _string(content_type)]
    for name, value in attributes.items():
        parts += (b"\x26", _string(name), _string(value))
    body = b"".join(parts)
    length: bytes = VariableByteIntegers.encode(len(body))  # type: ignore[no-untyped-call]
    return PackedProperties(length + body)


def _string(text: str) -> bytes:
    encoded = text.encode()
    if len(encoded) > 0xFFFF:
        raise ValueError(f"{text[:40]!r}… is too long for an MQTT string")
    return struct.pack("!H", len(encoded)) + encoded


def reason_text(code: int) -> str:
    """The name of a PUBACK reason code and its number: `Not authorized (0x87)`."""
    try:
        name = ReasonCode(PacketTypes.PUBACK, identifier=code).getName()
    except KeyError:
        name = "unknown reason"
    return f"{name} (0x{code:02X})"


def tcp_options(keepalive: int) -> list[tuple[int, int, int]]:
    """Let the kernel give up on sent bytes nobody acknowledges after two keepalives (RFC 5482), where it can."""
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        options.append((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 2000 * keepalive))
    return options


class CheckedClient(aiomqtt.Client):
    """One connection to the broker. Must be made inside a running loop.

    `v5` tells which protocol; the session is kept by the broker (clean start false, expiry as set). `will` is
    retained at QoS 1 on `will_topic`. After `connect`, `window`, `largest` (bytes, None: no bound) and
    `session_present` hold what the broker granted; after a loss, `peer_closed` and `reason` say how.
    """

    def __init__(self, settings: MqttSettings, *, v5: bool, will_topic: str, will: bytes) -> None:
        super().__init__(
            settings.host,
            settings.port,
            username=settings.username,
            password=settings.password,
            identifier=settings.identifier,
            protocol=aiomqtt.ProtocolVersion.V5 if v5 else aiomqtt.ProtocolVersion.V311,
            clean_session=None if v5 else False,
            clean_start=False if v5 else paho.MQTT_CLEAN_START_FIRST_ONLY,
            will=aiomqtt.Will(will_topic, will, qos=1, retain=True),
            timeout=settings.timeout,
            keepalive=settings.keepalive,
            max_queued_incoming_messages=QUEUED_DOWNLINKS,
            max_inflight_messages=0,  # the window is ours: paho ignores the broker's Receive Maximum
            properties=_connect_properties(settings) if v5 else None,
            tls_params=_tls(settings) if settings.tls else None,
            socket_options=tcp_options(settings.keepalive),
        )
        self._client.connect_timeout = min(settings.timeout, 5.0)
        self._client.manual_ack_set(True)
        self.v5 = v5
        self.window = max(1, settings.window)
        self.largest: int | None = None
        self.session_present = False
        self.peer_closed = False
        self.reason: int | None = None
        self.overflowed = 0
        self._acks: dict[int, Callable[[int], None]] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self._thread = threading.get_ident()
        self._abandoned = False
        self._disconnected.add_done_callback(self._release)

    async def connect(self) -> None:
        """Connect and wait for CONNACK; leaves nothing open when it fails.

        Raises:
            aiomqtt.MqttConnectError: the broker refused (reason code in `rc`).
            DroppedError: the broker closed the connection instead of answering.
            aiomqtt.MqttError: unreachable, no answer in time, TLS failed.
        """
        ending = self._disconnected
        try:
            await self.__aenter__()
            if self._disconnected is not ending:  # aiomqtt forgets a loss right after CONNACK
                ending.exception()
                raise DroppedError("the broker closed the connection right after accepting it")
        except asyncio.CancelledError:
            self._abandoned = True  # a connect under way in the executor closes its socket when it notices
            self._loop.call_soon(self._shut)
            raise
        except aiomqtt.MqttError:
            self._shut()
            await self._end_misc()
            raise

    async def close(self, polite: float = 2.0) -> None:
        """Send DISCONNECT if the link lives (waits at most `polite` seconds) and close the socket."""
        if not self._disconnected.done() and self._client.disconnect() == paho.MQTT_ERR_SUCCESS:
            await asyncio.wait({self._disconnected}, timeout=polite)
        self._shut()
        if not self._disconnected.done():
            self._disconnected.set_result(None)
        self._disconnected.exception()
        await self._end_misc()

    def abort(self, error: aiomqtt.MqttError) -> None:
        """Give the connection up: everybody who waits on it sees `error`."""
        if not self._disconnected.done():
            self._disconnected.set_exception(error)

    async def lost(self) -> None:
        """Wait for the end of the connection.

        Raises:
            aiomqtt.MqttError: always, with the reason.
        """
        await asyncio.wait({self._disconnected})
        raise self.loss()

    def loss(self) -> aiomqtt.MqttError:
        """Why the connection ended, in words."""
        error = self._disconnected.exception() if self._disconnected.done() else None
        if self.reason == KEEPALIVE_TIMEOUT and not self.peer_closed:
            return aiomqtt.MqttError(f"no answer within the keepalive of {self._keepalive} s (half-open link)")
        if isinstance(error, aiomqtt.MqttCodeError) and self.reason is not None:
            how = "the broker ended the connection" if self.peer_closed else "the connection broke"
            return aiomqtt.MqttError(f"{how}: {error.rc}")
        return aiomqtt.MqttError(str(error) if error else "the broker closed the connection")

    @property
    def hung_up(self) -> bool:
        """Whether the far side closed the connection, as opposed to a silence."""
        return self.reason is not None and (self.peer_closed or self.reason == UNSPECIFIED)

    @property
    def blames_message(self) -> bool:
        """Whether the broker's DISCONNECT says that what was sent is at fault (MQTT 5 §3.14.2.1)."""
        return self.peer_closed and self.reason in ABOUT_THE_MESSAGE

    @property
    def in_flight(self) -> int:
        """How many publishes wait for their PUBACK."""
        return len(self._acks)

    def send(
        self,
        topic: str,
        payload: bytes,
        done: Callable[[int], None],
        *,
        retain: bool = False,
        properties: Properties | None = None,
    ) -> None:
        """Publish at QoS 1 now; `done` gets the PUBACK's reason code, or is never called if the link dies first.

        The caller keeps `in_flight` below `window` by `acknowledged`.

        Raises:
            aiomqtt.MqttError: the link is gone.
            ValueError: a topic or payload MQTT cannot carry.
        """
        if self._disconnected.done():
            raise self.loss()
        info = self._client.publish(topic, payload, 1, retain, properties)
        if info.rc != paho.MQTT_ERR_SUCCESS:
            raise aiomqtt.MqttCodeError(info.rc, "could not publish")
        self._acks[info.mid] = done

    async def acknowledged(self) -> None:
        """Wait until some publish is acknowledged.

        Raises:
            aiomqtt.MqttError: the link is gone.
        """
        if self._disconnected.done():
            raise self.loss()
        future = self._loop.create_future()
        self._waiting.append(future)
        await future

    async def publish_checked(
        self, topic: str, payload: bytes, *, retain: bool = False, properties: Properties | None = None
    ) -> int:
        """Publish at QoS 1 and return the PUBACK's reason code: below 0x80 is success (3.1.1: always 0).

        Raises:
            aiomqtt.MqttError: the link ended first; the broker may or may not have it.
            ValueError: a topic or payload MQTT cannot carry.
        """
        while self.in_flight >= self.window:
            await self.acknowledged()
        codes: list[int] = []
        self.send(topic, payload, codes.append, retain=retain, properties=properties)
        while not codes:
            await self.acknowledged()
        return codes[0]

    def acknowledge(self, message: aiomqtt.Message) -> None:
        """Send the PUBACK of a received message: it is committed and need not come again."""
        if message.qos:
            self._client.ack(message.mid, message.qos)

    # What paho calls, in the loop's thread except where said.

    def _on_connect(
        self,
        client: paho.Client,
        userdata: Any,
        flags: paho.ConnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        self.session_present = flags.session_present
        self.window = min(self.window, getattr(properties, "ReceiveMaximum", 0xFFFF))
        self.largest = getattr(properties, "MaximumPacketSize", None)
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_disconnect(
        self,
        client: paho.Client,
        userdata: Any,
        flags: paho.DisconnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        if self._connected.cancelled():
            return  # nobody waits for this connection any more
        if not self._connected.done():
            self._connected.set_exception(DroppedError("the broker closed the connection without answering CONNECT"))
            return
        if self.reason is None:
            self.peer_closed = flags.is_disconnect_packet_from_server
            self.reason = reason_code.value
        super()._on_disconnect(client, userdata, flags, reason_code, properties)

    def _on_publish(
        self, client: paho.Client, userdata: Any, mid: int, reason_code: ReasonCode, properties: Properties
    ) -> None:
        done = self._acks.pop(mid, None)
        if done is not None:
            done(reason_code.value)
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for future in waiting:
                if not future.done():
                    future.set_result(None)

    def _on_message(self, client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:
        try:
            received = aiomqtt.Message._from_paho_message(message)
            self._queue.put_nowait(received)
        except (ValueError, asyncio.QueueFull):
            self.overflowed += 1  # without PUBACK: the broker sends it again

    def _on_socket_register_write(self, client: paho.Client, userdata: Any, sock: Any) -> None:
        """Register at once when in the loop's thread: a deferred one may meet a socket that is closed by then."""
        if threading.get_ident() != self._thread:
            super()._on_socket_register_write(client, userdata, sock)
        elif sock.fileno() >= 0:
            self._loop.add_writer(sock.fileno(), self._write)

    def _write(self) -> None:
        try:
            self._client.loop_write()
        except OSError as error:
            self.abort(aiomqtt.MqttError(str(error)))

    def _set_tls_params(self) -> None:
        super()._set_tls_params()
        if self._client._ssl_context is not None:
            self._client._ssl_context.sslsocket_class = ClosingSocket

    def _client_connect(self) -> None:
        """In the executor: close what was connected for nobody."""
        super()._client_connect()
        if self._abandoned:
            self._loop.call_soon_threadsafe(self._shut)

    def _release(self, _: asyncio.Future[None]) -> None:
        """The link ended: nobody waits on it any more."""
        self._acks.clear()
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_exception(self.loss())

    def _shut(self) -> None:
        """Close the socket without ceremony (paho has no public way that does not try to write first)."""
        self._client._sock_close()
        if self._connected.done() and not self._connected.cancelled():
            self._connected.exception()

    async def _end_misc(self) -> None:
        if self._misc_task is not None:
            self._misc_task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(self._misc_task, return_exceptions=True)


def _connect_properties(settings: MqttSettings) -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = settings.session_expiry
    properties.ReceiveMaximum = settings.receive_window
    return properties


def _tls(settings: MqttSettings) -> aiomqtt.TLSParameters:
    return aiomqtt.TLSParameters(ca_certs=settings.ca_file, certfile=settings.cert_file, keyfile=settings.key_file)
