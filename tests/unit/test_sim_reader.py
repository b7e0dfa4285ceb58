"""The simulated reader over its socket, driven byte by byte with a client made of its own codec."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from simulators.llrp.capabilities import IMPINJ
from simulators.llrp.wire import Bits, Parameter, unpack
from tests.sim_reader_bench import (
    EPC,
    SELECTOR,
    Client,
    boundary,
    events,
    found,
    gone,
    hold,
    inside,
    keepalive,
    reading,
    reading_after,
    report,
    rospec,
    switches,
)


@pytest_asyncio.fixture
async def switch_on() -> AsyncIterator[Callable[..., Any]]:
    """Readers and clients that are switched off at the end."""
    async with switches() as start:
        yield start


async def test_the_first_message_says_that_the_connection_is_made(switch_on: Any) -> None:
    """Within a breath of connecting the client hears ConnectionAttemptEvent Success, with the reader's clock."""
    reader, connect = await switch_on(clock_error_us=3_600_000_000)
    before = time.time_ns() // 1000
    hello = await (await connect()).next()
    assert inside(hello, "ConnectionAttemptEvent").fields == {"Status": 0}
    assert 3_600_000_000 <= inside(hello, "UTCTimestamp").number("Microseconds") - before < 3_602_000_000
    assert (reader.connected, reader.connections, reader.active) == (True, 1, False)


async def test_a_reader_without_utc_tells_its_uptime(switch_on: Any) -> None:
    """Uptime-only readers stamp events and reads with microseconds since boot."""
    reader, connect = await switch_on(utc=False)
    client = await connect()
    assert inside(await client.next(), "Uptime").number("Microseconds") < 5_000_000
    await client.done("ADD_ROSPEC", [rospec(parts=[report()])])
    await client.done("ENABLE_ROSPEC", ROSpecID=1)
    await client.done("START_ROSPEC", ROSpecID=1)
    reader.see(EPC, 1)
    (tag,) = found(await client.until("RO_ACCESS_REPORT"))
    assert tag["FirstSeenTimestampUptime"] < 5_000_000
    assert "FirstSeenTimestampUTC" not in tag


async def test_a_second_client_is_refused_and_the_first_lives(switch_on: Any) -> None:
    """The second hears status 2 and is closed; the first hears that another tried, and is still answered."""
    reader, connect = await switch_on()
    first = await connect()
    await first.next()
    second = await connect()
    assert inside(await second.next(), "ConnectionAttemptEvent").fields == {"Status": 2}
    assert await second.incoming.read() == b""
    assert inside(await first.next(), "ConnectionAttemptEvent").fields == {"Status": 4}
    await first.done("GET_ROSPECS")
    assert (reader.connections, reader.refused_connections) == (1, 1)


async def test_a_close_is_answered_and_the_next_client_may_come(switch_on: Any) -> None:
    """CLOSE_CONNECTION gets its response, then the end of the stream; a new client is welcome."""
    _, connect = await switch_on()
    client = await connect()
    await client.next()
    await client.done("CLOSE_CONNECTION")
    assert await client.incoming.read() == b""
    again = await connect()
    assert inside(await again.next(), "ConnectionAttemptEvent").fields == {"Status": 0}


@pytest.mark.parametrize("torn", [False, True], ids=["closed", "torn"])
async def test_a_client_that_comes_back_at_once_is_let_in(switch_on: Any, torn: bool) -> None:
    """Closing or losing a connection and connecting again in the same instant never meets a reader that is busy."""
    reader, connect = await switch_on()
    for _ in range(30):
        client = await connect()
        assert inside(await client.next(), "ConnectionAttemptEvent").fields == {"Status": 0}
        if torn:
            reader.drop()
        else:
            client.outgoing.close()
    assert (reader.connections, reader.refused_connections) == (30, 0)


async def test_switching_off_is_announced(switch_on: Any) -> None:
    """A reader that closes says so with ConnectionCloseEvent before the stream ends."""
    reader, connect = await switch_on()
    client = await connect()
    await client.next()
    await reader.stop()
    inside(await client.next(), "ConnectionCloseEvent")
    assert await client.incoming.read() == b""
    assert not reader.connected


async def test_capabilities_come_whole_or_in_parts(switch_on: Any) -> None:
    """All four sections, or the one that was asked for; an undefined section is a field error."""
    _, connect = await switch_on(antennas=2, gpis=3, gpos=1, manufacturer=10642, model=7, firmware="3.2")
    client = await connect()
    everything = await client.done("GET_READER_CAPABILITIES", RequestedData=0)
    names = ["GeneralDeviceCapabilities", "LLRPCapabilities", "RegulatoryCapabilities", "C1G2LLRPCapabilities"]
    assert [part.name for part in everything.parts] == ["LLRPStatus", *names]
    general = everything.parts[1]
    assert general.fields["MaxNumberOfAntennaSupported"] == 2
    assert general.fields["DeviceManufacturerName"] == 10642
    assert general.fields["ReaderFirmwareVersion"] == "3.2"
    assert [*general.every("GPIOCapabilities")] == [Parameter("GPIOCapabilities", {"NumGPIs": 3, "NumGPOs": 1})]
    band = next(everything.parts[3].every("UHFBandCapabilities"))
    assert len([*band.every("TransmitPowerLevelTableEntry")]) == 81
    for wanted, name in enumerate(names, 1):
        part = await client.done("GET_READER_CAPABILITIES", RequestedData=wanted)
        assert [p.name for p in part.parts] == ["LLRPStatus", name]
    assert await client.code("GET_READER_CAPABILITIES", RequestedData=9) == [101]


async def test_what_is_configured_is_read_back_and_reset(switch_on: Any) -> None:
    """Events, keepalive, hold, inputs, power and report spec are kept; a factory reset undoes all of it."""
    _, connect = await switch_on()
    client = await connect()
    everything = {"AntennaID": 0, "RequestedData": 0, "GPIPortNum": 0, "GPOPortNum": 0}
    fresh = (await client.done("GET_READER_CONFIG", **everything)).parts
    transmitter = Parameter("RFTransmitter", {"HopTableID": 1, "ChannelIndex": 1, "TransmitPower": 21})
    await client.done(
        "SET_READER_CONFIG",
        [
            events(1, 2),
            Parameter("AntennaConfiguration", {"AntennaID": 0}, [transmitter]),
            report(n=5),
            Parameter("AccessReportSpec", {"AccessReportTrigger": 0}),
            keepalive(60_000),
            Parameter("GPIPortCurrentState", {"GPIPortNum": 2, "Config": 1, "State": 0}),
            hold(1),
        ],
        ResetToFactoryDefault=0,
    )
    now = (await client.done("GET_READER_CONFIG", **everything)).parts
    assert [part.name for part in now] == [part.name for part in fresh]
    assert hold(1) in now
    assert keepalive(60_000) in now
    assert report(n=5) in now
    assert [p.number("Config") for p in now if p.name == "GPIPortCurrentState"] == [0, 1, 0, 0]
    assert all(transmitter in p.parts and len(p.parts) == 3 for p in now if p.name == "AntennaConfiguration")
    one = await client.done("GET_READER_CONFIG", AntennaID=0, RequestedData=9, GPIPortNum=2, GPOPortNum=0)
    assert len(one.parts) == 2
    await client.done("ADD_ROSPEC", [rospec()])
    await client.done("SET_READER_CONFIG", ResetToFactoryDefault=1)
    assert (await client.done("GET_READER_CONFIG", **everything)).parts == fresh
    assert len((await client.done("GET_ROSPECS")).parts) == 1
    assert await client.code("GET_READER_CONFIG", AntennaID=9, RequestedData=2, GPIPortNum=0, GPOPortNum=0) == [101]


@pytest.mark.parametrize(
    "part",
    [
        Parameter("GPOWriteData", {"GPOPortNumber": 9, "GPOData": 1}),
        Parameter("GPIPortCurrentState", {"GPIPortNum": 9, "Config": 1, "State": 0}),
        Parameter("AntennaConfiguration", {"AntennaID": 9}),
        Parameter("AntennaConfiguration", {"AntennaID": 1}, [
            Parameter("RFTransmitter", {"HopTableID": 1, "ChannelIndex": 1, "TransmitPower": 200})]),
        report(trigger=3),
    ],
)  # fmt: skip
async def test_a_setting_that_names_what_is_not_there_is_refused_whole(switch_on: Any, part: Parameter) -> None:
    """The answer is M_ParameterError with P_FieldError inside, and nothing of the request is done."""
    reader, connect = await switch_on()
    client = await connect()
    assert await client.code("SET_READER_CONFIG", [part, hold(1)], ResetToFactoryDefault=1) == [100, 201]
    assert reader.config.hold is False


async def test_outputs_are_written(switch_on: Any) -> None:
    """GPOWriteData sets the output, and the lamp hears of it."""
    reader, connect = await switch_on()
    lamp: list[tuple[int, bool]] = []
    reader.on_gpo = lambda port, level: lamp.append((port, level))
    client = await connect()
    for level in (1, 0, 1):
        write = Parameter("GPOWriteData", {"GPOPortNumber": 3, "GPOData": level})
        await client.done("SET_READER_CONFIG", [write], ResetToFactoryDefault=0)
    assert lamp == [(3, True), (3, False), (3, True)]
    assert reader.gpo == {1: False, 2: False, 3: True, 4: False}


async def test_a_read_carries_everything_that_was_selected(switch_on: Any) -> None:
    """EPC, ids, antenna, RSSI, channel, times in the reader's clock and count arrive as they were seen."""
    reader, connect = await switch_on(clock_error_us=-500)
    client = await connect()
    await reading(client, report())
    assert reader.active
    assert reader.see(EPC, 3, rssi=-61, channel=7, at_us=1_795_243_331_250_000, count=4)
    assert reader.see("300", 1)
    assert found(await client.until("RO_ACCESS_REPORT")) == [
        {
            "EPC_96": int(EPC, 16),
            "ROSpecID": 1,
            "SpecIndex": 1,
            "InventoryParameterSpecID": 1,
            "AntennaID": 3,
            "PeakRSSI": -61,
            "ChannelIndex": 7,
            "FirstSeenTimestampUTC": 1_795_243_331_249_500,
            "LastSeenTimestampUTC": 1_795_243_331_249_500,
            "TagSeenCount": 4,
        }
    ]
    assert found(await client.until("RO_ACCESS_REPORT"))[0]["EPCData"] == (12, b"\x30\x00")
    assert (reader.seen, reader.reported, reader.dropped) == (2, 2, 0)


async def test_what_nobody_listens_to_is_not_reported(switch_on: Any) -> None:
    """Before START, on an antenna outside the ROSpec, unplugged, or after STOP, a read is dropped and counted."""
    reader, connect = await switch_on()
    client = await connect()
    assert not reader.see(EPC, 1)
    await reading(client, report(), antennas=[1, 2])
    assert not reader.see(EPC, 3)
    reader.plug(2, False)
    assert not reader.see(EPC, 2)
    assert reader.see(EPC, 1)
    await client.done("STOP_ROSPEC", ROSpecID=1)
    assert not reader.see(EPC, 1)
    assert (reader.seen, reader.dropped) == (5, 4)


@pytest.mark.parametrize(("trigger", "n", "sizes"), [(1, 3, [3, 3, 1]), (2, 0, [7]), (2, 1, [1] * 7)])
async def test_reports_are_cut_at_n_tags_and_at_the_end(switch_on: Any, trigger: int, n: int, sizes: list[int]) -> None:
    """N tags make a report; the end of the ROSpec sends the rest; N = 0 waits for the end."""
    reader, connect = await switch_on()
    client = await connect()
    await reading(client, report(trigger, n))
    for _ in range(7):
        reader.see(EPC, 1)
    client.say("STOP_ROSPEC", ROSpecID=1)
    assert [len((await client.until("RO_ACCESS_REPORT")).parts) for _ in sizes] == sizes


async def test_a_report_can_be_asked_for(switch_on: Any) -> None:
    """With no report trigger, GET_REPORT brings what was seen, and an empty report when nothing was."""
    reader, connect = await switch_on()
    client = await connect()
    await reading(client, report(0, 0))
    for number in range(450):
        reader.see(f"{number:024x}", 1)
    client.say("GET_REPORT")
    assert [len((await client.until("RO_ACCESS_REPORT")).parts) for _ in range(3)] == [200, 200, 50]
    client.say("GET_REPORT")
    assert (await client.until("RO_ACCESS_REPORT")).parts == []


async def test_an_input_is_an_event_and_a_trigger(switch_on: Any) -> None:
    """An enabled input's edges are told and gate the ROSpec; a disabled one's are not."""
    reader, connect = await switch_on()
    client = await connect()
    await client.next()

    def edge(level: int) -> Parameter:
        return Parameter("GPITriggerValue", {"GPIPortNum": 1, "GPIEvent": level, "Timeout": 0})

    start = Parameter("ROSpecStartTrigger", {"ROSpecStartTriggerType": 3}, [edge(1)])
    stop = Parameter("ROSpecStopTrigger", {"ROSpecStopTriggerType": 2, "DurationTriggerValue": 0}, [edge(0)])
    await client.done("ADD_ROSPEC", [rospec(parts=[boundary(start, stop), report()])])
    await client.done("ENABLE_ROSPEC", ROSpecID=1)
    reader.gpi(1, True)
    assert not reader.active
    reader.gpi(1, False)
    enable = Parameter("GPIPortCurrentState", {"GPIPortNum": 1, "Config": 1, "State": 0})
    await client.done("SET_READER_CONFIG", [events(1, 2, 6), enable], ResetToFactoryDefault=0)
    reader.gpi(1, True)
    assert reader.active
    reader.gpi(1, True)
    reader.gpi(1, False)
    told = [(await client.next()).parts[0].parts[1] for _ in range(5)]
    assert [(part.name, [*part.fields.values()][:2]) for part in told] == [
        ("GPIEvent", [1, 1]),
        ("ROSpecEvent", [0, 1]),
        ("GPIEvent", [1, 0]),
        ("AISpecEvent", [0, 1]),
        ("ROSpecEvent", [1, 1]),
    ]


async def test_rospec_commands_are_refused_where_the_standard_refuses_them(switch_on: Any) -> None:
    """Doubled, reserved, missing, disabled, misplaced and one too many each get a status that says so."""
    reader, connect = await switch_on()
    client = await connect()
    assert await client.code("ADD_ROSPEC", [rospec(0)]) == [101]
    assert await client.code("ADD_ROSPEC", [rospec(1, state=1)]) == [100, 201]
    assert await client.code("ADD_ROSPEC", [rospec(1, antennas=[5])]) == [100, 201]
    assert await client.code("ADD_ROSPEC", [rospec(1, parts=[report(trigger=3)])]) == [100, 201]
    start = Parameter("ROSpecStartTrigger", {"ROSpecStartTriggerType": 3})
    assert await client.code("ADD_ROSPEC", [rospec(1, parts=[boundary(start)])]) == [100, 203]
    start = Parameter("ROSpecStartTrigger", {"ROSpecStartTriggerType": 9})
    assert await client.code("ADD_ROSPEC", [rospec(1, parts=[boundary(start)])]) == [100, 201]
    lame = Parameter("ROSpec", {"ROSpecID": 1, "Priority": 0, "CurrentState": 0}, [boundary()])
    assert await client.code("ADD_ROSPEC", [lame]) == [100, 203]
    assert await client.code("ADD_ROSPEC") == [103]
    for number in range(1, 9):
        await client.done("ADD_ROSPEC", [rospec(number)])
    assert await client.code("ADD_ROSPEC", [rospec(1)]) == [101]
    assert await client.code("ADD_ROSPEC", [rospec(9)]) == [105]
    assert await client.code("START_ROSPEC", ROSpecID=1) == [101]
    assert await client.code("STOP_ROSPEC", ROSpecID=1) == [101]
    assert await client.code("START_ROSPEC", ROSpecID=0) == [101]
    assert await client.code("ENABLE_ROSPEC", ROSpecID=77) == [101]
    await client.done("ENABLE_ROSPEC", ROSpecID=0)
    await client.done("START_ROSPEC", ROSpecID=1)
    assert await client.code("START_ROSPEC", ROSpecID=2) == [401]
    states = [spec.fields["CurrentState"] for spec in (await client.done("GET_ROSPECS")).parts[1:]]
    assert states == [2, 1, 1, 1, 1, 1, 1, 1]
    await client.done("DISABLE_ROSPEC", ROSpecID=1)
    assert not reader.active
    await client.done("DELETE_ROSPEC", ROSpecID=0)
    assert reader.rospecs == {}


async def test_accessspecs_are_kept(switch_on: Any) -> None:
    """An AccessSpec can be added, enabled, disabled, listed and deleted; it is not carried out."""
    _, connect = await switch_on()
    client = await connect()
    target = {"MB": 1, "Match": 1, "Pointer": 32, "TagMask": Bits(0, b""), "TagData": Bits(0, b"")}
    read = {"OpSpecID": 1, "AccessPassword": 0, "MB": 2, "WordPointer": 0, "WordCount": 2}
    command = Parameter(
        "AccessCommand",
        {},
        [Parameter("C1G2TagSpec", {}, [Parameter("C1G2TargetTag", target)]), Parameter("C1G2Read", read)],
    )
    stop = Parameter("AccessSpecStopTrigger", {"AccessSpecStopTrigger": 0, "OperationCountValue": 0})
    fields = {"AccessSpecID": 4, "AntennaID": 0, "ProtocolID": 1, "CurrentState": 0, "ROSpecID": 0}
    spec = Parameter("AccessSpec", fields, [stop, command])
    await client.done("ADD_ACCESSSPEC", [spec])
    assert await client.code("ADD_ACCESSSPEC", [spec]) == [101]
    await client.done("ENABLE_ACCESSSPEC", AccessSpecID=4)
    listed = (await client.done("GET_ACCESSSPECS")).parts[1]
    assert listed == Parameter("AccessSpec", fields | {"CurrentState": 1}, spec.parts)
    assert await client.code("DISABLE_ACCESSSPEC", AccessSpecID=5) == [101]
    await client.done("DELETE_ACCESSSPEC", AccessSpecID=0)
    assert len((await client.done("GET_ACCESSSPECS")).parts) == 1


async def test_keepalives_come_and_an_unanswered_client_is_given_up(switch_on: Any) -> None:
    """An acknowledged keepalive goes on for ever; after five unanswered ones the reader resets the connection."""
    reader, connect = await switch_on()
    client = await connect()
    await client.done("SET_READER_CONFIG", [keepalive(20)], ResetToFactoryDefault=0)
    for _ in range(8):
        await client.until("KEEPALIVE")
        client.say("KEEPALIVE_ACK")
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await client.until("an end")
    assert 8 <= reader.keepalive_acks <= reader.keepalives <= 14


async def test_a_keepalive_can_be_switched_off(switch_on: Any) -> None:
    """KeepaliveSpec Null stops them at once."""
    reader, connect = await switch_on()
    client = await connect()
    await client.done("SET_READER_CONFIG", [keepalive(20)], ResetToFactoryDefault=0)
    await client.until("KEEPALIVE")
    await client.done("SET_READER_CONFIG", [keepalive(0)], ResetToFactoryDefault=0)
    before = reader.keepalives
    await asyncio.sleep(0.1)
    assert reader.keepalives == before


async def test_reports_wait_for_a_client_that_asked_to_hold_them(switch_on: Any) -> None:
    """What was seen through a torn connection comes after ENABLE_EVENTS_AND_REPORTS, in order, and not before."""
    reader, connect = await switch_on()
    client = await connect()
    await client.done("SET_READER_CONFIG", [hold(1)], ResetToFactoryDefault=0)
    await reading_after(client)
    reader.drop()
    await gone(reader)
    for number in range(3):
        assert reader.see(f"{number:024x}", 1)
    client = await connect()
    await client.next()
    await client.done("GET_ROSPECS")
    assert client.other == []
    client.say("ENABLE_EVENTS_AND_REPORTS")
    assert [found(await client.next())[0]["EPC_96"] for _ in range(3)] == [0, 1, 2]


async def test_reports_come_at_once_to_a_client_that_did_not_ask_to_hold_them(switch_on: Any) -> None:
    """Without hold, the backlog follows the connection event; the oldest of an overfull one is lost and counted."""
    reader, connect = await switch_on()
    reader.backlog_limit = 3
    client = await connect()
    await reading(client, report())
    reader.drop()
    await gone(reader)
    for number in range(5):
        reader.see(f"{number:024x}", 1)
    client = await connect()
    await client.next()
    assert [found(await client.next())[0]["EPC_96"] for _ in range(3)] == [2, 3, 4]
    assert reader.overflowed == 2


async def test_a_nearly_full_buffer_warns_once(switch_on: Any) -> None:
    """At 90 % the reader queues one ReportBufferLevelWarningEvent, when the client wants it."""
    reader, connect = await switch_on()
    reader.backlog_limit = 20
    client = await connect()
    await client.done("SET_READER_CONFIG", [events(3), hold(1)], ResetToFactoryDefault=0)
    await reading_after(client)
    reader.drop()
    await gone(reader)
    for _ in range(30):
        reader.see(EPC, 1)
    levels = [m for m in reader.backlog if m.name == "READER_EVENT_NOTIFICATION"]
    assert [inside(m, "ReportBufferLevelWarningEvent").fields for m in levels] == [{"ReportBufferPercentageFull": 90}]
    assert reader.overflowed == 11


async def test_unknown_and_foreign_messages_get_an_error_message(switch_on: Any) -> None:
    """Another version, an unassigned type and another vendor's message are answered by ERROR_MESSAGE with their ID."""
    _, connect = await switch_on()
    client = await connect()
    await client.next()
    for frame, code in (
        ("083e 0000000a 00000021", 110),
        ("042e 0000000a 00000021", 109),
        ("07ff 0000000f 00000021 0000651a 15", 109),
        ("043d 0000000a 00000021", 109),
    ):
        client.outgoing.write(bytes.fromhex(frame))
        answer = await client.next()
        assert (answer.name, answer.id, answer.parts[0].number("StatusCode")) == ("ERROR_MESSAGE", 0x21, code)


async def test_a_header_that_lies_ends_the_connection(switch_on: Any) -> None:
    """A length below ten bytes leaves no place to go on from: the reader resets."""
    reader, connect = await switch_on()
    client = await connect()
    await client.next()
    client.outgoing.write(bytes.fromhex("0414 00000002 00000001"))
    await gone(reader)


async def test_an_impinj_reader_knows_its_extensions(switch_on: Any) -> None:
    """Enabled by the custom message, and selected in the ROReportSpec, phase and fine RSSI come with each read."""
    reader, connect = await switch_on(manufacturer=IMPINJ)
    client = await connect()
    await client.next()
    client.outgoing.write(bytes.fromhex("07ff 0000000f 00000021 0000651a 15"))
    answer = await client.next()
    assert (answer.name, answer.fields["MessageSubtype"], answer.id) == ("CUSTOM_MESSAGE", 22, 0x21)
    inner = bytes.fromhex("03ff 000e 0000651a 00000034 0001  03ff 000e 0000651a 00000035 0001")
    content = Parameter("Custom", {"VendorIdentifier": IMPINJ, "ParameterSubtype": 50, "Data": inner})
    await client.done("ADD_ROSPEC", [rospec(parts=[report(1, 1, SELECTOR[:9], content)])])
    await client.done("ENABLE_ROSPEC", ROSpecID=1)
    await client.done("START_ROSPEC", ROSpecID=1)
    reader.see(EPC, 1, rssi=-54.25, phase=1024)
    (tag,) = (await client.until("RO_ACCESS_REPORT")).parts
    extras = {part.number("ParameterSubtype"): part.fields["Data"] for part in tag.every("Custom")}
    assert extras == {56: b"\x04\x00", 57: (-5425).to_bytes(2, signed=True)}


async def test_a_refusal_can_be_ordered(switch_on: Any) -> None:
    """`refuse` answers a request by its response with that code; `unsupported` by ERROR_MESSAGE; nothing is done."""
    reader, connect = await switch_on()
    reader.sins.refuse["ADD_ROSPEC"] = 401
    reader.sins.refuse["GET_REPORT"] = 401
    reader.sins.unsupported.add("ENABLE_EVENTS_AND_REPORTS")
    client = await connect()
    assert await client.code("ADD_ROSPEC", [rospec()]) == [401]
    client.say("GET_REPORT")
    assert (await client.until("ERROR_MESSAGE")).parts[0].number("StatusCode") == 401
    client.say("ENABLE_EVENTS_AND_REPORTS")
    assert (await client.until("ERROR_MESSAGE")).parts[0].number("StatusCode") == 109
    assert reader.rospecs == {}
    assert reader.requests["ADD_ROSPEC"] == 1


async def test_a_report_can_be_cut_in_the_middle(switch_on: Any) -> None:
    """The client gets exactly so many bytes of the next report, then a reset; the next connection is whole again."""
    reader, connect = await switch_on()
    client = await connect()
    await reading(client, report())
    reader.sins.cut_mid_message = 17
    reader.see(EPC, 1)
    assert len(await client.incoming.readexactly(17)) == 17
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await client.incoming.readexactly(1)
    await gone(reader)
    client = await connect()
    await client.next()
    reader.see(EPC, 1)
    assert len(found(await client.next())) == 1


async def test_a_report_can_say_a_wrong_length(switch_on: Any) -> None:
    """The length field of one report is off by so much; the next is right."""
    reader, connect = await switch_on()
    client = await connect()
    await reading(client, report())
    reader.sins.wrong_length = 4
    reader.see(EPC, 1)
    head = await client.incoming.readexactly(10)
    body = await client.incoming.readexactly(int.from_bytes(head[2:6]) - 14)
    assert unpack(head + body).name == "RO_ACCESS_REPORT"
    reader.see(EPC, 1)
    assert (await client.next()).name == "RO_ACCESS_REPORT"


async def test_a_report_can_hold_what_nobody_knows(switch_on: Any) -> None:
    """`unknown_parameter` adds a well-formed TLV of an unassigned type, `bad_tag` one that outgrows its parent."""
    reader, connect = await switch_on()
    client = await connect()
    await reading(client, report())
    reader.sins.unknown_parameter = True
    reader.see(EPC, 1)
    head = await client.incoming.readexactly(10)
    body = await client.incoming.readexactly(int.from_bytes(head[2:6]) - 10)
    assert unpack(head + body, checked=False).parts[0].parts[-1].fields == {"Type": 993, "Data": bytes(4)}
    reader.sins.unknown_parameter, reader.sins.bad_tag = False, True
    reader.see(EPC, 1)
    head = await client.incoming.readexactly(10)
    body = await client.incoming.readexactly(int.from_bytes(head[2:6]) - 10)
    assert body.endswith(bytes.fromhex("03e100ff00000000"))


async def test_a_silent_reader_keeps_the_socket_and_says_nothing(switch_on: Any) -> None:
    """While silent nothing comes, keepalives included; afterwards the answers follow."""
    reader, connect = await switch_on()
    client = await connect()
    await client.done("SET_READER_CONFIG", [keepalive(20)], ResetToFactoryDefault=0)
    await client.until("KEEPALIVE")
    reader.sins.silent = True
    await asyncio.sleep(0.03)
    client.incoming._buffer.clear()  # type: ignore[attr-defined]
    client.say("GET_ROSPECS")
    with pytest.raises(TimeoutError):
        await client.next(timeout=0.2)
    assert reader.connected
    reader.sins.silent = False
    await client.until("GET_ROSPECS_RESPONSE")


async def test_slow_and_byte_by_byte_are_still_right(switch_on: Any) -> None:
    """One byte per segment and a wait before each answer change nothing but the time."""
    reader, connect = await switch_on()
    reader.sins.one_byte_at_a_time, reader.sins.slow = True, 0.05
    client = await connect()
    before = time.monotonic()
    await client.done("GET_READER_CONFIG", AntennaID=0, RequestedData=0, GPIPortNum=0, GPOPortNum=0)
    assert time.monotonic() - before >= 0.05


async def test_it_runs_as_a_process_of_its_own() -> None:
    """The entry point says where it listens, in one JSON line, and shows its tags to whoever reads."""
    command = (sys.executable, "-m", "simulators.llrp", "--port", "0", "--tag", EPC, "--rate", "200")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    async with asyncio.timeout(20):
        port = json.loads(await process.stdout.readline())["llrp"]
        client = Client(*await asyncio.open_connection("127.0.0.1", port))
        await reading(client, report())
        assert found(await client.until("RO_ACCESS_REPORT"))[0]["EPC_96"] == int(EPC, 16)
        client.outgoing.close()
        await client.outgoing.wait_closed()
        process.stdin.write(b'{"stop":true}\n')
        assert await process.wait() == 0
