"""Places, parties, goods and devices as the URIs that EPCIS events name them by.

Each is said in the best form the site's keys allow: EPC URN where GLN or GTIN and the company prefix length are known,
else canonical GS1 Digital Link, else a URI under our own namespace. What a function returns is always a URI.
"""

import re

from gateway.identity import decode, keys
from gateway.model.outcome import Line, Movement
from gateway.model.settings import Settings

NAMESPACE = "https://tallyman.example/ns/1/"
"""Extension namespace of our events, JSON-LD prefix `tally`. It ends in `/` so that event hashes agree."""

_CHAR = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"
_HOST = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+(?::[0-9]*)?"
_URI = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.\-]*:(?://{_HOST}(?:/{_CHAR}*)*|/?{_CHAR}+(?:/{_CHAR}*)*)(?:\?(?:{_CHAR}|[/?])*)?(?:#(?:{_CHAR}|[/?])*)?"
)


def is_uri(text: str) -> bool:
    """Whether `text` is an absolute URI (RFC 3986 §3); hosts in brackets and with a user name are not taken."""
    return _URI.fullmatch(text) is not None


def own(*segments: str) -> str:
    """A URI under our namespace."""
    return NAMESPACE + "/".join(keys.escape_link(segment) for segment in segments)


def _gln(settings: Settings) -> str | None:
    """The site's GLN, when it is one."""
    return settings.gln if settings.gln is not None and keys.gln_problem(settings.gln) is None else None


def place(settings: Settings, id_: str) -> str:
    """A portal or location: SGLN with the id as extension, else its Digital Link (AI 414 + 254), else our own URI."""
    gln = _gln(settings)
    if gln is None or keys.lot_problem(id_) is not None:  # an extension takes what a lot takes: 20 of the 82 characters
        return own(settings.site, id_)
    if settings.prefix_length is not None:
        try:
            return keys.sgln_urn(gln, settings.prefix_length, id_)
        except ValueError:
            pass
    return keys.gln_link(gln, id_)


def own_party(settings: Settings) -> str | None:
    """The site's GLN as a party: PGLN or its Digital Link (AI 417); None without GLN."""
    gln = _gln(settings)
    if gln is None:
        return None
    try:
        return keys.pgln_urn(gln, settings.prefix_length or 0)
    except ValueError:
        return keys.party_link(gln)


def party(text: str) -> str | None:
    """A supplier or customer as a URI: a GLN as Digital Link, a URI as it is; None for a mere name."""
    if keys.gln_problem(text) is None:
        return keys.party_link(text)
    return text if is_uri(text) else None


def device(settings: Settings, id_: str) -> str:
    """A sensor or scale under our namespace."""
    return own(settings.site, "device", id_)


def transaction(settings: Settings, id_: str) -> str:
    """A business document: CBV 2.0 §8.5 URN with the site's GLN, else our own URI."""
    gln = _gln(settings)
    return f"urn:epcglobal:cbv:bt:{gln}:{keys.escape_link(id_)}" if gln else own(settings.site, "bt", id_)


def unit(movement: Movement) -> str | None:
    """The movement's logistic unit: as its tag says it, else the SSCC's Digital Link; None without one."""
    if movement.sscc is None:
        return None
    if movement.sscc_epc is not None:
        identity = decode(movement.sscc_epc)
        if identity.ai.get("00") == movement.sscc:
            return identity.uri
    try:
        return keys.sscc_link(movement.sscc)
    except ValueError:
        return own("unit", movement.sscc)


def lot_class(gtin: str | None, lot: str | None, prefix: int | None) -> str | None:
    """The class of goods of a lot (LGTIN URN or Digital Link), of a GTIN without lot, or None when nothing is known."""
    if not gtin:
        return None
    try:
        if prefix is not None:
            return keys.lgtin_urn(gtin, lot, prefix) if lot else keys.gtin_pattern(gtin, prefix)
    except ValueError:
        pass  # the lot has a character or the prefix a length that the URN cannot say; the link can
    try:
        return keys.lgtin_link(gtin, lot) if lot else keys.gtin_link(gtin)
    except ValueError:
        return own("class", gtin, lot) if lot else own("class", gtin)


def items(lines: tuple[Line, ...], besides: str | None = None) -> list[str]:
    """The tagged items of the lines as EPC URIs, each once, in their order; without the unit they travel on."""
    found = dict.fromkeys(decode(epc).uri for line in lines for epc in line.epcs)
    if besides is not None:
        found.pop(besides, None)
    return list(found)
