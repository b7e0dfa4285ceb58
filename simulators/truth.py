"""The truth of a scenario: a reference model that knows what really happened and computes what everyone should say.

It never sees a tag read, a portal or the gateway: it walks the timeline with a dictionary of stock. Rules (DESIGN §2):
received as announced or short → accepted, green; over, unknown tag, expired, no expectation → held, amber; shipped
against an order → accepted; a pallet on hold may not leave → refused, red. An excursion holds what stands there.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from simulators.scenario import ScenarioError
from simulators.script import Alarm, AnnouncedUnit, Curve, Pallet, Passage, Scenario

COLOURS = {"accepted": "green", "held": "amber", "refused": "red"}
DECISION_SECONDS = 3.0
"""Within how long after a pallet's passage its verdict is certainly booked: nothing else may happen until then."""

Lot = tuple[str, str]
"""(gtin, lot), "" for what is not known."""


@dataclass(frozen=True)
class Verdict:
    """What should be decided about one passage. `reasons` are sorted."""

    pallet: str
    portal: str
    at: float
    type: str
    verdict: str
    reasons: tuple[str, ...]
    lines: tuple[tuple[str, str, int], ...]

    @property
    def lamp(self) -> str:
        """The colour of the light stack."""
        return COLOURS[self.verdict]


@dataclass(frozen=True)
class Excursion:
    """A limit broken in a location: seconds from the crossing to the return, and the lots that stood there."""

    alarm: str
    location: str
    begins: float
    active: float
    ends: float
    lots: tuple[Lot, ...]


@dataclass
class Truth:
    """What should be true when the play is over. `stock`: (gtin, lot, location, status) → cases."""

    verdicts: list[Verdict] = field(default_factory=list)
    excursions: list[Excursion] = field(default_factory=list)
    stock: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)

    def inventory(self) -> list[dict[str, str]]:
        """In the form of `Inventory.inventory`, so that the two may be compared."""
        names = ("gtin", "lot", "location", "status", "quantity", "unit")
        rows = sorted((*key, str(quantity), "each") for key, quantity in self.stock.items() if quantity)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def lamps(self) -> dict[str, list[str]]:
        """The colours each portal's light stack should show, in order."""
        shown: dict[str, list[str]] = {}
        for verdict in self.verdicts:
            shown.setdefault(verdict.portal, []).append(verdict.lamp)
        return shown

    def report(self) -> dict[str, Any]:
        """Everything, as JSON values."""
        verdicts = [
            {"pallet": v.pallet, "portal": v.portal, "at": v.at, "type": v.type, "verdict": v.verdict}
            | {"reasons": list(v.reasons), "lamp": v.lamp, "lines": [list(line) for line in v.lines]}
            for v in self.verdicts
        ]
        excursions = [
            {"alarm": e.alarm, "location": e.location, "begins": e.begins, "active": e.active, "ends": e.ends}
            | {"lots": [list(lot) for lot in e.lots]}
            for e in self.excursions
        ]
        return {"inventory": self.inventory(), "lamps": self.lamps(), "pallets": verdicts, "excursions": excursions}


def truth(scenario: Scenario) -> Truth:
    """What should be true when the scenario has been played.

    Raises:
        ScenarioError: the answer would depend on who is quicker (a pallet decided while a limit is being broken).
    """
    spells = [spell for alarm in scenario.alarm for spell in _spells(scenario, alarm)]
    _check_apart(scenario, spells)
    world = _World(scenario)
    steps: list[tuple[float, Any]] = [(passage.at, passage) for passage in scenario.passage]
    steps += [(spell.active, spell) for spell in spells]
    for _, step in sorted(steps, key=lambda each: each[0]):
        if isinstance(step, Passage):
            world.pass_door(step)
        else:
            world.excursion(step)
    return world.truth


@dataclass(frozen=True)
class _Spell:
    """A limit broken long enough."""

    alarm: Alarm
    location: str
    begins: float
    active: float
    ends: float


class _World:
    """Stock, and which pallet stands where with what."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.truth = Truth()
        self.units: dict[str, tuple[str, str, Counter[Lot]]] = {}  # sscc → location, status, contents
        self.announced = {
            (line.gtin, line.first + number): line.lot
            for asn in scenario.asn
            for unit in asn.unit
            for line in unit.lines
            if line.first is not None
            for number in range(line.quantity)
        }

    def pass_door(self, passage: Passage) -> None:
        pallet = self.scenario.pallet_of(passage.pallet)
        portal = self.scenario.portal_of(passage.portal)
        if passage.direction == "in":
            contents, reasons = self._arrived(pallet)
            verdict = "held" if reasons - {"matched", "short"} else "accepted"
            status = "hold" if verdict == "held" else "available"
            self.units[pallet.sscc] = (portal.location, status, contents)
            sign, location = 1, portal.location
        else:
            location, status, contents = self._leaving(passage, pallet)
            verdict, reasons = ("refused", {"on_hold"}) if status == "hold" else ("accepted", {"matched"})
            sign = 0 if verdict == "refused" else -1
        for (gtin, lot), count in contents.items():
            self.truth.stock[gtin, lot, location, status] += sign * count
        kind = "receive" if passage.direction == "in" else "ship"
        lines = tuple(sorted((gtin, lot, count) for (gtin, lot), count in contents.items()))
        self.truth.verdicts.append(
            Verdict(pallet.name, portal.id, passage.at, kind, verdict, tuple(sorted(reasons)), lines)
        )

    def _arrived(self, pallet: Pallet) -> tuple[Counter[Lot], set[str]]:
        """What is booked for a pallet that came in, and why."""
        unit = _announced(self.scenario.asn, pallet.sscc)
        contents: Counter[Lot] = Counter()
        reasons: set[str] = set()
        for gtin, serial in _readable(pallet):
            lot = self.announced.get((gtin, serial)) or _only_lot(unit, gtin)
            contents[gtin, lot] += 1
            if not lot:
                reasons.add("unknown_tag")
        contents["", ""] += len(pallet.raw)
        if unit is None:
            reasons.add("no_expectation")
        if pallet.raw:
            reasons.add("unknown_tag")
        for line in unit.lines if unit is not None else ():
            if line.first is None:
                contents[line.gtin, line.lot] = line.quantity  # no tags to count: taken from the document
        expected = Counter[Lot]()
        for line in unit.lines if unit is not None else ():
            expected[line.gtin, line.lot] += line.quantity
        if unit is not None and any(contents[lot] < count for lot, count in expected.items()):
            reasons.add("short")
        if unit is not None and any(contents[lot] > expected[lot] for lot in contents if lot[1]):
            reasons.add("over")
        contents = +contents
        if any(self._expired(*lot) for lot in contents):
            reasons.add("expired")
        return contents, reasons or {"matched"}

    def _expired(self, gtin: str, lot: str) -> bool:
        expiry = self.scenario.expiry(gtin, lot)
        return expiry is not None and expiry < self.scenario.today

    def _leaving(self, passage: Passage, pallet: Pallet) -> tuple[str, str, Counter[Lot]]:
        if pallet.sscc not in self.units:
            raise ScenarioError(f"passage at {passage.at}: {pallet.name} leaves, but was never received")
        if _announced(self.scenario.order, pallet.sscc) is None:
            raise ScenarioError(f"passage at {passage.at}: {pallet.name} leaves, but was never ordered")
        location, status, contents = self.units[pallet.sscc]
        if status == "available":
            del self.units[pallet.sscc]
        return location, status, contents

    def excursion(self, spell: _Spell) -> None:
        stock = self.truth.stock
        there = {key[:2] for key, count in stock.items() if key[2] == spell.location and count > 0}
        lots = tuple(sorted((gtin, lot) for gtin, lot in there if lot))
        self.truth.excursions.append(
            Excursion(spell.alarm.id, spell.location, spell.begins, spell.active, spell.ends, lots)
        )
        if not spell.alarm.hold:
            return
        for gtin, lot in lots:
            count = stock.pop((gtin, lot, spell.location, "available"), 0)
            stock[gtin, lot, spell.location, "hold"] += count
        for sscc, (location, _, contents) in list(self.units.items()):
            if location == spell.location and any(lot in lots for lot in contents):
                self.units[sscc] = (location, "hold", contents)


def _announced(documents: Any, sscc: str) -> AnnouncedUnit | None:
    return next((unit for document in documents for unit in document.unit if unit.sscc == sscc), None)


def _readable(pallet: Pallet) -> list[tuple[str, int]]:
    """(gtin, serial) of every case whose tag can be read."""
    return [
        (cases.gtin, serial)
        for cases in pallet.cases
        for serial in range(cases.first, cases.first + cases.count)
        if serial not in cases.unreadable
    ]


def _only_lot(unit: AnnouncedUnit | None, gtin: str) -> str:
    """The lot of a GTIN when the pallet's announcement names just one."""
    lots = {line.lot for line in unit.lines if line.gtin == gtin} if unit is not None else set()
    return lots.pop() if len(lots) == 1 else ""


def value_at(curve: Curve, second: float) -> float:
    """The curve's value: straight lines between the points, flat before the first and after the last."""
    for (begin, low), (end, high) in pairwise(curve.points):
        if begin <= second <= end and end > begin:
            return low + (high - low) * (second - begin) / (end - begin)
    return curve.points[0][1] if second < curve.points[0][0] else curve.points[-1][1]


def _spells(scenario: Scenario, alarm: Alarm) -> list[_Spell]:
    """The times at which an alarm's limit is broken for at least its on-delay, found by stepping through the curve."""
    sensor = next(each for each in scenario.sensor if each.id == alarm.sensor)
    curve = next(each for each in sensor.curves if each.field == alarm.field)
    spells, above, active, below, step = [], None, None, None, 0.05
    for tick in range(int(scenario.duration / step) + 1):
        now = tick * step
        value = value_at(curve, now)
        if active is None:
            above = (now if above is None else above) if value > alarm.high else None
            if above is not None and now - above >= alarm.on_delay:
                active = now
        else:
            below = (now if below is None else below) if value <= alarm.high - alarm.deadband else None
            if below is not None and above is not None and now - below >= alarm.off_delay:
                spells.append(_Spell(alarm, sensor.location, round(above, 2), round(active, 2), round(now, 2)))
                above = active = below = None
    if active is not None:
        raise ScenarioError(f"alarm {alarm.id} is still active when the play ends: let the curve come back earlier")
    return spells


def _check_apart(scenario: Scenario, spells: list[_Spell]) -> None:
    ends = {(one.pallet, one.at): one.at + one.takes + DECISION_SECONDS for one in scenario.passage}
    for passage in scenario.passage:
        for (pallet, at), decided in ends.items():
            if pallet == passage.pallet and at < passage.at < decided:
                raise ScenarioError(f"passage at {passage.at}: the one of {pallet} at {at} may not be decided yet")
        for spell in spells:
            if passage.at < spell.ends + 1 and ends[passage.pallet, passage.at] > spell.active - 1:
                raise ScenarioError(
                    f"passage at {passage.at} of {passage.pallet} may be decided during the excursion of"
                    f" {spell.alarm.id} ({spell.active}…{spell.ends} s): what is held would depend on who is quicker"
                )
