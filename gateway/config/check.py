"""`tallyman check`: what a sound configuration says, for people, and whether its secrets can be read here."""

from collections import Counter
from collections.abc import Iterable

from gateway.config.configuration import Configuration
from gateway.config.values import duration_text
from gateway.errors import ConfigError, Problem


def report(configuration: Configuration) -> list[str]:
    """A summary, one line per thing, without secrets."""
    site = configuration.site
    lines = [
        f"site {site.id}, gateway {configuration.gateway.id}, time zone {site.timezone}, state in {configuration.state}"
    ]
    kinds = Counter(place.kind for place in configuration.locations)
    lines.append(f"locations: {_list(f'{count} {kind}' for kind, count in sorted(kinds.items()))}")
    for reader in configuration.readers:
        power = "the reader's own power" if reader.power_dbm is None else f"{reader.power_dbm:g} dBm"
        lines.append(f"reader {reader.id}: {reader.url}, {power}, session {reader.session}")
    for portal in configuration.portals:
        numbers = portal.numbers
        way = f"{portal.outside} to {portal.location}" if portal.outside else f"dock door of {portal.location}"
        lights = ", lights" if portal.lights else ""
        lines.append(
            f"portal {portal.id}: {way}, {len(portal.antennas)} antennas, {len(portal.eyes)} eyes{lights}, "
            f"closes {duration_text(numbers.quiet + numbers.settle)} after the last read, "
            f"{numbers.min_reads} reads from {numbers.min_rssi:g} dBm"
            + "".join(f", {name} counts {weight:g} times" for name, weight in portal.weights.items())
        )
    for sensor in configuration.sensors:
        names = _list(field.name for field in configuration.profile(sensor).fields)
        lines.append(
            f"sensor {sensor.id}: {sensor.location}, {sensor.url}, {sensor.profile} ({names}), "
            f"every {duration_text(sensor.poll)}"
        )
    opens = {"never": "", "weight": ", a new weight opens a passage", "line": ", each line opens a passage"}
    lines += [
        f"scale {one.id}: portal {one.portal}, {one.url}, {one.dialect}{opens[one.opens]}"
        for one in configuration.scales
    ]
    for alarm in configuration.alarms:
        side, hold = "above" if alarm.side == "high" else "below", ", holds the lots" if alarm.hold else ""
        lines.append(
            f"alarm {alarm.id}: {alarm.sensor} {alarm.quantity} {side} {alarm.limit:g} "
            f"for {duration_text(alarm.on_delay)}, {alarm.priority}{hold}"
        )
    examples = sum(len(rule.examples) for rule in configuration.settings().rules)
    lines.append(
        f"rules: {len(configuration.settings().rules)} of {_list(one.file for one in configuration.rule_texts)}; "
        f"{examples} examples hold"
    )
    return lines + _uplink(configuration)


def _uplink(configuration: Configuration) -> list[str]:
    mqtt, influxdb, api = configuration.mqtt, configuration.influxdb, configuration.api
    events, measurements = "kept, not sent (no [mqtt])", "kept here only (no [influxdb])"
    if mqtt:
        events = f"{mqtt.url} under {mqtt.prefix}/{configuration.site.id}"
    if influxdb:
        measurements = f"{influxdb.url} bucket {influxdb.bucket}"
    return [
        f"events: {events}",
        f"measurements: {measurements}",
        f"ledger: {configuration.ledger.url or f'SQLite in {configuration.state}'}",
        f"http: {api.listen or 'off'}, commands: {api.socket or 'off'}",
    ]


def _list(words: Iterable[str]) -> str:
    return ", ".join(words) or "none"


def unreadable(configuration: Configuration) -> list[Problem]:
    """The secrets that cannot be read on this machine by this user."""
    problems: list[Problem] = []
    for secret in configuration.secrets():
        try:
            secret.reveal()
        except ConfigError as error:
            problems += error.problems
    return problems
