"""What we ask of a reader: capabilities read, requests built, every field where the standard wants it."""

from pathlib import Path

import pytest

from gateway.readers.llrp import rospec
from gateway.readers.llrp.capabilities import Capabilities, agreed, read_capabilities
from gateway.readers.llrp.codec import BitString, Message, Parameter, decode, encode
from gateway.readers.llrp.settings import OUR_ROSPEC, Filter, GpiTrigger, PeriodTrigger, QuietTrigger, ReaderSettings
from gateway.readers.llrp.tables import MESSAGES, label

RECORDED = Path(__file__).resolve().parents[2].parent / "shared/data/llrp/GetReaderCapabilitiesResponse-000.bytes"
PLAIN = ReaderSettings("r", "host")
IMPINJ = Capabilities(manufacturer=25882)
NEWER = agreed(Capabilities())
POWERS = Capabilities(powers=((1, 1000), (2, 1025), (3, 2000), (4, 3000)), hop_table=2)


def again(message: Message | None) -> Message:
    """The message as the far side decodes it."""
    assert message is not None
    data = encode(message)
    return decode(int.from_bytes(data[:2], "big"), 0, data[10:])


def inside(message: Message, *path: str) -> Parameter:
    """The parameter at the end of a path of names."""
    found: Message | Parameter | None = message
    for name in path:
        assert found is not None
        found = found.first(name)
    assert isinstance(found, Parameter)
    return found


@pytest.mark.shared
@pytest.mark.skipif(not RECORDED.exists(), reason="shared/ is not part of a clone")
def test_a_real_readers_capabilities() -> None:
    """An Impinj Speedway's answer in our few words."""
    head = 1 << 10 | MESSAGES["GET_READER_CAPABILITIES_RESPONSE"].number
    can = read_capabilities(decode(head, 1, RECORDED.read_bytes()))
    assert (can.manufacturer, can.model, can.firmware) == (25882, 2001002, "5.14.0.240")
    assert (can.antennas, can.gpis, can.gpos, can.holds) == (4, 4, 4, True)
    assert (can.hopping, can.hop_table) == (True, 1)
    assert can.powers[0] == (1, 1000)
    assert can.power_index(30.0) == 81
    assert 1000 in can.modes


def test_a_reader_that_says_nothing_has_defaults() -> None:
    """Missing parts of the capabilities are no error."""
    assert read_capabilities(Message("GET_READER_CAPABILITIES_RESPONSE")) == Capabilities()


@pytest.mark.parametrize(
    ("dbm", "index"), [(10, 1), (10.1, 1), (10.2, 2), (15.125, 2), (25.0, 3), (99.0, 4), (-3.0, 1)]
)
def test_the_nearest_listed_power_is_taken_and_the_lower_of_two(dbm: float, index: int) -> None:
    """A power between two steps takes the nearer, never the higher of two equally near."""
    assert POWERS.power_index(dbm) == index


def test_no_power_table_no_power() -> None:
    """Without a table there is no index to give."""
    assert Capabilities().power_index(30) is None


def test_plain_rospec() -> None:
    """Null triggers, all antennas, report every tag or at the end of the ROSpec, and no air settings of ours."""
    message = again(rospec.add(PLAIN, Capabilities()))
    assert inside(message, "ROSpec").fields == {"ROSpecID": OUR_ROSPEC, "Priority": 0, "CurrentState": 0}
    boundary = inside(message, "ROSpec", "ROBoundarySpec")
    assert [p.fields for p in boundary.parameters] == [
        {"ROSpecStartTriggerType": 0},
        {"ROSpecStopTriggerType": 0, "DurationTriggerValue": 0},
    ]
    assert inside(message, "ROSpec", "AISpec").fields == {"AntennaIDs": (0,)}
    assert inside(message, "ROSpec", "AISpec", "InventoryParameterSpec").parameters == ()
    spec = inside(message, "ROSpec", "ROReportSpec")
    assert spec.fields == {"ROReportTrigger": 2, "N": 1}
    wanted = {
        name for name, on in inside(message, "ROSpec", "ROReportSpec", "TagReportContentSelector").fields.items() if on
    }
    assert wanted == {
        *("EnableROSpecID", "EnableAntennaID", "EnableChannelIndex", "EnablePeakRSSI"),
        *("EnableFirstSeenTimestamp", "EnableLastSeenTimestamp", "EnableTagSeenCount"),
    }


def test_air_settings_when_configured() -> None:
    """Power by index with the reader's hop table, mode, session and population."""
    settings = ReaderSettings(
        "r", "h", antennas=(1, 4), power_dbm=20.0, session=2, mode=1002, tag_population=60, report_every=20
    )
    message = again(rospec.add(settings, POWERS))
    assert inside(message, "ROSpec", "AISpec").fields == {"AntennaIDs": (1, 4)}
    path = ("ROSpec", "AISpec", "InventoryParameterSpec", "AntennaConfiguration")
    assert inside(message, *path).fields == {"AntennaID": 0}
    assert inside(message, *path, "RFTransmitter").fields == {"HopTableID": 2, "ChannelIndex": 0, "TransmitPower": 3}
    command = (*path, "C1G2InventoryCommand")
    assert inside(message, *command, "C1G2RFControl").fields == {"ModeIndex": 1002, "Tari": 0}
    assert inside(message, *command, "C1G2SingulationControl").fields == {
        "Session": 2,
        "TagPopulation": 60,
        "TagTransitTime": 0,
    }
    assert inside(message, "ROSpec", "ROReportSpec").fields["N"] == 20


def test_a_reader_without_hopping_gets_its_first_channel() -> None:
    """HopTableID and channel follow the capability: a wrong one is refused (sllurp #118)."""
    fixed = Capabilities(powers=((1, 1000),), hopping=False)
    message = again(rospec.add(ReaderSettings("r", "h", power_dbm=10.0), fixed))
    path = ("ROSpec", "AISpec", "InventoryParameterSpec", "AntennaConfiguration", "RFTransmitter")
    assert inside(message, *path).fields == {"HopTableID": 0, "ChannelIndex": 1, "TransmitPower": 1}


def test_impinj_is_asked_for_phase_and_fine_rssi() -> None:
    """Extensions are enabled first and selected in the report; other makers, or `extensions` off, get neither."""
    enable = again(rospec.enable_extensions(PLAIN, IMPINJ))
    assert enable.fields == {"VendorIdentifier": 25882, "MessageSubtype": 21, "Data": bytes(4)}
    custom = inside(again(rospec.add(PLAIN, IMPINJ)), "ROSpec", "ROReportSpec", "Custom")
    assert custom.fields["ParameterSubtype"] == 50
    assert custom.fields["Data"].hex(" ", 2) == "03ff 000e 0000 651a 0000 0034 0001 03ff 000e 0000 651a 0000 0035 0001"
    for settings, can in ((PLAIN, Capabilities()), (ReaderSettings("r", "h", extensions=False), IMPINJ)):
        assert rospec.enable_extensions(settings, can) is None
        assert inside(again(rospec.add(settings, can)), "ROSpec", "ROReportSpec").first("Custom") is None


def test_reader_config() -> None:
    """Keepalive in ms, the events we want, and holding only where the reader can."""
    message = again(rospec.set_reader_config(PLAIN, Capabilities(holds=True)))
    assert message.fields == {"ResetToFactoryDefault": False}
    assert inside(message, "KeepaliveSpec").fields == {"KeepaliveTriggerType": 1, "PeriodicTriggerValue": 5000}
    assert inside(message, "EventsAndReports").fields == {"HoldEventsAndReportsUponReconnect": True}
    states = inside(message, "ReaderEventNotificationSpec").every("EventNotificationState")
    on = {s.fields["EventType"] for s in states if s.fields["NotificationState"]}
    assert on == {1, 2, 3, 4, 8}
    assert again(rospec.set_reader_config(PLAIN, Capabilities())).first("EventsAndReports") is None


def test_inputs_and_outputs() -> None:
    """Inputs are enabled by port, outputs driven together, nothing is sent for no input."""
    assert rospec.enable_inputs(PLAIN, Capabilities()) is None
    inputs = again(rospec.enable_inputs(ReaderSettings("r", "h", gpi=(1, 3)), Capabilities())).parameters
    assert [(p.fields["GPIPortNum"], p.fields["Config"]) for p in inputs] == [(1, True), (3, True)]
    outputs = again(rospec.set_outputs({2: False, 1: True})).parameters
    assert [p.fields for p in outputs] == [
        {"GPOPortNumber": 1, "GPOData": True},
        {"GPOPortNumber": 2, "GPOData": False},
    ]


def test_silence_is_two_and_a_half_keepalives() -> None:
    """The watchdog's patience follows the keepalive."""
    assert PLAIN.silence == 12_500_000


def boundary(settings: ReaderSettings) -> list[Parameter]:
    """Start trigger, stop trigger and AISpecStopTrigger of our ROSpec."""
    message = again(rospec.add(settings, Capabilities()))
    around = inside(message, "ROSpec", "ROBoundarySpec")
    return [*around.parameters, inside(message, "ROSpec", "AISpec", "AISpecStopTrigger")]


def test_gpi_trigger() -> None:
    """The edge starts, the edge back or the time-out stops; START_ROSPEC is not ours to send; the input is enabled."""
    settings = ReaderSettings("r", "h", gpi=(3,), trigger=GpiTrigger(2, timeout=10_000_000))
    start, stop, aispec = boundary(settings)
    assert start.fields == {"ROSpecStartTriggerType": 3}
    assert [p.fields for p in start.parameters] == [{"GPIPortNum": 2, "GPIEvent": True, "Timeout": 0}]
    assert stop.fields == {"ROSpecStopTriggerType": 2, "DurationTriggerValue": 0}
    assert [p.fields for p in stop.parameters] == [{"GPIPortNum": 2, "GPIEvent": False, "Timeout": 10_000}]
    assert aispec.fields["AISpecStopTriggerType"] == 0
    assert rospec.start(settings, Capabilities()) is None
    enabled = again(rospec.enable_inputs(settings, Capabilities())).parameters
    assert [p.fields["GPIPortNum"] for p in enabled] == [2, 3]


@pytest.mark.parametrize(("timeout", "stop_type"), [(30_000_000, 1), (0, 0)])
def test_gpi_trigger_until_quiet(timeout: int, stop_type: int) -> None:
    """With `quiet` the inventory ends it when no new tag came for so long, whatever the input does."""
    start, stop, aispec = boundary(ReaderSettings("r", "h", trigger=GpiTrigger(1, False, timeout, 1_500_000)))
    assert [p.fields["GPIEvent"] for p in start.parameters] == [False]
    assert stop.fields == {"ROSpecStopTriggerType": stop_type, "DurationTriggerValue": timeout // 1000}
    assert stop.parameters == ()
    assert aispec.fields["AISpecStopTriggerType"] == 3
    (silence,) = aispec.parameters
    wanted = {"TriggerType": 1, "NumberOfTags": 0, "NumberOfAttempts": 0, "T": 1500, "Timeout": timeout // 1000}
    assert silence.fields == wanted


def test_quiet_by_new_tags_is_of_1_1() -> None:
    """LLRP 1.1 tells new tags from tags seen again (§11.2.2.1.1): agreed on, new ones are asked for."""
    settings = ReaderSettings("r", "h", trigger=QuietTrigger(2_000_000))
    (silence,) = inside(again(rospec.add(settings, NEWER)), "ROSpec", "AISpec", "AISpecStopTrigger").parameters
    assert label("TagObservationTriggerType", silence.fields["TriggerType"]) == (
        "Upon_Seeing_No_More_New_Unique_Tags_For_Tms_Or_Timeout"
    )
    assert silence.fields["T"] == 2000


@pytest.mark.parametrize(
    ("period", "every", "can", "trigger", "n"),
    [
        (250_000, 50, Capabilities(), "Upon_N_Tags_Or_End_Of_ROSpec", 50),
        (250_000, 50, NEWER, "Upon_N_Milliseconds_Or_End_Of_ROSpec", 250),
        (90_000_000, 50, NEWER, "Upon_N_Milliseconds_Or_End_Of_ROSpec", 65_535),
        (0, 50, NEWER, "Upon_N_Tags_Or_End_Of_ROSpec", 50),
        (250_000, 1, NEWER, "Upon_N_Tags_Or_End_Of_ROSpec", 1),
    ],
)
def test_report_trigger(period: int, every: int, can: Capabilities, trigger: str, n: int) -> None:
    """Reports of many tags in time: by the reader's own clock in LLRP 1.1 (N is then milliseconds), else N tags."""
    settings = ReaderSettings("r", "h", report_every=every, report_period=period)
    report = inside(again(rospec.add(settings, can)), "ROSpec", "ROReportSpec")
    assert label("ROReportTriggerType", report.fields["ROReportTrigger"]) == trigger
    assert report.fields["N"] == n
    assert rospec.timed(settings, can) is ("Milliseconds" in trigger)


def test_quiet_and_periodic_triggers() -> None:
    """Rounds are started by us and end by themselves; a period is the reader's own affair."""
    rounds = ReaderSettings("r", "h", trigger=QuietTrigger(2_000_000))
    start, stop, aispec = boundary(rounds)
    assert (start.fields["ROSpecStartTriggerType"], stop.fields["ROSpecStopTriggerType"]) == (0, 0)
    assert [p.fields["T"] for p in aispec.parameters] == [2000]
    assert rospec.start(rounds, Capabilities()) is not None
    periodic = ReaderSettings("r", "h", trigger=PeriodTrigger(10_000_000, 2_000_000))
    start, stop, aispec = boundary(periodic)
    assert start.fields == {"ROSpecStartTriggerType": 2}
    assert [p.fields for p in start.parameters] == [{"Offset": 0, "Period": 10_000}]
    assert stop.fields == {"ROSpecStopTriggerType": 1, "DurationTriggerValue": 2000}
    assert aispec.parameters == ()
    assert rospec.start(periodic, Capabilities()) is None


UNAWARE = "C1G2TagInventoryStateUnawareFilterAction"
INVENTORY = ("ROSpec", "AISpec", "InventoryParameterSpec")


def test_filters_are_selects_of_which_one_must_fit() -> None:
    """The first Select unselects the rest, further ones add; masks keep their length in bits."""
    filters = (Filter(1, 32, b"\x30\x34", 16), Filter(2, 0, b"\xe2\x80", 12))
    message = again(rospec.add(ReaderSettings("r", "h", filters=filters), Capabilities()))
    command = inside(message, *INVENTORY, "AntennaConfiguration", "C1G2InventoryCommand")
    found = [(p.first("C1G2TagInventoryMask"), p.first(UNAWARE)) for p in command.every("C1G2Filter")]
    assert [(mask.fields, action.fields["Action"]) for mask, action in found if mask and action] == [
        ({"MB": 1, "Pointer": 32, "TagMask": BitString(16, b"\x30\x34")}, 0),
        ({"MB": 2, "Pointer": 0, "TagMask": BitString(12, b"\xe2\x80")}, 1),
    ]


def test_every_antenna_has_its_power() -> None:
    """With powers of their own every antenna is named; air settings are alike."""
    settings = ReaderSettings("r", "h", antennas=(1, 2, 3), power_dbm=30.0, powers=((2, 19.0),), session=2)
    parts = inside(again(rospec.add(settings, POWERS)), *INVENTORY).parameters
    assert [p.fields["AntennaID"] for p in parts] == [1, 2, 3]
    assert [inside_part(p, "RFTransmitter").fields["TransmitPower"] for p in parts] == [4, 3, 4]
    air = [inside_part(p, "C1G2InventoryCommand") for p in parts]
    assert air[0] == air[1] == air[2]
    alone = ReaderSettings("r", "h", antennas=(1, 2), powers=((2, 19.0),))
    parts = inside(again(rospec.add(alone, POWERS)), *INVENTORY).parameters
    assert [p.fields["AntennaID"] for p in parts] == [2]


def inside_part(part: Parameter, name: str) -> Parameter:
    """A child."""
    found = part.first(name)
    assert found is not None
    return found


def test_the_least_is_without_what_a_reader_may_lack() -> None:
    """Power, air settings and extensions go; antennas, trigger, filters and the report stay."""
    settings = ReaderSettings(
        *("r", "h"),
        antennas=(1, 2),
        power_dbm=30.0,
        powers=((2, 19.0),),
        mode=3,
        session=2,
        tag_population=9,
        report_every=5,
        filters=(Filter(1, 32, b"\x30", 8),),
        trigger=GpiTrigger(1),
    )
    message = again(rospec.add_least(settings, Capabilities(manufacturer=25882, powers=POWERS.powers)))
    assert inside(message, "ROSpec", "AISpec").fields == {"AntennaIDs": (1, 2)}
    (antenna,) = inside(message, *INVENTORY).parameters
    assert [p.name for p in antenna.parameters] == ["C1G2InventoryCommand"]
    assert [p.name for p in antenna.parameters[0].parameters] == ["C1G2Filter"]
    assert inside(message, "ROSpec", "ROReportSpec").fields["N"] == 5
    assert inside(message, "ROSpec", "ROReportSpec").first("Custom") is None
    assert inside(message, "ROSpec", "ROBoundarySpec", "ROSpecStartTrigger").fields["ROSpecStartTriggerType"] == 3


def test_levels_and_antennas_are_asked_for_where_they_matter() -> None:
    """GET_READER_CONFIG for all ports at once, and not at all when no input or antenna is ours."""
    assert rospec.get_levels(PLAIN, Capabilities()) is None
    assert rospec.get_antennas(PLAIN, Capabilities()) is None
    settings = ReaderSettings("r", "h", gpi=(1,), antennas=(1,))
    for build, what in ((rospec.get_levels, 9), (rospec.get_antennas, 2)):
        asked = again(build(settings, Capabilities()))
        assert asked.fields == {"AntennaID": 0, "RequestedData": what, "GPIPortNum": 0, "GPOPortNum": 0}
