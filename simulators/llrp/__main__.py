"""`python -m simulators.llrp --port 5084`: a reader as a process of its own."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence

from simulators.llrp.reader import Reader


async def main(argv: Sequence[str] | None = None) -> None:
    """Serve until cancelled; one JSON line on stdout says where. `--tag` EPCs are seen by every antenna in turn."""
    parser = argparse.ArgumentParser(prog="simulators.llrp", description="A simulated LLRP reader.")
    parser.add_argument("--name", default="reader-1")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5084, help="0 takes a free one")
    parser.add_argument("--antennas", type=int, default=4)
    parser.add_argument("--tag", action="append", default=[], help="EPC in hex, seen all the time; repeatable")
    parser.add_argument("--rate", type=float, default=10.0, help="reads per second of all tags together")
    options = parser.parse_args(argv)
    reader = Reader(options.name, antennas=options.antennas)
    port = await reader.start(options.host, options.port)
    try:
        print(json.dumps({"simulator": "llrp", "name": options.name, "host": options.host, "port": port}), flush=True)
        turn = 0
        while True:
            await asyncio.sleep(1 / options.rate if options.tag else 3600)
            if options.tag:
                reader.see(options.tag[turn % len(options.tag)], turn // len(options.tag) % options.antennas + 1)
                turn += 1
    finally:
        await reader.stop()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(0)
