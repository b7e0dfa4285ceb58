"""The MQTT topic table (DESIGN §6): one place that spells topics, and reads those that central sends.

Segments are percent-encoded (RFC 3986 unreserved characters stay), so an id may hold `/`, `+` or `#`.
`prefix` is the configured one (`tallyman/v1`) and may hold several levels.
"""

from urllib.parse import unquote

from msgspec import Struct

from gateway.identity.keys import escape_link


class Topic(Struct, frozen=True):
    """A row of the table: topic below `{prefix}/{site}/`, direction (up: we publish), QoS, retained, content."""

    pattern: str
    direction: str  # up | down
    qos: int
    retain: bool
    meaning: str


EPCIS_KINDS = (
    *("receipt", "shipment", "movement", "transformation", "count"),
    *("excursion", "hold", "release", "correction"),
)
"""Kinds of event that EPCIS has a word for. `count` is reserved: nothing sends it yet."""
OWN_KINDS = ("alarm", "exception", "gap", "notice")
"""Kinds of event in our own JSON."""

TOPICS = (
    Topic("evt/{kind}/{place}", "up", 1, False, f"one event: bare EPCIS 2.0, or own JSON ({', '.join(OWN_KINDS)})"),
    Topic("state/lot/{gtin}/{lot}", "up", 1, True, "quantities per location, hold, seq"),
    Topic("state/location/{location}", "up", 1, True, "climate and alarms"),
    Topic("state/gateway/{gateway}", "up", 1, True, "the gateway; also the Last Will"),
    Topic("state/device/{device}", "up", 1, True, "a device"),
    Topic("down/asn/{id}", "down", 1, True, "an advance ship notice"),
    Topic("down/order/{id}", "down", 1, True, "a customer order"),
    Topic("down/commission/{id}", "down", 1, True, "a commissioning list"),
    Topic("down/lot/{gtin}/{lot}", "down", 1, True, "master data of a lot"),
    Topic("down/production/{id}", "down", 1, True, "a production order"),
    Topic("down/hold/{id}", "down", 1, True, "a hold on a lot, in one location or wherever it stands"),
    Topic("down/policy", "down", 1, True, "policy"),
    Topic("cmd/{gateway}/{verb}", "down", 1, False, "a command, answered on its response topic"),
    Topic("ack/{gateway}", "down", 1, False, "central's own acknowledgement: upTo seq"),
)
"""Every topic of the gateway."""

_PARTS = {
    row.pattern.split("/")[1]: row.pattern.count("{") for row in TOPICS if row.pattern.startswith("down/")
}  # ids that follow `down/{kind}`


class Down(Struct, frozen=True):
    """A parsed down topic. `id` joins the decoded segments by `/` (`gtin/lot`), as `model.facts` keys do."""

    kind: str  # asn | order | commission | lot | production | hold | policy
    id: str


def join(prefix: str, site: str, *segments: str) -> str:
    """`{prefix}/{site}/…` with each segment percent-encoded; the prefix is taken as it is."""
    return "/".join((prefix, *(escape_link(segment) for segment in (site, *segments))))


def event_topic(prefix: str, site: str, kind: str, place: str) -> str:
    """`{prefix}/{site}/evt/{kind}/{place}`."""
    return join(prefix, site, "evt", kind, place)


def lot_topic(prefix: str, site: str, gtin: str, lot: str) -> str:
    """`{prefix}/{site}/state/lot/{gtin}/{lot}`."""
    return join(prefix, site, "state", "lot", gtin, lot)


def location_topic(prefix: str, site: str, location: str) -> str:
    """`{prefix}/{site}/state/location/{location}`."""
    return join(prefix, site, "state", "location", location)


def gateway_topic(prefix: str, site: str, gateway: str) -> str:
    """`{prefix}/{site}/state/gateway/{gateway}`."""
    return join(prefix, site, "state", "gateway", gateway)


def device_topic(prefix: str, site: str, device: str) -> str:
    """`{prefix}/{site}/state/device/{device}`."""
    return join(prefix, site, "state", "device", device)


def down_filter(prefix: str, site: str) -> str:
    """The subscription for everything central sends down: `{prefix}/{site}/down/#`."""
    return join(prefix, site, "down") + "/#"


def command_filter(prefix: str, site: str, gateway: str) -> str:
    """The subscription for commands to this gateway: `{prefix}/{site}/cmd/{gateway}/+`."""
    return join(prefix, site, "cmd", gateway) + "/+"


def ack_topic(prefix: str, site: str, gateway: str) -> str:
    """Central's acknowledgement: `{prefix}/{site}/ack/{gateway}`."""
    return join(prefix, site, "ack", gateway)


def local_part(prefix: str, site: str, topic: str) -> str | None:
    """The topic without prefix and site (`down/asn/A1`), still encoded; None when it belongs to another site."""
    head = join(prefix, site) + "/"
    return topic[len(head) :] if topic.startswith(head) else None


def parse_down(topic: str) -> Down:
    """Read a topic without prefix and site (`down/lot/{gtin}/{lot}`, encoded as on the wire).

    Raises:
        ValueError: not a `down` topic of the table, or with too few, too many or empty segments.
    """
    root, *rest = topic.split("/")
    if root != "down" or not rest:
        raise ValueError(f"{topic!r} is not down/…")
    kind, *ids = rest
    if kind not in _PARTS:
        raise ValueError(f"{topic!r}: unknown kind {kind!r}; known are {', '.join(sorted(_PARTS))}")
    if len(ids) != _PARTS[kind] or not all(ids):
        raise ValueError(f"{topic!r}: down/{kind} takes {_PARTS[kind]} non-empty segments after it, not {len(ids)}")
    return Down(kind, "/".join(unquote(segment, errors="replace") for segment in ids))


def parse_command(topic: str) -> tuple[str, str]:
    """Read `cmd/{gateway}/{verb}` (without prefix and site) into gateway and verb.

    Raises:
        ValueError: not of that form.
    """
    parts = topic.split("/")
    if len(parts) != 3 or parts[0] != "cmd" or not all(parts):
        raise ValueError(f"{topic!r} is not cmd/{{gateway}}/{{verb}}")
    return unquote(parts[1], errors="replace"), unquote(parts[2], errors="replace")
