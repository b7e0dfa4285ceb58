"""Properties of the LLRP stream: split invariance, decode∘encode, and nothing that arrives raises."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.inputs import Reads
from gateway.readers.llrp.codec import BitString, CodecError, Message, Parameter, decode, encode
from gateway.readers.llrp.frames import Framer
from gateway.readers.llrp.session import Session
from gateway.readers.llrp.settings import ReaderSettings
from gateway.readers.llrp.tables import CHOICES, MESSAGES, PARAMETERS, Definition, Field

NUMBERS = {
    "u1": st.booleans(),
    "u2": st.integers(0, 3),
    "u8": st.integers(0, 0xFF),
    "u16": st.integers(0, 0xFFFF),
    "u32": st.integers(0, 0xFFFFFFFF),
    "u64": st.integers(0, 2**64 - 1),
    "s8": st.integers(-128, 127),
    "s16": st.integers(-(2**15), 2**15 - 1),
    "u96": st.binary(min_size=12, max_size=12),
    "u8v": st.binary(max_size=5),
    "u16v": st.lists(st.integers(0, 0xFFFF), max_size=3).map(tuple),
    "u32v": st.lists(st.integers(0, 0xFFFFFFFF), max_size=3).map(tuple),
    "utf8v": st.text(max_size=5),
    "rest": st.binary(max_size=6),
    "u1v": st.binary(max_size=4).flatmap(
        lambda data: st.integers(max(0, len(data) * 8 - 7), len(data) * 8).map(lambda bits: BitString(bits, data))
    ),
}


def _value(field: Field) -> st.SearchStrategy[Any]:
    return st.integers(0, 1) if field.kind == "u1" and field.enumeration else NUMBERS[field.kind]


def _fields(definition: Definition) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({f.name: _value(f) for f in definition.fields if f.name})


@st.composite
def _parameter(draw: st.DrawFn, name: str, depth: int) -> Parameter:
    return Parameter(name, draw(_fields(PARAMETERS[name])), draw(_children(PARAMETERS[name], depth)))


@st.composite
def _children(draw: st.DrawFn, definition: Definition, depth: int) -> tuple[Parameter, ...]:
    children: list[Parameter] = []
    for child in definition.children:
        names = CHOICES[child.name.strip("<>")] if child.name.startswith("<") else (child.name,)
        times = 1 if child.repeat in ("", "+") else draw(st.integers(0, 1)) if depth < 3 else 0
        children += [draw(_parameter(draw(st.sampled_from(names)), depth + 1)) for _ in range(times)]
    return tuple(children)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Any message of LLRP 1.0.1 that the tables allow."""
    definition = MESSAGES[draw(st.sampled_from(sorted(MESSAGES)))]
    number = draw(st.integers(0, 0xFFFFFFFF))
    return Message(definition.name, number, draw(_fields(definition)), draw(_children(definition, 0)))


@settings(max_examples=150, deadline=None)
@given(messages())
def test_every_message_survives_the_wire(message: Message) -> None:
    """decode(encode(x)) is x, for every message and parameter of the tables."""
    ((head, number, body),) = Framer().feed(encode(message))
    assert decode(head, number, body) == message


@settings(max_examples=60, deadline=None)
@given(st.lists(messages(), max_size=4), st.data())
def test_any_split_gives_the_same_frames(sent: list[Message], data: st.DataObject) -> None:
    """However TCP cuts the stream, the same frames come out."""
    stream = b"".join(map(encode, sent))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=20)))
    framer = Framer()
    frames = [
        frame
        for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for frame in framer.feed(stream[start:stop])
    ]
    assert frames == Framer().feed(stream)
    assert len(frames) == len(sent)


@settings(max_examples=150, deadline=None)
@given(messages(), st.data())
def test_a_mutated_message_is_decoded_or_refused(message: Message, data: st.DataObject) -> None:
    """Flipped bytes and cut bodies give a message or CodecError, nothing else; what decodes encodes again."""
    raw = bytearray(encode(message))
    for position in data.draw(st.lists(st.integers(10, len(raw)), max_size=4)):
        if position < len(raw):
            raw[position] = data.draw(st.integers(0, 255))
    body = bytes(raw[10 : data.draw(st.integers(10, len(raw)))])
    try:
        decoded = decode(int.from_bytes(raw[:2], "big"), message.id, body)
    except CodecError:
        return
    assert len(encode(decoded)) == len(body) + 10


GREETING = bytes.fromhex("043f 00000020 00000000 00f60016 0080000c 0005ac35bd20d1da 01000006 0000")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=40), messages().map(encode)), max_size=12), st.booleans())
def test_a_session_never_raises(pieces: list[bytes], greeted: bool) -> None:
    """Whatever bytes arrive, in whatever state, the session only tells."""
    session = Session(ReaderSettings("r", "h", gpi=(1,), power_dbm=20.0, mode=3, takeover=True))
    session.opened(0)
    if greeted:
        session.receive_data(GREETING, 1)
    for now, piece in enumerate(pieces, 2):
        session.receive_data(piece, now)
        session.data_to_send()
        for event in session.events():
            if isinstance(event, Reads):
                assert all(len(row) == len(event.columns) for row in event.reads)
        session.on_deadline(now)


@settings(max_examples=60, deadline=None)
@given(st.lists(messages(), max_size=6), st.data())
def test_mutated_bodies_leave_the_session_alive(sent: list[Message], data: st.DataObject) -> None:
    """A body changed inside a good frame never ends the framing: the keepalive behind it is acknowledged."""
    session = Session(ReaderSettings("r", "h"))
    session.opened(0)
    for message in sent:
        if message.name in ("READER_EVENT_NOTIFICATION",):  # may rightly end the session: a refusal, a close
            continue
        raw = bytearray(encode(message))
        if len(raw) > 10:
            raw[data.draw(st.integers(10, len(raw) - 1))] = data.draw(st.integers(0, 255))
        session.receive_data(bytes(raw), 1)
    session.receive_data(bytes.fromhex("043e 0000000a 00000063"), 2)
    assert session.data_to_send().endswith(bytes.fromhex("0448 0000000a 00000063"))
