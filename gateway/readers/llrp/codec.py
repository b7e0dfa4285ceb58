"""One LLRP message ↔ bytes, by walking `tables` (LLRP 1.0.1, binary encoding: TV and TLV).

Decoding keeps what it does not know: an unknown message or TLV parameter stays as bytes and is encoded again as it
came. Values stay the wire's: integers (also where they have names), bool for a lone bit, bytes, str, tuples of
integers, `BitString`.
"""

import struct
from collections.abc import Iterator
from struct import Struct
from typing import Any, NamedTuple

from gateway.errors import TallymanError
from gateway.readers.llrp.frames import HEADER
from gateway.readers.llrp.tables import (
    MESSAGE_NUMBERS,
    MESSAGES,
    PARAMETER_NUMBERS,
    PARAMETERS,
    TV_LAST,
    Bits,
    Scalars,
    Step,
    Variable,
)

VERSION = 1
"""What we speak: LLRP 1.0.1 says 1 in the version bits, 1.1 says 2."""

DEEPEST = 16
"""Levels of parameters inside parameters; the standard needs 7, an attacker would like thousands."""

_U16 = Struct(">H")
_TLV = Struct(">HH")
_ITEM = {"u16v": (2, "H"), "u32v": (4, "I")}


class CodecError(TallymanError):
    """A message that cannot be decoded, or values that cannot be encoded. The stream around it is still good."""


class BitString(NamedTuple):
    """A u1v: so many bits, left-aligned in bytes."""

    bits: int
    data: bytes


class Parameter(NamedTuple):
    """A parameter. An unknown one has the name `parameter {number}` and only the field `Data`."""

    name: str
    fields: dict[str, Any] = {}  # noqa: RUF012 - read-only by agreement; a NamedTuple default is shared
    parameters: tuple["Parameter", ...] = ()

    def first(self, name: str) -> "Parameter | None":
        """The first child of that name."""
        return next((p for p in self.parameters if p.name == name), None)

    def every(self, name: str) -> "Iterator[Parameter]":
        """All children of that name, in order."""
        return (p for p in self.parameters if p.name == name)


class Message(NamedTuple):
    """A message. An unknown one has the name `message {number}` and only the field `Data`."""

    name: str
    id: int = 0
    fields: dict[str, Any] = {}  # noqa: RUF012 - as above
    parameters: tuple[Parameter, ...] = ()
    version: int = VERSION

    def first(self, name: str) -> Parameter | None:
        """The first parameter of that name."""
        return next((p for p in self.parameters if p.name == name), None)

    def every(self, name: str) -> Iterator[Parameter]:
        """All parameters of that name, in order."""
        return (p for p in self.parameters if p.name == name)


def decode(head: int, number: int, body: bytes) -> Message:
    """Decode one frame (see `frames.Frame`).

    Raises:
        CodecError: the body is cut short, over-long, or holds what cannot be a parameter.
    """
    kind, version = head & 0x3FF, (head >> 10) & 7
    definition = MESSAGE_NUMBERS.get(kind)
    if definition is None:
        return Message(f"message {kind}", number, {"Data": body}, (), version)
    try:
        fields, position = _decode_fields(definition.steps, body, 0, len(body))
        parameters = _decode_parameters(body, position, len(body), 1)
    except CodecError as error:
        raise CodecError(f"{definition.name}: {error}") from None
    return Message(definition.name, number, fields, parameters, version)


def decode_parameters(data: bytes) -> tuple[Parameter, ...]:
    """Decode parameters that stand side by side, such as those inside a custom message.

    Raises:
        CodecError: as `decode`.
    """
    return _decode_parameters(data, 0, len(data), 1)


def _decode_parameters(data: bytes, position: int, end: int, depth: int) -> tuple[Parameter, ...]:
    if position == end:
        return ()
    if depth > DEEPEST:
        raise CodecError(f"parameters nested deeper than {DEEPEST}")
    found = []
    while position < end:
        first = data[position]
        if first & 0x80:
            definition = PARAMETER_NUMBERS.get(first & 0x7F)
            if definition is None:
                raise CodecError(f"unknown TV parameter {first & 0x7F}, whose length nobody can know")
            fields, position = _decode_fields(definition.steps, data, position + 1, end)
            found.append(Parameter(definition.name, fields))
            continue
        if end - position < 4:
            raise CodecError(f"{end - position} bytes left where a parameter should begin")
        kind, length = _TLV.unpack_from(data, position)
        kind &= 0x3FF
        stop = position + length
        if length < 4 or stop > end:
            raise CodecError(f"parameter {kind} claims {length} bytes, {end - position} are there")
        found.append(_decode_tlv(kind, data, position + 4, stop, depth))
        position = stop
    return tuple(found)


def _decode_tlv(kind: int, data: bytes, position: int, end: int, depth: int) -> Parameter:
    definition = PARAMETER_NUMBERS.get(kind)
    if definition is None or kind <= TV_LAST:
        return Parameter(f"parameter {kind}", {"Data": data[position:end]})
    try:
        fields, position = _decode_fields(definition.steps, data, position, end)
        return Parameter(definition.name, fields, _decode_parameters(data, position, end, depth + 1))
    except CodecError as error:
        raise CodecError(f"{definition.name}: {error}") from None


def _decode_fields(steps: tuple[Step, ...], data: bytes, position: int, end: int) -> tuple[dict[str, Any], int]:
    fields: dict[str, Any] = {}
    for step in steps:
        match step:
            case Scalars(names, layout):
                stop = position + layout.size
                if stop <= end:
                    fields.update(zip(names, layout.unpack_from(data, position), strict=True))
            case Bits(size, members):
                stop = position + size
                if stop <= end:
                    packed = int.from_bytes(data[position:stop], "big")
                    for name, shift, width, flag in members:
                        value = packed >> shift & ((1 << width) - 1)
                        fields[name] = bool(value) if flag else value
            case Variable(name, "rest"):
                stop = end
                fields[name] = data[position:end]
            case Variable(name, kind):
                stop, fields[name] = _decode_variable(kind, data, position, end)
        if stop > end:
            raise CodecError(f"cut short: {stop - end} more bytes are needed")
        position = stop
    return fields, position


def _decode_variable(kind: str, data: bytes, position: int, end: int) -> tuple[int, Any]:
    """One counted field: where it stops (beyond `end` when it is cut short), and its value."""
    start = position + 2
    if start > end:
        return start, None
    (count,) = _U16.unpack_from(data, position)
    if kind == "u1v":
        stop = start + (count + 7) // 8
        return stop, BitString(count, data[start:stop])
    if kind in _ITEM:
        size, code = _ITEM[kind]
        stop = start + count * size
        return stop, Struct(f">{count}{code}").unpack_from(data, start) if stop <= end else None
    stop = start + count
    raw = data[start:stop]
    # surrogateescape keeps what is not UTF-8, so that it can be encoded again as it came
    return stop, raw.decode("utf-8", "surrogateescape") if kind == "utf8v" else raw


def encode(message: Message) -> bytes:
    """Encode one message, header included.

    Raises:
        CodecError: an unknown name, a missing field, or a value that does not fit.
    """
    definition = MESSAGES.get(message.name)
    if definition is None:
        kind, body = _opaque("message", message.name, message.fields)
    else:
        kind = definition.number
        body = _encode_fields(definition.name, definition.steps, message.fields)
    body += encode_parameters(message.parameters)
    return HEADER.pack(message.version << 10 | kind, HEADER.size + len(body), message.id) + body


def encode_parameters(parameters: tuple[Parameter, ...]) -> bytes:
    """Encode parameters side by side.

    Raises:
        CodecError: as `encode`.
    """
    return b"".join(map(_encode_parameter, parameters))


def _encode_parameter(parameter: Parameter) -> bytes:
    definition = PARAMETERS.get(parameter.name)
    if definition is None:
        kind, body = _opaque("parameter", parameter.name, parameter.fields)
    else:
        kind = definition.number
        body = _encode_fields(definition.name, definition.steps, parameter.fields)
        if kind <= TV_LAST:
            return bytes((0x80 | kind,)) + body
    body += encode_parameters(parameter.parameters)
    if len(body) + 4 > 0xFFFF:
        raise CodecError(f"{parameter.name}: {len(body) + 4} bytes do not fit a parameter")
    return _TLV.pack(kind, len(body) + 4) + body


def _opaque(what: str, name: str, fields: dict[str, Any]) -> tuple[int, bytes]:
    noun, _, number = name.partition(" ")
    if noun != what or not number.isdecimal() or int(number) > 0x3FF:
        raise CodecError(f"{name!r} is no {what} of LLRP 1.0.1; an unknown one is called '{what} <number>'")
    return int(number), bytes(fields.get("Data", b""))


def _encode_fields(owner: str, steps: tuple[Step, ...], fields: dict[str, Any]) -> bytes:
    parts = []
    try:
        for step in steps:
            match step:
                case Scalars(names, layout):
                    values = [fields[name] for name in names]
                    if any(isinstance(value, bytes) and len(value) != 12 for value in values):
                        raise CodecError(f"{owner}: a 96-bit field takes 12 bytes")  # struct would pad or cut
                    parts.append(layout.pack(*values))
                case Bits(size, members):
                    packed = 0
                    for name, shift, width, _ in members:
                        value = int(fields[name])
                        if value >> width:
                            raise CodecError(f"{owner}: {name} = {value} does not fit {width} bits")
                        packed |= value << shift
                    parts.append(packed.to_bytes(size, "big"))
                case Variable(name, kind):
                    parts.append(_encode_variable(kind, fields[name]))
    except KeyError as missing:
        raise CodecError(f"{owner}: field {missing} is missing") from None
    except (struct.error, TypeError, ValueError, AttributeError) as error:
        raise CodecError(f"{owner}: {error}") from None
    return b"".join(parts)


def _encode_variable(kind: str, value: Any) -> bytes:
    if kind == "rest":
        return bytes(value)
    if kind == "u1v":
        bits, data = value
        if len(data) != (bits + 7) // 8:
            raise ValueError(f"{bits} bits need {(bits + 7) // 8} bytes, not {len(data)}")
        return _U16.pack(bits) + bytes(data)
    if kind in _ITEM:
        return _U16.pack(len(value)) + Struct(f">{len(value)}{_ITEM[kind][1]}").pack(*value)
    raw = value.encode("utf-8", "surrogateescape") if kind == "utf8v" else bytes(value)
    return _U16.pack(len(raw)) + raw
