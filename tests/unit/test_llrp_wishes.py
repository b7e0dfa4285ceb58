"""What was configured against what a reader can: modes by name, powers, filters, and the words for them."""

import pytest

from gateway.readers.llrp.capabilities import Capabilities, RfMode
from gateway.readers.llrp.modes import mode_number, names
from gateway.readers.llrp.settings import Filter, GpiTrigger, PeriodTrigger, QuietTrigger, ReaderSettings, Trigger
from gateway.readers.llrp.wishes import described, granted, unmet

TABLE = (RfMode(1, 640_000, 0, 2), RfMode(2, 320_000, 1, 2), RfMode(3, 274_000, 2, 3), RfMode(4, 170_600, 3, 3))
AUTOMATIC = RfMode(1000, 9_000_000, 3, 3)
PLAIN = Capabilities(manufacturer=1, modes=(1, 2, 3, 4), rf_modes=TABLE)
IMPINJ = Capabilities(manufacturer=25882, modes=(1, 2, 3, 4, 1000), rf_modes=(*TABLE, AUTOMATIC))
POWERS = Capabilities(powers=((1, 1000), (2, 1025), (3, 2000), (4, 3000)))


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("fast", 1),
        ("dense", 3),
        ("Robust", 4),
        ("AutoSetDenseReader", 1000),
        ("autoset dense-reader", 1000),
        ("x", None),
    ],
)
def test_modes_have_names(name: str, number: int | None) -> None:
    """Generic names are answered from the table, a maker's from its own list, however they are written."""
    assert mode_number(name, IMPINJ) == number


def test_modes_that_choose_by_themselves_are_not_compared() -> None:
    """Rows from 1000 on mean nothing: the fastest is the fastest of the others."""
    assert mode_number("fast", IMPINJ) == 1
    assert names(Capabilities()) == ()
    assert mode_number("fast", Capabilities()) is None


def test_another_makers_names_are_not_ours() -> None:
    """Impinj's numbers mean something else elsewhere, and one that the table does not list is not offered."""
    assert mode_number("AutoSetDenseReader", PLAIN) is None
    assert "MaxThroughput" not in names(IMPINJ)
    assert mode_number(77, PLAIN) == 77
    assert mode_number(None, PLAIN) is None


@pytest.mark.parametrize(
    ("wanted", "can", "says"),
    [
        ({"power_dbm": 27.0}, Capabilities(), "power 27.0 dBm is not set: the reader lists no powers"),
        ({"powers": ((1, 20.0), (2, 21.0))}, Capabilities(), "power 20.0, 21.0 dBm is not set"),
        ({"mode": 9}, PLAIN, "mode 9 is not in the reader's table (1, 2, 3, 4)"),
        ({"mode": "autoset"}, PLAIN, "mode 'autoset' is not known for this reader; it has fast, dense, robust"),
        ({"mode": "dense"}, Capabilities(), "no mode by name; give a number"),
        (
            {"filters": (Filter(1, 32, b"0", 8),) * 3},
            Capabilities(filters=2),
            "3 filters are configured, the reader ta",
        ),
        ({"version": 2}, PLAIN, "LLRP 1.1 is not spoken: the reader knows 1.0.1"),
        ({"report_period": 5}, PLAIN, "report_period does nothing while every tag is reported at once"),
        ({"gpi": (5,)}, Capabilities(gpis=4), "input 5 does not exist: the reader has 4"),
        ({"trigger": GpiTrigger(6)}, Capabilities(gpis=4), "input 6 does not exist"),
    ],
)
def test_a_wish_that_cannot_be_had_is_said(wanted: dict[str, object], can: Capabilities, says: str) -> None:
    """One sentence each, with what the reader has instead."""
    (sentence,) = unmet(ReaderSettings("r", "h", **wanted), can)  # type: ignore[arg-type]
    assert says in sentence


def test_wishes_that_can_be_had_are_not_complained_of() -> None:
    """Nothing is said of a configuration that fits."""
    settings = ReaderSettings("r", "h", power_dbm=20.0, mode="dense", gpi=(1,), report_every=9, report_period=5)
    assert list(unmet(settings, Capabilities(gpis=4, powers=((1, 2000),), rf_modes=TABLE, modes=(1, 2, 3, 4)))) == []


def test_the_power_that_is_set_is_said() -> None:
    """The nearest listed power stands beside the wanted one, with the antennas that share it."""
    assert granted(ReaderSettings("r", "h", power_dbm=29.6), POWERS) == "; power 30 dBm (wanted 29.6)"
    each = ReaderSettings("r", "h", antennas=(1, 2, 3), power_dbm=10.0, powers=((2, 21.0),))
    assert granted(each, POWERS) == "; antennas 1, 3 at 10 dBm; antenna 2 at 20 dBm (wanted 21)"
    assert granted(ReaderSettings("r", "h", antennas=(1, 2), powers=((2, 20.0),)), POWERS) == "; antenna 2 at 20 dBm"
    assert granted(ReaderSettings("r", "h", powers=((2, 20.0),)), POWERS) == "; antenna 2 at 20 dBm"
    assert granted(each, Capabilities()) == ""
    assert granted(ReaderSettings("r", "h", mode="dense"), PLAIN) == "; mode dense is 3"


@pytest.mark.parametrize(
    ("trigger", "says"),
    [
        (GpiTrigger(2), "reads when input 2 goes high, until it leaves that"),
        (GpiTrigger(2, False, 30_000_000, 1_500_000), "input 2 goes low, until 1.5 s without a new tag, 30 s at most"),
        (QuietTrigger(2_000_000), "reads in rounds that end after 2 s without a new tag"),
        (PeriodTrigger(10_000_000, 500_000), "reads 0.5 s every 10 s"),
    ],
)
def test_the_trigger_is_said(trigger: Trigger, says: str) -> None:
    """Whoever wonders why nothing is read finds the reason in the reader's state."""
    assert says in described(ReaderSettings("r", "h", trigger=trigger), Capabilities())
