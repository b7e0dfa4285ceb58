"""Fuzz target: mutated LLRP frames. Nothing may escape, nothing may hang, and what decodes must encode to its bytes.

    python tests/fuzz/llrp_frames.py [--seconds N] [--frames N] [--seed N]

Plain random mutations of messages made from the tables; `llrp_atheris` is guided by coverage. Prints the number of
frames, frames per second, the slowest and the growth of memory; exit 1 when a claim is broken, with the frame in hex.
"""

import argparse
import contextlib
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gateway.readers.llrp.codec import CodecError, Message, decode, encode
from gateway.readers.llrp.fast import TagReports
from gateway.readers.llrp.frames import HEADER, Framer
from gateway.readers.llrp.session import Session
from gateway.readers.llrp.settings import GpiTrigger, ReaderSettings
from gateway.readers.llrp.tables import CUSTOM_MESSAGES, CUSTOM_PARAMETERS, MESSAGES, RESPONSES, VERSIONS
from tests.llrp_samples import Samples

SEEDS = 3_000
REPORT = MESSAGES["RO_ACCESS_REPORT"].number
GREETING = bytes.fromhex("043f 00000020 00000000 00f60016 0080000c 0005ac35bd20d1da 01000006 0000")
YES = bytes.fromhex("011f 0008 0000 0000")
WALL = 1_795_243_331 * 10**6
SUPPORTED = MESSAGES["GET_SUPPORTED_VERSION"].number
ANSWERS = {d.number: MESSAGES[RESPONSES[d.name]].number for d in MESSAGES.values() if d.name in RESPONSES}
HEARD = 200  # messages that one session hears before the next begins
HANGS, GROWS = 2.0, 64 * 1024  # CPU seconds for one frame, and KiB


class Listener:
    """A session that is set up and hears everything; replaced when it has heard enough or its stream is broken.

    50 ms pass from one message to the next, so that its deadlines come; now and then a light is lit.
    """

    def __init__(self) -> None:
        self.spent = 0
        """Sessions there were."""
        self._heard = 0
        self._session = self._set_up()

    def hear(self, data: bytes) -> None:
        """Bytes as they come; raises what escapes."""
        session = self._session
        self._heard += 1
        now = self._heard * 50_000
        session.receive_data(data, now, now + WALL)
        if self._heard % 16 == 0:
            session.set_outputs({1: True}, now)
        deadline = session.deadline
        if deadline is not None and deadline <= now:
            session.on_deadline(now)
        session.data_to_send()
        session.events()
        if self._heard > HEARD or session.deadline is None or session.waiting:
            self._heard = 0
            self._session = self._set_up()

    def _set_up(self) -> Session:
        """A session that reads: each of its requests was answered with yes."""
        self.spent += 1
        newer = self.spent % 2 == 0
        wanted = ReaderSettings(
            "r", "h", antennas=(1, 2), gpi=(1,), power_dbm=20.0, mode=3, takeover=True, report_every=9,
            report_period=500_000, version=2 if newer else 1, trigger=GpiTrigger(1, quiet=10**6) if newer else None,
        )  # fmt: skip
        session = Session(wanted)
        session.opened(0)
        session.receive_data(GREETING, 0, WALL)
        while not session.ready:
            out, answers = session.data_to_send(), b""
            for head, number, _ in Framer().feed(out):
                body = (b"\x02\x02" if head & 0x3FF == SUPPORTED else b"") + YES
                answers += HEADER.pack(head & 0x1C00 | ANSWERS[head & 0x3FF], HEADER.size + len(body), number) + body
            session.receive_data(answers, 0, WALL)
        session.data_to_send()
        session.events()
        return session


def check(data: bytes) -> int:
    """Everything a frame goes through, however broken; the number of frames. Raises when a claim does not hold."""
    framer = Framer()
    frames = framer.feed(data)
    for head, number, body in frames:
        raw = HEADER.pack(head, HEADER.size + len(body), number) + body
        for customs in (False, True):
            try:
                message = decode(head, number, body, customs)
            except CodecError as error:
                if not 0 <= (error.position or 0) <= len(body):
                    raise AssertionError(f"position {error.position} of {len(body)}") from error
                continue
            if encode(message) != raw:
                raise AssertionError("other bytes come out")
        if head & 0x3FF == REPORT:
            with contextlib.suppress(CodecError):
                TagReports().rows(body)
    return len(frames)


def seeds(rng: Random) -> list[bytes]:
    """Sound frames of both versions and of the vendors."""
    samples = [Samples(rng, version, customs=[*CUSTOM_PARAMETERS]) for version in VERSIONS]
    messages: list[Message] = [sample.message() for sample in samples for _ in range(SEEDS // 4)]
    messages += [sample.message("RO_ACCESS_REPORT") for sample in samples for _ in range(SEEDS // 4)]
    messages += [samples[0].message(name) for name in CUSTOM_MESSAGES]
    return [encode(message) for message in messages]


def mutated(rng: Random, corpus: list[bytes]) -> Iterator[bytes]:
    """Sound frames with bytes flipped, set to edges, cut out or put in; mostly with the length set right again."""
    while True:
        data = bytearray(rng.choice(corpus))
        for _ in range(rng.choice((1, 1, 1, 2, 4, 8))):
            at = rng.randrange(len(data))
            match rng.randrange(5):
                case 0:
                    data[at] ^= 1 << rng.randrange(8)
                case 1:
                    data[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
                case 2:
                    del data[at : at + rng.randrange(1, 5)]
                case 3:
                    data[at:at] = rng.randbytes(rng.randrange(1, 5))
                case 4:
                    other = rng.choice(corpus)
                    data[at:] = other[rng.randrange(len(other)) :]
            if len(data) < 10:
                data += bytes(10)
        if rng.random() < 0.95:
            data[2:6] = len(data).to_bytes(4, "big")
        yield bytes(data)


def run(seconds: float, most: int, seed: int) -> int:
    """Plain random mutation until the time or the number of frames is reached."""
    rng = Random(seed)
    corpus = seeds(rng)
    for data in corpus:
        check(data)
    listener = Listener()
    before, begun, count, slowest = _memory(), time.monotonic(), 0, 0.0
    for data in mutated(rng, corpus):
        started = time.process_time()  # what a frame costs, not what else the machine does meanwhile
        if time.monotonic() - begun > seconds or count >= most:
            break
        try:
            check(data)
            listener.hear(data)
        except Exception as error:  # noqa: BLE001 - to find what escapes is what this is for
            sys.stdout.write(f"broken after {count} frames: {error!r}\n{data.hex()}\n")
            return 1
        slowest = max(slowest, time.process_time() - started)
        count += 1
    taken, grown = time.monotonic() - begun, _memory() - before
    sys.stdout.write(
        f"{count} mutated frames in {taken:.1f} s ({count / taken:,.0f}/s), slowest {slowest * 1e3:.1f} ms, "
        f"memory +{grown // 1024} MiB\n"
    )
    return int(slowest > HANGS or grown > GROWS)


def _memory() -> int:
    """KiB of this process at its largest."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Fuzz the LLRP codec.")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--frames", type=int, default=sys.maxsize)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sys.exit(run(options.seconds, options.frames, options.seed))


if __name__ == "__main__":
    main()
