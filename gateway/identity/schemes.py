"""Binary coding schemes before TDS 2.0 (TDS 2.3 §14.6), as one table: a new scheme is a new row.

A row of `SCHEMES` names the fields behind the header in their order; `read` walks them and `build` says what their
texts mean as EPC URI, element strings and Digital Link.
"""

from collections.abc import Callable

from msgspec import Struct

from gateway.identity.bits import Bits, number, padded_string, six_bit, six_bit_string
from gateway.identity.identity import Identity, MalformedError
from gateway.identity.keys import RESOLVER, URN_ESCAPES, check_digit, escape_link

Meaning = tuple[str, dict[str, str], str | None]
"""EPC URI behind `urn:epc:id:`, element strings by AI, Digital Link."""


class Split(Struct, frozen=True):
    """One partition: where company prefix and reference lie, and what they may hold."""

    prefix_digits: int
    prefix_shift: int
    prefix_mask: int
    prefix_limit: int
    reference_shift: int
    reference_mask: int
    reference_bits: int
    longest: int  # digits or characters of the reference


class Field(Struct, frozen=True):
    """A field behind the reference."""

    bits: int
    read: Callable[[int], str]


class Placed(Struct, frozen=True):
    """A field and where it lies."""

    read: Callable[[int], str]
    shift: int
    mask: int


class Scheme(Struct, frozen=True):
    """A scheme of fixed length with header, filter, partition, company prefix, reference and further fields."""

    name: str
    bits: int
    splits: tuple[Split, ...]  # by partition value
    reference: Callable[[int, Split], str]
    tail: tuple[Placed, ...]
    build: Callable[..., Meaning]

    def read(self, hex_: str, value: int) -> Identity:
        """The identity of `bits` bits.

        Raises:
            MalformedError: they break a rule of the scheme.
        """
        partition = value >> self.bits - 14 & 7
        if partition == 7:
            raise MalformedError("partition 7 is reserved")
        split = self.splits[partition]
        prefix = value >> split.prefix_shift & split.prefix_mask
        digits = split.prefix_digits
        if prefix >= split.prefix_limit:
            raise MalformedError(f"company prefix {prefix} has more than {digits} digits")
        uri, ai, link = self.build(
            f"{prefix:0{digits}d}",
            self.reference(value >> split.reference_shift & split.reference_mask, split),
            *[field.read(value >> field.shift & field.mask) for field in self.tail],
        )
        return Identity(hex_, self.name, f"urn:epc:id:{uri}", link, ai, value >> self.bits - 11 & 7, digits)


class Loose(Struct, frozen=True):
    """A scheme without partition table or of variable length: a function reads its fields one after another."""

    name: str
    bits: int | None  # None: the fields say where it ends
    fields: Callable[[Bits], tuple[Meaning, int | None, int | None]]

    def read(self, hex_: str, bits: Bits) -> Identity:
        """The identity of what follows the header at the cursor.

        Raises:
            MalformedError: the bits break a rule of the scheme.
        """
        (uri, ai, link), filter_, prefix = self.fields(bits)
        return Identity(hex_, self.name, f"urn:epc:id:{uri}", link, ai, filter_, prefix)


def _plain(text: str) -> str:
    """A text in a link; letters and digits alone, which most serials are, need no escape."""
    return text if text.isalnum() else escape_link(text)


def _urn(text: str) -> str:
    return text if text.isalnum() else text.translate(URN_ESCAPES)


# --- references and further fields ------------------------------------------------------------------------------------


def _padded(value: int, split: Split) -> str:
    """§14.4.3 Partition Table."""
    if value >= 10**split.longest:
        raise MalformedError(f"reference {value} has more than {split.longest} digits")
    return f"{value:0{split.longest}d}" if split.longest else ""


def _unpadded(value: int, split: Split) -> str:
    """§14.4.4 Unpadded Partition Table; the longest is that of Table 12-2 and of the partition table."""
    text = str(value)
    if len(text) > split.longest:
        raise MalformedError(f"reference {value} has more than {split.longest} digits")
    return text


def _lettered(value: int, split: Split) -> str:
    """§14.4.5 String Partition Table."""
    return padded_string(value, split.reference_bits, split.longest)


def _integer(bits: int) -> Field:
    """§14.4.1."""
    return Field(bits, str)


def _string(bits: int) -> Field:
    """§14.4.2."""
    return Field(bits, lambda value: padded_string(value, bits, bits // 7))


def _numeric_string(bits: int) -> Field:
    """§14.4.6: digits behind a 1, which keeps their leading zeros."""

    def read(value: int) -> str:
        text = str(value)
        if text[0] != "1" or len(text) == 1:
            raise MalformedError(f"serial field {text} is not 1 and then digits")
        return text[1:]

    return Field(bits, read)


def _two_digits(value: int) -> str:
    """§14.4.10 Fixed Width Integer."""
    if value > 99:
        raise MalformedError(f"{value} has more than 2 digits")
    return f"{value:02d}"


def _nothing(value: int) -> str:
    if value:
        raise MalformedError("its reserved bits are not zero")
    return ""


_PIECES = (Field(7, _two_digits), Field(7, _two_digits))
_RESERVED = (Field(24, _nothing),)

# --- meanings (TDS 2.3 §7) --------------------------------------------------------------------------------------------


def _sgtin(company: str, item: str, serial: str) -> Meaning:
    body = item[0] + company + item[1:]
    gtin = body + check_digit(body)
    return (
        f"sgtin:{company}.{item}.{_urn(serial)}",
        {"01": gtin, "21": serial},
        f"{RESOLVER}/01/{gtin}/21/{_plain(serial)}",
    )


def _sscc(company: str, reference: str, _: str) -> Meaning:
    body = reference[0] + company + reference[1:]
    sscc = body + check_digit(body)
    return f"sscc:{company}.{reference}", {"00": sscc}, f"{RESOLVER}/00/{sscc}"


def _sgln(company: str, location: str, extension: str) -> Meaning:
    """Extension 0 is a GLN without extension (§6.3.3)."""
    gln = company + location + check_digit(company + location)
    uri = f"sgln:{company}.{location}.{_urn(extension)}"
    if extension == "0":
        return uri, {"414": gln}, f"{RESOLVER}/414/{gln}"
    return uri, {"414": gln, "254": extension}, f"{RESOLVER}/414/{gln}/254/{_plain(extension)}"


def _itip(company: str, item: str, piece: str, total: str, serial: str) -> Meaning:
    body = item[0] + company + item[1:]
    itip = body + check_digit(body) + piece + total
    return (
        f"itip:{company}.{item}.{piece}.{total}.{_urn(serial)}",
        {"8006": itip, "21": serial},
        f"{RESOLVER}/8006/{itip}/21/{_plain(serial)}",
    )


def _cpi(company: str, part: str, serial: str) -> Meaning:
    return (
        f"cpi:{company}.{_urn(part)}.{serial}",
        {"8010": company + part, "8011": serial},
        f"{RESOLVER}/8010/{_plain(company + part)}/8011/{serial}",
    )


def _giai(company: str, asset: str) -> Meaning:
    return f"giai:{company}.{_urn(asset)}", {"8004": company + asset}, f"{RESOLVER}/8004/{_plain(company + asset)}"


def _typed(name: str, ai: str, pad: str) -> Callable[[str, str, str], Meaning]:
    """GRAI, GDTI and SGCN: company prefix, type, check digit and serial in one element."""

    def build(company: str, kind: str, serial: str) -> Meaning:
        key = pad + company + kind + check_digit(company + kind) + serial
        return f"{name}:{company}.{kind}.{_urn(serial)}", {ai: key}, f"{RESOLVER}/{ai}/{_plain(key)}"

    return build


def _service(name: str, ai: str) -> Callable[[str, str, str], Meaning]:
    """GSRN and GSRNP."""

    def build(company: str, reference: str, _: str) -> Meaning:
        key = company + reference + check_digit(company + reference)
        return f"{name}:{company}.{reference}", {ai: key}, f"{RESOLVER}/{ai}/{key}"

    return build


# --- schemes that a function reads ------------------------------------------------------------------------------------


def _gid(bits: Bits) -> tuple[Meaning, None, None]:
    """§14.6.12."""
    return (f"gid:{bits.take(28)}.{bits.take(24)}.{bits.take(36)}", {}, None), None, None


def _office(text: str) -> str:
    """CAGE (5) or DoDAAC (6 characters): digits and upper-case letters without I and O (§14.4.7)."""
    text = text.removeprefix(" ")
    if len(text) < 5 or not text.isalnum() or not text.isascii() or text != text.upper() or set(text) & {"I", "O"}:
        raise MalformedError(f"{text!r} is no CAGE code or DoDAAC")
    return text


def _usdod(bits: Bits) -> tuple[Meaning, int, None]:
    """§14.6.13 and the DoD's Suppliers' Passive RFID Information Guide: six 8-bit characters, a space before a CAGE."""
    filter_ = bits.take(4)
    office = _office("".join(chr(bits.take(8)) for _ in range(6)))
    return (f"usdod:{office}.{bits.take(36)}", {}, None), filter_, None


def _adi(bits: Bits) -> tuple[Meaning, int, None]:
    """§14.6.14."""
    filter_ = bits.take(6)
    first = bits.take(6)
    office = _office((" " if first == 0x20 else six_bit(first)) + "".join(six_bit(bits.take(6)) for _ in range(5)))
    part, serial = six_bit_string(bits, 0, 32), six_bit_string(bits, 1, 30)
    if "#" in part + serial[1:] or serial == "#":
        raise MalformedError("'#' may only begin a serial number")
    return (f"adi:{office}.{_urn(part)}.{_urn(serial)}", {}, None), filter_, None


def _cpi_var(bits: Bits) -> tuple[Meaning, int, int]:
    """§14.6.9.2."""
    filter_, partition = bits.take(3), bits.take(3)
    if partition == 7:
        raise MalformedError("partition 7 is reserved")
    digits = 12 - partition
    company = number(bits, digits, _PREFIX_BITS[partition])
    part = six_bit_string(bits, 1, 30 - digits)
    return _cpi(company, part, str(int(number(bits, 12, 40)))), filter_, digits


# --- the table --------------------------------------------------------------------------------------------------------

_PREFIX_BITS = (40, 37, 34, 30, 27, 24, 20)
"""Bits of the company prefix by partition value; it has 12 - value digits."""

# What is left for the reference at partition 0: bits, longest. The other rows follow, as the prefix gives way.
_ITEM = (4, 1)
_SERIAL_REFERENCE = (18, 5)
_LOCATION = (1, 0)
_ASSET_TYPE = (4, 0)
_PART = (11, 3)
_ASSET = (42, 13)
_LETTERED_ASSET = (148, 18)


def _scheme(
    name: str,
    at_zero: tuple[int, int],
    tail: tuple[Field, ...],
    build: Callable[..., Meaning],
    reference: Callable[[int, Split], str] = _padded,
) -> Scheme:
    """Lay the fields out from the right end and derive every shift, mask and limit."""
    placed: list[Placed] = []
    shift = 0
    for field in reversed(tail):
        placed.insert(0, Placed(field.read, shift, (1 << field.bits) - 1))
        shift += field.bits
    splits = []
    for partition, prefix_bits in enumerate(_PREFIX_BITS):
        width = at_zero[0] + _PREFIX_BITS[0] - prefix_bits
        splits.append(
            Split(
                prefix_digits=12 - partition,
                prefix_shift=shift + width,
                prefix_mask=(1 << prefix_bits) - 1,
                prefix_limit=10 ** (12 - partition),
                reference_shift=shift,
                reference_mask=(1 << width) - 1,
                reference_bits=width,
                longest=at_zero[1] + partition,
            )
        )
    return Scheme(name, 14 + at_zero[0] + 40 + shift, tuple(splits), reference, tuple(placed), build)


SCHEMES: dict[int, Scheme | Loose] = {
    0x2C: _scheme("gdti-96", _LOCATION, (_integer(41),), _typed("gdti", "253", "")),
    0x2D: _scheme("gsrn-96", _SERIAL_REFERENCE, _RESERVED, _service("gsrn", "8018")),
    0x2E: _scheme("gsrnp-96", _SERIAL_REFERENCE, _RESERVED, _service("gsrnp", "8017")),
    0x2F: Loose("usdod-96", 96, _usdod),
    0x30: _scheme("sgtin-96", _ITEM, (_integer(38),), _sgtin),
    0x31: _scheme("sscc-96", _SERIAL_REFERENCE, _RESERVED, _sscc),
    0x32: _scheme("sgln-96", _LOCATION, (_integer(41),), _sgln),
    0x33: _scheme("grai-96", _ASSET_TYPE, (_integer(38),), _typed("grai", "8003", "0")),
    0x34: _scheme("giai-96", _ASSET, (), _giai, _unpadded),
    0x35: Loose("gid-96", 96, _gid),
    0x36: _scheme("sgtin-198", _ITEM, (_string(140),), _sgtin),
    0x37: _scheme("grai-170", _ASSET_TYPE, (_string(112),), _typed("grai", "8003", "0")),
    0x38: _scheme("giai-202", _LETTERED_ASSET, (), _giai, _lettered),
    0x39: _scheme("sgln-195", _LOCATION, (_string(140),), _sgln),
    0x3A: _scheme("gdti-113", _LOCATION, (_numeric_string(58),), _typed("gdti", "253", "")),
    0x3B: Loose("adi-var", None, _adi),
    0x3C: _scheme("cpi-96", _PART, (_integer(31),), _cpi, _unpadded),
    0x3D: Loose("cpi-var", None, _cpi_var),
    0x3E: _scheme("gdti-174", _LOCATION, (_string(119),), _typed("gdti", "253", "")),
    0x3F: _scheme("sgcn-96", _LOCATION, (_numeric_string(41),), _typed("sgcn", "255", "")),
    0x40: _scheme("itip-110", _ITEM, (*_PIECES, _integer(38)), _itip),
    0x41: _scheme("itip-212", _ITEM, (*_PIECES, _string(140)), _itip),
}
"""Schemes by header byte."""
