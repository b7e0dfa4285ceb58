"""What we ask of a reader: capabilities read, requests built, every field where the standard wants it."""

from pathlib import Path

import pytest

from gateway.readers.llrp import rospec
from gateway.readers.llrp.capabilities import Capabilities, read_capabilities
from gateway.readers.llrp.codec import Message, Parameter, decode, encode
from gateway.readers.llrp.settings import OUR_ROSPEC, ReaderSettings
from gateway.readers.llrp.tables import MESSAGES

RECORDED = Path(__file__).resolve().parents[2].parent / "shared/data/llrp/GetReaderCapabilitiesResponse-000.bytes"
PLAIN = ReaderSettings("r", "host")
IMPINJ = Capabilities(manufacturer=25882)
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
    assert on == {1, 3, 4, 8}
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
