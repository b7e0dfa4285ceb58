"""The parts of a reader as devices: antennas that come and go, complaints that settle."""

import pytest

from gateway.model.inputs import Device, Row
from gateway.readers.llrp.coverage import TAGS
from gateway.readers.llrp.health import KEEP, PARTS_MOST, PATIENCE, Health
from gateway.readers.llrp.history import LONGEST


def states(told: list[Device]) -> list[tuple[str, str]]:
    """Device and state of each input."""
    return [(device.device, device.state) for device in told]


def test_antennas_are_told_once_per_change() -> None:
    """Each antenna is a device of its own, said when it is first known and when it changes, not at every connection."""
    health = Health("r")
    assert states(health.antenna(1, True)) == [("r/antenna-1", "up")]
    assert health.antenna(1, True) == []
    (fault,) = health.antenna(1, False)
    assert (fault.device, fault.state) == ("r/antenna-1", "fault")
    assert "antenna 1 is disconnected: check its cable" in fault.detail
    assert health.antenna(1, False) == []
    assert states(health.antenna(2, False)) == [("r/antenna-2", "fault")]
    assert states(health.antenna(1, True)) == [("r/antenna-1", "up")]


def test_complaints_settle() -> None:
    """LLRP never says that an exception is over: a while without another one is taken for it."""
    health = Health("r")
    (fault,) = health.complaint("too hot", None, 0)
    assert fault == Device("r/self", "fault", "the reader reports: too hot")
    assert health.complaint("still too hot", None, PATIENCE - 1) == []
    assert health.passed(PATIENCE) == []
    assert states(health.passed(2 * PATIENCE)) == [("r/self", "up")]
    assert health.passed(3 * PATIENCE) == []
    assert states(health.complaint("too hot", None, 3 * PATIENCE)) == [("r/self", "fault")]


def test_a_clock_that_was_set_settles() -> None:
    """Told once until a while has passed without another step; an exception meanwhile is a fault of its own."""
    health = Health("r")
    (fault,) = health.clock(-3_600_000_000, 0)
    assert (fault.device, fault.state) == ("r/clock", "fault")
    assert fault.detail == "its clock was set back by 1 h: give the reader NTP; times of reads are corrected"
    assert health.clock(5_000_000, PATIENCE // 2) == []
    assert states(health.complaint("hot", None, PATIENCE // 2)) == [("r/self", "fault")]
    assert health.passed(PATIENCE) == []
    assert sorted(states(health.passed(2 * PATIENCE))) == [("r/clock", "up"), ("r/self", "up")]
    assert states(health.clock(5_000_000, 3 * PATIENCE)) == [("r/clock", "fault")]


def test_a_complaint_about_an_antenna_is_the_antennas() -> None:
    """An exception that names an antenna is its fault, and being asked for meanwhile does not heal it."""
    health = Health("r")
    assert states(health.antenna(3, True)) == [("r/antenna-3", "up")]
    assert states(health.complaint("reflected power", 3, 0)) == [("r/antenna-3", "fault")]
    assert health.antenna(3, True) == []
    assert states(health.passed(PATIENCE)) == [("r/antenna-3", "up")]


def test_a_missing_antenna_does_not_settle() -> None:
    """The end of a complaint about an antenna that is disconnected does not bring it back."""
    health = Health("r")
    assert len(health.antenna(3, False)) == 1
    (both,) = health.complaint("reflected power", 3, 0)
    assert both.detail.endswith("connectors; the reader reports: reflected power")
    assert states(health.passed(PATIENCE)) == [("r/antenna-3", "fault")]
    assert states(health.antenna(3, True)) == [("r/antenna-3", "up")]


def test_a_mad_reader_cannot_fill_the_memory() -> None:
    """Antennas beyond any real reader's are not told apart."""
    health = Health("r")
    assert health.antenna(PARTS_MOST + 1, False) == []
    assert health.antenna(0, False) == []
    assert health.complaint("?", 65535, 0) == []


def test_an_antenna_that_reads_is_connected() -> None:
    """Some readers call an antenna missing that they read with: its reads prove them wrong."""
    health = Health("r")
    assert states(health.antenna(3, False)) == [("r/antenna-3", "fault")]
    assert health.read([(0, 2, "AA", None, None, None, None)]) == []
    assert states(health.read([(0, 3, "AA", None, None, None, None)])) == [("r/antenna-3", "up")]


def window(number: int, shares: dict[int, float]) -> list[Row]:
    """The reads of one window: tags new to it, each antenna seeing its share of them many times."""
    rows: list[Row] = []
    for tag in range(TAGS):
        for antenna, share in shares.items():
            rows += [(0, antenna, f"{number:08X}{tag:08X}", None, None, None, None)] * (2 if tag < share * TAGS else 0)
    return rows


WELL, DYING = {1: 1.0, 2: 0.8, 3: 0.02}, {1: 1.0, 2: 0.1, 3: 0.0}


def test_an_antenna_that_grows_weak_is_a_fault() -> None:
    """Seeing less than a quarter of what it used to, three windows running, is a fault until half of it is back."""
    health = Health("r", [(1, 2, 3), (7,)])
    for number in range(10):
        assert health.read(window(number, WELL)) == []
    told = [health.read(window(100 + number, DYING)) for number in range(6)]
    ((fault,),) = [devices for devices in told if devices]
    assert (fault.device, fault.state) == ("r/antenna-2", "fault")
    assert "antenna 2 sees 10% of the tags, it used to see 80%" in fault.detail
    assert health.read(window(200, {1: 1.0, 2: 0.3})) == []
    back = [device for number in range(2) for device in health.read(window(300 + number, WELL))]
    assert states(back) == [("r/antenna-2", "up")]


def test_what_is_not_judged() -> None:
    """Neither an antenna alone, nor one before it is known, nor a parked pallet that one antenna reads for hours."""
    health = Health("r", [(1, 2), (7,)])
    for number in range(4):
        assert health.read(window(number, {1: 1.0, 2: 0.8, 7: 1.0})) == []
    for number in range(3):  # the first of them still belongs to what is usual, the others are too few
        assert health.read(window(10 + number, {1: 1.0, 2: 0.0})) == []
    assert health.read([(0, 1, "AA", None, None, None, None)] * 10_000) == []
    assert health.read([(0, 0, "AA", None, None, None, None), (0, 9, "AA", None, None, None, None)]) == []


PORTALS = [(1, 2, 3), (7,)]


def taught(windows: int) -> Health:
    """A reader whose antennas see as usual for so many windows."""
    health = Health("r", PORTALS)
    for number in range(windows):
        assert health.read(window(number, WELL)) == []
    return health


def kept(health: Health) -> bytes:
    """What it gives away at the end."""
    data = health.due(0, end=True)
    assert data is not None
    return data


def test_an_antenna_is_judged_by_what_it_saw_in_an_earlier_life() -> None:
    """After a restart the first three poor windows are a fault; without the history they would be the usual."""
    for past, told in ((kept(taught(10)), 1), (b"", 0)):
        health = Health("r", PORTALS)
        assert not past or health.recall(past) == ""
        found = [device for number in range(3) for device in health.read(window(500 + number, DYING))]
        assert len(found) == told
        assert all("antenna 2 sees 10% of the tags, it used to see 80%" in device.detail for device in found)


def test_a_fault_outlives_the_gateway() -> None:
    """What was a fault is one after the restart, told once, until the antenna is well again."""
    health = taught(10)
    for number in range(4):
        health.read(window(100 + number, DYING))
    again = Health("r", PORTALS)
    assert again.recall(kept(health)) == ""
    (fault,) = again.standing()
    assert (fault.device, fault.state) == ("r/antenna-2", "fault")
    assert "antenna 2 sees 10% of the tags, it used to see 80%" in fault.detail
    assert again.standing() == []
    assert again.antenna(2, True) == []  # connected it is, and poor all the same
    assert states(again.read(window(200, WELL))) == [("r/antenna-2", "up")]


def test_a_portal_of_other_antennas_is_learnt_anew() -> None:
    """Shares are of a portal's tags: with another antenna in it they mean something else."""
    health = Health("r", [(1, 2)])
    assert health.recall(kept(taught(10))) == ""
    found = [device for number in range(3) for device in health.read(window(500 + number, DYING))]
    assert found == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\xff",
        b"[]",
        b"{}",
        b'{"portals": [{"antennas": {"1": {"usual": 7}}}]}',
        b'{"portals": [{"antennas": {"one": {}}}]}',
        b'{"portals": [{"antennas": {"1": {"windows": -1}}}]}',
        b'{"portals": [], "more": 1}',
        b'{"portals":' + b"[" * 60_000,
        b" " * (LONGEST + 1),
    ],
)
def test_a_history_that_cannot_be_read_is_counted_and_learnt_anew(data: bytes) -> None:
    """Whatever the file holds: a sentence, a count, and a reader that works as if there had been no file."""
    health = Health("r", PORTALS)
    assert health.recall(data)
    assert health.forgotten == 1
    for number in range(10):
        assert health.read(window(number, WELL)) == []
    assert health.recall(kept(health)) == ""


def test_the_history_is_given_away_now_and_then() -> None:
    """When windows were judged since, and not more often than `KEEP`; at the end when there is anything new."""
    health = Health("r", PORTALS)
    assert health.due(0) is None
    health.read(window(0, WELL))
    assert health.due(5) is not None
    health.read(window(1, WELL))
    assert health.due(KEEP) is None
    assert health.due(KEEP + 5) is not None
    assert health.due(KEEP + 5, end=True) is None
    health.read(window(2, WELL))
    assert health.due(KEEP + 6, end=True) is not None
