"""Inputs on their way through the pipe, and how reads in a row become one record.

Reads of one reader that wait one behind the other share their stamp in any case; as one record they cost one line of
the journal and one turn, so a reader costs little more when it reports every tag in a message of its own.
"""

import asyncio
from collections.abc import Callable, Iterator
from itertools import chain, groupby
from typing import Any

from msgspec import Struct

from gateway.journal import records
from gateway.model.inputs import Input, Reads

JOINED_READS = 1_300
"""Reads that are joined to one record at most: as many as a driver hands in at a time."""


class Job(Struct):
    """An input on its way in; when it was handed in (µs); the future of whoever waits for its commit.

    `body` is its line in the journal. Reads have none yet: they are written with their neighbours (`joined`).
    """

    item: Input
    body: bytes
    at: int
    done: "asyncio.Future[dict[str, Any] | None] | None" = None
    weight: int = 1  # reads in it; whatever else is as good as one


def joined(jobs: list[Job], refused: Callable[[str], None]) -> list[Job]:
    """A group as it is journalled, in its order: reads in a row joined, every job with its body.

    What cannot be written down is left out, and only that; `refused` is told why.
    """
    found: list[Job] = []
    for source, run in groupby(jobs, _source):
        part = list(run)
        found += part if source is None else _written(part, refused)
    return found


def _written(run: list[Job], refused: Callable[[str], None]) -> Iterator[Job]:
    for part in _portions(run):
        item = part[0].item if len(part) == 1 else _together(part)
        try:
            yield Job(item, records.encode_item(item), part[-1].at)
        except ValueError as error:
            if len(part) > 1:
                for job in part:
                    yield from _written([job], refused)
            else:
                refused(f"reads cannot be written down: {error}")


def _source(job: Job) -> tuple[str, tuple[str, ...]] | None:
    """What reads must have in common to share a record; None for what has a line of its own."""
    item = job.item
    return (item.reader, item.columns) if isinstance(item, Reads) and not job.body else None


def _portions(run: list[Job]) -> Iterator[list[Job]]:
    """A run of reads in parts of some `JOINED_READS` reads."""
    part: list[Job] = []
    reads = 0
    for job in run:
        if part and reads + job.weight > JOINED_READS:
            yield part
            part, reads = [], 0
        part.append(job)
        reads += job.weight
    yield part


def _together(run: list[Job]) -> Reads:
    """The reads of a run as one input."""
    items = [job.item for job in run if isinstance(job.item, Reads)]
    return Reads(items[0].reader, tuple(chain.from_iterable(item.reads for item in items)), items[0].columns)
