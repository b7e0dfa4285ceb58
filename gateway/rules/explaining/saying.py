"""What sentences are made of: instants, durations, levels, tags and lots as a person says them. Pure."""

from collections.abc import Sequence

from msgspec import Struct

from gateway.identity import decode
from gateway.model.outcome import Line
from gateway.model.quantity import format_quantity
from gateway.model.times import SECOND, rfc3339


class Sentence(Struct, frozen=True, omit_defaults=True):
    """One sentence. `about` says what it answers (opening, direction, tag, reason, …); `epc` which tag it is about."""

    about: str
    text: str
    epc: str = ""


def instant(us: int) -> str:
    """An instant, UTC, to the millisecond: `2026-11-21 06:42:21.000 UTC`."""
    return f"{rfc3339(us)[:10]} {clock(us)}"


def clock(us: int) -> str:
    """The time of day of an instant: `06:42:21.000 UTC`."""
    return f"{rfc3339(us)[11:23]} UTC"


def seconds(us: int) -> str:
    """A duration: `0.35 s`, `12.0 s`, `3 min`."""
    if abs(us) >= 120 * SECOND:
        return f"{us / SECOND / 60:.0f} min"
    return f"{us / SECOND:.2f} s" if abs(us) < SECOND else f"{us / SECOND:.1f} s"


def many(count: int, one: str, more: str = "") -> str:
    """`1 tag`, `3 tags`."""
    return f"{count} {one if count == 1 else more or one + 's'}"


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def tag(epc: str) -> str:
    """A tag by what it says of itself, and its EPC: `SSCC 095200010000000010 (31D6…)`."""
    ai = decode(epc).ai
    if "00" in ai:
        return f"SSCC {ai['00']} ({epc})"
    if "01" in ai:
        serial = f" serial {ai['21']}" if "21" in ai else ""
        return f"GTIN {ai['01']}{serial} ({epc})"
    return f"tag {epc}"


def goods(line: Line) -> str:
    """What a line of a movement is: `24 each of GTIN 09520001112348 lot L1`."""
    amount = f"{format_quantity(line.quantity)} {line.unit}"
    if line.gtin is None:
        return f"{amount} of goods that nothing identifies"
    return f"{amount} of GTIN {line.gtin}" + (f" lot {line.lot}" if line.lot else ", lot unknown")
