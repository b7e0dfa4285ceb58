"""EPC memory to identity: the standard's own examples, and everything that is no GS1 tag."""

import msgspec
import pytest

from gateway.identity import Identity, decode

# (hex, uri, ai, filter, company prefix length). The first two are the long-standing examples of the GS1 standards,
# the third is TDS 2.x annex E.3, the fourth a tag seen in a shop.
VECTORS = [
    (
        "3074257BF7194E4000001A85",
        "urn:epc:id:sgtin:0614141.812345.6789",
        {"01": "80614141123458", "21": "6789"},
        3,
        7,
    ),
    (
        "3174257BF4499602D2000000",
        "urn:epc:id:sscc:0614141.1234567890",
        {"00": "106141412345678908"},
        3,
        7,
    ),
    (
        "3066C4409047E140075BCD15",
        "urn:epc:id:sgtin:95060001343.05.123456789",
        {"01": "09506000134352", "21": "123456789"},
        3,
        11,
    ),
    (
        "30340242201D8840009EFDF7",
        "urn:epc:id:sgtin:0037000.030241.10419703",
        {"01": "00037000302414", "21": "10419703"},
        1,
        7,
    ),
]


@pytest.mark.parametrize(("epc", "uri", "ai", "filter_", "prefix"), VECTORS)
def test_standard_vectors(epc: str, uri: str, ai: dict[str, str], filter_: int, prefix: int) -> None:
    """Published tags decode to their published URI, key, filter and prefix length."""
    identity = decode(epc)
    assert identity.uri == uri
    assert identity.ai == ai
    assert identity.filter == filter_
    assert identity.prefix == prefix
    assert identity.scheme == {"30": "sgtin-96", "31": "sscc-96"}[epc[:2]]
    assert identity.error is None
    assert identity.hex == epc


def test_digital_links() -> None:
    """An SGTIN and an SSCC also come as canonical GS1 Digital Links."""
    assert decode(VECTORS[0][0]).digital_link == "https://id.gs1.org/01/80614141123458/21/6789"
    assert decode(VECTORS[1][0]).digital_link == "https://id.gs1.org/00/106141412345678908"


def test_case_and_bits_do_not_matter() -> None:
    """Lower case, and a reader that says 96 bits, give the same identity."""
    epc = VECTORS[0][0]
    assert decode(epc.lower()) == decode(epc, 96) == decode(epc)


def test_padding_behind_the_announced_bits() -> None:
    """96 bits handed over in a longer octet string are 96 bits when only zeros follow; other bits make it raw."""
    epc = VECTORS[0][0]
    assert decode(epc + "0000", 96).uri == decode(epc).uri
    spoiled = decode(epc + "0001", 96)
    assert (spoiled.scheme, spoiled.uri) == ("raw", f"urn:epc:raw:96.x{epc}")
    assert spoiled.error == "bits are set behind the announced 96"


def test_raw_of_odd_bit_length_is_the_number() -> None:
    """A bit string that ends inside a hex digit is written as the number it is, not as its padded octets."""
    assert decode("ABC0", 10).uri == "urn:epc:raw:10.x2AF"


@pytest.mark.parametrize("serial", [0, 1, 2**38 - 1])
def test_serial_bounds(serial: int) -> None:
    """The whole range of the 38-bit serial decodes, without leading zeros."""
    assert decode(f"{int('3074257BF7194E4000000000', 16) + serial:024X}").ai["21"] == str(serial)


def _sgtin(partition: int, prefix: int, prefix_bits: int, item: int, item_bits: int) -> str:
    value = (0x30 << 6 | 1 << 3 | partition) << prefix_bits | prefix
    return f"{(value << item_bits | item) << 38:024X}"


def test_company_prefix_overflow_is_raw() -> None:
    """A prefix field that holds more than its digits is refused in words; pyepc and others let it through."""
    identity = decode(_sgtin(5, 10_000_000, 24, 1, 20))
    assert identity.scheme == "raw"
    assert identity.error == "sgtin-96: company prefix 10000000 has more than 7 digits"
    assert decode(_sgtin(5, 9_999_999, 24, 1, 20)).scheme == "sgtin-96"


def test_reference_overflow_is_raw() -> None:
    """An item field that holds more than its digits is refused in words."""
    identity = decode(_sgtin(5, 1, 24, 1_000_000, 20))
    assert identity.error == "sgtin-96: reference 1000000 has more than 6 digits"
    assert decode(_sgtin(5, 1, 24, 999_999, 20)).ai["01"].startswith("90000001")


def test_reserved_partition_is_raw() -> None:
    """Partition 7 has no meaning and says so."""
    epc = _sgtin(7, 0, 24, 0, 20)
    assert decode(epc) == Identity(
        epc, "raw", f"urn:epc:raw:96.x{epc}", None, {}, error="sgtin-96: partition 7 is reserved"
    )


def test_reserved_bits_are_zero() -> None:
    """Behind an SSCC-96 and a GSRN-96 lie 24 zero bits (TDS 2.3 §14.4 step 5: a given bit string must match)."""
    for epc in ("3174257BF4499602D2", "2D76451FD4499602D2"):
        assert decode(f"{epc}000000").error is None
        spoiled = decode(f"{epc}ABCDEF")
        assert spoiled.scheme == "raw"
        assert str(spoiled.error).endswith("-96: its reserved bits are not zero")


@pytest.mark.parametrize(
    ("epc", "bits", "uri", "error"),
    [
        ("", None, "urn:epc:raw:0.x", "the EPC is empty"),
        ("3", None, "urn:epc:raw:4.x3", "it is shorter than a header"),
        ("E2" * 12, None, "urn:epc:raw:96.x" + "E2" * 12, "header 0xE2 is a TID, not an EPC"),
        ("44" * 12, None, "urn:epc:raw:96.x" + "44" * 12, "no scheme has header 0x44"),
        (
            "36" * 25,
            None,
            "urn:epc:raw:200.x" + "36" * 25,
            "sgtin-198: bits are set behind its 198",
        ),
        (
            "30" * 16,
            None,
            "urn:epc:raw:128.x" + "30" * 16,
            "sgtin-96: bits are set behind its 96",
        ),
        ("F7" * 12, None, "urn:epc:raw:96.x" + "F7" * 12, "sgtin+: AI (01): 7F7F7F7F7F7F7F should be 14 digits"),
        ("AB" * 63, None, "urn:epc:raw:504.x" + "AB" * 63, "504 bits are more than the 496 that a tag can hold"),
        ("36" * 12, None, "urn:epc:raw:96.x" + "36" * 12, "sgtin-198: it has 198 bits, 96 are there"),
        ("ABCD", 17, "urn:epc:raw:16.xABCD", "17 bits were announced, 16 are there"),
        ("ABCD", -1, "urn:epc:raw:16.xABCD", "-1 bits were announced, 16 are there"),
        ("3g 0x", None, "urn:epc:raw:20.x3G%200X", "'3G 0X' holds something else than hexadecimal digits"),
    ],
)
def test_what_is_no_gs1_tag(epc: str, bits: int | None, uri: str, error: str) -> None:
    """Whatever else a tag holds is a value of its own with the reason in words, never an exception."""
    identity = decode(epc, bits)
    assert (identity.scheme, identity.uri, identity.error) == ("raw", uri, error)
    assert (identity.digital_link, identity.ai, identity.filter, identity.prefix) == (None, {}, None, None)


@pytest.mark.parametrize("text", ["\ufb000000000000", "\uff11\uff12", "\udcff", "x:\ud800", "\u0660"])
def test_letters_that_look_like_hex_are_none(text: str) -> None:
    """A ligature of two Fs, foreign digits, half a surrogate pair: raw, with a reason, and writable as JSON."""
    found = decode(text)
    assert (found.scheme, found.ai) == ("raw", {})
    assert found.error is not None
    assert msgspec.json.decode(msgspec.json.encode(found))["uri"] == found.uri


def test_repeat_reads_are_cached() -> None:
    """A tag read again costs a look-up: the same object comes back."""
    assert decode(VECTORS[2][0]) is decode(VECTORS[2][0])
