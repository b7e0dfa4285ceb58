"""Segments: zstd-compressed recordings written group by group, each group safe on its own.

    group = skippable frame (RFC 8878 §3.1.2): magic, size, first ordinal u64, records u32, body bytes u32, CRC-32 u32
          + zstd frame with content checksum: the group's lines, each ended by a line feed

`zstd -dc` reads a segment as plain NDJSON. A torn or rotten group is recognised, skipped and counted; the next one
is found by its magic and stands on its own ordinals.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import zstandard
from msgspec import Struct

MAGIC = b"\x5a\x2a\x4d\x18"
_LEAD = struct.Struct("<4sI")
_MARK = struct.Struct("<QII")
_CRC = struct.Struct("<I")
_FRAME = _LEAD.pack(MAGIC, _MARK.size + _CRC.size)
LEAD_BYTES = len(_FRAME) + _MARK.size + _CRC.size
LONGEST_GROUP = 64 << 20
"""Bytes a group may unpack to: more is damage, not data."""


class Group(Struct, frozen=True):
    """One fsync group: `lines` start with record `first`; `records` 0 means it is the header line."""

    first: int
    records: int
    lines: tuple[bytes, ...]
    end: int  # offset in the file after it


class Damage(Struct, frozen=True):
    """Bytes that are no group, from `start` to `end`."""

    start: int
    end: int


def pack_group(first: int, lines: list[bytes], *, header: bool = False) -> bytes:
    """A group's bytes."""
    body = zstandard.ZstdCompressor(level=1, write_checksum=True).compress(b"\n".join(lines) + b"\n")
    mark = _MARK.pack(first, 0 if header else len(lines), len(body))
    return _FRAME + mark + _CRC.pack(zlib.crc32(mark)) + body


def read_groups(path: Path) -> Iterator[Group | Damage]:
    """All groups of a segment in file order, with what lies damaged between them. Never raises on contents."""
    content = path.read_bytes()
    offset = 0
    while offset < len(content):
        group = _group_at(content, offset)
        if group is not None:
            yield group
            offset = group.end
            continue
        following = content.find(MAGIC, offset + 1)
        while following != -1 and _group_at(content, following) is None:
            following = content.find(MAGIC, following + 1)
        end = len(content) if following == -1 else following
        yield Damage(offset, end)
        offset = end


def _group_at(content: bytes, offset: int) -> Group | None:
    body_at = offset + LEAD_BYTES
    if body_at > len(content) or not content.startswith(_FRAME, offset):
        return None
    mark = content[offset + _LEAD.size : body_at - _CRC.size]
    if _CRC.unpack_from(content, body_at - _CRC.size)[0] != zlib.crc32(mark):
        return None
    first, records, size = _MARK.unpack(mark)
    body = content[body_at : body_at + size]
    if len(body) != size:
        return None
    try:
        frame = zstandard.get_frame_parameters(body)
        # Rot in the frame's own header: nothing is allocated for it, and nothing is believed without its checksum.
        if not frame.has_checksum or LONGEST_GROUP < frame.content_size < zstandard.CONTENTSIZE_UNKNOWN:
            return None
        text = zstandard.ZstdDecompressor().decompress(body, max_output_size=LONGEST_GROUP)
    except zstandard.ZstdError:
        return None
    lines = tuple(text.split(b"\n")[:-1])
    return Group(first, records, lines, body_at + size) if len(lines) == max(1, records) else None


def sync_directory(directory: Path) -> None:
    """Make a new or replaced name in a directory durable."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
