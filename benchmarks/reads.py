"""`pipeline_reads_20`, `pipeline_reads_1`: LLRP frames in, committed movements out, on real files and one core.

Session and codec, journal with fsync, rules, ledger: the parts and their settings are those of the daemon; only the
socket is missing. What is played is a backlog: a reader that was cut off for four minutes while 20 pallets crossed
delivers what it kept, as fast as we take it. The rules work in the reads' own time, so every passage comes out.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import dock, frames, rival
from benchmarks.frames import Tag
from benchmarks.measuring import BenchmarkError, Result, cpu_seconds, median, one_core, settled_heap
from gateway import config
from gateway.journal import Crashes, Journal
from gateway.ledger.store import Ledger
from gateway.ledger.thread import Writer
from gateway.model.inputs import Config, Downlink, Reads
from gateway.model.outcome import Movement
from gateway.pipeline import Core, Pipeline, count
from gateway.pipeline import Result as Turn
from gateway.readers.llrp.driver import READ
from gateway.readers.llrp.session import Session
from gateway.readers.llrp.settings import ReaderSettings
from gateway.rules import Engine

PALLETS, CASES, READS = 20, 40, 200_000
LASTS = 8_000_000
"""µs a pallet stands in the field: 1,250 reads/s, what one portal gives at its best."""

REPETITIONS = 5


class Morning(NamedTuple):
    """What is played: the pallets, the messages with their reads, and the stream in the pieces in which it comes."""

    pallets: list[dock.Pallet]
    messages: list[bytes]
    pieces: list[bytes]


class Played(NamedTuple):
    """CPU seconds of the whole process and seconds of wall time, from the first byte to the last commit."""

    cpu: float
    wall: float


def pipeline(per_message: int, pallets: int = PALLETS, reads: int = READS, repetitions: int = REPETITIONS) -> Result:
    """Reads per CPU second on one core; median after a warm-up. `wall` is by the clock on the wall, fsync included.

    The stream comes in pieces of 64 KiB, as the driver reads a socket that is never empty; `alone` is the figure when
    every message comes by itself, as from a reader that is slower than we are: it is framed, decoded and handed in
    alone, and one turn of the loop goes by before the next.
    """
    than, theirs = rival.sllurp()
    tags, announced = _tags(pallets, reads)
    morning = _morning(tags, announced, per_message, READ)
    alone = _morning(tags, announced, per_message, 0)
    with one_core(), settled_heap():
        rival.decode_all(theirs, morning.messages[:1000])
        play(alone)
        times, alone_times, their_times = [], [], []
        for turn in range(repetitions):
            times.append(play(morning))
            if turn < 3:
                alone_times.append(play(alone))
                their_times.append(cpu_seconds(lambda: rival.decode_all(theirs, morning.messages)))
    ours, other = reads / median([one.cpu for one in times]), reads / median(their_times)
    more = {
        "wall": round(reads / median([one.wall for one in times])),
        "alone": round(reads / median([one.cpu for one in alone_times])),
        "than_value": round(other),
    }
    return Result(f"pipeline_reads_{per_message}", round(ours), "reads/s", than, round(ours / other, 2), more)


def _tags(pallets: int, reads: int) -> tuple[list[Tag], list[dock.Pallet]]:
    chance = random.Random(2)
    announced = [dock.pallet(number, CASES) for number in range(pallets)]
    tags: list[Tag] = []
    for number, one in enumerate(announced):
        began = dock.T0 + number * (LASTS + dock.BETWEEN)
        tags += dock.crossing(one, began, LASTS, reads // pallets, chance)
    return tags, announced


def _morning(tags: Sequence[Tag], announced: list[dock.Pallet], per_message: int, piece: int) -> Morning:
    """Messages, and the stream: each message by itself (`piece` 0), or cut into pieces of so many bytes."""
    messages = frames.reports(tags, per_message)
    if not piece:
        return Morning(announced, messages, messages)
    stream = b"".join(messages)
    return Morning(announced, messages, [stream[at : at + piece] for at in range(0, len(stream), piece)])


def play(morning: Morning) -> Played:
    """Play a morning on fresh files.

    Raises:
        BenchmarkError: not every pallet became an accepted movement.
    """
    with tempfile.TemporaryDirectory(prefix="tallyman-bench-") as directory:
        return asyncio.run(_play(morning, Path(directory)))


async def _play(morning: Morning, directory: Path) -> Played:
    writer = Writer()
    text = dock.configuration(["llrp://192.0.2.1"])
    configuration = config.parse(text, "bench")
    settings = configuration.settings()
    began = time.monotonic_ns() // 1000
    verdicts: list[str] = []
    done = asyncio.Event()

    def now() -> int:
        return time.monotonic_ns() // 1000 - began + dock.T0 + len(morning.pallets) * (LASTS + dock.BETWEEN)

    def deliver(turn: Turn) -> None:
        count(turn)
        verdicts.extend(one.verdict for one in turn.outcome.decisions if isinstance(one, Movement))
        if len(verdicts) == len(morning.pallets):
            done.set()

    def open_journal() -> Journal:
        return Journal.open(directory, site="bench", gateway="gw-1", segment_bytes=configuration.journal.segment)

    def open_ledger() -> Ledger:
        return Ledger.open(f"sqlite:///{directory}/ledger.db", site="bench", gateway="gw-1")

    ledger = await writer.call(open_ledger)
    journal = await writer.call(open_journal)
    core = Core(Engine(settings), 0)
    crashes = Crashes.open(directory)
    pipe = Pipeline(core, journal, crashes, ledger, writer, now, deliver, group=configuration.journal.group)
    running = asyncio.create_task(pipe.run())
    try:
        await pipe.decide(Config(text))
        await pipe.decide(Downlink("down/asn/BENCH", dock.asn("BENCH", morning.pallets)))
        cpu, wall = time.process_time(), time.monotonic()
        session = Session(ReaderSettings("reader-1", "192.0.2.1"))
        session.opened(now())
        session.receive_data(frames.greeting(now()), now(), now())
        for piece in morning.pieces:
            instant = now()
            session.receive_data(piece, instant, instant)
            for event in session.events():
                if isinstance(event, Reads):
                    await pipe.submit(event)
            await asyncio.sleep(0)  # where the driver waits for its socket
        async with asyncio.timeout(60):
            await done.wait()
        played = Played(time.process_time() - cpu, time.monotonic() - wall)
    except TimeoutError:
        raise BenchmarkError(f"{len(verdicts)} of {len(morning.pallets)} pallets became movements") from None
    finally:
        pipe.finish()
        await running
        await writer.call(journal.close)
        await writer.call(ledger.close)
        await writer.stop()
    if verdicts != ["accepted"] * len(morning.pallets):
        raise BenchmarkError(f"not every pallet was accepted: {sorted(set(verdicts))}")
    return played
