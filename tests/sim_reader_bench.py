"""What the tests of the simulated reader share: a client made of its own codec, and the parameters it sends."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from simulators.llrp import Reader
from simulators.llrp.wire import Message, Parameter, pack, unpack

EPC = "3034257bf7194e4000001a85"


class Client:
    """A client that checks nothing."""

    def __init__(self, incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        self.incoming, self.outgoing, self.id = incoming, outgoing, 100
        self.other: list[Message] = []
        self.version = 1

    async def next(self, timeout: float = 2.0) -> Message:
        """The next message of the reader, whatever it is."""
        async with asyncio.timeout(timeout):
            head = await self.incoming.readexactly(10)
            body = await self.incoming.readexactly(int.from_bytes(head[2:6]) - 10)
            return unpack(head + body, versions=(1, 2))

    async def until(self, *names: str, timeout: float = 2.0) -> Message:
        """The next message with one of these names; what came before is put into `other`."""
        while (message := await self.next(timeout)).name not in names:
            self.other.append(message)
        return message

    def say(self, name: str, parts: Iterable[Parameter] = (), **fields: Any) -> int:
        self.id += 1
        self.outgoing.write(pack(Message(name, fields, [*parts], id=self.id, version=self.version)))
        return self.id

    async def ask(self, name: str, parts: Iterable[Parameter] = (), **fields: Any) -> Message:
        """A request and its answer, found by message ID."""
        wanted = self.say(name, parts, **fields)
        while (message := await self.next()).id != wanted or not message.part("LLRPStatus"):
            self.other.append(message)
        return message

    async def done(self, name: str, parts: Iterable[Parameter] = (), **fields: Any) -> Message:
        """As ask, and it must have succeeded."""
        answer = await self.ask(name, parts, **fields)
        assert answer.parts[0].fields["StatusCode"] == 0, answer
        return answer

    async def code(self, name: str, parts: Iterable[Parameter] = (), **fields: Any) -> list[int]:
        """The status code of the answer, and the one in its ParameterError."""
        status = (await self.ask(name, parts, **fields)).parts[0]
        return [status.number("StatusCode"), *(part.number("ErrorCode") for part in status.parts)]


@asynccontextmanager
async def switches() -> AsyncIterator[Callable[..., Any]]:
    """Readers and clients that are switched off at the end."""
    readers: list[Reader] = []
    clients: list[Client] = []

    async def start(**options: Any) -> tuple[Reader, Callable[[], Any]]:
        reader = Reader("dock-1", **options)
        port = await reader.start()
        readers.append(reader)

        async def connect() -> Client:
            client = Client(*await asyncio.open_connection("127.0.0.1", port))
            clients.append(client)
            return client

        return reader, connect

    try:
        yield start
    finally:
        for client in clients:
            client.outgoing.close()
        for reader in readers:
            await reader.stop()
        await asyncio.sleep(0)


def boundary(start: Parameter | None = None, stop: Parameter | None = None) -> Parameter:
    """A ROBoundarySpec; Null triggers where none is given."""
    start = start or Parameter("ROSpecStartTrigger", {"ROSpecStartTriggerType": 0})
    stop = stop or Parameter("ROSpecStopTrigger", {"ROSpecStopTriggerType": 0, "DurationTriggerValue": 0})
    return Parameter("ROBoundarySpec", {}, [start, stop])


SELECTOR = [
    "EnableROSpecID",
    "EnableSpecIndex",
    "EnableInventoryParameterSpecID",
    "EnableAntennaID",
    "EnableChannelIndex",
    "EnablePeakRSSI",
    "EnableFirstSeenTimestamp",
    "EnableLastSeenTimestamp",
    "EnableTagSeenCount",
    "EnableAccessSpecID",
]


def report(trigger: int = 1, n: int = 1, on: Iterable[str] = SELECTOR[:9], *custom: Parameter) -> Parameter:
    """A ROReportSpec with a content selector."""
    selector = Parameter("TagReportContentSelector", {name: int(name in set(on)) for name in SELECTOR})
    return Parameter("ROReportSpec", {"ROReportTrigger": trigger, "N": n}, [selector, *custom])


def rospec(
    number: int = 1, antennas: Iterable[int] = (0,), state: int = 0, parts: Iterable[Parameter] = ()
) -> Parameter:
    """A ROSpec with one AISpec that never ends."""
    stop = Parameter("AISpecStopTrigger", {"AISpecStopTriggerType": 0, "DurationTrigger": 0})
    inventory = Parameter("InventoryParameterSpec", {"InventoryParameterSpecID": 1, "ProtocolID": 1})
    ai = Parameter("AISpec", {"AntennaIDs": [*antennas]}, [stop, inventory])
    given = [*parts]
    bounds = [part for part in given if part.name == "ROBoundarySpec"] or [boundary()]
    rest = [part for part in given if part.name != "ROBoundarySpec"]
    return Parameter("ROSpec", {"ROSpecID": number, "Priority": 0, "CurrentState": state}, [*bounds, ai, *rest])


def events(*kinds: int) -> Parameter:
    """A ReaderEventNotificationSpec that switches these kinds on."""
    states = [Parameter("EventNotificationState", {"EventType": kind, "NotificationState": 1}) for kind in kinds]
    return Parameter("ReaderEventNotificationSpec", {}, states)


def hold(on: int) -> Parameter:
    """HoldEventsAndReportsUponReconnect."""
    return Parameter("EventsAndReports", {"HoldEventsAndReportsUponReconnect": on})


def keepalive(ms: int) -> Parameter:
    """A periodic KeepaliveSpec, or Null for 0."""
    return Parameter("KeepaliveSpec", {"KeepaliveTriggerType": int(ms > 0), "PeriodicTriggerValue": ms})


def inside(message: Message, name: str) -> Parameter:
    """The event called `name` in a READER_EVENT_NOTIFICATION."""
    part = message.parts[0].part(name)
    assert part, message
    return part


async def reading(client: Client, *parts: Parameter, **options: Any) -> None:
    """Add, enable and start ROSpec 1."""
    await client.until("READER_EVENT_NOTIFICATION")
    await client.done("ADD_ROSPEC", [rospec(parts=parts, **options)])
    await client.done("ENABLE_ROSPEC", ROSpecID=1)
    await client.done("START_ROSPEC", ROSpecID=1)


def found(message: Message) -> list[dict[str, Any]]:
    """Each tag of a report as {parameter: value}."""
    return [{part.name: next(iter(part.fields.values())) for part in tag.parts} for tag in message.parts]


async def reading_after(client: Client) -> None:
    """Add, enable and start ROSpec 1, the connection event having been read."""
    await client.done("ADD_ROSPEC", [rospec(parts=[report()])])
    await client.done("ENABLE_ROSPEC", ROSpecID=1)
    await client.done("START_ROSPEC", ROSpecID=1)


async def gone(reader: Reader) -> None:
    """Until the reader has noticed that its client is gone."""
    async with asyncio.timeout(2):
        while reader.connected:  # noqa: ASYNC110 (the reader is not asked to tell)
            await asyncio.sleep(0.005)
