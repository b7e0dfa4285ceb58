"""What was configured against what the reader can: what it will be, and what cannot be had, in words."""

from collections.abc import Iterator

from gateway.readers.llrp.capabilities import Capabilities
from gateway.readers.llrp.modes import mode_number, names
from gateway.readers.llrp.settings import (
    VERSION_1_0_1,
    GpiTrigger,
    PeriodTrigger,
    QuietTrigger,
    ReaderSettings,
)
from gateway.readers.llrp.tables import VERSION_NAMES

TAKE_OVER = "; if another program left its ROSpec on the reader, set takeover = true"
"""Advice on an ADD_ROSPEC that is refused: many readers hold few ROSpecs, some only one."""


def described(settings: ReaderSettings, can: Capabilities) -> str:
    """The reader in a line, and what it is set to."""
    return (
        f"manufacturer {can.manufacturer}, model {can.model}, firmware {can.firmware or 'unknown'}, "
        f"{can.antennas} antennas, {can.gpis} inputs, {can.gpos} outputs{granted(settings, can)}"
    )


def unmet(settings: ReaderSettings, can: Capabilities) -> Iterator[str]:
    """A sentence for each wish that cannot be had."""
    if settings.version > can.version:
        refused = " and refused it" if can.highest >= settings.version else ""
        yield f"LLRP {_version(settings.version)} is not spoken: the reader knows {_version(can.highest)}{refused}"
    wanted = {settings.power_dbm, *(dbm for _, dbm in settings.powers)} - {None}
    if wanted and not can.powers:
        yield f"power {', '.join(f'{dbm:.1f}' for dbm in sorted(wanted))} dBm is not set: the reader lists no powers"  # type: ignore[type-var]
    if isinstance(settings.mode, int) and can.modes and settings.mode not in can.modes:
        yield f"mode {settings.mode} is not in the reader's table ({', '.join(map(str, can.modes))})"
    if isinstance(settings.mode, str) and mode_number(settings.mode, can) is None:
        known = ", ".join(names(can)) or "no mode by name; give a number"
        yield f"mode {settings.mode!r} is not known for this reader; it has {known}"
    if can.filters is not None and len(settings.filters) > can.filters:
        yield f"{len(settings.filters)} filters are configured, the reader takes {can.filters}"
    if settings.report_period and settings.report_every == 1:
        yield "report_period does nothing while every tag is reported at once (report_every = 1)"
    lacking = [port for port in settings.inputs if can.gpis and port > can.gpis]
    if lacking:
        yield f"input {', '.join(map(str, lacking))} does not exist: the reader has {can.gpis}"


def granted(settings: ReaderSettings, can: Capabilities) -> str:
    """What the reader is set to where that is ours to say: "; antennas 1, 2 at 29.5 dBm (wanted 29.6)"; or nothing."""
    parts = [f"LLRP {_version(can.version)}"] if can.version > VERSION_1_0_1 else []
    shared = {} if not can.powers else _by_power(settings)
    for dbm, antennas in shared.items():
        index = can.power_index(dbm)
        set_to = can.power_dbm(index) if index is not None else dbm
        who = f"antenna{'s' if len(antennas) > 1 else ''} {', '.join(map(str, antennas))}" if antennas else "power"
        wish = "" if abs(set_to - dbm) < 0.005 else f" (wanted {dbm:g})"
        parts.append(f"{who}{' at' if antennas else ''} {set_to:g} dBm{wish}")
    number = mode_number(settings.mode, can)
    if isinstance(settings.mode, str) and number is not None:
        parts.append(f"mode {settings.mode} is {number}")
    if settings.trigger is not None:
        parts.append(_trigger(settings))
    return "".join(f"; {part}" for part in parts)


def _version(number: int) -> str:
    return VERSION_NAMES.get(number, f"version {number}")


def _by_power(settings: ReaderSettings) -> dict[float, list[int]]:
    """Wanted power → antennas; no antenna means all of them."""
    if not settings.powers:
        return {} if settings.power_dbm is None else {settings.power_dbm: []}
    shared: dict[float, list[int]] = {}
    for antenna in settings.antennas or [antenna for antenna, _ in settings.powers]:
        dbm = settings.power(antenna)
        if dbm is not None:
            shared.setdefault(dbm, []).append(antenna)
    return shared


def _trigger(settings: ReaderSettings) -> str:
    match settings.trigger:
        case GpiTrigger(gpi, level, timeout, quiet):
            end = f"until {quiet / 1e6:g} s without a new tag" if quiet else "until it leaves that"
            most = f", {timeout / 1e6:g} s at most" if timeout else ""
            return f"reads when input {gpi} goes {'high' if level else 'low'}, {end}{most}"
        case QuietTrigger(quiet):
            return f"reads in rounds that end after {quiet / 1e6:g} s without a new tag"
        case PeriodTrigger(period, duration):
            return f"reads {duration / 1e6:g} s every {period / 1e6:g} s"
    return ""


def spoken(us: int) -> str:
    """A duration for people: `3 min 5 s`, `4.2 s`, `80 ms`; without its sign."""
    us = abs(us)
    if us < 1_000_000:
        return f"{us / 1000:.0f} ms"
    if us < 60_000_000:
        return f"{us / 1e6:.1f} s"
    minutes, seconds = divmod(us // 1_000_000, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    return " ".join([f"{count} {unit}" for count, unit in parts if count][:2])
