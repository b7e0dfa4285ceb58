"""EPC encoders of the simulated goods, from GS1 EPC Tag Data Standard 2.3 §14, apart from the gateway's decoder.

Only what the scenarios put on pallets: SSCC-96, SGTIN-96, and raw tags that no GS1 header begins.
"""

from typing import Final

SSCC_96: Final = 0x31
SGTIN_96: Final = 0x30
UNIT_LOAD: Final = 6
"""Filter value of a pallet tag (TDS 2.3 §10.3)."""
FULL_CASE: Final = 2
"""Filter value of a case tag (TDS 2.3 §10.2)."""
MAX_SERIAL_96: Final = (1 << 38) - 1
"""SGTIN-96 carries numeric serials without leading zeros up to 274 877 906 943."""

_PREFIX_BITS: Final = {12: 40, 11: 37, 10: 34, 9: 30, 8: 27, 7: 24, 6: 20}
"""GS1 company prefix length in digits → bits of its field; the partition value is 12 − length."""


def check_digit(body: str) -> str:
    """The GS1 mod-10 check digit of a key without it (GTIN, SSCC, GLN: weights 3, 1, 3, … from the right).

    Raises:
        ValueError: `body` is not all digits.
    """
    if not (body.isascii() and body.isdigit()):
        raise ValueError(f"{body!r}: a GS1 key has digits only")
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body)))
    return str(-total % 10)


def _key(digits: str, length: int, name: str) -> str:
    if len(digits) != length or not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"{name} {digits!r}: expected {length} digits")
    if check_digit(digits[:-1]) != digits[-1]:
        raise ValueError(f"{name} {digits}: the check digit should be {check_digit(digits[:-1])}")
    return digits


def _partition(prefix_length: int) -> tuple[int, int]:
    """The partition value and the bits of the company prefix."""
    if prefix_length not in _PREFIX_BITS:
        raise ValueError(f"company prefix length {prefix_length}: expected 6 to 12")
    return 12 - prefix_length, _PREFIX_BITS[prefix_length]


def _sscc_parts(sscc: str, prefix_length: int) -> tuple[str, str]:
    """Company prefix; extension digit and serial reference."""
    _key(sscc, 18, "SSCC")
    return sscc[1 : 1 + prefix_length], sscc[0] + sscc[1 + prefix_length : 17]


def _sgtin_parts(gtin: str, prefix_length: int) -> tuple[str, str]:
    """Company prefix; indicator digit and item reference."""
    _key(gtin, 14, "GTIN")
    return gtin[1 : 1 + prefix_length], gtin[0] + gtin[1 + prefix_length : 13]


def _serial(serial: str) -> int:
    number = int(serial) if serial.isascii() and serial.isdigit() else -1
    if number < 0 or str(number) != serial or number > MAX_SERIAL_96:
        raise ValueError(f"serial {serial!r}: SGTIN-96 takes a number without leading zeros up to {MAX_SERIAL_96}")
    return number


def sscc96(sscc: str, prefix_length: int, filter_value: int = UNIT_LOAD) -> str:
    """The 24 hex digits of an SSCC-96 tag (TDS 2.3 §14.6.2).

    Raises:
        ValueError: not an SSCC with a right check digit, or a prefix length outside 6…12.
    """
    partition, bits = _partition(prefix_length)
    prefix, reference = _sscc_parts(sscc, prefix_length)
    value = SSCC_96 << 3 | filter_value & 7
    value = value << 3 | partition
    value = value << bits | int(prefix)
    value = value << (58 - bits) | int(reference)
    return f"{value << 24:024X}"


def sgtin96(gtin: str, serial: str, prefix_length: int, filter_value: int = FULL_CASE) -> str:
    """The 24 hex digits of an SGTIN-96 tag (TDS 2.3 §14.6.1).

    Raises:
        ValueError: a wrong GTIN-14 or check digit, a serial SGTIN-96 cannot carry, a prefix length outside 6…12.
    """
    partition, bits = _partition(prefix_length)
    prefix, item = _sgtin_parts(gtin, prefix_length)
    value = SGTIN_96 << 3 | filter_value & 7
    value = value << 3 | partition
    value = value << bits | int(prefix)
    value = value << (44 - bits) | int(item)
    return f"{value << 38 | _serial(serial):024X}"


def sscc_uri(sscc: str, prefix_length: int) -> str:
    """The pure identity URI of a pallet: `urn:epc:id:sscc:<prefix>.<extension digit and reference>`."""
    _partition(prefix_length)
    prefix, reference = _sscc_parts(sscc, prefix_length)
    return f"urn:epc:id:sscc:{prefix}.{reference}"


def sgtin_uri(gtin: str, serial: str, prefix_length: int) -> str:
    """The pure identity URI of an item: `urn:epc:id:sgtin:<prefix>.<indicator and item>.<serial>`."""
    _partition(prefix_length)
    prefix, item = _sgtin_parts(gtin, prefix_length)
    return f"urn:epc:id:sgtin:{prefix}.{item}.{_serial(serial)}"


def raw(hex_digits: str) -> str:
    """A tag that is no GS1 EPC (a chip's factory number, another scheme): its hex in upper case, whole 16-bit words.

    Raises:
        ValueError: not hex, or not a whole number of words.
    """
    text = hex_digits.upper()
    if not text or len(text) % 4 or set(text) - set("0123456789ABCDEF"):
        raise ValueError(f"{hex_digits!r}: a tag's EPC bank holds whole 16-bit words of hex")
    return text
