"""What LLRP 1.1 (EPCglobal, 2010) adds to 1.0.1 and changes in it, as text in the manner of `tables_llrp101`.

A definition with a number or name of 1.0.1 replaces it in version 2; so does a choice. Enumerations only gain values.
`CLIENT_REQUEST_OP` and its parameters stand in both standards, but not in the published definitions of 1.0.1.
"""

MESSAGES = """
45 CLIENT_REQUEST_OP | TagReportData
46 GET_SUPPORTED_VERSION
47 SET_PROTOCOL_VERSION ProtocolVersion:u8
55 CLIENT_REQUEST_OP_RESPONSE | ClientRequestResponse
56 GET_SUPPORTED_VERSION_RESPONSE CurrentVersion:u8 SupportedVersion:u8 | LLRPStatus
57 SET_PROTOCOL_VERSION_RESPONSE | LLRPStatus
"""

PARAMETERS = """
15 ClientRequestOpSpecResult OpSpecID:u16
19 C1G2XPCW1 XPC_W1:u16
20 C1G2XPCW2 XPC_W2:u16
137 GeneralDeviceCapabilities MaxNumberOfAntennaSupported:u16 CanSetAntennaProperties:u1
    HasUTCClockCapability:u1 -:14 DeviceManufacturerName:u32 ModelName:u32 ReaderFirmwareVersion:utf8v |
    ReceiveSensitivityTableEntry+ PerAntennaReceiveSensitivityRange* GPIOCapabilities PerAntennaAirProtocol+
    MaximumReceiveSensitivity?
144 UHFBandCapabilities | TransmitPowerLevelTableEntry+ FrequencyInformation <AirProtocolUHFRFModeTable>+
    RFSurveyFrequencyCapabilities?
210 ClientRequestOpSpec OpSpecID:u16
211 ClientRequestResponse AccessSpecID:u32 | EPCData <AirProtocolOpSpec>*
222 AntennaConfiguration AntennaID:u16 | RFReceiver? RFTransmitter? <AirProtocolInventoryCommandSettings>* Custom*
238 TagReportContentSelector EnableROSpecID:u1 EnableSpecIndex:u1 EnableInventoryParameterSpecID:u1
    EnableAntennaID:u1 EnableChannelIndex:u1 EnablePeakRSSI:u1 EnableFirstSeenTimestamp:u1
    EnableLastSeenTimestamp:u1 EnableTagSeenCount:u1 EnableAccessSpecID:u1 -:6 | <AirProtocolEPCMemorySelector>*
    Custom*
246 ReaderEventNotificationData | <Timestamp> HoppingEvent? GPIEvent? ROSpecEvent?
    ReportBufferLevelWarningEvent? ReportBufferOverflowErrorEvent? ReaderExceptionEvent? RFSurveyEvent?
    AISpecEvent? AntennaEvent? ConnectionAttemptEvent? ConnectionCloseEvent? SpecLoopEvent? Custom*
327 C1G2LLRPCapabilities CanSupportBlockErase:u1 CanSupportBlockWrite:u1 CanSupportBlockPermalock:u1
    CanSupportTagRecommissioning:u1 CanSupportUMIMethod2:u1 CanSupportXPC:u1 -:2 MaxNumSelectFiltersPerQuery:u16
337 C1G2TagInventoryStateAwareSingulationAction I:u1=C1G2TagInventoryStateAwareI
    S:u1=C1G2TagInventoryStateAwareS S_All:u1=C1G2TagInventoryStateAwareSAll -:5
348 C1G2EPCMemorySelector EnableCRC:u1 EnablePCBits:u1 EnableXPCBits:u1 -:5
355 LoopSpec LoopCount:u32
356 SpecLoopEvent ROSpecID:u32 LoopCount:u32
357 C1G2Recommission OpSpecID:u16 KillPassword:u32 -:5 SB3:u1 SB2:u1 LSB:u1
358 C1G2BlockPermalock OpSpecID:u16 AccessPassword:u32 MB:u2 -:6 BlockPointer:u16 BlockMask:u16v
359 C1G2GetBlockPermalockStatus OpSpecID:u16 AccessPassword:u32 MB:u2 -:6 BlockPointer:u16 BlockRange:u16
360 C1G2RecommissionOpSpecResult Result:u8=C1G2RecommissionResultType OpSpecID:u16
361 C1G2BlockPermalockOpSpecResult Result:u8=C1G2BlockPermalockResultType OpSpecID:u16
362 C1G2GetBlockPermalockStatusOpSpecResult Result:u8=C1G2GetBlockPermalockStatusResultType OpSpecID:u16
    PermalockStatus:u16v
363 MaximumReceiveSensitivity MaximumSensitivityValue:s16@dBm
365 RFSurveyFrequencyCapabilities MinimumFrequency:u32@kHz MaximumFrequency:u32@kHz
"""

CHOICES = """
SpecParameter AISpec RFSurveySpec LoopSpec Custom
AirProtocolOpSpec C1G2Read C1G2Write C1G2Kill C1G2Recommission C1G2Lock C1G2BlockErase C1G2BlockWrite
    C1G2BlockPermalock C1G2GetBlockPermalockStatus
AccessCommandOpSpec C1G2Read C1G2Write C1G2Kill C1G2Recommission C1G2Lock C1G2BlockErase C1G2BlockWrite
    C1G2BlockPermalock C1G2GetBlockPermalockStatus ClientRequestOpSpec Custom
AccessCommandOpSpecResult C1G2ReadOpSpecResult C1G2WriteOpSpecResult C1G2KillOpSpecResult
    C1G2RecommissionOpSpecResult C1G2LockOpSpecResult C1G2BlockEraseOpSpecResult C1G2BlockWriteOpSpecResult
    C1G2BlockPermalockOpSpecResult C1G2GetBlockPermalockStatusOpSpecResult ClientRequestOpSpecResult Custom
AirProtocolTagData C1G2_PC C1G2XPCW1 C1G2XPCW2 C1G2_CRC
"""

ENUMERATIONS = """
CommunicationsStandard 10=902_928_MHz_4W_Freq_Hop 11=ETSI_302_208_2W_Without_LBT 12=Brazil_902_907p5_MHz_4W_Freq_Hop
    13=China_840p5_844p5_MHz_2W_Freq_Hop 14=China_920p5_924p5_MHz_2W_Freq_Hop 15=Hong_Kong_920_925_MHz_4W
    16=Israel_915_917_MHz 17=Japan_952_954_MHz_4W_LBT 18=Japan_952_955_MHz_20mW_LBT 19=865_868_MHz_0p5W
    20=Korea_917_920p8_MHz_4W_HFSS_Or_LBT 21=Korea_917_923p5_MHz_200mW_HFSS_Or_LBT 22=Malaysia_866_869_MHz
    23=Malaysia_919_923_MHz_2W 24=New_Zealand_864_868_MHz_4W 25=Singapore_866_869_MHz_0p5W
    26=Singapore_920_925_MHz_2W 27=South_Africa_915p4_919_MHz_4W_Freq_Hop
    28=South_Africa_919p2_921_MHz_4W_Nonmodulated 29=Taiwan_922_928_MHz_1W_Freq_Hop
    30=Taiwan_922_928_MHz_0p5W_Freq_Hop 31=Thailand_920_925_MHz_4W_Freq_Hop 32=Venezuela_922_928_MHz
    33=Vietnam_866_869_MHz_0p5W 34=Vietnam_920_925_MHz_2W
TagObservationTriggerType 3=Upon_Seeing_N_Unique_Tags_Or_Timeout
    4=Upon_Seeing_No_More_New_Unique_Tags_For_Tms_Or_Timeout
ROReportTriggerType 3=Upon_N_Seconds_Or_End_Of_AISpec 4=Upon_N_Seconds_Or_End_Of_ROSpec
    5=Upon_N_Milliseconds_Or_End_Of_AISpec 6=Upon_N_Milliseconds_Or_End_Of_ROSpec
NotificationEventType 9=SpecLoop_Event
StatusCode 112=M_UnexpectedMessage
C1G2TagInventoryStateAwareSAll 0=No 1=All
C1G2ReadResultType 4=Memory_Overrun_Error 5=Memory_Locked_Error 6=Incorrect_Password_Error
C1G2WriteResultType 7=Incorrect_Password_Error
C1G2KillResultType 6=Incorrect_Password_Error
C1G2LockResultType 5=Incorrect_Password_Error 6=Tag_Memory_Overrun_Error 7=Tag_Memory_Locked_Error
C1G2BlockEraseResultType 7=Incorrect_Password_Error
C1G2BlockWriteResultType 7=Incorrect_Password_Error
C1G2RecommissionResultType 0=Success 1=Zero_Kill_Password_Error 2=Insufficient_Power 3=Nonspecific_Tag_Error
    4=No_Response_From_Tag 5=Nonspecific_Reader_Error 6=Incorrect_Password_Error
C1G2BlockPermalockResultType 0=Success 1=Insufficient_Power 2=Nonspecific_Tag_Error 3=No_Response_From_Tag
    4=Nonspecific_Reader_Error 5=Incorrect_Password_Error 6=Tag_Memory_Overrun_Error
C1G2GetBlockPermalockStatusResultType 0=Success 1=Nonspecific_Tag_Error 2=No_Response_From_Tag
    3=Nonspecific_Reader_Error 4=Incorrect_Password_Error 5=Tag_Memory_Overrun_Error
"""
