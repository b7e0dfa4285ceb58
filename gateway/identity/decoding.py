"""EPC memory to `Identity` (TDS 2.3 §14.4): strict, total and fast."""

import re
from functools import lru_cache

from gateway.identity.keys import escape_link
from gateway.identity.schemes import KNOWN, SCHEMES, Identity

LONGEST = 496
"""Longest EPC in bits that a tag can hold (31 words, ISO/IEC 18000-63 PC length field)."""

_is_hex = re.compile(r"[0-9A-F]+").fullmatch


def _raw(hex_: str, bits: int, digits: str, error: str) -> Identity:
    """`urn:epc:raw:{bits}.x{HEX}` (TDS 2.3 §12): a value for what no scheme explains, never a lost read."""
    return Identity(hex_, "raw", f"urn:epc:raw:{bits}.x{digits}", None, {}, error=error)


def _odd(hex_: str, bits: int | None) -> Identity | None:
    """The identity of what is no 96-bit EPC by form alone; None when the form is sound and 96 bits long."""
    room = 4 * len(hex_)
    if not hex_:
        return _raw(hex_, 0, "", "the EPC is empty")
    if not _is_hex(hex_):
        return _raw(hex_, room, escape_link(hex_), f"{hex_[:40]!r} holds something else than hexadecimal digits")
    if bits is not None and bits != room:
        if not 0 < bits < room:
            return _raw(hex_, room, hex_, f"{bits} bits were announced, {room} are there")
        # The bits are left-aligned and padded to an octet or word on the air; the URN wants the number itself.
        digits = f"{int(hex_, 16) >> (room - bits):0{-(-bits // 4)}X}"
        if bits != 96:
            return _raw(hex_, bits, digits, f"{bits} bits: only 96-bit EPCs are decoded{_named(hex_)}")
        return None if int(hex_[24:], 16) == 0 else _raw(hex_, bits, digits, "bits are set behind the announced 96")
    if room > LONGEST:
        return _raw(hex_, room, hex_, f"{room} bits are more than the {LONGEST} that a tag can hold")
    if room != 96:
        return _raw(hex_, room, hex_, f"{room} bits: only 96-bit EPCs are decoded{_named(hex_)}")
    return None


def _named(hex_: str) -> str:
    """` (header 0x36: sgtin-198)` where the header has a name."""
    if len(hex_) < 2:
        return ""
    header = int(hex_[:2], 16)
    name = SCHEMES[header].name if header in SCHEMES else KNOWN.get(header)
    return f" (header 0x{header:02X}: {name})" if name else ""


@lru_cache(maxsize=16384)
def decode(hex: str, bits: int | None = None) -> Identity:  # noqa: A002 - the contract's name
    """Read an EPC (hex of the memory from bit 20h on, either case) into its identity. Never raises.

    `bits` is the EPC's length when the reader told it (LLRP EPCData), else four per digit. What is not a sound
    SGTIN-96 or SSCC-96 (unknown header, reserved partition, a company prefix or reference too large for its digits,
    another length, no hex at all) comes back with scheme "raw" and the reason in `error`. Source: TDS 2.3 §14.
    """
    hex_ = hex.upper()
    if len(hex_) != 24 or bits not in (None, 96) or not _is_hex(hex_):
        odd = _odd(hex_, bits)
        if odd is not None:
            return odd
    value = int(hex_[:24], 16)
    scheme = SCHEMES.get(value >> 88)
    if scheme is None:
        header = value >> 88
        name = KNOWN.get(header)
        error = (
            f"header 0x{header:02X} is {name}, which is not decoded" if name else f"no scheme has header 0x{header:02X}"
        )
        return _raw(hex_, 96, hex_[:24], error)
    partition = value >> 82 & 7
    if partition == 7:
        return _raw(hex_, 96, hex_[:24], f"{scheme.name}: partition 7 is reserved")
    split = scheme.splits[partition]
    prefix = value >> split.prefix_shift & split.prefix_mask
    if prefix >= split.prefix_limit:
        return _raw(
            hex_, 96, hex_[:24], f"{scheme.name}: company prefix {prefix} has more than {split.prefix_digits} digits"
        )
    reference = value >> split.reference_shift & split.reference_mask
    if reference >= split.reference_limit:
        return _raw(
            hex_, 96, hex_[:24], f"{scheme.name}: reference {reference} has more than {split.reference_digits} digits"
        )
    return scheme.build(hex_, value >> 85 & 7, split, prefix, reference, value & scheme.tail_mask)
