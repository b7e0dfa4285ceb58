"""sllurp's client, unmodified, against the simulated reader."""

import asyncio
from typing import Any

import pytest

from simulators.llrp import Reader
from simulators.llrp.profiles import PROFILES

EPC = "3034257bf7194e4000001a85"
CONTENT = {
    "EnableROSpecID": True,
    "EnableSpecIndex": True,
    "EnableInventoryParameterSpecID": True,
    "EnableAntennaID": True,
    "EnableChannelIndex": True,
    "EnablePeakRSSI": True,
    "EnableFirstSeenTimestamp": True,
    "EnableLastSeenTimestamp": True,
    "EnableTagSeenCount": True,
    "EnableAccessSpecID": False,
}


async def until(true: Any, seconds: float = 5.0) -> None:
    """Wait for a condition on another thread's work."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 (the work is another thread's)
            await asyncio.sleep(0.01)


class Sllurp:
    """LLRPReaderClient with its own thread, and what it heard."""

    def __init__(self, port: int, **config: Any) -> None:
        # Imported here: sllurp is a test's oracle, and its import is slow.
        from sllurp.llrp import LLRPReaderClient, LLRPReaderConfig

        self.tags: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        settings = {"antennas": [1, 2], "report_every_n_tags": 1, "tag_content_selector": CONTENT} | config
        self.client = LLRPReaderClient("127.0.0.1", port, LLRPReaderConfig(settings))
        self.client.add_tag_report_callback(lambda _, tags: self.tags.extend(tags))
        self.client.add_event_callback(lambda _, event: self.events.append(event))

    async def __aenter__(self) -> "Sllurp":
        await asyncio.to_thread(self.client.connect)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.client.disconnect, 3)
        if self.client.is_alive():  # two threads of sllurp's use one socket without a lock
            self.client.hard_disconnect()
        await asyncio.to_thread(self.client.join, 3)
        assert not self.client.is_alive()


@pytest.fixture
def anyone() -> None:
    """The oracle must be installed: a missing oracle fails, it is not skipped."""
    import sllurp.llrp  # noqa: F401


async def test_sllurp_reads_tags_from_the_simulator(anyone: None) -> None:
    """Its handshake passes unmodified, and EPC, antenna, RSSI, channel, time and count arrive as they were seen."""
    reader = Reader("dock-1")
    port = await reader.start()
    try:
        async with Sllurp(port) as sllurp:
            await until(lambda: reader.active)
            at = 1_795_243_331_250_000
            assert reader.see(EPC, 2, rssi=-57, channel=9, at_us=at, count=3)
            await until(lambda: sllurp.tags)
            (tag,) = sllurp.tags
            assert tag["EPC"] == EPC.encode()
            assert (tag["AntennaID"], tag["PeakRSSI"], tag["ChannelIndex"], tag["TagSeenCount"]) == (2, -57, 9, 3)
            assert (tag["FirstSeenTimestampUTC"], tag["LastSeenTimestampUTC"]) == (at, at)
            assert not reader.see(EPC, 3), "antenna 3 is not in its ROSpec"
        assert (reader.requests["ADD_ROSPEC"], reader.requests["SET_READER_CONFIG"]) == (1, 1)
        await until(lambda: not reader.connected)
    finally:
        await reader.stop()


@pytest.mark.parametrize("name", PROFILES)
async def test_sllurp_reads_tags_from_every_profile(anyone: None, name: str) -> None:
    """Each make's capabilities pass through its handshake; the highest power it finds is the table's last entry."""
    reader = Reader("dock-1", profile=name)
    port = await reader.start()
    modes = [mode.identifier for mode in reader.profile.modes]
    try:
        async with Sllurp(port, antennas=[1], tx_power=0, mode_identifier=modes[-1]) as sllurp:
            await until(lambda: reader.active)
            assert sllurp.client.llrp.capabilities["GeneralDeviceCapabilities"]["ModelName"] == reader.profile.model
            assert reader.see(EPC, 1, rssi=-57)
            await until(lambda: sllurp.tags)
            assert [tag["EPC"] for tag in sllurp.tags] == [EPC.encode()]
            (spec,) = reader.rospecs.values()
            inventory = next(spec.aispecs[0].every("InventoryParameterSpec"))
            antenna = next(inventory.every("AntennaConfiguration"))
            transmitter = next(antenna.every("RFTransmitter"))
            assert transmitter.number("TransmitPower") == len(reader.profile.powers)
    finally:
        await reader.stop()


async def test_sllurps_tag_filter_is_honoured(anyone: None) -> None:
    """The C1G2Filter of its `tag_filter_mask` lets only the tags through whose EPC begins so."""
    reader = Reader("dock-1")
    port = await reader.start()
    try:
        async with Sllurp(port, tag_filter_mask=["3034"]) as sllurp:
            await until(lambda: reader.active)
            assert not reader.see("E280" + EPC[4:], 1)
            assert reader.see(EPC, 1)
            await until(lambda: sllurp.tags)
            assert [tag["EPC"] for tag in sllurp.tags] == [EPC.encode()]
    finally:
        await reader.stop()


async def test_sllurp_acknowledges_keepalives_and_hears_inputs(anyone: None) -> None:
    """The KeepaliveSpec it sets is kept, each KEEPALIVE is acknowledged, and a GPIEvent reaches its callback."""
    reader = Reader("dock-1")
    port = await reader.start()
    events = {"GPIEvent": True, "ROSpecEvent": True, "AntennaEvent": True}
    try:
        async with Sllurp(port, keepalive_interval=40, event_selector=events, gpi_ports_config={1: True}) as sllurp:
            await until(lambda: reader.active and reader.keepalive_acks >= 3)
            reader.gpi(1, True)
            reader.plug(2, False)
            await until(lambda: any("AntennaEvent" in event for event in sllurp.events))
            (gpi,) = [event["GPIEvent"] for event in sllurp.events if "GPIEvent" in event]
            assert (gpi["GPIPortNumber"], bool(gpi["GPIEvent"])) == (1, True)
    finally:
        await reader.stop()


async def test_sllurp_uses_the_impinj_extensions(anyone: None) -> None:
    """As an Impinj reader it accepts the extensions, and fine RSSI, phase and Doppler come with each read."""
    reader = Reader("dock-1", profile="impinj")
    port = await reader.start()
    content = {"EnableRFPhaseAngle": True, "EnablePeakRSSI": True, "EnableRFDopplerFrequency": True}
    content |= {"EnableSerializedTID": False, "EnableGPSCoordinates": False, "EnableOptimizedRead": False}
    try:
        async with Sllurp(port, impinj_tag_content_selector=content, impinj_search_mode=2) as sllurp:
            await until(lambda: reader.active)
            reader.see(EPC, 1, rssi=-54.25, phase=1024, doppler=3.5)
            await until(lambda: sllurp.tags)
            (tag,) = sllurp.tags
            assert (tag["ImpinjPeakRSSI"], tag["ImpinjRFPhaseAngle"]) == (-5425, 1024)
            assert tag["ImpinjRFDopplerFrequency"] == 56
    finally:
        await reader.stop()


async def test_every_message_of_a_session_decodes_in_sllurp(anyone: None) -> None:
    """Its codec decodes the simulator's capabilities and configuration to the values the simulator has."""
    from sllurp.llrp import LLRPMessage

    from simulators.llrp.wire import Message, pack

    reader = Reader("dock-1", antennas=2, manufacturer=10642, firmware="3.2")
    ask = Message("GET_READER_CAPABILITIES", {"RequestedData": 0}, id=1)
    answer = reader.answer(ask)
    assert answer
    decoded = LLRPMessage(msgbytes=pack(answer)).msgdict["GET_READER_CAPABILITIES_RESPONSE"]
    general = decoded["GeneralDeviceCapabilities"]
    assert (general["DeviceManufacturerName"], general["MaxNumberOfAntennaSupported"]) == (10642, 2)
    powers = decoded["RegulatoryCapabilities"]["UHFBandCapabilities"]["TransmitPowerLevelTableEntry"]
    assert [entry["TransmitPowerValue"] for entry in powers] == [1000 + 25 * step for step in range(81)]
