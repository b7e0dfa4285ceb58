"""The conversation with one reader: bytes in, bytes and events out (houses: sans-I/O). No clock, no socket.

The order of the handshake is the table `handshake.STEPS`; nothing else decides what comes next:

    greeting ─ConnectionAttemptEvent─▶ version ─▶ capabilities ─▶ extensions ─▶ config ─▶ inputs ─▶ levels ─▶ …
    ─▶ takeover ─▶ clear ─▶ add ─▶ enable ─▶ start ─▶ reading         (a step whose message is None is passed over)

A request belongs to its message id. An ERROR_MESSAGE fails only the request whose id it carries; a refused step goes
where its row says. A message that cannot be decoded is counted in `rejected` and passed over. Nothing that arrives
raises. Once the session has `failed` it only waits to be thrown away, together with its socket.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from gateway.model.inputs import Gpi
from gateway.readers.llrp import rospec
from gateway.readers.llrp.capabilities import Capabilities, agreed, read_capabilities, read_versions
from gateway.readers.llrp.codec import CodecError, Message, Parameter, decode
from gateway.readers.llrp.fast import IMPINJ
from gateway.readers.llrp.frames import Framer
from gateway.readers.llrp.handshake import STEPS, State
from gateway.readers.llrp.happenings import Answered, ClockJump, Closed, Notice, ReaderFault, Ready, SessionEvent
from gateway.readers.llrp.intake import Intake
from gateway.readers.llrp.liveness import Liveness
from gateway.readers.llrp.notifications import found, happened, not_welcome
from gateway.readers.llrp.requests import Pending, Requests
from gateway.readers.llrp.settings import VERSION_1_0_1, VERSION_1_1, ReaderSettings
from gateway.readers.llrp.tables import MESSAGES, RESPONSES, label
from gateway.readers.llrp.upkeep import Upkeep
from gateway.readers.llrp.wishes import TAKE_OVER, described, unmet

_REPORT, _KEEPALIVE, _NOTIFICATION = (
    MESSAGES[name].number for name in ("RO_ACCESS_REPORT", "KEEPALIVE", "READER_EVENT_NOTIFICATION")
)
_VERSIONS = (VERSION_1_0_1, VERSION_1_1)
_REPORTS = tuple(version << 10 | _REPORT for version in _VERSIONS)


class Session:
    """One connection's conversation; made new for every connection, owned by one driver.

    `now` is any steady clock in µs and `wall` the gateway's time in µs UTC at the same instant: deadlines live on the
    first, the times of reads on the second. Counters are plain ints to be read at any time.
    """

    def __init__(self, settings: ReaderSettings) -> None:
        self.settings = settings
        self.state = State.GREETING
        self.capabilities = Capabilities()
        self.rejected = 0
        """Messages that could not be decoded."""
        self.unexpected = 0
        """Messages that nobody waited for."""
        self.overflows = 0
        """Times the reader said it lost reports for want of memory."""
        self.exceptions = 0
        """Exceptions the reader reported."""
        self.jumps = 0
        """Times the reader's clock was set while we listened."""
        self.fell: State | None = None
        """The state in which the session failed."""
        self.upkeep = Upkeep(settings)
        self._framer = Framer()
        self._intake = Intake(settings.id)
        self._requests = Requests(settings.answer)
        self._events: list[SessionEvent] = []
        self._levels: dict[int, bool] = {}  # of inputs, as they were when asked for
        self._open = False
        self._alive = Liveness(settings, 0)
        self._now = self._epoch = 0  # epoch: gateway time minus steady time

    # -- what the driver calls ------------------------------------------------------------------------------------

    def opened(self, now: int) -> None:
        """The connection stands; the reader speaks first."""
        self._open, self._now = True, now
        self._alive = Liveness(self.settings, now)

    def receive_data(self, data: bytes, now: int, wall: int | None = None) -> None:
        """Bytes arrived. Never raises: what is wrong with them becomes events."""
        if self.state in (State.FAILED, State.CLOSED):
            return
        self._now = self._alive.heard = now
        self._epoch = 0 if wall is None else wall - now
        bodies: list[bytes] = []  # of reports that came one after the other
        for head, number, body in self._framer.feed(data):
            if head & 0x1FFF in _REPORTS:
                bodies.append(body)
                continue
            if bodies:
                self._report(bodies)
                bodies = []
            if head >> 10 & 7 not in _VERSIONS:
                self._reject(f"message of LLRP version {head >> 10 & 7}")
            else:
                self._message(head, number, body)
        if bodies:
            self._report(bodies)
        if self._framer.error is not None:
            self._fail(str(self._framer.error), refused=False)
        self._flush()

    def data_to_send(self) -> bytes:
        """Bytes to write, once."""
        return self._requests.taken()

    def events(self) -> list[SessionEvent]:
        """What happened since the last call, in order."""
        events, self._events = self._events, []
        return events

    @property
    def deadline(self) -> int | None:
        """When `on_deadline` wants to be called (steady µs); None before `opened` and after the end."""
        if not self._open or self.state in (State.FAILED, State.CLOSED):
            return None
        if self.state is State.GREETING:
            return self._alive.greet_by
        first = self._requests.deadline
        if self.state is State.READING:
            return min(at for at in (first, self._alive.deadline, self.upkeep.deadline) if at is not None)
        return first

    def on_deadline(self, now: int) -> None:
        """Time has passed. Calling early does nothing."""
        deadline = self.deadline
        if deadline is None or now < deadline:
            return
        self._now = now
        if self.state is State.GREETING:
            self._fail(
                f"connected, but it did not greet within {self.settings.connect / 1e6:g} s: "
                "is this an LLRP port, and is the reader up?",
                refused=False,
            )
        elif self.state is State.READING and (text := self._alive.lost(now, self._framer.waiting)):
            self._fail(text, refused=False)
        else:
            self._time_out(now)
            self._keep_up(now)

    def _keep_up(self, now: int) -> None:
        """Send what is due while reading."""
        if self.state is not State.READING:
            return
        for message in self.upkeep.due(now):
            if message.name in RESPONSES:
                self._request(message, State.READING)
            else:
                self._requests.tell(message)
        self._events += map(Notice, self.upkeep.remarks)
        self.upkeep.remarks.clear()

    def hold(self, now: int) -> None:
        """The driver could not read until now, because the house is busy. The reader's keepalives stand unread behind
        its reports, so one is acknowledged unasked, and the silence so far is ours, not the reader's.
        """
        self._now = now
        self._alive.excuse(now)
        if self.state is State.READING:
            self._requests.acknowledge(0, now)

    def behind(self, now: int) -> None:
        """More bytes wait than the driver took. A keepalive among them is old when its turn comes, for there may be
        megabytes before it; so one is acknowledged in each interval all the same.
        """
        if self.state is State.READING and now - self._requests.acked >= self.settings.keepalive:
            self._now = now
            self._requests.acknowledge(0, now)

    def set_outputs(self, levels: Mapping[int, bool], now: int) -> int:
        """Drive general purpose outputs (port → level); `Answered` comes with the id given here."""
        self._now = now  # the time to answer runs from here, not from the last byte
        return self._request(rospec.set_outputs(levels), None)

    def close(self, now: int) -> None:
        """Say goodbye; `Closed` follows when the reader has answered."""
        self._now = now
        if self.state in (State.FAILED, State.CLOSED, State.CLOSING):
            return
        self.state = State.CLOSING
        self._request(Message("CLOSE_CONNECTION"), State.CLOSING)

    @property
    def tags(self) -> int:
        """Tag reports given."""
        return self._intake.tags

    @property
    def untimely(self) -> int:
        """Times of reads and events that could not be, for which the time of arrival stands."""
        return self._intake.untimely

    @property
    def waiting(self) -> int:
        """Bytes held of a message that is not complete."""
        return self._framer.waiting

    @property
    def ready(self) -> bool:
        """Whether the handshake is done and the link is not down."""
        return self.state is State.READING

    # -- the handshake --------------------------------------------------------------------------------------------

    def _enter(self, state: State) -> None:
        """Go to a state and send its request; states without one are passed over."""
        while True:
            self.state = state
            step = STEPS.get(state)
            if step is None:
                break
            request = step.request(self.settings, self.capabilities)
            if request is not None:
                self._request(request, state)
                return
            state = step.accepted
        if state is State.READING:
            self._ready()

    def _ready(self) -> None:
        """The handshake is done."""
        self._events += map(Notice, unmet(self.settings, self.capabilities))
        # Last, so that reports held for us come when we are set up. It has no answer, but some refuse it.
        self._requests.tell(Message("ENABLE_EVENTS_AND_REPORTS"))
        self.upkeep.begin(self._now, self.settings.timely and not rospec.timed(self.settings, self.capabilities))
        if self.settings.due(self._levels):
            self._request(rospec.start_now(self.settings), State.READING)  # the edge was while we were away
        self._events.append(Ready(described(self.settings, self.capabilities)))

    def _settled(self, pending: Pending, number: int, refusal: str | None) -> None:
        """A request was answered; all answers go through here. `refusal` None: accepted."""
        if pending.state is None:
            self._events.append(Answered(number, refusal, refusal is not None))
        elif pending.state is State.CLOSING:
            self._end()
        elif pending.state is State.READING:
            self._kept_up(pending.name, refusal)
        elif refusal is None:
            self._enter(STEPS[pending.state].accepted)
        else:
            onward = STEPS[pending.state].refused
            if onward is State.FAILED:
                advice = TAKE_OVER if pending.name == "ADD_ROSPEC" and not self.settings.takeover else ""
                self._fail(f"{pending.name} refused: {refusal}{advice}", refused=True)
            else:
                routine = pending.state is State.CLEAR  # there was nothing of ours to delete
                text = f"{pending.name} ({pending.state}) refused, going on without it: {refusal}"
                self._events.append(Notice(text, routine))
                self._enter(onward)

    def _kept_up(self, name: str, refusal: str | None) -> None:
        """START_ROSPEC or GET_ROSPECS outside the handshake was answered, or not in time."""
        if name == "GET_ROSPECS":
            if refusal is not None:
                self.upkeep.stop_looking()
                self._events.append(Notice(f"{name} refused: {refusal}; not asked again", routine=True))
        elif refusal is None:
            self.upkeep.started()
        elif self.upkeep.refused(self._now):
            self._fail(f"our ROSpec ended and cannot be started again: {name} refused: {refusal}", refused=True)
        else:
            self._notice(f"{name} refused: {refusal}")

    def _time_out(self, now: int) -> None:
        for number, pending in self._requests.overdue(now):
            if self.state in (State.FAILED, State.CLOSED):
                return
            late = f"was not answered within {self.settings.answer / 1e6:g} s"
            step = STEPS.get(pending.state) if pending.state is not None else None
            if pending.state is None:
                self._events.append(Answered(number, f"{pending.name} {late}"))
            elif pending.state is State.CLOSING:
                self._end()
            elif pending.state is State.READING:
                self._kept_up(pending.name, late)
            elif step is not None and step.unanswered is not State.FAILED:
                self._notice(f"{pending.name} ({pending.state}) {late}, going on without it")
                self._enter(step.unanswered)
            else:
                self._fail(f"{pending.name} ({pending.state}) {late}", refused=False)

    # -- messages -------------------------------------------------------------------------------------------------

    def _message(self, head: int, number: int, body: bytes) -> None:
        """Anything but a tag report."""
        kind = head & 0x3FF
        if kind == _KEEPALIVE:
            self._alive.sound = self._now
            self._requests.acknowledge(number, self._now)
            return
        try:
            message = decode(head, number, body)
            if kind == _NOTIFICATION:
                self._alive.sound = self._now
                self._notification(message)
            elif self._answer(message):
                self._alive.sound = self._now
        except CodecError as error:
            self._reject(str(error))

    def _answer(self, message: Message) -> bool:
        """Give a response or an error to whoever waits for it; whether anybody did."""
        pending = self._requests.pending.get(message.id)
        error = message.name == "ERROR_MESSAGE"
        if pending is not None and (error or RESPONSES.get(pending.name) == message.name):
            refusal = rospec.refusal(message)  # may raise: then the request still waits
            del self._requests.pending[message.id]
            self._learn(pending, message, refused=refusal is not None)
            self._requests.version = self.capabilities.version
            self._settled(pending, message.id, refusal)
        elif error and (name := self._requests.told(message.id)):
            self._notice(f"{name} refused, going on without it: {rospec.refusal(message)}")
            if name == "GET_REPORT":
                self.upkeep.stop_polling()
        else:
            self.unexpected += 1
            if self.unexpected & (self.unexpected - 1) == 0:  # the 1st, 2nd, 4th, 8th …
                what = f"{message.name} ({rospec.refusal(message)})" if error else message.name
                self._notice(f"{what} passed over, nobody waits for it ({self.unexpected} so far)")
            return False
        return True

    def _learn(self, pending: Pending, message: Message, refused: bool) -> None:
        """What an answer tells of the reader."""
        if pending.name == "GET_READER_CONFIG":
            self._found(message)
        elif pending.name == "GET_ROSPECS":
            if not refused and (text := self.upkeep.looked(message, self._now)):
                self._fail(text, refused=False)
        elif refused:
            if pending.state is State.ADD:
                self.capabilities = replace(self.capabilities, newer=False)  # the least is what 1.0.1 knew
        elif pending.state is State.VERSION:
            self.capabilities = read_versions(message)
        elif pending.state is State.VERSION_SET:
            self.capabilities = agreed(self.capabilities)
        elif pending.state is State.CAPABILITIES:
            self.capabilities = read_capabilities(message, self.capabilities)
            self._intake.carry(self.capabilities.manufacturer != IMPINJ)

    def _found(self, message: Message) -> None:
        """Levels of inputs and connected antennas, asked for."""
        events = found(self.settings, message, self._now + self._epoch)
        self._levels.update({event.port: event.level for event in events if isinstance(event, Gpi)})
        self._events += events

    def _notification(self, message: Message) -> None:
        """READER_EVENT_NOTIFICATION: its timestamp sets the clock, its event is told."""
        for notification in message.every("ReaderEventNotificationData"):
            at = self._intake.instant(notification, self._now, self._epoch)
            for event in notification.parameters:
                self._event(event, at)

    def _event(self, event: Parameter, at: int) -> None:
        match event.name:
            case "ConnectionAttemptEvent":
                self._greeted(event.fields["Status"])
            case "ConnectionCloseEvent":
                if self.state is State.CLOSING:
                    self._end()
                else:
                    self._fail("the reader closed the connection", refused=False)
            case "ROSpecEvent":
                if self.state is State.READING and (text := self.upkeep.event(event, self._now)):
                    self._notice(text)
            case _:
                self._flush()  # the order of an edge among the reads is kept
                self.overflows += event.name == "ReportBufferOverflowErrorEvent"
                self.exceptions += event.name == "ReaderExceptionEvent"
                self._events += happened(self.settings.id, event, at)

    def _greeted(self, status: int) -> None:
        if self.state is not State.GREETING:
            if status:
                self._notice(f"another client tried to connect ({label('ConnectionAttemptStatusType', status)})")
        elif status == 0:
            self._enter(State.VERSION)
        else:
            self._fail(not_welcome(status), refused=True)

    def _report(self, bodies: Sequence[bytes]) -> None:
        """RO_ACCESS_REPORTs."""
        wrong = self._intake.take(bodies, self._now, self._epoch)
        for why in wrong:
            self._reject(why)
        if len(bodies) > len(wrong):
            self._alive.sound = self._now

    # -- small change ---------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Tell the reads taken so far, and what was seen of the reader's clock meanwhile."""
        self._events += self._intake.reads()
        for by in self._intake.jumps:
            self.jumps += 1
            self._events.append(ClockJump(by))
        self._intake.jumps.clear()

    def _request(self, message: Message, state: State | None) -> int:
        return self._requests.ask(message, state, self._now)

    def _notice(self, text: str) -> None:
        self._events.append(Notice(text))

    def _reject(self, why: str) -> None:
        self.rejected += 1
        if self.rejected & (self.rejected - 1) == 0:  # the 1st, 2nd, 4th, 8th …: a broken reader must not fill the log
            self._notice(f"message rejected ({self.rejected} so far): {why}")

    def _end(self) -> None:
        self.state = State.CLOSED
        self._requests.pending.clear()
        self._events.append(Closed())

    def _fail(self, text: str, refused: bool) -> None:
        if self.state in (State.FAILED, State.CLOSED):
            return
        self._flush()
        self.fell, self.state = self.state, State.FAILED
        self._requests.pending.clear()
        self._events.append(ReaderFault(text, refused))
