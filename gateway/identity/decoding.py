"""EPC memory to `Identity` (TDS 2.3 §14.4, §15.2): strict, total and fast."""

import re
from functools import lru_cache

from msgspec.structs import replace

from gateway.identity import opaque, plus, schemes
from gateway.identity.bits import Bits
from gateway.identity.identity import Control, Identity, MalformedError
from gateway.identity.keys import escape_link

LONGEST = 496
"""Longest EPC in bits that a tag can hold (31 words, ISO/IEC 18000-63 PC length field)."""

_is_hex = re.compile(r"[0-9A-F]+").fullmatch

_SCHEMES: dict[int, schemes.Scheme | schemes.Loose | plus.Plus] = {**schemes.SCHEMES, **plus.SCHEMES}

_UNREAD = {0x00: "an unprogrammed tag", 0xE2: "a TID, not an EPC", 0xFF: "reserved for headers longer than 8 bits"}
"""Headers (TDS 2.3 Table 14-1) that we can name, and that begin no EPC: for the error's sentence."""


@lru_cache(maxsize=16384)
def decode(hex: str, bits: int | None = None, pc: int | None = None, xpc: int | None = None) -> Identity:  # noqa: A002 - the contract's name
    """Read an EPC (hex of the memory from bit 20h on, either case) into its identity. Never raises.

    `bits` is the EPC's length when the reader told it (LLRP EPCData), else four per digit. `pc` (16 bits) and `xpc`
    (16 or 32 bits) are the protocol control words when the reader reported them: they say when the memory is not
    GS1's, and add control fields to `tag_uri`. An opaque id (`scheme:value`, see `opaque`) is read too.

    What follows no scheme to the last bit (unknown header, reserved partition, a number too large for its digits, a
    wrong check digit, a character outside its set, bits behind the end, no hex at all) comes back with scheme "raw" and
    the reason in `error`. Source: TDS 2.3 §14.
    """
    text = hex.upper() if hex.isascii() else hex  # the upper case of some letters that are no hex is hex
    identity = _opaque(hex) if ":" in hex else _epc(text, bits, pc is not None and pc >> 8 & 1 == 1)
    if pc is None:
        return identity
    control = Control(pc & 0xFFFF, None if xpc is None else xpc & 0xFFFFFFFF)
    if control.iso and identity.uri.startswith("urn:epc:raw:"):
        length, _, digits = identity.uri.removeprefix("urn:epc:raw:").partition(".x")
        uri = f"urn:epc:raw:{length}.x{control.attributes:02X}.x{digits}"
        error = f"the toggle says ISO/IEC 15961 (AFI 0x{control.attributes:02X}), not GS1"
        return replace(identity, uri=uri, error=error, control=control)
    return replace(identity, control=control)


def _epc(hex_: str, bits: int | None, iso: bool) -> Identity:
    room = 4 * len(hex_)
    if not hex_:
        return _raw(hex_, 0, "", "the EPC is empty")
    if not _is_hex(hex_):
        return _raw(hex_, room, escape_link(hex_), f"{hex_[:40]!r} holds something else than hexadecimal digits")
    value, digits = int(hex_, 16), hex_
    if bits is not None and bits != room:
        if not 0 < bits < room:
            return _raw(hex_, room, hex_, f"{bits} bits were announced, {room} are there")
        # The bits are left-aligned and padded to an octet or word on the air; the URN wants the number itself.
        padding = value & ((1 << room - bits) - 1)
        value, room = value >> room - bits, bits
        digits = f"{value:0{-(-bits // 4)}X}"
        if padding:
            return _raw(hex_, room, digits, f"bits are set behind the announced {bits}")
    if room > LONGEST:
        return _raw(hex_, room, digits, f"{room} bits are more than the {LONGEST} that a tag can hold")
    if iso:
        return _raw(hex_, room, digits, "")
    header = value >> room - 8 if room >= 8 else -1
    scheme = _SCHEMES.get(header)
    if scheme is None:
        return _raw(hex_, room, digits, _unread(header))
    try:
        return _read(scheme, hex_, value, room)
    except MalformedError as problem:
        return _raw(hex_, room, digits, f"{scheme.name}: {problem}")


def _read(scheme: schemes.Scheme | schemes.Loose | plus.Plus, hex_: str, value: int, room: int) -> Identity:
    """What `room` bits say under their scheme.

    Raises:
        MalformedError: fewer bits than it needs, bits behind its end, or a rule of the scheme broken.
    """
    if isinstance(scheme, plus.Plus):
        return scheme.read(hex_, Bits(value, room - 8))
    if scheme.bits is not None:
        behind = room - scheme.bits
        if behind < 0:
            raise MalformedError(f"it has {scheme.bits} bits, {room} are there")
        if behind:
            if value & ((1 << behind) - 1):
                raise MalformedError(f"bits are set behind its {scheme.bits}")
            value, room = value >> behind, scheme.bits
        if isinstance(scheme, schemes.Scheme):
            return scheme.read(hex_, value)
    bits = Bits(value, room - 8)
    identity = scheme.read(hex_, bits)
    if bits.rest():
        raise MalformedError(f"bits are set behind its {room - bits.left}")
    return identity


def _unread(header: int) -> str:
    if header < 0:
        return "it is shorter than a header"
    name = _UNREAD.get(header)
    return f"header 0x{header:02X} is {name}" if name else f"no scheme has header 0x{header:02X}"


def _raw(hex_: str, bits: int, digits: str, error: str) -> Identity:
    """`urn:epc:raw:{bits}.x{HEX}` (TDS 2.3 §12): a value for what no scheme explains, never a lost read."""
    if not hex_.isascii():  # no hex, and perhaps no text: half a surrogate pair can stand in no JSON
        hex_ = hex_.encode(errors="replace").decode()
    return Identity(hex_, "raw", f"urn:epc:raw:{bits}.x{digits}", None, {}, error=error)


def _opaque(text: str) -> Identity:
    found = opaque.problem(text)
    if found is not None:
        return _raw(text, 4 * len(text), escape_link(text), found)
    one = opaque.parse(text)
    return Identity(text, one.scheme, one.uri, None, {})
