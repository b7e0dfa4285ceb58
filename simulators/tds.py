"""Encoder of the EPC schemes that TDS 2.x added (GS1 EPC Tag Data Standard 2.3 §14.5, §14.6, §15.3), and of ADI-var.

Written from the standard with strings of 0 and 1, apart from the gateway's decoder: what one writes the other must
read. Everything is given as GS1 element strings; the result is hex in whole 16-bit words, as a tag stores it.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

Numeric = Literal["digits", "number", "counted", "flag", "sign", "turn"]
Timed = Literal["date", "minute", "dates", "moment"]
Kind = Numeric | Timed | Literal["text", "mixed", "country"]


class Part(NamedTuple):
    """One component of a value: how it is coded, and its length (`digits`, `number`) or longest length (the others)."""

    kind: Kind
    size: int = 0


class Layout(NamedTuple):
    """A `+` scheme: its header, and its element strings in their order on the tag."""

    header: str
    elements: tuple[str, ...]


PLUS: Final = {
    "SGTIN+": Layout("F7", ("01", "21")),
    "DSGTIN+": Layout("FB", ("01", "21")),
    "SSCC+": Layout("F9", ("00",)),
    "SGLN+": Layout("F2", ("414", "254")),
    "GRAI+": Layout("F1", ("8003",)),
    "GIAI+": Layout("FA", ("8004",)),
    "GSRN+": Layout("F4", ("8018",)),
    "GSRNP+": Layout("F5", ("8017",)),
    "GDTI+": Layout("F6", ("253",)),
    "CPI+": Layout("F0", ("8010", "8011")),
    "SGCN+": Layout("F8", ("255",)),
    "ITIP+": Layout("F3", ("8006", "21")),
}
"""Schemes of TDS 2.0 by name (Table 14-1)."""

PLUS_PLUS: Final = {
    "SGTIN++": "FD",
    "DSGTIN++": "FC",
    "SSCC++": "EF",
    "GIAI++": "EE",
    "ITIP++": "ED",
    "SGCN++": "EC",
    "GRAI++": "EB",
    "GDTI++": "EA",
    "SGLN++": "E9",
    "GSRNP++": "E8",
    "GSRN++": "E7",
    "CPI++": "E6",
}
"""Headers of the schemes of TDS 2.3, each a `+` scheme with a hostname."""

DATE_TYPES: Final = {"11": 0, "13": 1, "15": 2, "16": 3, "17": 4, "7006": 5, "7007": 6}
"""Date type indicator of DSGTIN+ by AI (§14.5.3)."""

DIGITS: Final = "0123456789"
UPPER_HEX: Final = DIGITS + "ABCDEF"
LOWER_HEX: Final = DIGITS + "abcdef"
BASE_64: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
CODE_40: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ-.:0123456789"
ALPHABETS: Final = {0: DIGITS, 1: UPPER_HEX, 2: LOWER_HEX, 3: BASE_64, 5: CODE_40}
"""Characters by encoding indicator (Table E); 4, 7-bit ASCII, takes all."""


def _bits(value: int, width: int) -> str:
    if value >= 1 << width:
        raise ValueError(f"{value} does not fit in {width} bits")
    return format(value, f"0{width}b") if width else ""


def _integer_width(digits: int) -> int:
    """Bits of a number of so many digits: ceiling(L · log 10 / log 2) (§14.5.6.1)."""
    return math.ceil(digits * math.log2(10))


def _number(text: str) -> str:
    return _bits(int(text or "0"), _integer_width(len(text)))


def layout(ai: str) -> tuple[Part, ...]:
    """The components of an AI's value (Table F).

    Raises:
        ValueError: no such AI on a tag.
    """
    whole = _WHOLE.get(ai)
    if whole is not None:
        return whole
    number = int(ai)
    measures = (range(310, 317), range(320, 338), range(340, 358), range(360, 370))
    if len(ai) == 4 and number % 10 <= 5 and any(number // 10 in measure for measure in measures):
        return (Part("number", 6),)
    for low, high, parts in _RANGES:
        if len(ai) == len(low) and int(low) <= number <= int(high):
            return parts
    raise ValueError(f"AI ({ai}) has no format in Table F")


def _texts() -> dict[str, tuple[Part, ...]]:
    sizes = {
        2: "7010",
        3: "427 7008",
        4: "7040 7041",
        10: "7009 7255",
        12: "7005",
        20: "10 21 22 243 254 420 4318 7240 8002 8012",
        24: "8007",
        25: "7242 8013 8020",
        28: "235",
        30: "240 241 250 251 400 401 403 4308 4319 7002 90",
        35: "4300 4301 4310 4311 4320",
        40: "7253 7254 7259",
        50: "8009",
        70: "7257 8110 8112 8200",
        90: "7256 8030",
    }
    return {ai: (Part("text", size),) for size, names in sizes.items() for ai in names.split()}


_WHOLE: Final[dict[str, tuple[Part, ...]]] = {
    **_texts(),
    **dict.fromkeys(("00", "8006", "8017", "8018", "8026"), (Part("digits", 18),)),
    **dict.fromkeys(("01", "02"), (Part("digits", 14),)),
    **dict.fromkeys(("11", "12", "13", "15", "16", "17", "4326", "7006"), (Part("date"),)),
    **dict.fromkeys(("4324", "4325", "7003"), (Part("minute"),)),
    **dict.fromkeys(("7011", "8008"), (Part("moment"),)),
    **dict.fromkeys(("4307", "4317"), (Part("country"),)),
    **dict.fromkeys(("4321", "4322", "4323"), (Part("flag"),)),
    **dict.fromkeys(("30", "37"), (Part("counted", 8),)),
    **dict.fromkeys(("422", "424", "426"), (Part("number", 3),)),
    **dict.fromkeys(("423", "425"), (Part("counted", 15),)),
    **dict.fromkeys(("7023", "8004", "8010"), (Part("mixed", 30),)),
    "20": (Part("number", 2),),
    "242": (Part("counted", 6),),
    "253": (Part("digits", 13), Part("text", 17)),
    "255": (Part("digits", 13), Part("counted", 12)),
    "402": (Part("number", 17),),
    "421": (Part("number", 3), Part("text", 9)),
    "4309": (Part("number", 20),),
    "7001": (Part("number", 13),),
    "7004": (Part("counted", 4),),
    "7007": (Part("dates"),),
    "7241": (Part("digits", 2),),
    "7250": (Part("number", 8),),
    "7251": (Part("number", 12),),
    "7252": (Part("number", 1),),
    "7258": (Part("turn"),),
    "8001": (Part("number", 14),),
    "8003": (Part("digits", 14), Part("text", 16)),
    "8005": (Part("number", 6),),
    "8011": (Part("counted", 12),),
    "8019": (Part("counted", 10),),
    "8111": (Part("number", 4),),
}
_RANGES: Final = (
    ("410", "417", (Part("digits", 13),)),
    ("710", "716", (Part("text", 20),)),
    ("7020", "7022", (Part("text", 20),)),
    ("7030", "7039", (Part("number", 3), Part("text", 27))),
    ("7230", "7239", (Part("text", 30),)),
    ("3900", "3909", (Part("counted", 15),)),
    ("3910", "3919", (Part("number", 3), Part("counted", 15))),
    ("3920", "3929", (Part("counted", 15),)),
    ("3930", "3939", (Part("number", 3), Part("counted", 15))),
    ("3940", "3943", (Part("number", 4),)),
    ("3950", "3953", (Part("number", 6),)),
    ("4302", "4306", (Part("text", 70),)),
    ("4312", "4316", (Part("text", 70),)),
    ("4330", "4333", (Part("number", 6), Part("sign"))),
    ("91", "99", (Part("text", 90),)),
)


def methods(text: str) -> list[int]:
    """Encoding indicators that can say `text` (Table E)."""
    return [method for method in range(6) if method == 4 or set(text) <= set(ALPHABETS[method])]


def _text(text: str, longest: int, method: int | None) -> str:
    """Encoding indicator, length, characters (§14.5.6); the shortest way when no `method` is asked for."""
    if method is None or method not in methods(text):
        return min((_text(text, longest, one) for one in methods(text)), key=len)
    head = _bits(method, 3) + _bits(len(text), len(bin(longest)) - 2)
    if method == 0:
        return head + _number(text)
    if method in (1, 2):
        return head + "".join(_bits(int(one, 16), 4) for one in text)
    if method == 3:
        return head + "".join(_bits(BASE_64.index(one), 6) for one in text)
    return head + ("".join(_bits(ord(one), 7) for one in text) if method == 4 else _code_40(text))


def _code_40(text: str) -> str:
    """Three characters in 16 bits: 1600·a + 40·b + c + 1 (§14.5.6.5)."""
    codes = [CODE_40.index(one) + 1 for one in text]
    codes += [0] * (-len(codes) % 3)
    triples = zip(codes[::3], codes[1::3], codes[2::3], strict=True)
    return "".join(_bits(1600 * a + 40 * b + c + 1, 16) for a, b, c in triples)


def _date(text: str) -> str:
    return _bits(int(text[:2]), 7) + _bits(int(text[2:4]), 4) + _bits(int(text[4:6]), 5)


def _clock(text: str) -> str:
    pairs = (text[at : at + 2] for at in range(0, len(text), 2))
    return "".join(_bits(int(pair), 6 if place else 5) for place, pair in enumerate(pairs))


def _part(part: Part, text: str, method: int | None) -> tuple[str, str]:
    """The bits of a component at the start of `text`, and what of `text` is left."""
    kind, size = part
    if kind == "digits":
        return "".join(_bits(int(one), 4) for one in text[:size]), text[size:]
    if kind == "number":
        return _number(text[:size]), text[size:]
    if kind == "sign":
        return ("1" if text == "-" else "0"), ""
    return _rest(kind, size, text, method), ""


def _rest(kind: Kind, size: int, text: str, method: int | None) -> str:
    """The bits of a component that takes all that is left."""
    if kind == "text":
        return _text(text, size, method)
    if kind == "counted":
        return _bits(len(text), len(bin(size)) - 2) + _number(text)
    if kind == "mixed":
        tail = text.lstrip(DIGITS)
        head = "".join(_bits(int(one), 4) for one in text[: len(text) - len(tail)])
        return head + ("1110" + _text(tail, size, method) if tail else "1111")
    if kind in ("date", "minute"):
        return _date(text) + _clock(text[6:])
    if kind == "dates":
        return "0" + _date(text) if len(text) == 6 else "1" + _date(text[:6]) + _date(text[6:])
    if kind == "moment":
        return {6: "11", 8: "00", 10: "01", 12: "10"}[len(text)] + _date(text) + _clock(text[6:])
    if kind == "country":
        return "".join(_bits(ord(one) - ord("A"), 6) for one in text)
    return text if kind == "flag" else _bits(int(text[0]), 4) + _bits(int(text[2]), 4)


def element(ai: str, value: str, method: int | None = None) -> str:
    """The bits of an AI's value; `method`, where its characters allow it, instead of the shortest encoding."""
    bits = ""
    for part in layout(ai):
        added, value = _part(part, value, method)
        bits += added
    return bits


def data(elements: Iterable[tuple[str, str]], method: int | None = None) -> str:
    """'+AIDC data': each AI in binary-coded decimal, then its value (§15.3)."""
    return "".join("".join(_bits(int(one), 4) for one in ai) + element(ai, value, method) for ai, value in elements)


def hostname(name: str, *, seven: bool) -> str:
    """A hostname without optimisation sequences: 7-bit characters, or URN Code 40 (§14.5.16)."""
    head = ("1" if seven else "0") + _bits(len(name), 6)
    return head + ("".join(_bits(ord(one), 7) for one in name) if seven else _code_40(name.upper()))


def words(bits: str) -> str:
    """Hex in whole 16-bit words, filled up with zeros (§15.1.1)."""
    bits += "0" * (-len(bits) % 16)
    return format(int(bits, 2), f"0{len(bits) // 4}X")


def plus(
    scheme: str,
    values: Sequence[str],
    *,
    filter_value: int = 0,
    date: tuple[str, str] | None = None,
    host: str | None = None,
    more: Sequence[tuple[str, str]] = (),
    method: int | None = None,
) -> str:
    """A tag of a `+` or `++` scheme: `values` of its elements in their order, `date` (AI, YYMMDD) for DSGTIN+.

    `more` follows as '+AIDC data' and sets the toggle. `host` belongs to the `++` schemes.

    Raises:
        ValueError: a value that its format cannot say.
    """
    head, elements = PLUS[scheme.replace("++", "+")]
    if host is not None:
        head = PLUS_PLUS[scheme]
    bits = _bits(int(head, 16), 8) + ("1" if more else "0") + _bits(filter_value, 3)
    if date is not None:
        bits += _bits(DATE_TYPES[date[0]], 4) + _date(date[1])
    bits += "".join(element(ai, value, method) for ai, value in zip(elements, values, strict=True))
    if host is not None:
        bits += hostname(host, seven=method == 4)
    return words(bits + data(more, method))


def adi(office: str, part: str, serial: str, filter_value: int = 0) -> str:
    """A tag of ADI-var: CAGE or DoDAAC, part number and serial in 6-bit characters (§14.6.14)."""
    text = "".join(_bits(ord(one) & 0x3F, 6) for one in f"{part}\0{serial}\0")
    maker = "".join(_bits(0x20 if one == " " else ord(one) & 0x3F, 6) for one in office.rjust(6))
    return words(_bits(0x3B, 8) + _bits(filter_value, 6) + maker + text)
