"""Retained state topics: the latest word on a lot, a location, a device, this gateway (DESIGN §6, MQTT).

A convenience for who subscribes late; the events are the ledger. States are coalesced (only the latest of a topic is
sent), follow the events they come from, and are sent again on every new connection.
"""

import asyncio
import functools
import math
from collections import OrderedDict
from typing import Any

import msgspec
import structlog

from gateway.uplink import mqtt
from gateway.uplink.mqtt import CheckedClient
from gateway.uplink.outbox import Drain

log = structlog.get_logger(__name__)

TICK = 0.1
"""Seconds between looks at whether the events have left; also how long changes are gathered."""


class StateBoard:
    """The latest payload of each state topic. Topics are whole (`events.topics`).

    At most `most` topics are remembered: beyond that the one longest unchanged is forgotten (`forgotten`); the
    broker still retains it. A topic that was cleared is forgotten once the broker has cleared it. Counters: `sent`,
    `refused` (by reason code; not tried again until it changes).
    """

    def __init__(self, *, most: int = 20_000) -> None:
        self._most = most
        self._latest: OrderedDict[str, bytes] = OrderedDict()
        self._dirty: dict[str, float] = {}  # topic → the event it follows; inf: all that there are
        self._changed = asyncio.Event()
        self.sent = self.refused = self.forgotten = 0

    def set(self, topic: str, payload: dict[str, Any] | None, *, after: int | None = None) -> None:
        """Remember and send `payload` (None: clear the retained message).

        It is sent when the event `after` has left the outbox; None: when all have; 0: at once. What was set before and
        not sent yet is replaced, but not what it waited for.
        """
        encoded = b"" if payload is None else msgspec.json.encode(payload)
        if self._latest.get(topic) == encoded:
            return
        self._latest[topic] = encoded
        self._latest.move_to_end(topic)
        self._dirty[topic] = max(self._dirty.get(topic, 0), math.inf if after is None else after)
        if len(self._latest) > self._most:
            oldest, _ = self._latest.popitem(last=False)
            self._dirty.pop(oldest, None)
            self.forgotten += 1
        self._changed.set()

    async def run(self, client: CheckedClient, drain: Drain) -> None:
        """Send what changed, everything first, until the link fails.

        Raises:
            aiomqtt.MqttError: the link is gone.
        """
        self._dirty = {topic: self._dirty.get(topic, 0) for topic in self._latest}
        self._changed.set()
        room = max(1, client.window // 2)  # events keep the other half
        while True:
            await self._changed.wait()
            await asyncio.sleep(TICK)
            for topic in [topic for topic, after in self._dirty.items() if drain.past(after)]:
                while client.in_flight >= room:
                    await client.acknowledged()
                self._dirty.pop(topic, None)
                payload = self._latest.get(topic)
                if payload is None:
                    continue
                client.send(topic, payload, functools.partial(self._ack, topic, payload), retain=True)
                self.sent += 1
            if not self._dirty:
                self._changed.clear()

    def _ack(self, topic: str, payload: bytes, code: int) -> None:
        if not payload and self._latest.get(topic) == b"":
            del self._latest[topic]
        if code >= mqtt.REFUSED:
            self.refused += 1
            log.warning("state refused", topic=topic, reason=mqtt.reason_text(code))
