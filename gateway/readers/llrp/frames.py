"""A byte stream into LLRP frames (LLRP 1.0.1, binary encoding: 16 bits version and type, u32 length, u32 id).

This file knows where a message begins and ends, and nothing of what is in it. A wrong length cannot be resynchronised
(nothing marks a beginning), so it ends the stream: the caller closes the connection.
"""

from struct import Struct

from gateway.errors import TallymanError

HEADER = Struct(">HII")
"""Version and type, length of the whole message, message id."""

LONGEST = 4 * 1024 * 1024
"""Bytes of one message beyond which we do not believe the length."""

Frame = tuple[int, int, bytes]
"""Version and type as on the wire, message id, body (all behind the 10-byte header)."""


class FrameError(TallymanError):
    """The stream is no LLRP, or lost its place; the connection must be closed."""


class Framer:
    """Collects bytes and gives whole frames. After `error` is set it gives none."""

    def __init__(self, longest: int = LONGEST) -> None:
        self.error: FrameError | None = None
        self._longest = longest
        self._tail = bytearray()  # the beginning of a frame that is not all there
        self._need = HEADER.size  # bytes the tail must have before looking again pays

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes as they came; give the frames they complete, in order. Never raises: see `error`."""
        frames: list[Frame] = []
        if self.error is not None:
            return frames
        if self._tail:
            self._tail += data
            if len(self._tail) < self._need:
                return frames
            data = bytes(self._tail)
            self._tail.clear()
        position, end = 0, len(data)
        self._need = HEADER.size
        while end - position >= HEADER.size:
            head, length, number = HEADER.unpack_from(data, position)
            if not HEADER.size <= length <= self._longest:
                self.error = FrameError(
                    f"a message of type {head & 0x3FF} claims {length} bytes (10 to {self._longest} are possible): "
                    "the stream is broken or the far side does not speak LLRP"
                )
                return frames
            if end - position < length:
                self._need = length
                break
            frames.append((head, number, data[position + 10 : position + length]))
            position += length
        self._tail += data[position:]
        return frames

    @property
    def waiting(self) -> int:
        """Bytes held of a frame that is not complete."""
        return len(self._tail)
