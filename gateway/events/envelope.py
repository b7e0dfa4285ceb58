"""CloudEvents 1.0 around an event: context attributes (binary mode, MQTT 5) and the structured form (MQTT 3.1.1)."""

from msgspec import Raw, json

from gateway.identity.keys import escape_link
from gateway.model.outcome import Event

EPCIS_TYPE = "application/ld+json"
"""Content type of a bare EPCIS 2.0 event."""

OWN_TYPE = "application/json"
"""Content type of our own JSON: alarm, exception, gap."""

STRUCTURED_TYPE = "application/cloudevents+json"
"""Content type of the structured form."""


def source(site: str, gateway: str) -> str:
    """The CloudEvents source of a gateway: `/{site}/{gateway}`, percent-encoded (a URI reference)."""
    return f"/{escape_link(site)}/{escape_link(gateway)}"


def sequence(seq: int) -> str:
    """The sequence extension: 20 digits, so that text sorts as numbers do."""
    return f"{seq:020d}"


def attributes(*, id: str, source: str, type: str, time: str, subject: str, seq: int, content: str) -> dict[str, str]:  # noqa: A002
    """The context attributes of CloudEvents 1.0 §3.1, plus `sequence`; all text, ready for MQTT 5 user properties."""
    return {
        "specversion": "1.0",
        "id": id,
        "source": source,
        "type": type,
        "time": time,
        "subject": subject,
        "sequence": sequence(seq),
        "datacontenttype": content,
    }


def structured(event: Event) -> bytes:
    """The event as one CloudEvents JSON document (JSON format §3): attributes, then `data` with the body unchanged."""
    return json.encode({**event.attributes, "data": Raw(event.body)})
