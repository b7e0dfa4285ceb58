"""The parts of a reader as devices: antennas that come and go, complaints that settle."""

from gateway.model.inputs import Device, Row
from gateway.readers.llrp.coverage import TAGS
from gateway.readers.llrp.health import PARTS_MOST, PATIENCE, Health


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
