"""Custom messages and parameters of vendors as text in the manner of `tables_llrp101`; the number is the subtype.

Impinj: as llrpkit 0.3.0 (MIT) has them; sllurp 3.0.5 and Wireshark confirm those they know. Zebra (Motorola): only
those whose bytes were seen from an FX9600, which are shorter than its Interface Control Guide says; LLRPCSharp (MIT)
tells of them, sllurp confirms those it knows. What is not here, or comes with another body, stays opaque.
"""

IMPINJ, ZEBRA = 25882, 161
"""IANA enterprise numbers: manufacturer, and vendor of custom messages and parameters."""

MESSAGES = {
    IMPINJ: """
21 IMPINJ_ENABLE_EXTENSIONS -:32 | Custom*
22 IMPINJ_ENABLE_EXTENSIONS_RESPONSE | LLRPStatus Custom*
23 IMPINJ_SAVE_SETTINGS SaveConfiguration:u1 -:7 | Custom*
24 IMPINJ_SAVE_SETTINGS_RESPONSE | LLRPStatus Custom*
""",
    ZEBRA: """
2 MOTO_GET_TAG_EVENT_REPORT
4 MOTO_PURGE_TAGS_RESPONSE | LLRPStatus
5 MOTO_TAG_EVENT_NOTIFY
""",
}

PARAMETERS = {
    IMPINJ: """
21 ImpinjRequestedData RequestedData:u32=ImpinjRequestedDataType | Custom*
22 ImpinjSubRegulatoryRegion RegulatoryRegion:u16=ImpinjRegulatoryRegion | Custom*
23 ImpinjInventorySearchMode InventorySearchMode:u16=ImpinjInventorySearchType | Custom*
26 ImpinjFixedFrequencyList FixedFrequencyMode:u16=ImpinjFixedFrequencyMode -:16 ChannelList:u16v | Custom*
27 ImpinjReducedPowerFrequencyList ReducedPowerMode:u16=ImpinjMode -:16 ChannelList:u16v | Custom*
28 ImpinjLowDutyCycle LowDutyCycleMode:u16=ImpinjMode EmptyFieldTimeout:u16@ms FieldPingInterval:u16@ms | Custom*
29 ImpinjDetailedVersion ModelName:utf8v SerialNumber:utf8v SoftwareVersion:utf8v FirmwareVersion:utf8v
    FPGAVersion:utf8v PCBAVersion:utf8v | ImpinjHubVersions? ImpinjArrayVersion? Custom*
30 ImpinjFrequencyCapabilities FrequencyList:u32v@kHz | Custom*
36 ImpinjGPIDebounceConfiguration GPIPortNum:u16 GPIDebounceTimerMSec:u32@ms | Custom*
37 ImpinjReaderTemperature Temperature:s16@°C | Custom*
38 ImpinjLinkMonitorConfiguration LinkMonitorMode:u16=ImpinjMode LinkDownThreshold:u16 | Custom*
39 ImpinjReportBufferConfiguration ReportBufferMode:u16=ImpinjReportBufferMode | Custom*
40 ImpinjAccessSpecConfiguration | ImpinjBlockWriteWordCount? ImpinjOpSpecRetryCount? ImpinjAccessSpecOrdering? Custom*
41 ImpinjBlockWriteWordCount WordCount:u16 | Custom*
50 ImpinjTagReportContentSelector | ImpinjEnableSerializedTID? ImpinjEnableRFPhaseAngle? ImpinjEnablePeakRSSI?
    ImpinjEnableGPSCoordinates? ImpinjEnableOptimizedRead? ImpinjEnableRFDopplerFrequency? Custom*
51 ImpinjEnableSerializedTID SerializedTIDMode:u16=ImpinjMode | Custom*
52 ImpinjEnableRFPhaseAngle RFPhaseAngleMode:u16=ImpinjMode | Custom*
53 ImpinjEnablePeakRSSI PeakRSSIMode:u16=ImpinjMode | Custom*
54 ImpinjEnableGPSCoordinates GPSCoordinatesMode:u16=ImpinjMode | Custom*
55 ImpinjSerializedTID TID:u16v | Custom*
56 ImpinjRFPhaseAngle PhaseAngle:u16@turn/4096 | Custom*
57 ImpinjPeakRSSI RSSI:s16@cdBm | Custom*
58 ImpinjGPSCoordinates Latitude:s32 Longitude:s32 | Custom*
63 ImpinjOpSpecRetryCount RetryCount:u16 | Custom*
64 ImpinjAdvancedGPOConfiguration GPOPortNum:u16 GPOMode:u16=ImpinjAdvancedGPOMode GPOPulseDurationMSec:u32@ms | Custom*
65 ImpinjEnableOptimizedRead OptimizedReadMode:u16=ImpinjMode | C1G2Read* Custom*
66 ImpinjAccessSpecOrdering OrderingMode:u16=ImpinjAccessSpecOrderingMode | Custom*
67 ImpinjEnableRFDopplerFrequency RFDopplerFrequencyMode:u16=ImpinjMode | Custom*
68 ImpinjRFDopplerFrequency DopplerFrequency:s16@Hz/16 | Custom*
1520 ImpinjArrayVersion SerialNumber:utf8v FirmwareVersion:utf8v PCBAVersion:utf8v | Custom*
1537 ImpinjHubVersions | ImpinjArrayVersion+ Custom*
1538 ImpinjHubConfiguration HubID:u16 Connected:u16=ImpinjHubConnectedType Fault:u16=ImpinjHubFaultType | Custom*
""",
    ZEBRA: """
1 MotoGeneralCapabilities Version:u32 CanGetGeneralParams:u1 CanReportPartNumber:u1 CanReportRadioVersion:u1
    CanSupportRadioPowerState:u1 CanSupportRadioTransmitDelay:u1 CanSupportZebraTrigger:u1 -:2
100 MotoAutonomousCapabilities Version:u32 CanSupportAutonomousMode:u1 -:7
101 MotoAutonomousState AutonomousModeState:u1 -:7
110 MotoAdvancedCapabilities Version:u32 CanReportPhase:u1 CanSupportZone:u1 CanSupportAntennaRFConfig:u1
    CanSupportPeriodicTagReports:u1 CanSupportSledBatteryStatus:u1 CanSupportLogicalAntenna:u1 CanReportGPS:u1 -:1
120 MotoTagEventsGenerationCapabilities Version:u32 CanSelectTagEvents:u1 CanSelectTagReportingFormat:u1
    CanSelectMovingEvent:u1 -:5
121 MotoTagEventSelector ReportNewTagEvent:u8=MotoTagEventReport NewTagEventModeratedTimeout:u16
    ReportTagInvisibleEvent:u8=MotoTagEventReport TagInvisibleEventModeratedTimeout:u16
    ReportTagVisibilityChangeEvent:u8=MotoTagEventReport TagVisibilityChangeEventModeratedTimeout:u16
122 MotoTagReportMode ReportFormat:u8=MotoTagReportFormat
200 MotoFilterCapabilities Version:u32 CanFilterTagsBasedOnRSSI:u1 CanFilterTagsBasedOnTimeOfDay:u1
    CanFilterTagsBasedOnUTCTimeStamp:u1 -:5
300 MotoPersistenceCapabilities Version:u32 CanSaveConfiguration:u1 CanSaveTags:u1 CanSaveEvents:u1 -:5
350 MotoPersistenceSaveParams SaveConfiguration:u1 SaveTagData:u1 SaveTagEventData:u1 -:5
400 MotoC1G2LLRPCapabilities Version:u32 CanSupportBlockPermalock:u1 CanSupportRecommissioning:u1 CanWriteUMI:u1
    CanSupportNXPCustomCommands:u1 CanSupportFujitsuCustomCommands:u1 CanSupportG2V2Commands:u1 -:2
466 MotoCustomCommandOptions EnableNXPSetAndResetQuietCommands:u1 -:31
500 MotoRadioPowerState RadioPowerState:u1 -:7
704 MotoAntennaStopCondition AntennaStopTrigger:u8 AntennaStopConditionValue:u16
708 MotoTagReportContentSelector EnableZoneID:u1 EnableZoneName:u1 EnableAntennaPhysicalPortConfig:u1
    EnablePhase:u1 EnableGPS:u1 EnableMLTReport:u1 -:26
709 MotoTagPhase Phase:s16
710 MotoAntennaQueryConfig EnableSLAll:u1 EnableABFlip:u1 -:14
""",
}

ENUMERATIONS = """
ImpinjMode 0=Disabled 1=Enabled
ImpinjRequestedDataType 1000=All_Capabilities 1001=Impinj_Detailed_Version 1002=Impinj_Frequency_Capabilities
    1003=Impinj_Array_Capabilities 2000=All_Configuration 2001=Impinj_Sub_Regulatory_Region
    2003=Impinj_GPI_Debounce_Configuration 2004=Impinj_Reader_Temperature 2005=Impinj_Link_Monitor_Configuration
    2006=Impinj_Report_Buffer_Configuration 2007=Impinj_Access_Spec_Configuration 2008=Impinj_GPS_NMEA_Sentences
    2009=Impinj_Advanced_GPO_Configuration 2010=Impinj_Tilt_Configuration 2011=Impinj_Beacon_Configuration
    2012=Impinj_Antenna_Configuration 2013=Impinj_Location_Configuration 2014=Impinj_Transition_Configuration
ImpinjRegulatoryRegion 0=FCC_Part_15_247 1=ETSI_EN_300_220 2=ETSI_EN_302_208_With_LBT 3=Hong_Kong_920_925_MHz
    4=Taiwan_922_928_MHz 7=ETSI_EN_302_208_v1_2_1 8=Korea_917_921_MHz 9=Malaysia_919_923_MHz 10=China_920_925_MHz
    12=South_Africa_915_919_MHz 13=Brazil_902_907_and_915_928_MHz 14=Thailand_920_925_MHz 15=Singapore_920_925_MHz
    16=Australia_920_926_MHz 17=India_865_867_MHz 18=Uruguay_916_928_MHz 20=Israel_915_917_MHz
    21=Philippines_918_920_MHz 24=New_Zealand_921p5_928_MHz 25=Japan_916_921_MHz_Without_LBT
    26=Latin_America_902_928_MHz
ImpinjInventorySearchType 0=Reader_Selected 1=Single_Target 2=Dual_Target 3=Single_Target_With_Suppression
ImpinjFixedFrequencyMode 0=Disabled 1=Auto_Select 2=Channel_List
ImpinjReportBufferMode 0=Normal 1=Low_Latency
ImpinjAccessSpecOrderingMode 0=FIFO 1=Ascending
ImpinjAdvancedGPOMode 0=Normal 1=Pulsed 2=Reader_Operational_Status 3=LLRP_Connection_Status
MotoTagEventReport 0=Never 1=Immediate 2=Moderated
MotoTagReportFormat 0=No_Reporting 1=Report_Notifications 2=Report_Events
ImpinjHubConnectedType 0=Unknown 1=Disconnected 2=Connected
ImpinjHubFaultType 0=No_Fault 1=RF_Power 2=RF_Power_On_Hub_1 3=RF_Power_On_Hub_2 4=RF_Power_On_Hub_3
    5=RF_Power_On_Hub_4 6=No_Init 7=Serial_Overflow 8=Disconnected
"""
