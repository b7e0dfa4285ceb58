"""What a reader says it can do, in the few words that matter to us."""

from msgspec import Struct
from msgspec.structs import replace

from gateway.readers.llrp.codec import Message
from gateway.readers.llrp.settings import VERSION_1_0_1, VERSION_1_1


class RfMode(Struct, frozen=True):
    """One row of the table of modes: identifier, data rate (bit/s), M (0 FM0 … 3 Miller 8), mask (3: dense readers)."""

    number: int
    rate: int
    miller: int
    mask: int


class Capabilities(Struct, frozen=True):
    """From GET_READER_CAPABILITIES_RESPONSE; what the reader did not say has the default.

    `version` is the LLRP version of the connection, `highest` the highest the reader knows; `newer`: it takes the
    triggers of 1.1, as far as we know.
    """

    version: int = VERSION_1_0_1
    highest: int = VERSION_1_0_1
    newer: bool = False
    manufacturer: int = 0  # IANA enterprise number
    model: int = 0
    firmware: str = ""
    antennas: int = 0
    gpis: int = 0
    gpos: int = 0
    holds: bool = False  # HoldEventsAndReportsUponReconnect
    powers: tuple[tuple[int, int], ...] = ()  # (index, hundredths of a dBm), as listed
    hopping: bool = True
    hop_table: int = 0
    modes: tuple[int, ...] = ()  # mode identifiers
    rf_modes: tuple[RfMode, ...] = ()
    filters: int | None = None  # Select filters per inventory

    def power_index(self, dbm: float) -> int | None:
        """The index of the listed power nearest to `dbm`, the lower of two; None when the reader lists none."""
        wanted = round(dbm * 100)
        nearest = min(self.powers, key=lambda power: (abs(power[1] - wanted), power[1]), default=None)
        return None if nearest is None else nearest[0]

    def power_dbm(self, index: int) -> float:
        """The power behind an index of the list, dBm."""
        return dict(self.powers)[index] / 100


def read_versions(message: Message) -> Capabilities:
    """Read a GET_SUPPORTED_VERSION_RESPONSE, with which nothing else is known yet."""
    current, highest = message.fields["CurrentVersion"], message.fields["SupportedVersion"]
    known = Capabilities(highest=highest)
    return agreed(known) if current == VERSION_1_1 else known  # not to be chosen again: a version is chosen once


def agreed(known: Capabilities) -> Capabilities:
    """The same reader, with which 1.1 has been agreed on."""
    return replace(known, version=VERSION_1_1, newer=True)


def read_capabilities(message: Message, known: Capabilities | None = None) -> Capabilities:
    """Read a GET_READER_CAPABILITIES_RESPONSE; the versions are those of `known`."""
    found: dict[str, object] = {}
    if known is not None:
        found = {"version": known.version, "highest": known.highest, "newer": known.newer}
    general = message.first("GeneralDeviceCapabilities")
    if general is not None:
        found["manufacturer"] = general.fields["DeviceManufacturerName"]
        found["model"] = general.fields["ModelName"]
        found["firmware"] = general.fields["ReaderFirmwareVersion"]
        found["antennas"] = general.fields["MaxNumberOfAntennaSupported"]
        gpio = general.first("GPIOCapabilities")
        if gpio is not None:
            found["gpis"], found["gpos"] = gpio.fields["NumGPIs"], gpio.fields["NumGPOs"]
    llrp = message.first("LLRPCapabilities")
    if llrp is not None:
        found["holds"] = llrp.fields["SupportsEventAndReportHolding"]
    air = message.first("C1G2LLRPCapabilities")
    if air is not None:
        found["filters"] = air.fields["MaxNumSelectFiltersPerQuery"]
    regulatory = message.first("RegulatoryCapabilities")
    band = regulatory.first("UHFBandCapabilities") if regulatory is not None else None
    if band is not None:
        found["powers"] = tuple(
            (entry.fields["Index"], entry.fields["TransmitPowerValue"])
            for entry in band.every("TransmitPowerLevelTableEntry")
        )
        modes = tuple(
            RfMode(f["ModeIdentifier"], f["BDRValue"], f["MValue"], f["SpectralMaskIndicator"])
            for table in band.every("C1G2UHFRFModeTable")
            for f in (entry.fields for entry in table.every("C1G2UHFRFModeTableEntry"))
        )
        found["rf_modes"], found["modes"] = modes, tuple(mode.number for mode in modes)
        frequencies = band.first("FrequencyInformation")
        if frequencies is not None:
            found["hopping"] = frequencies.fields["Hopping"]
            hops = frequencies.first("FrequencyHopTable")
            found["hop_table"] = hops.fields["HopTableID"] if hops is not None else 0
    return Capabilities(**found)  # type: ignore[arg-type]  # each value is what the codec's tables say it is
