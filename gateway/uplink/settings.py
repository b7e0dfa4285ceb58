"""What the wires are told. `app` maps the configuration onto these; a password never shows in a repr or a log."""

from msgspec import Struct


class MqttSettings(Struct, frozen=True, kw_only=True):
    """The link to central's broker.

    `protocol` is 5, 3.1.1 or auto; `keepalive`, `timeout` in seconds; `session_expiry` in seconds (7 days);
    `window` is the most publishes without a PUBACK; `receive_window` the most downlinks without ours;
    `park_after` is how often in a row a connection may die at one event before the event is set aside.
    """

    host: str
    site: str
    gateway: str
    port: int = 1883
    client_id: str = ""  # empty: tallyman-{site}-{gateway}
    username: str | None = None
    password: str | None = None
    protocol: str = "auto"
    prefix: str = "tallyman/v1"
    keepalive: int = 15
    timeout: float = 10.0
    session_expiry: int = 7 * 86_400
    window: int = 20
    receive_window: int = 32
    park_after: int = 5
    tls: bool = False
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    version: str = ""

    def __repr__(self) -> str:
        """Name the broker, never the password."""
        return f"MqttSettings(host={self.host!r}, port={self.port}, gateway={self.gateway!r})"

    def __rich_repr__(self) -> "list[tuple[str, object]]":
        """As `__repr__`, for tracebacks that print local variables."""
        return [("host", self.host), ("port", self.port), ("gateway", self.gateway)]

    @property
    def identifier(self) -> str:
        """The fixed client identifier: the broker keeps its session by this name."""
        return self.client_id or f"tallyman-{self.site}-{self.gateway}"


class InfluxSettings(Struct, frozen=True, kw_only=True):
    """The link to InfluxDB (API v2). `timeout`, `flush` and `retry_most` in seconds; `batch` in lines per request."""

    url: str
    bucket: str
    org: str = ""
    token: str | None = None
    timeout: float = 10.0
    batch: int = 1000
    flush: float = 1.0
    retry_most: float = 60.0
    gzip: bool = True

    def __repr__(self) -> str:
        """Name the server, never the token."""
        return f"InfluxSettings(url={self.url!r}, bucket={self.bucket!r})"

    def __rich_repr__(self) -> "list[tuple[str, object]]":
        """As `__repr__`, for tracebacks that print local variables."""
        return [("url", self.url), ("bucket", self.bucket)]
