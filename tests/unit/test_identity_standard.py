"""Every scheme against the examples of the standard itself, and every rule that a tag can break."""

import pytest

from gateway.events.check import uri_problem
from gateway.identity import Control, decode
from simulators import tds

GTIN, LINK = "79521141123453", "https://id.gs1.org"
TAIL = "9521141.12345"

# TDS 2.3 annex E.3: hex, EPC Tag URI. GDTI-113 and a GLN without extension are not in it.
CLASSIC = """
3066C4409047E140075BCD15 sgtin-96:3.95060001343.05.123456789
3666C4409047E159B2C2BF100000000000000000000000000000 sgtin-198:3.95060001343.05.32a%2Fb
311BA1B300CE0A6A83000000 sscc-96:0.952012.03456789123
3276451FD46072000000162E sgln-96:3.9521141.12345.5678
3976451FD46072CD9615F8800000000000000000000000000000 sgln-195:3.9521141.12345.32a%2Fb
3376451FD40C0E400000162E grai-96:3.9521141.12345.5678
3776451FD40C0E59B2C2BF1000000000000000000000 grai-170:3.9521141.12345.32a%2Fb
3476451FD40000000000162E giai-96:3.9521141.5678
3876451FD59B2C2BF10000000000000000000000000000000000 giai-202:3.9521141.32a%2Fb
2D76451FD4499602D2000000 gsrn-96:3.9521141.1234567890
2E76451FD4499602D2000000 gsrnp-96:3.9521141.1234567890
2C76451FD46072000000162E gdti-96:3.9521141.12345.5678
3E76451FD7039B061438997367D0C18B266D1AB66EE0 gdti-174:3.9521141.98765.ABCDefgh012345678
3C76451FD400C0E680003039 cpi-96:3.9521141.98765.12345
3D76451FD75411DEF6B4CC00000003039000 cpi-var:3.9521141.5PQ7%2FZ43.12345
3F76451FD612640000019907 sgcn-96:3.9521141.67890.04711
3500E86F8000A9E000000586 gid-96:952056.2718.1414
2F320434147455900000162E usdod-96:3.CAGEY.5678
3B0E0CF5E76C9047759AD00373DC7602E7200 adi-var:3.35962.PQ7VZ4.M37GXB92
4076451FD40C0E40820000000F54 itip-110:3.9521141.012345.01.02.981
4176451FD40C0E4082DBDD8B36600000000000000000000000000000 itip-212:3.9521141.012345.01.02.mw133
"""

# TDS 2.3 annex E.3: hex, Digital Link. The headers of SSCC++ and ITIP++ are those of Table 14-1; the annex prints
# those of SSCC+ and ITIP+. All '++' examples carry the hostname id.example.com.
PLUS = """
F73795211411234538566CB0AFC4 sgtin+ /01/79521141123453/21/32a%2Fb
FB342CDE795211411234538566CB0AFC4 dsgtin+ /01/79521141123453/21/32a%2Fb?17=220630
FD3795211411234538566CB0AFC525065F1876F0D996D800 sgtin++ /01/79521141123453/21/32a%2Fb
FC342CDE795211411234538566CB0AFC525065F1876F0D996D80 dsgtin++ /01/79521141123453/21/32a%2Fb?17=220630
F90095201234567891235 sscc+ /00/095201234567891235
EF009520123456789123592832F8C3B786CCB6C0 sscc++ /00/095201234567891235
F2395211411234548566CB0AFC4 sgln+ /414/9521141123454/254/32a%2Fb
E9395211411234548566CB0AFC525065F1876F0D996D8000 sgln++ /414/9521141123454/254/32a%2Fb
F13095211411234548566CB0AFC4 grai+ /8003/0952114112345432a%2Fb
EB3095211411234548566CB0AFC525065F1876F0D996D800 grai++ /8003/0952114112345432a%2Fb
FA3952114132E83C2BF10 giai+ /8004/952114132a%2Fb
EE3952114132E83C2BF1494197C61DBC3665B600 giai++ /8004/952114132a%2Fb
F43952114112345678906 gsrn+ /8018/952114112345678906
E7395211411234567890692832F8C3B786CCB6C0 gsrn++ /8018/952114112345678906
F53952114112345678906 gsrnp+ /8017/952114112345678906
E8395211411234567890692832F8C3B786CCB6C0 gsrnp++ /8017/952114112345678906
F6395211411234540458B8 gdti+ /253/95211411234545678
EA395211411234540458BA4A0CBE30EDE1B32DB0 gdti++ /253/95211411234545678
F0395211415E87A145BAFB4D19A8C0E4 cpi+ /8010/95211415PQ7%2FZ43/8011/12345
E6395211415E87A145BAFB4D19A8C0E64A0CBE30EDE1B32DB000 cpi++ /8010/95211415PQ7%2FZ43/8011/12345
F839521141678909509338 sgcn+ /255/952114167890904711
EC3952114167890950933C94197C61DBC3665B60 sgcn++ /255/952114167890904711
F3309521141123454010266AE27FDF35 itip+ /8006/095211411234540102/21/rif981
ED309521141123454010266AE27FDF3592832F8C3B786CCB6C00 itip++ /8006/095211411234540102/21/rif981
"""

LINKS = {
    "sgtin-198": "/01/09506000134352/21/32a%2Fb",
    "sgln-195": "/414/9521141123454/254/32a%2Fb",
    "grai-170": "/8003/0952114112345432a%2Fb",
    "giai-202": "/8004/952114132a%2Fb",
    "gsrn-96": "/8018/952114112345678906",
    "gsrnp-96": "/8017/952114112345678906",
    "gdti-174": "/253/9521141987650ABCDefgh012345678",
    "cpi-var": "/8010/95211415PQ7%2FZ43/8011/12345",
    "sgcn-96": "/255/952114167890904711",
    "itip-212": "/8006/095211411234540102/21/mw133",
}


def _rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.strip().splitlines()]


@pytest.mark.parametrize(("epc", "tag"), _rows(CLASSIC))
def test_classic_examples(epc: str, tag: str) -> None:
    """The standard's example of each scheme decodes to its EPC Tag URI, and so to its pure identity URI."""
    identity = decode(epc)
    scheme, _, rest = tag.partition(":")
    pure = rest if scheme == "gid-96" else rest.split(".", 1)[1]
    assert identity.error is None
    assert identity.tag_uri == f"urn:epc:tag:{tag}"
    assert identity.uri == f"urn:epc:id:{scheme.split('-')[0]}:{pure}"
    assert uri_problem(identity.uri) is None
    if scheme in LINKS:
        assert identity.digital_link == LINK + LINKS[scheme]


@pytest.mark.parametrize(("epc", "scheme", "link"), _rows(PLUS))
def test_plus_examples(epc: str, scheme: str, link: str) -> None:
    """The standard's example of each new scheme decodes to its Digital Link, which without query names the thing."""
    identity = decode(epc)
    assert (identity.error, identity.scheme, identity.digital_link) == (None, scheme, LINK + link)
    assert identity.uri == LINK + link.partition("?")[0]
    assert identity.host == ("id.example.com" if scheme.endswith("++") else None)
    assert (identity.toggle, identity.prefix, identity.tag_uri) == (False, None, None)


def test_one_thing_has_one_key() -> None:
    """An item and a pallet have the same key in whatever scheme their tags say them (TDS 2.3 §12.3.1)."""
    item = "01/09506000134352/21/123456789"
    assert decode("3066C4409047E140075BCD15").key == item
    assert decode(tds.plus("SGTIN+", ["09506000134352", "123456789"], more=[("10", "A")])).key == item
    assert decode("F90095201234567891235").key == decode("311BA1B300CE0A6A83000000").key == "00/095201234567891235"
    assert decode("3500E86F8000A9E000000586").key == "urn:epc:id:gid:952056.2718.1414"
    assert decode("44" * 12).key == f"urn:epc:raw:96.x{'44' * 12}"


def test_lot_and_dates_on_the_tag() -> None:
    """'+AIDC data' comes out as element strings, the lot in the path of the link and the rest in its query."""
    more = [("10", "LOT/1"), ("11", "261101"), ("3103", "012500"), ("8008", "261101143005")]
    identity = decode(tds.plus("DSGTIN+", [GTIN, "7"], filter_value=2, date=("17", "270100"), more=more))
    assert identity.ai == {"01": GTIN, "21": "7", "17": "270100", **dict(more)}
    query = "11=261101&17=270100&3103=012500&8008=261101143005"
    assert identity.digital_link == f"{LINK}/01/{GTIN}/10/LOT%2F1/21/7?{query}"
    assert (identity.toggle, identity.filter) == (True, 2)


def test_padding_of_zeros() -> None:
    """Zeros to the word, or to the end of a longer memory, are padding, also where an SSCC could begin."""
    for epc in (CLASSIC.split()[0], PLUS.split()[0], tds.plus("SSCC+", ["106141412345678908"], more=[("37", "4")])):
        assert decode(epc + "0" * 40).ai == decode(epc).ai != {}


def test_gln_without_extension() -> None:
    """Extension 0 is none, in each scheme: the key is the GLN alone."""
    assert decode("3276451FD460720000000000").ai == {"414": "9521141123454"}
    assert decode("3276451FD460720000000000").digital_link == f"{LINK}/414/9521141123454"
    assert decode(tds.plus("SGLN+", ["9521141123454", "0"])).uri == f"{LINK}/414/9521141123454"


def _gdti113(serial_field: int) -> str:
    """GDTI-113 of company 9521141, type 12345 (TDS 2.3 §14.6.8.2)."""
    value = ((0x3A << 3 | 3) << 3 | 5) << 24 | 9521141
    return f"{((value << 17 | 12345) << 58 | serial_field) << 15:032X}"


def test_gdti_113() -> None:
    """The deprecated GDTI-113 keeps the leading zeros of its serial behind a 1."""
    identity = decode(_gdti113(100567))
    assert (identity.scheme, identity.uri) == ("gdti-113", f"urn:epc:id:gdti:{TAIL}.00567")
    assert identity.ai == {"253": "952114112345400567"}
    assert decode(_gdti113(1)).error == "gdti-113: serial field 1 is not 1 and then digits"
    assert decode(_gdti113(200567)).error == "gdti-113: serial field 200567 is not 1 and then digits"


def _tag(header: int, *fields: tuple[int, int]) -> str:
    """A tag of filter 3, partition 5 and company 9521141, then (value, bits)."""
    parts = ((header, 8), (3, 3), (5, 3), (9521141, 24), *fields)
    return tds.words("".join(format(value, f"0{bits}b") for value, bits in parts))


BROKEN = [
    (_tag(0x36, (12345, 20), (ord("A"), 7), (1, 133)), "sgtin-198: bits are set behind the end of its string"),
    (_tag(0x36, (12345, 20), (0, 140)), "sgtin-198: its string is empty"),
    (_tag(0x36, (12345, 20), (ord("#"), 7), (0, 133)), "sgtin-198: its string holds a character outside GS1's 82"),
    (_tag(0x38, (ord("A"), 7), (1, 157)), "giai-202: bits are set behind the end of its string"),
    (_tag(0x3F, (12345, 17), (25, 41)), "sgcn-96: serial field 25 is not 1 and then digits"),
    (_tag(0x3C, (10**8, 27), (1, 31)), "cpi-96: reference 100000000 has more than 8 digits"),
    (_tag(0x3D, (0x31, 6), (0, 6), (10**12, 40)), "cpi-var: 1000000000000 has more than 12 digits"),
    (_tag(0x3D, (0, 6), (1, 40)), "cpi-var: a string has 0 characters, not 1 to 23"),
    (_tag(0x3D, (0x1F, 6), (0, 6), (1, 40)), "cpi-var: 6-bit code 31 is no character"),
    (_tag(0x3D, (0x31, 6), (0, 6), (1, 40), (1, 6)), "cpi-var: bits are set behind its 90"),
    (_tag(0x40, (12345, 20), (100, 7), (2, 7), (1, 38)), "itip-110: 100 has more than 2 digits"),
    (_tag(0x32, (10**5, 17), (1, 41)), "sgln-96: reference 100000 has more than 5 digits"),
    (f"3D{0b01111100:02X}" + "0" * 20, "cpi-var: partition 7 is reserved"),
    ("2F320434149455900000162E", "usdod-96: 'CAIEY' is no CAGE code or DoDAAC"),
    ("3B0E0CF5E76C9047759AD00373DC7602E72", "adi-var: 6 bits should follow"),
    (tds.adi("35962", "P#", "1"), "adi-var: '#' may only begin a serial number"),
    (tds.adi("35962", "P", "#"), "adi-var: '#' may only begin a serial number"),
    ("F90095201234567891234", "sscc+: AI (00): 095201234567891234 ends in 4, but its check digit is 5"),
    ("F73795211411234538566CB0AFC5", "sgtin+: its toggle says that nothing follows, but bits are set"),
    ("FB372CDE795211411234538566CB0AFC4", "dsgtin+: date type 7 is reserved"),
    ("FB342DFE795211411234538566CB0AFC4", "dsgtin+: 221530 is no date"),
    ("F73795211411234538", "sgtin+: AI (21): 5 bits should follow, 1 are left"),
    ("F73795211411234530000000", "sgtin+: AI (21): a value has 0 characters, not 1 to 20"),
    ("F63952114112345400", "gdti+: AI (253): a class without serial is no EPC"),
    ("F13195211411234548566CB0AFC4", "grai+: AI (8003): 19521141123454 ends in 4, but its check digit is 1"),
    ("EF009520123456789123500000", "sscc++: '' is no hostname"),
    ("EF0095201234567891235828100", "sscc++"),
]


@pytest.mark.parametrize(
    ("elements", "error"),
    [
        ([("10", "A"), ("10", "A")], "AI (10) stands there twice"),
        ([("21", "2")], "AI (21) stands there twice"),
        ([("01", GTIN)], "AI (01) stands there twice"),
        ([("02", "79521141123450")], "AI (02): 79521141123450 ends in 0, but its check digit is 3"),
        ([("17", "260230")], "AI (17): 260230 is no date"),
        ([("7003", "2601012401")], "AI (7003): 2401 is no time of day"),
        ([("8003", "19521141123454A")], "AI (8003)"),
        ([("8010", "1a")], "AI (8010): '1a' holds a character that it may not"),
        ([("7258", "0/3")], "AI (7258): 0/3 is no sequence"),
    ],
)
def test_data_that_breaks_a_rule(elements: list[tuple[str, str]], error: str) -> None:
    """An element that no tag may carry makes the whole tag raw, with the element in the reason."""
    identity = decode(tds.plus("SGTIN+", [GTIN, "1"], more=elements))
    assert identity.scheme == "raw"
    assert str(identity.error).startswith(f"sgtin+: {error}")


@pytest.mark.parametrize(
    ("bits", "error"),
    [
        ("00000011", "no AI begins with 03"),
        ("10100001", "no AI begins with A1"),
        ("1000000110011001", "AI (8199) cannot be on a tag (Table F)"),
        ("1000000010101010", "AA should be 2 digits"),
        ("00010000" + "110" + "00001", "AI (10): encoding indicator 6 is reserved"),
        ("00010000" + "000" + "10101", "AI (10): a value has 21 characters, not 1 to 20"),
        ("00010000" + "000" + "00001" + "1010", "AI (10): 10 has more than 1 digits"),
        ("00010000" + "100" + "00001" + "0100000", "AI (10): ' ' holds a character that it may not"),
        ("00010000" + "101" + "00001" + "0" * 16, "AI (10): 0 is no URN Code 40"),
        ("00010000" + "101" + "00001" + "1" * 16, "AI (10): 65535 is no URN Code 40"),
        ("00010000" + "101" + "00011" + format(1601, "016b"), "AI (10): URN Code 40 and its length disagree"),
        ("01000011" + "00000111" + "111111" * 2, "AI (4307): '_' is no upper-case letter"),
        ("10000000" + "00000100" + "1010", "AI (8004): A is neither digit, delimiter nor terminator"),
        ("10000000" + "00000100" + "1111", "AI (8004): a value should begin with a digit"),
        ("00110000" + "1001" + "0" * 30, "AI (30): a number has 9 digits, not 1 to 8"),
        ("00010001" + "1", "AI (11)"),
    ],
)
def test_data_that_no_encoder_writes(bits: str, error: str) -> None:
    """Bits behind an SGTIN+ that are no element are refused with what is wrong with them."""
    head = format(int("F7879521141123453", 16), "068b") + "000" + "00001" + "0001"
    identity = decode(tds.words(head + bits))
    assert identity.scheme == "raw"
    assert str(identity.error).startswith(f"sgtin+: {error}")


def test_control_words() -> None:
    """PC and XPC words add the control fields of the EPC Tag URI (TDS 2.3 §15.2.4) and nothing else."""
    epc = "3066C4409047E140075BCD15"
    tag = "sgtin-96:3.95060001343.05.123456789"
    plain = decode(epc)
    assert plain.control is None
    for pc, xpc, said in (
        (0x3000, None, ""),
        (0x3001, None, "[att=x01]:"),
        (0x3401, None, "[att=x01][umi=1]:"),
        (0x3200, 0x0004, "[xpc-w1=x0004]:"),
        (0x3200, 0x80040001, "[xpc=x80040001]:"),
        (0x3000, 0x0004, ""),
    ):
        identity = decode(epc, None, pc, xpc)
        assert identity.tag_uri == f"urn:epc:tag:{said}{tag}"
        assert (identity.uri, identity.ai, identity.error) == (plain.uri, plain.ai, None)
        assert identity.control == Control(pc, xpc)


def test_iso_memory_is_raw() -> None:
    """A toggle of 1 says that the memory is not GS1's, whatever its first byte: raw, with the AFI in the URI."""
    identity = decode("3066C4409047E140075BCD15", None, 0x31A1)
    assert identity.scheme == "raw"
    assert identity.uri == "urn:epc:raw:96.xA1.x3066C4409047E140075BCD15"
    assert identity.error == "the toggle says ISO/IEC 15961 (AFI 0xA1), not GS1"
    assert identity.control is not None
    assert identity.control.iso
    assert uri_problem(identity.uri) is None
    assert decode("44" * 12, None, 0x3401).tag_uri == f"urn:epc:raw:[att=x01][umi=1]:96.x{'44' * 12}"


@pytest.mark.parametrize(("epc", "error"), BROKEN)
def test_broken_rules(epc: str, error: str) -> None:
    """A tag that breaks a rule of its scheme is raw, keeps its bits and says which rule."""
    identity = decode(epc)
    assert (identity.scheme, identity.ai, identity.digital_link) == ("raw", {}, None)
    assert str(identity.error).startswith(error), identity.error
    assert identity.uri == f"urn:epc:raw:{4 * len(epc)}.x{epc}"
