"""The devices of the configuration and the read points made of them: readers, portals, sensors, registers, scales."""

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from gateway.config import addresses
from gateway.config.messages import meant, quoted
from gateway.config.presets import PRESETS, Preset
from gateway.config.values import FileName, Id, Part, duration, span
from gateway.model.settings import FEATURES

Port = Annotated[int, Field(ge=1, le=65535)]
Row = Literal["inner", "outer", "middle"]
Table = Literal["holding", "input", "coil", "discrete"]
Order = Literal["ABCD", "DCBA", "BADC", "CDAB"]
Type = Literal["int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "bool"]
WIDTHS = {
    "int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "int64": 4, "uint64": 4, "float32": 2, "float64": 4, "bool": 1,
}  # fmt: skip
"""Registers (or bits, in a bit table) that a field of each type takes."""


def _unless_always(value: Any) -> Any:
    return None if value == "always" else value


def _check_mode(value: Any) -> Any:
    number = type(value) is int and 0 <= value < 1 << 16
    if not number and not (isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9 _-]{0,40}", value, re.ASCII)):
        raise ValueError('must be a reader mode: its number, 0 to 65535, or its name, such as "dense"')
    return value


def _check_mask(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Fa-f]{1,124}", text, re.ASCII):
        raise ValueError('must be 1 to 124 hexadecimal digits, such as "3034"')
    return text.upper()


Mode = Annotated[Any, BeforeValidator(_check_mode)]
Mask = Annotated[str, AfterValidator(_check_mask)]


class Filter(Part):
    """One Gen2 Select of a reader: only tags that fit one of its filters are read."""

    bank: Literal["epc", "tid", "user"] = Field(default="epc", description="the memory of the tag to look at")
    pointer: int | None = Field(
        default=None, ge=0, le=65535, description="first bit; default: 32 in epc, where the EPC begins, else 0"
    )
    mask: Mask = Field(description="what must stand there, in hexadecimal, four bits a digit")

    @property
    def start(self) -> int:
        """The first bit."""
        return self.pointer if self.pointer is not None else 32 if self.bank == "epc" else 0


class Trigger(Part):
    """When a reader reads: from an input's edge on, in rounds, or now and then."""

    gpi: Port | None = Field(default=None, description="GPI port of the reader that starts it, from 1")
    level: bool | None = Field(default=None, description="the level of the input that starts it; default true")
    timeout: Annotated[int, span("100ms", "1h")] | None = Field(default=None, description="longest reading by an input")
    quiet: Annotated[int, span("50ms", "1m")] | None = Field(
        default=None, description="time without a new tag that ends it"
    )
    period: Annotated[int, span("100ms", "1d")] | None = Field(default=None, description="time between two starts")
    duration: Annotated[int, span("50ms", "1d")] | None = Field(default=None, description="reading time of each period")

    @model_validator(mode="after")
    def _one_kind(self) -> "Trigger":
        given = self.model_fields_set
        if not any(given <= kind and need <= given for need, kind in _TRIGGERS):
            raise ValueError(
                "must be {gpi, level, timeout, quiet} with gpi at least, {quiet} alone, or {period, duration}; "
                "to read always leave it out"
            )
        if self.period is not None and self.duration is not None and self.duration >= self.period:
            raise ValueError("duration must be shorter than period; to read always leave trigger out")
        return self


_TRIGGERS = (
    ({"gpi"}, {"gpi", "level", "timeout", "quiet"}),
    ({"quiet"}, {"quiet"}),
    ({"period", "duration"}, {"period", "duration"}),
)
"""What each kind of trigger needs, and what it may have."""


class Reader(Part):
    """`[[reader]]`: an RFID reader that speaks LLRP 1.0.1 or 1.1."""

    id: Id = Field(description="the id of the reader")
    kind: Literal["llrp", "sllurp"] = Field(default="llrp", description="the driver: ours, or sllurp's (an extra)")
    url: addresses.LlrpUrl = Field(description='where it answers, such as "llrp://192.0.2.10", or "llrps://…" for TLS')
    keepalive: Annotated[int, span("50ms", "10m")] = Field(
        default=duration("5s"), description="time between KEEPALIVEs"
    )
    power_dbm: float | None = Field(
        default=None, ge=-20, le=40, description="transmit power, dBm; default: the reader's own"
    )
    session: int = Field(default=2, ge=0, le=3, description="Gen2 session")
    mode: Mode | None = Field(default=None, description="reader mode, by number or name; default: the reader's own")
    tag_population: int = Field(default=32, ge=1, le=65535, description="tags expected in view at once")
    takeover: bool = Field(default=False, description="delete ROSpecs of other clients")
    report_every: int = Field(default=1, ge=1, le=65535, description="tags per report")
    report_period: Annotated[int, span("10ms", "1m")] | None = Field(
        default=None, description="longest wait for so many"
    )
    llrp_version: Literal["1.0.1", "1.1"] = Field(
        default="1.0.1", description="the highest LLRP version to speak; 1.1 is asked for, and done without"
    )
    filters: tuple[Filter, ...] = Field(default=(), strict=False, description="a list of {bank, pointer, mask}")
    trigger: Annotated[Trigger | None, BeforeValidator(_unless_always)] = Field(
        default=None, description="when it reads; default: always"
    )
    ca: FileName | None = Field(default=None, description="trusted authorities; default: those of the system")
    certificate: FileName | None = Field(default=None, description="client certificate")
    key: FileName | None = Field(default=None, description="its key")

    @property
    def address(self) -> addresses.Endpoint:
        """Host and port."""
        return addresses.llrp(self.url)


class Antenna(Part):
    """One antenna of a portal."""

    reader: str = Field(description="the id of a [[reader]]")
    port: Port = Field(description="antenna port of the reader, from 1")
    row: Row = Field(default="middle", description="outer is towards the street")
    side: Literal["left", "right", "top"] = Field(
        default="left", description="which side of the door, seen from inside"
    )
    power_dbm: float | None = Field(
        default=None, ge=-20, le=40, description="transmit power, dBm; default: that of the reader"
    )


class Eye(Part):
    """One photo-eye of a portal, on a reader's general purpose input."""

    reader: str = Field(description="the id of a [[reader]]")
    port: Port = Field(description="GPI port of the reader, from 1")
    row: Row = Field(default="middle", description="outer is towards the street")
    blocked: bool = Field(default=True, description="the level that means something is in the beam")


class Lights(Part):
    """The light stack of a portal, on a reader's general purpose outputs."""

    reader: str = Field(description="the id of a [[reader]]")
    green: Port | None = Field(default=None, description="GPO port of the green lamp")
    red: Port | None = Field(default=None, description="GPO port of the red lamp")
    amber: Port | None = Field(default=None, description="GPO port of the amber lamp")
    buzzer: Port | None = Field(default=None, description="GPO port of the buzzer, which sounds with red")
    hold: Annotated[int, span("100ms", "10m")] = Field(default=duration("5s"), description="how long a lamp stays lit")


class Portal(Part):
    """`[[portal]]`: a dock door, inner door or other read point. Numbers left out come from the preset."""

    id: Id = Field(description="the id of the read point")
    location: str = Field(description="the id of the [[location]] where what comes in rests")
    preset: Literal["dock-4-antenna", "dock-2-antenna", "single-antenna", "conveyor", "shelf"] | None = Field(
        default=None, description="the kind of read point"
    )
    antennas: tuple[Antenna, ...] = Field(strict=False, description="a list of {reader, port, row, side, power_dbm}")
    eyes: tuple[Eye, ...] = Field(default=(), strict=False, description="a list of {reader, port, row, blocked}")
    neighbours: tuple[str, ...] = Field(default=(), strict=False, description="portals so near that they read our tags")
    outside: str | None = Field(default=None, description="the id of the location on the other side of an inner door")
    lights: Lights | None = Field(default=None, description="{reader, green, red, amber, buzzer, hold}")
    quiet: Annotated[int, span("50ms", "1m")] | None = Field(default=None, description="silence that ends a passage")
    settle: Annotated[int, span("0s", "1m")] | None = Field(default=None, description="wait for late reads after that")
    longest: Annotated[int, span("1s", "1h")] | None = Field(default=None, description="longest passage")
    gap: Annotated[int, span("0s", "10s")] | None = Field(
        default=None, description="a beam that is free for less is broken by the same thing again"
    )
    flow: Literal["in", "out", "either"] | None = Field(
        default=None, description="all that passes goes this way, in line, and nothing turns: a belt"
    )
    min_reads: int | None = Field(default=None, ge=1, le=1000, description="reads below which a tag is a stray")
    min_rssi: float | None = Field(
        default=None, ge=-120, le=0, description="signal below which a read does not count, dBm"
    )
    unknown_tags: Literal["ignore", "hold", "accept", "alarm"] = Field(
        default="hold", description="what to do with tags that nothing explains (assets, GIAI and GRAI, are no goods)"
    )
    empties: int = Field(default=4, ge=0, le=1000, description="empty passages in a row that are an alarm; 0: none are")
    weights: dict[str, Annotated[float, Field(ge=0, le=3)]] = Field(
        default_factory=dict, description="how much a feature of tags counts here: 0 nothing, 1 as ever, 3 at most"
    )

    @field_validator("weights")
    @classmethod
    def _features(cls, weights: dict[str, float]) -> dict[str, float]:
        unknown = [name for name in weights if name not in FEATURES]
        if wrong := [f"there is no feature {quoted(name)}{meant(name, FEATURES)}" for name in unknown]:
            raise ValueError("; ".join(wrong) + "; docs/portals.md names them")
        return weights

    # Not min_length: that would also count antennas that are given and wrong.
    @field_validator("antennas")
    @classmethod
    def _some(cls, antennas: tuple[Antenna, ...]) -> tuple[Antenna, ...]:
        if not antennas:
            raise ValueError("a portal needs at least one antenna: antennas = [{reader = …, port = 1}]")
        return antennas

    @property
    def numbers(self) -> Preset:
        """The preset with this portal's own numbers over it; without a preset, those of `model.settings`."""
        preset = PRESETS[self.preset] if self.preset else PRESETS["dock-4-antenna"]
        names = ("quiet", "settle", "longest", "gap", "min_reads", "min_rssi")
        own = {name: value for name in names if (value := getattr(self, name)) is not None}
        flow = preset.flow if self.flow is None else "" if self.flow == "either" else self.flow
        weights = tuple((dict(preset.weights) | self.weights).items())
        return preset._replace(flow=flow, weights=weights, **own)


class Register(Part):
    """One field of a profile: a number or bit at an address of a Modbus table."""

    name: Id = Field(description="the quantity, such as temperature")
    address: int = Field(ge=0, le=65535, description="0-based PDU address (a data sheet's 30001 is 0)")
    type: Type = Field(default="int16", description="how the registers are read")
    order: Order = Field(default="ABCD", description="order of the bytes on the wire")
    scale: float = Field(default=1.0, description="raw number times this")
    offset: float = Field(default=0.0, description="added after scaling")
    unit: str = Field(default="", max_length=32, description="UCUM unit, such as Cel or %")
    valid: tuple[float, float] | None = Field(
        default=None, strict=False, description="[lowest, highest] that can be true"
    )
    invalid_raw: tuple[int, ...] = Field(
        default=(), strict=False, description="raw numbers that mean the sensor is broken"
    )
    table: Table | None = Field(default=None, description="the profile's table, unless given here")
    bit: int | None = Field(default=None, ge=0, le=15, description="which bit of the register, 0 the lowest")

    @model_validator(mode="after")
    def _fits(self) -> "Register":
        if self.address + WIDTHS[self.type] > 65536:
            raise ValueError(f"a {self.type} at address {self.address} ends beyond the last address, 65535")
        if self.scale == 0:
            raise ValueError("scale must not be 0: every reading would be the offset")
        if self.valid and self.valid[0] >= self.valid[1]:
            raise ValueError("valid must be [lowest, highest], the lower first")
        if self.bit is not None and self.type not in ("uint16", "bool"):
            raise ValueError(f"bit takes one bit of a register: type must be uint16 or bool, not {self.type}")
        return self


class Profile(Part):
    """`[[profile]]`: a register map that sensors share."""

    id: Id = Field(description="the id of the register map")
    table: Table = Field(default="input", description="where the fields are")
    fields: tuple[Register, ...] = Field(strict=False, description="a list of {name, address, type, …}")

    @field_validator("fields")
    @classmethod
    def _some(cls, fields: tuple[Register, ...]) -> tuple[Register, ...]:
        if not fields:
            raise ValueError('a profile needs at least one field: fields = [{name = "temperature", address = 0}]')
        return fields

    def register(self, name: str) -> Register | None:
        """The field of that name, None when there is none."""
        return next((field for field in self.fields if field.name == name), None)


class Sensor(Part):
    """`[[sensor]]`: a Modbus unit that watches a location."""

    id: Id = Field(description="the id of the sensor")
    location: str = Field(description="the id of the [[location]] it watches")
    url: addresses.ModbusUrl = Field(description='where it answers, such as "modbus+tcp://192.0.2.20:502/1"')
    profile: str = Field(description="the id of a [[profile]], or of one that comes with Tallyman")
    poll: Annotated[int, span("50ms", "1d")] = Field(default=duration("10s"), description="time between two readings")
    timeout: Annotated[int, span("10ms", "1m")] = Field(
        default=duration("1s"), description="longest wait for an answer"
    )

    @property
    def address(self) -> addresses.ModbusAddress:
        """Framing, host, port and unit."""
        return addresses.modbus(self.url)


class Scale(Part):
    """`[[scale]]`: a scale head that weighs what passes a portal."""

    id: Id = Field(description="the id of the scale")
    portal: str = Field(description="the id of the [[portal]] whose passages it weighs")
    url: addresses.ScaleUrl = Field(description='where it answers, such as "tcp://192.0.2.30:8001"')
    dialect: Literal["and"] = Field(default="and", description="the indicator's language")
    poll: Annotated[int, span("50ms", "1m")] | None = Field(
        default=None, description="ask this often; default: it streams"
    )
    stale: Annotated[int, span("100ms", "1h")] = Field(
        default=duration("5s"), description="silence that makes it stale"
    )

    opens: Literal["never", "weight", "line"] = Field(
        default="never", description="what of it opens a passage: a new weight that settles, or each line it sends"
    )

    @property
    def address(self) -> addresses.Endpoint | addresses.SerialLine:
        """A TCP address or a serial line."""
        return addresses.scale(self.url)


@cache
def builtin_profiles() -> tuple[Profile, ...]:
    """The register maps that come with Tallyman (profiles.toml in this package)."""
    text = resources.files("gateway.config").joinpath("profiles.toml").read_text("utf-8")
    return tuple(Profile.model_validate(profile) for profile in tomllib.loads(text)["profile"])
