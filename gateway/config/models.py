"""The tables of the configuration file as pydantic models, one class per table.

Field descriptions say what a setting is, with its unit; they are what a "missing" problem shows. Durations are
integer microseconds once read, sizes bytes. Devices and their registers are in `devices`.
"""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from gateway.config import addresses
from gateway.config.rulefiles import SETS, RuleSetName
from gateway.config.values import (
    Epc,
    FileName,
    Gln,
    Id,
    Part,
    Secret,
    SocketName,
    TopicPrefix,
    Zone,
    duration,
    extent,
    size,
    span,
)
from gateway.identity.numbers import template_problem

LocationKind = Literal["dock", "zone", "cold_room", "freezer", "staging", "lane", "quarantine", "outside", "other"]


class Site(Part):
    """`[site]`: the building this gateway stands in."""

    id: Id = Field(description="the id of the building")
    timezone: Zone = Field(default="UTC", description="IANA time zone of the site")
    gln: Gln | None = Field(default=None, description="GS1 Global Location Number of the site, 13 digits")
    company_prefix_length: int | None = Field(
        default=None, ge=6, le=12, description="digits of your GS1 company prefix"
    )
    owner: str = Field(default="", max_length=200, description="who owns the goods")
    lot_number: str = Field(default="", description='our numbers for lots that have none: "B{date:%Y%m%d}-{seq:03}"')

    @field_validator("lot_number")
    @classmethod
    def _template(cls, template: str) -> str:
        if template and (problem := template_problem(template)):
            raise ValueError(problem)
        return template


class Gateway(Part):
    """`[gateway]`: this box."""

    id: Id = Field(description="the id of this box, unique in the site")
    state: FileName = Field(default="/var/lib/tallyman", description="directory of journal, ledger and spool")


class Location(Part):
    """`[[location]]`: where goods rest (EPCIS bizLocation)."""

    id: Id = Field(description="the id of the place")
    kind: LocationKind = Field(default="zone", description="what sort of place it is")
    climate_class: Id | None = Field(default=None, description="name of the climate the place keeps")


class Alarm(Part):
    """`[[alarm]]`: one limit on one quantity of one sensor (ISA-18.2 alarm)."""

    id: Id = Field(description="the id of the alarm")
    sensor: str = Field(description="the id of a [[sensor]]")
    quantity: str = Field(description="the name of a field in the sensor's profile")
    high: float | None = Field(default=None, description="alarm above this, in the quantity's unit")
    low: float | None = Field(default=None, description="alarm below this, in the quantity's unit")
    deadband: float = Field(
        default=0.0, ge=0, description="how far back inside before it clears, in the quantity's unit"
    )
    on_delay: Annotated[int, span("0s", "7d")] = Field(default=0, description="how long beyond before it is an alarm")
    off_delay: Annotated[int, span("0s", "7d")] = Field(default=0, description="how long back inside before it clears")
    priority: Literal["low", "medium", "high", "critical"] = Field(default="medium", description="how urgent it is")
    hold: bool = Field(default=False, description="put the lots of the location on hold")
    inclusive: bool = Field(default=False, description="the limit itself is already beyond")

    @property
    def side(self) -> str:
        """`high` or `low`."""
        return "low" if self.high is None else "high"

    @property
    def limit(self) -> float:
        """The limit, whichever side it is on (the cross-checks demand exactly one)."""
        return (self.low or 0.0) if self.high is None else self.high


class Rules(Part):
    """`[rules]`: rule files and what the rules never look at."""

    files: tuple[FileName, ...] = Field(default=(), strict=False, description="rule files, relative to this file")
    sets: tuple[RuleSetName, ...] = Field(default=SETS, strict=False, description="rule sets that come with Tallyman")
    ignore: tuple[Epc, ...] = Field(default=(), strict=False, description="EPCs (hex) that never count, as badges")


class Mqtt(Part):
    """`[mqtt]`: the broker of central."""

    url: addresses.MqttUrl = Field(description='the broker, such as "mqtts://broker:8883"')
    protocol: Literal["auto", "5", "3.1.1"] = Field(default="auto", description="MQTT version")
    client_id: str | None = Field(default=None, min_length=1, max_length=64, description="MQTT client identifier")
    username: str | None = Field(default=None, min_length=1, description="user at the broker")
    password: Secret | None = Field(default=None, description="where the password is kept")
    ca: FileName | None = Field(default=None, description="file with the certificates of trusted authorities")
    certificate: FileName | None = Field(default=None, description="file with our client certificate")
    key: FileName | None = Field(default=None, description="file with the key of our client certificate")
    prefix: TopicPrefix = Field(default="tallyman/v1", description="first segments of every topic")
    window: int = Field(default=20, ge=1, le=1000, description="events in flight, not yet acknowledged")
    park_after: int = Field(
        default=5, ge=1, le=1000, description="on 3.1.1: connection deaths at one event before it parks"
    )
    retain: Annotated[int, span("1h")] = Field(
        default=duration("30d"), description="how long sent events are kept, for central to ask for again"
    )
    confirm_within: Annotated[int, span("1s")] | None = Field(
        default=None, description="send again what central has not confirmed by then; default: it never confirms"
    )

    @property
    def address(self) -> addresses.Endpoint:
        """Host, port and whether TLS is asked for."""
        return addresses.mqtt(self.url)


class InfluxDb(Part):
    """`[influxdb]`: where measurements are sent."""

    url: addresses.HttpUrl = Field(description='the server, such as "http://influxdb:8086"')
    api: Literal["v2"] = Field(default="v2", description="the write API")
    org: str = Field(min_length=1, description="organisation")
    bucket: str = Field(min_length=1, description="bucket")
    token: Secret | None = Field(default=None, description="where the token is kept")
    batch: int = Field(default=1000, ge=1, le=10_000, description="most points per request")
    flush: Annotated[int, span("10ms", "5m")] = Field(
        default=duration("1s"), description="longest wait for a full batch"
    )
    spool: Annotated[int, extent("1MiB")] = Field(default=size("64MiB"), description="disk for waiting points")


class Telemetry(Part):
    """`[telemetry]`: measurements kept on this box."""

    ring: Annotated[int, span("1h")] = Field(default=duration("30d"), description="how long measurements are kept here")


class Journal(Part):
    """`[journal]`: the append-only log of inputs."""

    segment: Annotated[int, extent("64KiB", "1GiB")] = Field(
        default=size("16MiB"), description="size that closes a file"
    )
    retain: Annotated[int, span("1h")] = Field(default=duration("30d"), description="how long closed files are kept")
    group: Annotated[int, span("1ms", "100ms")] = Field(
        default=duration("100ms"), description="longest wait for an fsync"
    )


class Ledger(Part):
    """`[ledger]`: the database."""

    url: addresses.DatabaseUrl | None = Field(default=None, description="SQLAlchemy URL; default: SQLite in the state")
    password: Secret | None = Field(default=None, description="where the database password is kept")


class Api(Part):
    """`[api]`: HTTP and the local command socket."""

    listen: addresses.Listen = Field(default="127.0.0.1:8047", description='address and port of HTTP; "" is off')
    socket: SocketName = Field(default="/run/tallyman/tallyman.sock", description='unix socket for commands; "" is off')

    @property
    def address(self) -> addresses.Endpoint | None:
        """Host and port to listen on, None when off."""
        return addresses.listen(self.listen)


class Log(Part):
    """`[log]`: what is written to stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least severity that is written"
    )
    format: Literal["auto", "json", "console"] = Field(
        default="auto", description="auto: console on a terminal, else json"
    )
