"""Playbooks of the LLRP session: bytes in, bytes and events out. The reader's side is packed by hand."""

from struct import pack, unpack_from

import pytest

from gateway.model.inputs import COLUMNS, Gpi, Reads
from gateway.readers.llrp.capabilities import Capabilities
from gateway.readers.llrp.handshake import STEPS, State
from gateway.readers.llrp.happenings import (
    Answered,
    AntennaChange,
    ClockJump,
    Closed,
    Notice,
    ReaderException,
    ReaderFault,
    Ready,
)
from gateway.readers.llrp.session import Session
from gateway.readers.llrp.settings import OUR_ROSPEC, GpiTrigger, PeriodTrigger, QuietTrigger, ReaderSettings, Trigger

SECOND = 1_000_000
READER_EPOCH = 1_000_000_000 * SECOND  # the reader's clock at steady 0
WALL_EPOCH = 1_795_243_331 * SECOND  # ours
NAMES = {
    1: "GET_READER_CAPABILITIES",
    2: "GET_READER_CONFIG",
    3: "SET_READER_CONFIG",
    14: "CLOSE_CONNECTION",
    20: "ADD_ROSPEC",
    21: "DELETE_ROSPEC",
    22: "START_ROSPEC",
    24: "ENABLE_ROSPEC",
    26: "GET_ROSPECS",
    46: "GET_SUPPORTED_VERSION",
    47: "SET_PROTOCOL_VERSION",
    60: "GET_REPORT",
    64: "ENABLE_EVENTS_AND_REPORTS",
    72: "KEEPALIVE_ACK",
    1023: "CUSTOM_MESSAGE",
}
RESPONSE = {1: 11, 2: 12, 3: 13, 14: 4, 20: 30, 21: 31, 22: 32, 24: 34, 26: 36, 46: 56, 47: 57, 1023: 1023}
LEAK = 200  # µs by which the clock's offset grows in a second
EPC = bytes.fromhex("3034257bf7194e4000001a85")


def frame(kind: int, number: int, body: bytes = b"") -> bytes:
    """A message of the reader."""
    return pack(">HII", 1 << 10 | kind, len(body) + 10, number) + body


def status(code: int = 0, text: bytes = b"") -> bytes:
    """An LLRPStatus."""
    return pack(">HHHH", 287, 8 + len(text), code, len(text)) + text


def spec(state: int = 2, number: int = OUR_ROSPEC) -> bytes:
    """A ROSpec, of which nothing but id and state matters."""
    return pack(">HHIBB", 177, 10, number, 0, state)


def notification(at: int, event: bytes, uptime: bool = False) -> bytes:
    """A READER_EVENT_NOTIFICATION at the reader's instant `at`."""
    inside = pack(">HHQ", 129 if uptime else 128, 12, at) + event
    return frame(63, 0, pack(">HH", 246, 4 + len(inside)) + inside)


def attempt(result: int) -> bytes:
    """A ConnectionAttemptEvent."""
    return pack(">HHH", 256, 6, result)


def tag(at: int, antenna: int | None = 1, uptime: bool = False, epc: bytes = b"\x8d" + EPC) -> bytes:
    """A TagReportData."""
    inside = epc
    if antenna is not None:
        inside += pack(">BH", 0x81, antenna) + pack(">Bb", 0x86, -55)
    if at:
        inside += pack(">BQ", 0x85 if uptime else 0x84, at)
    return pack(">HH", 240, 4 + len(inside)) + inside


def general(manufacturer: int) -> bytes:
    """GeneralDeviceCapabilities of a small reader."""
    inside = pack(">HHII", 2, 0, manufacturer, 7) + pack(">H", 3) + b"1.0" + pack(">HHHH", 141, 8, 2, 3)
    return pack(">HH", 137, 4 + len(inside)) + inside


class Playbook:
    """Both sides of one conversation: the session, and a reader that says yes unless told otherwise."""

    def __init__(self, manufacturer: int = 1, **settings: object) -> None:
        self.session = Session(ReaderSettings("dock-1", "host", **settings))  # type: ignore[arg-type]
        self.session.opened(0)
        self.now = 0
        self.manufacturer = manufacturer
        self.refuse: dict[str, str] = {}  # request → "status" or "error": how it is refused
        self.refuse_once: dict[str, str] = {}
        self.mute: set[str] = set()
        self.found = b""  # what GET_READER_CONFIG is answered with
        self.specs = spec()  # what GET_ROSPECS is answered with
        self.sent: list[tuple[str, int, bytes]] = []
        self.versions: list[int] = []  # of what was sent
        self.supported = (1, 2)  # current and highest LLRP version of the reader
        self.told: list[object] = []

    def hear(self, data: bytes) -> "Playbook":
        """The reader says this; whatever the session answers is answered in turn."""
        self.session.receive_data(data, self.now, self.now + WALL_EPOCH)
        return self.settle()

    def settle(self) -> "Playbook":
        """Play the reader until both are silent."""
        while True:
            self.told += self.session.events()
            out = self.session.data_to_send()
            if not out:
                return self
            replies, position = b"", 0
            while position < len(out):
                head, length, number = unpack_from(">HII", out, position)
                self.versions.append(head >> 10)
                body = out[position + 10 : position + length]
                assert len(body) == length - 10
                position += length
                self.sent.append((NAMES[head & 0x3FF], number, body))
                replies += self.reply(head & 0x3FF, number)
            self.session.receive_data(replies, self.now, self.now + WALL_EPOCH)

    def reply(self, kind: int, number: int) -> bytes:
        """The reader's answer to one request."""
        name = NAMES[kind]
        refusal = self.refuse_once.pop(name, self.refuse.get(name))
        if name in self.mute:
            return b""
        if refusal == "error":
            return frame(100, number, status(109, b"unsupported"))
        if kind not in RESPONSE:
            return b""
        body = status(101, b"no") if refusal == "status" else status()
        if kind == 2 and refusal is None:
            body += self.found
        if kind == 26 and refusal is None:
            body += self.specs
        if kind == 1 and refusal is None:
            body += general(self.manufacturer)
        if kind == 46:
            body = bytes(self.supported) + body
        if kind == 1023:
            body = pack(">IB", 25882, 22) + body
        return frame(RESPONSE[kind], number, body)

    def greet(self, result: int = 0) -> "Playbook":
        """The reader accepts the connection, or not."""
        return self.hear(notification(READER_EPOCH + self.now, attempt(result)))

    def later(self, microseconds: int) -> "Playbook":
        """Time passes; the session is called at each deadline on the way."""
        until = self.now + microseconds
        while (deadline := self.session.deadline) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.session.on_deadline(self.now)
            self.settle()
        self.now = until
        return self

    def names(self) -> list[str]:
        """Names of what we sent."""
        return [name for name, _, _ in self.sent]

    def of(self, kind: type) -> list[object]:
        """Events of one kind."""
        return [event for event in self.told if isinstance(event, kind)]


def fault(play: Playbook) -> ReaderFault:
    """The one fault told."""
    (found,) = play.of(ReaderFault)
    assert isinstance(found, ReaderFault)
    assert play.session.state is State.FAILED
    assert play.session.deadline is None
    return found


HANDSHAKE = [
    *("GET_READER_CAPABILITIES", "SET_READER_CONFIG", "DELETE_ROSPEC", "ADD_ROSPEC", "ENABLE_ROSPEC", "START_ROSPEC"),
    "ENABLE_EVENTS_AND_REPORTS",
]


def test_handshake_in_order() -> None:
    """We wait to be greeted, then each request follows the answer to the one before; ids never repeat."""
    play = Playbook()
    assert play.settle().sent == []
    play.greet()
    assert play.names() == HANDSHAKE
    assert [number for _, number, _ in play.sent] == list(range(1, 8))
    assert set(play.versions) == {1}
    assert play.told == [Ready("manufacturer 1, model 7, firmware 1.0, 2 antennas, 2 inputs, 3 outputs")]
    assert play.session.ready
    assert play.session.capabilities == Capabilities(
        manufacturer=1, model=7, firmware="1.0", antennas=2, gpis=2, gpos=3
    )


def test_handshake_with_everything() -> None:
    """Impinj extensions come before the configuration, inputs after it, a takeover deletes all and then ours."""
    play = Playbook(manufacturer=25882, gpi=(1, 2), takeover=True).greet()
    assert play.names() == [
        *("GET_READER_CAPABILITIES", "CUSTOM_MESSAGE", "SET_READER_CONFIG", "SET_READER_CONFIG", "GET_READER_CONFIG"),
        *("DELETE_ROSPEC", "DELETE_ROSPEC", *HANDSHAKE[3:]),
    ]
    deleted = [int.from_bytes(body, "big") for name, _, body in play.sent if name == "DELETE_ROSPEC"]
    assert deleted == [0, OUR_ROSPEC]


def test_only_our_own_rospec_is_deleted() -> None:
    """Without takeover another client's ROSpecs are left alone (sllurp deletes all)."""
    play = Playbook().greet()
    assert [body for name, _, body in play.sent if name == "DELETE_ROSPEC"] == [OUR_ROSPEC.to_bytes(4, "big")]


def test_every_step_leads_somewhere() -> None:
    """From the table alone: every state is reached, and yes all the way leads to reading."""
    reached = {State.VERSION}
    for step in STEPS.values():
        reached |= {step.accepted, step.refused, step.unanswered}
    assert set(STEPS) <= reached
    state, seen = State.VERSION, []
    while state in STEPS:
        seen.append(state)
        state = STEPS[state].accepted
    assert state is State.READING
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("how", ["status", "error"])
@pytest.mark.parametrize("name", ["CUSTOM_MESSAGE", "DELETE_ROSPEC"])
def test_a_refused_optional_request_is_lived_with(name: str, how: str) -> None:
    """Defects D4 and D6: no extensions, nothing to delete: noted, and the handshake goes on to reading."""
    play = Playbook(manufacturer=25882, takeover=True)
    play.refuse[name] = how
    play.greet()
    assert play.session.ready
    assert any(isinstance(event, Notice) and f"{name} (" in event.text for event in play.told)


def test_error_message_to_enable_events_is_tolerated() -> None:
    """Defect D4: two foreign readers answer ERROR_MESSAGE to ENABLE_EVENTS_AND_REPORTS; we read all the same."""
    play = Playbook()
    play.refuse["ENABLE_EVENTS_AND_REPORTS"] = "error"
    play.greet()
    assert play.session.ready
    (notice,) = play.of(Notice)
    assert "ENABLE_EVENTS_AND_REPORTS refused, going on without it: M_UnsupportedMessage (109)" in str(notice)


@pytest.mark.parametrize("name", ["GET_READER_CAPABILITIES", "ADD_ROSPEC", "ENABLE_ROSPEC", "START_ROSPEC"])
def test_a_refused_essential_request_is_a_fault(name: str) -> None:
    """Defect D5: the session ends saying what was refused and why, so that the driver can be started again."""
    play = Playbook()
    play.refuse[name] = "status"
    found = fault(play.greet())
    assert found.refused
    assert f"{name} refused: M_FieldError (101), no" in found.text
    assert ("takeover" in found.text) is (name == "ADD_ROSPEC")


def test_a_refused_configuration_is_tried_with_less() -> None:
    """A reader that does not know one of our events gets the least we need; only refusing that is a fault."""
    play = Playbook()
    play.refuse["SET_READER_CONFIG"] = "status"
    assert fault(play.greet()).refused
    first, second = [body for name, _, body in play.sent if name == "SET_READER_CONFIG"]
    assert len(second) < len(first)


@pytest.mark.parametrize("result", [1, 2, 3])
def test_refused_connection(result: int) -> None:
    """A reader that is taken, or refuses us, is a fault with advice; no request is sent."""
    play = Playbook().greet(result)
    found = fault(play)
    assert found.refused
    assert ("another client" in found.text and "ask" in found.text) is (result < 3)
    assert play.sent == []


def test_another_clients_attempt_is_noted() -> None:
    """While we read, somebody else's attempt is worth a line, no more."""
    play = Playbook().greet()
    play.greet(4)
    assert play.session.ready
    assert "another client tried" in str(play.of(Notice))


def test_no_greeting() -> None:
    """A port that accepts and says nothing is a fault when the time to connect is over."""
    play = Playbook(connect=3 * SECOND)
    assert play.session.deadline == 3 * SECOND
    found = fault(play.later(3 * SECOND))
    assert not found.refused
    assert "did not greet within 3 s" in found.text


def test_bytes_do_not_put_off_the_greeting() -> None:
    """A port that keeps talking but never greets is given up at the same instant as a silent one."""
    play = Playbook(connect=3 * SECOND)
    while play.session.deadline is not None and play.now < 10 * SECOND:
        play.hear(frame(62, 1)).later(SECOND)
    assert "did not greet within 3 s" in fault(play).text
    assert play.now == 3 * SECOND


def test_an_unanswered_request_is_a_fault() -> None:
    """Where sllurp waits for ever we wait `answer`, and keepalives meanwhile do not count as the answer."""
    play = Playbook(answer=4 * SECOND)
    play.mute.add("ADD_ROSPEC")
    play.greet().later(3 * SECOND).hear(frame(62, 4))
    assert not play.of(ReaderFault)
    found = fault(play.later(1 * SECOND))
    assert not found.refused
    assert "ADD_ROSPEC (add) was not answered within 4 s" in found.text


def test_an_error_fails_only_its_own_request() -> None:
    """An ERROR_MESSAGE with another id than any request's is noted and changes nothing."""
    play = Playbook()
    play.mute.add("ENABLE_ROSPEC")
    play.greet().hear(frame(100, 99, status(401, b"hot")))
    assert play.session.state is State.ENABLE
    assert "R_DeviceError (401), hot" in str(play.of(Notice))
    play.hear(frame(34, play.sent[-1][1], status()))
    assert play.session.ready


def test_answers_are_matched_by_id_and_type() -> None:
    """The right response with a wrong id, and another response with the right id, are passed over and counted."""
    play = Playbook()
    play.mute.add("START_ROSPEC")
    play.greet()
    number = play.sent[-1][1]
    play.hear(frame(32, number + 50, status()) + frame(31, number, status()))
    assert play.session.state is State.START
    assert play.session.unexpected == 2
    play.hear(frame(32, number, status()))
    assert play.session.ready


def test_keepalive_is_acknowledged_at_once() -> None:
    """Each KEEPALIVE is answered with its id, in any state, in the same turn."""
    play = Playbook()
    play.hear(frame(62, 41))
    play.greet().hear(frame(62, 42) + frame(62, 43))
    acks = [(number, body) for name, number, body in play.sent if name == "KEEPALIVE_ACK"]
    assert acks == [(41, b""), (42, b""), (43, b"")]


def test_silence_is_a_fault() -> None:
    """Defect D3: no byte for two and a half keepalives ends the session; any byte starts the count anew."""
    play = Playbook(keepalive=2 * SECOND).greet()
    play.later(4_900_000).hear(frame(62, 1)).later(4_900_000)
    assert play.session.ready
    found = fault(play.later(100_000))
    assert "silent for 5.0 s" in found.text
    assert not found.refused


def test_bytes_without_messages_are_a_fault() -> None:
    """A length that lies by a megabyte swallows reports and keepalives: the link is not kept for its bytes alone."""
    play = Playbook().greet()
    play.hear(pack(">HII", 0x043D, 1_000_000, 0))
    for _ in range(9):
        play.later(4 * SECOND).hear(frame(62, 1) + frame(61, 0, tag(READER_EPOCH)))
    play.later(SECOND)
    assert play.session.ready
    play.later(SECOND)
    text = fault(play).text
    assert "for 37.5 s no message that means anything" in text
    assert f"{10 + 9 * len(frame(62, 1) + frame(61, 0, tag(READER_EPOCH)))} bytes of one that does not end" in text
    assert not play.of(Reads)


def test_nonsense_is_a_fault_but_one_keepalive_among_it_is_not() -> None:
    """Frames without meaning do not keep the link; a keepalive does, whatever comes with it."""
    nonsense = frame(900, 1, b"?") + pack(">HII", 5 << 10 | 61, 10, 0) + frame(61, 0, b"\x00")
    lost, kept = Playbook().greet(), Playbook().greet()
    for number in range(100):
        lost.later(SECOND)
        if lost.session.ready:
            lost.hear(nonsense)
        kept.later(SECOND).hear(nonsense + (frame(62, 1) if number % 5 == 0 else b""))
    assert "no message that means anything" in fault(lost).text
    assert kept.session.ready


def test_a_hold_of_ours_is_not_the_readers_silence() -> None:
    """While the house is busy the driver calls `hold`: an ack goes out unasked and the watchdog waits."""
    play = Playbook(keepalive=2 * SECOND).greet()
    play.now = 4 * SECOND
    play.session.hold(play.now)
    assert play.settle().sent[-1] == ("KEEPALIVE_ACK", 0, b"")
    assert play.session.deadline == 9 * SECOND


def test_reads_come_in_gateway_time() -> None:
    """`at` is the reader's instant plus the offset learnt from the greeting, not the time of arrival."""
    play = Playbook().greet()
    play.now = 60 * SECOND
    old, new = READER_EPOCH + 5 * SECOND, READER_EPOCH + 60 * SECOND
    play.hear(frame(61, 0, tag(old) + tag(new, 2)) + frame(61, 0, tag(new, 3)))
    (reads,) = play.of(Reads)
    assert isinstance(reads, Reads)
    assert reads.reader == "dock-1"
    assert reads.columns == COLUMNS
    assert [row[0] - WALL_EPOCH for row in reads.reads] == [5 * SECOND, 60 * SECOND, 60 * SECOND]
    assert [row[1] for row in reads.reads] == [1, 2, 3]
    assert reads.reads[0][2:] == (EPC.hex().upper(), -55, None, None, None)
    assert play.session.tags == 3


def test_a_step_of_our_clock_moves_reads_with_it() -> None:
    """When the gateway's wall clock is set, the next reads are in the new time, and no deadline fires."""
    play = Playbook().greet()
    play.now = SECOND
    play.session.receive_data(frame(61, 0, tag(READER_EPOCH + SECOND)), play.now, WALL_EPOCH + 3600 * SECOND + play.now)
    (reads,) = play.settle().of(Reads)
    assert isinstance(reads, Reads)
    assert reads.reads[0][0] == WALL_EPOCH + 3601 * SECOND + LEAK
    assert play.session.ready


def test_a_reader_with_only_uptime() -> None:
    """A reader without UTC is put right by the same filter, from the greeting or from its first report."""
    greeted = Playbook()
    greeted.hear(notification(500, attempt(0), uptime=True))
    greeted.now = SECOND
    greeted.hear(frame(61, 0, tag(500 + SECOND - 7000, uptime=True)) + frame(61, 0, tag(500 + SECOND, uptime=True)))
    fresh = Playbook().greet()  # UTC in events, uptime in reports
    fresh.now = SECOND
    fresh.hear(frame(61, 0, tag(90, uptime=True) + tag(100, uptime=True)))
    for play, ats in ((greeted, [SECOND - 7000 + LEAK, SECOND + LEAK]), (fresh, [SECOND - 10, SECOND])):
        (reads,) = play.of(Reads)
        assert isinstance(reads, Reads)
        assert [row[0] - WALL_EPOCH for row in reads.reads] == ats


def test_reads_without_any_time_get_ours() -> None:
    """Where neither the report nor the one before it told a time, the time of arrival must do."""
    play = Playbook(manufacturer=25882).greet()
    play.now = 7
    play.hear(frame(61, 0, tag(0)))
    (reads,) = play.of(Reads)
    assert isinstance(reads, Reads)
    assert reads.reads[0][0] == WALL_EPOCH + 7


@pytest.mark.parametrize("by", [3600 * SECOND, -3600 * SECOND])
def test_a_reader_whose_clock_is_set_is_told_once_and_followed(by: int) -> None:
    """An hour forward or back: never a read of the future, right again within seconds, and somebody hears of it."""
    play = Playbook().greet()
    ages = []
    for number in range(1, 200):
        play.now = number * SECOND // 10
        play.hear(frame(61, 0, tag(READER_EPOCH + play.now + (by if number >= 100 else 0))))
        reads = play.of(Reads)[-1]
        assert isinstance(reads, Reads)
        ages.append(WALL_EPOCH + play.now - reads.reads[0][0])
    assert min(ages) >= -1_000  # what the offset may leak
    assert max(ages[:99] + ages[155:]) < SECOND // 100
    (jump,) = play.of(ClockJump)
    assert isinstance(jump, ClockJump)
    assert abs(jump.by - by) < SECOND // 100
    assert play.session.jumps == 1
    assert play.session.untimely == (by > 0)


@pytest.mark.parametrize("instant", [1, 2**64 - 1, 2**63])
def test_times_that_cannot_be_are_times_of_arrival(instant: int) -> None:
    """A reader that says 0 or the end of time of a tag has no time for it; the reads around it keep theirs."""
    play = Playbook().greet()
    play.now = 60 * SECOND
    whole = tag(READER_EPOCH + 50 * SECOND) + tag(instant, 2) + tag(READER_EPOCH + 58 * SECOND, 3)
    play.hear(frame(61, 0, whole) + notification(instant, pack(">HHHB", 248, 7, 2, 0x80)))
    (reads,) = play.of(Reads)
    assert isinstance(reads, Reads)
    first, odd, last = (row[0] - WALL_EPOCH for row in reads.reads)
    assert abs(first - 50 * SECOND) < SECOND // 50
    assert odd == 60 * SECOND
    assert abs(last - 58 * SECOND) < SECOND // 50
    assert play.of(Gpi) == [Gpi("dock-1", 2, True, WALL_EPOCH + 60 * SECOND)]
    assert play.session.untimely == 2
    assert not play.of(ClockJump)


def test_an_epc_of_odd_bits_tells_its_length() -> None:
    """Defect D8: nine bits come as their own input with a column `bits`, in order between the others."""
    play = Playbook().greet()
    odd = tag(READER_EPOCH, epc=bytes.fromhex("00f1 0008 0009 ff80"))
    play.hear(frame(61, 0, tag(READER_EPOCH) + odd + tag(READER_EPOCH)))
    first, middle, last = play.of(Reads)
    assert isinstance(middle, Reads)
    assert middle.columns == (*COLUMNS, "bits")
    assert middle.reads[0][2] == "FF80"
    assert middle.reads[0][7] == 9
    assert isinstance(first, Reads)
    assert first == last


@pytest.mark.parametrize(("manufacturer", "antenna"), [(1, 4), (25882, 0)])
def test_absent_antenna_is_the_last_one_except_for_impinj(manufacturer: int, antenna: int) -> None:
    """Defect D9: an enabled but absent parameter is unchanged; Impinj leaves out what it does not know."""
    play = Playbook(manufacturer).greet()
    play.hear(frame(61, 0, tag(READER_EPOCH, 4)) + frame(61, 0, tag(READER_EPOCH, None)))
    (reads,) = play.of(Reads)
    assert isinstance(reads, Reads)
    assert [row[1] for row in reads.reads] == [4, antenna]


def test_gpi_edges_keep_their_place_among_reads() -> None:
    """An edge is told at its corrected instant, after the reads before it and before those behind it."""
    play = Playbook().greet()
    play.now = SECOND
    edge = notification(READER_EPOCH + SECOND // 2, pack(">HHHB", 248, 7, 2, 0x80))
    play.hear(frame(61, 0, tag(READER_EPOCH)) + edge + frame(61, 0, tag(READER_EPOCH + SECOND)))
    assert [type(event) for event in play.told[-3:]] == [Reads, Gpi, Reads]
    assert play.told[-2] == Gpi("dock-1", 2, True, WALL_EPOCH + SECOND // 2 + LEAK)


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (pack(">HHBH", 255, 7, 0, 3), "antenna 3 disconnected"),
        (pack(">HHBH", 255, 7, 1, 3), "antenna 3 connected"),
        (pack(">HHH", 252, 9, 3) + b"hot", "exception: hot"),
        (pack(">HHB", 250, 5, 80), "80 % full"),
        (pack(">HH", 251, 4), "lost reports"),
    ],
)
def test_what_the_reader_complains_of_is_noted(event: bytes, text: str) -> None:
    """Antenna, exception and buffer events become lines a technician can act on."""
    play = Playbook().greet()
    play.hear(notification(READER_EPOCH, event))
    assert text in str(play.of(Notice))
    assert play.session.ready
    assert play.session.overflows == (text == "lost reports")


def test_singulation_details_do_not_end_anything() -> None:
    """Defect D2: an AISpecEvent with C1G2SingulationDetails ended sllurp's thread; the reads behind it arrive."""
    play = Playbook().greet()
    details = pack(">HHBIH", 254, 16, 0, OUR_ROSPEC, 1) + pack(">BHH", 0x92, 3, 4)
    play.hear(notification(READER_EPOCH, details) + frame(61, 0, tag(READER_EPOCH)))
    assert len(play.of(Reads)) == 1
    assert play.session.rejected == 0


def test_a_malformed_message_in_a_good_frame_is_counted_and_passed_over() -> None:
    """A bad report, notification or response is rejected, the reads behind it arrive, the log is not flooded."""
    play = Playbook().greet()
    bad = frame(61, 0, tag(READER_EPOCH)[:-1]) + frame(63, 0, b"\x00") + frame(13, 7, b"\x01\x1f") + frame(30, 1)
    strange = pack(">HII", 5 << 10 | 61, 10, 0)
    for _ in range(25):
        play.hear(bad + strange)
    play.hear(frame(61, 0, tag(READER_EPOCH)))
    assert play.session.ready
    assert play.session.rejected == 100
    assert play.session.unexpected == 25
    assert len(play.of(Reads)) == 1
    assert len(play.of(Notice)) == 7 + 5  # at 1, 2, 4 … 64, and 1 … 16


def test_unknown_messages_and_parameters_are_passed_over() -> None:
    """A message of a later standard is counted as unexpected; an unknown parameter changes nothing."""
    play = Playbook().greet()
    unknown = pack(">HH", 1000, 6) + b"??"
    play.hear(frame(900, 1, b"future") + frame(61, 0, tag(READER_EPOCH) + unknown))
    assert play.session.unexpected == 1
    assert play.session.rejected == 0
    assert len(play.of(Reads)) == 1


def test_a_wrong_length_ends_the_session_after_what_was_good() -> None:
    """The reads before the break are told, then the fault; nothing afterwards is looked at."""
    play = Playbook().greet()
    play.hear(frame(61, 0, tag(READER_EPOCH)) + pack(">HII", 0x043D, 3, 0))
    assert [type(event) for event in play.told[-2:]] == [Reads, ReaderFault]
    assert not fault(play).refused
    play.hear(frame(61, 0, tag(READER_EPOCH)))
    assert len(play.of(Reads)) == 1


def test_a_new_session_knows_nothing_of_the_old_ones_bytes() -> None:
    """Defect D1: half a report of the last connection cannot swallow the greeting of the next."""
    first = Playbook().greet()
    first.hear(frame(61, 0, tag(READER_EPOCH))[:20])
    assert Playbook().greet().session.ready


def test_byte_by_byte() -> None:
    """The whole conversation one byte at a time is the same conversation."""
    stream = notification(READER_EPOCH, attempt(0)) + frame(61, 0, tag(READER_EPOCH)) + frame(62, 9)
    whole, slow = Playbook().hear(stream), Playbook()
    for byte in stream:
        slow.hear(bytes((byte,)))
    assert sorted(map(str, slow.told)) == sorted(map(str, whole.told))
    assert sorted(slow.sent) == sorted(whole.sent)


def test_a_keepalive_behind_a_backlog_is_acknowledged_in_time() -> None:
    """While more waits than was read, one ack goes in each interval unasked; on a link that keeps up none does."""
    play = Playbook().greet()
    for number in range(1, 31):
        play.now = number * SECOND
        play.session.receive_data(frame(61, 0, tag(READER_EPOCH)), play.now, play.now + WALL_EPOCH)
        play.session.behind(play.now)
        play.settle()
    assert play.names().count("KEEPALIVE_ACK") == 6
    for number in range(7, 13):
        play.now = number * 5 * SECOND
        play.hear(frame(62, number))
        play.session.behind(play.now)
        play.settle()
    assert play.names().count("KEEPALIVE_ACK") == 12


def test_outputs_are_confirmed() -> None:
    """Setting outputs is answered with the id it was given: yes, no, or not in time."""
    play = Playbook(keepalive=60 * SECOND).greet()
    yes = play.session.set_outputs({1: True}, play.now)
    play.settle()
    play.refuse["SET_READER_CONFIG"] = "status"
    no = play.session.set_outputs({9: True}, play.now)
    play.settle()
    play.mute.add("SET_READER_CONFIG")
    late = play.session.set_outputs({1: False, 2: True}, play.now)
    play.settle().later(5 * SECOND)
    assert play.of(Answered) == [
        Answered(yes),
        Answered(no, "M_FieldError (101), no", True),
        Answered(late, "SET_READER_CONFIG was not answered within 5 s"),
    ]
    assert play.session.ready
    assert play.sent[-1][2] == b"\x00" + pack(">HHHB", 219, 7, 1, 0) + pack(">HHHB", 219, 7, 2, 0x80)


def test_the_time_to_answer_a_command_runs_from_the_command() -> None:
    """On a quiet link the last byte may be seconds old: that must not shorten the time a light has."""
    play = Playbook().greet()
    play.mute = {"SET_READER_CONFIG"}
    play.now = 4 * SECOND + 999_000
    number = play.session.set_outputs({1: True}, play.now)
    play.settle().hear(frame(62, 1))
    play.now = 9 * SECOND
    play.hear(frame(13, number, status()))
    assert play.of(Answered) == [Answered(number)]


@pytest.mark.parametrize("mute", [False, True])
def test_goodbye(mute: bool) -> None:
    """CLOSE_CONNECTION is sent once, and the session is closed when it is answered or the time is over."""
    play = Playbook().greet()
    play.mute |= {"CLOSE_CONNECTION"} if mute else set()
    play.session.close(play.now)
    play.session.close(play.now)
    play.settle().later(5 * SECOND)
    assert play.names().count("CLOSE_CONNECTION") == 1
    assert play.of(Closed) == [Closed()]
    assert play.session.deadline is None
    assert not play.of(ReaderFault)


@pytest.mark.parametrize("ours", [False, True])
def test_the_readers_goodbye(ours: bool) -> None:
    """A ConnectionCloseEvent is a fault, unless it answers our own close."""
    play = Playbook().greet()
    play.mute.add("CLOSE_CONNECTION")
    if ours:
        play.session.close(play.now)
    play.settle().hear(notification(READER_EPOCH, pack(">HH", 257, 4)))
    assert len(play.of(Closed)) == ours
    assert len(play.of(ReaderFault)) == (not ours)


def test_wishes_that_cannot_be_had_are_noted() -> None:
    """Power without a power table is said, not silently dropped."""
    play = Playbook(power_dbm=27.0).greet()
    assert play.session.ready
    assert "power 27.0 dBm is not set" in str(play.of(Notice))


# ----------------------------------------------------------------------------------------------- portal control


def level(port: int, state: int) -> bytes:
    """GPIPortCurrentState."""
    return pack(">HHHBB", 225, 8, port, 0x80, state)


def antenna(port: int, connected: bool) -> bytes:
    """AntennaProperties."""
    return pack(">HHBHh", 221, 9, 0x80 * connected, port, 0)


def life(event: int, rospec: int = OUR_ROSPEC, other: int = 0) -> bytes:
    """A ROSpecEvent: 0 started, 1 ended, 2 preempted."""
    return notification(READER_EPOCH, pack(">HHBII", 249, 13, event, rospec, other))


def test_levels_and_antennas_are_known_once_connected() -> None:
    """Levels of our inputs come as edges of this instant, antennas as changes; what is not ours or unknown does not."""
    play = Playbook(gpi=(1, 2, 3), antennas=(1, 2))
    play.now = SECOND
    play.found = level(1, 1) + level(2, 0) + level(3, 2) + level(4, 1) + antenna(1, True) + antenna(2, False)
    play.found += antenna(3, False)
    play.greet()
    assert play.names().count("GET_READER_CONFIG") == 2
    assert play.of(Gpi)[:2] == [
        Gpi("dock-1", 1, True, WALL_EPOCH + SECOND),
        Gpi("dock-1", 2, False, WALL_EPOCH + SECOND),
    ]
    assert play.of(AntennaChange)[-2:] == [AntennaChange(1, True), AntennaChange(2, False)]
    assert "antenna 2 is not connected: check its cable" in str(play.of(Notice))
    assert "antenna 3" not in str(play.told)


@pytest.mark.parametrize("how", ["status", "error", "mute"])
def test_levels_that_cannot_be_had_are_lived_with(how: str) -> None:
    """A reader that refuses GET_READER_CONFIG, or never answers it, is read all the same."""
    play = Playbook(gpi=(1,), antennas=(1,), answer=SECOND)
    if how == "mute":
        play.mute.add("GET_READER_CONFIG")
    else:
        play.refuse["GET_READER_CONFIG"] = how
    play.greet().later(2 * SECOND)
    assert play.session.ready
    assert str(play.of(Notice)).count("going on without it") == 2


def test_an_exception_names_its_antenna() -> None:
    """The antenna of a ReaderExceptionEvent comes along, and both kinds are counted."""
    play = Playbook().greet()
    body = pack(">H", 3) + b"hot"
    play.hear(notification(READER_EPOCH, pack(">HH", 252, 9) + body))
    play.hear(notification(READER_EPOCH, pack(">HH", 252, 12) + body + pack(">BH", 0x81, 3)))
    assert play.of(ReaderException) == [ReaderException("hot"), ReaderException("hot", 3)]
    assert play.session.exceptions == 2


def test_a_rospec_that_ended_is_started_again() -> None:
    """Where we read always, an end or a preemption is noticed and undone after a moment, and said."""
    play = Playbook().greet()
    play.hear(life(2, other=7))
    assert "ROSpec 7 of another program took the reader's radio" in str(play.of(Notice))
    play.later(SECOND // 10)
    assert play.names().count("START_ROSPEC") == 1
    play.later(SECOND // 10)
    assert play.names().count("START_ROSPEC") == 2
    play.hear(life(0)).later(5 * SECOND)
    assert play.names().count("START_ROSPEC") == 2
    assert "although nothing should end it" not in str(play.of(Notice))
    play.hear(life(1)).later(SECOND)
    assert play.names().count("START_ROSPEC") == 3
    assert "although nothing should end it; it is started again" in str(play.of(Notice))
    assert play.session.upkeep.ended == 2


def test_an_old_end_starts_nothing() -> None:
    """The end of the last connection's ROSpec, held until now, is followed by the start of ours."""
    play = Playbook().greet()
    play.hear(life(1) + life(0)).later(2 * SECOND)
    assert play.names().count("START_ROSPEC") == 1
    assert not play.of(Notice)


@pytest.mark.parametrize("trigger", [None, GpiTrigger(1)])
def test_a_rospec_that_somebody_took_away_is_set_up_anew(trigger: Trigger | None) -> None:
    """Deleted or disabled behind our back, without an event: noticed within a minute, though keepalives go on."""
    for specs, says in ((b"", "no longer on the reader"), (spec(0), "disabled"), (spec(2, 7), "no longer on the")):
        play = Playbook(trigger=trigger).greet()
        play.specs = spec(2 if trigger is None else 1) + spec(0, 7)
        for _ in range(30):
            play.later(4 * SECOND).hear(frame(62, 1))
        assert play.session.ready
        assert play.names().count("GET_ROSPECS") == 2
        play.specs = specs
        for _ in range(15):
            if play.session.ready:
                play.hear(frame(62, 1)).later(4 * SECOND)
        found = fault(play)
        assert says in found.text
        assert not found.refused


def test_a_rospec_that_ended_without_an_event_is_started_again() -> None:
    """A reader that tells no ROSpecEvents: the look of every minute finds it inactive."""
    play = Playbook().greet()
    play.specs = spec(1)
    for _ in range(16):
        play.later(4 * SECOND).hear(frame(62, 1))
    assert play.names().count("START_ROSPEC") == 2
    assert "although nothing should end it; it is started again" in str(play.of(Notice))


@pytest.mark.parametrize("how", ["error", "status", "mute", "nonsense"])
def test_a_reader_that_cannot_tell_its_rospecs_is_asked_once(how: str) -> None:
    """Refused, not answered, or not to be understood: that is all the look costs."""
    play = Playbook().greet()
    play.refuse = {"GET_ROSPECS": how} if how in ("error", "status") else {}
    play.mute = {"GET_ROSPECS"} if how == "mute" else set()
    play.specs = b"\x00" if how == "nonsense" else spec()
    for _ in range(50):
        play.later(4 * SECOND).hear(frame(62, 1))
    assert play.session.ready
    assert play.names().count("GET_ROSPECS") == 1


def test_others_rospecs_are_not_our_affair() -> None:
    """Events of another client's ROSpec change nothing."""
    play = Playbook().greet()
    play.hear(life(1, 7)).later(2 * SECOND)
    assert play.names().count("START_ROSPEC") == 1
    assert not play.of(Notice)


def test_a_rospec_that_cannot_be_started_again_is_a_fault() -> None:
    """After five refusals, a second apart, the session ends, so that everything is set up anew."""
    play = Playbook(keepalive=60 * SECOND).greet()
    play.refuse["START_ROSPEC"] = "status"
    play.hear(life(1)).later(4 * SECOND)
    assert play.session.ready
    found = fault(play.later(2 * SECOND))
    assert found.refused
    assert "our ROSpec ended and cannot be started again: START_ROSPEC refused: M_FieldError (101), no" in found.text
    assert play.names().count("START_ROSPEC") == 6


def test_a_restart_without_an_answer_is_tried_again() -> None:
    """START_ROSPEC that is swallowed while reading costs its time to answer, not the link."""
    play = Playbook(keepalive=60 * SECOND, answer=SECOND).greet()
    play.mute.add("START_ROSPEC")
    play.hear(life(1)).later(2 * SECOND)
    play.mute.clear()
    play.later(5 * SECOND)
    assert play.session.ready
    assert play.names().count("START_ROSPEC") == 3


def test_what_is_overdue_together_ends_together() -> None:
    """The fifth unanswered start ends the session just when a light is overdue too: one fault, and no error escapes."""
    play = Playbook(keepalive=60 * SECOND).greet()
    play.mute = {"START_ROSPEC", "SET_READER_CONFIG"}
    play.hear(life(1))
    while play.names().count("START_ROSPEC") < 6:
        play.later(SECOND // 10)
    play.session.set_outputs({1: True}, play.now)
    play.settle().later(6 * SECOND)
    assert "cannot be started again" in fault(play).text


def test_rounds_follow_each_other_at_once() -> None:
    """A round that ended by quiet is followed by the next in the same turn, silently, but never in a storm."""
    play = Playbook(trigger=QuietTrigger(SECOND), keepalive=60 * SECOND).greet()
    play.later(SECOND).hear(life(1)).later(0)
    assert play.names().count("START_ROSPEC") == 2
    play.hear(life(0) + life(1)).later(0)
    assert play.names().count("START_ROSPEC") == 2
    play.later(SECOND // 5)
    assert play.names().count("START_ROSPEC") == 3
    assert not play.of(Notice)


@pytest.mark.parametrize("trigger", [GpiTrigger(1), PeriodTrigger(10 * SECOND, SECOND)])
def test_a_triggered_rospec_may_end(trigger: Trigger) -> None:
    """Reading that a trigger began ends by itself: nothing is sent, nothing said, the session lives."""
    play = Playbook(trigger=trigger, keepalive=60 * SECOND).greet()
    play.hear(life(0)).later(SECOND).hear(life(1)).later(20 * SECOND)
    assert "START_ROSPEC" not in play.names()
    assert play.session.ready
    assert not play.of(Notice)


@pytest.mark.parametrize(("state", "starts"), [(0, 0), (1, 1), (2, 0)])
def test_an_edge_that_went_unseen_is_made_up_for(state: int, starts: int) -> None:
    """The input already stands at the trigger's level when we connect: no edge will come, so we start it."""
    play = Playbook(trigger=GpiTrigger(2), keepalive=60 * SECOND)
    play.found = level(2, state)
    play.greet()
    assert play.names().count("START_ROSPEC") == starts
    play = Playbook(trigger=GpiTrigger(2), keepalive=60 * SECOND)
    play.found, play.refuse["START_ROSPEC"] = level(2, state), "status"
    play.greet().later(10 * SECOND)
    assert play.session.ready
    assert len(play.of(Notice)) == starts


def test_reports_are_asked_for_in_time() -> None:
    """`report_period` bounds the wait for `report_every` tags by GET_REPORT, until a reader does not know that."""
    play = Playbook(report_every=50, report_period=SECOND // 4, keepalive=60 * SECOND).greet()
    play.later(SECOND)
    assert play.names().count("GET_REPORT") == 4
    play.refuse["GET_REPORT"] = "error"
    play.later(SECOND)
    assert play.names().count("GET_REPORT") == 5
    assert "GET_REPORT refused, going on without it" in str(play.of(Notice))
    assert play.session.unexpected == 0


def test_a_refused_rospec_is_tried_with_less() -> None:
    """A reader that cannot set our power or mode reads without them, and that is said."""
    play = Playbook(mode=5, session=2)
    play.refuse_once["ADD_ROSPEC"] = "status"
    play.greet()
    assert play.session.ready
    assert "ADD_ROSPEC (add) refused, going on without it" in str(play.of(Notice))
    first, second = [body for name, _, body in play.sent if name == "ADD_ROSPEC"]
    assert len(second) < len(first)


# ----------------------------------------------------------------------------------------------- LLRP 1.1

NEGOTIATION = ["GET_SUPPORTED_VERSION", "SET_PROTOCOL_VERSION"]


def report_trigger(play: Playbook) -> tuple[int, int]:
    """ROReportTrigger and N of the last ROSpec sent."""
    body = next(body for name, _, body in reversed(play.sent) if name == "ADD_ROSPEC")
    place = body.rindex(pack(">H", 237))
    trigger, n = unpack_from(">BH", body, place + 4)
    return trigger, n


def test_a_newer_version_is_agreed_on() -> None:
    """Both questions go out in version 2 before anything else, and so does everything after them, acks included."""
    play = Playbook(version=2).greet()
    assert play.names() == NEGOTIATION + HANDSHAKE
    assert play.sent[1][2] == b"\x02"
    play.hear(pack(">HII", 2 << 10 | 62, 10, 5))
    play.session.hold(play.now)
    play.session.set_outputs({1: True}, play.now)
    play.settle()
    assert set(play.versions) == {2}
    assert play.session.ready
    (ready,) = play.of(Ready)
    assert str(ready).count("LLRP 1.1") == 1
    assert not play.of(Notice)


def test_reports_and_events_of_a_newer_version_are_read() -> None:
    """Frames of either version are taken on one connection: the greeting came in 1.0.1."""
    play = Playbook(version=2).greet()
    data = frame(61, 0, tag(READER_EPOCH))
    play.hear(pack(">H", 2 << 10 | 61) + data[2:] + data)
    assert [len(event.reads) for event in play.of(Reads) if isinstance(event, Reads)] == [2]


@pytest.mark.parametrize("how", ["status", "error"])
@pytest.mark.parametrize("name", NEGOTIATION)
def test_a_refused_version_is_lived_with(name: str, how: str) -> None:
    """A 1.0.1 reader answers ERROR_MESSAGE, another a status: either way 1.0.1 is spoken, and that is said."""
    play = Playbook(version=2)
    play.refuse[name] = how
    play.greet()
    asked = NEGOTIATION[: NEGOTIATION.index(name) + 1]
    assert play.names() == asked + HANDSHAKE
    assert play.versions == [2] * len(asked) + [1] * len(HANDSHAKE)
    assert play.session.ready
    notices = str(play.of(Notice))
    assert f"{name} (version" in notices
    assert "LLRP 1.1 is not spoken: the reader knows" in notices


def test_a_reader_that_knows_only_the_old_version() -> None:
    """It knows the question but nothing newer: nothing is set, 1.0.1 is spoken."""
    play = Playbook(version=2)
    play.supported = (1, 1)
    assert play.greet().names() == NEGOTIATION[:1] + HANDSHAKE
    assert play.versions == [2] + [1] * len(HANDSHAKE)


def test_a_reader_of_a_version_to_come() -> None:
    """The highest that both know is 1.1, whatever else the reader may know."""
    play = Playbook(version=2)
    play.supported = (1, 7)
    assert play.greet().names() == NEGOTIATION + HANDSHAKE
    assert play.sent[1][2] == b"\x02"


def test_a_version_that_is_spoken_already_is_not_set_again() -> None:
    """SET_PROTOCOL_VERSION may be said once; a reader that is at 1.1 is taken at its word."""
    play = Playbook(version=2)
    play.supported = (2, 2)
    assert play.greet().names() == NEGOTIATION[:1] + HANDSHAKE
    assert set(play.versions) == {2}


def test_a_reader_silent_to_the_question_is_read_all_the_same() -> None:
    """GET_SUPPORTED_VERSION unanswered costs its time, not the reader; an answer too late changes nothing."""
    play = Playbook(version=2, answer=SECOND, keepalive=60 * SECOND)
    play.mute.add("GET_SUPPORTED_VERSION")
    play.greet().later(SECOND)
    assert play.session.ready
    assert play.names() == NEGOTIATION[:1] + HANDSHAKE
    play.hear(frame(56, 1, b"\x01\x02" + status()))
    assert play.session.unexpected == 1
    assert play.session.capabilities.version == 1


def test_silence_after_the_choice_is_a_fault() -> None:
    """SET_PROTOCOL_VERSION unanswered: nobody knows which version the reader takes now, so the link is given up."""
    play = Playbook(version=2, answer=SECOND)
    play.mute.add("SET_PROTOCOL_VERSION")
    found = fault(play.greet().later(SECOND))
    assert not found.refused
    assert "SET_PROTOCOL_VERSION (version, to be set) was not answered within 1 s" in found.text
    assert play.session.fell is State.VERSION_SET


def test_a_newer_reader_reports_in_time_by_itself() -> None:
    """With LLRP 1.1 the reader keeps `report_period`, and is not asked for reports."""
    wanted = {"report_every": 50, "report_period": SECOND // 4, "keepalive": 60 * SECOND}
    play = Playbook(version=2, **wanted).greet().later(SECOND)
    assert report_trigger(play) == (6, 250)
    assert "GET_REPORT" not in play.names()
    play = Playbook(**wanted).greet().later(SECOND)
    assert report_trigger(play) == (2, 50)
    assert play.names().count("GET_REPORT") == 4


def test_a_newer_reader_without_the_newer_triggers_is_asked() -> None:
    """It agreed on 1.1 and refuses the trigger: the ROSpec goes again with one of 1.0.1, and reports are asked for."""
    play = Playbook(version=2, report_every=50, report_period=SECOND // 4, keepalive=60 * SECOND)
    play.refuse_once["ADD_ROSPEC"] = "status"
    play.greet().later(SECOND)
    assert report_trigger(play) == (2, 50)
    assert play.names().count("GET_REPORT") == 4
    assert set(play.versions) == {2}
