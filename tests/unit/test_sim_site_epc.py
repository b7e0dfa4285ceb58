"""The simulators' EPC encoders against an implementation this project did not write (epcpy) and the standard."""

import pytest
from epcpy.epc_schemes.sgtin import SGTIN, SGTINFilterValue
from epcpy.epc_schemes.sscc import SSCC, SSCCFilterValue
from epcpy.utils.parsers import hex_to_tag_encodable
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators import epc

PREFIX_LENGTHS = st.integers(6, 12)


def _digits(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=count, max_size=count)


GTINS = _digits(13).map(lambda body: body + epc.check_digit(body))
SSCCS = _digits(17).map(lambda body: body + epc.check_digit(body))


def test_vectors_of_the_standard() -> None:
    """The SGTIN-96 and SSCC-96 examples of TDS 1.13 Annex E (unchanged in 2.x coding) come out bit for bit."""
    gtin = "8061414112345" + epc.check_digit("8061414112345")
    assert epc.sgtin96(gtin, "6789", 7, filter_value=3) == "3074257BF7194E4000001A85"
    sscc = "10614141234567890" + epc.check_digit("10614141234567890")
    assert epc.sscc96(sscc, 7, filter_value=3) == "3174257BF4499602D2000000"


@settings(max_examples=60, deadline=None)
@given(GTINS, st.integers(0, epc.MAX_SERIAL_96), PREFIX_LENGTHS, st.integers(0, 7))
def test_sgtin_is_what_epcpy_reads_and_writes(gtin: str, serial: int, prefix: int, filter_value: int) -> None:
    """Every SGTIN-96 we write decodes in epcpy to the URI we name, and epcpy encodes that URI to the same bits."""
    tag, uri = epc.sgtin96(gtin, str(serial), prefix, filter_value), epc.sgtin_uri(gtin, str(serial), prefix)
    assert hex_to_tag_encodable(tag).epc_uri == uri
    theirs = SGTIN(uri).hex(
        binary_coding_scheme=SGTIN.BinaryCodingScheme.SGTIN_96, filter_value=SGTINFilterValue(str(filter_value))
    )
    assert theirs.upper() == tag


@settings(max_examples=60, deadline=None)
@given(SSCCS, PREFIX_LENGTHS, st.integers(0, 7))
def test_sscc_is_what_epcpy_reads_and_writes(sscc: str, prefix: int, filter_value: int) -> None:
    """Every SSCC-96 we write decodes in epcpy to the URI we name, and epcpy encodes that URI to the same bits."""
    tag, uri = epc.sscc96(sscc, prefix, filter_value), epc.sscc_uri(sscc, prefix)
    assert hex_to_tag_encodable(tag).epc_uri == uri
    theirs = SSCC(uri).hex(
        binary_coding_scheme=SSCC.BinaryCodingScheme.SSCC_96, filter_value=SSCCFilterValue(str(filter_value))
    )
    assert theirs.upper() == tag


@pytest.mark.parametrize(
    ("body", "digit"),
    [("952114112345", "4"), ("8061414112345", "8"), ("10614141234567890", "8"), ("0" * 13, "0")],
)
def test_check_digit(body: str, digit: str) -> None:
    """The check digit is GS1's mod 10 with weight 3 at the rightmost digit."""
    assert epc.check_digit(body) == digit


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: epc.sgtin96("09520001123451", "1", 7), "check digit should be 0"),
        (lambda: epc.sgtin96("9520001123450", "1", 7), "expected 14 digits"),
        (lambda: epc.sgtin96("09520001123450", "01", 7), "leading zeros"),
        (lambda: epc.sgtin96("09520001123450", str(1 << 38), 7), "up to 274877906943"),
        (lambda: epc.sgtin96("09520001123450", "1", 5), "expected 6 to 12"),
        (lambda: epc.sscc96("095200010034567016", 7), "check digit should be 5"),
        (lambda: epc.check_digit("12a"), "digits only"),
        (lambda: epc.raw("E280"[:3]), "whole 16-bit words"),
        (lambda: epc.raw("XYZ0"), "whole 16-bit words"),
    ],
)
def test_what_no_tag_can_carry_is_refused(make: object, complaint: str) -> None:
    """A key or serial that the coding cannot hold is a ValueError that says what would be right."""
    assert callable(make)
    with pytest.raises(ValueError, match=complaint):
        make()


def test_raw_is_kept_as_it_is() -> None:
    """A tag that is no EPC keeps its hex, in upper case."""
    assert epc.raw("e2801160600002084a9c01d2") == "E2801160600002084A9C01D2"
