"""From configuration to drivers: what runs at this dock."""

from collections import defaultdict
from collections.abc import Awaitable, Callable

from gateway import __version__
from gateway.config import Configuration, addresses
from gateway.config import Profile as ProfileTable
from gateway.model.inputs import Input
from gateway.readers import Reader
from gateway.readers.llrp.driver import LlrpReader
from gateway.readers.llrp.settings import ReaderSettings
from gateway.sensors.modbus import ModbusLink, SensorSettings
from gateway.sensors.registers import Field, Profile
from gateway.sensors.scales import ScaleHead, ScaleSettings
from gateway.uplink.settings import InfluxSettings, MqttSettings

Submit = Callable[[Input], Awaitable[None]]


def readers(configuration: Configuration, submit: Submit, clock: Callable[[], int]) -> dict[str, Reader]:
    """The tag readers, by id; each reads the antennas and enables the inputs its portals name."""
    found: dict[str, Reader] = {}
    for reader in configuration.readers:
        address = addresses.llrp(reader.url)
        antennas = {
            antenna.port
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
        )
        found[reader.id] = LlrpReader(settings, submit, clock)
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
    return [
        ScaleHead(ScaleSettings(scale.id, scale.url, ask_us=scale.poll, stale_us=scale.stale), submit, clock)
        for scale in configuration.scales
    ]


def mqtt(configuration: Configuration) -> MqttSettings | None:
    """The link to central; None: this gateway keeps its events to itself."""
    table = configuration.mqtt
    if table is None:
        return None
    address = addresses.mqtt(table.url)

    def file(name: str | None) -> str | None:
        return str(configuration.path(name)) if name is not None else None

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
        ca_file=file(table.ca),
        cert_file=file(table.certificate),
        key_file=file(table.key),
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
