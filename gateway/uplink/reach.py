"""Whether central's broker and the telemetry server can be reached with what is configured, for `tallyman doctor`.

Neither call disturbs a running gateway: the broker is visited under another client id, without a session to keep and
without a Last Will, and InfluxDB is only asked whether it is there.
"""

import uuid

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from msgspec import structs
from paho.mqtt.reasoncodes import ReasonCode

from gateway.errors import DeviceError, RefusedError
from gateway.uplink.link import ADVICE
from gateway.uplink.mqtt import UNSUPPORTED_PROTOCOL, CheckedClient
from gateway.uplink.settings import InfluxSettings, MqttSettings

POLITE = 1.0
"""Seconds for DISCONNECT."""


class Visitor(CheckedClient):
    """A connection that leaves nothing behind at the broker."""

    def __init__(self, settings: MqttSettings, *, v5: bool) -> None:
        super().__init__(settings, v5=v5, will_topic="tallyman/doctor", will=b"")
        self._client.will_clear()
        if not v5:
            self._client._clean_session = True


async def broker(settings: MqttSettings, timeout: float = 5.0) -> str:
    """Connect and disconnect; which MQTT version was spoken.

    Raises:
        RefusedError: the broker is there and says no: credentials, client id, ACL.
        DeviceError: it cannot be reached, or TLS fails.
    """
    guest = structs.replace(
        settings, client_id=f"tallyman-doctor-{uuid.uuid4().hex[:8]}", session_expiry=0, timeout=timeout
    )
    peer = f"{settings.host}:{settings.port}"
    try:
        if settings.protocol != "3.1.1":
            try:
                return await _visit(guest, v5=True)
            except MqttConnectError as error:
                if settings.protocol == "5" or _code(error) != UNSUPPORTED_PROTOCOL:
                    raise
        return await _visit(guest, v5=False)
    except MqttConnectError as error:
        code = _code(error)
        advice = f": {ADVICE[code]}" if code in ADVICE else ""
        raise RefusedError("mqtt", f"{peer}: the broker refused: {error.rc} (0x{code:02X}){advice}") from None
    except (aiomqtt.MqttError, OSError, ValueError) as error:
        raise DeviceError("mqtt", f"{peer}: {error}") from None


async def _visit(settings: MqttSettings, *, v5: bool) -> str:
    client = Visitor(settings, v5=v5)
    await client.connect()
    await client.close(POLITE)
    return "MQTT 5" if v5 else "MQTT 3.1.1"


def _code(error: MqttConnectError) -> int:
    return error.rc.value if isinstance(error.rc, ReasonCode) else int(error.rc or 0)


async def influxdb(settings: InfluxSettings, timeout: float = 5.0) -> str:
    """Ask InfluxDB whether it is there; its version.

    Raises:
        DeviceError: it does not answer.
    """
    import aiohttp
    from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
    from influxdb_client.rest import ApiException

    client = InfluxDBClientAsync(settings.url, settings.token or "", settings.org, timeout=int(timeout * 1000))
    try:
        return str(await client.version())
    except ApiException as error:
        raise RefusedError("influxdb", f"{settings.url} answers {error.status} to /ping") from None
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise DeviceError("influxdb", f"{settings.url}: {error or 'no answer in time'}") from None
    finally:
        await client.close()  # type: ignore[no-untyped-call]
