"""Our decoder against epcpy, an implementation that this project did not write, and against any input at all."""

from epcpy import hex_to_tag_encodable
from epcpy.epc_schemes.sgtin import SGTIN, SGTINFilterValue
from epcpy.epc_schemes.sscc import SSCC, SSCCFilterValue
from hypothesis import given
from hypothesis import strategies as st

from gateway.events.check import lot_key, uri_problem
from gateway.identity import decode, keys


@st.composite
def _sgtins(draw: st.DrawFn) -> str:
    length = draw(st.integers(6, 12))
    prefix = draw(st.integers(0, 10**length - 1))
    item = draw(st.integers(0, 10 ** (13 - length) - 1))
    return f"urn:epc:id:sgtin:{prefix:0{length}d}.{item:0{13 - length}d}.{draw(st.integers(0, 2**38 - 1))}"


@st.composite
def _ssccs(draw: st.DrawFn) -> str:
    length = draw(st.integers(6, 12))
    prefix = draw(st.integers(0, 10**length - 1))
    return f"urn:epc:id:sscc:{prefix:0{length}d}.{draw(st.integers(0, 10 ** (17 - length) - 1)):0{17 - length}d}"


@given(_sgtins(), st.sampled_from(list(SGTINFilterValue)))
def test_sgtin_of_epcpy(uri: str, filter_: SGTINFilterValue) -> None:
    """Every SGTIN-96 that epcpy encodes decodes to the same URI, GTIN, serial, filter and prefix length."""
    tag = SGTIN(uri)
    identity = decode(tag.hex(binary_coding_scheme=SGTIN.BinaryCodingScheme.SGTIN_96, filter_value=filter_))
    company, _, serial = uri.removeprefix("urn:epc:id:sgtin:").split(".")
    assert identity.uri == uri
    assert identity.ai == {"01": tag.gs1_key(), "21": serial}
    assert (identity.filter, identity.prefix) == (int(filter_.value), len(company))
    assert keys.gtin_problem(identity.ai["01"]) is None
    assert keys.sgtin_urn(identity.ai["01"], serial, len(company)) == uri


@given(_ssccs(), st.sampled_from(list(SSCCFilterValue)))
def test_sscc_of_epcpy(uri: str, filter_: SSCCFilterValue) -> None:
    """Every SSCC-96 that epcpy encodes decodes to the same URI, SSCC, filter and prefix length."""
    tag = SSCC(uri)
    identity = decode(tag.hex(binary_coding_scheme=SSCC.BinaryCodingScheme.SSCC_96, filter_value=filter_))
    company = uri.removeprefix("urn:epc:id:sscc:").split(".")[0]
    assert identity.uri == uri
    assert identity.ai == {"00": tag.gs1_key()}
    assert (identity.filter, identity.prefix) == (int(filter_.value), len(company))
    assert keys.sscc_problem(identity.ai["00"]) is None
    assert keys.sscc_urn(identity.ai["00"], len(company)) == uri


@given(st.sampled_from(["30", "31"]), st.binary(min_size=11, max_size=11))
def test_any_bits_behind_a_known_header(header: str, rest: bytes) -> None:
    """Random bits behind an SGTIN or SSCC header: where epcpy decodes we agree, where it refuses we say raw and why."""
    epc = header + rest.hex().upper()
    identity = decode(epc)
    try:
        theirs = hex_to_tag_encodable(epc).epc_uri
    except Exception:  # noqa: BLE001 - epcpy refuses in several ways, KeyError among them; each is a refusal
        assert identity.scheme == "raw"
        assert identity.error is not None
    else:
        assert identity.uri == theirs


@given(st.text() | st.text(alphabet="0123456789abcdefABCDEF", max_size=140), st.none() | st.integers(-5, 600))
def test_never_raises_and_always_names(text: str, bits: int | None) -> None:
    """Any text with any bit count gives an identity with a URI, and raw exactly when there is an error."""
    identity = decode(text, bits)
    assert identity.uri.startswith("urn:epc:")
    assert (identity.scheme == "raw") == (identity.error is not None)
    assert identity.uri.isascii()
    assert " " not in identity.uri


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
