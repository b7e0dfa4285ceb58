"""Alarms that are no limit: a device in fault, and what a portal has to complain of. Pure.

A device says itself that it is in fault, and when it is well again. What is odd about the reads of a portal is counted
where it is met (`passages`, `engine`); where it lasts, it becomes an alarm of that portal (`portal/{portal}/{what}`),
which ends when it has not been met for a while.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from gateway.model.inputs import Device
from gateway.model.outcome import AlarmChange, Passage
from gateway.model.settings import Portal
from gateway.rules.alarms import TRANSITIONS
from gateway.rules.candidates import Changed
from gateway.rules.nearing import READS_KEPT
from gateway.rules.passages import EDGES_KEPT, PortalWatch

ACTIVE = ("unacked_active", "acked_active")

APART = 10_000_000
"""µs without one more after which the next begins a spell of its own: shorter than the time between two pallets."""

LASTS, MANY = 5_000_000, 50
"""A spell is told when it goes on for so many µs and has so many reads: a broken link sends what it kept within two
seconds, and one tag's report that comes late is nobody's worry; five seconds of a door are a pallet."""

PATIENCE = 60_000_000
"""µs without another after which it counts as settled, as with what a reader complains of."""

CROWD = 2_000
"""Tags that were heard in one passage and stayed, from which on a door is crowded. A reader gives 200…1,100 reads/s and
a passage takes some 5 s: with more tags than that in the field, those that pass are no longer heard `min_reads` times
for sure."""


class Spell(Struct):
    """Something odd that goes on; instants of gateway time, µs."""

    first: int
    last: int
    count: int = 0


class Odd(Struct, frozen=True):
    """What is counted at a portal, and when it is worth an alarm: so long, so many; and what is said then."""

    lasts: int
    many: int
    text: str


ODD = {
    "late": Odd(
        LASTS,
        MANY,
        "{count} reads or edges of {readers} came after what they belong to was decided: a clock is behind, or a link "
        "holds reports back for longer than settle waits",
    ),
    "untimely": Odd(
        LASTS,
        MANY,
        "{count} reads or edges of {readers} are of the future: a clock is ahead; they count as seen when they arrived",
    ),
    "dropped": Odd(
        0,
        1,
        "{count} reads or edges of {readers} were given up: a portal keeps " + f"{READS_KEPT:,} reads and {EDGES_KEPT} "
        "edges at a time, and more came: a chattering eye, or too many tags in the field",
    ),
}
"""By the name of the portal's counter, which is the name of the alarm."""


class Troubles:
    """The alarms of devices and portals; `faults` (alarm → state) and `spells` (alarm → spell) are the engine's."""

    def __init__(self, faults: dict[str, str], spells: dict[str, Spell], watches: Iterable[PortalWatch]) -> None:
        self._faults = faults
        self._spells = spells
        there = list(watches)
        self._seen = {watch.portal.id: _counts(watch) for watch in there}
        self._ill = {watch.portal.id: dict(watch.state.sight.ill) for watch in there}
        self._eyes = {_eye(watch.portal, index) for watch in there for index in watch.state.sight.ill}

    @property
    def deadline(self) -> int | None:
        """When (µs) the earliest alarm of a portal is over if nothing odd happens."""
        if not self._spells:
            return None
        return min((self._spells[alarm].last + PATIENCE for alarm in self._standing()), default=None)

    def device(self, t: int, device: Device) -> list[Changed]:
        """A device in fault is an alarm until it is up again; one that is down is a state: links come and go."""
        what = {"fault": "on", "up": "off"}.get(device.state, "")
        return self.step(t, f"device/{device.device}", what, device.detail)

    def step(self, t: int, alarm: str, what: str, detail: str = "", by: str = "") -> list[Changed]:
        """An alarm goes on or off, or somebody has seen it."""
        before = self._faults.get(alarm, "normal")
        after = TRANSITIONS.get((before, what))
        if after is None:
            return []
        self._enter(alarm, after)
        return [Changed(_change(alarm, t, before, after, detail, by))]

    def looked(self, t: int, watches: Iterable[PortalWatch]) -> list[Changed]:
        """Reads or edges of these portals were taken: what was odd about them."""
        found: list[Changed] = []
        for watch in watches:
            portal, counts = watch.portal, _counts(watch)
            if watch.state.sight.ill != self._ill[portal.id]:
                found += self._sighted(t, watch)
            before = self._seen[portal.id]
            if counts == before:
                continue
            self._seen[portal.id] = counts
            for (name, odd), now, then in zip(ODD.items(), counts, before, strict=True):
                if now > then:
                    found += self._met(t, portal, name, odd, now - then)
        return found

    def passed(self, t: int, watch: PortalWatch, passage: Passage) -> list[Changed]:
        """A passage was decided: whether the door is crowded, and how many in a row were empty."""
        alarm, crowd, state = f"portal/{passage.portal}", len(passage.strays), watch.state
        found = self.step(t, f"{alarm}/crowd", *(("on", _crowded(crowd)) if crowd >= CROWD else ("off",)))
        if empty(passage):
            state.empty += 1
            state.mute += not passage.evidence["reads"]
            if 0 < watch.portal.empties <= state.empty:
                found += self.step(t, f"{alarm}/empty", "on", _emptied(state.empty, state.mute, watch.portal))
        elif passage.moved or passage.evidence.get("turned"):
            state.empty = state.mute = 0
            found += self.step(t, f"{alarm}/empty", "off")
        return found

    def due(self, t: int) -> list[Changed]:
        """Alarms of portals that are over."""
        found: list[Changed] = []
        for alarm in [one for one in self._standing() if t >= self._spells[one].last + PATIENCE]:
            del self._spells[alarm]
            found += self.step(t, alarm, "off")
        return found

    def boot(self, t: int) -> None:
        """An alarm whose spell was given up ends like one that began now."""
        for name in ODD:
            for alarm, state in self._faults.items():
                if state in ACTIVE and alarm.startswith("portal/") and alarm.endswith(f"/{name}"):
                    self._spells.setdefault(alarm, Spell(t, t))

    def abandon(self, t: int) -> None:
        """Give up what is due by `t`: the alarms stay until the next start (`boot`)."""
        for alarm in [one for one in self._standing() if t >= self._spells[one].last + PATIENCE]:
            del self._spells[alarm]

    def removed(self, t: int) -> list[Changed]:
        """Portals or eyes are gone from the configuration: alarms that nobody could end any more end with them."""
        found: list[Changed] = []
        for alarm, before in list(self._faults.items()):
            kind, *named = alarm.split("/")
            portal = kind == "portal" and named[0] not in self._seen
            if portal or (len(named) > 1 and named[1].startswith("eye-") and alarm not in self._eyes):
                self._spells.pop(alarm, None)
                del self._faults[alarm]
                what = "the portal was removed" if portal else "the eyes were configured anew"
                found.append(Changed(_change(alarm, t, before, "normal", what)))
        return found

    def _sighted(self, t: int, watch: PortalWatch) -> list[Changed]:
        """Eyes of a portal became ill, or well again."""
        found: list[Changed] = []
        before, now = self._ill[watch.portal.id], dict(watch.state.sight.ill)
        for index in sorted(before.keys() | now.keys()):
            what = "on" if index in now else "off"
            found += self.step(t, _eye(watch.portal, index), what, now.get(index, ""))
        self._ill[watch.portal.id] = now
        return found

    def _met(self, t: int, portal: Portal, name: str, odd: Odd, count: int) -> list[Changed]:
        alarm = f"portal/{portal.id}/{name}"
        spell = self._spells.get(alarm)
        if spell is None or (t - spell.last > APART and self._faults.get(alarm) not in ACTIVE):
            spell = self._spells[alarm] = Spell(t, t)
            in_order = sorted(self._spells.items())  # a snapshot does not tell which portal was met first
            self._spells.clear()
            self._spells.update(in_order)
        spell.last = t
        spell.count += count
        if t - spell.first < odd.lasts or spell.count < odd.many:
            return []
        return self.step(t, alarm, "on", odd.text.format(count=f"{spell.count:,}", readers=_readers(portal)))

    def _standing(self) -> Iterator[str]:
        return (alarm for alarm in self._spells if self._faults.get(alarm) in ACTIVE)

    def _enter(self, alarm: str, after: str) -> None:
        if after == "normal":
            del self._faults[alarm]
        else:
            self._faults[alarm] = after


def empty(passage: Passage) -> bool:
    """Something broke the beams of the eyes, or was weighed, and not one tag moved."""
    evidence = passage.evidence
    return not passage.moved and bool(evidence.get("eyes") or evidence.get("opened_by")) and not evidence.get("turned")


def _crowded(count: int) -> str:
    return (
        f"{count:,} tags were heard in one passage and stayed: too many for each that passes to be heard often "
        "enough; clear the field, or lower the power"
    )


def _emptied(count: int, mute: int, portal: Portal) -> str:
    crossed = "something" if count == 1 else f"{count} in a row"
    if mute == count:
        return f"{crossed} crossed and not one tag was read: is {_readers(portal)} reading, are its antennas connected?"
    return f"{crossed} crossed and no tag moved: goods without tags, an antenna that hears too little, or empty trucks"


def _readers(portal: Portal) -> str:
    return ", ".join(sorted({one.reader for one in portal.antennas} | {one.reader for one in portal.eyes}))


def _eye(portal: Portal, index: int) -> str:
    eye = portal.eyes[index]
    return f"device/{eye.reader}/eye-{eye.port}"


def _change(alarm: str, t: int, before: str, after: str, detail: str, by: str = "") -> AlarmChange:
    source = alarm.split("/")[1] if alarm.startswith("portal/") else alarm.removeprefix("device/")
    return AlarmChange(alarm, source, t, before, after, "medium", detail=detail, by=by)


def _counts(watch: PortalWatch) -> tuple[int, ...]:
    state = watch.state
    return state.late, state.untimely, state.dropped
