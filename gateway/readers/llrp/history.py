"""What a reader's antennas used to see, written down for the next life of the gateway, and read again.

A portal of other antennas than then is another portal: its history is left out. What cannot be read is an error, and
the antennas are learnt anew.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from gateway.errors import TallymanError

LONGEST = 65_536
"""Bytes of a history; one of 64 antennas has some 6,000."""


class HistoryError(TallymanError):
    """Bytes that are no history."""


class Past(Struct, frozen=True, forbid_unknown_fields=True):
    """Of one antenna: windows it was learnt from, the share of its portal's tags it usually sees, and whether that
    fell: windows running, as a fault, and the share of the last window.
    """

    windows: Annotated[int, Meta(ge=0)] = 0
    usual: Annotated[float, Meta(ge=0, le=1)] = 0.0
    poor: Annotated[int, Meta(ge=0)] = 0
    fault: bool = False
    share: Annotated[float, Meta(ge=0, le=1)] = 0.0


class _Portal(Struct, frozen=True, forbid_unknown_fields=True):
    antennas: dict[int, Past]


class _History(Struct, frozen=True, forbid_unknown_fields=True):
    portals: list[_Portal]


def written(portals: Sequence[dict[int, Past]]) -> bytes:
    """The histories of a reader's portals as JSON."""
    return msgspec.json.format(msgspec.json.encode(_History([_Portal(portal) for portal in portals])), indent=1)


def read(data: bytes) -> list[dict[int, Past]]:
    """What `written` made.

    Raises:
        HistoryError: it is none, or too long.
    """
    if len(data) > LONGEST:
        raise HistoryError(f"{len(data)} bytes; {LONGEST} are the most")
    try:
        return [portal.antennas for portal in msgspec.json.decode(data, type=_History).portals]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HistoryError(str(error)) from None
