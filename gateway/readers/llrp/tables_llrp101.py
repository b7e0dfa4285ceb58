"""LLRP 1.0.1 (EPCglobal, 2007) as text: every message, parameter, choice and enumeration; `tables` reads it at import.

A definition is `number name field… | child…`; a line that is indented continues the one before.

- field: `name:kind`, with `=Enumeration` where its values have names and `@unit` where it has one; `-:n` is n reserved
  bits
- kind: u1 u2 u8 u16 u32 u64 u96 s8 s16 s32; u1v u8v u16v u32v utf8v (a count, then so many); rest (to the end)
- unit: µs ms ns, dBm dB, cdBm cdBi (hundredths), kHz, bit/s, bit and word (positions), …
- child: exactly one, `?` at most one, `*` any number, `+` at least one; `<Choice>` is one of that choice's parameters
"""

MESSAGES = """
1 GET_READER_CAPABILITIES RequestedData:u8=GetReaderCapabilitiesRequestedData | Custom*
2 GET_READER_CONFIG AntennaID:u16 RequestedData:u8=GetReaderConfigRequestedData GPIPortNum:u16 GPOPortNum:u16 |
    Custom*
3 SET_READER_CONFIG ResetToFactoryDefault:u1 -:7 | ReaderEventNotificationSpec? AntennaProperties*
    AntennaConfiguration* ROReportSpec? AccessReportSpec? KeepaliveSpec? GPOWriteData* GPIPortCurrentState*
    EventsAndReports? Custom*
4 CLOSE_CONNECTION_RESPONSE | LLRPStatus
11 GET_READER_CAPABILITIES_RESPONSE | LLRPStatus GeneralDeviceCapabilities? LLRPCapabilities?
    RegulatoryCapabilities? <AirProtocolLLRPCapabilities>? Custom*
12 GET_READER_CONFIG_RESPONSE | LLRPStatus Identification? AntennaProperties* AntennaConfiguration*
    ReaderEventNotificationSpec? ROReportSpec? AccessReportSpec? LLRPConfigurationStateValue? KeepaliveSpec?
    GPIPortCurrentState* GPOWriteData* EventsAndReports? Custom*
13 SET_READER_CONFIG_RESPONSE | LLRPStatus
14 CLOSE_CONNECTION
20 ADD_ROSPEC | ROSpec
21 DELETE_ROSPEC ROSpecID:u32
22 START_ROSPEC ROSpecID:u32
23 STOP_ROSPEC ROSpecID:u32
24 ENABLE_ROSPEC ROSpecID:u32
25 DISABLE_ROSPEC ROSpecID:u32
26 GET_ROSPECS
30 ADD_ROSPEC_RESPONSE | LLRPStatus
31 DELETE_ROSPEC_RESPONSE | LLRPStatus
32 START_ROSPEC_RESPONSE | LLRPStatus
33 STOP_ROSPEC_RESPONSE | LLRPStatus
34 ENABLE_ROSPEC_RESPONSE | LLRPStatus
35 DISABLE_ROSPEC_RESPONSE | LLRPStatus
36 GET_ROSPECS_RESPONSE | LLRPStatus ROSpec*
40 ADD_ACCESSSPEC | AccessSpec
41 DELETE_ACCESSSPEC AccessSpecID:u32
42 ENABLE_ACCESSSPEC AccessSpecID:u32
43 DISABLE_ACCESSSPEC AccessSpecID:u32
44 GET_ACCESSSPECS
50 ADD_ACCESSSPEC_RESPONSE | LLRPStatus
51 DELETE_ACCESSSPEC_RESPONSE | LLRPStatus
52 ENABLE_ACCESSSPEC_RESPONSE | LLRPStatus
53 DISABLE_ACCESSSPEC_RESPONSE | LLRPStatus
54 GET_ACCESSSPECS_RESPONSE | LLRPStatus AccessSpec*
60 GET_REPORT
61 RO_ACCESS_REPORT | TagReportData* RFSurveyReportData* Custom*
62 KEEPALIVE
63 READER_EVENT_NOTIFICATION | ReaderEventNotificationData
64 ENABLE_EVENTS_AND_REPORTS
72 KEEPALIVE_ACK
100 ERROR_MESSAGE | LLRPStatus
1023 CUSTOM_MESSAGE VendorIdentifier:u32 MessageSubtype:u8 Data:rest
"""

PARAMETERS = """
1 AntennaID AntennaID:u16
2 FirstSeenTimestampUTC Microseconds:u64@µs
3 FirstSeenTimestampUptime Microseconds:u64@µs
4 LastSeenTimestampUTC Microseconds:u64@µs
5 LastSeenTimestampUptime Microseconds:u64@µs
6 PeakRSSI PeakRSSI:s8@dBm
7 ChannelIndex ChannelIndex:u16
8 TagSeenCount TagCount:u16
9 ROSpecID ROSpecID:u32
10 InventoryParameterSpecID InventoryParameterSpecID:u16
11 C1G2_CRC CRC:u16
12 C1G2_PC PC_Bits:u16
13 EPC_96 EPC:u96
14 SpecIndex SpecIndex:u16
16 AccessSpecID AccessSpecID:u32
17 OpSpecID OpSpecID:u16
18 C1G2SingulationDetails NumCollisionSlots:u16 NumEmptySlots:u16
128 UTCTimestamp Microseconds:u64@µs
129 Uptime Microseconds:u64@µs
137 GeneralDeviceCapabilities MaxNumberOfAntennaSupported:u16 CanSetAntennaProperties:u1 HasUTCClockCapability:u1 -:14
    DeviceManufacturerName:u32 ModelName:u32 ReaderFirmwareVersion:utf8v | ReceiveSensitivityTableEntry+
    PerAntennaReceiveSensitivityRange* GPIOCapabilities PerAntennaAirProtocol+
139 ReceiveSensitivityTableEntry Index:u16 ReceiveSensitivityValue:s16@dB
140 PerAntennaAirProtocol AntennaID:u16 ProtocolID:u8v=AirProtocols
141 GPIOCapabilities NumGPIs:u16 NumGPOs:u16
142 LLRPCapabilities CanDoRFSurvey:u1 CanReportBufferFillWarning:u1 SupportsClientRequestOpSpec:u1
    CanDoTagInventoryStateAwareSingulation:u1 SupportsEventAndReportHolding:u1 -:3 MaxNumPriorityLevelsSupported:u8
    ClientRequestOpSpecTimeout:u16@ms MaxNumROSpecs:u32 MaxNumSpecsPerROSpec:u32
    MaxNumInventoryParameterSpecsPerAISpec:u32 MaxNumAccessSpecs:u32 MaxNumOpSpecsPerAccessSpec:u32
143 RegulatoryCapabilities CountryCode:u16 CommunicationsStandard:u16=CommunicationsStandard | UHFBandCapabilities?
    Custom*
144 UHFBandCapabilities | TransmitPowerLevelTableEntry+ FrequencyInformation <AirProtocolUHFRFModeTable>+
145 TransmitPowerLevelTableEntry Index:u16 TransmitPowerValue:s16@cdBm
146 FrequencyInformation Hopping:u1 -:7 | FrequencyHopTable* FixedFrequencyTable?
147 FrequencyHopTable HopTableID:u8 -:8 Frequency:u32v@kHz
148 FixedFrequencyTable Frequency:u32v@kHz
149 PerAntennaReceiveSensitivityRange AntennaID:u16 ReceiveSensitivityIndexMin:u16 ReceiveSensitivityIndexMax:u16
177 ROSpec ROSpecID:u32 Priority:u8 CurrentState:u8=ROSpecState | ROBoundarySpec <SpecParameter>+ ROReportSpec?
178 ROBoundarySpec | ROSpecStartTrigger ROSpecStopTrigger
179 ROSpecStartTrigger ROSpecStartTriggerType:u8=ROSpecStartTriggerType | PeriodicTriggerValue? GPITriggerValue?
180 PeriodicTriggerValue Offset:u32@ms Period:u32@ms | UTCTimestamp?
181 GPITriggerValue GPIPortNum:u16 GPIEvent:u1 -:7 Timeout:u32@ms
182 ROSpecStopTrigger ROSpecStopTriggerType:u8=ROSpecStopTriggerType DurationTriggerValue:u32@ms | GPITriggerValue?
183 AISpec AntennaIDs:u16v | AISpecStopTrigger InventoryParameterSpec+ Custom*
184 AISpecStopTrigger AISpecStopTriggerType:u8=AISpecStopTriggerType DurationTrigger:u32@ms | GPITriggerValue?
    TagObservationTrigger?
185 TagObservationTrigger TriggerType:u8=TagObservationTriggerType -:8 NumberOfTags:u16 NumberOfAttempts:u16 T:u16@ms
    Timeout:u32@ms
186 InventoryParameterSpec InventoryParameterSpecID:u16 ProtocolID:u8=AirProtocols | AntennaConfiguration* Custom*
187 RFSurveySpec AntennaID:u16 StartFrequency:u32@kHz EndFrequency:u32@kHz | RFSurveySpecStopTrigger Custom*
188 RFSurveySpecStopTrigger StopTriggerType:u8=RFSurveySpecStopTriggerType DurationPeriod:u32@ms N:u32
207 AccessSpec AccessSpecID:u32 AntennaID:u16 ProtocolID:u8=AirProtocols CurrentState:u1=AccessSpecState -:7
    ROSpecID:u32 | AccessSpecStopTrigger AccessCommand AccessReportSpec? Custom*
208 AccessSpecStopTrigger AccessSpecStopTrigger:u8=AccessSpecStopTriggerType OperationCountValue:u16
209 AccessCommand | <AirProtocolTagSpec> <AccessCommandOpSpec>+ Custom*
217 LLRPConfigurationStateValue LLRPConfigurationStateValue:u32
218 Identification IDType:u8=IdentificationType ReaderID:u8v
219 GPOWriteData GPOPortNumber:u16 GPOData:u1 -:7
220 KeepaliveSpec KeepaliveTriggerType:u8=KeepaliveTriggerType PeriodicTriggerValue:u32@ms
221 AntennaProperties AntennaConnected:u1 -:7 AntennaID:u16 AntennaGain:s16@cdBi
222 AntennaConfiguration AntennaID:u16 | RFReceiver? RFTransmitter? <AirProtocolInventoryCommandSettings>*
223 RFReceiver ReceiverSensitivity:u16
224 RFTransmitter HopTableID:u16 ChannelIndex:u16 TransmitPower:u16
225 GPIPortCurrentState GPIPortNum:u16 Config:u1 -:7 State:u8=GPIPortState
226 EventsAndReports HoldEventsAndReportsUponReconnect:u1 -:7
237 ROReportSpec ROReportTrigger:u8=ROReportTriggerType N:u16 | TagReportContentSelector Custom*
238 TagReportContentSelector EnableROSpecID:u1 EnableSpecIndex:u1 EnableInventoryParameterSpecID:u1 EnableAntennaID:u1
    EnableChannelIndex:u1 EnablePeakRSSI:u1 EnableFirstSeenTimestamp:u1 EnableLastSeenTimestamp:u1
    EnableTagSeenCount:u1 EnableAccessSpecID:u1 -:6 | <AirProtocolEPCMemorySelector>*
239 AccessReportSpec AccessReportTrigger:u8=AccessReportTriggerType
240 TagReportData | <EPCParameter> ROSpecID? SpecIndex? InventoryParameterSpecID? AntennaID? PeakRSSI? ChannelIndex?
    FirstSeenTimestampUTC? FirstSeenTimestampUptime? LastSeenTimestampUTC? LastSeenTimestampUptime? TagSeenCount?
    <AirProtocolTagData>* AccessSpecID? <AccessCommandOpSpecResult>* Custom*
241 EPCData EPC:u1v
242 RFSurveyReportData | ROSpecID? SpecIndex? FrequencyRSSILevelEntry+ Custom*
243 FrequencyRSSILevelEntry Frequency:u32@kHz Bandwidth:u32@kHz AverageRSSI:s8@dBm PeakRSSI:s8@dBm | <Timestamp>
244 ReaderEventNotificationSpec | EventNotificationState+
245 EventNotificationState EventType:u16=NotificationEventType NotificationState:u1 -:7
246 ReaderEventNotificationData | <Timestamp> HoppingEvent? GPIEvent? ROSpecEvent? ReportBufferLevelWarningEvent?
    ReportBufferOverflowErrorEvent? ReaderExceptionEvent? RFSurveyEvent? AISpecEvent? AntennaEvent?
    ConnectionAttemptEvent? ConnectionCloseEvent? Custom*
247 HoppingEvent HopTableID:u16 NextChannelIndex:u16
248 GPIEvent GPIPortNumber:u16 GPIEvent:u1 -:7
249 ROSpecEvent EventType:u8=ROSpecEventType ROSpecID:u32 PreemptingROSpecID:u32
250 ReportBufferLevelWarningEvent ReportBufferPercentageFull:u8@%
251 ReportBufferOverflowErrorEvent
252 ReaderExceptionEvent Message:utf8v | ROSpecID? SpecIndex? InventoryParameterSpecID? AntennaID? AccessSpecID?
    OpSpecID? Custom*
253 RFSurveyEvent EventType:u8=RFSurveyEventType ROSpecID:u32 SpecIndex:u16
254 AISpecEvent EventType:u8=AISpecEventType ROSpecID:u32 SpecIndex:u16 | <AirProtocolSingulationDetails>?
255 AntennaEvent EventType:u8=AntennaEventType AntennaID:u16
256 ConnectionAttemptEvent Status:u16=ConnectionAttemptStatusType
257 ConnectionCloseEvent
287 LLRPStatus StatusCode:u16=StatusCode ErrorDescription:utf8v | FieldError? ParameterError?
288 FieldError FieldNum:u16 ErrorCode:u16=StatusCode
289 ParameterError ParameterType:u16 ErrorCode:u16=StatusCode | FieldError? ParameterError?
327 C1G2LLRPCapabilities CanSupportBlockErase:u1 CanSupportBlockWrite:u1 -:6 MaxNumSelectFiltersPerQuery:u16
328 C1G2UHFRFModeTable | C1G2UHFRFModeTableEntry+
329 C1G2UHFRFModeTableEntry ModeIdentifier:u32 DRValue:u1=C1G2DRValue EPCHAGTCConformance:u1 -:6 MValue:u8=C1G2MValue
    ForwardLinkModulation:u8=C1G2ForwardLinkModulation SpectralMaskIndicator:u8=C1G2SpectralMaskIndicator
    BDRValue:u32@bit/s PIEValue:u32@1/1000 MinTariValue:u32@ns MaxTariValue:u32@ns StepTariValue:u32@ns
330 C1G2InventoryCommand TagInventoryStateAware:u1 -:7 | C1G2Filter* C1G2RFControl? C1G2SingulationControl? Custom*
331 C1G2Filter T:u2=C1G2TruncateAction -:6 | C1G2TagInventoryMask C1G2TagInventoryStateAwareFilterAction?
    C1G2TagInventoryStateUnawareFilterAction?
332 C1G2TagInventoryMask MB:u2 -:6 Pointer:u16@bit TagMask:u1v
333 C1G2TagInventoryStateAwareFilterAction Target:u8=C1G2StateAwareTarget Action:u8=C1G2StateAwareAction
334 C1G2TagInventoryStateUnawareFilterAction Action:u8=C1G2StateUnawareAction
335 C1G2RFControl ModeIndex:u16 Tari:u16@ns
336 C1G2SingulationControl Session:u2 -:6 TagPopulation:u16 TagTransitTime:u32@ms |
    C1G2TagInventoryStateAwareSingulationAction?
337 C1G2TagInventoryStateAwareSingulationAction I:u1=C1G2TagInventoryStateAwareI S:u1=C1G2TagInventoryStateAwareS -:6
338 C1G2TagSpec | C1G2TargetTag+
339 C1G2TargetTag MB:u2 Match:u1 -:5 Pointer:u16@bit TagMask:u1v TagData:u1v
341 C1G2Read OpSpecID:u16 AccessPassword:u32 MB:u2 -:6 WordPointer:u16@word WordCount:u16@word
342 C1G2Write OpSpecID:u16 AccessPassword:u32 MB:u2 -:6 WordPointer:u16@word WriteData:u16v
343 C1G2Kill OpSpecID:u16 KillPassword:u32
344 C1G2Lock OpSpecID:u16 AccessPassword:u32 | C1G2LockPayload+
345 C1G2LockPayload Privilege:u8=C1G2LockPrivilege DataField:u8=C1G2LockDataField
346 C1G2BlockErase OpSpecID:u16 AccessPassword:u32 MB:u2 -:6 WordPointer:u16@word WordCount:u16@word
347 C1G2BlockWrite OpSpecID:u16 AccessPassword:u32 MB:u2 -:6 WordPointer:u16@word WriteData:u16v
348 C1G2EPCMemorySelector EnableCRC:u1 EnablePCBits:u1 -:6
349 C1G2ReadOpSpecResult Result:u8=C1G2ReadResultType OpSpecID:u16 ReadData:u16v
350 C1G2WriteOpSpecResult Result:u8=C1G2WriteResultType OpSpecID:u16 NumWordsWritten:u16
351 C1G2KillOpSpecResult Result:u8=C1G2KillResultType OpSpecID:u16
352 C1G2LockOpSpecResult Result:u8=C1G2LockResultType OpSpecID:u16
353 C1G2BlockEraseOpSpecResult Result:u8=C1G2BlockEraseResultType OpSpecID:u16
354 C1G2BlockWriteOpSpecResult Result:u8=C1G2BlockWriteResultType OpSpecID:u16 NumWordsWritten:u16
1023 Custom VendorIdentifier:u32 ParameterSubtype:u32 Data:rest
"""

CHOICES = """
SpecParameter AISpec RFSurveySpec Custom
AccessCommandOpSpec C1G2Read C1G2Write C1G2Kill C1G2Lock C1G2BlockErase C1G2BlockWrite Custom
AccessCommandOpSpecResult C1G2ReadOpSpecResult C1G2WriteOpSpecResult C1G2KillOpSpecResult C1G2LockOpSpecResult
    C1G2BlockEraseOpSpecResult C1G2BlockWriteOpSpecResult Custom
EPCParameter EPCData EPC_96
Timestamp UTCTimestamp Uptime
AirProtocolLLRPCapabilities C1G2LLRPCapabilities
AirProtocolUHFRFModeTable C1G2UHFRFModeTable
AirProtocolInventoryCommandSettings C1G2InventoryCommand
AirProtocolTagSpec C1G2TagSpec
AirProtocolEPCMemorySelector C1G2EPCMemorySelector
AirProtocolTagData C1G2_PC C1G2_CRC
AirProtocolSingulationDetails C1G2SingulationDetails
"""

ENUMERATIONS = """
AirProtocols 0=Unspecified 1=EPCGlobalClass1Gen2
GetReaderCapabilitiesRequestedData 0=All 1=General_Device_Capabilities 2=LLRP_Capabilities
    3=Regulatory_Capabilities 4=LLRP_Air_Protocol_Capabilities
CommunicationsStandard 0=Unspecified 1=US_FCC_Part_15 2=ETSI_302_208 3=ETSI_300_220 4=Australia_LIPD_1W
    5=Australia_LIPD_4W 6=Japan_ARIB_STD_T89 7=Hong_Kong_OFTA_1049 8=Taiwan_DGT_LP0002 9=Korea_MIC_Article_5_2
ROSpecState 0=Disabled 1=Inactive 2=Active
ROSpecStartTriggerType 0=Null 1=Immediate 2=Periodic 3=GPI
ROSpecStopTriggerType 0=Null 1=Duration 2=GPI_With_Timeout
AISpecStopTriggerType 0=Null 1=Duration 2=GPI_With_Timeout 3=Tag_Observation
TagObservationTriggerType 0=Upon_Seeing_N_Tags_Or_Timeout 1=Upon_Seeing_No_More_New_Tags_For_Tms_Or_Timeout
    2=N_Attempts_To_See_All_Tags_In_FOV_Or_Timeout
RFSurveySpecStopTriggerType 0=Null 1=Duration 2=N_Iterations_Through_Frequency_Range
AccessSpecState 0=Disabled 1=Active
AccessSpecStopTriggerType 0=Null 1=Operation_Count
GetReaderConfigRequestedData 0=All 1=Identification 2=AntennaProperties 3=AntennaConfiguration 4=ROReportSpec
    5=ReaderEventNotificationSpec 6=AccessReportSpec 7=LLRPConfigurationStateValue 8=KeepaliveSpec
    9=GPIPortCurrentState 10=GPOWriteData 11=EventsAndReports
IdentificationType 0=MAC_Address 1=EPC
KeepaliveTriggerType 0=Null 1=Periodic
GPIPortState 0=Low 1=High 2=Unknown
ROReportTriggerType 0=None 1=Upon_N_Tags_Or_End_Of_AISpec 2=Upon_N_Tags_Or_End_Of_ROSpec
AccessReportTriggerType 0=Whenever_ROReport_Is_Generated 1=End_Of_AccessSpec
NotificationEventType 0=Upon_Hopping_To_Next_Channel 1=GPI_Event 2=ROSpec_Event 3=Report_Buffer_Fill_Warning
    4=Reader_Exception_Event 5=RFSurvey_Event 6=AISpec_Event 7=AISpec_Event_With_Details 8=Antenna_Event
ROSpecEventType 0=Start_Of_ROSpec 1=End_Of_ROSpec 2=Preemption_Of_ROSpec
RFSurveyEventType 0=Start_Of_RFSurvey 1=End_Of_RFSurvey
AISpecEventType 0=End_Of_AISpec
AntennaEventType 0=Antenna_Disconnected 1=Antenna_Connected
ConnectionAttemptStatusType 0=Success 1=Failed_A_Reader_Initiated_Connection_Already_Exists
    2=Failed_A_Client_Initiated_Connection_Already_Exists 3=Failed_Reason_Other_Than_A_Connection_Already_Exists
    4=Another_Connection_Attempted
StatusCode 0=M_Success 100=M_ParameterError 101=M_FieldError 102=M_UnexpectedParameter 103=M_MissingParameter
    104=M_DuplicateParameter 105=M_OverflowParameter 106=M_OverflowField 107=M_UnknownParameter
    108=M_UnknownField 109=M_UnsupportedMessage 110=M_UnsupportedVersion 111=M_UnsupportedParameter
    200=P_ParameterError 201=P_FieldError 202=P_UnexpectedParameter 203=P_MissingParameter
    204=P_DuplicateParameter 205=P_OverflowParameter 206=P_OverflowField 207=P_UnknownParameter
    208=P_UnknownField 209=P_UnsupportedParameter 300=A_Invalid 301=A_OutOfRange 401=R_DeviceError
C1G2DRValue 0=DRV_8 1=DRV_64_3
C1G2MValue 0=MV_FM0 1=MV_2 2=MV_4 3=MV_8
C1G2ForwardLinkModulation 0=PR_ASK 1=SSB_ASK 2=DSB_ASK
C1G2SpectralMaskIndicator 0=Unknown 1=SI 2=MI 3=DI
C1G2TruncateAction 0=Unspecified 1=Do_Not_Truncate 2=Truncate
C1G2StateAwareTarget 0=SL 1=Inventoried_State_For_Session_S0 2=Inventoried_State_For_Session_S1
    3=Inventoried_State_For_Session_S2 4=Inventoried_State_For_Session_S3
C1G2StateAwareAction 0=AssertSLOrA_DeassertSLOrB 1=AssertSLOrA_Noop 2=Noop_DeassertSLOrB 3=NegateSLOrABBA_Noop
    4=DeassertSLOrB_AssertSLOrA 5=DeassertSLOrB_Noop 6=Noop_AssertSLOrA 7=Noop_NegateSLOrABBA
C1G2StateUnawareAction 0=Select_Unselect 1=Select_DoNothing 2=DoNothing_Unselect 3=Unselect_DoNothing
    4=Unselect_Select 5=DoNothing_Select
C1G2TagInventoryStateAwareI 0=State_A 1=State_B
C1G2TagInventoryStateAwareS 0=SL 1=Not_SL
C1G2LockPrivilege 0=Read_Write 1=Perma_Lock 2=Perma_Unlock 3=Unlock
C1G2LockDataField 0=Kill_Password 1=Access_Password 2=EPC_Memory 3=TID_Memory 4=User_Memory
C1G2ReadResultType 0=Success 1=Nonspecific_Tag_Error 2=No_Response_From_Tag 3=Nonspecific_Reader_Error
C1G2WriteResultType 0=Success 1=Tag_Memory_Overrun_Error 2=Tag_Memory_Locked_Error 3=Insufficient_Power
    4=Nonspecific_Tag_Error 5=No_Response_From_Tag 6=Nonspecific_Reader_Error
C1G2KillResultType 0=Success 1=Zero_Kill_Password_Error 2=Insufficient_Power 3=Nonspecific_Tag_Error
    4=No_Response_From_Tag 5=Nonspecific_Reader_Error
C1G2LockResultType 0=Success 1=Insufficient_Power 2=Nonspecific_Tag_Error 3=No_Response_From_Tag
    4=Nonspecific_Reader_Error
C1G2BlockEraseResultType 0=Success 1=Tag_Memory_Overrun_Error 2=Tag_Memory_Locked_Error 3=Insufficient_Power
    4=Nonspecific_Tag_Error 5=No_Response_From_Tag 6=Nonspecific_Reader_Error
C1G2BlockWriteResultType 0=Success 1=Tag_Memory_Overrun_Error 2=Tag_Memory_Locked_Error 3=Insufficient_Power
    4=Nonspecific_Tag_Error 5=No_Response_From_Tag 6=Nonspecific_Reader_Error
"""
