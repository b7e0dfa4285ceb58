"""Ids that are not GS1's: `scheme:value`, such as China's drug traceability code `cn-drug:81234567890123456789`.

An opaque id is an item like any other: it has a lot and an expiry, moves, and is named in events. Tallyman knows
nothing about its value but that it is one.
"""

import re

from msgspec import Struct

from gateway.identity.keys import escape_link

BASE = "https://tallyman.example/ns/1/id/"
"""Where URIs of opaque ids live, in Tallyman's own namespace."""

LONGEST = 128
"""Longest value, in characters."""

_SCHEME = re.compile(r"[a-z][a-z0-9]*(?:[-.][a-z0-9]+)*")
_RESERVED = frozenset({"urn", "http", "https", "raw"})
_RULES = {"cn-drug": (re.compile(r"8[0-9]{19}"), "20 digits that begin with 8")}
"""Schemes whose values we can check, and what a value is in words."""


class Opaque(Struct, frozen=True):
    """An id under a scheme that is not GS1's. Values are compared character by character, in their case."""

    scheme: str
    value: str

    @property
    def key(self) -> str:
        """`scheme:value`, under which the ledger and documents know it; `parse` reads it back."""
        return f"{self.scheme}:{self.value}"

    @property
    def uri(self) -> str:
        """An absolute URI for events: `https://tallyman.example/ns/1/id/{scheme}/{value}`, percent-encoded."""
        return f"{BASE}{self.scheme}/{escape_link(self.value)}"


def problem(text: str) -> str | None:
    """Why `text` is no `scheme:value`; None when it is one."""
    scheme, colon, value = text.partition(":")
    if not colon:
        return f"{text[:40]!r} has no scheme before a colon"
    if not _SCHEME.fullmatch(scheme) or len(scheme) > 32 or scheme in _RESERVED:
        return f"{scheme[:40]!r} is no scheme of an opaque id (lower-case letters, digits, - and .)"
    if not 0 < len(value) <= LONGEST:
        return f"{scheme}: its value has {len(value)} characters, not 1 to {LONGEST}"
    if not value.isprintable() or value != value.strip():
        return f"{scheme}: {value[:40]!r} holds a control character, or space around it"
    rule = _RULES.get(scheme)
    if rule is not None and not rule[0].fullmatch(value):
        return f"{scheme}: {value[:40]!r} is not {rule[1]}"
    return None


def parse(text: str) -> Opaque:
    """Read `scheme:value`.

    Raises:
        ValueError: it is none; the message says why.
    """
    found = problem(text)
    if found is not None:
        raise ValueError(found)
    scheme, _, value = text.partition(":")
    return Opaque(scheme, value)
