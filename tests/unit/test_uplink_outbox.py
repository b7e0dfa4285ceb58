"""The drain and the state board against a broker in memory: what no real broker does on demand."""

import asyncio
import importlib.util
import math
from pathlib import Path

import aiomqtt
import msgspec
import pytest

from gateway.errors import LedgerError
from gateway.uplink import outbox as module
from gateway.uplink.outbox import Drain
from gateway.uplink.state import StateBoard

_spec = importlib.util.spec_from_file_location("uplink_bench", Path(__file__).parents[1] / "uplink_bench.py")
bench = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(bench)
event = bench.event


class FakeClient:
    """The client's face towards drain and board; `code` answers each publish, None hangs up at once."""

    def __init__(self, code=lambda topic, payload: 0, *, v5: bool = True, window: int = 4) -> None:
        self.v5, self.window, self.largest = v5, window, None
        self.code, self.published = code, []
        self.most = self.in_flight = 0
        self.error: aiomqtt.MqttError | None = None
        self.hung_up = self.blames_message = False
        self._waiting: list[asyncio.Future] = []

    def send(self, topic, payload, done, *, retain=False, properties=None) -> None:
        if self.error:
            raise self.error
        self.published.append((topic, payload))
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        asyncio.get_running_loop().call_later(0.001, self._answer, topic, payload, done)

    def _answer(self, topic, payload, done) -> None:
        if self.error:
            return
        code = self.code(topic, payload)
        if code is None:
            self.hung_up = self.blames_message = True
            self.abort(aiomqtt.MqttError("hung up"))
            return
        self.in_flight -= 1
        done(code)
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            future.set_result(None)

    def abort(self, error) -> None:
        self.error = self.error or error
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            future.set_exception(self.error)

    async def acknowledged(self) -> None:
        if self.error:
            raise self.error
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future

    def seqs(self) -> list[int]:
        return [msgspec.json.decode(payload)["tally:seq"] for topic, payload in self.published if "/evt/" in topic]


def seq_of(payload: bytes) -> int:
    """The seq inside a body."""
    return msgspec.json.decode(payload)["tally:seq"]


def drain(rows: "bench.Outbox", **more) -> Drain:
    """A drain of that outbox."""
    return Drain(rows.pending, rows.settle, rows.park, rows.wake, **more)


async def work(drain: Drain, client: FakeClient, until, within: float = 5) -> None:
    """Run the drain on that connection until the condition holds or the link ends."""
    task = asyncio.create_task(drain.run(client))
    try:
        async with asyncio.timeout(within):
            while not until() and not task.done():  # noqa: ASYNC110 (many conditions)
                await asyncio.sleep(0.002)
    finally:
        task.cancel()
        results = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError | aiomqtt.MqttError), results


async def test_quota_exceeded_keeps_the_row_and_goes_carefully():
    """0x97 ends the connection, parks nothing, and the rows in flight go one at a time on the next one."""
    rows = bench.Outbox()
    rows.add(*(event(seq) for seq in range(1, 9)))
    line = drain(rows)
    await work(line, FakeClient(lambda topic, payload: 0x97 if seq_of(payload) == 3 else 0), lambda: False)
    assert rows.parked == {}
    assert 3 in rows.rows
    second = FakeClient()
    await work(line, second, lambda: not rows.rows)
    assert second.seqs()[0] == 3
    assert second.seqs() == sorted(second.seqs())
    assert line.parked == 0


async def test_ledger_that_refuses_to_settle_causes_no_duplicates(monkeypatch):
    """While the ledger cannot settle, rows already with the broker are not sent again, over a reconnect neither."""
    monkeypatch.setattr(module, "RETRY", 0.05)
    rows = bench.Outbox()
    rows.add(*(event(seq) for seq in range(1, 6)))
    settle, fail = rows.settle, True

    async def failing(seqs, at):
        if fail:
            raise LedgerError("disk full")
        await settle(seqs, at)

    rows.settle = failing
    line = drain(rows)
    first = FakeClient()
    await work(line, first, lambda: len(first.published) == 5 and not first.in_flight)
    second = FakeClient()
    rows.add(event(6))
    await work(line, second, lambda: second.seqs() == [6] and not second.in_flight)
    fail = False
    third = FakeClient()
    await work(line, third, lambda: not rows.rows)
    assert first.seqs() == [1, 2, 3, 4, 5]
    assert second.seqs() == [6]
    assert third.seqs() == []
    assert sorted(rows.settled) == [1, 2, 3, 4, 5, 6]
    assert line.settled == 6


async def test_poison_row_on_mqtt5_needs_a_disconnect_that_blames_it():
    """On MQTT 5 a row parks when the broker's DISCONNECT blames what was sent, park_after times in a row."""
    rows = bench.Outbox()
    rows.add(*(event(seq) for seq in range(1, 7)))
    line = drain(rows, park_after=3)
    for _ in range(4):
        if rows.rows:
            await work(
                line, FakeClient(lambda topic, payload: None if seq_of(payload) == 4 else 0), lambda: not rows.rows
            )
    assert list(rows.parked) == [4]
    assert sorted(rows.settled) == [1, 2, 3, 5, 6]


async def test_torn_links_never_park():
    """A link that merely tears at the same row again and again parks nothing."""
    rows = bench.Outbox()
    rows.add(event(1), event(2))
    line = drain(rows, park_after=2)
    for _ in range(5):
        client = FakeClient(lambda topic, payload: None)
        client_abort = client.abort

        def torn(error, client=client, abort=client_abort):
            client.hung_up = client.blames_message = False
            abort(error)

        client.abort = torn
        await work(line, client, lambda: False)
    assert rows.parked == {}
    assert line.resent >= 5


async def test_many_refusals_are_bounded():
    """When everything is refused no more than a window of refusals waits for the ledger."""
    rows = bench.Outbox()
    rows.add(*(event(seq) for seq in range(1, 101)))
    most = 0
    park = rows.park
    line = None

    async def watched(seq, reason):
        nonlocal most
        most = max(most, len(line._refused))
        await park(seq, reason)

    rows.park = watched
    line = drain(rows)
    await work(line, FakeClient(lambda topic, payload: 0x87), lambda: not rows.rows)
    assert len(rows.parked) == 100
    assert most <= 2 * 4
    assert line.settled == 0


async def test_topic_that_mqtt_cannot_carry_parks():
    """A ValueError of the client parks the row with the reason."""
    rows = bench.Outbox()
    rows.add(event(1))
    client = FakeClient()

    def send(*_, **__):
        raise ValueError("Publish topic cannot contain wildcards.")

    client.send = send
    await work(drain(rows), client, lambda: rows.parked)
    assert "wildcards" in rows.parked[1]


async def test_window_of_drain():
    """The drain fills the window and never more."""
    rows = bench.Outbox()
    rows.add(*(event(seq) for seq in range(1, 51)))
    client = FakeClient(window=7)
    await work(drain(rows), client, lambda: not rows.rows)
    assert client.most == 7
    assert client.seqs() == list(range(1, 51))


async def test_state_follows_its_event_and_the_latest_wins():
    """A state waits for the event it names, then only its latest value is sent."""
    rows = bench.Outbox()
    line, board, client = drain(rows), StateBoard(), FakeClient()
    board.set("s/lot/1", {"n": 1}, after=2)
    board.set("s/lot/1", {"n": 2}, after=2)
    board.set("s/lot/2", {"n": 3}, after=9)
    tasks = [asyncio.create_task(line.run(client)), asyncio.create_task(board.run(client, line))]
    rows.add(*(event(seq) for seq in range(1, 4)))
    line._wake.set()
    await bench.until(lambda: any(topic == "s/lot/1" for topic, _ in client.published))
    states = [item for item in client.published if item[0].startswith("s/")]
    assert ("s/lot/1", b'{"n":2}') in states
    assert ("s/lot/1", b'{"n":1}') not in states
    assert client.published.index(("s/lot/1", b'{"n":2}')) > client.seqs().index(2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_board_is_bounded_and_ignores_repetition():
    """The board forgets the topic longest unchanged beyond its bound, and an unchanged payload is no change."""
    board = StateBoard(most=3)
    for number in range(5):
        board.set(f"s/{number}", {"n": number})
    assert board.forgotten == 2
    assert list(board._latest) == ["s/2", "s/3", "s/4"]
    board._dirty.clear()
    board.set("s/4", {"n": 4})
    assert board._dirty == {}


async def test_a_state_waits_for_the_latest_event_it_was_set_after():
    """A change that follows no event does not let go what waits for one."""
    rows = bench.Outbox()
    line, board, client = drain(rows), StateBoard(), FakeClient()
    board.set("s/cold", {"alarm": True}, after=9)
    board.set("s/cold", {"alarm": True, "value": 3.9}, after=0)
    board.set("s/device", {"state": "up"}, after=0)
    rows.wake.set()
    rows.add(event(8))
    tasks = [asyncio.create_task(line.run(client)), asyncio.create_task(board.run(client, line))]
    await bench.until(lambda: len(client.published) == 3)
    topics = [topic for topic, _ in client.published]
    assert topics.index("s/cold") > topics.index(event(8).topic)
    assert ("s/cold", b'{"alarm":true,"value":3.9}') in client.published
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_cleared_topic_is_forgotten_when_the_broker_cleared_it():
    """An empty payload clears the retained message; afterwards nothing is kept of the topic, and nothing sent again."""
    board, line, client = StateBoard(), drain(bench.Outbox()), FakeClient()
    board.set("s/lot/1", {"n": 1}, after=0)
    task = asyncio.create_task(board.run(client, line))
    await bench.until(lambda: board.sent == 1)
    board.set("s/lot/1", None, after=0)
    await bench.until(lambda: not board._latest)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert client.published == [("s/lot/1", b'{"n":1}'), ("s/lot/1", b"")]


async def test_past_tells_which_events_have_left():
    """past() is true for what is acknowledged, false for what is in flight or unknown."""
    line = drain(bench.Outbox())
    line._through, line._flight = 7, {5: None, 6: None}
    assert line.past(4)
    assert not line.past(5)
    assert not line.past(8)
    assert not line.past(math.inf)
    line._flight.clear()
    assert line.past(7)


@pytest.mark.parametrize("v5", [True, False])
async def test_forms_of_an_event(v5):
    """MQTT 5 carries the body unchanged, 3.1.1 the structured document around it."""
    rows = bench.Outbox()
    rows.add(event(1))
    client = FakeClient(v5=v5)
    await work(drain(rows), client, lambda: not rows.rows)
    payload = client.published[0][1]
    assert payload == event(1).body if v5 else event(1).body in payload
