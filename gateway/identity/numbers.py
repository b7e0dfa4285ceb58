"""Lot numbers that a site gives itself, from a template such as `B{date:%Y%m%d}-{seq:03}`.

`{date:…}` is a day (strftime: %Y %y %m %d %j %V %G), `{seq}` or `{seq:03}` counts from 1.
"""

import re
from datetime import UTC, datetime

from gateway.identity.keys import TEXT_LIMIT

_PART = re.compile(r"\{date:((?:%[YymdjVG]|[A-Za-z0-9._-])+)\}|\{seq(?::0([1-9]))?\}")
_PLAIN = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]*")
_LONGEST_TEMPLATE = 100


def template_problem(template: str) -> str | None:
    """Why a template gives no lot numbers; None when it does."""
    if len(template) > _LONGEST_TEMPLATE or not _PLAIN.fullmatch(_PART.sub("", template)):
        return f"{template[:40]!r}: only GS1's 82 characters, {{date:%Y%m%d}} and {{seq:03}} may stand in it"
    if len([part for part in _PART.finditer(template) if part[1] is None]) != 1:
        return f"{template[:40]!r}: exactly one {{seq}} tells one lot from the next"
    if len(numbered(template, datetime(2026, 12, 31, tzinfo=UTC), 1)) > TEXT_LIMIT:
        return f"{template[:40]!r} gives more than the {TEXT_LIMIT} characters of a lot number"
    return None


def numbered(template: str, day: datetime, seq: int | None) -> str:
    """The number; with `seq` None the text that its counter belongs to."""

    def part(found: re.Match[str]) -> str:
        if found[1] is not None:
            return day.strftime(found[1])
        return "{seq}" if seq is None else f"{seq:0{found[2] or 1}d}"

    return _PART.sub(part, template)
