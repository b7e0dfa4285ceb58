"""The wire layout of LLRP 1.0.1, one line per message and parameter (GS1 EPCglobal LLRP 1.0.1, clauses 16 and 17).

A line reads `number name field:kind … | rule…`.

Kinds: `u8`/`s16` … integers, most significant bit first; `u1` one bit; `u8v`, `u16v`, `u32v` lists with a 16-bit count;
`u1v` a counted bit array; `text` counted UTF-8; `rest` the bytes that remain; `-:n` n reserved bits.
Rules say which sub-parameters may follow: `1` exactly one, `?` at most one, `*` any number, `+` at least one; `a/b` is
a choice.
Parameters 1 to 127 are TV-encoded, the others TLV.
"""

MESSAGES = """
1 GET_READER_CAPABILITIES RequestedData:u8 | *Custom
2 GET_READER_CONFIG AntennaID:u16 RequestedData:u8 GPIPortNum:u16 GPOPortNum:u16 | *Custom
3 SET_READER_CONFIG ResetToFactoryDefault:u1 -:7 | ?ReaderEventNotificationSpec *AntennaProperties
  *AntennaConfiguration ?ROReportSpec ?AccessReportSpec ?KeepaliveSpec *GPOWriteData *GPIPortCurrentState
  ?EventsAndReports *Custom
4 CLOSE_CONNECTION_RESPONSE | 1LLRPStatus
11 GET_READER_CAPABILITIES_RESPONSE | 1LLRPStatus ?GeneralDeviceCapabilities ?LLRPCapabilities
  ?RegulatoryCapabilities ?C1G2LLRPCapabilities *Custom
12 GET_READER_CONFIG_RESPONSE | 1LLRPStatus ?Identification *AntennaProperties *AntennaConfiguration
  ?ReaderEventNotificationSpec ?ROReportSpec ?AccessReportSpec ?LLRPConfigurationStateValue ?KeepaliveSpec
  *GPIPortCurrentState *GPOWriteData ?EventsAndReports *Custom
13 SET_READER_CONFIG_RESPONSE | 1LLRPStatus
14 CLOSE_CONNECTION
20 ADD_ROSPEC | 1ROSpec
21 DELETE_ROSPEC ROSpecID:u32
22 START_ROSPEC ROSpecID:u32
23 STOP_ROSPEC ROSpecID:u32
24 ENABLE_ROSPEC ROSpecID:u32
25 DISABLE_ROSPEC ROSpecID:u32
26 GET_ROSPECS
30 ADD_ROSPEC_RESPONSE | 1LLRPStatus
31 DELETE_ROSPEC_RESPONSE | 1LLRPStatus
32 START_ROSPEC_RESPONSE | 1LLRPStatus
33 STOP_ROSPEC_RESPONSE | 1LLRPStatus
34 ENABLE_ROSPEC_RESPONSE | 1LLRPStatus
35 DISABLE_ROSPEC_RESPONSE | 1LLRPStatus
36 GET_ROSPECS_RESPONSE | 1LLRPStatus *ROSpec
40 ADD_ACCESSSPEC | 1AccessSpec
41 DELETE_ACCESSSPEC AccessSpecID:u32
42 ENABLE_ACCESSSPEC AccessSpecID:u32
43 DISABLE_ACCESSSPEC AccessSpecID:u32
44 GET_ACCESSSPECS
50 ADD_ACCESSSPEC_RESPONSE | 1LLRPStatus
51 DELETE_ACCESSSPEC_RESPONSE | 1LLRPStatus
52 ENABLE_ACCESSSPEC_RESPONSE | 1LLRPStatus
53 DISABLE_ACCESSSPEC_RESPONSE | 1LLRPStatus
54 GET_ACCESSSPECS_RESPONSE | 1LLRPStatus *AccessSpec
60 GET_REPORT
61 RO_ACCESS_REPORT | *TagReportData *RFSurveyReportData *Custom
62 KEEPALIVE
63 READER_EVENT_NOTIFICATION | 1ReaderEventNotificationData
64 ENABLE_EVENTS_AND_REPORTS
72 KEEPALIVE_ACK
100 ERROR_MESSAGE | 1LLRPStatus
1023 CUSTOM_MESSAGE VendorIdentifier:u32 MessageSubtype:u8 Data:rest
"""

PARAMETERS = """
1 AntennaID AntennaID:u16
2 FirstSeenTimestampUTC Microseconds:u64
3 FirstSeenTimestampUptime Microseconds:u64
4 LastSeenTimestampUTC Microseconds:u64
5 LastSeenTimestampUptime Microseconds:u64
6 PeakRSSI PeakRSSI:s8
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
128 UTCTimestamp Microseconds:u64
129 Uptime Microseconds:u64
137 GeneralDeviceCapabilities MaxNumberOfAntennaSupported:u16 CanSetAntennaProperties:u1 HasUTCClockCapability:u1
  -:14 DeviceManufacturerName:u32 ModelName:u32 ReaderFirmwareVersion:text | +ReceiveSensitivityTableEntry
  *PerAntennaReceiveSensitivityRange 1GPIOCapabilities +PerAntennaAirProtocol
139 ReceiveSensitivityTableEntry Index:u16 ReceiveSensitivityValue:s16
140 PerAntennaAirProtocol AntennaID:u16 ProtocolID:u8v
141 GPIOCapabilities NumGPIs:u16 NumGPOs:u16
142 LLRPCapabilities CanDoRFSurvey:u1 CanReportBufferFillWarning:u1 SupportsClientRequestOpSpec:u1
  CanDoTagInventoryStateAwareSingulation:u1 SupportsEventAndReportHolding:u1 -:3 MaxNumPriorityLevelsSupported:u8
  ClientRequestOpSpecTimeout:u16 MaxNumROSpecs:u32 MaxNumSpecsPerROSpec:u32
  MaxNumInventoryParameterSpecsPerAISpec:u32 MaxNumAccessSpecs:u32 MaxNumOpSpecsPerAccessSpec:u32
143 RegulatoryCapabilities CountryCode:u16 CommunicationsStandard:u16 | ?UHFBandCapabilities *Custom
144 UHFBandCapabilities | +TransmitPowerLevelTableEntry 1FrequencyInformation +C1G2UHFRFModeTable
145 TransmitPowerLevelTableEntry Index:u16 TransmitPowerValue:s16
146 FrequencyInformation Hopping:u1 -:7 | *FrequencyHopTable ?FixedFrequencyTable
147 FrequencyHopTable HopTableID:u8 -:8 Frequency:u32v
148 FixedFrequencyTable Frequency:u32v
149 PerAntennaReceiveSensitivityRange AntennaID:u16 ReceiveSensitivityIndexMin:u16 ReceiveSensitivityIndexMax:u16
177 ROSpec ROSpecID:u32 Priority:u8 CurrentState:u8 | 1ROBoundarySpec +AISpec/RFSurveySpec/Custom ?ROReportSpec
178 ROBoundarySpec | 1ROSpecStartTrigger 1ROSpecStopTrigger
179 ROSpecStartTrigger ROSpecStartTriggerType:u8 | ?PeriodicTriggerValue ?GPITriggerValue
180 PeriodicTriggerValue Offset:u32 Period:u32 | ?UTCTimestamp
181 GPITriggerValue GPIPortNum:u16 GPIEvent:u1 -:7 Timeout:u32
182 ROSpecStopTrigger ROSpecStopTriggerType:u8 DurationTriggerValue:u32 | ?GPITriggerValue
183 AISpec AntennaIDs:u16v | 1AISpecStopTrigger +InventoryParameterSpec *Custom
184 AISpecStopTrigger AISpecStopTriggerType:u8 DurationTrigger:u32 | ?GPITriggerValue ?TagObservationTrigger
185 TagObservationTrigger TriggerType:u8 -:8 NumberOfTags:u16 NumberOfAttempts:u16 T:u16 Timeout:u32
186 InventoryParameterSpec InventoryParameterSpecID:u16 ProtocolID:u8 | *AntennaConfiguration *Custom
187 RFSurveySpec AntennaID:u16 StartFrequency:u32 EndFrequency:u32 | 1RFSurveySpecStopTrigger *Custom
188 RFSurveySpecStopTrigger StopTriggerType:u8 DurationPeriod:u32 N:u32
207 AccessSpec AccessSpecID:u32 AntennaID:u16 ProtocolID:u8 CurrentState:u1 -:7 ROSpecID:u32 |
  1AccessSpecStopTrigger 1AccessCommand ?AccessReportSpec *Custom
208 AccessSpecStopTrigger AccessSpecStopTrigger:u8 OperationCountValue:u16
209 AccessCommand | 1C1G2TagSpec +C1G2Read/C1G2Write/C1G2Kill/C1G2Lock/C1G2BlockErase/C1G2BlockWrite/Custom *Custom
217 LLRPConfigurationStateValue LLRPConfigurationStateValue:u32
218 Identification IDType:u8 ReaderID:u8v
219 GPOWriteData GPOPortNumber:u16 GPOData:u1 -:7
220 KeepaliveSpec KeepaliveTriggerType:u8 PeriodicTriggerValue:u32
221 AntennaProperties AntennaConnected:u1 -:7 AntennaID:u16 AntennaGain:s16
222 AntennaConfiguration AntennaID:u16 | ?RFReceiver ?RFTransmitter *C1G2InventoryCommand
223 RFReceiver ReceiverSensitivity:u16
224 RFTransmitter HopTableID:u16 ChannelIndex:u16 TransmitPower:u16
225 GPIPortCurrentState GPIPortNum:u16 Config:u1 -:7 State:u8
226 EventsAndReports HoldEventsAndReportsUponReconnect:u1 -:7
237 ROReportSpec ROReportTrigger:u8 N:u16 | 1TagReportContentSelector *Custom
238 TagReportContentSelector EnableROSpecID:u1 EnableSpecIndex:u1 EnableInventoryParameterSpecID:u1
  EnableAntennaID:u1 EnableChannelIndex:u1 EnablePeakRSSI:u1 EnableFirstSeenTimestamp:u1 EnableLastSeenTimestamp:u1
  EnableTagSeenCount:u1 EnableAccessSpecID:u1 -:6 | *C1G2EPCMemorySelector
239 AccessReportSpec AccessReportTrigger:u8
240 TagReportData | 1EPCData/EPC_96 ?ROSpecID ?SpecIndex ?InventoryParameterSpecID ?AntennaID ?PeakRSSI
  ?ChannelIndex ?FirstSeenTimestampUTC ?FirstSeenTimestampUptime ?LastSeenTimestampUTC ?LastSeenTimestampUptime
  ?TagSeenCount *C1G2_PC/C1G2_CRC ?AccessSpecID
  *C1G2ReadOpSpecResult/C1G2WriteOpSpecResult/C1G2KillOpSpecResult/C1G2LockOpSpecResult/C1G2BlockEraseOpSpecResult/C1G2BlockWriteOpSpecResult/Custom
  *Custom
241 EPCData EPC:u1v
242 RFSurveyReportData | ?ROSpecID ?SpecIndex +FrequencyRSSILevelEntry *Custom
243 FrequencyRSSILevelEntry Frequency:u32 Bandwidth:u32 AverageRSSI:s8 PeakRSSI:s8 | 1UTCTimestamp/Uptime
244 ReaderEventNotificationSpec | +EventNotificationState
245 EventNotificationState EventType:u16 NotificationState:u1 -:7
246 ReaderEventNotificationData | 1UTCTimestamp/Uptime ?HoppingEvent ?GPIEvent ?ROSpecEvent
  ?ReportBufferLevelWarningEvent ?ReportBufferOverflowErrorEvent ?ReaderExceptionEvent ?RFSurveyEvent ?AISpecEvent
  ?AntennaEvent ?ConnectionAttemptEvent ?ConnectionCloseEvent *Custom
247 HoppingEvent HopTableID:u16 NextChannelIndex:u16
248 GPIEvent GPIPortNumber:u16 GPIEvent:u1 -:7
249 ROSpecEvent EventType:u8 ROSpecID:u32 PreemptingROSpecID:u32
250 ReportBufferLevelWarningEvent ReportBufferPercentageFull:u8
251 ReportBufferOverflowErrorEvent
252 ReaderExceptionEvent Message:text | ?ROSpecID ?SpecIndex ?InventoryParameterSpecID ?AntennaID ?AccessSpecID
  ?OpSpecID *Custom
253 RFSurveyEvent EventType:u8 ROSpecID:u32 SpecIndex:u16
254 AISpecEvent EventType:u8 ROSpecID:u32 SpecIndex:u16 | ?C1G2SingulationDetails
255 AntennaEvent EventType:u8 AntennaID:u16
256 ConnectionAttemptEvent Status:u16
257 ConnectionCloseEvent
287 LLRPStatus StatusCode:u16 ErrorDescription:text | ?FieldError ?ParameterError
288 FieldError FieldNum:u16 ErrorCode:u16
289 ParameterError ParameterType:u16 ErrorCode:u16 | ?FieldError ?ParameterError
327 C1G2LLRPCapabilities CanSupportBlockErase:u1 CanSupportBlockWrite:u1 -:6 MaxNumSelectFiltersPerQuery:u16
328 C1G2UHFRFModeTable | +C1G2UHFRFModeTableEntry
329 C1G2UHFRFModeTableEntry ModeIdentifier:u32 DRValue:u1 EPCHAGTCConformance:u1 -:6 MValue:u8
  ForwardLinkModulation:u8 SpectralMaskIndicator:u8 BDRValue:u32 PIEValue:u32 MinTariValue:u32 MaxTariValue:u32
  StepTariValue:u32
330 C1G2InventoryCommand TagInventoryStateAware:u1 -:7 | *C1G2Filter ?C1G2RFControl ?C1G2SingulationControl *Custom
331 C1G2Filter T:u2 -:6 | 1C1G2TagInventoryMask ?C1G2TagInventoryStateAwareFilterAction
  ?C1G2TagInventoryStateUnawareFilterAction
332 C1G2TagInventoryMask MB:u2 -:6 Pointer:u16 TagMask:u1v
333 C1G2TagInventoryStateAwareFilterAction Target:u8 Action:u8
334 C1G2TagInventoryStateUnawareFilterAction Action:u8
335 C1G2RFControl ModeIndex:u16 Tari:u16
336 C1G2SingulationControl Session:u2 -:6 TagPopulation:u16 TagTransitTime:u32 |
  ?C1G2TagInventoryStateAwareSingulationAction
337 C1G2TagInventoryStateAwareSingulationAction I:u1 S:u1 -:6
338 C1G2TagSpec | +C1G2TargetTag
339 C1G2TargetTag MB:u2 Match:u1 -:5 Pointer:u16 TagMask:u1v TagData:u1v
341 C1G2Read OpSpecID:u16 AccessPassword:u32 MB:u2 -:6 WordPointer:u16 WordCount:u16
342 C1G2Write OpSpecID:u16 AccessPassword:u32 MB:u2 -:6 WordPointer:u16 WriteData:u16v
343 C1G2Kill OpSpecID:u16 KillPassword:u32
344 C1G2Lock OpSpecID:u16 AccessPassword:u32 | +C1G2LockPayload
345 C1G2LockPayload Privilege:u8 DataField:u8
346 C1G2BlockErase OpSpecID:u16 AccessPassword:u32 MB:u2 -:6 WordPointer:u16 WordCount:u16
347 C1G2BlockWrite OpSpecID:u16 AccessPassword:u32 MB:u2 -:6 WordPointer:u16 WriteData:u16v
348 C1G2EPCMemorySelector EnableCRC:u1 EnablePCBits:u1 -:6
349 C1G2ReadOpSpecResult Result:u8 OpSpecID:u16 ReadData:u16v
350 C1G2WriteOpSpecResult Result:u8 OpSpecID:u16 NumWordsWritten:u16
351 C1G2KillOpSpecResult Result:u8 OpSpecID:u16
352 C1G2LockOpSpecResult Result:u8 OpSpecID:u16
353 C1G2BlockEraseOpSpecResult Result:u8 OpSpecID:u16
354 C1G2BlockWriteOpSpecResult Result:u8 OpSpecID:u16 NumWordsWritten:u16
1023 Custom VendorIdentifier:u32 ParameterSubtype:u32 Data:rest
"""
