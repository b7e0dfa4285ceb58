"""LLRP messages and parameters to bytes and back (GS1 EPCglobal LLRP 1.0.1, clauses 16 and 17; LLRP 1.1).

Written from the standard and apart from the gateway's codec, so that each can be checked against the other.
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from simulators.llrp import layout11
from simulators.llrp.layout import MESSAGES, PARAMETERS

VERSION, VERSION_1_1 = 1, 2
"""What the version bits of a header say: LLRP 1.0.1, LLRP 1.1."""
HEADER = 10
LARGEST = 1 << 22
"""No client has reason to send a longer message (bytes)."""
DEEPEST = 16
"""No parameter of the standard nests deeper."""


class Bits(NamedTuple):
    """A counted bit array: how many bits, and the bytes that hold them, first bit first."""

    length: int
    data: bytes


Value = int | str | bytes | list[int] | Bits


@dataclass
class Parameter:
    """One parameter. A type this reader does not know has the name `Unknown` and the fields `Type` and `Data`."""

    name: str
    fields: Mapping[str, Value] = field(default_factory=dict)
    parts: list["Parameter"] = field(default_factory=list)

    def number(self, name: str) -> int:
        """The integer field `name` (TypeError when it is not an integer)."""
        value = self.fields[name]
        if not isinstance(value, int):
            raise TypeError(f"{self.name}.{name} is no integer")
        return value

    def part(self, name: str) -> "Parameter | None":
        """The first sub-parameter called `name`."""
        return next(self.every(name), None)

    def every(self, *names: str) -> "Iterator[Parameter]":
        """All sub-parameters called one of `names`, in their order."""
        return (part for part in self.parts if part.name in names)


@dataclass
class Message(Parameter):
    """One message; `id` is the message ID that an answer repeats, `version` what the header says."""

    id: int = 0
    version: int = VERSION


class Malformed(Exception):  # noqa: N818 (an answer to the client, not a failure of ours)
    """What a client sent breaks the layout; `code` is the LLRP status code that says so."""

    def __init__(self, code: int, text: str, parameter: int | None = None) -> None:
        self.code, self.text, self.parameter = code, text, parameter
        super().__init__(text)


class Rule(NamedTuple):
    """How often one of `names` may stand among the sub-parameters."""

    repeat: str
    names: tuple[str, ...]


class Shape(NamedTuple):
    """The layout of one message or parameter; `head` bits of fixed fields come before the counted ones."""

    number: int
    name: str
    fixed: tuple[tuple[str, int, bool], ...]
    head: int
    counted: tuple[tuple[str, str], ...]
    rules: tuple[Rule, ...]


def _shape(line: str) -> Shape:
    left, _, right = line.partition("|")
    number, name, *columns = left.split()
    fixed: list[tuple[str, int, bool]] = []
    counted: list[tuple[str, str]] = []
    for column in columns:
        label, kind = column.split(":")
        if kind in ("rest", "text") or kind.endswith("v"):
            counted.append((label, kind))
        else:
            fixed.append((label, int(kind.lstrip("us")), kind[0] == "s"))
    head = sum(width for _, width, _ in fixed)
    rules = tuple(Rule(rule[0], tuple(rule[1:].split("/"))) for rule in right.split())
    return Shape(int(number), name, tuple(fixed), head, tuple(counted), rules)


def _shapes(table: str) -> list[Shape]:
    return [_shape(line) for line in table.strip().replace("\n  ", " ").splitlines()]


MESSAGE_BY_NAME = {shape.name: shape for shape in _shapes(MESSAGES)}
MESSAGE_BY_NUMBER = {shape.number: shape for shape in MESSAGE_BY_NAME.values()}
PARAMETER_BY_NAME = {shape.name: shape for shape in _shapes(PARAMETERS)}
PARAMETER_BY_NUMBER = {shape.number: shape for shape in PARAMETER_BY_NAME.values()}


class Book(NamedTuple):
    """The layouts of one version."""

    messages: Mapping[str, Shape]
    message_types: Mapping[int, Shape]
    parameters: Mapping[str, Shape]
    parameter_types: Mapping[int, Shape]


def _newer() -> Book:
    messages = MESSAGE_BY_NAME | {shape.name: shape for shape in _shapes(layout11.MESSAGES)}
    parameters = PARAMETER_BY_NAME | {shape.name: shape for shape in _shapes(layout11.PARAMETERS)}
    by_number = ({shape.number: shape for shape in table.values()} for table in (messages, parameters))
    return Book(messages, next(by_number), parameters, next(by_number))


BOOKS = {
    VERSION: Book(MESSAGE_BY_NAME, MESSAGE_BY_NUMBER, PARAMETER_BY_NAME, PARAMETER_BY_NUMBER),
    VERSION_1_1: _newer(),
}


def type_of(parameter: str) -> int:
    """The number of a parameter, which is the same in every version that has it."""
    return BOOKS[VERSION_1_1].parameters[parameter].number


def pack(message: Message) -> bytes:
    """One whole frame: version, type, length, message ID, body. ValueError when a value does not fit its field."""
    shape = BOOKS[message.version].messages[message.name]
    body = _pack_body(shape, message, message.version)
    return b"".join(
        (
            (message.version << 10 | shape.number).to_bytes(2, "big"),
            (HEADER + len(body)).to_bytes(4, "big"),
            message.id.to_bytes(4, "big"),
            body,
        )
    )


def pack_parameter(parameter: Parameter, version: int = VERSION) -> bytes:
    """One parameter: TV (one byte, then the value) below type 128, else TLV. The name `Raw` emits `Data` as it is."""
    if parameter.name == "Raw":
        data = parameter.fields["Data"]
        assert isinstance(data, bytes)
        return data
    shape = BOOKS[version].parameters[parameter.name]
    body = _pack_body(shape, parameter, version)
    if shape.number < 128:
        return bytes((0x80 | shape.number,)) + body
    return shape.number.to_bytes(2, "big") + (4 + len(body)).to_bytes(2, "big") + body


def _pack_body(shape: Shape, item: Parameter, version: int) -> bytes:
    head = 0
    for name, width, signed in shape.fixed:
        absent = name == "-" or (name in layout11.ADDED and name not in item.fields)
        value = 0 if absent else item.number(name)
        low, high = (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)
        if not low <= value <= high:
            raise ValueError(f"{item.name}.{name}: {value} does not fit {width} bits")
        head = head << width | value & (1 << width) - 1
    pieces = [head.to_bytes(shape.head // 8, "big")]
    pieces += [_pack_counted(kind, item.fields[name]) for name, kind in shape.counted]
    pieces += [pack_parameter(part, version) for part in item.parts]
    return b"".join(pieces)


def _pack_counted(kind: str, value: Value) -> bytes:
    match value:
        case Bits(length, data):
            return length.to_bytes(2, "big") + data
        case str():
            text = value.encode()
            return len(text).to_bytes(2, "big") + text
        case bytes():
            return value if kind == "rest" else len(value).to_bytes(2, "big") + value
        case list():
            width = int(kind[1:-1]) // 8
            return len(value).to_bytes(2, "big") + b"".join(item.to_bytes(width, "big") for item in value)
        case _:
            raise ValueError(f"{value!r} cannot be packed as {kind}")


def unpack(frame: bytes, checked: bool = True, versions: Container[int] = (VERSION,)) -> Message:
    """The message in one whole frame, of one of these `versions`.

    `checked` also holds it to the rules on sub-parameters. Raises Malformed with the status code a reader answers.
    """
    version, number = frame[0] >> 2 & 7, int.from_bytes(frame[:2], "big") & 0x3FF
    if version not in versions:
        raise Malformed(110, f"LLRP version {version} is not supported")
    book = BOOKS[version]
    shape = book.message_types.get(number)
    if shape is None:
        raise Malformed(109, f"message type {number} is not supported")
    fields, end = _unpack_fields(shape, frame, HEADER, len(frame))
    parts = _unpack_parts(shape, frame, end, len(frame), _Walk(book, checked), 0)
    return Message(shape.name, fields, parts, id=int.from_bytes(frame[6:10], "big"), version=version)


class _Walk(NamedTuple):
    """How parameters are read: by which layouts, and whether the rules on sub-parameters count."""

    book: Book
    checked: bool


def _unpack_fields(shape: Shape, data: bytes, start: int, end: int) -> tuple[dict[str, Value], int]:
    fields: dict[str, Value] = {}
    stop = start + shape.head // 8
    if stop > end:
        raise Malformed(200, f"{shape.name} is too short", shape.number)
    head, left = int.from_bytes(data[start:stop], "big"), shape.head
    for name, width, signed in shape.fixed:
        left -= width
        value = head >> left & (1 << width) - 1
        if name != "-":
            fields[name] = value - (1 << width) if signed and value >> width - 1 else value
    for name, kind in shape.counted:
        fields[name], stop = _unpack_counted(shape, kind, data, stop, end)
    return fields, stop


def _unpack_counted(shape: Shape, kind: str, data: bytes, start: int, end: int) -> tuple[Value, int]:
    if kind == "rest":
        return data[start:end], end
    count = int.from_bytes(data[start : start + 2], "big")
    bits = 8 if kind == "text" else int(kind[1:-1])
    stop = start + 2 + (count * bits + 7) // 8
    if start + 2 > end or stop > end:
        raise Malformed(200, f"{shape.name} is too short for a list of {count}", shape.number)
    body = data[start + 2 : stop]
    if kind == "text":
        return body.decode(errors="replace"), stop
    if kind == "u1v":
        return Bits(count, body), stop
    if kind == "u8v":
        return body, stop
    width = bits // 8
    return [int.from_bytes(body[at : at + width], "big") for at in range(0, len(body), width)], stop


def _unpack_parts(shape: Shape, data: bytes, start: int, end: int, walk: _Walk, depth: int) -> list[Parameter]:
    if depth > DEEPEST:
        raise Malformed(200, f"{shape.name} nests deeper than {DEEPEST}", shape.number)
    parts: list[Parameter] = []
    while start < end:
        part, start = _unpack_parameter(data, start, end, walk, depth)
        parts.append(part)
    if walk.checked:
        _check(shape, parts)
    return parts


def _unpack_parameter(data: bytes, start: int, end: int, walk: _Walk, depth: int) -> tuple[Parameter, int]:
    if data[start] & 0x80:
        number, body = data[start] & 0x7F, start + 1
        shape = walk.book.parameter_types.get(number)
        if shape is None:
            raise Malformed(207, f"TV parameter {number} is unknown, so its length is too", number)
        stop = body + shape.head // 8
    else:
        number, body = int.from_bytes(data[start : start + 2], "big") & 0x3FF, start + 4
        shape = walk.book.parameter_types.get(number)
        stop = start + int.from_bytes(data[start + 2 : body], "big")
    if not body <= stop <= end:
        raise Malformed(200, f"parameter {number} says it is {stop - start} bytes long", number)
    if shape is None:
        return Parameter("Unknown", {"Type": number, "Data": data[body:stop]}), stop
    fields, after = _unpack_fields(shape, data, body, stop)
    return Parameter(shape.name, fields, _unpack_parts(shape, data, after, stop, walk, depth + 1)), stop


def _check(shape: Shape, parts: list[Parameter]) -> None:
    """Hold sub-parameters to the rules; the codes are the P_ ones, for a message the M_ ones (100 lower)."""
    lower = 100 if shape.name in BOOKS[VERSION_1_1].messages else 0
    allowed = _allowed(shape)
    for part in parts:
        if part.name == "Unknown":
            raise Malformed(207 - lower, f"{shape.name} holds unknown type {part.number('Type')}", shape.number)
        if part.name not in allowed:
            raise Malformed(202 - lower, f"{shape.name} may not hold {part.name}", shape.number)
    for repeat, names in shape.rules:
        count = sum(part.name in names for part in parts)
        if not count and repeat in "1+":
            raise Malformed(203 - lower, f"{shape.name} lacks {' or '.join(names)}", shape.number)
        if count > 1 and repeat in "1?":
            raise Malformed(204 - lower, f"{shape.name} holds {count} {names[0]}, at most one is allowed", shape.number)


@cache
def _allowed(shape: Shape) -> frozenset[str]:
    return frozenset(name for rule in shape.rules for name in rule.names)
