"""A first look survives whatever a reader answers."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.readers.llrp.codec import CodecError, Message, decode
from gateway.readers.llrp.frames import HEADER
from gateway.readers.llrp.settings import ReaderSettings
from gateway.readers.llrp.survey import Heard, lines, plain, spoken, survey
from simulators.llrp import Reader
from simulators.llrp.wire import Message as SimMessage
from simulators.llrp.wire import pack


def _answer(name: str, **fields: int) -> bytes:
    answer = Reader("dock-1").answer(SimMessage(name, fields, id=1))
    assert answer is not None
    return pack(answer)


CAPABILITIES = _answer("GET_READER_CAPABILITIES", RequestedData=0)
CONFIGURATION = _answer("GET_READER_CONFIG", AntennaID=0, RequestedData=0, GPIPortNum=0, GPOPortNum=0)
BYTES = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=8)


def mutated(frame: bytes, changes: list[tuple[int, int]]) -> Message | None:
    """The frame with some bytes changed, decoded; None when it cannot be."""
    changed = bytearray(frame)
    for position, value in changes:
        changed[HEADER.size + position % (len(frame) - HEADER.size)] = value
    head, _, number = HEADER.unpack_from(frame)
    try:
        return decode(head, number, bytes(changed[HEADER.size :]))
    except CodecError:
        return None


@given(BYTES, BYTES, st.integers(0, 5), st.one_of(st.none(), st.integers(-(2**60), 2**63)))
def test_any_answer_makes_a_survey_that_can_be_printed(
    capabilities: list[tuple[int, int]], configuration: list[tuple[int, int]], status: int, clock: int | None
) -> None:
    """Mutated answers that still decode become a survey, lines of printable text, and JSON; nothing is raised."""
    heard = Heard("192.0.2.1", 5084, status=status, clock=clock)
    heard.capabilities = mutated(CAPABILITIES, capabilities)
    heard.configuration = mutated(CONFIGURATION, configuration)
    settings = ReaderSettings("r", "r", antennas=(1, 9), gpi=(7,), power_dbm=12.3, mode="dense", takeover=True)
    found = survey(heard, settings)
    assert all(line.isprintable() for line in lines(found))
    assert msgspec.json.decode(msgspec.json.encode(found))["host"] == "192.0.2.1"


@given(st.text() | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")))
def test_texts_of_readers_become_plain(text: str) -> None:
    """Whatever a reader calls itself can be printed on a terminal and encoded."""
    assert plain(text).isprintable()
    plain(text).encode()


@given(st.integers(-(2**62), 2**62))
def test_durations_are_spoken(us: int) -> None:
    """Every duration has words, at most two units of them."""
    assert 1 < len(spoken(us).split()) <= 4
