"""What the reader says it can do: GET_READER_CAPABILITIES (LLRP 1.0.1, clause 9)."""

from dataclasses import dataclass

from simulators.llrp.config import TRANSMIT_POWERS
from simulators.llrp.wire import Malformed, Parameter

IMPINJ = 25882
"""Impinj's private enterprise number."""

HOP_TABLE = [902_750 + 500 * channel for channel in range(50)]
"""The channels of US FCC part 15, kHz; ChannelIndex counts from 1."""

MODES = (
    (1, 1, 0, 2, 2, 640_000, 1500, 6_250, 6_250),
    (2, 1, 1, 2, 2, 320_000, 1500, 6_250, 6_250),
    (3, 1, 2, 0, 3, 274_000, 2000, 20_000, 20_000),
    (4, 1, 3, 0, 3, 170_600, 2000, 20_000, 25_000),
)
"""C1G2UHFRFModeTableEntry: identifier, DR, M, modulation, mask, BDR (bit/s), PIE (1/1000), Tari min and max (ns)."""

MAX_ROSPECS = 8
MAX_ACCESSSPECS = 32


@dataclass(frozen=True)
class Model:
    """What a reader of this make is."""

    antennas: int
    gpis: int
    gpos: int
    utc: bool
    manufacturer: int
    model: int
    firmware: str


def capabilities(model: Model, wanted: int) -> list[Parameter]:
    """The parameters that a RequestedData of `wanted` asks for."""
    sections = {1: _general(model), 2: _llrp(), 3: _regulatory(), 4: _air_protocol()}
    if wanted and wanted not in sections:
        raise Malformed(101, f"RequestedData {wanted} is not defined")
    return [part for kind, part in sections.items() if wanted in (0, kind)]


def _general(model: Model) -> Parameter:
    antennas = range(1, model.antennas + 1)
    return Parameter(
        "GeneralDeviceCapabilities",
        {
            "MaxNumberOfAntennaSupported": model.antennas,
            "CanSetAntennaProperties": 0,
            "HasUTCClockCapability": int(model.utc),
            "DeviceManufacturerName": model.manufacturer,
            "ModelName": model.model,
            "ReaderFirmwareVersion": model.firmware,
        },
        [
            Parameter("ReceiveSensitivityTableEntry", {"Index": 1, "ReceiveSensitivityValue": 0}),
            Parameter("GPIOCapabilities", {"NumGPIs": model.gpis, "NumGPOs": model.gpos}),
            *(Parameter("PerAntennaAirProtocol", {"AntennaID": a, "ProtocolID": b"\x01"}) for a in antennas),
        ],
    )


def _llrp() -> Parameter:
    return Parameter(
        "LLRPCapabilities",
        {
            "CanDoRFSurvey": 0,
            "CanReportBufferFillWarning": 1,
            "SupportsClientRequestOpSpec": 0,
            "CanDoTagInventoryStateAwareSingulation": 0,
            "SupportsEventAndReportHolding": 1,
            "MaxNumPriorityLevelsSupported": 1,
            "ClientRequestOpSpecTimeout": 0,
            "MaxNumROSpecs": MAX_ROSPECS,
            "MaxNumSpecsPerROSpec": 32,
            "MaxNumInventoryParameterSpecsPerAISpec": 1,
            "MaxNumAccessSpecs": MAX_ACCESSSPECS,
            "MaxNumOpSpecsPerAccessSpec": 8,
        },
    )


def _regulatory() -> Parameter:
    powers = [
        Parameter("TransmitPowerLevelTableEntry", {"Index": index + 1, "TransmitPowerValue": 1000 + 25 * index})
        for index in range(TRANSMIT_POWERS)
    ]
    hops = Parameter("FrequencyHopTable", {"HopTableID": 1, "Frequency": HOP_TABLE})
    modes = [
        Parameter(
            "C1G2UHFRFModeTableEntry",
            {
                "ModeIdentifier": identifier,
                "DRValue": dr,
                "EPCHAGTCConformance": 0,
                "MValue": m,
                "ForwardLinkModulation": modulation,
                "SpectralMaskIndicator": mask,
                "BDRValue": bdr,
                "PIEValue": pie,
                "MinTariValue": tari_min,
                "MaxTariValue": tari_max,
                "StepTariValue": 0,
            },
        )
        for identifier, dr, m, modulation, mask, bdr, pie, tari_min, tari_max in MODES
    ]
    band = Parameter(
        "UHFBandCapabilities",
        parts=[
            *powers,
            Parameter("FrequencyInformation", {"Hopping": 1}, [hops]),
            Parameter("C1G2UHFRFModeTable", parts=modes),
        ],
    )
    return Parameter("RegulatoryCapabilities", {"CountryCode": 840, "CommunicationsStandard": 1}, [band])


def _air_protocol() -> Parameter:
    return Parameter(
        "C1G2LLRPCapabilities", {"CanSupportBlockErase": 0, "CanSupportBlockWrite": 0, "MaxNumSelectFiltersPerQuery": 2}
    )
