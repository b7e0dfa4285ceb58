"""One connection to central's broker, from birth to loss (DESIGN §4, §6, §8).

`run` connects, says that the gateway is online, works until the link fails and raises; the supervisor starts it
again. Nothing here reconnects by itself, and nothing here forgets: events are in the ledger, states on the board.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiomqtt
import msgspec
import structlog
from aiomqtt.exceptions import MqttConnectError
from msgspec import structs
from paho.mqtt.reasoncodes import ReasonCode

from gateway.errors import DeviceError, RefusedError
from gateway.events import topics
from gateway.model.inputs import Device, Input
from gateway.uplink import mqtt
from gateway.uplink.downlink import Decide, Downlinks
from gateway.uplink.mqtt import CheckedClient, DroppedError
from gateway.uplink.outbox import Drain, Park, Pending, Settle
from gateway.uplink.settings import MqttSettings
from gateway.uplink.state import StateBoard

log = structlog.get_logger(__name__)

Birth = Callable[[], Awaitable[dict[str, Any]]]
"""What the birth message says beside online and version: lastSeq, pending."""

PROBE = 5.0
"""Seconds a broker of unknown version has to answer a CONNECT of MQTT 5; some 3.1.1 ones stay silent for ever."""
GOODBYE = 2.0
"""Seconds a polite stop may take."""
TIMED_OUT = "Operation timed out"
"""How aiomqtt says that an answer did not come."""
ADVICE = {
    0x84: "it does not speak this MQTT version; set [mqtt] protocol",
    0x85: "it does not accept the client id; set [mqtt] client_id",
    0x86: "check [mqtt] username and password",
    0x87: "check [mqtt] username and password, and the broker's ACL",
    0x8A: "this client is banned at the broker",
}


class MqttUplink:
    """The driver of the link to central. `connected` and `since` (µs, of the last change) are for /readyz.

    `drain`, `downlinks` and `board` carry the counters; `connections` counts the successful connects.
    """

    id = "mqtt"

    def __init__(
        self,
        settings: MqttSettings,
        *,
        pending: Pending,
        settle: Settle,
        park: Park,
        wake: asyncio.Event,
        decide: Decide,
        submit: Callable[[Input], Awaitable[None]] | None = None,
        birth: Birth | None = None,
        board: StateBoard | None = None,
    ) -> None:
        self._settings = settings
        self._submit, self._birth = submit, birth
        self._topic = topics.gateway_topic(settings.prefix, settings.site, settings.gateway)
        self.drain = Drain(pending, settle, park, wake, park_after=settings.park_after)
        self.downlinks = Downlinks(settings, decide)
        self.board = board or StateBoard()
        self.connected = False
        self.since = time.time_ns() // 1000
        self.connections = 0
        self.protocol = settings.protocol  # auto until a broker told
        self._drops = 0

    async def run(self) -> None:
        """Connect and work until the link fails; cancelled, say goodbye first.

        Raises:
            DeviceError: the link could not be made or is gone: `mqtt: host:port: reason`.
            RefusedError: the broker answered, and said no.
        """
        orders = _orders()
        client = await self._connect()
        try:
            if _orders() > orders:  # told to stop while connecting, which `asyncio.wait_for` (before 3.12) can lose
                raise asyncio.CancelledError
            await self._born(client)
            await self._work(client)
        except asyncio.CancelledError:
            await self._goodbye(client)
            raise
        except aiomqtt.MqttError as error:
            text = str(error)
            if text == TIMED_OUT:
                text = f"no answer within {self._settings.timeout:g} s"
            raise self._failure(text) from None
        finally:
            self._switch(False)
            await client.close(GOODBYE)

    async def _work(self, client: CheckedClient) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(client.lost())
                tasks.create_task(self.drain.run(client))
                tasks.create_task(self.board.run(client, self.drain))
                tasks.create_task(self.downlinks.run(client))
        except BaseExceptionGroup as group:
            # A fault of the core (the ledger, say) must not hide behind the loss of the link.
            others = [error for error in group.exceptions if not isinstance(error, aiomqtt.MqttError)]
            raise (others or group.exceptions)[0] from None

    async def _connect(self) -> CheckedClient:
        """In the protocol set, or 5 first and 3.1.1 when the broker refuses, drops or ignores it."""
        if self.protocol != "auto":
            return await self._try(v5=self.protocol == "5")
        try:
            client = await self._try(v5=True, within=PROBE)
        except RefusedError as error:
            if not isinstance(error.__cause__, MqttConnectError) or _code(error.__cause__) != mqtt.UNSUPPORTED_PROTOCOL:
                raise
            client = await self._try(v5=False)
            self.protocol = "3.1.1"
        except DeviceError as error:
            if not isinstance(error.__cause__, DroppedError) and str(error.__cause__) != TIMED_OUT:
                raise
            # Perhaps it does not know 5, perhaps it or the link was just going down: believe it the second time.
            client = await self._try(v5=False)
            self._drops += 1
            if self._drops >= 2:
                self.protocol = "3.1.1"
        else:
            self.protocol = "5"
        if not client.v5:
            log.warning("the broker does not speak MQTT 5: refusals cannot be told from successes", broker=self._peer)
        return client

    async def _try(self, *, v5: bool, within: float = math.inf) -> CheckedClient:
        within = min(within, self._settings.timeout)
        client = CheckedClient(
            structs.replace(self._settings, timeout=within), v5=v5, will_topic=self._topic, will=self._online(False)
        )
        try:
            await client.connect()
        except MqttConnectError as error:
            code = _code(error)
            advice = f": {ADVICE[code]}" if code in ADVICE else ""
            raise RefusedError(
                self.id, f"{self._peer}: the broker refused: {error.rc} (0x{code:02X}){advice}"
            ) from error
        except aiomqtt.MqttError as error:
            text = str(error)
            if text == TIMED_OUT:
                text = f"no answer to CONNECT within {within:g} s"
            if isinstance(error, DroppedError) and self._settings.tls and self._settings.cert_file is None:
                text += "; it may want a client certificate: set [mqtt] certificate and key"  # TLS 1.3 tells no more
            raise self._failure(text) from error
        except ValueError as error:  # a host name that cannot be one
            raise self._failure(str(error)) from None
        return client

    async def _born(self, client: CheckedClient) -> None:
        extra = await self._birth() if self._birth else {}
        code = await client.publish_checked(self._topic, self._online(True, **extra), retain=True)
        if code >= mqtt.REFUSED:
            log.warning("birth refused", topic=self._topic, reason=mqtt.reason_text(code))
        self.connections += 1
        self._switch(True)
        log.info("connected", broker=self._peer, protocol="5" if client.v5 else "3.1.1", window=client.window)
        if self._submit:
            await self._submit(Device(device=self.id, state="up", detail=self._peer))

    async def _goodbye(self, client: CheckedClient) -> None:
        """Say offline ourselves: a polite DISCONNECT cancels the Last Will (MQTT 5 §3.1.2.5)."""
        try:
            async with asyncio.timeout(GOODBYE):
                await client.publish_checked(self._topic, self._online(False), retain=True)
        except (TimeoutError, aiomqtt.MqttError):
            return  # the Last Will says it then

    def _online(self, online: bool, **extra: Any) -> bytes:
        if not online:
            return b'{"online":false}'
        return msgspec.json.encode({"online": True, "schema": 1, "version": self._settings.version, **extra})

    def _switch(self, connected: bool) -> None:
        if self.connected != connected:
            self.connected, self.since = connected, time.time_ns() // 1000

    @property
    def _peer(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def _failure(self, text: str) -> DeviceError:
        return DeviceError(self.id, f"{self._peer}: {text}")


def _orders() -> int:
    """How often this task was told to stop."""
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0


def _code(error: MqttConnectError) -> int:
    return error.rc.value if isinstance(error.rc, ReasonCode) else int(error.rc or 0)
