"""`llrp_decode_20`, `llrp_decode_1`: a reader's bytes into rows, against sllurp on the same frames."""

import random

from benchmarks import dock, frames, rival
from benchmarks.measuring import BenchmarkError, Result, cpu_seconds, median, one_core
from gateway.model.inputs import Reads
from gateway.readers.llrp.driver import READ
from gateway.readers.llrp.fast import TagReports
from gateway.readers.llrp.session import Session
from gateway.readers.llrp.settings import ReaderSettings

TAGS = 60_000
LASTS = 20_000_000
"""µs of a dock in which these tags are read."""

REPETITIONS = 7


def decode(per_message: int, tags: int = TAGS, repetitions: int = REPETITIONS) -> Result:
    """Tags per CPU second on one core; median of `repetitions` after a warm-up, ours and sllurp's by turns.

    Ours is the whole way of the driver's bytes to rows: framing, decoding, correcting the reader's clock. sllurp gets
    each frame cut out.
    """
    than, theirs = rival.sllurp()
    chance = random.Random(1)
    read = dock.crossing(dock.pallet(0, 200), dock.T0, LASTS, tags, chance)
    sent = frames.reports(read, per_message)
    stream = b"".join(sent)
    pieces = [stream[start : start + READ] for start in range(0, len(stream), READ)]
    _check(sent, theirs)
    our_times, their_times = [], []
    with one_core():
        for _ in range(repetitions + 1):
            our_times.append(cpu_seconds(lambda: _ours(pieces)))
            their_times.append(cpu_seconds(lambda: rival.decode_all(theirs, sent)))
    ours, other = tags / median(our_times[1:]), tags / median(their_times[1:])
    more = {"than_value": round(other)}
    return Result(f"llrp_decode_{per_message}", round(ours), "tags/s", than, round(ours / other, 2), more)


def _ours(pieces: list[bytes]) -> int:
    """Feed a session as the driver does; how many rows came out."""
    now = dock.T0 + LASTS
    session = Session(ReaderSettings("reader-1", "192.0.2.1"))
    session.opened(now)
    session.receive_data(frames.greeting(now), now, now)
    rows = 0
    for piece in pieces:
        session.receive_data(piece, now, now)
        rows += sum(len(event.reads) for event in session.events() if isinstance(event, Reads))
    return rows


def _check(sent: list[bytes], theirs: rival.Decode) -> None:
    """Both must find the same in the first hundred frames."""
    reports = TagReports()
    for frame in sent[:100]:
        if [row[:5] for row in reports.rows(frame[10:])] != rival.tags(theirs, frame):
            raise BenchmarkError("sllurp and the gateway decode one frame differently: a figure would mean nothing")
