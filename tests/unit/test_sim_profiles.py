"""The simulated reader as readers of different makes: capabilities, versions, extensions, filters, timed reports."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from simulators.llrp import Reader
from simulators.llrp.profiles import IMPINJ, PROFILES, ZEBRA
from simulators.llrp.vendors import custom
from simulators.llrp.wire import Bits, Message, Parameter, pack
from tests.sim_reader_bench import EPC, SELECTOR, Client, found, reading, reading_after, report, rospec, switches

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "llrp"
ENABLE_EXTENSIONS = {"VendorIdentifier": IMPINJ, "MessageSubtype": 21, "Data": bytes(4)}


@pytest_asyncio.fixture
async def switch_on() -> AsyncIterator[Callable[..., Any]]:
    """Readers and clients that are switched off at the end."""
    async with switches() as start:
        yield start


async def extended(client: Client) -> bool:
    """Whether IMPINJ_ENABLE_EXTENSIONS was answered by its response."""
    client.say("CUSTOM_MESSAGE", **ENABLE_EXTENSIONS)
    return (await client.until("CUSTOM_MESSAGE", "ERROR_MESSAGE")).name == "CUSTOM_MESSAGE"


def filtered(*filters: Parameter, mode: int | None = None, power: int | None = None) -> Parameter:
    """A ROSpec whose inventory has these C1G2Filters, this ModeIndex, this TransmitPower."""
    control = [] if mode is None else [Parameter("C1G2RFControl", {"ModeIndex": mode, "Tari": 0})]
    command = Parameter("C1G2InventoryCommand", {"TagInventoryStateAware": 0}, [*filters, *control])
    rf = {"HopTableID": 1, "ChannelIndex": 1, "TransmitPower": power}
    transmitter = [] if power is None else [Parameter("RFTransmitter", rf)]
    antenna = Parameter("AntennaConfiguration", {"AntennaID": 0}, [*transmitter, command])
    spec = rospec(parts=[report()])
    (inventory,) = spec.parts[1].every("InventoryParameterSpec")
    inventory.parts.append(antenna)
    return spec


def mask(pointer: int, bits: str, action: int = 0, bank: int = 1, **fields: int) -> Parameter:
    """A C1G2Filter on `bits` from bit `pointer` of a memory bank."""
    data = int(bits.ljust((len(bits) + 7) // 8 * 8, "0") or "0", 2).to_bytes((len(bits) + 7) // 8, "big")
    where = {"MB": bank, "Pointer": pointer, "TagMask": Bits(len(bits), data)}
    unaware = Parameter("C1G2TagInventoryStateUnawareFilterAction", {"Action": action})
    return Parameter("C1G2Filter", {"T": 0} | fields, [Parameter("C1G2TagInventoryMask", where), unaware])


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="shared/ is not part of a clone")
def test_the_impinj_profile_is_the_recorded_reader() -> None:
    """Identity, power table, hop table, modes and sensitivities are those of the recording, value by value."""
    recorded = json.loads((SHARED / "GetReaderCapabilitiesResponse-000.json").read_text())
    general, band = recorded["GeneralDeviceCapabilities"], recorded["RegulatoryCapabilities"]["UHFBandCapabilities"]
    ours = PROFILES["impinj"]
    assert (ours.manufacturer, ours.model) == (general["DeviceManufacturer"], general["Model"])
    assert ours.firmware == general["FirmwareVersion"]
    assert [*ours.sensitivities] == [one["ReceiveSensitivity"] for one in general["ReceiveSensitivities"]]
    assert [*ours.powers] == [one["TransmitPowerValue"] for one in band["TransmitPowerLevels"]]
    assert [*ours.frequencies] == band["FrequencyInformation"]["FrequencyHopTables"][0]["Frequencies"]
    modes = band["C1G2RFModes"]["UHFC1G2RFModeTableEntries"]
    names = ["ModeID", "DivideRatio", "Modulation", "ForwardLinkModulation", "SpectralMask", "BackscatterDataRate"]
    names += ["PIERatio", "MinTariTime", "MaxTariTime"]
    assert [[*mode] for mode in ours.modes] == [[mode[name] for name in names] for mode in modes]
    assert ours.rospecs == recorded["LLRPCapabilities"]["MaxROSpecs"]


@pytest.mark.parametrize("name", PROFILES)
async def test_every_profile_tells_its_capabilities(switch_on: Any, name: str) -> None:
    """Identity, antennas, powers, channels, modes and the maker's own parameters come as the profile has them."""
    profile = PROFILES[name]
    _, connect = await switch_on(profile=name)
    answer = await (await connect()).done("GET_READER_CAPABILITIES", RequestedData=0)
    general, regulatory = answer.part("GeneralDeviceCapabilities"), answer.part("RegulatoryCapabilities")
    assert general is not None
    assert regulatory is not None
    assert general.fields["MaxNumberOfAntennaSupported"] == profile.antennas
    assert (general.fields["DeviceManufacturerName"], general.fields["ModelName"]) == (
        profile.manufacturer,
        profile.model,
    )
    band = regulatory.parts[0]
    powers = [part.number("TransmitPowerValue") for part in band.every("TransmitPowerLevelTableEntry")]
    assert powers == [*profile.powers]
    (table,) = next(band.every("FrequencyInformation")).parts
    assert table.name == ("FrequencyHopTable" if profile.hopping else "FixedFrequencyTable")
    assert table.fields["Frequency"] == [*profile.frequencies]
    assert [part.number("ParameterSubtype") for part in answer.every("Custom")] == [
        subtype for subtype, _ in profile.capabilities
    ]


async def test_a_reader_of_version_1_0_1_refuses_the_version_messages(switch_on: Any) -> None:
    """GET_SUPPORTED_VERSION gets ERROR_MESSAGE M_UnsupportedVersion, as from a real FX9600; the session goes on."""
    for name in ("plain", "impinj", "fx9600"):
        _, connect = await switch_on(profile=name)
        client = await connect()
        await client.next()
        client.outgoing.write(pack(Message("GET_SUPPORTED_VERSION", id=9, version=2)))
        answer = await client.next()
        assert (answer.name, answer.version, answer.id) == ("ERROR_MESSAGE", 1, 9)
        assert answer.parts[0].number("StatusCode") == 110
        await client.done("GET_ROSPECS")


async def test_a_reader_of_version_1_1_is_told_which_to_speak(switch_on: Any) -> None:
    """1.0.1 until SET_PROTOCOL_VERSION; then 1.1 only; once per connection; a new connection begins with 1.0.1."""
    _, connect = await switch_on(profile="plain-1.1")
    client = await connect()
    assert (await client.next()).version == 1
    await client.done("GET_ROSPECS")
    client.version = 2
    answer = await client.done("GET_SUPPORTED_VERSION")
    assert (answer.version, answer.fields) == (2, {"CurrentVersion": 1, "SupportedVersion": 2})
    assert await client.code("SET_PROTOCOL_VERSION", ProtocolVersion=3) == [110]
    assert await client.code("GET_ROSPECS") == [110]
    await client.done("SET_PROTOCOL_VERSION", ProtocolVersion=2)
    answer = await client.done("GET_READER_CAPABILITIES", RequestedData=0)
    assert answer.version == 2
    assert (await client.done("GET_SUPPORTED_VERSION")).fields == {"CurrentVersion": 2, "SupportedVersion": 2}
    assert await client.code("SET_PROTOCOL_VERSION", ProtocolVersion=1) == [112]
    client.version = 1
    assert await client.code("GET_ROSPECS") == [110]
    client.outgoing.close()
    client = await connect()
    assert (await client.next()).version == 1
    await client.done("GET_ROSPECS")


@pytest.mark.parametrize(("trigger", "n"), [(4, 1), (6, 30)])
async def test_reports_come_in_time_where_version_1_1_asks_for_that(switch_on: Any, trigger: int, n: int) -> None:
    """N seconds or milliseconds: one report with all tags of the time, and what is left at the end."""
    reader, connect = await switch_on(profile="plain-1.1")
    client = await connect()
    client.version = 2
    await client.next()
    await client.done("SET_PROTOCOL_VERSION", ProtocolVersion=2)
    await client.done("ADD_ROSPEC", [rospec(parts=[report(trigger, n)])])
    await client.done("ENABLE_ROSPEC", ROSpecID=1)
    await client.done("START_ROSPEC", ROSpecID=1)
    for number in range(5):
        assert reader.see(f"{number:024x}", 1)
    assert not reader.backlog
    message = await client.until("RO_ACCESS_REPORT", timeout=5)
    assert (message.version, [tag["EPC_96"] for tag in found(message)]) == (2, [0, 1, 2, 3, 4])
    reader.see(EPC, 1)
    await client.done("STOP_ROSPEC", ROSpecID=1)
    rest = [one for one in client.other if one.name == "RO_ACCESS_REPORT"]
    rest = rest or [await client.until("RO_ACCESS_REPORT")]
    assert [tag["EPC_96"] for tag in found(rest[0])] == [int(EPC, 16)]


async def test_a_timed_report_is_not_for_version_1_0_1(switch_on: Any) -> None:
    """Triggers 3 to 6 are a field error in a connection of version 1.0.1."""
    _, connect = await switch_on(profile="plain-1.1")
    client = await connect()
    assert await client.code("ADD_ROSPEC", [rospec(parts=[report(6, 500)])]) == [100, 201]


async def test_only_the_makers_own_parameters_are_known(switch_on: Any) -> None:
    """Impinj's search mode: refused by others, by Impinj's before the extensions are enabled, then taken."""
    search = custom(IMPINJ, 23, (2).to_bytes(2, "big"))
    spec = filtered()
    next(spec.parts[1].every("InventoryParameterSpec")).parts[0].parts[0].parts.append(search)
    for name in ("plain", "fx9600", "impinj"):
        _, connect = await switch_on(profile=name)
        client = await connect()
        assert await client.code("ADD_ROSPEC", [spec]) == [100, 209], name
        assert await extended(client) == (name == "impinj")
    await client.done("ADD_ROSPEC", [spec])
    (kept,) = (await client.done("GET_ROSPECS")).every("ROSpec")
    assert kept.parts[1] == spec.parts[1]


async def test_impinj_reports_hold_what_was_asked_for_and_no_more(switch_on: Any) -> None:
    """Each of phase, fine RSSI and Doppler comes when its own mode says so, in Impinj's units."""
    reader, connect = await switch_on(profile="impinj")
    client = await connect()
    assert await extended(client)
    values = {
        52: (56, b"\x04\x00"),
        53: (57, (-5425).to_bytes(2, signed=True)),
        67: (68, (-40).to_bytes(2, signed=True)),
    }
    for asked in ((), (52,), (53, 67), (52, 53, 67)):
        inner = b"".join(
            bytes.fromhex("03ff000e0000651a") + kind.to_bytes(4) + (kind in asked).to_bytes(2) for kind in values
        )
        selector = custom(IMPINJ, 50, inner)
        await client.done("ADD_ROSPEC", [rospec(parts=[report(1, 1, SELECTOR[:9], selector)])])
        await client.done("ENABLE_ROSPEC", ROSpecID=1)
        await client.done("START_ROSPEC", ROSpecID=1)
        reader.see(EPC, 1, rssi=-54.25, phase=1024, doppler=-2.5)
        (tag,) = (await client.until("RO_ACCESS_REPORT")).parts
        extras = {part.number("ParameterSubtype"): part.fields["Data"] for part in tag.every("Custom")}
        assert extras == dict(values[kind] for kind in asked)
        await client.done("DELETE_ROSPEC", ROSpecID=1)


async def test_impinj_settings_are_kept_and_told(switch_on: Any) -> None:
    """Report buffering is set, told with ImpinjRequestedData 2000 and reset; 1000 tells the detailed version."""
    _, connect = await switch_on(profile="impinj")
    client = await connect()
    assert await extended(client)
    low_latency = custom(IMPINJ, 39, (1).to_bytes(2, "big"))
    ask = {"AntennaID": 0, "RequestedData": 8, "GPIPortNum": 0, "GPOPortNum": 0}
    for settings, reset, told in (([low_latency], 0, b"\x00\x01"), ([], 1, b"\x00\x00")):
        await client.done("SET_READER_CONFIG", settings, ResetToFactoryDefault=reset)
        answer = await client.done("GET_READER_CONFIG", [custom(IMPINJ, 21, (2000).to_bytes(4, "big"))], **ask)
        assert {part.number("ParameterSubtype"): part.fields["Data"] for part in answer.every("Custom")}[39] == told
    answer = await client.done(
        "GET_READER_CAPABILITIES", [custom(IMPINJ, 21, (1000).to_bytes(4, "big"))], RequestedData=1
    )
    (version,) = answer.every("Custom")
    assert isinstance(version.fields["Data"], bytes)
    assert b"5.14.0.240" in version.fields["Data"]


async def test_a_zebra_reports_its_phase(switch_on: Any) -> None:
    """With EnablePhase in MotoTagReportContentSelector each tag has MotoTagPhase; without, none."""
    reader, connect = await switch_on(profile="fx9600")
    client = await connect()
    await reading(client, report(1, 1, SELECTOR[:9], custom(ZEBRA, 708, "10000000")))
    reader.see(EPC, 8, phase=3072)
    (tag,) = (await client.until("RO_ACCESS_REPORT")).parts
    assert [*tag.every("Custom")] == [custom(ZEBRA, 709, "c000")]


@pytest.mark.parametrize(
    ("filters", "read"),
    [
        ([mask(32, "00110000")], [0]),
        ([mask(32, "00110000", 4)], [1, 2]),
        ([mask(32, "00110000", 3)], [1, 2]),
        ([mask(32, "00110000"), mask(32, "11100010", 1)], [0, 1]),
        ([mask(32, "", 0)], [0, 1, 2]),
        ([mask(16, "00010", 0)], [2]),
        ([mask(8000, "1")], []),
        ([mask(0, "1", bank=2)], []),
    ],
)
async def test_select_filters_leave_tags_out(switch_on: Any, filters: list[Parameter], read: list[int]) -> None:
    """Masks on the EPC bank with each kind of action: only the selected tags are reported."""
    reader, connect = await switch_on()
    client = await connect()
    await client.done("ADD_ROSPEC", [filtered(*filters)])
    await client.done("ENABLE_ROSPEC", ROSpecID=1)
    await client.done("START_ROSPEC", ROSpecID=1)
    tags = [EPC, "E2801160600002080000AAAA", "40361FAB"]  # the last is two words: PC 0x1000
    assert [number for number, tag in enumerate(tags) if reader.see(tag, 1)] == read
    assert reader.dropped == 3 - len(read)


async def test_filters_in_the_readers_own_configuration_count_too(switch_on: Any) -> None:
    """Where the ROSpec says nothing of its inventory, SET_READER_CONFIG's filters are used, per antenna."""
    reader, connect = await switch_on()
    client = await connect()
    command = Parameter("C1G2InventoryCommand", {"TagInventoryStateAware": 0}, [mask(32, "1111")])
    settings = [Parameter("AntennaConfiguration", {"AntennaID": 2}, [command])]
    await client.done("SET_READER_CONFIG", settings, ResetToFactoryDefault=0)
    await reading_after(client)
    assert [reader.see(EPC, antenna) for antenna in (1, 2)] == [True, False]


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (filtered(mask(32, "1"), mask(32, "1"), mask(32, "1")), 205),
        (filtered(mask(32, "1", T=2)), 201),
        (filtered(mask(32, "1", 9)), 201),
        (filtered(mode=7), 201),
        (filtered(power=82), 201),
    ],
)
async def test_what_is_not_in_the_capabilities_is_refused(switch_on: Any, spec: Parameter, code: int) -> None:
    """Too many filters, truncation, an unknown action, a mode or a power beyond the tables."""
    _, connect = await switch_on()
    assert await (await connect()).code("ADD_ROSPEC", [spec]) == [100, code]


async def test_a_periodic_start_can_follow_the_clock(switch_on: Any) -> None:
    """With a UTC time the rounds begin at that time plus offset, and one that has passed at the next round."""
    reader, connect = await switch_on()
    client = await connect()
    period = {"Offset": 0, "Period": 100}
    hour_ago = reader.now_us() - 3_600_000_000
    value = Parameter("PeriodicTriggerValue", period, [Parameter("UTCTimestamp", {"Microseconds": hour_ago})])
    start = Parameter("ROSpecStartTrigger", {"ROSpecStartTriggerType": 2}, [value])
    stop = Parameter("ROSpecStopTrigger", {"ROSpecStopTriggerType": 0, "DurationTriggerValue": 0})
    bounds = Parameter("ROBoundarySpec", {}, [start, stop])
    await client.done("ADD_ROSPEC", [rospec(parts=[bounds, report()])])
    await client.done("ENABLE_ROSPEC", ROSpecID=1)
    async with asyncio.timeout(5):
        while not reader.active:  # noqa: ASYNC110 (the reader is not asked to tell)
            await asyncio.sleep(0.005)


def test_what_is_given_takes_the_place_of_the_profiles_own() -> None:
    """Antennas and the like may differ from the profile's; a word that is none is a TypeError."""
    assert Reader("r", profile="fx9600", antennas=4).profile.antennas == 4
    with pytest.raises(TypeError):
        Reader("r", colour="red")
