"""The worst cases of a shift, for whoever tunes the engine: what was true, what was said, and what was heard."""

import math
from collections.abc import Iterator

from benchmarks.portal.answers import Answer
from benchmarks.portal.scoring import Scored, Verdict
from simulators.rf import Shift
from simulators.rf.listening import Heard
from simulators.rf.shift import T0

BEFORE = 4_000_000
"""µs before and after the true passage that are shown."""

TAGS = 8
"""Wrong tags shown of a passage; and this many right ones for comparison."""


def show(shift: Shift, scored: Scored, most: int) -> list[str]:
    """Texts of the passages that were not exact, those with the most wrong tags first, and of spurious answers."""
    wrong = [verdict for verdict in scored.verdicts if not verdict.exact]
    wrong.sort(key=lambda verdict: -len(verdict.lost) - len(verdict.strays))
    name = f"{shift.variant}/{shift.family} seed {shift.seed}"
    texts = ["\n".join(_passage(name, shift, verdict)) for verdict in wrong]
    texts += [f"{name}: spurious {_answer(answer, answer.opened)}" for answer in scored.spurious]
    return texts[:most]


def _passage(name: str, shift: Shift, verdict: Verdict) -> Iterator[str]:
    truth = verdict.truth
    opened = truth["opened"]
    lasted = (truth["closed"] - opened) / 1e6
    units = ", ".join(f"{len(unit['epcs'])} tags {unit['announced'] or 'not announced'}" for unit in truth["units"])
    yield (
        f"{name} passage {truth['number']} at {truth['portal']}: {truth['kind']} {truth['direction']}, "
        f"{lasted:.1f} s from {(opened - T0) / 1e6:.3f} s; {units}; {len(truth['unread'])} unread"
    )
    if not verdict.answers:
        yield "  nothing was said"
    for answer in verdict.answers:
        yield f"  said {_answer(answer, opened)}"
    yield f"  lost {len(verdict.lost)}, strays told as moved {len(verdict.strays)}"
    door = next(door for door in shift.doors if door.portal == truth["portal"])
    heard = shift.heard[door.reader]
    rows = {antenna.port: antenna.row for antenna in door.antennas}
    yield f"  {'':28}reads by antenna {' '.join(f'{port}:{row}' for port, row in rows.items())}"
    wrong = {*verdict.lost, *verdict.strays}
    units_tags = {epc for unit in truth["units"] for epc in unit["epcs"]}
    right = sorted(units_tags - wrong - set(truth["unread"]))
    for title, epcs in (("lost", verdict.lost), ("stray", verdict.strays), ("right", right)):
        for epc in epcs[:TAGS]:
            yield f"  {title:5} {_tag(heard, epc, opened, truth['closed'], list(rows))}"


def _answer(answer: Answer, opened: int) -> str:
    begin, end = ((moment - opened) / 1e6 for moment in (answer.opened, answer.closed))
    because = {key: value for key, value in answer.evidence.items() if key not in ("tags", "eyes")}
    return (
        f"{answer.direction}, {len(answer.moved)} moved, {len(answer.stock)} into stock, "
        f"{begin:+.2f}…{end:+.2f} s, {because} ({answer.portal}/{answer.opened})"
    )


def _tag(heard: list[Heard], epc: str, opened: int, closed: int, ports: list[int]) -> str:
    """Reads within the passage by antenna, span and level; reads elsewhere in the shift."""
    begin, end = opened - BEFORE - T0, closed + BEFORE - T0
    near = [each for each in heard if each.epc == epc and begin <= each.at <= end]
    elsewhere = sum(1 for each in heard if each.epc == epc) - len(near)
    if not near:
        return f"{epc} no read; elsewhere {elsewhere}"
    counts = "/".join(str(sum(1 for each in near if each.antenna == port)) for port in ports)
    levels = [each.rssi for each in near]
    mean = math.fsum(levels) / len(levels)
    peak = max(near, key=lambda each: each.rssi)
    first, last, top = ((each.at + T0 - opened) / 1e6 for each in (near[0], near[-1], peak))
    return (
        f"{epc} {counts:>16}  {first:+6.2f}…{last:+6.2f} s  mean {mean:6.1f} peak {peak.rssi:6.1f} dBm "
        f"at {top:+6.2f} s on {peak.antenna}; elsewhere {elsewhere}"
    )
