"""Binary coding schemes of the EPC Tag Data Standard 2.3 §14, as tables: a new scheme is a new row.

A row of `SCHEMES` says where the fields of a 96-bit EPC lie: header 8 bits, filter 3, partition 3, company prefix and
reference as the partition table splits them, and a tail; its `build` writes what they mean.
"""

from collections.abc import Callable

from msgspec import Struct

from gateway.identity.keys import RESOLVER, check_digit


class Identity(Struct, frozen=True):
    """What a tag says about itself.

    `ai` holds GS1 element strings by application identifier ("00" SSCC-18, "01" GTIN-14, "21" serial); it is shared
    between callers, so do not change it. `prefix` is the length of the GS1 company prefix in digits. `error` says in
    words why the scheme is "raw".
    """

    hex: str
    scheme: str  # sgtin-96 | sscc-96 | raw
    uri: str
    digital_link: str | None
    ai: dict[str, str]
    filter: int | None = None
    prefix: int | None = None
    error: str | None = None


class Split(Struct, frozen=True):
    """One partition: bits and digits of company prefix and reference, with what the decoder derives from them."""

    prefix_digits: int
    reference_digits: int
    prefix_shift: int
    prefix_mask: int
    prefix_limit: int
    reference_shift: int
    reference_mask: int
    reference_limit: int


Build = Callable[[str, int, Split, int, int, int], Identity]
"""(hex, filter, split, company prefix, reference, tail) → Identity."""


class Scheme(Struct, frozen=True):
    """One classic scheme with a partition table."""

    name: str
    bits: int
    splits: tuple[Split, ...]  # by partition value
    tail_mask: int
    build: Build


def _splits(rows: tuple[tuple[int, int, int, int], ...], tail_bits: int) -> tuple[Split, ...]:
    """Derive shifts, masks and limits from (prefix bits, prefix digits, reference bits, reference digits) rows."""
    return tuple(
        Split(
            prefix_digits=prefix_digits,
            reference_digits=reference_digits,
            prefix_shift=tail_bits + reference_bits,
            prefix_mask=(1 << prefix_bits) - 1,
            prefix_limit=10**prefix_digits,
            reference_shift=tail_bits,
            reference_mask=(1 << reference_bits) - 1,
            reference_limit=10**reference_digits,
        )
        for prefix_bits, prefix_digits, reference_bits, reference_digits in rows
    )


# (company prefix bits, digits, reference bits, digits) by partition value.
_SGTIN = (
    (40, 12, 4, 1),
    (37, 11, 7, 2),
    (34, 10, 10, 3),
    (30, 9, 14, 4),
    (27, 8, 17, 5),
    (24, 7, 20, 6),
    (20, 6, 24, 7),
)
_SSCC = (
    (40, 12, 18, 5),
    (37, 11, 21, 6),
    (34, 10, 24, 7),
    (30, 9, 28, 8),
    (27, 8, 31, 9),
    (24, 7, 34, 10),
    (20, 6, 38, 11),
)


def _sgtin(hex_: str, filter_: int, split: Split, prefix: int, reference: int, serial: int) -> Identity:
    """TDS 2.3 §14.6.1 (SGTIN-96) and §7.2.3 (GTIN): the indicator digit leads the GTIN and the URN's reference."""
    company = f"{prefix:0{split.prefix_digits}d}"
    item = f"{reference:0{split.reference_digits}d}"
    body = item[0] + company + item[1:]
    gtin = body + check_digit(body)
    number = str(serial)
    return Identity(
        hex_,
        "sgtin-96",
        f"urn:epc:id:sgtin:{company}.{item}.{number}",
        f"{RESOLVER}/01/{gtin}/21/{number}",
        {"01": gtin, "21": number},
        filter_,
        split.prefix_digits,
    )


def _sscc(hex_: str, filter_: int, split: Split, prefix: int, reference: int, _: int) -> Identity:
    """TDS 2.3 §14.6.2 (SSCC-96): the extension digit leads the SSCC; the 24 unallocated bits say nothing."""
    company = f"{prefix:0{split.prefix_digits}d}"
    serial = f"{reference:0{split.reference_digits}d}"
    body = serial[0] + company + serial[1:]
    sscc = body + check_digit(body)
    return Identity(
        hex_,
        "sscc-96",
        f"urn:epc:id:sscc:{company}.{serial}",
        f"{RESOLVER}/00/{sscc}",
        {"00": sscc},
        filter_,
        split.prefix_digits,
    )


SCHEMES: dict[int, Scheme] = {
    0x30: Scheme("sgtin-96", 96, _splits(_SGTIN, 38), (1 << 38) - 1, _sgtin),
    0x31: Scheme("sscc-96", 96, _splits(_SSCC, 24), (1 << 24) - 1, _sscc),
}
"""Decoded schemes by header byte."""

KNOWN: dict[int, str] = {
    0x00: "an unprogrammed tag",
    0x2C: "gdti-96",
    0x2D: "gsrn-96",
    0x2E: "gsrnp-96",
    0x2F: "usdod-96",
    0x32: "sgln-96",
    0x33: "grai-96",
    0x34: "giai-96",
    0x35: "gid-96",
    0x36: "sgtin-198",
    0x37: "grai-170",
    0x38: "giai-202",
    0x39: "sgln-195",
    0x3A: "gdti-113",
    0x3B: "adi-var",
    0x3C: "cpi-96",
    0x3D: "cpi-var",
    0x3E: "gdti-174",
    0x3F: "sgcn-96",
    0x40: "itip-110",
    0x41: "itip-212",
    0xE2: "a TID, not an EPC",
    **dict.fromkeys(range(0xF0, 0xFC), "a TDS 2.x '+' scheme"),
}
"""Headers (TDS 2.3 §14.2) that we can name but do not decode: for the error's sentence."""
