"""From configuration to drivers: what runs at this dock."""

from collections import defaultdict
from collections.abc import Awaitable, Callable

from gateway import __version__
from gateway.app.histories import Histories
from gateway.config import Configuration, addresses
from gateway.config import Profile as ProfileTable
from gateway.config.devices import Filter as FilterTable
from gateway.config.devices import Portal, Scale
from gateway.config.devices import Trigger as TriggerTable
from gateway.model.inputs import Input
from gateway.readers import Reader
from gateway.readers.llrp.driver import LlrpReader
from gateway.readers.llrp.settings import (
    VERSION_1_0_1,
    VERSION_1_1,
    Filter,
    GpiTrigger,
    PeriodTrigger,
    QuietTrigger,
    ReaderSettings,
    Trigger,
)
from gateway.readers.sllurp_driver import SllurpReader
from gateway.sensors.modbus import ModbusLink, SensorSettings
from gateway.sensors.registers import Field, Profile
from gateway.sensors.scales import ScaleHead, ScaleSettings
from gateway.uplink.settings import InfluxSettings, MqttSettings

Submit = Callable[[Input], Awaitable[None]]


def readers(
    configuration: Configuration, submit: Submit, clock: Callable[[], int], histories: Histories | None = None
) -> dict[str, Reader]:
    """The tag readers, by id, each with the driver of its kind; `histories` keep what ours wants to remember."""
    kinds = {reader.id: reader.kind for reader in configuration.readers}

    def driver(wanted: ReaderSettings) -> Reader:
        if kinds[wanted.id] == "sllurp":
            return SllurpReader(wanted, submit, clock)
        if histories is None:
            return LlrpReader(wanted, submit, clock)
        return LlrpReader(wanted, submit, clock, past=histories.past(wanted.id), keep=histories.keeper(wanted.id))

    return {wanted.id: driver(wanted) for wanted in reader_settings(configuration)}


def reader_settings(configuration: Configuration) -> list[ReaderSettings]:
    """What is wanted of the tag readers; each reads the antennas and enables the inputs its portals name."""
    found: list[ReaderSettings] = []
    for reader in configuration.readers:
        address = addresses.llrp(reader.url)
        antennas = {
            antenna.port: antenna.power_dbm
            for portal in configuration.portals
            for antenna in portal.antennas
            if antenna.reader == reader.id
        }
        inputs = {eye.port for portal in configuration.portals for eye in portal.eyes if eye.reader == reader.id}
        settings = ReaderSettings(
            id=reader.id,
            host=address.host,
            port=address.port,
            antennas=tuple(sorted(antennas)),
            gpi=tuple(sorted(inputs)),
            keepalive=reader.keepalive,
            power_dbm=reader.power_dbm,
            session=reader.session,
            mode=reader.mode,
            tag_population=reader.tag_population,
            takeover=reader.takeover,
            report_every=reader.report_every,
            report_period=reader.report_period or 0,
            powers=tuple(sorted((port, dbm) for port, dbm in antennas.items() if dbm is not None)),
            filters=tuple(_filter(wanted) for wanted in reader.filters),
            trigger=_trigger(reader.trigger),
            portals=tuple(_antennas(portal, reader.id) for portal in configuration.portals),
            tls=address.tls,
            ca_file=_file(configuration, reader.ca),
            cert_file=_file(configuration, reader.certificate),
            key_file=_file(configuration, reader.key),
            version=VERSION_1_1 if reader.llrp_version == "1.1" else VERSION_1_0_1,
        )
        found.append(settings)
    return found


def links(configuration: Configuration, submit: Submit, clock: Callable[[], int]) -> list[ModbusLink]:
    """One Modbus link per address, with all sensors behind it."""
    shared: dict[tuple[str, str, int], list[SensorSettings]] = defaultdict(list)
    for sensor in configuration.sensors:
        address = addresses.modbus(sensor.url)
        profile = _profile(configuration.profile(sensor))
        settings = SensorSettings(sensor.id, address.unit, profile, sensor.poll, sensor.timeout)
        shared[address.framing, address.host, address.port].append(settings)
    return [
        ModbusLink(f"modbus+{'rtu+' if framing == 'rtu' else ''}tcp://{_bracket(host)}:{port}", sensors, submit, clock)
        for (framing, host, port), sensors in shared.items()
    ]


def scales(configuration: Configuration, submit: Submit, clock: Callable[[], int]) -> list[ScaleHead]:
    """The scale heads."""
    return [ScaleHead(_scale(scale), submit, clock) for scale in configuration.scales]


def mqtt(configuration: Configuration) -> MqttSettings | None:
    """The link to central; None: this gateway keeps its events to itself."""
    table = configuration.mqtt
    if table is None:
        return None
    address = addresses.mqtt(table.url)

    return MqttSettings(
        host=address.host,
        port=address.port,
        tls=address.tls,
        site=configuration.site.id,
        gateway=configuration.gateway.id,
        client_id=configuration.client_id,
        username=table.username,
        password=table.password.reveal() if table.password is not None else None,
        protocol=table.protocol,
        prefix=table.prefix,
        window=table.window,
        park_after=table.park_after,
        ca_file=_file(configuration, table.ca),
        cert_file=_file(configuration, table.certificate),
        key_file=_file(configuration, table.key),
        version=__version__,
    )


def influxdb(configuration: Configuration) -> InfluxSettings | None:
    """The telemetry server; None: measurements stay in the local ring."""
    table = configuration.influxdb
    if table is None:
        return None
    return InfluxSettings(
        url=table.url,
        bucket=table.bucket,
        org=table.org,
        token=table.token.reveal() if table.token is not None else None,
        batch=table.batch,
        flush=table.flush / 1e6,
    )


def _scale(scale: Scale) -> ScaleSettings:
    if scale.opens == "line":  # it speaks when something is weighed, and once
        return ScaleSettings(scale.id, scale.url, stale_us=0, settled_after=1)
    return ScaleSettings(scale.id, scale.url, ask_us=scale.poll, stale_us=scale.stale)


def _antennas(portal: Portal, reader: str) -> tuple[int, ...]:
    return tuple(antenna.port for antenna in portal.antennas if antenna.reader == reader)


def _file(configuration: Configuration, name: str | None) -> str | None:
    return str(configuration.path(name)) if name is not None else None


_BANKS = {"epc": 1, "tid": 2, "user": 3}


def _filter(table: FilterTable) -> Filter:
    mask = bytes.fromhex(table.mask + "0" * (len(table.mask) % 2))
    return Filter(_BANKS[table.bank], table.start, mask, 4 * len(table.mask))


def _trigger(table: TriggerTable | None) -> Trigger | None:
    if table is None:
        return None
    if table.gpi is not None:
        return GpiTrigger(table.gpi, table.level is not False, table.timeout or 0, table.quiet or 0)
    if table.period is not None and table.duration is not None:
        return PeriodTrigger(table.period, table.duration)
    return QuietTrigger(table.quiet or 0)


def _profile(table: ProfileTable) -> Profile:
    fields = tuple(
        Field(
            name=register.name,
            table=register.table or table.table,
            address=register.address,
            type=register.type,
            order=register.order,
            scale=register.scale,
            offset=register.offset,
            unit=register.unit,
            valid=register.valid,
            invalid_raw=register.invalid_raw,
            bit=register.bit,
        )
        for register in table.fields
    )
    return Profile(table.id, fields)


def _bracket(host: str) -> str:
    return f"[{host}]" if ":" in host else host
