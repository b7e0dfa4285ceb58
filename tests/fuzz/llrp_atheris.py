"""The claims of `llrp_frames`, guided by coverage: atheris (libFuzzer) changes what reached new code, again and again.

    python tests/fuzz/llrp_atheris.py [--seconds N] [--corpus DIR] [LIBFUZZER OPTION…]

It begins with sound frames made from the tables. With `--corpus` what was found is kept, and the next run goes on from
there. It ends with libFuzzer's figures, `cov` among them (edges of gateway's bytecode that were reached); when a claim
is broken, with an exit code that is not 0, the trace, and the bytes in a file `crash-…` of the working directory.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from random import Random

import atheris  # type: ignore[import-not-found]

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]

with atheris.instrument_imports(include=["gateway"]):
    import llrp_frames

LONGEST = 4096
"""Bytes of an input; the samples have less."""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Fuzz the LLRP codec and session, guided by coverage.")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path)
    options, rest = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as place:
        samples = Path(place)
        for number, frame in enumerate(llrp_frames.seeds(Random(1))):
            (samples / f"{number:05}").write_bytes(frame)
        if options.corpus is not None:
            options.corpus.mkdir(parents=True, exist_ok=True)
        corpora = [str(each) for each in (options.corpus, samples) if each is not None]  # the first is written to
        child = os.fork()  # libFuzzer leaves by _exit: somebody must tidy up behind it
        if not child:
            fuzz([f"-max_total_time={options.seconds}", *rest, *corpora])
        _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status))


def fuzz(options: list[str]) -> None:
    """Does not return."""
    listener = llrp_frames.Listener()

    def hear(data: bytes) -> None:
        llrp_frames.check(data)
        whole = data[:2] + len(data).to_bytes(4, "big") + data[6:]  # a length that is right leads further in
        if len(data) >= llrp_frames.HEADER.size and whole != data:
            llrp_frames.check(whole)
        listener.hear(whole)

    limits = [f"-max_len={LONGEST}", "-timeout=5", "-rss_limit_mb=512", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *limits, *options], hear)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
