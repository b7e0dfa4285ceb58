"""A shift: what its readers reported, as the records of a recording (DESIGN §6), and the truth beside it."""

import json
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from simulators.rf.dock import SITE, configuration, doors
from simulators.rf.families import SETS, Family
from simulators.rf.faults import FAULTS, Record
from simulators.rf.goods import Load, Works, announced
from simulators.rf.listening import Heard, Listener
from simulators.rf.reporting import Reported, reported
from simulators.rf.scene import Door, edges
from simulators.rf.traffic import Crossing, Planner, Traffic

T0: Final = 1_795_243_331_000_000
"""When a shift begins, µs UTC: 2026-11-21 05:02:11."""

COLUMNS: Final = ("at", "antenna", "epc", "rssi", "channel", "phase", "count")

MARGIN: Final = 2_000_000
"""µs around a truth passage within which its tags count as read at it."""

END: Final = 60_000_000
"""µs after the last report at which the recording's last tick stands: whatever is open is closed by then."""


@dataclass(slots=True)
class Shift:
    """One recording. `records` are (t in µs UTC, record), t never going back; `truth` is JSON-ready."""

    family: str
    variant: str
    seed: int
    toml: str
    records: list[tuple[int, Record]]
    truth: dict[str, Any]
    doors: list[Door] = field(default_factory=list)
    heard: dict[str, list[Heard]] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """The recording, line by line, without line feeds."""
        header = {"tallyman": 1, "depth": "inputs", "site": SITE, "gateway": "gw-1", "created": stamp(T0)}
        yield json.dumps(header, separators=(",", ":"))
        for t, record in self.records:
            yield json.dumps({"t": stamp(t), **record}, separators=(",", ":"))

    def write(self, path: Path) -> Path:
        """Write the recording to `path`, the truth beside it; the truth's path. OSError when they cannot be written."""
        with path.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in self.lines())
        beside = path.with_name(path.name.removesuffix(".ndjson") + ".truth.json")
        beside.write_text(json.dumps(self.truth, indent=1) + "\n", encoding="utf-8")
        return beside


def stamp(t: int) -> str:
    """µs since 1970 UTC in RFC 3339 with microseconds."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=t)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def shift(family: str, seed: int, passages: int = 25, variant: str = "tuning", fault: str | None = None) -> Shift:
    """Generate a shift: the same for the same arguments, everywhere.

    Args:
        family: a name in FAMILIES.
        seed: any integer.
        passages: vehicles with goods in doors, turned ones included; empty trucks come on top.
        variant: tuning or untouched.
        fault: a name in FAULTS, for what readers do wrong beyond the usual; None: nothing.

    Raises:
        KeyError: no such family, variant or fault.
        ValueError: no passages.
    """
    if passages < 1:
        raise ValueError(f"{passages} passages: at least one is needed")
    kind = SETS[variant][family]
    name = f"{variant}/{family}/{seed}"  # text: hashed by Random itself with SHA-512, the same in every process
    found = doors(kind, Random(f"{name}/dock"))
    works = Works(Random(f"{name}/numbers").randrange(90_000), Random(f"{name}/goods"))
    traffic = Planner(kind, found, works, Random(f"{name}/traffic")).plan(passages)
    toml = configuration(found, traffic.badges)
    records: list[tuple[int, Record]] = [
        (T0, {"kind": "boot", "boot": f"rf-{family}-{seed}", "version": "rf", "clock": "synced"}),
        (T0, {"kind": "config", "toml": toml}),
        *((T0, record) for record in _announcements(traffic)),
    ]
    heard, arrived = {}, {}
    for door in found:
        part = f"{name}/{door.reader}"
        listener = Listener(door, traffic.movers, Random(f"{part}/radio"))
        heard[door.reader] = list(listener.listen(0, int(traffic.lasts * 1e6)))
        seen = edges(door, traffic.movers, Random(f"{part}/eyes"))
        came = reported(kind, heard[door.reader], seen, Random(f"{part}/report"))
        records += [_record(door, each) for each in came]
        arrived[door.portal] = sorted((read.at, read.epc) for each in came for _, read in each.reads)
    records.sort(key=lambda each: each[0])
    if fault is not None:
        records = FAULTS[fault](records, [door.reader for door in found], Random(f"{name}/{fault}"))
    records.append((records[-1][0] + END, {"kind": "tick"}))
    truth = _truth(kind, variant, seed, traffic, arrived) | {"fault": fault}
    return Shift(family, variant, seed, toml, records, truth, found, heard)


def _record(door: Door, each: Reported) -> tuple[int, Record]:
    if each.edge is not None:
        edge = {
            "kind": "gpi",
            "reader": door.reader,
            "port": each.edge.port,
            "level": each.edge.level,
            "at": each.at + T0,
        }
        return each.t + T0, edge
    keep = door.phase
    rows = [
        (at + T0, read.antenna, read.epc, read.rssi, read.channel, read.phase if keep else None, 1)
        for at, read in each.reads
    ]
    return each.t + T0, {"kind": "reads", "reader": door.reader, "columns": COLUMNS, "reads": rows}


def _announcements(traffic: Traffic) -> Iterator[Record]:
    """One document per kind: what is due in this shift."""
    for kind, party in (("asn", "supplier"), ("order", "customer")):
        units = [announced(load, extra) for what, load, extra in traffic.announced if what == kind]
        if units:
            body = {kind: "RF-1", "version": 1, party: "rf", "units": units}
            yield {"kind": "downlink", "topic": f"down/{kind}/RF-1", "payload": body}


def _truth(
    family: Family, variant: str, seed: int, traffic: Traffic, arrived: dict[str, list[tuple[int, str]]]
) -> dict[str, Any]:
    told = {load.name: kind for kind, load, _ in traffic.announced}
    passages = [
        _passage(number, crossing, arrived[crossing.portal], told)
        for number, crossing in enumerate(traffic.crossings, 1)
    ]
    head = {"schema": 1, "family": family.name, "variant": variant, "seed": seed, "site": SITE}
    return {**head, "badges": traffic.badges, "passages": passages}


def _passage(number: int, crossing: Crossing, arrived: list[tuple[int, str]], told: dict[str, str]) -> dict[str, Any]:
    """A truth passage as JSON; what arrived of it and around it is told too, so that nobody need count again."""
    opened, closed = round(crossing.opened * 1e6), round(crossing.closed * 1e6)
    tags = {epc for load in crossing.units for epc in load.epcs}
    moved = tags if crossing.direction != "none" else set()
    span = arrived[bisect(arrived, (opened - MARGIN, "")) : bisect(arrived, (closed + MARGIN, "g"))]
    read = {epc for _, epc in span}
    return {
        "number": number,
        "portal": crossing.portal,
        "kind": crossing.kind,
        "direction": crossing.direction,
        "opened": opened + T0,
        "closed": closed + T0,
        "crossed": None if crossing.crossed is None else round(crossing.crossed * 1e6) + T0,
        "moved": sorted(moved),
        "unread": sorted(tags - read),
        "turned": sorted(tags - moved),
        "strays": sorted(read - tags - set(crossing.neutral)),
        "neutral": sorted(crossing.neutral),
        "units": [_unit(load, told) for load in crossing.units],
    }


def _unit(load: Load, told: dict[str, str]) -> dict[str, Any]:
    kind = told.get(load.name)
    return {"sscc": load.sscc, "epcs": load.epcs, "announced": f"{kind}/RF-1" if kind else None}
