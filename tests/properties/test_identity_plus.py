"""Schemes of TDS 2.x: every value that the simulators' encoder writes, the decoder reads; and no bits make it raise."""

from urllib.parse import quote

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.events.check import uri_problem
from gateway.identity import Identity, decode
from gateway.identity.elements import APPLICATION_IDENTIFIERS
from simulators import tds
from simulators.epc import check_digit

SET_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
SET_39 = "#-/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CHECKED = {"00": 18, "8017": 18, "8018": 18, "01": 14, "02": 14, "8003": 14, "8006": 14, "8026": 14, "402": 17}
CHECKED |= {"253": 13, "255": 13, **{str(ai): 13 for ai in range(410, 418)}}
METHODS = st.none() | st.integers(0, 5)


def _digits(low: int, high: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=low, max_size=high)


def _text(longest: int, alphabet: str = SET_82, shortest: int = 1) -> st.SearchStrategy[str]:
    """Up to so many characters, of one of the sets that the encodings make a difference between."""
    sets = [
        one for one in (tds.DIGITS, tds.UPPER_HEX, tds.LOWER_HEX, tds.BASE_64, tds.CODE_40) if set(one) <= set(alphabet)
    ]
    return st.sampled_from([*sets, alphabet]).flatmap(lambda one: st.text(one, min_size=shortest, max_size=longest))


@st.composite
def _dates(draw: st.DrawFn) -> str:
    year, month = draw(st.integers(0, 99)), draw(st.integers(1, 12))
    last = 30 if month in (4, 6, 9, 11) else 31 if month != 2 else 29 if year % 4 == 0 else 28
    return f"{year:02d}{month:02d}{draw(st.integers(0, last)):02d}"


def _times(pairs: int) -> st.SearchStrategy[str]:
    return st.lists(st.integers(0, 23), min_size=pairs, max_size=pairs).map(
        lambda ones: "".join(f"{o:02d}" for o in ones)
    )


def _component(ai: str, part: tds.Part) -> st.SearchStrategy[str]:
    kind, size = part
    date = _dates()
    if kind == "mixed":
        tail = _text(size - 4, SET_39 if ai == "8010" else SET_82, 0)
        return st.tuples(_digits(1, 4), tail).map("".join)
    if kind == "text":
        return _text(size, tds.BASE_64 if ai == "8030" else SET_82)
    return {
        "digits": _digits(size, size),
        "number": _digits(size, size),
        "counted": _digits(0 if ai == "255" else 1, size),
        "date": date,
        "minute": st.tuples(date, _times(2)).map("".join),
        "dates": date | st.tuples(date, date).map("".join),
        "moment": st.integers(0, 3).flatmap(lambda pairs: st.tuples(date, _times(pairs)).map("".join)),
        "country": st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=2, max_size=2),
        "flag": st.sampled_from("01"),
        "sign": st.sampled_from(["", "-"]),
        "turn": st.tuples(st.integers(1, 9), st.integers(1, 9)).map(lambda turn: f"{turn[0]}/{turn[1]}"),
    }[kind]


@st.composite
def _values(draw: st.DrawFn, ai: str) -> str:
    """Any value that an AI allows, with its check digit."""
    parts = tds.layout(ai)
    value = "".join(draw(_component(ai, part)) for part in parts)
    if ai == "8003":
        value = f"0{value[1:]}"
    place = CHECKED.get(ai)
    return value if place is None else value[: place - 1] + check_digit(value[: place - 1]) + value[place:]


def _link(elements: list[tuple[str, str]]) -> str:
    return "https://id.gs1.org" + "".join(f"/{ai}/{quote(value, safe='')}" for ai, value in elements)


def _whole(identity: Identity) -> None:
    assert identity.error is None
    assert uri_problem(identity.uri) is None


@given(st.sampled_from(sorted(tds.PLUS)), st.data(), st.integers(0, 7), METHODS)
def test_plus_schemes(scheme: str, data: st.DataObject, filter_: int, method: int | None) -> None:
    """Every `+` scheme, with any value in any encoding that says it, is read back: elements, link, filter."""
    elements = [(ai, data.draw(_values(ai))) for ai in tds.PLUS[scheme].elements]
    serial = data.draw(_digits(1, 9))
    elements = [(ai, value + (serial if len(value) == {"255": 13}.get(ai) else "")) for ai, value in elements]
    date = ("17", data.draw(_dates())) if scheme == "DSGTIN+" else None
    identity = decode(
        tds.plus(scheme, [value for _, value in elements], filter_value=filter_, date=date, method=method)
    )
    said = [one for one in elements if one != ("254", "0")]
    _whole(identity)
    assert identity.scheme == scheme.lower()
    assert identity.ai == dict(said) | dict([date] if date else [])
    assert (identity.filter, identity.toggle, identity.prefix) == (filter_, False, None)
    assert identity.uri == _link(said)
    assert identity.digital_link == _link(said) + (f"?17={date[1]}" if date else "")


@settings(max_examples=1000)
@given(st.sampled_from(sorted(APPLICATION_IDENTIFIERS - {"01", "21"})), st.data(), METHODS)
def test_every_element(ai: str, data: st.DataObject, method: int | None) -> None:
    """Every AI of Table F with any value, in any encoding, is read back from behind an SGTIN+."""
    value = data.draw(_values(ai))
    assume(value.strip("0") or ai != "00")  # zeros alone are padding, not an SSCC
    identity = decode(tds.plus("SGTIN+", ["80614141123458", "1"], more=[(ai, value)], method=method))
    bits = 4 * len(identity.hex)
    if bits > 496:
        assert identity.error == f"{bits} bits are more than the 496 that a tag can hold"
        return
    _whole(identity)
    assert identity.ai == {"01": "80614141123458", "21": "1", ai: value}
    assert identity.toggle is True
    assert identity.uri == "https://id.gs1.org/01/80614141123458/21/1"


@given(st.sampled_from(sorted(tds.DATE_TYPES)), st.data(), METHODS)
def test_food_case(date_ai: str, data: st.DataObject, method: int | None) -> None:
    """A DSGTIN+ with lot and net weight: the lot stands in the link's path, date and weight in its query."""
    day, lot, weight = data.draw(_dates()), data.draw(_values("10")), data.draw(_values("3103"))
    more = [("3103", weight), ("10", lot)]
    identity = decode(tds.plus("DSGTIN+", ["80614141123458", "7"], date=(date_ai, day), more=more, method=method))
    _whole(identity)
    assert identity.ai == {"01": "80614141123458", "21": "7", date_ai: day, "3103": weight, "10": lot}
    path = _link([("01", "80614141123458"), ("10", lot), ("21", "7")])
    query = "&".join(f"{ai}={value}" for ai, value in sorted([(date_ai, day), ("3103", weight)]))
    assert identity.digital_link == f"{path}?{query}"


@given(st.from_regex(r"[a-z][a-z0-9-]{0,12}\.[a-z]{2,6}", fullmatch=True), st.sampled_from([4, None]))
def test_hostnames(host: str, method: int | None) -> None:
    """A `++` EPC gives its hostname, in both encodings, and is the same thing as the `+` one."""
    tag = tds.plus("SSCC++", ["106141412345678908"], host=host, method=method)
    identity = decode(tag)
    _whole(identity)
    assert (identity.scheme, identity.host, identity.ai) == ("sscc++", host, {"00": "106141412345678908"})
    assert identity.uri == decode(tds.plus("SSCC+", ["106141412345678908"])).uri


@given(
    st.text("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ", min_size=5, max_size=6),
    st.text("-/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", max_size=32),
    st.sampled_from(["", "#"]),
    st.text("-/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=29),
    st.integers(0, 63),
)
def test_adi(office: str, part: str, mark: str, serial: str, filter_: int) -> None:
    """ADI-var, which epcpy cannot read, is read back with its escapes."""
    identity = decode(tds.adi(office, part, mark + serial, filter_))
    _whole(identity)
    said = ".".join(one.replace("/", "%2F").replace("#", "%23") for one in (office, part, mark + serial))
    assert (identity.scheme, identity.uri, identity.filter) == ("adi-var", f"urn:epc:id:adi:{said}", filter_)


@given(st.integers(0xE6, 0xFD), st.binary(max_size=61))
def test_any_bits_behind_a_plus_header(header: int, rest: bytes) -> None:
    """Random bits behind a header of TDS 2.x give an identity or a reason, never an exception."""
    identity = decode(f"{header:02X}{rest.hex()}")
    assert (identity.scheme == "raw") == (identity.error is not None)
    if identity.error is None:
        assert identity.digital_link is not None
        assert uri_problem(identity.uri) is None


@given(st.sampled_from(sorted(tds.PLUS)), st.data(), st.integers(1, 400))
def test_a_tag_cut_short(scheme: str, data: st.DataObject, cut: int) -> None:
    """A `+` tag of which bits are missing is never read as another thing of the same scheme with its data set."""
    values = [data.draw(_values(ai)) for ai in tds.PLUS[scheme].elements]
    date = ("17", "261231") if scheme == "DSGTIN+" else None
    tag = tds.plus(scheme, values, date=date, more=[("10", "LOT-A")])
    whole = decode(tag)
    short = decode(tag[: max(1, len(tag) - cut)])
    assert short.error is not None or whole.error is not None or short.ai.items() <= whole.ai.items()
