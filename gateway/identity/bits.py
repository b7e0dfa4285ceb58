"""Bits and the characters in them: a cursor, and the string codings of TDS 2.3 §14.4 and §14.5.6."""

import re

from gateway.identity.identity import MalformedError

SET_82 = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]+").fullmatch
"""GS1's character set 82 (General Specifications figure 7.11-1, TDS Table A-1)."""
SET_39 = re.compile(r"[#\-/0-9A-Z]+").fullmatch
"""GS1's character set 39 (General Specifications figure 7.11-2), of AI (8010)."""
SET_64 = re.compile(r"[\-0-9A-Z_a-z]+").fullmatch
"""GS1's file-safe, URI-safe base 64 set (General Specifications figure 7.11-3), of AI (8030)."""

_BASE_64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"  # Table 14-7
_CODE_40 = "\0ABCDEFGHIJKLMNOPQRSTUVWXYZ-.:0123456789"  # Table 14-8


class Bits:
    """A cursor over bits, most significant first."""

    __slots__ = ("left", "value")

    def __init__(self, value: int, left: int) -> None:
        self.value = value
        self.left = left

    def take(self, count: int) -> int:
        """The next `count` bits as a number.

        Raises:
            MalformedError: fewer are left.
        """
        if count > self.left:
            raise MalformedError(f"{count} bits should follow, {self.left} are left")
        self.left -= count
        return self.value >> self.left & ((1 << count) - 1)

    def rest(self) -> int:
        """What is left, as a number, without moving."""
        return self.value & ((1 << self.left) - 1)


def digits_bits(digits: int) -> int:
    """Bits that any number of so many digits fits in (TDS Table B, first column)."""
    width: int = (10**digits - 1).bit_length()
    return width


def number(bits: Bits, digits: int, width: int | None = None) -> str:
    """A number in `width` bits, with the leading zeros of `digits` digits (§14.5.2, §14.5.6.1, §14.4.10)."""
    value = bits.take(digits_bits(digits) if width is None else width)
    if value >= 10**digits:
        raise MalformedError(f"{value} has more than {digits} digits")
    return f"{value:0{digits}d}" if digits else ""


def nibbles(bits: Bits, digits: int) -> str:
    """Digits of four bits each (§14.5.4)."""
    text = f"{bits.take(4 * digits):0{digits}X}"
    if not text.isdigit():
        raise MalformedError(f"{text} should be {digits} digits")
    return text


def padded_string(value: int, width: int, longest: int) -> str:
    """7-bit characters in a field of `width` bits, filled up with zeros (§14.4.2 String, §14.4.5)."""
    text = ""
    for shift in range(width - 7, -1, -7):
        code = value >> shift & 0x7F
        if not code:
            break
        text += chr(code)
    if value & ((1 << (width - 7 * len(text))) - 1):
        raise MalformedError("bits are set behind the end of its string")
    if len(text) > longest:
        raise MalformedError(f"its string has {len(text)} characters, not up to {longest}")
    if not SET_82(text):
        raise MalformedError("its string holds a character outside GS1's 82" if text else "its string is empty")
    return text


def six_bit(code: int) -> str:
    """A 6-bit character (TDS Table G-1: digits, upper-case letters, `#`, `-` and `/`)."""
    character = chr(code | 0x40 if code < 0x20 else code)
    if not SET_39(character):
        raise MalformedError(f"6-bit code {code} is no character")
    return character


def six_bit_string(bits: Bits, shortest: int, longest: int) -> str:
    """6-bit characters up to a code of zero (§14.4.8)."""
    text = ""
    while code := bits.take(6):
        text += six_bit(code)
    if not shortest <= len(text) <= longest:
        raise MalformedError(f"a string has {len(text)} characters, not {shortest} to {longest}")
    return text


def code_40(bits: Bits, length: int) -> str:
    """URN Code 40: three characters in 16 bits (§14.5.6.5)."""
    text = ""
    for _ in range(0, length, 3):
        value = bits.take(16) - 1
        if not 0 <= value < 64000:
            raise MalformedError(f"{value + 1} is no URN Code 40")
        text += _CODE_40[value // 1600] + _CODE_40[value // 40 % 40] + _CODE_40[value % 40]
    text, padding = text[:length], text[length:]
    if "\0" in text or padding.strip("\0"):
        raise MalformedError("URN Code 40 and its length disagree")
    return text


def alphanumeric(bits: Bits, longest: int, *, optional: bool = False) -> str:
    """Encoding indicator, length, characters (§14.5.6, Table E)."""
    method = bits.take(3)
    length = bits.take(longest.bit_length())
    if length > longest or (length == 0 and not optional):
        raise MalformedError(f"a value has {length} characters, not 1 to {longest}")
    match method:
        case 0:
            return number(bits, length)
        case 1 | 2:
            text = f"{bits.take(4 * length):0{length}X}" if length else ""
            return text if method == 1 else text.lower()
        case 3:
            return "".join(_BASE_64[bits.take(6)] for _ in range(length))
        case 4:
            return "".join(chr(bits.take(7)) for _ in range(length))
        case 5:
            return code_40(bits, length)
    raise MalformedError(f"encoding indicator {method} is reserved")


def letter(bits: Bits) -> str:
    """An upper-case letter in six bits (§14.5.12)."""
    code = bits.take(6)
    if code > 25:
        raise MalformedError(f"{_BASE_64[code]!r} is no upper-case letter")
    return _BASE_64[code]
