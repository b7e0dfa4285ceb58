"""What a reader says it can do, in the few words that matter to us."""

from msgspec import Struct

from gateway.readers.llrp.codec import Message


class RfMode(Struct, frozen=True):
    """One row of the table of modes: identifier, data rate (bit/s), M (0 FM0 … 3 Miller 8), mask (3: dense readers)."""

    number: int
    rate: int
    miller: int
    mask: int


class Capabilities(Struct, frozen=True):
    """From GET_READER_CAPABILITIES_RESPONSE; what the reader did not say has the default."""

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


def read_capabilities(message: Message) -> Capabilities:
    """Read a GET_READER_CAPABILITIES_RESPONSE."""
    found: dict[str, object] = {}
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
