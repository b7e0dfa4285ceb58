"""GS1 keys and their URI forms: check digits, GTIN, SSCC, GLN; EPC URNs and GS1 Digital Links.

Sources: GS1 General Specifications §7.9 (check digit) and §7.11 (the 82-character set); TDS 2.3 §6 (EPC URIs) and
§5.4 (escaping inside a URN); GS1 Digital Link URI Syntax 1.x §4 (canonical form on https://id.gs1.org).
Functions that build a URI raise ValueError when the key cannot be said in that form; `*_problem` never raise.
"""

import re
from urllib.parse import quote

RESOLVER = "https://id.gs1.org"
"""Host of canonical GS1 Digital Link URIs."""

SHORTEST_PREFIX, LONGEST_PREFIX = 6, 12
"""Company prefix lengths that the EPC partition tables can express (TDS 2.3 §14.3)."""

TEXT_LIMIT = 20
"""Longest value of AI (10) lot, (21) serial and (254) GLN extension, in characters."""

_DIGITS = re.compile(r"[0-9]+")
_SET_82 = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]+")
URN_ESCAPES = str.maketrans({c: f"%{ord(c):02X}" for c in '"%&/<>?#'})
"""Characters that an EPC URN writes as %hh (TDS 2.3 Tables A-1 and G-1)."""
_GTIN_LENGTHS = (8, 12, 13, 14)


def check_digit(digits: str) -> str:
    """The GS1 mod-10 check digit for `digits` (ASCII digits, without it): weights 3, 1, 3 … from the right."""
    ordinals = digits.encode()[::-1]
    odd, even = ordinals[::2], ordinals[1::2]
    total = 3 * (sum(odd) - 48 * len(odd)) + sum(even) - 48 * len(even)
    return str(-total % 10)


def _key_problem(name: str, text: str, length: int) -> str | None:
    if not _DIGITS.fullmatch(text):
        return f"{name} {text!r} holds something else than digits"
    if len(text) != length:
        return f"{name} {text} has {len(text)} digits, not {length}"
    right = check_digit(text[:-1])
    if text[-1] != right:
        return f"{name} {text} ends in {text[-1]}, but its check digit is {right}"
    return None


def gtin_problem(text: str) -> str | None:
    """Why `text` is not a GTIN of 8, 12, 13 or 14 digits; None when it is one."""
    if len(text) not in _GTIN_LENGTHS:
        return f"GTIN {text!r} has {len(text)} characters, not 8, 12, 13 or 14"
    return _key_problem("GTIN", text, len(text))


def sscc_problem(text: str) -> str | None:
    """Why `text` is not an SSCC of 18 digits with its check digit; None when it is one."""
    return _key_problem("SSCC", text, 18)


def gln_problem(text: str) -> str | None:
    """Why `text` is not a GLN of 13 digits with its check digit; None when it is one."""
    return _key_problem("GLN", text, 13)


def lot_problem(text: str) -> str | None:
    """Why `text` cannot be an AI (10) lot: 1 to 20 characters of GS1's 82-character set; None when it can."""
    if not text or len(text) > TEXT_LIMIT:
        return f"lot {text!r} has {len(text)} characters, not 1 to {TEXT_LIMIT}"
    if not _SET_82.fullmatch(text):
        return f"lot {text!r} holds a character outside GS1's 82-character set"
    return None


def gtin14(text: str) -> str:
    """Normalise a GTIN-8, -12, -13 or -14 to 14 digits.

    Raises:
        ValueError: not digits, a length that no GTIN has, or a wrong check digit.
    """
    problem = gtin_problem(text)
    if problem:
        raise ValueError(problem)
    return text.zfill(14)


def escape_urn(text: str) -> str:
    """Escape a serial, lot or extension for an EPC URN (TDS 2.3 §5.4): `" % & / < > ?` become %hh, the rest stays.

    Raises:
        ValueError: empty, longer than 20 characters, or outside the 82-character set.
    """
    if not text or len(text) > TEXT_LIMIT or not _SET_82.fullmatch(text):
        raise ValueError(f"{text!r} is not 1 to {TEXT_LIMIT} characters of GS1's 82-character set")
    return text.translate(URN_ESCAPES)


def escape_link(text: str) -> str:
    """Escape one path segment of a URI: all but RFC 3986 unreserved characters become %hh of UTF-8. Never raises."""
    return quote(text, safe="", errors="replace")


def _digits(name: str, text: str, length: int) -> str:
    if len(text) != length or not _DIGITS.fullmatch(text):
        raise ValueError(f"{name} {text!r} is not {length} digits")
    return text


def _prefix(length: int) -> int:
    if not SHORTEST_PREFIX <= length <= LONGEST_PREFIX:
        raise ValueError(f"company prefix length {length} is not {SHORTEST_PREFIX} to {LONGEST_PREFIX}")
    return length


def _item(gtin: str, prefix: int) -> str:
    """`{company prefix}.{indicator + item reference}` of a GTIN-14, as SGTIN and LGTIN URNs write it."""
    _digits("GTIN", gtin, 14)
    cut = 1 + _prefix(prefix)
    return f"{gtin[1:cut]}.{gtin[0]}{gtin[cut:13]}"


def sgtin_urn(gtin: str, serial: str, prefix: int) -> str:
    """`urn:epc:id:sgtin:…` of a GTIN-14 and serial; `prefix` is the company prefix length (TDS 2.3 §6.3.1)."""
    return f"urn:epc:id:sgtin:{_item(gtin, prefix)}.{escape_urn(serial)}"


def sgtin_link(gtin: str, serial: str) -> str:
    """`https://id.gs1.org/01/…/21/…`."""
    return f"{RESOLVER}/01/{_digits('GTIN', gtin, 14)}/21/{escape_link(serial)}"


def lgtin_urn(gtin: str, lot: str, prefix: int) -> str:
    """`urn:epc:class:lgtin:…` of a GTIN-14 and lot; `prefix` is the company prefix length (TDS 2.3 §6.4)."""
    return f"urn:epc:class:lgtin:{_item(gtin, prefix)}.{escape_urn(lot)}"


def lgtin_link(gtin: str, lot: str) -> str:
    """`https://id.gs1.org/01/…/10/…`: the lot's canonical Digital Link, for when the prefix length is unknown."""
    return f"{RESOLVER}/01/{_digits('GTIN', gtin, 14)}/10/{escape_link(lot)}"


def gtin_pattern(gtin: str, prefix: int) -> str:
    """`urn:epc:idpat:sgtin:….*`: the class of all items of a GTIN-14 (TDS 2.3 §8), for goods without a lot."""
    return f"urn:epc:idpat:sgtin:{_item(gtin, prefix)}.*"


def gtin_link(gtin: str) -> str:
    """`https://id.gs1.org/01/…`."""
    return f"{RESOLVER}/01/{_digits('GTIN', gtin, 14)}"


def sscc_urn(sscc: str, prefix: int) -> str:
    """`urn:epc:id:sscc:…` of 18 digits; `prefix` is the company prefix length (TDS 2.3 §6.3.2)."""
    _digits("SSCC", sscc, 18)
    cut = 1 + _prefix(prefix)
    return f"urn:epc:id:sscc:{sscc[1:cut]}.{sscc[0]}{sscc[cut:17]}"


def sscc_link(sscc: str) -> str:
    """`https://id.gs1.org/00/…`."""
    return f"{RESOLVER}/00/{_digits('SSCC', sscc, 18)}"


def sgln_urn(gln: str, prefix_length: int, ext: str = "0") -> str:
    """`urn:epc:id:sgln:…` of a GLN and extension; "0" means none (TDS 2.3 §6.3.3)."""
    _digits("GLN", gln, 13)
    cut = _prefix(prefix_length)
    return f"urn:epc:id:sgln:{gln[:cut]}.{gln[cut:12]}.{escape_urn(ext)}"


def gln_link(gln: str, ext: str = "0") -> str:
    """`https://id.gs1.org/414/…/254/…`; without extension when `ext` is "0"."""
    location = f"{RESOLVER}/414/{_digits('GLN', gln, 13)}"
    return location if ext == "0" else f"{location}/254/{escape_link(ext)}"


def pgln_urn(gln: str, prefix_length: int) -> str:
    """`urn:epc:id:pgln:…`: a GLN as a party (TDS 2.3 §6.3.15)."""
    _digits("GLN", gln, 13)
    cut = _prefix(prefix_length)
    return f"urn:epc:id:pgln:{gln[:cut]}.{gln[cut:12]}"


def party_link(gln: str) -> str:
    """`https://id.gs1.org/417/…`: a GLN as a party, for when the prefix length is unknown."""
    return f"{RESOLVER}/417/{_digits('GLN', gln, 13)}"
