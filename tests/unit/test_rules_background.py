"""Background: what is known of a tag outside passages, and by which row of antennas."""

from gateway.rules.background import AWAY, FOLLOWS, Background, Known
from gateway.rules.beams import INNER, MIDDLE, OUTER
from gateway.rules.reads import NO_TONE, Heard
from gateway.rules.tracks import Layout, tracks

S = 1_000_000
A = "A" * 24
PLACE = Layout((INNER, OUTER, MIDDLE), (2, 2, 2))


def reads(antenna: int, *seconds: int, rssi: float = -50.0) -> list[Heard]:
    """Of one tag, by one antenna of PLACE."""
    return [(at * S, antenna, A, rssi, NO_TONE) for at in seconds]


def test_reads_are_counted_by_the_row_of_the_antenna_that_heard_them() -> None:
    """Outside passages, and in those in which it stayed; what the middle row heard is the rest."""
    background = Background({}, PLACE.rows)
    background.hear([*reads(0, 1, 2, 3), *reads(1, 4, 5), *reads(2, 6)])
    levels = dict.fromkeys((0, 1, 2), -500)
    assert background.known[A] == Known(level=-500, reads=6, first=S, last=6 * S, outer=2, inner=3, levels=levels)
    background.hear(reads(1, 7))
    assert (background.known[A].reads, background.known[A].outer, background.known[A].inner) == (7, 3, 3)
    heard = [*reads(0, 10, 11), *reads(1, 12, 13, 14, 15)]
    background.stayed(tracks(heard, 0, 60 * S, 0, PLACE).values())
    known = background.known[A]
    assert (known.reads, known.outer, known.inner, known.strayed) == (13, 7, 5, 1)


def test_each_antenna_has_its_usual_level() -> None:
    """Which follows what it hears now by one part in FOLLOWS: of its own reads outside passages, or where it stayed."""
    background = Background({}, PLACE.rows)
    background.hear([(S, 0, A, -50.0, NO_TONE), (2 * S, 0, A, -52.0, NO_TONE), (3 * S, 1, A, -60.0, NO_TONE)])
    assert background.known[A].levels == {0: -510, 1: -600}
    background.hear([(4 * S, 0, A, -47.0, NO_TONE)])
    assert background.known[A].levels == {0: -510 + 40 // FOLLOWS, 1: -600}
    heard = [(10 * S, 1, A, -64.0, NO_TONE), (11 * S, 2, A, -70.0, NO_TONE)]
    background.stayed(tracks(heard, 0, 60 * S, 0, PLACE).values())
    assert background.known[A].levels == {0: -500, 1: -600 - 40 // FOLLOWS, 2: -700}
    background.moved([A], 12 * S, "in")
    assert background.known[A].levels == {}


def test_where_it_went_it_stands_anew() -> None:
    """Of what moved nothing is known but that it did, until AWAY later: it is on its way as long as that."""
    background = Background({}, PLACE.rows)
    background.hear(reads(0, 1, 2, 3))
    background.moved([A], 4 * S, "in")
    background.hear(reads(1, 5))
    assert background.known[A] == Known(last=4 * S, moved=4 * S, way="in", passed=1)
    later = 4 + AWAY // S
    background.hear(reads(1, later))
    assert (background.known[A].reads, background.known[A].outer, background.known[A].inner) == (1, 1, 0)
