"""Record lines: one JSON object per line, `t` first, then the input (DESIGN §6, Recording)."""

from typing import Any

import msgspec
from msgspec import Struct

from gateway.model.facts import FactsRecord
from gateway.model.inputs import Command, Downlink, Input
from gateway.model.times import parse_rfc3339, rfc3339

VERSION = 1
"""The recording format this code writes and the newest it reads."""

_encode = msgspec.json.Encoder().encode
_decode_input = msgspec.json.Decoder(Input | FactsRecord).decode
_STAMP = slice(6, 33)  # `{"t":"` + 27 characters, as our own writer puts them


class _Stamp(Struct):
    t: str


_decode_stamp = msgspec.json.Decoder(_Stamp).decode


class Header(Struct, frozen=True, omit_defaults=True):
    """The first line of a recording. `first` is the ordinal of the record after it, 1 unless it is a cut."""

    tallyman: int
    depth: str = "inputs"  # inputs | wire
    site: str = ""
    gateway: str = ""
    created: str = ""
    first: int = 1


def encode_header(header: Header) -> bytes:
    """The header line, without line feed."""
    return _encode(header)


def decode_header(line: bytes) -> Header:
    """Read a header line.

    Raises:
        ValueError: not a header, or written by a newer version.
    """
    try:
        header = msgspec.json.decode(line, type=Header)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not 1 <= header.tallyman <= VERSION:
        raise ValueError(f"recording format {header.tallyman}; this version reads up to {VERSION}")
    return header


def encode(t: int, item: Input | FactsRecord) -> bytes:
    """The line of an input stamped `t` (µs), without line feed."""
    return stamped(t, _encode(item))


def stamped(t: int, body: bytes) -> bytes:
    """The line of an encoded input (`encode_item`) stamped `t` (µs), without line feed."""
    return b'{"t":"%b",%b' % (rfc3339(t).encode(), body[1:])


def encode_item(item: Input) -> bytes:
    """An input without a stamp, checked to come back: what is in the journal must be readable.

    Raises:
        ValueError: text that is not Unicode, or nested too deeply.
    """
    try:
        body = _encode(item)
        if isinstance(item, Downlink | Command):  # whatever somebody sent; our own drivers' inputs are flat
            _decode_input(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return body


def decode(line: bytes) -> tuple[int, Input | FactsRecord]:
    """Read a record line into its stamp (µs) and input.

    Raises:
        ValueError: not JSON, unknown kind, a field of the wrong type, or a bad time (msgspec's errors are ValueErrors).
    """
    try:
        item: Any = _decode_input(line)
        stamp = line[_STAMP].decode() if line.startswith(b'{"t":"') and line[32:34] == b'Z"' else _decode_stamp(line).t
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return parse_rfc3339(stamp), item
