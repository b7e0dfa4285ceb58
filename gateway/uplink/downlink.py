"""Messages from central become inputs, and are acknowledged when their decision is committed (DESIGN §4, §6).

A crash before the commit leaves the message unacknowledged, so the broker sends it again: nothing announced is lost.
The same document twice is harmless (the higher version wins); a command may come twice after a crash.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiomqtt
import msgspec
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.events import topics
from gateway.model.inputs import Command, Downlink, Input
from gateway.uplink import mqtt
from gateway.uplink.mqtt import CheckedClient
from gateway.uplink.settings import MqttSettings

log = structlog.get_logger(__name__)

Decide = Callable[[Input], Awaitable[dict[str, Any] | None]]
"""Returns the outcome's reply after the commit."""

LONGEST = 4 * 1024 * 1024
"""Bytes of a downlink that is still read as JSON; a longer one is refused with its first kilobyte as text."""
REPLY_EXPIRY = 3600
"""Seconds after which nobody waits for the reply to a command any more (MQTT 5 §3.3.2.3.3)."""
AT_ONCE = 32
"""Decisions under way at once: they share a commit. Acknowledgements keep the order of arrival."""


def to_input(topic: str, payload: bytes) -> Downlink:
    """A `down/…` message as an input: parsed JSON, None for an empty payload, text for what is not JSON."""
    if not payload:
        return Downlink(topic=topic)
    if len(payload) > LONGEST:
        return Downlink(topic=topic, text=payload[:1024].decode("utf-8", "replace"))
    try:
        parsed = msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        parsed = None
    if parsed is None:  # not JSON; or JSON's null, which is no withdrawal
        return Downlink(topic=topic, text=payload.decode("utf-8", "replace"))
    return Downlink(topic=topic, payload=parsed)


def to_command(verb: str, payload: bytes) -> Command:
    """A `cmd/{gateway}/{verb}` message as a command named by the verb; no payload means no arguments.

    Raises:
        ValueError: the payload is no JSON object.
    """
    try:
        args = msgspec.json.decode(payload) if payload else {}
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"the payload is not JSON: {error}") from None
    if not isinstance(args, dict):
        raise ValueError("the payload is not a JSON object; write the arguments as {…}")
    return Command(name=verb, args=args, by="central")


class Downlinks:
    """Takes `down/#`, `cmd/{gateway}/#` and `ack/{gateway}`; one object per process, one `run` per connection.

    Counters: `received`, `rejected` (commands nobody could read), `stale` (retained commands: never executed).
    """

    def __init__(self, settings: MqttSettings, decide: Decide) -> None:
        self._prefix, self._site, self._gateway = settings.prefix, settings.site, settings.gateway
        self._acks = topics.ack_topic(self._prefix, self._site, self._gateway)
        self._decide = decide
        self.received = self.rejected = self.stale = 0
        self._subscribed = False

    async def _subscribe(self, client: CheckedClient) -> None:
        """Subscribe at QoS 1; a refused subscription is logged and the events go on.

        Retained documents come on a new subscription only (MQTT 5 §3.8.3.1, retain handling 1). 3.1.1 has no such
        option, so there the broker's session is trusted after the first connection of this process.
        """
        if not client.v5 and self._subscribed and client.session_present:
            return
        down = topics.down_filter(self._prefix, self._site)
        commands = topics.command_filter(self._prefix, self._site, self._gateway)
        for topic, handling in ((down, 1), (commands, 2), (self._acks, 1)):
            options = SubscribeOptions(qos=1, retainHandling=handling) if client.v5 else None
            codes = await client.subscribe(topic, qos=0 if options else 1, options=options)
            refused = [str(code) for code in codes if _value(code) >= mqtt.REFUSED]
            if refused:
                log.warning("subscription refused: nothing will arrive there", topic=topic, reason=refused[0])
        self._subscribed = True

    async def run(self, client: CheckedClient) -> None:
        """Subscribe, decide and acknowledge until the link fails.

        Raises:
            aiomqtt.MqttError: the link is gone.
        """
        decided: asyncio.Queue[tuple[aiomqtt.Message, asyncio.Task[None]]] = asyncio.Queue(AT_ONCE)
        try:
            async with asyncio.TaskGroup() as tasks:
                # Beside the taking, not before it: a broker may want its retained messages acknowledged first.
                tasks.create_task(self._subscribe(client))
                tasks.create_task(self._acknowledging(client, decided))
                async for message in client.messages:
                    self.received += 1
                    task = tasks.create_task(self._take(client, message))
                    await decided.put((message, task))
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    async def _acknowledging(
        self, client: CheckedClient, decided: "asyncio.Queue[tuple[aiomqtt.Message, asyncio.Task[None]]]"
    ) -> None:
        while True:
            message, task = await decided.get()
            await task
            client.acknowledge(message)

    async def _take(self, client: CheckedClient, message: aiomqtt.Message) -> None:
        topic = topics.local_part(self._prefix, self._site, str(message.topic))
        if topic is None:
            return  # a subscription of an earlier configuration; acknowledged, not ours
        payload = bytes(message.payload)
        if topic.startswith("down/"):
            await self._decide(to_input(topic, payload))
            return
        if str(message.topic) == self._acks:
            await self._confirmed(payload)
            return
        try:
            gateway, verb = topics.parse_command(topic)
        except ValueError:
            return
        if gateway == self._gateway:
            await self._command(client, message, verb, payload)

    async def _confirmed(self, payload: bytes) -> None:
        """Central's `{"upTo": seq}`: it has every event up to there."""
        try:
            await self._decide(to_command("ack", payload))
        except ValueError as error:
            self.rejected += 1
            log.warning("acknowledgement ignored", reason=str(error))

    async def _command(self, client: CheckedClient, message: aiomqtt.Message, verb: str, payload: bytes) -> None:
        if message.retain:
            self.stale += 1
            log.warning("retained command ignored; publish commands without retain", verb=verb)
            return
        try:
            reply = {"ok": True, **(await self._decide(to_command(verb, payload)) or {})}
        except ValueError as error:
            self.rejected += 1
            reply = {"ok": False, "error": str(error)}
        await self._reply(client, message.properties, reply)

    async def _reply(self, client: CheckedClient, request: Properties | None, reply: dict[str, Any]) -> None:
        """Answer on the response topic with the correlation data (MQTT 5 §4.10), when there is one."""
        topic = getattr(request, "ResponseTopic", None)
        if topic is None:
            return
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = "application/json"
        properties.MessageExpiryInterval = REPLY_EXPIRY
        correlation = getattr(request, "CorrelationData", None)
        if correlation is not None:
            properties.CorrelationData = correlation
        try:
            code = await client.publish_checked(topic, msgspec.json.encode(reply), properties=properties)
        except ValueError as error:
            log.warning("reply impossible", topic=topic, reason=str(error))
            return
        if code >= mqtt.REFUSED:
            log.warning("reply refused", topic=topic, reason=mqtt.reason_text(code))


def _value(code: int | ReasonCode) -> int:
    return code.value if isinstance(code, ReasonCode) else code
