"""What no single table can tell: references, doubled ids and ports, limits that cannot work.

Works on the tables that are sound by themselves, so that one mistake does not hide the others.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from gateway.config.devices import Portal, Profile, Reader, Scale, Sensor, builtin_profiles
from gateway.config.locate import Location as Place
from gateway.config.messages import meant, path_text, quoted
from gateway.config.models import Alarm, Location, Mqtt, Rules
from gateway.config.presets import PRESETS
from gateway.config.values import Part

P = TypeVar("P", bound=Part)
Finding = tuple[Place, str]
DEVICES = ("reader", "sensor", "scale")


@dataclass(frozen=True)
class Tables(Generic[P]):
    """The sound [[tables]] of one kind with their index, and every id that is declared, sound or not."""

    sound: list[tuple[int, P]] = field(default_factory=list)
    ids: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Sheet:
    """The document as the cross-checks see it. `base` None: files are not looked at."""

    raw: dict[str, Any]
    lines: dict[Place, int]
    base: Path | None
    locations: Tables[Location]
    readers: Tables[Reader]
    portals: Tables[Portal]
    profiles: Tables[Profile]
    sensors: Tables[Sensor]
    scales: Tables[Scale]
    alarms: Tables[Alarm]
    rules: Rules | None
    mqtt: Mqtt | None

    def line(self, place: Place) -> int:
        """The line of a place, or of the nearest table around it."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place, 1)

    def at(self, place: Place) -> str:
        """`portal.dock-1 (line 12)`."""
        return f"{path_text(place, self.raw)} (line {self.line(place)})"


def sheet(raw: dict[str, Any], lines: dict[Place, int], base: Path | None) -> Sheet:
    """Gather what is sound in a document."""
    return Sheet(
        raw=raw,
        lines=lines,
        base=base,
        locations=_tables(raw.get("location"), Location),
        readers=_tables(raw.get("reader"), Reader),
        portals=_tables(raw.get("portal"), Portal),
        profiles=_tables(raw.get("profile"), Profile),
        sensors=_tables(raw.get("sensor"), Sensor),
        scales=_tables(raw.get("scale"), Scale),
        alarms=_tables(raw.get("alarm"), Alarm),
        rules=_one(raw.get("rules", {}), Rules),
        mqtt=_one(raw.get("mqtt"), Mqtt),
    )


def _tables(value: Any, model: type[P]) -> Tables[P]:
    tables: Tables[P] = Tables()
    for index, element in enumerate(value if isinstance(value, list) else []):
        if isinstance(element, dict) and isinstance(element.get("id"), str):
            tables.ids.append((index, element["id"]))
        sound = _one(element, model)
        if sound is not None:
            tables.sound.append((index, sound))
    return tables


def _one(value: Any, model: type[P]) -> P | None:
    try:
        return model.model_validate(value)
    except ValidationError:
        return None


def findings(document: Sheet) -> Iterator[Finding]:
    """Every cross-check, as (place, what is wrong)."""
    for check in CHECKS:
        yield from check(document)


def _unique_ids(document: Sheet) -> Iterator[Finding]:
    spaces: list[tuple[str, ...]] = [("location",), ("portal",), ("profile",), ("alarm",), DEVICES]
    for space in spaces:
        first: dict[str, Place] = {}
        if space == ("profile",):
            first = {profile.id: () for profile in builtin_profiles()}
        for kind in space:
            for index, name in getattr(document, f"{kind}s").ids:
                place: Place = (kind, index, "id")
                if name not in first:
                    first[name] = place
                elif first[name]:
                    also = "; readers, sensors and scales share one set of ids" if space == DEVICES else ""
                    other = first[name]
                    owner = f"{other[0]}[{other[1]}] (line {document.line(other)})"
                    yield place, f"{quoted(name)} is already the id of {owner}{also}"
                else:
                    yield place, f"{quoted(name)} is a profile that comes with Tallyman; choose another id"


def _each(value: Any, pattern: Sequence[Any], place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """What stands at a pattern of keys in the raw document; `int` in the pattern is every element of a list."""
    if not pattern:
        yield place, value
    elif pattern[0] is int:
        for index, element in enumerate(value if isinstance(value, list) else []):
            yield from _each(element, pattern[1:], (*place, index))
    elif isinstance(value, dict) and pattern[0] in value:
        yield from _each(value[pattern[0]], pattern[1:], (*place, pattern[0]))


REFERENCES: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("location", ("portal", int, "location")),
    ("location", ("portal", int, "outside")),
    ("portal", ("portal", int, "neighbours", int)),
    ("reader", ("portal", int, "antennas", int, "reader")),
    ("reader", ("portal", int, "eyes", int, "reader")),
    ("reader", ("portal", int, "lights", "reader")),
    ("location", ("sensor", int, "location")),
    ("profile", ("sensor", int, "profile")),
    ("portal", ("scale", int, "portal")),
    ("sensor", ("alarm", int, "sensor")),
)
"""Which settings name something else, and what. Looked up in the raw document: unsound tables are checked too."""


def _references(document: Sheet) -> Iterator[Finding]:
    builtin = [profile.id for profile in builtin_profiles()]
    for kind, pattern in REFERENCES:
        known = [name for _, name in getattr(document, f"{kind}s").ids] + (builtin if kind == "profile" else [])
        for place, name in _each(document.raw, pattern):
            if isinstance(name, str) and name not in known:
                guess = meant(name, known) or f"; declare a [[{kind}]] with that id, or use one that is declared"
                yield place, f"there is no {kind} {quoted(name)}{guess}"


def _one_url_each(document: Sheet) -> Iterator[Finding]:
    first: dict[tuple[str, Any], Place] = {}
    devices: list[tuple[str, int, Any]] = [
        *(("reader", index, reader.address) for index, reader in document.readers.sound),
        *(("sensor", index, (sensor.address, sensor.profile)) for index, sensor in document.sensors.sound),
        *(("scale", index, _line(scale)) for index, scale in document.scales.sound),
    ]
    for kind, index, address in devices:
        other = first.setdefault((kind, address), (kind, index))
        if other != (kind, index):
            why = "with the same profile" if kind == "sensor" else f"and a {kind} serves one client"
            yield (kind, index, "url"), f"is also the url of {document.at(other)}, {why}; give each its own"


def _line(scale: Scale) -> object:
    address = scale.address
    return getattr(address, "device", address)


def _ports(document: Sheet) -> Iterator[Finding]:
    """An antenna, an eye and a lamp belong to one portal."""
    first: dict[tuple[str, str, int], Place] = {}

    def claim(place: Place, what: str, reader: Any, port: Any) -> Iterator[Finding]:
        if not isinstance(reader, str) or type(port) is not int:  # a bool is an int
            return
        other = first.setdefault((what, reader, port), place)
        if other != place:
            yield place, f"{what} {port} of reader {quoted(reader)} is already used by {document.at(other)}"

    for name, what in (("antennas", "antenna"), ("eyes", "GPI")):
        for place, point in _each(document.raw, ("portal", int, name, int)):
            if isinstance(point, dict):
                yield from claim(place, what, point.get("reader"), point.get("port"))
    for place, lights in _each(document.raw, ("portal", int, "lights")):
        for colour in ("green", "red", "amber", "buzzer"):
            if isinstance(lights, dict):
                yield from claim((*place, colour), "GPO", lights.get("reader"), lights.get(colour))


def _sllurp(document: Sheet) -> Iterator[Finding]:
    """What the sllurp driver cannot do is no surprise at the dock."""
    readers = [(index, one) for index, one in enumerate(_rows(document.raw, "reader")) if one.get("kind") == "sllurp"]
    for index, reader in readers:
        for key in ("trigger", "filters"):
            if key in reader and reader[key] != "always":
                yield ("reader", index, key), 'is beyond kind = "sllurp"; use kind = "llrp"'
    names = {reader.get("id") for _, reader in readers}
    for place, lights in _each(document.raw, ("portal", int, "lights")):
        if isinstance(lights, dict) and lights.get("reader") in names:
            yield (*place, "reader"), 'drives no lamps: kind = "sllurp" cannot; use kind = "llrp", or another reader'


def _rows(raw: dict[str, Any], name: str) -> list[dict[str, Any]]:
    rows = raw.get(name)
    return [row if isinstance(row, dict) else {} for row in rows] if isinstance(rows, list) else []


def _portals(document: Sheet) -> Iterator[Finding]:
    for here, portal in _each(document.raw, ("portal", int)):
        if not isinstance(portal, dict):
            continue
        if "outside" in portal and portal["outside"] == portal.get("location"):
            yield (*here, "outside"), "is the portal's own location; name the one on the other side"
        for place, neighbour in _each(portal, ("neighbours", int), here):
            if neighbour == portal.get("id"):
                yield place, "is this portal itself; name the ones beside it"
        lights = portal.get("lights")
        if isinstance(lights, dict) and not {"green", "red", "amber"} & lights.keys():
            yield (*here, "lights"), "has no lamp; give the GPO port of green, red or amber, or leave lights out"


def _presets(document: Sheet) -> Iterator[Finding]:
    for index, portal in document.portals.sound:
        here: Place = ("portal", index)
        if not portal.preset:
            continue
        preset = PRESETS[portal.preset]
        rows = {antenna.row for antenna in portal.antennas}
        lacking = [row for row in preset.rows if row not in rows]
        name, count = quoted(portal.preset), len(portal.antennas)
        if lacking:
            text = (
                f"preset {name} tells the direction from an inner and an outer row, and no antenna has "
                f'row = "{lacking[0]}"; add one, or use preset = "single-antenna", which tells no direction'
            )
            yield (*here, "antennas"), text
        elif count < preset.antennas:
            text = f'preset {name} needs {preset.antennas} antennas, not {count}; add some or use "dock-2-antenna"'
            yield (*here, "antennas"), text


def _eyes(document: Sheet) -> Iterator[Finding]:
    """Two eyes are there to tell the direction, which they do from two rows."""
    for index, portal in document.portals.sound:
        rows = {eye.row for eye in portal.eyes}
        if len(portal.eyes) > 1 and rows == {"middle"}:
            text = 'are all in the middle (the default): give row = "outer" and row = "inner", which tell the direction'
            yield ("portal", index, "eyes"), text
        elif len(portal.eyes) > 1 and "middle" not in rows and len(rows) == 1:
            lacking = "inner" if rows == {"outer"} else "outer"
            text = f'are all in the {rows.pop()} row: one with row = "{lacking}" is needed to tell the direction'
            yield ("portal", index, "eyes"), text


def _profiles(document: Sheet) -> Iterator[Finding]:
    for index, profile in document.profiles.sound:
        seen: set[str] = set()
        for number, register in enumerate(profile.fields):
            here: Place = ("profile", index, "fields", number)
            if register.name in seen:
                yield (*here, "name"), f"{quoted(register.name)} is already a field of this profile"
            seen.add(register.name)
            bits = (register.table or profile.table) in ("coil", "discrete")
            if bits and register.type != "bool":
                yield here, f"a {register.table or profile.table} is one bit: type must be bool, not {register.type}"
            elif bits and register.bit is not None:
                yield (*here, "bit"), "is only for holding and input registers; here the address names the bit"
            elif not bits and register.type == "bool" and register.bit is None:
                yield here, "a bool in a register needs bit = 0 to 15, or a table of coil or discrete"


def _alarms(document: Sheet) -> Iterator[Finding]:
    profiles = {profile.id: profile for profile in (*builtin_profiles(), *(p for _, p in document.profiles.sound))}
    used = {
        element["id"]: element.get("profile")
        for _, element in _each(document.raw, ("sensor", int))
        if isinstance(element, dict) and isinstance(element.get("id"), str)
    }
    for index, alarm in document.alarms.sound:
        here: Place = ("alarm", index)
        if (alarm.high is None) == (alarm.low is None):
            yield here, "give exactly one of high and low; for both limits write two [[alarm]] tables"
            continue
        name = used.get(alarm.sensor)
        profile = profiles.get(name) if isinstance(name, str) else None
        if profile is None:
            continue
        register = profile.register(alarm.quantity)
        if register is None:
            known = [field.name for field in profile.fields]
            guess = meant(alarm.quantity, known) or f"; it has {', '.join(known)}"
            text = (
                f"profile {quoted(profile.id)} of sensor {quoted(alarm.sensor)} has no {quoted(alarm.quantity)}{guess}"
            )
            yield (*here, "quantity"), text
        elif register.valid:
            yield from _reachable(here, alarm, register.valid, register.unit)


def _reachable(here: Place, alarm: Alarm, valid: tuple[float, float], unit: str) -> Iterator[Finding]:
    lowest, highest = valid
    span = f"{lowest:g} to {highest:g} {unit}".strip()
    if not lowest <= alarm.limit <= highest:
        text = f"{alarm.limit:g} is outside what the sensor can say ({span}): the alarm would never come, or never go"
        yield (*here, alarm.side), text
        return
    clears = alarm.limit - alarm.deadband if alarm.side == "high" else alarm.limit + alarm.deadband
    if not lowest <= clears <= highest:
        text = f"clears only at {clears:g}, outside what the sensor can say ({span}): make it smaller"
        yield (*here, "deadband"), text


def _limit_pairs(document: Sheet) -> Iterator[Finding]:
    one_sided = [(i, a) for i, a in document.alarms.sound if (a.high is None) != (a.low is None)]
    for index, high in one_sided:
        for other, low in one_sided:
            same = (high.sensor, high.quantity) == (low.sensor, low.quantity)
            if same and high.side == "high" and low.side == "low" and high.limit <= low.limit:
                later: Place = ("alarm", index, "high") if index > other else ("alarm", other, "low")
                first: Place = ("alarm", other) if index > other else ("alarm", index)
                text = (
                    f"high {high.limit:g} is not above low {low.limit:g} of {document.at(first)} "
                    f"on the same {high.quantity}: no value would be normal"
                )
                yield later, text


def _rule_files(document: Sheet) -> Iterator[Finding]:
    if document.rules is None or document.base is None:
        return
    for index, name in enumerate(document.rules.files):
        if not (document.base / name).is_file():
            yield (
                ("rules", "files", index),
                f"there is no file {quoted(name)} in {quoted(str(document.base), whole=True)}",
            )


def _mqtt(document: Sheet) -> Iterator[Finding]:
    mqtt = document.mqtt
    if mqtt is None:
        return
    yield from _certificates(("mqtt",), mqtt, "mqtts")
    if mqtt.password and not mqtt.username:
        yield ("mqtt", "password"), "needs username too"


def _readers(document: Sheet) -> Iterator[Finding]:
    for index, reader in document.readers.sound:
        yield from _certificates(("reader", index), reader, "llrps")


def _certificates(here: Place, table: Mqtt | Reader, scheme: str) -> Iterator[Finding]:
    """The files of TLS: both of a client certificate or none, and only where there is TLS."""
    if (table.certificate is None) != (table.key is None):
        given, lacking = ("key", "certificate") if table.certificate is None else ("certificate", "key")
        yield (*here, given), f"needs {lacking} too: a client certificate is both files"
    for name in ("ca", "certificate", "key"):
        if getattr(table, name) and not table.address.tls:
            yield (*here, name), f'is only used with TLS: write the url as "{scheme}://…", or leave this out'


def _scales(document: Sheet) -> Iterator[Finding]:
    """A line that was asked for is no trigger."""
    for index, scale in document.scales.sound:
        if scale.opens == "line" and scale.poll is not None:
            text = 'is for a scale that sends a line when somebody weighs: leave poll out, or use opens = "weight"'
            yield ("scale", index, "opens"), text


CHECKS: tuple[Callable[[Sheet], Iterator[Finding]], ...] = (
    _unique_ids,
    _references,
    _one_url_each,
    _ports,
    _portals,
    _presets,
    _eyes,
    _scales,
    _profiles,
    _alarms,
    _limit_pairs,
    _rule_files,
    _mqtt,
    _readers,
    _sllurp,
)
