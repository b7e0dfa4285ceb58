"""Event identity: a UUIDv5 fixed before the first send, so that a retry, a restart and a replay say the same."""

from uuid import UUID, uuid5

NAMESPACE = UUID("7b1e5a54-0d0c-5c5a-9f0e-2f6f9d2c7a11")
"""Namespace of Tallyman event ids. Never change it: consumers deduplicate by what is made from it."""


def event_id(site: str, gateway: str, kind: str, subject: str, ordinal: int) -> str:
    """The event's UUID in text: RFC 9562 §5.5 version 5 of `{site}/{gateway}/{kind}/{subject}/{ordinal}`."""
    return str(uuid5(NAMESPACE, f"{site}/{gateway}/{kind}/{subject}/{ordinal}"))
