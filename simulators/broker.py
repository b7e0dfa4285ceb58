"""The embedded broker of the demo: amqtt (MQTT 3.1.1) on loopback, in this process, with nothing kept on disk.

It is for demonstrations: amqtt loses the queued messages of a resumed session, so outage scenes use a real broker.
It comes with the `demo` extra; importing this module without it raises ImportError.
"""

import asyncio
import logging
from typing import Any

from amqtt.broker import Broker as Amqtt

_QUIET = ("amqtt", "transitions")
"""Loggers that narrate every packet; their warnings are about clients, which report for themselves."""

_PLUGINS: dict[str, Any] = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
"""Anyone on loopback may connect; neither the packet logger nor `$SYS` topics are wanted here."""


class _Tidy(Amqtt):  # type: ignore[misc]  # amqtt is untyped here
    """amqtt with two faults mended.

    It leaves the socket of a client open that goes away before its CONNECT. And it answers a client's next SUBSCRIBE
    only when every retained message of the one before is acknowledged (or 5 s are over): a client that subscribes to
    all its topics first and acknowledges then would wait for the broker, and the broker for it.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._delivering: set[asyncio.Task[None]] = set()

    async def _publish_retained_messages_for_subscription(self, subscription: tuple[str, int], session: Any) -> None:
        task = asyncio.create_task(super()._publish_retained_messages_for_subscription(subscription, session))
        self._delivering.add(task)
        task.add_done_callback(self._delivering.discard)

    async def shutdown(self) -> None:
        """Stop; what waits for an acknowledgement waits no longer."""
        for task in tuple(self._delivering):
            task.cancel()
        await asyncio.gather(*self._delivering, return_exceptions=True)
        await super().shutdown()

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        """Serve one client, and close its socket whatever happens."""
        try:
            await super().stream_connected(reader, writer, listener_name)
        finally:
            writer.close()

    @property
    def port(self) -> int:
        """The port bound; amqtt has no way to ask what 0 became."""
        return int(self._servers["default"].instance.sockets[0].getsockname()[1])


class Broker:
    """An MQTT 3.1.1 broker that lives as long as the demo does."""

    def __init__(self) -> None:
        self.port = 0
        self._broker: Any = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen on `host`; port 0 takes a free one. The port bound is returned.

        Raises:
            amqtt.errors.BrokerError: the port is taken.
        """
        for name in _QUIET:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        config = {
            "listeners": {"default": {"type": "tcp", "bind": f"{host}:{port}", "max_connections": 50}},
            "plugins": dict(_PLUGINS),
        }
        broker = _Tidy(config, loop=asyncio.get_running_loop())
        await broker.start()
        self._broker, self.port = broker, broker.port
        return self.port

    @property
    def retained(self) -> list[str]:
        """The topics at which a message is retained."""
        return [] if self._broker is None else sorted(self._broker.retained_messages)

    async def stop(self) -> None:
        """Close every connection and stop listening. Stopping twice is harmless."""
        broker, self._broker = self._broker, None
        if broker is not None:
            await broker.shutdown()
            await asyncio.sleep(0)  # sockets that were told to close do so in the loop's next turn
