"""The reader seam: what the house asks of anything that reads tags.

A driver is an object with an `id` and one coroutine, `run()`. `run` connects, works until the link fails, and then
raises `gateway.errors.DeviceError` with a sentence a technician can act on (`RefusedError` when the reader is there
and said no). It never reconnects by itself: whoever started it starts it again, with back-off, for ever. Being
cancelled means "stop politely". A driver says what it learns by awaiting the `submit` it was given, with inputs of
`gateway.model.inputs`: `Device(state="up")` once reads may come, then `Reads` and `Gpi`. `submit` waits when the house
is busy; a driver must bear that without losing its link and without storing what it cannot bound.

Times in its inputs are gateway time in µs: a driver corrects the reader's clock, never the house.

`set_gpo` and `light` return when the reader has confirmed, and raise `DeviceError` when it did not.
"""

from collections.abc import Mapping
from typing import Protocol


class Reader(Protocol):
    """A reader as the house sees it; `gateway.readers.llrp.driver.LlrpReader` is the one we ship."""

    @property
    def id(self) -> str:
        """The reader's id in the configuration."""
        ...

    def counts(self) -> dict[str, int]:
        """What was odd so far, over all connections, by kind: messages `rejected`, and what else the driver counts."""
        ...

    async def run(self) -> None:
        """Connect and read until the link fails. Raises DeviceError; cancellation stops politely."""
        ...

    async def set_gpo(self, port: int, level: bool) -> None:
        """Drive one general purpose output. Raises DeviceError when not connected, refused or unanswered."""
        ...

    async def light(self, ports: Mapping[int, bool]) -> None:
        """Drive several outputs in one command (a light stack). Raises as `set_gpo`."""
        ...
