"""llrpkit's client, unmodified, against the simulated reader."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from llrpkit import Reader as Client

from simulators.llrp import Reader
from simulators.llrp.profiles import PROFILES

EPC = "3034257bf7194e4000001a85"


@pytest_asyncio.fixture
async def reader() -> AsyncIterator[Reader]:
    """A reader of no particular make."""
    reader = Reader("dock-1")
    yield reader
    await reader.stop()


async def active(reader: Reader) -> None:
    """Until a ROSpec is active."""
    async with asyncio.timeout(5):
        while not reader.active:  # noqa: ASYNC110 (the reader is not asked to tell)
            await asyncio.sleep(0.005)


async def test_llrpkit_reads_tags_from_the_simulator(reader: Reader) -> None:
    """Handshake, capabilities, ROSpec life and reports: EPC, antenna, RSSI, channel, times and count are right."""
    port = await reader.start()
    at = 1_795_243_331_250_000
    async with Client("127.0.0.1", port) as client:
        assert client.max_antennas == 4
        assert client.firmware == "sim-1.0"
        assert client.capabilities.power_index_for_dbm(20.0) == 41

        async def play() -> None:
            await active(reader)
            reader.see(EPC, 2, rssi=-57, channel=9, at_us=at, count=3)
            reader.see("3030", 4, rssi=-70)

        playing = asyncio.create_task(play())
        tags = [tag async for tag in client.inventory(antennas=[2, 4], max_tags=2, duration=5)]
        await playing
    assert [(tag.epc_hex, tag.antenna, tag.rssi_dbm) for tag in tags] == [(EPC, 2, -57.0), ("3030", 4, -70.0)]
    assert (tags[0].first_seen_us, tags[0].seen_count, tags[0].channel_index) == (at, 3, 9)
    assert (reader.requests["STOP_ROSPEC"], reader.rospecs) == (1, {})


async def test_llrpkit_gates_an_inventory_on_an_input(reader: Reader) -> None:
    """Its GPI start and stop triggers work on the simulator; reads outside the window are not reported."""
    port = await reader.start()
    async with Client("127.0.0.1", port) as client:

        async def play() -> None:
            async with asyncio.timeout(5):
                while not reader.requests.get("ENABLE_ROSPEC"):  # noqa: ASYNC110 (the reader is not asked to tell)
                    await asyncio.sleep(0.005)
            assert not reader.see(EPC, 1)
            reader.gpi(1, True)
            assert reader.see(EPC, 1)
            reader.gpi(1, False)
            assert not reader.see(EPC, 1)
            reader.gpi(1, True)
            assert reader.see(EPC, 2)

        playing = asyncio.create_task(play())
        tags = [tag async for tag in client.inventory(gpi_trigger=1, max_tags=2, duration=5)]
        await playing
    assert [tag.antenna for tag in tags] == [1, 2]


async def test_llrpkit_reads_and_writes_the_lines(reader: Reader) -> None:
    """GPI enabling, GPI levels and a GPO lamp go through its own calls."""
    port = await reader.start()
    lamp: list[tuple[int, bool]] = []
    reader.on_gpo = lambda number, level: lamp.append((number, level))
    async with Client("127.0.0.1", port) as client:
        await client.set_keepalive(10_000)
        assert reader.config.keepalive_ms == 10_000
        await client.set_gpi_enabled(2, True)
        reader.gpi(2, True)
        await client.set_gpo(3, True)
        state = await client.get_gpio()
    assert (state.gpis, state.gpos) == (
        {1: "disabled", 2: "high", 3: "disabled", 4: "disabled"},
        {1: False, 2: False, 3: True, 4: False},
    )
    assert lamp == [(3, True)]


async def test_llrpkit_uses_the_impinj_extensions() -> None:
    """As an Impinj reader it gives llrpkit sub-dBm RSSI, phase and Doppler, and takes its search mode."""
    reader = Reader("dock-1", profile="impinj")
    port = await reader.start()
    try:
        async with Client("127.0.0.1", port) as client:
            assert client.impinj_extensions_enabled

            async def play() -> None:
                await active(reader)
                reader.see(EPC, 1, rssi=-54.25, phase=1024, doppler=-2.5)

            wanted: dict[str, Any] = {"include_phase": True, "include_doppler": True, "search_mode": 2}
            playing = asyncio.create_task(play())
            tags = [tag async for tag in client.inventory(**wanted, max_tags=1, duration=5)]
            await playing
    finally:
        await reader.stop()
    assert (tags[0].rssi_dbm, tags[0].phase_deg, tags[0].doppler_hz) == (-54.25, 90.0, -2.5)


@pytest.mark.parametrize("name", PROFILES)
async def test_llrpkit_reads_tags_from_every_profile(name: str) -> None:
    """It takes each make as it is: identity, antennas, highest power, last mode, extensions only where there."""
    reader = Reader("dock-1", profile=name)
    port = await reader.start()
    last, top = reader.profile.antennas, reader.profile.powers[-1] / 100
    try:
        async with Client("127.0.0.1", port) as client:
            assert (client.max_antennas, client.firmware) == (last, reader.profile.firmware)
            assert client.impinj_extensions_enabled == (name == "impinj")
            assert client.capabilities.power_index_for_dbm(top) == len(reader.profile.powers)

            async def play() -> None:
                await active(reader)
                reader.see(EPC, last, rssi=-57)

            settings: dict[str, Any] = {"antennas": [last], "tx_power_dbm": top, "session": 2}
            settings["mode_index"] = reader.profile.modes[-1].identifier
            playing = asyncio.create_task(play())
            tags = [tag async for tag in client.inventory(**settings, max_tags=1, duration=5)]
            await playing
    finally:
        await reader.stop()
    assert [(tag.epc_hex, tag.antenna, tag.rssi_dbm) for tag in tags] == [(EPC, last, -57.0)]


async def test_llrpkit_is_told_that_another_client_was_first(reader: Reader) -> None:
    """While one llrpkit is connected a second one's connect fails, and the first still works."""
    from llrpkit import LLRPConnectionError

    port = await reader.start()
    async with Client("127.0.0.1", port) as first:
        second = Client("127.0.0.1", port, connect_timeout=2)
        with pytest.raises(LLRPConnectionError):
            await second.connect()
        await second.close()
        await first.get_config()
    assert reader.refused_connections == 1
