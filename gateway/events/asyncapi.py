"""The topic table as an AsyncAPI 3.0 document: what central needs to talk with a gateway. Pure.

`docs/asyncapi.json` is this, written down; a test compares them.
"""

import re
from typing import Any

from gateway.events.envelope import EPCIS_TYPE, OWN_TYPE
from gateway.events.topics import EPCIS_KINDS, OWN_KINDS, TOPICS, Topic

Json = dict[str, Any]

PARAMETERS = {
    "site": "id of the site, [site] id",
    "kind": f"kind of event: {', '.join(EPCIS_KINDS)} (EPCIS 2.0); {', '.join(OWN_KINDS)} (own JSON)",
    "place": "portal, location or device that the event is about",
    "gtin": "GTIN-14",
    "lot": "lot number, GS1 AI (10)",
    "location": "id of the location",
    "gateway": "id of the gateway, [gateway] id",
    "device": "id of the device",
    "id": "id of the document",
    "verb": "what to do: alarms.ack, import, resend, …",
}
"""What stands in the braces. Every value is percent-encoded (RFC 3986 unreserved characters stay as they are)."""

SCHEMAS: dict[str, Json] = {
    "evt": {
        "description": "EPCIS 2.0 JSON-LD event, or own JSON (CloudEvents types tally.alarm, .exception …)",
        "type": "object",
        "required": ["tally:gateway", "tally:seq"],
        "properties": {
            "eventID": {"type": "string", "description": "the key by which a consumer drops duplicates (EPCIS events)"},
            "tally:gateway": {"type": "string"},
            "tally:seq": {"type": "integer", "minimum": 1, "description": "runs without holes per gateway"},
            "tally:lotQuantityList": {"type": "array", "description": "what moved, one line per lot"},
        },
    },
    "state": {"type": "object", "description": "the latest word; an empty payload means: no longer there"},
    "down": {
        "type": "object",
        "description": "the document; the higher `version` wins; an empty payload withdraws it",
        "properties": {"version": {"type": "integer", "minimum": 1}},
    },
    "cmd": {"type": "object", "description": "the arguments of the verb; resend takes {from, to}"},
    "reply": {
        "type": "object",
        "required": ["ok"],
        "properties": {"ok": {"type": "boolean"}, "error": {"type": "string"}},
    },
    "ack": {
        "type": "object",
        "required": ["upTo"],
        "properties": {
            "upTo": {"type": "integer", "minimum": 1, "description": "central has every event up to this seq"}
        },
    },
}
"""Payloads by the first segment of the topic."""


def document(version: str, prefix: str = "tallyman/v1") -> Json:
    """The AsyncAPI 3.0.0 document of a gateway of this version."""
    channels = {_name(row): _channel(row, prefix) for row in TOPICS}
    channels["reply"] = {
        "address": None,  # the requester says where, in the MQTT 5 response topic
        "messages": {"reply": {"$ref": "#/components/messages/reply"}},
    }
    operations = {}
    for row in TOPICS:
        name = _name(row)
        operation: Json = {
            "action": "send" if row.direction == "up" else "receive",
            "channel": {"$ref": f"#/channels/{name}"},
            "summary": row.meaning,
            "bindings": {"mqtt": {"qos": row.qos, "retain": row.retain, "bindingVersion": "0.2.0"}},
        }
        if _root(row) == "cmd":
            operation["reply"] = {
                "address": {"location": "$message.header#/responseTopic", "description": "MQTT 5 response topic"},
                "channel": {"$ref": "#/channels/reply"},
            }
        operations[name] = operation
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tallyman gateway",
            "version": version,
            "description": "Events up, documents and commands down, over MQTT 5 or 3.1.1. Events come in the order of "
            "tally:seq, each at least once; with eventID as key, exactly once in effect.",
        },
        "defaultContentType": OWN_TYPE,
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": {root: _message(root) for root in SCHEMAS},
            "schemas": SCHEMAS,
        },
    }


def _root(row: Topic) -> str:
    return row.pattern.partition("/")[0]


def _name(row: Topic) -> str:
    """A name for channel and operation: the fixed segments (`down.asn`)."""
    return ".".join(segment for segment in row.pattern.split("/") if not segment.startswith("{"))


def _channel(row: Topic, prefix: str) -> Json:
    names = ["site", *re.findall(r"{(\w+)}", row.pattern)]
    root = _root(row)
    return {
        "address": f"{prefix}/{{site}}/{row.pattern}",
        "description": row.meaning,
        "messages": {root: {"$ref": f"#/components/messages/{root}"}},
        "parameters": {name: {"description": PARAMETERS[name]} for name in names},
    }


def _message(root: str) -> Json:
    message: Json = {"name": root, "payload": {"$ref": f"#/components/schemas/{root}"}}
    if root == "evt":
        message["contentType"] = EPCIS_TYPE
        message["description"] = (
            "CloudEvents 1.0: on MQTT 5 in binary mode (attributes as user properties, own JSON as application/json), "
            "on 3.1.1 in structured mode (application/cloudevents+json)"
        )
    return message
