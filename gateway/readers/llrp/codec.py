"""One LLRP message ↔ bytes, by walking `tables` (LLRP 1.0.1 and 1.1, binary encoding: TV and TLV).

Decoding keeps what it does not know: an unknown message or TLV parameter stays as bytes, reserved bits that are not
zero stay as a field `Reserved`. What decodes is encoded again byte for byte. An unknown TV parameter has no length
that could be skipped: it ends the message with a `CodecError`. Values stay the wire's: integers (also where they have
names), bool for a lone bit, bytes, str, tuples of integers, `BitString`.
"""

import struct
from collections.abc import Iterator, Mapping
from struct import Struct
from typing import Any, NamedTuple

from gateway.errors import TallymanError
from gateway.readers.llrp.frames import HEADER
from gateway.readers.llrp.tables import (
    CUSTOM_MESSAGES,
    CUSTOM_PARAMETERS,
    TV_LAST,
    VERSIONS,
    Bits,
    Definition,
    Scalars,
    Step,
    Tables,
    Variable,
)

VERSION = 1
"""What we speak: LLRP 1.0.1 says 1 in the version bits, 1.1 says 2."""

DEEPEST = 16
"""Levels of parameters inside parameters; the standard needs 7, an attacker would like thousands."""

CUSTOM = 1023
"""The number of CUSTOM_MESSAGE and of the parameter Custom."""

_U16 = Struct(">H")
_TLV = Struct(">HH")
_MESSAGE_PREFIX, _PARAMETER_PREFIX = Struct(">IB"), Struct(">II")  # vendor, subtype
_MESSAGE_RESERVED, _TLV_RESERVED = 0xE000, 0x7C00
_RESERVED = "ReservedHeader"
_ITEM = {"u16v": (2, "H"), "u32v": (4, "I")}


class CodecError(TallymanError):
    """A message that cannot be decoded, or values that cannot be encoded. The stream around it is still good.

    `position` is the byte of the body where decoding stopped (None when encoding).
    """

    def __init__(self, text: str, position: int | None = None) -> None:
        self.position = position
        super().__init__(text)


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


class _Book(NamedTuple):
    """Definitions by number, for decoding one version, with or without the custom ones."""

    messages: dict[int, Definition]
    parameters: dict[int, Definition]
    tvs: dict[int, tuple[str, Scalars]]  # a TV parameter is always one run of numbers
    custom_messages: dict[tuple[int, int], Definition]
    custom_parameters: dict[tuple[int, int], Definition]


def _only_run(definition: Definition) -> tuple[Scalars, ...]:
    """The fields of a TV parameter; nothing for any other."""
    return tuple(s for s in definition.steps if isinstance(s, Scalars)) if definition.number <= TV_LAST else ()


def _book(tables: Tables, customs: bool) -> _Book:
    return _Book(
        {d.number: d for d in tables.messages.values()},
        {d.number: d for d in tables.parameters.values()},
        {d.number: (d.name, step) for d in tables.parameters.values() for step in _only_run(d)},
        {(d.vendor, d.number): d for d in CUSTOM_MESSAGES.values() if customs},
        {(d.vendor, d.number): d for d in CUSTOM_PARAMETERS.values() if customs},
    )


_BOOKS = {
    (version, customs): _book(tables, customs) for version, tables in VERSIONS.items() for customs in (False, True)
}


def decode(head: int, number: int, body: bytes, customs: bool = False) -> Message:
    """Decode one frame (see `frames.Frame`) by the version in its head.

    With `customs` the custom messages and parameters of vendors in `tables_vendors` come by their names and with their
    fields; where one does not fit, and without `customs`, it comes as CUSTOM_MESSAGE or Custom with its bytes.

    Raises:
        CodecError: a version we do not know; the body is cut short, over-long, or holds what cannot be a parameter.
    """
    kind, version = head & 0x3FF, head >> 10 & 7
    book = _BOOKS.get((version, customs))
    if book is None:
        raise CodecError(f"message {kind} of LLRP version {version}; 1 (LLRP 1.0.1) and 2 (1.1) are known", 0)
    message = _opened(number, body, version, book) if kind == CUSTOM else None
    if message is None:
        definition = book.messages.get(kind)
        if definition is None:
            message = Message(f"message {kind}", number, {"Data": body}, (), version)
        else:
            message = _message(definition, number, body, 0, version, book)
    if head & _MESSAGE_RESERVED:
        message.fields[_RESERVED] = head & _MESSAGE_RESERVED
    return message


def _message(definition: Definition, number: int, body: bytes, position: int, version: int, book: _Book) -> Message:
    try:
        fields, position = _decode_fields(definition.steps, body, position, len(body))
        parameters = _decode_parameters(body, position, len(body), 1, book)
    except CodecError as error:
        raise CodecError(f"{definition.name}: {error}", error.position) from None
    return Message(definition.name, number, fields, parameters, version)


def _opened(number: int, body: bytes, version: int, book: _Book) -> Message | None:
    """A custom message by its own name, or None when it, or the body it comes with, is not one we know."""
    if not book.custom_messages or len(body) < _MESSAGE_PREFIX.size:
        return None
    definition = book.custom_messages.get(_MESSAGE_PREFIX.unpack_from(body))
    try:
        return definition and _message(definition, number, body, _MESSAGE_PREFIX.size, version, book)
    except CodecError:
        return None


def decode_parameters(data: bytes, version: int = VERSION, customs: bool = False) -> tuple[Parameter, ...]:
    """Decode parameters that stand side by side, such as those inside a custom message; `version` is 1 or 2.

    Raises:
        CodecError: as `decode`.
    """
    return _decode_parameters(data, 0, len(data), 1, _BOOKS[version, customs])


def _decode_parameters(data: bytes, position: int, end: int, depth: int, book: _Book) -> tuple[Parameter, ...]:
    if position == end:
        return ()
    if depth > DEEPEST:
        raise CodecError(f"parameters nested deeper than {DEEPEST}", position)
    found = []
    while position < end:
        first = data[position]
        if first & 0x80:
            known = book.tvs.get(first & 0x7F)
            if known is None:
                raise CodecError(f"unknown TV parameter {first & 0x7F}, whose length nobody can know", position)
            name, (names, layout) = known
            position += 1
            if position + layout.size > end:
                missing = position + layout.size - end
                raise CodecError(f"{name}: cut short: {missing} more bytes are needed", position)
            fields = dict(zip(names, layout.unpack_from(data, position), strict=True))
            found.append(Parameter(name, fields))
            position += layout.size
            continue
        if end - position < 4:
            raise CodecError(f"{end - position} bytes left where a parameter should begin", position)
        kind, length = _TLV.unpack_from(data, position)
        stop = position + length
        if length < 4 or stop > end:
            claim = f"parameter {kind & 0x3FF} claims {length} bytes, {end - position} are there"
            raise CodecError(claim, position)
        parameter = _decode_tlv(kind & 0x3FF, data, position + 4, stop, depth, book)
        if kind & _TLV_RESERVED:
            parameter.fields[_RESERVED] = kind & _TLV_RESERVED
        found.append(parameter)
        position = stop
    return tuple(found)


def _decode_tlv(kind: int, data: bytes, position: int, end: int, depth: int, book: _Book) -> Parameter:
    if kind == CUSTOM and book.custom_parameters and end - position >= _PARAMETER_PREFIX.size:
        custom = book.custom_parameters.get(_PARAMETER_PREFIX.unpack_from(data, position))
        if custom is not None:
            try:
                return _parameter(custom, data, position + _PARAMETER_PREFIX.size, end, depth, book)
            except CodecError:
                pass  # another body than we know: it stays as it came
    definition = book.parameters.get(kind)
    if definition is None or kind <= TV_LAST:
        return Parameter(f"parameter {kind}", {"Data": data[position:end]})
    return _parameter(definition, data, position, end, depth, book)


def _parameter(definition: Definition, data: bytes, position: int, end: int, depth: int, book: _Book) -> Parameter:
    try:
        fields, position = _decode_fields(definition.steps, data, position, end)
        return Parameter(definition.name, fields, _decode_parameters(data, position, end, depth + 1, book))
    except CodecError as error:
        raise CodecError(f"{definition.name}: {error}", error.position) from None


def _decode_fields(steps: tuple[Step, ...], data: bytes, position: int, end: int) -> tuple[dict[str, Any], int]:
    fields: dict[str, Any] = {}
    for step in steps:
        match step:
            case Scalars(names, layout):
                stop = position + layout.size
                if stop <= end:
                    fields.update(zip(names, layout.unpack_from(data, position), strict=True))
            case Bits(size, members, reserved, mask):
                stop = position + size
                if stop <= end:
                    packed = int.from_bytes(data[position:stop], "big")
                    for name, shift, width, flag in members:
                        value = packed >> shift & ((1 << width) - 1)
                        fields[name] = bool(value) if flag else value
                    if packed & mask:
                        fields[reserved] = packed & mask
            case Variable(name, "rest"):
                stop = end
                fields[name] = data[position:end]
            case Variable(name, kind):
                stop, fields[name] = _decode_variable(kind, data, position, end)
        if stop > end:
            raise CodecError(f"cut short: {stop - end} more bytes are needed", position)
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
    """Encode one message, header included, by the tables of its version.

    Raises:
        CodecError: an unknown version or name, a missing field, or a value that does not fit.
    """
    tables = VERSIONS.get(message.version)
    if tables is None:
        raise CodecError(f"{message.name}: LLRP version {message.version} is not known")
    definition = tables.messages.get(message.name) or CUSTOM_MESSAGES.get(message.name)
    if definition is None:
        kind, body = _opaque("message", message.name, message.fields)
    else:
        kind, body = _head(definition, _MESSAGE_PREFIX)
        body += _encode_fields(definition.name, definition.steps, message.fields)
    body += encode_parameters(message.parameters, message.version)
    head = _reserved(message, _MESSAGE_RESERVED) | message.version << 10 | kind
    try:
        return HEADER.pack(head, HEADER.size + len(body), message.id) + body
    except struct.error as error:
        raise CodecError(f"{message.name}: {error}") from None


def encode_parameters(parameters: tuple[Parameter, ...], version: int = VERSION) -> bytes:
    """Encode parameters side by side; `version` is 1 or 2.

    Raises:
        CodecError: as `encode`.
    """
    known = VERSIONS[version].parameters
    return b"".join([_encode_parameter(parameter, known, version) for parameter in parameters])


def _encode_parameter(parameter: Parameter, known: Mapping[str, Definition], version: int) -> bytes:
    definition = known.get(parameter.name) or CUSTOM_PARAMETERS.get(parameter.name)
    if definition is None:
        kind, body = _opaque("parameter", parameter.name, parameter.fields)
    else:
        kind, body = _head(definition, _PARAMETER_PREFIX)
        body += _encode_fields(definition.name, definition.steps, parameter.fields)
        if kind <= TV_LAST:
            return bytes((0x80 | kind,)) + body
    if parameter.parameters:
        body += encode_parameters(parameter.parameters, version)
    if len(body) + 4 > 0xFFFF:
        raise CodecError(f"{parameter.name}: {len(body) + 4} bytes do not fit a parameter")
    return _TLV.pack(_reserved(parameter, _TLV_RESERVED) | kind, len(body) + 4) + body


def _head(definition: Definition, prefix: Struct) -> tuple[int, bytes]:
    """The number on the wire, and what stands before the fields."""
    if definition.vendor:
        return CUSTOM, prefix.pack(definition.vendor, definition.number)
    return definition.number, b""


def _reserved(owner: Message | Parameter, mask: int) -> int:
    """Reserved bits of a header as they came; mostly 0."""
    bits = owner.fields.get(_RESERVED, 0)
    if not isinstance(bits, int) or bits & ~mask:
        raise CodecError(f"{owner.name}: {_RESERVED} = {bits!r} does not fit {mask:#x}")
    return bits


def _opaque(what: str, name: str, fields: dict[str, Any]) -> tuple[int, bytes]:
    noun, _, number = name.partition(" ")
    if noun != what or not number.isdecimal() or int(number) > 0x3FF:
        raise CodecError(f"{name!r} is no {what} of LLRP that we know; an unknown one is called '{what} <number>'")
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
                case Bits(size, members, reserved, mask):
                    packed = int(fields.get(reserved, 0))
                    if packed & ~mask:
                        raise CodecError(f"{owner}: {reserved} = {packed} does not fit {mask:#x}")
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
