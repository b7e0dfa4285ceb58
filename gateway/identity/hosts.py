"""The hostname behind a `++` EPC (TDS 2.3 §14.5.16): which site its owner's Digital Links live on."""

from gateway.identity.bits import SET_82, Bits, code_40
from gateway.identity.identity import MalformedError

_SHORT = dict(
    zip(
        (0x1E, 0x1F, 0x20, 0x5B, 0x5C, 0x5D, 0x5E, 0x60, 0x7B, 0x7C, 0x7D, 0x7E, 0x7F),
        ("qr.", "www.", "id.", ".com", ".org", ".net", ".int", ".edu", ".gov", ".mil", ".biz", ".eco", ".med"),
        strict=True,
    )
)
"""7-bit codes of whole labels (Table 14-11)."""

_COUNTRIES = """
ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo bq br bs bt bw by bz ca cc cd cf
cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg eh er es et eu fi fj fk fm fo fr ga gd ge gf gg
gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp
kr kw ky kz la lb lc li | lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc
ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk
sl sm sn sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug us uy uz va vc ve vg vi vn vu wf
ws ye yt za zm zw | com.au net.au org.au co.at com.bd co.bd com.br net.br co.nz com.ng com.pk co.in com.in co.il co.jp
co.za co.kr com.es com.lk co.th co.tt com.tt com.tr biz.tr com.ua co.uk co.zm com.zm com.cn org.cn net.cn gov.cn | tech
"""
_LONG = tuple(tuple(f".{one}" for one in table.split()) for table in _COUNTRIES.split("|"))
"""14-bit codes: 7 bits choose the table (Tables 14-12 to 14-15), 7 the row."""


def hostname(bits: Bits) -> str:
    """Encoding indicator, length in codes, codes; in lower case.

    Raises:
        MalformedError: an empty name, a reserved code, a character outside the set.
    """
    seven, length = bits.take(1), bits.take(6)
    text = _seven_bit(bits, length) if seven else code_40(bits, length).lower()
    if not text or not SET_82(text) or "/" in text:
        raise MalformedError(f"{text!r} is no hostname")
    return text.lower()


def _seven_bit(bits: Bits, length: int) -> str:
    text = ""
    while length > 0:
        code = bits.take(7)
        length -= 1
        if code < len(_LONG):
            row, length = bits.take(7), length - 1
            if length < 0 or row >= len(_LONG[code]):
                raise MalformedError(f"hostname code {code}, {row} is reserved")
            text += _LONG[code][row]
        else:
            text += _SHORT.get(code) or chr(code)
    return text
