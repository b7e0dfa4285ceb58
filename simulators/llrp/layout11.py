"""What LLRP 1.1 (EPCglobal, 2010) adds to 1.0.1 and changes in it, in the manner of `layout`.

A line with the number of one of 1.0.1 replaces it. Only what this reader can meet or say is here: no recommissioning,
no permalock, no client request operations.
"""

MESSAGES = """
46 GET_SUPPORTED_VERSION
47 SET_PROTOCOL_VERSION ProtocolVersion:u8
56 GET_SUPPORTED_VERSION_RESPONSE CurrentVersion:u8 SupportedVersion:u8 | 1LLRPStatus
57 SET_PROTOCOL_VERSION_RESPONSE | 1LLRPStatus
"""

PARAMETERS = """
137 GeneralDeviceCapabilities MaxNumberOfAntennaSupported:u16 CanSetAntennaProperties:u1 HasUTCClockCapability:u1
  -:14 DeviceManufacturerName:u32 ModelName:u32 ReaderFirmwareVersion:text | +ReceiveSensitivityTableEntry
  *PerAntennaReceiveSensitivityRange 1GPIOCapabilities +PerAntennaAirProtocol ?MaximumReceiveSensitivity
144 UHFBandCapabilities | +TransmitPowerLevelTableEntry 1FrequencyInformation +C1G2UHFRFModeTable
  ?RFSurveyFrequencyCapabilities
177 ROSpec ROSpecID:u32 Priority:u8 CurrentState:u8 | 1ROBoundarySpec +AISpec/RFSurveySpec/LoopSpec/Custom ?ROReportSpec
222 AntennaConfiguration AntennaID:u16 | ?RFReceiver ?RFTransmitter *C1G2InventoryCommand *Custom
238 TagReportContentSelector EnableROSpecID:u1 EnableSpecIndex:u1 EnableInventoryParameterSpecID:u1
  EnableAntennaID:u1 EnableChannelIndex:u1 EnablePeakRSSI:u1 EnableFirstSeenTimestamp:u1 EnableLastSeenTimestamp:u1
  EnableTagSeenCount:u1 EnableAccessSpecID:u1 -:6 | *C1G2EPCMemorySelector *Custom
327 C1G2LLRPCapabilities CanSupportBlockErase:u1 CanSupportBlockWrite:u1 CanSupportBlockPermalock:u1
  CanSupportTagRecommissioning:u1 CanSupportUMIMethod2:u1 CanSupportXPC:u1 -:2 MaxNumSelectFiltersPerQuery:u16
337 C1G2TagInventoryStateAwareSingulationAction I:u1 S:u1 S_All:u1 -:5
348 C1G2EPCMemorySelector EnableCRC:u1 EnablePCBits:u1 EnableXPCBits:u1 -:5
355 LoopSpec LoopCount:u32
363 MaximumReceiveSensitivity MaximumSensitivityValue:s16
365 RFSurveyFrequencyCapabilities MinimumFrequency:u32 MaximumFrequency:u32
"""

ADDED = frozenset(
    (
        *("CanSupportBlockPermalock", "CanSupportTagRecommissioning", "CanSupportUMIMethod2", "CanSupportXPC"),
        *("S_All", "EnableXPCBits"),
    )
)
"""Fields where 1.0.1 has reserved bits: 0 where a parameter does not give them."""
