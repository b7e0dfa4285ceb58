"""What the reader says it can do: GET_READER_CAPABILITIES (LLRP 1.0.1, clause 9), out of its profile."""

from simulators.llrp.profiles import IMPINJ, Mode, Profile
from simulators.llrp.vendors import custom
from simulators.llrp.wire import Malformed, Parameter

__all__ = ["IMPINJ", "capabilities"]


def capabilities(profile: Profile, wanted: int) -> list[Parameter]:
    """The parameters that a RequestedData of `wanted` asks for."""
    sections = {1: _general(profile), 2: _llrp(profile), 3: _regulatory(profile), 4: _air_protocol(profile)}
    if wanted and wanted not in sections:
        raise Malformed(101, f"RequestedData {wanted} is not defined")
    own = [] if wanted else [custom(profile.manufacturer, kind, body) for kind, body in profile.capabilities]
    return [*(part for kind, part in sections.items() if wanted in (0, kind)), *own]


def _general(profile: Profile) -> Parameter:
    antennas = range(1, profile.antennas + 1)
    sensitivities = enumerate(profile.sensitivities, 1)
    return Parameter(
        "GeneralDeviceCapabilities",
        {
            "MaxNumberOfAntennaSupported": profile.antennas,
            "CanSetAntennaProperties": 0,
            "HasUTCClockCapability": int(profile.utc),
            "DeviceManufacturerName": profile.manufacturer,
            "ModelName": profile.model,
            "ReaderFirmwareVersion": profile.firmware,
        },
        [
            *(
                Parameter("ReceiveSensitivityTableEntry", {"Index": index, "ReceiveSensitivityValue": value})
                for index, value in sensitivities
            ),
            Parameter("GPIOCapabilities", {"NumGPIs": profile.gpis, "NumGPOs": profile.gpos}),
            *(Parameter("PerAntennaAirProtocol", {"AntennaID": a, "ProtocolID": b"\x01"}) for a in antennas),
        ],
    )


def _llrp(profile: Profile) -> Parameter:
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
            "MaxNumROSpecs": profile.rospecs,
            "MaxNumSpecsPerROSpec": 32,
            "MaxNumInventoryParameterSpecsPerAISpec": 1,
            "MaxNumAccessSpecs": profile.accessspecs,
            "MaxNumOpSpecsPerAccessSpec": 8,
        },
    )


def _regulatory(profile: Profile) -> Parameter:
    powers = [
        Parameter("TransmitPowerLevelTableEntry", {"Index": index, "TransmitPowerValue": power})
        for index, power in enumerate(profile.powers, 1)
    ]
    channels = [*profile.frequencies]
    if profile.hopping:
        table = Parameter("FrequencyHopTable", {"HopTableID": 1, "Frequency": channels})
    else:
        table = Parameter("FixedFrequencyTable", {"Frequency": channels})
    band = Parameter(
        "UHFBandCapabilities",
        parts=[
            *powers,
            Parameter("FrequencyInformation", {"Hopping": int(profile.hopping)}, [table]),
            Parameter("C1G2UHFRFModeTable", parts=[_mode(mode) for mode in profile.modes]),
        ],
    )
    fields = {"CountryCode": profile.country, "CommunicationsStandard": profile.standard}
    return Parameter("RegulatoryCapabilities", fields, [band])


def _mode(mode: Mode) -> Parameter:
    return Parameter(
        "C1G2UHFRFModeTableEntry",
        {
            "ModeIdentifier": mode.identifier,
            "DRValue": mode.dr,
            "EPCHAGTCConformance": 0,
            "MValue": mode.m,
            "ForwardLinkModulation": mode.modulation,
            "SpectralMaskIndicator": mode.mask,
            "BDRValue": mode.bdr,
            "PIEValue": mode.pie,
            "MinTariValue": mode.tari_min,
            "MaxTariValue": mode.tari_max,
            "StepTariValue": 0,
        },
    )


def _air_protocol(profile: Profile) -> Parameter:
    fields = {"CanSupportBlockErase": 0, "CanSupportBlockWrite": 0, "MaxNumSelectFiltersPerQuery": profile.filters}
    return Parameter("C1G2LLRPCapabilities", fields)
