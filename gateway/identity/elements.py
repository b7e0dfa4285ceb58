"""Values of GS1 application identifiers in bits: TDS 2.3 §14.5 and §15.3, Tables F and K."""

from collections.abc import Callable

from gateway.identity.bits import SET_39, SET_64, SET_82, Bits, alphanumeric, letter, nibbles, number
from gateway.identity.identity import MalformedError
from gateway.identity.keys import check_digit

_TABLE_F = """
N18: 00 8006 8017 8018 8026
N14: 01 02
N14 x16: 8003
N13: 410-417
N13 x17: 253
N13 v12: 255
N2: 7241
X2: 7010
X3: 427 7008
X4: 7040 7041
X10: 7009 7255
X12: 7005
X20: 10 21 22 243 254 420 4318 7020-7022 710-716 7240 8002 8012
X24: 8007
X25: 7242 8013 8020
X28: 235
X30: 240 241 250 251 400 401 403 4308 4319 7002 7230-7239 90
X35: 4300 4301 4310 4311 4320
X40: 7253 7254 7259
X50: 8009
X70: 4302-4306 4312-4316 7257 8110 8112 8200
X90: 7256 8030 91-99
B1: 7252
B2: 20
B3: 422 424 426
B3 X9: 421
B3 X27: 7030-7039
B3 V15: 3910-3919 3930-3939
B4: 3940-3943 8111
B6: 3100-3105 3110-3115 3120-3125 3130-3135 3140-3145 3150-3155 3160-3165
B6: 3200-3205 3210-3215 3220-3225 3230-3235 3240-3245 3250-3255 3260-3265 3270-3275 3280-3285 3290-3295
B6: 3300-3305 3310-3315 3320-3325 3330-3335 3340-3345 3350-3355 3360-3365 3370-3375
B6: 3400-3405 3410-3415 3420-3425 3430-3435 3440-3445 3450-3455 3460-3465 3470-3475 3480-3485 3490-3495
B6: 3500-3505 3510-3515 3520-3525 3530-3535 3540-3545 3550-3555 3560-3565 3570-3575
B6: 3600-3605 3610-3615 3620-3625 3630-3635 3640-3645 3650-3655 3660-3665 3670-3675 3680-3685 3690-3695
B6: 3950-3953 8005
B6 M: 4330-4333
B8: 7250
B12: 7251
B13: 7001
B14: 8001
B17: 402
B20: 4309
V4: 7004
V6: 242
V8: 30 37
V10: 8019
V12: 8011
V15: 3900-3909 3920-3929 423 425
T30: 7023 8004 8010
D: 11-13 15-17 4326 7006
H: 4324 4325 7003
R: 7007
P: 7011 8008
C: 4307 4317
F: 4321-4323
S: 7258
"""
"""Table F: the components of a value, then the AIs that have them.

Nn n digits of 4 bits; Bn n digits in the fewest bits; Xn up to n characters with encoding indicator and length; Vn up
to n digits with length; Tn delimited/terminated numeric; D date; H date and time; R date or range; P date and time as
precise as said; C country; F flag; M minus; S sequence. Lower case: may be empty. 7254 has 40 characters as in the
General Specifications and TDT, not the 30 that TDS 2.3 prints.
"""

_CHECKED = {
    **dict.fromkeys(("00", "8017", "8018"), 18),
    **dict.fromkeys(("01", "02", "8003", "8006", "8026"), 14),
    **dict.fromkeys(("253", "255", *map(str, range(410, 418))), 13),
    "402": 17,
}
"""AI → position of its check digit."""

_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def date(bits: Bits) -> str:
    """YYMMDD in 16 bits; day 00 is the month without a day (§14.5.8)."""
    year, month, day = bits.take(7), bits.take(4), bits.take(5)
    text = f"{year:02d}{month:02d}{day:02d}"
    # In the years that two digits can mean (General Specifications §7.12), 00 is 2000: a leap year.
    last = 28 if month == 2 and year % 4 else _DAYS[month - 1] if 1 <= month <= 12 else -1
    if year > 99 or day > last:
        raise MalformedError(f"{text} is no date")
    return text


def _time(bits: Bits, parts: int) -> str:
    """hh, hhmm or hhmmss (§14.5.9, §14.5.11)."""
    hour, *rest = (bits.take(width) for width in (5, 6, 6)[:parts])
    text = "".join(f"{part:02d}" for part in (hour, *rest))
    if hour > 24 or any(part > 59 for part in rest) or (hour == 24 and any(rest)):
        raise MalformedError(f"{text} is no time of day")
    return text


def _moment(bits: Bits) -> str:
    precision = bits.take(2)
    return date(bits) + ("" if precision == 3 else _time(bits, precision + 1))


def _terminated(bits: Bits, longest: int) -> str:
    """Digits up to a terminator, or up to a delimiter and then characters (§14.5.5)."""
    text = ""
    while (nibble := bits.take(4)) < 10:
        text += str(nibble)
    if nibble < 14:
        raise MalformedError(f"{nibble:X} is neither digit, delimiter nor terminator")
    if not text:
        raise MalformedError("a value should begin with a digit")
    if nibble == 14:
        text += alphanumeric(bits, longest)
    if len(text) > longest:
        raise MalformedError(f"a value has {len(text)} characters, not 1 to {longest}")
    return text


def _counted(bits: Bits, longest: int, *, optional: bool) -> str:
    """Length, then the number (§14.5.13)."""
    length = bits.take(longest.bit_length())
    if length > longest or (length == 0 and not optional):
        raise MalformedError(f"a number has {length} digits, not 1 to {longest}")
    return number(bits, length)


def _sequence(bits: Bits) -> str:
    text = nibbles(bits, 2)
    if "0" in text:
        raise MalformedError(f"{text[0]}/{text[1]} is no sequence")
    return f"{text[0]}/{text[1]}"


_READ: dict[str, Callable[[Bits, int], str]] = {
    "N": nibbles,
    "B": number,
    "X": alphanumeric,
    "x": lambda bits, longest: alphanumeric(bits, longest, optional=True),
    "V": lambda bits, longest: _counted(bits, longest, optional=False),
    "v": lambda bits, longest: _counted(bits, longest, optional=True),
    "T": _terminated,
    "D": lambda bits, _: date(bits),
    "H": lambda bits, _: date(bits) + _time(bits, 2),
    "R": lambda bits, _: date(bits) + date(bits) if bits.take(1) else date(bits),
    "P": lambda bits, _: _moment(bits),
    "C": lambda bits, _: letter(bits) + letter(bits),
    "F": lambda bits, _: str(bits.take(1)),
    "M": lambda bits, _: "-" if bits.take(1) else "",
    "S": lambda bits, _: _sequence(bits),
}


def _formats() -> dict[str, tuple[tuple[Callable[[Bits, int], str], int], ...]]:
    formats = {}
    for line in _TABLE_F.split("\n"):
        components, _, names = line.partition(":")
        readers = tuple((_READ[one[0]], int(one[1:] or 0)) for one in components.split())
        for name in names.split():
            first, _, last = name.partition("-")
            for ai in range(int(first), int(last or first) + 1):
                formats[f"{ai:0{len(first)}d}"] = readers
    return formats


_FORMATS = _formats()
_LENGTHS = {ai[:2]: len(ai) for ai in _FORMATS}
"""Table K: the digits of an AI by its first two."""

APPLICATION_IDENTIFIERS = frozenset(_FORMATS)
"""Every AI that a tag can carry (Table F)."""


def value_problem(ai: str, text: str) -> str | None:
    """Why `text` is no value of an AI by its characters and its check digit; None when it can be one."""
    allowed = SET_39 if ai == "8010" else SET_64 if ai == "8030" else SET_82
    if not allowed(text):
        return f"AI ({ai}): {text!r} holds a character that it may not"
    place = _CHECKED.get(ai)
    if place is None:
        return None
    body = text[: place - 1]
    if len(text) < place or not (body.isascii() and body.isdigit()):
        return f"AI ({ai}): {text!r} does not begin with {place} digits"
    if text[place - 1] != (right := check_digit(body)):
        return f"AI ({ai}): {text[:place]} ends in {text[place - 1]}, but its check digit is {right}"
    return f"AI (8003): {text} does not begin with 0" if ai == "8003" and text[0] != "0" else None


def element(ai: str, bits: Bits) -> str:
    """The value of an AI at the cursor.

    Raises:
        MalformedError: no such AI, bits that are no value of it, a character outside its set, a wrong check digit.
    """
    components = _FORMATS.get(ai)
    if components is None:
        raise MalformedError(f"AI ({ai}) cannot be on a tag (Table F)")
    try:
        text = "".join([read(bits, size) for read, size in components])
    except MalformedError as problem:
        raise MalformedError(f"AI ({ai}): {problem}") from None
    if (wrong := value_problem(ai, text)) is not None:
        raise MalformedError(wrong)
    return text


def elements(bits: Bits) -> list[tuple[str, str]]:
    """'+AIDC data' behind an EPC, in its order (§15.3). Zeros alone to the end are padding, not an SSCC of zeros.

    Raises:
        MalformedError: see `element`.
    """
    found = []
    while bits.left >= 8 and bits.rest():
        head = f"{bits.take(8):02X}"
        length = _LENGTHS.get(head)
        if length is None:
            raise MalformedError(f"no AI begins with {head}")
        ai = head + (nibbles(bits, length - 2) if length > 2 else "")
        found.append((ai, element(ai, bits)))
    if bits.rest():
        raise MalformedError("bits are set behind its last element")
    return found
