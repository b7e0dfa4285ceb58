"""Ids that are not GS1's: read, written, named in events, and refused with a reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.events.check import uri_problem
from gateway.events.places import NAMESPACE
from gateway.identity import Opaque, decode, opaque

DRUG = "cn-drug:81234567890123456789"


def test_drug_code() -> None:
    """China's 20-digit drug code is an item of its own: no GS1 elements, a key, a URI in our namespace, no error."""
    assert opaque.parse(DRUG) == Opaque("cn-drug", "81234567890123456789")
    identity = decode(DRUG)
    assert (identity.scheme, identity.hex, identity.key) == ("cn-drug", DRUG, DRUG)
    assert (identity.ai, identity.digital_link, identity.tag_uri, identity.error) == ({}, None, None, None)
    assert identity.uri == f"{NAMESPACE}id/cn-drug/81234567890123456789"
    assert uri_problem(identity.uri) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("cn-drug:7123", "cn-drug: '7123' is not 20 digits that begin with 8"),
        ("nothing", "'nothing' has no scheme before a colon"),
        (":1", "'' is no scheme of an opaque id (lower-case letters, digits, - and .)"),
        ("CN:1", "'CN' is no scheme of an opaque id (lower-case letters, digits, - and .)"),
        ("urn:epc:id:sgtin:1.2.3", "'urn' is no scheme of an opaque id (lower-case letters, digits, - and .)"),
        ("https://id.gs1.org/01/1", "'https' is no scheme of an opaque id (lower-case letters, digits, - and .)"),
        ("a:", "a: its value has 0 characters, not 1 to 128"),
        (f"a:{'1' * 129}", "a: its value has 129 characters, not 1 to 128"),
        ("a:1\n", "a: '1\\n' holds a control character, or space around it"),
        ("a: 1", "a: ' 1' holds a control character, or space around it"),
    ],
)
def test_what_is_none(text: str, problem: str) -> None:
    """What is no opaque id is refused in words, by `parse` as by `decode`."""
    assert opaque.problem(text) == problem
    with pytest.raises(ValueError, match=r"scheme|value|digits|space"):
        opaque.parse(text)
    if ":" in text:
        assert (decode(text).scheme, decode(text).error) == ("raw", problem)


@given(st.text(min_size=1, max_size=128).filter(lambda text: text.isprintable() and text == text.strip()))
def test_any_value_survives(value: str) -> None:
    """Any printable value, whatever its script and case, comes back from its key; two values never share a URI."""
    one = Opaque("shop.tag", value)
    assert opaque.parse(one.key) == one
    assert decode(one.key).key == one.key
    assert uri_problem(one.uri) is None
    assert one.uri != Opaque("shop.tag", f"{value}x").uri
