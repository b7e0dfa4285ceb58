"""Our decoder against epcpy, an implementation that this project did not write, and against any input at all."""

import importlib
import inspect
import re

from epcpy import epc_pure_identity_to_tag_encodable, hex_to_tag_encodable
from epcpy.utils.common import ConvertException
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gateway.events.check import lot_key, uri_problem
from gateway.identity import decode, keys

SET_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
SET_39 = "#-/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FILTERS = {"gid": 1, "usdod": 16}
"""How many filter values a scheme has, where not 8."""


def _escaped(text: str) -> str:
    return "".join(f"%{ord(one):02X}" if one in '"%&/<>?#' else one for one in text)


def _number(bits: int) -> st.SearchStrategy[str]:
    return st.integers(0, 2**bits - 1).map(str)


def _text(longest: int, alphabet: str = SET_82) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=1, max_size=longest).map(_escaped)


def _digits(low: int, high: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=low, max_size=high)


def _bodies(scheme: str, company: int) -> tuple[st.SearchStrategy[str], ...]:
    """The parts of a scheme's URI behind a company prefix of so many digits."""
    item, service, place = _digits(13 - company, 13 - company), _digits(17 - company, 17 - company), 12 - company
    pieces = _digits(2, 2)
    kind = _digits(place, place)
    return {
        "sgtin-96": (item, _number(38)),
        "sgtin-198": (item, _text(20)),
        "sscc-96": (service,),
        "sgln-96": (kind, _number(41)),
        "sgln-195": (kind, _text(20)),
        "grai-96": (kind, _number(38)),
        "grai-170": (kind, _text(16)),
        "giai-96": (_number({12: 42, 11: 45, 10: 48, 9: 52, 8: 55, 7: 58, 6: 62}[company]),),
        "giai-202": (_text(30 - company, SET_82.replace(":", "")),),  # epcpy 0.1.8 drops what comes behind one here
        "gsrn-96": (service,),
        "gsrnp-96": (service,),
        "gdti-96": (kind, _number(41)),
        "gdti-174": (kind, _text(17)),
        "sgcn-96": (kind, _digits(1, 12)),
        "itip-110": (item, pieces, pieces, _number(38)),
        "itip-212": (item, pieces, pieces, _text(20)),
        "cpi-96": (st.integers(0, 10 ** (15 - company) - 1).map(str), _number(31)),
        "cpi-var": (_text(30 - company, SET_39), st.integers(0, 10**12 - 1).map(str)),
    }[scheme]


SCHEMES = (
    *("sgtin-96", "sgtin-198", "sscc-96", "sgln-96", "sgln-195", "grai-96", "grai-170", "giai-96", "giai-202"),
    *("gsrn-96", "gsrnp-96", "gdti-96", "gdti-174", "sgcn-96", "itip-110", "itip-212", "cpi-96", "cpi-var"),
    *("gid-96", "usdod-96"),
)
"""What epcpy can write: all that stood before TDS 2.0 but GDTI-113, and ADI-var, which it cannot read."""


def _knows(uri: str) -> bool:
    """Epcpy 0.1.8 refuses some URIs that TDS allows: `%` escapes before certain characters, and strings of them."""
    try:
        epc_pure_identity_to_tag_encodable(uri)
    except (ConvertException, ValueError):
        return False
    return True


@st.composite
def _tags(draw: st.DrawFn) -> tuple[str, int, str]:
    """A scheme, a filter value and a pure identity URI that it can say."""
    scheme = draw(st.sampled_from(SCHEMES))
    name = scheme.split("-")[0]
    filter_ = draw(st.integers(0, FILTERS.get(name, 8) - 1))
    if name == "gid":
        parts = [draw(_number(28)), draw(_number(24)), draw(_number(36))]
    elif name == "usdod":
        parts = [draw(st.text("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ", min_size=5, max_size=6)), draw(_number(36))]
    else:
        company = draw(_digits(6, 12))
        parts = [company, *(draw(part) for part in _bodies(scheme, len(company)))]
    uri = f"urn:epc:id:{name}:{'.'.join(parts)}"
    assume("%" not in uri or _knows(uri))
    return scheme, filter_, uri


def _epcpy(scheme: str, filter_: int, uri: str) -> str:
    """The hex that epcpy writes. Its methods differ in what they ask for, so they are asked what that is."""
    tag = epc_pure_identity_to_tag_encodable(uri)
    kind = type(tag)
    asked = inspect.signature(kind.binary).parameters
    given = {"binary_coding_scheme": kind.BinaryCodingScheme(scheme)} if "binary_coding_scheme" in asked else {}
    if "filter_value" in asked:
        values = getattr(importlib.import_module(kind.__module__), f"{kind.__name__}FilterValue")
        given["filter_value"] = values(str(filter_))
    bits = tag.binary(**given)
    bits += "0" * (-len(bits) % 16)
    return f"{int(bits, 2):0{len(bits) // 4}X}"


@given(_tags())
@example(("sgln-96", 0, "urn:epc:id:sgln:952114112345..0"))
def test_every_scheme_of_epcpy(tag: tuple[str, int, str]) -> None:
    """Every tag that epcpy encodes decodes to the same URI, filter, prefix length and element string."""
    scheme, filter_, uri = tag
    identity = decode(_epcpy(scheme, filter_, uri))
    name, rest = scheme.split("-")[0], uri.split(":", 4)[4]
    assert (identity.error, identity.scheme, identity.uri) == (None, scheme, uri)
    if name == "gid":
        assert (identity.filter, identity.tag_uri) == (None, f"urn:epc:tag:{scheme}:{rest}")
    else:
        assert (identity.filter, identity.tag_uri) == (filter_, f"urn:epc:tag:{scheme}:{filter_}.{rest}")
    if name in ("gid", "usdod"):
        assert (identity.prefix, identity.digital_link, identity.ai) == (None, None, {})
        return
    assert identity.prefix == len(rest.split(".")[0])
    theirs = epc_pure_identity_to_tag_encodable(uri).gs1_element_string()
    ours = "".join(f"({ai}){value}" for ai, value in identity.ai.items())
    assert ours == (theirs.removesuffix("(254)0") if name == "sgln" and uri.endswith(".0") else theirs)


HEADERS = [
    "2C",
    "2D",
    "2E",
    "2F",
    "30",
    "31",
    "32",
    "33",
    "34",
    "35",
    "36",
    "37",
    "38",
    "39",
    "3C",
    "3E",
    "3F",
    "40",
    "41",
]


@given(st.sampled_from(HEADERS), st.binary(min_size=11, max_size=28))
def test_any_bits_behind_a_known_header(header: str, rest: bytes) -> None:
    """Random bits behind a header: what we decode, epcpy decodes alike; where it refuses, we say raw and why."""
    epc = header + rest.hex().upper()
    identity = decode(epc)
    assert (identity.scheme == "raw") == (identity.error is not None)
    bits = int(re.sub(r".*-", "", identity.scheme)) if identity.error is None else 0
    try:
        theirs = hex_to_tag_encodable(epc[: -(-bits // 4)] if bits else epc).epc_uri
    except Exception:  # noqa: BLE001 - epcpy refuses in several ways, KeyError among them; each is a refusal
        assert identity.scheme == "raw"
    else:
        assert identity.scheme == "raw" or identity.uri == theirs


@given(st.binary(min_size=11, max_size=11))
def test_any_sgtin_96(rest: bytes) -> None:
    """Of random bits behind an SGTIN-96 header we refuse exactly what epcpy refuses."""
    epc = f"30{rest.hex().upper()}"
    try:
        theirs = hex_to_tag_encodable(epc).epc_uri
    except Exception:  # noqa: BLE001 - as above
        assert decode(epc).scheme == "raw"
    else:
        assert decode(epc).uri == theirs


@given(st.text() | st.text(alphabet="0123456789abcdefABCDEF", max_size=140), st.none() | st.integers(-5, 600))
def test_never_raises_and_always_names(text: str, bits: int | None) -> None:
    """Any text with any bit count gives an identity with a URI, and raw exactly when there is an error."""
    identity = decode(text, bits)
    assert identity.uri.startswith(("urn:epc:", "https://"))
    assert (identity.scheme == "raw") == (identity.error is not None)
    assert identity.uri.isascii()
    assert " " not in identity.uri


WORDS = st.none() | st.integers(-(2**40), 2**40)


@given(st.binary(max_size=62), st.none() | st.integers(-5, 600), WORDS, WORDS)
def test_never_raises_on_what_a_tag_holds(epc: bytes, bits: int | None, pc: int | None, xpc: int | None) -> None:
    """Random bytes of any length, bit counts and control words give an identity with whole URIs; raw has a reason."""
    identity = decode(epc.hex(), bits, pc, xpc)
    assert (identity.scheme == "raw") == bool(identity.error)
    assert uri_problem(identity.uri) is None
    assert identity.tag_uri is None or identity.tag_uri.startswith(("urn:epc:tag:", "urn:epc:raw:"))
    assert identity.key


@given(st.binary(min_size=1, max_size=62))
def test_raw_uris_keep_every_bit(epc: bytes) -> None:
    """Whatever a tag holds, its URI is well-formed, and two different raw tags never share one."""
    identity = decode(epc.hex())
    assert uri_problem(identity.uri) is None
    if identity.scheme == "raw":
        length, _, digits = identity.uri.removeprefix("urn:epc:raw:").partition(".x")
        assert (int(length), bytes.fromhex(digits)) == (8 * len(epc), epc)


@given(st.text(alphabet=st.sampled_from("!\"%&'()*+,-./0123456789:;<=>?ABCXYZ_abcxyz"), min_size=1, max_size=20))
def test_lots_survive_their_uris(lot: str) -> None:
    """A lot of any characters of the set is read back from its LGTIN URN and from its Digital Link."""
    for uri in (keys.lgtin_urn("80614141123458", lot, 7), keys.lgtin_link("80614141123458", lot)):
        assert uri_problem(uri) is None
        assert lot_key(uri) == ("80614141123458", lot)
