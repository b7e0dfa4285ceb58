"""The traffic of a shift: who comes when, with what, which way; and the truth about it."""

from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Final

from simulators.rf.families import ITEMS, Family
from simulators.rf.goods import Load, Works
from simulators.rf.motion import STEP, Halt, Way, drive
from simulators.rf.scene import Door, Mover, Placed

TRUCK: Final = (0.65, 3.0)
"""Metres from the load's middle to where the truck begins and ends (a 1.5 t counterbalance truck is 2.2 m long)."""

FIELD: Final = (-1.2, 2.4)
"""y between which a load is in the field: a truth passage's `opened` and `closed`."""

FOLLOWS: Final = (1.5, 4.0)
"""Metres free between a truck and the one behind it: nobody who drives two tonnes keeps less."""

CLEARS: Final = 6.0
"""y from which on a truck that pushes its load into the hall no longer stands in the door when it puts it down."""

TURNS: Final = 0.3
"""Metres beyond a beam that the middle of a load gets before it turns: its end is still in it."""

LAST_SECONDS: Final = 6.0

PEOPLE: Final = 9
"""With badges: six who walk, three who drive."""

DEEP: Final = (9.0, 10.5)
"""y from which a load comes that could not be seen before: beyond what any antenna reads."""


@dataclass(slots=True)
class Crossing:
    """The truth about one vehicle in one door. Seconds since the shift began. `moved` by unit."""

    portal: str
    kind: str
    """pallet | double | turn | empty (a truck without a load) | person"""
    direction: str
    """in | out | none"""
    opened: float
    closed: float
    crossed: float | None
    units: list[Load] = field(default_factory=list)
    neutral: list[str] = field(default_factory=list)
    """Tags that moved and are no goods (a truck's own): right either way."""


@dataclass(slots=True)
class Traffic:
    """Everything that moves or stands in a shift."""

    movers: list[Mover] = field(default_factory=list)
    crossings: list[Crossing] = field(default_factory=list)
    announced: list[tuple[str, Load, int]] = field(default_factory=list)
    """(asn | order, load, cases announced and not there)."""
    badges: list[str] = field(default_factory=list)
    lasts: float = 0.0


class Planner:
    """Plans a shift: `passages` pallets (or turns) over the doors of a family."""

    def __init__(self, family: Family, found: list[Door], works: Works, chance: Random) -> None:
        self.family, self.doors, self.works, self.chance = family, found, works, chance
        self.traffic = Traffic()
        self._trucks = chance.random() < family.tagged_trucks
        self._drivers = chance.random() < family.badged_drivers
        self._visitors = {number for number in range(1, PEOPLE + 1) if chance.random() < family.visitors}
        self._returns: dict[int, tuple[Mover, bool]] = {}
        self._items = chance.uniform(2.0, ITEMS) if family.items and chance.random() < family.items else 1.0

    def plan(self, passages: int) -> Traffic:
        """The whole shift."""
        for door in self.doors:
            self._surroundings(door)
        clock = {door.number: self.chance.uniform(5.0, 8.0) for door in self.doors}
        done = 0
        while done < passages:
            door = min(self.doors, key=lambda each: clock[each.number])
            clock[door.number], count = self._turn(door, clock[door.number], passages - done)
            done += count
        self.traffic.lasts = max(each.closed for each in self.traffic.crossings) + LAST_SECONDS
        for mover in self.traffic.movers:
            mover.gone = min(mover.gone, self.traffic.lasts + 1)
        self.traffic.crossings.sort(key=lambda each: each.opened)
        return self.traffic

    def _surroundings(self, door: Door) -> None:
        family, chance = self.family, self.chance
        for _ in range(chance.randint(*family.racks)):
            x, y = door.x + chance.uniform(-3, 3), chance.uniform(*family.rack_distance)
            rack = self.works.rack(chance.randint(*family.rack_tags), chance.choice(family.materials))
            self._stand(rack, x, y, door)
        if chance.random() < family.parked:
            side = chance.choice((-1, 1))
            # outside the posts, where the driver has put it "for a minute"; never in the way
            x, y = door.x + side * chance.uniform(2.3, 2.9), chance.uniform(1.2, 2.8)
            self._stand(self._pallet(), x, y, door)

    def _stand(self, load: Load, x: float, y: float, door: Door) -> None:
        self.traffic.movers.append(Mover(Way(0.0, [x], [y]), [Placed(load)], 0.0, 1e9, door.number))

    def _pallet(self) -> Load:
        chance, family = self.chance, self.family
        cases = int(chance.randint(*family.cases) * self._items)
        return self.works.pallet(cases, chance.choice(family.materials), chance.random() < 0.6)

    def _turn(self, door: Door, now: float, most: int) -> tuple[float, int]:
        """What happens next at a door; when it is free again, and how many passages that was."""
        chance, family = self.chance, self.family
        inward = chance.random() >= family.out
        if chance.random() < family.empty:
            now = self._empty(door, now, not inward) + chance.uniform(2.5, 5.0)
        if chance.random() < family.walker:
            now = self._walker(door, now)
        if chance.random() < family.drive_by:
            self._drive_by(door, now + chance.uniform(0, 3))
        count = 1
        if chance.random() < family.turn:
            end = self._turn_round(door, now, inward)
        else:
            speed, followed = chance.uniform(*family.speed), most > 1 and chance.random() < family.train
            end = self._pass(door, now, inward, speed, alone=not followed)
            if followed:  # the truck behind keeps its distance all the way
                ahead = self.traffic.movers[-1]
                end, count = self._pass(door, now, inward, speed, alone=False, ahead=ahead), 2
        return end + chance.uniform(*family.gap), count

    def _pass(
        self, door: Door, now: float, inward: bool, speed: float, *, alone: bool, ahead: Mover | None = None
    ) -> float:
        """A vehicle with its load goes through, `alone` or in a train of two; when it has left the field."""
        chance, family = self.chance, self.family
        units, before = self._units(door, inward) if ahead is None else (self._fresh(inward), None)
        x, side = door.x + max(-0.35, min(0.35, chance.gauss(0, 0.12))), chance.choice((-1, 1))
        y = -chance.uniform(3.5, 7.5)
        stays, waits = chance.random() < family.stays, chance.random() < family.waiting
        if before is not None:
            y = before.way.ys[-1] if inward else y
        hidden = not (stays if inward else waits)  # comes from, or goes to, where nobody reads it
        depth = chance.uniform(*(DEEP if hidden else family.staged))
        place = (door.x + side * chance.uniform(0.8, 2.5), depth)
        if before is not None and not inward:
            place = (before.way.xs[-1], before.way.ys[-1])
        if ahead is not None:
            behind = chance.uniform(*FOLLOWS) + ahead.bodies[1][1] + _reach(units)  # from load to load
            y, place = (ahead.way.ys[0] - behind, place) if inward else (y, (ahead.way.xs[0], ahead.way.ys[0] + behind))
        lane = [(x, 2.4), (x + (place[0] - x) * 0.5, 2.4 + (place[1] - 2.4) * 0.4), place]
        points = [(x, y), *lane] if inward else [*reversed(lane), (x, y)]
        halts = []
        if alone and chance.random() < family.halt:
            to_door = _length([points[0], (x, 0.0)]) if inward else _length([*reversed(lane), (x, 0.0)])
            halts = [Halt(to_door + chance.uniform(-0.6, 0.9), chance.uniform(1.0, 6.0))]
        start = now + chance.uniform(0, 0.5) if ahead is None else ahead.way.start
        way = drive(start, points, speed, halts, chance)
        mover = self._vehicle(door, way, units, inward and alone and depth > CLEARS)
        if before is not None:
            before.gone = mover.appears = start
        elif inward or not hidden:  # it stood there; in a trailer always, but others stand before it
            mover.appears = start - chance.uniform(20, 90)
            mover.shade = chance.choice((0.0, 8.0) if waits else (15.0, 25.0)) if inward else chance.choice((0.0, 8.0))
        mover.gone = way.end + (chance.uniform(3, 25) if not inward else chance.uniform(20, 120) if not hidden else 0.5)
        return self._crossing(door, mover, units, "double" if len(units) > 1 else "pallet", "in" if inward else "out")

    def _units(self, door: Door, inward: bool) -> tuple[list[Placed], Mover | None]:
        """What the next vehicle carries; and, if that has turned round here before, as what it still stands there."""
        before, way = self._returns.get(door.number, (None, inward))
        if before is not None and way == inward:
            del self._returns[door.number]
            return [before.carries[0]], before
        return self._fresh(inward), None

    def _fresh(self, inward: bool) -> list[Placed]:
        """A pallet that was not here before; or two, side by side on a double fork or one behind the other."""
        chance, family = self.chance, self.family
        if chance.random() >= family.double:
            return [Placed(self._announce(self._pallet(), inward))]
        cases = [int(chance.randint(*family.cases) * self._items) for _ in range(2)]
        material = [chance.choice(family.materials) for _ in range(2)]
        one, other = (
            self._announce(self.works.pallet(n, m, length_along=True), inward)
            for n, m in zip(cases, material, strict=True)
        )
        if chance.random() < 0.5:
            return [Placed(one, -0.42), Placed(other, 0.42)]
        return [Placed(one, 0.0, -0.62), Placed(other, 0.0, 0.62)]

    def _announce(self, load: Load, inward: bool) -> Load:
        if self.chance.random() < self.family.announced:
            short = 1 if self.chance.random() < self.family.short else 0
            self.traffic.announced.append(("asn" if inward else "order", load, short))
        return load

    def _vehicle(self, door: Door, way: Way, units: list[Placed], may_push: bool, *, loaded: bool = True) -> Mover:
        """A truck under its load: it backs out of a trailer and pushes its load into one; if it `may_push`, also in."""
        chance = self.chance
        hall_side = 1 if not may_push or chance.random() < 0.75 else -1
        reach = _reach(units)
        begin, end = reach, reach + TRUCK[1] - TRUCK[0]
        body = (begin, end) if hall_side > 0 else (-end, -begin)
        bodies = ((-reach, reach), body) if loaded else (body,)
        carries = list(units)
        if self._trucks:
            carries.append(Placed(self.works.truck_tag(chance.randint(1, 4)), 0.0, hall_side * (reach + 0.8)))
        if self._drivers:
            carries.append(Placed(self._badge(chance.randint(7, PEOPLE)), 0.0, hall_side * (reach + 1.4)))
        wide = max((abs(placed.dx) + placed.load.box.half_x for placed in units), default=0.5)
        return Mover(way, carries, way.start, way.end + 0.5, door.number, bodies, half_width=wide, truck=body)

    def _badge(self, number: int) -> Load:
        """A person's badge; the site's own are on its ignore list, visitors' and truckers' are not."""
        badge = self.works.badge(number)
        if number not in self._visitors:
            self.traffic.badges = sorted({*self.traffic.badges, *badge.epcs})
        return badge

    def _crossing(self, door: Door, mover: Mover, units: list[Placed], kind: str, direction: str) -> float:
        self.traffic.movers.append(mover)
        way = mover.way
        # a vehicle without a load counts by its own middle
        ys = [y + (0.0 if units else sum(mover.bodies[0]) / 2) for y in way.ys]
        inside = [
            index
            for index, (x, y) in enumerate(zip(way.xs, ys, strict=True))
            if FIELD[0] <= y <= FIELD[1] and abs(x - door.x) < 2.0
        ]
        across = next((index for index in range(1, len(ys)) if (ys[index - 1] < 0.0) != (ys[index] < 0.0)), None)
        opened, closed = way.start + STEP * inside[0], way.start + STEP * inside[-1]
        loads = [placed.load for placed in units]
        neutral = [epc for placed in mover.carries if placed.load not in loads for epc in placed.load.epcs]
        crossed = way.start + STEP * across if across is not None and direction != "none" else None
        self.traffic.crossings.append(Crossing(door.portal, kind, direction, opened, closed, crossed, loads, neutral))
        return closed

    def _turn_round(self, door: Door, now: float, inward: bool) -> float:
        """Into the field, a stand, and back where it came from; half of them come again and go through then."""
        chance = self.chance
        units, before = self._units(door, inward)
        x = door.x + max(-0.35, min(0.35, chance.gauss(0, 0.12)))
        far = chance.uniform(0.0, 2.0) if inward else chance.uniform(-0.6, 0.8)
        for beam in door.eyes:  # whoever has cleared them all has gone through, and comes back another time
            far = min(far, beam.y + TURNS) if inward and beam.row == "inner" else far
            far = max(far, beam.y - TURNS) if not inward and beam.row == "outer" else far
        if before is not None:
            back = (before.way.xs[-1], before.way.ys[-1])
        else:
            back = (x, -chance.uniform(4.0, 6.0)) if inward else (x + chance.uniform(-2, 2), chance.uniform(*DEEP))
        lane = [back] if inward else [back, (x, 3.5)]
        points = [*lane, (x, far), *reversed(lane)]
        halt = Halt(_length([*lane, (x, far)]), chance.uniform(0.3, 5.0))
        way = drive(now, points, chance.uniform(*self.family.speed) * 0.8, [halt], chance)
        mover = self._vehicle(door, way, units, inward)
        if before is not None:
            before.gone = now
        elif inward:
            mover.appears = now - chance.uniform(20, 90)
            mover.shade = chance.choice((0.0, 8.0, 15.0, 25.0))
        mover.gone = way.end + chance.uniform(3, 25)
        closed = self._crossing(door, mover, units, "turn", "none")
        if len(units) == 1 and chance.random() < 0.5:
            if before := self._returns.pop(door.number, (None, inward))[0]:
                before.gone = now  # others have driven it away meanwhile
            mover.gone = 1e9  # until it comes again
            self._returns[door.number] = (mover, inward)
            return max(closed, way.end)
        return closed

    def _empty(self, door: Door, now: float, inward: bool) -> float:
        """A truck without a load."""
        chance = self.chance
        x = door.x + chance.gauss(0, 0.1)
        points = [(x, -5.5), (x, 6.5)] if inward else [(x, 6.5), (x, -5.5)]
        way = drive(now, points, chance.uniform(*self.family.speed) * 1.15, [], chance)
        mover = self._vehicle(door, way, [], inward, loaded=False)
        return self._crossing(door, mover, [], "empty", "in" if inward else "out")

    def _walker(self, door: Door, now: float) -> float:
        """Somebody with a badge walks across inside, or through; when the door is free again."""
        chance = self.chance
        badge, speed = self._badge(chance.randint(1, 6)), chance.uniform(1.0, 1.5)
        if chance.random() < 1 / 3:
            inward, x = chance.random() < 0.5, door.x + chance.uniform(-0.8, 0.8)
            points = [(x, -4.0), (x + chance.uniform(-1, 1), 5.5)]
            way = drive(now, points if inward else points[::-1], speed, [], chance)
            mover = Mover(way, [Placed(badge)], way.start, way.end, door.number, ((-0.2, 0.2),), half_width=0.25)
            return self._crossing(door, mover, [], "person", "in" if inward else "out") + chance.uniform(1.5, 4.0)
        y = chance.uniform(2.6, 4.5)
        points = [(door.x - 6, y), (door.x + chance.uniform(-1, 1), y - 0.3), (door.x + 6, y)]
        way = drive(now, points, speed, [Halt(6.0, chance.choice((0.0, 0.0, 4.0)))], chance)
        self.traffic.movers.append(Mover(way, [Placed(badge)], way.start, way.end, door.number))
        return now

    def _drive_by(self, door: Door, now: float) -> None:
        """A pallet drives past the door inside the hall."""
        chance, sign = self.chance, self.chance.choice((-1, 1))
        y = chance.uniform(3.4, 5.5)
        points = [(door.x - sign * 9, y), (door.x + sign * 9, y + chance.uniform(-0.4, 0.4))]
        way = drive(now, points, chance.uniform(*self.family.speed) * 1.2, [], chance)
        self.traffic.movers.append(Mover(way, [Placed(self._pallet())], way.start, way.end, door.number))


def _reach(units: list[Placed]) -> float:
    return max((abs(placed.dy) + placed.load.box.half_y for placed in units), default=0.0)


def _length(points: list[tuple[float, float]]) -> float:
    pairs = pairwise(points)
    return float(sum(((a - c) ** 2 + (b - d) ** 2) ** 0.5 for (a, b), (c, d) in pairs))
