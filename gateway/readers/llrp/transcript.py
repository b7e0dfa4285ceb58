"""A file of concatenated LLRP frames: cut, decoded, checked by encoding again, and put into words.

Pure: bytes in pieces come in, entries go out one by one, so a file may be larger than memory. A frame that cannot be
decoded is one rejected entry, and the next begins where its length says; a length that cannot be true ends the file,
because nothing else marks a beginning.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

from gateway.readers.llrp.codec import BitString, CodecError, Message, Parameter, decode, encode
from gateway.readers.llrp.frames import HEADER, LONGEST, Framer
from gateway.readers.llrp.tables import (
    CUSTOM_MESSAGES,
    CUSTOM_PARAMETERS,
    VERSION_NAMES,
    VERSIONS,
    Field,
    label,
)


class Entry(NamedTuple):
    """One frame of the file: its offset in bytes, its bytes, and what they say; or `error`, why they say nothing."""

    offset: int
    raw: bytes
    message: Message | None
    error: str | None = None

    @property
    def exact(self) -> bool:
        """Whether the decoded message is encoded again to the same bytes."""
        if self.message is None:
            return False
        try:
            return encode(self.message) == self.raw
        except CodecError:
            return False


def read(pieces: Iterable[bytes], longest: int = LONGEST) -> Iterator[Entry]:
    """Decode the frames of a file that comes in pieces of any size. Never raises; holds one piece and one frame."""
    framer, offset = Framer(longest), 0
    for piece in pieces:
        for head, number, body in framer.feed(piece):
            length = HEADER.size + len(body)
            yield _entry(offset, head, number, body, HEADER.pack(head, length, number) + body)
            offset += length
        if framer.error is not None:
            yield Entry(offset, b"", None, f"{framer.error}; the rest of the file is lost")
            return
    if framer.waiting:
        yield Entry(offset, b"", None, f"the file ends inside a message: only {framer.waiting} bytes of it are there")


def _entry(offset: int, head: int, number: int, body: bytes, raw: bytes) -> Entry:
    try:
        return Entry(offset, raw, decode(head, number, body, customs=True))
    except CodecError as error:
        at = offset + HEADER.size + (error.position or 0)
        return Entry(offset, raw, None, f"{error} (at byte {at} of the file)")


def line(entry: Entry) -> str:
    """An entry on one line, for people: names for numbers where the standard has them, and units."""
    message = entry.message
    if message is None:
        return f"{entry.offset:>10}  rejected  {entry.error}"
    words = ", ".join(_inside(message.name, message.fields, message.parameters, message.version))
    version = VERSION_NAMES[message.version]
    return f"{entry.offset:>10}  {version:5}  {message.name} id={message.id} {len(entry.raw)} bytes  {words}".rstrip()


def _inside(name: str, fields: dict[str, Any], parameters: tuple[Parameter, ...], version: int) -> Iterator[str]:
    known = _fields(name, version)
    for field, value in fields.items():
        yield f"{field}={_words(value, known.get(field))}"
    for parameter in parameters:
        if len(parameter.fields) == 1 and not parameter.parameters:
            ((field, value),) = parameter.fields.items()
            yield f"{parameter.name}={_words(value, _fields(parameter.name, version).get(field))}"
        else:
            inside = _inside(parameter.name, parameter.fields, parameter.parameters, version)
            yield f"{parameter.name}({', '.join(inside)})"


def _words(value: Any, field: Field | None) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case str():
            # one line, whatever a reader puts into its texts
            return '"' + _text(value).encode("unicode_escape").decode().replace('"', '\\"') + '"'
        case BitString(bits, data):
            return f"{data.hex()}/{bits}"
        case bytes():
            return value.hex() or "-"
        case tuple():
            words = f"[{' '.join(map(str, value))}]"
        case _ if field is not None and field.enumeration:
            return label(field.enumeration, value)
        case _:
            words = str(value)
    return f"{words} {field.unit}" if field is not None and field.unit else words


def record(entry: Entry) -> dict[str, Any]:
    """An entry as an object for machines: the wire's values, with `names` beside those that have one; bytes in hex."""
    message = entry.message
    if message is None:
        return {"offset": entry.offset, "length": len(entry.raw), "error": entry.error}
    return {
        "offset": entry.offset,
        "version": VERSION_NAMES[message.version],
        "type": message.name,
        "id": message.id,
        "length": len(entry.raw),
    } | _content(message.name, message.fields, message.parameters, message.version)


def _content(name: str, fields: dict[str, Any], parameters: tuple[Parameter, ...], version: int) -> dict[str, Any]:
    known = _fields(name, version)
    content: dict[str, Any] = {}
    if fields:
        content["fields"] = {field: _plain(value) for field, value in fields.items()}
    names = {
        field: label(known[field].enumeration or "", value)
        for field, value in fields.items()
        if field in known and known[field].enumeration and isinstance(value, int)
    }
    if names:
        content["names"] = names
    if parameters:
        content["parameters"] = [
            {"name": p.name} | _content(p.name, p.fields, p.parameters, version) for p in parameters
        ]
    return content


def _plain(value: Any) -> Any:
    match value:
        case BitString(bits, data):
            return {"bits": bits, "hex": data.hex()}
        case bytes():
            return value.hex()
        case str():
            return _text(value)
        case tuple():
            return list(value)
    return value


def _text(value: str) -> str:
    """Text that anyone may print: what was not UTF-8 shows as an escape."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


@cache
def _fields(name: str, version: int) -> dict[str, Field]:
    """Name → field of a message or parameter; empty for an unknown one."""
    tables = VERSIONS[version]
    for known in (tables.parameters, tables.messages, CUSTOM_PARAMETERS, CUSTOM_MESSAGES):
        if name in known:
            return {field.name: field for field in known[name].fields if field.name}
    return {}
