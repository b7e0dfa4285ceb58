"""Live reads for a technician: what is counted, and what stands on the screen."""

import json

import msgspec
from rich.console import Console

from gateway.app.hearing import TAGS_MOST, Hearing
from gateway.cli.watch import DECISIONS, HOLD, Picture
from gateway.model.inputs import Read, Reads
from gateway.model.settings import Antenna, Portal, Settings

DOCK = Portal("dock-1", "hall", (Antenna("r1", 1, "outer"), Antenna("r1", 2, "inner", "right")))
GATE = Portal("dock-2", "hall", (Antenna("r2", 1),))
SITE = Settings(site="s", gateway="g", portals=(DOCK, GATE))


def shown(picture: Picture) -> str:
    """The picture as text."""
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115 (the console owns it)
    console.print(picture.render())
    console.file.close()
    return console.export_text()


def heard(*antennas: tuple[str, int, int]) -> bytes:
    """A line: (reader, antenna, reads) within 250 ms."""
    hearing = Hearing()
    for reader, antenna, reads in antennas:
        rows = tuple((0, antenna, f"3{number:03d}", -60.0 + number % 10) for number in range(reads))
        hearing.note(Reads(reader, rows, ("at", "antenna", "epc", "rssi")))
    return hearing.line()


def test_reads_tags_and_peaks_are_counted_per_antenna_and_then_forgotten() -> None:
    """Each line says what came since the last one; reads without level or of odd shape are no trouble."""
    hearing = Hearing()
    hearing.note(
        Reads("r1", ((1, 2, "AA", -50.5), (1, 2, "AA", -48.0), (1, 1, "BB", None)), ("at", "antenna", "epc", "rssi"))
    )
    hearing.note(Reads("r1", (("CC", 1),), ("epc", "antenna")))
    hearing.note(Reads("r1", ((1,),), ("at",)))
    hearing.note(Read("r0", 1, "DD", rssi=-70.0))
    assert json.loads(hearing.line())["antennas"] == [
        {"reader": "r0", "antenna": 1, "reads": 1, "tags": 1, "peak": -70.0},
        {"reader": "r1", "antenna": 1, "reads": 2, "tags": 2, "peak": None},
        {"reader": "r1", "antenna": 2, "reads": 2, "tags": 1, "peak": -48.0},
    ]
    assert json.loads(hearing.line())["antennas"] == []


def test_ten_thousand_tags_cost_bounded_memory() -> None:
    """Beyond a bound tags are no longer told apart; reads are counted on."""
    hearing = Hearing()
    for number in range(10_000):
        hearing.note(Read("r1", 1, f"{number:024X}", rssi=-60.0))
    (one,) = json.loads(hearing.line())["antennas"]
    assert (one["reads"], one["tags"]) == (10_000, TAGS_MOST)


def test_a_bar_is_as_long_as_the_antenna_is_busy() -> None:
    """Every antenna of the site has its line, by portal; a faster one has the longer bar, a silent one none."""
    picture = Picture(SITE)
    picture.take(msgspec.json.decode(heard(("r1", 1, 80), ("r1", 2, 20))), b"")
    outer, inner, other = (line for line in shown(picture).splitlines() if "dock-" in line)
    assert (outer.count("█"), inner.count("█"), other.count("█")) == (24, 6, 0)
    assert "320" in outer
    assert "-51.0" in outer
    assert "inner" in inner
    assert "dock-2" in other


def test_one_portal_alone_and_antennas_of_none() -> None:
    """With --portal only its antennas are shown; without it, an antenna that belongs to no portal is shown, too."""
    line = heard(("r1", 1, 80), ("stranger", 7, 20))
    whole, one = Picture(SITE), Picture(SITE, "dock-2")
    for picture in (whole, one):
        picture.take(msgspec.json.decode(line), b"")
    assert "stranger/7" in shown(whole)
    assert "dock-1" not in shown(one)
    assert "stranger" not in shown(one)


def test_a_silent_antenna_fades_and_decisions_scroll() -> None:
    """After its last read an antenna's numbers go; of the decisions the newest stay."""
    picture = Picture(SITE)
    picture.take(msgspec.json.decode(heard(("stranger", 7, 20))), b"")
    for _ in range(HOLD + 1):
        picture.take(msgspec.json.decode(heard()), b"")
    assert "stranger" not in shown(picture)
    for number in range(DECISIONS + 3):
        line = json.dumps({"kind": "event", "seq": number, "topic": "t"}).encode()
        picture.take(json.loads(line), line)
    text = shown(picture)
    assert "#2 " not in text
    assert f"#{DECISIONS + 2} " in text
