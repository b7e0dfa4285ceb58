"""What readers of different makes say they are and can do. Each value below is one that such a reader gives.

`impinj` is a Speedway R420 of the US, as recorded (EdgeX device-rfid-llrp-go, Apache-2.0). `fx9600` is a Zebra FX9600
with eight ports: identity, firmware, version and vendor capabilities as seen on one with firmware 3.32.37; power table
and first mode as owners printed them (sllurp's issue 115); its other modes and its channels are ours. `plain` and
`plain-1.1` are of no make: LLRP and nothing else, the latter with the frequencies of Europe.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

IMPINJ, ZEBRA = 25882, 161
"""Private enterprise numbers: the maker, and the vendor of its custom messages and parameters."""


class Mode(NamedTuple):
    """C1G2UHFRFModeTableEntry without EPCHAGTCConformance and StepTari, which are 0."""

    identifier: int
    dr: int
    m: int
    modulation: int
    mask: int
    bdr: int
    """bit/s"""
    pie: int
    """1/1000"""
    tari_min: int
    """ns"""
    tari_max: int
    """ns"""


@dataclass(frozen=True)
class Profile:
    """A kind of reader. Its maker's extensions are known to it, nobody else's are."""

    name: str
    manufacturer: int
    model: int
    firmware: str
    powers: tuple[int, ...]
    """TransmitPowerValue of index 1, 2, …; 1/100 dBm."""
    frequencies: tuple[int, ...]
    """kHz, in the order of the channel index, which counts from 1."""
    modes: tuple[Mode, ...]
    antennas: int = 4
    gpis: int = 4
    gpos: int = 4
    utc: bool = True
    """Has a UTC clock; else only its uptime."""
    versions: tuple[int, ...] = (1,)
    """1 is LLRP 1.0.1, 2 is 1.1."""
    hopping: bool = True
    country: int = 840
    """ISO 3166 numeric."""
    standard: int = 1
    """CommunicationsStandard: 1 US FCC part 15, 2 ETSI 302 208."""
    sensitivities: tuple[int, ...] = (0,)
    """dB above the best sensitivity."""
    rospecs: int = 8
    accessspecs: int = 32
    filters: int = 2
    """C1G2Filters per inventory."""
    backlog: int = 10_000
    """Messages that wait for a client; then the oldest is dropped."""
    capabilities: tuple[tuple[int, str], ...] = ()
    """Subtype and body (hex) of the maker's own capabilities, given with all capabilities."""


_RATES = (
    Mode(1, 1, 0, 2, 2, 640_000, 1500, 6_250, 6_250),
    Mode(2, 1, 1, 2, 2, 320_000, 1500, 6_250, 6_250),
    Mode(3, 1, 2, 0, 3, 274_000, 2000, 20_000, 20_000),
    Mode(4, 1, 3, 0, 3, 170_600, 2000, 20_000, 25_000),
)

_PLAIN = Profile(
    "plain",
    manufacturer=50_000,
    model=1,
    firmware="sim-1.0",
    powers=tuple(range(1000, 3025, 25)),
    frequencies=tuple(range(902_750, 927_500, 500)),
    modes=_RATES,
)

_IMPINJ_MODES = (
    Mode(0, 1, 0, 2, 2, 640_000, 1500, 6_250, 6_250),
    Mode(1, 1, 1, 2, 2, 640_000, 1500, 6_250, 6_250),
    Mode(2, 1, 2, 0, 3, 274_000, 2000, 20_000, 20_000),
    Mode(3, 1, 3, 0, 3, 170_600, 2000, 20_000, 20_000),
    Mode(4, 1, 2, 0, 2, 640_000, 1500, 7_140, 7_140),
    *(Mode(automatic, 0, 0, 0, 0, 40_000, 1500, 6_250, 6_250) for automatic in (1000, 1002, 1003, 1004, 1005)),
)
"""BDR is the link frequency in Hz on these; from 1000 on the reader chooses by itself, and the row means nothing."""

_IMPINJ_HOPS = (
    *(909, 908, 925.5, 911, 910.5, 926.5, 917.5, 905, 927, 921, 925, 919, 924.5, 916, 919.5, 913, 926, 916.5, 918.5),
    *(914, 909.5, 917, 908.5, 902.5, 921.5, 913.5, 915.5, 923.5, 904, 903.5, 903, 907.5, 915, 924, 912.5, 918, 912),
    *(910, 922, 905.5, 906.5, 920.5, 923, 906, 914.5, 911.5, 920, 907, 922.5, 904.5),
)
"""MHz below the channel by 0.25."""

_IMPINJ = Profile(
    "impinj",
    manufacturer=IMPINJ,
    model=2001002,
    firmware="5.14.0.240",
    powers=tuple(range(1000, 3025, 25)),
    frequencies=tuple(int(1000 * below) + 250 for below in _IMPINJ_HOPS),
    modes=_IMPINJ_MODES,
    sensitivities=(0, *range(10, 51)),
    rospecs=1,
    accessspecs=1508,
)

_FX9600 = Profile(
    "fx9600",
    manufacturer=ZEBRA,
    model=96008,
    firmware="3.32.37.0",
    powers=tuple(range(1010, 3010, 10)),
    frequencies=tuple(range(902_750, 927_500, 500)),
    modes=(
        Mode(0, 1, 1, 0, 3, 192_000, 2000, 12_500, 12_500),
        Mode(1, 1, 2, 0, 3, 192_000, 2000, 12_500, 12_500),
        Mode(2, 1, 3, 0, 3, 60_000, 2000, 25_000, 25_000),
        Mode(3, 1, 0, 0, 2, 640_000, 1500, 6_250, 6_250),
    ),
    antennas=8,
    backlog=66_000,
    capabilities=(
        *((1, "00000001 9c"), (100, "00000001 80"), (120, "00000001 e0"), (200, "00000001 f0")),
        *((300, "00000001 e0"), (110, "00000001 b2"), (400, "00000001 96")),
    ),
)

PROFILES = {
    profile.name: profile
    for profile in (
        _PLAIN,
        replace(
            _PLAIN,
            name="plain-1.1",
            model=2,
            firmware="sim-1.1",
            versions=(1, 2),
            powers=tuple(range(1500, 3350, 50)),
            frequencies=(865_700, 866_300, 866_900, 867_500),
            hopping=False,
            country=276,
            standard=2,
        ),
        _IMPINJ,
        _FX9600,
    )
}
