"""Properties of the LLRP codec over everything its tables define, in both versions, custom messages included."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.readers.llrp.codec import (
    BitString,
    CodecError,
    Message,
    Parameter,
    decode,
    decode_parameters,
    encode,
    encode_parameters,
)
from gateway.readers.llrp.frames import Framer
from gateway.readers.llrp.tables import CUSTOM_MESSAGES, CUSTOM_PARAMETERS, VERSIONS, Definition, Field
from gateway.readers.llrp.transcript import line, read, record

KINDS: dict[str, st.SearchStrategy[Any]] = {
    "u1": st.booleans(),
    "u2": st.integers(0, 3),
    **{f"u{bits}": st.integers(0, 2**bits - 1) for bits in (8, 16, 32, 64)},
    **{f"s{bits}": st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32)},
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
VERSION = st.sampled_from(sorted(VERSIONS))


def _value(field: Field) -> st.SearchStrategy[Any]:
    return st.integers(0, 1) if field.kind == "u1" and field.enumeration else KINDS[field.kind]


def _fields(definition: Definition) -> st.SearchStrategy[dict[str, Any]]:
    if definition.name in ("Custom", "CUSTOM_MESSAGE"):  # of no vendor that we know, or it would come out by its name
        return st.fixed_dictionaries({f.name: _value(f) for f in definition.fields} | {"VendorIdentifier": st.just(1)})
    return st.fixed_dictionaries({f.name: _value(f) for f in definition.fields if f.name})


@st.composite
def parameters(draw: st.DrawFn, name: str, version: int, depth: int = 0) -> Parameter:
    """Any content of one parameter; where `Custom` may stand, also a vendor's."""
    if name == "Custom" and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(CUSTOM_PARAMETERS)))
    definition = VERSIONS[version].parameters.get(name) or CUSTOM_PARAMETERS[name]
    return Parameter(name, draw(_fields(definition)), draw(_children(definition, version, depth)))


@st.composite
def _children(draw: st.DrawFn, definition: Definition, version: int, depth: int) -> tuple[Parameter, ...]:
    children: list[Parameter] = []
    choices = VERSIONS[version].choices
    for child in definition.children:
        names = choices[child.name.strip("<>")] if child.name.startswith("<") else (child.name,)
        times = 1 if child.repeat in ("", "+") else draw(st.integers(0, 1)) if depth < 3 else 0
        children += [draw(parameters(draw(st.sampled_from(names)), version, depth + 1)) for _ in range(times)]
    return tuple(children)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Any message of either version, or of a vendor, that the tables allow."""
    version = draw(VERSION)
    known = VERSIONS[version].messages | CUSTOM_MESSAGES
    definition = known[draw(st.sampled_from(sorted(known)))]
    number = draw(st.integers(0, 0xFFFFFFFF))
    return Message(definition.name, number, draw(_fields(definition)), draw(_children(definition, version, 0)), version)


@settings(max_examples=200, deadline=None)
@given(messages())
def test_every_message_survives_the_wire(message: Message) -> None:
    """decode(encode(x)) is x for every message of 1.0.1, 1.1 and the vendors, and its bytes come out again."""
    raw = encode(message)
    ((head, number, body),) = Framer().feed(raw)
    assert decode(head, number, body, customs=True) == message
    assert encode(decode(head, number, body)) == raw


@pytest.mark.parametrize("version", VERSIONS)
@settings(max_examples=3, deadline=None)
@given(data=st.data())
def test_every_parameter_survives_the_wire(version: int, data: st.DataObject) -> None:
    """decode(encode(x)) is x for each single parameter of the tables, none left out by chance."""
    for name in VERSIONS[version].parameters.keys() | CUSTOM_PARAMETERS.keys():
        sent = (data.draw(parameters(name, version)),)
        raw = encode_parameters(sent, version)
        assert decode_parameters(raw, version, customs=True) == sent
        assert encode_parameters(decode_parameters(raw, version), version) == raw


@settings(max_examples=200, deadline=None)
@given(messages(), st.data())
def test_what_decodes_encodes_to_the_same_bytes(message: Message, data: st.DataObject) -> None:
    """Whatever bytes are flipped or cut: a message that decodes is encoded byte for byte; else it is a CodecError."""
    raw = bytearray(encode(message))
    for position in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=4)):
        if not 2 <= position < 6:  # the length belongs to the framer
            raw[position] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(10, len(raw)))
    frame = bytes(raw[:2]) + cut.to_bytes(4, "big") + bytes(raw[6:cut])
    ((head, number, body),) = Framer().feed(frame)
    for customs in (True, False):
        decoded, position = None, 0
        try:
            decoded = decode(head, number, body, customs)
        except CodecError as error:
            position = error.position or 0
        assert 0 <= position <= len(body)
        assert decoded is None or encode(decoded) == frame


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=30), messages().map(encode)), max_size=6), st.data())
def test_any_file_is_read_to_its_end(parts: list[bytes], data: st.DataObject) -> None:
    """A file of anything gives entries that have words, never an exception, however it is cut into pieces."""
    whole = b"".join(parts)
    entries = list(read([whole]))
    size = data.draw(st.integers(1, 50))
    assert list(read(whole[at : at + size] for at in range(0, len(whole), size))) == entries
    assert b"".join(entry.raw for entry in entries) == whole[: sum(len(entry.raw) for entry in entries)]
    for entry in entries:
        assert "\n" not in line(entry)
        assert record(entry)["offset"] == entry.offset
        assert entry.exact == (entry.message is not None)
