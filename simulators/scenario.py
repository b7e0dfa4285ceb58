"""Scenarios: read from TOML, turned into what central announces and into the gateway's configuration."""

import json
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from simulators.central import Document
from simulators.script import AnnouncedUnit, Portal, Scenario, Sensor

__all__ = ["Scenario", "ScenarioError", "bundled_names", "documents", "gateway_config", "load", "parse"]

DOOR_REST = 1.6
"""Seconds a door needs between two pallets to close its passage (quiet and settle of the shipped preset)."""


class ScenarioError(ValueError):
    """The scenario file cannot be played; the message says where and why."""


def load(source: str | Path, today: date | None = None) -> Scenario:
    """Read a scenario file, or a bundled scenario by its name (`dock_morning`).

    Args:
        source: path or name.
        today: the day of play, from which relative expiries count; default: this day, UTC.

    Raises:
        ScenarioError: no such file, bad TOML, a wrong key or type, or parts that do not fit each other.
    """
    path = Path(source)
    bundled = files("simulators") / "scenarios" / f"{source}.toml"
    try:
        text = path.read_text("utf-8") if path.suffix == ".toml" else bundled.read_text("utf-8")
    except OSError as error:
        raise ScenarioError(f"{source}: {error.strerror}; bundled scenarios: {', '.join(bundled_names())}") from None
    return parse(text, today or datetime.now(UTC).date(), str(source))


def bundled_names() -> list[str]:
    """The names of the scenarios that come with this package."""
    folder = files("simulators") / "scenarios"
    return sorted(each.name.removesuffix(".toml") for each in folder.iterdir() if each.name.endswith(".toml"))


def parse(text: str, today: date, name: str = "scenario") -> Scenario:
    """Read a scenario from TOML text.

    Raises:
        ScenarioError: as for `load`.
    """
    try:
        scenario = msgspec.convert({**tomllib.loads(text), "today": today}, Scenario)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ScenarioError(f"{name}: {error}") from None
    mistakes = list(_mistakes(scenario))
    if mistakes:
        raise ScenarioError("\n".join(f"{name}: {mistake}" for mistake in mistakes))
    return scenario


def _mistakes(scenario: Scenario) -> list[str]:
    """Every reference to something that is not there, and every number no tag can carry."""
    found: list[str] = []

    def known(what: str, value: str, among: set[str]) -> None:
        if value not in among:
            found.append(f"{what} {value!r} is not defined; there are {', '.join(sorted(among)) or 'none'}")

    locations = {each.id for each in scenario.location}
    gtins = {each.gtin for each in scenario.product}
    lots = {f"{each.gtin}/{each.lot}" for each in scenario.lot}
    for portal in scenario.portal:
        known(f"portal {portal.id}: location", portal.location, locations)
    for sensor in scenario.sensor:
        known(f"sensor {sensor.id}: location", sensor.location, locations)
        for curve in sensor.curves:
            known(f"sensor {sensor.id}: curve of", curve.field, {each.name for each in sensor.fields})
    for alarm in scenario.alarm:
        known(f"alarm {alarm.id}: sensor", alarm.sensor, {each.id for each in scenario.sensor})
    for document in scenario.asn + scenario.order:
        known(f"{document.id}: party", document.party, {each.id for each in scenario.party})
        for line in (line for unit in document.unit for line in unit.lines):
            known(f"{document.id}: lot", f"{line.gtin}/{line.lot}", lots)
    for passage in scenario.passage:
        known(f"passage at {passage.at}: portal", passage.portal, {each.id for each in scenario.portal})
        known(f"passage at {passage.at}: pallet", passage.pallet, {each.name for each in scenario.pallet})
        known(f"passage at {passage.at}: direction", passage.direction, {"in", "out"})
        if passage.strays is not None:
            known(f"passage at {passage.at}: strays of", passage.strays.gtin, gtins)
    for pallet in scenario.pallet:
        for cases in pallet.cases:
            known(f"pallet {pallet.name}: gtin", cases.gtin, gtins)
    for portal in scenario.portal:
        passages = sorted((each for each in scenario.passage if each.portal == portal.id), key=lambda each: each.at)
        for one, other in pairwise(passages):
            if other.at - one.at - one.takes < DOOR_REST:
                found.append(f"passage at {other.at}: less than {DOOR_REST} s after the one at {one.at} at {portal.id}")
    if not found:
        for pallet in scenario.pallet:
            try:
                scenario.tags(pallet)
            except ValueError as error:
                found.append(f"pallet {pallet.name}: {error}")
    return found


def documents(scenario: Scenario) -> tuple[Document, ...]:
    """What central announces for this scenario: lots, then ASNs and orders, in file order (DESIGN §6, ASN)."""
    made = []
    for lot in scenario.lot:
        expiry = scenario.expiry(lot.gtin, lot.lot)
        product = next(each.name for each in scenario.product if each.gtin == lot.gtin)
        body = {"gtin": lot.gtin, "lot": lot.lot, "version": 1, "product": product, "expiry": str(expiry)}
        made.append(Document("lot", (lot.gtin, lot.lot), {**body, "supplier": lot.supplier, "qc": "released"}))
    for kind, party, announcements in (("asn", "supplier", scenario.asn), ("order", "customer", scenario.order)):
        for each in announcements:
            body = {kind: each.id, "version": 1, "documents": [msgspec.structs.asdict(one) for one in each.documents]}
            units = [_unit(scenario, unit) for unit in each.unit]
            made.append(Document(kind, (each.id,), {**body, party: each.party, "units": units}))
    return tuple(made)


def _unit(scenario: Scenario, unit: AnnouncedUnit) -> dict[str, Any]:
    lines = []
    for line in unit.lines:
        each: dict[str, Any] = {"gtin": line.gtin, "lot": line.lot, "expiry": str(scenario.expiry(line.gtin, line.lot))}
        each |= {"quantity": str(line.quantity), "unit": "each"}
        if line.first is not None:
            each["ranges"] = [[str(line.first), str(line.first + line.quantity - 1)]]
        lines.append(each)
    weight = {} if unit.gross_weight is None else {"gross_weight": {"value": unit.gross_weight, "unit": "kg"}}
    return {"sscc": unit.sscc, **weight, "lines": lines}


def gateway_config(scenario: Scenario, ports: Mapping[str, Any]) -> str:
    """The gateway's configuration (TOML, DESIGN §6) for this scenario on the simulators' `ports`.

    Args:
        scenario: the scenario.
        ports: the site's ready line, `{"readers": {id: port}, "modbus": port, "scale": {id: port}}`, and
            `mqtt` (port), `state` (directory), `socket` (path).
    """
    site = scenario.site
    tables: list[tuple[str, dict[str, Any]]] = [
        ("[site]", {"id": site.id, "timezone": site.timezone, "gln": site.gln}),
        ("[gateway]", {"id": site.gateway, "state": str(ports["state"])}),
    ]
    tables += [("[[location]]", {"id": each.id, "kind": each.kind}) for each in scenario.location]
    tables += [
        ("[[reader]]", {"id": each.reader, "kind": "llrp", "url": _url("llrp", ports["readers"][each.reader])})
        for each in scenario.portal
    ]
    tables += [("[[portal]]", _portal(each)) for each in scenario.portal]
    for sensor in scenario.sensor:
        tables += _sensor(sensor, int(ports["modbus"]))
    for portal in scenario.portal:
        if portal.scale is not None:
            url = _url("tcp", ports["scale"][portal.scale])
            tables.append(("[[scale]]", {"id": portal.scale, "portal": portal.id, "url": url, "dialect": "and"}))
    for alarm in scenario.alarm:
        limits = {"id": alarm.id, "sensor": alarm.sensor, "quantity": alarm.field, "high": alarm.high}
        delays = {"on_delay": f"{alarm.on_delay:g}s", "off_delay": f"{alarm.off_delay:g}s"}
        rest = {"deadband": alarm.deadband, **delays, "priority": alarm.priority, "hold": alarm.hold}
        tables.append(("[[alarm]]", {**limits, **rest}))
    tables.append(("[mqtt]", {"url": _url("mqtt", ports["mqtt"]), "protocol": "3.1.1"}))
    tables.append(("[api]", {"listen": "127.0.0.1:0", "socket": str(ports["socket"])}))
    return "\n".join(f"{head}\n{_assignments(body)}" for head, body in tables)


def _url(scheme: str, port: int) -> str:
    return f"{scheme}://127.0.0.1:{port}"


def _portal(portal: Portal) -> dict[str, Any]:
    antennas = [
        {"reader": portal.reader, "port": each.port, "row": each.row, "side": each.side} for each in portal.antennas
    ]
    eyes = [{"reader": portal.reader, "port": e.port, "row": e.row, "blocked": e.blocked} for e in portal.eyes]
    lamps = {"green": portal.green, "red": portal.red, "amber": portal.amber, "hold": portal.hold}
    head = {"id": portal.id, "location": portal.location, "preset": "dock-4-antenna"}
    return {**head, "antennas": antennas, "eyes": eyes, "lights": {"reader": portal.reader, **lamps}}


def _sensor(sensor: Sensor, port: int) -> list[tuple[str, dict[str, Any]]]:
    profile = f"{sensor.id}-registers"
    fields = [
        {"name": each.name, "address": each.address, "type": each.type, "scale": each.scale, "unit": each.unit}
        for each in sensor.fields
    ]
    where = {"id": sensor.id, "location": sensor.location, "url": f"modbus+tcp://127.0.0.1:{port}/{sensor.unit}"}
    return [
        ("[[profile]]", {"id": profile, "table": "input", "fields": fields}),
        ("[[sensor]]", {**where, "profile": profile, "poll": sensor.poll}),
    ]


def _assignments(body: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {_toml(value)}\n" for key, value in body.items())


def _toml(value: Any) -> str:
    """A TOML value; JSON's strings, numbers and booleans are TOML's too."""
    if isinstance(value, list):
        items = "".join(f"  {_toml(each)},\n" for each in value)
        return f"[\n{items}]"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
