"""The configuration as a whole: from text to a checked `Configuration`, and from that to the settings of the rules."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, ValidationError

from gateway.config import crosscheck, messages
from gateway.config.devices import Lights, Portal, Profile, Reader, Scale, Sensor, builtin_profiles
from gateway.config.locate import locate
from gateway.config.models import (
    Alarm,
    Api,
    Gateway,
    InfluxDb,
    Journal,
    Ledger,
    Location,
    Log,
    Mqtt,
    Rules,
    Site,
    Telemetry,
)
from gateway.config.rulefiles import read_rules, shipped
from gateway.config.values import Part, Secret
from gateway.errors import ConfigError, Problem
from gateway.model import settings
from gateway.model.rules import Rule, RuleText

_LARGEST = 1024 * 1024


class Configuration(Part):
    """Everything the file says, checked. [[tables]] are plural here: `[[reader]]` is `readers`."""

    site: Site = Field(description="the building, with an id")
    gateway: Gateway = Field(description="this box, with an id")
    locations: tuple[Location, ...] = Field(default=(), alias="location", strict=False)
    readers: tuple[Reader, ...] = Field(default=(), alias="reader", strict=False)
    portals: tuple[Portal, ...] = Field(default=(), alias="portal", strict=False)
    profiles: tuple[Profile, ...] = Field(default=(), alias="profile", strict=False)
    sensors: tuple[Sensor, ...] = Field(default=(), alias="sensor", strict=False)
    scales: tuple[Scale, ...] = Field(default=(), alias="scale", strict=False)
    alarms: tuple[Alarm, ...] = Field(default=(), alias="alarm", strict=False)
    rules: Rules = Rules()
    mqtt: Mqtt | None = None
    influxdb: InfluxDb | None = None
    telemetry: Telemetry = Telemetry()
    journal: Journal = Journal()
    ledger: Ledger = Ledger()
    api: Api = Api()
    log: Log = Log()
    _text: str = PrivateAttr(default="")
    _base: Path = PrivateAttr(default=Path())
    _file: Path | None = PrivateAttr(default=None)
    _rule_texts: tuple[RuleText, ...] = PrivateAttr(default=())
    _rules: tuple[Rule, ...] = PrivateAttr(default=())

    @property
    def text(self) -> str:
        """The file as it was read, for the journal. It never holds a secret."""
        return self._text

    @property
    def file(self) -> Path | None:
        """The file it was read from; None: it is a text out of a journal."""
        return self._file

    @property
    def rule_texts(self) -> tuple[RuleText, ...]:
        """The files of rules as they were read, those that come with Tallyman first; for the journal."""
        return self._rule_texts

    def path(self, name: str) -> Path:
        """A path of the file: relative ones start at the directory of the file itself."""
        return self._base / name

    @property
    def state(self) -> Path:
        """The directory of journal, ledger and spool."""
        return self.path(self.gateway.state)

    @property
    def ledger_url(self) -> str:
        """The database, SQLite in the state directory unless the file says otherwise (without its password)."""
        return self.ledger.url or f"sqlite:///{self.state / 'ledger.db'}"

    @property
    def client_id(self) -> str:
        """The MQTT client identifier."""
        return (self.mqtt and self.mqtt.client_id) or f"tallyman-{self.site.id}-{self.gateway.id}"

    def profile(self, sensor: Sensor) -> Profile:
        """The register map of a sensor."""
        return next(profile for profile in (*self.profiles, *builtin_profiles()) if profile.id == sensor.profile)

    def secrets(self) -> Iterator[Secret]:
        """Every secret that the file names."""
        places = ((self.mqtt and self.mqtt.password), (self.influxdb and self.influxdb.token), self.ledger.password)
        yield from (secret for secret in places if secret)

    def settings(self) -> settings.Settings:
        """What the rules are told: presets as numbers, durations in µs."""
        return settings.Settings(
            site=self.site.id,
            gateway=self.gateway.id,
            timezone=self.site.timezone,
            gln=self.site.gln,
            prefix_length=self.site.company_prefix_length,
            owner=self.site.owner,
            locations=tuple(settings.Location(place.id, place.kind, place.climate_class) for place in self.locations),
            portals=tuple(_portal(portal) for portal in self.portals),
            sensors=tuple(settings.Sensor(sensor.id, sensor.location) for sensor in self.sensors),
            scales=tuple(settings.Scale(scale.id, scale.portal, scale.opens) for scale in self.scales),
            limits=tuple(_limit(alarm) for alarm in self.alarms),
            ignore=tuple(sorted(set(self.rules.ignore))),
            lot_number=self.site.lot_number,
            rules=self._rules,
            topic_prefix=self.mqtt.prefix if self.mqtt else "tallyman/v1",
        )


def _portal(portal: Portal) -> settings.Portal:
    numbers = portal.numbers
    lights = portal.lights
    return settings.Portal(
        id=portal.id,
        location=portal.location,
        antennas=tuple(settings.Antenna(point.reader, point.port, point.row, point.side) for point in portal.antennas),
        eyes=tuple(settings.Eye(eye.reader, eye.port, eye.row, eye.blocked) for eye in portal.eyes),
        neighbours=portal.neighbours,
        outside=portal.outside,
        lights=_lights(lights) if lights is not None else None,
        quiet=numbers.quiet,
        settle=numbers.settle,
        longest=numbers.longest,
        gap=numbers.gap,
        flow=numbers.flow,
        min_reads=numbers.min_reads,
        min_rssi=numbers.min_rssi,
        unknown_tags=portal.unknown_tags,
        empties=portal.empties,
        weights=tuple(sorted((name, round(100 * weight)) for name, weight in numbers.weights)),
    )


def _lights(lights: Lights) -> settings.Lights:
    return settings.Lights(lights.reader, lights.green, lights.red, lights.amber, lights.hold, lights.buzzer)


def _limit(alarm: Alarm) -> settings.Limit:
    return settings.Limit(
        id=alarm.id,
        sensor=alarm.sensor,
        quantity=alarm.quantity,
        side=alarm.side,
        limit=alarm.limit,
        deadband=alarm.deadband,
        on_delay=alarm.on_delay,
        off_delay=alarm.off_delay,
        priority=alarm.priority,
        hold=alarm.hold,
        inclusive=alarm.inclusive,
    )


def load(path: Path) -> Configuration:
    """Read and check a configuration file.

    Raises:
        ConfigError: the file cannot be read, or is wrong: every mistake at once, in file order.
    """
    name = str(path)
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or "not a usable path"
        raise ConfigError([Problem(name, 1, "file", f"cannot be read: {reason}; give the file with -c FILE")]) from None
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem(name, line, "file", "is not UTF-8 text; save it as UTF-8")]) from None
    configuration = parse(text, name, base=path.parent)
    configuration._file = path
    return configuration


def parse(
    text: str, file: str = "configuration", *, base: Path | None = None, rules: tuple[RuleText, ...] = ()
) -> Configuration:
    """Check a configuration text. `file` names it in problems.

    `base` is the directory that relative paths start from. Without it (a text out of a journal) no file is looked at,
    and the rules are `rules`, as they stand beside it in the journal.

    Raises:
        ConfigError: every mistake at once, in file order.
    """
    document = _document(text, file)
    lines = locate(text)
    sheet = crosscheck.sheet(document, lines, base)
    found: list[tuple[int, str, str]] = []
    configuration = None
    try:
        configuration = Configuration.model_validate(document)
    except ValidationError as refused:
        for error in refused.errors(include_url=False):
            place = error["loc"]
            sentence = messages.sentence(error, Configuration)
            found.append((sheet.line(place), messages.path_text(place, document), sentence))
    for place, sentence in crosscheck.findings(sheet):
        found.append((sheet.line(place), messages.path_text(place, document), sentence))
    if found or configuration is None:
        found.sort(key=lambda one: one[0])
        raise ConfigError([Problem(file, line, path, sentence) for line, path, sentence in dict.fromkeys(found)])
    if base is not None:
        rules = _rule_files(configuration, base)
    configuration._rule_texts, configuration._rules = rules, read_rules(rules)
    _settle(configuration, text, base or Path(), sheet, file)
    return configuration


def _rule_files(configuration: Configuration, base: Path) -> tuple[RuleText, ...]:
    """The rule sets that come with Tallyman and are asked for, then the site's own files.

    Raises:
        ConfigError: a file that cannot be read.
    """
    texts = [shipped(name) for name in configuration.rules.sets]
    for name in configuration.rules.files:
        try:
            texts.append(RuleText(str(base / name), (base / name).read_text("utf-8")))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            raise ConfigError([Problem(str(base / name), 1, "file", f"cannot be read: {reason}")]) from None
    return tuple(texts)


def _document(text: str, file: str) -> dict[str, Any]:
    """The TOML document, or the one problem that makes it none."""
    if len(text) > _LARGEST:
        raise ConfigError([Problem(file, 1, "file", "is larger than 1 MiB; this cannot be a configuration")])
    try:
        return tomllib.loads(text)
    except RecursionError:
        problem = Problem(file, 1, "file", "is nested too deeply; no setting needs more than three levels")
    except ValueError as error:  # TOMLDecodeError is one; so is an integer of more than 4300 digits
        line, sentence = messages.syntax(error, text)
        problem = Problem(file, line, "file", sentence)
    raise ConfigError([problem])


def _settle(configuration: Configuration, text: str, base: Path, sheet: crosscheck.Sheet, file: str) -> None:
    """Tell a checked configuration where it came from."""
    configuration._text = text
    configuration._base = base
    places = (("mqtt", "password"), ("influxdb", "token"), ("ledger", "password"))
    for section, key in places:
        secret = getattr(getattr(configuration, section), key, None)
        if secret is not None:
            secret._where = (file, sheet.line((section, key)), f"{section}.{key}")
            secret._base = base
