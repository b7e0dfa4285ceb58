"""GS1 keys: check digits, validation with reasons, URN and Digital Link forms."""

import pytest

from gateway.identity import keys


@pytest.mark.parametrize(
    ("digits", "check"),
    [("629104150021", "3"), ("9501101530003"[:-1], "3"), ("10614141234567890", "8"), ("9638507", "4"), ("0", "0")],
)
def test_check_digit(digits: str, check: str) -> None:
    """The mod-10 check digit is the one on published keys, whatever their length."""
    assert keys.check_digit(digits) == check


@pytest.mark.parametrize(
    ("text", "gtin"),
    [
        ("96385074", "00000096385074"),
        ("614141123452", "00614141123452"),
        ("9501101530003", "09501101530003"),
        ("80614141123458", "80614141123458"),
    ],
)
def test_gtin14(text: str, gtin: str) -> None:
    """GTIN-8, -12, -13 and -14 become 14 digits."""
    assert keys.gtin14(text) == gtin


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "GTIN '' has 0 characters, not 8, 12, 13 or 14"),
        ("123456789", "GTIN '123456789' has 9 characters, not 8, 12, 13 or 14"),
        ("9501101530004", "GTIN 9501101530004 ends in 4, but its check digit is 3"),
        ("95011015300O3", "GTIN '95011015300O3' holds something else than digits"),
        ("９５０１１０１５３０００３", "GTIN '９５０１１０１５３０００３' holds something else than digits"),
    ],
)
def test_gtin14_refuses_with_a_reason(text: str, reason: str) -> None:
    """A GTIN that is none says what is wrong with it."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole message is compared
        keys.gtin14(text)
    assert str(caught.value) == reason


def test_sscc_and_gln_problems() -> None:
    """SSCC and GLN say what is wrong with them, and nothing when all is right."""
    assert keys.sscc_problem("106141412345678908") is None
    assert keys.sscc_problem("106141412345678907") == "SSCC 106141412345678907 ends in 7, but its check digit is 8"
    assert keys.sscc_problem("1061414123456789") == "SSCC 1061414123456789 has 16 digits, not 18"
    assert keys.gln_problem("9521141123454") is None
    assert keys.gln_problem("952114112345X") == "GLN '952114112345X' holds something else than digits"


def test_lot_problem() -> None:
    """A lot is 1 to 20 characters of the 82-character set."""
    assert keys.lot_problem("A/4+2%_'\"") is None
    assert keys.lot_problem("") == "lot '' has 0 characters, not 1 to 20"
    assert keys.lot_problem("x" * 21) == f"lot '{'x' * 21}' has 21 characters, not 1 to 20"
    assert keys.lot_problem("Ä1") == "lot 'Ä1' holds a character outside GS1's 82-character set"
    assert keys.lot_problem("A B") is not None


def test_lgtin_forms() -> None:
    """A lot goes as LGTIN URN with the prefix length, and as Digital Link without; each escapes by its own rules."""
    assert keys.lgtin_urn("80614141123458", "A42-2610", 7) == "urn:epc:class:lgtin:0614141.812345.A42-2610"
    assert keys.lgtin_urn("80614141123458", '1/2%&<>?"', 7) == (
        "urn:epc:class:lgtin:0614141.812345.1%2F2%25%26%3C%3E%3F%22"
    )
    assert keys.lgtin_link("80614141123458", "1/2+ä") == "https://id.gs1.org/01/80614141123458/10/1%2F2%2B%C3%A4"


def test_urn_keeps_what_tds_keeps() -> None:
    """In a URN the other punctuation of the set stands as it is (TDS 2.3 §5.4)."""
    assert keys.escape_urn("!'()*+,-.:;=_aZ9") == "!'()*+,-.:;=_aZ9"


@pytest.mark.parametrize("prefix", [6, 7, 8, 9, 10, 11, 12])
def test_every_prefix_length(prefix: int) -> None:
    """Every prefix length from 6 to 12 splits GTIN, SSCC and GLN without losing a digit."""
    gtin, sscc, gln = "80614141123458", "106141412345678908", "9521141123454"
    company, item = keys.sgtin_urn(gtin, "1", prefix).removeprefix("urn:epc:id:sgtin:").split(".")[:2]
    assert item[0] + company + item[1:] == gtin[:-1]
    company, serial = keys.sscc_urn(sscc, prefix).removeprefix("urn:epc:id:sscc:").split(".")
    assert serial[0] + company + serial[1:] == sscc[:-1]
    company, place, ext = keys.sgln_urn(gln, prefix, "DD04").removeprefix("urn:epc:id:sgln:").split(".")
    assert (company + place, ext) == (gln[:-1], "DD04")


def test_other_forms() -> None:
    """SSCC, GLN, party and GTIN have a Digital Link; a GTIN without lot has its pattern."""
    assert keys.sscc_link("106141412345678908") == "https://id.gs1.org/00/106141412345678908"
    assert keys.gln_link("9521141123454", "dock 1") == "https://id.gs1.org/414/9521141123454/254/dock%201"
    assert keys.gln_link("9521141123454") == "https://id.gs1.org/414/9521141123454"
    assert keys.sgln_urn("9521141123454", 7) == "urn:epc:id:sgln:9521141.12345.0"
    assert keys.pgln_urn("9521141123454", 7) == "urn:epc:id:pgln:9521141.12345"
    assert keys.party_link("9521141123454") == "https://id.gs1.org/417/9521141123454"
    assert keys.gtin_pattern("80614141123458", 7) == "urn:epc:idpat:sgtin:0614141.812345.*"
    assert keys.gtin_link("80614141123458") == "https://id.gs1.org/01/80614141123458"
    assert keys.sgtin_link("80614141123458", "6789") == "https://id.gs1.org/01/80614141123458/21/6789"


@pytest.mark.parametrize(
    "form",
    [
        lambda: keys.lgtin_urn("80614141123458", "Ä", 7),
        lambda: keys.lgtin_urn("80614141123458", "x" * 21, 7),
        lambda: keys.lgtin_urn("80614141123458", "x", 5),
        lambda: keys.lgtin_urn("8061414112345", "x", 7),
        lambda: keys.sscc_urn("12", 7),
        lambda: keys.sgln_urn("9521141123454", 13),
        lambda: keys.sgln_urn("95211411234X4", 7),
        lambda: keys.gtin_link("x"),
    ],
)
def test_forms_refuse_what_they_cannot_say(form: object) -> None:
    """A key that cannot be written in a form is refused, never written wrong."""
    assert callable(form)
    with pytest.raises(ValueError, match="is not"):
        form()
