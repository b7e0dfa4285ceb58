"""What a first look at a reader found, put together from its answers: facts, warnings in words, what we would set.

Pure: messages come in, a `Survey` goes out. `probe` is the shell that asks. What a reader did not say is None, empty or
"unknown", never a guess.
"""

from collections.abc import Iterator
from itertools import pairwise

from msgspec import Struct

from gateway.readers.llrp.capabilities import Capabilities, agreed, read_capabilities, read_versions
from gateway.readers.llrp.codec import Message, Parameter
from gateway.readers.llrp.fast import IMPINJ
from gateway.readers.llrp.settings import VERSION_1_0_1, VERSION_1_1, ReaderSettings
from gateway.readers.llrp.tables import VERSION_NAMES, label
from gateway.readers.llrp.wishes import granted, spoken, unmet

MAKERS = {
    161: "Zebra (Motorola)",
    388: "Zebra (Symbol)",
    1963: "Honeywell (Intermec)",
    6437: "Kathrein",
    10642: "Zebra",
    17996: "Alien",
    21108: "Harting",
    21336: "CAEN",
    24831: "Sirit",
    24866: "Turck",
    25882: "Impinj",
    26554: "ThingMagic",
    35827: "Invengo",
    38416: "Nordic ID",
    43645: "Feig",
    50877: "Balluff",
    51654: "CSL",
    52203: "Sick",
    53048: "Keonn",
}
"""IANA private enterprise numbers of those who make readers."""

COUNTRIES = {
    36: "Australia", 40: "Austria", 56: "Belgium", 76: "Brazil", 124: "Canada", 156: "China", 208: "Denmark",
    246: "Finland", 250: "France", 276: "Germany", 344: "Hong Kong", 356: "India", 380: "Italy", 392: "Japan",
    410: "Korea", 458: "Malaysia", 484: "Mexico", 528: "Netherlands", 554: "New Zealand", 578: "Norway",
    616: "Poland", 643: "Russia", 702: "Singapore", 710: "South Africa", 724: "Spain", 752: "Sweden",
    756: "Switzerland", 158: "Taiwan", 764: "Thailand", 826: "United Kingdom", 840: "United States",
}  # fmt: skip
"""ISO 3166 numeric codes, as in RegulatoryCapabilities.CountryCode."""

CLOCK_OFF = 2_000_000
"""µs of clock difference from which on it is worth a warning; reads are corrected at any difference."""


class Heard(Struct):
    """The answers of one reader; None where it refused or said nothing. `refusals`: why, in its words."""

    host: str
    port: int
    status: int = 0  # ConnectionAttemptStatusType
    versions: Message | None = None
    clock: int | None = None  # µs its UTC clock is ahead of ours
    uptime: bool = False  # its greeting carried an uptime, not UTC
    capabilities: Message | None = None
    configuration: Message | None = None
    rospecs: Message | None = None
    refusals: list[str] = []
    reports: int = 0  # tag reports it sent although nobody asked


class AntennaPort(Struct, frozen=True):
    """One antenna port; `connected` None: the reader does not say."""

    port: int
    connected: bool | None = None
    gain_dbi: float | None = None


class InputPort(Struct, frozen=True):
    """One general purpose input."""

    port: int
    enabled: bool
    state: str  # Low | High | Unknown


class FoundRospec(Struct, frozen=True):
    """A ROSpec that is on the reader."""

    id: int
    state: str
    ours: bool


class Survey(Struct, frozen=True, kw_only=True):
    """A reader at first contact. Powers in dBm, `clock_us` is how far its clock is ahead of ours."""

    host: str
    port: int
    free: bool  # it let us in
    version: str  # the highest LLRP version it speaks
    identity: str = ""  # its MAC address or EPC, hex
    manufacturer: str = "unknown"
    model: int | None = None
    firmware: str = "unknown"
    antennas: tuple[AntennaPort, ...] = ()
    country: str = "unknown"
    standard: str = "unknown"
    powers_dbm: tuple[float, float, float] | None = None  # lowest, highest, smallest step
    sensitivities_db: tuple[float, float] | None = None  # above the reader's best, lowest and highest
    inputs: tuple[InputPort, ...] = ()
    gpis: int = 0
    gpos: int = 0
    modes: tuple[int, ...] = ()  # C1G2 mode identifiers
    utc: bool | None = None  # it has a UTC clock
    clock_us: int | None = None
    holds: bool = False
    buffer_warning: bool = False
    max_rospecs: int | None = None
    rospecs: tuple[FoundRospec, ...] = ()
    warnings: tuple[str, ...] = ()
    would_configure: tuple[str, ...] = ()


def survey(heard: Heard, settings: ReaderSettings) -> Survey:
    """Read what was heard. `settings` is what the reader is wanted for: its fields make the last two parts."""
    facts = _facts(heard, settings)
    can = _would_be(heard, settings)
    found = Survey(**facts)  # type: ignore[arg-type]  # each value is what the codec's tables say it is
    warnings = (*_warnings(found, heard, settings), *_unfit(found, can, settings))
    wishes = tuple(_wishes(found, can, settings)) if found.free else ()
    return Survey(**{**facts, "warnings": warnings, "would_configure": wishes})  # type: ignore[arg-type]


def _would_be(heard: Heard, settings: ReaderSettings) -> Capabilities:
    """What our session would know of the reader, in the version it would agree on."""
    known = read_versions(heard.versions) if heard.versions is not None else Capabilities()
    if min(settings.version, known.highest) >= VERSION_1_1:
        known = agreed(known)
    return read_capabilities(heard.capabilities, known) if heard.capabilities is not None else known


def _version(heard: Heard) -> str:
    highest = read_versions(heard.versions).highest if heard.versions is not None else VERSION_1_0_1
    return VERSION_NAMES.get(highest, f"version {highest}")


def _facts(heard: Heard, settings: ReaderSettings) -> dict[str, object]:
    facts: dict[str, object] = {
        "host": heard.host,
        "port": heard.port,
        "free": heard.status == 0,
        "version": _version(heard),
        "clock_us": heard.clock,
        "utc": False if heard.uptime else None if heard.clock is None else True,
    }
    if heard.capabilities is not None:
        facts |= _general(heard.capabilities) | _regulatory(heard.capabilities)
    ports = int(str(facts.pop("ports", 0)))
    said = {} if heard.configuration is None else {port.port: port for port in _antennas(heard.configuration)}
    facts["antennas"] = tuple(said.get(port, AntennaPort(port)) for port in range(1, max([ports, *said]) + 1))
    if heard.configuration is not None:
        who = heard.configuration.first("Identification")
        facts["identity"] = bytes(who.fields["ReaderID"]).hex() if who is not None else ""
        facts["inputs"] = tuple(
            InputPort(p.fields["GPIPortNum"], p.fields["Config"], label("GPIPortState", p.fields["State"]))
            for p in heard.configuration.every("GPIPortCurrentState")
        )
    if heard.rospecs is not None:
        facts["rospecs"] = tuple(
            FoundRospec(
                p.fields["ROSpecID"],
                label("ROSpecState", p.fields["CurrentState"]).lower(),
                p.fields["ROSpecID"] == settings.rospec,
            )
            for p in heard.rospecs.every("ROSpec")
        )
    return facts


def _general(message: Message) -> dict[str, object]:
    facts: dict[str, object] = {}
    general, llrp = message.first("GeneralDeviceCapabilities"), message.first("LLRPCapabilities")
    if general is not None:
        number = general.fields["DeviceManufacturerName"]
        facts["manufacturer"] = MAKERS.get(number, f"IANA enterprise {number}")
        facts["model"] = general.fields["ModelName"]
        facts["firmware"] = plain(general.fields["ReaderFirmwareVersion"]) or "unknown"
        facts["ports"] = general.fields["MaxNumberOfAntennaSupported"]
        facts["utc"] = general.fields["HasUTCClockCapability"]
        levels = [e.fields["ReceiveSensitivityValue"] for e in general.every("ReceiveSensitivityTableEntry")]
        facts["sensitivities_db"] = (float(min(levels)), float(max(levels))) if levels else None
        gpio = general.first("GPIOCapabilities")
        if gpio is not None:
            facts["gpis"], facts["gpos"] = gpio.fields["NumGPIs"], gpio.fields["NumGPOs"]
    if llrp is not None:
        facts["holds"] = llrp.fields["SupportsEventAndReportHolding"]
        facts["buffer_warning"] = llrp.fields["CanReportBufferFillWarning"]
        facts["max_rospecs"] = llrp.fields["MaxNumROSpecs"]
    return facts


def _regulatory(message: Message) -> dict[str, object]:
    regulatory = message.first("RegulatoryCapabilities")
    if regulatory is None:
        return {}
    country = regulatory.fields["CountryCode"]
    facts: dict[str, object] = {
        "country": COUNTRIES.get(country, f"country {country}") if country else "unknown",
        "standard": label("CommunicationsStandard", regulatory.fields["CommunicationsStandard"]).replace("_", " "),
    }
    can = read_capabilities(message)
    facts["modes"] = can.modes
    powers = sorted({power for _, power in can.powers})
    if powers:
        steps = [high - low for low, high in pairwise(powers)]
        facts["powers_dbm"] = (powers[0] / 100, powers[-1] / 100, min(steps, default=0) / 100)
    return facts


def _antennas(message: Message) -> Iterator[AntennaPort]:
    for antenna in message.every("AntennaProperties"):
        fields = antenna.fields
        yield AntennaPort(fields["AntennaID"], fields["AntennaConnected"], fields["AntennaGain"] / 100)


def _warnings(found: Survey, heard: Heard, settings: ReaderSettings) -> Iterator[str]:
    """What a technician should know before this reader goes to work."""
    if heard.status in (1, 2):
        yield (
            "another client is connected: ask whoever else uses this reader (a running gateway, a second one, a "
            "vendor's tool) before you take it; nothing else could be asked"
        )
    elif heard.status:
        status = label("ConnectionAttemptStatusType", heard.status)
        yield f"the reader refuses connections ({status}): look at its own web page, or restart it"
    if found.utc is False:
        yield "it has no UTC clock: times of reads are counted from its uptime"
    elif found.clock_us is not None and abs(found.clock_us) > CLOCK_OFF:
        way = "ahead of" if found.clock_us > 0 else "behind"
        yield f"its clock is {spoken(found.clock_us)} {way} ours: give it NTP (reads are corrected all the same)"
    loose = [one.port for one in found.antennas if one.connected is False]
    wanted = [port for port in loose if port in settings.antennas]
    for port in wanted:
        yield f"antenna {port} is configured and not connected: check its cable"
    spare = [port for port in loose if port not in wanted]
    if spare and not settings.antennas:
        yield f"antenna {', '.join(map(str, spare))} not connected"
    strangers = [one for one in found.rospecs if not one.ours]
    names = ", ".join(f"{one.id} ({one.state})" for one in strangers)
    if (
        strangers
        and found.max_rospecs is not None
        and len(found.rospecs) >= found.max_rospecs
        and not settings.takeover
    ):
        yield (
            f"it takes {found.max_rospecs} ROSpec{'s' * (found.max_rospecs > 1)} and is full: {names}; ours would be "
            "refused: set takeover = true, or delete it with the tool that made it"
        )
    elif strangers:
        yield f"ROSpec {names} of another program is on it" + (
            "; takeover = true deletes it"
            if settings.takeover
            else "; an active one takes turns with ours, or stops it"
        )
    if found.free and heard.capabilities is not None and not found.holds:
        yield "it cannot hold reports while nobody is connected: what it reads during a cut may be lost"
    if heard.reports:
        yield f"it sent {heard.reports} tag reports nobody asked for: a ROSpec was left running"
    yield from heard.refusals


def _unfit(found: Survey, can: Capabilities, settings: ReaderSettings) -> Iterator[str]:
    """Where the configuration asks for what this reader has not."""
    if not can.antennas:
        return
    yield from unmet(settings, can)
    yield from (
        f"antenna {port} is configured, the reader has {can.antennas}"
        for port in settings.antennas
        if port > len(found.antennas)
    )


def _wishes(found: Survey, can: Capabilities, settings: ReaderSettings) -> Iterator[str]:
    """What our handshake would set."""
    antennas = ", ".join(map(str, settings.antennas)) if settings.antennas else "all"
    often = f"every {settings.report_every} tags" if settings.report_every > 1 else "for every tag read"
    yield f"one ROSpec, {settings.rospec}, on antenna {antennas}, a report {often}"
    yield f"KEEPALIVE every {settings.keepalive / 1e6:g} s, down after {settings.silence / 1e6:g} s of silence"
    if settings.takeover and found.rospecs:
        yield f"delete all {len(found.rospecs)} ROSpecs that are on it (takeover)"
    if settings.report_period:
        yield f"a report every {settings.report_period / 1e6:g} s at the latest"
    yield granted(settings, can).removeprefix("; ") or "power, mode, start: the reader's own, and reading always"
    air = {"session": settings.session, "tag population": settings.tag_population}
    if isinstance(settings.mode, int):
        air["mode"] = settings.mode
    said = [f"{name} {value}" for name, value in air.items() if value is not None]
    if said:
        yield ", ".join(said)
    if settings.inputs:
        yield f"input {', '.join(map(str, settings.inputs))} enabled"
    if settings.filters:
        yield f"only tags that fit {len(settings.filters)} filters"
    if found.holds:
        yield "reports held while we are not connected"
    if settings.extensions and can.manufacturer == IMPINJ:
        yield "Impinj extensions: fine RSSI and phase"


def plain(text: str) -> str:
    """A reader's text without what a terminal or JSON must not get: control characters, bytes that are no UTF-8."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:200])


def lines(found: Survey) -> Iterator[str]:
    """A survey for people, one thing per line; warnings begin with `!`, what we would set with `→`."""
    name = f"{found.manufacturer} model {'unknown' if found.model is None else found.model}"
    yield f"{found.host}:{found.port}  {name}, firmware {found.firmware}, LLRP {found.version}"
    if found.free:
        if found.identity:
            yield f"  identity     {found.identity}"
        yield f"  antennas     {', '.join(map(_antenna, found.antennas)) or 'unknown'}"
        yield f"  region       {found.country}, {found.standard}"
        if found.powers_dbm is not None:
            low, high, step = found.powers_dbm
            yield f"  power        {low:g} to {high:g} dBm" + (f" in steps of {step:g} dB" if step else "")
        if found.sensitivities_db is not None:
            yield "  sensitivity  {:g} to {:g} dB above its best".format(*found.sensitivities_db)
        states = ", ".join(f"{one.port} {one.state.lower()}{'' if one.enabled else ' (off)'}" for one in found.inputs)
        yield f"  inputs       {found.gpis}{f': {states}' if states else ''}; outputs {found.gpos}"
        yield f"  modes        {', '.join(map(str, found.modes)) or 'unknown'}"
        yield f"  clock        {_clock(found)}"
        yield f"  features     {_features(found)}"
        rospecs = ", ".join(f"{one.id} ({one.state}{', ours' if one.ours else ''})" for one in found.rospecs)
        yield f"  ROSpecs      {rospecs or 'none'}" + (f"; at most {found.max_rospecs}" if found.max_rospecs else "")
    yield from (f"  ! {warning}" for warning in found.warnings)
    yield from (f"  → {wish}" for wish in found.would_configure)


def _antenna(one: AntennaPort) -> str:
    return f"{one.port} {'?' if one.connected is None else 'connected' if one.connected else 'not connected'}"


def _clock(found: Survey) -> str:
    if found.clock_us is None:
        return "no UTC" if found.utc is False else "unknown"
    return f"UTC, {spoken(found.clock_us)} {'ahead' if found.clock_us > 0 else 'behind'}"


def _features(found: Survey) -> str:
    yes = [name for name, there in (("hold", found.holds), ("buffer warning", found.buffer_warning)) if there]
    return ", ".join(yes) or "none of hold, buffer warning"


def greeting_clock(notification: Parameter, wall: int) -> tuple[int | None, bool]:
    """How far the reader's UTC is ahead of `wall` (µs), and whether it told its uptime instead."""
    stamp = notification.first("UTCTimestamp")
    if stamp is not None:
        return stamp.fields["Microseconds"] - wall, False
    return None, notification.first("Uptime") is not None
