"""Canonical GS1 Digital Links of element strings (GS1 Digital Link URI Syntax 1.2 and later, §4)."""

from collections.abc import Mapping

from gateway.identity.keys import RESOLVER, escape_link

_QUALIFIERS = {
    "01": ("22", "10", "21"),
    "8006": ("22", "10", "21"),
    "414": ("254",),
    "8010": ("8011",),
    "8017": ("8019",),
    "8018": ("8019",),
}
"""Key qualifiers by primary key, in the order of the path."""


def link(ai: Mapping[str, str], key: str) -> str:
    """`https://id.gs1.org/{key}/…` of elements by AI: qualifiers in the path, the rest in the query, by AI.

    Every character but RFC 3986's unreserved ones is percent-encoded.
    """
    path = (key, *(one for one in _QUALIFIERS.get(key, ()) if one in ai))
    text = RESOLVER + "".join(f"/{one}/{escape_link(ai[one])}" for one in path)
    rest = sorted(one for one in ai if one not in path)
    return f"{text}?{'&'.join(f'{one}={escape_link(ai[one])}' for one in rest)}" if rest else text
