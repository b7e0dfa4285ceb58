"""What readers do wrong beyond a shift's usual losses: for robustness, not in the benchmark's table.

Each fault changes the records of a finished shift; the truth about the goods stays as it is.
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final

Record = dict[str, Any]
"""One record without its `t`."""

Records = list[tuple[int, Record]]

HOUR: Final = 3_600_000_000
JUMP_LASTS: Final = 30_000_000
"""µs until the clock is right again: two minutes is what `ntpd` takes at most, half a minute is a passage or two."""

SHUFFLED: Final = 2_000_000
"""µs within which reports overtake each other."""

AGAIN: Final = 5_000_000
"""µs of reports that come again after a reconnect, and"""

TIMES: Final = 3
"""so many times: a link that flaps."""

CROWD: Final = 10_000
"""Tags in the field at once, and"""

CROWD_READS: Final = 3
"""reads of each, at"""

CROWD_PACE: Final = 900
"""µs from one to the next: what the fastest readers deliver (1,100 reads/s)."""


def clock_jump(records: Records, doors: list[str], chance: Random) -> Records:
    """The clock of every reader jumps an hour ahead or back, and is right again after half a minute."""
    middle = _middle(records)
    jumps = {reader: chance.choice((-HOUR, HOUR)) for reader in doors}
    found = []
    for t, record in records:
        jump = jumps.get(record.get("reader", ""), 0) if middle <= t < middle + JUMP_LASTS else 0
        if jump and record["kind"] == "reads":
            record = {**record, "reads": [(row[0] + jump, *row[1:]) for row in record["reads"]]}
        elif jump and record["kind"] == "gpi":
            record = {**record, "at": record["at"] + jump}
        found.append((t, record))
    return found


def disorder(records: Records, doors: list[str], chance: Random) -> Records:
    """Reports of two seconds overtake each other as they please; eyes keep their place."""
    found = list(records)
    places = [place for place, (_, record) in enumerate(records) if record["kind"] == "reads"]
    begin = 0
    while begin < len(places):
        end = begin
        while end < len(places) and records[places[end]][0] < records[places[begin]][0] + SHUFFLED:
            end += 1
        span = places[begin:end]
        for place, source in zip(span, chance.sample(span, len(span)), strict=True):
            # not before it was seen: what a reader has not read it cannot report
            latest = max(row[0] for row in records[source][1]["reads"])
            found[place] = (max(records[place][0], latest), records[source][1])
        begin = end
    return sorted(found, key=lambda each: each[0])


def duplicates(records: Records, doors: list[str], chance: Random) -> Records:
    """The link flaps: what the reader kept of the last seconds comes again, in one burst, three times."""
    middle = _middle(records)
    kept = [record for t, record in records if record["kind"] == "reads" and middle - AGAIN <= t < middle]
    bursts = [
        (middle + burst * 700_000 + number, record) for burst in range(TIMES) for number, record in enumerate(kept)
    ]
    return sorted([*records, *bursts], key=lambda each: each[0])


def dead_antenna(records: Records, doors: list[str], chance: Random) -> Records:
    """One antenna of every reader hears nothing any more, from the middle of a passage on."""
    middle = _middle(records)
    dead = dict.fromkeys(doors, 0)
    found = []
    for t, record in records:
        if record["kind"] == "reads" and t >= middle:
            ports = sorted({row[1] for row in record["reads"]})
            dead[record["reader"]] = dead[record["reader"]] or chance.choice(ports)
            rows = [row for row in record["reads"] if row[1] != dead[record["reader"]]]
            if not rows:
                continue
            record = {**record, "reads": rows}
        found.append((t, record))
    return found


def odd_epcs(records: Records, doors: list[str], chance: Random) -> Records:
    """Tags with an EPC of 0 and of 496 bits (Gen2's limits) go with the goods: beside every hundredth read."""
    odd = ["", f"{chance.getrandbits(496):0124X}"]
    found = []
    for t, record in records:
        if record["kind"] == "reads":
            more = [(*row[:2], chance.choice(odd), *row[3:]) for row in record["reads"] if chance.random() < 0.01]
            record = {**record, "reads": [*record["reads"], *more]}
        found.append((t, record))
    return found


def crowd(records: Records, doors: list[str], chance: Random) -> Records:
    """Ten thousand tags stand before the first reader from the middle on, each read a few times."""
    first = next(record for _, record in records if record["kind"] == "reads" and record["reader"] == doors[0])
    ports = sorted({row[1] for row in first["reads"]})
    tags = [f"30{chance.getrandbits(88):022X}" for _ in range(CROWD)]
    order = [tag for tag in tags for _ in range(CROWD_READS)]
    chance.shuffle(order)
    at, reports = _middle(records), []
    for begin in range(0, len(order), 64):
        rows = []
        for tag in order[begin : begin + 64]:
            at += CROWD_PACE
            rows.append((at, chance.choice(ports), tag, float(chance.randint(-72, -55)), 1, chance.randrange(4096), 1))
        reports.append((at + 10_000, {**first, "reads": rows}))
    return sorted([*records, *reports], key=lambda each: each[0])


FAULTS: Final[dict[str, Callable[[Records, list[str], Random], Records]]] = {
    each.__name__: each for each in (clock_jump, disorder, duplicates, dead_antenna, odd_epcs, crowd)
}
"""By name; each takes the records, the readers' ids and a generator."""


def _middle(records: Records) -> int:
    """The instant of the report in the middle, while a pallet is read: `t`, µs."""
    reports = list(_reports(records))
    return reports[len(reports) // 2]


def _reports(records: Records) -> Iterator[int]:
    most = max((len(record["reads"]) for _, record in records if record["kind"] == "reads"), default=0)
    return (t for t, record in records if record["kind"] == "reads" and len(record["reads"]) * 2 > most)
