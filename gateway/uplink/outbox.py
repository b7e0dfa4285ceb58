"""The drain: events leave in seq order, and count as sent when the broker's PUBACK says success (DESIGN §6, MQTT).

The rows stay in the ledger until then, so a lost link costs nothing: what had no PUBACK is sent again, same bytes,
same order, after the reconnect. At most a window of them can be duplicates.
"""

import asyncio
import contextlib
import functools
import time
from collections.abc import Awaitable, Callable, Sequence

import aiomqtt
import structlog

from gateway.errors import LedgerError
from gateway.events.envelope import structured
from gateway.model.outcome import Event
from gateway.uplink import mqtt
from gateway.uplink.mqtt import CheckedClient

log = structlog.get_logger(__name__)

Pending = Callable[[int, int], Awaitable[Sequence[Event]]]
"""(after, limit) → the unsettled, unparked events with seq > after, ascending, at most limit; none: there are none."""
Settle = Callable[[Sequence[int], int], Awaitable[None]]
"""(seqs, at µs): these are with the broker. Settling twice must be harmless."""
Park = Callable[[int, str], Awaitable[object]]
"""(seq, reason): set aside as undeliverable, through the pipeline; returns after the commit, harmless twice."""

READ = 512
"""Events read from the ledger at once; never more than these are in memory."""
GROUP = 0.03
"""Seconds that PUBACKs are collected before one settling transaction."""
LAST = 5.0
"""Seconds the last settling may take when a connection ends."""
RETRY = 1.0
"""Seconds until a ledger that refused to settle is asked again."""
UNSETTLED_MOST = 4096
"""PUBACKs that may wait for the ledger before the drain waits for it too."""
AT_ONCE = 5.0
"""A broker that dislikes an event closes within these seconds; later ends of a connection have other reasons."""


def binary(event: Event) -> mqtt.PackedProperties:
    """CloudEvents' binary mode: the attributes as user properties beside the body (CloudEvents MQTT binding §3.1).

    Raises:
        ValueError: an attribute is too long for MQTT.
    """
    attributes = {name: text for name, text in event.attributes.items() if name != "datacontenttype"}
    return mqtt.publish_properties(event.content_type, attributes)


def now() -> int:
    """The instant in µs since the epoch."""
    return time.time_ns() // 1000


class Drain:
    """Publishes the outbox in order; one object for the life of the process, one `run` per connection.

    Counters: `sent` publishes, `settled` PUBACKs of success, `unheard` of these nobody subscribed to, `resent`
    publishes whose PUBACK never came (the possible duplicates), `parked` events set aside.
    """

    def __init__(
        self,
        pending: Pending,
        settle: Settle,
        park: Park,
        wake: asyncio.Event,
        *,
        park_after: int = 5,
        clock: Callable[[], int] = now,
    ) -> None:
        self._pending, self._settle, self._park, self._wake = pending, settle, park, wake
        self._park_after, self._clock = park_after, clock
        self.sent = self.settled = self.unheard = self.resent = self.parked = 0
        self._flight: dict[int, None] = {}  # seq, in the order sent
        self._acked: dict[int, None] = {}  # with the broker, not settled yet
        self._refused: dict[int, str] = {}  # seq → reason, to be parked
        self._work = asyncio.Event()  # for the settler: something was acknowledged or refused
        self._flushed = asyncio.Event()  # from the settler: it wrote
        self._idle = False
        self._through = 0
        self._sent_at = 0.0
        self._suspect, self._strikes = 0, 0
        self._careful = 0  # up to this seq one event at a time: one of them may have killed the connection

    @property
    def idle(self) -> bool:
        """Everything the ledger had is settled or parked, and nothing new was announced."""
        return self._idle and not self._wake.is_set()

    def past(self, seq: float) -> bool:
        """Whether the event `seq` has left (inf: whether all have); states follow their events by this."""
        return self.idle or seq < min(self._flight, default=self._through + 1)

    async def run(self, client: CheckedClient) -> None:
        """Publish until the link fails; what was acknowledged is settled before this ends.

        Raises:
            aiomqtt.MqttError: the link is gone.
        """
        self._flight.clear()
        self._through = 0
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._settling())
                tasks.create_task(self._publishing(client))
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        finally:
            self._idle = False
            self._blame(client)
            self.resent += len(self._flight)
            with contextlib.suppress(TimeoutError):  # what is not written stays pending
                async with asyncio.timeout(LAST):
                    await self._flush()

    async def _publishing(self, client: CheckedClient) -> None:
        cursor = 0
        while True:
            self._wake.clear()
            handled = {*self._acked, *self._refused}  # before the read: their commit may come during it
            events = await self._pending(cursor, READ)
            if events:
                for event in events:
                    if event.seq not in handled:
                        await self._post(client, event)
                cursor = events[-1].seq
            elif cursor:
                # The end. Settle, then look again from the start: rows that were queued again have low numbers.
                if await self._landed(client):
                    cursor = 0
            else:
                self._idle = True
                await self._wake.wait()
                self._idle = False

    async def _post(self, client: CheckedClient, event: Event) -> None:
        while len(self._acked) >= UNSETTLED_MOST or len(self._refused) >= client.window:
            self._flushed.clear()
            await self._flushed.wait()
        limit = 1 if event.seq <= self._careful else client.window
        while client.in_flight >= limit:
            await client.acknowledged()
        try:
            properties = binary(event) if client.v5 else None
            payload = event.body if properties else structured(event)
            size = len(payload) + len(event.topic) + (len(properties.pack()) if properties else 0) + 9
            if client.largest is not None and size > client.largest:
                self._refuse(event.seq, f"{size} bytes are more than the broker takes ({client.largest})")
                return
            client.send(event.topic, payload, functools.partial(self._ack, client, event.seq), properties=properties)
        except ValueError as error:
            self._refuse(event.seq, f"MQTT cannot carry it: {error}")
            return
        self._flight[event.seq] = None
        self._through = max(self._through, event.seq)
        self._sent_at = time.monotonic()
        self.sent += 1

    def _ack(self, client: CheckedClient, seq: int, code: int) -> None:
        if code == mqtt.QUOTA_EXCEEDED:
            # The broker is full, not against this event: keep the row, come back later, one at a time.
            self._careful = max(self._flight)
            client.abort(aiomqtt.MqttError("the broker is over its quota (0x97); events are kept and sent later"))
            return
        self._flight.pop(seq, None)
        if code >= mqtt.REFUSED:
            self._refuse(seq, f"refused by the broker: {mqtt.reason_text(code)}")
            return
        self.unheard += code == mqtt.NO_MATCHING_SUBSCRIBERS
        self._acked[seq] = None
        self._work.set()

    def _refuse(self, seq: int, reason: str) -> None:
        self._through = max(self._through, seq)
        self._refused[seq] = reason
        self._work.set()

    async def _landed(self, client: CheckedClient) -> bool:
        """Wait until nothing is in flight or unsettled; False as soon as there is more to send."""
        while self._flight or self._acked or self._refused:
            if self._wake.is_set():
                return False
            if self._flight:
                await client.acknowledged()
            else:
                self._flushed.clear()
                await self._flushed.wait()
        return True

    async def _settling(self) -> None:
        while True:
            await self._work.wait()
            await asyncio.sleep(GROUP)
            self._work.clear()
            if not await self._flush():
                self._work.set()
                await asyncio.sleep(RETRY)
            self._flushed.set()

    async def _flush(self) -> bool:
        """Settle and park what is due; False when the ledger refuses: what is with the broker is not sent again."""
        try:
            await self._write()
        except LedgerError as error:
            log.warning("the ledger does not settle; tried again", waiting=len(self._acked), reason=str(error))
            return False
        return True

    async def _write(self) -> None:
        if acked := tuple(self._acked):
            await self._settle(acked, self._clock())
            for seq in acked:
                self._acked.pop(seq, None)
            self.settled += len(acked)
        if refused := dict(self._refused):
            for seq, reason in refused.items():
                log.warning("event parked", seq=seq, reason=reason)
            await asyncio.gather(*(self._park(seq, reason) for seq, reason in refused.items()))
            for seq in refused:
                self._refused.pop(seq, None)
            self.parked += len(refused)

    def _blame(self, client: CheckedClient) -> None:
        """After a loss: was it the event? Then it goes alone next time, and aside after `park_after` times.

        Only a broker that hung up at once is believed; a frozen or torn link says nothing about an event.
        """
        if not self._flight:
            return
        blamed = client.blames_message if client.v5 else client.hung_up
        if not blamed or time.monotonic() - self._sent_at > AT_ONCE:
            return
        head = next(iter(self._flight))
        self._careful = max(self._careful, *self._flight)
        self._strikes = self._strikes + 1 if head == self._suspect else 1
        self._suspect = head
        if self._strikes >= self._park_after:
            self._strikes = 0
            del self._flight[head]
            self._refuse(head, f"the connection died {self._park_after} times in a row at this event")
