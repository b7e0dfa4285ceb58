"""The link to central under faults: frozen, torn, refused versions, poison rows, tshark as referee of our bytes."""

import asyncio
import importlib.util
import json
import os
import shutil
import socket
import struct
import time
from pathlib import Path

import pytest

from gateway.errors import DeviceError

_spec = importlib.util.spec_from_file_location("uplink_bench", Path(__file__).parents[1] / "uplink_bench.py")
bench = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(bench)
event = bench.event

FROZEN = float(os.environ.get("TALLYMAN_FROZEN_SECONDS", "45"))
"""Seconds of the long freeze; 300 is run by hand now and then."""
WINDOW = 20
"""Events in flight, as shipped."""


async def frozen(tmp_path, *, seconds: float, keepalive: int, rate: float) -> None:
    """Events keep being committed while the link is frozen for `seconds` and then torn; central must have them all."""
    async with (
        bench.Broker(tmp_path) as broker,
        bench.Relay(broker.port) as relay,
        bench.LedgerOutbox(tmp_path) as outbox,
    ):
        async with bench.Consumer(broker.port) as central:
            link = bench.uplink(relay.port, outbox, keepalive=keepalive, timeout=5, window=WINDOW)
            async with bench.kept(link) as errors:
                await bench.until(lambda: link.connected)

                async def events(duration: float) -> None:
                    end = time.monotonic() + duration
                    while time.monotonic() < end:
                        await outbox.add(event(outbox.added + 1))
                        await asyncio.sleep(1 / rate)

                await events(1)
                relay.freeze()
                await events(seconds)
                relay.tear()
                await events(1)
                await outbox.empty(40)
                await central.until(lambda c: len(set(c.seqs())) == outbox.added, 10)
        assert bench.deduplicated(central.seqs()) == list(range(1, outbox.added + 1))
        assert outbox.settled == list(range(1, outbox.added + 1))
        counts = await outbox.counts()
        assert (counts["pending"], counts["settled"], counts["parked"]) == (0, outbox.added, 0)
    assert len(central.seqs()) - outbox.added <= WINDOW, "duplicates beyond the in-flight window"
    assert any("half-open" in str(error) for error in errors), "the keepalive must find a half-open link"


@pytest.mark.timeout(75 + FROZEN)
async def test_half_open(tmp_path):
    """A relay frozen for 45 s and then torn loses nothing, with duplicates within the window (defaults)."""
    await frozen(tmp_path, seconds=FROZEN, keepalive=15, rate=12)


async def test_half_open_for_five_minutes_in_small(tmp_path):
    """Twenty keepalives of silence, as five minutes are with the default of 15 s, here of 1 s each: the same."""
    await frozen(tmp_path, seconds=20, keepalive=1, rate=60)


async def test_torn_again_and_again(tmp_path):
    """Twenty resets while events flow lose nothing, keep the order and stay within a window of duplicates each."""
    async with bench.Broker(tmp_path) as broker, bench.Relay(broker.port) as relay:
        outbox = bench.Outbox()
        async with bench.Consumer(broker.port) as central:
            link = bench.uplink(relay.port, outbox)
            async with bench.kept(link, pause=0.02):
                for start in range(1, 2001, 100):
                    outbox.add(*(event(seq) for seq in range(start, start + 100)))
                    await bench.until(lambda start=start: len(outbox.settled) >= start)
                    relay.tear()
                await outbox.empty()
                await central.until(lambda c: len(set(c.seqs())) == 2000)
            assert bench.deduplicated(central.seqs()) == list(range(1, 2001))
            assert len(central.seqs()) - 2000 <= link.drain.resent
            assert link.drain.parked == 0


async def test_frozen_before_connack(tmp_path):
    """A broker that accepts but never answers CONNECT ends in one clear line, leaving nothing open."""
    async with bench.Relay(bench.free_port()) as relay:
        relay.freeze()
        with pytest.raises(DeviceError, match=rf"127\.0\.0\.1:{relay.port}: no answer to CONNECT within 1 s"):
            await bench.uplink(relay.port, bench.Outbox(), timeout=1).run()


async def test_cancelled_while_connecting(tmp_path):
    """Cancelling a connect under way ends it at once and closes its socket."""
    async with bench.Relay(bench.free_port()) as relay:
        relay.freeze()
        task = asyncio.create_task(bench.uplink(relay.port, bench.Outbox()).run())
        await asyncio.sleep(0.2)
        task.cancel()
        started = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - started < 1
        await asyncio.sleep(0.05)


class OldBroker:
    """A broker that knows MQTT 3.1.1 only. `answer`: how it takes a CONNECT of 5: refuses, drops, or is silent.

    `poison`: a seq at which it hangs up without PUBACK.
    """

    def __init__(self, *, answer: str = "refuses", poison: int | None = None) -> None:
        self.answer, self.poison = answer, poison
        self.levels: list[int] = []
        self.documents: list[dict] = []

    async def __aenter__(self) -> "OldBroker":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _packet(self, reader) -> tuple[int, bytes]:
        head = (await reader.readexactly(1))[0]
        length, shift = 0, 0
        while True:
            byte = (await reader.readexactly(1))[0]
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return head, await reader.readexactly(length)

    async def _serve(self, reader, writer) -> None:
        try:
            _, connect = await self._packet(reader)
            level = connect[6]
            self.levels.append(level)
            if level != 4:
                if self.answer == "silent":
                    await reader.read()
                elif self.answer == "refuses":
                    writer.write(b"\x20\x02\x00\x01")
                return
            writer.write(b"\x20\x02\x00\x00")
            while True:
                head, body = await self._packet(reader)
                if head >> 4 == 3:
                    size = struct.unpack("!H", body[:2])[0]
                    document = json.loads(body[4 + size :])
                    if "data" in document:
                        if document["data"]["tally:seq"] == self.poison:
                            return
                        self.documents.append(document)
                    writer.write(b"\x40\x02" + body[2 + size : 4 + size])
                elif head >> 4 == 8:
                    writer.write(b"\x90\x03" + body[:2] + b"\x01")
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()


@pytest.mark.parametrize("answer", ["refuses", "drops", "silent"])
async def test_falls_back_to_311_and_remembers(answer):
    """A broker that refuses, drops or ignores MQTT 5 is spoken to in 3.1.1, and not asked for 5 again for ever."""
    async with OldBroker(answer=answer) as broker:
        outbox = bench.Outbox()
        outbox.add(event(1))
        link = bench.uplink(broker.port, outbox, timeout=0.5)
        for _ in range(4):
            async with bench.running(link):
                await outbox.empty()
        assert link.protocol == "3.1.1"
        assert broker.levels == ([5, 4, 4, 4, 4] if answer == "refuses" else [5, 4, 5, 4, 4, 4])
        assert [document["data"]["tally:seq"] for document in broker.documents] == [1]


async def test_row_that_kills_the_connection_parks_on_311():
    """A row at which a 3.1.1 broker hangs up park_after times parks, alone; all others arrive in order."""
    async with OldBroker(poison=5) as broker:
        outbox = bench.Outbox()
        outbox.add(*(event(seq) for seq in range(1, 21)))
        link = bench.uplink(broker.port, outbox, protocol="3.1.1", park_after=3)
        async with bench.kept(link, pause=0.02):
            await outbox.empty()
        assert list(outbox.parked) == [5]
        assert "3 times in a row" in outbox.parked[5]
        seqs = [document["data"]["tally:seq"] for document in broker.documents]
        assert bench.deduplicated(seqs) == [seq for seq in range(1, 21) if seq != 5]
        assert sorted(outbox.settled) == [seq for seq in range(1, 21) if seq != 5]


async def test_event_larger_than_the_broker_takes_parks(tmp_path):
    """An event above the broker's Maximum Packet Size parks instead of ending the connection for ever."""
    async with bench.Broker(tmp_path, extra="max_packet_size 4096") as broker:
        outbox = bench.Outbox()
        outbox.add(event(1), event(2, size=10_000), event(3))
        link = bench.uplink(broker.port, outbox)
        async with bench.running(link):
            await outbox.empty()
        assert outbox.settled == [1, 3]
        assert "more than the broker takes (4096)" in outbox.parked[2]


def _pcap(path: Path, stream: bytes) -> None:
    """The bytes as one TCP stream to port 1883, in segments that do not follow packet borders."""
    frames, sequence = [], 1
    for start in range(0, len(stream), 1400):
        part = stream[start : start + 1400]
        tcp = struct.pack("!HHIIBBHHH", 40000, 1883, sequence, 1, 5 << 4, 0x18, 65535, 0, 0)
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40 + len(part), 0, 0, 64, 6, 0, b"\x7f\0\0\x01", b"\x7f\0\0\x02")
        frames.append(ip + tcp + part)
        sequence += len(part)
    header = struct.pack("!IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    records = [struct.pack("!IIII", 1, number, len(frame), len(frame)) + frame for number, frame in enumerate(frames)]
    path.write_bytes(header + b"".join(records))


@pytest.mark.parametrize(("protocol", "version"), [("5", "5"), ("3.1.1", "4")])
async def test_tshark_finds_nothing_malformed(tmp_path, protocol, version):
    """Everything we send in a session decodes in tshark without a complaint, publishes counted."""
    tshark = shutil.which("tshark")
    assert tshark, "tshark is not installed: apt-get install tshark"
    async with bench.Broker(tmp_path) as broker, bench.Relay(broker.port) as relay:
        outbox = bench.Outbox()
        outbox.add(*(event(seq, size=3000 if seq % 7 == 0 else 10) for seq in range(1, 51)))
        link = bench.uplink(relay.port, outbox, protocol=protocol, version="1.0")
        link.board.set(bench.ROOT + "state/location/cold-1", {"alarm": False})
        async with bench.running(link):
            await outbox.empty()
            await bench.until(lambda: link.board.sent == 1)
            await asyncio.sleep(0.2)
        await asyncio.sleep(0.1)
        capture = tmp_path / "sent.pcap"
        _pcap(capture, bytes(relay.sent))
    process = await asyncio.create_subprocess_exec(
        tshark, "-r", str(capture), "-o", "tcp.check_checksum:FALSE", "-T", "fields", "-E", "occurrence=a",
        "-e", "mqtt.msgtype", "-e", "mqtt.ver", "-e", "_ws.malformed", "-e", "_ws.expert.message",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    output, _ = await process.communicate()
    rows = [line.split("\t") for line in output.decode().splitlines()]
    kinds = [kind for row in rows for kind in row[0].split(",") if kind]
    assert rows
    assert "".join(row[1] for row in rows) == version
    assert not [row for row in rows if row[2] or "alformed" in row[3] or "nvalid" in row[3]]
    assert kinds.count("3") == 50 + 3  # events, birth, state, goodbye
    assert kinds[0] == "1"
    assert kinds[-1] == "14"


def test_tcp_user_timeout_is_set_where_the_kernel_has_it():
    """The socket options bound how long unacknowledged bytes may wait."""
    from gateway.uplink.mqtt import tcp_options

    assert (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000) in tcp_options(15)
